/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slice.h - borrowed bytes, and the checked cursor that reads them.
 *
 * A slice never owns and is never NULL.  The cursor is the only code in the tree
 * that turns untrusted bytes into numbers: each getter returns true and moves, or
 * returns false and moves nothing, so that a decoder is a chain of && in format
 * order.  Lengths are compared against what is left, never added to positions.
 */
#ifndef BT_BASE_SLICE_H
#define BT_BASE_SLICE_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"

struct bt_slice {
    const uint8_t *ptr;
    size_t len;
};

/* For printf: "%.*s" takes BT_SLICE_ARG(s). */
#define BT_SLICE_ARG(s) (int)((s).len > 4096 ? 4096 : (s).len), (const char *)(s).ptr

static inline struct bt_slice bt_slice(const void *ptr, size_t len)
{
    return (struct bt_slice){len ? ptr : (const void *)"", len};
}

static inline struct bt_slice bt_slice_str(const char *string)
{
    return (struct bt_slice){(const uint8_t *)string, strlen(string)};
}

static inline struct bt_slice bt_slice_empty(void)
{
    return (struct bt_slice){(const uint8_t *)"", 0};
}

static inline bool bt_slice_equal(struct bt_slice a, struct bt_slice b)
{
    return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

static inline bool bt_slice_equal_str(struct bt_slice a, const char *b)
{
    return bt_slice_equal(a, bt_slice_str(b));
}

static inline bool bt_slice_starts_with(struct bt_slice a, const char *prefix)
{
    size_t len = strlen(prefix);

    return a.len >= len && memcmp(a.ptr, prefix, len) == 0;
}

/* Eight bytes as a word in whatever order: to look at many at once, never to read a number. */
static inline uint64_t bt_bytes8(const uint8_t *bytes)
{
    uint64_t word;

    memcpy(&word, bytes, sizeof(word));
    return word;
}

/* ------------------------------------------------------------------ cursor */

struct bt_cursor {
    const uint8_t *at;
    size_t left; /* bytes not read yet */
};

static inline struct bt_cursor bt_cursor(struct bt_slice bytes)
{
    return (struct bt_cursor){bytes.ptr, bytes.len};
}

/* What is left, without moving. */
static inline struct bt_slice bt_cur_rest(const struct bt_cursor *c)
{
    return (struct bt_slice){c->at, c->left};
}

BT_INLINE BT_MUST_CHECK bool bt_cur_skip(struct bt_cursor *c, uint64_t n)
{
    if (n > c->left)
        return false;
    c->at += n;
    c->left -= (size_t)n;
    return true;
}

/* Borrows the next n bytes into *ret. */
BT_INLINE BT_MUST_CHECK bool bt_cur_take(struct bt_cursor *c, uint64_t n, struct bt_slice *ret)
{
    if (n > c->left)
        return false;
    *ret = (struct bt_slice){c->at, (size_t)n};
    c->at += n;
    c->left -= (size_t)n;
    return true;
}

/* Copies the next n bytes to dst. */
BT_INLINE BT_MUST_CHECK bool bt_cur_copy(struct bt_cursor *c, size_t n, void *dst)
{
    if (n > c->left)
        return false;
    memcpy(dst, c->at, n);
    c->at += n;
    c->left -= n;
    return true;
}

/* Little-endian numbers of 1, 2, 4, 8 bytes: one load each. */
BT_INLINE BT_MUST_CHECK bool bt_cur_u8(struct bt_cursor *c, uint8_t *ret)
{
    return bt_cur_copy(c, 1, ret);
}

BT_INLINE BT_MUST_CHECK bool bt_cur_u16(struct bt_cursor *c, uint16_t *ret)
{
    uint16_t raw;

    if (!bt_cur_copy(c, sizeof(raw), &raw))
        return false;
    *ret = le16toh(raw);
    return true;
}

BT_INLINE BT_MUST_CHECK bool bt_cur_u32(struct bt_cursor *c, uint32_t *ret)
{
    uint32_t raw;

    if (!bt_cur_copy(c, sizeof(raw), &raw))
        return false;
    *ret = le32toh(raw);
    return true;
}

BT_INLINE BT_MUST_CHECK bool bt_cur_u64(struct bt_cursor *c, uint64_t *ret)
{
    uint64_t raw;

    if (!bt_cur_copy(c, sizeof(raw), &raw))
        return false;
    *ret = le64toh(raw);
    return true;
}

/* Little-endian number of n bytes, n from 1 to 8.  Where 8 are there it is one load whatever n is.
 */
BT_INLINE BT_MUST_CHECK bool bt_cur_le(struct bt_cursor *c, size_t n, uint64_t *ret)
{
    uint64_t raw = 0;

    if (n - 1 >= sizeof(raw) || n > c->left)
        return false;
    if (c->left >= sizeof(raw))
        raw = le64toh(bt_bytes8(c->at)) << (64 - 8 * n) >> (64 - 8 * n);
    else
        for (size_t i = 0; i < n; i++)
            raw |= (uint64_t)c->at[i] << 8 * i;
    c->at += n;
    c->left -= n;
    *ret = raw;
    return true;
}

/* Big-endian number of n bytes, n from 1 to 8. */
static inline BT_MUST_CHECK bool bt_cur_be(struct bt_cursor *c, size_t n, uint64_t *ret)
{
    uint64_t value = 0;

    if (n > sizeof(value) || n > c->left)
        return false;
    for (size_t i = 0; i < n; i++)
        value = value << 8 | c->at[i];
    c->at += n;
    c->left -= n;
    *ret = value;
    return true;
}

/* A byte of length, then that many bytes. */
static inline BT_MUST_CHECK bool bt_cur_len8(struct bt_cursor *c, struct bt_slice *ret)
{
    struct bt_cursor saved = *c;
    uint8_t len;

    if (bt_cur_u8(c, &len) && bt_cur_take(c, len, ret))
        return true;
    *c = saved;
    return false;
}

/* The protocol's packed integer: < 251 itself, 252 + u16, 253 + u24, 254 + u64.
 * 251 (NULL) and 255 are refused: they are no number. */
static inline BT_MUST_CHECK bool bt_cur_lenenc(struct bt_cursor *c, uint64_t *ret)
{
    struct bt_cursor saved = *c;
    uint8_t first;

    if (!bt_cur_u8(c, &first))
        return false;
    if (first < 251) {
        *ret = first;
        return true;
    }
    if ((first == 252 && bt_cur_le(c, 2, ret)) || (first == 253 && bt_cur_le(c, 3, ret)) ||
        (first == 254 && bt_cur_le(c, 8, ret)))
        return true;
    *c = saved;
    return false;
}

/* A packed integer of length, then that many bytes. */
static inline BT_MUST_CHECK bool bt_cur_lenenc_take(struct bt_cursor *c, struct bt_slice *ret)
{
    struct bt_cursor saved = *c;
    uint64_t len;

    if (bt_cur_lenenc(c, &len) && bt_cur_take(c, len, ret))
        return true;
    *c = saved;
    return false;
}

/* Bytes up to a NUL; the NUL is consumed and not part of *ret. */
static inline BT_MUST_CHECK bool bt_cur_cstring(struct bt_cursor *c, struct bt_slice *ret)
{
    const uint8_t *nul = c->left ? memchr(c->at, 0, c->left) : NULL;

    if (!nul)
        return false;
    *ret = (struct bt_slice){c->at, (size_t)(nul - c->at)};
    return bt_cur_skip(c, ret->len + 1);
}

#endif
