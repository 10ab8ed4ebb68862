/* SPDX-License-Identifier: Apache-2.0 */
/* masterha_check_repl and masterha_check_ssh: a check, said in MHA's log lines. */
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cluster_config.h"
#include "cli/mha.h"
#include "failover/check_ask.h"
#include "failover/phrases.h"

enum { EXIT_FAILED = 1, LAG_MAX_SECONDS = 30, ARENA_MAX = 32 << 20 };

/* MHA looks at neither disks nor clocks; they are only warned of. */
enum {
    SSH_PARTS = 1 << BT_CHECK_SSH | 1 << BT_CHECK_LOGS | 1 << BT_CHECK_DISK,
    REPL_PARTS = BT_CHECK_ALL & ~(1 << BT_CHECK_MANAGER),
};

/* clang-format off */
static const struct bt_mha_opt repl_opts[] = {
    BT_MHA_CONF_OPTS,
    {"seconds_behind_master", true, BT_MHA_TAKEN, "a replica further behind is an error (30)"},
    {"skip_ssh_check|skip_check_ssh", false, BT_MHA_TAKEN, "do not try ssh to the hosts"},
    {"ignore_fail_on_start", false, BT_MHA_TAKEN, "servers with ignore_fail may be dead"},
    {"interactive", true, BT_MHA_NOTED, "a check never asks"},
    {"check_only", false, BT_MHA_NOTED, "that is what it does"},
    {"check_repl_health", false, BT_MHA_NOTED, "that is what it does"},
    {NULL, false, BT_MHA_TAKEN, NULL},
};

static const struct bt_mha_opt ssh_opts[] = {
    BT_MHA_CONF_OPTS,
    {NULL, false, BT_MHA_TAKEN, NULL},
};
/* clang-format on */

/* What a run of either tool works on. */
struct look {
    struct bt_arena arena;
    struct bt_config_notes notes;
    struct bt_config config;
    struct bt_check_ask *ask;
    struct bt_check_report report;
};

static void look_done(struct look *l)
{
    bt_check_done(&l->report);
    bt_check_ask_free(l->ask);
    bt_config_notes_done(&l->notes);
    bt_arena_done(&l->arena);
}

static void log_lines(enum bt_log_level level, const char *text)
{
    while (*text) {
        size_t len = strcspn(text, "\n");

        bt_log(level, "%.*s", (int)len, text);
        text += len + (text[len] == '\n');
    }
}

static int look(struct look *l, const struct bt_mha_values *values, unsigned parts, uint64_t lag,
                struct bt_err *err)
{
    const char *global = bt_mha_value(values, "global_conf");
    struct bt_config_opts from = {.path = bt_mha_value(values, "conf"),
                                  .global_path = global ? global : "/etc/masterha_default.cnf",
                                  .workdir = bt_mha_value(values, "workdir"),
                                  .log_path = ""}; /* always the screen */
    struct bt_check_opts opts = {.lag_max_seconds = lag};
    int rc;

    bt_arena_init(&l->arena, BT_CONFIG_ARENA_MAX + ARENA_MAX);
    bt_config_notes_init(&l->notes);
    if (!from.path)
        return bt_fail(err, BT_ERR_USAGE, "--conf=<server config file> must be set.");
    bt_log_setup((struct bt_log_opts){.level = BT_LOG_INFO, .format = BT_LOG_MHA});
    rc = bt_config_load(&from, &l->arena, &l->notes, &l->config, err);
    log_lines(BT_LOG_WARNING, bt_buf_str(&l->notes.warnings.text));
    log_lines(BT_LOG_ERROR, bt_buf_str(&l->notes.mistakes.text));
    if (rc != 0)
        return -1;
    bt_cluster_log_begin(&l->config, false);
    if (bt_check_ask(&l->config, parts, "", &l->ask, err) != 0)
        return -1;
    return bt_check_find(bt_check_asked(l->ask), &opts, &l->arena, &l->report, err);
}

/* ------------------------------------------------------------------ the lines */

static void finding_log(const struct look *l, const struct bt_check_finding *f)
{
    static const enum bt_log_level levels[] = {BT_LOG_INFO, BT_LOG_INFO, BT_LOG_WARNING,
                                               BT_LOG_ERROR};

    bt_log(levels[f->level], "%s%s%s.%s%s",
           f->server == SIZE_MAX ? "" : l->config.servers[f->server].name,
           f->server == SIZE_MAX ? "" : " ", f->text, f->fix[0] ? " -> " : "", f->fix);
}

static void findings_log(const struct look *l, enum bt_check_part part)
{
    for (size_t i = 0; i < l->report.count; i++)
        if (l->report.findings[i].part == part)
            finding_log(l, &l->report.findings[i]);
}

static void servers_log(const struct look *l)
{
    const struct bt_check_facts *facts = bt_check_asked(l->ask);

    bt_info(BT_SAY_DEAD_SERVERS);
    for (size_t i = 0; i < l->config.server_count; i++)
        if (!bt_facts_is_alive(&facts->servers[i]))
            bt_info("  %s", l->config.servers[i].name);
    bt_info(BT_SAY_ALIVE_SERVERS);
    for (size_t i = 0; i < l->config.server_count; i++)
        if (bt_facts_is_alive(&facts->servers[i]))
            bt_info("  %s", l->config.servers[i].name);
    bt_info(BT_SAY_ALIVE_SLAVES);
    for (size_t i = 0; i < l->config.server_count && facts->has_topology; i++) {
        const struct bt_upstream *u = bt_topology_link(&facts->topology, facts->servers, i);

        if (!u)
            continue;
        bt_info("  %s  Version=%s log-bin:%s", l->config.servers[i].name,
                facts->servers[i].version, facts->servers[i].log_bin ? "enabled" : "disabled");
        bt_info("    Replicating from %s", l->config.servers[facts->topology.primary].name);
        if (l->config.servers[i].candidate_master)
            bt_info("    Primary candidate for the new Master (candidate_master is set)");
        if (l->config.servers[i].no_master)
            bt_info("    Not candidate for the new Master (no_master is set)");
    }
    if (facts->has_topology && bt_facts_is_alive(&facts->servers[facts->topology.primary]))
        bt_info("Current Alive Master: %s", l->config.servers[facts->topology.primary].name);
}

/* What MHA says of replicas whose settings it would have otherwise, though it goes on. */
static void replicas_log(const struct look *l)
{
    const struct bt_check_facts *facts = bt_check_asked(l->ask);

    bt_info("Checking slave configurations..");
    for (size_t i = 0; i < l->config.server_count && facts->has_topology; i++) {
        if (facts->topology.role[i] != BT_ROLE_REPLICA)
            continue;
        if (!facts->servers[i].read_only)
            bt_info(" read_only=1 is not set on slave %s.", l->config.servers[i].name);
        if (facts->servers[i].relay_log_purge)
            bt_warning(" relay_log_purge=0 is not set on slave %s.", l->config.servers[i].name);
    }
}

static void health_log(const struct look *l)
{
    const struct bt_check_facts *facts = bt_check_asked(l->ask);

    for (size_t i = 0; i < l->config.server_count && facts->has_topology; i++) {
        bool is_bad = false;

        if (facts->topology.role[i] != BT_ROLE_REPLICA)
            continue;
        bt_info("Checking replication health on %s..", l->config.servers[i].hostname);
        for (size_t k = 0; k < l->report.count; k++)
            is_bad = is_bad || (l->report.findings[k].part == BT_CHECK_REPL &&
                                l->report.findings[k].server == i &&
                                l->report.findings[k].level == BT_CHECK_ERROR);
        if (is_bad)
            bt_error(" failed!");
        else
            bt_info(" ok.");
    }
}

static void hooks_log(const struct look *l)
{
    const struct bt_check_facts *facts = bt_check_asked(l->ask);

    for (size_t k = 0; k < BT_CHECK_HOOK_COUNT; k++) {
        const struct bt_check_hook *h = &facts->hooks[k];
        const char *name = bt_conf_key(h->which)->name;

        if (!h->was_called && !h->is_set &&
            (h->which == BT_CONF_MASTER_IP_FAILOVER_SCRIPT || h->which == BT_CONF_SHUTDOWN_SCRIPT))
            bt_warning("%s is not defined.", name);
        if (!h->was_called)
            continue;
        bt_info("Checking %s status:", name);
        if (h->error[0])
            bt_error(" %s", h->error);
        else
            bt_info(" OK.");
    }
}

static void tree_log(const struct look *l)
{
    const struct bt_check_facts *facts = bt_check_asked(l->ask);
    bt_auto_buf struct bt_buf tree;

    bt_buf_init(&tree, 1 << 20);
    if (!facts->has_topology)
        return;
    bt_topology_draw(&facts->topology, &l->config, &tree);
    log_lines(BT_LOG_INFO, bt_buf_str(&tree));
}

/* --------------------------------------------------------- masterha_check_repl */

/* A dead server is fatal to MHA at its start, unless ignore_fail and the option both say not. */
static bool has_forbidden_dead(const struct look *l, const struct bt_mha_values *values)
{
    const struct bt_check_facts *facts = bt_check_asked(l->ask);
    bool found = false;

    for (size_t i = 0; i < l->config.server_count; i++) {
        if (facts->servers[i].life != BT_LIFE_DEAD ||
            (l->config.servers[i].ignore_fail && bt_mha_value(values, "ignore_fail_on_start")))
            continue;
        bt_error(" Server %s is dead, but must be alive! Check server settings.",
                 l->config.servers[i].name);
        found = true;
    }
    return found;
}

static bool repl_is_well(struct look *l, const struct bt_mha_values *values, struct bt_err *err)
{
    uint64_t lag = bt_mha_number(values, "seconds_behind_master", LAG_MAX_SECONDS);
    bool no_ssh = bt_mha_value(values, "skip_ssh_check") != NULL;
    bool is_bad;

    if (look(l, values, no_ssh ? REPL_PARTS & ~SSH_PARTS : REPL_PARTS, lag, err) != 0) {
        bt_error("%s", err->text);
        return false;
    }
    servers_log(l);
    replicas_log(l);
    for (int part = 0; part < BT_CHECK_PART_COUNT; part++)
        if (part != BT_CHECK_HOOKS)
            findings_log(l, (enum bt_check_part)part);
    tree_log(l);
    health_log(l);
    hooks_log(l);
    is_bad = has_forbidden_dead(l, values);
    return !is_bad && bt_check_worst(&l->report, BT_CHECK_PART_COUNT) != BT_CHECK_ERROR;
}

static int repl_run(const struct bt_mha_values *values, struct bt_err *err)
{
    struct look l = {0};
    bool is_well;

    if (!bt_mha_value(values, "conf"))
        return bt_fail(err, BT_ERR_USAGE, "--conf=<server config file> must be set.");
    is_well = repl_is_well(&l, values, err);
    if (!is_well) {
        bt_error(BT_SAY_CHECK_ERROR);
        bt_error(BT_SAY_MONITOR_ERROR);
        bt_info(BT_SAY_EXIT_NOT_DEAD);
    } else {
        bt_info("Got exit code 0 (Not master dead).");
    }
    printf("\nMySQL Replication Health is %s\n", is_well ? "OK." : "NOT OK!");
    look_done(&l);
    return is_well ? 0 : EXIT_FAILED;
}

const struct bt_mha_tool bt_mha_check_repl = {
    .name = "masterha_check_repl",
    .summary = "whether replication is well enough for a failover",
    .opts = repl_opts,
    .run = repl_run,
};

/* ---------------------------------------------------------- masterha_check_ssh */

static int ssh_run(const struct bt_mha_values *values, struct bt_err *err)
{
    struct look l = {0};
    bool is_well = look(&l, values, 1U << BT_CHECK_SSH, LAG_MAX_SECONDS, err) == 0;

    if (!is_well) {
        look_done(&l);
        return -1;
    }
    bt_info("Starting SSH connection tests..");
    for (size_t i = 0; i < l.config.server_count; i++) {
        const struct bt_check_node *n = &bt_check_asked(l.ask)->nodes[i];
        const struct bt_conf_server *s = &l.config.servers[i];

        if (!n->asked)
            continue;
        bt_info(" Connecting via SSH from the manager to %s@%s(%s:%u)..", s->ssh_user, s->ssh_host,
                s->ssh_ip, s->ssh_port);
        if (n->error[0])
            bt_error("  %s", n->error);
        else
            bt_info("  ok.");
        is_well = is_well && n->error[0] == '\0';
    }
    if (is_well)
        bt_info("All SSH connection tests passed successfully.");
    else
        bt_error("SSH Configuration Check Failed!");
    look_done(&l);
    return is_well ? 0 : EXIT_FAILED;
}

const struct bt_mha_tool bt_mha_check_ssh = {
    .name = "masterha_check_ssh",
    .summary = "whether the manager reaches every host (hosts need not reach each other)",
    .opts = ssh_opts,
    .run = ssh_run,
};
