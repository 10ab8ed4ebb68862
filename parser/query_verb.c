/* SPDX-License-Identifier: Apache-2.0 */
/* What kind of statement a text is, by its first words.  Not an SQL parser. */
#include "parser/query.h"

#include <ctype.h>
#include <strings.h>

static bool starts_with(struct bt_slice s, const char *prefix)
{
    return bt_slice_starts_with(s, prefix);
}

static struct bt_slice from(struct bt_slice s, size_t n)
{
    return bt_slice(s.ptr + n, s.len - n);
}

/* Behind the next `end`, or at the end of all. */
static struct bt_slice behind(struct bt_slice s, const char *end)
{
    const uint8_t *at = memmem(s.ptr, s.len, end, strlen(end));

    return at ? from(s, (size_t)(at - s.ptr) + strlen(end)) : bt_slice_empty();
}

/* Skips blanks and comments; of an executable comment only its opening, with its version. */
static struct bt_slice skip_blanks(struct bt_slice s)
{
    while (s.len > 0) {
        if (isspace(s.ptr[0]) || s.ptr[0] == ';' || s.ptr[0] == '(') {
            s = from(s, 1);
        } else if (starts_with(s, "/*!") || starts_with(s, "/*M!")) {
            s = from(s, s.ptr[2] == '!' ? 3 : 4);
            while (s.len > 0 && isdigit(s.ptr[0]))
                s = from(s, 1);
        } else if (starts_with(s, "/*")) {
            s = behind(s, "*/");
        } else if (starts_with(s, "--") || starts_with(s, "#")) {
            s = behind(s, "\n");
        } else {
            break;
        }
    }
    return s;
}

static struct bt_slice next_word(struct bt_slice *rest)
{
    struct bt_slice s = skip_blanks(*rest);
    size_t len = 0;

    while (len < s.len && (isalpha(s.ptr[len]) || s.ptr[len] == '_'))
        len++;
    *rest = from(s, len);
    return bt_slice(s.ptr, len);
}

static bool is_word(struct bt_slice word, const char *keyword)
{
    return word.len == strlen(keyword) &&
           strncasecmp((const char *)word.ptr, keyword, word.len) == 0;
}

static bool is_one_of(struct bt_slice word, const char *const *keywords)
{
    for (; *keywords; keywords++)
        if (is_word(word, *keywords))
            return true;
    return false;
}

static const char *const ddl_words[] = {
    "CREATE",
    "ALTER",
    "DROP",
    "RENAME",
    "TRUNCATE",
    "GRANT",
    "REVOKE",
    "ANALYZE",
    "OPTIMIZE",
    "REPAIR",
    "FLUSH",
    "INSTALL",
    "UNINSTALL",
    "IMPORT",
    NULL,
};
static const char *const dml_words[] = {
    "INSERT",
    "UPDATE",
    "DELETE",
    "REPLACE",
    "LOAD",
    "CALL",
    "SELECT",
    "DO",
    "WITH",
    "VALUES",
    "TABLE",
    NULL,
};
static const char *const account_words[] = {"PASSWORD", "DEFAULT", "ROLE", NULL};

static enum bt_query_verb xa_verb(struct bt_slice rest)
{
    struct bt_slice word = next_word(&rest);

    if (is_word(word, "START") || is_word(word, "BEGIN"))
        return BT_VERB_XA_START;
    if (is_word(word, "END"))
        return BT_VERB_XA_END;
    if (is_word(word, "PREPARE"))
        return BT_VERB_XA_PREPARE;
    if (is_word(word, "COMMIT"))
        return BT_VERB_XA_COMMIT;
    return is_word(word, "ROLLBACK") ? BT_VERB_XA_ROLLBACK : BT_VERB_OTHER;
}

/* ROLLBACK [WORK] TO name goes back inside the transaction. */
static enum bt_query_verb rollback_verb(struct bt_slice rest)
{
    struct bt_slice word = next_word(&rest);

    if (is_word(word, "WORK"))
        word = next_word(&rest);
    return is_word(word, "TO") ? BT_VERB_SAVEPOINT : BT_VERB_ROLLBACK;
}

enum bt_query_verb bt_query_verb(struct bt_slice text)
{
    struct bt_slice rest = text, word;

    if (bt_slice_equal_str(text, "BEGIN")) /* as servers write it, every other time */
        return BT_VERB_BEGIN;
    word = next_word(&rest);
    if (is_one_of(word, dml_words))
        return BT_VERB_DML;
    if (is_word(word, "BEGIN"))
        return BT_VERB_BEGIN;
    if (is_word(word, "COMMIT"))
        return BT_VERB_COMMIT;
    if (is_word(word, "ROLLBACK"))
        return rollback_verb(rest);
    if (is_word(word, "SAVEPOINT") || is_word(word, "RELEASE"))
        return BT_VERB_SAVEPOINT;
    if (is_word(word, "START"))
        return is_word(next_word(&rest), "TRANSACTION") ? BT_VERB_BEGIN : BT_VERB_OTHER;
    if (is_word(word, "XA"))
        return xa_verb(rest);
    if (is_one_of(word, ddl_words))
        return BT_VERB_DDL;
    if (is_word(word, "SET") && is_one_of(next_word(&rest), account_words))
        return BT_VERB_DDL;
    return BT_VERB_OTHER;
}
