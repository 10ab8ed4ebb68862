/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/poison.h"

enum { ALIGN = 16, CHUNK_SIZE = 64 * 1024 };

struct bt_arena_chunk {
    struct bt_arena_chunk *older;
    size_t size; /* of data */
    size_t used;
    _Alignas(ALIGN) uint8_t data[];
};

void bt_arena_init(struct bt_arena *a, size_t max)
{
    *a = (struct bt_arena){.max = max};
}

static void chunk_free(struct bt_arena_chunk *chunk)
{
    bt_unpoison(chunk->data, chunk->size);
    free(chunk);
}

void bt_arena_reset(struct bt_arena *a)
{
    while (a->chunk && a->chunk->older) {
        struct bt_arena_chunk *older = a->chunk->older;

        chunk_free(a->chunk);
        a->chunk = older;
    }
    if (a->chunk) {
        bt_poison(a->chunk->data, a->chunk->size);
        a->chunk->used = 0;
    }
    a->used = 0;
}

void bt_arena_done(struct bt_arena *a)
{
    bt_arena_reset(a);
    if (a->chunk)
        chunk_free(a->chunk);
    bt_arena_init(a, a->max);
}

static bool chunk_add(struct bt_arena *a, size_t size)
{
    size_t data_size = size > CHUNK_SIZE ? size : CHUNK_SIZE;
    struct bt_arena_chunk *chunk = malloc(sizeof(*chunk) + data_size);

    if (!chunk)
        return false;
    *chunk = (struct bt_arena_chunk){.older = a->chunk, .size = data_size};
    bt_poison(chunk->data, data_size);
    a->chunk = chunk;
    return true;
}

void *bt_arena_alloc(struct bt_arena *a, size_t size)
{
    size_t need;
    void *p;

    if (size > a->max || a->used > a->max - size)
        return NULL;
    need = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if ((!a->chunk || a->chunk->size - a->chunk->used < need) && !chunk_add(a, need))
        return NULL;
    p = a->chunk->data + a->chunk->used;
    bt_unpoison(p, size);
    memset(p, 0, size);
    a->chunk->used += need;
    a->used += size;
    return p;
}

void *bt_arena_array(struct bt_arena *a, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    return bt_arena_alloc(a, bytes);
}

char *bt_arena_str(struct bt_arena *a, struct bt_slice s)
{
    char *copy = s.len < SIZE_MAX ? bt_arena_alloc(a, s.len + 1) : NULL;

    if (copy)
        memcpy(copy, s.ptr, s.len);
    return copy;
}

struct bt_slice bt_arena_dup(struct bt_arena *a, struct bt_slice s)
{
    return (struct bt_slice){(const uint8_t *)bt_arena_str(a, s), s.len};
}

char *bt_arena_strf(struct bt_arena *a, const char *fmt, ...)
{
    va_list args;
    char *text;
    int n;

    va_start(args, fmt);
    n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    text = n < 0 ? NULL : bt_arena_alloc(a, (size_t)n + 1);
    if (!text)
        return NULL;
    va_start(args, fmt);
    vsnprintf(text, (size_t)n + 1, fmt, args);
    va_end(args);
    return text;
}

int bt_arena_fail(const struct bt_arena *a, const char *what, struct bt_err *err)
{
    return bt_fail(err, BT_ERR_LIMIT, "%s does not fit in %zu bytes of memory", what, a->max);
}
