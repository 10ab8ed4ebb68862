/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/between.h"

#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/number.h"
#include "cli/cluster_config.h"
#include "cli/contents.h"
#include "cli/output.h"
#include "cli/server_logs.h"
#include "diff/missing.h"
#include "diff/rank.h"

enum { EXIT_PARTIAL = 10 };

/* One of the two, and what it lacks of the other. */
struct side {
    struct bt_server_logs logs;
    /* what it is looked at by: its relay logs, else its binary logs */
    const struct bt_log_set *set;
    struct bt_missing_source sources[2]; /* the other's logs */
    struct bt_missing lacks;
    bool found;
};

struct pair {
    struct side sides[2];
    struct bt_arena arena; /* of the configuration */
    struct bt_config config;
    struct bt_live *live; /* NULL = directories only */
};

static void pair_done(struct pair *p)
{
    for (int i = 0; i < 2; i++) {
        if (p->sides[i].found)
            bt_missing_done(&p->sides[i].lacks);
        bt_server_logs_close(&p->sides[i].logs);
    }
    bt_live_close(p->live);
    bt_arena_done(&p->arena);
}

/* name: a directory, or where there is a configuration and no such directory, a server of it. */
static int open_side(struct pair *p, struct side *s, const char *name, const char *connection,
                     struct bt_err *err)
{
    struct stat st;
    size_t index;

    if (p->live && (stat(name, &st) != 0 || !S_ISDIR(st.st_mode))) {
        if (bt_config_find(&p->config, name, &index, err) != 0)
            return -1;
        bt_server_logs_take(&p->live->servers[index], &s->logs);
        if (s->logs.from_words || (!s->logs.relay && !s->logs.binlog))
            return bt_fail(err, BT_ERR_REMOTE, "the logs of %s cannot be read: %s", s->logs.dir,
                           bt_live_error(s->logs.live));
    } else if (bt_server_logs_open(name, connection, &s->logs, err) != 0) {
        return -1;
    }
    bt_server_logs_warn(&s->logs);
    s->set = s->logs.relay ? s->logs.relay : s->logs.binlog;
    return bt_server_logs_survey(&s->logs, s->set, true, err);
}

/* Whether a place in the logs of one can be compared with one of the other: both are counted in the
 * same primary's logs. */
static bool same_names(const struct bt_coordinate *a, const struct bt_coordinate *b)
{
    size_t a_len, b_len;
    uint64_t number;

    return bt_log_name_split(a->file, &a_len, &number) &&
           bt_log_name_split(b->file, &b_len, &number) && a_len == b_len &&
           memcmp(a->file, b->file, a_len) == 0;
}

static int find_lacks(struct side *s, const struct side *other, struct bt_err *err)
{
    const struct bt_survey *mine = &s->logs.survey, *theirs = &other->logs.survey;
    struct bt_missing_want want = {0};
    struct bt_missing_source *sources = s->sources;
    size_t count = 0;
    bool by_place = same_names(&mine->received, &theirs->received);

    if (mine->has_gtid && theirs->has_gtid) {
        want.gtid = mine->flavor == BT_FLAVOR_MARIADB ? &mine->gtid : NULL;
        want.gtid_set = mine->flavor == BT_FLAVOR_MYSQL ? &mine->gtid_set : NULL;
    } else if (by_place) {
        want.after = mine->received;
        want.is_prefix = true;
    } else {
        return bt_fail(
            err, BT_ERR_REALITY,
            "\"%s\" and \"%s\" cannot be compared: they share neither GTIDs nor the names"
            " of a primary's logs",
            s->logs.dir, other->logs.dir);
    }
    if (other->logs.relay)
        sources[count++] = (struct bt_missing_source){
            .name = other->logs.dir, .role = BT_SOURCE_RELAY, .set = other->logs.relay};
    if (other->logs.binlog && (want.gtid || want.gtid_set || !other->logs.relay))
        sources[count++] = (struct bt_missing_source){
            .name = other->logs.dir,
            .role = other->logs.relay ? BT_SOURCE_BINLOG : BT_SOURCE_PRIMARY,
            .set = other->logs.binlog,
            .cost = 1,
            .with_own = true};
    if (bt_missing_find(&want, sources, count, &s->lacks, err) != 0)
        return -1;
    s->found = true;
    return 0;
}

static const char *verdict_of(const struct pair *p)
{
    bool a = p->sides[0].lacks.count || p->sides[0].lacks.lost.len;
    bool b = p->sides[1].lacks.count || p->sides[1].lacks.lost.len;

    return a && b ? "forked" : a ? "b_ahead"
                           : b   ? "a_ahead"
                                 : "equal";
}

/* The last transaction that both have, where their histories fork. */
static struct bt_gtid fork_point(const struct pair *p)
{
    const struct bt_survey *a = &p->sides[0].logs.survey, *b = &p->sides[1].logs.survey;
    const struct bt_missing *lacks = &p->sides[0].lacks;

    if (!lacks->count || !p->sides[1].lacks.count || !a->has_gtid || !b->has_gtid)
        return (struct bt_gtid){0};
    return bt_gtid_state_fork(&a->gtid, &b->gtid, lacks->items[0].gtid.domain);
}

/* -------------------------------------------------------------------- output */

static void write_side(const struct side *s, const char *key, struct bt_json *j)
{
    const struct bt_missing *m = &s->lacks;
    struct bt_buf *gtids = (struct bt_buf *)(uintptr_t)&s->logs.survey.gtid_text;
    char gtid[BT_GTID_TEXT_SIZE];

    bt_json_key(j, key);
    bt_json_object(j);
    bt_json_key_str(j, "dir", s->logs.dir);
    bt_json_coordinate(j, "received", &s->logs.survey.received);
    bt_json_key_str(j, "gtid_received", s->logs.survey.has_gtid ? bt_buf_str(gtids) : NULL);
    bt_json_key_u64(j, "lacks", m->count);
    bt_json_key_u64(j, "lacks_bytes", m->bytes);
    bt_contents_json(m, "transactions", j);
    bt_json_key_str(j, "first",
                    m->count ? bt_gtid_text(&m->items[0].gtid, gtid) : NULL);
    bt_json_key_str(j, "last",
                    m->count ? bt_gtid_text(&m->items[m->count - 1].gtid, gtid) : NULL);
    if (m->lost.len)
        bt_json_key_text(j, "lost", bt_buf_slice(&m->lost));
    else
        bt_json_key_str(j, "lost", NULL);
    bt_json_end(j);
}

static void say_side(const struct side *s, const struct side *other, struct bt_buf *out)
{
    const struct bt_missing *m = &s->lacks;
    char first[BT_GTID_TEXT_SIZE], last[BT_GTID_TEXT_SIZE], size[BT_SIZE_TEXT_SIZE];

    if (m->count == 0)
        bt_buf_addf(out, "%s lacks nothing that %s holds.\n", s->logs.dir, other->logs.dir);
    else if (m->count == 1)
        bt_buf_addf(out, "%s lacks 1 transaction (%s) that %s holds: %s.\n", s->logs.dir,
                    bt_size_text(m->bytes, size), other->logs.dir,
                    bt_gtid_text(&m->items[0].gtid, first));
    else
        bt_buf_addf(out, "%s lacks %zu transactions (%s) that %s holds, %s to %s.\n", s->logs.dir,
                    m->count, bt_size_text(m->bytes, size), other->logs.dir,
                    bt_gtid_text(&m->items[0].gtid, first),
                    bt_gtid_text(&m->items[m->count - 1].gtid, last));
    bt_contents_text(m, 4, out);
    if (m->lost.len)
        bt_buf_addf(out, "  %.*s\n", BT_SLICE_ARG(bt_buf_slice(&m->lost)));
}

static void say_fork(const struct pair *p, struct bt_buf *out)
{
    struct bt_gtid point = fork_point(p);
    char gtid[BT_GTID_TEXT_SIZE];

    bt_buf_add_str(out, "Their histories fork: each holds what the other has never seen.\n");
    if (point.kind != BT_GTID_NONE)
        bt_buf_addf(out, "The last that both have of domain %u is %s.\n", point.domain,
                    bt_gtid_text(&point, gtid));
}

static void say_pair(const struct pair *p, struct bt_buf *out)
{
    const struct side *a = &p->sides[0], *b = &p->sides[1];
    const char *verdict = verdict_of(p);
    char place[BT_COORDINATE_TEXT_SIZE];

    for (int i = 0; i < 2; i++) {
        const struct bt_survey *s = &p->sides[i].logs.survey;

        bt_buf_addf(out, "%s has received all up to %s", p->sides[i].logs.dir,
                    bt_coordinate_text(&s->received, place));
        if (s->has_gtid)
            bt_buf_addf(out, ", GTIDs %.*s", BT_SLICE_ARG(bt_buf_slice(&s->gtid_text)));
        bt_buf_add_str(out, ".\n");
    }
    say_side(a, b, out);
    say_side(b, a, out);
    if (strcmp(verdict, "equal") == 0)
        bt_buf_add_str(out, "They hold the same.\n");
    else if (strcmp(verdict, "forked") == 0)
        say_fork(p, out);
    else
        bt_buf_addf(out, "%s is ahead.\n",
                    strcmp(verdict, "a_ahead") == 0 ? a->logs.dir : b->logs.dir);
}

static int print_pair(const struct pair *p, bool as_json, struct bt_err *err)
{
    struct bt_json json;
    struct bt_out out;

    bt_out_init(&out, STDOUT_FILENO);
    if (as_json) {
        bt_json_init(&json, &out.buf);
        bt_json_object(&json);
        struct bt_gtid point = fork_point(p);
        char gtid[BT_GTID_TEXT_SIZE];

        bt_json_key_str(&json, "verdict", verdict_of(p));
        bt_json_key_str(&json, "fork_point",
                        point.kind == BT_GTID_NONE ? NULL : bt_gtid_text(&point, gtid));
        write_side(&p->sides[0], "a", &json);
        write_side(&p->sides[1], "b", &json);
        bt_json_end(&json);
        bt_buf_add_byte(&out.buf, '\n');
    } else {
        say_pair(p, &out.buf);
    }
    return bt_out_finish(&out, err);
}

int bt_between_run(const struct bt_between_opts *opts, struct bt_err *err)
{
    struct pair p = {0};
    size_t unreachable;
    int failed;

    bt_arena_init(&p.arena, BT_CONFIG_ARENA_MAX);
    failed = (opts->conf && bt_cluster_open(opts->conf, opts->global_conf, opts->connection,
                                            &p.arena, &p.config, &p.live, err) != 0) ||
             open_side(&p, &p.sides[0], opts->a, opts->connection, err) != 0 ||
             open_side(&p, &p.sides[1], opts->b, opts->connection, err) != 0 ||
             find_lacks(&p.sides[0], &p.sides[1], err) != 0 ||
             find_lacks(&p.sides[1], &p.sides[0], err) != 0 ||
             print_pair(&p, opts->json, err) != 0;
    /* Only what was asked about counts: another server may be away. */
    unreachable = 0;
    for (int i = 0; i < 2 && !failed; i++) {
        const struct bt_live_server *live = p.sides[i].logs.live;

        if (live && bt_live_error(live)[0]) {
            bt_warning("%s: %s", live->conf->name, bt_live_error(live));
            unreachable++;
        }
    }
    pair_done(&p);
    return failed ? -1 : unreachable ? EXIT_PARTIAL
                                     : 0;
}
