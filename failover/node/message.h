/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message.h - what travels between the manager and baton-node, one message at a time.
 *
 *   offset  size  field            (little endian)
 *        0     4  payload length   at most 1 MiB
 *        4     1  kind             enum bt_message_kind
 *        5     4  request id       an answer carries that of its request
 *        9     n  payload          fields.h, protocol.h; DATA: bytes of a stream (stream.h)
 *
 * A request is answered by any number of streams (DATA ... END each) and then by one REPLY or
 * ERROR.  PING may come at any time, also while a request is at work, and is answered by PONG.
 * Both sides are always of one build (channel.h), so fields have no versions: the greeting does.
 */
#ifndef BT_FAILOVER_NODE_MESSAGE_H
#define BT_FAILOVER_NODE_MESSAGE_H

#include "base/buf.h"
#include "base/clock.h"

enum { BT_MESSAGE_HEADER_SIZE = 9,
       BT_MESSAGE_PAYLOAD_MAX = 1 << 20 };

/* clang-format off */
#define BT_MESSAGE_KINDS(X)                                                \
    X(PING,   1,  "ping",         "empty")                                 \
    X(HELLO,  2,  "hello",        "who are you")                           \
    X(LIST,   3,  "list logs",    "names and sizes of one set of logs")    \
    X(READ,   4,  "read log",     "bytes of one log, as a stream")         \
    X(SURVEY, 5,  "survey",       "what was received whole")               \
    X(STATE,  7,  "server state", "the server's process and its port")     \
    X(STOP,   8,  "server stop",  "end it and prove it")                   \
    X(VIP,    9,  "vip",          "look for, add, remove, announce an address") \
    X(PROBE,  10, "probe",        "reach an address from here")            \
    X(GUARD,  11, "guard",        "give the address up when cut off")      \
    X(FEED_ADD, 12, "feed add",   "a piece of a diff log for the host's server") \
    X(FEED_OPEN, 13, "feed open", "serve it on the host's loopback")       \
    X(FEED_LOOK, 14, "feed look", "how far its replication threads have read") \
    X(FEED_CLOSE, 15, "feed close", "end that")                            \
    X(PONG,   64, "pong",         "answers PING")                          \
    X(REPLY,  65, "reply",        "ends a request well")                   \
    X(ERROR,  66, "error",        "ends a request badly: a struct bt_err") \
    X(DATA,   67, "data",         "some bytes of the stream at hand")      \
    X(END,    68, "end",          "ends the stream: its size and digest")
/* clang-format on */

enum bt_message_kind {
#define X(id, number, name, meaning) BT_MESSAGE_##id = (number),
    BT_MESSAGE_KINDS(X)
#undef X
};

struct bt_message {
    uint8_t kind;
    uint32_t id;
    struct bt_slice payload;
};

/* "read log"; "message 200" style names do not exist: NULL for an unknown kind. */
const char *bt_message_kind_name(uint8_t kind);

/* Begins a message in out (emptied before); the payload is added by bt_buf_add_..., then end()
 * fills in its length.  out must have room for BT_MESSAGE_HEADER_SIZE more than the payload. */
void bt_message_begin(struct bt_buf *out, uint8_t kind, uint32_t id);
int bt_message_end(struct bt_buf *out, struct bt_err *err) BT_MUST_CHECK;

/* Reads one header from exactly BT_MESSAGE_HEADER_SIZE bytes; *ret_len is the payload's length,
 * refused (BT_ERR_CORRUPT) when over the limit. */
int bt_message_header_read(struct bt_slice bytes, struct bt_message *ret, size_t *ret_len,
                           struct bt_err *err) BT_MUST_CHECK;

/* Waits for one message.  *ret borrows from into until its next change.  Returns 1 when the stream
 * ended before a message. */
int bt_message_receive(int fd, struct bt_buf *into, struct bt_deadline until,
                       struct bt_message *ret, struct bt_err *err) BT_MUST_CHECK;

/* Sends what end() finished. */
int bt_message_send(int fd, const struct bt_buf *message, struct bt_deadline until,
                    struct bt_err *err) BT_MUST_CHECK;

#endif
