/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/channel.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>

#include "base/auto.h"
#include "base/io.h"
#include "base/process.h"
#include "failover/bootstrap.h"
#include "failover/node/message.h"
#include "version.h"

enum {
    MESSAGE_MAX = BT_MESSAGE_HEADER_SIZE + BT_MESSAGE_PAYLOAD_MAX,
    ERRORS_MAX = 4096,     /* of ssh's error output, its beginning */
    QUIET_MS = 1000,       /* after so long without a message: PING */
    LAST_WORDS_MS = 200,   /* ssh's error output may come a little after its end */
    CLOSE_MS = 200,        /* for baton-node and ssh to end by themselves */
    ANSWER_MARGIN_MS = 50, /* the host's limit ends before ours, so that its error arrives */
    HELLO_ARENA_MAX = 1 << 20,
};

struct bt_channel {
    char name[256];
    struct bt_process process;
    struct bt_arena arena; /* what hello says */
    struct bt_hello_reply hello;
    struct bt_buf out, in;
    struct bt_buf errors; /* what ssh and the host said on standard error */
    uint32_t id;          /* of the last request */
    bool has_copied;
    enum bt_channel_failure failure;
    struct bt_err broken; /* its first error, when failure is not NONE */
};

/* ------------------------------------------------------------------ ending */

static void read_errors(struct bt_channel *ch)
{
    uint8_t chunk[1024];
    ssize_t got;

    while (ch->process.errors >= 0 && (got = read(ch->process.errors, chunk, sizeof(chunk))) != 0) {
        size_t room = ch->errors.max - ch->errors.len;

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return; /* nothing more now */
        bt_buf_add(&ch->errors, chunk, (size_t)got < room ? (size_t)got : room);
    }
    if (ch->process.errors >= 0) {
        close(ch->process.errors);
        ch->process.errors = -1;
    }
}

/* The last line of ssh's error output that says something: it names the reason. */
static void add_last_words(struct bt_channel *ch, struct bt_buf *out)
{
    const char *text = bt_buf_str(&ch->errors);
    const char *from = text, *to = text;

    for (const char *line = text; *line;) {
        size_t len = strcspn(line, "\r\n");

        if (len > 0) {
            from = line;
            to = line + len;
        }
        line += len + strspn(line + len, "\r\n");
    }
    if (to > from)
        bt_buf_addf(out, ": %.*s", (int)(to - from), from);
}

int bt_channel_break(struct bt_channel *ch, enum bt_channel_failure why, struct bt_err *err)
{
    if (ch->failure == BT_CHANNEL_NONE) {
        bt_process_kill(&ch->process);
        ch->failure = why;
        ch->broken = *err;
    }
    return -1;
}

/* Breaks because the connection ended or nothing came, with ssh's own words. */
static int break_with_words(struct bt_channel *ch, enum bt_channel_failure why, const char *what,
                            struct bt_err *err)
{
    struct bt_deadline until = bt_deadline_in(LAST_WORDS_MS);
    bt_auto_buf struct bt_buf text;
    struct bt_err ignored = {0};
    enum bt_err_kind kind = why == BT_CHANNEL_TIMEOUT ? BT_ERR_TIMEOUT : BT_ERR_REMOTE;
    enum bt_channel_failure said;

    if (why == BT_CHANNEL_CLOSED || why == BT_CHANNEL_COPY)
        (void)!bt_process_wait(&ch->process, until, &ignored);
    read_errors(ch);
    said = bt_ssh_failure(bt_buf_slice(&ch->errors));
    if (why == BT_CHANNEL_CLOSED && said != BT_CHANNEL_CLOSED) {
        why = said;
        what = bt_channel_failure_meaning(why);
    }
    bt_buf_init(&text, ERRORS_MAX * 2);
    bt_buf_addf(&text, "%s: %s", ch->name, what);
    add_last_words(ch, &text);
    (void)bt_fail(err, kind, "%s", bt_buf_str(&text));
    return bt_channel_break(ch, why, err);
}

/* ------------------------------------------------------------------ waiting */

/* Waits until a message can be read; ssh's error output is taken meanwhile.  1: nothing came. */
static int await_message(struct bt_channel *ch, struct bt_deadline until, struct bt_err *err)
{
    for (;;) {
        struct pollfd fds[] = {{.fd = ch->process.out, .events = POLLIN},
                               {.fd = ch->process.errors, .events = POLLIN}};
        int n = poll(fds, 2, bt_deadline_left(until));

        if (n < 0 && errno != EINTR)
            return bt_fail_sys(err, "could not wait for %s", ch->name);
        if (n > 0 && fds[1].revents)
            read_errors(ch);
        if (n > 0 && fds[0].revents)
            return 0;
        if (bt_deadline_passed(until))
            return 1;
    }
}

static int send_ping(struct bt_channel *ch, struct bt_deadline until, struct bt_err *err)
{
    uint8_t bytes[BT_MESSAGE_HEADER_SIZE] = {[4] = BT_MESSAGE_PING};

    return bt_io_write(ch->process.in, bytes, sizeof(bytes), until, err);
}

/* One message, whatever its id.  A host that is silent for too long is given up. */
static int receive(struct bt_channel *ch, struct bt_deadline until, struct bt_message *ret,
                   struct bt_err *err)
{
    struct bt_deadline silence = bt_deadline_in(BT_CHANNEL_SILENCE_MS);
    struct bt_err why = {0};
    int rc = 1;

    while (rc == 1) {
        struct bt_deadline step = bt_deadline_earlier(bt_deadline_in(QUIET_MS), until);

        rc = await_message(ch, bt_deadline_earlier(step, silence), err);
        if (rc != 1)
            break;
        if (bt_deadline_passed(until))
            return break_with_words(ch, BT_CHANNEL_TIMEOUT, "there was no answer in time", err);
        if (bt_deadline_passed(silence))
            return break_with_words(ch, BT_CHANNEL_TIMEOUT, "the host has fallen silent", err);
        if (send_ping(ch, step, &why) != 0 && why.kind != BT_ERR_TIMEOUT)
            return break_with_words(ch, BT_CHANNEL_CLOSED, "the connection was closed", err);
    }
    if (rc == 0)
        rc = bt_message_receive(ch->process.out, &ch->in, bt_deadline_earlier(until, silence), ret,
                                &why);
    if (rc == 1)
        return break_with_words(ch, BT_CHANNEL_CLOSED, "the connection was closed", err);
    if (rc < 0 && why.kind == BT_ERR_TIMEOUT)
        return break_with_words(ch, BT_CHANNEL_TIMEOUT, "an answer stopped in the middle", err);
    if (rc < 0 && why.kind == BT_ERR_NONE)
        return bt_channel_break(ch, BT_CHANNEL_CLOSED, err);
    if (rc < 0) {
        *err = why;
        (void)bt_err_wrap(err, "%s", ch->name);
        return bt_channel_break(ch, BT_CHANNEL_PROTOCOL, err);
    }
    return 0;
}

/* ------------------------------------------------------------------ requests */

struct bt_buf *bt_channel_request(struct bt_channel *ch, uint8_t kind, struct bt_deadline until)
{
    int limit = bt_deadline_left(until);

    if (limit > 4 * ANSWER_MARGIN_MS)
        limit -= ANSWER_MARGIN_MS;
    bt_message_begin(&ch->out, kind, ++ch->id);
    bt_buf_add_le(&ch->out, limit > 0 ? (uint64_t)limit : 1, 4);
    return &ch->out;
}

/* A stream that is being received. */
struct reception {
    const struct bt_channel_stream *streams; /* those still to come */
    size_t left;
    bool is_open;
    struct bt_stream_receiver receiver;
};

static int take_data(struct reception *x, const struct bt_message *m, struct bt_err *err)
{
    int rc;

    if (!x->is_open) {
        if (x->left == 0)
            return bt_fail(err, BT_ERR_CORRUPT, "a stream came that nobody asked for");
        if (bt_stream_receiver_init(&x->receiver, x->streams->max, x->streams->take,
                                    x->streams->ctx, err) != 0)
            return -1;
        x->is_open = true;
    }
    if (m->kind == BT_MESSAGE_DATA)
        return bt_stream_feed(&x->receiver, m->payload, err);
    rc = bt_stream_receiver_end(&x->receiver, m->payload, err);
    bt_stream_receiver_done(&x->receiver);
    x->is_open = false;
    x->streams++;
    x->left--;
    return rc;
}

/* Takes messages until the answer's last one.  1: it was an ERROR, which is in *err. */
static int collect(struct bt_channel *ch, struct bt_deadline until, struct reception *x,
                   struct bt_slice *ret_reply, struct bt_err *err)
{
    for (;;) {
        struct bt_message m;
        struct bt_fields f;

        if (receive(ch, until, &m, err) != 0)
            return -1;
        if (m.kind == BT_MESSAGE_PONG)
            continue;
        if (m.id != ch->id)
            return bt_fail(err, BT_ERR_CORRUPT,
                           "an answer to request %u came while %u was waited for", m.id, ch->id);
        switch (m.kind) {
        case BT_MESSAGE_DATA:
        case BT_MESSAGE_END:
            if (take_data(x, &m, err) != 0)
                return -1;
            break;
        case BT_MESSAGE_REPLY:
            if (x->is_open || x->left > 0)
                return bt_fail(err, BT_ERR_CORRUPT, "an answer ended before its streams");
            *ret_reply = m.payload;
            return 0;
        case BT_MESSAGE_ERROR:
            f = bt_fields(m.payload, NULL);
            if (!bt_get_error(&f, err) || !bt_fields_end(&f))
                return bt_fail(err, BT_ERR_CORRUPT, "an error came that cannot be read");
            return 1;
        default:
            return bt_fail(err, BT_ERR_CORRUPT, "\"%s\" is no answer",
                           bt_message_kind_name(m.kind));
        }
    }
}

int bt_channel_call(struct bt_channel *ch, struct bt_deadline until,
                    const struct bt_channel_stream *streams, size_t stream_count,
                    struct bt_slice *ret_reply, struct bt_err *err)
{
    struct reception x = {.streams = streams, .left = stream_count};
    struct bt_err why = {0};
    int rc;

    if (ch->failure != BT_CHANNEL_NONE) {
        *err = ch->broken;
        return bt_err_wrap(err, "the channel was closed before");
    }
    if (bt_message_end(&ch->out, err) != 0)
        return bt_err_wrap(err, "%s", ch->name);
    if (bt_message_send(ch->process.in, &ch->out, until, &why) != 0) {
        if (why.kind == BT_ERR_TIMEOUT)
            return break_with_words(ch, BT_CHANNEL_TIMEOUT, "there was no answer in time", err);
        return break_with_words(ch, BT_CHANNEL_CLOSED, "the connection was closed", err);
    }
    rc = collect(ch, until, &x, ret_reply, err);
    if (x.is_open)
        bt_stream_receiver_done(&x.receiver);
    if (rc == 0)
        return 0;
    if (ch->failure == BT_CHANNEL_NONE) {
        (void)bt_err_wrap(err, "%s", ch->name);
        if (rc < 0) /* what is still under way cannot be told from the next answer */
            (void)bt_channel_break(ch, BT_CHANNEL_PROTOCOL, err);
    }
    return -1;
}

int bt_channel_ping(struct bt_channel *ch, struct bt_deadline until, struct bt_err *err)
{
    struct bt_err why = {0};
    struct bt_message m;

    if (ch->failure != BT_CHANNEL_NONE) {
        *err = ch->broken;
        return bt_err_wrap(err, "the channel was closed before");
    }
    if (send_ping(ch, until, &why) != 0)
        return break_with_words(ch,
                                why.kind == BT_ERR_TIMEOUT ? BT_CHANNEL_TIMEOUT : BT_CHANNEL_CLOSED,
                                why.kind == BT_ERR_TIMEOUT ? "there was no answer in time"
                                                           : "the connection was closed",
                                err);
    do {
        if (receive(ch, until, &m, err) != 0)
            return -1;
    } while (m.kind != BT_MESSAGE_PONG);
    return 0;
}

/* ------------------------------------------------------------------- opening */

static int start(struct bt_channel *ch, const struct bt_host *host,
                 const struct bt_node_program *program, struct bt_err *err)
{
    const char *const local[] = {program->path, "serve", NULL};
    const char *const *argv = local;
    bt_auto_arena struct bt_arena arena;
    const char *command;

    bt_arena_init(&arena, 1 << 20);
    if (!host->is_local) {
        command = bt_bootstrap_command(program, host->remote_workdir, &arena);
        if (!command)
            return bt_arena_fail(&arena, "the command for the host", err);
        if (bt_ssh_argv(host, command, &arena, &argv, err) != 0)
            return -1;
    }
    return bt_process_start((struct bt_process_opts){.argv = argv,
                                                     .in = BT_PROCESS_PIPE,
                                                     .out = BT_PROCESS_PIPE,
                                                     .errors = BT_PROCESS_PIPE},
                            &ch->process, err);
}

static int greet(struct bt_channel *ch, struct bt_deadline until, struct bt_err *err)
{
    const struct bt_hello_request hello = {.protocol = BT_NODE_PROTOCOL, .version = BT_VERSION};
    struct bt_slice reply;

    bt_put_hello_request(bt_channel_request(ch, BT_MESSAGE_HELLO, until), &hello);
    if (bt_channel_call(ch, until, NULL, 0, &reply, err) != 0)
        return -1;
    if (bt_get_hello_reply(reply, &ch->arena, &ch->hello, err) == 0)
        return 0;
    (void)bt_err_wrap(err, "%s", ch->name);
    return bt_channel_break(ch, BT_CHANNEL_PROTOCOL, err);
}

/* From a started process to a channel that has greeted. */
static int establish(struct bt_channel *ch, const struct bt_node_program *program,
                     struct bt_deadline until, struct bt_err *err)
{
    enum bt_channel_failure why = BT_CHANNEL_NONE;
    struct bt_err here = {0};

    if (bt_bootstrap_talk(&ch->process, program, &until, &ch->has_copied, &why, &here) != 0)
        return break_with_words(
            ch, why, why == BT_CHANNEL_TIMEOUT ? bt_channel_failure_meaning(why) : here.text, err);
    return greet(ch, until, err);
}

int bt_channel_open(const struct bt_host *host, struct bt_deadline until, struct bt_channel **ret,
                    enum bt_channel_failure *ret_why, struct bt_err *err)
{
    struct bt_channel *ch = calloc(1, sizeof(*ch));
    struct bt_node_program program;

    if (!ch) {
        *ret_why = BT_CHANNEL_CONFIG;
        return bt_fail_sys(err, "could not allocate a channel");
    }
    snprintf(ch->name, sizeof(ch->name), "%s%s", host->is_local ? "" : "ssh to ", host->name);
    ch->process = BT_PROCESS_NONE;
    bt_arena_init(&ch->arena, HELLO_ARENA_MAX);
    bt_buf_init(&ch->out, MESSAGE_MAX);
    bt_buf_init(&ch->in, MESSAGE_MAX);
    bt_buf_init(&ch->errors, ERRORS_MAX);
    if (bt_node_program_find(host->node_path, &program, err) != 0 ||
        start(ch, host, &program, err) != 0)
        ch->failure = BT_CHANNEL_CONFIG;
    else if (establish(ch, &program, until, err) == 0) {
        *ret = ch;
        return 0;
    }
    *ret_why = ch->failure != BT_CHANNEL_NONE ? ch->failure : BT_CHANNEL_PROTOCOL;
    bt_channel_close(ch);
    return -1;
}

void bt_channel_close(struct bt_channel *ch)
{
    if (!ch)
        return;
    bt_process_end(&ch->process, CLOSE_MS);
    bt_arena_done(&ch->arena);
    bt_buf_done(&ch->out);
    bt_buf_done(&ch->in);
    bt_buf_done(&ch->errors);
    free(ch);
}

const struct bt_hello_reply *bt_channel_hello(const struct bt_channel *ch)
{
    return &ch->hello;
}

const char *bt_channel_name(const struct bt_channel *ch)
{
    return ch->name;
}

bool bt_channel_has_copied(const struct bt_channel *ch)
{
    return ch->has_copied;
}

enum bt_channel_failure bt_channel_failure(const struct bt_channel *ch)
{
    return ch->failure;
}
