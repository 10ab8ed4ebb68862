/* SPDX-License-Identifier: Apache-2.0 */
/* Relay logs of replicas that connected again by GTID: what the primary passed over is not in them,
 * and what a diff log says of the time before it. */
#include <stdio.h>

#include "diff/diff_log.h"
#include "tests/lib/log_builder.h"
#include "tests/unit/suite.h"

enum { PRIMARY = 1, REPLICA = 2, TEXT = 40 };

static const uint32_t none[1][3];

struct result {
    struct bt_log_home *home;
    struct bt_missing_source source;
    struct bt_missing missing;
};

/* What those logs give a target. */
static void find(struct result *r, struct bt_built_home *files, bool is_relay,
                 const struct bt_missing_want *want)
{
    struct bt_err err = {0};

    r->home = bt_built_open(files);
    r->source = (struct bt_missing_source){
        .name = "r",
        .role = is_relay ? BT_SOURCE_RELAY : BT_SOURCE_PRIMARY,
        .set = bt_log_home_find(r->home, is_relay ? BT_LOG_KIND_RELAY : BT_LOG_KIND_BINLOG, NULL)};
    ck_assert_msg(bt_missing_find(want, &r->source, 1, &r->missing, &err) == 0, "%s", err.text);
}

static void result_done(struct result *r)
{
    bt_missing_done(&r->missing);
    bt_log_home_close(r->home);
}

static void check_listed(const struct bt_missing *m, const char *want)
{
    char text[512] = "", gtid[BT_GTID_TEXT_SIZE];
    size_t len = 0;

    for (size_t i = 0; i < m->count; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i ? " " : "",
                                bt_gtid_text(&m->items[i].gtid, gtid));
    ck_assert_str_eq(text, want);
}

static struct bt_gtid_state state_of(const char *text)
{
    struct bt_gtid_state state = {0};
    struct bt_err err = {0};

    ck_assert_int_eq(bt_gtid_state_parse(bt_slice_str(text), &state, &err), 0);
    return state;
}

/* The primary's logs have 0-1-1 to 0-1-9; this replica threw its relay logs away when it had six of
 * them, and was sent bin.000001 from its head on without those. */
static void build_resumed(struct bt_log_builder *b)
{
    static const uint32_t six[1][3] = {{0, PRIMARY, 6}};

    bt_build_relay(b, REPLICA);
    bt_build_primary(b, PRIMARY, "bin.000001", 4, true);
    bt_build_list(b, 0, none);
    bt_build_resumption(b, 1, six, 2000);
    for (uint64_t i = 7; i <= 9; i++)
        bt_build_transaction(b, 0, i, TEXT);
}

START_TEST(what_the_primary_passed_over_is_a_hole_by_gtid_and_by_position)
{
    static const struct {
        const char *had;
        uint64_t after;
        const char *gives;
    } cases[] = {
        {"0-1-6", 0, "0-1-7 0-1-8 0-1-9"},
        {"0-1-4", 0, ""},
        {NULL, 2000, "0-1-7 0-1-8 0-1-9"},
        {NULL, 1200, ""},
    };
    struct bt_built_home files = {0};
    struct bt_log_builder log;

    build_resumed(&log);
    bt_built_add(&files, "relay-bin.000001", bt_buf_slice(&log.bytes));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bt_gtid_state had = state_of(cases[i].had ? cases[i].had : "");
        struct bt_missing_want want = {.gtid = cases[i].had ? &had : NULL};
        struct result r;

        if (cases[i].after) {
            want.is_prefix = true;
            want.after = (struct bt_coordinate){.file = "bin.000001", .pos = cases[i].after};
        }
        find(&r, &files, true, &want);
        check_listed(&r.missing, cases[i].gives);
        ck_assert_int_eq(r.missing.lost.len != 0, cases[i].gives[0] == '\0');
        result_done(&r);
        bt_gtid_state_done(&had);
    }
    bt_build_done(&log);
}
END_TEST

START_TEST(an_older_relay_log_gives_what_was_passed_over_in_the_next_one)
{
    static const uint32_t six[1][3] = {{0, PRIMARY, 6}};
    struct bt_built_home files = {0};
    struct bt_log_builder older, newer;
    struct bt_gtid_state had = state_of("0-1-4");
    struct bt_missing_want want = {.gtid = &had};
    struct result r;

    bt_build_relay(&older, REPLICA);
    bt_build_primary(&older, PRIMARY, "bin.000001", 4, true);
    bt_build_list(&older, 0, none);
    for (uint64_t i = 1; i <= 6; i++)
        bt_build_transaction(&older, 0, i, TEXT);
    bt_build_relay(&newer, REPLICA);
    bt_build_primary(&newer, PRIMARY, "bin.000001", 4, true);
    bt_build_list(&newer, 0, none);
    bt_build_resumption(&newer, 1, six, older.primary_pos);
    for (uint64_t i = 7; i <= 9; i++)
        bt_build_transaction(&newer, 0, i, TEXT);
    bt_built_add(&files, "relay-bin.000001", bt_buf_slice(&older.bytes));
    bt_built_add(&files, "relay-bin.000002", bt_buf_slice(&newer.bytes));
    find(&r, &files, true, &want);
    check_listed(&r.missing, "0-1-5 0-1-6 0-1-7 0-1-8 0-1-9");
    ck_assert_uint_eq(r.missing.lost.len, 0);
    result_done(&r);
    bt_gtid_state_done(&had);
    bt_build_done(&older);
    bt_build_done(&newer);
}
END_TEST

/* Domain 7 is sent from its second transaction on while 0-1-5 to 0-1-6 are still passed over. */
START_TEST(a_domain_that_is_passed_over_while_another_is_sent_has_a_hole)
{
    static const uint32_t first[2][3] = {{0, PRIMARY, 4}, {7, PRIMARY, 1}};
    static const uint32_t then[2][3] = {{0, PRIMARY, 6}, {7, PRIMARY, 2}};
    struct bt_built_home files = {0};
    struct bt_log_builder log;
    struct bt_gtid_state had = state_of("0-1-4,7-1-1");
    struct bt_missing_want want = {.gtid = &had};
    struct result r;

    bt_build_relay(&log, REPLICA);
    bt_build_primary(&log, PRIMARY, "bin.000001", 4, true);
    bt_build_list(&log, 0, none);
    bt_build_resumption(&log, 2, first, 1000);
    bt_build_transaction(&log, 7, 2, TEXT);
    bt_build_resumption(&log, 2, then, 3000);
    bt_build_transaction(&log, 0, 7, TEXT);
    bt_built_add(&files, "relay-bin.000001", bt_buf_slice(&log.bytes));
    find(&r, &files, true, &want);
    check_listed(&r.missing, "7-1-2");
    ck_assert_msg(strstr(bt_buf_str(&r.missing.lost), "0-1-7") != NULL, "%s",
                  bt_buf_str(&r.missing.lost));
    result_done(&r);
    bt_gtid_state_done(&had);
    bt_build_done(&log);
}
END_TEST

static int collect(void *ctx, struct bt_slice bytes, struct bt_err *err)
{
    bt_buf_add_slice(ctx, bytes);
    return bt_buf_check(ctx, "a diff log", err);
}

/* Writes the diff log and verifies it: 0, or -1 with why. */
static int write_and_verify(const struct bt_missing *m, struct bt_err *err)
{
    struct bt_diff_log_opts opts = {0};
    struct bt_diff_log_report report;
    struct bt_manifest manifest;
    struct bt_source *source;
    struct bt_buf log;
    int failed;

    bt_buf_init(&log, 1 << 20);
    ck_assert_int_eq(bt_diff_log_write(m, &opts, (struct bt_sink){collect, &log}, &manifest, err),
                     0);
    ck_assert_int_eq(bt_source_memory_open(bt_buf_slice(&log), "diff", &source, err), 0);
    failed = bt_diff_log_verify(source, &manifest, &report, err);
    bt_source_close(source);
    bt_manifest_done(&manifest);
    bt_buf_done(&log);
    return failed;
}

/* By position into the middle of a log nothing says what stands before.  Domain 7 begins there. */
START_TEST(a_domain_that_begins_in_a_diff_log_is_not_in_the_list_at_its_head)
{
    struct bt_missing_want want = {.is_prefix = true, .after = {.file = "bin.000001"}};
    struct bt_built_home files = {0};
    struct bt_log_builder log;
    struct bt_err err = {0};
    struct result r;

    bt_build_binlog(&log, PRIMARY);
    bt_build_list(&log, 0, none);
    bt_build_transaction(&log, 0, 1, TEXT);
    bt_build_transaction(&log, 0, 2, TEXT);
    want.after.pos = log.bytes.len;
    bt_build_transaction(&log, 0, 3, TEXT);
    bt_build_transaction(&log, 7, 1, TEXT);
    bt_build_transaction(&log, 7, 2, TEXT);
    bt_built_add(&files, "bin.000001", bt_buf_slice(&log.bytes));
    find(&r, &files, false, &want);
    check_listed(&r.missing, "0-1-3 7-1-1 7-1-2");
    ck_assert_uint_eq(r.missing.before.count, 1);
    ck_assert_uint_eq(bt_gtid_state_last(&r.missing.before, 0)->sequence, 2);
    ck_assert_msg(write_and_verify(&r.missing, &err) == 0, "%s", err.text);
    /* mariadb-binlog would refuse it, and so does verify. */
    ck_assert_int_eq(bt_gtid_state_update(&r.missing.before, &r.missing.items[1].gtid, &err), 0);
    ck_assert_int_eq(write_and_verify(&r.missing, &err), -1);
    ck_assert_msg(strstr(err.text, "7-1-1 comes behind") != NULL, "%s", err.text);
    result_done(&r);
    bt_build_done(&log);
}
END_TEST

BT_SUITE_MAIN("diff resume",
              {what_the_primary_passed_over_is_a_hole_by_gtid_and_by_position, 0},
              {an_older_relay_log_gives_what_was_passed_over_in_the_next_one, 0},
              {a_domain_that_is_passed_over_while_another_is_sent_has_a_hole, 0},
              {a_domain_that_begins_in_a_diff_log_is_not_in_the_list_at_its_head, 0})
