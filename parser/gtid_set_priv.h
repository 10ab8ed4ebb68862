/* SPDX-License-Identifier: Apache-2.0 */
/* gtid_set_priv.h - what gtid_set.c and gtid_set_read.c share. */
#ifndef BT_PARSER_GTID_SET_PRIV_H
#define BT_PARSER_GTID_SET_PRIV_H

#include "parser/gtid_set.h"

/* Order of ranges in a set: by uuid, then tag. */
int bt_gtid_range_compare(const struct bt_gtid_range *a, const struct bt_gtid_range *b);

/* Adds an interval behind the others, whatever they are. */
int bt_gtid_range_append(struct bt_gtid_range *r, struct bt_gtid_interval item, struct bt_err *err)
    BT_MUST_CHECK;

/* Makes an empty range with key's uuid and tag at index. */
int bt_gtid_set_insert_range(struct bt_gtid_set *s, size_t index, const struct bt_gtid_range *key,
                             struct bt_err *err) BT_MUST_CHECK;

#endif
