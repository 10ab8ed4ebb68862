/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topology.h - who replicates from whom, and who is the primary.  Pure: from facts.
 *
 * The primary is not configured, as with MHA: it is the server that the living replicas name as
 * theirs.  It may be dead; a replica that is dead is told from a dead primary by that alone.
 * Where servers replicate from each other (co-primaries) it is the one that takes writes; the other
 * is a replica like all.
 */
#ifndef BT_FAILOVER_TOPOLOGY_H
#define BT_FAILOVER_TOPOLOGY_H

#include "failover/config.h"
#include "failover/facts.h"

enum bt_role {
    BT_ROLE_UNKNOWN, /* dead, and nobody replicates from it */
    BT_ROLE_PRIMARY,
    BT_ROLE_REPLICA,  /* of the primary */
    BT_ROLE_TIER,     /* replicates from a replica: left alone */
    BT_ROLE_STRANGER, /* alive, replicates from a server that is not configured */
    BT_ROLE_ALONE,    /* alive, replicates from nobody, and is not the primary */
    BT_ROLE_LEFT,     /* still follows a server that is dead and was replaced: left behind */
};

struct bt_topology {
    size_t count;
    size_t primary;    /* SIZE_MAX = not known */
    size_t co_primary; /* whom the primary replicates from in turn; SIZE_MAX = nobody */
    enum bt_role role[BT_SERVERS_MAX];
    size_t upstream[BT_SERVERS_MAX]; /* whom it replicates from; SIZE_MAX = nobody we know */
    size_t link[BT_SERVERS_MAX];     /* index of that upstream in facts[i].upstreams */
};

/* -1 (BT_ERR_REALITY) when no primary can be told: nobody is alive, replicas name several, or
 * of co-primaries not exactly one takes writes.  Of several the one that lives and takes writes is
 * it when all others are dead: a failover has left a broken replica behind. */
int bt_topology_find(const struct bt_config *config, const struct bt_server_facts *facts,
                     struct bt_topology *ret, struct bt_err *err) BT_MUST_CHECK;

/* The configured server that host:port means, by name or address; SIZE_MAX if none. */
size_t bt_topology_match(const struct bt_config *config, const char *host, uint16_t port);

/* How replica i replicates from the primary; NULL when it does not. */
const struct bt_upstream *bt_topology_link(const struct bt_topology *t,
                                           const struct bt_server_facts *facts, size_t i);

/* MHA's drawing: "db1(192.0.2.1:3306) (current master)\n +--db2(...)\n". */
void bt_topology_draw(const struct bt_topology *t, const struct bt_config *config,
                      struct bt_buf *out);

const char *bt_role_name(enum bt_role role);

#endif
