#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Called by MHA's names, the program takes MHA's options and gives MHA's words and exit codes.
# What needs servers stands in tests/cluster/mha_names.bats.

bats_require_minimum_version 1.5.0

setup() {
    bats_load_library bats-support
    bats_load_library bats-assert
    PATH=$BATON_BIN/mha:$PATH
    CONF=$BATS_TEST_TMPDIR/app1.cnf
    (umask 077 && cat >"$CONF") <<END
[server default]
user=mha
password=secret
manager_workdir=$BATS_TEST_TMPDIR
connect_timeout=1
ssh_connection_timeout=1
# nobody listens on port 1
port=1
ssh_port=1
node_mode=ssh
[server1]
hostname=127.0.0.1
[server2]
hostname=127.0.0.2
END
}

@test "every name answers --version with MHA's line and --help with its options" {
    local tool
    for tool in apply_diff_relay_logs filter_mysqlbinlog masterha_check_repl masterha_check_ssh \
        masterha_check_status masterha_conf_host masterha_manager masterha_master_monitor \
        masterha_master_switch masterha_secondary_check masterha_stop purge_relay_logs \
        save_binary_logs; do
        run -0 "$tool" --version
        assert_output "$tool version 0.58."
        run -0 "$tool" --help
        assert_line --regexp "^  --"
    done
}

@test "without what must be given, each says so in MHA's words and ends with 1" {
    local line tool words
    while IFS='|' read -r line words; do
        read -ra tool <<<"$line"
        run -1 "${tool[@]}"
        assert_output --partial "$words"
    done <<'END'
masterha_manager|--conf=<server config file> must be set.
masterha_master_monitor|--conf=<server config file> must be set.
masterha_check_repl|--conf=<server config file> must be set.
masterha_check_ssh|--conf=<server config file> must be set.
masterha_check_status|--conf=<server config file> must be set.
masterha_stop|--conf=<server config file> must be set.
masterha_conf_host --command=add|--conf=<server config file> must be set.
masterha_master_switch --conf=x|--master_state=<dead|alive> must be set.
masterha_master_switch --master_state=maybe --conf=x|--master_state=<dead|alive> must be set.
masterha_master_switch --master_state=dead --conf=x|--dead_master_host=<dead_master_hostname> must be set.
masterha_secondary_check --master_host=x|--secondary_host=<host> must be set.
save_binary_logs --command=save|--start_file and --output_file must be set.
filter_mysqlbinlog|baton diff
END
}

@test "options may be begun only, doubled, in any case, with their value behind them" {
    run -2 masterha_check_status --conf "$CONF"
    assert_line "app1 is stopped(2:NOT_RUNNING)."
    run -2 masterha_check_status -CONF="$CONF" --manager_workdir "$BATS_TEST_TMPDIR" --ping=5
    assert_line "app1 is stopped(2:NOT_RUNNING)."
    run -1 masterha_check_status --conf
    assert_output --partial "--conf needs a value"
}

@test "options that MHA ignores are ignored with a word, their values unseen" {
    run -2 masterha_check_status --conf="$CONF" --no_such=hidden
    assert_line "masterha_check_status: ignored, as MHA does: --no_such"
    refute_output --partial hidden
}

@test "an online switch refuses options it does not know, as MHA's" {
    run -1 masterha_master_switch --master_state=alive --conf="$CONF" --no_such=1
    assert_output "Unknown options: --no_such"
}

@test "an option that would do what was not wanted is refused with the reason" {
    run -1 masterha_manager --conf="$CONF" --skip_change_master
    assert_output --partial "--skip_change_master is not supported: Baton completes replicas"
}

@test "nothing runs: stop says so and ends with 0, as MHA's" {
    run -0 --separate-stderr masterha_stop --conf="$CONF"
    assert_output "MHA Manager is not running on app1(2:NOT_RUNNING)."
}

@test "a cluster that does not answer is NOT OK, and the last line says it" {
    run -1 --separate-stderr masterha_check_repl --conf="$CONF"
    assert_equal "${lines[-1]}" "MySQL Replication Health is NOT OK!"
    # shellcheck disable=SC2154
    [[ $stderr == *"[error] Error happened on monitoring servers."* ]]
    [[ $stderr == *"[info] Got exit code 1 (Not master dead)."* ]]
    [[ $stderr != *secret* ]]
}

@test "a configuration with mistakes is NOT OK, with all of them" {
    printf 'no_slave=1\nping_type=LOUD\n' >>"$CONF"
    run -1 masterha_check_repl --conf="$CONF"
    assert_line --partial 'there is no parameter "no_slave"'
    assert_line --partial 'ping_type is "LOUD"'
    assert_line "MySQL Replication Health is NOT OK!"
}

@test "hosts without ssh fail the check of ssh" {
    run -1 masterha_check_ssh --conf="$CONF"
    assert_line --partial "[error] SSH Configuration Check Failed!"
    refute_line --partial "passed successfully"
}

@test "a manager that finds nobody ends with 1 and leaves no state" {
    run -1 masterha_manager --conf="$CONF"
    assert_output --partial "Got exit code 1 (Not master dead)."
    [[ ! -e $BATS_TEST_TMPDIR/app1.master_status.health ]]
}

@test "a failover without a living server ends with 1" {
    run -1 masterha_master_switch --master_state=dead --conf="$CONF" --dead_master_host=127.0.0.1 \
        --dead_master_port=1 --interactive=0
    assert_line "--dead_master_ip=<dead_master_ip> is not set. Using 127.0.0.1."
    run -1 masterha_master_switch --master_state=dead --conf="$CONF" --dead_master_host=127.0.0.1 \
        --interactive=0
    assert_line "--dead_master_port=<dead_master_port> is not set. Using 3306."
    run -1 masterha_master_switch --master_state=dead --conf="$CONF" --dead_master_host=127.0.0.1 \
        --dead_master_port=1 --dead_master_ip=127.0.0.9 --interactive=0
    assert_output --partial "does not match with specified dead master"
}

@test "a monitoring host that cannot be reached is 2" {
    run -2 masterha_secondary_check -s 127.0.0.3 --port=1 --timeout=1 --master_host=127.0.0.1 \
        --master_port=1 --master_user=u --master_password=hidden
    assert_line "Monitoring server 127.0.0.3 is NOT reachable!"
    refute_output --partial hidden
}

@test "conf_host adds and deletes with MHA's options" {
    run -0 masterha_conf_host --command=add --conf="$CONF" --hostname=127.0.0.3 --block=3 \
        --params="no_master=1;port=3307"
    assert_output "Wrote server3 entry to $CONF ."
    grep -A3 '^\[server3\]' "$CONF" | diff - <(printf '%s\n' '[server3]' hostname=127.0.0.3 no_master=1 port=3307)
    run -1 masterha_conf_host --command=add --conf="$CONF" --hostname=127.0.0.3 --block=3
    run -0 masterha_conf_host --command=delete --conf="$CONF" --block=server3
    assert_output "Deleted server3 entry from $CONF ."
    run -0 masterha_conf_host --command=remove --conf="$CONF" --block=server3
    assert_output "[server3] is not found in $CONF ."
}

@test "binary logs behind a position are saved, whole; nothing behind it is 10" {
    local dir log
    log=$(find "$BATON_SOURCE/testdata" -name '*.000001' | head -n 1)
    dir=$BATS_TEST_TMPDIR/logs
    mkdir "$dir"
    cp "$log" "$dir/bin.000001"
    run -0 save_binary_logs --command=test --binlog_prefix=bin --binlog_dir="/nonexistent,$dir"
    run -0 save_binary_logs --command=save --start_file=bin.000001 --start_pos=4 \
        --binlog_dir="$dir" --output_file="$BATS_TEST_TMPDIR/saved.binlog"
    run -0 "$BATON_BIN/baton" inspect --json "$BATS_TEST_TMPDIR/saved.binlog"
    assert_equal "$(jq .transactions.count <<<"$output")" \
        "$("$BATON_BIN/baton" inspect --json "$dir/bin.000001" | jq .transactions.count)"
    run -10 save_binary_logs --command=save --start_file=bin.000001 \
        --start_pos="$(stat -c %s "$dir/bin.000001")" --binlog_dir="$dir" \
        --output_file="$BATS_TEST_TMPDIR/none.binlog"
    assert_output "Event not exists."
    run -1 save_binary_logs --command=save --start_file=other.000001 --start_pos=4 \
        --binlog_dir="$dir" --output_file="$BATS_TEST_TMPDIR/none.binlog"
    assert_output "Binlog not found from $dir!"
}
