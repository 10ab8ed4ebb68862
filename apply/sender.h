/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sender.h - sends the steps of transactions to one session, many in one packet, in strict order.
 *
 *     init -> transaction, add, add ... place -> add(END) ... -> flush -> done
 *
 * Steps wait in a packet of several statements (CLIENT_MULTI_STATEMENTS), of which the server runs
 * none behind the first that fails.  Up to two packets are on their way while the next one is made.
 * Each begins with a guard that fails unless the packet before it was run to its end, so nothing is
 * ever run behind a failure, in whichever packet:
 *
 *     SET @baton_guard=EXP(710*(@baton_packet<>7)); ...; SET @baton_packet=8
 *
 * (EXP(710) is out of range and an error in every sql_mode; MariaDB, MySQL.  DO would not do: it
 * answers OK whatever happens, sql/sql_do.cc, MariaDB 10.11.  MySQL 5.6 takes nothing but SET
 * between a COMMIT and the next gtid_next.)  Steps that cannot be
 * joined go alone, with everything before them answered: LOAD DATA, statements that failed on their
 * server, and texts other than INSERT, UPDATE, DELETE and REPLACE (they may answer with more than
 * one result).
 *
 * A BINLOG statement clears the flag "more results follow" of its own answer (seen with MariaDB
 * 10.11), so answers are counted, not asked for.
 */
#ifndef BT_APPLY_SENDER_H
#define BT_APPLY_SENDER_H

#include "apply/statement.h"

/* Whose steps these are. */
struct bt_sender_transaction {
    struct bt_gtid gtid;
    struct bt_coordinate end; /* file "" until known */
    uint64_t offset;          /* in the log that is read */
    uint64_t number;          /* the how manieth of the log, from 0 */
};

enum {
    BT_SENDER_ITEMS_MAX = 100, /* unread answers must not fill the server's socket */
    BT_SENDER_PACKETS = 3,     /* two on their way, one being made */
};

struct bt_sender_item {
    enum bt_step_kind kind;
    bool is_lone;
    uint8_t transaction; /* in the packet */
    size_t from, len;    /* of its text */
    size_t table;        /* in names, "" at 0 */
};

struct bt_sender_packet {
    struct bt_buf text;
    struct bt_buf names; /* of tables, each with a NUL */
    struct bt_sender_item items[BT_SENDER_ITEMS_MAX + 2];
    unsigned count, answered;
    struct bt_sender_transaction transactions[BT_SENDER_ITEMS_MAX + 2];
    unsigned transaction_count;
};

struct bt_sender {
    struct bt_connection *connection;
    int64_t statement_ms;
    struct bt_deadline deadline; /* of the whole; at_ms 0 = none */
    uint64_t packet_max;         /* the target's max_allowed_packet */

    struct bt_sender_packet packets[BT_SENDER_PACKETS];
    unsigned first, on_their_way; /* the one being made is behind these */
    uint64_t made;                /* number of the one being made */
    size_t room;                  /* a packet is sent when it holds so many bytes */

    bool failed;               /* its error names the transaction */
    bool is_conflict, is_busy; /* what failed: data that differ; a lock, which may be tried again */
    struct bt_sender_transaction failed_at;

    struct bt_sender_transaction now;

    /* When set: called again and again while an answer does not come. */
    void (*stuck)(void *ctx);
    void *stuck_ctx;

    /* Called with each transaction whose END was answered well. */
    void (*ended)(void *ctx, const struct bt_sender_transaction *t);
    void *ctx;
};

/* c is of a session with multi_statements. */
int bt_sender_init(struct bt_sender *s, struct bt_connection *c, uint64_t packet_max,
                   struct bt_err *err) BT_MUST_CHECK;
void bt_sender_done(struct bt_sender *s);

/* The steps added from now on are this transaction's. */
void bt_sender_transaction(struct bt_sender *s, const struct bt_sender_transaction *t);

/* Adds a step; what waits may be sent first.  Is a bt_step_emit with the sender as its ctx. */
int bt_sender_add(void *sender, const struct bt_step *step, struct bt_err *err) BT_MUST_CHECK;

/* Sends what waits, without waiting for the answers to it. */
int bt_sender_push(struct bt_sender *s, struct bt_err *err) BT_MUST_CHECK;

/* Sends what waits and reads all answers. */
int bt_sender_flush(struct bt_sender *s, struct bt_err *err) BT_MUST_CHECK;

/* After a statement failed whose answer was the last one awaited: the session goes on, in its
 * transaction, behind that statement. */
int bt_sender_resume(struct bt_sender *s, struct bt_err *err) BT_MUST_CHECK;

/* After a failure that lost the session: the transactions whose END was not answered, in order;
 * NULL behind the last. */
const struct bt_sender_transaction *bt_sender_unknown(const struct bt_sender *s, unsigned index);

/* Puts "transaction G at FILE:POS, table T: " before the message. */
int bt_sender_name(const struct bt_sender_transaction *t, const char *table, struct bt_err *err);

#endif
