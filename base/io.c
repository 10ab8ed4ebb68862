/* SPDX-License-Identifier: Apache-2.0 */
#include "base/io.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "base/auto.h"

int bt_io_nonblocking(int fd, struct bt_err *err)
{
    int flags = fcntl(fd, F_GETFL);

    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
        return bt_fail_sys(err, "could not make a descriptor non-blocking");
    return 0;
}

/* Waits until fd is ready for `events`; hang-ups count as ready, the next call tells them. */
static int wait_ready(int fd, short events, struct bt_deadline until, struct bt_err *err)
{
    for (;;) {
        struct pollfd p = {.fd = fd, .events = events};
        int n = poll(&p, 1, bt_deadline_left(until));

        if (n > 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return bt_fail_sys(err, "could not wait for a descriptor");
        if (bt_deadline_passed(until))
            return bt_fail(err, BT_ERR_TIMEOUT, "the deadline passed while waiting for %s",
                           events == POLLIN ? "an answer" : "the reader");
    }
}

int bt_io_read_some(int fd, void *out, size_t n, struct bt_deadline until, size_t *ret_len,
                    struct bt_err *err)
{
    for (;;) {
        ssize_t got = read(fd, out, n);

        if (got > 0) {
            *ret_len = (size_t)got;
            return 0;
        }
        if (got == 0)
            return 1;
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN)
            return bt_fail_sys(err, "could not read");
        if (wait_ready(fd, POLLIN, until, err) != 0)
            return -1;
    }
}

int bt_io_read(int fd, void *out, size_t n, struct bt_deadline until, struct bt_err *err)
{
    size_t done = 0;

    while (done < n) {
        size_t got = 0;
        int rc = bt_io_read_some(fd, (uint8_t *)out + done, n - done, until, &got, err);

        if (rc < 0)
            return -1;
        if (rc == 1 && done == 0)
            return 1;
        if (rc == 1)
            return bt_fail(err, BT_ERR_CORRUPT, "the stream ended after %zu of %zu bytes", done, n);
        done += got;
    }
    return 0;
}

int bt_io_read_all(int fd, struct bt_buf *out, struct bt_deadline until, struct bt_err *err)
{
    uint8_t chunk[16384];
    size_t got = 0;
    int rc;

    while ((rc = bt_io_read_some(fd, chunk, sizeof(chunk), until, &got, err)) == 0) {
        if (!bt_buf_add(out, chunk, got))
            return bt_buf_check(out, "the stream", err);
    }
    return rc < 0 ? -1 : 0;
}

/* write(2) whose SIGPIPE is taken back: a pending one of somebody else's stays pending. */
static ssize_t write_without_signal(int fd, const void *bytes, size_t n)
{
    static const struct timespec at_once = {0};
    sigset_t pipe_only, before, pending;
    ssize_t wrote;
    int saved;

    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
    wrote = write(fd, bytes, n);
    saved = errno;
    if (wrote < 0 && saved == EPIPE && !sigismember(&pending, SIGPIPE)) {
        while (sigtimedwait(&pipe_only, NULL, &at_once) < 0 && errno == EINTR)
            continue;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = saved;
    return wrote;
}

int bt_io_write(int fd, const void *bytes, size_t n, struct bt_deadline until, struct bt_err *err)
{
    size_t done = 0;

    while (done < n) {
        ssize_t wrote = write_without_signal(fd, (const uint8_t *)bytes + done, n - done);

        if (wrote > 0) {
            done += (size_t)wrote;
            continue;
        }
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0 && errno != EAGAIN)
            return bt_fail_sys(err, "could not write");
        if (wait_ready(fd, POLLOUT, until, err) != 0)
            return -1;
    }
    return 0;
}

int bt_io_write_file(int fd, int file, uint64_t from, uint64_t n, struct bt_deadline until,
                     struct bt_err *err)
{
    enum { CHUNK = 65536 };
    bt_auto_free uint8_t *chunk = malloc(CHUNK);
    uint64_t done = 0;

    if (!chunk)
        return bt_fail_sys(err, "could not allocate %d bytes", CHUNK);
    while (done < n) {
        size_t want = n - done < CHUNK ? (size_t)(n - done) : CHUNK;
        ssize_t got = pread(file, chunk, want, (off_t)(from + done));

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return bt_fail_sys(err, "could not read the file");
        if (got == 0)
            return bt_fail(err, BT_ERR_CORRUPT,
                           "the file ended after %" PRIu64 " of %" PRIu64 " bytes", done, n);
        if (bt_io_write(fd, chunk, (size_t)got, until, err) != 0)
            return -1;
        done += (uint64_t)got;
    }
    return 0;
}
