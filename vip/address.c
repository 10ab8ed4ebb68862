/* SPDX-License-Identifier: Apache-2.0 */
#include "vip/address.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "base/number.h"

size_t bt_vip_size(const struct bt_vip *vip)
{
    return vip->family == BT_VIP_IPV4 ? 4 : 16;
}

/* The bits of the address behind the prefix are all `bit`. */
static bool host_bits_are(const struct bt_vip *vip, unsigned bit)
{
    unsigned bits = (unsigned)bt_vip_size(vip) * 8;

    for (unsigned i = vip->prefix; i < bits; i++) {
        if (((unsigned)vip->address[i / 8] >> (7 - i % 8) & 1u) != bit)
            return false;
    }
    return true;
}

/* Why no host can serve this address to others, or NULL. */
static const char *unfit_ipv4(const struct bt_vip *vip)
{
    static const uint8_t all_ones[4] = {255, 255, 255, 255};

    if (vip->address[0] == 0)
        return "is in 0.0.0.0/8, which is no host";
    if (vip->address[0] == 127)
        return "is a loopback address, which no other host can reach";
    if (vip->address[0] >= 224 && memcmp(vip->address, all_ones, 4) != 0)
        return "is a multicast or reserved address";
    if (memcmp(vip->address, all_ones, 4) == 0)
        return "is the broadcast address";
    if (vip->prefix < 31 && host_bits_are(vip, 0))
        return "is the network's own address with this prefix";
    if (vip->prefix < 31 && host_bits_are(vip, 1))
        return "is the network's broadcast address with this prefix";
    return NULL;
}

static const char *unfit_ipv6(const struct bt_vip *vip)
{
    static const uint8_t zero[16];
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    if (memcmp(vip->address, zero, 15) == 0 && vip->address[15] <= 1)
        return vip->address[15] ? "is the loopback address, which no other host can reach"
                                : "is the unspecified address";
    if (vip->address[0] == 0xff)
        return "is a multicast address";
    if (memcmp(vip->address, mapped, sizeof(mapped)) == 0)
        return "is an IPv4 address in IPv6 form, write it as IPv4";
    if (vip->prefix < 127 && host_bits_are(vip, 0))
        return "is the anycast address of the network's routers with this prefix";
    return NULL;
}

int bt_vip_parse(struct bt_slice text, struct bt_vip *ret, struct bt_err *err)
{
    const uint8_t *slash = text.len ? memchr(text.ptr, '/', text.len) : NULL;
    struct bt_vip vip = {.family = BT_VIP_IPV4};
    char host[INET6_ADDRSTRLEN];
    size_t host_len = slash ? (size_t)(slash - text.ptr) : text.len;
    const char *unfit;
    uint64_t prefix, prefix_max;

    if (!slash)
        return bt_fail(err, BT_ERR_CONFIG,
                       "\"%.*s\" has no prefix length, write it as ADDRESS/PREFIX (10.0.0.9/24)",
                       BT_SLICE_ARG(text));
    if (host_len >= sizeof(host) || memchr(text.ptr, '\0', host_len))
        return bt_fail(err, BT_ERR_CONFIG, "\"%.*s\" is neither an IPv4 nor an IPv6 address",
                       BT_SLICE_ARG(bt_slice(text.ptr, host_len)));
    memcpy(host, text.ptr, host_len);
    host[host_len] = '\0';
    if (memchr(host, ':', host_len))
        vip.family = BT_VIP_IPV6;
    if (inet_pton(vip.family == BT_VIP_IPV4 ? AF_INET : AF_INET6, host, vip.address) != 1)
        return bt_fail(err, BT_ERR_CONFIG, "\"%s\" is neither an IPv4 nor an IPv6 address", host);
    prefix_max = bt_vip_size(&vip) * 8;
    text = bt_slice(slash + 1, text.len - host_len - 1);
    if (!bt_number_u64(text, prefix_max, &prefix) || prefix == 0)
        return bt_fail(err, BT_ERR_CONFIG, "prefix length \"%.*s\" of %s is not 1 to %d",
                       BT_SLICE_ARG(text), host, (int)prefix_max);
    vip.prefix = (uint8_t)prefix;
    unfit = vip.family == BT_VIP_IPV4 ? unfit_ipv4(&vip) : unfit_ipv6(&vip);
    if (unfit)
        return bt_fail(err, BT_ERR_CONFIG, "%s/%u cannot be a virtual address: it %s", host,
                       vip.prefix, unfit);
    *ret = vip;
    return 0;
}

bool bt_vip_same_address(const struct bt_vip *a, const struct bt_vip *b)
{
    return a->family == b->family && memcmp(a->address, b->address, bt_vip_size(a)) == 0;
}

const char *bt_vip_address_text(const struct bt_vip *vip, char out[static BT_VIP_TEXT_SIZE])
{
    if (!inet_ntop(vip->family == BT_VIP_IPV4 ? AF_INET : AF_INET6, vip->address, out,
                   BT_VIP_TEXT_SIZE))
        out[0] = '\0';
    return out;
}

const char *bt_vip_text(const struct bt_vip *vip, char out[static BT_VIP_TEXT_SIZE])
{
    size_t len = strlen(bt_vip_address_text(vip, out));

    snprintf(out + len, BT_VIP_TEXT_SIZE - len, "/%u", vip->prefix);
    return out;
}

const char *bt_mac_text(struct bt_mac mac, char out[static BT_MAC_TEXT_SIZE])
{
    snprintf(out, BT_MAC_TEXT_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", mac.bytes[0], mac.bytes[1],
             mac.bytes[2], mac.bytes[3], mac.bytes[4], mac.bytes[5]);
    return out;
}
