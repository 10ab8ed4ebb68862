/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/rejoin.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/crash_point.h"
#include "base/log.h"
#include "failover/phrases.h"
#include "failover/rejoin_steps.h"

enum { NOTES_MAX = 256 * 1024, ARENA_MAX = 64 << 20 };

/* ------------------------------------------------------------------ new, free */

int bt_rejoin_new(const struct bt_config *config, const struct bt_rejoin_opts *opts,
                  struct bt_rejoin **ret, struct bt_err *err)
{
    struct bt_rejoin *r = calloc(1, sizeof(*r));

    if (!r)
        return bt_fail_sys(err, "rejoin");
    r->config = config;
    r->opts = *opts;
    r->count = config->server_count;
    r->primary = SIZE_MAX;
    pthread_mutex_init(&r->node_mutex, NULL);
    bt_arena_init(&r->arena, ARENA_MAX);
    bt_buf_init(&r->notes, NOTES_MAX);
    r->databases = bt_databases_new(config);
    r->locks = bt_locks_new(config);
    if (!r->databases || !r->locks)
        bt_fail(err, BT_ERR_SYSTEM, "no memory for %zu servers", r->count);
    else if (bt_config_find(config, opts->host, &r->host, err) == 0) {
        *ret = r;
        return 0;
    }
    bt_rejoin_free(r);
    return -1;
}

void bt_rejoin_free(struct bt_rejoin *r)
{
    if (!r)
        return;
    if (r->is_compared)
        bt_missing_done(&r->extra);
    if (r->has_manifest)
        bt_manifest_done(&r->manifest);
    bt_gtid_state_done(&r->known);
    bt_gtid_set_done(&r->known_set);
    bt_remote_logs_close(r->logs);
    bt_channel_close(r->node);
    bt_databases_free(r->databases, r->databases ? r->count : 0);
    bt_locks_free(r->locks);
    bt_journal_close(r->journal);
    bt_buf_done(&r->notes);
    bt_arena_done(&r->arena);
    pthread_mutex_destroy(&r->node_mutex);
    free(r);
}

/* ------------------------------------------------------------------- shared */

void bt_rj_note(struct bt_rejoin *r, const char *fmt, ...)
{
    char text[2048];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    bt_info("%s", text);
    bt_buf_addf(&r->notes, "%s\n", text);
}

int bt_rj_journal(struct bt_rejoin *r, const char *step, const char *state, struct bt_err *err)
{
    return bt_journal_write(r->journal, step, state, bt_rj_host(r)->conf->name, NULL, NULL, err);
}

int bt_rj_execute(struct bt_rejoin *r, struct bt_buf *sql, const char *what, struct bt_err *err)
{
    struct bt_database *host = bt_rj_host(r);

    if (bt_buf_check(sql, what, err) != 0 ||
        bt_connection_execute(host->sql, bt_buf_slice(sql), bt_deadline_in(BT_RJ_STEP_MS), NULL,
                              err) != 0)
        return bt_err_wrap(err, "%s: %s", host->conf->name, what);
    return 0;
}

/* ------------------------------------------------------------------------ run */

static int diverged(const struct bt_rejoin *r, struct bt_err *err)
{
    char first[BT_GTID_TEXT_SIZE], last[BT_GTID_TEXT_SIZE];

    return bt_fail(
        err, BT_ERR_CONFLICT,
        "%s has %zu transactions that %s has not (%s to %s): keep them with --archive=DIR "
        "and take them back with --flashback, or see them first with --dry-run",
        r->config->servers[r->host].name, r->extra.count, r->config->servers[r->primary].name,
        bt_gtid_text(&r->extra.items[0].gtid, first),
        bt_gtid_text(&r->extra.items[r->extra.count - 1].gtid, last));
}

static int journal_begin(struct bt_rejoin *r, struct bt_err *err)
{
    char path[4096];

    if (mkdir(r->config->workdir, 0750) != 0 && errno != EEXIST)
        return bt_fail_sys(err, "could not make the work folder \"%s\"", r->config->workdir);
    snprintf(path, sizeof(path), "%s/%s.rejoin.journal", r->config->workdir, r->config->app);
    return bt_journal_open(path, &r->journal, err);
}

/* What it alone has is on the disk before it is taken back. */
static int settle(struct bt_rejoin *r, struct bt_err *err)
{
    if (r->extra.count == 0)
        return 0;
    if (!r->opts.archive)
        return diverged(r, err);
    if (r->opts.flashback && bt_rj_host(r)->facts.flavor != BT_FLAVOR_MARIADB)
        return bt_fail(
            err, BT_ERR_CONFLICT,
            "%s has %zu transactions that %s has not, and --flashback is of MariaDB only: "
            "keep them with --archive=DIR, then build it anew from a backup or CLONE",
            r->config->servers[r->host].name, r->extra.count, r->config->servers[r->primary].name);
    if (r->follows_already && r->opts.flashback &&
        (bt_rj_halt(r, err) != 0 || bt_rj_compare(r, err) != 0))
        return -1;
    if (bt_rj_archive(r, err) != 0)
        return -1;
    if (!r->opts.flashback)
        return diverged(r, err);
    return bt_rj_reverse(r, err);
}

static enum bt_rejoin_outcome dry_run(struct bt_rejoin *r, struct bt_err *err)
{
    if (bt_rj_compare(r, err) != 0)
        return BT_REJOIN_REFUSED;
    if (bt_rj_engine(r, err) != 0)
        return err->kind == BT_ERR_CONFLICT ? BT_REJOIN_DIVERGED : BT_REJOIN_REFUSED;
    if (r->extra.count == 0)
        return BT_REJOIN_PLANNED;
    diverged(r, err);
    return BT_REJOIN_DIVERGED;
}

/* Two at once, or a failover that takes the returning server for a replica, keep off. */
static int lock(struct bt_rejoin *r, struct bt_err *err)
{
    int rc = bt_locks_take(r->locks, r->host, 1, bt_deadline_in(BT_RJ_STEP_MS), err);

    return rc == 1 ? bt_fail(err, BT_ERR_CONFLICT, BT_SAY_LOCKED, bt_rj_host(r)->conf->name) : rc;
}

/* A failover or a switchover is changing who is the primary. */
static int peace_check(struct bt_rejoin *r, struct bt_err *err)
{
    static const char *const others[] = {"failover", "switchover"};
    char path[4096];

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        snprintf(path, sizeof(path), "%.3000s/%.200s.%s.journal", r->config->workdir,
                 r->config->app, others[i]);
        if (bt_journal_is_in_use(path))
            return bt_fail(err, BT_ERR_CONFLICT, "a %s is at work (\"%s\")", others[i], path);
    }
    return 0;
}

static enum bt_rejoin_outcome act(struct bt_rejoin *r, struct bt_err *err)
{
    int rc;

    if (peace_check(r, err) != 0 || lock(r, err) != 0 || journal_begin(r, err) != 0 ||
        bt_rj_journal(r, "close", "begin", err) != 0)
        return BT_REJOIN_REFUSED;
    bt_crash_point("rejoin-before-close");
    if (bt_rj_close(r, err) != 0 || bt_rj_forget_rest(r, err) != 0 || bt_rj_compare(r, err) != 0)
        return BT_REJOIN_FAILED;
    if (bt_rj_engine(r, err) != 0)
        return err->kind == BT_ERR_CONFLICT ? BT_REJOIN_DIVERGED : BT_REJOIN_FAILED;
    if (settle(r, err) != 0)
        return r->extra.count && !r->opts.flashback ? BT_REJOIN_DIVERGED : BT_REJOIN_FAILED;
    if (bt_rj_follow(r, err) != 0)
        return BT_REJOIN_FAILED;
    rc = bt_rj_catch_up(r, err);
    if (rc < 0 || bt_rj_journal(r, "end", rc == 0 ? "done" : "behind", err) != 0)
        return BT_REJOIN_FAILED;
    return rc == 0 ? BT_REJOIN_DONE : BT_REJOIN_BEHIND;
}

int bt_rejoin_run(struct bt_rejoin *r, enum bt_rejoin_outcome *ret, struct bt_err *err)
{
    r->began_ms = bt_clock_ms();
    r->outcome = BT_REJOIN_REFUSED;
    if (bt_rj_find(r, err) == 0)
        r->outcome = r->opts.dry_run ? dry_run(r, err) : act(r, err);
    r->ended_ms = bt_clock_ms();
    if (err->kind != BT_ERR_NONE)
        snprintf(r->why, sizeof(r->why), "%s", err->text);
    *ret = r->outcome;
    return r->outcome == BT_REJOIN_PLANNED || r->outcome == BT_REJOIN_DONE ||
                   r->outcome == BT_REJOIN_BEHIND
               ? 0
               : -1;
}
