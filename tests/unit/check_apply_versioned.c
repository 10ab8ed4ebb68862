/* SPDX-License-Identifier: Apache-2.0 */
/* Which tables the target is asked about before their rows go there; no server. */
#include "apply/versioned.h"
#include "base/buf.h"
#include "parser/table_map.h"
#include "tests/unit/suite.h"

/* Table w.t with two columns of these types. */
static struct bt_event table_map(const struct bt_format *format, struct bt_buf *body, uint8_t first,
                                 uint8_t second)
{
    struct bt_event ev = {.type = BT_TABLE_MAP, .format = format};

    bt_buf_add_le(body, 7, 6);
    bt_buf_add_le(body, 0, 2);
    bt_buf_add(body, "\1w\0\1t\0\2", 7);
    bt_buf_add_byte(body, first);
    bt_buf_add_byte(body, second);
    bt_buf_add(body, "\2\6\6\0", 4);
    ev.body = bt_buf_slice(body);
    return ev;
}

START_TEST(only_from_before_mariadb_11_5_to_a_newer_one_matters)
{
    struct bt_format old = {.flavor = BT_FLAVOR_MARIADB, .version_number = 110499},
                     new = {.flavor = BT_FLAVOR_MARIADB, .version_number = 110500},
                     mysql = {.flavor = BT_FLAVOR_MYSQL, .version_number = 80043};
    struct bt_server from_11_5 = {.flavor = BT_FLAVOR_MARIADB, .version_number = 110500},
                     before = {.flavor = BT_FLAVOR_MARIADB, .version_number = 110499};

    ck_assert(bt_versioned_matters(&old, &from_11_5));
    ck_assert(!bt_versioned_matters(&old, &before));
    ck_assert(!bt_versioned_matters(&new, &from_11_5));
    ck_assert(!bt_versioned_matters(&mysql, &from_11_5));
}
END_TEST

START_TEST(a_table_without_two_timestamps_is_not_asked_about)
{
    bt_auto_buf struct bt_buf one = {.max = 64}, two = {.max = 64};
    struct bt_format format = {.flavor = BT_FLAVOR_MARIADB,
                               .version_number = 101119,
                               .post_header_length = {[BT_TABLE_MAP] = 8}};
    struct bt_versioned v = {0};
    struct bt_event has_one = table_map(&format, &one, BT_COLUMN_LONG, BT_COLUMN_TIMESTAMP2),
                    has_two = table_map(&format, &two, BT_COLUMN_TIMESTAMP2, BT_COLUMN_TIMESTAMP2);

    ck_assert(!bt_versioned_may_be(&v, &has_one));
    ck_assert(bt_versioned_may_be(&v, &has_two));
    bt_versioned_done(&v);
}
END_TEST

BT_SUITE_MAIN("apply versioned", {only_from_before_mariadb_11_5_to_a_newer_one_matters, 0},
              {a_table_without_two_timestamps_is_not_asked_about, 0})
