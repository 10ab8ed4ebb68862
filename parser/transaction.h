/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transaction.h - groups events into transactions, the unit of everything after the parser.
 *
 *     struct bt_grouper g;  bt_grouper_init(&g);
 *     while (next event)  { bt_grouper_feed(&g, &ev, &step, err);  ... step says what it was ... }
 *
 * A transaction begins with its GTID event, or, on servers without GTIDs, with BEGIN, a lone
 * statement, or the INTVAR/RAND/USER_VAR/BEGIN_LOAD/TABLE_MAP in front of one.  It ends with XID,
 * COMMIT, ROLLBACK, XA_PREPARE, or, where the GTID says STANDALONE or no BEGIN came, with the
 * statement itself.  CREATE .. SELECT in row format is one transaction although it begins with DDL.
 * Everything between two transactions (FORMAT_DESCRIPTION, ROTATE, GTID_LIST, checkpoints, STOP)
 * is outside.  A transaction may span logs of a relay log set: bt_grouper_next_log() between them,
 * and the logs themselves say when its rest will not come (a new GTID, a restarted primary).
 */
#ifndef BT_PARSER_TRANSACTION_H
#define BT_PARSER_TRANSACTION_H

#include "parser/coordinate.h"
#include "parser/gtid.h"

enum bt_transaction_kind { /* design.md 6, "kind" */
                           BT_TRANSACTION_DML,
                           BT_TRANSACTION_DDL,
                           BT_TRANSACTION_XA_PREPARE,
                           BT_TRANSACTION_XA_COMMIT,
                           BT_TRANSACTION_XA_ROLLBACK,
                           BT_TRANSACTION_OTHER,
};

enum bt_transaction_end {
    BT_TRANSACTION_UNFINISHED, /* the log ended, or began a new one, before its end */
    BT_TRANSACTION_XID,
    BT_TRANSACTION_COMMIT,
    BT_TRANSACTION_ROLLBACK,
    BT_TRANSACTION_PREPARE,
    BT_TRANSACTION_STATEMENT, /* standalone: its one statement ends it */
};

struct bt_transaction {
    struct bt_gtid gtid;
    uint8_t gtid_flags, gtid_flags_extra; /* MariaDB */
    enum bt_transaction_kind kind;
    enum bt_transaction_end end_kind;
    bool complete;
    uint32_t when; /* of its first event with a timestamp */
    uint32_t server_id;
    /* offsets of the first byte and behind the last one */
    uint64_t start, end;
    uint32_t start_log, end_log;                     /* which log of the set these are in, from 0 */
    struct bt_coordinate primary_start, primary_end; /* file "" where not known */
    uint64_t bytes;                                  /* of its events as they stand in this log */
    uint64_t events;
    uint64_t rows_events;
};

enum bt_group_step {
    BT_GROUP_OUTSIDE, /* the event belongs to no transaction */
    BT_GROUP_BEGIN,   /* first event of a transaction that goes on */
    BT_GROUP_INSIDE,
    BT_GROUP_END,   /* last event; complete unless its beginning was not fed */
    BT_GROUP_WHOLE, /* first and last at once */
};

struct bt_grouper {
    struct bt_transaction current;
    struct bt_transaction abandoned; /* see feed: valid when did_abandon */
    bool did_abandon;
    bool inside;                     /* a transaction is open */
    bool has_current;                /* current is the one of the event fed last, or the open one */
    bool standalone;                 /* the GTID says that the next statement is the transaction */
    bool framed;                     /* it goes on until XID, COMMIT, ROLLBACK or XA_PREPARE */
    bool headless;                   /* its beginning was not fed */
    uint32_t start_names, end_names; /* place.names when current's files were copied */
    uint32_t log_index;
    struct bt_coordinate_tracker place;
};

/* name: the log's base name. */
void bt_grouper_init(struct bt_grouper *g, const char *name);

/* The next log of the same set; an open transaction goes on. */
void bt_grouper_next_log(struct bt_grouper *g, const char *name);

/* Feeds one event (inner events of a payload too).  *ret is the event's part in its transaction.
 * When the event shows that the open transaction will never end (a new GTID, a restart), that one
 * is put into g->abandoned and did_abandon is set until the next call. */
int bt_grouper_feed(struct bt_grouper *g, const struct bt_event *ev, enum bt_group_step *ret,
                    struct bt_err *err) BT_MUST_CHECK;

/* The transaction of the event fed last (or the open one); NULL when outside. */
const struct bt_transaction *bt_grouper_transaction(const struct bt_grouper *g);

/* "dml", "xa_prepare", ... */
const char *bt_transaction_kind_name(enum bt_transaction_kind kind);
/* "xid", "unfinished", ... */
const char *bt_transaction_end_name(enum bt_transaction_end end_kind);

#endif
