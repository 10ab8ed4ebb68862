/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cluster_config.h - the configuration that a command of the group "Cluster" was given: read,
 * its mistakes printed all at once, its log set up.
 */
#ifndef BT_CLI_CLUSTER_CONFIG_H
#define BT_CLI_CLUSTER_CONFIG_H

#include "failover/config.h"

/* Reads it.  On failure everything that is wrong stands on stderr before err does.  opts->path NULL
 * is a usage error. */
int bt_cluster_config_load(const struct bt_config_opts *opts, struct bt_arena *arena,
                           struct bt_config *config, struct bt_err *err) BT_MUST_CHECK;

/* Log lines in MHA's format into manager_log (stderr where there is none), from log_level on; a
 * quiet command (a dry run) logs errors only, and to stderr. */
void bt_cluster_log_begin(const struct bt_config *config, bool is_quiet);

#endif
