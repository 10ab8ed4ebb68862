bt_module(base
  SOURCES arena.c buf.c clock.c crash_point.c err.c ini.c io.c json.c log.c nearest.c number.c process.c run.c
  LINKS m)
bt_module(failover
  SOURCES config.c config_value.c
  USES base)
