/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/bootstrap.h"

#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>

#include "base/auto.h"
#include "base/io.h"
#include "failover/node/protocol_host.h"

enum { NOISE_MAX = 64 << 10,
       LINE_MAX_SIZE = 512 };

/* $1 build id, $2 size, $3 work folder.  On one line and without an exclamation mark, because a csh
 * may have to hand it on; [ -O ] is in dash, bash, ksh and busybox.
 * "cat >t || cat >/dev/null" keeps the stream in step when the disk is full. */
static const char script[] =
    "umask 077; h=$1; n=$2; w=${3:-/var/tmp}; u=$(id -u); "
    "c=${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}; "
    "set -- ${c:+\"$c/baton\"} \"$w/baton-$u\" \"/var/tmp/baton-$u\"; "
    "own() { if [ -h \"$1\" ]; then false; else [ -O \"$1\" ]; fi; }; "
    "for d do f=$d/baton-node-$h; "
    "if own \"$d\" && [ \"$(\"$f\" --build-id 2>/dev/null)\" = \"$h\" ]; then exec \"$f\" serve; "
    "fi; "
    "done; "
    "for d do f=$d/baton-node-$h; t=$f.$$; "
    "if mkdir -p \"$d\" && own \"$d\" && printf \"#\\041/bin/sh\\n\" >\"$t\" && chmod 700 \"$t\" "
    "&& \"$t\"; "
    "then echo; echo BATON-COPY; head -c \"$n\" | { cat >\"$t\" || cat >/dev/null; }; "
    "if [ \"$(\"$t\" --build-id)\" = \"$h\" ]; then mv -f \"$t\" \"$f\" && "
    "{ find \"$d\" -name \"baton-node-*\" -mmin +1440 -exec rm -f {} + ; exec \"$f\" serve; }; fi; "
    "echo \"the copy in $d is not whole\" >&2; "
    "else echo \"$d cannot hold a program\" >&2; fi; rm -f \"$t\"; "
    "done; echo; echo BATON-NOWHERE; exit 1";

/* ----------------------------------------------------------------- program */

int bt_node_program_find(const char *node_path, struct bt_node_program *ret, struct bt_err *err)
{
    struct bt_node_program p = {0};
    char self[3072];
    ssize_t len;
    const char *folder;

    if (node_path[0]) {
        if ((size_t)snprintf(p.path, sizeof(p.path), "%s", node_path) >= sizeof(p.path))
            return bt_fail(err, BT_ERR_LIMIT, "node_path is longer than %zu bytes",
                           sizeof(p.path) - 1);
    } else {
        len = readlink("/proc/self/exe", self, sizeof(self) - 1);
        if (len <= 0)
            return bt_fail_sys(err, "could not read \"/proc/self/exe\"");
        self[len] = '\0';
        folder = dirname(self);
        snprintf(p.path, sizeof(p.path), "%s/baton-node", folder);
        if (access(p.path, X_OK) != 0)
            snprintf(p.path, sizeof(p.path), "%s/../libexec/baton/baton-node", folder);
    }
    if (access(p.path, X_OK) != 0)
        return bt_fail_sys(err, "could not find the program for the hosts at \"%s\"", p.path);
    if (bt_build_id_of_file(p.path, p.build, &p.size, err) != 0)
        return -1;
    *ret = p;
    return 0;
}

const char *bt_bootstrap_command(const struct bt_node_program *program, const char *remote_workdir,
                                 struct bt_arena *arena)
{
    const char *quoted = bt_shell_quote(script, arena);
    const char *workdir = bt_shell_quote(remote_workdir, arena);

    if (!quoted || !workdir)
        return NULL;
    return bt_arena_strf(arena, "exec /bin/sh -c %s baton-node %s %llu %s", quoted, program->build,
                         (unsigned long long)program->size, workdir);
}

/* -------------------------------------------------------------------- talk */

/* Reads the host's output line by line. */
struct lines {
    int fd;
    struct bt_buf text; /* not consumed yet */
    size_t passed;      /* bytes of lines that were not ours */
    char line[LINE_MAX_SIZE];
};

/* Cuts the first line out of what was read. */
static bool cut_line(struct lines *l)
{
    const uint8_t *end = l->text.len ? memchr(l->text.data, '\n', l->text.len) : NULL;
    size_t len, keep;

    if (!end)
        return false;
    len = (size_t)(end - l->text.data);
    keep = len < sizeof(l->line) ? len : sizeof(l->line) - 1;
    memcpy(l->line, l->text.data, keep);
    l->line[keep] = '\0';
    memmove(l->text.data, end + 1, l->text.len - len - 1);
    l->text.len -= len + 1;
    l->passed += len + 1;
    return true;
}

/* The next line of the bootstrap's. */
static int next_line(struct lines *l, struct bt_deadline until, enum bt_channel_failure *ret_why,
                     struct bt_err *err)
{
    uint8_t chunk[4096];
    size_t got = 0;
    int rc;

    for (;;) {
        while (cut_line(l)) {
            if (strncmp(l->line, "BATON-", 6) == 0)
                return 0;
        }
        if (l->passed + l->text.len > NOISE_MAX) {
            *ret_why = BT_CHANNEL_PROTOCOL;
            return bt_fail(err, BT_ERR_REMOTE,
                           "the login shell writes more than %d bytes of its own", NOISE_MAX);
        }
        rc = bt_io_read_some(l->fd, chunk, sizeof(chunk), until, &got, err);
        if (rc != 0) {
            *ret_why =
                rc < 0 && err->kind == BT_ERR_TIMEOUT ? BT_CHANNEL_TIMEOUT : BT_CHANNEL_CLOSED;
            return rc < 0 ? -1
                          : bt_fail(err, BT_ERR_REMOTE,
                                    "the connection ended before baton-node answered");
        }
        if (!bt_buf_add(&l->text, chunk, got))
            return bt_buf_check(&l->text, "the login shell's output", err);
    }
}

static int send_program(struct bt_process *process, const struct bt_node_program *program,
                        struct bt_deadline until, struct bt_err *err)
{
    bt_auto_fd int file = open(program->path, O_RDONLY | O_CLOEXEC);

    if (file < 0)
        return bt_fail_sys(err, "could not open \"%s\"", program->path);
    if (bt_io_write_file(process->in, file, 0, program->size, until, err) != 0)
        return bt_err_wrap(err, "could not send baton-node");
    return 0;
}

/* "BATON-NODE 1 0.1.0 0123..." */
static int check_greeting(const char *line, const struct bt_node_program *program,
                          struct bt_err *err)
{
    char version[64], build[BT_BUILD_ID_SIZE];
    int protocol;

    if (sscanf(line, "BATON-NODE %d %63s %32s", &protocol, version, build) != 3)
        return bt_fail(err, BT_ERR_REMOTE, "\"%s\" is no greeting of baton-node", line);
    if (protocol != BT_NODE_PROTOCOL)
        return bt_fail(err, BT_ERR_REMOTE, "baton-node %s there speaks protocol %d, this is %d",
                       version, protocol, BT_NODE_PROTOCOL);
    if (strcmp(build, program->build) != 0)
        return bt_fail(err, BT_ERR_REMOTE, "baton-node %s there is build %s, ours is %s", version,
                       build, program->build);
    return 0;
}

static void allow_copy(struct bt_deadline *until)
{
    struct bt_deadline copy = bt_deadline_in(BT_COPY_MS);

    if (until->at_ms < copy.at_ms)
        *until = copy;
}

static int talk(struct lines *l, struct bt_process *process, const struct bt_node_program *program,
                struct bt_deadline *until, bool *ret_copied,
                enum bt_channel_failure *ret_why, struct bt_err *err)
{
    for (;;) {
        if (next_line(l, *until, ret_why, err) != 0)
            return -1;
        if (strncmp(l->line, "BATON-NODE ", 11) == 0) {
            *ret_why = BT_CHANNEL_PROTOCOL;
            return check_greeting(l->line, program, err);
        }
        *ret_why = BT_CHANNEL_COPY;
        if (strcmp(l->line, "BATON-COPY") != 0)
            return bt_fail(err, BT_ERR_REMOTE, "no folder there can hold baton-node");
        if (!*ret_copied)
            allow_copy(until);
        *ret_copied = true;
        if (send_program(process, program, *until, err) != 0) {
            if (err->kind == BT_ERR_TIMEOUT)
                *ret_why = BT_CHANNEL_TIMEOUT;
            return -1;
        }
    }
}

int bt_bootstrap_talk(struct bt_process *process, const struct bt_node_program *program,
                      struct bt_deadline *until, bool *ret_copied,
                      enum bt_channel_failure *ret_why, struct bt_err *err)
{
    struct lines l = {.fd = process->out};
    enum bt_channel_failure why = BT_CHANNEL_CLOSED;
    bool copied = false;
    int rc;

    bt_buf_init(&l.text, NOISE_MAX * 2);
    rc = talk(&l, process, program, until, &copied, &why, err);
    bt_buf_done(&l.text);
    if (rc != 0) {
        *ret_why = why;
        return -1;
    }
    *ret_copied = copied;
    return 0;
}
