/* SPDX-License-Identifier: Apache-2.0 */
/*
 * number.h - numbers people write, read strictly.
 *
 * The whole text must be the number: no blanks, no sign where none may be, no
 * trailing characters, no overflow.  All return false and leave *ret alone
 * otherwise.
 */
#ifndef BT_BASE_NUMBER_H
#define BT_BASE_NUMBER_H

#include "base/slice.h"

/* Decimal digits only, at most max. */
bool bt_number_u64(struct bt_slice text, uint64_t max, uint64_t *ret);

/* As above, with an optional K, M, G or T (powers of 1024) behind it. */
bool bt_number_size(struct bt_slice text, uint64_t max, uint64_t *ret);

/* Seconds with an optional fraction of up to three digits ("3", "0.1"), as ms. */
bool bt_number_seconds(struct bt_slice text, uint64_t max_ms, uint64_t *ret_ms);

/* "1.5 GiB", "312 B": at most 12 characters, for people.  Writes into out, returns it. */
enum { BT_SIZE_TEXT_SIZE = 24 };
const char *bt_size_text(uint64_t bytes, char out[static BT_SIZE_TEXT_SIZE]);

#endif
