/* SPDX-License-Identifier: Apache-2.0 */
#include "vip/interface.h"

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>

#include "vip/netlink.h"

/* A listing interrupted by a change is asked for again; more often than this in a row only
 * happens on a host that does nothing but change interfaces. */
enum { LIST_TRIES = 10 };

static int each_link(uint16_t type, struct bt_slice body, void *ctx, struct bt_err *err)
{
    struct bt_interface_list *list = ctx;
    struct bt_cursor c = bt_cursor(body);
    struct bt_netlink_attribute a;
    struct bt_interface i = {0};
    struct ifinfomsg link;
    int got;

    if (type != RTM_NEWLINK)
        return 0;
    if (!bt_cur_copy(&c, sizeof(link), &link))
        return bt_fail(err, BT_ERR_CORRUPT, "a description of an interface is %zu bytes", body.len);
    i.index = (unsigned)link.ifi_index;
    i.up = (link.ifi_flags & IFF_UP) != 0;
    i.carrier = (link.ifi_flags & 0x10000 /* IFF_LOWER_UP */) != 0;
    while ((got = bt_netlink_attribute_next(&c, &a, err)) == 0) {
        if (a.type == IFLA_IFNAME && a.payload.len > 0 && a.payload.len <= sizeof(i.name))
            memcpy(i.name, a.payload.ptr, a.payload.len - 1);
        if (a.type == IFLA_ADDRESS && a.payload.len == BT_MAC_SIZE) {
            memcpy(i.mac.bytes, a.payload.ptr, BT_MAC_SIZE);
            i.ethernet = link.ifi_type == ARPHRD_ETHER && !(link.ifi_flags & IFF_NOARP);
        }
    }
    if (got < 0)
        return bt_err_wrap(err, "interface %u", i.index);
    if (list->count == BT_INTERFACE_MAX)
        return bt_fail(err, BT_ERR_LIMIT, "this host has more than %d interfaces",
                       BT_INTERFACE_MAX);
    list->at[list->count++] = i;
    return 0;
}

int bt_interface_list(struct bt_deadline deadline, struct bt_interface_list *ret,
                      struct bt_err *err)
{
    static const struct ifinfomsg any = {.ifi_family = AF_UNSPEC};
    bt_auto_netlink struct bt_netlink nl = {.fd = -1};

    if (bt_netlink_open(&nl, err) < 0)
        return -1;
    for (int i = 0; i < LIST_TRIES; i++) {
        struct bt_netlink_request request = bt_netlink_begin(RTM_GETLINK, 0, &any, sizeof(any));

        ret->count = 0;
        if (bt_netlink_dump(&nl, &request, deadline, each_link, ret, err) == 0)
            return 0;
        if (err->kind != BT_ERR_CONFLICT)
            break;
    }
    return bt_err_wrap(err, "could not list the interfaces of this host");
}

/* "eth0, lo" for an error, as many as fit. */
static void names(const struct bt_interface_list *list, char *out, size_t size)
{
    size_t at = 0;

    out[0] = '\0';
    for (size_t i = 0; i < list->count; i++) {
        int n = snprintf(out + at, size - at, "%s%s", at ? ", " : "", list->at[i].name);

        if (n < 0 || (size_t)n >= size - at)
            break;
        at += (size_t)n;
    }
}

int bt_interface_find(const char *name, struct bt_deadline deadline, struct bt_interface *ret,
                      struct bt_err *err)
{
    struct bt_interface_list list;
    char all[256];

    if (bt_interface_list(deadline, &list, err) < 0)
        return -1;
    for (size_t i = 0; i < list.count; i++) {
        if (strcmp(list.at[i].name, name) == 0) {
            *ret = list.at[i];
            return 0;
        }
    }
    names(&list, all, sizeof(all));
    return bt_fail(err, BT_ERR_REALITY, "this host has no interface \"%s\" (it has %s)", name, all);
}

int bt_interface_check(const struct bt_interface *interface, struct bt_err *err)
{
    if (!interface->ethernet)
        return bt_fail(err, BT_ERR_REALITY,
                       "interface \"%s\" is no Ethernet: its neighbours cannot be told",
                       interface->name);
    if (!interface->up)
        return bt_fail(err, BT_ERR_REALITY, "interface \"%s\" is switched off", interface->name);
    if (!interface->carrier)
        return bt_fail(err, BT_ERR_REALITY, "interface \"%s\" has no carrier", interface->name);
    return 0;
}

bool bt_interface_is_ours(const struct bt_interface_list *list, struct bt_mac mac)
{
    for (size_t i = 0; i < list->count; i++) {
        if (list->at[i].ethernet && bt_mac_equal(list->at[i].mac, mac))
            return true;
    }
    return false;
}
