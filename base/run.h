/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run.h - runs a program or a shell command line to its end: bounded in time and output.
 *
 *     struct bt_run_result r;
 *     if (bt_run((struct bt_run_opts){.line = "hook --command=stop", .out = &text,
 *                                     .timeout_ms = 60000}, &r, err) != 0) ...
 *
 * It is over when the program itself has ended: what it put into the background may keep its
 * pipes open and is left alone.  When the time is up the whole process group is killed.
 */
#ifndef BT_BASE_RUN_H
#define BT_BASE_RUN_H

#include "base/buf.h"
#include "base/process.h"

struct bt_run_opts {
    const char *const *argv; /* either the program and its arguments, ending with NULL */
    const char *line;        /* or a line for /bin/sh -c; never in a message, it may hold secrets */
    const char *name;        /* what messages call it; NULL = argv[0] or "the command" */
    const char *const *env;  /* NULL = ours */
    struct bt_slice input;   /* given on its standard input, then closed; {0} = nothing */
    struct bt_buf *out;      /* its output up to the ceiling, the rest is counted; NULL = dropped */
    struct bt_buf *errors;   /* its error output, as above; NULL = into out, in order */
    int64_t timeout_ms;      /* must be given */
};

struct bt_run_result {
    int exit_code;    /* 0..255; 128 + signal when it was killed by one */
    int signal;       /* 0 = it exited */
    uint64_t dropped; /* bytes of output that went over a ceiling */
    int64_t ms;       /* how long it took */
};

/* 0: it ran and ended, whatever its exit code.  -1: it could not be started, or the time was
 * up (BT_ERR_TIMEOUT: SIGTERM, then SIGKILL to its group; the buffers hold what it had said;
 * *ret is not written). */
int bt_run(struct bt_run_opts opts, struct bt_run_result *ret, struct bt_err *err) BT_MUST_CHECK;

#endif
