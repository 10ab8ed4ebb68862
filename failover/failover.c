/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/failover.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/log.h"
#include "base/saved_file.h"
#include "failover/config_edit.h"
#include "failover/hooks.h"
#include "failover/phrases.h"
#include "failover/report.h"
#include "failover/steps.h"
#include "failover/switchover.h"
#include "failover/steps_resume.h"

enum {
    REPORT_MAX = 16 << 20,
    NOTES_MAX = 256 * 1024,
    HOST_ARENA_MAX = 32 << 20,
    FACTS_MAX = 64 << 20,
};

/* ------------------------------------------------------------------ new, free */

static void paths_fill(struct bt_failover *f)
{
    const struct bt_config *c = f->config;

    snprintf(f->complete_path, sizeof(f->complete_path), "%s/%s.failover.complete", c->workdir,
             c->app);
    snprintf(f->error_path, sizeof(f->error_path), "%s/%s.failover.error", c->workdir, c->app);
    snprintf(f->journal_path, sizeof(f->journal_path), "%s/%s.failover.journal", c->workdir,
             c->app);
}

static int names_find(struct bt_failover *f, struct bt_err *err)
{
    f->named_primary = SIZE_MAX;
    f->resumed_winner = SIZE_MAX;
    f->wanted_winner = SIZE_MAX;
    if (f->opts.dead_primary &&
        bt_config_find(f->config, f->opts.dead_primary, &f->named_primary, err) != 0)
        return bt_err_wrap(err, "--dead-primary");
    if (f->opts.new_primary &&
        bt_config_find(f->config, f->opts.new_primary, &f->wanted_winner, err) != 0)
        return bt_err_wrap(err, "--new-primary");
    return 0;
}

static bool memory_take(struct bt_failover *f)
{
    f->databases = bt_databases_new(f->config);
    f->facts = calloc(f->count, sizeof(*f->facts));
    f->hosts = calloc(f->count, sizeof(*f->hosts));
    f->holdings = calloc(f->count, sizeof(*f->holdings));
    f->dropped = calloc(f->count, sizeof(*f->dropped));
    f->locks = bt_locks_new(f->config);
    return f->databases && f->facts && f->hosts && f->holdings && f->dropped && f->locks;
}

static void warm_take(struct bt_failover *f, struct bt_fo_host *h)
{
    struct bt_warm_host *warm = f->opts.warm ? &f->opts.warm[h->index] : NULL;

    if (!warm)
        return;
    h->db->sql = bt_steal(warm->sql);
    h->node = bt_steal(warm->node);
    h->is_given_up = warm->is_silent;
    snprintf(h->node_error, sizeof(h->node_error), "%s", warm->error);
    memcpy(h->server_datadir, warm->datadir, sizeof(h->server_datadir));
    memcpy(h->server_pid_file, warm->pid_file, sizeof(h->server_pid_file));
}

static void hosts_init(struct bt_failover *f)
{
    for (size_t i = 0; i < f->count; i++) {
        struct bt_fo_host *h = &f->hosts[i];

        h->index = i;
        h->conf = &f->config->servers[i];
        h->db = &f->databases[i];
        h->failover = f;
        pthread_mutex_init(&h->node_mutex, NULL);
        bt_arena_init(&h->arena, HOST_ARENA_MAX);
        warm_take(f, h);
        f->holdings[i] = (struct bt_holding){.logs_error = "", .gtid = "", .cut = ""};
    }
    for (int s = 0; s < BT_FO_STEP_COUNT; s++)
        f->timings[s].took_ms = -1;
    f->dead = (struct bt_dead_host){.node_error = "", .logs_error = ""};
}

int bt_failover_new(const struct bt_config *config, const struct bt_failover_opts *opts,
                    struct bt_failover **ret, struct bt_err *err)
{
    struct bt_failover *f = calloc(1, sizeof(*f));

    if (!f)
        return bt_fail_sys(err, "failover");
    f->config = config;
    f->opts = *opts;
    f->gone_ms = INT64_MAX;
    f->count = config->server_count;
    pthread_mutex_init(&f->gate.mutex, NULL);
    pthread_cond_init(&f->gate.changed, NULL);
    pthread_mutex_init(&f->build_mutex, NULL);
    pthread_mutex_init(&f->notes_mutex, NULL);
    bt_buf_init(&f->notes, NOTES_MAX);
    bt_arena_init(&f->facts_arena, FACTS_MAX);
    if (!memory_take(f)) {
        f->count = f->hosts ? f->count : 0;
        bt_failover_free(f);
        return bt_fail(err, BT_ERR_SYSTEM, "no memory for %zu servers", config->server_count);
    }
    hosts_init(f);
    paths_fill(f);
    if (names_find(f, err) != 0) {
        bt_failover_free(f);
        return -1;
    }
    *ret = f;
    return 0;
}

void bt_failover_free(struct bt_failover *f)
{
    if (!f)
        return;
    for (size_t i = 0; f->hosts && i < f->count; i++) {
        struct bt_fo_host *h = &f->hosts[i];

        bt_remote_logs_close(h->relay);
        bt_remote_logs_close(h->binlog);
        bt_channel_close(h->node);
        if (h->surveyed)
            bt_survey_done(&h->survey.survey);
        if (h->has_manifest)
            bt_manifest_done(&h->manifest);
        bt_arena_done(&h->arena);
        pthread_mutex_destroy(&h->node_mutex);
    }
    if (f->has_plan)
        bt_plan_done(&f->plan);
    bt_databases_free(f->databases, f->count);
    bt_locks_free(f->locks);
    bt_journal_close(f->journal);
    bt_buf_done(&f->notes);
    bt_arena_done(&f->facts_arena);
    pthread_mutex_destroy(&f->gate.mutex);
    pthread_cond_destroy(&f->gate.changed);
    pthread_mutex_destroy(&f->build_mutex);
    pthread_mutex_destroy(&f->notes_mutex);
    free(f->facts);
    free(f->hosts);
    free(f->holdings);
    free(f->dropped);
    free(f);
}

/* ------------------------------------------------------------------------ run */

static int dry_run(struct bt_failover *f, struct bt_err *err)
{
    /* What stands in the way is part of the plan that is shown, and the outcome all the same. */
    if (bt_fo_collect_only(f, err) != 0 || bt_fo_decide(f, err) != 0)
        return -1;
    return bt_fo_measure(f, err);
}

/* Up to the promotion; -1 leaves the replicas frozen. */
static int before_promotion(struct bt_failover *f, struct bt_err *err)
{
    if (bt_fo_freeze(f, err) != 0 || bt_fo_decide(f, err) != 0)
        return -1;
    if (bt_fo_complete(f, err) != 0)
        return -1;
    return bt_fo_promote(f, err);
}

static void error_flag_write(const struct bt_failover *f)
{
    bt_auto_fd int fd = open(f->error_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);

    if (fd < 0)
        bt_error("could not write \"%s\"", f->error_path);
}

static void journal_end(struct bt_failover *f, const char *state)
{
    struct bt_err err = {0};

    if (f->journal && bt_journal_write(f->journal, "end", state, NULL, NULL, NULL, &err) != 0)
        bt_error("%s", err.text);
}

/* Whether the old primary, which answers again, has all that any replica has received. */
static bool primary_holds_all(struct bt_failover *f)
{
    size_t p = f->topology.primary;
    struct bt_database *d;
    struct bt_err err = {0};

    bt_database_ask(&f->databases[p], bt_fo_step_ms(BT_FO_DECIDE));
    d = bt_fo_database(f, p, bt_deadline_in(bt_fo_step_ms(BT_FO_DECIDE)), &err);
    for (size_t i = 0; d && i < f->count; i++)
        if (f->topology.role[i] == BT_ROLE_REPLICA && f->holdings[i].known &&
            bt_coordinate_compare(&d->facts.binlog, &f->holdings[i].received) < 0)
            return false;
    return d != NULL;
}

/* Nothing was promoted: what was stopped runs again.  When the primary lives and holds everything,
 * all is as it was; else a human has to look. */
static void stand_down(struct bt_failover *f, struct bt_err *why,
                       enum bt_failover_outcome *ret)
{
    bt_log_error(why);
    bt_fo_complete_join(f);
    if (!f->is_promoted)
        bt_fo_undo_freeze(f);
    if (f->is_alive && !f->is_promoted && primary_holds_all(f)) {
        bt_fo_note(f, "%s is alive and holds everything: it stays the primary.",
                   f->config->servers[f->topology.primary].name);
        journal_end(f, "undone");
        *ret = BT_FAILOVER_ALIVE;
        return;
    }
    error_flag_write(f);
    journal_end(f, "failed");
}

static int report_save_as(const struct bt_failover *f, const char *suffix,
                          const struct bt_buf *text, struct bt_err *err)
{
    bt_auto_saved_file struct bt_saved_file file = BT_SAVED_FILE_NONE;
    char path[4096];

    snprintf(path, sizeof(path), "%s/%s.failover.report", f->config->workdir, f->config->app);
    if (bt_saved_file_open(path, suffix, &file, err) != 0 ||
        bt_saved_file_write(&file, bt_buf_slice(text), err) != 0)
        return -1;
    return bt_saved_file_commit(&file, err);
}

/* Beside the journal, for people and for programs. */
static void report_save(const struct bt_failover *f, const struct bt_buf *text)
{
    bt_auto_buf struct bt_buf document;
    struct bt_err err = {0};
    struct bt_json json;

    bt_buf_init(&document, REPORT_MAX);
    bt_json_init(&json, &document);
    bt_report_json(f, &json);
    bt_buf_add_byte(&document, '\n');
    if (report_save_as(f, "", text, &err) != 0 || report_save_as(f, ".json", &document, &err) != 0)
        bt_warning("the report: %s", err.text);
}

/* MHA's log ends with it, too; on a screen it stands below the log anyway. */
static void report_log(struct bt_buf *text)
{
    const char *line = bt_buf_str(text);

    while (*line) {
        size_t len = strcspn(line, "\n");

        bt_info("%.*s", (int)len, line);
        line += len + (line[len] == '\n');
    }
}

static void report_send(struct bt_failover *f)
{
    bt_auto_buf struct bt_buf subject, body, replicas;
    enum bt_hook_result result;
    struct bt_err err = {0};

    bt_buf_init(&subject, 4096);
    bt_buf_init(&body, NOTES_MAX);
    bt_buf_init(&replicas, 16384);
    bt_report_subject(f, &subject);
    bt_report_text(f, &body);
    if (f->opts.warm || bt_setting_is_set(f->config->settings, BT_CONF_MANAGER_LOG))
        report_log(&body);
    else
        bt_info("%s", BT_SAY_REPORT);
    report_save(f, &body);
    for (size_t i = 0; i < f->count; i++)
        if (f->hosts[i].state == BT_FO_FOLLOWS)
            bt_buf_addf(&replicas, "%s%s", replicas.len ? "," : "", f->config->servers[i].hostname);
    if (bt_hook_report(f->config, f->topology.primary, f->is_promoted ? f->plan.winner : SIZE_MAX,
                       bt_buf_str(&replicas), bt_buf_str(&subject), bt_buf_str(&body), &result,
                       &err) != 0)
        bt_warning("%s", err.text);
}

/* Settings that a failover before this one changed and could not give back. */
static void leftovers_find(struct bt_failover *f)
{
    for (size_t i = 0; i < f->count; i++) {
        const struct bt_resume_host *was =
            bt_resume_host(&f->journaled, f->hosts[i].conf->name);

        if (!was || f->journaled.how == BT_RESUME_NOTHING)
            continue;
        f->hosts[i].was_cut_off = was->relay_log_purge;
        f->hosts[i].super_read_only_was = was->super_read_only;
        f->hosts[i].had_receiver = was->io_running;
        f->hosts[i].had_semisync = was->semisync_primary;
        f->hosts[i].had_acknowledged = was->acknowledges;
    }
}

/* As MHA's --remove_dead_master_conf: only when nothing is left to do for the old primary. */
static void conf_remove(struct bt_failover *f)
{
    const char *block = f->config->servers[f->topology.primary].block;
    struct bt_err err = {0};
    int rc = bt_config_file_delete(f->config->path, block, &err);

    if (rc < 0)
        bt_fo_note(f, "[%s] is still in the configuration: %s", block, err.text);
    else
        bt_info(BT_SAY_BLOCK_DELETED, block, f->config->path);
}

/* The new primary stands, whatever else became of it. */
static int finish(struct bt_failover *f, enum bt_failover_outcome *ret)
{
    journal_end(f, f->is_partial ? "partial" : "done");
    *ret = f->is_partial ? BT_FAILOVER_PARTIAL : BT_FAILOVER_DONE;
    if (*ret == BT_FAILOVER_DONE && f->opts.remove_dead_conf)
        conf_remove(f);
    f->ended_ms = bt_clock_ms();
    report_send(f);
    return 0;
}

static int act(struct bt_failover *f, enum bt_failover_outcome *ret, struct bt_err *err)
{
    *ret = BT_FAILOVER_REFUSED;
    leftovers_find(f);
    if (bt_journal_open(f->journal_path, &f->journal, err) != 0)
        return -1;
    *ret = BT_FAILOVER_FAILED;
    if (before_promotion(f, err) != 0) {
        stand_down(f, err, ret);
        f->failure = *err;
        f->ended_ms = bt_clock_ms();
        report_send(f);
        return -1;
    }
    bt_fo_repoint(f);
    bt_fo_cleanup(f);
    bt_switchover_supersede(f->config);
    return finish(f, ret);
}

static int check_and_act(struct bt_failover *f, enum bt_failover_outcome *ret, struct bt_err *err)
{
    int rc;

    if (bt_fo_check(f, err) != 0) {
        bt_log_error(err);
        *ret = f->is_alive ? BT_FAILOVER_ALIVE : BT_FAILOVER_REFUSED;
        return -1;
    }
    if (!f->opts.dry_run)
        return act(f, ret, err);
    rc = dry_run(f, err);
    *ret = rc == 0 ? BT_FAILOVER_PLANNED : BT_FAILOVER_REFUSED;
    return rc;
}

/* --------------------------------------------------------------------- resume */

static int forward(struct bt_failover *f, enum bt_failover_outcome *ret, struct bt_err *err)
{
    leftovers_find(f);
    if (bt_fo_locks_take(f, err) != 0 ||
        bt_journal_continue(f->journal_path, &f->journal, err) != 0)
        return -1;
    *ret = BT_FAILOVER_FAILED;
    if (bt_fo_resume_forward(f, err) != 0) {
        bt_log_error(err);
        return -1; /* the journal has no end: it can be resumed again */
    }
    (void)!unlink(f->error_path);
    return finish(f, ret);
}

/* Nobody was promoted: a primary that lives gets everything back, a dead one is replaced. */
static int again(struct bt_failover *f, enum bt_failover_outcome *ret, struct bt_err *err)
{
    if (f->resume->has_failed)
        f->opts.ignore_last_failover = true; /* its own error flag */
    if (bt_topology_find(f->config, f->facts, &f->topology, err) != 0)
        return -1;
    if (f->facts[f->topology.primary].life != BT_LIFE_ALIVE)
        return check_and_act(f, ret, err);
    f->has_topology = true;
    if (bt_fo_locks_take(f, err) != 0 ||
        bt_journal_continue(f->journal_path, &f->journal, err) != 0)
        return -1;
    bt_fo_give_back(f);
    (void)!unlink(f->error_path);
    journal_end(f, "undone");
    *ret = BT_FAILOVER_ALIVE;
    return 0;
}

static int resume(struct bt_failover *f, enum bt_failover_outcome *ret, struct bt_err *err)
{
    enum bt_resume_how how;

    f->resume = &f->journaled;
    *ret = BT_FAILOVER_NOTHING;
    if (f->resume->how == BT_RESUME_NOTHING)
        return 0;
    *ret = BT_FAILOVER_REFUSED;
    if (bt_fo_resume_check(f, &how, err) != 0)
        return -1;
    return how == BT_RESUME_FORWARD ? forward(f, ret, err) : again(f, ret, err);
}

bool bt_failover_was_cut_off(const struct bt_config *config)
{
    bt_auto_arena struct bt_arena arena;
    struct bt_resume r;
    struct bt_err err = {0};
    char path[4096];

    bt_arena_init(&arena, FACTS_MAX);
    snprintf(path, sizeof(path), "%s/%s.failover.journal", config->workdir, config->app);
    return bt_resume_read(path, &arena, &r, &err) == 0 && r.how != BT_RESUME_NOTHING &&
           !r.has_failed;
}

/* ------------------------------------------------------------------------ run */

int bt_failover_run(struct bt_failover *f, enum bt_failover_outcome *ret, struct bt_err *err)
{
    int rc;

    f->began_ms = bt_clock_ms();
    f->began_wall_us = bt_clock_wall_us();
    *ret = BT_FAILOVER_REFUSED;
    if (bt_resume_read(f->journal_path, &f->facts_arena, &f->journaled, err) != 0)
        return -1;
    if (f->opts.resume) {
        f->semisync = f->journaled.semisync;
        f->gone_ms = f->journaled.gone_ms;
    }
    bt_info(BT_SAY_STARTING);
    rc = f->opts.resume ? resume(f, ret, err) : check_and_act(f, ret, err);
    if (!f->ended_ms)
        f->ended_ms = bt_clock_ms();
    return rc;
}
