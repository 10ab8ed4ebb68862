/* SPDX-License-Identifier: Apache-2.0 */
/* What a target lacks, from logs built here, and the diff log that comes of it. */
#include <stdio.h>

#include "diff/diff_log.h"
#include "diff/digest.h"
#include "tests/lib/log_builder.h"
#include "tests/unit/suite.h"

enum { PRIMARY = 1, REPLICA = 2, OTHER = 3, TEXT = 40 };

/* A server's logs in memory. */
struct server {
    struct bt_built_home files;
    struct bt_log_home *home;
};

static const struct bt_log_set *set_of(struct server *s, enum bt_log_kind kind)
{
    const struct bt_log_set *set;

    if (!s->home)
        s->home = bt_built_open(&s->files);
    set = bt_log_home_find(s->home, kind, NULL);
    ck_assert_ptr_nonnull(set);
    return set;
}

static void server_done(struct server *s)
{
    bt_log_home_close(s->home);
}

static struct bt_missing_source source_of(struct server *s, const char *name,
                                          enum bt_source_role role)
{
    enum bt_log_kind kind = role == BT_SOURCE_RELAY ? BT_LOG_KIND_RELAY : BT_LOG_KIND_BINLOG;

    return (struct bt_missing_source){.name = name, .role = role, .set = set_of(s, kind)};
}

/* bin.000001 of the primary: transactions first to last of domain 0, open at the end. */
static void build_primary(struct bt_log_builder *b, uint64_t first, uint64_t last)
{
    static const uint32_t none[1][3];

    bt_build_binlog(b, PRIMARY);
    bt_build_list(b, 0, none);
    for (uint64_t i = first; i <= last; i++)
        bt_build_transaction(b, 0, i, TEXT);
}

/* A relay log of the same primary from position 4 on, up to transaction `last`. */
static void build_relay(struct bt_log_builder *b, uint32_t id, uint64_t last)
{
    static const uint32_t none[1][3];

    bt_build_relay(b, id);
    bt_build_primary(b, PRIMARY, "bin.000001", 4, true);
    bt_build_list(b, 0, none);
    for (uint64_t i = 1; i <= last; i++)
        bt_build_transaction(b, 0, i, TEXT);
}

static struct bt_survey survey(struct server *s, enum bt_log_kind kind)
{
    struct bt_survey ret;
    struct bt_err err = {0};

    ck_assert_msg(bt_survey_run(set_of(s, kind), NULL, NULL, &ret, &err) == 0, "%s", err.text);
    return ret;
}

static struct bt_missing find(const struct bt_missing_want *want,
                              const struct bt_missing_source *sources, size_t count)
{
    struct bt_missing ret;
    struct bt_err err = {0};

    ck_assert_msg(bt_missing_find(want, sources, count, &ret, &err) == 0, "%s", err.text);
    return ret;
}

/* "0-1-4 0-1-5": what a missing set holds. */
static const char *listed(const struct bt_missing *m)
{
    static char text[4096];
    size_t len = 0;

    text[0] = '\0';
    for (size_t i = 0; i < m->count; i++) {
        char gtid[BT_GTID_TEXT_SIZE];

        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i ? " " : "",
                                bt_gtid_text(&m->items[i].gtid, gtid));
    }
    return text;
}

static int collect(void *ctx, struct bt_slice bytes, struct bt_err *err)
{
    bt_buf_add_slice(ctx, bytes);
    return bt_buf_check(ctx, "a diff log", err);
}

/* Writes the diff log, verifies it against its manifest, and gives both. */
static void write_log(const struct bt_missing *m, struct bt_buf *ret,
                      struct bt_manifest *ret_manifest)
{
    struct bt_diff_log_opts opts = {0};
    struct bt_diff_log_report report;
    struct bt_source *source;
    struct bt_err err = {0};

    bt_buf_init(ret, 64 << 20);
    ck_assert_msg(bt_diff_log_write(m, &opts, (struct bt_sink){collect, ret}, ret_manifest, &err) ==
                      0,
                  "%s", err.text);
    ck_assert_int_eq(bt_source_memory_open(bt_buf_slice(ret), "diff", &source, &err), 0);
    ck_assert_msg(bt_diff_log_verify(source, ret_manifest, &report, &err) == 0, "%s", err.text);
    ck_assert_uint_eq(report.transactions, m->count);
    ck_assert_str_eq(report.xxh3, ret_manifest->xxh3);
    bt_source_close(source);
}

START_TEST(a_replica_that_stopped_early_lacks_the_rest_of_the_primary)
{
    struct bt_log_builder primary, relay;
    struct server p = {0}, r = {0};
    struct bt_missing_source source;
    struct bt_manifest manifest;
    struct bt_survey s;
    struct bt_missing m;
    struct bt_buf log;

    build_primary(&primary, 1, 9);
    build_relay(&relay, REPLICA, 5);
    bt_built_add(&p.files, "bin.000001", bt_buf_slice(&primary.bytes));
    bt_built_add(&r.files, "relay-bin.000001", bt_buf_slice(&relay.bytes));
    s = survey(&r, BT_LOG_KIND_RELAY);
    ck_assert_str_eq(s.received.file, "bin.000001");
    ck_assert_str_eq(bt_buf_str(&s.gtid_text), "0-1-5");
    source = source_of(&p, "p", BT_SOURCE_PRIMARY);
    /* By coordinate alone, by GTID alone, by both. */
    for (int way = 0; way < 3; way++) {
        struct bt_missing_want want = {.is_prefix = way != 1};

        if (way != 1)
            want.after = s.received;
        if (way != 0)
            want.gtid = &s.gtid;
        m = find(&want, &source, 1);
        ck_assert_str_eq(listed(&m), "0-1-6 0-1-7 0-1-8 0-1-9");
        ck_assert_uint_eq(m.cut_count, 0);
        ck_assert_uint_eq(m.lost.len, 0);
        write_log(&m, &log, &manifest);
        ck_assert_uint_eq(manifest.events, 12);
        bt_buf_done(&log);
        bt_manifest_done(&manifest);
        bt_missing_done(&m);
    }
    bt_survey_done(&s);
    server_done(&p);
    server_done(&r);
    bt_build_done(&primary);
    bt_build_done(&relay);
}
END_TEST

/* As after relay_log_recovery: what stands behind the place is there, and no applier takes it. */
START_TEST(what_a_target_holds_and_will_not_apply_is_given_to_it)
{
    struct bt_missing_want want = {.is_prefix = true};
    struct bt_log_builder relay;
    struct bt_missing_source source;
    struct server r = {0};
    struct bt_missing m;

    build_relay(&relay, REPLICA, 2);
    snprintf(want.after.file, sizeof(want.after.file), "bin.000001");
    want.after.pos = relay.primary_pos;
    for (uint64_t i = 3; i <= 5; i++)
        bt_build_transaction(&relay, 0, i, TEXT);
    relay.bytes.len -= 7;
    bt_built_add(&r.files, "relay-bin.000001", bt_buf_slice(&relay.bytes));
    source = source_of(&r, "r", BT_SOURCE_RELAY);
    source.is_target = true;
    m = find(&want, &source, 1);
    ck_assert_str_eq(listed(&m), "0-1-3 0-1-4");
    /* Of its own cut tail nothing is said but that the transaction existed. */
    ck_assert_uint_eq(m.cut_count, 0);
    ck_assert_ptr_nonnull(strstr(bt_buf_str(&m.lost), "0-1-5"));
    bt_missing_done(&m);
    server_done(&r);
    bt_build_done(&relay);
}
END_TEST

/* The primary's last three events are the GTID, statement and XID of transaction 9: cut at every
 * byte, transaction 9 is passed on only when nothing is cut. */
START_TEST(a_tail_cut_at_any_byte_never_passes_on_the_last_transaction)
{
    struct bt_log_builder primary, before;
    struct bt_missing_want want = {.is_prefix = true};
    size_t whole, start;

    build_primary(&primary, 1, 9);
    build_primary(&before, 1, 8);
    whole = primary.bytes.len;
    start = before.bytes.len;
    snprintf(want.after.file, sizeof(want.after.file), "bin.000001");
    want.after.pos = 4;
    for (size_t len = start; len <= whole; len++) {
        struct server p = {0};
        struct bt_missing_source source;
        struct bt_missing m;
        struct bt_survey s;

        bt_built_add(&p.files, "bin.000001", bt_slice(primary.bytes.data, len));
        source = source_of(&p, "p", BT_SOURCE_PRIMARY);
        m = find(&want, &source, 1);
        s = survey(&p, BT_LOG_KIND_BINLOG);
        ck_assert_uint_eq(m.count, len == whole ? 9 : 8);
        ck_assert_uint_eq(s.received.pos, len == whole ? whole : start);
        ck_assert_uint_eq(s.unfinished_bytes, len == whole ? 0 : len - start);
        if (len != whole && len != start) {
            ck_assert_uint_eq(m.cut_count, 1);
            ck_assert_uint_eq(m.cuts[0].cut.at, start);
            ck_assert_str_ne(m.cuts[0].cut.reason, "");
            ck_assert_uint_ne(m.lost.len, 0);
        } else {
            ck_assert_uint_eq(m.cut_count, 0);
        }
        bt_missing_done(&m);
        bt_survey_done(&s);
        server_done(&p);
    }
    bt_build_done(&primary);
    bt_build_done(&before);
}
END_TEST

START_TEST(a_flipped_bit_anywhere_in_the_tail_passes_on_nothing_wrong)
{
    struct bt_log_builder primary, before;
    struct bt_missing_want want = {.is_prefix = true};
    size_t start;

    build_primary(&primary, 1, 9);
    build_primary(&before, 1, 8);
    start = before.bytes.len;
    snprintf(want.after.file, sizeof(want.after.file), "bin.000001");
    want.after.pos = 4;
    for (size_t bit = start * 8; bit < primary.bytes.len * 8; bit++) {
        struct server p = {0};
        struct bt_missing_source source;
        struct bt_missing m;

        bt_built_add(&p.files, "bin.000001", bt_buf_slice(&primary.bytes));
        p.files.files[0].flip_bit = bit + 1;
        source = source_of(&p, "p", BT_SOURCE_PRIMARY);
        m = find(&want, &source, 1);
        ck_assert_msg(m.count == 8, "bit %zu of byte %zu: %zu transactions", bit % 8, bit / 8,
                      m.count);
        ck_assert_uint_eq(m.cut_count, 1);
        ck_assert_uint_eq(m.cuts[0].cut.at, start);
        ck_assert_uint_ne(m.lost.len, 0);
        bt_missing_done(&m);
        server_done(&p);
    }
    bt_build_done(&primary);
    bt_build_done(&before);
}
END_TEST

START_TEST(a_transaction_damaged_on_the_primary_is_taken_from_a_relay_log)
{
    struct bt_log_builder primary, relay, before;
    struct server p = {0}, r = {0};
    struct bt_missing_source sources[2];
    struct bt_missing_want want = {.is_prefix = true};
    struct bt_missing m;
    struct bt_manifest manifest;
    struct bt_buf log;

    build_primary(&primary, 1, 9);
    build_primary(&before, 1, 3);
    build_relay(&relay, REPLICA, 5);
    bt_built_add(&p.files, "bin.000001", bt_buf_slice(&primary.bytes));
    p.files.files[0].flip_bit = (before.bytes.len + 60) * 8; /* inside transaction 4 */
    bt_built_add(&r.files, "relay-bin.000001", bt_buf_slice(&relay.bytes));
    sources[0] = source_of(&p, "p", BT_SOURCE_PRIMARY);
    sources[1] = source_of(&r, "r", BT_SOURCE_RELAY);
    sources[1].cost = 1;
    snprintf(want.after.file, sizeof(want.after.file), "bin.000001");
    want.after.pos = 4;
    m = find(&want, sources, 2);
    ck_assert_str_eq(listed(&m), "0-1-1 0-1-2 0-1-3 0-1-4 0-1-5 0-1-6 0-1-7 0-1-8 0-1-9");
    ck_assert_uint_eq(m.items[2].source, 0);
    ck_assert_uint_eq(m.items[3].source, 1);
    ck_assert_uint_eq(m.items[8].source, 0);
    ck_assert_uint_eq(m.items[8].holders, 1);
    ck_assert_uint_eq(m.items[4].holders, 3);
    ck_assert_uint_eq(m.cut_count, 1);
    ck_assert_uint_eq(m.lost.len, 0);
    write_log(&m, &log, &manifest);
    ck_assert_uint_eq(manifest.source_count, 2);
    bt_buf_done(&log);
    bt_manifest_done(&manifest);
    bt_missing_done(&m);
    server_done(&p);
    server_done(&r);
    bt_build_done(&primary);
    bt_build_done(&relay);
    bt_build_done(&before);
}
END_TEST

/* Two replicas are all that is left: one has a damaged transaction, the other stopped right behind
 * it. */
START_TEST(behind_a_damaged_transaction_a_relay_log_is_read_on_if_another_has_that_one)
{
    struct bt_log_builder more, less, before;

    build_relay(&more, REPLICA, 9);
    build_relay(&less, OTHER, 4);
    build_relay(&before, REPLICA, 3);
    for (size_t bit = before.bytes.len * 8; bit < less.bytes.len * 8; bit += 7) {
        struct bt_missing_want want = {.is_prefix = true};
        struct server r = {0}, other = {0};
        struct bt_missing_source sources[2];
        struct bt_manifest manifest;
        struct bt_missing m;
        struct bt_buf log;

        snprintf(want.after.file, sizeof(want.after.file), "bin.000001");
        want.after.pos = 4;
        bt_built_add(&r.files, "relay-bin.000001", bt_buf_slice(&more.bytes));
        r.files.files[0].flip_bit = bit + 1;
        bt_built_add(&other.files, "relay-bin.000001", bt_buf_slice(&less.bytes));
        sources[0] = source_of(&r, "r", BT_SOURCE_RELAY);
        sources[1] = source_of(&other, "o", BT_SOURCE_RELAY);
        m = find(&want, sources, 2);
        ck_assert_str_eq(listed(&m), "0-1-1 0-1-2 0-1-3 0-1-4 0-1-5 0-1-6 0-1-7 0-1-8 0-1-9");
        ck_assert_uint_eq(m.items[2].source, 0);
        ck_assert_uint_eq(m.items[3].source, 1);
        ck_assert_uint_eq(m.items[8].source, 0);
        ck_assert_uint_eq(m.cut_count, 1);
        ck_assert_msg(m.lost.len == 0, "bit %zu: %s", bit, bt_buf_str(&m.lost));
        write_log(&m, &log, &manifest);
        bt_buf_done(&log);
        bt_manifest_done(&manifest);
        bt_missing_done(&m);
        server_done(&r);
        server_done(&other);
    }
    bt_build_done(&more);
    bt_build_done(&less);
    bt_build_done(&before);
}
END_TEST

START_TEST(what_stands_behind_a_transaction_that_nobody_holds_is_not_passed_on)
{
    struct bt_log_builder primary, before;
    struct server p = {0};
    struct bt_missing_source source;
    struct bt_missing_want want = {.is_prefix = true};
    struct bt_missing m;

    /* The target stopped in front of what this primary still has: its older logs are purged. */
    build_primary(&primary, 6, 9);
    build_primary(&before, 1, 2);
    bt_built_add(&p.files, "bin.000002", bt_buf_slice(&primary.bytes));
    source = source_of(&p, "p", BT_SOURCE_PRIMARY);
    snprintf(want.after.file, sizeof(want.after.file), "bin.000001");
    want.after.pos = before.bytes.len;
    m = find(&want, &source, 1);
    ck_assert_uint_eq(m.count, 0);
    ck_assert_msg(strstr(bt_buf_str(&m.lost), "0-1-6") != NULL, "%s", bt_buf_str(&m.lost));
    bt_missing_done(&m);
    server_done(&p);
    bt_build_done(&primary);
    bt_build_done(&before);
}
END_TEST

/* A relay log that begins behind a hole: 7-1-2 follows on what the target has of domain 7, but of
 * domain 0 transactions 3 and 4 are nowhere. */
START_TEST(a_hole_in_one_domain_is_not_closed_by_another_domain_going_on)
{
    static const uint32_t list[2][3] = {{0, PRIMARY, 4}, {7, PRIMARY, 1}};
    struct bt_log_builder relay;
    struct server other = {0};
    struct bt_missing_source source;
    struct bt_gtid_state had = {0};
    struct bt_err err = {0};
    struct bt_missing m;

    bt_build_relay(&relay, OTHER);
    bt_build_primary(&relay, PRIMARY, "bin.000003", 4, true);
    bt_build_list(&relay, 2, list);
    bt_build_transaction(&relay, 7, 2, TEXT);
    bt_build_transaction(&relay, 0, 5, TEXT);
    bt_built_add(&other.files, "relay-bin.000009", bt_buf_slice(&relay.bytes));
    source = source_of(&other, "other", BT_SOURCE_RELAY);
    ck_assert_int_eq(bt_gtid_state_parse(bt_slice_str("0-1-2,7-1-1"), &had, &err), 0);
    m = find(&(struct bt_missing_want){.gtid = &had}, &source, 1);
    ck_assert_str_eq(listed(&m), "7-1-2");
    ck_assert_msg(strstr(bt_buf_str(&m.lost), "0-1-5") != NULL, "%s", bt_buf_str(&m.lost));
    bt_missing_done(&m);
    bt_gtid_state_done(&had);
    server_done(&other);
    bt_build_done(&relay);
}
END_TEST

START_TEST(a_group_that_spans_relay_logs_is_one_transaction)
{
    static const uint32_t none[1][3];
    struct bt_log_builder one, two;
    struct server r = {0};
    struct bt_missing_source source;
    struct bt_missing_want want = {.is_prefix = true};
    struct bt_manifest manifest;
    struct bt_missing m;
    struct bt_survey s;
    struct bt_buf log;

    bt_build_relay(&one, REPLICA);
    bt_build_primary(&one, PRIMARY, "bin.000001", 4, true);
    bt_build_list(&one, 0, none);
    bt_build_transaction(&one, 0, 1, TEXT);
    bt_build_gtid(&one, 0, 2, 12);
    bt_build_query(&one, "d", "INSERT INTO t VALUES (2, 'first half')");
    bt_build_rotate(&one, REPLICA, BT_FLAG_RELAY_LOG, "./relay-bin.000002", 4);
    bt_build_relay(&two, REPLICA);
    /* STOP and START of the IO thread: the stream goes on where it stopped. */
    bt_build_primary(&two, PRIMARY, "bin.000001", one.primary_pos, true);
    bt_build_query(&two, "d", "INSERT INTO t VALUES (3, 'second half')");
    bt_build_xid(&two, 2);
    bt_build_transaction(&two, 0, 3, TEXT);
    bt_built_add(&r.files, "relay-bin.000001", bt_buf_slice(&one.bytes));
    bt_built_add(&r.files, "relay-bin.000002", bt_buf_slice(&two.bytes));
    s = survey(&r, BT_LOG_KIND_RELAY);
    ck_assert_str_eq(bt_buf_str(&s.gtid_text), "0-1-3");
    ck_assert_uint_eq(s.received.pos, two.primary_pos);
    source = source_of(&r, "r", BT_SOURCE_RELAY);
    snprintf(want.after.file, sizeof(want.after.file), "bin.000001");
    want.after.pos = 4;
    m = find(&want, &source, 1);
    ck_assert_str_eq(listed(&m), "0-1-1 0-1-2 0-1-3");
    ck_assert_uint_eq(m.items[1].log, 0);
    ck_assert_uint_eq(m.items[1].end_log, 1);
    ck_assert_uint_eq(m.items[1].events, 4);
    write_log(&m, &log, &manifest);
    ck_assert_uint_eq(manifest.items[1].events, 4);
    ck_assert_uint_eq(manifest.events, 10);
    bt_buf_done(&log);
    bt_manifest_done(&manifest);
    bt_missing_done(&m);
    bt_survey_done(&s);
    server_done(&r);
    bt_build_done(&one);
    bt_build_done(&two);
}
END_TEST

START_TEST(a_diff_log_with_one_flipped_bit_is_refused)
{
    struct bt_log_builder primary;
    struct server p = {0};
    struct bt_missing_source source;
    struct bt_missing_want want = {.is_prefix = true};
    struct bt_manifest manifest;
    struct bt_missing m;
    struct bt_buf log;

    build_primary(&primary, 1, 3);
    bt_built_add(&p.files, "bin.000001", bt_buf_slice(&primary.bytes));
    source = source_of(&p, "p", BT_SOURCE_PRIMARY);
    m = find(&want, &source, 1);
    ck_assert_uint_eq(m.count, 3);
    write_log(&m, &log, &manifest);
    for (size_t bit = 0; bit < log.len * 8; bit++) {
        struct bt_diff_log_report report;
        struct bt_source *source_of_log, *faulty;
        struct bt_err err = {0};

        ck_assert_int_eq(bt_source_memory_open(bt_buf_slice(&log), "diff", &source_of_log, &err),
                         0);
        ck_assert_int_eq(bt_source_faulty_open(source_of_log,
                                               (struct bt_source_faults){.flip_bit = bit + 1},
                                               &faulty, &err),
                         0);
        /* The in-use bit is no part of the content: servers leave it out of the CRC too. */
        if (bit != (4 + 17) * 8)
            ck_assert_msg(bt_diff_log_verify(faulty, &manifest, &report, &err) == -1,
                          "bit %zu of byte %zu", bit % 8, bit / 8);
        bt_source_close(faulty);
    }
    bt_buf_done(&log);
    bt_manifest_done(&manifest);
    bt_missing_done(&m);
    server_done(&p);
    bt_build_done(&primary);
}
END_TEST

START_TEST(a_manifest_reads_back_as_it_was_written)
{
    struct bt_log_builder primary;
    struct server p = {0};
    struct bt_missing_source source;
    struct bt_missing_want want = {.is_prefix = true};
    struct bt_manifest manifest, back;
    struct bt_missing m;
    struct bt_buf log, text, again;
    struct bt_json json;
    struct bt_err err = {0};

    build_primary(&primary, 1, 3);
    bt_built_add(&p.files, "bin.000001", bt_slice(primary.bytes.data, primary.bytes.len - 5));
    source = source_of(&p, "p", BT_SOURCE_PRIMARY);
    m = find(&want, &source, 1);
    write_log(&m, &log, &manifest);
    bt_buf_init(&text, 1 << 20);
    bt_buf_init(&again, 1 << 20);
    bt_json_init(&json, &text);
    bt_manifest_write(&manifest, true, &json);
    ck_assert_msg(bt_manifest_parse(bt_buf_slice(&text), &back, &err) == 0, "%s", err.text);
    bt_json_init(&json, &again);
    bt_manifest_write(&back, true, &json);
    ck_assert_str_eq(bt_buf_str(&text), bt_buf_str(&again));
    ck_assert_uint_eq(back.cut_count, 1);
    ck_assert_ptr_nonnull(back.lost);
    bt_buf_done(&text);
    bt_buf_done(&again);
    bt_buf_done(&log);
    bt_manifest_done(&manifest);
    bt_manifest_done(&back);
    bt_missing_done(&m);
    server_done(&p);
    bt_build_done(&primary);
}
END_TEST

/* A relay log of 4 MiB, of which the target lacks the last transactions. */
static void check_jump(struct bt_log_builder *relay, uint64_t count, uint64_t after_pos, bool cheap)
{
    struct bt_survey_hints hints = {.skip_gtid = true};
    struct bt_missing_want want = {.is_prefix = true};
    struct server r = {0};
    struct bt_missing_source source;
    struct bt_manifest manifest;
    struct bt_missing m;
    struct bt_survey s;
    struct bt_buf log;
    struct bt_err err = {0};

    bt_built_add(&r.files, "relay-bin.000001", bt_buf_slice(&relay->bytes));
    source = source_of(&r, "r", BT_SOURCE_RELAY);
    snprintf(want.after.file, sizeof(want.after.file), "bin.000001");
    want.after.pos = after_pos;
    m = find(&want, &source, 1);
    ck_assert_uint_eq(m.count, count);
    ck_assert_uint_eq(m.items[0].pos, after_pos);
    ck_assert_uint_eq(m.cut_count, 0);
    ck_assert_uint_eq(m.lost.len, 0);
    write_log(&m, &log, &manifest);
    ck_assert(!cheap || m.bytes_read < relay->bytes.len / 4);
    ck_assert_int_eq(bt_survey_run(source.set, NULL, &hints, &s, &err), 0);
    ck_assert_uint_eq(s.received.pos, relay->primary_pos);
    ck_assert_str_eq(s.oldest.file, "bin.000001");
    ck_assert_uint_eq(s.server_id, REPLICA);
    ck_assert(!cheap || s.bytes_read < relay->bytes.len / 4);
    bt_buf_done(&log);
    bt_manifest_done(&manifest);
    bt_survey_done(&s);
    bt_missing_done(&m);
    server_done(&r);
}

START_TEST(the_tail_of_a_long_relay_log_is_found_without_reading_the_log)
{
    struct bt_log_builder relay;
    uint64_t after;

    build_relay(&relay, REPLICA, 10);
    for (uint64_t i = 11; i <= 2000; i++)
        bt_build_transaction(&relay, 0, i, 2000);
    after = relay.primary_pos;
    for (uint64_t i = 2001; i <= 2020; i++)
        bt_build_transaction(&relay, 0, i, 2000);
    check_jump(&relay, 20, after, true);
    bt_build_done(&relay);
}
END_TEST

START_TEST(a_log_stored_inside_a_log_deceives_nobody)
{
    struct bt_log_builder relay, inner;
    struct bt_buf body;
    uint64_t after;

    build_relay(&inner, OTHER, 0);
    for (uint64_t i = 1; i <= 200; i++)
        bt_build_transaction(&inner, 0, i + 5000, 500);
    build_relay(&relay, REPLICA, 10);
    for (uint64_t i = 11; i <= 2000; i++)
        bt_build_transaction(&relay, 0, i, 2000);
    after = relay.primary_pos;
    /* The last transaction stores it whole. */
    bt_build_gtid(&relay, 0, 2001, 12);
    bt_buf_init(&body, 16 << 20);
    bt_buf_add(&body, "\7\0\0\0\0\0\0\0\1\0\0\0\0d\0INSERT INTO t VALUES ('", 39);
    bt_buf_add_slice(&body, bt_buf_slice(&inner.bytes));
    bt_build_event(&relay, BT_QUERY, PRIMARY, 0, UINT64_MAX, body.data, body.len);
    bt_build_xid(&relay, 2001);
    check_jump(&relay, 1, after, false);
    bt_buf_done(&body);
    bt_build_done(&relay);
    bt_build_done(&inner);
}
END_TEST

BT_SUITE_MAIN("diff missing",
              {what_a_target_holds_and_will_not_apply_is_given_to_it, 0},
              {a_replica_that_stopped_early_lacks_the_rest_of_the_primary, 0},
              {a_tail_cut_at_any_byte_never_passes_on_the_last_transaction, 0},
              {a_flipped_bit_anywhere_in_the_tail_passes_on_nothing_wrong, 0},
              {a_transaction_damaged_on_the_primary_is_taken_from_a_relay_log, 0},
              {behind_a_damaged_transaction_a_relay_log_is_read_on_if_another_has_that_one, 0},
              {what_stands_behind_a_transaction_that_nobody_holds_is_not_passed_on, 0},
              {a_hole_in_one_domain_is_not_closed_by_another_domain_going_on, 0},
              {a_group_that_spans_relay_logs_is_one_transaction, 0},
              {a_diff_log_with_one_flipped_bit_is_refused, 0},
              {the_tail_of_a_long_relay_log_is_found_without_reading_the_log, 0},
              {a_log_stored_inside_a_log_deceives_nobody, 0},
              {a_manifest_reads_back_as_it_was_written, 0})
