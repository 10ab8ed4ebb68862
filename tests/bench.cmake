# What the benches need (scripts/bench); never a test.
add_executable(make_log bench/make_log.c lib/log_builder.c)
target_link_libraries(make_log PRIVATE bt_flags bt_base bt_parser bt_diff)
# What the benchmarks (scripts/bench*) build their input with.

add_executable(build_relay EXCLUDE_FROM_ALL bench/build_relay.c lib/log_builder.c)
target_link_libraries(build_relay PRIVATE bt_flags bt_diff)
