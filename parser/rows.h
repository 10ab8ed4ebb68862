/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rows.h - the frame of a rows event: which table, which columns, where the rows begin.
 *
 *   size     field                     (body of WRITE/UPDATE/DELETE_ROWS, binlog.md 1.8)
 *   6 or 4   table id                  4 where the FORMAT_DESCRIPTION gives post-header length 6
 *   2        flags
 *   2 n-2    extra data                V2 only: length (its own 2 bytes included), chunks
 *   packed   column count
 *   (n+7)/8  columns present           in the before image of UPDATE and DELETE, after of INSERT
 *   (n+7)/8  columns present           UPDATE only: in the after image
 *   ...      rows                      each image: null bitmap of the present columns, values
 *
 * The rows themselves need the table's columns: parser/value.h.
 */
#ifndef BT_PARSER_ROWS_H
#define BT_PARSER_ROWS_H

#include "parser/table_map.h"

enum bt_rows_op { BT_ROWS_INSERT,
                  BT_ROWS_UPDATE,
                  BT_ROWS_DELETE };

enum bt_rows_flag {
    BT_ROWS_STMT_END = 0x01, /* last rows event of its statement */
    BT_ROWS_NO_FOREIGN_KEYS = 0x02,
    BT_ROWS_RELAXED_UNIQUE = 0x04,
    BT_ROWS_COMPLETE = 0x08,
    BT_ROWS_NO_CHECKS = 0x80, /* MariaDB: check constraints off */
};

/* A rows event that only carries STMT_END names this table (sql/log_event_server.cc, 10.11). */
enum { BT_ROWS_DUMMY_TABLE = 0x00ffffff };

struct bt_rows_event {
    enum bt_rows_op op;
    bool is_partial; /* PARTIAL_UPDATE_ROWS: the after image may hold JSON differences */
    bool is_dummy;   /* no table, no rows: only flags */
    uint64_t table_id;
    uint16_t flags;
    struct bt_slice extra; /* V2: the chunks; "" otherwise */
    uint32_t column_count;
    struct bt_slice before_columns; /* bitmap, lowest bit first; "" for INSERT */
    struct bt_slice after_columns;  /* bitmap; "" for DELETE */
    struct bt_slice rows;
};

/* Cuts the frame of a rows event (bt_event_is_rows()); borrows from ev->body. */
int bt_rows_event_read(const struct bt_event *ev, struct bt_rows_event *ret, struct bt_err *err)
    BT_MUST_CHECK;

/* ------------------------------------------------------- the same in steps */

/* For who reads millions of frames: bt_rows_event_read() without its messages is
 *     bt_rows_begin(type, &r);
 *     bt_rows_take_head(&c, type, format, &r) && bt_rows_take_columns(&c, &r) */

static inline enum bt_rows_op bt_rows_op_of(uint8_t type)
{
    switch (type) {
    case BT_PRE_GA_WRITE_ROWS:
    case BT_WRITE_ROWS_V1:
    case BT_WRITE_ROWS: return BT_ROWS_INSERT;
    case BT_PRE_GA_DELETE_ROWS:
    case BT_DELETE_ROWS_V1:
    case BT_DELETE_ROWS: return BT_ROWS_DELETE;
    default: return BT_ROWS_UPDATE;
    }
}

/* In place: as a value it would be copied byte by byte. */
static inline void bt_rows_begin(uint8_t type, struct bt_rows_event *r)
{
    r->op = bt_rows_op_of(type);
    r->is_partial = type == BT_PARTIAL_UPDATE_ROWS;
    r->extra.ptr = r->before_columns.ptr = r->after_columns.ptr = (const uint8_t *)"";
    r->extra.len = r->before_columns.len = r->after_columns.len = 0;
}

/* V2: its length counts its own two bytes. */
static inline BT_MUST_CHECK bool bt_rows_take_extra(struct bt_cursor *c, uint8_t type,
                                                    struct bt_slice *ret)
{
    uint16_t len;

    if (type != BT_WRITE_ROWS && type != BT_UPDATE_ROWS && type != BT_DELETE_ROWS &&
        type != BT_PARTIAL_UPDATE_ROWS)
        return true;
    return bt_cur_u16(c, &len) && len >= sizeof(len) && bt_cur_take(c, len - sizeof(len), ret);
}

/* Table id, flags, extra data. */
static inline BT_MUST_CHECK bool bt_rows_take_head(struct bt_cursor *c, uint8_t type,
                                                   const struct bt_format *format,
                                                   struct bt_rows_event *r)
{
    bool is_short = format->post_header_length[type] == BT_POST_HEADER_SHORT_ID;

    if (!((is_short ? bt_cur_le(c, 4, &r->table_id) : bt_cur_le(c, 6, &r->table_id)) &&
          bt_cur_u16(c, &r->flags) &&
          bt_rows_take_extra(c, type, &r->extra)))
        return false;
    r->is_dummy = r->table_id == BT_ROWS_DUMMY_TABLE;
    return true;
}

/* Which columns are present; the rest is the rows. */
static inline BT_MUST_CHECK bool bt_rows_take_columns(struct bt_cursor *c, struct bt_rows_event *r)
{
    uint64_t count;
    size_t bitmap;

    if (!bt_cur_lenenc(c, &count) || count > BT_COLUMN_COUNT_MAX)
        return false;
    r->column_count = (uint32_t)count;
    bitmap = (r->column_count + 7) / 8;
    if (!((r->op == BT_ROWS_INSERT || bt_cur_take(c, bitmap, &r->before_columns)) &&
          (r->op == BT_ROWS_DELETE || bt_cur_take(c, bitmap, &r->after_columns))))
        return false;
    r->rows = bt_cur_rest(c);
    return true;
}

/* The partition the rows belong to (V2 extra data, MySQL 8.0.16+): 0 and its number, 1 when the
 * event does not say.  *ret_source is the partition an UPDATE moves rows from
 * (else equal to *ret). */
int bt_rows_partition(const struct bt_rows_event *rows, uint16_t *ret, uint16_t *ret_source,
                      struct bt_err *err) BT_MUST_CHECK;

/* "insert", "update", "delete". */
const char *bt_rows_op_name(enum bt_rows_op op);

#endif
