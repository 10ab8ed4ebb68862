/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/redact.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const char hidden[] = "'<secret>'";

static bool is_word(uint8_t c)
{
    return isalnum(c) || c == '_' || c == '$' || c >= 0x80;
}

/* Where `part` (lower case) stands in text, letters of either case; SIZE_MAX when it does not. */
static size_t find(struct bt_slice text, const char *part)
{
    size_t len = strlen(part);

    for (size_t i = 0; i + len <= text.len; i++)
        if ((text.ptr[i] | 0x20) == part[0] &&
            strncasecmp((const char *)text.ptr + i, part, len) == 0)
            return i;
    return SIZE_MAX;
}

/* IDENTIFIED, PASSWORD, MASTER_PASSWORD, passwd, client_secret, ...: what follows is not for
 * everybody's eyes. */
bool bt_redact_is_secret(struct bt_slice word)
{
    static const char *const parts[] = {"passw", "passphrase", "secret", "authentication_string",
                                        "credential", "private_key", "access_key", "api_key",
                                        "apikey"};
    static const char identified[] = "identified", pwd[] = "pwd";

    if (word.len == sizeof(identified) - 1 && find(word, identified) == 0)
        return true;
    if (word.len >= sizeof(pwd) - 1 &&
        find(bt_slice(word.ptr + word.len - (sizeof(pwd) - 1), sizeof(pwd) - 1), pwd) == 0)
        return true;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        if (find(word, parts[i]) != SIZE_MAX)
            return true;
    return false;
}

static bool mentions_secret(struct bt_slice text)
{
    return find(text, "identified") != SIZE_MAX || bt_redact_is_secret(text);
}

/* A text that holds a password among other things: the tables of Federated, Spider and CONNECT have
 * their connections in CONNECTION='mysql://user:pw@host/db', COMMENT='user "u", password "pw"',
 * OPTION_LIST='user=u,password=pw'. */
static bool holds_secret(struct bt_slice literal)
{
    struct bt_slice rest = literal;
    size_t at = find(literal, "://"), i;

    for (i = at; i < literal.len && !isspace(literal.ptr[i]); i++)
        if (literal.ptr[i] == '@')
            return true;
    while ((at = find(rest, "passw")) != SIZE_MAX) {
        rest = bt_slice(rest.ptr + at, rest.len - at);
        for (i = 0; i < rest.len && is_word(rest.ptr[i]);)
            i++;
        while (i < rest.len && isspace(rest.ptr[i]))
            i++;
        /* The last byte is the literal's own quote. */
        if (i + 1 < rest.len && strchr("=:\"'", rest.ptr[i]))
            return true;
        rest = bt_slice(rest.ptr + i, rest.len - i);
    }
    return false;
}

static bool is_hex_literal(struct bt_slice word)
{
    return word.len > 2 && word.ptr[0] == '0' && (word.ptr[1] | 0x20) == 'x';
}

/* Bytes of the quoted text at p, quotes included.  A backslash in front of a quote may or may not
 * escape it (NO_BACKSLASH_ESCAPES, or the second byte of a character): *ret_unsure then. */
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

/* Bytes of the comment at the start of text; 0 when there is none.  What stands in a version
 * comment is part of the statement. */
static size_t comment_len(struct bt_slice text)
{
    const uint8_t *end;

    if (text.ptr[0] == '#' || (text.len > 2 && text.ptr[0] == '-' && text.ptr[1] == '-' &&
                               isspace(text.ptr[2]))) {
        end = memchr(text.ptr, '\n', text.len);
        return end ? (size_t)(end - text.ptr) : text.len;
    }
    if (text.len < 3 || text.ptr[0] != '/' || text.ptr[1] != '*' || text.ptr[2] == '!' ||
        bt_slice_starts_with(text, "/*M!"))
        return 0;
    end = memmem(text.ptr + 2, text.len - 2, "*/", 2);
    return end ? (size_t)(end - text.ptr) + 2 : text.len;
}

static size_t word_len(struct bt_slice text)
{
    size_t i = 0;

    while (i < text.len && is_word(text.ptr[i]))
        i++;
    return i;
}

static void add(struct bt_buf *out, struct bt_slice text, bool is_hidden)
{
    if (is_hidden)
        bt_buf_add_str(out, hidden);
    else
        bt_buf_add_slice(out, text);
}

void bt_redact(struct bt_slice text, struct bt_buf *out)
{
    bool secret = false;

    while (text.len) {
        uint8_t c = text.ptr[0];
        bool is_string = c == '\'' || c == '"', unsure = false;
        size_t len = comment_len(text);
        struct bt_slice token;

        if (len) {
            token = bt_slice(text.ptr, len);
            add(out, token, secret || mentions_secret(token));
            text = bt_slice(text.ptr + len, text.len - len);
            continue;
        }
        len = is_string || c == '`' ? quoted_len(text, &unsure) : is_word(c) ? word_len(text)
                                                                             : 1;
        token = bt_slice(text.ptr, len);
        /* Where a literal ends that we are not sure of depends on sql_mode. */
        if (unsure && (secret || mentions_secret(text))) {
            bt_buf_add_str(out, hidden);
            return;
        }
        add(out, token,
            (secret && (is_string || is_hex_literal(token))) || (is_string && holds_secret(token)));
        /* "..." may be a name too (ANSI_QUOTES), but one without blanks. */
        if (is_word(c) || c == '`' ||
            (c == '"' && len > 2 && word_len(bt_slice(text.ptr + 1, len - 2)) == len - 2))
            secret = secret || bt_redact_is_secret(token);
        text = bt_slice(text.ptr + len, text.len - len);
    }
}
