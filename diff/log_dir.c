/* SPDX-License-Identifier: Apache-2.0 */
/* The opener of a directory (log_set.h). */
#include "diff/log_set.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/auto.h"

struct log_dir {
    struct bt_log_opener base;
    char path[];
};

static int dir_list(struct bt_log_opener *o, bt_log_name_fn *each, void *ctx, struct bt_err *err)
{
    bt_auto_dir DIR *dir = opendir(o->name);
    struct dirent *entry;

    if (!dir)
        return bt_fail_sys(err, "could not open directory \"%s\"", o->name);
    while ((errno = 0, entry = readdir(dir)) != NULL) {
        struct stat st;

        /* A name that is gone again is like one that was never there. */
        if (fstatat(dirfd(dir), entry->d_name, &st, 0) != 0 || !S_ISREG(st.st_mode))
            continue;
        if (each(ctx, entry->d_name, (uint64_t)st.st_size, err) != 0)
            return -1;
    }
    if (errno != 0)
        return bt_fail_sys(err, "could not list directory \"%s\"", o->name);
    return 0;
}

static int dir_open(struct bt_log_opener *o, const char *name, struct bt_source **ret,
                    struct bt_err *err)
{
    bt_auto_free char *path = NULL;

    if (name[0] == '/')
        path = strdup(name);
    else if (asprintf(&path, "%s/%s", o->name, name) < 0)
        path = NULL;
    if (!path)
        return bt_fail(err, BT_ERR_SYSTEM, "no memory for the path of \"%s\"", name);
    if (bt_source_file_open(path, ret, err) == 0)
        return 0;
    /* Asked behind it: servers purge logs while they are read. */
    if (access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR))
        return -1;
    bt_err_clear(err);
    return 1;
}

static void dir_close(struct bt_log_opener *o)
{
    free(o);
}

int bt_log_dir_open(const char *path, struct bt_log_opener **ret, struct bt_err *err)
{
    static const struct bt_log_opener_ops ops = {dir_list, dir_open, dir_close};
    size_t len = strlen(path);
    struct log_dir *d;
    struct stat st;

    if (stat(path, &st) != 0)
        return bt_fail_sys(err, "could not open directory \"%s\"", path);
    if (!S_ISDIR(st.st_mode))
        return bt_fail(err, BT_ERR_REALITY, "\"%s\" is not a directory", path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    d = calloc(1, sizeof(*d) + len + 1);
    if (!d)
        return bt_fail(err, BT_ERR_SYSTEM, "no memory for the path \"%s\"", path);
    memcpy(d->path, path, len);
    d->base = (struct bt_log_opener){.ops = &ops, .name = d->path};
    *ret = &d->base;
    return 0;
}
