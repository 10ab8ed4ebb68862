/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/replay.h"

#include "apply/ahead.h"
#include "apply/log_check.h"
#include "apply/own_applier.h"
#include "apply/row_count.h"
#include "apply/session.h"
#include "apply/unanswered.h"
#include "apply/versioned.h"
#include "parser/reader.h"

enum {
    ER_KEY_NOT_FOUND = 1032,
    ER_DUP_ENTRY = 1062,
    TRIES_MAX = 10, /* of a transaction that met a lock */
    TRY_PAUSE_MS = 50,
    PROGRESS_EVERY_MS = 250,
    CONNECT_MS = 10000,
    ALONE_MS = 60000, /* for what is left of an earlier run */
};

struct replay {
    const struct bt_connection_opts *where;
    const struct bt_replay_opts *opts;
    struct bt_replay_result *result;
    struct bt_reader *reader;
    struct bt_source *log;
    struct bt_grouper grouper;

    struct bt_target target;
    struct bt_tally tally;
    bool has_tally; /* the target keeps no GTIDs of what is applied */
    struct bt_session front;
    struct bt_ahead *ahead;     /* NULL with one worker */
    struct bt_careful *careful; /* runs the transaction under way */
    struct bt_row_count rows;
    struct bt_versioned versioned;
    bool is_open;                 /* target and front are */
    bool is_passed_over;          /* the transaction under way is on the target already */
    bool stop;                    /* progress said so */
    struct bt_gtid_state reached; /* MariaDB: what gtid_slave_pos is to become */
    struct bt_err late;           /* of a callback that cannot fail */
    int64_t started_ms, told_ms;

    /* The log is read again from its start when a transaction is to be tried again. */
    uint64_t number;         /* of the transaction under way, from 0 */
    uint64_t done;           /* those before this one are dealt with */
    unsigned tries;          /* of number `done` */
    bool is_again;           /* number `done` met a conflict, and runs again row by row */
    struct bt_err first_err; /* the conflict */
};

/* -------------------------------------------------------------------- bookkeeping */

static void reach(struct replay *r, const struct bt_sender_transaction *t)
{
    r->result->last_gtid = t->gtid;
    r->result->last = t->end;
    if (r->late.kind == BT_ERR_NONE && t->gtid.kind == BT_GTID_MARIADB &&
        bt_gtid_state_update(&r->reached, &t->gtid, &r->late) < 0)
        bt_err_wrap(&r->late, "GTID state");
}

static void on_ended(void *ctx, const struct bt_sender_transaction *t)
{
    struct replay *r = ctx;

    r->result->transactions++;
    r->done = t->number + 1;
    r->tries = 0;
    r->is_again = false;
    reach(r, t);
}

static struct bt_deadline until(const struct replay *r, int64_t ms)
{
    struct bt_deadline d = bt_deadline_in(ms);

    return r->opts->deadline.at_ms ? bt_deadline_earlier(d, r->opts->deadline) : d;
}

static void tell(struct replay *r, bool now)
{
    int64_t ms = bt_clock_ms();

    r->result->seconds = (double)(ms - r->started_ms) / 1000.0;
    if (!r->opts->progress || (!now && ms - r->told_ms < PROGRESS_EVERY_MS))
        return;
    r->told_ms = ms;
    if (r->opts->progress(r->result, bt_source_size(r->log), r->opts->progress_ctx) != 0)
        r->stop = true;
}

/* ------------------------------------------------------------------- open and close */

static int open_ahead(struct replay *r, const struct bt_target_opts *target,
                      const struct bt_session_opts *session, struct bt_err *err)
{
    struct bt_ahead_opts ahead = {.where = r->where,
                                  .target = &r->target,
                                  .target_opts = *target,
                                  .front = &r->front,
                                  .session = *session,
                                  .done = &r->done,
                                  .workers = r->opts->workers - 1};

    return bt_ahead_open(&ahead, &r->ahead, err);
}

/* Whether the target's GTID state tells what of this log it has: MySQL keeps it without a log too.
 */
static bool tells_by_gtid(const struct replay *r)
{
    return r->target.keeps_gtids &&
           (r->target.has_binlog || r->target.server.flavor == BT_FLAVOR_MYSQL);
}

/* Where GTIDs will not tell the next run how far this one came, a row on the target does. */
static int open_tally(struct replay *r, struct bt_err *err)
{
    int status;

    if (r->opts->dry_run || !r->log->can_go_back || tells_by_gtid(r))
        return 0;
    status = bt_tally_open(r->log, r->target.connection, until(r, CONNECT_MS), &r->tally,
                           err);
    r->has_tally = status == 0;
    return status < 0 ? -1 : 0;
}

/* Once the log's flavour is known. */
static int open_target(struct replay *r, const struct bt_format *format, struct bt_err *err)
{
    const struct bt_replay_opts *o = r->opts;
    struct bt_target_opts target = {
        .no_binlog = o->no_binlog, .set_slave_pos = o->set_slave_pos, .dry_run = o->dry_run};
    struct bt_session_opts session = {.drops_all = o->dry_run,
                                      .statement_ms = o->statement_ms,
                                      .deadline = o->deadline,
                                      .ended = on_ended,
                                      .ctx = r};

    if (!o->dry_run)
        target.alone_until = until(r, ALONE_MS);
    if (bt_target_open(r->where, format->flavor, &target, until(r, CONNECT_MS), &r->target, err) <
        0)
        return -1;
    if (bt_own_applier_check(r->target.connection, until(r, CONNECT_MS), err) < 0) {
        bt_target_close(&r->target);
        return -1;
    }
    r->is_open = true;
    if (open_tally(r, err) < 0)
        return -1;
    if (r->has_tally)
        session.tally = &r->tally;
    if (bt_session_open(&r->front, r->target.connection, false, &r->target, &session, err) < 0)
        return -1;
    return o->workers > 1 && !o->dry_run ? open_ahead(r, &target, &session, err) : 0;
}

static void note_counts(struct replay *r)
{
    struct bt_ahead_counts counts = {0};

    if (r->ahead)
        counts = bt_ahead_counts(r->ahead);
    r->result->barriers += counts.barriers;
    r->result->ran_ahead += counts.ran_ahead;
    r->result->again += counts.again;
}

/* Everything of one reading of the log. */
static void done(struct replay *r)
{
    if (r->is_open) {
        note_counts(r);
        bt_ahead_close(r->ahead);
        r->ahead = NULL;
        bt_careful_close(r->careful);
        r->careful = NULL;
        bt_session_close(&r->front);
        bt_target_close(&r->target); /* which rolls back what is open */
        r->is_open = false;
    }
    bt_reader_close(r->reader);
    r->reader = NULL;
    bt_row_count_done(&r->rows);
    bt_versioned_done(&r->versioned);
}

/* ------------------------------------------------------------------ one transaction */

static struct bt_sender_transaction name_of(const struct replay *r)
{
    const struct bt_transaction *t = bt_grouper_transaction(&r->grouper);

    return (struct bt_sender_transaction){
        .gtid = t->gtid, .end = t->primary_end, .offset = t->start, .number = r->number};
}

/* Everything that was sent is answered. */
static int settle(struct replay *r, struct bt_err *err)
{
    return r->ahead ? bt_ahead_drain(r->ahead, err) : bt_sender_flush(&r->front.sender, err);
}

static void note_conflict(void *ctx, const struct bt_conflict *conflict)
{
    struct replay *r = ctx;

    r->result->conflicts++;
    if (r->opts->note_conflict)
        r->opts->note_conflict(r->opts->conflict_ctx, conflict);
}

/* A transaction that no ROLLBACK takes back cannot be run again: where it may go on over a conflict
 * it is run row by row at once. */
static bool is_for_careful(const struct replay *r)
{
    const struct bt_transaction *t = bt_grouper_transaction(&r->grouper);

    if (r->is_again && r->number == r->done)
        return true;
    return r->opts->on_conflict != BT_CONFLICT_STOP && t->gtid.kind == BT_GTID_MARIADB &&
           !(t->gtid_flags & (BT_GTID_TRANSACTIONAL | BT_GTID_STANDALONE | BT_GTID_DDL)) &&
           !r->opts->dry_run;
}

static int begin_careful(struct replay *r, const struct bt_sender_transaction *t,
                         struct bt_err *err)
{
    const struct bt_transaction *of = bt_grouper_transaction(&r->grouper);
    bool is_undoable = !(of->gtid_flags & (BT_GTID_STANDALONE | BT_GTID_DDL)) &&
                       (of->gtid_flags & BT_GTID_TRANSACTIONAL);

    if (r->is_again && of->gtid.kind == BT_GTID_MARIADB && !is_undoable) {
        *err = r->first_err;
        return -1;
    }
    if (settle(r, err) < 0 ||
        bt_careful_open(&r->front, r->where, r->opts->on_conflict, note_conflict, r, &r->careful,
                        err) < 0)
        return -1;
    bt_careful_begin(r->careful, t, r->is_again);
    return 0;
}

static int begin(struct replay *r, struct bt_err *err)
{
    struct bt_sender_transaction now = name_of(r);

    r->is_passed_over = r->number < r->done || bt_target_has(&r->target, &now.gtid) ||
                        (r->has_tally && r->number < r->tally.done);
    if (r->is_passed_over)
        return 0;
    if (is_for_careful(r))
        return begin_careful(r, &now, err);
    if (r->ahead)
        bt_ahead_begin(r->ahead, &now);
    else
        bt_session_begin(&r->front, &now);
    return 0;
}

static int end(struct replay *r, struct bt_err *err)
{
    struct bt_sender_transaction whole = name_of(r);
    bool is_skipped = r->is_passed_over && r->number >= r->done;
    bool is_nothing = !r->is_passed_over && (!r->ahead || r->careful) &&
                      (bt_statements_is_skipped(&r->front.statements) || r->opts->dry_run);

    if (r->careful) {
        bt_careful_close(r->careful);
        r->careful = NULL;
    } else if (r->ahead && !r->is_passed_over && bt_ahead_end(r->ahead, &whole, err) < 0) {
        return -1;
    }
    /* In log order with those that are sent and not answered yet. */
    if ((is_skipped || is_nothing) && settle(r, err) < 0)
        return -1;
    if (is_skipped) {
        r->result->skipped_already_there++;
        r->done = r->number + 1;
        reach(r, &whole);
    }
    if (is_nothing)
        on_ended(r, &whole);
    r->is_passed_over = false;
    r->number++;
    tell(r, false);
    return 0;
}

/* An event of a transaction, or one between two. */
static int hand_on(struct replay *r, const struct bt_event *ev, struct bt_err *err)
{
    const struct bt_transaction *t = bt_grouper_transaction(&r->grouper);

    if (r->careful)
        return bt_careful_event(r->careful, ev, err);
    if (!r->ahead)
        return bt_session_event(&r->front, ev, err);
    return t ? bt_ahead_event(r->ahead, ev, err) : bt_ahead_between(r->ahead, ev, err);
}

/* ev: a TABLE_MAP, or the first event of a transaction. */
static int check_versioned(struct replay *r, const struct bt_event *ev, struct bt_err *err)
{
    const struct bt_transaction *t = bt_grouper_transaction(&r->grouper);
    struct bt_sender_transaction now;

    if (!bt_versioned_matters(ev->format, &r->target.server))
        return 0;
    if (t && (t->gtid_flags & BT_GTID_DDL))
        bt_versioned_forget(&r->versioned);
    if (ev->type != BT_TABLE_MAP || !bt_versioned_may_be(&r->versioned, ev))
        return 0;
    if (settle(r, err) < 0)
        return -1;
    now = name_of(r);
    if (bt_versioned_ask(&r->versioned, ev, until(r, CONNECT_MS), err) < 0)
        return bt_sender_name(&now, NULL, err);
    return 0;
}

static int abandoned(const struct bt_transaction *t, struct bt_err *err)
{
    struct bt_sender_transaction name = {
        .gtid = t->gtid, .end = t->primary_end, .offset = t->start};

    bt_fail(err, BT_ERR_CORRUPT, "it is not finished in this log; it was not applied");
    return bt_sender_name(&name, NULL, err);
}

static int feed(struct replay *r, const struct bt_event *ev, struct bt_err *err)
{
    enum bt_group_step step;
    int status = 0;

    r->result->events++;
    r->result->bytes += ev->inner ? 0 : ev->raw.len;
    if (bt_event_is_rows(ev->type))
        r->result->rows_events++;
    if (!r->is_open && open_target(r, ev->format, err) < 0)
        return -1;
    if (ev->type == BT_GTID_LIST && !r->grouper.inside && r->result->transactions == 0 &&
        r->result->skipped_already_there == 0 && bt_target_check_start(&r->target, ev, err) < 0)
        return -1;
    if (bt_grouper_feed(&r->grouper, ev, &step, err) < 0)
        return -1;
    if (r->grouper.did_abandon)
        return abandoned(&r->grouper.abandoned, err);
    if (step == BT_GROUP_BEGIN || step == BT_GROUP_WHOLE)
        status = begin(r, err);
    if (status < 0)
        return -1;
    if ((!r->ahead || r->careful) && (step == BT_GROUP_END || step == BT_GROUP_WHOLE))
        r->front.sender.now.end = bt_grouper_transaction(&r->grouper)->primary_end;
    if (!r->is_passed_over)
        r->result->rows += bt_row_count_feed(&r->rows, ev);
    if (!r->is_passed_over && (check_versioned(r, ev, err) < 0 || hand_on(r, ev, err) < 0))
        return -1;
    if (step == BT_GROUP_END || step == BT_GROUP_WHOLE)
        return end(r, err);
    return 0;
}

/* ------------------------------------------------------------------ the end */

/* The session that failed. */
static const struct bt_session *broken(const struct replay *r)
{
    return r->ahead ? bt_ahead_failed(r->ahead) : &r->front;
}

/* The session broke with ends of transactions on their way: which of them happened?  A server that
 * was killed needs a moment to come back. */
static int ask_which_ended(struct replay *r, struct bt_err *err)
{
    struct bt_unanswered ask = {.where = r->where,
                                .broken = broken(r),
                                .source = r->front.statements.context.source,
                                .deadline = r->opts->deadline,
                                .ended = on_ended,
                                .ctx = r};
    const struct bt_sender_transaction *t = bt_sender_unknown(&broken(r)->sender, 0);
    char gtid[BT_GTID_TEXT_SIZE];
    struct bt_err why = {0};

    if (r->has_tally)
        return bt_err_wrap(err, "the next run sees in baton.progress what the target has");
    if (t->gtid.kind == BT_GTID_NONE || !tells_by_gtid(r))
        return bt_err_wrap(err, "not known whether the target has it: it keeps no GTIDs of what is "
                                "applied");
    if (bt_unanswered_ask(&ask, &t, &why) < 0)
        return bt_err_wrap(err, "not known whether the target has it (%s); a second run will find "
                                "out",
                           why.text);
    if (!t)
        return bt_err_wrap(err, "the target has all that was sent, as it says over a new session");
    return bt_err_wrap(err, "the target does not have %s, as it says over a new session",
                       bt_gtid_text(&t->gtid, gtid));
}

static int check_end(const struct bt_reader *reader, const struct bt_grouper *grouper,
                     const char *name, struct bt_err *err)
{
    const struct bt_end *end = bt_reader_end(reader);
    const struct bt_transaction *open = bt_grouper_transaction(grouper);

    if (end->kind == BT_END_CORRUPT || end->kind == BT_END_TORN)
        return bt_fail(err, BT_ERR_CORRUPT, "%s:%llu: %s", name, (unsigned long long)end->offset,
                       end->reason);
    return grouper->inside && open ? abandoned(open, err) : 0;
}

static int set_slave_pos(struct replay *r, struct bt_err *err)
{
    bt_auto_buf struct bt_buf sql = {.max = 1 << 20};
    struct bt_gtid_state all = {0};
    int status = 0;

    if (!r->opts->set_slave_pos || r->opts->dry_run || !r->target.keeps_gtids ||
        r->target.server.flavor != BT_FLAVOR_MARIADB || r->reached.count == 0)
        return 0;
    for (size_t i = 0; i < r->target.slave_pos.count && status == 0; i++)
        status = bt_gtid_state_update(&all, &r->target.slave_pos.items[i], err);
    for (size_t i = 0; i < r->reached.count && status == 0; i++) {
        const struct bt_gtid *last = bt_gtid_state_last(&r->reached, r->reached.items[i].domain);

        if (last == &r->reached.items[i] && !bt_gtid_state_has(&r->target.slave_pos, last))
            status = bt_gtid_state_update(&all, last, err);
    }
    bt_buf_add_str(&sql, "SET GLOBAL gtid_slave_pos='");
    bt_gtid_state_text(&all, &sql);
    bt_buf_add_str(&sql, "'");
    bt_gtid_state_done(&all);
    if (status < 0 || bt_buf_check(&sql, "gtid_slave_pos", err) < 0)
        return -1;
    return bt_connection_execute(r->target.connection, bt_buf_slice(&sql), until(r, CONNECT_MS),
                                 NULL, err);
}

static int run(struct replay *r, struct bt_err *err)
{
    struct bt_event ev;
    int status;

    while ((status = bt_reader_next(r->reader, &ev, err)) == 0) {
        if (feed(r, &ev, err) < 0)
            return -1;
        if (r->stop && !r->grouper.inside)
            break;
        if (r->opts->deadline.at_ms && bt_deadline_passed(r->opts->deadline))
            return bt_fail(err, BT_ERR_TIMEOUT, "the deadline passed at %s:%llu", r->log->name,
                           (unsigned long long)ev.offset);
    }
    if (status < 0)
        return -1;
    if (r->is_open && (r->stop ? bt_sender_flush(&r->front.sender, err) : settle(r, err)) < 0)
        return -1;
    if (status == 1 && check_end(r->reader, &r->grouper, r->log->name, err) < 0)
        return -1;
    if (r->late.kind != BT_ERR_NONE) {
        *err = r->late;
        return -1;
    }
    return r->is_open ? set_slave_pos(r, err) : 0;
}

static int read_once(struct replay *r, struct bt_err *err)
{
    int status;

    r->number = 0;
    r->is_passed_over = false;
    r->result->events = r->result->bytes = r->result->rows_events = 0;
    bt_grouper_init(&r->grouper, bt_log_base_name(r->log->name));
    if (bt_row_count_init(&r->rows, err) < 0)
        return -1;
    status = bt_reader_open(r->log, (struct bt_reader_opts){0}, &r->reader, err) < 0 ? -1 : 0;
    if (status == 0)
        status = run(r, err);
    if (status < 0 && r->front.is_open && bt_connection_is_lost(broken(r)->connection) &&
        bt_sender_unknown(&broken(r)->sender, 0))
        ask_which_ended(r, err);
    return status;
}

/* Whether the log is to be read again: the transaction that failed met a lock of somebody else, and
 * is tried once more; or it met a conflict, and is run row by row. */
static bool may_try_again(struct replay *r, const struct bt_err *err)
{
    const struct bt_sender *s = &r->front.sender;

    if (!r->is_open || !s->failed || !r->log->can_go_back || r->stop ||
        s->failed_at.number != r->done || bt_connection_is_lost(r->front.connection))
        return false;
    if (s->is_conflict && !r->is_again && !r->opts->dry_run &&
        (r->opts->on_conflict != BT_CONFLICT_STOP || err->server_errno == ER_DUP_ENTRY ||
         err->server_errno == ER_KEY_NOT_FOUND)) {
        r->first_err = *err;
        r->is_again = true;
        return true;
    }
    if (!s->is_busy || r->tries == TRIES_MAX)
        return false;
    r->tries++;
    bt_clock_pause(TRY_PAUSE_MS, until(r, TRY_PAUSE_MS));
    return true;
}

int bt_replay_run(const struct bt_connection_opts *target, struct bt_source *log,
                  const struct bt_replay_opts *opts, struct bt_replay_result *result,
                  struct bt_err *err)
{
    struct replay r = {.where = target,
                       .opts = opts,
                       .result = result,
                       .versioned = {.where = target},
                       .log = log,
                       .started_ms = bt_clock_ms()};
    bool again = true;
    int status = -1;

    *result = (struct bt_replay_result){0};
    while (again) {
        struct bt_err attempt = {0};

        status = read_once(&r, &attempt);
        again = status < 0 && may_try_again(&r, &attempt);
        if (status < 0 && !again)
            *err = attempt;
        done(&r);
    }
    tell(&r, true);
    result->stopped = r.stop;
    bt_gtid_state_done(&r.reached);
    return status;
}
