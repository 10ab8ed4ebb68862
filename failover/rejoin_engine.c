/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the returning server's tables hold what its binary log has lost.
 *
 * With sync_binlog other than 1 a host that lost its power comes back with transactions that the
 * storage engine had committed and whose events never reached the disk; a log that was cut is the
 * same.  Such a transaction is in no log of the server, so that comparing logs says nothing about
 * it: where nobody received it, it would stay in the tables for ever, and where the primary has it,
 * it would be applied a second time.
 *
 * Two things tell.  InnoDB prints when it recovers from a crash up to which position of which log
 * it has committed
 * ("InnoDB: Last binlog file './bin.000001', position 2455": storage/innobase/srv/srv0start.cc,
 * MariaDB 10.11); a log that is not whole up to there has lost something.  And the primary may have
 * more of the server's own transactions than the server's log: those are looked for in its tables,
 * row by row.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "apply/row_checks.h"
#include "base/log.h"
#include "base/number.h"
#include "failover/node_open.h"
#include "failover/rejoin_log.h"
#include "failover/rejoin_steps.h"

enum {
    WORDS_MAX = 4 << 20, /* of the error log, from its end */
    PATH_SIZE = 4096,
    /* a replica writes the same GTID event with or without the 2 bytes of a group commit */
    GTID_GROWTH = 2,
    SIZES_MAX = 20,   /* no transaction is as short as what that many may grow by */
    SEARCH_MAX = 200, /* transactions whose order is tried out one by one */
};

struct engine {
    bool is_told; /* the error log says where the engine stands */
    struct bt_coordinate at;
    char why_not[512];
    int64_t started;    /* the server, in seconds since 1970 */
    bool is_like_log;   /* the log holds what the engine has committed last */
    uint64_t whole_end; /* of the log of `at` */
    bool is_ahead;
};

/* --------------------------------------------------------------- the error log */

static int take(void *ctx, struct bt_slice bytes, struct bt_err *err)
{
    return bt_buf_add_slice(ctx, bytes) ? 0 : bt_buf_check(ctx, "the error log", err);
}

/* Its last MiBs. */
static int words_read(struct bt_rejoin *r, const char *path, struct bt_buf *out, struct bt_err *err)
{
    struct bt_read_request request = {.path = path};
    struct bt_sink sink = {take, out};
    struct bt_read_reply reply;
    struct bt_deadline until = bt_deadline_in(BT_RJ_STEP_MS);

    if (bt_node_read(r->node, &request, sink, until, &reply, err) != 0)
        return -1;
    request.from = reply.size > WORDS_MAX ? reply.size - WORDS_MAX : 0;
    request.length = WORDS_MAX;
    return bt_node_read(r->node, &request, sink, until, &reply, err);
}

/* What the server said when it started last: behind the "ready for connections" of the start
 * before. It names a place only when it recovers from a crash; what an earlier start named says
 * nothing. */
static const char *last_start(const char *words)
{
    static const char ready[] = "ready for connections";
    const char *before = words, *last = NULL;

    for (const char *p = words; (p = strstr(p, ready)); p++) {
        before = last ? last : words;
        last = p;
    }
    return last ? before : "";
}

static bool place_find(const char *words, struct bt_coordinate *ret)
{
    static const char mark[] = "InnoDB: Last binlog file '";
    const char *last = NULL, *name, *quote;
    char *end;

    for (const char *p = last_start(words); (p = strstr(p, mark)); p++)
        last = p + sizeof(mark) - 1;
    quote = last ? strchr(last, '\'') : NULL;
    if (!quote || strncmp(quote, "', position ", 12) != 0)
        return false;
    for (name = quote; name > last && name[-1] != '/';)
        name--;
    if (name == quote || (size_t)(quote - name) >= sizeof(ret->file))
        return false;
    snprintf(ret->file, sizeof(ret->file), "%.*s", (int)(quote - name), name);
    ret->pos = strtoull(quote + 12, &end, 10);
    return end != quote + 12;
}

static int told_ask(struct bt_rejoin *r, struct engine *e, struct bt_err *err)
{
    static const char sql[] =
        "SELECT IF(@@GLOBAL.log_error IN ('', 'stderr'), '', CONCAT(IF(@@GLOBAL.log_error LIKE "
        "'/%', '', @@GLOBAL.datadir), @@GLOBAL.log_error)), FLOOR(UNIX_TIMESTAMP() - "
        "VARIABLE_VALUE) FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'UPTIME'";
    bt_auto_rows struct bt_rows rows = {0};
    bt_auto_buf struct bt_buf words;
    struct bt_err why = {0};
    const char *path, *started;

    bt_buf_init(&words, WORDS_MAX + 4096);
    if (bt_connection_query(bt_rj_host(r)->sql, bt_slice_str(sql), bt_deadline_in(BT_RJ_STEP_MS),
                            &rows, err) != 0)
        return bt_err_wrap(err, "%s: log_error", bt_rj_host(r)->conf->name);
    path = bt_rows_text_at(&rows, 0, 0);
    started = bt_rows_text_at(&rows, 0, 1);
    e->started = started ? strtoll(started, NULL, 10) : 0;
    if (!path || !path[0])
        snprintf(e->why_not, sizeof(e->why_not), "it writes no error log of its own");
    else if (words_read(r, path, &words, &why) != 0)
        snprintf(e->why_not, sizeof(e->why_not), "its error log: %.400s", why.text);
    else if (!(e->is_told = place_find(bt_buf_str(&words), &e->at)))
        snprintf(e->why_not, sizeof(e->why_not),
                 "its server has not said where its engine stands, as it does after a crash");
    return 0;
}

/* ------------------------------------------------------------------- the log */

/* The log is not whole up to where the engine stands, which is a loss or RESET MASTER.  With
 * sync_binlog=1 the engine never commits what is not on the disk: a log that is whole to its last
 * byte has lost nothing then. */
static int may_have_lost(struct bt_rejoin *r, const struct engine *e, bool is_torn, bool *ret,
                         struct bt_err *err)
{
    char sync[32];

    *ret = true;
    if (is_torn)
        return 0;
    if (bt_connection_value(bt_rj_host(r)->sql, "SELECT @@GLOBAL.sync_binlog",
                            bt_deadline_in(BT_RJ_STEP_MS), sizeof(sync), sync, err) < 0)
        return bt_err_wrap(err, "%s: sync_binlog", bt_rj_host(r)->conf->name);
    *ret = strcmp(sync, "1") != 0;
    if (!*ret)
        bt_rj_note(r,
                   "Its engine names %s:%" PRIu64 ", behind the log's end at %" PRIu64
                   ": taken for a RESET MASTER, as the log is whole and sync_binlog is 1.",
                   e->at.file, e->at.pos, e->whole_end);
    return 0;
}

/* A log of the same name that was begun after the server had started is another one.  So may be one
 * that was begun behind a RESET MASTER (as SET GLOBAL gtid_binlog_state is: the logs are numbered
 * from 1 again): InnoDB goes on naming the furthest place that it ever knew
 * (each rollback segment has its own: storage/innobase/trx/trx0rseg.cc), which is why a log that
 * was closed, or may not have lost anything, is believed instead. */
static int compare(struct bt_rejoin *r, struct engine *e, struct bt_err *err)
{
    const struct bt_log_set *set = bt_remote_logs_set(r->logs);
    size_t i = bt_log_set_index(set, e->at.file);
    struct bt_rj_log_end end;
    uint32_t begun;
    bool in_use;

    if (i == SIZE_MAX || set->logs[i].missing)
        return 0;
    if (bt_rj_log_head(set, i, &begun, &in_use, err) != 0)
        return -1;
    if ((int64_t)begun > e->started || e->at.pos < BT_RJ_LOG_FIRST)
        return 0;
    if (bt_rj_log_holds_end(set, i, e->at.pos, &e->is_like_log, err) != 0)
        return -1;
    if (e->is_like_log)
        return 0;
    if (bt_rj_log_end(set, i, &end, err) != 0)
        return -1;
    e->whole_end = end.whole;
    if (end.is_closed || e->whole_end >= e->at.pos)
        return 0;
    return may_have_lost(r, e, end.is_torn, &e->is_ahead, err);
}

/* ------------------------------------------------- what the primary has of its own */

static int state_ask(struct bt_rejoin *r, const char *variable, struct bt_gtid_state *ret,
                     struct bt_err *err)
{
    bt_auto_rows struct bt_rows rows = {0};
    const char *text;

    if (bt_connection_queryf(bt_rj_host(r)->sql, bt_deadline_in(BT_RJ_STEP_MS), &rows, err,
                             "SELECT @@GLOBAL.%s", variable) != 0)
        return bt_err_wrap(err, "%s: %s", bt_rj_host(r)->conf->name, variable);
    text = bt_rows_text_at(&rows, 0, 0);
    return bt_gtid_state_parse(bt_slice_str(text ? text : ""), ret, err);
}

/* Whether the primary knows a transaction of the server that is not in its own log. */
static bool has_more(struct bt_rejoin *r, const struct bt_gtid_state *own,
                     const struct bt_gtid_state *applied)
{
    uint32_t id = bt_rj_host(r)->facts.server_id;

    for (size_t i = 0; i < r->known.count; i++) {
        const struct bt_gtid *k = &r->known.items[i];
        bool is_there = k->server_id != id || bt_gtid_state_has(applied, k);

        for (size_t j = 0; j < own->count; j++)
            is_there = is_there ||
                       (own->items[j].domain == k->domain && own->items[j].server_id == id &&
                        own->items[j].sequence >= k->sequence);
        if (!is_there)
            return true;
    }
    return false;
}

/* The primary's logs, as a source of them. */
struct primary_logs {
    struct bt_channel *node;
    struct bt_remote_logs *logs;
    struct bt_missing_source source;
};

static void primary_logs_done(struct primary_logs *p)
{
    bt_remote_logs_close(p->logs);
    bt_channel_close(p->node);
}

static int primary_logs_open(struct bt_rejoin *r, struct primary_logs *p, struct bt_err *err)
{
    const struct bt_database *d = bt_rj_primary(r);
    const char *base = d->facts.binlog_base, *slash = strrchr(base, '/');
    enum bt_channel_failure why;
    char folder[PATH_SIZE];
    struct bt_logs_id id = {.places = folder, .kind = BT_LOG_KIND_BINLOG};
    int rc;

    if (!slash)
        return bt_fail(err, BT_ERR_REALITY, "where it keeps its binary logs is not known");
    id.base = slash + 1;
    snprintf(folder, sizeof(folder), "%.*s", (int)(slash - base), base);
    if (bt_node_open(d->conf, &p->node, &why, err) != 0)
        return -1;
    rc = bt_remote_logs_open(p->node, &r->node_mutex, &id, d->conf->hostname,
                             bt_deadline_in(BT_RJ_STEP_MS), &p->logs, err);
    if (rc == 1)
        return bt_fail(err, BT_ERR_REALITY, "no binary logs were found in %s", folder);
    p->source = (struct bt_missing_source){.name = d->conf->hostname,
                                           .role = BT_SOURCE_BINLOG,
                                           .with_own = true};
    if (rc == 0)
        p->source.set = bt_remote_logs_set(p->logs);
    return rc;
}

/* Of what the server lacks, its own transactions alone are left. */
static void own_keep(struct bt_rejoin *r, struct bt_missing *m)
{
    size_t kept = 0;

    for (size_t i = 0; i < m->count; i++)
        if (m->items[i].gtid.server_id == bt_rj_host(r)->facts.server_id)
            m->items[kept++] = m->items[i];
    m->count = kept;
}

/* ------------------------------------------------------------- are they in its tables */

/* Items [from, from + count) against the tables as they are. */
static int rows_ask(struct bt_rejoin *r, const struct bt_missing *m, size_t from, size_t count,
                    struct bt_row_checks *ret, struct bt_err *err)
{
    struct bt_connection_opts login = bt_database_login(bt_rj_host(r)->conf);
    struct bt_diff_log_opts opts = {0};
    struct bt_missing part = *m;
    struct bt_manifest manifest;
    char path[PATH_SIZE], beside[PATH_SIZE + 8];
    const char *const paths[] = {path};
    int rc;

    *ret = (struct bt_row_checks){0};
    if (count == 0)
        return 0;
    part.items += from;
    part.count = count;
    snprintf(path, sizeof(path), "%.3000s/%.200s.rejoin.binlog", r->config->workdir,
             r->config->app);
    snprintf(beside, sizeof(beside), "%s.json", path);
    if (bt_diff_log_save(&part, &opts, path, &manifest, err) != 0)
        return -1;
    bt_manifest_done(&manifest);
    rc = bt_rows_verify(&login, paths, 1, ret, err);
    unlink(path);
    unlink(beside);
    return rc;
}

/* 1: the first k of them are in the tables and the rest is not.  The engine commits in the order of
 * the log. */
static int is_split_at(struct bt_rejoin *r, const struct bt_missing *m, size_t k,
                       struct bt_err *err)
{
    struct bt_row_checks there, rest;

    if (rows_ask(r, m, 0, k, &there, err) != 0 ||
        rows_ask(r, m, k, m->count - k, &rest, err) != 0)
        return -1;
    /* A statement is asked about by the rows around it alone. */
    return there.found == 0 && there.not_checked == there.why[BT_UNCHECKED_STATEMENT] &&
           rest.found == rest.rows &&
           rest.not_checked == rest.why[BT_UNCHECKED_STATEMENT] + rest.why[BT_UNCHECKED_LATER];
}

/* Tables without keys, and DDL: what the engine committed behind the log's end is as long as the
 * first k of them, and no k beside it could be meant. */
static size_t split_by_size(const struct engine *e, const struct bt_missing *m)
{
    uint64_t gap = e->is_ahead ? e->at.pos - e->whole_end : 0, bytes = 0;

    for (size_t k = 1; k <= m->count && k <= SIZES_MAX; k++) {
        uint64_t apart;

        bytes += m->items[k - 1].bytes;
        apart = bytes > gap ? bytes - gap : gap - bytes;
        if (apart <= k * GTID_GROWTH)
            return k;
    }
    return SIZE_MAX;
}

/* How many of them are in the tables; SIZE_MAX = it cannot be told. */
static int split_find(struct bt_rejoin *r, const struct engine *e, const struct bt_missing *m,
                      size_t *ret, struct bt_err *err)
{
    *ret = split_by_size(e, m);
    if (*ret != SIZE_MAX)
        return 0;
    for (size_t k = m->count + 1; k-- > 0;) {
        int rc;

        if (m->count > SEARCH_MAX && k != 0 && k != m->count)
            continue;
        rc = is_split_at(r, m, k, err);
        if (rc < 0)
            return bt_err_wrap(err, "%s: are its own transactions in its tables?",
                               bt_rj_host(r)->conf->name);
        if (rc == 1) {
            *ret = k;
            return 0;
        }
    }
    return 0;
}

/* ---------------------------------------------------------------------- verdict */

/* Behind what is the matter: what to do about it. */
#define COPY_ANEW \
    "; what no log has can neither be archived nor taken back: give %s a copy of %s's data"

static int refuse_ahead(const struct bt_rejoin *r, const struct engine *e, struct bt_err *err)
{
    const char *host = r->config->servers[r->host].name;

    return bt_fail(err, BT_ERR_CONFLICT,
                   "the tables of %s hold transactions that its log has lost: its engine had "
                   "committed up to %s:%" PRIu64 ", the log is whole up to %" PRIu64
                   " (or RESET MASTER was run there)" COPY_ANEW,
                   host, e->at.file, e->at.pos, e->whole_end, host,
                   r->config->servers[r->primary].name);
}

/* Whether what the engine has committed behind the log's end is more than these transactions. */
static bool is_more_than(const struct engine *e, const struct bt_missing *m, size_t count)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < count; i++)
        bytes += m->items[i].bytes + GTID_GROWTH;
    return e->is_ahead && e->at.pos - e->whole_end > bytes;
}

/* The first `count` of them are executed, though no log of the server says so: it goes on behind
 * them. */
static int step_over(struct bt_rejoin *r, const struct bt_missing *m, size_t count,
                     struct bt_err *err)
{
    char first[BT_GTID_TEXT_SIZE], last[BT_GTID_TEXT_SIZE];
    bt_auto_buf struct bt_buf text;
    struct bt_gtid_state state = {0};
    int rc = state_ask(r, "gtid_current_pos", &state, err);

    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = bt_gtid_state_update(&state, &m->items[i].gtid, err);
    bt_buf_init(&text, 256 * 1024);
    bt_gtid_state_text(&state, &text);
    bt_gtid_state_done(&state);
    if (rc != 0 || bt_buf_check(&text, "GTID state", err) != 0)
        return -1;
    r->stepped_over = bt_arena_str(&r->arena, bt_buf_slice(&text));
    if (!r->stepped_over)
        return bt_arena_fail(&r->arena, "GTID state", err);
    bt_rj_note(r,
               "Its log has lost %zu transactions (%s to %s) that its tables hold and %s has: they "
               "are not applied again.",
               count, bt_gtid_text(&m->items[0].gtid, first),
               bt_gtid_text(&m->items[count - 1].gtid, last), bt_rj_primary(r)->conf->name);
    return 0;
}

static int judge_more(struct bt_rejoin *r, const struct engine *e, struct bt_missing *m,
                      struct bt_err *err)
{
    const char *host = r->config->servers[r->host].name;
    const char *primary = r->config->servers[r->primary].name;
    char gtid[BT_GTID_TEXT_SIZE];
    size_t count;

    own_keep(r, m);
    if (m->count == 0)
        return e->is_ahead ? refuse_ahead(r, e, err) : 0;
    if (split_find(r, e, m, &count, err) != 0)
        return -1;
    if (count == SIZE_MAX)
        return bt_fail(err, BT_ERR_CONFLICT,
                       "the log of %s has lost %zu transactions that %s has (the first is %s), and "
                       "whether its tables hold them cannot be told from their rows" COPY_ANEW,
                       host, m->count, primary, bt_gtid_text(&m->items[0].gtid, gtid), host,
                       primary);
    if (is_more_than(e, m, count))
        return refuse_ahead(r, e, err);
    return count ? step_over(r, m, count, err) : 0;
}

static int more_look(struct bt_rejoin *r, const struct engine *e, const struct bt_gtid_state *own,
                     struct bt_err *err)
{
    struct bt_missing_want want = {.gtid = own};
    struct primary_logs p = {0};
    struct bt_missing m;
    int rc = primary_logs_open(r, &p, err);

    if (rc == 0) {
        rc = bt_missing_find(&want, &p.source, 1, &m, err);
        if (rc == 0) {
            rc = judge_more(r, e, &m, err);
            bt_missing_done(&m);
        }
    }
    primary_logs_done(&p);
    return rc == 0 ? 0 : bt_err_wrap(err, "%s", bt_rj_primary(r)->conf->name);
}

/* Nothing is known of the engine: said where it matters. */
static int unknown_say(struct bt_rejoin *r, const struct engine *e, struct bt_err *err)
{
    const struct bt_log_set *set = bt_remote_logs_set(r->logs);
    char sync[32];
    uint32_t begun;
    bool in_use, is_whole;

    if (set->count < 2 || set->logs[set->count - 2].missing)
        return 0;
    if (bt_rj_log_head(set, set->count - 2, &begun, &in_use, err) != 0 ||
        bt_rj_log_holds_end(set, set->count - 2, set->logs[set->count - 2].size, &is_whole, err) !=
            0 ||
        bt_connection_value(bt_rj_host(r)->sql, "SELECT @@GLOBAL.sync_binlog",
                            bt_deadline_in(BT_RJ_STEP_MS), sizeof(sync), sync, err) < 0)
        return -1;
    if (in_use && strcmp(sync, "1") != 0)
        bt_rj_note(r,
                   "It was not shut down and has sync_binlog=%s: whether its tables hold what its "
                   "log has lost is not known (%s).",
                   sync, e->why_not);
    else if (!is_whole)
        bt_rj_note(r, "%s ends torn: whether its tables hold what it has lost is not known (%s).",
                   set->logs[set->count - 2].name, e->why_not);
    return 0;
}

int bt_rj_engine(struct bt_rejoin *r, struct bt_err *err)
{
    struct bt_gtid_state own = {0}, applied = {0};
    struct engine e = {0};
    int rc;

    if (bt_rj_host(r)->facts.flavor != BT_FLAVOR_MARIADB || r->follows_already)
        return 0;
    if (told_ask(r, &e, err) != 0 ||
        (e.is_told ? compare(r, &e, err) : unknown_say(r, &e, err)) != 0)
        return -1;
    if (e.is_like_log)
        return 0;
    if (e.is_ahead && r->extra.count)
        return refuse_ahead(r, &e, err);
    rc = state_ask(r, "gtid_binlog_state", &own, err);
    if (rc == 0)
        rc = state_ask(r, "gtid_slave_pos", &applied, err);
    if (rc == 0 && has_more(r, &own, &applied))
        rc = more_look(r, &e, &own, err);
    else if (rc == 0 && e.is_ahead)
        rc = refuse_ahead(r, &e, err);
    bt_gtid_state_done(&own);
    bt_gtid_state_done(&applied);
    return rc;
}
