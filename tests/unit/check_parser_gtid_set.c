/* SPDX-License-Identifier: Apache-2.0 */
/* MySQL GTID sets: the server's notation and its algebra. */
#include "tests/unit/suite.h"

#include "parser/gtid_set.h"

#define A "3e11fa47-71ca-11e1-9e33-c80aa9429562"
#define B "4e11fa47-71ca-11e1-9e33-c80aa9429562"

static struct bt_gtid_set parsed(const char *text)
{
    struct bt_gtid_set s = {0};
    struct bt_err err = {0};

    ck_assert_msg(bt_gtid_set_parse(bt_slice_str(text), &s, &err) == 0, "%s", err.text);
    return s;
}

static void assert_text(const struct bt_gtid_set *s, const char *want)
{
    bt_auto_buf struct bt_buf out;

    bt_buf_init(&out, 1 << 20);
    bt_gtid_set_text(s, &out);
    ck_assert_str_eq(bt_buf_str(&out), want);
}

static const struct {
    const char *text, *normal;
} texts[] = {
    {"", ""},
    {" , ,\n", ""},
    {A ":1", A ":1"},
    {A, ""},
    {A ":5-3", ""},
    {A ":1-0:7", A ":7"},
    {A ":1:2:3", A ":1-3"},
    {A ":9:1-3:5-7:4", A ":1-7:9"},
    {A ":5-9:1-20:3", A ":1-20"},
    {" " B " : 1 - 3 , \n" A ":7", A ":7," B ":1-3"},
    {"3E11FA47-71CA-11E1-9E33-C80AA9429562:1-9223372036854775806", A ":1-9223372036854775806"},
    {A ":1-3," A ":4," A ":8", A ":1-4:8"},
    {A ":tag_b:5:1-2:TAG_A:9," A ":3", A ":3:tag_a:9:tag_b:1-2:5"},
    {A ":1:_x9:1," A ":_x9:2", A ":1:_x9:1-2"},
    {A ":tag:", NULL},
    {A ":x-y:1", NULL},
    {A ":tag", ""},
    {A ":0", NULL},
    {A ":1-", NULL},
    {A ":-1", NULL},
    {A ":1x", NULL},
    {A ":9223372036854775807", NULL},
    {A ":1-9223372036854775807", NULL},
    {A ":18446744073709551617", NULL},
    {A ":a234567890123456789012345678901_3:1", NULL},
    {A ":1 " B ":2", NULL},
    {"3e11fa47-71ca-11e1-9e33-c80aa942956", NULL},
    {"3e11fa47071ca-11e1-9e33-c80aa9429562:1", NULL},
    {"3e11fa47-71ca-11e1-9e33-c80aa942956g:1", NULL},
    {"0-1-2", NULL},
    {"x", NULL},
};

START_TEST(text_is_read_as_the_server_reads_it_and_printed_sorted)
{
    struct bt_gtid_set s = {0};
    struct bt_err err = {0};
    int result = bt_gtid_set_parse(bt_slice_str(texts[_i].text), &s, &err);

    if (!texts[_i].normal) {
        ck_assert_int_eq(result, -1);
        ck_assert_int_eq(err.kind, BT_ERR_USAGE);
        return;
    }
    ck_assert_msg(result == 0, "%s", err.text);
    assert_text(&s, texts[_i].normal);
    bt_gtid_set_done(&s);
}
END_TEST

static const struct {
    const char *a, *b, *sum, *rest;
    bool contains, intersects;
} pairs[] = {
    {"", "", "", "", true, false},
    {A ":1-5", "", A ":1-5", A ":1-5", true, false},
    {"", A ":1-5", A ":1-5", "", false, false},
    {A ":1-5", A ":1-5", A ":1-5", "", true, true},
    {A ":1-5", A ":6", A ":1-6", A ":1-5", false, false},
    {A ":1-9", A ":3-4:6", A ":1-9", A ":1-2:5:7-9", true, true},
    {A ":3-4:6", A ":1-9", A ":1-9", "", false, true},
    {A ":1-5:10-15", A ":4-11", A ":1-15", A ":1-3:12-15", false, true},
    {A ":1:3:5", A ":2:4", A ":1-5", A ":1:3:5", false, false},
    {A ":1-5", B ":1-5", A ":1-5," B ":1-5", A ":1-5", false, false},
    {A ":1-5:t:1-3", A ":t:2", A ":1-5:t:1-3", A ":1-5:t:1:3", true, true},
    {A ":1-5," B ":7", A ":t:2," B ":7", A ":1-5:t:2," B ":7", A ":1-5", false, true},
    {A ":1-9223372036854775806", A ":9223372036854775806", A ":1-9223372036854775806",
     A ":1-9223372036854775805", true, true},
};

START_TEST(sets_are_united_subtracted_and_compared)
{
    struct bt_gtid_set a = parsed(pairs[_i].a), b = parsed(pairs[_i].b), sum = parsed(pairs[_i].a);
    struct bt_err err = {0};

    ck_assert_int_eq(bt_gtid_set_contains(&a, &b), pairs[_i].contains);
    ck_assert_int_eq(bt_gtid_set_intersects(&a, &b), pairs[_i].intersects);
    ck_assert_int_eq(bt_gtid_set_intersects(&b, &a), pairs[_i].intersects);
    ck_assert_int_eq(bt_gtid_set_unite(&sum, &b, &err), 0);
    assert_text(&sum, pairs[_i].sum);
    ck_assert(bt_gtid_set_contains(&sum, &a) && bt_gtid_set_contains(&sum, &b));
    ck_assert_int_eq(bt_gtid_set_equal(&sum, &a), pairs[_i].contains);
    ck_assert_int_eq(bt_gtid_set_subtract(&a, &b, &err), 0);
    assert_text(&a, pairs[_i].rest);
    ck_assert(!bt_gtid_set_intersects(&a, &b));
    ck_assert_int_eq(bt_gtid_set_is_empty(&a), pairs[_i].rest[0] == '\0');
    bt_gtid_set_done(&a);
    bt_gtid_set_done(&b);
    bt_gtid_set_done(&sum);
}
END_TEST

/* _i: seed.  Numbers 1 to 63 as bits of a word are the model. */
START_TEST(numbers_added_one_by_one_agree_with_a_bitmap)
{
    struct bt_gtid gtid = {.kind = BT_GTID_MYSQL};
    struct bt_gtid_set s = {0};
    struct bt_err err = {0};
    uint64_t model = 0, state = (uint64_t)_i * 2654435761u + 1;
    uint64_t intervals;

    for (int n = 0; n < 40; n++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        gtid.sequence = 1 + (state >> 33) % 62;
        model |= 1ull << gtid.sequence;
        ck_assert_int_eq(bt_gtid_set_add(&s, &gtid, &err), 0);
    }
    for (gtid.sequence = 1; gtid.sequence < 64; gtid.sequence++)
        ck_assert_int_eq(bt_gtid_set_has(&s, &gtid), model >> gtid.sequence & 1);
    intervals = (uint64_t)__builtin_popcountll(model & ~(model << 1));
    ck_assert_uint_eq(s.ranges[0].count, intervals);
    ck_assert_uint_eq(bt_gtid_set_size(&s), (uint64_t)__builtin_popcountll(model));
    bt_gtid_set_done(&s);
}
END_TEST

START_TEST(numbers_that_no_server_gives_are_refused)
{
    struct bt_gtid gtid = {.kind = BT_GTID_MYSQL, .sequence = 0};
    struct bt_gtid_set s = {0};
    struct bt_err err = {0};

    ck_assert_int_eq(bt_gtid_set_add(&s, &gtid, &err), -1);
    gtid.sequence = BT_GTID_NUMBER_MAX + 1;
    ck_assert_int_eq(bt_gtid_set_add(&s, &gtid, &err), -1);
    gtid.sequence = 1;
    gtid.kind = BT_GTID_MARIADB;
    ck_assert_int_eq(bt_gtid_set_add(&s, &gtid, &err), -1);
    ck_assert(bt_gtid_set_is_empty(&s));
}
END_TEST

/* clang-format off */
#define UUID_A 0x3e, 0x11, 0xfa, 0x47, 0x71, 0xca, 0x11, 0xe1, 0x9e, 0x33, 0xc8, 0x0a, 0xa9, 0x42, 0x95, 0x62
static const uint8_t old_form[] = {
    1, 0, 0, 0, 0, 0, 0, 0, UUID_A, 2, 0, 0, 0, 0, 0, 0, 0,
    1, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0,
    9, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0,
};
static const uint8_t tagged_form[] = {
    1, 2, 0, 0, 0, 0, 0, 1,
    UUID_A, 0 << 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0,
    UUID_A, 3 << 1, 't', 'a', 'g', 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0,
};
/* clang-format on */

START_TEST(previous_gtids_are_read_in_both_forms)
{
    struct bt_event ev = {.body = {old_form, sizeof(old_form)}};
    struct bt_gtid_set s = {0};
    struct bt_err err = {0};
    static const uint8_t none[8] = {0};

    ck_assert_msg(bt_previous_gtids_read(&ev, &s, &err) == 0, "%s", err.text);
    assert_text(&s, A ":1-5:9");
    bt_gtid_set_done(&s);
    ev.body = bt_slice(tagged_form, sizeof(tagged_form));
    ck_assert_msg(bt_previous_gtids_read(&ev, &s, &err) == 0, "%s", err.text);
    assert_text(&s, A ":1-5:tag:2");
    bt_gtid_set_done(&s);
    ev.body = bt_slice(none, sizeof(none));
    ck_assert_msg(bt_previous_gtids_read(&ev, &s, &err) == 0, "%s", err.text);
    ck_assert(bt_gtid_set_is_empty(&s));
}
END_TEST

/* _i: every length both forms can be cut to. */
START_TEST(previous_gtids_cut_anywhere_are_refused)
{
    bool is_old = (size_t)_i < sizeof(old_form);
    size_t len = is_old ? (size_t)_i : (size_t)_i - sizeof(old_form);
    uint8_t *exact = malloc(len + 1);
    struct bt_event ev = {.body = {exact, len}};
    struct bt_gtid_set s = {0};
    struct bt_err err = {0};

    memcpy(exact, is_old ? old_form : tagged_form, len);
    ck_assert_int_eq(bt_previous_gtids_read(&ev, &s, &err), -1);
    ck_assert_int_eq(err.kind, BT_ERR_CORRUPT);
    free(exact);
}
END_TEST

START_TEST(counts_that_lie_are_refused_without_memory)
{
    uint8_t lying[sizeof(old_form)];
    struct bt_event ev = {.body = {lying, sizeof(lying)}};
    struct bt_gtid_set s = {0};
    struct bt_err err = {0};

    memcpy(lying, old_form, sizeof(lying));
    memset(lying, 0xff, 6); /* uuids */
    ck_assert_int_eq(bt_previous_gtids_read(&ev, &s, &err), -1);
    memcpy(lying, old_form, sizeof(lying));
    memset(lying + 24, 0xff, 8); /* intervals: times 16 this wraps around */
    ck_assert_int_eq(bt_previous_gtids_read(&ev, &s, &err), -1);
    memcpy(lying, old_form, sizeof(lying));
    lying[40] = 1; /* 1 to 0 */
    ck_assert_int_eq(bt_previous_gtids_read(&ev, &s, &err), -1);
}
END_TEST

BT_SUITE_MAIN("parser gtid set",
              {text_is_read_as_the_server_reads_it_and_printed_sorted,
               sizeof(texts) / sizeof(texts[0])},
              {sets_are_united_subtracted_and_compared, sizeof(pairs) / sizeof(pairs[0])},
              {numbers_added_one_by_one_agree_with_a_bitmap, 50},
              {numbers_that_no_server_gives_are_refused, 0},
              {previous_gtids_are_read_in_both_forms, 0},
              {previous_gtids_cut_anywhere_are_refused, sizeof(old_form) + sizeof(tagged_form)},
              {counts_that_lie_are_refused_without_memory, 0})
