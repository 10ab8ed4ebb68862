/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/replicate.h"

#include <stdio.h>

#include "apply/feeder.h"
#include "apply/link.h"
#include "apply/log_check.h"
#include "apply/own_applier.h"
#include "apply/sender.h"
#include "apply/target.h"
#include "base/crash_point.h"
#include "base/number.h"
#include "diff/diff_log.h"

enum {
    ASK_MS = 30000,  /* for the small statements */
    STOP_MS = 60000, /* STOP SLAVE waits for the event group under way */
    IDLE_DEFAULT_MS = 3600 * 1000,
    REACHED_MAX = 64 << 20,
    POLL_MS = 5,
    ALONE_MS = 60000, /* for what is left of an earlier run */
    THREADS_WISH = 8, /* of a server that has no parallel appliers */
    /* how many of 100 transactions meet */
    HOT_SOME = 25,
    HOT_MOST = 75,
};

struct replicate {
    const struct bt_connection_opts *where;
    const struct bt_replay_opts *opts;
    struct bt_replay_result *result;
    const char *path;
    enum bt_flavor flavor; /* of the log */
    struct bt_target target;
    struct bt_log_check check;
    struct bt_feeder feeder;
    struct bt_feed *feed; /* the feeder's, when it is ours */
    struct bt_link link;
    struct bt_link_to to;     /* but for where the feed is */
    struct bt_buf wanted;     /* asks for the GTIDs that end it */
    struct bt_buf last_place; /* of the link, when it moved last */
    int64_t started_ms, moved_ms;
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

/* The feed of this process. */
static int own_feed_open(void *ctx, const char *path, const struct bt_target *target,
                         uint32_t server_id, struct bt_feeder_place *ret, struct bt_err *err)
{
    struct replicate *r = ctx;
    struct bt_feed_opts opts = {.address = r->opts->feed_address,
                                .log_name = bt_log_base_name(path),
                                .server_id = server_id,
                                .open_log = open_log,
                                .has = target_has,
                                .ctx = r};

    (void)target;
    if (bt_feed_open(&opts, &r->feed, err) < 0)
        return -1;
    snprintf(ret->address, sizeof(ret->address), "%s", bt_feed_address(r->feed));
    snprintf(ret->password, sizeof(ret->password), "%s", bt_feed_password(r->feed));
    ret->port = bt_feed_port(r->feed);
    return 0;
}

static void own_feed_progress(void *ctx, struct bt_feed_progress *ret)
{
    struct replicate *r = ctx;

    bt_feed_progress(r->feed, ret);
}

static void own_feed_close(void *ctx)
{
    struct replicate *r = ctx;

    bt_feed_close(r->feed);
    r->feed = NULL;
}

/* A server ignores events of its own server_id on the way in, and refuses a primary that has it. */
static int open_feed(struct replicate *r, struct bt_feeder_place *ret, struct bt_err *err)
{
    uint64_t own;
    char text[32];

    if (bt_connection_value(r->target.connection, "SELECT @@global.server_id", until(r, ASK_MS),
                            sizeof(text), text, err) < 0)
        return -1;
    if (!bt_number_u64(bt_slice_str(text), UINT32_MAX, &own))
        return bt_fail(err, BT_ERR_REMOTE, "server_id of %s is \"%s\"",
                       bt_connection_name(r->target.connection), text);
    if (r->opts->feeder)
        r->feeder = *r->opts->feeder;
    else
        r->feeder = (struct bt_feeder){own_feed_open, own_feed_progress, own_feed_close, r};
    return r->feeder.open(r->feeder.ctx, r->path, &r->target,
                          own == UINT32_MAX ? 1 : (uint32_t)own + 1, ret, err);
}

/* ------------------------------------------------------------------- the target */

/* A MariaDB without parallel appliers gets some where they cannot go wrong: on statements and XA
 * they do (10.11.19: two inserts into an AUTO_INCREMENT table, one of them under XA, in either
 * order; ER_DUP_ENTRY). */
static unsigned threads_wish(const struct replicate *r)
{
    return r->link.is_mariadb && r->check.plain_rows == r->check.transactions ? THREADS_WISH : 0;
}

/* Rows that many change: appliers that go ahead of their turn are rolled back again and again.
 * Those that take over at the commit only share the wait for the disk; where there is none, or
 * nearly all change one row, a single applier is quickest (measured: docs/apply.md). */
static int choose_appliers(struct replicate *r, struct bt_err *err)
{
    bt_auto_rows struct bt_rows rows = {0};
    const char *mode;
    uint64_t syncs = 1;

    r->to.threads = r->opts->workers ? r->opts->workers : threads_wish(r);
    r->to.is_wish = r->opts->workers == 0;
    if (!r->link.is_mariadb || r->opts->workers || r->check.hot_percent < HOT_SOME)
        return 0;
    if (bt_connection_query(
            r->target.connection,
            bt_slice_str("SELECT @@global.slave_parallel_mode AS mode, @@global.sync_binlog=1 OR "
                         "@@global.innodb_flush_log_at_trx_commit=1 AS syncs"),
            until(r, ASK_MS), &rows, err) < 0)
        return -1;
    mode = bt_rows_text(&rows, 0, "mode");
    (void)!bt_rows_u64(&rows, 0, "syncs", &syncs);
    if (!mode || (strcmp(mode, "optimistic") != 0 && strcmp(mode, "aggressive") != 0))
        return 0;
    if (syncs && r->check.hot_percent < HOT_MOST) {
        r->to.parallel_mode = "conservative";
        r->result->appliers_why = "slave_parallel_mode=conservative: many transactions change a "
                                  "row that one right before them changed";
    } else {
        r->to.parallel_mode = "none";
        r->to.threads = 0;
        r->result->appliers_why = "one applier (slave_parallel_mode=none): many transactions "
                                  "change a row that one right before them changed";
    }
    return 0;
}

static int start(struct replicate *r, struct bt_err *err)
{
    struct bt_connection *c = r->target.connection;
    struct bt_feeder_place place = {0};
    struct bt_link_to to = r->to;
    int status = -1;

    if (open_feed(r, &place, err) < 0)
        return -1;
    to.address = place.address;
    to.password = place.password;
    to.port = place.port;
    if (bt_link_set_up(&r->link, c, &to, until(r, ASK_MS), err) == 0)
        status = bt_link_start(&r->link, c, until(r, ASK_MS), err);
    bt_crash_point("feed-started");
    explicit_bzero(&place, sizeof(place));
    return status;
}

/* Puts everything back; what cannot be is said. */
static void put_back(struct replicate *r, struct bt_err *err)
{
    bt_auto_connection struct bt_connection *again = NULL;
    struct bt_connection *c = r->target.connection;
    struct bt_err why = {0};
    int status = 0;

    if (!r->link.is_set_up)
        return;
    if (bt_connection_is_lost(c)) {
        status = bt_connection_open(r->where, bt_deadline_in(ASK_MS), &again, &why);
        c = again;
    }
    if (status == 0)
        status = bt_link_remove(&r->link, c, bt_deadline_in(STOP_MS), &why);
    if (status < 0 && err->kind == BT_ERR_NONE)
        *err = why;
    if (status < 0)
        bt_err_wrap(err, "the replication connection \"baton\" may be left on the target (%s)",
                    why.text);
}

/* --------------------------------------------------------------------- waiting */

static bool is_conflict(unsigned number)
{
    return number == 1062 || number == 1032 || number == 1146 || number == 1050 || number == 1677 ||
           number == 1950 || number == 1451 || number == 1452;
}

static int judge(struct replicate *r, const struct bt_link_state *s, struct bt_err *err)
{
    const char *name = bt_connection_name(r->target.connection);
    struct bt_feed_progress feed;

    if (!s->is_there)
        return bt_fail(err, BT_ERR_REMOTE, "the replication connection \"baton\" has gone");
    if (!s->sql_runs) {
        bt_fail(err, is_conflict(s->sql_errno) ? BT_ERR_CONFLICT : BT_ERR_REMOTE, "%s: %s", name,
                s->sql_error && *s->sql_error ? s->sql_error : "somebody stopped its replication");
        err->server_errno = s->sql_errno;
        return -1;
    }
    r->feeder.progress(r->feeder.ctx, &feed);
    if (feed.failed && (feed.err.kind == BT_ERR_CORRUPT || r->opts->feeder)) {
        *err = feed.err;
        return -1;
    }
    if (s->cannot_connect && feed.events == 0)
        return bt_fail(err, BT_ERR_REALITY, "%s does not reach the feed: %s", name, s->io_error);
    if (!s->io_runs)
        return bt_fail(err, BT_ERR_REMOTE, "%s receives nothing: %s", name,
                       s->io_error && *s->io_error ? s->io_error : "its IO thread was stopped");
    return 0;
}

static void tell(struct replicate *r)
{
    struct bt_feed_progress feed;

    r->feeder.progress(r->feeder.ctx, &feed);
    r->result->events = feed.events;
    r->result->rows_events = feed.rows_events;
    r->result->bytes = feed.bytes;
    r->result->seconds = (double)(bt_clock_ms() - r->started_ms) / 1000.0;
}

/* Whether it still moves: a server that stands still for the longest statement is given up. */
static int check_moving(struct replicate *r, const char *now, struct bt_err *err)
{
    int64_t most = r->opts->statement_ms > 0 ? r->opts->statement_ms : IDLE_DEFAULT_MS;
    int64_t ms = bt_clock_ms();

    if (!now)
        now = "";
    if (r->moved_ms == 0 || !bt_slice_equal_str(bt_buf_slice(&r->last_place), now)) {
        bt_buf_reset(&r->last_place);
        bt_buf_add_str(&r->last_place, now);
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

static int look(struct replicate *r, struct bt_err *err)
{
    struct bt_link_state s = {0};
    int status;

    if (bt_link_look(&r->link, r->target.connection, until(r, ASK_MS), &s, err) < 0) {
        bt_rows_done(&s.rows);
        return -1;
    }
    status = judge(r, &s, err) < 0 || check_moving(r, s.place, err) < 0 ? -1 : 0;
    bt_rows_done(&s.rows);
    return status;
}

static int wait_for_end(struct replicate *r, struct bt_err *err)
{
    char reached[32];

    for (;;) {
        if (bt_connection_value(r->target.connection, bt_buf_str(&r->wanted), until(r, ASK_MS),
                                sizeof(reached), reached, err) < 0)
            return -1;
        tell(r);
        if (strcmp(reached, "0") == 0)
            return 0;
        if (look(r, err) < 0)
            return -1;
        if (r->opts->progress &&
            r->opts->progress(r->result, r->check.bytes, r->opts->progress_ctx) != 0)
            return bt_fail(err, BT_ERR_TIMEOUT, "stopped on request");
        /* MySQL 5.6 is asked again and again: it has no wait that can time out. */
        if (r->target.server.flavor == BT_FLAVOR_MYSQL && r->target.server.version_number < 50705)
            bt_clock_pause(POLL_MS, until(r, ASK_MS));
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
    struct bt_target_opts look_only = {.dry_run = true};
    struct bt_log_check now = {0};
    struct bt_target again = {0};
    struct bt_err ignored = {0};

    if (bt_target_open(r->where, r->flavor, &look_only, bt_deadline_in(ASK_MS), &again,
                       &ignored) < 0)
        return;
    if (bt_log_check(r->path, &again, &now, &ignored) == 0 && now.missing <= r->check.missing) {
        r->result->transactions = r->check.missing - now.missing;
        r->result->last_gtid = now.last_there.gtid;
        r->result->last = now.last_there.primary_end;
        name_first(&now, err);
    }
    bt_log_check_done(&now);
    bt_target_close(&again);
}

static int apply(struct replicate *r, struct bt_err *err)
{
    return start(r, err) < 0 || wait_for_end(r, err) < 0 ? -1 : 0;
}

/* A question whose answer is 0 when everything is there. */
static int make_wanted(struct replicate *r, struct bt_err *err)
{
    bool waits = r->target.server.flavor == BT_FLAVOR_MARIADB ||
                 r->target.server.version_number >= 50705;

    if (r->target.server.flavor == BT_FLAVOR_MARIADB) {
        bt_buf_add_str(&r->wanted, "SELECT MASTER_GTID_WAIT('");
        bt_gtid_state_text(&r->check.last_missing, &r->wanted);
    } else {
        bt_buf_add_str(&r->wanted,
                       waits ? "SELECT WAIT_FOR_EXECUTED_GTID_SET('" : "SELECT 1-GTID_SUBSET('");
        bt_gtid_set_text(&r->check.missing_set, &r->wanted);
    }
    bt_buf_add_str(&r->wanted, waits ? "', 0.2)" : "', @@global.gtid_executed)");
    return bt_buf_check(&r->wanted, "the GTIDs to wait for", err);
}

static int open_target(struct replicate *r, struct bt_err *err)
{
    struct bt_target_opts look_only = {.dry_run = true};

    if (!r->opts->dry_run)
        look_only.alone_until = until(r, ALONE_MS);
    if (bt_target_open(r->where, r->flavor, &look_only, until(r, ASK_MS), &r->target, err) < 0 ||
        bt_own_applier_check(r->target.connection, until(r, ASK_MS), err) < 0)
        return -1;
    return bt_link_init(&r->link, r->target.connection, until(r, ASK_MS), err);
}

static int prepare(struct replicate *r, struct bt_err *err)
{
    if (bt_log_flavor(r->path, &r->flavor, err) < 0 || open_target(r, err) < 0)
        return -1;
    if (r->target.server.flavor != r->flavor || !r->target.keeps_gtids)
        return bt_fail(err, BT_ERR_REALITY,
                       "%s is %s: the replication road needs a server of the log's kind with GTIDs",
                       bt_connection_name(r->target.connection), r->target.server.version);
    if (bt_log_check(r->path, &r->target, &r->check, err) < 0)
        return -1;
    if (r->check.without_gtid > 0)
        return bt_fail(err, BT_ERR_REALITY,
                       "%llu transactions in \"%s\" have no GTID: the replication road needs them",
                       (unsigned long long)r->check.without_gtid, r->path);
    bt_buf_init(&r->last_place, REACHED_MAX);
    bt_buf_init(&r->wanted, REACHED_MAX);
    return choose_appliers(r, err) < 0 ? -1 : make_wanted(r, err);
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
    if (r.feeder.close)
        r.feeder.close(r.feeder.ctx);
    bt_target_close(&r.target);
    bt_log_check_done(&r.check);
    bt_buf_done(&r.wanted);
    bt_buf_done(&r.last_place);
    return status;
}
