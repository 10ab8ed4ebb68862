/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unanswered.h - the ends of transactions that were sent and not answered when a session broke:
 * which of them happened?
 *
 * Only the target knows.  It is asked over a new session, behind the end of the old one, by its
 * GTID state; transactions were sent in order, so those it has are the first ones.
 */
#ifndef BT_APPLY_UNANSWERED_H
#define BT_APPLY_UNANSWERED_H

#include "apply/session.h"

struct bt_unanswered {
    const struct bt_connection_opts *where;
    const struct bt_session *broken;
    enum bt_flavor source;       /* of the log */
    struct bt_deadline deadline; /* of the whole run; at_ms 0 = none */
    /* called with each transaction that the target has */
    void (*ended)(void *ctx, const struct bt_sender_transaction *t);
    void *ctx;
};

/* *ret is the first one that the target does not have, NULL when it has all; borrows from the
 * broken session.  A server that was killed is given half a minute to come back. */
int bt_unanswered_ask(const struct bt_unanswered *u, const struct bt_sender_transaction **ret,
                      struct bt_err *err) BT_MUST_CHECK;

#endif
