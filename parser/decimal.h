/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decimal.h - DECIMAL as rows hold it (strings/decimal.c decimal2bin, MySQL 8.0.43 and MariaDB).
 *
 * Digits in groups of 9, each a big-endian number of 4 bytes; the digits that make no whole group
 * stand first in the integer part and last in the fraction and take 1 byte for 1 or 2 of them, 2
 * for 4, 3 for 6, 4 for more.  The first bit is inverted; all bits are, when it is negative.
 */
#ifndef BT_PARSER_DECIMAL_H
#define BT_PARSER_DECIMAL_H

#include "base/slice.h"

enum {
    BT_DECIMAL_PRECISION_MAX = 65,                       /* DECIMAL_MAX_PRECISION of both servers */
    BT_DECIMAL_TEXT_SIZE = BT_DECIMAL_PRECISION_MAX + 3, /* sign, "0.", digits */
};

/* Bytes of a DECIMAL(precision, scale); 0 when there is no such type. */
size_t bt_decimal_size(unsigned precision, unsigned scale);

/* Writes it as "-12.50" at `at` and returns the end; NULL when a group is no number of its digits.
 * bytes are bt_decimal_size() long. */
char *bt_decimal_text(struct bt_slice bytes, unsigned precision, unsigned scale,
                      char at[static BT_DECIMAL_TEXT_SIZE]);

#endif
