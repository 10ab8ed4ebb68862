/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/link.h"

#include <stdio.h>

#include "apply/feed/feed.h"
#include "apply/filters.h"
#include "base/number.h"

enum { MARIADB_MIN = 100500, MYSQL_MIN = 50605, NOTE_SIZE = 48 };

/* Runs a statement about the connection: verb, "SLAVE" or "REPLICA", its name, what follows. */
static int run(const struct bt_link *link, struct bt_connection *c, const char *verb,
               const char *rest, struct bt_deadline until, struct bt_err *err)
{
    return bt_connection_executef(c, until, err, "%s %s%s%s%s", verb,
                                  link->says_replica ? "REPLICA" : "SLAVE",
                                  link->is_mariadb ? " '" BT_FEED_USER "'" : "", rest,
                                  link->has_name && !link->is_mariadb
                                      ? " FOR CHANNEL '" BT_FEED_USER "'"
                                      : "");
}

static const char *column(const struct bt_rows *rows, uint64_t row, const char *old,
                          const char *current)
{
    const char *text = bt_rows_text(rows, row, old);

    return text ? text : bt_rows_text(rows, row, current);
}

/* The row of our connection; row_count without one. */
static int find(const struct bt_link *link, struct bt_connection *c, struct bt_deadline until,
                struct bt_rows *rows, uint64_t *ret, struct bt_err *err)
{
    const char *sql = link->is_mariadb     ? "SHOW ALL SLAVES STATUS"
                      : link->says_replica ? "SHOW REPLICA STATUS"
                                           : "SHOW SLAVE STATUS";
    uint64_t i = 0;

    if (bt_connection_query(c, bt_slice_str(sql), until, rows, err) < 0)
        return -1;
    for (; i < rows->row_count; i++) {
        const char *name = column(rows, i, "Connection_name", "Channel_Name");
        const char *user = column(rows, i, "Master_User", "Source_User");

        if (link->has_name ? name && strcmp(name, BT_FEED_USER) == 0
                           : user && strncmp(user, BT_FEED_USER, strlen(BT_FEED_USER)) == 0)
            break;
    }
    *ret = i;
    return 0;
}

/* MySQL 5.6: the one connection is ours, or nobody's. */
static int check_free(const struct bt_link *link, struct bt_connection *c,
                      struct bt_deadline until, struct bt_err *err)
{
    bt_auto_rows struct bt_rows rows = {0};
    uint64_t own;

    if (find(link, c, until, &rows, &own, err) < 0)
        return -1;
    if (rows.row_count > 0 && own == rows.row_count)
        return bt_fail(err, BT_ERR_REALITY,
                       "%s has one replication connection only, and it is in use",
                       bt_connection_name(c));
    return 0;
}

int bt_link_init(struct bt_link *link, struct bt_connection *c, struct bt_deadline until,
                 struct bt_err *err)
{
    const struct bt_server *s = bt_connection_server(c);
    char text[16];

    *link = (struct bt_link){.is_mariadb = s->flavor == BT_FLAVOR_MARIADB};
    if (s->version_number < (link->is_mariadb ? MARIADB_MIN : MYSQL_MIN))
        return bt_fail(err, BT_ERR_REALITY,
                       "%s is %s: the replication road needs MariaDB 10.5 or MySQL 5.6.5, or newer",
                       bt_connection_name(c), s->version);
    link->has_name = link->is_mariadb || s->version_number >= 50706;
    link->says_replica = !link->is_mariadb && s->version_number >= 80022;
    link->says_source = !link->is_mariadb && s->version_number >= 80023;
    /* Channels besides the default one are kept in tables only (5.7; always so from 8.0.23 on). */
    if (link->has_name && !link->is_mariadb && !link->says_source) {
        if (bt_connection_value(c,
                                "SELECT @@master_info_repository = 'TABLE' AND "
                                "@@relay_log_info_repository = 'TABLE'",
                                until, sizeof(text), text, err) < 0)
            return -1;
        link->has_name = strcmp(text, "1") == 0;
    }
    return link->has_name ? 0 : check_free(link, c, until, err);
}

/* ------------------------------------------------------------------- settings */

static const char *threads_name(const struct bt_link *link)
{
    return link->is_mariadb    ? "slave_parallel_threads"
           : link->says_source ? "replica_parallel_workers"
                               : "slave_parallel_workers";
}

static int read_number(struct bt_connection *c, const char *name, struct bt_deadline until,
                       uint64_t *ret, struct bt_err *err)
{
    char sql[128], text[32];

    snprintf(sql, sizeof(sql), "SELECT @@global.%s", name);
    if (bt_connection_value(c, sql, until, sizeof(text), text, err) < 0)
        return -1;
    if (!bt_number_u64(bt_slice_str(text), UINT32_MAX, ret))
        return bt_fail(err, BT_ERR_REMOTE, "%s of %s is \"%s\"", name, bt_connection_name(c), text);
    return 0;
}

static int set_number(struct bt_connection *c, const char *name, uint64_t value,
                      struct bt_deadline until, struct bt_err *err)
{
    return bt_connection_executef(c, until, err, "SET GLOBAL %s=%llu", name,
                                  (unsigned long long)value);
}

static int put_back(struct bt_link *link, struct bt_connection *c, struct bt_deadline until,
                    struct bt_err *err)
{
    uint64_t now;

    if (link->purge_change && set_number(c, "relay_log_purge", 0, until, err) < 0)
        return -1;
    link->purge_change = false;
    if (link->threads_change && (read_number(c, threads_name(link), until, &now, err) < 0 ||
                                 (now != link->threads_found &&
                                  set_number(c, threads_name(link), link->threads_found, until,
                                             err) < 0)))
        return -1;
    link->threads_change = false;
    return 0;
}

/* "baton", or "baton:t4p0" with what was found. */
static void write_note(const struct bt_link *link, char *to)
{
    int len = snprintf(to, NOTE_SIZE, "%s%s", BT_FEED_USER,
                       link->threads_change || link->purge_change ? ":" : "");

    if (link->threads_change)
        len += snprintf(to + len, (size_t)(NOTE_SIZE - len), "t%llu",
                        (unsigned long long)link->threads_found);
    if (link->purge_change)
        snprintf(to + len, (size_t)(NOTE_SIZE - len), "p0");
}

static void read_note(struct bt_link *link, const char *user)
{
    const char *colon = strchr(user, ':');
    const char *t = colon ? strchr(colon, 't') : NULL;

    link->purge_change = colon && strstr(colon, "p0");
    link->threads_change =
        t && bt_number_u64(bt_slice(t + 1, strspn(t + 1, "0123456789")), UINT32_MAX,
                           &link->threads_found);
}

/* ------------------------------------------------------------------- the connection */

int bt_link_remove(struct bt_link *link, struct bt_connection *c, struct bt_deadline until,
                   struct bt_err *err)
{
    if (!link->is_set_up)
        return 0;
    /* The note goes last: as long as something is to be put back, it says so. */
    if (run(link, c, "STOP", "", until, err) < 0 || put_back(link, c, until, err) < 0 ||
        run(link, c, "RESET", " ALL", until, err) < 0)
        return bt_err_wrap(err, "removing the replication connection \"" BT_FEED_USER "\"");
    link->is_set_up = false;
    return 0;
}

int bt_link_clear(struct bt_link *link, struct bt_connection *c, struct bt_deadline until,
                  bool *ret_found, struct bt_err *err)
{
    bt_auto_rows struct bt_rows rows = {0};
    const char *user;
    uint64_t own;

    if (find(link, c, until, &rows, &own, err) < 0)
        return -1;
    *ret_found = own < rows.row_count;
    if (!*ret_found)
        return 0;
    user = column(&rows, own, "Master_User", "Source_User");
    read_note(link, user ? user : "");
    link->is_set_up = true;
    return bt_link_remove(link, c, until, err);
}

/* Finds out what is to be put back, before anything changes. */
static int look_at_settings(struct bt_link *link, struct bt_connection *c,
                            const struct bt_link_to *to, struct bt_deadline until,
                            struct bt_err *err)
{
    uint64_t purge = 1;

    if (to->threads > 0) {
        if (read_number(c, threads_name(link), until, &link->threads_found, err) < 0)
            return -1;
        link->threads_change =
            to->is_wish ? link->threads_found == 0 : link->threads_found != to->threads;
    }
    if (link->is_mariadb && read_number(c, "relay_log_purge", until, &purge, err) < 0)
        return -1;
    link->purge_change = purge == 0;
    return 0;
}

int bt_link_set_up(struct bt_link *link, struct bt_connection *c, const struct bt_link_to *to,
                   struct bt_deadline until, struct bt_err *err)
{
    const char *p = link->says_source ? "SOURCE" : "MASTER";
    bt_auto_buf struct bt_buf sql = {.max = 4096};
    char note[NOTE_SIZE];
    struct bt_err refused = {0};

    if (look_at_settings(link, c, to, until, err) < 0)
        return -1;
    write_note(link, note);
    bt_buf_addf(&sql, "%s%s TO %s_HOST='%s', %s_PORT=%u, %s_USER='%s', %s_PASSWORD='%s', "
                      "%s_SSL=0, %s_CONNECT_RETRY=1",
                link->says_source ? "CHANGE REPLICATION SOURCE" : "CHANGE MASTER",
                link->is_mariadb ? " '" BT_FEED_USER "'" : "", p, to->address, p, to->port, p, note,
                p, to->password, p, p);
    if (link->is_mariadb)
        bt_buf_add_str(&sql, ", MASTER_USE_GTID=slave_pos");
    else
        bt_buf_addf(&sql, ", %s_AUTO_POSITION=1%s", p,
                    link->has_name ? " FOR CHANNEL '" BT_FEED_USER "'" : "");
    link->is_set_up = true; /* may have worked even when the answer is lost */
    if (bt_connection_execute(c, bt_buf_slice(&sql), until, NULL, err) < 0)
        return -1;
    if (link->is_mariadb && bt_filters_copy(c, BT_FEED_USER, until, err) < 0)
        return -1;
    if (link->purge_change && set_number(c, "relay_log_purge", 0, until, err) < 0)
        return -1;
    if (to->parallel_mode &&
        bt_connection_executef(c, until, err,
                               "SET GLOBAL " BT_FEED_USER ".slave_parallel_mode='%s'",
                               to->parallel_mode) < 0)
        return -1;
    if (!link->threads_change ||
        set_number(c, threads_name(link), to->threads, until, &refused) == 0)
        return 0;
    link->threads_change = false;
    if (to->is_wish && refused.kind == BT_ERR_REMOTE)
        return 0;
    *err = refused;
    return bt_err_wrap(err, "parallel threads can be set while no replication runs");
}

int bt_link_start(const struct bt_link *link, struct bt_connection *c, struct bt_deadline until,
                  struct bt_err *err)
{
    return run(link, c, "START", "", until, err);
}

/* MySQL's coordinator says only that a worker failed; the worker says why. */
static void ask_worker(const struct bt_link *link, struct bt_connection *c,
                       struct bt_deadline until, struct bt_link_state *s)
{
    bt_auto_rows struct bt_rows rows = {0};
    struct bt_err ignored = {0};
    const char *text;
    uint64_t number;

    if (bt_connection_queryf(c, until, &rows, &ignored,
                             "SELECT LAST_ERROR_NUMBER AS n, LAST_ERROR_MESSAGE AS t FROM "
                             "performance_schema.replication_applier_status_by_worker WHERE "
                             "CHANNEL_NAME='%s' AND LAST_ERROR_NUMBER<>0 ORDER BY WORKER_ID",
                             link->has_name ? BT_FEED_USER : "") < 0 ||
        !bt_rows_u64(&rows, 0, "n", &number) || !(text = bt_rows_text(&rows, 0, "t")))
        return;
    text = bt_arena_str(&s->rows.arena, bt_slice_str(text));
    if (text) {
        s->sql_errno = (unsigned)number;
        s->sql_error = text;
    }
}

static unsigned error_number(const struct bt_rows *rows, uint64_t row, const char *name)
{
    uint64_t number = 0;

    return bt_rows_u64(rows, row, name, &number) ? (unsigned)number : 0;
}

int bt_link_look(const struct bt_link *link, struct bt_connection *c, struct bt_deadline until,
                 struct bt_link_state *ret, struct bt_err *err)
{
    struct bt_link_state s = {0};
    const char *sql, *io;
    uint64_t own;

    if (find(link, c, until, &s.rows, &own, err) < 0)
        return -1;
    sql = column(&s.rows, own, "Slave_SQL_Running", "Replica_SQL_Running");
    io = column(&s.rows, own, "Slave_IO_Running", "Replica_IO_Running");
    s.is_there = sql && io;
    s.sql_runs = sql && strcmp(sql, "Yes") == 0;
    s.io_runs = io && strcmp(io, "No") != 0;
    s.sql_errno = error_number(&s.rows, own, "Last_SQL_Errno");
    s.io_errno = error_number(&s.rows, own, "Last_IO_Errno");
    s.cannot_connect = io && strcmp(io, "Connecting") == 0 && s.io_errno != 0;
    s.sql_error = bt_rows_text(&s.rows, own, "Last_SQL_Error");
    s.io_error = bt_rows_text(&s.rows, own, "Last_IO_Error");
    s.place = bt_rows_text(&s.rows, own, link->is_mariadb ? "Gtid_Slave_Pos" : "Executed_Gtid_Set");
    if (s.is_there && !s.sql_runs && link->has_name && !link->is_mariadb)
        ask_worker(link, c, until, &s);
    *ret = s;
    return 0;
}
