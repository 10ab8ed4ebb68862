/* SPDX-License-Identifier: Apache-2.0 */
/* baton rejoin - an old primary comes back as a replica. */
#include <unistd.h>

#include "cli/cluster_config.h"
#include "cli/command.h"
#include "cli/output.h"
#include "failover/rejoin.h"

enum { EXIT_PARTIAL = 10 };

static struct {
    const char *conf, *global_conf, *archive, *workdir, *log;
    const char *host; /* the argument */
    bool dry_run, json, flashback;
    uint64_t wait_limit;
} opt;

static const struct bt_opt opts[] = {
    {"conf", 'c', BT_OPT_STRING, "FILE", "the cluster's configuration, MHA's or ours", NULL,
     &opt.conf},
    {"global-conf", 0, BT_OPT_STRING, "FILE",
     "defaults of all clusters (/etc/masterha_default.cnf)", NULL, &opt.global_conf},
    {"dry-run", 'n', BT_OPT_FLAG, NULL, "compare and show what only that host has, change nothing",
     NULL, &opt.dry_run},
    {"archive", 'a', BT_OPT_STRING, "DIR", "keep what only that host has as a diff log in DIR",
     NULL, &opt.archive},
    {"flashback", 0, BT_OPT_FLAG, NULL,
     "then take it back row by row, and empty that host's binary logs (needs --archive)", NULL,
     &opt.flashback},
    {"wait-limit", 0, BT_OPT_SECONDS, "SEC", "for it to catch up (600)", NULL, &opt.wait_limit},
    {"json", 0, BT_OPT_FLAG, NULL, "write the comparison or the report as JSON", NULL, &opt.json},
    {"workdir", 0, BT_OPT_STRING, "DIR", "instead of manager_workdir", NULL, &opt.workdir},
    {"log-output", 0, BT_OPT_STRING, "FILE", "instead of manager_log", NULL, &opt.log},
    {0},
};

static int show(const struct bt_rejoin *r, struct bt_err *err)
{
    struct bt_out out;
    struct bt_json json;

    bt_out_init(&out, STDOUT_FILENO);
    if (opt.json) {
        bt_json_init(&json, &out.buf);
        bt_rejoin_json(r, &json);
        bt_buf_add_byte(&out.buf, '\n');
    } else {
        bt_rejoin_text(r, &out.buf);
    }
    return bt_out_finish(&out, err);
}

static int run_with(const struct bt_config *config, struct bt_err *err)
{
    struct bt_rejoin_opts ro = {
        .host = opt.host,
        .archive = opt.archive,
        .flashback = opt.flashback,
        .dry_run = opt.dry_run,
        .wait_limit = opt.wait_limit,
    };
    enum bt_rejoin_outcome outcome;
    struct bt_err show_err = {0};
    struct bt_rejoin *r;
    int rc;

    if (bt_rejoin_new(config, &ro, &r, err) != 0)
        return -1;
    rc = bt_rejoin_run(r, &outcome, err);
    /* A refusal is one error, not a report of nothing. */
    if ((outcome != BT_REJOIN_REFUSED || opt.json) && show(r, &show_err) != 0 && rc == 0) {
        *err = show_err;
        rc = -1;
    }
    bt_rejoin_free(r);
    if (rc != 0)
        return -1;
    return outcome == BT_REJOIN_BEHIND ? EXIT_PARTIAL : 0;
}

static int run(int argc, char **argv, struct bt_err *err)
{
    const struct bt_cluster_command command = {
        .from = {.path = opt.conf,
                 .global_path = opt.global_conf,
                 .workdir = opt.workdir,
                 .log_path = opt.log},
        .is_quiet = opt.dry_run,
        .run = run_with,
    };

    if (argc != 1)
        return bt_fail(err, BT_ERR_USAGE, "rejoin takes one HOST[:PORT], there are %d", argc);
    if (opt.flashback && !opt.archive)
        return bt_fail(err, BT_ERR_USAGE,
                       "--flashback needs --archive=DIR: what is taken back is kept first");
    opt.host = argv[0];
    return bt_cluster_command_run(&command, err);
}

const struct bt_command bt_cmd_rejoin = {
    .name = "rejoin",
    .group = "Cluster",
    .summary = "bring an old primary back as a replica",
    .usage = "--conf=FILE [OPTIONS] HOST[:PORT]",
    .about =
        "Makes the returning server read-only, takes the address off its host if it is there,\n"
        "and compares its binary logs with what the primary has.  If it has nothing of its\n"
        "own, it is made to follow the primary as the other replicas do, and seen to catch\n"
        "up.\n"
        "\n"
        "What only it has (transactions that nobody received before it died) is listed, and\n"
        "it is left as it is, unless --archive keeps them as a diff log that `baton apply`\n"
        "can replay anywhere, and --flashback takes them back from its tables.  That verifies\n"
        "every row against the log, is done whole or not at all, and is refused where the log\n"
        "has statements or DDL, or a table has triggers or cascades.\n"
        "\n"
        "A rejoin that was cut off is run again.  Exit code: 0 it follows and has everything;\n"
        "7 it has what nobody else has; 10 it follows, but has not caught up in time.",
    .examples =
        "  $ baton rejoin --conf=/etc/mha/app1.cnf --dry-run db1\n"
        "  $ baton rejoin --conf=/etc/mha/app1.cnf --archive=/var/backups --flashback db1\n",
    .opts = opts,
    .run = run,
};
