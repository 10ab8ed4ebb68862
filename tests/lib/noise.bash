# shellcheck shell=bash disable=SC2119,SC2120
# SPDX-License-Identifier: Apache-2.0
#
# noise.bash - cables that lose and delay what their hosts send.  Source it after cluster.bash.
#
#     noise_on db1 30 200 50      30 % lost, the rest 200 ms late, plus up to 50 ms
#     noise_on_all 30             every database host and the manager
#     noise_off db1
#     noise_off_all

NOISE_BIN=${NOISE_BIN:-${BATON_BIN:-$CLUSTER_ROOT/build/release/bin}/noisy_wire}

# noise_on HOST LOSS_PERCENT [DELAY_MS [JITTER_MS]]
noise_on() {
    local file=$CLUSTER_DIR/noise-$1
    : >"$file.out"
    nsenter --net="/run/netns/$(host_netns net)" -- "$NOISE_BIN" br0 "$1" "$2" "${3:-0}" "${4:-0}" \
        $((${seed:-1} + $(host_number "$1"))) </dev/null >"$file.out" 2>&1 3>&- 4>&- &
    echo $! >"$file.pid"
    disown $!
    cluster_wait "the noise on the cable of $1" 10 grep -q ready "$file.out"
}

noise_off() {
    local pid
    pid=$(<"$CLUSTER_DIR/noise-$1.pid")
    kill "$pid"
    cluster_wait "the cable of $1 to be clean" 10 noise_has_ended "$pid"
}

noise_has_ended() { ! kill -0 "$1" 2>/dev/null; }

noise_on_all() {
    local host
    for host in $(cluster_hosts) manager; do noise_on "$host" "$@" || return; done
}

noise_off_all() {
    local host
    for host in $(cluster_hosts) manager; do noise_off "$host" || return; done
}
