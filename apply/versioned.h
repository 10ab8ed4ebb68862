/* SPDX-License-Identifier: Apache-2.0 */
/*
 * versioned.h - rows of system-versioned tables that a client cannot bring over.
 *
 * The end of a row that still lives is 2038-01-19 03:14:07.999999 before MariaDB 11.5 and
 * 2106-02-07 06:28:15.999999 since.  A server's replication threads make the one into the other;
 * BINLOG does not (seen: 10.11.19 to 11.8.6), so that living rows would turn up as history, and be
 * gone from every plain SELECT, without an error.  Such rows are refused in time.
 */
#ifndef BT_APPLY_VERSIONED_H
#define BT_APPLY_VERSIONED_H

#include "apply/connection.h"
#include "parser/format.h"

struct bt_versioned {
    const struct bt_connection_opts *where;
    struct bt_connection *asks; /* a session of its own, from the first question on */
    uint64_t plain[64];         /* hashes of tables that are not versioned; 0 = free */
};

/* Whether tables of a log of this format have to be looked at on this target. */
bool bt_versioned_matters(const struct bt_format *log, const struct bt_server *target);

/* Whether a TABLE_MAP may be of such a table and was not asked about since the last DDL. Everything
 * before it has to be answered by the target before it is asked. */
bool bt_versioned_may_be(const struct bt_versioned *v, const struct bt_event *table_map);

/* Asks the target; fails (BT_ERR_REALITY) when its table is system-versioned. */
int bt_versioned_ask(struct bt_versioned *v, const struct bt_event *table_map,
                     struct bt_deadline deadline, struct bt_err *err) BT_MUST_CHECK;

/* Behind DDL any table may be another one. */
void bt_versioned_forget(struct bt_versioned *v);

void bt_versioned_done(struct bt_versioned *v);

#endif
