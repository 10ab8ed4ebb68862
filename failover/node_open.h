/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_open.h - a channel to the node of a configured server: what the configuration says about
 * the way to its host (ssh_*, node_path, remote_workdir, node_mode) goes into channel.h's terms.
 */
#ifndef BT_FAILOVER_NODE_OPEN_H
#define BT_FAILOVER_NODE_OPEN_H

#include "failover/channel.h"
#include "failover/config.h"

/* Opens within the server's ssh_connection_timeout.  *ret_why is written on failure only; a server
 * with node_mode=none fails with a text that says so. */
int bt_node_open(const struct bt_conf_server *conf, struct bt_channel **ret,
                 enum bt_channel_failure *ret_why, struct bt_err *err) BT_MUST_CHECK;

/* The same with a deadline of its own: the time-out still ends a connection that does not come
 * about (ssh -o ConnectTimeout). */
int bt_node_open_until(const struct bt_conf_server *conf, struct bt_deadline until,
                       struct bt_channel **ret, enum bt_channel_failure *ret_why,
                       struct bt_err *err) BT_MUST_CHECK;

#endif
