/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the compressed part of a body begins (sql/log_event.cc query_event_uncompress() and
 * row_log_event_uncompress(), MariaDB 10.11): in QUERY_COMPRESSED behind the NUL of the db, that is
 * the text; in compressed rows events behind the column bitmaps, that is the rows.  What stands
 * before it is as in the plain event.
 *
 * PARTIAL_ROW_DATA: the pieces put together are a rows event from its header on, by MDEV-32570; a
 * checksum at its end is recognised by being right.
 */
#include "parser/unwrap.h"

#include "parser/control.h"
#include "parser/crc.h"
#include "parser/format.h"
#include "parser/query.h"
#include "parser/rows.h"

/* What one large event leaves behind is not worth keeping. */
enum { ROOM_KEPT = 4 << 20 };

void bt_unwrapper_init(struct bt_unwrapper *u, size_t size_max)
{
    *u = (struct bt_unwrapper){0};
    bt_buf_init(&u->plain, size_max);
    bt_buf_init(&u->pieces, size_max);
}

void bt_unwrapper_done(struct bt_unwrapper *u)
{
    bt_inflater_free(u->inflater);
    bt_buf_done(&u->plain);
    bt_buf_done(&u->pieces);
}

static uint8_t plain_type(uint8_t type)
{
    switch (type) {
    case BT_QUERY_COMPRESSED: return BT_QUERY;
    case BT_WRITE_ROWS_COMPRESSED_V1: return BT_WRITE_ROWS_V1;
    case BT_UPDATE_ROWS_COMPRESSED_V1: return BT_UPDATE_ROWS_V1;
    case BT_DELETE_ROWS_COMPRESSED_V1: return BT_DELETE_ROWS_V1;
    case BT_WRITE_ROWS_COMPRESSED: return BT_WRITE_ROWS;
    case BT_UPDATE_ROWS_COMPRESSED: return BT_UPDATE_ROWS;
    case BT_DELETE_ROWS_COMPRESSED: return BT_DELETE_ROWS;
    default: return type;
    }
}

bool bt_event_is_compressed(uint8_t type)
{
    return plain_type(type) != type;
}

/* The compressed part of ev, which is already typed as plain. */
static int find_block(const struct bt_event *ev, struct bt_slice *ret, struct bt_err *err)
{
    struct bt_rows_event rows;

    if (ev->type == BT_QUERY)
        return bt_query_text_read(ev, ret, err);
    if (bt_rows_event_read(ev, &rows, err) != 0)
        return -1;
    *ret = rows.rows;
    return 0;
}

static void make_ready(struct bt_buf *b)
{
    if (b->room > ROOM_KEPT)
        bt_buf_done(b);
    bt_buf_reset(b);
}

int bt_unwrap_compressed(struct bt_unwrapper *u, struct bt_event *ev, struct bt_err *err)
{
    struct bt_event plain = *ev;
    struct bt_slice block;

    plain.type = plain_type(ev->type);
    if (find_block(&plain, &block, err) != 0)
        return -1;
    if (!u->inflater && bt_inflater_new(&u->inflater, err) != 0)
        return -1;
    make_ready(&u->plain);
    bt_buf_add(&u->plain, ev->body.ptr, ev->body.len - block.len);
    if (bt_buf_check(&u->plain, "plain event", err) != 0 ||
        bt_inflate_block(u->inflater, block, &u->plain, err) != 0)
        return -1;
    plain.body = bt_buf_slice(&u->plain);
    *ev = plain;
    return 0;
}

/* --------------------------------------------------------------- fragments */

/* The bytes put together, as an event. */
static int whole_event(struct bt_unwrapper *u, struct bt_event *ev, struct bt_err *err)
{
    struct bt_slice bytes = bt_buf_slice(&u->pieces);
    struct bt_cursor c = bt_cursor(bytes), tail;
    struct bt_event_header h;
    uint32_t stored;
    uint8_t type;

    if (!bt_event_header_take(&c, &h))
        return bt_fail(err, BT_ERR_CORRUPT, "the pieces of a rows event are %zu bytes together",
                       bytes.len);
    type = plain_type(h.type);
    if (!bt_event_is_rows(type))
        return bt_fail(err, BT_ERR_CORRUPT, "the pieces of a rows event have type %u", h.type);
    if (c.left >= BT_CHECKSUM_SIZE) {
        tail = bt_cursor(bt_slice(bytes.ptr + bytes.len - BT_CHECKSUM_SIZE, BT_CHECKSUM_SIZE));
        bytes.len -= BT_CHECKSUM_SIZE;
        if (bt_cur_u32(&tail, &stored) && bt_crc32(0, bytes) == stored)
            c.left -= BT_CHECKSUM_SIZE;
    }
    ev->type = h.type;
    ev->body = bt_cur_rest(&c);
    if (bt_event_is_compressed(h.type))
        return bt_unwrap_compressed(u, ev, err);
    return 0;
}

int bt_unwrap_fragment(struct bt_unwrapper *u, struct bt_event *ev, struct bt_err *err)
{
    struct bt_row_fragment piece;
    struct bt_event whole = *ev;

    if (bt_row_fragment_read(ev, &piece, err) != 0)
        return -1;
    if (piece.number == 1) {
        make_ready(&u->pieces);
        u->piece_count = piece.total;
        u->next_piece = 1;
    }
    if (u->piece_count != piece.total || u->next_piece != piece.number)
        return bt_fail(err, BT_ERR_CORRUPT, "piece %u of %u of a rows event stands where %u of %u "
                                            "should",
                       piece.number, piece.total, u->next_piece, u->piece_count);
    bt_buf_add_slice(&u->pieces, piece.data);
    if (bt_buf_check(&u->pieces, "rows event in pieces", err) != 0)
        return -1;
    u->next_piece++;
    if (piece.number < piece.total)
        return 1;
    u->piece_count = u->next_piece = 0;
    if (whole_event(u, &whole, err) != 0)
        return -1;
    *ev = whole;
    return 0;
}
