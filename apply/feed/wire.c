/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/feed/wire.h"

enum {
    PACKET_MAX = 0xffffff,
    COMMAND_MAX = 16 << 20, /* a dump names all GTIDs that the replica has */
    OUT_MAX = INT32_MAX,
    UTF8_GENERAL_CI = 33,
    STATUS_AUTOCOMMIT = 2,
    TYPE_VAR_STRING = 253,
};

/* Capabilities (include/mysql_com.h). */
enum {
    CLIENT_LONG_PASSWORD = 1, /* set: no MariaDB extensions */
    CLIENT_CONNECT_WITH_DB = 8,
    CLIENT_PROTOCOL_41 = 0x200,
    CLIENT_TRANSACTIONS = 0x2000,
    CLIENT_SECURE_CONNECTION = 0x8000,
    CLIENT_PLUGIN_AUTH = 0x80000,
};

void bt_wire_init(struct bt_wire *w, int fd)
{
    *w = (struct bt_wire){.fd = fd};
    bt_buf_init(&w->in, COMMAND_MAX);
    bt_buf_init(&w->out, OUT_MAX);
}

void bt_wire_done(struct bt_wire *w)
{
    bt_buf_done(&w->in);
    bt_buf_done(&w->out);
}

int bt_wire_read(struct bt_wire *w, struct bt_deadline deadline, struct bt_err *err)
{
    uint8_t head[4];
    size_t length;
    uint8_t *to;
    int status = bt_io_read(w->fd, head, sizeof(head), deadline, err);

    if (status != 0)
        return status;
    length = head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16;
    w->sequence = (uint8_t)(head[3] + 1);
    bt_buf_reset(&w->in);
    to = bt_buf_reserve(&w->in, length);
    if (!to)
        return bt_fail(err, BT_ERR_LIMIT, "a replica sent a command of %zu bytes, allowed are %d",
                       length, COMMAND_MAX);
    status = length > 0 ? bt_io_read(w->fd, to, length, deadline, err) : 0;
    if (status != 0)
        return status < 0 ? -1 : bt_fail(err, BT_ERR_CORRUPT, "a replica hung up in a command");
    bt_buf_commit(&w->in, length);
    return 0;
}

int bt_wire_flush(struct bt_wire *w, struct bt_deadline deadline, struct bt_err *err)
{
    if (bt_buf_check(&w->out, "what is sent to a replica", err) < 0)
        return -1;
    if (w->out.len > 0 && bt_io_write(w->fd, w->out.data, w->out.len, deadline, err) < 0)
        return -1;
    bt_buf_reset(&w->out);
    return 0;
}

void bt_wire_add(struct bt_wire *w, int first, struct bt_slice bytes)
{
    size_t left = bytes.len + (first >= 0), part, own;
    const uint8_t *from = bytes.ptr;

    do {
        part = left < PACKET_MAX ? left : PACKET_MAX;
        bt_buf_add_le(&w->out, part, 3);
        bt_buf_add_byte(&w->out, w->sequence++);
        left -= part;
        own = part - (first >= 0);
        if (first >= 0)
            bt_buf_add_byte(&w->out, (uint8_t)first);
        first = -1;
        bt_buf_add(&w->out, from, own);
        from += own;
    } while (left > 0 || part == PACKET_MAX);
}

void bt_wire_ok(struct bt_wire *w)
{
    bt_wire_add(w, 0, bt_slice("\0\0\2\0\0\0", 6));
}

void bt_wire_error(struct bt_wire *w, unsigned number, const char *text)
{
    bt_auto_buf struct bt_buf b = {.max = 4096};

    bt_buf_add_le(&b, number, 2);
    bt_buf_add_str(&b, "#HY000");
    bt_buf_add_str(&b, text);
    bt_wire_add(w, 0xff, bt_buf_slice(&b));
}

/* --------------------------------------------------------------------- results */

static void add_text(struct bt_buf *b, const char *text)
{
    size_t len = strlen(text);

    if (len < 251) {
        bt_buf_add_byte(b, (uint8_t)len);
    } else {
        bt_buf_add_byte(b, 252);
        bt_buf_add_le(b, len, 2);
    }
    bt_buf_add_str(b, text);
}

static void add_column(struct bt_wire *w, const char *name)
{
    bt_auto_buf struct bt_buf b = {.max = 4096};

    add_text(&b, "def");
    add_text(&b, "");
    add_text(&b, "");
    add_text(&b, "");
    add_text(&b, name);
    add_text(&b, "");
    bt_buf_add_byte(&b, 12);
    bt_buf_add_le(&b, UTF8_GENERAL_CI, 2);
    bt_buf_add_le(&b, 1024, 4);
    bt_buf_add_byte(&b, TYPE_VAR_STRING);
    bt_buf_add_le(&b, 0, 2 + 1 + 2);
    bt_wire_add(w, -1, bt_buf_slice(&b));
}

static void add_end(struct bt_wire *w)
{
    bt_wire_add(w, 0xfe, bt_slice("\0\0\2\0", 4));
}

void bt_wire_row(struct bt_wire *w, unsigned count, const char *const *names,
                 const char *const *values)
{
    bt_auto_buf struct bt_buf row = {.max = 1 << 16};

    bt_wire_add(w, (int)count, bt_slice_empty());
    for (unsigned i = 0; i < count; i++)
        add_column(w, names[i]);
    add_end(w);
    for (unsigned i = 0; values && i < count; i++)
        add_text(&row, values[i]);
    if (values)
        bt_wire_add(w, -1, bt_buf_slice(&row));
    add_end(w);
}

/* ----------------------------------------------------------------------- login */

void bt_wire_greet(struct bt_wire *w, const char *version, uint32_t thread_id, const char *method,
                   const uint8_t *scramble)
{
    uint32_t can = CLIENT_LONG_PASSWORD | CLIENT_PROTOCOL_41 | CLIENT_TRANSACTIONS |
                   CLIENT_SECURE_CONNECTION | CLIENT_PLUGIN_AUTH;
    bt_auto_buf struct bt_buf b = {.max = 4096};

    bt_buf_add_str(&b, version);
    bt_buf_add_byte(&b, 0);
    bt_buf_add_le(&b, thread_id, 4);
    bt_buf_add(&b, scramble, 8);
    bt_buf_add_byte(&b, 0);
    bt_buf_add_le(&b, can & 0xffff, 2);
    bt_buf_add_byte(&b, UTF8_GENERAL_CI);
    bt_buf_add_le(&b, STATUS_AUTOCOMMIT, 2);
    bt_buf_add_le(&b, can >> 16, 2);
    bt_buf_add_byte(&b, BT_WIRE_SCRAMBLE_SIZE + 1);
    bt_buf_add_le(&b, 0, 8);
    bt_buf_add_le(&b, 0, 2);
    bt_buf_add(&b, scramble + 8, BT_WIRE_SCRAMBLE_SIZE - 8);
    bt_buf_add_byte(&b, 0);
    bt_buf_add(&b, method, strlen(method) + 1);
    w->sequence = 0;
    bt_wire_add(w, 10, bt_buf_slice(&b));
}

int bt_wire_login_read(struct bt_slice payload, struct bt_slice *ret_user,
                       struct bt_slice *ret_proof, struct bt_err *err)
{
    struct bt_cursor c = bt_cursor(payload);
    uint32_t can;

    if (!(bt_cur_u32(&c, &can) && bt_cur_skip(&c, 4 + 1 + 23) && bt_cur_cstring(&c, ret_user) &&
          bt_cur_len8(&c, ret_proof)))
        return bt_fail(err, BT_ERR_CORRUPT, "a login of %zu bytes is cut short", payload.len);
    if (!(can & CLIENT_PROTOCOL_41))
        return bt_fail(err, BT_ERR_REALITY, "a client of protocol 4.0 asked to replicate");
    return 0;
}

void bt_wire_switch(struct bt_wire *w, const char *method, const uint8_t *scramble)
{
    bt_auto_buf struct bt_buf b = {.max = 256};

    bt_buf_add(&b, method, strlen(method) + 1);
    bt_buf_add(&b, scramble, BT_WIRE_SCRAMBLE_SIZE);
    bt_buf_add_byte(&b, 0);
    bt_wire_add(w, 0xfe, bt_buf_slice(&b));
}
