/* SPDX-License-Identifier: Apache-2.0 */
#include "base/saved_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/auto.h"

enum {
    BEGIN_SYNC_SIZE = 1 << 20,
    /* For larger writes the kernel takes larger pieces of memory that was not in use, and filling
     * those costs more than all else (Linux 6.18 as a guest: 4 MiB at a time 2 to 5 times as long
     * as 256 KiB). */
    WRITE_MAX = 256 << 10,
};

void bt_saved_file_done(struct bt_saved_file *s)
{
    int saved_errno = errno;

    if (s->fd >= 0) {
        close(s->fd);
        unlink(s->tmp_path);
    }
    free(s->path);
    free(s->tmp_path);
    *s = BT_SAVED_FILE_NONE;
    errno = saved_errno;
}

int bt_saved_file_open(const char *path, const char *suffix, struct bt_saved_file *ret,
                       struct bt_err *err)
{
    struct bt_saved_file s = BT_SAVED_FILE_NONE;

    if (asprintf(&s.path, "%s%s", path, suffix) < 0)
        return bt_fail(err, BT_ERR_SYSTEM, "no memory for the path of \"%s\"", path);
    if (asprintf(&s.tmp_path, "%s.%ld.tmp", s.path, (long)getpid()) < 0) {
        free(s.path);
        return bt_fail(err, BT_ERR_SYSTEM, "no memory for the path of \"%s\"", path);
    }
    s.fd = open(s.tmp_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (s.fd < 0) {
        (void)bt_fail_sys(err, "could not create \"%s\"", s.tmp_path);
        bt_saved_file_done(&s);
        return -1;
    }
    *ret = s;
    return 0;
}

int bt_saved_file_write(struct bt_saved_file *s, struct bt_slice bytes, struct bt_err *err)
{
    uint64_t from = s->written;

    while (bytes.len > 0) {
        ssize_t put = write(s->fd, bytes.ptr, bytes.len < WRITE_MAX ? bytes.len : WRITE_MAX);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return bt_fail_sys(err, "could not write \"%s\"", s->tmp_path);
        s->written += (uint64_t)put;
        bytes.ptr += put;
        bytes.len -= (size_t)put;
    }
    /* What is large goes on its way to the disk at once: the wait at the end is short. */
    if (s->written - from >= BEGIN_SYNC_SIZE)
        (void)sync_file_range(s->fd, (off_t)from, (off_t)(s->written - from),
                              SYNC_FILE_RANGE_WRITE);
    return 0;
}

/* Whole and on disk, but without its name. */
static int sync_data(struct bt_saved_file *s, struct bt_err *err)
{
    if (fsync(s->fd) != 0)
        return bt_fail_sys(err, "could not sync \"%s\"", s->tmp_path);
    return 0;
}

static int take_name(struct bt_saved_file *s, struct bt_err *err)
{
    if (rename(s->tmp_path, s->path) != 0)
        return bt_fail_sys(err, "could not rename \"%s\" to \"%s\"", s->tmp_path, s->path);
    close(s->fd);
    s->fd = -1;
    return 0;
}

static int sync_folder(const struct bt_saved_file *s, struct bt_err *err)
{
    const char *slash = strrchr(s->path, '/');
    bt_auto_free char *dir = slash ? strndup(s->path, (size_t)(slash - s->path) + 1) : strdup(".");
    bt_auto_fd int dir_fd = -1;

    if (dir)
        dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0 || fsync(dir_fd) != 0)
        return bt_fail_sys(err, "could not sync the directory of \"%s\"", s->path);
    return 0;
}

int bt_saved_file_commit(struct bt_saved_file *s, struct bt_err *err)
{
    if (sync_data(s, err) != 0 || take_name(s, err) != 0)
        return -1;
    return sync_folder(s, err);
}

int bt_saved_file_commit_pair(struct bt_saved_file *first, struct bt_saved_file *second,
                              struct bt_err *err)
{
    (void)sync_file_range(second->fd, 0, 0, SYNC_FILE_RANGE_WRITE); /* while the first one waits */
    if (sync_data(first, err) != 0 || sync_data(second, err) != 0 ||
        take_name(first, err) != 0 || take_name(second, err) != 0)
        return -1;
    return sync_folder(second, err);
}
