/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/vip_watch.h"

enum { ROUNDS_MIN = 2, ROUNDS_MAX = 64 };

static bool is_power_of_two(unsigned n)
{
    return (n & (n - 1)) == 0;
}

/* Missing for so long that something is to be done now. */
static bool is_due(unsigned rounds)
{
    if (rounds <= ROUNDS_MAX)
        return rounds >= ROUNDS_MIN && is_power_of_two(rounds);
    return rounds % ROUNDS_MAX == 0;
}

size_t bt_vip_watch_round(struct bt_vip_watch *w, const struct bt_config *config, size_t primary,
                          const struct bt_sight *sights, struct bt_vip_todo *ret)
{
    size_t count = 0;

    for (size_t k = 0; k < config->vip_count; k++) {
        bool was_elsewhere = false;

        for (size_t i = 0; i < config->server_count; i++) {
            if (i == primary || !sights[i].vips_known || !sights[i].has_vip[k])
                continue;
            ret[count++] = (struct bt_vip_todo){i, k, BT_VIP_ORDER_DROP};
            was_elsewhere = true;
        }
        if (!sights[primary].vips_known)
            continue;
        w->missing[k] = sights[primary].has_vip[k] ? 0 : w->missing[k] + 1;
        if (is_due(w->missing[k]))
            ret[count++] = (struct bt_vip_todo){primary, k, BT_VIP_ORDER_TAKE};
        else if (was_elsewhere && w->missing[k] == 0)
            ret[count++] = (struct bt_vip_todo){primary, k, BT_VIP_ORDER_ANNOUNCE};
    }
    return count;
}
