/* SPDX-License-Identifier: Apache-2.0 */
/* Streams: plain, zstd and gzip give the same bytes, forward only; damage is named. */
#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "tests/unit/suite.h"

#include "parser/source.h"

enum { PLAIN_SIZE = 3 * 1000 * 1000 };

static uint8_t *make_plain(void)
{
    uint8_t *plain = malloc(PLAIN_SIZE);

    ck_assert_ptr_nonnull(plain);
    for (size_t i = 0; i < PLAIN_SIZE; i++)
        plain[i] = (uint8_t)(i * 2654435761u >> 13);
    return plain;
}

static int file_with(const void *bytes, size_t len)
{
    char path[] = "/tmp/baton-stream-XXXXXX";
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    unlink(path);
    ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
    lseek(fd, 0, SEEK_SET);
    return fd;
}

static void walk(int fd, const uint8_t *plain)
{
    struct bt_err err = {0};
    struct bt_source *source;
    struct bt_slice view;
    uint64_t pos = 0;

    ck_assert_msg(bt_source_stream_open(fd, "test", &source, &err) == 0, "%s", err.text);
    while (pos < PLAIN_SIZE) {
        size_t want = 1 + (size_t)(pos * 7 % 700000);

        ck_assert_msg(bt_source_view(source, pos, want, &view, &err) == 0, "%s", err.text);
        ck_assert(view.len >= want || pos + view.len == PLAIN_SIZE);
        ck_assert(memcmp(view.ptr, plain + pos, view.len) == 0);
        pos += want / 2 + 1;
    }
    ck_assert_uint_eq(bt_source_size(source), PLAIN_SIZE);
    ck_assert_int_eq(bt_source_view(source, 0, 1, &view, &err), -1);
    ck_assert_str_eq(err.text, "\"test\" can only be read forward");
    bt_source_close(source);
    close(fd);
}

START_TEST(a_plain_stream_is_seen_by_offset)
{
    uint8_t *plain = make_plain();

    walk(file_with(plain, PLAIN_SIZE), plain);
    free(plain);
}
END_TEST

START_TEST(a_zstd_stream_is_seen_as_its_plain_bytes)
{
    size_t room = ZSTD_compressBound(PLAIN_SIZE), len;
    uint8_t *plain = make_plain(), *packed = malloc(room);

    len = ZSTD_compress(packed, room, plain, PLAIN_SIZE, 1);
    walk(file_with(packed, len), plain);
    free(packed);
    free(plain);
}
END_TEST

START_TEST(a_gzip_stream_is_seen_as_its_plain_bytes)
{
    uint8_t *plain = make_plain(), *packed = malloc(PLAIN_SIZE * 2);
    z_stream z = {
        .next_in = plain, .avail_in = PLAIN_SIZE, .next_out = packed, .avail_out = PLAIN_SIZE * 2};

    ck_assert_int_eq(deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    walk(file_with(packed, z.total_out), plain);
    deflateEnd(&z);
    free(packed);
    free(plain);
}
END_TEST

START_TEST(a_cut_compressed_stream_is_named)
{
    size_t room = ZSTD_compressBound(PLAIN_SIZE), len;
    uint8_t *plain = make_plain(), *packed = malloc(room);
    struct bt_err err = {0};
    struct bt_source *source;
    struct bt_slice view;
    int fd;

    len = ZSTD_compress(packed, room, plain, PLAIN_SIZE, 1);
    fd = file_with(packed, len / 2);
    ck_assert_int_eq(bt_source_stream_open(fd, "test", &source, &err), 0);
    ck_assert_int_eq(bt_source_view(source, 0, PLAIN_SIZE, &view, &err), -1);
    ck_assert_str_eq(err.text, "\"test\" ends in the middle of its compressed data");
    ck_assert_int_eq(err.kind, BT_ERR_CORRUPT);
    bt_source_close(source);
    close(fd);
    free(packed);
    free(plain);
}
END_TEST

BT_SUITE_MAIN("parser stream",
              {a_plain_stream_is_seen_by_offset, 0},
              {a_zstd_stream_is_seen_as_its_plain_bytes, 0},
              {a_gzip_stream_is_seen_as_its_plain_bytes, 0},
              {a_cut_compressed_stream_is_named, 0})
