# SPDX-License-Identifier: Apache-2.0
# Targets that keep no GTIDs of what is applied: exactly once all the same.
bats_require_minimum_version 1.5.0

setup_file() {
    source "$BATON_SOURCE/tests/lib/server.bash"
    server_template "$(mktemp -d "${TMPDIR:-/tmp}/baton-tally.XXXXXX")"
    printf '1,one\n2,two\n' >"$SERVER_DIR/load.csv"
    server_start source
    server_start target --skip-log-bin
}

teardown_file() {
    source "$BATON_SOURCE/tests/lib/server.bash"
    server_remove
}

setup() {
    source "$BATON_SOURCE/tests/lib/server.bash"
    server_drop_databases source
    server_drop_databases target
    server_sql source "RESET MASTER"
}

apply() {
    "$BATON_BIN/baton" apply --via=sql --socket="$(server_socket target)" --user=root --json "$@"
}

tables() { server_state "$1" | grep -v '^baton' | head -n -1; }

@test "a second run onto a target without a binary log applies nothing" {
    server_sql source "SET GLOBAL binlog_format=MIXED"
    sed "s|@LOAD@|$SERVER_DIR/load.csv|" "$BATON_SOURCE/tests/cli/apply/workload.sql" |
        mariadb --no-defaults -uroot --force -S "$(server_socket source)" >/dev/null 2>&1 || true
    server_sql source "FLUSH BINARY LOGS"
    log=$(server_logs source | head -n 1)
    for workers in 1 3; do
        server_drop_databases target
        run --separate-stderr apply --workers=$workers "$log"
        [[ $status -eq 0 ]] || { echo "$stderr"; false; }
        diff <(tables source) <(tables target)
        run --separate-stderr apply --workers=$workers "$log"
        [[ $status -eq 0 ]] || { echo "$stderr"; false; }
        [[ $(jq .transactions <<<"$output") == 0 ]]
        (($(jq .skipped_already_there <<<"$output") > 70))
        diff <(tables source) <(tables target)
    done
}

@test "a target without a binary log that is killed ends with everything exactly once" {
    local round i pid
    server_sql source "SET GLOBAL binlog_format=ROW; CREATE DATABASE w; CREATE TABLE w.t (i INT)"
    for ((i = 0; i < 6000; i++)); do echo "INSERT INTO w.t VALUES ($i);"; done | server_sql source
    server_sql source "FLUSH BINARY LOGS"
    log=$(server_logs source | head -n 1)
    for round in 200 2500; do
        apply "$log" >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err" 3>&- &
        pid=$!
        for ((i = 0; i < 600; i++)); do
            (($(server_sql target "SELECT COUNT(*) FROM w.t" 2>/dev/null || echo 0) < round)) || break
        done
        server_kill target
        server_start target --skip-log-bin
        wait "$pid" || true
    done
    run --separate-stderr apply "$log"
    [[ $status -eq 0 ]] || { echo "$stderr"; false; }
    diff <(tables source) <(tables target)
}

@test "a statement that commits by itself and was cut off is in doubt, and nothing is guessed" {
    server_sql source "CREATE DATABASE w; CREATE TABLE w.t (i INT)"
    server_sql source "FLUSH BINARY LOGS"
    log=$(server_logs source | head -n 1)
    apply "$log" >/dev/null
    server_sql target "UPDATE baton.progress SET done=1, doing=2"
    run --separate-stderr apply "$log"
    [[ $status -eq 7 ]] || { echo "$status $stderr"; server_sql target "SELECT * FROM baton.progress"; false; }
    [[ $stderr == *"transaction 2 of this log"*"UPDATE baton.progress SET done=doing"* ]]
    server_sql target "UPDATE baton.progress SET done=doing"
    run --separate-stderr apply "$log"
    [[ $status -eq 0 && $(jq .skipped_already_there <<<"$output") == 2 ]]
}
