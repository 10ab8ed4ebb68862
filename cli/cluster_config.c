/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cluster_config.h"

#include <stdio.h>

#include "base/log.h"

int bt_cluster_config_load(const struct bt_config_opts *opts, struct bt_arena *arena,
                           struct bt_config *config, struct bt_err *err)
{
    bt_auto_config_notes struct bt_config_notes notes;
    int rc;

    bt_config_notes_init(&notes);
    if (!opts->path)
        return bt_fail(err, BT_ERR_USAGE, "--conf=FILE must be given");
    rc = bt_config_load(opts, arena, &notes, config, err);
    if (notes.warnings.count)
        fprintf(stderr, "%s", bt_buf_str(&notes.warnings.text));
    if (rc != 0)
        fprintf(stderr, "%s", bt_buf_str(&notes.mistakes.text));
    return rc;
}

int bt_cluster_open(const char *conf, const char *global_conf, const char *connection,
                    struct bt_arena *arena, struct bt_config *config, struct bt_live **ret,
                    struct bt_err *err)
{
    const struct bt_config_opts how = {.path = conf, .global_path = global_conf};

    if (bt_cluster_config_load(&how, arena, config, err) != 0 ||
        bt_live_open(config, connection, ret, err) != 0)
        return -1;
    if (!(*ret)->has_topology)
        bt_warning("%s", (*ret)->topology_error);
    return 0;
}

size_t bt_cluster_say_unreachable(const struct bt_live *live)
{
    size_t count = 0;

    for (size_t i = 0; i < live->count; i++) {
        const char *why = bt_live_error(&live->servers[i]);

        if (!why[0])
            continue;
        bt_warning("%s: %s", live->config->servers[i].name, why);
        count++;
    }
    return count;
}

bool bt_cluster_log_begin(const struct bt_config *config, bool is_quiet)
{
    const char *path = bt_setting_text(config->settings, BT_CONF_MANAGER_LOG);
    static const enum bt_log_level levels[] = {BT_LOG_DEBUG, BT_LOG_INFO, BT_LOG_WARNING,
                                               BT_LOG_ERROR};
    enum bt_log_level level = levels[bt_setting_number(config->settings, BT_CONF_LOG_LEVEL)];

    bt_log_setup((struct bt_log_opts){
        .level = is_quiet && level < BT_LOG_ERROR ? BT_LOG_ERROR : level,
        .format = is_quiet ? BT_LOG_TERSE : BT_LOG_MHA,
        .path = path[0] && !is_quiet ? path : NULL,
    });
    return path[0] && !is_quiet;
}

int bt_cluster_command_run(const struct bt_cluster_command *command, struct bt_err *err)
{
    bt_auto_arena struct bt_arena arena;
    struct bt_config config;
    bool has_file;
    int code;

    bt_arena_init(&arena, BT_CONFIG_ARENA_MAX);
    if (bt_cluster_config_load(&command->from, &arena, &config, err) != 0)
        return -1;
    if (command->is_confirmed && !command->is_confirmed(&config))
        return bt_fail(err, BT_ERR_USAGE, "not confirmed; nothing was done");
    has_file = bt_cluster_log_begin(&config, command->is_quiet);
    code = command->run(&config, err);
    if (has_file && code < 0) {
        /* Once in the log, and once for whoever waits at the terminal. */
        if (!err->is_told)
            bt_log_error(err);
        bt_log_setup((struct bt_log_opts){.level = BT_LOG_INFO, .format = BT_LOG_TERSE});
        err->is_told = false;
    }
    return code;
}
