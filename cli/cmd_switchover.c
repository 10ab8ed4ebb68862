/* SPDX-License-Identifier: Apache-2.0 */
/* baton switchover - the writer role moves from a living primary to a replica. */
#include <stdio.h>
#include <unistd.h>

#include "cli/cluster_config.h"
#include "cli/command.h"
#include "cli/output.h"
#include "failover/switchover.h"

enum { EXIT_PARTIAL = 10 };

static struct {
    const char *conf, *global_conf, *to, *workdir, *log;
    bool dry_run, json, resume, yes, becomes_replica, skip_lock, skip_read_only, flush,
        remove_old;
    uint64_t updates_limit, sessions_limit, lag_limit, kill_after, lock_limit, wait_limit;
} opt = {
    .updates_limit = 1000,
    .sessions_limit = 10000,
    .lag_limit = 30000,
    .kill_after = 300,
    .lock_limit = 5000,
    .wait_limit = 10000,
};

static const struct bt_opt opts[] = {
    {"conf", 'c', BT_OPT_STRING, "FILE", "the cluster's configuration, MHA's or ours", NULL,
     &opt.conf},
    {"global-conf", 0, BT_OPT_STRING, "FILE",
     "defaults of all clusters (/etc/masterha_default.cnf)", NULL, &opt.global_conf},
    {"to", 't', BT_OPT_STRING, "HOST[:PORT]", "the new primary; default: as a failover would elect",
     NULL, &opt.to},
    {"old-primary-becomes-replica", 0, BT_OPT_FLAG, NULL,
     "the old primary follows the new one afterwards (needs repl_password)", NULL,
     &opt.becomes_replica},
    {"dry-run", 'n', BT_OPT_FLAG, NULL, "check everything and show it, change nothing", NULL,
     &opt.dry_run},
    {"resume", 0, BT_OPT_FLAG, NULL, "undo or finish a switchover that was cut off", NULL,
     &opt.resume},
    {"json", 0, BT_OPT_FLAG, NULL, "write the plan or the report as JSON", NULL, &opt.json},
    {"running-updates-limit", 0, BT_OPT_SECONDS, "SEC",
     "refuse when a statement has been writing for longer (1)", NULL, &opt.updates_limit},
    {"running-seconds-limit", 0, BT_OPT_SECONDS, "SEC",
     "refuse when one has been running for longer on the new primary (10)", NULL,
     &opt.sessions_limit},
    {"seconds-behind", 0, BT_OPT_SECONDS, "SEC", "refuse when a replica is further behind (30)",
     NULL, &opt.lag_limit},
    {"kill-after", 0, BT_OPT_SECONDS, "SEC",
     "statements get this long before their sessions are ended (0.3)", NULL, &opt.kill_after},
    {"lock-limit", 0, BT_OPT_SECONDS, "SEC", "undo when the tables are not locked by then (5)",
     NULL, &opt.lock_limit},
    {"wait-limit", 0, BT_OPT_SECONDS, "SEC",
     "undo when the new primary has not applied everything by then (10)", NULL, &opt.wait_limit},
    {"skip-lock-all-tables", 0, BT_OPT_FLAG, NULL,
     "do not lock: read_only and a binary log that stands still must do", NULL, &opt.skip_lock},
    {"skip-disable-read-only", 0, BT_OPT_FLAG, NULL, "leave the new primary read-only", NULL,
     &opt.skip_read_only},
    {"flush-tables", 0, BT_OPT_FLAG, NULL, "flush tables before the lock, while clients write",
     NULL, &opt.flush},
    {"remove-old-primary-conf", 0, BT_OPT_FLAG, NULL,
     "when all went well and it is no replica, take the old primary out of the configuration", NULL,
     &opt.remove_old},
    {"workdir", 0, BT_OPT_STRING, "DIR", "instead of manager_workdir", NULL, &opt.workdir},
    {"log-output", 0, BT_OPT_STRING, "FILE", "instead of manager_log", NULL, &opt.log},
    {"yes", 'y', BT_OPT_FLAG, NULL, "do not ask, also on a terminal", NULL, &opt.yes},
    {0},
};

static struct bt_switchover_opts opts_of(void)
{
    struct bt_switchover_opts so = bt_switchover_defaults();

    so.new_primary = opt.to;
    so.old_becomes_replica = opt.becomes_replica;
    so.dry_run = opt.dry_run;
    so.skip_lock = opt.skip_lock;
    so.skip_read_only_off = opt.skip_read_only;
    so.flush_tables = opt.flush;
    so.remove_old_conf = opt.remove_old;
    so.updates_limit = opt.updates_limit / 1000;
    so.sessions_limit = opt.sessions_limit / 1000;
    so.lag_limit = opt.lag_limit / 1000;
    so.kill_after = opt.kill_after;
    so.lock_limit = opt.lock_limit;
    so.wait_limit = opt.wait_limit;
    return so;
}

/* A person at a terminal is asked once, as MHA asks. */
static bool is_confirmed(const struct bt_config *config)
{
    char answer[16] = "";

    if (opt.yes || opt.dry_run || !isatty(STDIN_FILENO))
        return true;
    fprintf(stderr, "Starting master switch of %s%s%s? (yes/NO): ", config->app,
            opt.to ? " to " : "", opt.to ? opt.to : "");
    return fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

static int show(const struct bt_switchover *s, struct bt_err *err)
{
    struct bt_out out;
    struct bt_json json;

    bt_out_init(&out, STDOUT_FILENO);
    if (opt.json) {
        bt_json_init(&json, &out.buf);
        bt_switchover_json(s, &json);
        bt_buf_add_byte(&out.buf, '\n');
    } else {
        bt_switchover_text(s, &out.buf);
    }
    return bt_out_finish(&out, err);
}

static int act(struct bt_switchover *s, enum bt_switchover_outcome *outcome, struct bt_err *err)
{
    int rc;

    if (!opt.resume)
        return bt_switchover_run(s, outcome, err);
    rc = bt_switchover_resume(s, outcome, err);
    if (rc == 1)
        return bt_fail(err, BT_ERR_REALITY,
                       "no switchover was cut off: there is nothing to resume");
    return rc;
}

static int run_with(const struct bt_config *config, struct bt_err *err)
{
    struct bt_switchover_opts so = opts_of();
    enum bt_switchover_outcome outcome;
    struct bt_switchover *s;
    struct bt_err show_err = {0};
    int rc;

    if (bt_switchover_new(config, &so, &s, err) != 0)
        return -1;
    rc = act(s, &outcome, err);
    /* A refusal is one error, not a report of nothing. */
    if ((outcome != BT_SWITCHOVER_REFUSED || opt.json || opt.dry_run) && show(s, &show_err) != 0 &&
        rc == 0) {
        *err = show_err;
        rc = -1;
    }
    bt_switchover_free(s);
    if (rc != 0)
        return -1;
    return outcome == BT_SWITCHOVER_PARTIAL ? EXIT_PARTIAL : 0;
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
        return bt_fail(err, BT_ERR_USAGE, "switchover takes no argument, but there is \"%s\"",
                       argv[0]);
    return bt_cluster_command_run(&command, err);
}

const struct bt_command bt_cmd_switchover = {
    .name = "switchover",
    .group = "Cluster",
    .summary = "move the writer role from the living primary to a replica",
    .usage = "--conf=FILE [--to=HOST] [OPTIONS]",
    .about =
        "Everything that can be checked is checked while clients still write, and told at\n"
        "once:  servers, replication, lag, filters, privileges, who has the address,\n"
        "statements that run too long.  Then the tables of the old primary are locked, it is\n"
        "made read-only, client sessions are ended (their open transactions roll back), and\n"
        "its binary log is seen to stand still.  When the new primary has applied all of it,\n"
        "it is opened, gets the address, and the other replicas follow it.\n"
        "\n"
        "Until the new primary takes writes, any failure puts everything back: the old\n"
        "primary takes writes again.  Each step is in APP.switchover.journal of the work\n"
        "folder before it is taken; where baton itself was ended in the middle, --resume\n"
        "undoes or finishes it.\n"
        "\n"
        "Exit code: 0 all done; 10 the new primary takes writes, but something else failed;\n"
        "else the old primary is what it was, unless the error says that it could not be put\n"
        "back.",
    .examples = "  $ baton switchover --conf=/etc/mha/app1.cnf --dry-run\n"
                "  $ baton switchover --conf=/etc/mha/app1.cnf --to=db2 "
                "--old-primary-becomes-replica\n",
    .opts = opts,
    .run = run,
};
