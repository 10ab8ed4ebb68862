/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The written undo of a switchover, and what a later run does with one that was cut off.
 *
 * The old primary gets its writes back first, then what else it had.  The new one is closed before
 * that, and if anything was written to it meanwhile there is nothing to be undone any more: then
 * it is the primary.
 */
#include <stdio.h>

#include "base/auto.h"
#include "base/json_read.h"
#include "base/log.h"
#include "base/number.h"
#include "base/saved_file.h"
#include "failover/hooks.h"
#include "failover/phrases.h"
#include "failover/switchover_steps.h"

enum { JOURNAL_MAX = 1 << 20, NO_SUCH_THREAD = 1094 };

/* ----------------------------------------------------------------------- undo */

/* Its session, opened again when it was lost. */
static int session_have(struct bt_so_host *h, struct bt_deadline until, struct bt_err *err)
{
    if (!h->db->sql || bt_connection_is_lost(h->db->sql))
        bt_database_ask(h->db, bt_deadline_left(until));
    if (!h->db->sql || bt_connection_is_lost(h->db->sql))
        return bt_fail(err, BT_ERR_REALITY, "%s: %s", h->conf->name, h->db->facts.error);
    return 0;
}

/* Read-only again, and still where it was when it was opened.  1: it has been written to, and is
 * open: it is the primary. */
static int new_primary_close(struct bt_switchover *s, struct bt_err *err)
{
    struct bt_so_host *new = bt_so_new(s);
    struct bt_deadline until = bt_so_until(BT_SO_UNDO);

    if (!s->touched.new_writable)
        return 0;
    if (session_have(new, until, err) != 0 ||
        bt_database_set_read_only(new->db, true, until, err) != 0 ||
        (s->new_was_super && bt_database_set_super_read_only(new->db, true, until, err) != 0) ||
        bt_database_position(new->db, until, err) != 0)
        return bt_err_wrap(err, "%s", new->conf->name);
    s->touched.new_writable = false;
    if (s->was_closed || bt_coordinate_compare(&new->db->facts.binlog, &s->position) == 0)
        return 0;
    s->touched.new_writable = true;
    bt_so_note(s, "%s has been written to (from %s:%llu to %s:%llu): it is the primary.",
               new->conf->name, s->position.file, (unsigned long long)s->position.pos,
               new->db->facts.binlog.file, (unsigned long long)new->db->facts.binlog.pos);
    return bt_database_set_read_only(new->db, false, until, err) == 0 ? 1 : -1;
}

/* The number of the session that holds the lock; 0 = none does.  A mark from a journal that is none
 * is no session's. */
static int locker_find(struct bt_switchover *s, struct bt_deadline until, uint64_t *ret,
                       struct bt_err *err)
{
    size_t len = strlen(s->locker_mark);
    char sql[128], answer[32];

    *ret = 0;
    if (len == 0 || strspn(s->locker_mark, "abcdefghijklmnopqrstuvwxyz_0123456789") != len)
        return 0;
    snprintf(sql, sizeof(sql), "SELECT IS_USED_LOCK('%s')", s->locker_mark);
    if (bt_connection_value(bt_so_old(s)->db->sql, sql, until, sizeof(answer), answer, err) < 0)
        return bt_err_wrap(err, "%s", bt_so_old(s)->conf->name);
    (void)bt_number_u64(bt_slice_str(answer), UINT64_MAX, ret);
    return 0;
}

/* Its statement may wait on where its client is gone: ended, it holds up nobody. */
static int locker_end(struct bt_switchover *s, struct bt_deadline until, struct bt_err *err)
{
    uint64_t id;

    bt_connection_close(s->locker);
    s->locker = NULL;
    if (locker_find(s, until, &id, err) != 0)
        return -1;
    if (id &&
        bt_connection_executef(bt_so_old(s)->db->sql, until, err, "KILL CONNECTION %llu",
                               (unsigned long long)id) != 0) {
        if (err->server_errno != NO_SUCH_THREAD)
            return bt_err_wrap(err, "%s", bt_so_old(s)->conf->name);
        bt_err_clear(err);
    }
    s->touched.lock = false;
    return 0;
}

static int old_primary_open(struct bt_switchover *s, struct bt_err *err)
{
    struct bt_so_host *old = bt_so_old(s);
    struct bt_deadline until = bt_so_until(BT_SO_UNDO);

    if (session_have(old, until, err) != 0 || locker_end(s, until, err) != 0)
        return -1;
    if (s->touched.read_only && bt_database_set_read_only(old->db, false, until, err) != 0)
        return -1;
    s->touched.read_only = false;
    bt_info("%s takes writes again.", old->conf->name);
    return 0;
}

/* The script has no word for it: what was given to the new primary is taken from it, and the old
 * one is told to start as if it were the new one. */
static int script_undo(struct bt_switchover *s, struct bt_err *err)
{
    enum bt_hook_result result;

    if (s->touched.script_start &&
        bt_hook_online_change(s->config, "stop", s->plan.winner, s->plan.primary, false, &result,
                              err) != 0)
        return -1;
    s->touched.script_start = false;
    if (s->touched.script && bt_hook_online_change(s->config, "start", s->plan.primary,
                                                   s->plan.primary, false, &result, err) != 0)
        return -1;
    s->touched.script = false;
    return 0;
}

static int addresses_undo(struct bt_switchover *s, struct bt_err *err)
{
    if (s->touched.address_taken && bt_so_address(s, bt_so_new(s), false, 0, err) != 0)
        return -1;
    s->touched.address_taken = false;
    if (s->touched.address_gone && bt_so_address(s, bt_so_old(s), true, -1, err) != 0)
        return -1;
    s->touched.address_gone = false;
    return 0;
}

/* A candidate that was not read-only before is not afterwards. */
static int new_primary_give_back(struct bt_switchover *s, struct bt_err *err)
{
    struct bt_deadline until = bt_so_until(BT_SO_UNDO);

    if (!s->new_was_writable)
        return 0;
    if (session_have(bt_so_new(s), until, err) != 0)
        return -1;
    return bt_database_set_read_only(bt_so_new(s)->db, false, until, err);
}

static void keep_first(struct bt_err *first, const struct bt_err *err)
{
    if (first->kind == BT_ERR_NONE)
        *first = *err;
}

int bt_so_undo(struct bt_switchover *s, struct bt_err *err)
{
    struct bt_err first = {0}, why = {0};
    int64_t began = bt_clock_ms();
    int rc;

    bt_so_step_begin(s, BT_SO_UNDO);
    if (bt_so_journal(s, BT_SO_UNDO, "begin", NULL, &why) != 0)
        bt_error("%s", why.text);
    /* Two that take writes may never be: where the new one cannot be closed, the old one stays
     * closed. */
    rc = new_primary_close(s, err);
    if (rc != 0)
        return rc;
    if (bt_so_journal(s, BT_SO_UNDO, "closed", NULL, &why) != 0)
        bt_error("%s", why.text);
    if (old_primary_open(s, err) != 0)
        keep_first(&first, err);
    if (addresses_undo(s, err) != 0)
        keep_first(&first, err);
    if (script_undo(s, err) != 0)
        keep_first(&first, err);
    if (bt_so_semisync_undo(s, err) != 0)
        keep_first(&first, err);
    if (new_primary_give_back(s, err) != 0)
        keep_first(&first, err);
    bt_so_step_end(s, BT_SO_UNDO);
    if (first.kind != BT_ERR_NONE) {
        *err = first;
        return -1;
    }
    s->opened_us = bt_clock_us();
    bt_so_note(s, "Everything is as it was before (put back in %lld ms).",
               (long long)(bt_clock_ms() - began));
    return 0;
}

/* --------------------------------------------------------------------- resume */

/* What the lines of a journal say. */
struct cut_off {
    bool has_stop, has_open, is_reopening, is_closed, has_end;
    const char *old, *new, *repl_user, *locker;
    uint64_t mode;
    struct bt_so_semisync semisync_old, semisync_new;
    bool script, old_becomes_replica, new_was_writable, new_was_super;
    struct bt_coordinate end, position;
    const char *end_gtid;
};

static const char *text_at(struct bt_json_value line, const char *key, struct bt_arena *arena)
{
    struct bt_json_value value;
    char *text = bt_json_member(line, key, &value) ? bt_json_get_str(value, arena) : NULL;

    return text ? text : "";
}

static bool flag_at(struct bt_json_value line, const char *key)
{
    struct bt_json_value value;

    return bt_json_member(line, key, &value) && value.kind == BT_JSON_TRUE;
}

static uint64_t number_at(struct bt_json_value line, const char *key)
{
    struct bt_json_value value;
    uint64_t number = 0;

    return bt_json_member(line, key, &value) && bt_json_get_u64(value, &number) ? number : 0;
}

static struct bt_coordinate place_at(struct bt_json_value line, const char *file, const char *pos,
                                     struct bt_arena *arena)
{
    struct bt_coordinate place = {.pos = number_at(line, pos)};

    snprintf(place.file, sizeof(place.file), "%s", text_at(line, file, arena));
    return place;
}

static struct bt_so_semisync semisync_at(struct bt_json_value line, const char *key)
{
    struct bt_json_value value;

    if (!bt_json_member(line, key, &value))
        return (struct bt_so_semisync){0};
    return (struct bt_so_semisync){
        .has_master = flag_at(value, "has_master"),
        .has_slave = flag_at(value, "has_slave"),
        .master = flag_at(value, "master"),
        .slave = flag_at(value, "slave"),
        .says_source = flag_at(value, "says_source"),
    };
}

static void line_take(struct bt_json_value line, struct bt_arena *arena, struct cut_off *c)
{
    const char *step = text_at(line, "step", arena);

    if (strcmp(step, bt_so_step_name(BT_SO_STOP)) == 0) {
        c->has_stop = true;
        c->old = text_at(line, "old", arena);
        c->new = text_at(line, "new", arena);
        c->repl_user = text_at(line, "repl_user", arena);
        c->mode = number_at(line, "mode");
        c->locker = text_at(line, "locker", arena);
        c->new_was_writable = flag_at(line, "new_was_writable");
        c->semisync_old = semisync_at(line, "semisync_old");
        c->semisync_new = semisync_at(line, "semisync_new");
        c->new_was_super = flag_at(line, "new_was_super");
        c->script = flag_at(line, "script");
        c->old_becomes_replica = flag_at(line, "old_becomes_replica");
    } else if (strcmp(step, bt_so_step_name(BT_SO_OPEN)) == 0) {
        c->has_open = true;
        c->end_gtid = text_at(line, "old_gtid", arena);
        c->end = place_at(line, "old_file", "old_pos", arena);
        c->position = place_at(line, "new_file", "new_pos", arena);
    } else if (strcmp(step, bt_so_step_name(BT_SO_UNDO)) == 0) {
        c->is_reopening = true;
        c->is_closed = c->is_closed || strcmp(text_at(line, "state", arena), "closed") == 0;
    } else if (strcmp(step, "end") == 0) {
        c->has_end = true;
    }
}

/* A last line that was not written whole announces a step that was not begun. */
static int journal_read(const char *path, struct bt_arena *arena, struct cut_off *ret,
                        struct bt_err *err)
{
    bt_auto_file FILE *file = fopen(path, "re");
    bt_auto_free char *line = NULL;
    struct bt_json_value value;
    struct bt_err ignored = {0};
    size_t room = 0;
    ssize_t len;

    *ret = (struct cut_off){
        .old = "", .new = "", .repl_user = "", .locker = "", .end_gtid = ""};
    if (!file && errno == ENOENT)
        return 1;
    if (!file)
        return bt_fail_sys(err, "could not open \"%s\"", path);
    while ((len = getline(&line, &room, file)) > 0 && room < JOURNAL_MAX)
        if (bt_json_parse(bt_slice(line, (size_t)len), &value, &ignored) == 0)
            line_take(value, arena, ret);
    return ret->has_end || !ret->has_stop ? 1 : 0;
}

bool bt_switchover_was_cut_off(const struct bt_config *config, char path[static 4096])
{
    bt_auto_arena struct bt_arena arena;
    struct bt_err ignored = {0};
    struct cut_off c;

    bt_arena_init(&arena, JOURNAL_MAX);
    snprintf(path, 4096, "%s/%s.switchover.journal", config->workdir, config->app);
    return journal_read(path, &arena, &c, &ignored) == 0 && !bt_journal_is_in_use(path);
}

size_t bt_switchover_cut_off_behind(const struct bt_config *config)
{
    bt_auto_arena struct bt_arena arena;
    struct bt_err ignored = {0};
    struct cut_off c;
    char path[4096];
    size_t opened;

    bt_arena_init(&arena, JOURNAL_MAX);
    if (!bt_switchover_was_cut_off(config, path) ||
        journal_read(path, &arena, &c, &ignored) != 0 || !c.has_open || c.is_reopening ||
        bt_config_find(config, c.new, &opened, &ignored) != 0)
        return SIZE_MAX;
    return opened;
}

/* The plan as it was: who was old and new is in the journal, not to be decided again. */
static int cut_off_take(struct bt_switchover *s, const struct cut_off *c, struct bt_err *err)
{
    if (bt_config_find(s->config, c->old, &s->plan.primary, err) != 0 ||
        bt_config_find(s->config, c->new, &s->plan.winner, err) != 0)
        return bt_err_wrap(err, "\"%s\"", s->journal_path);
    s->has_plan = true;
    s->opts.old_becomes_replica = c->old_becomes_replica;
    s->touched.script = c->script;
    s->mode =
        c->mode <= BT_REPLICA_CURRENT_POS ? (enum bt_replica_mode)c->mode : BT_REPLICA_POSITION;
    snprintf(s->repl_user, sizeof(s->repl_user), "%s", c->repl_user);
    snprintf(s->locker_mark, sizeof(s->locker_mark), "%s", c->locker);
    s->semisync_old = c->semisync_old;
    s->semisync_new = c->semisync_new;
    s->new_was_writable = c->new_was_writable;
    s->new_was_super = c->new_was_super;
    s->was_closed = c->is_closed;
    s->end = c->end;
    s->position = c->position;
    snprintf(s->end_gtid, sizeof(s->end_gtid), "%s", c->end_gtid);
    return 0;
}

/* Whether the new primary may already have been written to: then it is the primary.  (Not where the
 * undo had begun: it closes the new one before it opens the old one, so it is gone on with.) */
static bool is_opened(const struct bt_switchover *s, const struct cut_off *c)
{
    const struct bt_server_facts *new = &s->facts[s->plan.winner];

    return c->has_open && new->life == BT_LIFE_ALIVE && !new->read_only;
}

/* A journal may be older than what the cluster has been through since: then nothing in it holds.
 * Nobody else takes writes, and before the new primary was opened nobody follows it. */
static int cluster_check(const struct bt_switchover *s, const struct cut_off *c,
                         struct bt_err *err)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct bt_server_facts *f = &s->facts[i];
        const char *name = s->config->servers[i].name;

        if (f->life != BT_LIFE_ALIVE)
            continue;
        if (i != s->plan.primary && i != s->plan.winner && !f->read_only && !f->upstream_count)
            return bt_fail(err, BT_ERR_CONFLICT,
                           "%s takes writes: the cluster has gone on since this switchover was cut "
                           "off. Look at it, and remove \"%s\".",
                           name, s->journal_path);
        for (size_t k = 0; !c->has_open && k < f->upstream_count; k++)
            if (bt_topology_match(s->config, f->upstreams[k].host, f->upstreams[k].port) ==
                s->plan.winner)
                return bt_fail(
                    err, BT_ERR_CONFLICT,
                    "%s follows %s, which this switchover had not opened: the cluster has "
                    "gone on since. Look at it, and remove \"%s\".",
                    name, s->config->servers[s->plan.winner].name, s->journal_path);
    }
    return 0;
}

/* An old primary that died meanwhile keeps nobody's address: the probe says if it does. */
static int old_address_drop(struct bt_switchover *s, struct bt_err *err)
{
    if (bt_so_address(s, bt_so_old(s), false, 0, err) == 0)
        return 0;
    if (s->facts[s->plan.primary].life == BT_LIFE_ALIVE)
        return -1;
    bt_so_note(s, "%s is dead, and its host cannot be asked: %s", bt_so_old(s)->conf->name,
               err->text);
    bt_err_clear(err);
    return 0;
}

/* Restarted meanwhile, it may take writes again. */
static int old_primary_close(struct bt_switchover *s, struct bt_err *err)
{
    const struct bt_server_facts *old = &s->facts[s->plan.primary];

    if (old->life != BT_LIFE_ALIVE)
        return 0;
    if (bt_coordinate_compare(&old->binlog, &s->end) != 0)
        bt_so_note(s, "%s was written to after it stood still; what it has is on no other server.",
                   bt_so_old(s)->conf->name);
    return bt_database_set_read_only(bt_so_old(s)->db, true, bt_so_until(BT_SO_OPEN), err);
}

static int finish(struct bt_switchover *s, struct bt_err *err)
{
    struct bt_so_host *new = bt_so_new(s);

    bt_info("The switchover was cut off when %s was open: it is finished.", new->conf->name);
    s->touched.address_taken = s->config->vip_count > 0;
    if (old_primary_close(s, err) != 0 || old_address_drop(s, err) != 0 ||
        bt_so_address(s, new, true, 0, err) != 0)
        return -1;
    s->is_opened = true;
    snprintf(s->gtid, sizeof(s->gtid), "%s", s->facts[s->plan.winner].gtid_binlog_pos);
    return 0;
}

/* What may have been touched counts as touched: each part of the undo is right when there is
 * nothing to do. */
static int put_back(struct bt_switchover *s, const struct cut_off *c, struct bt_err *err)
{
    bt_info("The switchover was cut off before %s was open: it is undone.",
            bt_so_new(s)->conf->name);
    s->touched.read_only = true;
    s->touched.new_writable = c->has_open;
    s->touched.semisync = c->has_open && c->semisync_old.master != c->semisync_new.master;
    s->touched.script_start = s->touched.script && c->has_open;
    s->touched.address_gone = s->touched.address_taken = s->config->vip_count > 0;
    return bt_so_undo(s, err);
}

static int resume_begin(struct bt_switchover *s, struct bt_arena *arena, struct cut_off *c,
                        struct bt_err *err)
{
    int rc;

    if (bt_journal_is_in_use(s->journal_path))
        return bt_fail(err, BT_ERR_CONFLICT, "a switchover is at work (\"%s\")", s->journal_path);
    if (bt_so_hold(s, err) != 0)
        return -1;
    if ((rc = journal_read(s->journal_path, arena, c, err)) != 0)
        return rc;
    if (bt_so_ask(s, err) != 0 || cut_off_take(s, c, err) != 0 || cluster_check(s, c, err) != 0)
        return -1;
    return bt_journal_continue(s->journal_path, &s->journal, err);
}

/* 0 finished, 1 put back. */
static int resume(struct bt_switchover *s, const struct cut_off *c, struct bt_err *err)
{
    bool is_open = !c->is_reopening && is_opened(s, c);

    if (!is_open) {
        int rc = put_back(s, c, err);

        if (rc <= 0)
            return rc == 0 ? 1 : -1;
    }
    if (finish(s, err) != 0)
        return -1;
    bt_so_repoint(s);
    bt_so_cleanup(s);
    return 0;
}

int bt_switchover_resume(struct bt_switchover *s, enum bt_switchover_outcome *ret,
                         struct bt_err *err)
{
    bt_auto_arena struct bt_arena arena;
    struct cut_off c;
    int rc;

    bt_arena_init(&arena, JOURNAL_MAX);
    *ret = s->outcome = BT_SWITCHOVER_REFUSED;
    s->began_ms = bt_clock_ms();
    rc = resume_begin(s, &arena, &c, err);
    if (rc != 0)
        return rc;
    s->outcome = BT_SWITCHOVER_FAILED;
    rc = resume(s, &c, err);
    if (rc >= 0)
        s->outcome = rc == 1         ? BT_SWITCHOVER_UNDONE
                     : s->is_partial ? BT_SWITCHOVER_PARTIAL
                                     : BT_SWITCHOVER_DONE;
    if (rc >= 0 && bt_journal_write(s->journal, "end", rc == 1 ? "undone" : "done", NULL, NULL,
                                    NULL, err) != 0)
        rc = -1;
    s->ended_ms = bt_clock_ms();
    *ret = s->outcome;
    return rc < 0 ? -1 : 0;
}

void bt_switchover_supersede(const struct bt_config *config)
{
    bt_auto_journal struct bt_journal *journal = NULL;
    struct bt_err err = {0};
    char path[4096];

    if (!bt_switchover_was_cut_off(config, path))
        return;
    if (bt_journal_continue(path, &journal, &err) != 0 ||
        bt_journal_write(journal, "end", "superseded", NULL, NULL, NULL, &err) != 0)
        bt_warning("%s", err.text);
}
