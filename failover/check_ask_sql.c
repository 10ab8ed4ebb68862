/* SPDX-License-Identifier: Apache-2.0 */
/* What a check asks a server over SQL, beyond the facts of server.c. */
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include "base/number.h"
#include "failover/check_ask_priv.h"
#include "failover/privileges.h"

/* The server's numbers for "you need (at least one of) the ... privilege(s)" and "command denied".
 */
enum { ER_SPECIFIC_ACCESS_DENIED = 1227, ER_DENIED = 1142 };

const char *bt_check_ask_keep(struct bt_arena *arena, const char *text)
{
    const char *copy = text && text[0] ? bt_arena_str(arena, bt_slice_str(text)) : "";

    return copy ? copy : "";
}

const char *bt_check_ask_keepf(struct bt_arena *arena, const char *fmt, ...)
{
    char text[8192];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return bt_check_ask_keep(arena, text);
}

/* ---------------------------------------------------------------- name, value */

/* Of rows of SHOW VARIABLES or SHOW STATUS, by any of two names; NULL where there is neither. */
static const char *value_of(const struct bt_rows *rows, const char *name, const char *also)
{
    for (uint64_t i = 0; i < rows->row_count; i++) {
        const char *found = bt_rows_text_at(rows, i, 0);

        if (found && (strcasecmp(found, name) == 0 || (also && strcasecmp(found, also) == 0)))
            return bt_rows_text_at(rows, i, 1);
    }
    return NULL;
}

/* A number, or a switch as 1 and 0; -1 where there is none. */
static int64_t number_of(const struct bt_rows *rows, const char *name, const char *also)
{
    const char *text = value_of(rows, name, also);
    uint64_t number;

    if (!text)
        return -1;
    if (strcasecmp(text, "ON") == 0 || strcasecmp(text, "YES") == 0)
        return 1;
    if (strcasecmp(text, "OFF") == 0 || strcasecmp(text, "NO") == 0)
        return 0;
    return bt_number_u64(bt_slice_str(text), INT64_MAX, &number) ? (int64_t)number : -1;
}

/* ------------------------------------------------------------------ settings */

static int ask_settings(struct bt_check_ask *a, size_t i, struct bt_deadline until,
                        struct bt_err *err)
{
    static const char sql[] =
        "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('sync_binlog',"
        "'innodb_flush_log_at_trx_commit','relay_log_recovery','slave_net_timeout',"
        "'replica_net_timeout','rpl_semi_sync_master_enabled','rpl_semi_sync_source_enabled',"
        "'rpl_semi_sync_slave_enabled','rpl_semi_sync_replica_enabled','gtid_binlog_state',"
        "'gtid_executed','server_uuid')";
    struct bt_database *d = &a->databases[i];
    struct bt_check_sql *s = &a->sql[i];
    bt_auto_rows struct bt_rows rows = {0};

    if (bt_connection_query(d->sql, bt_slice_str(sql), until, &rows, err) != 0)
        return -1;
    s->sync_binlog = number_of(&rows, "sync_binlog", NULL);
    s->flush_log = number_of(&rows, "innodb_flush_log_at_trx_commit", NULL);
    s->relay_log_recovery = number_of(&rows, "relay_log_recovery", NULL);
    s->net_timeout_seconds = number_of(&rows, "slave_net_timeout", "replica_net_timeout");
    s->semisync_primary =
        number_of(&rows, "rpl_semi_sync_master_enabled", "rpl_semi_sync_source_enabled");
    s->semisync_replica =
        number_of(&rows, "rpl_semi_sync_slave_enabled", "rpl_semi_sync_replica_enabled");
    s->gtid_state =
        bt_check_ask_keep(&d->arena, value_of(&rows, "gtid_binlog_state", "gtid_executed"));
    s->uuid = bt_check_ask_keep(&d->arena, value_of(&rows, "server_uuid", NULL));
    return 0;
}

static int ask_status(struct bt_check_ask *a, size_t i, struct bt_deadline until,
                      struct bt_err *err)
{
    struct bt_check_sql *s = &a->sql[i];

    if (bt_semisync_ask(a->databases[i].sql, until, &s->semisync, err) != 0)
        return -1;
    s->has_semisync = true;
    if (s->semisync_primary >= 0) {
        s->semisync_is_on = s->semisync.is_enabled && s->semisync.is_on;
        s->semisync_clients = (int64_t)s->semisync.clients;
    }
    return 0;
}

/* Where it stands: a column with MariaDB, a table with MySQL 5.7 and later.  A server that tells
 * nowhere leaves it unknown. */
static void ask_heartbeat(struct bt_check_ask *a, size_t i, struct bt_deadline until)
{
    struct bt_database *d = &a->databases[i];
    bool is_mariadb = d->facts.flavor == BT_FLAVOR_MARIADB;
    const char *sql = is_mariadb
                          ? "SHOW ALL SLAVES STATUS"
                          : "SELECT HEARTBEAT_INTERVAL AS Slave_heartbeat_period FROM "
                            "performance_schema.replication_connection_configuration";
    bt_auto_rows struct bt_rows rows = {0};
    struct bt_err err = {0};

    if (d->facts.upstream_count == 0 ||
        bt_connection_query(d->sql, bt_slice_str(sql), until, &rows, &err) != 0)
        return;
    for (uint64_t row = 0; row < rows.row_count; row++) { /* the rarest, of several connections */
        const char *text = bt_rows_text(&rows, row, "Slave_heartbeat_period");
        int64_t ms = text ? (int64_t)(strtod(text, NULL) * 1000) : -1;

        if (ms > a->sql[i].heartbeat_ms)
            a->sql[i].heartbeat_ms = ms;
    }
}

static int ask_clock(struct bt_check_ask *a, size_t i, struct bt_deadline until,
                     struct bt_err *err)
{
    struct bt_check_sql *s = &a->sql[i];
    int64_t before = bt_clock_wall_us(), after;
    char text[64];

    if (bt_connection_value(a->databases[i].sql, "SELECT UNIX_TIMESTAMP(SYSDATE(6))", until,
                            sizeof(text), text, err) < 0)
        return -1;
    after = bt_clock_wall_us();
    s->clock_ahead_ms = (int64_t)(strtod(text, NULL) * 1000) - (before / 2 + after / 2) / 1000;
    s->clock_slack_ms = (after - before) / 2000 + 1;
    s->has_clock = text[0] != '\0';
    return 0;
}

/* Up to the account: what follows may be a password's hash. */
static void grants_add(struct bt_buf *out, const char *line)
{
    const char *end = line ? strstr(line, " IDENTIFIED ") : NULL;

    if (line)
        bt_buf_addf(out, "%.*s\n", (int)(end ? (size_t)(end - line) : strlen(line)), line);
}

static int ask_grants(struct bt_check_ask *a, size_t i, struct bt_deadline until,
                      struct bt_err *err)
{
    struct bt_database *d = &a->databases[i];
    struct bt_check_sql *s = &a->sql[i];
    bt_auto_rows struct bt_rows rows = {0};
    bt_auto_buf struct bt_buf lines;
    char account[512];

    bt_buf_init(&lines, 1 << 20);
    if (bt_connection_value(d->sql, "SELECT CURRENT_USER()", until, sizeof(account), account,
                            err) < 0 ||
        bt_connection_query(d->sql, bt_slice_str("SHOW GRANTS"), until, &rows, err) != 0)
        return -1;
    for (uint64_t k = 0; k < rows.row_count; k++)
        grants_add(&lines, bt_rows_text_at(&rows, k, 0));
    s->account = bt_check_ask_keep(&d->arena, account);
    s->grants = bt_check_ask_keep(&d->arena, bt_buf_str(&lines));
    return 0;
}

/* A server that lets the account in and denies it a question: which privileges it has can be asked
 * all the same, and that is what the check is for. */
static void ask_denied(struct bt_check_ask *a, size_t i, struct bt_deadline until)
{
    struct bt_database *d = &a->databases[i];
    struct bt_connection_opts login = bt_database_login(d->conf);
    struct bt_err err = {0};

    if (d->facts.error_number != ER_SPECIFIC_ACCESS_DENIED && d->facts.error_number != ER_DENIED)
        return;
    if (bt_connection_open(&login, until, &d->sql, &err) != 0 ||
        ask_grants(a, i, until, &err) != 0)
        a->sql[i].error = bt_check_ask_keep(&d->arena, err.text);
}

void bt_check_ask_server(struct bt_check_ask *a, size_t i)
{
    struct bt_database *d = &a->databases[i];
    int64_t ms = (int64_t)bt_setting_number(d->conf->settings, BT_CONF_CONNECT_TIMEOUT);
    struct bt_deadline until = bt_deadline_in(ms);
    struct bt_err err = {0};

    bt_database_ask(d, ms);
    if (!bt_facts_is_alive(&d->facts)) {
        ask_denied(a, i, until);
        return;
    }
    if (ask_settings(a, i, until, &err) != 0 || ask_status(a, i, until, &err) != 0 ||
        ask_grants(a, i, until, &err) != 0 || ask_clock(a, i, until, &err) != 0)
        a->sql[i].error = bt_check_ask_keep(&d->arena, err.text);
    else
        ask_heartbeat(a, i, until);
}

/* ------------------------------------------------------- replication account */

/* Whom replicas would log in as when server i is the primary: MHA takes the new primary's own. */
static const char *repl_user_of(const struct bt_check_ask *a, size_t i)
{
    const char *configured = bt_setting_text(a->config->servers[i].settings, BT_CONF_REPL_USER);
    const struct bt_upstream *u;

    if (configured[0])
        return configured;
    if (a->servers[i].upstream_count)
        return a->servers[i].upstreams[0].user;
    for (size_t k = 0; k < a->count; k++) {
        u = bt_topology_link(&a->facts.topology, a->servers, k);
        if (u)
            return u->user;
    }
    return "";
}

/* What SHOW GRANTS says of one account; MariaDB names what it has by its default role under the
 * role itself. */
static int account_has(struct bt_database *d, const char *user, const char *host, const char *role,
                       struct bt_deadline until, bool *ret, struct bt_err *err)
{
    bt_auto_buf struct bt_buf sql, lines;

    bt_buf_init(&sql, 4096);
    bt_buf_init(&lines, 1 << 20);
    for (int by_role = 0; by_role < (role && role[0] ? 2 : 1); by_role++) {
        bt_auto_rows struct bt_rows rows = {0};

        sql.len = 0;
        bt_buf_add_str(&sql, "SHOW GRANTS FOR ");
        bt_sql_add_text(d->sql, &sql, bt_slice_str(by_role ? role : user));
        if (!by_role) {
            bt_buf_add_byte(&sql, '@');
            bt_sql_add_text(d->sql, &sql, bt_slice_str(host));
        }
        if (bt_buf_check(&sql, "statement", err) != 0 ||
            bt_connection_query(d->sql, bt_buf_slice(&sql), until, &rows, err) != 0)
            return -1;
        for (uint64_t k = 0; k < rows.row_count; k++)
            grants_add(&lines, bt_rows_text_at(&rows, k, 0));
    }
    *ret = bt_grants_have(bt_buf_slice(&lines), "REPLICATION SLAVE");
    return 0;
}

static int repl_accounts(struct bt_check_ask *a, size_t i, struct bt_deadline until,
                         struct bt_err *err)
{
    struct bt_database *d = &a->databases[i];
    struct bt_check_sql *s = &a->sql[i];
    bool is_mariadb = d->facts.flavor == BT_FLAVOR_MARIADB;
    bt_auto_rows struct bt_rows rows = {0};
    bt_auto_buf struct bt_buf sql;

    bt_buf_init(&sql, 4096);
    bt_buf_addf(&sql, "SELECT Host, %s FROM mysql.user WHERE User = ",
                is_mariadb && d->facts.version_number >= 100101 ? "default_role" : "''");
    bt_sql_add_text(d->sql, &sql, bt_slice_str(s->repl_user));
    if (bt_buf_check(&sql, "statement", err) != 0 ||
        bt_connection_query(d->sql, bt_buf_slice(&sql), until, &rows, err) != 0)
        return -1;
    s->repl_exists = rows.row_count > 0;
    for (uint64_t k = 0; k < rows.row_count && !s->repl_may; k++) {
        const char *host = bt_rows_text_at(&rows, k, 0);

        if (account_has(d, s->repl_user, host ? host : "", bt_rows_text_at(&rows, k, 1), until,
                        &s->repl_may, err) != 0)
            return -1;
    }
    return 0;
}

void bt_check_ask_account(struct bt_check_ask *a, size_t i)
{
    struct bt_deadline until = bt_deadline_in((int64_t)bt_setting_number(
        a->config->servers[i].settings, BT_CONF_CONNECT_TIMEOUT));
    struct bt_check_sql *s = &a->sql[i];
    struct bt_err err = {0};

    if (!a->facts.has_topology || !bt_facts_is_alive(&a->servers[i]) || s->error[0])
        return;
    s->repl_user = repl_user_of(a, i);
    if (s->repl_user[0] && repl_accounts(a, i, until, &err) != 0)
        s->repl_error = bt_check_ask_keep(&a->arenas[i], err.text);
}
