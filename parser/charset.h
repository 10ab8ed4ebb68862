/* SPDX-License-Identifier: Apache-2.0 */
/*
 * charset.h - the servers' character sets, and their strings as UTF-8.
 *
 * A log names a column's charset by a collation number, a schema by name.  utf8mb3, utf8mb4,
 * ascii, utf16, utf16le, utf32 and ucs2 are read here; every other set by the C library's iconv,
 * the single-byte ones through a table made once.
 */
#ifndef BT_PARSER_CHARSET_H
#define BT_PARSER_CHARSET_H

#include "base/auto.h"
#include "base/buf.h"

enum bt_charset_form {
    BT_CHARSET_BINARY, /* bytes, no characters */
    BT_CHARSET_UTF8,   /* utf8mb3 and utf8mb4 */
    BT_CHARSET_WIDE,   /* two or four bytes a unit: utf16, utf16le, utf32, ucs2 */
    BT_CHARSET_SINGLE, /* one byte a character */
    BT_CHARSET_MULTI,  /* one to four bytes a character */
};

struct bt_charset {
    const char *name; /* the servers' name: "latin1" */
    enum bt_charset_form form;
    bool extends_ascii;     /* bytes under 0x80 alone are ASCII text */
    uint8_t max_bytes;      /* of one character */
    const char *iconv_name; /* SINGLE, MULTI: what iconv calls it; NULL: it has none */
};

/* By collation number (MySQL 5.0 to 9.x, MariaDB 5.3 to 12.x); NULL when not known. */
const struct bt_charset *bt_charset_of_collation(uint32_t collation);

/* By the servers' name of it, or of one of its collations ("utf8mb4_general_ci"); NULL when not
 * known.  "utf8" is utf8mb3. */
const struct bt_charset *bt_charset_by_name(struct bt_slice name);

/* Whether the bytes are well-formed UTF-8 (no surrogates, nothing over U+10FFFF). */
bool bt_utf8_is_valid(struct bt_slice text);

/* Writes a character at `at`, which has 4 bytes, and returns the end. */
uint8_t *bt_utf8_put(uint8_t *at, uint32_t character);

/* A converter from one charset to UTF-8; one thread at a time. */
struct bt_charset_reader;

int bt_charset_reader_new(const struct bt_charset *charset, struct bt_charset_reader **ret,
                          struct bt_err *err) BT_MUST_CHECK;
void bt_charset_reader_free(struct bt_charset_reader *r); /* accepts NULL */

/* Appends text as UTF-8.  Returns 1, and appends nothing, when text is not valid in its charset
 * (always for BINARY that is not ASCII); -1 when out is full. */
int bt_charset_read(struct bt_charset_reader *r, struct bt_slice text, struct bt_buf *out,
                    struct bt_err *err) BT_MUST_CHECK;

#endif
