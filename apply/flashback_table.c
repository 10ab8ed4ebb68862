/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/flashback_table.h"

#include <stdlib.h>

enum { ARENA_MAX = 64 << 20, DDL_MAX = 64 << 20, SQL_MAX = 64 * 1024, TABLES_MAX = 16384 };

void bt_flashback_tables_init(struct bt_flashback_tables *t)
{
    *t = (struct bt_flashback_tables){0};
    bt_arena_init(&t->arena, ARENA_MAX);
    bt_buf_init(&t->ddl, DDL_MAX);
}

void bt_flashback_tables_done(struct bt_flashback_tables *t)
{
    bt_schema_free(t->schema);
    bt_buf_done(&t->ddl);
    bt_arena_done(&t->arena);
    free(t->items);
}

const struct bt_flashback_table *bt_flashback_table_find(const struct bt_flashback_tables *t,
                                                         struct bt_slice db, struct bt_slice table)
{
    for (size_t i = 0; i < t->count; i++)
        if (bt_slice_equal(t->items[i].db, db) && bt_slice_equal(t->items[i].table, table))
            return &t->items[i];
    return NULL;
}

/* --------------------------------------------------------------- what refuses it */

/* Each finds a reason in its first row; %1 and %2 are the names of schema and table. */
static const struct {
    const char *sql, *reason;
} refusals[] = {
    {"SELECT IFNULL(e.ENGINE, 'none') FROM information_schema.TABLES t LEFT JOIN"
     " information_schema.ENGINES e ON e.ENGINE = t.ENGINE"
     " WHERE t.TABLE_SCHEMA = %1 AND t.TABLE_NAME = %2 AND IFNULL(e.TRANSACTIONS, 'NO') <> 'YES'",
     "its engine has no transactions"},
    {"SELECT TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA = %1 AND TABLE_NAME = %2"
     " AND TABLE_TYPE <> 'BASE TABLE'",
     "it is no plain table"},
    {"SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = %1"
     " AND EVENT_OBJECT_TABLE = %2",
     "it has a trigger"},
    {"SELECT CONSTRAINT_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE"
     " ((CONSTRAINT_SCHEMA = %1 AND TABLE_NAME = %2) OR"
     " (UNIQUE_CONSTRAINT_SCHEMA = %1 AND REFERENCED_TABLE_NAME = %2)) AND"
     " (DELETE_RULE IN ('CASCADE', 'SET NULL', 'SET DEFAULT') OR"
     " UPDATE_RULE IN ('CASCADE', 'SET NULL', 'SET DEFAULT'))",
     "a foreign key of it, or to it, cascades"},
};

static void add_filled(const struct bt_connection *sql, struct bt_buf *out, const char *text,
                       struct bt_slice db, struct bt_slice table)
{
    for (; *text; text++) {
        if (*text != '%') {
            bt_buf_add_byte(out, (uint8_t)*text);
            continue;
        }
        bt_sql_add_text(sql, out, *++text == '1' ? db : table);
    }
}

static int ask(struct bt_connection *sql, const char *text, struct bt_slice db,
               struct bt_slice table, struct bt_deadline until, struct bt_rows *ret,
               struct bt_err *err)
{
    bt_auto_buf struct bt_buf query;

    bt_buf_init(&query, SQL_MAX);
    add_filled(sql, &query, text, db, table);
    if (bt_buf_check(&query, "statement", err) != 0)
        return -1;
    return bt_connection_query(sql, bt_buf_slice(&query), until, ret, err);
}

static int refusals_ask(struct bt_connection *sql, struct bt_slice db, struct bt_slice table,
                        struct bt_deadline until, struct bt_err *err)
{
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        bt_auto_rows struct bt_rows rows = {0};

        if (ask(sql, refusals[i].sql, db, table, until, &rows, err) != 0)
            return -1;
        if (rows.row_count)
            return bt_fail(err, BT_ERR_CONFLICT, "%.*s.%.*s cannot be undone: %s (%s)",
                           BT_SLICE_ARG(db), BT_SLICE_ARG(table), refusals[i].reason,
                           bt_rows_text_at(&rows, 0, 0));
    }
    return 0;
}

/* --------------------------------------------------------------------- columns */

static char *copy(struct bt_flashback_tables *t, const char *text)
{
    return bt_arena_str(&t->arena, bt_slice_str(text ? text : ""));
}

static int columns_ask(struct bt_flashback_tables *t, struct bt_connection *sql,
                       struct bt_flashback_table *table, struct bt_deadline until,
                       struct bt_err *err)
{
    static const char text[] =
        "SELECT COLUMN_NAME, EXTRA LIKE '%GENERATED%' AND EXTRA NOT LIKE '%DEFAULT_GENERATED%',"
        " DATA_TYPE = 'binary', CHARACTER_OCTET_LENGTH, CHARACTER_SET_NAME FROM "
        "information_schema.COLUMNS"
        " WHERE TABLE_SCHEMA = %1 AND TABLE_NAME = %2 ORDER BY ORDINAL_POSITION";
    bt_auto_rows struct bt_rows rows = {0};
    bt_auto_buf struct bt_buf query;
    struct bt_flashback_column *columns;

    /* The patterns hold percent signs: names are put in by hand. */
    bt_buf_init(&query, SQL_MAX);
    bt_buf_add(&query, text, (size_t)(strstr(text, "%1") - text));
    bt_sql_add_text(sql, &query, table->db);
    bt_buf_add_str(&query, " AND TABLE_NAME = ");
    bt_sql_add_text(sql, &query, table->table);
    bt_buf_add_str(&query, " ORDER BY ORDINAL_POSITION");
    if (bt_buf_check(&query, "statement", err) != 0 ||
        bt_connection_query(sql, bt_buf_slice(&query), until, &rows, err) != 0)
        return -1;
    if (rows.row_count == 0)
        return bt_fail(err, BT_ERR_CONFLICT, "%.*s.%.*s is not on the target",
                       BT_SLICE_ARG(table->db), BT_SLICE_ARG(table->table));
    columns = bt_arena_array(&t->arena, rows.row_count, sizeof(*columns));
    if (!columns)
        return bt_arena_fail(&t->arena, "columns", err);
    for (uint64_t i = 0; i < rows.row_count; i++) {
        const char *generated = bt_rows_text_at(&rows, i, 1),
                   *binary = bt_rows_text_at(&rows, i, 2);
        const char *length = bt_rows_text_at(&rows, i, 3);
        char *name = copy(t, bt_rows_text_at(&rows, i, 0));
        char *charset = copy(t, bt_rows_text_at(&rows, i, 4));

        if (!name || !charset)
            return bt_arena_fail(&t->arena, "columns", err);
        columns[i] = (struct bt_flashback_column){
            .name = bt_slice_str(name),
            .kind = generated && *generated == '1' ? BT_FLASHBACK_GENERATED
                    : binary && *binary == '1'     ? BT_FLASHBACK_FIXED_BINARY
                                                   : BT_FLASHBACK_PLAIN,
            .length = length ? (uint32_t)strtoul(length, NULL, 10) : 0,
            .charset = bt_slice_str(charset),
        };
    }
    table->columns = columns;
    table->column_count = rows.row_count;
    return 0;
}

static int ddl_ask(struct bt_flashback_tables *t, struct bt_connection *sql,
                   const struct bt_flashback_table *table, struct bt_deadline until,
                   struct bt_err *err)
{
    bt_auto_rows struct bt_rows rows = {0};
    bt_auto_buf struct bt_buf query;

    bt_buf_init(&query, SQL_MAX);
    bt_buf_add_str(&query, "SHOW CREATE TABLE ");
    bt_sql_add_name(&query, table->db);
    bt_buf_add_byte(&query, '.');
    bt_sql_add_name(&query, table->table);
    if (bt_buf_check(&query, "statement", err) != 0 ||
        bt_connection_query(sql, bt_buf_slice(&query), until, &rows, err) != 0)
        return -1;
    bt_buf_add_str(&t->ddl, "USE ");
    bt_sql_add_name(&t->ddl, table->db);
    bt_buf_addf(&t->ddl, ";\n%s;\n", bt_rows_text_at(&rows, 0, 1));
    return bt_buf_check(&t->ddl, "definitions of tables", err);
}

static struct bt_flashback_table *table_add(struct bt_flashback_tables *t, struct bt_slice db,
                                            struct bt_slice table, struct bt_err *err)
{
    char *db_copy = bt_arena_str(&t->arena, db), *copy = bt_arena_str(&t->arena, table);

    if (t->count == TABLES_MAX) {
        bt_fail(err, BT_ERR_LIMIT, "more than %d tables", TABLES_MAX);
        return NULL;
    }
    if (t->count == t->room) {
        size_t room = t->room ? t->room * 2 : 16;
        struct bt_flashback_table *grown = realloc(t->items, room * sizeof(*grown));

        if (!grown) {
            bt_fail_sys(err, "tables");
            return NULL;
        }
        t->items = grown;
        t->room = room;
    }
    if (!db_copy || !copy) {
        bt_arena_fail(&t->arena, "tables", err);
        return NULL;
    }
    t->items[t->count] = (struct bt_flashback_table){.db = bt_slice(db_copy, db.len),
                                                     .table = bt_slice(copy, table.len)};
    return &t->items[t->count++];
}

int bt_flashback_table_ask(struct bt_flashback_tables *t, struct bt_connection *sql,
                           struct bt_slice db, struct bt_slice table, struct bt_deadline until,
                           struct bt_err *err)
{
    struct bt_flashback_table *item;

    if (bt_flashback_table_find(t, db, table))
        return 0;
    item = table_add(t, db, table, err);
    if (!item)
        return -1;
    if (columns_ask(t, sql, item, until, err) != 0 ||
        refusals_ask(sql, db, table, until, err) != 0)
        return -1;
    return ddl_ask(t, sql, item, until, err);
}

int bt_flashback_table_look(struct bt_flashback_tables *t, struct bt_connection *sql,
                            struct bt_slice db, struct bt_slice table, struct bt_deadline until,
                            struct bt_err *err)
{
    struct bt_flashback_table *item;

    if (bt_flashback_table_find(t, db, table))
        return 0;
    item = table_add(t, db, table, err);
    if (!item)
        return -1;
    if (columns_ask(t, sql, item, until, err) != 0) {
        bool is_absent = err->kind == BT_ERR_CONFLICT;

        t->count--;
        if (is_absent)
            bt_err_clear(err);
        return is_absent ? 1 : -1;
    }
    return ddl_ask(t, sql, item, until, err);
}

int bt_flashback_tables_schema(struct bt_flashback_tables *t, struct bt_err *err)
{
    if (t->count == 0)
        return 0;
    return bt_schema_parse(bt_buf_slice(&t->ddl), "SHOW CREATE TABLE", &t->schema, err);
}
