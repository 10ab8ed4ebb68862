/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proc.h - what /proc tells about one process.
 */
#ifndef BT_FAILOVER_NODE_PROC_H
#define BT_FAILOVER_NODE_PROC_H

#include "base/buf.h"

struct bt_proc_stat {
    char name[16];
    char state; /* R S D T t Z X I */
    uint32_t parent;
    uint64_t started; /* clock ticks since boot */
};

/* False when there is no such process (any more). */
bool bt_proc_stat(uint32_t pid, struct bt_proc_stat *ret);

/* Whether it still does anything: it is there and, if its main thread is a zombie, another
 * thread is not. */
bool bt_proc_is_alive(uint32_t pid);

/* A file of /proc/PID such as "cmdline" or "cgroup", at most 64 KiB of it, into out. */
bool bt_proc_file(uint32_t pid, const char *name, struct bt_buf *out);

/* The argument of --name=value on its command line, borrowed from cmdline's buffer. */
bool bt_proc_option(const struct bt_buf *cmdline, const char *name, const char **ret);

/* Whether one of the first two words of the command line ends in /name or is name. */
bool bt_proc_runs(const struct bt_buf *cmdline, const char *name);

enum bt_proc_answer { BT_PROC_NO,
                      BT_PROC_YES,
                      BT_PROC_UNKNOWN };

/* Whether its working directory is the directory at path, as we see it or as the process does (in a
 * chroot, in a container). */
enum bt_proc_answer bt_proc_works_in(uint32_t pid, const char *path);

/* Whether code of a program file of that name is mapped into it: its own, whoever loaded it. */
bool bt_proc_executes(uint32_t pid, const char *name);

/* Whether two paths lead to the same file. */
enum bt_proc_answer bt_proc_same_file(const char *a, const char *b);

/* Whether it lives in another network namespace (a container, a test's host): its ports are not
 * ours.  False when that cannot be known. */
bool bt_proc_in_other_network(uint32_t pid);

/* Whether one of its descriptors is a socket with one of the inodes. */
enum bt_proc_answer bt_proc_has_socket(uint32_t pid, const uint64_t *inodes, size_t count);

/* Calls each for every process; false from each stops. */
typedef bool bt_proc_each_fn(void *ctx, uint32_t pid);
int bt_proc_each(bt_proc_each_fn *each, void *ctx, struct bt_err *err) BT_MUST_CHECK;

#endif
