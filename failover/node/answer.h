/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answer.h - one request answered: each handler reads its request, works, and puts its reply.
 *
 * A handler gets the payload behind the request's time limit, the deadline made of it, an arena
 * that lives as long as the request, and a reply message already begun.  Streams go out while it
 * works.  -1: err becomes the ERROR message.
 */
#ifndef BT_FAILOVER_NODE_ANSWER_H
#define BT_FAILOVER_NODE_ANSWER_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "failover/node/stream.h"

struct bt_work {
    uint32_t id;
    struct bt_slice payload;
    struct bt_deadline until;
    struct bt_arena *arena;
    struct bt_buf *reply;
    bt_stream_send_fn *send; /* for streams; send_ctx is its ctx */
    void *send_ctx;
};

typedef int bt_answer_fn(struct bt_work *w, struct bt_err *err);

/* answer_host.c */
bt_answer_fn bt_answer_hello, bt_answer_state, bt_answer_stop, bt_answer_reach, bt_answer_guard;
/* answer_vip.c */
bt_answer_fn bt_answer_vip;

/* Waits until the announcements that go on behind answers are over: the manager may have gone away
 * content, and its clients' neighbours have not all heard. */
void bt_announcements_finish(struct bt_deadline until);
/* answer_feed.c */
bt_answer_fn bt_answer_feed_add, bt_answer_feed_open, bt_answer_feed_look, bt_answer_feed_close;
/* answer_logs.c */
bt_answer_fn bt_answer_list, bt_answer_read, bt_answer_survey;

#endif
