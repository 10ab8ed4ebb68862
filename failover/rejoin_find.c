/* SPDX-License-Identifier: Apache-2.0 */
/* A rejoin's first steps: who is the primary, and the returning server takes no writes. */
#include <stdio.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/crash_point.h"
#include "base/json_read.h"
#include "base/log.h"
#include "failover/node_client.h"
#include "failover/node_open.h"
#include "failover/rejoin_steps.h"

enum { JOURNAL_LINE_MAX = 1 << 20 };

/* ----------------------------------------------------------------------- find */

/* How often the living replicas name server i as theirs. */
static size_t votes_for(const struct bt_rejoin *r, size_t i)
{
    size_t votes = 0;

    for (size_t k = 0; k < r->count; k++) {
        const struct bt_server_facts *f = &r->databases[k].facts;

        for (size_t u = 0; k != r->host && bt_facts_is_alive(f) && u < f->upstream_count; u++)
            votes += bt_topology_match(r->config, f->upstreams[u].host, f->upstreams[u].port) == i;
    }
    return votes;
}

/* Whether anybody else replicates from anybody. */
static bool replicas_alive(const struct bt_rejoin *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (i != r->host && bt_facts_is_alive(&r->databases[i].facts) &&
            r->databases[i].facts.upstream_count)
            return true;
    return false;
}

/* The server that takes writes and replicates from nobody; where there are several, the one that
 * replicas follow. */
static int primary_find(struct bt_rejoin *r, struct bt_err *err)
{
    size_t best = SIZE_MAX, count = 0;

    for (size_t i = 0; i < r->count; i++) {
        const struct bt_server_facts *f = &r->databases[i].facts;

        if (i == r->host || !bt_facts_is_alive(f) || f->read_only || f->upstream_count)
            continue;
        count++;
        if (best == SIZE_MAX || votes_for(r, i) > votes_for(r, best))
            best = i;
    }
    if (best == SIZE_MAX)
        return bt_fail(err, BT_ERR_REALITY,
                       "no other server takes writes and replicates from nobody: there is no "
                       "primary for %s to follow",
                       bt_rj_host(r)->conf->name);
    if (votes_for(r, r->host) && votes_for(r, r->host) >= votes_for(r, best))
        return bt_fail(err, BT_ERR_CONFLICT, "%s is the primary that living replicas follow",
                       bt_rj_host(r)->conf->name);
    if (votes_for(r, best) == 0 && (count > 1 || replicas_alive(r)))
        return bt_fail(err, BT_ERR_REALITY,
                       "%zu other servers take writes and no replica follows one: which is the "
                       "primary cannot be told",
                       count);
    r->primary = best;
    return 0;
}

/* The mode in a journal's last line that has one; *ret_when is when the journal was written last.
 */
static bool mode_noted(const struct bt_rejoin *r, const char *of, int64_t *ret_when,
                       enum bt_replica_mode *ret)
{
    bt_auto_free char *line = NULL;
    bt_auto_file FILE *file = NULL;
    struct bt_json_value value, mode;
    struct bt_err ignored = {0};
    bool is_there = false;
    char path[4096];
    struct stat st;
    size_t room = 0;
    ssize_t len;

    snprintf(path, sizeof(path), "%.3000s/%.200s.%s.journal", r->config->workdir, r->config->app,
             of);
    file = fopen(path, "re");
    if (!file || fstat(fileno(file), &st) != 0)
        return false;
    while ((len = getline(&line, &room, file)) > 0 && room < JOURNAL_LINE_MAX) {
        uint64_t number;

        if (bt_json_parse(bt_slice(line, (size_t)len), &value, &ignored) != 0 ||
            !bt_json_member(value, "mode", &mode) || !bt_json_get_u64(mode, &number) ||
            number > BT_REPLICA_CURRENT_POS)
            continue;
        *ret = (enum bt_replica_mode)number;
        *ret_when = st.st_mtim.tv_sec;
        is_there = true;
    }
    return is_there;
}

/* How the others follow.  Where nobody is left, as the new primary itself followed before the last
 * failover or switchover; else by GTID. */
static void mode_find(struct bt_rejoin *r)
{
    enum bt_replica_mode by_switchover = BT_REPLICA_SLAVE_POS;
    int64_t failed_over = 0, switched_over = 0;

    r->mode = BT_REPLICA_SLAVE_POS;
    mode_noted(r, "failover", &failed_over, &r->mode);
    if (mode_noted(r, "switchover", &switched_over, &by_switchover) && switched_over > failed_over)
        r->mode = by_switchover;
    for (size_t i = 0; i < r->count; i++) {
        const struct bt_server_facts *f = &r->databases[i].facts;

        for (size_t u = 0; i != r->host && bt_facts_is_alive(f) && u < f->upstream_count; u++)
            if (bt_topology_match(r->config, f->upstreams[u].host, f->upstreams[u].port) ==
                r->primary) {
                r->mode = f->upstreams[u].mode;
                snprintf(r->repl_user, sizeof(r->repl_user), "%s", f->upstreams[u].user);
            }
    }
}

static int login_check(struct bt_rejoin *r, struct bt_err *err)
{
    const struct bt_setting *set = bt_rj_host(r)->conf->settings;

    if (bt_setting_is_set(set, BT_CONF_REPL_USER))
        snprintf(r->repl_user, sizeof(r->repl_user), "%s", bt_setting_text(set, BT_CONF_REPL_USER));
    if (r->follows_already)
        return 0;
    if (!r->repl_user[0] || !bt_setting_is_set(set, BT_CONF_REPL_PASSWORD))
        return bt_fail(err, BT_ERR_CONFIG,
                       "repl_user and repl_password must be set: %s has to log in at the primary",
                       bt_rj_host(r)->conf->name);
    return 0;
}

static int host_check(struct bt_rejoin *r, struct bt_err *err)
{
    const struct bt_database *host = bt_rj_host(r);
    const struct bt_server_facts *f = &host->facts;

    if (!bt_facts_is_alive(f))
        return bt_fail(err, BT_ERR_REALITY,
                       "%s does not answer (%s): start its server first, with --read-only so that "
                       "nobody writes to it meanwhile",
                       host->conf->name, f->error);
    if (!f->log_bin)
        return bt_fail(err, BT_ERR_REALITY,
                       "%s writes no binary log: what it has cannot be told from what it lacks",
                       host->conf->name);
    if (f->privileges_missing[0])
        return bt_fail(err, BT_ERR_REALITY, "user \"%s\" lacks %s on %s",
                       bt_setting_text(host->conf->settings, BT_CONF_USER), f->privileges_missing,
                       host->conf->name);
    return 0;
}

/* Whether it may be led away from whom it replicates from: both threads stand still, or that is a
 * server of ours which is no primary any more (a rejoin was cut off by its death). */
static bool may_leave(const struct bt_rejoin *r, const struct bt_upstream *u, size_t upstream)
{
    if (u->io == BT_THREAD_NO && u->sql == BT_THREAD_NO)
        return true;
    return upstream != SIZE_MAX &&
           bt_setting_number(r->config->settings, BT_CONF_MULTI_TIER_SLAVE) == 0;
}

static int upstream_check(struct bt_rejoin *r, struct bt_err *err)
{
    const struct bt_server_facts *f = &bt_rj_host(r)->facts;
    size_t upstream;

    if (f->upstream_count == 0)
        return 0;
    upstream = bt_topology_match(r->config, f->upstreams[0].host, f->upstreams[0].port);
    r->follows_already = f->upstream_count == 1 && upstream == r->primary;
    if (r->follows_already ||
        (f->upstream_count == 1 && may_leave(r, &f->upstreams[0], upstream)))
        return 0;
    return bt_fail(err, BT_ERR_CONFLICT, "%s replicates from %s:%u, which is not the primary %s",
                   bt_rj_host(r)->conf->name, f->upstreams[0].host, f->upstreams[0].port,
                   bt_rj_primary(r)->conf->name);
}

int bt_rj_find(struct bt_rejoin *r, struct bt_err *err)
{
    bt_databases_ask(r->databases, r->count, SIZE_MAX, 0);
    if (host_check(r, err) != 0 || primary_find(r, err) != 0 || upstream_check(r, err) != 0)
        return -1;
    mode_find(r);
    if (login_check(r, err) != 0)
        return -1;
    bt_rj_note(r, "%s is to follow %s.", bt_rj_host(r)->conf->name, bt_rj_primary(r)->conf->name);
    return 0;
}

/* ---------------------------------------------------------------------- close */

static int address_drop(struct bt_rejoin *r, const struct bt_vip *vip, struct bt_err *err)
{
    char text[BT_VIP_TEXT_SIZE];
    struct bt_vip_request request = {
        .action = BT_VIP_DOWN, .vip = bt_vip_text(vip, text), .interface = "", .label = ""};
    struct bt_vip_reply reply = {0};

    if (bt_node_vip(r->node, &request, bt_deadline_in(BT_RJ_STEP_MS), &r->arena, &reply, err) != 0)
        return bt_err_wrap(err, "taking %s off %s", text, bt_rj_host(r)->conf->name);
    if (reply.removed)
        bt_rj_note(r, "%s was taken off %s.", text, bt_rj_host(r)->conf->name);
    return 0;
}

/* What it has received goes into its own log first, and is compared with the rest: CHANGE MASTER
 * would drop it. */
int bt_rj_halt(struct bt_rejoin *r, struct bt_err *err)
{
    struct bt_database *host = bt_rj_host(r);
    struct bt_deadline until = bt_deadline_in(BT_RJ_WAIT_MS);
    const struct bt_upstream *u = host->facts.upstream_count ? &host->facts.upstreams[0] : NULL;
    struct bt_coordinate read;

    if (!u || (u->io == BT_THREAD_NO && u->sql == BT_THREAD_NO))
        return 0;
    bt_rj_note(r, "%s replicates from %s:%u: it applies what it has of that, and stops.",
               host->conf->name, u->host, u->port);
    if (u->sql == BT_THREAD_NO && bt_database_start_sql(host, 0, until, err) != 0)
        return -1;
    if (bt_database_stop_io(host, 0, until, err) != 0 ||
        bt_database_ask_upstreams(host, until, err) != 0)
        return -1;
    read = host->facts.upstreams[0].read;
    if (bt_database_drain(host, 0, &read, until, err) < 0)
        return -1;
    return bt_database_stop_sql(host, 0, until, err);
}

int bt_rj_close(struct bt_rejoin *r, struct bt_err *err)
{
    struct bt_database *host = bt_rj_host(r);

    if (bt_database_set_read_only(host, true, bt_deadline_in(BT_RJ_STEP_MS), err) != 0)
        return -1;
    r->is_closed = true;
    if (!host->facts.read_only)
        bt_rj_note(r, "%s is read-only now.", host->conf->name);
    if (!r->follows_already && bt_rj_halt(r, err) != 0)
        return -1;
    bt_crash_point("rejoin-closed");
    if (r->config->vip_count == 0)
        return 0;
    if (bt_node_open(host->conf, &r->node, &r->node_why, err) != 0)
        return bt_err_wrap(err, "%s", host->conf->name);
    for (size_t k = 0; k < r->config->vip_count; k++)
        if (address_drop(r, &r->config->vips[k], err) != 0)
            return -1;
    return 0;
}
