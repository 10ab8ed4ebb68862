/* SPDX-License-Identifier: Apache-2.0 */
/* What one source holds that the target lacks (missing.h). */
#include "diff/missing_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/array.h"
#include "diff/digest.h"
#include "diff/log_tail.h"
#include "diff/log_walk.h"

/* Where a source is entered. */
struct entry {
    struct bt_log_walk_opts opts;
    struct bt_coordinate place; /* file "" = not known */
    bool nothing;               /* the source ends before what the target has */
    bool jumped;                /* into the middle of a log, by its looks */
};

/* One source while it is read. */
struct scan {
    struct bt_finder *f;
    uint32_t index;
    const struct bt_missing_source *source;
    uint32_t segment;
    bool at_segment_start;
    bool done;     /* `until` is reached */
    bool may_jump; /* false: the looks of the log have deceived */
    /* Its positions say nothing: a server's own logs, or other than the target counts in. */
    bool is_foreign;
    /* relay log: what the segment says stands before it, and what it holds */
    struct bt_had shown;
    struct bt_digest *digest; /* when contents tell transactions apart; else NULL */
};

/* Room for one more element; 0, or -1 without memory. */
static int grow(void **array, size_t count, size_t *room, size_t size, struct bt_err *err)
{
    void *bigger;

    if (count >= UINT32_MAX - 1)
        return bt_fail(err, BT_ERR_LIMIT, "more than %u transactions are missing", UINT32_MAX - 1);
    bigger = bt_array_grown(*array, count, room, size);
    if (!bigger)
        return bt_fail(err, BT_ERR_SYSTEM, "no memory for more than %zu missing transactions",
                       count);
    *array = bigger;
    return 0;
}

uint32_t bt_missing_file(struct bt_finder *f, const char *name)
{
    struct bt_missing *m = f->m;
    struct bt_err ignored = {0};
    void *files = m->files;

    for (size_t i = m->file_count; i > 0; i--) {
        if (strcmp(m->files[i - 1], name) == 0)
            return (uint32_t)(i - 1);
    }
    if (grow(&files, m->file_count, &f->file_room, sizeof(*m->files), &ignored) != 0)
        return BT_NONE;
    m->files = files;
    m->files[m->file_count] = strdup(name);
    if (!m->files[m->file_count])
        return BT_NONE;
    return (uint32_t)m->file_count++;
}

/* ------------------------------------------------------------------- entries */

bool bt_missing_event_begins_at(const struct bt_log_set *set, size_t log, uint64_t pos)
{
    bt_auto_source struct bt_source *source = NULL;
    struct bt_event_header header;
    struct bt_err err = {0};
    struct bt_slice head;

    if (bt_log_set_open(set, log, &source, &err) != 0)
        return false;
    if (pos == bt_source_size(source))
        return true;
    return bt_source_view(source, pos, BT_EVENT_HEADER_SIZE, &head, &err) == 0 &&
           bt_event_header_read(head, UINT32_MAX, &header, &err) == 0 &&
           bt_event_type_name(header.type) != NULL &&
           pos + header.length <= bt_source_size(source) &&
           (header.end_log_pos == 0 || header.end_log_pos == (uint32_t)(pos + header.length));
}

/* The primary's own logs: straight to the coordinate. */
static void enter_binlog(const struct bt_log_set *set, const struct bt_coordinate *after,
                         struct entry *ret)
{
    size_t i = bt_log_set_index(set, after->file);

    *ret = (struct entry){0};
    if (i == SIZE_MAX) {
        for (i = 0; i < set->count && bt_log_name_compare(set->logs[i].name, after->file) < 0;)
            i++;
        ret->nothing = i == set->count;
    } else if (!set->logs[i].missing && after->pos > 4 &&
               bt_missing_event_begins_at(set, i, after->pos)) {
        ret->opts = (struct bt_log_walk_opts){.log = i, .pos = after->pos, .in_order = true};
        ret->place = *after;
        return;
    } else if (after->pos > set->logs[i].size && !set->logs[i].missing) {
        /* The target is ahead of this log, whose end was lost; later logs may still matter. */
        i++;
        ret->nothing = i == set->count;
    }
    if (ret->nothing)
        return;
    ret->opts.log = i;
    ret->place.pos = 4;
    snprintf(ret->place.file, sizeof(ret->place.file), "%s", set->logs[i].name);
}

/* Of the last FORMAT_DESCRIPTION in front of an event: the events up to there are good. */
static uint64_t format_before(struct bt_source *source, uint64_t at)
{
    uint64_t pos = 4, ret = 0;
    struct bt_event_header header;
    struct bt_err err = {0};
    struct bt_slice head;

    while (pos < at && bt_source_view(source, pos, BT_EVENT_HEADER_SIZE, &head, &err) == 0 &&
           bt_event_header_read(head, UINT32_MAX, &header, &err) == 0) {
        if (header.type == BT_FORMAT_DESCRIPTION)
            ret = pos;
        pos += header.length;
    }
    return ret;
}

/* A relay log behind a damaged transaction: as many bytes further on as the primary counts it, if a
 * GTID event stands there that the primary counts from there. */
static void enter_relay(const struct bt_log_set *set, const struct bt_reentry *from,
                        struct entry *ret)
{
    size_t i = bt_log_set_index(set, from->log);
    uint64_t pos = from->at + (from->end.pos - from->begin.pos);
    bt_auto_source struct bt_source *source = NULL;
    struct bt_event_header header;
    struct bt_err err = {0};
    struct bt_slice head;

    *ret = (struct entry){.nothing = true};
    if (i == SIZE_MAX || from->end.pos <= from->begin.pos ||
        strcmp(from->begin.file, from->end.file) != 0 ||
        bt_log_set_open(set, i, &source, &err) != 0 ||
        bt_source_view(source, pos, BT_EVENT_HEADER_SIZE, &head, &err) != 0 ||
        bt_event_header_read(head, UINT32_MAX, &header, &err) != 0 ||
        !bt_type_is_gtid(header.type) ||
        header.end_log_pos != (uint32_t)(from->end.pos + header.length))
        return;
    ret->nothing = false;
    ret->opts = (struct bt_log_walk_opts){.log = i,
                                          .pos = pos,
                                          .place = from->end,
                                          .format_pos = format_before(source, from->at),
                                          .in_order = true};
    ret->place = from->end;
}

/* Whether of the server that wrote the log nothing is lacking that stands before its head. */
static bool own_are_had(const struct bt_finder *f, const struct bt_log_head *head)
{
    const struct bt_gtid_state *state = &head->list.state;

    for (size_t i = 0; i < state->count; i++) {
        if (state->items[i].server_id == head->server_id &&
            !bt_had_has_of_server(&f->had, &state->items[i]))
            return false;
    }
    return true;
}

/* Whether the head is a place to enter at: what the target lacks begins behind it. */
static bool head_fits(const struct bt_finder *f, bool by_gtid, const struct bt_log_head *head)
{
    if (!head->readable || !head->begins_whole)
        return false;
    if (by_gtid)
        return head->list.known && bt_had_contains(&f->had, &head->list);
    return head->place.file[0] && bt_coordinate_compare(&head->place, &f->want->after) <= 0;
}

/* From the head of a relay log forward to near the place wanted, if that can be found. */
static int jump(struct scan *s, size_t log, const struct bt_log_head *head, struct entry *ret,
                struct bt_err *err)
{
    const struct bt_coordinate *after = &s->f->want->after;
    struct bt_log_tail_goal goal = {
        .at = strcmp(head->place.file, after->file) == 0 ? after->pos : UINT64_MAX};
    struct bt_log_walk_opts opts;
    int got = bt_log_tail_find(s->source->set, log, head, goal, &opts, &s->f->m->bytes_read, err);

    if (got != 0)
        return got < 0 ? -1 : 0;
    ret->opts = opts;
    ret->place = opts.place;
    ret->jumped = true;
    return 0;
}

/* Backwards by the heads of the logs. */
static int enter_by_heads(struct scan *s, bool by_gtid, struct entry *ret, struct bt_err *err)
{
    const struct bt_log_set *set = s->source->set;
    size_t i = set->count;

    *ret = (struct entry){.nothing = set->count == 0};
    while (i > 0) {
        struct bt_log_head head;
        bool fits;

        i--;
        if (bt_log_head_read(set, i, &head, err) != 0)
            return -1;
        s->f->m->bytes_read += 4096;
        fits = head_fits(s->f, by_gtid, &head) &&
               (s->source->role != BT_SOURCE_BINLOG || own_are_had(s->f, &head));
        ret->opts.log = i;
        ret->place = head.place;
        if (fits && !by_gtid && s->may_jump && jump(s, i, &head, ret, err) != 0) {
            bt_log_head_done(&head);
            return -1;
        }
        bt_log_head_done(&head);
        if (fits)
            break;
    }
    return 0;
}

static int find_entry(struct scan *s, struct entry *ret, struct bt_err *err)
{
    const struct bt_missing_want *want = s->f->want;
    const struct bt_source_claim *claim = &s->f->claims[s->index];
    enum bt_source_role role = s->source->role;
    bool has_after = want->after.file[0] && !s->is_foreign;

    if (claim->claim == BT_CLAIM_ALIGNED) {
        *ret = (struct entry){.opts = claim->behind};
        return 0;
    }
    if (s->f->had.known && !(has_after && want->is_prefix))
        return enter_by_heads(s, true, ret, err);
    if (has_after && role == BT_SOURCE_PRIMARY) {
        enter_binlog(s->source->set, &want->after, ret);
        return 0;
    }
    if (has_after)
        return enter_by_heads(s, false, ret, err);
    *ret = (struct entry){.nothing = s->source->set->count == 0};
    return 0;
}

/* -------------------------------------------------------------------- reading */

static int begin_segment(struct scan *s, const struct bt_coordinate *place, struct bt_err *err)
{
    struct bt_finder *f = s->f;
    void *segments = f->segments;

    if (grow(&segments, f->segment_count, &f->segment_room, sizeof(*f->segments), err) != 0)
        return -1;
    f->segments = segments;
    f->segments[f->segment_count] = (struct bt_segment){0};
    if (place && !s->is_foreign)
        f->segments[f->segment_count].place = *place;
    bt_had_done(&s->shown);
    s->segment = (uint32_t)f->segment_count++;
    s->at_segment_start = true;
    return 0;
}

int bt_missing_add_cut(struct bt_finder *f, uint32_t source, const struct bt_cut *cut,
                       struct bt_err *err)
{
    void *cuts = f->m->cuts;

    if (grow(&cuts, f->m->cut_count, &f->cut_room, sizeof(*f->m->cuts), err) != 0)
        return -1;
    f->m->cuts = cuts;
    f->m->cuts[f->m->cut_count++] = (struct bt_missing_cut){source, *cut};
    return 0;
}

static int add_cut(struct scan *s, const struct bt_cut *cut, struct bt_err *err)
{
    /* Behind it nobody can say how often a content was there. */
    s->done = s->done || s->f->by_content;
    return bt_missing_add_cut(s->f, s->index, cut, err) != 0 ? -1 : begin_segment(s, NULL, err);
}

static bool is_had(const struct scan *s, const struct bt_transaction *t)
{
    const struct bt_coordinate *after = &s->f->want->after;

    if (s->f->had.known && t->gtid.kind != BT_GTID_NONE)
        return bt_had_has(&s->f->had, &t->gtid);
    return !s->is_foreign && after->file[0] && t->primary_end.file[0] &&
           bt_coordinate_compare(&t->primary_end, after) <= 0;
}

static int add_found(struct scan *s, const struct bt_log_walk_step *step,
                     const struct bt_transaction *t, struct bt_err *err)
{
    struct bt_finder *f = s->f;
    bool has_place = !s->is_foreign && t->primary_end.file[0];
    void *found = f->found;
    struct bt_found *x;

    if (!has_place && t->gtid.kind == BT_GTID_NONE && !s->digest)
        return 0; /* nothing identifies it: another source has to bring it */
    if (grow(&found, f->found_count, &f->found_room, sizeof(*f->found), err) != 0)
        return -1;
    f->found = found;
    x = &f->found[f->found_count];
    *x = (struct bt_found){
        .item = {.gtid = t->gtid,
                 .file = BT_NONE,
                 .source = s->index,
                 .log = (uint32_t)step->begin_log,
                 .end_log = (uint32_t)step->log,
                 .start = t->start,
                 .format_pos = step->format_pos,
                 .end = step->event.offset + step->event.raw.len,
                 .bytes = t->bytes,
                 .events = t->events,
                 .rows_events = t->rows_events,
                 .when = t->when,
                 .server_id = t->server_id,
                 .kind = (uint8_t)t->kind,
                 .end_kind = (uint8_t)t->end_kind,
                 .digest = s->digest ? bt_digest_value(s->digest) : 0,
                 .holders = 1u << s->index},
        .segment = s->segment,
        .first = s->at_segment_start,
        .next_copy = BT_NONE,

    };
    if (has_place) {
        x->item.file = bt_missing_file(f, t->primary_end.file);
        x->item.pos = t->primary_start.pos;
        x->item.end_pos = t->primary_end.pos;
        if (x->item.file == BT_NONE)
            return bt_fail(err, BT_ERR_SYSTEM, "no memory for the names of logs");
    }
    if (s->at_segment_start && !f->segments[s->segment].place.file[0] && has_place)
        f->segments[s->segment].place = t->primary_start;
    s->at_segment_start = false;
    f->found_count++;
    return 0;
}

/* A replica that connected anew, by GTID.  Was something passed over that this source does not hold
 * (its own logs of before are purged), then a segment begins here. */
static int resume(struct scan *s, const struct bt_event *ev, const struct bt_coordinate *place,
                  struct bt_err *err)
{
    struct bt_had list = {0};
    int failed = bt_had_read(&list, ev, err);

    if (!failed && !bt_had_contains(&s->shown, &list)) {
        failed = begin_segment(s, place->file[0] ? place : NULL, err);
        if (!failed)
            failed = bt_had_copy(&s->f->segments[s->segment].list, &list.state, NULL, err);
        if (!failed)
            failed = bt_had_copy(&s->shown, &list.state, NULL, err);
    }
    bt_had_done(&list);
    return failed;
}

/* A GTID_LIST or PREVIOUS_GTIDS at the start of a segment says what stands before it; but a MySQL
 * relay log's is only what was retrieved into older relay logs. */
static int take_list(struct scan *s, const struct bt_log_walk *w, const struct bt_event *ev,
                     struct bt_err *err)
{
    struct bt_segment *segment = &s->f->segments[s->segment];
    struct bt_coordinate place;

    if (bt_log_walk_resumes(w, ev, &place))
        return resume(s, ev, &place, err);
    if (!s->at_segment_start || segment->list.known ||
        (ev->type == BT_PREVIOUS_GTIDS && s->source->role == BT_SOURCE_RELAY))
        return 0;
    if (bt_had_read(&segment->list, ev, err) != 0)
        return bt_err_wrap(err, "GTIDs at %" PRIu64 " of \"%s\"", ev->offset, s->source->name);
    return bt_had_copy(&s->shown, &segment->list.state, NULL, err);
}

/* The target has it, so that what follows in this segment follows on something had: of every domain
 * when the target has all up to a place, or the segment begins at one; of this one otherwise. */
static int pass_had(struct scan *s, const struct bt_transaction *t, struct bt_err *err)
{
    const struct bt_finder *f = s->f;
    struct bt_segment *segment = &f->segments[s->segment];
    const struct bt_coordinate *after = &f->want->after;
    bool is_all = !f->had.known || f->want->is_prefix;

    if (s->at_segment_start && !is_all)
        is_all = (segment->list.known && bt_had_contains(&f->had, &segment->list)) ||
                 (after->file[0] && segment->place.file[0] &&
                  bt_coordinate_compare(&segment->place, after) <= 0);
    s->at_segment_start = false;
    if (!is_all)
        return bt_segment_join(segment, &t->gtid, err);
    segment->joined = true;
    return 0;
}

/* Written by the server itself, not replicated: named, and left out like something that is had. */
static void pass_errant(struct scan *s, const struct bt_transaction *t)
{
    struct bt_missing *m = s->f->m;

    if (m->errant++ == 0) {
        m->errant_first = t->gtid;
        m->errant_source = s->index;
    }
}

static int take_step(struct scan *s, const struct bt_log_walk *w,
                     const struct bt_log_walk_step *step, struct bt_err *err)
{
    const struct bt_missing_want *want = s->f->want;
    const struct bt_transaction *t = w->transaction;
    bool is_own;

    if (step->cut.kind != BT_CUT_NONE)
        return add_cut(s, &step->cut, err);
    if (s->digest && step->part != BT_GROUP_OUTSIDE) {
        if (step->part == BT_GROUP_BEGIN || step->part == BT_GROUP_WHOLE)
            bt_digest_reset(s->digest);
        bt_digest_event(s->digest, &step->event);
    }
    if (step->part == BT_GROUP_OUTSIDE &&
        (step->event.type == BT_GTID_LIST || step->event.type == BT_PREVIOUS_GTIDS))
        return take_list(s, w, &step->event, err);
    if (step->part != BT_GROUP_END && step->part != BT_GROUP_WHOLE)
        return 0;
    if (s->source->role == BT_SOURCE_RELAY && t->gtid.kind == BT_GTID_MARIADB) {
        if (bt_had_add(&s->shown, &t->gtid, err) != 0)
            return -1;
        s->shown.known = true;
    }
    is_own = s->source->role == BT_SOURCE_BINLOG &&
             t->server_id == w->grouper.place.own_server_id;
    if (is_own ? bt_had_has_of_server(&s->f->had, &t->gtid) : is_had(s, t))
        return pass_had(s, t, err);
    if (is_own && !s->source->with_own) {
        pass_errant(s, t);
        return 0;
    }
    if (want->until.file[0] && !s->is_foreign && t->primary_end.file[0] &&
        bt_coordinate_compare(&t->primary_end, &want->until) > 0) {
        s->done = true;
        return 0;
    }
    return add_found(s, step, t, err);
}

/* Reads the source from the entry to its end. */
static int read_source(struct scan *s, const struct entry *entry, struct bt_err *err)
{
    struct bt_log_walk_step step;
    struct bt_log_walk w;
    int got = 0;

    if (begin_segment(s, entry->place.file[0] ? &entry->place : NULL, err) != 0)
        return -1;
    /* It was found to begin right behind what the target has. */
    if (s->f->claims[s->index].claim == BT_CLAIM_ALIGNED)
        s->f->segments[s->segment].joined = true;
    bt_log_walk_begin(&w, s->source->set, entry->opts);
    while (!s->done && (got = bt_log_walk_next(&w, &step, err)) == 0) {
        if (take_step(s, &w, &step, err) != 0) {
            got = -1;
            break;
        }
    }
    s->f->m->bytes_read += w.bytes_read;
    bt_log_walk_end(&w);
    return got < 0 ? -1 : 0;
}

/* Forgets what was added since the counts given. */
static void take_back(struct bt_finder *f, size_t found, size_t segments, size_t cuts)
{
    while (f->segment_count > segments)
        bt_segment_done(&f->segments[--f->segment_count]);
    f->found_count = found;
    f->m->cut_count = cuts;
}

static int scan_source(struct scan *s, const struct bt_reentry *from, struct bt_err *err)
{
    struct bt_finder *f = s->f;
    size_t found = f->found_count, segments = f->segment_count, cuts = f->m->cut_count;
    struct entry entry;
    bool deceived = false;

    if (from && s->source->role == BT_SOURCE_RELAY)
        enter_relay(s->source->set, from, &entry);
    else if (from)
        enter_binlog(s->source->set, &from->end, &entry);
    else if (find_entry(s, &entry, err) != 0)
        return -1;
    if (entry.nothing)
        return 0;
    if (read_source(s, &entry, err) != 0)
        return -1;
    for (size_t i = cuts; i < f->m->cut_count; i++)
        deceived = deceived || f->m->cuts[i].cut.kind == BT_CUT_CORRUPT ||
                   f->m->cuts[i].cut.kind == BT_CUT_TORN;
    if (!entry.jumped || !deceived)
        return 0;
    /* Damage behind a place that was found by its looks: the log is read from its head, to be sure.
     */
    take_back(f, found, segments, cuts);
    s->may_jump = s->done = false;
    return find_entry(s, &entry, err) != 0 ? -1 : read_source(s, &entry, err);
}

int bt_missing_scan(struct bt_finder *f, uint32_t index, const struct bt_reentry *from,
                    struct bt_err *err)
{
    enum bt_claim claim = f->claims[index].claim;
    int failed;
    bt_auto_digest struct bt_digest *digest = f->by_content ? bt_digest_new() : NULL;
    struct scan s = {.f = f,
                     .index = index,
                     .source = &f->m->sources[index],
                     .may_jump = true,
                     .digest = digest};

    if (f->by_content && !digest)
        return bt_fail(err, BT_ERR_SYSTEM, "no memory to compare contents");
    if (claim == BT_CLAIM_NOTHING || claim == BT_CLAIM_FOREIGN)
        return 0;
    s.is_foreign = s.source->role == BT_SOURCE_BINLOG || claim != BT_CLAIM_BELIEVED;
    failed = scan_source(&s, from, err);
    bt_had_done(&s.shown);
    if (failed)
        return bt_err_wrap(err, "source \"%s\"", s.source->name);
    return 0;
}
