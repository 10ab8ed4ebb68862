/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch.h - is the primary dead?  A pure state machine: samples in, verdict out; no clock, no I/O.
 *
 *     bt_evidence_init(&e, count, now)
 *     bt_evidence_ping(&e, &ping) / _replica(&e, i, &seen) / _probe(&e, i, &probe)   as they come
 *     bt_watch_judge(&opts, &e, now, &judgement)                                     at any time
 *
 *                 ping answered                      refused or closed        majority, at once
 *   HEALTHY <──────────────────────── SUSPECT <──────────────────── HEALTHY ──────────────────>
 * DEAD │  "too many connections" ..      │  silent for interval x failures, and majority └────────>
 * REFUSING               └──────────────────────────────────────────────────> DEAD
 *
 * The manager pings the primary itself.  From the first ping that fails on, the replicas are asked:
 * does your receiver still get something (two answers behind the first failure that differ), and
 * does your host reach the server (a probe that began behind it)?  Who says yes to either reaches
 * it, and then it is not dead, whatever the manager sees.  A replica that cannot say abstains. Dead
 * needs more than half of all parties (the manager and every replica of the primary) to be unable
 * to reach it, at least one replica among them; who abstains counts among all, so that the smaller
 * half of a split network decides nothing.
 *
 * What it has come back from is no death: the time of silence that is needed is twice the longest
 * of the last ten minutes, up to four times what is configured, so that a noisy network is borne.
 *
 * A server that answers "too many connections", "access denied", "host is blocked" or any other
 * error of its own is alive.  With detection=count MHA's way holds: failed pings in a row, nobody
 * else is asked.  secondary_check_script, where configured, must say "dead" in both ways.
 *
 * Times are milliseconds of the monotonic clock.
 */
#ifndef BT_FAILOVER_WATCH_H
#define BT_FAILOVER_WATCH_H

#include "failover/config.h"
#include "failover/facts.h"
#include "failover/node/protocol_host.h"

/* ----------------------------------------------------------------- samples */

enum bt_ping_outcome {
    BT_PING_ANSWERED,
    BT_PING_REFUSED,  /* no connection could be made, or it was closed: nobody is there */
    BT_PING_SILENT,   /* no answer in time */
    BT_PING_REPULSED, /* the server answered with an error: alive, but refusing */
};

struct bt_ping {
    int64_t began_ms, ended_ms;
    enum bt_ping_outcome outcome;
    unsigned number;  /* the server's or client's error number; 0 = none */
    const char *text; /* its text; NULL = none */
};

/* What a replica said about its receiver. */
struct bt_receiver_seen {
    int64_t asked_ms, answered_ms;
    bool answered; /* false: the replica itself did not answer */
    enum bt_thread_state io;
    unsigned io_errno;
    uint64_t progress;           /* differs when a heartbeat or an event has come */
    int64_t heartbeat_period_ms; /* 0 = none, or not known */
};

/* What a replica's host found at the primary's address. */
struct bt_probe_seen {
    int64_t began_ms, ended_ms;
    bool answered; /* false: the host itself did not answer */
    enum bt_server_port port;
};

/* Result of secondary_check_script (MHA: 0 dead, 2 its own hosts cannot be reached, 3 alive). */
enum bt_secondary { BT_SECONDARY_NONE,
                    BT_SECONDARY_RUNNING,
                    BT_SECONDARY_DEAD,
                    BT_SECONDARY_NETWORK,
                    BT_SECONDARY_ALIVE,
                    BT_SECONDARY_ERROR };

/* ---------------------------------------------------------------- evidence */

struct bt_evidence_voter {
    bool has_vote; /* a replica of the primary */
    struct bt_receiver_seen receiver;
    int64_t still_since_ms; /* since this answer nothing has come */
    int64_t moved_since_ms; /* something came behind this instant; 0 = not seen */
    struct bt_probe_seen probe;
    int64_t answered_probe_ms; /* begin of the last probe that got a greeting; 0 = none */
};

struct bt_evidence {
    int64_t began_ms;
    /* when the primary last answered a ping, with an error too; 0 = never */
    int64_t answered_ms;
    /* the longest time without an answer that it has come back from, of late, and when it did */
    int64_t survived_ms, survived_at_ms;
    int64_t asked_ms;         /* begin of the ping that is under way; 0 = none is */
    int64_t suspect_since_ms; /* begin of the first ping without an answer; 0 = none */
    unsigned failures;        /* in a row */
    struct bt_ping last;      /* the last that ended; its text is `text` */
    bool has_last;
    char text[256];
    enum bt_secondary secondary;
    int64_t secondary_began_ms;
    size_t count;
    struct bt_evidence_voter voters[BT_SERVERS_MAX];
};

void bt_evidence_init(struct bt_evidence *e, size_t count, int64_t now_ms);

/* A ping goes out; a ping has ended. */
void bt_evidence_asking(struct bt_evidence *e, int64_t began_ms);
void bt_evidence_ping(struct bt_evidence *e, const struct bt_ping *ping);
void bt_evidence_receiver(struct bt_evidence *e, size_t i, const struct bt_receiver_seen *seen);
void bt_evidence_probe(struct bt_evidence *e, size_t i, const struct bt_probe_seen *seen);

/* ------------------------------------------------------------------ verdict */

enum bt_verdict { BT_VERDICT_HEALTHY,
                  BT_VERDICT_REFUSING,
                  BT_VERDICT_SUSPECT,
                  BT_VERDICT_DEAD };

enum bt_vote { BT_VOTE_ABSTAINS,
               BT_VOTE_REACHES,
               BT_VOTE_UNREACHABLE };

struct bt_watch_opts {
    enum bt_detection detection;
    int64_t interval_ms; /* ping_interval */
    unsigned failures;   /* intervals of silence, or failed pings for detection=count */
    bool has_secondary;  /* secondary_check_script is configured */
};

struct bt_judgement {
    enum bt_verdict verdict;
    bool wants_votes;                                 /* the replicas should be asked now */
    bool wants_secondary;                             /* the script should be started now */
    bool was_silent;                                  /* it did not refuse: its host may be gone */
    unsigned parties, unreachable, reaches, abstains; /* the manager included */
    char reason[512];                                 /* one sentence, without its full stop */
};

void bt_watch_judge(const struct bt_watch_opts *opts, const struct bt_evidence *e, int64_t now_ms,
                    struct bt_judgement *ret);

/* One voter's vote and why, as of now. */
enum bt_vote bt_watch_vote(const struct bt_watch_opts *opts, const struct bt_evidence *e, size_t i,
                           int64_t now_ms, const char **ret_why);

const char *bt_verdict_name(enum bt_verdict verdict);

#endif
