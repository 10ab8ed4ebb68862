/* SPDX-License-Identifier: Apache-2.0 */
/*
 * systemd.h - the unit that runs a server, and stopping it.
 *
 * A server that its unit restarts (Restart=on-abort, on-failure) comes back when it is killed;
 * its unit has to be stopped first.  The unit is taken from /proc/PID/cgroup and counts only if
 * systemd itself names the process (or its mysqld_safe) as the unit's main one: a server that
 * somebody started from an ssh session lives in ssh's cgroup.
 */
#ifndef BT_FAILOVER_NODE_SYSTEMD_H
#define BT_FAILOVER_NODE_SYSTEMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* The unit's name into out, "" when there is none. */
void bt_systemd_unit(uint32_t pid, uint32_t safe_pid, char *out, size_t size);

/* A unit of the servers' usual names that is about to start its server again: into out, "" = none.
 */
void bt_systemd_restarting(char *out, size_t size);

/* Tells systemd to stop the unit, and does not wait for it to be stopped. */
int bt_systemd_stop(const char *unit, struct bt_err *err) BT_MUST_CHECK;

#endif
