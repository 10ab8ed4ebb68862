/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST_ROOM = 256 };

void bt_buf_init(struct bt_buf *b, size_t max)
{
    *b = (struct bt_buf){.max = max};
}

void bt_buf_done(struct bt_buf *b)
{
    free(b->data);
    bt_buf_init(b, b->max);
}

void bt_buf_reset(struct bt_buf *b)
{
    b->len = 0;
    b->failed = false;
}

uint8_t *bt_buf_grow(struct bt_buf *b, size_t n)
{
    size_t room = b->room ? b->room : FIRST_ROOM < b->max ? FIRST_ROOM
                                                          : b->max;
    uint8_t *data;

    if (b->failed || n > b->max - b->len) {
        b->failed = true;
        return NULL;
    }
    while (room - b->len < n)
        room = room > b->max / 2 ? b->max : room * 2;
    data = realloc(b->data, room);
    if (!data) {
        b->failed = true;
        return NULL;
    }
    b->data = data;
    b->room = room;
    return b->data + b->len;
}

bool bt_buf_add_le(struct bt_buf *b, uint64_t value, size_t n)
{
    uint64_t wire = htole64(value);

    return bt_buf_add(b, &wire, n);
}

bool bt_buf_addf(struct bt_buf *b, const char *fmt, ...)
{
    va_list args;
    char *at;
    int n;

    va_start(args, fmt);
    n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    at = n < 0 ? NULL : (char *)bt_buf_reserve(b, (size_t)n + 1);
    if (!at)
        return false;
    va_start(args, fmt);
    vsnprintf(at, (size_t)n + 1, fmt, args);
    va_end(args);
    b->len += (size_t)n;
    return true;
}

int bt_buf_check(const struct bt_buf *b, const char *what, struct bt_err *err)
{
    if (!b->failed)
        return 0;
    return bt_fail(err, BT_ERR_LIMIT, "%s does not fit in %zu bytes", what, b->max);
}

const char *bt_buf_str(struct bt_buf *b)
{
    uint8_t *at = bt_buf_reserve(b, 1);

    if (!at)
        return "";
    *at = '\0';
    return (const char *)b->data;
}
