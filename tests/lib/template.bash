# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# template.bash - the data folder that every host of a cluster starts from.  Part of cluster.bash.
#
# Made once per server version under build/cluster (CLUSTER_CACHE), then copied: an empty
# server with the accounts of cluster.bash in it.

# Finds the programs; sets what cluster_register keeps in the cluster's env file.
template_servers_exist() {
    local KIND='' OPTS=''
    CLUSTER_SERVER_OPTIONS=(--no-defaults --user=root)
    if [[ -n ${CLUSTER_SERVER:-} ]]; then
        CLUSTER_SERVERD=$CLUSTER_SERVER/bin/server
        CLUSTER_CLIENT=("$CLUSTER_SERVER/bin/client")
        CLUSTER_BINLOG=("$CLUSTER_SERVER/bin/binlog")
        [[ -x $CLUSTER_SERVERD && -x ${CLUSTER_CLIENT[0]} && -r $CLUSTER_SERVER/env ]] || return
        # shellcheck disable=SC1091
        source "$CLUSTER_SERVER/env"
        # shellcheck disable=SC2206
        CLUSTER_SERVER_OPTIONS=($OPTS)
        CLUSTER_KIND=$KIND # mariadb, mysql9 or mysql56
        [[ $KIND != mysql9 ]] || CLUSTER_CLIENT+=(--commands)
    else
        CLUSTER_SERVERD=${CLUSTER_MARIADBD:-$(command -v mariadbd || echo /usr/sbin/mariadbd)}
        CLUSTER_CLIENT=(mariadb --no-defaults)
        CLUSTER_BINLOG=(mariadb-binlog --no-defaults)
        CLUSTER_KIND=mariadb
        [[ -x $CLUSTER_SERVERD ]] && command -v mariadb mariadb-install-db >/dev/null || return
    fi
    # shellcheck disable=SC2054
    CLUSTER_SERVER_OPTIONS+=(--innodb-buffer-pool-size=32M --skip-name-resolve
        --character-set-server=utf8mb4 --performance-schema=OFF --max-connections=200
        --bind-address=\*)
    [[ ${KIND:-mariadb} == mysql9 ]] || CLUSTER_SERVER_OPTIONS+=(--innodb-log-file-size=16M)
    if [[ ${CLUSTER_DURABLE:-1} == 0 ]]; then
        CLUSTER_SERVER_OPTIONS+=(--innodb-flush-log-at-trx-commit=2 --sync-binlog=0)
    else
        CLUSTER_SERVER_OPTIONS+=(--innodb-flush-log-at-trx-commit=1 --sync-binlog=1)
    fi
}

# Sets CLUSTER_TEMPLATE; makes the folder when it does not exist.  Two who make it at the same
# time both succeed: the folder appears by a rename.
template_prepare() {
    local version new
    version=$("$CLUSTER_SERVERD" --no-defaults --version 2>/dev/null | cksum | cut -d ' ' -f 1)
    version+=-$(template_accounts | cksum | cut -d ' ' -f 1)
    CLUSTER_TEMPLATE=${CLUSTER_CACHE:-$CLUSTER_ROOT/build/cluster}/template-$version
    [[ -d $CLUSTER_TEMPLATE ]] && return
    mkdir -p "$(dirname "$CLUSTER_TEMPLATE")"
    new=$(mktemp -d "$CLUSTER_TEMPLATE.XXXXXX") || return
    if template_make "$new" >"$new/log" 2>&1; then
        rm -rf "$new/log" "$new/tmp" "$new/data/auto.cnf"
        mv -T "$new/data" "$CLUSTER_TEMPLATE" 2>/dev/null || [[ -d $CLUSTER_TEMPLATE ]]
    else
        cluster_say "could not make a data folder with $CLUSTER_SERVERD:"
        tail -n 20 "$new/log" >&2
        false
    fi
    local status=$?
    rm -rf "$new"
    return "$status"
}

template_make() {
    local new=$1 server status=0
    if [[ -n ${CLUSTER_SERVER:-} ]]; then
        cp -a "$CLUSTER_SERVER/template" "$new/data" || return
        rm -f "$new/data/.done"
    else
        mariadb-install-db --no-defaults --force --user=root --datadir="$new/data" --skip-test-db \
            --auth-root-authentication-method=normal --innodb-log-file-size=16M || return
    fi
    mkdir "$new/tmp"
    "$CLUSTER_SERVERD" "${CLUSTER_SERVER_OPTIONS[@]}" --datadir="$new/data" \
        --tmpdir="$new/tmp" --socket="$new/tmp/s" --pid-file="$new/tmp/pid" \
        --skip-networking --skip-log-bin 3>&- &
    server=$!
    cluster_wait "the template server" 60 \
        "${CLUSTER_CLIENT[@]}" --user=root --socket="$new/tmp/s" --execute="SELECT 1" &&
        template_accounts |
        "${CLUSTER_CLIENT[@]}" --user=root --socket="$new/tmp/s" || status=1
    kill "$server"
    wait "$server" || status=1
    return "$status"
}

template_accounts() {
    local account user password
    for account in ADMIN REPL APP; do
        user=${account}_USER password=${account}_PASSWORD
        password=${!password//\\/\\\\}
        printf "CREATE USER '%s'@'%%' IDENTIFIED BY '%s';\n" "${!user}" "${password//\'/\'\'}"
    done
    cat <<END
GRANT ALL PRIVILEGES ON *.* TO '$ADMIN_USER'@'%' WITH GRANT OPTION;
GRANT REPLICATION SLAVE ON *.* TO '$REPL_USER'@'%';
GRANT ALL PRIVILEGES ON \`ledger\`.* TO '$APP_USER'@'%';
END
    if [[ $CLUSTER_KIND == mariadb ]]; then
        # The installer's nameless accounts would win over ours for connections from localhost.
        echo "DELETE FROM mysql.global_priv WHERE User = ''; FLUSH PRIVILEGES;"
    elif [[ $CLUSTER_KIND == mysql56 ]]; then
        echo "DELETE FROM mysql.user WHERE User = ''; FLUSH PRIVILEGES;"
    fi
}
