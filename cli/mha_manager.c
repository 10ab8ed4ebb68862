/* SPDX-License-Identifier: Apache-2.0 */
/* MHA's tools that watch and replace: masterha_manager, _master_monitor, _master_switch,
 * _check_status, _stop. */
#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/mha.h"
#include "failover/config.h"
#include "failover/phrases.h"

#define APP_CONF_DIR "/usr/local/masterha/conf" /* where MHA looks for --app */
#define SERVICE_DIR "/service"                  /* and for --all: daemontools */

enum { EXIT_FAILED = 1, EXIT_PARTIAL = 10, EXIT_DEAD = 20 };

static const char rescued[] = "Baton always saves what can be read";
static const char waits[] = "Baton ends with the error at once";
static const char bounded[] = "Baton waits for replicas with a deadline (drain_timeout)";
static const char binlog_servers[] = "what cannot be read is said in the report";
static const char recovered_only[] =
    "Baton completes replicas and makes them follow in one step; use --dry-run to only look";

/* ------------------------------------------------------------ masterha_manager */

#define FAILOVER_OPTS \
    {"last_failover_minute", true, BT_MHA_TAKEN, "no failover so soon after the last (480)"}, \
        {"ignore_last_failover", false, BT_MHA_TAKEN, "fail over although it was done lately"}, \
        {"wait_on_failover_error", true, BT_MHA_NOTED, waits}, \
        {"remove_dead_master_conf|remove_orig_master_conf", false, BT_MHA_TAKEN, \
         "take the old primary out of the configuration when all went well"}, \
        {"skip_save_master_binlog", false, BT_MHA_NOTED, rescued}, \
        {"skip_change_master", false, BT_MHA_REFUSED, recovered_only}, \
        {"skip_disable_read_only", false, BT_MHA_TAKEN, "leave the new primary read-only"}, \
        {"wait_until_gtid_in_sync", true, BT_MHA_NOTED, bounded}, \
        {"ignore_binlog_server_error", false, BT_MHA_NOTED, binlog_servers}, \
        {"new_master_host", true, BT_MHA_TAKEN, "who is to become the primary"}, \
    { \
        "new_master_port", true, BT_MHA_TAKEN, "its port (3306)" \
    }

/* clang-format off */
static const struct bt_mha_opt manager_opts[] = {
    BT_MHA_CONF_OPTS,
    {"log_output|manager_log", true, BT_MHA_TAKEN, "instead of manager_log"},
    {"wait_on_monitor_error", true, BT_MHA_NOTED, waits},
    {"ignore_fail_on_start", false, BT_MHA_NOTED, "a dead replica never keeps Baton from watching"},
    {"skip_ssh_check|skip_check_ssh", false, BT_MHA_NOTED, "hosts are reached while it watches; see baton check"},
    {"check_only", false, BT_MHA_REFUSED, "that is masterha_check_repl"},
    {"check_repl_health", false, BT_MHA_REFUSED, "that is masterha_check_repl"},
    {"monitor_only", false, BT_MHA_TAKEN, "end with 20 when the primary is dead, do nothing"},
    {"interactive", true, BT_MHA_NOTED, "the manager never asks"},
    {"seconds_behind_master", true, BT_MHA_NOTED, "that is masterha_check_repl's"},
    FAILOVER_OPTS,
    {NULL, false, BT_MHA_TAKEN, NULL},
};
/* clang-format on */

/* What a failover by the manager and by master_switch are both told. */
static void failover_words(struct bt_mha_words *w, const struct bt_mha_values *values)
{
    const char *winner = bt_mha_host_port(w, values, "new_master_host", "new_master_port");

    if (winner)
        bt_mha_word(w, "--new-primary=%s", winner);
    if (bt_mha_value(values, "ignore_last_failover"))
        bt_mha_word(w, "--ignore-last-failover");
    if (bt_mha_value(values, "last_failover_minute"))
        bt_mha_word(w, "--last-failover-minutes=%s", bt_mha_value(values, "last_failover_minute"));
    if (bt_mha_value(values, "skip_disable_read_only"))
        bt_mha_word(w, "--skip-disable-read-only");
    if (bt_mha_value(values, "remove_dead_master_conf"))
        bt_mha_word(w, "--remove-dead-primary-conf");
}

static int manager_run(const struct bt_mha_values *values, struct bt_err *err)
{
    bt_auto_mha_words struct bt_mha_words w;
    bool monitor_only = bt_mha_value(values, "monitor_only") != NULL;
    int code;

    bt_mha_words_init(&w, "manager");
    if (bt_mha_words_conf(&w, values, err) != 0)
        return -1;
    bt_mha_word(&w, "--once");
    if (bt_mha_value(values, "log_output"))
        bt_mha_word(&w, "--log-output=%s", bt_mha_value(values, "log_output"));
    if (monitor_only)
        bt_mha_word(&w, "--monitor-only");
    failover_words(&w, values);
    code = bt_command_run(&bt_cmd_manager, w.count, w.argv);
    if (code == 0 || code == EXIT_PARTIAL || (monitor_only && code == EXIT_DEAD))
        return code;
    return EXIT_FAILED;
}

const struct bt_mha_tool bt_mha_manager = {
    .name = "masterha_manager",
    .summary = "watch a primary, replace it once when it dies, and end",
    .opts = manager_opts,
    .run = manager_run,
};

/* ----------------------------------------------------- masterha_master_monitor */

static int monitor_run(const struct bt_mha_values *values, struct bt_err *err)
{
    bt_auto_mha_words struct bt_mha_words w;
    int code;

    bt_mha_words_init(&w, "manager");
    if (bt_mha_words_conf(&w, values, err) != 0)
        return -1;
    bt_mha_word(&w, "--once");
    bt_mha_word(&w, "--monitor-only");
    if (bt_mha_value(values, "log_output"))
        bt_mha_word(&w, "--log-output=%s", bt_mha_value(values, "log_output"));
    code = bt_command_run(&bt_cmd_manager, w.count, w.argv);
    return code == EXIT_DEAD ? code : EXIT_FAILED;
}

const struct bt_mha_tool bt_mha_master_monitor = {
    .name = "masterha_master_monitor",
    .summary = "watch a primary and end with 20 when it is dead",
    .opts = manager_opts,
    .run = monitor_run,
};

/* ------------------------------------------------------ masterha_master_switch */

/* clang-format off */
static const struct bt_mha_opt switch_opts[] = {
    BT_MHA_CONF_OPTS,
    {"master_state", true, BT_MHA_TAKEN, "dead: a failover; alive: a switchover"},
    {"interactive", true, BT_MHA_TAKEN, "0: ask nothing"},
    {"log_output|manager_log", true, BT_MHA_TAKEN, "instead of the screen"},
    {"dead_master_host", true, BT_MHA_TAKEN, "dead: who is to be replaced"},
    {"dead_master_ip", true, BT_MHA_TAKEN, "dead: its address"},
    {"dead_master_port", true, BT_MHA_TAKEN, "dead: its port (3306)"},
    {"ssh_reachable", true, BT_MHA_NOTED, "Baton looks itself"},
    FAILOVER_OPTS,
    {"orig_master_is_new_slave", false, BT_MHA_TAKEN, "alive: the old primary follows the new one"},
    {"running_updates_limit", true, BT_MHA_TAKEN, "alive: seconds a write may have been running (1)"},
    {"running_seconds_limit", true, BT_MHA_TAKEN, "alive: seconds a statement may run on the new primary (10)"},
    {"seconds_behind_master", true, BT_MHA_TAKEN, "alive: seconds a replica may be behind (30)"},
    {"skip_lock_all_tables", false, BT_MHA_TAKEN, "alive: do not lock tables"},
    {"flush_tables", true, BT_MHA_TAKEN, "alive: flush tables first"},
    {"check_only", false, BT_MHA_TAKEN, "alive: check everything, change nothing"},
    {NULL, false, BT_MHA_TAKEN, NULL},
};
/* clang-format on */

/* MHA wants host, address and port to be those of the configuration, and says what it assumes. What
 * is wrong with the configuration itself is the command's to say. */
static int dead_check(const struct bt_mha_values *values, const char *name, struct bt_err *err)
{
    const char *ip = bt_mha_value(values, "dead_master_ip");
    struct bt_config_opts from = {.path = bt_mha_value(values, "conf"),
                                  .global_path = bt_mha_value(values, "global_conf")};
    bt_auto_config_notes struct bt_config_notes notes;
    bt_auto_arena struct bt_arena arena;
    struct bt_config config;
    struct bt_err ignored = {0};
    size_t i;

    bt_arena_init(&arena, BT_CONFIG_ARENA_MAX);
    bt_config_notes_init(&notes);
    if (bt_config_load(&from, &arena, &notes, &config, &ignored) == 0 &&
        bt_config_find(&config, name, &i, &ignored) == 0) {
        if (!ip)
            printf("--dead_master_ip=<dead_master_ip> is not set. Using %s.\n",
                   config.servers[i].ip);
        else if (strcmp(ip, config.servers[i].ip) != 0)
            return bt_fail(err, BT_ERR_USAGE, BT_SAY_NOT_IDENTIFIED, config.servers[i].name, ip);
    }
    if (!bt_mha_value(values, "dead_master_port"))
        printf("--dead_master_port=<dead_master_port> is not set. Using 3306.\n");
    fflush(stdout);
    return 0;
}

static int switch_dead(const struct bt_mha_values *values, struct bt_mha_words *w,
                       struct bt_err *err)
{
    const char *host = bt_mha_value(values, "dead_master_host");
    bool asks = bt_mha_number(values, "interactive", 1) != 0;
    const char *log = bt_mha_value(values, "log_output"), *name;

    if (!host)
        return bt_fail(err, BT_ERR_USAGE,
                       "--dead_master_host=<dead_master_hostname> must be set.");
    name = bt_mha_host_port(w, values, "dead_master_host", "dead_master_port");
    if (dead_check(values, name, err) != 0)
        return -1;
    bt_mha_word(w, "--dead-primary=%s", name);
    if (asks) /* to the screen, whatever manager_log says */
        bt_mha_word(w, "--log-output=");
    else
        bt_mha_word(w, "--yes");
    if (!asks && log)
        bt_mha_word(w, "--log-output=%s", log);
    failover_words(w, values);
    return bt_mha_call(&bt_cmd_failover, w);
}

static void number_word(struct bt_mha_words *w, const struct bt_mha_values *values,
                        const char *mha, const char *ours)
{
    if (bt_mha_value(values, mha))
        bt_mha_word(w, "--%s=%s", ours, bt_mha_value(values, mha));
}

/* What speaks of a dead primary is not let pass: MHA takes it for an unknown option. */
static int dead_only_check(const struct bt_mha_values *values, struct bt_err *err)
{
    static const char *const names[] = {
        "dead_master_host",
        "dead_master_ip",
        "dead_master_port",
        "ssh_reachable",
        "last_failover_minute",
        "ignore_last_failover",
        "wait_on_failover_error",
        "skip_save_master_binlog",
        "wait_until_gtid_in_sync",
        "ignore_binlog_server_error",
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (bt_mha_value(values, names[i]))
            return bt_fail(err, BT_ERR_USAGE, "--%s is an option of --master_state=dead", names[i]);
    return 0;
}

static int switch_alive(const struct bt_mha_values *values, struct bt_mha_words *w,
                        struct bt_err *err)
{
    const char *to = bt_mha_host_port(w, values, "new_master_host", "new_master_port");

    if (dead_only_check(values, err) != 0)
        return -1;
    if (to)
        bt_mha_word(w, "--to=%s", to);
    if (bt_mha_value(values, "remove_dead_master_conf"))
        bt_mha_word(w, "--remove-old-primary-conf");
    if (bt_mha_value(values, "orig_master_is_new_slave"))
        bt_mha_word(w, "--old-primary-becomes-replica");
    number_word(w, values, "running_updates_limit", "running-updates-limit");
    number_word(w, values, "running_seconds_limit", "running-seconds-limit");
    number_word(w, values, "seconds_behind_master", "seconds-behind");
    if (bt_mha_value(values, "skip_lock_all_tables"))
        bt_mha_word(w, "--skip-lock-all-tables");
    if (bt_mha_value(values, "skip_disable_read_only"))
        bt_mha_word(w, "--skip-disable-read-only");
    if (bt_mha_number(values, "flush_tables", 0))
        bt_mha_word(w, "--flush-tables");
    if (bt_mha_value(values, "check_only"))
        bt_mha_word(w, "--dry-run");
    if (bt_mha_number(values, "interactive", 1) == 0)
        bt_mha_word(w, "--yes");
    bt_mha_word(w, "--log-output="); /* always the screen */
    return bt_mha_call(&bt_cmd_switchover, w);
}

static int switch_run(const struct bt_mha_values *values, struct bt_err *err)
{
    bt_auto_mha_words struct bt_mha_words w;
    const char *state = bt_mha_value(values, "master_state");
    bool is_dead = state && strcmp(state, "dead") == 0;

    bt_mha_words_init(&w, is_dead ? "failover" : "switchover");
    if (!is_dead && !(state && strcmp(state, "alive") == 0))
        return bt_fail(err, BT_ERR_USAGE, "--master_state=<dead|alive> must be set.");
    if (bt_mha_words_conf(&w, values, err) != 0)
        return -1;
    if (is_dead) {
        bt_mha_ignored_say("masterha_master_switch", values);
        return switch_dead(values, &w, err);
    }
    if (values->ignored.len) {
        printf("Unknown options: %.*s\n", (int)values->ignored.len,
               (const char *)values->ignored.data);
        return EXIT_FAILED;
    }
    return switch_alive(values, &w, err);
}

const struct bt_mha_tool bt_mha_master_switch = {
    .name = "masterha_master_switch",
    .summary = "replace a dead primary (--master_state=dead) or a living one (alive)",
    .opts = switch_opts,
    .run = switch_run,
    .judges_ignored = true,
};

/* ------------------------------------------- masterha_check_status, masterha_stop */

/* clang-format off */
static const struct bt_mha_opt status_opts[] = {
    BT_MHA_CONF_OPTS,
    {"app", true, BT_MHA_TAKEN, "NAME: " APP_CONF_DIR "/NAME.cnf"},
    {"all", false, BT_MHA_TAKEN, "every " SERVICE_DIR "/masterha_NAME"},
    {"status_dir", true, BT_MHA_TAKEN, "instead of manager_workdir"},
    {"basedir", true, BT_MHA_NOTED, "folders come from the configuration"},
    {"baselog", true, BT_MHA_NOTED, "the log's path comes from the configuration"},
    {"log_output|manager_log", true, BT_MHA_NOTED, "the log's path comes from the configuration"},
    {"ping_limit", true, BT_MHA_TAKEN, "seconds after which a silent manager hangs (10)"},
    {"abort", false, BT_MHA_TAKEN, "stop: kill it when it does not end"},
    {"abort_timeout", true, BT_MHA_TAKEN, "stop: seconds it may take to end (5)"},
    {NULL, false, BT_MHA_TAKEN, NULL},
};
/* clang-format on */

/* --conf, or the file of --app (or of one of --all). */
static int selection(struct bt_mha_words *w, const struct bt_mha_values *values, const char *app,
                     struct bt_err *err)
{
    const char *dir = bt_mha_value(values, "status_dir");

    if (app)
        bt_mha_word(w, "--conf=" APP_CONF_DIR "/%s.cnf", app);
    else if (bt_mha_words_conf(w, values, err) != 0)
        return -1;
    if (dir && !bt_mha_value(values, "workdir"))
        bt_mha_word(w, "--workdir=%s", dir);
    return 0;
}

static int status_one(const struct bt_mha_values *values, const char *app, struct bt_err *err)
{
    bt_auto_mha_words struct bt_mha_words w;
    int code;

    bt_mha_words_init(&w, "status");
    if (selection(&w, values, app, err) != 0)
        return -1;
    bt_mha_word(&w, "--line");
    if (bt_mha_value(values, "ping_limit"))
        bt_mha_word(&w, "--ping-limit=%s", bt_mha_value(values, "ping_limit"));
    code = bt_command_run(&bt_cmd_status, w.count, w.argv);
    /* MHA's codes are this command's; those of its errors (3 to 6, 70) are MHA's 1. */
    return (code >= 3 && code <= 7) || code == 70 ? EXIT_FAILED : code;
}

static int stop_one(const struct bt_mha_values *values, const char *app, struct bt_err *err)
{
    bt_auto_mha_words struct bt_mha_words w;

    bt_mha_words_init(&w, "stop");
    if (selection(&w, values, app, err) != 0)
        return -1;
    if (bt_mha_value(values, "abort"))
        bt_mha_word(&w, "--abort");
    if (bt_mha_value(values, "abort_timeout"))
        bt_mha_word(&w, "--abort-timeout=%s", bt_mha_value(values, "abort_timeout"));
    return bt_mha_call(&bt_cmd_stop, &w);
}

typedef int one_fn(const struct bt_mha_values *values, const char *app, struct bt_err *err);

static int each_service(const struct bt_mha_values *values, one_fn *one, struct bt_err *err)
{
    static const char prefix[] = "masterha_";
    DIR *dir = opendir(SERVICE_DIR);
    struct dirent *entry;
    int worst = 0;

    if (!dir)
        return bt_fail_sys(err, "could not open \"" SERVICE_DIR "\"");
    while ((entry = readdir(dir)))
        if (strncmp(entry->d_name, prefix, sizeof(prefix) - 1) == 0) {
            struct bt_err why = {0};
            int code = one(values, entry->d_name + sizeof(prefix) - 1, &why);

            if (code < 0)
                fprintf(stderr, "%s\n", why.text);
            worst = code == 0 ? worst : EXIT_FAILED;
        }
    closedir(dir);
    return worst;
}

static int selected(const struct bt_mha_values *values, one_fn *one, struct bt_err *err)
{
    if (bt_mha_value(values, "all"))
        return each_service(values, one, err);
    return one(values, bt_mha_value(values, "app"), err);
}

static int status_run(const struct bt_mha_values *values, struct bt_err *err)
{
    return selected(values, status_one, err);
}

static int stop_run(const struct bt_mha_values *values, struct bt_err *err)
{
    return selected(values, stop_one, err);
}

const struct bt_mha_tool bt_mha_check_status = {
    .name = "masterha_check_status",
    .summary = "whether the manager runs; the exit code is MHA's status code",
    .opts = status_opts,
    .run = status_run,
};

const struct bt_mha_tool bt_mha_stop = {
    .name = "masterha_stop",
    .summary = "end the manager",
    .opts = status_opts,
    .run = stop_run,
};

/* ------------------------------------------------------------ masterha_conf_host */

/* clang-format off */
static const struct bt_mha_opt conf_host_opts[] = {
    {"conf", true, BT_MHA_TAKEN, "the cluster's configuration file"},
    {"command", true, BT_MHA_TAKEN, "add, delete or remove"},
    {"block", true, BT_MHA_TAKEN, "name of the block (server_HOSTNAME)"},
    {"hostname", true, BT_MHA_TAKEN, "name of the host"},
    {"params", true, BT_MHA_TAKEN, "what else stands in the block: \"k=v;k=v\""},
    {NULL, false, BT_MHA_TAKEN, NULL},
};
/* clang-format on */

static int conf_host_run(const struct bt_mha_values *values, struct bt_err *err)
{
    bt_auto_mha_words struct bt_mha_words w;
    const char *command = bt_mha_value(values, "command");
    const char *block = bt_mha_value(values, "block"), *host = bt_mha_value(values, "hostname");
    bool is_add = command && strcmp(command, "add") == 0;
    int code;

    bt_mha_words_init(&w, "conf");
    if (!bt_mha_value(values, "conf"))
        return bt_fail(err, BT_ERR_USAGE, "--conf=<server config file> must be set.");
    if (!is_add && !(command && (strcmp(command, "delete") == 0 || strcmp(command, "remove") == 0)))
        return bt_fail(err, BT_ERR_USAGE, "--command=<add|delete> must be set.");
    if (is_add && !host)
        return bt_fail(err, BT_ERR_USAGE, "--hostname=<hostname> must be set.");
    bt_mha_word(&w, "host");
    bt_mha_word(&w, is_add ? "add" : "delete");
    if (host)
        bt_mha_word(&w, "%s", host);
    bt_mha_word(&w, "--conf=%s", bt_mha_value(values, "conf"));
    if (block)
        bt_mha_word(&w, "--block=%s", block);
    if (is_add && bt_mha_value(values, "params"))
        bt_mha_word(&w, "--params=%s", bt_mha_value(values, "params"));
    code = bt_command_run(&bt_cmd_conf, w.count, w.argv);
    return code == 0 || (code == 1 && !is_add) ? 0 : EXIT_FAILED; /* a missing block is only said */
}

const struct bt_mha_tool bt_mha_conf_host = {
    .name = "masterha_conf_host",
    .summary = "add a server to the configuration, or delete one",
    .opts = conf_host_opts,
    .run = conf_host_run,
};
