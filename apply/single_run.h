/* SPDX-License-Identifier: Apache-2.0 */
/*
 * single_run.h - one run at a time on a target, and none beside what is left of an earlier one.
 *
 *     begin (first session of the run, before it reads what the target has) -> join (each further
 *     session that ends transactions) ... until the sessions end
 *
 * A client that is killed leaves sessions that still run what they were sent, and a replication
 * connection "baton" (link.h) whose appliers still have a relay log to apply.  Whoever reads the
 * target's state beside them would apply their last transactions once more.  So each session of a
 * run holds a user lock (GET_LOCK), which the server takes back when the session has really ended,
 * and a run begins when all of them are free and the connection is removed.
 */
#ifndef BT_APPLY_SINGLE_RUN_H
#define BT_APPLY_SINGLE_RUN_H

#include "apply/connection.h"

enum { BT_SINGLE_RUN_JOIN_MAX = 63 };

/* Waits for the sessions of an earlier run; BT_ERR_REALITY names one that does not end before the
 * deadline. */
int bt_single_run_begin(struct bt_connection *c, struct bt_deadline until, struct bt_err *err)
    BT_MUST_CHECK;

/* c: further session number 1 to BT_SINGLE_RUN_JOIN_MAX. */
int bt_single_run_join(struct bt_connection *c, unsigned number, struct bt_deadline until,
                       struct bt_err *err) BT_MUST_CHECK;

#endif
