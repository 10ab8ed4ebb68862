/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vip_watch.h - where the VIPs are and where they should be, while the primary is healthy.  Pure.
 *
 * Called once a round (about a second) with what was seen of all hosts.  A VIP on a host that is
 * not the primary is dropped there, and the primary announces it again; a VIP that the primary's
 * host lacks in two rounds in a row is put back.  That is tried again after 2, 4, 8 .. 64 rounds
 * when it does not help: another host may answer for it, and then it is not taken from there.
 */
#ifndef BT_FAILOVER_VIP_WATCH_H
#define BT_FAILOVER_VIP_WATCH_H

#include "failover/sight.h"

enum bt_vip_order {
    BT_VIP_ORDER_NONE,
    BT_VIP_ORDER_TAKE,     /* put it up unless another host answers for it, announce it */
    BT_VIP_ORDER_DROP,     /* take it off */
    BT_VIP_ORDER_ANNOUNCE, /* tell the neighbours again */
};

struct bt_vip_watch {
    unsigned missing[BT_VIPS_MAX]; /* rounds in a row */
};

struct bt_vip_todo {
    size_t host, vip;
    enum bt_vip_order order;
};

enum { BT_VIP_TODO_MAX = BT_VIPS_MAX * (BT_SERVERS_MAX + 1) };

/* What is to be done now; returns how many, at most BT_VIP_TODO_MAX. */
size_t bt_vip_watch_round(struct bt_vip_watch *w, const struct bt_config *config, size_t primary,
                          const struct bt_sight *sights, struct bt_vip_todo *ret);

#endif
