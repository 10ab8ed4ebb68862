/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source.h - where the bytes of one log come from.
 *
 *     open (one of the constructors) -> view, view, ... -> close
 *
 * A source hands out windows of a log by offset.  A file is mapped in windows, a
 * stream is buffered; the reader above does not care.  Offsets count from the
 * first byte of the plain log (behind decompression or decryption).  A source is
 * used by one thread at a time.
 */
#ifndef BT_PARSER_SOURCE_H
#define BT_PARSER_SOURCE_H

#include "base/auto.h"
#include "base/slice.h"

struct bt_source;

struct bt_source_ops {
    /* Views bytes from pos on: at least `want` of them, or all there are until the end
     * of the log as it is now.  More may come for free.  *ret borrows until the next
     * call on the source.  A source that cannot go back accepts only a pos that is not
     * before the start of its last view.  -1: the bytes could not be read. */
    int (*view)(struct bt_source *s, uint64_t pos, size_t want, struct bt_slice *ret,
                struct bt_err *err);
    /* The log's size as far as known now; UINT64_MAX for a stream before its end. */
    uint64_t (*size)(struct bt_source *s);
    /* Lets go of memory that the last view takes and can be had again.  NULL: none does. */
    void (*forget)(struct bt_source *s);
    void (*close)(struct bt_source *s);
};

struct bt_source {
    const struct bt_source_ops *ops;
    const char *name;  /* for messages: a path, "-", "host:path"; lives as long as the source */
    bool can_go_back;  /* view() takes any pos; false = only forward, as below */
    bool is_decrypted; /* events behind a START_ENCRYPTION are plain: a server opened them */
    /* As of the last view: 0, or where the log goes on behind what that view gave, because whoever
     * sends it leaves bytes out. */
    uint64_t goes_on_at;
};

static inline int BT_MUST_CHECK bt_source_view(struct bt_source *s, uint64_t pos, size_t want,
                                               struct bt_slice *ret, struct bt_err *err)
{
    return s->ops->view(s, pos, want, ret, err);
}

static inline uint64_t bt_source_size(struct bt_source *s)
{
    return s->ops->size(s);
}

/* Between looks at a view too large to stay in memory: it stays as it is, and takes none until it
 * is looked at again. */
static inline void bt_source_forget(struct bt_source *s)
{
    if (s->ops->forget)
        s->ops->forget(s);
}

/* Accepts NULL. */
static inline void bt_source_close(struct bt_source *s)
{
    if (s)
        s->ops->close(s);
}

static inline void bt_source_release(struct bt_source **s)
{
    bt_source_close(*s);
    *s = NULL;
}
#define bt_auto_source BT_AUTO(bt_source_release)

/* A regular file, mapped in windows so that resident memory stays small whatever the
 * file's size.  The size is asked again at each new window: a log may grow. */
int bt_source_file_open(const char *path, struct bt_source **ret, struct bt_err *err) BT_MUST_CHECK;

/* What can only be read forward: a pipe, standard input.  zstd and gzip are recognised by their
 * first bytes and unpacked; damage there is BT_ERR_CORRUPT.  fd stays the caller's. */
int bt_source_stream_open(int fd, const char *name, struct bt_source **ret, struct bt_err *err)
    BT_MUST_CHECK;

/* What a user names: "-" is standard input, a zstd or gzip file or a pipe is a stream, anything
 * else is mapped. */
int bt_source_open(const char *path, struct bt_source **ret, struct bt_err *err) BT_MUST_CHECK;

/* Borrowed bytes. */
int bt_source_memory_open(struct bt_slice bytes, const char *name, struct bt_source **ret,
                          struct bt_err *err) BT_MUST_CHECK;

/* For tests: another source (owned from here on) seen through faults. */
struct bt_source_faults {
    uint64_t end_at;   /* the log ends here; 0 = where it does */
    uint64_t fail_at;  /* a view that reaches this offset fails with EIO; 0 = never */
    uint64_t flip_bit; /* this bit (8 * offset + bit) + 1 is inverted; 0 = none */
    size_t view_max;   /* a view never gives more than max(want, view_max); 0 = no limit */
};
int bt_source_faulty_open(struct bt_source *inner, struct bt_source_faults faults,
                          struct bt_source **ret, struct bt_err *err) BT_MUST_CHECK;

#endif
