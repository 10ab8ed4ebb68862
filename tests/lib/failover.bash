# shellcheck shell=bash disable=SC2119,SC2120
# SPDX-License-Identifier: Apache-2.0
#
# failover.bash - what the tests of `baton failover` share.  Source it after cluster.bash.
#
#     failover_cluster 4 gtid            hosts that replicate, the VIP on db1, table shop.t
#     failover_insert 1 5                rows 1..5 on db1
#     failover_stages                    db2 lacks most, db3 less, db4 least; a tail only on db1
#     failover_run [OPTION...]           on the manager; sets status, output and $report (JSON)
#     failover_same db2 db3              the same rows and settings everywhere, nothing missing

# failover_cluster HOSTS gtid|position [SERVER OPTION...]
failover_cluster() {
    local size=$1 mode=$2 host
    shift 2
    cluster_up "$size" "$@" || return
    replication_start --mode "$mode" || return
    vip_add db1 || return
    conf_write "$CLUSTER_DIR/app1.cnf"
    host_sql db1 "CREATE DATABASE shop;
        CREATE TABLE shop.t (id INT PRIMARY KEY, at TIMESTAMP(6) DEFAULT NOW(6),
            text VARCHAR(100))"
    for host in $(cluster_hosts); do
        [[ $host == db1 ]] || cluster_wait "$host to catch up" 10 replica_caught_up "$host" ||
            return
    done
}

failover_insert() {
    local n
    for ((n = $1; n <= $2; n++)); do
        host_sql db1 "INSERT INTO shop.t (id, text)
            VALUES ($n, CONCAT('row ', $n, ' \\'', UUID_SHORT()))" || return
    done
}

failover_wait() {
    local host
    for host; do cluster_wait "$host to catch up" 10 replica_caught_up "$host" || return; done
}

# Rows 1-5 everywhere, 6-10 not on db2, 11-15 only on db4 and db1, 16-20 only on db1.
failover_stages() {
    failover_insert 1 5 && failover_wait db2 db3 db4 && replica_stop_io db2 &&
        failover_insert 6 10 && failover_wait db3 db4 && replica_stop_io db3 &&
        failover_insert 11 15 && failover_wait db4 && replica_stop_io db4 &&
        failover_insert 16 20
}

failover_run() {
    # run's $status and $output, with the log apart.
    run --separate-stderr host_exec manager "$BATON_BIN/baton" failover \
        --conf="$CLUSTER_DIR/app1.cnf" --json "$@"
    # shellcheck disable=SC2154
    printf '%s\n' "$stderr" >"$CLUSTER_DIR/manager.log"
    # shellcheck disable=SC2034,SC2154
    report=$output
    printf '%s\n' "$stderr" "$output" | sed 's/^/    /' >&2
}

failover_winner() { jq -r .new_primary <<<"$report"; }

# The ids a server has, as ranges: "1-15,20".
failover_rows() {
    host_sql "$1" "SELECT id FROM shop.t ORDER BY id" | awk '
        function put() {
            printf "%s%s", sep, (first == last ? first : first "-" last)
            sep = ","
        }
        { if (n && $1 == last + 1) last = $1; else { if (n) put(); first = last = $1 } n++ }
        END { if (n) put() }'
}

# Every diff log of the run is read by the server's own tool without a word on stderr.
failover_diff_logs_are_valid() {
    local log logs words
    # Who got transactions got them out of a diff log, and the report names it.
    jq -e 'all((.servers // [])[]; (.applied // 0) == 0 or .diff_log)' <<<"$report" \
        >/dev/null || return
    mapfile -t logs < <(jq -r '(.servers // [])[].diff_log // empty' <<<"$report")
    for log in "${logs[@]}"; do
        [[ -s $log ]] || { echo "$log is not there" && return 1; }
        words=$("${CLUSTER_BINLOG[@]}" "$log" 2>&1 >/dev/null) || return
        [[ -z $words ]] || { echo "$log: $words" && return 1; }
    done
}

# failover_done WINNER REPLICA...: one writable server with the address, the others follow it, and
# all hold the same.
failover_done() {
    local winner=$1 host
    shift
    [[ $(host_sql "$winner" "SELECT @@GLOBAL.read_only") == 0 ]] ||
        { echo "$winner is read-only" && return 1; }
    [[ -z $(replica_links "$winner") ]] ||
        { echo "$winner is a replica" && return 1; }
    host_sql "$winner" "INSERT INTO shop.t (id, text) VALUES (100000, 'after')" || return
    for host; do
        cluster_wait "$host to follow $winner" 20 replica_caught_up "$host" "$winner" || return
        [[ $(host_sql "$host" "SELECT @@GLOBAL.read_only") == 1 ]] ||
            { echo "$host is writable" && return 1; }
        [[ $(host_sql "$host" "SELECT @@GLOBAL.relay_log_purge") == 1 ]] ||
            { echo "$host keeps relay logs" && return 1; }
        [[ $(replica_status "$host" "$(replica_column Master_Host)") == \
            "$(host_address "$winner")" ]] || return
    done
    cluster_diff "$winner" "$@" && failover_diff_logs_are_valid
}
