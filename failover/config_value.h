/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_value.h - one configured text becomes a checked value.  Used by config*.c only.
 */
#ifndef BT_FAILOVER_CONFIG_VALUE_H
#define BT_FAILOVER_CONFIG_VALUE_H

#include "failover/config.h"

/* Checks setting->text against the key's type and fills setting->number.  The error says what is
 * allowed; it never shows a secret. */
int bt_config_value_check(enum bt_conf id, struct bt_setting *setting, struct bt_err *err)
    BT_MUST_CHECK;

/* Reads "address/prefix[,address/prefix...]" into list; *ret_count of them. */
int bt_config_vips_parse(const char *text, struct bt_vip list[static BT_VIPS_MAX],
                         size_t *ret_count, struct bt_err *err) BT_MUST_CHECK;

#endif
