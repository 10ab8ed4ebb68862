/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/node/protocol_feed.h"

#include <zstd.h>

enum { ZSTD_LEVEL = 1 };

static int no_such_payload(struct bt_slice payload, const char *what, struct bt_err *err)
{
    return bt_fail(err, BT_ERR_CORRUPT, "%zu bytes do not make %s", payload.len, what);
}

int bt_put_feed_add_request(struct bt_buf *out, const struct bt_feed_add_request *r,
                            struct bt_err *err)
{
    size_t room = ZSTD_compressBound(r->piece.len), got;
    uint8_t *to;

    bt_put_u64(out, r->at);
    bt_put_text(out, r->name);
    bt_put_text(out, r->folder);
    bt_put_u8(out, r->is_last);
    bt_put_u32(out, (uint32_t)r->piece.len);
    to = bt_buf_reserve(out, room);
    if (!to)
        return bt_buf_check(out, "a piece of a diff log", err);
    got = ZSTD_compress(to, room, r->piece.ptr, r->piece.len, ZSTD_LEVEL);
    if (ZSTD_isError(got))
        return bt_fail(err, BT_ERR_BUG, "a piece cannot be compressed: %s", ZSTD_getErrorName(got));
    bt_buf_commit(out, got);
    return 0;
}

int bt_get_feed_add_request(struct bt_slice payload, struct bt_arena *arena,
                            struct bt_feed_add_request *ret, struct bt_err *err)
{
    struct bt_fields f = bt_fields(payload, arena);
    struct bt_feed_add_request r;
    struct bt_slice packed;
    uint8_t *plain;
    uint32_t len;
    size_t got;

    if (!(bt_get_u64(&f, &r.at) &&
          bt_get_text(&f, &r.name) &&
          bt_get_text(&f, &r.folder) &&
          bt_get_bool(&f, &r.is_last) &&
          bt_get_u32(&f, &len) &&
          len <= BT_FEED_PIECE_MAX))
        return no_such_payload(payload, "a piece of a diff log", err);
    packed = bt_cur_rest(&f.c);
    plain = bt_arena_alloc(arena, len + 1u);
    if (!plain)
        return bt_arena_fail(arena, "a piece of a diff log", err);
    got = ZSTD_decompress(plain, len, packed.ptr, packed.len);
    if (ZSTD_isError(got) || got != len)
        return bt_fail(err, BT_ERR_CORRUPT, "a piece of a diff log cannot be decompressed: %s",
                       ZSTD_isError(got) ? ZSTD_getErrorName(got) : "it is too short");
    r.piece = bt_slice(plain, len);
    *ret = r;
    return 0;
}

void bt_put_feed_open_request(struct bt_buf *out, const struct bt_feed_open_request *r)
{
    bt_put_u32(out, r->server_id);
    bt_put_text(out, r->binlog_state);
    bt_put_text(out, r->slave_pos);
    bt_put_text(out, r->executed);
}

int bt_get_feed_open_request(struct bt_slice payload, struct bt_arena *arena,
                             struct bt_feed_open_request *ret, struct bt_err *err)
{
    struct bt_fields f = bt_fields(payload, arena);
    struct bt_feed_open_request r;

    if (!(bt_get_u32(&f, &r.server_id) &&
          bt_get_text(&f, &r.binlog_state) &&
          bt_get_text(&f, &r.slave_pos) &&
          bt_get_text(&f, &r.executed) &&
          bt_fields_end(&f)))
        return no_such_payload(payload, "the opening of a feed", err);
    *ret = r;
    return 0;
}

void bt_put_feed_open_reply(struct bt_buf *out, const struct bt_feed_open_reply *r)
{
    bt_put_text(out, r->address);
    bt_put_u32(out, r->port);
    bt_put_text(out, r->password);
}

int bt_get_feed_open_reply(struct bt_slice payload, struct bt_arena *arena,
                           struct bt_feed_open_reply *ret, struct bt_err *err)
{
    struct bt_fields f = bt_fields(payload, arena);
    struct bt_feed_open_reply r;

    if (!(bt_get_text(&f, &r.address) &&
          bt_get_u32(&f, &r.port) &&
          r.port > 0 && r.port <= UINT16_MAX &&
          bt_get_text(&f, &r.password) &&
          bt_fields_end(&f)))
        return no_such_payload(payload, "an opened feed", err);
    *ret = r;
    return 0;
}

void bt_put_feed_look_reply(struct bt_buf *out, const struct bt_feed_look_reply *r)
{
    bt_put_u64(out, r->transactions);
    bt_put_u64(out, r->skipped);
    bt_put_u64(out, r->events);
    bt_put_u64(out, r->rows_events);
    bt_put_u64(out, r->bytes);
    bt_put_u8(out, r->reached_end);
    bt_put_u8(out, r->failed);
    if (r->failed)
        bt_put_error(out, &r->err);
}

int bt_get_feed_look_reply(struct bt_slice payload, struct bt_arena *arena,
                           struct bt_feed_look_reply *ret, struct bt_err *err)
{
    struct bt_fields f = bt_fields(payload, arena);
    struct bt_feed_look_reply r = {0};

    if (!(bt_get_u64(&f, &r.transactions) &&
          bt_get_u64(&f, &r.skipped) &&
          bt_get_u64(&f, &r.events) &&
          bt_get_u64(&f, &r.rows_events) &&
          bt_get_u64(&f, &r.bytes) &&
          bt_get_bool(&f, &r.reached_end) &&
          bt_get_bool(&f, &r.failed) &&
          (!r.failed || bt_get_error(&f, &r.err)) &&
          bt_fields_end(&f)))
        return no_such_payload(payload, "how far a feed is", err);
    *ret = r;
    return 0;
}
