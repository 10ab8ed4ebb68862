/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packet.h - raw Ethernet frames out of and into one interface (AF_PACKET).
 */
#ifndef BT_VIP_PACKET_H
#define BT_VIP_PACKET_H

#include "base/auto.h"
#include "base/clock.h"
#include "vip/frame.h"
#include "vip/interface.h"

enum { BT_PACKET_SIZE_MAX = 2048 };

/* A socket that hears frames of the family's protocol (ARP or IPv6) that arrive on the
 * interface from now on, and can send there.  BT_ERR_REALITY without CAP_NET_RAW. */
int bt_packet_open(const struct bt_interface *interface, enum bt_vip_family family, int *ret_fd,
                   struct bt_err *err) BT_MUST_CHECK;

int bt_packet_send(int fd, const struct bt_interface *interface, const struct bt_frame *frame,
                   struct bt_err *err) BT_MUST_CHECK;

/* The next frame that came from the network (not our own going out), copied into buffer.
 * Returns 1 when the deadline passed first. */
int bt_packet_receive(int fd, const struct bt_interface *interface, struct bt_deadline deadline,
                      uint8_t buffer[static BT_PACKET_SIZE_MAX], struct bt_slice *ret,
                      struct bt_err *err) BT_MUST_CHECK;

#endif
