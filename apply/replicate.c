/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/replicate.h"

#include <stdio.h>

#include "apply/feed.h"
#include "apply/log_check.h"
#include "apply/sender.h"
#include "apply/target.h"
#include "base/number.h"
#include "diff/diff_log.h"

enum {
    ASK_MS = 30000,  /* for the small statements */
    STOP_MS = 60000, /* STOP SLAVE waits for the event group under way */
    IDLE_DEFAULT_MS = 3600 * 1000,
    REACHED_MAX = 1 << 20,
};

struct replicate {
    const struct bt_connection_opts *where;
    const struct bt_replay_opts *opts;
    struct bt_replay_result *result;
    const char *path;
    struct bt_target target;
    struct bt_log_check check;
    struct bt_feed *feed;
    struct bt_buf wanted;     /* GTIDs that end it, as MASTER_GTID_WAIT takes them */
    struct bt_buf last_state; /* gtid_slave_pos when it moved last */
    int64_t started_ms, moved_ms;
    uint64_t threads_found;
    bool threads_changed, is_set_up;
};

static struct bt_deadline until(const struct replicate *r, int64_t ms)
{
    struct bt_deadline d = bt_deadline_in(ms);

    return r->opts->deadline.at_ms ? bt_deadline_earlier(d, r->opts->deadline) : d;
}

/* ------------------------------------------------------------------- the feed */

static int open_log(void *ctx, struct bt_source **ret, struct bt_err *err)
{
    return bt_diff_log_open(((struct replicate *)ctx)->path, ret, err);
}

static bool target_has(void *ctx, const struct bt_gtid *gtid)
{
    return bt_target_has(&((struct replicate *)ctx)->target, gtid);
}

/* A server ignores events of its own server_id on the way in, and refuses a primary that has it. */
static int open_feed(struct replicate *r, struct bt_err *err)
{
    uint64_t own;
    char text[32];
    struct bt_feed_opts opts = {.address = r->opts->feed_address,
                                .log_name = bt_log_base_name(r->path),
                                .open_log = open_log,
                                .has = target_has,
                                .ctx = r};

    if (bt_connection_value(r->target.connection, "SELECT @@global.server_id", until(r, ASK_MS),
                            sizeof(text), text, err) < 0)
        return -1;
    if (!bt_number_u64(bt_slice_str(text), UINT32_MAX, &own))
        return bt_fail(err, BT_ERR_REMOTE, "server_id of %s is \"%s\"",
                       bt_connection_name(r->target.connection), text);
    opts.server_id = own == UINT32_MAX ? 1 : (uint32_t)own + 1;
    return bt_feed_open(&opts, &r->feed, err);
}

/* ------------------------------------------------------------------- the target */

static int run_sql(struct replicate *r, const char *sql, int64_t ms, struct bt_err *err)
{
    return bt_connection_execute(r->target.connection, bt_slice_str(sql), until(r, ms), NULL, err);
}

/* Something left behind by a run that was killed. */
static int clear_connection(struct replicate *r, struct bt_err *err)
{
    bt_auto_rows struct bt_rows rows = {0};

    if (bt_connection_query(r->target.connection, bt_slice_str("SHOW ALL SLAVES STATUS"),
                            until(r, ASK_MS), &rows, err) < 0)
        return -1;
    for (uint64_t i = 0; i < rows.row_count; i++) {
        const char *name = bt_rows_text(&rows, i, "Connection_name");

        if (name && strcmp(name, BT_FEED_USER) == 0)
            return run_sql(r, "STOP SLAVE 'baton'", STOP_MS, err) < 0 ||
                           run_sql(r, "RESET SLAVE 'baton' ALL", ASK_MS, err) < 0
                       ? -1
                       : 0;
    }
    return 0;
}

static int set_threads(struct replicate *r, struct bt_err *err)
{
    char text[32];

    if (r->opts->workers == 0)
        return 0;
    if (bt_connection_value(r->target.connection, "SELECT @@global.slave_parallel_threads",
                            until(r, ASK_MS), sizeof(text), text, err) < 0)
        return -1;
    if (!bt_number_u64(bt_slice_str(text), UINT32_MAX, &r->threads_found))
        return bt_fail(err, BT_ERR_REMOTE, "slave_parallel_threads is \"%s\"", text);
    if (r->threads_found == r->opts->workers)
        return 0;
    if (bt_connection_executef(r->target.connection, until(r, ASK_MS), err,
                               "SET GLOBAL slave_parallel_threads=%u", r->opts->workers) < 0)
        return bt_err_wrap(err, "parallel threads can be set while no replication runs");
    r->threads_changed = true;
    return 0;
}

static int start(struct replicate *r, struct bt_err *err)
{
    if (bt_connection_executef(
            r->target.connection, until(r, ASK_MS), err,
            "CHANGE MASTER 'baton' TO MASTER_HOST='%s', MASTER_PORT=%u, MASTER_USER='" BT_FEED_USER
            "', MASTER_PASSWORD='%s', MASTER_SSL=0, MASTER_CONNECT_RETRY=1, "
            "MASTER_USE_GTID=slave_pos",
            bt_feed_address(r->feed), bt_feed_port(r->feed), bt_feed_password(r->feed)) < 0)
        return -1;
    r->is_set_up = true;
    return run_sql(r, "START SLAVE 'baton'", ASK_MS, err);
}

/* Puts everything back; what cannot be is said. */
static void put_back(struct replicate *r, struct bt_err *err)
{
    bt_auto_connection struct bt_connection *again = NULL;
    struct bt_connection *c = r->target.connection;
    struct bt_deadline deadline = bt_deadline_in(STOP_MS);
    struct bt_err why = {0};
    int status = 0;

    if (!r->is_set_up && !r->threads_changed)
        return;
    if (bt_connection_is_lost(c)) {
        status = bt_connection_open(r->where, bt_deadline_in(ASK_MS), &again, &why);
        c = again;
    }
    if (status == 0 && r->is_set_up)
        status = bt_connection_execute(c, bt_slice_str("STOP SLAVE 'baton'"), deadline, NULL, &why);
    if (status == 0 && r->is_set_up)
        status =
            bt_connection_execute(c, bt_slice_str("RESET SLAVE 'baton' ALL"), deadline, NULL, &why);
    if (status == 0 && r->threads_changed)
        status = bt_connection_executef(c, deadline, &why, "SET GLOBAL slave_parallel_threads=%llu",
                                        (unsigned long long)r->threads_found);
    if (status < 0 && err->kind == BT_ERR_NONE)
        *err = why;
    if (status < 0)
        bt_err_wrap(err, "the replication connection \"baton\" may be left on the target (%s)",
                    why.text);
}

/* --------------------------------------------------------------------- waiting */

static bool is_conflict_text(uint64_t number)
{
    return number == 1062 || number == 1032 || number == 1146 || number == 1050 || number == 1677 ||
           number == 1950 || number == 1451 || number == 1452;
}

static int judge_status(struct replicate *r, const struct bt_rows *rows, struct bt_err *err)
{
    const char *sql = bt_rows_text(rows, 0, "Slave_SQL_Running");
    const char *io = bt_rows_text(rows, 0, "Slave_IO_Running");
    const char *text = bt_rows_text(rows, 0, "Last_SQL_Error");
    struct bt_feed_progress feed;
    uint64_t number = 0;

    if (!sql || !io)
        return bt_fail(err, BT_ERR_REMOTE, "the replication connection \"baton\" has gone");
    if (strcmp(sql, "Yes") != 0) {
        (void)!bt_rows_u64(rows, 0, "Last_SQL_Errno", &number);
        bt_fail(err, is_conflict_text(number) ? BT_ERR_CONFLICT : BT_ERR_REMOTE, "%s: %s",
                bt_connection_name(r->target.connection),
                text && *text ? text : "somebody stopped its replication");
        err->server_errno = (unsigned)number;
        return -1;
    }
    bt_feed_progress(r->feed, &feed);
    if (feed.failed && feed.err.kind == BT_ERR_CORRUPT) {
        *err = feed.err;
        return -1;
    }
    text = bt_rows_text(rows, 0, "Last_IO_Error");
    if (strcmp(io, "No") == 0)
        return bt_fail(err, BT_ERR_REMOTE, "%s receives nothing: %s",
                       bt_connection_name(r->target.connection),
                       text && *text ? text : "its IO thread was stopped");
    return 0;
}

static void tell(struct replicate *r)
{
    struct bt_feed_progress feed;

    bt_feed_progress(r->feed, &feed);
    r->result->events = feed.events;
    r->result->rows_events = feed.rows_events;
    r->result->bytes = feed.bytes;
    r->result->seconds = (double)(bt_clock_ms() - r->started_ms) / 1000.0;
}

/* Whether it still moves: a server that stands still for the longest statement is given up. */
static int check_moving(struct replicate *r, const struct bt_rows *rows, struct bt_err *err)
{
    int64_t most = r->opts->statement_ms > 0 ? r->opts->statement_ms : IDLE_DEFAULT_MS;
    const char *now = bt_rows_text(rows, 0, "Gtid_Slave_Pos");
    int64_t ms = bt_clock_ms();

    if (!now)
        now = "";
    if (r->moved_ms == 0 || !bt_slice_equal_str(bt_buf_slice(&r->last_state), now)) {
        bt_buf_reset(&r->last_state);
        bt_buf_add_str(&r->last_state, now);
        r->moved_ms = ms;
    }
    if (ms - r->moved_ms > most)
        return bt_fail(err, BT_ERR_TIMEOUT, "%s has stood still at \"%s\" for %lld ms",
                       bt_connection_name(r->target.connection), now,
                       (long long)(ms - r->moved_ms));
    if (r->opts->deadline.at_ms && bt_deadline_passed(r->opts->deadline))
        return bt_fail(err, BT_ERR_TIMEOUT, "the deadline passed at \"%s\"", now);
    return 0;
}

static int wait_for_end(struct replicate *r, struct bt_err *err)
{
    char reached[32];

    for (;;) {
        bt_auto_rows struct bt_rows rows = {0};

        if (bt_connection_value(r->target.connection, bt_buf_str(&r->wanted), until(r, ASK_MS),
                                sizeof(reached), reached, err) < 0)
            return -1;
        tell(r);
        if (strcmp(reached, "0") == 0)
            return 0;
        if (bt_connection_query(r->target.connection, bt_slice_str("SHOW ALL SLAVES STATUS"),
                                until(r, ASK_MS), &rows, err) < 0)
            return -1;
        if (judge_status(r, &rows, err) < 0 || check_moving(r, &rows, err) < 0)
            return -1;
        if (r->opts->progress &&
            r->opts->progress(r->result, r->check.bytes, r->opts->progress_ctx) != 0)
            return bt_fail(err, BT_ERR_TIMEOUT, "stopped on request");
    }
}

/* ------------------------------------------------------------------------- run */

/* The transaction that could not be applied is the first that is not there. */
static void name_first(const struct bt_log_check *now, struct bt_err *err)
{
    const struct bt_transaction *t = &now->first_missing;
    struct bt_sender_transaction name = {
        .gtid = t->gtid, .end = t->primary_end, .offset = t->start};

    if (now->missing > 0 && err->kind == BT_ERR_CONFLICT)
        bt_sender_name(&name, NULL, err);
}

/* After a failure: how far it came, by the target's own state. */
static void count_again(struct replicate *r, struct bt_err *err)
{
    struct bt_target_opts look = {.dry_run = true};
    struct bt_log_check now = {0};
    struct bt_target again = {0};
    struct bt_err ignored = {0};

    if (bt_target_open(r->where, BT_FLAVOR_MARIADB, &look, bt_deadline_in(ASK_MS), &again,
                       &ignored) < 0)
        return;
    if (bt_log_check(r->path, &again, &now, &ignored) == 0 && now.missing <= r->check.missing) {
        r->result->transactions = r->check.missing - now.missing;
        name_first(&now, err);
    }
    bt_log_check_done(&now);
    bt_target_close(&again);
}

static int apply(struct replicate *r, struct bt_err *err)
{
    if (clear_connection(r, err) < 0 || set_threads(r, err) < 0 || open_feed(r, err) < 0 ||
        start(r, err) < 0)
        return -1;
    return wait_for_end(r, err);
}

static int prepare(struct replicate *r, struct bt_err *err)
{
    struct bt_target_opts look = {.dry_run = true};

    if (bt_target_open(r->where, BT_FLAVOR_MARIADB, &look, until(r, ASK_MS), &r->target, err) < 0)
        return -1;
    if (!r->target.keeps_gtids || r->target.server.version_number < 100500)
        return bt_fail(err, BT_ERR_REALITY,
                       "%s is %s: the replication road needs MariaDB 10.5 or newer",
                       bt_connection_name(r->target.connection), r->target.server.version);
    if (bt_log_check(r->path, &r->target, &r->check, err) < 0)
        return -1;
    if (r->check.last.kind != BT_GTID_MARIADB && r->check.transactions > 0)
        return bt_fail(err, BT_ERR_REALITY,
                       "\"%s\" holds no MariaDB GTIDs: the replication road needs them", r->path);
    bt_buf_init(&r->last_state, REACHED_MAX);
    bt_buf_init(&r->wanted, REACHED_MAX);
    bt_buf_add_str(&r->wanted, "SELECT MASTER_GTID_WAIT('");
    bt_gtid_state_text(&r->check.last_missing, &r->wanted);
    bt_buf_add_str(&r->wanted, "', 0.2)");
    return bt_buf_check(&r->wanted, "the GTIDs to wait for", err);
}

int bt_replicate_file(const struct bt_connection_opts *target, const char *path,
                      const struct bt_replay_opts *opts, struct bt_replay_result *result,
                      struct bt_err *err)
{
    struct replicate r = {.where = target,
                          .opts = opts,
                          .result = result,
                          .path = path,
                          .started_ms = bt_clock_ms()};
    int status;

    *result = (struct bt_replay_result){0};
    status = prepare(&r, err);
    if (status == 0) {
        result->skipped_already_there = r.check.transactions - r.check.missing;
        memcpy(result->digest, r.check.digest, sizeof(result->digest));
        if (r.check.missing > 0 && !opts->dry_run)
            status = apply(&r, err);
        put_back(&r, err);
        if (status == 0 && err->kind != BT_ERR_NONE)
            status = -1;
        result->transactions = r.check.missing;
        result->rows = r.check.missing_rows;
        result->last_gtid = r.check.last;
        result->last = r.check.last_place;
        if (status < 0)
            count_again(&r, err);
    }
    result->seconds = (double)(bt_clock_ms() - r.started_ms) / 1000.0;
    bt_feed_close(r.feed);
    bt_target_close(&r.target);
    bt_log_check_done(&r.check);
    bt_buf_done(&r.wanted);
    bt_buf_done(&r.last_state);
    return status;
}
