/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/table_keys.h"

#include <stdlib.h>
#include <strings.h>
#include <xxhash.h>

#include "base/number.h"

enum { KEYS_MEMORY_MAX = 64 << 20, TABLES_MAX = 1 << 16, SQL_MAX = 1 << 16 };

struct bt_key_source {
    struct bt_connection *connection;
    struct bt_arena arena;
    struct bt_table_keys **tables; /* open addressing by id */
    size_t room, count;
    struct bt_rows parents; /* tables that others refer to */
    bool has_parents;
    bool runs_triggers; /* for rows too: any table may change any other */
};

int bt_key_source_open(struct bt_connection *c, struct bt_key_source **ret, struct bt_err *err)
{
    struct bt_key_source *s = calloc(1, sizeof(*s));
    struct bt_deadline soon = bt_deadline_in(10000);
    char runs[64] = "NO";

    if (!s)
        return bt_fail(err, BT_ERR_SYSTEM, "out of memory");
    if (bt_connection_server(c)->flavor == BT_FLAVOR_MARIADB &&
        bt_connection_value(c, "SELECT @@slave_run_triggers_for_rbr", soon, sizeof(runs), runs,
                            err) < 0) {
        free(s);
        return -1;
    }
    s->connection = c;
    s->runs_triggers = strcmp(runs, "NO") != 0;
    bt_arena_init(&s->arena, KEYS_MEMORY_MAX);
    *ret = s;
    return 0;
}

void bt_key_source_forget(struct bt_key_source *s)
{
    free(s->tables);
    s->tables = NULL;
    s->room = s->count = 0;
    bt_arena_reset(&s->arena);
    if (s->has_parents)
        bt_rows_done(&s->parents);
    s->has_parents = false;
}

void bt_key_source_close(struct bt_key_source *s)
{
    if (!s)
        return;
    bt_key_source_forget(s);
    bt_arena_done(&s->arena);
    free(s);
}

/* ------------------------------------------------------------------ asking */

/* sql with each "?" being the name of the database, then of the table. */
static int ask(struct bt_key_source *s, const char *sql, struct bt_slice db, struct bt_slice table,
               struct bt_deadline deadline, struct bt_rows *ret, struct bt_err *err)
{
    bt_auto_buf struct bt_buf text = {.max = SQL_MAX};
    bool is_table = false;

    for (; *sql; sql++) {
        if (*sql != '?') {
            bt_buf_add_byte(&text, (uint8_t)*sql);
            continue;
        }
        bt_sql_add_text(s->connection, &text, is_table ? table : db);
        is_table = !is_table;
    }
    if (bt_buf_check(&text, "a statement", err) < 0)
        return -1;
    return bt_connection_query(s->connection, bt_buf_slice(&text), deadline, ret, err);
}

static int ask_parents(struct bt_key_source *s, struct bt_deadline deadline, struct bt_err *err)
{
    static const char sql[] =
        "SELECT DISTINCT unique_constraint_schema, referenced_table_name "
        "FROM information_schema.referential_constraints";

    if (s->has_parents)
        return 0;
    if (bt_connection_query(s->connection, bt_slice_str(sql), deadline, &s->parents, err) < 0)
        return -1;
    s->has_parents = true;
    return 0;
}

static bool is_parent(const struct bt_key_source *s, struct bt_slice db, struct bt_slice table)
{
    for (uint64_t i = 0; i < s->parents.row_count; i++) {
        const char *schema = bt_rows_text_at(&s->parents, i, 0);
        const char *name = bt_rows_text_at(&s->parents, i, 1);

        if (schema && name && strlen(schema) == db.len && strlen(name) == table.len &&
            strncasecmp(schema, (const char *)db.ptr, db.len) == 0 &&
            strncasecmp(name, (const char *)table.ptr, table.len) == 0)
            return true;
    }
    return false;
}

/* --------------------------------------------------------------- understanding */

static bool ends_in(const char *text, const char *end)
{
    size_t a = strlen(text), b = strlen(end);

    return a >= b && strcmp(text + a - b, end) == 0;
}

/* How the values of a column are equal under its collation; false when it is not known.  Listed are
 * collations in which no two strings of printable ASCII are equal but for case and trailing blanks
 * (national ones have I=J, V=W, Y=I); whoever uses BT_KEY_FOLDED gives up at any other character.
 */
static bool text_of(const char *collation, uint8_t *ret)
{
    static const char *const folded[] = {"_general_ci", "_general_nopad_ci", "_unicode_ci",
                                         "_unicode_nopad_ci", "_unicode_520_ci",
                                         "_unicode_520_nopad_ci", "_uca1400_ai_ci",
                                         "_uca1400_as_ci", "_0900_ai_ci", "_0900_as_ci"};
    static const char *const charsets[] = {"latin1_", "ascii_", "utf8_", "utf8mb3_", "utf8mb4_"};
    bool known = false;

    if (!collation || strcmp(collation, "binary") == 0) {
        *ret = BT_KEY_EXACT;
        return true;
    }
    for (size_t i = 0; i < sizeof(charsets) / sizeof(charsets[0]); i++)
        known = known || strncmp(collation, charsets[i], strlen(charsets[i])) == 0;
    if (!known && strncmp(collation, "uca1400_", 8) != 0)
        return false;
    *ret = BT_KEY_PADDED;
    if (ends_in(collation, "_bin") || ends_in(collation, "_nopad_bin"))
        return true;
    *ret = BT_KEY_FOLDED;
    if (strcmp(collation, "latin1_swedish_ci") == 0)
        return true;
    for (size_t i = 0; i < sizeof(folded) / sizeof(folded[0]); i++) {
        if (ends_in(collation, folded[i]))
            return true;
    }
    return false;
}

static int find_column(const struct bt_rows *columns, const char *name)
{
    for (uint64_t i = 0; name && i < columns->row_count; i++) {
        const char *have = bt_rows_text_at(columns, i, 0);

        if (have && strcasecmp(have, name) == 0)
            return (int)i;
    }
    return -1;
}

/* One row of STATISTICS as the next part of a key; false when we cannot compute its equality. */
static bool add_part(struct bt_table_key *key, const struct bt_rows *columns,
                     const struct bt_rows *parts, uint64_t row)
{
    int column = find_column(columns, bt_rows_text_at(parts, row, 1));
    const char *nullable, *extra, *type;
    struct bt_index_part *part;
    uint64_t prefix = 0;

    if (column < 0 || key->part_count == BT_KEY_PARTS_MAX)
        return false; /* an expression */
    nullable = bt_rows_text_at(columns, (uint64_t)column, 2);
    extra = bt_rows_text_at(columns, (uint64_t)column, 3);
    type = bt_rows_text_at(columns, (uint64_t)column, 4);
    part = &key->parts[key->part_count++];
    *part = (struct bt_index_part){.column = (uint16_t)column};
    /* Generated values need not be in the log; JSON and floats have more than one image. */
    if (!nullable || !extra || !type || strstr(extra, "GENERATED") || strcmp(type, "json") == 0)
        return false;
    (void)!bt_rows_u64(parts, row, "sub_part", &prefix);
    if (prefix > UINT16_MAX)
        return false;
    part->prefix = (uint16_t)prefix;
    key->is_nullable |= strcmp(nullable, "NO") != 0;
    return text_of(bt_rows_text_at(columns, (uint64_t)column, 1), &part->text);
}

static int read_keys(struct bt_key_source *s, const struct bt_rows *columns,
                     const struct bt_rows *parts, struct bt_table_keys *t, struct bt_err *err)
{
    struct bt_table_key *key = NULL;
    bool has_row_key = false;

    t->keys = bt_arena_array(&s->arena, (size_t)parts->row_count, sizeof(*t->keys));
    t->columns = bt_arena_array(&s->arena, (size_t)columns->row_count, sizeof(*t->columns));
    t->charsets = bt_arena_array(&s->arena, (size_t)columns->row_count, sizeof(*t->charsets));
    if (!t->keys || !t->columns || !t->charsets)
        return bt_arena_fail(&s->arena, "the keys of a table", err);
    t->column_count = (uint32_t)columns->row_count;
    for (uint64_t i = 0; i < columns->row_count; i++) {
        const char *name = bt_rows_text_at(columns, i, 0);
        const char *charset = bt_rows_text_at(columns, i, 5);

        t->columns[i] = bt_arena_str(&s->arena, bt_slice_str(name ? name : ""));
        t->charsets[i] = bt_arena_str(&s->arena, bt_slice_str(charset ? charset : ""));
        if (!t->columns[i] || !t->charsets[i])
            return bt_arena_fail(&s->arena, "the columns of a table", err);
    }
    for (uint64_t i = 0; i < parts->row_count; i++) {
        const char *name = bt_rows_text_at(parts, i, 0);

        if (!name || strlen(name) > BT_KEY_NAME_MAX)
            return bt_fail(err, BT_ERR_REMOTE, "the target told an index without a name");
        if (!key || strcmp(key->name, name) != 0) {
            key = &t->keys[t->key_count++];
            memcpy(key->name, name, strlen(name) + 1);
        }
        if (!add_part(key, columns, parts, i))
            t->is_whole = true;
    }
    for (size_t i = 0; i < t->key_count; i++)
        has_row_key |= !t->keys[i].is_nullable;
    t->is_whole |= !has_row_key;
    return 0;
}

/* What SHOW CREATE TABLE says that makes rows depend on each other in other ways. */
static bool has_text(const struct bt_rows *create, const char *text)
{
    const char *sql = bt_rows_text_at(create, 0, 1);

    return !sql || strcasestr(sql, text) != NULL;
}

static int ask_table(struct bt_key_source *s, struct bt_slice db, struct bt_slice table,
                     struct bt_deadline deadline, struct bt_table_keys *t, struct bt_err *err)
{
    bt_auto_rows struct bt_rows kind = {0}, columns = {0}, parts = {0}, create = {0};
    bt_auto_buf struct bt_buf show = {.max = SQL_MAX};
    struct bt_err not_shown = {0};
    const char *engine, *type;

    if (ask_parents(s, deadline, err) < 0 ||
        ask(s,
            "SELECT engine, table_type FROM information_schema.tables "
            "WHERE table_schema=? AND table_name=?",
            db, table, deadline, &kind, err) < 0)
        return -1;
    t->is_barrier = true;
    engine = bt_rows_text_at(&kind, 0, 0);
    type = bt_rows_text_at(&kind, 0, 1);
    t->is_transactional = engine && strcmp(engine, "InnoDB") == 0;
    if (!t->is_transactional || !type ||
        (strcmp(type, "BASE TABLE") != 0 && strcmp(type, "SYSTEM VERSIONED") != 0))
        return 0;
    bt_buf_add_str(&show, "SHOW CREATE TABLE ");
    bt_sql_add_name(&show, db);
    bt_buf_add_byte(&show, '.');
    bt_sql_add_name(&show, table);
    if (bt_connection_query(s->connection, bt_buf_slice(&show), deadline, &create, &not_shown) < 0)
        return 0;
    t->is_barrier =
        s->runs_triggers || is_parent(s, db, table) || has_text(&create, "FOREIGN KEY");
    t->is_whole = has_text(&create, "WITHOUT OVERLAPS") || has_text(&create, "SYSTEM VERSIONING");
    if (ask(s,
            "SELECT column_name, collation_name, is_nullable, extra, data_type, character_set_name "
            "FROM information_schema.columns WHERE table_schema=? AND table_name=? "
            "ORDER BY ordinal_position",
            db, table, deadline, &columns, err) < 0 ||
        ask(s,
            "SELECT index_name, column_name, sub_part AS sub_part "
            "FROM information_schema.statistics WHERE table_schema=? AND table_name=? "
            "AND non_unique=0 ORDER BY index_name='PRIMARY' DESC, index_name, seq_in_index",
            db, table, deadline, &parts, err) < 0)
        return -1;
    return read_keys(s, &columns, &parts, t, err);
}

/* -------------------------------------------------------------------- the cache */

static struct bt_table_keys **slot_of(struct bt_table_keys **tables, size_t room, uint64_t id)
{
    size_t at = id & (room - 1);

    while (tables[at] && tables[at]->id != id)
        at = (at + 1) & (room - 1);
    return &tables[at];
}

static int grow(struct bt_key_source *s, struct bt_err *err)
{
    size_t room = s->room ? s->room * 2 : 64;
    struct bt_table_keys **tables;

    if (s->count * 2 < s->room)
        return 0;
    if (s->count >= TABLES_MAX)
        bt_key_source_forget(s);
    tables = calloc(room, sizeof(struct bt_table_keys *));
    if (!tables)
        return bt_fail(err, BT_ERR_SYSTEM, "out of memory");
    for (size_t i = 0; i < s->room; i++) {
        if (s->tables && s->tables[i])
            *slot_of(tables, room, s->tables[i]->id) = s->tables[i];
    }
    free(s->tables);
    s->tables = tables;
    s->room = room;
    return 0;
}

int bt_key_source_find(struct bt_key_source *s, struct bt_slice db, struct bt_slice table,
                       struct bt_deadline deadline, const struct bt_table_keys **ret,
                       struct bt_err *err)
{
    uint64_t id = XXH3_64bits_withSeed(db.ptr, db.len, db.len + 1) ^
                  XXH3_64bits_withSeed(table.ptr, table.len, 0);
    struct bt_table_keys **slot, *t;

    if (grow(s, err) < 0)
        return -1;
    slot = slot_of(s->tables, s->room, id);
    if (!*slot) {
        t = bt_arena_alloc(&s->arena, sizeof(*t));
        if (!t)
            return bt_arena_fail(&s->arena, "the keys of tables", err);
        t->id = id;
        if (ask_table(s, db, table, deadline, t, err) < 0)
            return bt_err_wrap(err, "keys of table %.*s.%.*s", BT_SLICE_ARG(db),
                               BT_SLICE_ARG(table));
        *slot = t;
        s->count++;
    }
    *ret = *slot;
    return 0;
}
