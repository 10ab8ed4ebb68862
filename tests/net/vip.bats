#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
#
# shellcheck disable=SC2154 # bats sets stderr
#
# The VIP on a wire: two hosts that could have it and a third that only listens, as network
# namespaces on a bridge that stands in a namespace of its own.

NET=10.77.9
VIP4=$NET.9/24
VIP6=fd00:77:9::9/64

setup_file() {
    bats_require_minimum_version 1.5.0
    export NS=btvip$$
    local host
    ip netns add "$NS-switch"
    ip -n "$NS-switch" link add br0 type bridge forward_delay 0 mcast_snooping 0
    ip -n "$NS-switch" link set br0 up
    for host in a b c; do
        ip netns add "$NS-$host"
        ip -n "$NS-$host" link add eth0 address "$(mac_of $host)" type veth \
            peer name "$host" netns "$NS-switch"
        ip -n "$NS-switch" link set dev "$host" master br0 up
        # accept_dad 0: their own addresses are usable at once.
        ip netns exec "$NS-$host" sysctl -qw net.ipv6.conf.eth0.accept_dad=0
        ip -n "$NS-$host" link set lo up
        ip -n "$NS-$host" link set eth0 up
        ip -n "$NS-$host" address add "$(own4 $host)/24" dev eth0
        ip -n "$NS-$host" address add "$(own6 $host)/64" dev eth0
    done
    c_asks "$(own4 a)"
    c_asks "$(own6 a)"
}

teardown_file() {
    local ns
    for ns in switch a b c; do
        ip netns del "$NS-$ns" 2>/dev/null || true
    done
}

setup() {
    bats_load_library bats-support
    bats_load_library bats-assert
}

teardown() {
    local host
    for host in a b c; do
        ip -n "$NS-$host" link set eth0 up
        on $host down any "$VIP4" >/dev/null
        on $host down any "$VIP6" >/dev/null
        ip -n "$NS-$host" neighbour flush dev eth0
    done
}

number_of() { case $1 in a) echo 1 ;; b) echo 2 ;; c) echo 3 ;; esac; }
mac_of() { echo "02:77:00:00:09:0$(number_of "$1")"; }
own4() { echo "$NET.10$(number_of "$1")"; }
own6() { echo "fd00:77:9::10$(number_of "$1")"; }

# on HOST VERB...: vip_tool on that host.
on() {
    local host=$1
    shift
    ip netns exec "$NS-$host" "$BATON_BIN/vip_tool" "$@"
}

# retry COMMAND...: until it succeeds, at most 10 s.
retry() {
    local end=$((SECONDS + 10))
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < end)) || { echo "still fails: $*" >&2 && return 1; }
        read -r -t 0.02 <> <(:) || true
    done
}

# Makes c look for the address as any client would: a packet for it, to nobody who reads it.
c_asks() {
    ip -n "$NS-c" neighbour flush to "${1%/*}" dev eth0
    ip netns exec "$NS-c" bash -c "echo >/dev/udp/${1%/*}/9"
    retry c_knows "$1"
}

c_knows() { [[ $(c_sees "$1") == *:* ]]; }

# The MAC that c would send to.
c_sees() {
    ip -n "$NS-c" -json neighbour show to "${1%/*}" | jq -r '.[0].lladdr // "nobody"'
}

c_sees_at() { [[ $(c_sees "$1") == "$(mac_of "$2")" ]]; }

# listen VIP COUNT: c records frames about the address into $HEARD, until COUNT have come.
listen() {
    HEARD=$BATS_TEST_TMPDIR/heard
    ip netns exec "$NS-c" "$BATON_BIN/vip_tool" capture eth0 "$1" "$2" >"$HEARD" 3>&- &
    LISTENER=$!
    retry grep -q listening "$HEARD"
}

# What it heard; after `wait "$LISTENER"`, which only the shell that started it can do.
heard() { sed '1d; s/^[0-9]* //' "$HEARD"; }

# frame PART...: the parts of a frame as heard() prints them.
frame() { printf '%s' "$@"; }

# assert_no_up KIND VIP INTERFACE REASON: what `up` said on stderr.
assert_no_up() {
    assert_equal "$stderr" "$1: could not bring up $2 on \"$3\": $4"
}

@test "a VIP that nobody has comes up, is listed and answers" {
    local vip
    for vip in "$VIP4" "$VIP6"; do
        run on a up eth0 "$vip" 60
        assert_output "added, announced 1, nobody"
        run on a status "$vip"
        assert_output "eth0/${vip#*/}"
        c_asks "$vip"
        run c_sees "$vip"
        assert_output "$(mac_of a)"
    done
}

@test "a third host's neighbour table turns to the new holder at its announcement" {
    local vip
    for vip in "$VIP4" "$VIP6"; do
        on a up eth0 "$vip" 60
        c_asks "$vip"
        c_sees_at "$vip" a
        on a down eth0 "$vip"
        c_sees_at "$vip" a
        on b up eth0 "$vip" 60
        retry c_sees_at "$vip" b
        c_asks "$vip"
        c_sees_at "$vip" b
    done
}

@test "an announcement alone turns the table, also when the old holder does not let go" {
    local vip
    for vip in "$VIP4" "$VIP6"; do
        on a up eth0 "$vip" 60
        c_asks "$vip"
        c_sees_at "$vip" a
        on b announce eth0 "$vip" 1 1
        retry c_sees_at "$vip" b
    done
}

@test "a probe finds the holder by its hardware address" {
    local vip
    for vip in "$VIP4" "$VIP6"; do
        on a up eth0 "$vip" 60
        run on b probe eth0 "$vip" 2000
        assert_output "held by $(mac_of a)"
    done
}

@test "a probe finds nobody where nobody is, after the whole time" {
    local vip started
    for vip in "$VIP4" "$VIP6"; do
        started=${EPOCHREALTIME/./}
        run on b probe eth0 "$vip" 150
        assert_output "nobody"
        ((${EPOCHREALTIME/./} - started >= 150000))
    done
}

@test "a host does not take its own address for somebody else's" {
    local vip
    for vip in "$VIP4" "$VIP6"; do
        on a up eth0 "$vip" 60
        run on a probe eth0 "$vip" 150
        assert_output "nobody"
    done
}

@test "of two hosts that probe at the same time at least one hears of the other" {
    local vip other
    for vip in "$VIP4" "$VIP6"; do
        on b probe eth0 "$vip" 500 >"$BATS_TEST_TMPDIR/b" 3>&- &
        other=$!
        on a probe eth0 "$vip" 500 >"$BATS_TEST_TMPDIR/a"
        wait $other
        # Who hears first stops at once, so the other may go on to hear nobody and win.
        run cat "$BATS_TEST_TMPDIR/a" "$BATS_TEST_TMPDIR/b"
        assert_output --regexp "wanted by ($(mac_of a)|$(mac_of b))"
    done
}

@test "an address that another host holds is not taken, and nothing changes" {
    local vip
    for vip in "$VIP4" "$VIP6"; do
        on a up eth0 "$vip" 60
        run -7 --separate-stderr on b up eth0 "$vip" 2000
        assert_no_up conflict "$vip" eth0 \
        "${vip%/*} is held by another host, $(mac_of a) answers for it on \"eth0\""
        run on b status "$vip"
        assert_output ""
    done
}

@test "an address that another host holds is taken by force, naming the holder" {
    on a up eth0 "$VIP4" 60
    c_asks "$VIP4"
    run on b up eth0 "$VIP4" 2000 --force
    assert_output "added, announced 1, held by $(mac_of a)"
    retry c_sees_at "$VIP4" b
}

@test "up twice says that it was there, down twice that there was nothing" {
    local vip
    for vip in "$VIP4" "$VIP6"; do
        on a up eth0 "$vip" 60
        run on a up eth0 "$vip" 60
        assert_output "was there, announced 1, nobody"
        run on a status "$vip"
        assert_output "eth0/${vip#*/}"
        run on a down eth0 "$vip"
        assert_output "removed 1"
        run on a down eth0 "$vip"
        assert_output "removed 0"
        run on a status "$vip"
        assert_output ""
    done
}

@test "an IPv6 VIP is usable at once and is not the source of the host's own connections" {
    ip netns exec "$NS-b" sysctl -qw net.ipv6.conf.eth0.accept_dad=1
    on b up eth0 "$VIP6" 60
    run on b status "$VIP6"
    assert_output "eth0/64"
    c_asks "$VIP6"
    # Nearer to the destination than the host's own address is, so it would be chosen.
    run ip -n "$NS-b" -6 route get fd00:77:9::8
    refute_output --partial "src ${VIP6%/*} "
    ip netns exec "$NS-b" sysctl -qw net.ipv6.conf.eth0.accept_dad=0
}

@test "a VIP goes down whatever its prefix is there, wherever it stands" {
    ip -n "$NS-a" address add ${VIP4%/*}/32 dev eth0
    ip -n "$NS-a" address add ${VIP4%/*}/32 dev lo
    run on a down any "$VIP4"
    assert_output "removed 2"
    run ip -n "$NS-a" address show to ${VIP4%/*}
    assert_output ""
}

@test "down on one interface leaves the others alone" {
    ip -n "$NS-a" address add ${VIP4%/*}/32 dev lo
    run on a down eth0 "$VIP4"
    assert_output "removed 0"
    run on a status "$VIP4"
    assert_output "lo/32"
}

@test "an address that stands elsewhere on the host, or with another prefix, is not added again" {
    ip -n "$NS-a" address add ${VIP4%/*}/32 dev lo
    run -3 --separate-stderr on a up eth0 "$VIP4" 60
    assert_no_up reality "$VIP4" eth0 \
        "${VIP4%/*} stands on \"lo\" of this host already"
    on a down any "$VIP4"
    ip -n "$NS-a" address add ${VIP4%/*}/32 dev eth0
    run -3 --separate-stderr on a up eth0 "$VIP4" 60
    assert_no_up reality "$VIP4" eth0 \
        "$VIP4 stands on \"eth0\" already, but with prefix length 32"
}

@test "the host's own address survives the removal of a VIP that was there first" {
    ip netns exec "$NS-a" sysctl -qw net.ipv4.conf.all.promote_secondaries=0 \
        net.ipv4.conf.eth0.promote_secondaries=0
    ip -n "$NS-a" address flush dev eth0 scope global
    on a up eth0 "$VIP4" none
    ip -n "$NS-a" address add "$(own4 a)/24" dev eth0
    run on a down eth0 "$VIP4"
    assert_output "removed 1"
    run ip -n "$NS-a" -brief address show dev eth0
    assert_output --partial "$(own4 a)/24"
    ip -n "$NS-a" address add "$(own6 a)/64" dev eth0
}

@test "a missing interface is an error when the VIP goes up and no error when it goes down" {
    run -3 --separate-stderr on a up eth7 "$VIP4"
    assert_no_up reality "$VIP4" eth7 \
        "this host has no interface \"eth7\" (it has lo, eth0)"
    run on a down eth7 "$VIP4"
    assert_output "removed 0"
}

@test "an interface that is off, without carrier or no Ethernet is refused" {
    run -3 --separate-stderr on a up lo "$VIP4"
    assert_no_up reality "$VIP4" lo \
        "interface \"lo\" is no Ethernet: its neighbours cannot be told"
    ip -n "$NS-switch" link set dev a down
    run -3 --separate-stderr on a up eth0 "$VIP4"
    ip -n "$NS-switch" link set dev a up
    assert_no_up reality "$VIP4" eth0 \
        "interface \"eth0\" has no carrier"
    # The link goes off last: IPv6 addresses go with it.
    ip -n "$NS-a" link set eth0 down
    run -3 --separate-stderr on a up eth0 "$VIP4"
    assert_no_up reality "$VIP4" eth0 \
        "interface \"eth0\" is switched off"
    run on a status "$VIP4"
    assert_output ""
    ip -n "$NS-a" link set eth0 up
    ip -n "$NS-a" address add "$(own6 a)/64" dev eth0
}

@test "without privileges nothing changes and the error says what is needed" {
    run -3 --separate-stderr ip netns exec "$NS-a" setpriv --reuid=65534 --regid=65534 \
        --clear-groups --bounding-set=-all --inh-caps=-all "$BATON_BIN/vip_tool" up eth0 "$VIP4" 60
    assert_no_up reality "$VIP4" eth0 \
        "could not ask \"eth0\" who has ${VIP4%/*}: "\
"cannot send frames on \"eth0\" without CAP_NET_RAW (root)"
    run -3 --separate-stderr ip netns exec "$NS-a" setpriv --reuid=65534 --regid=65534 \
        --clear-groups "$BATON_BIN/vip_tool" up eth0 "$VIP4" none
    assert_no_up reality "$VIP4" eth0 \
        "cannot add $VIP4 on \"eth0\" without CAP_NET_ADMIN (root)"
    on a up eth0 "$VIP4" 60
    run -3 --separate-stderr ip netns exec "$NS-a" setpriv --reuid=65534 --regid=65534 \
        --clear-groups "$BATON_BIN/vip_tool" down eth0 "$VIP4"
    assert_equal "$stderr" "reality: could not take down ${VIP4%/*}: "\
"cannot remove $VIP4 on \"eth0\" without CAP_NET_ADMIN (root)"
    run on a status "$VIP4"
    assert_output "eth0/24"
}

@test "the frames of an IPv4 announcement arrive byte for byte" {
    listen "$VIP4" 2
    on a announce eth0 "$VIP4" 1 1
    wait "$LISTENER"
    run heard
    assert_line --index 0 "$(frame ffffffffffff 027700000901 0806 000108000604 0001 \
        027700000901 0a4d0909 000000000000 0a4d0909)"
    assert_line --index 1 "$(frame ffffffffffff 027700000901 0806 000108000604 0002 \
        027700000901 0a4d0909 027700000901 0a4d0909)"
}

@test "the frame of an IPv6 announcement arrives byte for byte" {
    listen "$VIP6" 1
    on a announce eth0 "$VIP6" 1 1
    wait "$LISTENER"
    run heard
    assert_output "$(frame 333300000001 027700000901 86dd 600000000020 3aff \
        fd000077000900000000000000000009 ff020000000000000000000000000001 \
        88005014 20000000 fd000077000900000000000000000009 0201 027700000901)"
}

@test "the frames of a probe arrive byte for byte" {
    listen "$VIP4" 1
    on a probe eth0 "$VIP4" 40
    wait "$LISTENER"
    run heard
    assert_output "$(frame ffffffffffff 027700000901 0806 000108000604 0001 \
        027700000901 00000000 000000000000 0a4d0909)"
}

@test "the frame of an IPv6 probe arrives byte for byte" {
    # Its group is not c's, so only the promiscuous bridge of the veth lets c hear it.
    listen "$VIP6" 1
    on a probe eth0 "$VIP6" 40
    wait "$LISTENER"
    run heard
    assert_output "$(frame 3333ff000009 027700000901 86dd 600000000018 3aff \
        00000000000000000000000000000000 ff0200000000000000000001ff000009 \
        87007d15 00000000 fd000077000900000000000000000009)"
}

@test "a burst sends its first announcement at once and the others at their spacing" {
    local times
    listen "$VIP6" 4
    on a announce eth0 "$VIP6" 4 100
    wait "$LISTENER"
    mapfile -t times < <(sed '1d; s/ .*//' "$HEARD")
    ((times[3] - times[0] >= 290 && times[3] - times[0] < 2000))
    ((times[1] - times[0] >= 90))
}

@test "an IPv4 VIP can carry a label" {
    on a up eth0 "$VIP4" 60 --label eth0:vip
    run ip -n "$NS-a" -json address show label eth0:vip
    assert_output --partial "\"local\":\"${VIP4%/*}\""
}

@test "a router says that it is one in its announcements" {
    ip netns exec "$NS-a" sysctl -qw net.ipv6.conf.eth0.forwarding=1
    listen "$VIP6" 1
    on a announce eth0 "$VIP6" 1 1
    ip netns exec "$NS-a" sysctl -qw net.ipv6.conf.eth0.forwarding=0
    wait "$LISTENER"
    run heard
    assert_output --partial "a0000000fd0000770009"
}
