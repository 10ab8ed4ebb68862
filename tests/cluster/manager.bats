#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The manager as a daemon: what it replaces, what it leaves alone, and what it watches besides.  A
# client keeps a ledger of what it was promised wherever something dies.

load ../lib/cluster
load ../lib/ledger
load ../lib/failover
load ../lib/manager

setup() {
    bats_require_minimum_version 1.5.0
    bats_load_library bats-support
    bats_load_library bats-assert
    export CLUSTER_NAME=mg$$
}

teardown() {
    if [[ -z ${BATS_TEST_COMPLETED:-} ]]; then
        cluster_logs
        tail -n 60 "$(manager_log)" >&2
    fi
    cluster_down
}

watched() {
    failover_cluster "$1" gtid
    shift
    conf_write "$(manager_conf)" ping_interval=1 "$@"
    manager_start
}

# Everything that was acknowledged is on every named server, and the client writes again.
promises_kept() {
    ledger_wait 40
    echo "# client gap: $(ledger_stop | jq .gap_ms) ms" >&3
    run ledger_verify "$@"
    assert_success
}

@test "start, status, log and stop are the runbook's four commands" {
    watched 3
    run manager start
    assert_success
    assert_output --partial "runs already"
    run manager status
    assert_success
    assert_line --index 0 --regexp "^app1 \(pid:[0-9]+\) is running\(0:PING_OK\), master:$(host_address db1)$"
    assert_output --regexp "$(host_address db1):3306\)  primary, writable, holds $VIP/24"
    assert_output --regexp "\+-- $(host_address db2)\(.*replica, read-only, 0 s behind"
    assert_equal "$(manager status --json | jq -c '[.status, .verdict, (.servers | length), .servers[0].vips[0]]')" \
        "[\"PING_OK\",\"healthy\",3,\"$VIP/24\"]"
    run manager log
    assert_output --partial "Ping(SELECT) succeeded, waiting until MySQL doesn't respond.."
    run manager stop
    assert_output "Stopped app1 successfully."
    [[ ! -e $CLUSTER_DIR/manager/app1.master_status.health ]]
    run manager status
    assert_equal "$status" 2
    assert_line --index 0 "app1 is stopped(2:NOT_RUNNING)."
    assert_output --partial "primary, writable"
    run manager stop
    assert_success
    assert_output "MHA Manager is not running on app1(2:NOT_RUNNING)."
}

@test "two failovers in a row: after kill -9 and after a clean stop, the next primary is watched" {
    watched 4
    ledger_start --threads 2 --mode mixed
    ledger_wait 100
    host_stop db1 -9
    manager_wait_primary db2
    ledger_wait 100
    host_stop db2 clean
    manager_wait_log "Current time is too early to do failover again"
    manager_wait_state FAILOVER_ERROR
    rm "$CLUSTER_DIR/manager/app1.failover.complete"
    manager_wait_primary db3
    promises_kept db3 db4
    failover_done db3 db4
}

@test "a primary that hangs is ended and replaced" {
    watched 3
    ledger_start --threads 2 --mode mixed
    ledger_wait 100
    host_stop db1 -STOP
    # Stopped in the middle of sending, it may have left either of them behind.
    cluster_wait "another primary" 20 manager_has_one_of db2 db3
    host_server_is_gone db1
    promises_kept db2 db3
}

manager_has_one_of() { manager_has_primary "$1" || manager_has_primary "$2"; }

# What a client is told has been received somewhere else then.
semisync_on() {
    local host
    # Only there: an applier whose server has it on waits for an answer itself.
    host_sql db1 "SET GLOBAL rpl_semi_sync_master_enabled = ON"
    for host in $(cluster_hosts); do
        [[ $host != db1 ]] || continue
        host_sql "$host" "SET GLOBAL rpl_semi_sync_slave_enabled = ON"
        replica_stop_io "$host" && replica_start_io "$host"
    done
    for host in $(cluster_hosts); do
        [[ $host == db1 ]] || cluster_wait "$host to receive" 10 replica_runs "$host"
    done
}

@test "a primary whose host is gone is replaced; when it comes back it takes no writes and has no VIP" {
    watched 3
    semisync_on
    ledger_start --threads 2 --mode mixed
    ledger_wait 100
    host_link_down db1
    cluster_wait "the new primary" 20 replica_is_primary db2
    ledger_wait 40
    cluster_wait "db1 to give up the VIP by itself" 10 vip_is_on db2
    host_link_up db1
    manager_wait_primary db2
    cluster_wait "db1 to be read-only" 10 is_read_only db1
    grep -q "came back writable after it was replaced: it is read-only now" "$(manager_log)"
    promises_kept db2 db3
}

replica_is_primary() { [[ $(host_sql "$1" "SELECT @@GLOBAL.read_only") == 0 ]]; }
is_read_only() { [[ $(host_sql "$1" "SELECT @@GLOBAL.read_only") == 1 ]]; }

@test "a primary that only the manager cannot reach is not replaced" {
    watched 3
    manager_mark
    ip -n "$(host_netns manager)" route add blackhole "$(host_address db1)"
    manager_wait_state PING_FAILING
    manager_wait_log "Connection failed 4 time(s).." 20
    ip -n "$(host_netns manager)" route del blackhole "$(host_address db1)"
    manager_wait_log "answers again"
    manager_wait_state PING_OK
    assert_equal "$(manager_failovers)" 0
    replica_runs db2
}

@test "a primary without a free connection is not replaced" {
    watched 3 ping_type=CONNECT
    manager_mark
    host_sql db1 "SET GLOBAL max_connections = 10"
    local n
    for ((n = 0; n < 12; n++)); do sleeper app; done
    cluster_wait "the connections to be taken" 10 is_turned_away app
    # An administrator has one more, which the manager takes for a moment now and then.
    cluster_wait "the last connection to be taken" 10 take_last_connection
    manager_wait_log "but this is not a MySQL crash. Continue health check" 15
    manager_wait_pings 3
    assert_equal "$(manager status --json | jq -r .verdict)" refusing
    # shellcheck disable=SC2046
    kill $(ip netns pids "$(host_netns client)")
    cluster_wait "healthy again" 20 verdict_is healthy
    assert_equal "$(manager_failovers)" 0
}

# Lets go of all that a reader might wait for.
sleeper() { as_client "$1" "SELECT SLEEP(60)" </dev/null >/dev/null 2>&1 3>&- 4>&- & }

as_client() {
    host_exec client mariadb --defaults-file="$CLUSTER_DIR/$1.cnf" -h "$(host_address db1)" \
        -e "$2" >/dev/null 2>&1 3>&- 4>&-
}

is_turned_away() { ! as_client "$1" "SELECT 1"; }

take_last_connection() {
    sleeper admin
    manager_said "but this is not a MySQL crash"
}

verdict_is() { [[ $(manager status --json | jq -r .verdict) == "$1" ]]; }

@test "a broken replica is reported while all is well, and when it is well again" {
    watched 3
    manager_mark
    host_sql db2 "SET sql_log_bin = 0; INSERT INTO shop.t (id) VALUES (2)"
    failover_insert 2 2
    manager_wait_log "$(host_address db2):3306): its applier is stopped: "
    run manager status
    assert_output --partial "! its applier is stopped"
    host_sql db2 "SET sql_log_bin = 0; DELETE FROM shop.t WHERE id = 2; START SLAVE"
    manager_wait_log "$(host_address db2):3306) is well again."
    replica_stop_io db3
    manager_wait_log "$(host_address db3):3306): its receiver is stopped"
    host_stop db3 -9
    manager_wait_log "$(host_address db3):3306): its server is dead"
}

@test "the VIP is put back where it is missing, and taken off where it does not belong" {
    watched 3
    manager_mark
    vip_remove db1
    manager_wait_log "was missing on"
    cluster_wait "the VIP on db1" 10 vip_is_on db1
    vip_add db3
    manager_wait_log "which is not the primary: it was taken off there"
    cluster_wait "the VIP on db1 alone" 10 vip_is_on db1
    cluster_wait "the client to reach the primary" 10 vip_answers
    assert_equal "$(vip_arp)" db1
}

vip_is_on() { [[ $(vip_holder) == "$1" ]]; }

@test "a second manager is refused, with the same work folder and with another one" {
    watched 3
    run manager manager
    assert_failure
    assert_output --partial "a manager of app1 runs already (pid:$(manager_pid))"
    mkdir "$CLUSTER_DIR/other"
    run manager manager --workdir="$CLUSTER_DIR/other"
    assert_failure
    assert_output --partial "advisory lock is already held by someone"
    manager_is PING_OK
}

@test "SIGHUP reads the configuration again and says what has changed; mistakes change nothing; logs rotate" {
    watched 3
    manager_mark
    conf_write "$(manager_conf)" ping_interval=0.5 password=secret2 server3.no_master=1
    kill -HUP "$(manager_pid)"
    manager_wait_log "ping_interval: \"1\" -> \"0.5\""
    manager_wait_log "no_master: \"0\" -> \"1\""
    manager_wait_log "password has changed"
    run grep -c "secret2" "$(manager_log)"
    assert_output 0
    conf_write "$(manager_conf)" ping_interval=x
    kill -HUP "$(manager_pid)"
    manager_wait_log "what was read before stays in force"
    # logrotate moves it away and tells nobody.
    mv "$(manager_log)" "$(manager_log).1"
    manager_mark=0
    conf_write "$(manager_conf)"
    kill -HUP "$(manager_pid)"
    manager_wait_log "Reading "
    manager_wait_state PING_OK
}

@test "hooks of a failover by the manager get MHA's arguments, and one that hangs is ended" {
    failover_cluster 3 gtid
    cat >"$CLUSTER_DIR/hook" <<'END'
#!/bin/bash
echo "$0 $*" >>"$(dirname "$0")/calls"
case "$*" in
*--command=start*) echo "taking the address"; exit 10 ;;
*--command=stop*) echo "dropping the address"; [[ ! -e $(dirname "$0")/hang ]] || exec sleep 600 ;;
esac
END
    chmod 755 "$CLUSTER_DIR/hook"
    conf_write "$(manager_conf)" ping_interval=1 hook_timeout=2 \
        master_ip_failover_script="$CLUSTER_DIR/hook" report_script="$CLUSTER_DIR/hook"
    manager_start
    grep -q -- "--command=status --ssh_user=root --orig_master_host=$(host_address db1)" "$CLUSTER_DIR/calls"
    host_stop db1 -9
    manager_wait_primary db2
    grep -q -- "--orig_master_port=3306 --command=stopssh --ssh_user=root" "$CLUSTER_DIR/calls"
    grep -q -- "--command=start --ssh_user=root .*--new_master_host=$(host_address db2)" "$CLUSTER_DIR/calls"
    grep -q -- "--new_master_host=$(host_address db2) --new_slave_hosts=$(host_address db3) --conf=" \
        "$CLUSTER_DIR/calls"
    grep -q "taking the address" "$(manager_log)"
    grep -q -- "----- Failover Report -----" "$CLUSTER_DIR/manager/app1.failover.report"
    assert_equal "$(jq -r .new_primary "$CLUSTER_DIR/manager/app1.failover.report.json")" "$(host_address db2)"
    # Now it hangs: the failover ends in an error, and says so, and what was stopped runs again.
    touch "$CLUSTER_DIR/hang"
    rm "$CLUSTER_DIR/manager/app1.failover.complete"
    host_stop db2 -9
    manager_wait_state FAILOVER_ERROR 20
    [[ -e $CLUSTER_DIR/manager/app1.failover.error ]]
    grep -q "master_ip_failover_script did not end within 2000 ms and was killed" "$(manager_log)"
    grep -qx "Why: master_ip_failover_script did not end within 2000 ms and was killed" \
        "$CLUSTER_DIR/manager/app1.failover.report"
    (($(jq .took_ms "$CLUSTER_DIR/manager/app1.failover.report.json") >= 2000))
    assert_equal "$(host_sql db3 "SELECT @@GLOBAL.read_only")" 1
    # Mended, it is finished by hand.
    rm "$CLUSTER_DIR/hang"
    run manager failover --resume
    assert_equal "$status" 10
    manager_wait_primary db3
}

@test "the site's second opinion is asked with MHA's arguments, and keeps a primary that it reaches" {
    failover_cluster 3 gtid
    cat >"$CLUSTER_DIR/second" <<'END'
#!/bin/bash
echo "$*" >>"$(dirname "$0")/asked"
exit "$(<"$(dirname "$0")/answer")"
END
    chmod 755 "$CLUSTER_DIR/second"
    echo 3 >"$CLUSTER_DIR/answer"
    conf_write "$(manager_conf)" ping_interval=1 detection=count ping_failures=2 \
        secondary_check_script="$CLUSTER_DIR/second -s witness"
    manager_start
    host_stop db1 -9
    cluster_wait "it to be asked again" 20 was_asked 2
    assert_equal "$(manager_failovers)" 0
    manager_is PING_FAILING
    net=${CLUSTER_NET//./\\.}
    grep -qE -- "^-s witness --user=root --master_host=$net\.1 --master_ip=$net\.1 --master_port=3306 \
--master_user=$ADMIN_USER --master_password=.* --ping_type=SELECT --options=" "$CLUSTER_DIR/asked"
    echo 0 >"$CLUSTER_DIR/answer"
    manager_wait_primary db2
    run grep -cF -e "$ADMIN_PASSWORD" "$(manager_log)"
    assert_output 0
}

was_asked() { (($(wc -l <"$CLUSTER_DIR/asked") >= $1)); }
