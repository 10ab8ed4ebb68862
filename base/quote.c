/* SPDX-License-Identifier: Apache-2.0 */
#include "base/quote.h"

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

/* 16 bytes side by side, and what compilers make of it where there are no such registers. */
typedef int8_t bytes16 __attribute__((vector_size(16)));
typedef uint64_t words2 __attribute__((vector_size(16)));
enum { BLOCK = sizeof(bytes16) };

/* The three copy and say whether nothing in the bytes needs a second look: all are printable ASCII
 * (0x7f, which JSON allows, included) and neither a quote nor a backslash. */

static inline bool copy_16(uint8_t *at, const uint8_t *p)
{
    bytes16 x;
    words2 odd;

    memcpy(&x, p, sizeof(x));
    memcpy(at, &x, sizeof(x));
    /* below 0x20 as signed is also 0x80 up */
    odd = (words2)((x < 0x20) | (x == 0x22) | (x == 0x5c));
    return (odd[0] | odd[1]) == 0;
}

static inline uint64_t zero_bytes(uint64_t x)
{
    return (x - 0x0101010101010101) & ~x & 0x8080808080808080;
}

static inline bool is_plain_8(uint64_t x)
{
    return ((x | ((x - 0x2020202020202020) & ~x)) & 0x8080808080808080) == 0 &&
           (zero_bytes(x ^ 0x2222222222222222) | zero_bytes(x ^ 0x5c5c5c5c5c5c5c5c)) == 0;
}

static inline bool copy_8(uint8_t *at, const uint8_t *p)
{
    uint64_t x;

    memcpy(&x, p, sizeof(x));
    memcpy(at, &x, sizeof(x));
    return is_plain_8(x);
}

static inline bool copy_4(uint8_t *at, const uint8_t *p)
{
    uint32_t x;

    memcpy(&x, p, sizeof(x));
    memcpy(at, &x, sizeof(x));
    return is_plain_8((uint64_t)x << 32 | x);
}

/* The last n bytes, under BLOCK, by two that overlap. */
static inline bool copy_tail(uint8_t *at, const uint8_t *p, size_t n)
{
    if (n >= 8)
        return copy_8(at, p) && copy_8(at + n - 8, p + n - 8);
    if (n >= 4)
        return copy_4(at, p) && copy_4(at + n - 4, p + n - 4);
    return false;
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

/* One byte or character that needs a look, or a plain one among such; NULL when it may not be. */
static inline uint8_t *put_careful(uint8_t *at, const uint8_t **p, const uint8_t *end,
                                   bool only_ascii)
{
    uint8_t c = **p;
    size_t len;

    if (c < 0x80) {
        *p += 1;
        if (c < 0x20 || c == '"' || c == '\\')
            return put_escape(at, c);
        *at++ = c;
        return at;
    }
    len = only_ascii ? 0 : bt_utf8_length(*p, (size_t)(end - *p));
    if (len == 0)
        return NULL;
    for (size_t i = 0; i < len; i++)
        *at++ = *(*p)++;
    return at;
}

/* Without the quotes; NULL when text may not be. */
static inline uint8_t *body(uint8_t *at, struct bt_slice text, bool only_ascii)
{
    const uint8_t *p = text.ptr, *end = text.ptr + text.len;

    for (;;) {
        const uint8_t *stop;

        while (end - p >= BLOCK && copy_16(at, p)) {
            p += BLOCK;
            at += BLOCK;
        }
        if (end - p < BLOCK && copy_tail(at, p, (size_t)(end - p)))
            return at + (end - p);
        if (p == end)
            return at;
        stop = end - p > BLOCK ? p + BLOCK : end;
        while (p < stop) {
            at = put_careful(at, &p, end, only_ascii);
            if (!at)
                return NULL;
        }
    }
}

static inline uint8_t *quote(uint8_t *at, struct bt_slice text, bool only_ascii)
{
    *at++ = '"';
    at = body(at, text, only_ascii);
    if (at)
        *at++ = '"';
    return at;
}

uint8_t *bt_quote_at(uint8_t *at, struct bt_slice text)
{
    return quote(at, text, false);
}

uint8_t *bt_quote_ascii_at(uint8_t *at, struct bt_slice text)
{
    return quote(at, text, true);
}

uint8_t *bt_quote_inside_at(uint8_t *at, struct bt_slice text)
{
    return body(at, text, false);
}

uint8_t *bt_hex_at(uint8_t *at, struct bt_slice bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        *at++ = (uint8_t)digits[bytes.ptr[i] >> 4];
        *at++ = (uint8_t)digits[bytes.ptr[i] & 15];
    }
    return at;
}

uint8_t *bt_quote_hex_at(uint8_t *at, struct bt_slice bytes)
{
    memcpy(at, "\"0x", 3);
    at = bt_hex_at(at + 3, bytes);
    *at++ = '"';
    return at;
}
