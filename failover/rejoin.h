/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rejoin.h - an old primary comes back as a replica, after it was seen what it alone has.
 *
 *     bt_rejoin_new(&config, &opts, &r, err)
 *     rc = bt_rejoin_run(r, &outcome, err)
 *     bt_rejoin_text(r, out) ...
 *     bt_rejoin_free(r)
 *
 *  FIND -> CLOSE -> COMPARE -> (ARCHIVE -> REVERSE -> FORGET) -> FOLLOW -> CATCH UP
 *
 * FIND: who is the primary now, and can the returning server be asked at all.  CLOSE: it is made
 * read-only and has no writer address.  COMPARE: its own binary logs against the primary's GTIDs,
 * by the diff engine; what it has and the primary has not is listed.  Nothing: it follows from
 * where its log ends.  Something: refused, unless those transactions are archived to a diff log
 * (verified as it lies on the disk) and reversed row by row (apply/flashback.h) in one transaction;
 * then its binary logs, which are whole in the archive where they differ, are emptied (FORGET), so
 * that nobody takes them for history later.  FOLLOW: by GTID, and where the cluster replicates by
 * file and position, by those afterwards.
 *
 * Every step may be done again: a rejoin that was cut off is run once more.  <app>.rejoin.journal
 * tells what was done.  MariaDB 10.0 and later, and MySQL with gtid_mode=ON (the latter only
 * without anything to reverse).
 */
#ifndef BT_FAILOVER_REJOIN_H
#define BT_FAILOVER_REJOIN_H

#include "base/json.h"
#include "failover/config.h"

struct bt_rejoin_opts {
    const char *host;    /* HOST[:PORT] that returns */
    const char *archive; /* folder for what only it has; NULL = refuse when there is something */
    bool flashback;      /* reverse that, once it is archived */
    bool dry_run;        /* FIND and COMPARE alone */
    uint64_t wait_limit; /* ms for CATCH UP; 0 = 600 s */
};

struct bt_rejoin;

int bt_rejoin_new(const struct bt_config *config, const struct bt_rejoin_opts *opts,
                  struct bt_rejoin **ret, struct bt_err *err) BT_MUST_CHECK;
void bt_rejoin_free(struct bt_rejoin *r); /* accepts NULL */

enum bt_rejoin_outcome {
    BT_REJOIN_REFUSED,  /* it cannot be done; err says why */
    BT_REJOIN_DIVERGED, /* it has what nobody else has, and nothing was said about that */
    BT_REJOIN_PLANNED,  /* a dry run: it would follow, nothing is in the way */
    BT_REJOIN_FAILED,   /* begun and not ended; it is read-only, and may be run again */
    BT_REJOIN_DONE,     /* it follows, and has everything */
    BT_REJOIN_BEHIND,   /* it follows, but has not caught up within wait_limit (exit code 10) */
};

/* -1 with REFUSED, DIVERGED and FAILED. */
int bt_rejoin_run(struct bt_rejoin *r, enum bt_rejoin_outcome *ret, struct bt_err *err)
    BT_MUST_CHECK;

/* Plan or report, for people (at most 100 columns) and as one JSON object. */
void bt_rejoin_text(const struct bt_rejoin *r, struct bt_buf *out);
void bt_rejoin_json(const struct bt_rejoin *r, struct bt_json *out);

#endif
