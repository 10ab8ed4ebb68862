/* SPDX-License-Identifier: Apache-2.0 */
/* Who replicates from whom, from literal facts. */
#include "tests/unit/plan_cluster.h"

START_TEST(the_primary_is_whom_the_replicas_name)
{
    cluster();
    ck_assert_int_eq(bt_topology_find(&config, facts, &topology, &err), 0);
    ck_assert_uint_eq(topology.primary, 0);
    ck_assert_int_eq(topology.role[1], BT_ROLE_REPLICA);
    ck_assert_ptr_eq(bt_topology_link(&topology, facts, 1), &upstreams[1][0]);
    ck_assert_ptr_null(bt_topology_link(&topology, facts, 0));
}
END_TEST

START_TEST(an_upstream_is_found_by_address_too)
{
    cluster();
    for (int i = 1; i < SERVERS; i++)
        upstreams[i][0].host = "192.0.2.1";
    ck_assert_int_eq(bt_topology_find(&config, facts, &topology, &err), 0);
    ck_assert_uint_eq(topology.primary, 0);
}
END_TEST

START_TEST(a_replica_of_a_replica_is_its_own_tier)
{
    bt_auto_buf struct bt_buf out;

    bt_buf_init(&out, 4096);
    cluster();
    upstreams[3][0].host = "db3";
    ck_assert_int_eq(bt_topology_find(&config, facts, &topology, &err), 0);
    ck_assert_int_eq(topology.role[3], BT_ROLE_TIER);
    ck_assert_uint_eq(topology.upstream[3], 2);
    bt_topology_draw(&topology, &config, &out);
    ck_assert_str_eq(bt_buf_str(&out),
                     "db1(192.0.2.1:3306) (current master)\n +--db2(192.0.2.2:3306)\n"
                     " +--db3(192.0.2.3:3306)\n     +--db4(192.0.2.4:3306)\n");
}
END_TEST

START_TEST(two_primaries_are_refused)
{
    cluster();
    facts[3].upstream_count = 0;
    upstreams[2][0].host = "db4";
    ck_assert_int_eq(bt_topology_find(&config, facts, &topology, &err), -1);
    ck_assert_ptr_nonnull(
        strstr(err.text, "two primaries, db1(192.0.2.1:3306) and db4(192.0.2.4:3306)"));
}
END_TEST

/* A failover left db4 behind: its applier is broken, and it still names the dead db1. */
START_TEST(a_replica_that_was_left_behind_does_not_hide_the_primary)
{
    cluster();
    facts[1].read_only = false;
    facts[1].upstream_count = 0;
    upstreams[2][0].host = "db2";
    ck_assert_int_eq(bt_topology_find(&config, facts, &topology, &err), 0);
    ck_assert_uint_eq(topology.primary, 1);
    ck_assert_int_eq(topology.role[2], BT_ROLE_REPLICA);
    ck_assert_int_eq(topology.role[3], BT_ROLE_LEFT);
    /* When db2 dies too, db4 takes no part and is in nobody's way. */
    bt_plan_done(&plan);
    bt_plan_decide(&input, &plan);
    ck_assert_uint_eq(plan.winner, 2);
    ck_assert_str_eq(text_of(&plan.blockers), "");
    /* Somebody who cannot take writes, or a db1 that may live, replaces nobody. */
    facts[1].read_only = true;
    ck_assert_int_eq(bt_topology_find(&config, facts, &topology, &err), -1);
    facts[1].read_only = false;
    facts[0].life = BT_LIFE_REFUSING;
    ck_assert_int_eq(bt_topology_find(&config, facts, &topology, &err), -1);
}
END_TEST

START_TEST(nobody_alive_is_said_in_mhas_words)
{
    cluster();
    for (int i = 0; i < SERVERS; i++)
        facts[i].life = BT_LIFE_DEAD;
    ck_assert_int_eq(bt_topology_find(&config, facts, &topology, &err), -1);
    ck_assert_str_eq(err.text, "There is no alive server. We can't do failover");
}
END_TEST

START_TEST(replicas_of_a_stranger_have_no_primary_here)
{
    cluster();
    for (int i = 1; i < SERVERS; i++)
        upstreams[i][0].host = "elsewhere";
    ck_assert_int_eq(bt_topology_find(&config, facts, &topology, &err), -1);
}
END_TEST

/* db1 and db2 replicate from each other, and all live. */
static void ring(void)
{
    cluster();
    facts[0].life = BT_LIFE_ALIVE;
    facts[0].error = "";
    facts[0].upstream_count = 1;
    upstreams[0][0] = upstreams[1][0];
    upstreams[0][0].host = "db2";
}

START_TEST(of_co_primaries_it_is_the_one_that_takes_writes)
{
    ring();
    facts[0].read_only = false;
    ck_assert_int_eq(bt_topology_find(&config, facts, &topology, &err), 0);
    ck_assert_uint_eq(topology.primary, 0);
    ck_assert_uint_eq(topology.co_primary, 1);
    for (int i = 1; i < SERVERS; i++)
        ck_assert_int_eq(topology.role[i], BT_ROLE_REPLICA);
    /* The other way round db3 and db4 stand behind a replica. */
    facts[0].read_only = true;
    facts[1].read_only = false;
    ck_assert_int_eq(bt_topology_find(&config, facts, &topology, &err), 0);
    ck_assert_uint_eq(topology.primary, 1);
    ck_assert_int_eq(topology.role[0], BT_ROLE_REPLICA);
    ck_assert_int_eq(topology.role[2], BT_ROLE_TIER);
    ck_assert_ptr_null(bt_topology_link(&topology, facts, 1));
}
END_TEST

START_TEST(co_primaries_of_which_both_or_none_take_writes_are_refused_by_name)
{
    ring();
    ck_assert_int_eq(bt_topology_find(&config, facts, &topology, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "db1(192.0.2.1:3306) and db2(192.0.2.2:3306) replicate "
                                           "from each other, and none of them takes writes"));
    facts[0].read_only = facts[1].read_only = false;
    ck_assert_int_eq(bt_topology_find(&config, facts, &topology, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "more than one of them takes writes"));
}
END_TEST

START_TEST(a_dead_one_of_two_co_primaries_is_replaced_like_any)
{
    ring();
    facts[0].life = BT_LIFE_DEAD;
    facts[0].error = "connection refused";
    decide();
    ck_assert_uint_eq(topology.primary, 0);
    ck_assert_uint_eq(topology.co_primary, SIZE_MAX);
    ck_assert_uint_eq(plan.winner, 1);
    ck_assert_str_eq(text_of(&plan.blockers), "");
}
END_TEST

START_TEST(three_in_a_ring_are_co_primaries_too)
{
    ring();
    upstreams[0][0].host = "db3";
    upstreams[2][0].host = "db2";
    facts[1].read_only = false;
    ck_assert_int_eq(bt_topology_find(&config, facts, &topology, &err), 0);
    ck_assert_uint_eq(topology.primary, 1);
    ck_assert_int_eq(topology.role[2], BT_ROLE_REPLICA);
    ck_assert_int_eq(topology.role[0], BT_ROLE_TIER);
}
END_TEST

BT_SUITE_MAIN("failover topology",
              {the_primary_is_whom_the_replicas_name, 0},
              {an_upstream_is_found_by_address_too, 0},
              {a_replica_of_a_replica_is_its_own_tier, 0},
              {two_primaries_are_refused, 0},
              {a_replica_that_was_left_behind_does_not_hide_the_primary, 0},
              {nobody_alive_is_said_in_mhas_words, 0},
              {replicas_of_a_stranger_have_no_primary_here, 0},
              {of_co_primaries_it_is_the_one_that_takes_writes, 0},
              {co_primaries_of_which_both_or_none_take_writes_are_refused_by_name, 0},
              {a_dead_one_of_two_co_primaries_is_replaced_like_any, 0},
              {three_in_a_ring_are_co_primaries_too, 0})
