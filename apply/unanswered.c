/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/unanswered.h"

enum {
    CONNECT_MS = 10000,
    ASK_AGAIN_MS = 30000, /* for a server that is coming back */
    ASK_PAUSE_MS = 200,
};

static struct bt_deadline until(const struct bt_unanswered *u, int64_t ms)
{
    struct bt_deadline d = bt_deadline_in(ms);

    return u->deadline.at_ms ? bt_deadline_earlier(d, u->deadline) : d;
}

/* Ends our old session on the server, which may still be at work on what it was sent last, and
 * waits until it is gone.  A server that was restarted since has ended it, and its number may be
 * somebody else's by now. */
static int end_old_session(const struct bt_unanswered *u, const struct bt_target *again,
                           struct bt_err *err)
{
    struct bt_deadline give_up = until(u, ASK_AGAIN_MS);
    unsigned long long id = bt_connection_server(u->broken->connection)->thread_id;
    struct bt_err no_such_thread = {0};
    uint64_t uptime = 0, there = 1;

    while (there > 0) {
        bt_auto_rows struct bt_rows rows = {0}, status = {0};

        if (bt_connection_queryf(again->connection, give_up, &status, err,
                                 "SHOW GLOBAL STATUS LIKE 'Uptime'") < 0 ||
            bt_connection_queryf(again->connection, give_up, &rows, err,
                                 "SELECT COUNT(*) AS n FROM information_schema.processlist "
                                 "WHERE id=%llu",
                                 id) < 0)
            return -1;
        if (!bt_rows_u64(&status, 0, "Value", &uptime) ||
            (int64_t)uptime * 1000 < bt_clock_ms() - u->broken->opened_ms ||
            !bt_rows_u64(&rows, 0, "n", &there) || there == 0)
            return 0;
        (void)!bt_connection_executef(again->connection, give_up, &no_such_thread, "KILL %llu", id);
        if (bt_deadline_passed(give_up))
            return bt_fail(err, BT_ERR_TIMEOUT, "session %llu does not end", id);
        bt_clock_pause(ASK_PAUSE_MS / 10, give_up);
    }
    return 0;
}

int bt_unanswered_ask(const struct bt_unanswered *u, const struct bt_sender_transaction **ret,
                      struct bt_err *err)
{
    struct bt_deadline give_up = until(u, ASK_AGAIN_MS);
    const struct bt_sender_transaction *t = bt_sender_unknown(&u->broken->sender, 0);
    struct bt_target_opts read_only = {.dry_run = true};
    struct bt_target first = {0}, again = {0};

    while (bt_target_open(u->where, u->source, &read_only, until(u, CONNECT_MS), &first, err) < 0) {
        if (bt_deadline_passed(give_up))
            return -1;
        bt_clock_pause(ASK_PAUSE_MS, give_up);
    }
    if (end_old_session(u, &first, err) < 0 ||
        bt_target_open(u->where, u->source, &read_only, until(u, CONNECT_MS), &again, err) < 0) {
        bt_target_close(&first);
        return -1;
    }
    for (unsigned i = 1; t && bt_target_has(&again, &t->gtid); i++) {
        u->ended(u->ctx, t);
        t = bt_sender_unknown(&u->broken->sender, i);
    }
    bt_target_close(&first);
    bt_target_close(&again);
    *ret = t;
    return 0;
}
