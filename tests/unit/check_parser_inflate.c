/* SPDX-License-Identifier: Apache-2.0 */
/* Compressed bytes: what was put in comes out, and no claim makes us allocate. */
#include "tests/unit/suite.h"

#include <libdeflate.h>
#include <string.h>
#include <zstd.h>

#include "parser/event.h"
#include "parser/inflate.h"

/* A QUERY's text compressed by MariaDB 10.11 (zlib, 2 length bytes), made here by libdeflate. */
static size_t make_block(uint8_t head, const char *plain, size_t plain_len, bool is_raw,
                         uint8_t *out)
{
    struct libdeflate_compressor *z = libdeflate_alloc_compressor(6);
    size_t at = 0, n;

    out[at++] = head;
    for (int i = (head & 7) - 1; i >= 0; i--)
        out[at++] = (uint8_t)(plain_len >> 8 * i);
    n = is_raw ? libdeflate_deflate_compress(z, plain, plain_len, out + at, 4000)
               : libdeflate_zlib_compress(z, plain, plain_len, out + at, 4000);
    libdeflate_free_compressor(z);
    ck_assert_uint_gt(n, 0);
    return at + n;
}

static char plain[100000];

static void fill_plain(void)
{
    for (size_t i = 0; i < sizeof(plain); i++)
        plain[i] = (char)('a' + i % 7);
}

/* _i: count of length bytes. */
START_TEST(a_mariadb_block_gives_its_plain_bytes)
{
    int count = _i + 1;
    size_t len = count == 1 ? 200 : count == 2 ? 60000
                                               : sizeof(plain);
    uint8_t block[5000];
    bt_auto_inflater struct bt_inflater *z = NULL;
    bt_auto_buf struct bt_buf out;
    struct bt_err err = {0};
    size_t n;

    fill_plain();
    bt_buf_init(&out, sizeof(plain) + 3);
    ck_assert_int_eq(bt_inflater_new(&z, &err), 0);
    bt_buf_add_str(&out, "abc");
    n = make_block((uint8_t)(0x80 | count), plain, len, false, block);
    ck_assert_msg(bt_inflate_block(z, bt_slice(block, n), &out, &err) == 0, "%s", err.text);
    ck_assert_uint_eq(out.len, len + 3);
    ck_assert_mem_eq(out.data + 3, plain, len);
}
END_TEST

/* _i: every length a cut block can have. */
START_TEST(a_mariadb_block_cut_anywhere_is_refused)
{
    uint8_t block[5000], *exact = malloc((size_t)_i + 1);
    bt_auto_inflater struct bt_inflater *z = NULL;
    bt_auto_buf struct bt_buf out;
    struct bt_err err = {0};

    fill_plain();
    bt_buf_init(&out, 1 << 20);
    ck_assert_int_eq(bt_inflater_new(&z, &err), 0);
    ck_assert_uint_gt(make_block(0x82, plain, 300, false, block), (size_t)_i);
    memcpy(exact, block, (size_t)_i);
    ck_assert_int_eq(bt_inflate_block(z, (struct bt_slice){exact, (size_t)_i}, &out, &err), -1);
    ck_assert_int_eq(err.kind, BT_ERR_CORRUPT);
    ck_assert_uint_eq(out.len, 0);
    free(exact);
}
END_TEST

START_TEST(a_block_that_claims_4_gib_costs_no_memory)
{
    uint8_t block[5000];
    bt_auto_inflater struct bt_inflater *z = NULL;
    bt_auto_buf struct bt_buf out;
    struct bt_err err = {0};
    size_t n;

    fill_plain();
    bt_buf_init(&out, SIZE_MAX / 4);
    ck_assert_int_eq(bt_inflater_new(&z, &err), 0);
    n = make_block(0x84, plain, 300, false, block);
    memset(block + 1, 0xff, 4);
    ck_assert_int_eq(bt_inflate_block(z, bt_slice(block, n), &out, &err), -1);
    ck_assert_int_eq(err.kind, BT_ERR_CORRUPT);
    ck_assert_uint_lt(out.room, 1 << 20);
    /* One plain byte less or more than there are is as wrong. */
    for (int delta = -1; delta <= 1; delta += 2) {
        n = make_block(0x82, plain, 300, false, block);
        block[1] = (uint8_t)((300 + delta) >> 8);
        block[2] = (uint8_t)(300 + delta);
        ck_assert_int_eq(bt_inflate_block(z, bt_slice(block, n), &out, &err), -1);
    }
}
END_TEST

START_TEST(a_block_over_the_ceiling_is_a_limit_not_damage)
{
    uint8_t block[5000];
    bt_auto_inflater struct bt_inflater *z = NULL;
    bt_auto_buf struct bt_buf out;
    struct bt_err err = {0};
    size_t n;

    fill_plain();
    bt_buf_init(&out, 1000);
    ck_assert_int_eq(bt_inflater_new(&z, &err), 0);
    n = make_block(0x83, plain, 60000, false, block);
    ck_assert_int_eq(bt_inflate_block(z, bt_slice(block, n), &out, &err), -1);
    ck_assert_int_eq(err.kind, BT_ERR_LIMIT);
}
END_TEST

START_TEST(heads_that_mariadb_never_writes_are_refused)
{
    bt_auto_inflater struct bt_inflater *z = NULL;
    bt_auto_buf struct bt_buf out;
    struct bt_err err = {0};

    bt_buf_init(&out, 1000);
    ck_assert_int_eq(bt_inflater_new(&z, &err), 0);
    for (unsigned head = 0; head < 256; head++) {
        uint8_t block[] = {(uint8_t)head, 0, 0, 0, 0, 0, 0, 0, 0};

        ck_assert_int_eq(bt_inflate_block(z, bt_slice(block, sizeof(block)), &out, &err), -1);
        if (head == 0)
            continue;
        ck_assert_int_eq(bt_inflate_column(z, bt_slice(block, sizeof(block)), &out, &err), -1);
    }
}
END_TEST

START_TEST(compressed_columns_are_stored_raw_or_wrapped)
{
    /* zz..: stored; recorded from 10.11: 91 bytes, of which the first is the head 0. */
    static const uint8_t stored[] = {0, 'z', 'z'};
    uint8_t block[5000];
    bt_auto_inflater struct bt_inflater *z = NULL;
    bt_auto_buf struct bt_buf out;
    struct bt_err err = {0};
    size_t n;

    fill_plain();
    bt_buf_init(&out, 1 << 20);
    ck_assert_int_eq(bt_inflater_new(&z, &err), 0);
    ck_assert_int_eq(bt_inflate_column(z, bt_slice_empty(), &out, &err), 0);
    ck_assert_uint_eq(out.len, 0);
    ck_assert_int_eq(bt_inflate_column(z, bt_slice(stored, sizeof(stored)), &out, &err), 0);
    ck_assert(bt_slice_equal_str(bt_buf_slice(&out), "zz"));
    for (int is_raw = 0; is_raw <= 1; is_raw++) {
        bt_buf_reset(&out);
        n = make_block(is_raw ? 0x8a : 0x82, plain, 300, is_raw, block);
        ck_assert_msg(bt_inflate_column(z, bt_slice(block, n), &out, &err) == 0, "%s", err.text);
        ck_assert_uint_eq(out.len, 300);
        ck_assert_mem_eq(out.data, plain, 300);
    }
}
END_TEST

/* ----------------------------------------------------------------- payload */

/* Two events of 30 and 60000 bytes, as a payload holds them. */
static size_t make_events(uint8_t *out)
{
    static const uint32_t lengths[] = {30, 60000};
    size_t at = 0;

    for (int i = 0; i < 2; i++) {
        for (size_t n = 0; n < lengths[i]; n++)
            out[at + n] = (uint8_t)((n * 2654435761u) >> 13); /* hardly compressible */
        for (int b = 0; b < 4; b++)
            out[at + 9 + (size_t)b] = (uint8_t)(lengths[i] >> 8 * b);
        at += lengths[i];
    }
    return at;
}

static uint8_t events[60030], body[70000];

static size_t make_payload(bool is_stored)
{
    size_t events_len = make_events(events), n, at = 0;

    n = is_stored ? events_len : ZSTD_compress(body + 20, sizeof(body) - 20, events, events_len, 3);
    ck_assert(!ZSTD_isError(n));
    body[at++] = 2;
    body[at++] = is_stored ? 3 : 1;
    if (is_stored)
        body[at++] = 252;
    body[at++] = is_stored ? 255 : 0;
    if (is_stored)
        body[at++] = 0;
    body[at++] = 1;
    body[at++] = 3;
    body[at++] = 252;
    body[at++] = (uint8_t)n;
    body[at++] = (uint8_t)(n >> 8);
    body[at++] = 0;
    memmove(body + at, is_stored ? events : body + 20, n);
    return at + n;
}

/* _i: compressed, stored. */
START_TEST(a_payload_gives_its_events_one_by_one)
{
    bt_auto_payload struct bt_payload *p = NULL;
    struct bt_slice ev;
    struct bt_err err = {0};
    size_t n = make_payload(_i == 1);

    ck_assert_int_eq(bt_payload_new(&p, &err), 0);
    for (int again = 0; again < 3; again++) {
        ck_assert_msg(bt_payload_begin(p, bt_slice(body, n), (struct bt_payload_limits){0}, &err) ==
                          0,
                      "%s", err.text);
        ck_assert_msg(bt_payload_next(p, &ev, &err) == 0, "%s", err.text);
        ck_assert(bt_slice_equal(ev, bt_slice(events, 30)));
        if (again == 1)
            continue; /* left in the middle */
        ck_assert_msg(bt_payload_next(p, &ev, &err) == 0, "%s", err.text);
        ck_assert(bt_slice_equal(ev, bt_slice(events + 30, 60000)));
        ck_assert_int_eq(bt_payload_next(p, &ev, &err), 1);
        ck_assert_int_eq(bt_payload_next(p, &ev, &err), 1);
    }
}
END_TEST

/* _i: every length a cut payload can have. */
START_TEST(a_payload_cut_anywhere_is_refused)
{
    bt_auto_payload struct bt_payload *p = NULL;
    struct bt_slice ev;
    struct bt_err err = {0};
    size_t n = make_payload(false), head = n - (size_t)(body[7] | body[8] << 8);
    uint8_t *exact = malloc((size_t)_i + 1);
    int result;

    ck_assert_uint_gt(n, (size_t)_i);
    memcpy(exact, body, (size_t)_i);
    if ((size_t)_i >= head) { /* the size is right, but the data is cut */
        exact[7] = (uint8_t)((size_t)_i - head);
        exact[8] = (uint8_t)(((size_t)_i - head) >> 8);
    }
    ck_assert_int_eq(bt_payload_new(&p, &err), 0);
    result = bt_payload_begin(p, (struct bt_slice){exact, (size_t)_i},
                              (struct bt_payload_limits){0}, &err);
    while (result == 0)
        result = bt_payload_next(p, &ev, &err);
    if ((size_t)_i == head) {
        ck_assert_int_eq(result, 1); /* an empty payload */
    } else {
        ck_assert_int_eq(result, -1);
        ck_assert_int_eq(err.kind, BT_ERR_CORRUPT);
    }
    free(exact);
}
END_TEST

START_TEST(a_payload_over_its_limits_is_refused)
{
    bt_auto_payload struct bt_payload *p = NULL;
    struct bt_slice ev;
    struct bt_err err = {0};
    size_t n = make_payload(false);

    ck_assert_int_eq(bt_payload_new(&p, &err), 0);
    ck_assert_int_eq(bt_payload_begin(p, bt_slice(body, n),
                                      (struct bt_payload_limits){.plain_max = 60029}, &err),
                     0);
    ck_assert_int_eq(bt_payload_next(p, &ev, &err), -1);
    ck_assert_int_eq(err.kind, BT_ERR_LIMIT);
    ck_assert_int_eq(bt_payload_begin(p, bt_slice(body, n),
                                      (struct bt_payload_limits){.event_size_max = 59999}, &err),
                     0);
    ck_assert_int_eq(bt_payload_next(p, &ev, &err), 0);
    ck_assert_int_eq(bt_payload_next(p, &ev, &err), -1);
    ck_assert_int_eq(err.kind, BT_ERR_CORRUPT);
}
END_TEST

START_TEST(an_inner_event_that_lies_about_its_length_is_refused)
{
    static const uint8_t lengths[][4] = {
        {18, 0, 0, 0}, {31, 0, 0, 0}, {0xff, 0xff, 0xff, 0x3f}, {0, 0, 0, 0}};

    for (size_t i = 0; i < 4; i++) {
        uint8_t stored[] = {2, 3, 252, 255, 0, 1, 1, 30, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 30, 0,
                            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
        bt_auto_payload struct bt_payload *p = NULL;
        struct bt_slice ev;
        struct bt_err err = {0};

        memcpy(stored + 9 + 9, lengths[i], 4);
        ck_assert_int_eq(bt_payload_new(&p, &err), 0);
        ck_assert_msg(bt_payload_begin(p, bt_slice(stored, sizeof(stored)),
                                       (struct bt_payload_limits){0}, &err) == 0,
                      "%s", err.text);
        ck_assert_int_eq(bt_payload_next(p, &ev, &err), -1);
        ck_assert_int_eq(err.kind, BT_ERR_CORRUPT);
    }
}
END_TEST

BT_SUITE_MAIN("parser inflate",
              {a_mariadb_block_gives_its_plain_bytes, 4},
              {a_mariadb_block_cut_anywhere_is_refused, 20},
              {a_block_that_claims_4_gib_costs_no_memory, 0},
              {a_block_over_the_ceiling_is_a_limit_not_damage, 0},
              {heads_that_mariadb_never_writes_are_refused, 0},
              {compressed_columns_are_stored_raw_or_wrapped, 0},
              {a_payload_gives_its_events_one_by_one, 2},
              {a_payload_cut_anywhere_is_refused, 60},
              {a_payload_over_its_limits_is_refused, 0},
              {an_inner_event_that_lies_about_its_length_is_refused, 0})
