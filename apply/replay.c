/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/replay.h"

#include "apply/log_check.h"
#include "apply/replicate.h"
#include "apply/road.h"
#include "apply/row_count.h"
#include "apply/sender.h"
#include "apply/target.h"
#include "diff/diff_log.h"
#include "parser/reader.h"

enum {
    PROGRESS_EVERY_MS = 250,
    CONNECT_MS = 10000,
    ASK_AGAIN_MS = 30000, /* for a server that is coming back */
    ASK_PAUSE_MS = 200,
};

struct replay {
    const struct bt_connection_opts *where;
    const struct bt_replay_opts *opts;
    struct bt_replay_result *result;
    struct bt_reader *reader;
    struct bt_source *log;
    struct bt_grouper grouper;

    struct bt_target target;
    struct bt_statements statements;
    struct bt_sender sender;
    struct bt_row_count rows;
    bool is_open;                 /* the three above are */
    bool is_passed_over;          /* the transaction under way is on the target already */
    bool stop;                    /* progress said so */
    struct bt_gtid_state reached; /* MariaDB: what gtid_slave_pos is to become */
    struct bt_err late;           /* of a callback that cannot fail */
    int64_t started_ms, told_ms;
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

/* A dry run makes every statement and sends none. */
static int drop_step(void *ctx, const struct bt_step *step, struct bt_err *err)
{
    bt_auto_fd int fd = step->file;

    (void)fd;
    (void)ctx;
    (void)err;
    return 0;
}

/* Once the log's flavour is known. */
static int open_target(struct replay *r, const struct bt_format *format, struct bt_err *err)
{
    const struct bt_replay_opts *o = r->opts;
    struct bt_target_opts target = {
        .no_binlog = o->no_binlog, .set_slave_pos = o->set_slave_pos, .dry_run = o->dry_run};
    struct bt_statements_opts make;

    if (bt_target_open(r->where, format->flavor, &target, until(r, CONNECT_MS), &r->target, err) <
        0)
        return -1;
    make = (struct bt_statements_opts){.target = r->target.server.flavor,
                                       .target_version = r->target.server.version_number,
                                       .keep_gtids = r->target.keeps_gtids,
                                       .packet_max = r->target.packet_max,
                                       .collations = &r->target.collations,
                                       .emit = o->dry_run ? drop_step : bt_sender_add,
                                       .ctx = &r->sender};
    bt_statements_init(&r->statements, &make);
    bt_sender_init(&r->sender);
    r->sender.connection = r->target.connection;
    if (o->statement_ms > 0)
        r->sender.statement_ms = o->statement_ms;
    r->sender.deadline = o->deadline;
    r->sender.ended = on_ended;
    r->sender.ctx = r;
    r->is_open = true;
    return 0;
}

static void done(struct replay *r)
{
    tell(r, false);
    if (r->is_open) {
        bt_statements_done(&r->statements);
        bt_sender_done(&r->sender);
        bt_target_close(&r->target); /* which rolls back what is open */
    }
    bt_reader_close(r->reader);
    bt_row_count_done(&r->rows);
    bt_gtid_state_done(&r->reached);
}

/* ------------------------------------------------------------------ one transaction */

static int begin(struct replay *r, struct bt_err *err)
{
    const struct bt_transaction *t = bt_grouper_transaction(&r->grouper);
    struct bt_sender_transaction now = {.gtid = t->gtid, .offset = t->start};

    (void)err;
    r->is_passed_over = bt_target_has(&r->target, &t->gtid);
    if (!r->is_passed_over) {
        bt_statements_begin(&r->statements);
        bt_sender_transaction(&r->sender, &now);
    }
    return 0;
}

static int end(struct replay *r, struct bt_err *err)
{
    const struct bt_transaction *t = bt_grouper_transaction(&r->grouper);
    struct bt_sender_transaction whole = {
        .gtid = t->gtid, .end = t->primary_end, .offset = t->start};

    if (r->is_passed_over) {
        /* In log order with those that are sent and not answered yet. */
        if (bt_sender_flush(&r->sender, err) < 0)
            return -1;
        r->result->skipped_already_there++;
        reach(r, &whole);
    } else if (bt_statements_is_skipped(&r->statements) || r->opts->dry_run) {
        if (bt_sender_flush(&r->sender, err) < 0)
            return -1;
        on_ended(r, &whole);
    }
    r->is_passed_over = false;
    tell(r, false);
    return 0;
}

static int feed_statements(struct replay *r, const struct bt_event *ev, struct bt_err *err)
{
    const struct bt_transaction *t = bt_grouper_transaction(&r->grouper);

    if (bt_statements_feed(&r->statements, ev, err) == 0)
        return 0;
    if (!r->sender.failed && t) {
        struct bt_sender_transaction name = {
            .gtid = t->gtid, .end = t->primary_end, .offset = t->start};

        bt_sender_name(&name, r->statements.rows.table, err);
    }
    return -1;
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
    if ((step == BT_GROUP_BEGIN || step == BT_GROUP_WHOLE) && begin(r, err) < 0)
        return -1;
    if (step == BT_GROUP_END || step == BT_GROUP_WHOLE)
        r->sender.now.end = bt_grouper_transaction(&r->grouper)->primary_end;
    if (!r->is_passed_over)
        r->result->rows += bt_row_count_feed(&r->rows, ev);
    if (!r->is_passed_over && feed_statements(r, ev, err) < 0)
        return -1;
    if (step == BT_GROUP_END || step == BT_GROUP_WHOLE)
        return end(r, err);
    return 0;
}

/* ------------------------------------------------------------------ the end */

/* The session broke while the end of a transaction was under way: did it happen?  A server that was
 * killed needs a moment to come back. */
static int ask_whether_ended(struct replay *r, struct bt_err *err)
{
    struct bt_deadline give_up = until(r, ASK_AGAIN_MS);
    struct bt_sender_transaction t = r->sender.ending;
    enum bt_flavor source = r->statements.context.source;
    struct bt_target_opts read_only = {.dry_run = true};
    struct bt_target again = {0};
    struct bt_err why = {0};

    if (!r->target.keeps_gtids || t.gtid.kind == BT_GTID_NONE || !r->target.has_binlog)
        return bt_err_wrap(err, "not known whether the target has it: it keeps no GTIDs of what is "
                                "applied");
    while (bt_target_open(r->where, source, &read_only, until(r, CONNECT_MS), &again, &why) < 0) {
        if (bt_deadline_passed(give_up))
            return bt_err_wrap(err, "not known whether the target has it (%s); a second run will "
                                    "find out",
                               why.text);
        bt_clock_pause(ASK_PAUSE_MS, give_up);
    }
    if (bt_target_has(&again, &t.gtid)) {
        on_ended(r, &t);
        bt_err_wrap(err, "the target has it, as it says over a new session");
    } else {
        bt_err_wrap(err, "the target does not have it, as it says over a new session");
    }
    bt_target_close(&again);
    return -1;
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
    if (r->is_open && bt_sender_flush(&r->sender, err) < 0)
        return -1;
    if (status == 1 && check_end(r->reader, &r->grouper, r->log->name, err) < 0)
        return -1;
    if (r->late.kind != BT_ERR_NONE) {
        *err = r->late;
        return -1;
    }
    return r->is_open ? set_slave_pos(r, err) : 0;
}

int bt_replay_run(const struct bt_connection_opts *target, struct bt_source *log,
                  const struct bt_replay_opts *opts, struct bt_replay_result *result,
                  struct bt_err *err)
{
    struct replay r = {.where = target,
                       .opts = opts,
                       .result = result,
                       .log = log,
                       .started_ms = bt_clock_ms()};
    int status;

    *result = (struct bt_replay_result){0};
    bt_grouper_init(&r.grouper, bt_log_base_name(log->name));
    if (bt_row_count_init(&r.rows, err) < 0)
        return -1;
    status = bt_reader_open(log, (struct bt_reader_opts){0}, &r.reader, err) < 0 ? -1 : 0;
    if (status == 0)
        status = run(&r, err);
    if (status < 0 && r.is_open && r.sender.end_unknown)
        ask_whether_ended(&r, err);
    tell(&r, true);
    done(&r);
    return status;
}

int bt_replay_file(const struct bt_connection_opts *target, const char *path,
                   const struct bt_replay_opts *opts, struct bt_replay_result *result,
                   struct bt_err *err)
{
    bt_auto_source struct bt_source *log = NULL;
    struct bt_log_check check = {0};
    enum bt_replay_via via = opts->via;
    const char *why = "";
    int status;

    *result = (struct bt_replay_result){0};
    if (via == BT_REPLAY_AUTO && bt_road_choose(target, path, opts, &via, &why, err) < 0)
        return -1;
    if (via == BT_REPLAY_REPLICATION) {
        status = bt_replicate_file(target, path, opts, result, err);
        result->via = via;
        result->via_why = why;
        /* What the other road can do without is no reason to give up, when it was ours to choose.
         */
        if (status == 0 || opts->via != BT_REPLAY_AUTO || err->kind != BT_ERR_REALITY)
            return status;
        bt_err_clear(err);
        via = BT_REPLAY_SQL;
        why = "the target's own appliers could not be used";
    }
    if (bt_log_check(path, NULL, &check, err) < 0)
        return -1;
    bt_log_check_done(&check);
    /* Opened anew: a stream cannot go back. */
    if (bt_diff_log_open(path, &log, err) < 0)
        return -1;
    status = bt_replay_run(target, log, opts, result, err);
    result->via = via;
    result->via_why = why;
    memcpy(result->digest, check.digest, sizeof(result->digest));
    return status;
}
