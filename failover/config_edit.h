/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_edit.h - a server's block is put into a configuration file, or taken out of it.
 *
 * The file is edited as text: comments, blank lines and order stay (MHA's masterha_conf_host
 * rewrites the file without them), and the new file takes the old one's place at once, with its
 * owner and mode.  A block is named "server" or "binlog" and something behind it; as with MHA a
 * name without such a beginning gets "server" in front, and no name means server_HOSTNAME.
 */
#ifndef BT_FAILOVER_CONFIG_EDIT_H
#define BT_FAILOVER_CONFIG_EDIT_H

#include "base/buf.h"

/* The name of the block: as MHA completes it.  block NULL or "" = from hostname. */
int bt_config_block_name(const char *block, const char *hostname, struct bt_buf *ret,
                         struct bt_err *err) BT_MUST_CHECK;

/* The file at path gets the new block at its end; it is replaced only on 0.  params is
 * "key=value;key=value" or NULL; keys and values are checked as in the file.  Returns 1 when there
 * is such a block. */
int bt_config_file_add(const char *path, const char *block, const char *hostname,
                       const char *params, struct bt_err *err) BT_MUST_CHECK;
int bt_config_file_delete(const char *path, const char *block, struct bt_err *err) BT_MUST_CHECK;

#endif
