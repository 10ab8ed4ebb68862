/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/node/stream.h"

#include <inttypes.h>
#include <stdlib.h>
#include <xxhash.h>
#include <zstd.h>

enum {
    PIECE = 256 << 10, /* plain bytes that are sent off at once */
    PLAIN_ROOM = 128 << 10,
    LEVEL = 1,
    WINDOW_LOG_MAX = 23, /* 8 MiB: level 1 uses far less */
    END_SIZE = 8 + 16
};

struct bt_stream_state {
    ZSTD_CCtx *compress;
    ZSTD_DCtx *expand;
    XXH3_state_t *digest;
    uint8_t plain[PLAIN_ROOM]; /* receiver: what one step gave */
};

static void state_free(struct bt_stream_state *state)
{
    if (!state)
        return;
    ZSTD_freeCCtx(state->compress);
    ZSTD_freeDCtx(state->expand);
    XXH3_freeState(state->digest);
    free(state);
}

static struct bt_stream_state *state_new(bool sender)
{
    struct bt_stream_state *state = calloc(1, sizeof(*state));

    if (!state)
        return NULL;
    state->digest = XXH3_createState();
    if (sender)
        state->compress = ZSTD_createCCtx();
    else
        state->expand = ZSTD_createDCtx();
    if (!state->digest || (!state->compress && !state->expand)) {
        state_free(state);
        return NULL;
    }
    XXH3_128bits_reset(state->digest);
    if (sender)
        ZSTD_CCtx_setParameter(state->compress, ZSTD_c_compressionLevel, LEVEL);
    else
        ZSTD_DCtx_setParameter(state->expand, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
    return state;
}

/* ------------------------------------------------------------------ sender */

int bt_stream_sender_init(struct bt_stream_sender *s, uint32_t id, bt_stream_send_fn *send,
                          void *ctx, struct bt_err *err)
{
    *s = (struct bt_stream_sender){.id = id, .send = send, .ctx = ctx};
    bt_buf_init(&s->message, BT_MESSAGE_HEADER_SIZE + BT_MESSAGE_PAYLOAD_MAX);
    s->state = state_new(true);
    if (!s->state)
        return bt_fail(err, BT_ERR_SYSTEM, "could not allocate a compressor");
    return 0;
}

void bt_stream_sender_done(struct bt_stream_sender *s)
{
    state_free(s->state);
    s->state = NULL;
    bt_buf_done(&s->message);
}

/* Runs the compressor over in; every full or forced-out piece is sent. */
static int compress(struct bt_stream_sender *s, struct bt_slice in, ZSTD_EndDirective how,
                    struct bt_err *err)
{
    ZSTD_inBuffer from = {in.ptr, in.len, 0};
    size_t left = 1;

    while (left > 0 || from.pos < from.size) {
        ZSTD_outBuffer to = {NULL, ZSTD_CStreamOutSize(), 0};

        bt_message_begin(&s->message, BT_MESSAGE_DATA, s->id);
        to.dst = bt_buf_reserve(&s->message, to.size);
        if (!to.dst)
            return bt_buf_check(&s->message, "a piece of a stream", err);
        left = ZSTD_compressStream2(s->state->compress, &to, &from, how);
        if (ZSTD_isError(left))
            return bt_fail(err, BT_ERR_BUG, "could not compress a stream: %s",
                           ZSTD_getErrorName(left));
        bt_buf_commit(&s->message, to.pos);
        if (to.pos > 0 &&
            (bt_message_end(&s->message, err) != 0 || s->send(s->ctx, &s->message, err) != 0))
            return -1;
        if (how == ZSTD_e_continue && from.pos == from.size)
            return 0;
    }
    return 0;
}

int bt_stream_write(struct bt_stream_sender *s, struct bt_slice bytes, struct bt_err *err)
{
    while (bytes.len > 0) {
        size_t n = bytes.len < PIECE - s->unflushed ? bytes.len : PIECE - s->unflushed;

        XXH3_128bits_update(s->state->digest, bytes.ptr, n);
        s->total += n;
        s->unflushed += n;
        if (compress(s, bt_slice(bytes.ptr, n),
                     s->unflushed == PIECE ? ZSTD_e_flush : ZSTD_e_continue, err) != 0)
            return -1;
        if (s->unflushed == PIECE)
            s->unflushed = 0;
        bytes.ptr += n;
        bytes.len -= n;
    }
    return 0;
}

int bt_stream_sender_end(struct bt_stream_sender *s, struct bt_err *err)
{
    XXH128_hash_t digest = XXH3_128bits_digest(s->state->digest);

    if (compress(s, bt_slice_empty(), ZSTD_e_end, err) != 0)
        return -1;
    bt_message_begin(&s->message, BT_MESSAGE_END, s->id);
    bt_buf_add_le(&s->message, s->total, 8);
    bt_buf_add_le(&s->message, digest.low64, 8);
    bt_buf_add_le(&s->message, digest.high64, 8);
    if (bt_message_end(&s->message, err) != 0)
        return -1;
    return s->send(s->ctx, &s->message, err);
}

/* ---------------------------------------------------------------- receiver */

int bt_stream_receiver_init(struct bt_stream_receiver *r, uint64_t max, bt_stream_take_fn *take,
                            void *ctx, struct bt_err *err)
{
    *r = (struct bt_stream_receiver){.max = max, .take = take, .ctx = ctx};
    r->state = state_new(false);
    if (!r->state)
        return bt_fail(err, BT_ERR_SYSTEM, "could not allocate a decompressor");
    return 0;
}

void bt_stream_receiver_done(struct bt_stream_receiver *r)
{
    state_free(r->state);
    r->state = NULL;
}

int bt_stream_feed(struct bt_stream_receiver *r, struct bt_slice payload, struct bt_err *err)
{
    ZSTD_inBuffer from = {payload.ptr, payload.len, 0};
    bool more = true; /* the decompressor may hold plain bytes back for lack of room */

    while (from.pos < from.size || more) {
        ZSTD_outBuffer to = {r->state->plain, sizeof(r->state->plain), 0};
        size_t hint;

        if (r->frame_is_over && from.pos < from.size)
            return bt_fail(err, BT_ERR_CORRUPT, "%zu bytes stand behind the end of a stream",
                           from.size - from.pos);
        if (r->frame_is_over)
            return 0;
        hint = ZSTD_decompressStream(r->state->expand, &to, &from);
        if (ZSTD_isError(hint))
            return bt_fail(err, BT_ERR_CORRUPT,
                           "a stream cannot be decompressed after %" PRIu64 " bytes: %s", r->total,
                           ZSTD_getErrorName(hint));
        r->frame_is_over = hint == 0;
        more = to.pos == to.size;
        if (to.pos > r->max - r->total)
            return bt_fail(err, BT_ERR_LIMIT,
                           "a stream is longer than the %" PRIu64 " bytes allowed", r->max);
        r->total += to.pos;
        XXH3_128bits_update(r->state->digest, r->state->plain, to.pos);
        if (to.pos > 0 && r->take(r->ctx, bt_slice(r->state->plain, to.pos), err) != 0)
            return -1;
    }
    return 0;
}

int bt_stream_receiver_end(struct bt_stream_receiver *r, struct bt_slice payload,
                           struct bt_err *err)
{
    XXH128_hash_t digest = XXH3_128bits_digest(r->state->digest);
    struct bt_cursor c = bt_cursor(payload);
    uint64_t total, low, high;

    if (!(bt_cur_u64(&c, &total) &&
          bt_cur_u64(&c, &low) &&
          bt_cur_u64(&c, &high) &&
          c.left == 0))
        return bt_fail(err, BT_ERR_CORRUPT, "the end of a stream has %zu bytes instead of %d",
                       payload.len, END_SIZE);
    if (!r->frame_is_over || total != r->total)
        return bt_fail(err, BT_ERR_CORRUPT, "a stream ended after %" PRIu64 " of %" PRIu64 " bytes",
                       r->total, total);
    if (low != digest.low64 || high != digest.high64)
        return bt_fail(err, BT_ERR_CORRUPT,
                       "%" PRIu64 " bytes of a stream arrived changed: XXH3 differs", total);
    return 0;
}
