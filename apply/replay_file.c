/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/replay.h"

#include "apply/durability.h"
#include "apply/log_check.h"
#include "apply/replicate.h"
#include "apply/road.h"
#include "diff/diff_log.h"

enum { CONNECT_MS = 10000, RESTORE_MS = 30000 };

/* The SQL road, with the target's durability relaxed meanwhile where asked. */
static int replay_sql(const struct bt_connection_opts *target, struct bt_source *log,
                      const struct bt_replay_opts *opts, struct bt_replay_result *result,
                      struct bt_err *err)
{
    struct bt_durability durability;
    struct bt_err not_restored = {0};
    int status;

    if (!opts->relaxed || opts->dry_run)
        return bt_replay_run(target, log, opts, result, err);
    if (bt_durability_relax(target, bt_deadline_in(CONNECT_MS), &durability, err) < 0)
        return -1;
    status = bt_replay_run(target, log, opts, result, err);
    result->was_relaxed = durability.is_relaxed;
    if (bt_durability_restore(&durability, bt_deadline_in(RESTORE_MS), &not_restored) == 0)
        return status;
    if (status == 0)
        *err = not_restored;
    else
        bt_err_wrap(err, "%s; besides", not_restored.text);
    return -1;
}

int bt_replay_file(const struct bt_connection_opts *target, const char *path,
                   const struct bt_replay_opts *opts, struct bt_replay_result *result,
                   struct bt_err *err)
{
    bt_auto_source struct bt_source *log = NULL;
    struct bt_log_check check = {0};
    enum bt_replay_via via = opts->via;
    const char *why = "";
    int status;

    *result = (struct bt_replay_result){0};
    if (via == BT_REPLAY_AUTO && bt_road_choose(target, path, opts, &via, &why, err) < 0)
        return -1;
    if (via == BT_REPLAY_REPLICATION) {
        status = bt_replicate_file(target, path, opts, result, err);
        result->via = via;
        result->via_why = why;
        /* What the other road can do without is no reason to give up, when it was ours to choose.
         */
        if (status == 0 || opts->via != BT_REPLAY_AUTO || err->kind != BT_ERR_REALITY)
            return status;
        bt_err_clear(err);
        via = BT_REPLAY_SQL;
        why = "the target's own appliers could not be used";
    }
    if (bt_log_check(path, NULL, &check, err) < 0)
        return -1;
    bt_log_check_done(&check);
    /* Opened anew: a stream cannot go back. */
    if (bt_diff_log_open(path, &log, err) < 0)
        return -1;
    status = replay_sql(target, log, opts, result, err);
    result->via = via;
    result->via_why = why;
    result->appliers_why = NULL;
    memcpy(result->digest, check.digest, sizeof(result->digest));
    return status;
}
