/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session.h - one session with the target and all that makes statements of events for it.
 *
 *     open -> begin(transaction), event, event ... -> end or undo -> close
 *
 * Work is sent as it comes.  Where the session may not end its transactions by itself, the end is
 * held back until bt_session_end().
 */
#ifndef BT_APPLY_SESSION_H
#define BT_APPLY_SESSION_H

#include "apply/tally.h"
#include "apply/sender.h"
#include "apply/target.h"

struct bt_session {
    struct bt_connection *connection; /* of the target's, or owned: see open */
    bool owns_connection, is_open;
    struct bt_statements statements;
    struct bt_sender sender;
    bool holds_ends;   /* ends wait for bt_session_end() */
    struct bt_buf end; /* the one that waits */
    bool has_end;
    const struct bt_tally *tally;
    int64_t opened_ms;
};

struct bt_session_opts {
    bool holds_ends;
    bool drops_all;               /* makes every statement and sends none: a dry run */
    const struct bt_tally *tally; /* noted with each transaction; NULL = by GTID */
    int64_t statement_ms;
    struct bt_deadline deadline;
    void (*ended)(void *ctx, const struct bt_sender_transaction *t);
    void *ctx;
};

/* connection: as bt_target_open() or bt_target_open_beside() set it up; owned from here on when
 * owns_connection, on failure too. */
int bt_session_open(struct bt_session *s, struct bt_connection *connection, bool owns_connection,
                    const struct bt_target *target, const struct bt_session_opts *opts,
                    struct bt_err *err) BT_MUST_CHECK;

/* Accepts one that never was opened.  The server rolls back what is open. */
void bt_session_close(struct bt_session *s);

void bt_session_begin(struct bt_session *s, const struct bt_sender_transaction *t);

/* An event of the transaction, or one between two.  The error names the transaction. */
int bt_session_event(struct bt_session *s, const struct bt_event *ev, struct bt_err *err)
    BT_MUST_CHECK;

/* Ends a transaction whose end waits, and reads all answers. */
int bt_session_end(struct bt_session *s, struct bt_err *err) BT_MUST_CHECK;

#endif
