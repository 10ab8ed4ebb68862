/* SPDX-License-Identifier: Apache-2.0 */
/* Where transactions begin and end, and where they stand in the primary's own logs. */
#include "tests/unit/suite.h"

#include <stdio.h>

#include "parser/crc.h"
#include "parser/reader.h"
#include "parser/transaction.h"
#include "tests/lib/log_builder.h"

enum { PRIMARY = 1, REPLICA = 2, TEXT_MAX = 4096, NAME_MAX_LEN = 64 };

/* What was found, one line a transaction: "gtid kind end start-end@log", "!" before what is not
 * complete, "?" before what was abandoned. */
struct story {
    char text[TEXT_MAX];
    size_t len;
};

static void tell(struct story *s, const char *mark, const struct bt_transaction *t)
{
    char gtid[BT_GTID_TEXT_SIZE];
    int n = snprintf(s->text + s->len, TEXT_MAX - s->len, "%s%s %s %s %s:%llu-%llu\n", mark,
                     bt_gtid_text(&t->gtid, gtid), bt_transaction_kind_name(t->kind),
                     bt_transaction_end_name(t->end_kind), t->primary_start.file,
                     (unsigned long long)t->primary_start.pos,
                     (unsigned long long)t->primary_end.pos);

    ck_assert(n > 0 && (size_t)n < TEXT_MAX - s->len);
    s->len += (size_t)n;
}

static void group(struct bt_grouper *g, struct bt_source *source, struct story *s)
{
    struct bt_reader *r;
    struct bt_event ev;
    struct bt_err err = {0};
    enum bt_group_step step;
    int rc;

    ck_assert_int_eq(bt_reader_open(source, (struct bt_reader_opts){0}, &r, &err), 0);
    while ((rc = bt_reader_next(r, &ev, &err)) == 0) {
        ck_assert_int_eq(bt_grouper_feed(g, &ev, &step, &err), 0);
        if (g->did_abandon)
            tell(s, "?", &g->abandoned);
        if (step == BT_GROUP_END || step == BT_GROUP_WHOLE)
            tell(s, bt_grouper_transaction(g)->complete ? "" : "!", bt_grouper_transaction(g));
        if (step == BT_GROUP_OUTSIDE)
            ck_assert((bt_grouper_transaction(g) != NULL) == g->inside);
    }
    ck_assert_int_eq(rc, 1);
    bt_reader_close(r);
    bt_source_close(source);
}

static struct story group_built(const struct bt_log_builder *b)
{
    struct story s = {0};
    struct bt_grouper g;
    struct bt_source *source;
    struct bt_err err = {0};

    bt_grouper_init(&g, "bin.000001");
    ck_assert_int_eq(
        bt_source_memory_open(bt_buf_slice(&b->bytes), "built", &source, &err), 0);
    group(&g, source, &s);
    return s;
}

/* ---------------------------------------------------------------- recorded */

static const struct {
    const char *folder, *logs; /* one digit a log */
    const char *story;
} recorded[] = {
    {"mariadb-10.11/relay-file/relay", "12345678",
     "0-101-1 ddl statement bin.000001:322-476\n"
     "0-101-2 ddl statement bin.000001:476-647\n"
     "0-101-3 ddl statement bin.000001:647-776\n"
     "0-101-4 ddl statement bin.000001:776-952\n"
     "0-101-5 dml xid bin.000001:952-1178\n"
     "0-101-7 dml xid bin.000001:1373-1561\n"
     "0-101-8 dml xid bin.000002:352-530\n"
     "0-101-9 dml xid bin.000003:344-513\n"
     "0-101-10 ddl statement bin.000004:352-510\n"
     "0-101-11 dml commit bin.000004:510-720\n"
     "0-101-12 ddl statement bin.000004:757-907\n"
     "0-101-13 xa_prepare prepare bin.000004:907-1173\n"
     "0-101-14 xa_commit statement bin.000004:1173-1304\n"},
    {"mysql-5.6/rows/bin", "12",
     " ddl statement bin.000001:120-214\n"
     " ddl statement bin.000001:214-386\n"
     " ddl statement bin.000001:386-500\n"
     " dml xid bin.000001:500-838\n"
     " dml xid bin.000001:838-1128\n"
     " dml xid bin.000001:1128-1385\n"
     " dml commit bin.000001:1385-1670\n"
     " dml commit bin.000001:1670-1955\n"
     " dml xid bin.000001:1955-2236\n"
     " ddl xid bin.000001:2236-2761\n"
     " ddl statement bin.000002:120-239\n"},
    {"mysql-9.7/relay/relay", "1234",
     "6e689b8f-e6b4-11f1-8079-02fc00000001:1 ddl statement bin.000001:158-478\n"
     "6e689b8f-e6b4-11f1-8079-02fc00000001:2 ddl statement bin.000001:478-706\n"
     "6e689b8f-e6b4-11f1-8079-02fc00000001:3 ddl statement bin.000001:706-891\n"
     "6e689b8f-e6b4-11f1-8079-02fc00000001:4 ddl statement bin.000001:891-1114\n"
     "6e689b8f-e6b4-11f1-8079-02fc00000001:5 dml xid bin.000001:1114-1475\n"
     "6e689b8f-e6b4-11f1-8079-02fc00000001:6 dml xid bin.000002:198-528\n"
     "6e689b8f-e6b4-11f1-8079-02fc00000001:7 dml xid bin.000002:528-883\n"},
};

START_TEST(recorded_logs_group_as_their_servers_wrote_them)
{
    struct story s = {0};
    struct bt_grouper g;
    struct bt_err err = {0};
    const char *name = strrchr(recorded[_i].folder, '/') + 1;

    for (size_t n = 0; n < strlen(recorded[_i].logs); n++) {
        char path[512], log[NAME_MAX_LEN];
        struct bt_source *source;

        snprintf(log, sizeof(log), "%s.00000%c", name, recorded[_i].logs[n]);
        snprintf(path, sizeof(path), "%s/%s.00000%c", BT_TESTDATA, recorded[_i].folder,
                 recorded[_i].logs[n]);
        if (n == 0)
            bt_grouper_init(&g, log);
        else
            bt_grouper_next_log(&g, log);
        ck_assert_int_eq(bt_source_file_open(path, &source, &err), 0);
        group(&g, source, &s);
    }
    ck_assert_str_eq(s.text, recorded[_i].story);
}
END_TEST

/* ------------------------------------------------------------------- built */

START_TEST(rows_on_myisam_end_with_commit_and_undone_work_with_rollback)
{
    struct bt_log_builder b;
    struct story s;

    bt_build_binlog(&b, PRIMARY);
    bt_build_gtid(&b, 0, 1, 0);
    bt_build_query(&b, "d", "INSERT INTO m VALUES (1)");
    bt_build_query(&b, "d", "COMMIT");
    bt_build_gtid(&b, 0, 2, 0);
    bt_build_query(&b, "d", "INSERT INTO m VALUES (2)");
    bt_build_query(&b, "d", "ROLLBACK TO `a`");
    bt_build_query(&b, "d", "ROLLBACK");
    s = group_built(&b);
    ck_assert(strstr(s.text, "0-1-1 dml commit") && strstr(s.text, "0-1-2 dml rollback"));
    bt_build_done(&b);
}
END_TEST

START_TEST(create_select_is_one_transaction)
{
    struct bt_log_builder b;
    struct story s;

    bt_build_binlog(&b, PRIMARY);
    bt_build_gtid(&b, 0, 1, BT_GTID_DDL | BT_GTID_TRANSACTIONAL);
    bt_build_query(&b, "d", "CREATE TABLE c (a INT)");
    bt_build_event(&b, BT_TABLE_MAP, PRIMARY, 0, UINT64_MAX, "\x12\0\0\0\0\0\x01\0", 8);
    bt_build_event(&b, BT_WRITE_ROWS_V1, PRIMARY, 0, UINT64_MAX, "\x12\0\0\0\0\0\x01\0\x01\xff",
                   10);
    bt_build_xid(&b, 1);
    s = group_built(&b);
    ck_assert(strncmp(s.text, "0-1-1 ddl xid", 13) == 0);
    ck_assert(strchr(s.text, '\n') == s.text + s.len - 1);
    bt_build_done(&b);
}
END_TEST

START_TEST(a_transaction_cut_by_the_next_one_is_abandoned)
{
    struct bt_log_builder b;
    struct story s;

    bt_build_binlog(&b, PRIMARY);
    bt_build_gtid(&b, 0, 1, BT_GTID_TRANSACTIONAL);
    bt_build_query(&b, "d", "INSERT INTO t VALUES (1)");
    bt_build_transaction(&b, 0, 2, 10);
    s = group_built(&b);
    ck_assert(strncmp(s.text, "?0-1-1 dml unfinished", 21) == 0);
    ck_assert(strstr(s.text, "\n0-1-2 dml xid") != NULL);
    bt_build_done(&b);
}
END_TEST

START_TEST(the_rest_of_a_transaction_whose_begin_is_elsewhere_is_not_complete)
{
    struct bt_log_builder b;
    struct story s;

    bt_build_binlog(&b, PRIMARY);
    bt_build_query(&b, "d", "INSERT INTO t VALUES (1)");
    bt_build_xid(&b, 1);
    bt_build_transaction(&b, 0, 2, 10);
    s = group_built(&b);
    ck_assert(strncmp(s.text, "! dml xid", 9) == 0);
    ck_assert(strstr(s.text, "\n0-1-2 dml xid") != NULL);
    bt_build_done(&b);
}
END_TEST

/* A connection made again in the middle: _i = 1, the primary had been restarted. */
START_TEST(a_transaction_goes_on_behind_a_new_connection_but_not_a_restart)
{
    struct bt_log_builder b;
    struct story s;

    bt_build_relay(&b, REPLICA);
    bt_build_primary(&b, PRIMARY, "bin.000001", 4, true);
    bt_build_gtid(&b, 0, 1, BT_GTID_TRANSACTIONAL);
    bt_build_query(&b, "d", "INSERT INTO t VALUES (1)");
    bt_build_primary(&b, PRIMARY, "bin.000001", b.primary_pos, true);
    if (_i == 1) {
        size_t at = b.bytes.len;

        bt_build_format(&b, PRIMARY, 0, UINT64_MAX, true);
        b.bytes.data[at + 19 + 52] = 1; /* created */
        b.bytes.len -= 4;
        bt_buf_add_le(&b.bytes, bt_crc32(0, bt_slice(b.bytes.data + at, b.bytes.len - at)), 4);
    }
    bt_build_xid(&b, 1);
    s = group_built(&b);
    if (_i == 1)
        ck_assert(strncmp(s.text, "?0-1-1 dml unfinished", 21) == 0 && strstr(s.text, "\n! dml"));
    else
        ck_assert(strncmp(s.text, "0-1-1 dml xid bin.000001:", 25) == 0);
    bt_build_done(&b);
}
END_TEST

START_TEST(positions_go_on_behind_4_gib)
{
    struct bt_log_builder b;
    struct story s;
    char want[128];
    uint64_t start;

    bt_build_relay(&b, REPLICA);
    bt_build_primary(&b, PRIMARY, "bin.000001", (UINT64_C(1) << 32) - 300, true);
    start = b.primary_pos;
    bt_build_transaction(&b, 0, 1, 10);
    ck_assert(start < UINT64_C(1) << 32 && b.primary_pos > UINT64_C(1) << 32);
    s = group_built(&b);
    snprintf(want, sizeof(want), "0-1-1 dml xid bin.000001:%llu-%llu\n", (unsigned long long)start,
             (unsigned long long)b.primary_pos);
    ck_assert_str_eq(s.text, want);
    bt_build_done(&b);
}
END_TEST

START_TEST(a_hole_before_a_transaction_is_not_part_of_it)
{
    struct bt_log_builder b;
    struct story s;
    char want[128];
    uint64_t start;

    bt_build_relay(&b, REPLICA);
    bt_build_primary(&b, PRIMARY, "bin.000001", 4, true);
    b.primary_pos += 1000; /* of the replica's own server id: never sent */
    start = b.primary_pos;
    bt_build_transaction(&b, 0, 1, 10);
    s = group_built(&b);
    snprintf(want, sizeof(want), "0-1-1 dml xid bin.000001:%llu-%llu\n", (unsigned long long)start,
             (unsigned long long)b.primary_pos);
    ck_assert_str_eq(s.text, want);
    bt_build_done(&b);
}
END_TEST

/* ------------------------------------------------------------------- names */

static const struct {
    const char *a, *b;
    int order;
} names[] = {
    {"bin.000009", "bin.000010", -1},
    {"bin.999999", "bin.1000000", -1},
    {"bin.000001", "bin.000001", 0},
    {"bin.000002", "bin.000001", 1},
    {"a.000002", "b.000001", -1},
    {"bin", "bin.000001", -1},
    {"", "bin.000001", -1},
};

START_TEST(logs_are_ordered_by_number_never_by_text)
{
    struct bt_coordinate a = {.pos = 5}, b = {.pos = 4};

    snprintf(a.file, sizeof(a.file), "%s", names[_i].a);
    snprintf(b.file, sizeof(b.file), "%s", names[_i].b);
    ck_assert_int_eq(bt_log_name_compare(a.file, b.file), names[_i].order);
    ck_assert_int_eq(bt_log_name_compare(b.file, a.file), -names[_i].order);
    ck_assert_int_eq(bt_coordinate_compare(&a, &b), names[_i].order ? names[_i].order : 1);
}
END_TEST

BT_SUITE_MAIN("parser transaction",
              {recorded_logs_group_as_their_servers_wrote_them,
               sizeof(recorded) / sizeof(recorded[0])},
              {rows_on_myisam_end_with_commit_and_undone_work_with_rollback, 0},
              {create_select_is_one_transaction, 0},
              {a_transaction_cut_by_the_next_one_is_abandoned, 0},
              {the_rest_of_a_transaction_whose_begin_is_elsewhere_is_not_complete, 0},
              {a_transaction_goes_on_behind_a_new_connection_but_not_a_restart, 2},
              {positions_go_on_behind_4_gib, 0},
              {a_hole_before_a_transaction_is_not_part_of_it, 0},
              {logs_are_ordered_by_number_never_by_text, sizeof(names) / sizeof(names[0])})
