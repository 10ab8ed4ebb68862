/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rest of a switchover: the new primary has everything, is opened, gets the address; the others
 * follow it.  Until it takes writes everything can be put back; from then on nothing ends the
 * switchover any more, and what fails is said and counted as partial.
 */
#include <stdio.h>

#include "base/crash_point.h"
#include "base/log.h"
#include "failover/each.h"
#include "failover/hooks.h"
#include "failover/phrases.h"
#include "failover/switchover_steps.h"

/* Writes stand still meanwhile. */
enum { STILL_CHECK_MS = 2000 };

/* ------------------------------------------------------------------- catch up */

/* The lock may have gone with its session while the new primary caught up.  An old primary that
 * cannot be asked any more is in the state of before: read-only, and with nothing that the new one
 * lacks. */
static int still_check(struct bt_switchover *s, struct bt_err *err)
{
    struct bt_err ignored = {0};
    struct bt_coordinate now;

    if (bt_so_end_read(s, bt_deadline_in(STILL_CHECK_MS), &now, &ignored) != 0 ||
        bt_coordinate_compare(&now, &s->end) == 0)
        return 0;
    return bt_fail(err, BT_ERR_REALITY,
                   "%s was written to after it stood still (its binary log went from %s:%llu to "
                   "%s:%llu): was the session that held the lock killed?",
                   bt_so_old(s)->conf->name, s->end.file, (unsigned long long)s->end.pos, now.file,
                   (unsigned long long)now.pos);
}

int bt_so_catch_up(struct bt_switchover *s, struct bt_err *err)
{
    struct bt_so_host *new = bt_so_new(s);
    struct bt_deadline until = bt_deadline_in((int64_t)s->opts.wait_limit);

    bt_so_step_begin(s, BT_SO_CATCH_UP);
    bt_info(BT_SAY_WAITING, new->conf->name);
    if (bt_database_wait_for(new->db, new->link, &s->end, s->end_gtid, until, err) != 0 ||
        still_check(s, err) != 0)
        return -1;
    bt_info("  done.");
    bt_so_step_end(s, BT_SO_CATCH_UP);
    return 0;
}

/* ----------------------------------------------------------------------- open */

/* MHA's line, letter for letter; the password is never in it. */
static void statement_make(struct bt_switchover *s)
{
    const struct bt_conf_server *w = bt_so_new(s)->conf;
    const char *user = bt_setting_is_set(w->settings, BT_CONF_REPL_USER)
                           ? bt_setting_text(w->settings, BT_CONF_REPL_USER)
                           : s->repl_user;
    bool by_name = strcmp(w->hostname, w->ip) != 0;

    snprintf(s->statement, sizeof(s->statement),
             "CHANGE MASTER TO MASTER_HOST='%s%s%s', MASTER_PORT=%u, MASTER_LOG_FILE='%s', "
             "MASTER_LOG_POS=%llu, MASTER_USER='%s', MASTER_PASSWORD='xxx';",
             w->hostname, by_name ? " or " : "", by_name ? w->ip : "", w->port, s->position.file,
             (unsigned long long)s->position.pos, user);
}

static void fill_open(struct bt_json *json, void *ctx)
{
    const struct bt_switchover *s = ctx;

    bt_json_key_str(json, "old_file", s->end.file);
    bt_json_key_u64(json, "old_pos", s->end.pos);
    bt_json_key_str(json, "old_gtid", s->end_gtid);
    bt_json_key_str(json, "new_file", s->position.file);
    bt_json_key_u64(json, "new_pos", s->position.pos);
}

static int position_note(struct bt_switchover *s, struct bt_err *err)
{
    struct bt_database *new = bt_so_new(s)->db;

    bt_info(BT_SAY_GETTING_POSITION);
    if (bt_database_position(new, bt_so_until(BT_SO_OPEN), err) != 0)
        return bt_err_wrap(err, "%s", new->conf->name);
    s->position = new->facts.binlog;
    snprintf(s->gtid, sizeof(s->gtid), "%s", new->facts.gtid_binlog_pos);
    statement_make(s);
    bt_info(" %s:%llu", s->position.file, (unsigned long long)s->position.pos);
    bt_info(BT_SAY_STATEMENT, s->statement);
    return 0;
}

static int script_start(struct bt_switchover *s, struct bt_err *err)
{
    enum bt_hook_result result;

    return bt_hook_online_change(s->config, "start", s->plan.primary, s->plan.winner,
                                 s->opts.old_becomes_replica, &result, err);
}

/* First on the new primary, then off the old one: for a moment both have it, and the announcement
 * says who counts.  The other way round a client's packet may find nobody, and is sent again after
 * 200 ms, a connection request after a second.  The old primary takes no writes meanwhile, nor
 * where it cannot be taken off: from the moment the new one has it there is no way back. */
static int address_move(struct bt_switchover *s, struct bt_err *err)
{
    struct bt_err why = {0};

    s->touched.address_taken = s->config->vip_count > 0;
    if (bt_so_address(s, bt_so_new(s), true, -1, err) != 0)
        return -1;
    s->opened_us = bt_clock_us();
    s->is_opened = true;
    bt_crash_point("switch-address-both");
    if (bt_so_address(s, bt_so_old(s), false, 0, &why) != 0)
        bt_so_partial(s, "The address is still on the old primary's host too", &why);
    return 0;
}

/* MHA's order: the script, then read_only; our own address last, when writes will be taken.  The
 * usual script switches read_only off itself. */
int bt_so_open(struct bt_switchover *s, struct bt_err *err)
{
    struct bt_so_host *new = bt_so_new(s);

    bt_so_step_begin(s, BT_SO_OPEN);
    if (position_note(s, err) != 0 || bt_so_journal(s, BT_SO_OPEN, "begin", fill_open, err) != 0)
        return -1;
    bt_crash_point("switch-before-open");
    s->touched.script_start = s->touched.script;
    s->touched.new_writable = true;
    if (bt_so_semisync_open(s, err) != 0 || script_start(s, err) != 0)
        return -1;
    if (!s->opts.skip_read_only_off) {
        if (bt_database_set_read_only(new->db, false, bt_so_until(BT_SO_OPEN), err) != 0)
            return -1;
        bt_info(BT_SAY_READ_ONLY_OFF, new->conf->name);
    }
    bt_crash_point("switch-opened");
    if (address_move(s, err) != 0)
        return -1;
    bt_crash_point("switch-address");
    bt_so_step_end(s, BT_SO_OPEN);
    return 0;
}

/* -------------------------------------------------------------------- replicas */

/* How host i replicates from `primary`; ret_link is that upstream's index.  NULL when it does not.
 */
static const struct bt_upstream *upstream_to(const struct bt_switchover *s, size_t i,
                                             size_t primary, size_t *ret_link)
{
    const struct bt_server_facts *facts = &s->facts[i];

    for (size_t k = 0; k < facts->upstream_count; k++)
        if (bt_topology_match(s->config, facts->upstreams[k].host, facts->upstreams[k].port) ==
            primary) {
            *ret_link = k;
            return &facts->upstreams[k];
        }
    return NULL;
}

/* How a server is told of its new primary: by address where it was told by address. */
static struct bt_repoint repoint_of(const struct bt_switchover *s, const struct bt_so_host *h,
                                    const struct bt_upstream *u)
{
    const struct bt_conf_server *new = &s->config->servers[s->plan.winner];
    const struct bt_setting *set = h->conf->settings;
    const char *old_ip = s->config->servers[s->plan.primary].ip;

    return (struct bt_repoint){
        .host = u && strcmp(u->host, old_ip) == 0 ? new->ip : new->hostname,
        .port = new->port,
        .user = bt_setting_is_set(set, BT_CONF_REPL_USER) ? bt_setting_text(set, BT_CONF_REPL_USER)
                                                          : NULL,
        .password = bt_setting_is_set(set, BT_CONF_REPL_PASSWORD)
                        ? bt_setting_text(set, BT_CONF_REPL_PASSWORD)
                        : NULL,
        .mode = u ? u->mode : BT_REPLICA_POSITION,
        .place = s->position,
    };
}

static int follow(struct bt_so_host *h, const struct bt_repoint *to, struct bt_deadline until,
                  struct bt_err *err)
{
    bool purges = h->db->facts.relay_log_purge;

    /* CHANGE MASTER switches relay_log_purge on by itself; it stays as it was. */
    if (bt_database_repoint(h->db, h->link, to, until, err) != 0 ||
        bt_database_set_relay_log_purge(h->db, purges, until, err) != 0 ||
        bt_database_start(h->db, h->link, until, err) != 0)
        return -1;
    return bt_database_wait_running(h->db, h->link, until, err);
}

static int replica_repoint(struct bt_switchover *s, struct bt_so_host *h,
                           const struct bt_upstream *u, struct bt_err *err)
{
    struct bt_deadline until = bt_so_until(BT_SO_REPOINT);
    struct bt_repoint to = repoint_of(s, h, u);

    if (bt_database_wait_for(h->db, h->link, &s->end, s->end_gtid, until, err) != 0 ||
        bt_database_stop_io(h->db, h->link, until, err) != 0 ||
        bt_database_stop_sql(h->db, h->link, until, err) != 0)
        return -1;
    return follow(h, &to, until, err);
}

static void repoint_one(size_t i, void *ctx)
{
    struct bt_switchover *s = ctx;
    struct bt_so_host *h = &s->hosts[i];
    const struct bt_upstream *u = upstream_to(s, i, s->plan.primary, &h->link);
    int64_t began = bt_clock_ms();

    if (i == s->plan.winner || i == s->plan.primary)
        return;
    /* One that was cut off had repointed some already. */
    if (!u && upstream_to(s, i, s->plan.winner, &h->link))
        h->follows =
            bt_database_wait_running(h->db, h->link, bt_so_until(BT_SO_REPOINT), &h->err) == 0;
    else if (u)
        h->follows = replica_repoint(s, h, u, &h->err) == 0;
    else if (s->facts[i].life != BT_LIFE_ALIVE && !h->conf->ignore_fail)
        bt_fail(&h->err, BT_ERR_REALITY, "it does not answer: %.600s", s->facts[i].error);
    h->repoint_ms = bt_clock_ms() - began;
    if (h->follows)
        bt_info("%s:" BT_SAY_SLAVE_STARTED, h->conf->name);
}

void bt_so_repoint(struct bt_switchover *s)
{
    bt_so_step_begin(s, BT_SO_REPOINT);
    bt_info(BT_SAY_SWITCHING);
    bt_each(s->count, repoint_one, s);
    for (size_t i = 0; i < s->count; i++)
        if (s->hosts[i].err.kind != BT_ERR_NONE) {
            s->is_partial = true;
            bt_so_note(s, "%s does not follow the new primary: %s", s->hosts[i].conf->name,
                       s->hosts[i].err.text);
        }
    bt_so_step_end(s, BT_SO_REPOINT);
    bt_crash_point("switch-repointed");
}

/* ---------------------------------------------------------------- the old primary */

/* What it wrote itself it must not ask for: gtid_slave_pos is where its binary log ends. */
static int slave_pos_set(struct bt_switchover *s, struct bt_so_host *old, struct bt_deadline until,
                         struct bt_err *err)
{
    bt_auto_buf struct bt_buf sql;

    bt_buf_init(&sql, 64 * 1024);
    bt_buf_add_str(&sql, "SET GLOBAL gtid_slave_pos = ");
    bt_sql_add_text(old->db->sql, &sql, bt_slice_str(s->end_gtid));
    if (bt_buf_check(&sql, "statement", err) != 0 ||
        bt_connection_execute(old->db->sql, bt_buf_slice(&sql), until, NULL, err) != 0)
        return bt_err_wrap(err, "%s: gtid_slave_pos", old->conf->name);
    return 0;
}

/* The lock is gone; whoever may write to a read-only server could have done so. */
static int old_primary_stood_still(struct bt_switchover *s, struct bt_deadline until,
                                   struct bt_err *err)
{
    struct bt_coordinate now;

    if (bt_so_end_read(s, until, &now, err) != 0)
        return -1;
    if (bt_coordinate_compare(&now, &s->end) != 0)
        return bt_fail(
            err, BT_ERR_CONFLICT,
            "%s was written to after the switchover (its binary log went from %s:%llu to "
            "%s:%llu); see baton rejoin",
            bt_so_old(s)->conf->name, s->end.file, (unsigned long long)s->end.pos, now.file,
            (unsigned long long)now.pos);
    return 0;
}

/* It follows as the new primary followed it. */
static int old_primary_follow(struct bt_switchover *s, struct bt_err *err)
{
    struct bt_deadline until = bt_so_until(BT_SO_REPOINT);
    struct bt_so_host *old = bt_so_old(s);
    struct bt_repoint to = repoint_of(s, old, NULL);

    old->link = 0; /* its default connection: CHECK saw that it has no other */
    if (upstream_to(s, old->index, s->plan.winner, &old->link))
        return bt_database_wait_running(old->db, old->link, until, err);
    to.mode = s->mode;
    if (!to.user)
        to.user = s->repl_user;
    if (old_primary_stood_still(s, until, err) != 0)
        return -1;
    if (to.mode != BT_REPLICA_POSITION && old->db->facts.flavor == BT_FLAVOR_MARIADB &&
        s->end_gtid[0] && slave_pos_set(s, old, until, err) != 0)
        return -1;
    return follow(old, &to, until, err);
}

/* The lock goes with the session. */
static void unlock(struct bt_switchover *s)
{
    if (s->touched.lock)
        bt_info("Executing UNLOCK TABLES on the orig master:%s..", bt_so_old(s)->conf->name);
    bt_connection_close(s->locker);
    s->locker = NULL;
    s->touched.lock = false;
}

/* -------------------------------------------------------------------- clean up */

static void new_primary_reset(struct bt_switchover *s)
{
    struct bt_so_host *new = bt_so_new(s);
    struct bt_err err = {0};

    if (bt_setting_number(new->conf->settings, BT_CONF_SKIP_RESET_SLAVE))
        return;
    bt_info(BT_SAY_RESETTING);
    if (bt_database_reset(new->db, new->link, bt_so_until(BT_SO_CLEANUP), &err) != 0)
        bt_so_partial(s, "The new primary keeps its replica settings", &err);
    else
        bt_info(BT_SAY_RESET_DONE, new->conf->name);
}

void bt_so_cleanup(struct bt_switchover *s)
{
    struct bt_so_host *old = bt_so_old(s);
    struct bt_err err = {0};

    bt_info(BT_PHASE_5);
    bt_so_step_begin(s, BT_SO_CLEANUP);
    new_primary_reset(s);
    unlock(s);
    if (bt_so_semisync_exchange(s, &err) != 0) {
        bt_so_partial(s, "Semi-synchronous replication has not changed sides", &err);
        bt_err_clear(&err);
    }
    if (s->new_was_super &&
        bt_database_set_super_read_only(old->db, true, bt_so_until(BT_SO_CLEANUP), &err) != 0)
        bt_so_partial(s, "The old primary is read-only, but not super_read_only", &err);
    bt_err_clear(&err);
    if (s->opts.old_becomes_replica) {
        old->follows = old_primary_follow(s, &err) == 0;
        if (old->follows)
            bt_info("%s:" BT_SAY_SLAVE_STARTED, old->conf->name);
        else
            bt_so_partial(s, "The old primary does not follow the new one", &err);
    } else {
        bt_so_note(s, "%s stays read-only and replicates from nobody.", old->conf->name);
    }
    bt_so_step_end(s, BT_SO_CLEANUP);
    bt_crash_point("switch-cleaned");
    if (s->is_partial)
        bt_warning(BT_SAY_SWITCHED_PARTIAL, bt_so_new(s)->conf->name);
    else
        bt_info(BT_SAY_SWITCHED, bt_so_new(s)->conf->name);
}
