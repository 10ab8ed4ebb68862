/* SPDX-License-Identifier: Apache-2.0 */
/* The feed as a replica sees it: password, questions, stream; over loopback, with libmariadb. */
#include <mysql.h>
#include <stdio.h>

#include "apply/connection.h"
#include "apply/feed/feed.h"
#include "apply/feed/answer.h"
#include "apply/feed/login.h"
#include "parser/crc.h"
#include "tests/unit/suite.h"

/* A log: FORMAT_DESCRIPTION (MariaDB 10.11, CRC-32), then two lone statements 0-101-1 and -2. */
static void add_event(struct bt_buf *log, uint8_t type, const struct bt_buf *body)
{
    size_t from = log->len;

    bt_buf_add_le(log, 1000, 4);
    bt_buf_add_byte(log, type);
    bt_buf_add_le(log, 101, 4);
    bt_buf_add_le(log, 19 + body->len + 4, 4);
    bt_buf_add_le(log, from + 19 + body->len + 4, 4);
    bt_buf_add_le(log, 0, 2);
    bt_buf_add_slice(log, bt_buf_slice(body));
    bt_buf_add_le(log, bt_crc32(0, bt_slice(log->data + from, log->len - from)), 4);
}

static void make_log(struct bt_buf *log)
{
    static const char version[50] = "10.11.19-MariaDB-log";
    struct bt_buf body;

    bt_buf_init(log, 1 << 20);
    bt_buf_init(&body, 1 << 16);
    bt_buf_add(log, "\376bin", 4);
    bt_buf_add_le(&body, 4, 2);
    bt_buf_add(&body, version, sizeof(version));
    bt_buf_add_le(&body, 77, 4); /* created */
    bt_buf_add_byte(&body, 19);
    for (unsigned type = 1; type <= 171; type++)
        bt_buf_add_byte(&body, type == BT_QUERY ? 13 : type == BT_MARIADB_GTID ? 19
                                                                               : 0);
    bt_buf_add_byte(&body, 1);
    add_event(log, BT_FORMAT_DESCRIPTION, &body);
    for (unsigned seq = 1; seq <= 2; seq++) {
        bt_buf_reset(&body);
        bt_buf_add_le(&body, seq, 8);
        bt_buf_add_le(&body, 0, 4);
        bt_buf_add_byte(&body, BT_GTID_STANDALONE | BT_GTID_DDL);
        bt_buf_add_le(&body, 0, 6);
        add_event(log, BT_MARIADB_GTID, &body);
        bt_buf_reset(&body);
        bt_buf_add_le(&body, 1, 4);
        bt_buf_add_le(&body, 0, 4);
        bt_buf_add_le(&body, 1, 1);
        bt_buf_add_le(&body, 0, 4);
        bt_buf_add(&body, "w", 2);
        bt_buf_addf(&body, "CREATE DATABASE d%u", seq);
        add_event(log, BT_QUERY, &body);
    }
    bt_buf_done(&body);
}

static int open_log(void *ctx, struct bt_source **ret, struct bt_err *err)
{
    return bt_source_memory_open(bt_buf_slice(ctx), "bin.000007", ret, err);
}

static struct bt_feed *open_feed(struct bt_buf *log)
{
    struct bt_feed_opts opts = {
        .log_name = "bin.000007", .server_id = 7, .open_log = open_log, .ctx = log};
    struct bt_feed *feed = NULL;
    struct bt_err err = {0};

    make_log(log);
    ck_assert_msg(bt_feed_open(&opts, &feed, &err) == 0, "%s", err.text);
    return feed;
}

static int connect_to(const struct bt_feed *feed, const char *user, const char *password,
                      struct bt_connection **ret, struct bt_err *err)
{
    struct bt_connection_opts opts = {.host = bt_feed_address(feed),
                                      .port = bt_feed_port(feed),
                                      .user = user,
                                      .password = password};

    return bt_connection_open(&opts, bt_deadline_in(10000), ret, err);
}

START_TEST(only_the_account_of_this_run_gets_in)
{
    struct bt_connection *c = NULL;
    struct bt_err err = {0};
    struct bt_feed *feed;
    struct bt_buf log;

    feed = open_feed(&log);
    ck_assert_uint_eq(strlen(bt_feed_password(feed)), 32);
    ck_assert_int_eq(connect_to(feed, BT_FEED_USER, "wrong", &c, &err), -1);
    ck_assert_uint_eq(err.server_errno, 1045);
    ck_assert_int_eq(connect_to(feed, BT_FEED_USER, "", &c, &err), -1);
    ck_assert_int_eq(connect_to(feed, "root", bt_feed_password(feed), &c, &err), -1);
    ck_assert_ptr_null(strstr(err.text, bt_feed_password(feed)));
    ck_assert_msg(connect_to(feed, BT_FEED_USER, bt_feed_password(feed), &c, &err) == 0, "%s",
                  err.text);
    bt_connection_close(c);
    bt_feed_close(feed);
    bt_buf_done(&log);
}
END_TEST

START_TEST(the_io_threads_questions_are_answered)
{
    struct bt_connection *c = NULL;
    struct bt_err err = {0};
    struct bt_feed *feed;
    struct bt_rows rows;
    char text[64];
    struct bt_buf log;

    feed = open_feed(&log);
    ck_assert_int_eq(connect_to(feed, BT_FEED_USER, bt_feed_password(feed), &c, &err), 0);
    ck_assert_str_eq(bt_connection_server(c)->version, "10.11.19-MariaDB-log");
    ck_assert_int_eq(bt_connection_value(c, "SELECT UNIX_TIMESTAMP()", bt_deadline_in(5000),
                                         sizeof(text), text, &err),
                     0);
    ck_assert_uint_eq(strlen(text), 10);
    ck_assert_int_eq(bt_connection_query(c, bt_slice_str("SHOW VARIABLES LIKE 'SERVER_ID'"),
                                         bt_deadline_in(5000), &rows, &err),
                     0);
    ck_assert_str_eq(bt_rows_text(&rows, 0, "Value"), "7");
    bt_rows_done(&rows);
    ck_assert_int_eq(bt_connection_value(c, "SELECT @master_binlog_checksum", bt_deadline_in(5000),
                                         sizeof(text), text, &err),
                     0);
    ck_assert_str_eq(text, "CRC32");
    ck_assert_int_eq(bt_connection_value(c, "SELECT @@GLOBAL.something", bt_deadline_in(5000),
                                         sizeof(text), text, &err),
                     -1);
    ck_assert_uint_eq(err.server_errno, 1193);
    bt_connection_close(c);
    bt_feed_close(feed);
    bt_buf_done(&log);
}
END_TEST

/* Dumps what is sent to one that has `state`; types of the events, one letter each. */
static void dump(const char *state, char *types, size_t room, uint32_t *ret_created)
{
    uint8_t request[11] = {4, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0};
    struct bt_feed *feed;
    struct bt_buf log;
    MYSQL mysql;
    char sql[100];
    size_t count = 0;

    feed = open_feed(&log);
    ck_assert_ptr_nonnull(mysql_init(&mysql));
    ck_assert_ptr_nonnull(mysql_real_connect(&mysql, "127.0.0.1", BT_FEED_USER,
                                             bt_feed_password(feed), NULL, bt_feed_port(feed), NULL,
                                             0));
    snprintf(sql, sizeof(sql), "SET @slave_connect_state='%s'", state);
    ck_assert_int_eq(mysql_query(&mysql, sql), 0);
    ck_assert_int_eq(mysql_query(&mysql, "SET @master_heartbeat_period= 50000000"), 0);
    ck_assert_int_eq(mysql.methods->db_command(&mysql, COM_BINLOG_DUMP, (char *)request,
                                               sizeof(request) - 1, 1, NULL),
                     0);
    while (count + 1 < room) {
        unsigned long n = mysql_net_read_packet(&mysql);
        struct bt_cursor event = bt_cursor(bt_slice(mysql.net.read_pos, n));
        struct bt_event_header h;
        struct bt_err err = {0};

        ck_assert(n > 1 && n != packet_error);
        ck_assert(bt_cur_skip(&event, 1));
        ck_assert_int_eq(bt_event_header_read(bt_cur_rest(&event), 1 << 20, &h, &err), 0);
        ck_assert_uint_eq(h.length, event.left);
        ck_assert_uint_eq(bt_crc32(0, bt_slice(event.at, event.left - 4)),
                          (uint32_t)event.at[event.left - 4] |
                              (uint32_t)event.at[event.left - 3] << 8 |
                              (uint32_t)event.at[event.left - 2] << 16 |
                              (uint32_t)event.at[event.left - 1] << 24);
        if (h.type == BT_FORMAT_DESCRIPTION)
            memcpy(ret_created, event.at + 19 + 52, 4);
        types[count++] = h.type == BT_ROTATE               ? 'r'
                         : h.type == BT_FORMAT_DESCRIPTION ? 'f'
                         : h.type == BT_MARIADB_GTID       ? 'g'
                         : h.type == BT_QUERY              ? 'q'
                         : h.type == BT_HEARTBEAT          ? 'h'
                                                           : '?';
        if (h.type == BT_HEARTBEAT) {
            ck_assert_uint_ge(h.end_log_pos, 4);
            break;
        }
    }
    types[count] = '\0';
    mysql_close(&mysql);
    bt_feed_close(feed);
    bt_buf_done(&log);
}

START_TEST(the_log_comes_whole_with_a_heartbeat_behind_it)
{
    uint32_t created = 1;
    char types[40];

    dump("", types, sizeof(types), &created);
    ck_assert_str_eq(types, "rfgqgqh");
    ck_assert_uint_eq(created, 0);
}
END_TEST

START_TEST(what_the_replica_says_it_has_is_left_out)
{
    uint32_t created = 1;
    char types[40];

    dump("0-101-1", types, sizeof(types), &created);
    ck_assert_str_eq(types, "rfgqh");
    dump("0-101-2", types, sizeof(types), &created);
    ck_assert_str_eq(types, "rfh");
}
END_TEST

START_TEST(packets_of_16_mib_and_more_are_split)
{
    static const size_t sizes[] = {0, 1, 0xfffffe, 0xffffff, 0x1000000, 0x1ffffff};
    struct bt_wire w;
    struct bt_cursor c;
    uint8_t *bytes = calloc(1, sizes[_i] + 1);
    size_t total = 0;
    uint64_t part = 0xffffff;

    bt_wire_init(&w, -1);
    bt_wire_add(&w, 0, bt_slice(bytes, sizes[_i]));
    c = bt_cursor(bt_buf_slice(&w.out));
    for (unsigned i = 0; part == 0xffffff; i++) {
        uint8_t sequence;

        ck_assert(bt_cur_le(&c, 3, &part) && bt_cur_u8(&c, &sequence));
        ck_assert_uint_eq(sequence, i);
        ck_assert(bt_cur_skip(&c, part));
        total += part;
    }
    ck_assert_uint_eq(c.left, 0);
    ck_assert_uint_eq(total, sizes[_i] + 1);
    bt_wire_done(&w);
    free(bytes);
}
END_TEST

START_TEST(a_state_that_cannot_be_read_is_refused)
{
    struct bt_feed_session s = {0};
    struct bt_err err = {0};
    struct bt_wire w;

    bt_wire_init(&w, -1);
    ck_assert_int_eq(
        bt_feed_answer(&s, bt_slice_str("SET @slave_connect_state='0-1-x'"), &w, &err), -1);
    bt_wire_done(&w);
    bt_had_done(&s.has);
}
END_TEST

/* A log of MySQL 9: FORMAT_DESCRIPTION, then three empty transactions of one server whose logical
 * clock says 1, 2, and 1 again, as where a diff log goes on with another log. */
static void make_mysql_log(struct bt_buf *log)
{
    static const char version[50] = "9.7.4";
    static const uint64_t clock[] = {1, 2, 1};
    struct bt_buf body;

    bt_buf_init(log, 1 << 20);
    bt_buf_init(&body, 1 << 16);
    bt_buf_add(log, "\376bin", 4);
    bt_buf_add_le(&body, 4, 2);
    bt_buf_add(&body, version, sizeof(version));
    bt_buf_add_le(&body, 77, 4);
    bt_buf_add_byte(&body, 19);
    for (unsigned type = 1; type <= 41; type++)
        bt_buf_add_byte(&body, type == BT_QUERY ? 13 : type == BT_GTID ? 42
                                                                       : 0);
    bt_buf_add_byte(&body, 1);
    add_event(log, BT_FORMAT_DESCRIPTION, &body);
    for (unsigned i = 0; i < 3; i++) {
        bt_buf_reset(&body);
        bt_buf_add_byte(&body, 0);
        bt_buf_add(&body, "0123456789abcdef", 16);
        bt_buf_add_le(&body, i + 1, 8);
        bt_buf_add_byte(&body, 2); /* a logical clock follows */
        bt_buf_add_le(&body, clock[i] - 1, 8);
        bt_buf_add_le(&body, clock[i], 8);
        add_event(log, BT_GTID, &body);
        bt_buf_reset(&body);
        bt_buf_add_le(&body, 1, 4);
        bt_buf_add_le(&body, 0, 4);
        bt_buf_add_le(&body, 1, 1);
        bt_buf_add_le(&body, 0, 4);
        bt_buf_add(&body, "w", 2);
        bt_buf_addf(&body, "CREATE DATABASE d%u", i);
        add_event(log, BT_QUERY, &body);
    }
    bt_buf_done(&body);
}

/* COM_BINLOG_DUMP_GTID of a replica that has the server's numbers 1 to `has`. */
static void ask_for_rest(MYSQL *mysql, uint64_t has)
{
    struct bt_buf set, command;

    bt_buf_init(&set, 4096);
    bt_buf_init(&command, 4096);
    bt_buf_add_le(&set, has > 0, 8);
    if (has > 0) {
        bt_buf_add(&set, "0123456789abcdef", 16);
        bt_buf_add_le(&set, 1, 8);
        bt_buf_add_le(&set, 1, 8);
        bt_buf_add_le(&set, has + 1, 8);
    }
    bt_buf_add_le(&command, 0, 2);
    bt_buf_add_le(&command, 8, 4);
    bt_buf_add_le(&command, 0, 4);
    bt_buf_add_le(&command, 4, 8);
    bt_buf_add_le(&command, set.len, 4);
    bt_buf_add_slice(&command, bt_buf_slice(&set));
    ck_assert_int_eq(mysql->methods->db_command(mysql, (enum enum_server_command)0x1e,
                                                (char *)command.data, command.len, 1, NULL),
                     0);
    bt_buf_done(&set);
    bt_buf_done(&command);
}

/* What is sent until the heartbeat, one letter an event. */
static void dump_mysql(uint64_t has, char *types, size_t room)
{
    struct bt_feed_opts opts = {.log_name = "bin.000007", .server_id = 7, .open_log = open_log};
    struct bt_feed *feed = NULL;
    struct bt_err err = {0};
    struct bt_buf log;
    MYSQL mysql;
    size_t count = 0;
    unsigned long n;

    make_mysql_log(&log);
    opts.ctx = &log;
    ck_assert_msg(bt_feed_open(&opts, &feed, &err) == 0, "%s", err.text);
    mysql_init(&mysql);
    ck_assert_msg(mysql_real_connect(&mysql, "127.0.0.1", BT_FEED_USER ":t4",
                                     bt_feed_password(feed), NULL, bt_feed_port(feed), NULL, 0),
                  "%s", mysql_error(&mysql));
    ck_assert_str_eq(mysql.server_version, "9.7.4");
    ck_assert_int_eq(mysql_query(&mysql, "SET @master_heartbeat_period = 20000000, "
                                         "@source_heartbeat_period = 20000000"),
                     0);
    ask_for_rest(&mysql, has);
    while ((n = mysql_net_read_packet(&mysql)) > 0 && n != packet_error && count + 1 < room) {
        uint8_t type = mysql.net.read_pos[1 + 4];

        types[count++] = type == BT_ROTATE               ? 'r'
                         : type == BT_FORMAT_DESCRIPTION ? 'f'
                         : type == BT_GTID               ? 'g'
                         : type == BT_QUERY              ? 'q'
                         : type == BT_HEARTBEAT          ? 'h'
                                                         : '?';
        if (type == BT_HEARTBEAT)
            break;
    }
    types[count] = '\0';
    mysql_close(&mysql);
    bt_feed_close(feed);
    bt_buf_done(&log);
}

START_TEST(a_mysql_replica_gets_what_its_set_lacks_and_a_new_log_where_the_clock_steps_back)
{
    char types[40];

    dump_mysql(0, types, sizeof(types));
    ck_assert_str_eq(types, "rfgqgqrfgqh");
    dump_mysql(2, types, sizeof(types));
    ck_assert_str_eq(types, "rfgqh");
}
END_TEST

/* SHA256(p) XOR SHA256(SHA256(SHA256(p)), scramble), made with sha256sum and xxd. */
START_TEST(a_sha2_proof_is_right_only_for_its_password_and_scramble)
{
    static const uint8_t proof[] = {0xc7, 0x6e, 0x28, 0x98, 0x61, 0x2a, 0x4c, 0xf0,
                                    0x42, 0xc7, 0x7f, 0xa8, 0xc4, 0x70, 0x2c, 0x4c,
                                    0x64, 0xc0, 0xc2, 0xc5, 0x57, 0xc5, 0x3c, 0x4d,
                                    0x75, 0x59, 0x5a, 0xaa, 0x6a, 0xba, 0xe8, 0x09};
    static const uint8_t scramble[] = "abcdefghijklmnopqrst";
    struct bt_slice p = bt_slice(proof, sizeof(proof));

    ck_assert(bt_feed_proves_sha2(p, "secret", scramble));
    ck_assert(!bt_feed_proves_sha2(p, "secreT", scramble));
    ck_assert(!bt_feed_proves_sha2(p, "secret", (const uint8_t *)"abcdefghijklmnopqrsu"));
    ck_assert(!bt_feed_proves_sha2(bt_slice(proof, 31), "secret", scramble));
    ck_assert(!bt_feed_proves_native(p, "secret", scramble));
}
END_TEST

BT_SUITE_MAIN("apply feed", {only_the_account_of_this_run_gets_in, 0},
              {the_io_threads_questions_are_answered, 0},
              {the_log_comes_whole_with_a_heartbeat_behind_it, 0},
              {what_the_replica_says_it_has_is_left_out, 0},
              {packets_of_16_mib_and_more_are_split, 6},
              {a_state_that_cannot_be_read_is_refused, 0},
              {a_mysql_replica_gets_what_its_set_lacks_and_a_new_log_where_the_clock_steps_back, 0},
              {a_sha2_proof_is_right_only_for_its_password_and_scramble, 0})
