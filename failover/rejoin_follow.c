/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The returning server follows the primary: by GTID from where its history is the primary's, which
 * the primary itself finds in its logs; then by file and position where the cluster does.
 */
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "base/crash_point.h"
#include "base/log.h"
#include "failover/phrases.h"
#include "failover/rejoin_steps.h"

enum { STATE_MAX = 256 * 1024, PRIMARY_MS = 5000, LOOK_MS = 2000 };

/* --------------------------------------------------------------------- follow */

/* MariaDB: what it has wherever it came from, as replicas say it.  After a reversal gtid_slave_pos
 * may still be older than the log's state, and gtid_current_pos is made of both. */
static int slave_pos_set(struct bt_rejoin *r, struct bt_err *err)
{
    bt_auto_buf struct bt_buf sql;

    bt_buf_init(&sql, STATE_MAX);
    if (bt_rj_host(r)->facts.flavor != BT_FLAVOR_MARIADB || r->follows_already)
        return 0;
    bt_buf_add_str(&sql, "SET GLOBAL gtid_slave_pos = ");
    if (r->stepped_over)
        bt_sql_add_text(bt_rj_host(r)->sql, &sql, bt_slice_str(r->stepped_over));
    else
        bt_buf_add_str(&sql, "@@GLOBAL.gtid_current_pos");
    return bt_rj_execute(r, &sql, "gtid_slave_pos", err);
}

static struct bt_repoint target(const struct bt_rejoin *r, enum bt_replica_mode mode,
                                const struct bt_coordinate *place)
{
    const struct bt_conf_server *primary = &r->config->servers[r->primary];
    const struct bt_setting *set = r->config->servers[r->host].settings;

    struct bt_repoint to = {
        .host = primary->hostname,
        .port = primary->port,
        .user = r->repl_user[0] ? r->repl_user : NULL,
        .password = bt_setting_is_set(set, BT_CONF_REPL_PASSWORD)
                        ? bt_setting_text(set, BT_CONF_REPL_PASSWORD)
                        : NULL,
        .mode = mode,
    };

    if (place)
        to.place = *place;
    return to;
}

/* What a server was told is enough for a failover to count it in: from then on nobody is kept off.
 */
static int start(struct bt_rejoin *r, struct bt_err *err)
{
    struct bt_database *host = bt_rj_host(r);
    struct bt_deadline until = bt_deadline_in(BT_RJ_STEP_MS);

    if (bt_database_start(host, 0, until, err) != 0 ||
        bt_locks_give(r->locks, r->host, until, err) != 0)
        return -1;
    return bt_database_wait_running(host, 0, until, err);
}

static int repoint(struct bt_rejoin *r, const struct bt_repoint *to, struct bt_err *err)
{
    struct bt_database *host = bt_rj_host(r);
    struct bt_deadline until = bt_deadline_in(BT_RJ_STEP_MS);
    bool purges = host->facts.relay_log_purge;

    /* CHANGE MASTER switches relay_log_purge on by itself; it stays as it was. */
    if (bt_database_repoint(host, 0, to, until, err) != 0 ||
        bt_database_set_relay_log_purge(host, purges, until, err) != 0)
        return -1;
    r->is_told = true;
    bt_crash_point("rejoin-repointed");
    return start(r, err);
}

/* A failover meanwhile made another one the primary, or will. */
static int still_primary(struct bt_rejoin *r, struct bt_err *err)
{
    struct bt_database *p = bt_rj_primary(r);

    bt_database_ask(p, PRIMARY_MS);
    if (!bt_facts_is_alive(&p->facts))
        return bt_fail(err, BT_ERR_REALITY,
                       "%s has died (%s); when there is a new primary, run it again",
                       p->conf->name, p->facts.error);
    if (p->facts.read_only || p->facts.upstream_count)
        return bt_fail(err, BT_ERR_REALITY, "%s is not the primary any more; run it again",
                       p->conf->name);
    return 0;
}

/* Where the primary waits for acknowledgements, the returning server gives them too: it may have
 * come back from a configuration that only knows it as a primary. */
static int semisync_join(struct bt_rejoin *r, struct bt_err *err)
{
    struct bt_deadline until = bt_deadline_in(BT_RJ_STEP_MS);
    struct bt_database *host = bt_rj_host(r), *primary = bt_rj_primary(r);
    char waits[8], gives[8];

    if (host->facts.flavor != BT_FLAVOR_MARIADB || r->follows_already)
        return 0;
    if (bt_connection_value(primary->sql, "SELECT @@GLOBAL.rpl_semi_sync_master_enabled", until,
                            sizeof(waits), waits, err) < 0 ||
        bt_connection_value(host->sql, "SELECT @@GLOBAL.rpl_semi_sync_slave_enabled", until,
                            sizeof(gives), gives, err) < 0)
        return bt_err_wrap(err, "semi-synchronous replication");
    if (strcmp(waits, "1") != 0 || strcmp(gives, "1") == 0)
        return 0;
    if (bt_connection_execute(host->sql,
                              bt_slice_str("SET GLOBAL rpl_semi_sync_slave_enabled = ON"), until,
                              NULL, err) != 0)
        return bt_err_wrap(err, "%s: rpl_semi_sync_slave_enabled", host->conf->name);
    bt_rj_note(r, "%s: rpl_semi_sync_slave_enabled is ON now.", host->conf->name);
    return 0;
}

/* Archiving and reversing may have taken long. */
static int primary_check(struct bt_rejoin *r, struct bt_err *err)
{
    if (still_primary(r, err) != 0)
        return -1;
    if (r->extra.count == 0 && !r->follows_already)
        return bt_rj_still(r, err);
    return 0;
}

int bt_rj_follow(struct bt_rejoin *r, struct bt_err *err)
{
    struct bt_repoint to = target(r, BT_REPLICA_SLAVE_POS, NULL);
    bool is_only_stopped = r->follows_already && r->extra.count == 0;

    if (primary_check(r, err) != 0 || bt_rj_journal(r, "follow", "begin", err) != 0)
        return -1;
    /* A server that was repointed by a run that was cut off has what it needs. */
    if (is_only_stopped ? start(r, err) != 0
                        : slave_pos_set(r, err) != 0 || semisync_join(r, err) != 0 ||
                              repoint(r, &to, err) != 0)
        return bt_err_wrap(err, "%s does not follow %s", bt_rj_host(r)->conf->name,
                           bt_rj_primary(r)->conf->name);
    bt_rj_note(r, "%s follows %s.", bt_rj_host(r)->conf->name, bt_rj_primary(r)->conf->name);
    bt_crash_point("rejoin-follows");
    return bt_rj_journal(r, "follow", "done", err);
}

/* ------------------------------------------------------------------- catch up */

/* The lock was given up while it caught up: a failover may have led it elsewhere. */
static int still_ours(struct bt_rejoin *r, struct bt_err *err)
{
    struct bt_database *host = bt_rj_host(r);
    struct bt_deadline until = bt_deadline_in(BT_RJ_STEP_MS);
    const struct bt_upstream *u;
    int rc = bt_locks_take(r->locks, r->host, 1, until, err);

    if (rc == 1)
        return bt_fail(err, BT_ERR_CONFLICT, BT_SAY_LOCKED, host->conf->name);
    if (rc < 0 || bt_database_ask_upstreams(host, until, err) != 0)
        return -1;
    u = host->facts.upstream_count ? &host->facts.upstreams[0] : NULL;
    if (!u || bt_topology_match(r->config, u->host, u->port) != r->primary)
        return bt_fail(err, BT_ERR_REALITY, "%s does not follow %s any more; run it again",
                       host->conf->name, bt_rj_primary(r)->conf->name);
    return still_primary(r, err);
}

/* From GTID to file and position, where it stands still for a moment. */
static int to_position(struct bt_rejoin *r, struct bt_err *err)
{
    struct bt_database *host = bt_rj_host(r);
    struct bt_deadline until = bt_deadline_in(BT_RJ_STEP_MS);
    struct bt_repoint to;

    if (r->mode != BT_REPLICA_POSITION)
        return 0;
    if (still_ours(r, err) != 0)
        return -1;
    if (host->facts.upstreams[0].mode == BT_REPLICA_POSITION)
        return 0;
    if (bt_database_stop_io(host, 0, until, err) != 0 ||
        bt_database_drain(host, 0, &host->facts.upstreams[0].read, until, err) < 0 ||
        bt_database_stop_sql(host, 0, until, err) != 0 ||
        bt_database_ask_upstreams(host, until, err) != 0)
        return -1;
    to = target(r, BT_REPLICA_POSITION, &host->facts.upstreams[0].executed);
    return repoint(r, &to, err);
}

/* In short looks: a primary that dies meanwhile is not waited for.  1: not in time. */
static int wait_for(struct bt_rejoin *r, struct bt_deadline until, struct bt_err *err)
{
    struct bt_database *host = bt_rj_host(r);
    const struct bt_server_facts *p = &bt_rj_primary(r)->facts;
    struct bt_coordinate place = p->binlog;
    bt_auto_free char *gtid = strdup(p->gtid_binlog_pos);

    if (!gtid)
        return bt_fail_sys(err, "catching up");
    while (bt_database_wait_for(host, 0, &place, gtid,
                                bt_deadline_earlier(until, bt_deadline_in(LOOK_MS)), err) != 0) {
        if (err->kind != BT_ERR_TIMEOUT)
            return -1;
        bt_err_clear(err);
        if (still_primary(r, err) != 0)
            return -1;
        if (bt_deadline_passed(until))
            return 1;
    }
    return 0;
}

int bt_rj_catch_up(struct bt_rejoin *r, struct bt_err *err)
{
    struct bt_database *host = bt_rj_host(r), *primary = bt_rj_primary(r);
    uint64_t ms = r->opts.wait_limit ? r->opts.wait_limit : BT_RJ_WAIT_MS;
    int64_t began = bt_clock_ms();
    struct bt_coordinate end;
    int rc;

    if (bt_database_position(primary, bt_deadline_in(BT_RJ_STEP_MS), err) != 0)
        return bt_err_wrap(err, "%s", primary->conf->name);
    end = primary->facts.binlog;
    rc = wait_for(r, bt_deadline_in((int64_t)ms), err);
    if (rc == 1)
        bt_rj_note(r, "%s follows, but has not caught up in %llu s.", host->conf->name,
                   (unsigned long long)(ms / 1000));
    if (rc != 0)
        return rc;
    if (to_position(r, err) != 0)
        return -1;
    bt_rj_note(r, "%s has everything up to %s:%llu (caught up in %lld ms).", host->conf->name,
               end.file, (unsigned long long)end.pos, (long long)(bt_clock_ms() - began));
    return 0;
}
