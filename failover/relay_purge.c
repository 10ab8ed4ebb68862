/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/relay_purge.h"

#include <stdio.h>
#include <strings.h>

enum { STATEMENT_MS = 30000,
       LOCK_MS = 200000,
       WAIT_MS = 3000,
       POLL_MS = 50,
       CONNECTIONS_MAX = 64,
       NAME_ROOM = 512 };

/* One connection of the replica: where its applier was before the rotation. */
struct applier {
    char name[NAME_ROOM];
    char log[NAME_ROOM];
};

struct purge {
    struct bt_connection *sql;
    struct applier appliers[CONNECTIONS_MAX];
    size_t count;
};

/* -------------------------------------------------------------------- state */

static const char *status_statement(const struct bt_connection *sql)
{
    const struct bt_server *s = bt_connection_server(sql);

    if (s->flavor == BT_FLAVOR_MARIADB)
        return s->version_number >= 100000 ? "SHOW ALL SLAVES STATUS" : "SHOW SLAVE STATUS";
    return s->version_number >= 80022 ? "SHOW REPLICA STATUS" : "SHOW SLAVE STATUS";
}

/* A column under its old or its new name. */
static const char *column(const struct bt_rows *rows, uint64_t row, const char *old,
                          const char *current)
{
    const char *text = bt_rows_text(rows, row, old);

    return text ? text : bt_rows_text(rows, row, current);
}

static bool is_running(const struct bt_rows *rows, uint64_t row)
{
    const char *text = column(rows, row, "Slave_SQL_Running", "Replica_SQL_Running");

    return text && strcasecmp(text, "Yes") == 0;
}

static uint64_t space_of(const struct bt_rows *rows)
{
    uint64_t sum = 0;

    for (uint64_t i = 0; i < rows->row_count; i++) {
        uint64_t bytes;

        if (bt_rows_u64(rows, i, "Relay_Log_Space", &bytes))
            sum += bytes;
    }
    return sum;
}

static int ask(struct purge *p, struct bt_rows *rows, struct bt_err *err)
{
    return bt_connection_query(p->sql, bt_slice_str(status_statement(p->sql)),
                               bt_deadline_in(STATEMENT_MS), rows, err);
}

static int begin(struct purge *p, struct bt_relay_purge_result *ret, struct bt_err *err)
{
    bt_auto_rows struct bt_rows rows = {0};

    if (ask(p, &rows, err) != 0)
        return -1;
    if (rows.row_count == 0)
        return bt_fail(err, BT_ERR_REALITY, "%s is no replica: it has no relay logs",
                       bt_connection_name(p->sql));
    if (rows.row_count > CONNECTIONS_MAX)
        return bt_fail(err, BT_ERR_LIMIT, "%s replicates over %llu connections, allowed are %d",
                       bt_connection_name(p->sql), (unsigned long long)rows.row_count,
                       CONNECTIONS_MAX);
    for (p->count = 0; p->count < rows.row_count; p->count++) {
        const char *name = column(&rows, p->count, "Connection_name", "Channel_Name");
        const char *log = bt_rows_text(&rows, p->count, "Relay_Log_File");

        snprintf(p->appliers[p->count].name, NAME_ROOM, "%s", name ? name : "");
        snprintf(p->appliers[p->count].log, NAME_ROOM, "%s", log ? log : "");
    }
    ret->before = ret->after = space_of(&rows);
    return 0;
}

/* Whether every applier that runs has left the relay log it was in. */
static bool has_moved_on(const struct purge *p, const struct bt_rows *rows)
{
    for (uint64_t i = 0; i < rows->row_count && i < p->count; i++) {
        const char *log = bt_rows_text(rows, i, "Relay_Log_File");

        if (!is_running(rows, i) || !log || strcmp(log, p->appliers[i].log) == 0)
            return false;
    }
    return true;
}

static int await(struct purge *p, int64_t wait_ms, struct bt_relay_purge_result *ret,
                 struct bt_err *err)
{
    struct bt_deadline until = bt_deadline_in(wait_ms);

    for (;;) {
        bt_auto_rows struct bt_rows rows = {0};

        if (ask(p, &rows, err) != 0)
            return -1;
        ret->moved_on = has_moved_on(p, &rows);
        ret->after = space_of(&rows);
        if (ret->moved_on || bt_deadline_passed(until))
            return 0;
        bt_clock_pause(POLL_MS, until);
    }
}

/* ------------------------------------------------------------------- statements */

static int set_purge(struct purge *p, bool on, struct bt_err *err)
{
    return bt_connection_executef(p->sql, bt_deadline_in(STATEMENT_MS), err,
                                  "SET GLOBAL relay_log_purge = %d", on);
}

static int rotate(struct purge *p, struct bt_err *err)
{
    bool is_mariadb = bt_connection_server(p->sql)->flavor == BT_FLAVOR_MARIADB;

    for (size_t i = 0; i < p->count; i++) {
        bt_auto_buf struct bt_buf sql;

        bt_buf_init(&sql, 4096);
        bt_buf_add_str(&sql, "FLUSH NO_WRITE_TO_BINLOG RELAY LOGS");
        if (p->appliers[i].name[0]) {
            bt_buf_add_str(&sql, is_mariadb ? " " : " FOR CHANNEL ");
            bt_sql_add_text(p->sql, &sql, bt_slice_str(p->appliers[i].name));
        }
        if (bt_buf_check(&sql, "statement", err) != 0 ||
            bt_connection_execute(p->sql, bt_buf_slice(&sql), bt_deadline_in(STATEMENT_MS), NULL,
                                  err) != 0)
            return -1;
    }
    return 0;
}

static int lock(struct purge *p, int64_t wait_ms, struct bt_err *err)
{
    bt_auto_rows struct bt_rows rows = {0};
    const char *answer;

    if (bt_connection_queryf(p->sql, bt_deadline_in(wait_ms + STATEMENT_MS), &rows, err,
                             "SELECT GET_LOCK('MHA_Master_High_Availability_Failover', %lld)",
                             (long long)((wait_ms + 999) / 1000)) != 0)
        return -1;
    answer = bt_rows_text_at(&rows, 0, 0);
    if (!answer || strcmp(answer, "1") != 0)
        return bt_fail(err, BT_ERR_CONFLICT,
                       "%s: a failover, or another purge, holds the lock; nothing was done",
                       bt_connection_name(p->sql));
    return 0;
}

/* ------------------------------------------------------------------------ all */

static int purge(struct purge *p, const struct bt_relay_purge_opts *opts,
                 struct bt_relay_purge_result *ret, struct bt_err *err)
{
    struct bt_err off = {0};
    int rc;

    if (lock(p, opts->lock_ms ? opts->lock_ms : LOCK_MS, err) != 0)
        return -1;
    rc = set_purge(p, true, err);
    if (rc == 0)
        rc = rotate(p, err);
    if (rc == 0)
        rc = await(p, opts->wait_ms ? opts->wait_ms : WAIT_MS, ret, err);
    if (set_purge(p, false, &off) != 0 && rc == 0) {
        *err = off;
        return bt_err_wrap(err, "relay_log_purge is still on");
    }
    return rc;
}

int bt_relay_purge(struct bt_connection *sql, const struct bt_relay_purge_opts *opts,
                   struct bt_relay_purge_result *ret, struct bt_err *err)
{
    struct purge *p = calloc(1, sizeof(*p));
    struct bt_relay_purge_result result = {0};
    char on[16];
    int rc;

    if (!p)
        return bt_fail_sys(err, "purging relay logs");
    p->sql = sql;
    rc = begin(p, &result, err);
    if (rc == 0 && bt_connection_value(sql, "SELECT @@GLOBAL.relay_log_purge",
                                       bt_deadline_in(STATEMENT_MS), sizeof(on), on, err) < 0)
        rc = -1;
    if (rc == 0) {
        result.was_on = strcmp(on, "1") == 0;
        if (result.was_on)
            rc = opts->switch_off ? set_purge(p, false, err) : 0;
        if (rc == 0 && (!result.was_on || opts->switch_off))
            rc = purge(p, opts, &result, err);
    }
    free(p);
    if (rc == 0)
        *ret = result;
    return rc;
}
