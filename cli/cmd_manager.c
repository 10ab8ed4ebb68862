/* SPDX-License-Identifier: Apache-2.0 */
/* baton manager - watches a cluster and replaces its primary when it dies, in the foreground. */
#include <malloc.h>
#include <stdio.h>

#include "base/log.h"
#include "cli/command.h"
#include "cli/manager_opts.h"
#include "failover/manager.h"

/* Each configuration that takes effect says anew where to log. */
static void configured(const struct bt_config *config, void *ctx)
{
    static const enum bt_log_level levels[] = {BT_LOG_DEBUG, BT_LOG_INFO, BT_LOG_WARNING,
                                               BT_LOG_ERROR};
    static char paths[2][2][4096]; /* the log keeps them: of two, one is in use */
    static int turn;
    const char *log = bt_setting_text(config->settings, BT_CONF_MANAGER_LOG);
    bool as_json = bt_manager_options.log_format == BT_LOG_CHOICE_JSON;

    (void)ctx;
    turn = !turn;
    snprintf(paths[turn][0], sizeof(paths[turn][0]), "%s", log);
    snprintf(paths[turn][1], sizeof(paths[turn][1]), "%.4000s.json", log);
    bt_log_setup((struct bt_log_opts){
        .level = levels[bt_setting_number(config->settings, BT_CONF_LOG_LEVEL)],
        .format = as_json && !log[0] ? BT_LOG_JSON : BT_LOG_MHA,
        .path = log[0] ? paths[turn][0] : NULL,
        .json_path = as_json && log[0] ? paths[turn][1] : NULL,
    });
}

/* MHA's words (masterha_master_monitor). */
static void dead(const struct bt_conf_server *primary, void *ctx)
{
    (void)ctx;
    printf("Master %s is dead!\nIP Address: %s Port: %u\n", primary->hostname, primary->ip,
           primary->port);
    fflush(stdout);
}

static int run(int argc, char **argv, struct bt_err *err)
{
    struct bt_manager_opts opts = {
        .config = bt_manager_config_opts(),
        .once = bt_manager_options.once,
        .ignore_last_failover = bt_manager_options.ignore_last,
        .last_failover_minutes = bt_manager_options.last_failover_minutes,
        .new_primary = bt_manager_options.new_primary,
        .keep_read_only = bt_manager_options.skip_read_only,
        .remove_dead_conf = bt_manager_options.remove_dead,
        .dead = bt_manager_options.monitor_only ? dead : NULL,
        .configured = configured,
    };
    int code;

    if (argc > 0)
        return bt_fail(err, BT_ERR_USAGE, "manager takes no argument, but there is \"%s\"",
                       argv[0]);
    if (!opts.config.path)
        return bt_fail(err, BT_ERR_USAGE, "--conf=FILE must be given");
    /* A dozen threads that ask short questions need no heap of their own each. */
    mallopt(M_ARENA_MAX, 2);
    if (bt_manager_run(&opts, &code, err) != 0) {
        if (opts.once) { /* MHA's code for everything that is not a failover */
            bt_error("%s", err->text);
            return 1;
        }
        return -1;
    }
    return code;
}

const struct bt_command bt_cmd_manager = {
    .name = "manager",
    .group = "Cluster",
    .summary = "watch a cluster and replace its primary when it dies, in the foreground",
    .usage = "--conf=FILE [OPTIONS]",
    .about =
        "Finds the primary, keeps a session to every server and a channel to every host, and\n"
        "pings the primary every ping_interval.  When it does not answer, the replicas are\n"
        "asked: does any of them still receive, or reach it from its host?  Only a primary\n"
        "that more than half of all cannot reach, and nobody does, is dead: at once where\n"
        "connections are refused, after ping_failures intervals where there is silence.  Then\n"
        "it is replaced as by `baton failover`, and the new primary is watched.\n"
        "\n"
        "Meanwhile broken replicas are reported, and the writer address is watched: put back\n"
        "where it is missing, taken off where it does not belong.\n"
        "\n"
        "SIGHUP reads the configuration again; SIGTERM ends the manager, behind a failover\n"
        "that has begun.  MHA's status file and locks are kept, so that its tools and ours\n"
        "exclude each other.  As a service: systemctl start baton@app1 (for\n"
        "/etc/baton/app1.cnf).\n",
    .examples = "  $ baton manager --conf=/etc/mha/app1.cnf\n"
                "  $ baton manager --conf=/etc/mha/app1.cnf --once\n",
    .opts = bt_manager_opts,
    .run = run,
};
