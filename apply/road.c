/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/road.h"

#include "apply/feed/feed.h"
#include "apply/link.h"
#include "apply/log_check.h"

enum { ASK_MS = 10000 };

static bool may_replicate(const struct bt_rows *grants, bool is_mariadb)
{
    for (uint64_t i = 0; i < grants->row_count; i++) {
        const char *grant = bt_rows_text_at(grants, i, 0);

        if (grant && strstr(grant, " ON *.* ") &&
            (strstr(grant, "ALL PRIVILEGES") ||
             strstr(grant, is_mariadb ? "REPLICATION SLAVE ADMIN" : "REPLICATION_SLAVE_ADMIN") ||
             (!is_mariadb && strstr(grant, "SUPER"))))
            return true;
    }
    return false;
}

static int ask_replicas(struct bt_connection *c, struct bt_deadline deadline, const char **ret,
                        struct bt_err *err)
{
    const struct bt_server *s = bt_connection_server(c);
    bt_auto_rows struct bt_rows replicas = {0};
    const char *sql = s->flavor == BT_FLAVOR_MARIADB ? "SHOW ALL SLAVES STATUS"
                      : s->version_number >= 80022   ? "SHOW REPLICA STATUS"
                                                     : "SHOW SLAVE STATUS";

    if (bt_connection_query(c, bt_slice_str(sql), deadline, &replicas, err) < 0)
        return -1;
    for (uint64_t i = 0; i < replicas.row_count; i++) {
        const char *running = bt_rows_text(&replicas, i, "Slave_SQL_Running");
        const char *name = bt_rows_text(&replicas, i, "Connection_name");

        if (!running)
            running = bt_rows_text(&replicas, i, "Replica_SQL_Running");
        if (!name)
            name = bt_rows_text(&replicas, i, "Channel_Name");
        /* One named as ours was left by a run that was killed. */
        if (running && strcmp(running, "No") != 0 && (!name || strcmp(name, BT_FEED_USER) != 0))
            *ret = "the target's own replication is running";
    }
    return 0;
}

/* Whether its own binary log would get it, and whether MySQL keeps GTIDs. */
static const char *ask_logs(const struct bt_server *s)
{
    if (s->flavor == BT_FLAVOR_MARIADB)
        return "SELECT @@log_bin AS log_bin, @@log_slave_updates AS updates, 'ON' AS gtid_mode";
    if (s->version_number >= 80026)
        return "SELECT @@log_bin AS log_bin, @@log_replica_updates AS updates, "
               "@@gtid_mode AS gtid_mode";
    return s->version_number >= 50605 ? "SELECT @@log_bin AS log_bin, @@log_slave_updates AS "
                                        "updates, @@gtid_mode AS gtid_mode"
                                      : "SELECT 0 AS log_bin, 0 AS updates, 'OFF' AS gtid_mode";
}

/* Why the target's own threads are not to be used; NULL when they are. */
static int ask_target(struct bt_connection *c, bool no_binlog, struct bt_deadline deadline,
                      const char **ret, struct bt_err *err)
{
    bool is_mariadb = bt_connection_server(c)->flavor == BT_FLAVOR_MARIADB;
    bt_auto_rows struct bt_rows grants = {0}, logs = {0};
    uint64_t log_bin = 0, updates = 0;
    struct bt_err refused = {0};
    struct bt_link link;
    const char *mode;

    *ret = NULL;
    if (bt_connection_query(c, bt_slice_str("SHOW GRANTS"), deadline, &grants, err) < 0 ||
        bt_connection_query(c, bt_slice_str(ask_logs(bt_connection_server(c))), deadline, &logs,
                            err) < 0)
        return -1;
    (void)!bt_rows_u64(&logs, 0, "log_bin", &log_bin);
    (void)!bt_rows_u64(&logs, 0, "updates", &updates);
    mode = bt_rows_text(&logs, 0, "gtid_mode");
    if (!mode || strncmp(mode, "ON", 2) != 0)
        *ret = "the target keeps no GTIDs (gtid_mode)";
    else if (!may_replicate(&grants, is_mariadb))
        *ret = is_mariadb ? "the account lacks REPLICATION SLAVE ADMIN"
                          : "the account lacks REPLICATION_SLAVE_ADMIN";
    else if (!no_binlog && log_bin && !updates)
        *ret = "log_slave_updates is off, the target's own binary log would not have it";
    else if (no_binlog && log_bin && updates)
        *ret = "it is to stay out of the target's own binary log";
    else if (bt_link_init(&link, c, deadline, &refused) < 0)
        *ret = "the target has no replication connection to spare";
    return *ret ? 0 : ask_replicas(c, deadline, ret, err);
}

int bt_road_choose(const struct bt_connection_opts *target, const char *path,
                   const struct bt_replay_opts *opts, enum bt_replay_via *ret,
                   const char **ret_why, struct bt_err *err)
{
    struct bt_deadline deadline = bt_deadline_in(ASK_MS);
    bt_auto_connection struct bt_connection *c = NULL;
    const struct bt_server *server;
    enum bt_flavor flavor;
    const char *why = NULL;

    if (bt_log_flavor(path, &flavor, err) < 0 ||
        bt_connection_open(target, deadline, &c, err) < 0)
        return -1;
    server = bt_connection_server(c);
    if (opts->dry_run)
        why = "it is a dry run";
    else if (flavor != server->flavor)
        why = "log and target are not of the same kind of server";
    else if (!opts->feeder && !opts->feed_address && !bt_connection_is_local(c))
        why = "the target is on another host";
    else if (ask_target(c, opts->no_binlog, deadline, &why, err) < 0)
        return -1;
    *ret = why ? BT_REPLAY_SQL : BT_REPLAY_REPLICATION;
    *ret_why = why ? why : "the target's own appliers are faster";
    return 0;
}
