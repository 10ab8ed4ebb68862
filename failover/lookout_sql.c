/* SPDX-License-Identifier: Apache-2.0 */
/* The SQL side of one host: pings of the primary, questions to a replica. */
#include <stdio.h>

#include "base/log.h"
#include "failover/lookout_priv.h"
#include "failover/phrases.h"
#include "failover/sessions.h"

enum {
    ANSWER_MIN_MS = 1000, /* nobody has less time for an answer, however short the interval */
    FACTS_EVERY_MS = 10000,
    CLOSE_MS = 5000,
    SILENT_ROUNDS = 3, /* of the manager, after which its session ends */
    WAIT_MIN_S = 10,
    SEMISYNC_EVERY_MS = 950, /* a second, but for the pings' own time */
    SUSPECT_FIRST_MS = 10,   /* between two questions under suspicion, at first; then more */
    SUSPECT_PACE_MS = 300,
};

static int64_t answer_ms(const struct bt_lookout_host *h)
{
    int64_t ms = h->lookout->interval_ms;

    return ms > ANSWER_MIN_MS ? ms : ANSWER_MIN_MS;
}

/* A session stands after several round trips: on a long way that takes more than an answer does.
 * The silence counts all the same (watch.h).  MHA's counting needs every ping to end soon. */
static int64_t open_ms(const struct bt_lookout_host *h)
{
    int64_t ms = (int64_t)bt_setting_number(h->conf->settings, BT_CONF_CONNECT_TIMEOUT);
    bool counts =
        bt_setting_number(h->lookout->config->settings, BT_CONF_DETECTION) == BT_DETECTION_COUNT;

    return ms > answer_ms(h) && !counts ? ms : answer_ms(h);
}

/* ----------------------------------------------------------------------- ping */

/* The link was cut, the session is another one now, and the server has not noticed the end of the
 * one before: it is ended.  True when it was. */
static bool own_lock_end(struct bt_lookout_host *h, struct bt_deadline until)
{
    struct bt_err err = {0};
    char holder[32], own[32];

    snprintf(own, sizeof(own), "%llu", (unsigned long long)h->lock_session);
    return h->lock_session &&
           bt_connection_value(h->db->sql,
                               "SELECT IS_USED_LOCK('MHA_Master_High_Availability_Monitor')", until,
                               sizeof(holder), holder, &err) == 0 &&
           strcmp(holder, own) == 0 &&
           bt_connection_executef(h->db->sql, until, &err, "KILL %s", own) == 0;
}

static int lock_get(struct bt_lookout_host *h, unsigned wait_s, struct bt_deadline until,
                    bool *ret_taken, struct bt_err *err)
{
    char sql[128], answer[16];

    snprintf(sql, sizeof(sql), "SELECT GET_LOCK('MHA_Master_High_Availability_Monitor', %u)",
             wait_s);
    if (bt_connection_value(h->db->sql, sql, until, sizeof(answer), answer, err) < 0)
        return bt_err_wrap(err, "advisory lock");
    *ret_taken = strcmp(answer, "1") != 0;
    return 0;
}

/* MHA's own lock: two managers, of either kind, do not watch one primary. */
static int monitor_lock(struct bt_lookout_host *h, struct bt_deadline until, struct bt_err *err)
{
    int64_t rounds = SILENT_ROUNDS * h->lookout->interval_ms / 1000;
    bool is_taken;

    /* Whose manager's host has lost its power must not keep the lock for hours (MHA does so too).
     */
    if (bt_connection_executef(h->db->sql, until, err, "SET SESSION wait_timeout = %lld",
                               (long long)(rounds > WAIT_MIN_S ? rounds : WAIT_MIN_S)) != 0)
        return bt_err_wrap(err, "wait_timeout");
    if (lock_get(h, 0, until, &is_taken, err) != 0 ||
        (is_taken && own_lock_end(h, until) && lock_get(h, 1, until, &is_taken, err) != 0))
        return -1;
    if (!is_taken)
        h->lock_session = bt_connection_server(h->db->sql)->thread_id;
    pthread_mutex_lock(&h->lookout->mutex);
    h->sight.lock_is_taken = is_taken;
    pthread_mutex_unlock(&h->lookout->mutex);
    return 0;
}

static void path_keep(const char *path, char ret[static BT_SERVER_PATH_SIZE])
{
    /* Half a path would be another one. */
    if (!path || strlen(path) >= BT_SERVER_PATH_SIZE)
        path = "";
    memcpy(ret, path, strlen(path) + 1);
}

/* By what its process is found when it answers no more (steps_fence.c).  Another session may be one
 * of another server process, so each is asked. */
static int paths_ask(struct bt_lookout_host *h, struct bt_deadline until, struct bt_err *err)
{
    bt_auto_rows struct bt_rows rows = {0};

    if (bt_connection_query(h->db->sql,
                            bt_slice_str("SELECT @@GLOBAL.datadir, @@GLOBAL.pid_file"), until,
                            &rows, err) != 0)
        return bt_err_wrap(err, "datadir and pid_file");
    pthread_mutex_lock(&h->lookout->mutex);
    path_keep(rows.row_count ? bt_rows_text_at(&rows, 0, 0) : "", h->datadir);
    path_keep(rows.row_count ? bt_rows_text_at(&rows, 0, 1) : "", h->pid_file);
    pthread_mutex_unlock(&h->lookout->mutex);
    return 0;
}

static int session_open(struct bt_lookout_host *h, struct bt_deadline until, struct bt_err *err)
{
    struct bt_connection_opts login = bt_database_login(h->conf);

    if (bt_connection_open(&login, until, &h->db->sql, err) != 0 ||
        monitor_lock(h, until, err) != 0 || paths_ask(h, until, err) != 0)
        return -1;
    pthread_mutex_lock(&h->lookout->mutex);
    snprintf(h->sight.version, sizeof(h->sight.version), "%s",
             bt_connection_server(h->db->sql)->version);
    pthread_mutex_unlock(&h->lookout->mutex);
    return 0;
}

/* MHA's table, MHA's statement (MHA 0.58, MHA::HealthCheck ping_insert). */
static int ping_insert(struct bt_lookout_host *h, struct bt_deadline until, struct bt_err *err)
{
    static const char *const statements[] = {
        "CREATE DATABASE IF NOT EXISTS infra",
        "CREATE TABLE IF NOT EXISTS infra.chk_masterha (`key` tinyint NOT NULL PRIMARY KEY, "
        "`val` int(10) unsigned NOT NULL DEFAULT '0')",
        "INSERT INTO infra.chk_masterha VALUES (1, UNIX_TIMESTAMP()) "
        "ON DUPLICATE KEY UPDATE val = UNIX_TIMESTAMP()"};

    for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]); i++)
        if (bt_connection_execute(h->db->sql, bt_slice_str(statements[i]), until, NULL, err) != 0)
            return -1;
    return 0;
}

/* A new connection every time; the first one goes on holding the lock. */
static int ping_connect(struct bt_lookout_host *h, struct bt_deadline until, struct bt_err *err)
{
    struct bt_connection_opts login = bt_database_login(h->conf);
    bt_auto_connection struct bt_connection *c = NULL;
    char answer[16];

    if (bt_connection_open(&login, until, &c, err) != 0 ||
        bt_connection_value(c, "SELECT 1 As Value", until, sizeof(answer), answer, err) < 0)
        return -1;
    return 0;
}

static int ping_by_type(struct bt_lookout_host *h, struct bt_deadline until, struct bt_err *err)
{
    char read_only[16];
    int rc = 0;

    if (!h->db->sql && session_open(h, until, err) != 0)
        return -1;
    switch ((enum bt_ping_type)bt_setting_number(h->lookout->config->settings,
                                                 BT_CONF_PING_TYPE)) {
    case BT_PING_INSERT: rc = ping_insert(h, until, err); break;
    case BT_PING_CONNECT: rc = ping_connect(h, until, err); break;
    case BT_PING_SELECT: break;
    }
    if (rc != 0 || bt_connection_value(h->db->sql, "SELECT @@GLOBAL.read_only", until,
                                       sizeof(read_only), read_only, err) < 0)
        return -1;
    pthread_mutex_lock(&h->lookout->mutex);
    h->sight.read_only = strcmp(read_only, "0") != 0 && strcmp(read_only, "OFF") != 0;
    pthread_mutex_unlock(&h->lookout->mutex);
    return 0;
}

/* "There is no way to the host" is what our own kernel says of one that does not answer. */
static bool says_host_is_silent(const struct bt_err *err)
{
    return err->os_errno == EHOSTUNREACH || err->os_errno == ENETUNREACH ||
           err->os_errno == EHOSTDOWN || err->os_errno == ETIMEDOUT;
}

static enum bt_ping_outcome outcome_of(const struct bt_err *err)
{
    if (err->kind == BT_ERR_TIMEOUT || says_host_is_silent(err))
        return BT_PING_SILENT;
    if (bt_server_errno_is_alive(err->server_errno) ||
        (err->kind == BT_ERR_REMOTE && !bt_server_errno_is_lost(err->server_errno)))
        return BT_PING_REPULSED;
    return BT_PING_REFUSED;
}

static int ping(struct bt_lookout_host *h, struct bt_deadline until, struct bt_err *err)
{
    bool was_open = h->db->sql != NULL;

    if (ping_by_type(h, until, err) == 0)
        return 0;
    bt_connection_close(h->db->sql);
    h->db->sql = NULL;
    /* The session alone may have been killed: only who takes no new one is gone. */
    if (!was_open || err->kind == BT_ERR_TIMEOUT || bt_deadline_passed(until))
        return -1;
    bt_err_clear(err);
    if (ping_by_type(h, until, err) == 0)
        return 0;
    bt_connection_close(h->db->sql);
    h->db->sql = NULL;
    return -1;
}

/* Behind the ping, and not more often than once a second.  A server that has no answer to it has
 * none to the next ping, which says so. */
static void semisync_look(struct bt_lookout_host *h)
{
    struct bt_lookout *l = h->lookout;
    struct bt_semisync_sample sample;
    struct bt_err err = {0};

    if (!h->db->sql || bt_clock_ms() - h->semisync_ms < SEMISYNC_EVERY_MS)
        return;
    h->semisync_ms = bt_clock_ms();
    if (bt_semisync_ask(h->db->sql, bt_deadline_in(answer_ms(h)), &sample, &err) != 0) {
        bt_debug("%s: %s", h->conf->name, err.text);
        bt_connection_close(h->db->sql);
        h->db->sql = NULL;
        return;
    }
    pthread_mutex_lock(&l->mutex);
    bt_semisync_take(&l->semisync, &sample);
    h->sight.semisync_is_on = sample.is_enabled && sample.is_on;
    h->sight.semisync_fell_back = sample.is_enabled && !sample.is_on;
    h->sight.semisync_clients = sample.clients;
    pthread_mutex_unlock(&l->mutex);
}

static bool opens_session(const struct bt_lookout_host *h)
{
    return !h->db->sql ||
           bt_setting_number(h->lookout->config->settings, BT_CONF_PING_TYPE) == BT_PING_CONNECT;
}

static void ping_once(struct bt_lookout_host *h)
{
    struct bt_lookout *l = h->lookout;
    struct bt_err err = {0};
    struct bt_ping p = {.began_ms = bt_clock_ms()};
    int rc;

    pthread_mutex_lock(&l->mutex);
    bt_evidence_asking(&l->evidence, p.began_ms);
    pthread_mutex_unlock(&l->mutex);
    rc = ping(h, bt_deadline_in(opens_session(h) ? open_ms(h) : answer_ms(h)), &err);
    p.ended_ms = bt_clock_ms();
    p.outcome = rc == 0 ? BT_PING_ANSWERED : outcome_of(&err);
    p.number = err.server_errno;
    p.text = err.text;
    pthread_mutex_lock(&l->mutex);
    bt_evidence_ping(&l->evidence, &p);
    h->sight.life = rc == 0                         ? BT_LIFE_ALIVE
                    : p.outcome == BT_PING_REPULSED ? BT_LIFE_REFUSING
                                                    : BT_LIFE_DEAD;
    snprintf(h->sight.error, sizeof(h->sight.error), "%.255s", rc == 0 ? "" : err.text);
    if (rc == 0)
        h->sight.seen_ms = p.ended_ms;
    pthread_mutex_unlock(&l->mutex);
    bt_lookout_tell(l);
}

static void ping_loop(struct bt_lookout_host *h)
{
    struct bt_deadline due;

    do {
        due = bt_deadline_in(h->lookout->interval_ms);
        ping_once(h);
        semisync_look(h);
        /* A session that the server closes becomes readable: that is looked into at once. */
    } while (bt_lookout_wait(h->lookout, h->sql_wake,
                             h->db->sql ? bt_connection_fd(h->db->sql) : -1, due));
}

/* -------------------------------------------------------------------- replica */

/* A number that changes whenever something has come from the primary. */
static uint64_t progress_of(const struct bt_upstream *u)
{
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */

    for (const char *p = u->read.file; *p; p++)
        hash = (hash ^ (uint8_t)*p) * UINT64_C(1099511628211);
    return hash + u->read.pos + u->heartbeats * UINT64_C(0x9e3779b97f4a7c15);
}

static void replica_ask_server(struct bt_lookout_host *h, int64_t *facts_due_ms)
{
    struct bt_database *d = h->db;
    struct bt_err err = {0};

    if (d->sql && bt_clock_ms() < *facts_due_ms && !bt_connection_is_lost(d->sql) &&
        bt_database_ask_upstreams(d, bt_deadline_in(answer_ms(h)), &err) == 0)
        return;
    bt_database_ask(d, open_ms(h));
    *facts_due_ms = bt_clock_ms() + FACTS_EVERY_MS;
}

static void replica_ask(struct bt_lookout_host *h, int64_t *facts_due_ms)
{
    struct bt_lookout *l = h->lookout;
    struct bt_receiver_seen seen = {.asked_ms = bt_clock_ms()};
    const struct bt_upstream *u;

    replica_ask_server(h, facts_due_ms);
    u = bt_sight_upstream(l->config, l->primary, &h->db->facts);
    seen.answered_ms = bt_clock_ms();
    seen.answered = h->db->facts.life == BT_LIFE_ALIVE && u;
    if (u && seen.answered) {
        seen.io = u->io;
        seen.io_errno = u->io_errno;
        seen.progress = progress_of(u);
        seen.heartbeat_period_ms = u->heartbeat_period_ms;
    }
    pthread_mutex_lock(&l->mutex);
    bt_evidence_receiver(&l->evidence, h->index, &seen);
    bt_sight_fill(&h->sight, l->config, l->primary, &h->db->facts);
    /* Votes are for who replicates from this primary; a dead one keeps its vote and abstains. */
    if (h->db->facts.life == BT_LIFE_ALIVE)
        l->evidence.voters[h->index].has_vote = h->sight.upstream == l->primary;
    pthread_mutex_unlock(&l->mutex);
    bt_lookout_tell(l);
}

static int sessions_end(struct bt_lookout_host *h, struct bt_deadline until, struct bt_err *err)
{
    uint64_t own = bt_connection_server(h->db->sql)->thread_id;
    bt_auto_arena struct bt_arena arena;
    struct bt_session_list list;
    size_t killed;

    bt_arena_init(&arena, 8 << 20);
    if (bt_sessions_ask(h->db->sql, &own, 1, until, &arena, &list, err) != 0)
        return -1;
    return bt_sessions_kill(h->db->sql, &list, bt_session_any, until, &killed, err);
}

/* Sessions first: one that stands in a transaction, its client long gone, would hold read_only up.
 * Then again, for who came in between. */
static int writers_close(struct bt_lookout_host *h, struct bt_err *err)
{
    struct bt_deadline until = bt_deadline_in(CLOSE_MS);

    if (sessions_end(h, until, err) != 0 || bt_database_set_read_only(h->db, true, until, err) != 0)
        return -1;
    return sessions_end(h, until, err);
}

static void obey(struct bt_lookout_host *h)
{
    struct bt_err err = {0};
    bool is_ordered;

    pthread_mutex_lock(&h->lookout->mutex);
    is_ordered = h->set_read_only;
    h->set_read_only = false;
    pthread_mutex_unlock(&h->lookout->mutex);
    if (!is_ordered || !h->db->sql)
        return;
    if (writers_close(h, &err) != 0)
        bt_error("%s came back writable after it was replaced: %s", h->conf->name, err.text);
    else
        bt_warning("%s came back writable after it was replaced: it is read-only now",
                   h->conf->name);
}

static void replica_loop(struct bt_lookout_host *h)
{
    int64_t facts_due_ms = 0, pause_ms = SUSPECT_FIRST_MS;
    bool is_suspect;

    do {
        replica_ask(h, &facts_due_ms);
        obey(h);
        is_suspect = bt_lookout_is_suspect(h->lookout);
        pause_ms = !is_suspect                  ? SUSPECT_FIRST_MS
                   : pause_ms < SUSPECT_PACE_MS ? pause_ms * 2
                                                : SUSPECT_PACE_MS;
    } while (bt_lookout_wait(h->lookout, h->sql_wake, -1,
                             bt_deadline_in(is_suspect ? pause_ms
                                                       : bt_lookout_pace_ms(h->lookout))));
}

void *bt_lookout_sql_main(void *host)
{
    struct bt_lookout_host *h = host;
    struct bt_lookout *l = h->lookout;

    if (h->index == l->primary)
        ping_loop(h);
    else
        replica_loop(h);
    pthread_mutex_lock(&l->mutex);
    h->sql_runs = false;
    pthread_cond_broadcast(&l->ended);
    pthread_mutex_unlock(&l->mutex);
    return NULL;
}
