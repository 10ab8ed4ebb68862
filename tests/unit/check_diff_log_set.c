/* SPDX-License-Identifier: Apache-2.0 */
/* Which logs a directory has, and what its .info files say. */
#include "diff/log_set.h"

#include "tests/unit/suite.h"
#include "tests/lib/log_builder.h"

/* A binary and a relay log of nothing but their heads. */
struct heads {
    struct bt_log_builder binlog, relay;
};

static void heads_init(struct heads *h)
{
    bt_build_binlog(&h->binlog, 1);
    bt_build_relay(&h->relay, 2);
}

static void heads_done(struct heads *h)
{
    bt_build_done(&h->binlog);
    bt_build_done(&h->relay);
}

static struct bt_slice binlog_of(const struct heads *h)
{
    return bt_buf_slice(&h->binlog.bytes);
}

static struct bt_slice relay_of(const struct heads *h)
{
    return bt_buf_slice(&h->relay.bytes);
}

/* "a.000001 a.000002!": ! marks what is missing. */
static const char *names_of(const struct bt_log_set *set)
{
    static char text[1024];
    size_t at = 0;

    text[0] = '\0';
    for (size_t i = 0; i < set->count && at < sizeof(text); i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s%s", i ? " " : "",
                               set->logs[i].name, set->logs[i].missing ? "!" : "");
    return text;
}

START_TEST(without_an_index_the_number_orders_whatever_its_digits)
{
    struct bt_built_home files = {0};
    struct bt_log_home *home;
    struct heads h;

    heads_init(&h);
    bt_built_add(&files, "db1.example.com-bin.1000000", binlog_of(&h));
    bt_built_add(&files, "db1.example.com-bin.000009", binlog_of(&h));
    bt_built_add(&files, "db1.example.com-bin.999999", binlog_of(&h));
    bt_built_add(&files, "db1.example.com-bin.000010", binlog_of(&h));
    home = bt_built_open(&files);
    ck_assert_uint_eq(home->set_count, 1);
    ck_assert_str_eq(home->sets[0].base, "db1.example.com-bin");
    ck_assert_str_eq(names_of(&home->sets[0]),
                     "db1.example.com-bin.000009 db1.example.com-bin.000010 "
                     "db1.example.com-bin.000011! "
                     "db1.example.com-bin.999999 db1.example.com-bin.1000000");
    bt_log_home_close(home);
    heads_done(&h);
}
END_TEST

START_TEST(files_beside_logs_are_not_taken_for_logs)
{
    struct bt_built_home files = {0};
    struct bt_log_home *home;
    struct heads h;

    heads_init(&h);
    bt_built_add(&files, "bin.000001", binlog_of(&h));
    bt_built_add(&files, "bin.000001.idx", bt_slice_str("GTID index"));
    bt_built_add(&files, "bin.state", bt_slice_str("0-1-1"));
    bt_built_add(&files, "bin.0000", binlog_of(&h));
    bt_built_add(&files, "#binlog_cache_files", binlog_of(&h));
    bt_built_add(&files, "dump.000001", bt_slice_str("CREATE TABLE t (a INT)"));
    bt_built_add(&files, "relay-bin.000004", relay_of(&h));
    bt_built_add(&files, "relay-bin.000005", bt_slice_empty());
    home = bt_built_open(&files);
    ck_assert_uint_eq(home->set_count, 2);
    ck_assert_str_eq(names_of(bt_log_home_find(home, BT_LOG_KIND_BINLOG, NULL)), "bin.000001");
    ck_assert_str_eq(names_of(bt_log_home_find(home, BT_LOG_KIND_RELAY, NULL)),
                     "relay-bin.000004 relay-bin.000005");
    ck_assert_ptr_nonnull(strstr(bt_buf_str(&home->notes), "dump.000001"));
    bt_log_home_close(home);
    heads_done(&h);
}
END_TEST

START_TEST(an_index_names_what_is_missing_and_leaves_out_what_is_stale)
{
    struct bt_built_home files = {0};
    struct bt_log_home *home;
    struct heads h;

    heads_init(&h);
    bt_built_add(
        &files, "bin.index",
        bt_slice_str("/var/log/mysql/bin.000003\n./bin.000004\n/gone/bin.000005\nbin.000006\n"));
    bt_built_add(&files, "bin.000002", binlog_of(&h)); /* purged from the index, left on disk */
    bt_built_add(&files, "bin.000003", binlog_of(&h));
    bt_built_add(&files, "bin.000004", binlog_of(&h));
    bt_built_add(&files, "bin.000006", binlog_of(&h));
    bt_built_add(&files, "bin.000009", binlog_of(&h)); /* of another life of this server */
    home = bt_built_open(&files);
    ck_assert_uint_eq(home->set_count, 1);
    ck_assert_str_eq(names_of(&home->sets[0]), "bin.000003 bin.000004 bin.000005! bin.000006");
    ck_assert_ptr_nonnull(strstr(bt_buf_str(&home->notes), "bin.000005\", which is not there"));
    ck_assert_ptr_nonnull(
        strstr(bt_buf_str(&home->notes), "\"bin.000002\" is not in \"bin.index\""));
    ck_assert_ptr_nonnull(
        strstr(bt_buf_str(&home->notes), "\"bin.000009\" is not in \"bin.index\""));
    bt_log_home_close(home);
    heads_done(&h);
}
END_TEST

START_TEST(a_log_that_the_last_indexed_one_rotates_to_belongs_to_the_set)
{
    struct bt_built_home files = {0};
    struct bt_log_builder last;
    struct bt_log_home *home;
    struct heads h;

    heads_init(&h);
    bt_build_binlog(&last, 1);
    bt_build_rotate(&last, 1, 0, "bin.000003", 4);
    bt_built_add(&files, "bin.index", bt_slice_str("./bin.000002\n"));
    bt_built_add(&files, "bin.000002", bt_buf_slice(&last.bytes));
    bt_built_add(&files, "bin.000003", binlog_of(&h));
    home = bt_built_open(&files);
    ck_assert_str_eq(names_of(&home->sets[0]), "bin.000002 bin.000003");
    bt_log_home_close(home);
    bt_build_done(&last);
    heads_done(&h);
}
END_TEST

START_TEST(an_index_out_of_order_is_put_right_and_said_so)
{
    struct bt_built_home files = {0};
    struct bt_log_home *home;
    struct heads h;

    heads_init(&h);
    bt_built_add(&files, "bin.index",
                 bt_slice_str("./bin.000002\n./bin.000001\nnonsense\n./bin.000002\n"));
    bt_built_add(&files, "bin.000001", binlog_of(&h));
    bt_built_add(&files, "bin.000002", binlog_of(&h));
    home = bt_built_open(&files);
    ck_assert_str_eq(names_of(&home->sets[0]), "bin.000001 bin.000002");
    ck_assert_ptr_nonnull(strstr(bt_buf_str(&home->notes), "not in numeric order"));
    ck_assert_ptr_nonnull(strstr(bt_buf_str(&home->notes), "nonsense"));
    bt_log_home_close(home);
    heads_done(&h);
}
END_TEST

START_TEST(a_log_between_two_belongs_to_the_set_whether_it_is_named_good_or_there)
{
    struct bt_built_home files = {0};
    struct bt_log_home *home;
    struct heads h;

    heads_init(&h);
    bt_built_add(&files, "bin.index", bt_slice_str("./bin.000002\n./bin.000007\n"));
    bt_built_add(&files, "bin.000001", binlog_of(&h));
    bt_built_add(&files, "bin.000002", binlog_of(&h));
    bt_built_add(&files, "bin.000003", bt_slice_str("not a log any more"));
    bt_built_add(&files, "bin.000007", binlog_of(&h));
    bt_built_add(&files, "other.000001", binlog_of(&h));
    bt_built_add(&files, "other.000002", bt_slice_str("not a log any more"));
    home = bt_built_open(&files);
    ck_assert_uint_eq(home->set_count, 2);
    ck_assert_str_eq(names_of(&home->sets[0]), "bin.000002 bin.000003 bin.000004! bin.000007");
    ck_assert_str_eq(names_of(&home->sets[1]), "other.000001 other.000002");
    ck_assert_ptr_nonnull(strstr(bt_buf_str(&home->notes), "logs before and behind it are"));
    ck_assert_ptr_nonnull(strstr(bt_buf_str(&home->notes), "\"bin.000004\" is not there"));
    bt_log_home_close(home);
    heads_done(&h);
}
END_TEST

START_TEST(a_log_of_another_server_that_an_index_names_is_not_used)
{
    struct bt_built_home files = {0};
    struct bt_log_builder foreign;
    struct bt_log_home *home;
    struct heads h;

    heads_init(&h);
    bt_build_binlog(&foreign, 3);
    bt_built_add(&files, "bin.index",
                 bt_slice_str("./bin.000001\n/moved/bin.000002\n/foreign/bin.000003\n"));
    bt_built_add(&files, "bin.000001", binlog_of(&h));
    bt_built_add(&files, "/moved/bin.000002", binlog_of(&h));
    bt_built_add(&files, "/foreign/bin.000003", bt_buf_slice(&foreign.bytes));
    home = bt_built_open(&files);
    ck_assert_str_eq(names_of(&home->sets[0]), "bin.000001 bin.000002 bin.000003!");
    ck_assert_ptr_nonnull(
        strstr(bt_buf_str(&home->notes), "\"/foreign/bin.000003\" is no log of this server"));
    bt_log_home_close(home);
    bt_build_done(&foreign);
    heads_done(&h);
}
END_TEST

START_TEST(each_connection_has_its_own_relay_logs_and_progress)
{
    struct bt_built_home files = {0};
    const struct bt_log_set *set;
    struct bt_log_home *home;
    struct heads h;

    heads_init(&h);
    bt_built_add(&files, "relay-bin-conn2.000007", relay_of(&h));
    bt_built_add(&files, "relay-bin.000003", relay_of(&h));
    bt_built_add(&files, "relay-log.info",
                 bt_slice_str("5\n./relay-bin.000003\n700\nbin.000001\n600\n0\n"));
    bt_built_add(&files, "relay-log-conn2.info",
                 bt_slice_str("5\n./relay-bin-conn2.000007\n70\nother.000009\n60\n0\n"));
    home = bt_built_open(&files);
    set = bt_log_home_find(home, BT_LOG_KIND_RELAY, NULL);
    ck_assert_str_eq(set->base, "relay-bin");
    ck_assert_str_eq(bt_log_home_relay_info(home, set)->executed.file, "bin.000001");
    set = bt_log_home_find(home, BT_LOG_KIND_RELAY, "relay-bin-conn2");
    ck_assert_str_eq(set->connection, "conn2");
    ck_assert_uint_eq(bt_log_home_relay_info(home, set)->executed.pos, 60);
    bt_log_home_close(home);
    heads_done(&h);
}
END_TEST

START_TEST(info_files_are_read_in_the_old_and_the_new_form)
{
    struct bt_relay_info relay;
    struct bt_source_info source;
    struct bt_err err = {0};

    ck_assert_int_eq(bt_relay_info_parse(bt_slice_str("/data/r-bin.000002\n411\nbin.000001\n320\n"),
                                         &relay, &err),
                     0);
    ck_assert_str_eq(relay.relay_log, "r-bin.000002");
    ck_assert_uint_eq(relay.relay_pos, 411);
    ck_assert_str_eq(relay.executed.file, "bin.000001");
    ck_assert_uint_eq(relay.executed.pos, 320);
    ck_assert_int_eq(
        bt_relay_info_parse(bt_slice_str("5\n./r.000002\n411\nbin.000001\n"), &relay, &err), -1);
    ck_assert_int_eq(
        bt_relay_info_parse(bt_slice_str("5\n./r.000002\nx\nbin.000001\n7\n"), &relay, &err), -1);
    ck_assert_int_eq(bt_source_info_parse(
                         bt_slice_str("33\nbin.000007\n4242\n10.0.0.1\nrep\nGeheim!\n3307\n60\n\n\n"
                                      "using_gtid=2\nEND_MARKER\n"),
                         &source, &err),
                     0);
    ck_assert_str_eq(source.received.file, "bin.000007");
    ck_assert_uint_eq(source.received.pos, 4242);
    ck_assert_str_eq(source.host, "10.0.0.1");
    ck_assert_str_eq(source.user, "rep");
    ck_assert_uint_eq(source.port, 3307);
    ck_assert_int_eq(source.using_gtid, 2);
}
END_TEST

START_TEST(a_password_never_stands_in_an_error)
{
    struct bt_source_info source;
    struct bt_err err = {0};

    /* A file cut by a line: the password stands where the port should be. */
    ck_assert_int_eq(bt_source_info_parse(
                         bt_slice_str("33\nbin.000007\n4242\n10.0.0.1\nrep\nGeheim!\nGeheim!\n"),
                         &source, &err),
                     -1);
    ck_assert_ptr_null(strstr(err.text, "Geheim"));
}
END_TEST

BT_SUITE_MAIN("diff log set",
              {without_an_index_the_number_orders_whatever_its_digits, 0},
              {files_beside_logs_are_not_taken_for_logs, 0},
              {an_index_names_what_is_missing_and_leaves_out_what_is_stale, 0},
              {a_log_that_the_last_indexed_one_rotates_to_belongs_to_the_set, 0},
              {an_index_out_of_order_is_put_right_and_said_so, 0},
              {a_log_between_two_belongs_to_the_set_whether_it_is_named_good_or_there, 0},
              {a_log_of_another_server_that_an_index_names_is_not_used, 0},
              {each_connection_has_its_own_relay_logs_and_progress, 0},
              {info_files_are_read_in_the_old_and_the_new_form, 0},
              {a_password_never_stands_in_an_error, 0})
