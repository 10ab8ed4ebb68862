#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# A manager that is killed in the middle of a failover, and the one that finishes what it had begun.

load ../lib/cluster
load ../lib/ledger
load ../lib/failover
load ../lib/manager

setup() {
    bats_require_minimum_version 1.5.0
    bats_load_library bats-support
    bats_load_library bats-assert
    export CLUSTER_NAME=mr$$
}

teardown() {
    if [[ -z ${BATS_TEST_COMPLETED:-} ]]; then
        cluster_logs
        tail -n 80 "$(manager_log)" >&2
        cat "$CLUSTER_DIR/manager/app1.failover.journal" >&2
    fi
    cluster_down
}

# Rows 1-2 everywhere, 3-4 on db3 and db4, 5-6 only on db1, which dies under a manager that dies at
# $1.
killed_at() {
    failover_cluster 4 "$2"
    failover_insert 1 2
    failover_wait db2 db3 db4
    replica_stop_io db2
    failover_insert 3 4
    failover_wait db3 db4
    replica_stop_io db3
    replica_stop_io db4
    failover_insert 5 6
    primary_killed_at "$1"
}

primary_killed_at() {
    nsenter --net="/run/netns/$(host_netns manager)" -- env BATON_CRASH_AT="$1" \
        "$BATON_BIN/baton" manager --conf="$(manager_conf)" >"$(manager_log)" 2>&1 3>&- 4>&- &
    local pid=$! code=0
    manager_wait_state PING_OK
    host_stop db1 -9
    wait "$pid" || code=$?
    assert_equal "$1 $code" "$1 137"
}

# finished POINT WINNER: all as after a failover that nothing had disturbed.
finished() {
    local others
    mapfile -t others < <(cluster_hosts | grep -vx -e db1 -e "$2")
    failover_done "$2" "${others[@]}"
    assert_equal "$1 $(failover_rows db2)" "$1 1-6,100000"
    assert_equal "$1 $(vip_holder)" "$1 $2"
    assert_equal "$(tail -n 1 "$CLUSTER_DIR/manager/app1.failover.journal" | jq -c '[.step, .state]')" '["end","done"]'
}

by_command() {
    failover_run --resume
    assert_equal "$1 $status" "$1 0"
    local winner
    winner=$(failover_winner)
    # Who was promoted is not chosen again; else any will do that holds all by then.
    [[ $1 == before-promote ]] || assert_equal "$winner" "$(host_address db3)"
    finished "$1" "db${winner##*.}"
    run --separate-stderr host_exec manager "$BATON_BIN/baton" failover --conf="$(manager_conf)" --resume
    assert_success
    [[ $stderr == *"Nothing is to be resumed"* ]]
    cluster_down
}

@test "baton failover --resume finishes what was begun, from behind the promotion" {
    local point mode=gtid
    for point in after-promote after-vip in-repoint after-repoint after-cleanup; do
        killed_at $point $mode
        by_command $point
        mode=$([[ $mode == gtid ]] && echo position || echo gtid)
    done
}

@test "baton failover --resume starts over where nobody was promoted" {
    killed_at before-promote position
    by_command before-promote
}

@test "the next manager finishes what was begun, on another machine, and watches the new primary" {
    local point
    for point in after-freeze after-vip; do
        killed_at $point gtid
        mv "$CLUSTER_DIR/manager" "$CLUSTER_DIR/elsewhere"
        ln -s elsewhere "$CLUSTER_DIR/manager"
        conf_write "$(manager_conf)" manager_workdir="$CLUSTER_DIR/elsewhere"
        manager_start --log-output="$(manager_log)"
        manager_wait_primary db3
        finished $point db3
        cluster_down
    done
}

@test "a primary that lives again before anybody was promoted gets everything back" {
    failover_cluster 3 gtid
    primary_killed_at after-freeze
    assert_equal "$(replica_status db3 Slave_IO_Running)" No
    host_start db1 --skip-read-only
    failover_run --resume
    assert_equal "$status" 0
    failover_insert 1 2
    failover_wait db2 db3
    assert_equal "$(host_sql db3 "SELECT @@GLOBAL.relay_log_purge")" 1
    assert_equal "$(vip_holder)" db1
    assert_equal "$(replica_status db3 Master_Host)" "$(host_address db1)"
}
