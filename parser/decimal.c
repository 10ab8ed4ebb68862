/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/decimal.h"

#include "base/digits.h"

enum { GROUP = 9 };

static const uint8_t size_of_digits[GROUP + 1] = {0, 1, 1, 2, 2, 3, 3, 4, 4, 4};
static const uint32_t powers[GROUP + 1] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000,
                                           100000000, 1000000000};

size_t bt_decimal_size(unsigned precision, unsigned scale)
{
    unsigned whole = precision - scale;

    if (precision < 1 || precision > BT_DECIMAL_PRECISION_MAX || scale > precision)
        return 0;
    return whole / GROUP * 4u + size_of_digits[whole % GROUP] + scale / GROUP * 4u +
           size_of_digits[scale % GROUP];
}

/* Reads the number of `digits` digits at c; flip is what its bits were inverted with. */
static bool take_group(struct bt_cursor *c, unsigned digits, uint8_t flip, uint8_t first_flip,
                       uint32_t *ret)
{
    uint32_t value = 0;
    struct bt_slice bytes;

    if (!bt_cur_take(c, size_of_digits[digits], &bytes))
        return false;
    for (size_t i = 0; i < bytes.len; i++)
        value = value << 8 | (uint8_t)(bytes.ptr[i] ^ flip ^ (i == 0 ? first_flip : 0));
    *ret = value;
    return value < powers[digits];
}

char *bt_decimal_text(struct bt_slice bytes, unsigned precision, unsigned scale,
                      char at[static BT_DECIMAL_TEXT_SIZE])
{
    struct bt_cursor c = bt_cursor(bytes);
    unsigned whole = precision - scale, left = whole;
    bool is_negative = bytes.len > 0 && !(bytes.ptr[0] & 0x80);
    uint8_t flip = is_negative ? 0xff : 0, first = 0x80;
    char *out = at, *begin;
    uint32_t value;

    if (is_negative)
        *out++ = '-';
    begin = out;
    while (left > 0) {
        unsigned digits = left % GROUP ? left % GROUP : GROUP;

        if (!take_group(&c, digits, flip, first, &value))
            return NULL;
        first = 0;
        left -= digits;
        if (out > begin)
            out = bt_put_padded(out, value, digits);
        else if (value > 0)
            out = bt_put_u64(out, value);
    }
    if (out == begin)
        *out++ = '0';
    if (scale == 0)
        return out;
    *out++ = '.';
    for (left = scale; left > 0;) {
        unsigned digits = left < GROUP ? left : GROUP;

        if (!take_group(&c, digits, flip, first, &value))
            return NULL;
        first = 0;
        left -= digits;
        out = bt_put_padded(out, value, digits);
    }
    return out;
}
