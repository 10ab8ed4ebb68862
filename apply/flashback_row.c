/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/flashback_row.h"

#include <stdio.h>

const char *const bt_flashback_session[] = {
    "SET NAMES binary",
    "SET SESSION time_zone = '+00:00', foreign_key_checks = 0",
    "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'",
    "SET SESSION sql_log_bin = 0",
};
const size_t bt_flashback_session_count =
    sizeof(bt_flashback_session) / sizeof(bt_flashback_session[0]);

/* How a kind of value stands in SQL. */
enum form {
    FORM_NUMBER,   /* as it is printed; column compared as it is */
    FORM_EXACT,    /* a double, with all its digits */
    FORM_INDEX,    /* ENUM, SET, BIT: by number */
    FORM_TEXT,     /* printed, in quotes: ASCII */
    FORM_BYTES,    /* hex; the column compared as bytes */
    FORM_INTERNAL, /* hex; the column compared by HEX(): no operator takes its bytes */
    FORM_JSON,     /* MySQL's */
    FORM_NONE,
};

static enum form form_of(const struct bt_value *value)
{
    switch ((enum bt_value_kind)value->kind) {
    case BT_VALUE_INT:
    case BT_VALUE_UINT:
    case BT_VALUE_DECIMAL:
    case BT_VALUE_YEAR: return FORM_NUMBER;
    case BT_VALUE_FLOAT:
    case BT_VALUE_DOUBLE: return FORM_EXACT;
    case BT_VALUE_BIT:
    case BT_VALUE_ENUM:
    case BT_VALUE_SET: return FORM_INDEX;
    case BT_VALUE_DATE:
    case BT_VALUE_TIME:
    case BT_VALUE_DATETIME:
    case BT_VALUE_TIMESTAMP:
    case BT_VALUE_INET4:
    case BT_VALUE_INET6:
    case BT_VALUE_UUID: return FORM_TEXT;
    case BT_VALUE_TEXT:
    case BT_VALUE_BINARY: return FORM_BYTES;
    case BT_VALUE_GEOMETRY:
    case BT_VALUE_VECTOR: return FORM_INTERNAL;
    case BT_VALUE_JSON: return FORM_JSON;
    case BT_VALUE_JSON_DIFF:
    case BT_VALUE_OPAQUE: return FORM_NONE;
    }
    return FORM_NONE;
}

/* -------------------------------------------------------------------- literals */

/* x'...' of the bytes, with zeros behind them up to size. */
static void add_bytes(struct bt_buf *out, struct bt_slice bytes, size_t size)
{
    static const char digits[] = "0123456789ABCDEF";

    bt_buf_add_str(out, "x'");
    for (size_t i = 0; i < bytes.len; i++) {
        bt_buf_add_byte(out, (uint8_t)digits[bytes.ptr[i] >> 4]);
        bt_buf_add_byte(out, (uint8_t)digits[bytes.ptr[i] & 15]);
    }
    for (size_t i = bytes.len; i < size; i++)
        bt_buf_add_str(out, "00");
    bt_buf_add_byte(out, '\'');
}

/* Seventeen digits are exact; the exponent makes it a double and not a decimal. */
static void add_double(struct bt_buf *out, double value)
{
    char text[40];

    snprintf(text, sizeof(text), "%.17g", value);
    bt_buf_addf(out, strchr(text, 'e') ? "%s" : "%se0", text);
}

static int add_printed(const struct bt_connection *sql, const struct bt_plan *plan, size_t i,
                       const struct bt_value *value, struct bt_buf *out, struct bt_err *err)
{
    bt_auto_buf struct bt_buf text;

    bt_buf_init(&text, 1 << 20);
    if (bt_value_text(plan, i, value, &text, err) != 0)
        return -1;
    /* As a binary string it would be taken for the bytes of an INET6 or UUID. */
    bt_buf_add_str(out, "_latin1");
    bt_sql_add_text(sql, out, bt_buf_slice(&text));
    return bt_buf_check(&text, "value", err);
}

static int add_json(const struct bt_plan *plan, size_t i, const struct bt_value *value,
                    struct bt_buf *out, struct bt_err *err)
{
    bt_auto_buf struct bt_buf text;

    bt_buf_init(&text, 1u << 30);
    if (bt_value_text(plan, i, value, &text, err) != 0)
        return -1;
    bt_buf_add_str(out, "CAST(CONVERT(");
    add_bytes(out, bt_buf_slice(&text), 0);
    bt_buf_add_str(out, " USING utf8mb4) AS JSON)");
    return bt_buf_check(&text, "value", err);
}

static int add_literal(const struct bt_connection *sql, const struct bt_flashback_column *column,
                       const struct bt_plan *plan, size_t i, const struct bt_value *value,
                       struct bt_buf *out, struct bt_err *err)
{
    if (value->state == BT_VALUE_NULL) {
        bt_buf_add_str(out, "NULL");
        return 0;
    }
    switch (form_of(value)) {
    case FORM_NUMBER: return bt_value_text(plan, i, value, out, err);
    case FORM_EXACT: add_double(out, value->f64); return 0;
    case FORM_INDEX: bt_buf_addf(out, "%llu", (unsigned long long)value->u64); return 0;
    case FORM_TEXT: return add_printed(sql, plan, i, value, out, err);
    case FORM_BYTES:
    case FORM_INTERNAL:
        add_bytes(out, value->bytes,
                  column->kind == BT_FLASHBACK_FIXED_BINARY ? column->length : 0);
        return 0;
    case FORM_JSON: return add_json(plan, i, value, out, err);
    case FORM_NONE: break;
    }
    return bt_fail(err, BT_ERR_CONFLICT,
                   "column \"%.*s\" has a value that cannot be written as SQL",
                   BT_SLICE_ARG(column->name));
}

/* -------------------------------------------------------------------- the row */

static int check_value(const struct bt_flashback_column *column, const struct bt_value *value,
                       struct bt_err *err)
{
    if (value->state != BT_VALUE_ABSENT || column->kind == BT_FLASHBACK_GENERATED)
        return 0;
    return bt_fail(err, BT_ERR_CONFLICT,
                   "column \"%.*s\" is not in the image: binlog_row_image was not FULL",
                   BT_SLICE_ARG(column->name));
}

/* `name` <=> value, in a form in which only the same value is equal. */
static int add_same(const struct bt_connection *sql, const struct bt_flashback_column *column,
                    const struct bt_plan *plan, size_t i, const struct bt_value *value,
                    struct bt_buf *out, struct bt_err *err)
{
    enum form form = value->state == BT_VALUE_NULL ? FORM_NUMBER : form_of(value);

    if (form == FORM_BYTES)
        bt_buf_add_str(out, "BINARY ");
    if (form == FORM_INTERNAL)
        bt_buf_add_str(out, "HEX(");
    bt_sql_add_name(out, column->name);
    bt_buf_add_str(out, form == FORM_INTERNAL ? ") <=> HEX("
                        : form == FORM_INDEX  ? "+0 <=> "
                                              : " <=> ");
    if (add_literal(sql, column, plan, i, value, out, err) != 0)
        return -1;
    if (form == FORM_INTERNAL)
        bt_buf_add_byte(out, ')');
    return 0;
}

/* A text of the primary key as the index takes it: in its own character set and collation. */
static void add_key(const struct bt_flashback_column *column, const struct bt_value *value,
                    struct bt_buf *out)
{
    bt_sql_add_name(out, column->name);
    bt_buf_add_str(out, " = ");
    if (column->charset.len)
        bt_buf_addf(out, "_%.*s ", BT_SLICE_ARG(column->charset));
    add_bytes(out, value->bytes,
              column->kind == BT_FLASHBACK_FIXED_BINARY ? column->length : 0);
}

int bt_flashback_same(const struct bt_connection *sql, const struct bt_flashback_table *table,
                      const struct bt_plan *plan, const struct bt_value *image, struct bt_buf *out,
                      struct bt_err *err)
{
    const char *and = "";

    for (size_t i = 0; i < table->column_count; i++) {
        if (image[i].state == BT_VALUE_ABSENT)
            continue; /* of a generated column */
        bt_buf_add_str(out, and);
        and = " AND ";
        if (bt_plan_key_part(plan, i) && image[i].state == BT_VALUE_HERE &&
            form_of(&image[i]) == FORM_BYTES) {
            add_key(&table->columns[i], &image[i], out);
            bt_buf_add_str(out, and);
        }
        if (add_same(sql, &table->columns[i], plan, i, &image[i], out, err) != 0)
            return -1;
    }
    return 0;
}

int bt_flashback_key(const struct bt_connection *sql, const struct bt_flashback_table *table,
                     const struct bt_plan *plan, const struct bt_value *image, struct bt_buf *out,
                     struct bt_err *err)
{
    const char *and = "";

    for (size_t i = 0; i < table->column_count; i++) {
        if (!bt_plan_key_part(plan, i))
            continue;
        if (image[i].state != BT_VALUE_HERE)
            return 1;
        bt_buf_add_str(out, and);
        and = " AND ";
        if (form_of(&image[i]) == FORM_BYTES)
            add_key(&table->columns[i], &image[i], out);
        else if (add_same(sql, &table->columns[i], plan, i, &image[i], out, err) != 0)
            return -1;
    }
    return and[0] ? 0 : 1;
}

static int add_where(const struct bt_connection *sql, const struct bt_flashback_table *table,
                     const struct bt_plan *plan, const struct bt_value *image, struct bt_buf *out,
                     struct bt_err *err)
{
    bt_buf_add_str(out, " WHERE ");
    if (bt_flashback_same(sql, table, plan, image, out, err) != 0)
        return -1;
    bt_buf_add_str(out, " LIMIT 1");
    return 0;
}

/* `a` = 1, `b` = 2: what may be set. */
static int add_set(const struct bt_connection *sql, const struct bt_flashback_table *table,
                   const struct bt_plan *plan, const struct bt_value *image, struct bt_buf *out,
                   struct bt_err *err)
{
    const char *comma = " SET ";

    for (size_t i = 0; i < table->column_count; i++) {
        if (table->columns[i].kind == BT_FLASHBACK_GENERATED)
            continue;
        bt_buf_add_str(out, comma);
        bt_sql_add_name(out, table->columns[i].name);
        bt_buf_add_str(out, " = ");
        if (add_literal(sql, &table->columns[i], plan, i, &image[i], out, err) != 0)
            return -1;
        comma = ", ";
    }
    return 0;
}

static void add_table(const struct bt_flashback_table *table, const char *verb, struct bt_buf *out)
{
    bt_buf_add_str(out, verb);
    bt_sql_add_name(out, table->db);
    bt_buf_add_byte(out, '.');
    bt_sql_add_name(out, table->table);
}

static int image_check(const struct bt_flashback_table *table, const struct bt_value *image,
                       struct bt_err *err)
{
    for (size_t i = 0; image && i < table->column_count; i++)
        if (check_value(&table->columns[i], &image[i], err) != 0)
            return -1;
    return 0;
}

int bt_flashback_row(const struct bt_connection *sql, const struct bt_flashback_table *table,
                     const struct bt_plan *plan, enum bt_rows_op op, const struct bt_row *row,
                     struct bt_buf *out, struct bt_err *err)
{
    if (bt_plan_column_count(plan) != table->column_count)
        return bt_fail(err, BT_ERR_CONFLICT,
                       "the table has %zu columns in the log and %zu on the target",
                       bt_plan_column_count(plan), table->column_count);
    if (image_check(table, row->before, err) != 0 || image_check(table, row->after, err) != 0)
        return -1;
    switch (op) {
    case BT_ROWS_INSERT:
        add_table(table, "DELETE FROM ", out);
        return add_where(sql, table, plan, row->after, out, err);
    case BT_ROWS_DELETE:
        add_table(table, "INSERT INTO ", out);
        return add_set(sql, table, plan, row->before, out, err);
    case BT_ROWS_UPDATE:
        add_table(table, "UPDATE ", out);
        if (add_set(sql, table, plan, row->before, out, err) != 0)
            return -1;
        return add_where(sql, table, plan, row->after, out, err);
    }
    return 0;
}
