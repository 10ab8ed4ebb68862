# SPDX-License-Identifier: Apache-2.0
# baton apply: several servers at once, what a dry run foresees, what is verified behind it.
bats_require_minimum_version 1.5.0

setup_file() {
    source "$BATON_SOURCE/tests/lib/server.bash"
    server_template "$(mktemp -d "${TMPDIR:-/tmp}/baton-targets.XXXXXX")"
    server_start source
    server_start one --log-slave-updates --skip-slave-start
    server_start two --log-slave-updates --skip-slave-start
}

teardown_file() {
    source "$BATON_SOURCE/tests/lib/server.bash"
    server_remove
}

setup() {
    source "$BATON_SOURCE/tests/lib/server.bash"
    local name
    for name in source one two; do
        server_drop_databases $name
        server_sql $name "RESET MASTER; SET GLOBAL gtid_slave_pos=''"
    done 2>/dev/null
    server_sql source "SET GLOBAL binlog_format=ROW"
}

# Bytes, decimals, dates, texts with accents, NULLs; an UPDATE that moves a key, rows that come and go.
fill() {
    server_sql source "CREATE DATABASE w;
        CREATE TABLE w.t (a INT, b VARBINARY(10), v VARCHAR(40), d DECIMAL(10,3), f DOUBLE,
            at DATETIME(3), e ENUM('x','y'), PRIMARY KEY (a, b));
        CREATE TABLE w.s (k VARCHAR(20) COLLATE utf8mb4_general_ci PRIMARY KEY, n INT);
        CREATE TABLE w.nokey (i INT);
        FLUSH BINARY LOGS"
    server_sql source "INSERT INTO w.t VALUES (1, x'00', 'é', 1.5, 0.1, '2026-01-02 03:04:05.678', 'x'),
            (2, x'ff', NULL, -1.5, 1e300, NULL, 'y'), (3, '', '', 0, 0, NULL, NULL);
        UPDATE w.t SET v='moved', a=4 WHERE a=3; DELETE FROM w.t WHERE a=2;
        INSERT INTO w.s VALUES ('Straße', 1), ('b', 2); UPDATE w.s SET n=3 WHERE k='b';
        DELETE FROM w.s WHERE k='b'; INSERT INTO w.s VALUES ('B', 4); INSERT INTO w.nokey VALUES (1);
        FLUSH BINARY LOGS"
    BASE=$(server_logs source | sed -n 1p) LOG=$(server_logs source | sed -n 2p)
}

apply() { "$BATON_BIN/baton" apply --user=root --json --statement-timeout=60 "$@"; }
on() { local name; for name; do echo "--target=$(server_socket "$name")"; done; }
field() { jq -r "$1" <<<"$output"; }

@test "several servers get the same logs at once, each with its own result" {
    local road
    fill
    for road in sql replication; do
        server_drop_databases one
        server_drop_databases two
        server_sql one "RESET MASTER; SET GLOBAL gtid_slave_pos=''"
        server_sql two "RESET MASTER; SET GLOBAL gtid_slave_pos=''"
        run --separate-stderr apply --via=$road --verify-rows $(on one two) "$BASE" "$LOG"
        [[ $status -eq 0 ]] || { echo "$stderr"; false; }
        [[ $(field '.targets | length') == 2 && $(field 'all(.targets[]; .ok)') == true ]]
        [[ $(field '.targets[0].target') == "$(server_socket one)" ]]
        [[ $(field '[.targets[].transactions] | unique | length') == 1 ]]
        [[ $(field '[.targets[].verified.found] | add') == 0 ]]
        (($(field '.targets[1].verified.rows') >= 6))
        diff <(server_state source) <(server_state one)
        diff <(server_state source) <(server_state two)
    done
}

@test "a server that does not fit keeps all of them as they are" {
    fill
    apply --via=sql --socket="$(server_socket one)" "$BASE" >/dev/null
    server_sql two "SET server_id=$(server_sql source "SELECT @@server_id"), gtid_seq_no=1;
        CREATE DATABASE w"
    run --separate-stderr apply $(on one two) "$LOG"
    [[ $status -ne 0 ]]
    [[ $stderr == *"nothing was applied to any target"*"$(server_socket two)"*"the log begins behind"* ]]
    [[ $(field '.targets[] | select(.ok == false) | .target') == "$(server_socket two)" ]]
    [[ $(server_sql one "SELECT COUNT(*) FROM w.t") == 0 ]]
}

@test "what becomes of one server does not stop the others" {
    fill
    apply --via=sql --socket="$(server_socket one)" "$BASE" >/dev/null
    apply --via=sql --socket="$(server_socket two)" "$BASE" >/dev/null
    # Only the primary key is asked about before: this one shows when it is applied.
    server_sql two "SET sql_log_bin=0; ALTER TABLE w.t ADD UNIQUE (d);
        INSERT INTO w.t (a, b, d) VALUES (77, '', 1.5)"
    run --separate-stderr apply --via=sql $(on one two) "$LOG"
    [[ $status -ne 0 ]]
    [[ $(field '[.targets[].ok] | @csv') == "true,false" ]]
    [[ $(field '.targets[1].error') == *"Duplicate entry '1.500'"* ]]
    [[ $(server_sql one "SELECT v FROM w.t WHERE a=4") == moved ]]
}

@test "a dry run of what fits foresees nothing and changes nothing" {
    fill
    apply --via=sql --socket="$(server_socket one)" "$BASE" >/dev/null
    run --separate-stderr apply --dry-run --socket="$(server_socket one)" "$LOG"
    [[ $status -eq 0 ]] || { echo "$stderr"; false; }
    [[ $(field .foreseen.found) == 0 && $(field .dry_run) == true ]]
    (($(field .foreseen.rows) >= 6 && $(field .foreseen.not_checked) >= 1)) # w.nokey
    [[ $(server_sql one "SELECT COUNT(*) FROM w.t") == 0 ]]
}

@test "a dry run names keys that are taken, rows and tables that are not there" {
    fill
    apply --via=sql --socket="$(server_socket one)" "$BASE" >/dev/null
    server_sql source "UPDATE w.t SET v='x' WHERE a=1; DELETE FROM w.s WHERE k='B'; FLUSH BINARY LOGS"
    server_sql one "SET sql_log_bin=0; INSERT INTO w.t (a, b) VALUES (1, x'00'); DROP TABLE w.nokey;
        INSERT INTO w.s VALUES ('straße', 9)"
    run --separate-stderr apply --dry-run --socket="$(server_socket one)" "$LOG"
    [[ $status -ne 0 ]]
    [[ $stderr == *"3 conflicts are foreseen"* ]]
    [[ $(field '[.foreseen.first[] | .kind + " " + .table] | sort | join(", ")') == \
        "duplicate key w.s, duplicate key w.t, no such table w.nokey" ]]
    [[ $(field '.foreseen.first[] | select(.table == "w.t") | .gtid') == 0-*-5 ]]
    server_sql one "SET sql_log_bin=0; DELETE FROM w.t; DELETE FROM w.s;
        SET GLOBAL gtid_slave_pos='$(server_sql source "SELECT @@gtid_binlog_pos" |
            awk -F- '{print $1 "-" $2 "-" $3 - 2}')'"
    run --separate-stderr apply --dry-run --socket="$(server_socket one)" "$(server_logs source | sed -n 3p)"
    [[ $(field '[.foreseen.first[] | .kind + " " + .table] | sort | join(", ")') == \
        "no such row w.s, no such row w.t" ]]
}

@test "a row that is not as the log left it is found behind it, and named" {
    fill
    run --separate-stderr apply --verify-rows --socket="$(server_socket one)" "$BASE" "$LOG"
    [[ $status -eq 0 ]] || { echo "$stderr"; false; }
    [[ $(field .verified.found) == 0 ]]
    server_sql one "SET sql_log_bin=0; UPDATE w.t SET v='e' WHERE a=1; DELETE FROM w.s WHERE n=4;
        INSERT INTO w.t (a, b) VALUES (2, x'ff')"
    run --separate-stderr apply --verify-rows --socket="$(server_socket one)" "$BASE" "$LOG"
    [[ $status -ne 0 && $(field .transactions) == 0 ]]
    [[ $stderr == *"3 rows are not as the log left them"* ]]
    [[ $(field '[.verified.first[] | .kind + " " + .table] | sort | join(", ")') == \
        "row differs w.s, row differs w.t, row is still there w.t" ]]
}

@test "^C ends the replication road between two transactions, with its place, and nothing is left" {
    local i pid count
    server_sql source "CREATE DATABASE w; CREATE TABLE w.t (i INT PRIMARY KEY)"
    for ((i = 0; i < 4000; i++)); do echo "INSERT INTO w.t VALUES ($i);"; done | server_sql source
    server_sql source "FLUSH BINARY LOGS"
    "$BATON_BIN/baton" apply --user=root --json --via=replication --workers=1 \
        --socket="$(server_socket one)" "$(server_logs source | head -n 1)" \
        >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
    pid=$!
    for ((i = 0; i < 1000; i++)); do
        (($(server_sql one "SELECT COUNT(*) FROM w.t" 2>/dev/null || echo 0) < 100)) || break
    done
    kill -INT $pid
    wait $pid || true
    output=$(<"$BATS_TEST_TMPDIR/out")
    count=$(server_sql one "SELECT COUNT(*) FROM w.t")
    [[ -z $(server_sql one "SHOW ALL SLAVES STATUS") ]]
    if ((count < 4000)); then
        grep -q "stopped on request" "$BATS_TEST_TMPDIR/err"
        [[ $(field .gtid) == "$(server_sql one "SELECT @@gtid_slave_pos")" ]]
        ((count + 2 == $(field .transactions)))
    fi
}

@test "verifying says how many rows were compared, what was not and why, and takes no later change for a loss" {
    fill
    server_sql source "CREATE TABLE w.gone (i INT PRIMARY KEY); INSERT INTO w.gone VALUES (1);
        CREATE TABLE w.wider (i INT PRIMARY KEY); INSERT INTO w.wider VALUES (1);
        CREATE TABLE w.emptied (i INT PRIMARY KEY); INSERT INTO w.emptied VALUES (1), (2);
        CREATE TABLE w.kept (i INT PRIMARY KEY, j INT); INSERT INTO w.kept VALUES (1, 1), (2, 1);
        DROP TABLE w.gone; ALTER TABLE w.wider ADD j INT; TRUNCATE w.emptied;
        SET binlog_format=STATEMENT; UPDATE w.kept SET j=2 WHERE i=1;
        SET binlog_format=ROW; INSERT INTO w.kept VALUES (3, 1); FLUSH BINARY LOGS"
    LOG="$LOG $(server_logs source | sed -n 3p)"
    # shellcheck disable=SC2086
    run --separate-stderr "$BATON_BIN/baton" apply --user=root -q --verify-rows \
        --socket="$(server_socket one)" "$BASE" $LOG
    [[ $status -eq 0 ]] || { echo "$stderr"; false; }
    [[ $output == *"rows compared with their last image in the logs, 0 differ"* ]]
    [[ $output == *"not compared: 1 row changes of tables without a primary key"* ]]
    [[ $output == *"not compared: 1 statements (logged as text"* ]]
    # gone and wider as events, two rows of emptied, one of kept
    [[ $output == *"not compared: 5 rows that a later statement or DDL may have changed again"* ]]
    # What no statement came behind is compared: a row that was lost shows.
    server_sql one "SET sql_log_bin=0; DELETE FROM w.kept WHERE i=3; UPDATE w.kept SET j=9 WHERE i=2"
    # shellcheck disable=SC2086
    run --separate-stderr apply --verify-rows --socket="$(server_socket one)" "$BASE" $LOG
    [[ $status -eq 7 ]]
    [[ $(field .verified.found) == 1 && $(field .verified.first[0].table) == w.kept ]]
    [[ $(field '.verified.not_checked_why | "\(.no_primary_key) \(.statement) \(.ddl)"') == "1 1 6" ]]
}
