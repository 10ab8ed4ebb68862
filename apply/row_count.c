/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/row_count.h"

int bt_row_count_init(struct bt_row_count *c, struct bt_err *err)
{
    *c = (struct bt_row_count){0};
    if (bt_table_cache_new(&c->tables, err) < 0 || bt_row_reader_new(&c->rows, err) < 0) {
        bt_row_count_done(c);
        return -1;
    }
    return 0;
}

void bt_row_count_done(struct bt_row_count *c)
{
    if (c->tables)
        bt_table_cache_free(c->tables);
    bt_row_reader_free(c->rows);
    *c = (struct bt_row_count){0};
}

bool bt_row_count_frame(const struct bt_row_count *c, const struct bt_event *ev,
                        struct bt_rows_event *ret, const struct bt_table **ret_table,
                        const struct bt_plan **ret_plan)
{
    struct bt_err ignored = {0};
    struct bt_table *table;

    if (!bt_event_is_rows(ev->type) || bt_rows_event_read(ev, ret, &ignored) < 0 || ret->is_dummy)
        return false;
    table = bt_table_cache_get(c->tables, ev->header.server_id, ret->table_id);
    *ret_table = table;
    return table && bt_plan_of(table, NULL, ret_plan, &ignored) == 0;
}

uint64_t bt_row_count_feed(struct bt_row_count *c, const struct bt_event *ev)
{
    struct bt_table *mapped = NULL;
    const struct bt_table *table;
    const struct bt_plan *plan;
    struct bt_rows_event frame;
    struct bt_err ignored = {0};
    uint64_t rows = 0;

    if (ev->type == BT_FORMAT_DESCRIPTION)
        bt_table_cache_drop_all(c->tables);
    if (ev->type == BT_TABLE_MAP)
        (void)!bt_table_cache_put(c->tables, ev, &mapped, &ignored);
    if (!bt_row_count_frame(c, ev, &frame, &table, &plan) ||
        bt_row_reader_count(c->rows, plan, &frame, &rows, &ignored) < 0)
        return 0;
    return rows;
}
