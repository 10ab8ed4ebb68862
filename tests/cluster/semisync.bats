#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Semi-synchronous replication: what the manager says of the commits that a dead primary had
# acknowledged, and a successor that would wait for replicas of its own.

load ../lib/cluster
load ../lib/ledger
load ../lib/failover
load ../lib/manager

setup() {
    bats_require_minimum_version 1.5.0
    bats_load_library bats-support
    bats_load_library bats-assert
    export CLUSTER_NAME=ss$$
}

teardown() {
    if [[ -z ${BATS_TEST_COMPLETED:-} ]]; then
        cluster_logs
        tail -n 80 "$(manager_log)" >&2
    fi
    cluster_down
}

# db1 waits for db2 and db3.  Arguments: settings of db1.
watched() {
    local host
    failover_cluster 3 gtid
    host_sql db1 "SET GLOBAL rpl_semi_sync_master_enabled = ON ${1:-}"
    for host in db2 db3; do
        host_sql "$host" "SET GLOBAL rpl_semi_sync_slave_enabled = ON"
        replica_stop_io "$host" && replica_start_io "$host"
        cluster_wait "$host to receive" 10 replica_runs "$host"
    done
    conf_write "$(manager_conf)" ping_interval=1
    manager_start
    cluster_wait "the manager to have seen semi-sync" 10 semisync_is db1 "$2" 2
}

# semisync_is HOST STATE [REPLICAS THAT ACKNOWLEDGE]
semisync_is() {
    [[ $(manager status --json | jq -r --arg host "$(host_address "$1")" ".servers[] | select(.host == \$host)
        | \"\(.semisync) \(.semisync_clients)\"") == "$2 "${3:-*} ]]
}

acks() { jq -r ".plan.semisync.$1" "$CLUSTER_DIR/manager/app1.failover.report.json"; }

@test "what no replica had received was acknowledged to nobody, while semi-sync was in force" {
    watched ", GLOBAL rpl_semi_sync_master_wait_point = AFTER_SYNC" on
    run manager status
    assert_output --regexp "primary, writable, holds $VIP/24, semi-sync on \(2\)"
    run manager check
    [[ $(tr -s " \n" " " <<<"$output") == *"was acknowledged to no client"* ]]
    ledger_start --threads 2 --mode mixed
    ledger_wait 100
    host_power_off db1
    cluster_wait "db2 to be watched" 30 is_watched db2
    ledger_wait 40
    assert_equal "$(acks state) $(acks wait_point) $(acks clients) $(acks unsent_acknowledged)" \
        "may-have-fallen-back AFTER_SYNC 2 maybe"
    # Its host is silent: that it does not run on was not proved.  What was received is known.
    grep -q "it is not proved that the primary does not run on" "$CLUSTER_DIR/manager/app1.failover.report"
    # The old one's host is there again, without a server: nobody waits for its silence any more.
    vip_forget db1
    host_link_up db1
    # The successor dies, its host lives and its logs are gone: nobody was promised what is lost.
    manager_stop
    rm "$CLUSTER_DIR/manager/app1.failover.complete"
    host_sql db2 "SET GLOBAL rpl_semi_sync_master_enabled = ON"
    manager_start
    cluster_wait "the manager to have seen semi-sync" 10 semisync_is db2 on 1
    ledger_wait 50
    conf_write "$(manager_conf)" ping_interval=1 master_binlog_dir=/srv/nowhere
    kill -HUP "$(manager_pid)"
    manager_wait_log 'master_binlog_dir: "/srv/mysql" -> "/srv/nowhere"'
    manager_wait_state PING_OK
    cluster_wait "the manager to have seen semi-sync" 10 semisync_is db2 on 1
    host_stop db2 -9
    cluster_wait "db3 to be watched" 30 is_watched db3
    ledger_wait 20
    ledger_stop
    assert_equal "$(acks state) $(acks unsent_acknowledged) $(acks 'replicas[0]')" \
        "in-force no $(host_address db3)"
    grep -q "What no replica has received was acknowledged to no client" \
        "$CLUSTER_DIR/manager/app1.failover.report"
    run ledger_verify db3
    assert_success
}

# What was off has no address of its own making.
vip_forget() { ip -n "$(host_netns "$1")" address del "$VIP/24" dev eth0; }

# Where the host is off its address cannot be taken off it.
is_watched() {
    [[ $(cat "$CLUSTER_DIR/manager/app1.master_status.health") == *"0:PING_OK"$'\t'"master:$(host_address "$1")" ]]
}

@test "a primary that fell back is told while it lives, and what it lost may have been acknowledged" {
    watched ", GLOBAL rpl_semi_sync_master_timeout = 100" on
    manager_mark
    replica_stop_io db2
    replica_stop_io db3
    failover_insert 1 2
    manager_wait_log "semi-sync has fallen back to asynchronous replication"
    semisync_is db1 fell-back
    conf_write "$(manager_conf)" ping_interval=1 master_binlog_dir=/srv/nowhere
    kill -HUP "$(manager_pid)"
    manager_wait_log 'master_binlog_dir: "/srv/mysql" -> "/srv/nowhere"'
    cluster_wait "the manager to have seen semi-sync" 10 semisync_is db1 fell-back
    host_stop db1 -9
    manager_wait_primary db2 30
    assert_equal "$(acks state) $(acks unsent_acknowledged)" "fell-back maybe"
    grep -q "may have been acknowledged to clients: semi-sync had fallen back" \
        "$CLUSTER_DIR/manager/app1.failover.report"
    assert_equal "$(failover_rows db2)" ""
}

@test "a successor with semi-sync enabled waits for nobody meanwhile, and has it again, killed or not" {
    local host
    failover_cluster 3 gtid
    # Their appliers have committed nothing since: the next commit would wait 10 s.
    for host in db2 db3; do
        host_sql "$host" "SET GLOBAL rpl_semi_sync_slave_enabled = ON"
        replica_stop_sql "$host" && replica_stop_io "$host" && replica_start_io "$host"
        host_sql "$host" "SET GLOBAL rpl_semi_sync_master_enabled = ON"
    done
    failover_insert 1 3
    for host in db2 db3; do
        cluster_wait "$host to receive" 10 has_received "$host"
    done
    conf_write "$(manager_conf)" ping_interval=1
    BATON_CRASH_AT=after-apply manager_start
    host_stop db1 -9
    cluster_wait "the manager to be killed" 30 manager_is NOT_RUNNING
    assert_equal "$(host_sql db2 "SELECT @@GLOBAL.rpl_semi_sync_master_enabled")" 0
    manager_start
    manager_wait_primary db2 15
    failover_done db2 db3
    for host in db2 db3; do
        assert_equal "$(host_sql "$host" "SELECT @@GLOBAL.rpl_semi_sync_master_enabled")" 1
    done
    (($(jq .took_ms "$CLUSTER_DIR/manager/app1.failover.report.json") < 8000))
}

has_received() { [[ $(replica_received "$1") == "$(primary_position db1)" ]]; }
