/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.h - the decision of a failover, a pure function: facts in, plan out.
 *
 *     bt_plan_decide(&input, &plan)      never fails: what stands in the way is in plan.blockers
 *     bt_plan_text / bt_plan_json        what --dry-run prints
 *
 * The same function decides before the freeze (from what the servers say) and behind it (from
 * what their logs hold); only the second plan is carried out.
 *
 * Election, MHA's order (MHA 0.58 ServerManager.pm): a forced winner; else the first in the order
 * latest and candidate, candidate, latest, any; with latest_priority=0 candidate, any; in each step
 * in the order of the configuration.  Never electable: no_master, no binary log of its own, a
 * newer major version than another living replica, missing privileges, a stopped applier, received
 * data that fork from the others'.  Where MHA refuses for good what is only slow (applier far
 * behind, MASTER_DELAY), such a server is elected when nobody else is left.
 */
#ifndef BT_FAILOVER_PLAN_H
#define BT_FAILOVER_PLAN_H

#include "base/json.h"
#include "failover/semisync.h"
#include "failover/topology.h"

struct bt_plan_input {
    const struct bt_config *config;
    const struct bt_server_facts *facts; /* one per server of the configuration */
    const struct bt_topology *topology;
    const struct bt_holding *holdings; /* one per server; those of non-replicas are not looked at */
    const struct bt_dead_host *dead;
    size_t forced_winner; /* SIZE_MAX = elect */
    const bool *dropped;  /* one per server: failed on the way, take no part; NULL = none */
    /* how the dead primary's semi-sync was at its end; NULL = not known */
    const struct bt_semisync_end *semisync;
};

enum bt_standing {
    BT_STANDING_OUTSIDE, /* no living replica of the primary: takes no part */
    BT_STANDING_REFUSED, /* completed and repointed, but may not be the primary */
    /* electable when nobody else is: far behind, or without a way to its host */
    BT_STANDING_SLOW,
    BT_STANDING_ELECTABLE,
    BT_STANDING_WINNER,
};

enum bt_election_rule {
    BT_RULE_NONE,
    BT_RULE_FORCED,
    BT_RULE_LATEST_CANDIDATE,
    BT_RULE_CANDIDATE,
    BT_RULE_LATEST,
    BT_RULE_ANY,
    BT_RULE_SLOW, /* everybody stands so */
};

/* What one replica lacks, known when its diff log was built (or measured for a dry run). */
struct bt_plan_lack {
    bool known;
    uint64_t transactions, bytes;
    char first[104], last[104]; /* GTID or file:pos, "" = none */
    char sources[256];          /* from whom, by commas */
};

struct bt_plan_server {
    enum bt_standing standing;
    char reason[256]; /* why it is not the winner; for the winner, why it is */
    unsigned rank;    /* 1 = received most; 0 = not ranked */
    bool latest;
    bool takes_part; /* is completed and repointed (or is the winner) */
    struct bt_plan_lack lack;
};

/* Which transactions the dead primary had acknowledged to its clients (semisync.h). */
struct bt_plan_acks {
    struct bt_semisync_acks unsent; /* those that no replica has received */
    /* of the replicas that acknowledge, who received most; SIZE_MAX */
    size_t furthest;
    bool acknowledges[BT_SERVERS_MAX];
};

struct bt_plan {
    size_t count;
    size_t primary;
    size_t winner;         /* SIZE_MAX = nobody */
    size_t latest, oldest; /* among the replicas by what they received; SIZE_MAX = none */
    enum bt_election_rule rule;
    struct bt_plan_server servers[BT_SERVERS_MAX];
    struct bt_buf blockers; /* one line each; empty = it may go on */
    struct bt_buf warnings; /* one line each */
    /* sentences: what cannot be saved, and why; empty = nothing is known lost */
    struct bt_buf lost;
    struct bt_plan_acks acks;
};

/* The plan is to be done with bt_plan_done(), whatever it says. */
void bt_plan_decide(const struct bt_plan_input *in, struct bt_plan *ret);
void bt_plan_done(struct bt_plan *plan);
#define bt_auto_plan BT_AUTO(bt_plan_done)

static inline bool bt_plan_may_go_on(const struct bt_plan *plan)
{
    return plan->blockers.len == 0 && plan->winner != SIZE_MAX;
}

const char *bt_standing_name(enum bt_standing standing);
const char *bt_rule_text(enum bt_election_rule rule);

/* For people, at most 100 columns. */
void bt_plan_text(const struct bt_plan_input *in, const struct bt_plan *plan, struct bt_buf *out);

/* The same as one JSON object. */
void bt_plan_json(const struct bt_plan_input *in, const struct bt_plan *plan, struct bt_json *out);

#endif
