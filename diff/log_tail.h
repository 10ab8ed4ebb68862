/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_tail.h - finds a place near the end of a relay log without reading what is before it.
 *
 * Events are chained forward only.  But a GTID event is small, and its CRC tells it from anything
 * else, so that one can be found from any offset by looking at each byte that may be its type. From
 * the end backwards, in steps that grow, until one stands where the caller wants to begin: the cost
 * follows the tail, not the log.
 *
 * A log that stores another log in a column can hold a false one.  What is read from there then
 * ends in damage; a caller that meets damage begins again at the head of the log.
 */
#ifndef BT_DIFF_LOG_TAIL_H
#define BT_DIFF_LOG_TAIL_H

#include "diff/log_walk.h"

/* Which place is looked for. */
struct bt_log_tail_goal {
    uint64_t at;   /* not behind this one in the primary's log; UINT64_MAX: any */
    uint64_t back; /* this many bytes or more in front of the log's end */
};

/* The place of a transaction's begin, as near to the end of the log as the goal allows and a few
 * steps find it.  1: there is none to be found this way (no checksums, no GTID events, a short log,
 * positions near 4 GiB); the log has to be entered at its head.  head: of that log, with a place.
 * *bytes_read grows by what was looked at. */
int bt_log_tail_find(const struct bt_log_set *set, size_t log, const struct bt_log_head *head,
                     struct bt_log_tail_goal goal, struct bt_log_walk_opts *ret,
                     uint64_t *bytes_read, struct bt_err *err) BT_MUST_CHECK;

#endif
