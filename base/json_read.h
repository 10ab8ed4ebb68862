/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_read.h - reads JSON that came from a file or another process, strictly, without a tree.
 *
 *     bt_json_parse(text, &root, err)                    checks the whole grammar once
 *     struct bt_json_children c = bt_json_children(root);
 *     while (bt_json_next(&c, &key, &value)) ...         keys and values in order
 *
 * A value is a slice of the text: nothing is copied until it is asked for.  Nesting deeper than 64,
 * trailing text and numbers JSON does not know are refused with their offset.
 */
#ifndef BT_BASE_JSON_READ_H
#define BT_BASE_JSON_READ_H

#include "base/arena.h"

enum bt_json_kind {
    BT_JSON_OBJECT,
    BT_JSON_ARRAY,
    BT_JSON_STRING,
    BT_JSON_NUMBER,
    BT_JSON_TRUE,
    BT_JSON_FALSE,
    BT_JSON_NULL,
};

struct bt_json_value {
    enum bt_json_kind kind;
    struct bt_slice text; /* as it stands, with quotes or brackets; borrows from the document */
};

struct bt_json_children {
    struct bt_cursor at;
    bool is_object;
};

/* Checks that text is one JSON value and nothing more. */
int bt_json_parse(struct bt_slice text, struct bt_json_value *ret, struct bt_err *err)
    BT_MUST_CHECK;

/* The children of an object or array that bt_json_parse() accepted; of anything else none. */
struct bt_json_children bt_json_children(struct bt_json_value value);

/* The next child; false behind the last.  key (raw, without quotes) is empty in an array. */
bool bt_json_next(struct bt_json_children *c, struct bt_slice *ret_key, struct bt_json_value *ret);

/* The member of an object; false when there is none.  The key must need no escapes. */
bool bt_json_member(struct bt_json_value object, const char *key, struct bt_json_value *ret);

/* A number without sign, fraction or exponent; false when it is something else. */
bool bt_json_get_u64(struct bt_json_value value, uint64_t *ret);

/* A string with its escapes undone, in the arena; NULL when it is no string or without memory. */
char *bt_json_get_str(struct bt_json_value value, struct bt_arena *arena) BT_MUST_CHECK;

#endif
