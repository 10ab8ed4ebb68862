/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - `baton COMMAND`: finds the command, parses its options, runs it, words its error. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/nearest.h"
#include "cli/command.h"
#include "cli/man_page.h"
#include "cli/mha.h"
#include "cli/output.h"
#include "version.h"

const struct bt_command *const bt_commands[] = {
    &bt_cmd_inspect,
    &bt_cmd_rank,
    &bt_cmd_diff,
    &bt_cmd_verify,
    &bt_cmd_apply,
    &bt_cmd_check,
    &bt_cmd_conf,
    &bt_cmd_start,
    &bt_cmd_status,
    &bt_cmd_log,
    &bt_cmd_stop,
    &bt_cmd_manager,
    &bt_cmd_failover,
    &bt_cmd_switchover,
    &bt_cmd_rejoin,
    &bt_cmd_vip,
    &bt_cmd_purge_relay_logs,
    NULL,
};

enum { EXIT_USAGE = 2, HELP_MAX = 1 << 20, COMMANDS_MAX = 64 };

static int print(struct bt_buf *text)
{
    struct bt_err err = {0};
    struct bt_out out;
    int failed;

    bt_out_init(&out, STDOUT_FILENO);
    bt_buf_add_slice(&out.buf, bt_buf_slice(text));
    failed = bt_out_finish(&out, &err);
    if (failed)
        bt_error("%s", err.text);
    bt_buf_done(text);
    return failed ? bt_err_exit_code(err.kind) : 0;
}

static int help_overview(void)
{
    const char *group = "";
    struct bt_buf text;

    bt_buf_init(&text, HELP_MAX);
    bt_buf_add_str(&text,
                   "baton hands the writer role of a MariaDB or MySQL cluster to the best replica\n"
                   "without losing a transaction that a reachable log still holds.\n\n"
                   "usage: baton COMMAND [OPTIONS]\n");
    for (size_t i = 0; bt_commands[i]; i++) {
        if (strcmp(group, bt_commands[i]->group) != 0)
            bt_buf_addf(&text, "\n%s\n", bt_commands[i]->group);
        group = bt_commands[i]->group;
        bt_buf_addf(&text, "  %-18s %s\n", bt_commands[i]->name, bt_commands[i]->summary);
    }
    bt_buf_add_str(&text, "\n`baton COMMAND --help` tells more, as does `man baton-COMMAND`; "
                          "`baton --version` which\n"
                          "baton this is.\n");
    return print(&text);
}

/* A blank line, a headline if there is one, the text, and the end of its last line. */
static void add_section(struct bt_buf *out, const char *headline, const char *text)
{
    if (!text)
        return;
    bt_buf_addf(out, "\n%s%s%s", headline, *headline ? "\n" : "", text);
    if (out->len && out->data[out->len - 1] != '\n')
        bt_buf_add_byte(out, '\n');
}

static int help_command(const struct bt_command *command)
{
    struct bt_buf text;

    bt_buf_init(&text, HELP_MAX);
    bt_buf_addf(&text, "baton %s - %s\n\nusage: baton %s %s\n", command->name, command->summary,
                command->name, command->usage);
    add_section(&text, "examples", command->examples);
    add_section(&text, "", command->about);
    bt_buf_add_str(&text, "\noptions\n");
    bt_opt_help(command->opts, &text);
    bt_buf_add_str(&text, "  -h, --help                  show this\n");
    return print(&text);
}

/* `baton help man [NAME]`, `baton help completion`: what the build writes beside the program. */
static int help_file(int argc, char **argv)
{
    struct bt_err err = {0};
    struct bt_buf text;

    bt_buf_init(&text, HELP_MAX);
    if (strcmp(argv[2], "completion") == 0)
        bt_bash_completion(&text);
    else if (argc == 3)
        bt_man_page_names(&text);
    else if (bt_man_page(argv[3], &text, &err) != 0) {
        bt_error("%s", err.text);
        bt_buf_done(&text);
        return EXIT_USAGE;
    }
    return print(&text);
}

static int print_version(void)
{
    struct bt_buf text;

    bt_buf_init(&text, HELP_MAX);
    bt_buf_addf(&text, "baton %s\n", BT_VERSION);
    return print(&text);
}

static const struct bt_command *find_command(const char *name)
{
    const char *names[COMMANDS_MAX];
    const char *nearest;
    size_t count = 0;

    for (; bt_commands[count] && count < COMMANDS_MAX; count++) {
        if (strcmp(bt_commands[count]->name, name) == 0)
            return bt_commands[count];
        names[count] = bt_commands[count]->name;
    }
    nearest = bt_nearest(name, names, count);
    if (nearest)
        bt_error("there is no command \"%s\"; did you mean \"%s\"?", name, nearest);
    else
        bt_error("there is no command \"%s\"; `baton --help` lists them", name);
    return NULL;
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

int bt_command_run(const struct bt_command *command, int argc, char **argv)
{
    struct bt_err err = {0};
    int count, code;

    if (wants_help(argc, argv))
        return help_command(command);
    if (bt_opt_parse(command->opts, argc, argv, &count, &err) != 0) {
        bt_error("%s", err.text);
        bt_error("try: baton %s --help", command->name);
        return bt_err_exit_code(err.kind);
    }
    code = command->run(count, argv, &err);
    if (code >= 0)
        return code;
    if (!err.is_told)
        bt_error("%s", err.text);
    bt_debug("raised at %s:%d (%s)", err.file, err.line, bt_err_kind_name(err.kind));
    return bt_err_exit_code(err.kind);
}

int main(int argc, char **argv)
{
    const struct bt_command *command;
    const struct bt_mha_tool *tool = argc > 0 ? bt_mha_find(argv[0]) : NULL;

    signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of write(2), handled where it happens */
    if (tool)
        return bt_mha_run(tool, argc, argv);
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return argc < 2 ? (help_overview(), EXIT_USAGE) : help_overview();
    if (strcmp(argv[1], "--version") == 0)
        return print_version();
    if (strcmp(argv[1], "help") == 0 && argc == 2)
        return help_overview();
    if (strcmp(argv[1], "help") == 0 &&
        (strcmp(argv[2], "man") == 0 || strcmp(argv[2], "completion") == 0))
        return help_file(argc, argv);
    command = find_command(strcmp(argv[1], "help") == 0 ? argv[2] : argv[1]);
    if (!command)
        return EXIT_USAGE;
    if (strcmp(argv[1], "help") == 0)
        return help_command(command);
    return bt_command_run(command, argc - 1, argv + 1);
}
