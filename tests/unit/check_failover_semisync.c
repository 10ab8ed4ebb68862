/* SPDX-License-Identifier: Apache-2.0 */
/* Whether semi-sync held until the primary died, from looks at it while it lived. */
#include <stdio.h>

#include "failover/semisync.h"
#include "tests/unit/suite.h"

static struct bt_semisync seen;
static struct bt_semisync_sample sample;
static struct bt_semisync_end end;

/* A primary that waits for two replicas, up to 10 s. */
static void begin(void)
{
    seen = (struct bt_semisync){0};
    sample = (struct bt_semisync_sample){.is_enabled = true,
                                         .is_on = true,
                                         .waits_for_nobody = true,
                                         .clients = 2,
                                         .needed = 1,
                                         .timeout_ms = 10000};
}

/* At a second: so many sessions wait, so many commits were acknowledged so far. */
static void look(int64_t second, uint64_t waiting, uint64_t acked)
{
    sample.asked_ms = second * 1000;
    sample.answered_ms = second * 1000 + 1;
    sample.waiting = waiting;
    sample.acked = acked;
    bt_semisync_take(&seen, &sample);
}

static const char *gone_at(int64_t second)
{
    bt_semisync_end(&seen, second == INT64_MAX ? INT64_MAX : second * 1000, &end);
    return bt_semisync_state_name(end.state);
}

START_TEST(it_held_when_no_commit_can_have_waited_for_its_time_out)
{
    begin();
    look(100, 0, 50);
    ck_assert_str_eq(gone_at(101), "in-force");
    ck_assert_str_eq(gone_at(109), "in-force");
    ck_assert_str_eq(gone_at(110), "may-have-fallen-back");
    /* Nobody knows when that was. */
    ck_assert_str_eq(gone_at(INT64_MAX), "may-have-fallen-back");
    ck_assert_ptr_nonnull(strstr(end.text, "not proved that the primary does not run on"));
}
END_TEST

START_TEST(who_waits_at_a_look_may_have_waited_long_unless_more_were_acknowledged_since)
{
    begin();
    look(100, 0, 50);
    look(101, 3, 50);
    look(109, 3, 52); /* two of the three, or others: one may wait since 100 */
    ck_assert_str_eq(gone_at(111), "may-have-fallen-back");
    look(110, 3, 56); /* more than the three of 109 */
    ck_assert_str_eq(gone_at(118), "in-force");
    ck_assert_str_eq(gone_at(119), "may-have-fallen-back");
}
END_TEST

START_TEST(a_first_look_that_finds_somebody_waiting_tells_nothing)
{
    begin();
    look(100, 1, 50);
    ck_assert_str_eq(gone_at(101), "may-have-fallen-back");
}
END_TEST

START_TEST(what_fell_back_is_told_and_forgotten_when_it_is_on_again)
{
    begin();
    look(100, 0, 50);
    sample.is_on = false;
    look(101, 0, 50);
    look(102, 0, 50);
    ck_assert_int_eq(seen.off_ms, 101000);
    ck_assert_str_eq(gone_at(103), "fell-back");
    sample.is_on = true;
    look(104, 0, 50);
    ck_assert_str_eq(gone_at(105), "in-force");
}
END_TEST

START_TEST(without_wait_no_slave_nothing_can_be_said)
{
    begin();
    sample.waits_for_nobody = false;
    look(100, 0, 50);
    ck_assert_str_eq(gone_at(101), "may-have-fallen-back");
}
END_TEST

START_TEST(asynchronous_and_never_asked_are_told_apart)
{
    begin();
    ck_assert_str_eq(gone_at(101), "unknown");
    sample.is_enabled = false;
    look(100, 0, 0);
    ck_assert_str_eq(gone_at(101), "off");
}
END_TEST

START_TEST(a_journal_brings_it_to_another_machine)
{
    int64_t now = bt_clock_ms(), gone;
    bt_auto_buf struct bt_buf text;
    struct bt_semisync back;
    struct bt_json_value object;
    struct bt_err err = {0};
    struct bt_json json;

    begin();
    sample.asked_ms = now - 3000;
    bt_semisync_take(&seen, &sample);
    bt_buf_init(&text, 4096);
    bt_json_init(&json, &text);
    bt_semisync_json(&seen, now - 1000, &json);
    ck_assert_int_eq(bt_json_parse(bt_buf_slice(&text), &object, &err), 0);
    bt_semisync_read(object, &back, &gone);
    ck_assert_int_le(llabs(gone - (now - 1000)), 50);
    ck_assert_int_le(llabs(back.fresh_ms - (now - 3000)), 50);
    ck_assert_int_eq(back.off_ms, 0);
    ck_assert_uint_eq(back.last.clients, 2);
    bt_semisync_end(&back, gone, &end);
    ck_assert_str_eq(bt_semisync_state_name(end.state), "in-force");
}
END_TEST

BT_SUITE_MAIN("failover semisync",
              {it_held_when_no_commit_can_have_waited_for_its_time_out, 0},
              {who_waits_at_a_look_may_have_waited_long_unless_more_were_acknowledged_since, 0},
              {a_first_look_that_finds_somebody_waiting_tells_nothing, 0},
              {what_fell_back_is_told_and_forgotten_when_it_is_on_again, 0},
              {without_wait_no_slave_nothing_can_be_said, 0},
              {asynchronous_and_never_asked_are_told_apart, 0},
              {a_journal_brings_it_to_another_machine, 0})
