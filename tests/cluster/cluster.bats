#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The cluster library itself: what the other cluster tests stand on.

load ../lib/cluster

setup_file() {
    bats_require_minimum_version 1.5.0
    export CLUSTER_NAME=lib$$
    cluster_up 3
}

teardown_file() {
    cluster_down
}

setup() {
    bats_load_library bats-support
    bats_load_library bats-assert
    cluster_join "$CLUSTER_NAME"
}

teardown() {
    [[ -n ${BATS_TEST_COMPLETED:-} ]] || cluster_logs
}

# What a cluster could leave behind, one thing per line.
traces() {
    ip netns list | grep "^bt-$1\." || true
    grep -lsaF "baton-$1/" /proc/[0-9]*/cmdline || true
    ls -d "/dev/shm/baton-$1" "/tmp/baton-$1" "$CLUSTER_REGISTRY/$1" 2>/dev/null || true
    find "$CLUSTER_REGISTRY" -lname "$1" 2>/dev/null || true
}

no_traces() {
    local left
    left=$(traces "$1")
    [[ -z $left ]] || { echo "$left" && false; }
}

@test "each host has its own address, processes, name and data" {
    run host_exec db2 hostname
    assert_output db2
    run host_exec db2 ip -brief -4 address show dev eth0
    assert_output --partial "$CLUSTER_NET.2/24"
    run host_exec db2 pgrep --count mariadbd
    assert_output 1
    host_exec db2 touch /srv/only-here
    run ! host_exec db1 test -e /srv/only-here
}

@test "the machine's own network is not touched" {
    run ip -brief link
    refute_output --partial br0
    run ip -brief address
    refute_output --partial "$CLUSTER_NET."
}

@test "replicas follow in GTID mode and in position mode at the same time" {
    replication_start --mode gtid --db3 position
    host_sql db1 "CREATE DATABASE shop; CREATE TABLE shop.t (id INT PRIMARY KEY);
        INSERT INTO shop.t VALUES (1), (2)"
    cluster_wait "db2 to catch up" 10 replica_caught_up db2
    cluster_wait "db3 to catch up" 10 replica_caught_up db3

    run replica_status db2 Using_Gtid
    assert_output Slave_Pos
    run replica_status db3 Using_Gtid
    assert_output No
    run cluster_diff db1 db2 db3
    assert_success
}

@test "cluster_diff names the table and the row that differ" {
    host_sql db3 "SET sql_log_bin = 0; INSERT INTO shop.t VALUES (77)"
    run cluster_diff db1 db2 db3
    assert_failure
    assert_output --partial 'shop'
    assert_output --partial '+77'
    host_sql db3 "SET sql_log_bin = 0; DELETE FROM shop.t WHERE id = 77"
}

@test "a replica that has stopped receiving is behind and can go on" {
    replica_stop_io db2
    host_sql db1 "INSERT INTO shop.t VALUES (3)"
    cluster_wait "db3 to catch up" 10 replica_caught_up db3
    run ! replica_caught_up db2
    replica_start_io db2
    cluster_wait "db2 to catch up" 10 replica_caught_up db2
}

@test "a client in a namespace of its own reaches the server through the VIP" {
    vip_add db1
    run vip_holder
    assert_output db1
    vip_answers
    run vip_arp
    assert_output db1
    run host_exec client mariadb --defaults-file="$CLUSTER_DIR/app.cnf" --host="$VIP" \
        --skip-column-names --execute="SELECT CURRENT_USER(), @@server_id"
    assert_output "$(printf '%s\t1' "$APP_USER@%")"
}

@test "the manager logs in to a host by key, and sftp works" {
    run host_exec manager ssh -F "$CLUSTER_DIR/ssh/config" "$(host_address db2)" \
        'hostname; echo $HOME'
    assert_output "$(printf 'db2\n%s' "$CLUSTER_DIR/db2/home")"
    run host_exec manager sftp -F "$CLUSTER_DIR/ssh/config" -b - db2 <<<'ls /srv/mysql/bin.index'
    assert_success
}

@test "a broken sshd refuses, a hanging one accepts and says nothing, both can be restored" {
    local address
    address=$(host_address db2)
    host_ssh_break db2
    run host_exec manager ssh -F "$CLUSTER_DIR/ssh/config" "$address" true
    assert_output --partial "Connection refused"
    host_ssh_restore db2

    host_ssh_hang db2
    run host_exec manager timeout 1 ssh -F "$CLUSTER_DIR/ssh/config" "$address" true
    assert_failure 124
    host_ssh_restore db2
    host_exec manager ssh -F "$CLUSTER_DIR/ssh/config" "$address" true
}

@test "a host whose cable is pulled is not heard, and comes back" {
    host_link_down db3
    run ! vip_answers "$(host_address db3)" manager
    host_link_up db3
    cluster_wait "db3 to be reachable" 10 vip_answers "$(host_address db3)" manager
}

@test "a server can be killed, paused, shut down and started again with its data" {
    host_stop db3 -9
    run ! host_answers db3
    host_start db3
    host_stop db3 -STOP
    HOST_SQL_SECONDS=1 run ! host_answers db3
    host_stop db3 -CONT
    host_answers db3
    host_stop db3 clean
    host_start db3
    run host_sql db3 "SELECT COUNT(*) FROM shop.t"
    assert_output 3
}

@test "a host that loses power comes back with its data" {
    host_power_off db3
    run ! host_answers db3
    host_power_on db3
    run host_sql db3 "SELECT COUNT(*) FROM shop.t"
    assert_output 3
}

@test "conf_write makes a file that only its owner can read, with the given changes" {
    conf_write "$BATS_TEST_TMPDIR/app1.cnf" ping_interval=3 vip= server2.candidate_master=1
    run stat -c %a "$BATS_TEST_TMPDIR/app1.cnf"
    assert_output 600
    run cat "$BATS_TEST_TMPDIR/app1.cnf"
    assert_line "ping_interval=3"
    assert_line "password=$ADMIN_PASSWORD"
    assert_line "hostname=$(host_address db3)"
    assert_line "candidate_master=1"
    refute_line --partial "vip="
}

@test "two clusters live side by side, and one going down leaves the other alone" {
    local net=$CLUSTER_NET
    (
        CLUSTER_NAME=lib${BASHPID}b
        cluster_up 1
        [[ $CLUSTER_NET != "$net" ]]
        cluster_down
        no_traces "$CLUSTER_NAME"
    )
    host_answers db1
}

@test "cluster_down twice is as good as once" {
    (
        CLUSTER_NAME=lib${BASHPID}c
        cluster_up 1
        cluster_down
        cluster_down
        no_traces "$CLUSTER_NAME"
    )
}

@test "a test that is killed leaves nothing behind" {
    local name=lib${BASHPID}d
    run bash -c 'source "$1"; CLUSTER_NAME=$2 cluster_up 1; kill -9 $$' \
        bash "$CLUSTER_LIB/cluster.bash" "$name"
    assert_failure 137
    cluster_wait "the killed test's cluster to go" 20 no_traces "$name"
}
