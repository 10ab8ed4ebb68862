/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Phase 2 of a switchover: nobody writes to the old primary any more, and that is verified.
 *
 * FLUSH TABLES WITH READ LOCK waits for statements that write and for LOCK TABLES, not for open
 * transactions nor SELECTs (measured on MariaDB 10.11.19); while it waits, new writes wait behind
 * it.  What is in its way longer than kill_after is ended, except for transactions on their way
 * through COMMIT.  read_only comes under the lock, where it waits for nothing.
 */
#include <stdatomic.h>
#include <stdio.h>

#include "base/crash_point.h"
#include "base/log.h"
#include "failover/hooks.h"
#include "failover/node_client.h"
#include "failover/node_open.h"
#include "failover/phrases.h"
#include "failover/sessions.h"
#include "failover/switchover_steps.h"

enum { LOOK_MS = 2, STILL_MS = 10, STILL_UNLOCKED_MS = 200, KILLS_SHOWN = 10, ROUNDS = 3 };

/* ----------------------------------------------------------------------- kill */

static int kill_sessions(struct bt_switchover *s, bt_session_is *is, struct bt_err *err)
{
    struct bt_connection *sql = bt_so_old(s)->db->sql;
    uint64_t own[] = {bt_connection_server(sql)->thread_id,
                      bt_connection_server(s->locker)->thread_id};
    struct bt_deadline until = bt_so_until(BT_SO_STOP);
    char text[BT_SESSION_TEXT_SIZE];
    bt_auto_arena struct bt_arena arena;
    struct bt_session_list list;
    size_t killed, shown = 0;

    bt_arena_init(&arena, BT_CONFIG_ARENA_MAX);
    if (bt_sessions_ask(sql, own, 2, until, &arena, &list, err) != 0 ||
        bt_sessions_kill(sql, &list, is, until, &killed, err) != 0)
        return -1;
    s->killed += killed;
    for (size_t i = 0; i < list.count && shown < KILLS_SHOWN; i++)
        if (is(&list.items[i]) && (list.items[i].has_transaction || list.items[i].seconds == 0) &&
            strcmp(list.items[i].command, "Sleep") != 0) {
            bt_info(" Killed session %s.", bt_session_text(&list.items[i], text));
            shown++;
        }
    return 0;
}

/* ----------------------------------------------------------------------- lock */

struct locking {
    struct bt_connection *sql;
    struct bt_deadline until;
    atomic_bool is_over;
    int rc;
    struct bt_err err;
};

static void *lock_thread(void *arg)
{
    struct locking *l = arg;

    l->rc = bt_connection_execute(l->sql, bt_slice_str("FLUSH TABLES WITH READ LOCK"), l->until,
                                  NULL, &l->err);
    atomic_store(&l->is_over, true);
    return NULL;
}

static void lock_wait(struct locking *l, int64_t ms)
{
    struct bt_deadline until = bt_deadline_in(ms);

    while (!atomic_load(&l->is_over) && !bt_deadline_passed(until))
        bt_clock_pause(LOOK_MS, until);
}

/* Statements get kill_after; who is still in the way is ended, and again in case somebody came in
 * between. */
static int lock_help(struct bt_switchover *s, struct locking *l, struct bt_err *err)
{
    int64_t turn_ms = (int64_t)s->opts.lock_limit / (ROUNDS + 1);

    lock_wait(l, (int64_t)s->opts.kill_after);
    for (int i = 0; i < ROUNDS && !atomic_load(&l->is_over); i++) {
        if (kill_sessions(s, bt_session_is_not_committing, err) != 0)
            return -1;
        lock_wait(l, turn_ms);
    }
    lock_wait(l, bt_deadline_left(l->until));
    return 0;
}

static int lock_tables(struct bt_switchover *s, struct bt_err *err)
{
    struct locking l = {.sql = s->locker, .until = bt_deadline_in((int64_t)s->opts.lock_limit)};
    pthread_t thread;
    int rc;

    s->touched.lock = true;
    bt_info(BT_SAY_LOCKING);
    bt_info(BT_SAY_FTWRL);
    if (pthread_create(&thread, NULL, lock_thread, &l) != 0)
        return bt_fail(err, BT_ERR_SYSTEM, "could not start a thread");
    rc = lock_help(s, &l, err);
    pthread_join(thread, NULL);
    if (rc != 0)
        return -1;
    if (l.rc != 0) {
        *err = l.err;
        return bt_err_wrap(err, "%s: FLUSH TABLES WITH READ LOCK", bt_so_old(s)->conf->name);
    }
    bt_info(" ok.");
    return 0;
}

/* ------------------------------------------------------------------ read-only */

/* Under the lock by the session that holds it: any other would wait for it. */
static int read_only_on(struct bt_switchover *s, struct bt_err *err)
{
    const struct bt_so_host *old = bt_so_old(s);
    struct bt_deadline until = bt_deadline_in((int64_t)s->opts.lock_limit);
    char answer[16];

    s->touched.read_only = true;
    if (bt_connection_execute(s->locker, bt_slice_str("SET GLOBAL read_only = ON"), until, NULL,
                              err) != 0 ||
        bt_connection_value(s->locker, "SELECT @@GLOBAL.read_only", until, sizeof(answer), answer,
                            err) < 0)
        return bt_err_wrap(err, "%s: read_only", old->conf->name);
    if (strcmp(answer, "0") == 0 || strcmp(answer, "OFF") == 0)
        return bt_fail(err, BT_ERR_REMOTE, "%s: read_only is still off", old->conf->name);
    return 0;
}

/* -------------------------------------------------------------------- standing */

int bt_so_end_read(struct bt_switchover *s, struct bt_deadline until, struct bt_coordinate *ret,
                   struct bt_err *err)
{
    struct bt_database *d = bt_so_old(s)->db;

    if (bt_database_position(d, until, err) != 0)
        return bt_err_wrap(err, "%s", d->conf->name);
    *ret = d->facts.binlog;
    return 0;
}

/* Two readings, with the lock still held in between. */
static int stillness_verify(struct bt_switchover *s, struct bt_err *err)
{
    struct bt_database *old = bt_so_old(s)->db;
    struct bt_deadline until = bt_so_until(BT_SO_STOP);
    char answer[16];
    struct bt_coordinate again;

    if (bt_so_end_read(s, until, &s->end, err) != 0)
        return -1;
    bt_clock_pause(s->opts.skip_lock ? STILL_UNLOCKED_MS : STILL_MS, until);
    if (bt_so_end_read(s, until, &again, err) != 0)
        return -1;
    if (bt_coordinate_compare(&s->end, &again) != 0)
        return bt_fail(err, BT_ERR_REALITY,
                       "%s still writes its binary log: %s:%llu, then %s:%llu (a privileged user?)",
                       old->conf->name, s->end.file, (unsigned long long)s->end.pos, again.file,
                       (unsigned long long)again.pos);
    if (bt_connection_value(s->locker, "SELECT 1", until, sizeof(answer), answer, err) != 0)
        return bt_err_wrap(err, "%s: the session that holds the lock", old->conf->name);
    snprintf(s->end_gtid, sizeof(s->end_gtid), "%s", old->facts.gtid_binlog_pos);
    bt_info(BT_SAY_OLD_POSITION, s->end.file, (unsigned long long)s->end.pos);
    return 0;
}

/* ---------------------------------------------------------------------- address */

/* A way that broke is tried once more: what was taken off has to be put back. */
static int node_have(struct bt_so_host *h, struct bt_err *err)
{
    if (h->node && bt_channel_failure(h->node) == BT_CHANNEL_NONE)
        return 0;
    bt_channel_close(h->node);
    h->node = NULL;
    return bt_node_open(h->conf, &h->node, &h->node_why, err);
}

int bt_so_address(struct bt_switchover *s, struct bt_so_host *h, bool up, int probe_ms,
                  struct bt_err *err)
{
    char text[BT_VIP_TEXT_SIZE];

    for (size_t k = 0; k < s->config->vip_count; k++) {
        struct bt_vip_request request = {
            .action = up ? BT_VIP_UP : BT_VIP_DOWN,
            .vip = bt_vip_text(&s->config->vips[k], text),
            .interface = up ? bt_setting_text(h->conf->settings, BT_CONF_VIP_INTERFACE) : "",
            .label = "",
            .probe_ms = probe_ms,
        };
        struct bt_vip_reply reply = {0};

        if (node_have(h, err) != 0 ||
            bt_node_vip(h->node, &request, bt_so_until(BT_SO_OPEN), &h->arena, &reply, err) != 0)
            return bt_err_wrap(err, up ? "putting %s on %s" : "taking %s off %s", text,
                               h->conf->name);
        if (up)
            bt_so_note(s, "%s is on %s%s.", text, h->conf->name,
                       reply.was_there ? ", where it was" : " and announced");
        else if (reply.removed)
            bt_so_note(s, "%s was taken off %s.", text, h->conf->name);
    }
    return 0;
}

static int script_stop(struct bt_switchover *s, struct bt_err *err)
{
    enum bt_hook_result result;

    if (!bt_setting_is_set(s->config->settings, BT_CONF_MASTER_IP_ONLINE_CHANGE_SCRIPT))
        return 0;
    s->touched.script = true;
    return bt_hook_online_change(s->config, "stop", s->plan.primary, s->plan.winner,
                                 s->opts.old_becomes_replica, &result, err);
}

static void fill_semisync(struct bt_json *json, const char *key, const struct bt_so_semisync *its)
{
    bt_json_key(json, key);
    bt_json_object(json);
    bt_json_key_bool(json, "has_master", its->has_master);
    bt_json_key_bool(json, "has_slave", its->has_slave);
    bt_json_key_bool(json, "master", its->master);
    bt_json_key_bool(json, "slave", its->slave);
    bt_json_key_bool(json, "says_source", its->says_source);
    bt_json_end(json);
}

/* Who comes later has to know who was who: it is not decided twice. */
static void fill_stop(struct bt_json *json, void *ctx)
{
    const struct bt_switchover *s = ctx;

    bt_json_key_str(json, "old", s->config->servers[s->plan.primary].block);
    bt_json_key_str(json, "new", s->config->servers[s->plan.winner].block);
    bt_json_key_bool(
        json, "script",
        bt_setting_is_set(s->config->settings, BT_CONF_MASTER_IP_ONLINE_CHANGE_SCRIPT));
    bt_json_key_bool(json, "old_becomes_replica", s->opts.old_becomes_replica);
    bt_json_key_u64(json, "mode", s->mode);
    bt_json_key_str(json, "locker", s->locker_mark);
    bt_json_key_bool(json, "new_was_writable", s->new_was_writable);
    bt_json_key_bool(json, "new_was_super", s->new_was_super);
    bt_json_key_str(json, "repl_user", s->repl_user);
    fill_semisync(json, "semisync_old", &s->semisync_old);
    fill_semisync(json, "semisync_new", &s->semisync_new);
}

/* One primary at a time: a candidate that takes writes too is closed until it is its turn. */
static int candidate_close(struct bt_switchover *s, struct bt_err *err)
{
    if (!s->new_was_writable)
        return 0;
    bt_so_note(s, "%s was not read-only.", bt_so_new(s)->conf->name);
    return bt_database_set_read_only(bt_so_new(s)->db, true, bt_so_until(BT_SO_STOP), err);
}

int bt_so_stop(struct bt_switchover *s, struct bt_err *err)
{
    bt_info(BT_PHASE_2_ONLINE);
    bt_so_step_begin(s, BT_SO_STOP);
    s->new_was_writable = !s->facts[s->plan.winner].read_only;
    s->new_was_super = s->facts[s->plan.winner].super_read_only;
    if (bt_so_journal(s, BT_SO_STOP, "begin", fill_stop, err) != 0)
        return -1;
    bt_crash_point("switch-before-stop");
    if (candidate_close(s, err) != 0)
        return -1;
    s->blocked_us = bt_clock_us();
    if (script_stop(s, err) != 0)
        return -1;
    if (!s->opts.skip_lock && lock_tables(s, err) != 0)
        return -1;
    bt_crash_point("switch-locked");
    if (read_only_on(s, err) != 0 || kill_sessions(s, bt_session_any, err) != 0)
        return -1;
    if (stillness_verify(s, err) != 0)
        return -1;
    bt_so_step_end(s, BT_SO_STOP);
    bt_crash_point("switch-stopped");
    return 0;
}
