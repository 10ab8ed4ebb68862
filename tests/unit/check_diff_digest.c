/* SPDX-License-Identifier: Apache-2.0 */
/* What a digest of contents depends on, byte by byte, and what it does not. */
#include "diff/digest.h"

#include "base/buf.h"
#include "parser/format.h"
#include "tests/unit/suite.h"

/* Around the size up to which contents are hashed at once (digest.c), and far beyond. */
static const size_t sizes[] = {1, 100, 8000, 8191, 8192, 8193, 20000};
enum { SIZES = sizeof(sizes) / sizeof(sizes[0]), STEP = 97, MAP = 1 };

struct bench {
    struct bt_format format;
    struct bt_digest *digest;
    uint8_t content[20000];
};

static void open_bench(struct bench *b)
{
    b->format = (struct bt_format){.flavor = BT_FLAVOR_MARIADB,
                                   .version_number = 101119,
                                   .header_length = 19,
                                   .type_count = 171};
    b->format.post_header_length[BT_QUERY] = 13;
    b->format.post_header_length[BT_TABLE_MAP] = 8;
    b->format.post_header_length[BT_WRITE_ROWS_V1] = 8;
    b->digest = bt_digest_new();
    ck_assert_ptr_nonnull(b->digest);
    for (size_t i = 0; i < sizeof(b->content); i++)
        b->content[i] = (uint8_t)('a' + i % 23);
}

static void feed(struct bench *b, uint8_t type, struct bt_buf *body)
{
    struct bt_event ev = {.header = {.when = 1000, .type = type, .server_id = 101},
                          .type = type,
                          .body = bt_buf_slice(body),
                          .format = &b->format};

    bt_digest_event(b->digest, &ev);
    bt_buf_done(body);
}

/* A statement of so many bytes. */
static void query(struct bench *b, size_t len)
{
    struct bt_buf body = {.max = 1 << 20};

    bt_buf_add_le(&body, 7, 4);
    bt_buf_add_le(&body, 0, 4);
    bt_buf_add_byte(&body, 1);
    bt_buf_add_le(&body, 0, 4);
    bt_buf_add(&body, "w", 2);
    bt_buf_add(&body, b->content, len);
    feed(b, BT_QUERY, &body);
}

/* The rows of one table, of so many bytes, cut into events of at most `most`. */
static void rows(struct bench *b, size_t len, size_t most)
{
    struct bt_buf map = {.max = 1 << 20};

    bt_buf_add_le(&map, MAP, 6);
    bt_buf_add_le(&map, 1, 2);
    bt_buf_add(&map, "\1w\0\1t\0\1\3\0\0", 10);
    feed(b, BT_TABLE_MAP, &map);
    for (size_t at = 0; at < len; at += most) {
        struct bt_buf body = {.max = 1 << 20};

        bt_buf_add_le(&body, MAP, 6);
        bt_buf_add_le(&body, at + most >= len, 2);
        bt_buf_add(&body, "\1\1", 2);
        bt_buf_add(&body, b->content + at, len - at < most ? len - at : most);
        feed(b, BT_WRITE_ROWS_V1, &body);
    }
}

static uint64_t of_queries(struct bench *b, size_t count, size_t len)
{
    bt_digest_reset(b->digest);
    for (size_t i = 0; i < count; i++)
        query(b, len);
    return bt_digest_value(b->digest);
}

static uint64_t of_rows(struct bench *b, size_t len, size_t most)
{
    bt_digest_reset(b->digest);
    rows(b, len, most);
    query(b, 5);
    return bt_digest_value(b->digest);
}

START_TEST(every_byte_of_a_statement_counts)
{
    struct bench b;
    uint64_t whole;
    size_t len = sizes[_i];

    open_bench(&b);
    whole = of_queries(&b, 3, len);
    for (size_t at = len - 1; at < len; at -= STEP) {
        b.content[at] ^= 1;
        ck_assert_uint_ne(of_queries(&b, 3, len), whole);
        b.content[at] ^= 1;
    }
    ck_assert_uint_eq(of_queries(&b, 3, len), whole);
    ck_assert_uint_ne(of_queries(&b, 2, len), whole);
    bt_digest_free(b.digest);
}
END_TEST

START_TEST(rows_count_however_they_are_cut_into_events)
{
    static const size_t cuts[] = {1000, 8191, 8192, 8193};
    struct bench b;
    uint64_t whole;
    size_t len = sizes[_i];

    open_bench(&b);
    whole = of_rows(&b, len, len);
    for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++)
        ck_assert_uint_eq(of_rows(&b, len, cuts[i]), whole);
    b.content[len - 1] ^= 1;
    ck_assert_uint_ne(of_rows(&b, len, 1000), whole);
    bt_digest_free(b.digest);
}
END_TEST

START_TEST(asking_in_between_changes_nothing)
{
    struct bench b;
    uint64_t whole;

    open_bench(&b);
    whole = of_queries(&b, 3, sizes[_i]);
    bt_digest_reset(b.digest);
    for (int i = 0; i < 3; i++) {
        query(&b, sizes[_i]);
        (void)bt_digest_value(b.digest);
    }
    ck_assert_uint_eq(bt_digest_value(b.digest), whole);
    bt_digest_free(b.digest);
}
END_TEST

BT_SUITE_MAIN("diff digest",
              {every_byte_of_a_statement_counts, SIZES},
              {rows_count_however_they_are_cut_into_events, SIZES},
              {asking_in_between_changes_nothing, SIZES})
