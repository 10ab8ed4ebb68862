/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bootstrap.h - starts our build of baton-node on a host, and puts it there when it is missing.
 *
 * One ssh session does it all.  The command is a shell line for any POSIX sh; it looks for
 * baton-node-<build id> in the user's cache folder, then in the work folder, then in /var/tmp
 * (a home may be read-only or noexec), and runs it.  Where there is none it says so on its output
 * and reads exactly the program's bytes from its input:
 *
 *   host     BATON-COPY                            send the program now
 *   manager  <its bytes>
 *   host     BATON-NODE <protocol> <version> <build id>     messages from here on
 *            BATON-NOWHERE                         no folder could hold a program
 *
 * Lines before these (a login shell's greetings) are passed over.  A copy is trusted only when
 * it names its own build id, which it computes from its bytes; it appears under its name by
 * rename.  The folder must be the user's own and no symbolic link: others may write to /var/tmp.
 */
#ifndef BT_FAILOVER_BOOTSTRAP_H
#define BT_FAILOVER_BOOTSTRAP_H

#include "base/process.h"
#include "failover/node/build_id.h"
#include "failover/ssh.h"

/* Our own copy of the program. */
struct bt_node_program {
    char path[4096];
    char build[BT_BUILD_ID_SIZE];
    uint64_t size;
};

/* Finds it: node_path, else baton-node beside the running program, else ../libexec/baton/. */
int bt_node_program_find(const char *node_path, struct bt_node_program *ret, struct bt_err *err)
    BT_MUST_CHECK;

/* The command line for the host; lives in the arena. */
const char *bt_bootstrap_command(const struct bt_node_program *program, const char *remote_workdir,
                                 struct bt_arena *arena);

/* Talks to what was started until it is a baton-node of our build.  *ret_copied: the program was
 * sent.  *ret_why is written on failure; CLOSED means that the process has ended or closed its
 * output, and its error output says more.  When the host asks for a copy, *until becomes at least
 * BT_COPY_MS from then: a deadline for a connection is not one for megabytes. */
enum { BT_COPY_MS = 10000 };
int bt_bootstrap_talk(struct bt_process *process, const struct bt_node_program *program,
                      struct bt_deadline *until, bool *ret_copied,
                      enum bt_channel_failure *ret_why,
                      struct bt_err *err) BT_MUST_CHECK;

#endif
