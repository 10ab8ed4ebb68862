/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses as people write them. */
#include "tests/unit/suite.h"

#include "vip/address.h"

static const char *const good[] = {
    "10.0.0.9/24",
    "10.0.0.9/32",
    "192.168.255.255/8",
    "10.0.0.0/31",
    "1.2.3.4/1",
    "fd00::9/64",
    "2001:db8::1:0/128",
};

START_TEST(an_address_is_printed_as_it_was_written)
{
    char text[BT_VIP_TEXT_SIZE];
    struct bt_err err = {0};
    struct bt_vip vip;

    ck_assert_msg(bt_vip_parse(bt_slice_str(good[_i]), &vip, &err) == 0, "%s", err.text);
    ck_assert_str_eq(bt_vip_text(&vip, text), good[_i]);
    ck_assert_uint_eq(bt_vip_size(&vip), strchr(good[_i], ':') ? 16 : 4);
}
END_TEST

static const struct {
    const char *text, *reason;
} bad[] = {
    {"10.0.0.9", "\"10.0.0.9\" has no prefix length, write it as ADDRESS/PREFIX (10.0.0.9/24)"},
    {"", "\"\" has no prefix length, write it as ADDRESS/PREFIX (10.0.0.9/24)"},
    {"/24", "\"\" is neither an IPv4 nor an IPv6 address"},
    {"10.0.0/24", "\"10.0.0\" is neither an IPv4 nor an IPv6 address"},
    {"10.0.0.256/24", "\"10.0.0.256\" is neither an IPv4 nor an IPv6 address"},
    {" 10.0.0.9/24", "\" 10.0.0.9\" is neither an IPv4 nor an IPv6 address"},
    {"db1/24", "\"db1\" is neither an IPv4 nor an IPv6 address"},
    {"fe80::9%eth0/64", "\"fe80::9%eth0\" is neither an IPv4 nor an IPv6 address"},
    {"1111:2222:3333:4444:5555:6666:7777:8888:9999/64",
     "\"1111:2222:3333:4444:5555:6666:7777:8888:9999\" is neither an IPv4 nor an IPv6 address"},
    {"10.0.0.9/33", "prefix length \"33\" of 10.0.0.9 is not 1 to 32"},
    {"10.0.0.9/0", "prefix length \"0\" of 10.0.0.9 is not 1 to 32"},
    {"10.0.0.9/", "prefix length \"\" of 10.0.0.9 is not 1 to 32"},
    {"10.0.0.9/24 ", "prefix length \"24 \" of 10.0.0.9 is not 1 to 32"},
    {"10.0.0.9/255.255.255.0", "prefix length \"255.255.255.0\" of 10.0.0.9 is not 1 to 32"},
    {"fd00::9/129", "prefix length \"129\" of fd00::9 is not 1 to 128"},
    {"10.0.0.9/99999999999999999999",
     "prefix length \"99999999999999999999\" of 10.0.0.9 is not 1 to 32"},
    {"0.0.0.0/24", "0.0.0.0/24 cannot be a virtual address: it is in 0.0.0.0/8, which is no host"},
    {"127.0.0.9/8", "127.0.0.9/8 cannot be a virtual address: it is a loopback address, "
                    "which no other host can reach"},
    {"224.0.0.9/24", "224.0.0.9/24 cannot be a virtual address: it is a multicast or reserved "
                     "address"},
    {"255.255.255.255/32", "255.255.255.255/32 cannot be a virtual address: it is the broadcast "
                           "address"},
    {"10.0.0.0/24", "10.0.0.0/24 cannot be a virtual address: it is the network's own address "
                    "with this prefix"},
    {"10.0.0.255/24", "10.0.0.255/24 cannot be a virtual address: it is the network's broadcast "
                      "address with this prefix"},
    {"::/64", "::/64 cannot be a virtual address: it is the unspecified address"},
    {"::1/128", "::1/128 cannot be a virtual address: it is the loopback address, which no other "
                "host can reach"},
    {"ff02::1/64", "ff02::1/64 cannot be a virtual address: it is a multicast address"},
    {"::ffff:10.0.0.9/96", "::ffff:10.0.0.9/96 cannot be a virtual address: it is an IPv4 address "
                           "in IPv6 form, write it as IPv4"},
    {"fd00::/64", "fd00::/64 cannot be a virtual address: it is the anycast address of the "
                  "network's routers with this prefix"},
};

START_TEST(what_cannot_be_a_virtual_address_is_refused_with_the_reason)
{
    struct bt_vip vip = {.prefix = 77};
    struct bt_err err = {0};

    ck_assert_int_eq(bt_vip_parse(bt_slice_str(bad[_i].text), &vip, &err), -1);
    ck_assert_int_eq(err.kind, BT_ERR_CONFIG);
    ck_assert_str_eq(err.text, bad[_i].reason);
    ck_assert_uint_eq(vip.prefix, 77);
}
END_TEST

START_TEST(an_address_with_a_nul_in_it_is_refused)
{
    struct bt_err err = {0};
    struct bt_vip vip;

    ck_assert_int_eq(bt_vip_parse(bt_slice("10.0.0.9\0/24", 12), &vip, &err), -1);
}
END_TEST

START_TEST(the_prefix_does_not_make_another_address)
{
    struct bt_vip a, b, c;
    struct bt_err err = {0};
    char text[BT_VIP_TEXT_SIZE];

    ck_assert_int_eq(bt_vip_parse(bt_slice_str("10.0.0.9/24"), &a, &err), 0);
    ck_assert_int_eq(bt_vip_parse(bt_slice_str("10.0.0.9/32"), &b, &err), 0);
    ck_assert_int_eq(bt_vip_parse(bt_slice_str("a00:9::9/64"), &c, &err), 0);
    ck_assert(bt_vip_same_address(&a, &b));
    ck_assert(!bt_vip_same_address(&a, &c));
    ck_assert_str_eq(bt_vip_address_text(&b, text), "10.0.0.9");
}
END_TEST

START_TEST(a_hardware_address_is_printed_in_six_pairs)
{
    char text[BT_MAC_TEXT_SIZE];

    ck_assert_str_eq(bt_mac_text((struct bt_mac){{0x02, 0x77, 0, 0xff, 0x0a, 1}}, text),
                     "02:77:00:ff:0a:01");
}
END_TEST

BT_SUITE_MAIN("vip address",
              {an_address_is_printed_as_it_was_written, sizeof(good) / sizeof(good[0])},
              {what_cannot_be_a_virtual_address_is_refused_with_the_reason,
               sizeof(bad) / sizeof(bad[0])},
              {an_address_with_a_nul_in_it_is_refused, 0},
              {the_prefix_does_not_make_another_address, 0},
              {a_hardware_address_is_printed_in_six_pairs, 0})
