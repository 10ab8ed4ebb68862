/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digits.h - integers as decimal digits, written straight to memory.
 *
 * For inner loops that print millions of numbers.  Each function writes at `at`, which has room
 * (20 bytes for any u64, 20 for any i64), and returns the end of what it wrote.  No NUL.
 */
#ifndef BT_BASE_DIGITS_H
#define BT_BASE_DIGITS_H

#include <stdint.h>
#include <string.h>

enum { BT_DIGITS_MAX = 20 };

extern const char bt_digit_pairs[201]; /* "000102...99" */

/* Two digits of a number under 100. */
static inline char *bt_put_2(char *at, unsigned value)
{
    memcpy(at, bt_digit_pairs + 2 * value, 2);
    return at + 2;
}

/* Exactly count digits of value, which has no more; zeros in front. */
static inline char *bt_put_padded(char *at, uint64_t value, unsigned count)
{
    unsigned left = count;

    while (left >= 2) {
        left -= 2;
        memcpy(at + left, bt_digit_pairs + 2 * (value % 100), 2);
        value /= 100;
    }
    if (left)
        *at = (char)('0' + value % 10);
    return at + count;
}

static inline unsigned bt_digit_count(uint64_t value)
{
    unsigned count = 1;

    for (;;) {
        if (value < 10)
            return count;
        if (value < 100)
            return count + 1;
        if (value < 1000)
            return count + 2;
        if (value < 10000)
            return count + 3;
        value /= 10000;
        count += 4;
    }
}

static inline char *bt_put_u64(char *at, uint64_t value)
{
    if (value < 10) {
        *at = (char)('0' + value);
        return at + 1;
    }
    return bt_put_padded(at, value, bt_digit_count(value));
}

static inline char *bt_put_i64(char *at, int64_t value)
{
    if (value >= 0)
        return bt_put_u64(at, (uint64_t)value);
    *at = '-';
    return bt_put_u64(at + 1, 0 - (uint64_t)value);
}

#endif
