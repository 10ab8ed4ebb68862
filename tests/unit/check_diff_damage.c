/* SPDX-License-Identifier: Apache-2.0 */
/* Relay logs with damaged tails, and files that go away while they are read. */
#include <stdio.h>

#include "diff/diff_log.h"
#include "tests/lib/log_builder.h"
#include "tests/unit/suite.h"

enum { PRIMARY = 1, REPLICA = 2, TEXT = 40, WHOLE = 4 };

/* A relay log from position 4 of bin.000001 on, with `count` transactions. */
static void build(struct bt_log_builder *b, uint64_t count)
{
    bt_build_relay(b, REPLICA);
    bt_build_primary(b, PRIMARY, "bin.000001", 4, true);
    for (uint64_t i = 1; i <= count; i++)
        bt_build_transaction(b, 0, i, TEXT);
}

/* What a replica that has nothing lacks of those relay logs. */
static int find(const struct bt_log_home *home, struct bt_missing_source *source,
                struct bt_missing *ret, struct bt_err *err)
{
    struct bt_missing_want want = {.is_prefix = true, .after = {.file = "bin.000001", .pos = 4}};

    *source = (struct bt_missing_source){.name = "r",
                                         .role = BT_SOURCE_RELAY,
                                         .set = bt_log_home_find(home, BT_LOG_KIND_RELAY, NULL)};
    return bt_missing_find(&want, source, 1, ret, err);
}

static int discard(void *ctx, struct bt_slice bytes, struct bt_err *err)
{
    (void)ctx;
    (void)bytes;
    (void)err;
    return 0;
}

static int write_log(const struct bt_missing *m, struct bt_err *err)
{
    struct bt_diff_log_opts opts = {0};
    struct bt_manifest manifest;

    if (bt_diff_log_write(m, &opts, (struct bt_sink){discard, NULL}, &manifest, err) != 0)
        return -1;
    ck_assert_uint_eq(manifest.transactions, m->count);
    bt_manifest_done(&manifest);
    return 0;
}

/* All that there is but the last transaction is passed on; where and why it ends is said. */
static void check_damaged(struct bt_built_home *files, size_t start, const char *what, size_t at)
{
    struct bt_log_home *home = bt_built_open(files);
    struct bt_missing_source source;
    struct bt_survey survey;
    struct bt_missing m;
    struct bt_err err = {0};

    ck_assert_msg(find(home, &source, &m, &err) == 0, "%s %zu: %s", what, at, err.text);
    ck_assert_msg(m.count == WHOLE - 1, "%s %zu: %zu transactions", what, at, m.count);
    ck_assert_msg(m.cut_count == 1 && m.cuts[0].cut.at == start, "%s %zu", what, at);
    ck_assert_str_ne(m.cuts[0].cut.reason, "");
    ck_assert_uint_ne(m.lost.len, 0);
    ck_assert_int_eq(write_log(&m, &err), 0);
    ck_assert_int_eq(bt_survey_run(source.set, NULL, NULL, &survey, &err), 0);
    ck_assert_msg(bt_gtid_state_last(&survey.gtid, 0)->sequence == WHOLE - 1, "%s %zu", what, at);
    ck_assert_uint_ne(survey.unfinished_bytes, 0);
    bt_survey_done(&survey);
    bt_missing_done(&m);
    bt_log_home_close(home);
}

START_TEST(a_relay_log_cut_at_any_byte_of_its_last_transaction_does_not_hold_it)
{
    struct bt_log_builder whole, before;

    build(&whole, WHOLE);
    build(&before, WHOLE - 1);
    for (size_t len = before.bytes.len + 1; len < whole.bytes.len; len++) {
        struct bt_built_home files = {0};

        bt_built_add(&files, "relay-bin.000001", bt_slice(whole.bytes.data, len));
        check_damaged(&files, before.bytes.len, "cut at", len);
    }
    bt_build_done(&whole);
    bt_build_done(&before);
}
END_TEST

START_TEST(a_flipped_bit_in_the_last_transaction_of_a_relay_log_takes_it_away)
{
    struct bt_log_builder whole, before;

    build(&whole, WHOLE);
    build(&before, WHOLE - 1);
    for (size_t bit = before.bytes.len * 8; bit < whole.bytes.len * 8; bit++) {
        struct bt_built_home files = {0};

        bt_built_add(&files, "relay-bin.000001", bt_buf_slice(&whole.bytes));
        files.files[0].flip_bit = bit + 1;
        check_damaged(&files, before.bytes.len, "bit", bit);
    }
    bt_build_done(&whole);
    bt_build_done(&before);
}
END_TEST

/* The name still stands in the list. */
static void take_away(struct bt_built_home *files)
{
    files->files[0].name = "gone";
}

START_TEST(a_log_that_is_gone_before_it_is_read_counts_as_lost)
{
    struct bt_built_home files = {0};
    struct bt_missing_source source;
    struct bt_log_builder log;
    struct bt_log_home *home;
    struct bt_missing m;
    struct bt_err err = {0};

    build(&log, WHOLE);
    bt_built_add(&files, "relay-bin.000001", bt_buf_slice(&log.bytes));
    home = bt_built_open(&files);
    take_away(&files);
    ck_assert_msg(find(home, &source, &m, &err) == 0, "%s", err.text);
    ck_assert_uint_eq(m.count, 0);
    ck_assert_uint_eq(m.cut_count, 1);
    ck_assert_int_eq(m.cuts[0].cut.kind, BT_CUT_MISSING);
    ck_assert_uint_ne(m.lost.len, 0);
    bt_missing_done(&m);
    bt_log_home_close(home);
    bt_build_done(&log);
}
END_TEST

START_TEST(a_log_that_goes_while_the_diff_log_is_written_or_changes_stops_the_writing)
{
    for (int changes = 0; changes < 2; changes++) {
        struct bt_built_home files = {0};
        struct bt_missing_source source;
        struct bt_log_builder log;
        struct bt_log_home *home;
        struct bt_missing m;
        struct bt_err err = {0};

        build(&log, WHOLE);
        bt_built_add(&files, "relay-bin.000001", bt_buf_slice(&log.bytes));
        home = bt_built_open(&files);
        ck_assert_int_eq(find(home, &source, &m, &err), 0);
        ck_assert_uint_eq(m.count, WHOLE);
        if (changes)
            files.files[0].flip_bit = 8 * (log.bytes.len - 10) + 1;
        else
            take_away(&files);
        ck_assert_int_eq(write_log(&m, &err), -1);
        ck_assert_ptr_nonnull(strstr(err.text, changes ? "cannot be copied whole" : "is gone"));
        bt_missing_done(&m);
        bt_log_home_close(home);
        bt_build_done(&log);
    }
}
END_TEST

BT_SUITE_MAIN("diff damage",
              {a_relay_log_cut_at_any_byte_of_its_last_transaction_does_not_hold_it, 0},
              {a_flipped_bit_in_the_last_transaction_of_a_relay_log_takes_it_away, 0},
              {a_log_that_is_gone_before_it_is_read_counts_as_lost, 0},
              {a_log_that_goes_while_the_diff_log_is_written_or_changes_stops_the_writing, 0})
