/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/ahead.h"

#include <stdlib.h>

#include "apply/kept.h"

enum {
    LARGE_BYTES = 8 * 1024,
    TRANSACTION_MAX = 32 << 20, /* a larger one is not kept: it runs as it is read */
    QUEUE_BYTES_MAX = 64 << 20,
    QUEUE_MAX = 10000,
    LOOK_AHEAD = 256,
    WORKER_PACKET = 1 << 20,
    CONNECT_MS = 10000,
    ASK_MS = 10000,
};

struct item {
    struct bt_kept kept;
    struct bt_sender_transaction name;
    struct bt_schedule_place place;
    struct bt_session *worker; /* runs ahead there */
    size_t fed;                /* events the worker was given */
    bool in_turn;              /* and not ahead of it */
    struct item *next;
};

struct bt_ahead {
    struct bt_ahead_opts opts;
    struct bt_schedule *schedule;
    struct bt_connection *asker; /* keys of tables, who waits, KILL */
    struct bt_key_source *keys;
    struct bt_kept format; /* the FORMAT_DESCRIPTION in force */
    struct bt_session *workers;
    bool *is_busy;

    struct item *first, *last, *unused;
    size_t queued, queued_bytes;
    struct item *current; /* is being read */
    bool is_streaming;    /* too large to keep: its events go to the front as they come */

    const struct item *finishing;
    const struct bt_session *failed;
    struct bt_ahead_counts counts;
};

static void on_stuck(void *ctx);

/* ------------------------------------------------------------------ open and close */

static int keys_of(void *ctx, struct bt_slice db, struct bt_slice table,
                   const struct bt_table_keys **ret, struct bt_err *err)
{
    struct bt_ahead *a = ctx;

    return bt_key_source_find(a->keys, db, table, bt_deadline_in(ASK_MS), ret, err);
}

int bt_ahead_open(const struct bt_ahead_opts *opts, struct bt_ahead **ret, struct bt_err *err)
{
    struct bt_ahead *a = calloc(1, sizeof(*a));

    if (!a)
        return bt_fail(err, BT_ERR_SYSTEM, "out of memory");
    a->opts = *opts;
    a->opts.session.holds_ends = true;
    a->opts.large = opts->large ? opts->large : LARGE_BYTES;
    if (a->opts.workers > BT_SINGLE_RUN_JOIN_MAX)
        a->opts.workers = BT_SINGLE_RUN_JOIN_MAX;
    bt_kept_init(&a->format, 1 << 20);
    a->workers = calloc(a->opts.workers, sizeof(*a->workers));
    a->is_busy = calloc(a->opts.workers, sizeof(*a->is_busy));
    if (!a->workers || !a->is_busy) {
        bt_ahead_close(a);
        return bt_fail(err, BT_ERR_SYSTEM, "out of memory");
    }
    if (bt_connection_open(opts->where, bt_deadline_in(CONNECT_MS), &a->asker, err) < 0 ||
        bt_key_source_open(a->asker, &a->keys, err) < 0 ||
        bt_schedule_new(keys_of, a, &a->schedule, err) < 0) {
        bt_ahead_close(a);
        return -1;
    }
    opts->front->sender.stuck = on_stuck;
    opts->front->sender.stuck_ctx = a;
    *ret = a;
    return 0;
}

static void free_items(struct item *i)
{
    while (i) {
        struct item *next = i->next;

        bt_kept_done(&i->kept);
        free(i);
        i = next;
    }
}

/* Ends a session and what it has not committed, also while it waits for a lock. */
static void cut_off(struct bt_ahead *a, struct bt_session *worker)
{
    unsigned long long id = bt_connection_server(worker->connection)->thread_id;
    struct bt_err ignored = {0};

    (void)!bt_connection_executef(a->asker, bt_deadline_in(ASK_MS), &ignored, "KILL %llu", id);
    bt_session_close(worker);
    a->is_busy[worker - a->workers] = false;
}

void bt_ahead_close(struct bt_ahead *a)
{
    if (!a)
        return;
    for (unsigned i = 0; a->workers && i < a->opts.workers; i++) {
        if (a->is_busy[i])
            cut_off(a, &a->workers[i]);
        bt_session_close(&a->workers[i]);
    }
    if (a->opts.front)
        a->opts.front->sender.stuck = NULL;
    free_items(a->first);
    free_items(a->unused);
    free_items(a->current);
    bt_schedule_free(a->schedule);
    bt_key_source_close(a->keys);
    bt_connection_close(a->asker);
    bt_kept_done(&a->format);
    free(a->workers);
    free(a->is_busy);
    free(a);
}

struct bt_ahead_counts bt_ahead_counts(const struct bt_ahead *a)
{
    return a->counts;
}

const struct bt_session *bt_ahead_failed(const struct bt_ahead *a)
{
    return a->failed ? a->failed : a->opts.front;
}

/* ------------------------------------------------------------------- the queue */

static void append(struct bt_ahead *a, struct item *i)
{
    i->next = NULL;
    if (a->last)
        a->last->next = i;
    else
        a->first = i;
    a->last = i;
    a->queued++;
    a->queued_bytes += i->kept.bytes;
}

static void drop_first(struct bt_ahead *a)
{
    struct item *i = a->first;

    a->first = i->next;
    if (!a->first)
        a->last = NULL;
    a->queued--;
    a->queued_bytes -= i->kept.bytes;
    bt_kept_reset(&i->kept);
    i->next = a->unused;
    a->unused = i;
}

/* -------------------------------------------------------------------- the front */

/* The rest of a transaction, whose beginning may be there already. */
static int feed(struct bt_session *s, const struct bt_kept *kept, size_t from, struct bt_err *err)
{
    for (size_t i = from; i < kept->count; i++) {
        if (bt_session_event(s, &kept->events[i], err) < 0)
            return -1;
    }
    return 0;
}

/* A transaction that is passed over on purpose, and a DDL, after which tables may be others. */
static int settle_front(struct bt_ahead *a, const struct bt_sender_transaction *t, bool is_ddl,
                        struct bt_err *err)
{
    struct bt_session *front = a->opts.front;
    bool is_skipped = bt_statements_is_skipped(&front->statements);

    if (!is_skipped && !is_ddl)
        return 0;
    if (bt_sender_flush(&front->sender, err) < 0)
        return -1;
    if (is_skipped)
        a->opts.session.ended(a->opts.session.ctx, t);
    if (is_ddl)
        bt_key_source_forget(a->keys);
    return 0;
}

static int run_in_turn(struct bt_ahead *a, struct bt_err *err)
{
    struct item *i = a->first;
    struct bt_session *front = a->opts.front;

    bt_session_begin(front, &i->name);
    if (feed(front, &i->kept, 0, err) < 0 ||
        settle_front(a, &i->name, i->place.is_ddl, err) < 0)
        return -1;
    drop_first(a);
    return 0;
}

/* -------------------------------------------------------------------- ahead */

static struct bt_session *idle_worker(struct bt_ahead *a)
{
    for (unsigned i = 0; i < a->opts.workers; i++) {
        if (!a->is_busy[i])
            return &a->workers[i];
    }
    return NULL;
}

static int open_worker(struct bt_ahead *a, struct bt_session *worker, struct bt_err *err)
{
    struct bt_connection *c;

    if (worker->is_open)
        return 0;
    if (bt_target_open_beside(a->opts.where, a->opts.target, &a->opts.target_opts,
                              (unsigned)(worker - a->workers) + 1, bt_deadline_in(CONNECT_MS), &c,
                              err) < 0)
        return -1;
    if (bt_session_open(worker, c, true, a->opts.target, &a->opts.session, err) < 0)
        return -1;
    worker->sender.room = WORKER_PACKET;
    worker->sender.stuck = on_stuck;
    worker->sender.stuck_ctx = a;
    return feed(worker, &a->format, 0, err);
}

/* Back to the queue: it runs in its turn.  Whatever the error was, in turn it may not come again.
 */
static void take_back(struct bt_ahead *a, struct item *i)
{
    if (i->worker->is_open)
        cut_off(a, i->worker);
    a->is_busy[i->worker - a->workers] = false;
    i->worker = NULL;
    i->in_turn = true;
    i->fed = 0;
    a->counts.again++;
}

/* Gives the worker as much as it takes without waiting for its answers. */
static int start_on(struct item *i, struct bt_session *worker, struct bt_err *err)
{
    bt_session_begin(worker, &i->name);
    while (i->fed < i->kept.count && worker->sender.on_their_way < BT_SENDER_PACKETS - 1) {
        if (bt_session_event(worker, &i->kept.events[i->fed++], err) < 0)
            return -1;
    }
    return bt_sender_push(&worker->sender, err);
}

static bool may_start(const struct bt_ahead *a, const struct item *i)
{
    return !i->worker && !i->in_turn && !i->place.is_barrier && i->kept.bytes >= a->opts.large &&
           i->place.after <= *a->opts.done;
}

/* Failure to start is none: it will run in its turn, and say there what is wrong. */
static void start_more(struct bt_ahead *a)
{
    struct item *i = a->first;

    for (unsigned n = 0; i && n < LOOK_AHEAD; n++, i = i->next) {
        struct bt_session *worker = may_start(a, i) ? idle_worker(a) : NULL;
        struct bt_err not_now = {0};

        if (!worker)
            continue;
        a->is_busy[worker - a->workers] = true;
        i->worker = worker;
        if (open_worker(a, worker, &not_now) < 0 || start_on(i, worker, &not_now) < 0)
            take_back(a, i);
    }
}

/* Whether a session waits for a lock: its server thread says so, or we may not ask. */
static bool waits_for_lock(struct bt_ahead *a, const struct bt_session *s)
{
    unsigned long long id = bt_connection_server(s->connection)->thread_id;
    bt_auto_rows struct bt_rows rows = {0};
    struct bt_err not_told = {0};
    uint64_t waiting = 0;

    if (bt_connection_queryf(a->asker, bt_deadline_in(ASK_MS), &rows, &not_told,
                             "SELECT COUNT(*) AS n FROM information_schema.innodb_trx "
                             "WHERE trx_mysql_thread_id=%llu AND trx_state='LOCK WAIT'",
                             id) < 0)
        return true;
    return bt_rows_u64(&rows, 0, "n", &waiting) && waiting > 0;
}

/* The one whose turn it is does not answer. */
static void on_stuck(void *ctx)
{
    struct bt_ahead *a = ctx;
    const struct bt_session *s = a->finishing ? a->finishing->worker : a->opts.front;
    bool others = false;

    for (const struct item *i = a->first; i; i = i->next)
        others |= i->worker && i != a->finishing;
    if (!others || !waits_for_lock(a, s))
        return;
    for (struct item *i = a->first; i; i = i->next) {
        if (i->worker && i != a->finishing)
            take_back(a, i);
    }
}

/* The first of the queue ran ahead, and has its turn. */
static int finish(struct bt_ahead *a, struct bt_err *err)
{
    struct item *i = a->first;
    struct bt_session *worker = i->worker;
    struct bt_err early = {0};
    int status;

    if (bt_sender_flush(&a->opts.front->sender, err) < 0)
        return -1;
    if (i->worker != worker) /* it was in the way of the front */
        return 0;
    a->finishing = i;
    status = feed(worker, &i->kept, i->fed, &early);
    if (status == 0)
        status = bt_sender_flush(&worker->sender, &early);
    if (status == 0 && !worker->has_end)
        status = bt_fail(&early, BT_ERR_BUG, "a transaction ran ahead that has no end");
    if (status == 0) {
        worker->sender.now.end = i->name.end;
        status = bt_session_end(worker, &early);
        if (status < 0 && bt_connection_is_lost(worker->connection)) {
            a->failed = worker;
            *err = early;
            return -1;
        }
    }
    a->finishing = NULL;
    if (status < 0) {
        take_back(a, i);
        return 0;
    }
    a->is_busy[worker - a->workers] = false;
    a->counts.ran_ahead++;
    drop_first(a);
    return 0;
}

/* Brings what has its turn to its end; waits for nothing unless it must. */
static int pump(struct bt_ahead *a, bool drains, struct bt_err *err)
{
    bool is_full;

    while (a->first) {
        is_full = a->queued >= QUEUE_MAX || a->queued_bytes >= QUEUE_BYTES_MAX;
        if (!a->first->worker) {
            if (run_in_turn(a, err) < 0)
                return -1;
        } else if (drains || is_full ||
                   bt_connection_has_answer(a->first->worker->connection, 0)) {
            if (finish(a, err) < 0)
                return -1;
        } else {
            start_more(a);
            return 0;
        }
        start_more(a);
    }
    return 0;
}

/* ------------------------------------------------------------------ what is read */

void bt_ahead_begin(struct bt_ahead *a, const struct bt_sender_transaction *t)
{
    struct item *i = a->unused;

    if (i)
        a->unused = i->next;
    else
        i = calloc(1, sizeof(*i));
    a->current = i;
    a->is_streaming = false;
    bt_schedule_begin(a->schedule, t->number);
    if (!i)
        return;
    if (i->kept.arena.max == 0)
        bt_kept_init(&i->kept, TRANSACTION_MAX);
    i->name = *t;
    i->worker = NULL;
    i->fed = 0;
    i->in_turn = false;
    i->next = NULL;
}

/* What is kept so far goes to the front, and the rest as it comes. */
static int stream(struct bt_ahead *a, struct bt_err *err)
{
    struct bt_session *front = a->opts.front;

    if (bt_ahead_drain(a, err) < 0)
        return -1;
    bt_schedule_give_up(a->schedule);
    a->is_streaming = true;
    bt_session_begin(front, &a->current->name);
    return feed(front, &a->current->kept, 0, err);
}

int bt_ahead_event(struct bt_ahead *a, const struct bt_event *ev, struct bt_err *err)
{
    int status;

    if (!a->current)
        return bt_fail(err, BT_ERR_SYSTEM, "out of memory");
    if (bt_schedule_event(a->schedule, ev, err) < 0)
        return bt_sender_name(&a->current->name, NULL, err);
    if (a->is_streaming)
        return bt_session_event(a->opts.front, ev, err);
    status = bt_kept_add(&a->current->kept, ev, err);
    if (status != 1)
        return status;
    return stream(a, err) < 0 ? -1 : bt_session_event(a->opts.front, ev, err);
}

int bt_ahead_end(struct bt_ahead *a, const struct bt_sender_transaction *t, struct bt_err *err)
{
    struct bt_sender *front = &a->opts.front->sender;
    struct item *i = a->current;

    a->current = NULL;
    i->name = *t;
    bt_schedule_end(a->schedule, &i->place);
    a->counts.barriers += i->place.is_barrier;
    if (a->is_streaming) {
        a->is_streaming = false;
        bt_kept_reset(&i->kept);
        i->next = a->unused;
        a->unused = i;
        return settle_front(a, t, i->place.is_ddl, err);
    }
    append(a, i);
    /* While the front is at work, others may begin. */
    if (may_start(a, i) && idle_worker(a) && bt_sender_push(front, err) < 0)
        return -1;
    if (front->on_their_way > 0 || a->queued > 1)
        start_more(a);
    return pump(a, i->place.is_ddl, err);
}

int bt_ahead_between(struct bt_ahead *a, const struct bt_event *ev, struct bt_err *err)
{
    if (bt_ahead_drain(a, err) < 0 || bt_schedule_event(a->schedule, ev, err) < 0)
        return -1;
    if (ev->type == BT_FORMAT_DESCRIPTION) {
        bt_kept_reset(&a->format);
        if (bt_kept_add(&a->format, ev, err) != 0)
            return bt_fail(err, BT_ERR_LIMIT, "FORMAT_DESCRIPTION of %zu bytes", ev->raw.len);
        for (unsigned w = 0; w < a->opts.workers; w++) {
            if (a->workers[w].is_open && feed(&a->workers[w], &a->format, 0, err) < 0)
                return -1;
        }
    }
    return bt_session_event(a->opts.front, ev, err);
}

int bt_ahead_drain(struct bt_ahead *a, struct bt_err *err)
{
    if (pump(a, true, err) < 0)
        return -1;
    return bt_sender_flush(&a->opts.front->sender, err);
}
