/* SPDX-License-Identifier: Apache-2.0 */
/*
 * steps_fence.h - the old primary takes no writes any more: done, and proved.
 *
 * With the host reachable: its address is taken down and looked for, its server is ended and
 * looked for.  Not reachable is never fenced: then it is asked from a replica's host whether
 * anybody answers for the address, and for the server's port; fence_policy says whether that is
 * enough.  The site's own scripts come where MHA calls them.
 */
#ifndef BT_FAILOVER_STEPS_FENCE_H
#define BT_FAILOVER_STEPS_FENCE_H

#include "failover/steps.h"

/* Works on the old primary's host only; the result is in f.  *ret_may_read is false when the host
 * was powered off by shutdown_script. */
void bt_fo_fence(struct bt_failover *f, bool *ret_may_read);

/* Looks from elsewhere where that is needed, and says whether we may go on. */
int bt_fo_fence_judge(struct bt_failover *f, struct bt_err *err) BT_MUST_CHECK;

#endif
