/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/node_feed.h"

#include <stdio.h>

#include "apply/log_check.h"
#include "diff/diff_log.h"
#include "failover/node/protocol_feed.h"

enum {
    ASK_MS = 10000,
    ADD_MS = 60000, /* one piece on a slow line */
    ARENA_MAX = 1 << 20,
    STATE_MAX = 512 << 10, /* two of them fit into a message */
};

/* One request whose reply is thrown away. */
static int call(struct bt_node_feed *f, struct bt_deadline until, struct bt_slice *ret_reply,
                struct bt_err *err)
{
    return bt_channel_call(f->channel, until, NULL, 0, ret_reply, err);
}

/* The next piece; 1 when it was the last one. */
static int send_piece(struct bt_node_feed *f, struct bt_err *err)
{
    struct bt_deadline until = bt_deadline_in(ADD_MS);
    struct bt_feed_add_request r = {.at = f->sent, .name = f->name, .folder = f->folder};
    struct bt_slice reply;
    int status;

    if (bt_source_view(f->log, f->sent, BT_FEED_PIECE_MAX, &r.piece, err) != 0)
        return -1;
    r.is_last = r.piece.len < BT_FEED_PIECE_MAX;
    if (r.piece.len > BT_FEED_PIECE_MAX)
        r.piece.len = BT_FEED_PIECE_MAX;
    pthread_mutex_lock(f->mutex);
    status = bt_put_feed_add_request(bt_channel_request(f->channel, BT_MESSAGE_FEED_ADD, until), &r,
                                     err);
    status = status == 0 ? call(f, until, &reply, err) : status;
    pthread_mutex_unlock(f->mutex);
    f->sent += r.piece.len;
    return status != 0 ? -1 : r.is_last;
}

static void *send_rest(void *ctx)
{
    struct bt_node_feed *f = ctx;
    int status = 0;

    while (status == 0 && !atomic_load(&f->stop))
        status = send_piece(f, &f->err);
    if (status < 0)
        atomic_store(&f->failed, true);
    return NULL;
}

static int state_texts(const struct bt_target *t, struct bt_buf texts[3], struct bt_err *err)
{
    for (size_t i = 0; i < t->binlog_state.count; i++) {
        char gtid[BT_GTID_TEXT_SIZE];

        bt_buf_addf(&texts[0], "%s%s", i ? "," : "",
                    bt_gtid_text(&t->binlog_state.items[i], gtid));
    }
    bt_gtid_state_text(&t->slave_pos, &texts[1]);
    bt_gtid_set_text(&t->executed, &texts[2]);
    for (int i = 0; i < 3; i++)
        if (bt_buf_check(&texts[i], "what the target has", err) != 0)
            return -1;
    return 0;
}

static int open_there(struct bt_node_feed *f, const struct bt_feed_open_request *request,
                      struct bt_feeder_place *ret, struct bt_err *err)
{
    struct bt_deadline until = bt_deadline_in(ASK_MS);
    bt_auto_arena struct bt_arena arena;
    struct bt_feed_open_reply reply;
    struct bt_slice bytes;
    int status;

    bt_arena_init(&arena, ARENA_MAX);
    pthread_mutex_lock(f->mutex);
    bt_put_feed_open_request(bt_channel_request(f->channel, BT_MESSAGE_FEED_OPEN, until), request);
    status = call(f, until, &bytes, err);
    status = status == 0 ? bt_get_feed_open_reply(bytes, &arena, &reply, err) : status;
    pthread_mutex_unlock(f->mutex);
    if (status != 0)
        return -1;
    snprintf(ret->address, sizeof(ret->address), "%s", reply.address);
    snprintf(ret->password, sizeof(ret->password), "%s", reply.password);
    ret->port = reply.port;
    return 0;
}

static int feed_open(void *ctx, const char *path, const struct bt_target *target,
                     uint32_t server_id, struct bt_feeder_place *ret, struct bt_err *err)
{
    struct bt_node_feed *f = ctx;
    struct bt_buf texts[3];
    int status;

    f->name = bt_log_base_name(path);
    for (int i = 0; i < 3; i++)
        bt_buf_init(&texts[i], STATE_MAX);
    status = bt_diff_log_open(path, &f->log, err);
    status = status == 0 ? state_texts(target, texts, err) : status;
    status = status == 0 ? send_piece(f, err) : status;
    if (status >= 0) {
        struct bt_feed_open_request request = {.server_id = server_id,
                                               .binlog_state = bt_buf_str(&texts[0]),
                                               .slave_pos = bt_buf_str(&texts[1]),
                                               .executed = bt_buf_str(&texts[2])};
        bool is_whole = status == 1;

        status = open_there(f, &request, ret, err);
        if (status == 0 && !is_whole) {
            int number = pthread_create(&f->thread, NULL, send_rest, f);

            f->has_thread = number == 0;
            if (number != 0)
                status = bt_fail(err, BT_ERR_SYSTEM, "could not start a thread");
        }
    }
    for (int i = 0; i < 3; i++)
        bt_buf_done(&texts[i]);
    return status < 0 ? -1 : 0;
}

static void feed_progress(void *ctx, struct bt_feed_progress *ret)
{
    struct bt_deadline until = bt_deadline_in(ASK_MS);
    struct bt_node_feed *f = ctx;
    bt_auto_arena struct bt_arena arena;
    struct bt_feed_look_reply reply = {0};
    struct bt_slice bytes;
    struct bt_err err = {0};
    int status;

    bt_arena_init(&arena, ARENA_MAX);
    if (atomic_load(&f->failed)) {
        *ret = (struct bt_feed_progress){.failed = true, .err = f->err};
        return;
    }
    pthread_mutex_lock(f->mutex);
    (void)bt_channel_request(f->channel, BT_MESSAGE_FEED_LOOK, until);
    status = call(f, until, &bytes, &err);
    status = status == 0 ? bt_get_feed_look_reply(bytes, &arena, &reply, &err) : status;
    pthread_mutex_unlock(f->mutex);
    if (status != 0) {
        reply.failed = true;
        reply.err = err;
    }
    *ret = (struct bt_feed_progress){.transactions = reply.transactions,
                                     .skipped = reply.skipped,
                                     .events = reply.events,
                                     .rows_events = reply.rows_events,
                                     .bytes = reply.bytes,
                                     .reached_end = reply.reached_end,
                                     .failed = reply.failed,
                                     .err = reply.err};
}

static void feed_close(void *ctx)
{
    struct bt_deadline until = bt_deadline_in(ASK_MS);
    struct bt_node_feed *f = ctx;
    struct bt_err ignored = {0}; /* a lost channel has ended it too */
    struct bt_slice reply;

    atomic_store(&f->stop, true);
    if (f->has_thread)
        pthread_join(f->thread, NULL);
    f->has_thread = false;
    bt_source_close(f->log);
    f->log = NULL;
    pthread_mutex_lock(f->mutex);
    if (bt_channel_failure(f->channel) == BT_CHANNEL_NONE) {
        (void)bt_channel_request(f->channel, BT_MESSAGE_FEED_CLOSE, until);
        (void)!call(f, until, &reply, &ignored);
    }
    pthread_mutex_unlock(f->mutex);
}

struct bt_feeder bt_node_feeder(struct bt_node_feed *feed)
{
    feed->log = NULL;
    feed->sent = 0;
    feed->has_thread = false;
    atomic_init(&feed->stop, false);
    atomic_init(&feed->failed, false);
    return (struct bt_feeder){feed_open, feed_progress, feed_close, feed};
}
