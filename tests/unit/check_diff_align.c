/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logs without GTIDs, joined by what is in them.  A history is written as text: a letter is a
 * transaction that inserts it, '|' lets a second pass, '\'' is one that the log's server wrote
 * itself.
 */
#include <stdio.h>
#include <stdlib.h>

#include "diff/diff_log.h"
#include "tests/lib/log_builder.h"
#include "tests/unit/suite.h"

enum { PRIMARY = 1, TARGET = 2, OTHER = 3, SERVERS_MAX = 4 };

struct server {
    struct bt_log_builder log;
    struct bt_built_home files;
    struct bt_log_home *home;
    struct bt_missing_source source;
};

static void build_history(struct bt_log_builder *b, const char *history)
{
    for (const char *c = history; *c; c++) {
        char sql[32];

        if (*c == '|') {
            b->when++;
            continue;
        }
        b->server_id = *c == '\'' ? b->own_id : PRIMARY;
        snprintf(sql, sizeof(sql), "INSERT <%c>", *c);
        bt_build_query(b, "d", "BEGIN");
        bt_build_query(b, "d", sql);
        bt_build_xid(b, (uint64_t)b->bytes.len);
    }
}

/* Servers that write no GTIDs. */
static void of_old(void)
{
    bt_build_version = "5.5.68-MariaDB-log";
}

static void close_up(struct server *s, const char *name, enum bt_source_role role,
                     enum bt_log_kind kind)
{
    bt_built_add(&s->files, name, bt_buf_slice(&s->log.bytes));
    s->home = bt_built_open(&s->files);
    s->source = (struct bt_missing_source){
        .name = name, .role = role, .set = bt_log_home_find(s->home, kind, NULL)};
    ck_assert_ptr_nonnull(s->source.set);
}

/* Binary logs of one file; filler makes the offsets others than in a log without. */
static struct server *binlog(struct server *s, uint32_t id, const char *file, size_t filler,
                             const char *history, enum bt_source_role role)
{
    static const uint8_t space[256];

    of_old();
    *s = (struct server){0};
    bt_build_binlog(&s->log, id);
    bt_build_event(&s->log, BT_BINLOG_CHECKPOINT, id, 0, UINT64_MAX, space, 4 + 16 * filler);
    build_history(&s->log, history);
    close_up(s, file, role, BT_LOG_KIND_BINLOG);
    return s;
}

/* Relay logs of a replica whose primary's log is `file` and begins the history at `pos`. */
static struct server *relay(struct server *s, uint32_t id, const char *file, uint64_t pos,
                            const char *history)
{
    of_old();
    *s = (struct server){0};
    bt_build_relay(&s->log, id);
    bt_build_primary(&s->log, PRIMARY, file, pos, true);
    s->log.primary_pos = pos;
    build_history(&s->log, history);
    close_up(s, "relay-bin.000001", BT_SOURCE_RELAY, BT_LOG_KIND_RELAY);
    return s;
}

static void server_done(struct server *s)
{
    bt_log_home_close(s->home);
    bt_build_done(&s->log);
}

/* Where the history begins in a binary log with as much filler. */
static uint64_t begin_of(size_t filler)
{
    struct server s;
    uint64_t pos;

    binlog(&s, PRIMARY, "bin.000001", filler, "", BT_SOURCE_PRIMARY);
    pos = s.log.bytes.len;
    server_done(&s);
    return pos;
}

static struct bt_missing find(struct server *target, struct server *const *sources, size_t count)
{
    struct bt_missing_source list[SERVERS_MAX];
    struct bt_missing_want want = {.is_prefix = true, .target = target->source.set};
    struct bt_survey survey;
    struct bt_missing m;
    struct bt_err err = {0};

    ck_assert_int_eq(bt_survey_run(target->source.set, NULL, NULL, &survey, &err), 0);
    want.after = survey.received;
    for (size_t i = 0; i < count; i++)
        list[i] = sources[i]->source;
    ck_assert_msg(bt_missing_find(&want, list, count, &m, &err) == 0, "%s", err.text);
    bt_survey_done(&survey);
    return m;
}

static int collect(void *ctx, struct bt_slice bytes, struct bt_err *err)
{
    bt_buf_add_slice(ctx, bytes);
    return bt_buf_check(ctx, "a diff log", err);
}

/* What a missing set inserts, in order.  The sources have to be at hand still. */
static const char *letters(struct bt_missing *m, struct server *const *sources, size_t count)
{
    static char text[64];
    struct bt_missing_source list[SERVERS_MAX];
    struct bt_diff_log_opts opts = {0};
    struct bt_manifest manifest;
    struct bt_err err = {0};
    struct bt_buf log;
    size_t len = 0;

    for (size_t i = 0; i < count; i++)
        list[i] = sources[i]->source;
    m->sources = list;
    bt_buf_init(&log, 1 << 20);
    ck_assert_msg(bt_diff_log_write(m, &opts, (struct bt_sink){collect, &log}, &manifest, &err) ==
                      0,
                  "%s", err.text);
    for (size_t i = 0; i + 10 < log.len && len + 1 < sizeof(text); i++) {
        if (memcmp(log.data + i, "INSERT <", 8) == 0)
            text[len++] = (char)log.data[i + 8];
    }
    text[len] = '\0';
    bt_buf_done(&log);
    bt_manifest_done(&manifest);
    return text;
}

/* What the target lacks of one other server's binary logs. */
struct join {
    const char *target, *other, *missing;
    const char *lost; /* a part of what is said to be lost; NULL = nothing */
    enum bt_source_role role;
    const char *file;
};

static const struct join joins[] = {
    {"a|b|c", "a|b|c|d|e", "de", NULL, BT_SOURCE_PRIMARY, "other.000001"},
    /* The same names, and other transactions at the offsets that the target claims. */
    {"a|b|c", "a|b|c|d|e", "de", NULL, BT_SOURCE_PRIMARY, "bin.000001"},
    {"a|b|c", "xyza|b|c|d", "d", NULL, BT_SOURCE_PRIMARY, "bin.000001"},
    {"a|b|c", "a|b|c|d|e", "de", NULL, BT_SOURCE_BINLOG, "bin.000001"},
    /* What that server wrote itself was never the primary's. */
    {"a|b|c", "a|b|'c|d|'e", "de", NULL, BT_SOURCE_BINLOG, "bin.000001"},
    {"a|b|c", "a|b|c|'d", "'d", NULL, BT_SOURCE_PRIMARY, "bin.000001"},
    /* One content several times in one second: the longest run tells, if it can. */
    {"a|bb", "a|bbb|c", "bc", NULL, BT_SOURCE_PRIMARY, "bin.000001"},
    {"a|bbb", "a|bbb|c", "c", NULL, BT_SOURCE_PRIMARY, "bin.000001"},
    {"b", "abb|c", "", "more than once", BT_SOURCE_PRIMARY, "bin.000001"},
    {"abab", "ab|c", "", "all of one second", BT_SOURCE_PRIMARY, "other.000001"},
    /* Its older logs are purged, but the rest spans seconds. */
    {"a|b|c|d", "||c|d|e", "e", NULL, BT_SOURCE_PRIMARY, "other.000001"},
    /* The target is ahead of it. */
    {"a|b|c|d", "a|b", "", NULL, BT_SOURCE_PRIMARY, "other.000001"},
    {"a|b|c|d", "a|b|c|d", "", NULL, BT_SOURCE_PRIMARY, "other.000001"},
    /* Another history. */
    {"a|b|c", "x|y|z", "", "cannot be joined", BT_SOURCE_PRIMARY, "other.000001"},
    {"a|b|c", "a|x|y", "", "cannot be joined", BT_SOURCE_PRIMARY, "bin.000001"},
};

START_TEST(a_log_of_other_positions_is_joined_by_its_content_or_not_at_all)
{
    const struct join *j = &joins[_i];
    struct server target, other;
    struct server *sources[] = {&other};
    struct bt_missing m;

    relay(&target, TARGET, "bin.000001", begin_of(0), j->target);
    binlog(&other, OTHER, j->file, 3, j->other, j->role);
    m = find(&target, sources, 1);
    ck_assert_str_eq(letters(&m, sources, 1), j->missing);
    if (j->lost)
        ck_assert_msg(strstr(bt_buf_str(&m.lost), j->lost) != NULL, "%s", bt_buf_str(&m.lost));
    else
        ck_assert_str_eq(bt_buf_str(&m.lost), "");
    ck_assert_uint_eq(m.cut_count, j->lost ? 1 : 0);
    bt_missing_done(&m);
    server_done(&target);
    server_done(&other);
}
END_TEST

/* What the target lacks of the primary's logs, which count as it does, and of others. */
struct merge {
    const char *target, *primary, *other, *missing;
};

static const struct merge merges[] = {
    {"a|b", "a|b|c|d", "a|b|c|d", "cd"},
    {"a|b", "a|b|c|d", "a|b|c|dd|e", "cdde"},
    {"a|b", "a|b|cc|d", "a|b|cc|d|e", "ccde"},
    {"a|b", "a|b|cc|d|e", "a|b|cc", "ccde"},
    {"a|b", "a|b", "a|b|c", "c"},
};

START_TEST(sources_of_different_positions_give_each_transaction_once)
{
    const struct merge *want = &merges[_i / 2];
    struct server target, primary, other;
    struct server *sources[2] = {&primary, &other};
    struct bt_missing m;

    if (_i % 2) {
        sources[0] = &other;
        sources[1] = &primary;
    }
    relay(&target, TARGET, "bin.000001", begin_of(0), want->target);
    binlog(&primary, PRIMARY, "bin.000001", 0, want->primary, BT_SOURCE_PRIMARY);
    binlog(&other, OTHER, "bin.000001", 5, want->other, BT_SOURCE_BINLOG);
    m = find(&target, sources, 2);
    ck_assert_uint_eq(m.aligned, _i % 2 ? 1 : 2);
    ck_assert_str_eq(letters(&m, sources, 2), want->missing);
    ck_assert_str_eq(bt_buf_str(&m.lost), "");
    bt_missing_done(&m);
    server_done(&target);
    server_done(&primary);
    server_done(&other);
}
END_TEST

START_TEST(relay_logs_of_another_primary_are_joined_by_content)
{
    struct server target, other;
    struct server *sources[] = {&other};
    struct bt_missing m;

    relay(&target, TARGET, "bin.000001", 400, "a|b|c");
    relay(&other, OTHER, "elsewhere.000009", 900, "a|b|c|d|e");
    m = find(&target, sources, 1);
    ck_assert_uint_eq(m.aligned, 1);
    ck_assert_str_eq(letters(&m, sources, 1), "de");
    bt_missing_done(&m);
    server_done(&other);
    /* Of the same primary they are believed. */
    relay(&other, OTHER, "bin.000001", 400, "a|b|c|d|e");
    m = find(&target, sources, 1);
    ck_assert_uint_eq(m.aligned, 0);
    ck_assert_str_eq(letters(&m, sources, 1), "de");
    bt_missing_done(&m);
    server_done(&other);
    server_done(&target);
}
END_TEST

/* How often the same statement stood in the damage nobody can say: nothing behind it is used. */
START_TEST(behind_damage_a_joined_log_is_not_used)
{
    struct server target, other;
    struct server *sources[] = {&other};
    struct bt_missing m;
    size_t at;

    relay(&target, TARGET, "bin.000001", begin_of(0), "a|b");
    binlog(&other, OTHER, "other.000001", 0, "a|b|c|d", BT_SOURCE_PRIMARY);
    at = other.log.bytes.len;
    server_done(&other);
    binlog(&other, OTHER, "other.000001", 0, "a|b|c|d|e|f", BT_SOURCE_PRIMARY);
    other.files.files[0].flip_bit = 8 * (at + 40) + 1;
    m = find(&target, sources, 1);
    ck_assert_str_eq(letters(&m, sources, 1), "cd");
    ck_assert_uint_eq(m.cut_count, 1);
    ck_assert_str_ne(bt_buf_str(&m.lost), "");
    bt_missing_done(&m);
    server_done(&target);
    server_done(&other);
}
END_TEST

BT_SUITE_MAIN("diff align",
              {a_log_of_other_positions_is_joined_by_its_content_or_not_at_all,
               sizeof(joins) / sizeof(joins[0])},
              {sources_of_different_positions_give_each_transaction_once,
               2 * sizeof(merges) / sizeof(merges[0])},
              {relay_logs_of_another_primary_are_joined_by_content, 0},
              {behind_damage_a_joined_log_is_not_used, 0})
