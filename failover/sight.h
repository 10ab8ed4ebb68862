/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sight.h - what was seen last of one server and its host, as plain values that can be copied.
 */
#ifndef BT_FAILOVER_SIGHT_H
#define BT_FAILOVER_SIGHT_H

#include "failover/config.h"
#include "failover/facts.h"

struct bt_sight {
    /* its server */
    enum bt_life life;
    char error[256];
    int64_t seen_ms; /* when it last answered, monotonic; 0 = never */
    char version[64];
    bool read_only;
    bool has_upstream;
    size_t upstream; /* whom it replicates from; SIZE_MAX = none of ours */
    enum bt_thread_state io, sql;
    unsigned io_errno, sql_errno;
    char io_error[256], sql_error[256];
    int64_t lag_seconds; /* -1 = not known */
    struct bt_coordinate executed;
    char gtid[256];
    bool semisync_is_on, semisync_fell_back; /* the primary's; neither: it is asynchronous */
    uint64_t semisync_clients;
    bool lock_is_taken; /* the primary's: somebody else holds the monitor's lock */
    /* its host */
    bool has_node;
    char node_error[256]; /* why it has none */
    int64_t node_seen_ms; /* when it last answered, monotonic; 0 = never */
    bool vips_known;
    bool has_vip[BT_VIPS_MAX];
};

void bt_sight_init(struct bt_sight *s);

/* What the server said, into the part about the server.  Of several connections the one that leads
 * to the server `primary` counts, else the first. */
void bt_sight_fill(struct bt_sight *s, const struct bt_config *config, size_t primary,
                   const struct bt_server_facts *facts);

/* The connection that bt_sight_fill() looks at; NULL when the server is no replica. */
const struct bt_upstream *bt_sight_upstream(const struct bt_config *config, size_t primary,
                                            const struct bt_server_facts *facts);

/* What is wrong with a replica of the primary, one sentence without its full stop; "" = nothing. */
void bt_sight_trouble(const struct bt_sight *s, const struct bt_config *config, size_t primary,
                      char *out, size_t room);

#endif
