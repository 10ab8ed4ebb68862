/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/server.h"

#include <stdio.h>
#include <strings.h>

#include "apply/feed/feed.h"
#include "base/number.h"
#include "failover/each.h"
#include "failover/privileges.h"

enum { FACTS_ARENA_MAX = 8 << 20 };

struct bt_database *bt_databases_new(const struct bt_config *config)
{
    struct bt_database *list =
        calloc(config->server_count ? config->server_count : 1, sizeof(*list));

    for (size_t i = 0; list && i < config->server_count; i++) {
        list[i].conf = &config->servers[i];
        bt_arena_init(&list[i].arena, FACTS_ARENA_MAX);
        bt_arena_init(&list[i].status, FACTS_ARENA_MAX);
    }
    return list;
}

void bt_databases_free(struct bt_database *databases, size_t count)
{
    for (size_t i = 0; databases && i < count; i++) {
        bt_connection_close(databases[i].sql);
        bt_arena_done(&databases[i].arena);
        bt_arena_done(&databases[i].status);
    }
    free(databases);
}

struct bt_connection_opts bt_database_login(const struct bt_conf_server *conf)
{
    return (struct bt_connection_opts){
        .host = conf->ip,
        .port = conf->port,
        .user = bt_setting_text(conf->settings, BT_CONF_USER),
        .password = bt_setting_text(conf->settings, BT_CONF_PASSWORD),
    };
}

/* ------------------------------------------------------------------ texts */

static const char *keep_in(struct bt_arena *arena, const char *text)
{
    const char *copy = text ? bt_arena_str(arena, bt_slice_str(text)) : "";

    return copy ? copy : "";
}

static const char *keep(struct bt_database *d, const char *text)
{
    return keep_in(&d->arena, text);
}

static const char *keep_status(struct bt_database *d, const char *text)
{
    return keep_in(&d->status, text);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static bool is_on(const char *text)
{
    return text &&
           (strcmp(text, "1") == 0 || strcasecmp(text, "ON") == 0 || strcasecmp(text, "YES") == 0);
}

/* Besides ON, MariaDB 12 has NO_LOCK and NO_LOCK_NO_ADMIN (sql/sys_vars.cc). */
static bool is_read_only(const char *text)
{
    return text && strcmp(text, "0") != 0 && strcasecmp(text, "OFF") != 0;
}

static uint64_t number(const char *text)
{
    uint64_t value = 0;

    return text && bt_number_u64(bt_slice_str(text), UINT64_MAX, &value) ? value : 0;
}

static void place(struct bt_coordinate *ret, const char *file, const char *pos)
{
    snprintf(ret->file, sizeof(ret->file), "%s", file ? base_name(file) : "");
    ret->pos = number(pos);
}

/* ------------------------------------------------------------------ variables */

/* The value of a variable in rows of SHOW VARIABLES; NULL where the server has none of that name.
 */
static const char *variable(const struct bt_rows *rows, const char *name)
{
    for (uint64_t i = 0; i < rows->row_count; i++) {
        const char *found = bt_rows_text_at(rows, i, 0);

        if (found && strcasecmp(found, name) == 0)
            return bt_rows_text_at(rows, i, 1);
    }
    return NULL;
}

/* Semi-sync as it is now, which is more than the settings say: a receiver that was started before
 * it was enabled does not acknowledge, and who has fallen back does not wait. */
static int ask_semisync(struct bt_database *d, struct bt_deadline until, struct bt_err *err)
{
    static const char sql[] =
        "SHOW GLOBAL STATUS WHERE Variable_name IN ('Rpl_semi_sync_slave_status',"
        "'Rpl_semi_sync_replica_status','Rpl_semi_sync_master_status',"
        "'Rpl_semi_sync_source_status')";
    struct bt_server_facts *f = &d->facts;
    bt_auto_rows struct bt_rows rows = {0};

    if (bt_connection_query(d->sql, bt_slice_str(sql), until, &rows, err) != 0)
        return bt_err_wrap(err, "semi-sync");
    f->acknowledges = f->acknowledges && (is_on(variable(&rows, "Rpl_semi_sync_slave_status")) ||
                                          is_on(variable(&rows, "Rpl_semi_sync_replica_status")));
    f->waits_for_others =
        f->waits_for_others && (is_on(variable(&rows, "Rpl_semi_sync_master_status")) ||
                                is_on(variable(&rows, "Rpl_semi_sync_source_status")));
    return 0;
}

static int ask_variables(struct bt_database *d, struct bt_deadline until, struct bt_err *err)
{
    /* Asked by name and not as @@name: what a version does not know is left out, not an error. */
    static const char sql[] = "SHOW GLOBAL VARIABLES WHERE Variable_name IN "
                              "('server_id','read_only','super_read_only','log_bin','log_slave_"
                              "updates',"
                              "'log_replica_updates','relay_log_purge','gtid_strict_mode','gtid_"
                              "domain_id','slave_parallel_threads',"
                              "'replica_parallel_workers','log_bin_basename','relay_log_basename','"
                              "relay_log_index','datadir','pid_file',"
                              "'gtid_slave_pos','gtid_binlog_pos',"
                              "'rpl_semi_sync_master_enabled','rpl_semi_sync_source_enabled',"
                              "'rpl_semi_sync_slave_enabled','rpl_semi_sync_replica_enabled',"
                              "'gtid_mode')";
    struct bt_server_facts *f = &d->facts;
    bt_auto_rows struct bt_rows rows = {0};
    const char *updates, *workers;

    if (bt_connection_query(d->sql, bt_slice_str(sql), until, &rows, err) != 0)
        return -1;
    updates = variable(&rows, "log_slave_updates");
    workers = variable(&rows, "slave_parallel_threads");
    f->server_id = (uint32_t)number(variable(&rows, "server_id"));
    f->read_only = is_read_only(variable(&rows, "read_only"));
    f->super_read_only = is_on(variable(&rows, "super_read_only"));
    f->log_bin = is_on(variable(&rows, "log_bin"));
    f->log_slave_updates = is_on(updates ? updates : variable(&rows, "log_replica_updates"));
    f->relay_log_purge = is_on(variable(&rows, "relay_log_purge"));
    f->keeps_gtids = f->flavor == BT_FLAVOR_MARIADB || is_on(variable(&rows, "gtid_mode"));
    f->gtid_strict = is_on(variable(&rows, "gtid_strict_mode"));
    f->gtid_domain = (uint32_t)number(variable(&rows, "gtid_domain_id"));
    f->parallel_workers = number(workers ? workers : variable(&rows, "replica_parallel_workers"));
    f->binlog_base = keep(d, variable(&rows, "log_bin_basename"));
    f->relay_base = keep(d, variable(&rows, "relay_log_basename"));
    f->relay_index = keep(d, variable(&rows, "relay_log_index"));
    f->datadir = keep(d, variable(&rows, "datadir"));
    f->pid_file = keep(d, variable(&rows, "pid_file"));
    f->gtid_slave_pos = keep(d, variable(&rows, "gtid_slave_pos"));
    f->gtid_binlog_pos = keep(d, variable(&rows, "gtid_binlog_pos"));
    f->says_source = variable(&rows, "rpl_semi_sync_source_enabled") != NULL;
    f->waits_for_others = is_on(variable(&rows, "rpl_semi_sync_master_enabled")) ||
                          is_on(variable(&rows, "rpl_semi_sync_source_enabled"));
    f->acknowledges = is_on(variable(&rows, "rpl_semi_sync_slave_enabled")) ||
                      is_on(variable(&rows, "rpl_semi_sync_replica_enabled"));
    return f->waits_for_others || f->acknowledges ? ask_semisync(d, until, err) : 0;
}

/* ------------------------------------------------------------- replication state */

/* A column under the name it has had, or the one it has now (MySQL 8.0.22). */
static const char *column(const struct bt_rows *rows, uint64_t row, const char *old,
                          const char *current)
{
    const char *text = bt_rows_text(rows, row, old);

    return text || !current ? text : bt_rows_text(rows, row, current);
}

static enum bt_thread_state thread_state(const char *text)
{
    if (is_on(text))
        return BT_THREAD_YES;
    return text && (strcasecmp(text, "Connecting") == 0 || strcasecmp(text, "Preparing") == 0)
               ? BT_THREAD_CONNECTING
               : BT_THREAD_NO;
}

static enum bt_replica_mode mode_of(const struct bt_rows *rows, uint64_t row)
{
    const char *using_gtid = bt_rows_text(rows, row, "Using_Gtid");

    if (using_gtid && strcasecmp(using_gtid, "Slave_Pos") == 0)
        return BT_REPLICA_SLAVE_POS;
    if (using_gtid && strcasecmp(using_gtid, "Current_Pos") == 0)
        return BT_REPLICA_CURRENT_POS;
    return is_on(bt_rows_text(rows, row, "Auto_Position")) ? BT_REPLICA_SLAVE_POS
                                                           : BT_REPLICA_POSITION;
}

static const char *filters_of(struct bt_database *d, const struct bt_rows *rows, uint64_t row)
{
    static const char *const names[] = {
        "Replicate_Do_DB", "Replicate_Ignore_DB", "Replicate_Do_Table",
        "Replicate_Ignore_Table", "Replicate_Wild_Do_Table", "Replicate_Wild_Ignore_Table",
        "Replicate_Do_Domain_Ids", "Replicate_Ignore_Domain_Ids", "Replicate_Ignore_Server_Ids"};
    bt_auto_buf struct bt_buf text;

    bt_buf_init(&text, 1 << 20);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *value = bt_rows_text(rows, row, names[i]);

        if (value && value[0])
            bt_buf_addf(&text, "%s=%s;", names[i], value);
    }
    return keep_status(d, bt_buf_str(&text));
}

/* "1.000" seconds. */
static int64_t period_ms(const char *text)
{
    return text ? (int64_t)(strtod(text, NULL) * 1000) : 0;
}

static void upstream_fill(struct bt_database *d, const struct bt_rows *rows, uint64_t row,
                          struct bt_upstream *u)
{
    const char *lag = column(rows, row, "Seconds_Behind_Master", "Seconds_Behind_Source");
    const char *connection = column(rows, row, "Connection_name", "Channel_Name");

    u->connection = keep_status(d, connection);
    u->host = keep_status(d, column(rows, row, "Master_Host", "Source_Host"));
    u->user = keep_status(d, column(rows, row, "Master_User", "Source_User"));
    u->port = (uint16_t)number(column(rows, row, "Master_Port", "Source_Port"));
    u->io = thread_state(column(rows, row, "Slave_IO_Running", "Replica_IO_Running"));
    u->sql = thread_state(column(rows, row, "Slave_SQL_Running", "Replica_SQL_Running"));
    u->mode = mode_of(rows, row);
    place(&u->read, column(rows, row, "Master_Log_File", "Source_Log_File"),
          column(rows, row, "Read_Master_Log_Pos", "Read_Source_Log_Pos"));
    place(&u->executed, column(rows, row, "Relay_Master_Log_File", "Relay_Source_Log_File"),
          column(rows, row, "Exec_Master_Log_Pos", "Exec_Source_Log_Pos"));
    u->relay_log = keep_status(d, base_name(column(rows, row, "Relay_Log_File", NULL)
                                                ? bt_rows_text(rows, row, "Relay_Log_File")
                                                : ""));
    u->relay_pos = number(bt_rows_text(rows, row, "Relay_Log_Pos"));
    u->gtid_io_pos = keep_status(d, bt_rows_text(rows, row, "Gtid_IO_Pos"));
    u->io_errno = (unsigned)number(bt_rows_text(rows, row, "Last_IO_Errno"));
    u->sql_errno = (unsigned)number(bt_rows_text(rows, row, "Last_SQL_Errno"));
    u->io_error = keep_status(d, bt_rows_text(rows, row, "Last_IO_Error"));
    u->sql_error = keep_status(d, bt_rows_text(rows, row, "Last_SQL_Error"));
    u->delay_seconds = number(bt_rows_text(rows, row, "SQL_Delay"));
    u->lag_seconds = lag ? (int64_t)number(lag) : -1;
    u->heartbeats = number(bt_rows_text(rows, row, "Slave_received_heartbeats"));
    u->heartbeat_period_ms = period_ms(bt_rows_text(rows, row, "Slave_heartbeat_period"));
    u->filters = filters_of(d, rows, row);
}

static const char *status_statement(const struct bt_database *d)
{
    const struct bt_server *s = bt_connection_server(d->sql);

    if (s->flavor == BT_FLAVOR_MARIADB)
        return s->version_number >= 100000 ? "SHOW ALL SLAVES STATUS" : "SHOW SLAVE STATUS";
    return s->version_number >= 80022 ? "SHOW REPLICA STATUS" : "SHOW SLAVE STATUS";
}

static int ask_upstreams(struct bt_database *d, struct bt_deadline until, struct bt_err *err)
{
    bt_auto_rows struct bt_rows rows = {0};
    struct bt_upstream *list;
    size_t count = 0;

    if (bt_connection_query(d->sql, bt_slice_str(status_statement(d)), until, &rows, err) != 0)
        return bt_err_wrap(err, "replication state");
    bt_arena_reset(&d->status);
    list = bt_arena_array(&d->status, rows.row_count, sizeof(*list));
    if (!list)
        return bt_arena_fail(&d->status, "replication state", err);
    for (uint64_t i = 0; i < rows.row_count; i++) {
        const char *host = column(&rows, i, "Master_Host", "Source_Host");
        const char *name = column(&rows, i, "Connection_name", "Channel_Name");

        /* A connection that was reset keeps a row without a host; one of ours feeds a diff log. */
        if (host && host[0] && !(name && strcmp(name, BT_FEED_USER) == 0))
            upstream_fill(d, &rows, i, &list[count++]);
    }
    d->facts.upstreams = list;
    d->facts.upstream_count = count;
    return 0;
}

static int ask_binlog(struct bt_database *d, struct bt_deadline until, struct bt_err *err)
{
    const struct bt_server *s = bt_connection_server(d->sql);
    bool is_new = s->flavor == BT_FLAVOR_MYSQL && s->version_number >= 80200;
    bt_auto_rows struct bt_rows rows = {0};
    bt_auto_buf struct bt_buf filters;
    const char *sql = is_new ? "SHOW BINARY LOG STATUS" : "SHOW MASTER STATUS";

    bt_buf_init(&filters, 1 << 20);
    if (bt_connection_query(d->sql, bt_slice_str(sql), until, &rows, err) != 0)
        return bt_err_wrap(err, "binary log position");
    place(&d->facts.binlog, bt_rows_text(&rows, 0, "File"), bt_rows_text(&rows, 0, "Position"));
    for (int i = 0; i < 2; i++) {
        const char *text = bt_rows_text(&rows, 0, i ? "Binlog_Ignore_DB" : "Binlog_Do_DB");

        if (text && text[0])
            bt_buf_addf(&filters, "%s=%s;", i ? "ignore" : "do", text);
    }
    d->facts.binlog_filters = keep(d, bt_buf_str(&filters));
    return 0;
}

/* ------------------------------------------------------------------ privileges */

static int ask_grants(struct bt_database *d, struct bt_deadline until, struct bt_err *err)
{
    bt_auto_rows struct bt_rows rows = {0};
    bt_auto_buf struct bt_buf lines, missing;

    bt_buf_init(&lines, 1 << 20);
    bt_buf_init(&missing, 4096);
    if (bt_connection_query(d->sql, bt_slice_str("SHOW GRANTS"), until, &rows, err) != 0)
        return bt_err_wrap(err, "privileges");
    for (uint64_t i = 0; i < rows.row_count; i++)
        bt_buf_addf(&lines, "%s\n", bt_rows_text_at(&rows, i, 0));
    bt_privileges_missing(d->facts.flavor, d->facts.version_number, bt_buf_slice(&lines),
                          BT_NEED_FAILOVER, &missing);
    d->facts.privileges_missing = keep(d, bt_buf_str(&missing));
    return 0;
}

/* ------------------------------------------------------------------------ ask */

static void facts_reset(struct bt_database *d)
{
    bt_arena_reset(&d->arena);
    d->facts = (struct bt_server_facts){
        .error = "",
        .version = "",
        .binlog_base = "",
        .relay_base = "",
        .relay_index = "",
        .datadir = "",
        .pid_file = "",
        .binlog_filters = "",
        .gtid_slave_pos = "",
        .gtid_binlog_pos = "",
        .privileges_missing = "",
    };
}

static void facts_fail(struct bt_database *d, const struct bt_err *err)
{
    bool refuses = bt_server_errno_is_alive(err->server_errno) ||
                   (err->kind == BT_ERR_REMOTE && !bt_server_errno_is_lost(err->server_errno));

    d->facts.life = refuses ? BT_LIFE_REFUSING : BT_LIFE_DEAD;
    d->facts.error = keep(d, err->text);
    d->facts.error_number = err->server_errno;
    bt_connection_close(d->sql);
    d->sql = NULL;
}

static int ask(struct bt_database *d, struct bt_deadline until, struct bt_err *err)
{
    struct bt_connection_opts login = bt_database_login(d->conf);
    const struct bt_server *server;

    if (!d->sql && bt_connection_open(&login, until, &d->sql, err) != 0)
        return -1;
    server = bt_connection_server(d->sql);
    d->facts.flavor = server->flavor;
    d->facts.version_number = server->version_number;
    d->facts.version = keep(d, server->version);
    if (ask_variables(d, until, err) != 0 || ask_upstreams(d, until, err) != 0 ||
        ask_binlog(d, until, err) != 0 || ask_grants(d, until, err) != 0)
        return -1;
    d->facts.life = BT_LIFE_ALIVE;
    return 0;
}

void bt_database_ask(struct bt_database *d, int64_t timeout_ms)
{
    struct bt_deadline until = bt_deadline_in(timeout_ms);
    int64_t began = bt_clock_ms();
    struct bt_err err = {0};
    bool was_open = d->sql != NULL;

    facts_reset(d);
    if (ask(d, until, &err) != 0) {
        bool again = was_open && bt_connection_is_lost(d->sql);

        facts_fail(d, &err);
        /* A kept session may have been killed for itself: the server is asked once more. */
        bt_err_clear(&err);
        if (again && !bt_deadline_passed(until)) {
            facts_reset(d);
            if (ask(d, until, &err) != 0)
                facts_fail(d, &err);
        }
    }
    d->facts.asked_ms = bt_clock_ms() - began;
}

void bt_database_give_up(struct bt_database *d, const char *why)
{
    facts_reset(d);
    bt_connection_close(d->sql);
    d->sql = NULL;
    d->facts.life = BT_LIFE_DEAD;
    d->facts.error = keep(d, why);
}

struct asking {
    struct bt_database *databases;
    size_t suspect;
    int64_t suspect_ms;
};

static void ask_one(size_t i, void *ctx)
{
    const struct asking *a = ctx;
    int64_t ms =
        (int64_t)bt_setting_number(a->databases[i].conf->settings, BT_CONF_CONNECT_TIMEOUT);

    bt_database_ask(&a->databases[i], i == a->suspect && a->suspect_ms < ms ? a->suspect_ms : ms);
}

void bt_databases_ask(struct bt_database *databases, size_t count, size_t suspect,
                      int64_t suspect_ms)
{
    struct asking a = {databases, suspect, suspect_ms};

    bt_each(count, ask_one, &a);
}

int bt_database_position(struct bt_database *d, struct bt_deadline until, struct bt_err *err)
{
    bool is_mariadb = d->facts.flavor == BT_FLAVOR_MARIADB;
    bt_auto_rows struct bt_rows rows = {0};
    const char *text;

    if (ask_binlog(d, until, err) != 0)
        return -1;
    /* MySQL before 5.6 has no such variable, and no GTIDs. */
    if (!is_mariadb && d->facts.version_number < 50600)
        return 0;
    if (bt_connection_query(d->sql,
                            bt_slice_str(is_mariadb ? "SELECT @@GLOBAL.gtid_binlog_pos"
                                                    : "SELECT @@GLOBAL.gtid_executed"),
                            until, &rows, err) != 0)
        return -1;
    text = bt_rows_text_at(&rows, 0, 0);
    d->facts.gtid_binlog_pos = keep(d, text ? text : "");
    return 0;
}

int bt_database_ask_upstreams(struct bt_database *d, struct bt_deadline until, struct bt_err *err)
{
    char text[4096];

    d->facts.gtid_slave_pos = "";
    if (ask_upstreams(d, until, err) != 0)
        return -1;
    if (d->facts.flavor != BT_FLAVOR_MARIADB)
        return 0;
    if (bt_connection_value(d->sql, "SELECT @@GLOBAL.gtid_slave_pos", until, sizeof(text), text,
                            err) < 0)
        return -1;
    d->facts.gtid_slave_pos = keep_status(d, text);
    return 0;
}
