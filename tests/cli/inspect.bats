# SPDX-License-Identifier: Apache-2.0
# baton inspect on logs that a server has just written; the oracle is mariadb-binlog.
bats_require_minimum_version 1.5.0

setup_file() {
    source "$BATON_SOURCE/tests/lib/server.bash"
    server_template "$(mktemp -d "${TMPDIR:-/tmp}/baton-inspect.XXXXXX")"
    printf '1,one\n2,two\n3,thr\\,ee\n' >"$SERVER_DIR/load.csv"
    server_start source
    local format
    for format in ROW STATEMENT MIXED; do
        server_sql source "SET GLOBAL binlog_format=$format"
        sed "s|@LOAD@|$SERVER_DIR/load.csv|" "$BATON_SOURCE/tests/cli/apply/workload.sql" |
            mariadb --no-defaults -uroot --force -S "$(server_socket source)" >/dev/null 2>&1 || true
        server_sql source "SHOW DATABASES" |
            grep -vE '^(mysql|sys|performance_schema|information_schema)$' |
            sed 's/.*/DROP DATABASE `&`;/' | server_sql source
    done
    server_sql source "SET GLOBAL log_bin_compress=1, binlog_format=ROW; FLUSH BINARY LOGS;
        CREATE DATABASE shop; CREATE TABLE shop.big (id INT PRIMARY KEY, t TEXT);
        CREATE USER secret@localhost IDENTIFIED BY 'hush-hush'"
    server_sql source "INSERT INTO shop.big SELECT seq, REPEAT('x', 400) FROM mysql.seq_1_to_9" 2>/dev/null ||
        server_sql source "INSERT INTO shop.big VALUES (1, REPEAT('x', 4000)), (2, REPEAT('y', 4000))"
    server_sql source "UPDATE shop.big SET t=REPEAT('z', 5000); FLUSH BINARY LOGS; DELETE FROM shop.big"
    server_stop source
    LOGS=$SERVER_DIR/source/data
    export LOGS
}

teardown_file() {
    source "$BATON_SOURCE/tests/lib/server.bash"
    server_remove
}

setup() {
    bats_load_library bats-support
    bats_load_library bats-assert
    source "$BATON_SOURCE/tests/lib/server.bash"
}

inspect() { "$BATON_BIN/baton" inspect "$@"; }

@test "events, offsets, ends and servers agree with mariadb-binlog, log by log" {
    local log
    for log in "$LOGS"/bin.[0-9]*; do
        diff <(mariadb-binlog --base64-output=decode-rows -v "$log" 2>/dev/null |
            awk -f "$BATON_SOURCE/tests/cli/inspect/oracle.awk") \
            <(inspect --events --json "$log" |
                jq -r '"\(.offset) \(.end_log_pos) \(.server_id) \(.name)"')
    done
}

@test "the summary that goes ahead counts what one event after the other counts" {
    local log part
    while read -r log; do
        # A filter that lets everything pass has each event looked at by itself.
        diff <(inspect --json "$log" 2>&1) <(inspect --json --from=4 "$log" 2>&1)
        for part in 3 7 20; do
            head -c "$(($(stat -c %s "$log") * part / 23))" "$log" >"$BATS_TEST_TMPDIR/cut"
            diff <(inspect --json "$BATS_TEST_TMPDIR/cut" 2>&1) \
                <(inspect --json --from=4 "$BATS_TEST_TMPDIR/cut" 2>&1)
        done
    done < <(find "$LOGS"/bin.[0-9]* "$BATON_SOURCE/testdata" -type f -name "*.0000*")
}

@test "row changes agree with mariadb-binlog, row by row" {
    local log
    for log in "$LOGS"/bin.[0-9]*; do
        diff <(mariadb-binlog --base64-output=decode-rows -v "$log" 2>/dev/null |
            sed -n 's/^### \(INSERT INTO\|UPDATE\|DELETE FROM\) `\(.*\)`.`\(.*\)`$/\1 \2.\3/p' |
            sed 's/INSERT INTO/insert/; s/UPDATE/update/; s/DELETE FROM/delete/; s/``/`/g') \
            <(inspect --rows --json "$log" | jq -r '"\(.op) \(.db).\(.table)"')
    done
}

@test "the summary counts what the listings show" {
    inspect --json "$LOGS"/bin.[0-9]* >"$BATS_TEST_TMPDIR/summary"
    run -0 jq '[.events[].count] | add' "$BATS_TEST_TMPDIR/summary"
    assert_output "$(inspect --events --json "$LOGS"/bin.[0-9]* | wc -l)"
    run -0 jq '.transactions.count' "$BATS_TEST_TMPDIR/summary"
    assert_output "$(inspect --transactions --json "$LOGS"/bin.[0-9]* | jq -s 'map(select(.complete)) | length')"
    run -0 jq '[.tables[] | .inserts + .updates + .deletes] | add' "$BATS_TEST_TMPDIR/summary"
    assert_output "$(inspect --rows --json "$LOGS"/bin.[0-9]* | wc -l)"
    run -0 jq -r '[.files[].end] | unique | join(",")' "$BATS_TEST_TMPDIR/summary"
    assert_output clean
    run -0 jq -r '.gtid' "$BATS_TEST_TMPDIR/summary"
    assert_output --regexp '^0-[0-9]+-[0-9]+'
}

@test "a folder is read as its logs in order" {
    run -0 --separate-stderr inspect --json "$LOGS"
    from_folder=$(jq -c '[.events, .tables, .transactions.count]' <<<"$output")
    run -0 --separate-stderr inspect --json "$LOGS"/bin.[0-9]*
    assert_equal "$(jq -c '[.events, .tables, .transactions.count]' <<<"$output")" "$from_folder"
}

@test "a log comes from a pipe, or packed by zstd or gzip, as well" {
    expected=$(inspect --json "$LOGS/bin.000001" | jq -c '[.events, .tables, .transactions.count]')
    zstd -q "$LOGS/bin.000001" -o "$BATS_TEST_TMPDIR/a.zst"
    gzip -c "$LOGS/bin.000001" >"$BATS_TEST_TMPDIR/a.gz"
    for log in "$BATS_TEST_TMPDIR/a.zst" "$BATS_TEST_TMPDIR/a.gz"; do
        assert_equal "$(inspect --json "$log" | jq -c '[.events, .tables, .transactions.count]')" "$expected"
    done
    assert_equal "$(inspect --json - <"$LOGS/bin.000001" | jq -c '[.events, .tables, .transactions.count]')" "$expected"
}

@test "filters show what they name and nothing else" {
    gtid=$(inspect --transactions --json "$LOGS" | jq -rs 'map(select(.rows > 0)) | .[2].gtid')
    run -0 inspect --transactions --json --gtid="$gtid" "$LOGS"
    assert_equal "$(jq -r .gtid <<<"$output")" "$gtid"
    run -0 inspect --rows --json --db=shop --table=big "$LOGS"
    assert_equal "$(jq -r '"\(.db).\(.table)"' <<<"$output" | sort -u)" shop.big
    run -0 inspect --transactions --json --min-bytes=1K "$LOGS"
    assert_equal "$(jq -s 'map(select(.bytes < 1024)) | length' <<<"$output")" 0
    refute_output ""
    run -0 inspect --rows --json --min-bytes=1K "$LOGS"
    all=$(inspect --rows --json "$LOGS" | wc -l)
    ((${#lines[@]} > 0 && ${#lines[@]} < all))
    run -0 inspect --transactions --json --from="$gtid" --to="$gtid" "$LOGS"
    assert_equal "$(jq -r .gtid <<<"$output")" "$gtid"
    run -0 inspect --events --json --from=bin.000002:4 --to=bin.000002:300 "$LOGS"
    assert_equal "$(jq -r '.file | split("/") | last' <<<"$output" | sort -u)" bin.000002
}

@test "passwords in statements are hidden unless asked for" {
    run -0 inspect --events --json "$LOGS"
    refute_output --partial hush-hush
    assert_output --partial "IDENTIFIED BY '<secret>'"
    run -0 inspect --events --json --show-secrets "$LOGS"
    assert_output --partial hush-hush
}

@test "a torn log is read to its last whole event, and the exit code says so" {
    size=$(stat -c %s "$LOGS/bin.000001")
    head -c $((size - 7)) "$LOGS/bin.000001" >"$BATS_TEST_TMPDIR/torn.000001"
    run -5 --separate-stderr inspect --json "$BATS_TEST_TMPDIR/torn.000001"
    assert_equal "$(jq -r '.files[0].end' <<<"$output")" torn
    last=$(inspect --events --json "$LOGS/bin.000001" | tail -n 1 | jq .offset)
    assert_equal "$(jq '.files[0].valid_end' <<<"$output")" "$last"
}

@test "a flipped bit is found, named by offset, and nothing behind it is counted" {
    cp "$LOGS/bin.000001" "$BATS_TEST_TMPDIR/bad.000001"
    at=$(inspect --events --json "$LOGS/bin.000001" | sed -n 20p | jq .offset)
    printf '\xff' | dd of="$BATS_TEST_TMPDIR/bad.000001" bs=1 seek=$((at + 20)) conv=notrunc status=none
    run -5 --separate-stderr inspect --json "$BATS_TEST_TMPDIR/bad.000001"
    assert_equal "$(jq -r '.files[0] | "\(.end) \(.valid_end) \(.events)"' <<<"$output")" "corrupt $at 19"
}

@test "the page and the histogram are drawn" {
    run -0 inspect --html="$BATS_TEST_TMPDIR/page.html" "$LOGS"
    run -0 cat "$BATS_TEST_TMPDIR/page.html"
    assert_output --partial "<svg"
    assert_output --partial "shop.big"
    refute_output --partial "http"
    run -0 inspect --histogram "$LOGS"
    assert_output --partial "Bytes written"
}

@test "what is wrong with the command line is said in one line, with exit code 2" {
    run -2 inspect
    assert_output --partial "name a log"
    run -2 inspect --evnts x
    assert_output --partial "did you mean --events?"
    run -2 inspect --from=nowhere "$LOGS"
    assert_output --partial "is no place"
    run -4 inspect /no/such/log
    assert_output --partial 'could not open "/no/such/log": No such file or directory'
}

@test "a log shared among threads gives the same counts as one thread" {
    local kind
    for kind in oltp statements mysql; do
        "$BATON_BIN/make_log" "$kind" 24 "$BATS_TEST_TMPDIR/log.000001"
        diff <("$BATON_BIN/baton" inspect --json "$BATS_TEST_TMPDIR/log.000001") \
            <("$BATON_BIN/baton" inspect --json --threads=2 "$BATS_TEST_TMPDIR/log.000001")
    done
}

@test "a MySQL log has its GTIDs as one set, and its rows by table" {
    "$BATON_BIN/make_log" mysql 1 "$BATS_TEST_TMPDIR/log.000001"
    run jq -c '[.gtid, .transactions.count, .tables[0].updates]' \
        <("$BATON_BIN/baton" inspect --json "$BATS_TEST_TMPDIR/log.000001")
    count=$(jq .transactions.count <("$BATON_BIN/baton" inspect --json "$BATS_TEST_TMPDIR/log.000001"))
    assert_output "[\"3e11fa47-71ca-11e1-9e33-c80aa9429562:1-$count\",$count,$count]"
}
