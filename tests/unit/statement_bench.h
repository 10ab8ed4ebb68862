/* SPDX-License-Identifier: Apache-2.0 */
/*
 * statement_bench.h - feeds literal events to a translator and keeps its steps as lines of text:
 * "C ..." context, "W ..." work, "E ..." the end of a transaction.
 */
#ifndef BT_TESTS_STATEMENT_BENCH_H
#define BT_TESTS_STATEMENT_BENCH_H

#include <stdio.h>
#include <unistd.h>

#include "apply/statement.h"
#include "tests/unit/suite.h"

static struct bt_collation_name names[] = {
    {8, "latin1_swedish_ci", "latin1"},
    {45, "utf8mb4_general_ci", "utf8mb4"},
    {63, "binary", "binary"},
};
static const struct bt_collations collations = {.items = names, .count = 3};

struct bench {
    struct bt_format format;
    struct bt_statements s;
    struct bt_buf body, steps;
    int status;
    struct bt_err err;
    bool may_undo;
    unsigned expected_errno;
    char file[100]; /* what a LOAD DATA would read */
};

static __attribute__((unused)) int record(void *ctx, const struct bt_step *step, struct bt_err *err)
{
    struct bench *b = ctx;
    ssize_t n;

    (void)err;
    bt_buf_addf(&b->steps, "%c ", "CWE"[step->kind]);
    bt_buf_add_slice(&b->steps, step->sql);
    bt_buf_add_byte(&b->steps, '\n');
    b->may_undo = step->may_undo;
    b->expected_errno = step->expected_errno;
    if (step->file >= 0) {
        n = read(step->file, b->file, sizeof(b->file) - 1);
        b->file[n > 0 ? n : 0] = '\0';
        close(step->file);
    }
    return 0;
}

static __attribute__((unused)) void open_bench(struct bench *b, enum bt_flavor source,
                                               uint32_t source_version, enum bt_flavor target,
                                               uint32_t target_version)
{
    struct bt_statements_opts opts = {.target = target,
                                      .target_version = target_version,
                                      .keep_gtids = source == target,
                                      .packet_max = 1 << 20,
                                      .collations = &collations,
                                      .emit = record,
                                      .ctx = b};

    *b = (struct bench){.format = {.flavor = source,
                                   .version_number = source_version,
                                   .header_length = 19,
                                   .type_count = 171}};
    b->format.post_header_length[BT_QUERY] = 13;
    b->format.post_header_length[BT_TABLE_MAP] = 8;
    b->format.post_header_length[BT_WRITE_ROWS_V1] = 8;
    bt_buf_init(&b->body, 1 << 24);
    bt_buf_init(&b->steps, 1 << 24);
    bt_statements_init(&b->s, &opts);
    bt_context_source(&b->s.context, &b->format);
    bt_statements_begin(&b->s);
}

static __attribute__((unused)) void open_mariadb(struct bench *b)
{
    open_bench(b, BT_FLAVOR_MARIADB, 101119, BT_FLAVOR_MARIADB, 101119);
}

static __attribute__((unused)) void close_bench(struct bench *b)
{
    bt_statements_done(&b->s);
    bt_buf_done(&b->body);
    bt_buf_done(&b->steps);
}

/* Feeds an event with the body that was gathered. */
static __attribute__((unused)) void feed_flagged(struct bench *b, uint8_t type, uint16_t flags)
{
    struct bt_event ev = {.header = {.when = 1000,
                                     .type = type,
                                     .server_id = 101,
                                     .length = (uint32_t)(19 + b->body.len),
                                     .flags = flags},
                          .type = type,
                          .raw = bt_buf_slice(&b->body),
                          .body = bt_buf_slice(&b->body),
                          .format = &b->format};

    b->status = bt_statements_feed(&b->s, &ev, &b->err);
    bt_buf_reset(&b->body);
}

static __attribute__((unused)) void feed(struct bench *b, uint8_t type)
{
    feed_flagged(b, type, 0);
    ck_assert_msg(b->status == 0, "%s", b->err.text);
}

static __attribute__((unused)) void feed_gtid(struct bench *b, uint64_t sequence, uint8_t flags)
{
    bt_buf_add_le(&b->body, sequence, 8);
    bt_buf_add_le(&b->body, 0, 4);
    bt_buf_add_byte(&b->body, flags);
    bt_buf_add_le(&b->body, 0, 6);
    feed(b, BT_MARIADB_GTID);
}

/* The session of most tests: flags 0, sql_mode 5, charsets 45, db w. */
static __attribute__((unused)) void add_query(struct bench *b, uint16_t error_code, const char *sql)
{
    bt_buf_add_le(&b->body, 7, 4);
    bt_buf_add_le(&b->body, 0, 4);
    bt_buf_add_byte(&b->body, 1);
    bt_buf_add_le(&b->body, error_code, 2);
    bt_buf_add_le(&b->body, 5 + 9 + 7, 2);
    bt_buf_add_byte(&b->body, BT_QUERY_FLAGS2);
    bt_buf_add_le(&b->body, 0, 4);
    bt_buf_add_byte(&b->body, BT_QUERY_SQL_MODE);
    bt_buf_add_le(&b->body, 5, 8);
    bt_buf_add_byte(&b->body, BT_QUERY_CHARSET);
    bt_buf_add_le(&b->body, 45, 2);
    bt_buf_add_le(&b->body, 45, 2);
    bt_buf_add_le(&b->body, 8, 2);
    bt_buf_add(&b->body, "w", 2);
    bt_buf_add_str(&b->body, sql);
}

static __attribute__((unused)) void feed_query(struct bench *b, const char *sql)
{
    add_query(b, 0, sql);
    feed(b, BT_QUERY);
}

static __attribute__((unused)) void feed_xid(struct bench *b)
{
    bt_buf_add_le(&b->body, 1, 8);
    feed(b, BT_XID);
}

static __attribute__((unused)) void expect(struct bench *b, const char *steps)
{
    ck_assert_str_eq(bt_buf_str(&b->steps), steps);
    bt_buf_reset(&b->steps);
}

static __attribute__((unused)) void expect_part(struct bench *b, const char *part)
{
    ck_assert_msg(strstr(bt_buf_str(&b->steps), part) != NULL, "\"%s\" is not in:\n%s", part,
                  bt_buf_str(&b->steps));
}

#endif
