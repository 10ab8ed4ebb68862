/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/switchover.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/log.h"
#include "failover/config_edit.h"
#include "failover/hold.h"
#include "failover/phrases.h"
#include "failover/switchover_steps.h"

enum { TEXT_MAX = 256 * 1024, FACTS_MAX = 64 << 20, HOST_ARENA_MAX = 8 << 20, HOLD_MS = 5000 };

/* ------------------------------------------------------------------ new, free */

struct bt_switchover_opts bt_switchover_defaults(void)
{
    return (struct bt_switchover_opts){
        .updates_limit = 1,
        .sessions_limit = 10,
        .lag_limit = 30,
        .kill_after = 300,
        .lock_limit = 5000,
        .wait_limit = 10000,
    };
}

static bool memory_take(struct bt_switchover *s)
{
    s->databases = bt_databases_new(s->config);
    s->facts = calloc(s->count, sizeof(*s->facts));
    s->hosts = calloc(s->count, sizeof(*s->hosts));
    s->locks = bt_locks_new(s->config);
    return s->databases && s->facts && s->hosts && s->locks;
}

static void hosts_init(struct bt_switchover *s)
{
    for (size_t i = 0; i < s->count; i++) {
        s->hosts[i] = (struct bt_so_host){
            .index = i,
            .conf = &s->config->servers[i],
            .db = &s->databases[i],
            .switchover = s,
        };
        bt_arena_init(&s->hosts[i].arena, HOST_ARENA_MAX);
    }
    for (int step = 0; step < BT_SO_STEP_COUNT; step++)
        s->timings[step].took_ms = -1;
}

int bt_switchover_new(const struct bt_config *config, const struct bt_switchover_opts *opts,
                      struct bt_switchover **ret, struct bt_err *err)
{
    struct bt_switchover *s = calloc(1, sizeof(*s));

    if (!s)
        return bt_fail_sys(err, "switchover");
    s->config = config;
    s->opts = *opts;
    s->count = config->server_count;
    s->wanted = SIZE_MAX;
    s->hold_fd = -1;
    pthread_mutex_init(&s->notes_mutex, NULL);
    bt_buf_init(&s->notes, TEXT_MAX);
    bt_buf_init(&s->blockers, TEXT_MAX);
    bt_buf_init(&s->warnings, TEXT_MAX);
    bt_arena_init(&s->facts_arena, FACTS_MAX);
    snprintf(s->journal_path, sizeof(s->journal_path), "%s/%s.switchover.journal",
             config->workdir, config->app);
    if (!memory_take(s)) {
        s->count = s->hosts ? s->count : 0;
        bt_switchover_free(s);
        return bt_fail(err, BT_ERR_SYSTEM, "no memory for %zu servers", config->server_count);
    }
    hosts_init(s);
    if (opts->new_primary && bt_config_find(config, opts->new_primary, &s->wanted, err) != 0) {
        bt_switchover_free(s);
        return bt_err_wrap(err, "--to");
    }
    *ret = s;
    return 0;
}

void bt_switchover_free(struct bt_switchover *s)
{
    if (!s)
        return;
    for (size_t i = 0; s->hosts && i < s->count; i++) {
        bt_channel_close(s->hosts[i].node);
        bt_arena_done(&s->hosts[i].arena);
    }
    bt_connection_close(s->locker);
    bt_release_fd(&s->hold_fd);
    if (s->has_plan)
        bt_plan_done(&s->plan);
    bt_databases_free(s->databases, s->count);
    bt_locks_free(s->locks);
    bt_journal_close(s->journal);
    bt_buf_done(&s->notes);
    bt_buf_done(&s->blockers);
    bt_buf_done(&s->warnings);
    bt_arena_done(&s->facts_arena);
    pthread_mutex_destroy(&s->notes_mutex);
    free(s->facts);
    free(s->hosts);
    free(s);
}

/* ------------------------------------------------------------------- shared */

static const struct {
    const char *name;
    int64_t ms;
    const char *meaning;
} steps[BT_SO_STEP_COUNT] = {
#define X(id, name, deadline_ms, meaning) [BT_SO_##id] = {name, deadline_ms, meaning},
    BT_SO_STEPS(X)
#undef X
};

const char *bt_so_step_name(enum bt_so_step step)
{
    return steps[step].name;
}

const char *bt_so_step_meaning(enum bt_so_step step)
{
    return steps[step].meaning;
}

struct bt_deadline bt_so_until(enum bt_so_step step)
{
    return bt_deadline_in(steps[step].ms);
}

void bt_so_note(struct bt_switchover *s, const char *fmt, ...)
{
    char text[2048];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    bt_info("%s", text);
    pthread_mutex_lock(&s->notes_mutex);
    bt_buf_addf(&s->notes, "%s\n", text);
    pthread_mutex_unlock(&s->notes_mutex);
}

void bt_so_partial(struct bt_switchover *s, const char *what, const struct bt_err *why)
{
    s->is_partial = true;
    bt_so_note(s, "%s: %s", what, why->text);
}

int bt_so_journal(struct bt_switchover *s, enum bt_so_step step, const char *state,
                  bt_journal_fill *fill, struct bt_err *err)
{
    return bt_journal_write(s->journal, steps[step].name, state, NULL, fill, s, err);
}

void bt_so_step_begin(struct bt_switchover *s, enum bt_so_step step)
{
    s->timings[step].began_ms = bt_clock_ms() - s->began_ms;
}

void bt_so_step_end(struct bt_switchover *s, enum bt_so_step step)
{
    s->timings[step].took_ms = bt_clock_ms() - s->began_ms - s->timings[step].began_ms;
}

/* ------------------------------------------------------------------------ run */

static int workdir_check(struct bt_switchover *s, struct bt_err *err)
{
    char path[4096];

    if (mkdir(s->config->workdir, 0750) != 0 && errno != EEXIST)
        return bt_fail_sys(err, "could not make the work folder \"%s\"", s->config->workdir);
    if (bt_journal_is_in_use(s->journal_path))
        return bt_fail(err, BT_ERR_CONFLICT, "a switchover is at work (\"%s\")", s->journal_path);
    snprintf(path, sizeof(path), "%.3000s/%.200s.rejoin.journal", s->config->workdir,
             s->config->app);
    if (bt_journal_is_in_use(path))
        return bt_fail(err, BT_ERR_CONFLICT, "a rejoin is at work (\"%s\")", path);
    if (bt_switchover_was_cut_off(s->config, path))
        return bt_fail(err, BT_ERR_CONFLICT,
                       "a switchover was cut off (\"%s\"): finish it, or have it undone, with "
                       "baton switchover --conf=%s --resume",
                       path, s->config->path);
    return 0;
}

/* ^C and SIGTERM wait until there is a place to stop at: before the new primary is open everything
 * is put back, behind it the switchover is finished. */
static bool is_interrupted(void)
{
    sigset_t pending;

    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGINT) == 1 || sigismember(&pending, SIGTERM) == 1);
}

static void signals_hold(sigset_t *ret_before)
{
    sigset_t held;

    sigemptyset(&held);
    sigaddset(&held, SIGINT);
    sigaddset(&held, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &held, ret_before);
}

int bt_so_hold(struct bt_switchover *s, struct bt_err *err)
{
    int rc;

    if (s->opts.is_managed || s->opts.dry_run)
        return 0;
    rc = bt_hold_take(s->config, bt_deadline_in(HOLD_MS), &s->hold_fd, err);
    if (rc == 0)
        bt_info("The manager of %s looks away meanwhile.", s->config->app);
    return rc < 0 ? -1 : 0;
}

static int up_to_open(struct bt_switchover *s, struct bt_err *err)
{
    if (bt_so_stop(s, err) != 0 || bt_so_catch_up(s, err) != 0)
        return -1;
    if (is_interrupted())
        return bt_fail(err, BT_ERR_REALITY, "interrupted by a signal");
    return bt_so_open(s, err);
}

static void journal_end(struct bt_switchover *s, const char *state)
{
    struct bt_err err = {0};

    if (bt_journal_write(s->journal, "end", state, NULL, NULL, NULL, &err) != 0)
        bt_error("%s", err.text);
}

/* As MHA's --remove_orig_master_conf. */
static void conf_remove(struct bt_switchover *s)
{
    const char *block = bt_so_old(s)->conf->block;
    struct bt_err err = {0};

    if (!s->opts.remove_old_conf || s->opts.old_becomes_replica || s->is_partial)
        return;
    if (bt_config_file_delete(s->config->path, block, &err) < 0)
        bt_so_note(s, "[%s] is still in the configuration: %s", block, err.text);
    else
        bt_info(BT_SAY_BLOCK_DELETED, block, s->config->path);
}

/* The new primary takes writes: the rest is done, and what fails is said. */
static enum bt_switchover_outcome go_on(struct bt_switchover *s)
{
    bt_so_repoint(s);
    bt_so_cleanup(s);
    journal_end(s, s->is_partial ? "partial" : "done");
    conf_remove(s);
    return s->is_partial ? BT_SWITCHOVER_PARTIAL : BT_SWITCHOVER_DONE;
}

/* The first failure is what is reported; one of the undo stands behind it.  The journal of an undo
 * that failed stays open: --resume tries again. */
static enum bt_switchover_outcome undo(struct bt_switchover *s, struct bt_err *err)
{
    struct bt_err why = {0};
    int rc;

    bt_log_error(err);
    bt_info("Putting everything back..");
    rc = bt_so_undo(s, &why);
    if (rc == 0) {
        journal_end(s, "undone");
        return BT_SWITCHOVER_UNDONE;
    }
    if (rc == 1) {
        bt_so_partial(s, "There is no way back", err);
        return go_on(s);
    }
    bt_error("%s", why.text);
    bt_err_wrap(err, "not everything could be put back (%.500s)", why.text);
    return BT_SWITCHOVER_FAILED;
}

static enum bt_switchover_outcome act(struct bt_switchover *s, struct bt_err *err)
{
    if (bt_journal_open(s->journal_path, &s->journal, err) != 0)
        return BT_SWITCHOVER_REFUSED;
    if (up_to_open(s, err) != 0)
        return undo(s, err);
    return go_on(s);
}

int bt_switchover_run(struct bt_switchover *s, enum bt_switchover_outcome *ret, struct bt_err *err)
{
    sigset_t before;

    s->began_ms = bt_clock_ms();
    s->outcome = BT_SWITCHOVER_REFUSED;
    bt_info(BT_SAY_SWITCH_STARTING);
    signals_hold(&before);
    if (workdir_check(s, err) == 0 && bt_so_hold(s, err) == 0 && bt_so_check(s, err) == 0)
        s->outcome = s->opts.dry_run ? BT_SWITCHOVER_PLANNED : act(s, err);
    s->ended_ms = bt_clock_ms();
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    *ret = s->outcome;
    return s->outcome == BT_SWITCHOVER_PLANNED || s->outcome == BT_SWITCHOVER_DONE ||
                   s->outcome == BT_SWITCHOVER_PARTIAL
               ? 0
               : -1;
}
