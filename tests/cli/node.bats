#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# baton-node on this very host, and the way it gets onto another one, with a stand-in for ssh.
# What needs real hosts is in tests/cluster/node.bats.
#
# shellcheck disable=SC2030,SC2031,SC2314 # every test is a subshell; "!" is the last command

bats_require_minimum_version 1.5.0

setup() {
    bats_load_library bats-support
    bats_load_library bats-assert
    TOOL=$BATON_BIN/channel_tool
    NODE=$BATON_BIN/baton-node
    PIDS=()
    mkdir "$BATS_TEST_TMPDIR/bin" "$BATS_TEST_TMPDIR/home"
}

teardown() {
    ((${#PIDS[@]} == 0)) || kill -9 "${PIDS[@]}" 2>/dev/null || true
}

# wait_for SECONDS COMMAND...: until it succeeds.
wait_for() {
    local end=$((${EPOCHREALTIME/[.,]/} + $1 * 1000000))
    shift
    until "$@"; do
        ((${EPOCHREALTIME/[.,]/} < end)) || { echo "waited in vain for: $*" && return 1; }
        sleep 0.02 # between two looks
    done
}

is_gone() { [[ ! -d /proc/$1 || $(cut -d ' ' -f 3 "/proc/$1/stat" 2>/dev/null) == [ZX] ]]; }

# value KEY: of the last output's "KEY value" line.
value() { sed -n "s/^$1 //p" <<<"$output"; }

# An "ssh" that runs the command here, in a home of its own; SSH_SAYS comes before, as from a
# login shell's files.
fake_ssh() {
    cat >"$BATS_TEST_TMPDIR/bin/ssh" <<END
#!/bin/bash
unset XDG_CACHE_HOME
export HOME=\${SSH_HOME-$BATS_TEST_TMPDIR/home}
printf '%s' "\$SSH_SAYS"
exec \${SSH_SHELL:-/bin/sh} -c "\${*: -1}"
END
    chmod +x "$BATS_TEST_TMPDIR/bin/ssh"
    PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

# An "ssh" that only says something and ends.
dead_ssh() {
    printf '#!/bin/sh\nprintf "%%s\\r\\n" "%s" >&2\nexit 255\n' "$1" >"$BATS_TEST_TMPDIR/bin/ssh"
    chmod +x "$BATS_TEST_TMPDIR/bin/ssh"
    PATH=$BATS_TEST_TMPDIR/bin:$PATH
}

over_ssh() { "$TOOL" --ssh host1 --workdir "$BATS_TEST_TMPDIR/work" "$@"; }

# What a server does all day: wait for what never comes, but hear signals.
IDLE='exec 9<>fifo; while :; do read -r -u 9; done'

# server_script NAME BODY: a program of that name in a data directory of its own.
server_script() {
    mkdir -p "$BATS_TEST_TMPDIR/data"
    [[ -p $BATS_TEST_TMPDIR/data/fifo ]] || mkfifo "$BATS_TEST_TMPDIR/data/fifo"
    printf '#!/bin/bash\n%s\n' "$2" >"$BATS_TEST_TMPDIR/data/$1"
    chmod +x "$BATS_TEST_TMPDIR/data/$1"
}

# Runs it, and waits until it can be found (mysqld_safe: until its server can).
server_run() {
    (cd "$BATS_TEST_TMPDIR/data" && exec ./"$1" </dev/null >/dev/null 2>&1 3>&-) &
    PIDS+=($!)
    disown $!
    wait_for 5 server_is_up
}

server_is_up() { "$TOOL" state "" "$BATS_TEST_TMPDIR/data" "" 0 | grep -q "^running 1"; }

# Opens a channel in the background and keeps it: HOLD_PID, its output HOLD_OUT, and NODE_PID.
hold() {
    local key text
    coproc HOLD { exec "$TOOL" --timeout-ms 60000 hold 2>&1; }
    PIDS+=("$HOLD_PID")
    exec {HOLD_OUT}<&"${HOLD[0]}" # bash closes its own when the program ends
    while read -r -u "$HOLD_OUT" key text; do
        [[ $key == pid ]] && NODE_PID=$text
        [[ $key == may_read_all ]] && break
    done
}

# --- the program ----------------------------------------------------------------------------

@test "it names its version and the build that its bytes make" {
    run "$NODE" --version
    assert_success
    assert_output --regexp '^baton-node [0-9.]+ \(build [0-9a-f]{32}\)$'
    local build=${output: -33:32}
    cp "$NODE" "$BATS_TEST_TMPDIR/changed"
    printf 'x' >>"$BATS_TEST_TMPDIR/changed"
    run "$BATS_TEST_TMPDIR/changed" --build-id
    assert_success
    refute_output "$build"
}

@test "it ends when its input ends, and says nothing but its greeting" {
    run "$NODE" serve </dev/null
    assert_success
    assert_output --regexp $'^\nBATON-NODE 1 [0-9.]+ [0-9a-f]{32}$'
}

@test "a manager that speaks another protocol is refused with both numbers" {
    # A hello: 19 bytes, kind 2, id 1; limit 1000 ms, protocol 99, version "9.9", idle 0.
    run "$NODE" serve < <(printf '\023\0\0\0\002\001\0\0\0\350\003\0\0' &&
        printf '\143\0\0\0\003\0\0\0009.9\0\0\0\0')
    assert_failure
    assert_output --partial "the manager (baton 9.9) speaks protocol 99, this baton-node"
}

@test "input that is no message ends it with a reason" {
    run "$NODE" serve <<<"GET / HTTP/1.1"
    assert_failure
    assert_output --partial "a message claims"
}

@test "a request before the hello is refused" {
    run "$NODE" serve < <(printf '\004\0\0\0\007\001\0\0\0\350\003\0\0')
    assert_failure
    assert_output --partial 'the first message is "server state" and not a hello'
}

# --- a channel without ssh ------------------------------------------------------------------

@test "a channel to this host needs no ssh" {
    PATH=/nonexistent run "$TOOL" hello
    assert_success
    assert_line "version $("$NODE" --version | cut -d ' ' -f 2)"
    assert_line "copied 0"
}

@test "any range of a file arrives as it is" {
    head -c 3000000 /dev/urandom >"$BATS_TEST_TMPDIR/log"
    "$TOOL" read "$BATS_TEST_TMPDIR/log" 0 18446744073709551615 | cmp - "$BATS_TEST_TMPDIR/log"
    "$TOOL" read "$BATS_TEST_TMPDIR/log" 1234567 8901 |
        cmp - <(tail -c +1234568 "$BATS_TEST_TMPDIR/log" | head -c 8901)
    run "$TOOL" read "$BATS_TEST_TMPDIR/log" 3000000 10
    assert_success
    assert_output ""
}

@test "a log read as a source, in views of any size, is the file" {
    head -c 3000000 /dev/urandom >"$BATS_TEST_TMPDIR/log"
    "$TOOL" source "$BATS_TEST_TMPDIR/log" 19 | cmp - "$BATS_TEST_TMPDIR/log"
    "$TOOL" source "$BATS_TEST_TMPDIR/log" 2000000 | cmp - "$BATS_TEST_TMPDIR/log"
}

@test "what cannot be read is an error of the host, and the channel lives on" {
    run "$TOOL" read /nonexistent 0 10
    assert_failure
    assert_output $'why none\n''this host: could not open "/nonexistent": No such file or directory'
    run "$TOOL" read /dev/zero 0 10
    assert_failure
    assert_output --partial '"/dev/zero" is no regular file'
    run "$TOOL" list "$BATS_TEST_TMPDIR/home" binlog
    assert_failure
    assert_output --partial "there are no binary logs in"
}

@test "a manager that is killed leaves no baton-node behind" {
    hold
    [[ -d /proc/$NODE_PID ]]
    kill -9 "$HOLD_PID"
    wait_for 5 is_gone "$NODE_PID"
}

@test "a baton-node that is killed is noticed at once, whatever the deadline" {
    hold
    kill -9 "$NODE_PID"
    run cat <&"$HOLD_OUT"
    assert_line "why closed"
    assert_output --partial "this host: the connection was closed"
}

@test "a baton-node that stands still is given up after the silence, not after the deadline" {
    hold
    local began=$EPOCHSECONDS
    kill -STOP "$NODE_PID"
    run cat <&"$HOLD_OUT"
    assert_line "why timeout"
    assert_output --partial "the host has fallen silent"
    ((EPOCHSECONDS - began < 12))
    wait_for 5 is_gone "$NODE_PID"
}

# --- getting there --------------------------------------------------------------------------

@test "a host without our build gets it in the session that needs it, the next one finds it" {
    fake_ssh
    run over_ssh hello
    assert_success
    assert_line "copied 1"
    run ls "$BATS_TEST_TMPDIR/home/.cache/baton"
    assert_output "baton-node-$("$NODE" --build-id)"
    run over_ssh hello
    assert_line "copied 0"
}

@test "a program of another build is copied beside the first" {
    fake_ssh
    over_ssh hello
    mkdir "$BATS_TEST_TMPDIR/other"
    cp "$NODE" "$BATS_TEST_TMPDIR/other/baton-node"
    printf 'x' >>"$BATS_TEST_TMPDIR/other/baton-node"
    run over_ssh --node "$BATS_TEST_TMPDIR/other/baton-node" hello
    assert_success
    assert_line "copied 1"
    assert_line "build $("$BATS_TEST_TMPDIR/other/baton-node" --build-id)"
    run over_ssh hello
    assert_line "copied 0"
}

@test "a copy that is not whole is replaced" {
    fake_ssh
    over_ssh hello
    truncate -s 100000 "$BATS_TEST_TMPDIR/home/.cache/baton/"*
    run over_ssh hello
    assert_success
    assert_line "copied 1"
}

@test "what a login shell writes does not disturb" {
    fake_ssh
    SSH_SAYS=$'Welcome!\nBATON is a stick\n' run over_ssh hello
    assert_success
    SSH_SAYS="no newline at the end" run over_ssh hello
    assert_success
    SSH_SAYS=$(head -c 70000 /dev/zero | tr '\0' 'x') run over_ssh hello
    assert_failure
    assert_output --partial "the login shell writes more than"
}

@test "any POSIX shell may be the login shell" {
    fake_ssh
    local shell
    for shell in dash bash "bash --posix" "busybox sh" ksh zsh; do
        command -v "${shell%% *}" >/dev/null || continue
        rm -rf "$BATS_TEST_TMPDIR/home/.cache"
        SSH_SHELL=$shell run over_ssh hello
        assert_success
        assert_line "copied 1"
    done
}

@test "where the home cannot hold a program the work folder does" {
    fake_ssh
    SSH_HOME=/proc/nohome run over_ssh hello
    assert_success
    assert_line "copied 1"
    run ls "$BATS_TEST_TMPDIR/work/baton-$(id -u)"
    assert_output "baton-node-$("$NODE" --build-id)"
    SSH_HOME=/proc/nohome run over_ssh hello
    assert_line "copied 0"
}

@test "a folder that is a link, or somebody else's, is not trusted" {
    fake_ssh
    mkdir -p "$BATS_TEST_TMPDIR/home/.cache" "$BATS_TEST_TMPDIR/elsewhere"
    ln -s "$BATS_TEST_TMPDIR/elsewhere" "$BATS_TEST_TMPDIR/home/.cache/baton"
    run over_ssh hello
    assert_success
    [[ -z $(ls "$BATS_TEST_TMPDIR/elsewhere") ]]
    [[ -e $BATS_TEST_TMPDIR/work/baton-$(id -u)/baton-node-$("$NODE" --build-id) ]]
    ((EUID == 0)) || skip "only root can give a folder away"
    rm -r "$BATS_TEST_TMPDIR/work" "$BATS_TEST_TMPDIR/home/.cache/baton"
    mkdir "$BATS_TEST_TMPDIR/home/.cache/baton"
    chown 65534 "$BATS_TEST_TMPDIR/home/.cache/baton"
    run over_ssh hello
    assert_success
    [[ -z $(ls "$BATS_TEST_TMPDIR/home/.cache/baton") ]]
}

@test "a disk that is full is named" {
    fake_ssh
    # Nothing larger than 64 KiB can be written: as a full disk, and it hits the copy alone.
    printf '#!/bin/bash\nulimit -f 64\ntrap "" XFSZ\nexec %q "$@"\n' \
        "$BATS_TEST_TMPDIR/bin/ssh-whole" >"$BATS_TEST_TMPDIR/ssh"
    mv "$BATS_TEST_TMPDIR/bin/ssh" "$BATS_TEST_TMPDIR/bin/ssh-whole"
    mv "$BATS_TEST_TMPDIR/ssh" "$BATS_TEST_TMPDIR/bin/ssh"
    chmod +x "$BATS_TEST_TMPDIR/bin/ssh"
    run over_ssh hello
    assert_failure
    assert_line "why copy"
    assert_output --partial "no folder there can hold baton-node"
}

# --- ssh that fails -------------------------------------------------------------------------

@test "why ssh failed is told apart, with its own words" {
    local words="ssh: connect to host host1 port 22: Connection refused"
    dead_ssh "$words"
    run over_ssh hello
    assert_failure
    assert_line "why refused"
    assert_line "ssh to host1: the connection was refused: $words"
    dead_ssh "root@host1: Permission denied (publickey)."
    run over_ssh hello
    assert_line "why denied"
    dead_ssh "Host key verification failed."
    run over_ssh hello
    assert_line "why host-key"
    dead_ssh "ssh: connect to host host1 port 22: No route to host"
    run over_ssh hello
    assert_line "why unreachable"
}

@test "an ssh that hangs is killed at the deadline, with what it started" {
    printf '#!/bin/sh\ntail -f /dev/null &\necho $! >%s\nwait\n' "$BATS_TEST_TMPDIR/sleeper" \
        >"$BATS_TEST_TMPDIR/bin/ssh"
    chmod +x "$BATS_TEST_TMPDIR/bin/ssh"
    PATH=$BATS_TEST_TMPDIR/bin:$PATH
    local began=${EPOCHREALTIME/[.,]/} ms
    run over_ssh --timeout-ms 700 hello
    ms=$(((${EPOCHREALTIME/[.,]/} - began) / 1000))
    assert_failure
    assert_line "why timeout"
    assert_output --partial "ssh to host1: there was no answer in time"
    ((ms >= 700 && ms < 3000))
    wait_for 5 is_gone "$(<"$BATS_TEST_TMPDIR/sleeper")"
}

@test "no ssh at all is an error of this host" {
    PATH=/nonexistent run "$TOOL" --ssh host1 hello
    assert_failure
    assert_line "why config"
    assert_line 'could not run "ssh": No such file or directory'
}

# --- a server's process ---------------------------------------------------------------------

@test "a server is found by its data directory, and SIGTERM is enough for one that obeys" {
    server_script mysqld "$IDLE"
    server_run mysqld
    run "$TOOL" state "" "$BATS_TEST_TMPDIR/data" "" 0
    assert_line "running 1"
    assert_line "pid ${PIDS[0]}"
    assert_line "found_by datadir"
    run "$TOOL" stop "" "$BATS_TEST_TMPDIR/data" "" 0 5000 5000
    assert_success
    assert_line "how term"
    assert_line "proof mysqld ${PIDS[0]} (found by datadir) has ended"
    is_gone "${PIDS[0]}"
    run "$TOOL" stop "" "$BATS_TEST_TMPDIR/data" "" 0 5000 5000
    assert_line "how was-gone"
}

@test "a server that ignores SIGTERM is killed when its time is up" {
    server_script mysqld 'trap "" TERM; '"$IDLE"
    server_run mysqld
    run "$TOOL" stop "" "$BATS_TEST_TMPDIR/data" "" 0 300 5000
    assert_success
    assert_line "how kill"
    (($(value ms) >= 300 && $(value ms) < 3000))
    is_gone "${PIDS[0]}"
}

@test "a server that stands still is killed at once and never woken" {
    server_script mysqld 'trap "touch woken; exit" TERM; '"$IDLE"
    server_run mysqld
    kill -STOP "${PIDS[0]}"
    run "$TOOL" stop "" "$BATS_TEST_TMPDIR/data" "" 0 60000 5000
    assert_success
    assert_line "how kill"
    is_gone "${PIDS[0]}"
    [[ ! -e $BATS_TEST_TMPDIR/data/woken ]]
}

@test "what would start the server again is ended first" {
    server_script mysqld "$IDLE"
    server_script mysqld_safe 'trap "" TERM; while :; do ./mysqld; echo again >>started; done'
    server_run mysqld_safe
    run "$TOOL" state "" "$BATS_TEST_TMPDIR/data" "" 0
    assert_line "safe_pid ${PIDS[0]}"
    run "$TOOL" stop "" "$BATS_TEST_TMPDIR/data" "" 0 5000 5000
    assert_success
    assert_line "safe_stopped 1"
    is_gone "${PIDS[0]}"
    run ! server_is_up
    [[ ! -e $BATS_TEST_TMPDIR/data/started ]]
}

@test "a server that was just killed is not gone while something is about to start it again" {
    server_script mysqld "$IDLE"
    # Between two servers it waits for a word: the moment after a crash, held still.
    mkfifo "$BATS_TEST_TMPDIR/data/again"
    server_script mysqld_safe 'trap "" TERM; while :; do ./mysqld; touch waits; read -r <again; done'
    server_run mysqld_safe
    run "$TOOL" state "" "$BATS_TEST_TMPDIR/data" "" 0
    kill -9 "$(value pid)"
    wait_for 5 test -e "$BATS_TEST_TMPDIR/data/waits"
    run "$TOOL" stop "" "$BATS_TEST_TMPDIR/data" "" 0 5000 5000
    assert_success
    assert_line "how was-gone"
    assert_line "safe_stopped 1"
    assert_line "proof no server process, its mysqld_safe was ended"
    is_gone "${PIDS[0]}"
}

@test "a server of another data directory is left alone" {
    server_script mysqld "$IDLE"
    server_run mysqld
    run "$TOOL" stop "" "$BATS_TEST_TMPDIR/home" "" 0 1000 1000
    assert_success
    assert_line "how was-gone"
    ! is_gone "${PIDS[0]}"
}

@test "a pid file that names something else finds nothing" {
    tail -f /dev/null 3>&- &
    PIDS+=($!)
    disown $!
    echo "${PIDS[0]}" >"$BATS_TEST_TMPDIR/pid"
    run "$TOOL" stop "$BATS_TEST_TMPDIR/pid" "$BATS_TEST_TMPDIR/home" "" 0 1000 1000
    assert_line "how was-gone"
    ! is_gone "${PIDS[0]}"
}

@test "a port says whether somebody listens, and whether he speaks" {
    run "$TOOL" reach 127.0.0.1 1 500
    assert_success
    assert_line "port refused"
    run "$TOOL" reach localhost 1 500
    assert_failure
    assert_output --partial '"localhost" is no numeric IP address'
}
