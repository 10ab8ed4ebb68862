/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.h - runs a diff log on a server; here through a client session (the SQL road).
 *
 *     struct bt_replay_result result;
 *     bt_replay_run(&target, source, &opts, &result, &err)
 *
 * Every transaction of the log becomes one transaction on the target, in log order, under its
 * original GTID where source and target are MariaDB (or both MySQL): rows as BINLOG statements,
 * statements with the context they ran in.  A transaction the target already has (by its GTID
 * state) is counted and passed over, so that a second run of the same log changes nothing.
 *
 * It stops at the first thing that does not fit (opts->on_conflict: or goes on): a server error, an
 * incident, an event that cannot be replayed, an unfinished transaction.  The open transaction is
 * rolled back and the error names its GTID and place, the table where known, the server's text.
 * When the session breaks while a COMMIT is under way, the target is asked over a new session
 * whether it has the transaction.
 *
 * Privileges (MariaDB 10.5+): BINLOG REPLAY; BINLOG ADMIN for sql_log_bin and to keep the BINLOG
 * text out of the target's own log; READ_ONLY ADMIN on a read-only target; REPLICATION SLAVE ADMIN
 * to set gtid_slave_pos; for statements in the log what the statements need.  They are looked at
 * before the first transaction.
 */
#ifndef BT_APPLY_REPLAY_H
#define BT_APPLY_REPLAY_H

#include "apply/careful.h"
#include "parser/source.h"
#include "parser/transaction.h"

struct bt_feeder;

enum bt_replay_via {
    BT_REPLAY_SQL,         /* through a client session */
    BT_REPLAY_REPLICATION, /* by the target's own replication threads: replicate.h */
    BT_REPLAY_AUTO,        /* whichever fits better: road.h */
};

struct bt_replay_result {
    uint64_t transactions; /* applied */
    uint64_t skipped_already_there;
    uint64_t events, rows_events, bytes; /* read from the log */
    uint64_t rows;
    /* SQL: transactions that ran ahead of their turn, that were rolled back and ran again, and
     * before and behind which nothing may run (with several workers) */
    uint64_t ran_ahead, again, barriers;
    uint64_t conflicts; /* rows and statements that did not fit: see on_conflict */
    bool stopped;       /* because progress said so */
    bool was_relaxed;   /* durability was, and is as it was found again */
    double seconds;
    char digest[33];           /* XXH3-128 of the verified log; "" when it was not verified */
    enum bt_replay_via via;    /* the road it took */
    const char *via_why;       /* why, when it was for us to choose; lives for good */
    const char *appliers_why;  /* REPLICATION: the mode we chose, why; NULL = as it is; the same */
    struct bt_gtid last_gtid;  /* of the last transaction applied or already there */
    struct bt_coordinate last; /* end of that transaction: primary's file and position */
};

/* Called every few 100 ms and at the end.  Returning non-zero stops between two transactions. */
typedef int bt_replay_progress(const struct bt_replay_result *so_far, uint64_t log_bytes,
                               void *ctx);

struct bt_replay_opts {
    enum bt_replay_via via;
    unsigned workers;               /* SQL: sessions; REPLICATION: threads, 0 = as they are */
    const char *feed_address;       /* REPLICATION: where we listen; NULL = 127.0.0.1 */
    const struct bt_feeder *feeder; /* REPLICATION: who serves the log (feeder.h); NULL = we do */
    struct bt_deadline deadline;    /* of the whole; at_ms 0 = none */
    int64_t statement_ms;           /* longest wait for one statement; 0 = an hour */
    bool no_binlog;                 /* do not write to the target's own binary log */
    bool set_slave_pos;             /* MariaDB: set gtid_slave_pos at the end to what was applied */
    bool dry_run;                   /* read and check everything, ask the target, change nothing */
    /* SQL: what becomes of data that are in the way (careful.h), and who is told of each */
    enum bt_on_conflict on_conflict;
    bt_conflict_note *note_conflict;
    void *conflict_ctx;
    bool relaxed; /* SQL: the target syncs nothing to disk meanwhile: durability.h */
    bt_replay_progress *progress;
    void *progress_ctx;
};

/* Replays what the source holds.  *result is filled as far as it came, on failure too. */
int bt_replay_run(const struct bt_connection_opts *target, struct bt_source *log,
                  const struct bt_replay_opts *opts, struct bt_replay_result *result,
                  struct bt_err *err) BT_MUST_CHECK;

/* The same for a diff log or binary log in a file, plain or .zst, which is verified whole first
 * (log_check.h).  opts->via chooses the road. */
int bt_replay_file(const struct bt_connection_opts *target, const char *path,
                   const struct bt_replay_opts *opts, struct bt_replay_result *result,
                   struct bt_err *err) BT_MUST_CHECK;

#endif
