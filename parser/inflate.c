/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/inflate.h"

#include <libdeflate.h>
#include <stdlib.h>

/* The first guess of a plain size is at most this many times the compressed one: what a claim of
 * 4 GiB may cost when a few bytes stand behind it. */
enum { FIRST_RATIO = 16, FIRST_ROOM_MIN = 4096 };

struct bt_inflater {
    struct libdeflate_decompressor *deflate;
};

int bt_inflater_new(struct bt_inflater **ret, struct bt_err *err)
{
    struct bt_inflater *z = malloc(sizeof(*z));

    if (z)
        z->deflate = libdeflate_alloc_decompressor();
    if (!z || !z->deflate) {
        free(z);
        return bt_fail(err, BT_ERR_SYSTEM, "out of memory for a decompressor");
    }
    *ret = z;
    return 0;
}

void bt_inflater_free(struct bt_inflater *z)
{
    if (!z)
        return;
    libdeflate_free_decompressor(z->deflate);
    free(z);
}

/* Decompresses all of `in` into room bytes at `at`; *ret_len is what came out. */
static enum libdeflate_result inflate_once(struct bt_inflater *z, struct bt_slice in, bool is_raw,
                                           uint8_t *at, size_t room, size_t *ret_len)
{
    enum libdeflate_result result;
    size_t used;

    if (is_raw)
        result =
            libdeflate_deflate_decompress_ex(z->deflate, in.ptr, in.len, at, room, &used, ret_len);
    else
        result =
            libdeflate_zlib_decompress_ex(z->deflate, in.ptr, in.len, at, room, &used, ret_len);
    if (result == LIBDEFLATE_SUCCESS && used != in.len)
        return LIBDEFLATE_BAD_DATA;
    return result;
}

/* Appends the `claimed` plain bytes of `in` to out.  libdeflate wants all its room at once, so the
 * room starts small and doubles while the stream really has more: the claim only stops it. */
static int inflate_claimed(struct bt_inflater *z, struct bt_slice in, bool is_raw, uint64_t claimed,
                           struct bt_buf *out, struct bt_err *err)
{
    size_t room = in.len < FIRST_ROOM_MIN ? FIRST_ROOM_MIN : in.len;

    if (__builtin_mul_overflow(room, FIRST_RATIO, &room) || room > claimed)
        room = (size_t)claimed;
    for (;;) {
        uint8_t *at = room > out->max - out->len ? NULL : bt_buf_reserve(out, room);
        enum libdeflate_result result;
        size_t len;

        if (!at)
            return bt_fail(err, BT_ERR_LIMIT,
                           "compressed data of %zu bytes claims %llu plain bytes,"
                           " allowed are %zu",
                           in.len, (unsigned long long)claimed, out->max - out->len);
        result = inflate_once(z, in, is_raw, at, room, &len);
        if (result == LIBDEFLATE_SUCCESS && len == claimed) {
            bt_buf_commit(out, len);
            return 0;
        }
        if (result == LIBDEFLATE_SUCCESS ||
            (result == LIBDEFLATE_INSUFFICIENT_SPACE && room == claimed))
            return bt_fail(err, BT_ERR_CORRUPT, "compressed data does not hold the %llu plain bytes"
                                                " that it claims",
                           (unsigned long long)claimed);
        if (result != LIBDEFLATE_INSUFFICIENT_SPACE)
            return bt_fail(err, BT_ERR_CORRUPT, "compressed data of %zu bytes is damaged", in.len);
        room = room > claimed / 2 ? (size_t)claimed : room * 2;
    }
}

int bt_inflate_block(struct bt_inflater *z, struct bt_slice block, struct bt_buf *out,
                     struct bt_err *err)
{
    struct bt_cursor c = bt_cursor(block);
    uint64_t claimed;
    uint8_t head;

    if (!bt_cur_u8(&c, &head))
        return bt_fail(err, BT_ERR_CORRUPT, "compressed block is empty");
    if ((head & 0xf8) != 0x80 || (head & 7) < 1 || (head & 7) > 4)
        return bt_fail(err, BT_ERR_CORRUPT, "compressed block begins with 0x%02x, which is no"
                                            " algorithm and length that MariaDB writes",
                       (unsigned)head);
    if (!bt_cur_be(&c, head & 7, &claimed))
        return bt_fail(err, BT_ERR_CORRUPT, "compressed block ends after %zu bytes", block.len);
    return inflate_claimed(z, bt_cur_rest(&c), false, claimed, out, err);
}

int bt_inflate_column(struct bt_inflater *z, struct bt_slice image, struct bt_buf *out,
                      struct bt_err *err)
{
    struct bt_cursor c = bt_cursor(image);
    uint64_t claimed;
    uint8_t head;

    if (!bt_cur_u8(&c, &head))
        return 0;
    if (head == 0) {
        bt_buf_add_slice(out, bt_cur_rest(&c));
        return bt_buf_check(out, "compressed column", err);
    }
    if ((head & 0xf0) != 0x80 || (head & 7) < 1 || (head & 7) > 4)
        return bt_fail(err, BT_ERR_CORRUPT, "compressed column begins with 0x%02x, which is no"
                                            " method and length that MariaDB writes",
                       (unsigned)head);
    if (!bt_cur_be(&c, head & 7, &claimed))
        return bt_fail(err, BT_ERR_CORRUPT, "compressed column ends after %zu bytes", image.len);
    return inflate_claimed(z, bt_cur_rest(&c), head & 8, claimed, out, err);
}
