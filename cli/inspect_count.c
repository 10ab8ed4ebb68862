/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/inspect_count.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/log.h"
#include "cli/inspect_count_priv.h"
#include "cli/inspect_pieces.h"
#include "parser/control.h"

enum { THREADS_MAX = 64 };

static int begin_log(void *ctx, const struct bt_scan_log *log, struct bt_err *err)
{
    struct bt_counting *s = ctx;

    s->file = bt_summary_add_file(s->summary, log->path, err);
    if (!s->file)
        return -1;
    s->file->continued = log->start > 0;
    return 0;
}

/* What the log itself tells: its first format, its kind, its times. */
static void count_event(struct bt_counting *s, const struct bt_event *ev)
{
    struct bt_summary_file *f = s->file;

    bt_counting_event(s, &ev->header, ev->inner);
    f->encrypted |= ev->sealed;
    if (ev->type == BT_FORMAT_DESCRIPTION) {
        if (!f->has_format) {
            f->format = *ev->format;
            f->kind = ev->header.flags & BT_FLAG_RELAY_LOG ? BT_LOG_KIND_RELAY : BT_LOG_KIND_BINLOG;
        }
        f->has_format = true;
        f->checksum = ev->format->checksum;
    }
}

int bt_counting_transaction(struct bt_counting *s, const struct bt_transaction *t,
                            struct bt_err *err)
{
    struct bt_transaction_work work = {
        .file = (size_t)(s->file - s->summary->files),
        .rows = s->rows,
        .duration_s = s->last_when > t->when ? s->last_when - t->when : 0,
    };

    if (t->bytes < s->min_bytes)
        return 0;
    s->file->transactions++;
    return bt_summary_add_transaction(s->summary, t, &work, err);
}

static int count_rows(struct bt_counting *s, const struct bt_scan_event *se, struct bt_err *err)
{
    struct bt_rows_counted rows = {
        .path = se->path,
        .offset = se->event->offset,
        .length = se->event->header.length,
        .when = se->event->header.when,
        .frame = se->frame,
        .table = se->table,
    };

    return bt_counting_rows(s, &rows, err);
}

/* What the server itself says it has lost stands in no row: it is said at once. */
static int tell_incident(const struct bt_scan_event *se, struct bt_err *err)
{
    struct bt_incident incident;

    if (bt_incident_read(se->event, &incident, err) != 0)
        return -1;
    bt_warning("%s:%llu: INCIDENT %u, events may be missing here: %.*s", se->path,
               (unsigned long long)se->event->offset, incident.number,
               BT_SLICE_ARG(incident.text));
    return 0;
}

static int count_outside(struct bt_counting *s, const struct bt_scan_event *se, struct bt_err *err)
{
    if (se->event->type != BT_PREVIOUS_GTIDS && se->event->type != BT_GTID_LIST)
        return 0;
    if (bt_summary_add_before(s->summary, se->event, err) == 0)
        return 0;
    if (err->kind != BT_ERR_CORRUPT)
        return -1;
    bt_warning("%s:%llu: %s", se->path, (unsigned long long)se->event->offset, err->text);
    bt_err_clear(err);
    return 0;
}

static int count_scanned(void *ctx, const struct bt_scan_event *se, struct bt_err *err)
{
    struct bt_counting *s = ctx;

    count_event(s, se->event);
    if (se->event->type == BT_INCIDENT && tell_incident(se, err) != 0)
        return -1;
    if (se->step == BT_GROUP_OUTSIDE)
        return count_outside(s, se, err);
    if (se->step == BT_GROUP_BEGIN || se->step == BT_GROUP_WHOLE) {
        s->rows = 0;
        s->last_when = 0;
    }
    if (se->event->header.when)
        s->last_when = se->event->header.when;
    if (se->frame && se->table && se->wanted && count_rows(s, se, err) != 0)
        return bt_err_wrap(err, "%s:%llu", se->path, (unsigned long long)se->event->offset);
    if (se->step == BT_GROUP_END || se->step == BT_GROUP_WHOLE)
        return bt_counting_transaction(s, se->transaction, err);
    return 0;
}

static int count_abandoned(void *ctx, const char *path, const struct bt_transaction *t,
                           struct bt_err *err)
{
    struct bt_counting *s = ctx;

    (void)path;
    (void)t;
    (void)err;
    s->summary->unfinished++;
    return 0;
}

static int end_log(void *ctx, const struct bt_scan_log *log, const struct bt_end *end,
                   struct bt_err *err)
{
    struct bt_counting *s = ctx;

    (void)err;
    s->file->end = *end;
    s->file->bytes = bt_source_size(log->source);
    s->damaged |= end->kind == BT_END_TORN || end->kind == BT_END_CORRUPT;
    return 0;
}

static void note(void *ctx, struct bt_slice text)
{
    (void)ctx;
    bt_warning("%.*s", BT_SLICE_ARG(text));
}

static const struct bt_scan_visitor visitor = {
    .begin_log = begin_log,
    .ahead = bt_counting_ahead,
    .event = count_scanned,
    .abandoned = count_abandoned,
    .note = note,
    .end_log = end_log,
};

static void counting_done(struct bt_inspect *in, struct bt_counting *c)
{
    in->damaged |= c->damaged;
    if (c->counter.uncounted)
        bt_warning("the rows of %llu events could not be counted: %s",
                   (unsigned long long)c->counter.uncounted, c->counter.why);
    bt_row_counter_done(&c->counter);
}

/* ----------------------------------------------------------------- threads */

struct worker {
    pthread_t thread;
    const struct bt_scan_piece *pieces;
    size_t piece_count;
    struct bt_scan_opts opts; /* own: the filter keeps state */
    struct bt_summary summary;
    struct bt_counting counting;
    struct bt_err err;
    int result;
};

static void *work(void *ctx)
{
    struct worker *w = ctx;

    w->result =
        bt_scan_pieces(w->pieces, w->piece_count, &w->opts, &visitor, &w->counting, &w->err);
    return NULL;
}

/* Whether a log cut in two was cut where one transaction ends and the next begins. */
static bool joins(const struct worker *a, const struct worker *b)
{
    if (!b->piece_count || !b->pieces[0].start)
        return true;
    return a->summary.file_count && b->pieces[0].start ==
                                        a->summary.files[a->summary.file_count - 1].end.offset;
}

/* Runs them all; 1 when a cut turned out wrong, so that all is to be counted by one thread. */
static int run_workers(struct bt_inspect *in, struct worker *workers, size_t count,
                       struct bt_summary *ret, struct bt_err *err)
{
    size_t started = 0;
    int result = 0;

    while (started < count &&
           pthread_create(&workers[started].thread, NULL, work, &workers[started]) == 0)
        started++;
    for (size_t i = 0; i < started; i++)
        pthread_join(workers[i].thread, NULL);
    for (size_t i = started; i < count; i++)
        work(&workers[i]); /* threads are scarce: then here, one after the other */
    for (size_t i = 0; i < count && result == 0; i++) {
        if (workers[i].result != 0)
            *err = workers[i].err;
        result = workers[i].result;
        if (result == 0 && i > 0 && !joins(&workers[i - 1], &workers[i]))
            result = 1;
    }
    for (size_t i = 0; i < count && result == 0; i++)
        result = bt_summary_merge(ret, &workers[i].summary, err);
    for (size_t i = 0; i < count && result == 0; i++)
        counting_done(in, &workers[i].counting);
    return result;
}

static int count_in_threads(struct bt_inspect *in, const struct bt_pieces *pieces,
                            struct bt_summary *ret, struct bt_err *err)
{
    struct worker *workers = calloc(pieces->run_count, sizeof(*workers));
    int result = 0;

    if (!workers)
        return bt_fail_sys(err, "could not begin to count");
    for (size_t i = 0; i < pieces->run_count && result == 0; i++) {
        struct worker *w = &workers[i];

        w->pieces = pieces->items + pieces->runs[i];
        w->piece_count = pieces->runs[i + 1] - pieces->runs[i];
        w->opts = in->scan;
        w->counting.min_bytes = in->scan.filter.min_bytes;
        w->counting.summary = &w->summary;
        result = bt_summary_init(&w->summary, ret->largest_max, ret->order, err);
        w->summary.is_filtered = ret->is_filtered;
    }
    if (result == 0)
        result = run_workers(in, workers, pieces->run_count, ret, err);
    for (size_t i = 0; i < pieces->run_count; i++) {
        bt_row_counter_done(&workers[i].counting.counter);
        bt_summary_done(&workers[i].summary);
    }
    free(workers);
    return result;
}

int bt_inspect_count(struct bt_inspect *in, const char *const *paths, size_t count,
                     unsigned threads, struct bt_summary *ret, struct bt_err *err)
{
    struct bt_counting c = {.min_bytes = in->scan.filter.min_bytes, .summary = ret};
    struct bt_pieces pieces = {0};
    int result = 1;

    ret->is_filtered = bt_filter_has_transactions(&in->scan.filter);
    if (threads > THREADS_MAX)
        return bt_fail(err, BT_ERR_USAGE, "--threads takes at most %d", THREADS_MAX);
    if (threads > 1 && !in->scan.feed && !bt_filter_has_range(&in->scan.filter) &&
        !in->scan.key_file && !in->scan.keyring) {
        result = bt_pieces_cut(&pieces, paths, count, threads, err);
        if (result == 0)
            result = count_in_threads(in, &pieces, ret, err);
        bt_pieces_done(&pieces);
    }
    if (result == 1) {
        result = bt_scan_paths(paths, count, &in->scan, &visitor, &c, err);
        counting_done(in, &c);
    }
    return result;
}
