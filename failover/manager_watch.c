/* SPDX-License-Identifier: Apache-2.0 */
/* Watching: what the lookout sees becomes verdicts, log lines in MHA's words, and orders. */
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/notify.h"
#include "failover/manager_priv.h"
#include "failover/phrases.h"

enum {
    ROUND_MS = 1000,
    SUSPECT_LOOK_MS = 20, /* between two looks at the evidence, under suspicion */
    HEALTHY_LOOK_MS = 250,
    LOCK_TAKEN_MS = 3000, /* a lock of ours that was, released a moment late, is no other manager */
    BEGIN_MS = 5000,
    ELSEWHERE_ROUNDS = 3,
    FAILURES_VOTES = 3,
    FAILURES_COUNT = 4, /* MHA's */
};

static const char *primary_name(const struct bt_manager *m)
{
    return m->config.servers[m->topology.primary].name;
}

static const char *ping_name(const struct bt_manager *m)
{
    return bt_conf_choices(
        BT_CONF_PING_TYPE)[bt_setting_number(m->config.settings, BT_CONF_PING_TYPE)];
}

/* ------------------------------------------------------------------ verdicts */

static void failure_say(struct bt_manager *m)
{
    const struct bt_evidence *e = &m->evidence;

    if (e->failures == m->told_failures)
        return;
    m->told_failures = e->failures;
    if (e->failures > FAILURES_COUNT && (e->failures & (e->failures - 1)))
        return; /* 8, 16, 32 ...: a log is no metronome */
    if (e->failures == 1)
        bt_warning(BT_SAY_PING_ERROR, ping_name(m), e->last.number, e->text);
    else if (e->failures > 1)
        bt_warning(BT_SAY_CONNECT_ERROR, e->last.number, e->text);
    if (e->failures > 1)
        bt_warning(BT_SAY_CONNECT_FAILED, e->failures);
}

static void healthy_say(struct bt_manager *m)
{
    if (!m->has_pinged)
        bt_info(BT_SAY_PING_OK, ping_name(m));
    else if (m->told == BT_VERDICT_SUSPECT || m->told == BT_VERDICT_DEAD)
        bt_info("%s answers again.", primary_name(m));
    m->has_pinged = true;
}

/* Once everybody was asked, or time is up for who does not answer, there is something to tell. */
static bool has_begun(struct bt_manager *m)
{
    struct bt_sight primary;

    if (m->code == BT_HEALTH_PING_OK)
        return true;
    bt_lookout_sight(m->lookout, m->topology.primary, &primary);
    return !primary.lock_is_taken && (bt_lookout_has_seen_all(m->lookout) ||
                                      bt_clock_ms() - m->began_ms >= BEGIN_MS);
}

static void verdict_say(struct bt_manager *m)
{
    const struct bt_judgement *j = &m->judgement;

    if (j->verdict == BT_VERDICT_HEALTHY && !m->evidence.has_last)
        return; /* nothing is known yet */
    if (j->verdict != m->told || !m->has_pinged) {
        if (j->verdict == BT_VERDICT_HEALTHY)
            healthy_say(m);
        else if (j->verdict == BT_VERDICT_REFUSING)
            bt_warning(BT_SAY_REFUSING, m->evidence.last.number, m->evidence.text);
        else
            m->has_pinged = true;
        m->told = j->verdict;
    }
    failure_say(m);
    if (j->verdict == BT_VERDICT_HEALTHY || j->verdict == BT_VERDICT_REFUSING) {
        if (has_begun(m))
            bt_manager_state(m, BT_HEALTH_PING_OK);
    } else if (m->code != BT_HEALTH_FAILOVER_ERROR)
        bt_manager_state(m, BT_HEALTH_PING_FAILING);
}

static void judge(struct bt_manager *m)
{
    bt_lookout_evidence(m->lookout, &m->evidence);
    bt_watch_judge(&m->watch, &m->evidence, bt_clock_ms(), &m->judgement);
    if (m->judgement.wants_votes != m->is_asking) {
        m->is_asking = m->judgement.wants_votes;
        bt_lookout_ask_now(m->lookout, m->is_asking);
    }
    if (m->judgement.wants_secondary)
        bt_lookout_ask_secondary(m->lookout);
}

/* -------------------------------------------------------------------- rounds */

/* A server's trouble is told when it comes, when it changes and when it goes. */
static void trouble_look(struct bt_manager *m, size_t i, const struct bt_sight *s)
{
    char text[256];

    if (i != m->topology.primary)
        bt_sight_trouble(s, &m->config, m->topology.primary, text, sizeof(text));
    else
        snprintf(text, sizeof(text), "%s",
                 s->life != BT_LIFE_ALIVE ? ""
                 : s->read_only           ? "the primary is read-only"
                 : s->semisync_fell_back
                     ? "semi-sync has fallen back to asynchronous replication: commits are "
                       "acknowledged that no replica has received"
                     : "");
    if (!text[0] && m->config.servers[i].has_node && !s->has_node && s->node_error[0])
        snprintf(text, sizeof(text), "its host cannot be used: %.200s", s->node_error);
    if (strcmp(text, m->trouble[i]) == 0)
        return;
    if (text[0])
        bt_warning("%s: %s", m->config.servers[i].name, text);
    else
        bt_info("%s is well again.", m->config.servers[i].name);
    snprintf(m->trouble[i], sizeof(m->trouble[i]), "%s", text);
}

static void sights_take(struct bt_manager *m, struct bt_sight *sights)
{
    for (size_t i = 0; i < m->config.server_count; i++)
        bt_lookout_sight(m->lookout, i, &sights[i]);
}

/* An old primary that came back writable is closed, also one that replicates (a co-primary): there
 * is one writer. */
static void returned_look(struct bt_manager *m, size_t i, const struct bt_sight *s)
{
    if (m->was_replaced[i] && s->life == BT_LIFE_ALIVE && !s->read_only)
        bt_lookout_order_read_only(m->lookout, i);
}

static void vips_look(struct bt_manager *m, const struct bt_sight *sights)
{
    struct bt_vip_todo *todo = calloc(BT_VIP_TODO_MAX, sizeof(*todo));
    size_t count =
        todo ? bt_vip_watch_round(&m->vips, &m->config, m->topology.primary, sights, todo) : 0;

    for (size_t n = 0; n < count; n++)
        bt_lookout_order_vip(m->lookout, todo[n].host, todo[n].vip, todo[n].order);
    free(todo);
}

/* Somebody has made another primary: the replicas follow it and it lives, or this one is not well,
 * nobody follows it, and another one takes writes. */
static bool is_elsewhere(struct bt_manager *m, const struct bt_sight *sights)
{
    bool is_well = m->judgement.verdict == BT_VERDICT_HEALTHY ||
                   m->judgement.verdict == BT_VERDICT_REFUSING;
    size_t here = 0, there = 0;

    for (size_t i = 0; i < m->config.server_count; i++) {
        if (sights[i].life != BT_LIFE_ALIVE)
            continue;
        if (!sights[i].has_upstream) {
            there += !is_well && i != m->topology.primary && !m->was_replaced[i] &&
                     !sights[i].read_only;
            continue;
        }
        here += sights[i].upstream == m->topology.primary;
        there += sights[i].upstream != SIZE_MAX && i != m->topology.primary &&
                 sights[i].upstream != m->topology.primary &&
                 !sights[sights[i].upstream].has_upstream &&
                 sights[sights[i].upstream].life == BT_LIFE_ALIVE;
    }
    m->elsewhere_rounds = there && !here ? m->elsewhere_rounds + 1 : 0;
    return m->elsewhere_rounds >= ELSEWHERE_ROUNDS;
}

/* Another manager, MHA's or ours, watches the same primary. */
static bool is_taken(struct bt_manager *m, const struct bt_sight *primary)
{
    int64_t now = bt_clock_ms();

    if (!primary->lock_is_taken) {
        m->lock_taken_since_ms = 0;
        m->has_held_lock = true;
        return false;
    }
    if (!m->lock_taken_since_ms)
        m->lock_taken_since_ms = now;
    return now - m->lock_taken_since_ms >= LOCK_TAKEN_MS;
}

/* Once a second: everybody else.  STOP: nothing is to be done. */
static enum bt_watch_end round_look(struct bt_manager *m, struct bt_err *err)
{
    struct bt_sight *sights = calloc(BT_SERVERS_MAX, sizeof(*sights));
    enum bt_watch_end end = BT_WATCH_STOP;

    m->round_ms = bt_clock_ms();
    if (m->retired && bt_lookout_has_ended(m->retired)) {
        bt_lookout_free(m->retired);
        m->retired = NULL;
    }
    if (!sights)
        return end;
    sights_take(m, sights);
    for (size_t i = 0; i < m->config.server_count; i++) {
        trouble_look(m, i, &sights[i]);
        if (i != m->topology.primary)
            returned_look(m, i, &sights[i]);
    }
    if (m->judgement.verdict == BT_VERDICT_HEALTHY && m->evidence.has_last) {
        vips_look(m, sights);
        if (is_taken(m, &sights[m->topology.primary])) {
            bt_fail(err, BT_ERR_CONFLICT, BT_SAY_MONITOR_LOCKED);
            end = BT_WATCH_FAILED;
        }
    }
    /* also behind one that is dead: somebody has finished by hand what this manager could not */
    if (end == BT_WATCH_STOP && is_elsewhere(m, sights)) {
        bt_info("There is another primary now.");
        end = BT_WATCH_REARM;
    }
    free(sights);
    return end;
}

/* ------------------------------------------------------------------------ watch */

/* Whether the guards allow a failover now; a refusal is told once. */
static bool is_allowed(struct bt_manager *m)
{
    struct bt_failover_opts opts = {.ignore_last_failover = m->opts->ignore_last_failover,
                                    .last_failover_minutes = m->opts->last_failover_minutes};
    struct bt_err err = {0};

    if (bt_clock_ms() < m->attempt_after_ms)
        return false;
    if (bt_failover_is_allowed(&m->config, &opts, &err) == 0) {
        bt_err_clear(&m->refusal);
        return true;
    }
    if (strcmp(err.text, m->refusal.text) != 0)
        bt_error("%s", err.text);
    m->refusal = err;
    bt_manager_state(m, BT_HEALTH_FAILOVER_ERROR);
    return false;
}

static void watch_begin(struct bt_manager *m)
{
    bool is_count = bt_setting_number(m->config.settings, BT_CONF_DETECTION) == BT_DETECTION_COUNT;
    uint64_t failures = bt_setting_number(m->config.settings, BT_CONF_PING_FAILURES);

    m->watch = (struct bt_watch_opts){
        .detection = is_count ? BT_DETECTION_COUNT : BT_DETECTION_VOTES,
        .interval_ms = (int64_t)bt_setting_number(m->config.settings, BT_CONF_PING_INTERVAL),
        .failures = failures ? (unsigned)failures : is_count ? FAILURES_COUNT
                                                             : FAILURES_VOTES,
        .has_secondary = bt_setting_is_set(m->config.settings, BT_CONF_SECONDARY_CHECK_SCRIPT),
    };
    m->judgement = (struct bt_judgement){0};
    m->told = BT_VERDICT_HEALTHY;
    m->told_failures = 0;
    m->is_asking = false;
    m->has_pinged = false;
    m->began_ms = m->round_ms = bt_clock_ms();
    m->lock_taken_since_ms = 0;
    m->elsewhere_rounds = 0;
    m->vips = (struct bt_vip_watch){0};
    bt_info(BT_SAY_STARTING_PING, primary_name(m));
}

static void ready_say(struct bt_manager *m)
{
    if (m->was_armed || !m->evidence.has_last || !has_begun(m))
        return;
    bt_notify("READY=1");
    m->was_armed = true;
}

enum bt_watch_end bt_manager_watch(struct bt_manager *m, struct bt_err *err)
{
    watch_begin(m);
    for (;;) {
        bool is_calm = m->judgement.verdict == BT_VERDICT_HEALTHY ||
                       m->judgement.verdict == BT_VERDICT_REFUSING;

        bt_manager_poll(m, is_calm ? HEALTHY_LOOK_MS : SUSPECT_LOOK_MS);
        if (m->must_stop)
            return BT_WATCH_STOP;
        if (m->hold_fd >= 0)
            return BT_WATCH_HELD;
        if (m->must_reload)
            return BT_WATCH_RELOAD;
        judge(m);
        verdict_say(m);
        ready_say(m);
        if (m->judgement.verdict == BT_VERDICT_DEAD) {
            if (m->opts->dead || is_allowed(m))
                return BT_WATCH_DEAD;
            if (m->opts->once && m->refusal.kind != BT_ERR_NONE) {
                *err = m->refusal;
                return BT_WATCH_FAILED;
            }
        }
        if (bt_clock_ms() - m->round_ms >= ROUND_MS) {
            enum bt_watch_end end = round_look(m, err);

            if (end != BT_WATCH_STOP)
                return end;
        }
    }
}
