/* SPDX-License-Identifier: Apache-2.0 */
/* GTIDs in the servers' notations and events, and MariaDB's state of them. */
#include "tests/unit/suite.h"

#include "parser/format.h"
#include "parser/gtid.h"

#define BYTES(literal) literal, sizeof(literal) - 1
#define UUID "3e11fa47-71ca-11e1-9e33-c80aa9429562"

static const struct {
    const char *text, *printed; /* printed NULL: refused */
} texts[] = {
    {"0-1-7", "0-1-7"},
    {"4294967295-4294967295-18446744073709551615", "4294967295-4294967295-18446744073709551615"},
    {UUID ":9", UUID ":9"},
    {"3E11FA47-71CA-11E1-9E33-C80AA9429562:Tag_1:9", UUID ":tag_1:9"},
    {"4294967296-1-7", NULL},
    {"0-1", NULL},
    {"0-1-", NULL},
    {"0-1-7 ", NULL},
    {"-0-1-7", NULL},
    {UUID, NULL},
    {UUID ":0", NULL},
    {UUID ":1-5", NULL},
    {UUID ":1tag:5", NULL},
    {UUID ":a-b:5", NULL},
    {UUID ":a23456789012345678901234567890123:5", NULL},
    {"3e11fa4771ca11e19e33c80aa9429562:9", NULL},
    {"", NULL},
};

START_TEST(the_servers_notation_is_read_strictly_and_printed_back)
{
    struct bt_gtid gtid;
    struct bt_err err = {0};
    char out[BT_GTID_TEXT_SIZE];
    int rc = bt_gtid_parse(bt_slice_str(texts[_i].text), &gtid, &err);

    ck_assert_msg((rc == 0) == (texts[_i].printed != NULL), "%s", texts[_i].text);
    if (rc == 0)
        ck_assert_str_eq(bt_gtid_text(&gtid, out), texts[_i].printed);
    else
        ck_assert_int_eq(err.kind, BT_ERR_CONFIG);
}
END_TEST

/* ------------------------------------------------------------------ events */

static int read_event(uint8_t type, const char *bytes, size_t len, struct bt_gtid_event *ret)
{
    static const struct bt_format format;
    struct bt_event ev = {.type = type, .format = &format, .body = bt_slice(bytes, len)};
    struct bt_err err = {0};

    ev.header.server_id = 101;
    return bt_gtid_event_read(&ev, ret, &err);
}

START_TEST(mariadbs_event_holds_what_its_flags_announce)
{
    struct bt_gtid_event g;
    char out[BT_GTID_TEXT_SIZE];

    ck_assert_int_eq(read_event(BT_MARIADB_GTID,
                                BYTES("\x05\0\0\0\0\0\0\0\x02\0\0\0\x0c\0\0\0\0\0\0"), &g),
                     0);
    ck_assert_str_eq(bt_gtid_text(&g.gtid, out), "2-101-5");
    ck_assert(g.flags == (BT_GTID_TRANSACTIONAL | BT_GTID_ALLOW_PARALLEL) && g.xid.len == 0);
    /* Group commit and XA together: libmariadb's own reader loses the XID here. */
    ck_assert_int_eq(read_event(BT_MARIADB_GTID,
                                BYTES("\x05\0\0\0\0\0\0\0\x02\0\0\0\x42\x09\0\0\0\0\0\0\0"
                                      "\x01\0\0\0\x02\x01"
                                      "abc\x01\xff"),
                                &g),
                     0);
    ck_assert(g.commit_id == 9 && g.xid.len == 9 && g.flags_extra == BT_GTID_MULTI_ENGINE);
    ck_assert_int_eq(read_event(BT_MARIADB_GTID,
                                BYTES("\x05\0\0\0\0\0\0\0\x02\0\0\0\x29\x14\x07\0\0\0\0\0\0\0"
                                      "\x2a\0\0\0"),
                                &g),
                     0);
    ck_assert(g.alter_seq == 7 && g.thread_id == 42);
}
END_TEST

START_TEST(mysqls_event_is_read_as_far_as_its_version_wrote_it)
{
    static const char whole[] = "\x01"
                                "0123456789abcdef"
                                "\x09\0\0\0\0\0\0\0\x02\x01\0\0\0\0\0\0\0"
                                "\x02\0\0\0\0\0\0\0\x40\x42\x0f\0\0\0\x80\x41\x42\x0f\0\0\0\0"
                                "\xfc\x2c\x01\xba\x38\x01\x80\xb9\x38\x01\0";
    struct bt_gtid_event g;

    ck_assert_int_eq(read_event(BT_GTID, whole, 25, &g), 0); /* 5.6 */
    ck_assert(g.gtid.kind == BT_GTID_MYSQL && g.gtid.sequence == 9 && g.sequence_number == 0);
    ck_assert_int_eq(read_event(BT_GTID, whole, 42, &g), 0); /* 5.7 */
    ck_assert(g.last_committed == 1 && g.sequence_number == 2 && g.immediate_commit_us == 0);
    ck_assert_int_eq(read_event(BT_GTID, whole, sizeof(whole) - 1, &g), 0);
    ck_assert(g.immediate_commit_us == 1000000 && g.original_commit_us == 1000001);
    ck_assert(g.transaction_length == 300 && g.immediate_version == 80058 &&
              g.original_version == 80057);
    ck_assert_int_eq(read_event(BT_ANONYMOUS_GTID, whole, sizeof(whole) - 1, &g), 0);
    ck_assert(g.gtid.kind == BT_GTID_NONE && g.transaction_length == 300);
}
END_TEST

/* As MySQL 9.7 writes it (testdata/mysql-9.7/rows), cut behind each byte by _i. */
static const char tagged[] =
    "\x02\x78\0\0\0\x02\x65\x02\x5c\x8d\x02\x79\x02\x99\x03\xd1\x02\x22\xc5\x03\x25"
    "\x02\xdc\x04\xf1\x03\0\0\0\x02\x04\x04\x06\x0ctagged";
enum { TAGGED_SIZE = sizeof(tagged) - 1 };

START_TEST(a_tagged_event_is_a_message_of_fields_or_refused)
{
    struct bt_gtid_event g;
    char *exact = malloc((size_t)_i + 1);

    memcpy(exact, tagged, (size_t)_i);
    if (_i == TAGGED_SIZE)
        ck_assert_int_eq(read_event(BT_GTID_TAGGED, exact, (size_t)_i, &g), 0);
    else
        (void)!read_event(BT_GTID_TAGGED, exact, (size_t)_i, &g);
    free(exact);
    if (_i == TAGGED_SIZE) {
        char out[BT_GTID_TEXT_SIZE];

        ck_assert_str_eq(bt_gtid_text(&g.gtid, out),
                         "992ea39e-e6b4-11f1-896e-02fc00000001:tagged:1");
    }
    ck_assert_int_eq(read_event(BT_GTID_TAGGED, BYTES(""), &g), -1);
    ck_assert_int_eq(read_event(BT_GTID_TAGGED, BYTES("\x02\x40\0\0\x04"), &g), -1);
    /* A field that we do not know, and that its writer says must be known. */
    ck_assert_int_eq(read_event(BT_GTID_TAGGED, BYTES("\x02\x40\x60\x04\x14\x50\x02"), &g), -1);
}
END_TEST

/* ------------------------------------------------------------------- state */

START_TEST(a_state_knows_the_last_of_each_domain)
{
    struct bt_gtid_state s;
    struct bt_err err = {0};
    struct bt_gtid gtid;
    struct bt_buf out;

    ck_assert_int_eq(bt_gtid_state_parse(bt_slice_str(" 1-2-7, 0-1-5,0-2-6\n"), &s, &err), 0);
    ck_assert_uint_eq(s.count, 3);
    ck_assert_int_eq(bt_gtid_parse(bt_slice_str("0-1-8"), &gtid, &err), 0);
    ck_assert(!bt_gtid_state_has(&s, &gtid));
    ck_assert_int_eq(bt_gtid_state_update(&s, &gtid, &err), 0);
    ck_assert_uint_eq(s.count, 3);
    ck_assert(bt_gtid_state_has(&s, &gtid));
    ck_assert_uint_eq(bt_gtid_state_last(&s, 0)->server_id, 1);
    ck_assert(bt_gtid_state_last(&s, 9) == NULL);
    bt_buf_init(&out, 256);
    bt_gtid_state_text(&s, &out);
    ck_assert_str_eq(bt_buf_str(&out), "0-1-8,1-2-7");
    bt_buf_done(&out);
    bt_gtid_state_done(&s);
    ck_assert_int_eq(bt_gtid_state_parse(bt_slice_str("0-1-5,,"), &s, &err), -1);
    ck_assert_int_eq(bt_gtid_state_parse(bt_slice_str(UUID ":9"), &s, &err), -1);
    ck_assert_int_eq(bt_gtid_state_parse(bt_slice_str(""), &s, &err), 0);
    ck_assert_uint_eq(s.count, 0);
}
END_TEST

BT_SUITE_MAIN("parser gtid",
              {the_servers_notation_is_read_strictly_and_printed_back,
               sizeof(texts) / sizeof(texts[0])},
              {mariadbs_event_holds_what_its_flags_announce, 0},
              {mysqls_event_is_read_as_far_as_its_version_wrote_it, 0},
              {a_tagged_event_is_a_message_of_fields_or_refused, TAGGED_SIZE + 1},
              {a_state_knows_the_last_of_each_domain, 0})
