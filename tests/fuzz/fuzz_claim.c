/* SPDX-License-Identifier: Apache-2.0 */
/* A frame from the network: what is believed of it can be said again. */
#include "vip/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct bt_frame say(const struct bt_claim *claim)
{
    if (claim->who.family == BT_VIP_IPV4)
        return claim->kind == BT_CLAIM_HOLDS
                   ? bt_frame_arp_announce(BT_ARP_REPLY, claim->mac, &claim->who)
                   : bt_frame_arp_probe(claim->mac, &claim->who);
    return claim->kind == BT_CLAIM_HOLDS ? bt_frame_na_announce(claim->mac, &claim->who, false)
                                         : bt_frame_ns_probe(claim->mac, &claim->who);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bt_claim claim, again;
    struct bt_err err = {0};
    struct bt_frame f;

    if (bt_claim_read(bt_slice(data, size), &claim, &err) != 0 || claim.kind == BT_CLAIM_ASKS)
        return 0;
    f = say(&claim);
    if (bt_claim_read(bt_slice(f.bytes, f.len), &again, &err) != 0 || again.kind != claim.kind ||
        !bt_vip_same_address(&again.who, &claim.who) || !bt_mac_equal(again.mac, claim.mac))
        __builtin_trap();
    return 0;
}
