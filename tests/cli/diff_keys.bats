#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Encrypted binary and relay logs: with the keys all is as in clear, without them nothing is used
# and the reason is said.

bats_require_minimum_version 1.5.0

setup_file() {
    source "$BATON_SOURCE/tests/lib/servers.bash"
    servers_init
    PLUGINS=${BATON_PLUGIN_DIR:-$(mariadbd --no-defaults --verbose --help 2>/dev/null |
        awk '$1 == "plugin-dir" { print $2 }')}
    [[ -e $PLUGINS/file_key_management.so ]] || return 0
    export PLUGINS
    printf '1;%s\n' 770A8A65DA156D24EE2A093277530142 >"$SERVERS/keys.txt"
    export ENCRYPTED="--plugin-dir=$PLUGINS --plugin-load-add=file_key_management --encrypt-binlog=ON
        --file-key-management-filename=$SERVERS/keys.txt"
    # shellcheck disable=SC2086
    {
        server_start p 1 $ENCRYPTED
        server_start r 2 $ENCRYPTED
    }
    server_sql p "CREATE DATABASE d; CREATE TABLE d.t (a INT PRIMARY KEY, b TEXT)"
    server_follow r p no
    server_sql p "INSERT INTO d.t VALUES (1, 'a'), (2, 'b'); FLUSH LOGS;
        INSERT INTO d.t VALUES (3, 'c')"
    server_wait_received r p
    server_sql r "STOP SLAVE IO_THREAD"
    server_sql p "INSERT INTO d.t VALUES (4, 'd'); FLUSH LOGS; UPDATE d.t SET b = 'e' WHERE a = 1"
    server_wait_applied r
    server_kill p
}

teardown_file() {
    source "$BATON_SOURCE/tests/lib/servers.bash"
    servers_done
}

setup() {
    source "$BATON_SOURCE/tests/lib/servers.bash"
    PATH=$BATON_BIN:$PATH
    OUT=$BATS_TEST_TMPDIR/out.binlog
    KEYS=$SERVERS/keys.txt
}

needs_servers() {
    [[ -n ${PLUGINS:-} ]] || skip "this server has no file_key_management plugin"
}

@test "with the key file encrypted logs rank and diff as those in clear" {
    needs_servers
    run ! grep -aq 'INSERT INTO' "$SERVERS"/p/bin.000001
    run -0 baton rank --json --key-file "$KEYS" "$SERVERS/r"
    [[ $(jq -r '.replicas[0].gtid_received' <<<"$output") == 0-1-6 ]]
    run -0 baton diff --key-file "$KEYS" --target "$SERVERS/r" --primary "$SERVERS/p" -o "$OUT" --json
    jq -e '.transactions == 2 and .cut == [] and .lost == null' <<<"$output"
    # The diff log itself is in clear, for its owner only.
    [[ $(stat -c %a "$OUT") == 600 ]]
    run -0 baton verify "$OUT"
    [[ $(mariadb-binlog --verify-binlog-checksum "$OUT" 2>&1 |
        grep -c 'GTID 0-1-[78]') == 2 ]]
}

@test "an encrypted log cut in its tail passes on nothing that is not whole" {
    needs_servers
    cp -a "$SERVERS/p" "$BATS_TEST_TMPDIR/p"
    # Behind the transaction there may be a BINLOG_CHECKPOINT of 37 bytes.
    truncate -s -45 "$BATS_TEST_TMPDIR/p/bin.000003"
    run -0 baton diff --key-file "$KEYS" --target "$SERVERS/r" --primary "$BATS_TEST_TMPDIR/p" \
        -o "$OUT" --json
    jq -e '.transactions == 1 and (.cut | length) == 1 and .lost != null' <<<"$output"
}

@test "without keys nothing of an encrypted log is used, and it is said" {
    needs_servers
    run -0 baton rank "$SERVERS/r"
    [[ $output == *"it is encrypted, and no key was given"* ]]
    # What relay-log.info says is all that is known of the replica; the primary gives nothing.
    run -0 baton diff --target "$SERVERS/r" --primary "$SERVERS/p" -o "$OUT" --json
    jq -e '.transactions == 0 and .lost != null and
        (.cut[0].reason | test("encrypted, and no key"))' <<<"$output"
    sed 's/770A/880A/' "$KEYS" >"$BATS_TEST_TMPDIR/wrong.txt"
    run baton diff --key-file "$BATS_TEST_TMPDIR/wrong.txt" --target "$SERVERS/r" \
        --primary "$SERVERS/p" -o "$OUT" --json
    ((status != 0)) || jq -e '.transactions == 0 and .lost != null' <<<"$output"
    [[ $output != *880A8A65* ]]
    run -2 baton rank --key-passphrase "$KEYS" "$SERVERS/r"
}

@test "logs that MySQL encrypted are opened with its keyring" {
    local dir=$BATON_SOURCE/testdata/mysql-9.7/encrypted
    run -0 baton rank --json --keyring "$dir/keyring" "$dir"
    jq -e '.replicas[0].received.file == "bin.000001" and .replicas[0].unfinished_bytes == 0' \
        <<<"$output"
    run ! baton rank "$dir"
    [[ $output == *"its keyring is needed"* ]]
}

@test "logs that MariaDB encrypted are compared like those in clear" {
    local kind topic cut=$BATS_TEST_TMPDIR/cut
    for kind in cbc ctr; do
        topic=$BATON_SOURCE/testdata/mariadb-11.8/encrypted-$kind
        rm -rf "$cut"
        mkdir "$cut"
        cp "$topic"/bin.00000? "$cut"
        truncate -s -300 "$cut/bin.000001"
        rm "$cut/bin.000002"
        run -0 baton diff --between --json --key-file "$topic/keys.enc" \
            --key-passphrase "$topic/secret" "$topic" "$cut"
        jq -e '.verdict == "a_ahead" and .a.lacks == 0 and .b.lacks >= 1' <<<"$output"
    done
}

# Last: it changes the replica.
@test "the diff of encrypted logs makes the replica equal to the primary" {
    needs_servers
    baton diff --key-file "$KEYS" --target "$SERVERS/r" --primary "$SERVERS/p" -o "$OUT"
    mariadb-binlog "$OUT" | server_pipe r --binary-mode
    # shellcheck disable=SC2086
    server_start p 1 $ENCRYPTED
    diff <(server_checksums p) <(server_checksums r)
}
