#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# MHA's tools by name on a living cluster: the lines and exit codes that scripts around MHA look at.

load ../lib/cluster
load ../lib/failover

setup_file() {
    export CLUSTER_NAME=mn$$ CLUSTER_OWNER=$$
    failover_cluster 3 position
}

teardown_file() { cluster_down; }

setup() {
    bats_require_minimum_version 1.5.0
    bats_load_library bats-support
    bats_load_library bats-assert
    cluster_join "$CLUSTER_NAME"
    [[ -e $CLUSTER_DIR/kept.cnf ]] || conf_write "$CLUSTER_DIR/app1.cnf"
}

# mha TOOL OPTION...: on the manager, with the configuration.
mha() {
    local tool=$1
    shift
    host_exec manager "$BATON_BIN/mha/$tool" --conf="$CLUSTER_DIR/app1.cnf" "$@"
}

@test "a cluster that is well: check_ssh passes, check_repl ends with its line" {
    run -0 mha masterha_check_ssh
    assert_line --partial "[info] All SSH connection tests passed successfully."
    run -0 --separate-stderr mha masterha_check_repl
    assert_equal "${lines[-1]}" "MySQL Replication Health is OK."
    # shellcheck disable=SC2154
    [[ $stderr == *"[warning]  relay_log_purge=0 is not set on slave $(host_address db2)"* ]]
    [[ $stderr == *"[info]  +--$(host_address db3)($(host_address db3):3306)"* ]]

}

@test "a replica that stopped or lags makes check_repl end with 1" {
    replica_stop_sql db2
    run -1 mha masterha_check_repl --skip_check_ssh
    replica_start_sql db2
    assert_line "MySQL Replication Health is NOT OK!"
    assert_line --partial "[error]  failed!"
}

@test "secondary_check: 3 while the primary answers, 0 when it does not, 2 without the host" {
    local options=(-s "$(host_address db2)" --secondary_host="$(host_address db3)" --user=root
        --options="-F $CLUSTER_DIR/ssh/config" --master_host="$(host_address db1)"
        --master_ip="$(host_address db1)" --timeout=2)
    run -3 host_exec manager "$BATON_BIN/mha/masterha_secondary_check" "${options[@]}"
    assert_line "Master is reachable from $(host_address db2)!"
    run -0 host_exec manager "$BATON_BIN/mha/masterha_secondary_check" "${options[@]}" --master_port=3999
    local db3
    db3=$(host_address db3)
    assert_line "Monitoring server $db3 is reachable, Master is not reachable from $db3. OK."
    host_ssh_break db3
    run -2 host_exec manager "$BATON_BIN/mha/masterha_secondary_check" "${options[@]}" --master_port=3999
    host_sshd_start db3
    assert_line "Monitoring server $(host_address db3) is NOT reachable!"
}

@test "purge_relay_logs leaves one relay log, and relay_log_purge off" {
    local login=(--host="$(host_address db2)" --user="$ADMIN_USER" --password="$ADMIN_PASSWORD") n
    run -0 host_exec manager "$BATON_BIN/mha/purge_relay_logs" "${login[@]}"
    assert_equal "$(host_sql db2 "SELECT @@GLOBAL.relay_log_purge")" 1
    host_sql db2 "SET GLOBAL relay_log_purge = 0"
    for n in 1 2 3; do host_sql db2 "FLUSH RELAY LOGS"; done
    cluster_wait "applied relay logs" 10 relay_logs_are_more_than 3
    run -0 host_exec manager "$BATON_BIN/mha/purge_relay_logs" "${login[@]}"
    assert_line --partial "All relay log purging operations succeeded."
    refute_output --partial "$ADMIN_PASSWORD"
    (($(relay_logs) <= 2))
    assert_equal "$(host_sql db2 "SELECT @@GLOBAL.relay_log_purge")" 0
    replica_runs db2
}

relay_logs() { find "$CLUSTER_DIR/db2/srv/mysql" -name 'relay.0*' | wc -l; }
relay_logs_are_more_than() { (($(relay_logs) > $1)); }

@test "purge_relay_logs waits for the lock of a failover, and does nothing without it" {
    host_client db2 --unbuffered --execute="SELECT GET_LOCK('MHA_Master_High_Availability_Failover', 1);
        SELECT SLEEP(30)" >"$CLUSTER_DIR/lock.out" 3>&- &
    local holder=$!
    cluster_wait "the lock" 10 grep -q 1 "$CLUSTER_DIR/lock.out"
    run -7 host_exec manager "$BATON_BIN/baton" purge-relay-logs --host="$(host_address db2)" \
        --defaults-file="$CLUSTER_DIR/admin.cnf" --lock-wait=1
    host_sql db2 "KILL $(host_sql db2 "SELECT IS_USED_LOCK('MHA_Master_High_Availability_Failover')")"
    wait "$holder" || true
    assert_output --partial "holds the lock"
    assert_equal "$(host_sql db2 "SELECT @@GLOBAL.relay_log_purge")" 0
    host_sql db2 "SET GLOBAL relay_log_purge = 1"
}

@test "the primary has no relay logs to purge" {
    run -3 host_exec manager "$BATON_BIN/baton" purge-relay-logs --host="$(host_address db1)" \
        --defaults-file="$CLUSTER_DIR/admin.cnf"
    assert_output --partial "is no replica"
}

@test "masterha_master_switch alive: there and back, 0" {
    run -0 mha masterha_master_switch --master_state=alive --interactive=0 \
        --new_master_host="$(host_address db2)" --orig_master_is_new_slave
    assert_output --partial "Switching master to $(host_address db2)($(host_address db2):3306) completed successfully."
    assert_equal "$(vip_holder)" db2
    cluster_wait "db1 to follow db2" 10 replica_runs db1
    run -0 mha masterha_master_switch --master_state=alive --interactive=0 \
        --new_master_host="$(host_address db1)" --orig_master_is_new_slave
    cluster_wait "db2 to follow db1" 10 replica_runs db2
    assert_equal "$(vip_holder)" db1
    # A dead primary's options are not let pass; one that becomes a replica stays in the file.
    run -1 mha masterha_master_switch --master_state=alive --interactive=0 --ignore_last_failover
    assert_output --partial "--ignore_last_failover is an option of --master_state=dead"
    run -0 mha masterha_master_switch --master_state=alive --interactive=0 --check_only \
        --running_updates_limit=5 --running_seconds_limit=20 --seconds_behind_master=60 --skip_lock_all_tables \
        --flush_tables=0 --remove_orig_master_conf
    assert_equal "$(vip_holder)" db1
    grep -q "^\[server1\]" "$CLUSTER_DIR/app1.cnf"
}

@test "masterha_master_switch dead refuses a primary that lives: 1, nothing touched" {
    run -1 mha masterha_master_switch --master_state=dead --interactive=0 \
        --dead_master_host="$(host_address db1)" --dead_master_port=3306
    assert_output --partial "is not dead. Stop failover."
    assert_equal "$(vip_holder)" db1
}

@test "masterha_manager: status while it runs, one failover, 0, the dead one's block is gone" {
    mha masterha_manager --remove_dead_master_conf --manager_log="$CLUSTER_DIR/manager.log" \
        >"$CLUSTER_DIR/out" 2>&1 3>&- &
    local manager=$! status=0
    cluster_wait "the manager to watch" 20 status_is 0
    run -0 --separate-stderr mha masterha_check_status
    assert_output --regexp "^app1 \(pid:[0-9]+\) is running\(0:PING_OK\), master:$(host_address db1)"
    host_stop db1 -9
    wait "$manager" || status=$?
    assert_equal "$status" 0
    local ip
    ip=$(host_address db2)
    grep -q "Master failover to $ip($ip:3306) completed successfully." "$CLUSTER_DIR/manager.log"
    grep -q "Deleted server1 entry from $CLUSTER_DIR/app1.cnf ." "$CLUSTER_DIR/manager.log"
    touch "$CLUSTER_DIR/kept.cnf"
    assert_equal "$(grep -c '^\[server1\]' "$CLUSTER_DIR/app1.cnf")" 0
    run -2 mha masterha_check_status
}

status_is() {
    local code=0
    mha masterha_check_status >/dev/null 2>&1 || code=$?
    ((code == $1))
}

@test "masterha_master_monitor ends with 20 when the primary is dead, and changes nothing" {
    mha masterha_master_monitor >"$CLUSTER_DIR/out" 2>&1 3>&- &
    local monitor=$! status=0
    cluster_wait "the monitor to watch" 20 status_is 0
    host_stop db2 -9
    wait "$monitor" || status=$?
    assert_equal "$status" 20
    grep -qx "Master $(host_address db2) is dead!" "$CLUSTER_DIR/out"
    grep -qx "IP Address: $(host_address db2) Port: 3306" "$CLUSTER_DIR/out"
    assert_equal "$(host_sql db3 "SELECT @@GLOBAL.read_only")" 1
}

@test "masterha_master_switch dead: too early after the last one is 1, overridden it is done" {
    run -1 mha masterha_master_switch --master_state=dead --interactive=0 \
        --dead_master_host="$(host_address db2)" --dead_master_port=3306
    assert_output --partial "Current time is too early to do failover again."
    run -0 mha masterha_master_switch --master_state=dead --interactive=0 --ignore_last_failover \
        --dead_master_host="$(host_address db2)" --dead_master_port=3306 --skip_disable_read_only
    assert_equal "$(vip_holder | grep -vx db2)" db3
    assert_equal "$(host_sql db3 "SELECT @@GLOBAL.read_only")" 1
}
