# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# workload.bash - a random workload recorded on a server, then applied to others and compared.
#
#     source tests/lib/server.bash, workload.bash; servers "source", "target", "native" run
#     WORKLOAD_ABROAD=1               when they are of different versions
#     workload_record SEED COUNT      LOG is the source's binary log
#     workload_native                 WANT is what the target's own replication makes of it
#     workload_apply WORKERS          applies it by SQL and compares; twice
#     workload_peer                   applies it by mariadb-binlog | mariadb and compares

# An XA branch that waits for its second half holds locks.  Its session may still be going away:
# until it has, nobody else can end the branch.  XA ROLLBACK of one that met a deadlock says so, and
# ends it.
workload_end_branches() {
    local i branches branch
    for ((i = 0; i < 300; i++)); do
        branches=$(server_sql "$1" "XA RECOVER FORMAT='SQL'" | cut -f 4)
        [[ $branches ]] || return 0
        while IFS= read -r branch; do
            server_sql "$1" "XA ROLLBACK $branch" 2>>"$SERVER_DIR/branches" || true
        done <<<"$branches"
        read -rt 0.1 <> <(:) || true
    done
    echo "$1: XA branches that nobody can end: $branches" >&2
    return 1
}

workload_clean() {
    workload_end_branches "$1"
    server_sql "$1" "SET GLOBAL innodb_lock_wait_timeout=50"
    if ! server_drop_databases "$1"; then
        server_sql "$1" "SHOW FULL PROCESSLIST; XA RECOVER; SELECT trx_id, trx_state, trx_started,
            trx_mysql_thread_id, trx_rows_locked FROM information_schema.innodb_trx" >&2
        return 1
    fi
    server_sql "$1" "RESET MASTER; SET GLOBAL gtid_slave_pos=''"
}

# Each format of the log has its turn, every fifth log is compressed.
workload_record() {
    local seed=$1 count=$2 formats=(ROW MIXED STATEMENT) i pid
    workload_clean source
    server_sql source "SET GLOBAL binlog_format=${formats[seed % 3]},
        log_bin_compress=$((seed % 5 == 0)), innodb_lock_wait_timeout=1"
    printf '1,one\n2,two\n3,three\n' >"$SERVER_DIR/load.csv"
    workload_stream "$seed" 0 "$count" &
    pid=$!
    for ((i = 0; i < 300; i++)); do
        [[ -z $(server_sql source "SHOW TABLES FROM w LIKE 'ready'" 2>/dev/null) ]] || break
        read -rt 0.1 <> <(:) || true
    done
    workload_stream "$seed" 1 "$count"
    wait "$pid" || true
    workload_end_branches source
    server_sql source "INSERT INTO w.nokey VALUES (0, 'end')"
    server_sql source "FLUSH BINARY LOGS"
    LOG=$(server_logs source | head -n 1)
}

workload_stream() { # SEED STREAM COUNT
    awk -v seed="$1" -v stream="$2" -v count="$3" -v load="$SERVER_DIR/load.csv" \
        -v abroad="${WORKLOAD_ABROAD:-0}" -f "$BATON_SOURCE/tests/lib/workload.awk" |
        mariadb --no-defaults --default-character-set=utf8mb4 --local-infile -uroot --force \
            -S "$(server_socket source)" >"$SERVER_DIR/stream.$2" 2>&1 || true
}

# Whether the transaction that native.said names takes something back to a savepoint.  A source logs
# that where a temporary or MyISAM table is about; the keys are free for others by then, who commit
# first and stand before it in the log: replication stops with a duplicate key, or a row not found
workload_takes_back() {
    local place='s/.* at offset \([0-9]*\) ending at [^ ]*:\([0-9]*\): .*/\1 \2/p' start end
    read -r start end < <(sed -n "$place" "$SERVER_DIR/native.said") || return 1
    mariadb-binlog --start-position="$start" --stop-position="$end" "$LOG" 2>/dev/null |
        grep '^ROLLBACK TO' >/dev/null
}

# The oracle: the server's own applier threads, fed by the replication road.  2: they cannot, since
# a statement meets an XA branch there that it did not meet on the source (10.11 may join tables in
# another order there, and locks what it reads), or rows that were taken back to a savepoint.
workload_native() {
    workload_clean native
    server_sql native "SET GLOBAL innodb_lock_wait_timeout=2, slave_transaction_retries=2"
    if ! "$BATON_BIN/baton" apply --via=replication -S "$(server_socket native)" -u root -q "$LOG" \
        >/dev/null 2>"$SERVER_DIR/native.said"; then
        cat "$SERVER_DIR/native.said"
        ! grep -q "Lock wait timeout exceeded" "$SERVER_DIR/native.said" || return 2
        ! grep -qE "Duplicate entry|Can't find record" "$SERVER_DIR/native.said" ||
            ! workload_takes_back ||
            return 2
        return 1
    fi
    WANT=$(server_state native)
    # A replica does not log what did nothing there (DROP TEMPORARY TABLE): either state will do.
    WANT_GTID=$(server_sql source "SELECT @@gtid_binlog_state")
}

workload_has() { # HAVE: whether it is WANT
    diff <(head -n -1 <<<"$WANT") <(head -n -1 <<<"$1") || return
    [[ ${1##*$'\n'} == "${WANT##*$'\n'}" || ${1##*$'\n'} == "$WANT_GTID" ]] ||
        { echo "GTID state ${1##*$'\n'}, native ${WANT##*$'\n'}, source $WANT_GTID"; return 1; }
}

workload_apply() {
    local out have
    workload_clean target
    out=$("$BATON_BIN/baton" apply --via=sql --workers="$1" -S "$(server_socket target)" -u root \
        -q --json "$LOG") || return
    have=$(server_state target)
    workload_has "$have" || return
    RAN_AHEAD=$(jq .ran_ahead <<<"$out")
    out=$("$BATON_BIN/baton" apply --via=sql --workers="$1" -S "$(server_socket target)" -u root \
        -q --json "$LOG") || return
    # What changes nothing leaves no GTID in the target's log; at its end it may run once more.
    jq -e '.transactions <= 2 and .skipped_already_there > 100' <<<"$out" >/dev/null ||
        { echo "a second run did something: $out"; return 1; }
    diff <(head -n -1 <<<"$have") <(server_state target | head -n -1)
}

# --force: else it stops at a statement that was logged with the error it had.
workload_peer() {
    workload_clean target
    mariadb-binlog --local-load="$SERVER_DIR" "$LOG" |
        mariadb --no-defaults -uroot --force -S "$(server_socket target)" \
            >"$SERVER_DIR/peer" 2>&1 || true
    rm -f "$SERVER_DIR"/SQL_LOAD_MB-*
    workload_has "$(server_state target)"
}
