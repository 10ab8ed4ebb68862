/* SPDX-License-Identifier: Apache-2.0 */
/*
 * context.h - the session a statement ran in, set up on the target only where it differs.
 *
 *     bt_context_init -> for each statement: want ... -> take (the SETs to send) ...
 *
 * The context remembers what the target session was last told.  want() calls gather; take() writes
 * at most one USE and one SET.  What cannot be known (after a reconnect, after DDL that may have
 * dropped the default database) is forgotten and sent again.  Numbers are used for character sets,
 * collations, modes and locales, so that the text is the same in every sql_mode and character set.
 */
#ifndef BT_APPLY_CONTEXT_H
#define BT_APPLY_CONTEXT_H

#include "apply/connection.h"
#include "parser/query.h"
#include "parser/statement.h"

/* Names of collations by number, as the target writes them. */
struct bt_collation_name {
    uint32_t id;
    const char *collation, *charset;
};
struct bt_collations {
    struct bt_arena arena; /* the names */
    struct bt_collation_name *items;
    size_t count;
};

/* X(NAME, variable): session variables that hold a number.  Order is the order in the SET. */
/* clang-format off */
#define BT_CONTEXT_VARIABLES(X)                                \
    X(SERVER_ID, "server_id")                                  \
    X(GTID_DOMAIN_ID, "gtid_domain_id")                        \
    X(GTID_SEQ_NO, "gtid_seq_no")                              \
    X(SKIP_PARALLEL, "skip_parallel_replication")              \
    X(TIMESTAMP, "timestamp")                                  \
    X(PSEUDO_THREAD_ID, "pseudo_thread_id")                    \
    X(FOREIGN_KEYS, "foreign_key_checks")                      \
    X(AUTO_IS_NULL, "sql_auto_is_null")                        \
    X(UNIQUE, "unique_checks")                                 \
    X(CHECKS, "check_constraint_checks")                       \
    X(IF_EXISTS, "sql_if_exists")                              \
    X(EXPLICIT_DEFAULTS, "explicit_defaults_for_timestamp")    \
    X(INSERT_HISTORY, "system_versioning_insert_history")      \
    X(SQL_MODE, "sql_mode")                                    \
    X(AUTO_INCREMENT, "auto_increment_increment")              \
    X(AUTO_OFFSET, "auto_increment_offset")                    \
    X(CHARSET_CLIENT, "character_set_client")                  \
    X(COLLATION_CONNECTION, "collation_connection")            \
    X(COLLATION_SERVER, "collation_server")                    \
    X(COLLATION_UTF8MB4, "default_collation_for_utf8mb4")      \
    X(REQUIRE_PRIMARY_KEY, "sql_require_primary_key")          \
    X(LC_TIME_NAMES, "lc_time_names")                          \
    X(COLLATION_DATABASE, "collation_database")
/* clang-format on */

enum bt_context_variable {
#define X(name, variable) BT_CONTEXT_##name,
    BT_CONTEXT_VARIABLES(X)
#undef X
        BT_CONTEXT_COUNT
};

struct bt_context {
    enum bt_flavor target, source;
    uint32_t target_version, source_version;
    const struct bt_collations *collations;

    struct { /* what the session was last told */
        bool known;
        uint64_t value;
    } has[BT_CONTEXT_COUNT];
    char db[260], time_zone[260], charset_collations[800];
    bool knows_db, knows_charset_collations;

    struct bt_buf assignments; /* "a=1,b=2": waiting for take() */
    struct bt_buf use;         /* USE `db`, waiting */
};

/* Of a fresh session. */
void bt_context_init(struct bt_context *c, enum bt_flavor target, uint32_t target_version,
                     const struct bt_collations *collations);
void bt_context_done(struct bt_context *c);
void bt_context_source(struct bt_context *c, const struct bt_format *format);

void bt_context_forget_db(struct bt_context *c);

/* One variable. */
void bt_context_want(struct bt_context *c, enum bt_context_variable variable, uint64_t value);
/* Sent even when it is the same: it is used up by a statement. */
void bt_context_want_again(struct bt_context *c, enum bt_context_variable variable, uint64_t value);

/* Text that is an assignment already: "insert_id=5". */
void bt_context_assign(struct bt_context *c, const char *fmt, ...) BT_PRINTF(2, 3);
int bt_context_user_var(struct bt_context *c, const struct bt_user_var *var, struct bt_err *err)
    BT_MUST_CHECK;

/* All that a statement event says of its session. */
int bt_context_query(struct bt_context *c, const struct bt_event *ev, const struct bt_query *q,
                     struct bt_err *err) BT_MUST_CHECK;

/* What is to be sent before the statement, in this order; "" = nothing.  A name that is not ASCII
 * needs the client character set utf8mb4: *ret_utf8 asks for `SET character_set_client=45` first.
 * Both are appended. */
int bt_context_take(struct bt_context *c, bool *ret_utf8, struct bt_buf *use,
                    struct bt_buf *set, struct bt_err *err) BT_MUST_CHECK;

/* The sql_mode of the source as the target knows it. */
uint64_t bt_context_sql_mode(const struct bt_context *c, uint64_t mode);

#endif
