/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/single_run.h"

#include <stdio.h>

#include "apply/link.h"

enum { PAUSE_MS = 5, PER_ASK_MS = 1000 };

#define LOCK_NAME "baton apply"

static int busy(struct bt_connection *c, const char *session, struct bt_err *err)
{
    return bt_fail(err, BT_ERR_REALITY,
                   "session %s on %s is at work for another run of baton, or is left of one; the "
                   "statement `KILL %s` ends it",
                   session, bt_connection_name(c), session);
}

/* Waits in short steps, so that the answer comes before the deadline of the question. */
static int take(struct bt_connection *c, const char *name, struct bt_deadline until,
                struct bt_err *err)
{
    char sql[96], answer[16], session[32];

    snprintf(sql, sizeof(sql), "SELECT GET_LOCK('%s', 1)", name);
    do {
        if (bt_connection_value(c, sql, bt_deadline_in(PER_ASK_MS * 10), sizeof(answer), answer,
                                err) < 0)
            return -1;
        if (strcmp(answer, "1") == 0)
            return 0;
    } while (!bt_deadline_passed(until));
    snprintf(sql, sizeof(sql), "SELECT IS_USED_LOCK('%s')", name);
    if (bt_connection_value(c, sql, bt_deadline_in(PER_ASK_MS * 10), sizeof(session), session,
                            err) < 0)
        return -1;
    return busy(c, session, err);
}

/* The further sessions of an earlier run may end later than its first one. */
static int wait_for_joined(struct bt_connection *c, struct bt_deadline until, struct bt_err *err)
{
    bt_auto_buf struct bt_buf sql = {.max = 4096};
    char session[32];
    int status;

    bt_buf_add_str(&sql, "SELECT COALESCE(");
    for (int i = 1; i <= BT_SINGLE_RUN_JOIN_MAX; i++)
        bt_buf_addf(&sql, "%sIS_USED_LOCK('" LOCK_NAME " %d')", i > 1 ? "," : "", i);
    bt_buf_add_str(&sql, ")");
    if (bt_buf_check(&sql, "the names of locks", err) < 0)
        return -1;
    while ((status = bt_connection_value(c, bt_buf_str(&sql), until, sizeof(session), session,
                                         err)) == 0) {
        if (bt_deadline_passed(until))
            return busy(c, session, err);
        bt_clock_pause(PAUSE_MS, until);
    }
    return status < 0 ? -1 : 0;
}

/* A server that knows no such connection, or an account that may not look, has none of ours. */
static int clear_link(struct bt_connection *c, struct bt_deadline until, struct bt_err *err)
{
    struct bt_err none = {0};
    struct bt_link link;
    bool found = false;

    if (bt_link_init(&link, c, until, &none) < 0)
        return bt_connection_is_lost(c) ? bt_fail(err, none.kind, "%s", none.text) : 0;
    if (bt_link_clear(&link, c, until, &found, &none) == 0 || (!found && !bt_connection_is_lost(c)))
        return 0;
    *err = none;
    return -1;
}

int bt_single_run_begin(struct bt_connection *c, struct bt_deadline until, struct bt_err *err)
{
    if (take(c, LOCK_NAME, until, err) < 0 || wait_for_joined(c, until, err) < 0)
        return -1;
    return clear_link(c, until, err);
}

int bt_single_run_join(struct bt_connection *c, unsigned number, struct bt_deadline until,
                       struct bt_err *err)
{
    char name[32];

    snprintf(name, sizeof(name), LOCK_NAME " %u", number);
    return take(c, name, until, err);
}
