/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process.h - a child process with pipes, in a process group of its own.
 *
 *     start -> talk over .in .out .errors (base/io.h) -> wait -> end
 *
 * The group is what is killed, so that a shell's children go with it.  The child gets
 * its three standard descriptors and nothing else, default signal handlers and an empty
 * signal mask.  For "run this to its end and give me the output" see base/run.h.
 * A handle is used by one thread at a time; different handles by different threads.
 */
#ifndef BT_BASE_PROCESS_H
#define BT_BASE_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/clock.h"
#include "base/err.h"

/* What a child's standard descriptor is. */
enum bt_process_stream {
    BT_PROCESS_NULL,    /* /dev/null */
    BT_PROCESS_INHERIT, /* ours */
    BT_PROCESS_PIPE,    /* a pipe; our end is non-blocking and close-on-exec */
    BT_PROCESS_JOIN,    /* errors only: where out goes */
};

struct bt_process_opts {
    const char *const *argv; /* ends with NULL; argv[0] is looked up in PATH */
    const char *const *env;  /* NULL = ours; else NAME=value ... NULL, the whole of it */
    enum bt_process_stream in, out, errors;
};

struct bt_process {
    pid_t pid;           /* and its group; 0 = not started or ended */
    int in, out, errors; /* our ends of the pipes; -1 = none.  Closed by end() */
    bool has_ended;      /* status is final; the pid stays taken until end() */
    int status;          /* as waitpid(2) gives it */
};

/* A handle that end() accepts although nothing was started. */
#define BT_PROCESS_NONE ((struct bt_process){.in = -1, .out = -1, .errors = -1})

/* -1 also when the program is missing or may not be executed. */
int bt_process_start(struct bt_process_opts opts, struct bt_process *ret, struct bt_err *err)
    BT_MUST_CHECK;

/* Waits for its end (p->status), without reaping it, so that its group can still be signalled
 * safely.  Returns 1 when the deadline passed and it still runs. */
int bt_process_wait(struct bt_process *p, struct bt_deadline until, struct bt_err *err)
    BT_MUST_CHECK;

/* Closes our ends; gives the child up to grace_ms to end by itself, then SIGTERM and a
 * quarter second, then SIGKILL to the whole group, and reaps it.  Safe to call twice. */
void bt_process_end(struct bt_process *p, int grace_ms);

/* As end() with no grace and no SIGTERM. */
void bt_process_kill(struct bt_process *p);
#define bt_auto_process BT_AUTO(bt_process_kill)

/* For a child that has ended by itself: closes our ends and reaps it, but leaves alone what it
 * put into the background (a hook may start a daemon). */
void bt_process_leave(struct bt_process *p);

/* The exit code as a shell would give it: 0..255, 128 + signal when killed. */
int bt_process_exit_code(int status);

/* A descriptor that becomes readable at the child's end, for poll(2), or -1 where the
 * kernel has none (before 5.3).  The caller closes it. */
int bt_process_poll_fd(const struct bt_process *p);

#endif
