/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gtid_set.c - the algebra of gtid_set.h; its text and its event are in gtid_set_read.c.
 *
 * Everything works on two sorted lists at once, in linear time: sets come from outside and may be
 * as long and as oddly ordered as somebody likes.
 */
#include "parser/gtid_set_priv.h"

#include <stdlib.h>

void bt_gtid_set_done(struct bt_gtid_set *s)
{
    for (size_t i = 0; i < s->count; i++)
        free(s->ranges[i].items);
    free(s->ranges);
    *s = (struct bt_gtid_set){0};
}

int bt_gtid_range_compare(const struct bt_gtid_range *a, const struct bt_gtid_range *b)
{
    int order = memcmp(a->uuid, b->uuid, sizeof(a->uuid));

    return order ? order : strcmp(a->tag, b->tag);
}

int bt_gtid_range_append(struct bt_gtid_range *r, struct bt_gtid_interval item, struct bt_err *err)
{
    if (r->count == r->room) {
        size_t room = r->room ? r->room * 2 : 4;
        struct bt_gtid_interval *items;

        if (r->count >= BT_GTID_SET_INTERVALS_MAX)
            return bt_fail(err, BT_ERR_LIMIT, "GTID set has more than %d intervals",
                           BT_GTID_SET_INTERVALS_MAX);
        items = realloc(r->items, room * sizeof(*items));
        if (!items)
            return bt_fail(err, BT_ERR_SYSTEM, "out of memory for a GTID set");
        r->items = items;
        r->room = room;
    }
    r->items[r->count++] = item;
    return 0;
}

/* Index of the range with key's uuid and tag, or where it would stand. */
static size_t range_index(const struct bt_gtid_set *s, const struct bt_gtid_range *key,
                          bool *ret_found)
{
    size_t low = 0, high = s->count;

    *ret_found = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = bt_gtid_range_compare(&s->ranges[middle], key);

        if (order == 0) {
            *ret_found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const struct bt_gtid_range *range_find(const struct bt_gtid_set *s,
                                              const struct bt_gtid_range *key)
{
    bool found;
    size_t index = range_index(s, key, &found);

    return found ? &s->ranges[index] : NULL;
}

int bt_gtid_set_insert_range(struct bt_gtid_set *s, size_t index, const struct bt_gtid_range *key,
                             struct bt_err *err)
{
    if (s->count == s->room) {
        size_t room = s->room ? s->room * 2 : 4;
        struct bt_gtid_range *ranges;

        if (s->count >= BT_GTID_SET_INTERVALS_MAX)
            return bt_fail(err, BT_ERR_LIMIT, "GTID set has more than %d uuids",
                           BT_GTID_SET_INTERVALS_MAX);
        ranges = realloc(s->ranges, room * sizeof(*ranges));
        if (!ranges)
            return bt_fail(err, BT_ERR_SYSTEM, "out of memory for a GTID set");
        s->ranges = ranges;
        s->room = room;
    }
    memmove(s->ranges + index + 1, s->ranges + index, (s->count - index) * sizeof(*s->ranges));
    s->ranges[index] = *key;
    s->ranges[index].items = NULL;
    s->ranges[index].count = s->ranges[index].room = 0;
    s->count++;
    return 0;
}

static void remove_range(struct bt_gtid_set *s, size_t index)
{
    free(s->ranges[index].items);
    s->count--;
    memmove(s->ranges + index, s->ranges + index + 1, (s->count - index) * sizeof(*s->ranges));
}

/* Index of the first interval that ends at or behind number. */
static size_t interval_index(const struct bt_gtid_range *r, uint64_t number)
{
    size_t low = 0, high = r->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (r->items[middle].last < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ------------------------------------------------------------------ change */

static struct bt_gtid_range range_key(const struct bt_gtid *gtid)
{
    struct bt_gtid_range key = {0};

    memcpy(key.uuid, gtid->uuid, sizeof(key.uuid));
    memcpy(key.tag, gtid->tag, sizeof(key.tag));
    key.tag[sizeof(key.tag) - 1] = '\0';
    return key;
}

/* Adds one number: nearly always the one behind the last. */
static int add_number(struct bt_gtid_range *r, uint64_t number, struct bt_err *err)
{
    size_t at = interval_index(r, number - 1);
    struct bt_gtid_interval *item = r->items + at;

    if (at == r->count)
        return bt_gtid_range_append(r, (struct bt_gtid_interval){number, number}, err);
    if (item->first <= number && number <= item->last)
        return 0;
    if (item->last == number - 1) {
        item->last = number;
        if (at + 1 < r->count && r->items[at + 1].first == number + 1) {
            item->last = r->items[at + 1].last;
            r->count--;
            memmove(item + 1, item + 2, (r->count - at - 1) * sizeof(*item));
        }
        return 0;
    }
    if (item->first == number + 1) {
        item->first = number;
        return 0;
    }
    if (bt_gtid_range_append(r, (struct bt_gtid_interval){0, 0}, err) != 0)
        return -1;
    item = r->items + at;
    memmove(item + 1, item, (r->count - 1 - at) * sizeof(*item));
    *item = (struct bt_gtid_interval){number, number};
    return 0;
}

int bt_gtid_set_add(struct bt_gtid_set *s, const struct bt_gtid *gtid, struct bt_err *err)
{
    struct bt_gtid_range key = range_key(gtid);
    size_t index;
    bool found;

    if (gtid->kind != BT_GTID_MYSQL || gtid->sequence < 1 || gtid->sequence > BT_GTID_NUMBER_MAX)
        return bt_fail(err, BT_ERR_CORRUPT, "GTID number %llu is not from 1 to %llu",
                       (unsigned long long)gtid->sequence, (unsigned long long)BT_GTID_NUMBER_MAX);
    index = range_index(s, &key, &found);
    if (!found && bt_gtid_set_insert_range(s, index, &key, err) != 0)
        return -1;
    if (add_number(&s->ranges[index], gtid->sequence, err) == 0)
        return 0;
    if (s->ranges[index].count == 0)
        remove_range(s, index);
    return -1;
}

/* r := r and other, both sorted and merged. */
static int range_unite(struct bt_gtid_range *r, const struct bt_gtid_range *other,
                       struct bt_err *err)
{
    struct bt_gtid_range sum = {0};
    size_t a = 0, b = 0;

    while (a < r->count || b < other->count) {
        bool from_other = a == r->count ||
                          (b < other->count && other->items[b].first < r->items[a].first);
        struct bt_gtid_interval next = from_other ? other->items[b++] : r->items[a++];

        if (sum.count > 0 && next.first <= sum.items[sum.count - 1].last + 1) {
            if (next.last > sum.items[sum.count - 1].last)
                sum.items[sum.count - 1].last = next.last;
        } else if (bt_gtid_range_append(&sum, next, err) != 0) {
            free(sum.items);
            return -1;
        }
    }
    free(r->items);
    r->items = sum.items;
    r->count = sum.count;
    r->room = sum.room;
    return 0;
}

int bt_gtid_set_unite(struct bt_gtid_set *s, const struct bt_gtid_set *other, struct bt_err *err)
{
    for (size_t i = 0; i < other->count; i++) {
        bool found;
        size_t index = range_index(s, &other->ranges[i], &found);

        if (!found && bt_gtid_set_insert_range(s, index, &other->ranges[i], err) != 0)
            return -1;
        if (range_unite(&s->ranges[index], &other->ranges[i], err) != 0) {
            if (s->ranges[index].count == 0)
                remove_range(s, index);
            return -1;
        }
    }
    return 0;
}

/* r := r without other. */
static int range_subtract(struct bt_gtid_range *r, const struct bt_gtid_range *other,
                          struct bt_err *err)
{
    struct bt_gtid_range rest = {0};
    size_t b = 0;

    for (size_t a = 0; a < r->count; a++) {
        struct bt_gtid_interval item = r->items[a];

        while (b < other->count && other->items[b].last < item.first)
            b++;
        for (size_t cut = b; cut < other->count && item.first <= item.last &&
                             other->items[cut].first <= item.last;
             cut++) {
            struct bt_gtid_interval before = {item.first, other->items[cut].first - 1};

            if (other->items[cut].first > item.first &&
                bt_gtid_range_append(&rest, before, err) != 0) {
                free(rest.items);
                return -1;
            }
            item.first = other->items[cut].last + 1;
        }
        if (item.first <= item.last && bt_gtid_range_append(&rest, item, err) != 0) {
            free(rest.items);
            return -1;
        }
    }
    free(r->items);
    r->items = rest.items;
    r->count = rest.count;
    r->room = rest.room;
    return 0;
}

int bt_gtid_set_subtract(struct bt_gtid_set *s, const struct bt_gtid_set *other,
                         struct bt_err *err)
{
    for (size_t i = 0; i < other->count; i++) {
        bool found;
        size_t index = range_index(s, &other->ranges[i], &found);

        if (!found)
            continue;
        if (range_subtract(&s->ranges[index], &other->ranges[i], err) != 0)
            return -1;
        if (s->ranges[index].count == 0)
            remove_range(s, index);
    }
    return 0;
}

/* --------------------------------------------------------------------- ask */

bool bt_gtid_set_has(const struct bt_gtid_set *s, const struct bt_gtid *gtid)
{
    struct bt_gtid_range key = range_key(gtid);
    const struct bt_gtid_range *r = range_find(s, &key);
    size_t at;

    if (!r || gtid->kind != BT_GTID_MYSQL)
        return false;
    at = interval_index(r, gtid->sequence);
    return at < r->count && r->items[at].first <= gtid->sequence;
}

bool bt_gtid_set_contains(const struct bt_gtid_set *s, const struct bt_gtid_set *part)
{
    for (size_t i = 0; i < part->count; i++) {
        const struct bt_gtid_range *small = &part->ranges[i], *large = range_find(s, small);

        if (!large)
            return false;
        for (size_t n = 0; n < small->count; n++) {
            size_t at = interval_index(large, small->items[n].last);

            if (at == large->count || large->items[at].first > small->items[n].first)
                return false;
        }
    }
    return true;
}

bool bt_gtid_set_intersects(const struct bt_gtid_set *a, const struct bt_gtid_set *b)
{
    for (size_t i = 0; i < b->count; i++) {
        const struct bt_gtid_range *mine = range_find(a, &b->ranges[i]), *other = &b->ranges[i];

        for (size_t n = 0; mine && n < other->count; n++) {
            size_t at = interval_index(mine, other->items[n].first);

            if (at < mine->count && mine->items[at].first <= other->items[n].last)
                return true;
        }
    }
    return false;
}

bool bt_gtid_set_equal(const struct bt_gtid_set *a, const struct bt_gtid_set *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        const struct bt_gtid_range *x = &a->ranges[i], *y = &b->ranges[i];

        if (bt_gtid_range_compare(x, y) != 0 || x->count != y->count ||
            memcmp(x->items, y->items, x->count * sizeof(*x->items)) != 0)
            return false;
    }
    return true;
}

bool bt_gtid_set_is_empty(const struct bt_gtid_set *s)
{
    return s->count == 0;
}

uint64_t bt_gtid_set_size(const struct bt_gtid_set *s)
{
    uint64_t size = 0;

    for (size_t i = 0; i < s->count; i++) {
        for (size_t n = 0; n < s->ranges[i].count; n++) {
            const struct bt_gtid_interval *item = &s->ranges[i].items[n];

            if (__builtin_add_overflow(size, item->last - item->first + 1, &size))
                return UINT64_MAX;
        }
    }
    return size;
}
