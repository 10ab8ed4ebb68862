/* SPDX-License-Identifier: Apache-2.0 */
/*
 * interface.h - the network interfaces of this host.
 */
#ifndef BT_VIP_INTERFACE_H
#define BT_VIP_INTERFACE_H

#include "base/clock.h"
#include "vip/address.h"

enum { BT_INTERFACE_NAME_SIZE = 16,
       BT_INTERFACE_MAX = 512 };

struct bt_interface {
    char name[BT_INTERFACE_NAME_SIZE];
    unsigned index;
    struct bt_mac mac; /* zero unless ethernet */
    bool ethernet;     /* has a 6-byte hardware address and speaks ARP and ND */
    bool up;           /* switched on by the administrator */
    bool carrier;      /* the cable (or what stands for it) is alive */
};

struct bt_interface_list {
    struct bt_interface at[BT_INTERFACE_MAX]; /* 20 KiB: allocate it */
    size_t count;
};

/* All interfaces of this network namespace. */
int bt_interface_list(struct bt_deadline deadline, struct bt_interface_list *ret,
                      struct bt_err *err) BT_MUST_CHECK;

/* One by name; BT_ERR_REALITY naming those that exist when there is none. */
int bt_interface_find(const char *name, struct bt_deadline deadline, struct bt_interface *ret,
                      struct bt_err *err) BT_MUST_CHECK;

/* 0 when it can carry a VIP: up, with carrier, Ethernet; else BT_ERR_REALITY with which not. */
int bt_interface_check(const struct bt_interface *interface, struct bt_err *err) BT_MUST_CHECK;

/* Whether mac belongs to an interface of the list. */
bool bt_interface_is_ours(const struct bt_interface_list *list, struct bt_mac mac);

#endif
