/* SPDX-License-Identifier: Apache-2.0 */
#include "base/process.h"

#include <assert.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"

enum { POLL_PAUSE_MS = 5,
       TERM_GRACE_MS = 250 };

/* One standard stream of the child while it is being made. */
struct stream {
    int child;  /* what the child gets, -1 = its number is inherited */
    int parent; /* our end, -1 = none */
};

static void stream_release(struct stream *s)
{
    bt_release_fd(&s->child);
    bt_release_fd(&s->parent);
}

static int stream_open(enum bt_process_stream kind, bool child_reads, struct stream *ret,
                       struct bt_err *err)
{
    int ends[2];

    *ret = (struct stream){-1, -1};
    if (kind == BT_PROCESS_NULL) {
        ret->child = open("/dev/null", O_RDWR | O_CLOEXEC);
        return ret->child < 0 ? bt_fail_sys(err, "could not open \"/dev/null\"") : 0;
    }
    if (kind != BT_PROCESS_PIPE)
        return 0;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return bt_fail_sys(err, "could not make a pipe");
    ret->child = ends[child_reads ? 0 : 1];
    ret->parent = ends[child_reads ? 1 : 0];
    if (bt_io_nonblocking(ret->parent, err) != 0) {
        stream_release(ret);
        return -1;
    }
    return 0;
}

/* Moves the child's end out of 0..2, so that laying one stream over its number cannot
 * overwrite another (the parent may itself run with closed standard descriptors). */
static int stream_lift(struct stream *s, struct bt_err *err)
{
    int lifted;

    if (s->child < 0 || s->child > 2)
        return 0;
    lifted = fcntl(s->child, F_DUPFD_CLOEXEC, 3);
    if (lifted < 0)
        return bt_fail_sys(err, "could not duplicate a descriptor");
    close(s->child);
    s->child = lifted;
    return 0;
}

/* 0, or the errno of what failed. */
static int spawn(const struct bt_process_opts *opts, const struct stream streams[3], pid_t *ret)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none, all;
    int rc;

    sigemptyset(&none);
    sigfillset(&all);
    sigdelset(&all, SIGKILL);
    sigdelset(&all, SIGSTOP);
    rc = posix_spawn_file_actions_init(&actions);
    if (rc != 0)
        return rc;
    rc = posix_spawnattr_init(&attr);
    if (rc != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return rc;
    }
    for (int i = 0; i < 3 && rc == 0; i++) {
        if (streams[i].child >= 0)
            rc = posix_spawn_file_actions_adddup2(&actions, streams[i].child, i);
    }
    if (rc == 0 && opts->errors == BT_PROCESS_JOIN)
        rc = posix_spawn_file_actions_adddup2(&actions, 1, 2);
    if (rc == 0)
        rc = posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    if (rc == 0)
        rc = posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
                                                 POSIX_SPAWN_SETSIGMASK);
    if (rc == 0)
        rc = posix_spawnattr_setpgroup(&attr, 0);
    if (rc == 0)
        rc = posix_spawnattr_setsigdefault(&attr, &all);
    if (rc == 0)
        rc = posix_spawnattr_setsigmask(&attr, &none);
    if (rc == 0)
        rc = posix_spawnp(ret, opts->argv[0], &actions, &attr, (char *const *)(uintptr_t)opts->argv,
                          opts->env ? (char *const *)(uintptr_t)opts->env : environ);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    return rc;
}

int bt_process_start(struct bt_process_opts opts, struct bt_process *ret, struct bt_err *err)
{
    const enum bt_process_stream kinds[3] = {opts.in, opts.out, opts.errors};
    struct stream streams[3] = {{-1, -1}, {-1, -1}, {-1, -1}};
    pid_t pid = 0;
    int rc = 0;

    for (int i = 0; i < 3 && rc == 0; i++) {
        rc = stream_open(kinds[i], i == 0, &streams[i], err);
        if (rc == 0)
            rc = stream_lift(&streams[i], err);
    }
    if (rc == 0) {
        errno = spawn(&opts, streams, &pid);
        if (errno != 0)
            rc = bt_fail_sys(err, "could not run \"%s\"", opts.argv[0]);
    }
    for (int i = 0; i < 3; i++) {
        bt_release_fd(&streams[i].child);
        streams[i].child = -1;
        if (rc != 0)
            bt_release_fd(&streams[i].parent);
    }
    if (rc != 0)
        return -1;
    *ret = (struct bt_process){.pid = pid,
                               .in = streams[0].parent,
                               .out = streams[1].parent,
                               .errors = streams[2].parent};
    return 0;
}

int bt_process_poll_fd(const struct bt_process *p)
{
    return (int)syscall(SYS_pidfd_open, p->pid, 0);
}

/* 0 ended, 1 still running.  WNOWAIT keeps the zombie, and with it the group's number. */
static int ask_ended(struct bt_process *p, struct bt_err *err)
{
    siginfo_t info = {0};

    if (p->has_ended)
        return 0;
    if (waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0)
        return errno == EINTR ? 1 : bt_fail_sys(err, "could not wait for process %d", (int)p->pid);
    if (info.si_pid == 0)
        return 1;
    p->status = info.si_code == CLD_EXITED ? W_EXITCODE(info.si_status, 0) : info.si_status;
    p->has_ended = true;
    return 0;
}

int bt_process_wait(struct bt_process *p, struct bt_deadline until, struct bt_err *err)
{
    bt_auto_fd int fd = -1;
    int rc;

    rc = ask_ended(p, err);
    if (rc == 1)
        fd = bt_process_poll_fd(p);
    while (rc == 1 && !bt_deadline_passed(until)) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

        if (fd < 0)
            bt_clock_pause(POLL_PAUSE_MS, until);
        else if (poll(&poll_fd, 1, bt_deadline_left(until)) < 0 && errno != EINTR)
            return bt_fail_sys(err, "could not wait for process %d", (int)p->pid);
        rc = ask_ended(p, err);
    }
    return rc;
}

/* One that is gone is no error. */
static void signal_group(const struct bt_process *p, int number)
{
    if (p->pid > 0)
        (void)kill(-p->pid, number);
}

static void close_pipes(struct bt_process *p)
{
    bt_release_fd(&p->in);
    bt_release_fd(&p->out);
    bt_release_fd(&p->errors);
    p->in = p->out = p->errors = -1;
}

void bt_process_end(struct bt_process *p, int grace_ms)
{
    struct bt_err ignored = {0};
    int saved = errno;

    close_pipes(p);
    if (p->pid > 0) {
        if (bt_process_wait(p, bt_deadline_in(grace_ms), &ignored) == 1) {
            signal_group(p, SIGTERM);
            (void)!bt_process_wait(p, bt_deadline_in(TERM_GRACE_MS), &ignored);
        }
        bt_process_kill(p);
    }
    errno = saved;
}

static void reap(struct bt_process *p)
{
    while (waitpid(p->pid, &p->status, 0) < 0 && errno == EINTR)
        continue;
    p->has_ended = true;
    p->pid = 0;
}

void bt_process_kill(struct bt_process *p)
{
    int saved = errno;

    close_pipes(p);
    signal_group(p, SIGKILL);
    if (p->pid > 0)
        reap(p);
    errno = saved;
}

void bt_process_leave(struct bt_process *p)
{
    int saved = errno;

    assert(p->has_ended);
    close_pipes(p);
    if (p->pid > 0)
        reap(p);
    errno = saved;
}

int bt_process_exit_code(int status)
{
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
