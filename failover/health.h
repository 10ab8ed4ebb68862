/* SPDX-License-Identifier: Apache-2.0 */
/*
 * health.h - MHA's status file, <workdir>/<app>.master_status.health, which monitoring reads.
 *
 * One line without its end: "<pid>\t<code>:<NAME>[\tmaster:<host>]".  It is written when the state
 * changes and only touched at every good ping: a file that grew old (TIMESTAMP_OLD) says that the
 * manager hangs.  Codes and names are MHA 0.58's (MHA::ManagerConst), and so are the sentences.
 */
#ifndef BT_FAILOVER_HEALTH_H
#define BT_FAILOVER_HEALTH_H

#include <sys/types.h>

#include "failover/config.h"

/* clang-format off */
#define BT_HEALTH_CODES(X) \
    X(PING_OK,               0,  "is running(0:PING_OK)") \
    X(NOT_RUNNING,           2,  "is stopped(2:NOT_RUNNING).") \
    X(PARTIALLY_RUNNING,     3,  "main process is not running, but child process is running(3:PARTIALLY_RUNNING). Check ps output for details.") \
    X(INITIALIZING_MONITOR,  10, "monitoring program is now on initialization phase(10:INITIALIZING_MONITOR). Wait for a while and try checking again.") \
    X(PING_FAILING,          20, "master maybe down(20:PING_FAILING).") \
    X(PING_FAILED,           21, "master maybe down(21:PING_FAILED).") \
    X(RETRYING_MONITOR,      30, "monitoring waits for retrying to monitor master again(30:RETRYING_MONITOR).") \
    X(CONFIG_ERROR,          31, "servers are not correctly configured(31:CONFIG_ERROR).") \
    X(TIMESTAMP_OLD,         32, "is running, but master_ping.health is too old(32:TIMESTAMP_OLD). Maybe process hangs?") \
    X(FAILOVER_RUNNING,      50, "master is down and failover is running(50:FAILOVER_RUNNING).") \
    X(FAILOVER_ERROR,        51, "master is down and failover was not successful(51:FAILOVER_ERROR).")
/* clang-format on */

enum bt_health_code {
#define X(name, number, text) BT_HEALTH_##name = number,
    BT_HEALTH_CODES(X)
#undef X
};

struct bt_health {
    enum bt_health_code code;
    pid_t pid;         /* 0 = none */
    char primary[256]; /* "" = not known */
};

const char *bt_health_name(enum bt_health_code code);

/* Where it is: <workdir>/<app>.<suffix>. */
void bt_health_path(const struct bt_config *config, const char *suffix, char *out, size_t room);

/* Writes our state.  primary NULL = not known. */
int bt_health_write(const struct bt_config *config, enum bt_health_code code, const char *primary,
                    struct bt_err *err) BT_MUST_CHECK;
void bt_health_touch(const struct bt_config *config);
void bt_health_remove(const struct bt_config *config);

/* What the file and the processes say.  ping_limit_s: a file older than this is TIMESTAMP_OLD; 0 =
 * 10 s as MHA, or twice ping_interval where that is more. */
int bt_health_read(const struct bt_config *config, int64_t ping_limit_s, struct bt_health *ret,
                   struct bt_err *err) BT_MUST_CHECK;

/* MHA's first line: "app1 (pid:8368) is running(0:PING_OK), master:host1". */
void bt_health_line(const struct bt_config *config, const struct bt_health *h, struct bt_buf *out);

/* The manager's own lock on <workdir>/<app>.manager.lock; it is held while *ret_fd is open.  1:
 * another process has it, *ret_pid is its. */
int bt_health_lock(const struct bt_config *config, int *ret_fd, pid_t *ret_pid, struct bt_err *err)
    BT_MUST_CHECK;

#endif
