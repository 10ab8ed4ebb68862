/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/lookout.h"

#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <time.h>

#include "base/auto.h"
#include "base/log.h"
#include "failover/hooks.h"
#include "failover/lookout_priv.h"

enum {
    PACE_MIN_MS = 1000,
    HAND_OVER_MS = 300, /* for a thread to finish what it is at */
    SILENCE_MS = 1500,  /* of a host that is asked every second */
    STACK_SIZE = 512 * 1024,
};

/* ------------------------------------------------------------------ waking */

static void event_write(int fd)
{
    uint64_t one = 1;
    ssize_t ignored = write(fd, &one, sizeof(one));

    (void)ignored; /* a full counter wakes too */
}

static void event_clear(int fd)
{
    uint64_t count;
    ssize_t ignored = read(fd, &count, sizeof(count));

    (void)ignored;
}

void bt_lookout_tell(struct bt_lookout *l)
{
    event_write(l->wake_fd);
}

bool bt_lookout_wait(struct bt_lookout *l, int wake_fd, int fd, struct bt_deadline until)
{
    struct pollfd fds[] = {{.fd = wake_fd, .events = POLLIN},
                           {.fd = fd, .events = POLLIN | POLLRDHUP}};
    bool over;

    (void)poll(fds, 2, bt_deadline_left(until));
    if (fds[0].revents)
        event_clear(wake_fd);
    pthread_mutex_lock(&l->mutex);
    over = l->is_over;
    pthread_mutex_unlock(&l->mutex);
    return !over;
}

static void wake_all(struct bt_lookout *l)
{
    for (size_t i = 0; i < l->count; i++) {
        event_write(l->hosts[i].sql_wake);
        event_write(l->hosts[i].node_wake);
    }
}

bool bt_lookout_is_suspect(struct bt_lookout *l)
{
    bool is;

    pthread_mutex_lock(&l->mutex);
    is = l->is_suspect;
    pthread_mutex_unlock(&l->mutex);
    return is;
}

void bt_lookout_ask_now(struct bt_lookout *l, bool is_suspect)
{
    pthread_mutex_lock(&l->mutex);
    l->is_suspect = is_suspect;
    pthread_mutex_unlock(&l->mutex);
    wake_all(l);
}

int64_t bt_lookout_pace_ms(const struct bt_lookout *l)
{
    return l->interval_ms > PACE_MIN_MS ? l->interval_ms : PACE_MIN_MS;
}

/* ------------------------------------------------------------- start and end */

static int thread_start(pthread_t *ret, void *(*run)(void *), void *ctx, struct bt_err *err)
{
    pthread_attr_t attr;
    int rc;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_SIZE);
    rc = pthread_create(ret, &attr, run, ctx);
    pthread_attr_destroy(&attr);
    if (rc == 0)
        return 0;
    errno = rc;
    return bt_fail_sys(err, "could not start a thread");
}

static void host_init(struct bt_lookout *l, const struct bt_topology *t, size_t i)
{
    struct bt_lookout_host *h = &l->hosts[i];

    *h = (struct bt_lookout_host){.lookout = l,
                                  .index = i,
                                  .conf = &l->config->servers[i],
                                  .db = &l->databases[i]};
    bt_sight_init(&h->sight);
    h->sql_wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    h->node_wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    l->evidence.voters[i].has_vote = t->role[i] == BT_ROLE_REPLICA;
}

static int host_start(struct bt_lookout_host *h, struct bt_err *err)
{
    if (h->sql_wake < 0 || h->node_wake < 0)
        return bt_fail_sys(err, "could not make an eventfd");
    h->sql_runs = true;
    if (thread_start(&h->sql_thread, bt_lookout_sql_main, h, err) != 0)
        return -1;
    h->sql_started = true;
    if (!h->conf->has_node)
        return 0;
    h->node_runs = true;
    if (thread_start(&h->node_thread, bt_lookout_node_main, h, err) != 0)
        return -1;
    h->node_started = true;
    return 0;
}

static struct bt_lookout *lookout_new(const struct bt_lookout_opts *opts)
{
    struct bt_lookout *l = calloc(1, sizeof(*l));
    pthread_condattr_t monotonic;

    if (!l)
        return NULL;
    l->config = opts->config;
    l->count = opts->config->server_count;
    l->primary = opts->topology->primary;
    l->wake_fd = opts->wake_fd;
    l->interval_ms = (int64_t)bt_setting_number(opts->config->settings, BT_CONF_PING_INTERVAL);
    l->databases = bt_databases_new(opts->config);
    l->hosts = calloc(l->count, sizeof(*l->hosts));
    pthread_mutex_init(&l->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&l->ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
    bt_evidence_init(&l->evidence, l->count, bt_clock_ms());
    for (size_t i = 0; l->hosts && l->databases && i < l->count; i++)
        host_init(l, opts->topology, i);
    return l;
}

int bt_lookout_start(const struct bt_lookout_opts *opts, struct bt_lookout **ret,
                     struct bt_err *err)
{
    struct bt_lookout *l = lookout_new(opts);

    if (!l || !l->hosts || !l->databases) {
        bt_lookout_free(l);
        return bt_fail(err, BT_ERR_SYSTEM, "no memory to watch %zu servers",
                       opts->config->server_count);
    }
    for (size_t i = 0; i < l->count; i++)
        if (host_start(&l->hosts[i], err) != 0) {
            bt_lookout_free(l);
            return -1;
        }
    *ret = l;
    return 0;
}

static void end_all(struct bt_lookout *l)
{
    pthread_mutex_lock(&l->mutex);
    l->is_over = true;
    pthread_mutex_unlock(&l->mutex);
    wake_all(l);
}

static void host_done(struct bt_lookout_host *h)
{
    if (h->sql_started)
        pthread_join(h->sql_thread, NULL);
    if (h->node_started)
        pthread_join(h->node_thread, NULL);
    bt_channel_close(h->node);
    bt_release_fd(&h->sql_wake);
    bt_release_fd(&h->node_wake);
}

void bt_lookout_free(struct bt_lookout *l)
{
    if (!l)
        return;
    if (l->hosts && l->databases)
        end_all(l);
    for (size_t i = 0; l->hosts && l->databases && i < l->count; i++)
        host_done(&l->hosts[i]);
    if (l->secondary_started)
        pthread_join(l->secondary_thread, NULL);
    bt_databases_free(l->databases, l->count);
    pthread_mutex_destroy(&l->mutex);
    pthread_cond_destroy(&l->ended);
    free(l->hosts);
    free(l);
}

/* ----------------------------------------------------------------- hand over */

static size_t threads_running(const struct bt_lookout *l)
{
    size_t running = l->secondary_runs;

    for (size_t i = 0; i < l->count; i++)
        running += (size_t)l->hosts[i].sql_runs + (size_t)l->hosts[i].node_runs;
    return running;
}

/* Waits until the threads have ended that can within a moment. */
static void await_ends(struct bt_lookout *l)
{
    struct bt_deadline until = bt_deadline_in(HAND_OVER_MS);
    struct timespec at = {.tv_sec = until.at_ms / 1000, .tv_nsec = until.at_ms % 1000 * 1000000};
    int rc = 0;

    pthread_mutex_lock(&l->mutex);
    while (threads_running(l) && rc == 0)
        rc = pthread_cond_timedwait(&l->ended, &l->mutex, &at);
    pthread_mutex_unlock(&l->mutex);
}

static void host_give(struct bt_lookout_host *h, bool was_silent, int64_t now_ms,
                      struct bt_warm_host *warm)
{
    const struct bt_sight *s = &h->sight;
    bool is_primary = h->index == h->lookout->primary;

    *warm = (struct bt_warm_host){0};
    memcpy(warm->datadir, h->datadir, sizeof(warm->datadir));
    memcpy(warm->pid_file, h->pid_file, sizeof(warm->pid_file));
    if (!h->sql_runs && !is_primary)
        warm->sql = bt_steal(h->db->sql);
    if (!h->node_runs && h->node && bt_channel_failure(h->node) == BT_CHANNEL_NONE) {
        warm->node = bt_steal(h->node);
        return;
    }
    if (is_primary && was_silent && h->conf->has_node && now_ms - s->node_seen_ms > SILENCE_MS) {
        warm->is_silent = true;
        if (s->has_node)
            snprintf(warm->error, sizeof(warm->error), "its host has been silent for %lld ms",
                     (long long)(now_ms - s->node_seen_ms));
        else
            snprintf(warm->error, sizeof(warm->error), "%s", s->node_error);
    }
}

bool bt_lookout_has_ended(struct bt_lookout *l)
{
    size_t running;

    pthread_mutex_lock(&l->mutex);
    running = threads_running(l);
    pthread_mutex_unlock(&l->mutex);
    return running == 0;
}

static bool has_been_seen(const struct bt_lookout *l, const struct bt_lookout_host *h)
{
    const struct bt_sight *s = &h->sight;
    bool node = !h->conf->has_node || s->node_error[0] ||
                (s->has_node && (s->vips_known || l->config->vip_count == 0));

    return s->life != BT_LIFE_UNKNOWN && node;
}

bool bt_lookout_has_seen_all(struct bt_lookout *l)
{
    bool all = true;

    pthread_mutex_lock(&l->mutex);
    for (size_t i = 0; i < l->count; i++)
        all = all && has_been_seen(l, &l->hosts[i]);
    pthread_mutex_unlock(&l->mutex);
    return all;
}

void bt_lookout_hand_over(struct bt_lookout *l, bool was_silent, struct bt_warm_host *warm)
{
    int64_t now_ms = bt_clock_ms();

    end_all(l);
    await_ends(l);
    pthread_mutex_lock(&l->mutex);
    for (size_t i = 0; i < l->count; i++)
        host_give(&l->hosts[i], was_silent, now_ms, &warm[i]);
    pthread_mutex_unlock(&l->mutex);
}

/* ------------------------------------------------------------------- looking */

void bt_lookout_evidence(struct bt_lookout *l, struct bt_evidence *ret)
{
    pthread_mutex_lock(&l->mutex);
    *ret = l->evidence;
    pthread_mutex_unlock(&l->mutex);
}

void bt_lookout_sight(struct bt_lookout *l, size_t i, struct bt_sight *ret)
{
    pthread_mutex_lock(&l->mutex);
    *ret = l->hosts[i].sight;
    pthread_mutex_unlock(&l->mutex);
}

void bt_lookout_semisync(struct bt_lookout *l, struct bt_semisync *ret)
{
    pthread_mutex_lock(&l->mutex);
    *ret = l->semisync;
    pthread_mutex_unlock(&l->mutex);
}

void bt_lookout_order_vip(struct bt_lookout *l, size_t i, size_t k, enum bt_vip_order order)
{
    pthread_mutex_lock(&l->mutex);
    l->hosts[i].orders[k] = order;
    pthread_mutex_unlock(&l->mutex);
    event_write(l->hosts[i].node_wake);
}

void bt_lookout_order_read_only(struct bt_lookout *l, size_t i)
{
    pthread_mutex_lock(&l->mutex);
    l->hosts[i].set_read_only = true;
    pthread_mutex_unlock(&l->mutex);
    event_write(l->hosts[i].sql_wake);
}

void bt_lookout_ask_secondary(struct bt_lookout *l)
{
    struct bt_err err = {0};
    bool runs;

    pthread_mutex_lock(&l->mutex);
    runs = l->secondary_runs;
    if (!runs) {
        l->secondary_runs = true;
        l->evidence.secondary = BT_SECONDARY_RUNNING;
        l->evidence.secondary_began_ms = bt_clock_ms();
    }
    pthread_mutex_unlock(&l->mutex);
    if (runs)
        return;
    if (l->secondary_started)
        pthread_join(l->secondary_thread, NULL);
    l->secondary_started =
        thread_start(&l->secondary_thread, bt_lookout_secondary_main, l, &err) == 0;
    if (l->secondary_started)
        return;
    pthread_mutex_lock(&l->mutex);
    l->secondary_runs = false;
    l->evidence.secondary = BT_SECONDARY_ERROR;
    pthread_mutex_unlock(&l->mutex);
}

/* ------------------------------------------------------------------ second opinion */

void *bt_lookout_secondary_main(void *lookout)
{
    struct bt_lookout *l = lookout;
    enum bt_secondary result = BT_SECONDARY_ERROR;
    struct bt_err err = {0};
    int code = 0;

    if (bt_hook_secondary(l->config, l->primary, &code, &err) != 0)
        bt_error("%s", err.text);
    else if (code == 0)
        result = BT_SECONDARY_DEAD;
    else if (code == 2)
        result = BT_SECONDARY_NETWORK;
    else if (code == 3)
        result = BT_SECONDARY_ALIVE;
    else
        bt_error("Got unknown error from secondary_check_script: it ended with %d", code);
    pthread_mutex_lock(&l->mutex);
    l->evidence.secondary = result;
    l->secondary_runs = false;
    pthread_mutex_unlock(&l->mutex);
    bt_lookout_tell(l);
    return NULL;
}
