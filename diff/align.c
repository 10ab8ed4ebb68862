/* SPDX-License-Identifier: Apache-2.0 */
#include "diff/align.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/auto.h"
#include "diff/digest.h"
#include "diff/log_tail.h"

enum { ENTRY_LOGS_MAX = 8 };

static const struct bt_log_tail_goal anywhere = {.at = UINT64_MAX};

/* ------------------------------------------------- transactions with digests */

struct digesting {
    struct bt_log_walk walk;
    struct bt_digest *digest;
    struct bt_log_walk_step step; /* of the last event of the transaction handed out */
};

/* The next whole transaction: 0, d->step and d->walk.transaction tell of it.  1: the set is read.
 * *ret_cut: something was left out in front of it. */
static int next_transaction(struct digesting *d, bool *ret_cut, struct bt_err *err)
{
    int got;

    *ret_cut = false;
    while ((got = bt_log_walk_next(&d->walk, &d->step, err)) == 0) {
        if (d->step.cut.kind != BT_CUT_NONE) {
            *ret_cut = true;
            continue;
        }
        if (d->step.part == BT_GROUP_OUTSIDE)
            continue;
        if (d->step.part == BT_GROUP_BEGIN || d->step.part == BT_GROUP_WHOLE)
            bt_digest_reset(d->digest);
        bt_digest_event(d->digest, &d->step.event);
        if (d->step.part == BT_GROUP_END || d->step.part == BT_GROUP_WHOLE)
            return 0;
    }
    return got;
}

/* -------------------------------------------------------------------- the tail */

static void push(struct bt_tail *tail, const struct digesting *d)
{
    const struct bt_transaction *t = d->walk.transaction;

    if (tail->count == BT_TAIL_MAX) {
        memmove(tail->items, tail->items + 1, (BT_TAIL_MAX - 1) * sizeof(tail->items[0]));
        tail->count--;
    }
    tail->items[tail->count++] =
        (struct bt_tail_item){.digest = bt_digest_value(d->digest), .when = t->when};
    tail->start = t->primary_start;
    tail->end = t->primary_end;
    tail->gtid = t->gtid;
}

static int read_from(const struct bt_log_set *set, struct bt_log_walk_opts opts,
                     struct bt_tail *ret, struct bt_err *err)
{
    bt_auto_digest struct bt_digest *digest = bt_digest_new();
    struct digesting d = {.digest = digest};
    bool was_cut;
    int got;

    if (!digest)
        return bt_fail(err, BT_ERR_SYSTEM, "no memory to read the tail of \"%s\"", set->base);
    *ret = (struct bt_tail){0};
    bt_log_walk_begin(&d.walk, set, opts);
    while ((got = next_transaction(&d, &was_cut, err)) == 0) {
        if (was_cut)
            ret->count = 0; /* a run has no holes */
        push(ret, &d);
    }
    bt_log_walk_end(&d.walk);
    return got < 0 ? -1 : 0;
}

int bt_tail_read(const struct bt_log_set *set, bool deep, struct bt_tail *ret, struct bt_err *err)
{
    uint64_t ignored = 0;

    *ret = (struct bt_tail){0};
    for (size_t i = set->count; i > 0 && set->count - i < ENTRY_LOGS_MAX; i--) {
        struct bt_log_walk_opts opts = {.log = i - 1};
        struct bt_log_head head;
        bool good;
        int got = 1;

        if (bt_log_head_read(set, i - 1, &head, err) != 0)
            return -1;
        good = head.readable && head.has_transaction && head.begins_whole;
        if (good && !deep)
            got = bt_log_tail_find(set, i - 1, &head, anywhere, &opts, &ignored, err);
        bt_log_head_done(&head);
        if (got < 0)
            return -1;
        if (!good && i > 1)
            continue;
        if (read_from(set, opts, ret, err) != 0)
            return -1;
        if (ret->count == 0 && opts.pos) {
            opts = (struct bt_log_walk_opts){.log = i - 1};
            if (read_from(set, opts, ret, err) != 0)
                return -1;
        }
        if (ret->count == BT_TAIL_MAX || (ret->count && !deep))
            return 0;
    }
    return 0;
}

/* ------------------------------------------------------------------- a claim */

static bool is_last_of(const struct bt_tail *tail, const struct bt_transaction *t, uint64_t digest)
{
    if (tail->gtid.kind != BT_GTID_NONE && t->gtid.kind != BT_GTID_NONE)
        return bt_gtid_equal(&tail->gtid, &t->gtid);
    return digest == tail->items[tail->count - 1].digest;
}

int bt_tail_matches(const struct bt_tail *tail, const struct bt_log_set *set,
                    struct bt_log_walk_opts opts, enum bt_tail_answer *ret, struct bt_err *err)
{
    bt_auto_digest struct bt_digest *digest = bt_digest_new();
    struct digesting d = {.digest = digest};
    bool was_cut;
    int got;

    if (!digest)
        return bt_fail(err, BT_ERR_SYSTEM, "no memory to compare \"%s\"", set->base);
    *ret = BT_TAIL_UNKNOWN;
    bt_log_walk_begin(&d.walk, set, opts);
    while ((got = next_transaction(&d, &was_cut, err)) == 0) {
        const struct bt_transaction *t = d.walk.transaction;
        int order = bt_coordinate_compare(&t->primary_end, &tail->end);

        if (order < 0 && t->primary_end.file[0])
            continue;
        if (was_cut || !t->primary_end.file[0])
            break;
        if (order == 0)
            *ret = is_last_of(tail, t, bt_digest_value(digest)) ? BT_TAIL_SAME : BT_TAIL_OTHER;
        else if (bt_coordinate_compare(&t->primary_start, &tail->end) < 0)
            *ret = BT_TAIL_OTHER; /* the coordinate is inside of it */
        break;
    }
    bt_log_walk_end(&d.walk);
    return got < 0 ? -1 : 0;
}

/* ----------------------------------------------------------------- alignment */

/* The best place while a region is read. */
struct search {
    const struct bt_tail *tail;
    uint64_t recent[BT_TAIL_MAX]; /* digests of the last transactions, a ring */
    size_t seen;
    size_t best; /* length of the longest run; 0 = none */
    bool is_tied, hit_start, shares;
    struct bt_log_walk_opts behind;
    char place[2][BT_LOG_NAME_MAX + 24];
};

/* How many of the tail's last transactions end with the one seen last. */
static size_t run_length(const struct search *s)
{
    size_t have = s->seen < BT_TAIL_MAX ? s->seen : BT_TAIL_MAX;
    size_t most = have < s->tail->count ? have : s->tail->count;
    size_t len = 0;

    while (len < most && s->recent[(s->seen - 1 - len) % BT_TAIL_MAX] ==
                             s->tail->items[s->tail->count - 1 - len].digest)
        len++;
    return len;
}

static void look(struct search *s, const struct digesting *d)
{
    uint64_t digest = bt_digest_value(d->digest);
    size_t len;

    for (size_t i = 0; i < s->tail->count && !s->shares; i++)
        s->shares = s->tail->items[i].digest == digest;
    s->recent[s->seen++ % BT_TAIL_MAX] = digest;
    len = run_length(s);
    if (len == 0 || len < s->best)
        return;
    s->is_tied = len == s->best;
    s->best = len;
    s->hit_start = len == s->seen && len < s->tail->count;
    memcpy(s->place[1], s->place[0], sizeof(s->place[1]));
    snprintf(s->place[0], sizeof(s->place[0]), "%s:%" PRIu64, d->walk.set->logs[d->step.log].name,
             d->step.event.offset + d->step.event.raw.len);
    s->behind = (struct bt_log_walk_opts){.log = d->step.log,
                                          .pos = d->step.event.offset + d->step.event.raw.len,
                                          .format_pos = d->walk.format_pos,
                                          .in_order = true};
    if (d->walk.set->kind == BT_LOG_KIND_RELAY)
        s->behind.place = d->walk.transaction->primary_end;
}

/* Reads logs first to last of the set. */
static int search_logs(struct search *s, const struct bt_log_set *set, size_t first, size_t last,
                       bool skip_own, struct bt_err *err)
{
    bt_auto_digest struct bt_digest *digest = bt_digest_new();
    struct digesting d = {.digest = digest};
    bool was_cut;
    int got;

    if (!digest)
        return bt_fail(err, BT_ERR_SYSTEM, "no memory to compare \"%s\"", set->base);
    bt_log_walk_begin(&d.walk, set, (struct bt_log_walk_opts){.log = first});
    while ((got = next_transaction(&d, &was_cut, err)) == 0 && d.step.log <= last) {
        if (was_cut)
            s->seen = 0;
        if (skip_own && d.walk.transaction->server_id == d.walk.grouper.place.own_server_id)
            continue;
        look(s, &d);
    }
    bt_log_walk_end(&d.walk);
    return got < 0 ? -1 : 0;
}

static bool spans_seconds(const struct search *s)
{
    const struct bt_tail *tail = s->tail;

    for (size_t i = tail->count - s->best; i + 1 < tail->count; i++) {
        if (tail->items[i].when != tail->items[i + 1].when)
            return true;
    }
    return false;
}

static void judge(const struct search *s, struct bt_alignment *ret)
{
    size_t wanted = s->tail->count;

    if (s->best == 0)
        snprintf(ret->why, sizeof(ret->why),
                 "the last transaction that the target has does not stand in it");
    else if (s->is_tied)
        snprintf(ret->why, sizeof(ret->why),
                 "what the target has last stands in it more than once, at %.80s and %.80s",
                 s->place[1], s->place[0]);
    else if (s->best < wanted && !spans_seconds(s))
        snprintf(ret->why, sizeof(ret->why),
                 "only the last %zu of %zu transactions of the target stand in it, all of one"
                 " second, at %.80s",
                 s->best, wanted, s->place[0]);
    else
        ret->found = true;
    ret->behind = s->behind;
    ret->shares = s->shares;
}

int bt_tail_align(const struct bt_tail *tail, const struct bt_log_set *set, bool skip_own,
                  struct bt_alignment *ret, struct bt_err *err)
{
    struct bt_alignment answer = {0};
    struct search s = {.tail = tail};

    /* One log and the one behind it, so that a run may cross from one to the other. */
    for (size_t i = set->count; i > 0; i--) {
        size_t last = i < set->count ? i : i - 1;

        s = (struct search){.tail = tail, .shares = s.shares};
        if (search_logs(&s, set, i - 1, last, skip_own, err) != 0)
            return -1;
        if (s.best && !(s.hit_start && i > 1))
            break;
    }
    judge(&s, &answer);
    *ret = answer;
    return 0;
}
