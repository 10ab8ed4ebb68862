/* SPDX-License-Identifier: Apache-2.0 */
/* rejoin_steps.h - what the steps of a rejoin work on.  Inside failover/ only. */
#ifndef BT_FAILOVER_REJOIN_STEPS_H
#define BT_FAILOVER_REJOIN_STEPS_H

#include "apply/flashback.h"
#include "diff/diff_log.h"
#include "failover/journal.h"
#include "failover/locks.h"
#include "failover/rejoin.h"
#include "failover/remote_logs.h"
#include "failover/server.h"
#include "failover/topology.h"

enum { BT_RJ_STEP_MS = 20000, BT_RJ_WAIT_MS = 600000 };

struct bt_rejoin {
    const struct bt_config *config;
    struct bt_rejoin_opts opts;
    size_t count;
    size_t host;    /* who returns */
    size_t primary; /* SIZE_MAX = not found */
    struct bt_database *databases;
    struct bt_locks *locks;
    enum bt_replica_mode mode; /* the cluster's */
    char repl_user[256];
    bool follows_already;    /* it is configured as a replica of the primary */
    struct bt_channel *node; /* of the host that returns */
    enum bt_channel_failure node_why;
    pthread_mutex_t node_mutex;
    struct bt_arena arena;
    struct bt_remote_logs *logs;
    /* COMPARE */
    struct bt_coordinate end; /* of its binary log, when it was compared */
    bool is_compared;
    const char *state_end;        /* gtid_binlog_state behind what only it has */
    const char *stepped_over;     /* gtid_slave_pos behind what its log has lost; NULL = nothing */
    struct bt_gtid_state known;   /* MariaDB: what the primary has, by domain and server */
    struct bt_gtid_set known_set; /* MySQL */
    struct bt_missing_source source;
    struct bt_missing extra; /* what only the returning server has; borrows source */
    char archive_path[4096];
    struct bt_manifest manifest; /* of the archive */
    bool has_manifest;
    struct bt_flashback_result reversed;
    struct bt_journal *journal;
    int64_t began_ms, ended_ms;
    struct bt_buf notes;
    enum bt_rejoin_outcome outcome;
    bool is_closed;    /* it was made read-only */
    bool is_reversing; /* begun, and not known how it ended */
    bool is_reversed;
    bool is_told;                              /* CHANGE MASTER was done */
    char why[sizeof((struct bt_err){0}.text)]; /* it is not done; "" = it is */
};

static inline struct bt_database *bt_rj_host(struct bt_rejoin *r)
{
    return &r->databases[r->host];
}

static inline struct bt_database *bt_rj_primary(struct bt_rejoin *r)
{
    return &r->databases[r->primary];
}

int bt_rj_find(struct bt_rejoin *r, struct bt_err *err) BT_MUST_CHECK;
int bt_rj_close(struct bt_rejoin *r, struct bt_err *err) BT_MUST_CHECK;
/* It replicates no more, and has applied what it had received. */
int bt_rj_halt(struct bt_rejoin *r, struct bt_err *err) BT_MUST_CHECK;
/* May be called again. */
int bt_rj_compare(struct bt_rejoin *r, struct bt_err *err) BT_MUST_CHECK;
/* Refuses where its tables hold what no log has. */
int bt_rj_engine(struct bt_rejoin *r, struct bt_err *err) BT_MUST_CHECK;
/* Ends what a run that was cut off behind the reversal had begun. */
int bt_rj_forget_rest(struct bt_rejoin *r, struct bt_err *err) BT_MUST_CHECK;
/* Nobody has written to it since it was compared. */
int bt_rj_still(struct bt_rejoin *r, struct bt_err *err) BT_MUST_CHECK;
int bt_rj_archive(struct bt_rejoin *r, struct bt_err *err) BT_MUST_CHECK;
int bt_rj_reverse(struct bt_rejoin *r, struct bt_err *err) BT_MUST_CHECK;
int bt_rj_follow(struct bt_rejoin *r, struct bt_err *err) BT_MUST_CHECK;
/* 1: not in time. */
int bt_rj_catch_up(struct bt_rejoin *r, struct bt_err *err) BT_MUST_CHECK;

/* One line for the log (info) and the report. */
void bt_rj_note(struct bt_rejoin *r, const char *fmt, ...) BT_PRINTF(2, 3);

int bt_rj_journal(struct bt_rejoin *r, const char *step, const char *state, struct bt_err *err)
    BT_MUST_CHECK;

/* Runs a statement built in sql on the returning server. */
int bt_rj_execute(struct bt_rejoin *r, struct bt_buf *sql, const char *what, struct bt_err *err)
    BT_MUST_CHECK;

#endif
