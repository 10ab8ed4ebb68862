# The programs.  A command is one file cli/cmd_<name>.c and one row in cli/main.c.

add_executable(baton
  cli/cmd_apply.c
  cli/cmd_diff.c
  cli/cmd_rank.c
  cli/cmd_verify.c
  cli/main.c
  cli/option.c
  cli/output.c
  cli/server_logs.c)
target_link_libraries(baton PRIVATE bt_flags bt_base bt_apply bt_diff PkgConfig::SMARTCOLS)
install(TARGETS baton RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

# Runs on hosts where nothing is installed, so it brings everything with it.  Sanitizers cannot.
add_executable(baton-node failover/node/main.c)
target_link_libraries(baton-node PRIVATE bt_flags bt_node)
if(NOT BT_SANITIZE)
  set_target_properties(baton-node PROPERTIES BT_STATIC ON)
  target_link_options(baton-node PRIVATE -static -s) # what is copied to hosts is small
endif()
install(TARGETS baton-node RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/baton)
