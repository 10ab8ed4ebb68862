/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/feed.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "apply/feed_answer.h"
#include "apply/feed_stream.h"
#include "apply/feed_wire.h"
#include "parser/reader.h"

enum {
    PASSWORD_BYTES = 16,
    LOGIN_MS = 10000,
    WAKE_MS = 100, /* how soon the thread sees that it is to end */
    COMMAND_QUIT = 1,
    COMMAND_QUERY = 3,
    COMMAND_PING = 14,
    COMMAND_BINLOG_DUMP = 0x12,
    COMMAND_REGISTER_SLAVE = 0x15,
    ER_ACCESS_DENIED = 1045,
    ER_UNKNOWN_COMMAND = 1047,
    DUMP_SENDS_ANNOTATE = 2,
};

struct bt_feed {
    struct bt_feed_opts opts;
    char address[INET6_ADDRSTRLEN];
    char password[PASSWORD_BYTES * 2 + 1];
    char version[80]; /* "5.5.5-" and the version of who wrote the log */
    struct bt_format format;
    uint32_t server_id;
    unsigned port;
    int listener;
    pthread_t thread;
    bool has_thread;
    atomic_bool stop;
    pthread_mutex_t lock; /* of progress */
    struct bt_feed_progress progress;
};

/* ------------------------------------------------------------------ one replica */

static void set_progress(void *ctx, const struct bt_feed_progress *now)
{
    struct bt_feed *f = ctx;

    pthread_mutex_lock(&f->lock);
    f->progress = *now;
    pthread_mutex_unlock(&f->lock);
}

static bool is_stopped(void *ctx)
{
    return atomic_load(&((struct bt_feed *)ctx)->stop);
}

static int make_scramble(uint8_t *to, struct bt_err *err)
{
    if (getrandom(to, BT_WIRE_SCRAMBLE_SIZE, 0) != BT_WIRE_SCRAMBLE_SIZE)
        return bt_fail_sys(err, "could not get random bytes");
    for (int i = 0; i < BT_WIRE_SCRAMBLE_SIZE; i++)
        to[i] = (uint8_t)('!' + to[i] % 90); /* printable, no NUL; '$' has no meaning here */
    return 0;
}

/* 1 when the replica has no business here. */
static int log_in(struct bt_feed *f, struct bt_wire *w, struct bt_err *err)
{
    struct bt_deadline until = bt_deadline_in(LOGIN_MS);
    uint8_t scramble[BT_WIRE_SCRAMBLE_SIZE];
    struct bt_slice user, proof;
    bool user_is_right;
    int status;

    if (make_scramble(scramble, err) < 0)
        return -1;
    bt_wire_greet(w, f->version, 1, scramble);
    if (bt_wire_flush(w, until, err) < 0)
        return -1;
    status = bt_wire_read(w, until, err);
    if (status != 0)
        return status;
    if (bt_wire_login_read(bt_buf_slice(&w->in), &user, &proof, err) < 0)
        return -1;
    user_is_right = bt_slice_equal_str(user, BT_FEED_USER);
    if (proof.len != BT_WIRE_SCRAMBLE_SIZE) { /* it guessed another method */
        bt_wire_switch(w, scramble);
        if (bt_wire_flush(w, until, err) < 0)
            return -1;
        status = bt_wire_read(w, until, err);
        if (status != 0)
            return status;
        proof = bt_buf_slice(&w->in);
    }
    if (user_is_right && bt_wire_proof_is_right(proof, f->password, scramble)) {
        bt_wire_ok(w);
        return bt_wire_flush(w, until, err);
    }
    bt_wire_error(w, ER_ACCESS_DENIED, "Access denied");
    return bt_wire_flush(w, until, err) < 0 ? -1 : 1;
}

static int dump(struct bt_feed *f, struct bt_wire *w, struct bt_feed_session *session,
                struct bt_err *err)
{
    struct bt_cursor c = bt_cursor(bt_buf_slice(&w->in));
    bt_auto_source struct bt_source *log = NULL;
    struct bt_feed_stream stream;
    uint16_t flags;
    uint32_t pos;

    if (!(bt_cur_skip(&c, 1) && bt_cur_u32(&c, &pos) && bt_cur_u16(&c, &flags)))
        return bt_fail(err, BT_ERR_CORRUPT, "COM_BINLOG_DUMP of %zu bytes", w->in.len);
    if (f->opts.open_log(f->opts.ctx, &log, err) < 0)
        return -1;
    stream = (struct bt_feed_stream){.log = log,
                                     .log_name = f->opts.log_name,
                                     .server_id = f->server_id,
                                     .session = session,
                                     .sends_annotate = flags & DUMP_SENDS_ANNOTATE,
                                     .has = f->opts.has,
                                     .has_ctx = f->opts.ctx,
                                     .stopped = is_stopped,
                                     .told = set_progress,
                                     .ctx = f};
    return bt_feed_stream_run(&stream, w, err);
}

/* Waits for the next command in small steps; 1 when it is time to go. */
static int next_command(struct bt_feed *f, struct bt_wire *w, struct bt_err *err)
{
    struct pollfd p = {.fd = w->fd, .events = POLLIN};

    while (!is_stopped(f)) {
        int got = poll(&p, 1, WAKE_MS);

        if (got > 0)
            return bt_wire_read(w, bt_deadline_in(LOGIN_MS), err);
        if (got < 0 && errno != EINTR)
            return bt_fail_sys(err, "could not wait for a replica");
    }
    return 1;
}

static int serve(struct bt_feed *f, int fd, struct bt_feed_session *session, struct bt_wire *w,
                 struct bt_err *err)
{
    int status;

    if (bt_io_nonblocking(fd, err) < 0)
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    status = log_in(f, w, err);
    while (status == 0 && (status = next_command(f, w, err)) == 0) {
        struct bt_slice in = bt_buf_slice(&w->in);

        switch (in.len > 0 ? in.ptr[0] : -1) {
        case COMMAND_QUIT:
            return 1;
        case COMMAND_QUERY:
            status = bt_feed_answer(session, bt_slice(in.ptr + 1, in.len - 1), w, err);
            break;
        case COMMAND_REGISTER_SLAVE:
        case COMMAND_PING:
            bt_wire_ok(w);
            break;
        case COMMAND_BINLOG_DUMP:
            return dump(f, w, session, err);
        default:
            bt_wire_error(w, ER_UNKNOWN_COMMAND, "Unknown command");
            break;
        }
        if (status == 0)
            status = bt_wire_flush(w, bt_deadline_in(LOGIN_MS), err);
    }
    return status;
}

static void serve_one(struct bt_feed *f, int fd)
{
    struct bt_feed_session session = {.server_id = f->server_id, .checksum = f->format.checksum};
    struct bt_err err = {0};
    struct bt_wire w;

    bt_wire_init(&w, fd);
    if (serve(f, fd, &session, &w, &err) < 0 && !is_stopped(f)) {
        pthread_mutex_lock(&f->lock);
        f->progress.failed = true;
        f->progress.err = err;
        pthread_mutex_unlock(&f->lock);
    }
    bt_wire_done(&w);
    bt_gtid_state_done(&session.has);
}

static void *run(void *ctx)
{
    struct bt_feed *f = ctx;
    struct pollfd p = {.fd = f->listener, .events = POLLIN};

    while (!is_stopped(f)) {
        if (poll(&p, 1, WAKE_MS) > 0) {
            bt_auto_fd int fd = accept4(f->listener, NULL, NULL, SOCK_CLOEXEC);

            if (fd >= 0)
                serve_one(f, fd);
        }
    }
    return NULL;
}

/* ------------------------------------------------------------------ open and close */

static int read_format(struct bt_feed *f, struct bt_err *err)
{
    bt_auto_source struct bt_source *log = NULL;
    bt_auto_reader struct bt_reader *reader = NULL;
    struct bt_event ev;
    int status;

    if (f->opts.open_log(f->opts.ctx, &log, err) < 0 ||
        bt_reader_open(log, (struct bt_reader_opts){0}, &reader, err) < 0)
        return -1;
    status = bt_reader_next(reader, &ev, err);
    if (status < 0)
        return -1;
    if (status == 1 || ev.type != BT_FORMAT_DESCRIPTION)
        return bt_fail(err, BT_ERR_CORRUPT, "\"%s\" does not begin with a FORMAT_DESCRIPTION",
                       log->name);
    f->format = *ev.format;
    f->server_id = f->opts.server_id ? f->opts.server_id : ev.format->server_id;
    snprintf(f->version, sizeof(f->version), "5.5.5-%s", ev.format->server_version);
    return 0;
}

static int start_listening(struct bt_feed *f, struct bt_err *err)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    const struct sockaddr *where = (const struct sockaddr *)&v4;
    socklen_t size = sizeof(v4);

    snprintf(f->address, sizeof(f->address), "%s",
             f->opts.address ? f->opts.address : "127.0.0.1");
    if (inet_pton(AF_INET6, f->address, &v6.sin6_addr) == 1) {
        where = (const struct sockaddr *)&v6;
        size = sizeof(v6);
    } else if (inet_pton(AF_INET, f->address, &v4.sin_addr) != 1) {
        return bt_fail(err, BT_ERR_USAGE, "\"%s\" is no address", f->address);
    }
    f->listener = socket(where->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (f->listener < 0 || bind(f->listener, where, size) < 0 || listen(f->listener, 4) < 0)
        return bt_fail_sys(err, "could not listen on %s", f->address);
    if (where->sa_family == AF_INET6) {
        if (getsockname(f->listener, (struct sockaddr *)&v6, &size) < 0)
            return bt_fail_sys(err, "could not listen on %s", f->address);
        f->port = ntohs(v6.sin6_port);
    } else {
        if (getsockname(f->listener, (struct sockaddr *)&v4, &size) < 0)
            return bt_fail_sys(err, "could not listen on %s", f->address);
        f->port = ntohs(v4.sin_port);
    }
    return 0;
}

static int make_password(struct bt_feed *f, struct bt_err *err)
{
    uint8_t bytes[PASSWORD_BYTES];

    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        return bt_fail_sys(err, "could not get random bytes");
    for (unsigned i = 0; i < PASSWORD_BYTES; i++)
        snprintf(f->password + i * 2, 3, "%02x", bytes[i]);
    return 0;
}

int bt_feed_open(const struct bt_feed_opts *opts, struct bt_feed **ret, struct bt_err *err)
{
    bt_auto_feed struct bt_feed *f = calloc(1, sizeof(*f));
    int number;

    if (!f)
        return bt_fail(err, BT_ERR_SYSTEM, "out of memory");
    f->opts = *opts;
    f->listener = -1;
    pthread_mutex_init(&f->lock, NULL);
    if (read_format(f, err) < 0 || make_password(f, err) < 0 || start_listening(f, err) < 0)
        return -1;
    number = pthread_create(&f->thread, NULL, run, f);
    if (number != 0)
        return bt_fail(err, BT_ERR_SYSTEM, "could not start a thread: %s", strerror(number));
    f->has_thread = true;
    *ret = bt_steal(f);
    return 0;
}

void bt_feed_close(struct bt_feed *f)
{
    if (!f)
        return;
    atomic_store(&f->stop, true);
    if (f->has_thread)
        pthread_join(f->thread, NULL);
    if (f->listener >= 0)
        close(f->listener);
    pthread_mutex_destroy(&f->lock);
    explicit_bzero(f->password, sizeof(f->password));
    free(f);
}

unsigned bt_feed_port(const struct bt_feed *f)
{
    return f->port;
}

const char *bt_feed_address(const struct bt_feed *f)
{
    return f->address;
}

const char *bt_feed_password(const struct bt_feed *f)
{
    return f->password;
}

void bt_feed_progress(struct bt_feed *f, struct bt_feed_progress *ret)
{
    pthread_mutex_lock(&f->lock);
    *ret = f->progress;
    pthread_mutex_unlock(&f->lock);
}
