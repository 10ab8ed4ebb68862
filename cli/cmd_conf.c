/* SPDX-License-Identifier: Apache-2.0 */
/* baton conf - the configuration as it takes effect, its keys, and its servers. */
#include <stdio.h>
#include <unistd.h>

#include "cli/cluster_config.h"
#include "cli/command.h"
#include "cli/output.h"
#include "failover/config_edit.h"
#include "failover/config_show.h"

enum { EXIT_NO = 1, BLOCK_ROOM = 1024 };

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_MARKDOWN, FORMAT_ROFF };

static const char *const formats[] = {"text", "json", "markdown", "roff", NULL};

static struct {
    const char *conf, *global_conf, *block, *params;
    int format;
    bool json;
} opt;

static const struct bt_opt opts[] = {
    {"conf", 'c', BT_OPT_STRING, "FILE", "the cluster's configuration, MHA's or ours", NULL,
     &opt.conf},
    {"global-conf", 0, BT_OPT_STRING, "FILE",
     "defaults of all clusters (/etc/masterha_default.cnf)", NULL, &opt.global_conf},
    {"block", 0, BT_OPT_STRING, "NAME", "host: name of the block (server_HOST)", NULL, &opt.block},
    {"params", 0, BT_OPT_STRING, "K=V;K=V", "host add: what else stands in the block", NULL,
     &opt.params},
    {"format", 0, BT_OPT_CHOICE, "FORMAT",
     "show: text or json; keys: text, markdown or roff (a man page's)", formats, &opt.format},
    {"json", 0, BT_OPT_FLAG, NULL, "the same as --format=json", NULL, &opt.json},
    {0},
};

static int print(struct bt_buf *text, struct bt_err *err)
{
    struct bt_out out;

    bt_out_init(&out, STDOUT_FILENO);
    bt_buf_add_slice(&out.buf, bt_buf_slice(text));
    return bt_out_finish(&out, err);
}

static int show(struct bt_err *err)
{
    bt_auto_arena struct bt_arena arena;
    bt_auto_buf struct bt_buf text;
    struct bt_config_opts from = {.path = opt.conf, .global_path = opt.global_conf};
    struct bt_config config;
    struct bt_json json;

    bt_arena_init(&arena, BT_CONFIG_ARENA_MAX);
    bt_buf_init(&text, BT_CONFIG_ARENA_MAX);
    if (opt.format > FORMAT_JSON)
        return bt_fail(err, BT_ERR_USAGE, "conf show writes text or json, not %s",
                       formats[opt.format]);
    if (bt_cluster_config_load(&from, &arena, &config, err) != 0)
        return -1;
    if (opt.format == FORMAT_JSON) {
        bt_json_init(&json, &text);
        bt_config_show_json(&config, &json);
        bt_buf_add_byte(&text, '\n');
    } else {
        bt_config_show(&config, &text);
    }
    return print(&text, err);
}

static int keys(struct bt_err *err)
{
    static const enum bt_config_keys_format as[] = {
        [FORMAT_TEXT] = BT_CONFIG_KEYS_TEXT,
        [FORMAT_MARKDOWN] = BT_CONFIG_KEYS_MARKDOWN,
        [FORMAT_ROFF] = BT_CONFIG_KEYS_ROFF,
    };
    bt_auto_buf struct bt_buf text;

    bt_buf_init(&text, 1 << 20);
    if (opt.format == FORMAT_JSON)
        return bt_fail(err, BT_ERR_USAGE, "conf keys writes text, markdown or roff, not json");
    bt_config_keys(as[opt.format], &text);
    return print(&text, err);
}

/* The lines are MHA's (masterha_conf_host), which says them on stdout. */
static int host(int argc, char **argv, struct bt_err *err)
{
    bt_auto_buf struct bt_buf block, text;
    bool is_add = argc > 0 && strcmp(argv[0], "add") == 0;
    int rc;

    bt_buf_init(&block, BLOCK_ROOM);
    bt_buf_init(&text, 8192);
    if (argc == 0 || (!is_add && strcmp(argv[0], "delete") != 0 && strcmp(argv[0], "remove") != 0))
        return bt_fail(err, BT_ERR_USAGE, "conf host takes add or delete, and a host");
    if (argc > 2)
        return bt_fail(err, BT_ERR_USAGE, "conf host %s takes one host, but there is \"%s\" too",
                       argv[0], argv[2]);
    if (!opt.conf)
        return bt_fail(err, BT_ERR_USAGE, "--conf=FILE must be given");
    if (is_add && argc < 2)
        return bt_fail(err, BT_ERR_USAGE, "conf host add needs a host");
    if (bt_config_block_name(opt.block, argc > 1 ? argv[1] : NULL, &block, err) != 0)
        return -1;
    rc = is_add ? bt_config_file_add(opt.conf, bt_buf_str(&block), argv[1], opt.params, err)
                : bt_config_file_delete(opt.conf, bt_buf_str(&block), err);
    if (rc < 0)
        return -1;
    if (rc == 1 && is_add)
        return bt_fail(err, BT_ERR_CONFIG, "[%s] already exists in %s", bt_buf_str(&block),
                       opt.conf);
    if (rc == 1)
        bt_buf_addf(&text, "[%s] is not found in %s .\n", bt_buf_str(&block), opt.conf);
    else
        bt_buf_addf(&text, "%s %s entry %s %s .\n", is_add ? "Wrote" : "Deleted",
                    bt_buf_str(&block), is_add ? "to" : "from", opt.conf);
    return print(&text, err) != 0 ? -1 : rc == 1 ? EXIT_NO
                                                 : 0;
}

static int run(int argc, char **argv, struct bt_err *err)
{
    const char *what = argc > 0 ? argv[0] : "show";

    if (opt.json)
        opt.format = FORMAT_JSON;
    if (strcmp(what, "host") == 0)
        return host(argc - 1, argv + 1, err);
    if (argc > 1)
        return bt_fail(err, BT_ERR_USAGE, "conf %s takes no argument, but there is \"%s\"", what,
                       argv[1]);
    if (strcmp(what, "show") == 0)
        return show(err);
    if (strcmp(what, "keys") == 0)
        return keys(err);
    return bt_fail(err, BT_ERR_USAGE, "conf takes show, keys or host, not \"%s\"", what);
}

const struct bt_command bt_cmd_conf = {
    .name = "conf",
    .group = "Cluster",
    .summary = "show the configuration as it takes effect, or add and delete servers in it",
    .usage = "[show|keys|host add HOST|host delete HOST] --conf=FILE [OPTIONS]",
    .about =
        "show: every value with the place it comes from: FILE:LINE of the configuration or of\n"
        "the global one, or \"default\".  Secrets are shown as xxx.  All mistakes are reported\n"
        "at once.\n"
        "\n"
        "keys: every key there is, with its meaning, default, and where it may stand.\n"
        "\n"
        "host add, host delete: puts a [serverNAME] block into the file or takes it out, as\n"
        "masterha_conf_host does, but comments and order stay, and the file changes at once\n"
        "or not at all.\n"
        "\n"
        "Exit code: 0; 1 when there was no block to delete; 3 when the configuration has\n"
        "mistakes.",
    .examples = "  $ baton conf show --conf=/etc/mha/app1.cnf\n"
                "  $ baton conf host add db4 --params='candidate_master=1;port=3307' "
                "--conf=/etc/mha/app1.cnf\n"
                "  $ baton conf host delete db4 --conf=/etc/mha/app1.cnf\n",
    .opts = opts,
    .run = run,
};
