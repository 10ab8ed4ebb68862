/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <limits.h>
#include <stdio.h>
#include <time.h>

static int64_t now_us(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t bt_clock_us(void)
{
    return now_us(CLOCK_MONOTONIC);
}

int64_t bt_clock_ms(void)
{
    return bt_clock_us() / 1000;
}

int64_t bt_clock_wall_us(void)
{
    return now_us(CLOCK_REALTIME);
}

struct bt_deadline bt_deadline_in(int64_t ms)
{
    return (struct bt_deadline){bt_clock_ms() + ms};
}

struct bt_deadline bt_deadline_earlier(struct bt_deadline a, struct bt_deadline b)
{
    return a.at_ms < b.at_ms ? a : b;
}

int bt_deadline_left(struct bt_deadline d)
{
    int64_t left = d.at_ms - bt_clock_ms();

    if (left <= 0)
        return 0;
    return left > INT_MAX ? INT_MAX : (int)left;
}

bool bt_deadline_passed(struct bt_deadline d)
{
    return bt_deadline_left(d) == 0;
}

void bt_clock_pause(int64_t ms, struct bt_deadline until)
{
    int left = bt_deadline_left(until);
    struct timespec t;

    if (ms > left)
        ms = left;
    t = (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

const char *bt_time_text(int64_t wall_us, char out[static BT_TIME_TEXT_SIZE])
{
    int64_t us = wall_us % 1000000;
    time_t seconds = (time_t)(wall_us / 1000000);
    struct tm utc;
    size_t at;

    if (us < 0) {
        us += 1000000;
        seconds--;
    }
    gmtime_r(&seconds, &utc);
    at = strftime(out, BT_TIME_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &utc);
    if (us % 1000 != 0)
        snprintf(out + at, BT_TIME_TEXT_SIZE - at, ".%06dZ", (int)us);
    else if (us != 0)
        snprintf(out + at, BT_TIME_TEXT_SIZE - at, ".%03dZ", (int)(us / 1000));
    else
        snprintf(out + at, BT_TIME_TEXT_SIZE - at, "Z");
    return out;
}
