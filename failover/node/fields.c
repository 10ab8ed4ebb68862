/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/node/fields.h"

bool bt_get_bool(struct bt_fields *f, bool *ret)
{
    uint8_t v;

    if (!bt_get_choice(f, 2, &v))
        return false;
    *ret = v == 1;
    return true;
}

bool bt_get_choice(struct bt_fields *f, uint8_t count, uint8_t *ret)
{
    uint8_t v;

    if (!bt_get_u8(f, &v) || v >= count)
        return false;
    *ret = v;
    return true;
}

void bt_put_text(struct bt_buf *out, const char *text)
{
    size_t len = text ? strlen(text) : 0;

    bt_put_u32(out, (uint32_t)len);
    if (len > 0)
        bt_buf_add(out, text, len);
}

/* The text's bytes, borrowed; without a NUL among them. */
static bool take_text(struct bt_fields *f, struct bt_slice *ret)
{
    uint32_t len;

    return bt_get_u32(f, &len) &&
           bt_cur_take(&f->c, len, ret) &&
           (len == 0 || !memchr(ret->ptr, 0, len));
}

bool bt_get_text(struct bt_fields *f, const char **ret)
{
    struct bt_slice bytes;
    const char *copy;

    if (!take_text(f, &bytes))
        return false;
    copy = bt_arena_str(f->arena, bytes);
    if (!copy)
        return false;
    *ret = copy;
    return true;
}

bool bt_get_text_into(struct bt_fields *f, char *ret, size_t size)
{
    struct bt_slice bytes;

    if (!take_text(f, &bytes) || bytes.len >= size)
        return false;
    memcpy(ret, bytes.ptr, bytes.len);
    ret[bytes.len] = '\0';
    return true;
}

void bt_put_coordinate(struct bt_buf *out, const struct bt_coordinate *c)
{
    bt_put_text(out, c->file);
    bt_put_u64(out, c->pos);
}

bool bt_get_coordinate(struct bt_fields *f, struct bt_coordinate *ret)
{
    return bt_get_text_into(f, ret->file, sizeof(ret->file)) &&
           bt_get_u64(f, &ret->pos);
}

void bt_put_error(struct bt_buf *out, const struct bt_err *err)
{
    bt_put_u8(out, (uint8_t)err->kind);
    bt_put_u32(out, (uint32_t)err->os_errno);
    bt_put_u32(out, err->server_errno);
    bt_put_text(out, err->text);
}

bool bt_get_error(struct bt_fields *f, struct bt_err *ret)
{
    struct bt_err e = {.file = __FILE__, .line = __LINE__};
    uint32_t os_errno, server_errno;
    uint8_t kind;

    if (!(bt_get_choice(f, BT_ERR_LIMIT + 1, &kind) &&
          bt_get_u32(f, &os_errno) &&
          bt_get_u32(f, &server_errno) &&
          bt_get_text_into(f, e.text, sizeof(e.text))) ||
        kind == BT_ERR_NONE)
        return false;
    e.kind = (enum bt_err_kind)kind;
    e.os_errno = (int)(os_errno & 0xfff);
    e.server_errno = server_errno;
    *ret = e;
    return true;
}
