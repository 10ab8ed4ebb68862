/* SPDX-License-Identifier: Apache-2.0 */
/*
 * between.h - `baton diff --between A B`: in words, how two servers differ, whether or not
 * anything has failed.
 */
#ifndef BT_CLI_BETWEEN_H
#define BT_CLI_BETWEEN_H

#include "base/buf.h"

struct bt_between_opts {
    const char *a, *b;              /* directories, or with conf servers of it */
    const char *connection;         /* of the relay logs; NULL = the default */
    const char *conf, *global_conf; /* NULL = directories only */
    bool json;
};

/* Surveys both and says what each lacks of what the other holds, and what that is.  Returns the
 * exit code: 10 when not all of a running server could be seen. */
int bt_between_run(const struct bt_between_opts *opts, struct bt_err *err) BT_MUST_CHECK;

#endif
