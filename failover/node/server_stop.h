/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server_stop.h - ends a server for good and proves it.
 *
 *   its unit is told to stop, its mysqld_safe is killed      so that nobody starts it again
 *   (also when it is gone: in the moment after a crash it is about to come back)
 *   SIGTERM, then term_ms                                     unless it is stopped (state T)
 *   SIGKILL, then kill_ms                                     works on hung and stopped ones too
 *   look again: no process, nobody listens on the port
 *
 * A stopped process (SIGSTOP, a debugger) gets SIGKILL at once and never SIGCONT: woken, it would
 * finish what its clients had sent it and acknowledge transactions that nobody will rescue.
 */
#ifndef BT_FAILOVER_NODE_SERVER_STOP_H
#define BT_FAILOVER_NODE_SERVER_STOP_H

#include "base/clock.h"
#include "failover/node/protocol_host.h"

/* 0 only with proof.  -1: no right to send the signal, it survived (state D: the kernel waits for
 * a disk), it came back, or the port is still listened on by somebody.  Texts live in the arena. */
int bt_server_stop(const struct bt_stop_request *r, struct bt_deadline until,
                   struct bt_arena *arena, struct bt_stop_reply *ret, struct bt_err *err)
    BT_MUST_CHECK;

/* What is known of the server now.  Texts live in the arena. */
int bt_server_look(const struct bt_state_request *r, struct bt_deadline until,
                   struct bt_arena *arena, struct bt_state_reply *ret, struct bt_err *err)
    BT_MUST_CHECK;

#endif
