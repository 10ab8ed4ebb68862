/* SPDX-License-Identifier: Apache-2.0 */
/*
 * temporal.h - dates and times as rows hold them, and as people read them.
 *
 * In memory they are one signed 64-bit number that sorts like the moment it means, the server's
 * own packing (include/my_time.h TIME_to_longlong_packed, MySQL 8.0.43):
 *
 *   DATE, DATETIME   ((year * 13 + month) << 5 | day) << 17 | hour << 12 | minute << 6 | second,
 *                    << 24, + microseconds
 *   TIME             (hours << 12 | minute << 6 | second) << 24, + microseconds, negated as a whole
 *   TIMESTAMP        microseconds since 1970-01-01 UTC; 0 is the zero date
 *
 * Printing never fails and never overruns, whatever the number: a damaged one prints odd digits.
 */
#ifndef BT_PARSER_TEMPORAL_H
#define BT_PARSER_TEMPORAL_H

#include "base/slice.h"

enum { BT_TEMPORAL_TEXT_SIZE = 40 };

/* Bytes of the fraction behind a value of these digits: 0, 1, 1, 2, 2, 3, 3. */
static inline unsigned bt_fraction_size(unsigned digits)
{
    return (digits + 1) / 2;
}

/* ---- the formats with "2" (types 17, 18, 19): MySQL >= 5.6, MariaDB >= 10.1.2 */

bool bt_timestamp2_read(struct bt_cursor *c, unsigned digits, int64_t *ret) BT_MUST_CHECK;
bool bt_datetime2_read(struct bt_cursor *c, unsigned digits, int64_t *ret) BT_MUST_CHECK;
bool bt_time2_read(struct bt_cursor *c, unsigned digits, int64_t *ret) BT_MUST_CHECK;

/* ---- the old formats (types 10, 11, 12, 14) */

int64_t bt_date_from_3_bytes(uint32_t raw);  /* day | month << 5 | year << 9 */
int64_t bt_datetime_from_number(uint64_t n); /* YYYYMMDDhhmmss */
int64_t bt_time_from_number(int32_t n);      /* hhmmss, signed */

/* ---- MariaDB 5.3 to 10.0, and mysql56_temporal_format=OFF: the old types with fractions.  The log
 * does not tell them from the old formats; a schema must (sql/sql_type.cc, MariaDB 10.11). */

bool bt_timestamp_hires_read(struct bt_cursor *c, unsigned digits, int64_t *ret) BT_MUST_CHECK;
bool bt_datetime_hires_read(struct bt_cursor *c, unsigned digits, int64_t *ret) BT_MUST_CHECK;
bool bt_time_hires_read(struct bt_cursor *c, unsigned digits, int64_t *ret) BT_MUST_CHECK;

/* ---- text: writes at `at`, which has BT_TEMPORAL_TEXT_SIZE bytes, returns the end; digits of the
 * fraction from 0 to 6 */

char *bt_date_text(int64_t value, char *at);
char *bt_datetime_text(int64_t value, unsigned digits, char *at);
char *bt_sql_time_text(int64_t value, unsigned digits, char *at);
char *bt_timestamp_text(int64_t microseconds, unsigned digits, char *at);

#endif
