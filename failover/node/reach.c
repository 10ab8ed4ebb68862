/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/node/reach.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"

enum { ATTEMPTS_MAX = 6,
       ATTEMPT_EVERY_MS = 150,
       TCP_LISTEN = 10 }; /* include/net/tcp_states.h of Linux */

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static int read_address(const char *text, uint16_t port, union address *ret, socklen_t *ret_len,
                        struct bt_err *err)
{
    union address a = {0};

    if (inet_pton(AF_INET, text, &a.v4.sin_addr) == 1) {
        a.v4.sin_family = AF_INET;
        a.v4.sin_port = htons(port);
        *ret_len = sizeof(a.v4);
    } else if (inet_pton(AF_INET6, text, &a.v6.sin6_addr) == 1) {
        a.v6.sin6_family = AF_INET6;
        a.v6.sin6_port = htons(port);
        *ret_len = sizeof(a.v6);
    } else {
        return bt_fail(err, BT_ERR_USAGE, "\"%s\" is no numeric IP address", text);
    }
    *ret = a;
    return 0;
}

/* One of several connections that are tried, each begun a moment after the one before: where
 * packets are lost, a repeated SYN comes a second later (Linux), and what one does not get another
 * does. */
struct attempt {
    int fd; /* -1 = it has failed */
    bool stands;
};

struct attempts {
    struct attempt list[ATTEMPTS_MAX];
    size_t count;
    int error; /* of the last that failed */
};

static int attempt_begin(struct attempts *a, const union address *where, socklen_t len,
                         struct bt_err *err)
{
    int fd = socket(where->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct attempt *new = &a->list[a->count];

    if (fd < 0)
        return bt_fail_sys(err, "could not make a socket");
    *new = (struct attempt){.fd = fd};
    a->count++;
    if (connect(fd, &where->any, len) == 0) {
        new->stands = true;
    } else if (errno != EINPROGRESS) {
        a->error = errno;
        close(fd);
        new->fd = -1;
    }
    return 0;
}

/* It has become readable, writable or has failed.  True when that tells what is there. */
static bool attempt_look(struct attempts *a, struct attempt *t, bool greeting, uint8_t *ret_port)
{
    int error = 0;
    socklen_t len = sizeof(error);
    uint8_t byte;
    ssize_t got;

    *ret_port = BT_PORT_ANSWERS;
    if (!t->stands) {
        if (getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
            error = errno;
        t->stands = error == 0;
        if (t->stands)
            return !greeting;
    } else {
        got = read(t->fd, &byte, 1);
        if (got >= 0)
            return true;
        if (errno == EAGAIN || errno == EINTR)
            return false;
    }
    a->error = error;
    close(t->fd);
    t->fd = -1;
    *ret_port = BT_PORT_REFUSED;
    return error == ECONNREFUSED;
}

/* Waits for any of them, up to ms.  True when one has told what is there. */
static bool attempts_wait(struct attempts *a, bool greeting, int ms, uint8_t *ret_port)
{
    struct pollfd fds[ATTEMPTS_MAX];

    for (size_t i = 0; i < a->count; i++)
        fds[i] = (struct pollfd){.fd = a->list[i].fd,
                                 .events = a->list[i].stands ? POLLIN : POLLOUT};
    if (poll(fds, a->count, ms) <= 0)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (fds[i].fd >= 0 && fds[i].revents &&
            attempt_look(a, &a->list[i], greeting, ret_port))
            return true;
    return false;
}

/* What they have come to when the time is up. */
static uint8_t attempts_judge(const struct attempts *a)
{
    for (size_t i = 0; i < a->count; i++)
        if (a->list[i].fd >= 0 && a->list[i].stands)
            return BT_PORT_SILENT;
    return a->error == 0 || a->error == ETIMEDOUT || a->error == EAGAIN ? BT_PORT_TIMEOUT
                                                                        : BT_PORT_REFUSED;
}

static bool all_have_failed(const struct attempts *a)
{
    for (size_t i = 0; i < a->count; i++)
        if (a->list[i].fd >= 0)
            return false;
    return true;
}

static int attempts_run(struct attempts *a, const union address *where, socklen_t len,
                        bool greeting, struct bt_deadline until, uint8_t *ret_port,
                        struct bt_err *err)
{
    for (;;) {
        struct bt_deadline next = bt_deadline_in(ATTEMPT_EVERY_MS);

        if (a->count < ATTEMPTS_MAX && attempt_begin(a, where, len, err) != 0)
            return -1;
        if (a->count == ATTEMPTS_MAX)
            next = until;
        do {
            /* What our own kernel says at once it would say again. */
            if (all_have_failed(a) && a->count == 1) {
                *ret_port = attempts_judge(a);
                return 0;
            }
            if (attempts_wait(a, greeting, bt_deadline_left(bt_deadline_earlier(next, until)),
                              ret_port))
                return 0;
        } while (!bt_deadline_passed(next) && !bt_deadline_passed(until));
        if (bt_deadline_passed(until)) {
            *ret_port = attempts_judge(a);
            return 0;
        }
    }
}

int bt_reach(const char *address, uint16_t port, bool greeting, struct bt_deadline until,
             struct bt_reach_reply *ret, struct bt_err *err)
{
    struct bt_reach_reply r = {.port = BT_PORT_ANSWERS};
    int64_t began = bt_clock_ms();
    struct attempts a = {0};
    union address where;
    socklen_t len = 0;
    int rc;

    if (read_address(address, port, &where, &len, err) != 0)
        return -1;
    rc = attempts_run(&a, &where, len, greeting, until, &r.port, err);
    for (size_t i = 0; i < a.count; i++)
        if (a.list[i].fd >= 0)
            close(a.list[i].fd);
    if (rc != 0)
        return -1;
    r.os_errno = r.port == BT_PORT_TIMEOUT   ? ETIMEDOUT
                 : r.port == BT_PORT_REFUSED ? (uint32_t)a.error
                                             : 0;
    r.ms = (uint32_t)(bt_clock_ms() - began);
    *ret = r;
    return 0;
}

/* One line of /proc/net/tcp: "  0: 00000000:0CEA 00000000:0000 0A 00000000:00000000 00:00000000
 * 00000000  999  0 12345 ...": slot, local, remote, state, queues, timer, retransmits, uid,
 * timeout, inode (net/ipv4/tcp_ipv4.c, Linux 6.1). */
static bool read_line(const char *line, uint16_t *ret_port, unsigned *ret_state,
                      uint64_t *ret_inode)
{
    unsigned port, state;
    uint64_t inode;

    if (sscanf(line,
               " %*u: %*[0-9A-Fa-f]:%4x %*[0-9A-Fa-f]:%*x %2x %*x:%*x %*x:%*x %*x %*u %*u %" SCNu64,
               &port, &state, &inode) != 3)
        return false;
    *ret_port = (uint16_t)port;
    *ret_state = state;
    *ret_inode = inode;
    return true;
}

static int inodes_of(const char *path, uint16_t port, uint64_t *inodes, size_t max, size_t *count,
                     struct bt_err *err)
{
    bt_auto_file FILE *f = fopen(path, "re");
    char line[512];

    if (!f && errno == ENOENT)
        return 0; /* a kernel without that family */
    if (!f)
        return bt_fail_sys(err, "could not open \"%s\"", path);
    while (fgets(line, sizeof(line), f)) {
        uint16_t local;
        unsigned state;
        uint64_t inode;

        if (read_line(line, &local, &state, &inode) && (port == 0 || local == port) &&
            state == TCP_LISTEN && *count < max)
            inodes[(*count)++] = inode;
    }
    return ferror(f) ? bt_fail_sys(err, "could not read \"%s\"", path) : 0;
}

int bt_port_inodes(uint16_t port, uint64_t *inodes, size_t max, size_t *ret_count,
                   struct bt_err *err)
{
    size_t count = 0;

    if (inodes_of("/proc/self/net/tcp", port, inodes, max, &count, err) != 0 ||
        inodes_of("/proc/self/net/tcp6", port, inodes, max, &count, err) != 0)
        return -1;
    *ret_count = count;
    return 0;
}

int bt_port_has_listener(uint16_t port, bool *ret, struct bt_err *err)
{
    uint64_t inode;
    size_t count;

    if (bt_port_inodes(port, &inode, 1, &count, err) != 0)
        return -1;
    *ret = count > 0;
    return 0;
}
