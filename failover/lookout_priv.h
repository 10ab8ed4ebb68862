/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lookout_priv.h - what the files of the lookout share: one host with its two threads.
 *
 * Everything that another thread reads stands under lookout.mutex; `db` belongs to the host's SQL
 * thread and `node` to its node thread until they have ended.
 */
#ifndef BT_FAILOVER_LOOKOUT_PRIV_H
#define BT_FAILOVER_LOOKOUT_PRIV_H

#include <pthread.h>

#include "failover/lookout.h"
#include "failover/node_client.h"
#include "failover/server.h"

struct bt_lookout_host {
    struct bt_lookout *lookout;
    size_t index;
    const struct bt_conf_server *conf;
    struct bt_database *db;
    struct bt_channel *node;
    int sql_wake, node_wake; /* eventfds */
    pthread_t sql_thread, node_thread;
    bool sql_started, node_started;
    bool sql_runs, node_runs; /* not ended yet */
    bool set_read_only;       /* an order */
    /* when the primary was asked for it */
    int64_t semisync_ms;
    /* in which the monitor's lock was taken last; 0 = none */
    uint64_t lock_session;
    char datadir[BT_SERVER_PATH_SIZE], pid_file[BT_SERVER_PATH_SIZE]; /* the primary's */
    enum bt_vip_order orders[BT_VIPS_MAX];
    struct bt_sight sight;
};

struct bt_lookout {
    const struct bt_config *config;
    size_t primary, count;
    int wake_fd;
    int64_t interval_ms;
    struct bt_database *databases;
    struct bt_lookout_host *hosts;
    pthread_mutex_t mutex;
    pthread_cond_t ended; /* a thread has */
    bool is_over;
    bool is_suspect;
    struct bt_evidence evidence;
    struct bt_semisync semisync; /* of the primary */
    pthread_t secondary_thread;
    bool secondary_started, secondary_runs;
};

void *bt_lookout_sql_main(void *host);
void *bt_lookout_node_main(void *host);
void *bt_lookout_secondary_main(void *lookout);

/* Waits until the time, or until it is woken, or fd (-1 = none) becomes readable.  False: over. */
bool bt_lookout_wait(struct bt_lookout *l, int wake_fd, int fd, struct bt_deadline until);

bool bt_lookout_is_suspect(struct bt_lookout *l);

/* Tells the owner that there is something new. */
void bt_lookout_tell(struct bt_lookout *l);

/* How often a host that is no primary is asked: ping_interval, at least a second. */
int64_t bt_lookout_pace_ms(const struct bt_lookout *l);

#endif
