/* SPDX-License-Identifier: Apache-2.0 */
#include "diff/log_walk.h"

#include <inttypes.h>
#include <stdio.h>

enum { HEAD_EVENTS_MAX = 64, MAGIC_SIZE = 4 };

static int head_read(const struct bt_log_set *set, size_t log, bool names, struct bt_log_head *ret,
                     struct bt_err *err);

void bt_log_walk_begin(struct bt_log_walk *w, const struct bt_log_set *set,
                       struct bt_log_walk_opts opts)
{
    *w = (struct bt_log_walk){
        .set = set, .log = opts.log, .start_pos = opts.pos, .format_pos = opts.format_pos};
    w->wants_head = !opts.in_order && set->kind == BT_LOG_KIND_RELAY;
    bt_grouper_init(&w->grouper, opts.log < set->count ? set->logs[opts.log].name : "");
    w->place = opts.place;
}

static void close_log(struct bt_log_walk *w)
{
    bt_reader_close(w->reader);
    w->reader = NULL;
    bt_source_close(w->source);
    w->source = NULL;
    w->format_pos = 0;
}

void bt_log_walk_end(struct bt_log_walk *w)
{
    close_log(w);
}

/* Forgets the open transaction: what is left of it must not look like one of its own. */
static void drop_open(struct bt_log_walk *w)
{
    w->grouper.inside = false;
    w->grouper.has_current = false;
    w->grouper.standalone = false;
    w->grouper.framed = false;
    w->grouper.headless = false;
    w->transaction = NULL;
    w->headless = false;
    w->wants_head = true;
}

/* Names the log and offset from which nothing was used. */
static void set_cut(struct bt_cut *cut, enum bt_cut_kind kind, const char *log, uint64_t at)
{
    *cut = (struct bt_cut){.kind = kind, .at = at};
    snprintf(cut->log, sizeof(cut->log), "%s", log);
}

/* A cut of a transaction that has no end.  more: bytes behind it that are no events. */
static void cut_transaction(struct bt_log_walk *w, const struct bt_transaction *t,
                            enum bt_cut_kind kind, uint64_t more, const char *reason,
                            struct bt_cut *ret)
{
    set_cut(ret, kind, w->set->logs[w->begin_log].name, t->start);
    ret->gtid = t->gtid;
    ret->place = t->primary_start;
    ret->bytes = t->bytes + more;
    snprintf(ret->reason, sizeof(ret->reason), "%s", reason);
}

/* Entering a log in its middle: the tracker has to be told what the log's first event would tell.
 */
static int resume_place(struct bt_log_walk *w, struct bt_err *err)
{
    struct bt_coordinate place = w->place;
    struct bt_event_header header;
    struct bt_slice head;

    if (bt_source_view(w->source, MAGIC_SIZE, BT_EVENT_HEADER_SIZE, &head, err) != 0 ||
        bt_event_header_read(head, UINT32_MAX, &header, err) != 0)
        return -1;
    if (w->set->kind != BT_LOG_KIND_RELAY) {
        place.pos = w->start_pos;
        snprintf(place.file, sizeof(place.file), "%s", w->set->logs[w->log].name);
    }
    bt_coordinate_resume(&w->grouper.place, w->set->kind, header.server_id, &place);
    return 0;
}

/* Opens the log at w->log.  1: it is not there, and *ret is the cut that says so. */
static int open_log(struct bt_log_walk *w, struct bt_cut *ret, struct bt_err *err)
{
    const struct bt_log *log = &w->set->logs[w->log];
    struct bt_reader_opts opts = {.start_pos = w->start_pos,
                                  .format_pos = w->format_pos,
                                  .keys = w->set->opener->keys};
    int got = bt_log_set_open(w->set, w->log, &w->source, err);

    if (got < 0)
        return -1;
    if (got > 0) {
        w->start_pos = 0;
        set_cut(ret, BT_CUT_MISSING, log->name, 0);
        snprintf(ret->reason, sizeof(ret->reason), "it is not there");
        return 1;
    }
    w->logs_read++;
    if (w->start_pos > MAGIC_SIZE && resume_place(w, err) != 0)
        return -1;
    w->start_pos = 0;
    if (bt_reader_open(w->source, opts, &w->reader, err) == 0)
        return 0;
    if (err->kind != BT_ERR_CORRUPT)
        return -1;
    set_cut(ret, BT_CUT_CORRUPT, log->name, 0);
    ret->bytes = bt_source_size(w->source);
    snprintf(ret->reason, sizeof(ret->reason), "%.250s", err->text);
    bt_err_clear(err);
    return 1;
}

/* At the end of a log: whether something of it is left out. */
static bool end_log(struct bt_log_walk *w, struct bt_cut *ret)
{
    const struct bt_end *end = bt_reader_end(w->reader);
    const struct bt_transaction *open =
        w->grouper.inside ? bt_grouper_transaction(&w->grouper) : NULL;
    bool is_last = w->log + 1 >= w->set->count;
    bool damaged = end->kind == BT_END_TORN || end->kind == BT_END_CORRUPT;
    uint64_t size = bt_source_size(w->source);
    uint64_t left = damaged && size > end->offset ? size - end->offset : 0;

    if (damaged && (left > 0 || end->offset == 0)) {
        enum bt_cut_kind kind = end->kind == BT_END_TORN ? BT_CUT_TORN : BT_CUT_CORRUPT;

        if (open) {
            cut_transaction(w, open, kind, left, end->reason, ret);
        } else {
            set_cut(ret, kind, w->set->logs[w->log].name, end->offset);
            ret->bytes = left;
            snprintf(ret->reason, sizeof(ret->reason), "%s", end->reason);
            ret->place = w->grouper.place.last;
        }
        drop_open(w);
        return true;
    }
    if (is_last && open) {
        cut_transaction(w, open, BT_CUT_UNFINISHED, 0, "the log ends inside a transaction", ret);
        drop_open(w);
        return true;
    }
    return false;
}

/* An encrypted log without a key: nothing of it can be used. */
static void cut_sealed(struct bt_log_walk *w, const struct bt_event *ev, struct bt_cut *ret)
{
    set_cut(ret, BT_CUT_CORRUPT, w->set->logs[w->log].name, ev->offset);
    ret->bytes = bt_source_size(w->source) - ev->offset;
    snprintf(ret->reason, sizeof(ret->reason), "it is encrypted, and no key was given");
}

/* Whether a transaction visibly begins with this event.  The grouper knows where the server writes
 * a GTID event in front of each; before that it is BEGIN or a lone statement, and behind damage a
 * statement may as well be the rest of a transaction. */
static bool begins_visibly(const struct bt_log_walk *w, const struct bt_event *ev)
{
    if (bt_type_is_gtid(ev->type))
        return true;
    if (w->grouper.headless || !w->wants_head)
        return !w->grouper.headless;
    return ev->type == BT_QUERY &&
           (w->grouper.framed || w->grouper.current.kind == BT_TRANSACTION_DDL);
}

/* ----------------------------------------------- relay logs without a ROTATE */

/* What the ROTATE at the head of a log says; false when it has none. */
static bool read_rotate(const struct bt_log_set *set, size_t log, struct bt_coordinate *ret)
{
    struct bt_log_head head;
    struct bt_err err = {0};
    bool has_name;

    if (set->logs[log].no_rotate || head_read(set, log, false, &head, &err) != 0)
        return false;
    has_name = head.place.file[0] != '\0';
    *ret = head.place;
    /* Each of a long row of logs looks at those before it: reading them once has to be enough. */
    set->logs[log].no_rotate = !has_name && (head.has_transaction || log + 1 < set->count);
    bt_log_head_done(&head);
    return has_name;
}

/* "bin.000007" -> "bin.000006". */
static bool name_before(char name[static BT_LOG_NAME_MAX + 1])
{
    uint64_t number;
    size_t len;

    if (!bt_log_name_split(name, &len, &number) || number < 2)
        return false;
    snprintf(name + len, BT_LOG_NAME_MAX + 1 - len, ".%0*" PRIu64, (int)strlen(name + len) - 1,
             number - 1);
    return true;
}

/* Which of the primary's logs a relay log goes on in whose head has no ROTATE.  The IO thread ends
 * the relay log where the primary's log ends (MariaDB sql/slave.cc, process_io_rotate, 10.11), so
 * that one relay log holds events of one log, and it is that of the relay log before it; where that
 * is purged, the server's own place in the relay logs tells, or the first ROTATE behind. */
static bool find_name(const struct bt_log_set *set, size_t log,
                      char ret[static BT_LOG_NAME_MAX + 1])
{
    const struct bt_relay_info *info = set->info;
    size_t anchor =
        info && info->executed.file[0] ? bt_log_set_index(set, info->relay_log) : SIZE_MAX;
    struct bt_coordinate place;
    struct bt_log_head head;
    struct bt_err err = {0};
    uint64_t first_pos = 0;

    for (size_t i = log; i > 0 && !set->logs[i - 1].missing; i--) {
        if (read_rotate(set, i - 1, &place)) {
            memcpy(ret, place.file, sizeof(place.file));
            return true;
        }
    }
    for (size_t i = log + 1; i < set->count && (anchor == SIZE_MAX || i <= anchor); i++) {
        if (read_rotate(set, i, &place)) {
            memcpy(ret, place.file, sizeof(place.file));
            return place.pos > MAGIC_SIZE || name_before(ret);
        }
    }
    if (anchor == SIZE_MAX || head_read(set, anchor, false, &head, &err) != 0)
        return false;
    first_pos = head.first_pos;
    bt_log_head_done(&head);
    memcpy(ret, info->executed.file, sizeof(info->executed.file));
    /* The place behind the ROTATE that ends a relay log is at the beginning of the next one. */
    return info->executed.pos > MAGIC_SIZE || info->relay_pos <= first_pos || name_before(ret);
}

/* Names the primary's log before the first event of it, where no ROTATE did. */
static void name_log(struct bt_log_walk *w, const struct bt_event *ev)
{
    char name[BT_LOG_NAME_MAX + 1];

    if (w->is_named || w->set->kind != BT_LOG_KIND_RELAY || w->grouper.place.is_first ||
        ev->type == BT_FORMAT_DESCRIPTION || ev->type == BT_ROTATE || ev->inner ||
        ev->header.flags & (BT_FLAG_RELAY_LOG | BT_FLAG_ARTIFICIAL))
        return;
    w->is_named = true;
    if (!w->grouper.place.last.file[0] && find_name(w->set, w->log, name))
        bt_coordinate_name(&w->grouper.place, name);
}

/* Groups the event at hand.  1: *ret is a cut, and the event waits in w->pending. */
static int group_event(struct bt_log_walk *w, struct bt_log_walk_step *ret, struct bt_err *err)
{
    bool began;

    name_log(w, &ret->event);
    if (bt_grouper_feed(&w->grouper, &ret->event, &ret->part, err) != 0)
        return bt_err_wrap(err, "%s:%" PRIu64, w->set->logs[w->log].name, ret->event.offset);
    began = ret->part == BT_GROUP_BEGIN || ret->part == BT_GROUP_WHOLE;
    if (w->grouper.did_abandon) {
        bool headless = w->headless;

        w->pending = *ret;
        w->has_pending = true;
        ret->log = w->log;
        cut_transaction(w, &w->grouper.abandoned, BT_CUT_UNFINISHED, 0,
                        headless ? "only the end of the transaction is here"
                                 : "the transaction has no end",
                        &ret->cut);
        w->headless = false;
        return 1;
    }
    if (began) {
        w->begin_log = w->log;
        w->begin_format_pos = w->format_pos;
        w->headless = !begins_visibly(w, &ret->event);
        if (!w->headless)
            w->wants_head = false;
    }
    return 0;
}

/* Fills what the event's step says about its transaction; a headless one's end becomes a cut. */
static void finish_step(struct bt_log_walk *w, struct bt_log_walk_step *ret)
{
    bool ended = ret->part == BT_GROUP_END || ret->part == BT_GROUP_WHOLE;

    ret->log = w->log;
    ret->begin_log = w->begin_log;
    ret->format_pos = w->begin_format_pos;
    w->transaction = ret->part == BT_GROUP_OUTSIDE ? NULL : bt_grouper_transaction(&w->grouper);
    if (!w->headless || ret->part == BT_GROUP_OUTSIDE || !w->transaction)
        return;
    if (ended) {
        cut_transaction(w, w->transaction, BT_CUT_UNFINISHED, 0,
                        "only the end of the transaction is here", &ret->cut);
        w->headless = false;
    }
    ret->part = BT_GROUP_OUTSIDE;
    w->transaction = NULL;
}

/* The event that waited behind a cut. */
static void take_pending(struct bt_log_walk *w, struct bt_log_walk_step *ret)
{
    *ret = w->pending;
    w->has_pending = false;
    if (ret->part == BT_GROUP_BEGIN || ret->part == BT_GROUP_WHOLE) {
        w->begin_log = w->log;
        w->begin_format_pos = w->format_pos;
        w->headless = !begins_visibly(w, &ret->event);
        if (!w->headless)
            w->wants_head = false;
    }
    finish_step(w, ret);
}

/* What came of a look into the log at hand; negative: an error. */
enum found {
    FOUND_STEP,     /* an event, or a cut behind which this log goes on */
    FOUND_LAST_CUT, /* a cut that ends this log */
    FOUND_END,
};

static int next_of_log(struct bt_log_walk *w, struct bt_log_walk_step *ret, struct bt_err *err)
{
    int got = bt_reader_next(w->reader, &ret->event, err);

    if (got < 0)
        return bt_err_wrap(err, "log \"%s\"", w->set->logs[w->log].name);
    if (got > 0)
        return end_log(w, &ret->cut) ? FOUND_LAST_CUT : FOUND_END;
    if (ret->event.sealed) {
        cut_sealed(w, &ret->event, &ret->cut);
        return FOUND_LAST_CUT;
    }
    if (!ret->event.inner)
        w->bytes_read += ret->event.header.length;
    if (ret->event.type == BT_FORMAT_DESCRIPTION)
        w->format_pos = ret->event.offset;
    got = group_event(w, ret, err);
    if (got < 0)
        return -1;
    if (got == 0)
        finish_step(w, ret);
    return FOUND_STEP;
}

static int look(struct bt_log_walk *w, struct bt_log_walk_step *ret, struct bt_err *err)
{
    int got = w->reader ? 0 : open_log(w, &ret->cut, err);

    if (got == 0)
        return next_of_log(w, ret, err);
    return got < 0 ? -1 : FOUND_LAST_CUT;
}

static void leave_log(struct bt_log_walk *w)
{
    close_log(w);
    if (++w->log < w->set->count)
        bt_grouper_next_log(&w->grouper, w->set->logs[w->log].name);
}

int bt_log_walk_next(struct bt_log_walk *w, struct bt_log_walk_step *ret, struct bt_err *err)
{
    int found = FOUND_END;

    if (w->has_pending) {
        take_pending(w, ret);
        return 0;
    }
    /* Of the cut, which is more than a KB, only the kind: events are many. */
    ret->cut.kind = BT_CUT_NONE;
    while (w->reader || w->log < w->set->count) {
        found = look(w, ret, err);
        if (found != FOUND_END)
            break;
        leave_log(w);
    }
    if (found < 0)
        return -1;
    if (found == FOUND_LAST_CUT) {
        ret->log = w->log;
        drop_open(w);
        leave_log(w);
    }
    return found == FOUND_END ? 1 : 0;
}

bool bt_log_walk_resumes(const struct bt_log_walk *w, const struct bt_event *ev,
                         struct bt_coordinate *ret_place)
{
    const struct bt_coordinate_tracker *place = &w->grouper.place;

    /* The IO thread's own lists, of what it ignored, have the id of their server. */
    if (w->set->kind != BT_LOG_KIND_RELAY || ev->type != BT_GTID_LIST ||
        !(ev->header.flags & BT_FLAG_ARTIFICIAL) || ev->header.end_log_pos == 0 ||
        ev->header.server_id == place->own_server_id)
        return false;
    *ret_place = place->last;
    ret_place->pos = bt_coordinate_widen(place->last.pos, ev->header.end_log_pos);
    return true;
}

/* ------------------------------------------------------------------- heads */

void bt_log_head_done(struct bt_log_head *h)
{
    bt_had_done(&h->list);
}

/* Takes what one of the first events says.  1: the head ends here. */
static int take_head_event(struct bt_log_walk *w, const struct bt_event *ev,
                           enum bt_group_step part, struct bt_log_head *ret, struct bt_err *err)
{
    const struct bt_coordinate_tracker *place = &w->grouper.place;
    struct bt_coordinate resumed;

    if (ev->type == BT_FORMAT_DESCRIPTION)
        ret->format_pos = ev->offset;
    ret->server_id = place->own_server_id;
    ret->flavor = ev->format->flavor;
    snprintf(ret->server_version, sizeof(ret->server_version), "%s", ev->format->server_version);
    ret->readable = true;
    if (part != BT_GROUP_OUTSIDE) {
        ret->has_transaction = true;
        ret->first_pos = ev->offset;
        ret->checksum = ev->format->checksum;
        ret->gtid_type = bt_type_is_gtid(ev->type) ? ev->type : 0;
        ret->begins_whole = begins_visibly(w, ev);
        if (place->has_place && !ret->has_place) {
            ret->place = place->start;
            ret->has_place = ret->begins_whole && ev->header.end_log_pos != 0;
        }
        return 1;
    }
    if (bt_log_walk_resumes(w, ev, &resumed)) {
        /* What the log itself said is passed over. */
        bt_had_done(&ret->list);
        ret->place = resumed;
        ret->has_place = true;
    }
    if ((ev->type == BT_GTID_LIST || ev->type == BT_PREVIOUS_GTIDS) && !ret->list.known &&
        bt_had_read(&ret->list, ev, err) != 0)
        return bt_err_wrap(err, "%s:%" PRIu64, w->set->logs[w->log].name, ev->offset);
    if (place->last.file[0]) {
        /* The first place the log names: the ROTATE at its head, before anything else moved it. */
        if (!ret->has_place)
            ret->place = place->last;
        ret->has_place = true;
    }
    return 0;
}

/* names: the primary's log is looked for elsewhere when the head does not name it. */
static int head_read(const struct bt_log_set *set, size_t log, bool names, struct bt_log_head *ret,
                     struct bt_err *err)
{
    struct bt_log_head head = {.begins_whole = true};
    struct bt_log_walk w;
    struct bt_cut cut;
    int got;

    bt_log_walk_begin(&w, set, (struct bt_log_walk_opts){.log = log});
    w.is_named = !names;
    got = open_log(&w, &cut, err);
    for (int i = 0; got == 0 && i < HEAD_EVENTS_MAX; i++) {
        enum bt_group_step part = BT_GROUP_OUTSIDE;
        struct bt_event ev;

        got = bt_reader_next(w.reader, &ev, err);
        if (got == 0 && ev.sealed)
            break;
        if (got == 0 && ev.type == BT_START_ENCRYPTION)
            head.encrypted = true;
        if (got == 0)
            name_log(&w, &ev);
        if (got == 0)
            got = bt_grouper_feed(&w.grouper, &ev, &part, err);
        if (got == 0)
            got = take_head_event(&w, &ev, part, &head, err);
    }
    bt_log_walk_end(&w);
    if (got < 0) {
        bt_log_head_done(&head);
        return -1;
    }
    *ret = head;
    return 0;
}

int bt_log_head_read(const struct bt_log_set *set, size_t log, struct bt_log_head *ret,
                     struct bt_err *err)
{
    return head_read(set, log, true, ret, err);
}
