#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# `baton check`: a cluster that is well, and one thing wrong at a time.

load ../lib/cluster
load ../lib/failover

setup_file() {
    export CLUSTER_NAME=ck$$ CLUSTER_OWNER=$$
    failover_cluster 3 gtid
}

teardown_file() { cluster_down; }

setup() {
    bats_require_minimum_version 1.5.0
    bats_load_library bats-support
    bats_load_library bats-assert
    cluster_join "$CLUSTER_NAME"
    conf_write "$CLUSTER_DIR/app1.cnf"
}

# check [OPTION...]: sets $status and $report.
check() {
    run --separate-stderr host_exec manager "$BATON_BIN/baton" check \
        --conf="$CLUSTER_DIR/app1.cnf" --json "$@"
    report=$output
    # shellcheck disable=SC2154
    printf '%s\n' "$stderr" "$output" | sed 's/^/    /' >&2
}

# Findings above a note, as "host name level" lines: db2 errant-transactions error.
findings() {
    jq -r --arg net "$CLUSTER_NET." '.findings[] | select(.level != "note") |
        [(.host // "cluster" | sub("^" + $net; "db")), .name, .level] | join(" ")' <<<"$report"
}

@test "a cluster that is well has no finding, and the winner is named" {
    check
    assert_equal "$status" 0
    assert_equal "$(findings)" ""
    assert_equal "$(jq -c '[.worst, (.parts | length), ([.servers[].role] | sort)]' <<<"$report")" \
        '["ok",12,["primary","replica","replica"]]'
    assert_equal "$(jq -r .if_primary_died.new_primary <<<"$report")" "$(host_address db2)"
    run -0 host_exec manager "$BATON_BIN/baton" check --conf="$CLUSTER_DIR/app1.cnf"
    assert_line --partial "$(host_address db1):3306)  primary"
    assert_line --regexp "^ \+--$(host_address db3).*receives: yes, applies: yes"
    assert_line "app1 is well."
}

@test "a stopped receiver and a stopped applier are errors" {
    replica_stop_io db2
    replica_stop_sql db3
    check --only=repl
    replica_start_io db2
    replica_start_sql db3
    assert_equal "$status" 1
    assert_equal "$(findings)" $'db2 receiver-stopped error\ndb3 applier-stopped error'
}

@test "a host without ssh delays nothing and is named" {
    host_ssh_break db2
    check --only=ssh,failover
    host_sshd_start db2
    assert_equal "$status" 1
    assert_equal "$(findings)" $'db2 ssh-failed error\ncluster plan-warning warning'
    assert_equal "$(jq -r .if_primary_died.new_primary <<<"$report")" "$(host_address db3)"
}

@test "a vanished host costs its own deadline and hides nothing of the others" {
    local began=${EPOCHREALTIME/[.,]/}
    host_link_down db3
    replica_stop_io db2
    check --only=ssh,servers,repl
    host_link_up db3
    replica_start_io db2
    assert_equal "$status" 1
    assert_equal "$(findings)" $'db3 ssh-failed error\ndb3 server-dead error\ndb2 receiver-stopped error'
    # Both deadlines (4 and 5 s) run at once; the rest is for a busy machine.
    ((${EPOCHREALTIME/[.,]/} - began < 9000000))
}

@test "each missing privilege is named with the GRANT that gives it, and a default role counts" {
    host_sql db2 "SET SESSION sql_log_bin = 0; CREATE USER m IDENTIFIED BY 'm';
        CREATE ROLE r; GRANT r TO m; SET DEFAULT ROLE r FOR m; GRANT ALL PRIVILEGES ON *.* TO r"
    conf_write "$CLUSTER_DIR/app1.cnf" server2.user=m server2.password=m
    check --only=privileges
    assert_equal "$status $(findings)" "0 "
    host_sql db2 "SET SESSION sql_log_bin = 0; REVOKE RELOAD, PROCESS ON *.* FROM r"
    check --only=privileges
    host_sql db2 "SET SESSION sql_log_bin = 0; DROP USER m; DROP ROLE r"
    assert_equal "$status" 1
    assert_equal "$(findings)" $'db2 privileges-missing error\ndb2 privileges-to-look error'
    assert_equal "$(jq -r '.findings[0].fix' <<<"$report")" "GRANT RELOAD ON *.* TO 'm'@'%';"
}

@test "an account that may not even look is told which privileges it lacks" {
    host_sql db3 "SET SESSION sql_log_bin = 0; CREATE USER n IDENTIFIED BY 'n'; GRANT SELECT ON *.* TO n"
    conf_write "$CLUSTER_DIR/app1.cnf" server3.user=n server3.password=n
    check --only=servers,privileges
    host_sql db3 "SET SESSION sql_log_bin = 0; DROP USER n"
    assert_equal "$status" 1
    assert_equal "$(findings | grep -v to-apply)" \
        $'db3 server-refuses error\ndb3 privileges-missing error\ndb3 privileges-to-look error'
    jq -e '[.findings[] | select(.name == "privileges-to-look") | .fix][0] |
        startswith("GRANT SLAVE MONITOR, BINLOG MONITOR, PROCESS")' <<<"$report"
}

@test "a replica without the replication account could not be followed" {
    host_sql db3 "SET SESSION sql_log_bin = 0; RENAME USER '$REPL_USER'@'%' TO 'gone'@'%'"
    check --only=privileges
    host_sql db3 "SET SESSION sql_log_bin = 0; RENAME USER 'gone'@'%' TO '$REPL_USER'@'%'"
    assert_equal "$status" 1
    assert_equal "$(findings)" "db3 repl-account-missing error"
}

@test "the address on a second host, or on none, is seen by three witnesses" {
    vip_add db3
    check --only=vip
    vip_remove db3
    assert_equal "$status" 1
    # Whom a login reaches is a matter of chance then.
    assert_equal "$(findings | grep -v leads-elsewhere | sort)" $'db1 vip-twice error\ndb3 vip-misplaced error'
    vip_remove db1
    check --only=vip
    assert_equal "$status" 1
    assert_equal "$(findings | sort)" $'cluster vip-no-login warning\ndb1 vip-missing error'
    vip_add db2
    ip -n "$(host_netns manager)" neighbour flush all
    check --only=vip
    vip_remove db2
    vip_add db1
    assert_equal "$status" 1
    assert_equal "$(findings | sort)" \
        $'cluster vip-leads-elsewhere error\ndb1 vip-missing error\ndb2 vip-misplaced error'
}

@test "an interface that cannot carry the address, and a log that cannot be written, are said" {
    ip -n "$(host_netns manager)" neighbour flush all
    conf_write "$CLUSTER_DIR/app1.cnf" server3.vip_interface=eth7 manager_log=/nonexistent/manager.log
    check --only=vip,manager
    assert_equal "$status" 1
    assert_equal "$(findings)" $'cluster manager-log warning\ndb3 vip-interface error'
    jq -e '.findings[1].text | contains("eth7")' <<<"$report"
}

@test "the address is told by host, and moved by hand only where clients can write" {
    ip -n "$(host_netns manager)" neighbour flush all
    run -0 host_exec manager "$BATON_BIN/baton" vip --conf="$CLUSTER_DIR/app1.cnf"
    assert_line --regexp "^  has it +$(host_address db1).*primary"
    assert_line --regexp "^  asked from $(host_address db2).*the network answers with MAC $(host_mac db1)"
    assert_line "  a login from here reaches server_id 1"
    run -3 host_exec manager "$BATON_BIN/baton" vip move "$(host_address db2)" --conf="$CLUSTER_DIR/app1.cnf"
    assert_output --partial "is not the primary"
    assert_equal "$(vip_holder)" db1
    run -0 host_exec manager "$BATON_BIN/baton" vip move server2 --force --conf="$CLUSTER_DIR/app1.cnf"
    assert_equal "$(vip_holder)" db2
    run -1 host_exec manager "$BATON_BIN/baton" vip status --json --conf="$CLUSTER_DIR/app1.cnf"
    assert_equal "$(jq -c '[.ok, .vips[0].login_server_id, (.vips[0].hosts | map(.has_it))]' <<<"$output")" \
        '[false,2,[false,true,false]]'
    # Somebody else has it: it is not taken from there without being told to.
    run -7 host_exec manager "$BATON_BIN/baton" vip up "$(host_address db1)" --conf="$CLUSTER_DIR/app1.cnf"
    run -0 host_exec manager "$BATON_BIN/baton" vip move "$(host_address db1)" --conf="$CLUSTER_DIR/app1.cnf"
    assert_equal "$(vip_holder)" db1
    run -0 host_exec manager "$BATON_BIN/baton" vip down "$(host_address db1)" --conf="$CLUSTER_DIR/app1.cnf"
    assert_equal "$(vip_holder)" ""
    run -0 host_exec manager "$BATON_BIN/baton" vip up "$(host_address db1)" --conf="$CLUSTER_DIR/app1.cnf"
    assert_equal "$(vip_holder)" db1
}

@test "a writable replica, a read-only primary and relaxed durability are said" {
    host_sql db2 "SET GLOBAL read_only = 0"
    host_sql db1 "SET GLOBAL read_only = 1, GLOBAL sync_binlog = 0"
    check --only=settings
    host_sql db2 "SET GLOBAL read_only = 1"
    host_sql db1 "SET GLOBAL read_only = 0, GLOBAL sync_binlog = 1"
    assert_equal "$status" 1
    assert_equal "$(findings | sort)" \
        $'db1 primary-read-only error\ndb1 sync-binlog warning\ndb2 replica-writable warning'
}

@test "heartbeats that come too rarely are noted with the statement that mends it" {
    conf_write "$CLUSTER_DIR/app1.cnf" ping_interval=0.2
    check --only=settings
    assert_equal "$status" 0
    assert_equal "$(jq -r '[.findings[] | select(.name == "heartbeat-slow") | .fix] | unique[]' \
        <<<"$report")" \
        "STOP SLAVE IO_THREAD; CHANGE MASTER TO MASTER_HEARTBEAT_PERIOD=0.2; START SLAVE IO_THREAD;"
}

@test "a folder without the primary's logs is an error, and so is nothing to save" {
    conf_write "$CLUSTER_DIR/app1.cnf" master_binlog_dir=/srv/nothing
    check --only=logs,failover
    assert_equal "$status" 1
    assert_equal "$(findings | sort | uniq -c | awk '{print $1, $2, $3}' | sort)" \
        "$(printf '%s\n' '2 cluster plan-lost' '1 db1 binary-logs-unreadable' \
            '1 db2 binary-logs-unreadable' '1 db3 binary-logs-unreadable' | sort)"
}

@test "scripts are asked for their status with MHA's words, and must answer 0" {
    cat >"$CLUSTER_DIR/hook" <<END
#!/bin/bash
echo "\$*" >>"$CLUSTER_DIR/hook.log"
exit \$(cat "$CLUSTER_DIR/hook.rc")
END
    chmod 755 "$CLUSTER_DIR/hook"
    echo 0 >"$CLUSTER_DIR/hook.rc"
    conf_write "$CLUSTER_DIR/app1.cnf" master_ip_failover_script="$CLUSTER_DIR/hook --a=1" \
        report_script=/nonexistent/report
    check --only=hooks
    assert_equal "$status" 0
    assert_equal "$(findings)" "cluster hook-not-executable warning"
    local ip
    ip=$(host_address db1)
    # shellcheck disable=SC2001
    assert_equal "$(sed 's/ --ssh_options=.*//' "$CLUSTER_DIR/hook.log")" "--a=1 --command=status \
--ssh_user=root --orig_master_host=$ip --orig_master_ip=$ip --orig_master_port=3306"
    echo 10 >"$CLUSTER_DIR/hook.rc"
    conf_write "$CLUSTER_DIR/app1.cnf" master_ip_failover_script="$CLUSTER_DIR/hook --a=1"
    check --only=hooks
    assert_equal "$status $(findings)" "1 cluster hook-status-failed error"
}

@test "filters that differ are errors, unless check_repl_filter is 0" {
    host_sql db3 "STOP SLAVE SQL_THREAD; SET GLOBAL replicate_ignore_db = 'tmp'; START SLAVE SQL_THREAD"
    check --only=repl
    assert_equal "$status $(findings)" "1 db3 replication-filters-differ error"
    conf_write "$CLUSTER_DIR/app1.cnf" check_repl_filter=0
    check --only=repl
    host_sql db3 "STOP SLAVE SQL_THREAD; SET GLOBAL replicate_ignore_db = ''; START SLAVE SQL_THREAD"
    assert_equal "$status $(findings)" "0 db3 replication-filters-differ warning"
}

@test "a guard or an error flag of an earlier failover is said with what clears it" {
    touch "$CLUSTER_DIR/manager/app1.failover.complete" "$CLUSTER_DIR/manager/app1.failover.error"
    check --only=manager,failover
    rm "$CLUSTER_DIR/manager/app1.failover."{complete,error}
    assert_equal "$status" 1
    assert_equal "$(findings)" $'cluster failover-error-flag error\ncluster failover-guard warning'
    assert_equal "$(jq -r '.findings[1].fix' <<<"$report")" \
        "rm $CLUSTER_DIR/manager/app1.failover.complete"
    assert_equal "$(jq -r ".if_primary_died.blockers | length" <<<"$report")" 2
}

@test "two servers with one id, and all mistakes of the command line, are refused" {
    host_sql db3 "SET GLOBAL server_id = 2"
    check --only=servers
    host_sql db3 "SET GLOBAL server_id = 3"
    assert_equal "$status $(findings)" "1 db3 server-id-twice error"
    run -2 host_exec manager "$BATON_BIN/baton" check --conf="$CLUSTER_DIR/app1.cnf" --only=nothing
    run -2 host_exec manager "$BATON_BIN/baton" check
    run -3 host_exec manager "$BATON_BIN/baton" check --conf=/nonexistent.cnf
}

@test "what was written on a replica only is errant" {
    host_sql db2 "CREATE DATABASE errant"
    check --only=repl
    assert_equal "$status" 1
    assert_equal "$(findings)" "db2 errant-transactions error"
    jq -e '.findings[0].text | contains("0-2-")' <<<"$report"
}

@test "a dead primary is no error of the check itself: everything else is told" {
    host_stop db1 -9
    check
    assert_equal "$status" 1
    findings | grep -qx "db1 server-dead error"
    assert_equal "$(jq -r .primary <<<"$report")" "$(host_address db1)"
    jq -e '.if_primary_died.new_primary != null' <<<"$report"
}
