/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relay_purge.h - a replica that keeps its relay logs (relay_log_purge=0) deletes those it has
 * applied.
 *
 * A site that runs MHA keeps them, because an applied relay log is what completes a slower replica;
 * somebody must delete them, at another time on each replica.  As MHA's purge_relay_logs: under the
 * lock that a failover takes too, so that neither meets the other, relay_log_purge is switched on,
 * the relay log is rotated, and when the applier has moved on to the new one the server has deleted
 * those before it; then relay_log_purge is switched off again, whatever happened.
 */
#ifndef BT_FAILOVER_RELAY_PURGE_H
#define BT_FAILOVER_RELAY_PURGE_H

#include "apply/connection.h"

struct bt_relay_purge_opts {
    bool switch_off; /* a server that purges by itself shall stop to: relay_log_purge=0 */
    int64_t lock_ms; /* how long to wait for the lock; 0 = 200 s as MHA */
    int64_t wait_ms; /* how long the applier gets to move on; 0 = 3 s as MHA */
};

struct bt_relay_purge_result {
    bool was_on;            /* it purges by itself; nothing was done but for switch_off */
    bool moved_on;          /* every applier did: all applied relay logs are gone */
    uint64_t before, after; /* bytes of relay logs, of all connections */
};

/* BT_ERR_REALITY: it is no replica.  BT_ERR_CONFLICT: a failover, or another purge, has the lock.
 */
int bt_relay_purge(struct bt_connection *sql, const struct bt_relay_purge_opts *opts,
                   struct bt_relay_purge_result *ret, struct bt_err *err) BT_MUST_CHECK;

#endif
