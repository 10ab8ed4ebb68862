/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vip.h - the address that clients write to: take it, give it up, say where it is.
 *
 *     bt_vip_up: interface usable? -> does another host have it? -> add -> look -> announce
 *
 * Each function opens what it needs and leaves nothing open, keeps no state between calls,
 * and may be called from any thread.  Each says what it found, not what it tried: a report
 * that an address is down means that the kernel's list was read afterwards without it.
 * Changing needs CAP_NET_ADMIN, probing and announcing CAP_NET_RAW; without them the error
 * is BT_ERR_REALITY and nothing was changed.
 */
#ifndef BT_VIP_VIP_H
#define BT_VIP_VIP_H

#include "vip/announce.h"
#include "vip/place.h"
#include "vip/probe.h"

struct bt_vip_up_opts {
    int probe_ms;                     /* how long to listen for a holder; 0 = 300, -1 = no probe */
    bool take_from_holder;            /* go on when another host answers (result says which) */
    struct bt_announce_opts announce; /* the burst at the end; blocks for its length */
    const char *label;                /* IPv4 label, or NULL */
};

struct bt_vip_up_result {
    bool was_there;               /* the interface had it already */
    struct bt_probe_result probe; /* who else answered */
    int announced;                /* announcements sent */
};

/* Gives the address to the interface.  BT_ERR_CONFLICT when another host answers for it
 * (unless take_from_holder), BT_ERR_REALITY when the interface is missing, down, without
 * carrier or no Ethernet, or when another interface of this host has the address.  After
 * an error the address may be there but unannounced only if the text says so. */
int bt_vip_up(const char *interface, const struct bt_vip *vip, struct bt_vip_up_opts opts,
              struct bt_deadline deadline, struct bt_vip_up_result *ret,
              struct bt_err *err) BT_MUST_CHECK;

/* Takes the address off the interface, or with NULL off every interface of this host,
 * whatever its prefix there, and proves that it is gone.  *ret_removed counts the places it
 * stood on: 0 says that it was not there (also when the interface does not exist). */
int bt_vip_down(const char *interface, const struct bt_vip *vip, struct bt_deadline deadline,
                int *ret_removed, struct bt_err *err) BT_MUST_CHECK;

/* Where the address stands on this host; count 0 = nowhere.  Needs no privilege. */
int bt_vip_status(const struct bt_vip *vip, struct bt_deadline deadline,
                  struct bt_place_list *ret, struct bt_err *err) BT_MUST_CHECK;

/* The same as bt_probe and bt_announce, for a caller that has the interface's name. */
int bt_vip_probe(const char *interface, const struct bt_vip *vip, int listen_ms,
                 struct bt_deadline deadline, struct bt_probe_result *ret,
                 struct bt_err *err) BT_MUST_CHECK;
int bt_vip_announce(const char *interface, const struct bt_vip *vip,
                    struct bt_announce_opts opts, struct bt_deadline deadline, int *ret_sent,
                    struct bt_err *err) BT_MUST_CHECK;

#endif
