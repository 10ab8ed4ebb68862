/* SPDX-License-Identifier: Apache-2.0 */
/* `baton rank`: which of several replicas has received most. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/auto.h"
#include "base/log.h"
#include "base/number.h"
#include "cli/cluster_config.h"
#include "cli/command.h"
#include "cli/contents.h"
#include "cli/log_keys.h"
#include "cli/output.h"
#include "cli/rank_dirs.h"
#include "diff/had.h"

enum { EXIT_PARTIAL = 10 };

static struct {
    bool json, whole;
    const char *connection, *conf, *global_conf;
} opt;

static const struct bt_opt opts[] = {
    {"conf", 'c', BT_OPT_STRING, "FILE", "look at the running servers of this configuration", NULL,
     &opt.conf},
    {"global-conf", 0, BT_OPT_STRING, "FILE",
     "defaults of all clusters (/etc/masterha_default.cnf)", NULL, &opt.global_conf},
    {"json", 0, BT_OPT_FLAG, NULL, "write one JSON document", NULL, &opt.json},
    {"connection", 0, BT_OPT_STRING, "NAME", "look at the relay logs of this named connection",
     NULL, &opt.connection},
    {"whole", 0, BT_OPT_FLAG, NULL,
     "read the newest logs whole, however large: every domain's GTID, damage anywhere in them",
     NULL, &opt.whole},
    BT_LOG_KEYS_OPTS,
    {0},
};

static void ranking_done(struct bt_ranking *r)
{
    for (size_t i = 0; i < r->count; i++) {
        if (r->servers[i].has_errant)
            bt_missing_done(&r->servers[i].errant);
        for (size_t k = 0; k < r->servers[i].connection_count; k++)
            bt_survey_done(&r->servers[i].connections[k]);
        free(r->servers[i].connections);
        free(r->servers[i].connection_sets);
        bt_server_logs_close(&r->servers[i].logs);
    }
    free(r->servers);
    free(r->items);
    free(r->item_server);
    free(r->order);
    bt_live_close(r->live);
    bt_arena_done(&r->arena);
}
#define auto_ranking BT_AUTO(ranking_done)

static int make_room(struct bt_ranking *r, size_t room, struct bt_err *err)
{
    r->servers = calloc(room, sizeof(*r->servers));
    r->items = calloc(room, sizeof(*r->items));
    r->item_server = calloc(room, sizeof(*r->item_server));
    r->order = calloc(room, sizeof(*r->order));
    if (!r->servers || !r->items || !r->item_server || !r->order)
        return bt_fail(err, BT_ERR_SYSTEM, "no memory to rank %zu servers", room);
    return 0;
}

/* ------------------------------------------------------------------- collect */

static void add_item(struct bt_ranking *r, size_t index)
{
    const struct bt_survey *survey = &r->servers[index].logs.survey;
    struct bt_rank_item *item = &r->items[r->item_count];

    item->received = survey->received;
    item->position = survey->position;
    if (survey->has_gtid && survey->flavor == BT_FLAVOR_MARIADB)
        item->gtid = &survey->gtid;
    if (survey->has_gtid && survey->flavor == BT_FLAVOR_MYSQL)
        item->gtid_set = &survey->gtid_set;
    r->item_server[r->item_count++] = index;
    r->servers[index].is_ranked = true;
}

static int collect_cluster(struct bt_ranking *r, struct bt_err *err)
{
    if (bt_cluster_open(opt.conf, opt.global_conf, opt.connection, &r->arena, &r->config, &r->live,
                        err) != 0 ||
        make_room(r, r->live->count ? r->live->count : 1, err) != 0)
        return -1;
    r->primary = r->live->topology.primary;
    for (size_t i = 0; i < r->live->count; i++) {
        struct bt_ranked_server *s = &r->servers[i];

        s->live = &r->live->servers[i];
        bt_server_logs_take(s->live, &s->logs);
        r->count++;
        if (i != r->primary && s->logs.surveyed && bt_live_upstream(s->live))
            add_item(r, i);
    }
    return 0;
}

/* Puts them in order, again if need be. */
static void rank(struct bt_ranking *r)
{
    for (size_t i = 0; !r->live && i < r->count; i++) {
        if (i == 0)
            r->item_count = 0;
        add_item(r, i);
    }
    bt_rank_run(r->items, r->item_count, r->order);
}

/* ------------------------------------------------------------ errant ones */

/* Adds what a survey has.  Several servers of one domain keep an entry each. */
static int add_had(struct bt_had *had, const struct bt_survey *survey, struct bt_err *err)
{
    had->known = true;
    for (size_t i = 0; i < survey->gtid.count; i++) {
        const struct bt_gtid *gtid = &survey->gtid.items[i];

        if (!bt_had_has_of_server(had, gtid) && bt_gtid_state_update(&had->state, gtid, err) != 0)
            return -1;
    }
    return bt_gtid_set_unite(&had->set, &survey->gtid_set, err);
}

/* What the primary has; where it is not at hand, what the others have received.  Only logs say of
 * each server that ever wrote how far it came, gtid_slave_pos does not. */
static int others_have(const struct bt_ranking *r, size_t index, struct bt_had *ret,
                       struct bt_err *err)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct bt_server_logs *logs = &r->servers[i].logs;
        bool counts = r->live ? i == r->primary && !logs->from_words : i != index;

        if (counts && logs->surveyed && logs->survey.has_gtid &&
            add_had(ret, &logs->survey, err) != 0)
            return -1;
    }
    return 0;
}

static void keep_own(struct bt_missing *m, uint32_t server_id)
{
    size_t kept = 0;

    for (size_t i = 0; i < m->count; i++) {
        if (m->items[i].server_id == server_id)
            m->items[kept++] = m->items[i];
    }
    m->count = kept;
}

/* Looks through the binary logs of a replica for what it wrote itself. */
static int find_errant(const struct bt_ranking *r, size_t index, struct bt_ranked_server *s,
                       struct bt_err *err)
{
    const struct bt_survey *survey = &s->logs.survey;
    struct bt_had had = {0};
    struct bt_missing_want want = {0};
    int failed;

    if (s->has_errant)
        bt_missing_done(&s->errant);
    s->has_errant = false;
    s->errant_source = (struct bt_missing_source){.name = s->logs.dir,
                                                  .role = BT_SOURCE_BINLOG,
                                                  .set = s->logs.binlog,
                                                  .with_own = true};
    if (!s->logs.binlog || !s->logs.relay || !s->logs.surveyed || survey->server_id == 0)
        return 0;
    failed = others_have(r, index, &had, err);
    if (!failed && had.known) {
        want.gtid = survey->flavor == BT_FLAVOR_MARIADB ? &had.state : NULL;
        want.gtid_set = want.gtid ? NULL : &had.set;
        failed = bt_missing_find(&want, &s->errant_source, 1, &s->errant, err);
        s->has_errant = !failed;
        if (s->has_errant)
            keep_own(&s->errant, survey->server_id);
    }
    bt_had_done(&had);
    return failed ? -1 : 0;
}

/* What is odd about a replica is said; not to find it out is no reason not to rank. */
static bool find_errants(struct bt_ranking *r)
{
    bool found = false;

    for (size_t i = 0; i < r->item_count; i++) {
        struct bt_ranked_server *s = &r->servers[r->item_server[i]];
        struct bt_err err = {0};

        if (find_errant(r, r->item_server[i], s, &err) != 0)
            bt_warning("%s: transactions of its own were not looked for: %s", s->logs.dir,
                       err.text);
        found = found || (s->has_errant && s->errant.count);
    }
    return found;
}

/* Directories: near the end of large logs enough is known for the order of replicas of one primary.
 * What says that there is more to it, domains that not all know, histories that fork, transactions
 * that only one has, is looked at again with all that the logs hold. */
static int rank_dirs(struct bt_ranking *r, int argc, char **argv, struct bt_err *err)
{
    const struct bt_rank_dirs_opts how = {.connection = opt.connection, .whole = opt.whole};
    bool forks = false;

    if (make_room(r, (size_t)argc, err) != 0 ||
        bt_rank_dirs_collect(r, argc, argv, &how, err) != 0)
        return -1;
    rank(r);
    for (size_t i = 0; i < r->item_count; i++)
        forks = forks || r->items[i].fork_with != SIZE_MAX;
    if (!bt_rank_dirs_from_end(r)) {
        find_errants(r);
        return 0;
    }
    if (!forks && !bt_rank_dirs_disagree(r) && !find_errants(r))
        return 0;
    if (bt_rank_dirs_read_whole(r, &how, err) != 0)
        return -1;
    rank(r);
    find_errants(r);
    return 0;
}

/* -------------------------------------------------------------------- text */

enum { GTIDS_SHOWN = 66, ERROR_SHOWN = 56 };

static void say_place(const char *rank, const struct bt_ranked_server *s, struct bt_buf *out)
{
    char received[BT_COORDINATE_TEXT_SIZE], executed[BT_COORDINATE_TEXT_SIZE];

    bt_buf_addf(out, "%4s  %-20s  %-20s  %s", rank,
                bt_coordinate_text(&s->logs.survey.received, received),
                bt_coordinate_text(&s->logs.survey.executed, executed), s->logs.dir);
}

/* A long set of GTIDs is shown by its end: there the servers differ. */
static void say_gtids(const struct bt_survey *survey, struct bt_buf *out)
{
    struct bt_slice text = bt_buf_slice(&survey->gtid_text);

    if (!survey->has_gtid)
        return;
    if (text.len > GTIDS_SHOWN)
        bt_buf_addf(out, "      gtid ...%.*s\n", GTIDS_SHOWN,
                    (const char *)text.ptr + text.len - GTIDS_SHOWN);
    else
        bt_buf_addf(out, "      gtid %.*s\n", BT_SLICE_ARG(text));
    if (survey->gtid_from_end)
        bt_buf_add_str(out,
                       "      (read near the end of the log; --whole looks for other domains)\n");
}

static void say_fork(const struct bt_ranking *r, const struct bt_rank_item *item,
                     struct bt_buf *out)
{
    char gtid[BT_GTID_TEXT_SIZE];

    if (item->fork_with == SIZE_MAX)
        return;
    bt_buf_addf(out, "      cannot be compared to %s:\n      each has something of its own",
                r->servers[r->item_server[item->fork_with]].logs.dir);
    if (item->gtid)
        bt_buf_addf(out, " (this one in domain %u)", item->fork_domain);
    if (item->fork_point.kind != BT_GTID_NONE)
        bt_buf_addf(out, ", both have %s", bt_gtid_text(&item->fork_point, gtid));
    bt_buf_add_byte(out, '\n');
}

static void say_live(const struct bt_ranking *r, const struct bt_ranked_server *s,
                     struct bt_buf *out)
{
    const struct bt_upstream *u = bt_live_upstream(s->live);
    const struct bt_coordinate *end = bt_ranking_primary_end(r);
    char size[BT_SIZE_TEXT_SIZE];

    if (u && u->lag_seconds > 0)
        bt_buf_addf(out, "      applies what the primary did %lld s ago\n",
                    (long long)u->lag_seconds);
    if (end && bt_bars_between(&r->bars, &s->logs.survey.received, end))
        bt_buf_addf(out, "      lags %s behind the primary\n",
                    bt_size_text(bt_bars_between(&r->bars, &s->logs.survey.received, end), size));
    if (u && u->io != BT_THREAD_YES)
        bt_buf_addf(out, "      receives nothing%s%.*s\n", u->io_error[0] ? ": " : "", ERROR_SHOWN,
                    u->io_error);
    if (u && u->sql == BT_THREAD_NO)
        bt_buf_addf(out, "      applies nothing%s%.*s\n", u->sql_error[0] ? ": " : "", ERROR_SHOWN,
                    u->sql_error);
    if (bt_live_error(s->live)[0])
        bt_buf_addf(out, "      %s: %s\n",
                    s->logs.from_words ? "by its own words, not its logs" : "not all is known",
                    bt_live_error(s->live));
}

static void say_replica(const struct bt_ranking *r, size_t index, struct bt_out *out)
{
    const struct bt_rank_item *item = &r->items[index];
    const struct bt_ranked_server *s = &r->servers[r->item_server[index]];
    const struct bt_survey *survey = &s->logs.survey;
    char rank[16], size[BT_SIZE_TEXT_SIZE], place[BT_COORDINATE_TEXT_SIZE];

    snprintf(rank, sizeof(rank), "%u", item->rank);
    say_place(rank, s, &out->buf);
    if (item->latest)
        bt_out_coloured(out, BT_COLOUR_GREEN, "  latest");
    bt_buf_add_byte(&out->buf, '\n');
    say_gtids(survey, &out->buf);
    for (size_t i = 0; i < s->connection_count; i++)
        bt_buf_addf(&out->buf, "      connection \"%s\" received %s\n",
                    s->connection_sets[i]->connection,
                    bt_coordinate_text(&s->connections[i].received, place));
    bt_bars_draw(&r->bars, &survey->executed, &survey->received, out);
    if (survey->cut.kind != BT_CUT_NONE)
        bt_buf_addf(&out->buf, "      %s left out from %s:%" PRIu64 ":\n      %s\n",
                    bt_size_text(survey->unfinished_bytes, size), survey->cut.log, survey->cut.at,
                    survey->cut.reason);
    say_fork(r, item, &out->buf);
    if (s->live)
        say_live(r, s, &out->buf);
    if (s->has_errant && s->errant.count) {
        bt_out_coloured(out, BT_COLOUR_RED, "      errant: ");
        bt_buf_addf(&out->buf, "%zu transaction%s written here that the %s never had\n",
                    s->errant.count, s->errant.count == 1 ? "" : "s",
                    r->live ? "primary" : "others");
        bt_contents_text(&s->errant, 8, &out->buf);
    }
}

static void write_table(const struct bt_ranking *r, struct bt_out *out)
{
    bt_out_coloured(out, BT_COLOUR_BOLD, "rank  received              executed              ");
    bt_out_coloured(out, BT_COLOUR_BOLD, r->live ? "server\n" : "replica\n");
    if (r->primary < r->count && r->servers[r->primary].logs.surveyed) {
        const struct bt_ranked_server *p = &r->servers[r->primary];

        say_place("-", p, &out->buf);
        bt_buf_add_str(&out->buf, "  primary\n");
        say_gtids(&p->logs.survey, &out->buf);
        bt_bars_draw(&r->bars, &p->logs.survey.received, &p->logs.survey.received, out);
    }
    for (size_t i = 0; i < r->item_count; i++)
        say_replica(r, r->order[i], out);
    bt_bars_legend(&r->bars, out);
}

/* ---------------------------------------------------------------- the command */

static void scale_bars(struct bt_ranking *r)
{
    const struct bt_coordinate *end = bt_ranking_primary_end(r);
    const struct bt_log_set *set =
        r->servers && r->primary < r->count ? r->servers[r->primary].logs.binlog : NULL;

    bt_bars_begin(&r->bars, set);
    if (end)
        bt_bars_add(&r->bars, end, end);
    for (size_t i = 0; i < r->item_count; i++) {
        const struct bt_survey *survey = &r->servers[r->item_server[i]].logs.survey;

        bt_bars_add(&r->bars, &survey->executed, &survey->received);
    }
}

static int run(int argc, char **argv, struct bt_err *err)
{
    auto_ranking struct bt_ranking r = {.primary = SIZE_MAX};
    struct bt_out out;
    size_t unreachable;

    bt_arena_init(&r.arena, BT_CONFIG_ARENA_MAX);
    if (argc == 0 && !opt.conf)
        return bt_fail(err, BT_ERR_USAGE,
                       "rank needs the log directory of at least one replica, or --conf");
    if (argc > 0 && opt.conf)
        return bt_fail(err, BT_ERR_USAGE, "\"%s\": rank takes directories or --conf, not both",
                       argv[0]);
    if ((opt.conf ? collect_cluster(&r, err) : rank_dirs(&r, argc, argv, err)) != 0)
        return -1;
    if (opt.conf) {
        rank(&r);
        find_errants(&r);
    }
    bt_log_keys_forget();
    scale_bars(&r);
    unreachable = r.live ? bt_cluster_say_unreachable(r.live) : 0;
    bt_out_init(&out, STDOUT_FILENO);
    if (opt.json)
        bt_ranking_json(&r, &out.buf);
    else
        write_table(&r, &out);
    if (bt_out_finish(&out, err) != 0)
        return -1;
    return unreachable ? EXIT_PARTIAL : 0;
}

const struct bt_command bt_cmd_rank = {
    .name = "rank",
    .group = "Logs",
    .summary = "tell which replica has received most",
    .usage = "[OPTIONS] REPLICA_DIR... | --conf FILE",
    .about =
        "Reads the relay logs of each directory, or with --conf of each running server, from\n"
        "their end backwards and orders the replicas by what they have received whole: by\n"
        "GTID where both sides know theirs, by the primary's coordinate otherwise.  Equal\n"
        "ones share a rank.  A transaction without its end does not count; its bytes are\n"
        "shown.  Transactions that a replica wrote itself (errant) are listed with what they\n"
        "do.  Of a large log what is near its end is read; where that does not settle the order,\n"
        "or with --whole, all of it.\n"
        "\n"
        "On running servers nothing is stopped or changed.  A server that cannot be reached\n"
        "is named, the others are ranked, and the exit code is 10.\n",
    .examples = "  $ baton rank /var/lib/mysql-r1 /var/lib/mysql-r2\n"
                "  $ baton rank --conf /etc/app1.cnf\n",
    .opts = opts,
    .run = run,
};
