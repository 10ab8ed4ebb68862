# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# server.bash - single servers in a folder of the test, for tests that need no network.
#
#     server_template DIR             once per file
#     server_start NAME [OPTION...]   unix socket only; again after server_stop or server_kill
#     server_sql NAME [SQL]           SQL or standard input
#     server_remove                   all of them, and the folder

server_template() {
    SERVER_DIR=$1
    export SERVER_DIR
    mkdir -p "$SERVER_DIR/template" "$SERVER_DIR/template.tmp" # a shared tmpdir loses its files
    mariadb-install-db --no-defaults --user=root --datadir="$SERVER_DIR/template" \
        --tmpdir="$SERVER_DIR/template.tmp" \
        --auth-root-authentication-method=normal --skip-test-db --skip-name-resolve \
        --innodb-log-file-size=16M >"$SERVER_DIR/install.log" 2>&1 ||
        { cat "$SERVER_DIR/install.log" >&2; return 1; }
}

server_socket() { echo "$SERVER_DIR/$1/s"; }

server_start() {
    local name=$1 dir=$SERVER_DIR/$1
    shift
    if [[ ! -d $dir ]]; then
        mkdir -p "$dir/tmp"
        cp -a "$SERVER_DIR/template" "$dir/data"
    fi
    rm -f "$dir/s"
    "$(command -v mariadbd || echo /usr/sbin/mariadbd)" --no-defaults --user=root \
        --datadir="$dir/data" --tmpdir="$dir/tmp" --socket="$dir/s" --pid-file="$dir/pid" \
        --log-error="$dir/log" --skip-networking --skip-name-resolve --log-bin=bin \
        --server-id="$((RANDOM + 1000))" --innodb-log-file-size=16M \
        --innodb-buffer-pool-size=32M --innodb-flush-log-at-trx-commit=2 --sync-binlog=0 \
        --character-set-server=utf8mb4 --log-bin-trust-function-creators=1 --local-infile=1 \
        --secure-file-priv= --performance-schema=OFF "$@" >/dev/null 2>&1 3>&- </dev/null &
    echo $! >"$dir/shell.pid"
    server_wait "$name"
}

server_wait() {
    local i
    for ((i = 0; i < 300; i++)); do
        mariadb --no-defaults -uroot -S "$(server_socket "$1")" -e "SELECT 1" \
            >/dev/null 2>&1 && return
        [[ -d /proc/$(<"$SERVER_DIR/$1/shell.pid") ]] || break
        read -rt 0.1 <> <(:) || true
    done
    tail -n 20 "$SERVER_DIR/$1/log" >&2
    return 1
}

server_sql() {
    local name=$1
    shift
    if (($#)); then
        mariadb --no-defaults -uroot -N -S "$(server_socket "$name")" -e "$*"
    else
        mariadb --no-defaults -uroot -N -S "$(server_socket "$name")"
    fi
}

server_kill() { server_end "$1" KILL; }
server_stop() { server_end "$1" TERM; }

server_end() {
    local pid i
    pid=$(<"$SERVER_DIR/$1/shell.pid")
    kill "-$2" "$pid" 2>/dev/null || return 0
    for ((i = 0; i < 300; i++)); do
        [[ -d /proc/$pid ]] || return 0
        [[ $(cut -d ' ' -f 3 "/proc/$pid/stat" 2>/dev/null) != Z ]] || return 0
        read -rt 0.1 <> <(:) || true
    done
    return 1
}

# The binary logs of a server, in order.
server_logs() { ls "$SERVER_DIR/$1"/data/bin.[0-9]*; }

# Everything that makes two servers equal: checksums, AUTO_INCREMENT, GTID state.  Each table is
# read once before: CHECKSUM TABLE of 10.11 differs on a table with stored columns that was not.
server_state() {
    local table
    server_sql "$1" "SELECT table_schema, table_name, table_type, auto_increment
        FROM information_schema.tables WHERE table_schema NOT IN
        ('mysql', 'sys', 'performance_schema', 'information_schema') ORDER BY 1, 2"
    server_sql "$1" "SELECT CONCAT('\`', REPLACE(table_schema, '\`', '\`\`'), '\`.\`',
            REPLACE(table_name, '\`', '\`\`'), '\`')
        FROM information_schema.tables WHERE table_schema NOT IN
        ('mysql', 'sys', 'performance_schema', 'information_schema')
        AND table_type <> 'VIEW' ORDER BY 1" | while IFS= read -r table; do
        server_sql "$1" "SELECT * FROM $table" >/dev/null
        server_sql "$1" "CHECKSUM TABLE $table"
    done
    server_sql "$1" "SELECT @@gtid_binlog_state"
}

server_remove() {
    local dir
    for dir in "$SERVER_DIR"/*/; do
        [[ ! -f $dir/shell.pid ]] || server_kill "$(basename "$dir")"
    done
    rm -rf "$SERVER_DIR"
}

server_drop_databases() {
    local db
    server_sql "$1" "SHOW DATABASES" | while IFS= read -r db; do
        case $db in mysql | sys | performance_schema | information_schema) continue ;; esac
        server_sql "$1" "DROP DATABASE \`$db\`"
    done
}
