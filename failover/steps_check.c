/* SPDX-License-Identifier: Apache-2.0 */
/* Phase 1: everybody is asked, the primary's death is voted on, the guards are looked at. */
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/crash_point.h"
#include "base/log.h"
#include "failover/each.h"
#include "failover/node_open.h"
#include "failover/phrases.h"
#include "failover/steps.h"
#include "failover/switchover.h"

enum { SUSPECT_MS = 1000,
       VOTE_MS = 1000,
       LAST_FAILOVER_MINUTES = 480,
       LOCK_S = 1, /* as MHA waits */
       LOCK_RESUME_S = BT_LOCK_IDLE_S + 5,
       LOCK_MARGIN_MS = 2000 };

static void channel_open(struct bt_fo_host *h)
{
    struct bt_err err = {0};

    if (h->node || h->is_given_up)
        return; /* kept from before, or known to be of no use */
    if (bt_node_open(h->conf, &h->node, &h->node_why, &err) != 0)
        snprintf(h->node_error, sizeof(h->node_error), "%.500s", err.text);
}

/* Even numbers ask the server, odd ones open the channel: both of a host at once. */
static void ask_and_open(size_t k, void *ctx)
{
    struct bt_failover *f = ctx;
    size_t i = k / 2;
    int64_t ms =
        (int64_t)bt_setting_number(f->config->servers[i].settings, BT_CONF_CONNECT_TIMEOUT);

    if (k % 2)
        channel_open(&f->hosts[i]);
    else if (f->opts.was_silent && i == f->named_primary)
        bt_database_give_up(&f->databases[i], f->opts.death);
    else
        bt_database_ask(&f->databases[i],
                        i == f->named_primary && ms > SUSPECT_MS ? SUSPECT_MS : ms);
}

static void log_servers(const struct bt_failover *f)
{
    bt_info(BT_SAY_DEAD_SERVERS);
    for (size_t i = 0; i < f->count; i++)
        if (f->facts[i].life != BT_LIFE_ALIVE)
            bt_info("  %s", f->config->servers[i].name);
    bt_info(BT_SAY_ALIVE_SERVERS);
    for (size_t i = 0; i < f->count; i++)
        if (f->facts[i].life == BT_LIFE_ALIVE)
            bt_info("  %s", f->config->servers[i].name);
    bt_info(BT_SAY_ALIVE_SLAVES);
    for (size_t i = 0; i < f->count; i++)
        if (f->topology.role[i] == BT_ROLE_REPLICA)
            bt_info("  %s  Version=%s log-bin:%s", f->config->servers[i].name, f->facts[i].version,
                    f->facts[i].log_bin ? "enabled" : "disabled");
}

/* ----------------------------------------------------------------------- death */

static void vote(size_t i, void *ctx)
{
    struct bt_failover *f = ctx;
    struct bt_fo_host *h = &f->hosts[i];
    const struct bt_conf_server *primary = &f->config->servers[f->topology.primary];
    struct bt_reach_request request = {
        .address = primary->ip, .port = primary->port, .timeout_ms = VOTE_MS, .greeting = true};
    struct bt_reach_reply reply = {0};
    struct bt_err err = {0};

    if (f->topology.role[i] != BT_ROLE_REPLICA || !h->node)
        return;
    pthread_mutex_lock(&h->node_mutex);
    if (bt_node_reach(h->node, &request, bt_deadline_in(VOTE_MS * 2), &reply, &err) != 0)
        snprintf(h->vote_text, sizeof(h->vote_text), "no vote: %.200s", err.text);
    else if (reply.port == BT_PORT_ANSWERS)
        h->vote_reached = true;
    pthread_mutex_unlock(&h->node_mutex);
}

static int death_confirm(struct bt_failover *f, struct bt_err *err)
{
    size_t p = f->topology.primary;
    const struct bt_server_facts *facts = &f->facts[p];
    const char *name = f->config->servers[p].name;

    if (f->named_primary != SIZE_MAX && f->named_primary != p)
        return bt_fail(err, BT_ERR_REALITY, BT_SAY_NOT_IDENTIFIED, name,
                       f->config->servers[f->named_primary].name);
    f->is_alive = facts->life == BT_LIFE_ALIVE || facts->life == BT_LIFE_REFUSING;
    if (facts->life == BT_LIFE_ALIVE)
        return bt_fail(err, BT_ERR_REALITY, BT_SAY_NOT_DEAD, name);
    if (facts->life == BT_LIFE_REFUSING)
        return bt_fail(err, BT_ERR_REALITY, BT_SAY_REACHABLE, name, facts->error_number);
    if (!f->opts.death)
        bt_each(f->count, vote, f);
    for (size_t i = 0; i < f->count; i++)
        if (f->hosts[i].vote_reached) {
            f->is_alive = true;
            return bt_fail(err, BT_ERR_REALITY,
                           "%s answers to %s, only the way from here is broken. Stop failover.",
                           name, f->config->servers[i].name);
        }
    return 0;
}

/* ---------------------------------------------------------------------- guards */

static void time_mha(time_t when, char *out, size_t room)
{
    struct tm local;

    localtime_r(&when, &local);
    strftime(out, room, "%Y/%m/%d %H:%M:%S", &local);
}

static int guards_look(const struct bt_failover_opts *opts, const char *complete_path,
                       const char *error_path, struct bt_err *err)
{
    uint64_t minutes =
        opts->last_failover_minutes ? opts->last_failover_minutes : LAST_FAILOVER_MINUTES;
    char when[64];
    struct stat st;

    if (opts->ignore_last_failover)
        return 0;
    if (stat(error_path, &st) == 0)
        return bt_fail(err, BT_ERR_REALITY,
                       BT_SAY_ERROR_FLAG "\nOr run: baton failover --ignore-last-failover",
                       error_path, error_path);
    if (stat(complete_path, &st) != 0 || time(NULL) - st.st_mtime >= (time_t)(minutes * 60))
        return 0;
    time_mha(st.st_mtime, when, sizeof(when));
    return bt_fail(err, BT_ERR_REALITY,
                   BT_SAY_TOO_EARLY
                   "\nClear it with: rm %s   Override it once with: --ignore-last-failover",
                   when, complete_path, complete_path);
}

int bt_failover_is_allowed(const struct bt_config *config, const struct bt_failover_opts *opts,
                           struct bt_err *err)
{
    char complete_path[4096], error_path[4096];

    snprintf(complete_path, sizeof(complete_path), "%s/%s.failover.complete", config->workdir,
             config->app);
    snprintf(error_path, sizeof(error_path), "%s/%s.failover.error", config->workdir, config->app);
    return guards_look(opts, complete_path, error_path, err);
}

static int last_failover_check(struct bt_failover *f, struct bt_err *err)
{
    if (guards_look(&f->opts, f->complete_path, f->error_path, err) != 0)
        return -1;
    if (f->opts.dry_run)
        return 0;
    unlink(f->complete_path); /* older than the guard, or overridden */
    if (f->opts.ignore_last_failover)
        unlink(f->error_path);
    return 0;
}

/* A failover that was cut off may have left its locks behind, until its servers notice. */
static void lock_one(size_t i, void *ctx)
{
    struct bt_failover *f = ctx;
    struct bt_fo_host *h = &f->hosts[i];
    unsigned wait_s = f->opts.resume ? LOCK_RESUME_S : LOCK_S;
    int rc;

    if (f->topology.role[i] != BT_ROLE_REPLICA)
        return;
    rc =
        bt_locks_take(f->locks, i, wait_s, bt_deadline_in(wait_s * 1000 + LOCK_MARGIN_MS), &h->err);
    if (rc == 1)
        bt_fail(&h->err, BT_ERR_CONFLICT, BT_SAY_LOCKED, h->conf->name);
}

/* The lock may have been waited for until another failover had ended. */
static void look_again(size_t i, void *ctx)
{
    struct bt_failover *f = ctx;
    struct bt_fo_host *h = &f->hosts[i];

    if (f->topology.role[i] == BT_ROLE_REPLICA)
        (void)!bt_locks_look_again(h->db, f->config, f->topology.primary,
                                   bt_deadline_in(LOCK_MARGIN_MS), &h->err);
}

static int first_error(const struct bt_failover *f, struct bt_err *err)
{
    for (size_t i = 0; i < f->count; i++)
        if (f->hosts[i].err.kind != BT_ERR_NONE) {
            *err = f->hosts[i].err;
            return -1;
        }
    return 0;
}

int bt_fo_locks_take(struct bt_failover *f, struct bt_err *err)
{
    bt_each(f->count, lock_one, f);
    return first_error(f, err);
}

static int replicas_hold(struct bt_failover *f, struct bt_err *err)
{
    if (bt_fo_locks_take(f, err) != 0)
        return -1;
    bt_each(f->count, look_again, f);
    return first_error(f, err);
}

static bool uses_gtid(const struct bt_failover *f)
{
    bool all = true;

    for (size_t i = 0; i < f->count; i++) {
        const struct bt_upstream *u = bt_topology_link(&f->topology, f->facts, i);

        all = all && (!u || u->mode != BT_REPLICA_POSITION);
    }
    return all;
}

static int state_files_check(struct bt_failover *f, struct bt_err *err)
{
    const char *dir = f->config->workdir;

    if (mkdir(dir, 0750) != 0 && errno != EEXIST)
        return bt_fail_sys(err, "could not make the work folder \"%s\"", dir);
    if (access(dir, W_OK) != 0)
        return bt_fail_sys(err, "the work folder \"%s\" cannot be written to", dir);
    return last_failover_check(f, err);
}

/* A failover that was cut off behind its promotion has left a server that takes writes: electing
 * again could make a second one. */
static int half_promoted_check(struct bt_failover *f, struct bt_err *err)
{
    if (f->journaled.how != BT_RESUME_FORWARD)
        return 0;
    for (size_t i = 0; i < f->count; i++) {
        const char *name = f->config->servers[i].name;

        if (strcmp(name, f->journaled.winner) == 0 && f->facts[i].life == BT_LIFE_ALIVE &&
            !f->facts[i].read_only)
            return bt_fail(err, BT_ERR_CONFLICT,
                           "%s was promoted by a failover that was cut off, and takes writes. "
                           "Finish it with: baton failover --resume (its journal is \"%s\"), or "
                           "set %s read-only to elect again.",
                           name, f->journal_path, name);
    }
    return 0;
}

/* The same for a switchover: its new primary is open, and the replicas may still name the old one.
 */
static int half_switched_check(struct bt_failover *f, struct bt_err *err)
{
    size_t opened = bt_switchover_cut_off_behind(f->config);

    if (opened == SIZE_MAX || f->facts[opened].life != BT_LIFE_ALIVE || f->facts[opened].read_only)
        return 0;
    return bt_fail(err, BT_ERR_CONFLICT,
                   "%s was made the primary by a switchover that was cut off, and takes writes. "
                   "Finish it with: baton switchover --conf=%s --resume",
                   f->config->servers[opened].name, f->config->path);
}

int bt_fo_ask_all(struct bt_failover *f, struct bt_err *err)
{
    bt_each(f->count * 2, ask_and_open, f);
    return bt_fo_facts_take(f, err);
}

int bt_fo_check(struct bt_failover *f, struct bt_err *err)
{
    bt_info(BT_PHASE_1);
    bt_fo_step_begin(f, BT_FO_CHECK);
    if (state_files_check(f, err) != 0)
        return -1;
    if (bt_fo_ask_all(f, err) != 0 ||
        bt_topology_find(f->config, f->facts, &f->topology, err) != 0)
        return -1;
    f->has_topology = true;
    log_servers(f);
    if (death_confirm(f, err) != 0 || half_promoted_check(f, err) != 0 ||
        half_switched_check(f, err) != 0)
        return -1;
    if (f->opts.semisync) {
        f->semisync = *f->opts.semisync;
        f->gone_ms = f->opts.was_silent ? INT64_MAX : bt_clock_ms();
    }
    for (size_t i = 0; i < f->count; i++)
        f->hosts[i].link = f->topology.link[i];
    bt_crash_point("before-lock");
    if (!f->opts.dry_run && replicas_hold(f, err) != 0)
        return -1;
    bt_info(uses_gtid(f) ? BT_SAY_MODE_GTID : BT_SAY_MODE_POSITION);
    bt_fo_step_end(f, BT_FO_CHECK);
    bt_info(BT_PHASE_1_DONE);
    bt_crash_point("after-check");
    return 0;
}
