/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_ask_priv.h - what the asking of a check works on.  Used by check_ask*.c only.
 *
 * In both rounds there is one thread per host and kind, which writes only to its own element of
 * each array and allocates from its own host's arena: SQL in the first round from the database's,
 * everything else from arenas[i].
 */
#ifndef BT_FAILOVER_CHECK_ASK_PRIV_H
#define BT_FAILOVER_CHECK_ASK_PRIV_H

#include "failover/channel.h"
#include "failover/check.h"
#include "failover/server.h"

enum { BT_CHECK_ERROR_ROOM = 512 };

struct bt_check_ask {
    const struct bt_config *config;
    size_t count;
    struct bt_arena arena; /* of what belongs to no host */
    struct bt_database *databases;
    struct bt_channel **channels; /* NULL = none */
    struct bt_arena *arenas;
    struct bt_server_facts *servers;
    struct bt_check_sql *sql;
    struct bt_check_node *nodes;
    struct bt_holding *holdings;
    char vip_errors[BT_VIPS_MAX][BT_CHECK_ERROR_ROOM];
    char hook_errors[BT_CHECK_HOOK_COUNT][BT_CHECK_ERROR_ROOM];
    struct bt_check_facts facts;
};

/* First round: facts and settings of server i; the way to its host, and what stands there. */
void bt_check_ask_server(struct bt_check_ask *a, size_t i);
void bt_check_ask_host(struct bt_check_ask *a, size_t i);

/* Second round, host i: relay logs, binary logs, the replication account. */
void bt_check_ask_details(struct bt_check_ask *a, size_t i);

/* Third round: who answers for the VIP. */
void bt_check_ask_probe(struct bt_check_ask *a);

/* The replication account on server i. */
void bt_check_ask_account(struct bt_check_ask *a, size_t i);

/* What the plan of a failover now would be made from. */
void bt_check_ask_plan(struct bt_check_ask *a);

static inline bool bt_check_ask_is_replica(const struct bt_check_ask *a, size_t i)
{
    return a->facts.has_topology && (a->facts.topology.role[i] == BT_ROLE_REPLICA ||
                                     a->facts.topology.role[i] == BT_ROLE_TIER);
}

/* Copies; "" without memory. */
const char *bt_check_ask_keep(struct bt_arena *arena, const char *text);
const char *bt_check_ask_keepf(struct bt_arena *arena, const char *fmt, ...) BT_PRINTF(2, 3);

#endif
