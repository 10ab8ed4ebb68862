/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quote.h - text as a JSON string, written straight to memory: the inner loop of printing rows.
 */
#ifndef BT_BASE_QUOTE_H
#define BT_BASE_QUOTE_H

#include "base/slice.h"

/* Room that quoting needs for len bytes at worst. */
#define BT_QUOTE_ROOM(len) (6 * (size_t)(len) + 32)

/* Writes text with quotes and escapes at `at`, which has BT_QUOTE_ROOM(text.len) bytes, and returns
 * the end; NULL when text is not well-formed UTF-8 (what was written then means nothing). */
uint8_t *bt_quote_at(uint8_t *at, struct bt_slice text);

/* The same for text that must be ASCII: NULL when it is not. */
uint8_t *bt_quote_ascii_at(uint8_t *at, struct bt_slice text);

/* The same without the quotes, for a text that is written in pieces. */
uint8_t *bt_quote_inside_at(uint8_t *at, struct bt_slice text);

/* Writes the bytes as upper-case digits at `at`, which has room for 2 * len bytes, and returns the
 * end. */
uint8_t *bt_hex_at(uint8_t *at, struct bt_slice bytes);

/* Writes "0x" and the bytes as upper-case digits between quotes at `at`, which has room for
 * 2 * len + 4 bytes, and returns the end. */
uint8_t *bt_quote_hex_at(uint8_t *at, struct bt_slice bytes);

/* Length of the well-formed UTF-8 character at p, of which left bytes are there; 0 if it is none.
 */
size_t bt_utf8_length(const uint8_t *p, size_t left);

#endif
