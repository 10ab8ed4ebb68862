/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cluster_config.h - the configuration that a command of the group "Cluster" was given: read,
 * its mistakes printed all at once, its log set up.
 */
#ifndef BT_CLI_CLUSTER_CONFIG_H
#define BT_CLI_CLUSTER_CONFIG_H

#include "failover/live.h"

/* Reads it.  On failure everything that is wrong stands on stderr before err does.  opts->path NULL
 * is a usage error. */
int bt_cluster_config_load(const struct bt_config_opts *opts, struct bt_arena *arena,
                           struct bt_config *config, struct bt_err *err) BT_MUST_CHECK;

/* The same for commands that look at all logs of the cluster: reads, connects, surveys.  What the
 * configuration says lives in arena and config, which outlive *ret. */
int bt_cluster_open(const char *conf, const char *global_conf, const char *connection,
                    struct bt_arena *arena, struct bt_config *config, struct bt_live **ret,
                    struct bt_err *err) BT_MUST_CHECK;

/* Names on stderr each server of which something is not known, and why.  How many. */
size_t bt_cluster_say_unreachable(const struct bt_live *live);

/* Log lines in MHA's format into manager_log (stderr where there is none), from log_level on; a
 * quiet command (a dry run) logs errors only, and to stderr.  Returns whether a file takes them. */
bool bt_cluster_log_begin(const struct bt_config *config, bool is_quiet);

/* What the commands that change a cluster have in common: files to begin with, and the order of
 * things.  Reads the configuration, asks is_confirmed (NULL: nobody is asked), sets up the log and
 * runs.  An error stands in the log and is left to be told at the terminal.  Returns what run
 * returns, -1 where it does not come to that. */
struct bt_cluster_command {
    struct bt_config_opts from;
    bool is_quiet; /* see bt_cluster_log_begin */
    bool (*is_confirmed)(const struct bt_config *config);
    int (*run)(const struct bt_config *config, struct bt_err *err);
};

int bt_cluster_command_run(const struct bt_cluster_command *command,
                           struct bt_err *err) BT_MUST_CHECK;

#endif
