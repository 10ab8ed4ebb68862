/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard.h - the primary's host gives the VIP up by itself when it is cut off.
 *
 * While a manager watches, something comes from it every second or two.  When nothing has come for
 * silence_ms, the guard looks: has the interface that holds the VIP lost its carrier, or does none
 * of the peers (the other hosts of the cluster) answer any more?  Then the rest of the world is on
 * the other side, and may be choosing another primary: the VIP is taken off here, so that a host
 * whose cable comes back does not answer for it.  A peer that answers, or refuses, keeps it.  When
 * the manager is heard again it puts the VIP back if this host is still the primary.
 *
 * A manager that ends closes its channel, and with it the guard ends: nothing is taken off for
 * that.
 */
#ifndef BT_FAILOVER_NODE_GUARD_H
#define BT_FAILOVER_NODE_GUARD_H

#include "failover/node/protocol_host.h"

/* Guards these VIPs from now on (none: no more).  Takes copies. */
int bt_guard_set(const struct bt_guard_request *request, struct bt_err *err) BT_MUST_CHECK;

/* Something has come from the manager. */
void bt_guard_heard(void);

#endif
