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

/* Adds the event's rows and bytes to its table; *ret is its rows, 0 for other events. */
int bt_row_counter_count(struct bt_row_counter *c, const struct bt_scan_event *se,
                         struct bt_table_stats_map *tables, uint64_t *ret,
                         struct bt_err *err) BT_MUST_CHECK;

#endif
