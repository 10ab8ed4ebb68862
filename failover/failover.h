/* SPDX-License-Identifier: Apache-2.0 */
/*
 * failover.h - a dead primary is replaced: collect, decide, act.
 *
 *     struct bt_failover *f;
 *     bt_failover_new(&config, &opts, &f, err)
 *     rc = bt_failover_run(f, err)          logs MHA's phases; -1: see err, and the report all the
 * same bt_report_text(f, out) ...            report.h bt_failover_free(f)
 *
 *  new -> CHECK -> FREEZE -> DECIDE -> COMPLETE -> PROMOTE -> REPOINT -> CLEAN UP
 *          |         |          |          |           |
 *          nothing   up to here the cluster can go     no way back: the new primary takes
 *          touched   back to what it was               writes; whatever fails is reported
 *
 * CHECK asks all servers and opens all node channels at once, and refuses when the primary lives.
 * FREEZE runs per host in parallel: receivers are stopped, relay logs kept and surveyed; on the
 * dead host the address is dropped and the server ended, with proof.  DECIDE is plan.h.  COMPLETE
 * runs per replica in parallel, the winner first: drain, diff log, verify, apply, look.  A winner
 * that fails before PROMOTE is dropped and the next one decided upon.
 *
 * The steps are functions of steps.h; each writes the journal before it acts.
 */
#ifndef BT_FAILOVER_FAILOVER_H
#define BT_FAILOVER_FAILOVER_H

#include "failover/config.h"
#include "failover/plan.h"

struct bt_failover_opts {
    /* HOST[:PORT] that must be the one found; NULL = whoever it is */
    const char *dead_primary;
    const char *new_primary;        /* HOST[:PORT] to be elected; NULL = elect */
    bool dry_run;                   /* collect and decide, change nothing */
    bool ignore_last_failover;      /* the 8 hour guard and the error flag do not hold */
    uint64_t last_failover_minutes; /* 0 = 480 */
};

struct bt_failover;

int bt_failover_new(const struct bt_config *config, const struct bt_failover_opts *opts,
                    struct bt_failover **ret, struct bt_err *err) BT_MUST_CHECK;
void bt_failover_free(struct bt_failover *f); /* accepts NULL */

enum bt_failover_outcome {
    BT_FAILOVER_REFUSED, /* nothing was touched, or all was put back */
    BT_FAILOVER_FAILED,  /* stopped behind the freeze; the journal says where */
    BT_FAILOVER_PLANNED, /* a dry run came to its end */
    BT_FAILOVER_DONE,    /* new primary, every replica follows */
    BT_FAILOVER_PARTIAL, /* new primary, but something else did not work (MHA's exit code 10) */
};

/* Runs it.  -1 with REFUSED and FAILED. */
int bt_failover_run(struct bt_failover *f, enum bt_failover_outcome *ret, struct bt_err *err)
    BT_MUST_CHECK;

#endif
