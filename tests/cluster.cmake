# The client whose notes tell what the cluster promised.
add_executable(ledger lib/ledger.c lib/ledger_write.c lib/ledger_verify.c)
target_link_libraries(ledger PRIVATE bt_flags bt_base PkgConfig::MARIADB Threads::Threads)

bt_bats(cluster cluster)
bt_bats(cluster ledger)

# Cables that lose and delay, for tests/soak/failover.
add_executable(noisy_wire lib/noisy_wire.c)
target_link_libraries(noisy_wire PRIVATE bt_flags)

# One request over a node channel, for tests/cli/node.bats and tests/cluster/node.bats.
add_executable(channel_tool cluster/channel_tool.c)
target_link_libraries(channel_tool PRIVATE bt_flags bt_failover)
bt_bats(cluster node)
bt_bats(cluster failover_data)
bt_bats(cluster failover_faults)
bt_bats(cluster failover)
bt_bats(cluster live_logs)
bt_bats(cluster failover_refused)
bt_bats(cluster check)
bt_bats(cluster manager)
bt_bats(cluster mha_names)
bt_bats(cluster manager_resume)
bt_bats(cluster semisync)
bt_bats(cluster switchover)
bt_bats(cluster rejoin)
bt_bats(cluster failover_roads)
bt_bats(cluster mysql)
