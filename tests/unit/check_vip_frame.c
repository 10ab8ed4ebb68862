/* SPDX-License-Identifier: Apache-2.0 */
/* Every byte that is put on the wire, and what is believed of what comes from it. */
#include "tests/unit/suite.h"

#include "vip/frame.h"

static const struct bt_mac mac = {{0x02, 0x77, 0x00, 0x00, 0x00, 0x03}};
static const struct bt_mac other = {{0x02, 0x77, 0x00, 0x00, 0x00, 0x09}};

static struct bt_vip vip(const char *text)
{
    struct bt_err err = {0};
    struct bt_vip v;

    ck_assert_msg(bt_vip_parse(bt_slice_str(text), &v, &err) == 0, "%s", err.text);
    return v;
}

#define assert_bytes(frame, ...) \
    do { \
        static const uint8_t want_[] = {__VA_ARGS__}; \
        ck_assert_uint_eq((frame).len, sizeof(want_)); \
        ck_assert_mem_eq((frame).bytes, want_, sizeof(want_)); \
    } while (0)

/* clang-format off */

START_TEST(the_request_form_of_a_gratuitous_arp)
{
    struct bt_vip v = vip("10.0.0.9/24");
    struct bt_frame f = bt_frame_arp_announce(BT_ARP_REQUEST, mac, &v);

    ck_assert_uint_eq(f.protocol, 0x0806);
    assert_bytes(f,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff,  0x02, 0x77, 0x00, 0x00, 0x00, 0x03,  0x08, 0x06,
        0x00, 0x01,  0x08, 0x00,  6, 4,  0x00, 0x01,
        0x02, 0x77, 0x00, 0x00, 0x00, 0x03,  10, 0, 0, 9,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00,  10, 0, 0, 9);
}
END_TEST

START_TEST(the_reply_form_of_a_gratuitous_arp_names_its_sender_as_target_too)
{
    struct bt_vip v = vip("10.0.0.9/24");
    struct bt_frame f = bt_frame_arp_announce(BT_ARP_REPLY, mac, &v);

    assert_bytes(f,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff,  0x02, 0x77, 0x00, 0x00, 0x00, 0x03,  0x08, 0x06,
        0x00, 0x01,  0x08, 0x00,  6, 4,  0x00, 0x02,
        0x02, 0x77, 0x00, 0x00, 0x00, 0x03,  10, 0, 0, 9,
        0x02, 0x77, 0x00, 0x00, 0x00, 0x03,  10, 0, 0, 9);
}
END_TEST

START_TEST(an_arp_probe_claims_nothing)
{
    struct bt_vip v = vip("10.0.0.9/24");
    struct bt_frame f = bt_frame_arp_probe(mac, &v);

    assert_bytes(f,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff,  0x02, 0x77, 0x00, 0x00, 0x00, 0x03,  0x08, 0x06,
        0x00, 0x01,  0x08, 0x00,  6, 4,  0x00, 0x01,
        0x02, 0x77, 0x00, 0x00, 0x00, 0x03,  0, 0, 0, 0,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00,  10, 0, 0, 9);
}
END_TEST

/* The checksums of the two frames below were worked out by hand (RFC 1071 sums of 16-bit words:
 * pseudo header and message) and agree with what a Linux neighbour accepts, tests/net/vip.bats. */
START_TEST(an_unsolicited_advertisement_overrides_what_neighbours_know)
{
    struct bt_vip v = vip("fd00::9/64");
    struct bt_frame f = bt_frame_na_announce(mac, &v, false);

    ck_assert_uint_eq(f.protocol, 0x86dd);
    assert_bytes(f,
        0x33, 0x33, 0x00, 0x00, 0x00, 0x01,  0x02, 0x77, 0x00, 0x00, 0x00, 0x03,  0x86, 0xdd,
        0x60, 0, 0, 0,  0, 32,  58,  255,
        0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9,
        0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
        136, 0,  0x5a, 0x12,  0x20, 0, 0, 0,
        0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9,
        2, 1,  0x02, 0x77, 0x00, 0x00, 0x00, 0x03);
    f = bt_frame_na_announce(mac, &v, true);
    ck_assert_uint_eq(f.bytes[58], 0xa0);
}
END_TEST

START_TEST(a_solicitation_from_nowhere_goes_to_the_group_of_the_address)
{
    struct bt_vip v = vip("fd00::12:3456/64");
    struct bt_frame f = bt_frame_ns_probe(mac, &v);

    assert_bytes(f,
        0x33, 0x33, 0xff, 0x12, 0x34, 0x56,  0x02, 0x77, 0x00, 0x00, 0x00, 0x03,  0x86, 0xdd,
        0x60, 0, 0, 0,  0, 24,  58,  255,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0x12, 0x34, 0x56,
        135, 0,  0x14, 0xd7,  0, 0, 0, 0,
        0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x34, 0x56);
}
END_TEST

/* clang-format on */

static struct bt_claim read_claim(struct bt_slice bytes)
{
    struct bt_err err = {0};
    struct bt_claim claim;

    ck_assert_msg(bt_claim_read(bytes, &claim, &err) == 0, "%s", err.text);
    return claim;
}

static struct bt_slice frame_slice(const struct bt_frame *f)
{
    return bt_slice(f->bytes, f->len);
}

START_TEST(a_gratuitous_arp_says_who_holds_the_address)
{
    struct bt_vip v = vip("10.0.0.9/24");
    struct bt_frame f = bt_frame_arp_announce(BT_ARP_REQUEST, other, &v);
    struct bt_claim claim = read_claim(frame_slice(&f));

    ck_assert_int_eq(claim.kind, BT_CLAIM_HOLDS);
    ck_assert(bt_vip_same_address(&claim.who, &v));
    ck_assert(bt_mac_equal(claim.mac, other));
}
END_TEST

START_TEST(a_padded_reply_says_who_holds_the_address)
{
    struct bt_vip v = vip("10.0.0.9/24");
    struct bt_frame f = bt_frame_arp_announce(BT_ARP_REPLY, other, &v);
    uint8_t padded[60] = {0};

    memcpy(padded, f.bytes, f.len);
    ck_assert_int_eq(read_claim(bt_slice(padded, sizeof(padded))).kind, BT_CLAIM_HOLDS);
}
END_TEST

START_TEST(a_probe_of_another_host_says_that_it_wants_the_address)
{
    struct bt_vip v4 = vip("10.0.0.9/24"), v6 = vip("fd00::9/64");
    struct bt_frame f = bt_frame_arp_probe(other, &v4);
    struct bt_claim claim = read_claim(frame_slice(&f));

    ck_assert_int_eq(claim.kind, BT_CLAIM_WANTS);
    ck_assert(bt_vip_same_address(&claim.who, &v4));
    f = bt_frame_ns_probe(other, &v6);
    claim = read_claim(frame_slice(&f));
    ck_assert_int_eq(claim.kind, BT_CLAIM_WANTS);
    ck_assert(bt_vip_same_address(&claim.who, &v6));
    ck_assert(bt_mac_equal(claim.mac, other));
}
END_TEST

START_TEST(an_advertisement_says_who_holds_the_address_by_its_option)
{
    struct bt_vip v = vip("fd00::9/64");
    struct bt_frame f = bt_frame_na_announce(other, &v, false);
    struct bt_claim claim;

    memcpy(f.bytes + 6, mac.bytes, BT_MAC_SIZE); /* relayed by somebody else */
    claim = read_claim(frame_slice(&f));
    ck_assert_int_eq(claim.kind, BT_CLAIM_HOLDS);
    ck_assert(bt_vip_same_address(&claim.who, &v));
    ck_assert(bt_mac_equal(claim.mac, other));
}
END_TEST

START_TEST(other_traffic_is_of_no_concern)
{
    struct bt_vip v4 = vip("10.0.0.9/24"), v6 = vip("fd00::9/64");
    struct bt_frame ipv4 = bt_frame_arp_probe(mac, &v4);
    struct bt_frame rarp = ipv4, ieee802 = ipv4, udp = bt_frame_ns_probe(mac, &v6), echo = udp;
    struct bt_frame *frames[] = {&ipv4, &rarp, &ieee802, &udp, &echo};

    ipv4.bytes[13] = 0x00; /* EtherType 0x0800 */
    rarp.bytes[21] = 3;    /* an ARP operation that claims nothing */
    ieee802.bytes[15] = 6; /* ARP over IEEE 802, of other lengths */
    udp.bytes[20] = 17;    /* next header */
    echo.bytes[54] = 128;  /* ICMPv6 echo request */
    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        struct bt_err err = {0};
        struct bt_claim claim;

        ck_assert_int_eq(bt_claim_read(frame_slice(frames[i]), &claim, &err), 1);
    }
}
END_TEST

/* Every prefix of a frame, in memory that ends with it. */
static void refuses_truncation(const struct bt_frame *f, int len)
{
    uint8_t *exact = calloc(1, (size_t)len + 1);
    struct bt_err err = {0};
    struct bt_claim claim;

    memcpy(exact, f->bytes, (size_t)len);
    exact = realloc(exact, len ? (size_t)len : 1);
    ck_assert_int_ne(bt_claim_read(bt_slice(exact, (size_t)len), &claim, &err), 0);
    free(exact);
}

START_TEST(a_cut_arp_frame_is_refused_at_every_length)
{
    struct bt_vip v = vip("10.0.0.9/24");
    struct bt_frame f = bt_frame_arp_announce(BT_ARP_REPLY, other, &v);

    refuses_truncation(&f, _i);
}
END_TEST

START_TEST(a_cut_advertisement_is_refused_at_every_length)
{
    struct bt_vip v = vip("fd00::9/64");
    struct bt_frame f = bt_frame_na_announce(other, &v, false);

    refuses_truncation(&f, _i);
}
END_TEST

/* Of the addresses, which the checksum covers too, and of the message. */
START_TEST(an_advertisement_with_a_flipped_bit_is_refused)
{
    struct bt_vip v = vip("fd00::9/64");
    struct bt_frame f = bt_frame_na_announce(other, &v, false);

    for (size_t bit = 22 * 8; bit < f.len * 8; bit++) {
        struct bt_frame bent = f;
        struct bt_err err = {0};
        struct bt_claim claim;

        bent.bytes[bit / 8] = (uint8_t)(bent.bytes[bit / 8] ^ 1u << bit % 8);
        ck_assert_msg(bt_claim_read(frame_slice(&bent), &claim, &err) != 0, "bit %zu", bit);
    }
}
END_TEST

START_TEST(an_advertisement_that_crossed_a_router_is_refused)
{
    struct bt_vip v = vip("fd00::9/64");
    struct bt_frame f = bt_frame_na_announce(other, &v, false);
    struct bt_err err = {0};
    struct bt_claim claim;

    f.bytes[21] = 254;
    ck_assert_int_eq(bt_claim_read(frame_slice(&f), &claim, &err), -1);
    ck_assert_str_eq(err.text, "a neighbour message has hop limit 254 and code 0, not 255 and 0");
}
END_TEST

/* RFC 4861 4.6: a length of 0 would never end. */
START_TEST(an_option_without_length_is_refused)
{
    struct bt_vip v = vip("fd00::9/64");
    struct bt_frame f = bt_frame_na_announce(other, &v, false);
    struct bt_err err = {0};
    struct bt_claim claim;
    unsigned sum = ((unsigned)f.bytes[56] << 8 | f.bytes[57]) + 1;

    f.bytes[79] = 0;
    f.bytes[56] = (uint8_t)(sum >> 8); /* so that only the option is wrong */
    f.bytes[57] = (uint8_t)sum;
    ck_assert_int_eq(bt_claim_read(frame_slice(&f), &claim, &err), -1);
    ck_assert_str_eq(err.text, "an option of a neighbour message is cut");
}
END_TEST

START_TEST(an_arp_packet_with_addresses_of_another_size_is_refused)
{
    struct bt_vip v = vip("10.0.0.9/24");
    struct bt_frame f = bt_frame_arp_announce(BT_ARP_REPLY, other, &v);
    struct bt_err err = {0};
    struct bt_claim claim;

    f.bytes[18] = 20;
    ck_assert_int_eq(bt_claim_read(frame_slice(&f), &claim, &err), -1);
    ck_assert_str_eq(err.text, "an ARP packet claims addresses of 20 and 4 bytes, not 6 and 4");
}
END_TEST

BT_SUITE_MAIN("vip frame", {the_request_form_of_a_gratuitous_arp, 0},
              {the_reply_form_of_a_gratuitous_arp_names_its_sender_as_target_too, 0},
              {an_arp_probe_claims_nothing, 0},
              {an_unsolicited_advertisement_overrides_what_neighbours_know, 0},
              {a_solicitation_from_nowhere_goes_to_the_group_of_the_address, 0},
              {a_gratuitous_arp_says_who_holds_the_address, 0},
              {a_padded_reply_says_who_holds_the_address, 0},
              {a_probe_of_another_host_says_that_it_wants_the_address, 0},
              {an_advertisement_says_who_holds_the_address_by_its_option, 0},
              {other_traffic_is_of_no_concern, 0},
              {a_cut_arp_frame_is_refused_at_every_length, BT_FRAME_ARP_SIZE},
              {a_cut_advertisement_is_refused_at_every_length, BT_FRAME_ND_OPTION_SIZE},
              {an_advertisement_with_a_flipped_bit_is_refused, 0},
              {an_advertisement_that_crossed_a_router_is_refused, 0},
              {an_option_without_length_is_refused, 0},
              {an_arp_packet_with_addresses_of_another_size_is_refused, 0})
