/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event.h - one event of a binary or relay log: its header, its type, its body.
 *
 *   offset  size  field            (little endian; server: sql/log_event.h, MariaDB 10.11)
 *        0     4  timestamp        seconds since 1970, start of the statement
 *        4     1  type code
 *        5     4  server_id
 *        9     4  event_length     header + body + checksum
 *       13     4  end_log_pos      mod 2^32; in a relay log the primary's; may be 0
 *       17     2  flags
 *
 * The FORMAT_DESCRIPTION may say that headers are longer; the extra bytes stand
 * between these 19 and the body and are skipped.  Type codes above 159 are
 * MariaDB's, 33 to 43 MySQL's; see the X-macro for all that are known.
 */
#ifndef BT_PARSER_EVENT_H
#define BT_PARSER_EVENT_H

#include "base/slice.h"

enum { BT_EVENT_HEADER_SIZE = 19, BT_CHECKSUM_SIZE = 4 };

/* No server writes more (MAX_MAX_ALLOWED_PACKET; MariaDB 12.3 cuts larger rows into fragments). */
enum { BT_EVENT_SIZE_MAX = 1 << 30 };

/* X(code, NAME): NAME is what mariadb-binlog's and SHOW BINLOG EVENTS' documents call it. */
/* clang-format off */
#define BT_EVENT_TYPES(X)            \
    X(0, UNKNOWN)                    \
    X(1, START_V3)                   \
    X(2, QUERY)                      \
    X(3, STOP)                       \
    X(4, ROTATE)                     \
    X(5, INTVAR)                     \
    X(6, LOAD)                       \
    X(7, SLAVE)                      \
    X(8, CREATE_FILE)                \
    X(9, APPEND_BLOCK)               \
    X(10, EXEC_LOAD)                 \
    X(11, DELETE_FILE)               \
    X(12, NEW_LOAD)                  \
    X(13, RAND)                      \
    X(14, USER_VAR)                  \
    X(15, FORMAT_DESCRIPTION)        \
    X(16, XID)                       \
    X(17, BEGIN_LOAD_QUERY)          \
    X(18, EXECUTE_LOAD_QUERY)        \
    X(19, TABLE_MAP)                 \
    X(20, PRE_GA_WRITE_ROWS)         \
    X(21, PRE_GA_UPDATE_ROWS)        \
    X(22, PRE_GA_DELETE_ROWS)        \
    X(23, WRITE_ROWS_V1)             \
    X(24, UPDATE_ROWS_V1)            \
    X(25, DELETE_ROWS_V1)            \
    X(26, INCIDENT)                  \
    X(27, HEARTBEAT)                 \
    X(28, IGNORABLE)                 \
    X(29, ROWS_QUERY)                \
    X(30, WRITE_ROWS)                \
    X(31, UPDATE_ROWS)               \
    X(32, DELETE_ROWS)               \
    X(33, GTID)                      \
    X(34, ANONYMOUS_GTID)            \
    X(35, PREVIOUS_GTIDS)            \
    X(36, TRANSACTION_CONTEXT)       \
    X(37, VIEW_CHANGE)               \
    X(38, XA_PREPARE)                \
    X(39, PARTIAL_UPDATE_ROWS)       \
    X(40, TRANSACTION_PAYLOAD)       \
    X(41, HEARTBEAT_V2)              \
    X(42, GTID_TAGGED)               \
    X(43, LARGE_TRANSACTION_HEADER)  \
    X(160, ANNOTATE_ROWS)            \
    X(161, BINLOG_CHECKPOINT)        \
    X(162, MARIADB_GTID)             \
    X(163, GTID_LIST)                \
    X(164, START_ENCRYPTION)         \
    X(165, QUERY_COMPRESSED)         \
    X(166, WRITE_ROWS_COMPRESSED_V1) \
    X(167, UPDATE_ROWS_COMPRESSED_V1)\
    X(168, DELETE_ROWS_COMPRESSED_V1)\
    X(169, WRITE_ROWS_COMPRESSED)    \
    X(170, UPDATE_ROWS_COMPRESSED)   \
    X(171, DELETE_ROWS_COMPRESSED)   \
    X(172, PARTIAL_ROW_DATA)

enum bt_event_type {
#define X(code, name) BT_##name = (code),
    BT_EVENT_TYPES(X)
#undef X
};

enum bt_event_flag {
    BT_FLAG_IN_USE           = 0x0001, /* FORMAT_DESCRIPTION only: the log is not closed */
    BT_FLAG_THREAD_SPECIFIC  = 0x0004, /* uses temporary tables */
    BT_FLAG_SUPPRESS_USE     = 0x0008,
    BT_FLAG_ARTIFICIAL       = 0x0020, /* made up by a sender or the IO thread */
    BT_FLAG_RELAY_LOG        = 0x0040, /* written by the replica itself */
    BT_FLAG_IGNORABLE        = 0x0080, /* who does not know the type may skip it */
    BT_FLAG_SKIP_REPLICATION = 0x8000,
};
/* clang-format on */

struct bt_event_header {
    uint32_t when;
    uint8_t type; /* as in the log; may be a compressed or unknown type */
    uint32_t server_id;
    uint32_t length;
    uint32_t end_log_pos;
    uint16_t flags;
};

struct bt_format;

/* A view of one event; borrows from the reader until its next call. */
struct bt_event {
    struct bt_event_header header;
    /* what body is: header.type, or the plain type of a compressed event */
    uint8_t type;
    /* came out of a TRANSACTION_PAYLOAD; offset and raw are the outer event's */
    bool inner;
    /* encrypted, and no key is there: only offset and raw mean something */
    bool sealed;
    /* a TRANSACTION_PAYLOAD whose inner events are handed out behind it */
    bool opened;
    uint64_t offset;                /* of the event in this log */
    struct bt_slice raw;            /* the event as it stands in the log, header to checksum */
    struct bt_slice body;           /* behind the header, without checksum, decompressed */
    const struct bt_format *format; /* the FORMAT_DESCRIPTION that governs it */
};

/* Reads the 19 bytes as they are; false when there are fewer. */
BT_INLINE BT_MUST_CHECK bool bt_event_header_take(struct bt_cursor *c,
                                                  struct bt_event_header *ret)
{
    return c->left >= BT_EVENT_HEADER_SIZE &&
           bt_cur_u32(c, &ret->when) &&
           bt_cur_u8(c, &ret->type) &&
           bt_cur_u32(c, &ret->server_id) &&
           bt_cur_u32(c, &ret->length) &&
           bt_cur_u32(c, &ret->end_log_pos) &&
           bt_cur_u16(c, &ret->flags);
}

/* Only what most is known by; false when there are fewer than 19 bytes. */
BT_INLINE BT_MUST_CHECK bool bt_event_peek(struct bt_slice bytes, uint32_t *ret_when,
                                           uint8_t *ret_type, uint32_t *ret_server_id)
{
    struct bt_cursor c = bt_cursor(bytes);

    return c.left >= BT_EVENT_HEADER_SIZE &&
           bt_cur_u32(&c, ret_when) &&
           bt_cur_u8(&c, ret_type) &&
           bt_cur_u32(&c, ret_server_id);
}

/* Reads the 19 bytes.  Refuses a length under 19 or over size_max (BT_ERR_CORRUPT). */
int bt_event_header_read(struct bt_slice bytes, uint32_t size_max, struct bt_event_header *ret,
                         struct bt_err *err) BT_MUST_CHECK;

/* "QUERY", "WRITE_ROWS_V1", ...; "TYPE_200" style names do not exist: NULL for an unknown code. */
const char *bt_event_type_name(uint8_t type);

/* WRITE/UPDATE/DELETE rows of any version (plain types only). */
bool bt_event_is_rows(uint8_t type);

#endif
