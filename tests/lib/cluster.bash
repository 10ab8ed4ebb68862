# shellcheck shell=bash disable=SC2119,SC2120
# SPDX-License-Identifier: Apache-2.0
#
# cluster.bash - a small network of database hosts on this machine.  Source it, then:
#
#     cluster_up 4                      four hosts db1..db4, plus "manager" and "client"
#     replication_start                 db1 is the primary, the others replicate from it
#     vip_add db1                       the address that applications use
#     host_sql db1 "SELECT 1"           SQL as root, over the host's socket
#     host_exec manager baton ...       a command, as if typed on that host
#     cluster_wait "what" 10 CMD...     wait for a condition, never for a time
#     cluster_down                      everything above is gone again
#
# Every host has its own network, mounts and processes: eth0 with 10.77.<subnet>.<n>, its own
# /run and /srv (data in /srv/mysql), a mariadbd on port 3306 and an sshd on port 22 that lets
# a throw-away key in.  All hosts hang on one bridge, which lives in a namespace too: nothing
# changes in the machine's own network.  Needs root; where namespaces cannot be made,
# cluster_up says so and returns 77.
#
# Settings (environment):
#   CLUSTER_NAME       name, [a-z0-9_]; default bt<pid>
#   CLUSTER_SERVER     folder of another server version (bin/server, bin/client, env, template)
#   CLUSTER_MARIADBD   server program, default mariadbd
#   CLUSTER_DURABLE=0  flush less (only when the disk is slow; data lie in memory if it fits)
#   CLUSTER_OWNER      process whose end takes the cluster down, default this shell; 0 = nobody
#   CLUSTER_BASE       folder for the cluster's files, default /dev/shm or the temp folder
#   CLUSTER_KEEP=1     cluster_down keeps the files, for a look at them
#
# What a cluster is stands in $CLUSTER_DIR/env, so that other shells can join it by name with
# cluster_join.  Files: $CLUSTER_DIR/db1/{error.log,srv,run,...}, ssh/, admin.cnf, app.cnf.

CLUSTER_LIB=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
CLUSTER_ROOT=$(cd "$CLUSTER_LIB/../.." && pwd)
CLUSTER_REGISTRY=${CLUSTER_REGISTRY:-/tmp/baton-clusters}

# The accounts of every cluster.  The characters are there to find bad quoting.
# shellcheck disable=SC2016,SC2034
{
    ADMIN_USER=baton ADMIN_PASSWORD='p#w$d'\''x'
    REPL_USER=repl REPL_PASSWORD='re"pl;y\$1'
    APP_USER=app APP_PASSWORD='app&<word>'
}

# shellcheck source=tests/lib/template.bash
source "$CLUSTER_LIB/template.bash"
# shellcheck source=tests/lib/host.bash
source "$CLUSTER_LIB/host.bash"
# shellcheck source=tests/lib/replication.bash
source "$CLUSTER_LIB/replication.bash"
# shellcheck source=tests/lib/vip.bash
source "$CLUSTER_LIB/vip.bash"

# --- words ----------------------------------------------------------------------------------

cluster_say() { printf 'cluster: %s\n' "$*" >&2; }

# cluster_wait DESCRIPTION SECONDS COMMAND...: runs COMMAND until it succeeds.
cluster_wait() {
    local what=$1 seconds=$2 output end
    shift 2
    end=$((${EPOCHREALTIME/[.,]/} + seconds * 1000000))
    until output=$("$@" 2>&1); do
        if ((${EPOCHREALTIME/[.,]/} > end)); then
            cluster_say "waited $seconds s in vain for: $what"
            cluster_say "last answer of \"$*\": $output"
            return 1
        fi
        sleep 0.03
    done
}

# The database hosts, in order.
cluster_hosts() {
    local n
    for ((n = 1; n <= CLUSTER_SIZE; n++)); do echo "db$n"; done
}

# --- up -------------------------------------------------------------------------------------

# Fails with 77 and the reason where this machine cannot have a cluster.
cluster_check() {
    local probe=btprobe$BASHPID program why
    if ((EUID != 0)); then
        cluster_say "skipped: network namespaces need root"
        return 77
    fi
    for program in ip nsenter unshare ssh-keygen jq; do
        if ! command -v "$program" >/dev/null; then
            cluster_say "skipped: $program is not installed (make deps)"
            return 77
        fi
    done
    if ! template_servers_exist; then
        cluster_say "skipped: no ${CLUSTER_SERVER:-mariadbd or mariadb-install-db} (make deps)"
        return 77
    fi
    if [[ ! -x $HOST_SSHD ]]; then
        cluster_say "skipped: $HOST_SSHD is not installed (make deps)"
        return 77
    fi
    if ! why=$({ ip netns add "$probe" && ip -n "$probe" link add br0 type bridge &&
        ip -n "$probe" link add v0 type veth peer name v1 &&
        unshare --mount --uts --pid --fork true; } 2>&1); then
        ip netns del "$probe" 2>/dev/null
        why=${why##*$'\n'}
        cluster_say "skipped: this machine does not let us make network namespaces" \
            "(in a container: --privileged): $why"
        return 77
    fi
    ip netns del "$probe"
}

# cluster_up N [SERVER OPTION...]: N hosts, all servers running, nobody replicating yet.
cluster_up() {
    local size=$1
    shift
    if [[ ! $size =~ ^[1-9][0-9]?$ ]]; then
        cluster_say "cluster_up: \"$size\" hosts, allowed are 1 to 99"
        return 2
    fi
    cluster_check || return
    template_prepare || return
    CLUSTER_NAME=${CLUSTER_NAME:-bt$$}
    CLUSTER_SIZE=$size
    cluster_register || return
    if ! cluster_build "$@"; then
        cluster_logs
        cluster_down
        return 1
    fi
}

# Memory if it has room, so that servers may flush as often as they like.
cluster_base() {
    local free
    free=$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1)
    if ((${free:-0} > 200000 * CLUSTER_SIZE)); then
        echo /dev/shm
    else
        echo "${TMPDIR:-/tmp}"
    fi
}

# Takes the name and a subnet nobody else has: a link can be made by one of us only.
cluster_register() {
    local n base=${CLUSTER_BASE:-}
    if [[ ! $CLUSTER_NAME =~ ^[a-z0-9_]{1,40}$ ]]; then
        cluster_say "name \"$CLUSTER_NAME\" is not made of a-z, 0-9 and _"
        return 2
    fi
    [[ -n $base ]] || base=$(cluster_base)
    CLUSTER_DIR=$base/baton-$CLUSTER_NAME
    if ((${#CLUSTER_DIR} > 70)); then
        cluster_say "\"$CLUSTER_DIR\" is too long for the paths of sockets below it (70 at most)"
        return 2
    fi
    mkdir -p "$CLUSTER_REGISTRY"
    if ! ln -sT "$CLUSTER_DIR" "$CLUSTER_REGISTRY/$CLUSTER_NAME" 2>/dev/null; then
        cluster_say "a cluster named \"$CLUSTER_NAME\" exists; see scripts/cluster status," \
            "or scripts/cluster down --name $CLUSTER_NAME"
        return 2
    fi
    for ((n = 0; n < 255; n++)); do
        ln -sT "$CLUSTER_NAME" "$CLUSTER_REGISTRY/.subnet-$n" 2>/dev/null && break
    done
    CLUSTER_SUBNET=$n
    CLUSTER_NET=10.77.$n
    CLUSTER_NET6=fd77:$n:
    VIP=$CLUSTER_NET.100
    VIP6=$CLUSTER_NET6:100
    rm -rf "$CLUSTER_DIR"
    (umask 077 && mkdir -p "$CLUSTER_DIR") || return
    declare -p CLUSTER_NAME CLUSTER_SIZE CLUSTER_DIR CLUSTER_SUBNET CLUSTER_NET CLUSTER_NET6 VIP \
        VIP6 CLUSTER_SERVERD CLUSTER_CLIENT CLUSTER_BINLOG CLUSTER_KIND CLUSTER_SERVER_OPTIONS |
        sed -e "s/^declare --/declare -g/;t" -e "s/^declare -/declare -g/" >"$CLUSTER_DIR/env"
    export CLUSTER_NAME
}

# cluster_join NAME: sets this shell's variables to those of a running cluster.
cluster_join() {
    local dir
    dir=$(readlink "$CLUSTER_REGISTRY/$1") || {
        cluster_say "no cluster named \"$1\""
        return 2
    }
    if [[ -r $dir/env ]]; then
        # shellcheck disable=SC1091
        source "$dir/env"
    else
        CLUSTER_NAME=$1 CLUSTER_DIR=$dir CLUSTER_SIZE=0 # died between two steps of cluster_up
    fi
}

cluster_build() {
    local host jobs=() job failed=0
    cluster_guard
    cluster_wire || return
    cluster_keys || return
    cluster_credentials
    for host in $(cluster_hosts); do
        (host_create "$host" "$@" && host_sshd_start "$host" && host_start "$host") 3>&- &
        jobs+=($!)
    done
    for job in "${jobs[@]}"; do wait "$job" || failed=1; done
    return "$failed"
}

# Bridge and cables, all of it inside namespaces.
cluster_wire() {
    local net host n
    net=$(host_netns net)
    ip netns add "$net" || return
    {
        echo "link add br0 type bridge forward_delay 0 mcast_snooping 0"
        echo "link set br0 up"
        n=0
        for host in $(cluster_hosts) manager client; do
            ip netns add "$(host_netns "$host")" || return
            echo "link add $host type veth peer name eth0 netns $(host_netns "$host")"
            echo "link set $host master br0 up"
        done
    } | ip -n "$net" -batch - || return
    for host in $(cluster_hosts) manager client; do
        n=$(host_number "$host")
        ip -n "$(host_netns "$host")" -batch - <<END || return
link set lo up
link set eth0 address $(host_mac "$host")
link set eth0 up
address add $CLUSTER_NET.$n/24 brd + dev eth0
END
        # A machine without IPv6 can have all the rest.
        ip -n "$(host_netns "$host")" address add "$CLUSTER_NET6:$n/64" dev eth0 nodad 2>/dev/null
    done
    return 0
}

# One key for the manager, one host key per host; nothing of ~/.ssh is used or changed.
cluster_keys() {
    local ssh=$CLUSTER_DIR/ssh host
    mkdir -m 700 "$ssh"
    ssh-keygen -q -t ed25519 -N '' -C "cluster $CLUSTER_NAME" -f "$ssh/key" || return
    for host in $(cluster_hosts); do
        ssh-keygen -q -t ed25519 -N '' -C "$host" -f "$ssh/$host" || return
        echo "$host,$(host_address "$host") $(cut -d ' ' -f 1,2 "$ssh/$host.pub")"
    done >"$ssh/known_hosts"
    cat >"$ssh/config" <<END
Host *
    User root
    IdentityFile $ssh/key
    IdentitiesOnly yes
    UserKnownHostsFile $ssh/known_hosts
    GlobalKnownHostsFile /dev/null
    StrictHostKeyChecking yes
    BatchMode yes
    LogLevel ERROR
END
    for host in $(cluster_hosts); do
        printf 'Host %s\n    HostName %s\n' "$host" "$(host_address "$host")"
    done >>"$ssh/config"
}

# Option files for SQL clients, so that no password is ever typed or seen by ps.
cluster_credentials() {
    local account user password
    for account in admin app repl; do
        user=${account^^}_USER password=${account^^}_PASSWORD
        password=${!password//\\/\\\\}
        (umask 077 && printf '[client]\nuser=%s\npassword="%s"\n' "${!user}" \
            "${password//\"/\\\"}" >"$CLUSTER_DIR/$account.cnf")
    done
}

# When the owner ends, however it ends, the cluster goes down.
cluster_guard() {
    local owner=${CLUSTER_OWNER:-$$}
    ((owner == 0)) && return
    setsid "$CLUSTER_LIB/cluster-guard" "$owner" "$CLUSTER_NAME" "$CLUSTER_REGISTRY" \
        </dev/null >/dev/null 2>&1 3>&- 4>&- &
    echo $! >"$CLUSTER_DIR/guard.pid"
    disown $!
}

# --- down -----------------------------------------------------------------------------------

# cluster_down [NAME]: kills what runs in the cluster's namespaces, removes them and the files.
# Right after any half-finished cluster_up, and when called twice.
cluster_down() {
    local name=${1:-${CLUSTER_NAME:-}}
    # Under "set -e" too, a step that fails must not keep the next from being done.
    [[ -z $name ]] || cluster_remove "$name" || true
}

cluster_remove() {
    local name=$1 dir link netns
    dir=$(readlink "$CLUSTER_REGISTRY/$name")
    if [[ -n $dir && -r $dir/guard.pid && -z ${CLUSTER_IS_GUARD:-} ]]; then
        kill -9 -- "-$(<"$dir/guard.pid")" 2>/dev/null
    fi
    for netns in $(cluster_netns "$name"); do
        cluster_netns_kill "$netns"
        ip netns del "$netns"
    done
    if [[ -n $dir && -z ${CLUSTER_KEEP:-} ]]; then
        rm -rf "$dir"
    fi
    for link in "$CLUSTER_REGISTRY"/.subnet-*; do
        [[ $(readlink "$link") == "$name" ]] && rm -f "$link"
    done
    rm -f "$CLUSTER_REGISTRY/$name"
    rmdir "$CLUSTER_REGISTRY" 2>/dev/null
}

# The network namespaces of a cluster; the dot keeps "a" apart from "ab".
cluster_netns() {
    ip netns list 2>/dev/null | awk -v prefix="bt-$1." 'index($1, prefix) == 1 {print $1}'
}

# A process that is born while we look is found by the next round.
cluster_netns_kill() {
    local pids pid
    while pids=$(ip netns pids "$1" 2>/dev/null) && [[ -n $pids ]]; do
        for pid in $pids; do
            # unshare waits for its host-init and ends with it: it must live to reap it.
            [[ $(cat "/proc/$pid/comm" 2>/dev/null) == unshare ]] || kill -9 "$pid" 2>/dev/null
        done
        sleep 0.01
    done
}

# --- looking --------------------------------------------------------------------------------

# The last lines of every host's logs, for a test that failed.
cluster_logs() {
    local log
    [[ -n ${CLUSTER_DIR:-} ]] || return 0
    for log in "$CLUSTER_DIR"/*/error.log "$CLUSTER_DIR"/*/sshd.log; do
        [[ -s $log ]] || continue
        printf -- '--- %s\n' "$log"
        tail -n "${1:-15}" "$log"
    done >&2
}

# cluster_diff HOST HOST...: says how the data of the hosts differ; 0 = not at all.
# Every table outside the system schemas is compared by checksum, small ones row by row.
cluster_diff() {
    local first=$1 host tables table same=0
    tables=$(cluster_tables "$first") || return 2
    for host in "${@:2}"; do
        if [[ $(cluster_tables "$host") != "$tables" ]]; then
            diff --label "$first" --label "$host" -u <(echo "$tables") <(cluster_tables "$host")
            same=1
        fi
    done
    for table in $tables; do
        for host in "${@:2}"; do
            cluster_table_is_same "$table" "$first" "$host" || same=1
        done
    done
    return "$same"
}

# Not the table where a server without GTIDs keeps how far a diff log was applied to it.
cluster_tables() {
    host_sql "$1" "SELECT CONCAT('\`', table_schema, '\`.\`', table_name, '\`')
        FROM information_schema.tables WHERE table_type = 'BASE TABLE' AND table_schema NOT IN
        ('mysql', 'sys', 'information_schema', 'performance_schema', 'baton') ORDER BY 1"
}

cluster_table_is_same() {
    local table=$1 a=$2 b=$3 sum_a sum_b
    sum_a=$(host_sql "$a" "CHECKSUM TABLE $table EXTENDED") || return 2
    sum_b=$(host_sql "$b" "CHECKSUM TABLE $table EXTENDED") || return 2
    if [[ $sum_a != "$sum_b" || $table == *ledger* ]] &&
        ! diff --label "$a $table" --label "$b $table" -u \
            <(host_sql "$a" "SELECT * FROM $table" | LC_ALL=C sort) \
            <(host_sql "$b" "SELECT * FROM $table" | LC_ALL=C sort) | head -n 20; then
        return 1
    fi
    [[ $sum_a == "$sum_b" ]] || {
        echo "$table: checksum ${sum_a##*$'\t'} on $a, ${sum_b##*$'\t'} on $b"
        return 1
    }
}

# --- MHA's configuration file ---------------------------------------------------------------

# conf_write FILE [KEY=VALUE | serverN.KEY=VALUE]...: an MHA configuration of this cluster.
# Later pairs replace earlier ones; an empty value removes the key.
conf_write() {
    local file=$1 pair host n
    shift
    local -A value=()
    local order=(user password repl_user repl_password ssh_user ssh_options manager_workdir
        remote_workdir master_binlog_dir ping_interval vip vip_interface)
    value[user]=$ADMIN_USER value[password]=$ADMIN_PASSWORD
    value[repl_user]=$REPL_USER value[repl_password]=$REPL_PASSWORD
    value[ssh_user]=root value[ssh_options]="-F $CLUSTER_DIR/ssh/config"
    value[manager_workdir]=$CLUSTER_DIR/manager value[remote_workdir]=/run/baton
    value[master_binlog_dir]=/srv/mysql value[ping_interval]=1
    value[vip]=$VIP/24 value[vip_interface]=eth0
    for pair in "$@"; do
        [[ $pair == server[0-9]*.* || -v value[${pair%%=*}] ]] || order+=("${pair%%=*}")
        value[${pair%%=*}]=${pair#*=}
    done
    mkdir -p "$CLUSTER_DIR/manager"
    {
        echo "[server default]"
        for pair in "${order[@]}"; do
            [[ -z ${value[$pair]} ]] || echo "$pair=${value[$pair]}"
        done
        for host in $(cluster_hosts); do
            n=${host#db}
            printf '\n[server%s]\n' "$n"
            [[ -v value[server$n.hostname] ]] || echo "hostname=$(host_address "$host")"
            for pair in "${!value[@]}"; do
                [[ $pair != "server$n."* ]] || echo "${pair#*.}=${value[$pair]}"
            done
        done
    } >"$file.new"
    chmod 600 "$file.new"
    mv "$file.new" "$file"
}
