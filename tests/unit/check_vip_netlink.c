/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's answers, whole and damaged. */
#include "tests/unit/suite.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "vip/interface.h"
#include "vip/netlink.h"

/* A copy that ends where the allocation ends, so that ASan guards it. */
static uint8_t *exactly(const void *bytes, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);

    memcpy(copy, bytes, len);
    return copy;
}

START_TEST(a_request_holds_its_header_and_its_padded_attributes)
{
    struct ifaddrmsg header = {.ifa_family = 2, .ifa_prefixlen = 24, .ifa_index = 7};
    struct bt_netlink_request r =
        bt_netlink_begin(RTM_NEWADDR, NLM_F_EXCL, &header, sizeof(header));
    struct bt_netlink_message m;
    struct bt_netlink_attribute a;
    struct bt_err err = {0};
    struct bt_cursor c;
    struct nlmsghdr h;

    bt_netlink_put(&r, IFA_LABEL, "eth0:v", 7);
    bt_netlink_put(&r, IFA_LOCAL, "\x0a\0\0\x09", 4);
    ck_assert_uint_eq(r.len, 16 + 8 + 12 + 8);
    memcpy(&h, r.bytes, sizeof(h));
    h.nlmsg_len = (uint32_t)r.len; /* filled in when it is sent */
    memcpy(r.bytes, &h, sizeof(h));

    c = bt_cursor(bt_slice(r.bytes, r.len));
    ck_assert_int_eq(bt_netlink_message_next(&c, &m, &err), 0);
    ck_assert_uint_eq(m.type, RTM_NEWADDR);
    ck_assert_uint_eq(m.flags, NLM_F_REQUEST | NLM_F_EXCL);
    ck_assert_int_eq(bt_netlink_message_next(&c, &m, &err), 1);
    c = bt_cursor(bt_slice(m.body.ptr + sizeof(header), m.body.len - sizeof(header)));
    ck_assert_int_eq(bt_netlink_attribute_next(&c, &a, &err), 0);
    ck_assert_uint_eq(a.type, IFA_LABEL);
    ck_assert_str_eq((const char *)a.payload.ptr, "eth0:v");
    ck_assert_int_eq(bt_netlink_attribute_next(&c, &a, &err), 0);
    ck_assert_uint_eq(a.type, IFA_LOCAL);
    ck_assert_uint_eq(a.payload.len, 4);
    ck_assert_int_eq(bt_netlink_attribute_next(&c, &a, &err), 1);
}
END_TEST

/* _i: how many bytes of the message are there. */
START_TEST(a_cut_message_is_refused_at_every_length)
{
    uint8_t bytes[24] = {0};
    struct nlmsghdr h = {.nlmsg_len = sizeof(bytes), .nlmsg_type = RTM_NEWADDR};
    struct bt_netlink_message m;
    struct bt_err err = {0};
    struct bt_cursor c;
    uint8_t *copy;

    memcpy(bytes, &h, sizeof(h));
    copy = exactly(bytes, (size_t)_i);
    c = bt_cursor(bt_slice(copy, (size_t)_i));
    ck_assert_int_eq(bt_netlink_message_next(&c, &m, &err), _i == 0 ? 1 : -1);
    ck_assert_int_eq(err.kind, _i == 0 ? BT_ERR_NONE : BT_ERR_CORRUPT);
    free(copy);
}
END_TEST

START_TEST(a_message_that_claims_less_than_its_header_is_refused)
{
    struct nlmsghdr h = {.nlmsg_len = 15, .nlmsg_type = RTM_NEWADDR};
    struct bt_cursor c = bt_cursor(bt_slice(&h, sizeof(h)));
    struct bt_netlink_message m;
    struct bt_err err = {0};

    ck_assert_int_eq(bt_netlink_message_next(&c, &m, &err), -1);
    ck_assert_str_eq(err.text, "a netlink message claims 15 bytes, 16 are there");
}
END_TEST

START_TEST(an_attribute_that_claims_too_little_or_too_much_is_refused)
{
    static const uint16_t lengths[] = {0, 3, 9, 0xffff};

    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        uint8_t bytes[8] = {0};
        struct bt_cursor c = bt_cursor(bt_slice(bytes, sizeof(bytes)));
        struct bt_netlink_attribute a;
        struct bt_err err = {0};

        memcpy(bytes, &lengths[i], 2);
        ck_assert_int_eq(bt_netlink_attribute_next(&c, &a, &err), -1);
        ck_assert_int_eq(err.kind, BT_ERR_CORRUPT);
    }
}
END_TEST

/* An NLMSG_ERROR body: errno, the request's header, attribute 1 with the kernel's words. */
static size_t refusal(uint8_t out[64], int32_t status)
{
    struct nlmsghdr request = {.nlmsg_len = 44, .nlmsg_type = RTM_NEWADDR};
    struct rtattr a = {.rta_len = 4 + 8, .rta_type = NLMSGERR_ATTR_MSG};

    memcpy(out, &status, 4);
    memcpy(out + 4, &request, 16);
    memcpy(out + 20, &a, 4);
    memcpy(out + 24, "No way.", 8);
    return 32;
}

START_TEST(a_refusal_is_told_with_the_kernels_own_words)
{
    uint8_t body[64];
    size_t len = refusal(body, -EINVAL);
    struct bt_err err = {0};
    struct bt_slice words;
    int os_errno;

    ck_assert_int_eq(bt_netlink_error_read(bt_slice(body, len), NLM_F_ACK_TLVS | NLM_F_CAPPED,
                                           &os_errno, &words, &err),
                     0);
    ck_assert_int_eq(os_errno, EINVAL);
    ck_assert(bt_slice_equal_str(words, "No way."));
    /* Without the flag what follows is the request, not words. */
    ck_assert_int_eq(bt_netlink_error_read(bt_slice(body, len), 0, &os_errno, &words, &err), 0);
    ck_assert_uint_eq(words.len, 0);
}
END_TEST

START_TEST(words_that_lack_their_nul_end_with_the_attribute)
{
    uint8_t body[64], *copy;
    size_t len = refusal(body, -EPERM);
    struct bt_err err = {0};
    struct bt_slice words;
    int os_errno;

    body[len - 1] = '!';
    copy = exactly(body, len);
    ck_assert_int_eq(bt_netlink_error_read(bt_slice(copy, len), NLM_F_ACK_TLVS | NLM_F_CAPPED,
                                           &os_errno, &words, &err),
                     0);
    ck_assert(bt_slice_equal_str(words, "No way.!"));
    free(copy);
}
END_TEST

/* _i: how many bytes are there; with 20 it is whole, without words. */
START_TEST(a_cut_refusal_is_refused)
{
    uint8_t body[64], *copy;
    struct bt_err err = {0};
    struct bt_slice words;
    int os_errno, got;

    refusal(body, -EPERM);
    copy = exactly(body, (size_t)_i);
    got = bt_netlink_error_read(bt_slice(copy, (size_t)_i), NLM_F_ACK_TLVS | NLM_F_CAPPED,
                                &os_errno, &words, &err);
    ck_assert_int_eq(got, _i == 20 ? 0 : -1);
    free(copy);
}
END_TEST

START_TEST(an_errno_that_is_none_is_refused)
{
    int32_t values[] = {1, -4096, INT32_MIN};
    struct bt_slice words;
    int os_errno;

    for (size_t i = 0; i < 3; i++) {
        struct bt_err err = {0};

        ck_assert_int_eq(bt_netlink_error_read(bt_slice(&values[i], 4), 0, &os_errno, &words, &err),
                         -1);
        ck_assert_int_eq(err.kind, BT_ERR_CORRUPT);
    }
}
END_TEST

/* The kernel itself: needs no privilege. */
START_TEST(the_loopback_interface_is_found_and_carries_no_vip)
{
    struct bt_err err = {0};
    struct bt_interface lo;

    ck_assert_msg(bt_interface_find("lo", bt_deadline_in(5000), &lo, &err) == 0, "%s", err.text);
    ck_assert_uint_eq(lo.index, 1);
    ck_assert(!lo.ethernet);
    ck_assert_int_eq(bt_interface_check(&lo, &err), -1);
    ck_assert_str_eq(err.text,
                     "interface \"lo\" is no Ethernet: its neighbours cannot be told");
}
END_TEST

START_TEST(a_missing_interface_is_named_with_those_that_exist)
{
    struct bt_err err = {0};
    struct bt_interface i;

    ck_assert_int_eq(bt_interface_find("nope77", bt_deadline_in(5000), &i, &err), -1);
    ck_assert_int_eq(err.kind, BT_ERR_REALITY);
    ck_assert_msg(strstr(err.text, "this host has no interface \"nope77\" (it has lo") == err.text,
                  "%s", err.text);
}
END_TEST

START_TEST(a_passed_deadline_ends_a_question)
{
    static const struct ifinfomsg any;
    bt_auto_netlink struct bt_netlink nl = {.fd = -1};
    struct bt_netlink_request r = bt_netlink_begin(NLMSG_NOOP, 0, &any, sizeof(any));
    struct bt_err err = {0};

    /* A listing that is no listing is never answered. */
    ck_assert_int_eq(bt_netlink_open(&nl, &err), 0);
    ck_assert_int_eq(bt_netlink_dump(&nl, &r, bt_deadline_in(20), NULL, NULL, &err), -1);
    ck_assert_int_eq(err.kind, BT_ERR_TIMEOUT);
    ck_assert_str_eq(err.text, "the kernel did not answer a netlink request in time");
}
END_TEST

BT_SUITE_MAIN("vip netlink", {a_request_holds_its_header_and_its_padded_attributes, 0},
              {a_cut_message_is_refused_at_every_length, 24},
              {a_message_that_claims_less_than_its_header_is_refused, 0},
              {an_attribute_that_claims_too_little_or_too_much_is_refused, 0},
              {a_refusal_is_told_with_the_kernels_own_words, 0},
              {words_that_lack_their_nul_end_with_the_attribute, 0},
              {a_cut_refusal_is_refused, 31}, {an_errno_that_is_none_is_refused, 0},
              {the_loopback_interface_is_found_and_carries_no_vip, 0},
              {a_missing_interface_is_named_with_those_that_exist, 0},
              {a_passed_deadline_ends_a_question, 0})
