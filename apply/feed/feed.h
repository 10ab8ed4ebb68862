/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed.h - serves a log to a server's own replication threads, as if we were its primary.
 *
 *     open (listens, answers on a thread of its own) -> CHANGE MASTER on the target to
 *     bt_feed_port() as BT_FEED_USER with bt_feed_password() -> ... -> close
 *
 * It speaks what the IO thread of MariaDB 10.5 to 11.8 speaks in GTID mode: the handshake, its
 * questions, COM_REGISTER_SLAVE, COM_BINLOG_DUMP.  What the replica has by the state it
 * announces (@slave_connect_state), and what `has` says, is left out; so a replica that comes back
 * after a crash goes on where it was.  Behind the last event come heartbeats until it is closed.
 *
 * It listens on one address (loopback unless told), with a password made for this run; one replica
 * at a time.
 */
#ifndef BT_APPLY_FEED_FEED_H
#define BT_APPLY_FEED_FEED_H

#include "base/auto.h"
#include "parser/gtid.h"
#include "parser/source.h"

#define BT_FEED_USER "baton"

struct bt_feed_opts {
    const char *address;  /* IPv4 or IPv6; NULL = 127.0.0.1 */
    const char *log_name; /* what the replica will call the log; borrowed until close */
    uint32_t server_id;   /* ours: not the replica's; 0 = the one who wrote the log */
    /* Opens the log from its start, for each replica that connects; on the feed's thread. */
    int (*open_log)(void *ctx, struct bt_source **ret, struct bt_err *err);
    /* Whether the target has this transaction already; on the feed's thread.  May be NULL. */
    bool (*has)(void *ctx, const struct bt_gtid *gtid);
    void *ctx;
};

struct bt_feed_progress {
    uint64_t transactions, skipped, events, rows_events, bytes; /* sent to the last replica */
    bool reached_end;
    bool failed; /* then err says why the last replica was not served further */
    struct bt_err err;
};

struct bt_feed;

/* Reads the log's beginning (its format), listens and starts the thread. */
int bt_feed_open(const struct bt_feed_opts *opts, struct bt_feed **ret, struct bt_err *err)
    BT_MUST_CHECK;
/* Hangs up, ends the thread.  Accepts NULL. */
void bt_feed_close(struct bt_feed *f);

static inline void bt_feed_release(struct bt_feed **f)
{
    bt_feed_close(*f);
    *f = NULL;
}
#define bt_auto_feed BT_AUTO(bt_feed_release)

unsigned bt_feed_port(const struct bt_feed *f);
const char *bt_feed_address(const struct bt_feed *f);
const char *bt_feed_password(const struct bt_feed *f); /* borrows until close */

void bt_feed_progress(struct bt_feed *f, struct bt_feed_progress *ret);

#endif
