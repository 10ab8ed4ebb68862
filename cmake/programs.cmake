# The programs.  A command is one file cli/cmd_<name>.c and one row in cli/main.c.

add_executable(baton
  cli/apply_target.c
  cli/cluster_config.c
  cli/cmd_apply.c
  cli/cmd_check.c
  cli/cmd_conf.c
  cli/bars.c
  cli/between.c
  cli/cmd_diff.c
  cli/cmd_failover.c
  cli/cmd_inspect.c
  cli/cmd_log.c
  cli/cmd_manager.c
  cli/cmd_purge_relay_logs.c
  cli/cmd_rank.c
  cli/cmd_rejoin.c
  cli/cmd_switchover.c
  cli/cmd_start.c
  cli/cmd_status.c
  cli/cmd_stop.c
  cli/cmd_verify.c
  cli/cmd_vip.c
  cli/connect.c
  cli/contents.c
  cli/inspect_ahead.c
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
  cli/log_keys.c
  cli/main.c
  cli/man_page.c
  cli/manager_opts.c
  cli/mha.c
  cli/mha_check.c
  cli/mha_manager.c
  cli/mha_node_tools.c
  cli/mha_options.c
  cli/mha_secondary_check.c
  cli/option.c
  cli/output.c
  cli/progress.c
  cli/rank_dirs.c
  cli/rank_json.c
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

# MHA's names: the program looks at the name it is called by (cli/mha.h).
set(BT_MHA_NAMES
  apply_diff_relay_logs
  filter_mysqlbinlog
  masterha_check_repl
  masterha_check_ssh
  masterha_check_status
  masterha_conf_host
  masterha_manager
  masterha_master_monitor
  masterha_master_switch
  masterha_secondary_check
  masterha_stop
  purge_relay_logs
  save_binary_logs)
file(MAKE_DIRECTORY ${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/mha)
foreach(name ${BT_MHA_NAMES})
  file(CREATE_LINK ../baton ${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/mha/${name} SYMBOLIC)
  install(CODE "file(CREATE_LINK baton
    \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/${name}\" SYMBOLIC)")
endforeach()

# Man pages and completion are made by the program itself, out of the tables that --help shows.
# Which pages there are is known when it is built: the list is written by the same run.
set(man ${PROJECT_BINARY_DIR}/man)
add_custom_command(TARGET baton POST_BUILD
  COMMAND ${PROJECT_SOURCE_DIR}/scripts/man-pages $<TARGET_FILE:baton> ${man}
  COMMENT "Man pages and completion"
  VERBATIM)
install(DIRECTORY ${man}/man1 ${man}/man5 DESTINATION ${CMAKE_INSTALL_MANDIR})
install(FILES ${man}/completion RENAME baton
  DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)

# baton@app1.service watches the cluster of /etc/baton/app1.cnf.
configure_file(cmake/baton@.service.in generated/baton@.service @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/generated/baton@.service DESTINATION lib/systemd/system)
