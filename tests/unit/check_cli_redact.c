/* SPDX-License-Identifier: Apache-2.0 */
/* What is hidden of a statement, and what is not. */
#include "tests/unit/suite.h"

#include "cli/redact.h"

static const char *const cases[][2] = {
    {"INSERT INTO t VALUES ('a', 0x41)", "INSERT INTO t VALUES ('a', 0x41)"},
    {"CREATE USER u@'%' IDENTIFIED BY 'p''w'", "CREATE USER u@'%' IDENTIFIED BY '<secret>'"},
    {"create user u identified by \"x\" require ssl",
     "create user u identified by '<secret>' require ssl"},
    {"SET PASSWORD FOR u = PASSWORD('x')", "SET PASSWORD FOR u = PASSWORD('<secret>')"},
    {"CHANGE MASTER TO MASTER_USER='r', MASTER_PASSWORD='x'",
     "CHANGE MASTER TO MASTER_USER='r', MASTER_PASSWORD='<secret>'"},
    {"CREATE USER u IDENTIFIED WITH p AS 0x2A41", "CREATE USER u IDENTIFIED WITH p AS '<secret>'"},
    {"INSERT INTO u (n, `password`) VALUES ('b', 's')",
     "INSERT INTO u (n, `password`) VALUES ('<secret>', '<secret>')"},
    {"ALTER USER u IDENTIFIED BY 'a\\' x AS 'b'", "ALTER USER u IDENTIFIED BY '<secret>'"},
    {"ALTER USER u IDENTIFIED BY 'open", "ALTER USER u IDENTIFIED BY '<secret>'"},
    {"SELECT 'my password is ' , 'x'", "SELECT 'my password is ' , 'x'"},
    {"CREATE /* it's */ USER u IDENTIFIED BY 'pw'",
     "CREATE /* it's */ USER u IDENTIFIED BY '<secret>'"},
    {"CREATE -- it's\nUSER u IDENTIFIED BY 'pw'",
     "CREATE -- it's\nUSER u IDENTIFIED BY '<secret>'"},
    {"CREATE # \"\nUSER u IDENTIFIED BY \"pw\"", "CREATE # \"\nUSER u IDENTIFIED BY '<secret>'"},
    {"CREATE USER u /*!50700 IDENTIFIED BY 'pw' */",
     "CREATE USER u /*!50700 IDENTIFIED BY '<secret>' */"},
    {"SELECT 1 /* password: pw */", "SELECT 1 '<secret>'"},
    {"SELECT 1 /* who: app */, 2-1 --x", "SELECT 1 /* who: app */, 2-1 --x"},
    /* NO_BACKSLASH_ESCAPES: the name is a\ */
    {"CREATE USER 'a\\'@'h' IDENTIFIED BY 'pw'", "CREATE USER '<secret>'"},
    {"INSERT INTO t VALUES ('a\\'b', 'c')", "INSERT INTO t VALUES ('a\\'b', 'c')"},
    /* ANSI_QUOTES */
    {"INSERT INTO \"u\" (\"name\", \"password\") VALUES ('n', 's')",
     "INSERT INTO \"u\" (\"name\", \"password\") VALUES ('<secret>', '<secret>')"},
    {"UPDATE u SET passwd='s', client_secret='t'",
     "UPDATE u SET passwd='<secret>', client_secret='<secret>'"},
    {"CREATE TABLE f (i INT) ENGINE=FEDERATED CONNECTION='mysql://u:pw@h/d/t'",
     "CREATE TABLE f (i INT) ENGINE=FEDERATED CONNECTION='<secret>'"},
    {"CREATE TABLE s (i INT) ENGINE=SPIDER COMMENT='user \"u\", password \"pw\"'",
     "CREATE TABLE s (i INT) ENGINE=SPIDER COMMENT='<secret>'"},
    {"CREATE TABLE c (i INT) ENGINE=CONNECT OPTION_LIST='user=u,Password=pw'",
     "CREATE TABLE c (i INT) ENGINE=CONNECT OPTION_LIST='<secret>'"},
    {"SELECT 'http://example.org/', 'a@b.c', 'password'",
     "SELECT 'http://example.org/', 'a@b.c', 'password'"},
    {"CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'h', PASSWORD 'pw')",
     "CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'h', PASSWORD '<secret>')"},
    {"CHANGE REPLICATION SOURCE TO SOURCE_PASSWORD = 'pw'",
     "CHANGE REPLICATION SOURCE TO SOURCE_PASSWORD = '<secret>'"},
    {"CREATE USER u IDENTIFIED VIA ed25519 USING PASSWORD('a') OR unix_socket",
     "CREATE USER u IDENTIFIED VIA ed25519 USING PASSWORD('<secret>') OR unix_socket"},
    {"ALTER USER u IDENTIFIED BY 'new' REPLACE 'old'",
     "ALTER USER u IDENTIFIED BY '<secret>' REPLACE '<secret>'"},
    {"SET PASSWORD = x'4142'", "SET PASSWORD = x'<secret>'"},
    {"", ""},
    {"'", "'"},
    {"`", "`"},
};

START_TEST(secrets_are_hidden_and_nothing_else)
{
    struct bt_buf out;

    bt_buf_init(&out, 4096);
    bt_redact(bt_slice_str(cases[_i][0]), &out);
    ck_assert_str_eq(bt_buf_str(&out), cases[_i][1]);
    bt_buf_done(&out);
}
END_TEST

BT_SUITE_MAIN("cli redact", {secrets_are_hidden_and_nothing_else, sizeof(cases) / sizeof(cases[0])})
