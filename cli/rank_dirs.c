/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/rank_dirs.h"

#include <stdlib.h>

#include "base/auto.h"
#include "failover/each.h"

static void forget_connections(struct bt_ranked_server *s)
{
    for (size_t i = 0; i < s->connection_count; i++)
        bt_survey_done(&s->connections[i]);
    free(s->connections);
    free(s->connection_sets);
    s->connections = NULL;
    s->connection_sets = NULL;
    s->connection_count = 0;
}

/* One of several connections of a directory. */
static int add_connection(struct bt_ranked_server *s, const struct bt_log_set *set,
                          struct bt_err *err)
{
    const struct bt_survey_hints hints = {.gtid_bytes_max = s->logs.gtid_bytes_max};
    struct bt_survey *of = &s->connections[s->connection_count], *all = &s->logs.survey;
    int failed = 0;

    if (bt_survey_run(set, set->info, &hints, of, err) != 0)
        return -1;
    s->connection_sets[s->connection_count++] = set;
    for (size_t i = 0; !failed && i < of->gtid.count; i++) {
        if (!bt_gtid_state_has(&all->gtid, &of->gtid.items[i]))
            failed = bt_gtid_state_update(&all->gtid, &of->gtid.items[i], err);
    }
    if (!failed)
        failed = bt_gtid_set_unite(&all->gtid_set, &of->gtid_set, err);
    all->has_gtid = all->has_gtid && of->has_gtid;
    all->gtid_from_end = all->gtid_from_end || of->gtid_from_end;
    return failed;
}

/* A replica of several primaries has what it received of all of them: by GTID, since each
 * connection counts in coordinates of its own.  Its place is that of the default connection. */
static int add_connections(struct bt_ranked_server *s, struct bt_err *err)
{
    const struct bt_log_home *home = s->logs.home;
    struct bt_survey *all = &s->logs.survey;
    size_t count = 0;

    for (size_t i = 0; i < home->set_count; i++)
        count += home->sets[i].kind == BT_LOG_KIND_RELAY;
    if (!s->logs.relay || count < 2)
        return 0;
    s->connections = calloc(count, sizeof(*s->connections));
    s->connection_sets = calloc(count, sizeof(*s->connection_sets));
    if (!s->connections || !s->connection_sets)
        return bt_fail(err, BT_ERR_SYSTEM, "no memory for %zu connections", count);
    for (size_t i = 0; i < home->set_count; i++) {
        if (home->sets[i].kind == BT_LOG_KIND_RELAY &&
            add_connection(s, &home->sets[i], err) != 0)
            return -1;
    }
    bt_buf_reset(&all->gtid_text);
    if (all->has_gtid && all->flavor == BT_FLAVOR_MYSQL)
        bt_gtid_set_text(&all->gtid_set, &all->gtid_text);
    else if (all->has_gtid)
        bt_gtid_state_text(&all->gtid, &all->gtid_text);
    return bt_buf_check(&all->gtid_text, "the GTID state", err);
}

/* ------------------------------------------------------------- side by side */

struct work {
    struct bt_ranking *r;
    const struct bt_rank_dirs_opts *opts;
    bool again; /* only what was read near its end */
    struct bt_err *errs;
};

static void survey_one(size_t i, void *ctx)
{
    struct work *w = ctx;
    struct bt_ranked_server *s = &w->r->servers[i];
    struct bt_server_logs *logs = &s->logs;

    if (w->again && !logs->survey.gtid_from_end)
        return;
    forget_connections(s);
    logs->gtid_bytes_max = w->again || w->opts->whole ? 0 : BT_GTID_BYTES_MAX;
    if (bt_server_logs_survey(logs, logs->relay ? logs->relay : logs->binlog, true,
                              &w->errs[i]) == 0 &&
        !w->opts->connection)
        (void)!add_connections(s, &w->errs[i]);
}

static int survey_all(struct work *w, struct bt_err *err)
{
    bt_auto_free struct bt_err *errs = calloc(w->r->count + 1, sizeof(*errs));

    if (!errs)
        return bt_fail(err, BT_ERR_SYSTEM, "no memory to survey %zu directories", w->r->count);
    w->errs = errs;
    bt_each(w->r->count, survey_one, w);
    for (size_t i = 0; i < w->r->count; i++) {
        if (errs[i].kind != BT_ERR_NONE) {
            *err = errs[i];
            return -1;
        }
    }
    return 0;
}

int bt_rank_dirs_collect(struct bt_ranking *r, int count, char **paths,
                         const struct bt_rank_dirs_opts *opts, struct bt_err *err)
{
    struct work w = {.r = r, .opts = opts};

    for (int i = 0; i < count; i++) {
        struct bt_server_logs *logs = &r->servers[i].logs;

        if (bt_server_logs_open(paths[i], opts->connection, logs, err) != 0)
            return -1;
        r->count++;
        bt_server_logs_warn(logs);
    }
    return survey_all(&w, err);
}

int bt_rank_dirs_read_whole(struct bt_ranking *r, const struct bt_rank_dirs_opts *opts,
                            struct bt_err *err)
{
    struct work w = {.r = r, .opts = opts, .again = true};

    return survey_all(&w, err);
}

bool bt_rank_dirs_from_end(const struct bt_ranking *r)
{
    for (size_t i = 0; i < r->count; i++) {
        if (r->servers[i].logs.survey.gtid_from_end)
            return true;
    }
    return false;
}

/* Whether a knows a domain that b does not. */
static bool knows_more(const struct bt_survey *a, const struct bt_survey *b)
{
    for (size_t i = 0; i < a->gtid.count; i++) {
        if (!bt_gtid_state_last(&b->gtid, a->gtid.items[i].domain))
            return true;
    }
    return false;
}

bool bt_rank_dirs_disagree(const struct bt_ranking *r)
{
    for (size_t i = 0; i < r->count; i++) {
        for (size_t k = 0; k < r->count; k++) {
            if (r->servers[i].logs.survey.gtid_from_end &&
                knows_more(&r->servers[k].logs.survey, &r->servers[i].logs.survey))
                return true;
        }
    }
    return false;
}
