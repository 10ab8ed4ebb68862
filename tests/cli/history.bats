#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# Random histories of real servers (tests/lib/history.bash): a few of those that `make soak` runs by
# the hundred.
#
#     HISTORY_SEED=7 bats tests/cli/history.bats        seed 7 alone

bats_require_minimum_version 1.5.0

setup_file() {
    source "$BATON_SOURCE/tests/lib/servers.bash"
    # Relay logs that are synced after every event belong into memory.
    [[ ! -w /dev/shm ]] || export TMPDIR=/dev/shm
    servers_init
}

teardown_file() {
    source "$BATON_SOURCE/tests/lib/servers.bash"
    servers_done
}

setup() {
    source "$BATON_SOURCE/tests/lib/servers.bash"
    source "$BATON_SOURCE/tests/lib/history.bash"
    PATH=$BATON_BIN:$PATH
}

teardown() {
    history_stop
}

# A case ends with 77 where a server cannot read its own relay log (history_drain).
play() {
    local status=0
    "$BATON_SOURCE/tests/soak/history" --case "${HISTORY_SEED:-$1}" >"$BATS_TEST_TMPDIR/said" 2>&1 ||
        status=$?
    cat "$BATS_TEST_TMPDIR/said"
    ((status == 0 || status == 77))
}

@test "GTID mode, two primaries, a chain: the same, and the diff logs close the gaps" {
    play 9
}

@test "position mode, a chain, receivers killed: the same" {
    play 8
}
