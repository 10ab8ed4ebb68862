#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The writer role moves as planned, under a client that keeps what it was promised; and whatever
# goes wrong on the way leaves the old state whole or the new one.

load ../lib/cluster
load ../lib/ledger
load ../lib/failover
load ../lib/manager
load ../lib/switchover

setup() {
    bats_require_minimum_version 1.5.0
    bats_load_library bats-support
    bats_load_library bats-assert
    export CLUSTER_NAME=so$$
}

teardown() {
    [[ -n ${BATS_TEST_COMPLETED:-} ]] || cluster_logs
    sessions_end
    cluster_down
}

promises_kept() {
    ledger_wait 40
    echo "# client gap: $(ledger_stop | jq .gap_ms) ms, writes stopped for $(jq .blocked_ms <<<"$report") ms" >&3
    run ledger_verify "$@"
    assert_success
}

# A statement of a session that stays, as root on the host itself; ends with the test.
session() {
    local host=$1
    shift
    { echo $BASHPID >>"$BATS_TEST_TMPDIR/sessions" && printf '%s\n' "$@" && exec tail -f /dev/null; } |
        host_client "$host" --force >/dev/null 2>&1 3>&- 4>&- &
    disown $!
}

# What they read from ends; a client whose server is gone does not notice by itself.
sessions_end() {
    [[ ! -f $BATS_TEST_TMPDIR/sessions ]] || xargs kill <"$BATS_TEST_TMPDIR/sessions" 2>/dev/null || true
}

sessions_of_root() {
    (($(host_sql "$1" "SELECT COUNT(*) FROM information_schema.PROCESSLIST
        WHERE USER = 'root' AND ID <> CONNECTION_ID()") >= $2))
}

root_session_ids() {
    host_sql "$1" "SELECT GROUP_CONCAT(ID ORDER BY ID) FROM information_schema.PROCESSLIST
        WHERE USER = 'root' AND ID <> CONNECTION_ID()"
}

# ------------------------------------------------------------------ it goes well

@test "under four writers and with a long transaction open, GTID mode: nothing is lost, all follow" {
    failover_cluster 3 gtid
    ledger_start --threads 4 --mode mixed
    session db1 "BEGIN;" "INSERT INTO shop.t (id) VALUES (77);"
    cluster_wait "the long transaction" 5 sessions_of_root db1 1
    ledger_wait 100
    switchover_run --to="$(host_address db2)" --old-primary-becomes-replica
    assert_equal "$status" 0
    promises_kept db2 db1 db3
    switchover_done db2 db1 db3
    # What was never committed is nowhere.
    assert_equal "$(host_sql db2 "SELECT COUNT(*) FROM shop.t WHERE id = 77")" 0
    grep -q "Switching master to .* completed successfully" "$CLUSTER_DIR/manager.log"
}

@test "position mode, and back again: the log's statement names where the replicas went on" {
    failover_cluster 3 position
    ledger_start --threads 2 --mode mixed
    ledger_wait 40
    switchover_run --to="$(host_address db3)" --old-primary-becomes-replica
    assert_equal "$status" 0
    ledger_wait 40
    switchover_run --to="$(host_address db1)" --old-primary-becomes-replica
    assert_equal "$status" 0
    promises_kept db1 db2 db3
    switchover_done db1 db2 db3
    run grep -cE "All other slaves should start replication from here\. Statement should be: \
CHANGE MASTER TO MASTER_HOST='${CLUSTER_NET//./\\.}\.1', MASTER_PORT=3306, MASTER_LOG_FILE='bin\.[0-9]{6}', \
MASTER_LOG_POS=[0-9]+, MASTER_USER='$REPL_USER', MASTER_PASSWORD='xxx';\$" "$CLUSTER_DIR/manager.log"
    assert_output 1
}

@test "semi-synchronous, with a session that holds a lock: it is ended, the writes move" {
    failover_cluster 3 gtid
    local host
    host_sql db1 "SET GLOBAL rpl_semi_sync_master_enabled = ON"
    for host in db2 db3; do
        host_sql "$host" "SET GLOBAL rpl_semi_sync_slave_enabled = ON; STOP SLAVE IO_THREAD; START SLAVE IO_THREAD"
    done
    session db1 "LOCK TABLES shop.t WRITE;" "DO SLEEP(0);"
    cluster_wait "the session" 5 sessions_of_root db1 1
    ledger_start --threads 2 --mode mixed
    ledger_wait 40
    switchover_run
    assert_equal "$status" 0
    promises_kept db2 db3
    switchover_primary_is db2
    # Who waits for acknowledgements and who gives them changed places.
    assert_equal "$(host_sql db2 "SELECT @@rpl_semi_sync_master_enabled, @@rpl_semi_sync_slave_enabled")" $'1\t0'
    assert_equal "$(host_sql db1 "SELECT @@rpl_semi_sync_master_enabled, @@rpl_semi_sync_slave_enabled")" $'0\t1'
    # Without the option the old primary is left alone, read-only.
    assert_equal "$(replica_status db1 Master_Host)" ""
}

@test "the session with the lock is killed on the way, and a privileged user writes: that is seen, the writes go back" {
    failover_cluster 2 gtid
    nsenter --net="/run/netns/$(host_netns manager)" -- env BATON_PAUSE_AT=switch-stopped "$BATON_BIN/baton" \
        switchover --conf="$CLUSTER_DIR/app1.cnf" --json >"$CLUSTER_DIR/report" 2>"$CLUSTER_DIR/manager.log" 3>&- &
    local pid=$! rc=0 journal=$CLUSTER_DIR/manager/app1.switchover.journal locker
    cluster_wait "the switchover to stop" 20 grep -q "^State:.*stopped" "/proc/$pid/status"
    locker=$(jq -r 'select(.step == "stop").locker // empty' "$journal")
    locker=$(host_sql db1 "SELECT IS_USED_LOCK('$locker')")
    host_sql db1 "KILL $locker; INSERT INTO shop.t (id) VALUES (55)"
    kill -CONT "$pid"
    wait "$pid" || rc=$?
    assert_not_equal "$rc" 0
    assert_equal "$(jq -r .outcome "$CLUSTER_DIR/report")" undone
    grep -q "was written to after it stood still" "$CLUSTER_DIR/manager.log"
    switchover_untouched db1 db2
}

@test "a privileged user who keeps writing on the old primary's host loses nothing that was promised" {
    failover_cluster 3 gtid
    host_sql db1 "CREATE TABLE shop.root (id INT AUTO_INCREMENT PRIMARY KEY)"
    : >"$CLUSTER_DIR/acked"
    while host_sql db1 "INSERT INTO shop.root VALUES (); SELECT LAST_INSERT_ID()" >>"$CLUSTER_DIR/acked" 2>&4; do
        :
    done 4>/dev/null 3>&- &
    local writer=$!
    cluster_wait "his first rows" 10 test -s "$CLUSTER_DIR/acked"
    switchover_run
    kill "$writer" 2>/dev/null || true
    wait "$writer" 2>/dev/null || true
    # Either he was shut out in time, or the switchover saw him and put everything back.
    local primary=db2
    ((status == 0)) || primary=db1
    switchover_primary_is "$primary"
    cluster_wait "all rows that he was told of" 10 root_rows_are_on "$primary"
}

# Those he was told of before the old primary stood still; what he wrote behind it is on db1 alone,
# and is named.
root_rows_are_on() {
    local last
    last=$(host_sql "$1" "SELECT MAX(id) FROM shop.root")
    [[ $1 == db1 ]] || (($(sort -n "$CLUSTER_DIR/acked" | tail -n 1) == last)) ||
        [[ $(host_sql db1 "SELECT MAX(id) > $last FROM shop.root") == 1 ]]
}

# ------------------------------------------------------------------------- hooks

hook_conf() {
    cat >"$CLUSTER_DIR/hook" <<END
#!/bin/bash
printf '%s\n' "\$*" >>"$CLUSTER_DIR/hook.calls"
$1
END
    chmod 755 "$CLUSTER_DIR/hook"
    conf_write "$CLUSTER_DIR/app1.cnf" master_ip_online_change_script="$CLUSTER_DIR/hook"
}

@test "master_ip_online_change_script is called twice with MHA's arguments" {
    failover_cluster 3 gtid
    hook_conf 'exit 10'
    switchover_run --to="$(host_address db2)" --old-primary-becomes-replica
    assert_equal "$status" 0
    switchover_done db2 db1 db3
    local a=$CLUSTER_NET
    run cat "$CLUSTER_DIR/hook.calls"
    local want="--command=stop" role n
    for role in orig:1 new:2; do
        n=$a.${role#*:} role=${role%:*}_master
        want+=" --${role}_host=$n --${role}_ip=$n --${role}_port=3306 --${role}_user=$ADMIN_USER"
    done
    want+=" --orig_master_ssh_user=root --new_master_ssh_user=root --ssh_options=-o StrictHostKeyChecking=no"
    want+=" -o PasswordAuthentication=no -o BatchMode=yes -F $CLUSTER_DIR/ssh/config"
    want+=" --orig_master_is_new_slave --orig_master_password=$ADMIN_PASSWORD"
    want+=" --new_master_password=$ADMIN_PASSWORD"
    assert_equal "${lines[0]}" "$want"
    assert_line --index 1 --partial "--command=start --orig_master_host=$a.1"
    assert_equal "${#lines[@]}" 2
    run grep -F "$ADMIN_PASSWORD" "$CLUSTER_DIR/manager.log"
    assert_failure
}

@test "a script that fails at stop or at start: the old primary takes writes again" {
    failover_cluster 3 gtid
    ledger_start --threads 2 --mode mixed
    ledger_wait 20
    hook_conf '[[ $* != --command=stop* ]]'
    switchover_run
    assert_not_equal "$status" 0
    assert_equal "$(jq -r .outcome <<<"$report")" undone
    ledger_wait 20
    switchover_primary_is db1
    hook_conf '[[ $* == --command=stop* || $* == *new_master_host='"$CLUSTER_NET"'.1\ * ]]'
    : >"$CLUSTER_DIR/hook.calls"
    switchover_run
    assert_not_equal "$status" 0
    assert_equal "$(jq -r .outcome <<<"$report")" undone
    # It was told to start once for the new primary, and then for the old one.
    assert_equal "$(grep -c -- "--command=start" "$CLUSTER_DIR/hook.calls")" 2
    promises_kept db1
    switchover_untouched db1 db2 db3
}

# ---------------------------------------------------------------- refused at once

@test "what stands in the way is told at once, and nothing is touched" {
    failover_cluster 3 gtid
    switchover_run --to="$(host_address db1)"
    assert_not_equal "$status" 0
    jq -e '.blockers[] | select(test("cannot be the new primary"))' <<<"$report"
    session db1 "UPDATE shop.t SET text = SLEEP(60) WHERE id < 0 OR SLEEP(60);" \
        "INSERT INTO shop.t (id, text) SELECT 5, SLEEP(60);"
    cluster_wait "a statement that runs for 2 s" 10 long_statement
    replica_stop_sql db3
    switchover_run --dry-run
    assert_not_equal "$status" 0
    jq -e '.outcome == "refused" and ([.blockers[] | select(test("has been writing for more than 1 s"))] | length) == 1
        and ([.blockers[] | select(test("db3|\\.3\\(.*does not apply"))] | length) == 1' <<<"$report"
    vip_remove db1
    host_stop db2 -9
    switchover_run
    assert_not_equal "$status" 0
    jq -e '([.blockers[] | select(test("is not on the primary"))] | length) == 1 and
        ([.blockers[] | select(test("does not answer"))] | length) == 1' <<<"$report"
    assert_equal "$(host_sql db1 "SELECT @@GLOBAL.read_only")" 0
    [[ ! -e $CLUSTER_DIR/manager/app1.switchover.journal ]]
}

long_statement() {
    (($(host_sql db1 "SELECT COUNT(*) FROM information_schema.PROCESSLIST
        WHERE TIME >= 2 AND INFO LIKE 'INSERT%'") == 1))
}

@test "a manager that watches the primary is not worked against" {
    failover_cluster 2 gtid
    session db1 "SELECT GET_LOCK('MHA_Master_High_Availability_Monitor', 10);"
    cluster_wait "the lock" 5 monitor_lock_is_held
    switchover_run
    assert_not_equal "$status" 0
    grep -q "Stop MHA Manager/Monitor and try again" "$CLUSTER_DIR/manager.log"
    switchover_untouched db1 db2
}

monitor_lock_is_held() {
    [[ $(host_sql db1 "SELECT IS_USED_LOCK('MHA_Master_High_Availability_Monitor') IS NOT NULL") == 1 ]]
}

# --------------------------------------------------------------- put back on the way

@test "a new primary that falls behind is not waited for at the clients' cost, or the writes are put back" {
    failover_cluster 3 gtid
    ledger_start --threads 2 --mode mixed
    ledger_wait 20
    # Its applier stands still behind somebody's lock: that is seen while clients still write.
    session db2 "LOCK TABLES shop.t READ;" "DO SLEEP(0);"
    cluster_wait "the lock" 5 sessions_of_root db2 1
    failover_insert 1 1
    switchover_run --to="$(host_address db2)" --wait-limit=1 --seconds-behind=600
    assert_not_equal "$status" 0
    assert_equal "$(jq -r .outcome <<<"$report")" refused
    host_sql db2 "KILL $(host_sql db2 "SELECT ID FROM information_schema.PROCESSLIST
        WHERE USER = 'root' AND ID <> CONNECTION_ID() LIMIT 1")"
    # It stops when the writes have stopped already.
    local host="ssh -F $CLUSTER_DIR/ssh/config root@$(host_address db2)"
    local old="ssh -F $CLUSTER_DIR/ssh/config root@$(host_address db1) mariadb -S /run/mysqld/mysqld.sock"
    hook_conf "[[ \$* != --command=stop* ]] || { $host mariadb -S /run/mysqld/mysqld.sock -e '\"STOP SLAVE SQL_THREAD\"'
        $old -e '\"INSERT INTO shop.t (id) VALUES (4444)\"'; }"
    switchover_run --to="$(host_address db2)" --wait-limit=5
    assert_not_equal "$status" 0
    assert_equal "$(jq -r .outcome <<<"$report")" undone
    promises_kept db1
    switchover_primary_is db1
}

@test "an address that somebody else answers for too is not moved" {
    failover_cluster 3 gtid
    vip_add db3
    switchover_run --to="$(host_address db2)"
    assert_not_equal "$status" 0
    assert_equal "$(jq -r .outcome <<<"$report")" refused
    jq -e '.blockers[] | select(test("is answered for by another host too, MAC 02:77"))' <<<"$report"
    vip_remove db3
    switchover_untouched db1 db2 db3
}

@test "the way to the old primary's host lost in the middle: the old primary takes writes again" {
    failover_cluster 3 gtid
    local host="ssh -F $CLUSTER_DIR/ssh/config root@$(host_address db1)"
    hook_conf "[[ \$* != --command=stop* ]] || $host 'pkill -9 sshd'"
    switchover_run --to="$(host_address db2)"
    if ((status == 0)); then switchover_primary_is db2; else switchover_untouched db1 db2 db3; fi
}

@test "a replica that dies in the middle: the writes move, and the exit code says partial" {
    failover_cluster 3 gtid
    local host="ssh -F $CLUSTER_DIR/ssh/config root@$(host_address db3)"
    hook_conf "[[ \$* != --command=start* ]] || $host 'kill -9 \$(cat /run/mysqld/mysqld.pid)'"
    switchover_run --to="$(host_address db2)" --old-primary-becomes-replica
    assert_equal "$status" 10
    assert_equal "$(jq -r .outcome <<<"$report")" partial
    switchover_done db2 db1
}

# ------------------------------------------------------------------------ killed

# killed_at POINT EXPECTED: ended there, then resumed.
killed_at() {
    CRASH_AT=$1 switchover_run --to="$(host_address db2)" --old-primary-becomes-replica
    assert_equal "$status" 137
    # Never two: the new one is opened only when the old one is closed.
    [[ $(host_sql db1 "SELECT @@GLOBAL.read_only")$(host_sql db2 "SELECT @@GLOBAL.read_only") != 00 ]]
    if [[ $1 != switch-cleaned ]]; then
        switchover_run
        assert_not_equal "$status" 0
        grep -q -- "--resume" "$CLUSTER_DIR/manager.log"
    fi
    switchover_run --resume
    assert_equal "$(jq -r .outcome <<<"$report")" "$2"
    ledger_wait 20
}

@test "a manager killed before the new primary is open: --resume puts everything back" {
    failover_cluster 3 gtid
    ledger_start --threads 2 --mode mixed
    local point
    for point in switch-before-stop switch-locked switch-stopped switch-before-open; do
        killed_at "$point" undone
        switchover_primary_is db1
    done
    promises_kept db1
    switchover_untouched db1 db2 db3
}

@test "a manager killed after that: --resume finishes it" {
    failover_cluster 3 gtid
    ledger_start --threads 2 --mode mixed
    local point
    for point in switch-opened switch-address-both switch-address switch-repointed switch-cleaned; do
        killed_at "$point" "done"
        switchover_primary_is db2
        switchover_run --to="$(host_address db1)" --old-primary-becomes-replica
        assert_equal "$status" 0
    done
    promises_kept db1 db2 db3
    switchover_done db1 db2 db3
}

@test "an old primary restarted after the manager was killed: --resume ends no session of a reused number" {
    local first last before n
    failover_cluster 3 gtid
    CRASH_AT=switch-stopped switchover_run --to="$(host_address db2)" --old-primary-becomes-replica
    assert_equal "$status" 137
    last=$(host_sql db1 "SELECT CONNECTION_ID()") # what held the lock had a smaller one
    host_stop db1 clean
    host_start db1
    first=$(host_sql db1 "SELECT CONNECTION_ID()")
    for ((n = first; n < last; n++)); do session db1 "SELECT 1"; done
    cluster_wait "the sessions to stand" 20 sessions_of_root db1 $((last - first))
    before=$(root_session_ids db1)
    switchover_run --resume
    assert_equal "$(jq -r .outcome <<<"$report")" undone
    assert_equal "$(root_session_ids db1)" "$before"
    switchover_primary_is db1
}

# ----------------------------------------------------------------------- a manager

@test "a manager looks away meanwhile, watches the new primary after it, and ends what was cut off" {
    failover_cluster 3 gtid
    manager_start
    manager_wait_state PING_OK
    ledger_start --threads 2 --mode mixed
    ledger_wait 20
    switchover_run --to="$(host_address db2)" --old-primary-becomes-replica
    assert_equal "$status" 0
    manager_wait_state PING_OK
    manager_wait_primary db2
    CRASH_AT=switch-stopped switchover_run --to="$(host_address db1)" --old-primary-becomes-replica
    assert_equal "$status" 137
    manager_wait_log "Everything is as it was before"
    ledger_wait 20
    switchover_primary_is db2
    CRASH_AT=switch-opened switchover_run --to="$(host_address db1)" --old-primary-becomes-replica
    manager_wait_log "it is finished"
    manager_wait_state PING_OK
    manager_wait_primary db1
    promises_kept db1 db2 db3
    switchover_done db1 db2 db3
    assert_equal "$(manager_failovers)" 0
    manager_stop
}

@test "a switchover cut off behind its opening, and then the old primary dies: no second election" {
    failover_cluster 3 gtid
    CRASH_AT=switch-opened switchover_run --to="$(host_address db2)"
    assert_equal "$status" 137
    host_stop db1 -9
    failover_run
    assert_not_equal "$status" 0
    grep -q "Finish it with: baton switchover" "$CLUSTER_DIR/manager.log"
    switchover_run --resume
    assert_equal "$status" 0
    switchover_done db2 db3
}
