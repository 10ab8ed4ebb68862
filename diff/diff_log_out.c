/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events are written with the position that they have in the diff log and with a CRC of their own;
 * everything else stays as the source has it.  An event of any size goes out in blocks of one size,
 * which a second thread hashes, packs and writes while the next one is filled.
 */
#include "diff/diff_log_priv.h"

#define XXH_STATIC_LINKING_ONLY
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "parser/crc.h"

enum { BLOCK_SIZE = 1 << 20, PACKED_SIZE = 512 << 10, FORMAT_BODY_MAX = 512 };

void bt_xxh3_text(const void *state, char out[static 33])
{
    XXH128_hash_t hash = XXH3_128bits_digest(state);

    snprintf(out, 33, "%016llx%016llx", (unsigned long long)hash.high64,
             (unsigned long long)hash.low64);
}

int bt_diff_out_begin(struct bt_diff_out *o, const struct bt_diff_log_opts *opts,
                      struct bt_sink sink, struct bt_err *err)
{
    *o = (struct bt_diff_out){.sink = sink,
                              .block_size = opts->block_size ? opts->block_size : BLOCK_SIZE};
    bt_buf_init(&o->packed, PACKED_SIZE);
    for (int i = 0; i < 2; i++)
        o->blocks[i].bytes = malloc(o->block_size);
    o->block = &o->blocks[0];
    o->xxh3 = aligned_alloc(64, (sizeof(XXH3_state_t) + 63) / 64 * 64);
    if (opts->zstd)
        o->zstd = ZSTD_createCCtx();
    if (!o->xxh3 || !o->blocks[0].bytes || !o->blocks[1].bytes || (opts->zstd && !o->zstd) ||
        (opts->zstd && !bt_buf_reserve(&o->packed, PACKED_SIZE))) {
        bt_diff_out_done(o);
        return bt_fail(err, BT_ERR_SYSTEM, "no memory to write a diff log");
    }
    XXH3_128bits_reset(o->xxh3);
    if (o->zstd) {
        ZSTD_CCtx_setParameter(o->zstd, ZSTD_c_compressionLevel,
                               opts->zstd_level ? opts->zstd_level : 1);
        ZSTD_CCtx_setParameter(o->zstd, ZSTD_c_checksumFlag, 1);
    }
    return 0;
}

void bt_diff_out_done(struct bt_diff_out *o)
{
    struct bt_err ignored = {0};

    if (bt_block_sender_end(&o->sender, &ignored) != 0)
        bt_err_clear(&ignored); /* whoever gives up half-way has an error of his own */
    ZSTD_freeCCtx(o->zstd);
    free(o->xxh3);
    free(o->blocks[0].bytes);
    free(o->blocks[1].bytes);
    bt_buf_done(&o->packed);
    *o = (struct bt_diff_out){0};
}

/* Hands bytes to the sink, packed if asked for.  last closes the zstd frame. */
static int send_bytes(struct bt_diff_out *o, struct bt_slice bytes, bool last, struct bt_err *err)
{
    ZSTD_inBuffer in = {bytes.ptr, bytes.len, 0};
    size_t left;

    if (!o->zstd)
        return bytes.len ? o->sink.write(o->sink.ctx, bytes, err) : 0;
    do {
        ZSTD_outBuffer out = {o->packed.data, o->packed.room, 0};

        left = ZSTD_compressStream2(o->zstd, &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(left))
            return bt_fail(err, BT_ERR_BUG, "could not compress: %s", ZSTD_getErrorName(left));
        if (out.pos && o->sink.write(o->sink.ctx, bt_slice(out.dst, out.pos), err) != 0)
            return -1;
    } while (last ? left != 0 : in.pos < in.size);
    return 0;
}

static void hash_block(struct bt_diff_out *o, const struct bt_diff_block *block)
{
    XXH3_128bits_update(o->xxh3, block->bytes + block->hashed_from,
                        block->hashed_to - block->hashed_from);
}

/* Packing is more work than all else: then the thread that fills blocks hashes them too. */
static int send_block(struct bt_diff_out *o, const struct bt_diff_block *block, bool last,
                      struct bt_err *err)
{
    if (!o->zstd)
        hash_block(o, block);
    return send_bytes(o, bt_slice(block->bytes, block->len), last, err);
}

/* In the sender's thread, which alone uses zstd and sink while it runs. */
static int send_full(void *ctx, struct bt_slice bytes, struct bt_err *err)
{
    struct bt_diff_out *o = ctx;

    return send_block(o, &o->blocks[bytes.ptr != o->blocks[0].bytes], false, err);
}

/* The block goes to the sender; the other one is free as soon as put() returns. */
static int next_block(struct bt_diff_out *o, struct bt_err *err)
{
    if (o->zstd)
        hash_block(o, o->block);
    if (!o->sender.is_running && bt_block_sender_start(&o->sender, send_full, o, err) != 0)
        return -1;
    if (bt_block_sender_put(&o->sender, bt_slice(o->block->bytes, o->block->len), err) != 0)
        return -1;
    o->block = &o->blocks[o->block == &o->blocks[0]];
    o->block->len = o->block->hashed_from = o->block->hashed_to = 0;
    return 0;
}

static int put(struct bt_diff_out *o, struct bt_slice bytes, struct bt_err *err)
{
    o->pos += bytes.len;
    while (bytes.len > 0) {
        struct bt_diff_block *block = o->block;
        size_t room = o->block_size - block->len;
        size_t len = room < bytes.len ? room : bytes.len;

        memcpy(block->bytes + block->len, bytes.ptr, len);
        block->len += len;
        if (o->is_hashed)
            block->hashed_to = block->len;
        bytes.ptr += len;
        bytes.len -= len;
        if (block->len == o->block_size && next_block(o, err) != 0)
            return -1;
    }
    return 0;
}

/* From here on bytes count towards the digest, or do not.  A block has one stretch of those that
 * do: where another begins (another FORMAT_DESCRIPTION stood in between) it is sent as it is. */
static int set_hashed(struct bt_diff_out *o, bool hashed, struct bt_err *err)
{
    if (hashed && !o->is_hashed && o->block->hashed_to > 0 && next_block(o, err) != 0)
        return -1;
    if (hashed && !o->is_hashed)
        o->block->hashed_from = o->block->hashed_to = o->block->len;
    o->is_hashed = hashed;
    return 0;
}

static uint8_t *store_le(uint8_t *at, uint64_t value, size_t len)
{
    uint64_t raw = htole64(value);

    memcpy(at, &raw, len);
    return at + len;
}

static void store_header(uint8_t at[static BT_EVENT_HEADER_SIZE], const struct bt_event_header *h)
{
    at = store_le(at, h->when, 4);
    at = store_le(at, h->type, 1);
    at = store_le(at, h->server_id, 4);
    at = store_le(at, h->length, 4);
    at = store_le(at, h->end_log_pos, 4);
    store_le(at, h->flags, 2);
}

/* Right into the block, which has room for all of it. */
static void store_event(struct bt_diff_out *o, const struct bt_event_header *h,
                        struct bt_slice body, bool crc)
{
    uint8_t *at = o->block->bytes + o->block->len;

    store_header(at, h);
    if (body.len)
        memcpy(at + BT_EVENT_HEADER_SIZE, body.ptr, body.len);
    if (crc) {
        struct bt_slice summed = bt_slice(at, BT_EVENT_HEADER_SIZE + body.len);

        store_le(at + summed.len, bt_crc32(0, summed), BT_CHECKSUM_SIZE);
    }
    o->block->len += h->length;
    if (o->is_hashed)
        o->block->hashed_to = o->block->len;
    o->pos += h->length;
}

/* Writes header and body and, when the log has them, the CRC of both. */
static int put_event(struct bt_diff_out *o, struct bt_event_header h, struct bt_slice body,
                     bool crc, bool hashed, struct bt_err *err)
{
    uint8_t head[BT_EVENT_HEADER_SIZE], sum[BT_CHECKSUM_SIZE];

    h.length = (uint32_t)(BT_EVENT_HEADER_SIZE + body.len + (crc ? BT_CHECKSUM_SIZE : 0));
    h.end_log_pos = (uint32_t)(o->pos + h.length);
    if (set_hashed(o, hashed, err) != 0)
        return -1;
    if (h.length < o->block_size - o->block->len) {
        store_event(o, &h, body, crc);
        return 0;
    }
    store_header(head, &h);
    if (put(o, bt_slice(head, sizeof(head)), err) != 0 || put(o, body, err) != 0)
        return -1;
    if (!crc)
        return 0;
    store_le(sum, bt_crc32(bt_crc32(0, bt_slice(head, sizeof(head))), body), sizeof(sum));
    return put(o, bt_slice(sum, sizeof(sum)), err);
}

int bt_diff_out_format(struct bt_diff_out *o, const struct bt_format *format, uint32_t when,
                       uint32_t server_id, struct bt_err *err)
{
    struct bt_event_header h = {
        .when = when, .type = BT_FORMAT_DESCRIPTION, .server_id = server_id};
    uint8_t bytes[FORMAT_BODY_MAX] = {0};
    struct bt_buf body = {.data = bytes, .room = sizeof(bytes), .max = sizeof(bytes)};
    char version[50] = {0};

    memcpy(version, format->server_version, strnlen(format->server_version, sizeof(version)));
    bt_buf_add_le(&body, 4, 2);
    bt_buf_add(&body, version, sizeof(version));
    /* created = 0: nobody who reads this drops temporary tables or rolls back. */
    bt_buf_add_le(&body, 0, 4);
    bt_buf_add_le(&body, format->header_length, 1);
    bt_buf_add(&body, format->post_header_length + 1, format->type_count);
    if (format->knows_checksums)
        bt_buf_add_le(&body, 1, 1);
    if (bt_buf_check(&body, "a FORMAT_DESCRIPTION", err) != 0)
        return -1;
    if (!o->has_format && put(o, bt_slice("\xfe"
                                          "bin",
                                          4),
                              err) != 0)
        return -1;
    o->format = *format;
    o->has_format = true;
    o->checksum = format->knows_checksums;
    return put_event(o, h, bt_buf_slice(&body), o->checksum, false, err);
}

int bt_diff_out_own(struct bt_diff_out *o, uint8_t type, uint32_t when, uint16_t flags,
                    struct bt_slice body, struct bt_err *err)
{
    struct bt_event_header h = {
        .when = when, .type = type, .server_id = o->format.server_id, .flags = flags};
    bt_auto_buf struct bt_buf padded = {.max = 16 << 20};

    /* Headers may be longer than 19 bytes (format.h); what is more is zero. */
    for (int i = BT_EVENT_HEADER_SIZE; i < o->format.header_length; i++)
        bt_buf_add_byte(&padded, 0);
    bt_buf_add_slice(&padded, body);
    if (bt_buf_check(&padded, "a GTID event", err) != 0)
        return -1;
    return put_event(o, h, bt_buf_slice(&padded), o->checksum, false, err);
}

int bt_diff_out_event(struct bt_diff_out *o, const struct bt_event *ev, uint64_t *ret,
                      struct bt_err *err)
{
    size_t trailer = ev->format->checksum ? BT_CHECKSUM_SIZE : 0;
    struct bt_event_header h = ev->header;
    uint64_t before = o->pos;
    struct bt_slice body;

    if (ev->raw.len < BT_EVENT_HEADER_SIZE + trailer)
        return bt_fail(err, BT_ERR_BUG, "an event of %zu bytes came out of the reader",
                       ev->raw.len);
    body = bt_slice(ev->raw.ptr + BT_EVENT_HEADER_SIZE,
                    ev->raw.len - BT_EVENT_HEADER_SIZE - trailer);
    if (put_event(o, h, body, o->checksum, true, err) != 0)
        return -1;
    *ret = o->pos - before;
    return 0;
}

int bt_diff_out_finish(struct bt_diff_out *o, char ret_xxh3[static 33], struct bt_err *err)
{
    if (o->zstd)
        hash_block(o, o->block);
    if (bt_block_sender_end(&o->sender, err) != 0 || send_block(o, o->block, true, err) != 0)
        return -1;
    bt_xxh3_text(o->xxh3, ret_xxh3);
    return 0;
}
