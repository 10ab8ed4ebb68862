/* SPDX-License-Identifier: Apache-2.0 */
/*
 * later.h - what stands in a log behind a change of rows and may have changed them again:
 * statements and DDL, whose outcome only a server knows.
 *
 * Places count the events of the logs, in order.  DDL is searched for the table's name, as a word
 * in any case; where DATABASE or SCHEMA stands in it, for the database's.
 */
#ifndef BT_APPLY_LATER_H
#define BT_APPLY_LATER_H

#include "base/buf.h"
#include "base/err.h"

struct bt_later {
    struct bt_buf text;
    struct bt_later_ddl {
        uint64_t at;
        size_t from, len; /* in text */
    } * ddl;
    size_t count, room;
    uint64_t statement; /* place of the last statement; 0 = none */
};

void bt_later_init(struct bt_later *l);
void bt_later_done(struct bt_later *l);

int bt_later_add_ddl(struct bt_later *l, uint64_t at, struct bt_slice sql, struct bt_err *err)
    BT_MUST_CHECK;

/* The place of the last DDL that names this table; 0 without one. */
uint64_t bt_later_ddl_of(const struct bt_later *l, struct bt_slice db, struct bt_slice table);

#endif
