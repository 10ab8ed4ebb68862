/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base64.h - the encoding of BINLOG statements (RFC 4648, with padding, no line breaks).
 *
 * Two output bytes per look-up of 12 input bits: rows are most of what a replay sends, and the
 * encoder must not be what it waits for.
 */
#ifndef BT_APPLY_BASE64_H
#define BT_APPLY_BASE64_H

#include "base/buf.h"

/* Bytes that the encoding of n bytes takes. */
static inline size_t bt_base64_length(size_t n)
{
    return (n / 3 + (n % 3 != 0)) * 4;
}

/* Appends the encoding; false (sticky in out) when it does not fit. */
bool bt_base64_add(struct bt_buf *out, struct bt_slice bytes);

#endif
