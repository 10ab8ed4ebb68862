/* SPDX-License-Identifier: Apache-2.0 */
/*
 * row_statement.h - the rows events of one statement as BINLOG statements.
 *
 *     add TABLE_MAP .. add ROWS(STMT_END) -> is_whole -> text or fragments -> reset
 *
 * The server closes its tables at the end of each BINLOG statement (sql/sql_binlog.cc, MariaDB
 * 10.11), so all TABLE_MAPs and rows of a statement travel in one, up to STMT_END.  A session must
 * have been given the FORMAT_DESCRIPTION once before.  It is sent as if the log had no checksum and
 * the events go without theirs: they were checked when they were read, and a decompressed event has
 * none.
 */
#ifndef BT_APPLY_ROW_STATEMENT_H
#define BT_APPLY_ROW_STATEMENT_H

#include "base/buf.h"
#include "parser/rows.h"

struct bt_row_statement {
    struct bt_buf bytes; /* the events, as they will be encoded */
    bool is_open;        /* something was added that STMT_END has not closed */
    bool is_whole;
    bool takes_partial; /* the target is a MySQL that knows partial JSON updates */
    char table[200];    /* "db.table" of the last TABLE_MAP, for messages */
};

enum { BT_ROW_STATEMENT_MAX = 1500 << 20 };

void bt_row_statement_init(struct bt_row_statement *s);
void bt_row_statement_done(struct bt_row_statement *s);
void bt_row_statement_reset(struct bt_row_statement *s);

/* Adds a TABLE_MAP or rows event. */
int bt_row_statement_add(struct bt_row_statement *s, const struct bt_event *ev, struct bt_err *err)
    BT_MUST_CHECK;

/* BINLOG '...' of the format that governs ev, as above. */
int bt_row_statement_format(const struct bt_slice format_raw, const struct bt_format *format,
                            struct bt_buf *out, struct bt_err *err) BT_MUST_CHECK;

/* How the statement goes over the wire: 1 text when it fits into packet_max, else 3 (two fragments
 * and the BINLOG of both); more than two packets cannot be sent, which is an error naming the
 * sizes. */
int bt_row_statement_pieces(const struct bt_row_statement *s, uint64_t packet_max, int *ret,
                            struct bt_err *err) BT_MUST_CHECK;

/* Writes piece number `piece` of `pieces`. */
int bt_row_statement_text(const struct bt_row_statement *s, int piece, int pieces,
                          struct bt_buf *out, struct bt_err *err) BT_MUST_CHECK;

#endif
