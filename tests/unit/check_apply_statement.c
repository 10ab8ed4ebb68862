/* SPDX-License-Identifier: Apache-2.0 */
/* What is sent for each kind of event: literal events in, the steps out as lines of text. */
#include "tests/unit/statement_bench.h"

#define SESSION \
    "foreign_key_checks=1,sql_auto_is_null=0,unique_checks=1,check_constraint_checks=1," \
    "sql_if_exists=0,explicit_defaults_for_timestamp=0,system_versioning_insert_history=0," \
    "sql_mode=5,auto_increment_increment=1,auto_increment_offset=1,lc_time_names=0," \
    "character_set_client=45,collation_connection=45,collation_server=8"

START_TEST(a_statement_brings_its_gtid_database_and_session)
{
    struct bench b;

    open_mariadb(&b);
    feed_gtid(&b, 5, BT_GTID_TRANSACTIONAL | BT_GTID_ALLOW_PARALLEL);
    expect(&b, "");
    feed_query(&b, "INSERT INTO t VALUES (1)");
    ck_assert(b.may_undo);
    expect(&b, "C USE `w`\n"
               "C SET server_id=101,gtid_domain_id=0,skip_parallel_replication=0,gtid_seq_no=5,"
               "timestamp=1000.000000," SESSION "\n"
               "C START TRANSACTION\n"
               "W INSERT INTO t VALUES (1)\n");
    feed_xid(&b);
    expect(&b, "E COMMIT\n");
    close_bench(&b);
}
END_TEST

START_TEST(only_what_differs_is_set_again)
{
    struct bench b;

    open_mariadb(&b);
    feed_gtid(&b, 5, BT_GTID_TRANSACTIONAL | BT_GTID_ALLOW_PARALLEL);
    feed_query(&b, "INSERT INTO t VALUES (1)");
    bt_buf_reset(&b.steps);
    feed_query(&b, "INSERT INTO t VALUES (2)");
    expect(&b, "W INSERT INTO t VALUES (2)\n");
    feed_xid(&b);
    bt_buf_reset(&b.steps);
    bt_statements_begin(&b.s);
    feed_gtid(&b, 6, BT_GTID_TRANSACTIONAL | BT_GTID_ALLOW_PARALLEL);
    feed_query(&b, "INSERT INTO t VALUES (3)");
    expect(&b, "C SET gtid_seq_no=6\nC START TRANSACTION\nW INSERT INTO t VALUES (3)\n");
    close_bench(&b);
}
END_TEST

START_TEST(a_lone_statement_is_its_own_end_and_the_database_is_named_again_after_it)
{
    struct bench b;

    open_mariadb(&b);
    feed_gtid(&b, 5, BT_GTID_STANDALONE | BT_GTID_DDL | BT_GTID_ALLOW_PARALLEL);
    feed_query(&b, "DROP DATABASE w");
    expect_part(&b, "\nE DROP DATABASE w\n");
    ck_assert_ptr_null(strstr(bt_buf_str(&b.steps), "START TRANSACTION"));
    ck_assert(!b.may_undo);
    bt_buf_reset(&b.steps);
    bt_statements_begin(&b.s);
    feed_gtid(&b, 6, BT_GTID_STANDALONE | BT_GTID_DDL | BT_GTID_ALLOW_PARALLEL);
    feed_query(&b, "CREATE TABLE t (i INT)");
    expect(&b, "C USE `w`\nC SET gtid_seq_no=6\nE CREATE TABLE t (i INT)\n");
    close_bench(&b);
}
END_TEST

START_TEST(work_that_a_rollback_leaves_is_marked_so)
{
    struct bench b;

    open_mariadb(&b);
    b.s.opts.join_ends = true;
    feed_gtid(&b, 5, BT_GTID_ALLOW_PARALLEL); /* MyISAM: not TRANSACTIONAL */
    feed_query(&b, "INSERT INTO m VALUES (1)");
    ck_assert(!b.may_undo);
    bt_buf_reset(&b.steps);
    feed_query(&b, "COMMIT");
    expect(&b, "E COMMIT\n");
    close_bench(&b);
}
END_TEST

START_TEST(a_logged_rollback_is_a_rollback)
{
    struct bench b;

    open_mariadb(&b);
    feed_gtid(&b, 5, BT_GTID_ALLOW_PARALLEL);
    feed_query(&b, "INSERT INTO m VALUES (1)");
    feed_query(&b, "SAVEPOINT a");
    bt_buf_reset(&b.steps);
    feed_query(&b, "ROLLBACK TO a");
    expect(&b, "W ROLLBACK TO a\n");
    feed_query(&b, "ROLLBACK");
    expect(&b, "E ROLLBACK\n");
    close_bench(&b);
}
END_TEST

static void add_user_var(struct bench *b, const char *name, uint8_t type, uint32_t collation,
                         const void *value, size_t len, int is_unsigned)
{
    bt_buf_add_le(&b->body, strlen(name), 4);
    bt_buf_add_str(&b->body, name);
    bt_buf_add_byte(&b->body, 0);
    bt_buf_add_byte(&b->body, type);
    bt_buf_add_le(&b->body, collation, 4);
    bt_buf_add_le(&b->body, len, 4);
    bt_buf_add(&b->body, value, len);
    if (is_unsigned >= 0)
        bt_buf_add_byte(&b->body, (uint8_t)is_unsigned);
}

START_TEST(values_in_front_of_a_statement_are_set_with_it)
{
    static const uint8_t decimal[] = {20, 6, 0x80, 0, 1, 0x0d, 0xfb, 0x38, 0xd2, 0x01, 0xe2, 0x40};
    static const uint8_t negative[] = {3, 1, 0x7f ^ 0x0c, 0xff ^ 5};
    double real = 1.25;
    struct bench b;

    open_mariadb(&b);
    feed_gtid(&b, 5, BT_GTID_TRANSACTIONAL | BT_GTID_ALLOW_PARALLEL);
    bt_buf_add_byte(&b.body, BT_INTVAR_INSERT_ID);
    bt_buf_add_le(&b.body, 77, 8);
    feed(&b, BT_INTVAR);
    bt_buf_add_byte(&b.body, BT_INTVAR_LAST_INSERT_ID);
    bt_buf_add_le(&b.body, 9, 8);
    feed(&b, BT_INTVAR);
    bt_buf_add_le(&b.body, 3, 8);
    bt_buf_add_le(&b.body, 4, 8);
    feed(&b, BT_RAND);
    add_user_var(&b, "s", BT_USER_VAR_STRING, 45, "\xc3\xa9'", 3, 0);
    feed(&b, BT_USER_VAR);
    add_user_var(&b, "e", BT_USER_VAR_STRING, 8, "", 0, 0);
    feed(&b, BT_USER_VAR);
    add_user_var(&b, "i", BT_USER_VAR_INT, 63, "\xfb\xff\xff\xff\xff\xff\xff\xff", 8, 0);
    feed(&b, BT_USER_VAR);
    add_user_var(&b, "u", BT_USER_VAR_INT, 63, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, 1);
    feed(&b, BT_USER_VAR);
    add_user_var(&b, "r", BT_USER_VAR_REAL, 63, &real, 8, 0);
    feed(&b, BT_USER_VAR);
    add_user_var(&b, "d", BT_USER_VAR_DECIMAL, 63, decimal, sizeof(decimal), 0);
    feed(&b, BT_USER_VAR);
    add_user_var(&b, "m", BT_USER_VAR_DECIMAL, 63, negative, sizeof(negative), 0);
    feed(&b, BT_USER_VAR);
    bt_buf_add_le(&b.body, 1, 4);
    bt_buf_add(&b.body, "n\1", 2);
    feed(&b, BT_USER_VAR);
    expect(&b, "");
    feed_query(&b, "INSERT INTO t VALUES (@s)");
    expect_part(&b, "SET insert_id=77,last_insert_id=9,rand_seed1=3,rand_seed2=4,"
                    "@`s`:=_utf8mb4 0xC3A927 COLLATE `utf8mb4_general_ci`,"
                    "@`e`:=_latin1 '' COLLATE `latin1_swedish_ci`,"
                    "@`i`:=-5,@`u`:=18446744073709551615,@`r`:=1.25000000000000000e+00,"
                    "@`d`:=1234567890.123456,@`m`:=-12.5,@`n`:=NULL,");
    close_bench(&b);
}
END_TEST

START_TEST(a_name_that_is_not_ascii_is_sent_in_utf8)
{
    struct bench b;

    open_mariadb(&b);
    feed_gtid(&b, 5, BT_GTID_TRANSACTIONAL | BT_GTID_ALLOW_PARALLEL);
    add_user_var(&b, "\xc3\xa9", BT_USER_VAR_INT, 63, "\1\0\0\0\0\0\0\0", 8, 0);
    feed(&b, BT_USER_VAR);
    feed_query(&b, "INSERT INTO t VALUES (1)");
    ck_assert_int_eq(strncmp(bt_buf_str(&b.steps), "C SET character_set_client=45\n", 30), 0);
    close_bench(&b);
}
END_TEST

static void add_table_map(struct bench *b)
{
    bt_buf_add_le(&b->body, 18, 6);
    bt_buf_add_le(&b->body, 1, 2);
    bt_buf_add(&b->body, "\1w\0\1t\0", 6);
    bt_buf_add(&b->body, "\1\3\0\0", 4);
}

static void feed_rows(struct bench *b, uint16_t flags, size_t padding)
{
    add_table_map(b);
    feed(b, BT_TABLE_MAP);
    bt_buf_add_le(&b->body, 18, 6);
    bt_buf_add_le(&b->body, flags, 2);
    bt_buf_add(&b->body, "\1\377\376\5\0\0\0", 7);
    while (padding-- > 0)
        bt_buf_add_byte(&b->body, 'x');
    feed(b, BT_WRITE_ROWS_V1);
}

START_TEST(rows_of_a_statement_are_one_binlog_and_the_format_goes_first_and_once)
{
    struct bench b;

    open_mariadb(&b);
    bt_buf_add_str(&b.s.format, "BINLOG 'format'");
    feed_gtid(&b, 5, BT_GTID_TRANSACTIONAL | BT_GTID_ALLOW_PARALLEL);
    feed_rows(&b, BT_ROWS_STMT_END, 0);
    ck_assert(b.may_undo);
    expect(&b, "C SET server_id=101,gtid_domain_id=0,skip_parallel_replication=0,gtid_seq_no=5\n"
               "C START TRANSACTION\n"
               "C BINLOG 'format'\n"
               "W BINLOG '6AMAABNlAAAAJQAAAAAAAAAAABIAAAAAAAEAAXcAAXQAAQMAAOgDAAAXZQAAACIAAAAA"
               "AAAAAAASAAAAAAABAAH//gUAAAA='\n");
    feed_rows(&b, 0, 0);
    expect(&b, "");
    feed_rows(&b, BT_ROWS_STMT_END, 0);
    ck_assert_int_eq(strncmp(bt_buf_str(&b.steps), "W BINLOG '", 10), 0);
    close_bench(&b);
}
END_TEST

START_TEST(rows_larger_than_a_packet_go_in_two_fragments)
{
    struct bench b;

    open_mariadb(&b);
    bt_buf_add_str(&b.s.format, "BINLOG 'format'");
    b.s.opts.packet_max = 4096;
    feed_gtid(&b, 5, BT_GTID_TRANSACTIONAL | BT_GTID_ALLOW_PARALLEL);
    feed_rows(&b, BT_ROWS_STMT_END, 4000);
    expect_part(&b, "C SET @binlog_fragment_0='6AMAABNl");
    expect_part(&b, "\nC SET @binlog_fragment_1='");
    expect_part(&b, "\nW BINLOG @binlog_fragment_0, @binlog_fragment_1\n");
    close_bench(&b);
}
END_TEST

START_TEST(rows_larger_than_two_packets_are_refused_with_the_sizes)
{
    struct bench b;

    open_mariadb(&b);
    bt_buf_add_str(&b.s.format, "BINLOG 'format'");
    b.s.opts.packet_max = 2048;
    feed_gtid(&b, 5, BT_GTID_TRANSACTIONAL | BT_GTID_ALLOW_PARALLEL);
    add_table_map(&b);
    feed(&b, BT_TABLE_MAP);
    bt_buf_add_le(&b.body, 18, 6);
    bt_buf_add_le(&b.body, BT_ROWS_STMT_END, 2);
    bt_buf_add(&b.body, "\1\377\376\5\0\0\0", 7);
    for (int i = 0; i < 9000; i++)
        bt_buf_add_byte(&b.body, 'x');
    feed_flagged(&b, BT_WRITE_ROWS_V1, 0);
    ck_assert_int_eq(b.status, -1);
    ck_assert_int_eq(b.err.kind, BT_ERR_LIMIT);
    ck_assert_ptr_nonnull(strstr(b.err.text, "w.t"));
    ck_assert_ptr_nonnull(strstr(b.err.text, "2048"));
    close_bench(&b);
}
END_TEST

START_TEST(a_commit_in_the_middle_of_a_row_statement_is_refused)
{
    struct bench b;

    open_mariadb(&b);
    feed_gtid(&b, 5, BT_GTID_TRANSACTIONAL);
    feed_rows(&b, 0, 0);
    bt_buf_add_le(&b.body, 1, 8);
    feed_flagged(&b, BT_XID, 0);
    ck_assert_int_eq(b.status, -1);
    ck_assert_int_eq(b.err.kind, BT_ERR_CORRUPT);
    close_bench(&b);
}
END_TEST

START_TEST(an_xa_transaction_is_started_ended_and_prepared_under_its_id)
{
    struct bench b;

    open_mariadb(&b);
    bt_buf_add_le(&b.body, 5, 8);
    bt_buf_add_le(&b.body, 0, 4);
    bt_buf_add_byte(&b.body, BT_GTID_TRANSACTIONAL | BT_GTID_PREPARED_XA);
    bt_buf_add_le(&b.body, 7, 4);
    bt_buf_add(&b.body, "\2\1x1b", 5);
    feed(&b, BT_MARIADB_GTID);
    feed_query(&b, "INSERT INTO t VALUES (1)");
    expect_part(&b, "\nC XA START X'7831',X'62',7\n");
    feed_query(&b, "XA END X'7831',X'62',7");
    bt_buf_reset(&b.steps);
    bt_buf_add_byte(&b.body, 0);
    bt_buf_add_le(&b.body, 7, 4);
    bt_buf_add_le(&b.body, 2, 4);
    bt_buf_add_le(&b.body, 1, 4);
    bt_buf_add_str(&b.body, "x1b");
    feed(&b, BT_XA_PREPARE);
    expect(&b, "E XA PREPARE X'7831',X'62',7\n");
    close_bench(&b);
}
END_TEST

START_TEST(create_select_with_rows_is_a_create_then_a_transaction)
{
    struct bench b;

    open_mariadb(&b);
    bt_buf_add_str(&b.s.format, "BINLOG 'format'");
    feed_gtid(&b, 5, BT_GTID_DDL | BT_GTID_ALLOW_PARALLEL);
    feed_query(&b, "CREATE TABLE t (i INT)");
    expect_part(&b, "gtid_seq_no=4,");
    expect_part(&b, "\nW CREATE TABLE t (i INT)\n");
    ck_assert(!b.may_undo);
    bt_buf_reset(&b.steps);
    feed_rows(&b, BT_ROWS_STMT_END, 0);
    expect_part(&b, "C SET gtid_seq_no=5\nC START TRANSACTION\nC BINLOG 'format'\nW BINLOG '");
    feed_xid(&b);
    expect_part(&b, "\nE COMMIT\n");
    close_bench(&b);
}
END_TEST

START_TEST(a_transaction_of_one_statement_is_that_statement)
{
    struct bench b;

    open_mariadb(&b);
    b.s.opts.join_ends = true;
    bt_buf_add_str(&b.s.format, "BINLOG 'format'");
    feed_gtid(&b, 5, BT_GTID_TRANSACTIONAL | BT_GTID_ALLOW_PARALLEL);
    feed_query(&b, "INSERT INTO t VALUES (1)");
    expect(&b, "");
    feed_xid(&b);
    expect_part(&b, ",gtid_seq_no=5,");
    expect_part(&b, "\nE INSERT INTO t VALUES (1)\n");
    ck_assert_ptr_null(strstr(bt_buf_str(&b.steps), "START TRANSACTION"));
    bt_buf_reset(&b.steps);
    bt_statements_begin(&b.s);
    feed_gtid(&b, 6, BT_GTID_TRANSACTIONAL | BT_GTID_ALLOW_PARALLEL);
    feed_rows(&b, BT_ROWS_STMT_END, 0);
    expect(&b, "C BINLOG 'format'\n");
    feed_xid(&b);
    expect_part(&b, "E SET STATEMENT gtid_seq_no=6 FOR BINLOG '");
    close_bench(&b);
}
END_TEST

START_TEST(a_second_statement_makes_it_a_transaction)
{
    struct bench b;

    open_mariadb(&b);
    b.s.opts.join_ends = true;
    feed_gtid(&b, 5, BT_GTID_TRANSACTIONAL | BT_GTID_ALLOW_PARALLEL);
    feed_query(&b, "INSERT INTO t VALUES (1)");
    feed_query(&b, "INSERT INTO t VALUES (2)");
    expect_part(&b, "\nC START TRANSACTION\nW INSERT INTO t VALUES (1)\n"
                    "W INSERT INTO t VALUES (2)\n");
    feed_query(&b, "COMMIT");
    expect_part(&b, "E COMMIT\n");
    close_bench(&b);
}
END_TEST

START_TEST(the_start_of_a_split_alter_is_passed_over)
{
    struct bench b;

    open_mariadb(&b);
    bt_buf_add_le(&b.body, 5, 8);
    bt_buf_add_le(&b.body, 0, 4);
    bt_buf_add_byte(&b.body, BT_GTID_STANDALONE | BT_GTID_DDL);
    bt_buf_add_byte(&b.body, BT_GTID_START_ALTER);
    bt_buf_add_le(&b.body, 0, 5);
    feed(&b, BT_MARIADB_GTID);
    feed_query(&b, "ALTER TABLE t ADD x INT");
    expect(&b, "");
    ck_assert(bt_statements_is_skipped(&b.s));
    close_bench(&b);
}
END_TEST

START_TEST(load_data_reads_the_file_that_the_log_carries)
{
    static const char sql[] = "LOAD DATA INFILE '/tmp/x' INTO TABLE t";
    struct bench b;

    open_mariadb(&b);
    feed_gtid(&b, 5, BT_GTID_TRANSACTIONAL);
    bt_buf_add_le(&b.body, 3, 4);
    bt_buf_add_str(&b.body, "1,one\n");
    feed(&b, BT_BEGIN_LOAD_QUERY);
    bt_buf_add_le(&b.body, 3, 4);
    bt_buf_add_str(&b.body, "2,two\n");
    feed(&b, BT_APPEND_BLOCK);
    bt_buf_add_le(&b.body, 7, 4);
    bt_buf_add_le(&b.body, 0, 4);
    bt_buf_add_byte(&b.body, 1);
    bt_buf_add_le(&b.body, 0, 4); /* error code, no status variables */
    bt_buf_add_le(&b.body, 3, 4);
    bt_buf_add_le(&b.body, 9, 4);
    bt_buf_add_le(&b.body, 30, 4);
    bt_buf_add_byte(&b.body, BT_LOAD_REPLACE);
    bt_buf_add(&b.body, "w", 2);
    bt_buf_add_str(&b.body, sql);
    feed(&b, BT_EXECUTE_LOAD_QUERY);
    expect_part(&b, "\nW LOAD DATA LOCAL INFILE 'baton' REPLACE INTO TABLE t\n");
    ck_assert_str_eq(b.file, "1,one\n2,two\n");
    close_bench(&b);
}
END_TEST

START_TEST(a_load_data_whose_file_never_began_is_corrupt)
{
    struct bench b;

    open_mariadb(&b);
    bt_buf_add_le(&b.body, 3, 4);
    bt_buf_add_str(&b.body, "2,two\n");
    feed_flagged(&b, BT_APPEND_BLOCK, 0);
    ck_assert_int_eq(b.status, -1);
    ck_assert_int_eq(b.err.kind, BT_ERR_CORRUPT);
    close_bench(&b);
}
END_TEST

START_TEST(a_statement_that_failed_on_its_server_is_expected_to_fail)
{
    struct bench b;

    open_mariadb(&b);
    feed_gtid(&b, 5, 0);
    add_query(&b, 1062, "INSERT INTO m VALUES (1),(1)");
    feed(&b, BT_QUERY);
    ck_assert_uint_eq(b.expected_errno, 1062);
    close_bench(&b);
}
END_TEST

START_TEST(a_temporary_table_runs_under_the_thread_id_it_had)
{
    struct bench b;

    open_mariadb(&b);
    feed_gtid(&b, 5, BT_GTID_DDL | BT_GTID_STANDALONE);
    add_query(&b, 0, "CREATE TEMPORARY TABLE x (i INT)");
    feed_flagged(&b, BT_QUERY, BT_FLAG_THREAD_SPECIFIC);
    ck_assert_int_eq(b.status, 0);
    expect_part(&b, ",pseudo_thread_id=7,");
    close_bench(&b);
}
END_TEST

START_TEST(an_incident_stops)
{
    struct bench b;

    open_mariadb(&b);
    bt_buf_add_le(&b.body, 1, 2);
    bt_buf_add(&b.body, "\4lost", 5);
    feed_flagged(&b, BT_INCIDENT, 0);
    ck_assert_int_eq(b.status, -1);
    ck_assert_int_eq(b.err.kind, BT_ERR_CONFLICT);
    ck_assert_ptr_nonnull(strstr(b.err.text, "lost"));
    close_bench(&b);
}
END_TEST

START_TEST(an_event_of_an_unknown_type_stops_unless_it_may_be_ignored)
{
    struct bench b;

    open_mariadb(&b);
    feed_flagged(&b, 99, BT_FLAG_IGNORABLE);
    ck_assert_int_eq(b.status, 0);
    feed_flagged(&b, 99, 0);
    ck_assert_int_eq(b.status, -1);
    ck_assert_int_eq(b.err.kind, BT_ERR_REALITY);
    close_bench(&b);
}
END_TEST

START_TEST(a_payload_sends_nothing_itself)
{
    struct bench b;

    open_bench(&b, BT_FLAVOR_MYSQL, 90700, BT_FLAVOR_MYSQL, 90700);
    feed(&b, BT_TRANSACTION_PAYLOAD); /* the reader hands out what is in it */
    expect(&b, "");
    ck_assert(b.s.rows.takes_partial);
    close_bench(&b);
}
END_TEST

/* In one, MySQL says that gtid_next cannot be set (1766). */
START_TEST(mysql_gets_the_format_in_front_of_the_transaction_and_decides_the_gtid_itself)
{
    struct bench b;

    open_bench(&b, BT_FLAVOR_MYSQL, 90700, BT_FLAVOR_MYSQL, 90700);
    bt_buf_add_str(&b.s.format, "BINLOG 'format'");
    feed_rows(&b, BT_ROWS_STMT_END, 0);
    expect_part(&b,
                "C SET gtid_next='AUTOMATIC'\nC BINLOG 'format'\nC SET gtid_next='AUTOMATIC'\n"
                "C START TRANSACTION\nW BINLOG '");
    bt_buf_reset(&b.steps);
    feed_rows(&b, BT_ROWS_STMT_END, 0);
    ck_assert_int_eq(strncmp(bt_buf_str(&b.steps), "W BINLOG '", 10), 0);
    close_bench(&b);
}
END_TEST

/* An XA branch is such a transaction, and may be the first that changes rows. */
START_TEST(mysql_gets_the_format_in_front_of_an_xa_branch_too)
{
    struct bench b;

    open_bench(&b, BT_FLAVOR_MYSQL, 90700, BT_FLAVOR_MYSQL, 90700);
    bt_buf_add_str(&b.s.format, "BINLOG 'format'");
    feed_query(&b, "XA START X'7831',X'',1");
    feed_rows(&b, BT_ROWS_STMT_END, 0);
    ck_assert_int_eq(
        strncmp(bt_buf_str(&b.steps), "C SET gtid_next='AUTOMATIC'\nC BINLOG 'format'\n", 46), 0);
    expect_part(&b, "W XA START X'7831',X'',1\nW BINLOG '");
    close_bench(&b);
}
END_TEST

/* Behind a transaction with a GTID of its own it takes SET, and says 1837 to all else. */
START_TEST(mysql_is_told_to_decide_the_gtid_before_a_database_is_chosen)
{
    struct bench b;

    open_bench(&b, BT_FLAVOR_MYSQL, 50644, BT_FLAVOR_MYSQL, 50644);
    b.s.opts.keep_gtids = true;
    bt_buf_reset(&b.body);
    bt_buf_add_byte(&b.body, 1);
    for (int i = 0; i < 16; i++)
        bt_buf_add_byte(&b.body, 0x11);
    bt_buf_add_le(&b.body, 5, 8);
    feed(&b, BT_GTID);
    feed_query(&b, "CREATE TABLE t (i INT)");
    expect_part(&b, "C SET gtid_next='AUTOMATIC'\nC USE `w`\nC SET ");
    expect_part(&b, "gtid_next='11111111-1111-1111-1111-111111111111:5'");
    close_bench(&b);
}
END_TEST

START_TEST(sql_mode_keeps_its_meaning_across_flavours)
{
    struct bench b;

    open_mariadb(&b);
    ck_assert_uint_eq(bt_context_sql_mode(&b.s.context, 1ull << 33 | 4), 1ull << 33 | 4);
    close_bench(&b);
    open_bench(&b, BT_FLAVOR_MYSQL, 80043, BT_FLAVOR_MARIADB, 101119);
    ck_assert_uint_eq(bt_context_sql_mode(&b.s.context, 4), 1ull << 34 | 4);
    ck_assert_uint_eq(bt_context_sql_mode(&b.s.context, 1ull << 32 | 4), 4);
    close_bench(&b);
    open_bench(&b, BT_FLAVOR_MARIADB, 101119, BT_FLAVOR_MYSQL, 90700);
    ck_assert_uint_eq(bt_context_sql_mode(&b.s.context, 1ull << 34 | 1u << 28 | 4), 4);
    close_bench(&b);
}
END_TEST

START_TEST(a_collation_that_the_other_flavour_lacks_becomes_utf8mb4)
{
    struct bench b;

    open_bench(&b, BT_FLAVOR_MYSQL, 80043, BT_FLAVOR_MARIADB, 101119);
    add_query(&b, 0, "CREATE TABLE t (i INT)");
    b.body.data[4 + 4 + 1 + 2 + 2 + 5 + 9 + 1 + 2] = 255; /* collation_connection 0x00ff */
    feed(&b, BT_QUERY);
    expect_part(&b, ",collation_connection=45,");
    ck_assert_ptr_null(strstr(bt_buf_str(&b.steps), "gtid_seq_no"));
    ck_assert_ptr_null(strstr(bt_buf_str(&b.steps), "sql_if_exists"));
    close_bench(&b);
}
END_TEST

START_TEST(without_gtids_begin_opens_and_commit_closes)
{
    struct bench b;

    open_bench(&b, BT_FLAVOR_MYSQL, 50644, BT_FLAVOR_MARIADB, 101119);
    feed_query(&b, "BEGIN");
    expect(&b, "C START TRANSACTION\n");
    feed_query(&b, "INSERT INTO t VALUES (1)");
    expect_part(&b, "\nW INSERT INTO t VALUES (1)\n");
    feed_xid(&b);
    expect_part(&b, "\nE COMMIT\n");
    close_bench(&b);
}
END_TEST

START_TEST(what_a_bare_character_set_meant_before_11_2_is_said_to_a_newer_target)
{
    struct bench b;

    open_bench(&b, BT_FLAVOR_MARIADB, 101119, BT_FLAVOR_MARIADB, 110806);
    feed_query(&b, "CREATE TABLE t (c CHAR(9) CHARACTER SET utf8mb4)");
    expect_part(&b, ",character_set_collations=''\n");
    bt_buf_reset(&b.steps);
    feed_query(&b, "CREATE TABLE t2 (c CHAR(9) CHARACTER SET utf8mb4)");
    ck_assert_ptr_null(strstr(bt_buf_str(&b.steps), "character_set_collations"));
    close_bench(&b);
}
END_TEST

BT_SUITE_MAIN("apply statement",
              {a_statement_brings_its_gtid_database_and_session, 0},
              {only_what_differs_is_set_again, 0},
              {a_lone_statement_is_its_own_end_and_the_database_is_named_again_after_it, 0},
              {work_that_a_rollback_leaves_is_marked_so, 0},
              {a_logged_rollback_is_a_rollback, 0},
              {values_in_front_of_a_statement_are_set_with_it, 0},
              {a_name_that_is_not_ascii_is_sent_in_utf8, 0},
              {rows_of_a_statement_are_one_binlog_and_the_format_goes_first_and_once, 0},
              {rows_larger_than_a_packet_go_in_two_fragments, 0},
              {rows_larger_than_two_packets_are_refused_with_the_sizes, 0},
              {a_commit_in_the_middle_of_a_row_statement_is_refused, 0},
              {an_xa_transaction_is_started_ended_and_prepared_under_its_id, 0},
              {create_select_with_rows_is_a_create_then_a_transaction, 0},
              {a_transaction_of_one_statement_is_that_statement, 0},
              {a_second_statement_makes_it_a_transaction, 0},
              {the_start_of_a_split_alter_is_passed_over, 0},
              {load_data_reads_the_file_that_the_log_carries, 0},
              {a_load_data_whose_file_never_began_is_corrupt, 0},
              {a_statement_that_failed_on_its_server_is_expected_to_fail, 0},
              {a_temporary_table_runs_under_the_thread_id_it_had, 0},
              {an_incident_stops, 0},
              {an_event_of_an_unknown_type_stops_unless_it_may_be_ignored, 0},
              {a_payload_sends_nothing_itself, 0},
              {mysql_gets_the_format_in_front_of_the_transaction_and_decides_the_gtid_itself, 0},
              {mysql_gets_the_format_in_front_of_an_xa_branch_too, 0},
              {mysql_is_told_to_decide_the_gtid_before_a_database_is_chosen, 0},
              {sql_mode_keeps_its_meaning_across_flavours, 0},
              {a_collation_that_the_other_flavour_lacks_becomes_utf8mb4, 0},
              {what_a_bare_character_set_meant_before_11_2_is_said_to_a_newer_target, 0},
              {without_gtids_begin_opens_and_commit_closes, 0})
