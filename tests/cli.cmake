# What the round trip tests compare with a server's own words.
add_executable(print_rows tools/print_rows.c)
target_link_libraries(print_rows PRIVATE bt_flags bt_base bt_parser)
bt_bats(cli diff)
bt_bats(cli apply)
bt_bats(cli node)
bt_bats(cli inspect)
# A program of somebody else, built without them, cannot load a library with sanitizers.
if(NOT BT_SANITIZE)
  bt_bats(cli library)
endif()
bt_bats(cli apply_replication)
bt_bats(cli history)
bt_bats(cli rows)
