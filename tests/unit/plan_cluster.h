/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_cluster.h - four servers as literal facts: db1 is dead; db2, db3 and db4 replicate from it.
 *
 *     cluster(), change what the test is about, decide(), look at plan
 */
#ifndef BT_TESTS_PLAN_CLUSTER_H
#define BT_TESTS_PLAN_CLUSTER_H

#include <stdio.h>

#include "failover/plan.h"
#include "tests/unit/suite.h"

enum { SERVERS = 4 };

static struct bt_arena arena;
static struct bt_config_notes notes;
static struct bt_config config;
static struct bt_server_facts facts[SERVERS];
static struct bt_upstream upstreams[SERVERS][2];
static struct bt_topology topology;
static struct bt_holding holdings[SERVERS];
static bool dropped[SERVERS];
static struct bt_dead_host dead;
static struct bt_plan plan;
static struct bt_err err;
static struct bt_plan_input input;

static inline int resolve_for_test(const char *host, char ret[static BT_ADDRESS_TEXT_SIZE],
                                   struct bt_err *e)
{
    (void)e;
    snprintf(ret, BT_ADDRESS_TEXT_SIZE, "192.0.2.%c", host[2]);
    return 0;
}

/* db1 is dead; db2, db3, db4 replicate from it and have received up to bin.000002:400, 300, 300. */
static inline void cluster_with(const char *defaults, const char *db2, const char *db3,
                                const char *db4)
{
    struct bt_config_opts opts = {.path = "app1.cnf", .resolve = resolve_for_test};
    char text[2048];

    snprintf(text, sizeof(text),
             "[server "
             "default]\n%s[server1]\nhostname=db1\n[server2]\nhostname=db2\n%s[server3]\nhostname="
             "db3\n%s"
             "[server4]\nhostname=db4\n%s",
             defaults, db2, db3, db4);
    bt_arena_done(&arena);
    bt_arena_init(&arena, BT_CONFIG_ARENA_MAX);
    bt_config_notes_done(&notes);
    bt_config_notes_init(&notes);
    ck_assert_int_eq(
        bt_config_parse(&opts, bt_slice_empty(), bt_slice_str(text), &arena, &notes, &config, &err),
        0);
    for (int i = 0; i < SERVERS; i++) {
        facts[i] = (struct bt_server_facts){.life = i ? BT_LIFE_ALIVE : BT_LIFE_DEAD,
                                            .error = i ? "" : "connection refused",
                                            .version = "10.11.19-MariaDB",
                                            .version_number = 101119,
                                            .server_id = (uint32_t)i + 1,
                                            .read_only = true,
                                            .log_bin = true,
                                            .log_slave_updates = true,
                                            .binlog_base = "",
                                            .relay_base = "",
                                            .relay_index = "",
                                            .datadir = "",
                                            .pid_file = "",
                                            .binlog_filters = "",
                                            .gtid_slave_pos = "",
                                            .gtid_binlog_pos = "",
                                            .privileges_missing = "",
                                            .upstreams = upstreams[i],
                                            .upstream_count = i ? 1 : 0,
                                            .flavor = BT_FLAVOR_MARIADB};
        upstreams[i][0] = (struct bt_upstream){.connection = "",
                                               .host = "db1",
                                               .user = "repl",
                                               .port = 3306,
                                               .io = BT_THREAD_CONNECTING,
                                               .sql = BT_THREAD_YES,
                                               .relay_log = "",
                                               .gtid_io_pos = "",
                                               .io_error = "",
                                               .sql_error = "",
                                               .filters = ""};
        holdings[i] = (struct bt_holding){.known = i > 0,
                                          .has_node = true,
                                          .from_logs = true,
                                          .logs_error = "",
                                          .gtid = "",
                                          .cut = "",
                                          .received = {"bin.000002", i == 1 ? 400 : 300},
                                          .executed = {"bin.000002", 300}};
    }
    dead = (struct bt_dead_host){
        .node_reachable = true, .node_error = "", .logs_found = true, .logs_error = ""};
    input = (struct bt_plan_input){.config = &config,
                                   .facts = facts,
                                   .topology = &topology,
                                   .holdings = holdings,
                                   .dead = &dead,
                                   .forced_winner = SIZE_MAX,
                                   .dropped = dropped};
}

static inline void cluster(void)
{
    cluster_with("", "", "", "");
}

static inline void decide(void)
{
    ck_assert_int_eq(bt_topology_find(&config, facts, &topology, &err), 0);
    bt_plan_done(&plan);
    bt_plan_decide(&input, &plan);
}

static inline const char *text_of(struct bt_buf *b)
{
    return bt_buf_str(b);
}

#endif
