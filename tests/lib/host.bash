# shellcheck shell=bash disable=SC2119,SC2120
# SPDX-License-Identifier: Apache-2.0
#
# host.bash - one host of a cluster: its processes, its cable, its sshd.  Part of cluster.bash.
#
# HOST is db1..dbN; host_exec takes "manager" and "client" too.

HOST_SSHD=${HOST_SSHD:-/usr/sbin/sshd}

host_netns() { echo "bt-$CLUSTER_NAME.$1"; }

# Last byte of a host's addresses.
host_number() {
    case $1 in
    db*) echo "${1#db}" ;;
    manager) echo 200 ;;
    client) echo 201 ;;
    esac
}

host_address() { echo "$CLUSTER_NET.$(host_number "$1")"; }
host_address6() { echo "$CLUSTER_NET6:$(host_number "$1")"; }

# The number is written in decimal so that a neighbour table can be read by eye.
host_mac() {
    local n
    n=$(host_number "$1")
    printf '02:77:00:00:%02d:%02d\n' $((n / 100)) $((n % 100))
}

# Which host has this hardware address; nothing if none.
host_of_mac() {
    local host
    for host in $(cluster_hosts) manager client; do
        [[ $(host_mac "$host") != "$1" ]] || echo "$host"
    done
}

# host_exec HOST COMMAND...: runs it in the host's namespaces.
host_exec() {
    local host=$1
    shift
    if [[ $host == db* ]]; then
        nsenter --target "$(<"$CLUSTER_DIR/$host/init.pid")" --net --uts --mount --pid -- "$@"
    else
        nsenter --net="/run/netns/$(host_netns "$host")" -- "$@"
    fi
}

# Starts a daemon on the host that outlives this shell.
host_spawn() {
    local host=$1 log=$2
    shift 2
    host_exec "$host" setsid --fork "$@" </dev/null >>"$log" 2>&1 3>&- 4>&-
}

# --- life -----------------------------------------------------------------------------------

# host_create HOST [SERVER OPTION...]: files and namespaces; nothing runs on it yet.
host_create() {
    local host=$1 dir=$CLUSTER_DIR/$1
    shift
    mkdir -p "$dir"/{run/mysqld/tmp,run/sshd,srv,home} || return
    chmod 755 "$dir/run" "$dir/run/sshd"
    cp -a "$CLUSTER_TEMPLATE" "$dir/srv/mysql" || return
    {
        echo "127.0.0.1 localhost"
        local other
        for other in $(cluster_hosts) manager client; do
            echo "$(host_address "$other") $other"
        done
    } >"$dir/hosts"
    # Without PAM, sshd refuses root when its password is locked with "!".
    if grep -q '^root:!' /etc/shadow; then
        (umask 077 && sed 's/^root:!*/root:*/' /etc/shadow >"$dir/shadow")
    fi
    host_server_options "$host" "$@" >"$dir/server.options"
    host_boot "$host"
}

# One option per line.  A restarted host comes back read-only, as a careful site has it.
host_server_options() {
    local host=$1 n=${1#db}
    shift
    printf '%s\n' "${CLUSTER_SERVER_OPTIONS[@]}" \
        --datadir=/srv/mysql --tmpdir=/run/mysqld/tmp --socket=/run/mysqld/mysqld.sock \
        --pid-file=/run/mysqld/mysqld.pid --log-error="$CLUSTER_DIR/$host/error.log" \
        --port=3306 --server-id="$n" --report-host="$(host_address "$host")" \
        --log-bin=bin --log-slave-updates=ON --relay-log=relay --read-only=ON "$@"
}

# Gives the host its process 1, at first and after host_power_off.
host_boot() {
    local host=$1 dir=$CLUSTER_DIR/$1
    rm -f "$dir/init.pid" "$dir/run/mysqld/"*.* "$dir/run/sshd.pid"
    setsid nsenter --net="/run/netns/$(host_netns "$host")" \
        unshare --mount --propagation private --uts --pid --fork --kill-child \
        "$CLUSTER_LIB/host-init" "$dir" \
        </dev/null >"$dir/init.log" 2>&1 3>&- 4>&- &
    disown $!
    cluster_wait "$host to boot" 10 host_has_booted "$host"
}

host_has_booted() {
    [[ -e $CLUSTER_DIR/$1/init.pid ]] || {
        cat "$CLUSTER_DIR/$1/init.log"
        false
    }
}

# Every process of the host is gone at once and its cable is dead.
host_power_off() {
    host_link_down "$1"
    kill -9 "$(<"$CLUSTER_DIR/$1/init.pid")"
    cluster_wait "$1 to be off" 10 host_is_off "$1"
}

host_is_off() { [[ -z $(ip netns pids "$(host_netns "$1")") ]]; }

host_power_on() {
    host_boot "$1" && host_link_up "$1" && host_sshd_start "$1" && host_start "$1"
}

# --- the server -----------------------------------------------------------------------------

# host_start HOST [SERVER OPTION...]: starts its server and waits until it answers.
host_start() {
    local host=$1 options
    shift
    mapfile -t options <"$CLUSTER_DIR/$host/server.options"
    host_spawn "$host" "$CLUSTER_DIR/$host/error.log" "$CLUSTER_SERVERD" "${options[@]}" "$@" ||
        return
    cluster_wait "the server of $host to answer" 60 host_answers "$host"
}

host_answers() { host_sql "$1" "SELECT 1"; }

# host_stop HOST [clean|-9|-STOP|-CONT]: a clean shutdown or a signal.  Waits until the process
# has ended (not for -STOP and -CONT).
host_stop() {
    local host=$1 how=${2:-clean} pid
    pid=$(host_server_pid "$host") || {
        cluster_say "host_stop: no server runs on $host"
        return 1
    }
    [[ $how == clean ]] && how=-TERM
    host_exec "$host" kill "$how" "$pid" || return
    [[ $how == -STOP || $how == -CONT ]] || cluster_wait "the server of $host to end" 60 \
        host_server_is_gone "$host"
}

# The server's process id as the host sees it, by its command line: started through a loader
# it has another name, and a pid file outlives a kill -9.
host_server_pid() {
    local file
    # A process that ends meanwhile makes grep fail although it has found the server.
    file=$(host_exec "$1" bash -c "grep -lsaxz -e '--datadir=[/]srv/mysql' /proc/[0-9]*/cmdline")
    [[ -n $file ]] && basename "${file%/cmdline}"
}

host_server_is_gone() { ! host_server_pid "$1" >/dev/null; }

# host_pids HOST NAME...: process ids on the host of programs with one of these names.
host_pids() {
    local host=$1
    shift
    # shellcheck disable=SC2016
    host_exec "$host" bash -c 'for dir in /proc/[0-9]*; do
        read -r name <"$dir/comm" && read -r _ _ state _ <"$dir/stat" || continue
        for want; do [[ $name == "$want" && $state != Z ]] && echo "${dir#/proc/}"; done
    done 2>/dev/null | sort -un' bash "$@"
}

# host_sql HOST SQL: as root over the socket; rows tab-separated, no headings.
host_sql() { host_client "$1" --batch --skip-column-names --execute="$2"; }

# One row as "  column: value" lines.
host_sql_row() { host_client "$1" --vertical --execute="$2"; }

# host_client HOST OPTION...: the SQL client, as root over the socket, ended after a while.
host_client() {
    timeout "${HOST_SQL_SECONDS:-30}" "${CLUSTER_CLIENT[@]}" --user=root \
        --socket="$CLUSTER_DIR/$1/run/mysqld/mysqld.sock" "${@:2}"
}

# --- the cable ------------------------------------------------------------------------------

# The host keeps running; nobody hears it and it hears nobody.
host_link_down() { ip -n "$(host_netns net)" link set "$1" down; }
host_link_up() { ip -n "$(host_netns net)" link set "$1" up; }

# --- sshd -----------------------------------------------------------------------------------

host_sshd_start() {
    local host=$1 dir=$CLUSTER_DIR/$1
    cat >"$dir/sshd_config" <<END
ListenAddress 0.0.0.0
HostKey $CLUSTER_DIR/ssh/$host
AuthorizedKeysFile $CLUSTER_DIR/ssh/key.pub
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
StrictModes no
UsePAM no
UseDNS no
PrintMotd no
PrintLastLog no
MaxStartups 100
PidFile /run/sshd.pid
SetEnv HOME=$dir/home XDG_CACHE_HOME=$dir/home/.cache
Subsystem sftp internal-sftp
END
    host_spawn "$host" "$dir/sshd.log" "$HOST_SSHD" -f "$dir/sshd_config" -D -e || return
    cluster_wait "the sshd of $host" 10 test -s "$dir/run/sshd.pid"
}

# Connections are refused, sessions that exist are cut.
host_ssh_break() { host_sshd_signal "$1" -9 && rm -f "$CLUSTER_DIR/$1/run/sshd.pid"; }

# New connections are accepted by the kernel and never answered; sessions that exist stand still.
host_ssh_hang() { host_sshd_signal "$1" -STOP; }

# Mends both.
host_ssh_restore() {
    host_sshd_signal "$1" -CONT 2>/dev/null || true
    [[ -e $CLUSTER_DIR/$1/run/sshd.pid ]] || host_sshd_start "$1"
}

host_sshd_signal() {
    local pids
    pids=$(host_pids "$1" sshd)
    if [[ -z $pids ]]; then
        cluster_say "no sshd runs on $1"
        return 1
    fi
    # shellcheck disable=SC2086
    host_exec "$1" kill "$2" $pids
}
