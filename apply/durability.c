/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/durability.h"

enum { PAUSE_MS = 200 };

static int read_settings(struct bt_durability *d, struct bt_deadline deadline, struct bt_err *err)
{
    bt_auto_rows struct bt_rows rows = {0};

    if (bt_connection_queryf(d->connection, deadline, &rows, err,
                             "SELECT @@global.sync_binlog AS sync_binlog, "
                             "@@global.innodb_flush_log_at_trx_commit AS flush_log") < 0)
        return -1;
    if (!bt_rows_u64(&rows, 0, "sync_binlog", &d->sync_binlog) ||
        !bt_rows_u64(&rows, 0, "flush_log", &d->flush_log))
        return bt_fail(err, BT_ERR_REMOTE, "%s did not tell its durability settings",
                       bt_connection_name(d->connection));
    return 0;
}

static int set(struct bt_durability *d, uint64_t sync_binlog, uint64_t flush_log,
               struct bt_deadline deadline, struct bt_err *err)
{
    /* In one statement: both or none. */
    return bt_connection_executef(d->connection, deadline, err,
                                  "SET GLOBAL sync_binlog=%llu, "
                                  "GLOBAL innodb_flush_log_at_trx_commit=%llu",
                                  (unsigned long long)sync_binlog, (unsigned long long)flush_log);
}

int bt_durability_relax(const struct bt_connection_opts *where, struct bt_deadline deadline,
                        struct bt_durability *ret, struct bt_err *err)
{
    struct bt_durability d = {.where = where, .since_ms = bt_clock_ms()};

    if (bt_connection_open(where, deadline, &d.connection, err) < 0)
        return -1;
    if (read_settings(&d, deadline, err) < 0) {
        bt_connection_close(d.connection);
        return -1;
    }
    d.is_relaxed = d.sync_binlog != 0 || d.flush_log == 1;
    if (d.is_relaxed &&
        set(&d, 0, d.flush_log == 1 ? 2 : d.flush_log, deadline, err) < 0) {
        bt_connection_close(d.connection);
        return bt_err_wrap(err, "durability cannot be relaxed (it takes SUPER; on MySQL "
                                "SYSTEM_VARIABLES_ADMIN)");
    }
    *ret = d;
    return 0;
}

/* A server that was started since then has its own values. */
static int was_restarted(struct bt_durability *d, struct bt_deadline deadline, bool *ret,
                         struct bt_err *err)
{
    bt_auto_rows struct bt_rows rows = {0};
    uint64_t uptime = 0;

    if (bt_connection_queryf(d->connection, deadline, &rows, err,
                             "SHOW GLOBAL STATUS LIKE 'Uptime'") < 0)
        return -1;
    (void)!bt_rows_u64(&rows, 0, "Value", &uptime);
    *ret = (int64_t)uptime * 1000 + 1000 < bt_clock_ms() - d->since_ms;
    return 0;
}

static int try_restore(struct bt_durability *d, struct bt_deadline deadline, struct bt_err *err)
{
    bool restarted;

    if (!d->connection && bt_connection_open(d->where, deadline, &d->connection, err) < 0)
        return -1;
    if (was_restarted(d, deadline, &restarted, err) < 0)
        return -1;
    if (restarted)
        return 0;
    if (set(d, d->sync_binlog, d->flush_log, deadline, err) < 0)
        return -1;
    /* FLUSH BINARY LOGS closes the log file, which syncs it. */
    if (bt_connection_executef(d->connection, deadline, err,
                               "FLUSH NO_WRITE_TO_BINLOG ENGINE LOGS") < 0)
        return -1;
    return d->sync_binlog ? bt_connection_executef(d->connection, deadline, err,
                                                   "FLUSH NO_WRITE_TO_BINLOG BINARY LOGS")
                          : 0;
}

int bt_durability_restore(struct bt_durability *d, struct bt_deadline deadline, struct bt_err *err)
{
    struct bt_err why = {0};
    int status = 0;

    while (d->is_relaxed && (status = try_restore(d, deadline, &why)) < 0) {
        if ((d->connection && !bt_connection_is_lost(d->connection)) ||
            bt_deadline_passed(deadline))
            break;
        bt_connection_close(d->connection);
        d->connection = NULL;
        bt_clock_pause(PAUSE_MS, deadline);
    }
    bt_connection_close(d->connection);
    d->connection = NULL;
    if (status == 0)
        return 0;
    *err = why;
    return bt_err_wrap(err,
                       "durability was not restored: SET GLOBAL sync_binlog=%llu, "
                       "innodb_flush_log_at_trx_commit=%llu",
                       (unsigned long long)d->sync_binlog, (unsigned long long)d->flush_log);
}
