/* SPDX-License-Identifier: Apache-2.0 */
/* If the primary died now: who, how soon, what could be lost, what stands in the way. */
#include <inttypes.h>
#include <stdio.h>

#include "failover/check_priv.h"

/* A failover asks each server a few times, one host after the other nowhere, and adds an address
 * after listening for its holder (300 ms). */
enum { ROUNDS = 6,
       ADDRESS_MS = 350,
       VOTES_MS = 200,
       SILENT_MIN_MS = 1000,
       FAILURES_VOTES = 3,
       FAILURES_COUNT = 4 };

static void lines(struct bt_check_finder *f, enum bt_check_level level, const char *name,
                  struct bt_buf *text)
{
    const char *line = bt_buf_str(text);

    while (*line) {
        size_t len = strcspn(line, "\n");

        bt_check_add(f, level, name, SIZE_MAX, NULL, "%.*s", (int)len, line);
        line += len + (line[len] == '\n');
    }
}

static void times(struct bt_check_finder *f, struct bt_check_outlook *o)
{
    const struct bt_check_facts *facts = f->facts;
    const struct bt_setting *set = facts->config->settings;
    int64_t ping = (int64_t)bt_setting_number(set, BT_CONF_PING_INTERVAL), slowest = 1, failures;
    bool by_count = bt_setting_number(set, BT_CONF_DETECTION) == BT_DETECTION_COUNT;
    const struct bt_upstream *u;

    for (size_t i = 0; i < facts->config->server_count; i++)
        if (o->plan.servers[i].takes_part && facts->servers[i].asked_ms > slowest)
            slowest = facts->servers[i].asked_ms;
    failures = (int64_t)bt_setting_number(set, BT_CONF_PING_FAILURES);
    if (failures == 0)
        failures = by_count ? FAILURES_COUNT : FAILURES_VOTES;
    /* watch.h: a session that the server closes is pinged at once, and the replicas vote. */
    o->noticed_killed_ms = by_count ? failures * ping : VOTES_MS;
    o->noticed_silent_ms = by_count ? (failures + 1) * ping : failures * ping;
    if (o->noticed_silent_ms < SILENT_MIN_MS)
        o->noticed_silent_ms = SILENT_MIN_MS;
    o->handover_ms = ROUNDS * slowest + (facts->config->vip_count ? ADDRESS_MS : 0);
    u = o->plan.winner == SIZE_MAX
            ? NULL
            : bt_topology_link(&facts->topology, facts->servers, o->plan.winner);
    if (!u)
        return;
    if (u->lag_seconds > 0)
        o->handover_ms += u->lag_seconds * 1000;
    if (strcmp(u->read.file, u->executed.file) == 0 && u->read.pos > u->executed.pos)
        o->unapplied_bytes = u->read.pos - u->executed.pos;
}

/* What the primary has and no replica has received, where that can be told by subtraction. */
static void unsent(struct bt_check_finder *f, struct bt_check_outlook *o)
{
    const struct bt_coordinate *end = &f->facts->servers[o->plan.primary].binlog;
    const struct bt_coordinate *latest;

    if (o->plan.latest == SIZE_MAX || !bt_facts_is_alive(&f->facts->servers[o->plan.primary]))
        return;
    latest = &f->facts->holdings[o->plan.latest].received;
    if (strcmp(latest->file, end->file) != 0)
        return;
    o->unsent_known = true;
    o->unsent_bytes = end->pos > latest->pos ? end->pos - latest->pos : 0;
}

/* One look: whoever waits now may have begun long ago; that nobody does is the rule. */
static void semisync_now(const struct bt_check_sql *primary, struct bt_semisync_end *ret)
{
    struct bt_semisync seen = {0};

    if (primary->has_semisync)
        bt_semisync_take(&seen, &primary->semisync);
    bt_semisync_end(&seen, primary->semisync.answered_ms, ret);
}

void bt_check_find_failover(struct bt_check_finder *f)
{
    const struct bt_check_facts *facts = f->facts;
    struct bt_check_outlook *o = &f->report->outlook;
    struct bt_server_facts servers[BT_SERVERS_MAX];
    struct bt_semisync_end semisync = {.text = "it was not asked"};
    struct bt_plan_input in = {.config = facts->config,
                               .facts = servers,
                               .topology = &facts->topology,
                               .holdings = facts->holdings,
                               .dead = &facts->dead,
                               .forced_winner = SIZE_MAX,
                               .semisync = &semisync};

    if (!facts->has_topology) {
        bt_check_add(f, BT_CHECK_ERROR, "no-plan", SIZE_MAX, NULL,
                     "what a failover would do cannot be told: there is no primary to replace");
        return;
    }
    memcpy(servers, facts->servers, facts->config->server_count * sizeof(servers[0]));
    servers[facts->topology.primary].life = BT_LIFE_DEAD;
    servers[facts->topology.primary].error = "assumed for this plan";
    semisync_now(&facts->sql[facts->topology.primary], &semisync);
    bt_plan_decide(&in, &o->plan);
    o->known = true;
    times(f, o);
    unsent(f, o);
    lines(f, BT_CHECK_ERROR, "plan-blocked", &o->plan.blockers);
    if (o->plan.winner == SIZE_MAX && o->plan.blockers.len == 0)
        bt_check_add(f, BT_CHECK_ERROR, "plan-nobody", SIZE_MAX, NULL,
                     "no replica could become the primary");
    lines(f, BT_CHECK_WARNING, "plan-warning", &o->plan.warnings);
    lines(f, BT_CHECK_WARNING, "plan-lost", &o->plan.lost);
    if (!facts->dead.logs_found && o->plan.lost.len == 0)
        bt_check_add(f, BT_CHECK_WARNING, "plan-no-rescue", SIZE_MAX, NULL,
                     "what the primary had not sent could not be saved: its binary logs are not "
                     "readable from here");
}
