/* SPDX-License-Identifier: Apache-2.0 */
/* `baton rank`: which of several replicas has received most. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/auto.h"
#include "base/number.h"
#include "cli/command.h"
#include "cli/log_keys.h"
#include "cli/output.h"
#include "cli/server_logs.h"
#include "diff/rank.h"

static struct {
    bool json;
    const char *connection;
} opt;

static const struct bt_opt opts[] = {
    {"json", 0, BT_OPT_FLAG, NULL, "write one JSON document", NULL, &opt.json},
    {"connection", 0, BT_OPT_STRING, "NAME", "look at the relay logs of this named connection",
     NULL, &opt.connection},
    BT_LOG_KEYS_OPTS,
    {0},
};

/* The replicas in the order they were given, and their rank. */
struct ranking {
    struct bt_server_logs *logs;
    struct bt_rank_item *items;
    size_t *order;
    size_t count;
};

static void ranking_done(struct ranking *r)
{
    for (size_t i = 0; i < r->count; i++)
        bt_server_logs_close(&r->logs[i]);
    free(r->logs);
    free(r->items);
    free(r->order);
}

static int collect(struct ranking *r, int argc, char **argv, struct bt_err *err)
{
    size_t room = (size_t)argc;

    r->logs = calloc(room, sizeof(*r->logs));
    r->items = calloc(room, sizeof(*r->items));
    r->order = calloc(room, sizeof(*r->order));
    if (!r->logs || !r->items || !r->order)
        return bt_fail(err, BT_ERR_SYSTEM, "no memory to rank %d replicas", argc);
    for (int i = 0; i < argc; i++) {
        struct bt_server_logs *logs = &r->logs[i];

        if (bt_server_logs_open(argv[i], opt.connection, logs, err) != 0)
            return -1;
        r->count++;
        bt_server_logs_warn(logs);
        if (bt_server_logs_survey(logs, logs->relay ? logs->relay : logs->binlog, true, err) != 0)
            return -1;
        r->items[i].received = logs->survey.received;
        if (logs->survey.has_gtid && logs->survey.flavor == BT_FLAVOR_MARIADB)
            r->items[i].gtid = &logs->survey.gtid;
        if (logs->survey.has_gtid && logs->survey.flavor == BT_FLAVOR_MYSQL)
            r->items[i].gtid_set = &logs->survey.gtid_set;
    }
    return 0;
}

static void write_replica(const struct ranking *r, size_t index, struct bt_json *j)
{
    const struct bt_rank_item *item = &r->items[index];
    struct bt_survey *survey = &r->logs[index].survey;

    bt_json_object(j);
    bt_json_key_str(j, "dir", r->logs[index].dir);
    bt_json_coordinate(j, "received", &survey->received);
    bt_json_coordinate(j, "executed", &survey->executed);
    bt_json_key_str(j, "gtid_received", survey->has_gtid ? bt_buf_str(&survey->gtid_text) : NULL);
    bt_json_key_u64(j, "rank", item->rank);
    bt_json_key_bool(j, "latest", item->latest);
    bt_json_key_u64(j, "unfinished_bytes", survey->unfinished_bytes);
    bt_json_key_str(j, "cut", survey->cut.kind == BT_CUT_NONE ? NULL : survey->cut.reason);
    bt_json_key_str(j, "incomparable_to",
                    item->fork_with == SIZE_MAX ? NULL : r->logs[item->fork_with].dir);
    bt_json_end(j);
}

static void write_json(const struct ranking *r, struct bt_buf *out)
{
    struct bt_json j;

    bt_json_init(&j, out);
    bt_json_object(&j);
    bt_json_key(&j, "replicas");
    bt_json_array(&j);
    for (size_t i = 0; i < r->count; i++)
        write_replica(r, r->order[i], &j);
    bt_json_end(&j);
    bt_json_end(&j);
    bt_buf_add_byte(out, '\n');
}

/* ------------------------------------------------------------------- picture */

enum { BAR_WIDTH = 48 };

/* A stretch of the primary's logs that all servers' places lie in, as one line of bytes.  How long
 * the logs between two of them are is not known here: each counts as the furthest place seen. */
struct scale {
    uint64_t log_size;
    uint64_t low, high;
};

static uint64_t on_scale(const struct scale *s, const struct bt_coordinate *place)
{
    uint64_t number = 0;
    size_t base_len;

    if (!bt_log_name_split(place->file, &base_len, &number))
        return 0;
    return number * s->log_size + place->pos;
}

/* False when there is nothing to draw: a place is unknown, or nobody is behind. */
static bool make_scale(const struct ranking *r, struct scale *ret)
{
    struct scale s = {.low = UINT64_MAX};

    for (size_t i = 0; i < r->count; i++) {
        const struct bt_survey *survey = &r->logs[i].survey;

        size_t dot = 0, first_dot = 0;
        uint64_t number;

        /* Logs of one primary only: the names agree up to the number. */
        if (!bt_log_name_split(survey->received.file, &dot, &number) ||
            !bt_log_name_split(r->logs[0].survey.received.file, &first_dot, &number) ||
            dot != first_dot ||
            strncmp(survey->received.file, r->logs[0].survey.received.file, dot) != 0 ||
            strncmp(survey->executed.file, survey->received.file, dot) != 0)
            return false;
        if (survey->received.pos > s.log_size)
            s.log_size = survey->received.pos;
        if (survey->executed.pos > s.log_size)
            s.log_size = survey->executed.pos;
    }
    for (size_t i = 0; i < r->count; i++) {
        uint64_t received = on_scale(&s, &r->logs[i].survey.received);
        uint64_t executed = on_scale(&s, &r->logs[i].survey.executed);

        s.low = executed < s.low ? executed : s.low;
        s.low = received < s.low ? received : s.low;
        s.high = received > s.high ? received : s.high;
    }
    *ret = s;
    return s.high > s.low;
}

/* '#' applied, '=' received only, '.' missing; a little of each is never nothing. */
static void draw_bar(const struct scale *s, const struct bt_survey *survey, struct bt_buf *out)
{
    uint64_t span = s->high - s->low;
    uint64_t executed = on_scale(s, &survey->executed), received = on_scale(s, &survey->received);
    uint64_t applied = (executed - s->low) * BAR_WIDTH / span;
    uint64_t had = (received - s->low) * BAR_WIDTH / span;

    if (executed < s->high && applied == BAR_WIDTH)
        applied--;
    if (received > executed && had <= applied && had < BAR_WIDTH)
        had = applied + 1;
    bt_buf_add_str(out, "      [");
    for (uint64_t i = 0; i < BAR_WIDTH; i++)
        bt_buf_add_byte(out, i < applied ? '#' : i < had ? '='
                                                         : '.');
    bt_buf_add_str(out, "]\n");
}

static void write_table(const struct ranking *r, struct bt_out *out)
{
    struct scale scale = {0};
    bool draws = make_scale(r, &scale);

    bt_out_coloured(out, BT_COLOUR_BOLD, "rank  received");
    bt_buf_addf(&out->buf, "%*s%-26s%s\n", 16, "", "executed", "replica");
    for (size_t i = 0; i < r->count; i++) {
        const struct bt_rank_item *item = &r->items[r->order[i]];
        const struct bt_server_logs *logs = &r->logs[r->order[i]];
        char received[BT_COORDINATE_TEXT_SIZE], executed[BT_COORDINATE_TEXT_SIZE];
        char size[BT_SIZE_TEXT_SIZE];

        bt_buf_addf(&out->buf, "%4u  %-24s%-26s%s", item->rank,
                    bt_coordinate_text(&logs->survey.received, received),
                    bt_coordinate_text(&logs->survey.executed, executed), logs->dir);
        if (item->latest)
            bt_out_coloured(out, BT_COLOUR_GREEN, "  latest");
        bt_buf_add_byte(&out->buf, '\n');
        if (logs->survey.has_gtid)
            bt_buf_addf(&out->buf, "      gtid %.*s\n",
                        BT_SLICE_ARG(bt_buf_slice(&logs->survey.gtid_text)));
        if (logs->survey.cut.kind != BT_CUT_NONE)
            bt_buf_addf(&out->buf, "      %s left out from %s:%" PRIu64 ": %s\n",
                        bt_size_text(logs->survey.unfinished_bytes, size), logs->survey.cut.log,
                        logs->survey.cut.at, logs->survey.cut.reason);
        if (draws)
            draw_bar(&scale, &logs->survey, &out->buf);
        if (item->fork_with != SIZE_MAX)
            bt_buf_addf(&out->buf, "      cannot be compared to %s: each has something of its own"
                                   " (this one in domain %u)\n",
                        r->logs[item->fork_with].dir,
                        item->fork_domain);
    }
    if (draws)
        bt_buf_add_str(&out->buf, "      [# applied, = received, . missing against the best]\n");
}
#define auto_ranking BT_AUTO(ranking_done)

static int run(int argc, char **argv, struct bt_err *err)
{
    auto_ranking struct ranking r = {0};
    struct bt_out out;
    int failed;

    if (argc == 0)
        return bt_fail(err, BT_ERR_USAGE, "rank needs the log directory of at least one replica");
    failed = collect(&r, argc, argv, err);
    bt_log_keys_forget();
    if (failed)
        return -1;
    bt_rank_run(r.items, r.count, r.order);
    bt_out_init(&out, STDOUT_FILENO);
    if (opt.json)
        write_json(&r, &out.buf);
    else
        write_table(&r, &out);
    return bt_out_finish(&out, err) != 0 ? -1 : 0;
}

const struct bt_command bt_cmd_rank = {
    .name = "rank",
    .group = "Logs, offline",
    .summary = "tell which replica has received most",
    .usage = "[OPTIONS] REPLICA_DIR...",
    .about =
        "Reads the relay logs of each directory from their end backwards and orders the replicas "
        "by\n"
        "what they have received whole: by GTID where both sides know theirs, by the primary's\n"
        "coordinate otherwise.  Equal ones share a rank.  A transaction without its end does not\n"
        "count; its bytes are shown.\n",
    .examples = "  $ baton rank /var/lib/mysql-r1 /var/lib/mysql-r2\n",
    .opts = opts,
    .run = run,
};
