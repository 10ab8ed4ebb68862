/* SPDX-License-Identifier: Apache-2.0 */
/*
 * protocol_feed.h - requests that make baton-node serve a diff log to the database server of its
 * host: the pieces of the log, the opening of the feed, how far it is, its end.
 *
 *     FEED_ADD at 0 (a new one: what was before is closed) ... -> FEED_OPEN -> FEED_ADD ... last
 *     FEED_LOOK whenever wanted -> FEED_CLOSE
 *
 * The feed may be opened as soon as the first piece is there.  It listens on the loopback of the
 * host and ends with the channel.  Put and get as in protocol_host.h.
 */
#ifndef BT_FAILOVER_NODE_PROTOCOL_FEED_H
#define BT_FAILOVER_NODE_PROTOCOL_FEED_H

#include "failover/node/fields.h"

/* Plain bytes of one piece: compressed they fit into a message. */
enum { BT_FEED_PIECE_MAX = 768 << 10 };

struct bt_feed_add_request {
    uint64_t at;        /* offset of the piece in the log */
    const char *name;   /* what the log is called */
    const char *folder; /* where it may lie on the host */
    bool is_last;
    struct bt_slice piece; /* plain; travels as one zstd frame */
};

struct bt_feed_open_request {
    uint32_t server_id; /* what the feed says it is */
    /* what the target has, in its own notation; "" = nothing, or not its kind */
    const char *binlog_state, *slave_pos, *executed;
};

struct bt_feed_open_reply {
    const char *address;
    uint32_t port;
    const char *password; /* for this feed only */
};

/* struct bt_feed_progress */
struct bt_feed_look_reply {
    uint64_t transactions, skipped, events, rows_events, bytes;
    bool reached_end, failed;
    struct bt_err err;
};

int bt_put_feed_add_request(struct bt_buf *out, const struct bt_feed_add_request *r,
                            struct bt_err *err) BT_MUST_CHECK;
/* The piece lives in the arena. */
int bt_get_feed_add_request(struct bt_slice payload, struct bt_arena *arena,
                            struct bt_feed_add_request *ret, struct bt_err *err) BT_MUST_CHECK;

void bt_put_feed_open_request(struct bt_buf *out, const struct bt_feed_open_request *r);
int bt_get_feed_open_request(struct bt_slice payload, struct bt_arena *arena,
                             struct bt_feed_open_request *ret, struct bt_err *err) BT_MUST_CHECK;
void bt_put_feed_open_reply(struct bt_buf *out, const struct bt_feed_open_reply *r);
int bt_get_feed_open_reply(struct bt_slice payload, struct bt_arena *arena,
                           struct bt_feed_open_reply *ret, struct bt_err *err) BT_MUST_CHECK;

void bt_put_feed_look_reply(struct bt_buf *out, const struct bt_feed_look_reply *r);
int bt_get_feed_look_reply(struct bt_slice payload, struct bt_arena *arena,
                           struct bt_feed_look_reply *ret, struct bt_err *err) BT_MUST_CHECK;

#endif
