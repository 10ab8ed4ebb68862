/* SPDX-License-Identifier: Apache-2.0 */
/* baton check - is the cluster ready to lose its primary? */
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cluster_config.h"
#include "cli/command.h"
#include "cli/output.h"
#include "failover/check_ask.h"

enum { EXIT_NO = 1, LAG_MAX_SECONDS = 30, ARENA_MAX = 32 << 20 };

static struct {
    const char *conf, *global_conf, *workdir;
    struct bt_opt_list only;
    uint64_t lag_ms;
    bool json;
} opt = {.lag_ms = LAG_MAX_SECONDS * 1000};

static const struct bt_opt opts[] = {
    {"conf", 'c', BT_OPT_STRING, "FILE", "the cluster's configuration, MHA's or ours", NULL,
     &opt.conf},
    {"global-conf", 0, BT_OPT_STRING, "FILE",
     "defaults of all clusters (/etc/masterha_default.cnf)", NULL, &opt.global_conf},
    {"only", 0, BT_OPT_LIST, "PART[,PART]",
     "look at these parts only: manager, ssh, servers, repl, privileges, settings, logs, disk, "
     "clocks, vip, hooks, failover",
     NULL, &opt.only},
    {"max-lag", 0, BT_OPT_SECONDS, "SECONDS", "a replica further behind is an error (30)", NULL,
     &opt.lag_ms},
    {"workdir", 0, BT_OPT_STRING, "DIR", "instead of manager_workdir", NULL, &opt.workdir},
    {"json", 0, BT_OPT_FLAG, NULL, "write one JSON document", NULL, &opt.json},
    {0},
};

static int part_find(struct bt_slice name, unsigned *parts, struct bt_err *err)
{
    for (int p = 0; p < BT_CHECK_PART_COUNT; p++)
        if (bt_slice_equal_str(name, bt_check_part_name((enum bt_check_part)p))) {
            *parts |= 1U << p;
            return 0;
        }
    return bt_fail(err, BT_ERR_USAGE, "--only takes names of parts, not \"%.*s\"; see --help",
                   (int)name.len, (const char *)name.ptr);
}

static int parts_read(unsigned *ret, struct bt_err *err)
{
    unsigned parts = 0;

    for (size_t i = 0; i < opt.only.count; i++)
        for (const char *at = opt.only.items[i]; *at;) {
            size_t len = strcspn(at, ",");

            if (part_find(bt_slice(at, len), &parts, err) != 0)
                return -1;
            at += len + (at[len] == ',');
        }
    *ret = opt.only.count ? parts : BT_CHECK_ALL;
    return 0;
}

static int show(const struct bt_check_facts *facts, const struct bt_check_report *report,
                struct bt_err *err)
{
    struct bt_out out;
    struct bt_json json;

    bt_out_init(&out, STDOUT_FILENO);
    if (opt.json) {
        bt_json_init(&json, &out.buf);
        bt_check_json(facts, report, &json);
        bt_buf_add_byte(&out.buf, '\n');
    } else {
        bt_check_text(facts, report, &out.buf);
    }
    return bt_out_finish(&out, err);
}

static int check(const struct bt_config *config, unsigned parts, const char *warnings,
                 struct bt_err *err)
{
    struct bt_check_opts check = {.lag_max_seconds = opt.lag_ms / 1000};
    bt_auto_arena struct bt_arena arena;
    struct bt_check_report report = {0};
    struct bt_check_ask *ask;
    enum bt_check_level worst;
    int rc;

    bt_arena_init(&arena, ARENA_MAX);
    if (bt_check_ask(config, parts, warnings, &ask, err) != 0)
        return -1;
    rc = bt_check_find(bt_check_asked(ask), &check, &arena, &report, err);
    if (rc == 0)
        rc = show(bt_check_asked(ask), &report, err);
    worst = rc == 0 ? bt_check_worst(&report, BT_CHECK_PART_COUNT) : BT_CHECK_ERROR;
    bt_check_done(&report);
    bt_check_ask_free(ask);
    return rc != 0 ? -1 : worst == BT_CHECK_ERROR ? EXIT_NO
                                                  : 0;
}

static int run(int argc, char **argv, struct bt_err *err)
{
    bt_auto_arena struct bt_arena arena;
    bt_auto_config_notes struct bt_config_notes notes;
    struct bt_config_opts from = {
        .path = opt.conf, .global_path = opt.global_conf, .workdir = opt.workdir};
    struct bt_config config;
    unsigned parts;

    bt_arena_init(&arena, BT_CONFIG_ARENA_MAX);
    bt_config_notes_init(&notes);
    if (argc > 0)
        return bt_fail(err, BT_ERR_USAGE, "check takes no argument, but there is \"%s\"", argv[0]);
    if (!opt.conf)
        return bt_fail(err, BT_ERR_USAGE, "--conf=FILE must be given");
    if (parts_read(&parts, err) != 0)
        return -1;
    if (bt_config_load(&from, &arena, &notes, &config, err) != 0) {
        fprintf(stderr, "%s%s", bt_buf_str(&notes.warnings.text), bt_buf_str(&notes.mistakes.text));
        return -1;
    }
    bt_cluster_log_begin(&config, true);
    return check(&config, parts, bt_buf_str(&notes.warnings.text), err);
}

const struct bt_command bt_cmd_check = {
    .name = "check",
    .group = "Cluster",
    .summary = "is the cluster ready to lose its primary?",
    .usage = "--conf=FILE [OPTIONS]",
    .about =
        "Asks every server and every host at once and changes nothing: who replicates from\n"
        "whom, lag, filters, privileges (with the GRANT that is missing), settings that lose\n"
        "or delay, the way to each host and its logs, room on disks, clocks, the writer\n"
        "address (on the primary, nowhere else, and answering), the site's scripts, and what\n"
        "a failover would do now.  Each thing has its own deadline; everything that is wrong\n"
        "is reported at once.\n"
        "\n"
        "An error would make a failover fail or lose data, a warning makes it slower or\n"
        "poorer, a note is worth knowing.\n"
        "\n"
        "Exit code: 0 no error; 1 errors were found; 3 the configuration has mistakes.",
    .examples = "  $ baton check --conf=/etc/mha/app1.cnf\n"
                "  $ baton check --conf=/etc/mha/app1.cnf --only=ssh,repl --json\n",
    .opts = opts,
    .run = run,
};
