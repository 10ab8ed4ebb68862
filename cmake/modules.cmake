# The include graph: see cmake/BtModule.cmake.  One source a line, sorted, so that merges are clean.

bt_module(base
  SOURCES
    arena.c
    buf.c
    clock.c
    crash_point.c
    err.c
    ini.c
    io.c
    json.c
    json_read.c
    log.c
    nearest.c
    number.c
    process.c
    run.c
  LINKS m)

bt_module(parser
  SOURCES
    control.c
    coordinate.c
    event.c
    format.c
    gtid.c
    gtid_event.c
    gtid_set.c
    gtid_set_read.c
    gtid_state.c
    inflate.c
    payload.c
    query.c
    query_verb.c
    reader.c
    rows.c
    source_faulty.c
    source_file.c
    source_memory.c
    source_stream.c
    statement.c
    table_cache.c
    table_column.c
    table_map.c
    transaction.c
  USES base
  LINKS PkgConfig::DEFLATE PkgConfig::ZLIB PkgConfig::ZSTD PkgConfig::CRYPTO)

bt_module(diff
  SOURCES
    diff_log.c
    diff_log_out.c
    diff_log_save.c
    diff_log_verify.c
    digest.c
    log_dir.c
    log_home.c
    log_set.c
    log_walk.c
    manifest.c
    missing.c
    missing_merge.c
    missing_scan.c
    position_file.c
    rank.c
    survey.c
  USES base parser
  LINKS PkgConfig::ZSTD PkgConfig::XXHASH)

bt_module(apply
  SOURCES
    base64.c
    connection.c
    context.c
    load_file.c
    replay.c
    row_statement.c
    rows.c
    sender.c
    sql.c
    statement.c
    target.c
  USES base parser diff
  LINKS PkgConfig::MARIADB)

bt_module(failover
  SOURCES
    config.c
    config_value.c
  USES base)

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
