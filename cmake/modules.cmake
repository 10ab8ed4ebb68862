# The include graph: see cmake/BtModule.cmake.  One source a line, sorted, so that merges are clean.

bt_module(base
  SOURCES
    arena.c
    array.c
    buf.c
    clock.c
    crash_point.c
    digits.c
    err.c
    ini.c
    io.c
    json.c
    json_read.c
    log.c
    nearest.c
    notify.c
    number.c
    process.c
    quote.c
    run.c
    saved_file.c
  LINKS m)

bt_module(parser
  SOURCES
    charset.c
    control.c
    coordinate.c
    crc.c
    decimal.c
    double_text.c
    event.c
    format.c
    geometry.c
    gtid.c
    gtid_event.c
    gtid_set.c
    gtid_set_read.c
    gtid_state.c
    inflate.c
    json_binary.c
    keys.c
    log_cipher.c
    payload.c
    plan.c
    query.c
    query_verb.c
    reader.c
    row_reader.c
    reader_frame.c
    reader_run.c
    rows.c
    schema.c
    schema_sql.c
    source_faulty.c
    source_file.c
    source_memory.c
    source_mysql.c
    source_stream.c
    statement.c
    table_cache.c
    table_column.c
    table_map.c
    temporal.c
    transaction.c
    value_text.c
    unwrap.c
  USES base
  LINKS bt::deflate bt::zlib bt::zstd bt::crypto)

bt_module(diff
  SOURCES
    align.c
    block_sender.c
    diff_log.c
    diff_log_out.c
    diff_log_save.c
    diff_log_verify.c
    digest.c
    had.c
    kept_log.c
    log_dir.c
    log_home.c
    log_set.c
    log_tail.c
    log_walk.c
    manifest.c
    missing.c
    missing_claim.c
    missing_merge.c
    missing_scan.c
    position_file.c
    rank.c
    survey.c
    survey_start.c
  USES base parser
  LINKS bt::zstd bt::xxhash Threads::Threads)

bt_module(apply
  SOURCES
    ahead.c
    base64.c
    careful.c
    connection.c
    context.c
    dump.c
    durability.c
    link.c
    live_logs.c
    flashback.c
    flashback_row.c
    flashback_table.c
    kept.c
    load_file.c
    log_check.c
    packet.c
    replay.c
    replicate.c
    road.c
    row_checks.c
    row_count.c
    row_statement.c
    rows.c
    schedule.c
    sender.c
    session.c
    server_schema.c
    single_run.c
    sql.c
    statement.c
    table_keys.c
    tally.c
    target.c
  USES base parser diff feed
  LINKS PkgConfig::MARIADB bt::xxhash)

# Serves a log to replication threads: used by baton and by baton-node, so without libmariadb.
bt_module(feed
  FOLDER apply/feed
  SOURCES
    answer.c
    feed.c
    known.c
    login.c
    stream.c
    wire.c
  USES base parser diff
  LINKS bt::crypto Threads::Threads)

bt_module(failover
  SOURCES
    bootstrap.c
    channel.c
    check.c
    check_ask.c
    check_ask_host.c
    check_ask_sql.c
    check_host.c
    check_outlook.c
    check_repl.c
    check_server.c
    check_show.c
    config.c
    config_edit.c
    config_show.c
    config_value.c
    each.c
    facts.c
    failover.c
    hold.c
    hooks.c
    health.c
    journal.c
    live.c
    lookout.c
    lookout_node.c
    lookout_sql.c
    manager.c
    manager_serve.c
    manager_watch.c
    node_client.c
    node_feed.c
    node_open.c
    picture.c
    plan.c
    plan_show.c
    privileges.c
    rejoin.c
    rejoin_compare.c
    rejoin_engine.c
    rejoin_find.c
    rejoin_follow.c
    rejoin_report.c
    relay_purge.c
    remote_logs.c
    replication.c
    report.c
    resume.c
    server.c
    sight.c
    source_node.c
    ssh.c
    sessions.c
    steps.c
    steps_apply.c
    steps_build.c
    steps_check.c
    steps_complete.c
    steps_decide.c
    steps_fence.c
    steps_freeze.c
    status.c
    steps_promote.c
    steps_resume.c
    switchover.c
    switchover_check.c
    switchover_open.c
    switchover_report.c
    switchover_semisync.c
    switchover_stop.c
    switchover_undo.c
    topology.c
    vip_by_hand.c
    vip_watch.c
    watch.c
  USES base parser diff apply feed vip node)

bt_module(vip
  SOURCES
    address.c
    announce.c
    frame.c
    interface.c
    netlink.c
    packet.c
    place.c
    probe.c
    vip.c
  USES base)

# baton-node: what runs on the database hosts, and the messages both sides speak.
bt_module(node
  FOLDER failover/node
  SOURCES
    answer_feed.c
    answer_host.c
    answer_logs.c
    answer_vip.c
    build_id.c
    fields.c
    guard.c
    message.c
    proc.c
    protocol_feed.c
    protocol_host.c
    protocol_logs.c
    reach.c
    serve.c
    server_keeper.c
    server_process.c
    server_stop.c
    spool.c
    stream.c
    systemd.c
  USES base parser diff feed vip
  LINKS bt::zstd bt::xxhash Threads::Threads)
