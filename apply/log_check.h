/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_check.h - a log is read whole before anything of it is applied.
 *
 * A diff log with its manifest (FILE.json) beside it is checked against that.  Any other binary log
 * is read to its end: framing, CRCs, no transaction left open.  On the way it is counted what a
 * target lacks of it.
 */
#ifndef BT_APPLY_LOG_CHECK_H
#define BT_APPLY_LOG_CHECK_H

#include "apply/target.h"
#include "parser/transaction.h"

struct bt_log_check {
    uint64_t transactions, missing; /* all; those the target does not have */
    uint64_t events, rows_events, bytes;
    struct bt_gtid_state last_missing;   /* MariaDB: the last missing one of each domain */
    struct bt_gtid_set missing_set;      /* MySQL: all of them */
    uint64_t plain_rows;                 /* transactions of rows alone, and DDL */
    uint64_t without_gtid;               /* transactions without one */
    uint64_t missing_rows;               /* counted only with a target */
    unsigned hot_percent;                /* the same: of missing ones (hot_rows.h) */
    struct bt_transaction first_missing; /* complete when there is one */
    struct bt_transaction last_there;    /* the last before it; bytes 0 when there is none */
    struct bt_gtid last;
    struct bt_coordinate last_place;
    char digest[33]; /* XXH3-128 by the manifest; "" without one */
};

/* target may be NULL: then all is missing, and of a diff log with a manifest only the digest is
 * told. */
int bt_log_check(const char *path, const struct bt_target *target, struct bt_log_check *ret,
                 struct bt_err *err) BT_MUST_CHECK;
void bt_log_check_done(struct bt_log_check *c);

/* Which kind of server wrote it, by its first event. */
int bt_log_flavor(const char *path, enum bt_flavor *ret, struct bt_err *err) BT_MUST_CHECK;

/* "x/y.000001" is "y.000001". */
const char *bt_log_base_name(const char *path);

#endif
