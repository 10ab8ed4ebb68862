/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool.h - a log that arrives piece by piece and is read meanwhile, as often as wanted.
 *
 *     bt_spool_new(folder) -> add, add, ... end        by who receives it
 *                          -> bt_spool_open() source   by who reads it, on any thread
 *     bt_spool_shut() (readers waiting for more fail) -> readers close -> bt_spool_free()
 *
 * It lies in a file without a name: it goes away with the process, whatever ends that.
 */
#ifndef BT_FAILOVER_NODE_SPOOL_H
#define BT_FAILOVER_NODE_SPOOL_H

#include "parser/source.h"

struct bt_spool;

/* name is what messages call the log.  Where the folder takes no files, /var/tmp is used. */
int bt_spool_new(const char *folder, const char *name, struct bt_spool **ret, struct bt_err *err)
    BT_MUST_CHECK;
void bt_spool_free(struct bt_spool *s); /* accepts NULL */

/* `at` must be what was added so far: a piece is never lost or taken twice. */
int bt_spool_add(struct bt_spool *s, uint64_t at, struct bt_slice bytes, struct bt_err *err)
    BT_MUST_CHECK;
void bt_spool_end(struct bt_spool *s); /* that was all */
void bt_spool_shut(struct bt_spool *s);

/* A view waits until what it wants has come, the log has ended, or the spool is shut. */
int bt_spool_open(struct bt_spool *s, struct bt_source **ret, struct bt_err *err) BT_MUST_CHECK;

#endif
