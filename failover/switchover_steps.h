/* SPDX-License-Identifier: Apache-2.0 */
/*
 * switchover_steps.h - the steps of a switchover and what they work on.  Inside failover/ only.
 *
 * They are called once, in the order of switchover.c.  Where hosts are worked on at the same time
 * there is one thread for each, which touches its own struct bt_so_host alone and is joined before
 * the step returns.
 */
#ifndef BT_FAILOVER_SWITCHOVER_STEPS_H
#define BT_FAILOVER_SWITCHOVER_STEPS_H

#include <pthread.h>

#include "failover/channel.h"
#include "failover/journal.h"
#include "failover/locks.h"
#include "failover/plan.h"
#include "failover/server.h"
#include "failover/switchover.h"

/* clang-format off */
/* X(ID, name, deadline in ms of what has no option of its own, meaning) */
#define BT_SO_STEPS(X) \
    X(CHECK,    "check",    10000, "ask all servers, look for what stands in the way") \
    X(STOP,     "stop",      5000, "take the writes away from the old primary, see it stand still") \
    X(CATCH_UP, "catch-up", 10000, "wait until the new primary has applied everything") \
    X(OPEN,     "open",      5000, "open the new primary, move the address") \
    X(REPOINT,  "repoint",  20000, "make the others follow the new primary") \
    X(CLEANUP,  "cleanup",  10000, "drop the new primary's replica settings") \
    X(UNDO,     "undo",      3000, "put everything back as it was")
/* clang-format on */

enum bt_so_step {
#define X(id, name, deadline_ms, meaning) BT_SO_##id,
    BT_SO_STEPS(X)
#undef X
        BT_SO_STEP_COUNT
};

const char *bt_so_step_name(enum bt_so_step step);
const char *bt_so_step_meaning(enum bt_so_step step);
struct bt_deadline bt_so_until(enum bt_so_step step); /* from now */

struct bt_so_host {
    size_t index;
    const struct bt_conf_server *conf;
    struct bt_database *db;
    struct bt_channel *node; /* NULL = none */
    enum bt_channel_failure node_why;
    char node_error[512];
    struct bt_arena arena; /* of the node's answers */
    size_t link;           /* the upstream that is the primary */
    bool follows;          /* the new primary, in the end */
    struct bt_err err;     /* why not */
    int64_t repoint_ms;
    struct bt_switchover *switchover;
};

/* What was changed and must be put back by an undo. */
struct bt_so_touched {
    bool script;        /* master_ip_online_change_script --command=stop was called */
    bool script_start;  /* and --command=start, for the new primary */
    bool lock;          /* the old primary's tables may be locked by s->locker */
    bool read_only;     /* the old primary's read_only was switched on */
    bool address_gone;  /* taken off the old primary */
    bool new_writable;  /* read_only was switched off on the new primary */
    bool address_taken; /* put on the new primary */
    bool semisync;      /* the new primary's rpl_semi_sync_master_enabled */
};

/* rpl_semi_sync_master_enabled and rpl_semi_sync_slave_enabled of one server, as they were. */
struct bt_so_semisync {
    bool has_master, has_slave; /* it has such a variable */
    bool master, slave;
    bool says_source; /* and calls them source and replica */
};

struct bt_so_timing {
    int64_t began_ms, took_ms; /* since the begin; took -1 = not run */
};

struct bt_switchover {
    const struct bt_config *config;
    struct bt_switchover_opts opts;
    size_t count;
    size_t wanted; /* SIZE_MAX = elect */
    struct bt_database *databases;
    struct bt_locks *locks;
    struct bt_server_facts *facts; /* copies: they do not move */
    struct bt_arena facts_arena;
    struct bt_so_host *hosts;
    struct bt_topology topology;
    bool has_topology;
    struct bt_plan plan;
    bool has_plan;
    struct bt_buf blockers, warnings; /* a line each */
    struct bt_journal *journal;
    char journal_path[4096];
    int hold_fd;                  /* keeps the manager from watching; -1 = none runs */
    struct bt_connection *locker; /* the session that holds the lock on the old primary */
    struct bt_so_touched touched;
    /* how the new primary followed the old one: so the old one will follow it */
    enum bt_replica_mode mode;
    char repl_user[256];
    struct bt_so_semisync semisync_old, semisync_new;
    struct bt_coordinate end; /* of the old primary's binary log, standing still */
    char end_gtid[4096];
    struct bt_coordinate position; /* of the new primary's, when it was opened */
    char gtid[4096];
    char statement[2048];  /* CHANGE MASTER of the runbook's line */
    char locker_mark[64];  /* the user lock it holds: by that its session is found again */
    bool new_was_writable; /* the new primary was not read-only before: it is given that back */
    bool new_was_super;    /* MySQL: it was super_read_only; so will be the old one */
    bool was_closed;       /* an undo that was cut off had closed the new primary */
    bool is_opened;        /* the point of no return is behind us */
    bool is_partial;
    size_t killed; /* client sessions */
    int64_t began_ms, ended_ms;
    int64_t blocked_us, opened_us; /* when writes ended, and could begin again; 0 = did not */
    struct bt_so_timing timings[BT_SO_STEP_COUNT];
    struct bt_buf notes;
    pthread_mutex_t notes_mutex;
    enum bt_switchover_outcome outcome;
};

static inline struct bt_so_host *bt_so_old(struct bt_switchover *s)
{
    return &s->hosts[s->plan.primary];
}

static inline struct bt_so_host *bt_so_new(struct bt_switchover *s)
{
    return &s->hosts[s->plan.winner];
}

/* In order; -1: it cannot go on, and what was touched is to be undone. */
int bt_so_check(struct bt_switchover *s, struct bt_err *err) BT_MUST_CHECK;
int bt_so_stop(struct bt_switchover *s, struct bt_err *err) BT_MUST_CHECK;
int bt_so_catch_up(struct bt_switchover *s, struct bt_err *err) BT_MUST_CHECK;
int bt_so_open(struct bt_switchover *s, struct bt_err *err) BT_MUST_CHECK;
void bt_so_repoint(struct bt_switchover *s); /* from here on failures are partial, never an end */
void bt_so_cleanup(struct bt_switchover *s);

/* Puts back what was touched.  1: the new primary has been written to and is open; nothing was put
 * back.  -1: not all of it was; err says what. */
int bt_so_undo(struct bt_switchover *s, struct bt_err *err) BT_MUST_CHECK;

/* Who waits for acknowledgements, and who gives them, goes with the role. */
int bt_so_semisync_ask(struct bt_switchover *s, struct bt_err *err) BT_MUST_CHECK;
int bt_so_semisync_open(struct bt_switchover *s, struct bt_err *err) BT_MUST_CHECK;
int bt_so_semisync_undo(struct bt_switchover *s, struct bt_err *err) BT_MUST_CHECK;
int bt_so_semisync_exchange(struct bt_switchover *s, struct bt_err *err) BT_MUST_CHECK;

/* ------------------------------------------------------------- shared helpers */

/* Asks all servers and opens all nodes at once. */
int bt_so_ask(struct bt_switchover *s, struct bt_err *err) BT_MUST_CHECK;

/* The manager of this cluster, if one runs, looks away until s is freed. */
int bt_so_hold(struct bt_switchover *s, struct bt_err *err) BT_MUST_CHECK;

/* Takes every configured address up on host h, or off it. */
int bt_so_address(struct bt_switchover *s, struct bt_so_host *h, bool up, int probe_ms,
                  struct bt_err *err) BT_MUST_CHECK;

/* The end of the old primary's binary log, as it is now. */
int bt_so_end_read(struct bt_switchover *s, struct bt_deadline until, struct bt_coordinate *ret,
                   struct bt_err *err) BT_MUST_CHECK;

/* One line for the log (info) and the report. */
void bt_so_note(struct bt_switchover *s, const char *fmt, ...) BT_PRINTF(2, 3);
/* The same for what failed behind the point of no return. */
void bt_so_partial(struct bt_switchover *s, const char *what, const struct bt_err *why);

int bt_so_journal(struct bt_switchover *s, enum bt_so_step step, const char *state,
                  bt_journal_fill *fill, struct bt_err *err) BT_MUST_CHECK;

void bt_so_step_begin(struct bt_switchover *s, enum bt_so_step step);
void bt_so_step_end(struct bt_switchover *s, enum bt_so_step step);

#endif
