/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server_process.h - finds the process of one MariaDB or MySQL server on this host.
 *
 * Killing the wrong server is worse than killing none, so everything that is known must agree:
 *
 *   pid file   the number in it is the process
 *   port       the process owns a socket that listens on it (/proc/PID/fd), or, where it has no
 *              listening socket at all, its --port says so
 *   datadir    its working directory (both servers change into their data directory), or its
 *              --datadir, is that directory
 *
 * A process that any of them contradicts is not it.  Programs named mariadbd or mysqld come first:
 * one that something speaks for is it; where there is none, the only one that nothing speaks
 * against (a server that starts or shuts down listens nowhere).  Where nothing speaks for any of
 * that name, a process of another one is it (started through a loader, by another name) for which
 * two of the three speak, or one and the program that it executes; its options do not count.  Two
 * that fit are an error.
 */
#ifndef BT_FAILOVER_NODE_SERVER_PROCESS_H
#define BT_FAILOVER_NODE_SERVER_PROCESS_H

#include "failover/node/protocol_host.h"

struct bt_server_process {
    uint32_t pid;     /* 0 = none was found */
    uint64_t started; /* clock ticks since boot: the same number later is the same process */
    char state;
    char program[16];
    char found_by[64];
    uint32_t safe_pid; /* mariadbd-safe or mysqld_safe above it */
    char unit[256];    /* systemd unit whose main process it (or its mysqld_safe) is */
};

/* Whether a process of that name (as /proc gives it) is a server: mariadbd, mysqld. */
bool bt_is_server_program(const char *name);

/* -1 when two processes fit (BT_ERR_REALITY), when nothing is known to look for, or when /proc
 * cannot be read. */
int bt_server_find(const struct bt_server_id *id, struct bt_server_process *ret, struct bt_err *err)
    BT_MUST_CHECK;

/* Whether the process still exists: a zombie whose other threads have all ended does not. */
bool bt_server_exists(const struct bt_server_process *p);

/* Its state letter now; '-' when gone. */
char bt_server_state(const struct bt_server_process *p);

#endif
