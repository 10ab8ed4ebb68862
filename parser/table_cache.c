/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table maps of one log by (server_id, table id): a hash table of pointers with open
 * addressing, and the time of last use in each table, so that the oldest can go when there are too
 * many.
 */
#include "parser/table_map.h"

#include <stdlib.h>

#include "base/auto.h"

enum {
    TABLE_COUNT_MAX = 1024,
    TABLE_BYTES_MAX = 4 << 20,
    SLOT_COUNT = 4096, /* a power of two, never more than a quarter full */
};

/* A kept table: the columns and the body it borrows from lie behind it, in one piece. */
struct kept {
    struct bt_table table;
    uint64_t used_at;
    enum bt_flavor flavor;
    size_t body_len;
    uint8_t *body;
};

struct bt_table_cache {
    struct kept *slots[SLOT_COUNT];
    size_t count;
    uint64_t bytes;
    uint64_t clock;
    struct kept *last; /* the one put or got last: most rows follow their own TABLE_MAP */
};

int bt_table_cache_new(struct bt_table_cache **ret, struct bt_err *err)
{
    struct bt_table_cache *cache = calloc(1, sizeof(*cache));

    if (!cache)
        return bt_fail_sys(err, "could not make a cache of table maps");
    *ret = cache;
    return 0;
}

static size_t slot_of(uint32_t server_id, uint64_t table_id)
{
    uint64_t hash = (table_id ^ (uint64_t)server_id << 32) * UINT64_C(0x9e3779b97f4a7c15);

    return (size_t)(hash >> 52) & (SLOT_COUNT - 1);
}

static bool is_of(const struct kept *k, uint32_t server_id, uint64_t table_id)
{
    return k->table.map.table_id == table_id && k->table.server_id == server_id;
}

/* Where the table is, or the empty slot where it would be. */
static size_t find(const struct bt_table_cache *cache, uint32_t server_id, uint64_t table_id)
{
    size_t at = slot_of(server_id, table_id);

    while (cache->slots[at] && !is_of(cache->slots[at], server_id, table_id))
        at = (at + 1) & (SLOT_COUNT - 1);
    return at;
}

static void free_kept(struct kept *k)
{
    if (k->table.plan && k->table.plan_free)
        k->table.plan_free(k->table.plan);
    if (k->table.mark && k->table.mark_free)
        k->table.mark_free(k->table.mark);
    free(k);
}

static void drop(struct bt_table_cache *cache, size_t at)
{
    struct kept *k = cache->slots[at];
    size_t next = at;

    cache->bytes -= k->table.bytes_hint;
    cache->count--;
    if (cache->last == k)
        cache->last = NULL;
    free_kept(k);
    cache->slots[at] = NULL;
    /* What was pushed on by the dropped one moves back, so that searches still find it. */
    for (;;) {
        size_t home;

        next = (next + 1) & (SLOT_COUNT - 1);
        if (!cache->slots[next])
            return;
        home = slot_of(cache->slots[next]->table.server_id,
                       cache->slots[next]->table.map.table_id);
        if (((next - home) & (SLOT_COUNT - 1)) >= ((next - at) & (SLOT_COUNT - 1))) {
            cache->slots[at] = cache->slots[next];
            cache->slots[next] = NULL;
            at = next;
        }
    }
}

void bt_table_cache_drop_all(struct bt_table_cache *cache)
{
    for (size_t at = 0; at < SLOT_COUNT; at++) {
        if (cache->slots[at])
            free_kept(cache->slots[at]);
        cache->slots[at] = NULL;
    }
    cache->count = 0;
    cache->bytes = 0;
    cache->last = NULL;
}

void bt_table_cache_free(struct bt_table_cache *cache)
{
    if (cache)
        bt_table_cache_drop_all(cache);
    free(cache);
}

static void drop_oldest(struct bt_table_cache *cache)
{
    size_t oldest = SLOT_COUNT;

    for (size_t at = 0; at < SLOT_COUNT; at++)
        if (cache->slots[at] &&
            (oldest == SLOT_COUNT || cache->slots[at]->used_at < cache->slots[oldest]->used_at))
            oldest = at;
    drop(cache, oldest);
}

static int keep(const struct bt_event *ev, struct kept **ret, struct bt_err *err)
{
    struct bt_table_map map;
    bt_auto_free struct kept *k = NULL;
    struct bt_event copy = *ev;
    size_t size;

    if (bt_table_map_read(ev, &map, err) != 0)
        return -1;
    size = sizeof(*k) + map.column_count * sizeof(struct bt_column) + ev->body.len;
    k = calloc(1, size);
    if (!k)
        return bt_fail_sys(err, "could not keep a table map of %zu bytes", size);
    k->table.columns = (struct bt_column *)(k + 1);
    k->body = (uint8_t *)(k->table.columns + map.column_count);
    k->body_len = ev->body.len;
    k->flavor = ev->format->flavor;
    memcpy(k->body, ev->body.ptr, ev->body.len);
    k->table.server_id = ev->header.server_id;
    k->table.bytes_hint = size;
    copy.body = bt_slice(k->body, k->body_len);
    if (bt_table_map_read(&copy, &k->table.map, err) != 0 ||
        bt_table_map_columns(&k->table.map, k->table.columns, err) != 0)
        return -1;
    *ret = bt_steal(k);
    return 0;
}

static inline bool is_again(const struct kept *k, const struct bt_format *format,
                            uint32_t server_id, struct bt_slice body)
{
    return k->body_len == body.len && k->table.server_id == server_id &&
           k->flavor == format->flavor && memcmp(k->body, body.ptr, body.len) == 0;
}

struct bt_table *bt_table_cache_again(struct bt_table_cache *cache, const struct bt_format *format,
                                      uint32_t server_id, struct bt_slice body)
{
    bool is_short = format->post_header_length[BT_TABLE_MAP] == BT_POST_HEADER_SHORT_ID;
    struct bt_cursor c = bt_cursor(body);
    struct kept *k = cache->last;
    uint64_t id;

    if (!k || !is_again(k, format, server_id, body)) { /* the id is part of the body */
        if (!bt_cur_le(&c, is_short ? 4 : 6, &id))
            return NULL;
        k = cache->slots[find(cache, server_id, id)];
        if (!k || !is_again(k, format, server_id, body))
            return NULL;
    }
    k->used_at = ++cache->clock;
    cache->last = k;
    return &k->table;
}

int bt_table_cache_put(struct bt_table_cache *cache, const struct bt_event *ev,
                       struct bt_table **ret, struct bt_err *err)
{
    struct bt_table *table =
        bt_table_cache_again(cache, ev->format, ev->header.server_id, ev->body);
    struct kept *k;
    size_t at;

    if (table) {
        *ret = table;
        return 0;
    }
    if (keep(ev, &k, err) != 0)
        return -1;
    at = find(cache, k->table.server_id, k->table.map.table_id);
    if (cache->slots[at])
        drop(cache, at);
    while (cache->count > 0 && (cache->count >= TABLE_COUNT_MAX ||
                                cache->bytes + k->table.bytes_hint > TABLE_BYTES_MAX))
        drop_oldest(cache);
    at = find(cache, k->table.server_id, k->table.map.table_id);
    cache->slots[at] = k;
    cache->count++;
    cache->bytes += k->table.bytes_hint;
    k->used_at = ++cache->clock;
    cache->last = k;
    *ret = &k->table;
    return 0;
}

struct bt_table *bt_table_cache_get(struct bt_table_cache *cache, uint32_t server_id,
                                    uint64_t table_id)
{
    struct kept *k = cache->last;

    if (!k || !is_of(k, server_id, table_id)) {
        k = cache->slots[find(cache, server_id, table_id)];
        if (!k)
            return NULL;
        cache->last = k;
    }
    k->used_at = ++cache->clock;
    return &k->table;
}
