/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/node/message.h"

#include <assert.h>
#include <endian.h>

#include "base/io.h"

const char *bt_message_kind_name(uint8_t kind)
{
    switch (kind) {
#define X(id, number, name, meaning) \
    case number: \
        return name;
        BT_MESSAGE_KINDS(X)
#undef X
    default:
        return NULL;
    }
}

void bt_message_begin(struct bt_buf *out, uint8_t kind, uint32_t id)
{
    bt_buf_reset(out);
    bt_buf_add_le(out, 0, 4);
    bt_buf_add_byte(out, kind);
    bt_buf_add_le(out, id, 4);
}

int bt_message_end(struct bt_buf *out, struct bt_err *err)
{
    uint32_t length;

    if (bt_buf_check(out, "a message", err) != 0)
        return -1;
    assert(out->len >= BT_MESSAGE_HEADER_SIZE);
    if (out->len - BT_MESSAGE_HEADER_SIZE > BT_MESSAGE_PAYLOAD_MAX)
        return bt_fail(err, BT_ERR_LIMIT, "a message of %zu bytes is over the limit of %d",
                       out->len - BT_MESSAGE_HEADER_SIZE, BT_MESSAGE_PAYLOAD_MAX);
    length = htole32((uint32_t)(out->len - BT_MESSAGE_HEADER_SIZE));
    memcpy(out->data, &length, sizeof(length));
    return 0;
}

int bt_message_header_read(struct bt_slice bytes, struct bt_message *ret, size_t *ret_len,
                           struct bt_err *err)
{
    struct bt_cursor c = bt_cursor(bytes);
    struct bt_message m = {.payload = bt_slice_empty()};
    uint32_t length;

    if (!(bt_cur_u32(&c, &length) &&
          bt_cur_u8(&c, &m.kind) &&
          bt_cur_u32(&c, &m.id))) {
        return bt_fail(err, BT_ERR_CORRUPT, "a message's header ends after %zu of %d bytes",
                       bytes.len, BT_MESSAGE_HEADER_SIZE);
    }
    if (length > BT_MESSAGE_PAYLOAD_MAX)
        return bt_fail(err, BT_ERR_CORRUPT, "a message claims %u bytes, allowed are 0 to %d",
                       length, BT_MESSAGE_PAYLOAD_MAX);
    if (!bt_message_kind_name(m.kind))
        return bt_fail(err, BT_ERR_CORRUPT, "a message is of kind %u, which does not exist",
                       m.kind);
    *ret = m;
    *ret_len = length;
    return 0;
}

int bt_message_receive(int fd, struct bt_buf *into, struct bt_deadline until,
                       struct bt_message *ret, struct bt_err *err)
{
    uint8_t header[BT_MESSAGE_HEADER_SIZE];
    struct bt_message m;
    uint8_t *room;
    size_t length;
    int rc = bt_io_read(fd, header, sizeof(header), until, err);

    if (rc != 0)
        return rc;
    if (bt_message_header_read(bt_slice(header, sizeof(header)), &m, &length, err) != 0)
        return -1;
    bt_buf_reset(into);
    room = bt_buf_reserve(into, length);
    if (!room && length > 0)
        return bt_buf_check(into, "a message", err);
    rc = length > 0 ? bt_io_read(fd, room, length, until, err) : 0;
    if (rc == 1)
        return bt_fail(err, BT_ERR_CORRUPT, "the stream ended inside a message of %zu bytes",
                       length);
    if (rc != 0)
        return -1;
    bt_buf_commit(into, length);
    m.payload = bt_buf_slice(into);
    *ret = m;
    return 0;
}

int bt_message_send(int fd, const struct bt_buf *message, struct bt_deadline until,
                    struct bt_err *err)
{
    return bt_io_write(fd, message->data, message->len, until, err);
}
