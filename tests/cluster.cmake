bt_bats(cluster cluster)
