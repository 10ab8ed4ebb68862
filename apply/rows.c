/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/connection.h"

#include <strings.h>

#include "apply/connection_priv.h"
#include "base/number.h"

enum { RESULT_MAX = 256 << 20 };

void bt_rows_init(struct bt_rows *rows)
{
    *rows = (struct bt_rows){0};
    bt_arena_init(&rows->arena, RESULT_MAX);
}

void bt_rows_done(struct bt_rows *rows)
{
    bt_arena_done(&rows->arena);
    *rows = (struct bt_rows){0};
}

/* ------------------------------------------------------------------ reading */

static int read_names(MYSQL_RES *result, struct bt_rows *rows, struct bt_err *err)
{
    const MYSQL_FIELD *fields = mysql_fetch_fields(result);

    rows->column_count = mysql_num_fields(result);
    rows->names = bt_arena_array(&rows->arena, rows->column_count, sizeof(*rows->names));
    if (!rows->names)
        return bt_arena_fail(&rows->arena, "a result", err);
    for (unsigned i = 0; i < rows->column_count; i++) {
        rows->names[i] =
            bt_arena_str(&rows->arena, bt_slice(fields[i].name, fields[i].name_length));
        if (!rows->names[i])
            return bt_arena_fail(&rows->arena, "a result", err);
    }
    return 0;
}

static int keep_row(struct bt_rows *rows, MYSQL_ROW row, const unsigned long *lengths,
                    struct bt_buf *cells, struct bt_buf *nulls, struct bt_err *err)
{
    for (unsigned i = 0; i < rows->column_count; i++) {
        struct bt_slice cell = bt_slice_empty();

        if (row[i]) {
            cell = bt_arena_dup(&rows->arena, bt_slice(row[i], lengths[i]));
            if (!cell.ptr)
                return bt_arena_fail(&rows->arena, "a result", err);
        }
        bt_buf_add(cells, &cell, sizeof(cell));
        bt_buf_add_byte(nulls, !row[i]);
    }
    rows->row_count++;
    return bt_buf_check(cells, "a result", err);
}

int bt_rows_read(struct bt_connection *c, MYSQL_RES *result, struct bt_deadline deadline,
                 struct bt_rows *rows, struct bt_err *err)
{
    bt_auto_buf struct bt_buf cells, nulls;
    MYSQL_ROW row;

    bt_buf_init(&cells, RESULT_MAX);
    bt_buf_init(&nulls, RESULT_MAX);
    if (read_names(result, rows, err) < 0)
        return -1;
    for (;;) {
        if (bt_connection_fetch(c, result, deadline, &row, err) < 0)
            return -1;
        if (!row)
            break;
        if (keep_row(rows, row, mysql_fetch_lengths(result), &cells, &nulls, err) < 0)
            return -1;
    }
    if (bt_buf_check(&nulls, "a result", err) < 0)
        return -1;
    rows->cells = bt_arena_alloc(&rows->arena, cells.len);
    rows->is_null = bt_arena_alloc(&rows->arena, nulls.len);
    if (!rows->cells || !rows->is_null)
        return bt_arena_fail(&rows->arena, "a result", err);
    memcpy(rows->cells, cells.data ? cells.data : (const uint8_t *)"", cells.len);
    memcpy(rows->is_null, nulls.data ? nulls.data : (const uint8_t *)"", nulls.len);
    return 0;
}

/* ------------------------------------------------------------------ looking up */

/* Case not regarded; -1 without one (SHOW differs by version). */
static int column_index(const struct bt_rows *rows, const char *name)
{
    for (unsigned i = 0; i < rows->column_count; i++) {
        if (strcasecmp(rows->names[i], name) == 0)
            return (int)i;
    }
    return -1;
}

const char *bt_rows_text_at(const struct bt_rows *rows, uint64_t row, unsigned column)
{
    size_t at;

    if (row >= rows->row_count || column >= rows->column_count)
        return NULL;
    at = (size_t)row * rows->column_count + column;
    return rows->is_null[at] ? NULL : (const char *)rows->cells[at].ptr;
}

const char *bt_rows_text(const struct bt_rows *rows, uint64_t row, const char *column)
{
    int at = column_index(rows, column);

    return at < 0 ? NULL : bt_rows_text_at(rows, row, (unsigned)at);
}

bool bt_rows_u64(const struct bt_rows *rows, uint64_t row, const char *column, uint64_t *ret)
{
    const char *text = bt_rows_text(rows, row, column);

    return text && bt_number_u64(bt_slice_str(text), UINT64_MAX, ret);
}
