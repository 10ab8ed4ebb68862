/* SPDX-License-Identifier: Apache-2.0 */
/*
 * row_count.h - how many rows the rows events of a log hold.
 *
 * The end of a row is only found with its table's columns, so every event of the log is fed.  What
 * cannot be counted (a table whose columns we cannot cut) counts as nothing: the number is for
 * people, and it is the target that judges the rows.
 */
#ifndef BT_APPLY_ROW_COUNT_H
#define BT_APPLY_ROW_COUNT_H

#include "parser/value.h"

struct bt_row_count {
    struct bt_table_cache *tables;
    struct bt_row_reader *rows;
};

int bt_row_count_init(struct bt_row_count *c, struct bt_err *err) BT_MUST_CHECK;
void bt_row_count_done(struct bt_row_count *c);

/* Rows in this event; 0 for one that is no rows event. */
uint64_t bt_row_count_feed(struct bt_row_count *c, const struct bt_event *ev);

/* The frame, table and plan of a rows event, for who looks at the rows themselves (by c->rows); the
 * events before it were fed.  false: it is none, it has no rows, or they cannot be cut.  Borrows
 * from ev, and from c until it is fed again. */
bool bt_row_count_frame(const struct bt_row_count *c, const struct bt_event *ev,
                        struct bt_rows_event *ret, const struct bt_table **ret_table,
                        const struct bt_plan **ret_plan);

#endif
