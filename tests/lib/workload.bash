# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# workload.bash - a random workload recorded on a server, then applied to others and compared.
#
#     source tests/lib/server.bash, workload.bash; servers "source", "target", "native" run
#     workload_record SEED COUNT      LOG is the source's binary log
#     workload_native                 WANT is what the target's own replication makes of it
#     workload_apply WORKERS          applies it by SQL and compares; twice

workload_clean() {
    server_drop_databases "$1"
    server_sql "$1" "RESET MASTER; SET GLOBAL gtid_slave_pos=''"
}

workload_record() {
    local seed=$1 count=$2 i pid
    workload_clean source
    server_sql source "SET GLOBAL binlog_format=$( ((seed % 3)) && echo MIXED || echo ROW)"
    printf '1,one\n2,two\n3,three\n' >"$SERVER_DIR/load.csv"
    workload_stream "$seed" 0 "$count" &
    pid=$!
    for ((i = 0; i < 300; i++)); do
        [[ -z $(server_sql source "SHOW TABLES FROM w LIKE 'ready'" 2>/dev/null) ]] || break
        read -rt 0.1 <> <(:) || true
    done
    workload_stream "$seed" 1 "$count"
    wait "$pid" || true
    server_sql source "FLUSH BINARY LOGS"
    LOG=$(server_logs source | head -n 1)
}

workload_stream() { # SEED STREAM COUNT
    awk -v seed="$1" -v stream="$2" -v count="$3" -v load="$SERVER_DIR/load.csv" \
        -f "$BATON_SOURCE/tests/lib/workload.awk" |
        mariadb --no-defaults --default-character-set=utf8mb4 -uroot --force \
            -S "$(server_socket source)" >/dev/null 2>&1 || true
}

# The oracle: the server's own applier threads, fed by the replication road.
workload_native() {
    workload_clean native
    "$BATON_BIN/baton" apply --via=replication -S "$(server_socket native)" -u root -q "$LOG" \
        >/dev/null || return
    WANT=$(server_state native)
    # A replica does not log what did nothing there (DROP TEMPORARY TABLE): either state will do.
    WANT_GTID=$(server_sql source "SELECT @@gtid_binlog_state")
}

workload_apply() {
    local out
    workload_clean target
    out=$("$BATON_BIN/baton" apply --via=sql --workers="$1" -S "$(server_socket target)" -u root \
        -q --json "$LOG") || return
    HAVE=$(server_state target)
    diff <(head -n -1 <<<"$WANT") <(head -n -1 <<<"$HAVE") || return
    [[ ${HAVE##*$'\n'} == "${WANT##*$'\n'}" || ${HAVE##*$'\n'} == "$WANT_GTID" ]] ||
        { echo "GTID state ${HAVE##*$'\n'}, native ${WANT##*$'\n'}, source $WANT_GTID"; return 1; }
    RAN_AHEAD=$(jq .ran_ahead <<<"$out")
    out=$("$BATON_BIN/baton" apply --via=sql --workers="$1" -S "$(server_socket target)" -u root \
        -q --json "$LOG") || return
    # What changes nothing leaves no GTID in the target's log; at its end it may run once more.
    jq -e '.transactions <= 2 and .skipped_already_there > 100' <<<"$out" >/dev/null ||
        { echo "a second run did something: $out"; return 1; }
    diff <(head -n -1 <<<"$HAVE") <(server_state target | head -n -1)
}
