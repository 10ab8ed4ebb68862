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
    mariadb-install-db --no-defaults --force --user=root --datadir="$SERVER_DIR/template" \
        --tmpdir="$SERVER_DIR/template.tmp" \
        --auth-root-authentication-method=normal --skip-test-db --skip-name-resolve \
        --innodb-log-file-size=16M >"$SERVER_DIR/install.log" 2>&1 ||
        { cat "$SERVER_DIR/install.log" >&2; return 1; }
}

server_socket() { echo "$SERVER_DIR/$1/s"; }

# The server NAME will be the one in FOLDER, not the installed one: it holds `env` (OPTS),
# bin/server and an empty data folder `template`.
server_of() { # NAME FOLDER
    local dir=$SERVER_DIR/$1 OPTS=''
    # shellcheck disable=SC1091
    source "$2/env"
    mkdir -p "$dir/tmp"
    cp -a "$2/template" "$dir/data"
    rm -f "$dir/data/.done"
    echo "$2/bin/server $OPTS" >"$dir/program"
}

server_start() {
    local name=$1 dir=$SERVER_DIR/$1 program
    shift
    if [[ ! -d $dir ]]; then
        mkdir -p "$dir/tmp"
        cp -a "$SERVER_DIR/template" "$dir/data"
    fi
    rm -f "$dir/s"
    read -ra program < <(cat "$dir/program" 2>/dev/null ||
        echo "$(command -v mariadbd || echo /usr/sbin/mariadbd) --no-defaults")
    "${program[@]}" --user=root \
        --datadir="$dir/data" --tmpdir="$dir/tmp" --socket="$dir/s" --pid-file="$dir/pid" \
        --log-error="$dir/log" --skip-networking --skip-name-resolve --log-bin=bin \
        --server-id="$((RANDOM + 1000))" --innodb-log-file-size=16M \
        --innodb-buffer-pool-size=32M --innodb-flush-log-at-trx-commit=2 --sync-binlog=0 \
        --character-set-server=utf8mb4 --log-bin-trust-function-creators=1 --local-infile=1 \
        --secure-file-priv= --performance-schema=OFF "$@" >/dev/null 2>&1 3>&- </dev/null &
    echo $! >"$dir/shell.pid"
    disown # its shell says nothing when it is killed
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

# Everything that makes two servers equal: definitions, a checksum of each table's rows (CHECKSUM
# TABLE of 10.11 takes virtual columns as it finds them in memory), AUTO_INCREMENT, and in the last
# line the GTID state.
server_state() {
    local users="NOT IN ('mysql', 'sys', 'performance_schema', 'information_schema')"
    server_sql "$1" "SET group_concat_max_len=1<<20;
        SELECT table_schema, table_name, table_type, auto_increment
        FROM information_schema.tables WHERE table_schema $users ORDER BY 1, 2;
        SELECT table_schema, table_name, MD5(GROUP_CONCAT(column_name, column_type,
            IFNULL(column_default, '-') ORDER BY ordinal_position))
        FROM information_schema.columns WHERE table_schema $users GROUP BY 1, 2 ORDER BY 1, 2;
        SELECT table_schema, table_name, index_name, GROUP_CONCAT(column_name ORDER BY seq_in_index)
        FROM information_schema.statistics WHERE table_schema $users
        GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
        SELECT table_name, GROUP_CONCAT(partition_name ORDER BY partition_ordinal_position)
        FROM information_schema.partitions WHERE table_schema $users AND partition_name IS NOT NULL
        GROUP BY table_schema, 1 ORDER BY table_schema, 1;
        SELECT trigger_name, MD5(action_statement) FROM information_schema.triggers
        WHERE trigger_schema $users ORDER BY trigger_schema, 1;
        SELECT routine_name, MD5(routine_definition) FROM information_schema.routines
        WHERE routine_schema $users ORDER BY routine_schema, 1;
        SELECT table_name, MD5(view_definition) FROM information_schema.views
        WHERE table_schema $users ORDER BY table_schema, 1"
    server_sql "$1" "SET group_concat_max_len=1<<20;
        SELECT CONCAT('SELECT ', QUOTE(CONCAT(table_schema, '.', table_name)),
            ', COUNT(*), SUM(CRC32(CONCAT_WS(\',\', ',
            GROUP_CONCAT('IFNULL(MD5(\`', REPLACE(column_name, '\`', '\`\`'), '\`), 0)'
                ORDER BY ordinal_position),
            IF(table_type='SYSTEM VERSIONED', ', row_start, row_end', ''), '))) FROM \`',
            table_schema, '\`.\`', REPLACE(table_name, '\`', '\`\`'), '\`',
            IF(table_type='SYSTEM VERSIONED', ' FOR SYSTEM_TIME ALL', ''), ';')
        FROM information_schema.columns JOIN information_schema.tables
            USING (table_schema, table_name)
        WHERE table_schema $users AND table_type <> 'VIEW'
        GROUP BY table_schema, table_name ORDER BY table_schema, table_name" | server_sql "$1"
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
