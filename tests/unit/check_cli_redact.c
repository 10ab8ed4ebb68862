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
