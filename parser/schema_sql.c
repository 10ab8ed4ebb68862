/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema_sql.c - the CREATE TABLE statements of a dump.
 *
 * Knows what SHOW CREATE TABLE prints (MariaDB 10.5 to 11.8, MySQL 5.6 to 9.7) and what people
 * write like it.  The text inside version comments (8.0 and M! forms) counts, as it does for the
 * server that wrote it.  Every other statement is skipped, strings and DELIMITER respected.
 */
#include "parser/schema_priv.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "parser/charset.h"

enum token_kind { TOKEN_END, TOKEN_WORD, TOKEN_NAME, TOKEN_STRING, TOKEN_MARK };

struct token {
    enum token_kind kind;
    struct bt_slice text; /* WORD as it stands; NAME and STRING unescaped, in the arena */
    char mark;
};

struct sql {
    struct bt_schema *schema;
    struct bt_slice all;
    struct bt_cursor c;
    struct bt_err *err;
    struct token token; /* the one to be looked at */
    struct bt_slice db; /* of the last USE */
    char delimiter[16]; /* of statements, ";" but between DELIMITER lines */
};

/* -------------------------------------------------------------------- tokens */

static int fail_here(const struct sql *q, const char *what)
{
    size_t line = 1;

    for (const uint8_t *p = q->all.ptr; p < q->c.at; p++)
        line += *p == '\n';
    return bt_fail(q->err, BT_ERR_CONFIG, "%s:%zu: %s", q->schema->name, line, what);
}

static bool at_text(const struct sql *q, const char *text)
{
    return bt_slice_starts_with(bt_cur_rest(&q->c), text);
}

static void advance(struct sql *q, size_t n)
{
    size_t take = n < q->c.left ? n : q->c.left;

    q->c.at += take;
    q->c.left -= take;
}

static void skip_line(struct sql *q)
{
    const uint8_t *end = memchr(q->c.at, '\n', q->c.left);

    advance(q, end ? (size_t)(end - q->c.at) : q->c.left);
}

static void skip_comment(struct sql *q)
{
    const uint8_t *end = memmem(q->c.at, q->c.left, "*/", 2);

    advance(q, end ? (size_t)(end - q->c.at) + 2 : q->c.left);
}

/* Blanks, comments, and the marks around version comments, whose content is read. */
static void skip_blanks(struct sql *q)
{
    while (q->c.left) {
        if (isspace(*q->c.at) || at_text(q, "*/")) {
            advance(q, at_text(q, "*/") ? 2 : 1);
        } else if (*q->c.at == '#' || at_text(q, "-- ") || at_text(q, "--\n")) {
            skip_line(q);
        } else if (at_text(q, "/*!") || at_text(q, "/*M!")) {
            advance(q, at_text(q, "/*!") ? 3 : 4);
            while (q->c.left && isdigit(*q->c.at))
                advance(q, 1);
            if (q->c.left && *q->c.at == '\\') /* MariaDB's sandbox line */
                skip_comment(q);
        } else if (at_text(q, "/*")) {
            advance(q, 2);
            skip_comment(q);
        } else {
            return;
        }
    }
}

/* A name or string up to its quote, which stands doubled or (strings) behind a backslash inside. */
static int read_quoted(struct sql *q, char quote, bool has_escapes, struct bt_slice *ret)
{
    struct bt_buf text;
    uint8_t c;

    bt_buf_init(&text, 1 << 24);
    advance(q, 1);
    for (;;) {
        if (!bt_cur_u8(&q->c, &c)) {
            bt_buf_done(&text);
            return fail_here(q, "a quoted text has no end");
        }
        if (c == (uint8_t)quote) {
            if (!q->c.left || *q->c.at != c)
                break;
            advance(q, 1);
        } else if (has_escapes && c == '\\' && bt_cur_u8(&q->c, &c)) {
            c = c == 'n' ? '\n' : c == 't' ? '\t'
                              : c == 'r'   ? '\r'
                              : c == '0'   ? '\0'
                                           : c;
        }
        bt_buf_add_byte(&text, c);
    }
    *ret = bt_arena_dup(&q->schema->arena, bt_buf_slice(&text));
    bt_buf_done(&text);
    return ret->ptr ? 0 : bt_arena_fail(&q->schema->arena, "schema", q->err);
}

static bool is_word(uint8_t c)
{
    return isalnum(c) || c == '_' || c == '$' || c >= 0x80 || c == '.';
}

/* Moves to the next token. */
static int next(struct sql *q)
{
    const uint8_t *begin;

    skip_blanks(q);
    q->token = (struct token){.kind = TOKEN_END, .text = bt_slice_empty()};
    if (!q->c.left)
        return 0;
    begin = q->c.at;
    if (*begin == '`' || *begin == '"') {
        q->token.kind = TOKEN_NAME;
        return read_quoted(q, (char)*begin, false, &q->token.text);
    }
    if (*begin == '\'') {
        q->token.kind = TOKEN_STRING;
        return read_quoted(q, '\'', true, &q->token.text);
    }
    if (!is_word(*begin) || *begin == '.') {
        q->token.kind = TOKEN_MARK;
        q->token.mark = (char)*begin;
        advance(q, 1);
        return 0;
    }
    while (q->c.left && is_word(*q->c.at) && *q->c.at != '.')
        advance(q, 1);
    q->token.kind = TOKEN_WORD;
    q->token.text = bt_slice(begin, (size_t)(q->c.at - begin));
    return 0;
}

static bool is_mark(const struct sql *q, char mark)
{
    return q->token.kind == TOKEN_MARK && q->token.mark == mark;
}

static bool is_keyword(const struct sql *q, const char *word)
{
    return q->token.kind == TOKEN_WORD && q->token.text.len == strlen(word) &&
           strncasecmp((const char *)q->token.text.ptr, word, q->token.text.len) == 0;
}

static bool is_one_of(const struct sql *q, const char *const *words)
{
    for (; *words; words++)
        if (is_keyword(q, *words))
            return true;
    return false;
}

/* Behind the ")" that belongs to the "(" at the token. */
static int skip_parentheses(struct sql *q)
{
    int depth = 0;

    do {
        if (q->token.kind == TOKEN_END)
            return fail_here(q, "a parenthesis is not closed");
        depth += is_mark(q, '(') - is_mark(q, ')');
        if (next(q) != 0)
            return -1;
    } while (depth > 0);
    return 0;
}

/* ------------------------------------------------------------------- columns */

static struct bt_slice lower(struct sql *q, struct bt_slice text)
{
    char *copy = bt_arena_str(&q->schema->arena, text);

    if (!copy)
        return bt_slice_empty();
    for (char *p = copy; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    return bt_slice(copy, text.len);
}

/* ('a','b') of ENUM and SET. */
static int read_members(struct sql *q, struct bt_schema_column *column)
{
    struct bt_slice *members = NULL;
    uint32_t count = 0, room = 0;

    for (;;) {
        if (q->token.kind != TOKEN_STRING)
            return fail_here(q, "ENUM and SET want strings");
        if (count == room) {
            uint32_t wanted = room ? room * 2 : 8;
            struct bt_slice *more = bt_arena_array(&q->schema->arena, wanted, sizeof(*more));

            if (!more)
                return bt_arena_fail(&q->schema->arena, "schema", q->err);
            if (members)
                memcpy(more, members, count * sizeof(*more));
            members = more;
            room = wanted;
        }
        members[count++] = q->token.text;
        if (next(q) != 0)
            return -1;
        if (!is_mark(q, ','))
            break;
        if (next(q) != 0)
            return -1;
    }
    column->members = members;
    column->member_count = count;
    return 0;
}

static int read_number(struct sql *q, uint32_t *ret)
{
    char text[16];

    if (q->token.kind != TOKEN_WORD || q->token.text.len >= sizeof(text) ||
        !isdigit(q->token.text.ptr[0]))
        return fail_here(q, "a number is expected in the parentheses of a type");
    memcpy(text, q->token.text.ptr, q->token.text.len);
    text[q->token.text.len] = '\0';
    *ret = (uint32_t)strtoul(text, NULL, 10);
    return next(q);
}

/* The parentheses behind a type, if there are any. */
static int read_type_size(struct sql *q, struct bt_schema_column *column)
{
    bool has_members =
        bt_slice_equal_str(column->type, "enum") || bt_slice_equal_str(column->type, "set");

    if (!is_mark(q, '('))
        return has_members ? fail_here(q, "ENUM and SET want members") : 0;
    if (next(q) != 0)
        return -1;
    if (has_members) {
        if (read_members(q, column) != 0)
            return -1;
    } else {
        if (read_number(q, &column->length) != 0)
            return -1;
        if (is_mark(q, ',') && (next(q) != 0 || read_number(q, &column->scale) != 0))
            return -1;
    }
    if (!is_mark(q, ')'))
        return fail_here(q, "\")\" is expected behind the size of a type");
    return next(q);
}

/* A charset or collation behind its keyword. */
static int read_charset(struct sql *q, bool is_collation, struct bt_slice *ret)
{
    struct bt_slice name;

    if (is_mark(q, '=') && next(q) != 0)
        return -1;
    name = q->token.text;
    if (q->token.kind == TOKEN_END || q->token.kind == TOKEN_MARK)
        return fail_here(q, "a charset is expected");
    if (is_collation && ret->len) /* the charset was named already */
        return next(q);
    if (bt_charset_by_name(name)) {
        const uint8_t *end = memchr(name.ptr, '_', name.len);

        *ret = lower(q, end ? bt_slice(name.ptr, (size_t)(end - name.ptr)) : name);
    }
    return next(q);
}

/* What may stand behind a type, up to the "," or ")" of the column. */
static int read_attributes(struct sql *q, struct bt_schema_column *column, uint16_t *key_parts)
{
    while (q->token.kind != TOKEN_END && !is_mark(q, ',') && !is_mark(q, ')')) {
        bool is_charset = is_keyword(q, "charset"), is_collation = is_keyword(q, "collate");

        if (is_mark(q, '(')) {
            if (skip_parentheses(q) != 0)
                return -1;
            continue;
        }
        if (is_keyword(q, "unsigned") || is_keyword(q, "zerofill"))
            column->is_unsigned = true;
        else if (is_keyword(q, "compressed"))
            column->is_compressed = true;
        else if (is_keyword(q, "virtual"))
            column->is_virtual = true;
        else if (is_keyword(q, "invisible"))
            column->is_invisible = true;
        else if (is_keyword(q, "primary"))
            column->key_part = ++*key_parts;
        if (is_keyword(q, "character")) {
            if (next(q) != 0)
                return -1;
            is_charset = is_keyword(q, "set");
        }
        if (next(q) != 0)
            return -1;
        if ((is_charset || is_collation) && read_charset(q, is_collation, &column->charset) != 0)
            return -1;
    }
    return 0;
}

/* The type at the token and all that follows it. */
static int read_definition(struct sql *q, struct bt_schema_column *column, uint16_t *key_parts)
{
    if (q->token.kind != TOKEN_WORD)
        return fail_here(q, "a column has no type");
    column->type = lower(q, q->token.text);
    column->is_unsigned = bt_slice_equal_str(column->type, "serial");
    if (next(q) != 0)
        return -1;
    if (is_keyword(q, "precision") && next(q) != 0)
        return -1;
    return read_type_size(q, column) != 0 || read_attributes(q, column, key_parts) != 0 ? -1 : 0;
}

int schema_read_type(struct bt_schema *s, struct bt_slice text, struct bt_schema_column *ret,
                     struct bt_err *err)
{
    struct sql q = {.schema = s, .all = text, .c = bt_cursor(text), .err = err};
    uint16_t key_parts = 0;

    if (next(&q) != 0 || read_definition(&q, ret, &key_parts) != 0)
        return -1;
    return q.token.kind == TOKEN_END ? 0 : fail_here(&q, "a type has something behind it");
}

/* -------------------------------------------------------------------- tables */

/* PRIMARY KEY [USING x] (`a`,`b`(10) DESC): the token is at what follows KEY. */
static int read_primary_key(struct sql *q, struct schema_table *t)
{
    uint16_t part = 0;

    while (q->token.kind != TOKEN_END && !is_mark(q, '('))
        if (next(q) != 0)
            return -1;
    do {
        if (next(q) != 0)
            return -1;
        for (uint32_t i = 0; i < t->view.column_count; i++)
            if (bt_slice_equal(t->columns[i].name, q->token.text))
                t->columns[i].key_part = ++part;
        while (q->token.kind != TOKEN_END && !is_mark(q, ',') && !is_mark(q, ')')) {
            if (next(q) != 0 || (is_mark(q, '(') && skip_parentheses(q) != 0))
                return -1;
        }
    } while (is_mark(q, ','));
    return next(q);
}

/* To the "," or ")" that ends an item. */
static int skip_item(struct sql *q)
{
    while (q->token.kind != TOKEN_END && !is_mark(q, ',') && !is_mark(q, ')'))
        if (is_mark(q, '(') ? skip_parentheses(q) != 0 : next(q) != 0)
            return -1;
    return 0;
}

static int read_item(struct sql *q, struct schema_table *t, uint16_t *key_parts)
{
    static const char *const others[] = {"key", "index", "unique", "fulltext", "spatial", "foreign",
                                         "check", "period", NULL};
    struct bt_schema_column *column;

    if (is_keyword(q, "constraint")) {
        if (next(q) != 0)
            return -1;
        if (!is_keyword(q, "primary") && !is_one_of(q, others) && next(q) != 0)
            return -1;
    }
    if (is_keyword(q, "primary"))
        return read_primary_key(q, t) != 0 || skip_item(q) != 0 ? -1 : 0;
    if (is_one_of(q, others))
        return skip_item(q);
    if (q->token.kind != TOKEN_WORD && q->token.kind != TOKEN_NAME)
        return fail_here(q, "a column or key is expected");
    column = schema_add_column(q->schema, t, q->err);
    if (!column)
        return -1;
    column->name = bt_arena_dup(&q->schema->arena, q->token.text);
    if (!column->name.ptr)
        return bt_arena_fail(&q->schema->arena, "schema", q->err);
    return next(q) != 0 ? -1 : read_definition(q, column, key_parts);
}

/* ENGINE=... DEFAULT CHARSET=utf8mb4 COLLATE=...: up to the end of the statement. */
static int read_options(struct sql *q, struct schema_table *t)
{
    struct bt_slice charset = bt_slice_empty();

    while (q->token.kind != TOKEN_END && !is_mark(q, ';')) {
        bool is_charset = is_keyword(q, "charset"), is_collation = is_keyword(q, "collate");

        if (is_keyword(q, "character")) {
            if (next(q) != 0)
                return -1;
            is_charset = is_keyword(q, "set");
        }
        if (next(q) != 0)
            return -1;
        if ((is_charset || is_collation) && read_charset(q, is_collation, &charset) != 0)
            return -1;
    }
    schema_default_charset(t, charset);
    return 0;
}

/* db.table or table at the token. */
static int read_table_name(struct sql *q, struct bt_slice *ret_db, struct bt_slice *ret_table)
{
    *ret_db = q->db;
    for (;;) {
        if (q->token.kind != TOKEN_WORD && q->token.kind != TOKEN_NAME)
            return fail_here(q, "a table has no name");
        *ret_table = q->token.text;
        if (next(q) != 0)
            return -1;
        if (!is_mark(q, '.'))
            return 0;
        *ret_db = *ret_table;
        if (next(q) != 0)
            return -1;
    }
}

/* A CREATE TABLE from the token behind TABLE. */
static int read_table(struct sql *q)
{
    static const char *const noise[] = {"if", "not", "exists", NULL};
    struct bt_slice db, table;
    struct schema_table *t;
    uint16_t key_parts = 0;

    while (is_one_of(q, noise))
        if (next(q) != 0)
            return -1;
    if (read_table_name(q, &db, &table) != 0)
        return -1;
    if (!is_mark(q, '('))
        return fail_here(q, "the columns of a table are expected in parentheses");
    t = schema_add_table(q->schema, db, table, q->err);
    if (!t)
        return -1;
    do {
        if (next(q) != 0 || read_item(q, t, &key_parts) != 0)
            return -1;
    } while (is_mark(q, ','));
    if (!is_mark(q, ')'))
        return fail_here(q, "a table's columns are not closed by \")\"");
    if (t->view.column_count == 0)
        return fail_here(q, "a table has no columns");
    return next(q) != 0 ? -1 : read_options(q, t);
}

/* ---------------------------------------------------------------- statements */

/* Behind the delimiter; strings and names may hold it. */
static int skip_statement(struct sql *q)
{
    size_t len = strlen(q->delimiter);

    while (q->c.left && !at_text(q, q->delimiter)) {
        struct bt_slice ignored;
        uint8_t c = *q->c.at;

        if (c == '\'' || c == '"' || c == '`') {
            if (read_quoted(q, (char)c, c != '`', &ignored) != 0)
                return -1;
        } else if (c == '#' || at_text(q, "-- ")) {
            skip_line(q);
        } else if (at_text(q, "/*") && !at_text(q, "/*!") && !at_text(q, "/*M!")) {
            skip_comment(q);
        } else {
            advance(q, 1);
        }
    }
    advance(q, len);
    return 0;
}

static int read_delimiter(struct sql *q)
{
    size_t len = 0;

    while (q->c.left && (*q->c.at == ' ' || *q->c.at == '\t'))
        advance(q, 1);
    while (len < q->c.left && !isspace(q->c.at[len]))
        len++;
    if (len == 0 || len >= sizeof(q->delimiter))
        return fail_here(q, "DELIMITER wants up to 15 characters");
    memcpy(q->delimiter, q->c.at, len);
    q->delimiter[len] = '\0';
    skip_line(q);
    return 0;
}

static int read_create(struct sql *q, bool *ret_is_table)
{
    static const char *const noise[] = {"or", "replace", "temporary", NULL};

    do {
        if (next(q) != 0)
            return -1;
    } while (is_one_of(q, noise));
    *ret_is_table = is_keyword(q, "table");
    return *ret_is_table && (next(q) != 0 || read_table(q) != 0) ? -1 : 0;
}

int schema_read_sql(struct bt_schema *s, struct bt_slice text, struct bt_err *err)
{
    struct sql q = {.schema = s,
                    .all = text,
                    .c = bt_cursor(text),
                    .err = err,
                    .db = bt_slice_empty(),
                    .delimiter = ";"};

    for (;;) {
        bool is_table = false;

        if (next(&q) != 0)
            return -1;
        if (q.token.kind == TOKEN_END)
            return 0;
        if (is_mark(&q, ';'))
            continue;
        if (is_keyword(&q, "delimiter")) {
            if (read_delimiter(&q) != 0)
                return -1;
            continue;
        }
        if (is_keyword(&q, "use")) {
            if (next(&q) != 0)
                return -1;
            q.db = bt_arena_dup(&s->arena, q.token.text);
            if (!q.db.ptr)
                return bt_arena_fail(&s->arena, "schema", err);
        } else if (is_keyword(&q, "create") && read_create(&q, &is_table) != 0) {
            return -1;
        }
        if (!is_table && !is_mark(&q, ';') && skip_statement(&q) != 0)
            return -1;
    }
}
