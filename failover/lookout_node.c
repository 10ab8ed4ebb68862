/* SPDX-License-Identifier: Apache-2.0 */
/* The host side: the node channel is held, the VIPs are looked for, the primary's port is tried. */
#include <stdio.h>

#include "base/log.h"
#include "failover/lookout_priv.h"
#include "failover/node_open.h"

enum {
    PROBE_MS = 1500,       /* for a connection and the server's greeting */
    RECEIVES_MS = 1500,    /* what came so lately says that it is reached */
    PROBE_MARGIN_MS = 500, /* and the channel's own way */
    PROBE_PAUSE_MS = 1000, /* between two probes under suspicion */
    REQUEST_MS = 3000,
    OPEN_MS = 10000, /* nobody waits for it here: an ssh handshake on a long way takes its time */
    REOPEN_MS = 1000,
    SILENT_ROUNDS = 2,   /* after which the primary's host looks around by itself */
    TAKE_PROBE_MS = 300, /* whether another host answers for the VIP */
};

static void node_seen(struct bt_lookout_host *h, const char *error)
{
    pthread_mutex_lock(&h->lookout->mutex);
    h->sight.has_node = h->node != NULL;
    if (error) {
        snprintf(h->sight.node_error, sizeof(h->sight.node_error), "%.255s", error);
        h->sight.vips_known = false;
    } else {
        h->sight.node_seen_ms = bt_clock_ms();
    }
    pthread_mutex_unlock(&h->lookout->mutex);
    bt_lookout_tell(h->lookout);
}

/* A channel that broke is of no use any more. */
static void node_failed(struct bt_lookout_host *h, const struct bt_err *err)
{
    if (bt_channel_failure(h->node) == BT_CHANNEL_NONE) {
        bt_debug("%s", err->text);
        return;
    }
    bt_channel_close(h->node);
    h->node = NULL;
    node_seen(h, err->text);
}

/* The primary's host gives the VIPs up by itself when it is cut off from us and from all others. */
static int guard_set(struct bt_lookout_host *h, struct bt_err *err)
{
    const struct bt_config *config = h->lookout->config;
    struct bt_guard_request request = {
        .silence_ms = (uint32_t)(SILENT_ROUNDS * bt_lookout_pace_ms(h->lookout))};
    char texts[BT_VIPS_MAX][BT_VIP_TEXT_SIZE];

    if (h->index != h->lookout->primary || !config->vip_count)
        return 0;
    for (size_t k = 0; k < config->vip_count; k++)
        request.vips[request.vip_count++] = bt_vip_text(&config->vips[k], texts[k]);
    for (size_t i = 0; i < config->server_count; i++) {
        if (i == h->index || strcmp(config->servers[i].ssh_ip, h->conf->ssh_ip) == 0)
            continue;
        request.peers[request.peer_count].address = config->servers[i].ssh_ip;
        request.peers[request.peer_count++].port = config->servers[i].ssh_port;
    }
    return bt_node_guard(h->node, &request, bt_deadline_in(REQUEST_MS), err);
}

static void node_open(struct bt_lookout_host *h)
{
    enum bt_channel_failure why;
    struct bt_err err = {0};

    if (bt_node_open_until(h->conf, bt_deadline_in(OPEN_MS), &h->node, &why, &err) != 0)
        node_seen(h, err.text);
    else
        node_seen(h, NULL);
    if (h->node && guard_set(h, &err) != 0)
        node_failed(h, &err);
}

/* ----------------------------------------------------------------------- VIP */

static int vip_request(struct bt_lookout_host *h, size_t k, enum bt_vip_action action,
                       struct bt_vip_reply *ret, struct bt_err *err)
{
    char text[BT_VIP_TEXT_SIZE];
    struct bt_vip_request request = {
        .action = (uint8_t)action,
        .vip = bt_vip_text(&h->lookout->config->vips[k], text),
        .interface = action == BT_VIP_DOWN || action == BT_VIP_STATUS
                         ? ""
                         : bt_setting_text(h->conf->settings, BT_CONF_VIP_INTERFACE),
        .label = "",
        .probe_ms = action == BT_VIP_UP ? TAKE_PROBE_MS : 0,
    };
    bt_auto_arena struct bt_arena arena;

    bt_arena_init(&arena, 1 << 20);
    if (bt_node_vip(h->node, &request, bt_deadline_in(REQUEST_MS), &arena, ret, err) != 0)
        return -1;
    ret->holder = ""; /* lived in the arena */
    return 0;
}

static void vips_look(struct bt_lookout_host *h)
{
    bool has[BT_VIPS_MAX] = {0};
    struct bt_err err = {0};

    for (size_t k = 0; k < h->lookout->config->vip_count; k++) {
        struct bt_vip_reply reply = {0};

        if (vip_request(h, k, BT_VIP_STATUS, &reply, &err) != 0) {
            node_failed(h, &err);
            return;
        }
        has[k] = reply.place_count > 0;
    }
    pthread_mutex_lock(&h->lookout->mutex);
    memcpy(h->sight.has_vip, has, sizeof(has));
    h->sight.vips_known = true;
    pthread_mutex_unlock(&h->lookout->mutex);
    node_seen(h, NULL);
}

static void order_carry_out(struct bt_lookout_host *h, size_t k, enum bt_vip_order order)
{
    static const enum bt_vip_action actions[] = {[BT_VIP_ORDER_TAKE] = BT_VIP_UP,
                                                 [BT_VIP_ORDER_DROP] = BT_VIP_DOWN,
                                                 [BT_VIP_ORDER_ANNOUNCE] = BT_VIP_ANNOUNCE};
    char text[BT_VIP_TEXT_SIZE];
    struct bt_vip_reply reply = {0};
    struct bt_err err = {0};

    bt_vip_text(&h->lookout->config->vips[k], text);
    if (vip_request(h, k, actions[order], &reply, &err) != 0) {
        bt_error("%s: %s", text, err.text);
        node_failed(h, &err);
    } else if (order == BT_VIP_ORDER_TAKE && !reply.was_there) {
        bt_warning("%s was missing on %s: it is there again, and announced", text, h->conf->name);
    } else if (order == BT_VIP_ORDER_DROP && reply.removed) {
        bt_warning("%s was on %s, which is not the primary: it was taken off there", text,
                   h->conf->name);
    }
}

static void orders_obey(struct bt_lookout_host *h)
{
    for (size_t k = 0; k < h->lookout->config->vip_count && h->node; k++) {
        enum bt_vip_order order;

        pthread_mutex_lock(&h->lookout->mutex);
        order = h->orders[k];
        h->orders[k] = BT_VIP_ORDER_NONE;
        pthread_mutex_unlock(&h->lookout->mutex);
        if (order != BT_VIP_ORDER_NONE)
            order_carry_out(h, k, order);
    }
}

/* ---------------------------------------------------------------------- votes */

static void primary_probe(struct bt_lookout_host *h)
{
    struct bt_lookout *l = h->lookout;
    const struct bt_conf_server *primary = &l->config->servers[l->primary];
    struct bt_reach_request request = {
        .address = primary->ip, .port = primary->port, .timeout_ms = PROBE_MS, .greeting = true};
    struct bt_probe_seen seen = {.began_ms = bt_clock_ms()};
    struct bt_reach_reply reply = {0};
    struct bt_err err = {0};

    seen.answered = bt_node_reach(h->node, &request, bt_deadline_in(PROBE_MS + PROBE_MARGIN_MS),
                                  &reply, &err) == 0;
    seen.port = (enum bt_server_port)reply.port;
    seen.ended_ms = bt_clock_ms();
    pthread_mutex_lock(&l->mutex);
    bt_evidence_probe(&l->evidence, h->index, &seen);
    pthread_mutex_unlock(&l->mutex);
    if (seen.answered)
        node_seen(h, NULL);
    else
        node_failed(h, &err);
}

/* Its receiver shows that the primary is reached: no probe is needed, and each is an aborted
 * connection that the server counts (max_connect_errors). */
static bool receives(const struct bt_evidence *e, size_t i)
{
    const struct bt_evidence_voter *v = &e->voters[i];
    int64_t since = e->suspect_since_ms ? e->suspect_since_ms : e->asked_ms;

    return since && v->moved_since_ms >= since &&
           bt_clock_ms() - v->still_since_ms < RECEIVES_MS;
}

static bool has_vote(struct bt_lookout_host *h)
{
    bool has;

    pthread_mutex_lock(&h->lookout->mutex);
    has = h->lookout->is_suspect && h->lookout->evidence.voters[h->index].has_vote &&
          !receives(&h->lookout->evidence, h->index);
    pthread_mutex_unlock(&h->lookout->mutex);
    return has;
}

static void look(struct bt_lookout_host *h)
{
    struct bt_err err = {0};

    orders_obey(h);
    if (!h->node)
        return;
    if (h->lookout->config->vip_count)
        vips_look(h);
    else if (bt_channel_ping(h->node, bt_deadline_in(REQUEST_MS), &err) != 0)
        node_failed(h, &err);
    else
        node_seen(h, NULL);
}

void *bt_lookout_node_main(void *host)
{
    struct bt_lookout_host *h = host;
    struct bt_lookout *l = h->lookout;
    int64_t pause_ms;

    do {
        if (!h->node)
            node_open(h);
        pause_ms = bt_lookout_pace_ms(l);
        if (!h->node)
            pause_ms = REOPEN_MS;
        else if (has_vote(h)) {
            primary_probe(h);
            pause_ms = PROBE_PAUSE_MS;
        } else {
            look(h);
        }
    } while (bt_lookout_wait(l, h->node_wake, -1, bt_deadline_in(pause_ms)));
    pthread_mutex_lock(&l->mutex);
    h->node_runs = false;
    pthread_cond_broadcast(&l->ended);
    pthread_mutex_unlock(&l->mutex);
    return NULL;
}
