/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answer.h - what a replica's IO thread asks before it dumps, and what we answer.
 *
 * Seen in this order from MariaDB 10.5, 10.11 and 11.8 in GTID mode: SELECT UNIX_TIMESTAMP(), SHOW
 * VARIABLES LIKE 'SERVER_ID', SET @master_heartbeat_period, SET @master_binlog_checksum and SELECT
 * of it, SET @mariadb_slave_capability, SELECT @@GLOBAL.gtid_domain_id, SET @slave_connect_state,
 * @slave_gtid_strict_mode, @slave_gtid_ignore_duplicates.  From MySQL 5.6 and 9.7: SET NAMES,
 * SELECT UNIX_TIMESTAMP(), SELECT @@GLOBAL.SERVER_ID, SET of heartbeat and checksum (@source_
 * since 8.0.26), SELECT of the checksum, SELECT @@GLOBAL.GTID_MODE, @@GLOBAL.SERVER_UUID, SET
 * @slave_uuid; the set of what it has comes with COM_BINLOG_DUMP_GTID.
 */
#ifndef BT_APPLY_FEED_ANSWER_H
#define BT_APPLY_FEED_ANSWER_H

#include "apply/feed/wire.h"
#include "diff/had.h"

struct bt_feed_session {
    uint32_t server_id;
    bool checksum;        /* events end in a CRC-32 */
    int64_t heartbeat_ms; /* 0 = none asked for */
    const char *uuid;     /* MySQL: of the server that we are taken for */
    struct bt_had has;    /* what the replica says it has */
};

/* Answers one statement.  -1 when what it says cannot be read. */
int bt_feed_answer(struct bt_feed_session *s, struct bt_slice sql, struct bt_wire *w,
                   struct bt_err *err) BT_MUST_CHECK;

#endif
