#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The primary is gone with its logs; what is left of its history is in the binary logs of a server
# that has applied it (log_slave_updates), at other places in files of the same name.

bats_require_minimum_version 1.5.0

setup_file() {
    source "$BATON_SOURCE/tests/lib/servers.bash"
    servers_init
    server_start p 1 --binlog-format=ROW
    # It cuts rows into events otherwise, and its log begins with work of its own.
    server_start b 2 --binlog-format=ROW --log-slave-updates --binlog-row-event-max-size=256
    server_start r 3
    server_sql b "CREATE DATABASE own; CREATE TABLE own.o (a INT)"
    server_sql p "CREATE DATABASE d; CREATE TABLE d.t (a INT AUTO_INCREMENT PRIMARY KEY, b TEXT)"
    server_follow b p no
    server_follow r p no
    work 1 p
    server_wait_received r p
    server_sql r "STOP SLAVE IO_THREAD"
    work 2 p
    server_sql p "FLUSH LOGS"
    work 3 p
    server_wait_received b p
    server_wait_applied b
    server_wait_applied r
    mkdir "$SERVERS/left"
    cp "$SERVERS"/b/bin.0* "$SERVERS"/b/bin.index "$SERVERS/left"
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

# The same statements several times, within one second, and rows over several events.
work() {
    local i
    for i in 1 2 3 4 5; do
        echo "INSERT INTO d.t (b) VALUES ('same'); INSERT INTO d.t (b) VALUES ('same');"
        echo "INSERT INTO d.t (b) VALUES (REPEAT('$1', 300)), (REPEAT('x', 300)), ('$i');"
        echo "UPDATE d.t SET b = CONCAT(b, '$1') WHERE a % 5 = $i;"
    done | server_pipe "$2"
}

gtids_of() {
    mariadb-binlog "$@" | sed -n 's/^#.*GTID \([0-9]*-[0-9]*-[0-9]*\).*/\1/p'
}

digests_of() {
    jq -r '.list[] | "\(.gtid) \(.xxh3)"' "$1.json"
}

@test "a server's own logs hold the same transactions, by content, as the primary's" {
    baton diff --target "$SERVERS/r" --primary "$SERVERS/p" -o "$OUT"
    run -0 --separate-stderr baton diff --target "$SERVERS/r" --replica "$SERVERS/left" \
        -o "$OUT.b" --json
    jq -e '.lost == null and .cut == [] and .transactions > 20' <<<"$output"
    diff <(digests_of "$OUT") <(digests_of "$OUT.b")
    # ... though not the same events.
    (($(jq .events "$OUT.json") < $(jq .events "$OUT.b.json")))
    baton verify "$OUT.b"
}

@test "taken for the primary's, such logs are not believed where they stand" {
    baton diff --target "$SERVERS/r" --primary "$SERVERS/p" -o "$OUT"
    run -0 --separate-stderr baton diff --target "$SERVERS/r" --primary "$SERVERS/left" -o "$OUT.b"
    diff <(digests_of "$OUT") <(digests_of "$OUT.b")
    [[ $stderr == *"counts in other positions than the target"* ]]
    # Of both nothing is taken twice.
    baton diff --target "$SERVERS/r" --primary "$SERVERS/p" --replica "$SERVERS/left" -o "$OUT.c"
    diff <(digests_of "$OUT") <(digests_of "$OUT.c")
}

@test "logs of another history give nothing, and it is said" {
    server_start q 9
    server_sql q "CREATE DATABASE d; CREATE TABLE d.t (a INT); INSERT INTO d.t VALUES (1), (2);
        INSERT INTO d.t SELECT a FROM d.t; FLUSH LOGS; INSERT INTO d.t VALUES (3)"
    run -0 --separate-stderr baton diff --target "$SERVERS/r" --primary "$SERVERS/q" -o "$OUT" --json
    jq -e '.transactions == 0 and .cut[0].reason != "" and
        (.lost | test("cannot be joined|not known|nobody"))' <<<"$output"
}

# Last: it changes the replica.
@test "what comes of them makes the replica equal to the primary" {
    baton diff --target "$SERVERS/r" --replica "$SERVERS/left" -o "$OUT"
    mariadb-binlog "$OUT" | server_pipe r --binary-mode
    diff <(server_checksums p) <(server_checksums r)
}
