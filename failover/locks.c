/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/locks.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "base/log.h"
#include "failover/phrases.h"
#include "failover/server.h"
#include "failover/sight.h"
#include "failover/topology.h"

enum { KEEP_EVERY_S = 4,
       KEEP_MS = 3000 };

struct lock {
    pthread_mutex_t mutex;
    struct bt_connection *sql; /* NULL = none, or lost */
};

struct bt_locks {
    const struct bt_config *config;
    size_t count;
    struct lock *list;
    pthread_t keeper;
    bool keeper_started;
    pthread_mutex_t mutex; /* of the two below and of keeper_started */
    pthread_cond_t over;
    bool is_over;
};

/* ---------------------------------------------------------------------- keeper */

static void lose(struct lock *l)
{
    bt_connection_close(l->sql);
    l->sql = NULL;
}

static void keep(struct bt_locks *locks, size_t i)
{
    struct lock *l = &locks->list[i];
    struct bt_err err = {0};
    char answer[16];

    pthread_mutex_lock(&l->mutex);
    if (l->sql && bt_connection_value(l->sql, "SELECT 1", bt_deadline_in(KEEP_MS), sizeof(answer),
                                      answer, &err) < 0) {
        bt_warning("%s: the failover lock was lost: %s", locks->config->servers[i].name, err.text);
        lose(l);
    }
    pthread_mutex_unlock(&l->mutex);
}

/* True when it is over. */
static bool keeper_wait(struct bt_locks *locks)
{
    struct timespec until;
    bool is_over;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += KEEP_EVERY_S;
    pthread_mutex_lock(&locks->mutex);
    while (!locks->is_over &&
           pthread_cond_timedwait(&locks->over, &locks->mutex, &until) != ETIMEDOUT)
        ;
    is_over = locks->is_over;
    pthread_mutex_unlock(&locks->mutex);
    return is_over;
}

static void *keeper_main(void *ctx)
{
    struct bt_locks *locks = ctx;

    while (!keeper_wait(locks))
        for (size_t i = 0; i < locks->count; i++)
            keep(locks, i);
    return NULL;
}

static int keeper_start(struct bt_locks *locks, struct bt_err *err)
{
    int rc = 0;

    pthread_mutex_lock(&locks->mutex);
    if (!locks->keeper_started)
        rc = pthread_create(&locks->keeper, NULL, keeper_main, locks);
    locks->keeper_started = rc == 0;
    pthread_mutex_unlock(&locks->mutex);
    errno = rc;
    return rc == 0 ? 0 : bt_fail_sys(err, "could not start a thread");
}

/* ------------------------------------------------------------------- new, free */

struct bt_locks *bt_locks_new(const struct bt_config *config)
{
    struct bt_locks *locks = calloc(1, sizeof(*locks));
    pthread_condattr_t monotonic;

    if (!locks)
        return NULL;
    locks->config = config;
    locks->list = calloc(config->server_count ? config->server_count : 1, sizeof(*locks->list));
    if (!locks->list) {
        free(locks);
        return NULL;
    }
    locks->count = config->server_count;
    for (size_t i = 0; i < locks->count; i++)
        pthread_mutex_init(&locks->list[i].mutex, NULL);
    pthread_mutex_init(&locks->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&locks->over, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return locks;
}

void bt_locks_free(struct bt_locks *locks)
{
    if (!locks)
        return;
    pthread_mutex_lock(&locks->mutex);
    locks->is_over = true;
    pthread_cond_broadcast(&locks->over);
    pthread_mutex_unlock(&locks->mutex);
    if (locks->keeper_started)
        pthread_join(locks->keeper, NULL);
    for (size_t i = 0; i < locks->count; i++) {
        lose(&locks->list[i]);
        pthread_mutex_destroy(&locks->list[i].mutex);
    }
    pthread_mutex_destroy(&locks->mutex);
    pthread_cond_destroy(&locks->over);
    free(locks->list);
    free(locks);
}

/* ----------------------------------------------------------------- take, check */

static int get_lock(struct lock *l, unsigned wait_s, struct bt_deadline until, struct bt_err *err)
{
    char sql[128], answer[16];

    snprintf(sql, sizeof(sql), "SELECT GET_LOCK('MHA_Master_High_Availability_Failover', %u)",
             wait_s);
    if (bt_connection_value(l->sql, sql, until, sizeof(answer), answer, err) < 0)
        return -1;
    return strcmp(answer, "1") != 0;
}

static int take(struct bt_locks *locks, size_t i, unsigned wait_s, struct bt_deadline until,
                struct bt_err *err)
{
    struct bt_connection_opts login = bt_database_login(&locks->config->servers[i]);
    struct lock *l = &locks->list[i];
    int rc = l->sql ? 0 : bt_connection_open(&login, until, &l->sql, err);

    if (rc == 0)
        rc = bt_connection_executef(l->sql, until, err, "SET SESSION wait_timeout = %d",
                                    BT_LOCK_IDLE_S);
    if (rc == 0)
        rc = get_lock(l, wait_s, until, err);
    if (rc != 0)
        lose(l);
    return rc < 0 ? bt_err_wrap(err, "%s: advisory lock", locks->config->servers[i].name) : rc;
}

int bt_locks_take(struct bt_locks *locks, size_t i, unsigned wait_s, struct bt_deadline until,
                  struct bt_err *err)
{
    struct lock *l = &locks->list[i];
    int rc;

    if (keeper_start(locks, err) != 0)
        return -1;
    pthread_mutex_lock(&l->mutex);
    rc = take(locks, i, wait_s, until, err);
    pthread_mutex_unlock(&l->mutex);
    return rc;
}

int bt_locks_give(struct bt_locks *locks, size_t i, struct bt_deadline until, struct bt_err *err)
{
    static const char sql[] = "DO RELEASE_LOCK('MHA_Master_High_Availability_Failover')";
    struct lock *l = &locks->list[i];
    int rc = 0;

    pthread_mutex_lock(&l->mutex);
    if (l->sql)
        rc = bt_connection_execute(l->sql, bt_slice_str(sql), until, NULL, err);
    lose(l);
    pthread_mutex_unlock(&l->mutex);
    return rc == 0 ? 0 : bt_err_wrap(err, "%s: advisory lock", locks->config->servers[i].name);
}

int bt_locks_check(struct bt_locks *locks, size_t i, struct bt_deadline until, struct bt_err *err)
{
    static const char sql[] =
        "SELECT IS_USED_LOCK('MHA_Master_High_Availability_Failover') = CONNECTION_ID()";
    struct lock *l = &locks->list[i];
    struct bt_err lost = {0};
    char answer[16] = "";
    int rc = 0;

    pthread_mutex_lock(&l->mutex);
    if (l->sql && bt_connection_value(l->sql, sql, until, sizeof(answer), answer, &lost) < 0)
        lose(l);
    if (strcmp(answer, "1") != 0)
        rc = take(locks, i, 0, until, err);
    pthread_mutex_unlock(&l->mutex);
    if (rc == 1)
        return bt_fail(err, BT_ERR_CONFLICT, BT_SAY_LOCKED, locks->config->servers[i].name);
    return rc;
}

int bt_locks_look_again(struct bt_database *d, const struct bt_config *config, size_t primary,
                        struct bt_deadline until, struct bt_err *err)
{
    const struct bt_upstream *u;

    if (bt_database_ask_upstreams(d, until, err) != 0)
        return bt_err_wrap(err, "%s", d->conf->name);
    u = bt_sight_upstream(config, primary, &d->facts);
    if (u && bt_topology_match(config, u->host, u->port) == primary)
        return 0;
    return bt_fail(err, BT_ERR_CONFLICT,
                   "%s does not replicate from %s any more: somebody else was at work meanwhile",
                   d->conf->name, config->servers[primary].name);
}
