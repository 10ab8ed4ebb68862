/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/node/spool.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { WINDOW = 256 << 10, WINDOW_MAX = 1 << 30 };

struct bt_spool {
    int fd;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t changed;
    uint64_t size;
    bool ended, shut;
    char name[256];
};

static int open_unnamed(const char *folder, struct bt_err *err)
{
    char path[4096];
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd >= 0)
        return fd;
    /* Some file systems (and kernels before 3.11) have no O_TMPFILE. */
    snprintf(path, sizeof(path), "%s/baton-feed.XXXXXX", folder);
    fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return bt_fail_sys(err, "could not make a file in \"%s\"", folder);
    unlink(path);
    return fd;
}

int bt_spool_new(const char *folder, const char *name, struct bt_spool **ret, struct bt_err *err)
{
    struct bt_spool *s = calloc(1, sizeof(*s));
    struct bt_err first = {0};

    if (!s)
        return bt_fail(err, BT_ERR_SYSTEM, "out of memory");
    s->fd = folder && folder[0] ? open_unnamed(folder, &first) : -1;
    if (s->fd < 0)
        s->fd = open_unnamed("/var/tmp", err);
    if (s->fd < 0) {
        free(s);
        return -1;
    }
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    snprintf(s->name, sizeof(s->name), "%s", name);
    *ret = s;
    return 0;
}

void bt_spool_free(struct bt_spool *s)
{
    if (!s)
        return;
    close(s->fd);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

int bt_spool_add(struct bt_spool *s, uint64_t at, struct bt_slice bytes, struct bt_err *err)
{
    size_t done = 0;

    /* Only this side changes size: it may be read without the lock here. */
    if (at != s->size)
        return bt_fail(err, BT_ERR_CORRUPT, "bytes for offset %llu came, %llu are there",
                       (unsigned long long)at, (unsigned long long)s->size);
    while (done < bytes.len) {
        ssize_t got = pwrite(s->fd, bytes.ptr + done, bytes.len - done, (off_t)(at + done));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return bt_fail_sys(err, "could not keep \"%s\"", s->name);
        done += (size_t)got;
    }
    pthread_mutex_lock(&s->lock);
    s->size = at + bytes.len;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    return 0;
}

static void set(struct bt_spool *s, bool *flag)
{
    pthread_mutex_lock(&s->lock);
    *flag = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

void bt_spool_end(struct bt_spool *s)
{
    set(s, &s->ended);
}

void bt_spool_shut(struct bt_spool *s)
{
    set(s, &s->shut);
}

/* ------------------------------------------------------------------ reading */

struct spool_source {
    struct bt_source source;
    struct bt_spool *spool;
    uint8_t *window; /* owned */
    size_t room, len;
    uint64_t at; /* of its first byte */
};

/* Waits for `end` bytes; *ret_size is what is there.  -1: shut. */
static int await(struct bt_spool *s, uint64_t end, uint64_t *ret_size, struct bt_err *err)
{
    bool shut;

    pthread_mutex_lock(&s->lock);
    while (s->size < end && !s->ended && !s->shut)
        pthread_cond_wait(&s->changed, &s->lock);
    *ret_size = s->size;
    shut = s->shut;
    pthread_mutex_unlock(&s->lock);
    return shut ? bt_fail(err, BT_ERR_REMOTE, "\"%s\" did not arrive whole", s->name) : 0;
}

static int fill(struct spool_source *f, uint64_t pos, size_t want, uint64_t size,
                struct bt_err *err)
{
    uint64_t left = size - pos;
    size_t n = left < want ? (size_t)left : want;

    if (n > f->room) {
        uint8_t *more = realloc(f->window, n);

        if (!more)
            return bt_fail(err, BT_ERR_SYSTEM, "out of memory for %zu bytes of \"%s\"", n,
                           f->source.name);
        f->window = more;
        f->room = n;
    }
    f->at = pos;
    f->len = 0;
    while (f->len < n) {
        ssize_t got = pread(f->spool->fd, f->window + f->len, n - f->len, (off_t)(pos + f->len));

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return bt_fail_sys(err, "could not read \"%s\"", f->source.name);
        f->len += (size_t)got;
    }
    return 0;
}

static int spool_view(struct bt_source *source, uint64_t pos, size_t want, struct bt_slice *ret,
                      struct bt_err *err)
{
    struct spool_source *f = (struct spool_source *)source;
    uint64_t size, from;

    if (want > WINDOW_MAX)
        return bt_fail(err, BT_ERR_LIMIT, "%zu bytes of \"%s\" at once, allowed are %d", want,
                       source->name, WINDOW_MAX);
    if (pos < f->at || pos - f->at > f->len || f->len - (size_t)(pos - f->at) < want) {
        if (await(f->spool, pos + want, &size, err) < 0 ||
            (pos < size && fill(f, pos, want > WINDOW ? want : WINDOW, size, err) < 0))
            return -1;
        if (pos >= size) {
            f->len = 0;
            f->at = pos;
        }
    }
    from = pos - f->at;
    *ret = bt_slice(f->window ? f->window + from : (const uint8_t *)"", f->len - (size_t)from);
    return 0;
}

static uint64_t spool_size(struct bt_source *source)
{
    struct bt_spool *s = ((struct spool_source *)source)->spool;
    uint64_t size;

    pthread_mutex_lock(&s->lock);
    size = s->ended ? s->size : UINT64_MAX;
    pthread_mutex_unlock(&s->lock);
    return size;
}

static void spool_close(struct bt_source *source)
{
    free(((struct spool_source *)source)->window);
    free(source);
}

static const struct bt_source_ops spool_ops = {
    .view = spool_view,
    .size = spool_size,
    .close = spool_close,
};

int bt_spool_open(struct bt_spool *s, struct bt_source **ret, struct bt_err *err)
{
    struct spool_source *f = calloc(1, sizeof(*f));

    if (!f)
        return bt_fail(err, BT_ERR_SYSTEM, "out of memory");
    f->source = (struct bt_source){.ops = &spool_ops, .name = s->name, .can_go_back = true};
    f->spool = s;
    *ret = &f->source;
    return 0;
}
