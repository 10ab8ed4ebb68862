# The programs.  A command is one file cli/cmd_<name>.c and one row in cli/main.c.

add_executable(baton
  cli/cmd_diff.c
  cli/cmd_rank.c
  cli/cmd_verify.c
  cli/main.c
  cli/option.c
  cli/output.c
  cli/server_logs.c)
target_link_libraries(baton PRIVATE bt_flags bt_base bt_diff PkgConfig::SMARTCOLS)
install(TARGETS baton RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
