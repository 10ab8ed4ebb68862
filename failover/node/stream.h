/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.h - any number of bytes as DATA messages: one zstd frame, cut into pieces, and at its
 * end the size and XXH3-128 of the plain bytes.
 *
 *   sender     init -> write, write, ... -> end -> done
 *   receiver   init -> feed (each DATA) ... -> end (END) -> done
 *
 * A piece leaves as soon as 256 KiB of plain bytes are together, so that the receiver works while
 * the sender reads.  The receiver hands plain bytes on as they come and says at the end whether
 * they were the right ones: what it was given before is not to be trusted until then.
 */
#ifndef BT_FAILOVER_NODE_STREAM_H
#define BT_FAILOVER_NODE_STREAM_H

#include "failover/node/message.h"

struct bt_stream_state; /* zstd and XXH3 */

/* Where a finished message goes. */
typedef int bt_stream_send_fn(void *ctx, const struct bt_buf *message, struct bt_err *err);

struct bt_stream_sender {
    struct bt_stream_state *state;
    struct bt_buf message;
    uint32_t id;      /* of the request that is answered */
    uint64_t total;   /* plain bytes so far */
    size_t unflushed; /* plain bytes since the last piece was forced out */
    bt_stream_send_fn *send;
    void *ctx;
};

int bt_stream_sender_init(struct bt_stream_sender *s, uint32_t id, bt_stream_send_fn *send,
                          void *ctx, struct bt_err *err) BT_MUST_CHECK;
int bt_stream_write(struct bt_stream_sender *s, struct bt_slice bytes, struct bt_err *err)
    BT_MUST_CHECK;
int bt_stream_sender_end(struct bt_stream_sender *s, struct bt_err *err) BT_MUST_CHECK;
void bt_stream_sender_done(struct bt_stream_sender *s);
#define bt_auto_stream_sender BT_AUTO(bt_stream_sender_done)

/* Where plain bytes go; -1 ends the stream with that error. */
typedef int bt_stream_take_fn(void *ctx, struct bt_slice bytes, struct bt_err *err);

struct bt_stream_receiver {
    struct bt_stream_state *state;
    uint64_t total;
    uint64_t max; /* more plain bytes than this are refused (BT_ERR_LIMIT) */
    bool frame_is_over;
    bt_stream_take_fn *take;
    void *ctx;
};

int bt_stream_receiver_init(struct bt_stream_receiver *r, uint64_t max, bt_stream_take_fn *take,
                            void *ctx, struct bt_err *err) BT_MUST_CHECK;
/* payload: of a DATA message, then of the END message. */
int bt_stream_feed(struct bt_stream_receiver *r, struct bt_slice payload, struct bt_err *err)
    BT_MUST_CHECK;
int bt_stream_receiver_end(struct bt_stream_receiver *r, struct bt_slice payload,
                           struct bt_err *err) BT_MUST_CHECK;
void bt_stream_receiver_done(struct bt_stream_receiver *r);
#define bt_auto_stream_receiver BT_AUTO(bt_stream_receiver_done)

#endif
