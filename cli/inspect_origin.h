/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect_origin.h - logs for `baton inspect` that are no files of this host: a running server
 * sends them, or baton-node reads them on another host.
 *
 *     bt_origin_open(&args, names, count, &in, &origin, err)   sets in->scan.feed, in->server
 *     ... the modes ...
 *     bt_origin_close(origin)
 */
#ifndef BT_CLI_INSPECT_ORIGIN_H
#define BT_CLI_INSPECT_ORIGIN_H

#include "cli/connect.h"
#include "cli/inspect_modes.h"

struct bt_origin_args {
    struct bt_connect_args server;
    const char *after;       /* a GTID state or set that the server leaves out */
    bool follow;             /* wait for more until SIGINT or SIGTERM */
    uint64_t dump_server_id; /* of the follower */
    bool schema_only;        /* the logs are files here, only the schema comes from the server */
    const char *conf, *global_conf, *node;
    bool relay_logs; /* of the node's host, instead of its binary logs */
};

struct bt_origin;

/* Opens what args mean: *ret is NULL when the logs are files here and no server was named.  names
 * are the arguments; with a node an argument that begins with "/" is the folder (or index file)
 * there.  *ret_bytes is how much there is to read, 0 when not known. */
int bt_origin_open(const struct bt_origin_args *args, const char *const *names, size_t count,
                   struct bt_inspect *in, struct bt_origin **ret, uint64_t *ret_bytes,
                   struct bt_err *err) BT_MUST_CHECK;
void bt_origin_close(struct bt_origin *o); /* accepts NULL */

#endif
