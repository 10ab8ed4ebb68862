bt_module(base
  SOURCES arena.c buf.c clock.c crash_point.c err.c ini.c io.c json.c log.c number.c process.c run.c
  LINKS m)
