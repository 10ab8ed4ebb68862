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
/* The first of them are for reading, and need no privilege. */
enum { BT_FLASHBACK_READING = 3 };

/* Appends the statement without a semicolon.  An image that is not FULL, or a value that cannot be
 * written as SQL, is BT_ERR_CONFLICT naming the column. */
int bt_flashback_row(const struct bt_connection *sql, const struct bt_flashback_table *table,
                     const struct bt_plan *plan, enum bt_rows_op op, const struct bt_row *row,
                     struct bt_buf *out, struct bt_err *err) BT_MUST_CHECK;

/* Appends the condition, without WHERE, that only the row of this image fits; columns that the
 * image does not have are left out. */
int bt_flashback_same(const struct bt_connection *sql, const struct bt_flashback_table *table,
                      const struct bt_plan *plan, const struct bt_value *image, struct bt_buf *out,
                      struct bt_err *err) BT_MUST_CHECK;

/* The same of the primary key alone, as its index compares.  1: there is no primary key, or a part
 * of it is not in the image. */
int bt_flashback_key(const struct bt_connection *sql, const struct bt_flashback_table *table,
                     const struct bt_plan *plan, const struct bt_value *image, struct bt_buf *out,
                     struct bt_err *err) BT_MUST_CHECK;

#endif
