/* SPDX-License-Identifier: Apache-2.0 */
/*
 * locks.h - MHA's advisory lock 'MHA_Master_High_Availability_Failover' on the servers of a
 * cluster: two failovers, switchovers or rejoins, MHA's or ours, keep each other off.
 *
 *     locks = bt_locks_new(config)
 *     bt_locks_take(locks, i, wait_s, until, err)      on each server, also from several threads
 *     bt_locks_look_again(d, config, primary, until, err)
 *     bt_locks_check(locks, i, until, err)             still ours?
 *     bt_locks_free(locks)                             all are given back
 *
 * The lock belongs to a session of its own, which the server ends after BT_LOCK_IDLE_S of silence,
 * and a thread that speaks to it more often than that.  So a manager whose host has lost its power
 * locks nobody out for the 8 hours of wait_timeout (MHA's does), while one that waits for an hour
 * of applying keeps its locks.
 */
#ifndef BT_FAILOVER_LOCKS_H
#define BT_FAILOVER_LOCKS_H

#include "apply/connection.h"
#include "failover/server.h"

enum { BT_LOCK_IDLE_S = 15 };

struct bt_locks;

/* NULL without memory. */
struct bt_locks *bt_locks_new(const struct bt_config *config);
void bt_locks_free(struct bt_locks *locks); /* accepts NULL */

/* Connects to server i and takes its lock, waiting up to wait_s for whoever has it.  1: somebody
 * else keeps it. */
int bt_locks_take(struct bt_locks *locks, size_t i, unsigned wait_s, struct bt_deadline until,
                  struct bt_err *err) BT_MUST_CHECK;

/* Gives it back before the others. */
int bt_locks_give(struct bt_locks *locks, size_t i, struct bt_deadline until, struct bt_err *err)
    BT_MUST_CHECK;

/* Asks the server; one that was lost on the way is taken again.  -1 (BT_ERR_CONFLICT) when somebody
 * else has it by now. */
int bt_locks_check(struct bt_locks *locks, size_t i, struct bt_deadline until, struct bt_err *err)
    BT_MUST_CHECK;

/* Behind the lock: whether d still replicates from server `primary`.  What was asked before may be
 * of a time when somebody else had the lock and was at work.  -1 (BT_ERR_CONFLICT): it does not. */
int bt_locks_look_again(struct bt_database *d, const struct bt_config *config, size_t primary,
                        struct bt_deadline until, struct bt_err *err) BT_MUST_CHECK;

#endif
