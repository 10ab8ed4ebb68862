/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/mha.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/output.h"
#include "version.h"

#define MHA_GLOBAL_CONF "/etc/masterha_default.cnf"
#define MHA_VERSION "0.58"

enum { EXIT_FAILED = 1, EXIT_PARTIAL = 10, HELP_MAX = 1 << 16, WORDS_ARENA_MAX = 1 << 20 };

const struct bt_mha_tool *const bt_mha_tools[] = {
    &bt_mha_manager,
    &bt_mha_master_monitor,
    &bt_mha_master_switch,
    &bt_mha_check_repl,
    &bt_mha_check_ssh,
    &bt_mha_check_status,
    &bt_mha_stop,
    &bt_mha_conf_host,
    &bt_mha_secondary_check,
    &bt_mha_purge_relay_logs,
    &bt_mha_save_binary_logs,
    &bt_mha_apply_diff_relay_logs,
    &bt_mha_filter_mysqlbinlog,
    NULL,
};

const struct bt_mha_tool *bt_mha_find(const char *argv0)
{
    const char *slash = strrchr(argv0, '/');
    const char *name = slash ? slash + 1 : argv0;

    for (size_t i = 0; bt_mha_tools[i]; i++)
        if (strcmp(bt_mha_tools[i]->name, name) == 0)
            return bt_mha_tools[i];
    return NULL;
}

/* ---------------------------------------------------------------------- run */

static int print(struct bt_buf *text)
{
    struct bt_err err = {0};
    struct bt_out out;

    bt_out_init(&out, STDOUT_FILENO);
    bt_buf_add_slice(&out.buf, bt_buf_slice(text));
    return bt_out_finish(&out, &err) == 0 ? 0 : EXIT_FAILED;
}

/* The manager reads a node's version out of this line, and wants at least 0.54. */
static int version(const struct bt_mha_tool *tool)
{
    bt_auto_buf struct bt_buf text;

    bt_buf_init(&text, HELP_MAX);
    bt_buf_addf(&text, "%s version %s.\n", tool->name, MHA_VERSION);
    return print(&text);
}

static int help(const struct bt_mha_tool *tool)
{
    bt_auto_buf struct bt_buf text;

    bt_buf_init(&text, HELP_MAX);
    bt_buf_addf(&text, "%s - %s\n\nThis is baton %s under MHA's name, with MHA's options:\n\n",
                tool->name, tool->summary, BT_VERSION);
    bt_mha_options_help(tool->opts, &text);
    return print(&text);
}

static void notes_say(const struct bt_mha_tool *tool, const struct bt_mha_values *v)
{
    for (size_t i = 0; v->opts[i].names; i++)
        if (v->given[i].count && v->opts[i].effect == BT_MHA_NOTED)
            fprintf(stderr, "%s: --%.*s has no effect: %s\n", tool->name,
                    (int)strcspn(v->opts[i].names, "|"), v->opts[i].names, v->opts[i].why);
}

void bt_mha_ignored_say(const char *tool, const struct bt_mha_values *values)
{
    if (values->ignored.len)
        fprintf(stderr, "%s: ignored, as MHA does: %.*s\n", tool, (int)values->ignored.len,
                (const char *)values->ignored.data);
}

static int run(const struct bt_mha_tool *tool, struct bt_mha_values *values)
{
    struct bt_err err = {0};
    int code;

    if (values->wants_help)
        return help(tool);
    if (values->wants_version)
        return version(tool);
    if (!tool->judges_ignored)
        bt_mha_ignored_say(tool->name, values);
    notes_say(tool, values);
    code = tool->run(values, &err);
    if (code >= 0)
        return code;
    fprintf(stderr, "%s\n", err.text);
    return EXIT_FAILED;
}

int bt_mha_run(const struct bt_mha_tool *tool, int argc, char **argv)
{
    struct bt_mha_values values;
    struct bt_err err = {0};
    int code;

    if (bt_mha_options_read(tool->opts, argc, argv, &values, &err) != 0) {
        fprintf(stderr, "%s: %s\n", tool->name, err.text);
        return EXIT_FAILED;
    }
    code = run(tool, &values);
    bt_mha_values_done(&values);
    return code;
}

/* -------------------------------------------------------------------- words */

void bt_mha_words_init(struct bt_mha_words *w, const char *command)
{
    *w = (struct bt_mha_words){0};
    bt_arena_init(&w->arena, WORDS_ARENA_MAX);
    bt_mha_word(w, "%s", command);
}

void bt_mha_words_done(struct bt_mha_words *w)
{
    bt_arena_done(&w->arena);
}

void bt_mha_word(struct bt_mha_words *w, const char *fmt, ...)
{
    bt_auto_free char *text = NULL;
    va_list args;
    char *copy = NULL;

    va_start(args, fmt);
    if (vasprintf(&text, fmt, args) >= 0)
        copy = bt_arena_str(&w->arena, bt_slice_str(text));
    else
        text = NULL;
    va_end(args);
    if (copy && w->count < BT_MHA_WORDS_MAX)
        w->argv[w->count++] = copy;
}

int bt_mha_words_conf(struct bt_mha_words *w, const struct bt_mha_values *values,
                      struct bt_err *err)
{
    const char *conf = bt_mha_value(values, "conf");
    const char *global = bt_mha_value(values, "global_conf");
    const char *workdir = bt_mha_value(values, "workdir");

    if (!conf)
        return bt_fail(err, BT_ERR_USAGE, "--conf=<server config file> must be set.");
    bt_mha_word(w, "--conf=%s", conf);
    bt_mha_word(w, "--global-conf=%s", global ? global : MHA_GLOBAL_CONF);
    if (workdir)
        bt_mha_word(w, "--workdir=%s", workdir);
    return 0;
}

const char *bt_mha_host_port(struct bt_mha_words *w, const struct bt_mha_values *values,
                             const char *host, const char *port)
{
    const char *name = bt_mha_value(values, host);
    const char *text =
        name ? bt_arena_strf(&w->arena, "%s:%llu", name,
                             (unsigned long long)bt_mha_number(values, port, 3306))
             : NULL;

    return text;
}

int bt_mha_call(const struct bt_command *command, struct bt_mha_words *w)
{
    int code = bt_command_run(command, w->count, w->argv);

    return code == 0 || code == EXIT_PARTIAL ? code : EXIT_FAILED;
}
