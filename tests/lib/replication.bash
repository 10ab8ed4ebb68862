# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# replication.bash - who replicates from whom.  Part of cluster.bash.

# replication_start [--primary HOST] [--mode gtid|position] [--semisync] [--HOST MODE]...
# [REPLICA...]: the primary becomes writable, all others (or the named ones) replicate all of
# its history.  `--db3 position` gives one replica another mode.
replication_start() {
    local primary=db1 mode=gtid semisync=0 host replicas=()
    local -A mode_of=()
    while (($# > 0)); do
        case $1 in
        --primary) primary=$2 && shift ;;
        --mode) mode=$2 && shift ;;
        --semisync) semisync=1 ;;
        --db*) mode_of[${1#--}]=$2 && shift ;;
        *) replicas+=("$1") ;;
        esac
        shift
    done
    if ((${#replicas[@]} == 0)); then
        mapfile -t replicas < <(cluster_hosts | grep -vx "$primary")
    fi
    if ((semisync)); then
        for host in "$primary" "${replicas[@]}"; do
            host_sql "$host" "SET GLOBAL rpl_semi_sync_master_enabled = ON,
                GLOBAL rpl_semi_sync_slave_enabled = ON" || return
        done
    fi
    host_sql "$primary" "SET GLOBAL read_only = OFF" || return
    for host in "${replicas[@]}"; do
        replica_attach "$host" "$primary" "${mode_of[$host]:-$mode}" || return
    done
    for host in "${replicas[@]}"; do
        cluster_wait "$host to replicate" 20 replica_runs "$host" || return
    done
}

# replica_attach HOST PRIMARY gtid|position [FILE POS]: from the primary's first log, or from
# FILE and POS.
replica_attach() {
    local host=$1 primary=$2 mode=$3 file=${4:-} pos=${5:-4} where
    if [[ -z $file ]]; then
        file=$(host_sql "$primary" "SHOW BINARY LOGS" | head -n 1 | cut -f 1) || return
    fi
    case $CLUSTER_KIND-$mode in
    mariadb-gtid) where="MASTER_USE_GTID = slave_pos" ;;
    mariadb-position)
        where="MASTER_USE_GTID = no, MASTER_LOG_FILE = '$file', MASTER_LOG_POS = $pos" ;;
    mysql56-gtid) where="MASTER_AUTO_POSITION = 1" ;;
    mysql9-gtid) where="SOURCE_AUTO_POSITION = 1" ;;
    mysql56-position)
        where="MASTER_AUTO_POSITION = 0, MASTER_LOG_FILE = '$file', MASTER_LOG_POS = $pos" ;;
    mysql9-position)
        where="SOURCE_AUTO_POSITION = 0, SOURCE_LOG_FILE = '$file', SOURCE_LOG_POS = $pos" ;;
    *)
        cluster_say "replica_attach: mode \"$mode\" is not gtid or position"
        return 2
        ;;
    esac
    host_sql "$host" "$(replica_attach_sql "$(host_address "$primary")" "$where")"
}

replica_attach_sql() {
    local password=${REPL_PASSWORD//\\/\\\\}
    password=${password//\'/\'\'}
    if [[ $CLUSTER_KIND != mysql9 ]]; then
        echo "CHANGE MASTER TO MASTER_HOST = '$1', MASTER_PORT = 3306,
            MASTER_USER = '$REPL_USER', MASTER_PASSWORD = '$password',
            MASTER_CONNECT_RETRY = 1, MASTER_HEARTBEAT_PERIOD = 1, $2; START SLAVE"
    else
        echo "CHANGE REPLICATION SOURCE TO SOURCE_HOST = '$1', SOURCE_PORT = 3306,
            SOURCE_USER = '$REPL_USER', SOURCE_PASSWORD = '$password', GET_SOURCE_PUBLIC_KEY = 1,
            SOURCE_CONNECT_RETRY = 1, SOURCE_HEARTBEAT_PERIOD = 1, $2; START REPLICA"
    fi
}

# replica_status HOST COLUMN...: one value per line; nothing when the host is no replica.
replica_status() {
    local host=$1 statement="SHOW SLAVE STATUS" column
    shift
    [[ $CLUSTER_KIND != mysql9 ]] || statement="SHOW REPLICA STATUS"
    for column in "$@"; do
        host_sql_row "$host" "$statement" | awk -v column="$column:" '
            $1 == column { sub(/^ *[^ ]+: ?/, ""); print; exit }'
    done
}

# Every replication connection of a server; nothing when it replicates from nobody.
replica_links() {
    case $CLUSTER_KIND in
    mariadb) host_sql_row "$1" "SHOW ALL SLAVES STATUS" ;;
    mysql56) host_sql_row "$1" "SHOW SLAVE STATUS" ;;
    *) host_sql_row "$1" "SHOW REPLICA STATUS" ;;
    esac
}

replica_column() {
    if [[ $CLUSTER_KIND != mysql9 ]]; then
        echo "$1"
    else
        sed "s/Slave/Replica/; s/Master/Source/" <<<"$1"
    fi
}

replica_runs() {
    [[ $(replica_status "$1" "$(replica_column Slave_IO_Running)") == Yes &&
        $(replica_status "$1" "$(replica_column Slave_SQL_Running)") == Yes ]]
}

# The replica stops receiving, or applying; what it has received stays.
replica_stop_io() { replica_thread "$1" STOP IO_THREAD; }
replica_start_io() { replica_thread "$1" START IO_THREAD; }
replica_stop_sql() { replica_thread "$1" STOP SQL_THREAD; }
replica_start_sql() { replica_thread "$1" START SQL_THREAD; }

replica_thread() {
    if [[ $CLUSTER_KIND != mysql9 ]]; then
        host_sql "$1" "$2 SLAVE $3"
    else
        host_sql "$1" "$2 REPLICA $3"
    fi
}

# Where a server's own log ends, as file:position.
primary_position() {
    local statement="SHOW MASTER STATUS"
    [[ $CLUSTER_KIND != mysql9 ]] || statement="SHOW BINARY LOG STATUS"
    host_sql "$1" "$statement" | awk '{print $1 ":" $2}'
}

# What the replica has received, and executed, of its primary's logs.
replica_received() {
    replica_pair "$1" Master_Log_File Read_Master_Log_Pos
}
replica_executed() {
    replica_pair "$1" Relay_Master_Log_File Exec_Master_Log_Pos
}
replica_pair() {
    replica_status "$1" "$(replica_column "$2")" "$(replica_column "$3")" | paste -s -d :
}

# replica_caught_up HOST [PRIMARY]: it has executed all that is in the primary's log.
replica_caught_up() {
    [[ $(replica_executed "$1") == "$(primary_position "${2:-db1}")" ]]
}

# It has executed all that it has received.
replica_drained() {
    [[ $(replica_executed "$1") == "$(replica_received "$1")" ]]
}
