/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/digits.h"
#include "base/quote.h"

enum { DEPTH_MAX = 64 };

void bt_json_init(struct bt_json *j, struct bt_buf *out)
{
    *j = (struct bt_json){.out = out};
}

/* Before every value and key. */
static void separate(struct bt_json *j)
{
    if (j->need_comma)
        bt_buf_add_byte(j->out, ',');
    j->need_comma = true;
}

static void open_level(struct bt_json *j, char bracket, bool is_array)
{
    assert(j->depth < DEPTH_MAX);
    separate(j);
    bt_buf_add_byte(j->out, (uint8_t)bracket);
    j->is_array = is_array ? j->is_array | 1ull << j->depth : j->is_array & ~(1ull << j->depth);
    j->depth++;
    j->need_comma = false;
}

void bt_json_object(struct bt_json *j)
{
    open_level(j, '{', false);
}

void bt_json_array(struct bt_json *j)
{
    open_level(j, '[', true);
}

void bt_json_end(struct bt_json *j)
{
    assert(j->depth > 0);
    j->depth--;
    bt_buf_add_byte(j->out, j->is_array >> j->depth & 1 ? ']' : '}');
    j->need_comma = true;
}

static void escape(struct bt_buf *out, uint8_t c)
{
    switch (c) {
    case '"': bt_buf_add(out, "\\\"", 2); break;
    case '\\': bt_buf_add(out, "\\\\", 2); break;
    case '\n': bt_buf_add(out, "\\n", 2); break;
    case '\r': bt_buf_add(out, "\\r", 2); break;
    case '\t': bt_buf_add(out, "\\t", 2); break;
    default: bt_buf_addf(out, "\\u%04x", c); break;
    }
}

static bool is_plain(uint8_t c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* Most texts need no escapes: quotes and bytes after one look at the room; false for the others. */
static bool plain_string(struct bt_buf *out, struct bt_slice text)
{
    uint8_t *at = text.len < SIZE_MAX - 2 ? bt_buf_reserve(out, text.len + 2) : NULL;

    if (!at)
        return false;
    *at++ = '"';
    for (size_t i = 0; i < text.len; i++) {
        if (!is_plain(text.ptr[i]))
            return false;
        at[i] = text.ptr[i];
    }
    at[text.len] = '"';
    bt_buf_commit(out, text.len + 2);
    return true;
}

static void string(struct bt_buf *out, struct bt_slice text)
{
    const uint8_t *p = text.ptr, *end = text.ptr + text.len;

    if (plain_string(out, text))
        return;
    bt_buf_add_byte(out, '"');
    while (p < end) {
        const uint8_t *run = p;
        size_t len;

        while (p < end && is_plain(*p))
            p++;
        bt_buf_add(out, run, (size_t)(p - run));
        if (p == end)
            break;
        len = bt_utf8_length(p, (size_t)(end - p));
        if (len == 0)
            bt_buf_add(out, "\xef\xbf\xbd", 3);
        else if (len == 1)
            escape(out, *p);
        else
            bt_buf_add(out, p, len);
        p += len ? len : 1;
    }
    bt_buf_add_byte(out, '"');
}

static void key_slice(struct bt_json *j, struct bt_slice key)
{
    separate(j);
    string(j->out, key);
    bt_buf_add_byte(j->out, ':');
    j->need_comma = false;
}

void bt_json_key(struct bt_json *j, const char *key)
{
    key_slice(j, bt_slice_str(key));
}

void bt_json_text(struct bt_json *j, struct bt_slice text)
{
    separate(j);
    string(j->out, text);
}

void bt_json_str(struct bt_json *j, const char *text)
{
    if (text)
        bt_json_text(j, bt_slice_str(text));
    else
        bt_json_null(j);
}

void bt_json_u64(struct bt_json *j, uint64_t value)
{
    char text[BT_DIGITS_MAX];

    separate(j);
    bt_buf_add(j->out, text, (size_t)(bt_put_u64(text, value) - text));
}

void bt_json_i64(struct bt_json *j, int64_t value)
{
    char text[BT_DIGITS_MAX];

    separate(j);
    bt_buf_add(j->out, text, (size_t)(bt_put_i64(text, value) - text));
}

void bt_json_f64(struct bt_json *j, double value)
{
    char text[40];

    if (!isfinite(value)) {
        bt_json_null(j);
        return;
    }
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(text, sizeof(text), "%.*g", precision, value);
        if (strtod(text, NULL) == value)
            break;
    }
    separate(j);
    bt_buf_add_str(j->out, text);
}

void bt_json_bool(struct bt_json *j, bool value)
{
    separate(j);
    bt_buf_add_str(j->out, value ? "true" : "false");
}

void bt_json_null(struct bt_json *j)
{
    separate(j);
    bt_buf_add(j->out, "null", 4);
}

void bt_json_raw(struct bt_json *j, struct bt_slice json)
{
    separate(j);
    bt_buf_add_slice(j->out, json);
}

void bt_json_key_str(struct bt_json *j, const char *key, const char *text)
{
    bt_json_key(j, key);
    bt_json_str(j, text);
}

void bt_json_key_text(struct bt_json *j, const char *key, struct bt_slice text)
{
    bt_json_key(j, key);
    bt_json_text(j, text);
}

void bt_json_key_lines(struct bt_json *j, const char *key, struct bt_slice text)
{
    bt_json_key(j, key);
    bt_json_array(j);
    while (text.len) {
        const uint8_t *newline = memchr(text.ptr, '\n', text.len);
        size_t len = newline ? (size_t)(newline - text.ptr) : text.len;

        bt_json_text(j, bt_slice(text.ptr, len));
        len += newline ? 1 : 0;
        text = (struct bt_slice){text.ptr + len, text.len - len};
    }
    bt_json_end(j);
}

void bt_json_key_u64(struct bt_json *j, const char *key, uint64_t value)
{
    bt_json_key(j, key);
    bt_json_u64(j, value);
}

void bt_json_key_i64(struct bt_json *j, const char *key, int64_t value)
{
    bt_json_key(j, key);
    bt_json_i64(j, value);
}

void bt_json_key_bool(struct bt_json *j, const char *key, bool value)
{
    bt_json_key(j, key);
    bt_json_bool(j, value);
}
