/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe.h - does anybody else on this network have the VIP?
 *
 * Sends ARP probes (IPv4) or duplicate-detection solicitations (IPv6) on the interface and
 * listens for who holds the address, or is about to take it.  RFC 5227 would wait 7 s, RFC
 * 4862 1 s; a failover cannot, so the caller says how long: frames travel a local network in
 * well under a millisecond, and the probe is repeated every 50 ms against loss.  "Nobody" is
 * known only when that time is over, somebody at once.  MACs of this host do not count.
 * Needs CAP_NET_RAW.
 */
#ifndef BT_VIP_PROBE_H
#define BT_VIP_PROBE_H

#include "vip/interface.h"

struct bt_probe_result {
    bool found;
    bool wants;        /* found: it only probes for the address too, it does not hold it yet */
    struct bt_mac mac; /* found: of who answered */
    int sent;          /* probes sent */
};

/* Listens for listen_ms.  BT_ERR_TIMEOUT when the deadline cut that short and nobody had
 * answered yet: then it is not known. */
int bt_probe(const struct bt_interface *interface, const struct bt_vip *vip, int listen_ms,
             struct bt_deadline deadline, struct bt_probe_result *ret,
             struct bt_err *err) BT_MUST_CHECK;

#endif
