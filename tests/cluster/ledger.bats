#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# The ledger client: it must find every kind of loss, or the failover tests prove nothing.

load ../lib/cluster
load ../lib/ledger

setup_file() {
    export CLUSTER_NAME=ledger$$
    cluster_up 2
    replication_start
    vip_add db1
    ledger_start --threads 3 --mode mixed --pace 500
    ledger_wait 500
    ledger_stop
    cluster_wait "db2 to catch up" 10 replica_caught_up db2
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

# Changes db2 alone, and back: what stands between is seen by the test.
on_db2() { host_sql db2 "SET sql_log_bin = 0; $1"; }

@test "nothing is lost where nothing was lost" {
    run ledger_verify db1 db2
    assert_success
    assert_line --regexp "^$CLUSTER_NET.1 .*lost 0, extra 0, wrong 0, half 0$"
    assert_line --regexp "^$CLUSTER_NET.2 .*lost 0, extra 0, wrong 0, half 0$"
}

@test "an acknowledged commit that is missing is lost, and named" {
    on_db2 "RENAME TABLE ledger.commits TO ledger.whole;
        CREATE TABLE ledger.commits AS SELECT * FROM ledger.whole WHERE id <> 2000000007"
    run ledger_verify db2
    on_db2 "DROP TABLE ledger.commits; RENAME TABLE ledger.whole TO ledger.commits"
    assert_failure 1
    assert_line "$CLUSTER_NET.2: lost: 2000000007"
}

@test "a row nobody was promised is extra, a changed payload is wrong" {
    on_db2 "INSERT INTO ledger.commits VALUES (3999999999, 3, 'x');
        UPDATE ledger.commits SET payload = CONCAT(payload, '!') WHERE id = 1000000003"
    run ledger_verify --json db2
    on_db2 "DELETE FROM ledger.commits WHERE id = 3999999999;
        UPDATE ledger.commits SET payload = TRIM(TRAILING '!' FROM payload) WHERE id = 1000000003"
    assert_failure 1
    run jq -c '[.extra.first, .wrong.first]' <<<"$output"
    assert_output '[[3999999999],[1000000003,3999999999]]'
}

@test "half a transaction shows, though its commit row is there" {
    on_db2 "CREATE TABLE ledger.kept AS SELECT * FROM ledger.slots; DELETE FROM ledger.slots LIMIT 1"
    run ledger_verify db2
    on_db2 "REPLACE INTO ledger.slots SELECT * FROM ledger.kept; DROP TABLE ledger.kept"
    assert_failure 1
    assert_output --partial "half 1"
    run ledger_verify db2
    assert_success
}

@test "a server that dies and comes back shows as one gap, and nothing it promised is lost" {
    host_sql db1 "DROP DATABASE ledger"
    ledger_start --threads 2 --mode insert
    ledger_wait 50
    host_stop db1 -9
    host_start db1
    host_sql db1 "SET GLOBAL read_only = OFF"
    ledger_wait 50
    run ledger_stop
    assert_equal "$(jq '.gap_ms > 20 and .unreached > 0 and (.gap_is_open | not)' <<<"$output")" true
    assert_equal "$(jq .acked <<<"$output")" "$(ledger_acked)"
    run ledger_verify db1
    assert_success
}

@test "a commit whose answer never came is unknown, not acknowledged" {
    host_sql db1 "DROP DATABASE ledger"
    ledger_start --threads 2 --mode insert --answer-timeout 100
    host_sql db1 "LOCK TABLES ledger.commits READ; DO SLEEP(0.4)"
    ledger_wait 20
    run ledger_stop
    assert_equal "$(jq '.unknown > 0' <<<"$output")" true
    run ledger_verify db1
    assert_success
}

@test "a server that only reads refuses, and the client says so" {
    host_sql db1 "DROP DATABASE ledger"
    ledger_start --threads 1 --mode mixed
    host_sql db1 "SET GLOBAL read_only = ON"
    cluster_wait "the last commit" 5 ledger_stands_still
    run ledger_stop
    host_sql db1 "SET GLOBAL read_only = OFF"
    assert_equal "$(jq '.refused > 0 and .gap_is_open' <<<"$output")" true
    assert_output --partial "read-only"
}

ledger_stands_still() {
    local before
    before=$(ledger_acked)
    sleep 0.1 # what we wait for is that nothing happens for this long
    [[ $(ledger_acked) == "$before" ]]
}

@test "an existing ledger is never written over" {
    run "$LEDGER_BIN" write --host "$VIP" --defaults-file "$CLUSTER_DIR/app.cnf" \
        --out "$CLUSTER_DIR/ledger" --seconds 1
    assert_failure 3
    assert_output --partial "could not create \"$CLUSTER_DIR/ledger\": File exists"
}

@test "a ledger that ends within a line is refused" {
    printf 'ledger 1 insert 100\nacked 1000000001 1 2\nack' >"$BATS_TEST_TMPDIR/cut"
    run host_exec manager "$LEDGER_BIN" verify --host "$(host_address db1)" \
        --ledger "$BATS_TEST_TMPDIR/cut" --defaults-file "$CLUSTER_DIR/admin.cnf"
    assert_failure 3
    assert_output --partial "ends within a line"
}
