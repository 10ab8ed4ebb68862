/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A log file, mapped one window at a time.
 *
 * Measured on a warm page cache (Xeon with AVX-512, 400 MB, CRC of every 240-byte event): windows
 * of 4 to 16 MiB with MAP_POPULATE 11 to 12 GB/s, pread(2) into 256 KiB 7 GB/s.  A window counts as
 * resident memory, so it is kept at 8 MiB.  An event larger than that gets a window of its own, not
 * populated: only the pages that are looked at become resident.
 *
 * A log that is cut (not removed) by its server while a window is mapped would raise SIGBUS beyond
 * its new end.  Servers cut a log only when they restart after a crash (MySQL; MariaDB with
 * semi-sync recovery), and the size is asked anew for each window, so what can be
 * hit is the window in use.
 */
#include "parser/source.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/auto.h"

/* The first window of a log is small: often only its head is looked at, or one place near its end,
 * which must not read 8 MiB of a cold disk.  Windows double while the log is read on.  Until they
 * are large the kernel reads ahead nothing of its own (a disk may be set to 8 MiB): what a window
 * needs is asked for in one, together with what the next one will, so that the disk works while
 * this one is looked at.
 */
enum { FIRST_WINDOW_SIZE = 16 << 10, WINDOW_SIZE = 8 << 20 };

struct file_source {
    struct bt_source source;
    char *path;
    int fd;
    uint64_t size; /* when last asked */
    uint64_t page;
    bool reads_ahead; /* the kernel, by itself */
    uint8_t *window;  /* NULL when none is mapped */
    uint64_t window_pos;
    size_t window_len;
    size_t window_size;  /* of the next window, if it follows on the one in hand */
    uint64_t advised_to; /* up to here the kernel was asked for what follows on the window */
};

static struct file_source *file_of(struct bt_source *s)
{
    return (struct file_source *)s;
}

static void unmap(struct file_source *f)
{
    if (f->window)
        munmap(f->window, f->window_len);
    f->window = NULL;
    f->window_len = 0;
}

static int ask_size(struct file_source *f, struct bt_err *err)
{
    struct stat st;

    if (fstat(f->fd, &st) != 0)
        return bt_fail_sys(err, "could not ask the size of \"%s\"", f->path);
    if (!S_ISREG(st.st_mode))
        return bt_fail(err, BT_ERR_REALITY, "\"%s\" is not a regular file", f->path);
    f->size = (uint64_t)st.st_size;
    return 0;
}

/* Tells the kernel what will be read: no more than that while single places are looked at. */
static void advise(struct file_source *f, uint64_t start, uint64_t len, bool follows, bool is_large)
{
    bool reads_ahead = is_large || f->window_size == WINDOW_SIZE;
    uint64_t from = follows && f->advised_to > start ? f->advised_to : start;
    uint64_t to = start + len + (follows ? 2 * (uint64_t)f->window_size : 0);

    if (reads_ahead != f->reads_ahead)
        (void)posix_fadvise(f->fd, 0, 0, reads_ahead ? POSIX_FADV_NORMAL : POSIX_FADV_RANDOM);
    f->reads_ahead = reads_ahead;
    if (reads_ahead)
        return;
    if (to > f->size)
        to = f->size;
    if (from < to)
        (void)posix_fadvise(f->fd, (off_t)from, (off_t)(to - from), POSIX_FADV_WILLNEED);
    f->advised_to = to;
}

/* Maps a window that begins at or a little before pos, holding want bytes or the file's end. */
static int map_window(struct file_source *f, uint64_t pos, size_t want, struct bt_err *err)
{
    uint64_t start = pos & ~(f->page - 1);
    uint64_t len = f->size - start;
    uint64_t wanted = pos - start + want;
    bool follows = f->window && start <= f->window_pos + f->window_len && start >= f->window_pos;
    bool is_large = wanted > WINDOW_SIZE;
    int flags = MAP_SHARED | (is_large ? 0 : MAP_POPULATE);
    uint64_t room;
    void *window;

    if (!follows)
        f->window_size = FIRST_WINDOW_SIZE;
    else if (f->window_size < WINDOW_SIZE)
        f->window_size *= 2;
    while (follows && !is_large && f->window_size < wanted)
        f->window_size *= 2;
    room = is_large || wanted > f->window_size ? wanted : f->window_size;
    if (len > room)
        len = room;
    unmap(f);
    advise(f, start, len, follows, is_large);
    window = mmap(NULL, len, PROT_READ, flags, f->fd, (off_t)start);
    if (window == MAP_FAILED)
        return bt_fail_sys(err, "could not map %llu bytes of \"%s\" at offset %llu",
                           (unsigned long long)len, f->path, (unsigned long long)start);
    f->window = window;
    f->window_pos = start;
    f->window_len = len;
    return 0;
}

static bool window_holds(const struct file_source *f, uint64_t pos, size_t want)
{
    return f->window && pos >= f->window_pos && pos - f->window_pos <= f->window_len &&
           want <= f->window_len - (pos - f->window_pos);
}

static int file_view(struct bt_source *s, uint64_t pos, size_t want, struct bt_slice *ret,
                     struct bt_err *err)
{
    struct file_source *f = file_of(s);
    uint64_t at;

    if (!window_holds(f, pos, want)) {
        if (ask_size(f, err) != 0)
            return -1;
        if (pos >= f->size) {
            *ret = bt_slice_empty();
            return 0;
        }
        if (want > f->size - pos)
            want = (size_t)(f->size - pos);
        if (!window_holds(f, pos, want) && map_window(f, pos, want, err) != 0)
            return -1;
    }
    at = pos - f->window_pos;
    *ret = bt_slice(f->window + at, f->window_len - at);
    return 0;
}

static uint64_t file_size(struct bt_source *s)
{
    struct file_source *f = file_of(s);
    struct bt_err ignored;

    return ask_size(f, &ignored) == 0 ? f->size : UINT64_MAX;
}

static void file_forget(struct bt_source *s)
{
    struct file_source *f = file_of(s);

    if (f->window && f->window_len > WINDOW_SIZE)
        (void)madvise(f->window, f->window_len, MADV_DONTNEED);
}

static void file_close(struct bt_source *s)
{
    struct file_source *f = file_of(s);

    unmap(f);
    bt_release_fd(&f->fd);
    free(f->path);
    free(f);
}

static const struct bt_source_ops file_ops = {
    .view = file_view,
    .size = file_size,
    .forget = file_forget,
    .close = file_close,
};

int bt_source_file_open(const char *path, struct bt_source **ret, struct bt_err *err)
{
    struct file_source *f = calloc(1, sizeof(*f));
    bt_auto_source struct bt_source *source = f ? &f->source : NULL;

    if (!f)
        return bt_fail_sys(err, "could not open \"%s\"", path);
    f->source.ops = &file_ops;
    f->source.can_go_back = true;
    f->fd = -1;
    f->page = (uint64_t)sysconf(_SC_PAGESIZE);
    f->reads_ahead = true;
    f->path = strdup(path);
    if (!f->path)
        return bt_fail_sys(err, "could not open \"%s\"", path);
    f->source.name = f->path;
    f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (f->fd < 0)
        return bt_fail_sys(err, "could not open \"%s\"", path);
    if (ask_size(f, err) != 0)
        return -1;
    *ret = bt_steal(source);
    return 0;
}
