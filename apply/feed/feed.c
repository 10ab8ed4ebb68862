/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/feed/feed.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "apply/feed/answer.h"
#include "apply/feed/login.h"
#include "apply/feed/stream.h"
#include "parser/reader.h"

enum {
    PASSWORD_BYTES = 16,
    COMMAND_MS = 10000, /* for a command that has begun */
    WAKE_MS = 100,      /* how soon the thread sees that it is to end */
    COMMAND_QUIT = 1,
    COMMAND_QUERY = 3,
    COMMAND_PING = 14,
    COMMAND_BINLOG_DUMP = 0x12,
    COMMAND_BINLOG_DUMP_GTID = 0x1e,
    COMMAND_REGISTER_SLAVE = 0x15,
    ER_UNKNOWN_COMMAND = 1047,
    DUMP_SENDS_ANNOTATE = 2,
};

struct bt_feed {
    struct bt_feed_opts opts;
    char address[INET6_ADDRSTRLEN];
    char password[PASSWORD_BYTES * 2 + 1];
    char version[80]; /* that we greet with */
    char uuid[37];    /* MySQL: a server's, made up */
    bool has_sha2;    /* MySQL 8 and newer: caching_sha2_password */
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

static int stream_log(struct bt_feed *f, struct bt_wire *w, struct bt_feed_session *session,
                      uint16_t flags, struct bt_err *err)
{
    bt_auto_source struct bt_source *log = NULL;
    struct bt_feed_stream stream;

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

/* MariaDB, and MySQL by position: u32 position, u16 flags, u32 server id, file name. */
static int dump(struct bt_feed *f, struct bt_wire *w, struct bt_feed_session *session,
                struct bt_err *err)
{
    struct bt_cursor c = bt_cursor(bt_buf_slice(&w->in));
    uint16_t flags;
    uint32_t pos;

    if (!(bt_cur_skip(&c, 1) && bt_cur_u32(&c, &pos) && bt_cur_u16(&c, &flags)))
        return bt_fail(err, BT_ERR_CORRUPT, "COM_BINLOG_DUMP of %zu bytes", w->in.len);
    return stream_log(f, w, session, flags, err);
}

/* MySQL: u16 flags, u32 server id, u32 and file name, u64 position, u32 and the set it has. */
static int dump_set(struct bt_feed *f, struct bt_wire *w, struct bt_feed_session *session,
                    struct bt_err *err)
{
    struct bt_cursor c = bt_cursor(bt_buf_slice(&w->in));
    struct bt_event set = {.type = BT_PREVIOUS_GTIDS}; /* the same bytes */
    struct bt_gtid_set has = {0};
    uint32_t name_len, len;
    int status;

    if (!(bt_cur_skip(&c, 1 + 2 + 4) && bt_cur_u32(&c, &name_len) && bt_cur_skip(&c, name_len) &&
          bt_cur_skip(&c, 8) && bt_cur_u32(&c, &len) && bt_cur_take(&c, len, &set.body)))
        return bt_fail(err, BT_ERR_CORRUPT, "COM_BINLOG_DUMP_GTID of %zu bytes", w->in.len);
    if (bt_previous_gtids_read(&set, &has, err) < 0)
        return bt_err_wrap(err, "what the replica says it has");
    bt_had_done(&session->has);
    session->has = (struct bt_had){0};
    status = bt_had_copy(&session->has, NULL, &has, err);
    bt_gtid_set_done(&has);
    return status < 0 ? -1 : stream_log(f, w, session, 0, err);
}

/* Waits for the next command in small steps; 1 when it is time to go. */
static int next_command(struct bt_feed *f, struct bt_wire *w, struct bt_err *err)
{
    struct pollfd p = {.fd = w->fd, .events = POLLIN};

    while (!is_stopped(f)) {
        int got = poll(&p, 1, WAKE_MS);

        if (got > 0)
            return bt_wire_read(w, bt_deadline_in(COMMAND_MS), err);
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
    status = bt_feed_login(w,
                           &(struct bt_feed_account){.user = BT_FEED_USER,
                                                     .password = f->password,
                                                     .version = f->version,
                                                     .sha2 = f->has_sha2},
                           err);
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
        case COMMAND_BINLOG_DUMP_GTID:
            return dump_set(f, w, session, err);
        default:
            bt_wire_error(w, ER_UNKNOWN_COMMAND, "Unknown command");
            break;
        }
        if (status == 0)
            status = bt_wire_flush(w, bt_deadline_in(COMMAND_MS), err);
    }
    return status;
}

static void serve_one(struct bt_feed *f, int fd)
{
    struct bt_feed_session session = {
        .server_id = f->server_id, .checksum = f->format.checksum, .uuid = f->uuid};
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
    bt_had_done(&session.has);
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
    /* MariaDB replicas of 10.x know a primary of 10.x by the prefix (sql/slave.cc, 10.11). */
    snprintf(f->version, sizeof(f->version), "%s%s",
             f->format.flavor == BT_FLAVOR_MARIADB ? "5.5.5-" : "", f->format.server_version);
    f->has_sha2 = f->format.flavor == BT_FLAVOR_MYSQL && f->format.version_number >= 80000;
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

static int make_secrets(struct bt_feed *f, struct bt_err *err)
{
    uint8_t bytes[PASSWORD_BYTES], id[16];
    char *to = f->uuid;

    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes) ||
        getrandom(id, sizeof(id), 0) != (ssize_t)sizeof(id))
        return bt_fail_sys(err, "could not get random bytes");
    for (unsigned i = 0; i < PASSWORD_BYTES; i++)
        snprintf(f->password + i * 2, 3, "%02x", bytes[i]);
    for (unsigned i = 0; i < sizeof(id); i++)
        to += snprintf(to, 4, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", id[i]);
    explicit_bzero(bytes, sizeof(bytes));
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
    if (read_format(f, err) < 0 || make_secrets(f, err) < 0 || start_listening(f, err) < 0)
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
