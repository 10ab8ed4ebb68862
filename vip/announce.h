/* SPDX-License-Identifier: Apache-2.0 */
/*
 * announce.h - tells the neighbours of an interface who has the VIP now.
 *
 * Neighbours keep the old owner's MAC in their tables for minutes; what they hear here
 * replaces it at once.  One announcement is two ARP frames (request and reply form, see
 * frame.h) or one unsolicited neighbour advertisement.  Frames get lost, and a switch port
 * may still be learning, so announcements are repeated: bt_announce() blocks for the burst,
 * a caller that must not wait sends the first alone (count 1) and the rest later.
 * Needs CAP_NET_RAW.
 */
#ifndef BT_VIP_ANNOUNCE_H
#define BT_VIP_ANNOUNCE_H

#include "vip/interface.h"

struct bt_announce_opts {
    int count;      /* announcements; 0 = 5 */
    int spacing_ms; /* between two; 0 = 250 */
};

/* count announcements, the first at once.  *ret_sent says how many went out, also when the
 * deadline (no error: the address was announced, fewer times) ended the burst early. */
int bt_announce(const struct bt_interface *interface, const struct bt_vip *vip,
                struct bt_announce_opts opts, struct bt_deadline deadline, int *ret_sent,
                struct bt_err *err) BT_MUST_CHECK;

#endif
