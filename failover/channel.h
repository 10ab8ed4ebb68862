/* SPDX-License-Identifier: Apache-2.0 */
/*
 * channel.h - the manager's connection to baton-node on one host.
 *
 *     bt_channel_open(&host, until, &ch, &why, err)
 *     bt_node_survey(ch, &request, until, ...)      requests: node_client.h
 *     bt_channel_close(ch)
 *
 * Opening costs an ssh handshake; open channels while the primary is healthy and keep them.
 * Every request has a deadline.  Nothing heard for a while makes the channel ask whether the
 * other side lives (PING), so that a host which vanished costs SILENCE_MS and not the deadline.
 * A channel whose deadline passed, or that broke the protocol, is closed for good and its ssh
 * killed; what it says afterwards is why.  An error that baton-node reports leaves it open.
 *
 * One thread at a time per channel; any number of channels.
 */
#ifndef BT_FAILOVER_CHANNEL_H
#define BT_FAILOVER_CHANNEL_H

#include "base/clock.h"
#include "failover/node/protocol_host.h"
#include "failover/node/stream.h"
#include "failover/ssh.h"

struct bt_channel;

enum { BT_CHANNEL_SILENCE_MS = 5000 };

/* Opens: ssh (or the program itself when local), copies baton-node when the host has no such build,
 * greets.  A copy may take BT_COPY_MS (bootstrap.h) beyond the deadline.  host is copied as far as
 * needed.  *ret_why is written on failure only. */
int bt_channel_open(const struct bt_host *host, struct bt_deadline until, struct bt_channel **ret,
                    enum bt_channel_failure *ret_why, struct bt_err *err) BT_MUST_CHECK;

/* Ends baton-node by closing its input; kills ssh when that takes more than a moment.  Accepts
 * NULL. */
void bt_channel_close(struct bt_channel *ch);

static inline void bt_channel_release(struct bt_channel **ch)
{
    bt_channel_close(*ch);
    *ch = NULL;
}
#define bt_auto_channel BT_AUTO(bt_channel_release)

/* Who answered, and what it may do there.  Borrows until close. */
const struct bt_hello_reply *bt_channel_hello(const struct bt_channel *ch);
const char *bt_channel_name(const struct bt_channel *ch);

/* Whether opening had to copy the program. */
bool bt_channel_has_copied(const struct bt_channel *ch);

/* NONE while it is usable; else why it was closed. */
enum bt_channel_failure bt_channel_failure(const struct bt_channel *ch);

/* Is it alive?  Costs one round trip. */
int bt_channel_ping(struct bt_channel *ch, struct bt_deadline until, struct bt_err *err)
    BT_MUST_CHECK;

/* ------------------------------------------------ for node_client.c */

/* Where the streams of an answer go, in the order they come. */
struct bt_channel_stream {
    bt_stream_take_fn *take;
    void *ctx;
    uint64_t max; /* plain bytes allowed */
};

/* Begins a request; the caller puts its fields into the buffer it gets. */
struct bt_buf *bt_channel_request(struct bt_channel *ch, uint8_t kind, struct bt_deadline until);

/* Sends it and waits for the answer.  *ret_reply borrows until the next request.  Errors carry the
 * host's name. */
int bt_channel_call(struct bt_channel *ch, struct bt_deadline until,
                    const struct bt_channel_stream *streams, size_t stream_count,
                    struct bt_slice *ret_reply, struct bt_err *err) BT_MUST_CHECK;

/* Closes for good because of what the caller saw in a reply.  Always -1. */
int bt_channel_break(struct bt_channel *ch, enum bt_channel_failure why, struct bt_err *err);

#endif
