/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/manager_opts.h"

#include <assert.h>
#include <stdio.h>

static const char *const formats[] = {"mha", "json", NULL};

struct bt_manager_options bt_manager_options;

const struct bt_opt bt_manager_opts[] = {
    {"conf", 'c', BT_OPT_STRING, "FILE", "the cluster's configuration, MHA's or ours", NULL,
     &bt_manager_options.conf},
    {"global-conf", 0, BT_OPT_STRING, "FILE",
     "defaults of all clusters (/etc/masterha_default.cnf)", NULL, &bt_manager_options.global_conf},
    {"once", 0, BT_OPT_FLAG, NULL, "end after one failover, as MHA does: 0, 10 or 1", NULL,
     &bt_manager_options.once},
    {"ignore-last-failover", 0, BT_OPT_FLAG, NULL,
     "fail over although it was done or failed lately", NULL, &bt_manager_options.ignore_last},
    {"last-failover-minutes", 0, BT_OPT_UINT, "N",
     "how long after a failover there is no other one (480)", NULL,
     &bt_manager_options.last_failover_minutes},
    {"new-primary", 0, BT_OPT_STRING, "HOST[:PORT]", "promote this one instead of electing", NULL,
     &bt_manager_options.new_primary},
    {"skip-disable-read-only", 0, BT_OPT_FLAG, NULL, "leave a new primary read-only", NULL,
     &bt_manager_options.skip_read_only},
    {"remove-dead-primary-conf", 0, BT_OPT_FLAG, NULL,
     "when all went well, take the dead primary out of the configuration", NULL,
     &bt_manager_options.remove_dead},
    {"monitor-only", 0, BT_OPT_FLAG, NULL, "do nothing about a death, but end with 20", NULL,
     &bt_manager_options.monitor_only},
    {"workdir", 0, BT_OPT_STRING, "DIR", "instead of manager_workdir", NULL,
     &bt_manager_options.workdir},
    {"log-output", 0, BT_OPT_STRING, "FILE", "instead of manager_log", NULL,
     &bt_manager_options.log},
    {"log-format", 0, BT_OPT_CHOICE, "FORMAT",
     "mha, or json: JSON Lines beside it, in FILE.json (on stderr alone: instead of it)", formats,
     &bt_manager_options.log_format},
    {0},
};

static void add(const char **argv, size_t room, size_t *count, const char *word)
{
    assert(*count < room);
    argv[(*count)++] = word ? word : "";
}

void bt_manager_argv(const char **argv, size_t room, size_t *count, struct bt_arena *arena)
{
    const struct bt_manager_options *o = &bt_manager_options;

    add(argv, room, count, bt_arena_strf(arena, "--conf=%s", o->conf));
    if (o->global_conf)
        add(argv, room, count, bt_arena_strf(arena, "--global-conf=%s", o->global_conf));
    if (o->workdir)
        add(argv, room, count, bt_arena_strf(arena, "--workdir=%s", o->workdir));
    if (o->log)
        add(argv, room, count, bt_arena_strf(arena, "--log-output=%s", o->log));
    if (o->last_failover_minutes)
        add(argv, room, count,
            bt_arena_strf(arena, "--last-failover-minutes=%llu",
                          (unsigned long long)o->last_failover_minutes));
    if (o->new_primary)
        add(argv, room, count, bt_arena_strf(arena, "--new-primary=%s", o->new_primary));
    if (o->skip_read_only)
        add(argv, room, count, "--skip-disable-read-only");
    if (o->remove_dead)
        add(argv, room, count, "--remove-dead-primary-conf");
    if (o->monitor_only)
        add(argv, room, count, "--monitor-only");
    if (o->once)
        add(argv, room, count, "--once");
    if (o->ignore_last)
        add(argv, room, count, "--ignore-last-failover");
    if (o->log_format == BT_LOG_CHOICE_JSON)
        add(argv, room, count, "--log-format=json");
}

void bt_manager_log_path(const struct bt_config *config, char *out, size_t room)
{
    const char *path = bt_setting_text(config->settings, BT_CONF_MANAGER_LOG);

    if (path[0])
        snprintf(out, room, "%s", path);
    else
        snprintf(out, room, "%s/%s.manager.log", config->workdir, config->app);
}

struct bt_config_opts bt_manager_config_opts(void)
{
    return (struct bt_config_opts){.path = bt_manager_options.conf,
                                   .global_path = bt_manager_options.global_conf,
                                   .workdir = bt_manager_options.workdir,
                                   .log_path = bt_manager_options.log};
}
