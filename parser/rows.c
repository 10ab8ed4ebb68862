/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The frame of rows events; the byte table stands in rows.h.
 *
 * Differences by version (sql/log_event.cc MariaDB 10.11, rows_event.cpp MySQL 8.0.43):
 *   - table ids of 4 bytes where the FORMAT_DESCRIPTION gives a post-header of 6 bytes (5.1.4 and
 *     before), of 6 bytes otherwise;
 *   - V2 (MySQL 5.6 and later) puts extra data behind the flags, chunks (type u8, ...): 0 NDB
 *     (length u8 with its own byte and the next, format u8, data), 1 partition (id u16, for UPDATE
 *     also the source's id u16).  The servers skip what stands behind a chunk they do not know;
 *   - the PRE_GA types (5.1.0 to 5.1.15) look like V1.
 */
#include "parser/rows.h"

enum {
    EXTRA_NDB = 0,
    EXTRA_PARTITION = 1,
};

int bt_rows_event_read(const struct bt_event *ev, struct bt_rows_event *ret, struct bt_err *err)
{
    struct bt_cursor c = bt_cursor(ev->body);
    struct bt_rows_event r;

    if (!bt_event_is_rows(ev->type))
        return bt_fail(err, BT_ERR_BUG, "event type %u holds no rows", ev->type);
    bt_rows_begin(ev->type, &r);
    if (!bt_rows_take_head(&c, ev->type, ev->format, &r))
        return bt_fail(err, BT_ERR_CORRUPT, "%s of %zu bytes ends in its table id or extra data",
                       bt_event_type_name(ev->type), ev->body.len);
    if (!bt_rows_take_columns(&c, &r))
        return bt_fail(err, BT_ERR_CORRUPT,
                       "%s of %zu bytes ends in its columns, or has more than %d of them",
                       bt_event_type_name(ev->type), ev->body.len, BT_COLUMN_COUNT_MAX);
    /* Field by field: copied whole it waits for the stores above (inspect of small rows: 10%). */
    ret->op = r.op;
    ret->is_partial = r.is_partial;
    ret->is_dummy = r.is_dummy;
    ret->table_id = r.table_id;
    ret->flags = r.flags;
    ret->extra = r.extra;
    ret->column_count = r.column_count;
    ret->before_columns = r.before_columns;
    ret->after_columns = r.after_columns;
    ret->rows = r.rows;
    return 0;
}

int bt_rows_partition(const struct bt_rows_event *rows, uint16_t *ret, uint16_t *ret_source,
                      struct bt_err *err)
{
    struct bt_cursor c = bt_cursor(rows->extra);
    uint16_t partition, source;
    uint8_t type, len;

    while (bt_cur_u8(&c, &type)) {
        if (type == EXTRA_NDB) {
            if (!bt_cur_u8(&c, &len) || len < 2 || !bt_cur_skip(&c, len - 1u))
                return bt_fail(err, BT_ERR_CORRUPT, "NDB data of a rows event is cut short");
        } else if (type == EXTRA_PARTITION) {
            if (!bt_cur_u16(&c, &partition))
                return bt_fail(err, BT_ERR_CORRUPT, "partition of a rows event is cut short");
            source = partition;
            if (rows->op == BT_ROWS_UPDATE && !bt_cur_u16(&c, &source))
                return bt_fail(err, BT_ERR_CORRUPT, "partition of a rows event is cut short");
            *ret = partition;
            *ret_source = source;
            return 0;
        } else {
            return 1;
        }
    }
    return 1;
}

const char *bt_rows_op_name(enum bt_rows_op op)
{
    switch (op) {
    case BT_ROWS_INSERT: return "insert";
    case BT_ROWS_UPDATE: return "update";
    case BT_ROWS_DELETE: return "delete";
    }
    return "update";
}
