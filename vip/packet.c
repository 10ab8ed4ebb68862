/* SPDX-License-Identifier: Apache-2.0 */
#include "vip/packet.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

int bt_packet_open(const struct bt_interface *interface, enum bt_vip_family family, int *ret_fd,
                   struct bt_err *err)
{
    struct sockaddr_ll here = {.sll_family = AF_PACKET, .sll_ifindex = (int)interface->index};
    bt_auto_fd int fd = -1;

    here.sll_protocol = htons(family == BT_VIP_IPV4 ? ETH_P_ARP : ETH_P_IPV6);
    /* Protocol 0: nothing is heard before the socket is bound to the one interface. */
    fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (fd < 0 && (errno == EPERM || errno == EACCES))
        return bt_fail(err, BT_ERR_REALITY,
                       "cannot send frames on \"%s\" without CAP_NET_RAW (root)",
                       interface->name);
    if (fd < 0)
        return bt_fail_sys(err, "could not open a packet socket");
    if (bind(fd, (const struct sockaddr *)&here, sizeof(here)) < 0)
        return bt_fail_sys(err, "could not listen for frames on \"%s\"", interface->name);
    *ret_fd = bt_steal_fd(&fd);
    return 0;
}

int bt_packet_send(int fd, const struct bt_interface *interface, const struct bt_frame *frame,
                   struct bt_err *err)
{
    struct sockaddr_ll to = {.sll_family = AF_PACKET,
                             .sll_protocol = htons(frame->protocol),
                             .sll_ifindex = (int)interface->index,
                             .sll_halen = BT_MAC_SIZE};
    ssize_t sent;

    memcpy(to.sll_addr, frame->bytes, BT_MAC_SIZE);
    do {
        sent = sendto(fd, frame->bytes, frame->len, MSG_DONTWAIT, (const struct sockaddr *)&to,
                      sizeof(to));
    } while (sent < 0 && errno == EINTR);
    if (sent < 0)
        return bt_fail_sys(err, "could not send a frame on \"%s\"", interface->name);
    return 0;
}

int bt_packet_receive(int fd, const struct bt_interface *interface, struct bt_deadline deadline,
                      uint8_t buffer[static BT_PACKET_SIZE_MAX], struct bt_slice *ret,
                      struct bt_err *err)
{
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        struct sockaddr_ll from = {0};
        socklen_t from_len = sizeof(from);
        int ready = poll(&p, 1, bt_deadline_left(deadline));
        ssize_t got;

        if (ready == 0)
            return 1;
        if (ready < 0 && errno != EINTR)
            return bt_fail_sys(err, "could not wait for frames on \"%s\"", interface->name);
        if (ready < 0)
            continue;
        got = recvfrom(fd, buffer, BT_PACKET_SIZE_MAX, MSG_DONTWAIT, (struct sockaddr *)&from,
                       &from_len);
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got < 0)
            return bt_fail_sys(err, "could not read a frame from \"%s\"", interface->name);
        if (from.sll_pkttype == PACKET_OUTGOING)
            continue;
        *ret = bt_slice(buffer, (size_t)got);
        return 0;
    }
}
