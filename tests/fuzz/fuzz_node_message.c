/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of a node channel: the first byte picks what the rest is to be, as a kind of message
 * does. What is accepted must give the same bytes when it is put again, where each value has one
 * form.
 */
#include <stdlib.h>

#include "failover/node/message.h"
#include "failover/node/protocol_host.h"
#include "failover/node/protocol_logs.h"
#include "failover/node/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* fuzz_x: a payload read as struct bt_x, put again, compared. */
#define SAME_AGAIN(x) \
    static void fuzz_##x(struct bt_slice payload, struct bt_arena *arena) \
    { \
        struct bt_buf again = {.max = 2 * BT_MESSAGE_PAYLOAD_MAX}; \
        struct bt_err err = {0}; \
        struct bt_##x value; \
\
        if (bt_get_##x(payload, arena, &value, &err) == 0) { \
            bt_put_##x(&again, &value); \
            if (!bt_slice_equal(bt_buf_slice(&again), payload)) \
                __builtin_trap(); \
        } else if (err.kind == BT_ERR_NONE) { \
            __builtin_trap(); \
        } \
        bt_buf_done(&again); \
    }

SAME_AGAIN(hello_request)
SAME_AGAIN(hello_reply)
SAME_AGAIN(state_request)
SAME_AGAIN(state_reply)
SAME_AGAIN(stop_request)
SAME_AGAIN(stop_reply)
SAME_AGAIN(vip_request)
SAME_AGAIN(vip_reply)
SAME_AGAIN(reach_request)
SAME_AGAIN(reach_reply)
SAME_AGAIN(list_request)
SAME_AGAIN(list_reply)
SAME_AGAIN(read_request)
SAME_AGAIN(read_reply)

/* These hold GTIDs and texts that may be unknown, which have more than one form. */
static void fuzz_survey_request(struct bt_slice payload, struct bt_arena *arena)
{
    struct bt_survey_request value;
    struct bt_err err = {0};

    (void)!bt_get_survey_request(payload, arena, &value, &err);
}

static void fuzz_survey_reply(struct bt_slice payload, struct bt_arena *arena)
{
    struct bt_survey_reply value;
    struct bt_err err = {0};

    if (bt_get_survey_reply(payload, arena, &value, &err) == 0)
        bt_survey_done(&value.survey);
}

static void fuzz_error(struct bt_slice payload, struct bt_arena *arena)
{
    struct bt_fields f = bt_fields(payload, arena);
    struct bt_err value = {0};

    if (bt_get_error(&f, &value) && (value.kind == BT_ERR_NONE || value.kind > BT_ERR_LIMIT))
        __builtin_trap();
}

static void fuzz_header(struct bt_slice payload, struct bt_arena *arena)
{
    struct bt_err err = {0};
    struct bt_message m;
    size_t len;

    (void)arena;
    if (bt_message_header_read(payload, &m, &len, &err) == 0 &&
        (len > BT_MESSAGE_PAYLOAD_MAX || !bt_message_kind_name(m.kind)))
        __builtin_trap();
}

enum { STREAM_MAX = 1 << 20 };

static int count(void *ctx, struct bt_slice bytes, struct bt_err *err)
{
    (void)err;
    *(size_t *)ctx += bytes.len;
    return 0;
}

/* One DATA message, then the END whose 24 bytes are the last ones. */
static void fuzz_stream(struct bt_slice payload, struct bt_arena *arena)
{
    size_t end = payload.len < 24 ? payload.len : 24, got = 0;
    struct bt_stream_receiver r;
    struct bt_err err = {0};

    (void)arena;
    if (bt_stream_receiver_init(&r, STREAM_MAX, count, &got, &err) != 0)
        return;
    if (bt_stream_feed(&r, bt_slice(payload.ptr, payload.len - end), &err) == 0)
        (void)!bt_stream_receiver_end(&r, bt_slice(payload.ptr + payload.len - end, end), &err);
    bt_stream_receiver_done(&r);
    if (got > STREAM_MAX)
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const targets[])(struct bt_slice, struct bt_arena *) = {
        fuzz_hello_request, fuzz_hello_reply, fuzz_state_request, fuzz_state_reply,
        fuzz_stop_request, fuzz_stop_reply, fuzz_vip_request, fuzz_vip_reply,
        fuzz_reach_request, fuzz_reach_reply, fuzz_list_request, fuzz_list_reply,
        fuzz_read_request, fuzz_read_reply, fuzz_stream, fuzz_survey_request,
        fuzz_survey_reply, fuzz_header, fuzz_error};
    struct bt_arena arena;

    if (size == 0 || data[0] >= sizeof(targets) / sizeof(targets[0]))
        return 0;
    bt_arena_init(&arena, 16 << 20);
    targets[data[0]](bt_slice(data + 1, size - 1), &arena);
    bt_arena_done(&arena);
    return 0;
}
