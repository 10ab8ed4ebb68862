# SPDX-License-Identifier: Apache-2.0
# baton apply with several workers: random workloads, and transactions that stand in each other's way.
bats_require_minimum_version 1.5.0

setup_file() {
    source "$BATON_SOURCE/tests/lib/server.bash"
    server_template "$(mktemp -d "${TMPDIR:-/tmp}/baton-workers.XXXXXX")"
    server_start source
    server_start target
    server_start native --log-slave-updates --skip-slave-start
}

teardown_file() {
    source "$BATON_SOURCE/tests/lib/server.bash"
    server_remove
}

setup() {
    source "$BATON_SOURCE/tests/lib/server.bash"
    source "$BATON_SOURCE/tests/lib/workload.bash"
}

leaves_what_replication_leaves() { # SEED
    workload_record "$1" 150
    workload_native
    for workers in 1 2 8; do
        workload_apply "$workers" || { echo "seed $1 with $workers workers"; false; }
    done
}

@test "a random workload with 1, 2 and 8 workers leaves what the server's own replication leaves" {
    leaves_what_replication_leaves 1
}

@test "a random workload logged as rows with 1, 2 and 8 workers leaves the same" {
    leaves_what_replication_leaves 3
    ((RAN_AHEAD > 0))
}

@test "large transactions run ahead, and their commits stay in log order" {
    local i
    workload_clean source
    workload_clean target
    server_sql source "SET GLOBAL binlog_format=ROW; CREATE DATABASE w;
        CREATE TABLE w.t (id INT PRIMARY KEY, u VARCHAR(30) UNIQUE, b VARCHAR(60)) CHARSET utf8mb4"
    for ((i = 0; i < 20; i++)); do
        echo "INSERT INTO w.t SELECT seq, seq, REPEAT('x', 50) FROM w.seq_$((i * 1000))_to_$((i * 1000 + 999));"
        echo "UPDATE w.t SET b='y' WHERE id=$((i * 1000));"
    done | server_sql source
    server_sql source "FLUSH BINARY LOGS"
    LOG=$(server_logs source | head -n 1)
    run --separate-stderr "$BATON_BIN/baton" apply --via=sql --workers=4 --json \
        -S "$(server_socket target)" -u root "$LOG"
    [[ $status -eq 0 ]] || { echo "$stderr"; false; }
    (($(jq .ran_ahead <<<"$output") > 5))
    diff <(server_state source) <(server_state target)
    # the GTIDs of the target's own log rise by one
    server_sql target "FLUSH BINARY LOGS"
    mariadb-binlog "$(server_logs target | head -n 1)" | awk '/GTID [0-9]+-[0-9]+-[0-9]+/ {
        match($0, /GTID [0-9]+-[0-9]+-[0-9]+/); split(substr($0, RSTART + 5, RLENGTH - 5), g, "-")
        if (g[3] != ++n) { print "number " g[3] " comes as " n; exit 1 } } END { exit n != 42 }'
}

@test "transactions that meet on locks which no write set shows end as their source did" {
    local i
    workload_clean source
    workload_clean target
    # no write set sees that the gap before 500001 is one
    server_sql source "SET GLOBAL binlog_format=ROW; CREATE DATABASE w;
        CREATE TABLE w.t (id INT PRIMARY KEY, k INT, b VARCHAR(60), KEY (k));
        CREATE TABLE w.s (id INT PRIMARY KEY, k INT, KEY (k))"
    for ((i = 0; i < 10; i++)); do
        echo "BEGIN; INSERT INTO w.t SELECT seq, $i, REPEAT('x', 50) FROM w.seq_$((i * 500))_to_$((i * 500 + 499));"
        echo "INSERT INTO w.s VALUES ($i, 1); COMMIT;"
        echo "DELETE FROM w.t WHERE k=$i; DELETE FROM w.s WHERE k=1;"
    done | server_sql source
    server_sql source "FLUSH BINARY LOGS"
    LOG=$(server_logs source | head -n 1)
    run --separate-stderr "$BATON_BIN/baton" apply --via=sql --workers=8 --json \
        -S "$(server_socket target)" -u root "$LOG"
    [[ $status -eq 0 ]] || { echo "$stderr"; false; }
    diff <(server_state source) <(server_state target)
}
