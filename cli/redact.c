/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/redact.h"

#include <ctype.h>
#include <strings.h>

static const char hidden[] = "'<secret>'";

static bool is_word(uint8_t c)
{
    return isalnum(c) || c == '_' || c == '$' || c >= 0x80;
}

/* IDENTIFIED, PASSWORD, MASTER_PASSWORD, OLD_PASSWORD, ... */
static bool speaks_of_password(struct bt_slice word)
{
    static const char identified[] = "identified", password[] = "password";
    size_t len = sizeof(password) - 1;

    if (word.len == sizeof(identified) - 1 &&
        strncasecmp((const char *)word.ptr, identified, word.len) == 0)
        return true;
    return word.len >= len &&
           strncasecmp((const char *)word.ptr + word.len - len, password, len) == 0;
}

static bool is_hex_literal(struct bt_slice word)
{
    return word.len > 2 && word.ptr[0] == '0' && (word.ptr[1] | 0x20) == 'x';
}

/* Bytes of the quoted text at p, quotes included.  A backslash in front of a quote may or may not
 * escape it (NO_BACKSLASH_ESCAPES): *ret_unsure then. */
static size_t quoted_len(struct bt_slice text, bool *ret_unsure)
{
    uint8_t quote = text.ptr[0];
    size_t i = 1;

    while (i < text.len) {
        if (text.ptr[i] == '\\' && quote != '`' && i + 1 < text.len) {
            *ret_unsure |= text.ptr[i + 1] == quote;
            i += 2;
        } else if (text.ptr[i] != quote) {
            i++;
        } else if (i + 1 < text.len && text.ptr[i + 1] == quote) {
            i += 2;
        } else {
            return i + 1;
        }
    }
    return text.len;
}

static size_t word_len(struct bt_slice text)
{
    size_t i = 0;

    while (i < text.len && is_word(text.ptr[i]))
        i++;
    return i;
}

void bt_redact(struct bt_slice text, struct bt_buf *out)
{
    bool secret = false;

    while (text.len) {
        uint8_t c = text.ptr[0];
        bool unsure = false;
        size_t len = 1;

        if (c == '\'' || c == '"' || c == '`')
            len = quoted_len(text, &unsure);
        else if (is_word(c))
            len = word_len(text);
        if (secret && (c == '\'' || c == '"')) {
            bt_buf_add_str(out, hidden);
            if (unsure)
                return; /* where the literal ends depends on sql_mode: show nothing more */
        } else if (secret && is_word(c) && is_hex_literal(bt_slice(text.ptr, len))) {
            bt_buf_add_str(out, hidden);
        } else {
            bt_buf_add(out, text.ptr, len);
        }
        if (c == '`' && len > 2)
            secret = secret || speaks_of_password(bt_slice(text.ptr + 1, len - 2));
        else if (is_word(c))
            secret = secret || speaks_of_password(bt_slice(text.ptr, len));
        text = (struct bt_slice){text.ptr + len, text.len - len};
    }
}
