/* SPDX-License-Identifier: Apache-2.0 */
/* Cursor, buffer and arena: nothing is read or written past an end. */
#include "tests/unit/suite.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"

START_TEST(numbers_are_read_in_their_byte_order)
{
    static const uint8_t bytes[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08};
    struct bt_cursor c = bt_cursor(bt_slice(bytes, sizeof(bytes)));
    uint64_t wide;
    uint16_t u16;
    uint8_t u8;

    ck_assert(bt_cur_u8(&c, &u8) && u8 == 1);
    ck_assert(bt_cur_u16(&c, &u16) && u16 == 0x0302);
    ck_assert(bt_cur_be(&c, 3, &wide) && wide == 0x040506);
    ck_assert(bt_cur_le(&c, 2, &wide) && wide == 0x0807);
    ck_assert(!bt_cur_u8(&c, &u8));
}
END_TEST

/* _i: how many bytes of an 8-byte number are there. */
START_TEST(a_short_number_is_refused_and_nothing_moves)
{
    uint8_t *exact = calloc(1, (size_t)_i + 1);
    struct bt_cursor c = bt_cursor(bt_slice(exact, (size_t)_i));
    uint64_t u64;

    ck_assert(!bt_cur_u64(&c, &u64));
    ck_assert(!bt_cur_be(&c, 8, &u64));
    ck_assert_uint_eq(c.left, (size_t)_i);
    free(exact);
}
END_TEST

START_TEST(a_length_that_lies_is_refused)
{
    static const uint8_t huge[] = {254, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1};
    static const uint8_t null_mark[] = {251, 0, 0};
    struct bt_cursor c = bt_cursor(bt_slice(huge, sizeof(huge)));
    struct bt_slice s;
    uint64_t u64;

    ck_assert(!bt_cur_lenenc_take(&c, &s));
    ck_assert_uint_eq(c.left, sizeof(huge));
    c = bt_cursor(bt_slice(null_mark, sizeof(null_mark)));
    ck_assert(!bt_cur_lenenc(&c, &u64));
}
END_TEST

START_TEST(a_buffer_never_grows_over_its_ceiling)
{
    struct bt_err err = {0};
    struct bt_buf b;

    bt_buf_init(&b, 10);
    ck_assert(bt_buf_add_str(&b, "0123456789"));
    ck_assert(!bt_buf_add_byte(&b, 'x'));
    ck_assert(!bt_buf_add(&b, "", 0));
    ck_assert_int_eq(bt_buf_check(&b, "answer", &err), -1);
    ck_assert_str_eq(err.text, "answer does not fit in 10 bytes");
    ck_assert_uint_eq(b.len, 10);
    bt_buf_done(&b);
}
END_TEST

START_TEST(an_arena_has_a_ceiling_and_aligns)
{
    struct bt_arena a;

    bt_arena_init(&a, 200000);
    ck_assert_ptr_nonnull(bt_arena_alloc(&a, 0));
    ck_assert_ptr_nonnull(bt_arena_alloc(&a, 1));
    ck_assert_uint_eq((uintptr_t)bt_arena_alloc(&a, 100000) % 16, 0);
    ck_assert_ptr_null(bt_arena_alloc(&a, 100000));
    ck_assert_ptr_null(bt_arena_array(&a, SIZE_MAX / 2, 4));
    bt_arena_reset(&a);
    ck_assert_ptr_nonnull(bt_arena_alloc(&a, 100000));
    ck_assert_str_eq(bt_arena_str(&a, bt_slice_str("text")), "text");
    bt_arena_done(&a);
}
END_TEST

START_TEST(an_error_keeps_the_innermost_text_and_its_errno)
{
    struct bt_err err = {0};

    errno = ENOENT;
    ck_assert_int_eq(bt_fail_sys(&err, "could not open \"%s\"", "x"), -1);
    ck_assert_int_eq(bt_err_wrap(&err, "reading %s", "y"), -1);
    ck_assert_str_eq(err.text, "reading y: could not open \"x\": No such file or directory");
    ck_assert_int_eq(err.os_errno, ENOENT);
    ck_assert_int_eq(bt_err_exit_code(err.kind), 4);
}
END_TEST

START_TEST(an_overlong_error_is_cut_at_its_room)
{
    struct bt_err err = {0};
    char text[3000];

    memset(text, 'a', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    bt_fail(&err, BT_ERR_CORRUPT, "%s", text);
    bt_err_wrap(&err, "%s", text);
    ck_assert_uint_eq(strlen(err.text), sizeof(err.text) - 1);
}
END_TEST

BT_SUITE_MAIN("base bytes",
              {numbers_are_read_in_their_byte_order, 0},
              {a_short_number_is_refused_and_nothing_moves, 8},
              {a_length_that_lies_is_refused, 0},
              {a_buffer_never_grows_over_its_ceiling, 0},
              {an_arena_has_a_ceiling_and_aligns, 0},
              {an_error_keeps_the_innermost_text_and_its_errno, 0},
              {an_overlong_error_is_cut_at_its_room, 0})
