#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The same failover with diff logs applied by each road: the servers' own replication threads, fed
# by baton-node on their hosts' loopback, and sessions of ours.

load ../lib/cluster
load ../lib/ledger
load ../lib/failover

setup() {
    bats_require_minimum_version 1.5.0
    bats_load_library bats-support
    bats_load_library bats-assert
    export CLUSTER_NAME=fr$$
}

teardown() {
    [[ -n ${BATS_TEST_COMPLETED:-} ]] || cluster_logs
    cluster_down
}

# Every server was completed by the road that is wanted, from the manager's log.
all_went_by() {
    [[ $(grep -c "transactions applied by $1" "$CLUSTER_DIR/manager.log") == 3 ]]
}

no_connection_is_left() {
    local host
    for host in db2 db3 db4; do
        [[ -z $(host_sql_row "$host" "SHOW SLAVE 'baton' STATUS" 2>/dev/null) ]] || return
        [[ $(host_sql "$host" "SELECT @@GLOBAL.slave_parallel_threads") == 0 ]] || return
    done
}

completes_all_by() { # ROAD MODE WORDS
    failover_cluster 4 "$2"
    failover_stages
    conf_write "$CLUSTER_DIR/app1.cnf" apply_via="$1"
    host_stop db1 -9
    failover_run
    assert_equal "$status" 0
    assert_equal "$(failover_winner)" "$(host_address db4)"
    failover_done db4 db2 db3
    assert_equal "$(failover_rows db2)" "1-20,100000"
    all_went_by "$3"
    no_connection_is_left
}

@test "by replication, GTID mode: the node feeds each server and nothing is left behind" {
    completes_all_by replication gtid "its own replication threads"
}

@test "by replication, position mode" {
    completes_all_by replication position "its own replication threads"
}

@test "by SQL, GTID mode" {
    completes_all_by sql gtid SQL
}

@test "while a server is fed nothing listens beyond a loopback, and a manager killed then is resumed" {
    failover_cluster 4 gtid
    failover_stages
    # Its applier waits for a lock, so that the feed can be looked at.
    host_sql db4 "FLUSH TABLES WITH READ LOCK; SELECT SLEEP(100)" >/dev/null 2>&1 3>&- &
    local locker=$!
    host_stop db1 -9
    host_exec manager "$BATON_BIN/baton" failover --conf="$CLUSTER_DIR/app1.cnf" \
        >/dev/null 2>&1 3>&- &
    local manager=$!
    cluster_wait "db4 to be fed" 20 is_fed db4
    run listeners_of_node db4
    assert_output --regexp '^127\.0\.0\.1:[0-9]+$'
    kill -9 "$(pgrep -P "$manager")" # what the function runs
    wait "$manager" || true
    cluster_wait "the feed to end" 20 nothing_feeds db4
    kill "$locker"
    host_sql db4 "KILL $(host_sql db4 "SELECT id FROM information_schema.processlist
        WHERE info LIKE '%SLEEP(100)%' AND id <> CONNECTION_ID()")"
    failover_run
    assert_equal "$status" 0
    # Who was completed before the manager was killed is a matter of time.
    local winner others
    winner=db$(failover_winner | cut -d . -f 4)
    mapfile -t others < <(cluster_hosts | grep -vx -e db1 -e "$winner")
    failover_done "$winner" "${others[@]}"
    assert_equal "$(failover_rows db4)" "1-20,100000"
    no_connection_is_left
}

is_fed() { [[ $(host_sql_row "$1" "SHOW SLAVE 'baton' STATUS") == *"Slave_IO_Running: Yes"* ]]; }
listeners_of_node() { host_exec "$1" ss -Hltnp | awk '/baton-node/ {print $4}'; }
nothing_feeds() { [[ -z $(listeners_of_node "$1") ]]; }
