/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/server_schema.h"

#include "base/json.h"

enum { TEXT_MAX = 256 << 20 };

static const char *cell(const struct bt_rows *rows, uint64_t row, unsigned column)
{
    const char *text = bt_rows_text_at(rows, row, column);

    return text ? text : "";
}

/* The columns of one database, a table after the other, as elements of the list "tables". */
static void add_tables(struct bt_json *j, const struct bt_rows *rows)
{
    const char *table = NULL;

    for (uint64_t i = 0; i < rows->row_count; i++) {
        if (!table || strcmp(table, cell(rows, i, 1)) != 0) {
            if (table) {
                bt_json_end(j);
                bt_json_end(j);
            }
            table = cell(rows, i, 1);
            bt_json_object(j);
            bt_json_key_str(j, "db", cell(rows, i, 0));
            bt_json_key_str(j, "table", table);
            bt_json_key(j, "columns");
            bt_json_array(j);
        }
        bt_json_object(j);
        bt_json_key_str(j, "name", cell(rows, i, 2));
        bt_json_key_str(j, "type", cell(rows, i, 3));
        if (bt_rows_text_at(rows, i, 4))
            bt_json_key_str(j, "charset", cell(rows, i, 4));
        bt_json_end(j);
    }
    if (table) {
        bt_json_end(j);
        bt_json_end(j);
    }
}

/* One database at a time: MariaDB and MySQL 5.x open its tables for the answer. */
static int add_database(struct bt_connection *c, const char *db, struct bt_deadline deadline,
                        struct bt_json *j, struct bt_err *err)
{
    bt_auto_rows struct bt_rows rows = {0};
    bt_auto_buf struct bt_buf sql;

    bt_buf_init(&sql, 1 << 16);
    bt_buf_add_str(&sql, "SELECT table_schema, table_name, column_name, column_type,"
                         " character_set_name FROM information_schema.columns WHERE table_schema=");
    bt_sql_add_text(c, &sql, bt_slice_str(db));
    bt_buf_add_str(&sql, " ORDER BY table_name, ordinal_position");
    if (bt_buf_check(&sql, "a question for columns", err) != 0 ||
        bt_connection_query(c, bt_buf_slice(&sql), deadline, &rows, err) != 0)
        return -1;
    add_tables(j, &rows);
    return 0;
}

int bt_server_schema_load(struct bt_connection *c, struct bt_deadline deadline,
                          struct bt_schema **ret, struct bt_err *err)
{
    bt_auto_rows struct bt_rows databases = {0};
    bt_auto_buf struct bt_buf text;
    struct bt_json j;

    bt_buf_init(&text, TEXT_MAX);
    if (bt_connection_query(c, bt_slice_str("SELECT schema_name FROM information_schema.schemata"
                                            " WHERE schema_name NOT IN"
                                            " ('information_schema', 'performance_schema')"),
                            deadline, &databases, err) != 0)
        return bt_err_wrap(err, "could not ask for the schema");
    bt_json_init(&j, &text);
    bt_json_object(&j);
    bt_json_key(&j, "tables");
    bt_json_array(&j);
    for (uint64_t i = 0; i < databases.row_count; i++)
        if (add_database(c, cell(&databases, i, 0), deadline, &j, err) != 0)
            return bt_err_wrap(err, "could not ask for the schema");
    bt_json_end(&j);
    bt_json_end(&j);
    if (bt_buf_check(&text, "the server's schema", err) != 0)
        return -1;
    return bt_schema_parse(bt_buf_slice(&text), bt_connection_name(c), ret, err);
}
