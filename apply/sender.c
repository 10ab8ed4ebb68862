/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/sender.h"

#include <stdio.h>
#include <unistd.h>

#include "base/auto.h"

enum { BATCH_MAX = INT32_MAX };

/* Server errors (include/mysqld_error.h, MariaDB 10.11). */
enum {
    ER_SERVER_SHUTDOWN = 1053,
    ER_QUERY_INTERRUPTED = 1317,
    ER_CONNECTION_KILLED = 1927,
    ER_LOCK_WAIT_TIMEOUT = 1205,
    ER_LOCK_DEADLOCK = 1213,
};

void bt_sender_init(struct bt_sender *s)
{
    *s = (struct bt_sender){.statement_ms = 3600 * 1000};
    bt_buf_init(&s->bytes, BATCH_MAX);
}

void bt_sender_done(struct bt_sender *s)
{
    bt_buf_done(&s->bytes);
}

void bt_sender_transaction(struct bt_sender *s, const struct bt_sender_transaction *t)
{
    s->now = *t;
}

/* ------------------------------------------------------------------ errors */

int bt_sender_name(const struct bt_sender_transaction *t, const char *table, struct bt_err *err)
{
    char gtid[BT_GTID_TEXT_SIZE], where[BT_LOG_NAME_MAX + 40] = "";

    bt_gtid_text(&t->gtid, gtid);
    if (t->end.file[0])
        snprintf(where, sizeof(where), " ending at %s:%llu", t->end.file,
                 (unsigned long long)t->end.pos);
    return bt_err_wrap(err, "transaction %s%sat offset %llu%s%s%s", gtid, gtid[0] ? " " : "",
                       (unsigned long long)t->offset, where,
                       table && *table ? ", table " : "", table ? table : "");
}

/* What the target answers when its data is not what the log was made from. */
static bool is_conflict(unsigned number)
{
    switch (number) {
    case 1007: /* ER_DB_CREATE_EXISTS */
    case 1008: /* ER_DB_DROP_EXISTS */
    case 1032: /* ER_KEY_NOT_FOUND */
    case 1049: /* ER_BAD_DB_ERROR */
    case 1050: /* ER_TABLE_EXISTS_ERROR */
    case 1051: /* ER_BAD_TABLE_ERROR */
    case 1054: /* ER_BAD_FIELD_ERROR */
    case 1060: /* ER_DUP_FIELDNAME */
    case 1061: /* ER_DUP_KEYNAME */
    case 1062: /* ER_DUP_ENTRY */
    case 1091: /* ER_CANT_DROP_FIELD_OR_KEY */
    case 1146: /* ER_NO_SUCH_TABLE */
    case 1451: /* ER_ROW_IS_REFERENCED_2 */
    case 1452: /* ER_NO_REFERENCED_ROW_2 */
    case 1677: /* ER_SLAVE_CONVERSION_FAILED */
    case 1950: /* ER_GTID_STRICT_OUT_OF_ORDER */
        return true;
    default:
        return false;
    }
}

/* MariaDB 10.6+ finishes a DDL that a crash cut off, under a GTID of its own (seen with 10.11). */
static void add_hint(struct bt_err *err)
{
    size_t len = strlen(err->text);

    snprintf(
        err->text + len, sizeof(err->text) - len,
        ".  A server that was killed in this statement may have finished it when it came back, "
        "and logged it under a GTID of its own");
}

static struct bt_deadline statement_deadline(const struct bt_sender *s)
{
    struct bt_deadline d = bt_deadline_in(s->statement_ms);

    return s->deadline.at_ms ? bt_deadline_earlier(d, s->deadline) : d;
}

/* ------------------------------------------------------------------- sending */

static void empty(struct bt_sender *s)
{
    bt_buf_reset(&s->bytes);
    s->count = 0;
    s->has_work = s->has_end = false;
}

/* Item `failed` did not succeed; those before it did. */
static int fail_at(struct bt_sender *s, unsigned failed, struct bt_err *err)
{
    const struct bt_sender_item *item = &s->items[failed];
    const struct bt_sender_transaction *t = item->is_now ? &s->now : &s->ending;
    bool end_answered = true;

    s->failed = true;
    for (unsigned i = failed; i < s->count; i++) {
        if (s->items[i].kind == BT_STEP_END)
            end_answered = false;
    }
    if (s->has_end && end_answered)
        s->ended(s->ctx, &s->ending);
    s->end_unknown = s->has_end && !end_answered && bt_connection_is_lost(s->connection);
    if (is_conflict(err->server_errno)) {
        err->kind = BT_ERR_CONFLICT;
        if (item->is_lone)
            add_hint(err);
    }
    bt_sender_name(t, item->table, err);
    return -1;
}

int bt_sender_flush(struct bt_sender *s, struct bt_err *err)
{
    struct bt_slice sql[BT_SENDER_ITEMS_MAX];
    ptrdiff_t failed;

    if (s->count == 0)
        return 0;
    for (unsigned i = 0; i < s->count; i++)
        sql[i] = bt_slice(s->bytes.data + s->items[i].from, s->items[i].len);
    if (bt_connection_pipeline(s->connection, sql, s->count, statement_deadline(s), &failed, err) <
        0)
        return fail_at(s, (unsigned)failed, err);
    if (s->has_end)
        s->ended(s->ctx, &s->ending);
    empty(s);
    return 0;
}

static int read_file(void *ctx, uint8_t *to, unsigned room)
{
    ssize_t n;

    do
        n = read(*(int *)ctx, to, room);
    while (n < 0 && errno == EINTR);
    return (int)n;
}

/* Whether a statement that failed on its own server did so here as well (sql/log_event_server.cc,
 * Query_log_event::do_apply_event, MariaDB 10.11). */
static int judge_expected(unsigned expected, int status, struct bt_err *got, struct bt_err *err)
{
    bool is_concurrency = expected == ER_LOCK_WAIT_TIMEOUT || expected == ER_LOCK_DEADLOCK;

    if (status < 0 && got->server_errno == expected)
        return 0;
    if (status == 0 && is_concurrency)
        return 0;
    if (status < 0) {
        *err = *got;
        return expected ? bt_err_wrap(err, "the statement failed with error %u on its server, here "
                                           "with another",
                                      expected)
                        : -1;
    }
    return bt_fail(err, BT_ERR_CONFLICT,
                   "the statement failed with error %u on its server, here it succeeded", expected);
}

/* A statement with a file or an expected error: alone, with everything before it answered. */
static int send_alone(struct bt_sender *s, const struct bt_step *step, struct bt_err *err)
{
    struct bt_err got = {0};
    int fd = step->file;
    int status;

    if (step->expected_errno == ER_SERVER_SHUTDOWN ||
        step->expected_errno == ER_QUERY_INTERRUPTED ||
        step->expected_errno == ER_CONNECTION_KILLED) {
        s->failed = true;
        bt_fail(err, BT_ERR_CONFLICT,
                "the statement was interrupted on its server (error %u) and may have been done in "
                "part there",
                step->expected_errno);
        return bt_sender_name(&s->now, step->table, err);
    }
    if (fd >= 0)
        bt_connection_set_infile(s->connection, read_file, &fd);
    status = bt_connection_execute(s->connection, step->sql, statement_deadline(s), NULL, &got);
    bt_connection_set_infile(s->connection, NULL, NULL);
    if (step->expected_errno)
        status = judge_expected(step->expected_errno, status, &got, err);
    else if (status < 0)
        *err = got;
    if (status == 0) {
        if (step->kind == BT_STEP_END)
            s->ended(s->ctx, &s->now);
        return 0;
    }
    s->failed = true;
    s->ending = s->now;
    s->end_unknown = step->kind == BT_STEP_END && bt_connection_is_lost(s->connection);
    if (is_conflict(err->server_errno))
        err->kind = BT_ERR_CONFLICT;
    return bt_sender_name(&s->now, step->table, err);
}

static bool must_flush(const struct bt_sender *s, const struct bt_step *step)
{
    if (s->count == BT_SENDER_ITEMS_MAX)
        return true;
    switch (step->kind) {
    case BT_STEP_CONTEXT:
        return s->has_work;
    case BT_STEP_WORK:
        return s->has_work || !step->may_undo;
    case BT_STEP_END:
        return s->has_work || s->has_end || step->is_event_text;
    }
    return true;
}

int bt_sender_add(void *sender, const struct bt_step *step, struct bt_err *err)
{
    struct bt_sender *s = sender;
    struct bt_sender_item *item;
    bt_auto_fd int fd = step->file;

    (void)fd;
    if (must_flush(s, step) || step->file >= 0 || step->expected_errno) {
        if (bt_sender_flush(s, err) < 0)
            return -1;
    }
    if (step->file >= 0 || step->expected_errno)
        return send_alone(s, step, err);
    item = &s->items[s->count];
    *item = (struct bt_sender_item){
        .kind = step->kind, .from = s->bytes.len, .len = step->sql.len, .is_now = true};
    item->is_lone = step->kind == BT_STEP_END && step->is_event_text;
    if (step->kind == BT_STEP_WORK)
        snprintf(item->table, sizeof(item->table), "%s", step->table ? step->table : "");
    bt_buf_add_slice(&s->bytes, step->sql);
    if (bt_buf_check(&s->bytes, "the statements of one round trip", err) < 0)
        return -1;
    s->count++;
    if (step->kind == BT_STEP_WORK)
        s->has_work = true;
    if (step->kind == BT_STEP_END) {
        s->has_end = true;
        s->ending = s->now;
        for (unsigned i = 0; i < s->count; i++)
            s->items[i].is_now = false;
    }
    return 0;
}
