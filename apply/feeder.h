/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feeder.h - who serves the log to the target's replication threads: a feed in this process
 * (feed/feed.h; the target is on this host, or reaches an address of ours), or one that baton-node
 * runs on the target's host, on its loopback (failover/node_feed.h).
 */
#ifndef BT_APPLY_FEEDER_H
#define BT_APPLY_FEEDER_H

#include "apply/feed/feed.h"
#include "apply/target.h"

/* Where the target finds the feed. */
struct bt_feeder_place {
    char address[64];
    unsigned port;
    char password[64];
};

struct bt_feeder {
    /* Makes the log at `path` available, leaving out what the target has; server_id is what it
     * says it is.  path and target live until close. */
    int (*open)(void *ctx, const char *path, const struct bt_target *target, uint32_t server_id,
                struct bt_feeder_place *ret, struct bt_err *err);
    /* What was sent so far.  ret->failed: it cannot go on, ret->err says why. */
    void (*progress)(void *ctx, struct bt_feed_progress *ret);
    void (*close)(void *ctx); /* also when open failed */
    void *ctx;
};

#endif
