/* SPDX-License-Identifier: Apache-2.0 */
#include "diff/kept_log.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/statvfs.h>

#include "base/array.h"
#include "base/auto.h"
#include "base/buf.h"

enum { WINDOW_SIZE = 4 << 20, ASK_ROOM_EVERY = 64 << 20 };

/* Left to others on the file system. */
#define ROOM_MIN ((uint64_t)512 << 20)

/* Bytes from..to-1 are in the file. */
struct range {
    uint64_t from, to;
};

struct bt_kept_log {
    struct bt_source *source;
    uint64_t size;
    pthread_mutex_t mutex; /* of what follows, and of the source */
    int fd;                /* -1 = nothing is kept (any more) */
    struct range *ranges;  /* ascending, with gaps between them */
    size_t range_count, range_room;
    uint64_t fetched, asked_room_at;
};

/* ------------------------------------------------------------------ the file */

static int open_nameless(const char *folder)
{
    return open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

static bool has_room(struct bt_kept_log *k)
{
    struct statvfs room;

    if (k->fetched < k->asked_room_at)
        return true;
    k->asked_room_at = k->fetched + ASK_ROOM_EVERY;
    return fstatvfs(k->fd, &room) == 0 && (uint64_t)room.f_bavail * room.f_frsize >= ROOM_MIN;
}

static bool write_at(int fd, struct bt_slice bytes, uint64_t pos)
{
    while (bytes.len > 0) {
        ssize_t put = pwrite(fd, bytes.ptr, bytes.len, (off_t)pos);

        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        bytes = bt_slice(bytes.ptr + put, bytes.len - (size_t)put);
        pos += (uint64_t)put;
    }
    return true;
}

/* ---------------------------------------------------------------- the ranges */

/* How far the bytes from pos on are kept; pos itself when they are not. */
static uint64_t kept_to(const struct bt_kept_log *k, uint64_t pos)
{
    for (size_t i = 0; i < k->range_count; i++) {
        if (pos >= k->ranges[i].from && pos < k->ranges[i].to)
            return k->ranges[i].to;
    }
    return pos;
}

/* Joins a range with those that it touches. */
static bool add_range(struct bt_kept_log *k, struct range r)
{
    size_t at = 0, touched = 0;
    struct range *more = bt_array_grown(k->ranges, k->range_count, &k->range_room, sizeof(*more));

    if (!more)
        return false;
    k->ranges = more;
    while (at < k->range_count && k->ranges[at].to < r.from)
        at++;
    while (at + touched < k->range_count && k->ranges[at + touched].from <= r.to) {
        struct range *with = &k->ranges[at + touched++];

        r.from = with->from < r.from ? with->from : r.from;
        r.to = with->to > r.to ? with->to : r.to;
    }
    memmove(&k->ranges[at + 1], &k->ranges[at + touched],
            (k->range_count - at - touched) * sizeof(*k->ranges));
    k->ranges[at] = r;
    k->range_count = k->range_count - touched + 1;
    return true;
}

static void stop_keeping(struct bt_kept_log *k)
{
    bt_release_fd(&k->fd);
    k->fd = -1;
    k->range_count = 0;
}

/* Brings what is missing of from..to-1 into the file.  A log that turns out to be shorter than it
 * was (a server that restarts cuts off what is torn) ends there.  1: it cannot be kept. */
static int fetch(struct bt_kept_log *k, uint64_t from, uint64_t to, struct bt_err *err)
{
    while (k->fd >= 0 && (from = kept_to(k, from)) < to && from < k->size) {
        uint64_t until = to;
        struct bt_slice bytes;

        for (size_t i = k->range_count; i-- > 0 && k->ranges[i].from > from;)
            until = k->ranges[i].from < to ? k->ranges[i].from : to;
        if (bt_source_view(k->source, from, (size_t)(until - from), &bytes, err) != 0)
            return -1;
        if (bytes.len > k->size - from)
            bytes.len = (size_t)(k->size - from);
        if (bytes.len < until - from)
            k->size = from + bytes.len;
        k->fetched += bytes.len;
        if (!has_room(k) || !write_at(k->fd, bytes, from) ||
            !add_range(k, (struct range){from, from + bytes.len}))
            stop_keeping(k);
    }
    return k->fd < 0;
}

/* -------------------------------------------------------------------- a look */

struct look {
    struct bt_source source;
    struct bt_kept_log *kept;
    uint8_t *window; /* of the file; NULL when none is mapped */
    size_t window_len;
    uint64_t window_pos;  /* a page's begin */
    uint64_t window_from; /* what is kept begins here */
    struct bt_buf copy;   /* of what is not kept */
};

static void unmap(struct look *l)
{
    if (l->window)
        munmap(l->window, l->window_len);
    l->window = NULL;
    l->window_len = 0;
}

/* Maps from pos on what is kept there; the mutex is held. */
static int map(struct look *l, uint64_t pos, uint64_t want, struct bt_err *err)
{
    uint64_t start = pos & ~((uint64_t)sysconf(_SC_PAGESIZE) - 1);
    uint64_t end = kept_to(l->kept, pos);
    uint64_t most = pos + (want > WINDOW_SIZE ? want : WINDOW_SIZE);
    void *window;

    unmap(l);
    if (end > most)
        end = most;
    window = mmap(NULL, end - start, PROT_READ, MAP_SHARED, l->kept->fd, (off_t)start);
    if (window == MAP_FAILED)
        return bt_fail_sys(err, "could not map %llu bytes of \"%s\"",
                           (unsigned long long)(end - start), l->source.name);
    l->window = window;
    l->window_pos = start;
    l->window_from = pos;
    l->window_len = (size_t)(end - start);
    return 0;
}

/* A copy, since the source is everybody's; the mutex is held. */
static int copy(struct look *l, uint64_t pos, size_t want, struct bt_slice *ret, struct bt_err *err)
{
    struct bt_slice bytes;

    if (bt_source_view(l->kept->source, pos, want, &bytes, err) != 0)
        return -1;
    if (bytes.len > l->kept->size - pos)
        bytes.len = (size_t)(l->kept->size - pos);
    l->kept->fetched += bytes.len;
    bt_buf_reset(&l->copy);
    bt_buf_add_slice(&l->copy, bytes);
    if (bt_buf_check(&l->copy, "a piece of a log", err) != 0)
        return -1;
    *ret = bt_buf_slice(&l->copy);
    return 0;
}

static bool window_holds(const struct look *l, uint64_t pos, size_t want)
{
    return l->window && pos >= l->window_from && pos - l->window_pos <= l->window_len &&
           want <= l->window_len - (pos - l->window_pos);
}

/* 1: *ret is a copy; 0: the window holds it; the mutex is held. */
static int bring(struct look *l, uint64_t pos, size_t want, struct bt_slice *ret,
                 struct bt_err *err)
{
    struct bt_kept_log *k = l->kept;
    int rc = pos < k->size ? fetch(k, pos, pos + want, err) : 0;

    if (rc < 0)
        return -1;
    if (pos >= k->size) {
        *ret = bt_slice_empty();
        return 1;
    }
    if (want > k->size - pos)
        want = (size_t)(k->size - pos);
    if (rc > 0)
        return copy(l, pos, want, ret, err) != 0 ? -1 : 1;
    return window_holds(l, pos, want) ? 0 : map(l, pos, want, err);
}

static int look_view(struct bt_source *source, uint64_t pos, size_t want, struct bt_slice *ret,
                     struct bt_err *err)
{
    struct look *l = (struct look *)source;
    int rc = 0;

    if (want == 0)
        want = 1;
    if (!window_holds(l, pos, want)) {
        pthread_mutex_lock(&l->kept->mutex);
        rc = bring(l, pos, want, ret, err);
        pthread_mutex_unlock(&l->kept->mutex);
    }
    if (rc == 0)
        *ret = bt_slice(l->window + (pos - l->window_pos), l->window_len - (pos - l->window_pos));
    return rc < 0 ? -1 : 0;
}

static uint64_t look_size(struct bt_source *source)
{
    struct bt_kept_log *k = ((struct look *)source)->kept;
    uint64_t size;

    pthread_mutex_lock(&k->mutex);
    size = k->size;
    pthread_mutex_unlock(&k->mutex);
    return size;
}

static void look_close(struct bt_source *source)
{
    struct look *l = (struct look *)source;

    unmap(l);
    bt_buf_done(&l->copy);
    free(l);
}

int bt_kept_log_source(struct bt_kept_log *kept, struct bt_source **ret, struct bt_err *err)
{
    static const struct bt_source_ops ops = {
        .view = look_view, .size = look_size, .close = look_close};
    struct look *l = calloc(1, sizeof(*l));

    if (!l)
        return bt_fail_sys(err, "could not look at \"%s\"", kept->source->name);
    l->source = (struct bt_source){.ops = &ops,
                                   .name = kept->source->name,
                                   .can_go_back = true,
                                   .is_decrypted = kept->source->is_decrypted};
    l->kept = kept;
    bt_buf_init(&l->copy, SIZE_MAX);
    *ret = &l->source;
    return 0;
}

/* ------------------------------------------------------------------ the whole */

int bt_kept_log_open(struct bt_source *source, const char *folder, struct bt_kept_log **ret,
                     struct bt_err *err)
{
    struct bt_kept_log *k = calloc(1, sizeof(*k));

    if (!k) {
        bt_source_close(source);
        return bt_fail_sys(err, "could not keep a log");
    }
    k->source = source;
    k->size = bt_source_size(source);
    pthread_mutex_init(&k->mutex, NULL);
    k->fd = open_nameless(folder);
    *ret = k;
    return 0;
}

uint64_t bt_kept_log_fetched(struct bt_kept_log *kept)
{
    uint64_t fetched;

    pthread_mutex_lock(&kept->mutex);
    fetched = kept->fetched;
    pthread_mutex_unlock(&kept->mutex);
    return fetched;
}

void bt_kept_log_close(struct bt_kept_log *kept)
{
    if (!kept)
        return;
    bt_source_close(kept->source);
    stop_keeping(kept);
    free(kept->ranges);
    pthread_mutex_destroy(&kept->mutex);
    free(kept);
}
