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

uint64_t bt_row_count_feed(struct bt_row_count *c, const struct bt_event *ev)
{
    struct bt_table *table = NULL;
    const struct bt_plan *plan;
    struct bt_rows_event frame;
    struct bt_err ignored = {0};
    uint64_t rows = 0;

    if (ev->type == BT_FORMAT_DESCRIPTION)
        bt_table_cache_drop_all(c->tables);
    if (ev->type == BT_TABLE_MAP)
        (void)!bt_table_cache_put(c->tables, ev, &table, &ignored);
    if (!bt_event_is_rows(ev->type) || bt_rows_event_read(ev, &frame, &ignored) < 0 ||
        frame.is_dummy)
        return 0;
    table = bt_table_cache_get(c->tables, ev->header.server_id, frame.table_id);
    if (!table || bt_plan_of(table, NULL, &plan, &ignored) < 0 ||
        bt_row_reader_count(c->rows, plan, &frame, &rows, &ignored) < 0)
        return 0;
    return rows;
}
