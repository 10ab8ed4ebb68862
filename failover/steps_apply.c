/* SPDX-License-Identifier: Apache-2.0 */
/* A diff log goes onto its target, by the road that fits (apply/road.h). */
#include "apply/replay.h"
#include "base/log.h"
#include "failover/node_feed.h"
#include "failover/steps.h"

enum { SET_MS = 10000 };

static const enum bt_replay_via roads[] = {
    [BT_APPLY_VIA_AUTO] = BT_REPLAY_AUTO,
    [BT_APPLY_VIA_SQL] = BT_REPLAY_SQL,
    [BT_APPLY_VIA_REPLICATION] = BT_REPLAY_REPLICATION,
};

/* A server on another host is fed by the node there: nothing listens beyond a loopback. */
static bool is_fed_there(const struct bt_fo_host *h)
{
    return !h->conf->is_local && h->node && bt_channel_failure(h->node) == BT_CHANNEL_NONE;
}

/* super_read_only lets nobody write but the server's own threads (MySQL): it is off meanwhile. */
static int replay(struct bt_fo_host *h, const struct bt_replay_opts *opts,
                  struct bt_replay_result *ret, struct bt_err *err)
{
    struct bt_connection_opts login = bt_database_login(h->conf);
    struct bt_err why = {0};
    int rc;

    if (h->super_read_only_was &&
        bt_database_set_super_read_only(h->db, false, bt_deadline_in(SET_MS), err) != 0)
        return -1;
    rc = bt_replay_file(&login, h->diff_path, opts, ret, err);
    if (h->super_read_only_was &&
        bt_database_set_super_read_only(h->db, true, bt_deadline_in(SET_MS), &why) != 0 &&
        rc == 0) {
        *err = why;
        return -1;
    }
    return rc;
}

int bt_fo_apply(struct bt_failover *f, struct bt_fo_host *h, struct bt_err *err)
{
    const struct bt_setting *set = h->conf->settings;
    bool is_winner = bt_fo_winner(f) == h->index;
    struct bt_node_feed feed = {.channel = h->node,
                                .mutex = &h->node_mutex,
                                .folder = bt_setting_text(set, BT_CONF_REMOTE_WORKDIR)};
    struct bt_feeder feeder = bt_node_feeder(&feed);
    struct bt_replay_opts opts = {
        .via = roads[bt_setting_number(set, BT_CONF_APPLY_VIA)],
        .workers = bt_setting_is_set(set, BT_CONF_APPLY_WORKERS)
                       ? (unsigned)bt_setting_number(set, BT_CONF_APPLY_WORKERS)
                       : 0,
        .feeder = is_fed_there(h) ? &feeder : NULL,
        .deadline = bt_deadline_in(bt_fo_step_ms(BT_FO_APPLY)),
        .no_binlog = bt_setting_number(set, BT_CONF_DISABLE_LOG_BIN) != 0 ||
                     (!is_winner && !h->db->facts.log_slave_updates),
        .set_slave_pos = h->db->facts.flavor == BT_FLAVOR_MARIADB,
    };
    struct bt_replay_result result = {0};

    if (replay(h, &opts, &result, err) != 0)
        return bt_err_wrap(err, "%s", h->conf->name);
    bt_info(" %s: %llu transactions applied by %s%s%s", h->conf->name,
            (unsigned long long)result.transactions,
            result.via == BT_REPLAY_SQL ? "SQL" : "its own replication threads",
            result.via_why && result.via_why[0] ? ": " : "", result.via_why ? result.via_why : "");
    if (result.appliers_why)
        bt_info(" %s: %s", h->conf->name, result.appliers_why);
    h->applied = result.transactions;
    h->skipped = result.skipped_already_there;
    if (result.transactions + result.skipped_already_there != h->manifest.transactions)
        return bt_fail(err, BT_ERR_CONFLICT, "%s has applied %llu of %llu transactions of \"%s\"",
                       h->conf->name,
                       (unsigned long long)(result.transactions + result.skipped_already_there),
                       (unsigned long long)h->manifest.transactions, h->diff_path);
    return 0;
}
