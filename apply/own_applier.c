/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/own_applier.h"

enum {
    STANDS_MS = 2000,
    LOOK_MS = 150, /* INNODB_TRX is made anew every 100 ms (storage/innobase/trx/trx0i_s.cc) */
    ER_SPECIFIC_ACCESS_DENIED = 1227,
    ER_UNKNOWN_TABLE = 1109, /* without InnoDB */
};

/* What a thread says that waits for the next event: the applier itself, a parallel one of MariaDB,
 * one of MySQL (sql/mysqld.cc: stage_slave_has_read_all_relay_log,
 * stage_waiting_for_work_from_sql_thread; MariaDB 10.11, MySQL 5.6 to 9.7). */
static const char question[] =
    "SELECT t.trx_id AS id, t.trx_started AS since, t.trx_rows_modified AS changed, "
    "p.id AS thread FROM information_schema.innodb_trx t "
    "JOIN information_schema.processlist p ON p.id=t.trx_mysql_thread_id "
    "WHERE p.user='system user' AND t.trx_rows_locked+t.trx_rows_modified>0 AND "
    "(p.state LIKE '%has read all relay log%' OR p.state LIKE 'Waiting for work from SQL thread%' "
    "OR p.state LIKE 'Waiting for an event from Coordinator%') ORDER BY t.trx_started LIMIT 1";

/* 0 found, 1 none. */
static int look(struct bt_connection *c, struct bt_deadline until, struct bt_rows *rows,
                struct bt_err *err)
{
    struct bt_err refused = {0};

    if (bt_connection_query(c, bt_slice_str(question), until, rows, &refused) == 0)
        return rows->row_count > 0 ? 0 : 1;
    if (refused.server_errno == ER_SPECIFIC_ACCESS_DENIED ||
        refused.server_errno == ER_UNKNOWN_TABLE)
        return 1;
    *err = refused;
    return -1;
}

/* One text for a transaction: what it is called and how far it is. */
static bool same(const struct bt_rows *a, const struct bt_rows *b)
{
    static const char *const columns[] = {"id", "since", "changed", "thread"};

    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
        const char *x = bt_rows_text(a, 0, columns[i]), *y = bt_rows_text(b, 0, columns[i]);

        if (!x || !y || strcmp(x, y) != 0)
            return false;
    }
    return true;
}

int bt_own_applier_check(struct bt_connection *c, struct bt_deadline until, struct bt_err *err)
{
    struct bt_deadline stands = bt_deadline_earlier(until, bt_deadline_in(STANDS_MS));
    bt_auto_rows struct bt_rows first = {0};
    int status = look(c, until, &first, err);
    bool says_slave = bt_connection_server(c)->flavor == BT_FLAVOR_MARIADB ||
                      bt_connection_server(c)->version_number < 80022;

    if (status != 0)
        return status < 0 ? -1 : 0;
    while (!bt_deadline_passed(stands)) {
        bt_auto_rows struct bt_rows now = {0};

        bt_clock_pause(LOOK_MS, stands);
        status = look(c, until, &now, err);
        if (status != 0 || !same(&first, &now))
            return status < 0 ? -1 : 0;
    }
    return bt_fail(err, BT_ERR_CONFLICT,
                   "%s: its own replication (thread %s) stands within a transaction, begun %s, %s "
                   "rows changed, holds their locks and waits for the rest of it: if that will not "
                   "come, STOP %s SQL_THREAD there, which takes it back, and run this again",
                   bt_connection_name(c), bt_rows_text(&first, 0, "thread"),
                   bt_rows_text(&first, 0, "since"), bt_rows_text(&first, 0, "changed"),
                   says_slave ? "SLAVE" : "REPLICA");
}
