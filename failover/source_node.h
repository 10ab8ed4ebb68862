/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source_node.h - a log on another host as a source (parser/source.h).
 *
 * Views may go anywhere in the log.  What is read in order is fetched ahead, up to 4 MiB at once;
 * each piece is verified before it is shown.  The channel is the source's alone while a view is
 * being fetched, and must outlive it.
 */
#ifndef BT_FAILOVER_SOURCE_NODE_H
#define BT_FAILOVER_SOURCE_NODE_H

#include "failover/channel.h"
#include "parser/source.h"

/* Opens path there.  request_ms is the deadline of each request.  A file that cannot be read is
 * an error here, not at the first view. */
int bt_source_node_open(struct bt_channel *ch, const char *path, int64_t request_ms,
                        struct bt_source **ret, struct bt_err *err) BT_MUST_CHECK;

#endif
