# shellcheck shell=bash disable=SC2119,SC2120
# SPDX-License-Identifier: Apache-2.0
#
# vip.bash - the address that applications use, as the network sees it.  Part of cluster.bash.

# vip_add HOST [ADDRESS/PREFIX]: gives it the address and tells the neighbours, as a site's
# first start would.
vip_add() {
    host_exec "$1" ip address add "${2:-$VIP/24}" dev eth0
}

vip_remove() {
    host_exec "$1" ip address del "${2:-$VIP/24}" dev eth0
}

# The hosts that have the address on an interface, one per line (right is: exactly one).
vip_holder() {
    local address=${1:-$VIP} host
    for host in $(cluster_hosts); do
        ip -n "$(host_netns "$host")" -json address show 2>/dev/null |
            jq -e --arg address "$address" \
                'any(.[].addr_info[]?; .local == $address)' >/dev/null && echo "$host"
    done
    return 0
}

# vip_arp [ADDRESS [PLACE]]: the host that PLACE (default: client) would send to, from its
# neighbour table.  This is the view of a third party: no host of the cluster is asked.
vip_arp() {
    local address=${1:-$VIP} place=${2:-client} mac
    mac=$(ip -n "$(host_netns "$place")" -json neighbour show to "$address" |
        jq -r '.[0].lladdr // empty')
    [[ -z $mac ]] || host_of_mac "$mac"
}

# Makes PLACE ask for the address; succeeds when a server answers there.
vip_answers() {
    local address=${1:-$VIP} place=${2:-client}
    # shellcheck disable=SC2016
    host_exec "$place" timeout 1 bash -c 'exec 3<>"/dev/tcp/$1/3306" && read -r -n 1 -u 3' \
        bash "$address"
}
