/* SPDX-License-Identifier: Apache-2.0 */
/*
 * careful.h - a transaction that met data it does not fit, run again row by row.
 *
 *     open -> event, event ... (all of the transaction) -> close
 *
 * A BINLOG statement says that a row was not found or a key was taken, but not which row.  So the
 * transaction is rolled back and run again with a BINLOG statement for each row; what is in the way
 * then has a name, and the policy says what becomes of it:
 *
 *                        skip                    overwrite
 *     key is taken       the row is left out     who holds the key is deleted, then the row is put
 *     row not found      the row is left out     UPDATE: its after image is inserted;
 *                                                DELETE: nothing is to be done
 *     statement fails    it is left out          stop: a statement does not say its rows
 *
 * Who holds a key is deleted by a DELETE, which runs triggers and cascades; it must delete
 * something.
 */
#ifndef BT_APPLY_CAREFUL_H
#define BT_APPLY_CAREFUL_H

#include "apply/session.h"

enum bt_on_conflict { BT_CONFLICT_STOP,
                      BT_CONFLICT_SKIP,
                      BT_CONFLICT_OVERWRITE };

/* One thing in the way, and what was done.  Borrows during the call. */
struct bt_conflict {
    const struct bt_sender_transaction *transaction;
    const char *table; /* "db.table"; "" for a statement */
    const char *key;   /* "PRIMARY (id=3)", the row as JSON, or a statement */
    const char *what;  /* "duplicate key", "row not found", "error 1146" */
    enum bt_on_conflict done;
};
typedef void bt_conflict_note(void *ctx, const struct bt_conflict *conflict);

struct bt_careful;

/* front: with everything answered; stays the caller's.  note may be NULL. */
int bt_careful_open(struct bt_session *front, const struct bt_connection_opts *where,
                    enum bt_on_conflict policy, bt_conflict_note *note, void *ctx,
                    struct bt_careful **ret, struct bt_err *err) BT_MUST_CHECK;
void bt_careful_close(struct bt_careful *c); /* accepts NULL */

/* Begins; the next events are this transaction's.  is_again: it ran before and
 * was rolled back, so every table must be one whose changes a ROLLBACK takes back. */
void bt_careful_begin(struct bt_careful *c, const struct bt_sender_transaction *t, bool is_again);

/* Any event; its answers have been read when it returns. */
int bt_careful_event(struct bt_careful *c, const struct bt_event *ev, struct bt_err *err)
    BT_MUST_CHECK;

/* "skip", ... */
const char *bt_conflict_name(enum bt_on_conflict policy);

#endif
