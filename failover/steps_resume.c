/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A failover that was cut off is finished, from what its journal says.
 *
 * Forward, when somebody was promoted: the old primary is fenced once more, the address comes to
 * the new one, and who does not follow it yet is completed and repointed; who does is made to run.
 * Back, when nobody was and the primary lives: receivers run again, settings and address are given
 * back.  Else it starts over (failover.c).
 */
#include "failover/steps_resume.h"

#include <stdio.h>

#include "base/log.h"
#include "failover/each.h"

static size_t server_named(const struct bt_failover *f, const char *name)
{
    for (size_t i = 0; i < f->count; i++)
        if (strcmp(f->config->servers[i].name, name) == 0)
            return i;
    return SIZE_MAX;
}

/* --------------------------------------------------------------------- back */

/* The primary lives, so nothing that a restart of the threads drops is lost: it is sent again. */
static void give_back(size_t i, void *ctx)
{
    struct bt_failover *f = ctx;
    const struct bt_resume_host *was = bt_resume_host(f->resume, f->config->servers[i].name);
    struct bt_fo_host *h = &f->hosts[i];
    struct bt_deadline until = bt_deadline_in(bt_fo_step_ms(BT_FO_FREEZE));
    struct bt_err err = {0};

    if (!was || f->topology.role[i] != BT_ROLE_REPLICA || !bt_fo_database(f, i, until, &err))
        return;
    h->semisync_changed = was->semisync_primary;
    if ((was->relay_log_purge && bt_database_set_relay_log_purge(h->db, true, until, &err) != 0) ||
        bt_fo_semisync_restore(h, until, &err) != 0)
        bt_error("%s", err.text);
    if (was->super_read_only && bt_database_set_super_read_only(h->db, true, until, &err) != 0)
        bt_error("%s", err.text);
    if (!was->io_running)
        return;
    if (bt_database_start(h->db, f->topology.link[i], until, &err) != 0)
        bt_error("%s", err.text);
    else
        bt_fo_note(f, "%s: its receiver was started again.", h->conf->name);
}

static void address_give_back(struct bt_failover *f)
{
    struct bt_fo_host *p = &f->hosts[f->topology.primary];
    struct bt_err err = {0};

    for (size_t k = 0; k < f->config->vip_count; k++)
        if (bt_fo_address_take(f, p, &f->config->vips[k], &err) != 0)
            bt_error("%s", err.text);
}

void bt_fo_give_back(struct bt_failover *f)
{
    bt_info("%s is alive and nobody was promoted: what was stopped is given back.",
            f->config->servers[f->topology.primary].name);
    bt_each(f->count, give_back, f);
    address_give_back(f);
}

/* -------------------------------------------------------------------- forward */

static size_t link_to(const struct bt_failover *f, size_t i, size_t upstream)
{
    for (size_t k = 0; k < f->facts[i].upstream_count; k++)
        if (bt_topology_match(f->config, f->facts[i].upstreams[k].host,
                              f->facts[i].upstreams[k].port) == upstream)
            return k;
    return SIZE_MAX;
}

/* Who is what: some replicas may follow the new primary already, so nobody can be asked. */
static int topology_fill(struct bt_failover *f, struct bt_err *err)
{
    struct bt_topology *t = &f->topology;
    size_t winner = server_named(f, f->resume->winner);

    *t = (struct bt_topology){.count = f->count,
                              .primary = server_named(f, f->resume->primary),
                              .co_primary = SIZE_MAX};
    if (t->primary == SIZE_MAX || winner == SIZE_MAX)
        return bt_fail(err, BT_ERR_REALITY,
                       "the journal is of a failover from \"%s\" to \"%s\"; the configuration does "
                       "not name both",
                       f->resume->primary, f->resume->winner);
    f->resumed_winner = winner;
    for (size_t i = 0; i < f->count; i++) {
        size_t old = link_to(f, i, t->primary), now = link_to(f, i, winner);

        t->link[i] = old != SIZE_MAX ? old : now;
        t->upstream[i] = old != SIZE_MAX ? t->primary : now != SIZE_MAX ? winner
                                                                        : SIZE_MAX;
        t->role[i] = i == t->primary                    ? BT_ROLE_PRIMARY
                     : !bt_facts_is_alive(&f->facts[i]) ? BT_ROLE_UNKNOWN
                     : i == winner                      ? BT_ROLE_ALONE
                     : t->link[i] != SIZE_MAX           ? BT_ROLE_REPLICA
                                                        : BT_ROLE_ALONE;
        f->hosts[i].link = t->link[i];
        if (i != winner && old == SIZE_MAX && now != SIZE_MAX)
            f->hosts[i].state = BT_FO_FOLLOWS;
    }
    f->has_topology = true;
    if (!bt_facts_is_alive(&f->facts[winner]))
        return bt_fail(err, BT_ERR_REALITY,
                       "%s was promoted by a failover that was cut off, and does not answer: %s",
                       f->resume->winner, f->facts[winner].error);
    return 0;
}

int bt_fo_resume_check(struct bt_failover *f, enum bt_resume_how *ret, struct bt_err *err)
{
    size_t winner;

    if (bt_fo_ask_all(f, err) != 0)
        return -1;
    *ret = f->resume->how;
    if (*ret != BT_RESUME_FORWARD)
        return 0;
    winner = server_named(f, f->resume->winner);
    /* The journal says so in front of the deed: whether it was done, the server knows. */
    if (!f->resume->is_certain && winner != SIZE_MAX && bt_facts_is_alive(&f->facts[winner]) &&
        f->facts[winner].read_only) {
        *ret = BT_RESUME_AGAIN;
        return 0;
    }
    return topology_fill(f, err);
}

/* What the promotion had found out. */
static void promotion_recall(struct bt_failover *f)
{
    const struct bt_resume *r = f->resume;

    f->position = r->position;
    snprintf(f->gtid, sizeof(f->gtid), "%s", r->gtid);
    snprintf(f->slave_gtid, sizeof(f->slave_gtid), "%s", r->slave_gtid);
    snprintf(f->statement, sizeof(f->statement), "%s", r->statement);
    f->is_promoted = true;
}

static void plan_recall(struct bt_failover *f)
{
    struct bt_plan *plan = &f->plan;

    *plan = (struct bt_plan){.count = f->count,
                             .primary = f->topology.primary,
                             .winner = f->resumed_winner,
                             .latest = SIZE_MAX,
                             .oldest = SIZE_MAX,
                             .acks = {.furthest = SIZE_MAX}};
    bt_buf_init(&plan->blockers, 4096);
    bt_buf_init(&plan->warnings, 4096);
    bt_buf_init(&plan->lost, 4096);
    for (size_t i = 0; i < f->count; i++) {
        plan->servers[i].takes_part = f->topology.role[i] == BT_ROLE_REPLICA;
        snprintf(plan->servers[i].reason, sizeof(plan->servers[i].reason), "%s",
                 i == f->resumed_winner ? "promoted by the failover that was cut off"
                                        : "the new primary was chosen before");
    }
    f->has_plan = true;
    f->gate.winner_built = true;
}

/* Repointed already, but perhaps not started, and without its setting. */
static void follower_run(size_t i, void *ctx)
{
    struct bt_failover *f = ctx;
    const struct bt_resume_host *was = bt_resume_host(f->resume, f->config->servers[i].name);
    struct bt_fo_host *h = &f->hosts[i];
    struct bt_deadline until = bt_deadline_in(bt_fo_step_ms(BT_FO_REPOINT));
    struct bt_err err = {0};

    if (h->state != BT_FO_FOLLOWS || (was && was->follows))
        return;
    h->semisync_changed = was && was->semisync_primary;
    if (!bt_fo_database(f, i, until, &err) ||
        (was && bt_database_set_relay_log_purge(h->db, was->relay_log_purge, until, &err) != 0) ||
        bt_fo_semisync_restore(h, until, &err) != 0 ||
        (was && was->super_read_only &&
         bt_database_set_super_read_only(h->db, true, until, &err) != 0) ||
        bt_database_start(h->db, h->link, until, &err) != 0 ||
        bt_database_wait_running(h->db, h->link, until, &err) != 0)
        bt_fo_fail(f, i, BT_FO_REPOINT, &err);
}

static int winner_open(struct bt_failover *f, struct bt_err *err)
{
    const struct bt_resume_host *was = bt_resume_host(f->resume, f->resume->winner);
    struct bt_deadline until = bt_deadline_in(bt_fo_step_ms(BT_FO_PROMOTE));
    struct bt_fo_host *w = &f->hosts[f->resumed_winner];

    w->state = BT_FO_COMPLETED;
    w->purge_changed = was && was->relay_log_purge;
    w->relay_log_purge_was = w->purge_changed;
    w->semisync_changed = was && was->semisync_primary;
    if (bt_fo_semisync_restore(w, until, err) != 0)
        return -1;
    if (f->opts.keep_read_only)
        return 0;
    return bt_database_set_read_only(w->db, false, until, err);
}

int bt_fo_resume_forward(struct bt_failover *f, struct bt_err *err)
{
    bt_info("Going on with the failover from %s to %s that was cut off.", f->resume->primary,
            f->resume->winner);
    promotion_recall(f);
    plan_recall(f);
    if (winner_open(f, err) != 0 || bt_fo_freeze(f, err) != 0)
        return -1;
    bt_fo_complete_start(f);
    bt_each(f->count, follower_run, f);
    bt_fo_repoint(f);
    bt_fo_cleanup(f);
    return 0;
}
