/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/node_open.h"

int bt_node_open(const struct bt_conf_server *conf, struct bt_channel **ret,
                 enum bt_channel_failure *ret_why, struct bt_err *err)
{
    int64_t ms = (int64_t)bt_setting_number(conf->settings, BT_CONF_SSH_CONNECTION_TIMEOUT);

    return bt_node_open_until(conf, bt_deadline_in(ms), ret, ret_why, err);
}

int bt_node_open_until(const struct bt_conf_server *conf, struct bt_deadline until,
                       struct bt_channel **ret, enum bt_channel_failure *ret_why,
                       struct bt_err *err)
{
    const struct bt_setting *set = conf->settings;
    int64_t connect_ms = (int64_t)bt_setting_number(set, BT_CONF_SSH_CONNECTION_TIMEOUT);
    struct bt_host host = {
        .name = conf->hostname,
        .is_local = conf->is_local,
        .ssh_host = conf->ssh_ip,
        .ssh_user = conf->ssh_user,
        .ssh_port = conf->ssh_port,
        .ssh_options = bt_setting_text(set, BT_CONF_SSH_OPTIONS),
        .connect_ms = connect_ms,
        .node_path = bt_setting_text(set, BT_CONF_NODE_PATH),
        .remote_workdir = bt_setting_text(set, BT_CONF_REMOTE_WORKDIR),
    };

    *ret = NULL;
    if (!conf->has_node) {
        *ret_why = BT_CHANNEL_NONE;
        return bt_fail(err, BT_ERR_REALITY, "node_mode is none");
    }
    return bt_channel_open(&host, until, ret, ret_why, err);
}
