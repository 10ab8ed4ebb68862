/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of phase 3, and phases 4 and 5: the new primary's position is noted, it takes writes, the
 * address comes to it, the replicas follow, its own replica settings go.
 *
 * From the moment it takes writes there is no way back, and nothing ends the failover any more:
 * what fails is said, counted as partial, and the rest is done.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/crash_point.h"
#include "base/log.h"
#include "failover/hooks.h"
#include "failover/phrases.h"
#include "failover/steps.h"

enum { PROBE_MS = 200,
       GIVE_BACK_MS = 2000 };

/* -------------------------------------------------------------------- promote */

/* The line of the runbook, letter for letter; the password is never in it. */
static void statement_make(struct bt_failover *f)
{
    const struct bt_conf_server *w = &f->config->servers[f->plan.winner];
    const struct bt_upstream *u = bt_topology_link(&f->topology, f->facts, f->plan.winner);
    const char *user = bt_setting_is_set(w->settings, BT_CONF_REPL_USER)
                           ? bt_setting_text(w->settings, BT_CONF_REPL_USER)
                       : u ? u->user
                           : "";
    char host[600];

    if (strcmp(w->hostname, w->ip) == 0)
        snprintf(host, sizeof(host), "%s", w->hostname);
    else
        snprintf(host, sizeof(host), "%s or %s", w->hostname, w->ip);
    snprintf(f->statement, sizeof(f->statement),
             "CHANGE MASTER TO MASTER_HOST='%s', MASTER_PORT=%u, MASTER_LOG_FILE='%s', "
             "MASTER_LOG_POS=%llu, "
             "MASTER_USER='%s', MASTER_PASSWORD='xxx';",
             host, w->port, f->position.file, (unsigned long long)f->position.pos, user);
}

static void fill_position(struct bt_json *json, void *ctx)
{
    const struct bt_failover *f = ctx;
    const struct bt_upstream *u = bt_topology_link(&f->topology, f->facts, f->plan.winner);

    bt_json_key_str(json, "file", f->position.file);
    bt_json_key_u64(json, "pos", f->position.pos);
    bt_json_key_str(json, "gtid", f->gtid);
    bt_json_key_str(json, "slave_gtid", f->slave_gtid);
    bt_json_key_str(json, "statement", f->statement);
    bt_json_key_bool(json, "read_only_off", true);
    if (u) /* for a rejoin when nobody is left who shows it */
        bt_json_key_u64(json, "mode", u->mode);
}

int bt_fo_promote(struct bt_failover *f, struct bt_err *err)
{
    struct bt_deadline until = bt_deadline_in(bt_fo_step_ms(BT_FO_PROMOTE));
    struct bt_fo_host *w = &f->hosts[f->plan.winner];

    bt_fo_step_begin(f, BT_FO_PROMOTE);
    if (!bt_fo_database(f, w->index, until, err))
        return -1;
    /* Nobody else may have begun in the meantime: behind this there is no way back. */
    if (f->topology.role[w->index] == BT_ROLE_REPLICA &&
        bt_locks_check(f->locks, w->index, until, err) != 0)
        return -1;
    bt_info(BT_SAY_GETTING_POSITION);
    if (bt_database_position(w->db, until, err) != 0)
        return bt_err_wrap(err, "%s", w->conf->name);
    f->position = w->db->facts.binlog;
    snprintf(f->gtid, sizeof(f->gtid), "%s", w->db->facts.gtid_binlog_pos);
    snprintf(f->slave_gtid, sizeof(f->slave_gtid), "%s", w->db->facts.gtid_slave_pos);
    statement_make(f);
    bt_info(" %s:%llu", f->position.file, (unsigned long long)f->position.pos);
    bt_info(BT_SAY_STATEMENT, f->statement);
    if (w->db->facts.flavor == BT_FLAVOR_MARIADB && f->gtid[0])
        bt_info(" With GTID: gtid_binlog_pos of the new primary is %s; MASTER_USE_GTID=slave_pos.",
                f->gtid);
    if (bt_journal_write(f->journal, bt_fo_step_name(BT_FO_PROMOTE), "begin", w->conf->name,
                         fill_position, f, err) != 0)
        return -1;
    bt_crash_point("before-promote");
    if (bt_fo_semisync_restore(w, until, err) != 0)
        return -1;
    if (!f->opts.keep_read_only && bt_database_set_read_only(w->db, false, until, err) != 0)
        return -1;
    f->is_promoted = true;
    if (f->opts.keep_read_only)
        bt_fo_note(f, "%s is left as read_only as it was: --skip-disable-read-only.",
                   w->conf->name);
    else
        bt_info(BT_SAY_READ_ONLY_OFF, w->conf->name);
    bt_crash_point("after-promote");
    bt_fo_step_end(f, BT_FO_PROMOTE);
    return 0;
}

/* ------------------------------------------------------------------- address */

static void partial(struct bt_failover *f, const char *what, const struct bt_err *why)
{
    f->is_partial = true;
    bt_fo_note(f, "%s: %s", what, why->text);
}

int bt_fo_address_take(struct bt_failover *f, struct bt_fo_host *w, const struct bt_vip *vip,
                       struct bt_err *err)
{
    char text[BT_VIP_TEXT_SIZE];
    struct bt_vip_request request = {
        .action = BT_VIP_UP,
        .vip = bt_vip_text(vip, text),
        .interface = bt_setting_text(w->conf->settings, BT_CONF_VIP_INTERFACE),
        .label = "",
        /* Proved gone: nobody needs to be asked; else it was asked already, and once more now. */
        .probe_ms = f->is_fenced ? -1 : PROBE_MS,
        .take_from_holder = f->address_elsewhere,
    };
    struct bt_vip_reply reply = {0};
    int rc;

    if (!w->node)
        return bt_fail(err, BT_ERR_REALITY, "%s is not on %s: %s", text, w->conf->hostname,
                       w->node_error);
    pthread_mutex_lock(&w->node_mutex);
    rc = bt_node_vip(w->node, &request, bt_deadline_in(bt_fo_step_ms(BT_FO_VIP)), &w->arena, &reply,
                     err);
    pthread_mutex_unlock(&w->node_mutex);
    if (rc != 0)
        return bt_err_wrap(err, "%s is not on %s", text, w->conf->hostname);
    bt_fo_note(f, "%s is on %s and announced%s.", text, w->conf->name,
               reply.found ? ", although another host answered for it" : "");
    return 0;
}

static void address_move(struct bt_failover *f)
{
    struct bt_fo_host *w = &f->hosts[f->plan.winner];
    enum bt_hook_result result;
    struct bt_err err = {0};

    bt_fo_step_begin(f, BT_FO_VIP);
    if (bt_fo_journal(f, BT_FO_VIP, "begin", w->index, &err) != 0)
        partial(f, "Journal", &err);
    f->vip_is_up = f->config->vip_count > 0;
    for (size_t k = 0; k < f->config->vip_count; k++) {
        bt_err_clear(&err);
        if (bt_fo_address_take(f, w, &f->config->vips[k], &err) != 0) {
            f->vip_is_up = false;
            partial(f, "The address could not be moved", &err);
        }
    }
    bt_crash_point("after-vip");
    bt_err_clear(&err);
    if (bt_hook_vip_start(f->config, f->topology.primary, f->plan.winner, &result, &err) != 0)
        partial(f, "The new primary takes writes, but its address script failed", &err);
    bt_fo_step_end(f, BT_FO_VIP);
}

/* ------------------------------------------------------------------- replicas */

static void gate_open(struct bt_failover *f)
{
    pthread_mutex_lock(&f->gate.mutex);
    f->gate.is_open = true;
    pthread_cond_broadcast(&f->gate.changed);
    pthread_mutex_unlock(&f->gate.mutex);
}

/* Replicas, and servers that do not answer: MHA counts those as not recovered too. */
static bool is_expected(const struct bt_failover *f, size_t i)
{
    return f->topology.role[i] == BT_ROLE_REPLICA ||
           (f->topology.role[i] == BT_ROLE_UNKNOWN && !f->config->servers[i].ignore_fail);
}

void bt_fo_repoint(struct bt_failover *f)
{
    bool all = true;

    address_move(f);
    bt_info(BT_PHASE_3_RECOVERED);
    bt_info(BT_PHASE_3_DONE);
    bt_info(BT_PHASE_4);
    bt_info(BT_PHASE_4_1);
    bt_info(BT_PHASE_4_2);
    gate_open(f);
    bt_fo_complete_join(f);
    bt_crash_point("after-repoint");
    for (size_t i = 0; i < f->count; i++) {
        const struct bt_fo_host *h = &f->hosts[i];

        if (i == f->plan.winner || !is_expected(f, i) || h->state == BT_FO_FOLLOWS)
            continue;
        all = false;
        f->is_partial = true;
        bt_fo_note(f, "%s does not follow the new primary: %s", h->conf->name,
                   h->err.text[0] ? h->err.text : f->plan.servers[i].reason);
    }
    if (all)
        bt_info(BT_SAY_ALL_RECOVERED);
    bt_info(BT_PHASE_4_DONE);
}

/* -------------------------------------------------------------------- clean up */

static void winner_reset(struct bt_failover *f)
{
    struct bt_deadline until = bt_deadline_in(bt_fo_step_ms(BT_FO_CLEANUP));
    struct bt_fo_host *w = &f->hosts[f->plan.winner];
    struct bt_err err = {0};

    if (bt_setting_number(w->conf->settings, BT_CONF_SKIP_RESET_SLAVE) == 0 &&
        w->db->facts.upstream_count) {
        bt_info(BT_SAY_RESETTING);
        if (bt_database_reset(w->db, w->link, until, &err) != 0)
            partial(f, "The new primary keeps its replica settings", &err);
        else
            bt_info(BT_SAY_RESET_DONE, w->conf->name);
    }
    bt_err_clear(&err);
    if (w->purge_changed && bt_database_set_relay_log_purge(w->db, true, until, &err) != 0)
        partial(f, "relay_log_purge was not given back", &err);
}

/* Who failed on the way was not repointed; what the freeze changed there is given back too. */
static void semisync_give_back(struct bt_failover *f)
{
    for (size_t i = 0; i < f->count; i++) {
        struct bt_deadline until = bt_deadline_in(GIVE_BACK_MS);
        struct bt_err err = {0};

        if (f->hosts[i].semisync_changed &&
            (!bt_fo_database(f, i, until, &err) ||
             bt_fo_semisync_restore(&f->hosts[i], until, &err) != 0))
            partial(f, "Semi-sync was not switched on again", &err);
    }
}

static void complete_file_write(struct bt_failover *f)
{
    bt_auto_fd int fd = open(f->complete_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
    struct bt_err err = {0};

    if (fd < 0 || futimens(fd, NULL) != 0) {
        bt_fail_sys(&err, "could not write \"%s\"", f->complete_path);
        partial(f, "State file", &err);
    }
}

void bt_fo_cleanup(struct bt_failover *f)
{
    struct bt_err err = {0};

    bt_info(BT_PHASE_5);
    bt_fo_step_begin(f, BT_FO_CLEANUP);
    if (bt_fo_journal(f, BT_FO_CLEANUP, "begin", f->plan.winner, &err) != 0)
        partial(f, "Journal", &err);
    winner_reset(f);
    semisync_give_back(f);
    complete_file_write(f);
    bt_fo_step_end(f, BT_FO_CLEANUP);
    bt_crash_point("after-cleanup");
    if (f->is_partial)
        bt_warning(BT_SAY_PARTIAL, f->config->servers[f->plan.winner].name);
    else
        bt_info(BT_SAY_COMPLETED, f->config->servers[f->plan.winner].name);
}
