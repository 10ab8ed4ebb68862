/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sender.h - sends the steps of transactions with as few round trips as is safe.
 *
 *     init -> transaction, add, add ... -> flush -> done
 *
 * Steps wait in a batch that is sent as one pipeline: all of it runs, whatever becomes of its
 * parts.  So a batch holds, in this order, at most
 *
 *     the END of a transaction | context | one WORK that a ROLLBACK would take back
 *
 * and the END behind that WORK goes out only when its answer is known.  A transaction of one
 * statement then costs one round trip: COMMIT of the one before it, SET, START TRANSACTION, work.
 * Work that cannot be undone (DDL, other engines, LOAD DATA) is sent when everything before it has
 * been answered.
 */
#ifndef BT_APPLY_SENDER_H
#define BT_APPLY_SENDER_H

#include "apply/statement.h"

/* Whose steps these are. */
struct bt_sender_transaction {
    struct bt_gtid gtid;
    struct bt_coordinate end; /* file "" until known */
    uint64_t offset;          /* in the log that is read */
};

enum { BT_SENDER_ITEMS_MAX = 48 };

struct bt_sender_item {
    enum bt_step_kind kind;
    size_t from, len; /* in bytes */
    bool is_now;      /* belongs to the current transaction, else to the one that is ending */
    char table[200];
    bool is_lone; /* a statement that is a transaction by itself */
};

struct bt_sender {
    struct bt_connection *connection;
    int64_t statement_ms;
    struct bt_deadline deadline; /* of the whole; at_ms 0 = none */

    struct bt_buf bytes;
    struct bt_sender_item items[BT_SENDER_ITEMS_MAX];
    unsigned count;
    bool has_work, has_end;
    bool failed; /* its error names the transaction */

    struct bt_sender_transaction now, ending;
    bool end_unknown; /* the session broke with the END of `ending` unanswered */

    /* Called with each transaction whose END was answered well. */
    void (*ended)(void *ctx, const struct bt_sender_transaction *t);
    void *ctx;
};

void bt_sender_init(struct bt_sender *s);
void bt_sender_done(struct bt_sender *s);

/* The steps added from now on are this transaction's. */
void bt_sender_transaction(struct bt_sender *s, const struct bt_sender_transaction *t);

/* Adds a step; what waits may be sent first.  Is a bt_step_emit with the sender as its ctx. */
int bt_sender_add(void *sender, const struct bt_step *step, struct bt_err *err) BT_MUST_CHECK;

/* Sends what waits and reads all answers. */
int bt_sender_flush(struct bt_sender *s, struct bt_err *err) BT_MUST_CHECK;

/* Puts "transaction G at FILE:POS, table T: " before the message. */
int bt_sender_name(const struct bt_sender_transaction *t, const char *table, struct bt_err *err);

#endif
