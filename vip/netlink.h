/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netlink.h - questions to the kernel's routing subsystem, and its answers.
 *
 *     open -> begin, put ... -> change | dump -> close
 *
 * Why not libmnl: docs/decisions/0001-netlink-without-libmnl.md.  Numbers in netlink are in
 * host byte order; replies are read through the checked cursor all the same.
 *
 *     message    4 length | 2 type | 2 flags | 4 sequence | 4 port | family header | attributes
 *     attribute  2 length | 2 type | payload, padded to 4
 */
#ifndef BT_VIP_NETLINK_H
#define BT_VIP_NETLINK_H

#include "base/auto.h"
#include "base/clock.h"
#include "base/slice.h"

struct bt_netlink {
    int fd;
    uint32_t sequence;
};

int bt_netlink_open(struct bt_netlink *ret, struct bt_err *err) BT_MUST_CHECK;
void bt_netlink_close(struct bt_netlink *nl);
#define bt_auto_netlink BT_AUTO(bt_netlink_close)

/* ----------------------------------------------------------------- asking */

struct bt_netlink_request {
    uint8_t bytes[256] __attribute__((aligned(4)));
    size_t len;
};

/* Starts a request: RTM_* type, NLM_F_* flags besides NLM_F_REQUEST, the family's header. */
struct bt_netlink_request bt_netlink_begin(uint16_t type, uint16_t flags, const void *header,
                                           size_t header_len);

/* Appends an attribute.  What is put is ours and small: not fitting is a bug (assert). */
void bt_netlink_put(struct bt_netlink_request *request, uint16_t type, const void *payload,
                    size_t len);

/* Has the kernel do it and waits for its acknowledgement.  Returns 1 when it refuses with one of
 * the errno values in `expected` (ends with 0; may be NULL), *ret_errno says which.  Any other
 * refusal is BT_ERR_SYSTEM with os_errno and the kernel's own words where it gives some. */
int bt_netlink_change(struct bt_netlink *nl, struct bt_netlink_request *request,
                      const int *expected, struct bt_deadline deadline, int *ret_errno,
                      struct bt_err *err) BT_MUST_CHECK;

/* One message of a listing: type and what follows the message header (borrowed for the call).
 * 0 = go on, -1 = stop with err. */
typedef int bt_netlink_each(uint16_t type, struct bt_slice body, void *ctx, struct bt_err *err);

/* Asks for a listing (NLM_F_DUMP) and hands out each message.  A listing that the kernel marks
 * as interrupted by a change is BT_ERR_CONFLICT: begin anew. */
int bt_netlink_dump(struct bt_netlink *nl, struct bt_netlink_request *request,
                    struct bt_deadline deadline, bt_netlink_each *each, void *ctx,
                    struct bt_err *err) BT_MUST_CHECK;

/* ---------------------------------------------------------------- reading */

struct bt_netlink_message {
    uint16_t type;
    uint16_t flags;
    uint32_t sequence;
    struct bt_slice body; /* borrows from the cursor's bytes */
};

/* The next message.  Returns 1 at the end; BT_ERR_CORRUPT on a length that does not fit. */
int bt_netlink_message_next(struct bt_cursor *c, struct bt_netlink_message *ret,
                            struct bt_err *err) BT_MUST_CHECK;

struct bt_netlink_attribute {
    uint16_t type; /* without the nested and byte order flags */
    struct bt_slice payload;
};

/* The next attribute.  Returns 1 at the end; BT_ERR_CORRUPT on a length that does not fit. */
int bt_netlink_attribute_next(struct bt_cursor *c, struct bt_netlink_attribute *ret,
                              struct bt_err *err) BT_MUST_CHECK;

/* What an NLMSG_ERROR body says: *ret_errno (0 = acknowledged) and the kernel's own words,
 * borrowed, empty where it gives none. */
int bt_netlink_error_read(struct bt_slice body, uint16_t flags, int *ret_errno,
                          struct bt_slice *ret_words, struct bt_err *err) BT_MUST_CHECK;

#endif
