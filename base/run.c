/* SPDX-License-Identifier: Apache-2.0 */
#include "base/run.h"

#include <assert.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "base/auto.h"
#include "base/io.h"

enum { NO_PIDFD_PAUSE_MS = 10,
       READ_SIZE = 16384,
       DRAIN_MAX = 1 << 20 };

struct run {
    struct bt_process process;
    struct bt_slice input; /* not written yet */
    struct bt_buf *out, *errors;
    uint64_t dropped;
};

/* Takes what one read gives.  1: the stream has ended or has nothing now. */
static int take(struct run *r, int *fd, struct bt_buf *to)
{
    uint8_t chunk[READ_SIZE];
    ssize_t got = read(*fd, chunk, sizeof(chunk));
    size_t keep = 0;

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return 1;
    if (got <= 0) {
        close(*fd);
        *fd = -1;
        return 1;
    }
    if (to && to->max > to->len)
        keep = (size_t)got < to->max - to->len ? (size_t)got : to->max - to->len;
    if (keep > 0 && !bt_buf_add(to, chunk, keep))
        keep = 0;
    r->dropped += (size_t)got - keep;
    return 0;
}

/* After the program's end: what it wrote is in the pipes, and others may go on writing. */
static void drain(struct run *r, int *fd, struct bt_buf *to)
{
    for (int i = 0; *fd >= 0 && i < DRAIN_MAX / READ_SIZE; i++) {
        if (take(r, fd, to) != 0)
            return;
    }
}

/* Gives some input; a program that does not want it all is not wrong. */
static void give(struct run *r)
{
    struct bt_err ignored = {0};
    size_t n = r->input.len < 4096 ? r->input.len : 4096; /* PIPE_BUF: poll promised as much */

    if (n > 0 && bt_io_write(r->process.in, r->input.ptr, n, bt_deadline_in(0), &ignored) == 0) {
        r->input.ptr += n;
        r->input.len -= n;
        if (r->input.len > 0)
            return;
    }
    close(r->process.in);
    r->process.in = -1;
}

/* 0 ended, 1 the deadline passed. */
static int talk(struct run *r, int end_fd, struct bt_deadline until, struct bt_err *err)
{
    struct bt_process *p = &r->process;

    for (;;) {
        struct pollfd fds[] = {{.fd = end_fd, .events = POLLIN},
                               {.fd = p->out, .events = POLLIN},
                               {.fd = p->errors, .events = POLLIN},
                               {.fd = p->in, .events = POLLOUT}};
        int left = bt_deadline_left(until);
        int rc;

        if (end_fd < 0 && left > NO_PIDFD_PAUSE_MS)
            left = NO_PIDFD_PAUSE_MS;
        if (poll(fds, sizeof(fds) / sizeof(fds[0]), left) < 0 && errno != EINTR)
            return bt_fail_sys(err, "could not wait for process %d", (int)p->pid);
        if (p->out >= 0 && fds[1].revents)
            (void)take(r, &p->out, r->out);
        if (p->errors >= 0 && fds[2].revents)
            (void)take(r, &p->errors, r->errors);
        if (p->in >= 0 && fds[3].revents)
            give(r);
        rc = bt_process_wait(p, bt_deadline_in(0), err);
        if (rc <= 0)
            return rc;
        if (bt_deadline_passed(until))
            return 1;
    }
}

int bt_run(struct bt_run_opts opts, struct bt_run_result *ret, struct bt_err *err)
{
    const char *const shell[] = {"/bin/sh", "-c", opts.line, NULL};
    const char *const *argv = opts.line ? shell : opts.argv;
    struct bt_deadline until = bt_deadline_in(opts.timeout_ms);
    struct run r = {.process = BT_PROCESS_NONE,
                    .input = opts.input,
                    .out = opts.out,
                    .errors = opts.errors};
    bt_auto_fd int end_fd = -1;
    const char *name = opts.name ? opts.name : opts.line ? "the command"
                                                         : opts.argv[0];
    int64_t began = bt_clock_ms();
    int rc;

    assert(opts.timeout_ms > 0 && (opts.line == NULL) != (opts.argv == NULL));
    rc = bt_process_start((struct bt_process_opts){
                              .argv = argv,
                              .env = opts.env,
                              .in = opts.input.len > 0 ? BT_PROCESS_PIPE : BT_PROCESS_NULL,
                              .out = BT_PROCESS_PIPE,
                              .errors = opts.errors ? BT_PROCESS_PIPE : BT_PROCESS_JOIN},
                          &r.process, err);
    if (rc != 0)
        return -1;
    end_fd = bt_process_poll_fd(&r.process);
    rc = talk(&r, end_fd, until, err);
    if (rc == 0) {
        drain(&r, &r.process.out, r.out);
        drain(&r, &r.process.errors, r.errors);
        ret->exit_code = bt_process_exit_code(r.process.status);
        ret->signal = WIFSIGNALED(r.process.status) ? WTERMSIG(r.process.status) : 0;
        ret->dropped = r.dropped;
        ret->ms = bt_clock_ms() - began;
        bt_process_leave(&r.process);
        return 0;
    }
    bt_process_end(&r.process, 0);
    if (rc == 1)
        return bt_fail(err, BT_ERR_TIMEOUT,
                       "%s did not end within %" PRId64 " ms and was killed",
                       name, opts.timeout_ms);
    return -1;
}
