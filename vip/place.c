/* SPDX-License-Identifier: Apache-2.0 */
#include "vip/place.h"

#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <sys/socket.h>

#include "vip/netlink.h"

enum { FIND_TRIES = 10,
       PATH_SIZE = 96 };

static uint8_t os_family(const struct bt_vip *vip)
{
    return vip->family == BT_VIP_IPV4 ? AF_INET : AF_INET6;
}

/* ------------------------------------------------------------------ looking */

struct entry {
    unsigned index;
    uint8_t prefix;
    uint32_t flags;
    struct bt_vip address;
};

/* Reads one RTM_NEWADDR.  Returns 1 when it is of no interest. */
static int read_entry(uint16_t type, struct bt_slice body, struct entry *ret, struct bt_err *err)
{
    struct bt_cursor c = bt_cursor(body);
    struct bt_netlink_attribute a;
    struct ifaddrmsg m;
    bool local = false, any = false;
    size_t size;
    int got;

    if (type != RTM_NEWADDR)
        return 1;
    if (!bt_cur_copy(&c, sizeof(m), &m))
        return bt_fail(err, BT_ERR_CORRUPT, "a description of an address is %zu bytes", body.len);
    if (m.ifa_family != AF_INET && m.ifa_family != AF_INET6)
        return 1;
    *ret = (struct entry){.index = m.ifa_index, .prefix = m.ifa_prefixlen, .flags = m.ifa_flags};
    ret->address.family = m.ifa_family == AF_INET ? BT_VIP_IPV4 : BT_VIP_IPV6;
    size = bt_vip_size(&ret->address);
    while ((got = bt_netlink_attribute_next(&c, &a, err)) == 0) {
        struct bt_cursor payload = bt_cursor(a.payload);

        /* IFA_LOCAL is ours; IFA_ADDRESS is ours too, except on point-to-point links, where it
         * is the peer's and IFA_LOCAL comes along. */
        if ((a.type == IFA_LOCAL || (a.type == IFA_ADDRESS && !local)) && a.payload.len == size) {
            any = bt_cur_copy(&payload, size, ret->address.address);
            local = a.type == IFA_LOCAL;
        }
        if (a.type == IFA_FLAGS && !bt_cur_copy(&payload, sizeof(ret->flags), &ret->flags))
            return bt_fail(err, BT_ERR_CORRUPT, "the flags of an address are %zu bytes",
                           a.payload.len);
    }
    if (got < 0)
        return -1;
    return any ? 0 : 1;
}

struct search {
    struct bt_vip vip;
    struct bt_place_list *found;
};

static int each_match(uint16_t type, struct bt_slice body, void *ctx, struct bt_err *err)
{
    struct search *search = ctx;
    struct entry e;
    struct bt_place *place;
    int got = read_entry(type, body, &e, err);

    if (got != 0 || !bt_vip_same_address(&e.address, &search->vip))
        return got < 0 ? -1 : 0;
    if (search->found->count == BT_PLACE_MAX)
        return bt_fail(err, BT_ERR_LIMIT, "it stands on more than %d places", BT_PLACE_MAX);
    place = &search->found->at[search->found->count++];
    *place = (struct bt_place){.index = e.index,
                               .prefix = e.prefix,
                               .tentative = (e.flags & IFA_F_TENTATIVE) != 0,
                               .failed = (e.flags & IFA_F_DADFAILED) != 0};
    return 0;
}

static int list_addresses(uint8_t family, bt_netlink_each *each, void *ctx, size_t *count,
                          struct bt_deadline deadline, struct bt_err *err)
{
    const struct ifaddrmsg any = {.ifa_family = family};
    bt_auto_netlink struct bt_netlink nl = {.fd = -1};

    if (bt_netlink_open(&nl, err) < 0)
        return -1;
    for (int i = 0; i < FIND_TRIES; i++) {
        struct bt_netlink_request request = bt_netlink_begin(RTM_GETADDR, 0, &any, sizeof(any));

        *count = 0;
        if (bt_netlink_dump(&nl, &request, deadline, each, ctx, err) == 0)
            return 0;
        if (err->kind != BT_ERR_CONFLICT)
            break;
    }
    return -1;
}

int bt_place_find(const struct bt_vip *vip, struct bt_deadline deadline,
                  struct bt_place_list *ret, struct bt_err *err)
{
    struct bt_place_list found = {.count = 0};
    struct search search = {.vip = *vip, .found = &found};
    struct bt_interface_list interfaces = {.count = 0};
    char text[BT_VIP_TEXT_SIZE];

    if (list_addresses(os_family(vip), each_match, &search, &found.count, deadline, err) < 0 ||
        (found.count > 0 && bt_interface_list(deadline, &interfaces, err) < 0))
        return bt_err_wrap(err, "could not look for %s on this host",
                           bt_vip_address_text(vip, text));
    for (size_t i = 0; i < found.count; i++) {
        struct bt_place *place = &found.at[i];

        /* An interface that vanished in between leaves only its number. */
        snprintf(place->interface, sizeof(place->interface), "#%u", place->index);
        for (size_t k = 0; k < interfaces.count; k++) {
            if (interfaces.at[k].index == place->index)
                memcpy(place->interface, interfaces.at[k].name, sizeof(place->interface));
        }
    }
    *ret = found;
    return 0;
}

/* ----------------------------------------------------------------- changing */

static struct bt_netlink_request address_request(uint16_t type, uint16_t flags, unsigned index,
                                                 const struct bt_vip *vip)
{
    struct ifaddrmsg m = {.ifa_family = os_family(vip),
                          .ifa_prefixlen = vip->prefix,
                          .ifa_scope = RT_SCOPE_UNIVERSE,
                          .ifa_index = index};
    struct bt_netlink_request request = bt_netlink_begin(type, flags, &m, sizeof(m));

    bt_netlink_put(&request, IFA_LOCAL, vip->address, bt_vip_size(vip));
    bt_netlink_put(&request, IFA_ADDRESS, vip->address, bt_vip_size(vip));
    return request;
}

/* IPv6 only.  No duplicate detection by the kernel: it would keep the address unusable for a
 * second or more in the middle of a failover, and a late or looped frame would leave it dead
 * (dadfailed) on the new primary; bt_probe() asked already, with a deadline.  Deprecated from
 * the start (preferred lifetime 0, valid for ever): it serves whoever connects to it, but is
 * not chosen as the source of connections this host opens, which would break when it moves. */
static void put_ipv6_options(struct bt_netlink_request *request)
{
    static const uint32_t flags = IFA_F_NODAD;
    static const struct ifa_cacheinfo lifetimes = {.ifa_prefered = 0, .ifa_valid = UINT32_MAX};

    bt_netlink_put(request, IFA_FLAGS, &flags, sizeof(flags));
    bt_netlink_put(request, IFA_CACHEINFO, &lifetimes, sizeof(lifetimes));
}

/* The usual broadcast address, as `ip address add ... brd +` sets it; none for /31 and /32. */
static void put_broadcast(struct bt_netlink_request *request, const struct bt_vip *vip)
{
    uint8_t broadcast[4];

    if (vip->prefix >= 31)
        return;
    memcpy(broadcast, vip->address, sizeof(broadcast));
    for (unsigned i = vip->prefix; i < 32; i++)
        broadcast[i / 8] = (uint8_t)(broadcast[i / 8] | 1u << (7 - i % 8));
    bt_netlink_put(request, IFA_BROADCAST, broadcast, sizeof(broadcast));
}

/* Words a refusal with what the operator can do about it. */
static int fail_change(const char *verb, const struct bt_vip *vip, const char *interface,
                       struct bt_err *err)
{
    char text[BT_VIP_TEXT_SIZE];

    bt_vip_text(vip, text);
    if (err->os_errno == EPERM)
        return bt_fail(err, BT_ERR_REALITY, "cannot %s %s on \"%s\" without CAP_NET_ADMIN (root)",
                       verb, text, interface);
    return bt_err_wrap(err, "could not %s %s on \"%s\"", verb, text, interface);
}

int bt_place_add(const struct bt_interface *interface, const struct bt_vip *vip,
                 const char *label, struct bt_deadline deadline, struct bt_err *err)
{
    static const int expected[] = {EEXIST, 0};
    bt_auto_netlink struct bt_netlink nl = {.fd = -1};
    struct bt_netlink_request request =
        address_request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, interface->index, vip);
    int refused, got;

    if (label && strlen(label) >= BT_INTERFACE_NAME_SIZE)
        return bt_fail(err, BT_ERR_CONFIG, "address label \"%s\" is longer than %d characters",
                       label, BT_INTERFACE_NAME_SIZE - 1);
    if (vip->family == BT_VIP_IPV6)
        put_ipv6_options(&request);
    else
        put_broadcast(&request, vip);
    if (label && vip->family == BT_VIP_IPV4)
        bt_netlink_put(&request, IFA_LABEL, label, strlen(label) + 1);
    if (bt_netlink_open(&nl, err) < 0)
        return fail_change("add", vip, interface->name, err);
    got = bt_netlink_change(&nl, &request, expected, deadline, &refused, err);
    if (got < 0)
        return fail_change("add", vip, interface->name, err);
    return got;
}

/* --- removal: a primary IPv4 address takes its secondaries with it ------------------------- */

struct siblings {
    const struct bt_place *place;
    struct bt_vip vip;
    bool is_secondary;
    size_t others; /* secondaries of the same interface and prefix length */
};

static int each_sibling(uint16_t type, struct bt_slice body, void *ctx, struct bt_err *err)
{
    struct siblings *s = ctx;
    struct entry e;
    int got = read_entry(type, body, &e, err);

    if (got != 0 || e.index != s->place->index || e.prefix != s->place->prefix)
        return got < 0 ? -1 : 0;
    if (bt_vip_same_address(&e.address, &s->vip))
        s->is_secondary = (e.flags & IFA_F_SECONDARY) != 0;
    else if (e.flags & IFA_F_SECONDARY)
        s->others++;
    return 0;
}

/* When a VIP came up before the host's own address of the same network, it is that network's
 * primary address, and deleting it would delete the host's own address too, unless the
 * interface promotes secondaries (net/ipv4/devinet.c, __inet_del_ifa; Linux 6.1).  systemd
 * switches that on; where nobody did, it is switched on here before the VIP goes. */
static int keep_secondaries(const struct bt_place *place, const struct bt_vip *vip,
                            struct bt_deadline deadline, struct bt_err *err)
{
    struct siblings s = {.place = place, .vip = *vip};
    char path[PATH_SIZE];
    size_t unused;
    bt_auto_fd int fd = -1;

    if (list_addresses(AF_INET, each_sibling, &s, &unused, deadline, err) < 0)
        return -1;
    if (s.is_secondary || s.others == 0)
        return 0;
    snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/promote_secondaries",
             place->interface);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "1", 1) != 1)
        return bt_fail_sys(err, "other addresses would go with it: could not write \"%s\"", path);
    return 0;
}

int bt_place_remove(const struct bt_place *place, const struct bt_vip *vip,
                    struct bt_deadline deadline, struct bt_err *err)
{
    static const int expected[] = {EADDRNOTAVAIL, ENODEV, 0};
    bt_auto_netlink struct bt_netlink nl = {.fd = -1};
    struct bt_vip there = *vip;
    struct bt_netlink_request request;
    int refused, got;

    there.prefix = place->prefix;
    request = address_request(RTM_DELADDR, 0, place->index, &there);
    if (bt_netlink_open(&nl, err) < 0 ||
        (vip->family == BT_VIP_IPV4 && keep_secondaries(place, vip, deadline, err) < 0))
        return fail_change("remove", &there, place->interface, err);
    got = bt_netlink_change(&nl, &request, expected, deadline, &refused, err);
    if (got < 0)
        return fail_change("remove", &there, place->interface, err);
    return got;
}
