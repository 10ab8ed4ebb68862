/* SPDX-License-Identifier: Apache-2.0 */
/* schema_priv.h - a schema while it is read: schema.c keeps it, schema_sql.c understands SQL. */
#ifndef BT_PARSER_SCHEMA_PRIV_H
#define BT_PARSER_SCHEMA_PRIV_H

#include "base/arena.h"
#include "parser/schema.h"

struct schema_table {
    struct bt_schema_table view;
    struct bt_schema_column *columns; /* what view.columns is, to be written */
    uint32_t room;
};

struct bt_schema {
    struct bt_arena arena;
    struct schema_table **tables; /* sorted by db, table once all is read */
    size_t count, room;
    const char *name; /* of the file, for messages */
};

/* A new table behind the others; NULL with err filled. */
struct schema_table *schema_add_table(struct bt_schema *s, struct bt_slice db,
                                      struct bt_slice table, struct bt_err *err);

/* A new, zeroed column of it; NULL with err filled. */
struct bt_schema_column *schema_add_column(struct bt_schema *s, struct schema_table *t,
                                           struct bt_err *err);

/* Gives the table's charset to the columns that hold text and name none. */
void schema_default_charset(struct schema_table *t, struct bt_slice charset);

/* Reads the statements of a dump. */
int schema_read_sql(struct bt_schema *s, struct bt_slice text, struct bt_err *err) BT_MUST_CHECK;

/* Reads "int(11) unsigned NOT NULL ..." into a column that has its name. */
int schema_read_type(struct bt_schema *s, struct bt_slice text, struct bt_schema_column *ret,
                     struct bt_err *err) BT_MUST_CHECK;

#endif
