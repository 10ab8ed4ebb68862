/* SPDX-License-Identifier: Apache-2.0 */
#include "vip/announce.h"

#include <fcntl.h>
#include <stdio.h>

#include "vip/packet.h"

enum { DEFAULT_COUNT = 5,
       DEFAULT_SPACING_MS = 250,
       PATH_SIZE = 96 };

/* Whether the host forwards IPv6 there; if that cannot be read it is no router. */
static bool is_router(const struct bt_interface *interface)
{
    char path[PATH_SIZE], value = '0';
    bt_auto_fd int fd = -1;

    snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/forwarding", interface->name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd >= 0 && read(fd, &value, 1) == 1 && value != '0';
}

static int send_one(int fd, const struct bt_interface *interface, const struct bt_vip *vip,
                    struct bt_err *err)
{
    struct bt_frame f;

    if (vip->family == BT_VIP_IPV6) {
        f = bt_frame_na_announce(interface->mac, vip, is_router(interface));
        return bt_packet_send(fd, interface, &f, err);
    }
    f = bt_frame_arp_announce(BT_ARP_REQUEST, interface->mac, vip);
    if (bt_packet_send(fd, interface, &f, err) < 0)
        return -1;
    f = bt_frame_arp_announce(BT_ARP_REPLY, interface->mac, vip);
    return bt_packet_send(fd, interface, &f, err);
}

int bt_announce(const struct bt_interface *interface, const struct bt_vip *vip,
                struct bt_announce_opts opts, struct bt_deadline deadline, int *ret_sent,
                struct bt_err *err)
{
    int count = opts.count > 0 ? opts.count : DEFAULT_COUNT;
    int spacing_ms = opts.spacing_ms > 0 ? opts.spacing_ms : DEFAULT_SPACING_MS;
    int64_t next_ms = bt_clock_ms();
    char text[BT_VIP_TEXT_SIZE];
    bt_auto_fd int fd = -1;
    int sent = 0;

    if (bt_interface_check(interface, err) < 0 ||
        bt_packet_open(interface, vip->family, &fd, err) < 0)
        return bt_err_wrap(err, "could not announce %s", bt_vip_address_text(vip, text));
    for (;;) {
        if (send_one(fd, interface, vip, err) < 0)
            return bt_err_wrap(err, "could not announce %s", bt_vip_address_text(vip, text));
        next_ms += spacing_ms;
        if (++sent == count || next_ms >= deadline.at_ms)
            break;
        while (bt_clock_ms() < next_ms)
            bt_clock_pause(next_ms - bt_clock_ms(), deadline);
    }
    *ret_sent = sent;
    return 0;
}
