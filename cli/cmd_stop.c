/* SPDX-License-Identifier: Apache-2.0 */
/* baton stop - ends the manager. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "cli/cluster_config.h"
#include "cli/command.h"
#include "failover/health.h"

enum { ABORT_MS = 5000, LOOK_MS = 20, EXIT_NO = 1 };

static struct {
    const char *conf, *global_conf, *workdir;
    bool abort;
    uint64_t abort_timeout_ms;
} opt = {.abort_timeout_ms = ABORT_MS};

static const struct bt_opt opts[] = {
    {"conf", 'c', BT_OPT_STRING, "FILE", "the cluster's configuration, MHA's or ours", NULL,
     &opt.conf},
    {"global-conf", 0, BT_OPT_STRING, "FILE",
     "defaults of all clusters (/etc/masterha_default.cnf)", NULL, &opt.global_conf},
    {"workdir", 0, BT_OPT_STRING, "DIR", "instead of manager_workdir", NULL, &opt.workdir},
    {"abort", 0, BT_OPT_FLAG, NULL, "kill it when it does not end, also during a failover", NULL,
     &opt.abort},
    {"abort-timeout", 0, BT_OPT_SECONDS, "SECONDS", "how long it may take to end (5)", NULL,
     &opt.abort_timeout_ms},
    {0},
};

/* Whether the manager's lock is free: its process has ended, whatever became of its number. */
static int is_gone(const struct bt_config *config, bool *ret, struct bt_err *err)
{
    bt_auto_fd int lock = -1;
    pid_t other;
    int rc = bt_health_lock(config, &lock, &other, err);

    *ret = rc == 0;
    return rc < 0 ? -1 : 0;
}

static int await_end(const struct bt_config *config, int64_t ms, bool *ret, struct bt_err *err)
{
    struct bt_deadline until = bt_deadline_in(ms);

    *ret = false;
    for (;;) {
        if (is_gone(config, ret, err) != 0)
            return -1;
        if (*ret || bt_deadline_passed(until))
            return 0;
        bt_clock_pause(LOOK_MS, until);
    }
}

static int stop(const struct bt_config *config, pid_t pid, struct bt_err *err)
{
    bool gone;

    if (kill(pid, SIGTERM) != 0 && errno != ESRCH)
        return bt_fail_sys(err, "could not end process %d", (int)pid);
    if (await_end(config, (int64_t)opt.abort_timeout_ms, &gone, err) != 0)
        return -1;
    if (gone) {
        printf("Stopped %s successfully.\n", config->app);
        return 0;
    }
    if (!opt.abort) {
        printf("Failed to stop %s.\n", config->app);
        return EXIT_NO;
    }
    if (kill(pid, SIGKILL) != 0 && errno != ESRCH)
        return bt_fail_sys(err, "could not kill process %d", (int)pid);
    if (await_end(config, ABORT_MS, &gone, err) != 0)
        return -1;
    bt_health_remove(config);
    printf("%s %s.\n", gone ? "Forced stopped" : "Failed to stop", config->app);
    return gone ? 0 : EXIT_NO;
}

static int run(int argc, char **argv, struct bt_err *err)
{
    bt_auto_arena struct bt_arena arena;
    struct bt_config_opts from = {
        .path = opt.conf, .global_path = opt.global_conf, .workdir = opt.workdir};
    struct bt_config config;
    struct bt_health health;
    bt_auto_fd int lock = -1;
    pid_t pid = 0;
    int rc;

    bt_arena_init(&arena, BT_CONFIG_ARENA_MAX);
    if (argc > 0)
        return bt_fail(err, BT_ERR_USAGE, "stop takes no argument, but there is \"%s\"", argv[0]);
    if (bt_cluster_config_load(&from, &arena, &config, err) != 0 ||
        bt_health_read(&config, 0, &health, err) != 0)
        return -1;
    rc = bt_health_lock(&config, &lock, &pid, err);
    if (rc < 0)
        return -1;
    if (rc == 0 || pid <= 0) {
        printf("MHA Manager is not running on %s(2:NOT_RUNNING).\n", config.app);
        return 0;
    }
    if (health.code == BT_HEALTH_FAILOVER_RUNNING && !opt.abort) {
        printf("Currently Failover is running on %s. Should not stop.\n", config.app);
        return EXIT_NO;
    }
    return stop(&config, pid, err);
}

const struct bt_command bt_cmd_stop = {
    .name = "stop",
    .group = "Cluster",
    .summary = "end the manager",
    .usage = "--conf=FILE [OPTIONS]",
    .about =
        "Ends the manager that watches the cluster.  One that is failing over is left alone,\n"
        "unless --abort is given: then it is killed, and the next manager, or `baton failover\n"
        "--resume`, finishes what it had begun.\n"
        "\n"
        "Exit code: 0 no manager runs any more; 1 it still does.\n",
    .examples = "  $ baton stop --conf=/etc/mha/app1.cnf\n",
    .opts = opts,
    .run = run,
};
