/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema.h - what columns are where the log does not say: read from a file.
 *
 * Two forms, told apart by their first character:
 *   - what `mariadb-dump --no-data` or `mysqldump --no-data` writes: CREATE TABLE statements, with
 *     USE or CREATE DATABASE before them when it was made with --databases or --all-databases.
 *     Tables before any USE match by name in every database;
 *   - JSON of ours: {"tables":[{"db":"shop","table":"log","charset":"utf8mb4",
 *       "columns":[{"name":"id","type":"int(11) unsigned","charset":"latin1"}, ...]}]}
 *     with types as SHOW CREATE TABLE writes them.
 *
 * Strictly: a statement that creates a table and is not understood is an error with its line.
 */
#ifndef BT_PARSER_SCHEMA_H
#define BT_PARSER_SCHEMA_H

#include "base/auto.h"
#include "base/slice.h"

struct bt_schema_column {
    struct bt_slice name;
    struct bt_slice type; /* lower case, first word: "int", "varchar", "inet6", ... */
    uint32_t length;      /* in parentheses: display width, characters, precision; 0 = none */
    uint32_t scale;       /* second number in parentheses */
    bool is_unsigned;
    bool is_compressed; /* MariaDB COMPRESSED */
    bool is_virtual;    /* generated and not stored */
    bool is_invisible;
    /* of the column or of its table: "utf8mb4"; "" = not a string or not said */
    struct bt_slice charset;
    const struct bt_slice *members; /* ENUM, SET, UTF-8 */
    uint32_t member_count;
    uint16_t key_part; /* place in the primary key from 1; 0 = not in it */
};

struct bt_schema_table {
    struct bt_slice db; /* "" = any */
    struct bt_slice table;
    const struct bt_schema_column *columns;
    uint32_t column_count;
};

struct bt_schema;

/* Reads a file of at most 256 MiB. */
int bt_schema_load(const char *path, struct bt_schema **ret, struct bt_err *err) BT_MUST_CHECK;

/* Reads text; name is for messages. */
int bt_schema_parse(struct bt_slice text, const char *name, struct bt_schema **ret,
                    struct bt_err *err) BT_MUST_CHECK;

void bt_schema_free(struct bt_schema *schema); /* accepts NULL */

static inline void bt_schema_release(struct bt_schema **schema)
{
    bt_schema_free(*schema);
    *schema = NULL;
}
#define bt_auto_schema BT_AUTO(bt_schema_release)

/* The table of that name; NULL if the schema has none.  Borrows until free. */
const struct bt_schema_table *bt_schema_find(const struct bt_schema *schema, struct bt_slice db,
                                             struct bt_slice table);

size_t bt_schema_table_count(const struct bt_schema *schema);

#endif
