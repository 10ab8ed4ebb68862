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
#include "failover/semisync.h"

struct bt_connection;
struct bt_channel;

enum { BT_SERVER_PATH_SIZE = 1024 };

/* What was kept open to one server while all was well (lookout.h).  A failover takes it over: no
 * connection and no ssh handshake then stands on its way. */
struct bt_warm_host {
    struct bt_connection *sql; /* NULL = none */
    struct bt_channel *node;   /* NULL = none */
    bool is_silent;            /* no channel is tried for: the host has given no sign for long */
    char error[256];           /* how that showed */
    /* of the primary, as it said when its session was opened; "" = not known */
    char datadir[BT_SERVER_PATH_SIZE], pid_file[BT_SERVER_PATH_SIZE];
};

struct bt_failover_opts {
    /* HOST[:PORT] that must be the one found; NULL = whoever it is */
    const char *dead_primary;
    const char *new_primary;        /* HOST[:PORT] to be elected; NULL = elect */
    bool resume;                    /* finish the one that was cut off, or failed */
    bool dry_run;                   /* collect and decide, change nothing */
    bool ignore_last_failover;      /* the 8 hour guard and the error flag do not hold */
    uint64_t last_failover_minutes; /* 0 = 480 */
    /* the new primary is left read-only: the site opens it itself */
    bool keep_read_only;
    /* when all went well, the dead one's block leaves the configuration */
    bool remove_dead_conf;
    /* One per server, or NULL; what they hold is the failover's from bt_failover_new() on. */
    struct bt_warm_host *warm;
    /* Why the primary counts as dead: the votes were taken a moment ago (watch.h) and are not taken
     * again.  NULL = they are taken */
    const char *death;
    bool was_silent; /* it did not even refuse: it is not asked again */
    /* what was seen of the primary's semi-sync while it lived; NULL = nobody watched */
    const struct bt_semisync *semisync;
};

struct bt_failover;

int bt_failover_new(const struct bt_config *config, const struct bt_failover_opts *opts,
                    struct bt_failover **ret, struct bt_err *err) BT_MUST_CHECK;
void bt_failover_free(struct bt_failover *f); /* accepts NULL */

/* Whether the guards allow one now: the 8 hours after the last (MHA's .failover.complete), the
 * error flag (.failover.error).  Changes nothing.  -1 with MHA's sentence. */
int bt_failover_is_allowed(const struct bt_config *config, const struct bt_failover_opts *opts,
                           struct bt_err *err) BT_MUST_CHECK;

/* Whether one was cut off and waits to be finished (not: one that ended with an error). */
bool bt_failover_was_cut_off(const struct bt_config *config);

enum bt_failover_outcome {
    /* the primary is alive after all; nothing was touched, or all was put back */
    BT_FAILOVER_NOTHING, /* there is nothing to resume */
    BT_FAILOVER_ALIVE,
    BT_FAILOVER_REFUSED, /* nothing was touched, or all was put back */
    BT_FAILOVER_FAILED,  /* stopped behind the freeze; the journal says where */
    BT_FAILOVER_PLANNED, /* a dry run came to its end */
    BT_FAILOVER_DONE,    /* new primary, every replica follows */
    BT_FAILOVER_PARTIAL, /* new primary, but something else did not work (MHA's exit code 10) */
};

/* Runs it.  -1 with ALIVE, REFUSED and FAILED. */
int bt_failover_run(struct bt_failover *f, enum bt_failover_outcome *ret, struct bt_err *err)
    BT_MUST_CHECK;

#endif
