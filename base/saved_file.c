/* SPDX-License-Identifier: Apache-2.0 */
#include "base/saved_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/auto.h"

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
    while (bytes.len > 0) {
        ssize_t put = write(s->fd, bytes.ptr, bytes.len);

        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return bt_fail_sys(err, "could not write \"%s\"", s->tmp_path);
        bytes.ptr += put;
        bytes.len -= (size_t)put;
    }
    return 0;
}

int bt_saved_file_commit(struct bt_saved_file *s, struct bt_err *err)
{
    const char *slash = strrchr(s->path, '/');
    bt_auto_free char *dir = slash ? strndup(s->path, (size_t)(slash - s->path) + 1) : strdup(".");
    bt_auto_fd int dir_fd = -1;

    if (fsync(s->fd) != 0)
        return bt_fail_sys(err, "could not sync \"%s\"", s->tmp_path);
    if (rename(s->tmp_path, s->path) != 0)
        return bt_fail_sys(err, "could not rename \"%s\" to \"%s\"", s->tmp_path, s->path);
    close(s->fd);
    s->fd = -1;
    if (dir)
        dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0 || fsync(dir_fd) != 0)
        return bt_fail_sys(err, "could not sync the directory of \"%s\"", s->path);
    return 0;
}
