/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "diff/rank.h"

/* MHA refuses a candidate whose applier is this far behind what the latest replica has received. */
enum { BEHIND_MAX = 100 * 1000 * 1000, TEXT_MAX = 64 * 1024 };

/* ------------------------------------------------------------------- ranking */

struct ranking {
    struct bt_rank_item items[BT_SERVERS_MAX];
    struct bt_gtid_state states[BT_SERVERS_MAX];
    size_t server[BT_SERVERS_MAX]; /* of an item */
    size_t count;
};

static void ranking_add(struct ranking *r, size_t server, const struct bt_holding *h)
{
    struct bt_rank_item *item = &r->items[r->count];
    struct bt_err err = {0};

    *item = (struct bt_rank_item){.received = h->received, .fork_with = SIZE_MAX};
    r->states[r->count] = (struct bt_gtid_state){0};
    if (h->gtid[0] && bt_gtid_state_parse(bt_slice_str(h->gtid), &r->states[r->count], &err) == 0)
        item->gtid = &r->states[r->count];
    r->server[r->count++] = server;
}

static void ranking_run(const struct bt_plan_input *in, struct bt_plan *plan, struct ranking *r)
{
    size_t order[BT_SERVERS_MAX];

    r->count = 0;
    for (size_t i = 0; i < plan->count; i++)
        if (plan->servers[i].takes_part && in->holdings[i].known)
            ranking_add(r, i, &in->holdings[i]);
    if (r->count == 0)
        return;
    bt_rank_run(r->items, r->count, order);
    for (size_t k = 0; k < r->count; k++) {
        plan->servers[r->server[k]].rank = r->items[k].rank;
        plan->servers[r->server[k]].latest = r->items[k].latest;
    }
    plan->latest = r->server[order[0]];
    plan->oldest = r->server[order[r->count - 1]];
}

static void ranking_done(struct ranking *r)
{
    for (size_t k = 0; k < r->count; k++)
        bt_gtid_state_done(&r->states[k]);
}

static const struct bt_rank_item *ranked(const struct ranking *r, size_t server)
{
    for (size_t k = 0; k < r->count; k++)
        if (r->server[k] == server)
            return &r->items[k];
    return NULL;
}

/* ------------------------------------------------------------------ standings */

static void stand(struct bt_plan_server *s, enum bt_standing standing, const char *fmt, ...)
    BT_PRINTF(3, 4);

static void stand(struct bt_plan_server *s, enum bt_standing standing, const char *fmt, ...)
{
    va_list args;

    s->standing = standing;
    va_start(args, fmt);
    vsnprintf(s->reason, sizeof(s->reason), fmt, args);
    va_end(args);
}

/* Who takes part: living replicas of the primary that were not dropped on the way. */
static void outsiders_find(const struct bt_plan_input *in, struct bt_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        struct bt_plan_server *s = &plan->servers[i];
        const struct bt_server_facts *f = &in->facts[i];

        s->takes_part =
            in->topology->role[i] == BT_ROLE_REPLICA && !(in->dropped && in->dropped[i]);
        if (i == in->topology->primary)
            stand(s, BT_STANDING_OUTSIDE, "it is the primary that is replaced");
        else if (in->dropped && in->dropped[i])
            stand(s, BT_STANDING_OUTSIDE, "it failed during this failover: %.180s", f->error);
        else if (f->life == BT_LIFE_DEAD)
            stand(s, BT_STANDING_OUTSIDE, "it is dead: %.200s", f->error);
        else if (f->life != BT_LIFE_ALIVE)
            stand(s, BT_STANDING_OUTSIDE, "it does not let us in: %.200s", f->error);
        else if (!s->takes_part)
            stand(s, BT_STANDING_OUTSIDE, "it is no replica of the primary (%s)",
                  bt_role_name(in->topology->role[i]));
    }
}

/* The oldest major version among the living replicas: a newer primary cannot feed it. */
static uint32_t oldest_version(const struct bt_plan_input *in, const struct bt_plan *plan)
{
    uint32_t oldest = UINT32_MAX;

    for (size_t i = 0; i < plan->count; i++)
        if (plan->servers[i].takes_part && in->facts[i].version_number / 100 < oldest)
            oldest = in->facts[i].version_number / 100;
    return oldest;
}

/* How many of the others its data fork from. */
static size_t forks_of(const struct ranking *r, size_t k)
{
    size_t count = 0;

    for (size_t other = 0; other < r->count; other++)
        count += other != k && bt_rank_compare(&r->items[k], &r->items[other]) == BT_RANK_FORKED;
    return count;
}

/* A fork has two sides: the one that fewer servers share is the odd one.  Two against each other
 * are both as good. */
static bool is_odd_one(const struct ranking *r, const struct bt_rank_item *item)
{
    size_t mine = forks_of(r, (size_t)(item - r->items));

    for (size_t k = 0; mine && k < r->count; k++)
        if (forks_of(r, k) < mine)
            return true;
    return false;
}

/* What makes a server unfit for good; true when it is. */
static bool refuse(const struct bt_plan_input *in, struct bt_plan *plan, const struct ranking *r,
                   size_t i)
{
    const struct bt_server_facts *f = &in->facts[i];
    const struct bt_upstream *u = bt_topology_link(in->topology, in->facts, i);
    const struct bt_rank_item *item = ranked(r, i);
    struct bt_plan_server *s = &plan->servers[i];
    uint32_t oldest = oldest_version(in, plan);

    if (in->config->servers[i].no_master)
        stand(s, BT_STANDING_REFUSED, "no_master is set for it");
    else if (!f->log_bin)
        stand(s, BT_STANDING_REFUSED, "it writes no binary log (log_bin is off)");
    else if (f->version_number / 100 > oldest)
        stand(s, BT_STANDING_REFUSED, "its version %.60s is newer than another replica's (%u.%u)",
              f->version, oldest / 100, oldest % 100);
    else if (f->privileges_missing[0])
        stand(s, BT_STANDING_REFUSED, "user \"%.40s\" lacks %.150s there",
              bt_setting_text(in->config->servers[i].settings, BT_CONF_USER),
              f->privileges_missing);
    else if (u && u->sql == BT_THREAD_NO && u->sql_errno && !bt_upstream_log_is_broken(u))
        stand(s, BT_STANDING_REFUSED, "its applier stopped: error %u: %.180s", u->sql_errno,
              u->sql_error);
    else if (!item)
        stand(s, BT_STANDING_REFUSED, "what it received is not known");
    else if (item->fork_with != SIZE_MAX && is_odd_one(r, item))
        stand(s, BT_STANDING_REFUSED, "its data fork from %.120s in GTID domain %u",
              in->config->servers[r->server[item->fork_with]].name, item->fork_domain);
    else
        return false;
    return true;
}

/* Whether what the latest replica has and i lacks can be brought to i at all. */
static bool can_be_completed(const struct bt_plan_input *in, const struct bt_plan *plan, size_t i)
{
    return plan->servers[i].latest || in->dead->logs_found || in->holdings[plan->latest].from_logs;
}

/* MHA's check_repl_delay, but never for good, and without its trap of comparing file names; and
 * what could only be promoted without its address. */
static bool is_second_choice(const struct bt_plan_input *in, struct bt_plan *plan, size_t i)
{
    const struct bt_upstream *u = bt_topology_link(in->topology, in->facts, i);
    const struct bt_coordinate *has = &in->holdings[i].executed;
    const struct bt_coordinate *latest = &in->holdings[plan->latest].received;
    struct bt_plan_server *s = &plan->servers[i];

    if (!can_be_completed(in, plan, i)) {
        stand(s, BT_STANDING_SLOW, "it received less than %.100s, whose logs cannot be read",
              in->config->servers[plan->latest].name);
        return true;
    }
    if (in->config->vip_count && !in->holdings[i].has_node) {
        stand(s, BT_STANDING_SLOW,
              "its host cannot be reached, so the address could not be put there");
        return true;
    }
    if (bt_setting_number(in->config->servers[i].settings, BT_CONF_CHECK_REPL_DELAY) == 0 || !u)
        return false;
    if (u->delay_seconds) {
        stand(s, BT_STANDING_SLOW, "it delays by %llu s (MASTER_DELAY)",
              (unsigned long long)u->delay_seconds);
        return true;
    }
    if (has->file[0] == '\0' || latest->file[0] == '\0')
        return false;
    if (strcmp(has->file, latest->file) == 0 ? latest->pos > has->pos + BEHIND_MAX
                                             : latest->pos > BEHIND_MAX) {
        stand(s, BT_STANDING_SLOW,
              "its applier is at %.60s:%llu, more than 100 MB behind %.60s:%llu", has->file,
              (unsigned long long)has->pos, latest->file, (unsigned long long)latest->pos);
        return true;
    }
    return false;
}

static void forks_say(const struct bt_plan_input *in, struct bt_plan *plan, const struct ranking *r)
{
    for (size_t k = 0; k < r->count; k++)
        if (r->items[k].fork_with != SIZE_MAX)
            bt_buf_addf(&plan->warnings,
                        "The data of %s fork from those of %s in GTID domain %u.\n",
                        in->config->servers[r->server[k]].name,
                        in->config->servers[r->server[r->items[k].fork_with]].name,
                        r->items[k].fork_domain);
}

static void standings_find(const struct bt_plan_input *in, struct bt_plan *plan,
                           const struct ranking *r)
{
    for (size_t i = 0; i < plan->count; i++) {
        struct bt_plan_server *s = &plan->servers[i];

        if (s->takes_part && !refuse(in, plan, r, i) && !is_second_choice(in, plan, i))
            stand(s, BT_STANDING_ELECTABLE, "electable");
    }
}

/* ------------------------------------------------------------------- election */

/* First in configuration order that stands so, is latest if wanted, and a candidate if wanted. */
static size_t pick(const struct bt_plan_input *in, const struct bt_plan *plan,
                   enum bt_standing standing, bool latest, bool candidate)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct bt_plan_server *s = &plan->servers[i];

        if (s->standing == standing && (!latest || s->latest) &&
            (!candidate || in->config->servers[i].candidate_master))
            return i;
    }
    return SIZE_MAX;
}

static void elect(const struct bt_plan_input *in, struct bt_plan *plan)
{
    bool by_latest = bt_setting_number(in->config->settings, BT_CONF_LATEST_PRIORITY) != 0;
    const struct {
        enum bt_election_rule rule;
        enum bt_standing standing;
        bool latest, candidate, skip;
    } turns[] = {
        {BT_RULE_LATEST_CANDIDATE, BT_STANDING_ELECTABLE, true, true, false},
        {BT_RULE_CANDIDATE, BT_STANDING_ELECTABLE, false, true, false},
        {BT_RULE_LATEST, BT_STANDING_ELECTABLE, true, false, !by_latest},
        {BT_RULE_ANY, BT_STANDING_ELECTABLE, false, false, false},
        {BT_RULE_SLOW, BT_STANDING_SLOW, false, true, false},
        {BT_RULE_SLOW, BT_STANDING_SLOW, by_latest, false, false},
        {BT_RULE_SLOW, BT_STANDING_SLOW, false, false, false},
    };

    for (size_t k = 0; k < sizeof(turns) / sizeof(turns[0]) && plan->winner == SIZE_MAX; k++) {
        if (turns[k].skip)
            continue;
        plan->winner = pick(in, plan, turns[k].standing, turns[k].latest, turns[k].candidate);
        plan->rule = turns[k].rule;
    }
    if (plan->winner == SIZE_MAX)
        plan->rule = BT_RULE_NONE;
}

static void forced(const struct bt_plan_input *in, struct bt_plan *plan)
{
    const struct bt_plan_server *s = &plan->servers[in->forced_winner];

    if (s->standing == BT_STANDING_ELECTABLE || s->standing == BT_STANDING_SLOW) {
        plan->winner = in->forced_winner;
        plan->rule = BT_RULE_FORCED;
        return;
    }
    bt_buf_addf(&plan->blockers, "%s cannot be the new primary: %s\n",
                in->config->servers[in->forced_winner].name, s->reason);
}

static void say_why_not(const struct bt_plan_input *in, struct bt_plan *plan)
{
    const struct bt_plan_server *won = &plan->servers[plan->winner];

    for (size_t i = 0; i < plan->count; i++) {
        struct bt_plan_server *s = &plan->servers[i];

        if (i == plan->winner)
            stand(s, BT_STANDING_WINNER, "%s", bt_rule_text(plan->rule));
        else if (s->standing != BT_STANDING_ELECTABLE)
            continue;
        else if (plan->rule == BT_RULE_FORCED)
            stand(s, s->standing, "another server was asked for");
        else if (in->config->servers[plan->winner].candidate_master &&
                 !in->config->servers[i].candidate_master)
            stand(s, s->standing, "it is no candidate_master, the winner is");
        else if (won->latest && !s->latest)
            stand(s, s->standing, "it received less than the winner");
        else
            stand(s, s->standing, "the winner stands before it in the configuration");
    }
}

/* --------------------------------------------------------------------- losses */

/* With semi-sync, what a client was told was received by somebody: by whom, and are they here? */
static void acks_find(const struct bt_plan_input *in, struct bt_plan *plan)
{
    static const struct bt_semisync_end unknown = {.text = "nobody watched it while it lived"};
    struct bt_semisync_receipts receipts = {0};
    struct bt_plan_acks *acks = &plan->acks;

    acks->furthest = SIZE_MAX;
    for (size_t i = 0; i < plan->count; i++) {
        acks->acknowledges[i] = plan->servers[i].takes_part && in->facts[i].acknowledges;
        if (!acks->acknowledges[i] || !in->holdings[i].known)
            continue;
        receipts.known++;
        if (acks->furthest == SIZE_MAX ||
            plan->servers[i].rank < plan->servers[acks->furthest].rank)
            acks->furthest = i;
    }
    bt_semisync_judge(in->semisync ? in->semisync : &unknown, &receipts, &acks->unsent);
}

/* What cannot be saved is said beforehand: nobody should find out from a missing order. */
static void losses_find(const struct bt_plan_input *in, struct bt_plan *plan)
{
    const struct bt_holding *latest = plan->latest == SIZE_MAX ? NULL : &in->holdings[plan->latest];
    const char *why = in->dead->node_reachable ? in->dead->logs_error : in->dead->node_error;

    if (!in->dead->logs_found && latest) {
        bt_buf_addf(&plan->lost,
                    "The binary logs of %s cannot be read (%s): transactions behind %s:%llu that "
                    "were not sent to "
                    "any replica are lost.\n",
                    in->config->servers[plan->primary].name, why[0] ? why : "none were found",
                    latest->received.file[0] ? latest->received.file : "?",
                    (unsigned long long)latest->received.pos);
        if (in->semisync)
            bt_buf_addf(&plan->lost, "%s\n", plan->acks.unsent.text);
    }
    for (size_t i = 0; i < plan->count; i++) {
        const struct bt_holding *h = &in->holdings[i];

        if (!plan->servers[i].takes_part)
            continue;
        if (h->known && !h->from_logs)
            bt_buf_addf(&plan->warnings,
                        "The logs of %s cannot be read (%s): only its own SQL answers count.\n",
                        in->config->servers[i].name, h->logs_error);
        else if (h->unfinished_bytes)
            bt_buf_addf(&plan->warnings, "%s: %llu bytes behind %s:%llu are not used: %s\n",
                        in->config->servers[i].name, (unsigned long long)h->unfinished_bytes,
                        h->received.file, (unsigned long long)h->received.pos, h->cut);
    }
}

static void blockers_find(const struct bt_plan_input *in, struct bt_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        const struct bt_server_facts *f = &in->facts[i];
        const struct bt_conf_server *s = &in->config->servers[i];

        if (i == plan->primary)
            continue;
        if (f->life != BT_LIFE_ALIVE && !s->ignore_fail)
            bt_buf_addf(&plan->warnings, "%s takes no part: %s\n", s->name,
                        plan->servers[i].reason);
        else if (in->topology->role[i] == BT_ROLE_ALONE && f->read_only)
            /* an old primary that has not come back as a replica yet */
            bt_buf_addf(
                &plan->warnings,
                "%s takes no part: it is read-only and replicates from nobody; baton rejoin "
                "makes it a replica\n",
                s->name);
        else if (in->topology->role[i] == BT_ROLE_LEFT)
            bt_buf_addf(&plan->warnings, "%s takes no part: %s\n", s->name,
                        plan->servers[i].reason);
        else if (in->topology->role[i] == BT_ROLE_ALONE ||
                 in->topology->role[i] == BT_ROLE_STRANGER)
            bt_buf_addf(&plan->blockers, "%s is alive and %s\n", s->name,
                        in->topology->role[i] == BT_ROLE_ALONE
                            ? "replicates from nobody: two primaries may not be"
                            : bt_role_name(in->topology->role[i]));
        else if (in->topology->role[i] == BT_ROLE_TIER &&
                 bt_setting_number(in->config->settings, BT_CONF_MULTI_TIER_SLAVE) == 0)
            bt_buf_addf(&plan->blockers,
                        "%s replicates from a replica; set multi_tier_slave=1 to leave it alone\n",
                        s->name);
        else if (plan->servers[i].takes_part && f->upstream_count > 1)
            bt_buf_addf(&plan->blockers, "%s replicates from %zu primaries; one is supported\n",
                        s->name, f->upstream_count);
    }
}

void bt_plan_decide(const struct bt_plan_input *in, struct bt_plan *ret)
{
    struct ranking *r = calloc(1, sizeof(*r));

    *ret = (struct bt_plan){
        .count = in->config->server_count,
        .primary = in->topology->primary,
        .winner = SIZE_MAX,
        .latest = SIZE_MAX,
        .oldest = SIZE_MAX,
    };
    bt_buf_init(&ret->blockers, TEXT_MAX);
    bt_buf_init(&ret->warnings, TEXT_MAX);
    bt_buf_init(&ret->lost, TEXT_MAX);
    if (!r) {
        bt_buf_add_str(&ret->blockers, "no memory to decide with\n");
        return;
    }
    outsiders_find(in, ret);
    ranking_run(in, ret, r);
    standings_find(in, ret, r);
    forks_say(in, ret, r);
    if (in->forced_winner != SIZE_MAX)
        forced(in, ret);
    else
        elect(in, ret);
    if (ret->winner == SIZE_MAX && ret->blockers.len == 0)
        bt_buf_add_str(&ret->blockers, "none of the existing replicas can be the new primary\n");
    if (ret->winner != SIZE_MAX)
        say_why_not(in, ret);
    blockers_find(in, ret);
    acks_find(in, ret);
    losses_find(in, ret);
    ranking_done(r);
    free(r);
}

void bt_plan_done(struct bt_plan *plan)
{
    bt_buf_done(&plan->blockers);
    bt_buf_done(&plan->warnings);
    bt_buf_done(&plan->lost);
}

const char *bt_standing_name(enum bt_standing standing)
{
    switch (standing) {
    case BT_STANDING_OUTSIDE: return "outside";
    case BT_STANDING_REFUSED: return "refused";
    case BT_STANDING_SLOW: return "last-choice";
    case BT_STANDING_ELECTABLE: return "electable";
    case BT_STANDING_WINNER: return "winner";
    }
    return "outside";
}

const char *bt_rule_text(enum bt_election_rule rule)
{
    switch (rule) {
    case BT_RULE_NONE: return "nobody can be elected";
    case BT_RULE_FORCED: return "it was asked for";
    case BT_RULE_LATEST_CANDIDATE: return "candidate_master, and nobody received more";
    case BT_RULE_CANDIDATE: return "candidate_master";
    case BT_RULE_LATEST: return "nobody received more";
    case BT_RULE_ANY: return "first in the configuration that can be";
    case BT_RULE_SLOW: return "it is no good choice, but nobody else can be";
    }
    return "nobody can be elected";
}
