/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_binary.h - MySQL's binary JSON (sql/json_binary.h, MySQL 8.0.43) as text.
 *
 *   document   type u8, value
 *   types      0 small object, 1 large object, 2 small array, 3 large array, 4 literal (0 null,
 *              1 true, 2 false), 5 int16, 6 uint16, 7 int32, 8 uint32, 9 int64, 10 uint64,
 *              11 double, 12 string (length in 7-bit groups, low first; utf8mb4), 15 opaque (column
 *              type u8, length as string, bytes)
 *   object     count, bytes of the whole, (key offset, key length u16) each, (type u8, value or its
 *              offset) each, keys, values; array the same without keys.  Counts and offsets are u16
 *              when small, u32 when large; numbers that fit stand in place of their offset.
 *
 * Offsets may point anywhere in a damaged document, also back: what is read is added up and may not
 * be more than the document, so that no small document becomes a large text.
 *
 * A difference (partial update, sql/json_diff.h): op u8 (0 replace, 1 insert, 2 remove), packed
 * length and path, and but for remove packed length and a document.
 */
#ifndef BT_PARSER_JSON_BINARY_H
#define BT_PARSER_JSON_BINARY_H

#include "base/buf.h"

/* As the server: JSON_DOCUMENT_MAX_DEPTH (sql-common/json_dom.h). */
enum { BT_JSON_DEPTH_MAX = 100 };

/* Appends a document as the server prints it: {"a": 1, "b": [true, null]}.  Empty bytes, which
 * INSERT IGNORE makes, are null. */
int bt_json_binary_text(struct bt_slice bytes, struct bt_buf *out, struct bt_err *err)
    BT_MUST_CHECK;

/* Appends differences as [{"op":"replace","path":"$.a","value":1}, ...]. */
int bt_json_diff_text(struct bt_slice bytes, struct bt_buf *out, struct bt_err *err) BT_MUST_CHECK;

/* Appends text as a JSON string with its quotes; what is not UTF-8 becomes U+FFFD. */
void bt_json_binary_quote(struct bt_slice text, struct bt_buf *out);

#endif
