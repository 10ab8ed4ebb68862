# SPDX-License-Identifier: Apache-2.0
# baton apply against real servers; the oracle is the source itself, and mariadb-binlog | mariadb.
bats_require_minimum_version 1.5.0

setup_file() {
    source "$BATON_SOURCE/tests/lib/server.bash"
    server_template "$(mktemp -d "${TMPDIR:-/tmp}/baton-apply.XXXXXX")"
    printf '1,one\n2,two\n3,thr\\,ee\n' >"$SERVER_DIR/load.csv"
    server_start source
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
        [[ -S $(server_socket $name) ]] || server_start $name
        server_drop_databases $name
        server_sql $name "RESET MASTER; SET GLOBAL gtid_slave_pos=''"
    done 2>/dev/null
}

# The first binary log of the source, closed.
record() {
    server_sql source "FLUSH BINARY LOGS"
    LOG=$(server_logs source | head -n 1)
}

apply() {
    "$BATON_BIN/baton" apply --via=sql --socket="$(server_socket target)" --user=root --json "$@"
}

equal() { diff <(server_state source) <(server_state target); }

# jq over what the last run printed on standard output.
field() { jq -r "$1" <<<"$output"; }

replays_the_workload() {
    server_sql source "SET GLOBAL binlog_format=$1"
    sed "s|@LOAD@|$SERVER_DIR/load.csv|" "$BATON_SOURCE/tests/cli/apply/workload.sql" |
        mariadb --no-defaults -uroot --force -S "$(server_socket source)" >/dev/null 2>&1 || true
    record
    run --separate-stderr apply "$LOG"
    [[ $status -eq 0 ]] || { echo "$stderr"; false; }
    (($(field .transactions) > 70))
    equal
    run --separate-stderr apply "$LOG"
    [[ $status -eq 0 ]]
    [[ $(field .transactions) == 0 ]]
    (($(field .skipped_already_there) > 70))
    equal
}

@test "one of everything, logged as statements, leaves the target equal to its source" {
    replays_the_workload STATEMENT
}

@test "one of everything, logged mixed, leaves the target equal to its source" {
    replays_the_workload MIXED
}

@test "one of everything, logged as rows, leaves the target equal to its source" {
    replays_the_workload ROW
}

@test "rows leave what mariadb-binlog piped into mariadb leaves" {
    server_sql source "SET GLOBAL binlog_format=ROW"
    server_sql source <<'SQL'
CREATE DATABASE w; USE w;
CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, a VARCHAR(20), b LONGBLOB, j JSON, u UUID, i6 INET6,
    e ENUM('x', 'y'), s SET('p', 'q'), b1 BIT(12), d DATETIME(3), ts TIMESTAMP(6) NULL, UNIQUE (a));
INSERT INTO t (a, b, j, u, i6, e, s, b1, d, ts) VALUES ('é', REPEAT('x', 70000), '{"a":1}', UUID(),
    '::1', 'y', 'p,q', b'101', NOW(3), NOW(6)), ('b', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
UPDATE t SET a = CONCAT(a, '!'), b = NULL;
DELETE FROM t WHERE id = 1;
SQL
    record
    apply "$LOG"
    equal
    server_state target >"$BATS_TEST_TMPDIR/ours"
    server_drop_databases target
    server_sql target "RESET MASTER"
    mariadb-binlog "$LOG" | server_sql target
    diff "$BATS_TEST_TMPDIR/ours" <(server_state target)
}

@test "a duplicate key stops with transaction, table and the server's text, and rolls back" {
    server_sql source "SET GLOBAL binlog_format=ROW"
    server_sql source "CREATE DATABASE w; CREATE TABLE w.t (i INT PRIMARY KEY)"
    server_sql source "INSERT INTO w.t VALUES (1)"
    server_sql source "BEGIN; INSERT INTO w.t VALUES (2); INSERT INTO w.t VALUES (3); COMMIT"
    record
    local server_id
    server_id=$(server_sql source "SELECT @@server_id")
    server_sql target "SET sql_log_bin=0; CREATE DATABASE x; CREATE DATABASE w;
        CREATE TABLE x.y (i INT); DROP DATABASE w"
    apply "$LOG"
    server_sql target "RESET MASTER; DELETE FROM w.t WHERE i<3"
    server_sql target "RESET MASTER; SET server_id=$server_id, gtid_seq_no=3; DROP DATABASE x"
    run --separate-stderr apply "$LOG"
    [[ $status -ne 0 ]]
    [[ $stderr == *"transaction 0-$server_id-4 "* ]]
    [[ $stderr == *"table w.t"* ]]
    [[ $stderr == *"Duplicate entry '3'"* ]]
    [[ $(field .skipped_already_there) == 3 ]]
    [[ $(field .transactions) == 0 ]]
    [[ $(server_sql target "SELECT GROUP_CONCAT(i) FROM w.t") == 3 ]]
}

@test "a missing row stops and names the table" {
    server_sql source "SET GLOBAL binlog_format=ROW"
    server_sql source "CREATE DATABASE w; CREATE TABLE w.t (i INT PRIMARY KEY, j INT)"
    server_sql source "INSERT INTO w.t VALUES (1, 1)"
    record
    apply "$LOG"
    server_sql target "SET sql_log_bin=0; DELETE FROM w.t"
    server_sql source "RESET MASTER; SET gtid_seq_no=9; UPDATE w.t SET j=2"
    record
    run --separate-stderr apply "$LOG"
    [[ $status -ne 0 ]]
    [[ $stderr == *"-9 "* && $stderr == *"table w.t"* && $stderr == *"(1032)"* ]]
}

@test "an account without the privilege is told which one it lacks, and nothing is changed" {
    server_sql source "CREATE DATABASE w; CREATE TABLE w.t (i INT PRIMARY KEY)"
    record
    server_sql target "SET sql_log_bin=0; CREATE OR REPLACE USER poor@localhost"
    run --separate-stderr "$BATON_BIN/baton" apply --via=sql --socket="$(server_socket target)" --user=poor "$LOG"
    server_sql target "SET sql_log_bin=0; DROP USER poor@localhost"
    [[ $status -ne 0 ]]
    [[ $stderr == *"BINLOG REPLAY"* ]]
    [[ -z $(server_sql target "SHOW DATABASES LIKE 'w'") ]]
}

@test "a read-only target needs the privilege that writes anyway" {
    server_sql source "CREATE DATABASE w"
    record
    server_sql target "SET sql_log_bin=0; CREATE OR REPLACE USER some@localhost;
        GRANT ALL ON w.* TO some@localhost; GRANT BINLOG REPLAY ON *.* TO some@localhost;
        SET GLOBAL read_only=1"
    run --separate-stderr "$BATON_BIN/baton" apply --via=sql --socket="$(server_socket target)" --user=some "$LOG"
    server_sql target "SET sql_log_bin=0; DROP USER some@localhost; SET GLOBAL read_only=0"
    [[ $status -ne 0 ]]
    [[ $stderr == *"READ_ONLY ADMIN"* ]]
}

@test "a wrong password is refused and not repeated" {
    server_sql source "CREATE DATABASE w"
    record
    printf '[client]\nuser=root\npassword=Geheim77\n' >"$BATS_TEST_TMPDIR/my.cnf"
    run --separate-stderr "$BATON_BIN/baton" apply --via=sql --socket="$(server_socket target)" \
        --user=nobody --defaults-file="$BATS_TEST_TMPDIR/my.cnf" "$LOG"
    [[ $status -ne 0 ]]
    [[ $stderr == *"Access denied for user 'nobody'"* ]]
    [[ $stderr$output != *Geheim77* ]]
}

@test "a log with one flipped bit is refused before its first event is applied" {
    local size
    server_sql source "CREATE DATABASE w; CREATE TABLE w.t (i INT)"
    server_sql source "INSERT INTO w.t VALUES (1)"
    record
    cp "$LOG" "$BATS_TEST_TMPDIR/bin.000001"
    size=$(stat -c %s "$LOG")
    printf '\x81' | dd of="$BATS_TEST_TMPDIR/bin.000001" bs=1 seek=$((size - 60)) conv=notrunc status=none
    run --separate-stderr apply "$BATS_TEST_TMPDIR/bin.000001"
    [[ $status -ne 0 ]]
    [[ $stderr == *"is not applied"* ]]
    [[ -z $(server_sql target "SHOW DATABASES LIKE 'w'") ]]
}

@test "a log that ends inside a transaction is refused" {
    server_sql source "CREATE DATABASE w; CREATE TABLE w.t (i INT) ENGINE=InnoDB"
    server_sql source "INSERT INTO w.t VALUES (1)"
    record
    # without the ROTATE (41 bytes) and the XID (31 bytes) in front of it
    head -c -72 "$LOG" >"$BATS_TEST_TMPDIR/bin.000001"
    run --separate-stderr apply "$BATS_TEST_TMPDIR/bin.000001"
    [[ $status -ne 0 ]]
    [[ $stderr == *"is not applied"*"not finished in this log"* ]]
    [[ -z $(server_sql target "SHOW DATABASES LIKE 'w'") ]]
}

@test "a dry run reads everything and changes nothing" {
    server_sql source "CREATE DATABASE w; CREATE TABLE w.t (i INT)"
    server_sql source "INSERT INTO w.t VALUES (1)"
    record
    run --separate-stderr apply --dry-run "$LOG"
    [[ $status -eq 0 ]]
    [[ $(field .transactions) == 3 ]]
    [[ -z $(server_sql target "SELECT @@gtid_binlog_state") ]]
    [[ -z $(server_sql target "SHOW DATABASES LIKE 'w'") ]]
}

@test "gtid_slave_pos is set at the end when asked" {
    server_sql source "CREATE DATABASE w; SET gtid_domain_id=3; CREATE TABLE w.t (i INT)"
    record
    apply --set-slave-pos "$LOG"
    [[ $(server_sql target "SELECT @@gtid_slave_pos") == "$(server_sql source "SELECT @@gtid_binlog_pos")" ]]
}

@test "a target that keeps no log of it can be left out of its own binary log" {
    server_sql source "CREATE DATABASE w; CREATE TABLE w.t (i INT)"
    record
    apply --no-binlog "$LOG"
    [[ -n $(server_sql target "SHOW TABLES FROM w") ]]
    [[ -z $(server_sql target "SELECT @@gtid_binlog_state") ]]
}

@test "rows over max_allowed_packet go in fragments, and those over two are refused" {
    server_sql source "SET GLOBAL binlog_format=ROW"
    server_sql source "CREATE DATABASE w; CREATE TABLE w.t (i INT PRIMARY KEY, b LONGBLOB)"
    server_sql source "INSERT INTO w.t VALUES (1, REPEAT('x', 1200000))"
    record
    server_sql target "SET GLOBAL max_allowed_packet=1048576"
    run --separate-stderr apply "$LOG"
    [[ $status -eq 0 ]] || { echo "$stderr"; false; }
    equal
    server_sql source "INSERT INTO w.t VALUES (2, REPEAT('x', 1900000))"
    record
    LOG=$(server_logs source | sed -n 2p)
    run --separate-stderr apply "$LOG"
    server_sql target "SET GLOBAL max_allowed_packet=16777216"
    [[ $status -ne 0 ]]
    [[ $stderr == *"max_allowed_packet of 1048576"* && $stderr == *"w.t"* ]]
}

@test "a lock held by somebody else is not waited for longer than --statement-timeout" {
    server_sql source "SET GLOBAL binlog_format=ROW"
    server_sql source "CREATE DATABASE w; CREATE TABLE w.t (i INT PRIMARY KEY)"
    server_sql source "INSERT INTO w.t VALUES (1)"
    record
    server_sql target "SET sql_log_bin=0; CREATE DATABASE w; CREATE TABLE w.t (i INT PRIMARY KEY)"
    server_sql target "SET server_id=$(server_sql source "SELECT @@server_id"), gtid_seq_no=2;
        CREATE DATABASE y"
    coproc LOCK { mariadb --no-defaults -uroot -N -S "$(server_socket target)" --unbuffered; }
    echo "LOCK TABLES w.t WRITE; SELECT 'held';" >&"${LOCK[1]}"
    read -rt 20 <&"${LOCK[0]}"
    run --separate-stderr apply --statement-timeout=0.5 "$LOG"
    eval "exec ${LOCK[1]}>&-"
    wait "$LOCK_PID" 2>/dev/null || true
    [[ $status -ne 0 ]]
    [[ $stderr == *"did not answer before the deadline"* ]]
    [[ $(server_sql target "SELECT COUNT(*) FROM w.t") == 0 ]]
}

@test "a server killed in the middle and started again ends with everything exactly once" {
    local round i pid
    server_sql source "SET GLOBAL binlog_format=MIXED"
    {
        echo "CREATE DATABASE w; USE w; CREATE TABLE t (i INT AUTO_INCREMENT PRIMARY KEY, j INT);"
        for ((i = 0; i < 8000; i++)); do
            echo "INSERT INTO t (j) VALUES ($i); UPDATE t SET j=j+1 WHERE i>$((i - 2));"
        done
    } | server_sql source
    record
    for round in 500 3000 6000; do
        apply "$LOG" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
        pid=$!
        for ((i = 0; i < 600; i++)); do
            (($(server_sql target "SELECT COUNT(*) FROM w.t" 2>/dev/null || echo 0) < round)) || break
        done
        server_kill target
        server_start target
        ! wait "$pid"
        grep -E "lost the session|could not connect" "$BATS_TEST_TMPDIR/err"
    done
    run --separate-stderr apply "$LOG"
    [[ $status -eq 0 ]] || { echo "$stderr"; false; }
    (($(field .skipped_already_there) > 6000))
    equal
}
