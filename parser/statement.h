/* SPDX-License-Identifier: Apache-2.0 */
/*
 * statement.h - the small events that stand in front of a statement and belong to it.
 *
 * INTVAR, RAND and USER_VAR give the next QUERY values that its text does not hold; ANNOTATE_ROWS
 * (MariaDB) and ROWS_QUERY (MySQL) tell the text behind the rows events that follow;
 * BEGIN_LOAD_QUERY, APPEND_BLOCK and DELETE_FILE carry the file of a LOAD DATA to its
 * EXECUTE_LOAD_QUERY (query.h).  Layouts stand above each reader in statement.c.
 */
#ifndef BT_PARSER_STATEMENT_H
#define BT_PARSER_STATEMENT_H

#include "parser/event.h"

enum bt_intvar_kind { BT_INTVAR_LAST_INSERT_ID = 1, BT_INTVAR_INSERT_ID = 2 };

struct bt_intvar {
    enum bt_intvar_kind kind;
    uint64_t value;
};
int bt_intvar_read(const struct bt_event *ev, struct bt_intvar *ret, struct bt_err *err)
    BT_MUST_CHECK;

struct bt_rand {
    uint64_t seed1, seed2;
};
int bt_rand_read(const struct bt_event *ev, struct bt_rand *ret, struct bt_err *err) BT_MUST_CHECK;

/* Item_result of the servers. */
enum bt_user_var_type {
    BT_USER_VAR_STRING = 0,
    BT_USER_VAR_REAL = 1,    /* 8 bytes IEEE, little endian */
    BT_USER_VAR_INT = 2,     /* 8 bytes little endian */
    BT_USER_VAR_DECIMAL = 4, /* precision u8, scale u8, then as in a row (binlog.md 1.7, 246) */
};

struct bt_user_var {
    struct bt_slice name;
    bool is_null; /* the fields below mean nothing then */
    enum bt_user_var_type type;
    bool is_unsigned;
    uint32_t collation;
    struct bt_slice value;
    struct bt_slice data_type; /* MariaDB 11.x: "inet6", ...; "" otherwise */
};
int bt_user_var_read(const struct bt_event *ev, struct bt_user_var *ret, struct bt_err *err)
    BT_MUST_CHECK;

/* The text of an ANNOTATE_ROWS or ROWS_QUERY.  It may hold secrets. */
int bt_rows_text_read(const struct bt_event *ev, struct bt_slice *ret, struct bt_err *err)
    BT_MUST_CHECK;

struct bt_load_block {
    uint32_t file_id;
    struct bt_slice data; /* "" for DELETE_FILE */
};
/* BEGIN_LOAD_QUERY, APPEND_BLOCK, DELETE_FILE. */
int bt_load_block_read(const struct bt_event *ev, struct bt_load_block *ret, struct bt_err *err)
    BT_MUST_CHECK;

#endif
