/* SPDX-License-Identifier: Apache-2.0 */
/* The MySQL half of inflate.h: TRANSACTION_PAYLOAD. */
#include "parser/inflate.h"

#include <stdlib.h>
#include <zstd.h>

#include "parser/event.h"

enum {
    FIELD_END = 0,
    FIELD_PAYLOAD_SIZE = 1,
    FIELD_COMPRESSION = 2,
    FIELD_PLAIN_SIZE = 3,
    CHUNK = 128 * 1024, /* what one zstd block can give */
    EVENT_LENGTH_OFFSET = 9,
};

struct bt_payload {
    ZSTD_DCtx *zstd;
    uint64_t compression;
    struct bt_cursor in;
    struct bt_payload_limits limits;
    struct bt_buf plain; /* decompressed and not yet behind the last event handed out */
    size_t done;         /* bytes of plain that were handed out */
    uint64_t total;      /* plain bytes so far */
    bool frame_ended;    /* the input so far ends with a whole zstd frame */
};

int bt_payload_header_read(struct bt_slice body, struct bt_payload_header *ret, struct bt_err *err)
{
    struct bt_payload_header h = {.compression = BT_PAYLOAD_NONE};
    struct bt_cursor c = bt_cursor(body);
    uint64_t type, size = UINT64_MAX;

    for (;;) {
        struct bt_slice value;
        struct bt_cursor v;
        uint64_t number = 0;

        if (!bt_cur_lenenc(&c, &type))
            return bt_fail(err, BT_ERR_CORRUPT, "payload header of %zu bytes has no end", body.len);
        if (type == FIELD_END)
            break;
        if (!bt_cur_lenenc_take(&c, &value))
            return bt_fail(err, BT_ERR_CORRUPT,
                           "payload header field %llu is longer than the event",
                           (unsigned long long)type);
        if (type > FIELD_PLAIN_SIZE)
            continue; /* added by a later server; the format lets readers skip it */
        v = bt_cursor(value);
        if (!bt_cur_lenenc(&v, &number) || v.left)
            return bt_fail(err, BT_ERR_CORRUPT, "payload header field %llu is no number",
                           (unsigned long long)type);
        if (type == FIELD_PAYLOAD_SIZE)
            size = number;
        else if (type == FIELD_COMPRESSION)
            h.compression = number;
        else
            h.plain_size = number;
    }
    if (h.compression != BT_PAYLOAD_ZSTD && h.compression != BT_PAYLOAD_NONE)
        return bt_fail(err, BT_ERR_CORRUPT,
                       "payload is compressed by method %llu, known are 0 and 255",
                       (unsigned long long)h.compression);
    if (size != c.left)
        return bt_fail(err, BT_ERR_CORRUPT, "payload claims %llu bytes, the event holds %zu",
                       (unsigned long long)size, c.left);
    h.payload = bt_cur_rest(&c);
    *ret = h;
    return 0;
}

int bt_payload_new(struct bt_payload **ret, struct bt_err *err)
{
    struct bt_payload *p = calloc(1, sizeof(*p));

    if (p)
        p->zstd = ZSTD_createDCtx();
    if (!p || !p->zstd) {
        free(p);
        return bt_fail(err, BT_ERR_SYSTEM, "out of memory for a decompressor");
    }
    *ret = p;
    return 0;
}

void bt_payload_free(struct bt_payload *p)
{
    if (!p)
        return;
    ZSTD_freeDCtx(p->zstd);
    bt_buf_done(&p->plain);
    free(p);
}

int bt_payload_begin(struct bt_payload *p, struct bt_slice body, struct bt_payload_limits limits,
                     struct bt_err *err)
{
    struct bt_payload_header h;

    if (bt_payload_header_read(body, &h, err) != 0)
        return -1;
    ZSTD_DCtx_reset(p->zstd, ZSTD_reset_session_only);
    p->limits = limits;
    if (limits.event_size_max == 0)
        p->limits.event_size_max = 1u << 30;
    if (limits.plain_max == 0)
        p->limits.plain_max = UINT64_MAX;
    p->compression = h.compression;
    p->in = bt_cursor(h.payload);
    p->plain.max = (size_t)p->limits.event_size_max + 2 * (size_t)CHUNK;
    bt_buf_reset(&p->plain);
    p->done = 0;
    p->total = 0;
    p->frame_ended = true;
    return 0;
}

/* Adds one chunk of plain bytes.  1: the input is used up and nothing more came out. */
static int fill(struct bt_payload *p, struct bt_err *err)
{
    ZSTD_inBuffer in = {p->in.at, p->in.left, 0};
    ZSTD_outBuffer out = {bt_buf_reserve(&p->plain, CHUNK), CHUNK, 0};
    size_t hint;

    if (!out.dst)
        return bt_buf_check(&p->plain, "transaction payload", err);
    hint = ZSTD_decompressStream(p->zstd, &out, &in);
    if (ZSTD_isError(hint))
        return bt_fail(err, BT_ERR_CORRUPT, "transaction payload is damaged: %s",
                       ZSTD_getErrorName(hint));
    if (!bt_cur_skip(&p->in, in.pos))
        return bt_fail(err, BT_ERR_BUG, "zstd used %zu bytes of %zu", in.pos, p->in.left);
    p->total += out.pos;
    if (p->total > p->limits.plain_max)
        return bt_fail(err, BT_ERR_LIMIT, "transaction payload is larger than %llu plain bytes",
                       (unsigned long long)p->limits.plain_max);
    bt_buf_commit(&p->plain, out.pos);
    if (in.pos > 0 || out.pos > 0)
        p->frame_ended = hint == 0;
    if (out.pos > 0 || p->in.left > 0)
        return 0;
    if (!p->frame_ended)
        return bt_fail(err, BT_ERR_CORRUPT, "transaction payload ends inside its compressed data");
    return 1;
}

/* Makes `want` bytes stand behind p->done.  1: the payload ends before them. */
static int need(struct bt_payload *p, size_t want, struct bt_err *err)
{
    if (p->plain.len - p->done >= want)
        return 0;
    if (p->done > 0) {
        memmove(p->plain.data, p->plain.data + p->done, p->plain.len - p->done);
        p->plain.len -= p->done;
        p->done = 0;
    }
    while (p->plain.len < want) {
        int result = fill(p, err);

        if (result != 0)
            return result;
    }
    return 0;
}

/* Views what stands behind the last event: at least `want` bytes, or 1 and all that is left. */
static int peek(struct bt_payload *p, size_t want, struct bt_slice *ret, struct bt_err *err)
{
    int result;

    if (p->compression == BT_PAYLOAD_NONE) {
        *ret = bt_cur_rest(&p->in);
        return ret->len < want;
    }
    result = need(p, want, err);
    if (result >= 0)
        *ret = bt_slice(p->plain.data + p->done, p->plain.len - p->done);
    return result;
}

int bt_payload_next(struct bt_payload *p, struct bt_slice *ret, struct bt_err *err)
{
    uint32_t length = BT_EVENT_HEADER_SIZE;
    struct bt_slice bytes;
    int result = peek(p, length, &bytes, err);

    if (result == 1 && bytes.len == 0)
        return 1;
    if (result == 0) {
        struct bt_cursor c = bt_cursor(bytes);

        if (!bt_cur_skip(&c, EVENT_LENGTH_OFFSET) || !bt_cur_u32(&c, &length) ||
            length < BT_EVENT_HEADER_SIZE || length > p->limits.event_size_max)
            return bt_fail(err, BT_ERR_CORRUPT, "event in a transaction payload claims %u bytes,"
                                                " allowed are %d to %u",
                           length, BT_EVENT_HEADER_SIZE,
                           p->limits.event_size_max);
        result = peek(p, length, &bytes, err);
    }
    if (result == 1)
        return bt_fail(err, BT_ERR_CORRUPT, "transaction payload ends after %zu of %u bytes of an"
                                            " event",
                       bytes.len, length);
    if (result < 0)
        return -1;
    if (p->compression != BT_PAYLOAD_NONE)
        p->done += length;
    else if (!bt_cur_skip(&p->in, length))
        return bt_fail(err, BT_ERR_BUG, "payload lost %u bytes", length);
    *ret = bt_slice(bytes.ptr, length);
    return 0;
}
