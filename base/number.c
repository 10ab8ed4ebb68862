/* SPDX-License-Identifier: Apache-2.0 */
#include "base/number.h"

#include <stdio.h>

bool bt_number_u64(struct bt_slice text, uint64_t max, uint64_t *ret)
{
    uint64_t value = 0;

    if (text.len == 0)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = (unsigned)text.ptr[i] - '0';

        if (digit > 9 || __builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return false;
    }
    if (value > max)
        return false;
    *ret = value;
    return true;
}

/* The power of 1024 that a unit letter stands for, 0 if it is none. */
static unsigned unit_power(uint8_t letter)
{
    switch (letter) {
    case 'k':
    case 'K': return 1;
    case 'm':
    case 'M': return 2;
    case 'g':
    case 'G': return 3;
    case 't':
    case 'T': return 4;
    default: return 0;
    }
}

bool bt_number_size(struct bt_slice text, uint64_t max, uint64_t *ret)
{
    unsigned power = text.len ? unit_power(text.ptr[text.len - 1]) : 0;
    uint64_t value;

    if (power)
        text.len--;
    if (!bt_number_u64(text, UINT64_MAX, &value) ||
        __builtin_mul_overflow(value, 1ull << 10 * power, &value) || value > max)
        return false;
    *ret = value;
    return true;
}

bool bt_number_seconds(struct bt_slice text, uint64_t max_ms, uint64_t *ret_ms)
{
    const uint8_t *dot = text.len ? memchr(text.ptr, '.', text.len) : NULL;
    struct bt_slice whole = dot ? bt_slice(text.ptr, (size_t)(dot - text.ptr)) : text;
    uint64_t seconds, ms = 0;

    if (!bt_number_u64(whole, UINT64_MAX / 2000, &seconds))
        return false;
    if (dot) {
        struct bt_slice fraction = bt_slice(dot + 1, text.len - whole.len - 1);

        if (fraction.len > 3 || !bt_number_u64(fraction, 999, &ms))
            return false;
        for (size_t i = fraction.len; i < 3; i++)
            ms *= 10;
    }
    if (seconds * 1000 + ms > max_ms)
        return false;
    *ret_ms = seconds * 1000 + ms;
    return true;
}

const char *bt_size_text(uint64_t bytes, char out[static BT_SIZE_TEXT_SIZE])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes;
    int unit = 0;

    while (value >= 1023.95 && unit < 6) {
        value /= 1024;
        unit++;
    }
    snprintf(out, BT_SIZE_TEXT_SIZE, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
    return out;
}
