/* SPDX-License-Identifier: Apache-2.0 */
#include "diff/rank.h"

#include <stdlib.h>

/* Counts the domains in which a has something that b lacks; *ret_domain is one of them. */
static size_t domains_ahead(const struct bt_gtid_state *a, const struct bt_gtid_state *b,
                            uint32_t *ret_domain)
{
    size_t count = 0;

    for (size_t i = 0; i < a->count; i++) {
        if (bt_gtid_state_has(b, &a->items[i]))
            continue;
        *ret_domain = a->items[i].domain;
        count++;
    }
    return count;
}

enum bt_rank_order bt_gtid_state_compare(const struct bt_gtid_state *a,
                                         const struct bt_gtid_state *b)
{
    uint32_t domain;
    bool a_ahead = domains_ahead(a, b, &domain) > 0;
    bool b_ahead = domains_ahead(b, a, &domain) > 0;

    if (a_ahead && b_ahead)
        return BT_RANK_FORKED;
    if (a_ahead)
        return BT_RANK_MORE;
    return b_ahead ? BT_RANK_LESS : BT_RANK_EQUAL;
}

static enum bt_rank_order compare_sets(const struct bt_gtid_set *a, const struct bt_gtid_set *b)
{
    bool a_has_b = bt_gtid_set_contains(a, b), b_has_a = bt_gtid_set_contains(b, a);

    if (a_has_b && b_has_a)
        return BT_RANK_EQUAL;
    if (a_has_b)
        return BT_RANK_MORE;
    return b_has_a ? BT_RANK_LESS : BT_RANK_FORKED;
}

/* Whether b received nothing behind what a did: up to a's position the primary wrote no
 * transaction, only its rotations and lists. */
static bool reaches(const struct bt_rank_item *a, const struct bt_rank_item *b)
{
    return a->position.file[0] && bt_coordinate_compare(&b->received, &a->position) <= 0;
}

static enum bt_rank_order compare_places(const struct bt_rank_item *a, const struct bt_rank_item *b)
{
    int order;

    if (!a->received.file[0] || !b->received.file[0])
        return BT_RANK_UNKNOWN;
    order = bt_coordinate_compare(&a->received, &b->received);
    if (order < 0 ? reaches(a, b) : reaches(b, a))
        return BT_RANK_EQUAL;
    return order < 0 ? BT_RANK_LESS : order > 0 ? BT_RANK_MORE
                                                : BT_RANK_EQUAL;
}

enum bt_rank_order bt_rank_compare(const struct bt_rank_item *a, const struct bt_rank_item *b)
{
    if (a->gtid && b->gtid)
        return bt_gtid_state_compare(a->gtid, b->gtid);
    if (a->gtid_set && b->gtid_set)
        return compare_sets(a->gtid_set, b->gtid_set);
    return compare_places(a, b);
}

/* Forked servers are put in some order nevertheless: by coordinate.  A server of which nothing is
 * known stands last. */
static int order_of(const struct bt_rank_item *a, const struct bt_rank_item *b)
{
    enum bt_rank_order order = bt_rank_compare(a, b);

    if (order == BT_RANK_FORKED)
        order = compare_places(a, b);
    if (order == BT_RANK_UNKNOWN) {
        bool a_known = a->gtid || a->gtid_set || a->received.file[0];
        bool b_known = b->gtid || b->gtid_set || b->received.file[0];

        return a_known == b_known ? 0 : a_known ? -1
                                                : 1;
    }
    return order == BT_RANK_MORE ? -1 : order == BT_RANK_LESS ? 1
                                                              : 0;
}

struct bt_gtid bt_gtid_state_fork(const struct bt_gtid_state *a, const struct bt_gtid_state *b,
                                  uint32_t domain)
{
    struct bt_gtid best = {0};

    for (size_t i = 0; i < a->count; i++) {
        for (size_t k = 0; a->items[i].domain == domain && k < b->count; k++) {
            const struct bt_gtid *x = &a->items[i], *y = &b->items[k];
            const struct bt_gtid *less = x->sequence < y->sequence ? x : y;

            if (y->domain == domain && x->server_id == y->server_id &&
                (best.kind == BT_GTID_NONE || less->sequence > best.sequence))
                best = *less;
        }
    }
    return best;
}

/* Names for each item the first other one that it is incomparable to. */
static void find_forks(struct bt_rank_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        items[i].fork_with = SIZE_MAX;
        items[i].fork_domain = 0;
        items[i].fork_point = (struct bt_gtid){0};
        for (size_t k = 0; k < count && items[i].fork_with == SIZE_MAX; k++) {
            if (k == i || bt_rank_compare(&items[i], &items[k]) != BT_RANK_FORKED)
                continue;
            items[i].fork_with = k;
            if (!items[i].gtid || !items[k].gtid)
                continue;
            domains_ahead(items[i].gtid, items[k].gtid, &items[i].fork_domain);
            items[i].fork_point =
                bt_gtid_state_fork(items[i].gtid, items[k].gtid, items[i].fork_domain);
        }
    }
}

void bt_rank_run(struct bt_rank_item *items, size_t count, size_t *order)
{
    find_forks(items, count);
    /* Insertion sort: it is stable, the lists are short, and it stays well defined where the
     * comparison is no total order. */
    for (size_t i = 0; i < count; i++) {
        size_t at = i;

        while (at > 0 && order_of(&items[i], &items[order[at - 1]]) < 0) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = i;
    }
    for (size_t i = 0; i < count; i++) {
        struct bt_rank_item *item = &items[order[i]];
        bool ties = i > 0 && order_of(item, &items[order[i - 1]]) == 0;

        item->rank = ties ? items[order[i - 1]].rank : (unsigned)i + 1;
        item->latest = item->rank == 1;
    }
}
