/* SPDX-License-Identifier: Apache-2.0 */
/* baton log - what the manager says. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/io.h"
#include "cli/cluster_config.h"
#include "cli/command.h"
#include "cli/manager_opts.h"

enum { LINES = 20, LOOK_MS = 100, CHUNK = 64 * 1024 };

static struct {
    const char *conf, *global_conf, *workdir, *log;
    uint64_t lines;
    bool follow, path;
} opt = {.lines = LINES};

static const struct bt_opt opts[] = {
    {"conf", 'c', BT_OPT_STRING, "FILE", "the cluster's configuration, MHA's or ours", NULL,
     &opt.conf},
    {"global-conf", 0, BT_OPT_STRING, "FILE",
     "defaults of all clusters (/etc/masterha_default.cnf)", NULL, &opt.global_conf},
    {"follow", 'f', BT_OPT_FLAG, NULL, "go on with what is added, also behind a rotation", NULL,
     &opt.follow},
    {"lines", 'n', BT_OPT_UINT, "N", "how many lines of its end (20); 0: all of it", NULL,
     &opt.lines},
    {"path", 0, BT_OPT_FLAG, NULL, "only say where the log is", NULL, &opt.path},
    {"workdir", 0, BT_OPT_STRING, "DIR", "instead of manager_workdir", NULL, &opt.workdir},
    {"log-output", 0, BT_OPT_STRING, "FILE", "instead of manager_log", NULL, &opt.log},
    {0},
};

/* Where the last n lines begin. */
static int tail_find(int fd, uint64_t n, off_t *ret, struct bt_err *err)
{
    bt_auto_free char *chunk = malloc(CHUNK);
    off_t end = lseek(fd, 0, SEEK_END), at = end;
    uint64_t seen = 0;

    *ret = 0;
    if (!chunk || end < 0)
        return bt_fail_sys(err, "could not read the log");
    while (n && at > 0) {
        off_t from = at > CHUNK ? at - CHUNK : 0;
        ssize_t len = pread(fd, chunk, (size_t)(at - from), from);

        if (len < 0)
            return bt_fail_sys(err, "could not read the log");
        for (ssize_t k = len - 1; k >= 0; k--) {
            /* The end of the last line is none in front of another. */
            if (chunk[k] != '\n' || from + k == end - 1 || ++seen < n)
                continue;
            *ret = from + k + 1;
            return 0;
        }
        at = from;
    }
    return 0;
}

/* Writes from *at to the end, and moves *at there. */
static int rest_print(int fd, off_t *at, struct bt_err *err)
{
    bt_auto_free char *chunk = malloc(CHUNK);

    for (;;) {
        ssize_t len = chunk ? pread(fd, chunk, CHUNK, *at) : -1;

        if (len < 0)
            return bt_fail_sys(err, "could not read the log");
        if (len == 0)
            return fflush(stdout) == 0 ? 0 : bt_fail_sys(err, "could not write");
        if (fwrite(chunk, 1, (size_t)len, stdout) != (size_t)len)
            return bt_fail_sys(err, "could not write");
        *at += len;
    }
}

/* Opens the file again when another one has its name now, or it was cut. */
static void follow_rotation(const char *path, int *fd, off_t *at)
{
    struct stat named, held;
    int now;

    if (stat(path, &named) != 0 || fstat(*fd, &held) != 0)
        return;
    if (named.st_ino == held.st_ino && named.st_dev == held.st_dev) {
        if (held.st_size < *at)
            *at = 0;
        return;
    }
    now = open(path, O_RDONLY | O_CLOEXEC);
    if (now < 0)
        return;
    close(*fd);
    *fd = now;
    *at = 0;
}

static int show(const char *path, struct bt_err *err)
{
    bt_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    off_t at = 0;

    if (fd < 0)
        return bt_fail_sys(err, "could not open \"%s\"", path);
    if (tail_find(fd, opt.lines, &at, err) != 0 || rest_print(fd, &at, err) != 0)
        return -1;
    while (opt.follow) {
        bt_clock_pause(LOOK_MS, bt_deadline_in(LOOK_MS));
        if (rest_print(fd, &at, err) != 0)
            return -1;
        follow_rotation(path, &fd, &at);
    }
    return 0;
}

static int run(int argc, char **argv, struct bt_err *err)
{
    bt_auto_arena struct bt_arena arena;
    struct bt_config_opts from = {.path = opt.conf,
                                  .global_path = opt.global_conf,
                                  .workdir = opt.workdir,
                                  .log_path = opt.log};
    struct bt_config config;
    char path[4096];

    bt_arena_init(&arena, BT_CONFIG_ARENA_MAX);
    if (argc > 0)
        return bt_fail(err, BT_ERR_USAGE, "log takes no argument, but there is \"%s\"", argv[0]);
    if (bt_cluster_config_load(&from, &arena, &config, err) != 0)
        return -1;
    bt_manager_log_path(&config, path, sizeof(path));
    if (!opt.path)
        return show(path, err);
    printf("%s\n", path);
    return 0;
}

const struct bt_command bt_cmd_log = {
    .name = "log",
    .group = "Cluster",
    .summary = "what the manager says",
    .usage = "--conf=FILE [OPTIONS]",
    .about =
        "Prints the end of the manager's log: manager_log, or APP.manager.log in the work\n"
        "folder for a manager that `baton start` began without one.\n",
    .examples = "  $ baton log --conf=/etc/mha/app1.cnf --follow\n",
    .opts = opts,
    .run = run,
};
