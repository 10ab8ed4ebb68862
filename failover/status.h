/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status.h - asks a manager how its cluster is.
 *
 * A manager listens at <workdir>/<app>.manager.sock (a unix socket of its own user); asked "text"
 * or "json" it answers with its picture (picture.h) and closes.  Where no manager runs, the servers
 * are asked directly, once.
 */
#ifndef BT_FAILOVER_STATUS_H
#define BT_FAILOVER_STATUS_H

#include <sys/un.h>

#include "failover/health.h"

/* The address of the socket, however long the work folder's name is.  *ret_folder is closed by the
 * caller when the address is not needed any more. */
int bt_status_address(const struct bt_config *config, int *ret_folder, struct sockaddr_un *ret,
                      struct bt_err *err) BT_MUST_CHECK;

/* A connection to it, not waited on.  1: no manager listens there. */
int bt_status_connect(const struct bt_config *config, int *ret_fd, struct bt_err *err)
    BT_MUST_CHECK;

/* The manager's answer.  1: no manager listens there. */
int bt_status_ask(const struct bt_config *config, bool as_json, struct bt_buf *out,
                  struct bt_err *err) BT_MUST_CHECK;

/* The picture as the servers themselves give it now, within connect_timeout. */
void bt_status_look(const struct bt_config *config, const struct bt_health *health, bool as_json,
                    struct bt_buf *out);

#endif
