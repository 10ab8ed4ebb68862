# What the benches (tests/bench) make their logs with; never a test.
add_executable(make_log bench/make_log.c lib/log_builder.c)
target_link_libraries(make_log PRIVATE bt_flags bt_base bt_parser bt_diff)
add_executable(build_relay bench/build_relay.c lib/log_builder.c)
target_link_libraries(build_relay PRIVATE bt_flags bt_diff)
