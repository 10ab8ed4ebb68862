/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replicate.h - applies a log by the target's own replication threads (the replication road).
 *
 * The log is served by a feeder (feeder.h); the target gets a replication connection named "baton"
 * beside the ones it has (link.h), which is removed again at the end.  The other connections, their
 * relay logs and positions are not touched.  Filters, type conversions, temporary tables, parallel
 * appliers, safe positions are all the server's own; its GTID state moves on as the transactions
 * commit, and a run that was cut off goes on there.
 *
 * MariaDB 10.5 and newer, and MySQL 5.6.5 and newer with gtid_mode=ON, on both sides of one kind.
 * The target must be able to reach the feeder.  Its own replication of the same domains must have
 * stopped or be drained.  Privileges: REPLICATION SLAVE ADMIN (MySQL: REPLICATION_SLAVE_ADMIN).
 */
#ifndef BT_APPLY_REPLICATE_H
#define BT_APPLY_REPLICATE_H

#include "apply/replay.h"

int bt_replicate_file(const struct bt_connection_opts *target, const char *path,
                      const struct bt_replay_opts *opts, struct bt_replay_result *result,
                      struct bt_err *err) BT_MUST_CHECK;

#endif
