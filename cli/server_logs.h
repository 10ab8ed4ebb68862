/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server_logs.h - one server's logs as rank and diff take them, from a directory or from a running
 * server: its sets, the relay set they mean, and what a survey says of it.
 */
#ifndef BT_CLI_SERVER_LOGS_H
#define BT_CLI_SERVER_LOGS_H

#include "base/json.h"
#include "diff/had.h"
#include "failover/live.h"

struct bt_server_logs {
    const char *dir;                          /* as given, or the host's name; borrowed */
    struct bt_log_home *home;                 /* NULL: a running server */
    const struct bt_live_server *live;        /* NULL: a directory */
    const struct bt_log_set *relay;           /* NULL = none */
    const struct bt_log_set *binlog;          /* NULL = none */
    const struct bt_relay_info *relay_info;   /* NULL = none */
    const struct bt_source_info *source_info; /* NULL = none */
    /* of what bt_server_logs_survey() was told to look at */
    struct bt_survey survey;
    bool surveyed;
    /* By GTID what it has executed: as the server says, or as its own binary logs do where they
     * hold what it replicated (log_slave_updates, log_replica_updates). */
    struct bt_had executed;
    bool wants_executed; /* a MariaDB directory: read its newest binary log for that, whole */
    /* a directory: what may be read of its logs for GTIDs (struct bt_survey_hints); 0 = no limit */
    uint64_t gtid_bytes_max;
    bool from_words; /* live: its logs cannot be read; the survey is what the server says */
};

/* Lists the directory.  connection: which of several relay log families; NULL = the default one.
 * Refuses a directory without any log. */
int bt_server_logs_open(const char *dir, const char *connection, struct bt_server_logs *ret,
                        struct bt_err *err) BT_MUST_CHECK;
void bt_server_logs_close(struct bt_server_logs *s);

/* The same of a running server; borrows from it.  *ret is zeroed where nothing is known of it. */
void bt_server_logs_take(const struct bt_live_server *server, struct bt_server_logs *ret);

/* Whether it asks its primary by position, so that the coordinate says all. */
bool bt_server_logs_by_position(const struct bt_server_logs *s);

/* Where a large log is read near its end only (gtid_bytes_max): what is smaller is read whole, in
 * some milliseconds. */
#define BT_GTID_BYTES_MAX ((uint64_t)32 << 20)

/* Surveys one of its sets.  by_gtid: reads on backwards until the GTIDs are known too.  A
 * running server was surveyed when it was opened. */
int bt_server_logs_survey(struct bt_server_logs *s, const struct bt_log_set *set, bool by_gtid,
                          struct bt_err *err) BT_MUST_CHECK;

/* {"file","pos"}, or null where it is not known. */
void bt_json_coordinate(struct bt_json *j, const char *key, const struct bt_coordinate *place);

/* "bin.000004:1234", or "-". */
enum { BT_COORDINATE_TEXT_SIZE = BT_LOG_NAME_MAX + 24 };
const char *bt_coordinate_text(const struct bt_coordinate *place,
                               char out[static BT_COORDINATE_TEXT_SIZE]);

/* The notes of a directory, as warnings on stderr. */
void bt_server_logs_warn(const struct bt_server_logs *s);

#endif
