# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# servers.bash - real MariaDB servers for the cli ring: plain processes on 127.0.0.1, no namespaces.
#
#     servers_init                      once (setup_file): a folder and an empty data folder in it
#     server_start NAME ID [OPTION...]  starts (again) the server NAME; its data in $SERVERS/NAME
#     server_sql NAME SQL...            runs SQL, prints rows without headers
#     server_follow NAME PRIMARY [no|slave_pos]
#     server_wait NAME SECONDS COMMAND  until the command prints a line that is not empty
#     server_kill NAME                  kill -9, as a crash
#     servers_done                      once (teardown_file): kills and removes all

servers_init() {
    SERVERS=$(mktemp -d "${TMPDIR:-/tmp}/baton-servers.XXXXXX") || return
    export SERVERS
    # Servers that share one delete each other's #sql files when they start.
    mkdir -p "$SERVERS/tmp/template"
    mariadb-install-db --no-defaults --force --user=root --datadir="$SERVERS/template" \
        --tmpdir="$SERVERS/tmp/template" --skip-test-db \
        --auth-root-authentication-method=normal --innodb-log-file-size=8M \
        >"$SERVERS/install.log" 2>&1 || { cat "$SERVERS/install.log" >&2; return 1; }
}

servers_done() {
    local pid
    [[ -n ${SERVERS:-} ]] || return 0
    for pid in "$SERVERS"/*.pid; do
        [[ ! -e $pid ]] || kill -9 "$(<"$pid")" 2>/dev/null || true
    done
    rm -rf "$SERVERS"
}

# Starts on a free port; again on the port it had.  Another process may take the port first, so it
# is tried again.
server_start() {
    local name=$1 id=$2 port try pid
    shift 2
    [[ -d $SERVERS/$name ]] || cp -a "$SERVERS/template" "$SERVERS/$name"
    mkdir -p "$SERVERS/tmp/$name"
    for try in 1 2 3 4 5; do
        port=$((20000 + (RANDOM * 32768 + RANDOM) % 10000))
        ((try == 1)) && [[ -s $SERVERS/$name.port ]] && port=$(<"$SERVERS/$name.port")
        mariadbd --no-defaults --user=root --datadir="$SERVERS/$name" \
            --tmpdir="$SERVERS/tmp/$name" --server-id="$id" \
            --socket="$SERVERS/$name.sock" --pid-file="$SERVERS/$name.server-pid" --port="$port" \
            --bind-address=127.0.0.1 --innodb-buffer-pool-size=16M --innodb-log-file-size=8M \
            --performance-schema=OFF --skip-name-resolve --skip-slave-start \
            --log-bin=bin --relay-log=relay-bin --relay-log-purge=OFF \
            --innodb-flush-log-at-trx-commit=2 --sync-binlog=0 "$@" \
            >>"$SERVERS/$name.log" 2>&1 3>&- &
        pid=$!
        disown "$pid" # its end by SIGKILL is no news to the shell
        echo "$pid" >"$SERVERS/$name.pid"
        echo "$port" >"$SERVERS/$name.port"
        for _ in {1..600}; do
            server_sql "$name" "SELECT 1" >/dev/null 2>&1 && return
            kill -0 "$pid" 2>/dev/null || break
            read -r -t 0.1 <> <(:) || true
        done
        kill -9 "$pid" 2>/dev/null || true # it has ended by itself: another try, under set -e too
        while kill -0 "$pid" 2>/dev/null; do read -r -t 0.05 <> <(:) || true; done
        echo "try $try of $name failed" >>"$SERVERS/$name.log"
    done
    tail -n 20 "$SERVERS/$name.log" >&2
    return 1
}

server_sql() {
    local name=$1
    shift
    mariadb --no-defaults --user=root --socket="$SERVERS/$name.sock" --batch --skip-column-names \
        --execute="$*"
}

# As above, with a database and SQL from stdin.
server_pipe() {
    local name=$1
    shift
    mariadb --no-defaults --user=root --socket="$SERVERS/$name.sock" "$@"
}

server_kill() {
    kill -9 "$(<"$SERVERS/$1.pid")"
    while kill -0 "$(<"$SERVERS/$1.pid")" 2>/dev/null; do read -r -t 0.05 <> <(:) || true; done
    rm -f "$SERVERS/$1.pid"
}

server_follow() {
    local name=$1 primary=$2 gtid=${3:-no}
    server_sql "$primary" "CREATE USER IF NOT EXISTS rep@'127.0.0.1' IDENTIFIED BY 'secret-of-rep';
        GRANT REPLICATION SLAVE ON *.* TO rep@'127.0.0.1'"
    server_sql "$name" "CHANGE MASTER TO MASTER_HOST='127.0.0.1',
        MASTER_PORT=$(<"$SERVERS/$primary.port"), MASTER_USER='rep',
        MASTER_PASSWORD='secret-of-rep', MASTER_LOG_FILE='bin.000001', MASTER_LOG_POS=4,
        MASTER_USE_GTID=$gtid; START SLAVE"
}

# One field of SHOW SLAVE STATUS.
server_status() {
    mariadb --no-defaults --user=root --socket="$SERVERS/$1.sock" \
        --execute='SHOW SLAVE STATUS\G' | sed -n "s/^ *$2: //p"
}

server_wait() {
    local name=$1 seconds=$2 end=$((SECONDS + $2))
    shift 2
    while ((SECONDS < end)); do
        [[ -n $("$@") ]] && return
        read -r -t 0.05 <> <(:) || true
    done
    echo "$name: waited ${seconds}s for: $*" >&2
    return 1
}

# Until the replica has received all that the primary has written.
server_wait_received() {
    local name=$1 primary=$2
    server_wait "$name" 60 server_has_received "$name" "$primary"
}

server_has_received() {
    local want have
    want=$(server_sql "$2" "SHOW MASTER STATUS" | cut -f 1,2 | tr '\t' ':')
    have=$(server_status "$1" Master_Log_File):$(server_status "$1" Read_Master_Log_Pos)
    [[ $want == "$have" ]] && echo yes
}

server_wait_applied() {
    server_wait "$1" 60 server_has_applied "$1"
}

server_has_applied() {
    [[ $(server_status "$1" Exec_Master_Log_Pos) == "$(server_status "$1" Read_Master_Log_Pos)" &&
        $(server_status "$1" Relay_Master_Log_File) == "$(server_status "$1" Master_Log_File)" ]] &&
        echo yes
}

# Checksums of every table of database d.
server_checksums() {
    local name=$1 table
    server_sql "$name" "SELECT table_name FROM information_schema.tables
        WHERE table_schema = 'd' AND table_type = 'BASE TABLE' ORDER BY 1" |
        while read -r table; do
            server_sql "$name" "CHECKSUM TABLE d.$table"
        done
}
