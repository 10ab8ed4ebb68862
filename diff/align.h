/* SPDX-License-Identifier: Apache-2.0 */
/*
 * align.h - finds by content where, in one set of logs, another set of the same history ends.
 *
 *     bt_tail_read(target's logs, ..., &tail)        what it received last, as digests
 *     bt_tail_matches(&tail, ..)                     is that what stands at a place it claims?
 *     bt_tail_align(&tail, other logs, ...)          where else does it stand?
 *     bt_tail_done(&tail)
 *
 * Without GTIDs two logs of one history have nothing in common but what is in them: a replica with
 * log_slave_updates writes it anew, in files of other names, at other offsets.  The digest
 * (digest.h) is the same in both.  One digest is not enough: the same statement twice in the same
 * second is the same digest twice.  So the place is where the longest run of the target's last
 * transactions ends, and it counts only if
 *
 *   - no other place has a run as long, and
 *   - the run is all that was looked for, or spans two different seconds at least.
 *
 * Anything less is told as what it is: not unique, or not there.  Logs are read from the last one
 * backwards, one at a time, so that the cost follows the distance; memory is constant.
 */
#ifndef BT_DIFF_ALIGN_H
#define BT_DIFF_ALIGN_H

#include "diff/log_walk.h"

enum { BT_TAIL_MAX = 128 };

struct bt_tail_item {
    uint64_t digest;
    uint32_t when;
};

/* The last transactions of a set, oldest first. */
struct bt_tail {
    struct bt_tail_item items[BT_TAIL_MAX];
    size_t count;
    struct bt_coordinate start, end; /* of the last one, in its primary's logs; file "" = unknown */
    /* of the last one; with one, the place of the same GTID is the same */
    struct bt_gtid gtid;
};

/* Reads what stands whole at the end of the set.  deep: enough to tell places apart (the last logs
 * from their heads); else what the last few hundred KiB hold, if they can be entered there. */
int bt_tail_read(const struct bt_log_set *set, bool deep, struct bt_tail *ret, struct bt_err *err)
    BT_MUST_CHECK;

enum bt_tail_answer {
    BT_TAIL_SAME,   /* the transaction that ends there is the tail's last one */
    BT_TAIL_OTHER,  /* something else stands there */
    BT_TAIL_UNKNOWN /* nothing says: a hole, damage, or the log ends before */
};

/* What stands at the tail's coordinates in other logs that claim the same coordinates.  opts: where
 * to enter, at or in front of tail->start. */
int bt_tail_matches(const struct bt_tail *tail, const struct bt_log_set *set,
                    struct bt_log_walk_opts opts, enum bt_tail_answer *ret, struct bt_err *err)
    BT_MUST_CHECK;

struct bt_alignment {
    bool found;
    struct bt_log_walk_opts behind; /* right behind the tail's last transaction, when found */
    char why[256];                  /* when not */
    /* something of the tail stands in what was read, in whatever order */
    bool shares;
};

/* Where the tail ends in the set.  skip_own: transactions that the set's own server wrote itself
 * are passed over. */
int bt_tail_align(const struct bt_tail *tail, const struct bt_log_set *set, bool skip_own,
                  struct bt_alignment *ret, struct bt_err *err) BT_MUST_CHECK;

#endif
