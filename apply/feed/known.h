/* SPDX-License-Identifier: Apache-2.0 */
/*
 * known.h - whether a server has a transaction, by what it says of itself.
 */
#ifndef BT_APPLY_FEED_KNOWN_H
#define BT_APPLY_FEED_KNOWN_H

#include "parser/gtid_set.h"

/* MariaDB: by domain and server in gtid_binlog_state, by domain in gtid_slave_pos; MySQL by
 * gtid_executed.  False for what has no GTID. */
bool bt_feed_is_known(const struct bt_gtid_state *binlog_state,
                      const struct bt_gtid_state *slave_pos, const struct bt_gtid_set *executed,
                      const struct bt_gtid *gtid);

#endif
