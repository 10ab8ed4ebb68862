# shellcheck shell=bash disable=SC2119,SC2120
# SPDX-License-Identifier: Apache-2.0
#
# manager.bash - a manager that watches a cluster.  Source it after cluster.bash and failover.bash.
#
#     manager_start [OPTION...]          baton start on the manager's host; it watches afterwards
#     manager_wait_state PING_OK 10      until its status is that
#     manager_wait_log "TEXT" 10         until its log has the text (from manager_mark on)
#     manager_wait_primary db2           until it watches db2, which takes writes at the VIP
#     manager_stop

manager_conf() { echo "$CLUSTER_DIR/app1.cnf"; }
manager_log() { echo "$CLUSTER_DIR/manager/app1.manager.log"; }

# manager COMMAND [OPTION...]: baton COMMAND for this cluster, on the manager's host.
manager() {
    local command=$1
    shift
    host_exec manager "$BATON_BIN/baton" "$command" --conf="$(manager_conf)" "$@" 3>&- 4>&-
}

manager_start() { manager start "$@"; }
manager_stop() { manager stop; }

# The code's name, as MHA's status file has it.
manager_state() { manager status --line | sed -n 's/.*(\(.*:\)\?[0-9]*:\([A-Z_]*\)).*/\2/p'; }
manager_is() { [[ $(manager_state) == "$1" ]]; }
manager_wait_state() { cluster_wait "the manager to be $1" "${2:-10}" manager_is "$1"; }

manager_pid() { cat "$CLUSTER_DIR/manager/app1.manager.lock"; }

# From here on manager_wait_log looks.
manager_mark() { manager_mark=$(wc -c <"$(manager_log)"); }
manager_said() { tail -c "+$((${manager_mark:-0} + 1))" "$(manager_log)" | grep -qF -e "$1"; }
manager_wait_log() { cluster_wait "the manager to say \"$1\"" "${2:-10}" manager_said "$1"; }

# It watches this primary, which takes writes and has the VIP, alone.
manager_wait_primary() {
    cluster_wait "$1 to be the watched primary" "${2:-20}" manager_has_primary "$1"
}
manager_has_primary() {
    [[ $(cat "$CLUSTER_DIR/manager/app1.master_status.health") == \
        *$'\t0:PING_OK\tmaster:'"$(host_address "$1")" ]] &&
        [[ $(host_sql "$1" "SELECT @@GLOBAL.read_only") == 0 && $(vip_holder) == "$1" ]]
}

# How often a failover has begun.
manager_failovers() { grep -c "Starting master failover\.$" "$(manager_log)"; }

# Long enough for N ping intervals of 1 s, or a verdict: the manager has pinged N times since.
manager_wait_pings() {
    local file=$CLUSTER_DIR/manager/app1.master_status.health n before
    for ((n = 0; n < $1; n++)); do
        before=$(stat -c %y "$file")
        cluster_wait "a round of the manager" 5 manager_has_touched "$before" || return
    done
}
manager_has_touched() {
    [[ $(stat -c %y "$CLUSTER_DIR/manager/app1.master_status.health") != "$1" ]]
}
