/* SPDX-License-Identifier: Apache-2.0 */
/*
 * statement.h - turns the events of a log into the statements that replay them.
 *
 *     init -> begin(transaction), feed, feed, ... (each may emit steps) -> done
 *
 *   GTID                 SET gtid_seq_no=..       held back until the first work
 *   first work           START TRANSACTION        (XA START for a transaction that was prepared)
 *   QUERY                USE, SET of what differs, the text as it is
 *   TABLE_MAP..ROWS      BINLOG '...'             one per statement
 *   BEGIN_LOAD..         LOAD DATA LOCAL INFILE   with the file of the log
 *   XID, COMMIT          COMMIT
 *   XA_PREPARE           XA END, XA PREPARE
 *
 * With join_ends the one statement of a transaction is its end, under autocommit; with rows:
 *
 *     SET STATEMENT gtid_seq_no=5 FOR BINLOG '...'
 *
 * The translator knows no connection: steps go to a callback, which sends or records them.
 */
#ifndef BT_APPLY_STATEMENT_H
#define BT_APPLY_STATEMENT_H

#include "apply/context.h"
#include "apply/load_file.h"
#include "apply/row_statement.h"
#include "parser/transaction.h"

enum bt_step_kind {
    BT_STEP_CONTEXT, /* changes the session only; harmless when what is before it failed */
    BT_STEP_WORK,    /* changes data */
    BT_STEP_END,     /* ends the transaction: COMMIT, ROLLBACK, XA PREPARE, or its one statement */
};

struct bt_step {
    enum bt_step_kind kind;
    struct bt_slice sql;     /* borrowed until emit returns */
    bool may_undo;           /* WORK: inside a transaction that a ROLLBACK takes back whole */
    bool is_event_text;      /* as the server logged it */
    bool is_lone;            /* END: a statement that is a transaction by itself, DDL mostly */
    unsigned expected_errno; /* the statement failed with it on its server */
    bool is_xa_end;          /* XA COMMIT, XA ROLLBACK: the branch may have held nothing */
    bool may_log_nothing;    /* the end of an XA branch whose GTID MySQL is to keep */
    int file;                /* LOAD DATA LOCAL: the receiver reads and closes it; -1 without */
    const char *table;       /* "db.table" of row work, "" without; borrowed */
};

typedef int bt_step_emit(void *ctx, const struct bt_step *step, struct bt_err *err);

struct bt_statements_opts {
    enum bt_flavor target;
    uint32_t target_version;
    bool keep_gtids;     /* give transactions their original GTIDs */
    uint64_t packet_max; /* the target's max_allowed_packet */
    /* a transaction of one statement goes without START TRANSACTION and COMMIT (MariaDB): it is
     * logged the same, for half the work */
    bool join_ends;
    const struct bt_collations *collations;
    bt_step_emit *emit;
    void *ctx;
};

struct bt_statements {
    struct bt_statements_opts opts;
    struct bt_context context;
    struct bt_row_statement rows;
    struct bt_load_files files;
    struct bt_buf text, use, set; /* of the step being made */
    struct bt_buf format;         /* BINLOG of the format in force */
    bool format_sent;

    /* The first statement of a transaction, held back until it is known whether it is the only one.
     * The context of a text waits in `context` as long. */
    enum { BT_HELD_NONE,
           BT_HELD_ROWS,
           BT_HELD_TEXT } held;
    struct bt_buf held_sql;

    /* the transaction */
    struct bt_gtid_event gtid;
    bool has_gtid, is_open, is_skipped, ended, saw_xa_end;
    bool gtid_pending; /* SET of the GTID not emitted yet */
    char xid[300];     /* of an XA transaction, as SQL */
};

void bt_statements_init(struct bt_statements *s, const struct bt_statements_opts *opts);
void bt_statements_done(struct bt_statements *s);

/* The first event of a transaction is the next to be fed. */
void bt_statements_begin(struct bt_statements *s);

/* Any event of the log, those between transactions too. */
int bt_statements_feed(struct bt_statements *s, const struct bt_event *ev, struct bt_err *err)
    BT_MUST_CHECK;

/* Whether the transaction was passed over on purpose (the START of a split ALTER). */
bool bt_statements_is_skipped(const struct bt_statements *s);

#endif
