/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_show.h - the effective configuration with the origin of every value, and the table of
 * keys (config_keys.h) as documents print it.  Secrets are shown as xxx, set or not set.
 */
#ifndef BT_FAILOVER_CONFIG_SHOW_H
#define BT_FAILOVER_CONFIG_SHOW_H

#include "base/json.h"
#include "failover/config.h"

/* As a configuration file, each value with a comment that says where it comes from: FILE:LINE,
 * an option, or default. */
void bt_config_show(const struct bt_config *config, struct bt_buf *out);

/* {"path","app","default":{KEY:{"value","origin"}},"servers":[{"block","name",KEY...}]} */
void bt_config_show_json(const struct bt_config *config, struct bt_json *out);

enum bt_config_keys_format {
    BT_CONFIG_KEYS_TEXT,     /* for a terminal */
    BT_CONFIG_KEYS_MARKDOWN, /* two tables: MHA's keys and ours */
    BT_CONFIG_KEYS_ROFF,     /* for the man page: .TP items */
};

void bt_config_keys(enum bt_config_keys_format format, struct bt_buf *out);

#endif
