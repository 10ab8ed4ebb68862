/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flashback_row.h - one row change as the statement that undoes it.
 *
 * The statement names every column of the row as the change left it, so that it changes nothing
 * when the row is another one.  Strings are compared and set as bytes, numbers by their exact
 * value, times as text in UTC: no collation, rounding or time zone stands between.
 */
#ifndef BT_APPLY_FLASHBACK_ROW_H
#define BT_APPLY_FLASHBACK_ROW_H

#include "apply/flashback_table.h"
#include "parser/rows.h"

/* What a session must be set to for the statements to mean what they say. */
extern const char *const bt_flashback_session[];
extern const size_t bt_flashback_session_count;

/* Appends the statement without a semicolon.  An image that is not FULL, or a value that cannot be
 * written as SQL, is BT_ERR_CONFLICT naming the column. */
int bt_flashback_row(const struct bt_connection *sql, const struct bt_flashback_table *table,
                     const struct bt_plan *plan, enum bt_rows_op op, const struct bt_row *row,
                     struct bt_buf *out, struct bt_err *err) BT_MUST_CHECK;

#endif
