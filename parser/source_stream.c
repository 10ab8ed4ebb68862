/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source_stream.c - a log that can only be read forward: standard input, a pipe, a zstd or gzip
 * file.
 *
 * One buffer slides over the stream.  What stands before the position asked for is given up, so the
 * buffer is never larger than the largest view wanted plus one block.  Below it is a filler: it
 * appends plain bytes, from the descriptor itself or through a decompressor.
 */
#include "parser/source.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

enum { BLOCK = 256 * 1024, VIEW_MAX = 1 << 30 };

enum packing { PLAIN, ZSTD, GZIP };

struct stream {
    struct bt_source source;
    char *name;
    int fd;
    bool owns_fd;
    bool at_end;   /* of the plain bytes */
    uint64_t base; /* offset of the buffer's first byte */
    uint8_t *data; /* owned; `start` bytes of it are given up already */
    size_t start, len, room;

    enum packing packing;
    uint8_t *packed; /* owned; what was read and not yet unpacked */
    size_t packed_at, packed_len;
    bool packed_end;
    ZSTD_DStream *zstd;
    z_stream gzip;
    bool gzip_open;
    bool in_frame; /* the packed bytes may not end here */
};

static int read_some(struct stream *s, uint8_t *to, size_t room, size_t *ret, struct bt_err *err)
{
    for (;;) {
        ssize_t n = read(s->fd, to, room);

        if (n >= 0) {
            *ret = (size_t)n;
            return 0;
        }
        if (errno != EINTR)
            return bt_fail_sys(err, "could not read \"%s\"", s->name);
    }
}

/* Makes sure that packed bytes are at hand, or packed_end is set. */
static int refill_packed(struct stream *s, struct bt_err *err)
{
    if (s->packed_at < s->packed_len || s->packed_end)
        return 0;
    s->packed_at = 0;
    if (read_some(s, s->packed, BLOCK, &s->packed_len, err) != 0)
        return -1;
    s->packed_end = s->packed_len == 0;
    return 0;
}

static int unpack_zstd(struct stream *s, uint8_t *to, size_t room, size_t *ret, struct bt_err *err)
{
    ZSTD_inBuffer in = {s->packed, s->packed_len, s->packed_at};
    ZSTD_outBuffer out = {to, room, 0};
    size_t more = ZSTD_decompressStream(s->zstd, &out, &in);

    if (ZSTD_isError(more))
        return bt_fail(err, BT_ERR_CORRUPT, "\"%s\" is damaged: %s", s->name,
                       ZSTD_getErrorName(more));
    s->in_frame = more != 0;
    s->packed_at = in.pos;
    *ret = out.pos;
    return 0;
}

static int unpack_gzip(struct stream *s, uint8_t *to, size_t room, size_t *ret, struct bt_err *err)
{
    int code;

    s->gzip.next_in = s->packed + s->packed_at;
    s->gzip.avail_in = (uInt)(s->packed_len - s->packed_at);
    s->gzip.next_out = to;
    s->gzip.avail_out = (uInt)room;
    code = inflate(&s->gzip, Z_NO_FLUSH);
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
        return bt_fail(err, BT_ERR_CORRUPT, "\"%s\" is damaged: %s", s->name,
                       s->gzip.msg ? s->gzip.msg : zError(code));
    s->packed_at = s->packed_len - s->gzip.avail_in;
    *ret = room - s->gzip.avail_out;
    s->in_frame = code != Z_STREAM_END;
    if (code == Z_STREAM_END) /* members may follow each other */
        inflateReset(&s->gzip);
    return 0;
}

/* Appends up to room plain bytes; *ret == 0 only at the end. */
static int fill(struct stream *s, uint8_t *to, size_t room, size_t *ret, struct bt_err *err)
{
    if (s->packing == PLAIN && s->packed_at == s->packed_len)
        return read_some(s, to, room, ret, err);
    if (s->packing == PLAIN) { /* what was read to look at the first bytes */
        *ret = s->packed_len - s->packed_at < room ? s->packed_len - s->packed_at : room;
        memcpy(to, s->packed + s->packed_at, *ret);
        s->packed_at += *ret;
        return 0;
    }
    do {
        if (refill_packed(s, err) != 0)
            return -1;
        if (s->packed_end && !s->in_frame) {
            *ret = 0;
            return 0;
        }
        if (s->packed_end)
            return bt_fail(err, BT_ERR_CORRUPT, "\"%s\" ends in the middle of its compressed data",
                           s->name);
        if ((s->packing == ZSTD ? unpack_zstd : unpack_gzip)(s, to, room, ret, err) != 0)
            return -1;
    } while (*ret == 0);
    return 0;
}

/* Room for `want` bytes from the start and one more block, moving what is kept to the front. */
static int make_room(struct stream *s, size_t want, struct bt_err *err)
{
    size_t need = (want > s->len ? want : s->len) + BLOCK;
    uint8_t *data;

    if (s->start + need <= s->room)
        return 0;
    if (s->len)
        memmove(s->data, s->data + s->start, s->len);
    s->start = 0;
    if (need <= s->room)
        return 0;
    data = realloc(s->data, need);
    if (!data)
        return bt_fail_sys(err, "could not read %zu bytes of \"%s\" at once", want, s->name);
    s->data = data;
    s->room = need;
    return 0;
}

static int stream_view(struct bt_source *source, uint64_t pos, size_t want, struct bt_slice *ret,
                       struct bt_err *err)
{
    struct stream *s = (struct stream *)source;

    if (pos < s->base)
        return bt_fail(err, BT_ERR_USAGE, "\"%s\" can only be read forward", s->name);
    if (want > VIEW_MAX)
        return bt_fail(err, BT_ERR_LIMIT, "%zu bytes of \"%s\" are wanted at once, allowed are %d",
                       want, s->name, VIEW_MAX);
    for (;;) {
        size_t skipped = pos - s->base < s->len ? (size_t)(pos - s->base) : s->len;
        size_t got;

        s->base += skipped;
        s->start += skipped;
        s->len -= skipped;
        if ((s->base == pos && s->len >= want) || s->at_end)
            break;
        /* Asked for little, the buffer grows as the bytes really come, not as a length claims. */
        if (make_room(s, s->len + BLOCK < want ? s->len + BLOCK : want, err) != 0 ||
            fill(s, s->data + s->start + s->len, BLOCK, &got, err) != 0)
            return -1;
        s->len += got;
        s->at_end = got == 0;
    }
    *ret = s->base == pos ? bt_slice(s->data + s->start, s->len) : bt_slice_empty();
    return 0;
}

static uint64_t stream_size(struct bt_source *source)
{
    const struct stream *s = (const struct stream *)source;

    return s->at_end ? s->base + s->len : UINT64_MAX;
}

static void stream_close(struct bt_source *source)
{
    struct stream *s = (struct stream *)source;

    if (s->owns_fd)
        close(s->fd);
    ZSTD_freeDStream(s->zstd);
    if (s->gzip_open)
        inflateEnd(&s->gzip);
    free(s->packed);
    free(s->data);
    free(s->name);
    free(s);
}

/* Reads the first block and sees by its first bytes how it is packed. */
static int find_packing(struct stream *s, struct bt_err *err)
{
    static const uint8_t zstd_magic[] = {0x28, 0xb5, 0x2f, 0xfd}, gzip_magic[] = {0x1f, 0x8b};

    while (s->packed_len < sizeof(zstd_magic)) {
        size_t got;

        if (read_some(s, s->packed + s->packed_len, BLOCK - s->packed_len, &got, err) != 0)
            return -1;
        if (got == 0)
            break;
        s->packed_len += got;
    }
    if (s->packed_len >= sizeof(zstd_magic) &&
        memcmp(s->packed, zstd_magic, sizeof(zstd_magic)) == 0) {
        s->packing = ZSTD;
        s->zstd = ZSTD_createDStream();
        if (!s->zstd)
            return bt_fail_sys(err, "could not begin to read \"%s\"", s->name);
    } else if (s->packed_len >= sizeof(gzip_magic) &&
               memcmp(s->packed, gzip_magic, sizeof(gzip_magic)) == 0) {
        s->packing = GZIP;
        if (inflateInit2(&s->gzip, 15 + 16) != Z_OK)
            return bt_fail_sys(err, "could not begin to read \"%s\"", s->name);
        s->gzip_open = true;
    }
    s->in_frame = s->packing != PLAIN;
    return 0;
}

static int stream_open(int fd, bool owns_fd, const char *name, struct bt_source **ret,
                       struct bt_err *err)
{
    static const struct bt_source_ops ops = {
        .view = stream_view, .size = stream_size, .close = stream_close};
    struct stream *s = calloc(1, sizeof(*s));

    if (!s) {
        if (owns_fd)
            close(fd);
        return bt_fail_sys(err, "could not open \"%s\"", name);
    }
    s->fd = fd;
    s->owns_fd = owns_fd;
    s->name = strdup(name);
    s->packed = malloc(BLOCK);
    s->source = (struct bt_source){.ops = &ops, .name = s->name};
    if (!s->name || !s->packed) {
        stream_close(&s->source);
        return bt_fail_sys(err, "could not open \"%s\"", name);
    }
    if (find_packing(s, err) != 0) {
        stream_close(&s->source);
        return -1;
    }
    *ret = &s->source;
    return 0;
}

int bt_source_stream_open(int fd, const char *name, struct bt_source **ret, struct bt_err *err)
{
    return stream_open(fd, false, name, ret, err);
}

/* What the file begins with decides; only a plain log can be mapped. */
int bt_source_open(const char *path, struct bt_source **ret, struct bt_err *err)
{
    bt_auto_fd int fd = -1;
    uint8_t head[4] = {0};

    if (strcmp(path, "-") == 0)
        return stream_open(STDIN_FILENO, false, "-", ret, err);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return bt_fail_sys(err, "could not open \"%s\"", path);
    if (pread(fd, head, sizeof(head), 0) < 0 && errno == ESPIPE)
        return stream_open(bt_steal_fd(&fd), true, path, ret, err);
    if ((head[0] == 0x28 && head[1] == 0xb5) || (head[0] == 0x1f && head[1] == 0x8b))
        return stream_open(bt_steal_fd(&fd), true, path, ret, err);
    return bt_source_file_open(path, ret, err);
}
