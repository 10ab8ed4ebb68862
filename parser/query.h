/* SPDX-License-Identifier: Apache-2.0 */
/*
 * query.h - a statement event: the text, and the session it ran in.
 *
 *   size  field                        (body of QUERY and EXECUTE_LOAD_QUERY, binlog.md 1.5)
 *   4     thread id
 *   4     execution time               seconds
 *   1     length of db
 *   2     error code                   the statement failed with it on its server; 0 normally
 *   2     length of the status variables
 *   4 4 4 1                            EXECUTE_LOAD_QUERY only: file id, where the file name
 *                                      begins and ends in the text, how duplicates are handled
 *   n     status variables             (code u8, value by code)*, see query.c
 *   n 1   db, NUL
 *   rest  text
 */
#ifndef BT_PARSER_QUERY_H
#define BT_PARSER_QUERY_H

#include "parser/event.h"

/* Status variables: X(code, NAME).  The value's layout stands beside its reader in query.c. */
/* clang-format off */
#define BT_QUERY_VARIABLES(X)            \
    X(0, FLAGS2)                         \
    X(1, SQL_MODE)                       \
    X(2, CATALOG_NUL)                    \
    X(3, AUTO_INCREMENT)                 \
    X(4, CHARSET)                        \
    X(5, TIME_ZONE)                      \
    X(6, CATALOG)                        \
    X(7, LC_TIME_NAMES)                  \
    X(8, CHARSET_DATABASE)               \
    X(9, TABLE_MAP_FOR_UPDATE)           \
    X(10, DATA_WRITTEN)                  \
    X(11, INVOKER)                       \
    X(12, UPDATED_DB_NAMES)              \
    X(13, MICROSECONDS)                  \
    X(16, EXPLICIT_DEFAULTS_TS)          \
    X(17, DDL_XID)                       \
    X(18, DEFAULT_COLLATION_UTF8MB4)     \
    X(19, SQL_REQUIRE_PRIMARY_KEY)       \
    X(20, DEFAULT_TABLE_ENCRYPTION)      \
    X(128, HRNOW)                        \
    X(129, XID)                          \
    X(130, GTID_FLAGS3)                  \
    X(131, CHARACTER_SET_COLLATIONS)     \
    X(255, DUMMY)
/* clang-format on */

enum bt_query_variable {
#define X(code, name) BT_QUERY_##name = (code),
    BT_QUERY_VARIABLES(X)
#undef X
};

/* Bits of FLAGS2 (sql/sql_priv.h OPTION_*, MariaDB 10.11).  Set means the thing in the name. */
enum bt_query_flag2 {
    BT_QUERY_AUTO_IS_NULL = 1 << 14,
    BT_QUERY_NO_CHECK_CONSTRAINTS = 1 << 15, /* MariaDB */
    BT_QUERY_NOT_AUTOCOMMIT = 1 << 19,
    BT_QUERY_EXPLICIT_DEFAULTS = 1 << 24, /* MariaDB */
    BT_QUERY_NO_FOREIGN_KEYS = 1 << 26,
    BT_QUERY_RELAXED_UNIQUE = 1 << 27,
    BT_QUERY_IF_EXISTS = 1 << 28,      /* MariaDB >= 10.5.2 */
    BT_QUERY_INSERT_HISTORY = 1 << 30, /* MariaDB */
};

enum bt_load_duplicates { BT_LOAD_ERROR, BT_LOAD_IGNORE, BT_LOAD_REPLACE };

/* Borrows from the event.  A field of a status variable means something only where
 * bt_query_has() says that the variable is there. */
struct bt_query {
    uint32_t thread_id;
    uint32_t exec_seconds;
    uint16_t error_code;
    struct bt_slice db; /* "" without one */
    struct bt_slice text;
    struct bt_slice variables; /* as they stand */
    uint64_t present[4];       /* bit per code; ask bt_query_has() */

    /* EXECUTE_LOAD_QUERY */
    bool is_load;
    uint32_t file_id, file_name_start, file_name_end; /* the latter two within text */
    enum bt_load_duplicates duplicates;

    uint32_t flags2;
    uint64_t sql_mode;
    uint16_t auto_increment_increment, auto_increment_offset;
    uint16_t charset_client, collation_connection, collation_server;
    struct bt_slice time_zone;
    struct bt_slice catalog;
    uint16_t lc_time_names;
    uint16_t collation_database;
    uint64_t table_map_for_update;
    struct bt_slice invoker_user, invoker_host;
    uint32_t microseconds;     /* of NOW(): MICROSECONDS or HRNOW, whichever is there */
    uint8_t explicit_defaults; /* MySQL */
    uint64_t xid;              /* DDL_XID (MySQL) or XID (MariaDB) */
    uint16_t default_collation_utf8mb4;
    uint8_t require_primary_key;
    uint8_t default_table_encryption;
    uint8_t updated_db_count;    /* 254: too many to name */
    struct bt_slice updated_dbs; /* NUL-ended names, one after the other */
    uint8_t gtid_flags3;
    /* with GTID_FLAGS3: of the START ALTER it completes */
    uint64_t alter_seq;
    struct bt_slice character_set_collations; /* (charset u16, collation u16)* */
};

/* Reads a QUERY (also a decompressed one) or EXECUTE_LOAD_QUERY.  *ret borrows from ev->body.
 * Variables behind one that we do not know are left unread, as the servers do. */
int bt_query_read(const struct bt_event *ev, struct bt_query *ret, struct bt_err *err)
    BT_MUST_CHECK;

static inline bool bt_query_has(const struct bt_query *q, enum bt_query_variable variable)
{
    return q->present[variable / 64] >> (variable % 64) & 1;
}

/* Only the text of a QUERY or EXECUTE_LOAD_QUERY. */
int bt_query_text_read(const struct bt_event *ev, struct bt_slice *ret, struct bt_err *err)
    BT_MUST_CHECK;

/* What a statement's text does to the transaction it stands in. */
enum bt_query_verb {
    BT_VERB_OTHER,
    BT_VERB_BEGIN, /* BEGIN, START TRANSACTION */
    BT_VERB_COMMIT,
    BT_VERB_ROLLBACK,  /* not ROLLBACK TO */
    BT_VERB_SAVEPOINT, /* also ROLLBACK TO and RELEASE */
    BT_VERB_XA_START,
    BT_VERB_XA_END,
    BT_VERB_XA_PREPARE,
    BT_VERB_XA_COMMIT,
    BT_VERB_XA_ROLLBACK,
    BT_VERB_DDL, /* CREATE, ALTER, DROP, RENAME, TRUNCATE, GRANT, REVOKE, ANALYZE, OPTIMIZE, ... */
    BT_VERB_DML, /* INSERT, UPDATE, DELETE, REPLACE, LOAD, CALL, SELECT, ... */
};

/* Looks at the first words only; comments and blanks in front are skipped. */
enum bt_query_verb bt_query_verb(struct bt_slice text);

#endif
