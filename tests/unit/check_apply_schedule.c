/* SPDX-License-Identifier: Apache-2.0 */
/* Which transactions may run beside which: literal events in, the number to wait for out. */
#include "apply/schedule.h"
#include "tests/unit/suite.h"

/* A table (id INT PRIMARY KEY, u VARCHAR(20), UNIQUE (u)), as the tests want its keys to be. */
struct bench {
    struct bt_format format;
    struct bt_schedule *s;
    struct bt_buf body;
    struct bt_table_key keys[2];
    struct bt_table_keys table;
    uint64_t number;
};

static int keys_of(void *ctx, struct bt_slice db, struct bt_slice table,
                   const struct bt_table_keys **ret, struct bt_err *err)
{
    struct bench *b = ctx;

    (void)db;
    (void)table;
    (void)err;
    *ret = &b->table;
    return 0;
}

static void open_bench(struct bench *b)
{
    struct bt_err err = {0};

    *b = (struct bench){.format = {.flavor = BT_FLAVOR_MARIADB,
                                   .version_number = 101119,
                                   .header_length = 19,
                                   .type_count = 171}};
    b->format.post_header_length[BT_QUERY] = 13;
    b->format.post_header_length[BT_TABLE_MAP] = 8;
    b->format.post_header_length[BT_WRITE_ROWS_V1] = 8;
    b->format.post_header_length[BT_UPDATE_ROWS_V1] = 8;
    bt_buf_init(&b->body, 1 << 20);
    b->keys[0] = (struct bt_table_key){.part_count = 1};
    b->keys[1] = (struct bt_table_key){.part_count = 1, .is_nullable = true};
    b->keys[1].parts[0] = (struct bt_index_part){.column = 1, .text = BT_KEY_FOLDED};
    b->table = (struct bt_table_keys){
        .id = 7, .column_count = 2, .keys = b->keys, .key_count = 2};
    ck_assert_int_eq(bt_schedule_new(keys_of, b, &b->s, &err), 0);
}

static void close_bench(struct bench *b)
{
    bt_schedule_free(b->s);
    bt_buf_done(&b->body);
}

static void feed(struct bench *b, uint8_t type, uint16_t flags)
{
    struct bt_event ev = {.header = {.when = 1000,
                                     .type = type,
                                     .server_id = 101,
                                     .length = (uint32_t)(19 + b->body.len),
                                     .flags = flags},
                          .type = type,
                          .body = bt_buf_slice(&b->body),
                          .format = &b->format};
    struct bt_err err = {0};

    ck_assert_msg(bt_schedule_event(b->s, &ev, &err) == 0, "%s", err.text);
    bt_buf_reset(&b->body);
}

static void begin(struct bench *b, uint8_t flags, uint64_t commit_id)
{
    bt_schedule_begin(b->s, b->number++);
    bt_buf_add_le(&b->body, b->number, 8);
    bt_buf_add_le(&b->body, 0, 4);
    bt_buf_add_byte(&b->body, flags | (commit_id ? BT_GTID_GROUP_COMMIT : 0));
    bt_buf_add_le(&b->body, commit_id, commit_id ? 8 : 6);
    feed(b, BT_MARIADB_GTID, 0);
}

static void begin_transaction(struct bench *b)
{
    begin(b, BT_GTID_TRANSACTIONAL | BT_GTID_ALLOW_PARALLEL, 0);
}

static void add_row(struct bench *b, uint32_t id, const char *u)
{
    bt_buf_add_byte(&b->body, u ? 0xfc : 0xfe);
    bt_buf_add_le(&b->body, id, 4);
    if (!u)
        return;
    bt_buf_add_byte(&b->body, (uint8_t)strlen(u));
    bt_buf_add_str(&b->body, u);
}

static void add_map(struct bench *b)
{
    bt_buf_add_le(&b->body, 9, 6);
    bt_buf_add_le(&b->body, 1, 2);
    bt_buf_add(&b->body, "\1w\0\1t\0\2\3\17\2\24\0\2", 13);
    feed(b, BT_TABLE_MAP, 0);
}

static void insert(struct bench *b, uint32_t id, const char *u)
{
    add_map(b);
    bt_buf_add_le(&b->body, 9, 6);
    bt_buf_add_le(&b->body, BT_ROWS_STMT_END, 2);
    bt_buf_add(&b->body, "\2\3", 2);
    add_row(b, id, u);
    feed(b, BT_WRITE_ROWS_V1, 0);
}

static void update(struct bench *b, uint32_t id, const char *from, const char *to)
{
    add_map(b);
    bt_buf_add_le(&b->body, 9, 6);
    bt_buf_add_le(&b->body, BT_ROWS_STMT_END, 2);
    bt_buf_add(&b->body, "\2\3\3", 3);
    add_row(b, id, from);
    add_row(b, id, to);
    feed(b, BT_UPDATE_ROWS_V1, 0);
}

static void query(struct bench *b, uint16_t flags, const char *sql)
{
    bt_buf_add_le(&b->body, 7, 4);
    bt_buf_add_le(&b->body, 0, 4);
    bt_buf_add_byte(&b->body, 1);
    bt_buf_add_le(&b->body, 0, 4);
    bt_buf_add(&b->body, "w", 2);
    bt_buf_add_str(&b->body, sql);
    feed(b, BT_QUERY, flags);
}

/* Ends the transaction: the number of the first one it need not wait for. */
static unsigned end(struct bench *b)
{
    struct bt_schedule_place place;

    bt_schedule_end(b->s, &place);
    return (unsigned)place.after;
}

static unsigned insert_alone(struct bench *b, uint32_t id, const char *u)
{
    begin_transaction(b);
    insert(b, id, u);
    return end(b);
}

START_TEST(rows_with_other_keys_wait_for_nobody)
{
    struct bench b;

    open_bench(&b);
    ck_assert_uint_eq(insert_alone(&b, 1, "a"), 0);
    ck_assert_uint_eq(insert_alone(&b, 2, "b"), 0);
    ck_assert_uint_eq(insert_alone(&b, 3, NULL), 0);
    ck_assert_uint_eq(insert_alone(&b, 4, NULL), 0); /* NULL rivals nobody */
    close_bench(&b);
}
END_TEST

START_TEST(the_last_one_with_the_same_key_is_waited_for)
{
    struct bench b;

    open_bench(&b);
    insert_alone(&b, 1, "a");
    insert_alone(&b, 2, "b");
    ck_assert_uint_eq(insert_alone(&b, 1, "c"), 1); /* primary key of number 0 */
    ck_assert_uint_eq(insert_alone(&b, 9, "b"), 2); /* unique key of number 1 */
    close_bench(&b);
}
END_TEST

START_TEST(an_update_counts_with_both_images)
{
    struct bench b;

    open_bench(&b);
    begin_transaction(&b);
    update(&b, 1, "old", "new");
    end(&b);
    ck_assert_uint_eq(insert_alone(&b, 2, "old"), 1);
    ck_assert_uint_eq(insert_alone(&b, 3, "new"), 1);
    close_bench(&b);
}
END_TEST

START_TEST(keys_that_a_collation_holds_equal_are_the_same)
{
    struct bench b;

    open_bench(&b);
    insert_alone(&b, 1, "Abc");
    ck_assert_uint_eq(insert_alone(&b, 2, "aBC  "), 1);
    close_bench(&b);
}
END_TEST

START_TEST(a_character_that_may_equal_others_waits_for_the_whole_table)
{
    struct bench b;

    open_bench(&b);
    insert_alone(&b, 1, "a");
    insert_alone(&b, 2, "b");
    ck_assert_uint_eq(insert_alone(&b, 3, "\xc3\xa9"), 2); /* may be the e of anybody */
    ck_assert_uint_eq(insert_alone(&b, 4, "e"), 3);        /* and anybody its */
    ck_assert_uint_eq(insert_alone(&b, 5, "x"), 3);
    close_bench(&b);
}
END_TEST

START_TEST(a_table_without_a_key_is_one_at_a_time)
{
    struct bench b;

    open_bench(&b);
    b.table.is_whole = true;
    insert_alone(&b, 1, "a");
    ck_assert_uint_eq(insert_alone(&b, 2, "b"), 1);
    b.table.is_whole = false;
    b.table.id = 8;
    ck_assert_uint_eq(insert_alone(&b, 2, "b"), 0); /* another table */
    close_bench(&b);
}
END_TEST

START_TEST(a_barrier_waits_for_all_and_all_wait_for_it)
{
    struct bench b;

    open_bench(&b);
    insert_alone(&b, 1, "a");
    begin(&b, BT_GTID_STANDALONE | BT_GTID_DDL, 0);
    query(&b, 0, "ALTER TABLE t ADD x INT");
    ck_assert_uint_eq(end(&b), 1);
    ck_assert_uint_eq(insert_alone(&b, 2, "b"), 2);
    b.table.is_barrier = true; /* a foreign key, say */
    ck_assert_uint_eq(insert_alone(&b, 3, "c"), 3);
    b.table.is_barrier = false;
    ck_assert_uint_eq(insert_alone(&b, 4, "d"), 4);
    begin(&b, BT_GTID_ALLOW_PARALLEL, 0); /* not TRANSACTIONAL: no ROLLBACK takes it back */
    insert(&b, 5, "e");
    ck_assert_uint_eq(end(&b), 5);
    close_bench(&b);
}
END_TEST

START_TEST(a_statement_may_have_written_anything)
{
    struct bench b;

    open_bench(&b);
    insert_alone(&b, 1, "a");
    begin_transaction(&b);
    query(&b, 0, "UPDATE t SET u=NULL");
    ck_assert_uint_eq(end(&b), 1);
    ck_assert_uint_eq(insert_alone(&b, 2, "b"), 2);
    close_bench(&b);
}
END_TEST

START_TEST(transactions_of_one_group_commit_ran_beside_each_other)
{
    struct bench b;

    open_bench(&b);
    insert_alone(&b, 1, "a");
    for (int i = 0; i < 3; i++) {
        begin(&b, BT_GTID_TRANSACTIONAL, 77);
        query(&b, 0, "UPDATE t SET u=NULL WHERE id=1");
        ck_assert_uint_eq(end(&b), 1);
    }
    begin(&b, BT_GTID_TRANSACTIONAL, 78);
    query(&b, 0, "UPDATE t SET u=NULL WHERE id=1");
    ck_assert_uint_eq(end(&b), 4);
    begin(&b, BT_GTID_TRANSACTIONAL, 78);
    query(&b, BT_FLAG_THREAD_SPECIFIC, "INSERT INTO temporary VALUES (1)");
    ck_assert_uint_eq(end(&b), 5); /* lives in one session: a barrier whatever the source says */
    close_bench(&b);
}
END_TEST

BT_SUITE_MAIN("apply schedule",
              {rows_with_other_keys_wait_for_nobody, 0},
              {the_last_one_with_the_same_key_is_waited_for, 0},
              {an_update_counts_with_both_images, 0},
              {keys_that_a_collation_holds_equal_are_the_same, 0},
              {a_character_that_may_equal_others_waits_for_the_whole_table, 0},
              {a_table_without_a_key_is_one_at_a_time, 0},
              {a_barrier_waits_for_all_and_all_wait_for_it, 0},
              {a_statement_may_have_written_anything, 0},
              {transactions_of_one_group_commit_ran_beside_each_other, 0})
