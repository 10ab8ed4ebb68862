/* SPDX-License-Identifier: Apache-2.0 */
/*
 * touched.h - which rows a log touches, and which touch of a row is the last: a set of hashes (of
 * table and key), 16 bytes a row.
 */
#ifndef BT_APPLY_TOUCHED_H
#define BT_APPLY_TOUCHED_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct bt_touched {
    struct bt_touched_row {
        uint64_t hash, last; /* hash 0 = free */
    } * rows;
    size_t count, room;
};

/* The entry of a row, made when there is none (last is 0 then); valid until the next call. */
int bt_touched_find(struct bt_touched *s, uint64_t hash, struct bt_touched_row **ret,
                    struct bt_err *err) BT_MUST_CHECK;
void bt_touched_done(struct bt_touched *s);

#endif
