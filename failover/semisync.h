/* SPDX-License-Identifier: Apache-2.0 */
/*
 * semisync.h - what a primary's clients were told: which transactions were acknowledged when it
 * died.  Pure but for bt_semisync_ask().
 *
 *     bt_semisync_ask(sql, until, &sample, err)       again and again, while the primary lives
 *     bt_semisync_take(&seen, &sample)
 *     bt_semisync_end(&seen, gone_ms, &end)           it is dead
 *     bt_semisync_judge(&end, receipts, &acks)        with what is known of its replicas
 *
 * With semi-synchronous replication a commit is acknowledged to its client when a replica has
 * received it; what no such replica has received was then acknowledged to nobody.  That ends when a
 * commit has waited for rpl_semi_sync_master_timeout: the server falls back to asynchronous
 * replication and acknowledges by itself.  So the earliest moment of that is the begin of the
 * oldest wait, plus the time-out.  The oldest wait is bounded by what the server counts: nobody
 * waits at a look, or more commits were acknowledged since the look before than waited then (acks
 * come in the order of the log).  With rpl_semi_sync_master_wait_no_slave=OFF it falls back at once
 * when no replica is connected, and nothing can be said.  (sql/semisync_master.cc, MariaDB 10.11;
 * plugin/semisync, MySQL 8.0.)
 *
 * Times are milliseconds of the monotonic clock.
 */
#ifndef BT_FAILOVER_SEMISYNC_H
#define BT_FAILOVER_SEMISYNC_H

#include "apply/connection.h"
#include "base/json.h"
#include "base/json_read.h"

/* One look at a primary. */
struct bt_semisync_sample {
    bool is_enabled; /* rpl_semi_sync_master_enabled */
    bool is_on;      /* Rpl_semi_sync_master_status: it waits for replicas now */
    /* wait point AFTER_COMMIT: others may have read what nobody was told */
    bool is_after_commit;
    bool waits_for_nobody;   /* wait_no_slave */
    uint64_t clients;        /* replicas that acknowledge */
    uint64_t needed;         /* receipts a commit waits for: 1 */
    uint64_t timeout_ms;     /* after which it falls back */
    uint64_t waiting, acked; /* sessions; commits that were acknowledged by replicas so far */
    int64_t asked_ms, answered_ms;
};

/* What was seen of it over time.  All zero = never asked. */
struct bt_semisync {
    bool is_known;
    struct bt_semisync_sample last;
    int64_t fresh_ms; /* whoever waited at the last look had begun to wait no earlier */
    int64_t off_ms;   /* enabled, and first seen not to wait; 0 = it waits */
};

enum bt_semisync_state {
    BT_SEMISYNC_UNKNOWN, /* nobody watched */
    BT_SEMISYNC_OFF,     /* asynchronous */
    BT_SEMISYNC_FELL_BACK,
    BT_SEMISYNC_MAY_HAVE_FALLEN_BACK,
    BT_SEMISYNC_IN_FORCE, /* to the end */
};

/* How it was when the primary went. */
struct bt_semisync_end {
    enum bt_semisync_state state;
    bool is_after_commit;
    uint64_t clients, needed;
    char text[256]; /* why, a sentence without its full stop */
};

/* Of those replicas that acknowledge: how many take part with what they received. */
struct bt_semisync_receipts {
    size_t known;
};

enum bt_acked { BT_ACKED_UNKNOWN,
                BT_ACKED_MAYBE,
                BT_ACKED_NO };

/* Whether what no replica has received may have been acknowledged to a client. */
struct bt_semisync_acks {
    enum bt_acked unsent;
    char text[512]; /* one sentence with its full stop */
};

/* SHOW GLOBAL VARIABLES and STATUS, by MariaDB's and both of MySQL's names.  A server without
 * semi-sync answers too: it is not enabled. */
int bt_semisync_ask(struct bt_connection *sql, struct bt_deadline until,
                    struct bt_semisync_sample *ret, struct bt_err *err) BT_MUST_CHECK;

void bt_semisync_take(struct bt_semisync *s, const struct bt_semisync_sample *sample);

/* gone_ms: when it certainly took no commit any more; INT64_MAX = that was not proved. */
void bt_semisync_end(const struct bt_semisync *s, int64_t gone_ms, struct bt_semisync_end *ret);

void bt_semisync_judge(const struct bt_semisync_end *end,
                       const struct bt_semisync_receipts *receipts, struct bt_semisync_acks *ret);

/* For a journal, and back from it: times as microseconds of the wall clock, so that another machine
 * can tell. */
void bt_semisync_json(const struct bt_semisync *s, int64_t gone_ms, struct bt_json *out);
void bt_semisync_read(struct bt_json_value object, struct bt_semisync *ret, int64_t *ret_gone_ms);

const char *bt_semisync_state_name(enum bt_semisync_state state);
const char *bt_acked_name(enum bt_acked acked);

#endif
