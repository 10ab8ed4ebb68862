/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/topology.h"

#include <strings.h>

size_t bt_topology_match(const struct bt_config *config, const char *host, uint16_t port)
{
    for (size_t i = 0; i < config->server_count; i++) {
        const struct bt_conf_server *s = &config->servers[i];

        if (port == s->port && (strcasecmp(host, s->hostname) == 0 || strcmp(host, s->ip) == 0))
            return i;
    }
    return SIZE_MAX;
}

/* Fills upstream and link: the first connection that leads to a server we know. */
static void links_find(const struct bt_config *config, const struct bt_server_facts *facts,
                       struct bt_topology *t)
{
    for (size_t i = 0; i < t->count; i++) {
        t->upstream[i] = SIZE_MAX;
        t->link[i] = SIZE_MAX;
        for (size_t k = 0; bt_facts_is_alive(&facts[i]) && k < facts[i].upstream_count; k++) {
            const struct bt_upstream *u = &facts[i].upstreams[k];

            if (t->upstream[i] == SIZE_MAX) {
                t->upstream[i] = bt_topology_match(config, u->host, u->port);
                t->link[i] = k;
            }
        }
    }
}

/* Whether the way upwards from i comes back to it. */
static bool is_in_ring(const struct bt_topology *t, size_t i)
{
    size_t at = t->upstream[i];

    for (size_t n = 0; n < t->count && at != SIZE_MAX && at != i; n++)
        at = t->upstream[at];
    return at == i;
}

/* Co-primaries replicate from each other.  The one that takes writes is the primary, as with MHA;
 * what it receives in turn from the last of the ring is none of our business. */
static int ring_open(const struct bt_config *config, const struct bt_server_facts *facts,
                     struct bt_topology *t, size_t i, struct bt_err *err)
{
    size_t writable = SIZE_MAX, count = 0, at = i;

    do {
        if (!facts[at].read_only) {
            writable = at;
            count++;
        }
        at = t->upstream[at];
    } while (at != i);
    if (count != 1)
        return bt_fail(err, BT_ERR_REALITY,
                       "%s and %s replicate from each other, and %s of them takes writes: exactly "
                       "one must have read_only=0",
                       config->servers[i].name, config->servers[t->upstream[i]].name,
                       count ? "more than one" : "none");
    t->co_primary = t->upstream[writable];
    t->upstream[writable] = t->link[writable] = SIZE_MAX;
    return 0;
}

/* A server that somebody replicates from and that itself replicates from none of ours. */
static bool is_top(const struct bt_topology *t, size_t candidate)
{
    bool is_named = false;

    for (size_t i = 0; i < t->count; i++)
        is_named = is_named || t->upstream[i] == candidate;
    return is_named && t->upstream[candidate] == SIZE_MAX;
}

/* Whether candidate is what others were replaced by. */
static bool has_replaced(const struct bt_server_facts *facts, const struct bt_topology *t,
                         size_t candidate)
{
    if (!bt_facts_is_alive(&facts[candidate]) || facts[candidate].read_only)
        return false;
    for (size_t i = 0; i < t->count; i++)
        if (i != candidate && is_top(t, i) && facts[i].life != BT_LIFE_DEAD)
            return false;
    return true;
}

static int primary_find(const struct bt_config *config, const struct bt_server_facts *facts,
                        struct bt_topology *t, struct bt_err *err)
{
    size_t alive = 0, lone = SIZE_MAX, lone_count = 0;

    t->primary = SIZE_MAX;
    for (size_t i = 0; i < t->count; i++) {
        alive += bt_facts_is_alive(&facts[i]);
        if (bt_facts_is_alive(&facts[i]) && facts[i].upstream_count == 0) {
            lone = i;
            lone_count++;
        }
        if (!is_top(t, i) || (t->primary != SIZE_MAX && has_replaced(facts, t, t->primary)))
            continue;
        if (t->primary != SIZE_MAX && !has_replaced(facts, t, i))
            return bt_fail(
                err, BT_ERR_REALITY,
                "the replicas have two primaries, %s and %s; nothing is decided for them",
                config->servers[t->primary].name, config->servers[i].name);
        t->primary = i;
    }
    if (alive == 0)
        return bt_fail(err, BT_ERR_REALITY, "There is no alive server. We can't do failover");
    if (t->primary == SIZE_MAX && lone_count == 1)
        t->primary = lone; /* nobody replicates from anybody: the one that is no replica */
    if (t->primary == SIZE_MAX)
        return bt_fail(err, BT_ERR_REALITY,
                       "no primary can be told: no living server replicates from a server of %s",
                       config->path);
    return 0;
}

static enum bt_role role_of(const struct bt_server_facts *facts, const struct bt_topology *t,
                            size_t i)
{
    if (i == t->primary)
        return BT_ROLE_PRIMARY;
    if (!bt_facts_is_alive(&facts[i]))
        return BT_ROLE_UNKNOWN;
    if (t->upstream[i] == t->primary)
        return BT_ROLE_REPLICA;
    if (t->upstream[i] != SIZE_MAX && facts[t->upstream[i]].life == BT_LIFE_DEAD &&
        is_top(t, t->upstream[i]))
        return BT_ROLE_LEFT;
    if (t->upstream[i] != SIZE_MAX)
        return BT_ROLE_TIER;
    return facts[i].upstream_count ? BT_ROLE_STRANGER : BT_ROLE_ALONE;
}

int bt_topology_find(const struct bt_config *config, const struct bt_server_facts *facts,
                     struct bt_topology *ret, struct bt_err *err)
{
    struct bt_topology t = {.count = config->server_count, .co_primary = SIZE_MAX};

    links_find(config, facts, &t);
    for (size_t i = 0; i < t.count; i++)
        if (is_in_ring(&t, i) && ring_open(config, facts, &t, i, err) != 0)
            return -1;
    if (primary_find(config, facts, &t, err) != 0)
        return -1;
    for (size_t i = 0; i < t.count; i++)
        t.role[i] = role_of(facts, &t, i);
    *ret = t;
    return 0;
}

const struct bt_upstream *bt_topology_link(const struct bt_topology *t,
                                           const struct bt_server_facts *facts, size_t i)
{
    if (t->role[i] != BT_ROLE_REPLICA || t->link[i] >= facts[i].upstream_count)
        return NULL;
    return &facts[i].upstreams[t->link[i]];
}

void bt_topology_draw(const struct bt_topology *t, const struct bt_config *config,
                      struct bt_buf *out)
{
    bt_buf_addf(out, "%s (current master)\n", config->servers[t->primary].name);
    for (size_t i = 0; i < t->count; i++) {
        if (t->role[i] != BT_ROLE_REPLICA)
            continue;
        bt_buf_addf(out, " +--%s\n", config->servers[i].name);
        for (size_t k = 0; k < t->count; k++)
            if (t->role[k] == BT_ROLE_TIER && t->upstream[k] == i)
                bt_buf_addf(out, "     +--%s\n", config->servers[k].name);
    }
}

const char *bt_role_name(enum bt_role role)
{
    switch (role) {
    case BT_ROLE_UNKNOWN: return "unknown";
    case BT_ROLE_PRIMARY: return "primary";
    case BT_ROLE_REPLICA: return "replica";
    case BT_ROLE_TIER: return "replica of a replica";
    case BT_ROLE_STRANGER: return "replica of a server that is not configured";
    case BT_ROLE_ALONE: return "alone";
    case BT_ROLE_LEFT: return "replica of another server, which is dead";
    }
    return "unknown";
}
