/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Phases 2, 3.1 and 3.2, all hosts at once: receivers stop, relay logs are kept and surveyed; the
 * old primary's binary logs are listed.  (The fence is steps_fence.c.)
 *
 * MariaDB in GTID mode drops its relay logs when a thread is started while none runs (measured on
 * 10.11.19: START SLAVE SQL_THREAD with both stopped; CHANGE MASTER does it too).  So an applier
 * that stands still is started before its receiver is stopped, and where both stand still it is
 * left so and its relay logs are applied by us.  relay_log_purge is off meanwhile: what one replica
 * has applied, another may lack.
 */
#include <assert.h>
#include <stdio.h>

#include "apply/link.h"
#include "base/crash_point.h"
#include "base/log.h"
#include "failover/each.h"
#include "failover/phrases.h"
#include "failover/steps.h"
#include "failover/steps_fence.h"

static const struct bt_upstream *upstream(const struct bt_fo_host *h)
{
    return h->link < h->db->facts.upstream_count ? &h->db->facts.upstreams[h->link] : NULL;
}

/* ------------------------------------------------------------------- freeze */

static int applier_start(struct bt_fo_host *h, struct bt_deadline until, struct bt_err *err)
{
    const struct bt_upstream *u = upstream(h);

    assert(u); /* only replicas come here */
    if (u->sql != BT_THREAD_NO || u->sql_errno)
        return 0;
    if (u->mode != BT_REPLICA_POSITION && u->io == BT_THREAD_NO) {
        h->cannot_drain = true;
        return 0;
    }
    return bt_database_start_sql(h->db, h->link, until, err);
}

/* How the replica was found: what a resumed failover has to give back. */
static void journal_found(struct bt_json *json, void *ctx)
{
    const struct bt_fo_host *h = ctx;
    const struct bt_upstream *u = upstream(h);

    assert(u); /* only replicas come here */
    bt_json_key_bool(json, "relay_log_purge", h->relay_log_purge_was);
    bt_json_key_bool(json, "super_read_only", h->super_read_only_was);
    bt_json_key_bool(json, "io_running", u->io != BT_THREAD_NO || h->had_receiver);
    bt_json_key_bool(json, "sql_running", u->sql != BT_THREAD_NO);
    bt_json_key_u64(json, "connection", h->link);
    bt_json_key_bool(json, "semisync_primary", h->semisync_changed);
    bt_json_key_bool(json, "acknowledges", h->db->facts.acknowledges);
}

/* A failover that was killed while a server's own threads applied a diff log left their connection:
 * it is not one of the cluster's, and its applier must not go on beside us. */
static int leftover_remove(struct bt_fo_host *h, struct bt_deadline until, struct bt_err *err)
{
    struct bt_err old = {0};
    struct bt_link link;
    bool found;

    if (bt_link_init(&link, h->db->sql, until, &old) != 0)
        return 0; /* it takes no diff log that way */
    if (bt_link_clear(&link, h->db->sql, until, &found, err) != 0)
        return bt_err_wrap(err, "%s", h->conf->name);
    return 0;
}

static void journal_primary(struct bt_json *json, void *ctx)
{
    const struct bt_failover *f = ctx;

    bt_json_key_str(json, "primary", f->config->servers[f->topology.primary].name);
    if (f->semisync.is_known) {
        bt_json_key(json, "semisync");
        bt_semisync_json(&f->semisync, f->gone_ms, json);
    }
}

/* What its goodbye to a silent host would wait for is not worth an error when it cannot be had. */
static int receiver_stop(struct bt_failover *f, struct bt_fo_host *h, struct bt_deadline until,
                         struct bt_err *err)
{
    struct bt_err ignored = {0};
    uint64_t was = 0;
    int rc;

    if (f->opts.was_silent && bt_database_shorten_goodbye(h->db, until, &was, &ignored) != 0)
        bt_debug("%s", ignored.text);
    rc = bt_database_stop_io(h->db, h->link, until, err);
    if (was && bt_database_restore_goodbye(h->db, was, until, &ignored) != 0)
        bt_warning("%s", ignored.text);
    return rc;
}

static int freeze(struct bt_failover *f, struct bt_fo_host *h, struct bt_err *err)
{
    struct bt_deadline until = bt_deadline_in(bt_fo_step_ms(BT_FO_FREEZE));
    const struct bt_upstream *u = upstream(h);

    if (!u)
        return bt_fail(err, BT_ERR_REALITY, "%s is no replica any more", h->conf->name);
    h->io_was_running = u->io != BT_THREAD_NO;
    h->relay_log_purge_was = h->db->facts.relay_log_purge || h->was_cut_off;
    h->semisync_changed = h->db->facts.waits_for_others || h->had_semisync;
    h->db->facts.acknowledges = h->db->facts.acknowledges || h->had_acknowledged;
    h->super_read_only_was = h->super_read_only_was || h->db->facts.super_read_only;
    if (bt_journal_write(f->journal, bt_fo_step_name(BT_FO_FREEZE), "begin", h->conf->name,
                         journal_found, h, err) != 0)
        return -1;
    /* Before anything else: an applier whose commit waits (10 s by default) cannot be drained. */
    if ((h->semisync_changed && bt_database_set_semisync(h->db, false, until, err) != 0) ||
        leftover_remove(h, until, err) != 0 || applier_start(h, until, err) != 0)
        return -1;
    if (h->relay_log_purge_was) {
        h->purge_changed = true;
        if (bt_database_set_relay_log_purge(h->db, false, until, err) != 0)
            return -1;
    }
    if (h->io_was_running && receiver_stop(f, h, until, err) != 0)
        return -1;
    h->io_stopped = h->io_was_running;
    if (bt_database_ask_upstreams(h->db, until, err) != 0)
        return bt_err_wrap(err, "%s", h->conf->name);
    u = upstream(h);
    if (!u || u->io != BT_THREAD_NO)
        return bt_fail(err, BT_ERR_REMOTE, "%s still receives although its receiver was stopped",
                       h->conf->name);
    return 0;
}

/* ------------------------------------------------------------------ collect */

/* "relay-bin.000004" -> "relay-bin"; "" when it is no log's name. */
static const char *base_of(struct bt_arena *arena, const char *log)
{
    uint64_t number;
    size_t len;
    char *base;

    if (!bt_log_name_split(log, &len, &number))
        return "";
    base = bt_arena_str(arena, bt_slice(log, len));
    return base ? base : "";
}

static const char *folder_of(struct bt_arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? bt_arena_str(arena, bt_slice(path, (size_t)(slash - path))) : NULL;

    return folder ? folder : "";
}

static int survey(struct bt_failover *f, struct bt_fo_host *h, struct bt_err *err)
{
    const struct bt_server_facts *facts = &h->db->facts;
    const struct bt_upstream *u = upstream(h);
    struct bt_deadline until = bt_deadline_in(bt_fo_step_ms(BT_FO_COLLECT));
    struct bt_survey_request request = {
        .logs = {.places = facts->relay_index[0] ? facts->relay_index
                                                 : folder_of(&h->arena, facts->relay_base),
                 .base = base_of(&h->arena, u->relay_log),
                 .kind = BT_LOG_KIND_RELAY},
        .hints = {.executed = u->executed,
                  .gtid_executed = facts->gtid_slave_pos[0] ? facts->gtid_slave_pos : NULL,
                  .relay_log = u->relay_log[0] ? u->relay_log : NULL,
                  .relay_pos = u->relay_pos},
    };
    int rc;

    (void)f;
    if (!h->node)
        return bt_fail(err, BT_ERR_REALITY, "%s", h->node_error);
    pthread_mutex_lock(&h->node_mutex);
    rc = bt_node_survey(h->node, &request, until, &h->arena, &h->survey, err);
    pthread_mutex_unlock(&h->node_mutex);
    if (rc != 0)
        return -1;
    h->surveyed = true;
    rc = bt_remote_logs_open(h->node, &h->node_mutex, &request.logs, h->conf->hostname, until,
                             &h->relay, err);
    if (rc == 0) {
        h->info = (struct bt_relay_info){.executed = u->executed, .relay_pos = u->relay_pos};
        snprintf(h->info.relay_log, sizeof(h->info.relay_log), "%s", u->relay_log);
        bt_remote_logs_set_info(h->relay, &h->info);
    }
    if (rc == 1)
        return bt_fail(err, BT_ERR_REALITY, "no relay logs were found in %s", request.logs.places);
    return rc;
}

static const char *keep(struct bt_fo_host *h, const char *text)
{
    char *copy = bt_arena_str(&h->arena, bt_slice_str(text));

    return copy ? copy : "";
}

/* What the replica holds, by its logs; where they cannot be read, by its own words. */
static void holding_fill(struct bt_failover *f, struct bt_fo_host *h)
{
    struct bt_holding *holding = &f->holdings[h->index];
    const struct bt_upstream *u = upstream(h);
    const struct bt_survey *s = &h->survey.survey;

    assert(u); /* only replicas come here */
    *holding = (struct bt_holding){
        .known = true, .has_node = h->node != NULL, .logs_error = "", .gtid = "", .cut = ""};
    holding->executed = u->executed;
    if (!h->surveyed || !h->relay) {
        holding->logs_error = h->logs_error;
        holding->received = u->read;
        if (u->mode != BT_REPLICA_POSITION)
            holding->gtid = keep(h, u->gtid_io_pos);
        return;
    }
    holding->from_logs = true;
    /* What the applier says is in there, as far as the relay logs allow it (diff/survey.c). */
    holding->received = s->received.file[0] ? s->received : u->executed;
    if (s->has_gtid && s->gtid_text.len) {
        char *copy = bt_arena_str(&h->arena, bt_buf_slice(&s->gtid_text));

        holding->gtid = copy ? copy : "";
    } else if (h->db->facts.gtid_slave_pos[0] && !s->has_transaction) {
        holding->gtid = keep(h, h->db->facts.gtid_slave_pos);
    }
    holding->unfinished_bytes = s->unfinished_bytes;
    if (s->cut.kind != BT_CUT_NONE)
        holding->cut = keep(h, s->cut.reason);
}

static void collect(struct bt_failover *f, struct bt_fo_host *h)
{
    struct bt_err err = {0};

    if (!upstream(h))
        return;
    if (survey(f, h, &err) != 0)
        snprintf(h->logs_error, sizeof(h->logs_error), "%.500s", err.text);
    holding_fill(f, h);
}

/* The primary's own logs: where the configuration says they may be, named as the replicas know
 * them. */
static void dead_logs_list(struct bt_failover *f)
{
    struct bt_fo_host *p = &f->hosts[f->topology.primary];
    struct bt_logs_id id = {.places = bt_setting_text(p->conf->settings, BT_CONF_MASTER_BINLOG_DIR),
                            .base = "",
                            .kind = BT_LOG_KIND_BINLOG};
    struct bt_err err = {0};
    int rc;

    for (size_t i = 0; i < f->count && !id.base[0]; i++) {
        const struct bt_upstream *u = bt_topology_link(&f->topology, f->facts, i);

        if (u)
            id.base = base_of(&p->arena, u->read.file);
    }
    rc = bt_remote_logs_open(p->node, &p->node_mutex, &id, p->conf->hostname,
                             bt_deadline_in(bt_fo_step_ms(BT_FO_COLLECT)), &p->binlog, &err);
    f->dead.logs_found = rc == 0;
    if (rc == 1)
        snprintf(f->dead_error, sizeof(f->dead_error), "no logs named \"%s.*\" in %s", id.base,
                 id.places);
    else if (rc != 0)
        snprintf(f->dead_error, sizeof(f->dead_error), "%.1000s", err.text);
    else if (bt_remote_logs_notes(p->binlog)[0])
        bt_fo_note(f, "%s: %s", p->conf->name, bt_remote_logs_notes(p->binlog));
    f->dead.logs_error = f->dead_error;
}

static void dead_collect(struct bt_failover *f, bool may_read)
{
    struct bt_fo_host *p = &f->hosts[f->topology.primary];

    f->dead.node_reachable = p->node && may_read;
    f->dead.node_error = p->node ? "" : p->node_error;
    f->dead.logs_error = "";
    if (f->dead.node_reachable)
        dead_logs_list(f);
    else if (p->node)
        f->dead.node_error = "shutdown_script powered its host off";
}

/* --------------------------------------------------------------- all at once */

static void freeze_and_collect(size_t i, void *ctx)
{
    struct bt_failover *f = ctx;
    struct bt_fo_host *h = &f->hosts[i];
    struct bt_err err = {0};
    bool may_read = true;

    if (i == f->topology.primary) {
        bt_fo_fence(f, &may_read);
        dead_collect(f, may_read);
        return;
    }
    /* Promoted before: its relay logs are a source as long as it has them. */
    if (i == f->resumed_winner)
        collect(f, h);
    if (f->topology.role[i] != BT_ROLE_REPLICA || h->state == BT_FO_FOLLOWS)
        return;
    if (freeze(f, h, &err) != 0) {
        bt_fo_fail(f, i, BT_FO_FREEZE, &err);
        f->dropped[i] = true;
        return;
    }
    h->state = BT_FO_FROZEN;
    collect(f, h);
}

static void log_collected(struct bt_failover *f)
{
    bt_info(BT_PHASE_3_1);
    for (size_t i = 0; i < f->count; i++) {
        const struct bt_holding *h = &f->holdings[i];

        if (f->topology.role[i] == BT_ROLE_REPLICA && h->known)
            bt_info("  %s has received %s:%llu%s%s", f->config->servers[i].name, h->received.file,
                    (unsigned long long)h->received.pos, h->gtid[0] ? ", GTID " : "", h->gtid);
    }
}

int bt_fo_freeze(struct bt_failover *f, struct bt_err *err)
{
    size_t p = f->topology.primary;

    bt_info(BT_PHASE_2);
    bt_fo_step_begin(f, BT_FO_FREEZE);
    bt_fo_step_begin(f, BT_FO_FENCE);
    bt_fo_step_begin(f, BT_FO_COLLECT);
    if (bt_journal_write(f->journal, bt_fo_step_name(BT_FO_FREEZE), "begin", NULL, journal_primary,
                         f, err) != 0)
        return -1;
    bt_crash_point("before-freeze");
    bt_info(f->hosts[p].node ? BT_SAY_SSH_REACHABLE : BT_SAY_SSH_NOT_REACHABLE);
    bt_info(BT_SAY_FORCING_SHUTDOWN);
    bt_each(f->count, freeze_and_collect, f);
    if (bt_fo_facts_take(f, err) != 0)
        return -1;
    bt_fo_step_end(f, BT_FO_FREEZE);
    bt_fo_step_end(f, BT_FO_COLLECT);
    if (bt_fo_fence_judge(f, err) != 0)
        return -1;
    bt_fo_step_end(f, BT_FO_FENCE);
    bt_crash_point("after-freeze");
    bt_info(BT_PHASE_2_DONE);
    bt_info(BT_PHASE_3);
    log_collected(f);
    return 0;
}

static void collect_one(size_t i, void *ctx)
{
    struct bt_failover *f = ctx;

    if (i == f->topology.primary)
        dead_collect(f, true);
    else if (f->topology.role[i] == BT_ROLE_REPLICA)
        collect(f, &f->hosts[i]);
}

int bt_fo_collect_only(struct bt_failover *f, struct bt_err *err)
{
    bt_fo_step_begin(f, BT_FO_COLLECT);
    bt_each(f->count, collect_one, f);
    bt_fo_step_end(f, BT_FO_COLLECT);
    return bt_fo_facts_take(f, err);
}

int bt_fo_semisync_restore(struct bt_fo_host *h, struct bt_deadline until, struct bt_err *err)
{
    if (!h->semisync_changed)
        return 0;
    if (bt_database_set_semisync(h->db, true, until, err) != 0)
        return -1;
    h->semisync_changed = false;
    return 0;
}

static void undo_one(size_t i, void *ctx)
{
    struct bt_failover *f = ctx;
    struct bt_fo_host *h = &f->hosts[i];
    struct bt_deadline until = bt_deadline_in(bt_fo_step_ms(BT_FO_FREEZE));
    const struct bt_upstream *u;
    struct bt_err err = {0};

    if (!(h->io_stopped || h->purge_changed || h->semisync_changed) ||
        !bt_fo_database(f, i, until, &err))
        return;
    if (bt_fo_semisync_restore(h, until, &err) != 0)
        bt_error("%s", err.text);
    u = upstream(h);
    if (h->purge_changed && bt_database_set_relay_log_purge(h->db, true, until, &err) != 0)
        bt_error("%s", err.text);
    /* A stopped applier in GTID mode: starting the receiver would drop what it has not applied. */
    if (h->io_stopped && u && (u->sql != BT_THREAD_NO || u->mode == BT_REPLICA_POSITION) &&
        bt_database_start(h->db, h->link, until, &err) != 0)
        bt_error("%s", err.text);
    else if (h->io_stopped)
        bt_fo_note(f, "%s: its receiver was started again", h->conf->name);
}

void bt_fo_undo_freeze(struct bt_failover *f)
{
    bt_each(f->count, undo_one, f);
}
