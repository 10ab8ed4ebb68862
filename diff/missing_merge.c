/* SPDX-License-Identifier: Apache-2.0 */
/* One order of what all sources hold (missing.h). */
#include "diff/missing_priv.h"

#include <stdlib.h>
#include <xxhash.h>

#include "base/array.h"
#include "base/auto.h"

static void clear_table(struct bt_finder *f)
{
    for (size_t i = 0; i < f->table_size; i++)
        f->table[i] = BT_NONE;
}

/* ------------------------------------------------------------------ identity */

/* A transaction is its GTID, else where it ends in the primary's logs; or, where sources count in
 * different positions, its content, and how often that came before. */
static uint64_t identity(const struct bt_missing_item *item, bool by_content)
{
    uint64_t key[2] = {0};

    switch (item->gtid.kind) {
    case BT_GTID_MARIADB:
        key[0] = (uint64_t)item->gtid.domain << 32 | item->gtid.server_id;
        key[1] = item->gtid.sequence;
        break;
    case BT_GTID_MYSQL:
        key[0] = bt_gtid_domain(&item->gtid);
        key[1] = item->gtid.sequence;
        break;
    case BT_GTID_NONE:
        key[0] = by_content ? item->digest : item->file;
        key[1] = by_content ? item->occurrence : item->end_pos;
        break;
    }
    return XXH3_64bits(key, sizeof(key));
}

static bool same_transaction(const struct bt_missing_item *a, const struct bt_missing_item *b,
                             bool by_content)
{
    if (a->gtid.kind != b->gtid.kind)
        return false;
    if (a->gtid.kind != BT_GTID_NONE)
        return bt_gtid_equal(&a->gtid, &b->gtid);
    if (by_content)
        return a->digest == b->digest && a->occurrence == b->occurrence;
    return a->file == b->file && a->end_pos == b->end_pos;
}

/* The slot of the transaction, or the free one where it would go. */
static size_t find_slot(const struct bt_finder *f, const struct bt_missing_item *item)
{
    size_t at = (size_t)identity(item, f->by_content) & (f->table_size - 1);

    while (f->table[at] != BT_NONE &&
           !same_transaction(&f->found[f->table[at]].item, item, f->by_content))
        at = (at + 1) & (f->table_size - 1);
    return at;
}

uint32_t bt_missing_lookup(const struct bt_finder *f, const struct bt_gtid *gtid)
{
    struct bt_missing_item key = {.gtid = *gtid};

    if (gtid->kind == BT_GTID_NONE || f->table_size == 0)
        return BT_NONE;
    return f->table[find_slot(f, &key)];
}

/* ------------------------------------------------------------------ segments */

uint64_t bt_gtid_domain(const struct bt_gtid *gtid)
{
    struct {
        uint8_t uuid[16];
        char tag[40];
    } key = {0};

    if (gtid->kind != BT_GTID_MYSQL)
        return gtid->domain;
    memcpy(key.uuid, gtid->uuid, sizeof(key.uuid));
    memcpy(key.tag, gtid->tag, strnlen(gtid->tag, sizeof(gtid->tag)));
    return XXH3_64bits(&key, sizeof(key));
}

bool bt_segment_is_joined(const struct bt_segment *s, const struct bt_gtid *gtid)
{
    uint64_t domain = bt_gtid_domain(gtid);

    for (size_t i = 0; !s->joined && i < s->domain_count; i++) {
        if (s->domains[i] == domain && gtid->kind != BT_GTID_NONE)
            return true;
    }
    return s->joined;
}

int bt_segment_join(struct bt_segment *s, const struct bt_gtid *gtid, struct bt_err *err)
{
    void *more;

    if (gtid->kind == BT_GTID_NONE)
        s->joined = true;
    if (bt_segment_is_joined(s, gtid))
        return 0;
    more = bt_array_grown(s->domains, s->domain_count, &s->domain_room, sizeof(*s->domains));
    if (!more)
        return bt_fail(err, BT_ERR_SYSTEM, "no memory for more than %zu domains", s->domain_count);
    s->domains = more;
    s->domains[s->domain_count++] = bt_gtid_domain(gtid);
    return 0;
}

void bt_segment_done(struct bt_segment *s)
{
    bt_had_done(&s->list);
    free(s->domains);
}

/* ----------------------------------------------------------------- the order */

/* All sources begin at one place and have no holes (add_cut() ends them), so that the n-th of one
 * content is the same transaction in each.  The table serves to count, source by source. */
static void count_occurrences(struct bt_finder *f)
{
    uint32_t source = BT_NONE;

    for (size_t i = 0; i < f->found_count; i++) {
        struct bt_missing_item *item = &f->found[i].item;
        size_t at = (size_t)XXH3_64bits(&item->digest, sizeof(item->digest)) & (f->table_size - 1);

        if (item->source != source)
            clear_table(f);
        source = item->source;
        while (f->table[at] != BT_NONE && f->found[f->table[at]].item.digest != item->digest)
            at = (at + 1) & (f->table_size - 1);
        if (f->table[at] != BT_NONE)
            item->occurrence = f->found[f->table[at]].item.occurrence + 1;
        f->table[at] = (uint32_t)i;
    }
    clear_table(f);
}

/* Chains every copy of a transaction behind its first one, and lists those.  Returns whether all of
 * them have a place. */
static bool join_copies(struct bt_finder *f)
{
    bool all_placed = true;

    f->node_count = 0;
    for (size_t i = 0; i < f->found_count; i++) {
        struct bt_found *x = &f->found[i];
        size_t slot = find_slot(f, &x->item);
        struct bt_found *first;

        x->next_copy = BT_NONE;
        if (f->table[slot] == BT_NONE) {
            f->table[slot] = (uint32_t)i;
            f->nodes[f->node_count++] = (uint32_t)i;
            continue;
        }
        first = &f->found[f->table[slot]];
        x->next_copy = first->next_copy;
        first->next_copy = (uint32_t)i;
        /* A source that has no coordinates learns them from one that has. */
        if (first->item.file == BT_NONE && x->item.file != BT_NONE) {
            first->item.file = x->item.file;
            first->item.pos = x->item.pos;
            first->item.end_pos = x->item.end_pos;
        }
    }
    for (size_t i = 0; all_placed && i < f->node_count; i++)
        all_placed = f->found[f->nodes[i]].item.file != BT_NONE;
    return all_placed;
}

static int compare_places(const void *x, const void *y, void *ctx)
{
    const struct bt_finder *f = ctx;
    const struct bt_missing_item *a = &f->found[*(const uint32_t *)x].item;
    const struct bt_missing_item *b = &f->found[*(const uint32_t *)y].item;

    if (a->file != b->file) {
        int order = bt_log_name_compare(f->m->files[a->file], f->m->files[b->file]);

        if (order != 0)
            return order;
    }
    return a->end_pos < b->end_pos ? -1 : a->end_pos > b->end_pos;
}

/* All have coordinates: the primary's order is the order.  One source alone has it already. */
static void order_by_place(struct bt_finder *f)
{
    size_t i = 1;

    while (i < f->node_count && compare_places(&f->nodes[i - 1], &f->nodes[i], f) <= 0)
        i++;
    if (i < f->node_count)
        qsort_r(f->nodes, f->node_count, sizeof(*f->nodes), compare_places, f);
}

/* Some have none: each source's own order is kept, and what only it has is put in behind what it
 * had in front of it.  links[i] is what comes behind node i; the last element is the list's head.
 */
static int order_by_sources(struct bt_finder *f, struct bt_err *err)
{
    bt_auto_free uint32_t *links = malloc((f->found_count + 1) * sizeof(*links));
    bt_auto_free bool *placed = calloc(f->found_count + 1, sizeof(*placed));
    uint32_t head = (uint32_t)f->found_count, cursor = head, source = BT_NONE;

    if (!links || !placed)
        return bt_fail(err, BT_ERR_SYSTEM, "no memory to order %zu transactions", f->found_count);
    links[head] = BT_NONE;
    for (size_t i = 0; i < f->found_count; i++) {
        uint32_t node = f->table[find_slot(f, &f->found[i].item)];

        if (f->found[i].item.source != source)
            cursor = head;
        source = f->found[i].item.source;
        if (!placed[node]) {
            links[node] = links[cursor];
            links[cursor] = node;
            placed[node] = true;
        }
        cursor = node;
    }
    f->node_count = 0;
    for (uint32_t at = links[head]; at != BT_NONE; at = links[at])
        f->nodes[f->node_count++] = at;
    return 0;
}

int bt_missing_merge(struct bt_finder *f, struct bt_err *err)
{
    free(f->table);
    free(f->nodes);
    f->node_count = 0;
    for (f->table_size = 16; f->table_size < f->found_count * 2;)
        f->table_size *= 2;
    f->table = malloc(f->table_size * sizeof(*f->table));
    f->nodes = malloc((f->found_count + 1) * sizeof(*f->nodes));
    if (!f->table || !f->nodes)
        return bt_fail(err, BT_ERR_SYSTEM, "no memory to join %zu transactions", f->found_count);
    clear_table(f);
    if (f->by_content)
        count_occurrences(f);
    if (!join_copies(f))
        return order_by_sources(f, err);
    order_by_place(f);
    return 0;
}
