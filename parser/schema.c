/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/schema_priv.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/json_read.h"
#include "base/buf.h"
#include "parser/charset.h"
#include "parser/table_map.h"

enum { FILE_MAX = 256 << 20, MEMORY_MAX = 1 << 30 };

/* ----------------------------------------------------------------- keeping */

struct schema_table *schema_add_table(struct bt_schema *s, struct bt_slice db,
                                      struct bt_slice table, struct bt_err *err)
{
    struct schema_table *t = bt_arena_alloc(&s->arena, sizeof(*t));

    if (s->count == s->room) {
        size_t room = s->room ? s->room * 2 : 64;
        struct schema_table **tables = realloc(s->tables, room * sizeof(struct schema_table *));

        if (!tables) {
            bt_fail(err, BT_ERR_SYSTEM, "out of memory for a schema");
            return NULL;
        }
        s->tables = tables;
        s->room = room;
    }
    if (t) {
        t->view.db = bt_arena_dup(&s->arena, db);
        t->view.table = bt_arena_dup(&s->arena, table);
    }
    if (!t || !t->view.db.ptr || !t->view.table.ptr) {
        bt_arena_fail(&s->arena, "schema", err);
        return NULL;
    }
    s->tables[s->count++] = t;
    return t;
}

struct bt_schema_column *schema_add_column(struct bt_schema *s, struct schema_table *t,
                                           struct bt_err *err)
{
    struct bt_schema_column *column;

    if (t->view.column_count == BT_COLUMN_COUNT_MAX) {
        bt_fail(err, BT_ERR_CONFIG, "table \"%.*s\" has more than %d columns",
                BT_SLICE_ARG(t->view.table), BT_COLUMN_COUNT_MAX);
        return NULL;
    }
    if (t->view.column_count == t->room) {
        uint32_t wanted = t->room ? t->room * 2 : 16;
        struct bt_schema_column *columns = bt_arena_array(&s->arena, wanted, sizeof(*columns));

        if (!columns) {
            bt_arena_fail(&s->arena, "schema", err);
            return NULL;
        }
        if (t->view.column_count > 0)
            memcpy(columns, t->columns, t->view.column_count * sizeof(*columns));
        t->columns = columns;
        t->view.columns = columns;
        t->room = wanted;
    }
    column = &t->columns[t->view.column_count++];
    column->name = column->type = column->charset = bt_slice_empty();
    return column;
}

static bool holds_text(const struct bt_schema_column *c)
{
    static const char *const types[] = {"char", "varchar", "tinytext", "text", "mediumtext",
                                        "longtext", "enum", "set"};

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (bt_slice_equal_str(c->type, types[i]))
            return true;
    return false;
}

void schema_default_charset(struct schema_table *t, struct bt_slice charset)
{
    for (uint32_t i = 0; i < t->view.column_count; i++)
        if (t->columns[i].charset.len == 0 && holds_text(&t->columns[i]))
            t->columns[i].charset = charset;
}

/* -------------------------------------------------------------------- JSON */

static int take_string(struct bt_schema *s, struct bt_json_value object, const char *key,
                       bool is_needed, struct bt_slice *ret, struct bt_err *err)
{
    struct bt_json_value value;
    char *text;

    *ret = bt_slice_empty();
    if (!bt_json_member(object, key, &value)) {
        if (!is_needed)
            return 0;
        return bt_fail(err, BT_ERR_CONFIG, "%s: an object has no \"%s\"", s->name, key);
    }
    text = bt_json_get_str(value, &s->arena);
    if (!text)
        return bt_fail(err, BT_ERR_CONFIG, "%s: \"%s\" is not a string", s->name, key);
    *ret = bt_slice_str(text);
    return 0;
}

static int read_json_column(struct bt_schema *s, struct schema_table *t, struct bt_json_value value,
                            struct bt_err *err)
{
    struct bt_schema_column *column = schema_add_column(s, t, err);
    struct bt_slice type, charset;

    if (!column || take_string(s, value, "name", true, &column->name, err) != 0 ||
        take_string(s, value, "type", true, &type, err) != 0 ||
        take_string(s, value, "charset", false, &charset, err) != 0 ||
        schema_read_type(s, type, column, err) != 0)
        return -1;
    if (charset.len)
        column->charset = charset;
    return 0;
}

static int read_json_table(struct bt_schema *s, struct bt_json_value value, struct bt_err *err)
{
    struct bt_slice db, table, charset, key;
    struct bt_json_value columns, column;
    struct bt_json_children c;
    struct schema_table *t;

    if (take_string(s, value, "db", false, &db, err) != 0 ||
        take_string(s, value, "table", true, &table, err) != 0 ||
        take_string(s, value, "charset", false, &charset, err) != 0)
        return -1;
    if (!bt_json_member(value, "columns", &columns) || columns.kind != BT_JSON_ARRAY)
        return bt_fail(err, BT_ERR_CONFIG, "%s: table \"%.*s\" has no list of columns", s->name,
                       BT_SLICE_ARG(table));
    t = schema_add_table(s, db, table, err);
    if (!t)
        return -1;
    c = bt_json_children(columns);
    while (bt_json_next(&c, &key, &column))
        if (read_json_column(s, t, column, err) != 0)
            return -1;
    schema_default_charset(t, charset);
    return 0;
}

static int read_json(struct bt_schema *s, struct bt_slice text, struct bt_err *err)
{
    struct bt_json_value root, tables, table;
    struct bt_json_children c;
    struct bt_slice key;

    if (bt_json_parse(text, &root, err) != 0)
        return bt_err_wrap(err, "%s", s->name);
    if (!bt_json_member(root, "tables", &tables) || tables.kind != BT_JSON_ARRAY)
        return bt_fail(err, BT_ERR_CONFIG, "%s: there is no list \"tables\"", s->name);
    c = bt_json_children(tables);
    while (bt_json_next(&c, &key, &table))
        if (read_json_table(s, table, err) != 0)
            return -1;
    return 0;
}

/* ------------------------------------------------------------------ public */

static int compare_names(struct bt_slice a, struct bt_slice b)
{
    int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);

    return order ? order : a.len < b.len ? -1
                                         : a.len > b.len;
}

static int compare_tables(const void *a, const void *b)
{
    const struct schema_table *x = *(struct schema_table *const *)a,
                              *y = *(struct schema_table *const *)b;
    int order = compare_names(x->view.db, y->view.db);

    return order ? order : compare_names(x->view.table, y->view.table);
}

int bt_schema_parse(struct bt_slice text, const char *name, struct bt_schema **ret,
                    struct bt_err *err)
{
    bt_auto_schema struct bt_schema *s = calloc(1, sizeof(*s));
    size_t at = 0;
    int result;

    if (!s)
        return bt_fail(err, BT_ERR_SYSTEM, "out of memory for a schema");
    bt_arena_init(&s->arena, MEMORY_MAX);
    s->name = name;
    while (at < text.len && memchr(" \t\r\n", text.ptr[at], 4))
        at++;
    if (at < text.len && text.ptr[at] == '{')
        result = read_json(s, text, err);
    else
        result = schema_read_sql(s, text, err);
    if (result != 0)
        return -1;
    if (s->count > 1)
        qsort(s->tables, s->count, sizeof(struct schema_table *), compare_tables);
    *ret = bt_steal(s);
    return 0;
}

int bt_schema_load(const char *path, struct bt_schema **ret, struct bt_err *err)
{
    bt_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    bt_auto_buf struct bt_buf text;
    ssize_t got = 1;

    bt_buf_init(&text, FILE_MAX);
    if (fd < 0)
        return bt_fail_sys(err, "could not open \"%s\"", path);
    while (got > 0) {
        uint8_t *at = bt_buf_reserve(&text, 65536);

        if (!at)
            return bt_fail(err, BT_ERR_LIMIT, "schema \"%s\" has more than %d bytes", path,
                           FILE_MAX);
        got = read(fd, at, 65536);
        if (got < 0)
            return bt_fail_sys(err, "could not read \"%s\"", path);
        bt_buf_commit(&text, (size_t)got);
    }
    return bt_schema_parse(bt_buf_slice(&text), path, ret, err);
}

void bt_schema_free(struct bt_schema *schema)
{
    if (!schema)
        return;
    bt_arena_done(&schema->arena);
    free(schema->tables);
    free(schema);
}

static const struct bt_schema_table *find(const struct bt_schema *s, struct bt_slice db,
                                          struct bt_slice table)
{
    struct schema_table key = {.view = {.db = db, .table = table}}, *pointer = &key, **found = NULL;

    if (s->count > 0)
        found =
            bsearch(&pointer, s->tables, s->count, sizeof(struct schema_table *), compare_tables);
    return found ? &(*found)->view : NULL;
}

const struct bt_schema_table *bt_schema_find(const struct bt_schema *schema, struct bt_slice db,
                                             struct bt_slice table)
{
    const struct bt_schema_table *t = find(schema, db, table);

    return t ? t : find(schema, bt_slice_empty(), table);
}

size_t bt_schema_table_count(const struct bt_schema *schema)
{
    return schema->count;
}
