/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/node/guard.h"

#include <pthread.h>
#include <stdio.h>

#include "failover/node/reach.h"
#include "vip/vip.h"

enum {
    LOOK_MS = 250,
    STATUS_MS = 400,
    PEER_MS = 1500, /* for a peer's answer: three round trips of a slow line, or lost packets */
    DOWN_MS = 2000,
    LOOKS_TO_DROP = 2, /* in a row that found the host cut off */
};

static struct {
    pthread_mutex_t lock;
    bool is_running;
    int64_t heard_ms;
    int64_t silence_ms;
    struct bt_vip vips[BT_GUARD_MAX];
    size_t vip_count;
    struct {
        char address[64];
        uint16_t port;
    } peers[BT_GUARD_MAX];
    size_t peer_count;
} guard = {.lock = PTHREAD_MUTEX_INITIALIZER};

void bt_guard_heard(void)
{
    pthread_mutex_lock(&guard.lock);
    guard.heard_ms = bt_clock_ms();
    pthread_mutex_unlock(&guard.lock);
}

/* Whether an interface that holds it can carry it; false also where it stands nowhere. */
static bool has_carrier(const struct bt_vip *vip, bool *ret_is_here)
{
    struct bt_deadline until = bt_deadline_in(STATUS_MS);
    struct bt_place_list places;
    struct bt_interface interface;
    struct bt_err err = {0};

    *ret_is_here = bt_vip_status(vip, until, &places, &err) == 0 && places.count > 0;
    for (size_t i = 0; *ret_is_here && i < places.count; i++)
        if (bt_interface_find(places.at[i].interface, until, &interface, &err) == 0 &&
            interface.carrier)
            return true;
    return false;
}

/* A refusal is an answer too.  What our own kernel says of a peer without a way is none. */
static bool peer_answers(size_t i)
{
    struct bt_reach_reply reply = {0};
    struct bt_err err = {0};

    if (bt_reach(guard.peers[i].address, guard.peers[i].port, false, bt_deadline_in(PEER_MS),
                 &reply, &err) != 0)
        return false;
    return reply.port == BT_PORT_ANSWERS || reply.os_errno == ECONNREFUSED;
}

static void *peer_ask(void *index)
{
    return peer_answers((size_t)(uintptr_t)index) ? &guard : NULL;
}

/* All at once.  Where there is no peer nobody can be missed; one that cannot be asked answers. */
static bool any_peer_answers(void)
{
    pthread_t threads[BT_GUARD_MAX];
    bool any = guard.peer_count == 0;
    size_t started = 0;

    while (started < guard.peer_count &&
           pthread_create(&threads[started], NULL, peer_ask, (void *)(uintptr_t)started) == 0)
        started++;
    any = any || started < guard.peer_count;
    for (size_t i = 0; i < started; i++) {
        void *answer;

        any = (pthread_join(threads[i], &answer) == 0 && answer) || any;
    }
    return any;
}

static bool has_fallen_silent(void)
{
    bool is;

    pthread_mutex_lock(&guard.lock);
    is = guard.vip_count && bt_clock_ms() - guard.heard_ms > guard.silence_ms;
    pthread_mutex_unlock(&guard.lock);
    return is;
}

/* One look at each VIP; true when the host is cut off and still holds one. */
static bool is_cut_off(void)
{
    bool holds = false, carrier = false;

    for (size_t k = 0; k < guard.vip_count; k++) {
        bool is_here;

        carrier = has_carrier(&guard.vips[k], &is_here) || carrier;
        holds = holds || is_here;
    }
    return holds && (!carrier || !any_peer_answers());
}

static void vips_drop(void)
{
    struct bt_err err = {0};
    int count;

    for (size_t k = 0; k < guard.vip_count; k++)
        (void)!bt_vip_down(NULL, &guard.vips[k], bt_deadline_in(DOWN_MS), &count, &err);
}

static void *watch(void *unused)
{
    unsigned looks = 0;

    (void)unused;
    for (;;) {
        bt_clock_pause(LOOK_MS, bt_deadline_in(LOOK_MS));
        looks = has_fallen_silent() && is_cut_off() ? looks + 1 : 0;
        if (looks < LOOKS_TO_DROP || !has_fallen_silent())
            continue;
        vips_drop();
        looks = 0;
    }
    return NULL;
}

/* The thread reads the lists without the lock: they are set once, before it begins. */
int bt_guard_set(const struct bt_guard_request *request, struct bt_err *err)
{
    pthread_t thread;
    int rc;

    if (guard.is_running)
        return bt_fail(err, BT_ERR_USAGE, "this channel guards an address already");
    for (uint32_t i = 0; i < request->vip_count; i++)
        if (bt_vip_parse(bt_slice_str(request->vips[i]), &guard.vips[i], err) != 0)
            return -1;
    for (uint32_t i = 0; i < request->peer_count; i++) {
        snprintf(guard.peers[i].address, sizeof(guard.peers[i].address), "%s",
                 request->peers[i].address);
        guard.peers[i].port = request->peers[i].port;
    }
    guard.peer_count = request->peer_count;
    guard.silence_ms = request->silence_ms;
    bt_guard_heard();
    rc = pthread_create(&thread, NULL, watch, NULL);
    if (rc != 0) {
        errno = rc;
        return bt_fail_sys(err, "could not start a thread");
    }
    pthread_detach(thread);
    guard.is_running = true;
    pthread_mutex_lock(&guard.lock);
    guard.vip_count = request->vip_count;
    pthread_mutex_unlock(&guard.lock);
    return 0;
}
