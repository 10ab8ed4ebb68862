/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.h - now, deadlines, and times as text.
 *
 * Every wait in Baton takes a deadline: an instant of the monotonic clock in
 * milliseconds, made by bt_deadline_in() and asked by bt_deadline_left().
 * Wall-clock times are microseconds since 1970 UTC and are printed as RFC 3339.
 */
#ifndef BT_BASE_CLOCK_H
#define BT_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* An instant of CLOCK_MONOTONIC, in ms. */
struct bt_deadline {
    int64_t at_ms;
};

int64_t bt_clock_ms(void);      /* monotonic */
int64_t bt_clock_us(void);      /* monotonic */
int64_t bt_clock_wall_us(void); /* since 1970 UTC */

struct bt_deadline bt_deadline_in(int64_t ms);
struct bt_deadline bt_deadline_earlier(struct bt_deadline a, struct bt_deadline b);

/* Milliseconds left, 0 when passed; fits poll(2). */
int bt_deadline_left(struct bt_deadline d);
bool bt_deadline_passed(struct bt_deadline d);

/* Waits ms milliseconds or until the deadline, whichever comes first: the pause
 * of a loop that asks again for a condition. */
void bt_clock_pause(int64_t ms, struct bt_deadline until);

enum { BT_TIME_TEXT_SIZE = 40 };

/* "2026-11-22T14:36:30Z", with .mmm or .uuuuuu only when not zero.  Writes into
 * out and returns it. */
const char *bt_time_text(int64_t wall_us, char out[static BT_TIME_TEXT_SIZE]);

#endif
