/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/json_binary.h"

#include "base/digits.h"
#include "base/quote.h"
#include "parser/decimal.h"
#include "parser/double_text.h"
#include "parser/table_map.h"
#include "parser/temporal.h"

enum json_type {
    SMALL_OBJECT = 0,
    LARGE_OBJECT = 1,
    SMALL_ARRAY = 2,
    LARGE_ARRAY = 3,
    LITERAL = 4,
    INT16 = 5,
    UINT16 = 6,
    INT32 = 7,
    UINT32 = 8,
    INT64 = 9,
    UINT64 = 10,
    DOUBLE = 11,
    STRING = 12,
    OPAQUE = 15,
};

struct reader {
    struct bt_buf *out;
    /* bytes that may still be read: a sound document has each of its bytes read once */
    size_t left;
};

/* Accounts for n bytes read. */
static bool spend(struct reader *r, size_t n)
{
    if (n > r->left)
        return false;
    r->left -= n;
    return true;
}

void bt_json_binary_quote(struct bt_slice text, struct bt_buf *out)
{
    uint8_t *at = bt_buf_reserve(out, BT_QUOTE_ROOM(text.len)), *end;

    if (!at)
        return;
    end = bt_quote_at(at, text);
    if (!end)
        end = bt_quote_hex_at(at, text);
    bt_buf_commit(out, (size_t)(end - at));
}

static bool put_i64(struct reader *r, int64_t value)
{
    char text[BT_DIGITS_MAX + 1];

    return bt_buf_add(r->out, text, (size_t)(bt_put_i64(text, value) - text));
}

static bool put_double(struct reader *r, uint64_t bits)
{
    char text[BT_DOUBLE_TEXT_SIZE];
    size_t len;
    double value;

    memcpy(&value, &bits, sizeof(value));
    if (value - value != 0) /* not finite */
        return bt_buf_add_str(r->out, "null");
    len = (size_t)(bt_double_text(value, text) - text);
    bt_buf_add(r->out, text, len);
    if (!memchr(text, '.', len) && !memchr(text, 'e', len))
        bt_buf_add_str(r->out, ".0"); /* as the server, so that it stays a double */
    return true;
}

/* A length in groups of 7 bits, low first, at most 5 bytes; then that many bytes. */
static bool take_var(struct bt_cursor *c, struct bt_slice *ret)
{
    uint64_t len = 0;
    uint8_t byte = 0x80;

    for (unsigned shift = 0; byte & 0x80; shift += 7) {
        if (shift > 28 || !bt_cur_u8(c, &byte))
            return false;
        len |= (uint64_t)(byte & 0x7f) << shift;
    }
    return bt_cur_take(c, len, ret);
}

/* ------------------------------------------------------------------ opaque */

static void put_base64(struct bt_buf *out, struct bt_slice bytes)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t n = bytes.len - i < 3 ? bytes.len - i : 3;
        uint32_t three = (uint32_t)bytes.ptr[i] << 16 |
                         (n > 1 ? (uint32_t)bytes.ptr[i + 1] << 8 : 0) |
                         (n > 2 ? bytes.ptr[i + 2] : 0);
        char four[4] = {letters[three >> 18], letters[three >> 12 & 63],
                        n > 1 ? letters[three >> 6 & 63] : '=', n > 2 ? letters[three & 63] : '='};

        bt_buf_add(out, four, 4);
    }
}

/* DECIMAL: precision u8, scale u8, packed digits. */
static bool put_decimal(struct reader *r, struct bt_slice data)
{
    struct bt_cursor c = bt_cursor(data);
    char text[BT_DECIMAL_TEXT_SIZE], *end;
    uint8_t precision, scale;

    if (!bt_cur_u8(&c, &precision) || !bt_cur_u8(&c, &scale) || c.left == 0 ||
        bt_decimal_size(precision, scale) != c.left)
        return false;
    end = bt_decimal_text(bt_cur_rest(&c), precision, scale, text);
    return end && bt_buf_add(r->out, text, (size_t)(end - text));
}

/* Dates and times: the packed number of temporal.h, always with microseconds. */
static bool put_temporal(struct reader *r, uint8_t type, struct bt_slice data)
{
    struct bt_cursor c = bt_cursor(data);
    char text[BT_TEMPORAL_TEXT_SIZE + 2], *at = text;
    uint64_t packed;

    if (!bt_cur_u64(&c, &packed) || c.left)
        return false;
    *at++ = '"';
    if (type == BT_COLUMN_DATE)
        at = bt_date_text((int64_t)packed, at);
    else if (type == BT_COLUMN_TIME)
        at = bt_sql_time_text((int64_t)packed, 6, at);
    else
        at = bt_datetime_text((int64_t)packed, 6, at);
    *at++ = '"';
    return bt_buf_add(r->out, text, (size_t)(at - text));
}

static bool put_opaque(struct reader *r, struct bt_cursor *c)
{
    struct bt_slice data;
    uint8_t type;

    if (!bt_cur_u8(c, &type) || !take_var(c, &data) || !spend(r, data.len))
        return false;
    if (type == BT_COLUMN_NEWDECIMAL)
        return put_decimal(r, data);
    if (type == BT_COLUMN_DATE || type == BT_COLUMN_TIME || type == BT_COLUMN_DATETIME ||
        type == BT_COLUMN_TIMESTAMP)
        return put_temporal(r, type, data);
    bt_buf_addf(r->out, "\"base64:type%u:", (unsigned)type);
    put_base64(r->out, data);
    return bt_buf_add_byte(r->out, '"');
}

/* ------------------------------------------------------------------ values */

static bool put_value(struct reader *r, uint8_t type, struct bt_slice bytes, int depth);

static bool put_literal(struct reader *r, uint64_t literal)
{
    static const char *const names[] = {"null", "true", "false"};

    return literal < 3 && bt_buf_add_str(r->out, names[literal]);
}

/* One of the two widths of counts and offsets. */
static bool cur_size(struct bt_cursor *c, bool is_large, uint64_t *ret)
{
    return bt_cur_le(c, is_large ? 4 : 2, ret);
}

/* The value of an element: in place where it fits, else at its offset in `whole`. */
static bool put_element(struct reader *r, struct bt_cursor *entries, struct bt_slice whole,
                        bool is_large, int depth)
{
    uint8_t type;
    uint64_t field;

    if (!bt_cur_u8(entries, &type) || !cur_size(entries, is_large, &field))
        return false;
    if (type == LITERAL)
        return put_literal(r, field);
    if (type == INT16)
        return put_i64(r, (int16_t)field);
    if (type == UINT16)
        return put_i64(r, (uint16_t)field);
    if (is_large && type == INT32)
        return put_i64(r, (int32_t)field);
    if (is_large && type == UINT32)
        return put_i64(r, (uint32_t)field);
    if (field > whole.len)
        return false;
    return put_value(r, type, bt_slice(whole.ptr + field, whole.len - field), depth + 1);
}

static bool put_key(struct reader *r, struct bt_cursor *entries, struct bt_slice whole,
                    bool is_large)
{
    uint64_t offset;
    uint16_t len;

    if (!cur_size(entries, is_large, &offset) || !bt_cur_u16(entries, &len) || offset > whole.len ||
        len > whole.len - offset || !spend(r, len))
        return false;
    bt_json_binary_quote(bt_slice(whole.ptr + offset, len), r->out);
    return bt_buf_add_str(r->out, ": ");
}

static bool put_container(struct reader *r, struct bt_slice bytes, bool is_object, bool is_large,
                          int depth)
{
    struct bt_cursor c = bt_cursor(bytes), keys, values;
    size_t key_size = is_object ? (is_large ? 6 : 4) : 0, value_size = is_large ? 5 : 3;
    uint64_t count, size;
    struct bt_slice whole;

    if (depth > BT_JSON_DEPTH_MAX || !cur_size(&c, is_large, &count) ||
        !cur_size(&c, is_large, &size) || size > bytes.len ||
        count > c.left / (key_size + value_size) ||
        !spend(r, (size_t)count * (key_size + value_size) + (is_large ? 8 : 4)))
        return false;
    whole = bt_slice(bytes.ptr, (size_t)size);
    keys = values = c;
    if (!bt_cur_skip(&values, count * key_size))
        return false;
    bt_buf_add_byte(r->out, is_object ? '{' : '[');
    for (uint64_t i = 0; i < count; i++) {
        if (i > 0)
            bt_buf_add_str(r->out, ", ");
        if (is_object && !put_key(r, &keys, whole, is_large))
            return false;
        if (!put_element(r, &values, whole, is_large, depth))
            return false;
    }
    return bt_buf_add_byte(r->out, is_object ? '}' : ']');
}

static bool put_number(struct reader *r, uint8_t type, struct bt_slice bytes)
{
    struct bt_cursor c = bt_cursor(bytes);
    uint64_t value;
    size_t size = type <= UINT16 ? 2 : type <= UINT32 ? 4
                                                      : 8;

    if (!bt_cur_le(&c, size, &value) || !spend(r, size))
        return false;
    switch ((enum json_type)type) {
    case INT16: return put_i64(r, (int16_t)value);
    case INT32: return put_i64(r, (int32_t)value);
    case INT64: return put_i64(r, (int64_t)value);
    case DOUBLE: return put_double(r, value);
    case UINT16:
    case UINT32:
    case UINT64: {
        char text[BT_DIGITS_MAX];

        return bt_buf_add(r->out, text, (size_t)(bt_put_u64(text, value) - text));
    }
    case SMALL_OBJECT:
    case LARGE_OBJECT:
    case SMALL_ARRAY:
    case LARGE_ARRAY:
    case LITERAL:
    case STRING:
    case OPAQUE: break;
    }
    return false;
}

static bool put_value(struct reader *r, uint8_t type, struct bt_slice bytes, int depth)
{
    struct bt_cursor c = bt_cursor(bytes);
    struct bt_slice text;
    uint8_t literal;

    if (r->out->failed)
        return false;
    switch (type) {
    case SMALL_OBJECT:
    case LARGE_OBJECT: return put_container(r, bytes, true, type == LARGE_OBJECT, depth);
    case SMALL_ARRAY:
    case LARGE_ARRAY: return put_container(r, bytes, false, type == LARGE_ARRAY, depth);
    case LITERAL: return bt_cur_u8(&c, &literal) && put_literal(r, literal);
    case STRING:
        if (!take_var(&c, &text) || !spend(r, text.len))
            return false;
        bt_json_binary_quote(text, r->out);
        return true;
    case OPAQUE: return put_opaque(r, &c);
    default: return put_number(r, type, bytes);
    }
}

int bt_json_binary_text(struct bt_slice bytes, struct bt_buf *out, struct bt_err *err)
{
    struct reader r = {out, bytes.len};
    struct bt_cursor c = bt_cursor(bytes);
    uint8_t type;
    bool fine;

    if (!bt_cur_u8(&c, &type))
        fine = bt_buf_add_str(out, "null");
    else
        fine = put_value(&r, type, bt_cur_rest(&c), 1);
    if (bt_buf_check(out, "JSON", err) != 0)
        return -1;
    if (!fine)
        return bt_fail(err, BT_ERR_CORRUPT, "JSON of %zu bytes does not follow its binary format",
                       bytes.len);
    return 0;
}

/* ------------------------------------------------------------- differences */

int bt_json_diff_text(struct bt_slice bytes, struct bt_buf *out, struct bt_err *err)
{
    static const char *const ops[] = {"replace", "insert", "remove"};
    struct bt_cursor c = bt_cursor(bytes);
    struct bt_slice path, value;
    uint8_t op;

    bt_buf_add_byte(out, '[');
    for (bool is_first = true; c.left; is_first = false) {
        if (!bt_cur_u8(&c, &op) || op > 2 || !bt_cur_lenenc_take(&c, &path) ||
            (op != 2 && !bt_cur_lenenc_take(&c, &value)))
            return bt_fail(err, BT_ERR_CORRUPT, "JSON differences of %zu bytes do not follow their"
                                                " format at byte %zu",
                           bytes.len, bytes.len - c.left);
        bt_buf_addf(out, "%s{\"op\":\"%s\",\"path\":", is_first ? "" : ",", ops[op]);
        bt_json_binary_quote(path, out);
        if (op != 2) {
            bt_buf_add_str(out, ",\"value\":");
            if (bt_json_binary_text(value, out, err) != 0)
                return bt_err_wrap(err, "in a JSON difference");
        }
        bt_buf_add_byte(out, '}');
    }
    bt_buf_add_byte(out, ']');
    return bt_buf_check(out, "JSON differences", err);
}
