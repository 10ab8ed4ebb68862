/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/manager.h"

#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/log.h"
#include "base/notify.h"
#include "failover/hold.h"
#include "failover/hooks.h"
#include "failover/manager_priv.h"
#include "failover/phrases.h"
#include "failover/server.h"

enum {
    EXIT_PARTIAL = 10,
    EXIT_DEAD = 20,
    RETRY_MS = 1000,  /* between two attempts to find the primary */
    AGAIN_MS = 10000, /* between two attempts at a failover that was refused */
    JOB_LOOK_MS = 250,
    SUSPECT_MS = 500, /* for the answer of one that has just died */
};

/* -------------------------------------------------------------- configuration */

static void lines_log(enum bt_log_level level, const char *text)
{
    while (*text) {
        size_t len = strcspn(text, "\n");

        bt_log(level, "%.*s", (int)len, text);
        text += len + (text[len] == '\n');
    }
}

static int config_load(struct bt_manager *m, struct bt_arena *arena, struct bt_config *ret,
                       struct bt_err *err)
{
    bt_auto_config_notes struct bt_config_notes notes;
    int rc;

    bt_config_notes_init(&notes);
    rc = bt_config_load(&m->opts->config, arena, &notes, ret, err);
    lines_log(BT_LOG_ERROR, bt_buf_str(&notes.mistakes.text));
    return rc;
}

static void setting_compare(const struct bt_setting *old, const struct bt_setting *now,
                            enum bt_conf id, const char *where, unsigned *count)
{
    const struct bt_conf_key *key = bt_conf_key(id);

    if (strcmp(old->text, now->text) == 0)
        return;
    (*count)++;
    if (key->type == BT_KEY_SECRET)
        bt_info("  %s%s has changed", where, key->name);
    else
        bt_info("  %s%s: \"%s\" -> \"%s\"", where, key->name, old->text, now->text);
}

/* What another reading of the file has brought. */
static void changes_say(const struct bt_config *old, const struct bt_config *now)
{
    unsigned count = 0;

    for (int id = 0; id < BT_CONF_COUNT; id++)
        setting_compare(&old->settings[id], &now->settings[id], (enum bt_conf)id, "", &count);
    for (size_t i = 0; i < old->server_count || i < now->server_count; i++) {
        const char *name = i < now->server_count ? now->servers[i].name : old->servers[i].name;
        char where[600];

        if (i >= now->server_count || i >= old->server_count) {
            bt_info("  %s: %s", i < now->server_count ? "new" : "gone", name);
            count++;
            continue;
        }
        snprintf(where, sizeof(where), "%s: ", name);
        for (int id = 0; id < BT_CONF_COUNT; id++)
            if (strcmp(old->settings[id].text, now->settings[id].text) == 0)
                setting_compare(&old->servers[i].settings[id], &now->servers[i].settings[id],
                                (enum bt_conf)id, where, &count);
    }
    if (count == 0)
        bt_info("  nothing has changed");
}

static void reload(struct bt_manager *m)
{
    struct bt_config config;
    struct bt_arena arena;
    struct bt_err err = {0};

    m->must_reload = false;
    bt_notify("RELOADING=1\nMONOTONIC_USEC=%lld", (long long)bt_clock_us());
    bt_info("Reading \"%s\" again:", m->opts->config.path);
    bt_arena_init(&arena, BT_CONFIG_ARENA_MAX);
    if (config_load(m, &arena, &config, &err) != 0) {
        bt_error("%s; what was read before stays in force", err.text);
        bt_arena_done(&arena);
    } else if (strcmp(config.workdir, m->config.workdir) != 0) {
        bt_error("manager_workdir cannot change while the manager runs; nothing is taken over");
        bt_arena_done(&arena);
    } else {
        if (m->opts->configured)
            m->opts->configured(&config, m->opts->ctx);
        changes_say(&m->config, &config);
        bt_lookout_free(m->retired); /* it lives in the old configuration */
        m->retired = NULL;
        m->suspect = SIZE_MAX;
        bt_arena_done(&m->arena);
        m->arena = arena;
        m->config = config;
        memset(m->was_replaced, 0, sizeof(m->was_replaced)); /* servers may stand elsewhere now */
    }
    bt_notify("READY=1");
}

/* ------------------------------------------------------------------------- arm */

static int hooks_ask(struct bt_manager *m, struct bt_err *err)
{
    static const enum bt_conf hooks[] = {BT_CONF_MASTER_IP_FAILOVER_SCRIPT,
                                         BT_CONF_SHUTDOWN_SCRIPT};
    enum bt_hook_result result;

    for (size_t k = 0; k < sizeof(hooks) / sizeof(hooks[0]); k++)
        if (bt_hook_status(&m->config, hooks[k], m->topology.primary, &result, err) != 0)
            return -1;
    return 0;
}

static void servers_list(const struct bt_manager *m, const struct bt_server_facts *facts,
                         struct bt_buf *out)
{
    bt_buf_addf(out, BT_SAY_DEAD_SERVERS "\n");
    for (size_t i = 0; i < m->config.server_count; i++)
        if (!bt_facts_is_alive(&facts[i]))
            bt_buf_addf(out, "  %s: %s\n", m->config.servers[i].name, facts[i].error);
    bt_buf_addf(out, BT_SAY_ALIVE_SERVERS "\n");
    for (size_t i = 0; i < m->config.server_count; i++)
        if (bt_facts_is_alive(&facts[i]))
            bt_buf_addf(out, "  %s\n", m->config.servers[i].name);
    if (m->topology.co_primary != SIZE_MAX)
        bt_buf_addf(out, BT_SAY_CO_PRIMARIES "\n", m->config.servers[m->topology.primary].name);
    bt_topology_draw(&m->topology, &m->config, out);
}

/* A manager that cannot watch looks every second: the log has it once. */
static void servers_say(struct bt_manager *m, const struct bt_server_facts *facts)
{
    bt_auto_buf struct bt_buf list;

    bt_buf_init(&list, 1 << 20);
    servers_list(m, facts, &list);
    if (strcmp(bt_buf_str(&list), bt_buf_str(&m->told_servers)) == 0)
        return;
    lines_log(BT_LOG_INFO, bt_buf_str(&list));
    bt_buf_reset(&m->told_servers);
    bt_buf_addf(&m->told_servers, "%s", bt_buf_str(&list));
}

/* Who is the primary, as the servers say. */
static int primary_find(struct bt_manager *m, struct bt_err *err)
{
    struct bt_database *databases = bt_databases_new(&m->config);
    bt_auto_free struct bt_server_facts *facts = calloc(BT_SERVERS_MAX, sizeof(*facts));
    int rc = -1;

    if (!databases || !facts) {
        bt_databases_free(databases, m->config.server_count);
        return bt_fail(err, BT_ERR_SYSTEM, "no memory to ask %zu servers", m->config.server_count);
    }
    bt_databases_ask(databases, m->config.server_count, m->suspect, SUSPECT_MS);
    for (size_t i = 0; i < m->config.server_count; i++)
        facts[i] = databases[i].facts;
    if (bt_topology_find(&m->config, facts, &m->topology, err) == 0) {
        servers_say(m, facts);
        rc = 0;
    }
    bt_databases_free(databases, m->config.server_count);
    return rc;
}

static int arm(struct bt_manager *m, struct bt_err *err)
{
    struct bt_lookout_opts opts = {
        .config = &m->config, .topology = &m->topology, .wake_fd = m->wake_fd};

    m->topology = (struct bt_topology){.primary = SIZE_MAX, .co_primary = SIZE_MAX};
    memset(m->trouble, 0, sizeof(m->trouble));
    if (primary_find(m, err) != 0 || hooks_ask(m, err) != 0 ||
        bt_lookout_start(&opts, &m->lookout, err) != 0)
        return -1;
    bt_buf_reset(&m->told_servers);
    return 0;
}

static void pause_for(struct bt_manager *m, int64_t ms)
{
    int64_t end = bt_clock_ms() + ms;

    while (!m->must_stop && !m->must_reload && bt_clock_ms() < end) {
        int64_t left = end - bt_clock_ms();

        bt_manager_poll(m, left > 0 ? left : 0);
    }
}

/* Again and again until it works, unless it is to be tried once. */
static int arm_patiently(struct bt_manager *m, struct bt_err *err)
{
    char told[sizeof(err->text)] = "";
    bool has_failed = m->code == BT_HEALTH_FAILOVER_ERROR; /* which is worse than what follows */

    if (!has_failed)
        bt_manager_state(m, m->was_armed ? BT_HEALTH_RETRYING_MONITOR
                                         : BT_HEALTH_INITIALIZING_MONITOR);
    while (arm(m, err) != 0) {
        if (strcmp(told, err->text) != 0) {
            bt_error("%s", err->text);
            bt_error(BT_SAY_CHECK_ERROR);
        }
        snprintf(told, sizeof(told), "%s", err->text);
        if (!has_failed)
            bt_manager_state(m, BT_HEALTH_CONFIG_ERROR);
        if (m->opts->once) {
            bt_error(BT_SAY_MONITOR_ERROR);
            bt_error(BT_SAY_EXIT_NOT_DEAD);
            return -1;
        }
        bt_err_clear(err);
        /* a script of the site is not called as often as a server is asked */
        pause_for(m, m->topology.primary == SIZE_MAX ? RETRY_MS : AGAIN_MS);
        if (m->must_stop)
            return 0;
        if (m->must_reload)
            reload(m);
    }
    return 0;
}

/* -------------------------------------------------------------------- fail over */

static void *job_main(void *ctx)
{
    struct bt_manager_job *job = ctx;
    struct bt_failover *f;
    uint64_t one = 1;

    job->outcome = BT_FAILOVER_REFUSED;
    if (bt_failover_new(job->config, &job->opts, &f, &job->err) == 0) {
        (void)!bt_failover_run(f, &job->outcome, &job->err);
        bt_failover_free(f);
    }
    atomic_store(&job->is_done, true);
    (void)!write(job->wake_fd, &one, sizeof(one));
    return NULL;
}

static void job_init(struct bt_manager *m)
{
    m->job = (struct bt_manager_job){.config = &m->config, .wake_fd = m->wake_fd};
}

static void job_fill(struct bt_manager *m)
{
    struct bt_manager_job *job = &m->job;
    const struct bt_conf_server *primary = &m->config.servers[m->topology.primary];

    job_init(m);
    snprintf(job->death, sizeof(job->death), "%s", m->judgement.reason);
    snprintf(job->dead_name, sizeof(job->dead_name), "%s:%u", primary->hostname, primary->port);
    job->opts = (struct bt_failover_opts){
        .dead_primary = job->dead_name,
        .ignore_last_failover = m->opts->ignore_last_failover,
        .last_failover_minutes = m->opts->last_failover_minutes,
        .new_primary = m->opts->new_primary,
        .keep_read_only = m->opts->keep_read_only,
        .remove_dead_conf = m->opts->remove_dead_conf,
        .warm = job->warm,
        .death = job->death,
        .was_silent = m->judgement.was_silent,
        .semisync = &job->semisync,
    };
    bt_lookout_semisync(m->lookout, &job->semisync);
}

/* In a thread of its own: questions are answered and signals noted meanwhile. */
static enum bt_failover_outcome job_run(struct bt_manager *m, struct bt_err *err)
{
    struct bt_manager_job *job = &m->job;
    int rc = pthread_create(&job->thread, NULL, job_main, job);

    if (rc != 0)
        job_main(job);
    while (!atomic_load(&job->is_done))
        bt_manager_poll(m, JOB_LOOK_MS);
    if (rc == 0)
        pthread_join(job->thread, NULL);
    *err = job->err;
    return job->outcome;
}

static enum bt_failover_outcome fail_over(struct bt_manager *m, struct bt_err *err)
{
    enum bt_failover_outcome outcome;

    bt_warning(BT_SAY_NOT_REACHABLE_CHECKER);
    bt_warning(BT_SAY_NOT_REACHABLE, m->config.servers[m->topology.primary].name);
    bt_warning("  %s.", m->judgement.reason);
    bt_info(BT_SAY_EXIT_DEAD);
    bt_manager_state(m, BT_HEALTH_FAILOVER_RUNNING);
    job_fill(m);
    bt_lookout_hand_over(m->lookout, m->judgement.was_silent, m->job.warm);
    outcome = job_run(m, err);
    bt_lookout_free(m->retired);
    m->retired = m->lookout;
    m->lookout = NULL;
    m->suspect = m->topology.primary;
    return outcome;
}

/* What a manager before this one had begun comes first. */
static int resume(struct bt_manager *m, int *ret_code, struct bt_err *err)
{
    enum bt_failover_outcome outcome;

    if (!bt_failover_was_cut_off(&m->config))
        return 0;
    bt_warning("A failover was cut off: it is finished first.");
    bt_manager_state(m, BT_HEALTH_FAILOVER_RUNNING);
    job_init(m);
    m->job.opts = (struct bt_failover_opts){
        .resume = true,
        .last_failover_minutes = m->opts->last_failover_minutes,
        .keep_read_only = m->opts->keep_read_only,
        .remove_dead_conf = m->opts->remove_dead_conf};
    outcome = job_run(m, err);
    if (outcome == BT_FAILOVER_DONE || outcome == BT_FAILOVER_PARTIAL) {
        *ret_code = outcome == BT_FAILOVER_DONE ? 0 : EXIT_PARTIAL;
        return m->opts->once ? 1 : 0;
    }
    if (outcome == BT_FAILOVER_ALIVE || outcome == BT_FAILOVER_NOTHING)
        return 0;
    bt_error("%s", err->text);
    *ret_code = 1;
    return m->opts->once ? 1 : 0;
}

/* Monitor only: nothing is done about it. */
static void dead_say(struct bt_manager *m)
{
    const struct bt_conf_server *primary = &m->config.servers[m->topology.primary];

    bt_warning(BT_SAY_NOT_REACHABLE, primary->name);
    bt_warning("  %s.", m->judgement.reason);
    bt_info(BT_SAY_EXIT_DEAD);
    m->opts->dead(primary, m->opts->ctx);
}

/* What follows from how it went; true: the process ends with *ret_code. */
static bool after_failover(struct bt_manager *m, enum bt_failover_outcome outcome,
                           const struct bt_err *err, int *ret_code)
{
    switch (outcome) {
    case BT_FAILOVER_DONE:
    case BT_FAILOVER_PARTIAL:
        m->was_replaced[m->topology.primary] = true;
        *ret_code = outcome == BT_FAILOVER_DONE ? 0 : EXIT_PARTIAL;
        if (m->opts->remove_dead_conf)
            m->must_reload = true; /* it has changed */
        return m->opts->once;
    case BT_FAILOVER_NOTHING:
    case BT_FAILOVER_ALIVE:
        bt_info(BT_SAY_ALIVE_AGAIN);
        bt_manager_state(m, BT_HEALTH_RETRYING_MONITOR);
        return false;
    case BT_FAILOVER_REFUSED:
    case BT_FAILOVER_FAILED:
    case BT_FAILOVER_PLANNED:
        break;
    }
    bt_error("%s", err->text);
    bt_manager_state(m, BT_HEALTH_FAILOVER_ERROR);
    m->attempt_after_ms = bt_clock_ms() + AGAIN_MS;
    *ret_code = 1;
    return m->opts->once;
}

/* ------------------------------------------------------------------------- run */

static int live(struct bt_manager *m, int *ret_code, struct bt_err *err)
{
    *ret_code = 0;
    bt_hold_settle(m);
    if (resume(m, ret_code, err) != 0)
        return 0;
    bt_err_clear(err);
    for (;;) {
        enum bt_watch_end end;
        enum bt_failover_outcome outcome;

        if (m->must_reload)
            reload(m);
        if (!m->must_stop && arm_patiently(m, err) != 0)
            return -1;
        if (m->must_stop)
            break;
        end = bt_manager_watch(m, err);
        if (end == BT_WATCH_DEAD && m->opts->dead) {
            dead_say(m);
            bt_lookout_free(m->lookout);
            m->lookout = NULL;
            *ret_code = EXIT_DEAD;
            return 0;
        }
        if (end == BT_WATCH_DEAD) {
            outcome = fail_over(m, err);
            if (after_failover(m, outcome, err, ret_code))
                return 0;
            bt_err_clear(err);
            continue;
        }
        bt_lookout_free(m->lookout);
        m->lookout = NULL;
        if (end == BT_WATCH_FAILED && (m->opts->once || !m->has_held_lock))
            return -1;
        if (end == BT_WATCH_FAILED) {
            bt_error("%s", err->text);
            bt_err_clear(err);
            pause_for(m, AGAIN_MS);
        }
        if (end == BT_WATCH_HELD)
            bt_hold_serve(m);
        if (end == BT_WATCH_STOP)
            break;
    }
    *ret_code = m->opts->once ? 1 : 0; /* MHA's manager ends with 1 when it is told to */
    return 0;
}

static int begin(struct bt_manager *m, struct bt_err *err)
{
    sigset_t signals;
    pid_t other;
    int rc;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGQUIT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    m->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    m->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (m->signal_fd < 0 || m->wake_fd < 0)
        return bt_fail_sys(err, "could not prepare for signals");
    if (config_load(m, &m->arena, &m->config, err) != 0)
        return -1;
    rc = bt_health_lock(&m->config, &m->lock_fd, &other, err);
    if (rc == 1)
        return bt_fail(err, BT_ERR_CONFLICT,
                       "a manager of %s runs already (pid:%d) with the work folder \"%s\"",
                       m->config.app, (int)other, m->config.workdir);
    if (rc != 0)
        return -1;
    if (m->opts->configured)
        m->opts->configured(&m->config, m->opts->ctx);
    m->watchdog_ms = bt_notify_watchdog_ms();
    return bt_manager_serve_open(m, err);
}

int bt_manager_run(const struct bt_manager_opts *opts, int *ret_code, struct bt_err *err)
{
    struct bt_manager *m = calloc(1, sizeof(*m));
    int rc;

    if (!m)
        return bt_fail_sys(err, "manager");
    m->opts = opts;
    m->suspect = SIZE_MAX;
    m->signal_fd = m->wake_fd = m->lock_fd = m->socket_fd = m->hold_fd = -1;
    bt_arena_init(&m->arena, BT_CONFIG_ARENA_MAX);
    bt_buf_init(&m->told_servers, 1 << 20);
    rc = begin(m, err);
    if (rc == 0) {
        rc = live(m, ret_code, err);
        bt_lookout_free(m->lookout);
        bt_lookout_free(m->retired);
        bt_notify("STOPPING=1");
        bt_manager_serve_close(m);
        bt_health_remove(&m->config);
    }
    bt_release_fd(&m->signal_fd);
    bt_release_fd(&m->wake_fd);
    bt_release_fd(&m->hold_fd);
    bt_release_fd(&m->lock_fd);
    bt_arena_done(&m->arena);
    bt_buf_done(&m->told_servers);
    free(m);
    return rc;
}
