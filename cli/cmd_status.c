/* SPDX-License-Identifier: Apache-2.0 */
/* baton status - whether the manager runs, and the cluster as it is. */
#include <unistd.h>

#include "cli/cluster_config.h"
#include "cli/command.h"
#include "cli/output.h"
#include "failover/status.h"

enum { TEXT_MAX = 4 << 20 };

static struct {
    const char *conf, *global_conf, *workdir;
    bool json, line;
    uint64_t ping_limit_ms;
} opt;

static const struct bt_opt opts[] = {
    {"conf", 'c', BT_OPT_STRING, "FILE", "the cluster's configuration, MHA's or ours", NULL,
     &opt.conf},
    {"global-conf", 0, BT_OPT_STRING, "FILE",
     "defaults of all clusters (/etc/masterha_default.cnf)", NULL, &opt.global_conf},
    {"workdir", 0, BT_OPT_STRING, "DIR", "instead of manager_workdir", NULL, &opt.workdir},
    {"ping-limit", 0, BT_OPT_SECONDS, "SECONDS",
     "a manager that has said nothing for longer hangs (10, or twice ping_interval)", NULL,
     &opt.ping_limit_ms},
    {"line", 0, BT_OPT_FLAG, NULL, "only the manager's line, as masterha_check_status", NULL,
     &opt.line},
    {"json", 0, BT_OPT_FLAG, NULL, "write JSON", NULL, &opt.json},
    {0},
};

static int picture(const struct bt_config *config, const struct bt_health *health,
                   struct bt_buf *out, struct bt_err *err)
{
    int rc = 1;

    if (opt.line && !opt.json) {
        bt_health_line(config, health, out);
        return 0;
    }
    if (health->pid)
        rc = bt_status_ask(config, opt.json, out, err);
    if (rc == 1)
        bt_status_look(config, health, opt.json, out);
    return rc < 0 ? -1 : 0;
}

static int run(int argc, char **argv, struct bt_err *err)
{
    bt_auto_arena struct bt_arena arena;
    bt_auto_buf struct bt_buf text;
    struct bt_config_opts from = {
        .path = opt.conf, .global_path = opt.global_conf, .workdir = opt.workdir};
    struct bt_config config;
    struct bt_health health;
    struct bt_out out;

    bt_arena_init(&arena, BT_CONFIG_ARENA_MAX);
    bt_buf_init(&text, TEXT_MAX);
    if (argc > 0)
        return bt_fail(err, BT_ERR_USAGE, "status takes no argument, but there is \"%s\"", argv[0]);
    if (bt_cluster_config_load(&from, &arena, &config, err) != 0 ||
        bt_health_read(&config, (int64_t)opt.ping_limit_ms / 1000, &health, err) != 0 ||
        picture(&config, &health, &text, err) != 0)
        return -1;
    bt_out_init(&out, STDOUT_FILENO);
    bt_buf_add_slice(&out.buf, bt_buf_slice(&text));
    if (bt_out_finish(&out, err) != 0)
        return -1;
    return (int)health.code;
}

const struct bt_command bt_cmd_status = {
    .name = "status",
    .group = "Cluster",
    .summary = "whether the manager runs, and the cluster as it is",
    .usage = "--conf=FILE [OPTIONS]",
    .about =
        "Prints the line of MHA's masterha_check_status, then draws the cluster: the primary,\n"
        "who follows whom and how far behind, where the writer addresses are, and what is\n"
        "wrong.  A running manager is asked; without one, the servers are.\n"
        "\n"
        "Exit code, MHA's: 0 it watches and the primary answers; 2 no manager runs; 10 it\n"
        "begins; 20 the primary does not answer; 30 it waits to try again; 31 the servers are\n"
        "not as configured; 32 it seems to hang; 50 a failover is running; 51 a failover has\n"
        "failed or is refused.\n",
    .examples = "  $ baton status --conf=/etc/mha/app1.cnf\n",
    .opts = opts,
    .run = run,
};
