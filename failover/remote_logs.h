/* SPDX-License-Identifier: Apache-2.0 */
/*
 * remote_logs.h - the logs of a database host as a log set, read through its node channel.
 *
 *     bt_remote_logs_open(channel, &mutex, &id, host, until, &logs, err)
 *     bt_remote_logs_set(logs)  -> what diff/ works on
 *     bt_remote_logs_close(logs)
 *
 * Only what is looked at travels, and once: the set is listed once, a log is read in windows that
 * grow while the reading goes on, and what came is kept until the set is closed (diff/kept_log.h).
 * The mutex guards the channel for the length of one request, so that a set
 * may be read while another thread uses the channel for something else.
 */
#ifndef BT_FAILOVER_REMOTE_LOGS_H
#define BT_FAILOVER_REMOTE_LOGS_H

#include <pthread.h>

#include "diff/log_set.h"
#include "failover/node_client.h"

struct bt_remote_logs;

/* Lists the logs.  1: the host has none of that kind.  channel and mutex must outlive *ret. */
int bt_remote_logs_open(struct bt_channel *channel, pthread_mutex_t *mutex,
                        const struct bt_logs_id *id, const char *host, struct bt_deadline until,
                        struct bt_remote_logs **ret, struct bt_err *err) BT_MUST_CHECK;
void bt_remote_logs_close(struct bt_remote_logs *logs); /* accepts NULL */

/* Borrows until close. */
const struct bt_log_set *bt_remote_logs_set(const struct bt_remote_logs *logs);

/* Where one place in the relay logs stands in the primary's, as their server says (log_set.h).
 * info must outlive the set. */
void bt_remote_logs_set_info(struct bt_remote_logs *logs, const struct bt_relay_info *info);

/* What was odd about the listing, one line each; "" = nothing. */
const char *bt_remote_logs_notes(const struct bt_remote_logs *logs);

#endif
