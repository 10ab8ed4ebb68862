/* SPDX-License-Identifier: Apache-2.0 */
/*
 * block_sender.h - hands blocks to a function in a thread of its own, in order.
 *
 *     start -> put, put, ... -> end
 *
 * While one block is compressed and written, the next one is filled.  At most one block is under
 * way: put() waits until the one before is done, so that two buffers taken in turn are enough, and
 * memory does not grow with what is sent.  The function runs in one thread at a time: in the
 * sender's between start() and end(), in the caller's outside of that.
 */
#ifndef BT_DIFF_BLOCK_SENDER_H
#define BT_DIFF_BLOCK_SENDER_H

#include <pthread.h>

#include "base/slice.h"

typedef int bt_block_fn(void *ctx, struct bt_slice block, struct bt_err *err);

struct bt_block_sender {
    bt_block_fn *send;
    void *ctx;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct bt_slice block; /* under way; len 0 = none */
    bool is_running, has_to_stop, has_failed;
    struct bt_err failure;
};

/* Starts the thread.  All signals are left to the caller's threads. */
int bt_block_sender_start(struct bt_block_sender *s, bt_block_fn *send, void *ctx,
                          struct bt_err *err) BT_MUST_CHECK;

/* Hands over a block, which stays untouched until the next call on s returns.  -1: a block before
 * it could not be sent; nothing more is. */
int bt_block_sender_put(struct bt_block_sender *s, struct bt_slice block, struct bt_err *err)
    BT_MUST_CHECK;

/* Waits for the last block and ends the thread.  Does nothing when none is running. */
int bt_block_sender_end(struct bt_block_sender *s, struct bt_err *err) BT_MUST_CHECK;

#endif
