/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cluster_config.h"

#include <stdio.h>

#include "base/log.h"

int bt_cluster_config_load(const struct bt_config_opts *opts, struct bt_arena *arena,
                           struct bt_config *config, struct bt_err *err)
{
    bt_auto_config_notes struct bt_config_notes notes;
    int rc;

    if (!opts->path)
        return bt_fail(err, BT_ERR_USAGE, "--conf=FILE must be given");
    bt_config_notes_init(&notes);
    rc = bt_config_load(opts, arena, &notes, config, err);
    if (notes.warnings.count)
        fprintf(stderr, "%s", bt_buf_str(&notes.warnings.text));
    if (rc != 0)
        fprintf(stderr, "%s", bt_buf_str(&notes.mistakes.text));
    return rc;
}

void bt_cluster_log_begin(const struct bt_config *config, bool is_quiet)
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
}
