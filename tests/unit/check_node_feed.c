/* SPDX-License-Identifier: Apache-2.0 */
/* A diff log on its way to a host: pieces come out as they went in, and can be read meanwhile. */
#include <pthread.h>
#include <stdlib.h>

#include "failover/node/protocol_feed.h"
#include "failover/node/spool.h"
#include "tests/unit/suite.h"

static uint8_t byte_at(uint64_t at)
{
    return (uint8_t)(at * 31 + at / 251);
}

static void make_bytes(uint8_t *to, uint64_t at, size_t len)
{
    for (size_t i = 0; i < len; i++)
        to[i] = byte_at(at + i);
}

START_TEST(a_piece_comes_out_as_it_went_in_and_no_shorter_payload_is_taken)
{
    static uint8_t bytes[100000];
    struct bt_feed_add_request in = {
        .at = 7, .name = "x.binlog", .folder = "/tmp", .is_last = true};
    struct bt_feed_add_request out;
    struct bt_err err = {0};
    struct bt_arena arena;
    struct bt_buf b;

    make_bytes(bytes, 0, sizeof(bytes));
    in.piece = bt_slice(bytes, sizeof(bytes));
    bt_arena_init(&arena, 8 << 20);
    bt_buf_init(&b, 1 << 20);
    ck_assert_int_eq(bt_put_feed_add_request(&b, &in, &err), 0);
    ck_assert_int_eq(bt_get_feed_add_request(bt_buf_slice(&b), &arena, &out, &err), 0);
    ck_assert(out.at == 7 && out.is_last);
    ck_assert_str_eq(out.name, "x.binlog");
    ck_assert_str_eq(out.folder, "/tmp");
    ck_assert_uint_eq(out.piece.len, sizeof(bytes));
    ck_assert_mem_eq(out.piece.ptr, bytes, sizeof(bytes));
    for (size_t len = 0; len < b.len; len += len < 64 ? 1 : 97) {
        ck_assert_int_eq(bt_get_feed_add_request(bt_slice(b.data, len), &arena, &out, &err), -1);
        ck_assert_int_eq(err.kind, BT_ERR_CORRUPT);
        bt_err_clear(&err);
        bt_arena_reset(&arena);
    }
    bt_buf_done(&b);
    bt_arena_done(&arena);
}
END_TEST

START_TEST(how_far_a_feed_is_comes_out_as_it_went_in_with_its_error)
{
    struct bt_feed_look_reply in = {.transactions = 3, .bytes = 99, .failed = true}, out;
    struct bt_err err = {0};
    struct bt_arena arena;
    struct bt_buf b;

    (void)bt_fail(&in.err, BT_ERR_CORRUPT, "event of 3 bytes");
    bt_arena_init(&arena, 1 << 20);
    bt_buf_init(&b, 1 << 20);
    bt_put_feed_look_reply(&b, &in);
    ck_assert_int_eq(bt_get_feed_look_reply(bt_buf_slice(&b), &arena, &out, &err), 0);
    ck_assert(out.transactions == 3 && out.bytes == 99 && out.failed);
    ck_assert_int_eq(out.err.kind, BT_ERR_CORRUPT);
    ck_assert_str_eq(out.err.text, "event of 3 bytes");
    bt_buf_done(&b);
    bt_arena_done(&arena);
}
END_TEST

enum { SPOOLED = 3000000, PIECE = 70001 };

static void *add_all(void *ctx)
{
    static uint8_t piece[PIECE];
    struct bt_spool *s = ctx;
    struct bt_err err = {0};

    for (uint64_t at = 0; at < SPOOLED; at += PIECE) {
        size_t len = SPOOLED - at < PIECE ? (size_t)(SPOOLED - at) : PIECE;

        make_bytes(piece, at, len);
        if (bt_spool_add(s, at, bt_slice(piece, len), &err) != 0)
            return s;
    }
    bt_spool_end(s);
    return NULL;
}

START_TEST(a_log_is_read_while_it_arrives_and_again_from_its_start)
{
    struct bt_spool *spool = NULL;
    struct bt_err err = {0};
    pthread_t thread;
    void *failed;

    ck_assert_int_eq(bt_spool_new("/no/such/folder", "x.binlog", &spool, &err), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, add_all, spool), 0);
    for (int round = 0; round < 2; round++) {
        bt_auto_source struct bt_source *source = NULL;
        uint8_t expected[1000];
        struct bt_slice view;
        uint64_t at = 0;

        ck_assert_int_eq(bt_spool_open(spool, &source, &err), 0);
        for (;; at += view.len > 999 ? 999 : view.len) {
            ck_assert_int_eq(bt_source_view(source, at, 1000, &view, &err), 0);
            if (view.len == 0)
                break;
            ck_assert(view.len >= 1000 || at + view.len == SPOOLED);
            make_bytes(expected, at, view.len < 1000 ? view.len : 1000);
            ck_assert_mem_eq(view.ptr, expected, view.len < 1000 ? view.len : 1000);
        }
        ck_assert_uint_eq(at, SPOOLED);
        ck_assert_uint_eq(bt_source_size(source), SPOOLED);
    }
    pthread_join(thread, &failed);
    ck_assert_ptr_null(failed);
    bt_spool_free(spool);
}
END_TEST

START_TEST(a_piece_that_is_lost_or_comes_twice_is_refused)
{
    struct bt_spool *spool = NULL;
    struct bt_err err = {0};

    ck_assert_int_eq(bt_spool_new(NULL, "x.binlog", &spool, &err), 0);
    ck_assert_int_eq(bt_spool_add(spool, 0, bt_slice_str("abc"), &err), 0);
    ck_assert_int_eq(bt_spool_add(spool, 0, bt_slice_str("abc"), &err), -1);
    ck_assert_int_eq(bt_spool_add(spool, 4, bt_slice_str("e"), &err), -1);
    ck_assert_int_eq(err.kind, BT_ERR_CORRUPT);
    bt_spool_free(spool);
}
END_TEST

static void *read_more(void *ctx)
{
    struct bt_err err = {0};
    struct bt_slice view;

    return bt_source_view(ctx, 0, 100, &view, &err) == -1 ? NULL : ctx;
}

START_TEST(a_reader_that_waits_for_more_is_let_go_when_the_log_will_not_come)
{
    struct bt_source *source = NULL;
    struct bt_spool *spool = NULL;
    struct bt_err err = {0};
    pthread_t thread;
    void *got_more;

    ck_assert_int_eq(bt_spool_new("/tmp", "x.binlog", &spool, &err), 0);
    ck_assert_int_eq(bt_spool_add(spool, 0, bt_slice_str("abc"), &err), 0);
    ck_assert_int_eq(bt_spool_open(spool, &source, &err), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, read_more, source), 0);
    bt_spool_shut(spool);
    pthread_join(thread, &got_more);
    ck_assert_ptr_null(got_more);
    bt_source_close(source);
    bt_spool_free(spool);
}
END_TEST

BT_SUITE_MAIN("node feed", {a_piece_comes_out_as_it_went_in_and_no_shorter_payload_is_taken, 0},
              {how_far_a_feed_is_comes_out_as_it_went_in_with_its_error, 0},
              {a_log_is_read_while_it_arrives_and_again_from_its_start, 0},
              {a_piece_that_is_lost_or_comes_twice_is_refused, 0},
              {a_reader_that_waits_for_more_is_let_go_when_the_log_will_not_come, 0})
