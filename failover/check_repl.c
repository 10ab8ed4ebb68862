/* SPDX-License-Identifier: Apache-2.0 */
/* Findings about replication: who follows whom, how far behind, and with whose data. */
#include <inttypes.h>
#include <stdio.h>

#include "failover/check_priv.h"
#include "parser/gtid_set.h"

enum { ERRANT_SHOWN = 5 };

static const char *name_of(const struct bt_check_finder *f, size_t i)
{
    return f->facts->config->servers[i].name;
}

/* ------------------------------------------------------------------ topology */

static void role(struct bt_check_finder *f, size_t i)
{
    bool tiers_allowed =
        bt_setting_number(f->facts->config->settings, BT_CONF_MULTI_TIER_SLAVE) != 0;

    switch (f->facts->topology.role[i]) {
    case BT_ROLE_ALONE:
        bt_check_add(f, BT_CHECK_ERROR, "replicates-from-nobody", i, NULL,
                     "replicates from nobody and is not the primary");
        break;
    case BT_ROLE_STRANGER:
        bt_check_add(f, BT_CHECK_ERROR, "replicates-from-stranger", i, NULL,
                     "replicates from %s:%u, which is no server of this configuration",
                     f->facts->servers[i].upstreams[0].host,
                     f->facts->servers[i].upstreams[0].port);
        break;
    case BT_ROLE_TIER:
        if (!tiers_allowed)
            bt_check_add(f, BT_CHECK_ERROR, "replica-of-replica", i,
                         "multi_tier_slave=1, if that is meant to be so",
                         "replicates from the replica %s; a failover leaves it alone",
                         name_of(f, f->facts->topology.upstream[i]));
        break;
    case BT_ROLE_LEFT:
        bt_check_add(f, BT_CHECK_ERROR, "replicates-from-dead", i, NULL,
                     "replicates from %s, which is dead and not the primary",
                     name_of(f, f->facts->topology.upstream[i]));
        break;
    case BT_ROLE_PRIMARY:
        if (f->facts->topology.co_primary != SIZE_MAX)
            bt_check_add(f, BT_CHECK_NOTE, "co-primary", i, NULL,
                         "replicates in turn from %s, which is a replica like the others: when it "
                         "takes over, this one follows it as it comes back",
                         name_of(f, f->facts->topology.co_primary));
        break;
    case BT_ROLE_UNKNOWN:
    case BT_ROLE_REPLICA: break;
    }
}

/* ------------------------------------------------------------------- threads */

static void threads(struct bt_check_finder *f, size_t i, const struct bt_upstream *u)
{
    if (u->io == BT_THREAD_NO)
        bt_check_add(f, BT_CHECK_ERROR, "receiver-stopped", i,
                     u->io_errno ? NULL : "START SLAVE IO_THREAD;", "does not receive: %s%.300s",
                     u->io_errno ? "" : "its receiver was stopped",
                     u->io_errno ? u->io_error : "");
    else if (u->io == BT_THREAD_CONNECTING)
        bt_check_add(f, BT_CHECK_ERROR, "receiver-connecting", i, NULL,
                     "does not receive: it tries to connect to %s:%u%s%.300s", u->host, u->port,
                     u->io_error[0] ? ": " : "", u->io_error);
    if (u->sql == BT_THREAD_NO)
        bt_check_add(f, BT_CHECK_ERROR, "applier-stopped", i,
                     u->sql_errno ? NULL : "START SLAVE SQL_THREAD;", "does not apply: %s%.300s",
                     u->sql_errno ? "" : "its applier was stopped",
                     u->sql_errno ? u->sql_error : "");
}

static void lag(struct bt_check_finder *f, size_t i, const struct bt_upstream *u)
{
    if (u->delay_seconds)
        bt_check_add(f, BT_CHECK_NOTE, "delayed", i, NULL,
                     "applies %" PRIu64 " s late on purpose (MASTER_DELAY)", u->delay_seconds);
    else if (u->lag_seconds >= 0 && (uint64_t)u->lag_seconds > f->opts->lag_max_seconds)
        bt_check_add(f, BT_CHECK_ERROR, "lag", i, NULL,
                     "is %" PRId64 " s behind the primary, allowed are %" PRIu64, u->lag_seconds,
                     f->opts->lag_max_seconds);
}

static void several(struct bt_check_finder *f, size_t i)
{
    const struct bt_server_facts *s = &f->facts->servers[i];

    if (s->upstream_count > 1)
        bt_check_add(f, BT_CHECK_WARNING, "several-primaries", i, NULL,
                     "replicates from %zu servers; only the connection to %s:%u is looked after",
                     s->upstream_count, s->upstreams[f->facts->topology.link[i]].host,
                     s->upstreams[f->facts->topology.link[i]].port);
}

/* ------------------------------------------------------------------- filters */

/* MHA's rule: binary log filters must be equal on all servers, replication filters on all
 * replicas (check_repl_filter=0: said, but no error). */
static void filters(struct bt_check_finder *f, size_t i, size_t *ret_first_replica)
{
    const struct bt_server_facts *s = &f->facts->servers[i];
    size_t p = f->facts->topology.primary, first = *ret_first_replica;
    const struct bt_upstream *u = bt_topology_link(&f->facts->topology, f->facts->servers, i);
    enum bt_check_level level =
        bt_setting_number(f->facts->config->settings, BT_CONF_CHECK_REPL_FILTER) ? BT_CHECK_ERROR
                                                                                 : BT_CHECK_WARNING;
    const struct bt_upstream *other;

    if (i != p && bt_facts_is_alive(&f->facts->servers[p]) &&
        strcmp(s->binlog_filters, f->facts->servers[p].binlog_filters) != 0)
        bt_check_add(f, level, "binlog-filters-differ", i, NULL,
                     "logs by other rules (%s) than the primary (%s)",
                     s->binlog_filters[0] ? s->binlog_filters : "none",
                     f->facts->servers[p].binlog_filters[0] ? f->facts->servers[p].binlog_filters
                                                            : "none");
    if (!u)
        return;
    if (first == SIZE_MAX) {
        *ret_first_replica = i;
        return;
    }
    other = bt_topology_link(&f->facts->topology, f->facts->servers, first);
    if (other && strcmp(u->filters, other->filters) != 0)
        bt_check_add(f, level, "replication-filters-differ", i, NULL,
                     "replicates by other rules (%s) than %s (%s)",
                     u->filters[0] ? u->filters : "none", name_of(f, first),
                     other->filters[0] ? other->filters : "none");
}

/* -------------------------------------------------------------------- errant */

/* MariaDB: what stands in a replica's gtid_binlog_state under another server's id than the
 * primary's was either written there or came through a primary; the latter the primary has too.
 * Entries of the primary's own id only tell who was asked first. */
static bool errant_mariadb(const char *mine, const char *primarys, uint32_t primary_id,
                           struct bt_buf *out)
{
    struct bt_gtid_state replica = {0}, primary = {0};
    struct bt_err err = {0};
    unsigned shown = 0;

    if (bt_gtid_state_parse(bt_slice_str(mine), &replica, &err) != 0)
        return false;
    if (bt_gtid_state_parse(bt_slice_str(primarys), &primary, &err) != 0) {
        bt_gtid_state_done(&replica);
        return false;
    }
    for (size_t i = 0; i < replica.count; i++) {
        const struct bt_gtid *g = &replica.items[i];
        char text[BT_GTID_TEXT_SIZE];
        bool has = g->server_id == primary_id;

        for (size_t k = 0; k < primary.count && !has; k++)
            has = primary.items[k].domain == g->domain &&
                  primary.items[k].server_id == g->server_id &&
                  primary.items[k].sequence >= g->sequence;
        if (!has && shown++ < ERRANT_SHOWN)
            bt_buf_addf(out, "%s%s", shown > 1 ? ", " : "", bt_gtid_text(g, text));
    }
    bt_gtid_state_done(&replica);
    bt_gtid_state_done(&primary);
    return shown > 0;
}

/* Takes the ranges of one uuid out: the primary's own may be newer than its answer. */
static void uuid_drop(struct bt_gtid_set *set, const char *uuid)
{
    struct bt_gtid_set own = {0};
    bt_auto_buf struct bt_buf text;
    struct bt_err err = {0};

    bt_buf_init(&text, 256);
    bt_buf_addf(&text, "%s:1-%llu", uuid, (unsigned long long)BT_GTID_NUMBER_MAX);
    if (uuid[0] && bt_gtid_set_parse(bt_buf_slice(&text), &own, &err) == 0 &&
        bt_gtid_set_subtract(set, &own, &err) != 0)
        bt_gtid_set_done(set);
    bt_gtid_set_done(&own);
}

static bool errant_mysql(const char *mine, const char *primarys, const char *primary_uuid,
                         struct bt_buf *out)
{
    bt_auto_gtid_set struct bt_gtid_set replica = {0}, primary = {0};
    struct bt_err err = {0};

    if (bt_gtid_set_parse(bt_slice_str(mine), &replica, &err) != 0 ||
        bt_gtid_set_parse(bt_slice_str(primarys), &primary, &err) != 0 ||
        bt_gtid_set_subtract(&replica, &primary, &err) != 0)
        return false;
    uuid_drop(&replica, primary_uuid);
    bt_gtid_set_text(&replica, out);
    return !bt_gtid_set_is_empty(&replica);
}

/* Replica i has transactions that its primary does not have, named in out. */
static bool has_errant(const struct bt_check_facts *facts, size_t i, struct bt_buf *out)
{
    size_t p = facts->topology.primary;
    const struct bt_check_sql *mine = &facts->sql[i], *primarys = &facts->sql[p];

    if (!facts->has_topology || i == p || !bt_facts_is_alive(&facts->servers[p]) ||
        !bt_facts_is_alive(&facts->servers[i]) || mine->error[0] || primarys->error[0] ||
        facts->servers[i].flavor != facts->servers[p].flavor)
        return false;
    if (facts->servers[p].flavor == BT_FLAVOR_MARIADB)
        return errant_mariadb(mine->gtid_state, primarys->gtid_state,
                              facts->servers[p].server_id, out);
    return errant_mysql(mine->gtid_state, primarys->gtid_state, primarys->uuid, out);
}

static void errant(struct bt_check_finder *f, size_t i, const struct bt_upstream *u)
{
    bt_auto_buf struct bt_buf gtids;

    bt_buf_init(&gtids, 1 << 16);
    if (!has_errant(f->facts, i, &gtids))
        return;
    if (u && u->mode != BT_REPLICA_POSITION)
        bt_check_add(f, BT_CHECK_ERROR, "errant-transactions", i, NULL,
                     "holds transactions that the primary does not have, up to %.400s: as the new "
                     "primary it would pass them on, or stop the others",
                     bt_buf_str(&gtids));
    else
        bt_check_add(f, BT_CHECK_WARNING, "errant-transactions", i, NULL,
                     "holds transactions that the primary does not have, up to %.400s",
                     bt_buf_str(&gtids));
}

/* ----------------------------------------------------------------------- all */

static void modes(struct bt_check_finder *f)
{
    size_t by_gtid = SIZE_MAX, by_position = SIZE_MAX;

    for (size_t i = 0; i < f->facts->config->server_count; i++) {
        const struct bt_upstream *u = bt_topology_link(&f->facts->topology, f->facts->servers, i);

        if (u && u->mode == BT_REPLICA_POSITION)
            by_position = i;
        else if (u)
            by_gtid = i;
    }
    if (by_gtid != SIZE_MAX && by_position != SIZE_MAX)
        bt_check_add(f, BT_CHECK_NOTE, "modes-differ", by_position, NULL,
                     "replicates by file and position, %s by GTID; each is kept as it is",
                     name_of(f, by_gtid));
}

void bt_check_find_repl(struct bt_check_finder *f)
{
    size_t first_replica = SIZE_MAX;

    if (!f->facts->has_topology) {
        bt_check_add(f, BT_CHECK_ERROR, "no-primary", SIZE_MAX, NULL, "%s",
                     f->facts->topology_error);
        return;
    }
    for (size_t i = 0; i < f->facts->config->server_count; i++) {
        const struct bt_server_facts *s = &f->facts->servers[i];

        if (!bt_facts_is_alive(s))
            continue;
        role(f, i);
        if (bt_check_is_replica(f->facts, i)) {
            const struct bt_upstream *u = &s->upstreams[f->facts->topology.link[i]];

            threads(f, i, u);
            lag(f, i, u);
            several(f, i);
            errant(f, i, u);
        }
        filters(f, i, &first_replica);
    }
    modes(f);
}
