/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h - what the program tells its operator while it works.
 *
 * One sink for the process, set by cli/: text lines in MHA's form
 * ("Sun Nov 22 14:36:30 2026 - [info] text", which runbooks grep for) or JSON
 * Lines, to a stream or to a file that is opened per line so that logrotate
 * works.  Library code logs at debug only; steps of a failover log at info.
 * Callable from any thread; a line is written by one write(2).
 */
#ifndef BT_BASE_LOG_H
#define BT_BASE_LOG_H

#include "base/err.h"

enum bt_log_level { BT_LOG_DEBUG, BT_LOG_INFO, BT_LOG_WARNING, BT_LOG_ERROR };

enum bt_log_format {
    BT_LOG_MHA,  /* "Sun Nov 22 14:36:30 2026 - [info] text" */
    BT_LOG_JSON, /* {"time":"2026-11-22T14:36:30.123Z","level":"info","text":"..."} */
    BT_LOG_TERSE /* "baton: text": what a command says on stderr */
};

struct bt_log_opts {
    enum bt_log_level level; /* lines below it are dropped */
    enum bt_log_format format;
    const char *path; /* appended to; NULL = stderr.  Borrowed for good */
    /* Every line as JSON too, appended to this file; NULL = not.  Borrowed for good */
    const char *json_path;
};

void bt_log_setup(struct bt_log_opts opts);

void bt_log(enum bt_log_level level, const char *fmt, ...) BT_PRINTF(2, 3);

/* The error as a line of its level; marks it as told, so that nobody says it again. */
void bt_log_error(struct bt_err *err);

#define bt_debug(...) bt_log(BT_LOG_DEBUG, __VA_ARGS__)
#define bt_info(...) bt_log(BT_LOG_INFO, __VA_ARGS__)
#define bt_warning(...) bt_log(BT_LOG_WARNING, __VA_ARGS__)
#define bt_error(...) bt_log(BT_LOG_ERROR, __VA_ARGS__)

#endif
