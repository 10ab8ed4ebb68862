/* SPDX-License-Identifier: Apache-2.0 */
/*
 * live.h - the logs of every server of a running cluster, for commands that only look.
 *
 *     bt_live_open(&config, connection, &live, err)      all servers and hosts at once
 *     live->servers[i].relay, .binlog, .survey           -> what diff/ works on
 *     bt_live_close(live)
 *
 * Each server is asked over SQL, each host over its node channel; a server is as good as what
 * answers.  Nothing is stopped, set or written on any of them.  Since receivers and appliers go on,
 * the servers say first where they stand and the logs are read after that: what is shown as
 * received is never more than was.
 *
 * A server that cannot be reached keeps its reason in `error` and the others go on.
 */
#ifndef BT_FAILOVER_LIVE_H
#define BT_FAILOVER_LIVE_H

#include "failover/remote_logs.h"
#include "failover/server.h"
#include "failover/topology.h"

struct bt_live_server {
    size_t index;
    const struct bt_conf_server *conf;
    struct bt_database *db;
    enum bt_role role;
    size_t link;             /* of its upstreams: the connection looked at; SIZE_MAX = none */
    struct bt_channel *node; /* NULL = none */
    pthread_mutex_t node_mutex;
    struct bt_arena arena;
    struct bt_remote_logs *relay, *binlog; /* NULL = none, or not to be read */
    struct bt_relay_info info;             /* as SHOW REPLICA STATUS says; of `relay` */
    const char *gtid_executed;             /* as the server says; "" = not known */
    struct bt_survey_reply survey;         /* of the relay logs, else of the binary logs */
    bool surveyed;
    char sql_error[512];  /* "" = the server answers */
    char logs_error[512]; /* "" = its logs were read */
};

struct bt_live {
    const struct bt_config *config;
    struct bt_database *databases;
    struct bt_server_facts facts[BT_SERVERS_MAX];
    struct bt_live_server *servers;
    size_t count;
    struct bt_topology topology;
    bool has_topology;
    char topology_error[512];
    const char *connection; /* multi-source: the named one; NULL = the one to the primary */
};

/* Asks, connects, surveys.  -1 only when nothing can be done at all; an unreachable server is none
 * of those.  config and connection must outlive *ret. */
int bt_live_open(const struct bt_config *config, const char *connection, struct bt_live **ret,
                 struct bt_err *err) BT_MUST_CHECK;
void bt_live_close(struct bt_live *live); /* accepts NULL */

/* The connection that is looked at; NULL when the server replicates from nobody. */
const struct bt_upstream *bt_live_upstream(const struct bt_live_server *s);

/* Why something is not known of a server; "" = all is. */
const char *bt_live_error(const struct bt_live_server *s);

#endif
