/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf.h - bytes that grow up to a ceiling.
 *
 *     struct bt_buf b;  bt_buf_init(&b, 1 << 20);  bt_buf_add(&b, p, n) ...  bt_buf_done(&b)
 *
 * The ceiling is given at init because everything that grows here is sized by
 * somebody else.  The error is sticky: after one failed call all further ones
 * fail too and bt_buf_check() says why, so that a writer may check once at its end.
 */
#ifndef BT_BASE_BUF_H
#define BT_BASE_BUF_H

#include "base/auto.h"
#include "base/slice.h"

struct bt_buf {
    uint8_t *data; /* owned; NULL while empty */
    size_t len;
    size_t room;
    size_t max;  /* never holds more than this */
    bool failed; /* a call did not fit or there was no memory */
    /* Called between the pieces of a long value: may take away what is collected, so that neither
     * that nor what it is made from need be in memory whole.  NULL: nobody. */
    void (*between)(void *ctx);
    void *between_ctx;
};

void bt_buf_init(struct bt_buf *b, size_t max);

/* Frees; the buffer may be used again with the same ceiling. */
void bt_buf_done(struct bt_buf *b);
#define bt_auto_buf BT_AUTO(bt_buf_done)

/* Empties, keeps the memory, forgets a failure. */
void bt_buf_reset(struct bt_buf *b);

/* Makes room for len + n bytes, doubling, never over the ceiling; NULL (sticky) where it would. */
uint8_t *bt_buf_grow(struct bt_buf *b, size_t n);

/* Makes room for n more bytes and returns where they go, or NULL (sticky).
 * The caller writes up to n bytes there and says how many by bt_buf_commit. */
static inline uint8_t *bt_buf_reserve(struct bt_buf *b, size_t n)
{
    return b->room - b->len >= n && b->data && !b->failed ? b->data + b->len : bt_buf_grow(b, n);
}

static inline void bt_buf_commit(struct bt_buf *b, size_t n)
{
    b->len += n;
}

/* Whoever appends a long value in pieces calls it behind each. */
static inline void bt_buf_between(struct bt_buf *b)
{
    if (b->between)
        b->between(b->between_ctx);
}

static inline bool bt_buf_add(struct bt_buf *b, const void *bytes, size_t n)
{
    uint8_t *at;

    if (n == 0)
        return !b->failed;
    at = bt_buf_reserve(b, n);
    if (!at)
        return false;
    memcpy(at, bytes, n);
    b->len += n;
    return true;
}

static inline bool bt_buf_add_slice(struct bt_buf *b, struct bt_slice s)
{
    return bt_buf_add(b, s.ptr, s.len);
}

static inline bool bt_buf_add_str(struct bt_buf *b, const char *string)
{
    return bt_buf_add(b, string, strlen(string));
}

static inline bool bt_buf_add_byte(struct bt_buf *b, uint8_t byte)
{
    return bt_buf_add(b, &byte, 1);
}

bool bt_buf_add_le(struct bt_buf *b, uint64_t value, size_t n);
bool bt_buf_addf(struct bt_buf *b, const char *fmt, ...) BT_PRINTF(2, 3);

/* 0, or -1 with what went over which ceiling; `what` names the content. */
int bt_buf_check(const struct bt_buf *b, const char *what, struct bt_err *err) BT_MUST_CHECK;

/* The content as a string: adds a NUL after it that is not counted.  Never NULL. */
const char *bt_buf_str(struct bt_buf *b);

static inline struct bt_slice bt_buf_slice(const struct bt_buf *b)
{
    return bt_slice(b->data, b->len);
}

#endif
