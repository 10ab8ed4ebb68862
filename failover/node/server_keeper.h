/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server_keeper.h - what starts a server again, found although the server is gone.
 *
 * A server that was just killed has no process, and a moment later it has one: mysqld_safe starts
 * it again at once, systemd after RestartSec.  In that moment "no process" is true and worth
 * nothing, so whoever stops a server that is gone has to look for these too.
 */
#ifndef BT_FAILOVER_NODE_SERVER_KEEPER_H
#define BT_FAILOVER_NODE_SERVER_KEEPER_H

#include "failover/node/protocol_host.h"

/* The shell script above a process that would start it again; 0 = none. */
uint32_t bt_keeper_above(uint32_t pid);

/* A mysqld_safe or mariadbd-safe without a server under it whose options or folder are those of
 * the server, or the only one there is when nothing tells; 0 = none.  -1: it cannot be told. */
int bt_keeper_find(const struct bt_server_id *id, uint32_t *ret, struct bt_err *err) BT_MUST_CHECK;

#endif
