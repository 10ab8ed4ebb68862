/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place.h - where an address stands on this host: looked up, added, removed.
 *
 * All by rtnetlink, and all idempotent: "already there" and "not there" are results, not
 * errors.  Nothing here announces; vip.h is the whole sequence.
 */
#ifndef BT_VIP_PLACE_H
#define BT_VIP_PLACE_H

#include "vip/interface.h"

struct bt_place {
    char interface[BT_INTERFACE_NAME_SIZE];
    unsigned index;
    uint8_t prefix;
    bool tentative; /* IPv6: duplicate detection still runs, nobody can use it yet */
    bool failed;    /* IPv6: duplicate detection found another holder, nobody can use it */
};

enum { BT_PLACE_MAX = 16 };

struct bt_place_list {
    struct bt_place at[BT_PLACE_MAX];
    size_t count;
};

/* Every place of the address on this host, whatever its prefix there. */
int bt_place_find(const struct bt_vip *vip, struct bt_deadline deadline,
                  struct bt_place_list *ret, struct bt_err *err) BT_MUST_CHECK;

/* Puts the address on the interface.  label: IPv4 name such as "eth0:vip", or NULL.
 * Returns 1 when it stands there already with this prefix. */
int bt_place_add(const struct bt_interface *interface, const struct bt_vip *vip,
                 const char *label, struct bt_deadline deadline, struct bt_err *err) BT_MUST_CHECK;

/* Takes the address off one place of bt_place_find.  Returns 1 when it is not there any more
 * (or the interface is gone).  Other addresses of the interface stay. */
int bt_place_remove(const struct bt_place *place, const struct bt_vip *vip,
                    struct bt_deadline deadline, struct bt_err *err) BT_MUST_CHECK;

#endif
