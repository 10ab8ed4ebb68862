/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value_text.c - values as text and as JSON (the rules stand in value.h).
 *
 * Everything but long strings is under SMALL_ROOM bytes: it is written straight to the buffer
 * after one look at its room.  Row printing must not be slower than decoding.
 */
#include <arpa/inet.h>
#include <stdio.h>

#include "base/digits.h"
#include "base/quote.h"
#include "parser/decimal.h"
#include "parser/double_text.h"
#include "parser/geometry.h"
#include "parser/json_binary.h"
#include "parser/plan_priv.h"
#include "parser/temporal.h"

enum {
    SMALL_ROOM = 128,
    EXACT_FROM = 1024,   /* strings from this length are measured before room is made for them */
    LONG_FROM = 1 << 20, /* strings from this length are written in pieces of */
    PIECE = 128 << 10,
};

static inline void commit_to(struct bt_buf *out, const void *end)
{
    out->len = (size_t)((const uint8_t *)end - out->data);
}

/* ------------------------------------------------------------- long strings */

/* Cuts a piece off what is left of a text, between two characters where it is UTF-8. */
static struct bt_slice take_piece(struct bt_slice *left)
{
    size_t len = left->len < PIECE ? left->len : PIECE;
    struct bt_slice piece;

    for (int back = 0; back < 3 && len < left->len && (left->ptr[len] & 0xc0) == 0x80; back++)
        len--;
    piece = bt_slice(left->ptr, len);
    *left = bt_slice(left->ptr + len, left->len - len);
    return piece;
}

static bool is_long_utf8(struct bt_slice text, struct bt_buf *out)
{
    while (text.len) {
        if (!bt_utf8_is_valid(take_piece(&text)))
            return false;
        bt_buf_between(out);
    }
    return true;
}

/* Text that is UTF-8, or else hex digits; quoted if JSON. */
static int put_long(struct bt_slice bytes, bool is_hex, bool is_json, struct bt_buf *out,
                    struct bt_err *err)
{
    if (is_json)
        bt_buf_add_byte(out, '"');
    if (is_hex)
        bt_buf_add(out, "0x", 2);
    while (bytes.len) {
        struct bt_slice piece = take_piece(&bytes);
        uint8_t *at = bt_buf_reserve(out, BT_QUOTE_ROOM(piece.len));

        if (!at)
            break;
        if (is_hex)
            at = bt_hex_at(at, piece);
        else if (is_json)
            at = bt_quote_inside_at(at, piece);
        else
            at = (uint8_t *)mempcpy(at, piece.ptr, piece.len);
        commit_to(out, at);
        bt_buf_between(out);
    }
    if (is_json)
        bt_buf_add_byte(out, '"');
    return bt_buf_check(out, "row", err);
}

/* ----------------------------------------------------------------- strings */

/* What quoting a text that is not long takes at most. */
static size_t quote_room(struct bt_slice text)
{
    size_t escapes = 0;

    if (text.len < EXACT_FROM)
        return BT_QUOTE_ROOM(text.len);
    for (size_t i = 0; i < text.len; i++)
        escapes += (size_t)(text.ptr[i] < 0x20) | (size_t)(text.ptr[i] == '"') |
                   (size_t)(text.ptr[i] == '\\');
    return text.len + 5 * escapes + BT_QUOTE_ROOM(0);
}

/* "0x" and digits, zeros behind up to pad_to bytes, quotes if JSON. */
static int put_hex(struct bt_slice bytes, size_t pad_to, bool is_json, struct bt_buf *out,
                   struct bt_err *err)
{
    size_t zeros = bytes.len < pad_to ? pad_to - bytes.len : 0;
    uint8_t *at, *end;

    if (bytes.len >= LONG_FROM)
        return put_long(bytes, true, is_json, out, err);
    at = bt_buf_reserve(out, 2 * (bytes.len + zeros) + 8);
    if (!at)
        return bt_buf_check(out, "row", err);
    end = bt_quote_hex_at(at, bytes) - 1;
    memset(end, '0', 2 * zeros);
    end += 2 * zeros;
    if (is_json) {
        *end++ = '"';
    } else {
        memmove(at, at + 1, (size_t)(end - at) - 1);
        end--;
    }
    commit_to(out, end);
    return 0;
}

/* text, known to be in UTF-8 if it is valid at all. */
static int put_utf8(struct bt_slice text, bool is_json, struct bt_buf *out, struct bt_err *err)
{
    uint8_t *at, *end;

    if (text.len >= LONG_FROM)
        return put_long(text, !is_long_utf8(text, out), is_json, out, err);
    if (!is_json) {
        if (!bt_utf8_is_valid(text))
            return put_hex(text, 0, false, out, err);
        bt_buf_add_slice(out, text);
        return bt_buf_check(out, "row", err);
    }
    at = bt_buf_reserve(out, quote_room(text));
    if (!at)
        return bt_buf_check(out, "row", err);
    end = bt_quote_at(at, text);
    if (!end)
        return put_hex(text, 0, true, out, err);
    commit_to(out, end);
    return 0;
}

static int put_text(const struct bt_plan *plan, const struct plan_column *col, struct bt_slice text,
                    bool is_json, struct bt_buf *out, struct bt_err *err)
{
    int result;

    if (!col->reader)
        return put_utf8(text, is_json, out, err);
    bt_buf_reset(plan->scratch);
    result = bt_charset_read(col->reader, text, plan->scratch, err);
    if (result < 0)
        return -1;
    if (result == 1)
        return put_hex(text, 0, is_json, out, err);
    return put_utf8(bt_buf_slice(plan->scratch), is_json, out, err);
}

/* ------------------------------------------------------------ ENUM and SET */

static int put_member(const struct member *member, bool is_json, struct bt_buf *out,
                      struct bt_err *err)
{
    bt_buf_add_slice(out, is_json ? member->quoted : member->text);
    return bt_buf_check(out, "row", err);
}

static int put_u64(uint64_t value, struct bt_buf *out, struct bt_err *err)
{
    uint8_t *at = bt_buf_reserve(out, SMALL_ROOM);

    if (!at)
        return bt_buf_check(out, "row", err);
    commit_to(out, bt_put_u64((char *)at, value));
    return 0;
}

static int put_enum(const struct plan_column *col, uint64_t index, bool is_json, struct bt_buf *out,
                    struct bt_err *err)
{
    static const struct member nothing = {{(const uint8_t *)"", 0}, {(const uint8_t *)"\"\"", 2}};

    if (col->member_count == 0 || index > col->member_count)
        return put_u64(index, out, err);
    return put_member(index ? &col->members[index - 1] : &nothing, is_json, out, err);
}

static int put_set(const struct plan_column *col, uint64_t bits, bool is_json, struct bt_buf *out,
                   struct bt_err *err)
{
    bool is_first = true;

    if (col->member_count == 0 || (col->member_count < 64 && bits >> col->member_count))
        return put_u64(bits, out, err);
    if (is_json)
        bt_buf_add_byte(out, '"');
    for (uint32_t i = 0; i < col->member_count && i < 64; i++) {
        struct bt_slice text = is_json ? col->members[i].quoted : col->members[i].text;

        if (!(bits >> i & 1))
            continue;
        if (!is_first)
            bt_buf_add_byte(out, ',');
        is_first = false;
        bt_buf_add_slice(out, is_json ? bt_slice(text.ptr + 1, text.len - 2) : text);
    }
    if (is_json)
        bt_buf_add_byte(out, '"');
    return bt_buf_check(out, "row", err);
}

/* --------------------------------------------------- addresses and vectors */

static char *put_uuid(char *at, const uint8_t bytes[static 16])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *at++ = '-';
        *at++ = digits[bytes[i] >> 4];
        *at++ = digits[bytes[i] & 15];
    }
    return at;
}

/* INET4, INET6, UUID; zeros at the end are not logged. */
static int put_address(const struct plan_column *col, const struct bt_value *v, bool is_json,
                       struct bt_buf *out, struct bt_err *err)
{
    uint8_t bytes[16] = {0};
    char *begin = (char *)bt_buf_reserve(out, SMALL_ROOM), *at = begin;

    if (v->bytes.len > col->pad_to || v->bytes.len > sizeof(bytes))
        return put_hex(v->bytes, 0, is_json, out, err);
    if (!begin)
        return bt_buf_check(out, "row", err);
    memcpy(bytes, v->bytes.ptr, v->bytes.len);
    if (is_json)
        *at++ = '"';
    if (v->kind == BT_VALUE_UUID) {
        at = put_uuid(at, bytes);
    } else {
        inet_ntop(v->kind == BT_VALUE_INET4 ? AF_INET : AF_INET6, bytes, at, INET6_ADDRSTRLEN);
        at += strlen(at);
    }
    if (is_json)
        *at++ = '"';
    commit_to(out, at);
    return 0;
}

static int put_vector(struct bt_slice bytes, bool is_json, struct bt_buf *out, struct bt_err *err)
{
    struct bt_cursor c = bt_cursor(bytes);
    uint32_t bits;

    if (bytes.len % 4)
        return put_hex(bytes, 0, is_json, out, err);
    bt_buf_add_byte(out, '[');
    for (bool is_first = true; bt_cur_u32(&c, &bits); is_first = false) {
        char text[BT_DOUBLE_TEXT_SIZE];
        float value;

        memcpy(&value, &bits, sizeof(value));
        if (!is_first)
            bt_buf_add_byte(out, ',');
        if (value - value != 0) /* not finite */
            bt_buf_add_str(out, "null");
        else
            bt_buf_add(out, text, (size_t)(bt_float_text(value, text) - text));
    }
    bt_buf_add_byte(out, ']');
    return bt_buf_check(out, "vector", err);
}

/* ------------------------------------------------------------------- small */

/* Numbers and times: at has SMALL_ROOM bytes; NULL when the value is damaged. */
static char *put_small(const struct plan_column *col, const struct bt_value *v, bool is_json,
                       char *at)
{
    bool is_quoted = is_json && v->kind >= BT_VALUE_DATE && v->kind <= BT_VALUE_TIMESTAMP;

    if (is_quoted)
        *at++ = '"';
    switch ((enum bt_value_kind)v->kind) {
    case BT_VALUE_INT: return bt_put_i64(at, v->i64);
    case BT_VALUE_UINT:
    case BT_VALUE_BIT: return bt_put_u64(at, v->u64);
    case BT_VALUE_YEAR:
        return is_json && !v->u64 ? bt_put_u64(at, 0) : bt_put_padded(at, v->u64, 4);
    case BT_VALUE_DECIMAL: return bt_decimal_text(v->bytes, col->precision, col->scale, at);
    case BT_VALUE_FLOAT:
    case BT_VALUE_DOUBLE:
        if (is_json && v->f64 - v->f64 != 0) { /* not finite: no column holds it */
            memcpy(at, "null", 4);
            return at + 4;
        }
        return v->kind == BT_VALUE_FLOAT ? bt_float_text((float)v->f64, at)
                                         : bt_double_text(v->f64, at);
    case BT_VALUE_DATE: at = bt_date_text(v->i64, at); break;
    case BT_VALUE_TIME: at = bt_sql_time_text(v->i64, col->digits, at); break;
    case BT_VALUE_DATETIME: at = bt_datetime_text(v->i64, col->digits, at); break;
    case BT_VALUE_TIMESTAMP: at = bt_timestamp_text(v->i64, col->digits, at); break;
    case BT_VALUE_ENUM:
    case BT_VALUE_SET:
    case BT_VALUE_TEXT:
    case BT_VALUE_BINARY:
    case BT_VALUE_GEOMETRY:
    case BT_VALUE_JSON:
    case BT_VALUE_JSON_DIFF:
    case BT_VALUE_VECTOR:
    case BT_VALUE_INET4:
    case BT_VALUE_INET6:
    case BT_VALUE_UUID:
    case BT_VALUE_OPAQUE: return NULL;
    }
    if (is_quoted)
        *at++ = '"';
    return at;
}

/* WKT has no characters that JSON escapes. */
static int put_geometry(enum bt_flavor flavor, struct bt_slice bytes, bool is_json,
                        struct bt_buf *out, struct bt_err *err)
{
    if (is_json)
        bt_buf_add_byte(out, '"');
    if (bt_geometry_text(bytes, flavor, out, err) != 0)
        return -1;
    if (is_json)
        bt_buf_add_byte(out, '"');
    return bt_buf_check(out, "geometry", err);
}

static int put_diff(struct bt_slice bytes, struct bt_buf *out, struct bt_err *err)
{
    bt_buf_add_str(out, "{\"$diff\":");
    if (bt_json_diff_text(bytes, out, err) != 0)
        return -1;
    bt_buf_add_byte(out, '}');
    return bt_buf_check(out, "JSON differences", err);
}

static int put_value(const struct bt_plan *plan, const struct plan_column *col,
                     const struct bt_value *v, bool is_json, struct bt_buf *out, struct bt_err *err)
{
    char *at, *end;

    switch (v->kind) {
    case BT_VALUE_TEXT: return put_text(plan, col, v->bytes, is_json, out, err);
    case BT_VALUE_OPAQUE:
    case BT_VALUE_BINARY: return put_hex(v->bytes, col->pad_to, is_json, out, err);
    case BT_VALUE_ENUM: return put_enum(col, v->u64, is_json, out, err);
    case BT_VALUE_SET: return put_set(col, v->u64, is_json, out, err);
    case BT_VALUE_GEOMETRY: return put_geometry(plan->flavor, v->bytes, is_json, out, err);
    case BT_VALUE_JSON: return bt_json_binary_text(v->bytes, out, err);
    case BT_VALUE_JSON_DIFF: return put_diff(v->bytes, out, err);
    case BT_VALUE_VECTOR: return put_vector(v->bytes, is_json, out, err);
    case BT_VALUE_INET4:
    case BT_VALUE_INET6:
    case BT_VALUE_UUID: return put_address(col, v, is_json, out, err);
    default: break;
    }
    at = (char *)bt_buf_reserve(out, SMALL_ROOM);
    if (!at)
        return bt_buf_check(out, "row", err);
    end = put_small(col, v, is_json, at);
    if (!end)
        return bt_fail(err, BT_ERR_CORRUPT, "DECIMAL(%u,%u) holds groups that are no digits",
                       (unsigned)col->precision, (unsigned)col->scale);
    commit_to(out, end);
    return 0;
}

/* ------------------------------------------------------------------ public */

int bt_value_text(const struct bt_plan *plan, size_t column, const struct bt_value *value,
                  struct bt_buf *out, struct bt_err *err)
{
    if (value->state == BT_VALUE_ABSENT)
        return 0;
    if (value->state == BT_VALUE_NULL) {
        bt_buf_add_str(out, "NULL");
        return bt_buf_check(out, "row", err);
    }
    return put_value(plan, &plan->columns[column], value, false, out, err);
}

int bt_value_json(const struct bt_plan *plan, size_t column, const struct bt_value *value,
                  struct bt_buf *out, struct bt_err *err)
{
    if (value->state != BT_VALUE_HERE) {
        bt_buf_add_str(out, "null");
        return bt_buf_check(out, "row", err);
    }
    return put_value(plan, &plan->columns[column], value, true, out, err);
}

/* ------------------------------------------------------------ rows as JSON */

/* The common kinds without a further look at the room: returns the end, NULL for all others.  at
 * has SMALL_ROOM bytes, and BT_QUOTE_ROOM() of a string. */
static inline uint8_t *put_fast(const struct plan_column *col, const struct bt_value *v,
                                uint8_t *at)
{
    switch (v->kind) {
    case BT_VALUE_INT: return (uint8_t *)bt_put_i64((char *)at, v->i64);
    case BT_VALUE_UINT: return (uint8_t *)bt_put_u64((char *)at, v->u64);
    case BT_VALUE_TEXT:
        if (v->bytes.len >= EXACT_FROM)
            return NULL;
        if (!col->reader)
            return bt_quote_at(at, v->bytes);
        return col->charset->extends_ascii ? bt_quote_ascii_at(at, v->bytes) : NULL;
    case BT_VALUE_FLOAT:
    case BT_VALUE_DOUBLE:
    case BT_VALUE_DECIMAL:
    case BT_VALUE_DATE:
    case BT_VALUE_TIME:
    case BT_VALUE_DATETIME:
    case BT_VALUE_TIMESTAMP:
    case BT_VALUE_YEAR:
    case BT_VALUE_BIT: return (uint8_t *)put_small(col, v, true, (char *)at);
    default: return NULL;
    }
}

/* Copies a key in steps of its padding; returns its end. */
static inline uint8_t *put_key(uint8_t *at, struct bt_slice key)
{
    for (size_t i = 0; i < key.len; i += KEY_STEP)
        memcpy(at + i, key.ptr + i, KEY_STEP);
    return at + key.len;
}

/* Room that a column takes on the fast way. */
static inline size_t fast_room(const struct plan_column *col, const struct bt_value *v)
{
    size_t need = col->key.len + KEY_STEP + SMALL_ROOM;

    return v->kind == BT_VALUE_TEXT && v->bytes.len < EXACT_FROM
               ? need + BT_QUOTE_ROOM(v->bytes.len)
               : need;
}

int bt_row_json(const struct bt_plan *plan, const struct bt_value *image, struct bt_buf *out,
                struct bt_err *err)
{
    uint8_t separator = '{';

    for (size_t i = 0; i < plan->count; i++) {
        const struct plan_column *col = &plan->columns[i];
        const struct bt_value *v = &image[i];
        uint8_t *at, *end;

        if (v->state == BT_VALUE_ABSENT)
            continue;
        at = bt_buf_reserve(out, fast_room(col, v));
        if (!at)
            return bt_buf_check(out, "row", err);
        *at++ = separator;
        separator = ',';
        at = put_key(at, col->key);
        if (v->state == BT_VALUE_NULL) {
            memcpy(at, "null", 4);
            commit_to(out, at + 4);
            continue;
        }
        end = put_fast(col, v, at);
        commit_to(out, end ? end : at);
        if (!end && put_value(plan, col, v, true, out, err) != 0)
            return bt_err_wrap(err, "column %.*s", BT_SLICE_ARG(col->name));
    }
    if (separator == '{')
        bt_buf_add_byte(out, '{');
    bt_buf_add_byte(out, '}');
    return bt_buf_check(out, "row", err);
}
