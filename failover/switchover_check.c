/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Phase 1 of a switchover: everything that can be looked at while clients still write.  Whatever
 * stands in the way is collected, so that it is told at once; nothing is changed but that advisory
 * locks are taken, last.
 */
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/log.h"
#include "failover/each.h"
#include "failover/node_client.h"
#include "failover/node_open.h"
#include "failover/phrases.h"
#include "failover/sessions.h"
#include "failover/switchover_steps.h"

enum { PROBE_MS = 100, APPROACH_MS = 10000, NEAR_MS = 20, LOCKER_IDLE_S = 60 };

static void add(struct bt_buf *lines, const char *fmt, ...) BT_PRINTF(2, 3);

static void add(struct bt_buf *lines, const char *fmt, ...)
{
    char text[1024];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    bt_buf_addf(lines, "%s\n", text);
}

/* ------------------------------------------------------------------------ ask */

/* Even numbers ask the server, odd ones open the node: both of a host at once. */
static void ask_and_open(size_t k, void *ctx)
{
    struct bt_switchover *s = ctx;
    struct bt_so_host *h = &s->hosts[k / 2];
    struct bt_err err = {0};

    if (k % 2 == 0)
        bt_database_ask(h->db,
                        (int64_t)bt_setting_number(h->conf->settings, BT_CONF_CONNECT_TIMEOUT));
    else if (s->config->vip_count && bt_node_open(h->conf, &h->node, &h->node_why, &err) != 0)
        snprintf(h->node_error, sizeof(h->node_error), "%.500s", err.text);
}

int bt_so_ask(struct bt_switchover *s, struct bt_err *err)
{
    bt_each(s->count * 2, ask_and_open, s);
    for (size_t i = 0; i < s->count; i++)
        if (bt_facts_copy(&s->databases[i].facts, &s->facts_arena, &s->facts[i], err) != 0)
            return -1;
    return 0;
}

static int topology_find(struct bt_switchover *s, struct bt_err *err)
{
    if (bt_topology_find(s->config, s->facts, &s->topology, err) != 0)
        return -1;
    s->has_topology = true;
    for (size_t i = 0; i < s->count; i++)
        s->hosts[i].link = s->topology.link[i];
    return 0;
}

/* ----------------------------------------------------------------------- plan */

/* A living cluster: what a replica has is what it says, and it will have the rest in a moment. */
static int plan_make(struct bt_switchover *s, struct bt_err *err)
{
    bt_auto_free struct bt_holding *holdings = calloc(s->count, sizeof(*holdings));
    const struct bt_upstream *u;
    struct bt_dead_host alive = {
        .node_reachable = true, .node_error = "", .logs_found = true, .logs_error = ""};
    struct bt_plan_input in = {
        .config = s->config,
        .facts = s->facts,
        .topology = &s->topology,
        .holdings = holdings,
        .dead = &alive,
        .forced_winner = s->wanted,
    };

    if (!holdings)
        return bt_fail_sys(err, "switchover");
    for (size_t i = 0; i < s->count; i++) {
        u = bt_topology_link(&s->topology, s->facts, i);

        holdings[i] = (struct bt_holding){.logs_error = "", .gtid = "", .cut = ""};
        if (!u)
            continue;
        holdings[i].known = true;
        holdings[i].from_logs = true;
        holdings[i].has_node = s->hosts[i].node != NULL;
        /* All of them will have everything: a packet more or less at this moment elects nobody. */
        holdings[i].received = s->facts[s->topology.primary].binlog;
        holdings[i].executed = u->executed;
    }
    bt_plan_decide(&in, &s->plan);
    s->has_plan = true;
    u = s->plan.winner == SIZE_MAX ? NULL
                                   : bt_topology_link(&s->topology, s->facts, s->plan.winner);
    if (u) {
        s->mode = u->mode;
        snprintf(s->repl_user, sizeof(s->repl_user), "%s", u->user);
    }
    bt_buf_add_slice(&s->blockers, bt_buf_slice(&s->plan.blockers));
    if (s->plan.winner == SIZE_MAX && s->plan.blockers.len == 0)
        add(&s->blockers, "no replica can be the new primary");
    return 0;
}

/* ------------------------------------------------------------------- servers */

static void servers_look(struct bt_switchover *s)
{
    const struct bt_server_facts *old = &s->facts[s->topology.primary];
    const char *name = s->config->servers[s->topology.primary].name;

    for (size_t i = 0; i < s->count; i++)
        if (s->facts[i].life != BT_LIFE_ALIVE && !s->config->servers[i].ignore_fail)
            add(&s->blockers, "%s does not answer: %.600s", s->config->servers[i].name,
                s->facts[i].error);
    if (old->life != BT_LIFE_ALIVE)
        add(&s->blockers, "the primary %s is not alive: a dead one is replaced by baton failover",
            name);
    else if (old->read_only)
        add(&s->blockers, "%s is read-only: it is no primary that clients write to", name);
    if (old->life == BT_LIFE_ALIVE && old->privileges_missing[0])
        add(&s->blockers, "user \"%.60s\" lacks %.300s on %s",
            bt_setting_text(s->config->servers[s->topology.primary].settings, BT_CONF_USER),
            old->privileges_missing, name);
}

static void replicas_look(struct bt_switchover *s)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct bt_upstream *u = bt_topology_link(&s->topology, s->facts, i);
        const char *name = s->config->servers[i].name;

        if (!u)
            continue;
        if (u->io != BT_THREAD_YES)
            add(&s->blockers, "%s does not receive: %.300s", name,
                u->io_error[0] ? u->io_error : "its receiver does not run");
        if (u->sql != BT_THREAD_YES)
            add(&s->blockers, "%s does not apply: %.300s", name,
                u->sql_error[0] ? u->sql_error : "its applier does not run");
        else if (u->delay_seconds)
            add(&s->blockers, "%s delays by %llu s (MASTER_DELAY)", name,
                (unsigned long long)u->delay_seconds);
        else if (u->lag_seconds > (int64_t)s->opts.lag_limit)
            add(&s->blockers, "%s is %lld s behind, allowed are %llu", name,
                (long long)u->lag_seconds, (unsigned long long)s->opts.lag_limit);
    }
}

static void filters_look(struct bt_switchover *s)
{
    const struct bt_server_facts *old = &s->facts[s->plan.primary], *new;

    if (s->plan.winner == SIZE_MAX ||
        bt_setting_number(s->config->settings, BT_CONF_CHECK_REPL_FILTER) == 0)
        return;
    new = &s->facts[s->plan.winner];
    if (strcmp(old->binlog_filters, new->binlog_filters) != 0)
        add(&s->blockers, "binary log filters differ: \"%.200s\" on %s, \"%.200s\" on %s",
            old->binlog_filters, s->config->servers[s->plan.primary].name, new->binlog_filters,
            s->config->servers[s->plan.winner].name);
    for (size_t i = 0; i < s->count; i++) {
        const struct bt_upstream *u = bt_topology_link(&s->topology, s->facts, i);
        const struct bt_upstream *w = bt_topology_link(&s->topology, s->facts, s->plan.winner);

        if (u && w && strcmp(u->filters, w->filters) != 0)
            add(&s->blockers, "replication filters differ: \"%.200s\" on %s, \"%.200s\" on %s",
                u->filters, s->config->servers[i].name, w->filters,
                s->config->servers[s->plan.winner].name);
    }
}

/* Without the password nobody can tell the old primary how to log in: no server gives it away. */
static void old_primary_look(struct bt_switchover *s)
{
    const struct bt_setting *set = s->config->servers[s->plan.primary].settings;

    if (!s->opts.old_becomes_replica)
        return;
    if (!bt_setting_is_set(set, BT_CONF_REPL_PASSWORD))
        add(&s->blockers, "repl_password must be set for %s to become a replica",
            s->config->servers[s->plan.primary].name);
    if (s->facts[s->plan.primary].upstream_count)
        add(&s->blockers, "%s replicates from %s itself: it cannot be made a replica of another",
            s->config->servers[s->plan.primary].name,
            s->facts[s->plan.primary].upstreams[0].host);
    if (s->plan.winner != SIZE_MAX && s->facts[s->plan.primary].version_number / 100 <
                                          s->facts[s->plan.winner].version_number / 100)
        add(&s->warnings, "%s (%s) will replicate from a newer server (%s)",
            s->config->servers[s->plan.primary].name, s->facts[s->plan.primary].version,
            s->facts[s->plan.winner].version);
}

/* -------------------------------------------------------------------- sessions */

static int sessions_of(struct bt_switchover *s, size_t i, struct bt_arena *arena,
                       struct bt_session_list *ret, struct bt_err *err)
{
    struct bt_connection *sql = s->databases[i].sql;
    uint64_t own[] = {bt_connection_server(sql)->thread_id};

    return bt_sessions_ask(sql, own, 1, bt_so_until(BT_SO_CHECK), arena, ret, err);
}

/* MHA's rule: a statement that writes, older than the limit by more than the clock's second. */
static bool is_long_update(const struct bt_session *x, uint64_t limit)
{
    return strcmp(x->command, "Sleep") != 0 && strcmp(x->command, "Connect") != 0 && !x->reads &&
           x->seconds > limit;
}

static int sessions_look(struct bt_switchover *s, struct bt_err *err)
{
    char text[BT_SESSION_TEXT_SIZE];
    bt_auto_arena struct bt_arena arena;
    struct bt_session_list list;

    bt_arena_init(&arena, BT_CONFIG_ARENA_MAX);
    if (sessions_of(s, s->plan.primary, &arena, &list, err) != 0)
        return -1;
    for (size_t i = 0; i < list.count; i++)
        if (is_long_update(&list.items[i], s->opts.updates_limit))
            add(&s->blockers, "on %s a statement has been writing for more than %llu s: session %s",
                s->config->servers[s->plan.primary].name,
                (unsigned long long)s->opts.updates_limit, bt_session_text(&list.items[i], text));
        else if (list.items[i].rows_changed && list.items[i].open_seconds > s->opts.updates_limit)
            add(&s->warnings, "an open transaction will be rolled back: session %s",
                bt_session_text(&list.items[i], text));
    if (s->plan.winner == SIZE_MAX)
        return 0;
    if (sessions_of(s, s->plan.winner, &arena, &list, err) != 0)
        return -1;
    for (size_t i = 0; i < list.count; i++)
        if (strcmp(list.items[i].command, "Sleep") != 0 &&
            list.items[i].seconds > s->opts.sessions_limit)
            add(&s->blockers, "on %s a statement has been running for more than %llu s: session %s",
                s->config->servers[s->plan.winner].name, (unsigned long long)s->opts.sessions_limit,
                bt_session_text(&list.items[i], text));
    return 0;
}

/* --------------------------------------------------------------------- address */

/* The primary's host has it, and nobody else: asked from there, where the own answer does not
 * count.  Later there is no time to ask. */
static void address_look(struct bt_switchover *s, struct bt_so_host *old, const struct bt_vip *vip)
{
    char text[BT_VIP_TEXT_SIZE];
    struct bt_vip_request request = {.action = BT_VIP_STATUS,
                                     .vip = bt_vip_text(vip, text),
                                     .interface = "",
                                     .label = "",
                                     .probe_ms = PROBE_MS};
    struct bt_vip_reply reply = {0};
    struct bt_err err = {0};
    int rc = bt_node_vip(old->node, &request, bt_so_until(BT_SO_CHECK), &old->arena, &reply, &err);

    if (rc == 0 && reply.place_count == 0) {
        add(&s->blockers, "%s is not on the primary %s", text, old->conf->name);
        return;
    }
    if (rc == 0) {
        request.action = BT_VIP_PROBE;
        request.interface = reply.places[0].interface;
        rc = bt_node_vip(old->node, &request, bt_so_until(BT_SO_CHECK), &old->arena, &reply, &err);
    }
    if (rc != 0)
        add(&s->blockers, "whether %s alone has %s is not known: %.600s", old->conf->name, text,
            err.text);
    else if (reply.found)
        add(&s->blockers, "%s is answered for by another host too, MAC %s", text, reply.holder);
}

static void addresses_look(struct bt_switchover *s)
{
    struct bt_so_host *old = bt_so_old(s);

    if (s->config->vip_count == 0) {
        if (!bt_setting_is_set(s->config->settings, BT_CONF_MASTER_IP_ONLINE_CHANGE_SCRIPT))
            add(&s->warnings, "neither vip nor master_ip_online_change_script is set: clients have "
                              "to find the new primary by themselves");
        return;
    }
    if (!old->node)
        add(&s->blockers, "the address cannot be taken off %s: %s", old->conf->name,
            old->node_error);
    if (s->plan.winner != SIZE_MAX && !bt_so_new(s)->node)
        add(&s->blockers, "the address cannot be put on %s: %s", bt_so_new(s)->conf->name,
            bt_so_new(s)->node_error);
    for (size_t k = 0; old->node && k < s->config->vip_count; k++)
        address_look(s, old, &s->config->vips[k]);
}

/* ----------------------------------------------------------------------- locks */

/* A manager that watches this primary would take the switchover for a death. */
static int monitor_lock(struct bt_switchover *s, struct bt_err *err)
{
    struct bt_so_host *old = bt_so_old(s);
    char answer[16];

    if (bt_connection_value(old->db->sql,
                            "SELECT GET_LOCK('MHA_Master_High_Availability_Monitor', 2)",
                            bt_so_until(BT_SO_CHECK), sizeof(answer), answer, err) < 0)
        return bt_err_wrap(err, "%s: advisory lock", old->conf->name);
    if (strcmp(answer, "1") != 0)
        return bt_fail(err, BT_ERR_CONFLICT, BT_SAY_MONITOR_RUNS, old->conf->name);
    return 0;
}

static void lock_one(size_t i, void *ctx)
{
    struct bt_switchover *s = ctx;
    struct bt_so_host *h = &s->hosts[i];

    if (s->topology.role[i] == BT_ROLE_REPLICA &&
        bt_locks_take(s->locks, i, 1, bt_so_until(BT_SO_CHECK), &h->err) == 1)
        bt_fail(&h->err, BT_ERR_CONFLICT, BT_SAY_LOCKED, h->conf->name);
    else if (s->topology.role[i] == BT_ROLE_REPLICA && h->err.kind == BT_ERR_NONE)
        (void)!bt_locks_look_again(h->db, s->config, s->topology.primary, bt_so_until(BT_SO_CHECK),
                                   &h->err);
}

static int locks_take(struct bt_switchover *s, struct bt_err *err)
{
    if (monitor_lock(s, err) != 0)
        return -1;
    bt_each(s->count, lock_one, s);
    for (size_t i = 0; i < s->count; i++)
        if (s->hosts[i].err.kind != BT_ERR_NONE) {
            *err = s->hosts[i].err;
            return -1;
        }
    return 0;
}

/* The session that will hold the lock.  Should its client vanish without a word, neither its
 * statement nor its lock is to outlive the switchover by much.  A later run finds it by the user
 * lock that it holds: its number may be another session's by then. */
static int locker_open(struct bt_switchover *s, struct bt_err *err)
{
    struct bt_connection_opts login = bt_database_login(bt_so_old(s)->conf);
    char sql[128], answer[16];

    if (bt_connection_open(&login, bt_so_until(BT_SO_STOP), &s->locker, err) != 0)
        return -1;
    snprintf(s->locker_mark, sizeof(s->locker_mark), "baton_switchover_%llx_%x",
             (unsigned long long)bt_clock_wall_us(), (unsigned)getpid());
    snprintf(sql, sizeof(sql), "SELECT GET_LOCK('%s', 0)", s->locker_mark);
    if (bt_connection_value(s->locker, sql, bt_so_until(BT_SO_STOP), sizeof(answer), answer,
                            err) < 0)
        return -1;
    if (strcmp(answer, "1") != 0)
        return bt_fail(err, BT_ERR_REMOTE, "%s: GET_LOCK answered \"%s\"", bt_so_old(s)->conf->name,
                       answer);
    return bt_connection_executef(
        s->locker, bt_so_until(BT_SO_STOP), err,
        "SET SESSION lock_wait_timeout = %llu, wait_timeout = %llu",
        (unsigned long long)s->opts.lock_limit / 1000 + 1,
        (unsigned long long)(s->opts.lock_limit + s->opts.wait_limit) / 1000 + LOCKER_IDLE_S);
}

/* What has to be flushed under the lock is flushed before it. */
static int tables_flush(struct bt_switchover *s, struct bt_err *err)
{
    if (!s->opts.flush_tables)
        return 0;
    bt_info("Executing FLUSH NO_WRITE_TO_BINLOG TABLES. This may take long time..");
    if (bt_connection_execute(s->locker, bt_slice_str("FLUSH NO_WRITE_TO_BINLOG TABLES"),
                              bt_so_until(BT_SO_CHECK), NULL, err) != 0)
        return bt_err_wrap(err, "%s: FLUSH TABLES", bt_so_old(s)->conf->name);
    bt_info(" ok.");
    return 0;
}

/* How long the new primary needs to get to where the old one is at this moment is how long writes
 * will stand still: the moment to begin is when that is short.  Under a load that never lets it be
 * short, after a while any moment is as good. */
static int approach(struct bt_switchover *s, struct bt_err *err)
{
    struct bt_deadline until = bt_deadline_in(APPROACH_MS);
    struct bt_so_host *new = bt_so_new(s);
    int64_t took;

    do {
        int64_t began = bt_clock_ms();
        struct bt_coordinate place;

        if (bt_so_end_read(s, bt_so_until(BT_SO_CHECK), &place, err) != 0 ||
            bt_database_wait_for(new->db, new->link, &place,
                                 bt_so_old(s)->db->facts.gtid_binlog_pos,
                                 bt_deadline_in((int64_t)s->opts.wait_limit), err) != 0)
            return -1;
        took = bt_clock_ms() - began;
    } while (took > NEAR_MS && !bt_deadline_passed(until));
    if (took > NEAR_MS)
        bt_so_note(s, "%s is %lld ms behind under this load.", new->conf->name, (long long)took);
    return 0;
}

int bt_so_check(struct bt_switchover *s, struct bt_err *err)
{
    bt_info(BT_PHASE_1);
    bt_so_step_begin(s, BT_SO_CHECK);
    if (bt_so_ask(s, err) != 0 || topology_find(s, err) != 0)
        return -1;
    servers_look(s);
    if (plan_make(s, err) != 0)
        return -1;
    replicas_look(s);
    filters_look(s);
    old_primary_look(s);
    if (s->facts[s->plan.primary].life == BT_LIFE_ALIVE) {
        addresses_look(s);
        if (sessions_look(s, err) != 0)
            return -1;
    }
    bt_so_step_end(s, BT_SO_CHECK);
    if (s->blockers.len)
        return bt_fail(err, BT_ERR_REALITY, "%.*s", (int)s->blockers.len - 1,
                       bt_buf_str(&s->blockers));
    if (s->opts.dry_run)
        return 0;
    if (locks_take(s, err) != 0 || locker_open(s, err) != 0 || tables_flush(s, err) != 0 ||
        bt_so_semisync_ask(s, err) != 0 || approach(s, err) != 0)
        return -1;
    bt_info(BT_PHASE_1_DONE);
    return 0;
}
