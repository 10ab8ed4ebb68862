/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frame.h - the Ethernet frames that claim an address, and those that answer.
 *
 * Pure: bytes in, bytes out.  announce.h and probe.h send and receive them.
 *
 * ARP (RFC 826, RFC 5227), 42 bytes:
 *
 *      0  6  destination          14  2  hardware type 1     22  6  sender MAC
 *      6  6  source               16  2  protocol 0x0800     28  4  sender IP
 *     12  2  0x0806               18  1  6    19  1  4       32  6  target MAC
 *                                 20  2  1 request, 2 reply  38  4  target IP
 *
 * Neighbour discovery (RFC 4861), 78 bytes, 86 with a link-layer option:
 *
 *      0 14  Ethernet, 0x86dd     54  1  135 NS, 136 NA      62 16  target
 *     14 40  IPv6, hop limit 255  55  1  0                   78  1  option 1 NS, 2 NA
 *                                 56  2  checksum            79  1  1 (times 8 bytes)
 *                                 58  4  flags R S O         80  6  MAC
 */
#ifndef BT_VIP_FRAME_H
#define BT_VIP_FRAME_H

#include "vip/address.h"

enum {
    BT_FRAME_ARP_SIZE = 42,
    BT_FRAME_ND_SIZE = 78,
    BT_FRAME_ND_OPTION_SIZE = 86,
    BT_FRAME_SIZE_MAX = BT_FRAME_ND_OPTION_SIZE
};

struct bt_frame {
    uint8_t bytes[BT_FRAME_SIZE_MAX];
    size_t len;
    uint16_t protocol; /* 0x0806 or 0x86dd, host order: for sockaddr_ll */
};

enum bt_arp_op { BT_ARP_REQUEST = 1,
                 BT_ARP_REPLY = 2 };

/* Gratuitous ARP: sender = target = the VIP, to everybody.  The request form is what
 * RFC 5227 calls an announcement; some devices learn only from the reply form, whose
 * target MAC is the sender's. */
struct bt_frame bt_frame_arp_announce(enum bt_arp_op form, struct bt_mac mac,
                                      const struct bt_vip *vip);

/* ARP probe: asks who has the VIP without claiming it (sender IP 0). */
struct bt_frame bt_frame_arp_probe(struct bt_mac mac, const struct bt_vip *vip);

/* Unsolicited neighbour advertisement to ff02::1 with the override flag.  router: the host
 * forwards IPv6, else its neighbours would drop it from their router lists. */
struct bt_frame bt_frame_na_announce(struct bt_mac mac, const struct bt_vip *vip, bool router);

/* Neighbour solicitation from :: to the VIP's solicited-node group, as duplicate address
 * detection sends it (RFC 4862): asks without claiming. */
struct bt_frame bt_frame_ns_probe(struct bt_mac mac, const struct bt_vip *vip);

/* What an ARP or neighbour discovery frame says about who has which address. */
enum bt_claim_kind {
    BT_CLAIM_HOLDS, /* sender says: address is at mac (any ARP with that sender IP, any NA) */
    BT_CLAIM_WANTS, /* sender probes for address before taking it (ARP probe, NS from ::) */
    BT_CLAIM_ASKS,  /* sender only asks where address is */
};

struct bt_claim {
    enum bt_claim_kind kind;
    struct bt_vip who; /* the address spoken about; prefix is the full length */
    struct bt_mac mac; /* of the sender */
};

/* Reads a received frame.  Returns 1 when it is of no concern here (another protocol,
 * another kind of packet); BT_ERR_CORRUPT when it starts as ARP over Ethernet or neighbour
 * discovery and then breaks the format (short, wrong hop limit, wrong checksum). */
int bt_claim_read(struct bt_slice frame, struct bt_claim *ret, struct bt_err *err) BT_MUST_CHECK;

#endif
