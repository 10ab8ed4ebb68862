/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve.h - the loop of baton-node: requests in on one descriptor, answers out on another.
 *
 * Two threads: the caller's reads messages, answers PING and notices the end of the input at once;
 * a second one does the work of one request at a time.  When the input ends the manager is gone,
 * and so is this process: nothing of it stays behind on the host (announcements of a VIP that was
 * just taken are finished first, within seconds).
 */
#ifndef BT_FAILOVER_NODE_SERVE_H
#define BT_FAILOVER_NODE_SERVE_H

#include "failover/node/answer.h"

/* Writes the greeting and serves until the input ends, then returns 0.  -1: the input is no
 * message, or the manager spoke another protocol, or nothing came for idle_exit_ms. */
int bt_node_serve(int in, int out, struct bt_err *err) BT_MUST_CHECK;

#endif
