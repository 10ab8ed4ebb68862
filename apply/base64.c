/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/base64.h"

#include <pthread.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The two digits of every 12-bit number. */
static char pairs[4096][2];
static pthread_once_t pairs_once = PTHREAD_ONCE_INIT;

static void make_pairs(void)
{
    for (unsigned i = 0; i < 4096; i++) {
        pairs[i][0] = digits[i >> 6];
        pairs[i][1] = digits[i & 63];
    }
}

bool bt_base64_add(struct bt_buf *out, struct bt_slice bytes)
{
    size_t room = bt_base64_length(bytes.len);
    const uint8_t *from = bytes.ptr;
    size_t left = bytes.len;
    uint8_t *to = bt_buf_reserve(out, room);

    if (!to)
        return false;
    pthread_once(&pairs_once, make_pairs);
    for (; left >= 3; left -= 3, from += 3, to += 4) {
        uint32_t bits = (uint32_t)from[0] << 16 | (uint32_t)from[1] << 8 | from[2];

        memcpy(to, pairs[bits >> 12], 2);
        memcpy(to + 2, pairs[bits & 4095], 2);
    }
    if (left > 0) {
        uint32_t bits = (uint32_t)from[0] << 16 | (left > 1 ? (uint32_t)from[1] << 8 : 0);

        memcpy(to, pairs[bits >> 12], 2);
        to[2] = left > 1 ? (uint8_t)digits[bits >> 6 & 63] : '=';
        to[3] = '=';
    }
    bt_buf_commit(out, room);
    return true;
}
