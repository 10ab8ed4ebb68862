/* SPDX-License-Identifier: Apache-2.0 */
#include "vip/frame.h"

#include <assert.h>

enum {
    PROTOCOL_ARP = 0x0806,
    PROTOCOL_IPV4 = 0x0800,
    PROTOCOL_IPV6 = 0x86dd,
    ARP_ETHERNET = 1,
    NEXT_HEADER_ICMPV6 = 58,
    ND_HOP_LIMIT = 255, /* RFC 4861 7.1: anything else has crossed a router and is forged */
    ND_SOLICITATION = 135,
    ND_ADVERTISEMENT = 136,
    ND_FLAG_ROUTER = 0x80,
    ND_FLAG_OVERRIDE = 0x20,
    ND_OPTION_TARGET = 2,
    ETHERNET_SIZE = 14,
    IPV6_HEADER_SIZE = 40,
    ND_BODY_SIZE = 24,
    ND_OPTION_SIZE = 8,
};

_Static_assert(BT_FRAME_ND_SIZE == ETHERNET_SIZE + IPV6_HEADER_SIZE + ND_BODY_SIZE, "layout");
_Static_assert(BT_FRAME_ND_OPTION_SIZE == BT_FRAME_ND_SIZE + ND_OPTION_SIZE, "layout");

static const struct bt_mac everybody = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
static const struct bt_mac nobody;

/* ---------------------------------------------------------------- building */

static void add(struct bt_frame *f, const void *bytes, size_t len)
{
    assert(len <= sizeof(f->bytes) - f->len);
    memcpy(f->bytes + f->len, bytes, len);
    f->len += len;
}

static void add_be(struct bt_frame *f, uint32_t value, size_t len)
{
    uint32_t raw = htobe32(value);

    add(f, (const uint8_t *)&raw + sizeof(raw) - len, len);
}

static struct bt_frame ethernet(struct bt_mac to, struct bt_mac from, uint16_t protocol)
{
    struct bt_frame f = {.len = 0, .protocol = protocol};

    add(&f, to.bytes, BT_MAC_SIZE);
    add(&f, from.bytes, BT_MAC_SIZE);
    add_be(&f, protocol, 2);
    return f;
}

static struct bt_frame arp(enum bt_arp_op op, struct bt_mac mac, const uint8_t *sender,
                           struct bt_mac target_mac, const uint8_t *target)
{
    struct bt_frame f = ethernet(everybody, mac, PROTOCOL_ARP);

    add_be(&f, ARP_ETHERNET, 2);
    add_be(&f, PROTOCOL_IPV4, 2);
    add_be(&f, BT_MAC_SIZE, 1);
    add_be(&f, 4, 1);
    add_be(&f, op, 2);
    add(&f, mac.bytes, BT_MAC_SIZE);
    add(&f, sender, 4);
    add(&f, target_mac.bytes, BT_MAC_SIZE);
    add(&f, target, 4);
    assert(f.len == BT_FRAME_ARP_SIZE);
    return f;
}

struct bt_frame bt_frame_arp_announce(enum bt_arp_op form, struct bt_mac mac,
                                      const struct bt_vip *vip)
{
    assert(vip->family == BT_VIP_IPV4);
    return arp(form, mac, vip->address, form == BT_ARP_REPLY ? mac : nobody, vip->address);
}

struct bt_frame bt_frame_arp_probe(struct bt_mac mac, const struct bt_vip *vip)
{
    static const uint8_t unspecified[4];

    assert(vip->family == BT_VIP_IPV4);
    return arp(BT_ARP_REQUEST, mac, unspecified, nobody, vip->address);
}

/* The Internet checksum (RFC 1071) over the pseudo header (RFC 8200 8.1) and the message.
 * Over a message that holds its checksum the result is 0. */
static uint16_t checksum(const uint8_t *from, const uint8_t *to, const uint8_t *message, size_t len)
{
    uint64_t sum = len + NEXT_HEADER_ICMPV6;

    for (size_t i = 0; i < 16; i += 2) {
        sum += (unsigned)from[i] << 8 | from[i + 1];
        sum += (unsigned)to[i] << 8 | to[i + 1];
    }
    for (size_t i = 0; i < len; i++)
        sum += i % 2 ? message[i] : (unsigned)message[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* An IPv6 multicast address is reached at 33:33 and its last four bytes (RFC 2464 7). */
static struct bt_mac multicast_mac(const uint8_t *group)
{
    return (struct bt_mac){{0x33, 0x33, group[12], group[13], group[14], group[15]}};
}

static struct bt_frame nd(uint8_t type, struct bt_mac mac, const uint8_t *from, const uint8_t *to,
                          const uint8_t *target, uint8_t flags)
{
    struct bt_frame f = ethernet(multicast_mac(to), mac, PROTOCOL_IPV6);
    bool option = type == ND_ADVERTISEMENT; /* a solicitation from :: must not have one */
    size_t body = ETHERNET_SIZE + IPV6_HEADER_SIZE;
    uint16_t sum;

    add_be(&f, 0x60000000, 4);
    add_be(&f, ND_BODY_SIZE + (option ? ND_OPTION_SIZE : 0), 2);
    add_be(&f, NEXT_HEADER_ICMPV6, 1);
    add_be(&f, ND_HOP_LIMIT, 1);
    add(&f, from, 16);
    add(&f, to, 16);
    add_be(&f, type, 1);
    add_be(&f, 0, 1);
    add_be(&f, 0, 2);
    add_be(&f, (uint32_t)flags << 24, 4);
    add(&f, target, 16);
    if (option) {
        add_be(&f, ND_OPTION_TARGET, 1);
        add_be(&f, 1, 1);
        add(&f, mac.bytes, BT_MAC_SIZE);
    }
    sum = checksum(from, to, f.bytes + body, f.len - body);
    f.bytes[body + 2] = (uint8_t)(sum >> 8);
    f.bytes[body + 3] = (uint8_t)(sum & 0xff);
    return f;
}

struct bt_frame bt_frame_na_announce(struct bt_mac mac, const struct bt_vip *vip, bool router)
{
    static const uint8_t all_nodes[16] = {0xff, 0x02, [15] = 1};

    assert(vip->family == BT_VIP_IPV6);
    return nd(ND_ADVERTISEMENT, mac, vip->address, all_nodes, vip->address,
              (uint8_t)(ND_FLAG_OVERRIDE | (router ? ND_FLAG_ROUTER : 0)));
}

struct bt_frame bt_frame_ns_probe(struct bt_mac mac, const struct bt_vip *vip)
{
    static const uint8_t unspecified[16];
    uint8_t group[16] = {0xff, 0x02, [11] = 1, [12] = 0xff};

    assert(vip->family == BT_VIP_IPV6);
    memcpy(group + 13, vip->address + 13, 3);
    return nd(ND_SOLICITATION, mac, unspecified, group, vip->address, 0);
}

/* ----------------------------------------------------------------- reading */

static bool all_zero(const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

static int read_arp(struct bt_cursor c, struct bt_claim *ret, struct bt_err *err)
{
    struct bt_claim claim = {.who = {.family = BT_VIP_IPV4, .prefix = 32}};
    uint64_t hardware, protocol, op;
    uint8_t hardware_len, protocol_len, sender[4], target[4];
    size_t len = c.left;

    if (!(bt_cur_be(&c, 2, &hardware) &&
          bt_cur_be(&c, 2, &protocol) &&
          bt_cur_u8(&c, &hardware_len) &&
          bt_cur_u8(&c, &protocol_len) &&
          bt_cur_be(&c, 2, &op)))
        return bt_fail(err, BT_ERR_CORRUPT, "an ARP packet ends after %zu of 28 bytes", len);
    if (hardware != ARP_ETHERNET || protocol != PROTOCOL_IPV4)
        return 1;
    if (hardware_len != BT_MAC_SIZE || protocol_len != 4)
        return bt_fail(err, BT_ERR_CORRUPT,
                       "an ARP packet claims addresses of %u and %u bytes, not 6 and 4",
                       hardware_len, protocol_len);
    if (!(bt_cur_copy(&c, BT_MAC_SIZE, claim.mac.bytes) &&
          bt_cur_copy(&c, 4, sender) &&
          bt_cur_skip(&c, BT_MAC_SIZE) &&
          bt_cur_copy(&c, 4, target)))
        return bt_fail(err, BT_ERR_CORRUPT, "an ARP packet ends after %zu of 28 bytes", len);
    /* What follows pads the frame to Ethernet's 60 bytes. */
    if (op != BT_ARP_REQUEST && op != BT_ARP_REPLY)
        return 1;
    if (!all_zero(sender, 4)) {
        claim.kind = BT_CLAIM_HOLDS;
        memcpy(claim.who.address, sender, 4);
    } else if (op == BT_ARP_REQUEST) {
        claim.kind = BT_CLAIM_WANTS;
        memcpy(claim.who.address, target, 4);
    } else {
        return 1;
    }
    *ret = claim;
    return 0;
}

/* Finds the link-layer option; without one the sender's own MAC stands. */
static int read_nd_options(struct bt_cursor c, struct bt_mac *mac, struct bt_err *err)
{
    while (c.left > 0) {
        struct bt_cursor body;
        struct bt_slice option;
        uint8_t type, units;

        if (!bt_cur_u8(&c, &type) || !bt_cur_u8(&c, &units) || units == 0 ||
            !bt_cur_take(&c, units * 8u - 2, &option))
            return bt_fail(err, BT_ERR_CORRUPT, "an option of a neighbour message is cut");
        body = bt_cursor(option);
        if (type == ND_OPTION_TARGET && !bt_cur_copy(&body, BT_MAC_SIZE, mac->bytes))
            return bt_fail(err, BT_ERR_CORRUPT, "a link-layer option holds no address");
    }
    return 0;
}

/* ICMPv6 behind the IPv6 header. */
static int read_nd(struct bt_slice message, const uint8_t *from, const uint8_t *to, unsigned hops,
                   struct bt_mac mac, struct bt_claim *ret, struct bt_err *err)
{
    struct bt_claim claim = {.who = {.family = BT_VIP_IPV6, .prefix = 128}, .mac = mac};
    struct bt_cursor c = bt_cursor(message);
    uint8_t type, code;

    if (!bt_cur_u8(&c, &type) || (type != ND_SOLICITATION && type != ND_ADVERTISEMENT))
        return 1;
    if (!(bt_cur_u8(&c, &code) &&
          bt_cur_skip(&c, 2 + 4) &&
          bt_cur_copy(&c, 16, claim.who.address)))
        return bt_fail(err, BT_ERR_CORRUPT, "a neighbour message ends after %zu of %d bytes",
                       message.len, ND_BODY_SIZE);
    if (hops != ND_HOP_LIMIT || code != 0)
        return bt_fail(err, BT_ERR_CORRUPT,
                       "a neighbour message has hop limit %u and code %u, not 255 and 0", hops,
                       code);
    if (checksum(from, to, message.ptr, message.len) != 0)
        return bt_fail(err, BT_ERR_CORRUPT, "the checksum of a neighbour message is wrong");
    if (type == ND_ADVERTISEMENT)
        claim.kind = BT_CLAIM_HOLDS;
    else
        claim.kind = all_zero(from, 16) ? BT_CLAIM_WANTS : BT_CLAIM_ASKS;
    if (type == ND_ADVERTISEMENT && read_nd_options(c, &claim.mac, err) < 0)
        return -1;
    *ret = claim;
    return 0;
}

static int read_ipv6(struct bt_cursor c, struct bt_mac mac, struct bt_claim *ret,
                     struct bt_err *err)
{
    uint64_t version, len;
    uint8_t next_header, hops, from[16], to[16];
    struct bt_slice message;

    if (!(bt_cur_be(&c, 4, &version) &&
          bt_cur_be(&c, 2, &len) &&
          bt_cur_u8(&c, &next_header) &&
          bt_cur_u8(&c, &hops) &&
          bt_cur_copy(&c, 16, from) &&
          bt_cur_copy(&c, 16, to)) ||
        version >> 28 != 6)
        return bt_fail(err, BT_ERR_CORRUPT, "an IPv6 header is cut or of another version");
    /* Extension headers and fragments: RFC 6980 forbids the second, nobody sends the first. */
    if (next_header != NEXT_HEADER_ICMPV6)
        return 1;
    if (!bt_cur_take(&c, len, &message))
        return bt_fail(err, BT_ERR_CORRUPT, "an IPv6 packet claims %d bytes, %zu are there",
                       (int)len, c.left);
    return read_nd(message, from, to, hops, mac, ret, err);
}

int bt_claim_read(struct bt_slice frame, struct bt_claim *ret, struct bt_err *err)
{
    struct bt_cursor c = bt_cursor(frame);
    struct bt_mac sender;
    uint64_t protocol;

    if (!(bt_cur_skip(&c, BT_MAC_SIZE) &&
          bt_cur_copy(&c, BT_MAC_SIZE, sender.bytes) &&
          bt_cur_be(&c, 2, &protocol)))
        return bt_fail(err, BT_ERR_CORRUPT, "an Ethernet frame ends after %zu of %d bytes",
                       frame.len, ETHERNET_SIZE);
    if (protocol == PROTOCOL_ARP)
        return read_arp(c, ret, err);
    if (protocol == PROTOCOL_IPV6)
        return read_ipv6(c, sender, ret, err);
    return 1;
}
