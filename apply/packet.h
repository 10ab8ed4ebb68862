/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packet.h - commands other than statements, and their answers packet by packet.
 *
 *     bt_packet_send(c, COM_BINLOG_DUMP, payload, deadline, err)
 *     bt_packet_next(c, until, &packet, err) ...
 *     bt_connection_close(c)
 *
 * libmariadb's non-blocking calls know statements only, and its own reader of binary logs is
 * broken (Connector/C 3.3.20: stops at the first change of files).  Here its network layer carries
 * any command, TLS and compression included, and no wait is longer than the caller says.
 * After bt_packet_send() the connection takes no statements any more.
 */
#ifndef BT_APPLY_PACKET_H
#define BT_APPLY_PACKET_H

#include "apply/connection.h"

/* Commands of the protocol (include/mysql_com.h, MariaDB 10.11; libbinlogevents, MySQL 8.0). */
enum bt_command_code {
    BT_COMMAND_BINLOG_DUMP = 0x12,
    BT_COMMAND_BINLOG_DUMP_GTID = 0x1e,
};

/* Sends a command.  The payload is what follows its code. */
int bt_packet_send(struct bt_connection *c, enum bt_command_code code, struct bt_slice payload,
                   struct bt_deadline deadline, struct bt_err *err) BT_MUST_CHECK;

/* The next packet of the answer, whole, up to 1 GiB; borrows until the next call.  1: it is not
 * there yet; the reading stays begun, and the next call goes on with it.  An error packet of the
 * server is -1 with BT_ERR_REMOTE. */
int bt_packet_next(struct bt_connection *c, struct bt_deadline until, struct bt_slice *ret,
                   struct bt_err *err) BT_MUST_CHECK;

/* When the server last sent anything (bt_clock_ms()), a part of a packet included. */
int64_t bt_packet_heard_ms(const struct bt_connection *c);

/* Ends a reading that is under way; for bt_connection_close(). */
void bt_packets_free(struct bt_connection *c);

#endif
