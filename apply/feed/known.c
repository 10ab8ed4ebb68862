/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/feed/known.h"

bool bt_feed_is_known(const struct bt_gtid_state *binlog_state,
                      const struct bt_gtid_state *slave_pos, const struct bt_gtid_set *executed,
                      const struct bt_gtid *gtid)
{
    if (gtid->kind == BT_GTID_MYSQL)
        return bt_gtid_set_has(executed, gtid);
    if (gtid->kind != BT_GTID_MARIADB)
        return false;
    for (size_t i = 0; i < binlog_state->count; i++) {
        const struct bt_gtid *last = &binlog_state->items[i];

        if (last->domain == gtid->domain && last->server_id == gtid->server_id)
            return gtid->sequence <= last->sequence || bt_gtid_state_has(slave_pos, gtid);
    }
    return bt_gtid_state_has(slave_pos, gtid);
}
