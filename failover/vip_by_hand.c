/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/vip_by_hand.h"

#include "failover/node_client.h"
#include "failover/node_open.h"

enum { ORDER_MS = 10000, PROBE_MS = 300, ARENA_MAX = 1 << 20 };

static int order(const struct bt_config *config, size_t i, struct bt_vip_request *request, size_t k,
                 struct bt_arena *arena, struct bt_vip_reply *ret, struct bt_err *err)
{
    const struct bt_conf_server *host = &config->servers[i];
    bt_auto_channel struct bt_channel *node = NULL;
    enum bt_channel_failure why;
    char text[BT_VIP_TEXT_SIZE];

    request->vip = bt_vip_text(&config->vips[k], text);
    if (bt_node_open(host, &node, &why, err) != 0)
        return bt_err_wrap(err, "%s", host->name);
    return bt_node_vip(node, request, bt_deadline_in(ORDER_MS), arena, ret, err);
}

int bt_vip_by_hand_down(const struct bt_config *config, size_t i, size_t k, uint32_t *ret_removed,
                        struct bt_err *err)
{
    struct bt_vip_request request = {.action = BT_VIP_DOWN, .interface = "", .label = ""};
    bt_auto_arena struct bt_arena arena;
    struct bt_vip_reply reply = {0};

    bt_arena_init(&arena, ARENA_MAX);
    if (order(config, i, &request, k, &arena, &reply, err) != 0)
        return -1;
    *ret_removed = reply.removed;
    return 0;
}

int bt_vip_by_hand_up(const struct bt_config *config, size_t i, size_t k, bool by_force,
                      struct bt_err *err)
{
    struct bt_vip_request request = {
        .action = BT_VIP_UP,
        .interface = bt_setting_text(config->servers[i].settings, BT_CONF_VIP_INTERFACE),
        .label = "",
        .probe_ms = PROBE_MS,
        .take_from_holder = by_force};
    bt_auto_arena struct bt_arena arena;
    struct bt_vip_reply reply = {0};

    bt_arena_init(&arena, ARENA_MAX);
    return order(config, i, &request, k, &arena, &reply, err);
}
