/* SPDX-License-Identifier: Apache-2.0 */
/* Requests about logs and their answers: what goes in comes out. */
#include "tests/unit/suite.h"

#include <stdio.h>

#include "failover/node/protocol_logs.h"

static struct bt_coordinate at(const char *file, uint64_t pos)
{
    struct bt_coordinate c = {.pos = pos};

    snprintf(c.file, sizeof(c.file), "%s", file);
    return c;
}

static struct bt_survey survey(void)
{
    struct bt_survey s = {
        .kind = BT_LOG_KIND_RELAY,
        .flavor = BT_FLAVOR_MARIADB,
        .server_version = "10.11.19-MariaDB-log",
        .server_id = 2,
        .has_transaction = true,
        .received = at("bin.000007", 4711),
        .position = at("bin.000007", 4800),
        .executed = at("bin.000006", 99),
        .oldest = at("bin.000001", 4),
        .has_gtid = true,
        .last_gtid = {.kind = BT_GTID_MARIADB, .domain = 1, .server_id = 2, .sequence = 7},
        .unfinished_bytes = 17,
        .in_use = true,
        .logs_read = 3,
        .bytes_read = 12345,
        .cut = {.kind = BT_CUT_TORN, .log = "relay.000009", .at = 815, .bytes = 17}};

    snprintf(s.cut.reason, sizeof(s.cut.reason), "the last event is cut off");
    s.cut.place = at("bin.000007", 4800);
    bt_buf_init(&s.gtid_text, 1024);
    bt_buf_add_str(&s.gtid_text, "0-1-5,1-2-7");
    return s;
}

START_TEST(a_survey_comes_out_as_it_went_in)
{
    struct bt_survey_reply sent = {.survey = survey(), .directory = "/srv", .notes = "one\ntwo\n"};
    bt_auto_buf struct bt_buf wire = {.max = 1 << 20};
    bt_auto_arena struct bt_arena arena;
    struct bt_survey_reply got;
    struct bt_err err = {0};
    char gtid[BT_GTID_TEXT_SIZE];

    bt_arena_init(&arena, 1 << 20);
    bt_put_survey_reply(&wire, &sent);
    ck_assert_msg(bt_get_survey_reply(bt_buf_slice(&wire), &arena, &got, &err) == 0, "%s",
                  err.text);
    ck_assert_int_eq(got.survey.kind, BT_LOG_KIND_RELAY);
    ck_assert_str_eq(got.survey.server_version, "10.11.19-MariaDB-log");
    ck_assert_int_eq(bt_coordinate_compare(&got.survey.received, &sent.survey.received), 0);
    ck_assert_int_eq(bt_coordinate_compare(&got.survey.oldest, &sent.survey.oldest), 0);
    ck_assert_str_eq(bt_buf_str(&got.survey.gtid_text), "0-1-5,1-2-7");
    ck_assert_uint_eq(got.survey.gtid.count, 2);
    ck_assert_str_eq(bt_gtid_text(&got.survey.last_gtid, gtid), "1-2-7");
    ck_assert_int_eq(got.survey.cut.kind, BT_CUT_TORN);
    ck_assert_str_eq(got.survey.cut.log, "relay.000009");
    ck_assert_uint_eq(got.survey.cut.place.pos, 4800);
    ck_assert_str_eq(got.survey.cut.reason, "the last event is cut off");
    ck_assert_int_eq(got.survey.cut.gtid.kind, BT_GTID_NONE);
    ck_assert_uint_eq(got.survey.bytes_read, 12345);
    ck_assert_str_eq(got.directory, "/srv");
    ck_assert_str_eq(got.notes, "one\ntwo\n");
    bt_survey_done(&got.survey);
    bt_survey_done(&sent.survey);
}
END_TEST

START_TEST(every_truncation_of_a_survey_is_refused_and_nothing_leaks)
{
    struct bt_survey_reply sent = {.survey = survey(), .directory = "/srv", .notes = ""};
    bt_auto_buf struct bt_buf wire = {.max = 1 << 20};

    bt_put_survey_reply(&wire, &sent);
    for (size_t len = 0; len < wire.len; len++) {
        bt_auto_arena struct bt_arena arena;
        uint8_t *exact = malloc(len + 1);
        struct bt_survey_reply got;
        struct bt_err err = {0};

        bt_arena_init(&arena, 1 << 20);
        memcpy(exact, wire.data, len);
        ck_assert_int_eq(bt_get_survey_reply(bt_slice(exact, len), &arena, &got, &err), -1);
        ck_assert_int_eq(err.kind, BT_ERR_CORRUPT);
        free(exact);
    }
    bt_survey_done(&sent.survey);
}
END_TEST

START_TEST(what_is_not_known_stays_not_known)
{
    const struct bt_survey_request sent = {
        .logs = {.places = "/a,/b", .base = "", .kind = BT_LOG_KIND_RELAY},
        .hints = {.executed = {.file = "", .pos = 0}, .gtid_executed = "", .relay_log = NULL}};
    bt_auto_buf struct bt_buf wire = {.max = 4096};
    bt_auto_arena struct bt_arena arena;
    struct bt_survey_request got;
    struct bt_err err = {0};

    bt_arena_init(&arena, 1 << 20);
    bt_put_survey_request(&wire, &sent);
    ck_assert_int_eq(bt_get_survey_request(bt_buf_slice(&wire), &arena, &got, &err), 0);
    ck_assert_str_eq(got.logs.places, "/a,/b");
    ck_assert_ptr_nonnull(got.hints.gtid_executed); /* known, and empty */
    ck_assert_str_eq(got.hints.gtid_executed, "");
    ck_assert_ptr_null(got.hints.relay_log);
}
END_TEST

START_TEST(a_list_that_claims_more_logs_than_allowed_is_refused_before_it_is_allocated)
{
    struct bt_list_reply sent = {.directory = "/d", .base = "bin", .connection = "", .notes = ""};
    bt_auto_buf struct bt_buf wire = {.max = 4096};
    bt_auto_arena struct bt_arena arena;
    const uint8_t many[] = {0xff, 0xff, 0xff, 0x7f};
    struct bt_list_reply got;
    struct bt_err err = {0};

    bt_arena_init(&arena, 1 << 20);
    bt_put_list_reply(&wire, &sent);
    memcpy(wire.data + wire.len - 24, many, sizeof(many)); /* in front of the notes */
    ck_assert_int_eq(bt_get_list_reply(bt_buf_slice(&wire), &arena, &got, &err), -1);
    ck_assert_int_eq(err.kind, BT_ERR_CORRUPT);
    ck_assert_uint_lt(arena.used, 4096);
}
END_TEST

BT_SUITE_MAIN("node logs",
              {a_survey_comes_out_as_it_went_in, 0},
              {every_truncation_of_a_survey_is_refused_and_nothing_leaks, 0},
              {what_is_not_known_stays_not_known, 0},
              {a_list_that_claims_more_logs_than_allowed_is_refused_before_it_is_allocated, 0})
