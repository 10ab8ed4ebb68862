/* SPDX-License-Identifier: Apache-2.0 */
/* baton failover - a dead primary is replaced. */
#include <stdio.h>
#include <unistd.h>

#include "cli/cluster_config.h"
#include "cli/command.h"
#include "cli/output.h"
#include "failover/report.h"

enum { EXIT_PARTIAL = 10 };

static struct {
    const char *conf, *global_conf, *dead, *winner, *workdir, *log;
    uint64_t last_minutes;
    bool dry_run, json, ignore_last, yes, skip_read_only, remove_dead, resume;
} opt;

static const struct bt_opt opts[] = {
    {"conf", 'c', BT_OPT_STRING, "FILE", "the cluster's configuration, MHA's or ours", NULL,
     &opt.conf},
    {"global-conf", 0, BT_OPT_STRING, "FILE",
     "defaults of all clusters (/etc/masterha_default.cnf)", NULL, &opt.global_conf},
    {"dead-primary", 0, BT_OPT_STRING, "HOST[:PORT]", "refuse unless this is the dead primary",
     NULL, &opt.dead},
    {"new-primary", 0, BT_OPT_STRING, "HOST[:PORT]", "promote this one instead of electing", NULL,
     &opt.winner},
    {"dry-run", 'n', BT_OPT_FLAG, NULL, "collect and show the plan, change nothing", NULL,
     &opt.dry_run},
    {"resume", 0, BT_OPT_FLAG, NULL, "finish the failover that was cut off, or failed", NULL,
     &opt.resume},
    {"json", 0, BT_OPT_FLAG, NULL, "write the plan or the report as JSON", NULL, &opt.json},
    {"ignore-last-failover", 0, BT_OPT_FLAG, NULL, "go on although one was done or failed lately",
     NULL, &opt.ignore_last},
    {"last-failover-minutes", 0, BT_OPT_UINT, "N",
     "how long after a failover there is no other one (480)", NULL, &opt.last_minutes},
    {"skip-disable-read-only", 0, BT_OPT_FLAG, NULL, "leave the new primary read-only", NULL,
     &opt.skip_read_only},
    {"remove-dead-primary-conf", 0, BT_OPT_FLAG, NULL,
     "when all went well, take the dead primary out of the configuration", NULL,
     &opt.remove_dead},
    {"workdir", 0, BT_OPT_STRING, "DIR", "instead of manager_workdir", NULL, &opt.workdir},
    {"log-output", 0, BT_OPT_STRING, "FILE", "instead of manager_log", NULL, &opt.log},
    {"yes", 'y', BT_OPT_FLAG, NULL, "do not ask, also on a terminal", NULL, &opt.yes},
    {0},
};

/* A person at a terminal is asked once, as MHA asks. */
static bool is_confirmed(const struct bt_config *config)
{
    char answer[16] = "";

    if (opt.yes || opt.dry_run || opt.resume || !isatty(STDIN_FILENO))
        return true;
    fprintf(stderr, "Master of %s is dead. Proceed? (yes/NO): ", config->app);
    return fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static int show(const struct bt_failover *f, struct bt_err *err)
{
    struct bt_out out;
    struct bt_json json;

    bt_out_init(&out, STDOUT_FILENO);
    if (opt.json) {
        bt_json_init(&json, &out.buf);
        bt_report_json(f, &json);
        bt_buf_add_byte(&out.buf, '\n');
    } else {
        bt_report_text(f, &out.buf);
    }
    return bt_out_finish(&out, err);
}

static int run_with(const struct bt_config *config, struct bt_err *err)
{
    struct bt_failover_opts fo = {
        .dead_primary = opt.dead,
        .new_primary = opt.winner,
        .dry_run = opt.dry_run,
        .ignore_last_failover = opt.ignore_last,
        .last_failover_minutes = opt.last_minutes,
        .keep_read_only = opt.skip_read_only,
        .remove_dead_conf = opt.remove_dead,
        .resume = opt.resume,
    };
    enum bt_failover_outcome outcome;
    struct bt_failover *f;
    struct bt_err show_err = {0};
    int rc;

    if (bt_failover_new(config, &fo, &f, err) != 0)
        return -1;
    rc = bt_failover_run(f, &outcome, err);
    if (outcome == BT_FAILOVER_NOTHING)
        fprintf(stderr, "Nothing is to be resumed: the last failover came to its end.\n");
    /* A refusal is one error, not a report of nothing. */
    else if (((outcome != BT_FAILOVER_REFUSED && outcome != BT_FAILOVER_ALIVE) || opt.json ||
              opt.dry_run) &&
             show(f, &show_err) != 0 && rc == 0) {
        *err = show_err;
        rc = -1;
    }
    bt_failover_free(f);
    if (rc != 0)
        return -1;
    return outcome == BT_FAILOVER_PARTIAL ? EXIT_PARTIAL : 0;
}

static int run(int argc, char **argv, struct bt_err *err)
{
    const struct bt_cluster_command command = {
        .from = {.path = opt.conf,
                 .global_path = opt.global_conf,
                 .workdir = opt.workdir,
                 .log_path = opt.log},
        .is_quiet = opt.dry_run,
        .is_confirmed = is_confirmed,
        .run = run_with,
    };

    if (argc > 0)
        return bt_fail(err, BT_ERR_USAGE, "failover takes no argument, but there is \"%s\"",
                       argv[0]);
    return bt_cluster_command_run(&command, err);
}

const struct bt_command bt_cmd_failover = {
    .name = "failover",
    .group = "Cluster",
    .summary = "replace a dead primary by the best replica",
    .usage = "--conf=FILE [OPTIONS]",
    .about =
        "Asks every server of the configuration, makes sure that the primary is dead, stops\n"
        "the replicas' receivers, drops the writer address from the old primary and ends what\n"
        "is left of its server.  From all logs that can be read (relay logs, the old\n"
        "primary's binary logs) it works out what each replica lacks, completes the elected\n"
        "one, lets it take writes, moves the address, completes the other replicas and makes\n"
        "them follow.\n"
        "\n"
        "A primary that answers to anybody is never replaced.  Where something cannot be\n"
        "saved or proved, that is said: before, in the plan (--dry-run), and after, in the\n"
        "report.  Every step is in APP.failover.journal of the work folder before it is\n"
        "taken.\n"
        "\n"
        "--resume finishes a failover that was cut off: forward when somebody was promoted,\n"
        "else from the start; where the primary lives and nobody was, what was stopped is\n"
        "given back.\n"
        "\n"
        "Exit code: 0 all done; 10 the new primary takes writes, but something else failed (a\n"
        "replica does not follow, the address is not there); else nothing was promoted.",
    .examples = "  $ baton failover --conf=/etc/mha/app1.cnf --dry-run\n"
                "  $ baton failover --conf=/etc/mha/app1.cnf --dead-primary=db1\n",
    .opts = opts,
    .run = run,
};
