/* SPDX-License-Identifier: Apache-2.0 */
#include "diff/rank.h"

#include <stdio.h>

#include "tests/unit/suite.h"

enum { ITEMS = 4 };

struct fixture {
    struct bt_rank_item items[ITEMS];
    struct bt_gtid_state states[ITEMS];
    size_t order[ITEMS];
    size_t count;
};

/* gtid NULL: not known.  file "": not known. */
static void add(struct fixture *f, const char *file, uint64_t pos, const char *gtid)
{
    struct bt_rank_item *item = &f->items[f->count];
    struct bt_err err = {0};

    *item = (struct bt_rank_item){.received = {.pos = pos}};
    snprintf(item->received.file, sizeof(item->received.file), "%s", file);
    if (gtid) {
        ck_assert_int_eq(bt_gtid_state_parse(bt_slice_str(gtid), &f->states[f->count], &err), 0);
        item->gtid = &f->states[f->count];
    }
    f->count++;
}

static void done(struct fixture *f)
{
    for (size_t i = 0; i < f->count; i++)
        bt_gtid_state_done(&f->states[i]);
}

START_TEST(the_coordinate_ranks_by_number_not_by_text)
{
    struct fixture f = {0};

    add(&f, "bin.999999", 500, NULL);
    add(&f, "bin.1000000", 4, NULL);
    add(&f, "bin.1000000", 4, NULL);
    add(&f, "bin.999999", 9999, NULL);
    bt_rank_run(f.items, f.count, f.order);
    ck_assert_uint_eq(f.order[0], 1);
    ck_assert_uint_eq(f.order[1], 2);
    ck_assert_uint_eq(f.order[2], 3);
    ck_assert_uint_eq(f.order[3], 0);
    ck_assert_uint_eq(f.items[1].rank, 1);
    ck_assert_uint_eq(f.items[2].rank, 1);
    ck_assert_uint_eq(f.items[3].rank, 3);
    ck_assert_uint_eq(f.items[0].rank, 4);
    ck_assert(f.items[2].latest && !f.items[3].latest);
    done(&f);
}
END_TEST

START_TEST(gtids_decide_where_both_are_known)
{
    struct fixture f = {0};

    /* The coordinates are of different primaries and say nothing. */
    add(&f, "a.000001", 900, "0-1-50,1-1-7");
    add(&f, "b.000001", 100, "0-1-50,1-1-8");
    add(&f, "c.000001", 400, "0-1-49");
    bt_rank_run(f.items, f.count, f.order);
    ck_assert_uint_eq(f.order[0], 1);
    ck_assert_uint_eq(f.order[1], 0);
    ck_assert_uint_eq(f.order[2], 2);
    ck_assert_uint_eq(f.items[0].fork_with, SIZE_MAX);
    done(&f);
}
END_TEST

START_TEST(histories_that_fork_are_said_to_be_incomparable)
{
    struct fixture f = {0};

    add(&f, "bin.000001", 100, "0-1-50,1-1-7");
    add(&f, "bin.000001", 200, "0-1-49,1-1-8");
    bt_rank_run(f.items, f.count, f.order);
    ck_assert_uint_eq(f.items[0].fork_with, 1);
    ck_assert_uint_eq(f.items[0].fork_domain, 0);
    ck_assert_uint_eq(f.items[1].fork_with, 0);
    ck_assert_uint_eq(f.items[1].fork_domain, 1);
    ck_assert_uint_eq(f.order[0], 1);
    done(&f);
}
END_TEST

START_TEST(a_replica_of_which_nothing_is_known_stands_last)
{
    struct fixture f = {0};

    add(&f, "", 0, NULL);
    add(&f, "bin.000001", 4, NULL);
    bt_rank_run(f.items, f.count, f.order);
    ck_assert_uint_eq(f.order[0], 1);
    ck_assert_uint_eq(f.items[0].rank, 2);
    done(&f);
}
END_TEST

BT_SUITE_MAIN("diff rank",
              {the_coordinate_ranks_by_number_not_by_text, 0},
              {gtids_decide_where_both_are_known, 0},
              {histories_that_fork_are_said_to_be_incomparable, 0},
              {a_replica_of_which_nothing_is_known_stands_last, 0})
