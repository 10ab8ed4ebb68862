/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address.h - a virtual address and a hardware address, as values.
 *
 * A VIP is written ADDRESS/PREFIX ("10.0.0.9/24", "fd00::9/64") and nothing else:
 * the prefix is never guessed, because a wrong one gives the host a wrong route.
 * Refused are addresses that no single host can serve to others: unspecified,
 * loopback, multicast, the network and broadcast address of their own prefix.
 */
#ifndef BT_VIP_ADDRESS_H
#define BT_VIP_ADDRESS_H

#include "base/slice.h"

enum bt_vip_family { BT_VIP_IPV4 = 4,
                     BT_VIP_IPV6 = 6 };

struct bt_vip {
    enum bt_vip_family family;
    uint8_t address[16]; /* network order; IPv4 uses the first 4 bytes, the rest is 0 */
    uint8_t prefix;      /* 1 to 32 or 128 */
};

enum { BT_MAC_SIZE = 6 };

struct bt_mac {
    uint8_t bytes[BT_MAC_SIZE];
};

/* Reads ADDRESS/PREFIX strictly; BT_ERR_CONFIG with the text and the reason. */
int bt_vip_parse(struct bt_slice text, struct bt_vip *ret, struct bt_err *err) BT_MUST_CHECK;

/* Bytes of the address: 4 or 16. */
size_t bt_vip_size(const struct bt_vip *vip);

/* Same family and address; the prefix is not looked at. */
bool bt_vip_same_address(const struct bt_vip *a, const struct bt_vip *b);

/* "10.0.0.9/24", and without the prefix.  Both write into out and return it. */
enum { BT_VIP_TEXT_SIZE = 52 };
const char *bt_vip_text(const struct bt_vip *vip, char out[static BT_VIP_TEXT_SIZE]);
const char *bt_vip_address_text(const struct bt_vip *vip, char out[static BT_VIP_TEXT_SIZE]);

/* "02:77:00:00:00:01".  Writes into out and returns it. */
enum { BT_MAC_TEXT_SIZE = 18 };
const char *bt_mac_text(struct bt_mac mac, char out[static BT_MAC_TEXT_SIZE]);

static inline bool bt_mac_equal(struct bt_mac a, struct bt_mac b)
{
    return memcmp(a.bytes, b.bytes, BT_MAC_SIZE) == 0;
}

#endif
