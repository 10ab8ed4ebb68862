/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/sight.h"

#include <stdio.h>

#include "base/clock.h"
#include "failover/topology.h"

void bt_sight_init(struct bt_sight *s)
{
    *s = (struct bt_sight){.upstream = SIZE_MAX, .lag_seconds = -1};
}

const struct bt_upstream *bt_sight_upstream(const struct bt_config *config, size_t primary,
                                            const struct bt_server_facts *facts)
{
    for (size_t k = 0; k < facts->upstream_count; k++)
        if (bt_topology_match(config, facts->upstreams[k].host, facts->upstreams[k].port) ==
            primary)
            return &facts->upstreams[k];
    return facts->upstream_count ? &facts->upstreams[0] : NULL;
}

static void upstream_fill(struct bt_sight *s, const struct bt_config *config,
                          const struct bt_upstream *u)
{
    s->upstream = bt_topology_match(config, u->host, u->port);
    s->io = u->io;
    s->sql = u->sql;
    s->io_errno = u->io_errno;
    s->sql_errno = u->sql_errno;
    s->lag_seconds = u->lag_seconds;
    s->executed = u->executed;
    snprintf(s->io_error, sizeof(s->io_error), "%.255s", u->io_error);
    snprintf(s->sql_error, sizeof(s->sql_error), "%.255s", u->sql_error);
}

void bt_sight_fill(struct bt_sight *s, const struct bt_config *config, size_t primary,
                   const struct bt_server_facts *facts)
{
    const struct bt_upstream *u = bt_sight_upstream(config, primary, facts);

    s->life = facts->life;
    snprintf(s->error, sizeof(s->error), "%.255s", facts->error ? facts->error : "");
    if (facts->life != BT_LIFE_ALIVE)
        return;
    s->seen_ms = bt_clock_ms();
    s->read_only = facts->read_only;
    snprintf(s->version, sizeof(s->version), "%.63s", facts->version);
    snprintf(s->gtid, sizeof(s->gtid), "%.255s",
             u ? facts->gtid_slave_pos : facts->gtid_binlog_pos);
    s->has_upstream = u != NULL;
    s->upstream = SIZE_MAX;
    s->lag_seconds = -1;
    if (u)
        upstream_fill(s, config, u);
}

void bt_sight_trouble(const struct bt_sight *s, const struct bt_config *config, size_t primary,
                      char *out, size_t room)
{
    out[0] = '\0';
    if (s->life == BT_LIFE_UNKNOWN)
        return;
    if (s->life != BT_LIFE_ALIVE)
        snprintf(out, room, "%s: %s",
                 s->life == BT_LIFE_DEAD ? "its server is dead" : "its server lets nobody in",
                 s->error);
    else if (!s->has_upstream)
        snprintf(out, room, "it replicates from nobody");
    else if (s->upstream != primary)
        snprintf(out, room, "it replicates from %s",
                 s->upstream == SIZE_MAX ? "a server that is not configured"
                                         : config->servers[s->upstream].name);
    else if (s->io == BT_THREAD_NO)
        snprintf(out, room, "its receiver is stopped%s%.200s", s->io_errno ? ": " : "",
                 s->io_errno ? s->io_error : "");
    else if (s->sql != BT_THREAD_YES)
        snprintf(out, room, "its applier is stopped%s%.200s", s->sql_errno ? ": " : "",
                 s->sql_errno ? s->sql_error : "");
    else if (s->io == BT_THREAD_CONNECTING)
        snprintf(out, room, "its receiver is not connected%s%.200s", s->io_errno ? ": " : "",
                 s->io_errno ? s->io_error : "");
}
