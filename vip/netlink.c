/* SPDX-License-Identifier: Apache-2.0 */
#include "vip/netlink.h"

#include <assert.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/socket.h>

/* The kernel never makes a listing's part larger than this (net/netlink/af_netlink.c,
 * netlink_dump: 32 KiB); a larger one shows as MSG_TRUNC and is an error. */
enum { RECEIVE_SIZE = 32768 };

/* The two highest bits are flags: nested, network byte order (NLA_F_*). */
enum { ATTRIBUTE_TYPE_MASK = 0x3fff };

static size_t padded(size_t len)
{
    return (len + 3) & ~(size_t)3;
}

int bt_netlink_open(struct bt_netlink *ret, struct bt_err *err)
{
    static const int on = 1;
    bt_auto_fd int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

    if (fd < 0)
        return bt_fail_sys(err, "could not open a netlink socket");
    /* Words with an error, and acknowledgements that do not repeat the request: both since
     * Linux 4.12.  Without them errors are only numbers, so a refusal does no harm. */
    (void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
    (void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
    *ret = (struct bt_netlink){.fd = bt_steal_fd(&fd), .sequence = 0};
    return 0;
}

void bt_netlink_close(struct bt_netlink *nl)
{
    bt_release_fd(&nl->fd);
    nl->fd = -1;
}

/* ----------------------------------------------------------------- asking */

struct bt_netlink_request bt_netlink_begin(uint16_t type, uint16_t flags, const void *header,
                                           size_t header_len)
{
    struct bt_netlink_request request = {.len = 0};
    struct nlmsghdr h = {.nlmsg_type = type, .nlmsg_flags = (uint16_t)(flags | NLM_F_REQUEST)};

    assert(sizeof(h) + header_len <= sizeof(request.bytes));
    memcpy(request.bytes, &h, sizeof(h));
    memcpy(request.bytes + sizeof(h), header, header_len);
    request.len = padded(sizeof(h) + header_len);
    return request;
}

void bt_netlink_put(struct bt_netlink_request *request, uint16_t type, const void *payload,
                    size_t len)
{
    struct rtattr a = {.rta_len = (uint16_t)(sizeof(a) + len), .rta_type = type};

    assert(len <= 64 && request->len + padded(sizeof(a) + len) <= sizeof(request->bytes));
    memcpy(request->bytes + request->len, &a, sizeof(a));
    memcpy(request->bytes + request->len + sizeof(a), payload, len);
    request->len += padded(sizeof(a) + len);
}

static int send_request(struct bt_netlink *nl, struct bt_netlink_request *request,
                        struct bt_err *err)
{
    static const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    struct nlmsghdr h;

    memcpy(&h, request->bytes, sizeof(h));
    h.nlmsg_len = (uint32_t)request->len;
    h.nlmsg_seq = ++nl->sequence;
    memcpy(request->bytes, &h, sizeof(h));
    if (sendto(nl->fd, request->bytes, request->len, 0, (const struct sockaddr *)&kernel,
               sizeof(kernel)) < 0)
        return bt_fail_sys(err, "could not ask the kernel by netlink");
    return 0;
}

/* One datagram of the kernel into buffer. */
static int receive(struct bt_netlink *nl, struct bt_deadline deadline, uint8_t *buffer,
                   struct bt_slice *ret, struct bt_err *err)
{
    for (;;) {
        struct pollfd p = {.fd = nl->fd, .events = POLLIN};
        struct sockaddr_nl from = {0};
        struct iovec vector = {.iov_base = buffer, .iov_len = RECEIVE_SIZE};
        struct msghdr m = {.msg_name = &from,
                           .msg_namelen = sizeof(from),
                           .msg_iov = &vector,
                           .msg_iovlen = 1};
        int ready = poll(&p, 1, bt_deadline_left(deadline));
        ssize_t got;

        if (ready == 0)
            return bt_fail(err, BT_ERR_TIMEOUT,
                           "the kernel did not answer a netlink request in time");
        if (ready < 0 && errno != EINTR)
            return bt_fail_sys(err, "could not wait for a netlink answer");
        if (ready < 0)
            continue;
        got = recvmsg(nl->fd, &m, MSG_DONTWAIT);
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got < 0)
            return bt_fail_sys(err, "could not read a netlink answer");
        if (m.msg_flags & MSG_TRUNC)
            return bt_fail(err, BT_ERR_LIMIT, "a netlink answer is larger than %d bytes",
                           RECEIVE_SIZE);
        /* Any process may write to our port; only port 0 is the kernel. */
        if (from.nl_pid != 0)
            continue;
        *ret = bt_slice(buffer, (size_t)got);
        return 0;
    }
}

static int fail_refused(int os_errno, struct bt_slice words, struct bt_err *err)
{
    if (words.len > 0)
        bt_fail(err, BT_ERR_SYSTEM, "%s (the kernel says: %.*s)",
                strerrordesc_np(os_errno) ? strerrordesc_np(os_errno) : "refused",
                BT_SLICE_ARG(words));
    else
        bt_fail(err, BT_ERR_SYSTEM, "%s",
                strerrordesc_np(os_errno) ? strerrordesc_np(os_errno) : "refused");
    err->os_errno = os_errno;
    return -1;
}

int bt_netlink_change(struct bt_netlink *nl, struct bt_netlink_request *request,
                      const int *expected, struct bt_deadline deadline, int *ret_errno,
                      struct bt_err *err)
{
    uint8_t buffer[RECEIVE_SIZE];
    struct nlmsghdr h;

    memcpy(&h, request->bytes, sizeof(h));
    h.nlmsg_flags |= NLM_F_ACK;
    memcpy(request->bytes, &h, sizeof(h));
    if (send_request(nl, request, err) < 0)
        return -1;
    for (;;) {
        struct bt_netlink_message m = {0};
        struct bt_slice datagram, words;
        struct bt_cursor c;
        int os_errno, got;

        if (receive(nl, deadline, buffer, &datagram, err) < 0)
            return -1;
        c = bt_cursor(datagram);
        while ((got = bt_netlink_message_next(&c, &m, err)) == 0) {
            if (m.sequence != nl->sequence || m.type != NLMSG_ERROR)
                continue; /* the late answer to a request that timed out */
            if (bt_netlink_error_read(m.body, m.flags, &os_errno, &words, err) < 0)
                return -1;
            if (os_errno == 0)
                return 0;
            for (; expected && *expected != 0; expected++) {
                if (*expected == os_errno) {
                    *ret_errno = os_errno;
                    return 1;
                }
            }
            return fail_refused(os_errno, words, err);
        }
        if (got < 0)
            return -1;
    }
}

/* Returns 1 when the listing is complete. */
static int dump_message(struct bt_netlink *nl, const struct bt_netlink_message *m,
                        bt_netlink_each *each, void *ctx, struct bt_err *err)
{
    struct bt_slice words;
    int os_errno;

    if (m->sequence != nl->sequence)
        return 0;
    if (m->flags & NLM_F_DUMP_INTR)
        return bt_fail(err, BT_ERR_CONFLICT, "the list changed while the kernel was telling it");
    if (m->type == NLMSG_ERROR) {
        if (bt_netlink_error_read(m->body, m->flags, &os_errno, &words, err) < 0)
            return -1;
        return os_errno == 0 ? 1 : fail_refused(os_errno, words, err);
    }
    if (m->type == NLMSG_DONE) {
        struct bt_cursor c = bt_cursor(m->body);
        int32_t status;

        if (bt_cur_copy(&c, sizeof(status), &status) && status < 0)
            return fail_refused(-status, bt_slice_empty(), err);
        return 1;
    }
    if (m->type < NLMSG_MIN_TYPE)
        return 0;
    return each(m->type, m->body, ctx, err) < 0 ? -1 : 0;
}

int bt_netlink_dump(struct bt_netlink *nl, struct bt_netlink_request *request,
                    struct bt_deadline deadline, bt_netlink_each *each, void *ctx,
                    struct bt_err *err)
{
    uint8_t buffer[RECEIVE_SIZE];
    struct nlmsghdr h;

    memcpy(&h, request->bytes, sizeof(h));
    h.nlmsg_flags |= NLM_F_DUMP;
    memcpy(request->bytes, &h, sizeof(h));
    if (send_request(nl, request, err) < 0)
        return -1;
    for (;;) {
        struct bt_netlink_message m = {0};
        struct bt_slice datagram;
        struct bt_cursor c;
        int got;

        if (receive(nl, deadline, buffer, &datagram, err) < 0)
            return -1;
        c = bt_cursor(datagram);
        while ((got = bt_netlink_message_next(&c, &m, err)) == 0) {
            int done = dump_message(nl, &m, each, ctx, err);

            if (done != 0)
                return done < 0 ? -1 : 0;
        }
        if (got < 0)
            return -1;
    }
}

/* ---------------------------------------------------------------- reading */

int bt_netlink_message_next(struct bt_cursor *c, struct bt_netlink_message *ret,
                            struct bt_err *err)
{
    struct nlmsghdr h;
    struct bt_slice body;

    if (c->left == 0)
        return 1;
    if (!bt_cur_copy(c, sizeof(h), &h))
        return bt_fail(err, BT_ERR_CORRUPT,
                       "a netlink message ends after %zu of %zu header bytes",
                       c->left, sizeof(h));
    if (h.nlmsg_len < sizeof(h) || !bt_cur_take(c, h.nlmsg_len - sizeof(h), &body))
        return bt_fail(err, BT_ERR_CORRUPT, "a netlink message claims %u bytes, %zu are there",
                       h.nlmsg_len, c->left + sizeof(h));
    if (!bt_cur_skip(c, padded(body.len) - body.len))
        c->left = 0; /* the last message need not be padded */
    *ret = (struct bt_netlink_message){h.nlmsg_type, h.nlmsg_flags, h.nlmsg_seq, body};
    return 0;
}

int bt_netlink_attribute_next(struct bt_cursor *c, struct bt_netlink_attribute *ret,
                              struct bt_err *err)
{
    struct rtattr a;
    struct bt_slice payload;

    if (c->left == 0)
        return 1;
    if (!bt_cur_copy(c, sizeof(a), &a))
        return bt_fail(err, BT_ERR_CORRUPT,
                       "a netlink attribute ends after %zu of %zu header bytes",
                       c->left, sizeof(a));
    if (a.rta_len < sizeof(a) || !bt_cur_take(c, a.rta_len - sizeof(a), &payload))
        return bt_fail(err, BT_ERR_CORRUPT, "netlink attribute %u claims %u bytes, %zu are there",
                       a.rta_type, a.rta_len, c->left + sizeof(a));
    if (!bt_cur_skip(c, padded(payload.len) - payload.len))
        c->left = 0;
    *ret = (struct bt_netlink_attribute){(uint16_t)(a.rta_type & ATTRIBUTE_TYPE_MASK), payload};
    return 0;
}

int bt_netlink_error_read(struct bt_slice body, uint16_t flags, int *ret_errno,
                          struct bt_slice *ret_words, struct bt_err *err)
{
    struct bt_cursor c = bt_cursor(body);
    struct bt_netlink_attribute a;
    struct bt_slice words = bt_slice_empty();
    struct nlmsghdr request;
    int32_t status;
    int got = 1;

    if (!bt_cur_copy(&c, sizeof(status), &status) || status > 0 || status < -4095)
        return bt_fail(err, BT_ERR_CORRUPT, "a netlink acknowledgement of %zu bytes holds no errno",
                       body.len);
    if (flags & NLM_F_ACK_TLVS) {
        /* The request's header stands between, and the whole request unless capped. */
        if (!bt_cur_copy(&c, sizeof(request), &request) ||
            (!(flags & NLM_F_CAPPED) && request.nlmsg_len >= sizeof(request) &&
             !bt_cur_skip(&c, padded(request.nlmsg_len) - sizeof(request))))
            return bt_fail(err, BT_ERR_CORRUPT, "a netlink acknowledgement is cut in its request");
        while ((got = bt_netlink_attribute_next(&c, &a, err)) == 0) {
            if (a.type == NLMSGERR_ATTR_MSG && a.payload.len > 0)
                words = bt_slice(a.payload.ptr,
                                 strnlen((const char *)a.payload.ptr, a.payload.len));
        }
    }
    if (got < 0)
        return -1;
    *ret_errno = -status;
    *ret_words = words;
    return 0;
}
