/* SPDX-License-Identifier: Apache-2.0 */
/*
 * position_file.h - relay-log.info and master.info: what a replica says about its own progress.
 *
 *   relay-log.info           master.info
 *   ------------------       -------------------------
 *   [line count]             [line count]
 *   relay log file           primary's file  (read by the IO thread)
 *   relay log position       primary's position
 *   primary's file           host
 *   primary's position       user
 *   ...                      password   <- never kept, never printed
 *                            port, ...
 *                            MariaDB: using_gtid=N, ... END_MARKER
 *
 * Without the line count (MySQL before 5.6, MariaDB before 10.0) the first line is the file itself.
 * MariaDB sql/rpl_rli.cc, sql/rpl_mi.cc (10.11); MySQL sql/rpl_info_file.cc (5.6 to 8.4).
 */
#ifndef BT_DIFF_POSITION_FILE_H
#define BT_DIFF_POSITION_FILE_H

#include "parser/coordinate.h"

struct bt_relay_info {
    char connection[128];                /* "" = default */
    char relay_log[BT_LOG_NAME_MAX + 1]; /* base name */
    uint64_t relay_pos;
    struct bt_coordinate executed; /* in the primary's log */
};

struct bt_source_info {
    char connection[128];
    struct bt_coordinate received; /* what the IO thread has written to the relay log */
    char host[256];
    char user[256];
    uint32_t port;
    /* MariaDB: 0 no, 1 current_pos, 2 slave_pos; MySQL auto_position 0/1; -1 not said */
    int using_gtid;
};

int bt_relay_info_parse(struct bt_slice text, struct bt_relay_info *ret, struct bt_err *err)
    BT_MUST_CHECK;
int bt_source_info_parse(struct bt_slice text, struct bt_source_info *ret, struct bt_err *err)
    BT_MUST_CHECK;

#endif
