/* SPDX-License-Identifier: Apache-2.0 */
/*
 * steps.h - the steps of a failover and what they work on.  Used inside failover/ only.
 *
 * Each step is called once, in the order of failover.c.  Within a step there is one thread per
 * host, which touches only its own struct bt_fo_host (and reads the configuration); they are joined
 * before the step returns.  The completing threads live longer: struct bt_fo_gate tells them when
 * the new primary stands.  Lock order: a host's node mutex is the innermost.
 */
#ifndef BT_FAILOVER_STEPS_H
#define BT_FAILOVER_STEPS_H

#include <pthread.h>

#include "diff/manifest.h"
#include "failover/failover.h"
#include "failover/journal.h"
#include "failover/locks.h"
#include "failover/remote_logs.h"
#include "failover/resume.h"
#include "failover/server.h"

/* clang-format off */
/* X(ID, name, deadline in ms, meaning) */
#define BT_FO_STEPS(X) \
    X(CHECK,     "check",      10000, "ask all servers, open all channels, vote on the primary's death") \
    X(FREEZE,    "freeze",     15000, "stop all receivers, keep the relay logs") \
    X(FENCE,     "fence",      15000, "drop the address of the old primary, end its server, prove it") \
    X(COLLECT,   "collect",    15000, "survey the relay logs, list the old primary's binary logs") \
    X(DECIDE,    "decide",      1000, "elect the new primary") \
    X(BUILD,     "build",     600000, "write a verified diff log for each replica") \
    X(DRAIN,     "drain",     600000, "wait until what was received is applied") \
    X(APPLY,     "apply",    3600000, "apply the diff log, look whether all is there") \
    X(PROMOTE,   "promote",     5000, "note the new primary's position, let it take writes") \
    X(VIP,       "vip",        15000, "take the address and announce it") \
    X(REPOINT,   "repoint",    20000, "make the replicas follow the new primary") \
    X(CLEANUP,   "cleanup",    10000, "drop the new primary's replica settings, write the state files")
/* clang-format on */

enum bt_fo_step {
#define X(id, name, deadline_ms, meaning) BT_FO_##id,
    BT_FO_STEPS(X)
#undef X
        BT_FO_STEP_COUNT
};

const char *bt_fo_step_name(enum bt_fo_step step);
const char *bt_fo_step_meaning(enum bt_fo_step step);
int64_t bt_fo_step_ms(enum bt_fo_step step);

/* How far one replica has come. */
enum bt_fo_state {
    BT_FO_IDLE, /* takes no part */
    BT_FO_FROZEN,
    BT_FO_COMPLETED, /* holds everything that could be saved */
    BT_FO_FOLLOWS,   /* and replicates from the new primary */
    BT_FO_FAILED,    /* err says why; at says in which step */
};

struct bt_fo_host {
    size_t index;
    const struct bt_conf_server *conf;
    struct bt_database *db;
    struct bt_channel *node; /* NULL = none */
    pthread_mutex_t node_mutex;
    enum bt_channel_failure node_why;
    char node_error[512];
    bool is_given_up; /* no channel is tried for: the host has been silent for long */
    /* what its server said of itself while it lived; "" = nobody asked */
    char server_datadir[BT_SERVER_PATH_SIZE], server_pid_file[BT_SERVER_PATH_SIZE];
    bool vote_reached; /* CHECK: from here the primary answered */
    char vote_text[256];

    /* freeze and collect */
    size_t link; /* the upstream that is the primary */
    enum bt_fo_state state;
    enum bt_fo_step failed_at;
    struct bt_err err;
    bool relay_log_purge_was, purge_changed;
    /* its commits waited for replicas of its own, and wait no more until it is repointed or
     * promoted */
    bool semisync_changed;
    bool super_read_only_was; /* MySQL: off while sessions of ours apply a diff log */
    /* a failover that was cut off had switched relay_log_purge off, had stopped the receiver */
    bool was_cut_off, had_receiver, had_semisync, had_acknowledged;
    bool io_was_running, io_stopped;
    /* GTID mode with both threads stopped: START SLAVE would drop the relay logs */
    bool cannot_drain;
    struct bt_arena arena; /* of the surveys */
    struct bt_survey_reply survey;
    bool surveyed;
    char logs_error[512];
    struct bt_remote_logs *relay, *binlog;
    struct bt_relay_info info; /* where the applier stands in the relay logs, by its own words */

    /* complete */
    char diff_path[4096];
    struct bt_manifest manifest;
    bool has_manifest;
    bool drained;
    uint64_t applied, skipped;
    int64_t build_ms, drain_ms, apply_ms, repoint_ms;
    char lost[1024];
    struct bt_plan_lack lack;
    struct bt_failover *failover;
    pthread_t thread;
    bool thread_started;
};

struct bt_fo_timing {
    int64_t began_ms, took_ms; /* since the failover's begin; took -1 = not run */
};

/* What the completing threads wait for. */
struct bt_fo_gate {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool winner_built; /* the others may use the channels */
    size_t building;   /* whose diff logs are not finished: relay logs must stay as they are */
    bool is_open;      /* the new primary stands: repoint */
    bool is_shut;      /* there will be none */
};

struct bt_failover {
    const struct bt_config *config;
    struct bt_failover_opts opts;
    size_t count;
    size_t wanted_winner; /* SIZE_MAX = elect */
    size_t named_primary; /* SIZE_MAX = find out */
    struct bt_database *databases;
    struct bt_server_facts *facts; /* copies, for topology and plan: they do not move */
    struct bt_arena facts_arena;
    struct bt_fo_host *hosts;
    struct bt_topology topology;
    bool has_topology;
    struct bt_holding *holdings;
    bool *dropped;
    struct bt_dead_host dead;
    char dead_error[1024];
    bool is_fenced;              /* the old primary's server and address are proved gone */
    bool address_elsewhere;      /* somebody still answers for the address: it is taken over */
    char fence_text[1024];       /* what was proved, or what was not */
    struct bt_semisync semisync; /* of the primary, while it lived */
    int64_t gone_ms;             /* it refused connections by then; INT64_MAX = it was silent */
    struct bt_semisync_end semisync_end;
    struct bt_plan plan;
    bool has_plan;
    struct bt_journal *journal;
    struct bt_locks *locks;
    struct bt_fo_gate gate;
    /* one diff log is built at a time: it reads through all channels */
    pthread_mutex_t build_mutex;
    struct bt_coordinate position; /* the new primary's, when it stood complete */
    char gtid[4096];
    char slave_gtid[4096];          /* what the new primary has of the old one, by GTID */
    char statement[2048];           /* CHANGE MASTER of the runbook's line */
    bool is_alive;                  /* the primary turned out to be */
    struct bt_resume journaled;     /* what the failover before this one has left */
    const struct bt_resume *resume; /* it, when it is to be finished; else NULL */
    size_t resumed_winner;          /* whom it had promoted; SIZE_MAX = nobody */
    bool is_promoted;
    bool vip_is_up;
    bool is_partial;
    char complete_path[4096], error_path[4096], journal_path[4096];
    struct bt_err failure; /* why it ended with nobody promoted */
    int64_t began_ms, ended_ms;
    int64_t began_wall_us;
    struct bt_fo_timing timings[BT_FO_STEP_COUNT];
    struct bt_buf notes; /* lines for the report: degradations, proofs */
    pthread_mutex_t notes_mutex;
};

/* In order.  -1: the failover cannot go on (failover.c decides what that means). */
int bt_fo_check(struct bt_failover *f, struct bt_err *err) BT_MUST_CHECK;
/* and fence, and collect */
int bt_fo_freeze(struct bt_failover *f, struct bt_err *err) BT_MUST_CHECK;
/* a dry run's collecting */
int bt_fo_collect_only(struct bt_failover *f, struct bt_err *err) BT_MUST_CHECK;
/* What is known, as the pure decision wants it; borrows from f. */
struct bt_plan_input bt_fo_plan_input(const struct bt_failover *f);
int bt_fo_decide(struct bt_failover *f, struct bt_err *err) BT_MUST_CHECK;
/* a dry run's building */
int bt_fo_measure(struct bt_failover *f, struct bt_err *err) BT_MUST_CHECK;
int bt_fo_complete(struct bt_failover *f, struct bt_err *err) BT_MUST_CHECK;
int bt_fo_promote(struct bt_failover *f, struct bt_err *err) BT_MUST_CHECK;
void bt_fo_repoint(struct bt_failover *f); /* from here on failures are partial, never an end */
void bt_fo_cleanup(struct bt_failover *f);
void bt_fo_undo_freeze(struct bt_failover *f); /* starts receivers again, gives settings back */

/* ------------------------------------------------------------- shared helpers */

/* Semi-sync as a primary is given back where the freeze took it. */
int bt_fo_semisync_restore(struct bt_fo_host *h, struct bt_deadline until, struct bt_err *err)
    BT_MUST_CHECK;

/* Connects to all servers and hosts at once and takes their facts. */
int bt_fo_ask_all(struct bt_failover *f, struct bt_err *err) BT_MUST_CHECK;

/* MHA's failover lock on every replica. */
int bt_fo_locks_take(struct bt_failover *f, struct bt_err *err) BT_MUST_CHECK;

/* Puts a VIP on a host, announced; one that is there already is no error. */
int bt_fo_address_take(struct bt_failover *f, struct bt_fo_host *w, const struct bt_vip *vip,
                       struct bt_err *err) BT_MUST_CHECK;

/* The thread body of one replica: build, drain, apply, wait at the gate, repoint. */
void bt_fo_complete_start(struct bt_failover *f);
void bt_fo_complete_join(struct bt_failover *f);

/* Builds host i's diff log out of all that can be read.  Holds build_mutex. */
int bt_fo_build(struct bt_failover *f, size_t i, bool from_executed, struct bt_err *err)
    BT_MUST_CHECK;

/* Applies host h's diff log, and notes how much of it was there already. */
int bt_fo_apply(struct bt_failover *f, struct bt_fo_host *h, struct bt_err *err) BT_MUST_CHECK;

/* One line for the log (info) and the report. */
void bt_fo_note(struct bt_failover *f, const char *fmt, ...) BT_PRINTF(2, 3);

/* Journal, ignoring nothing: a journal that cannot be written stops the step. */
int bt_fo_journal(struct bt_failover *f, enum bt_fo_step step, const char *state, size_t host,
                  struct bt_err *err) BT_MUST_CHECK;

/* Timings; the first begin and the last end of a step count. */
void bt_fo_step_begin(struct bt_failover *f, enum bt_fo_step step);
void bt_fo_step_end(struct bt_failover *f, enum bt_fo_step step);

/* Marks host i as failed in step with err. */
void bt_fo_fail(struct bt_failover *f, size_t i, enum bt_fo_step step, const struct bt_err *err);

/* Takes copies of what the servers said last.  Only while no completing thread runs. */
int bt_fo_facts_take(struct bt_failover *f, struct bt_err *err) BT_MUST_CHECK;

/* Who is to be the new primary; may change until it stands. */
size_t bt_fo_winner(struct bt_failover *f);

/* Its SQL session, opened again when it was lost.  NULL and err when it cannot be. */
struct bt_database *bt_fo_database(struct bt_failover *f, size_t i, struct bt_deadline until,
                                   struct bt_err *err);

#endif
