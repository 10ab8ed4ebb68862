#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# What goes wrong around a failover: each ends in a clear error with nothing touched, or in a stated
# degradation with nothing lost.

load ../lib/cluster
load ../lib/failover

setup() {
    bats_require_minimum_version 1.5.0
    bats_load_library bats-support
    bats_load_library bats-assert
    export CLUSTER_NAME=ff$$
}

teardown() {
    [[ -n ${BATS_TEST_COMPLETED:-} ]] || cluster_logs
    cluster_down
}

# Nothing was changed: replicas as they were, no journal.
untouched() {
    local host
    for host; do
        [[ $(host_sql "$host" "SELECT @@GLOBAL.read_only, @@GLOBAL.relay_log_purge") == $'1\t1' ]] || return
        [[ -n $(replica_status "$host" Master_Host) ]] || return
    done
    [[ ! -e $CLUSTER_DIR/manager/app1.failover.journal ]]
}

# ------------------------------------------------------------- refused at once

@test "a primary that is alive is not replaced" {
    failover_cluster 3 gtid
    failover_run
    assert_not_equal "$status" 0
    grep -q "The master .* is not dead. Stop failover." "$CLUSTER_DIR/manager.log"
    untouched db2 db3
    replica_runs db2
    failover_run --dead-primary="$(host_address db1)"
    assert_not_equal "$status" 0
    replica_runs db3
}

@test "a primary that only the manager cannot reach is not replaced" {
    failover_cluster 3 gtid
    ip -n "$(host_netns manager)" route add blackhole "$(host_address db1)"
    failover_run --dead-primary="$(host_address db1)"
    assert_not_equal "$status" 0
    grep -q "only the way from here is broken" "$CLUSTER_DIR/manager.log"
    untouched db2 db3
    replica_runs db2
}

@test "a dead replica named as the dead primary is refused" {
    failover_cluster 3 gtid
    host_stop db1 -9
    failover_run --dead-primary="$(host_address db3)"
    assert_not_equal "$status" 0
    grep -q "Detected dead master .* does not match" "$CLUSTER_DIR/manager.log"
    untouched db2 db3
}

@test "mistakes in the configuration are all named, with their lines" {
    failover_cluster 2 gtid
    sed -i '2i pingg_interval=3\nport=x' "$CLUSTER_DIR/app1.cnf"
    failover_run
    assert_not_equal "$status" 0
    grep -q "app1.cnf:2: there is no parameter \"pingg_interval\"; did you mean \"ping_interval\"?" \
        "$CLUSTER_DIR/manager.log"
    grep -q "app1.cnf:3: port is \"x\"" "$CLUSTER_DIR/manager.log"
}

@test "a configuration that everybody may read, or nobody, is refused" {
    failover_cluster 2 gtid
    chmod 644 "$CLUSTER_DIR/app1.cnf"
    failover_run
    assert_not_equal "$status" 0
    grep -q "can be read by everybody and holds passwords" "$CLUSTER_DIR/manager.log"
    rm "$CLUSTER_DIR/app1.cnf"
    failover_run
    assert_not_equal "$status" 0
    grep -q "No such file or directory" "$CLUSTER_DIR/manager.log"
}

@test "a host whose name does not resolve is named" {
    failover_cluster 2 gtid
    conf_write "$CLUSTER_DIR/app1.cnf" server2.hostname=no-such-host.invalid
    failover_run
    assert_not_equal "$status" 0
    grep -q "could not resolve host \"no-such-host.invalid\"" "$CLUSTER_DIR/manager.log"
}

@test "a second failover within eight hours is refused, and the message says how to go on" {
    failover_cluster 3 gtid
    host_stop db1 -9
    failover_run
    assert_equal "$status" 0
    host_stop db2 -9
    failover_run
    assert_not_equal "$status" 0
    grep -q "Last failover was done at .* Current time is too early to do failover again" "$CLUSTER_DIR/manager.log"
    failover_run --ignore-last-failover
    # 10: the first primary is still missing.
    assert_equal "$status" 10
    assert_equal "$(failover_winner)" "$(host_address db3)"
    failover_done db3
}

@test "a failover is refused while somebody else holds MHA's lock" {
    failover_cluster 3 gtid
    host_stop db1 -9
    host_sql db2 "SELECT GET_LOCK('MHA_Master_High_Availability_Failover', 1), SLEEP(20)" 3>&- &
    cluster_wait "the lock" 5 is_locked db2
    failover_run
    assert_not_equal "$status" 0
    grep -q "advisory lock .* is already held" "$CLUSTER_DIR/manager.log"
    untouched db2 db3
}

is_locked() { [[ $(host_sql "$1" "SELECT IS_USED_LOCK('MHA_Master_High_Availability_Failover') IS NOT NULL") == 1 ]]; }

@test "a dry run shows the plan and changes nothing" {
    failover_cluster 4 gtid
    failover_stages
    host_stop db1 -9
    failover_run --dry-run
    assert_equal "$status" 0
    assert_equal "$(jq -r .outcome <<<"$report")" planned
    assert_equal "$(jq -r .plan.new_primary <<<"$report")" "$(host_address db4)"
    assert_equal "$(jq -c '[.plan.servers[] | select(.takes_part) | .lacks.transactions]' <<<"$report")" "[15,10,5]"
    untouched db2 db3 db4
    run host_exec manager "$BATON_BIN/baton" failover --conf="$CLUSTER_DIR/app1.cnf" --dry-run
    assert_success
    assert_output --partial "New primary:  $(host_address db4)"
    run awk 'length > 100' <<<"$output"
    assert_output ""
}

# -------------------------------------------------------------------- the way there

@test "ssh that hangs on the dead primary costs its time-out and is said" {
    failover_cluster 3 gtid
    conf_write "$CLUSTER_DIR/app1.cnf" ssh_connection_timeout=2
    failover_insert 1 3
    failover_wait db2 db3
    host_ssh_hang db1
    host_stop db1 -9
    failover_run
    assert_equal "$status" 0
    failover_done db2 db3
    (($(jq .took_ms <<<"$report") < 6000))
    run jq -r '.lost[0]' <<<"$report"
    assert_output --partial "cannot be read"
}

@test "fence_policy=proved stops where the old primary cannot be proved off" {
    failover_cluster 3 gtid
    conf_write "$CLUSTER_DIR/app1.cnf" fence_policy=proved
    host_ssh_break db1
    host_stop db1 -9
    failover_run
    assert_not_equal "$status" 0
    grep -q "is not proved to be off" "$CLUSTER_DIR/manager.log"
    assert_equal "$(host_sql db2 "SELECT @@GLOBAL.read_only, @@GLOBAL.relay_log_purge")" $'1\t1'
    [[ -e $CLUSTER_DIR/manager/app1.failover.error ]]
    assert_equal "$(jq -r 'select(.step == "end") | .state' "$CLUSTER_DIR/manager/app1.failover.journal")" failed
}

@test "a hung primary is ended, with proof, before another one takes writes" {
    failover_cluster 3 gtid
    failover_insert 1 3
    host_stop db1 -STOP
    failover_run --dead-primary="$(host_address db1)"
    assert_equal "$status" 0
    host_server_is_gone db1
    failover_done db2 db3
    assert_equal "$(jq .fenced <<<"$report")" true
}

@test "without ssh to anybody it works from SQL alone and says so" {
    failover_cluster 3 gtid
    failover_insert 1 3
    failover_wait db2 db3
    conf_write "$CLUSTER_DIR/app1.cnf" node_mode=none vip= vip_interface=
    host_stop db1 -9
    failover_run
    assert_equal "$status" 0
    failover_done db2 db3
    grep -q "only its own SQL answers count" "$CLUSTER_DIR/manager.log"
}

# ------------------------------------------------------------------------ replicas

@test "a replica where the user may do nothing is left out with the reason" {
    failover_cluster 4 gtid
    failover_insert 1 3
    failover_wait db2 db3 db4
    host_sql db2 "SET sql_log_bin = 0; REVOKE ALL PRIVILEGES, GRANT OPTION FROM '$ADMIN_USER'@'%'"
    host_stop db1 -9
    failover_run
    assert_equal "$status" 10
    assert_equal "$(failover_winner)" "$(host_address db3)"
    failover_done db3 db4
    run jq -r '.servers[0].reason' <<<"$report"
    assert_output --partial "does not let us in"
}

@test "a replica whose applier failed is not elected, not repointed, and named" {
    failover_cluster 3 gtid
    host_sql db2 "SET sql_log_bin = 0; INSERT INTO shop.t (id) VALUES (2)"
    failover_insert 1 3
    failover_wait db3
    cluster_wait "db2 to stop" 10 applier_failed db2
    host_stop db1 -9
    failover_run
    assert_equal "$status" 10
    assert_equal "$(failover_winner)" "$(host_address db3)"
    failover_done db3
    run jq -r '.servers[0].reason' <<<"$report"
    assert_output --partial "its applier stopped: error 1062"
}

applier_failed() { [[ $(replica_status "$1" Last_SQL_Errno) == 1062 ]]; }

@test "an elected replica that dies on the way is dropped and the next one chosen" {
    failover_cluster 4 gtid
    failover_stages
    # The site's script stands between the freeze and the decision's end: there db4 is killed.
    cat >"$CLUSTER_DIR/kill" <<END
#!/bin/bash
case "\$*" in *--command=stop*)
    ssh -F $CLUSTER_DIR/ssh/config root@$(host_address db4) 'kill -9 \$(cat /run/mysqld/mysqld.pid)' ;;
esac
END
    chmod 755 "$CLUSTER_DIR/kill"
    conf_write "$CLUSTER_DIR/app1.cnf" master_ip_failover_script="$CLUSTER_DIR/kill"
    host_stop db1 -9
    failover_run
    assert_equal "$status" 10
    assert_equal "$(failover_winner)" "$(host_address db3)"
    failover_done db3 db2
    assert_equal "$(failover_rows db2)" "1-20,100000"
}

@test "a dead replica does not stop the failover" {
    failover_cluster 4 gtid
    failover_insert 1 3
    failover_wait db2 db3 db4
    host_stop db3 -9
    host_stop db1 -9
    failover_run
    assert_equal "$status" 10
    failover_done db2 db4
    grep -q "takes no part" "$CLUSTER_DIR/manager.log"
}

@test "a dead replica with ignore_fail is not even counted" {
    failover_cluster 3 gtid
    conf_write "$CLUSTER_DIR/app1.cnf" server3.ignore_fail=1
    host_stop db3 -9
    host_stop db1 -9
    failover_run
    assert_equal "$status" 0
    failover_done db2
}

# -------------------------------------------------------------- the old primary's logs

# What happened to the logs, then: rows on every server.
damaged() {
    local how=$1
    failover_cluster 3 gtid
    failover_insert 1 3
    failover_wait db2 db3
    replica_stop_io db2
    replica_stop_io db3
    failover_insert 4 6
    host_stop db1 -9
    host_exec db1 bash -c "cd /srv/mysql && $how"
    failover_run
    assert_equal "$status" 0
    failover_done db2 db3
}

@test "the old primary's log folder is missing: what is lost is named" {
    damaged "mkdir /srv/gone && mv bin.0* bin.index /srv/gone"
    assert_equal "$(failover_rows db3)" "1-3,100000"
    run jq -r '.lost[0]' <<<"$report"
    assert_output --partial "are lost"
}

@test "the old primary's index names a log that is not there: the rest is used, and it is said" {
    damaged "echo ./bin.000002 >>bin.index"
    assert_equal "$(failover_rows db3)" "1-6,100000"
}

@test "the old primary's last event is cut off: everything in front of it is saved" {
    damaged 'truncate -s -11 "$(ls bin.0* | tail -n 1)"'
    assert_equal "$(failover_rows db3)" "1-5,100000"
    run jq -r '[.servers[].lost] | tostring' <<<"$report"
    assert_output --partial "no whole copy"
}

@test "one bit flipped in the tail: nothing behind it is guessed" {
    damaged 'f=$(ls bin.0* | tail -n 1); s=$(stat -c %s "$f"); printf "\377" |
        dd of="$f" bs=1 seek=$((s - 40)) conv=notrunc status=none'
    assert_equal "$(failover_rows db3)" "1-5,100000"
    run jq -r '[.servers[].lost] | tostring' <<<"$report"
    assert_output --partial "no whole copy"
}

# ------------------------------------------------------------------------- the manager

@test "a manager killed before the promotion has said in its journal what it touched" {
    failover_cluster 3 gtid
    failover_insert 1 3
    failover_wait db2 db3
    host_stop db1 -9
    run host_exec manager env BATON_CRASH_AT=before-promote "$BATON_BIN/baton" failover --conf="$CLUSTER_DIR/app1.cnf"
    assert_equal "$status" 137
    journal=$CLUSTER_DIR/manager/app1.failover.journal
    assert_equal "$(jq -r 'select(.step == "freeze" and .host) | .relay_log_purge' "$journal" | sort -u)" true
    assert_equal "$(tail -n 1 "$journal" | jq -r .step)" promote
    assert_equal "$(host_sql db2 "SELECT @@GLOBAL.read_only")" 1
    # And the next one starts from there.
    failover_run
    assert_equal "$status" 0
    failover_done db2 db3
}

@test "no password is in the log, the report, the journal or a process list" {
    failover_cluster 3 gtid
    host_stop db1 -9
    failover_run
    assert_equal "$status" 0
    run grep -rlF -e "$ADMIN_PASSWORD" -e "$REPL_PASSWORD" "$CLUSTER_DIR/manager" "$CLUSTER_DIR/manager.log"
    assert_output ""
    run grep -cF -e "$ADMIN_PASSWORD" -e "$REPL_PASSWORD" <<<"$report"
    assert_output 0
}

@test "a candidate that nobody could complete is not promoted over one that received more" {
    failover_cluster 4 gtid
    failover_stages
    conf_write "$CLUSTER_DIR/app1.cnf" node_mode=none vip= vip_interface= server2.candidate_master=1
    host_power_off db1
    failover_run
    assert_equal "$(failover_winner)" "$(host_address db4)"
    failover_done db4 db2 db3
    assert_equal "$(failover_rows db2)" "1-15,100000"
}

@test "by position, a replica whose missing part cannot be read is not repointed over the gap" {
    failover_cluster 4 position
    failover_stages
    conf_write "$CLUSTER_DIR/app1.cnf" node_mode=none vip= vip_interface=
    host_power_off db1
    failover_run
    assert_equal "$status" 10
    assert_equal "$(failover_winner)" "$(host_address db4)"
    failover_done db4
    assert_equal "$(failover_rows db2)" "1-5"
    run jq -r '.servers[0].error' <<<"$report"
    assert_output --partial "not repointed"
}

@test "a manager killed behind the promotion leaves one primary, and no second one is made" {
    failover_cluster 3 position
    host_stop db1 -9
    run host_exec manager env BATON_CRASH_AT=after-promote "$BATON_BIN/baton" failover \
        --conf="$CLUSTER_DIR/app1.cnf"
    assert_equal "$status" 137
    assert_equal "$(host_sql db2 "SELECT @@GLOBAL.read_only")" 0
    failover_run
    assert_not_equal "$status" 0
    grep -q "was promoted by a failover that was cut off, and takes writes" "$CLUSTER_DIR/manager.log"
    assert_equal "$(host_sql db3 "SELECT @@GLOBAL.read_only")" 1
}
