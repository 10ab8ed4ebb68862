/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/inspect_rowcount.h"

#include <stdio.h>

void bt_row_counter_done(struct bt_row_counter *c)
{
    bt_row_reader_free(c->reader);
    c->reader = NULL;
}

static int walk(struct bt_row_counter *c, const struct bt_rows_counted *rows, uint64_t *ret,
                struct bt_err *err)
{
    const struct bt_plan *plan;

    if (!c->reader && bt_row_reader_new(&c->reader, err) != 0)
        return -1;
    if (bt_plan_of(rows->table, NULL, &plan, err) == 0 &&
        bt_row_reader_count(c->reader, plan, rows->frame, ret, err) == 0)
        return 0;
    if (err->kind != BT_ERR_CORRUPT)
        return -1;
    if (c->uncounted++ == 0)
        snprintf(c->why, sizeof(c->why), "%s:%llu: %.180s", rows->path,
                 (unsigned long long)rows->offset, err->text);
    bt_err_clear(err);
    *ret = 0;
    return 0;
}

int bt_row_counter_count(struct bt_row_counter *c, const struct bt_rows_counted *rows,
                         struct bt_table_stats_map *tables, uint64_t *ret, struct bt_err *err)
{
    if (walk(c, rows, ret, err) != 0)
        return -1;
    if (!bt_table_stats_add(tables, rows->stats, rows->frame->op, *ret, rows->length, rows->when))
        return bt_fail(err, BT_ERR_LIMIT, "there are more tables than fit in memory");
    return 0;
}
