/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lookout.h - keeps an eye on every server and host of a cluster while its primary is healthy.
 *
 *     bt_lookout_start(&opts, &lookout, err)
 *     poll(opts.wake_fd) -> bt_lookout_evidence(), bt_watch_judge() ...      again and again
 *     bt_lookout_hand_over(lookout, &warm)       the primary is dead: what stands open goes over
 *     bt_lookout_free(lookout)
 *
 * Two threads per host, each with its own deadlines, so that a silent one delays nothing: one
 * speaks SQL (pings the primary; asks a replica for its receiver), one holds the node channel
 * (where are the VIPs; can the host reach the primary).  The session that pings the primary holds
 * MHA's lock 'MHA_Master_High_Availability_Monitor' and is watched between two pings too: a server
 * that closes it is pinged at once.
 *
 * Healthy hosts are asked every ping_interval, but not more often than once a second but for the
 * primary.  bt_lookout_ask_now() makes all of them ask at once.  Probes of the primary's port are
 * sent under suspicion only: each is an aborted connection for the server, and too many of them
 * make it block the host (max_connect_errors).
 *
 * Everything but start and free may be called while the threads run; one thread is the caller.
 */
#ifndef BT_FAILOVER_LOOKOUT_H
#define BT_FAILOVER_LOOKOUT_H

#include "failover/failover.h"
#include "failover/semisync.h"
#include "failover/sight.h"
#include "failover/topology.h"
#include "failover/vip_watch.h"
#include "failover/watch.h"

struct bt_lookout;

struct bt_lookout_opts {
    const struct bt_config *config; /* must outlive the lookout */
    const struct bt_topology *topology;
    int wake_fd; /* eventfd(2): written when there is something new; the caller's */
};

int bt_lookout_start(const struct bt_lookout_opts *opts, struct bt_lookout **ret,
                     struct bt_err *err) BT_MUST_CHECK;

/* Ends all threads, waiting for what they are at (bounded by its deadline).  Accepts NULL. */
void bt_lookout_free(struct bt_lookout *l);

/* What speaks for and against the primary's death, now. */
void bt_lookout_evidence(struct bt_lookout *l, struct bt_evidence *ret);

/* What was seen of the primary's semi-sync. */
void bt_lookout_semisync(struct bt_lookout *l, struct bt_semisync *ret);

/* All ask now.  is_suspect: and go on in short order, probing the primary's port, until told that
 * it is over. */
void bt_lookout_ask_now(struct bt_lookout *l, bool is_suspect);

/* Starts secondary_check_script in a thread of its own, unless it runs. */
void bt_lookout_ask_secondary(struct bt_lookout *l);

/* What was seen last of one server and its host. */
void bt_lookout_sight(struct bt_lookout *l, size_t i, struct bt_sight *ret);

/* Has the host's node do it to VIP k soon; the log says how it went. */
void bt_lookout_order_vip(struct bt_lookout *l, size_t i, size_t k, enum bt_vip_order order);

/* Has the server's sessions ended and it made read-only soon: an old primary that came back. */
void bt_lookout_order_read_only(struct bt_lookout *l, size_t i);

/* Whether everybody was asked once: every server has answered or failed, every host too. */
bool bt_lookout_has_seen_all(struct bt_lookout *l);

/* Whether all threads have ended after a hand-over, so that free does not wait. */
bool bt_lookout_has_ended(struct bt_lookout *l);

/* Tells all threads to end and gives what they held open to warm, one entry per server.  What is
 * busy for more than a moment is left behind.  was_silent: the primary did not even refuse; its
 * host is given up when it has been silent too. */
void bt_lookout_hand_over(struct bt_lookout *l, bool was_silent, struct bt_warm_host *warm);

#endif
