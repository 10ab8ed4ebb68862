/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/row_statement.h"

#include <stdio.h>

#include "apply/base64.h"
#include "parser/table_map.h"

enum {
    PACKET_MARGIN = 64, /* command byte, BINLOG '', SET @binlog_fragment_0='' */
    FORMAT_MAX = 4096,
};

void bt_row_statement_init(struct bt_row_statement *s)
{
    *s = (struct bt_row_statement){0};
    bt_buf_init(&s->bytes, BT_ROW_STATEMENT_MAX);
}

void bt_row_statement_done(struct bt_row_statement *s)
{
    bt_buf_done(&s->bytes);
}

void bt_row_statement_reset(struct bt_row_statement *s)
{
    bt_buf_reset(&s->bytes);
    s->is_open = false;
    s->is_whole = false;
}

static int note_table(struct bt_row_statement *s, const struct bt_event *ev, struct bt_err *err)
{
    struct bt_table_map map;

    if (bt_table_map_read(ev, &map, err) < 0)
        return -1;
    snprintf(s->table, sizeof(s->table), "%.*s.%.*s", BT_SLICE_ARG(map.db),
             BT_SLICE_ARG(map.table));
    return 0;
}

int bt_row_statement_add(struct bt_row_statement *s, const struct bt_event *ev, struct bt_err *err)
{
    const struct bt_event_header *h = &ev->header;
    uint64_t length = BT_EVENT_HEADER_SIZE + (uint64_t)ev->body.len;
    struct bt_rows_event rows;

    if (ev->type == BT_TABLE_MAP) {
        if (note_table(s, ev, err) < 0)
            return -1;
    } else {
        if (bt_rows_event_read(ev, &rows, err) < 0)
            return -1;
        if (rows.is_partial && !s->takes_partial)
            return bt_fail(err, BT_ERR_REALITY,
                           "partial JSON updates cannot be sent by BINLOG statements");
        s->is_whole = rows.flags & BT_ROWS_STMT_END;
    }
    s->is_open = !s->is_whole;
    if (length > UINT32_MAX)
        return bt_fail(err, BT_ERR_LIMIT, "rows event of %llu bytes", (unsigned long long)length);
    bt_buf_add_le(&s->bytes, h->when, 4);
    bt_buf_add_byte(&s->bytes, ev->type);
    bt_buf_add_le(&s->bytes, h->server_id, 4);
    bt_buf_add_le(&s->bytes, length, 4);
    bt_buf_add_le(&s->bytes, h->end_log_pos, 4);
    bt_buf_add_le(&s->bytes, h->flags, 2);
    bt_buf_add_slice(&s->bytes, ev->body);
    return bt_buf_check(&s->bytes, "the rows of one statement", err);
}

int bt_row_statement_format(const struct bt_slice format_raw, const struct bt_format *format,
                            struct bt_buf *out, struct bt_err *err)
{
    enum { FLAGS_AT = 17, CREATED_AT = 19 + 52, TAIL = 5 }; /* TAIL: checksum algorithm and CRC */
    uint8_t copy[FORMAT_MAX];

    if (format_raw.len > sizeof(copy) || format_raw.len < CREATED_AT + 4 + TAIL)
        return bt_fail(err, BT_ERR_CORRUPT, "FORMAT_DESCRIPTION of %zu bytes", format_raw.len);
    if (format->header_length != BT_EVENT_HEADER_SIZE)
        return bt_fail(err, BT_ERR_REALITY,
                       "event headers of %u bytes cannot be sent by BINLOG statements",
                       format->header_length);
    memcpy(copy, format_raw.ptr, format_raw.len);
    memset(copy + FLAGS_AT, 0, 2);
    memset(copy + CREATED_AT, 0, 4);
    if (format->knows_checksums)
        memset(copy + format_raw.len - TAIL, 0, TAIL);
    bt_buf_add_str(out, "BINLOG '");
    bt_base64_add(out, bt_slice(copy, format_raw.len));
    bt_buf_add_str(out, "'");
    return bt_buf_check(out, "a FORMAT_DESCRIPTION", err);
}

int bt_row_statement_pieces(const struct bt_row_statement *s, uint64_t packet_max, int *ret,
                            struct bt_err *err)
{
    uint64_t length = bt_base64_length(s->bytes.len);
    uint64_t room = packet_max > PACKET_MARGIN ? packet_max - PACKET_MARGIN : 0;

    if (length > room * 2)
        return bt_fail(err, BT_ERR_LIMIT,
                       "the rows of one statement on %s take %llu bytes in base64, the target's "
                       "max_allowed_packet of %llu allows two packets",
                       s->table, (unsigned long long)length, (unsigned long long)packet_max);
    *ret = length > room ? 3 : 1;
    return 0;
}

int bt_row_statement_text(const struct bt_row_statement *s, int piece, int pieces,
                          struct bt_buf *out, struct bt_err *err)
{
    size_t half = (s->bytes.len / 2 + 2) / 3 * 3; /* whole base64 groups: no padding inside */
    struct bt_slice part = bt_buf_slice(&s->bytes);

    if (pieces == 3 && piece == 2) {
        bt_buf_add_str(out, "BINLOG @binlog_fragment_0, @binlog_fragment_1");
        return bt_buf_check(out, "a BINLOG statement", err);
    }
    if (pieces == 3 && piece == 0)
        part.len = half;
    if (pieces == 3 && piece == 1)
        part = bt_slice(part.ptr + half, part.len - half);
    if (pieces == 3)
        bt_buf_addf(out, "SET @binlog_fragment_%d='", piece);
    else
        bt_buf_add_str(out, "BINLOG '");
    bt_base64_add(out, part);
    bt_buf_add_str(out, "'");
    return bt_buf_check(out, "a BINLOG statement", err);
}
