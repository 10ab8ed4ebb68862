/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hold.h - planned work asks the cluster's manager to look away, for as long as it lasts.
 *
 * A manager that watched a switchover would see a primary that takes no writes, and its lock on the
 * primary keeps other tools off.  bt_hold_take() connects to its socket (status.h), says "hold" and
 * waits for "held": by then the manager has let everything go.  It looks again when the connection
 * ends, however it ends: a command that is killed holds nobody.  What a switchover that was cut off
 * left behind, the manager settles before it watches on.
 */
#ifndef BT_FAILOVER_HOLD_H
#define BT_FAILOVER_HOLD_H

#include "base/clock.h"
#include "failover/config.h"

struct bt_manager;

/* *ret_fd holds the manager until it is closed.  1: no manager listens there.  BT_ERR_TIMEOUT when
 * it is busy (failing over, or not watching yet). */
int bt_hold_take(const struct bt_config *config, struct bt_deadline until, int *ret_fd,
                 struct bt_err *err) BT_MUST_CHECK;

/* The manager's side: answers the one who waits at m->hold_fd, and returns when he is gone or the
 * manager is told to end. */
void bt_hold_serve(struct bt_manager *m);

/* Undoes or finishes a switchover that was cut off, if there is one. */
void bt_hold_settle(struct bt_manager *m);

#endif
