/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hooks.h - the site's scripts, called exactly as MHA 0.58 calls them.
 *
 * A hook is a shell command line of the configuration with options behind it, run by sh -c, its
 * output going to the log line by line.  The options stand in MHA's order and spelling.  Return
 * codes: 0 done; 10 a problem that does not stop the failover; anything else stops it.  A hook that
 * runs longer than hook_timeout is killed with all it started, and counts as failed.
 *
 * Command lines hold passwords (MHA's contract), so they are never logged.
 */
#ifndef BT_FAILOVER_HOOKS_H
#define BT_FAILOVER_HOOKS_H

#include "failover/config.h"

enum bt_hook_result {
    BT_HOOK_ABSENT, /* not configured */
    BT_HOOK_DONE,   /* 0 */
    BT_HOOK_GO_ON,  /* 10 */
};

/* master_ip_failover_script or shutdown_script --command=status: could it be called?  MHA asks
 * before it begins to watch, and does not begin unless the answer is 0. */
int bt_hook_status(const struct bt_config *config, enum bt_conf which, size_t primary,
                   enum bt_hook_result *ret, struct bt_err *err) BT_MUST_CHECK;

/* master_ip_failover_script --command=stop|stopssh: the address leaves the old primary. */
int bt_hook_vip_stop(const struct bt_config *config, size_t primary, bool ssh_reachable,
                     enum bt_hook_result *ret, struct bt_err *err) BT_MUST_CHECK;

/* shutdown_script --command=stop|stopssh.  GO_ON: the server was ended over ssh, its host lives;
 * DONE: the host was powered off, its logs cannot be read any more. */
int bt_hook_shutdown(const struct bt_config *config, size_t primary, bool ssh_reachable,
                     enum bt_hook_result *ret, struct bt_err *err) BT_MUST_CHECK;

/* master_ip_failover_script --command=start: the address comes to the new primary. */
int bt_hook_vip_start(const struct bt_config *config, size_t primary, size_t winner,
                      enum bt_hook_result *ret, struct bt_err *err) BT_MUST_CHECK;

/* master_ip_online_change_script --command=stop|start, at a switchover: both calls get everything.
 * is_new_replica: the old primary becomes a replica (MHA's --orig_master_is_new_slave). */
int bt_hook_online_change(const struct bt_config *config, const char *command, size_t primary,
                          size_t winner, bool is_new_replica, enum bt_hook_result *ret,
                          struct bt_err *err) BT_MUST_CHECK;
/* secondary_check_script: *ret_code is its exit code (0 the primary is dead, 2 its own hosts cannot
 * be reached, 3 the primary is reachable).  -1: it could not be run, or not in time. */
int bt_hook_secondary(const struct bt_config *config, size_t primary, int *ret_code,
                      struct bt_err *err) BT_MUST_CHECK;

/* report_script, at the end; winner SIZE_MAX = nobody was promoted. */
int bt_hook_report(const struct bt_config *config, size_t primary, size_t winner,
                   const char *replicas, const char *subject, const char *body,
                   enum bt_hook_result *ret, struct bt_err *err) BT_MUST_CHECK;

/* The options of a call, as they are put behind the command line; for tests and for `hooks`. */
void bt_hook_options_status(const struct bt_config *config, enum bt_conf which, size_t primary,
                            struct bt_buf *out);
void bt_hook_options_stop(const struct bt_config *config, size_t primary, bool ssh_reachable,
                          struct bt_buf *out);
void bt_hook_options_shutdown(const struct bt_config *config, size_t primary, bool ssh_reachable,
                              struct bt_buf *out);
void bt_hook_options_start(const struct bt_config *config, size_t primary, size_t winner,
                           struct bt_buf *out);
void bt_hook_options_online_change(const struct bt_config *config, const char *command,
                                   size_t primary, size_t winner, bool is_new_replica,
                                   struct bt_buf *out);
void bt_hook_options_secondary(const struct bt_config *config, size_t primary, struct bt_buf *out);
void bt_hook_options_report(const struct bt_config *config, size_t primary, size_t winner,
                            const char *replicas, const char *subject, const char *body,
                            struct bt_buf *out);

#endif
