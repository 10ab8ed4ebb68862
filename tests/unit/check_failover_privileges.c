/* SPDX-License-Identifier: Apache-2.0 */
/* What SHOW GRANTS of real servers says, read for what a failover needs. */
#include "failover/privileges.h"
#include "tests/unit/suite.h"

enum { MARIADB_10_4 = 100434,
       MARIADB_10_11 = 101119,
       MARIADB_11_8 = 110801,
       MYSQL_8 = 80036,
       MYSQL_56 = 50651 };

static struct bt_buf out;

static const char *missing(enum bt_flavor flavor, uint32_t version, const char *lines,
                           unsigned kinds)
{
    bt_buf_done(&out);
    bt_buf_init(&out, 4096);
    bt_privileges_missing(flavor, version, bt_slice_str(lines), kinds, &out);
    return bt_buf_str(&out);
}

START_TEST(all_privileges_on_all_are_enough_everywhere)
{
    static const char lines[] = "GRANT ALL PRIVILEGES ON *.* TO `m`@`%` WITH GRANT OPTION";

    ck_assert_str_eq(missing(BT_FLAVOR_MARIADB, MARIADB_10_4, lines, BT_NEED_ALL), "");
    ck_assert_str_eq(missing(BT_FLAVOR_MARIADB, MARIADB_11_8, lines, BT_NEED_ALL), "");
    ck_assert_str_eq(missing(BT_FLAVOR_MYSQL, MYSQL_56, lines, BT_NEED_ALL), "");
}
END_TEST

START_TEST(all_privileges_on_one_schema_are_none)
{
    static const char lines[] = "GRANT USAGE ON *.* TO `m`@`%`\n"
                                "GRANT ALL PRIVILEGES ON `shop`.* TO `m`@`%`\n";

    ck_assert_str_eq(missing(BT_FLAVOR_MARIADB, MARIADB_10_11, lines, BT_NEED_FAILOVER),
                     "REPLICATION SLAVE ADMIN, RELOAD, READ_ONLY ADMIN, BINLOG REPLAY, "
                     "BINLOG ADMIN");
}
END_TEST

START_TEST(super_is_enough_until_it_was_split)
{
    static const char lines[] = "GRANT RELOAD, SUPER ON *.* TO `m`@`%`";

    ck_assert_str_eq(missing(BT_FLAVOR_MARIADB, MARIADB_10_4, lines, BT_NEED_FAILOVER), "");
    ck_assert_str_eq(missing(BT_FLAVOR_MARIADB, MARIADB_10_11, lines, BT_NEED_FAILOVER),
                     "READ_ONLY ADMIN");
    ck_assert_str_eq(missing(BT_FLAVOR_MARIADB, MARIADB_11_8, lines, BT_NEED_FAILOVER),
                     "REPLICATION SLAVE ADMIN, READ_ONLY ADMIN, BINLOG REPLAY, BINLOG ADMIN");
    ck_assert_str_eq(missing(BT_FLAVOR_MYSQL, MYSQL_8, lines, BT_NEED_FAILOVER), "");
}
END_TEST

START_TEST(what_one_word_gives_is_asked_for_once)
{
    ck_assert_str_eq(missing(BT_FLAVOR_MARIADB, MARIADB_10_4, "", BT_NEED_FAILOVER | BT_NEED_LOOK),
                     "SUPER, RELOAD, REPLICATION CLIENT, PROCESS");
}
END_TEST

START_TEST(lines_of_roles_and_of_several_accounts_add_up)
{
    static const char lines[] =
        "GRANT `dba` TO `m`@`%`\n"
        "GRANT RELOAD ON *.* TO `m`@`%` IDENTIFIED BY PASSWORD '*0123'\n"
        "GRANT BINLOG ADMIN, BINLOG REPLAY, READ_ONLY ADMIN ON *.* TO `dba`\n"
        "GRANT REPLICATION SLAVE ADMIN ON *.* TO `dba`\n";

    ck_assert_str_eq(missing(BT_FLAVOR_MARIADB, MARIADB_11_8, lines, BT_NEED_FAILOVER), "");
}
END_TEST

START_TEST(a_role_that_was_granted_and_is_not_the_default_is_seen)
{
    ck_assert(bt_grants_have_idle_role(
        bt_slice_str("GRANT USAGE ON *.* TO `m`@`%`\nGRANT `r` TO `m`@`%`")));
    ck_assert(!bt_grants_have_idle_role(bt_slice_str("GRANT USAGE ON *.* TO `m`@`%`\n")));
    ck_assert(!bt_grants_have_idle_role(
        bt_slice_str("GRANT `r` TO `m`@`%`\nSET DEFAULT ROLE `r` FOR `m`@`%`\n")));
}
END_TEST

START_TEST(a_name_that_begins_like_another_is_not_it)
{
    ck_assert(!bt_grants_have(bt_slice_str("GRANT REPLICATION SLAVE ADMIN ON *.* TO `m`@`%`"),
                              "REPLICATION SLAVE"));
    ck_assert(bt_grants_have(bt_slice_str("GRANT REPLICATION SLAVE ON *.* TO `m`@`%`"),
                             "REPLICATION SLAVE"));
    ck_assert(!bt_grants_have(bt_slice_str("REVOKE RELOAD ON *.* TO `m`@`%`"), "RELOAD"));
    ck_assert(!bt_grants_have(bt_slice_str("GRANT "), "RELOAD"));
}
END_TEST

BT_SUITE_MAIN("failover privileges", {all_privileges_on_all_are_enough_everywhere, 0},
              {all_privileges_on_one_schema_are_none, 0}, {super_is_enough_until_it_was_split, 0},
              {what_one_word_gives_is_asked_for_once, 0},
              {lines_of_roles_and_of_several_accounts_add_up, 0},
              {a_role_that_was_granted_and_is_not_the_default_is_seen, 0},
              {a_name_that_begins_like_another_is_not_it, 0})
