/* SPDX-License-Identifier: Apache-2.0 */
#include "base/quote.h"

enum { BLOCK = 16 };

static const char digits[] = "0123456789ABCDEF";

size_t bt_utf8_length(const uint8_t *p, size_t left)
{
    uint8_t a = p[0];
    size_t len = a < 0x80 ? 1 : a < 0xc2 ? 0
                            : a < 0xe0   ? 2
                            : a < 0xf0   ? 3
                            : a < 0xf5   ? 4
                                         : 0;

    if (len > left)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((a == 0xe0 && p[1] < 0xa0) || (a == 0xed && p[1] > 0x9f) || (a == 0xf0 && p[1] < 0x90) ||
        (a == 0xf4 && p[1] > 0x8f))
        return 0;
    return len;
}

/* Copies a block; true when nothing in it needs a second look.  Written so that compilers make it a
 * handful of vector instructions. */
static inline bool copy_block(uint8_t *at, const uint8_t *p)
{
    uint8_t odd = 0;

    for (int i = 0; i < BLOCK; i++) {
        uint8_t c = p[i];

        at[i] = c;
        odd |= (uint8_t)((c < 0x20) | (c == '"') | (c == '\\') | (c > 0x7e));
    }
    return odd == 0;
}

static inline uint64_t zero_bytes(uint64_t x)
{
    return (x - 0x0101010101010101) & ~x & 0x8080808080808080;
}

/* The same for 8 bytes; also takes 0x7f for plain, which JSON allows. */
static inline bool copy_8(uint8_t *at, const uint8_t *p)
{
    uint64_t x;

    memcpy(&x, p, sizeof(x));
    memcpy(at, &x, sizeof(x));
    return ((x | ((x - 0x2020202020202020) & ~x)) & 0x8080808080808080) == 0 &&
           (zero_bytes(x ^ 0x2222222222222222) | zero_bytes(x ^ 0x5c5c5c5c5c5c5c5c)) == 0;
}

static uint8_t *put_escape(uint8_t *at, uint8_t c)
{
    static const char short_forms[] = {
        ['"'] = '"',
        ['\\'] = '\\',
        ['\b'] = 'b',
        ['\f'] = 'f',
        ['\n'] = 'n',
        ['\r'] = 'r',
        ['\t'] = 't',
    };

    *at++ = '\\';
    if (c < sizeof(short_forms) && short_forms[c]) {
        *at++ = (uint8_t)short_forms[c];
        return at;
    }
    memcpy(at, "u00", 3);
    at[3] = (uint8_t)digits[c >> 4];
    at[4] = (uint8_t)digits[c & 15];
    return at + 5;
}

uint8_t *bt_quote_at(uint8_t *at, struct bt_slice text)
{
    const uint8_t *p = text.ptr, *end = text.ptr + text.len;

    *at++ = '"';
    while (p < end) {
        const uint8_t *stop;

        if (end - p >= BLOCK && copy_block(at, p)) {
            p += BLOCK;
            at += BLOCK;
            continue;
        }
        if (end - p >= 8 && copy_8(at, p)) {
            p += 8;
            at += 8;
            continue;
        }
        stop = end - p > BLOCK ? p + BLOCK : end;
        while (p < stop) {
            size_t len;

            if (*p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\') {
                *at++ = *p++;
                continue;
            }
            len = bt_utf8_length(p, (size_t)(end - p));
            if (len == 0)
                return NULL;
            if (len == 1) {
                at = put_escape(at, *p++);
                continue;
            }
            memcpy(at, p, len);
            at += len;
            p += len;
        }
    }
    *at++ = '"';
    return at;
}

uint8_t *bt_quote_hex_at(uint8_t *at, struct bt_slice bytes)
{
    *at++ = '"';
    *at++ = '0';
    *at++ = 'x';
    for (size_t i = 0; i < bytes.len; i++) {
        *at++ = (uint8_t)digits[bytes.ptr[i] >> 4];
        *at++ = (uint8_t)digits[bytes.ptr[i] & 15];
    }
    *at++ = '"';
    return at;
}
