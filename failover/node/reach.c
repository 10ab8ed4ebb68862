/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/node/reach.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/auto.h"
#include "base/io.h"

enum { TCP_LISTEN = 10 }; /* include/net/tcp_states.h of Linux */

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

/* Waits until the connection stands or has failed: its errno, ETIMEDOUT past the deadline. */
static int await_connection(int fd, struct bt_deadline until)
{
    int error = 0;
    socklen_t len = sizeof(error);

    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLOUT};
        int n = poll(&p, 1, bt_deadline_left(until));

        if (n > 0)
            break;
        if (n < 0 && errno != EINTR)
            return errno;
        if (bt_deadline_passed(until))
            return ETIMEDOUT;
    }
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 ? error : errno;
}

/* What a failed connection says about the port. */
static enum bt_server_port judge(int error)
{
    return error == ETIMEDOUT || error == EAGAIN ? BT_PORT_TIMEOUT : BT_PORT_REFUSED;
}

int bt_reach(const char *address, uint16_t port, bool greeting, struct bt_deadline until,
             struct bt_reach_reply *ret, struct bt_err *err)
{
    struct bt_reach_reply r = {.port = BT_PORT_ANSWERS};
    struct bt_err silence = {0};
    int64_t began = bt_clock_ms();
    bt_auto_fd int fd = -1;
    union address where;
    socklen_t len = 0;
    size_t got;
    uint8_t byte;
    int error = 0;

    if (read_address(address, port, &where, &len, err) != 0)
        return -1;
    fd = socket(where.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return bt_fail_sys(err, "could not make a socket");
    if (connect(fd, &where.any, len) != 0)
        error = errno == EINPROGRESS ? await_connection(fd, until) : errno;
    if (error != 0)
        r.port = (uint8_t)judge(error);
    else if (greeting && bt_io_read_some(fd, &byte, 1, until, &got, &silence) != 0)
        r.port = BT_PORT_SILENT;
    r.os_errno = (uint32_t)error;
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
