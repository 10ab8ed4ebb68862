# SPDX-License-Identifier: Apache-2.0
# baton apply onto servers in trouble: full disks, killed sessions, TLS only, somebody else at work.
bats_require_minimum_version 1.5.0

setup_file() {
    source "$BATON_SOURCE/tests/lib/server.bash"
    server_template "$(mktemp -d "${TMPDIR:-/tmp}/baton-faults.XXXXXX")"
    server_start source --binlog-format=ROW
    server_start target --log-slave-updates --skip-slave-start
}

teardown_file() {
    source "$BATON_SOURCE/tests/lib/server.bash"
    local dir=$SERVER_DIR
    server_remove
    ! mountpoint -q "$dir.small" || umount "$dir.small"
    rm -rf "$dir.small"
}

setup() {
    source "$BATON_SOURCE/tests/lib/server.bash"
    local name
    for name in source target; do
        server_drop_databases $name
        server_sql $name "RESET MASTER; SET GLOBAL gtid_slave_pos=''"
    done
}

# The log of the source, closed.  The next one is another.
record() {
    server_sql source "FLUSH BINARY LOGS"
    LOG=$(server_logs source | tail -n 2 | head -n 1)
}

# exec: what is killed in the background is baton itself.
apply() { # SERVER [OPTION...]
    local name=$1
    shift
    (exec "$BATON_BIN/baton" apply --via=sql -S "$(server_socket "$name")" -u root --json "$@" "$LOG")
}

field() { jq -r "$1" <<<"$output"; }
equal() { diff <(server_state source) <(server_state "${1:-target}"); }
await() { # COMMAND...
    local i
    for ((i = 0; i < 300; i++)); do
        ! "$@" || return 0
        read -rt 0.1 <> <(:) || true
    done
    return 1
}
session_that() { # CONDITION
    server_sql target "SELECT id FROM information_schema.processlist WHERE $1" | head -n 1
}
has_session_that() { [[ -n $(session_that "$1") ]]; }

# Rows that go in twice without notice, around one that somebody else has locked on the target.
lock_in_the_middle() {
    server_sql source "CREATE DATABASE w; CREATE TABLE w.t (id INT PRIMARY KEY, n INT);
        CREATE TABLE w.nokey (i INT); INSERT INTO w.t VALUES (1, 1)"
    record
    apply target
    server_sql source "INSERT INTO w.nokey VALUES (1); BEGIN; INSERT INTO w.nokey VALUES (2);
        UPDATE w.t SET n=2; INSERT INTO w.nokey VALUES (3); COMMIT; INSERT INTO w.nokey VALUES (4)"
    record
    coproc LOCK { mariadb --no-defaults -uroot -N -S "$(server_socket target)" --unbuffered; }
    echo "BEGIN; SELECT n FROM w.t WHERE id=1 FOR UPDATE;" >&"${LOCK[1]}"
    read -rt 20 <&"${LOCK[0]}"
    "$BATON_BIN/baton" apply --via=sql -S "$(server_socket target)" -u root "$LOG" \
        >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
    PID=$!
    await has_session_that "info LIKE 'BINLOG%'"
}

run_fails() {
    local status=0
    wait "$PID" || status=$?
    ((status != 0))
}

unlock() {
    eval "exec ${LOCK[1]}>&-"
    wait "$LOCK_PID" 2>/dev/null || true
}

# Large enough for the caches and files that the tests below keep small.
much() {
    server_sql source "CREATE DATABASE w; CREATE TABLE w.t (id INT PRIMARY KEY, b VARCHAR(200))"
    server_sql source "INSERT INTO w.t VALUES (0, 'small')"
    server_sql source "INSERT INTO w.t SELECT seq, REPEAT('x', 200) FROM w.seq_1_to_20000"
    server_sql source "INSERT INTO w.t VALUES (30000, 'last')"
    record
}

# A file system of 1 MiB; $SERVER_DIR.small.
small_disk() {
    [[ $EUID -eq 0 ]] || skip "needs root to mount a small file system"
    mkdir -p "$SERVER_DIR.small"
    mountpoint -q "$SERVER_DIR.small" ||
        mount -t tmpfs -o size=1m tmpfs "$SERVER_DIR.small" 2>/dev/null ||
        skip "cannot mount a small file system"
    mount -o remount,size=1m "$SERVER_DIR.small"
}

goes_on() { # SERVER, which has room again [LEAST THERE ALREADY]
    run --separate-stderr apply "$1"
    [[ $status -eq 0 ]] || { echo "$stderr"; false; }
    (($(field .skipped_already_there) >= ${2:-1}))
    equal "$1"
}

@test "a disk too full for the binary log ends the run at its deadline, and the next run goes on" {
    small_disk
    much
    server_start fulllog --log-bin="$SERVER_DIR.small/bin"
    # the server waits for room, and tells its log only
    run --separate-stderr apply fulllog --statement-timeout=2
    [[ $status -ne 0 ]]
    [[ $stderr == *"did not answer before the deadline"* ]]
    server_kill fulllog
    mount -o remount,size=64m "$SERVER_DIR.small"
    server_start fulllog --log-bin="$SERVER_DIR.small/bin"
    goes_on fulllog
    server_stop fulllog
    rm -f "$SERVER_DIR.small"/*
}

@test "a full tmpdir fails the transaction that does not fit, and the next run goes on" {
    small_disk
    much
    server_start fulltmp --tmpdir="$SERVER_DIR.small"
    run --separate-stderr apply fulltmp
    [[ $status -ne 0 ]]
    [[ $stderr == *"transaction 0-"*"No space left on device"* ]]
    [[ $(server_sql fulltmp "SELECT GROUP_CONCAT(id) FROM w.t") == 0 ]]
    mount -o remount,size=64m "$SERVER_DIR.small"
    goes_on fulltmp
    server_stop fulltmp
    rm -f "$SERVER_DIR.small"/*
}

@test "a full tablespace fails the transaction that does not fit, and the next run goes on" {
    much
    server_start fulldata --innodb-file-per-table=0 --innodb-data-file-path=ibdata1:12M
    run --separate-stderr apply fulldata
    [[ $status -ne 0 ]]
    [[ $stderr == *"table w.t"*"is full"* ]]
    server_stop fulldata
    server_start fulldata --innodb-file-per-table=0 --innodb-data-file-path=ibdata1:12M:autoextend
    goes_on fulldata
    server_stop fulldata
}

@test "a session that is killed in mid-transaction ends the run, and the next run goes on" {
    lock_in_the_middle
    server_sql target "KILL $(session_that "info LIKE 'BINLOG%'")"
    run_fails
    unlock
    grep -q "lost the session" "$BATS_TEST_TMPDIR/err"
    grep -q "the target does not have 0-.*, as it says over a new session" "$BATS_TEST_TMPDIR/err"
    goes_on target
}

# A run whose COMMIT the target holds back: "$1" in the list of its sessions is where.
hold_commit() { # STATE
    "$BATON_BIN/baton" apply --via=sql -S "$(server_socket target)" -u root --json "$LOG" \
        >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
    PID=$!
    await has_session_that "state LIKE '$1'"
    server_sql target "KILL $(session_that "state LIKE '$1'")"
}

# One that goes in twice without notice.
commit_to_lose() {
    server_sql source "CREATE DATABASE w; CREATE TABLE w.nokey (i INT)"
    record
    apply target
    server_sql source "BEGIN; INSERT INTO w.nokey VALUES (1), (2); COMMIT"
    record
}

@test "a COMMIT that happened, but whose answer was lost, is found on the target and not repeated" {
    commit_to_lose
    server_sql target "SET GLOBAL rpl_semi_sync_master_wait_point=AFTER_COMMIT,
        GLOBAL rpl_semi_sync_master_timeout=100000, GLOBAL rpl_semi_sync_master_enabled=1"
    hold_commit "Waiting for semi-sync ACK%"
    server_sql target "SET GLOBAL rpl_semi_sync_master_enabled=0"
    run_fails
    grep -q "the target has all that was sent" "$BATS_TEST_TMPDIR/err"
    [[ $(jq .transactions "$BATS_TEST_TMPDIR/out") == 1 ]]
    goes_on target
    [[ $(field .transactions) == 0 ]]
}

@test "a COMMIT that was lost before it happened is found missing, and done by the next run" {
    commit_to_lose
    coproc LOCK { mariadb --no-defaults -uroot -N -S "$(server_socket target)" --unbuffered; }
    echo "BACKUP STAGE START; BACKUP STAGE BLOCK_COMMIT; SELECT 1;" >&"${LOCK[1]}"
    read -rt 20 <&"${LOCK[0]}"
    hold_commit "Waiting for backup lock"
    run_fails
    unlock
    grep -q "the target does not have 0-.*, as it says over a new session" "$BATS_TEST_TMPDIR/err"
    goes_on target 0
    [[ $(field .transactions) == 1 ]]
}

@test "a statement that is killed ends the run, and the next run goes on" {
    lock_in_the_middle
    server_sql target "KILL QUERY $(session_that "info LIKE 'BINLOG%'")"
    run_fails
    unlock
    grep -q "transaction 0-.*interrupted" "$BATS_TEST_TMPDIR/err"
    goes_on target
}

@test "a run waits for what a run that was killed has left at work, and applies nothing twice" {
    lock_in_the_middle
    kill -9 "$PID"
    run_fails 2>/dev/null
    apply target >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
    PID=$!
    await has_session_that "state = 'User lock'"
    unlock
    wait "$PID" || { cat "$BATS_TEST_TMPDIR/err"; false; }
    (($(jq .skipped_already_there "$BATS_TEST_TMPDIR/out") > 0))
    equal
}

@test "another run at work on the target is named when it does not end before the deadline" {
    server_sql source "CREATE DATABASE w"
    record
    coproc LOCK { mariadb --no-defaults -uroot -N -S "$(server_socket target)" --unbuffered; }
    echo "SELECT CONNECTION_ID() FROM dual WHERE GET_LOCK('baton apply', 0);" >&"${LOCK[1]}"
    read -rt 20 other <&"${LOCK[0]}"
    for road in sql replication; do
        run --separate-stderr apply target --via=$road --deadline=0.5
        [[ $status -ne 0 ]]
        [[ $stderr == *"session $other on "*"another run of baton"* ]]
    done
    unlock
    [[ -z $(server_sql target "SHOW DATABASES LIKE 'w'") ]]
}

@test "a target that takes TLS only gets it, by both roads" {
    local port=$((20000 + RANDOM % 10000)) road
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 \
        -keyout "$SERVER_DIR/key.pem" -out "$SERVER_DIR/cert.pem" 2>/dev/null
    server_start secure --skip-networking=0 --bind-address=127.0.0.1 --port=$port \
        --ssl-cert="$SERVER_DIR/cert.pem" --ssl-key="$SERVER_DIR/key.pem" \
        --require-secure-transport=ON --log-slave-updates --skip-slave-start
    server_sql secure "SET sql_log_bin=0; CREATE USER tls@127.0.0.1 IDENTIFIED BY 'Geheim9' REQUIRE
        SSL; GRANT ALL ON *.* TO tls@127.0.0.1; CREATE USER any@127.0.0.1 IDENTIFIED BY 'Geheim9'"
    printf '[client]\nuser=tls\npassword=Geheim9\nhost=127.0.0.1\nport=%d\n' "$port" \
        >"$BATS_TEST_TMPDIR/my.cnf"
    for road in sql replication; do
        server_sql source "CREATE DATABASE w_$road; CREATE TABLE w_$road.t (i INT)"
        record
        run --separate-stderr "$BATON_BIN/baton" apply --via=$road --user=any \
            --defaults-file="$BATS_TEST_TMPDIR/my.cnf" "$LOG"
        [[ $status -ne 0 && $stderr != *Geheim9* ]]
        [[ $stderr == *"Access denied for user 'any'"* ]] # whatever the password
        run --separate-stderr "$BATON_BIN/baton" apply --via=$road --tls=verified \
            --tls-ca="$SERVER_DIR/cert.pem" --defaults-file="$BATS_TEST_TMPDIR/my.cnf" "$LOG"
        [[ $status -eq 0 ]] || { echo "$stderr"; false; }
    done
    equal secure
    server_stop secure
}

@test "a read-only target takes a log from an account that may write there, by both roads" {
    local road
    server_sql target "SET GLOBAL read_only=1"
    for road in sql replication; do
        server_sql source "CREATE DATABASE w_$road; CREATE TABLE w_$road.t (i INT)"
        record
        run --separate-stderr apply target --via=$road
        [[ $status -eq 0 ]] || { echo "$stderr"; false; }
    done
    equal
    [[ $(server_sql target "SELECT @@read_only") == 1 ]]
    server_sql target "SET GLOBAL read_only=0"
}

@test "a target that replicates from somebody else goes on doing so" {
    local port=$((20000 + RANDOM % 10000)) i road
    server_start other --skip-networking=0 --bind-address=127.0.0.1 --port=$port --gtid-domain-id=7
    server_sql other "RESET MASTER; CREATE DATABASE o; CREATE TABLE o.t (i INT)"
    server_sql target "CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=$port,
        MASTER_USER='root', MASTER_SSL=0, MASTER_USE_GTID=slave_pos; START SLAVE"
    for road in sql replication; do
        server_sql source "CREATE DATABASE w_$road; CREATE TABLE w_$road.t (i INT)"
        record
        run --separate-stderr apply target --via=$road
        [[ $status -eq 0 ]] || { echo "$stderr"; false; }
        server_sql other "INSERT INTO o.t VALUES (1)"
    done
    diff <(server_state source | grep '^w_') <(server_state target | grep '^w_')
    [[ $(server_sql target "SELECT MASTER_GTID_WAIT('$(server_sql other "SELECT @@gtid_binlog_pos")', 20)") == 0 ]]
    [[ $(server_sql target "SELECT COUNT(*) FROM o.t") == 2 ]]
    server_sql target "STOP SLAVE; RESET SLAVE ALL"
    server_stop other
}

@test "a diff log with one flipped bit, wherever it is, is refused before its first event" {
    local port=$((20000 + RANDOM % 10000)) at bad byte diff=$BATS_TEST_TMPDIR/x.binlog good
    server_start primary --skip-networking=0 --bind-address=127.0.0.1 --port=$port
    server_sql primary "CREATE DATABASE w; CREATE TABLE w.t (i INT)"
    server_sql target "CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=$port,
        MASTER_USER='root', MASTER_SSL=0, MASTER_USE_GTID=slave_pos; START SLAVE"
    [[ $(server_sql target "SELECT MASTER_GTID_WAIT('$(server_sql primary "SELECT @@gtid_binlog_pos")', 20)") == 0 ]]
    server_sql target "STOP SLAVE IO_THREAD"
    server_sql primary "INSERT INTO w.t VALUES (1); INSERT INTO w.t VALUES (2)"
    for good in "$diff" "$diff.zst"; do
        "$BATON_BIN/baton" diff --target "$SERVER_DIR/target/data" \
            --primary "$SERVER_DIR/primary/data" -o "$good"
        bad=${good/x./bad.}
        cp "$good.json" "$bad.json"
        for ((at = 0; at < $(stat -c %s "$good"); at += 37)); do
            cp "$good" "$bad"
            byte=$(od -An -tu1 -j $at -N 1 "$good")
            printf '%b' "\\x$(printf %x $((byte ^ 1 << at % 8)))" |
                dd of="$bad" bs=1 seek=$at conv=notrunc status=none
            LOG=$bad run --separate-stderr apply target
            [[ $status -ne 0 && -n $stderr ]] || { echo "offset $at of $good is applied"; false; }
        done
    done
    [[ $(server_sql target "SELECT COUNT(*) FROM w.t") == 0 ]]
    LOG=$diff.zst apply target
    diff <(server_sql primary "CHECKSUM TABLE w.t") <(server_sql target "CHECKSUM TABLE w.t")
    server_sql target "STOP SLAVE; RESET SLAVE ALL"
    server_stop primary
}
