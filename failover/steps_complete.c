/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Phases 3.4, 3.5, 4.1 and 4.2: every replica is completed by a thread of its own, the winner's
 * diff log being built first; then each waits at the gate for the new primary and is repointed.
 */
#include <assert.h>
#include <stdio.h>

#include "base/crash_point.h"
#include "base/log.h"
#include "diff/rank.h"
#include "failover/phrases.h"
#include "failover/steps.h"

static const struct bt_upstream *upstream(const struct bt_fo_host *h)
{
    return h->link < h->db->facts.upstream_count ? &h->db->facts.upstreams[h->link] : NULL;
}

/* -------------------------------------------------------------------- drain */

/* The applier takes what it has received; damage in its relay log ends that early. */
static int drain_wait(struct bt_failover *f, struct bt_fo_host *h, struct bt_deadline until,
                      struct bt_err *err)
{
    const struct bt_holding *holding = &f->holdings[h->index];
    const struct bt_upstream *u;

    if (bt_database_drain(h->db, h->link, &holding->received, until, err) >= 0)
        return holding->unfinished_bytes
                   ? bt_database_stop_sql_within(h->db, h->link, &holding->received, until, err)
                   : bt_database_stop_sql(h->db, h->link, until, err);
    u = upstream(h);
    if (!u || !bt_upstream_log_is_broken(u))
        return -1;
    bt_fo_note(f, "%s: its relay log is damaged at %s:%llu; the rest comes from elsewhere",
               h->conf->name, u->executed.file, (unsigned long long)u->executed.pos);
    bt_err_clear(err);
    return 0;
}

static int drain(struct bt_failover *f, struct bt_fo_host *h, struct bt_err *err)
{
    int64_t ms = (int64_t)bt_setting_number(h->conf->settings, BT_CONF_DRAIN_TIMEOUT);
    struct bt_deadline until = bt_deadline_in(ms);
    const struct bt_holding *holding = &f->holdings[h->index];
    int64_t began = bt_clock_ms();
    const struct bt_upstream *u;

    bt_fo_step_begin(f, BT_FO_DRAIN);
    if (!h->cannot_drain && drain_wait(f, h, until, err) != 0)
        return -1;
    if (bt_database_ask_upstreams(h->db, until, err) != 0)
        return bt_err_wrap(err, "%s", h->conf->name);
    u = upstream(h);
    if (!u || u->sql != BT_THREAD_NO)
        return bt_fail(err, BT_ERR_REMOTE, "%s still applies although its applier was stopped",
                       h->conf->name);
    h->drained = bt_coordinate_compare(&u->executed, &holding->received) >= 0;
    h->drain_ms = bt_clock_ms() - began;
    bt_fo_step_end(f, BT_FO_DRAIN);
    return 0;
}

/* -------------------------------------------------------------------- apply */

/* Whether the server's own GTID state now has the last transaction of the diff log. */
static int look(struct bt_failover *f, struct bt_fo_host *h, struct bt_err *err)
{
    const struct bt_manifest_item *last =
        h->manifest.count ? &h->manifest.items[h->manifest.count - 1] : NULL;
    struct bt_gtid_state state = {0};
    char text[BT_GTID_TEXT_SIZE];
    bool has;

    (void)f;
    if (bt_database_ask_upstreams(h->db, bt_deadline_in(bt_fo_step_ms(BT_FO_PROMOTE)), err) != 0)
        return bt_err_wrap(err, "%s", h->conf->name);
    if (!last || last->gtid.kind != BT_GTID_MARIADB)
        return 0;
    if (bt_gtid_state_parse(bt_slice_str(h->db->facts.gtid_slave_pos), &state, err) != 0)
        return bt_err_wrap(err, "gtid_slave_pos of %s", h->conf->name);
    has = bt_gtid_state_has(&state, &last->gtid);
    bt_gtid_state_done(&state);
    if (!has)
        return bt_fail(err, BT_ERR_CONFLICT, "%s is at GTID %s after applying up to %s",
                       h->conf->name, h->db->facts.gtid_slave_pos, bt_gtid_text(&last->gtid, text));
    return 0;
}

/* MariaDB in position mode counts a transaction into gtid_slave_pos although only its beginning was
 * received, when the receiver was stopped and started within it (10.11.19; diff/survey.c).  The
 * diff log begins with it, and would be skipped as there already: the server is told what it has.
 */
static int claim_undo(struct bt_failover *f, struct bt_fo_host *h, struct bt_err *err)
{
    const struct bt_holding *holding = &f->holdings[h->index];
    const struct bt_gtid *cut = &h->survey.survey.cut.gtid;
    struct bt_deadline until = bt_deadline_in(bt_fo_step_ms(BT_FO_PROMOTE));
    struct bt_gtid_state state = {0};
    bool claims;

    if (!holding->from_logs || !holding->gtid[0] || h->manifest.count == 0 ||
        cut->kind != BT_GTID_MARIADB || !bt_gtid_equal(cut, &h->manifest.items[0].gtid))
        return 0;
    if (bt_database_ask_upstreams(h->db, until, err) != 0 ||
        bt_gtid_state_parse(bt_slice_str(h->db->facts.gtid_slave_pos), &state, err) != 0)
        return bt_err_wrap(err, "%s", h->conf->name);
    claims = bt_gtid_state_has(&state, cut);
    bt_gtid_state_done(&state);
    if (!claims)
        return 0;
    bt_fo_note(f,
               "%s: gtid_slave_pos %s names a transaction that was not received whole; set to %s",
               h->conf->name, h->db->facts.gtid_slave_pos, holding->gtid);
    return bt_database_set_slave_pos(h->db, holding->gtid, until, err);
}

/* ----------------------------------------------------------------- one replica */

static void gate_winner_built(struct bt_failover *f)
{
    pthread_mutex_lock(&f->gate.mutex);
    f->gate.winner_built = true;
    pthread_cond_broadcast(&f->gate.changed);
    pthread_mutex_unlock(&f->gate.mutex);
}

static void gate_wait_winner_built(struct bt_failover *f)
{
    pthread_mutex_lock(&f->gate.mutex);
    while (!f->gate.winner_built)
        pthread_cond_wait(&f->gate.changed, &f->gate.mutex);
    pthread_mutex_unlock(&f->gate.mutex);
}

static void gate_has_built(struct bt_failover *f)
{
    pthread_mutex_lock(&f->gate.mutex);
    f->gate.building--;
    pthread_cond_broadcast(&f->gate.changed);
    pthread_mutex_unlock(&f->gate.mutex);
}

static int build(struct bt_failover *f, struct bt_fo_host *h, bool from_executed,
                 struct bt_err *err)
{
    int rc;

    bt_fo_step_begin(f, BT_FO_BUILD);
    rc = bt_fo_build(f, h->index, from_executed, err);
    bt_fo_step_end(f, BT_FO_BUILD);
    return rc;
}

/* Where the logs told what was received, the diff log is built while the server drains; else after.
 */
static int build_and_drain(struct bt_failover *f, struct bt_fo_host *h, struct bt_err *err)
{
    bool early = f->holdings[h->index].from_logs;

    if (early && build(f, h, false, err) != 0)
        return -1;
    if (early)
        gate_winner_built(f);
    if (bt_fo_winner(f) == h->index) {
        bt_info(BT_PHASE_3_5);
        bt_info(BT_SAY_NOTICE);
    }
    bt_crash_point("after-build");
    if (drain(f, h, err) != 0)
        return -1;
    /* What it received it did not apply by itself: that comes out of its relay logs too. */
    if (!early || (!h->drained && !h->cannot_drain))
        return build(f, h, true, err);
    return 0;
}

static int complete(struct bt_failover *f, struct bt_fo_host *h, struct bt_err *err)
{
    const struct bt_plan_lack *lack = &h->lack;
    int64_t began;
    int rc = bt_fo_journal(f, BT_FO_APPLY, "begin", h->index, err);

    rc = rc == 0 ? build_and_drain(f, h, err) : rc;
    gate_has_built(f);
    if (rc != 0)
        return -1;
    began = bt_clock_ms();
    bt_fo_step_begin(f, BT_FO_APPLY);
    if (lack->transactions) {
        bt_info(BT_SAY_APPLYING, h->conf->name);
        bt_info(" %llu transactions, %s to %s, from %s", (unsigned long long)lack->transactions,
                lack->first, lack->last, lack->sources);
        if (claim_undo(f, h, err) != 0 || bt_fo_apply(f, h, err) != 0 || look(f, h, err) != 0)
            return -1;
        bt_info(BT_SAY_APPLIED);
    }
    h->apply_ms = bt_clock_ms() - began;
    bt_fo_step_end(f, BT_FO_APPLY);
    return bt_fo_journal(f, BT_FO_APPLY, "done", h->index, err);
}

static void state_set(struct bt_failover *f, struct bt_fo_host *h, enum bt_fo_state state)
{
    pthread_mutex_lock(&f->gate.mutex);
    h->state = state;
    pthread_cond_broadcast(&f->gate.changed);
    pthread_mutex_unlock(&f->gate.mutex);
}

/* True when the new primary stands, false when there will be none.  CHANGE MASTER drops a replica's
 * relay logs, so it waits until nobody can need them any more. */
static bool gate_wait_open(struct bt_failover *f)
{
    bool open;

    pthread_mutex_lock(&f->gate.mutex);
    while (!f->gate.is_shut && (!f->gate.is_open || f->gate.building))
        pthread_cond_wait(&f->gate.changed, &f->gate.mutex);
    open = f->gate.is_open;
    pthread_mutex_unlock(&f->gate.mutex);
    return open;
}

/* The password of the replication user: as configured, else CHANGE MASTER leaves it as it is. */
static void repoint_fill(struct bt_failover *f, struct bt_fo_host *h, struct bt_repoint *to)
{
    const struct bt_conf_server *winner = &f->config->servers[f->plan.winner];
    const struct bt_upstream *u = upstream(h);
    const struct bt_setting *set = h->conf->settings;
    const char *old_ip = f->config->servers[f->topology.primary].ip;

    assert(u); /* only replicas come here */
    *to = (struct bt_repoint){
        .host = strcmp(u->host, old_ip) == 0 ? winner->ip : winner->hostname,
        .port = winner->port,
        .user = bt_setting_is_set(set, BT_CONF_REPL_USER) ? bt_setting_text(set, BT_CONF_REPL_USER)
                                                          : NULL,
        .password = bt_setting_is_set(set, BT_CONF_REPL_PASSWORD)
                        ? bt_setting_text(set, BT_CONF_REPL_PASSWORD)
                        : NULL,
        .mode = u->mode,
        .place = f->position,
    };
}

/* By position nothing is fetched again: a replica that lacks something would lack it for good. */
static int has_all(struct bt_failover *f, struct bt_fo_host *h, struct bt_err *err)
{
    const struct bt_upstream *u = upstream(h);
    struct bt_gtid_state mine = {0}, needs = {0};
    int rc;

    if (!u || u->mode != BT_REPLICA_POSITION || h->db->facts.flavor != BT_FLAVOR_MARIADB ||
        !f->slave_gtid[0])
        return 0;
    rc = bt_gtid_state_parse(bt_slice_str(h->db->facts.gtid_slave_pos), &mine, err);
    rc = rc == 0 ? bt_gtid_state_parse(bt_slice_str(f->slave_gtid), &needs, err) : rc;
    if (rc == 0 && bt_gtid_state_compare(&mine, &needs) == BT_RANK_LESS)
        rc = bt_fail(err, BT_ERR_CONFLICT,
                     "%s is at GTID %s and what it lacks up to %s cannot be read; not repointed",
                     h->conf->name, h->db->facts.gtid_slave_pos, f->slave_gtid);
    bt_gtid_state_done(&mine);
    bt_gtid_state_done(&needs);
    return rc;
}

static int repoint(struct bt_failover *f, struct bt_fo_host *h, struct bt_err *err)
{
    struct bt_deadline until = bt_deadline_in(bt_fo_step_ms(BT_FO_REPOINT));
    int64_t began = bt_clock_ms();
    struct bt_repoint to;

    if (!bt_fo_database(f, h->index, until, err))
        return -1;
    if (!upstream(h))
        return bt_fail(err, BT_ERR_REALITY, "%s is no replica any more", h->conf->name);
    if (has_all(f, h, err) != 0)
        return -1;
    if (bt_fo_journal(f, BT_FO_REPOINT, "begin", h->index, err) != 0)
        return -1;
    repoint_fill(f, h, &to);
    if (bt_database_repoint(h->db, h->link, &to, until, err) != 0)
        return -1;
    bt_crash_point("in-repoint");
    /* CHANGE MASTER switches relay_log_purge on by itself; it stays as it was.  super_read_only was
     * given back already, unless the one who took it was killed. */
    if (bt_database_set_relay_log_purge(h->db, h->relay_log_purge_was, until, err) != 0 ||
        bt_fo_semisync_restore(h, until, err) != 0 ||
        (h->super_read_only_was &&
         bt_database_set_super_read_only(h->db, true, until, err) != 0) ||
        bt_database_start(h->db, h->link, until, err) != 0 ||
        bt_database_wait_running(h->db, h->link, until, err) != 0)
        return -1;
    h->repoint_ms = bt_clock_ms() - began;
    bt_info("%s:" BT_SAY_SLAVE_STARTED, h->conf->name);
    return bt_fo_journal(f, BT_FO_REPOINT, "done", h->index, err);
}

static void *complete_thread(void *arg)
{
    struct bt_fo_host *h = arg;
    struct bt_failover *f = h->failover;
    struct bt_err err = {0};
    bool is_first = bt_fo_winner(f) == h->index;
    int rc;

    if (!is_first)
        gate_wait_winner_built(f);
    rc = complete(f, h, &err);
    if (is_first)
        gate_winner_built(f);
    if (rc != 0)
        bt_fo_fail(f, h->index, BT_FO_APPLY, &err);
    state_set(f, h, rc == 0 ? BT_FO_COMPLETED : BT_FO_FAILED);
    if (rc != 0 || !gate_wait_open(f) || bt_fo_winner(f) == h->index)
        return NULL;
    bt_fo_step_begin(f, BT_FO_REPOINT);
    rc = repoint(f, h, &err);
    bt_fo_step_end(f, BT_FO_REPOINT);
    if (rc != 0)
        bt_fo_fail(f, h->index, BT_FO_REPOINT, &err);
    state_set(f, h, rc == 0 ? BT_FO_FOLLOWS : BT_FO_FAILED);
    return NULL;
}

/* An applier that stopped on an error cannot take what it lacks: said, and left to its owner. */
static bool can_be_completed(struct bt_failover *f, size_t i)
{
    const struct bt_upstream *u = upstream(&f->hosts[i]);
    struct bt_err err = {0};

    if (!u || u->sql != BT_THREAD_NO || !u->sql_errno || bt_upstream_log_is_broken(u))
        return true;
    bt_fail(&err, BT_ERR_REMOTE, "its applier stopped at %s:%llu: error %u: %s", u->executed.file,
            (unsigned long long)u->executed.pos, u->sql_errno, u->sql_error);
    bt_fo_fail(f, i, BT_FO_DRAIN, &err);
    return false;
}

void bt_fo_complete_start(struct bt_failover *f)
{
    for (size_t i = 0; i < f->count; i++) {
        struct bt_fo_host *h = &f->hosts[i];

        if (h->state != BT_FO_FROZEN || !can_be_completed(f, i))
            continue;
        h->failover = f;
        pthread_mutex_lock(&f->gate.mutex);
        f->gate.building++;
        pthread_mutex_unlock(&f->gate.mutex);
        h->thread_started = pthread_create(&h->thread, NULL, complete_thread, h) == 0;
        if (!h->thread_started) {
            struct bt_err err = {0};

            gate_has_built(f);
            bt_fail(&err, BT_ERR_SYSTEM, "could not start a thread");
            bt_fo_fail(f, i, BT_FO_APPLY, &err);
        }
    }
}

void bt_fo_complete_join(struct bt_failover *f)
{
    pthread_mutex_lock(&f->gate.mutex);
    f->gate.is_shut = !f->gate.is_open;
    f->gate.winner_built = true;
    pthread_cond_broadcast(&f->gate.changed);
    pthread_mutex_unlock(&f->gate.mutex);
    for (size_t i = 0; i < f->count; i++)
        if (f->hosts[i].thread_started) {
            pthread_join(f->hosts[i].thread, NULL);
            f->hosts[i].thread_started = false;
        }
}

static enum bt_fo_state winner_wait(struct bt_failover *f)
{
    enum bt_fo_state state;

    pthread_mutex_lock(&f->gate.mutex);
    while (f->hosts[f->plan.winner].state == BT_FO_FROZEN)
        pthread_cond_wait(&f->gate.changed, &f->gate.mutex);
    state = f->hosts[f->plan.winner].state;
    pthread_mutex_unlock(&f->gate.mutex);
    return state;
}

/* Nothing that a replica has received whole may be missing on the winner, whatever built it. */
static int winner_check(struct bt_failover *f, struct bt_err *err)
{
    const struct bt_fo_host *w = &f->hosts[f->plan.winner];
    struct bt_gtid_state has = {0}, needs = {0};
    int rc = bt_gtid_state_parse(bt_slice_str(w->db->facts.gtid_slave_pos), &has, err);

    for (size_t i = 0; rc == 0 && i < f->count; i++) {
        if (i == f->plan.winner || !f->plan.servers[i].takes_part || !f->holdings[i].gtid[0] ||
            w->db->facts.flavor != BT_FLAVOR_MARIADB)
            continue;
        rc = bt_gtid_state_parse(bt_slice_str(f->holdings[i].gtid), &needs, err);
        if (rc == 0 && bt_gtid_state_compare(&has, &needs) == BT_RANK_LESS)
            rc = bt_fail(err, BT_ERR_CONFLICT, "%s is at GTID %s, but %s has received %s",
                         w->conf->name, w->db->facts.gtid_slave_pos, f->config->servers[i].name,
                         f->holdings[i].gtid);
        bt_gtid_state_done(&needs);
    }
    bt_gtid_state_done(&has);
    return rc;
}

/* Waits for the winner; 0 when it holds all. */
static int winner_take(struct bt_failover *f, struct bt_err *err)
{
    if (winner_wait(f) == BT_FO_COMPLETED)
        return winner_check(f, err);
    *err = f->hosts[f->plan.winner].err;
    return -1;
}

int bt_fo_complete(struct bt_failover *f, struct bt_err *err)
{
    bt_info(BT_PHASE_3_4);
    bt_fo_complete_start(f);
    while (winner_take(f, err) != 0) {
        size_t failed = f->plan.winner;
        struct bt_err why = *err;

        bt_fo_note(f, "%s failed before it took writes: %s. Choosing again.",
                   f->config->servers[failed].name, why.text);
        f->dropped[failed] = true;
        f->wanted_winner = SIZE_MAX;
        for (size_t i = 0; i < f->count; i++) {
            pthread_mutex_lock(&f->gate.mutex);
            f->dropped[i] = f->dropped[i] || f->hosts[i].state == BT_FO_FAILED;
            pthread_mutex_unlock(&f->gate.mutex);
        }
        if (bt_fo_decide(f, err) != 0)
            return bt_err_wrap(err, "after %s failed (%s)", f->config->servers[failed].name,
                               why.text);
    }
    bt_crash_point("after-apply");
    return 0;
}
