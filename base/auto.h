/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auto.h - release at the end of the scope: `bt_auto_fd int fd = open(...)`.
 *
 * Each releaser keeps errno.  To hand a resource out: `*ret = bt_steal(p)` (or
 * bt_steal_fd).  A function that uses these has no goto.
 */
#ifndef BT_BASE_AUTO_H
#define BT_BASE_AUTO_H

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define BT_AUTO(release) __attribute__((cleanup(release)))

static inline void bt_release_fd(const int *fd)
{
    int saved = errno;

    if (*fd >= 0)
        close(*fd);
    errno = saved;
}

static inline void bt_release_memory(void *where)
{
    int saved = errno;

    free(*(void **)where);
    errno = saved;
}

static inline void bt_release_file(FILE **file)
{
    int saved = errno;

    if (*file)
        fclose(*file);
    errno = saved;
}

static inline void bt_release_dir(DIR **dir)
{
    int saved = errno;

    if (*dir)
        closedir(*dir);
    errno = saved;
}

#define bt_auto_fd BT_AUTO(bt_release_fd)
#define bt_auto_free BT_AUTO(bt_release_memory)
#define bt_auto_file BT_AUTO(bt_release_file)
#define bt_auto_dir BT_AUTO(bt_release_dir)

/* Takes the pointer out of an automatic variable, which is NULL afterwards. */
#define bt_steal(variable) \
    __extension__({ \
        __typeof__(variable) stolen_ = (variable); \
        (variable) = NULL; \
        stolen_; \
    })

static inline int bt_steal_fd(int *fd)
{
    int stolen = *fd;

    *fd = -1;
    return stolen;
}

#endif
