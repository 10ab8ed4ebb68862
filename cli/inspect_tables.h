/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_tables.h - rows and bytes written per table: a small map from (db, table) to counters. */
#ifndef BT_CLI_INSPECT_TABLES_H
#define BT_CLI_INSPECT_TABLES_H

#include "base/arena.h"
#include "parser/rows.h"

/* Bytes that row events wrote to a table within one minute. */
struct bt_table_minute {
    uint32_t minute; /* since 1970 */
    uint64_t bytes;
};

struct bt_table_stats {
    struct bt_slice db, table;       /* owned by the arena */
    uint64_t rows[3];                /* by enum bt_rows_op */
    uint64_t bytes;                  /* of its row events */
    struct bt_table_minute *minutes; /* in the order met; a minute may come again */
    size_t minute_count, minute_room;
    uint64_t hash;
};

struct bt_table_stats_map {
    struct bt_arena arena;
    struct bt_table_stats **slots; /* owned; count_max is a power of two */
    size_t slot_count, count;
};

int bt_table_stats_init(struct bt_table_stats_map *m, struct bt_err *err) BT_MUST_CHECK;
void bt_table_stats_done(struct bt_table_stats_map *m);

/* The counters of a table, made when it is new; valid until done.  NULL without memory. */
struct bt_table_stats *bt_table_stats_of(struct bt_table_stats_map *m, struct bt_slice db,
                                         struct bt_slice table);

/* Adds bytes written in a minute that is not the last one met.  False without memory. */
bool bt_table_stats_add_minute(struct bt_table_stats_map *m, struct bt_table_stats *t,
                               uint32_t minute, uint64_t bytes);

/* Counts a rows event of so many rows and bytes.  False without memory. */
static inline bool bt_table_stats_add(struct bt_table_stats_map *m, struct bt_table_stats *t,
                                      enum bt_rows_op op, uint64_t rows, uint64_t bytes,
                                      uint32_t when)
{
    t->rows[op] += rows;
    t->bytes += bytes;
    if (when == 0)
        return true;
    if (t->minute_count == 0 || t->minutes[t->minute_count - 1].minute != when / 60)
        return bt_table_stats_add_minute(m, t, when / 60, bytes);
    t->minutes[t->minute_count - 1].bytes += bytes;
    return true;
}

/* All of them, most bytes first, as an array of m->count pointers in the arena; NULL without
 * memory. */
struct bt_table_stats **bt_table_stats_sorted(struct bt_table_stats_map *m);

/* Adds what other has. */
int bt_table_stats_merge(struct bt_table_stats_map *m, const struct bt_table_stats_map *other,
                         struct bt_err *err) BT_MUST_CHECK;

#endif
