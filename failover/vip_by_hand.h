/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vip_by_hand.h - the writer address is put on a host, or taken off it, because somebody says so.
 *
 * Each call opens a channel to that host's node and closes it again.  What it reports was looked at
 * afterwards: vip/vip.h.  A failover and the manager do the same over the channels they keep.
 */
#ifndef BT_FAILOVER_VIP_BY_HAND_H
#define BT_FAILOVER_VIP_BY_HAND_H

#include "failover/config.h"

/* Takes VIP k off server i's host, wherever it stands there; *ret_removed counts the places. */
int bt_vip_by_hand_down(const struct bt_config *config, size_t i, size_t k, uint32_t *ret_removed,
                        struct bt_err *err) BT_MUST_CHECK;

/* Puts VIP k on server i's host, on its vip_interface, and announces it.  BT_ERR_CONFLICT when
 * another host answers for it, unless by_force. */
int bt_vip_by_hand_up(const struct bt_config *config, size_t i, size_t k, bool by_force,
                      struct bt_err *err) BT_MUST_CHECK;

#endif
