/* SPDX-License-Identifier: Apache-2.0 */
/* What a check finds, from literal facts. */
#include <stdio.h>

#include "failover/check.h"
#include "tests/unit/suite.h"

enum { SERVERS = 3 };

static struct bt_arena arena;
static struct bt_config_notes notes;
static struct bt_config config;
static struct bt_server_facts servers[SERVERS];
static struct bt_upstream upstreams[SERVERS];
static struct bt_check_sql sql[SERVERS];
static struct bt_check_node nodes[SERVERS];
static struct bt_holding holdings[SERVERS];
static struct bt_check_facts facts;
static struct bt_check_report report;
static struct bt_err err;

static int resolve_for_test(const char *host, char ret[static BT_ADDRESS_TEXT_SIZE],
                            struct bt_err *e)
{
    (void)e;
    snprintf(ret, BT_ADDRESS_TEXT_SIZE, "192.0.2.%c", host[2]);
    return 0;
}

static void server_is_well(size_t i)
{
    upstreams[i] = (struct bt_upstream){.connection = "",
                                        .host = "db1",
                                        .user = "repl",
                                        .port = 3306,
                                        .io = BT_THREAD_YES,
                                        .sql = BT_THREAD_YES,
                                        .mode = BT_REPLICA_SLAVE_POS,
                                        .read = {"bin.000001", 500},
                                        .executed = {"bin.000001", 500},
                                        .relay_log = "",
                                        .gtid_io_pos = "0-1-9",
                                        .io_error = "",
                                        .sql_error = "",
                                        .filters = ""};
    servers[i] = (struct bt_server_facts){.life = BT_LIFE_ALIVE,
                                          .error = "",
                                          .version = "10.11.19-MariaDB",
                                          .version_number = 101119,
                                          .flavor = BT_FLAVOR_MARIADB,
                                          .server_id = (uint32_t)i + 1,
                                          .read_only = i > 0,
                                          .log_bin = true,
                                          .log_slave_updates = true,
                                          .binlog = {"bin.000001", 500},
                                          .binlog_base = "",
                                          .relay_base = "",
                                          .relay_index = "",
                                          .datadir = "",
                                          .pid_file = "",
                                          .binlog_filters = "",
                                          .gtid_slave_pos = "",
                                          .gtid_binlog_pos = "",
                                          .privileges_missing = "",
                                          .upstreams = &upstreams[i],
                                          .upstream_count = i ? 1 : 0};
    sql[i] = (struct bt_check_sql){.error = "",
                                   .account = "mha@%",
                                   .grants = "GRANT ALL PRIVILEGES ON *.* TO `mha`@`%`\n",
                                   .sync_binlog = 1,
                                   .flush_log = 1,
                                   .relay_log_recovery = 1,
                                   .net_timeout_seconds = 60,
                                   .heartbeat_ms = 1000,
                                   .semisync_primary = 0,
                                   .semisync_replica = 0,
                                   .semisync_is_on = 0,
                                   .semisync_clients = 0,
                                   .gtid_state = "0-1-9",
                                   .uuid = "",
                                   .has_clock = true,
                                   .clock_slack_ms = 5,
                                   .repl_user = "repl",
                                   .repl_error = "",
                                   .repl_exists = true,
                                   .repl_may = true};
}

static void node_is_well(size_t i)
{
    nodes[i] = (struct bt_check_node){.asked = true,
                                      .error = "",
                                      .may_kill = true,
                                      .may_network = true,
                                      .state_asked = true,
                                      .is_running = true,
                                      .state_error = "",
                                      .vip_error = "",
                                      .vip = {i == 0},
                                      .vip_heard = {i == 1 ? 1 : i == 0 ? 0
                                                                        : -1},
                                      .binlog = {.asked = true, .error = "", .directory = "/b"},
                                      .relay = {.asked = i > 0, .error = "", .directory = "/r"}};
}

/* What its logs hold: as much as the others'. */
static void holding_is_well(size_t i)
{
    holdings[i] = (struct bt_holding){.known = i > 0,
                                      .has_node = true,
                                      .from_logs = true,
                                      .logs_error = "",
                                      .received = {"bin.000001", 500},
                                      .executed = {"bin.000001", 500},
                                      .gtid = "0-1-9",
                                      .cut = ""};
}

/* db1 is the primary, db2 and db3 follow it, all is well; defaults go into [server default]. */
static void cluster(const char *defaults)
{
    struct bt_config_opts opts = {.path = "app1.cnf", .resolve = resolve_for_test};
    char text[1024];

    snprintf(text, sizeof(text),
             "[server default]\nping_interval=1\nvip=192.0.2.9/24\nvip_interface=eth0\n%s"
             "[server1]\nhostname=db1\n[server2]\nhostname=db2\n[server3]\nhostname=db3\n",
             defaults);
    bt_check_done(&report);
    bt_arena_done(&arena);
    bt_arena_init(&arena, BT_CONFIG_ARENA_MAX);
    bt_config_notes_done(&notes);
    bt_config_notes_init(&notes);
    ck_assert_int_eq(
        bt_config_parse(&opts, bt_slice_empty(), bt_slice_str(text), &arena, &notes, &config, &err),
        0);
    for (size_t i = 0; i < SERVERS; i++) {
        server_is_well(i);
        node_is_well(i);
        holding_is_well(i);
    }
    facts = (struct bt_check_facts){
        .config = &config,
        .parts = BT_CHECK_ALL,
        .servers = servers,
        .sql = sql,
        .nodes = nodes,
        .holdings = holdings,
        .topology_error = "",
        .vips = {{.asked = true, .error = "", .server_id = 1}},
        .manager = {.workdir_error = "",
                    .log_error = "",
                    .complete_age_seconds = -1,
                    .complete_path = "/w/app1.failover.complete",
                    .error_path = "/w/app1.failover.error",
                    .warnings = ""},
        .dead = {.node_reachable = true, .node_error = "", .logs_found = true, .logs_error = ""}};
}

/* All findings as "level name@server" lines. */
static const char *found(void)
{
    static struct bt_check_opts opts = {.lag_max_seconds = 30};
    static char text[4096];
    size_t len = 0;

    facts.has_topology = bt_topology_find(&config, servers, &facts.topology, &err) == 0;
    facts.topology_error = facts.has_topology ? "" : "there is none";
    ck_assert_int_eq(bt_check_find(&facts, &opts, &arena, &report, &err), 0);
    text[0] = '\0';
    for (size_t i = 0; i < report.count; i++) {
        const struct bt_check_finding *f = &report.findings[i];

        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s %s@%d", i ? "\n" : "",
                                bt_check_level_name(f->level), f->name,
                                f->server == SIZE_MAX ? 0 : (int)f->server + 1);
    }
    return text;
}

START_TEST(a_cluster_that_is_well_has_no_finding)
{
    cluster("");
    ck_assert_str_eq(found(), "");
    ck_assert_int_eq(bt_check_worst(&report, BT_CHECK_PART_COUNT), BT_CHECK_OK);
    ck_assert(report.outlook.known);
    ck_assert_uint_eq(report.outlook.plan.winner, 1);
    ck_assert(report.outlook.unsent_known);
    ck_assert_uint_eq(report.outlook.unsent_bytes, 0);
}
END_TEST

START_TEST(only_the_parts_that_were_looked_at_have_findings)
{
    cluster("");
    servers[1].server_id = 3;
    sql[1].sync_binlog = 0;
    facts.parts = 1U << BT_CHECK_SERVERS;
    ck_assert_str_eq(found(), "error server-id-twice@3");
}
END_TEST

START_TEST(semi_sync_that_fell_back_is_said_and_successors_without_it)
{
    cluster("");
    sql[0].semisync_primary = 1;
    sql[2].semisync_primary = 1;
    ck_assert_str_eq(found(), "warning semisync-fell-back@1\nwarning semisync-no-replica@1\n"
                              "note semisync-not-prepared@2");
}
END_TEST

START_TEST(a_clock_is_judged_by_what_is_certain)
{
    cluster("");
    sql[1].clock_ahead_ms = 1200;
    sql[1].clock_slack_ms = 300; /* it may be 0.9 s */
    sql[2].clock_ahead_ms = -5000;
    ck_assert_str_eq(found(), "warning clock-differs@3");
}
END_TEST

START_TEST(little_room_is_a_warning_and_none_an_error)
{
    cluster("");
    nodes[0].binlog.room_total = 100ULL << 30;
    nodes[0].binlog.room_free = 10ULL << 20;
    nodes[1].relay.room_total = 100ULL << 30;
    nodes[1].relay.room_free = 4ULL << 30;
    nodes[2].relay.room_total = 100ULL << 30;
    nodes[2].relay.room_free = 6ULL << 30;
    ck_assert_str_eq(found(), "error disk-room@1\nwarning disk-room@2");
}
END_TEST

START_TEST(errant_transactions_are_told_from_newer_ones)
{
    cluster("");
    sql[1].gtid_state = "0-1-12,0-2-7";      /* asked later: 12 is the primary's own */
    sql[0].gtid_state = "0-1-9,0-3-4,0-2-7"; /* and once db2 was the primary */
    sql[2].gtid_state = "0-1-9,0-3-5";
    ck_assert_str_eq(found(), "error errant-transactions@3");
    ck_assert_ptr_nonnull(strstr(report.findings[0].text, "0-3-5"));
}
END_TEST

START_TEST(errant_transactions_of_mysql_are_found_too)
{
    static const char primary[] = "11111111-2222-3333-4444-555555555555";

    cluster("");
    for (size_t i = 0; i < SERVERS; i++) {
        servers[i].flavor = BT_FLAVOR_MYSQL;
        servers[i].version_number = 80036;
        sql[i].gtid_state = "11111111-2222-3333-4444-555555555555:1-100";
        sql[i].uuid = primary;
    }
    facts.parts = 1U << BT_CHECK_REPL;
    sql[1].gtid_state = "11111111-2222-3333-4444-555555555555:1-120";
    sql[2].gtid_state = "11111111-2222-3333-4444-555555555555:1-100,"
                        "99999999-2222-3333-4444-555555555555:1-2";
    ck_assert_str_eq(found(), "error errant-transactions@3");
    ck_assert_ptr_nonnull(
        strstr(report.findings[0].text, "99999999-2222-3333-4444-555555555555:1-2"));
}
END_TEST

START_TEST(a_dead_replica_is_an_error_unless_it_may_fail)
{
    cluster("");
    servers[2].life = BT_LIFE_DEAD;
    servers[2].error = "connection refused";
    facts.parts = 1U << BT_CHECK_SERVERS;
    ck_assert_str_eq(found(), "error server-dead@3");
    config.servers[2].ignore_fail = true;
    ck_assert_str_eq(found(), "warning server-dead@3");
}
END_TEST

START_TEST(lag_above_the_limit_is_an_error_but_not_a_wanted_delay)
{
    cluster("");
    facts.parts = 1U << BT_CHECK_REPL;
    upstreams[1].lag_seconds = 31;
    upstreams[2].lag_seconds = 3600;
    upstreams[2].delay_seconds = 3600;
    ck_assert_str_eq(found(), "error lag@2\nnote delayed@3");
}
END_TEST

START_TEST(who_replicates_from_where_it_should_not_is_named)
{
    cluster("");
    facts.parts = 1U << BT_CHECK_REPL;
    upstreams[2].host = "db2";
    ck_assert_str_eq(found(), "error replica-of-replica@3");
    upstreams[2].host = "elsewhere";
    ck_assert_str_eq(found(), "error replicates-from-stranger@3");
    servers[2].upstream_count = 0;
    ck_assert_str_eq(found(), "error replicates-from-nobody@3");
    cluster("multi_tier_slave=1\n");
    facts.parts = 1U << BT_CHECK_REPL;
    upstreams[2].host = "db2";
    ck_assert_str_eq(found(), "");
}
END_TEST

START_TEST(versions_are_compared_with_the_primarys)
{
    cluster("");
    facts.parts = 1U << BT_CHECK_SERVERS;
    servers[1].version_number = 100527;
    servers[2].version_number = 110802;
    ck_assert_str_eq(found(), "warning version-older@2\nnote version-newer@3");
    servers[2].flavor = BT_FLAVOR_MYSQL;
    ck_assert_str_eq(found(), "warning version-older@2\nerror flavor-differs@3");
}
END_TEST

START_TEST(without_a_primary_it_is_said_once_per_part_that_needs_one)
{
    cluster("");
    for (size_t i = 0; i < SERVERS; i++)
        servers[i].life = BT_LIFE_DEAD;
    facts.parts = 1U << BT_CHECK_REPL | 1U << BT_CHECK_FAILOVER | 1U << BT_CHECK_VIP;
    ck_assert_str_eq(found(), "error no-primary@0\nerror no-plan@0");
}
END_TEST

START_TEST(a_node_that_may_do_too_little_is_named)
{
    cluster("");
    nodes[0].may_kill = false;
    nodes[1].may_network = false;
    nodes[2].is_running = false;
    facts.parts = 1U << BT_CHECK_SSH;
    ck_assert_str_eq(found(), "warning node-may-not-kill@1\nerror node-may-not-address@2\n"
                              "warning server-process-not-found@3");
}
END_TEST

START_TEST(relay_logs_that_are_purged_matter_without_binary_logs_of_the_same)
{
    cluster("");
    facts.parts = 1U << BT_CHECK_SETTINGS;
    servers[1].relay_log_purge = true;
    servers[2].relay_log_purge = true;
    servers[2].log_slave_updates = false;
    ck_assert_str_eq(found(), "warning log-slave-updates-off@3\nwarning relay-logs-purged@3");
}
END_TEST

START_TEST(nobody_to_promote_is_an_error)
{
    cluster("");
    facts.parts = 1U << BT_CHECK_FAILOVER;
    servers[1].log_bin = servers[2].log_bin = false;
    found();
    ck_assert_int_eq(bt_check_worst(&report, BT_CHECK_FAILOVER), BT_CHECK_ERROR);
    ck_assert_uint_eq(report.outlook.plan.winner, SIZE_MAX);
}
END_TEST

START_TEST(text_and_json_show_every_finding)
{
    bt_auto_buf struct bt_buf text, json;
    struct bt_json j;

    bt_buf_init(&text, 1 << 20);
    bt_buf_init(&json, 1 << 20);
    cluster("");
    sql[1].grants = "GRANT USAGE ON *.* TO `mha`@`%`\n";
    found();
    bt_check_text(&facts, &report, &text);
    bt_json_init(&j, &json);
    bt_check_json(&facts, &report, &j);
    ck_assert_ptr_nonnull(strstr(bt_buf_str(&text), "-> GRANT REPLICATION SLAVE ADMIN, RELOAD"));
    ck_assert_ptr_nonnull(strstr(bt_buf_str(&json), "\"name\":\"privileges-to-apply\""));
    ck_assert_ptr_nonnull(strstr(bt_buf_str(&text), "db1(192.0.2.1:3306)  primary"));
    ck_assert_ptr_nonnull(strstr(bt_buf_str(&text), "\n +--db3(192.0.2.3:3306)  replica"));
}
END_TEST

BT_SUITE_MAIN("failover check", {a_cluster_that_is_well_has_no_finding, 0},
              {only_the_parts_that_were_looked_at_have_findings, 0},
              {semi_sync_that_fell_back_is_said_and_successors_without_it, 0},
              {a_clock_is_judged_by_what_is_certain, 0},
              {little_room_is_a_warning_and_none_an_error, 0},
              {errant_transactions_are_told_from_newer_ones, 0},
              {errant_transactions_of_mysql_are_found_too, 0},
              {a_dead_replica_is_an_error_unless_it_may_fail, 0},
              {lag_above_the_limit_is_an_error_but_not_a_wanted_delay, 0},
              {who_replicates_from_where_it_should_not_is_named, 0},
              {versions_are_compared_with_the_primarys, 0},
              {without_a_primary_it_is_said_once_per_part_that_needs_one, 0},
              {a_node_that_may_do_too_little_is_named, 0},
              {relay_logs_that_are_purged_matter_without_binary_logs_of_the_same, 0},
              {nobody_to_promote_is_an_error, 0}, {text_and_json_show_every_finding, 0})
