#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The configuration as it takes effect, its mistakes, and its servers coming and going.

bats_require_minimum_version 1.5.0

setup() {
    bats_load_library bats-support
    bats_load_library bats-assert
    PATH=$BATON_BIN:$PATH
    CONF=$BATS_TEST_TMPDIR/app1.cnf
    write "$CONF" <<'END'
[server default]
user=mha
password=sec'ret
repl_password=also"secret
ping_interval=1

# the first one
[server1]
hostname=127.0.0.1
port=3307

# the second one
[server2]
hostname=127.0.0.2
candidate_master=1
END
}

write() {
    (umask 077 && cat >"$1")
}

@test "every value is shown with the place it comes from" {
    write "$BATS_TEST_TMPDIR/global.cnf" <<<$'[server default]\nuser=other\nssh_port=2222'
    run -0 --separate-stderr baton conf show --conf="$CONF" --global-conf="$BATS_TEST_TMPDIR/global.cnf"
    assert_line "user=mha  ; $CONF:2"
    assert_line "ssh_port=2222  ; $BATS_TEST_TMPDIR/global.cnf:3"
    assert_line "ping_type=SELECT  ; default"
    assert_line "port=3307  ; $CONF:10"
    assert_line "ip=127.0.0.2  ; hostname"
    assert_equal "$stderr" ""
}

@test "secrets are shown by neither form" {
    run -0 baton conf show --conf="$CONF"
    refute_output --partial ret
    assert_line "password=xxx  ; $CONF:3"
    run -0 baton conf show --conf="$CONF" --json
    refute_output --partial ret
    assert_equal "$(jq -r '.default.password.value' <<<"$output")" xxx
}

@test "the JSON has the same values as the text" {
    run -0 baton conf --json --conf="$CONF"
    assert_equal "$(jq -r '.app, .servers[1].block, .servers[1].settings.candidate_master.origin' \
        <<<"$output" | paste -s -d ,)" "app1,server2,$CONF:15"
}

@test "what is shown is a configuration with the same meaning" {
    baton conf show --conf="$CONF" | sed "s/=xxx /=sec'ret /" | write "$BATS_TEST_TMPDIR/app2.cnf"
    run -0 baton conf show --conf="$BATS_TEST_TMPDIR/app2.cnf"
    assert_equal "$(sed 's/  ;.*//' <<<"$output")" \
        "$(baton conf show --conf="$CONF" | sed 's/  ;.*//')"
}

@test "all mistakes are reported at once, each with its line" {
    write "$CONF" <<'END'
[server default]
ping_intervall=3
fence_policy=never
[server1]
port=70000
[srv2]
hostname=127.0.0.2
END
    run -3 baton conf show --conf="$CONF"
    assert_line "$CONF:2: there is no parameter \"ping_intervall\"; did you mean \"ping_interval\"?"
    assert_line "$CONF:3: fence_policy is \"never\", allowed are proved, best-effort"
    assert_line "$CONF:5: port is \"70000\", allowed are 1 to 65535"
    assert_line --partial "$CONF:6: [srv2] is no section"
    assert_line --partial "$CONF:4: [server1] has no hostname"
}

@test "a key of MHA without effect is said with the reason" {
    printf 'client_bindir=/opt/bin\nhandle_raw_binlog=0\n' >>"$CONF"
    run -0 --separate-stderr baton conf show --conf="$CONF"
    [[ $stderr == *"client_bindir has no effect: Baton calls no client program"* ]]
    [[ $stderr == *"handle_raw_binlog=0 has no effect"* ]]
}

@test "a server is put into the file and taken out again, and the rest stays as it was" {
    cp -a "$CONF" "$CONF.before"
    chmod 640 "$CONF"
    run -0 baton conf host add 127.0.0.3 --conf="$CONF" --params="no_master=1; port=3308"
    assert_output "Wrote server_127.0.0.3 entry to $CONF ."
    run -0 baton conf show --conf="$CONF" --json
    assert_equal "$(jq -c '.servers | map([.block, .settings.port.value, .settings.no_master.value])' \
        <<<"$output")" \
        '[["server1","3307","0"],["server2","3306","0"],["server_127.0.0.3","3308","1"]]'
    run -0 baton conf host delete 127.0.0.3 --conf="$CONF"
    assert_output "Deleted server_127.0.0.3 entry from $CONF ."
    diff "$CONF" <(cat "$CONF.before" && echo)
    assert_equal "$(stat -c %a "$CONF")" 640
}

@test "a block in the middle goes without the comments of the next one" {
    run -0 baton conf host delete --block=server1 --conf="$CONF"
    run -0 cat "$CONF"
    refute_output --partial "[server1]"
    refute_output --partial 3307
    assert_line "# the second one"
}

@test "a block that is there cannot be added, one that is not there cannot be deleted" {
    cp "$CONF" "$CONF.before"
    run -3 baton conf host add --block=2 127.0.0.9 --conf="$CONF"
    assert_output --partial "[server2] already exists"
    run -1 baton conf host delete nobody --conf="$CONF"
    assert_output "[server_nobody] is not found in $CONF ."
    run -2 baton conf host add 127.0.0.9 --conf="$CONF" --params="no_slave=1"
    assert_output --partial "there is no parameter \"no_slave\""
    run -2 baton conf host add 127.0.0.9 --conf="$CONF" --params="port=x"
    cmp "$CONF" "$CONF.before"
}

@test "the documented table of keys is the program's" {
    run -0 baton conf keys --format=markdown
    diff <(sed -n '/^### MHA/,$p' "$BATON_SOURCE/docs/configuration.md") <(echo "$output")
}

@test "a command that needs a configuration asks for it" {
    local command
    for command in check 'conf show' failover switchover 'rejoin db1' status start stop log manager vip; do
        # shellcheck disable=SC2086
        run -2 baton $command
        assert_output --partial "--conf=FILE must be given"
    done
}

@test "what ends a command stands once in the log and once on the terminal" {
    sed -i "2i manager_workdir=$BATS_TEST_TMPDIR/work\nmanager_log=$BATS_TEST_TMPDIR/log" "$CONF"
    mkdir "$BATS_TEST_TMPDIR/work"
    for command in failover switchover; do
        : >"$BATS_TEST_TMPDIR/log"
        run -3 --separate-stderr baton "$command" --conf="$CONF"
        assert_equal "$(grep -c "There is no alive server" <<<"$stderr")" 1
        assert_equal "$(grep -c "There is no alive server" "$BATS_TEST_TMPDIR/log")" 1
    done
}
