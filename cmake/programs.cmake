# The programs.  A command is one file cli/cmd_<name>.c and one row in cli/main.c.

add_executable(baton
  cli/main.c
  cli/option.c
  cli/output.c)
target_link_libraries(baton PRIVATE bt_flags bt_base PkgConfig::SMARTCOLS)
install(TARGETS baton RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
