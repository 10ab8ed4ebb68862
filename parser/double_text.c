/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/double_text.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/digits.h"

enum {
    PLAIN_EXPONENT_MAX = 15, /* DBL_DIG: my_gcvt's MAX_DECPT_FOR_F_FORMAT */
    EXACT_DIGITS = 15,       /* a decimal of so many digits survives a double */
};

/* Powers of ten that a double holds exactly. */
static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
                                1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* digits without zeros at the end, times 10^(point - count): 0.digits * 10^point. */
static char *put_number(char *at, const char *digits, int count, int point)
{
    int exponent = point - 1;

    if (point < -PLAIN_EXPONENT_MAX + 1 || point > PLAIN_EXPONENT_MAX) {
        *at++ = digits[0];
        if (count > 1) {
            *at++ = '.';
            memcpy(at, digits + 1, (size_t)count - 1);
            at += count - 1;
        }
        *at++ = 'e';
        return bt_put_i64(at, exponent);
    }
    if (point <= 0) {
        *at++ = '0';
        *at++ = '.';
        for (int i = point; i < 0; i++)
            *at++ = '0';
        memcpy(at, digits, (size_t)count);
        return at + count;
    }
    for (int i = 0; i < point; i++)
        *at++ = i < count ? digits[i] : '0';
    if (count > point) {
        *at++ = '.';
        memcpy(at, digits + point, (size_t)(count - point));
        at += count - point;
    }
    return at;
}

/* value = mantissa / 10^scale, the mantissa being an integer of at most 15 digits. */
static char *put_scaled(char *at, uint64_t mantissa, int scale)
{
    char digits[BT_DIGITS_MAX];
    int count, point;

    count = (int)(bt_put_u64(digits, mantissa) - digits);
    point = count - scale;
    while (count > 1 && digits[count - 1] == '0')
        count--;
    return put_number(at, digits, count, point);
}

/* The slow way, for the few numbers that need more than 15 digits or have a far exponent. */
static char *put_by_trying(double value, bool is_float, char *at)
{
    char text[48], digits[24];
    int count = 0, exponent;
    const char *e;
    /* Numbers under the normal ones have fewer good digits. */
    int first = is_float ? (value < 1.2e-38 ? 1 : 6) : value < 2.3e-308 ? 1
                                                                        : EXACT_DIGITS;

    for (int n = first; n <= 17; n++) {
        snprintf(text, sizeof(text), "%.*e", n - 1, value);
        if (is_float ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value)
            break;
    }
    for (e = text; *e && *e != 'e'; e++)
        if (*e != '.' && count < (int)sizeof(digits))
            digits[count++] = *e;
    exponent = (int)strtol(*e ? e + 1 : "0", NULL, 10);
    while (count > 1 && digits[count - 1] == '0')
        count--;
    return put_number(at, digits, count, exponent + 1);
}

static char *put_special(double value, char *at)
{
    const char *text = isnan(value) ? "nan" : value < 0 ? "-inf"
                                                        : "inf";
    size_t len = strlen(text);

    memcpy(at, text, len);
    return at + len;
}

char *bt_double_text(double value, char at[static BT_DOUBLE_TEXT_SIZE])
{
    char *out = at;

    if (!isfinite(value))
        return put_special(value, out);
    if (signbit(value)) {
        *out++ = '-';
        value = -value;
    }
    if (value < 1e15 && value == (double)(uint64_t)value)
        return bt_put_u64(out, (uint64_t)value);
    if (value < 1e15 && value >= 1e-5) {
        for (int scale = 1; scale < 20; scale++) {
            double scaled = value * powers[scale];

            if (scaled >= 1e15)
                break;
            scaled = rint(scaled);
            if (scaled / powers[scale] == value)
                return put_scaled(out, (uint64_t)scaled, scale);
        }
    }
    return put_by_trying(value, false, out);
}

char *bt_float_text(float value, char at[static BT_DOUBLE_TEXT_SIZE])
{
    char *out = at;
    double wide = (double)value;

    if (!isfinite(value))
        return put_special(wide, out);
    if (signbit(value)) {
        *out++ = '-';
        wide = -wide;
    }
    if (wide < 1e6 && wide == (double)(uint32_t)wide)
        return bt_put_u64(out, (uint64_t)wide);
    if (wide < 1e9 && wide >= 1e-5) {
        for (int scale = 1; scale < 15; scale++) {
            double scaled = rint(wide * powers[scale]);

            if (scaled >= 1e15)
                break;
            if ((float)(scaled / powers[scale]) == (float)wide)
                return put_scaled(out, (uint64_t)scaled, scale);
        }
    }
    return put_by_trying(wide, true, out);
}
