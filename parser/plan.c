/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/plan_priv.h"

#include <stdlib.h>
#include <strings.h>

#include "base/digits.h"
#include "base/quote.h"
#include "parser/decimal.h"
#include "parser/temporal.h"

enum { PLAN_MEMORY_MAX = 64 << 20, NAME_TEXT_MAX = 4096 };

/* ------------------------------------------------------- does the schema fit */

static bool type_is(const struct bt_schema_column *s, const char *names)
{
    const char *at = names;

    while (*at) {
        size_t len = strcspn(at, " ");

        if (len == s->type.len && memcmp(at, s->type.ptr, len) == 0)
            return true;
        at += len;
        at += strspn(at, " ");
    }
    return false;
}

/* The schema's types that are logged as `type`, blanks between them. */
static const char *schema_types_of(uint8_t type)
{
    switch (type) {
    case BT_COLUMN_TINY: return "tinyint bool boolean";
    case BT_COLUMN_SHORT: return "smallint";
    case BT_COLUMN_INT24: return "mediumint";
    case BT_COLUMN_LONG: return "int integer";
    case BT_COLUMN_LONGLONG: return "bigint serial";
    case BT_COLUMN_FLOAT: return "float";
    case BT_COLUMN_DOUBLE: return "double real float";
    case BT_COLUMN_NEWDECIMAL: return "decimal numeric dec fixed";
    case BT_COLUMN_TIMESTAMP:
    case BT_COLUMN_TIMESTAMP2: return "timestamp";
    case BT_COLUMN_DATE:
    case BT_COLUMN_NEWDATE: return "date";
    case BT_COLUMN_TIME:
    case BT_COLUMN_TIME2: return "time";
    case BT_COLUMN_DATETIME:
    case BT_COLUMN_DATETIME2: return "datetime";
    case BT_COLUMN_YEAR: return "year";
    case BT_COLUMN_BIT: return "bit";
    case BT_COLUMN_ENUM: return "enum";
    case BT_COLUMN_SET: return "set";
    case BT_COLUMN_VARCHAR:
    case BT_COLUMN_VAR_STRING: return "varchar varbinary vector";
    case BT_COLUMN_VARCHAR_COMPRESSED: return "varchar varbinary";
    case BT_COLUMN_STRING: return "char binary inet4 inet6 uuid";
    case BT_COLUMN_TINY_BLOB:
    case BT_COLUMN_MEDIUM_BLOB:
    case BT_COLUMN_LONG_BLOB:
    case BT_COLUMN_BLOB:
    case BT_COLUMN_BLOB_COMPRESSED:
        return "tinyblob blob mediumblob longblob tinytext text mediumtext longtext json xmltype";
    case BT_COLUMN_GEOMETRY:
        return "geometry point linestring polygon multipoint multilinestring multipolygon"
               " geometrycollection geomcollection";
    case BT_COLUMN_JSON: return "json";
    case BT_COLUMN_VECTOR: return "vector";
    default: return "";
    }
}

/* Why the schema's table cannot be the one that was logged; NULL when it can. */
static const char *schema_misfit(struct bt_plan *p, const struct bt_table *table,
                                 const struct bt_schema_table *s)
{
    if (s->column_count != table->map.column_count)
        return bt_arena_strf(&p->arena, "the schema has %u columns, the log has %u",
                             s->column_count, table->map.column_count);
    for (uint32_t i = 0; i < s->column_count; i++)
        if (!type_is(&s->columns[i], schema_types_of(table->columns[i].type)))
            return bt_arena_strf(&p->arena, "column %u is %.*s in the schema and of type %u in the"
                                            " log",
                                 i + 1, BT_SLICE_ARG(s->columns[i].type),
                                 (unsigned)table->columns[i].type);
    return NULL;
}

/* ------------------------------------------------------------------- steps */

static bool step_integer(const struct bt_column *c, const struct bt_schema_column *s,
                         struct step *ret)
{
    static const struct {
        uint8_t type, op, width;
    } integers[] = {{BT_COLUMN_TINY, OP_I8, 1},
                    {BT_COLUMN_SHORT, OP_I16, 2},
                    {BT_COLUMN_INT24, OP_I24, 3},
                    {BT_COLUMN_LONG, OP_I32, 4},
                    {BT_COLUMN_LONGLONG, OP_I64, 8}};
    bool is_unsigned = c->knows_sign ? c->is_unsigned : s && s->is_unsigned;

    for (size_t i = 0; i < sizeof(integers) / sizeof(integers[0]); i++) {
        if (integers[i].type != c->type)
            continue;
        ret->width = ret->fixed_len = integers[i].width;
        ret->op = is_unsigned ? (uint8_t)OP_LE : integers[i].op;
        ret->kind = is_unsigned ? BT_VALUE_UINT : BT_VALUE_INT;
        return true;
    }
    return false;
}

static bool step_fixed(struct step *ret, enum step_op op, enum bt_value_kind kind, size_t width)
{
    ret->op = (uint8_t)op;
    ret->kind = (uint8_t)kind;
    ret->width = ret->fixed_len = (uint8_t)width;
    return width > 0;
}

/* The old temporal types, with the fraction that only a schema can tell of. */
static bool step_old_temporal(const struct bt_column *c, const struct bt_schema_column *s,
                              struct step *ret)
{
    static const uint8_t datetime_size[] = {8, 6, 6, 7, 7, 7, 8},
                         time_size[] = {3, 4, 4, 5, 5, 5, 6};
    unsigned digits = s && s->length <= 6 ? s->length : 0;

    ret->digits = (uint8_t)digits;
    if (c->type == BT_COLUMN_TIMESTAMP)
        return step_fixed(ret, digits ? OP_TIMESTAMP_HIRES : OP_TIMESTAMP_OLD, BT_VALUE_TIMESTAMP,
                          4 + bt_fraction_size(digits));
    if (c->type == BT_COLUMN_DATETIME)
        return step_fixed(ret, digits ? OP_DATETIME_HIRES : OP_DATETIME_OLD, BT_VALUE_DATETIME,
                          datetime_size[digits]);
    return step_fixed(ret, digits ? OP_TIME_HIRES : OP_TIME_OLD, BT_VALUE_TIME, time_size[digits]);
}

static bool step_new_temporal(const struct bt_column *c, struct step *ret)
{
    if (c->meta > 6)
        return false;
    ret->digits = (uint8_t)c->meta;
    if (c->type == BT_COLUMN_TIMESTAMP2)
        return step_fixed(ret, OP_TIMESTAMP2, BT_VALUE_TIMESTAMP, 4 + bt_fraction_size(c->meta));
    if (c->type == BT_COLUMN_DATETIME2)
        return step_fixed(ret, OP_DATETIME2, BT_VALUE_DATETIME, 5 + bt_fraction_size(c->meta));
    return step_fixed(ret, OP_TIME2, BT_VALUE_TIME, 3 + bt_fraction_size(c->meta));
}

static bool step_variable(struct step *ret, enum step_op op, enum bt_value_kind kind, size_t width)
{
    ret->op = (uint8_t)op;
    ret->kind = (uint8_t)kind;
    ret->width = (uint8_t)width;
    return width >= 1 && width <= 4;
}

/* What a string of bytes is: the schema knows best, then the collation. */
static enum bt_value_kind string_kind(const struct bt_column *c, const struct bt_schema_column *s)
{
    if (s && type_is(s, "inet4"))
        return BT_VALUE_INET4;
    if (s && type_is(s, "inet6"))
        return BT_VALUE_INET6;
    if (s && type_is(s, "uuid"))
        return BT_VALUE_UUID;
    if (s && type_is(s, "vector"))
        return BT_VALUE_VECTOR;
    if (s && type_is(s, "binary varbinary tinyblob blob mediumblob longblob"))
        return BT_VALUE_BINARY;
    return c->collation == 63 ? BT_VALUE_BINARY : BT_VALUE_TEXT;
}

static bool step_string(const struct bt_column *c, const struct bt_schema_column *s,
                        struct step *ret)
{
    enum bt_value_kind kind = string_kind(c, s);

    switch (c->type) {
    case BT_COLUMN_VARCHAR:
    case BT_COLUMN_VAR_STRING:
    case BT_COLUMN_STRING: return step_variable(ret, OP_VARIABLE, kind, c->meta > 255 ? 2 : 1);
    case BT_COLUMN_VARCHAR_COMPRESSED:
        return step_variable(ret, OP_COMPRESSED, kind, c->meta > 255 ? 2 : 1);
    case BT_COLUMN_BLOB_COMPRESSED: return step_variable(ret, OP_COMPRESSED, kind, c->meta);
    case BT_COLUMN_TINY_BLOB: return step_variable(ret, OP_VARIABLE, kind, 1);
    case BT_COLUMN_MEDIUM_BLOB: return step_variable(ret, OP_VARIABLE, kind, 3);
    case BT_COLUMN_LONG_BLOB: return step_variable(ret, OP_VARIABLE, kind, 4);
    case BT_COLUMN_BLOB: return step_variable(ret, OP_VARIABLE, kind, c->meta);
    case BT_COLUMN_GEOMETRY: return step_variable(ret, OP_VARIABLE, BT_VALUE_GEOMETRY, c->meta);
    case BT_COLUMN_JSON: return step_variable(ret, OP_VARIABLE, BT_VALUE_JSON, c->meta);
    case BT_COLUMN_VECTOR: return step_variable(ret, OP_VARIABLE, BT_VALUE_VECTOR, c->meta);
    case BT_COLUMN_TYPED_ARRAY: return step_variable(ret, OP_VARIABLE, BT_VALUE_OPAQUE, 4);
    default: return false;
    }
}

/* False when values of the column cannot be found in a row. */
static bool step_of(const struct bt_column *c, const struct bt_schema_column *s, struct step *ret)
{
    if (step_integer(c, s, ret))
        return true;
    switch (c->type) {
    case BT_COLUMN_FLOAT: return step_fixed(ret, OP_FLOAT, BT_VALUE_FLOAT, 4);
    case BT_COLUMN_DOUBLE: return step_fixed(ret, OP_DOUBLE, BT_VALUE_DOUBLE, 8);
    case BT_COLUMN_NEWDECIMAL:
        return step_fixed(ret, OP_FIXED, BT_VALUE_DECIMAL,
                          bt_decimal_size(c->meta >> 8, c->meta & 255));
    case BT_COLUMN_NULL: ret->op = OP_NOTHING; return true;
    case BT_COLUMN_DATE:
    case BT_COLUMN_NEWDATE: return step_fixed(ret, OP_DATE, BT_VALUE_DATE, 3);
    case BT_COLUMN_TIMESTAMP:
    case BT_COLUMN_DATETIME:
    case BT_COLUMN_TIME: return step_old_temporal(c, s, ret);
    case BT_COLUMN_TIMESTAMP2:
    case BT_COLUMN_DATETIME2:
    case BT_COLUMN_TIME2: return step_new_temporal(c, ret);
    case BT_COLUMN_YEAR: return step_fixed(ret, OP_YEAR, BT_VALUE_YEAR, 1);
    case BT_COLUMN_BIT:
        return c->meta <= 64 && step_fixed(ret, OP_BE, BT_VALUE_BIT, (c->meta + 7u) / 8);
    case BT_COLUMN_ENUM: return c->meta <= 2 && step_fixed(ret, OP_LE, BT_VALUE_ENUM, c->meta);
    case BT_COLUMN_SET: return c->meta <= 8 && step_fixed(ret, OP_LE, BT_VALUE_SET, c->meta);
    default: return step_string(c, s, ret);
    }
}

/* ----------------------------------------------------------------- columns */

/* text as a JSON string, or hex where it is not UTF-8, with suffix behind it; KEY_STEP bytes
 * follow. */
static int quote(struct bt_plan *p, struct bt_slice text, const char *suffix, struct bt_slice *ret,
                 struct bt_err *err)
{
    size_t suffix_len = strlen(suffix);
    uint8_t *at, *end;

    bt_buf_reset(p->scratch);
    at = bt_buf_reserve(p->scratch, BT_QUOTE_ROOM(text.len) + suffix_len + KEY_STEP);
    if (!at)
        return bt_buf_check(p->scratch, "name", err);
    end = bt_quote_at(at, text);
    if (!end)
        end = bt_quote_hex_at(at, text);
    memcpy(end, suffix, suffix_len);
    memset(end + suffix_len, 0, KEY_STEP);
    *ret = bt_arena_dup(&p->arena, bt_slice(at, (size_t)(end - at) + suffix_len + KEY_STEP));
    ret->len -= KEY_STEP;
    return ret->ptr ? 0 : bt_arena_fail(&p->arena, "names of a table", err);
}

static int name_column(struct bt_plan *p, size_t i, const struct bt_column *c,
                       const struct bt_schema_column *s, struct bt_err *err)
{
    struct plan_column *col = &p->columns[i];
    struct bt_slice name = c->name.len ? c->name : s ? s->name
                                                     : bt_slice_empty();

    if (name.len == 0) {
        char text[BT_DIGITS_MAX + 1] = "@";

        name = bt_slice(text, (size_t)(bt_put_u64(text + 1, i + 1) - text));
        col->name = bt_arena_dup(&p->arena, name);
    } else {
        p->has_names = true;
        col->name = bt_arena_dup(&p->arena, name);
    }
    if (!col->name.ptr)
        return bt_arena_fail(&p->arena, "names of a table", err);
    return quote(p, col->name, ":", &col->key, err);
}

/* A converter for the charset, shared with an earlier column of the same. */
static int find_reader(struct bt_plan *p, size_t i, struct bt_err *err)
{
    struct plan_column *col = &p->columns[i];

    if (!col->charset || col->charset->form == BT_CHARSET_UTF8)
        return 0;
    for (size_t n = 0; n < i; n++) {
        if (p->columns[n].charset == col->charset && p->columns[n].reader) {
            col->reader = p->columns[n].reader;
            return 0;
        }
    }
    return bt_charset_reader_new(col->charset, &col->reader, err);
}

/* One member's name, in the column's charset when it comes from the log, to both of its forms. */
static int keep_member(struct bt_plan *p, const struct plan_column *col, struct bt_slice name,
                       struct member *ret, struct bt_err *err)
{
    bt_auto_buf struct bt_buf utf8;
    int result = 1;

    bt_buf_init(&utf8, PLAN_MEMORY_MAX);
    if (col && col->reader) {
        result = bt_charset_read(col->reader, name, &utf8, err);
        if (result < 0)
            return -1;
    }
    if (result != 0 && !bt_utf8_is_valid(name)) {
        bt_buf_add_str(&utf8, "0x");
        for (size_t i = 0; i < name.len; i++)
            bt_buf_addf(&utf8, "%02X", name.ptr[i]);
        result = 0;
    }
    ret->text = bt_arena_dup(&p->arena, result == 0 ? bt_buf_slice(&utf8) : name);
    if (!ret->text.ptr)
        return bt_arena_fail(&p->arena, "ENUM and SET members", err);
    return quote(p, ret->text, "", &ret->quoted, err);
}

static int keep_members(struct bt_plan *p, struct plan_column *col, const struct bt_column *c,
                        const struct bt_schema_column *s, struct bt_err *err)
{
    uint32_t count = c->member_count ? c->member_count : s ? s->member_count
                                                           : 0;
    struct bt_slice rest = c->members, name;

    if (count == 0)
        return 0;
    col->members = bt_arena_array(&p->arena, count, sizeof(*col->members));
    if (!col->members)
        return bt_arena_fail(&p->arena, "ENUM and SET members", err);
    for (uint32_t n = 0; n < count; n++) {
        int result = 0;

        if (c->member_count)
            result = bt_column_next_member(&rest, &name, err);
        else
            name = s->members[n];
        if (result < 0 || (result == 0 && keep_member(p, c->member_count ? col : NULL, name,
                                                      &col->members[n], err) != 0))
            return -1;
        if (result == 1)
            break;
        col->member_count = n + 1;
    }
    return 0;
}

static const struct bt_charset *charset_of(const struct bt_column *c,
                                           const struct bt_schema_column *s)
{
    if (c->collation)
        return bt_charset_of_collation(c->collation);
    return s && s->charset.len ? bt_charset_by_name(s->charset) : NULL;
}

static int plan_column(struct bt_plan *p, size_t i, const struct bt_column *c,
                       const struct bt_schema_column *s, struct bt_err *err)
{
    struct plan_column *col = &p->columns[i];
    struct step *step = &p->steps[i];

    step->column = (uint16_t)i;
    if (!step_of(c, s, step))
        return bt_fail(err, BT_ERR_CORRUPT, "column %zu has type %u with metadata %u, whose values"
                                            " have no known size",
                       i + 1, (unsigned)c->type, (unsigned)c->meta);
    col->digits = step->digits;
    col->key_part = c->key_part ? c->key_part : s ? s->key_part
                                                  : 0;
    col->is_json = step->kind == BT_VALUE_JSON;
    p->json_count += col->is_json;
    p->guesses_fractions |= !s && p->flavor == BT_FLAVOR_MARIADB &&
                            (c->type == BT_COLUMN_TIMESTAMP || c->type == BT_COLUMN_DATETIME ||
                             c->type == BT_COLUMN_TIME);
    if (step->kind == BT_VALUE_DECIMAL) {
        col->precision = (uint8_t)(c->meta >> 8);
        col->scale = (uint8_t)c->meta;
    }
    if (step->kind == BT_VALUE_TEXT || step->kind == BT_VALUE_ENUM || step->kind == BT_VALUE_SET)
        col->charset = charset_of(c, s);
    if (step->kind == BT_VALUE_BINARY && c->type == BT_COLUMN_STRING)
        col->pad_to = c->meta;
    else if (step->kind == BT_VALUE_INET4)
        col->pad_to = 4;
    else if (step->kind == BT_VALUE_INET6 || step->kind == BT_VALUE_UUID)
        col->pad_to = 16;
    if (name_column(p, i, c, s, err) != 0 || find_reader(p, i, err) != 0)
        return -1;
    return keep_members(p, col, c, s, err);
}

/* Neighbours of fixed size become one hop. */
static void plan_hops(struct bt_plan *p)
{
    struct hop hop = {0};

    for (size_t i = 0; i < p->count; i++) {
        const struct step *s = &p->steps[i];

        hop.fixed += s->fixed_len;
        if (s->fixed_len || !s->width)
            continue;
        hop.width = s->width;
        p->hops[p->hop_count++] = hop;
        hop = (struct hop){0};
    }
    if (hop.fixed)
        p->hops[p->hop_count++] = hop;
}

/* ------------------------------------------------------------------ public */

static struct bt_plan *new_plan(size_t count)
{
    struct bt_plan *p = calloc(1, sizeof(*p));

    if (!p)
        return NULL;
    bt_arena_init(&p->arena, PLAN_MEMORY_MAX);
    p->steps = bt_arena_array(&p->arena, count, sizeof(*p->steps));
    p->columns = bt_arena_array(&p->arena, count, sizeof(*p->columns));
    p->hops = bt_arena_array(&p->arena, count + 1, sizeof(*p->hops));
    p->scratch = malloc(sizeof(*p->scratch));
    if (p->scratch)
        bt_buf_init(p->scratch, SIZE_MAX / 2);
    if (!p->steps || !p->columns || !p->hops || !p->scratch) {
        bt_plan_free(p);
        return NULL;
    }
    p->count = count;
    p->bitmap_len = (count + 7) / 8;
    p->last_bits = (uint8_t)(0xffu >> (0 - count) % 8);
    return p;
}

int bt_plan_new(const struct bt_table *table, const struct bt_schema *schema, struct bt_plan **ret,
                struct bt_err *err)
{
    const struct bt_table_map *map = &table->map;
    const struct bt_schema_table *s = schema ? bt_schema_find(schema, map->db, map->table) : NULL;
    struct bt_plan *p = new_plan(map->column_count);

    if (!p)
        return bt_fail(err, BT_ERR_SYSTEM, "out of memory for a decode plan");
    p->flavor = map->flavor;
    if (s)
        p->note = schema_misfit(p, table, s);
    for (uint32_t i = 0; i < map->column_count; i++) {
        const struct bt_schema_column *from = s && !p->note ? &s->columns[i] : NULL;

        if (plan_column(p, i, &table->columns[i], from, err) != 0) {
            bt_plan_free(p);
            return bt_err_wrap(err, "table \"%.*s\".\"%.*s\"", BT_SLICE_ARG(map->db),
                               BT_SLICE_ARG(map->table));
        }
    }
    plan_hops(p);
    *ret = p;
    return 0;
}

void bt_plan_free(struct bt_plan *plan)
{
    if (!plan)
        return;
    for (size_t i = 0; i < plan->count; i++) {
        bool is_shared = false;

        for (size_t n = 0; n < i && !is_shared; n++)
            is_shared = plan->columns[n].reader == plan->columns[i].reader;
        if (!is_shared)
            bt_charset_reader_free(plan->columns[i].reader);
    }
    if (plan->scratch)
        bt_buf_done(plan->scratch);
    free(plan->scratch);
    bt_arena_done(&plan->arena);
    free(plan);
}

static void free_kept(void *plan)
{
    bt_plan_free(plan);
}

int bt_plan_of(struct bt_table *table, const struct bt_schema *schema, const struct bt_plan **ret,
               struct bt_err *err)
{
    if (!table->plan) {
        struct bt_plan *made;

        if (bt_plan_new(table, schema, &made, err) != 0)
            return -1;
        table->plan = made;
        table->plan_free = free_kept;
    }
    *ret = table->plan;
    return 0;
}

size_t bt_plan_column_count(const struct bt_plan *plan)
{
    return plan->count;
}

struct bt_slice bt_plan_name(const struct bt_plan *plan, size_t column)
{
    return plan->columns[column].name;
}

bool bt_plan_has_names(const struct bt_plan *plan)
{
    return plan->has_names;
}

uint16_t bt_plan_key_part(const struct bt_plan *plan, size_t column)
{
    return plan->columns[column].key_part;
}

const char *bt_plan_note(const struct bt_plan *plan)
{
    return plan->note;
}
