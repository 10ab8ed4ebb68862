/* SPDX-License-Identifier: Apache-2.0 */
/*
 * purge_relay_logs.h - `baton purge-relay-logs` and MHA's purge_relay_logs: one run, two ways to
 * be asked and to answer.
 */
#ifndef BT_CLI_PURGE_RELAY_LOGS_H
#define BT_CLI_PURGE_RELAY_LOGS_H

#include "failover/relay_purge.h"

/* Connects, purges, says so on stdout in MHA's words. */
int bt_purge_relay_logs(const struct bt_connection_opts *login,
                        const struct bt_relay_purge_opts *opts, struct bt_err *err) BT_MUST_CHECK;

#endif
