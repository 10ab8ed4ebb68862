/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_feed.h - a feeder (apply/feeder.h) whose feed baton-node runs on the target's own host: no
 * port is opened beyond that host's loopback, and the password travels over the channel.
 *
 *     struct bt_node_feed feed = {.channel = ch, .mutex = &mutex, ...};
 *     struct bt_feeder feeder = bt_node_feeder(&feed);
 *
 * The log goes to the host piece by piece on a thread of its own while the server there reads it
 * already.  The mutex guards the channel for the length of one request.
 */
#ifndef BT_FAILOVER_NODE_FEED_H
#define BT_FAILOVER_NODE_FEED_H

#include <pthread.h>
#include <stdatomic.h>

#include "apply/feeder.h"
#include "failover/channel.h"

struct bt_node_feed {
    struct bt_channel *channel;
    pthread_mutex_t *mutex;
    const char *folder; /* where the log may lie on the host; NULL = /var/tmp */
    /* the feeder's own */
    struct bt_source *log;
    const char *name;
    uint64_t sent;
    pthread_t thread;
    bool has_thread;
    atomic_bool stop, failed;
    struct bt_err err; /* of the thread, when failed */
};

/* Borrows feed, whose first fields are set. */
struct bt_feeder bt_node_feeder(struct bt_node_feed *feed);

#endif
