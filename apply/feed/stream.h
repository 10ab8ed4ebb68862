/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.h - the answer to COM_BINLOG_DUMP: a log as a stream of events.
 *
 *   ROTATE (artificial: name, 4) | FORMAT_DESCRIPTION (created 0) | events ... | HEARTBEAT ...
 *
 * Each event is a packet: 0x00 and the event as it is in the log.  Transactions that the replica
 * has are left out whole; ROTATE, STOP, GTID_LIST and START_ENCRYPTION are the log's own business.
 */
#ifndef BT_APPLY_FEED_STREAM_H
#define BT_APPLY_FEED_STREAM_H

#include "apply/feed/feed.h"
#include "apply/feed/answer.h"

struct bt_feed_stream {
    struct bt_source *log;
    const char *log_name;
    uint32_t server_id;
    const struct bt_feed_session *session;
    bool sends_annotate;                                /* the replica asked for ANNOTATE_ROWS */
    bool (*has)(void *ctx, const struct bt_gtid *gtid); /* may be NULL */
    void *has_ctx;
    bool (*stopped)(void *ctx);
    void (*told)(void *ctx, const struct bt_feed_progress *now);
    void *ctx;
};

/* Sends the log, then heartbeats until the replica hangs up or stopped() says so (0). */
int bt_feed_stream_run(struct bt_feed_stream *s, struct bt_wire *w, struct bt_err *err)
    BT_MUST_CHECK;

#endif
