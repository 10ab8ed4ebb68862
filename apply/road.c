/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/road.h"

#include "diff/diff_log.h"
#include "parser/reader.h"

enum { ASK_MS = 10000 };

static int read_flavor(const char *path, enum bt_flavor *ret, struct bt_err *err)
{
    bt_auto_source struct bt_source *log = NULL;
    bt_auto_reader struct bt_reader *reader = NULL;
    struct bt_event ev;
    int status;

    if (bt_diff_log_open(path, &log, err) < 0 ||
        bt_reader_open(log, (struct bt_reader_opts){0}, &reader, err) < 0)
        return -1;
    status = bt_reader_next(reader, &ev, err);
    if (status < 0)
        return -1;
    *ret = status == 0 ? ev.format->flavor : BT_FLAVOR_MYSQL;
    return 0;
}

static bool may_replicate(const struct bt_rows *grants)
{
    for (uint64_t i = 0; i < grants->row_count; i++) {
        const char *grant = bt_rows_text_at(grants, i, 0);

        if (grant && strstr(grant, " ON *.* ") &&
            (strstr(grant, "ALL PRIVILEGES") || strstr(grant, "REPLICATION SLAVE ADMIN")))
            return true;
    }
    return false;
}

/* Why the target's own threads are not to be used; NULL when they are. */
static int ask_target(struct bt_connection *c, struct bt_deadline deadline, const char **ret,
                      struct bt_err *err)
{
    bt_auto_rows struct bt_rows grants = {0}, logs = {0}, replicas = {0};
    uint64_t log_bin = 0, updates = 0;

    *ret = NULL;
    if (bt_connection_query(c, bt_slice_str("SHOW GRANTS"), deadline, &grants, err) < 0 ||
        bt_connection_query(c,
                            bt_slice_str("SELECT @@log_bin AS log_bin, "
                                         "@@log_slave_updates AS updates"),
                            deadline, &logs, err) < 0)
        return -1;
    if (!may_replicate(&grants)) {
        *ret = "the account lacks REPLICATION SLAVE ADMIN";
        return 0;
    }
    (void)!bt_rows_u64(&logs, 0, "log_bin", &log_bin);
    (void)!bt_rows_u64(&logs, 0, "updates", &updates);
    if (log_bin && !updates) {
        *ret = "log_slave_updates is off, the target's own binary log would not have it";
        return 0;
    }
    if (bt_connection_query(c, bt_slice_str("SHOW ALL SLAVES STATUS"), deadline, &replicas, err) <
        0)
        return -1;
    for (uint64_t i = 0; i < replicas.row_count && !*ret; i++) {
        const char *running = bt_rows_text(&replicas, i, "Slave_SQL_Running");

        if (running && strcmp(running, "No") != 0)
            *ret = "the target's own replication is running";
    }
    return 0;
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

    if (read_flavor(path, &flavor, err) < 0 ||
        bt_connection_open(target, deadline, &c, err) < 0)
        return -1;
    server = bt_connection_server(c);
    if (opts->dry_run)
        why = "it is a dry run";
    else if (opts->no_binlog)
        why = "it is to stay out of the target's own binary log";
    else if (flavor != BT_FLAVOR_MARIADB || server->flavor != BT_FLAVOR_MARIADB ||
             server->version_number < 100500)
        why = "log and target are not both of MariaDB 10.5 or newer";
    else if (!opts->feed_address && !bt_connection_is_local(c))
        why = "the target is on another host";
    else if (ask_target(c, deadline, &why, err) < 0)
        return -1;
    *ret = why ? BT_REPLAY_SQL : BT_REPLAY_REPLICATION;
    *ret_why = why ? why : "the target's own appliers are faster";
    return 0;
}
