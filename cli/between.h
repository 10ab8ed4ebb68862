/* SPDX-License-Identifier: Apache-2.0 */
/*
 * between.h - `baton diff --between A B`: in words, how two servers differ, whether or not
 * anything has failed.
 */
#ifndef BT_CLI_BETWEEN_H
#define BT_CLI_BETWEEN_H

#include "base/buf.h"

/* Surveys both directories and says what each lacks of what the other holds.  connection: of the
 * relay logs; NULL = the default. */
int bt_between_run(const char *a, const char *b, const char *connection, bool json,
                   struct bt_err *err) BT_MUST_CHECK;

#endif
