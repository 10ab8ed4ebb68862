/* SPDX-License-Identifier: Apache-2.0 */
#include "diff/had.h"

#include "tests/unit/suite.h"

static struct bt_had had_of(const char *state, const char *set)
{
    struct bt_gtid_state s = {0};
    struct bt_gtid_set g = {0};
    struct bt_had had = {0};
    struct bt_err err = {0};

    if (state)
        ck_assert_int_eq(bt_gtid_state_parse(bt_slice_str(state), &s, &err), 0);
    if (set)
        ck_assert_int_eq(bt_gtid_set_parse(bt_slice_str(set), &g, &err), 0);
    ck_assert_int_eq(bt_had_copy(&had, state ? &s : NULL, set ? &g : NULL, &err), 0);
    bt_gtid_state_done(&s);
    bt_gtid_set_done(&g);
    return had;
}

static struct bt_gtid gtid_of(const char *text)
{
    struct bt_gtid gtid;
    struct bt_err err = {0};

    ck_assert_int_eq(bt_gtid_parse(bt_slice_str(text), &gtid, &err), 0);
    return gtid;
}

#define UUID "3e11fa47-71ca-11e1-9e33-c80aa9429562"

START_TEST(a_domain_is_had_up_to_its_number_a_uuid_by_its_intervals)
{
    struct bt_had m = had_of("0-1-10,7-1-3", NULL), y = had_of(NULL, UUID ":1-5:9");
    struct bt_gtid gtid;

    ck_assert((gtid = gtid_of("0-2-10"), bt_had_has(&m, &gtid)));
    ck_assert((gtid = gtid_of("0-1-11"), !bt_had_has(&m, &gtid)));
    ck_assert((gtid = gtid_of("1-1-1"), !bt_had_has(&m, &gtid)));
    ck_assert((gtid = gtid_of(UUID ":9"), bt_had_has(&y, &gtid)));
    ck_assert((gtid = gtid_of(UUID ":7"), !bt_had_has(&y, &gtid)));
    bt_had_done(&m);
    bt_had_done(&y);
}
END_TEST

START_TEST(a_servers_own_number_is_told_from_its_domains)
{
    struct bt_had m = had_of("0-1-10", NULL);
    struct bt_gtid errant = gtid_of("0-2-4"), own = gtid_of("0-1-4");

    ck_assert(bt_had_has(&m, &errant));
    ck_assert(!bt_had_has_of_server(&m, &errant));
    ck_assert(bt_had_has_of_server(&m, &own));
    bt_had_done(&m);
}
END_TEST

START_TEST(the_next_number_follows_without_a_gap)
{
    struct bt_had m = had_of("0-1-10", NULL), y = had_of(NULL, UUID ":1-5");
    struct bt_gtid gtid;

    ck_assert((gtid = gtid_of("0-2-11"), bt_had_is_next(&m, &gtid)));
    ck_assert((gtid = gtid_of("0-1-12"), !bt_had_is_next(&m, &gtid)));
    ck_assert((gtid = gtid_of("3-1-1"), bt_had_is_next(&m, &gtid)));
    ck_assert((gtid = gtid_of("3-1-2"), !bt_had_is_next(&m, &gtid)));
    ck_assert((gtid = gtid_of(UUID ":6"), bt_had_is_next(&y, &gtid)));
    ck_assert((gtid = gtid_of(UUID ":7"), !bt_had_is_next(&y, &gtid)));
    bt_had_done(&m);
    bt_had_done(&y);
}
END_TEST

START_TEST(nothing_known_contains_nothing)
{
    struct bt_had none = {0}, m = had_of("0-1-10", NULL), part = had_of("0-1-9", NULL);

    ck_assert(!bt_had_contains(&none, &part));
    ck_assert(bt_had_contains(&m, &part));
    ck_assert(!bt_had_contains(&part, &m));
    bt_had_done(&m);
    bt_had_done(&part);
}
END_TEST

BT_SUITE_MAIN("diff had",
              {a_domain_is_had_up_to_its_number_a_uuid_by_its_intervals, 0},
              {a_servers_own_number_is_told_from_its_domains, 0},
              {the_next_number_follows_without_a_gap, 0},
              {nothing_known_contains_nothing, 0})
