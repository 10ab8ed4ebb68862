/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/man_page.h"

#include "cli/command.h"
#include "cli/mha.h"
#include "failover/config_show.h"
#include "version.h"

/* --------------------------------------------------------------------- roff */

/* Text of one line or part of one: nothing in it is a request or an escape. */
static void add_text(struct bt_buf *out, const char *text, size_t len)
{
    bool at_begin = out->len == 0 || out->data[out->len - 1] == '\n';

    for (size_t i = 0; i < len; i++) {
        if (at_begin && (text[i] == '.' || text[i] == '\''))
            bt_buf_add_str(out, "\\&");
        at_begin = text[i] == '\n';
        if (text[i] == '\\')
            bt_buf_add_str(out, "\\e");
        else if (text[i] == '-')
            bt_buf_add_str(out, "\\-");
        else
            bt_buf_add_byte(out, (uint8_t)text[i]);
    }
}

static void add(struct bt_buf *out, const char *text)
{
    add_text(out, text, strlen(text));
}

static void add_line(struct bt_buf *out, const char *text)
{
    add(out, text);
    bt_buf_add_byte(out, '\n');
}

/* Paragraphs, parted by empty lines. */
static void add_paragraphs(struct bt_buf *out, const char *text)
{
    while (*text) {
        size_t len = strcspn(text, "\n");

        if (len == 0)
            bt_buf_add_str(out, ".PP\n");
        else {
            add_text(out, text, len);
            bt_buf_add_byte(out, '\n');
        }
        text += len + (text[len] == '\n');
    }
}

static void add_examples(struct bt_buf *out, const char *text)
{
    bt_buf_add_str(out, ".SH EXAMPLES\n.EX\n");
    add(out, text);
    if (out->data[out->len - 1] != '\n')
        bt_buf_add_byte(out, '\n');
    bt_buf_add_str(out, ".EE\n");
}

/* The page's date would make two builds differ: the version stands for it. */
static void head(struct bt_buf *out, const char *title, int section, const char *summary)
{
    bt_buf_addf(out, ".\\\" Made by `baton help man %s'.\n.TH \"", title);
    add(out, title);
    bt_buf_addf(out, "\" \"%d\" \"\" \"baton %s\"\n.SH NAME\n", section, BT_VERSION);
    add(out, title);
    bt_buf_add_str(out, " \\- ");
    add_line(out, summary);
}

static void see_also(struct bt_buf *out)
{
    bt_buf_add_str(out, ".SH SEE ALSO\n.BR baton (1),\n.BR baton.conf (5)\n");
}

/* ------------------------------------------------------------------- commands */

static void add_option(struct bt_buf *out, const struct bt_opt *o)
{
    bt_buf_add_str(out, ".TP\n");
    if (o->letter)
        bt_buf_addf(out, "\\fB\\-%c\\fR, ", o->letter);
    bt_buf_add_str(out, "\\fB\\-\\-");
    add(out, o->name);
    bt_buf_add_str(out, "\\fR");
    if (o->arg) {
        bt_buf_add_str(out, "=\\fI");
        add(out, o->arg);
        bt_buf_add_str(out, "\\fR");
    }
    bt_buf_add_byte(out, '\n');
    add_line(out, o->help);
}

static void page_command(const struct bt_command *c, const char *title, struct bt_buf *out)
{
    head(out, title, 1, c->summary);
    bt_buf_addf(out, ".SH SYNOPSIS\n.B baton %s\n", c->name);
    add_line(out, c->usage);
    if (c->about) {
        bt_buf_add_str(out, ".SH DESCRIPTION\n");
        add_paragraphs(out, c->about);
    }
    bt_buf_add_str(out, ".SH OPTIONS\n");
    for (const struct bt_opt *o = c->opts; o->name; o++)
        add_option(out, o);
    bt_buf_add_str(out, ".TP\n\\fB\\-h\\fR, \\fB\\-\\-help\\fR\nshow help\n");
    if (c->examples)
        add_examples(out, c->examples);
    see_also(out);
}

static void page_overview(struct bt_buf *out)
{
    const char *group = "";

    head(out, "baton", 1, "failover for MariaDB and MySQL that loses nothing a log still holds");
    bt_buf_add_str(out, ".SH SYNOPSIS\n.B baton\n.I COMMAND\n[OPTIONS]\n.SH DESCRIPTION\n");
    add_paragraphs(
        out, "Hands the writer role of a MariaDB or MySQL cluster to the best replica without "
             "losing a\ntransaction that a reachable log still holds.\n\nEach command has a "
             "page of its own, and --help.\n");
    for (size_t i = 0; bt_commands[i]; i++) {
        if (strcmp(group, bt_commands[i]->group) != 0) {
            bt_buf_add_str(out, ".SS ");
            add_line(out, bt_commands[i]->group);
        }
        group = bt_commands[i]->group;
        bt_buf_add_str(out, ".TP\n.BR baton\\-");
        add(out, bt_commands[i]->name);
        bt_buf_add_str(out, " (1)\n");
        add_line(out, bt_commands[i]->summary);
    }
    bt_buf_add_str(out, ".SS Under MHA's names\n");
    for (size_t i = 0; bt_mha_tools[i]; i++) {
        bt_buf_add_str(out, ".TP\n.BR ");
        add(out, bt_mha_tools[i]->name);
        bt_buf_add_str(out, " (1)\n");
        add_line(out, bt_mha_tools[i]->summary);
    }
    bt_buf_add_str(out, ".SH SEE ALSO\n.BR baton.conf (5)\n");
}

static void page_config(struct bt_buf *out)
{
    head(out, "baton.conf", 5, "the configuration of a cluster, MHA's with a few more keys");
    bt_buf_add_str(out, ".SH DESCRIPTION\n");
    add_paragraphs(
        out,
        "Sections are [server default], one [serverNAME] for each server, and [binlogNAME]; "
        "lines are\nkey=value.  A comment begins a line with # or ;, or stands behind a value "
        "as blank, ;, blank.\nLayers, the later wins: [server default] of "
        "/etc/masterha_default.cnf, [server default] of the\nfile, the output of "
        "init_conf_load_script, the server's own block.\n\nThe file holds secrets and must "
        "not be readable for others.  Below, \"in\" says where a key may\nstand: in server and "
        "binlog blocks, in [server default] of the app's and of the global file.\n");
    bt_buf_add_str(out, ".SH KEYS\n");
    bt_config_keys(BT_CONFIG_KEYS_ROFF, out);
    bt_buf_add_str(out, ".SH SEE ALSO\n.BR baton (1),\n.BR baton\\-conf (1)\n");
}

/* ------------------------------------------------------------------ MHA's names */

static void page_mha(const struct bt_mha_tool *tool, struct bt_buf *out)
{
    head(out, tool->name, 1, tool->summary);
    bt_buf_add_str(out, ".SH SYNOPSIS\n.B ");
    add(out, tool->name);
    bt_buf_add_str(out, "\n[OPTIONS]\n.SH DESCRIPTION\nThis is\n.BR baton (1)\nunder MHA's name, "
                        "with MHA's options, words and exit codes.\n.SH OPTIONS\n");
    for (const struct bt_mha_opt *o = tool->opts; o->names; o++) {
        size_t len = strcspn(o->names, "|");

        bt_buf_add_str(out, ".TP\n\\fB\\-\\-");
        add_text(out, o->names, len);
        bt_buf_addf(out, "\\fR%s\n", o->has_value ? "=\\fIVALUE\\fR" : "");
        add(out, o->effect == BT_MHA_NOTED     ? "no effect: "
                 : o->effect == BT_MHA_REFUSED ? "refused: "
                                               : "");
        add_line(out, o->why);
    }
    see_also(out);
}

/* ------------------------------------------------------------------------ all */

int bt_man_page(const char *name, struct bt_buf *out, struct bt_err *err)
{
    static const char prefix[] = "baton-";
    const struct bt_mha_tool *tool = bt_mha_find(name);

    if (strcmp(name, "baton") == 0) {
        page_overview(out);
        return 0;
    }
    if (strcmp(name, "baton.conf") == 0) {
        page_config(out);
        return 0;
    }
    if (tool) {
        page_mha(tool, out);
        return 0;
    }
    for (size_t i = 0; bt_commands[i]; i++)
        if (strncmp(name, prefix, sizeof(prefix) - 1) == 0 &&
            strcmp(name + sizeof(prefix) - 1, bt_commands[i]->name) == 0) {
            page_command(bt_commands[i], name, out);
            return 0;
        }
    return bt_fail(err, BT_ERR_USAGE, "there is no man page \"%s\"", name);
}

void bt_man_page_names(struct bt_buf *out)
{
    bt_buf_add_str(out, "baton.1\nbaton.conf.5\n");
    for (size_t i = 0; bt_commands[i]; i++)
        bt_buf_addf(out, "baton-%s.1\n", bt_commands[i]->name);
    for (size_t i = 0; bt_mha_tools[i]; i++)
        bt_buf_addf(out, "%s.1\n", bt_mha_tools[i]->name);
}

void bt_bash_completion(struct bt_buf *out)
{
    bt_buf_add_str(out, "# Made by `baton help completion`.\n_baton() {\n"
                        "    local words current=${COMP_WORDS[COMP_CWORD]}\n"
                        "    case ${COMP_WORDS[1]} in\n");
    for (size_t i = 0; bt_commands[i]; i++) {
        bt_buf_addf(out, "    %s) words=\"", bt_commands[i]->name);
        for (const struct bt_opt *o = bt_commands[i]->opts; o->name; o++)
            bt_buf_addf(out, "--%s%s ", o->name, o->arg ? "=" : "");
        bt_buf_add_str(out, "--help\" ;;\n");
    }
    bt_buf_add_str(out, "    esac\n    ((COMP_CWORD > 1)) || words=\"");
    for (size_t i = 0; bt_commands[i]; i++)
        bt_buf_addf(out, "%s ", bt_commands[i]->name);
    bt_buf_add_str(out,
                   "help --help --version\"\n"
                   "    if [[ $current == -* || $COMP_CWORD == 1 ]]; then\n"
                   "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
                   "        [[ ${COMPREPLY[0]} != *= ]] || compopt -o nospace\n"
                   "    else\n"
                   "        mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
                   "    fi\n}\ncomplete -F _baton baton\n");
}
