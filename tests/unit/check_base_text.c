/* SPDX-License-Identifier: Apache-2.0 */
/* JSON, times, numbers and the INI grammar. */
#include <stdio.h>

#include "tests/unit/suite.h"

#include "base/clock.h"
#include "base/ini.h"
#include "base/json.h"
#include "base/nearest.h"
#include "base/number.h"

START_TEST(json_is_separated_and_escaped)
{
    struct bt_json j;
    struct bt_buf b;

    bt_buf_init(&b, 4096);
    bt_json_init(&j, &b);
    bt_json_object(&j);
    bt_json_key_text(&j, "a", bt_slice("q\"\\\n\x01\xc3\xa9\xff\xe0\x80", 10));
    bt_json_key(&j, "b");
    bt_json_array(&j);
    bt_json_i64(&j, INT64_MIN);
    bt_json_u64(&j, UINT64_MAX);
    bt_json_f64(&j, 0.1);
    bt_json_f64(&j, 1.0 / 0.0);
    bt_json_end(&j);
    bt_json_key_bool(&j, "c", false);
    bt_json_end(&j);
    ck_assert_str_eq(bt_buf_str(&b),
                     "{\"a\":\"q\\\"\\\\\\n\\u0001\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\","
                     "\"b\":[-9223372036854775808,18446744073709551615,0.1,null],\"c\":false}");
    bt_buf_done(&b);
}
END_TEST

START_TEST(times_are_rfc_3339)
{
    char out[BT_TIME_TEXT_SIZE];

    ck_assert_str_eq(bt_time_text(0, out), "1970-01-01T00:00:00Z");
    ck_assert_str_eq(bt_time_text(1700000000123000, out), "2023-11-14T22:13:20.123Z");
    ck_assert_str_eq(bt_time_text(1700000000000001, out), "2023-11-14T22:13:20.000001Z");
    ck_assert_str_eq(bt_time_text(-1, out), "1969-12-31T23:59:59.999999Z");
}
END_TEST

START_TEST(numbers_are_read_whole_or_not_at_all)
{
    uint64_t n = 7;
    char out[BT_SIZE_TEXT_SIZE];

    ck_assert(bt_number_u64(bt_slice_str("18446744073709551615"), UINT64_MAX, &n) &&
              n == UINT64_MAX);
    ck_assert(!bt_number_u64(bt_slice_str("18446744073709551616"), UINT64_MAX, &n));
    ck_assert(!bt_number_u64(bt_slice_str(""), 10, &n) &&
              !bt_number_u64(bt_slice_str("-1"), 10, &n));
    ck_assert(!bt_number_u64(bt_slice_str(" 1"), 10, &n) &&
              !bt_number_u64(bt_slice_str("11"), 10, &n));
    ck_assert(bt_number_size(bt_slice_str("2M"), UINT64_MAX, &n) && n == 2097152);
    ck_assert(bt_number_size(bt_slice_str("0"), UINT64_MAX, &n) && n == 0);
    ck_assert(!bt_number_size(bt_slice_str("M"), UINT64_MAX, &n));
    ck_assert(bt_number_seconds(bt_slice_str("0.1"), 60000, &n) && n == 100);
    ck_assert(bt_number_seconds(bt_slice_str("3"), 60000, &n) && n == 3000);
    ck_assert(!bt_number_seconds(bt_slice_str("0.1234"), 60000, &n));
    ck_assert(!bt_number_seconds(bt_slice_str("61"), 60000, &n));
    ck_assert_str_eq(bt_size_text(312, out), "312 B");
    ck_assert_str_eq(bt_size_text(1536, out), "1.5 KiB");
    ck_assert_str_eq(bt_size_text(1048575, out), "1.0 MiB");
}
END_TEST

struct parsed {
    struct bt_arena arena;
    struct bt_ini_mistakes mistakes;
    struct bt_ini ini;
};

static void parse(struct parsed *p, const char *text)
{
    struct bt_err err = {0};

    bt_arena_init(&p->arena, 1 << 20);
    bt_ini_mistakes_init(&p->mistakes);
    ck_assert_int_eq(
        bt_ini_parse(bt_slice_str(text), "t.cnf", &p->arena, &p->mistakes, &p->ini, &err), 0);
}

static void parsed_done(struct parsed *p)
{
    bt_ini_mistakes_done(&p->mistakes);
    bt_arena_done(&p->arena);
}

/* Each row: what stands in the file, what MHA 0.58 makes of it. */
static const char *const values[][2] = {
    {"k=v", "v"},
    {"  k  =  v  ", "v"},
    {"k=a b", "a b"},
    {"k=1 # x", "1 # x"},
    {"k=1 ; x", "1"},
    {"k=a#b;c", "a#b;c"},
    {"k=\"\"", ""},
    {"k=", ""},
    {"k=\"a b\"", "a b"},
    {"k='a b'", "a b"},
    {"k=abc\"", "abc"},
    {"k=\"abc", "\"abc"},
    {"k=a=b", "a=b"},
    {"k=v\r", "v"},
};

START_TEST(a_value_reads_as_mha_reads_it)
{
    char text[256];
    struct parsed p;

    snprintf(text, sizeof(text), "[server default]\n%s\n", values[_i][0]);
    parse(&p, text);
    ck_assert_uint_eq(p.mistakes.count, 0);
    ck_assert_str_eq(p.ini.entries->key, "k");
    ck_assert_str_eq(p.ini.entries->value, values[_i][1]);
    ck_assert_str_eq(p.ini.entries->section, "server default");
    ck_assert_uint_eq(p.ini.entries->line, 2);
    parsed_done(&p);
}
END_TEST

START_TEST(every_mistake_is_reported_with_its_line)
{
    struct parsed p;

    parse(&p, "stray=1\n# comment\n[server1\nno equals\n[server1]\n=v\nport=1\n");
    ck_assert_uint_eq(p.mistakes.count, 4);
    ck_assert_str_eq(bt_buf_str(&p.mistakes.text),
                     "t.cnf:1: \"stray\" stands before the first [section]\n"
                     "t.cnf:3: section is not closed by \"]\"\n"
                     "t.cnf:4: expected key=value or [section], found \"no equals\"\n"
                     "t.cnf:6: there is no key before \"=\"\n");
    parsed_done(&p);
}
END_TEST

START_TEST(a_section_that_comes_twice_merges)
{
    struct parsed p;

    parse(&p, "[a]\nx=1\n[b]\n[a]\ny=2\n");
    ck_assert_str_eq(p.ini.sections->name, "a");
    ck_assert_str_eq(p.ini.sections->next->name, "b");
    ck_assert_ptr_null(p.ini.sections->next->next);
    ck_assert_str_eq(p.ini.entries->next->section, "a");
    parsed_done(&p);
}
END_TEST

START_TEST(a_word_that_shares_less_than_half_with_what_was_typed_is_no_guess)
{
    static const char *const names[] = {"log", "stop", "status", "inspect"};

    ck_assert_str_eq(bt_nearest("inspct", names, 4), "inspect");
    ck_assert_str_eq(bt_nearest("statu", names, 4), "status");
    ck_assert_str_eq(bt_nearest("lg", names, 4), "log");
    ck_assert_ptr_null(bt_nearest("foo", names, 4));
    ck_assert_ptr_null(bt_nearest("insert into t", names, 4));
}
END_TEST

BT_SUITE_MAIN("base text",
              {a_word_that_shares_less_than_half_with_what_was_typed_is_no_guess, 0},
              {json_is_separated_and_escaped, 0},
              {times_are_rfc_3339, 0},
              {numbers_are_read_whole_or_not_at_all, 0},
              {a_value_reads_as_mha_reads_it, sizeof(values) / sizeof(values[0])},
              {every_mistake_is_reported_with_its_line, 0},
              {a_section_that_comes_twice_merges, 0})
