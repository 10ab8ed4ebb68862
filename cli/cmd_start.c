/* SPDX-License-Identifier: Apache-2.0 */
/* baton start - the manager in the background; comes back when it watches. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "cli/cluster_config.h"
#include "cli/command.h"
#include "cli/manager_opts.h"
#include "failover/health.h"

enum { ARGV_MAX = 16, READY_MS = 30000, LOOK_MS = 20, TAIL_SIZE = 2048 };

/* In the child: a session of its own, nothing of the terminal, and the manager in our place. */
static void become(const char *log, const char *const *argv)
{
    int null = open("/dev/null", O_RDWR);
    int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0640);

    setsid();
    if (null < 0 || out < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
        _exit(126);
    if (null > 2)
        close(null);
    if (out > 2)
        close(out);
    execv("/proc/self/exe", (char *const *)(uintptr_t)argv);
    _exit(127);
}

static void line_print(const struct bt_config *config, const struct bt_health *health)
{
    bt_auto_buf struct bt_buf line;

    bt_buf_init(&line, 4096);
    bt_health_line(config, health, &line);
    printf("%s", bt_buf_str(&line));
}

/* What it said last, when it ended instead of watching. */
static int fail_with_log(const struct bt_config *config, const char *log, off_t from,
                         struct bt_err *err)
{
    bt_auto_fd int fd = open(log, O_RDONLY | O_CLOEXEC);
    char text[TAIL_SIZE] = "";
    off_t end = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0;
    ssize_t len = 0;

    if (end > from + TAIL_SIZE - 1)
        from = end - TAIL_SIZE + 1;
    if (fd >= 0)
        len = pread(fd, text, sizeof(text) - 1, from);
    text[len > 0 ? len : 0] = '\0';
    fprintf(stderr, "%s", text);
    return bt_fail(err, BT_ERR_REALITY, "the manager of %s has ended; its log is \"%s\"",
                   config->app, log);
}

/* Not on its way to something else: it watches, or a human is needed. */
static bool has_settled(enum bt_health_code code)
{
    return code == BT_HEALTH_PING_OK || code == BT_HEALTH_FAILOVER_ERROR;
}

/* Until it watches (0), or says that it cannot yet (1), or has ended. */
static int await(const struct bt_config *config, pid_t pid, const char *log, off_t from,
                 struct bt_err *err)
{
    struct bt_deadline until = bt_deadline_in(READY_MS);
    struct bt_health health = {0};

    do {
        int status;

        if (waitpid(pid, &status, WNOHANG) == pid)
            return fail_with_log(config, log, from, err);
        if (bt_health_read(config, 0, &health, err) != 0)
            return -1;
        if (health.pid == pid && has_settled(health.code))
            break;
        bt_clock_pause(LOOK_MS, until);
    } while (!bt_deadline_passed(until));
    line_print(config, &health);
    return health.code == BT_HEALTH_PING_OK ? 0 : 1;
}

static int start(const struct bt_config *config, struct bt_err *err)
{
    bt_auto_arena struct bt_arena arena;
    const char *argv[ARGV_MAX + 2] = {"baton", "manager"};
    char log[4096];
    size_t count = 2;
    off_t from;
    pid_t pid;

    bt_manager_log_path(config, log, sizeof(log));
    bt_manager_options.log = log;
    bt_arena_init(&arena, 1 << 20);
    bt_manager_argv(argv, ARGV_MAX, &count, &arena);
    {
        bt_auto_fd int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);

        if (fd < 0)
            return bt_fail_sys(err, "could not open the log \"%s\"", log);
        from = lseek(fd, 0, SEEK_END);
    }
    pid = fork();
    if (pid < 0)
        return bt_fail_sys(err, "could not start the manager");
    if (pid == 0)
        become(log, argv);
    return await(config, pid, log, from, err);
}

static int run(int argc, char **argv, struct bt_err *err)
{
    bt_auto_arena struct bt_arena arena;
    bt_auto_fd int lock = -1;
    struct bt_config_opts from = bt_manager_config_opts();
    struct bt_config config;
    pid_t other = 0;
    int rc;

    bt_arena_init(&arena, BT_CONFIG_ARENA_MAX);
    if (argc > 0)
        return bt_fail(err, BT_ERR_USAGE, "start takes no argument, but there is \"%s\"", argv[0]);
    if (bt_cluster_config_load(&from, &arena, &config, err) != 0)
        return -1;
    rc = bt_health_lock(&config, &lock, &other, err);
    if (rc == 1) {
        printf("A manager of %s runs already (pid:%d).\n", config.app, (int)other);
        return 0;
    }
    if (rc != 0)
        return -1;
    close(bt_steal_fd(&lock)); /* the manager takes it itself */
    return start(&config, err);
}

const struct bt_command bt_cmd_start = {
    .name = "start",
    .group = "Cluster",
    .summary = "start the manager in the background",
    .usage = "--conf=FILE [OPTIONS]",
    .about =
        "Starts `baton manager` in a session of its own and comes back when it watches.  It\n"
        "logs to manager_log, or to APP.manager.log in the work folder.  Where a manager runs\n"
        "already, nothing is done.\n"
        "\n"
        "Exit code: 0 it watches; 1 it runs but cannot watch yet (its log says why).\n",
    .examples = "  $ baton start --conf=/etc/mha/app1.cnf\n"
                "  $ baton log --conf=/etc/mha/app1.cnf --follow\n",
    .opts = bt_manager_opts,
    .run = run,
};
