/* SPDX-License-Identifier: Apache-2.0 */
/* Both ways of the CRC against zlib's. */
#include "tests/unit/suite.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "parser/crc.h"

enum { LENGTH_MAX = 1400, ALIGNMENTS = 64 };

static uint8_t bytes[LENGTH_MAX + ALIGNMENTS];

static void fill_bytes(void)
{
    uint32_t state = 1;

    for (size_t i = 0; i < sizeof(bytes); i++) {
        state = state * 1664525 + 1013904223;
        bytes[i] = (uint8_t)(state >> 24);
    }
}

static void expect_zlibs(struct bt_slice s)
{
    uint32_t want = (uint32_t)crc32(0, s.ptr, (unsigned)s.len);

    ck_assert_msg(bt_crc32(0, s) == want, "%zu bytes", s.len);
}

/* _i: 0 the portable way, 1 the best one of this processor. */
START_TEST(every_length_at_every_alignment_has_zlibs_crc)
{
    fill_bytes();
    bt_crc32_allow_wide(_i == 1);
    for (size_t at = 0; at < ALIGNMENTS; at++)
        for (size_t len = 0; len <= LENGTH_MAX; len++)
            expect_zlibs(bt_slice(bytes + at, len));
    bt_crc32_allow_wide(true);
}
END_TEST

START_TEST(bytes_of_one_value_have_zlibs_crc)
{
    bt_crc32_allow_wide(_i == 1);
    for (int value = 0; value < 256; value += 255) {
        memset(bytes, value, sizeof(bytes));
        for (size_t len = 0; len <= LENGTH_MAX; len++)
            expect_zlibs(bt_slice(bytes, len));
    }
    bt_crc32_allow_wide(true);
}
END_TEST

START_TEST(a_crc_in_two_parts_is_the_crc_of_the_whole)
{
    struct bt_slice whole = {bytes, LENGTH_MAX};

    fill_bytes();
    bt_crc32_allow_wide(_i == 1);
    for (size_t cut = 0; cut <= LENGTH_MAX; cut += 7) {
        uint32_t head = bt_crc32(0, bt_slice(bytes, cut));

        ck_assert_uint_eq(bt_crc32(head, bt_slice(bytes + cut, LENGTH_MAX - cut)),
                          bt_crc32(0, whole));
    }
    bt_crc32_allow_wide(true);
}
END_TEST

/* No byte in front of the message or behind it may be touched: there is no memory. */
START_TEST(nothing_outside_of_the_message_is_read)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *mapped = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                           -1, 0);

    ck_assert_ptr_ne(mapped, MAP_FAILED);
    memset(mapped + page, 0x5a, page);
    ck_assert_int_eq(mprotect(mapped, page, PROT_NONE), 0);
    ck_assert_int_eq(mprotect(mapped + 2 * page, page, PROT_NONE), 0);
    bt_crc32_allow_wide(_i == 1);
    for (size_t len = 0; len <= LENGTH_MAX; len++) {
        expect_zlibs(bt_slice(mapped + page, len));
        expect_zlibs(bt_slice(mapped + 2 * page - len, len));
    }
    bt_crc32_allow_wide(true);
    munmap(mapped, 3 * page);
}
END_TEST

BT_SUITE_MAIN("parser crc",
              {every_length_at_every_alignment_has_zlibs_crc, 2},
              {bytes_of_one_value_have_zlibs_crc, 2},
              {a_crc_in_two_parts_is_the_crc_of_the_whole, 2},
              {nothing_outside_of_the_message_is_read, 2})
