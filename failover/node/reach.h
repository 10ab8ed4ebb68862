/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reach.h - does something answer at an address and port, seen from this host?
 *
 * Numeric addresses only: a vote must not hang in a name server.
 */
#ifndef BT_FAILOVER_NODE_REACH_H
#define BT_FAILOVER_NODE_REACH_H

#include "base/clock.h"
#include "failover/node/protocol_host.h"

/* Connects; with greeting also waits for the first byte (both MariaDB and MySQL speak first).
 * *ret->os_errno says why a connection was refused or could not be made.  -1: the address
 * is none, or there is no socket to be had. */
int bt_reach(const char *address, uint16_t port, bool greeting, struct bt_deadline until,
             struct bt_reach_reply *ret, struct bt_err *err) BT_MUST_CHECK;

/* Whether somebody listens on the TCP port on any address of this host (/proc/net/tcp, tcp6). */
int bt_port_has_listener(uint16_t port, bool *ret, struct bt_err *err) BT_MUST_CHECK;

/* Inodes of the sockets that listen on the port, 0 = on any; *ret_count of at most max. */
int bt_port_inodes(uint16_t port, uint64_t *inodes, size_t max, size_t *ret_count,
                   struct bt_err *err) BT_MUST_CHECK;

#endif
