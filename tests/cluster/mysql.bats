#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The same on MySQL, where its statements, states and defaults are others.  Runs when
# CLUSTER_SERVER names the folder of a MySQL (CONTRIBUTING.md); skipped else.

load ../lib/cluster
load ../lib/ledger
load ../lib/failover
load ../lib/manager
load ../lib/switchover

setup() {
    bats_require_minimum_version 1.5.0
    bats_load_library bats-support
    bats_load_library bats-assert
    export CLUSTER_NAME=my$$
    template_servers_exist && [[ $CLUSTER_KIND == mysql* ]] ||
        skip "CLUSTER_SERVER does not name a MySQL"
}

teardown() {
    [[ -n ${BATS_TEST_COMPLETED:-} || -z ${CLUSTER_DIR:-} ]] || cluster_logs
    cluster_down
}

# mysql_cluster HOSTS gtid|position: gtid is gtid_mode=ON, position is gtid_mode=OFF.
mysql_cluster() {
    local mode=(--gtid-mode=OFF)
    [[ $2 == position ]] || mode=(--gtid-mode=ON --enforce-gtid-consistency=ON)
    failover_cluster "$@" "${mode[@]}"
}

replicas_are_super_read_only() {
    local host
    for host; do host_sql "$host" "SET GLOBAL super_read_only = ON"; done
}

# A client writes; each replica stops receiving later than the one before, and the primary dies.
dies_under_load() {
    local host
    ledger_start --threads 2 --mode mixed
    for host in $(cluster_hosts); do
        [[ $host == db1 ]] || { ledger_wait 40 && replica_stop_io "$host"; }
    done
    ledger_wait 40
    host_stop db1 -9
}

# Every promise is kept everywhere, by the road with those words in the log.
promises_kept() {
    local words=$1
    shift
    assert_equal "$status" 0
    assert_equal "$(jq -c .lost <<<"$report")" "[]"
    assert_equal "$(grep -c "transactions applied by $words" "$CLUSTER_DIR/manager.log")" $#
    ledger_wait 40
    gap=$(ledger_stop | jq .gap_ms)
    echo "# client gap: $gap ms" >&3
    failover_done "$@"
    run ledger_verify "$@"
    assert_success
}

executed() { host_sql "$1" "SELECT REPLACE(@@GLOBAL.gtid_executed, '\\n', '')"; }

# The replicas have executed what the new primary has, and nothing else.
states_are_equal() {
    local host want
    want=$(executed "$1")
    [[ -n $want ]]
    for host in "${@:2}"; do assert_equal "$host $(executed "$host")" "$host $want"; done
}

# Nothing of the feed is left: no connection, no changed setting.
feed_is_gone() {
    local host
    for host; do
        run replica_links "$host"
        refute_output --partial "127.0.0.1"
        assert_equal "$(host_sql "$host" "SELECT @@GLOBAL.$(workers_name)")" "$workers"
    done
}
workers_name() { [[ $CLUSTER_KIND == mysql56 ]] && echo slave_parallel_workers || echo replica_parallel_workers; }

is_super() { host_sql "$1" "SELECT @@GLOBAL.super_read_only"; }

@test "GTID mode, by replication: nothing is lost, no transaction is errant, settings are as they were" {
    mysql_cluster 4 gtid
    workers=$(host_sql db2 "SELECT @@GLOBAL.$(workers_name)")
    conf_write "$CLUSTER_DIR/app1.cnf" apply_via=replication
    [[ $CLUSTER_KIND == mysql56 ]] || replicas_are_super_read_only db2 db3 db4
    dies_under_load
    failover_run
    if [[ $CLUSTER_KIND == mysql56 ]]; then
        # One replication connection is all that it has, and it belongs to the dead primary.
        assert_not_equal "$status" 0
        grep -q "has one replication connection only" "$CLUSTER_DIR/manager.log"
        return
    fi
    promises_kept "its own replication threads" db4 db2 db3
    states_are_equal db4 db2 db3
    feed_is_gone db2 db3 db4
    assert_equal "$(is_super db2) $(is_super db3) $(is_super db4)" "1 1 0"
}

@test "GTID mode, by SQL, replicas that not even root may write to" {
    mysql_cluster 4 gtid
    conf_write "$CLUSTER_DIR/app1.cnf" apply_via=sql
    [[ $CLUSTER_KIND == mysql56 ]] || replicas_are_super_read_only db2 db3 db4
    dies_under_load
    failover_run
    promises_kept SQL db4 db2 db3
    states_are_equal db4 db2 db3
    [[ $CLUSTER_KIND == mysql56 ]] ||
        assert_equal "$(is_super db2) $(is_super db3) $(is_super db4)" "1 1 0"
}

@test "file and position, gtid_mode=OFF: nothing is lost" {
    mysql_cluster 4 position
    [[ $CLUSTER_KIND == mysql56 ]] || replicas_are_super_read_only db2 db3 db4
    dies_under_load
    failover_run
    promises_kept SQL db4 db2 db3
    [[ $CLUSTER_KIND == mysql56 ]] ||
        assert_equal "$(is_super db2) $(is_super db3) $(is_super db4)" "1 1 0"
}

@test "file and position, gtid_mode=ON: nothing is lost" {
    failover_cluster 3 position --gtid-mode=ON --enforce-gtid-consistency=ON
    dies_under_load
    failover_run
    local words="its own replication threads"
    [[ $CLUSTER_KIND != mysql56 ]] || words=SQL
    promises_kept "$words" db3 db2
    states_are_equal db3 db2
}

# Its receiver is stopped, again if need be, until only the beginning of a transaction is there.
stands_within_a_transaction() {
    local i
    for ((i = 0; i < 60; i++)); do
        replica_stop_io "$1"
        (($(host_exec "$1" "$BATON_BIN/baton" rank --json /srv/mysql |
            jq '.replicas[0].unfinished_bytes') == 0)) || return 0
        replica_start_io "$1"
        ledger_wait 10
    done
    skip "no attempt stopped the receiver within a transaction"
}

within_a_transaction() {
    mysql_cluster 3 "$1"
    conf_write "$CLUSTER_DIR/app1.cnf" server3.candidate_master=1
    ledger_start --threads 4 --mode mixed
    ledger_wait 40
    stands_within_a_transaction db2
    ledger_wait 40
    host_stop db1 -9
    local began=$SECONDS
    failover_run
    assert_equal "$status" 0
    # A minute it was.
    ((SECONDS - began < 30))
    ledger_wait 40
    ledger_stop
    failover_done db3 db2
    run ledger_verify db3 db2
    assert_success
}

@test "an applier within a transaction whose end never comes is not waited for, by GTID" {
    [[ $CLUSTER_KIND != mysql56 ]] || skip "its appliers do not wait"
    within_a_transaction gtid
}

@test "an applier within a transaction whose end never comes is not waited for, by position" {
    [[ $CLUSTER_KIND != mysql56 ]] || skip "its appliers do not wait"
    within_a_transaction position
}

@test "a manager killed while super_read_only is off: the next run gives it back" {
    [[ $CLUSTER_KIND != mysql56 ]] || skip "MySQL 5.6 has no super_read_only"
    mysql_cluster 4 gtid
    conf_write "$CLUSTER_DIR/app1.cnf" apply_via=sql
    replicas_are_super_read_only db2 db3 db4
    failover_stages
    host_stop db1 -9
    run host_exec manager env BATON_CRASH_AT=before-promote "$BATON_BIN/baton" failover \
        --conf="$CLUSTER_DIR/app1.cnf"
    assert_equal "$status" 137
    # As if it had been killed a moment before.
    host_sql db2 "SET GLOBAL super_read_only = OFF"
    failover_run
    assert_equal "$status" 0
    failover_done db4 db2 db3
    assert_equal "$(is_super db2) $(is_super db3) $(is_super db4)" "1 1 0"
}

@test "the manager replaces a primary that is killed, then one that hangs; the first comes back" {
    mysql_cluster 3 gtid
    conf_write "$(manager_conf)" ping_interval=1
    ledger_start --threads 2 --mode mixed
    manager_start --ignore-last-failover
    manager_wait_state PING_OK
    ledger_wait 40
    host_stop db1 -9
    manager_wait_primary db2 40
    ledger_wait 40
    host_start db1
    run host_exec manager "$BATON_BIN/baton" rejoin --conf="$(manager_conf)" "$(host_address db1)"
    assert_success
    states_follow db2 db1
    manager_wait_state PING_OK
    host_stop db2 -STOP
    cluster_wait "the second failover" 60 failovers_are 2
    cluster_wait "commits on the next primary" 30 ledger_has $(($(ledger_acked) + 40))
    ledger_stop
    manager_stop
    run ledger_verify db1 db3
    assert_success
}
failovers_are() { (($(grep -c "completed successfully" "$(manager_log)") >= $1)); }
states_follow() {
    cluster_wait "$2 to follow $1" 20 follows "$2" "$1"
    [[ $(host_sql "$2" "SELECT @@GLOBAL.read_only") == 1 ]]
}
follows() {
    replica_runs "$1" &&
        [[ $(replica_status "$1" "$(replica_column Master_Host)") == "$(host_address "$2")" ]]
}

@test "what an old primary alone has is named and refused; archived it still is not taken back" {
    mysql_cluster 3 gtid --binlog-format=row
    failover_insert 1 5
    failover_wait db2 db3
    host_stop db1 -9
    failover_run --new-primary="$(host_address db2)"
    assert_equal "$status" 0
    host_start db1
    host_sql db1 "SET GLOBAL read_only = OFF; INSERT INTO shop.t (id, text) VALUES (900, 'alone')"
    rejoin_run
    assert_equal "$status" 7
    assert_equal "$(jq -r '.outcome, (.extra | length)' <<<"$report" | paste -s)" $'diverged\t1'
    rejoin_run --archive="$CLUSTER_DIR/archive" --flashback
    assert_not_equal "$status" 0
    grep -q "flashback is of MariaDB" "$CLUSTER_DIR/manager.log"
    assert_equal "$(host_sql db1 "SELECT text FROM shop.t WHERE id = 900")" alone
    assert_equal "$(replica_links db1)" ""
}
rejoin_run() {
    run --separate-stderr host_exec manager "$BATON_BIN/baton" rejoin \
        --conf="$CLUSTER_DIR/app1.cnf" --json "$@" "$(host_address db1)"
    printf '%s\n' "$stderr" >"$CLUSTER_DIR/manager.log"
    report=$output
    printf '%s\n' "$stderr" "$output" | sed 's/^/    /' >&2
}

switches_there_and_back() {
    ledger_start --threads 2 --mode mixed
    ledger_wait 40
    switchover_run --to="$(host_address db3)" --old-primary-becomes-replica
    assert_equal "$status" 0
    [[ $CLUSTER_KIND == mysql56 ]] || assert_equal "$(is_super db1) $(is_super db3)" "1 0"
    ledger_wait 40
    switchover_run --to="$(host_address db1)" --old-primary-becomes-replica
    assert_equal "$status" 0
    ledger_wait 40
    ledger_stop
    switchover_done db1 db2 db3
    run ledger_verify db1 db2 db3
    assert_success
}

@test "switchover there and back under load, GTID mode" {
    mysql_cluster 3 gtid
    [[ $CLUSTER_KIND == mysql56 ]] || replicas_are_super_read_only db2 db3
    switches_there_and_back
    states_are_equal db1 db2 db3
}

@test "switchover there and back under load, file and position" {
    mysql_cluster 3 position
    [[ $CLUSTER_KIND == mysql56 ]] || replicas_are_super_read_only db2 db3
    switches_there_and_back
}

@test "a switchover that is undone leaves the candidate super_read_only" {
    [[ $CLUSTER_KIND != mysql56 ]] || skip "MySQL 5.6 has no super_read_only"
    mysql_cluster 3 gtid
    replicas_are_super_read_only db2 db3
    CRASH_AT=switch-before-open switchover_run --to="$(host_address db2)"
    assert_equal "$status" 137
    switchover_run --resume
    switchover_untouched db1 db2 db3
    assert_equal "$(is_super db1) $(is_super db2) $(is_super db3)" "0 1 1"
}
