/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a source counts in the same positions as the target (missing.h): what the target received
 * last is looked for where it says that it stands, and elsewhere by content when something else is
 * there.
 */
#include "diff/missing_priv.h"

#include <stdio.h>

#include "diff/align.h"
#include "diff/log_tail.h"

struct judge {
    struct bt_finder *f;
    const struct bt_missing_source *source;
    uint32_t index;
    const struct bt_tail *tail;
};

static bool same_base(const char *a, const char *b)
{
    size_t a_len, b_len;
    uint64_t number;

    return bt_log_name_split(a, &a_len, &number) && bt_log_name_split(b, &b_len, &number) &&
           a_len == b_len && memcmp(a, b, a_len) == 0;
}

/* The primary's own log, at the tail's place. */
static int ask_binlog(const struct judge *j, enum bt_tail_answer *ret, struct bt_err *err)
{
    const struct bt_log_set *set = j->source->set;
    const struct bt_coordinate *start = &j->tail->start;
    size_t i = bt_log_set_index(set, start->file);

    *ret = BT_TAIL_UNKNOWN;
    if (i == SIZE_MAX) {
        /* Purged, or lost with the host: then logs of its name stand behind or before it.  Of
         * another name, or all behind what the primary has now: not this primary's. */
        if (set->count && (!same_base(set->base, start->file) ||
                           bt_log_name_compare(start->file, set->logs[set->count - 1].name) > 0))
            *ret = BT_TAIL_OTHER;
        return 0;
    }
    if (set->logs[i].missing)
        return 0;
    /* Behind its end: the primary has lost its tail, or it is another one's log. */
    if (start->pos >= set->logs[i].size || !bt_missing_event_begins_at(set, i, start->pos)) {
        *ret = BT_TAIL_OTHER;
        return 0;
    }
    return bt_tail_matches(j->tail, set,
                           (struct bt_log_walk_opts){
                               .log = i, .pos = start->pos, .place = *start, .in_order = true},
                           ret, err);
}

/* Another replica's relay logs: the newest one that begins in front of the place. */
static int ask_relay(const struct judge *j, enum bt_tail_answer *ret, struct bt_err *err)
{
    const struct bt_log_set *set = j->source->set;
    const struct bt_coordinate *start = &j->tail->start;
    uint64_t *read = &j->f->m->bytes_read;

    *ret = BT_TAIL_UNKNOWN;
    for (size_t i = set->count; i > 0; i--) {
        struct bt_log_walk_opts opts = {.log = i - 1};
        struct bt_log_head head;
        bool is_before, other;
        int got = 1;

        if (bt_log_head_read(set, i - 1, &head, err) != 0)
            return -1;
        *read += 4096;
        other = head.readable && head.place.file[0] && !same_base(head.place.file, start->file);
        is_before = head.readable && head.begins_whole && head.place.file[0] && !other &&
                    bt_coordinate_compare(&head.place, start) <= 0;
        if (is_before && strcmp(head.place.file, start->file) == 0)
            got = bt_log_tail_find(set, i - 1, &head, (struct bt_log_tail_goal){.at = start->pos},
                                   &opts, read, err);
        bt_log_head_done(&head);
        if (got < 0)
            return -1;
        if (other) {
            *ret = BT_TAIL_OTHER;
            return 0;
        }
        if (is_before)
            return bt_tail_matches(j->tail, set, opts, ret, err);
    }
    return 0;
}

static void say_foreign(const struct judge *j, const char *why, struct bt_cut *ret)
{
    const struct bt_log_set *set = j->source->set;

    *ret = (struct bt_cut){.kind = BT_CUT_FOREIGN};
    for (size_t i = 0; i < set->count; i++)
        ret->bytes += set->logs[i].size;
    if (set->count)
        snprintf(ret->log, sizeof(ret->log), "%s", set->logs[set->count - 1].name);
    snprintf(ret->reason, sizeof(ret->reason), "its positions are not those that the target counts"
                                               " in, and by content: %.180s",
             why);
}

/* Whether the source's last transactions stand in the target's own logs: it holds nothing new. */
static int is_behind(const struct judge *j, bool *ret, struct bt_err *err)
{
    struct bt_alignment place = {0};
    struct bt_tail theirs;

    *ret = false;
    if (bt_tail_read(j->source->set, true, &theirs, err) != 0)
        return -1;
    if (theirs.count && bt_tail_align(&theirs, j->f->want->target, false, &place, err) != 0)
        return -1;
    *ret = place.found;
    return 0;
}

/* Whether a GTID_LIST of the source says that it goes on behind the target's last transaction: then
 * it is of one history, though its logs begin anew (RESET MASTER, purged logs). */
static int list_has_tail(const struct judge *j, bool *ret, struct bt_err *err)
{
    const struct bt_log_set *set = j->source->set;

    *ret = false;
    for (size_t i = set->count; i > 0 && !*ret && j->tail->gtid.kind == BT_GTID_MARIADB; i--) {
        struct bt_log_head head;

        if (bt_log_head_read(set, i - 1, &head, err) != 0)
            return -1;
        *ret = head.list.known && bt_had_has_of_server(&head.list, &j->tail->gtid);
        bt_log_head_done(&head);
    }
    return 0;
}

/* The source counts otherwise: where does it join? */
static int align(struct judge *j, struct bt_err *err)
{
    struct bt_source_claim *ret = &j->f->claims[j->index];
    bool skip_own = j->source->role == BT_SOURCE_BINLOG && !j->source->with_own;
    bool behind = false;
    struct bt_alignment place = {0};
    struct bt_tail deep;
    struct bt_cut cut;

    if (bt_tail_read(j->f->want->target, true, &deep, err) != 0)
        return -1;
    if (deep.count == 0)
        return 0; /* nothing to compare with: what the target says is all there is */
    if (bt_tail_align(&deep, j->source->set, skip_own, &place, err) != 0)
        return -1;
    if (!place.found && is_behind(j, &behind, err) != 0)
        return -1;
    if (j->f->had.known && !place.found && !behind && !place.shares &&
        list_has_tail(j, &place.shares, err) != 0)
        return -1;
    if (j->f->had.known && (place.found || behind || place.shares)) {
        /* Of one history: their order may differ (domains), and GTIDs do not depend on it. */
        ret->claim = BT_CLAIM_BY_GTID;
    } else if (place.found) {
        ret->claim = BT_CLAIM_ALIGNED;
        ret->behind = place.behind;
        j->f->by_content = true;
    } else {
        ret->claim = behind ? BT_CLAIM_NOTHING : BT_CLAIM_FOREIGN;
    }
    if (place.found)
        j->f->m->aligned |= 1u << j->index;
    if (ret->claim != BT_CLAIM_FOREIGN)
        return 0;
    say_foreign(j, place.why, &cut);
    return bt_missing_add_cut(j->f, j->index, &cut, err);
}

static int judge_source(struct judge *j, struct bt_err *err)
{
    const struct bt_coordinate *after = &j->f->want->after;
    enum bt_tail_answer answer = BT_TAIL_UNKNOWN;

    if (j->source->is_target || j->source->set == j->f->want->target || j->source->set->count == 0)
        return 0;
    if (j->source->role == BT_SOURCE_BINLOG)
        return j->f->had.known ? 0 : align(j, err);
    /* What the server executed may lie behind its logs; then nothing can be compared. */
    if (!j->tail->end.file[0] || !after->file[0] ||
        bt_coordinate_compare(&j->tail->end, after) != 0)
        return 0;
    if ((j->source->role == BT_SOURCE_PRIMARY ? ask_binlog(j, &answer, err)
                                              : ask_relay(j, &answer, err)) != 0)
        return -1;
    return answer == BT_TAIL_OTHER ? align(j, err) : 0;
}

int bt_missing_claims(struct bt_finder *f, struct bt_err *err)
{
    struct bt_tail tail;

    if (!f->want->target)
        return 0;
    if (bt_tail_read(f->want->target, false, &tail, err) != 0)
        return bt_err_wrap(err, "the target");
    if (tail.count == 0)
        return 0;
    for (uint32_t i = 0; i < f->m->source_count; i++) {
        struct judge j = {.f = f, .source = &f->m->sources[i], .index = i, .tail = &tail};

        if (judge_source(&j, err) != 0)
            return bt_err_wrap(err, "source \"%s\"", j.source->name);
    }
    return 0;
}
