/* SPDX-License-Identifier: Apache-2.0 */
/* What a replica has received, from relay logs with everything odd that IO threads do to them. */
#include "diff/survey.h"

#include <stdio.h>

#include "diff/missing.h"
#include "parser/crc.h"
#include "tests/unit/suite.h"
#include "tests/lib/log_builder.h"

enum { PRIMARY = 1, REPLICA = 2, TEXT = 40, LOGS = 4 };

static const uint32_t no_gtids[1][3];

/* Relay logs of one replica, and the home they are opened from. */
struct relay {
    struct bt_log_builder logs[LOGS];
    size_t count;
    struct bt_built_home files;
    struct bt_log_home *home;
};

/* The next relay log; primary_pos goes on. */
static struct bt_log_builder *add_log(struct relay *r)
{
    struct bt_log_builder *b = &r->logs[r->count];

    bt_build_relay(b, REPLICA);
    if (r->count) {
        b->primary_pos = r->logs[r->count - 1].primary_pos;
        b->server_id = PRIMARY;
    }
    r->count++;
    return b;
}

/* A first relay log from the head of bin.000001 with transactions 1 to last. */
static struct bt_log_builder *begin(struct relay *r, uint64_t last)
{
    struct bt_log_builder *b = add_log(r);

    bt_build_primary(b, PRIMARY, "bin.000001", 4, true);
    bt_build_list(b, 0, no_gtids);
    for (uint64_t i = 1; i <= last; i++)
        bt_build_transaction(b, 0, i, TEXT);
    return b;
}

static const struct bt_log_set *open_relay(struct relay *r)
{
    static const char *const names[LOGS] = {"relay-bin.000001", "relay-bin.000002",
                                            "relay-bin.000003", "relay-bin.000004"};

    for (size_t i = 0; i < r->count; i++)
        bt_built_add(&r->files, names[i], bt_buf_slice(&r->logs[i].bytes));
    r->home = bt_built_open(&r->files);
    return bt_log_home_find(r->home, BT_LOG_KIND_RELAY, NULL);
}

static struct bt_survey survey(struct relay *r, const struct bt_survey_hints *hints)
{
    struct bt_survey ret;
    struct bt_err err = {0};

    ck_assert_msg(bt_survey_run(open_relay(r), NULL, hints, &ret, &err) == 0, "%s", err.text);
    return ret;
}

static void done(struct relay *r, struct bt_survey *s)
{
    bt_survey_done(s);
    bt_log_home_close(r->home);
    for (size_t i = 0; i < r->count; i++)
        bt_build_done(&r->logs[i]);
}

#define check_received(s, want_file, want_pos, want_gtid) \
    do { \
        ck_assert_str_eq((s).received.file, (want_file)); \
        ck_assert_uint_eq((s).received.pos, (want_pos)); \
        ck_assert_str_eq(bt_buf_str(&(s).gtid_text), (want_gtid)); \
    } while (0)

START_TEST(an_unfinished_transaction_does_not_count_as_received)
{
    struct relay r = {0};
    struct bt_log_builder *b = begin(&r, 3);
    uint64_t end = b->primary_pos, from = b->bytes.len;
    struct bt_survey s;

    bt_build_gtid(b, 0, 4, 12);
    bt_build_query(b, "d", "INSERT INTO t VALUES (4, 'x')");
    s = survey(&r, NULL);
    check_received(s, "bin.000001", end, "0-1-3");
    ck_assert_uint_eq(s.unfinished_bytes, b->bytes.len - from);
    ck_assert_int_eq(s.cut.kind, BT_CUT_UNFINISHED);
    ck_assert_uint_eq(s.cut.at, from);
    ck_assert_uint_eq(s.cut.gtid.sequence, 4);
    done(&r, &s);
}
END_TEST

START_TEST(a_hole_where_the_replicas_own_events_were_left_out_moves_nothing)
{
    struct relay r = {0};
    struct bt_log_builder *b = begin(&r, 3);
    struct bt_survey s;

    b->primary_pos += 218; /* a transaction with the replica's own server id */
    bt_build_transaction(b, 0, 5, TEXT);
    s = survey(&r, NULL);
    check_received(s, "bin.000001", b->primary_pos, "0-1-5");
    ck_assert_int_eq(s.cut.kind, BT_CUT_NONE);
    done(&r, &s);
}
END_TEST

START_TEST(a_marker_of_ignored_events_is_no_transaction)
{
    struct relay r = {0};
    struct bt_log_builder *b = begin(&r, 3);
    uint64_t end = b->primary_pos;
    struct bt_survey s;

    /* The IO thread passed over events at the end and says where it stands. */
    bt_build_rotate(b, PRIMARY, BT_FLAG_ARTIFICIAL, "bin.000001", end + 500);
    s = survey(&r, NULL);
    check_received(s, "bin.000001", end, "0-1-3");
    ck_assert_uint_eq(s.position.pos, end + 500);
    done(&r, &s);
}
END_TEST

START_TEST(a_change_of_checksums_on_the_primary_is_followed)
{
    struct relay r = {0};
    struct bt_log_builder *b = begin(&r, 2);
    struct bt_survey s;

    bt_build_rotate(b, PRIMARY, 0, "bin.000002", 4);
    bt_build_rotate(b, REPLICA, BT_FLAG_RELAY_LOG, "./relay-bin.000002", 4);
    b = add_log(&r);
    bt_build_primary(b, PRIMARY, "bin.000002", 4, false);
    bt_build_transaction(b, 0, 3, TEXT);
    bt_build_transaction(b, 0, 4, TEXT);
    s = survey(&r, NULL);
    check_received(s, "bin.000002", b->primary_pos, "0-1-4");
    done(&r, &s);
}
END_TEST

START_TEST(a_new_connection_to_a_primary_without_checksums_is_followed)
{
    struct relay r = {0};
    struct bt_log_builder *b = begin(&r, 2);
    uint64_t place = b->primary_pos;
    struct bt_survey s;

    bt_build_rotate(b, REPLICA, BT_FLAG_RELAY_LOG, "./relay-bin.000002", 4);
    b = add_log(&r);
    bt_build_primary(b, PRIMARY, "bin.000001", place, false);
    bt_build_transaction(b, 0, 3, TEXT);
    s = survey(&r, NULL);
    ck_assert_int_eq(s.cut.kind, BT_CUT_NONE);
    check_received(s, "bin.000001", b->primary_pos, "0-1-3");
    done(&r, &s);
}
END_TEST

START_TEST(a_relay_log_rotated_by_size_takes_its_place_from_the_one_before)
{
    struct relay r = {0};
    struct bt_log_builder *b = begin(&r, 2);
    struct bt_survey s;

    bt_build_rotate(b, REPLICA, BT_FLAG_RELAY_LOG, "./relay-bin.000002", 4);
    b = add_log(&r);
    /* No ROTATE of the primary: only its FORMAT_DESCRIPTION, artificial. */
    bt_build_format(b, PRIMARY, BT_FLAG_ARTIFICIAL, 0, true);
    bt_build_transaction(b, 0, 3, TEXT);
    s = survey(&r, NULL);
    check_received(s, "bin.000001", b->primary_pos, "0-1-3");
    done(&r, &s);
}
END_TEST

START_TEST(a_position_beyond_4_gib_is_known_in_full)
{
    struct relay r = {0};
    struct bt_log_builder *b = add_log(&r);
    struct bt_survey s;

    bt_build_primary(b, PRIMARY, "bin.000001", UINT32_MAX - 200, true);
    bt_build_list(b, 0, no_gtids);
    for (uint64_t i = 1; i <= 4; i++)
        bt_build_transaction(b, 0, i, TEXT);
    ck_assert_uint_gt(b->primary_pos, UINT32_MAX);
    s = survey(&r, NULL);
    check_received(s, "bin.000001", b->primary_pos, "0-1-4");
    done(&r, &s);
}
END_TEST

START_TEST(events_without_positions_inside_a_transaction_do_no_harm)
{
    struct relay r = {0};
    struct bt_log_builder *b = begin(&r, 1);
    struct bt_survey s;
    uint8_t body[] = "\7\0\0\0\0\0\0\0\1\0\0\0\0d\0INSERT INTO t VALUES (2)";

    /* MariaDB 11.8: only the GTID event and the end have one. */
    bt_build_gtid(b, 0, 2, 12);
    bt_build_event(b, BT_QUERY, PRIMARY, 0, 0, body, sizeof(body) - 1);
    bt_build_xid(b, 2);
    s = survey(&r, NULL);
    check_received(s, "bin.000001", b->primary_pos, "0-1-2");
    done(&r, &s);
}
END_TEST

START_TEST(a_group_that_a_new_connection_sends_again_counts_once)
{
    struct relay r = {0};
    struct bt_log_builder *b = begin(&r, 2);
    uint64_t place = b->primary_pos;
    struct bt_missing_want want = {.is_prefix = true};
    struct bt_missing_source source = {.name = "r", .role = BT_SOURCE_RELAY};
    struct bt_missing m;
    struct bt_survey s;
    struct bt_err err = {0};

    bt_build_gtid(b, 0, 3, 12);
    bt_build_query(b, "d", "INSERT INTO t VALUES (3, 'half')");
    bt_build_rotate(b, REPLICA, BT_FLAG_RELAY_LOG, "./relay-bin.000002", 4);
    b = add_log(&r);
    bt_build_primary(b, PRIMARY, "bin.000001", place, true);
    b->primary_pos = place;
    bt_build_transaction(b, 0, 3, TEXT);
    bt_build_transaction(b, 0, 4, TEXT);
    s = survey(&r, NULL);
    check_received(s, "bin.000001", b->primary_pos, "0-1-4");
    ck_assert_uint_eq(s.unfinished_bytes, 0);
    source.set = bt_log_home_find(r.home, BT_LOG_KIND_RELAY, NULL);
    snprintf(want.after.file, sizeof(want.after.file), "bin.000001");
    want.after.pos = 4;
    ck_assert_int_eq(bt_missing_find(&want, &source, 1, &m, &err), 0);
    ck_assert_uint_eq(m.count, 4);
    ck_assert_uint_eq(m.items[2].events, 3);
    ck_assert_uint_eq(m.cut_count, 0);
    ck_assert_uint_eq(m.lost.len, 0);
    bt_missing_done(&m);
    done(&r, &s);
}
END_TEST

START_TEST(the_rest_of_a_transaction_whose_begin_is_gone_is_not_passed_on)
{
    struct relay r = {0};
    struct bt_log_builder *b = add_log(&r);
    struct bt_missing_want want = {.is_prefix = true};
    struct bt_missing_source source = {.name = "r", .role = BT_SOURCE_RELAY};
    struct bt_missing m;
    struct bt_survey s;
    struct bt_err err = {0};

    /* The relay log with the GTID and the first half is purged. */
    bt_build_primary(b, PRIMARY, "bin.000001", 5000, true);
    bt_build_query(b, "d", "INSERT INTO t VALUES (3, 'second half')");
    bt_build_xid(b, 3);
    bt_build_transaction(b, 0, 4, TEXT);
    s = survey(&r, NULL);
    source.set = bt_log_home_find(r.home, BT_LOG_KIND_RELAY, NULL);
    snprintf(want.after.file, sizeof(want.after.file), "bin.000001");
    want.after.pos = 4000;
    ck_assert_int_eq(bt_missing_find(&want, &source, 1, &m, &err), 0);
    ck_assert_uint_eq(m.count, 0);
    ck_assert_uint_gt(m.lost.len, 0);
    bt_missing_done(&m);
    done(&r, &s);
}
END_TEST

START_TEST(purged_relay_logs_leave_what_was_executed)
{
    struct bt_relay_info info = {.executed = {.file = "bin.000004", .pos = 777}};
    struct relay r = {0};
    struct bt_log_builder *b = add_log(&r);
    struct bt_survey s;
    struct bt_err err = {0};

    bt_build_stop(b);
    ck_assert_int_eq(bt_survey_run(open_relay(&r), &info, NULL, &s, &err), 0);
    ck_assert_str_eq(s.received.file, "bin.000004");
    ck_assert_uint_eq(s.received.pos, 777);
    ck_assert(!s.has_gtid);
    done(&r, &s);
}
END_TEST

START_TEST(a_hint_of_a_live_server_makes_the_cost_follow_the_tail)
{
    struct relay r = {0};
    struct bt_log_builder *b = begin(&r, 400);
    struct bt_survey_hints hints = {.relay_log = "./relay-bin.000001", .gtid_executed = "0-1-400"};
    struct bt_survey s;

    hints.relay_pos = b->bytes.len;
    snprintf(hints.executed.file, sizeof(hints.executed.file), "bin.000001");
    hints.executed.pos = b->primary_pos;
    bt_build_transaction(b, 0, 401, TEXT);
    bt_build_transaction(b, 0, 402, TEXT);
    s = survey(&r, &hints);
    check_received(s, "bin.000001", b->primary_pos, "0-1-402");
    ck_assert_uint_eq(s.executed.pos, hints.executed.pos);
    ck_assert_uint_lt(s.bytes_read, 1000);
    bt_survey_done(&s);
    bt_log_home_close(r.home);
    /* A hint that is no place for an event is not followed. */
    r.files.count = 0;
    hints.relay_pos += 7;
    s = survey(&r, &hints);
    check_received(s, "bin.000001", b->primary_pos, "0-1-402");
    done(&r, &s);
}
END_TEST

/* What relay-log.info says, as the home would have read it. */
static struct bt_relay_info info_at(uint64_t relay_pos, const char *file, uint64_t pos)
{
    struct bt_relay_info info = {.relay_pos = relay_pos, .executed = {.pos = pos}};

    snprintf(info.relay_log, sizeof(info.relay_log), "relay-bin.000001");
    snprintf(info.executed.file, sizeof(info.executed.file), "%s", file);
    return info;
}

static struct bt_survey survey_with_info(struct relay *r, const struct bt_relay_info *info)
{
    struct bt_log_set set = *open_relay(r);
    struct bt_survey s;
    struct bt_err err = {0};

    set.info = info;
    ck_assert_msg(bt_survey_run(&set, info, NULL, &s, &err) == 0, "%s", err.text);
    return s;
}

/* The relay log before it was full, and is purged. */
START_TEST(a_relay_log_without_a_rotate_is_named_by_the_servers_own_place)
{
    struct relay r = {0};
    struct bt_log_builder *b = add_log(&r);
    struct bt_relay_info info;
    struct bt_survey s;

    b->primary_pos = 5000;
    b->server_id = PRIMARY;
    bt_build_format(b, PRIMARY, 0, 0, true);
    bt_build_transaction(b, 0, 5, TEXT);
    info = info_at(b->bytes.len, "bin.000007", b->primary_pos);
    bt_build_transaction(b, 0, 6, TEXT);
    s = survey_with_info(&r, &info);
    ck_assert_str_eq(s.received.file, "bin.000007");
    ck_assert_uint_eq(s.received.pos, b->primary_pos);
    done(&r, &s);
}
END_TEST

START_TEST(what_stands_behind_damage_in_a_relay_log_was_not_received)
{
    struct relay r = {0};
    struct bt_log_builder *b = begin(&r, 1), *next;
    struct bt_relay_info info = info_at(b->bytes.len, "bin.000001", b->primary_pos);
    uint64_t whole = b->primary_pos;
    struct bt_survey s;

    bt_build_transaction(b, 0, 2, TEXT);
    b->bytes.data[b->bytes.len - 40] ^= 1;
    next = add_log(&r);
    bt_build_primary(next, PRIMARY, "bin.000001", next->primary_pos, true);
    bt_build_transaction(next, 0, 3, TEXT);
    s = survey_with_info(&r, &info);
    ck_assert_uint_eq(s.received.pos, whole);
    ck_assert(s.ends_early);
    ck_assert_int_eq(s.cut.kind, BT_CUT_CORRUPT);
    ck_assert_uint_gt(s.unfinished_bytes, 0);
    done(&r, &s);
}
END_TEST

START_TEST(what_a_server_says_of_a_transaction_without_its_end_is_not_believed)
{
    struct relay r = {0};
    struct bt_log_builder *b = begin(&r, 3);
    struct bt_survey_hints hints = {.relay_log = "relay-bin.000001",
                                    .relay_pos = b->bytes.len,
                                    .gtid_executed = "0-1-4",
                                    .executed = {.file = "bin.000001", .pos = 9999999}};
    uint64_t whole = b->primary_pos;
    struct bt_survey s;

    bt_build_gtid(b, 0, 4, 12);
    bt_build_query(b, "d", "INSERT INTO t VALUES (1)");
    s = survey(&r, &hints);
    check_received(s, "bin.000001", whole, "0-1-3");
    ck_assert_uint_eq(s.executed.pos, whole);
    done(&r, &s);
}
END_TEST

/* What MariaDB's receiver writes when it is connected anew, by GTID, within a transaction: a ROTATE
 * with a CRC, whatever the log has. */
static void note_place(struct bt_log_builder *b, const char *file, bool stray_crc)
{
    struct bt_buf body = {.max = 100};
    uint64_t primary_pos = b->primary_pos;
    size_t from = b->bytes.len;
    uint32_t sum;

    bt_buf_add_le(&body, primary_pos, 8);
    bt_buf_add_str(&body, file);
    bt_buf_add_le(&body, 0, stray_crc ? BT_CHECKSUM_SIZE : 0);
    bt_build_event(b, BT_ROTATE, PRIMARY, 0, from + BT_EVENT_HEADER_SIZE + body.len, body.data,
                   body.len);
    b->primary_pos = primary_pos;
    if (stray_crc) {
        sum = htole32(bt_crc32(0, bt_slice(b->bytes.data + from, b->bytes.len - from - 4)));
        memcpy(b->bytes.data + b->bytes.len - 4, &sum, sizeof(sum));
    }
    bt_buf_done(&body);
}

START_TEST(a_place_noted_within_a_transaction_does_not_end_it)
{
    struct relay r = {0};
    struct bt_log_builder *b = add_log(&r);
    struct bt_survey s;

    bt_build_primary(b, PRIMARY, "bin.000001", 4, _i == 0);
    bt_build_list(b, 0, no_gtids);
    bt_build_transaction(b, 0, 1, TEXT);
    bt_build_gtid(b, 0, 2, 12);
    bt_build_query(b, "d", "INSERT INTO t VALUES (1)");
    note_place(b, "bin.000001", _i != 0);
    bt_build_xid(b, 2);
    s = survey(&r, NULL);
    check_received(s, "bin.000001", b->primary_pos, "0-1-2");
    ck_assert_int_eq(s.cut.kind, BT_CUT_NONE);
    done(&r, &s);
}
END_TEST

START_TEST(the_primarys_next_log_ends_a_transaction_that_is_open)
{
    struct relay r = {0};
    struct bt_log_builder *b = begin(&r, 1);
    struct bt_survey s;

    bt_build_gtid(b, 0, 2, 12);
    bt_build_query(b, "d", "INSERT INTO t VALUES (1)");
    bt_build_rotate(b, PRIMARY, 0, "bin.000002", 4);
    bt_build_xid(b, 2);
    s = survey(&r, NULL);
    ck_assert_str_eq(bt_buf_str(&s.gtid_text), "0-1-1");
    ck_assert_int_eq(s.cut.kind, BT_CUT_UNFINISHED);
    done(&r, &s);
}
END_TEST

#define UUID "11111111-1111-1111-1111-111111111111"

/* A transaction of MySQL's. */
static void add_mysql(struct bt_log_builder *b, uint64_t number)
{
    uint8_t body[25] = {1};

    memset(body + 1, 0x11, 16);
    body[17] = (uint8_t)number;
    bt_build_event(b, BT_GTID, PRIMARY, 0, UINT64_MAX, body, sizeof(body));
    bt_build_query(b, "d", "BEGIN");
    bt_build_xid(b, number);
}

static void add_retrieved(struct bt_log_builder *b, const char *text)
{
    struct bt_gtid_set set = {0};
    struct bt_buf body = {.max = 4096};
    struct bt_err err = {0};

    ck_assert_int_eq(bt_gtid_set_parse(bt_slice_str(text), &set, &err), 0);
    bt_previous_gtids_add(&set, &body);
    bt_build_event(b, BT_PREVIOUS_GTIDS, REPLICA, BT_FLAG_RELAY_LOG, UINT64_MAX, body.data,
                   body.len);
    bt_buf_done(&body);
    bt_gtid_set_done(&set);
}

/* How the relay log ends that a restart of the server follows. */
enum end { END_WHOLE,
           END_HALF,
           END_TORN };

/* Four transactions, and the relay log that a restart of the server began. */
static struct bt_survey restarted_mysql(struct relay *r, enum end end, const char *retrieved)
{
    struct bt_log_builder *b;
    struct bt_survey s;

    bt_build_version = "9.7.0";
    b = add_log(r);
    add_retrieved(b, "");
    bt_build_primary(b, PRIMARY, "bin.000001", 4, true);
    for (uint64_t i = 1; i <= 4; i++)
        add_mysql(b, i);
    if (end != END_WHOLE)
        bt_build_query(b, "d", "BEGIN");
    if (end == END_TORN)
        b->bytes.len -= 5;
    add_retrieved(add_log(r), retrieved);
    s = survey(r, NULL);
    bt_build_version = "10.11.19-MariaDB-log";
    return s;
}

START_TEST(what_a_server_says_that_it_has_thrown_away_was_not_received)
{
    struct relay r = {0};
    struct bt_survey s = restarted_mysql(&r, (enum end)_i, "");

    check_received(s, "", 0, "");
    ck_assert_str_eq(s.thrown_away.file, "bin.000001");
    ck_assert_uint_ge(r.logs[0].primary_pos, s.thrown_away.pos);
    ck_assert_uint_gt(s.thrown_away.pos, 4);
    ck_assert_int_eq(s.cut.kind, BT_CUT_NONE);
    ck_assert_uint_eq(s.unfinished_bytes, 0);
    done(&r, &s);
}
END_TEST

START_TEST(a_restart_that_throws_nothing_away_changes_nothing)
{
    struct relay r = {0};
    struct bt_survey s = restarted_mysql(&r, END_WHOLE, UUID ":1-4");

    check_received(s, "bin.000001", r.logs[0].primary_pos, UUID ":1-4");
    ck_assert_str_eq(s.thrown_away.file, "");
    done(&r, &s);
}
END_TEST

BT_SUITE_MAIN("diff survey",
              {a_place_noted_within_a_transaction_does_not_end_it, 2},
              {the_primarys_next_log_ends_a_transaction_that_is_open, 0},
              {what_a_server_says_that_it_has_thrown_away_was_not_received, 3},
              {a_restart_that_throws_nothing_away_changes_nothing, 0},
              {a_relay_log_without_a_rotate_is_named_by_the_servers_own_place, 0},
              {what_stands_behind_damage_in_a_relay_log_was_not_received, 0},
              {what_a_server_says_of_a_transaction_without_its_end_is_not_believed, 0},
              {an_unfinished_transaction_does_not_count_as_received, 0},
              {a_hole_where_the_replicas_own_events_were_left_out_moves_nothing, 0},
              {a_marker_of_ignored_events_is_no_transaction, 0},
              {a_change_of_checksums_on_the_primary_is_followed, 0},
              {a_new_connection_to_a_primary_without_checksums_is_followed, 0},
              {a_relay_log_rotated_by_size_takes_its_place_from_the_one_before, 0},
              {a_position_beyond_4_gib_is_known_in_full, 0},
              {events_without_positions_inside_a_transaction_do_no_harm, 0},
              {a_group_that_a_new_connection_sends_again_counts_once, 0},
              {the_rest_of_a_transaction_whose_begin_is_gone_is_not_passed_on, 0},
              {purged_relay_logs_leave_what_was_executed, 0},
              {a_hint_of_a_live_server_makes_the_cost_follow_the_tail, 0})
