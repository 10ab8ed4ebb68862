/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/base64.h"
#include "tests/unit/suite.h"

/* RFC 4648 section 10. */
START_TEST(the_rfc_vectors_come_out)
{
    static const char *const vectors[][2] = {{"", ""},
                                             {"f", "Zg=="},
                                             {"fo", "Zm8="},
                                             {"foo", "Zm9v"},
                                             {"foob", "Zm9vYg=="},
                                             {"fooba", "Zm9vYmE="},
                                             {"foobar", "Zm9vYmFy"}};
    struct bt_buf out;

    bt_buf_init(&out, 100);
    ck_assert(bt_base64_add(&out, bt_slice_str(vectors[_i][0])));
    ck_assert_str_eq(bt_buf_str(&out), vectors[_i][1]);
    ck_assert_uint_eq(out.len, bt_base64_length(strlen(vectors[_i][0])));
    bt_buf_done(&out);
}
END_TEST

START_TEST(all_64_digits_are_used)
{
    uint8_t bytes[48];
    struct bt_buf out;

    for (unsigned i = 0; i < 16; i++) {
        unsigned n = i * 4;
        uint32_t bits = n << 18 | (n + 1) << 12 | (n + 2) << 6 | (n + 3);

        bytes[i * 3] = (uint8_t)(bits >> 16);
        bytes[i * 3 + 1] = (uint8_t)(bits >> 8);
        bytes[i * 3 + 2] = (uint8_t)bits;
    }
    bt_buf_init(&out, 100);
    ck_assert(bt_base64_add(&out, bt_slice(bytes, sizeof(bytes))));
    ck_assert_str_eq(bt_buf_str(&out),
                     "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    bt_buf_done(&out);
}
END_TEST

START_TEST(what_does_not_fit_is_refused)
{
    struct bt_buf out;

    bt_buf_init(&out, 7);
    ck_assert(!bt_base64_add(&out, bt_slice_str("fooba")));
    bt_buf_done(&out);
}
END_TEST

BT_SUITE_MAIN("apply base64", {the_rfc_vectors_come_out, 7}, {all_64_digits_are_used, 0},
              {what_does_not_fit_is_refused, 0})
