/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command.h - one command of `baton`: a value, listed once in main.c.
 *
 * A command's file is cli/cmd_<name>.c.  Its run() gets the arguments that are no options
 * and returns the process's exit code, or -1 with err filled (the kind decides the code,
 * main prints the text).  Results go to stdout, everything else to stderr.
 */
#ifndef BT_CLI_COMMAND_H
#define BT_CLI_COMMAND_H

#include "cli/option.h"

struct bt_command {
    const char *name;
    const char *group;    /* headline in `baton --help` it stands under */
    const char *summary;  /* one line, lower case */
    const char *usage;    /* "[OPTIONS] FILE|DIR..." */
    const char *about;    /* paragraphs of the man page, wrapped at 100 columns */
    const char *examples; /* lines "  $ baton ..." */
    const struct bt_opt *opts;
    int (*run)(int argc, char **argv, struct bt_err *err);
};

extern const struct bt_command bt_cmd_apply;
extern const struct bt_command bt_cmd_check;
extern const struct bt_command bt_cmd_conf;
extern const struct bt_command bt_cmd_diff;
extern const struct bt_command bt_cmd_failover;
extern const struct bt_command bt_cmd_inspect;
extern const struct bt_command bt_cmd_log;
extern const struct bt_command bt_cmd_manager;
extern const struct bt_command bt_cmd_purge_relay_logs;
extern const struct bt_command bt_cmd_rank;
extern const struct bt_command bt_cmd_start;
extern const struct bt_command bt_cmd_status;
extern const struct bt_command bt_cmd_stop;
extern const struct bt_command bt_cmd_rejoin;
extern const struct bt_command bt_cmd_switchover;
extern const struct bt_command bt_cmd_verify;
extern const struct bt_command bt_cmd_vip;

/* Parses argv[1..] (argv[0] is the command's name), runs, words the error; the exit code. */
int bt_command_run(const struct bt_command *command, int argc, char **argv);

/* Every command, NULL at the end. */
extern const struct bt_command *const bt_commands[];

#endif
