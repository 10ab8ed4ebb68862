/* SPDX-License-Identifier: Apache-2.0 */
/* What travels on a node channel: it comes out as it went in, or is refused. */
#include "tests/unit/suite.h"

#include <fcntl.h>
#include <unistd.h>

#include "failover/node/protocol_host.h"
#include "failover/node/stream.h"

/* ---------------------------------------------------------------- messages */

START_TEST(a_message_comes_out_of_a_pipe_as_it_went_in)
{
    struct bt_deadline until = bt_deadline_in(5000);
    bt_auto_buf struct bt_buf out = {.max = 4096};
    bt_auto_buf struct bt_buf in = {.max = 4096};
    struct bt_err err = {0};
    struct bt_message m;
    int ends[2];

    ck_assert_int_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    bt_message_begin(&out, BT_MESSAGE_LIST, 7);
    bt_buf_add_str(&out, "hello");
    ck_assert_int_eq(bt_message_end(&out, &err), 0);
    ck_assert_int_eq(bt_message_send(ends[1], &out, until, &err), 0);
    close(ends[1]);
    ck_assert_int_eq(bt_message_receive(ends[0], &in, until, &m, &err), 0);
    ck_assert_uint_eq(m.kind, BT_MESSAGE_LIST);
    ck_assert_uint_eq(m.id, 7);
    ck_assert(bt_slice_equal_str(m.payload, "hello"));
    ck_assert_int_eq(bt_message_receive(ends[0], &in, until, &m, &err), 1);
    close(ends[0]);
}
END_TEST

START_TEST(a_length_over_the_limit_is_refused_before_anything_is_allocated)
{
    static const uint8_t bytes[] = {0x01, 0x00, 0x10, 0x00, BT_MESSAGE_DATA, 1, 0, 0, 0};
    struct bt_err err = {0};
    struct bt_message m;
    size_t len;

    ck_assert_int_eq(bt_message_header_read(bt_slice(bytes, sizeof(bytes)), &m, &len, &err), -1);
    ck_assert_int_eq(err.kind, BT_ERR_CORRUPT);
    ck_assert_str_eq(err.text, "a message claims 1048577 bytes, allowed are 0 to 1048576");
}
END_TEST

START_TEST(a_kind_that_does_not_exist_is_refused)
{
    static const uint8_t bytes[] = {0, 0, 0, 0, 200, 1, 0, 0, 0};
    struct bt_err err = {0};
    struct bt_message m;
    size_t len;

    ck_assert_int_eq(bt_message_header_read(bt_slice(bytes, sizeof(bytes)), &m, &len, &err), -1);
    ck_assert_int_eq(err.kind, BT_ERR_CORRUPT);
}
END_TEST

/* _i: the size of a request for the state of a server that is cut off; see the loop's end below. */
START_TEST(every_truncation_of_a_request_is_refused)
{
    const struct bt_state_request request = {
        .server = {.pid_file = "/run/p", .datadir = "/d", .address = "127.0.0.1", .port = 3306},
        .greeting_ms = 5};
    bt_auto_buf struct bt_buf out = {.max = 4096};
    bt_auto_arena struct bt_arena arena;
    struct bt_state_request got;
    struct bt_err err = {0};
    uint8_t *exact;

    bt_arena_init(&arena, 1 << 16);
    bt_put_state_request(&out, &request);
    ck_assert_uint_gt(out.len, (size_t)_i);
    exact = malloc((size_t)_i + 1);
    memcpy(exact, out.data, (size_t)_i);
    ck_assert_int_eq(bt_get_state_request(bt_slice(exact, (size_t)_i), &arena, &got, &err), -1);
    ck_assert_int_eq(err.kind, BT_ERR_CORRUPT);
    free(exact);

    ck_assert_int_eq(bt_get_state_request(bt_buf_slice(&out), &arena, &got, &err), 0);
    ck_assert_str_eq(got.server.address, "127.0.0.1");
    ck_assert_uint_eq(got.server.port, 3306);
    ck_assert_uint_eq(got.greeting_ms, 5);
    bt_buf_add_byte(&out, 0);
    ck_assert_int_eq(bt_get_state_request(bt_buf_slice(&out), &arena, &got, &err), -1);
}
END_TEST

START_TEST(an_error_keeps_its_kind_its_numbers_and_its_text)
{
    const struct bt_err sent = {
        .kind = BT_ERR_SYSTEM, .os_errno = ENOSPC, .server_errno = 1236, .text = "could not: disk"};
    bt_auto_buf struct bt_buf out = {.max = 4096};
    struct bt_err got = {0};
    struct bt_fields f;

    bt_put_error(&out, &sent);
    f = bt_fields(bt_buf_slice(&out), NULL);
    ck_assert(bt_get_error(&f, &got) && bt_fields_end(&f));
    ck_assert_int_eq(got.kind, BT_ERR_SYSTEM);
    ck_assert_int_eq(got.os_errno, ENOSPC);
    ck_assert_uint_eq(got.server_errno, 1236);
    ck_assert_str_eq(got.text, "could not: disk");
}
END_TEST

START_TEST(a_text_with_a_nul_inside_is_refused)
{
    static const uint8_t bytes[] = {3, 0, 0, 0, 'a', 0, 'b'};
    bt_auto_arena struct bt_arena arena;
    struct bt_fields f;
    const char *text;

    bt_arena_init(&arena, 4096);
    f = bt_fields(bt_slice(bytes, sizeof(bytes)), &arena);
    ck_assert(!bt_get_text(&f, &text));
}
END_TEST

START_TEST(a_vip_reply_with_places_comes_out_as_it_went_in)
{
    const struct bt_vip_reply sent = {.place_count = 2,
                                      .places = {{"eth0", 24, true}, {"eth1", 16, false}},
                                      .found = true,
                                      .holder = "02:77:00:00:00:01",
                                      .announced = 1};
    bt_auto_buf struct bt_buf out = {.max = 4096};
    bt_auto_arena struct bt_arena arena;
    struct bt_err err = {0};
    struct bt_vip_reply got;

    bt_arena_init(&arena, 4096);
    bt_put_vip_reply(&out, &sent);
    ck_assert_int_eq(bt_get_vip_reply(bt_buf_slice(&out), &arena, &got, &err), 0);
    ck_assert_uint_eq(got.place_count, 2);
    ck_assert_str_eq(got.places[1].interface, "eth1");
    ck_assert_uint_eq(got.places[0].prefix, 24);
    ck_assert(got.places[0].usable && !got.places[1].usable);
    ck_assert_str_eq(got.holder, "02:77:00:00:00:01");
}
END_TEST

/* ----------------------------------------------------------------- streams */

/* A stream's messages, one behind the other, and what came out of them. */
struct wire {
    struct bt_buf messages;
    struct bt_buf plain;
    size_t count;
};

static int keep_message(void *ctx, const struct bt_buf *message, struct bt_err *err)
{
    struct wire *w = ctx;

    (void)err;
    w->count++;
    ck_assert(bt_buf_add(&w->messages, message->data, message->len));
    return 0;
}

static int keep_plain(void *ctx, struct bt_slice bytes, struct bt_err *err)
{
    struct wire *w = ctx;

    (void)err;
    ck_assert(bt_buf_add_slice(&w->plain, bytes));
    return 0;
}

static void wire_init(struct wire *w)
{
    *w = (struct wire){0};
    bt_buf_init(&w->messages, 64 << 20);
    bt_buf_init(&w->plain, 64 << 20);
}

static void wire_done(struct wire *w)
{
    bt_buf_done(&w->messages);
    bt_buf_done(&w->plain);
}

/* Bytes that do not compress well and differ from place to place. */
static void fill(struct bt_buf *out, size_t n)
{
    uint64_t x = 88172645463325252u;

    for (size_t i = 0; i < n; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        bt_buf_add_byte(out, (uint8_t)(x & 0x7f));
    }
}

static void send_all(struct wire *w, struct bt_slice bytes, size_t step)
{
    bt_auto_stream_sender struct bt_stream_sender s;
    struct bt_err err = {0};

    ck_assert_int_eq(bt_stream_sender_init(&s, 9, keep_message, w, &err), 0);
    for (size_t at = 0; at < bytes.len; at += step) {
        size_t n = bytes.len - at < step ? bytes.len - at : step;

        ck_assert_int_eq(bt_stream_write(&s, bt_slice(bytes.ptr + at, n), &err), 0);
    }
    ck_assert_int_eq(bt_stream_sender_end(&s, &err), 0);
}

/* Feeds the wire's messages to a receiver: 0 when the stream ended well. */
static int receive_all(struct wire *w, uint64_t max, struct bt_err *err)
{
    bt_auto_stream_receiver struct bt_stream_receiver r;
    struct bt_cursor c = bt_cursor(bt_buf_slice(&w->messages));

    ck_assert_int_eq(bt_stream_receiver_init(&r, max, keep_plain, w, err), 0);
    for (;;) {
        struct bt_slice header, payload;
        struct bt_message m;
        size_t len;

        ck_assert(bt_cur_take(&c, BT_MESSAGE_HEADER_SIZE, &header));
        ck_assert_int_eq(bt_message_header_read(header, &m, &len, err), 0);
        ck_assert(bt_cur_take(&c, len, &payload));
        if (m.kind == BT_MESSAGE_END)
            return bt_stream_receiver_end(&r, payload, err);
        if (bt_stream_feed(&r, payload, err) != 0)
            return -1;
    }
}

static const size_t sizes[] = {0, 1, 1000, (256 << 10) - 1, 256 << 10, (256 << 10) + 1, 3 << 20};

/* _i: an index into sizes. */
START_TEST(a_stream_of_any_size_comes_out_as_it_went_in)
{
    bt_auto_buf struct bt_buf bytes = {.max = 8 << 20};
    struct bt_err err = {0};
    struct wire w;

    wire_init(&w);
    fill(&bytes, sizes[_i]);
    send_all(&w, bt_buf_slice(&bytes), 70001);
    ck_assert_msg(receive_all(&w, UINT64_MAX, &err) == 0, "%s", err.text);
    ck_assert(bt_slice_equal(bt_buf_slice(&w.plain), bt_buf_slice(&bytes)));
    wire_done(&w);
}
END_TEST

START_TEST(what_was_read_leaves_before_the_stream_ends)
{
    bt_auto_buf struct bt_buf bytes = {.max = 8 << 20};
    bt_auto_stream_sender struct bt_stream_sender s;
    struct bt_err err = {0};
    struct wire w;

    wire_init(&w);
    fill(&bytes, 256 << 10);
    ck_assert_int_eq(bt_stream_sender_init(&s, 9, keep_message, &w, &err), 0);
    ck_assert_int_eq(bt_stream_write(&s, bt_buf_slice(&bytes), &err), 0);
    ck_assert_uint_gt(w.count, 0);
    wire_done(&w);
}
END_TEST

START_TEST(a_flipped_bit_in_a_stream_is_noticed)
{
    bt_auto_buf struct bt_buf bytes = {.max = 8 << 20};
    struct bt_err err = {0};
    struct wire w;

    wire_init(&w);
    fill(&bytes, 5000);
    send_all(&w, bt_buf_slice(&bytes), 5000);
    w.messages.data[BT_MESSAGE_HEADER_SIZE + 2500] ^= 4;
    ck_assert_int_eq(receive_all(&w, UINT64_MAX, &err), -1);
    ck_assert_int_eq(err.kind, BT_ERR_CORRUPT);
    wire_done(&w);
}
END_TEST

START_TEST(a_stream_without_its_end_is_noticed)
{
    bt_auto_stream_receiver struct bt_stream_receiver r;
    uint8_t end[24] = {0};
    struct bt_err err = {0};
    struct wire w;

    wire_init(&w);
    ck_assert_int_eq(bt_stream_receiver_init(&r, 100, keep_plain, &w, &err), 0);
    ck_assert_int_eq(bt_stream_receiver_end(&r, bt_slice(end, sizeof(end)), &err), -1);
    ck_assert_int_eq(err.kind, BT_ERR_CORRUPT);
    wire_done(&w);
}
END_TEST

START_TEST(a_stream_longer_than_allowed_stops_at_the_limit)
{
    bt_auto_buf struct bt_buf bytes = {.max = 8 << 20};
    struct bt_err err = {0};
    struct wire w;

    wire_init(&w);
    for (int i = 0; i < 2000000; i++)
        bt_buf_add_byte(&bytes, 'x');
    send_all(&w, bt_buf_slice(&bytes), 1 << 20);
    ck_assert_uint_lt(w.messages.len, 20000); /* it is the plain size that counts */
    ck_assert_int_eq(receive_all(&w, 1000000, &err), -1);
    ck_assert_int_eq(err.kind, BT_ERR_LIMIT);
    ck_assert_uint_le(w.plain.len, 1000000);
    wire_done(&w);
}
END_TEST

BT_SUITE_MAIN("node message",
              {a_message_comes_out_of_a_pipe_as_it_went_in, 0},
              {a_length_over_the_limit_is_refused_before_anything_is_allocated, 0},
              {a_kind_that_does_not_exist_is_refused, 0},
              {every_truncation_of_a_request_is_refused, 35},
              {an_error_keeps_its_kind_its_numbers_and_its_text, 0},
              {a_text_with_a_nul_inside_is_refused, 0},
              {a_vip_reply_with_places_comes_out_as_it_went_in, 0},
              {a_stream_of_any_size_comes_out_as_it_went_in, sizeof(sizes) / sizeof(sizes[0])},
              {what_was_read_leaves_before_the_stream_ends, 0},
              {a_flipped_bit_in_a_stream_is_noticed, 0},
              {a_stream_without_its_end_is_noticed, 0},
              {a_stream_longer_than_allowed_stops_at_the_limit, 0})
