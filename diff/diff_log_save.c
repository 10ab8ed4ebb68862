/* SPDX-License-Identifier: Apache-2.0 */
/* A diff log as a file with its manifest beside it (diff_log.h). */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "diff/diff_log.h"

#define MANIFEST_TEXT_MAX ((size_t)16 << 30)

/* A file that gets its name only when all of it is on disk. */
struct saved {
    char *path;
    char *tmp_path;
    int fd;
};

static void saved_done(struct saved *s)
{
    int saved_errno = errno;

    if (s->fd >= 0) {
        close(s->fd);
        unlink(s->tmp_path);
    }
    free(s->path);
    free(s->tmp_path);
    errno = saved_errno;
}

static int saved_open(struct saved *s, const char *path, const char *suffix, struct bt_err *err)
{
    *s = (struct saved){.fd = -1};
    if (asprintf(&s->path, "%s%s", path, suffix) < 0) {
        s->path = NULL;
        return bt_fail(err, BT_ERR_SYSTEM, "no memory for the path of \"%s\"", path);
    }
    if (asprintf(&s->tmp_path, "%s%s.%ld.tmp", path, suffix, (long)getpid()) < 0) {
        s->tmp_path = NULL;
        return bt_fail(err, BT_ERR_SYSTEM, "no memory for the path of \"%s\"", path);
    }
    /* Logs hold data of tables: nobody else may read them. */
    s->fd = open(s->tmp_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (s->fd < 0)
        return bt_fail_sys(err, "could not create \"%s\"", s->tmp_path);
    return 0;
}

static int saved_write(void *ctx, struct bt_slice bytes, struct bt_err *err)
{
    struct saved *s = ctx;

    while (bytes.len) {
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

/* Makes the name point at the whole file, durably. */
static int saved_commit(struct saved *s, struct bt_err *err)
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
#define auto_saved BT_AUTO(saved_done)

static int save_manifest(struct saved *s, const struct bt_manifest *m, struct bt_err *err)
{
    bt_auto_buf struct bt_buf text = {.max = MANIFEST_TEXT_MAX};
    struct bt_json json;

    bt_json_init(&json, &text);
    bt_manifest_write(m, true, &json);
    bt_buf_add_byte(&text, '\n');
    if (bt_buf_check(&text, "a manifest", err) != 0)
        return -1;
    return saved_write(s, bt_buf_slice(&text), err);
}

int bt_diff_log_save(const struct bt_missing *m, const struct bt_diff_log_opts *opts,
                     const char *path, struct bt_manifest *ret, struct bt_err *err)
{
    auto_saved struct saved log = {.fd = -1}, manifest = {.fd = -1};
    struct bt_diff_log_opts how = *opts;
    size_t len = strlen(path);
    struct bt_manifest written;

    if (len > 4 && strcmp(path + len - 4, ".zst") == 0)
        how.zstd = true;
    if (saved_open(&log, path, "", err) != 0 || saved_open(&manifest, path, ".json", err) != 0)
        return -1;
    if (bt_diff_log_write(m, &how, (struct bt_sink){saved_write, &log}, &written, err) != 0)
        return bt_err_wrap(err, "diff log \"%s\"", path);
    /* A manifest is never older or newer than its log: the old one goes before the new log comes. */
    if (save_manifest(&manifest, &written, err) != 0 ||
        (unlink(manifest.path) != 0 && errno != ENOENT &&
         bt_fail_sys(err, "could not replace \"%s\"", manifest.path) != 0) ||
        saved_commit(&log, err) != 0 || saved_commit(&manifest, err) != 0) {
        bt_manifest_done(&written);
        return -1;
    }
    *ret = written;
    return 0;
}

int bt_diff_log_open(const char *path, struct bt_source **ret, struct bt_err *err)
{
    return bt_source_open(path, ret, err);
}
