/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manager.h - the daemon: watches one cluster, replaces its primary when it dies, and watches on.
 *
 *     bt_manager_run(&opts, &code, err)        returns when it is told to end, or with `once`
 *
 *   ARM: ask everybody, find the primary ──► WATCH: lookout.h and watch.h, once a second the
 *     ▲   (again and again until it works)     │     replicas' troubles and the VIPs
 *     │                                        │ dead, and the guards allow it
 *     └──────────── done ◄──── FAIL OVER: a thread of its own with what the lookout kept open
 *
 * One process per configuration file holds <workdir>/<app>.manager.lock.  State is told through
 * MHA's status file (health.h), to a service manager (base/notify.h), and to whoever connects to
 * <workdir>/<app>.manager.sock (status.h).  SIGHUP reads the configuration again, SIGTERM and
 * SIGINT end it; a failover that has begun is carried to its end first.
 *
 * A failover that was cut off is finished before anything is watched (resume.h).
 */
#ifndef BT_FAILOVER_MANAGER_H
#define BT_FAILOVER_MANAGER_H

#include "failover/config.h"

struct bt_manager_opts {
    struct bt_config_opts config;
    bool once; /* MHA's way: end after one failover, 0, 10 or 1 */
    bool ignore_last_failover;
    uint64_t last_failover_minutes; /* 0 = 480 */
    const char *new_primary;        /* HOST[:PORT] to be elected; NULL = elect */
    bool keep_read_only;            /* struct bt_failover_opts */
    bool remove_dead_conf;          /* the same */
    /* Monitor only: called with the dead primary, then the manager ends with 20 (MHA). */
    void (*dead)(const struct bt_conf_server *primary, void *ctx);
    /* Called with every configuration that takes effect, before its first log line. */
    void (*configured)(const struct bt_config *config, void *ctx);
    void *ctx;
};

/* *ret_code is the process's exit code.  -1: it could not begin (no configuration, another manager
 * runs).  Blocks SIGTERM, SIGINT, SIGQUIT and SIGHUP in the calling thread for good. */
int bt_manager_run(const struct bt_manager_opts *opts, int *ret_code, struct bt_err *err)
    BT_MUST_CHECK;

#endif
