# SPDX-License-Identifier: Apache-2.0
# baton apply --via=replication: the server's own replication threads are fed from a file.
bats_require_minimum_version 1.5.0

setup_file() {
    source "$BATON_SOURCE/tests/lib/server.bash"
    server_template "$(mktemp -d "${TMPDIR:-/tmp}/baton-feed.XXXXXX")"
    printf '1,one\n2,two\n3,thr\\,ee\n' >"$SERVER_DIR/load.csv"
    server_start source
    server_start target --log-slave-updates --skip-slave-start
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
    done 2>/dev/null
}

record() {
    server_sql source "FLUSH BINARY LOGS"
    LOG=$(server_logs source | head -n 1)
}

apply() {
    "$BATON_BIN/baton" apply --via=replication --socket="$(server_socket target)" --user=root \
        --statement-timeout=60 --json "$@"
}

equal() { diff <(server_state source) <(server_state target); }
field() { jq -r "$1" <<<"$output"; }
await() { # COMMAND...
    local i
    for ((i = 0; i < 300; i++)); do
        ! "$@" || return 0
        read -rt 0.1 <> <(:) || true
    done
    return 1
}
target_has_thread() {
    [[ -n $(server_sql target "SELECT 1 FROM information_schema.processlist WHERE $1") ]]
}
nothing_is_left() { [[ -z $(server_sql target "SHOW ALL SLAVES STATUS") ]]; }

replays_the_workload() {
    server_sql source "SET GLOBAL binlog_format=$1"
    sed "s|@LOAD@|$SERVER_DIR/load.csv|" "$BATON_SOURCE/tests/cli/apply/workload.sql" |
        mariadb --no-defaults -uroot --force -S "$(server_socket source)" >/dev/null 2>&1 || true
    record
    run --separate-stderr apply "${@:2}" "$LOG"
    [[ $status -eq 0 ]] || { echo "$stderr"; false; }
    (($(field .transactions) > 70))
    equal
    nothing_is_left
    run --separate-stderr apply "$LOG"
    [[ $status -eq 0 ]]
    [[ $(field .transactions) == 0 ]]
    (($(field .skipped_already_there) > 70))
}

@test "one of everything, logged as statements, goes through the server's own threads" {
    replays_the_workload STATEMENT
}

@test "one of everything, logged mixed, goes through parallel threads, whose number is put back" {
    replays_the_workload MIXED --workers=8
    [[ $(server_sql target "SELECT @@slave_parallel_threads") == 0 ]]
}

@test "one of everything, logged as rows, goes through the server's own threads" {
    replays_the_workload ROW
}

@test "what the SQL road did not do is done by replication, and nothing twice" {
    server_sql source "CREATE DATABASE w; CREATE TABLE w.t (i INT)"
    server_sql source "INSERT INTO w.t VALUES (1)"
    record
    "$BATON_BIN/baton" apply --via=sql --socket="$(server_socket target)" --user=root "$LOG"
    server_sql source "INSERT INTO w.t VALUES (2)"
    server_sql source "FLUSH BINARY LOGS"
    cat "$LOG" >"$BATS_TEST_TMPDIR/one"
    run --separate-stderr apply "$LOG" "$(server_logs source | sed -n 2p)"
    [[ $status -eq 0 ]] || { echo "$stderr"; false; }
    [[ $(field .transactions) == 1 && $(field .skipped_already_there) == 3 ]]
    equal
}

@test "the road is chosen and the choice explained" {
    server_sql source "CREATE DATABASE w"
    record
    run --separate-stderr apply --via=auto --dry-run "$LOG"
    [[ $(field .via) == sql && $(field .via_why) == *"dry run"* ]]
    run --separate-stderr apply --via=auto "$LOG"
    [[ $(field .via) == replication && $(field .via_why) == *"faster"* ]]
    equal
    server_sql target "SET sql_log_bin=0; CREATE OR REPLACE USER some@localhost;
        GRANT SELECT, CREATE, BINLOG REPLAY ON *.* TO some@localhost"
    run --separate-stderr apply --via=auto --user=some "$LOG"
    server_sql target "SET sql_log_bin=0; DROP USER some@localhost"
    [[ $(field .via) == sql && $(field .via_why) == *"REPLICATION SLAVE ADMIN"* ]]
}

@test "a duplicate key stops, names table and GTID, and leaves no connection behind" {
    server_sql source "SET GLOBAL binlog_format=ROW"
    server_sql source "CREATE DATABASE w; CREATE TABLE w.t (i INT PRIMARY KEY)"
    server_sql source "INSERT INTO w.t VALUES (1)"
    server_sql source "CREATE TABLE w.u (i INT)"
    server_sql source "INSERT INTO w.t VALUES (7)"
    record
    server_sql target "SET sql_log_bin=0; CREATE DATABASE w; CREATE TABLE w.t (i INT PRIMARY KEY)"
    server_sql target "SET sql_log_bin=0; INSERT INTO w.t VALUES (7)"
    server_sql target "SET GLOBAL gtid_slave_pos='0-$(server_sql source "SELECT @@server_id")-2'"
    run --separate-stderr apply "$LOG"
    [[ $status -ne 0 ]]
    [[ $stderr == *"w.t"* && $stderr == *"Duplicate entry '7'"* && $stderr == *"-5"* ]]
    [[ $(field .transactions) == 2 && $(field .skipped_already_there) == 2 ]]
    nothing_is_left
}

@test "the target's own replication connection stays as it was" {
    server_sql source "CREATE DATABASE w"
    record
    server_sql target "CHANGE MASTER TO MASTER_HOST='192.0.2.1', MASTER_LOG_FILE='bin.000077',
        MASTER_LOG_POS=4711"
    server_sql target "SHOW SLAVE STATUS" >"$BATS_TEST_TMPDIR/before"
    run --separate-stderr apply "$LOG"
    server_sql target "SHOW SLAVE STATUS" >"$BATS_TEST_TMPDIR/after"
    server_sql target "RESET SLAVE ALL"
    [[ $status -eq 0 ]] || { echo "$stderr"; false; }
    # only the GTID position, which is the server's and not the connection's, has moved
    diff <(sed 's/0-[0-9]*-[0-9]*//g' "$BATS_TEST_TMPDIR/before") \
        <(sed 's/0-[0-9]*-[0-9]*//g' "$BATS_TEST_TMPDIR/after")
    grep -q bin.000077 "$BATS_TEST_TMPDIR/after"
}

@test "an event over 16 MiB goes in several packets" {
    server_sql source "SET GLOBAL binlog_format=ROW; SET GLOBAL max_allowed_packet=104857600"
    server_sql source "CREATE DATABASE w; CREATE TABLE w.t (i INT PRIMARY KEY, b LONGBLOB)"
    server_sql source "INSERT INTO w.t VALUES (1, REPEAT('x', 40000000)), (2, REPEAT('y', 10))"
    record
    run --separate-stderr apply "$LOG"
    [[ $status -eq 0 ]] || { echo "$stderr"; false; }
    equal
}

@test "a log that begins behind what the target has is refused and the gap is named" {
    local road id
    id=$(server_sql source "SELECT @@server_id")
    server_sql source "CREATE DATABASE w; CREATE DATABASE x; FLUSH BINARY LOGS"
    server_sql source "CREATE DATABASE y; FLUSH BINARY LOGS"
    server_sql target "SET server_id=$id, gtid_seq_no=1; CREATE DATABASE w"
    for road in sql replication; do
        run --separate-stderr apply --via=$road "$(server_logs source | sed -n 2p)"
        [[ $status -ne 0 ]]
        [[ $stderr == *"the target has 0-$id-1, the log begins behind 0-$id-2"* ]]
    done
    nothing_is_left
    [[ -z $(server_sql target "SHOW DATABASES LIKE 'y'") ]]
}

@test "a target killed in the middle goes on where its own position says" {
    local round i pid
    server_sql source "SET GLOBAL binlog_format=MIXED"
    {
        echo "CREATE DATABASE w; USE w; CREATE TABLE t (i INT AUTO_INCREMENT PRIMARY KEY, j INT);"
        for ((i = 0; i < 12000; i++)); do
            echo "INSERT INTO t (j) VALUES ($i); UPDATE t SET j=j+1 WHERE i>$((i - 2));"
        done
    } | server_sql source
    record
    for round in 500 6000; do
        apply "$LOG" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
        pid=$!
        for ((i = 0; i < 600; i++)); do
            (($(server_sql target "SELECT COUNT(*) FROM w.t" 2>/dev/null || echo 0) < round)) || break
        done
        server_kill target
        server_start target --log-slave-updates --skip-slave-start
        ! wait "$pid"
        grep -E "lost the session|could not connect" "$BATS_TEST_TMPDIR/err"
    done
    run --separate-stderr apply "$LOG"
    [[ $status -eq 0 ]] || { echo "$stderr"; false; }
    (($(field .skipped_already_there) > 1000))
    equal
    nothing_is_left
}

@test "what a run that was killed had changed is put back by the next one" {
    local i pid locker
    server_sql source "SET GLOBAL binlog_format=ROW"
    server_sql source "CREATE DATABASE w; CREATE TABLE w.t (i INT PRIMARY KEY)"
    server_sql source "INSERT INTO w.t VALUES (1)"
    record
    server_sql target "SET GLOBAL relay_log_purge=0, slave_parallel_threads=2"
    server_sql target "SET sql_log_bin=0; CREATE DATABASE w; CREATE TABLE w.t (i INT PRIMARY KEY)"
    server_sql target "SET GLOBAL gtid_slave_pos='0-$(server_sql source "SELECT @@server_id")-2'"
    mariadb --no-defaults -uroot -S "$(server_socket target)" -e \
        "LOCK TABLES w.t WRITE; SELECT SLEEP(60)" >/dev/null 2>&1 3>&- &
    locker=$!
    await target_has_thread "info LIKE 'SELECT SLEEP%'"
    "$BATON_BIN/baton" apply --via=replication --socket="$(server_socket target)" --user=root \
        --workers=5 "$LOG" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
    pid=$!
    await target_has_thread "state LIKE 'Waiting for table metadata lock%'"
    kill -9 $pid
    kill "$locker"
    server_sql target "SELECT id FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP%'" |
        while read -r i; do server_sql target "KILL $i" || true; done
    [[ $(server_sql target "SELECT @@relay_log_purge, @@slave_parallel_threads") == $'0\t5' ]]
    [[ -n $(server_sql target "SHOW ALL SLAVES STATUS") ]]
    run --separate-stderr apply "$LOG"
    [[ $status -eq 0 ]] || { echo "$stderr"; false; }
    [[ $(server_sql target "SELECT @@relay_log_purge, @@slave_parallel_threads") == $'0\t2' ]]
    server_sql target "SET GLOBAL relay_log_purge=1, slave_parallel_threads=0"
    nothing_is_left
    equal
}

# A hundred updates, the i-th of the row that ROW says, onto two appliers.  $modes gets what the
# target was told of its connection.
hot_rows() { # ROW SYNC
    local i
    server_sql source "SET GLOBAL binlog_format=ROW; CREATE DATABASE w; USE w;
        CREATE TABLE t (i INT PRIMARY KEY, k INT); INSERT INTO t SELECT seq, 0 FROM seq_1_to_200"
    for ((i = 1; i <= 100; i++)); do echo "UPDATE w.t SET k = k + 1 WHERE i = $(($1));"; done |
        server_sql source
    record
    server_sql target "SET sql_log_bin=0; SET GLOBAL slave_parallel_threads=2, sync_binlog=$2,
        innodb_flush_log_at_trx_commit=$2, log_output='TABLE', general_log=ON;
        TRUNCATE mysql.general_log"
    run --separate-stderr apply --dry-run "$LOG"
    planned=$(field .appliers_why)
    run --separate-stderr apply "$LOG"
    server_sql target "SET GLOBAL slave_parallel_threads=0, sync_binlog=0,
        innodb_flush_log_at_trx_commit=0, general_log=OFF, log_output='FILE'"
    [[ $status -eq 0 ]] || { echo "$stderr"; false; }
    [[ $(field .appliers_why) == "$planned" ]]
    modes=$(server_sql target "SELECT argument FROM mysql.general_log
        WHERE argument LIKE 'SET GLOBAL baton.slave_parallel_mode%'")
    equal
}

@test "rows that many transactions change are left to one applier, or to those that keep their turn" {
    hot_rows 1 0
    [[ $planned == "one applier"* && $modes == *"'none'" ]]
    setup
    hot_rows 'i % 2 ? i : 1' 1
    [[ $planned == *"conservative"* && $modes == *"'conservative'" ]]
    setup
    hot_rows i 0
    [[ -z $planned && -z $modes ]]
}

# ------------------------------------------------------------------ odd targets

# What a run could change and must not: every connection, and the settings of replication.
standing() { # SERVER
    server_sql "$1" "SHOW ALL SLAVES STATUS" | sed 's/0-[0-9]*-[0-9]*//g'
    server_sql "$1" "SHOW GLOBAL VARIABLES WHERE variable_name LIKE 'slave%' OR variable_name LIKE
        'relay%' OR variable_name LIKE 'replicate%' OR variable_name LIKE '%read_only' OR
        variable_name LIKE 'rpl_semi%'"
}

odd_start() { # OPTION...
    server_start odd --log-slave-updates "$@"
}

odd_end() { # its data go too: the next one starts anew
    server_stop odd
    rm -rf "${SERVER_DIR:?}/odd"
}

@test "a target with every setting against it is fed, and keeps them all" {
    # The transaction is larger than the relay log may be; nothing is sent for longer than the
    # target waits; TLS, a delay and heartbeats are those of the primary it had.
    odd_start --slave-net-timeout=1 --relay-log-space-limit=65536 --relay-log-purge=0 \
        --require-secure-transport=ON --read-only --skip-slave-start --slave-compressed-protocol=ON \
        --rpl-semi-sync-slave-enabled=ON --slave-parallel-threads=3 --init-slave="SET @a=1"
    server_sql odd "CHANGE MASTER TO MASTER_HOST='192.0.2.1', MASTER_USER='r', MASTER_SSL=1,
        MASTER_SSL_VERIFY_SERVER_CERT=1, MASTER_DELAY=3600, MASTER_HEARTBEAT_PERIOD=0.001,
        IGNORE_SERVER_IDS=(77)"
    server_sql odd "CHANGE MASTER 'other' TO MASTER_HOST='192.0.2.2', MASTER_LOG_FILE='x.000009',
        MASTER_LOG_POS=99, MASTER_SSL=1"
    standing odd >"$BATS_TEST_TMPDIR/before"
    server_sql source "SET GLOBAL binlog_format=ROW; CREATE DATABASE w; CREATE TABLE w.t
        (i INT PRIMARY KEY, b LONGTEXT)"
    server_sql source "BEGIN; INSERT INTO w.t VALUES (1, REPEAT('x', 300000)); INSERT INTO w.t
        VALUES (2, REPEAT('y', 300000)); UPDATE w.t SET b=CONCAT(b, 'z'); COMMIT"
    record
    run --separate-stderr "$BATON_BIN/baton" apply --via=replication --user=root \
        --socket="$(server_socket odd)" --statement-timeout=30 "$LOG"
    [[ $status -eq 0 ]] || { echo "$stderr"; odd_end; false; }
    standing odd >"$BATS_TEST_TMPDIR/after"
    server_state odd >"$BATS_TEST_TMPDIR/state"
    odd_end
    diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
    diff <(server_state source) "$BATS_TEST_TMPDIR/state"
}

# The filters of SET GLOBAL belong to one connection; a new one does not inherit them.
filtered() { # CONNECTION PREFIX
    server_sql target "CHANGE MASTER $1 TO MASTER_HOST='192.0.2.1', MASTER_USER='r';
        SET GLOBAL $2replicate_wild_ignore_table='x.%', $2replicate_do_table='w.t'"
    standing target >"$BATS_TEST_TMPDIR/before"
    run --separate-stderr apply "$LOG"
    standing target >"$BATS_TEST_TMPDIR/after"
    server_sql target "SET GLOBAL $2replicate_wild_ignore_table='', $2replicate_do_table='';
        RESET SLAVE $1 ALL"
    [[ $status -eq 0 ]] || { echo "$stderr"; false; }
    diff "$BATS_TEST_TMPDIR/before" "$BATS_TEST_TMPDIR/after"
    [[ $(server_sql target "SELECT i FROM w.t") == 1 ]]
    [[ -z $(server_sql target "SHOW DATABASES LIKE 'x'; SHOW TABLES FROM w LIKE 'u'") ]]
    [[ $(server_sql target "SELECT @@gtid_slave_pos") == \
        "$(server_sql source "SELECT @@gtid_binlog_pos")" ]]
}

@test "the target's own replication filters act, and the end is seen although it is filtered away" {
    server_sql source "SET GLOBAL binlog_format=ROW; CREATE DATABASE w; USE w; CREATE TABLE t
        (i INT); CREATE TABLE u (i INT); INSERT INTO t VALUES (1); INSERT INTO u VALUES (2)"
    server_sql source "CREATE DATABASE x; USE x; CREATE TABLE t (i INT); INSERT INTO t VALUES (3)"
    record
    filtered "" ""
    server_drop_databases target
    server_sql target "RESET MASTER; SET GLOBAL gtid_slave_pos=''"
    filtered "'old primary'" '`old primary`.'
    run --separate-stderr apply "$LOG"
    [[ $(field .transactions) == 0 ]]
}
