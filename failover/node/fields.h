/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fields.h - the fields of a message: numbers are little endian, a text is u32 length and
 * bytes without a NUL among them.
 *
 * Getters chain with && in the order of the putters; a text is copied into the arena.
 */
#ifndef BT_FAILOVER_NODE_FIELDS_H
#define BT_FAILOVER_NODE_FIELDS_H

#include "base/arena.h"
#include "base/buf.h"
#include "parser/coordinate.h"

struct bt_fields {
    struct bt_cursor c;
    struct bt_arena *arena;
};

static inline struct bt_fields bt_fields(struct bt_slice payload, struct bt_arena *arena)
{
    return (struct bt_fields){bt_cursor(payload), arena};
}

/* Whether everything was read, and nothing is left. */
static inline bool bt_fields_end(const struct bt_fields *f)
{
    return f->c.left == 0;
}

static inline void bt_put_u8(struct bt_buf *out, uint8_t v)
{
    bt_buf_add_byte(out, v);
}

static inline void bt_put_u16(struct bt_buf *out, uint16_t v)
{
    bt_buf_add_le(out, v, 2);
}

static inline void bt_put_u32(struct bt_buf *out, uint32_t v)
{
    bt_buf_add_le(out, v, 4);
}

static inline void bt_put_u64(struct bt_buf *out, uint64_t v)
{
    bt_buf_add_le(out, v, 8);
}

static inline bool bt_get_u8(struct bt_fields *f, uint8_t *ret)
{
    return bt_cur_u8(&f->c, ret);
}

static inline bool bt_get_u16(struct bt_fields *f, uint16_t *ret)
{
    return bt_cur_u16(&f->c, ret);
}

static inline bool bt_get_u32(struct bt_fields *f, uint32_t *ret)
{
    return bt_cur_u32(&f->c, ret);
}

static inline bool bt_get_u64(struct bt_fields *f, uint64_t *ret)
{
    return bt_cur_u64(&f->c, ret);
}

/* 0 or 1; anything else is refused. */
bool bt_get_bool(struct bt_fields *f, bool *ret);

/* A number below `count`, such as an enum's value. */
bool bt_get_choice(struct bt_fields *f, uint8_t count, uint8_t *ret);

/* NULL is put as "". */
void bt_put_text(struct bt_buf *out, const char *text);
bool bt_get_text(struct bt_fields *f, const char **ret);

/* Into an array of `size` bytes; refused when it does not fit. */
bool bt_get_text_into(struct bt_fields *f, char *ret, size_t size);

void bt_put_coordinate(struct bt_buf *out, const struct bt_coordinate *c);
bool bt_get_coordinate(struct bt_fields *f, struct bt_coordinate *ret);

/* An error with its kind, numbers and text; file and line stay behind. */
void bt_put_error(struct bt_buf *out, const struct bt_err *err);
bool bt_get_error(struct bt_fields *f, struct bt_err *ret);

#endif
