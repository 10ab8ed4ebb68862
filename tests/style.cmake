# Rules of the house as programs, and tests of those programs.
bt_bats(style includes)
bt_bats(style style)
bt_bats(style format)

# bt_rule(includes check-includes): scripts/check-includes finds nothing in this tree.
function(bt_rule name script)
  add_test(NAME style.tree.${name} COMMAND ${PROJECT_SOURCE_DIR}/scripts/${script} ${ARGN})
  set_tests_properties(style.tree.${name} PROPERTIES LABELS style TIMEOUT 300)
endfunction()

bt_rule(includes check-includes)
bt_rule(style check-style)
bt_rule(format format --check)
