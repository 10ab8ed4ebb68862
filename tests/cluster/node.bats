#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The node channel between hosts: real sshd, real servers, real networks.  What one host can show is
# in tests/cli/node.bats.
#
# shellcheck disable=SC2030,SC2031,SC2314 # every test is a subshell; "!" is the last command

load ../lib/cluster

setup_file() {
    bats_require_minimum_version 1.5.0
    export CLUSTER_NAME=node$$
    cluster_up 2
    cluster_join "$CLUSTER_NAME"
    replication_start
    host_sql db1 "CREATE DATABASE shop; USE shop;
        CREATE TABLE shop.t (id INT PRIMARY KEY, v VARCHAR(200));
        INSERT INTO shop.t VALUES (1, 'a'), (2, 'b'); FLUSH BINARY LOGS;
        INSERT INTO shop.t SELECT seq, REPEAT('x', 100) FROM seq_10_to_4000;
        INSERT INTO shop.t VALUES (5000, 'c'); UPDATE shop.t SET v = 'd' WHERE id = 5000"
    cluster_wait "db2 to catch up" 20 replica_caught_up db2
}

teardown_file() {
    cluster_down
}

setup() {
    bats_load_library bats-support
    bats_load_library bats-assert
    cluster_join "$CLUSTER_NAME"
    TOOL=$BATON_BIN/channel_tool
}

teardown() {
    [[ -n ${BATS_TEST_COMPLETED:-} ]] || cluster_logs
}

# on HOST [OPTION...] COMMAND...: over ssh, from the manager's host.
on() {
    local host=$1
    shift
    host_exec manager "$TOOL" --ssh "$(host_address "$host")" --user root \
        --options "-F $CLUSTER_DIR/ssh/config" --workdir /run/baton "$@"
}

# here HOST COMMAND...: the same program on the host itself, without a channel.
here() { host_exec "$1" "$TOOL" "${@:2}"; }

cache() { echo "$CLUSTER_DIR/$1/home/.cache/baton"; }

# value KEY: of the last output's "KEY value" line.
value() { sed -n "s/^$1 //p" <<<"$output"; }

no_node_on() { ! host_exec "$1" pgrep -f "baton-node-[0-9a-f]* serve"; }

# timed COMMAND...: run it, and put its milliseconds into MS.
timed() {
    local began=${EPOCHREALTIME/[.,]/}
    run "$@"
    MS=$(((${EPOCHREALTIME/[.,]/} - began) / 1000))
}

# --- opening --------------------------------------------------------------------------------

@test "the first channel copies baton-node, the second finds it, and neither leaves a process" {
    rm -rf "$(cache db1)"
    run on db1 hello
    assert_success
    assert_line "hostname db1"
    assert_line "copied 1"
    run ls "$(cache db1)"
    assert_output "baton-node-$("$BATON_BIN/baton-node" --build-id)"
    run on db1 hello
    assert_line "copied 0"
    cluster_wait "baton-node to end" 5 no_node_on db1
}

@test "a home that is mounted noexec is passed over" {
    local home=$CLUSTER_DIR/db1/home
    rm -rf "$(cache db1)"
    host_exec db1 mount -t tmpfs -o noexec tmpfs "$home"
    run on db1 hello
    host_exec db1 umount "$home"
    assert_success
    assert_line "copied 1"
    run host_exec db1 ls "/run/baton/baton-0"
    assert_output "baton-node-$("$BATON_BIN/baton-node" --build-id)"
    host_exec db1 rm -rf /run/baton
}

@test "a home that is read-only is passed over" {
    local home=$CLUSTER_DIR/db1/home
    rm -rf "$(cache db1)"
    host_exec db1 mount -t tmpfs -o ro tmpfs "$home"
    run on db1 hello
    host_exec db1 umount "$home"
    assert_success
    assert_line "copied 1"
    host_exec db1 rm -rf /run/baton
}

@test "ssh that is refused is told at once" {
    host_ssh_break db2
    timed on db2 --timeout-ms 10000 hello
    host_ssh_restore db2
    assert_failure
    assert_line "why refused"
    ((MS < 3000))
}

@test "ssh that hangs ends at the deadline" {
    host_ssh_hang db2
    timed on db2 --timeout-ms 1500 hello
    host_ssh_restore db2
    assert_failure
    assert_line "why timeout"
    echo "took $MS ms for a deadline of 1500"
    ((MS >= 1400 && MS < 3500))
}

@test "ssh that hangs ends after ssh_connection_timeout when that is shorter" {
    host_ssh_hang db2
    timed on db2 --connect-ms 1000 --timeout-ms 20000 hello
    host_ssh_restore db2
    assert_failure
    assert_line "why timeout"
    ((MS < 6000))
}

@test "a host that is off the network ends at the deadline" {
    host_link_down db2
    timed on db2 --timeout-ms 1500 hello
    host_link_up db2
    assert_failure
    assert_line --regexp '^why (timeout|unreachable)$'
    ((MS < 4000))
}

@test "an unknown host key, a refused key and a name that does not resolve are told apart" {
    local config="-F $CLUSTER_DIR/ssh/config"
    run host_exec manager "$TOOL" --ssh "$(host_address db1)" --user root \
        --options "-o UserKnownHostsFile=/dev/null $config" hello
    assert_line "why host-key"
    ssh-keygen -q -t ed25519 -N '' -f "$BATS_TEST_TMPDIR/stranger"
    run host_exec manager "$TOOL" --ssh "$(host_address db1)" --user root \
        --options "-o IdentityFile=none -i '$BATS_TEST_TMPDIR/stranger' -F /dev/null
            -o IdentitiesOnly=yes
            -o UserKnownHostsFile=$CLUSTER_DIR/ssh/known_hosts" hello
    assert_line "why denied"
    run host_exec manager "$TOOL" --ssh no-such-host.invalid --options "$config" hello
    assert_line "why unresolved"
}

# --- while it is open -----------------------------------------------------------------------

# Opens a channel in the background and keeps it: HOLD_PID, its output HOLD_OUT.
hold() {
    local key text
    coproc HOLD { on "$1" --timeout-ms 60000 hold 2>&1; }
    exec {HOLD_OUT}<&"${HOLD[0]}" # bash closes its own when the program ends
    while read -r -u "$HOLD_OUT" key text; do
        [[ $key == may_read_all ]] && break
    done
    echo "$text" # 1: it could read everything
}

@test "a manager that is killed leaves no baton-node on the host" {
    hold db1
    run ! no_node_on db1
    kill -9 "$(pgrep -P "$HOLD_PID" || echo "$HOLD_PID")"
    kill -9 "$HOLD_PID" 2>/dev/null || true
    cluster_wait "baton-node to end" 5 no_node_on db1
}

@test "a host that vanishes is given up after the silence, whatever the deadline" {
    local began=$EPOCHSECONDS
    hold db2
    host_link_down db2
    run cat <&"$HOLD_OUT"
    host_link_up db2
    assert_line "why timeout"
    ((EPOCHSECONDS - began < 15))
    cluster_wait "db2 to be heard again" 10 on db2 hello
}

# --- logs -----------------------------------------------------------------------------------

@test "a log read from afar is the file, whole, in part and as a source" {
    local log=$CLUSTER_DIR/db1/srv/mysql/bin.000002 size
    size=$(stat -c %s "$log")
    on db1 read /srv/mysql/bin.000002 0 18446744073709551615 | cmp - "$log"
    on db1 read /srv/mysql/bin.000002 1000 5000 | cmp - <(tail -c +1001 "$log" | head -c 5000)
    on db1 read /srv/mysql/bin.000002 $((size - 7)) 5000 | cmp - <(tail -c 7 "$log")
    on db1 source /srv/mysql/bin.000002 19 | cmp - "$log"
}

@test "the list of logs is the index, from a directory or from an index file" {
    run on db1 list /nowhere,/srv/mysql binlog
    assert_success
    assert_line "directory /srv/mysql"
    assert_line "log /srv/mysql/bin.000001 $(stat -c %s "$CLUSTER_DIR/db1/srv/mysql/bin.000001")"
    run on db2 list /srv/mysql/relay.index relay
    assert_success
    assert_line "base relay"
    run on db1 list /srv/mysql relay
    assert_failure
    assert_line --partial 'there are no relay logs in "/srv/mysql"'
}

@test "a survey from afar says what a survey on the host says" {
    local kind host
    for host in db1:binlog db2:relay db2:binlog; do
        kind=${host#*:}
        host=${host%:*}
        on "$host" survey /srv/mysql "$kind" >"$BATS_TEST_TMPDIR/afar"
        here "$host" survey-here /srv/mysql "$kind" >"$BATS_TEST_TMPDIR/here"
        diff -u "$BATS_TEST_TMPDIR/here" "$BATS_TEST_TMPDIR/afar"
        grep "^received bin.00000[12]:[1-9]" "$BATS_TEST_TMPDIR/afar"
    done
}

# --- the address ----------------------------------------------------------------------------

@test "the VIP goes up, is announced, is refused to a second host, and comes down with proof" {
    run on db1 vip up "$VIP/24" eth0
    assert_success
    assert_line "announced 1"
    vip_answers
    run vip_arp
    assert_output db1
    run on db2 vip up "$VIP/24" eth0
    assert_failure
    assert_output --partial "$(host_mac db1)"
    run on db1 vip status "$VIP/24" ""
    assert_line "place eth0/24 1"
    run on db2 vip probe "$VIP/24" eth0
    assert_line "holder $(host_mac db1)"
    run on db1 vip down "$VIP/24" ""
    assert_line "removed 1"
    run on db2 vip up "$VIP/24" eth0
    assert_success
    run vip_arp
    assert_output db2
    on db2 vip down "$VIP/24" eth0
}

# --- votes and the server -------------------------------------------------------------------

@test "a vote tells a port that answers from one that is silent, refused or out of reach" {
    local address
    address=$(host_address db2)
    run on db1 reach "$address" 3306 1000
    assert_line "port answers"
    host_stop db2 -STOP
    run on db1 reach "$address" 3306 300
    host_stop db2 -CONT
    assert_line "port silent"
    run on db1 reach "$address" 3399 1000
    assert_line "port refused"
    host_link_down db2
    run on db1 reach "$address" 3306 300
    host_link_up db2
    assert_line --regexp '^port (timeout|refused)$'
    (($(value ms) < 1500))
}

@test "a server is told by pid file, port and data directory, and a wrong one never" {
    run on db2 state /run/mysqld/mysqld.pid /srv/mysql "" 3306
    assert_success
    assert_line "running 1"
    assert_line "program mariadbd"
    assert_line "found_by pid file, port 3306, datadir"
    assert_line "port answers"
    run on db2 state /run/mysqld/mysqld.pid /srv/mysql "" 3307
    assert_line "running 0"
    run on db2 state /run/mysqld/mysqld.pid /srv "" 3306
    assert_line "running 0"
}

@test "a user without rights on the host is told which, and nothing is done" {
    local run=$CLUSTER_DIR/db2/run
    cp "$TOOL" "$BATON_BIN/baton-node" "$run/" # where anybody can reach them
    as_nobody() {
        host_exec db2 setpriv --reuid 65534 --regid 65534 --clear-groups /run/channel_tool "$@"
    }
    run as_nobody hello
    assert_line "may_kill 0"
    assert_line "may_network 0"
    run as_nobody stop "" "" "" 3306 1000 1000
    assert_failure
    assert_output --partial "could not send SIGTERM to mariadbd"
    assert_output --partial "Operation not permitted"
    run as_nobody read /srv/mysql/bin.000001 0 10
    assert_failure
    assert_output --partial "Permission denied"
    run as_nobody vip up "$VIP/24" eth0
    assert_failure
    assert_output --partial "CAP_NET"
    rm "$run/channel_tool" "$run/baton-node"
    host_answers db2
    run vip_holder
    assert_output ""
}

@test "a server that runs is shut down, proved gone, and its port is free" {
    run on db2 stop "" /srv/mysql "$(host_address db2)" 3306 20000 5000
    assert_success
    assert_line "how term"
    assert_output --partial "nothing listens on port 3306"
    host_server_is_gone db2
    host_start db2
}

@test "a server that stands still is ended within a second and proved gone" {
    host_stop db2 -STOP
    run on db2 state "" /srv/mysql "" 3306
    assert_line "state T"
    assert_line "port silent"
    run on db2 stop "" /srv/mysql "$(host_address db2)" 3306 20000 5000
    assert_success
    assert_line "how kill"
    (($(value ms) < 2000))
    host_server_is_gone db2
    host_start db2
}

other_listens() { on db2 state "" "" "" 3306 | grep -qx "listening 1"; }

@test "a port that somebody else took over is no proof" {
    host_stop db2 -9
    host_spawn db2 "$CLUSTER_DIR/db2/other.log" "$TOOL" listen 3306
    cluster_wait "the other program to listen" 5 other_listens
    run on db2 stop "" /srv/mysql "" 3306 1000 1000
    host_exec db2 kill "$(host_pids db2 channel_tool)"
    assert_failure
    assert_output --partial "something still listens on port 3306"
    host_start db2
}

@test "a server of another name is ended when its port and its folder say so, one of them is too little" {
    host_stop db2 -9
    host_spawn db2 "$CLUSTER_DIR/db2/other.log" env -C /srv/mysql "$TOOL" listen 3306
    cluster_wait "the other program to listen" 5 other_listens
    run on db2 state "" "" "" 3306
    assert_line "running 0"
    run on db2 state "" /srv/mysql "" 3306
    assert_line "found_by datadir, port 3306"
    run on db2 stop "" /srv/mysql "" 3306 1000 1000
    assert_success
    assert_output --partial "nothing listens on port 3306"
    run host_pids db2 channel_tool
    assert_output ""
    host_start db2
}
