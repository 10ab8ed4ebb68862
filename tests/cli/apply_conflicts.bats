# SPDX-License-Identifier: Apache-2.0
# baton apply onto data that are not what the log was made from, and runs that are cut short.
bats_require_minimum_version 1.5.0

setup_file() {
    source "$BATON_SOURCE/tests/lib/server.bash"
    server_template "$(mktemp -d "${TMPDIR:-/tmp}/baton-apply.XXXXXX")"
    server_start source --binlog-format=ROW
    server_start target
}

teardown_file() {
    source "$BATON_SOURCE/tests/lib/server.bash"
    server_remove
}

setup() {
    source "$BATON_SOURCE/tests/lib/server.bash"
    local name
    for name in source target; do
        server_drop_databases $name
        server_sql $name "RESET MASTER; SET GLOBAL gtid_slave_pos=''"
    done
    server_sql source "CREATE DATABASE w; CREATE TABLE w.t
        (id INT PRIMARY KEY, u VARCHAR(20) UNIQUE, n INT) CHARSET utf8mb4"
}

record() {
    server_sql source "FLUSH BINARY LOGS"
    LOG=$(server_logs source | head -n 1)
}

apply() {
    "$BATON_BIN/baton" apply --via=sql --socket="$(server_socket target)" --user=root --json "$@"
}

field() { jq -r "$1" <<<"$output"; }
rows() { server_sql "$1" "SELECT GROUP_CONCAT(id, u, n ORDER BY id) FROM w.t"; }

# The target gets the table, then SQL that its source does not have; the log begins behind the table.
differ() {
    record
    apply "$LOG" >/dev/null
    server_sql target "SET sql_log_bin=0; $1"
    server_sql source "RESET MASTER; SET gtid_seq_no=100; $2"
    record
}

@test "a row whose key is taken stops the run, and table, key and GTID are named" {
    differ "INSERT INTO w.t VALUES (3, 'x', 9)" \
        "INSERT INTO w.t VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3), (4, 'd', 4)"
    run --separate-stderr apply "$LOG"
    [[ $status -eq 7 ]]
    [[ $stderr == *"-100 "*"table w.t"*"PRIMARY (id=3)"* ]]
    [[ $(field '.conflict_list[0] | .what + "|" + .table + "|" + .key + "|" + .done') == \
        "duplicate key|w.t|PRIMARY (id=3)|stop" ]]
    [[ $(rows target) == 3x9 ]]
}

@test "a row that is not found stops the run and its key is named" {
    differ "" "INSERT INTO w.t VALUES (1, 'a', 1), (7, 'g', 7); UPDATE w.t SET n=n+1"
    server_sql target "SET sql_log_bin=0; CREATE TRIGGER w.lose AFTER INSERT ON w.t FOR EACH ROW SET @a=1"
    apply "$LOG" >/dev/null
    server_sql target "SET sql_log_bin=0; DELETE FROM w.t WHERE id=7"
    server_sql source "RESET MASTER; SET gtid_seq_no=200; UPDATE w.t SET n=n+1"
    record
    run --separate-stderr apply "$LOG"
    [[ $status -eq 7 ]]
    [[ $stderr == *"-200 "*"table w.t"*"PRIMARY (id=7)"* ]]
    [[ $(rows target) == 1a2 ]]
}

@test "skip leaves out each row that does not fit and lists it" {
    differ "INSERT INTO w.t VALUES (3, 'x', 9), (8, 'b', 8)" \
        "INSERT INTO w.t VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3), (4, 'd', 4); UPDATE w.t SET n=n+1"
    run --separate-stderr apply --on-conflict=skip "$LOG"
    [[ $status -eq 0 ]] || { echo "$stderr"; false; }
    [[ $(field .conflicts) == 3 ]]
    [[ $(field '[.conflict_list[] | .what + " " + .key + " " + .done] | join("; ")') == \
        "duplicate key u (u=b) skip; duplicate key PRIMARY (id=3) skip; row not found PRIMARY (id=2) skip" ]]
    [[ $(rows target) == "1a2,3c4,4d5,8b8" ]]
    [[ $(server_sql target "SELECT @@gtid_binlog_state") == *-101 ]]
}

@test "overwrite makes the rows what the log says and lists each" {
    differ "INSERT INTO w.t VALUES (3, 'x', 9), (8, 'B ', 8), (9, 'c', 9)" \
        "INSERT INTO w.t VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3), (4, 'd', 4)"
    run --separate-stderr apply --on-conflict=overwrite "$LOG"
    [[ $status -eq 0 ]] || { echo "$stderr"; false; }
    [[ $(field .conflicts) == 3 ]]
    [[ $(rows target) == "$(rows source)" ]]
    server_sql target "SET sql_log_bin=0; DELETE FROM w.t WHERE id IN (2, 3)"
    server_sql source "RESET MASTER; SET gtid_seq_no=200; UPDATE w.t SET n=n+1"
    server_sql source "DELETE FROM w.t WHERE id=2"
    record
    server_sql target "SET sql_log_bin=0; DELETE FROM w.t WHERE id=2"
    run --separate-stderr apply --on-conflict=overwrite "$LOG"
    [[ $status -eq 0 ]] || { echo "$stderr"; false; }
    [[ $(field '[.conflict_list[] | .what + " " + .key] | join("; ")') == \
        "row not found PRIMARY (id=2); row not found PRIMARY (id=3)" ]]
    [[ $(rows target) == "$(rows source)" ]]
}

@test "a statement that fails is skipped, never overwritten" {
    differ "INSERT INTO w.t VALUES (3, 'x', 9)" "SET binlog_format=STATEMENT; BEGIN;
        INSERT INTO w.t VALUES (1, 'a', 1); INSERT INTO w.t VALUES (3, 'c', 3); COMMIT"
    run --separate-stderr apply --on-conflict=overwrite "$LOG"
    [[ $status -eq 7 ]]
    [[ $stderr == *"INSERT INTO w.t VALUES (3,"* ]]
    [[ $(rows target) == 3x9 ]]
    run --separate-stderr apply --on-conflict=skip "$LOG"
    [[ $status -eq 0 ]] || { echo "$stderr"; false; }
    [[ $(field '.conflict_list[0].what') == "error 1062" ]]
    [[ $(rows target) == "1a1,3x9" ]]
}

@test "a table whose changes no ROLLBACK takes back is skipped in row by row from the start" {
    server_sql source "ALTER TABLE w.t ENGINE=MyISAM"
    differ "INSERT INTO w.t VALUES (3, 'x', 9)" "INSERT INTO w.t VALUES (1, 'a', 1), (3, 'c', 3), (4, 'd', 4)"
    run --separate-stderr apply --on-conflict=skip "$LOG"
    [[ $status -eq 0 ]] || { echo "$stderr"; false; }
    [[ $(field .conflicts) == 1 ]]
    [[ $(rows target) == "1a1,3x9,4d4" ]]
}

@test "a lock of somebody else is waited for again, from the transaction on that met it" {
    differ "INSERT INTO w.t VALUES (1, 'a', 1)" "SET sql_log_bin=0;
        INSERT INTO w.t VALUES (1, 'a', 1); SET sql_log_bin=1;
        INSERT INTO w.t VALUES (5, 'e', 5); UPDATE w.t SET n=2 WHERE id=1; INSERT INTO w.t VALUES (6, 'f', 6)"
    server_sql target "SET GLOBAL innodb_lock_wait_timeout=1"
    coproc LOCK { mariadb --no-defaults -uroot -N -S "$(server_socket target)" --unbuffered; }
    echo "BEGIN; SELECT n FROM w.t WHERE id=1 FOR UPDATE;" >&"${LOCK[1]}"
    read -rt 20 <&"${LOCK[0]}"
    apply "$LOG" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
    local pid=$! i
    # until its first try has timed out on the lock
    for ((i = 0; i < 300; i++)); do
        (($(server_sql target "SELECT variable_value FROM information_schema.global_status
            WHERE variable_name='Innodb_row_lock_waits'") < 2)) || break
        read -rt 0.1 <> <(:) || true
    done
    eval "exec ${LOCK[1]}>&-"
    wait "$LOCK_PID" 2>/dev/null || true
    wait "$pid" || { cat "$BATS_TEST_TMPDIR/err"; false; }
    server_sql target "SET GLOBAL innodb_lock_wait_timeout=50"
    [[ $(rows target) == "1a2,5e5,6f6" ]]
    [[ $(jq .transactions "$BATS_TEST_TMPDIR/out") == 3 ]]
}

@test "relaxed durability is put back and said, also when the run fails" {
    differ "INSERT INTO w.t VALUES (3, 'x', 9)" "INSERT INTO w.t VALUES (1, 'a', 1); INSERT INTO w.t VALUES (3, 'c', 3)"
    server_sql target "SET GLOBAL sync_binlog=7, GLOBAL innodb_flush_log_at_trx_commit=1"
    run --separate-stderr apply --durability=relaxed "$LOG"
    [[ $status -eq 7 ]]
    [[ $(field .relaxed) == true ]]
    [[ $(server_sql target "SELECT @@sync_binlog, @@innodb_flush_log_at_trx_commit") == $'7\t1' ]]
    server_sql target "SET sql_log_bin=0; DELETE FROM w.t WHERE id=3"
    run --separate-stderr apply --durability=relaxed "$LOG"
    [[ $status -eq 0 ]]
    [[ $(server_sql target "SELECT @@sync_binlog, @@innodb_flush_log_at_trx_commit") == $'7\t1' ]]
    server_sql target "SET GLOBAL sync_binlog=0, GLOBAL innodb_flush_log_at_trx_commit=2"
}

@test "^C stops between two transactions, says where, and the next run goes on there" {
    local i pid stopped
    for ((i = 0; i < 20000; i++)); do echo "INSERT INTO w.t VALUES ($i, $i, 0);"; done | server_sql source
    record
    apply "$LOG" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
    pid=$!
    for ((i = 0; i < 300; i++)); do
        [[ $(server_sql target "SELECT COUNT(*) FROM w.t" 2>/dev/null || echo 0) == 0 ]] || break
        read -rt 0.02 <> <(:) || true
    done
    kill -INT "$pid"
    status=0; wait "$pid" || status=$?
    stopped=$(jq -r .gtid "$BATS_TEST_TMPDIR/out")
    [[ $(server_sql target "SELECT @@gtid_binlog_pos") == "$stopped" ]]
    if [[ $status -eq 130 ]]; then
        [[ $(jq .stopped "$BATS_TEST_TMPDIR/out") == true ]]
    fi
    run --separate-stderr apply "$LOG"
    [[ $status -eq 0 ]]
    diff <(server_state source) <(server_state target)
}

# The target's own applier has begun a transaction of which its relay log holds the beginning only:
# it reads a log of the source that ends there.
start_half_applier() { # OFFSET
    server_start half --relay-log=relay --skip-slave-start --log-slave-updates --gtid-strict-mode=OFF
    server_sql half "CHANGE MASTER TO MASTER_HOST='192.0.2.1', MASTER_USER='r', MASTER_USE_GTID=no"
    server_stop half
    head -c "$1" "$LOG" >"$SERVER_DIR/half/data/relay.000001"
    server_start half --relay-log=relay --skip-slave-start --log-slave-updates --gtid-strict-mode=OFF
    server_sql half "START SLAVE SQL_THREAD"
}
half_waits() {
    [[ $(server_sql half "SELECT COUNT(*) FROM information_schema.innodb_trx t JOIN
        information_schema.processlist p ON p.id=t.trx_mysql_thread_id
        WHERE p.state LIKE '%read all relay log%' AND t.trx_rows_modified>0") == 1 ]]
}

@test "a target whose own applier stands within a transaction is refused, and what to do is said" {
    local road i at
    server_sql source "BEGIN; INSERT INTO w.t VALUES (1, 'a', 1); INSERT INTO w.t VALUES (2, 'b', 2);
        COMMIT"
    record
    at=$("$BATON_BIN/baton" inspect --events --json "$LOG" |
        jq -s 'map(select(.name | startswith("WRITE_ROWS")))[0].end_log_pos')
    start_half_applier "$at"
    for ((i = 0; i < 100; i++)); do
        ! half_waits || break
        read -rt 0.1 <> <(:) || true
    done
    half_waits
    for road in "--via=sql --dry-run" --via=sql --via=replication; do
        # shellcheck disable=SC2086
        run --separate-stderr apply $road --socket="$(server_socket half)" "$LOG"
        [[ $status -eq 7 ]]
        [[ $stderr == *"stands within a transaction"*"1 rows changed"*"STOP SLAVE SQL_THREAD"* ]]
    done
    server_sql half "STOP SLAVE SQL_THREAD"
    run --separate-stderr apply --socket="$(server_socket half)" "$LOG"
    [[ $status -eq 0 ]] || { echo "$stderr"; false; }
    [[ $(rows half) == "1a1,2b2" ]]
    server_stop half
}
