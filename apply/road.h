/* SPDX-License-Identifier: Apache-2.0 */
/*
 * road.h - which road a log takes to its target when nobody said: the target's own replication
 * threads where they can be used and give the same result, a client session otherwise.
 */
#ifndef BT_APPLY_ROAD_H
#define BT_APPLY_ROAD_H

#include "apply/replay.h"

/* *ret_why is a sentence part for people ("log_slave_updates is off, ..."); it lives for good. */
int bt_road_choose(const struct bt_connection_opts *target, const char *path,
                   const struct bt_replay_opts *opts, enum bt_replay_via *ret,
                   const char **ret_why, struct bt_err *err) BT_MUST_CHECK;

#endif
