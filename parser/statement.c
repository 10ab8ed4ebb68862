/* SPDX-License-Identifier: Apache-2.0 */
/* Layouts checked against MariaDB 10.11 and 11.8 sql/log_event.cc and MySQL 8.0.43
 * libbinlogevents/src/statement_events.cpp. */
#include "parser/statement.h"

enum {
    USER_VAR_UNSIGNED = 1,  /* also MariaDB's attribute of that meaning; 0 is signed */
    USER_VAR_DATA_TYPE = 2, /* MariaDB 11: attribute "name of the data type" */
};

static int fail_short(const struct bt_event *ev, struct bt_err *err)
{
    const char *name = bt_event_type_name(ev->type);

    return bt_fail(err, BT_ERR_CORRUPT, "%s of %zu bytes does not follow its layout",
                   name ? name : "event", ev->body.len);
}

/*
 * INTVAR
 *   1  kind
 *   8  value
 */
int bt_intvar_read(const struct bt_event *ev, struct bt_intvar *ret, struct bt_err *err)
{
    struct bt_cursor c = bt_cursor(ev->body);
    struct bt_intvar i;
    uint8_t kind;

    if (!(bt_cur_u8(&c, &kind) && bt_cur_u64(&c, &i.value)))
        return fail_short(ev, err);
    if (kind != BT_INTVAR_LAST_INSERT_ID && kind != BT_INTVAR_INSERT_ID)
        return bt_fail(err, BT_ERR_CORRUPT, "INTVAR of kind %u, known are 1 and 2", kind);
    i.kind = kind;
    *ret = i;
    return 0;
}

/*
 * RAND
 *   8 8  seeds
 */
int bt_rand_read(const struct bt_event *ev, struct bt_rand *ret, struct bt_err *err)
{
    struct bt_cursor c = bt_cursor(ev->body);
    struct bt_rand r;

    if (!(bt_cur_u64(&c, &r.seed1) && bt_cur_u64(&c, &r.seed2)))
        return fail_short(ev, err);
    *ret = r;
    return 0;
}

/*
 * USER_VAR
 *   4 n  name with its length
 *   1    is null; nothing follows then
 *   1    type
 *   4    collation
 *   4 n  value with its length
 *   1    flags (MySQL 5.6, MariaDB 10.0): 1 = unsigned
 * or, MariaDB 11 (sql/log_event_data_type.h), any of
 *   1      0 signed, 1 unsigned
 *   1 1 n  2, name of the data type with its length
 */
static bool take_attributes(struct bt_cursor *c, struct bt_user_var *v)
{
    uint8_t attribute;

    while (bt_cur_u8(c, &attribute)) {
        if (attribute == USER_VAR_DATA_TYPE) {
            if (!bt_cur_len8(c, &v->data_type))
                return false;
        } else {
            v->is_unsigned = attribute & USER_VAR_UNSIGNED;
        }
    }
    return true;
}

static bool take_value(struct bt_cursor *c, struct bt_user_var *v)
{
    uint8_t type;
    uint32_t len;

    if (!(bt_cur_u8(c, &type) &&
          bt_cur_u32(c, &v->collation) &&
          bt_cur_u32(c, &len) &&
          bt_cur_take(c, len, &v->value) &&
          take_attributes(c, v)))
        return false;
    v->type = type;
    switch (v->type) {
    case BT_USER_VAR_STRING: return true;
    case BT_USER_VAR_REAL:
    case BT_USER_VAR_INT: return len == 8;
    case BT_USER_VAR_DECIMAL: return len >= 2;
    }
    return false;
}

int bt_user_var_read(const struct bt_event *ev, struct bt_user_var *ret, struct bt_err *err)
{
    struct bt_cursor c = bt_cursor(ev->body);
    struct bt_user_var v = {.value = bt_slice_empty(), .data_type = bt_slice_empty()};
    uint32_t name_len;
    uint8_t is_null;

    if (!(bt_cur_u32(&c, &name_len) &&
          bt_cur_take(&c, name_len, &v.name) &&
          bt_cur_u8(&c, &is_null)))
        return fail_short(ev, err);
    v.is_null = is_null != 0;
    if (!v.is_null && !take_value(&c, &v))
        return fail_short(ev, err);
    *ret = v;
    return 0;
}

/*
 * ANNOTATE_ROWS
 *   n    text, to the end
 * ROWS_QUERY
 *   1 n  the text's length or 255, whichever is less; text, to the end
 */
int bt_rows_text_read(const struct bt_event *ev, struct bt_slice *ret, struct bt_err *err)
{
    struct bt_cursor c = bt_cursor(ev->body);

    if (ev->type == BT_ROWS_QUERY && !bt_cur_skip(&c, 1))
        return fail_short(ev, err);
    *ret = bt_cur_rest(&c);
    return 0;
}

/*
 * BEGIN_LOAD_QUERY, APPEND_BLOCK, DELETE_FILE
 *   4  file id
 *   n  data, to the end; none in DELETE_FILE
 */
int bt_load_block_read(const struct bt_event *ev, struct bt_load_block *ret, struct bt_err *err)
{
    struct bt_cursor c = bt_cursor(ev->body);
    struct bt_load_block b;

    if (!bt_cur_u32(&c, &b.file_id) || (ev->type == BT_DELETE_FILE && c.left != 0))
        return fail_short(ev, err);
    b.data = bt_cur_rest(&c);
    *ret = b;
    return 0;
}
