/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/node/serve.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "failover/node/build_id.h"
#include "failover/node/guard.h"
#include "failover/node/protocol_host.h"
#include "version.h"

enum {
    MESSAGE_MAX = BT_MESSAGE_HEADER_SIZE + BT_MESSAGE_PAYLOAD_MAX,
    ARENA_MAX = 64 << 20,
    TIME_LIMIT_MAX_MS = 24 * 3600 * 1000, /* no request may keep a host busy for longer */
    WRITE_MS = 60000,                     /* a manager that reads nothing for so long is gone */
    FINISH_MS = 5000,                     /* for announcements after the end of the input */
};

static const int64_t never_ms = (int64_t)1 << 40;

/* What the two threads share. */
struct server {
    int in, out;
    pthread_mutex_t out_lock; /* one message at a time goes out */
    pthread_mutex_t lock;     /* guards all below */
    pthread_cond_t changed;
    bool busy; /* request holds one that is not answered yet */
    uint8_t kind;
    uint32_t id;
    struct bt_buf request; /* its payload; the worker's while busy */
};

static int send_message(void *ctx, const struct bt_buf *message, struct bt_err *err)
{
    struct server *s = ctx;
    int rc;

    pthread_mutex_lock(&s->out_lock);
    rc = bt_message_send(s->out, message, bt_deadline_in(WRITE_MS), err);
    pthread_mutex_unlock(&s->out_lock);
    return rc;
}

static int send_error(struct server *s, struct bt_buf *buf, uint32_t id, const struct bt_err *what,
                      struct bt_err *err)
{
    bt_message_begin(buf, BT_MESSAGE_ERROR, id);
    bt_put_error(buf, what);
    if (bt_message_end(buf, err) != 0)
        return -1;
    return send_message(s, buf, err);
}

/* ------------------------------------------------------------------ worker */

static bt_answer_fn *answer_of(uint8_t kind)
{
    static bt_answer_fn *const answers[] = {
        [BT_MESSAGE_HELLO] = bt_answer_hello,
        [BT_MESSAGE_LIST] = bt_answer_list,
        [BT_MESSAGE_READ] = bt_answer_read,
        [BT_MESSAGE_SURVEY] = bt_answer_survey,
        [BT_MESSAGE_STATE] = bt_answer_state,
        [BT_MESSAGE_STOP] = bt_answer_stop,
        [BT_MESSAGE_VIP] = bt_answer_vip,
        [BT_MESSAGE_PROBE] = bt_answer_reach,
        [BT_MESSAGE_GUARD] = bt_answer_guard,
        [BT_MESSAGE_FEED_ADD] = bt_answer_feed_add,
        [BT_MESSAGE_FEED_OPEN] = bt_answer_feed_open,
        [BT_MESSAGE_FEED_LOOK] = bt_answer_feed_look,
        [BT_MESSAGE_FEED_CLOSE] = bt_answer_feed_close,
    };

    return kind < sizeof(answers) / sizeof(answers[0]) ? answers[kind] : NULL;
}

/* Answers one request into reply. */
static int answer(struct server *s, struct bt_buf *reply, struct bt_arena *arena,
                  struct bt_err *err)
{
    bt_answer_fn *fn = answer_of(s->kind);
    struct bt_cursor c = bt_cursor(bt_buf_slice(&s->request));
    struct bt_work w = {
        .id = s->id, .arena = arena, .reply = reply, .send = send_message, .send_ctx = s};
    uint32_t limit_ms;

    if (!fn)
        return bt_fail(err, BT_ERR_CORRUPT, "\"%s\" is no request", bt_message_kind_name(s->kind));
    if (!bt_cur_u32(&c, &limit_ms) || limit_ms == 0 || limit_ms > TIME_LIMIT_MAX_MS)
        return bt_fail(err, BT_ERR_CORRUPT, "a request has no time limit between 1 and %d ms",
                       TIME_LIMIT_MAX_MS);
    w.until = bt_deadline_in(limit_ms);
    w.payload = bt_cur_rest(&c);
    bt_message_begin(reply, BT_MESSAGE_REPLY, s->id);
    return fn(&w, err) != 0 ? -1 : bt_message_end(reply, err);
}

/* Ends the process when the answer cannot be delivered: nobody is there to hear why. */
static void work_once(struct server *s, struct bt_buf *reply, struct bt_arena *arena)
{
    struct bt_err what = {0};
    struct bt_err lost = {0};
    uint32_t id = s->id;
    int rc = answer(s, reply, arena, &what);

    /* Free before the manager hears of it: its next request may come at once. */
    pthread_mutex_lock(&s->lock);
    s->busy = false;
    pthread_mutex_unlock(&s->lock);
    rc = rc == 0 ? send_message(s, reply, &lost) : send_error(s, reply, id, &what, &lost);
    if (rc != 0)
        _exit(EXIT_FAILURE);
}

static void *work(void *ctx)
{
    struct server *s = ctx;
    struct bt_buf reply;
    struct bt_arena arena;

    bt_buf_init(&reply, MESSAGE_MAX);
    bt_arena_init(&arena, ARENA_MAX);
    pthread_mutex_lock(&s->lock);
    for (;;) {
        while (!s->busy)
            pthread_cond_wait(&s->changed, &s->lock);
        pthread_mutex_unlock(&s->lock);
        work_once(s, &reply, &arena);
        bt_arena_reset(&arena);
        pthread_mutex_lock(&s->lock);
    }
    return NULL;
}

/* ------------------------------------------------------------------ reader */

/* Hands a request to the worker, or refuses it while that is at another. */
static int hand_over(struct server *s, const struct bt_message *m, struct bt_buf *buf,
                     struct bt_err *err)
{
    struct bt_err busy = {0};
    bool free;

    pthread_mutex_lock(&s->lock);
    free = !s->busy;
    if (free) {
        s->kind = m->kind;
        s->id = m->id;
        bt_buf_reset(&s->request);
        bt_buf_add_slice(&s->request, m->payload);
        s->busy = true;
        pthread_cond_signal(&s->changed);
    }
    pthread_mutex_unlock(&s->lock);
    if (free)
        return 0;
    (void)bt_fail(&busy, BT_ERR_REALITY, "baton-node is at work on another request");
    return send_error(s, buf, m->id, &busy, err);
}

static int send_pong(struct server *s, uint32_t id, struct bt_buf *buf, struct bt_err *err)
{
    bt_message_begin(buf, BT_MESSAGE_PONG, id);
    if (bt_message_end(buf, err) != 0)
        return -1;
    return send_message(s, buf, err);
}

/* The first message must be a HELLO of our protocol; it also says when to give up waiting. */
static int read_hello(const struct bt_message *m, int64_t *idle_ms, struct bt_err *err)
{
    bt_auto_arena struct bt_arena arena;
    struct bt_hello_request hello;

    bt_arena_init(&arena, BT_MESSAGE_PAYLOAD_MAX * 2);
    if (m->kind != BT_MESSAGE_HELLO || m->payload.len < 4)
        return bt_fail(err, BT_ERR_CORRUPT, "the first message is \"%s\" and not a hello",
                       bt_message_kind_name(m->kind));
    if (bt_get_hello_request(bt_slice(m->payload.ptr + 4, m->payload.len - 4), &arena, &hello,
                             err) != 0)
        return -1;
    if (hello.protocol != BT_NODE_PROTOCOL)
        return bt_fail(err, BT_ERR_REALITY,
                       "the manager (baton %s) speaks protocol %u, this baton-node %s speaks %d",
                       hello.version, hello.protocol, BT_VERSION, BT_NODE_PROTOCOL);
    if (hello.idle_exit_ms != 0)
        *idle_ms = hello.idle_exit_ms;
    return 0;
}

static bool is_busy(struct server *s)
{
    bool busy;

    pthread_mutex_lock(&s->lock);
    busy = s->busy;
    pthread_mutex_unlock(&s->lock);
    return busy;
}

static int read_messages(struct server *s, struct bt_err *err)
{
    bt_auto_buf struct bt_buf in;
    bt_auto_buf struct bt_buf out;
    bool greeted = false;
    int64_t idle_ms = never_ms;

    bt_buf_init(&in, MESSAGE_MAX);
    bt_buf_init(&out, MESSAGE_MAX);
    for (;;) {
        struct bt_message m;
        int rc = bt_message_receive(s->in, &in, bt_deadline_in(idle_ms), &m, err);

        if (rc == 1)
            return 0;
        if (rc != 0 && err->kind == BT_ERR_TIMEOUT && is_busy(s))
            continue;
        if (rc != 0)
            return -1;
        if (!greeted && read_hello(&m, &idle_ms, err) != 0) {
            struct bt_err lost = {0};

            (void)!send_error(s, &out, m.id, err, &lost);
            return -1;
        }
        greeted = true;
        bt_guard_heard();
        rc =
            m.kind == BT_MESSAGE_PING ? send_pong(s, m.id, &out, err) : hand_over(s, &m, &out, err);
        if (rc != 0)
            return -1;
    }
}

/* The line the manager waits for (failover/bootstrap.h): what ran before, such as a login
 * shell's files, may have written anything. */
static int greet(int out, struct bt_err *err)
{
    char build[BT_BUILD_ID_SIZE], line[128];

    if (bt_build_id_of_self(build, err) != 0)
        return -1;
    snprintf(line, sizeof(line), "\nBATON-NODE %d %s %s\n", BT_NODE_PROTOCOL, BT_VERSION, build);
    return bt_io_write(out, line, strlen(line), bt_deadline_in(WRITE_MS), err);
}

int bt_node_serve(int in, int out, struct bt_err *err)
{
    static struct server s = {.out_lock = PTHREAD_MUTEX_INITIALIZER,
                              .lock = PTHREAD_MUTEX_INITIALIZER,
                              .changed = PTHREAD_COND_INITIALIZER};
    pthread_t worker;
    int rc;

    s.in = in;
    s.out = out;
    bt_buf_init(&s.request, BT_MESSAGE_PAYLOAD_MAX);
    if (bt_io_nonblocking(in, err) != 0 || bt_io_nonblocking(out, err) != 0 || greet(out, err) != 0)
        return -1;
    rc = pthread_create(&worker, NULL, work, &s);
    if (rc != 0) {
        errno = rc;
        return bt_fail_sys(err, "could not start a thread");
    }
    rc = read_messages(&s, err);
    bt_announcements_finish(bt_deadline_in(FINISH_MS));
    return rc;
}
