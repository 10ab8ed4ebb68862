/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect_rowcount.h - how many rows a rows event changes, added to its table's counters.
 *
 * Rows have no count in the log: they are walked, value by value, without being decoded.
 */
#ifndef BT_CLI_INSPECT_ROWCOUNT_H
#define BT_CLI_INSPECT_ROWCOUNT_H

#include "cli/inspect_scan.h"
#include "cli/inspect_tables.h"
#include "parser/value.h"

/* Zeroed to begin with. */
struct bt_row_counter {
    struct bt_row_reader *reader; /* owned */
    uint64_t uncounted;           /* rows events that could not be walked */
    char why[256];                /* the first one's reason */
};

void bt_row_counter_done(struct bt_row_counter *c);

/* A rows event as far as it is counted. */
struct bt_rows_counted {
    const char *path; /* of the log */
    uint64_t offset;
    uint32_t length, when; /* of the event */
    const struct bt_rows_event *frame;
    struct bt_table *table;
    struct bt_table_stats *stats; /* the table's */
};

/* Adds the rows and bytes of an event to its table; *ret is its rows.  Where the log's bytes or
 * types do not let us count them there are 0, and the counter remembers why. */
int bt_row_counter_count(struct bt_row_counter *c, const struct bt_rows_counted *rows,
                         struct bt_table_stats_map *tables, uint64_t *ret,
                         struct bt_err *err) BT_MUST_CHECK;

#endif
