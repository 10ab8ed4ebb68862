/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tally.h - how far a log was applied, on a target that keeps no GTIDs of it.
 *
 *     open (makes baton.progress, reads this log's row) -> done -> mark before each COMMIT ...
 *
 * The row is written in the transaction it counts, so it is there exactly when that is.  A
 * statement that is a transaction by itself (DDL) is announced before it and counted behind it; a
 * run that was cut off between the two is in doubt, which nobody but a person can end, and open
 * says how.
 *
 * A log is known by the content digest (diff/digest.h) of its first transaction: a longer log that
 * begins the same is the same log.
 */
#ifndef BT_APPLY_TALLY_H
#define BT_APPLY_TALLY_H

#include "apply/connection.h"
#include "parser/source.h"

struct bt_tally {
    char log[17];  /* hex */
    uint64_t done; /* transactions of the log that the target has */
};

/* Reads the beginning of log, which must be able to go back.  1: it holds no transaction. */
int bt_tally_open(struct bt_source *log, struct bt_connection *c, struct bt_deadline deadline,
                  struct bt_tally *ret, struct bt_err *err) BT_MUST_CHECK;

enum { BT_TALLY_SQL_SIZE = 256 };

/* The statement that counts transactions 0 to number; the one that announces number. */
const char *bt_tally_mark(const struct bt_tally *p, uint64_t number,
                          char out[static BT_TALLY_SQL_SIZE]);
const char *bt_tally_announce(const struct bt_tally *p, uint64_t number,
                              char out[static BT_TALLY_SQL_SIZE]);

#endif
