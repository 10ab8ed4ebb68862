/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flashback_table.h - a table of the target as undoing row changes needs it: what its columns are,
 * which of them take no value, and whether its rows can be undone one by one at all.
 */
#ifndef BT_APPLY_FLASHBACK_TABLE_H
#define BT_APPLY_FLASHBACK_TABLE_H

#include "apply/connection.h"
#include "parser/schema.h"
#include "parser/value.h"

enum bt_flashback_column_kind {
    BT_FLASHBACK_PLAIN,
    BT_FLASHBACK_GENERATED,    /* compared, never set */
    BT_FLASHBACK_FIXED_BINARY, /* BINARY(n): the log cuts zeros at its end off */
};

struct bt_flashback_column {
    struct bt_slice name;
    enum bt_flashback_column_kind kind;
    uint32_t length;         /* FIXED_BINARY: n */
    struct bt_slice charset; /* "" = not a text */
};

struct bt_flashback_table {
    struct bt_slice db, table;
    const struct bt_flashback_column *columns; /* in the table's order */
    size_t column_count;
};

struct bt_flashback_tables {
    struct bt_arena arena;
    struct bt_flashback_table *items;
    size_t count, room;
    struct bt_buf ddl; /* SHOW CREATE TABLE of all, with USE before each */
    struct bt_schema *schema;
};

void bt_flashback_tables_init(struct bt_flashback_tables *t);
void bt_flashback_tables_done(struct bt_flashback_tables *t);

const struct bt_flashback_table *bt_flashback_table_find(const struct bt_flashback_tables *t,
                                                         struct bt_slice db, struct bt_slice table);

/* Asks the target about a table that is not known yet.  One that is not there, whose engine has no
 * transactions, or that has triggers, system versioning or foreign keys that cascade, is
 * BT_ERR_CONFLICT naming it.  (Row replication fires no triggers and logs no cascades: undone as
 * statements both would happen a second time, or not be undone.) */
int bt_flashback_table_ask(struct bt_flashback_tables *t, struct bt_connection *sql,
                           struct bt_slice db, struct bt_slice table, struct bt_deadline until,
                           struct bt_err *err) BT_MUST_CHECK;

/* The same for reading alone, whatever the table is.  1: it is not on the target. */
int bt_flashback_table_look(struct bt_flashback_tables *t, struct bt_connection *sql,
                            struct bt_slice db, struct bt_slice table, struct bt_deadline until,
                            struct bt_err *err) BT_MUST_CHECK;

/* When all are known: their columns as a schema for the log's row images. */
int bt_flashback_tables_schema(struct bt_flashback_tables *t, struct bt_err *err) BT_MUST_CHECK;

#endif
