/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_read.h"

#include "tests/unit/suite.h"

static int parse(const char *text, struct bt_json_value *ret)
{
    struct bt_err err = {0};

    return bt_json_parse(bt_slice_str(text), ret, &err);
}

START_TEST(what_is_no_json_is_refused)
{
    static const char *const texts[] = {
        "",
        " ",
        "{",
        "}",
        "[",
        "[1",
        "[1,]",
        "[,1]",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\" 1}",
        "\"abc",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"a\nb\"",
        "01",
        "1.",
        ".5",
        "1e",
        "-",
        "+1",
        "nul",
        "truee",
        "1 2",
        "[1] x",
        "[1}",
        "{\"a\":1]",
        "[\"\\",
    };
    struct bt_json_value value;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        ck_assert_msg(parse(texts[i], &value) == -1, "accepted: %s", texts[i]);
}
END_TEST

START_TEST(what_is_json_is_accepted)
{
    static const char *const texts[] = {
        "0",
        "-1.5e+3",
        "\"\"",
        "[]",
        "{}",
        " [ ] ",
        "[[],{}]",
        "{\"a\":[1,2,{\"b\":null}],\"c\":true}",
        "[1,\t2,\n3]",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"",
        "false",
    };
    struct bt_json_value value;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        ck_assert_msg(parse(texts[i], &value) == 0, "refused: %s", texts[i]);
}
END_TEST

START_TEST(nesting_is_bounded)
{
    char deep[200];
    struct bt_json_value value;

    memset(deep, '[', 64);
    memset(deep + 64, ']', 64);
    deep[128] = '\0';
    ck_assert_int_eq(parse(deep, &value), 0);
    memset(deep, '[', 65);
    memset(deep + 65, ']', 65);
    deep[130] = '\0';
    ck_assert_int_eq(parse(deep, &value), -1);
}
END_TEST

START_TEST(members_and_elements_come_in_order)
{
    struct bt_json_value root, list, value;
    struct bt_json_children c;
    struct bt_slice key;
    uint64_t sum = 0, number;

    ck_assert_int_eq(
        parse("{ \"x\" : 1 , \"list\" : [ 10, [99], 20 ] , \"y\":18446744073709551615}", &root), 0);
    ck_assert(bt_json_member(root, "list", &list));
    for (c = bt_json_children(list); bt_json_next(&c, &key, &value);) {
        if (bt_json_get_u64(value, &number))
            sum += number;
    }
    ck_assert_uint_eq(sum, 30);
    ck_assert(bt_json_member(root, "y", &value));
    ck_assert(bt_json_get_u64(value, &number));
    ck_assert_uint_eq(number, UINT64_MAX);
    ck_assert(!bt_json_member(root, "z", &value));
    ck_assert(!bt_json_get_u64(list, &number));
}
END_TEST

START_TEST(escapes_are_undone)
{
    struct bt_arena arena;
    struct bt_json_value value;
    char *text;

    bt_arena_init(&arena, 1 << 16);
    ck_assert_int_eq(parse("\"a\\n\\\"\\u00e9\\u20ac\\ud83d\\ude00\\ud800x\"", &value), 0);
    text = bt_json_get_str(value, &arena);
    ck_assert_str_eq(text, "a\n\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbf\xbdx");
    ck_assert_int_eq(parse("17", &value), 0);
    ck_assert_ptr_null(bt_json_get_str(value, &arena));
    bt_arena_done(&arena);
}
END_TEST

BT_SUITE_MAIN("base json read",
              {what_is_no_json_is_refused, 0},
              {what_is_json_is_accepted, 0},
              {nesting_is_bounded, 0},
              {members_and_elements_come_in_order, 0},
              {escapes_are_undone, 0})
