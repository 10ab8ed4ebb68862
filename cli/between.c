/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/between.h"

#include <inttypes.h>
#include <unistd.h>

#include "base/number.h"
#include "cli/output.h"
#include "cli/server_logs.h"
#include "diff/missing.h"
#include "diff/rank.h"

/* One of the two, and what it lacks of the other. */
struct side {
    struct bt_server_logs logs;
    /* what it is looked at by: its relay logs, else its binary logs */
    const struct bt_log_set *set;
    struct bt_missing lacks;
    bool found;
};

struct pair {
    struct side sides[2];
};

static void pair_done(struct pair *p)
{
    for (int i = 0; i < 2; i++) {
        if (p->sides[i].found)
            bt_missing_done(&p->sides[i].lacks);
        if (p->sides[i].logs.home)
            bt_server_logs_close(&p->sides[i].logs);
    }
}

static int open_side(struct side *s, const char *dir, const char *connection, struct bt_err *err)
{
    if (bt_server_logs_open(dir, connection, &s->logs, err) != 0)
        return -1;
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
    struct bt_missing_source sources[2];
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
    /* The sources lived in this function: what is shown of the set does not need them. */
    s->lacks.sources = NULL;
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
    if (m->lost.len)
        bt_buf_addf(out, "  %.*s\n", BT_SLICE_ARG(bt_buf_slice(&m->lost)));
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
        bt_buf_add_str(out, "Their histories fork: each holds what the other has never seen.\n");
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
        bt_json_key_str(&json, "verdict", verdict_of(p));
        write_side(&p->sides[0], "a", &json);
        write_side(&p->sides[1], "b", &json);
        bt_json_end(&json);
        bt_buf_add_byte(&out.buf, '\n');
    } else {
        say_pair(p, &out.buf);
    }
    return bt_out_finish(&out, err);
}

int bt_between_run(const char *a, const char *b, const char *connection, bool json,
                   struct bt_err *err)
{
    struct pair p = {0};
    int failed = open_side(&p.sides[0], a, connection, err) != 0 ||
                 open_side(&p.sides[1], b, connection, err) != 0 ||
                 find_lacks(&p.sides[0], &p.sides[1], err) != 0 ||
                 find_lacks(&p.sides[1], &p.sides[0], err) != 0 || print_pair(&p, json, err) != 0;

    pair_done(&p);
    return failed ? -1 : 0;
}
