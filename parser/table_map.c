/* SPDX-License-Identifier: Apache-2.0 */
/* TABLE_MAP cut into its fields; the byte table stands in table_map.h, the columns are read in
 * table_column.c.  Checked against MariaDB 10.11 sql/log_event.cc and MySQL 8.0.43 rows_event. */
#include "parser/table_map.h"

/* A byte of length, the name, and a NUL. */
static bool take_name(struct bt_cursor *c, struct bt_slice *ret)
{
    uint8_t nul;

    return bt_cur_len8(c, ret) && bt_cur_u8(c, &nul) && nul == 0;
}

static bool take_head(struct bt_cursor *c, const struct bt_event *ev, struct bt_table_map *m)
{
    bool is_short = ev->format->post_header_length[BT_TABLE_MAP] == BT_POST_HEADER_SHORT_ID;

    return bt_cur_le(c, is_short ? 4 : 6, &m->table_id) &&
           bt_cur_u16(c, &m->flags) &&
           take_name(c, &m->db) &&
           take_name(c, &m->table);
}

static bool take_columns(struct bt_cursor *c, struct bt_table_map *m)
{
    uint64_t count;

    if (!bt_cur_lenenc(c, &count) || count > BT_COLUMN_COUNT_MAX)
        return false;
    m->column_count = (uint32_t)count;
    return bt_cur_take(c, count, &m->types) &&
           bt_cur_lenenc_take(c, &m->metadata) &&
           bt_cur_take(c, (count + 7) / 8, &m->nullable);
}

int bt_table_map_read(const struct bt_event *ev, struct bt_table_map *ret, struct bt_err *err)
{
    struct bt_cursor c = bt_cursor(ev->body);
    struct bt_table_map m = {.flavor = ev->format->flavor};

    if (!take_head(&c, ev, &m))
        return bt_fail(err, BT_ERR_CORRUPT, "TABLE_MAP of %zu bytes ends in its names",
                       ev->body.len);
    if (!take_columns(&c, &m))
        return bt_fail(err, BT_ERR_CORRUPT,
                       "TABLE_MAP of %zu bytes for \"%.*s.%.*s\" ends in its columns, or has more "
                       "than %d of them",
                       ev->body.len, BT_SLICE_ARG(m.db), BT_SLICE_ARG(m.table),
                       BT_COLUMN_COUNT_MAX);
    m.optional = bt_cur_rest(&c);
    *ret = m;
    return 0;
}
