#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# An old primary comes back: with nothing of its own it follows; with something, that is listed,
# archived and taken back, or it is left as it is.

load ../lib/cluster
load ../lib/ledger
load ../lib/failover
load ../lib/switchover

setup() {
    bats_require_minimum_version 1.5.0
    bats_load_library bats-support
    bats_load_library bats-assert
    export CLUSTER_NAME=rj$$
}

teardown() {
    [[ -n ${BATS_TEST_COMPLETED:-} ]] || cluster_logs
    cluster_down
}

# Tables with the types that HOST has: UUID came with 10.7.
types_of() {
    [[ $(host_sql "$1" "SELECT COUNT(*) FROM information_schema.plugins WHERE plugin_name = 'uuid'") != 0 ]] ||
        set -- "$1" "${2/ UUID/ CHAR(36)}"
    echo "$2"
}

# The primary dies, db2 takes over, and the old one starts again, writable as it was.
old_primary_is_back() {
    failover_cluster 3 "$1" --binlog-format=row
    [[ -z ${2:-} ]] || host_sql db1 "$(types_of db1 "$2")"
    failover_insert 1 5
    host_stop db1 -9
    failover_run --new-primary="$(host_address db2)"
    assert_equal "$status" 0
    host_sql db2 "INSERT INTO shop.t (id, text) VALUES (100, 'on the new one')"
    host_start db1
    host_sql db1 "SET GLOBAL read_only = OFF"
}

rejoin_run() {
    run --separate-stderr host_exec manager ${CRASH_AT:+env BATON_CRASH_AT=$CRASH_AT} \
        "$BATON_BIN/baton" rejoin --conf="$CLUSTER_DIR/app1.cnf" --json "$@" \
        "$(host_address "${RETURNS:-db1}")"
    printf '%s\n' "$stderr" >"$CLUSTER_DIR/manager.log"
    report=$output
    printf '%s\n' "$stderr" "$output" | sed 's/^/    /' >&2
}

# It follows db2 as db3 does, takes no writes, and holds the same.
rejoined() {
    assert_equal "$(jq -r .outcome <<<"$report")" "done"
    switchover_primary_is db2
    assert_equal "$(replica_status db1 Using_Gtid)" "$(replica_status db3 Using_Gtid)"
    failover_done db2 db1 db3
    run host_sql db1 "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_NAME LIKE 'baton%'"
    assert_output 0
}

@test "an old primary with nothing of its own follows by GTID, and a second run changes nothing" {
    old_primary_is_back gtid
    vip_add db1
    rejoin_run --dry-run
    assert_equal "$status" 0
    assert_equal "$(jq -c '[.outcome, .extra]' <<<"$report")" '["planned",[]]'
    assert_equal "$(host_sql db1 "SELECT @@GLOBAL.read_only")" 0
    rejoin_run
    assert_equal "$status" 0
    rejoined
    # Under load too: what it replicates meanwhile is not its own.
    ledger_start --threads 2 --mode mixed
    ledger_wait 100
    rejoin_run --archive="$CLUSTER_DIR/archive" --flashback
    assert_equal "$status" 0
    assert_equal "$(jq -c .extra <<<"$report")" '[]'
    ledger_stop
    run ledger_verify db2 db1
    assert_success
}

@test "the same where the cluster replicates by file and position" {
    old_primary_is_back position
    rejoin_run
    assert_equal "$status" 0
    rejoined
}

# What nobody else has: rows come, change and go, in tables with and without keys.
kinds="CREATE TABLE shop.kinds (id INT UNSIGNED PRIMARY KEY, name VARCHAR(20) CHARACTER SET latin1,
    f FLOAT, d DOUBLE, n DECIMAL(20,6), at TIMESTAMP(3) NULL, day DATE, t TIME(2), y YEAR, b BIT(9),
    e ENUM('a','b'), s SET('x','y','z'), bin BINARY(6), bl BLOB, tx TEXT CHARACTER SET utf8mb4,
    j JSON, g POINT, twice BIGINT AS (id * 2) PERSISTENT, ip INET6, u UUID, big BIGINT);
    CREATE TABLE shop.heap (a INT, b VARCHAR(10));
    CREATE TABLE shop.named (k VARCHAR(20) PRIMARY KEY, v INT);
    INSERT INTO shop.heap VALUES (1, 'x'), (1, 'x'), (2, NULL);
    INSERT INTO shop.named VALUES ('Äpfel', 1), ('b', 2);
    INSERT INTO shop.kinds (id, name, f, big) VALUES (1, 'é', 0.1, -1), (4000000000, '', 1e30, 0)"
alone="INSERT INTO shop.t (id, text) VALUES (900, 'alone'), (901, 'alone too');
    UPDATE shop.t SET text = 'changed alone' WHERE id IN (2, 900);
    DELETE FROM shop.t WHERE id IN (3, 901);
    INSERT INTO shop.kinds VALUES (7, 'ñ''\\\\', 1.1, 2.3e-300, -12.500000, '2026-11-22 12:34:56.789',
        '0000-00-00', '-838:59:59', 1999, b'101010101', 'b', 'x,z', 'a', x'00FF00', '漢字🎉',
        '{\"a\": 1}', ST_GeomFromText('POINT(1 2)'), DEFAULT, '::1',
        '123e4567-e89b-12d3-a456-426655440000', 9223372036854775807);
    UPDATE shop.kinds SET f = f * 3, d = 1/3, name = NULL, at = NOW(3), twice = DEFAULT WHERE id <= 7;
    DELETE FROM shop.kinds WHERE id = 4000000000;
    INSERT INTO shop.heap VALUES (1, 'x'), (9, '');
    UPDATE shop.heap SET b = 'was null' WHERE a = 2;
    DELETE FROM shop.heap WHERE a = 1 LIMIT 2;
    UPDATE shop.named SET k = 'äpfel' WHERE v = 1;
    DELETE FROM shop.named WHERE v = 2"

@test "what only it has is listed and refused, then archived, then taken back" {
    old_primary_is_back gtid "$kinds"
    local before
    before=$(failover_rows db1)
    host_sql db1 "SET sql_mode = ''; $alone"
    rejoin_run --dry-run
    assert_equal "$status" 7
    assert_equal "$(jq '.extra | length' <<<"$report")" 11
    rejoin_run
    assert_equal "$status" 7
    assert_equal "$(jq -r .outcome <<<"$report")" diverged
    # Read-only now, but as it was.
    assert_equal "$(host_sql db1 "SELECT @@GLOBAL.read_only")" 1
    assert_equal "$(host_sql db1 "SELECT COUNT(*) FROM shop.t WHERE id = 900")" 1
    rejoin_run --archive="$CLUSTER_DIR/archive" --flashback
    assert_equal "$status" 0
    rejoined
    # The archive is a binary log with all of it.
    run mariadb-binlog --base64-output=decode-rows -v "$(jq -r .archive <<<"$report")"
    assert_success
    assert_output --partial "changed alone"
    assert_equal "$(grep -c "^COMMIT" <<<"$output")" 11
}

@test "10,000 transactions of its own are taken back in position mode too" {
    old_primary_is_back position
    printf 'INSERT INTO shop.t (id, text) VALUES (%d, 1);\n' {1000..6999} | host_client db1
    printf 'UPDATE shop.t SET text = 2 WHERE id = %d;\n' {1000..4999} | host_client db1
    rejoin_run --archive="$CLUSTER_DIR/archive" --flashback
    assert_equal "$status" 0
    assert_equal "$(jq .reversed_rows <<<"$report")" 10000
    rejoined
}

@test "with DDL among them, or a row that is not what the log says, nothing is touched" {
    old_primary_is_back gtid
    host_sql db1 "INSERT INTO shop.t (id) VALUES (900); UPDATE shop.t SET text = 'mine' WHERE id = 1;
        SET sql_log_bin = 0; UPDATE shop.t SET text = 'somebody' WHERE id = 1"
    rejoin_run --archive="$CLUSTER_DIR/archive" --flashback
    assert_equal "$status" 7
    grep -q "a row is not what the log says (0 rows fit)" "$CLUSTER_DIR/manager.log"
    assert_equal "$(host_sql db1 "SELECT COUNT(*) FROM shop.t WHERE id = 900")" 1
    host_sql db1 "SET sql_log_bin = 0; UPDATE shop.t SET text = 'mine' WHERE id = 1; SET sql_log_bin = 1;
        SET binlog_row_image = MINIMAL; UPDATE shop.t SET text = 'small' WHERE id = 2"
    rejoin_run --archive="$CLUSTER_DIR/archive" --flashback
    assert_equal "$status" 7
    grep -q "transaction 0-1-[0-9]*: .*binlog_row_image was not FULL" "$CLUSTER_DIR/manager.log"
    host_sql db1 "CREATE TABLE shop.new (id INT)"
    rejoin_run --archive="$CLUSTER_DIR/archive" --flashback
    assert_equal "$status" 7
    grep -q "transaction 0-1-[0-9]* cannot be undone: it has a statement" "$CLUSTER_DIR/manager.log"
    assert_equal "$(host_sql db1 "SELECT text FROM shop.t WHERE id = 1")" mine
}

@test "a trigger, a cascade or a statement that was not logged as rows is named, and nothing is touched" {
    old_primary_is_back gtid "CREATE TABLE shop.a (id INT PRIMARY KEY);
        CREATE TABLE shop.b (id INT PRIMARY KEY, a INT, FOREIGN KEY (a) REFERENCES shop.a (id) ON DELETE CASCADE);
        CREATE TABLE shop.c (id INT PRIMARY KEY, v INT);
        CREATE TRIGGER shop.tr BEFORE INSERT ON shop.c FOR EACH ROW SET NEW.v = 1"
    host_sql db1 "INSERT INTO shop.c VALUES (1, 2)"
    rejoin_run --archive="$CLUSTER_DIR/archive" --flashback
    assert_equal "$status" 7
    grep -q "shop.c cannot be undone: it has a trigger (tr)" "$CLUSTER_DIR/manager.log"
    host_sql db1 "SET sql_log_bin = 0; DROP TRIGGER shop.tr; SET sql_log_bin = 1; INSERT INTO shop.a VALUES (1)"
    rejoin_run --archive="$CLUSTER_DIR/archive" --flashback
    assert_equal "$status" 7
    grep -q "shop.a cannot be undone: a foreign key of it, or to it, cascades" "$CLUSTER_DIR/manager.log"
    host_sql db1 "SET sql_log_bin = 0; ALTER TABLE shop.b DROP FOREIGN KEY b_ibfk_1; SET sql_log_bin = 1;
        SET binlog_format = STATEMENT; INSERT INTO shop.a VALUES (2)"
    rejoin_run --archive="$CLUSTER_DIR/archive" --flashback
    assert_equal "$status" 7
    grep -q "cannot be undone: it has a statement that was not logged as rows" "$CLUSTER_DIR/manager.log"
    assert_equal "$(host_sql db1 "SELECT COUNT(*) FROM shop.a")" 2
}

# Behind the reversal the logs are to be emptied: not with somebody's writes in them.
refused_when_written_to() {
    host_sql db1 "INSERT INTO shop.t (id) VALUES (990)"
    rejoin_run --archive="$CLUSTER_DIR/archive" --flashback
    assert_equal "$status $(jq -r .outcome <<<"$report")" "7 failed"
    grep -q "somebody has written to .* since an earlier run took back" "$CLUSTER_DIR/manager.log"
    host_sql db1 "SET sql_log_bin = 0; DELETE FROM shop.t WHERE id = 990; RESET MASTER"
}

@test "a manager killed anywhere in a rejoin: the next run ends it" {
    old_primary_is_back gtid "$kinds"
    local point
    for point in rejoin-before-close rejoin-closed rejoin-compared rejoin-archived rejoin-reversed \
        rejoin-reset rejoin-repointed rejoin-follows; do
        if [[ $point == rejoin-archived ]]; then
            host_sql db1 "SET sql_mode = ''; $alone"
        fi
        CRASH_AT=$point rejoin_run --archive="$CLUSTER_DIR/archive" --flashback
        assert_equal "$point $status" "$point 137"
        [[ $point != rejoin-reversed ]] || refused_when_written_to
    done
    rejoin_run --archive="$CLUSTER_DIR/archive" --flashback
    assert_equal "$status" 0
    rejoined
}

# The last transaction of HOST is committed by its engine, and torn in its log.
tear() {
    local log
    host_sql "$1" "SET sql_log_bin = 0; CREATE TABLE shop.flush (id INT); DROP TABLE shop.flush"
    log=$CLUSTER_DIR/$1/srv/mysql/$(host_sql "$1" "SHOW MASTER STATUS" | cut -f 1)
    host_stop "$1" -9
    truncate -s -20 "$log"
}

@test "a torn log: what its tables hold all the same is not applied twice, nor passed over when nobody else has it" {
    failover_cluster 3 gtid --binlog-format=row
    failover_insert 1 5
    failover_wait db2 db3
    tear db1
    failover_run --new-primary="$(host_address db2)"
    assert_equal "$status" 0
    host_start db1
    rejoin_run --archive="$CLUSTER_DIR/archive" --flashback
    assert_equal "$status" 0
    jq -e '.notes[] | select(test("Its log has lost 1 transactions .* they are not applied again"))' <<<"$report"
    rejoined
    replica_stop_io db1
    replica_stop_io db3
    host_sql db2 "INSERT INTO shop.t (id, text) VALUES (900, 'nobody received it')"
    tear db2
    failover_run --new-primary="$(host_address db3)" --ignore-last-failover
    assert_equal "$status" 0
    host_start db2
    RETURNS=db2 rejoin_run --archive="$CLUSTER_DIR/archive" --flashback
    assert_equal "$status" 7
    assert_equal "$(jq -r '.outcome + ": " + .state' <<<"$report")" \
        "diverged: It is read-only, and its data are as they were."
    grep -q "hold transactions that its log has lost: its engine had committed up to" "$CLUSTER_DIR/manager.log"
    assert_equal "$(replica_status db2 Master_Host)" ""
}

@test "the new primary dies during it: said, and after the next failover a second run ends it" {
    old_primary_is_back position
    nsenter --net="/run/netns/$(host_netns manager)" -- env BATON_PAUSE_AT=rejoin-compared "$BATON_BIN/baton" \
        rejoin --conf="$CLUSTER_DIR/app1.cnf" --json "$(host_address db1)" >"$CLUSTER_DIR/report" 2>/dev/null 3>&- &
    local pid=$! rc=0
    cluster_wait "the rejoin to stop" 20 grep -q "^State:.*stopped" "/proc/$pid/status"
    host_stop db2 -9
    kill -CONT "$pid"
    wait "$pid" || rc=$?
    assert_not_equal "$rc" 0
    assert_equal "$(jq -r .outcome "$CLUSTER_DIR/report")" failed
    jq -e '.error | test("has died")' "$CLUSTER_DIR/report"
    # An old primary that waits, read-only, is in nobody's way.
    failover_run --ignore-last-failover
    assert_equal "$status" 0
    rejoin_run
    assert_equal "$(jq -r '.outcome + ": " + .state' <<<"$report")" "done: It is a replica, and has everything."
    failover_done db3 db1
}

@test "without a primary to follow, or on the primary itself, it is refused" {
    failover_cluster 3 gtid
    rejoin_run
    assert_not_equal "$status" 0
    assert_equal "$(jq -r .outcome <<<"$report")" refused
    switchover_untouched db1 db2 db3
}
