/* SPDX-License-Identifier: Apache-2.0 */
/*
 * build_id.h - the content of a program file as 32 hex digits (XXH3-128).
 *
 * The name under which baton-node lies on the hosts, and what both sides must agree on: same
 * digits, same program.  It tells builds apart and a damaged copy from a whole one; it is no
 * protection against somebody who may write the file.
 */
#ifndef BT_FAILOVER_NODE_BUILD_ID_H
#define BT_FAILOVER_NODE_BUILD_ID_H

#include "base/slice.h"

enum { BT_BUILD_ID_SIZE = 33 };

/* Of a file of at most 256 MiB; *ret_size is its size. */
int bt_build_id_of_file(const char *path, char ret[static BT_BUILD_ID_SIZE], uint64_t *ret_size,
                        struct bt_err *err) BT_MUST_CHECK;

/* Of the program that is running. */
int bt_build_id_of_self(char ret[static BT_BUILD_ID_SIZE], struct bt_err *err) BT_MUST_CHECK;

#endif
