/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply_target.h - one server that `baton apply` works on, and several of them at once.
 *
 *     bt_apply_target_name() for each -> bt_apply_targets_run() -> their status, sum, checks
 */
#ifndef BT_CLI_APPLY_TARGET_H
#define BT_CLI_APPLY_TARGET_H

#include "apply/replay.h"
#include "apply/row_checks.h"

struct bt_apply_target {
    const char *name; /* as it was given; NULL: the only one, told by --host and so on */
    char host[256];
    struct bt_connection_opts where;
    /* what became of it */
    int status;
    struct bt_err err;
    struct bt_replay_result sum; /* over all files */
    bool was_checked;
    struct bt_row_checks checks; /* foreseen in a dry run, else verified */
    /* each row that did not fit, and what was done: a line each; JSON objects with commas between
     */
    struct bt_buf conflict_lines, conflict_json;
};

struct bt_apply_job {
    const char *const *files;
    size_t count;
    struct bt_replay_opts how;
    bool verify_rows; /* behind it every row is compared with its last image */
};

/* "host", "host:port", "[v6]:port" or the path of a socket; the rest is as in `like`. */
int bt_apply_target_name(struct bt_apply_target *t, const char *name,
                         const struct bt_connection_opts *like, struct bt_err *err) BT_MUST_CHECK;

/* Frees what a run has filled. */
void bt_apply_target_done(struct bt_apply_target *t);

/* Applies all files to all targets, each on a thread of its own when there are several.  Several
 * are all verified by a dry run before the first byte goes to any of them.  -1: at least one
 * failed; err is of the first, and what became of the others stands with them. */
int bt_apply_targets_run(struct bt_apply_target *targets, size_t count,
                         const struct bt_apply_job *job, struct bt_err *err) BT_MUST_CHECK;

#endif
