/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mha.h - the program under MHA's names: masterha_manager, masterha_check_repl, purge_relay_logs
 * ...
 *
 * Installed as symbolic links to baton; main() looks at the name it was called by.  Each tool takes
 * MHA's options (mha_options.h), does its work by the command or the function that baton has for
 * it, and gives MHA's last lines and exit codes: 0 done, 10 done but not everywhere, 1 any other
 * failure, where a tool's contract does not say more (check_status, secondary_check).
 */
#ifndef BT_CLI_MHA_H
#define BT_CLI_MHA_H

#include "base/arena.h"
#include "cli/command.h"
#include "cli/mha_options.h"

struct bt_mha_tool {
    const char *name; /* "masterha_manager" */
    const char *summary;
    const struct bt_mha_opt *opts;
    /* Returns the exit code; -1 with err filled means 1. */
    int (*run)(const struct bt_mha_values *values, struct bt_err *err);
    bool judges_ignored; /* it says itself what becomes of options that no table knows */
};

/* Every tool, NULL at the end. */
extern const struct bt_mha_tool *const bt_mha_tools[];

/* The one that argv[0] names, by its last part; NULL when it is none. */
const struct bt_mha_tool *bt_mha_find(const char *argv0);

/* Runs it: options, --help, --version, error text; the process's exit code. */
int bt_mha_run(const struct bt_mha_tool *tool, int argc, char **argv);

/* ------------------------------------------------------------------- the tools */

extern const struct bt_mha_tool bt_mha_manager;
extern const struct bt_mha_tool bt_mha_master_monitor;
extern const struct bt_mha_tool bt_mha_master_switch;
extern const struct bt_mha_tool bt_mha_check_status;
extern const struct bt_mha_tool bt_mha_stop;
extern const struct bt_mha_tool bt_mha_conf_host;
extern const struct bt_mha_tool bt_mha_check_repl;
extern const struct bt_mha_tool bt_mha_check_ssh;
extern const struct bt_mha_tool bt_mha_secondary_check;
extern const struct bt_mha_tool bt_mha_purge_relay_logs;
extern const struct bt_mha_tool bt_mha_save_binary_logs;
extern const struct bt_mha_tool bt_mha_apply_diff_relay_logs;
extern const struct bt_mha_tool bt_mha_filter_mysqlbinlog;

/* --------------------------------------------------------------- what they share */

/* A command line of baton that is put together. */
enum { BT_MHA_WORDS_MAX = 64 };

struct bt_mha_words {
    struct bt_arena arena;
    char *argv[BT_MHA_WORDS_MAX + 1];
    int count;
};

void bt_mha_words_init(struct bt_mha_words *w, const char *command);
void bt_mha_words_done(struct bt_mha_words *w);
#define bt_auto_mha_words BT_AUTO(bt_mha_words_done)

/* Adds one word: --name=value, or a flag or an argument as it is. */
void bt_mha_word(struct bt_mha_words *w, const char *fmt, ...) BT_PRINTF(2, 3);

/* --conf, --global-conf (MHA's default one, so that its absence is said) and --workdir.  -1 when
 * there is no --conf, in MHA's words. */
int bt_mha_words_conf(struct bt_mha_words *w, const struct bt_mha_values *values,
                      struct bt_err *err) BT_MUST_CHECK;

/* HOST:PORT out of two options; NULL when host is not given. */
const char *bt_mha_host_port(struct bt_mha_words *w, const struct bt_mha_values *values,
                             const char *host, const char *port);

/* Runs the command; its code, 0, 10, or 1 for all others. */
int bt_mha_call(const struct bt_command *command, struct bt_mha_words *w);

/* Says which options no table knows, and that nothing becomes of them. */
void bt_mha_ignored_say(const char *tool, const struct bt_mha_values *values);

/* The options that all tools with a configuration have. */
#define BT_MHA_CONF_OPTS \
    {"conf", true, BT_MHA_TAKEN, "the cluster's configuration file"}, \
        {"global_conf", true, BT_MHA_TAKEN, \
         "defaults of all clusters (/etc/masterha_default.cnf)"}, \
    { \
        "workdir|manager_workdir", true, BT_MHA_TAKEN, "instead of manager_workdir" \
    }

#endif
