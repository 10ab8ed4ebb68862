/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diff_log_priv.h - the bytes of a diff log on their way out (diff_log_out.c): framing with new
 * positions and CRCs, digests, compression.
 */
#ifndef BT_DIFF_DIFF_LOG_PRIV_H
#define BT_DIFF_DIFF_LOG_PRIV_H

#include <zstd.h>

#include "diff/block_sender.h"
#include "diff/diff_log.h"
#include "parser/reader.h"

/* A stretch of the log that is filled by one thread and then hashed, packed and sent by another. */
struct bt_diff_block {
    uint8_t *bytes;
    size_t len;
    size_t hashed_from, hashed_to; /* what of it counts towards xxh3 */
};

struct bt_diff_out {
    struct bt_sink sink;
    /* Blocks of one size, filled and sent in turn: writes are few and stand on page borders. */
    struct bt_diff_block blocks[2], *block;
    size_t block_size;
    bool is_hashed;                /* what is put now counts towards xxh3 */
    struct bt_block_sender sender; /* runs from the first full block on */
    ZSTD_CCtx *zstd;               /* NULL = plain */
    struct bt_buf packed;
    uint64_t pos;            /* in the plain log */
    struct bt_format format; /* written last */
    bool has_format;
    bool checksum;
    void *xxh3; /* XXH3_state_t over the transactions' events */
};

int bt_diff_out_begin(struct bt_diff_out *o, const struct bt_diff_log_opts *opts,
                      struct bt_sink sink, struct bt_err *err) BT_MUST_CHECK;
void bt_diff_out_done(struct bt_diff_out *o);

/* Magic and FORMAT_DESCRIPTION, or, in the middle, a FORMAT_DESCRIPTION alone. */
int bt_diff_out_format(struct bt_diff_out *o, const struct bt_format *format, uint32_t when,
                       uint32_t server_id, struct bt_err *err) BT_MUST_CHECK;

/* An event of our own: STOP, GTID_LIST, PREVIOUS_GTIDS. */
int bt_diff_out_own(struct bt_diff_out *o, uint8_t type, uint32_t when, uint16_t flags,
                    struct bt_slice body, struct bt_err *err) BT_MUST_CHECK;

/* A transaction's event as it stands in its log; *ret is its size in the diff log. */
int bt_diff_out_event(struct bt_diff_out *o, const struct bt_event *ev, uint64_t *ret,
                      struct bt_err *err) BT_MUST_CHECK;

/* Everything that is left, and the digest as 32 hex digits. */
int bt_diff_out_finish(struct bt_diff_out *o, char ret_xxh3[static 33], struct bt_err *err)
    BT_MUST_CHECK;

/* 32 hex digits of an XXH3_state_t's 128 bits. */
void bt_xxh3_text(const void *state, char out[static 33]);

#endif
