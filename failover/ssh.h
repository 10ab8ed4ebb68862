/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ssh.h - the command line of ssh for a host, and what its last words mean.
 *
 * The site's own ssh is run, so that its configuration, keys, agents and jump hosts hold.  It is
 * never asked anything (BatchMode), gives up in time (ConnectTimeout), and notices a peer that is
 * gone (ServerAlive).  Options of the configuration file stand before ours where ssh lets the
 * first one win, except for BatchMode.
 */
#ifndef BT_FAILOVER_SSH_H
#define BT_FAILOVER_SSH_H

#include <stdint.h>

#include "base/arena.h"

/* How a host is reached. */
struct bt_host {
    const char *name;           /* for messages: "db1" */
    bool is_local;              /* this very host: no ssh */
    const char *ssh_host;       /* name or address that ssh is given */
    const char *ssh_user;       /* "" = as ssh decides */
    uint16_t ssh_port;          /* 0 = as ssh decides */
    const char *ssh_options;    /* "-i /root/.ssh/key -F cfg", split as a shell would; "" = none */
    int64_t connect_ms;         /* for a connection to stand; 0 = 5000 */
    const char *node_path;      /* baton-node that is run or copied; "" = beside this program */
    const char *remote_workdir; /* where it is put when the home cannot hold it; "" = /var/tmp */
};

/* Splits options into words: blanks part them, '...' "..." and \ keep blanks.  The words live in
 * the arena; *ret ends with NULL.  An open quote is BT_ERR_CONFIG. */
int bt_ssh_words(const char *text, struct bt_arena *arena, const char ***ret, size_t *ret_count,
                 struct bt_err *err) BT_MUST_CHECK;

/* One word for a POSIX shell or a csh: in single quotes.  NULL without memory. */
const char *bt_shell_quote(const char *word, struct bt_arena *arena);

/* argv of ssh that runs the command line on the host; ends with NULL, lives in the arena. */
int bt_ssh_argv(const struct bt_host *host, const char *command, struct bt_arena *arena,
                const char *const **ret, struct bt_err *err) BT_MUST_CHECK;

/* Why a channel could not be had, or was lost. */
/* clang-format off */
#define BT_CHANNEL_FAILURES(X)                                                   \
    X(NONE,        "none",        "")                                            \
    X(REFUSED,     "refused",     "the connection was refused")                  \
    X(TIMEOUT,     "timeout",     "there was no answer in time")                 \
    X(UNREACHABLE, "unreachable", "there is no way to the host")                 \
    X(UNRESOLVED,  "unresolved",  "the name does not resolve")                   \
    X(HOST_KEY,    "host-key",    "the host's key was not accepted")             \
    X(DENIED,      "denied",      "permission was denied")                       \
    X(CLOSED,      "closed",      "the connection was closed")                   \
    X(COPY,        "copy",        "baton-node could not be put there")           \
    X(PROTOCOL,    "protocol",    "what answered is no baton-node of this build") \
    X(CONFIG,      "config",      "ssh could not be run as configured")
/* clang-format on */

enum bt_channel_failure {
#define X(id, name, meaning) BT_CHANNEL_##id,
    BT_CHANNEL_FAILURES(X)
#undef X
};

const char *bt_channel_failure_name(enum bt_channel_failure why);
const char *bt_channel_failure_meaning(enum bt_channel_failure why);

/* What ssh's error output says; CLOSED when it says nothing that is known. */
enum bt_channel_failure bt_ssh_failure(struct bt_slice errors);

#endif
