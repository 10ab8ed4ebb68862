/* SPDX-License-Identifier: Apache-2.0 */
/* A dump from a server that does as it likes: silence, lies and refusals end in good time, with an
 * error that says which. */
#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "apply/dump.h"
#include "apply/feed/wire.h"
#include "parser/event.h"
#include "tests/unit/suite.h"

enum { COMMAND_QUERY = 3,
       COMMAND_DUMP = 0x12,
       SERVER_MS = 5000,
       SILENCE_MS = 300 };

enum behaviour { SILENT,     /* takes the command and says nothing */
                 STALLS,     /* sends half of a packet */
                 HEARTBEATS, /* and then an event */
                 LIES,       /* an event that is shorter than it claims */
                 NONSENSE,   /* a packet that is no event */
                 REFUSES,    /* the server's own error 1236 */
                 ENDS,       /* nothing more to read */
                 HANGS_UP };

struct server {
    int listener;
    unsigned port;
    enum behaviour behaviour;
    pthread_t thread;
};

static void add_event(struct bt_buf *out, uint8_t type, uint32_t claims)
{
    bt_buf_add_byte(out, 0);
    bt_buf_add_le(out, 1000, 4);
    bt_buf_add_byte(out, type);
    bt_buf_add_le(out, 7, 4);
    bt_buf_add_le(out, claims, 4);
    bt_buf_add_le(out, 0, 6);
}

static void answer_dump(struct bt_wire *w, enum behaviour behaviour)
{
    struct bt_buf event;
    struct bt_slice bytes;

    bt_buf_init(&event, 4096);
    add_event(&event, behaviour == HEARTBEATS ? BT_HEARTBEAT : BT_STOP,
              behaviour == LIES ? 23 : BT_EVENT_HEADER_SIZE);
    bytes = bt_buf_slice(&event);
    if (behaviour == HEARTBEATS || behaviour == LIES || behaviour == STALLS)
        bt_wire_add(w, -1, bytes);
    if (behaviour == STALLS)
        w->out.len -= 5;
    bt_buf_reset(&event);
    add_event(&event, BT_STOP, BT_EVENT_HEADER_SIZE);
    if (behaviour == HEARTBEATS)
        bt_wire_add(w, -1, bt_buf_slice(&event));
    if (behaviour == NONSENSE)
        bt_wire_add(w, 0x55, bt_slice_str("something else"));
    if (behaviour == REFUSES)
        bt_wire_error(w, 1236, "Could not find first log file name in binary log index file");
    if (behaviour == ENDS)
        bt_wire_add(w, 0xfe, bt_slice("\0\0\2\0", 4));
    bt_buf_done(&event);
}

/* One connection: greets, agrees to everything, and does its own when asked for a dump. */
static void *serve(void *ctx)
{
    struct server *s = ctx;
    int fd = accept(s->listener, NULL, NULL);
    struct bt_deadline until = bt_deadline_in(SERVER_MS);
    struct bt_err err = {0};
    struct bt_wire w;
    bool dumps = false;

    bt_wire_init(&w, fd);
    if (bt_io_nonblocking(fd, &err) == 0) {
        bt_wire_greet(&w, "10.11.19-MariaDB-log", 1, "mysql_native_password",
                      (const uint8_t *)"abcdefghijklmnopqrst");
        if (bt_wire_flush(&w, until, &err) == 0 && bt_wire_read(&w, until, &err) == 0)
            bt_wire_ok(&w);
    }
    while (bt_wire_flush(&w, until, &err) == 0 && !(dumps && s->behaviour == HANGS_UP) &&
           bt_wire_read(&w, until, &err) == 0) {
        dumps = w.in.data[0] == COMMAND_DUMP;
        if (dumps)
            answer_dump(&w, s->behaviour);
        else if (w.in.data[0] == COMMAND_QUERY)
            bt_wire_ok(&w);
        else
            break;
    }
    bt_wire_done(&w);
    close(fd);
    return NULL;
}

static void server_start(struct server *s, enum behaviour behaviour)
{
    struct sockaddr_in where = {.sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(where);

    s->behaviour = behaviour;
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(s->listener, (struct sockaddr *)&where, size), 0);
    ck_assert_int_eq(listen(s->listener, 4), 0);
    ck_assert_int_eq(getsockname(s->listener, (struct sockaddr *)&where, &size), 0);
    s->port = ntohs(where.sin_port);
    ck_assert_int_eq(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_join(struct server *s)
{
    pthread_join(s->thread, NULL);
    close(s->listener);
}

/* What the first bt_dump_next() gives. */
static int ask(enum behaviour behaviour, struct bt_err *err)
{
    struct bt_connection_opts where = {.host = "127.0.0.1", .user = "u", .password = "p"};
    struct bt_dump_opts opts = {
        .server = &where, .log = "bin.000001", .silence_ms = SILENCE_MS};
    struct bt_dump *dump = NULL;
    struct bt_slice event;
    struct server server;
    int rc;

    server_start(&server, behaviour);
    where.port = server.port;
    ck_assert_msg(bt_dump_open(&opts, bt_deadline_in(SERVER_MS), &dump, err) == 0, "%s", err->text);
    rc = bt_dump_next(dump, true, &event, err);
    if (rc == 0)
        ck_assert_uint_eq(event.len, BT_EVENT_HEADER_SIZE);
    else
        ck_assert_int_eq(bt_dump_next(dump, true, &event, &(struct bt_err){0}), 1);
    bt_dump_close(dump);
    server_join(&server);
    return rc;
}

START_TEST(a_server_that_falls_silent_costs_no_more_than_the_silence_allowed)
{
    int64_t began = bt_clock_ms();
    struct bt_err err = {0};

    ck_assert_int_eq(ask(_i ? STALLS : SILENT, &err), -1);
    ck_assert_int_eq(err.kind, BT_ERR_TIMEOUT);
    ck_assert(strstr(err.text, "has sent nothing for 300 ms") != NULL);
    ck_assert_int_ge(bt_clock_ms() - began, SILENCE_MS);
    ck_assert_int_lt(bt_clock_ms() - began, SERVER_MS);
}
END_TEST

START_TEST(heartbeats_are_not_handed_out)
{
    struct bt_err err = {0};

    ck_assert_msg(ask(HEARTBEATS, &err) == 0, "%s", err.text);
}
END_TEST

START_TEST(the_end_of_what_there_is_is_no_error)
{
    struct bt_err err = {0};

    ck_assert_msg(ask(ENDS, &err) == 1, "%s", err.text);
}
END_TEST

START_TEST(what_is_no_event_is_refused_as_such)
{
    struct bt_err err = {0};

    ck_assert_int_eq(ask(_i ? NONSENSE : LIES, &err), -1);
    ck_assert_int_eq(err.kind, BT_ERR_CORRUPT);
    ck_assert_ptr_ne(strstr(err.text, _i ? "a packet of kind 85" : "19 bytes for an event of 23"),
                     NULL);
}
END_TEST

START_TEST(the_servers_own_words_are_passed_on)
{
    struct bt_err err = {0};

    ck_assert_int_eq(ask(REFUSES, &err), -1);
    ck_assert_int_eq(err.kind, BT_ERR_REMOTE);
    ck_assert_uint_eq(err.server_errno, 1236);
    ck_assert(strstr(err.text, "Could not find first log file name") != NULL);
}
END_TEST

START_TEST(a_server_that_hangs_up_is_lost)
{
    struct bt_err err = {0};

    ck_assert_int_eq(ask(HANGS_UP, &err), -1);
    ck_assert_int_eq(err.kind, BT_ERR_REALITY);
    ck_assert(strstr(err.text, "lost the session") != NULL);
}
END_TEST

BT_SUITE_MAIN("apply dump",
              {a_server_that_falls_silent_costs_no_more_than_the_silence_allowed, 2},
              {heartbeats_are_not_handed_out, 1},
              {the_end_of_what_there_is_is_no_error, 1},
              {what_is_no_event_is_refused_as_such, 2},
              {the_servers_own_words_are_passed_on, 1},
              {a_server_that_hangs_up_is_lost, 1})
