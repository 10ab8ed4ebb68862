/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manager_priv.h - what the files of the manager share.  All of it belongs to the main thread, but
 * for struct bt_manager_job, which the failover's thread fills and the main thread reads when
 * `is_done` says so.
 */
#ifndef BT_FAILOVER_MANAGER_PRIV_H
#define BT_FAILOVER_MANAGER_PRIV_H

#include <pthread.h>
#include <stdatomic.h>

#include "failover/failover.h"
#include "failover/health.h"
#include "failover/lookout.h"
#include "failover/manager.h"

struct bt_manager_job {
    const struct bt_config *config;
    struct bt_failover_opts opts;
    struct bt_warm_host warm[BT_SERVERS_MAX];
    char death[600], dead_name[600];
    struct bt_semisync semisync;
    int wake_fd;
    pthread_t thread;
    atomic_bool is_done;
    enum bt_failover_outcome outcome;
    struct bt_err err;
};

struct bt_manager {
    const struct bt_manager_opts *opts;
    struct bt_arena arena; /* of the configuration */
    struct bt_config config;
    int signal_fd, wake_fd, lock_fd, socket_fd;
    int hold_fd; /* who asked us to look away (hold.h); -1 = nobody */
    bool must_stop, must_reload;
    enum bt_health_code code;
    int64_t notified_ms; /* WATCHDOG=1 was last sent */
    int64_t watchdog_ms;
    /* while a cluster is watched */
    struct bt_topology topology;
    struct bt_lookout *lookout;
    struct bt_lookout *retired; /* handed over; its last threads are still ending */
    struct bt_watch_opts watch;
    struct bt_evidence evidence;
    struct bt_judgement judgement;
    bool is_asking;       /* the replicas are asked for votes */
    enum bt_verdict told; /* that the log knows of */
    unsigned told_failures;
    int64_t round_ms; /* when the last round began */
    int64_t lock_taken_since_ms;
    int64_t began_ms;
    bool has_pinged; /* "waiting until MySQL doesn't respond" was said */
    char trouble[BT_SERVERS_MAX][256];
    struct bt_vip_watch vips;
    size_t elsewhere_rounds; /* in which the replicas followed another primary */
    /* over all of its life */
    bool was_replaced[BT_SERVERS_MAX]; /* an old primary: takes no writes when it comes back */
    int64_t attempt_after_ms;          /* no failover before */
    struct bt_err refusal;             /* that the log knows of */
    bool was_armed;
    bool has_held_lock;         /* the monitor's, on any primary */
    size_t suspect;             /* the primary that died last: not waited for; SIZE_MAX = none */
    struct bt_buf told_servers; /* who was there when the log last said so */
    struct bt_manager_job job;
};

enum bt_watch_end { BT_WATCH_STOP,
                    BT_WATCH_RELOAD,
                    BT_WATCH_DEAD,
                    BT_WATCH_REARM,
                    BT_WATCH_HELD,
                    BT_WATCH_FAILED };

/* manager_watch.c: until something else is to be done.  FAILED: err says why. */
enum bt_watch_end bt_manager_watch(struct bt_manager *m, struct bt_err *err);

/* manager_serve.c: waits up to ms, taking signals, questions and the service manager's watchdog
 * into account. */
void bt_manager_poll(struct bt_manager *m, int64_t ms);

/* Writes the status file when the state is another one, touches it when it is the same. */
void bt_manager_state(struct bt_manager *m, enum bt_health_code code);

int bt_manager_serve_open(struct bt_manager *m, struct bt_err *err) BT_MUST_CHECK;
void bt_manager_serve_close(struct bt_manager *m);

#endif
