/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ahead.h - large transactions run ahead of their turn, on sessions of their own.
 *
 *          read ──► queue ──► front session      small ones, in order, many in a packet
 *                     │
 *                     └─────► workers            large ones whose write sets meet nobody's before
 *                                                them: the work now, the COMMIT in their turn
 *
 * Everything ends in log order: the end of a transaction is sent when the ends of all before it
 * have been answered.  So what is on the target is always the beginning of the log.
 *
 * When the transaction whose turn it is waits for a lock that one ahead of it holds (gap locks; a
 * write set cannot see those), those ahead are rolled back and run again in their turn.  The same
 * becomes of one that fails ahead of its turn, whatever the error: only an error in turn is one.
 */
#ifndef BT_APPLY_AHEAD_H
#define BT_APPLY_AHEAD_H

#include "apply/schedule.h"
#include "apply/session.h"
#include "apply/single_run.h"

struct bt_ahead;

struct bt_ahead_opts {
    const struct bt_connection_opts *where;
    const struct bt_target *target;
    struct bt_target_opts target_opts;
    struct bt_session *front;
    struct bt_session_opts session; /* of the workers; holds_ends is set by us */
    unsigned workers;               /* at most BT_SINGLE_RUN_JOIN_MAX are used */
    const uint64_t *done;           /* transactions with a lower number have ended */
    /* bytes of events from which a transaction runs ahead; 0 = 8 KiB */
    size_t large;
};

struct bt_ahead_counts {
    uint64_t ran_ahead, again, barriers;
};

/* Everything in opts outlives it.  Sessions are opened when they are first needed. */
int bt_ahead_open(const struct bt_ahead_opts *opts, struct bt_ahead **ret, struct bt_err *err)
    BT_MUST_CHECK;

/* Rolls back what did not have its turn.  Accepts NULL. */
void bt_ahead_close(struct bt_ahead *a);

/* A transaction begins; its events; its end is there.  t->number is consecutive but for those that
 * are passed over; t->end is known at the end. */
void bt_ahead_begin(struct bt_ahead *a, const struct bt_sender_transaction *t);
int bt_ahead_event(struct bt_ahead *a, const struct bt_event *ev, struct bt_err *err) BT_MUST_CHECK;
int bt_ahead_end(struct bt_ahead *a, const struct bt_sender_transaction *t, struct bt_err *err)
    BT_MUST_CHECK;

/* An event between two transactions. */
int bt_ahead_between(struct bt_ahead *a, const struct bt_event *ev, struct bt_err *err)
    BT_MUST_CHECK;

/* Waits until everything so far has ended. */
int bt_ahead_drain(struct bt_ahead *a, struct bt_err *err) BT_MUST_CHECK;

struct bt_ahead_counts bt_ahead_counts(const struct bt_ahead *a);

/* Behind a failure: the session in which it happened. */
const struct bt_session *bt_ahead_failed(const struct bt_ahead *a);

#endif
