/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/inspect_tables.h"

#include <stdlib.h>
#include <xxhash.h>

enum { FIRST_SLOTS = 256, MEMORY_MAX = 512 << 20 };

int bt_table_stats_init(struct bt_table_stats_map *m, struct bt_err *err)
{
    *m = (struct bt_table_stats_map){.slot_count = FIRST_SLOTS};
    bt_arena_init(&m->arena, MEMORY_MAX);
    m->slots = calloc(FIRST_SLOTS, sizeof(struct bt_table_stats *));
    return m->slots ? 0 : bt_fail_sys(err, "could not count tables");
}

void bt_table_stats_done(struct bt_table_stats_map *m)
{
    free(m->slots);
    bt_arena_done(&m->arena);
    *m = (struct bt_table_stats_map){0};
}

/* Where a table is, or the empty slot where it belongs. */
static struct bt_table_stats **find(struct bt_table_stats **slots, size_t slot_count, uint64_t hash,
                                    struct bt_slice db, struct bt_slice table)
{
    for (size_t i = hash & (slot_count - 1);; i = (i + 1) & (slot_count - 1)) {
        struct bt_table_stats *t = slots[i];

        if (!t || (t->hash == hash && bt_slice_equal(t->db, db) && bt_slice_equal(t->table, table)))
            return &slots[i];
    }
}

/* Doubles the slots when they are half full. */
static bool make_room(struct bt_table_stats_map *m)
{
    size_t slot_count = m->slot_count * 2;
    struct bt_table_stats **slots;

    if (m->count * 2 < m->slot_count)
        return true;
    slots = calloc(slot_count, sizeof(struct bt_table_stats *));
    if (!slots)
        return false;
    for (size_t i = 0; i < m->slot_count; i++) {
        struct bt_table_stats *t = m->slots[i];

        if (t)
            *find(slots, slot_count, t->hash, t->db, t->table) = t;
    }
    free(m->slots);
    m->slots = slots;
    m->slot_count = slot_count;
    return true;
}

struct bt_table_stats *bt_table_stats_of(struct bt_table_stats_map *m, struct bt_slice db,
                                         struct bt_slice table)
{
    uint64_t hash = XXH3_64bits(db.ptr, db.len) * 31 + XXH3_64bits(table.ptr, table.len);
    struct bt_table_stats **slot = find(m->slots, m->slot_count, hash, db, table);
    struct bt_table_stats *t = *slot;

    if (t)
        return t;
    if (!make_room(m))
        return NULL;
    t = bt_arena_alloc(&m->arena, sizeof(*t));
    if (!t)
        return NULL;
    *t = (struct bt_table_stats){
        .db = bt_arena_dup(&m->arena, db),
        .table = bt_arena_dup(&m->arena, table),
        .hash = hash,
    };
    if (!t->db.ptr || !t->table.ptr)
        return NULL;
    *find(m->slots, m->slot_count, hash, db, table) = t;
    m->count++;
    return t;
}

bool bt_table_stats_add_minute(struct bt_table_stats_map *m, struct bt_table_stats *t,
                               uint32_t minute, uint64_t bytes)
{
    struct bt_table_minute *last = t->minute_count ? &t->minutes[t->minute_count - 1] : NULL;

    if (last && last->minute == minute) {
        last->bytes += bytes;
        return true;
    }
    if (t->minute_count == t->minute_room) {
        size_t room = t->minute_room ? t->minute_room * 2 : 4;
        struct bt_table_minute *minutes = bt_arena_array(&m->arena, room, sizeof(*minutes));

        if (!minutes)
            return false;
        if (t->minute_count)
            memcpy(minutes, t->minutes, t->minute_count * sizeof(*minutes));
        t->minutes = minutes;
        t->minute_room = room;
    }
    t->minutes[t->minute_count++] = (struct bt_table_minute){minute, bytes};
    return true;
}

static int compare_slices(struct bt_slice a, struct bt_slice b)
{
    int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int most_bytes_first(const void *left, const void *right)
{
    const struct bt_table_stats *a = *(struct bt_table_stats *const *)left;
    const struct bt_table_stats *b = *(struct bt_table_stats *const *)right;
    int order = (a->bytes < b->bytes) - (a->bytes > b->bytes);

    if (order == 0)
        order = compare_slices(a->db, b->db);
    return order ? order : compare_slices(a->table, b->table);
}

struct bt_table_stats **bt_table_stats_sorted(struct bt_table_stats_map *m)
{
    struct bt_table_stats **sorted =
        bt_arena_array(&m->arena, m->count + 1, sizeof(struct bt_table_stats *));
    size_t n = 0;

    if (!sorted)
        return NULL;
    for (size_t i = 0; i < m->slot_count; i++)
        if (m->slots[i])
            sorted[n++] = m->slots[i];
    qsort(sorted, n, sizeof(struct bt_table_stats *), most_bytes_first);
    return sorted;
}

int bt_table_stats_merge(struct bt_table_stats_map *m, const struct bt_table_stats_map *other,
                         struct bt_err *err)
{
    for (size_t i = 0; i < other->slot_count; i++) {
        const struct bt_table_stats *from = other->slots[i];
        struct bt_table_stats *to;

        if (!from)
            continue;
        to = bt_table_stats_of(m, from->db, from->table);
        if (!to)
            return bt_fail(err, BT_ERR_LIMIT, "there are more tables than fit in memory");
        for (size_t op = 0; op < 3; op++)
            to->rows[op] += from->rows[op];
        to->bytes += from->bytes;
        for (size_t n = 0; n < from->minute_count; n++)
            if (!bt_table_stats_add_minute(m, to, from->minutes[n].minute, from->minutes[n].bytes))
                return bt_fail(err, BT_ERR_LIMIT, "the load over time does not fit in memory");
    }
    return 0;
}
