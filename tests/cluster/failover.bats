#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Whole failovers with a client that keeps what it was promised, and old primaries' logs that end
# or are damaged anywhere.  What each server lacks in which case: failover_data.bats.

load ../lib/cluster
load ../lib/ledger
load ../lib/failover

setup() {
    bats_require_minimum_version 1.5.0
    bats_load_library bats-support
    bats_load_library bats-assert
    export CLUSTER_NAME=fo$$
}

teardown() {
    [[ -n ${BATS_TEST_COMPLETED:-} ]] || cluster_logs
    cluster_down
}

# A client writes; each replica stops receiving later than the one before.
under_load() {
    failover_cluster "$@"
    ledger_start --threads 2 --mode mixed
    local host
    for host in $(cluster_hosts); do
        [[ $host == db1 ]] || { ledger_wait 40 && replica_stop_io "$host"; }
    done
    ledger_wait 40
}

# Every promise is kept on every server, and each completed server got a valid log.
promises_kept() {
    assert_equal "$status" 0
    assert_equal "$(jq -c .lost <<<"$report")" "[]"
    ledger_wait 40
    echo "# client gap: $(ledger_stop | jq .gap_ms) ms" >&3
    failover_done "$@"
    run ledger_verify "$@"
    assert_success
    assert_equal "$(ls "$CLUSTER_DIR"/manager/diff_for_*.binlog | wc -l)" $#
}

@test "four hosts under load, position mode, row format: nothing is lost, and the log has MHA's line" {
    under_load 4 position --binlog-format=row
    host_stop db1 -9
    failover_run
    promises_kept db4 db2 db3
    net=${CLUSTER_NET//./\\.}
    run grep -cE "All other slaves should start replication from here\. Statement should be: \
CHANGE MASTER TO MASTER_HOST='$net\.4', MASTER_PORT=3306, MASTER_LOG_FILE='bin\.[0-9]{6}', \
MASTER_LOG_POS=[0-9]+, MASTER_USER='$REPL_USER', MASTER_PASSWORD='xxx';\$" "$CLUSTER_DIR/manager.log"
    assert_output 1
}

@test "under load, statement format: nothing is lost" {
    under_load 3 position --binlog-format=statement
    host_stop db1 -9
    failover_run
    promises_kept db3 db2
}

@test "a primary that was shut down cleanly is replaced like one that crashed" {
    under_load 3 gtid
    host_stop db1 clean
    failover_run
    promises_kept db3 db2
}

@test "a relay log whose unapplied end stops within an event is completed, GTID mode" {
    failover_cluster 3 gtid
    # Their appliers stand still, so that what is cut off was on no server but the primary.
    replica_stop_sql db2
    replica_stop_sql db3
    ledger_start --threads 2 --mode mixed
    ledger_wait 40
    replica_stop_io db2
    ledger_wait 40
    replica_stop_io db3
    ledger_wait 40
    truncate -s -9 "$(last_log db3 relay)"
    host_stop db1 -9
    failover_run
    run jq -r '.plan.servers[] | select(.host | endswith(".3")) | "\(.unfinished_bytes > 0) \(.cut)"' <<<"$report"
    assert_output --regexp "^true the event [A-Z_]+ has [0-9]+ of its [0-9]+ bytes"
    winner=$(host_of_address "$(failover_winner)")
    promises_kept "$winner" "$(host_of_other "$winner")"
}

host_of_address() { echo "db${1##*.}"; }

# The other one of db2 and db3.
host_of_other() { [[ $1 == db2 ]] && echo db3 || echo db2; }

# ------------------------------------------------------------- logs that end anywhere

last_log() {
    local logs=("$CLUSTER_DIR/$1/srv/mysql/$2".[0-9]*[0-9])
    echo "${logs[-1]}"
}

# Rows 1-5 everywhere, 6-10 only in the old primary's log, which is then $log and has $size bytes.
# Its last two transactions begin at $before_last and $last.
tail_of_five() {
    failover_cluster 3 gtid --binlog-format=row
    failover_insert 1 5
    failover_wait db2 db3
    replica_stop_io db2
    replica_stop_io db3
    failover_insert 6 8
    before_last=$(primary_position db1) before_last=${before_last#*:}
    failover_insert 9 9
    last=$(primary_position db1) last=${last#*:}
    failover_insert 10 10
    host_stop db1 -9
    log=$(last_log db1 bin)
    size=$(stat -c %s "$log")
    cp "$log" "$CLUSTER_DIR/whole"
}

# What the plan would bring to each of the two.
planned() {
    failover_run --dry-run
    assert_equal "$status" 0
    jq -c '[.plan.servers[] | select(.takes_part) | .lacks.transactions]' <<<"$report"
}

@test "the old primary's log may be cut at any byte of its last transactions: whole ones count" {
    tail_of_five
    assert_equal "$(planned)" "[5,5]"
    local at want
    for ((at = before_last; at < size; at += 23)); do
        cp "$CLUSTER_DIR/whole" "$log"
        truncate -s "$at" "$log"
        want=$((at >= last ? 4 : 3))
        assert_equal "$at: $(planned)" "$at: [$want,$want]"
    done
    failover_run
    assert_equal "$status" 0
    failover_done db2 db3
    assert_equal "$(failover_rows db3)" "1-9,100000"
}

@test "one bit flipped anywhere in the last transactions: nothing from there on is guessed" {
    tail_of_five
    local at want byte
    for ((at = before_last + 5; at < size; at += 29)); do
        cp "$CLUSTER_DIR/whole" "$log"
        byte=$(od -An -tu1 -j "$at" -N 1 "$log")
        # shellcheck disable=SC2059
        printf "\\x$(printf %02x $((byte ^ 4)))" | dd of="$log" bs=1 seek="$at" conv=notrunc status=none
        want=$((at >= last ? 4 : 3))
        assert_equal "$at: $(planned)" "$at: [$want,$want]"
    done
}
