# The programs.  A command is one file cli/cmd_<name>.c and one row in cli/main.c.

add_executable(baton
  cli/cluster_config.c
  cli/cmd_apply.c
  cli/cmd_check.c
  cli/cmd_conf.c
  cli/between.c
  cli/cmd_diff.c
  cli/cmd_failover.c
  cli/cmd_inspect.c
  cli/cmd_log.c
  cli/cmd_manager.c
  cli/cmd_rank.c
  cli/cmd_rejoin.c
  cli/cmd_switchover.c
  cli/cmd_start.c
  cli/cmd_status.c
  cli/cmd_stop.c
  cli/cmd_verify.c
  cli/connect.c
  cli/inspect_count.c
  cli/inspect_events.c
  cli/inspect_filter.c
  cli/inspect_histogram.c
  cli/inspect_html.c
  cli/inspect_origin.c
  cli/inspect_pieces.c
  cli/inspect_print.c
  cli/inspect_rowcount.c
  cli/inspect_rows.c
  cli/inspect_scan.c
  cli/inspect_summary.c
  cli/inspect_tables.c
  cli/inspect_transactions.c
  cli/main.c
  cli/manager_opts.c
  cli/option.c
  cli/output.c
  cli/progress.c
  cli/redact.c
  cli/server_logs.c)
target_link_libraries(baton PRIVATE
  bt_flags
  bt_base
  bt_parser
  bt_diff
  bt_apply
  bt_failover
  PkgConfig::SMARTCOLS
  Threads::Threads
  PkgConfig::XXHASH)
install(TARGETS baton RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

# Runs on hosts where nothing is installed, so it brings everything with it.  Sanitizers cannot.
add_executable(baton-node failover/node/main.c)
target_link_libraries(baton-node PRIVATE bt_flags bt_node)
if(NOT BT_SANITIZE)
  set_target_properties(baton-node PROPERTIES BT_STATIC ON)
  target_link_options(baton-node PRIVATE -static -s) # what is copied to hosts is small
endif()
install(TARGETS baton-node RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/baton)
