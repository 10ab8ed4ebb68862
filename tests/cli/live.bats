# SPDX-License-Identifier: Apache-2.0
# baton inspect on a running server: the oracle are the files that the server writes.
bats_require_minimum_version 1.5.0

setup_file() {
    source "$BATON_SOURCE/tests/lib/server.bash"
    server_template "$(mktemp -d "${TMPDIR:-/tmp}/baton-live.XXXXXX")"
    openssl rand -hex 32 | sed 's/^/1;/' >"$SERVER_DIR/keys"
    server_start source --binlog-format=ROW --server-id=11
    for file in types charsets mariadb addresses; do
        server_sql source "CREATE DATABASE IF NOT EXISTS rt CHARACTER SET utf8mb4"
        mariadb --no-defaults -uroot -S "$(server_socket source)" \
            --default-character-set=utf8mb4 rt <"$BATON_SOURCE/tests/cli/rows/$file.sql"
    done
    # A statement of 20 MB travels in two packets; checksums and compression change in mid-log.
    server_sql source "FLUSH BINARY LOGS; SET GLOBAL binlog_checksum=NONE; CREATE TABLE rt.big
        (id INT PRIMARY KEY, b LONGBLOB); SET GLOBAL max_allowed_packet=64*1024*1024"
    server_sql source "INSERT INTO rt.big VALUES (1, REPEAT('x', 20000000)), (2, 'small')"
    server_sql source "SET GLOBAL binlog_checksum=CRC32, log_bin_compress=1"
    server_sql source "UPDATE rt.big SET b=REPEAT('y', 5000); SET SESSION gtid_domain_id=7;
        DELETE FROM rt.big WHERE id=1; CREATE USER app@localhost IDENTIFIED BY 'hush-hush'"
    printf '[client]\nuser=root\nsocket=%s\n' "$(server_socket source)" >"$SERVER_DIR/my.cnf"
    export LOGS=$SERVER_DIR/source/data
}

teardown_file() {
    source "$BATON_SOURCE/tests/lib/server.bash"
    server_remove
}

setup() {
    bats_load_library bats-support
    bats_load_library bats-assert
    source "$BATON_SOURCE/tests/lib/server.bash"
    PIDS=()
}

teardown() {
    ((${#PIDS[@]} == 0)) || kill -9 "${PIDS[@]}" 2>/dev/null || true
}

# The server notes in the log, a moment after it began it, that no older one is needed: until then.
settle() {
    local i last
    last=$(server_sql source "SHOW MASTER STATUS" | cut -f 1)
    for ((i = 0; i < 200; i++)); do
        ! server_sql source "SHOW BINLOG EVENTS IN '$last' LIMIT 100" |
            grep -q "Binlog_checkpoint.*$last\$" || return 0
        read -rt 0.05 <> <(:) || true
    done
    fail "$last has no checkpoint"
}

inspect() { "$BATON_BIN/baton" inspect "$@"; }
live() { inspect --defaults-file="$SERVER_DIR/my.cnf" "$@"; }

# follow OUT OPTION...: a follower in the background, its process in PIDS.
follow() {
    local out=$1
    shift
    "$BATON_BIN/baton" inspect --defaults-file="$SERVER_DIR/my.cnf" --follow "$@" \
        >"$out" 2>"$out.err" 3>&- &
    PIDS+=($!)
}

# ended PID: the exit code of a follower that has been told to end; it has 10 seconds.
ended() {
    local i
    for ((i = 0; i < 200; i++)); do
        [[ -d /proc/$1 && $(cut -d " " -f 3 "/proc/$1/stat" 2>/dev/null) != Z ]] || break
        read -rt 0.05 <> <(:) || true
    done
    ((i < 200)) || fail "process $1 does not end"
    wait "$1"
}

# The same of the files, under the names that the server gives them.
files() { (cd "$LOGS" && inspect "$@" bin.[0-9]*[0-9]); }

# until_line FILE TEXT: a program that runs has printed it.
until_line() {
    local i
    for ((i = 0; i < 200; i++)); do
        ! grep -qF -- "$2" "$1" || return 0
        read -rt 0.05 <> <(:) || true
    done
    fail "no line with \"$2\" in: $(tail -n 3 "$1")"
}

@test "every log of a running server gives the events, transactions and counts of its files" {
    local mode
    settle
    for mode in --events --transactions --no-verify; do
        diff <(files --json "$mode") <(live --json "$mode") || fail "$mode"
    done
    run -0 live --json --events
    [[ ${#lines[@]} -gt 300 ]]
}

@test "logs are read by name, in the order given" {
    settle
    diff <(cd "$LOGS" && inspect --events --json bin.000004 bin.000002) \
        <(live --events --json bin.000004 bin.000002)
    diff <(files --events --json --from=bin.000003:500) <(live --events --json --from=bin.000003:500)
    run -0 jq -c "[.files[].path]" <(live --json --from=bin.000003:500 --to=bin.000003:600)
    assert_output '["bin.000003"]'
}

@test "the logs of a server that encrypts them read as with the key" {
    [[ -e $(server_sql source "SELECT @@plugin_dir")/file_key_management.so ]] ||
        skip "this server has no file_key_management"
    server_stop source
    server_start source --binlog-format=ROW --server-id=11 --encrypt-binlog=1 \
        --plugin-load-add=file_key_management --file-key-management-filename="$SERVER_DIR/keys"
    server_sql source "INSERT INTO rt.big VALUES (10, 'sealed')"
    settle
    diff <(files --events --json --key-file="$SERVER_DIR/keys") <(live --events --json)
    run -0 live --rows "$(basename "$(server_logs source | tail -n 1)")"
    assert_output --partial '"id":10'
    server_stop source
    server_start source --binlog-format=ROW --server-id=11
}

@test "columns that the log does not name are named and typed after the server's tables" {
    mariadb-dump --no-defaults -uroot -S "$(server_socket source)" --no-data --databases rt \
        >"$BATS_TEST_TMPDIR/schema.sql"
    diff <(files --rows --json --schema="$BATS_TEST_TMPDIR/schema.sql") \
        <(live --rows --json)
    diff <(live --rows --json) <(files --rows --json --schema-from-server \
        --defaults-file="$SERVER_DIR/my.cnf")
    ! live --rows --json | grep -q '"@1"'
}

@test "what a GTID state covers is left out, and the rest keeps its offsets" {
    local gtids after
    mapfile -t gtids < <(live --transactions --json | jq -r 'select(.gtid[:2] == "0-").gtid')
    after=${gtids[20]},$(live --transactions --json | jq -r 'select(.gtid[:2] == "7-").gtid' | head -1)
    live --transactions --json --after="$after" >"$BATS_TEST_TMPDIR/after"
    run -0 grep -c . "$BATS_TEST_TMPDIR/after"
    # 21 of domain 0 and the first of domain 7
    assert_output "$(($(live --transactions --json | wc -l) - 22))"
    run ! grep -vxFf <(live --transactions --json) "$BATS_TEST_TMPDIR/after"
}

@test "a follower prints what is written as it comes, across logs, and ends well on ^C" {
    local out=$BATS_TEST_TMPDIR/out last
    last=$(basename "$(server_logs source | tail -n 1)")
    follow "$out" --events --json "$last"
    server_sql source "INSERT INTO rt.big VALUES (20, 'one'); FLUSH BINARY LOGS"
    server_sql source "INSERT INTO rt.big VALUES (21, 'two'); CREATE TABLE rt.last_one (i INT)"
    until_line "$out" last_one
    # A second follower ends neither the first nor a replica: it has another server id.
    follow "$out.2" --transactions "$last"
    until_line "$out.2" "rt.big"
    settle
    server_sql source "CREATE TABLE rt.really_last (i INT)"
    until_line "$out" really_last
    kill -INT "${PIDS[@]}"
    ended "${PIDS[0]}"
    ended "${PIDS[1]}"
    diff <(live --events --json | sed -n "/\"file\":\"$last\"/,\$p" | jq -c 'del(.flags, .in_use)') \
        <(jq -c 'del(.flags, .in_use)' "$out")
}

@test "a followed summary is printed at ^C" {
    local i before
    settle
    before=$(server_sql source "SELECT CONNECTION_ID()")
    follow "$BATS_TEST_TMPDIR/out" --json
    for ((i = 0; i < 200; i++)); do
        [[ $(server_sql source "SELECT COUNT(*) FROM information_schema.processlist WHERE id > $before
            AND command = 'Binlog Dump' AND state LIKE '%has sent all%'") != 1 ]] || break
        read -rt 0.05 <> <(:) || true
    done
    kill -INT "${PIDS[0]}"
    ended "${PIDS[0]}"
    diff "$BATS_TEST_TMPDIR/out" <(live --json)
}

@test "a server that stops sends its follower home with an error that names it" {
    follow "$BATS_TEST_TMPDIR/out" --events
    until_line "$BATS_TEST_TMPDIR/out" bin.000001
    server_stop source
    ! ended "${PIDS[0]}"
    run cat "$BATS_TEST_TMPDIR/out.err"
    assert_output --partial "lost the session with the server of \"$SERVER_DIR/my.cnf\""
    server_start source --binlog-format=ROW --server-id=11
}

@test "what cannot be is refused before anything is printed" {
    run live bin.999999
    assert_failure
    assert_output --partial 'has no binary log "bin.999999"'
    run -2 inspect --follow "$LOGS/bin.000001"
    assert_output --partial "--follow needs a server"
    run -2 live --after=0-1-1 bin.000001
    assert_output --partial "name none"
    run -3 inspect --socket="$SERVER_DIR/no-such-socket" --user=root
    assert_output --partial "$SERVER_DIR/no-such-socket"
    printf '[client]\nuser=app\npassword=not-hush\nsocket=%s\n' "$(server_socket source)" \
        >"$BATS_TEST_TMPDIR/wrong.cnf"
    run -3 inspect --defaults-file="$BATS_TEST_TMPDIR/wrong.cnf"
    refute_output --partial "not-hush"
    run ! grep -q hush-hush <(live --events)
}

@test "a node reads the logs of its host" {
    cat >"$BATS_TEST_TMPDIR/app.cnf" <<END
[server default]
user=root
ssh_user=root
node_mode=local
node_path=$BATON_BIN/baton-node
manager_workdir=$BATS_TEST_TMPDIR
master_binlog_dir=$LOGS
[server1]
hostname=127.0.0.1
END
    chmod 600 "$BATS_TEST_TMPDIR/app.cnf"
    run -0 inspect --conf="$BATS_TEST_TMPDIR/app.cnf" --node=server1 --json
    run -0 jq -c '[.files[].path | sub(".*/"; "")], (.transactions|del(.largest)), .gtid' <<<"$output"
    assert_output "$(files --json | jq -c '[.files[].path], (.transactions|del(.largest)), .gtid')"
    diff <(inspect --conf="$BATS_TEST_TMPDIR/app.cnf" --node=127.0.0.1 --events --json bin.000002 |
        sed 's|"file":"[^"]*/|"file":"|') <(cd "$LOGS" && inspect --events --json bin.000002)
    run -2 inspect --conf="$BATS_TEST_TMPDIR/app.cnf" --node=server9
    assert_output --partial 'names no server "server9"'
}

@test "a log that is torn is shown up to there, then the logs behind it" {
    local log=$LOGS/bin.000004 size
    settle
    size=$(stat -c %s "$log")
    cp "$log" "$BATS_TEST_TMPDIR/whole"
    truncate -s $((size - 10)) "$log"
    diff <(files --events --json 2>/dev/null) <(live --events --json 2>"$BATS_TEST_TMPDIR/err")
    run -5 --separate-stderr live --transactions
    cp "$BATS_TEST_TMPDIR/whole" "$log"
    run -0 cat "$BATS_TEST_TMPDIR/err"
    assert_output --partial "bin.000004"
}
