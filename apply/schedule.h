/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schedule.h - how early a transaction may run: which of those before it must have ended.
 *
 *     begin(number) -> event, event ... -> end(): those before the number it gives must be done
 *
 * Rows become a write set (XXH3 of table, index and key of both images, for the primary and every
 * unique key).  A transaction depends on the last one before it that wrote any of its keys.  What
 * is not known that exactly is taken coarser: a whole table, or a barrier, which depends on all
 * before it and which all behind it depend on: DDL, statements, temporary tables, LOAD DATA, XA,
 * foreign keys, engines that cannot roll back.
 *
 * What the source knew counts as well: MariaDB's transactions of one group commit, and MySQL's by
 * their logical clock, ran at the same time there without meeting, whatever they hold.
 *
 * A pure function of the events and of what `keys` answers; knows no server.
 */
#ifndef BT_APPLY_SCHEDULE_H
#define BT_APPLY_SCHEDULE_H

#include "apply/table_keys.h"
#include "parser/gtid.h"
#include "parser/value.h"

/* The keys of a table at this point of the log; -1 with err. */
typedef int bt_schedule_keys(void *ctx, struct bt_slice db, struct bt_slice table,
                             const struct bt_table_keys **ret, struct bt_err *err);

struct bt_schedule;

int bt_schedule_new(bt_schedule_keys *keys, void *ctx, struct bt_schedule **ret,
                    struct bt_err *err) BT_MUST_CHECK;
void bt_schedule_free(struct bt_schedule *s); /* accepts NULL */

/* number: consecutive. */
void bt_schedule_begin(struct bt_schedule *s, uint64_t number);

/* An event of the transaction, its GTID first; a FORMAT_DESCRIPTION between two transactions. */
int bt_schedule_event(struct bt_schedule *s, const struct bt_event *ev, struct bt_err *err)
    BT_MUST_CHECK;

/* The transaction's events are not all looked at: it is a barrier. */
void bt_schedule_give_up(struct bt_schedule *s);

struct bt_schedule_place {
    uint64_t after;  /* may run when all transactions with a lower number have ended */
    bool is_barrier; /* must run in its turn, by itself */
    bool is_ddl;     /* tables may be others behind it */
};

/* Ends the transaction; those that are begun after it know it. */
void bt_schedule_end(struct bt_schedule *s, struct bt_schedule_place *ret);

#endif
