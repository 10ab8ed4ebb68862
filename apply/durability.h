/* SPDX-License-Identifier: Apache-2.0 */
/*
 * durability.h - a target that syncs nothing to disk while a log is applied, and then everything.
 *
 *     relax -> (apply) -> restore
 *
 * sync_binlog=0 and innodb_flush_log_at_trx_commit=2: a killed server loses nothing, a host that
 * crashes may lose what came last, and then has to be built anew.  restore puts back what was
 * found, also on a new session when the old one is gone, and flushes what was not yet synced.  A
 * server that was restarted meanwhile has its configured values and is left alone.
 */
#ifndef BT_APPLY_DURABILITY_H
#define BT_APPLY_DURABILITY_H

#include "apply/connection.h"

struct bt_durability {
    const struct bt_connection_opts *where; /* borrowed */
    struct bt_connection *connection;
    uint64_t sync_binlog, flush_log; /* as found */
    bool is_relaxed;                 /* something was changed */
    int64_t since_ms;
};

/* Fails, with nothing changed, where the account may not: it names what is refused. */
int bt_durability_relax(const struct bt_connection_opts *where, struct bt_deadline deadline,
                        struct bt_durability *ret, struct bt_err *err) BT_MUST_CHECK;

/* Ends what relax began; does nothing when it changed nothing. */
int bt_durability_restore(struct bt_durability *d, struct bt_deadline deadline, struct bt_err *err)
    BT_MUST_CHECK;

#endif
