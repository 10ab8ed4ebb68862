/* SPDX-License-Identifier: Apache-2.0 */
#include "diff/missing.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "diff/missing_priv.h"

enum { SOURCES_MAX = 32, LOST_TEXT_MAX = 64 << 10, REENTRIES_MAX = 64 };

void bt_missing_done(struct bt_missing *m)
{
    for (size_t i = 0; i < m->file_count; i++)
        free(m->files[i]);
    free(m->files);
    free(m->items);
    free(m->cuts);
    bt_buf_done(&m->lost);
    bt_gtid_state_done(&m->before);
    bt_gtid_set_done(&m->before_set);
    *m = (struct bt_missing){0};
}

static void finder_done(struct bt_finder *f)
{
    for (size_t i = 0; i < f->segment_count; i++)
        bt_segment_done(&f->segments[i]);
    bt_had_done(&f->had);
    free(f->segments);
    free(f->found);
    free(f->nodes);
    free(f->table);
    free(f->claims);
}

/* ------------------------------------------------------------ what stands where */

static void place_of(const struct bt_finder *f, const struct bt_missing_item *item, bool end,
                     struct bt_coordinate *ret)
{
    *ret = (struct bt_coordinate){.pos = end ? item->end_pos : item->pos};
    if (item->file != BT_NONE)
        snprintf(ret->file, sizeof(ret->file), "%s", f->m->files[item->file]);
}

/* "0-1-51 at bin.000003:1234", as much of it as is known. */
static void name_transaction(struct bt_buf *out, const struct bt_gtid *gtid,
                             const struct bt_coordinate *place)
{
    char text[BT_GTID_TEXT_SIZE];

    bt_buf_add_str(out, "transaction");
    if (gtid->kind != BT_GTID_NONE)
        bt_buf_addf(out, " %s", bt_gtid_text(gtid, text));
    if (place->file[0])
        bt_buf_addf(out, " at %s:%" PRIu64, place->file, place->pos);
}

/* ----------------------------------------------------------------- the sweep */

/* What the target has while the set grows. */
struct sweep {
    struct bt_finder *f;
    struct bt_coordinate at; /* file "" = not known */
    uint32_t at_file;        /* the same as an item has it; BT_NONE = not from an item */
    struct bt_had had;
};

/* Between what is had and a copy something may be missing; or nothing of its domain; or nothing. */
enum joint { JOINT_NONE, JOINT_DOMAIN, JOINT_ALL };

/* Whether nothing at all is missing before the first transaction of its segment. */
static bool beginning_is_joined(const struct sweep *s, const struct bt_segment *segment)
{
    if (!s->at.file[0] && !s->had.known)
        return s->f->m->count == 0; /* nothing is known of the target: it takes all */
    if (segment->list.known && bt_had_contains(&s->had, &segment->list))
        return true;
    return s->at.file[0] && segment->place.file[0] &&
           bt_coordinate_compare(&segment->place, &s->at) <= 0;
}

static enum joint copy_joint(const struct sweep *s, const struct bt_found *x)
{
    const struct bt_segment *segment = &s->f->segments[x->segment];

    if (segment->joined || (x->first && beginning_is_joined(s, segment)))
        return JOINT_ALL;
    if (bt_segment_is_joined(segment, &x->item.gtid) || bt_had_is_next(&s->had, &x->item.gtid))
        return JOINT_DOMAIN;
    return JOINT_NONE;
}

/* The copy to take: of the cheapest source that follows on what is had. */
static uint32_t choose_copy(const struct sweep *s, uint32_t node, uint32_t *ret_holders,
                            enum joint *ret_joint)
{
    const struct bt_finder *f = s->f;
    enum joint joint = JOINT_NONE;
    uint32_t best = node;

    *ret_holders = 0;
    for (uint32_t i = node; i != BT_NONE; i = f->found[i].next_copy) {
        const struct bt_missing_source *source = &f->m->sources[f->found[i].item.source];
        const struct bt_missing_source *than = &f->m->sources[f->found[best].item.source];

        *ret_holders |= 1u << f->found[i].item.source;
        if (copy_joint(s, &f->found[i]) > joint)
            joint = copy_joint(s, &f->found[i]);
        if (source->cost < than->cost ||
            (source->cost == than->cost && f->found[i].item.source < f->found[best].item.source))
            best = i;
    }
    *ret_joint = joint;
    return joint != JOINT_NONE ? best : BT_NONE;
}

static int take_item(struct sweep *s, uint32_t node, uint32_t copy, uint32_t holders,
                     enum joint joint, struct bt_err *err)
{
    struct bt_finder *f = s->f;
    struct bt_missing *m = f->m;
    struct bt_missing_item *item = &m->items[m->count++];

    *item = f->found[copy].item;
    item->holders = holders;
    item->file = f->found[node].item.file;
    item->pos = f->found[node].item.pos;
    item->end_pos = f->found[node].item.end_pos;
    m->bytes += item->bytes;
    m->events += item->events;
    for (uint32_t i = node; i != BT_NONE; i = f->found[i].next_copy) {
        struct bt_segment *segment = &f->segments[f->found[i].segment];

        if (joint == JOINT_ALL)
            segment->joined = true;
        else if (bt_segment_join(segment, &item->gtid, err) != 0)
            return -1;
    }
    if (item->file != BT_NONE && item->file != s->at_file)
        place_of(f, item, true, &s->at);
    if (item->file != BT_NONE)
        s->at.pos = item->end_pos;
    s->at_file = item->file;
    if (s->had.known)
        return bt_had_add(&s->had, &item->gtid, err);
    return 0;
}

static void say_gap(const struct sweep *s, size_t at)
{
    const struct bt_finder *f = s->f;
    const struct bt_missing_item *next = &f->found[f->nodes[at]].item;
    struct bt_buf *lost = &f->m->lost;
    struct bt_coordinate place;

    place_of(f, next, false, &place);
    bt_buf_add_str(lost, "nobody holds what stands between ");
    if (f->m->count) {
        const struct bt_missing_item *last = &f->m->items[f->m->count - 1];
        struct bt_coordinate end;

        place_of(f, last, true, &end);
        name_transaction(lost, &last->gtid, &end);
    } else if (s->at.file[0]) {
        bt_buf_addf(lost, "what the target has (%s:%" PRIu64 ")", s->at.file, s->at.pos);
    } else {
        bt_buf_add_str(lost, "what the target has");
    }
    bt_buf_add_str(lost, " and ");
    name_transaction(lost, &next->gtid, &place);
    bt_buf_addf(lost, "; %zu whole %s from there on cannot follow. ", f->node_count - at,
                f->node_count - at == 1 ? "transaction" : "transactions");
}

/* Takes transactions in order until one does not follow on what is had. */
static int sweep(struct sweep *s, struct bt_err *err)
{
    struct bt_finder *f = s->f;
    struct bt_missing *m = f->m;

    m->items = reallocarray(NULL, f->node_count + 1, sizeof(*m->items));
    if (!m->items)
        return bt_fail(err, BT_ERR_SYSTEM, "no memory for %zu transactions", f->node_count);
    m->room = f->node_count + 1;
    for (size_t i = 0; i < f->node_count; i++) {
        enum joint joint;
        uint32_t holders, copy = choose_copy(s, f->nodes[i], &holders, &joint);

        if (copy == BT_NONE) {
            say_gap(s, i);
            break;
        }
        if (take_item(s, f->nodes[i], copy, holders, joint, err) != 0)
            return -1;
    }
    return 0;
}

/* ------------------------------------------------------------ cuts and losses */

/* Whether anything but the target counts in its positions, or was joined by content. */
static bool some_source_joins(const struct bt_finder *f)
{
    for (size_t i = 0; i < f->m->source_count; i++) {
        if (!f->m->sources[i].is_target && f->m->sources[i].set != f->want->target &&
            f->claims[i].claim != BT_CLAIM_FOREIGN)
            return true;
    }
    return false;
}

/* Whether what a cut has left out is had by the target or whole in some source. */
static bool cut_is_covered(const struct bt_finder *f, const struct bt_missing_cut *c)
{
    const struct bt_missing_want *want = f->want;
    bool has_place = c->cut.place.file[0] &&
                     f->m->sources[c->source].role != BT_SOURCE_BINLOG &&
                     f->claims[c->source].claim == BT_CLAIM_BELIEVED;

    if (c->cut.kind == BT_CUT_FOREIGN)
        return some_source_joins(f);
    if (c->cut.gtid.kind != BT_GTID_NONE) {
        if (bt_had_has(&f->had, &c->cut.gtid))
            return true;
        if (bt_missing_lookup(f, &c->cut.gtid) != BT_NONE)
            return true;
    }
    if (!has_place)
        return false;
    if (want->after.file[0] && bt_coordinate_compare(&c->cut.place, &want->after) < 0)
        return true;
    if (c->cut.gtid.kind != BT_GTID_NONE)
        return false;
    for (size_t i = f->node_count; i > 0; i--) {
        const struct bt_missing_item *item = &f->found[f->nodes[i - 1]].item;
        struct bt_coordinate begin;

        if (item->file == BT_NONE)
            continue;
        place_of(f, item, false, &begin);
        if (bt_coordinate_compare(&begin, &c->cut.place) >= 0)
            return true;
    }
    return false;
}

static void say_cut(struct bt_finder *f, const struct bt_missing_cut *c)
{
    struct bt_buf *lost = &f->m->lost;
    const char *name = f->m->sources[c->source].name;

    if (c->cut.kind == BT_CUT_FOREIGN) {
        bt_buf_addf(lost, "what \"%s\" holds cannot be joined to what the target has: %s. ", name,
                    c->cut.reason);
        return;
    }
    if (c->cut.kind == BT_CUT_MISSING) {
        bt_buf_addf(lost, "what %s of \"%s\" held is not known: %s. ", c->cut.log, name,
                    c->cut.reason);
        return;
    }
    name_transaction(lost, &c->cut.gtid, &c->cut.place);
    bt_buf_addf(lost,
                ": no whole copy; last sign of it: %" PRIu64 " bytes from %s:%" PRIu64
                " of \"%s\" (%s). ",
                c->cut.bytes, c->cut.log, c->cut.at, name, c->cut.reason);
}

/* Drops the cuts that need no word: the rest of a transaction whose begin lies in an older log, and
 * one that the IO thread broke off and fetched again.  Names what is lost. */
static void judge_cuts(struct bt_finder *f)
{
    struct bt_missing *m = f->m;
    size_t kept = 0;

    for (size_t i = 0; i < m->cut_count; i++) {
        bool covered = cut_is_covered(f, &m->cuts[i]);

        if (!covered)
            say_cut(f, &m->cuts[i]);
        if (m->sources[m->cuts[i].source].is_target ||
            (covered && m->cuts[i].cut.kind == BT_CUT_UNFINISHED))
            continue;
        m->cuts[kept++] = m->cuts[i];
    }
    m->cut_count = kept;
    while (m->lost.len && m->lost.data[m->lost.len - 1] == ' ')
        m->lost.len--;
}

/* A log is damaged inside a transaction that another source holds whole: behind it the
 * log can be read on.  False when there is no such place (any more). */
static bool reentry(const struct bt_finder *f, size_t cut, struct bt_reentry *ret)
{
    const struct bt_missing_cut *c = &f->m->cuts[cut];
    const struct bt_missing_source *source = &f->m->sources[c->source];

    /* How often a content stood in the damage nobody can say. */
    if (f->by_content)
        return false;
    if (source->role == BT_SOURCE_BINLOG || f->claims[c->source].claim != BT_CLAIM_BELIEVED ||
        !c->cut.place.file[0] ||
        (c->cut.kind != BT_CUT_CORRUPT && c->cut.kind != BT_CUT_TORN))
        return false;
    for (size_t i = 0; i < f->node_count; i++) {
        const struct bt_missing_item *item = &f->found[f->nodes[i]].item;

        if (item->file == BT_NONE || strcmp(f->m->files[item->file], c->cut.place.file) != 0 ||
            item->pos != c->cut.place.pos)
            continue;
        *ret = (struct bt_reentry){.begin = c->cut.place, .at = c->cut.at};
        memcpy(ret->log, c->cut.log, sizeof(ret->log));
        place_of(f, item, true, &ret->end);
        return true;
    }
    return false;
}

/* Enters damaged sources again behind the damage.  0 also when there was nothing to do. */
static int reenter(struct bt_finder *f, struct bt_err *err)
{
    for (size_t i = 0; i < f->m->cut_count && i < REENTRIES_MAX; i++) {
        struct bt_reentry from;
        size_t had = f->found_count;

        if (!reentry(f, i, &from))
            continue;
        if (bt_missing_scan(f, f->m->cuts[i].source, &from, err) != 0)
            return -1;
        if (f->found_count > had && bt_missing_merge(f, err) != 0)
            return -1;
    }
    return 0;
}

/* ----------------------------------------------------------------- the whole */

/* The numbers right before the first transaction of each domain.  A first one without a number
 * before it leaves its domain out: the later ones of that domain say nothing. */
static int before_first_ones(const struct bt_missing *m, struct bt_had *before, struct bt_err *err)
{
    struct bt_gtid_state seen = {0};
    int failed = 0;

    for (size_t i = 0; i < m->count && !failed; i++) {
        struct bt_gtid gtid = m->items[i].gtid;

        if (gtid.kind != BT_GTID_MARIADB || bt_gtid_state_last(&seen, gtid.domain))
            continue;
        failed = bt_gtid_state_update(&seen, &gtid, err);
        if (!failed && gtid.sequence-- > 1)
            failed = bt_had_add(before, &gtid, err);
    }
    bt_gtid_state_done(&seen);
    return failed;
}

/* The GTID state in front of the first transaction: what the target has, else what the log in front
 * of it says, else the numbers right before the first of each domain. */
static int find_before(struct bt_finder *f, struct bt_err *err)
{
    struct bt_missing *m = f->m;
    struct bt_had before = {0};

    if (f->had.known) {
        if (bt_had_copy(&before, f->want->gtid, f->want->gtid_set, err) != 0)
            goto failed;
    }
    for (size_t i = 0; i < f->found_count && m->count && !before.known; i++) {
        const struct bt_had *list = &f->segments[f->found[i].segment].list;

        if (f->found[i].first && list->known &&
            bt_gtid_equal(&f->found[i].item.gtid, &m->items[0].gtid) &&
            bt_had_copy(&before, &list->state, &list->set, err) != 0)
            goto failed;
    }
    if (!before.known && before_first_ones(m, &before, err) != 0)
        goto failed;
    m->before = before.state;
    m->before_set = before.set;
    return 0;
failed:
    bt_had_done(&before);
    return -1;
}

static int find(struct bt_finder *f, struct bt_err *err)
{
    struct sweep s = {.f = f, .at = f->want->after, .at_file = BT_NONE};
    int failed = 0;

    if (bt_had_copy(&f->had, f->want->gtid, f->want->gtid_set, err) != 0)
        return -1;
    f->claims = calloc(f->m->source_count + 1, sizeof(*f->claims));
    if (!f->claims)
        return bt_fail(err, BT_ERR_SYSTEM, "no memory for %zu sources", f->m->source_count);
    if (bt_missing_claims(f, err) != 0)
        return -1;
    for (uint32_t i = 0; i < f->m->source_count; i++) {
        if (bt_missing_scan(f, i, NULL, err) != 0)
            return -1;
    }
    if (bt_missing_merge(f, err) != 0 || reenter(f, err) != 0)
        return -1;
    failed = bt_had_copy(&s.had, f->want->gtid, f->want->gtid_set, err);
    if (!failed)
        failed = sweep(&s, err);
    bt_had_done(&s.had);
    if (failed)
        return -1;
    judge_cuts(f);
    if (find_before(f, err) != 0)
        return -1;
    return bt_buf_check(&f->m->lost, "what is lost", err);
}

int bt_missing_find(const struct bt_missing_want *want, const struct bt_missing_source *sources,
                    size_t count, struct bt_missing *ret, struct bt_err *err)
{
    struct bt_missing m = {.sources = sources, .source_count = count};
    struct bt_finder f = {.want = want, .m = &m};
    int failed;

    if (count > SOURCES_MAX)
        return bt_fail(err, BT_ERR_LIMIT, "%zu sources, allowed are %d", count, SOURCES_MAX);
    bt_buf_init(&m.lost, LOST_TEXT_MAX);
    failed = find(&f, err);
    finder_done(&f);
    if (failed) {
        bt_missing_done(&m);
        return -1;
    }
    *ret = m;
    return 0;
}
