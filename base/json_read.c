/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_read.h"

#include "base/number.h"

enum { DEPTH_MAX = 64 };

static void skip_blanks(struct bt_cursor *c)
{
    while (c->left && (*c->at == ' ' || *c->at == '\n' || *c->at == '\t' || *c->at == '\r')) {
        c->at++;
        c->left--;
    }
}

static bool take_byte(struct bt_cursor *c, char byte)
{
    if (c->left == 0 || *c->at != (uint8_t)byte)
        return false;
    c->at++;
    c->left--;
    return true;
}

static size_t take_digits(struct bt_cursor *c)
{
    size_t count = 0;

    while (c->left && *c->at >= '0' && *c->at <= '9') {
        c->at++;
        c->left--;
        count++;
    }
    return count;
}

static bool is_hex(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool take_string(struct bt_cursor *c)
{
    if (!take_byte(c, '"'))
        return false;
    for (;;) {
        uint8_t byte, escape, hex[4];

        if (!bt_cur_u8(c, &byte) || byte < 0x20)
            return false;
        if (byte == '"')
            return true;
        if (byte != '\\')
            continue;
        if (!bt_cur_u8(c, &escape) || escape == '\0' || !strchr("\"\\/bfnrtu", escape))
            return false;
        if (escape == 'u' && !(bt_cur_copy(c, sizeof(hex), hex) && is_hex(hex[0]) &&
                               is_hex(hex[1]) && is_hex(hex[2]) && is_hex(hex[3])))
            return false;
    }
}

static bool take_number(struct bt_cursor *c)
{
    (void)take_byte(c, '-');
    if (!take_byte(c, '0') && take_digits(c) == 0)
        return false;
    if (take_byte(c, '.') && take_digits(c) == 0)
        return false;
    if (take_byte(c, 'e') || take_byte(c, 'E')) {
        if (!take_byte(c, '+'))
            (void)take_byte(c, '-');
        if (take_digits(c) == 0)
            return false;
    }
    return true;
}

static bool take_word(struct bt_cursor *c, const char *word)
{
    size_t len = strlen(word);

    if (c->left < len || memcmp(c->at, word, len) != 0)
        return false;
    c->at += len;
    c->left -= len;
    return true;
}

/* Takes one value that is neither object nor array. */
static bool take_scalar(struct bt_cursor *c)
{
    if (c->left == 0)
        return false;
    switch (*c->at) {
    case '"':
        return take_string(c);
    case 't':
        return take_word(c, "true");
    case 'f':
        return take_word(c, "false");
    case 'n':
        return take_word(c, "null");
    default:
        return take_number(c);
    }
}

/* Key and colon in front of a member's value. */
static bool take_key(struct bt_cursor *c)
{
    skip_blanks(c);
    if (!take_string(c))
        return false;
    skip_blanks(c);
    return take_byte(c, ':');
}

/* Takes one value of any kind; a stack of bits remembers which brackets are open. */
static bool take_value(struct bt_cursor *c)
{
    bool is_object[DEPTH_MAX];
    int depth = 0;

    for (;;) {
        bool opened = false;

        skip_blanks(c);
        if (c->left && (*c->at == '{' || *c->at == '[')) {
            if (depth == DEPTH_MAX)
                return false;
            is_object[depth++] = *c->at == '{';
            c->at++;
            c->left--;
            skip_blanks(c);
            opened = c->left && *c->at != (is_object[depth - 1] ? '}' : ']');
            if (opened && is_object[depth - 1] && !take_key(c))
                return false;
        } else if (!take_scalar(c)) {
            return false;
        }
        if (opened)
            continue;
        /* Behind a value: close what ends here, then go on behind a comma. */
        for (;;) {
            if (depth == 0)
                return true;
            skip_blanks(c);
            if (!take_byte(c, is_object[depth - 1] ? '}' : ']'))
                break;
            depth--;
        }
        if (!take_byte(c, ',') || (is_object[depth - 1] && !take_key(c)))
            return false;
    }
}

static enum bt_json_kind kind_of(uint8_t first)
{
    switch (first) {
    case '{':
        return BT_JSON_OBJECT;
    case '[':
        return BT_JSON_ARRAY;
    case '"':
        return BT_JSON_STRING;
    case 't':
        return BT_JSON_TRUE;
    case 'f':
        return BT_JSON_FALSE;
    case 'n':
        return BT_JSON_NULL;
    default:
        return BT_JSON_NUMBER;
    }
}

int bt_json_parse(struct bt_slice text, struct bt_json_value *ret, struct bt_err *err)
{
    struct bt_cursor c = bt_cursor(text);
    const uint8_t *start;
    size_t len;

    skip_blanks(&c);
    start = c.at;
    if (!take_value(&c))
        return bt_fail(err, BT_ERR_CORRUPT, "no valid JSON at offset %zu", text.len - c.left);
    len = (size_t)(c.at - start);
    skip_blanks(&c);
    if (c.left)
        return bt_fail(err, BT_ERR_CORRUPT, "text behind the JSON value at offset %zu",
                       text.len - c.left);
    *ret = (struct bt_json_value){kind_of(*start), {start, len}};
    return 0;
}

struct bt_json_children bt_json_children(struct bt_json_value value)
{
    struct bt_json_children c = {.is_object = value.kind == BT_JSON_OBJECT};

    c.at = bt_cursor(bt_slice_empty());
    if (value.kind == BT_JSON_OBJECT || value.kind == BT_JSON_ARRAY)
        c.at = bt_cursor(bt_slice(value.text.ptr + 1, value.text.len - 2));
    return c;
}

bool bt_json_next(struct bt_json_children *c, struct bt_slice *ret_key, struct bt_json_value *ret)
{
    const uint8_t *start;

    *ret_key = bt_slice_empty();
    skip_blanks(&c->at);
    if (take_byte(&c->at, ','))
        skip_blanks(&c->at);
    if (c->at.left == 0)
        return false;
    if (c->is_object) {
        start = c->at.at + 1;
        if (!take_string(&c->at))
            return false;
        *ret_key = bt_slice(start, (size_t)(c->at.at - start) - 1);
        skip_blanks(&c->at);
        if (!take_byte(&c->at, ':'))
            return false;
        skip_blanks(&c->at);
    }
    start = c->at.at;
    if (!take_value(&c->at))
        return false;
    *ret = (struct bt_json_value){kind_of(*start), {start, (size_t)(c->at.at - start)}};
    return true;
}

bool bt_json_member(struct bt_json_value object, const char *key, struct bt_json_value *ret)
{
    struct bt_json_children c = bt_json_children(object);
    struct bt_json_value value;
    struct bt_slice name;

    while (c.is_object && bt_json_next(&c, &name, &value)) {
        if (bt_slice_equal_str(name, key)) {
            *ret = value;
            return true;
        }
    }
    return false;
}

bool bt_json_get_u64(struct bt_json_value value, uint64_t *ret)
{
    return value.kind == BT_JSON_NUMBER && bt_number_u64(value.text, UINT64_MAX, ret);
}

static uint32_t hex4(const uint8_t *p)
{
    uint32_t value = 0;

    for (int i = 0; i < 4; i++) {
        uint32_t digit = p[i] <= '9' ? p[i] - (uint32_t)'0' : (p[i] | 0x20u) - (uint32_t)'a' + 10;

        value = value << 4 | digit;
    }
    return value;
}

static uint8_t *put_utf8(uint8_t *out, uint32_t code)
{
    if (code < 0x80) {
        *out++ = (uint8_t)code;
    } else if (code < 0x800) {
        *out++ = (uint8_t)(0xc0 | code >> 6);
        *out++ = (uint8_t)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        *out++ = (uint8_t)(0xe0 | code >> 12);
        *out++ = (uint8_t)(0x80 | (code >> 6 & 0x3f));
        *out++ = (uint8_t)(0x80 | (code & 0x3f));
    } else {
        *out++ = (uint8_t)(0xf0 | code >> 18);
        *out++ = (uint8_t)(0x80 | (code >> 12 & 0x3f));
        *out++ = (uint8_t)(0x80 | (code >> 6 & 0x3f));
        *out++ = (uint8_t)(0x80 | (code & 0x3f));
    }
    return out;
}

/* \uXXXX, or two of them for a code behind the surrogates; a lone surrogate becomes U+FFFD. */
static const uint8_t *put_unicode(const uint8_t *at, const uint8_t *end, uint8_t **out)
{
    uint32_t code = hex4(at);

    at += 4;
    if (code >= 0xd800 && code < 0xdc00 && end - at >= 6 && at[0] == '\\' && at[1] == 'u') {
        uint32_t low = hex4(at + 2);

        if (low >= 0xdc00 && low < 0xe000) {
            *out = put_utf8(*out, 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00));
            return at + 6;
        }
    }
    *out = put_utf8(*out, code >= 0xd800 && code < 0xe000 ? 0xfffd : code);
    return at;
}

char *bt_json_get_str(struct bt_json_value value, struct bt_arena *arena)
{
    static const char escapes[] = "bfnrt", meant[] = "\b\f\n\r\t";
    const uint8_t *at = value.text.ptr + 1, *end;
    uint8_t *text, *out;

    if (value.kind != BT_JSON_STRING)
        return NULL;
    end = value.text.ptr + value.text.len - 1;
    /* Decoded text is never longer than its escaped form. */
    text = out = bt_arena_alloc(arena, value.text.len);
    if (!text)
        return NULL;
    while (at < end) {
        const char *escape;

        if (*at != '\\') {
            *out++ = *at++;
            continue;
        }
        at++;
        if (*at == 'u') {
            at = put_unicode(at + 1, end, &out);
            continue;
        }
        escape = strchr(escapes, *at);
        *out++ = escape ? (uint8_t)meant[escape - escapes] : *at;
        at++;
    }
    *out = '\0';
    return (char *)text;
}
