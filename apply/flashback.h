/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flashback.h - undoes what a log of row changes did: every row is put back to its before image.
 *
 *     bt_flashback_file(&login, "errant.binlog", &opts, &result, err)
 *
 * The log is read twice.  First whole, to see whether it can be undone at all: a statement event, a
 * DDL, an image that is not FULL, a table with triggers, system versioning or foreign keys that
 * cascade is refused, naming the transaction and the table; nothing was done then.  Then backwards,
 * last transaction first, within one transaction of the target: each change is a statement that
 * names every column of the row as the log says it was left (INSERT is undone by DELETE ... WHERE
 * all columns, UPDATE by UPDATE ... SET before WHERE after, DELETE by INSERT), and must change
 * exactly one row.  The first that does not ends it with a rollback and names table, row and GTID:
 * the server is not what the log says.
 *
 * Nothing of it goes to the target's binary log.  In the same transaction a row with the log's
 * XXH3-128 goes into the table mysql.baton_flashback, so that a second run finds what the first
 * has done, whenever that one was killed, and does nothing (result.was_done).
 */
#ifndef BT_APPLY_FLASHBACK_H
#define BT_APPLY_FLASHBACK_H

#include "apply/connection.h"

struct bt_flashback_opts {
    bool dry_run;                /* look whether it can be undone, and roll back */
    const char *note;            /* kept beside the mark, for bt_flashback_find(); NULL = none */
    struct bt_deadline deadline; /* at_ms 0 = none */
};

struct bt_flashback_result {
    uint64_t transactions, rows; /* undone */
    bool was_done;               /* by an earlier run */
};

/* path: a diff log (plain or .zst) with its manifest, which is verified first.  The login must be
 * allowed to set sql_log_bin, and to write the tables and mysql.baton_flashback. */
int bt_flashback_file(const struct bt_connection_opts *login, const char *path,
                      const struct bt_flashback_opts *opts, struct bt_flashback_result *ret,
                      struct bt_err *err) BT_MUST_CHECK;

/* Whether something was undone here and not yet forgotten: 0 and the note that was given then, 1
 * when not; a mark table without a mark is dropped then. */
int bt_flashback_find(const struct bt_connection_opts *login, struct bt_deadline until,
                      struct bt_buf *ret_note, struct bt_err *err) BT_MUST_CHECK;

/* Drops mysql.baton_flashback, when what was undone is gone from the binary logs too. */
int bt_flashback_forget(const struct bt_connection_opts *login, struct bt_deadline until,
                        struct bt_err *err) BT_MUST_CHECK;

#endif
