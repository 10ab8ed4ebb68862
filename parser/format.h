/* SPDX-License-Identifier: Apache-2.0 */
/*
 * format.h - the FORMAT_DESCRIPTION event: how the events behind it are to be read.
 *
 *   offset  size  field            (body, behind the 19-byte header)
 *        0     2  binlog version   4
 *        2    50  server version   NUL padded
 *       52     4  created          0 when the log follows a rotation
 *       56     1  header length    19, rarely more
 *       57     n  post-header length of each type, from type 1
 *     57+n     1  checksum alg     only if the version knows checksums: 0 none, 1 CRC-32
 *     58+n     4  CRC-32           present then even when alg is 0
 *
 * A relay log holds several; each governs the events up to the next one.
 * Knows checksums: MySQL >= 5.6.1, MariaDB >= 5.3.0 (sql/log_event.cc, MariaDB 10.11).
 */
#ifndef BT_PARSER_FORMAT_H
#define BT_PARSER_FORMAT_H

#include "parser/event.h"

enum bt_flavor { BT_FLAVOR_MYSQL, BT_FLAVOR_MARIADB };

struct bt_format {
    enum bt_flavor flavor;
    char server_version[51];
    uint32_t version_number; /* 101119 for 10.11.19, 50644 for 5.6.44 */
    uint32_t created;
    uint32_t server_id; /* of who wrote this FORMAT_DESCRIPTION */
    uint8_t header_length;
    bool knows_checksums;
    bool checksum; /* the events behind it end in a CRC-32 */
    bool in_use;   /* the log was not closed (a binary log's first event only) */
    uint8_t type_count;
    uint8_t post_header_length[256]; /* by type; 0 where the event does not say */
};

/* Reads a FORMAT_DESCRIPTION from its whole bytes (header to the end, CRC included). */
int bt_format_read(struct bt_slice raw, struct bt_format *ret, struct bt_err *err) BT_MUST_CHECK;

/* Whether its CRC is right, with the in-use bit taken as cleared.  True where the
 * version knows no checksums. */
bool bt_format_crc_ok(struct bt_slice raw, const struct bt_format *format);

#endif
