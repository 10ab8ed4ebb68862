/* SPDX-License-Identifier: Apache-2.0 */
/* The decision, from literal facts. */
#include "tests/unit/plan_cluster.h"

/* ------------------------------------------------------------------ election */

START_TEST(who_received_most_wins)
{
    cluster();
    decide();
    ck_assert(bt_plan_may_go_on(&plan));
    ck_assert_uint_eq(plan.winner, 1);
    ck_assert_int_eq(plan.rule, BT_RULE_LATEST);
    ck_assert(plan.servers[1].latest);
    ck_assert_uint_eq(plan.servers[2].rank, 2);
    ck_assert_str_eq(plan.servers[2].reason, "it received less than the winner");
    ck_assert_uint_eq(plan.oldest, 3);
}
END_TEST

START_TEST(among_equals_the_configuration_order_counts)
{
    cluster();
    holdings[1].received.pos = 300;
    decide();
    ck_assert_uint_eq(plan.winner, 1);
    ck_assert_str_eq(plan.servers[3].reason, "the winner stands before it in the configuration");
}
END_TEST

START_TEST(a_log_number_with_more_digits_is_later)
{
    cluster();
    snprintf(holdings[1].received.file, sizeof(holdings[1].received.file), "bin.999999");
    snprintf(holdings[2].received.file, sizeof(holdings[2].received.file), "bin.1000000");
    decide();
    ck_assert_uint_eq(plan.latest, 2);
}
END_TEST

START_TEST(a_candidate_wins_although_it_received_less)
{
    cluster_with("", "", "candidate_master=1\n", "");
    decide();
    ck_assert_uint_eq(plan.winner, 2);
    ck_assert_int_eq(plan.rule, BT_RULE_CANDIDATE);
    ck_assert_str_eq(plan.servers[1].reason, "it is no candidate_master, the winner is");
}
END_TEST

START_TEST(a_candidate_that_is_latest_wins_before_another_candidate)
{
    cluster_with("", "candidate_master=1\n", "candidate_master=1\n", "");
    holdings[1].received.pos = 200;
    decide();
    ck_assert_uint_eq(plan.winner, 2);
    ck_assert_int_eq(plan.rule, BT_RULE_LATEST_CANDIDATE);
}
END_TEST

START_TEST(latest_priority_0_is_configuration_order_alone)
{
    cluster_with("latest_priority=0\n", "", "", "");
    holdings[1].received.pos = 100;
    decide();
    ck_assert_uint_eq(plan.winner, 1);
    ck_assert_int_eq(plan.rule, BT_RULE_ANY);
}
END_TEST

START_TEST(by_gtid_where_it_is_known)
{
    cluster();
    for (int i = 1; i < SERVERS; i++)
        holdings[i].gtid = i == 2 ? "0-1-50" : "0-1-40";
    decide();
    ck_assert_uint_eq(plan.winner, 2);
}
END_TEST

START_TEST(a_forced_winner_wins)
{
    cluster();
    input.forced_winner = 3;
    decide();
    ck_assert_uint_eq(plan.winner, 3);
    ck_assert_int_eq(plan.rule, BT_RULE_FORCED);
    ck_assert_str_eq(plan.servers[1].reason, "another server was asked for");
}
END_TEST

START_TEST(a_forced_winner_that_cannot_be_is_a_blocker)
{
    cluster_with("", "", "", "no_master=1\n");
    input.forced_winner = 3;
    decide();
    ck_assert(!bt_plan_may_go_on(&plan));
    ck_assert_str_eq(text_of(&plan.blockers),
                     "db4(192.0.2.4:3306) cannot be the new primary: no_master is set for it\n");
}
END_TEST

/* ------------------------------------------------------------------ refusals */

static void refuse_no_master(void)
{
    cluster_with("", "no_master=1\n", "", "");
}
static void refuse_log_bin(void)
{
    cluster();
    facts[1].log_bin = false;
}
static void refuse_version(void)
{
    cluster();
    facts[1].version_number = 110806;
    facts[1].version = "11.8.6-MariaDB";
}
static void refuse_privileges(void)
{
    cluster();
    facts[1].privileges_missing = "BINLOG REPLAY";
}
static void refuse_applier(void)
{
    cluster();
    upstreams[1][0].sql = BT_THREAD_NO;
    upstreams[1][0].sql_errno = 1062;
    upstreams[1][0].sql_error = "Duplicate entry";
}
static void refuse_unknown(void)
{
    cluster();
    holdings[1].known = false;
}
static void refuse_fork(void)
{
    cluster();
    holdings[1].gtid = "0-1-50,1-2-1";
    holdings[2].gtid = "0-1-60";
    holdings[3].gtid = "0-1-60";
}

static const struct {
    void (*make)(void);
    const char *reason;
} refusals[] = {
    {refuse_no_master, "no_master is set for it"},
    {refuse_log_bin, "it writes no binary log (log_bin is off)"},
    {refuse_version, "its version 11.8.6-MariaDB is newer than another replica's (10.11)"},
    {refuse_privileges, "user \"root\" lacks BINLOG REPLAY there"},
    {refuse_applier, "its applier stopped: error 1062: Duplicate entry"},
    {refuse_unknown, "what it received is not known"},
    {refuse_fork, "its data fork from db3(192.0.2.3:3306) in GTID domain 1"},
};

START_TEST(an_unfit_replica_is_refused_with_its_reason_and_another_one_wins)
{
    refusals[_i].make();
    decide();
    ck_assert_int_eq(plan.servers[1].standing, BT_STANDING_REFUSED);
    ck_assert_str_eq(plan.servers[1].reason, refusals[_i].reason);
    ck_assert(plan.servers[1].takes_part);
    ck_assert_uint_ne(plan.winner, 1);
    ck_assert_uint_ne(plan.winner, SIZE_MAX);
}
END_TEST

START_TEST(a_broken_relay_log_does_not_refuse)
{
    cluster();
    upstreams[1][0].sql = BT_THREAD_NO;
    upstreams[1][0].sql_errno = 1594;
    decide();
    ck_assert_uint_eq(plan.winner, 1);
}
END_TEST

static void slow_behind(void)
{
    cluster();
    holdings[1].received.pos = 200 * 1000 * 1000;
}
static void slow_delay(void)
{
    cluster();
    upstreams[1][0].delay_seconds = 3600;
}
static void slow_no_way(void)
{
    cluster_with("vip=192.0.2.9/24\nvip_interface=eth0\n", "", "", "");
    holdings[1].has_node = false;
}

static void slow_unreachable(void)
{
    cluster_with("", "", "candidate_master=1\n", "");
    dead.logs_found = false;
    holdings[1].from_logs = false;
}

static const struct {
    void (*make)(void);
    const char *reason;
    bool others_too; /* all replicas stand so by the same cause */
} slow_ones[] = {
    {slow_behind, "its applier is at bin.000002:300, more than 100 MB behind bin.000002:200000000",
     true},
    {slow_delay, "it delays by 3600 s (MASTER_DELAY)", false},
    {slow_no_way, "its host cannot be reached, so the address could not be put there", false},
};

START_TEST(a_slow_replica_is_the_last_choice)
{
    slow_ones[_i].make();
    if (slow_ones[_i].others_too) /* the others have applied all */
        holdings[2].executed.pos = holdings[3].executed.pos = 200 * 1000 * 1000;
    decide();
    ck_assert_int_eq(plan.servers[1].standing, BT_STANDING_SLOW);
    ck_assert_str_eq(plan.servers[1].reason, slow_ones[_i].reason);
    ck_assert_uint_eq(plan.winner, 2);
}
END_TEST

START_TEST(a_candidate_that_nobody_could_complete_is_the_last_choice)
{
    slow_unreachable();
    decide();
    ck_assert_uint_eq(plan.winner, 1);
    ck_assert_str_eq(plan.servers[2].reason,
                     "it received less than db2(192.0.2.2:3306), whose logs cannot be read");
}
END_TEST

START_TEST(where_all_are_slow_one_of_them_wins_instead_of_nobody)
{
    slow_behind();
    decide();
    ck_assert_uint_eq(plan.winner, 1);
    ck_assert_int_eq(plan.rule, BT_RULE_SLOW);
}
END_TEST

START_TEST(check_repl_delay_0_of_the_candidate_allows_it_to_be_behind)
{
    cluster_with("", "check_repl_delay=0\n", "", "");
    holdings[1].received.pos = 200 * 1000 * 1000;
    decide();
    ck_assert_uint_eq(plan.winner, 1);
    ck_assert_int_eq(plan.rule, BT_RULE_LATEST);
}
END_TEST

START_TEST(nobody_electable_is_a_blocker)
{
    cluster();
    for (int i = 1; i < SERVERS; i++)
        facts[i].log_bin = false;
    decide();
    ck_assert(!bt_plan_may_go_on(&plan));
    ck_assert_uint_eq(plan.winner, SIZE_MAX);
    ck_assert_str_eq(text_of(&plan.blockers),
                     "none of the existing replicas can be the new primary\n");
}
END_TEST

START_TEST(a_dead_replica_takes_no_part_and_is_warned_of)
{
    cluster();
    facts[2].life = BT_LIFE_DEAD;
    facts[2].error = "no route";
    decide();
    ck_assert(bt_plan_may_go_on(&plan));
    ck_assert(!plan.servers[2].takes_part);
    ck_assert_ptr_nonnull(
        strstr(text_of(&plan.warnings), "db3(192.0.2.3:3306) takes no part: it is dead: no route"));
}
END_TEST

START_TEST(a_dropped_server_is_not_elected_again)
{
    cluster();
    dropped[1] = true;
    decide();
    ck_assert_uint_eq(plan.winner, 2);
    ck_assert_int_eq(plan.servers[1].standing, BT_STANDING_OUTSIDE);
}
END_TEST

START_TEST(an_old_primary_that_waits_read_only_is_no_blocker)
{
    cluster();
    facts[3].upstream_count = 0;
    facts[3].read_only = true;
    decide();
    ck_assert(bt_plan_may_go_on(&plan));
    ck_assert(!plan.servers[3].takes_part);
    ck_assert_ptr_nonnull(strstr(text_of(&plan.warnings),
                                 "db4(192.0.2.4:3306) takes no part: it is "
                                 "read-only and replicates from nobody"));
}
END_TEST

START_TEST(a_living_server_that_replicates_from_nobody_is_a_blocker)
{
    cluster();
    facts[3].upstream_count = 0;
    facts[3].read_only = false;
    decide();
    ck_assert(!bt_plan_may_go_on(&plan));
    ck_assert_ptr_nonnull(strstr(text_of(&plan.blockers), "two primaries may not be"));
}
END_TEST

START_TEST(a_second_tier_blocks_unless_it_is_allowed)
{
    cluster();
    upstreams[3][0].host = "db3";
    decide();
    ck_assert(!bt_plan_may_go_on(&plan));
    cluster_with("multi_tier_slave=1\n", "", "", "");
    upstreams[3][0].host = "db3";
    decide();
    ck_assert(bt_plan_may_go_on(&plan));
    ck_assert(!plan.servers[3].takes_part);
}
END_TEST

START_TEST(several_sources_are_refused_by_name)
{
    cluster();
    upstreams[1][1] = upstreams[1][0];
    facts[1].upstream_count = 2;
    decide();
    ck_assert(!bt_plan_may_go_on(&plan));
    ck_assert_str_eq(text_of(&plan.blockers),
                     "db2(192.0.2.2:3306) replicates from 2 primaries; one is supported\n");
}
END_TEST

/* -------------------------------------------------------------------- losses */

/* db2 has received up to 400 and acknowledges, as db3 does; two replicas did. */
static const char *acks_of(enum bt_semisync_state state, uint64_t clients)
{
    static struct bt_semisync_end end;

    cluster();
    end = (struct bt_semisync_end){
        .state = state, .clients = clients, .needed = 1, .text = "because of that"};
    dead = (struct bt_dead_host){.node_error = "gone", .logs_error = ""};
    facts[1].acknowledges = facts[2].acknowledges = true;
    input.semisync = &end;
    decide();
    return bt_acked_name(plan.acks.unsent.unsent);
}

START_TEST(what_was_sent_to_nobody_was_acknowledged_to_nobody_with_semi_sync_alone)
{
    ck_assert_str_eq(acks_of(BT_SEMISYNC_IN_FORCE, 2), "no");
    ck_assert_uint_eq(plan.acks.furthest, 1);
    ck_assert_ptr_nonnull(
        strstr(text_of(&plan.lost),
               "\nWhat no replica has received was acknowledged to no client: because of that.\n"));
    ck_assert_str_eq(acks_of(BT_SEMISYNC_FELL_BACK, 2), "maybe");
    ck_assert_ptr_nonnull(
        strstr(text_of(&plan.lost), "may have been acknowledged to clients: because of that."));
    ck_assert_str_eq(acks_of(BT_SEMISYNC_MAY_HAVE_FALLEN_BACK, 2), "maybe");
    ck_assert_str_eq(acks_of(BT_SEMISYNC_OFF, 0), "maybe");
    ck_assert_str_eq(acks_of(BT_SEMISYNC_UNKNOWN, 0), "unknown");
}
END_TEST

START_TEST(a_replica_that_acknowledged_and_is_gone_may_have_been_the_only_one)
{
    ck_assert_str_eq(acks_of(BT_SEMISYNC_IN_FORCE, 3), "maybe");
    ck_assert_ptr_nonnull(strstr(text_of(&plan.lost), "of 3 replicas that acknowledged, 1 cannot"));
}
END_TEST

START_TEST(logs_that_cannot_be_read_are_a_stated_loss)
{
    cluster();
    dead.node_reachable = false;
    dead.logs_found = false;
    dead.node_error = "ssh to db1: refused";
    decide();
    ck_assert(bt_plan_may_go_on(&plan));
    ck_assert_str_eq(text_of(&plan.lost),
                     "The binary logs of db1(192.0.2.1:3306) cannot be read (ssh to db1: refused): "
                     "transactions behind "
                     "bin.000002:400 that were not sent to any replica are lost.\n");
}
END_TEST

START_TEST(with_all_logs_nothing_is_known_to_be_lost)
{
    cluster();
    decide();
    ck_assert_uint_eq(plan.lost.len, 0);
}
END_TEST

START_TEST(an_unfinished_tail_is_warned_of)
{
    cluster();
    holdings[2].unfinished_bytes = 77;
    holdings[2].cut = "the transaction has no end";
    decide();
    ck_assert_ptr_nonnull(
        strstr(text_of(&plan.warnings),
               "77 bytes behind bin.000002:300 are not used: the transaction has no end"));
}
END_TEST

/* ------------------------------------------------------------------ printing */

START_TEST(the_plan_fits_100_columns)
{
    bt_auto_buf struct bt_buf out;

    bt_buf_init(&out, 1 << 20);
    cluster();
    facts[1].privileges_missing =
        "REPLICATION SLAVE ADMIN, RELOAD, READ_ONLY ADMIN, BINLOG REPLAY, BINLOG ADMIN";
    dead.logs_found = false;
    dead.logs_error = "no logs named \"bin.*\" in "
                      "/var/lib/mysql,/var/log/mysql,/srv/a/very/long/folder/name/of/a/site";
    decide();
    plan.servers[2].lack = (struct bt_plan_lack){.known = true,
                                                 .transactions = 12,
                                                 .bytes = 4096,
                                                 .first = "0-1-100",
                                                 .last = "0-1-111",
                                                 .sources = "db1, db2, db4"};
    bt_plan_text(&input, &plan, &out);
    for (const char *line = bt_buf_str(&out); *line; line += strcspn(line, "\n") + 1)
        ck_assert_uint_le(strcspn(line, "\n"), 100);
    ck_assert_ptr_nonnull(strstr(bt_buf_str(&out), "New primary:  db3(192.0.2.3:3306)\n"));
    ck_assert_ptr_nonnull(
        strstr(bt_buf_str(&out),
               "lacks 12 transactions (4.0 KiB), 0-1-100 to 0-1-111, from db1, db2, db4"));
}
END_TEST

START_TEST(the_plan_as_json_names_winner_and_reasons)
{
    bt_auto_buf struct bt_buf out;
    struct bt_json json;

    bt_buf_init(&out, 1 << 20);
    cluster();
    decide();
    bt_json_init(&json, &out);
    bt_plan_json(&input, &plan, &json);
    ck_assert_ptr_nonnull(
        strstr(bt_buf_str(&out), "\"new_primary\":\"db2\",\"rule\":\"nobody received more\""));
    ck_assert_ptr_nonnull(
        strstr(bt_buf_str(&out),
               "\"standing\":\"electable\",\"reason\":\"it received less than the winner\""));
    ck_assert_ptr_nonnull(
        strstr(bt_buf_str(&out), "\"received\":{\"file\":\"bin.000002\",\"pos\":400}"));
}
END_TEST

BT_SUITE_MAIN("failover plan",
              {who_received_most_wins, 0},
              {among_equals_the_configuration_order_counts, 0},
              {a_log_number_with_more_digits_is_later, 0},
              {a_candidate_wins_although_it_received_less, 0},
              {a_candidate_that_is_latest_wins_before_another_candidate, 0},
              {latest_priority_0_is_configuration_order_alone, 0},
              {by_gtid_where_it_is_known, 0},
              {a_forced_winner_wins, 0},
              {a_forced_winner_that_cannot_be_is_a_blocker, 0},
              {an_unfit_replica_is_refused_with_its_reason_and_another_one_wins,
               (int)(sizeof(refusals) / sizeof(refusals[0]))},
              {a_broken_relay_log_does_not_refuse, 0},
              {a_slow_replica_is_the_last_choice, (int)(sizeof(slow_ones) / sizeof(slow_ones[0]))},
              {a_candidate_that_nobody_could_complete_is_the_last_choice, 0},
              {where_all_are_slow_one_of_them_wins_instead_of_nobody, 0},
              {check_repl_delay_0_of_the_candidate_allows_it_to_be_behind, 0},
              {nobody_electable_is_a_blocker, 0},
              {a_dead_replica_takes_no_part_and_is_warned_of, 0},
              {a_dropped_server_is_not_elected_again, 0},
              {an_old_primary_that_waits_read_only_is_no_blocker, 0},
              {a_living_server_that_replicates_from_nobody_is_a_blocker, 0},
              {a_second_tier_blocks_unless_it_is_allowed, 0},
              {several_sources_are_refused_by_name, 0},
              {what_was_sent_to_nobody_was_acknowledged_to_nobody_with_semi_sync_alone, 0},
              {a_replica_that_acknowledged_and_is_gone_may_have_been_the_only_one, 0},
              {logs_that_cannot_be_read_are_a_stated_loss, 0},
              {with_all_logs_nothing_is_known_to_be_lost, 0},
              {an_unfinished_tail_is_warned_of, 0},
              {the_plan_fits_100_columns, 0},
              {the_plan_as_json_names_winner_and_reasons, 0})
