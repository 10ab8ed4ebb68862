/* SPDX-License-Identifier: Apache-2.0 */
/* Findings about the servers themselves: life, ids, privileges, settings. */
#include <inttypes.h>
#include <stdio.h>

#include "failover/check_priv.h"
#include "failover/privileges.h"

enum { HEARTBEATS_PER_PING = 2, NET_TIMEOUT_SECONDS = 60 };

static const struct bt_server_facts *server(const struct bt_check_finder *f, size_t i)
{
    return &f->facts->servers[i];
}

static const struct bt_conf_server *conf(const struct bt_check_finder *f, size_t i)
{
    return &f->facts->config->servers[i];
}

/* ------------------------------------------------------------------ servers */

static void life(struct bt_check_finder *f, size_t i)
{
    const struct bt_server_facts *s = server(f, i);

    if (s->life == BT_LIFE_DEAD)
        bt_check_add(f, conf(f, i)->ignore_fail ? BT_CHECK_WARNING : BT_CHECK_ERROR, "server-dead",
                     i, NULL, "does not answer: %s%s", s->error,
                     conf(f, i)->ignore_fail ? " (ignore_fail is set for it)" : "");
    else if (s->life == BT_LIFE_REFUSING)
        bt_check_add(f, BT_CHECK_ERROR, "server-refuses", i, NULL,
                     "is there, but does not let user \"%s\" in: %s",
                     bt_setting_text(conf(f, i)->settings, BT_CONF_USER), s->error);
}

static void ids(struct bt_check_finder *f, size_t i)
{
    const struct bt_server_facts *s = server(f, i);

    if (!bt_facts_is_alive(s))
        return;
    if (s->server_id == 0)
        bt_check_add(f, BT_CHECK_ERROR, "server-id-zero", i, "SET GLOBAL server_id = N;",
                     "has server_id 0: it cannot replicate");
    for (size_t k = 0; k < i; k++)
        if (bt_facts_is_alive(server(f, k)) && s->server_id &&
            server(f, k)->server_id == s->server_id)
            bt_check_add(f, BT_CHECK_ERROR, "server-id-twice", i,
                         "give every server a server_id of its own",
                         "has server_id %u, as %s has: each ignores the other's events",
                         s->server_id, conf(f, k)->name);
}

static void version(struct bt_check_finder *f, size_t i)
{
    size_t p = f->facts->topology.primary;
    const struct bt_server_facts *s = server(f, i);

    if (!f->facts->has_topology || i == p || !bt_facts_is_alive(s) ||
        !bt_facts_is_alive(server(f, p)))
        return;
    if (s->flavor != server(f, p)->flavor)
        bt_check_add(f, BT_CHECK_ERROR, "flavor-differs", i, NULL,
                     "runs %s and the primary %s: after a failover they do not understand each "
                     "other's GTIDs",
                     s->version, server(f, p)->version);
    else if (s->version_number / 100 < server(f, p)->version_number / 100)
        bt_check_add(f, BT_CHECK_WARNING, "version-older", i, NULL,
                     "runs %s, older than the primary's %s: it may not understand all events",
                     s->version, server(f, p)->version);
    else if (s->version_number / 100 > server(f, p)->version_number / 100)
        bt_check_add(f, BT_CHECK_NOTE, "version-newer", i, NULL,
                     "runs %s, newer than the primary's %s: it is not elected while an older "
                     "replica lives",
                     s->version, server(f, p)->version);
}

void bt_check_find_servers(struct bt_check_finder *f)
{
    for (size_t i = 0; i < f->facts->config->server_count; i++) {
        life(f, i);
        ids(f, i);
        version(f, i);
    }
}

/* --------------------------------------------------------------- privileges */

/* 'baton'@'%' out of baton@%. */
static void account_add(struct bt_buf *out, const char *account)
{
    const char *at = strrchr(account, '@');
    size_t len = at ? (size_t)(at - account) : strlen(account);

    bt_buf_add_byte(out, '\'');
    bt_buf_add(out, account, len);
    bt_buf_addf(out, "'@'%s'", at ? at + 1 : "%");
}

/* What the missing ones of a kind are for, each reason once. */
static void reasons_add(struct bt_buf *out, const struct bt_server_facts *s, struct bt_slice grants,
                        unsigned kind)
{
    struct bt_need needs[BT_NEEDS_MAX];
    size_t count = bt_privileges_needed(s->flavor, s->version_number, needs);
    const char *before = "";

    for (size_t i = 0; i < count; i++) {
        if (!(needs[i].kind & kind) || bt_need_is_met(&needs[i], grants) ||
            strcmp(needs[i].why, before) == 0)
            continue;
        bt_buf_addf(out, "%s%s", before[0] ? "; " : "", needs[i].why);
        before = needs[i].why;
    }
}

static void missing(struct bt_check_finder *f, size_t i, unsigned kind, enum bt_check_level level,
                    const char *name)
{
    const struct bt_server_facts *s = server(f, i);
    const struct bt_check_sql *sql = &f->facts->sql[i];
    struct bt_slice grants = bt_slice_str(sql->grants);
    bt_auto_buf struct bt_buf words, fix, why;

    bt_buf_init(&words, 4096);
    bt_buf_init(&fix, 8192);
    bt_buf_init(&why, 4096);
    bt_privileges_missing(s->flavor, s->version_number, grants, kind, &words);
    if (words.len == 0)
        return;
    reasons_add(&why, s, grants, kind);
    bt_buf_addf(&fix, "GRANT %s ON *.* TO ", bt_buf_str(&words));
    account_add(&fix, sql->account);
    bt_buf_add_byte(&fix, ';');
    bt_check_add(f, level, name, i, bt_buf_str(&fix), "gives %s no %s, needed %s%s", sql->account,
                 bt_buf_str(&words), bt_buf_str(&why),
                 s->flavor == BT_FLAVOR_MARIADB && bt_grants_have_idle_role(grants)
                     ? " (a role was granted to it, but is not its default role)"
                     : "");
}

static void repl_account(struct bt_check_finder *f, size_t i)
{
    const struct bt_check_sql *sql = &f->facts->sql[i];
    bt_auto_buf struct bt_buf fix;

    bt_buf_init(&fix, 4096);
    if (conf(f, i)->no_master || sql->repl_user[0] == '\0')
        return;
    bt_buf_addf(&fix, "GRANT REPLICATION SLAVE ON *.* TO '%s'@'%%';", sql->repl_user);
    if (sql->repl_error[0])
        bt_check_add(f, BT_CHECK_NOTE, "repl-account-unknown", i, NULL,
                     "whether replicas could log in as \"%s\" is not known: %s", sql->repl_user,
                     sql->repl_error);
    else if (!sql->repl_exists)
        bt_check_add(f, BT_CHECK_ERROR, "repl-account-missing", i, bt_buf_str(&fix),
                     "has no account \"%s\": replicas could not follow it as the new primary",
                     sql->repl_user);
    else if (!sql->repl_may)
        bt_check_add(f, BT_CHECK_ERROR, "repl-account-privilege", i, bt_buf_str(&fix),
                     "\"%s\" lacks REPLICATION SLAVE there: replicas could not follow it as the "
                     "new primary",
                     sql->repl_user);
}

void bt_check_find_privileges(struct bt_check_finder *f)
{
    for (size_t i = 0; i < f->facts->config->server_count; i++) {
        if (!bt_facts_is_alive(server(f, i)) && f->facts->sql[i].grants[0] == '\0')
            continue;
        if (f->facts->sql[i].error[0]) {
            bt_check_add(f, BT_CHECK_WARNING, "privileges-unknown", i, NULL,
                         "its privileges are not known: %s", f->facts->sql[i].error);
            continue;
        }
        missing(f, i, BT_NEED_FAILOVER, BT_CHECK_ERROR, "privileges-missing");
        missing(f, i, BT_NEED_LOOK, BT_CHECK_ERROR, "privileges-to-look");
        missing(f, i, BT_NEED_APPLY, BT_CHECK_WARNING, "privileges-to-apply");
        repl_account(f, i);
    }
}

/* ----------------------------------------------------------------- settings */

static void binlog_settings(struct bt_check_finder *f, size_t i)
{
    const struct bt_server_facts *s = server(f, i);
    const struct bt_check_sql *sql = &f->facts->sql[i];
    bool primary = bt_check_is_primary(f->facts, i);

    if (!s->log_bin && primary)
        bt_check_add(f, BT_CHECK_ERROR, "log-bin-off", i, "log_bin=bin in its option file",
                     "is the primary and writes no binary log");
    else if (!s->log_bin && !conf(f, i)->no_master)
        bt_check_add(f, BT_CHECK_WARNING, "log-bin-off", i, "log_bin=bin in its option file",
                     "writes no binary log: it cannot be promoted");
    if (!primary && s->log_bin && !s->log_slave_updates && !conf(f, i)->no_master)
        bt_check_add(f, BT_CHECK_WARNING, "log-slave-updates-off", i,
                     "log_slave_updates=1 in its option file",
                     "does not log what it replicates: as the new primary it could not complete "
                     "others from its binary logs");
    if (!primary && s->relay_log_purge && !s->log_slave_updates)
        bt_check_add(f, BT_CHECK_WARNING, "relay-logs-purged", i,
                     "SET GLOBAL relay_log_purge = 0; and `baton purge-relay-logs` from cron",
                     "deletes what it has applied and keeps no copy in binary logs: it cannot "
                     "complete a slower replica");
    if (sql->sync_binlog != -1 && sql->sync_binlog != 1 && s->log_bin)
        bt_check_add(f, primary ? BT_CHECK_WARNING : BT_CHECK_NOTE, "sync-binlog", i,
                     "SET GLOBAL sync_binlog = 1;",
                     "has sync_binlog=%" PRId64 ": when its host crashes, the last transactions "
                     "may be missing in its binary log",
                     sql->sync_binlog);
    if (sql->flush_log != -1 && sql->flush_log != 1)
        bt_check_add(f, primary ? BT_CHECK_WARNING : BT_CHECK_NOTE, "flush-log", i,
                     "SET GLOBAL innodb_flush_log_at_trx_commit = 1;",
                     "has innodb_flush_log_at_trx_commit=%" PRId64 ": when its host crashes, "
                     "committed transactions may be gone",
                     sql->flush_log);
}

static void read_only(struct bt_check_finder *f, size_t i)
{
    const struct bt_server_facts *s = server(f, i);

    if (bt_check_is_primary(f->facts, i) && s->read_only)
        bt_check_add(f, BT_CHECK_ERROR, "primary-read-only", i, "SET GLOBAL read_only = 0;",
                     "is the primary and takes no writes (read_only is set)");
    else if (!bt_check_is_primary(f->facts, i) && !s->read_only)
        bt_check_add(f, BT_CHECK_WARNING, "replica-writable", i, "SET GLOBAL read_only = 1;",
                     "takes writes although it is a replica (read_only is not set)");
}

/* What makes replicas slow to notice a primary that fell silent. */
static void heartbeats(struct bt_check_finder *f, size_t i)
{
    const struct bt_check_sql *sql = &f->facts->sql[i];
    int64_t ping = (int64_t)bt_setting_number(f->facts->config->settings, BT_CONF_PING_INTERVAL);
    char fix[256];

    if (!bt_check_is_replica(f->facts, i))
        return;
    if (sql->heartbeat_ms > HEARTBEATS_PER_PING * ping) {
        snprintf(fix, sizeof(fix),
                 "STOP SLAVE IO_THREAD; CHANGE MASTER TO MASTER_HEARTBEAT_PERIOD=%.1f; START SLAVE "
                 "IO_THREAD;",
                 (double)ping / 1000);
        bt_check_add(f, BT_CHECK_NOTE, "heartbeat-slow", i, fix,
                     "gets a heartbeat every %.1f s only: its receiver cannot tell a silent "
                     "primary from an idle one sooner",
                     (double)sql->heartbeat_ms / 1000);
    }
    if (sql->net_timeout_seconds > NET_TIMEOUT_SECONDS)
        bt_check_add(f, BT_CHECK_NOTE, "net-timeout-slow", i, "SET GLOBAL slave_net_timeout = 60;",
                     "has slave_net_timeout=%" PRId64 ": it believes in a vanished primary for so "
                     "many seconds",
                     sql->net_timeout_seconds);
}

static void semisync(struct bt_check_finder *f)
{
    size_t p = f->facts->topology.primary;
    const struct bt_check_sql *sql = f->facts->sql;

    if (!f->facts->has_topology || sql[p].semisync_primary != 1)
        return;
    if (sql[p].semisync_is_on == 0)
        bt_check_add(f, BT_CHECK_WARNING, "semisync-fell-back", p, NULL,
                     "semi-sync is enabled but not in force: commits are acknowledged before any "
                     "replica has them");
    if (sql[p].semisync_clients == 0)
        bt_check_add(f, BT_CHECK_WARNING, "semisync-no-replica", p,
                     "SET GLOBAL rpl_semi_sync_slave_enabled = 1; on a replica, and restart its "
                     "receiver",
                     "semi-sync is enabled and no replica acknowledges");
    for (size_t i = 0; i < f->facts->config->server_count; i++)
        if (bt_check_is_replica(f->facts, i) && !conf(f, i)->no_master &&
            sql[i].semisync_primary == 0)
            bt_check_add(f, BT_CHECK_NOTE, "semisync-not-prepared", i,
                         "SET GLOBAL rpl_semi_sync_master_enabled = 1;",
                         "would be a primary without semi-sync, which the primary now has");
}

enum { MYSQL_CHANNELS_MIN = 50706 };

/* Why the road that the configuration insists on is closed (apply/link.c). */
static void apply_via(struct bt_check_finder *f, size_t i)
{
    const struct bt_server_facts *s = server(f, i);

    if (bt_setting_number(conf(f, i)->settings, BT_CONF_APPLY_VIA) != BT_APPLY_VIA_REPLICATION ||
        !bt_check_is_replica(f->facts, i))
        return;
    if (s->flavor == BT_FLAVOR_MYSQL && s->version_number < MYSQL_CHANNELS_MIN)
        bt_check_add(f, BT_CHECK_ERROR, "apply-via-impossible", i, "apply_via=auto",
                     "has one replication connection only, which its replication uses: "
                     "apply_via=replication cannot work (MySQL before 5.7.6)");
    else if (!s->keeps_gtids)
        bt_check_add(f, BT_CHECK_ERROR, "apply-via-impossible", i, "apply_via=auto",
                     "keeps no GTIDs (gtid_mode): apply_via=replication cannot work");
}

void bt_check_find_settings(struct bt_check_finder *f)
{
    for (size_t i = 0; i < f->facts->config->server_count; i++) {
        const struct bt_check_sql *sql = &f->facts->sql[i];

        if (!bt_facts_is_alive(server(f, i)))
            continue;
        binlog_settings(f, i);
        if (f->facts->has_topology)
            read_only(f, i);
        if (sql->error[0])
            bt_check_add(f, BT_CHECK_WARNING, "settings-unknown", i, NULL,
                         "its settings are not known: %s", sql->error);
        if (bt_check_is_replica(f->facts, i) && sql->relay_log_recovery == 0 &&
            bt_topology_link(&f->facts->topology, f->facts->servers, i) &&
            bt_topology_link(&f->facts->topology, f->facts->servers, i)->mode ==
                BT_REPLICA_POSITION)
            bt_check_add(f, BT_CHECK_NOTE, "relay-log-recovery-off", i,
                         "relay_log_recovery=1 in its option file",
                         "would trust a relay log that its own crash may have torn");
        heartbeats(f, i);
        apply_via(f, i);
    }
    semisync(f);
}
