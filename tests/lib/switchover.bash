# shellcheck shell=bash disable=SC2119,SC2120,SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
#
# switchover.bash - what the tests of `baton switchover` share.  Source it after failover.bash.
#
#     switchover_run [OPTION...]          on the manager; sets status, output and $report (JSON)
#     switchover_done db2 db1 db3         db2 takes the writes, the others follow, all hold the same
#     switchover_untouched db1 db2 db3    db1 takes the writes and has the address, as before

switchover_run() {
    run --separate-stderr host_exec manager ${CRASH_AT:+env BATON_CRASH_AT=$CRASH_AT} \
        "$BATON_BIN/baton" switchover --conf="$CLUSTER_DIR/app1.cnf" --json "$@"
    printf '%s\n' "$stderr" >"$CLUSTER_DIR/manager.log"
    report=$output
    printf '%s\n' "$stderr" "$output" | sed 's/^/    /' >&2
}

# Exactly one of the hosts can be written to, and it is that one; the address is there alone.
switchover_primary_is() {
    local host want
    for host in $(cluster_hosts); do
        host_answers "$host" >/dev/null 2>&1 || continue
        want=1
        [[ $host == "$1" ]] && want=0
        [[ $(host_sql "$host" "SELECT @@GLOBAL.read_only") == "$want" ]] ||
            { echo "$host: read_only is not $want" && return 1; }
    done
    [[ $(vip_holder) == "$1" ]] || { echo "the address is on: $(vip_holder)" && return 1; }
}

switchover_done() {
    switchover_primary_is "$1" && failover_done "$@"
}

switchover_untouched() {
    local primary=$1
    switchover_primary_is "$primary" || return
    shift
    failover_insert_on "$primary" 200000 || return
    local host
    for host; do
        cluster_wait "$host to follow" 10 replica_caught_up "$host" "$primary" || return
    done
    cluster_diff "$primary" "$@"
}

failover_insert_on() {
    host_sql "$1" "INSERT INTO shop.t (id, text) VALUES ($2, 'still')"
}
