/* SPDX-License-Identifier: Apache-2.0 */
/*
 * switchover.h - the writer role moves from a living primary to a replica, as planned.
 *
 *     bt_switchover_new(&config, &opts, &s, err)
 *     rc = bt_switchover_run(s, &outcome, err)       or bt_switchover_resume()
 *     bt_switchover_text(s, out) ...
 *     bt_switchover_free(s)
 *
 *  CHECK -> STOP -> CATCH UP -> OPEN -> REPOINT -> CLEAN UP
 *    |       |         |          |        |
 *  nothing  until the new primary takes    no way back: what fails is said (partial),
 *  touched  writes, everything can be put  and the rest is done
 *           back: UNDO
 *
 * CHECK looks at everything that can be looked at while clients still write, and lists all that
 * stands in the way.  STOP takes the writes away: FLUSH TABLES WITH READ LOCK held by a session of
 * ours, read_only on, the client sessions ended, and the binary log's end read twice (read_only
 * alone stops neither privileged users nor transactions that are in their commit).  The clients
 * find nobody who takes writes from there until the address is on the new primary.  UNDO gives the
 * old primary its writes back first and the rest after.
 *
 * The journal <app>.switchover.journal is written before each step.  A manager that was killed
 * leaves the lock released (its session is gone) but read_only on: bt_switchover_resume() puts the
 * old primary back where the new one was not opened yet, and finishes where it was.
 */
#ifndef BT_FAILOVER_SWITCHOVER_H
#define BT_FAILOVER_SWITCHOVER_H

#include "base/json.h"
#include "failover/config.h"

struct bt_switchover_opts {
    const char *new_primary;  /* HOST[:PORT]; NULL = elect, as a failover would */
    bool old_becomes_replica; /* the old primary follows the new one afterwards */
    bool dry_run;             /* CHECK alone */
    bool skip_lock;           /* MHA's --skip_lock_all_tables: read_only and two readings only */
    bool skip_read_only_off;  /* MHA's --skip_disable_read_only: the script or the user does it */
    /* FLUSH NO_WRITE_TO_BINLOG TABLES in CHECK: less to flush under the lock */
    bool flush_tables;
    bool remove_old_conf; /* when all went well, and the old primary does not stay as a replica */
    bool is_managed;      /* the manager itself runs it: nobody has to be held */
    /* limits of CHECK, as MHA's: seconds */
    uint64_t updates_limit;  /* a statement that writes runs longer on the primary */
    uint64_t sessions_limit; /* a statement runs longer on the new primary */
    uint64_t lag_limit;      /* a replica is further behind */
    /* ms */
    uint64_t kill_after; /* statements get this long to end by themselves */
    uint64_t lock_limit; /* for the lock to be there; then undo */
    uint64_t wait_limit; /* for the new primary to have applied everything; then undo */
};

/* MHA's limits (1, 10, 30 s) and ours (0.3, 5 and 10 s). */
struct bt_switchover_opts bt_switchover_defaults(void);

struct bt_switchover;

int bt_switchover_new(const struct bt_config *config, const struct bt_switchover_opts *opts,
                      struct bt_switchover **ret, struct bt_err *err) BT_MUST_CHECK;
void bt_switchover_free(struct bt_switchover *s); /* accepts NULL */

enum bt_switchover_outcome {
    BT_SWITCHOVER_REFUSED, /* nothing was touched */
    BT_SWITCHOVER_PLANNED, /* a dry run came to its end, and nothing stands in the way */
    BT_SWITCHOVER_UNDONE,  /* it failed, and the old primary takes writes as before */
    BT_SWITCHOVER_FAILED,  /* it failed, and not everything could be put back: err says what */
    BT_SWITCHOVER_DONE,
    BT_SWITCHOVER_PARTIAL, /* the new primary takes writes, something else failed (exit code 10) */
};

/* -1 with REFUSED, UNDONE and FAILED.  SIGINT and SIGTERM are held until it ends; before the new
 * primary is open they lead to UNDONE. */
int bt_switchover_run(struct bt_switchover *s, enum bt_switchover_outcome *ret, struct bt_err *err)
    BT_MUST_CHECK;

/* Whether the work folder holds the journal of a switchover that was cut off.  path gets its name.
 */
bool bt_switchover_was_cut_off(const struct bt_config *config, char path[static 4096]);

/* The server that one which was cut off may have opened for writes; SIZE_MAX = none. */
size_t bt_switchover_cut_off_behind(const struct bt_config *config);

/* Puts back (outcome UNDONE) or finishes (DONE, PARTIAL) what such a journal began; 1 when there is
 * none.  -1: neither; it can be tried again. */
int bt_switchover_resume(struct bt_switchover *s, enum bt_switchover_outcome *ret,
                         struct bt_err *err) BT_MUST_CHECK;

/* A failover has gone over one that was cut off: its journal holds no more. */
void bt_switchover_supersede(const struct bt_config *config);

/* Plan or report, for people (at most 100 columns) and as one JSON object. */
void bt_switchover_text(const struct bt_switchover *s, struct bt_buf *out);
void bt_switchover_json(const struct bt_switchover *s, struct bt_json *out);

#endif
