/* SPDX-License-Identifier: Apache-2.0 */
/* The statements of server.h that change a server's part in replication. */
#include <stdio.h>

#include "base/number.h"
#include "failover/server.h"

enum { POLL_MS = 5,
       ANSWER_MS = 1000,
       CHECKPOINT_MS = 2000,
       /* A server that answers nothing for so long hangs, whatever it was given time for. */
       HUNG_MS = 10000 };

static bool says_source(const struct bt_database *d)
{
    return d->facts.flavor == BT_FLAVOR_MYSQL && d->facts.version_number >= 80023;
}

/* SOURCE_POS_WAIT is of 8.0.26; MASTER_POS_WAIT is gone in 9. */
static bool waits_for_source(const struct bt_database *d)
{
    return d->facts.flavor == BT_FLAVOR_MYSQL && d->facts.version_number >= 80026;
}

static const char *replica_word(const struct bt_database *d)
{
    return d->facts.flavor == BT_FLAVOR_MYSQL && d->facts.version_number >= 80022 ? "REPLICA"
                                                                                  : "SLAVE";
}

static const char *connection_of(const struct bt_database *d, size_t link)
{
    return link < d->facts.upstream_count ? d->facts.upstreams[link].connection : "";
}

/* MariaDB: SLAVE 'name' ...; MySQL: ... FOR CHANNEL 'name'.  Nothing for the default one. */
static void add_connection(const struct bt_database *d, size_t link, bool at_end,
                           struct bt_buf *sql)
{
    const char *name = connection_of(d, link);
    bool is_mariadb = d->facts.flavor == BT_FLAVOR_MARIADB;

    if (name[0] == '\0' || is_mariadb == at_end)
        return;
    bt_buf_add_str(sql, is_mariadb ? " " : " FOR CHANNEL ");
    bt_sql_add_text(d->sql, sql, bt_slice_str(name));
}

static int run(struct bt_database *d, struct bt_buf *sql, struct bt_deadline until,
               struct bt_err *err)
{
    if (bt_buf_check(sql, "statement", err) != 0)
        return -1;
    return bt_connection_execute(d->sql, bt_buf_slice(sql), until, NULL, err);
}

static int threads(struct bt_database *d, size_t link, const char *verb, const char *which,
                   struct bt_deadline until, struct bt_err *err)
{
    bt_auto_buf struct bt_buf sql;

    bt_buf_init(&sql, 4096);
    bt_buf_addf(&sql, "%s %s", verb, replica_word(d));
    add_connection(d, link, false, &sql);
    bt_buf_add_str(&sql, which);
    add_connection(d, link, true, &sql);
    if (run(d, &sql, until, err) != 0)
        return bt_err_wrap(err, "%s: %s %s%s", d->conf->name, verb, replica_word(d), which);
    return 0;
}

int bt_database_stop_io(struct bt_database *d, size_t link, struct bt_deadline until,
                        struct bt_err *err)
{
    return threads(d, link, "STOP", " IO_THREAD", until, err);
}

int bt_database_stop_sql(struct bt_database *d, size_t link, struct bt_deadline until,
                         struct bt_err *err)
{
    return threads(d, link, "STOP", " SQL_THREAD", until, err);
}

/* The session of MySQL's applier, idle at the end of its relay logs; 0 where another connection may
 * have one that looks the same. */
static int ask_applier(struct bt_database *d, struct bt_deadline until, uint64_t *ret,
                       struct bt_err *err)
{
    static const char sql[] = "SELECT ID FROM information_schema.PROCESSLIST WHERE USER = 'system "
                              "user' AND STATE LIKE '%has read all relay log%'";
    bt_auto_rows struct bt_rows rows = {0};

    *ret = 0;
    if (d->facts.upstream_count != 1)
        return 0;
    if (bt_connection_query(d->sql, bt_slice_str(sql), until, &rows, err) != 0)
        return -1;
    if (rows.row_count == 1)
        (void)!bt_rows_u64(&rows, 0, "ID", ret);
    return 0;
}

static int wait_sql_stopped(struct bt_database *d, size_t link, struct bt_deadline until,
                            struct bt_err *err)
{
    for (;;) {
        if (bt_database_ask_upstreams(d, until, err) != 0)
            return bt_err_wrap(err, "%s", d->conf->name);
        if (link >= d->facts.upstream_count || d->facts.upstreams[link].sql == BT_THREAD_NO)
            return 0;
        if (bt_deadline_passed(until))
            return bt_fail(err, BT_ERR_TIMEOUT, "%s: its applier was killed and still runs",
                           d->conf->name);
        bt_clock_pause(POLL_MS, until);
    }
}

/* With workers the place that MySQL says follows what was executed at checkpoints only
 * (replica_checkpoint_period, 300 ms), and an applier that is killed makes none. */
static int wait_checkpoint(struct bt_database *d, size_t link, const struct bt_coordinate *place,
                           struct bt_deadline until, bool *ret, struct bt_err *err)
{
    struct bt_deadline most = bt_deadline_earlier(until, bt_deadline_in(CHECKPOINT_MS));

    for (;;) {
        if (bt_database_ask_upstreams(d, until, err) != 0)
            return bt_err_wrap(err, "%s", d->conf->name);
        *ret = link < d->facts.upstream_count &&
               bt_coordinate_compare(&d->facts.upstreams[link].executed, place) >= 0;
        if (*ret || bt_deadline_passed(most))
            return 0;
        bt_clock_pause(POLL_MS, most);
    }
}

int bt_database_stop_sql_within(struct bt_database *d, size_t link,
                                const struct bt_coordinate *executed, struct bt_deadline until,
                                struct bt_err *err)
{
    uint64_t applier = 0;
    bool told;

    if (d->facts.flavor != BT_FLAVOR_MYSQL)
        return bt_database_stop_sql(d, link, until, err);
    if (wait_checkpoint(d, link, executed, until, &told, err) != 0 ||
        (told && ask_applier(d, until, &applier, err) != 0))
        return -1;
    if (applier == 0 || bt_connection_executef(d->sql, until, err, "KILL %llu",
                                               (unsigned long long)applier) != 0) {
        bt_err_clear(err); /* not allowed: it takes a minute */
        return bt_database_stop_sql(d, link, until, err);
    }
    return wait_sql_stopped(d, link, until, err);
}

int bt_database_start_sql(struct bt_database *d, size_t link, struct bt_deadline until,
                          struct bt_err *err)
{
    return threads(d, link, "START", " SQL_THREAD", until, err);
}

int bt_database_start(struct bt_database *d, size_t link, struct bt_deadline until,
                      struct bt_err *err)
{
    return threads(d, link, "START", "", until, err);
}

/* --------------------------------------------------------------------- drain */

/* Whether the applier sits at the end of the relay logs: its thread says so, and no worker has work
 * left.  (The texts are the server's: sql/slave.cc, MariaDB 10.11; "Replica has" in MySQL 8.0.26.)
 */
static int is_idle(struct bt_database *d, struct bt_deadline until, bool *ret, struct bt_err *err)
{
    static const char sql[] =
        "SELECT SUM(STATE LIKE '%has read all relay log%'), SUM(COMMAND = 'Slave_worker' AND "
        "STATE NOT LIKE 'Waiting for work from SQL thread%' AND STATE NOT LIKE 'Waiting for an "
        "event from Coordinator%')"
        " FROM information_schema.PROCESSLIST WHERE USER = 'system user'";
    bt_auto_rows struct bt_rows rows = {0};
    const char *idle, *busy;

    if (bt_connection_query(d->sql, bt_slice_str(sql), until, &rows, err) != 0)
        return -1;
    idle = bt_rows_text_at(&rows, 0, 0);
    busy = bt_rows_text_at(&rows, 0, 1);
    *ret = idle && strcmp(idle, "0") != 0 && (!busy || strcmp(busy, "0") == 0);
    return 0;
}

int bt_database_drain(struct bt_database *d, size_t link, const struct bt_coordinate *until_place,
                      struct bt_deadline until, struct bt_err *err)
{
    struct bt_coordinate before = {0};
    bool was_idle = false;

    for (;;) {
        struct bt_deadline answer = bt_deadline_earlier(until, bt_deadline_in(HUNG_MS));
        const struct bt_upstream *u;
        bool idle = false;

        if (bt_database_ask_upstreams(d, answer, err) != 0)
            return bt_err_wrap(err, "%s", d->conf->name);
        u = link < d->facts.upstream_count ? &d->facts.upstreams[link] : NULL;
        if (!u)
            return bt_fail(err, BT_ERR_REALITY, "%s is no replica any more", d->conf->name);
        if (until_place->file[0] && bt_coordinate_compare(&u->executed, until_place) >= 0)
            return 0;
        if (u->sql == BT_THREAD_NO)
            return bt_fail(err, BT_ERR_REMOTE, "%s: its applier stopped at %s:%llu: %s",
                           d->conf->name, u->executed.file, (unsigned long long)u->executed.pos,
                           u->sql_errno ? u->sql_error : "somebody stopped it");
        if (is_idle(d, answer, &idle, err) != 0)
            return bt_err_wrap(err, "%s", d->conf->name);
        /* Twice idle at one place: what is left there is no whole transaction. */
        if (idle && was_idle && bt_coordinate_compare(&u->executed, &before) == 0)
            return 1;
        was_idle = idle;
        before = u->executed;
        if (bt_deadline_passed(until))
            return bt_fail(err, BT_ERR_TIMEOUT, "%s has applied up to %s:%llu and not yet %s:%llu",
                           d->conf->name, u->executed.file, (unsigned long long)u->executed.pos,
                           until_place->file, (unsigned long long)until_place->pos);
        bt_clock_pause(POLL_MS, until);
    }
}

/* WAIT_FOR_EXECUTED_GTID_SET is of MySQL 5.7.5; the older one counts events, -1 = in vain. */
static bool waits_for_set(const struct bt_database *d)
{
    return d->facts.flavor == BT_FLAVOR_MYSQL && d->facts.version_number >= 50705;
}

/* The server waits itself: no polling between the last transaction and us.  One wait of a second:
 * MASTER_POS_WAIT and its like count whole seconds. */
static void add_wait(const struct bt_database *d, size_t link, bool by_gtid,
                     const struct bt_coordinate *place, const char *gtid, struct bt_buf *sql)
{
    if (by_gtid) {
        bt_buf_addf(sql, "SELECT %s(",
                    d->facts.flavor == BT_FLAVOR_MARIADB ? "MASTER_GTID_WAIT"
                    : waits_for_set(d)                   ? "WAIT_FOR_EXECUTED_GTID_SET"
                                                         : "WAIT_UNTIL_SQL_THREAD_AFTER_GTIDS");
        bt_sql_add_text(d->sql, sql, bt_slice_str(gtid));
        bt_buf_add_str(sql, ", 1)");
        return;
    }
    bt_buf_addf(sql, "SELECT %s_POS_WAIT(", waits_for_source(d) ? "SOURCE" : "MASTER");
    bt_sql_add_text(d->sql, sql, bt_slice_str(place->file));
    bt_buf_addf(sql, ", %llu, 1", (unsigned long long)place->pos);
    if (connection_of(d, link)[0]) {
        bt_buf_add_str(sql, ", ");
        bt_sql_add_text(d->sql, sql, bt_slice_str(connection_of(d, link)));
    }
    bt_buf_add_byte(sql, ')');
}

/* 0 there, 1 not within its second. */
static int wait_once(struct bt_database *d, bool by_gtid, struct bt_buf *sql,
                     struct bt_err *err)
{
    char answer[32];
    int rc = bt_connection_value(d->sql, bt_buf_str(sql),
                                 bt_deadline_in(1000 + ANSWER_MS), sizeof(answer), answer, err);

    if (rc < 0)
        return bt_err_wrap(err, "%s: waiting for its applier", d->conf->name);
    if (rc == 1)
        return bt_fail(err, BT_ERR_REMOTE, "%s: its applier does not run", d->conf->name);
    /* All kinds: -1 = in vain; WAIT_FOR_EXECUTED_GTID_SET says 1 then, POS_WAIT the events. */
    return strcmp(answer, "-1") == 0 ||
           (by_gtid && waits_for_set(d) && strcmp(answer, "0") != 0);
}

/* The waits by GTID do not see an applier that has stopped. */
static int applier_check(struct bt_database *d, size_t link, struct bt_err *err)
{
    const struct bt_upstream *u;

    if (bt_database_ask_upstreams(d, bt_deadline_in(ANSWER_MS), err) != 0)
        return bt_err_wrap(err, "%s", d->conf->name);
    u = link < d->facts.upstream_count ? &d->facts.upstreams[link] : NULL;
    if (!u || u->sql == BT_THREAD_NO)
        return bt_fail(err, BT_ERR_REMOTE, "%s: its applier does not run%s%s", d->conf->name,
                       u && u->sql_errno ? ": " : "", u && u->sql_errno ? u->sql_error : "");
    return 0;
}

int bt_database_wait_for(struct bt_database *d, size_t link, const struct bt_coordinate *place,
                         const char *gtid, struct bt_deadline until, struct bt_err *err)
{
    bool by_gtid = link < d->facts.upstream_count &&
                   d->facts.upstreams[link].mode != BT_REPLICA_POSITION;
    bt_auto_buf struct bt_buf sql;
    int rc;

    bt_buf_init(&sql, 64 * 1024);
    add_wait(d, link, by_gtid, place, gtid, &sql);
    if (bt_buf_check(&sql, "statement", err) != 0)
        return -1;
    for (;;) {
        rc = wait_once(d, by_gtid, &sql, err);
        if (rc <= 0)
            return rc;
        if (applier_check(d, link, err) != 0)
            return -1;
        if (bt_deadline_passed(until))
            return bt_fail(err, BT_ERR_TIMEOUT,
                           "%s has not applied everything up to %s:%llu in time", d->conf->name,
                           place->file, (unsigned long long)place->pos);
    }
}

/* ------------------------------------------------------------------ settings */

int bt_database_shorten_goodbye(struct bt_database *d, struct bt_deadline until, uint64_t *ret_was,
                                struct bt_err *err)
{
    static const char sql[] =
        "SELECT IF(@@GLOBAL.rpl_semi_sync_slave_enabled, "
        "@@GLOBAL.rpl_semi_sync_slave_kill_conn_timeout, 0)";
    char was[32];

    *ret_was = 0;
    if (d->facts.flavor != BT_FLAVOR_MARIADB)
        return 0;
    if (bt_connection_value(d->sql, sql, until, sizeof(was), was, err) < 0 ||
        !bt_number_u64(bt_slice_str(was), UINT32_MAX, ret_was))
        return bt_err_wrap(err, "%s: rpl_semi_sync_slave_kill_conn_timeout", d->conf->name);
    if (*ret_was <= 1) {
        *ret_was = 0;
        return 0;
    }
    return bt_database_restore_goodbye(d, 1, until, err);
}

int bt_database_restore_goodbye(struct bt_database *d, uint64_t was, struct bt_deadline until,
                                struct bt_err *err)
{
    if (bt_connection_executef(d->sql, until, err,
                               "SET GLOBAL rpl_semi_sync_slave_kill_conn_timeout = %llu",
                               (unsigned long long)was) != 0)
        return bt_err_wrap(err, "%s: rpl_semi_sync_slave_kill_conn_timeout", d->conf->name);
    return 0;
}

int bt_database_set_semisync(struct bt_database *d, bool on, struct bt_deadline until,
                             struct bt_err *err)
{
    const char *word = d->facts.says_source ? "source" : "master";

    if (bt_connection_executef(d->sql, until, err, "SET GLOBAL rpl_semi_sync_%s_enabled = %s", word,
                               on ? "ON" : "OFF") != 0)
        return bt_err_wrap(err, "%s: rpl_semi_sync_%s_enabled", d->conf->name, word);
    return 0;
}

int bt_database_set_read_only(struct bt_database *d, bool on, struct bt_deadline until,
                              struct bt_err *err)
{
    char answer[16];

    if (bt_connection_executef(d->sql, until, err, "SET GLOBAL read_only = %s",
                               on ? "ON" : "OFF") != 0 ||
        bt_connection_value(d->sql, "SELECT @@GLOBAL.read_only", until, sizeof(answer), answer,
                            err) < 0)
        return bt_err_wrap(err, "%s: read_only", d->conf->name);
    if ((strcmp(answer, "0") == 0 || strcmp(answer, "OFF") == 0) == on)
        return bt_fail(err, BT_ERR_REMOTE, "%s: read_only is still %s", d->conf->name, answer);
    return 0;
}

int bt_database_set_super_read_only(struct bt_database *d, bool on, struct bt_deadline until,
                                    struct bt_err *err)
{
    if (bt_connection_executef(d->sql, until, err, "SET GLOBAL super_read_only = %d", on) != 0)
        return bt_err_wrap(err, "%s: super_read_only", d->conf->name);
    return 0;
}

int bt_database_set_slave_pos(struct bt_database *d, const char *gtid, struct bt_deadline until,
                              struct bt_err *err)
{
    if (bt_connection_executef(d->sql, until, err, "SET GLOBAL gtid_slave_pos = '%s'", gtid) != 0)
        return bt_err_wrap(err, "%s: gtid_slave_pos", d->conf->name);
    return 0;
}

int bt_database_set_relay_log_purge(struct bt_database *d, bool on, struct bt_deadline until,
                                    struct bt_err *err)
{
    if (bt_connection_executef(d->sql, until, err, "SET GLOBAL relay_log_purge = %d", on) != 0)
        return bt_err_wrap(err, "%s: relay_log_purge", d->conf->name);
    return 0;
}

/* ------------------------------------------------------------------- repoint */

static void add_mode(const struct bt_database *d, const struct bt_repoint *to, const char *prefix,
                     struct bt_buf *sql)
{
    if (d->facts.flavor == BT_FLAVOR_MYSQL)
        bt_buf_addf(sql, ", %s_AUTO_POSITION = %d", prefix, to->mode != BT_REPLICA_POSITION);
    if (to->mode == BT_REPLICA_POSITION) {
        bt_buf_addf(sql, ", %s_LOG_FILE = ", prefix);
        bt_sql_add_text(d->sql, sql, bt_slice_str(to->place.file));
        bt_buf_addf(sql, ", %s_LOG_POS = %llu", prefix, (unsigned long long)to->place.pos);
    }
    if (d->facts.flavor == BT_FLAVOR_MARIADB)
        bt_buf_addf(sql, ", MASTER_USE_GTID = %s",
                    to->mode == BT_REPLICA_POSITION    ? "no"
                    : to->mode == BT_REPLICA_SLAVE_POS ? "slave_pos"
                                                       : "current_pos");
}

int bt_database_repoint(struct bt_database *d, size_t link, const struct bt_repoint *to,
                        struct bt_deadline until, struct bt_err *err)
{
    const char *prefix = says_source(d) ? "SOURCE" : "MASTER";
    bt_auto_buf struct bt_buf sql;

    bt_buf_init(&sql, 16384);
    bt_buf_add_str(&sql, says_source(d) ? "CHANGE REPLICATION SOURCE" : "CHANGE MASTER");
    add_connection(d, link, false, &sql);
    bt_buf_addf(&sql, " TO %s_HOST = ", prefix);
    bt_sql_add_text(d->sql, &sql, bt_slice_str(to->host));
    bt_buf_addf(&sql, ", %s_PORT = %u", prefix, to->port);
    if (to->user) {
        bt_buf_addf(&sql, ", %s_USER = ", prefix);
        bt_sql_add_text(d->sql, &sql, bt_slice_str(to->user));
    }
    if (to->password) {
        bt_buf_addf(&sql, ", %s_PASSWORD = ", prefix);
        bt_sql_add_text(d->sql, &sql, bt_slice_str(to->password));
    }
    /* Without TLS caching_sha2_password wants the key of the other side (MySQL 8.0.4 and later). */
    if (d->facts.flavor == BT_FLAVOR_MYSQL && d->facts.version_number >= 80004)
        bt_buf_addf(&sql, ", GET_%s_PUBLIC_KEY = 1", prefix);
    add_mode(d, to, prefix, &sql);
    add_connection(d, link, true, &sql);
    if (run(d, &sql, until, err) != 0)
        return bt_err_wrap(err, "%s: CHANGE MASTER", d->conf->name);
    return 0;
}

int bt_database_wait_running(struct bt_database *d, size_t link, struct bt_deadline until,
                             struct bt_err *err)
{
    for (;;) {
        const struct bt_upstream *u;

        if (bt_database_ask_upstreams(d, until, err) != 0)
            return bt_err_wrap(err, "%s", d->conf->name);
        u = link < d->facts.upstream_count ? &d->facts.upstreams[link] : NULL;
        if (u && u->io == BT_THREAD_YES && u->sql == BT_THREAD_YES)
            return 0;
        if (u && u->sql == BT_THREAD_NO && u->sql_errno)
            return bt_fail(err, BT_ERR_REMOTE, "%s: its applier stopped: error %u: %s",
                           d->conf->name, u->sql_errno, u->sql_error);
        if (u && u->io == BT_THREAD_NO && u->io_errno)
            return bt_fail(err, BT_ERR_REMOTE, "%s: its receiver stopped: error %u: %s",
                           d->conf->name, u->io_errno, u->io_error);
        if (bt_deadline_passed(until))
            return bt_fail(err, BT_ERR_TIMEOUT, "%s does not replicate: %s", d->conf->name,
                           u && u->io_errno ? u->io_error : "its threads do not run");
        bt_clock_pause(POLL_MS, until);
    }
}

int bt_database_reset(struct bt_database *d, size_t link, struct bt_deadline until,
                      struct bt_err *err)
{
    bt_auto_buf struct bt_buf sql;

    bt_buf_init(&sql, 4096);
    if (threads(d, link, "STOP", "", until, err) != 0)
        return -1;
    bt_buf_addf(&sql, "RESET %s", replica_word(d));
    add_connection(d, link, false, &sql);
    bt_buf_add_str(&sql, " ALL");
    add_connection(d, link, true, &sql);
    if (run(d, &sql, until, err) != 0 || bt_database_ask_upstreams(d, until, err) != 0)
        return bt_err_wrap(err, "%s: RESET SLAVE ALL", d->conf->name);
    if (d->facts.upstream_count)
        return bt_fail(err, BT_ERR_REMOTE, "%s still replicates from %s", d->conf->name,
                       d->facts.upstreams[0].host);
    return 0;
}
