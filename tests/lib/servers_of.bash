# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# servers_of.bash - servers.bash with another server than the installed one.
#
#     servers_init; servers_of /opt/servers/mariadb-11.8
#
# The folder holds `env` (KIND, OPTS), bin/{server,client,binlog} and an empty data folder
# `template`.  Commands of the names that servers.bash uses are put in front of PATH.

servers_of() {
    local from=$1 KIND='' OPTS=''
    [[ -x $from/bin/server ]] || { echo "no server in $from" >&2; return 1; }
    # shellcheck disable=SC1091
    source "$from/env"
    SERVERS_KIND=$KIND
    export SERVERS_KIND
    mkdir -p "$SERVERS/bin"
    servers_of_command mariadbd "$from/bin/server $OPTS"
    [[ $KIND == mariadb ]] || servers_of_mysqld "$from/bin/server $OPTS"
    servers_of_command mariadb "$from/bin/client$([[ $KIND != mysql9 ]] || echo " --commands")"
    servers_of_command mariadb-binlog "$from/bin/binlog"
    rm -rf "$SERVERS/template"
    cp -a "$from/template" "$SERVERS/template"
    rm -f "$SERVERS/template/.done" "$SERVERS/template/auto.cnf"
    PATH=$SERVERS/bin:$PATH
}

# --no-defaults stands first in what is run already.
servers_of_command() {
    cat >"$SERVERS/bin/$1" <<END
#!/bin/bash
[[ \${1:-} != --no-defaults ]] || shift
exec $2 "\$@"
END
    chmod +x "$SERVERS/bin/$1"
}

# Options of servers.bash that MySQL has under another name, or has no more.
servers_of_mysqld() {
    local skip=--skip-replica-start
    [[ $KIND != mysql56 ]] || skip=--skip-slave-start
    cat >"$SERVERS/bin/mariadbd" <<END
#!/bin/bash
words=()
for word in "\$@"; do
    case \$word in
    --no-defaults | --innodb-log-file-size=*) ;;
    --skip-slave-start) words+=($skip) ;;
    *) words+=("\$word") ;;
    esac
done
exec $1 "\${words[@]}"
END
}
