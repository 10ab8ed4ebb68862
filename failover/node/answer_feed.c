/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/node/answer.h"

#include "apply/feed/feed.h"
#include "apply/feed/known.h"
#include "failover/node/protocol_feed.h"
#include "failover/node/spool.h"

/* The feed of this process: one at a time, and only the worker's thread comes here. */
static struct {
    struct bt_spool *spool;
    struct bt_feed *feed;
    struct bt_gtid_state binlog_state, slave_pos;
    struct bt_gtid_set executed;
    char name[256];
} own;

static void close_all(void)
{
    if (own.spool)
        bt_spool_shut(own.spool); /* the feed may wait for more */
    bt_feed_close(own.feed);
    bt_spool_free(own.spool);
    bt_gtid_state_done(&own.binlog_state);
    bt_gtid_state_done(&own.slave_pos);
    bt_gtid_set_done(&own.executed);
    memset(&own, 0, sizeof(own));
}

int bt_answer_feed_add(struct bt_work *w, struct bt_err *err)
{
    struct bt_feed_add_request r;

    if (bt_get_feed_add_request(w->payload, w->arena, &r, err) != 0)
        return -1;
    if (r.at == 0) {
        close_all();
        if (bt_spool_new(r.folder, r.name, &own.spool, err) != 0)
            return -1;
        snprintf(own.name, sizeof(own.name), "%s", r.name);
    }
    if (!own.spool)
        return bt_fail(err, BT_ERR_REALITY, "no diff log has begun to arrive");
    if (bt_spool_add(own.spool, r.at, r.piece, err) != 0)
        return -1;
    if (r.is_last)
        bt_spool_end(own.spool);
    return 0;
}

static int open_log(void *ctx, struct bt_source **ret, struct bt_err *err)
{
    (void)ctx;
    return bt_spool_open(own.spool, ret, err);
}

static bool has(void *ctx, const struct bt_gtid *gtid)
{
    (void)ctx;
    return bt_feed_is_known(&own.binlog_state, &own.slave_pos, &own.executed, gtid);
}

static int take_known(const struct bt_feed_open_request *r, struct bt_err *err)
{
    if ((r->binlog_state[0] &&
         bt_gtid_state_parse(bt_slice_str(r->binlog_state), &own.binlog_state, err) != 0) ||
        (r->slave_pos[0] &&
         bt_gtid_state_parse(bt_slice_str(r->slave_pos), &own.slave_pos, err) != 0) ||
        (r->executed[0] && bt_gtid_set_parse(bt_slice_str(r->executed), &own.executed, err) != 0))
        return bt_err_wrap(err, "what the target has");
    return 0;
}

int bt_answer_feed_open(struct bt_work *w, struct bt_err *err)
{
    struct bt_feed_open_request r;
    struct bt_feed_opts opts = {.log_name = own.name, .open_log = open_log, .has = has};

    if (bt_get_feed_open_request(w->payload, w->arena, &r, err) != 0)
        return -1;
    if (!own.spool || own.feed)
        return bt_fail(err, BT_ERR_REALITY,
                       own.feed ? "a feed is open already" : "no diff log has begun to arrive");
    opts.server_id = r.server_id;
    if (take_known(&r, err) != 0 || bt_feed_open(&opts, &own.feed, err) != 0)
        return -1;
    bt_put_feed_open_reply(w->reply,
                           &(struct bt_feed_open_reply){.address = bt_feed_address(own.feed),
                                                        .port = bt_feed_port(own.feed),
                                                        .password = bt_feed_password(own.feed)});
    return 0;
}

int bt_answer_feed_look(struct bt_work *w, struct bt_err *err)
{
    struct bt_feed_progress now;

    if (!own.feed)
        return bt_fail(err, BT_ERR_REALITY, "no feed is open");
    bt_feed_progress(own.feed, &now);
    bt_put_feed_look_reply(w->reply, &(struct bt_feed_look_reply){.transactions = now.transactions,
                                                                  .skipped = now.skipped,
                                                                  .events = now.events,
                                                                  .rows_events = now.rows_events,
                                                                  .bytes = now.bytes,
                                                                  .reached_end = now.reached_end,
                                                                  .failed = now.failed,
                                                                  .err = now.err});
    return 0;
}

int bt_answer_feed_close(struct bt_work *w, struct bt_err *err)
{
    (void)w;
    (void)err;
    close_all();
    return 0;
}
