/* SPDX-License-Identifier: Apache-2.0 */
/*
 * row_checks.h - asks a server about the rows that a log touches.
 *
 *   foresee   before: would the log fit?  The first touch of a row says what must be: an INSERT's
 *             key must be free, an UPDATE's or DELETE's row must be there, and so must the table
 *   verify    after: is every row as its last image in the log has left it?
 *
 * Several logs are taken as one, in the order given.  Both read the logs and the server only, in
 * batches of rows by primary key.  Rows of tables without one, rows behind DDL that has not run
 * yet, and changes logged as statements are counted as not checked.  The session needs SELECT on
 * the tables.
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

struct bt_finding {
    enum bt_finding_kind kind;
    char gtid[BT_GTID_TEXT_SIZE];
    char table[256]; /* "db.table" */
    char key[256];   /* the condition that names the row, cut; "" for a table */
};

enum { BT_FINDINGS_MAX = 100 };

struct bt_row_checks {
    uint64_t rows;        /* asked about */
    uint64_t not_checked; /* changes of rows, and statements, that could not be */
    uint64_t found;       /* conflicts or differences */
    size_t count;         /* the first of them */
    struct bt_finding first[BT_FINDINGS_MAX];
};

/* "duplicate key", for messages and JSON. */
const char *bt_finding_name(enum bt_finding_kind kind);

int bt_rows_foresee(const struct bt_connection_opts *where, const char *const *paths,
                    size_t count, struct bt_row_checks *ret, struct bt_err *err) BT_MUST_CHECK;
int bt_rows_verify(const struct bt_connection_opts *where, const char *const *paths,
                   size_t count,
                   struct bt_row_checks *ret, struct bt_err *err) BT_MUST_CHECK;

#endif
