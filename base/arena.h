/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena.h - memory for one unit of work (a transaction, a plan), freed at once.
 *
 * Chunked, 16-byte aligned, with a ceiling: asking for more is an error, not an
 * out-of-memory kill.  reset() keeps one chunk and poisons it under ASan, so that
 * a borrow that outlives its unit crashes in tests instead of reading stale bytes.
 */
#ifndef BT_BASE_ARENA_H
#define BT_BASE_ARENA_H

#include "base/auto.h"
#include "base/slice.h"

struct bt_arena_chunk;

struct bt_arena {
    struct bt_arena_chunk *chunk; /* newest first */
    size_t used;                  /* bytes handed out since the last reset */
    size_t max;
};

void bt_arena_init(struct bt_arena *a, size_t max);
void bt_arena_reset(struct bt_arena *a);
void bt_arena_done(struct bt_arena *a);
#define bt_auto_arena BT_AUTO(bt_arena_done)

/* Zeroed memory until reset or done; NULL when it would pass the ceiling or there
 * is no memory.  A size of 0 gives a valid pointer. */
void *bt_arena_alloc(struct bt_arena *a, size_t size) BT_MUST_CHECK;

/* Zeroed array of count elements; NULL also when count * size overflows. */
void *bt_arena_array(struct bt_arena *a, size_t count, size_t size) BT_MUST_CHECK;

/* Copies; the copy has a NUL after its last byte.  ret->ptr is NULL on failure. */
struct bt_slice bt_arena_dup(struct bt_arena *a, struct bt_slice s);

/* Copies as a string, cut at nothing; NULL on failure. */
char *bt_arena_str(struct bt_arena *a, struct bt_slice s) BT_MUST_CHECK;
char *bt_arena_strf(struct bt_arena *a, const char *fmt, ...) BT_PRINTF(2, 3) BT_MUST_CHECK;

/* The error to return after NULL: names what and the ceiling.  Always -1. */
int bt_arena_fail(const struct bt_arena *a, const char *what, struct bt_err *err);

#endif
