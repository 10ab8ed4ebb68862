/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/inspect_rowcount.h"

#include <stdio.h>

void bt_row_counter_done(struct bt_row_counter *c)
{
    bt_row_reader_free(c->reader);
    c->reader = NULL;
}

static uint64_t *counter_of(struct bt_table_stats *t, enum bt_rows_op op)
{
    switch (op) {
    case BT_ROWS_INSERT: return &t->inserts;
    case BT_ROWS_UPDATE: return &t->updates;
    case BT_ROWS_DELETE: return &t->deletes;
    }
    return &t->updates;
}

/* Walks the rows; 1 when the log's bytes or types do not let us. */
static int walk(struct bt_row_counter *c, const struct bt_scan_event *se, uint64_t *ret,
                struct bt_err *err)
{
    const struct bt_plan *plan;

    if (bt_plan_of(se->table, NULL, &plan, err) == 0 &&
        bt_row_reader_count(c->reader, plan, se->frame, ret, err) == 0)
        return 0;
    if (err->kind != BT_ERR_CORRUPT)
        return -1;
    if (c->uncounted++ == 0)
        snprintf(c->why, sizeof(c->why), "%s:%llu: %.180s", se->path,
                 (unsigned long long)se->event->offset, err->text);
    bt_err_clear(err);
    *ret = 0;
    return 1;
}

int bt_row_counter_count(struct bt_row_counter *c, const struct bt_scan_event *se,
                         struct bt_table_stats_map *tables, uint64_t *ret, struct bt_err *err)
{
    const struct bt_event_header *header = &se->event->header;
    struct bt_table_stats *stats;
    uint64_t rows;

    *ret = 0;
    if (!se->frame || !se->table)
        return 0;
    if (!c->reader && bt_row_reader_new(&c->reader, err) != 0)
        return -1;
    if (walk(c, se, &rows, err) < 0)
        return -1;
    stats = bt_table_stats_of(tables, se->table->map.db, se->table->map.table);
    if (!stats || !bt_table_stats_add(tables, stats, counter_of(stats, se->frame->op), rows,
                                      header->length, header->when))
        return bt_fail(err, BT_ERR_LIMIT, "there are more tables than fit in memory");
    *ret = rows;
    return 0;
}
