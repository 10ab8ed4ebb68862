# shellcheck shell=bash disable=SC2153
# SPDX-License-Identifier: Apache-2.0
#
# history.bash - random histories of real servers, each made again from its seed.
#
#     source tests/lib/servers.bash; source tests/lib/history.bash      baton is in PATH
#     servers_init
#     history_case SEED       set -e: ends the shell at the first thing that is not as it must be
#     servers_done
#
# A seed decides the servers, their settings, every statement and every trouble (history.awk); only
# the moments at which they meet are the machine's.  p is the primary; r1 and r2 follow it; c
# follows r1; m follows p and q by two connections.  While p works, receivers are stopped, killed
# and restarted, relay logs flushed, p itself is restarted.  Then rank and diff are held against p's
# own log as mariadb-binlog reads it.  At the end r1 and r2 are made to lack something; one damage
# to copies of the logs (history_damage) may take from what diff gives, but never make it wrong;
# and every replica that was given its diff log must be equal to its primary.

history_case() {
    local seed=$1 round
    HISTORY_PURGED=
    HISTORY=$SERVERS/history
    rm -rf "$HISTORY"
    mkdir -p "$HISTORY"
    seq -f 'row %g of a file' 1 400 >"$HISTORY/rows"
    awk -v seed="$seed" -v dir="$HISTORY" -v kind="${SERVERS_KIND:-}" \
        -f "$BATON_SOURCE/tests/lib/${HISTORY_GENERATOR:-history.awk}"
    # shellcheck disable=SC1091
    source "$HISTORY/settings"
    echo "seed $seed: mode $MODE, road $ROAD${MULTI:+, m from two}${CHAIN:+, c behind r1}"
    history_servers
    for ((round = 1; round <= ROUNDS; round++)); do
        history_round "$round"
        history_check
        history_resume
    done
    history_end
    history_stop
}

# The replicas of p itself, and all servers that replicate.
history_replicas() { echo r1 r2 ${MULTI:+m}; }
history_followers() { echo r1 r2 ${CHAIN:+c} ${MULTI:+m}; }

history_stop_servers() {
    local pid
    for pid in "$SERVERS"/*.pid; do
        [[ ! -e $pid ]] || kill -9 "$(<"$pid")" 2>/dev/null || true
    done
    for pid in "$SERVERS"/*.pid; do
        while [[ -e $pid ]] && kill -0 "$(<"$pid")" 2>/dev/null; do history_breathe; done
        rm -f "$pid"
    done
}

history_stop() {
    history_stop_servers
    (cd "$SERVERS" && rm -rf p q r1 r2 c m ./*.port ./*.log ./*.sock ./*.server-pid)
}

history_breathe() { read -r -t 0.02 <> <(:) || true; }

# ----------------------------------------------------------------------- servers

history_start() {
    local options=${1^^}_OPTIONS
    # shellcheck disable=SC2086
    case $1 in
    p) server_start p 1 $P_OPTIONS ;;
    q) server_start q 9 --gtid-domain-id=9 --log-bin=other ;;
    r1) server_start r1 2 ${!options} ;;
    r2) server_start r2 3 ${!options} ;;
    c) server_start c 4 ${!options} ;;
    m) server_start m 5 ${!options} ;;
    esac
}

history_servers() {
    local name
    for name in p ${MULTI:+q} $(history_followers); do
        history_start "$name" &
    done
    wait
    server_sql p "SET binlog_format = ROW; CREATE DATABASE d; USE d;
        CREATE TABLE t (a INT PRIMARY KEY, b LONGTEXT);
        CREATE TABLE m (a INT) ENGINE=MyISAM; CREATE TABLE seven (a INT PRIMARY KEY);
        CREATE TABLE shape (a INT PRIMARY KEY);
        CREATE TABLE nokey (a INT); CREATE TABLE loaded (a INT AUTO_INCREMENT PRIMARY KEY, b TEXT);
        CREATE TABLE auto (a INT AUTO_INCREMENT PRIMARY KEY, b TEXT);
        CREATE TABLE n (seq INT PRIMARY KEY); INSERT INTO n SELECT seq FROM seq_1_to_650"
    [[ ! $MULTI ]] ||
        server_sql q "CREATE DATABASE q; CREATE TABLE q.q (a INT PRIMARY KEY, b LONGTEXT)"
    for name in $(history_replicas); do history_follow "$name" p; done
    [[ ! $CHAIN ]] || history_follow c r1
    [[ ! $MULTI ]] || history_follow m q
    history_start_replication "$(history_followers)"
}

# m names its connections after the server they lead to.
history_follow() {
    local connection=''
    [[ $1 != m ]] || connection="'$2'"
    server_sql "$2" "SET sql_log_bin = 0; CREATE USER IF NOT EXISTS rep@'127.0.0.1' IDENTIFIED BY
        'secret-of-rep'; GRANT REPLICATION SLAVE ON *.* TO rep@'127.0.0.1'"
    server_sql "$1" "CHANGE MASTER $connection TO MASTER_HOST='127.0.0.1',
        MASTER_PORT=$(<"$SERVERS/$2.port"), MASTER_USER='rep', MASTER_PASSWORD='secret-of-rep',
        MASTER_LOG_FILE='$(history_base "$2").000001', MASTER_LOG_POS=4, MASTER_CONNECT_RETRY=1,
        MASTER_USE_GTID=$MODE"
}

history_base() { [[ $1 == q ]] && echo other || echo bin; }

history_start_replication() {
    local name
    for name in $1; do
        server_sql "$name" "START ALL SLAVES" 2>/dev/null
    done
}

history_stop_receivers() {
    case $1 in
    m) server_sql m "STOP SLAVE 'p' IO_THREAD; STOP SLAVE 'q' IO_THREAD" ;;
    *) server_sql "$1" "STOP SLAVE IO_THREAD" ;;
    esac
}

history_resume() { history_start_replication "$(history_followers)"; }

# ------------------------------------------------------------------ one round of work

history_round() {
    local round=$1 client name percent who what
    HISTORY_CLIENTS=()
    echo "round $round"
    history_work_size "$round"
    for ((client = 1; client <= CLIENTS; client++)); do
        server_pipe p --force --local-infile=1 <"$HISTORY/work.$round.$client" \
            >>"$HISTORY/work.out" 2>&1 &
        HISTORY_CLIENTS+=($!)
    done
    if [[ $MULTI ]]; then
        server_pipe q --force <"$HISTORY/work.$round.q" >>"$HISTORY/work.out" 2>&1 &
        HISTORY_CLIENTS+=($!)
    fi
    if [[ -e $HISTORY/trouble.$round ]]; then
        while read -r percent who what; do
            history_wait_percent "$percent"
            history_trouble "$who" "$what"
        done <"$HISTORY/trouble.$round"
    fi
    wait "${HISTORY_CLIENTS[@]}" || true
    for name in $(history_followers); do
        history_stop_receivers "$name"
    done
    history_drain
}

# Waits until all that was received is applied.  An applier that the server's own relay log stopped
# (10.11 can write one after a restart that it cannot read: a FORMAT_DESCRIPTION that says CRC32 in
# front of events without) ends the case: there is nothing to compare.
history_drain() {
    local name
    for name in $(history_followers); do
        server_wait "$name" 120 history_is_drained "$name"
        [[ -z $(history_status "$name" Last_SQL_Error) ]] && continue
        grep -q "checksum verification failed while reading from a log" "$SERVERS/$name.log" &&
            exit 77
        echo "$name: $(history_status "$name" Last_SQL_Error)"
        return 1
    done
}

history_statements() {
    server_sql p "SHOW GLOBAL STATUS WHERE variable_name IN ('Com_insert', 'Com_begin',
        'Com_set_option', 'Com_xa_start')" 2>/dev/null | awk '{n += $2} END {print n + 0}'
}

history_work_size() {
    HISTORY_FROM=$(history_statements)
    HISTORY_SIZE=$(cat "$HISTORY/work.$1".[12] | grep -c '^INSERT\|^BEGIN\|^XA\|^SET')
}

# Until about that part of the work is done, or its clients have ended.
history_wait_percent() {
    local want=$((HISTORY_FROM + HISTORY_SIZE * $1 / 100))
    while kill -0 "${HISTORY_CLIENTS[@]}" 2>/dev/null && (($(history_statements) < want)); do
        history_breathe
    done
}

history_trouble() {
    echo "  $1 $2"
    case $1.$2 in
    p.flush) server_sql p "FLUSH LOGS" ;;
    p.restart) history_end_server p && history_start p ;;
    *.flush) server_sql "$1" "FLUSH RELAY LOGS" ;;
    *.receiver) history_stop_receivers "$1" && history_start_replication "$1" ;;
    *.receiver3) for _ in 1 2 3; do
        history_stop_receivers "$1"
        history_start_replication "$1"
    done ;;
    *.both) server_sql "$1" "STOP ALL SLAVES" 2>/dev/null && history_start_replication "$1" ;;
    *.stop) history_stop_receivers "$1" ;;
    *.restart) history_end_server "$1" && history_start "$1" && history_start_replication "$1" ;;
    *.kill) history_kill "$1" ;;
    *.look) history_look "$1" ;;
    esac
}

# A shutdown without haste.
history_end_server() {
    local pid end
    pid=$(<"$SERVERS/$1.pid")
    kill "$pid"
    end=$((SECONDS + 120))
    while kill -0 "$pid" 2>/dev/null; do
        # 10.11 can wait forever for parallel appliers that wait for each other.
        ((SECONDS < end)) || exit 77
        history_breathe
    done
    rm -f "$SERVERS/$1.pid"
}

# A receiver dies at once.  Its applier stands still, since the coordinate file of position mode
# does not survive that of an applier.
history_kill() {
    local connection=()
    [[ $1 != m ]] || connection=(--connection p)
    case $1 in
    m) server_sql m "STOP SLAVE 'p' SQL_THREAD; STOP SLAVE 'q' SQL_THREAD" ;;
    *) server_sql "$1" "STOP SLAVE SQL_THREAD" ;;
    esac
    server_kill "$1"
    history_dead "$1" "${connection[@]}"
    history_start "$1"
    if [[ $MODE == no && $1 != m ]]; then
        case $1 in
        m) server_sql m "START SLAVE 'p' SQL_THREAD; START SLAVE 'q' SQL_THREAD" ;;
        *) server_sql "$1" "START SLAVE SQL_THREAD" ;;
        esac
        server_wait "$1" 120 history_is_drained "$1"
        history_same_received "$1" "$HISTORY/dead.ranked" "$([[ $1 == c ]] && echo r1 || echo p)"
        # What relay_log_recovery does: master.info is older than the relay logs after a crash.  It
        # throws the relay logs away.
        HISTORY_PURGED+=" $1"
        server_sql "$1" "STOP SLAVE; CHANGE MASTER TO
            MASTER_LOG_FILE='$(history_status "$1" Relay_Master_Log_File)',
            MASTER_LOG_POS=$(history_status "$1" Exec_Master_Log_Pos)"
    fi
    history_start_replication "$1"
}

# The logs of a server that is down, while its primary goes on.
history_dead() {
    local name=$1 primary=p had
    shift
    [[ $name != c ]] || primary=r1
    baton rank --json "$@" "$SERVERS/$name" >"$HISTORY/dead.ranked"
    had=$(jq -r '.replicas[0].gtid_received' "$HISTORY/dead.ranked")
    [[ $had != null ]] || had=$(history_gtids_before "$primary" \
        "$(jq -r '.replicas[0].received.file' "$HISTORY/dead.ranked")" \
        "$(jq -r '.replicas[0].received.pos' "$HISTORY/dead.ranked")")
    baton diff --target "$SERVERS/$name" "$@" --primary "$SERVERS/$primary" \
        -o "$HISTORY/out.binlog" --json >"$HISTORY/printed"
    baton verify "$HISTORY/out.binlog" >/dev/null
    history_gtids "$HISTORY/out.binlog" >"$HISTORY/got"
    history_gtids_of_server "$primary" | history_behind "$had" >"$HISTORY/want"
    # What was written meanwhile is not in the diff log; anything else is.
    cmp -n "$(stat -c %s "$HISTORY/got")" "$HISTORY/got" "$HISTORY/want"
}

# What a drained replica has of a primary, as a GTID state.  In position mode that is what stands
# before its coordinate, unless it is one that its receiver has not come to.  (Either may lie where
# a receiver stopped within a transaction: diff/survey.c.)
history_had() {
    local file pos connection=""
    if [[ $MODE != no ]]; then
        server_sql "$1" "SELECT @@gtid_slave_pos"
        return
    fi
    [[ $1 != m ]] || connection=$2
    file=$(history_status_of "$1" "$connection" Relay_Master_Log_File)
    pos=$(history_status_of "$1" "$connection" Exec_Master_Log_Pos)
    if [[ $file == $(history_status_of "$1" "$connection" Master_Log_File) ]] &&
        ((pos > $(history_status_of "$1" "$connection" Read_Master_Log_Pos))); then
        server_sql "$1" "SELECT @@gtid_slave_pos"
        return
    fi
    history_gtids_before "$2" "$file" "$pos"
}

# The last GTID of each domain in front of a coordinate of a server's own logs.
history_gtids_before() {
    local file=$2 pos=$3 log
    {
        ls "$SERVERS/$1/$(history_base "$1")".[0-9]*[0-9] | awk -v f="/$file\$" '$0 ~ f {exit} 1' |
            while read -r log; do history_gtids "$log"; done
        history_binlog --stop-position="$pos" "$SERVERS/$1/$file" 2>/dev/null
    } | sed -n 's/^#.*GTID \([0-9]*-[0-9]*-[0-9]*\).*/\1/p; /^[0-9]*-[0-9]*-[0-9]*$/p' |
        awk -F- '{last[$1] = $0} END {for (d in last) print last[d]}' | paste -sd,
}

# Logs that are written, rotated and purged while they are read: whatever is made of them is whole.
history_look() {
    local connection=() primary=p
    [[ $1 != m ]] || connection=(--connection p)
    [[ $1 != c ]] || primary=r1
    baton rank "${connection[@]}" "$SERVERS/$1" >/dev/null
    baton diff --target "$SERVERS/$1" "${connection[@]}" --primary "$SERVERS/$primary" \
        -o "$HISTORY/out.binlog" >/dev/null
    baton verify "$HISTORY/out.binlog" >/dev/null
    history_gtids "$HISTORY/out.binlog" >"$HISTORY/got"
    [[ ! -s $HISTORY/got ]] ||
        history_gtids_of_server "$primary" | awk -v first="$(head -n 1 "$HISTORY/got")" '
            $0 == first {on = 1} on' | cmp -n "$(stat -c %s "$HISTORY/got")" "$HISTORY/got" -
}

# All that was received is applied, by every connection and worker.
history_is_drained() {
    local error
    error=$(history_status "$1" Last_SQL_Error)
    [[ -z $error ]] || { echo stopped; return; }
    [[ $(history_status "$1" Slave_SQL_Running_State | grep -c 'read all relay log') == \
        $(history_status "$1" Master_Host | wc -l) ]] || return 0
    [[ $(server_sql "$1" "SELECT COUNT(*) FROM information_schema.processlist
        WHERE command = 'Slave_worker'
        AND COALESCE(state, '') NOT LIKE 'Waiting for work from%'") == 0 ]] && echo yes
}

# A field of each connection, where it is not empty.
history_status() {
    mariadb --no-defaults --user=root --socket="$SERVERS/$1.sock" \
        --execute='SHOW ALL SLAVES STATUS\G' | sed -n "s/^ *$2: //p" | grep . || true
}

# One field of one connection.
history_status_of() {
    mariadb --no-defaults --user=root --socket="$SERVERS/$1.sock" \
        --execute="SHOW SLAVE '$2' STATUS\G" | sed -n "s/^ *$3: //p"
}

# ------------------------------------------------------------------------ the truth

# mariadb-binlog, its files of LOAD DATA out of the way.
history_binlog() {
    mkdir -p "$HISTORY/load"
    command mariadb-binlog --local-load="$HISTORY/load" "$@"
}

# GTIDs of logs, one a line, in their order.
history_gtids() {
    history_binlog "$@" 2>/dev/null | sed -n 's/^#.*GTID \([0-9]*-[0-9]*-[0-9]*\).*/\1/p'
}

history_gtids_of_server() { history_gtids "$SERVERS/$1/$(history_base "$1")".[0-9]*[0-9]; }

# Of the GTIDs on stdin those behind a state.
history_behind() {
    awk -v state="$1" '
        BEGIN {
            n = split(state, all, ",")
            for (i = 1; i <= n; i++) { split(all[i], g, "-"); had[g[1]] = g[3] }
        }
        { split($0, g, "-"); if (g[3] + 0 > had[g[1]] + 0) print }'
}

# Two states, whatever their order.
history_same_gtids() {
    diff <(tr , '\n' <<<"$1" | sort) <(tr , '\n' <<<"$2" | sort)
}

# ----------------------------------------------------------------------- the check

# What rank says that a server received is what it applied of it since.  Where relay logs are purged
# (in GTID mode at every start) none may be left that says the GTIDs: then nothing is said of them.
history_same_received() {
    local said
    said=$(jq -r '.replicas[0].gtid_received' "$2")
    if [[ $said == null ]]; then
        ! history_binlog "$SERVERS/$1"/relay-bin*.[0-9]*[0-9] 2>/dev/null |
            grep -q "Gtid list" ||
            [[ $(server_sql "$1" "SELECT @@relay_log_purge") == 1 || $MODE != no ]]
    else
        history_same_gtids "$(history_had "$1" "$3")" "$said"
    fi
}

# diff with these arguments gives exactly the GTIDs on stdin, in this order.
history_diff() {
    local out=$HISTORY/out.binlog
    cat >"$HISTORY/want"
    baton diff "$@" -o "$out" --json >"$HISTORY/printed"
    history_gtids "$out" >"$HISTORY/got"
    diff <(sort -s -t - -k 1,1n "$HISTORY/want") <(sort -s -t - -k 1,1n "$HISTORY/got") ||
        { echo "diff $*" && cat "$HISTORY/printed" && return 1; }
    history_lost_is_true
    baton verify "$out" >/dev/null
    history_no_complaint "$out"
}

# Nothing is lost; or, where a receiver stopped within a transaction, that one is named, and it is
# on neither.
history_lost_is_true() {
    local lost
    jq -e '.lost == null and .cut == []' "$HISTORY/printed" >/dev/null && return
    lost=$(jq -r '.lost' "$HISTORY/printed" | grep -o '[0-9]*-[0-9]*-[0-9]*' | head -n 1)
    [[ ${HISTORY_MAY_LOSE:-} && $lost ]] && ! grep -qxF "$lost" "$HISTORY/want" &&
        jq -e 'all(.cut[]; .reason | test("unfinished"))' "$HISTORY/printed" >/dev/null && return
    cat "$HISTORY/printed" && return 1
}

history_no_complaint() {
    history_binlog --verify-binlog-checksum "$1" >"$HISTORY/text" 2>"$HISTORY/complaints"
    [[ ! -s $HISTORY/complaints ]] || { cat "$HISTORY/complaints" && return 1; }
    ! grep -i '^# *warning' "$HISTORY/text"
}

history_check() {

    local name had dirs=()
    history_gtids_of_server p >"$HISTORY/all"
    [[ -s $HISTORY/all ]]
    for name in $(history_replicas); do dirs+=("$SERVERS/$name"); done
    for name in r1 r2; do
        had=$(history_had "$name" p)
        baton rank --json "$SERVERS/$name" >"$HISTORY/ranked"
        history_same_received "$name" "$HISTORY/ranked" p
        history_diff --target "$SERVERS/$name" --primary "$SERVERS/p" \
            < <(history_behind "$had" <"$HISTORY/all")
        echo "  $name lacks $(wc -l <"$HISTORY/want")"
    done
    history_check_pair r1 r2
    history_check_pair r2 r1
    [[ ! $CHAIN ]] || history_check_chain
    [[ ! $MULTI ]] || history_check_multi
    history_check_order "${dirs[@]}"
}

# For each domain (a parallel replica logs two domains in an order of its own), what diff gave is
# the beginning of what was wanted.
history_is_beginning() {
    local domain
    for domain in $(cut -d - -f 1 "$HISTORY/got" | sort -u); do
        grep "^$domain-" "$HISTORY/got" >"$HISTORY/got.domain"
        grep "^$domain-" "$HISTORY/want" |
            cmp -n "$(stat -c %s "$HISTORY/got.domain")" "$HISTORY/got.domain" -
    done
}

# What one replica can give the other: what it has and the other has not.
history_check_pair() {
    local mine theirs
    mine=$(history_had "$1" p)
    theirs=$(history_had "$2" p)
    # Purged relay logs cannot give what they held: then a hole is said, never passed over.
    if [[ $(server_sql "$2" "SELECT @@relay_log_purge") == 1 || $MODE == slave_pos ||
        " $HISTORY_PURGED " == *" $2 "* ]]; then
        baton diff --target "$SERVERS/$1" --replica "$SERVERS/$2" -o "$HISTORY/out.binlog" \
            >"$HISTORY/printed"
        baton verify "$HISTORY/out.binlog" >/dev/null
        history_gtids "$HISTORY/out.binlog" >"$HISTORY/got"
        history_behind "$mine" <"$HISTORY/all" >"$HISTORY/want"
        history_is_beginning
        return
    fi
    history_behind "$mine" <"$HISTORY/all" |
        grep -vxFf <(history_behind "$theirs" <"$HISTORY/all") >"$HISTORY/pair" || true
    HISTORY_MAY_LOSE=yes history_diff --target "$SERVERS/$1" --replica "$SERVERS/$2" \
        <"$HISTORY/pair"
}

# c behind r1: by r1's binary logs, which are its primary's.
history_check_chain() {
    local had
    had=$(history_had c r1)
    history_diff --target "$SERVERS/c" --primary "$SERVERS/r1" \
        < <(history_gtids_of_server r1 | history_behind "$had")
    echo "  c lacks $(wc -l <"$HISTORY/want")"
}

history_check_multi() {
    local had
    had=$(history_had m p)
    baton rank --json "$SERVERS/m" >"$HISTORY/ranked"
    jq -e '.replicas[0].connections | map(.name) | sort == ["p", "q"]' "$HISTORY/ranked" >/dev/null
    [[ $MODE == no || $(jq -r ".replicas[0].gtid_received" "$HISTORY/ranked") == null ]] ||
        history_same_gtids "$had" "$(jq -r ".replicas[0].gtid_received" "$HISTORY/ranked")"
    history_diff --target "$SERVERS/m" --connection p --primary "$SERVERS/p" \
        < <(history_behind "$had" <"$HISTORY/all")
    echo "  m lacks $(wc -l <"$HISTORY/want")"
    had=$(history_had m q)
    history_diff --target "$SERVERS/m" --connection q --primary "$SERVERS/q" \
        < <(history_gtids_of_server q | history_behind "$had")
}

# Whom rank calls latest lacks no more than another.  (Of two that lack the same one may come
# behind: it has not heard of the log that its primary began since.)
history_check_order() {
    local name missing least
    baton rank --json "$SERVERS/r1" "$SERVERS/r2" >"$HISTORY/ranked"
    for name in r1 r2; do
        missing=$(history_behind "$(history_had "$name" p)" <"$HISTORY/all" | wc -l)
        echo "$missing $name"
    done | sort -n >"$HISTORY/order"
    jq -e '[.replicas[].incomparable_to] == [null, null]' "$HISTORY/ranked" >/dev/null || return 0
    jq -e 'any(.replicas[]; .latest)' "$HISTORY/ranked" >/dev/null
    least=$(awk 'NR == 1 {print $1}' "$HISTORY/order")
    jq -r '.replicas[] | select(.latest) | .dir' "$HISTORY/ranked" | while read -r name; do
        grep -qxF "$least ${name##*/}" "$HISTORY/order"
    done
}

# ---------------------------------------------------------------------- the damage

# One damage, chosen by the seed, to copies of the logs of r1, the target, or of one of its
# sources.  What diff gives then is still nothing but what p's own logs hold, in their order and
# without a hole or a repetition; where it is less than without the damage, diff says so.
history_damage() {
    local hurt=$HISTORY/hurt name status=0
    rm -rf "$hurt"
    for name in p r1 r2; do
        mkdir -p "$hurt/$name"
        find "$SERVERS/$name" -maxdepth 1 -type f ! -name 'ib*' ! -name 'aria*' \
            ! -name '*tmp*' -exec cp -t "$hurt/$name" {} +
    done
    history_hurt "$hurt" "$1"
    rm -f "$HISTORY/out.binlog"*
    baton diff --target "$hurt/r1" --replica "$hurt/r2" --primary "$hurt/p" \
        -o "$HISTORY/out.binlog" --json >"$HISTORY/printed" 2>"$HISTORY/warned" || status=$?
    if ((status != 0)) && [[ ! -e $HISTORY/out.binlog ]]; then
        cat "$HISTORY/warned"
        [[ $status -lt 100 && -s $HISTORY/warned ]] && return
        return 1
    fi
    baton verify "$HISTORY/out.binlog" >/dev/null
    history_only_truth
    history_behind "$(history_had r1 p)" <"$HISTORY/all" >"$HISTORY/want"
    # What the damage took from r1's own logs it is given once more.
    echo "    given $(wc -l <"$HISTORY/got"), lacks $(wc -l <"$HISTORY/want")"
    grep -vxFf "$HISTORY/got" "$HISTORY/want" >"$HISTORY/withheld" || return 0
    [[ -s $HISTORY/warned ]] || jq -e '.lost != null or .cut != []' "$HISTORY/printed" \
        >/dev/null || { cat "$HISTORY/printed" && return 1; }
}

history_draw() { DRAWN=$(((RANDOM * 32768 + RANDOM) % $1)); }

history_hurt() { # FOLDER SEED
    local who kind logs index log from size
    RANDOM=$2
    history_draw 3 && who=$(cut -d ' ' -f $((DRAWN + 1)) <<<"p r1 r2")
    history_draw 5 && kind=$(cut -d ' ' -f $((DRAWN + 1)) <<<"cut bit remove omit double")
    index=$(ls "$1/$who/$([[ $who == p ]] && echo bin || echo relay-bin).index")
    mapfile -t logs < <(ls "${index%.index}".[0-9]*[0-9])
    history_draw "${#logs[@]}" && log=${logs[DRAWN]}
    [[ $kind != cut ]] || log=${logs[-1]}
    size=$(stat -c %s "$log")
    case $kind in
    cut)
        from=$(history_binlog "$log" 2>/dev/null | sed -n 's/^# at //p' | tail -n 3 | head -n 1)
        history_draw $((size - ${from:-0})) && truncate -s $((${from:-0} + DRAWN)) "$log"
        ;;
    bit)
        history_draw "$size" && from=$DRAWN && history_draw 8
        # shellcheck disable=SC2059
        printf "\\x$(printf %x $((0x$(od -An -tx1 -j "$from" -N 1 "$log" | tr -d ' ') ^ \
            1 << DRAWN)))" | dd of="$log" bs=1 seek="$from" conv=notrunc status=none
        ;;
    remove) rm "$log" ;;
    omit) sed -i "\\|/${log##*/}\$|d" "$index" ;;
    double) sed -i "\\|/${log##*/}\$|p" "$index" ;;
    esac
    echo "  damage: $who $kind ${log##*/} ${from:-} ${DRAWN:-}"
}

# All that is in the diff log stands so in p's logs, and follows there upon one another.
history_only_truth() {
    history_gtids "$HISTORY/out.binlog" >"$HISTORY/got"
    local domain
    for domain in $(cut -d - -f 1 "$HISTORY/got" | sort -u); do
        grep "^$domain-" "$HISTORY/got" >"$HISTORY/got.domain"
        grep "^$domain-" "$HISTORY/all" |
            awk -v first="$(head -n 1 "$HISTORY/got.domain")" '$0 == first {on = 1} on' |
            cmp -n "$(stat -c %s "$HISTORY/got.domain")" "$HISTORY/got.domain" -
    done
    history_words "$SERVERS/p/bin".[0-9]*[0-9] >"$HISTORY/words.p"
    history_words "$HISTORY/out.binlog" >"$HISTORY/words.got"
    awk -F '\t' '
        {
            gtid = $1
            n = ++line[FILENAME, gtid]
            if (FILENAME == ARGV[1]) { is[gtid, n] = $0; lines[gtid] = n; next }
            if (is[gtid, n] != $0) { print "not in the primary: " $0; wrong = 1; exit }
            given[gtid] = n
        }
        END {
            for (gtid in given)
                if (given[gtid] != lines[gtid]) { print "not whole: " gtid; wrong = 1 }
            exit wrong
        }' "$HISTORY/words.p" "$HISTORY/words.got"
}

# What logs hold, each line behind its GTID, less what differs from log to log: coordinates,
# checksums, compression, and settings that are printed only where they change.
history_words() {
    history_binlog --base64-output=DECODE-ROWS -v "$@" 2>/dev/null | sed -E '
        /^#([^0-9#]|$)/d; /^SET @@session\./Id; /^(\/\*|DELIMITER|ROLLBACK|use `)/d; /^$/d
        /^#[0-9].*(Start: binlog|Rotate to|Gtid list|Stop|Binlog checkpoint)/d
        s/end_log_pos [0-9]+ *//; s/CRC32 0x[0-9a-f]+ *//; s/[_ ]?compressed//Ig
        s/SQL_LOAD[^ '"'"']*/SQL_LOAD/g' |
        awk '/^#[0-9].*GTID [0-9]+-/ { match($0, /GTID [0-9-]+/)
                gtid = substr($0, RSTART + 5, RLENGTH - 5) }
            gtid { print gtid "\t" $0 }'
}

# ---------------------------------------------------------------------- what was in it

# What of a history really was there, one word a line: the soak counts the seeds of each.
history_features() {
    local HISTORY=$SERVERS/history settings=$SERVERS/history/settings
    {
        sed -n 's/.*\bMODE=\([a-z_]*\).*/mode-\1/p; s/.*ROAD=\([a-z]*\).*/road-\1/p
            s/.*P_DIES=yes.*/primary-killed/p' "$settings"
        grep -o 'MULTI=yes\|CHAIN=yes\|CLIENTS=2\|binlog-checksum=NONE' "$settings" || true
        grep -o 'binlog-format=[A-Z]*\|parallel-\(threads\|workers\)=[1-9]' "$settings" |
            sed 's/=[1-9]//' || true
        awk '{print ($2 == "p" ? "primary-" : "replica-") $3}' "$HISTORY"/trouble.* 2>/dev/null ||
            true
        sed -n 's/^  damage: \([a-z0-9]*\) \([a-z]*\).*/damage-\2/p' "$SERVERS/said"
        grep -ohE 'binlog_format = [A-Z]+|^XA START|log_bin_compress = 1|binlog_checksum =|'\
'gtid_domain_id = 7|^FLUSH LOGS|max_binlog_size =|^LOAD DATA|CREATE TABLE [a-z0-9]+ .* AS SELECT|'\
'binlog_transaction_compression *= *[1O]N?' "$HISTORY"/work.* |
            sed -E 's/CREATE TABLE.*/CREATE SELECT/; s/ = /=/; s/ *=$//; s/ /-/g' || true
    } | sort -u
}

# ------------------------------------------------------------------------- the end

# p dies, or rests; each replica gets its diff log; then all are equal.
history_end() {
    local name
    history_resume
    server_sql p "INSERT INTO d.t VALUES (-1, 'after all'); CREATE TABLE d.last (a INT)"
    # r1 lacks both, r2 the second: diff has something to give, and r2 some of it.
    history_stop_receivers r1
    history_last_work 100
    history_stop_receivers r2
    history_last_work 200
    if [[ $P_DIES ]]; then
        server_kill p
    else
        history_end_server p
    fi
    for name in $(history_followers); do history_stop_receivers "$name"; done
    history_drain
    history_gtids_of_server p >"$HISTORY/all"
    history_damage "$seed"
    for name in r1 r2; do history_complete "$name" p; done
    if [[ $MULTI ]]; then
        history_complete m p --connection p
        history_complete m q --connection q
    fi
    history_start p
    for name in $(history_replicas); do history_equal "$name" p d; done
    [[ ! $MULTI ]] || history_equal m q q
}

history_last_work() {
    seq "$1" $(($1 + 19)) | awk '{
        printf "BEGIN; INSERT INTO t VALUES (-%d, REPEAT(\"last \", %d)); ", $1, $1 * NR
        printf "INSERT INTO nokey VALUES (%d); COMMIT;\n", $1 }' | server_pipe p d
}

# One replica gets its diff log, by the road of the seed.
history_complete() {
    local name=$1 primary=$2 had
    shift 2
    had=$(history_had "$name" "$primary")
    history_diff --target "$SERVERS/$name" "$@" --primary "$SERVERS/$primary" \
        < <(history_gtids_of_server "$primary" | history_behind "$had")
    echo "  $name is given $(wc -l <"$HISTORY/want")"
    history_correct_claim "$name"
    if [[ $ROAD == dba ]]; then
        history_binlog "$HISTORY/out.binlog" | server_pipe "$name" --binary-mode
    else
        baton apply -S "$SERVERS/$name.sock" -u root -q --via=sql "$HISTORY/out.binlog" >/dev/null
    fi
}

# In position mode gtid_slave_pos may count a transaction whose end was not received, and a replay
# would pass over it (`baton failover` corrects that by itself).
history_correct_claim() {
    local had
    had=$(history_had "$1" "$([[ $1 == c ]] && echo r1 || echo p)")
    # An applier that waits for the rest of a transaction holds its locks.
    server_sql "$1" "STOP ALL SLAVES" 2>/dev/null
    [[ $MODE == no ]] || return 0
    [[ $1 != m ]] || had=$had,$(history_had m q)
    had=$(tr -s , <<<"$had" | sed 's/^,//; s/,$//')
    server_sql "$1" "SET GLOBAL gtid_slave_pos = '$had'" 2>/dev/null
}

# Tables and, for each domain of the primary's, the last GTID.
history_equal() {
    local want had
    diff <(history_checksums "$2" "$3") <(history_checksums "$1" "$3")
    want=$(server_sql "$2" "SELECT @@gtid_binlog_pos")
    had=$(server_sql "$1" "SELECT CONCAT(@@gtid_slave_pos, ',', @@gtid_binlog_pos)" | tr , '\n' |
        awk -F- -v of="$want" '
            BEGIN {
                n = split(of, all, ",")
                for (i = 1; i <= n; i++) { split(all[i], g, "-"); is[g[1]] = 1 }
            }
            ($1 in is) && $3 + 0 > last[$1] + 0 { last[$1] = $3; text[$1] = $0 }
            END { for (d in text) print text[d] }' | paste -sd,)
    history_same_gtids "$want" "$had"
}

history_checksums() {
    local table
    server_sql "$1" "SELECT table_name FROM information_schema.tables WHERE table_schema = '$2'
        AND table_type = 'BASE TABLE' ORDER BY 1" | while read -r table; do
        server_sql "$1" "CHECKSUM TABLE $2.$table"
    done
}

# Ends the servers and moves their folders away, for a look.
history_keep() {
    local keep=$1
    history_stop_servers
    rm -rf "$keep"
    mkdir -p "$keep"
    (cd "$SERVERS" && for name in p q r1 r2 c m; do [[ ! -d $name ]] || mv "$name" "$keep/"; done)
    cp -r "$SERVERS/history" "$SERVERS/said" "$SERVERS"/*.log "$keep/" 2>/dev/null || true
}
