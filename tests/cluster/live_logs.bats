#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# rank and diff on running servers: the same answers as from directories, nothing touched, and what
# cannot be reached is named.

load ../lib/cluster
load ../lib/failover

setup() {
    bats_require_minimum_version 1.5.0
    bats_load_library bats-support
    bats_load_library bats-assert
    export CLUSTER_NAME=live$$
}

teardown() {
    [[ -n ${BATS_TEST_COMPLETED:-} ]] || cluster_logs
    cluster_down
}

look() {
    local command=$1
    shift
    run --separate-stderr host_exec manager env LC_ALL=C "$BATON_BIN/baton" "$command" \
        --conf="$CLUSTER_DIR/app1.cnf" "$@"
}

# A replica's part in replication, and its settings, as it says itself.
settings_of() {
    replica_status "$1" Slave_IO_Running Slave_SQL_Running Relay_Master_Log_File \
        Exec_Master_Log_Pos Using_Gtid
    host_sql "$1" "SELECT @@read_only, @@relay_log_purge, @@gtid_slave_pos"
}

# db2 stopped receiving behind row 30 and has 3 transactions of its own, db3 stopped applying behind
# row 60, rows 61 to 90 are in its relay log.
three_stages() {
    failover_cluster 3 "$1"
    failover_insert 1 30
    failover_wait db2 db3
    replica_stop_io db2
    failover_insert 31 60
    failover_wait db3
    replica_stop_sql db3
    failover_insert 61 90
    cluster_wait "db3 has received all" 10 received_all
    host_sql db2 "SET GLOBAL read_only = 0; CREATE DATABASE own; CREATE TABLE own.x (a INT);
        INSERT INTO own.x VALUES (1); SET GLOBAL read_only = 1"
}

received_all() {
    [[ $(replica_received db3) == "$(primary_position db1)" ]]
}

@test "of running servers rank shows who has what, diff what each lacks, and none of them is changed" {
    three_stages gtid
    net=$CLUSTER_NET
    settings_of db2 >"$CLUSTER_DIR/before2"
    settings_of db3 >"$CLUSTER_DIR/before3"

    look rank --json
    assert_equal "$status" 0
    jq -e --arg n "$net" '(.replicas | map(.host) == ["\($n).3", "\($n).2"]) and
        (.replicas | map(.rank) == [1, 2]) and (.replicas | map(.latest) == [true, false]) and
        .replicas[0].lag.bytes == 0 and .replicas[1].lag.bytes > 9000 and
        .replicas[0].executed.pos < .replicas[0].received.pos and
        all(.replicas[]; .from_logs and .error == null) and .replicas[0].errant == [] and
        (.replicas[1].errant | length == 3) and
        .replicas[1].errant[2].statement == "INSERT INTO own.x VALUES (1)" and
        .primary.host == "\($n).1" and .unreachable == []' <<<"$output"
    assert_equal "$(jq -r .primary.gtid_received <<<"$output")" "$(host_sql db1 'SELECT @@gtid_binlog_pos')"
    assert_equal "$(jq -r '.replicas[1].gtid_received' <<<"$output")" "$(host_sql db2 'SELECT @@gtid_slave_pos')"

    look rank
    assert_equal "$status" 0
    (($(grep -c '^      \[[#=.]*\]  ' <<<"$output") == 3))
    assert_equal "$(awk 'length > 80' <<<"$output")" ""
    assert_output --partial "errant: 3 transactions"

    look diff --target "$net.2" --json -o "$CLUSTER_DIR/out.binlog"
    assert_equal "$status" 0
    jq -e '.transactions == 60 and .lost == null and .cut == []' <<<"$output"
    "$BATON_BIN/baton" verify "$CLUSTER_DIR/out.binlog"
    look verify --target "$net.2" "$CLUSTER_DIR/out.binlog"
    assert_equal "$status" 0
    look verify --target "$net.3" "$CLUSTER_DIR/out.binlog"
    assert_equal "$status" 7
    run mariadb-binlog --verify-binlog-checksum "$CLUSTER_DIR/out.binlog"
    assert_success

    look diff --target "$net.3" --from executed --dry-run --json
    assert_equal "$status" 0
    jq -e '.transactions == 30 and .lost == null' <<<"$output"

    look diff --between "$net.2" "$net.3"
    assert_equal "$status" 0
    assert_output --partial "$net.2 lacks 60 transactions"
    assert_output --partial "INSERT INTO own.x VALUES (1)"
    assert_output --partial "Their histories fork"

    run diff <(settings_of db2) "$CLUSTER_DIR/before2"
    assert_success
    run diff <(settings_of db3) "$CLUSTER_DIR/before3"
    assert_success
}

@test "what cannot be reached is named, the rest is done, and the exit code says it" {
    three_stages position
    net=$CLUSTER_NET
    host_stop db1 -9
    look rank --json
    assert_equal "$status" 10
    [[ $stderr == *"$net.1"* ]]
    jq -e '(.replicas | length == 2) and .primary.received.pos > 0 and (.primary.error | length > 0)' \
        <<<"$output"
    # The dead primary's host still gives its logs.
    look diff --target "$net.2" --json -o "$CLUSTER_DIR/out.binlog"
    assert_equal "$status" 10
    jq -e '.transactions == 60 and .lost == null' <<<"$output"
    "$BATON_BIN/baton" verify "$CLUSTER_DIR/out.binlog"
    look diff --target "$net.9" --dry-run
    assert_equal "$status" 2
    look rank /nowhere
    assert_equal "$status" 2
}
