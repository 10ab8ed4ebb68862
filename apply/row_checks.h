/* SPDX-License-Identifier: Apache-2.0 */
/*
 * row_checks.h - asks a server about the rows that a log touches.
 *
 *   foresee   before: would the log fit?  The first touch of a row says what must be: an INSERT's
 *             key must be free, an UPDATE's or DELETE's row must be there, and so must the table
 *   verify    after: is every row as its last image in the log has left it?
 *
 * Several logs are taken as one, in the order given.  Both read the logs and the server only, in
 * batches of rows by primary key.  What they cannot ask about is counted, with the reason.  A row
 * that is not as its last image, but behind which the logs hold a statement or DDL that names its
 * table, is none that differs: it may have been changed again.  The session needs SELECT on the
 * tables.
 */
#ifndef BT_APPLY_ROW_CHECKS_H
#define BT_APPLY_ROW_CHECKS_H

#include "apply/connection.h"
#include "parser/gtid.h"

enum bt_finding_kind {
    BT_FINDING_NO_TABLE,
    BT_FINDING_COLUMNS,   /* the table has another number of columns */
    BT_FINDING_DUPLICATE, /* the key of an INSERT is taken */
    BT_FINDING_NO_ROW,    /* the row of an UPDATE or DELETE is not there */
    BT_FINDING_DIFFERS,   /* verify: the row is not as its last image */
    BT_FINDING_NOT_GONE,  /* verify: a row that was deleted is there */
};

/* Why a change was not checked. */
enum bt_unchecked {
    BT_UNCHECKED_NO_KEY,    /* its table has no primary key */
    BT_UNCHECKED_STATEMENT, /* it was logged as a statement */
    BT_UNCHECKED_LATER,     /* foresee: DDL before it has not run; verify: see above */
    BT_UNCHECKED_OTHER,     /* partial JSON; keys that may be equal by collation */
    BT_UNCHECKED_COUNT,
};

struct bt_finding {
    enum bt_finding_kind kind;
    char gtid[BT_GTID_TEXT_SIZE];
    char table[256]; /* "db.table" */
    char key[256];   /* the condition that names the row, cut; "" for a table */
};

enum { BT_FINDINGS_MAX = 100 };

struct bt_row_checks {
    uint64_t rows;        /* asked about; verify: compared */
    uint64_t not_checked; /* changes of rows, and statements, that could not be: sum of why */
    uint64_t why[BT_UNCHECKED_COUNT];
    uint64_t found; /* conflicts or differences */
    size_t count;   /* the first of them */
    struct bt_finding first[BT_FINDINGS_MAX];
};

/* "duplicate key", for messages and JSON. */
const char *bt_finding_name(enum bt_finding_kind kind);
/* "no_primary_key", for JSON. */
const char *bt_unchecked_name(enum bt_unchecked why);

int bt_rows_foresee(const struct bt_connection_opts *where, const char *const *paths,
                    size_t count, struct bt_row_checks *ret, struct bt_err *err) BT_MUST_CHECK;
int bt_rows_verify(const struct bt_connection_opts *where, const char *const *paths,
                   size_t count,
                   struct bt_row_checks *ret, struct bt_err *err) BT_MUST_CHECK;

#endif
