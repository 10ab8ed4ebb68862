/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manager_opts.h - what `baton manager` and `baton start` are given, as one table of options: start
 * hands its own on to the manager that it starts.
 */
#ifndef BT_CLI_MANAGER_OPTS_H
#define BT_CLI_MANAGER_OPTS_H

#include "cli/option.h"
#include "failover/config.h"

enum bt_log_format_choice { BT_LOG_CHOICE_MHA, BT_LOG_CHOICE_JSON };

struct bt_manager_options {
    const char *conf, *global_conf, *workdir, *log;
    int log_format; /* enum bt_log_format_choice */
    const char *new_primary;
    bool once, ignore_last, skip_read_only, remove_dead, monitor_only;
    uint64_t last_failover_minutes;
};

extern struct bt_manager_options bt_manager_options;
extern const struct bt_opt bt_manager_opts[];

/* The options as they go into another argv, from argv[*count] on; texts live in the arena. */
void bt_manager_argv(const char **argv, size_t room, size_t *count, struct bt_arena *arena);

/* Where a manager in the background logs: manager_log, else <workdir>/<app>.manager.log. */
void bt_manager_log_path(const struct bt_config *config, char *out, size_t room);

/* The configuration that the options name. */
struct bt_config_opts bt_manager_config_opts(void);

#endif
