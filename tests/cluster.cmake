# The client whose notes tell what the cluster promised.
add_executable(ledger lib/ledger.c lib/ledger_write.c lib/ledger_verify.c)
target_link_libraries(ledger PRIVATE bt_flags bt_base PkgConfig::MARIADB Threads::Threads)

bt_bats(cluster cluster)
bt_bats(cluster ledger)
