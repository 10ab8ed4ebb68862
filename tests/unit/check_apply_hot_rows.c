/* SPDX-License-Identifier: Apache-2.0 */
/* Whether transactions change rows that those right before them changed: literal events in. */
#include "apply/hot_rows.h"
#include "tests/unit/suite.h"

enum { FULL = 3, ID = 1, K = 2 }; /* columns of (id INT, k INT) */

struct bench {
    struct bt_format format;
    struct bt_row_count rows;
    struct bt_hot_rows hot;
    struct bt_buf body;
};

static void feed(struct bench *b, uint8_t type)
{
    struct bt_event ev = {.header = {.when = 1000,
                                     .type = type,
                                     .server_id = 101,
                                     .length = (uint32_t)(19 + b->body.len)},
                          .type = type,
                          .body = bt_buf_slice(&b->body),
                          .format = &b->format};

    (void)bt_row_count_feed(&b->rows, &ev);
    bt_hot_rows_feed(&b->hot, &b->rows, &ev);
    bt_buf_reset(&b->body);
}

static void open_bench(struct bench *b)
{
    struct bt_err err = {0};

    *b = (struct bench){.format = {.flavor = BT_FLAVOR_MARIADB,
                                   .version_number = 101119,
                                   .header_length = 19,
                                   .type_count = 171}};
    b->format.post_header_length[BT_TABLE_MAP] = 8;
    for (int type = BT_WRITE_ROWS_V1; type <= BT_DELETE_ROWS_V1; type++)
        b->format.post_header_length[type] = 8;
    bt_buf_init(&b->body, 1 << 20);
    ck_assert_int_eq(bt_row_count_init(&b->rows, &err), 0);
    ck_assert_int_eq(bt_hot_rows_init(&b->hot, &err), 0);
}

static void close_bench(struct bench *b)
{
    bt_hot_rows_done(&b->hot);
    bt_row_count_done(&b->rows);
    bt_buf_done(&b->body);
}

static void map(struct bench *b)
{
    bt_buf_add_le(&b->body, 21, 6);
    bt_buf_add_le(&b->body, 1, 2);
    bt_buf_add(&b->body, "\1d\0\1t\0\2\3\3\0\0", 11); /* d.t, two INT, no metadata, NOT NULL */
    feed(b, BT_TABLE_MAP);
}

/* Table id, flags, column count. */
static void frame(struct bench *b)
{
    bt_buf_add_le(&b->body, 21, 6);
    bt_buf_add_le(&b->body, 1, 2);
    bt_buf_add_byte(&b->body, 2);
}

static void image(struct bench *b, unsigned columns, uint32_t id, uint32_t k)
{
    bt_buf_add_byte(&b->body, 0);
    if (columns & ID)
        bt_buf_add_le(&b->body, id, 4);
    if (columns & K)
        bt_buf_add_le(&b->body, k, 4);
}

/* One row goes from k to k + 1. */
static void update(struct bench *b, unsigned before, unsigned after, uint32_t id, uint32_t k)
{
    map(b);
    frame(b);
    bt_buf_add_byte(&b->body, (uint8_t)before);
    bt_buf_add_byte(&b->body, (uint8_t)after);
    image(b, before, id, k);
    image(b, after, id, k + 1);
    feed(b, BT_UPDATE_ROWS_V1);
    bt_hot_rows_end(&b->hot);
}

static void change(struct bench *b, uint8_t type, uint32_t id)
{
    map(b);
    frame(b);
    bt_buf_add_byte(&b->body, FULL);
    image(b, FULL, id, 0);
    feed(b, type);
    bt_hot_rows_end(&b->hot);
}

START_TEST(one_row_changed_by_every_transaction_is_seen)
{
    struct bench b;

    open_bench(&b);
    for (uint32_t i = 0; i < 100; i++)
        update(&b, FULL, FULL, 1, i);
    ck_assert_uint_eq(b.hot.sampled, 100);
    ck_assert_uint_eq(b.hot.meeting, 99);
    ck_assert_uint_eq(bt_hot_rows_percent(&b.hot), 99);
    close_bench(&b);
}
END_TEST

START_TEST(minimal_images_name_the_row_by_its_key)
{
    struct bench b;

    open_bench(&b);
    for (uint32_t i = 0; i < 100; i++)
        update(&b, ID, K, 1, i);
    ck_assert_uint_eq(b.hot.meeting, 99);
    close_bench(&b);
}
END_TEST

START_TEST(rows_of_their_own_do_not_meet)
{
    struct bench b;

    open_bench(&b);
    /* The same new value in all of them. */
    for (uint32_t i = 0; i < 100; i++)
        update(&b, i % 2 ? FULL : ID, i % 2 ? FULL : K, i, 7);
    ck_assert_uint_eq(b.hot.sampled, 100);
    ck_assert_uint_eq(b.hot.meeting, 0);
    close_bench(&b);
}
END_TEST

START_TEST(a_row_that_comes_and_goes_is_met)
{
    struct bench b;

    open_bench(&b);
    for (uint32_t i = 0; i < 50; i++) {
        change(&b, BT_WRITE_ROWS_V1, i);
        change(&b, BT_DELETE_ROWS_V1, i);
    }
    ck_assert_uint_eq(bt_hot_rows_percent(&b.hot), 50);
    close_bench(&b);
}
END_TEST

START_TEST(far_behind_one_another_they_do_not_meet)
{
    struct bench b;

    open_bench(&b);
    for (uint32_t i = 0; i < 100; i++)
        update(&b, FULL, FULL, i % (BT_HOT_ROWS_BACK + 1), i / (BT_HOT_ROWS_BACK + 1));
    ck_assert_uint_eq(b.hot.meeting, 0);
    close_bench(&b);
}
END_TEST

START_TEST(some_in_a_row_out_of_many_are_looked_at)
{
    struct bench b;

    open_bench(&b);
    for (uint32_t i = 0; i < 2048 + 128; i++)
        update(&b, FULL, FULL, 1, i);
    ck_assert_uint_eq(b.hot.sampled, 256);
    ck_assert_uint_eq(b.hot.meeting, 254);
    close_bench(&b);
}
END_TEST

START_TEST(too_few_say_nothing)
{
    struct bench b;

    open_bench(&b);
    for (uint32_t i = 0; i < 20; i++)
        update(&b, FULL, FULL, 1, i);
    ck_assert_uint_eq(bt_hot_rows_percent(&b.hot), 0);
    close_bench(&b);
}
END_TEST

BT_SUITE_MAIN("apply hot rows",
              {one_row_changed_by_every_transaction_is_seen, 0},
              {minimal_images_name_the_row_by_its_key, 0},
              {rows_of_their_own_do_not_meet, 0},
              {a_row_that_comes_and_goes_is_met, 0},
              {far_behind_one_another_they_do_not_meet, 0},
              {some_in_a_row_out_of_many_are_looked_at, 0},
              {too_few_say_nothing, 0})
