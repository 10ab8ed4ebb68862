# shellcheck shell=bash disable=SC2153,SC2016,SC2012,SC2046
# SPDX-License-Identifier: Apache-2.0
#
# history_mysql.bash - what history.bash does otherwise where the servers are MySQL's: 5.6 or 9.x.
#
#     source tests/lib/history.bash; source tests/lib/history_mysql.bash
#
# p is the primary, r1 and r2 follow it, c may follow r1.  MODE is one of
#
#     off        no GTIDs at all
#     positions  GTIDs, and replicas that connect by position
#     auto       GTIDs and auto-positioning
#
# Without GTIDs two logs can be compared only by what is in them: as mysqlbinlog prints it, less
# what differs from log to log (history_text).

# shellcheck disable=SC2034 # history_case reads it
HISTORY_GENERATOR=history_mysql.awk

history_replicas() { echo r1 r2; }
history_followers() { echo r1 r2 ${CHAIN:+c}; }

# The server's own words: 5.6 knows the old ones only, 9.x the new ones only.
history_is_old() { [[ $SERVERS_KIND == mysql56 ]]; }

history_start() {
    local options=${1^^}_OPTIONS id
    case $1 in p) id=1 ;; r1) id=2 ;; r2) id=3 ;; c) id=4 ;; esac
    # With workers the place that a replica says it has executed follows at its checkpoints only.
    # shellcheck disable=SC2086
    server_start "$1" "$id" --loose-slave-checkpoint-period=1 --loose-replica-checkpoint-period=1 \
        ${!options}
}

history_servers() {
    local name
    for name in p $(history_followers); do
        history_start "$name" &
    done
    wait
    server_sql p "CREATE DATABASE d; USE d;
        CREATE TABLE t (a BIGINT PRIMARY KEY, b LONGTEXT); CREATE TABLE m (a INT) ENGINE=MyISAM;
        CREATE TABLE shape (a INT PRIMARY KEY); CREATE TABLE nokey (a INT);
        CREATE TABLE auto (a INT AUTO_INCREMENT PRIMARY KEY, b TEXT);
        CREATE TABLE n (seq INT PRIMARY KEY);
        INSERT INTO n VALUES $(seq -f '(%g)' -s , 1 650)"
    history_is_old || server_sql p "CREATE TABLE d.doc (a INT PRIMARY KEY, j JSON);
        INSERT INTO d.doc VALUES (1, '{\"a\": [1, 2], \"b\": \"long enough to be worth it\"}')"
    for name in r1 r2; do history_follow "$name" p; done
    [[ ! $CHAIN ]] || history_follow c r1
    history_start_replication "$(history_followers)"
}

history_follow() {
    local auto=0
    [[ $MODE != auto ]] || auto=1
    if history_is_old; then
        server_sql "$2" "SET sql_log_bin = 0;
            GRANT REPLICATION SLAVE ON *.* TO rep@'127.0.0.1' IDENTIFIED BY 'secret-of-rep'"
        server_sql "$1" "CHANGE MASTER TO MASTER_HOST='127.0.0.1',
            MASTER_PORT=$(<"$SERVERS/$2.port"), MASTER_USER='rep', MASTER_PASSWORD='secret-of-rep',
            MASTER_CONNECT_RETRY=1,
            MASTER_AUTO_POSITION=$auto $( ((auto)) ||
                echo ", MASTER_LOG_FILE='bin.000001', MASTER_LOG_POS=4")"
    else
        server_sql "$2" "SET sql_log_bin = 0;
            CREATE USER IF NOT EXISTS rep@'127.0.0.1' IDENTIFIED BY 'secret-of-rep';
            GRANT REPLICATION SLAVE ON *.* TO rep@'127.0.0.1'"
        server_sql "$1" "CHANGE REPLICATION SOURCE TO SOURCE_HOST='127.0.0.1',
            SOURCE_PORT=$(<"$SERVERS/$2.port"), SOURCE_USER='rep', SOURCE_PASSWORD='secret-of-rep',
            SOURCE_CONNECT_RETRY=1, GET_SOURCE_PUBLIC_KEY=1,
            SOURCE_AUTO_POSITION=$auto $( ((auto)) ||
                echo ", SOURCE_LOG_FILE='bin.000001', SOURCE_LOG_POS=4")"
    fi
}

history_replica_word() { if history_is_old; then echo SLAVE; else echo REPLICA; fi; }

history_start_replication() {
    local name
    for name in $1; do
        server_sql "$name" "START $(history_replica_word)" 2>/dev/null
    done
    return 0
}

history_stop_receivers() { server_sql "$1" "STOP $(history_replica_word) IO_THREAD" 2>/dev/null; }

# A field by its new name; where the server has the old ones, by that.
history_status() {
    local field=$2
    ! history_is_old || field=$(sed 's/Source/Master/; s/Replica/Slave/' <<<"$field")
    mariadb --no-defaults --user=root --socket="$SERVERS/$1.sock" \
        --execute="SHOW $(history_replica_word) STATUS\\G" | sed -n "s/^ *$field: //p" |
        grep . || true
}

history_is_drained() {
    local error
    error=$(history_status "$1" Last_SQL_Error)
    [[ -z $error ]] || { echo stopped; return; }
    [[ $(history_status "$1" Replica_SQL_Running_State) == *'read all relay log'* ]] || return 0
    # Workers too.
    server_sql "$1" "SHOW PROCESSLIST" | awk -F '\t' '
        $2 == "system user" && $7 !~ /read all relay log|from Coordinator/ &&
            $7 !~ /to send event|reconnect/ &&
            $7 != "NULL" && $7 != "" { busy = 1 }
        END { if (!busy) print "yes" }'
}

history_trouble() {
    echo "  $1 $2"
    case $1.$2 in
    p.flush) server_sql p "FLUSH LOGS" ;;
    *.restart) history_end_server "$1" && history_start "$1" &&
        { [[ $1 == p ]] || history_start_replication "$1"; } ;;
    *.flush) server_sql "$1" "FLUSH LOCAL RELAY LOGS" ;; # or MySQL logs it
    *.receiver) history_stop_receivers "$1" && history_start_replication "$1" ;;
    *.receiver3) for _ in 1 2 3; do
        history_stop_receivers "$1"
        history_start_replication "$1"
    done ;;
    *.both) server_sql "$1" "STOP $(history_replica_word)" 2>/dev/null &&
        history_start_replication "$1" ;;
    *.stop) history_stop_receivers "$1" ;;
    *.kill) history_kill "$1" ;;
    *.look) history_look "$1" ;;
    esac
}

# All dies at once, while it works.  (5.6 keeps its places in files, which do not survive that of an
# applier.)  Servers that connect by position are started with relay_log_recovery.
history_kill() {
    ! history_is_old || server_sql "$1" "STOP SLAVE SQL_THREAD" 2>/dev/null
    server_kill "$1"
    history_dead "$1"
    history_start "$1"
    history_start_replication "$1"
}

# ------------------------------------------------------------------------ the truth

history_binlog() { command mariadb-binlog "$@"; }

history_primary_of() { if [[ $1 == c ]]; then echo r1; else echo p; fi; }

# What logs hold, as text that does not depend on which log holds it.
history_text() {
    history_binlog --base64-output=DECODE-ROWS -v "$@" | sed -E '
        /^# ?(at [0-9]|[^#])/d; /^#$/d; /^SET @@session\./Id; /GTID_NEXT= *.AUTOMATIC/d
        /^(\/\*!\*\/;|DELIMITER|ROLLBACK|use `d`)/d; /^\/\*!50530 SET @@SESSION/d
        /^\/\*!(50003|40019|40101|50003|C|\\C)/d; /COMPLETION_TYPE/d; /PSEUDO_SLAVE/d
        /original_(server_version|commit_timestamp)/d; s/^SET TIMESTAMP=([0-9]+)[.0-9]*/T \1/
        /^\/\*![0-9]+ SET TRANSACTION/d; /immediate_server_version/d; /^$/d'
}

# The same of all that a server's own logs hold behind a coordinate.
history_text_behind() { # SERVER FILE POS
    local logs
    mapfile -t logs < <(ls "$SERVERS/$1"/bin.[0-9]*[0-9] | awk -v f="/$2\$" '$0 ~ f {on = 1} on')
    history_text --start-position="$3" "${logs[@]}"
}

# Replicas are held against what their server says that they executed: they are drained.
history_had() {
    echo "$(history_status "$1" Relay_Source_Log_File) $(history_status "$1" Exec_Source_Log_Pos)"
}

history_gtids_of_log() {
    history_binlog "$@" | sed -n "s/^SET @@SESSION.GTID_NEXT= '\([-0-9a-f]*:.*[0-9]\)'.*/\1/p"
}

# The GTIDs on stdin that are not in a set.
history_not_in() {
    awk -v set="$1" '
        BEGIN {
            gsub(/[ \n]|\\n/, "", set)
            n = split(set, parts, ",")
            for (i = 1; i <= n; i++) {
                m = split(parts[i], p, ":")
                name = p[1]
                for (j = 2; j <= m; j++)
                    if (p[j] ~ /^[0-9]/) {
                        split(p[j], r, "-")
                        for (k = r[1]; k <= (r[2] == "" ? r[1] : r[2]); k++) had[name ":" k] = 1
                    } else
                        name = p[1] ":" p[j]
            }
        }
        !($0 in had)'
}

# ----------------------------------------------------------------------- the check

# A diff log for a replica is, event by event, what its primary's logs hold behind what it has.
history_diff_is_right() {
    local name=$1 primary
    primary=$(history_primary_of "$name")
    baton diff --target "$SERVERS/$name" --primary "$SERVERS/$primary" -o "$HISTORY/out.binlog" \
        --json >"$HISTORY/printed"
    history_text "$HISTORY/out.binlog" >"$HISTORY/got" 2>"$HISTORY/complaints"
    history_text_behind "$primary" $(history_had "$name") >"$HISTORY/want" 2>/dev/null
    diff "$HISTORY/want" "$HISTORY/got" || { cat "$HISTORY/printed" && return 1; }
    [[ $MODE == off ]] || diff \
        <(history_gtids_of_log "$SERVERS/$primary"/bin.[0-9]*[0-9] |
            history_not_in "$(server_sql "$name" "SELECT @@GLOBAL.gtid_executed")") \
        <(history_gtids_of_log "$HISTORY/out.binlog")
    jq -e '.lost == null and .cut == []' "$HISTORY/printed" >/dev/null ||
        { cat "$HISTORY/printed" && return 1; }
    baton verify "$HISTORY/out.binlog" >/dev/null
    # mysqlbinlog itself says what it thinks of options; nothing else.
    ! grep -iv 'deprecated' "$HISTORY/complaints"
    echo "  $name lacks $(jq .transactions "$HISTORY/printed")"
}

history_rank_is_right() {
    local primary
    baton rank --json "$SERVERS/$1" >"$HISTORY/ranked"
    primary=$(history_primary_of "$1")
    # Nothing but ends of logs stands between what rank says and what the server says.  After
    # relay_log_recovery, until something is received, it says nothing.
    [[ $RECOVERY && $(jq '.replicas[0].received' "$HISTORY/ranked") == null ]] ||
        cmp <(history_text_behind "$primary" $(jq -r '.replicas[0].received | .file, .pos' \
            "$HISTORY/ranked")) <(history_text_behind "$primary" $(history_had "$1"))
    [[ $MODE == off ]] ||
        history_has_executed "$1" "$(jq -r ".replicas[0].gtid_received" "$HISTORY/ranked")"
}

history_has_executed() {
    local executed
    executed=$(server_sql "$1" "SELECT @@GLOBAL.gtid_executed")
    [[ $(server_sql "$1" "SELECT GTID_SUBSET('$2', '$executed')") == 1 ]] ||
        { echo "$1 received $2, executed $executed" && return 1; }
}

history_check() {
    local name
    for name in $(history_followers); do
        history_rank_is_right "$name"
        history_diff_is_right "$name"
    done
    history_check_pair r1 r2
    history_check_pair r2 r1
}

# What is left of a text that begins with another one.
history_begins_with() { cmp -n "$(stat -c %s "$2")" "$1" "$2"; }

# What one replica can give the other is what it received more, as p's logs hold it.
history_check_pair() {
    baton diff --target "$SERVERS/$1" --replica "$SERVERS/$2" -o "$HISTORY/out.binlog" --json \
        >"$HISTORY/printed"
    baton verify "$HISTORY/out.binlog" >/dev/null
    history_text "$HISTORY/out.binlog" >"$HISTORY/got" 2>/dev/null
    history_text_behind p $(history_had "$1") >"$HISTORY/want" 2>/dev/null
    history_text_behind p $(history_had "$2") >"$HISTORY/theirs" 2>/dev/null
    history_begins_with "$HISTORY/want" "$HISTORY/got"
    # All of it, but where a server has thrown its relay logs away when it was started.
    if (($(wc -l <"$HISTORY/theirs") < $(wc -l <"$HISTORY/want"))) && [[ ! $RECOVERY ]]; then
        cmp <(head -n -"$(wc -l <"$HISTORY/theirs")" "$HISTORY/want") "$HISTORY/got"
    fi
}

# The logs of a server that is down, or that writes them, while its primary goes on: what is given
# begins behind what it has and has no hole.
history_dead() {
    local primary place
    primary=$(history_primary_of "$1")
    baton rank --json "$SERVERS/$1" >"$HISTORY/ranked"
    mapfile -t place < <(jq -r '.replicas[0].received | .file, .pos' "$HISTORY/ranked")
    baton diff --target "$SERVERS/$1" --primary "$SERVERS/$primary" -o "$HISTORY/out.binlog" \
        --json >"$HISTORY/printed"
    baton verify "$HISTORY/out.binlog" >/dev/null
    history_text "$HISTORY/out.binlog" >"$HISTORY/got" 2>/dev/null
    # It received nothing yet: all that there is.
    [[ ${place[0]} == null ]] && place=(bin.000001 4)
    history_text_behind "$primary" "${place[@]}" >"$HISTORY/want" 2>/dev/null
    history_begins_with "$HISTORY/want" "$HISTORY/got"
}

history_look() {
    baton rank "$SERVERS/$1" >/dev/null
    baton diff --target "$SERVERS/$1" --primary "$SERVERS/$(history_primary_of "$1")" \
        -o "$HISTORY/out.binlog" >/dev/null
    baton verify "$HISTORY/out.binlog" >/dev/null
}

# ------------------------------------------------------------------------- the end

history_end() {
    local name
    server_sql p "INSERT INTO d.t VALUES (-1, 'after all'); CREATE TABLE d.last (a INT)"
    if [[ $P_DIES ]]; then server_kill p; else history_end_server p; fi
    for name in $(history_followers); do history_stop_receivers "$name"; done
    history_drain
    baton inspect --transactions "$SERVERS/p" >"$HISTORY/all"
    for name in r1 r2 ${CHAIN:+c}; do
        history_diff_is_right "$name"
        server_sql "$name" "STOP $(history_replica_word)" 2>/dev/null
        if [[ $ROAD == dba ]]; then
            history_binlog "$HISTORY/out.binlog" 2>/dev/null | server_pipe "$name" --binary-mode
        else
            baton apply -S "$SERVERS/$name.sock" -u root -q --via=sql "$HISTORY/out.binlog" \
                >/dev/null
        fi
    done
    history_start p
    for name in r1 r2 ${CHAIN:+c}; do
        diff <(history_checksums p d) <(history_checksums "$name" d)
        [[ $MODE == off ]] || diff <(server_sql p "SELECT @@GLOBAL.gtid_executed") \
            <(server_sql "$name" "SELECT @@GLOBAL.gtid_executed")
    done
}
