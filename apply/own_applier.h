/* SPDX-License-Identifier: Apache-2.0 */
/*
 * own_applier.h - a target whose own replication stands still inside a transaction.
 *
 * The applier of a replica has begun what it received the beginning of, holds the locks of the rows
 * it changed, and waits for the rest, which its dead primary will not send.  Whoever then brings
 * the whole transaction waits for those locks until innodb_lock_wait_timeout, again and again.
 */
#ifndef BT_APPLY_OWN_APPLIER_H
#define BT_APPLY_OWN_APPLIER_H

#include "apply/connection.h"

/* BT_ERR_CONFLICT names the thread and its transaction, and what to do, when an applier of the
 * target itself has held the locks of one transaction for two seconds and waits for events: one
 * that is receiving moves on meanwhile.  Without the privilege to look (PROCESS) nothing is
 * found. */
int bt_own_applier_check(struct bt_connection *c, struct bt_deadline until, struct bt_err *err)
    BT_MUST_CHECK;

#endif
