# The net ring: what is put on a wire, seen from the other end of it.
add_executable(vip_tool net/vip_tool.c)
target_link_libraries(vip_tool PRIVATE bt_flags bt_vip)
bt_bats(net vip)
