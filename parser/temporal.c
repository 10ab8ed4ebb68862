/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/temporal.h"

#include "base/digits.h"

static const uint32_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000};

/* A fraction of `digits` digits as logged, in hundredths per byte, to microseconds. */
static int64_t fraction_to_us(int64_t raw, unsigned digits)
{
    static const int32_t factor[] = {0, 10000, 10000, 100, 100, 1, 1};

    return raw * factor[digits];
}

/* ------------------------------------------------------------- new formats */

bool bt_timestamp2_read(struct bt_cursor *c, unsigned digits, int64_t *ret)
{
    uint64_t seconds, fraction = 0;

    if (!bt_cur_be(c, 4, &seconds) ||
        (digits && !bt_cur_be(c, bt_fraction_size(digits), &fraction)))
        return false;
    *ret = (int64_t)seconds * 1000000 + fraction_to_us((int64_t)fraction, digits);
    return true;
}

bool bt_datetime2_read(struct bt_cursor *c, unsigned digits, int64_t *ret)
{
    uint64_t whole, fraction = 0;

    if (!bt_cur_be(c, 5, &whole) ||
        (digits && !bt_cur_be(c, bt_fraction_size(digits), &fraction)))
        return false;
    *ret = ((int64_t)whole - 0x8000000000) * (1 << 24) + fraction_to_us((int64_t)fraction, digits);
    return true;
}

bool bt_time2_read(struct bt_cursor *c, unsigned digits, int64_t *ret)
{
    unsigned size = bt_fraction_size(digits);
    uint64_t raw;
    int64_t both, whole, fraction;

    if (!bt_cur_be(c, 3 + size, &raw))
        return false;
    /* The whole is two's complement around 0x800000 with the fraction below it, so that a negative
     * time with a fraction has borrowed one from its seconds. */
    both = (int64_t)raw - ((int64_t)0x800000 << 8 * size);
    whole = both / (1 << 8 * size);
    fraction = both % (1 << 8 * size);
    *ret = whole * (1 << 24) + fraction_to_us(fraction, digits);
    return true;
}

/* ------------------------------------------------------------- old formats */

static int64_t pack(uint64_t year, uint64_t month, uint64_t day, uint64_t hms)
{
    return (int64_t)((((year * 13 + month) << 5 | day) << 17 | hms) << 24);
}

int64_t bt_date_from_3_bytes(uint32_t raw)
{
    return pack(raw >> 9 & 0x7fff, (raw >> 5 & 15) % 13, raw & 31, 0);
}

int64_t bt_datetime_from_number(uint64_t n)
{
    uint64_t date = n / 1000000 % 100000000, time = n % 1000000;

    return pack(date / 10000, date / 100 % 100 % 13, date % 100 & 31,
                (time / 10000 & 31) << 12 | (time / 100 % 100 & 63) << 6 | (time % 100 & 63));
}

int64_t bt_time_from_number(int32_t n)
{
    uint64_t time = (uint64_t)(n < 0 ? -(int64_t)n : n);
    int64_t packed = (int64_t)((time / 10000) << 12 | (time / 100 % 100 & 63) << 6 |
                               (time % 100 & 63)) *
                     (1 << 24);

    return n < 0 ? -packed : packed;
}

/* --------------------------------------------------- MariaDB's old fractions */

bool bt_timestamp_hires_read(struct bt_cursor *c, unsigned digits, int64_t *ret)
{
    uint64_t seconds, fraction;

    if (!bt_cur_be(c, 4, &seconds) || !bt_cur_be(c, bt_fraction_size(digits), &fraction))
        return false;
    if (fraction >= powers[digits])
        return false;
    *ret = (int64_t)(seconds * 1000000 + fraction * powers[6 - digits]);
    return true;
}

/* The number is all the fields in a mixed radix (sql-common/my_time.c pack_time, MariaDB 10.11):
 * ((((year * 13 + month) * 32 + day) * 24 + hour) * 60 + minute) * 60 + second, * 10^digits. */
bool bt_datetime_hires_read(struct bt_cursor *c, unsigned digits, int64_t *ret)
{
    static const uint8_t size[] = {5, 6, 6, 7, 7, 7, 8};
    uint64_t raw, us, second, minute, hour, day, month;

    if (!bt_cur_be(c, size[digits], &raw))
        return false;
    us = raw % powers[digits] * powers[6 - digits];
    raw /= powers[digits];
    second = raw % 60;
    raw /= 60;
    minute = raw % 60;
    raw /= 60;
    hour = raw % 24;
    raw /= 24;
    day = raw % 32;
    raw /= 32;
    month = raw % 13;
    raw /= 13;
    *ret = pack(raw % 10000, month, day, hour << 12 | minute << 6 | second) + (int64_t)us;
    return true;
}

/* The time plus 839 hours, so that it is never negative
 * (sql/field.cc Field_time_hires::zero_point, MariaDB 10.11). */
bool bt_time_hires_read(struct bt_cursor *c, unsigned digits, int64_t *ret)
{
    static const uint8_t size[] = {3, 4, 4, 5, 5, 5, 6};
    const int64_t seconds_max = 838 * 3600 + 59 * 60 + 59;
    int64_t zero = (seconds_max + 1) * powers[digits], value;
    uint64_t raw, whole;

    if (!bt_cur_be(c, size[digits], &raw))
        return false;
    value = (int64_t)raw - zero;
    raw = (uint64_t)(value < 0 ? -value : value);
    whole = raw / powers[digits];
    *ret = (int64_t)(((whole / 3600) << 12 | (whole / 60 % 60) << 6 | whole % 60) << 24) +
           (int64_t)(raw % powers[digits] * powers[6 - digits]);
    if (value < 0)
        *ret = -*ret;
    return true;
}

/* -------------------------------------------------------------------- text */

static char *put_fraction(char *at, uint64_t us, unsigned digits)
{
    if (digits == 0)
        return at;
    *at++ = '.';
    return bt_put_padded(at, us / powers[6 - digits], digits);
}

static char *put_year(char *at, uint64_t year)
{
    return year < 10000 ? bt_put_padded(at, year, 4) : bt_put_u64(at, year);
}

static char *put_ymd(char *at, uint64_t year, unsigned month, unsigned day)
{
    at = put_year(at, year);
    *at++ = '-';
    at = bt_put_2(at, month);
    *at++ = '-';
    return bt_put_2(at, day);
}

static char *put_hms(char *at, uint64_t hour, unsigned minute, unsigned second)
{
    at = hour < 100 ? bt_put_2(at, (unsigned)hour) : bt_put_u64(at, hour);
    *at++ = ':';
    at = bt_put_2(at, minute);
    *at++ = ':';
    return bt_put_2(at, second);
}

char *bt_date_text(int64_t value, char *at)
{
    uint64_t ymd = (uint64_t)value >> 41, ym = ymd >> 5;

    return put_ymd(at, ym / 13, (unsigned)(ym % 13), ymd & 31);
}

char *bt_datetime_text(int64_t value, unsigned digits, char *at)
{
    uint64_t v = (uint64_t)value, hms = v >> 24 & 0x1ffff;

    at = bt_date_text(value, at);
    *at++ = ' ';
    at = put_hms(at, hms >> 12, hms >> 6 & 63, hms & 63);
    return put_fraction(at, (v & 0xffffff) % 1000000, digits);
}

char *bt_sql_time_text(int64_t value, unsigned digits, char *at)
{
    uint64_t v = value < 0 ? 0 - (uint64_t)value : (uint64_t)value, hms = v >> 24;

    if (value < 0)
        *at++ = '-';
    at = put_hms(at, hms >> 12, hms >> 6 & 63, hms & 63);
    return put_fraction(at, (v & 0xffffff) % 1000000, digits);
}

char *bt_timestamp_text(int64_t microseconds, unsigned digits, char *at)
{
    uint64_t us = (uint64_t)(microseconds < 0 ? 0 : microseconds);
    uint64_t seconds = us / 1000000, of_day = seconds % 86400;
    /* Days since 0000-03-01 in eras of 400 years: the leap day ends each year. */
    uint64_t days = seconds / 86400 + 719468, era = days / 146097, of_era = days % 146097;
    uint64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    uint64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned shifted = (unsigned)((5 * of_year + 2) / 153); /* months since March */
    unsigned day = (unsigned)(of_year - (153 * shifted + 2) / 5 + 1);
    unsigned month = shifted < 10 ? shifted + 3 : shifted - 9;

    if (us == 0)
        at = put_ymd(at, 0, 0, 0);
    else
        at = put_ymd(at, year_of_era + era * 400 + (month <= 2), month, day);
    *at++ = ' ';
    at = put_hms(at, of_day / 3600, (unsigned)(of_day / 60 % 60), (unsigned)(of_day % 60));
    return put_fraction(at, us % 1000000, digits);
}
