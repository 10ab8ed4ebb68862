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

#include "parser/event.h"

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

/* The partition the rows belong to (V2 extra data, MySQL 8.0.16+): 0 and its number, 1 when the
 * event does not say.  *ret_source is the partition an UPDATE moves rows from
 * (else equal to *ret). */
int bt_rows_partition(const struct bt_rows_event *rows, uint16_t *ret, uint16_t *ret_source,
                      struct bt_err *err) BT_MUST_CHECK;

/* "insert", "update", "delete". */
const char *bt_rows_op_name(enum bt_rows_op op);

#endif
