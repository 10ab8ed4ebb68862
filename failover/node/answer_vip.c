/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/node/answer.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/auto.h"
#include "failover/node/protocol_host.h"
#include "vip/vip.h"

enum { ANNOUNCE_COUNT = 5,
       ANNOUNCE_SPACING_MS = 250,
       LOOK_MS = 20 };

static struct bt_announce_opts burst_of(const struct bt_vip_request *r)
{
    return (struct bt_announce_opts){
        .count = r->announce_count ? (int)r->announce_count : ANNOUNCE_COUNT,
        .spacing_ms = r->announce_spacing_ms ? (int)r->announce_spacing_ms : ANNOUNCE_SPACING_MS};
}

static pthread_mutex_t bursts_lock = PTHREAD_MUTEX_INITIALIZER;
static int bursts; /* that are not over */

static void count_burst(int change)
{
    pthread_mutex_lock(&bursts_lock);
    bursts += change;
    pthread_mutex_unlock(&bursts_lock);
}

void bt_announcements_finish(struct bt_deadline until)
{
    int left;

    do {
        pthread_mutex_lock(&bursts_lock);
        left = bursts;
        pthread_mutex_unlock(&bursts_lock);
        if (left > 0)
            bt_clock_pause(LOOK_MS, until);
    } while (left > 0 && !bt_deadline_passed(until));
}

/* The rest of a burst, sent behind the answer's back. */
struct later {
    char interface[BT_INTERFACE_NAME_SIZE];
    struct bt_vip vip;
    struct bt_announce_opts opts;
};

static bool still_has(const struct later *l, struct bt_deadline until)
{
    struct bt_err ignored = {0};
    struct bt_place_list places;

    if (bt_vip_status(&l->vip, until, &places, &ignored) != 0)
        return false;
    for (size_t k = 0; k < places.count; k++)
        if (strcmp(places.at[k].interface, l->interface) == 0)
            return true;
    return false;
}

/* The address may move on while the burst lasts: who does not have it any more must not say so. */
static void *announce_later(void *ctx)
{
    bt_auto_free struct later *l = ctx;
    struct bt_deadline until =
        bt_deadline_in((int64_t)(l->opts.count + 1) * (l->opts.spacing_ms + 1000));
    const struct bt_announce_opts once = {.count = 1};
    struct bt_err ignored = {0};
    int sent;

    for (int i = 0; i < l->opts.count; i++) {
        bt_clock_pause(l->opts.spacing_ms, until);
        if (!still_has(l, until) ||
            bt_vip_announce(l->interface, &l->vip, once, until, &sent, &ignored) != 0)
            break;
    }
    count_burst(-1);
    return NULL;
}

/* Clients wait for the answer, so the repetitions must not; without a thread there are none, which
 * the number of announcements in the reply says. */
static void go_on_announcing(const struct bt_vip_request *r, const struct bt_vip *vip)
{
    struct later *l = calloc(1, sizeof(*l));
    pthread_t thread;

    if (!l)
        return;
    l->vip = *vip;
    l->opts = burst_of(r);
    l->opts.count--;
    strncpy(l->interface, r->interface, sizeof(l->interface) - 1);
    count_burst(1);
    if (l->opts.count > 0 && pthread_create(&thread, NULL, announce_later, l) == 0) {
        pthread_detach(thread);
    } else {
        count_burst(-1);
        free(l);
    }
}

static int put_holder(struct bt_work *w, const struct bt_probe_result *probe,
                      struct bt_vip_reply *reply, struct bt_err *err)
{
    char mac[BT_MAC_TEXT_SIZE];

    reply->found = probe->found;
    reply->wants = probe->wants;
    if (!probe->found)
        return 0;
    reply->holder = bt_arena_strf(w->arena, "%s", bt_mac_text(probe->mac, mac));
    return reply->holder ? 0 : bt_arena_fail(w->arena, "a hardware address", err);
}

static int up(struct bt_work *w, const struct bt_vip_request *r, const struct bt_vip *vip,
              struct bt_vip_reply *reply, struct bt_err *err)
{
    struct bt_vip_up_result result;

    if (bt_vip_up(r->interface, vip,
                  (struct bt_vip_up_opts){.probe_ms = r->probe_ms,
                                          .take_from_holder = r->take_from_holder,
                                          .announce = {.count = 1},
                                          .label = r->label[0] ? r->label : NULL},
                  w->until, &result, err) != 0)
        return -1;
    go_on_announcing(r, vip);
    reply->was_there = result.was_there;
    reply->announced = (uint32_t)result.announced;
    return put_holder(w, &result.probe, reply, err);
}

static int status(struct bt_work *w, const struct bt_vip *vip, struct bt_vip_reply *reply,
                  struct bt_err *err)
{
    struct bt_place_list places;

    if (bt_vip_status(vip, w->until, &places, err) != 0)
        return -1;
    for (size_t i = 0; i < places.count && i < BT_VIP_PLACES_MAX; i++) {
        const char *name = bt_arena_strf(w->arena, "%s", places.at[i].interface);

        if (!name)
            return bt_arena_fail(w->arena, "the places of an address", err);
        reply->places[i].interface = name;
        reply->places[i].prefix = places.at[i].prefix;
        reply->places[i].usable = !places.at[i].tentative && !places.at[i].failed;
        reply->place_count++;
    }
    return 0;
}

static int act(struct bt_work *w, const struct bt_vip_request *r, const struct bt_vip *vip,
               struct bt_vip_reply *reply, struct bt_err *err)
{
    struct bt_probe_result probe;
    int count = 0;

    switch ((enum bt_vip_action)r->action) {
    case BT_VIP_UP:
        return up(w, r, vip, reply, err);
    case BT_VIP_DOWN:
        if (bt_vip_down(r->interface[0] ? r->interface : NULL, vip, w->until, &count, err) != 0)
            return -1;
        reply->removed = (uint32_t)count;
        return 0;
    case BT_VIP_PROBE:
        if (bt_vip_probe(r->interface, vip, r->probe_ms, w->until, &probe, err) != 0)
            return -1;
        return put_holder(w, &probe, reply, err);
    case BT_VIP_ANNOUNCE:
        if (bt_vip_announce(r->interface, vip, burst_of(r), w->until, &count, err) != 0)
            return -1;
        reply->announced = (uint32_t)count;
        return 0;
    case BT_VIP_STATUS:
    case BT_VIP_ACTIONS:
        break;
    }
    return status(w, vip, reply, err);
}

int bt_answer_vip(struct bt_work *w, struct bt_err *err)
{
    struct bt_vip_request request;
    struct bt_vip_reply reply = {.holder = ""};
    struct bt_vip vip;

    if (bt_get_vip_request(w->payload, w->arena, &request, err) != 0 ||
        bt_vip_parse(bt_slice_str(request.vip), &vip, err) != 0 ||
        act(w, &request, &vip, &reply, err) != 0)
        return -1;
    bt_put_vip_reply(w->reply, &reply);
    return 0;
}
