#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Random histories: a primary that works while its replicas are stopped, killed, flushed and
# restarted at random moments; after each round rank and diff are held against the primary's own
# log and the replicas' own state.
#
#   HISTORY_SEED=7 HISTORY_ROUNDS=100 bats tests/cli/history.bats       replays seed 7, longer

bats_require_minimum_version 1.5.0

setup_file() {
    source "$BATON_SOURCE/tests/lib/servers.bash"
    servers_init
    server_start p 1 --log-bin-compress-min-len=200
    server_start r1 2 --log-slave-updates --max-relay-log-size=32768 --slave-parallel-threads=4
    server_start r2 3 --relay-log-info-file=relay-log.info
    server_sql p "CREATE DATABASE d; CREATE TABLE d.t (a INT PRIMARY KEY, b LONGTEXT);
        CREATE TABLE d.m (a INT) ENGINE=MyISAM; CREATE TABLE d.seven (a INT PRIMARY KEY)"
    server_follow r1 p no
    server_follow r2 p no
}

teardown_file() {
    source "$BATON_SOURCE/tests/lib/servers.bash"
    servers_done
}

setup() {
    source "$BATON_SOURCE/tests/lib/servers.bash"
    PATH=$BATON_BIN:$PATH
    OUT=$BATS_TEST_TMPDIR/out.binlog
    KEY=0
}

# Some transactions of random kinds and sizes.
random_work() {
    local i kind
    echo "USE d;"
    for ((i = 0; i < $1; i++)); do
        KEY=$((KEY + 1))
        kind=$((RANDOM % 12))
        echo "SET binlog_format = $( ((RANDOM % 3)) && echo ROW || echo STATEMENT);"
        case $kind in
        0) echo "SET gtid_domain_id = 7; INSERT INTO seven VALUES ($KEY); SET gtid_domain_id = 0;" ;;
        1) echo "INSERT INTO m VALUES ($KEY);" ;;
        2) echo "CREATE TABLE c$KEY (a INT) AS SELECT a FROM t WHERE a < 20;" ;;
        3) echo "INSERT INTO t VALUES ($KEY, REPEAT('large ', $((RANDOM * 8))));" ;;
        4) echo "XA START 'x$KEY'; INSERT INTO t VALUES ($KEY, 'xa'); XA END 'x$KEY';
               XA PREPARE 'x$KEY'; XA COMMIT 'x$KEY';" ;;
        5) echo "BEGIN; INSERT INTO t VALUES ($KEY, 'a'); UPDATE t SET b = CONCAT(b, 'u') WHERE
               a > $KEY - 5; DELETE FROM t WHERE a = $KEY - 4; COMMIT;" ;;
        6) echo "FLUSH LOGS;" ;;
        7) echo "SET GLOBAL log_bin_compress = $((RANDOM % 2));" ;;
        8) ((RANDOM % 4)) || echo "SET GLOBAL binlog_checksum = $( ((RANDOM % 2)) && echo NONE ||
            echo CRC32);" ;;
        *) echo "INSERT INTO t VALUES ($KEY, 'plain $KEY');" ;;
        esac
    done
}

# Something happens to a replica while the primary works.
random_trouble() {
    local r=$1 n
    case $((RANDOM % 6)) in
    0) server_sql "$r" "STOP SLAVE IO_THREAD; START SLAVE IO_THREAD" ;;
    1) server_sql "$r" "FLUSH RELAY LOGS" ;;
    2) server_sql "$r" "STOP SLAVE; START SLAVE" ;;
    3) [[ $r == r2 ]] || return 0
        server_kill r2
        server_start r2 3
        server_sql r2 "START SLAVE" ;;
    4) for ((n = 0; n < 3; n++)); do
        server_sql "$r" "STOP SLAVE IO_THREAD; START SLAVE IO_THREAD"
    done ;;
    *) ;;
    esac
}

has_read_all() {
    server_status "$1" Slave_SQL_Running_State | grep -E 'read all relay log'
    server_status "$1" Last_SQL_Error | grep . >&2 && echo failed
    true
}

gtids_of() {
    mariadb-binlog "$@" | sed -n 's/^#.*GTID \([0-9]*-[0-9]*-[0-9]*\).*/\1/p'
}

# Of the GTIDs on stdin those behind a gtid_slave_pos.
behind() {
    awk -v state="$1" '
        BEGIN { n = split(state, all, ","); for (i = 1; i <= n; i++) { split(all[i], g, "-"); had[g[1]] = g[3] } }
        { split($0, g, "-"); if (g[3] + 0 > had[g[1]] + 0) print }'
}

check_round() {
    local r had
    gtids_of "$SERVERS"/p/bin.0000?? >"$BATS_TEST_TMPDIR/all"
    run -0 baton rank --json "$SERVERS/r1" "$SERVERS/r2"
    echo "$output" >"$BATS_TEST_TMPDIR/ranked"
    [[ -s $BATS_TEST_TMPDIR/all ]]
    for r in r1 r2; do
        had=$(server_sql "$r" "SELECT @@gtid_slave_pos")
        [[ $(jq -r --arg d "$SERVERS/$r" '.replicas[] | select(.dir == $d) | .gtid_received' \
            "$BATS_TEST_TMPDIR/ranked") == "$had" ]]
        behind "$had" <"$BATS_TEST_TMPDIR/all" >"$BATS_TEST_TMPDIR/want"
        baton diff --target "$SERVERS/$r" --primary "$SERVERS/p" -o "$OUT" --json \
            >"$OUT.printed"
        echo "$r lacks $(wc -l <"$BATS_TEST_TMPDIR/want") transactions" >&2
        diff "$BATS_TEST_TMPDIR/want" <(gtids_of "$OUT")
        jq -e '.lost == null and .cut == []' "$OUT.printed"
        baton verify "$OUT" >/dev/null
        [[ -z $(mariadb-binlog --verify-binlog-checksum "$OUT" 2>&1 >/dev/null) ]]
    done
    # What one replica can give the other: the difference of what the two have.
    baton diff --target "$SERVERS/r1" --replica "$SERVERS/r2" -o "$OUT" >/dev/null
    diff <(behind "$(server_sql r1 'SELECT @@gtid_slave_pos')" <"$BATS_TEST_TMPDIR/all" |
        grep -vxFf <(behind "$(server_sql r2 'SELECT @@gtid_slave_pos')" <"$BATS_TEST_TMPDIR/all")) \
        <(gtids_of "$OUT")
}

@test "whatever happens to replicas, rank and diff agree with the primary's own log" {
    local round rounds=${HISTORY_ROUNDS:-6} work
    RANDOM=${HISTORY_SEED:-1}
    for ((round = 1; round <= rounds; round++)); do
        echo "seed ${HISTORY_SEED:-1}, round $round" >&2
        work=$BATS_TEST_TMPDIR/work.sql
        random_work $((RANDOM % 60 + 20)) >"$work"
        server_pipe p <"$work" &
        random_trouble r1
        random_trouble r2
        ((RANDOM % 2)) && server_sql r1 "STOP SLAVE IO_THREAD"
        ((RANDOM % 2)) && server_sql r2 "STOP SLAVE IO_THREAD"
        wait $!
        server_sql r1 "STOP SLAVE IO_THREAD"
        server_sql r2 "STOP SLAVE IO_THREAD"
        server_wait r1 60 has_read_all r1
        server_wait r2 60 has_read_all r2
        check_round
        server_sql r1 "START SLAVE IO_THREAD"
        server_sql r2 "START SLAVE IO_THREAD"
        # KEY was counted in this shell by random_work's redirection, not in a copy of it.
        ((KEY > 0))
    done
}

@test "at the end each replica and its diff log are equal to the primary" {
    server_sql r1 "STOP SLAVE"
    server_sql r2 "STOP SLAVE"
    server_sql p "INSERT INTO d.t VALUES (-1, 'after all'); CREATE TABLE d.last (a INT)"
    for r in r1 r2; do
        server_sql "$r" "START SLAVE SQL_THREAD"
        server_wait "$r" 60 has_read_all "$r"
        baton diff --target "$SERVERS/$r" --primary "$SERVERS/p" -o "$OUT" >/dev/null
        mariadb-binlog "$OUT" | server_pipe "$r" --binary-mode
        diff <(server_checksums p) <(server_checksums "$r")
    done
}
