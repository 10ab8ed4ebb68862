/* SPDX-License-Identifier: Apache-2.0 */
#include "vip/probe.h"

#include "vip/packet.h"

enum { PROBE_EVERY_MS = 50 };

/* Whether the frame says that somebody else has the address or is taking it.  A frame that
 * breaks its format says nothing: it is whatever the network carries, not our error. */
static bool is_conflict(struct bt_slice frame, const struct bt_vip *vip,
                        const struct bt_interface_list *ours, struct bt_probe_result *found)
{
    struct bt_err ignored = {0};
    struct bt_claim claim;

    if (bt_claim_read(frame, &claim, &ignored) != 0 || claim.kind == BT_CLAIM_ASKS ||
        !bt_vip_same_address(&claim.who, vip) || bt_interface_is_ours(ours, claim.mac))
        return false;
    found->found = true;
    found->wants = claim.kind == BT_CLAIM_WANTS;
    found->mac = claim.mac;
    return true;
}

static int listen_until(int fd, const struct bt_interface *interface, const struct bt_vip *vip,
                        const struct bt_interface_list *ours, struct bt_deadline until,
                        struct bt_probe_result *found, struct bt_err *err)
{
    uint8_t buffer[BT_PACKET_SIZE_MAX];
    struct bt_slice frame;
    int got;

    while ((got = bt_packet_receive(fd, interface, until, buffer, &frame, err)) == 0) {
        if (is_conflict(frame, vip, ours, found))
            return 0;
        /* On a busy network there is always one more frame. */
        if (bt_deadline_passed(until))
            return 0;
    }
    return got < 0 ? -1 : 0;
}

static int probe(const struct bt_interface *interface, const struct bt_vip *vip,
                 struct bt_deadline until, struct bt_probe_result *ret, struct bt_err *err)
{
    struct bt_frame f = vip->family == BT_VIP_IPV4 ? bt_frame_arp_probe(interface->mac, vip)
                                                   : bt_frame_ns_probe(interface->mac, vip);
    struct bt_interface_list ours;
    bt_auto_fd int fd = -1;

    if (bt_interface_check(interface, err) < 0 || bt_interface_list(until, &ours, err) < 0 ||
        bt_packet_open(interface, vip->family, &fd, err) < 0)
        return -1;
    do {
        struct bt_deadline next = bt_deadline_earlier(until, bt_deadline_in(PROBE_EVERY_MS));

        if (bt_packet_send(fd, interface, &f, err) < 0)
            return -1;
        ret->sent++;
        if (listen_until(fd, interface, vip, &ours, next, ret, err) < 0)
            return -1;
    } while (!ret->found && !bt_deadline_passed(until));
    return 0;
}

int bt_probe(const struct bt_interface *interface, const struct bt_vip *vip, int listen_ms,
             struct bt_deadline deadline, struct bt_probe_result *ret, struct bt_err *err)
{
    struct bt_deadline wanted = bt_deadline_in(listen_ms);
    struct bt_deadline until = bt_deadline_earlier(deadline, wanted);
    struct bt_probe_result result = {0};
    char text[BT_VIP_TEXT_SIZE];
    int status = probe(interface, vip, until, &result, err);

    if (status == 0 && !result.found && until.at_ms < wanted.at_ms)
        status = bt_fail(err, BT_ERR_TIMEOUT,
                         "the deadline came %d ms before the %d ms of listening ended",
                         (int)(wanted.at_ms - until.at_ms), listen_ms);
    if (status < 0)
        return bt_err_wrap(err, "could not ask \"%s\" who has %s", interface->name,
                           bt_vip_address_text(vip, text));
    *ret = result;
    return 0;
}
