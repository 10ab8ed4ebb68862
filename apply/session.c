/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/session.h"

#include <unistd.h>

#include "base/auto.h"

enum { END_MAX = 1024 };

static int drop_step(void *ctx, const struct bt_step *step, struct bt_err *err)
{
    bt_auto_fd int fd = step->file;

    (void)fd;
    (void)ctx;
    (void)err;
    return 0;
}

static int add_note(struct bt_session *s, const char *sql, enum bt_step_kind kind,
                    struct bt_err *err)
{
    struct bt_step step = {.kind = kind, .sql = bt_slice_str(sql), .table = "", .file = -1};

    return bt_sender_add(&s->sender, &step, err);
}

/* The end of a transaction, and with it, in the same one where it can be, how far we are. */
static int add_end(struct bt_session *s, const struct bt_step *step, struct bt_err *err)
{
    bool is_commit = bt_slice_equal_str(step->sql, "COMMIT");
    bool is_prepare = bt_slice_starts_with(step->sql, "XA PREPARE");
    uint64_t number = s->sender.now.number;
    char sql[BT_TALLY_SQL_SIZE];

    /* A session with a prepared branch runs nothing but its end; what comes next counts it too. */
    if (!s->tally || is_prepare)
        return bt_sender_add(&s->sender, step, err);
    if (is_commit)
        return add_note(s, bt_tally_mark(s->tally, number, sql), BT_STEP_WORK, err) < 0
                   ? -1
                   : bt_sender_add(&s->sender, step, err);
    if (step->is_lone && !step->is_xa_end &&
        add_note(s, bt_tally_announce(s->tally, number, sql), BT_STEP_CONTEXT, err) < 0)
        return -1;
    if (bt_sender_add(&s->sender, step, err) < 0)
        return -1;
    return add_note(s, bt_tally_mark(s->tally, number, sql), BT_STEP_CONTEXT, err);
}

static int take_step(void *ctx, const struct bt_step *step, struct bt_err *err)
{
    struct bt_session *s = ctx;

    if (step->kind != BT_STEP_END)
        return bt_sender_add(&s->sender, step, err);
    if (!s->holds_ends)
        return add_end(s, step, err);
    bt_buf_reset(&s->end);
    bt_buf_add_slice(&s->end, step->sql);
    s->has_end = true;
    return bt_buf_check(&s->end, "the end of a transaction", err);
}

int bt_session_open(struct bt_session *s, struct bt_connection *connection, bool owns_connection,
                    const struct bt_target *target, const struct bt_session_opts *opts,
                    struct bt_err *err)
{
    bool is_mariadb = target->server.flavor == BT_FLAVOR_MARIADB;
    struct bt_statements_opts make = {.target = target->server.flavor,
                                      .target_version = target->server.version_number,
                                      .keep_gtids = target->keeps_gtids,
                                      .packet_max = target->packet_max,
                                      .join_ends =
                                          is_mariadb && !opts->holds_ends && !opts->tally,
                                      .collations = &target->collations,
                                      .emit = opts->drops_all ? drop_step : take_step,
                                      .ctx = s};

    *s = (struct bt_session){.connection = connection,
                             .owns_connection = owns_connection,
                             .is_open = true,
                             .holds_ends = opts->holds_ends,
                             .tally = opts->tally,
                             .opened_ms = bt_clock_ms()};
    bt_buf_init(&s->end, END_MAX);
    bt_statements_init(&s->statements, &make);
    if (bt_sender_init(&s->sender, connection, target->packet_max, err) < 0)
        return -1;
    if (opts->statement_ms > 0)
        s->sender.statement_ms = opts->statement_ms;
    s->sender.deadline = opts->deadline;
    s->sender.ended = opts->ended;
    s->sender.ctx = opts->ctx;
    return 0;
}

void bt_session_close(struct bt_session *s)
{
    if (!s->is_open)
        return;
    bt_statements_done(&s->statements);
    bt_sender_done(&s->sender);
    bt_buf_done(&s->end);
    if (s->owns_connection)
        bt_connection_close(s->connection);
    *s = (struct bt_session){0};
}

void bt_session_begin(struct bt_session *s, const struct bt_sender_transaction *t)
{
    s->has_end = false;
    bt_statements_begin(&s->statements);
    bt_sender_transaction(&s->sender, t);
}

int bt_session_event(struct bt_session *s, const struct bt_event *ev, struct bt_err *err)
{
    if (bt_statements_feed(&s->statements, ev, err) == 0)
        return 0;
    if (!s->sender.failed)
        bt_sender_name(&s->sender.now, s->statements.rows.table, err);
    return -1;
}

int bt_session_end(struct bt_session *s, struct bt_err *err)
{
    struct bt_step step = {
        .kind = BT_STEP_END, .sql = bt_buf_slice(&s->end), .table = "", .file = -1};

    s->has_end = false;
    if (add_end(s, &step, err) < 0)
        return -1;
    return bt_sender_flush(&s->sender, err);
}
