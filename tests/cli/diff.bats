#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# A primary that was killed and two replicas that stopped receiving at different times: who is
# ahead, what does each lack, and does that log close the gap.

bats_require_minimum_version 1.5.0

setup_file() {
    source "$BATON_SOURCE/tests/lib/servers.bash"
    servers_init
    history_make >&2
}

teardown_file() {
    source "$BATON_SOURCE/tests/lib/servers.bash"
    servers_done
}

setup() {
    source "$BATON_SOURCE/tests/lib/servers.bash"
    PATH=$BATON_BIN:$PATH
    OUT=$BATS_TEST_TMPDIR/out.binlog
}

# Work of every kind that a log can hold, and a number so that each call writes other rows.
work() {
    local n=$1
    cat <<END
USE d;
INSERT INTO t (a, b) VALUES ($n, REPEAT('x', 100)), ($n + 1, 'two');
UPDATE t SET b = CONCAT(b, '-$n') WHERE a = $n;
BEGIN; INSERT INTO t (a, b) VALUES ($n + 2, 'm'); INSERT INTO u VALUES ($n, REPEAT('long ', 2000));
DELETE FROM t WHERE a = $n + 1; COMMIT;
SET @v = 'value of $n'; INSERT INTO t (a, b) VALUES ($n + 3, @v);
SET binlog_format = STATEMENT; INSERT INTO t (a, b) VALUES ($n + 4, CONCAT('st', @v));
SET binlog_format = MIXED;
INSERT INTO m VALUES ($n), ($n + 1);
CREATE TABLE c$n AS SELECT a, b FROM t WHERE a < 5;
ALTER TABLE c$n ADD COLUMN extra INT DEFAULT $n;
SET gtid_domain_id = 7; INSERT INTO seven VALUES ($n); SET gtid_domain_id = 0;
XA START 'x$n'; INSERT INTO u VALUES ($n + 1, 'xa'); XA END 'x$n'; XA PREPARE 'x$n'; XA COMMIT 'x$n';
SAVEPOINT nothing;
BEGIN; INSERT INTO u VALUES ($n + 2, 'kept'); SAVEPOINT s; INSERT INTO m VALUES (-$n);
INSERT INTO u VALUES ($n + 3, 'not kept'); ROLLBACK TO s; COMMIT;
END
}

history_make() {
    server_start p 1 --binlog-format=MIXED --log-bin-compress=ON --log-bin-compress-min-len=256
    server_start r1 2 --log-slave-updates
    server_start r2 3
    server_sql p "CREATE DATABASE d; CREATE TABLE d.t (a INT PRIMARY KEY, b TEXT);
        CREATE TABLE d.u (a INT, b TEXT, KEY (a)); CREATE TABLE d.m (a INT) ENGINE=MyISAM;
        CREATE TABLE d.seven (a INT PRIMARY KEY)"
    server_follow r1 p no
    server_follow r2 p slave_pos
    work 1000 | server_pipe p
    server_sql p "FLUSH LOGS"
    work 2000 | server_pipe p
    server_wait_received r1 p
    server_sql r1 "STOP SLAVE IO_THREAD"
    work 3000 | server_pipe p
    server_sql p "FLUSH LOGS; SET GLOBAL binlog_checksum = NONE"
    work 4000 | server_pipe p
    server_sql p "SET GLOBAL binlog_checksum = CRC32"
    server_wait_received r2 p
    server_sql r2 "STOP SLAVE IO_THREAD"
    work 5000 | server_pipe p
    server_sql p "FLUSH LOGS"
    work 6000 | server_pipe p
    server_wait_applied r1
    server_wait_applied r2
    server_kill p
}

# GTIDs of a log, or logs, one a line.
gtids_of() {
    mariadb-binlog "$@" | sed -n 's/^#.*GTID \([0-9]*-[0-9]*-[0-9]*\).*/\1/p'
}

# What mariadb-binlog says of a log beside its content.
complaints_of() {
    mariadb-binlog --verify-binlog-checksum "$@" 2>&1 >"$BATS_TEST_TMPDIR/text"
    grep -iE 'warning|error:' "$BATS_TEST_TMPDIR/text" || true
}

# The primary's GTIDs behind those that a replica has received.
lacking() {
    gtids_of "$SERVERS"/p/bin.0000?? >"$BATS_TEST_TMPDIR/all"
    gtids_of "$SERVERS/$1"/relay-bin.0* >"$BATS_TEST_TMPDIR/had"
    grep -vxFf "$BATS_TEST_TMPDIR/had" "$BATS_TEST_TMPDIR/all"
}

@test "the replica that stopped later is ranked first, by what it has received" {
    run -0 baton rank --json "$SERVERS/r1" "$SERVERS/r2"
    jq -e --arg r1 "$SERVERS/r1" --arg r2 "$SERVERS/r2" '
        (.replicas | map(.dir) == [$r2, $r1]) and (.replicas | map(.rank) == [1, 2]) and
        (.replicas | map(.latest) == [true, false]) and all(.replicas[]; .unfinished_bytes == 0)
        ' <<<"$output"
    # r1 stopped right behind a transaction; behind r2's last one the primary had changed its log.
    [[ $(jq -r '.replicas[1].received | "\(.file):\(.pos)"' <<<"$output") == \
        "$(server_status r1 Master_Log_File):$(server_status r1 Read_Master_Log_Pos)" ]]
    # In GTID mode the file with the executed coordinate is not kept up to date by the server.
    [[ $(jq -r '.replicas[1].executed | "\(.file):\(.pos)"' <<<"$output") == \
        "$(server_status r1 Relay_Master_Log_File):$(server_status r1 Exec_Master_Log_Pos)" ]]
    for r in r1 r2; do
        [[ $(jq -r --arg d "$SERVERS/$r" '.replicas[] | select(.dir == $d) | .gtid_received' \
            <<<"$output") == "$(server_sql $r 'SELECT @@gtid_slave_pos')" ]]
    done
}

@test "a picture shows what each replica has applied, received and lacks" {
    run -0 env LC_ALL=C baton rank "$SERVERS/r1" "$SERVERS/r2"
    (($(grep -c '^      \[[#=.]*\]  \(all applied\|missing\)' <<<"$output") == 2))
    awk 'length > 80 { exit 1 }' <<<"${output//$SERVERS/}"
    run -0 env LC_ALL=C.UTF-8 baton rank "$SERVERS/r1" "$SERVERS/r2"
    (($(grep -c '^      [█▒░]* *\(all applied\|missing\)' <<<"$output") == 2))
    [[ $output != *$'\033'* ]]
}

@test "a diff log holds exactly what the replica lacks, and mariadb-binlog has no complaint" {
    for r in r1 r2; do
        baton diff --target "$SERVERS/$r" --primary "$SERVERS/p" -o "$OUT" --json >"$OUT.printed"
        [[ -z $(complaints_of "$OUT") ]] || complaints_of "$OUT"
        [[ -z $(complaints_of "$OUT") ]]
        diff <(lacking $r) <(gtids_of "$OUT")
        jq -e --argjson n "$(lacking $r | wc -l)" '.transactions == $n and .cut == [] and
            .lost == null and (.xxh3 | length) == 32' "$OUT.printed"
        [[ $(jq -r .first.gtid "$OUT.printed") == "$(lacking $r | head -n 1)" ]]
        [[ $(jq -r .last.gtid "$OUT.printed") == "$(lacking $r | tail -n 1)" ]]
        jq -e '.list | length == '"$(lacking $r | wc -l)" "$OUT.json"
        baton verify "$OUT"
    done
}

@test "without the primary the other replica's relay logs give what they have" {
    baton diff --target "$SERVERS/r1" --replica "$SERVERS/r2" -o "$OUT"
    [[ -z $(complaints_of "$OUT") ]]
    diff <(lacking r1 | grep -xFf <(gtids_of "$SERVERS"/r2/relay-bin.0*)) <(gtids_of "$OUT")
    baton diff --target "$SERVERS/r2" --replica "$SERVERS/r1" -o "$OUT" --json >"$OUT.printed"
    jq -e '.transactions == 0 and .first == null and .sources == []' "$OUT.printed"
    [[ -z $(complaints_of "$OUT") ]]
}

@test "what was received but not executed counts with --from executed only" {
    cp -a "$SERVERS/r1" "$BATS_TEST_TMPDIR/r1"
    sed -i '4s/.*/bin.000001/; 5s/.*/4/' "$BATS_TEST_TMPDIR/r1/relay-log.info"
    baton diff --target "$BATS_TEST_TMPDIR/r1" --primary "$SERVERS/p" --from executed -o "$OUT"
    diff <(gtids_of "$SERVERS"/p/bin.0000??) <(gtids_of "$OUT")
}

@test "several targets at once get the logs that each would get alone" {
    local dir=$BATS_TEST_TMPDIR p=$SERVERS/p r1=$SERVERS/r1 r2=$SERVERS/r2
    baton diff -t "$r1" --replica "$r2" --primary "$p" -o "$dir/alone1" >/dev/null
    baton diff -t "$r2" --replica "$r1" --primary "$p" -o "$dir/alone2" >/dev/null
    run -0 baton diff --json -t "$r1" -o "$dir/both1" -t "$r2" -o "$dir/both2" --primary "$p"
    [[ $(jq -c '.targets | map(.manifest.transactions > 0)' <<<"$output") == "[true,true]" ]]
    [[ $(jq -r '.targets[1].target' <<<"$output") == "$r2" ]]
    cmp "$dir/alone1" "$dir/both1"
    cmp "$dir/alone2" "$dir/both2"
    run -2 baton diff -t "$r1" -t "$r2" -o "$OUT" --primary "$p"
}

@test "a packed diff log is one zstd frame of the same log" {
    baton diff --target "$SERVERS/r1" --primary "$SERVERS/p" -o "$OUT"
    baton diff --target "$SERVERS/r1" --primary "$SERVERS/p" -o "$OUT.zst"
    cmp "$OUT" <(zstd -dcq "$OUT.zst")
    [[ $(zstd -lv "$OUT.zst" | sed -n 's/^# Zstandard Frames: //p') == 1 ]]
    baton verify "$OUT.zst"
    [[ $(jq .xxh3 "$OUT.json") == "$(jq .xxh3 "$OUT.zst.json")" ]]
}

@test "a log cut in its tail passes on nothing that is not whole" {
    local last size at
    last=$(ls "$SERVERS"/p/bin.0000?? | tail -n 1)
    size=$(stat -c %s "$last")
    baton diff --target "$SERVERS/r2" --primary "$SERVERS/p" -o "$OUT"
    gtids_of "$OUT" >"$BATS_TEST_TMPDIR/whole"
    cp -a "$SERVERS/p" "$BATS_TEST_TMPDIR/p"
    for ((at = size - 1; at > size - 240; at -= 7)); do
        cp "$last" "$BATS_TEST_TMPDIR/p/"
        truncate -s "$at" "$BATS_TEST_TMPDIR/p/${last##*/}"
        baton diff --target "$SERVERS/r2" --primary "$BATS_TEST_TMPDIR/p" -o "$OUT" --json \
            >"$OUT.printed"
        gtids_of "$OUT" >"$BATS_TEST_TMPDIR/now"
        (($(wc -l <"$BATS_TEST_TMPDIR/now") < $(wc -l <"$BATS_TEST_TMPDIR/whole")))
        diff "$BATS_TEST_TMPDIR/now" \
            <(head -n "$(wc -l <"$BATS_TEST_TMPDIR/now")" "$BATS_TEST_TMPDIR/whole")
        jq -e '(.cut == []) or (.cut[0].reason | length > 0)' "$OUT.printed"
        [[ -z $(complaints_of "$OUT") ]]
        baton verify "$OUT"
    done
}

@test "a flipped bit is cut off and named, and healed from a relay log that has the transaction" {
    local log at
    log=$BATS_TEST_TMPDIR/p/bin.000002
    cp -a "$SERVERS/p" "$BATS_TEST_TMPDIR/p"
    at=$(mariadb-binlog "$log" | sed -n 's/^# at \([0-9]*\)$/\1/p' | tail -n 20 | head -n 1)
    printf '\x5a' | dd of="$log" bs=1 seek=$((at + 30)) conv=notrunc status=none
    baton diff --target "$SERVERS/r1" --primary "$BATS_TEST_TMPDIR/p" -o "$OUT" --json >"$OUT.printed"
    jq -e '(.cut | length) >= 1 and (.cut[0].reason | test("corrupt")) and .lost != null' \
        "$OUT.printed"
    [[ -z $(complaints_of "$OUT") ]]
    diff <(gtids_of "$OUT") <(lacking r1 | head -n "$(gtids_of "$OUT" | wc -l)")
    baton diff --target "$SERVERS/r1" --primary "$BATS_TEST_TMPDIR/p" --replica "$SERVERS/r2" \
        -o "$OUT" --json >"$OUT.printed"
    cat "$OUT.printed" >&2
    jq -e '(.cut | length) >= 1 and .lost == null and (.sources | length) == 2' "$OUT.printed"
    diff <(lacking r1) <(gtids_of "$OUT")
    [[ -z $(complaints_of "$OUT") ]]
}

@test "an index that names a missing log is a stated degradation" {
    cp -a "$SERVERS/p" "$BATS_TEST_TMPDIR/p"
    echo ./bin.000099 >>"$BATS_TEST_TMPDIR/p/bin.index"
    baton diff --target "$SERVERS/r2" --primary "$BATS_TEST_TMPDIR/p" -o "$OUT" --json >"$OUT.printed"
    jq -e '.cut[0].at == "bin.000099:0" and (.lost | test("bin.000099"))' "$OUT.printed"
    diff <(lacking r2) <(gtids_of "$OUT")
    rm "$BATS_TEST_TMPDIR/p/bin.index" "$BATS_TEST_TMPDIR"/p/bin.000003
    baton diff --target "$SERVERS/r1" --primary "$BATS_TEST_TMPDIR/p" --replica "$SERVERS/r2" \
        -o "$OUT" --json >"$OUT.printed"
    diff <(lacking r1) <(gtids_of "$OUT")
}

@test "a diff log with a flipped bit, cut short, or of other content is refused" {
    baton diff --target "$SERVERS/r2" --primary "$SERVERS/p" -o "$OUT"
    size=$(stat -c %s "$OUT")
    for at in 100 $((size / 2)) $((size - 30)) $((size - 2)); do
        cp "$OUT" "$OUT.bad"
        cp "$OUT.json" "$OUT.bad.json"
        byte=$(od -An -tu1 -j "$at" -N 1 "$OUT")
        printf '%b' "\\x$(printf %x $((byte ^ 1)))" | dd of="$OUT.bad" bs=1 seek="$at" conv=notrunc \
            status=none
        run ! baton verify "$OUT.bad"
    done
    cp "$OUT" "$OUT.bad"
    truncate -s -10 "$OUT.bad"
    run ! baton verify "$OUT.bad"
    baton diff --target "$SERVERS/r1" --primary "$SERVERS/p" -o "$OUT.other"
    cp "$OUT.other" "$OUT.bad"
    run ! baton verify "$OUT.bad"
    rm "$OUT.bad.json"
    run ! baton verify "$OUT.bad"
    run -0 baton verify --no-manifest "$OUT.bad"
}

@test "a diff log is held against the replica it is meant for: no overlap, no gap" {
    baton diff --target "$SERVERS/r1" --primary "$SERVERS/p" -o "$OUT"
    baton diff --target "$SERVERS/r2" --primary "$SERVERS/p" -o "$OUT.r2"
    run -0 baton verify --target "$SERVERS/r1" "$OUT"
    run -0 baton verify --target "$SERVERS/r2" "$OUT.r2"
    # r2 has received more than r1.
    run -7 baton verify --target "$SERVERS/r2" "$OUT"
    [[ $output == *"already"* ]]
    run -7 baton verify --target "$SERVERS/r1" "$OUT.r2"
    [[ $output == *"not known to follow"* ]]
    run -2 baton verify --target "$SERVERS/r1" --no-manifest "$OUT"
}

@test "mistakes on the command line end with 2 and what to do" {
    run -2 baton diff --primary "$SERVERS/p" -o "$OUT"
    [[ $output == *--target* ]]
    run -2 baton diff --target "$SERVERS/r1" -o "$OUT"
    [[ $output == *--primary* ]]
    run -2 baton rank
    run ! baton rank /nonexistent
    [[ $output == *'"/nonexistent"'* ]]
    run ! baton diff --target "$SERVERS/p" --primary "$SERVERS/p" -o "$OUT"
    [[ $output == *"no relay logs"* ]]
    [[ ! -e $OUT ]]
}

@test "no password of master.info is ever printed" {
    run baton rank "$SERVERS/r1"
    [[ $output != *secret-of-rep* ]]
    run baton diff --target "$SERVERS/r1" --primary "$SERVERS/p" -o "$OUT" --json
    [[ $output != *secret-of-rep* ]]
    ! grep -q secret-of-rep "$OUT.json"
}

@test "what two servers have of each other is said in words" {
    run -0 baton diff --between "$SERVERS/r1" "$SERVERS/r2"
    [[ $output == *"$SERVERS/r2 lacks nothing that $SERVERS/r1 holds."* ]]
    [[ $output == *"$SERVERS/r2 is ahead."* ]]
    run -0 baton diff --between --json "$SERVERS/p" "$SERVERS/r2"
    jq -e --argjson n "$(lacking r2 | wc -l)" '.verdict == "a_ahead" and .a.lacks == 0 and
        .b.lacks == $n' <<<"$output"
    run -2 baton diff --between "$SERVERS/p"
}

@test "a transaction that a replica wrote itself is named and not passed on" {
    server_sql r1 "INSERT INTO d.u VALUES (-77, 'errant')"
    errant=$(gtids_of "$SERVERS"/r1/bin.0* | grep -- '-2-' | tail -n 1)
    run -0 baton diff --target "$SERVERS/r2" --replica "$SERVERS/r1" -o "$OUT"
    [[ $output == *"1 transaction was written there and never came from the primary"* ]]
    [[ $output == *"$errant"* ]]
    ! gtids_of "$OUT" | grep -qx -- "$errant"
    run -0 baton diff --between --json "$SERVERS/p" "$SERVERS/r1"
    jq -e --arg g "$errant" '.verdict == "forked" and .a.lacks == 1 and .a.first == $g' <<<"$output"
    server_sql r1 "SET sql_log_bin = 0; DELETE FROM d.u WHERE a = -77"
}

# Last: it changes the replicas.
# Everything in a diff log but its transaction number $2 (0 = everything), onto a copy of r1.
give_but() { # NAME NUMBER
    local start end
    cp -a "$SERVERS/r1.still" "$SERVERS/$1"
    server_start "$1" 8
    server_sql "$1" "STOP ALL SLAVES" 2>/dev/null
    read -r start end < <(baton inspect --transactions --json "$OUT" |
        jq -rs --argjson n "$2" 'if $n == 0 then "4 4" else .[$n - 1] | "\(.start) \(.end)" end')
    {
        ((start == 4)) || mariadb-binlog --stop-position="$start" "$OUT"
        mariadb-binlog --start-position="$end" "$OUT"
    } | server_pipe "$1" --binary-mode --force 2>/dev/null || true
}

@test "without any one of its transactions a diff log leaves a replica unlike the primary" {
    local count number
    baton diff --target "$SERVERS/r1" --primary "$SERVERS/p" -o "$OUT" --json >"$OUT.printed"
    count=$(jq .transactions "$OUT.printed")
    server_kill r1
    cp -a "$SERVERS/r1" "$SERVERS/r1.still"
    server_start r1 2 --log-slave-updates
    server_start p 1
    server_checksums p >"$BATS_TEST_TMPDIR/want"
    # Another one each time, and the last.
    for number in 0 $((RANDOM % count + 1)) "$count"; do
        give_but "x$number" "$number"
        server_checksums "x$number" >"$BATS_TEST_TMPDIR/got"
        server_kill "x$number"
        echo "without $number of $count"
        if ((number == 0)); then
            diff "$BATS_TEST_TMPDIR/want" "$BATS_TEST_TMPDIR/got"
        else
            run ! cmp -s "$BATS_TEST_TMPDIR/want" "$BATS_TEST_TMPDIR/got"
        fi
        rm -rf "$SERVERS/x$number"
    done
    server_kill p
}

@test "each replica given its diff log by mariadb-binlog is equal to the primary" {
    server_start p 1
    for r in r1 r2; do
        baton diff --target "$SERVERS/$r" --primary "$SERVERS/p" -o "$OUT"
        mariadb-binlog "$OUT" | server_pipe "$r" --binary-mode
        diff <(server_checksums p) <(server_checksums "$r")
    done
}
