/* SPDX-License-Identifier: Apache-2.0 */
/* Writers that commit, note the answers, and come back when the server has gone. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/json.h"
#include "tests/lib/ledger.h"

enum { PAUSE_MS = 5 };

/* Shared by all writers; everything below the lock is guarded by it. */
struct pool {
    const struct ledger_write_opts *opts;
    int fd;
    atomic_bool stop;
    pthread_mutex_t lock;
    uint64_t acked;
    uint64_t unknown;
    uint64_t refused;   /* the server answered with an error */
    uint64_t broken;    /* connections that ended or fell silent */
    uint64_t unreached; /* attempts to connect that failed */
    int64_t first_ack_us;
    int64_t last_ack_us;
    int64_t last_ack_wall_us;
    int64_t gap_us; /* longest time between two acknowledged commits */
    int64_t gap_began_wall_us;
    bool gap_is_open; /* nothing was acknowledged after it */
    struct bt_err last_error;
};

struct writer {
    struct pool *pool;
    uint64_t id; /* of the commit it is trying */
    MYSQL *mysql;
    struct bt_buf sql;
    char *payload;
    int64_t next_us; /* when the pace allows the next commit */
    pthread_t thread;
};

enum outcome {
    ACKED,
    UNKNOWN,
    REFUSED, /* an answer, and it says that nothing was committed */
    BROKEN,  /* the connection ended before the commit was asked for */
};

/* Answers that promise that the transaction is not there.  Any other error at the
 * commit (a shutdown, a killed connection) leaves both possible. */
static bool promises_nothing_committed(unsigned server_errno)
{
    switch (server_errno) {
    case 1040: /* too many connections */
    case 1036: /* table is read only */
    case 1205: /* lock wait timeout */
    case 1213: /* deadlock */
    case 1290: /* --read-only */
    case 1792: /* read only transaction */
    case 1836: /* read only mode */
        return true;
    default:
        return false;
    }
}

static int64_t longest_gap(struct pool *pool, int64_t now_us)
{
    return pool->last_ack_us ? now_us - pool->last_ack_us : 0;
}

static int note_line(struct pool *pool, const char *word, uint64_t id, int64_t now_us,
                     int64_t wall_us)
{
    char line[96];
    int len = snprintf(line, sizeof(line), "%s %llu %lld %lld\n", word, (unsigned long long)id,
                       (long long)wall_us, (long long)now_us);

    return write(pool->fd, line, (size_t)len) == len ? 0 : -1;
}

/* A ledger with a hole proves nothing, so a failed write ends the program. */
static void note(struct pool *pool, enum outcome outcome, uint64_t id, const struct bt_err *err)
{
    int64_t now_us = bt_clock_us();
    int64_t wall_us = bt_clock_wall_us();
    int failed = 0;

    pthread_mutex_lock(&pool->lock);
    if (outcome == ACKED) {
        failed = note_line(pool, "acked", id, now_us, wall_us);
        if (longest_gap(pool, now_us) > pool->gap_us) {
            pool->gap_us = longest_gap(pool, now_us);
            pool->gap_began_wall_us = pool->last_ack_wall_us;
        }
        if (pool->acked++ == 0)
            pool->first_ack_us = now_us;
        pool->last_ack_us = now_us;
        pool->last_ack_wall_us = wall_us;
    } else {
        pool->last_error = *err;
        pool->refused += outcome == REFUSED;
        pool->broken += outcome == BROKEN || outcome == UNKNOWN;
        if (outcome == UNKNOWN) {
            failed = note_line(pool, "unknown", id, now_us, wall_us);
            pool->unknown++;
        }
    }
    pthread_mutex_unlock(&pool->lock);
    if (failed) {
        perror("ledger: could not write the ledger");
        _exit(3);
    }
}

static int run(struct writer *w, struct bt_err *err)
{
    if (bt_buf_check(&w->sql, "statement", err) < 0)
        return -1;
    return ledger_query(w->mysql, bt_buf_slice(&w->sql), w->pool->opts->server.answer_ms, err);
}

static int run_insert(struct writer *w, struct bt_err *err)
{
    bt_buf_reset(&w->sql);
    bt_buf_addf(&w->sql,
                "INSERT INTO ledger.commits (id, writer, payload) VALUES (%llu, %llu, '%s')",
                (unsigned long long)w->id, (unsigned long long)(w->id / LEDGER_WRITER_STEP),
                w->payload);
    return run(w, err);
}

static int run_slot(struct writer *w, struct bt_err *err)
{
    bt_buf_reset(&w->sql);
    if (ledger_deletes(w->id))
        bt_buf_addf(&w->sql, "DELETE FROM ledger.slots WHERE id = %llu",
                    (unsigned long long)ledger_slot(w->id));
    else
        bt_buf_addf(&w->sql,
                    "INSERT INTO ledger.slots (id, version, payload) VALUES (%llu, %llu, '%s') "
                    "ON DUPLICATE KEY UPDATE version = VALUES(version), payload = VALUES(payload)",
                    (unsigned long long)ledger_slot(w->id), (unsigned long long)w->id, w->payload);
    return run(w, err);
}

static int run_word(struct writer *w, const char *word, struct bt_err *err)
{
    bt_buf_reset(&w->sql);
    bt_buf_add_str(&w->sql, word);
    return run(w, err);
}

/* The last statement of the transaction is the one whose answer counts. */
static enum outcome try_commit(struct writer *w, struct bt_err *err)
{
    ledger_payload(w->id, w->payload, w->pool->opts->payload_size);
    if (w->pool->opts->mode == LEDGER_INSERT) {
        if (run_insert(w, err) == 0)
            return ACKED;
        return promises_nothing_committed(err->server_errno) ? REFUSED : UNKNOWN;
    }
    if (run_word(w, "BEGIN", err) < 0 || run_insert(w, err) < 0 || run_slot(w, err) < 0)
        return promises_nothing_committed(err->server_errno) ? REFUSED : BROKEN;
    if (run_word(w, "COMMIT", err) == 0)
        return ACKED;
    return promises_nothing_committed(err->server_errno) ? REFUSED : UNKNOWN;
}

static void disconnect(struct writer *w)
{
    if (w->mysql)
        mysql_close(w->mysql);
    w->mysql = NULL;
}

/* Refused or broken: the same commit is tried again, on a new connection so that no
 * open transaction and no demoted server is kept. */
static void step(struct writer *w)
{
    struct bt_err err = {0};
    enum outcome outcome;

    if (!w->mysql)
        w->mysql = ledger_connect(&w->pool->opts->server, &err);
    if (!w->mysql) {
        pthread_mutex_lock(&w->pool->lock);
        w->pool->unreached++;
        w->pool->last_error = err;
        pthread_mutex_unlock(&w->pool->lock);
        bt_clock_pause(PAUSE_MS, bt_deadline_in(PAUSE_MS));
        return;
    }
    outcome = try_commit(w, &err);
    note(w->pool, outcome, w->id, &err);
    if (outcome == ACKED || outcome == UNKNOWN)
        w->id++;
    if (outcome != ACKED) {
        disconnect(w);
        bt_clock_pause(PAUSE_MS, bt_deadline_in(PAUSE_MS));
    }
}

/* A writer that has fallen behind its pace does not catch up. */
static void keep_pace(struct writer *w)
{
    uint64_t pace = w->pool->opts->pace;
    int64_t now_us = bt_clock_us();
    int64_t wait_us = w->next_us - now_us;

    if (pace == 0)
        return;
    if (wait_us > 0)
        clock_nanosleep(CLOCK_MONOTONIC, 0,
                        &(struct timespec){wait_us / 1000000, wait_us % 1000000 * 1000}, NULL);
    else
        w->next_us = now_us;
    w->next_us += INT64_C(1000000) / (int64_t)pace;
}

static void *writer_main(void *argument)
{
    struct writer *w = argument;

    mysql_thread_init();
    while (!atomic_load(&w->pool->stop)) {
        step(w);
        keep_pace(w);
    }
    disconnect(w);
    mysql_thread_end();
    return NULL;
}

static int create_tables(const struct ledger_write_opts *opts, struct bt_err *err)
{
    static const char *const statements[] = {
        "CREATE DATABASE IF NOT EXISTS ledger",
        "CREATE TABLE IF NOT EXISTS ledger.commits (id BIGINT UNSIGNED NOT NULL PRIMARY KEY, "
        "writer INT UNSIGNED NOT NULL, payload VARBINARY(60000) NOT NULL) ENGINE=InnoDB",
        "CREATE TABLE IF NOT EXISTS ledger.slots (id BIGINT UNSIGNED NOT NULL PRIMARY KEY, "
        "version BIGINT UNSIGNED NOT NULL, payload VARBINARY(60000) NOT NULL) ENGINE=InnoDB",
    };
    struct ledger_server patient = opts->server;
    MYSQL *mysql;
    int ret = 0;

    patient.connect_ms = 10000;
    mysql = ledger_connect(&patient, err);
    if (!mysql)
        return -1;
    for (size_t i = 0; ret == 0 && i < sizeof(statements) / sizeof(statements[0]); i++)
        ret = ledger_query(mysql, bt_slice_str(statements[i]), 10000, err);
    mysql_close(mysql);
    return ret;
}

/* Prints one line of JSON; a gap that is still open at the end counts. */
static void report(struct pool *pool, int64_t ended_us)
{
    bt_auto_buf struct bt_buf out;
    struct bt_json j;
    char began[BT_TIME_TEXT_SIZE];

    if (longest_gap(pool, ended_us) > pool->gap_us) {
        pool->gap_us = longest_gap(pool, ended_us);
        pool->gap_began_wall_us = pool->last_ack_wall_us;
        pool->gap_is_open = true;
    }
    bt_buf_init(&out, 1 << 16);
    bt_json_init(&j, &out);
    bt_json_object(&j);
    bt_json_key_u64(&j, "acked", pool->acked);
    bt_json_key_u64(&j, "unknown", pool->unknown);
    bt_json_key_u64(&j, "refused", pool->refused);
    bt_json_key_u64(&j, "broken", pool->broken);
    bt_json_key_u64(&j, "unreached", pool->unreached);
    bt_json_key_i64(&j, "ran_ms", pool->acked ? (ended_us - pool->first_ack_us) / 1000 : 0);
    bt_json_key_i64(&j, "gap_ms", pool->gap_us / 1000);
    bt_json_key_str(&j, "gap_began",
                    pool->gap_us ? bt_time_text(pool->gap_began_wall_us, began) : NULL);
    bt_json_key_bool(&j, "gap_is_open", pool->gap_is_open);
    bt_json_key_str(&j, "last_error", pool->last_error.kind ? pool->last_error.text : NULL);
    bt_json_end(&j);
    puts(bt_buf_str(&out));
}

static int start_writer(struct pool *pool, struct writer *w, unsigned number, struct bt_err *err)
{
    w->pool = pool;
    w->id = number * LEDGER_WRITER_STEP + 1;
    bt_buf_init(&w->sql, 4 * LEDGER_PAYLOAD_MAX);
    w->payload = calloc(1, pool->opts->payload_size + 1);
    if (!w->payload)
        return bt_fail(err, BT_ERR_SYSTEM, "could not allocate a payload");
    errno = pthread_create(&w->thread, NULL, writer_main, w);
    if (errno)
        return bt_fail_sys(err, "could not start writer %u", number);
    return 0;
}

static void wait_for_the_end(const struct ledger_write_opts *opts, const sigset_t *signals)
{
    struct timespec span = {.tv_sec = opts->run_ms / 1000};

    if (opts->run_ms == 0)
        span.tv_sec = 1000000000;
    while (sigtimedwait(signals, NULL, &span) < 0 && errno == EINTR)
        continue;
}

int ledger_write(const struct ledger_write_opts *opts, struct bt_err *err)
{
    struct pool pool = {.opts = opts, .lock = PTHREAD_MUTEX_INITIALIZER};
    struct writer writers[LEDGER_WRITERS_MAX] = {0};
    bt_auto_fd int fd = open(opts->path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644);
    unsigned started = 0;
    sigset_t signals;
    int64_t ended_us;

    if (fd < 0)
        return bt_fail_sys(err, "could not create \"%s\"", opts->path);
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    if (create_tables(opts, err) < 0)
        return -1;
    dprintf(fd, "ledger 1 %s %llu\n", opts->mode == LEDGER_MIXED ? "mixed" : "insert",
            (unsigned long long)opts->payload_size);
    pool.fd = fd;
    while (started < opts->writers &&
           start_writer(&pool, &writers[started], started + 1, err) == 0)
        started++;
    if (started == opts->writers)
        wait_for_the_end(opts, &signals);
    ended_us = bt_clock_us();
    atomic_store(&pool.stop, true);
    for (unsigned i = 0; i < opts->writers; i++) {
        if (i < started)
            pthread_join(writers[i].thread, NULL);
        bt_buf_done(&writers[i].sql);
        free(writers[i].payload);
    }
    if (started < opts->writers)
        return -1;
    report(&pool, ended_us);
    return 0;
}
