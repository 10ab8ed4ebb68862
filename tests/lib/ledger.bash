# shellcheck shell=bash disable=SC2119,SC2120
# SPDX-License-Identifier: Apache-2.0
#
# ledger.bash - a client that writes through the VIP and keeps what it was promised.  Source it
# after cluster.bash; one client at a time per cluster.
#
#     ledger_start --threads 4 --mode mixed
#     ledger_wait 100                 until 100 more commits are acknowledged
#     ledger_stop                     prints one line of JSON (acked, unknown, gap_ms, ...)
#     ledger_verify db2 db3           0 when nothing acknowledged is lost there

LEDGER_BIN=${LEDGER_BIN:-${BATON_BIN:-$CLUSTER_ROOT/build/release/bin}/ledger}

# ledger_start [OPTION OF ledger write]...: runs in the client's namespace until ledger_stop, with
# 250 commits a second and thread unless a later --pace says otherwise.
ledger_start() {
    rm -f "$CLUSTER_DIR/ledger" "$CLUSTER_DIR"/ledger.{json,err}
    # Not host_exec: $! must be the program itself.
    nsenter --net="/run/netns/$(host_netns client)" -- "$LEDGER_BIN" write \
        --host "$VIP" --defaults-file "$CLUSTER_DIR/app.cnf" \
        --out "$CLUSTER_DIR/ledger" --until-signal --pace 250 "$@" \
        </dev/null >"$CLUSTER_DIR/ledger.json" 2>"$CLUSTER_DIR/ledger.err" 3>&- 4>&- &
    echo $! >"$CLUSTER_DIR/ledger.pid"
    disown $!
    cluster_wait "the ledger client's first commit" 15 ledger_has 1
}

ledger_acked() { grep -c '^acked' "$CLUSTER_DIR/ledger"; }

ledger_has() {
    (($(ledger_acked) >= $1)) || { cat "$CLUSTER_DIR/ledger.err" && false; }
}

# ledger_wait N [SECONDS]: until N more commits are acknowledged than now.
ledger_wait() {
    cluster_wait "$1 more commits" "${2:-20}" ledger_has $(($(ledger_acked) + $1))
}

ledger_stop() {
    kill -TERM "$(<"$CLUSTER_DIR/ledger.pid")"
    cluster_wait "the ledger client to end" 15 test -s "$CLUSTER_DIR/ledger.json"
    cat "$CLUSTER_DIR/ledger.json"
}

# ledger_verify [--json] HOST...
ledger_verify() {
    local options=() hosts='' host
    for host in "$@"; do
        case $host in
        --*) options+=("$host") ;;
        *) hosts+=${hosts:+,}$(host_address "$host") ;;
        esac
    done
    host_exec manager "$LEDGER_BIN" verify --host "$hosts" --ledger "$CLUSTER_DIR/ledger" \
        --defaults-file "$CLUSTER_DIR/admin.cnf" "${options[@]}"
}
