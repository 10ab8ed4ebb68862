/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.h - writes JSON straight into a buffer, no tree.
 *
 *     struct bt_json j;  bt_json_init(&j, &buf);
 *     bt_json_object(&j);
 *     bt_json_key_u64(&j, "events", n);
 *     bt_json_key(&j, "files");  bt_json_array(&j); ... bt_json_end(&j);
 *     bt_json_end(&j);
 *
 * Commas are its business.  Text is checked as UTF-8; bytes that are not are
 * written as U+FFFD by bt_json_text().  Nesting deeper than 64 is our bug and
 * asserts.  Failure to grow is the buffer's sticky error.
 */
#ifndef BT_BASE_JSON_H
#define BT_BASE_JSON_H

#include "base/buf.h"

struct bt_json {
    struct bt_buf *out;
    int depth;
    uint64_t is_array; /* bit per depth */
    bool need_comma;
};

void bt_json_init(struct bt_json *j, struct bt_buf *out);

void bt_json_object(struct bt_json *j);
void bt_json_array(struct bt_json *j);
void bt_json_end(struct bt_json *j); /* closes the innermost of the two */

void bt_json_key(struct bt_json *j, const char *key);

void bt_json_text(struct bt_json *j, struct bt_slice text);
void bt_json_str(struct bt_json *j, const char *text); /* NULL writes null */
void bt_json_u64(struct bt_json *j, uint64_t value);
void bt_json_i64(struct bt_json *j, int64_t value);
void bt_json_f64(struct bt_json *j, double value); /* shortest that reads back, or null */
void bt_json_bool(struct bt_json *j, bool value);
void bt_json_null(struct bt_json *j);
void bt_json_raw(struct bt_json *j, struct bt_slice json); /* one value, already JSON */

void bt_json_key_str(struct bt_json *j, const char *key, const char *text);
void bt_json_key_text(struct bt_json *j, const char *key, struct bt_slice text);
/* Text of several lines, as an array of them; the end of the last line may be missing. */
void bt_json_key_lines(struct bt_json *j, const char *key, struct bt_slice text);
void bt_json_key_u64(struct bt_json *j, const char *key, uint64_t value);
void bt_json_key_i64(struct bt_json *j, const char *key, int64_t value);
void bt_json_key_bool(struct bt_json *j, const char *key, bool value);

#endif
