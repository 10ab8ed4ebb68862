/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/check_ask.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "failover/check_ask_priv.h"
#include "failover/each.h"
#include "failover/hooks.h"
#include "failover/node_open.h"

enum { HOST_ARENA_MAX = 16 << 20, VIP_LOGIN_MS = 2000 };

/* What needs the servers, and what the hosts. */
enum {
    NEEDS_NODE = 1 << BT_CHECK_SSH | 1 << BT_CHECK_LOGS | 1 << BT_CHECK_DISK | 1 << BT_CHECK_VIP |
                 1 << BT_CHECK_FAILOVER,
    NEEDS_SQL = BT_CHECK_ALL & ~(1 << BT_CHECK_SSH | 1 << BT_CHECK_MANAGER),
};

/* ------------------------------------------------------------------ new, free */

static const struct bt_check_sql sql_unknown = {.error = "",
                                                .account = "",
                                                .grants = "",
                                                .sync_binlog = -1,
                                                .flush_log = -1,
                                                .relay_log_recovery = -1,
                                                .net_timeout_seconds = -1,
                                                .heartbeat_ms = -1,
                                                .semisync_primary = -1,
                                                .semisync_replica = -1,
                                                .semisync_is_on = -1,
                                                .semisync_clients = -1,
                                                .gtid_state = "",
                                                .uuid = "",
                                                .repl_user = "",
                                                .repl_error = ""};

static void host_init(struct bt_check_ask *a, size_t i)
{
    struct bt_check_node *n = &a->nodes[i];

    bt_arena_init(&a->arenas[i], HOST_ARENA_MAX);
    a->sql[i] = sql_unknown;
    *n = (struct bt_check_node){.error = "",
                                .state_error = "",
                                .vip_error = "",
                                .binlog = {.error = "", .directory = ""},
                                .relay = {.error = "", .directory = ""}};
    for (size_t k = 0; k < BT_VIPS_MAX; k++) {
        n->vip[k] = n->vip_heard[k] = -1;
        n->vip_holder[k] = "";
    }
    a->holdings[i] = (struct bt_holding){.logs_error = "", .gtid = "", .cut = ""};
    a->servers[i] = (struct bt_server_facts){.error = ""};
}

static bool memory_take(struct bt_check_ask *a)
{
    size_t n = a->count ? a->count : 1;

    a->databases = bt_databases_new(a->config);
    a->channels = calloc(n, sizeof(struct bt_channel *));
    a->arenas = calloc(n, sizeof(*a->arenas));
    a->servers = calloc(n, sizeof(*a->servers));
    a->sql = calloc(n, sizeof(*a->sql));
    a->nodes = calloc(n, sizeof(*a->nodes));
    a->holdings = calloc(n, sizeof(*a->holdings));
    return a->databases && a->channels && a->arenas && a->servers && a->sql && a->nodes &&
           a->holdings;
}

void bt_check_ask_free(struct bt_check_ask *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < a->count; i++) {
        if (a->channels)
            bt_channel_close(a->channels[i]);
        if (a->arenas)
            bt_arena_done(&a->arenas[i]);
    }
    bt_databases_free(a->databases, a->count);
    bt_arena_done(&a->arena);
    free(a->channels);
    free(a->arenas);
    free(a->servers);
    free(a->sql);
    free(a->nodes);
    free(a->holdings);
    free(a);
}

/* -------------------------------------------------------------- first round */

/* Even numbers ask the server, odd ones the host: both of a host at once. */
static void first_round(size_t k, void *ctx)
{
    struct bt_check_ask *a = ctx;
    size_t i = k / 2;

    if (k % 2 == 0 && a->facts.parts & NEEDS_SQL)
        bt_check_ask_server(a, i);
    else if (k % 2 && a->facts.parts & NEEDS_NODE)
        bt_check_ask_host(a, i);
}

static void topology_find(struct bt_check_ask *a)
{
    struct bt_err err = {0};

    a->facts.topology_error = "";
    if (!(a->facts.parts & NEEDS_SQL))
        return;
    for (size_t i = 0; i < a->count; i++)
        a->servers[i] = a->databases[i].facts;
    a->facts.has_topology =
        bt_topology_find(a->config, a->servers, &a->facts.topology, &err) == 0;
    if (!a->facts.has_topology)
        a->facts.topology_error = bt_check_ask_keep(&a->arena, err.text);
}

/* ------------------------------------------------------------- second round */

static void vip_login(struct bt_check_ask *a, size_t k)
{
    struct bt_deadline until = bt_deadline_in(VIP_LOGIN_MS);
    const struct bt_conf_server *primary = &a->config->servers[a->facts.topology.primary];
    struct bt_connection_opts login = bt_database_login(primary);
    bt_auto_connection struct bt_connection *sql = NULL;
    struct bt_check_vip *v = &a->facts.vips[k];
    char address[BT_VIP_TEXT_SIZE], answer[32];
    struct bt_err err = {0};

    v->asked = true;
    v->error = "";
    login.host = bt_vip_address_text(&a->config->vips[k], address);
    if (bt_connection_open(&login, until, &sql, &err) != 0 ||
        bt_connection_value(sql, "SELECT @@GLOBAL.server_id", until, sizeof(answer), answer,
                            &err) < 0) {
        snprintf(a->vip_errors[k], sizeof(a->vip_errors[k]), "%.500s", err.text);
        v->error = a->vip_errors[k];
        return;
    }
    v->server_id = (uint32_t)strtoul(answer, NULL, 10);
}

/* Whether the first word of a command line is a program.  0 also where one cannot tell. */
static int program_find(const char *line, struct bt_err *err)
{
    bt_auto_arena struct bt_arena arena;
    const char **words;
    const char *path = getenv("PATH");
    size_t count;

    bt_arena_init(&arena, 1 << 20);
    if (bt_ssh_words(line, &arena, &words, &count, err) != 0)
        return -1;
    if (count == 0 || strpbrk(words[0], "=;&|()$`<>"))
        return 0;
    if (strchr(words[0], '/'))
        return access(words[0], X_OK) == 0
                   ? 0
                   : bt_fail_sys(err, "\"%s\" cannot be executed", words[0]);
    for (path = path ? path : "/usr/bin:/bin"; *path; path += strspn(path, ":")) {
        char *file = bt_arena_strf(&arena, "%.*s/%s", (int)strcspn(path, ":"), path, words[0]);

        if (file && access(file, X_OK) == 0)
            return 0;
        path += strcspn(path, ":");
    }
    return bt_fail(err, BT_ERR_REALITY, "\"%s\" is in no folder of PATH", words[0]);
}

static void hook(struct bt_check_ask *a, size_t k)
{
    struct bt_check_hook *h = &a->facts.hooks[k];
    bool has_status =
        h->which == BT_CONF_MASTER_IP_FAILOVER_SCRIPT || h->which == BT_CONF_SHUTDOWN_SCRIPT;
    enum bt_hook_result result;
    struct bt_err err = {0};
    int rc;

    h->is_set = bt_setting_is_set(a->config->settings, h->which);
    h->error = "";
    if (!h->is_set)
        return;
    h->was_called = has_status && a->facts.has_topology;
    rc = h->was_called
             ? bt_hook_status(a->config, h->which, a->facts.topology.primary, &result, &err)
             : program_find(bt_setting_text(a->config->settings, h->which), &err);
    if (rc != 0) {
        snprintf(a->hook_errors[k], sizeof(a->hook_errors[k]), "%.500s", err.text);
        h->error = a->hook_errors[k];
    }
}

/* Hosts, then scripts, then addresses. */
static void second_round(size_t k, void *ctx)
{
    struct bt_check_ask *a = ctx;

    if (k < a->count) {
        bt_check_ask_details(a, k);
    } else if (k < a->count + BT_CHECK_HOOK_COUNT) {
        if (a->facts.parts & 1U << BT_CHECK_HOOKS)
            hook(a, k - a->count);
    } else if (a->facts.has_topology) {
        vip_login(a, k - a->count - BT_CHECK_HOOK_COUNT);
    }
}

static size_t second_round_size(const struct bt_check_ask *a)
{
    bool hooks = a->facts.parts & 1U << BT_CHECK_HOOKS;
    bool vips = a->facts.parts & 1U << BT_CHECK_VIP;

    return a->count + (hooks || vips ? BT_CHECK_HOOK_COUNT : 0) + (vips ? a->config->vip_count : 0);
}

/* ------------------------------------------------------------------ manager */

/* Why manager_log could not be written to: its folder or itself. */
static const char *log_look(struct bt_check_ask *a)
{
    const char *path = bt_setting_text(a->config->settings, BT_CONF_MANAGER_LOG);
    const char *slash = strrchr(path, '/');
    const char *folder =
        slash ? bt_check_ask_keepf(&a->arena, "%.*s/", (int)(slash - path), path) : ".";

    if (path[0] == '\0' || access(path, W_OK) == 0 ||
        (errno == ENOENT && access(folder, W_OK) == 0))
        return "";
    return bt_check_ask_keepf(&a->arena, "manager_log \"%s\" cannot be written to: %s", path,
                              strerror(errno));
}

static void manager_look(struct bt_check_ask *a)
{
    struct bt_check_manager *m = &a->facts.manager;
    const char *dir = a->config->workdir;
    struct statvfs room;
    struct stat st;

    m->complete_path =
        bt_check_ask_keepf(&a->arena, "%s/%s.failover.complete", dir, a->config->app);
    m->error_path = bt_check_ask_keepf(&a->arena, "%s/%s.failover.error", dir, a->config->app);
    if ((mkdir(dir, 0750) != 0 && errno != EEXIST) || access(dir, W_OK) != 0)
        m->workdir_error = bt_check_ask_keepf(
            &a->arena, "the work folder \"%s\" cannot be written to: %s", dir, strerror(errno));
    else if (statvfs(dir, &room) == 0) {
        m->room_free = (uint64_t)room.f_bavail * room.f_frsize;
        m->room_total = (uint64_t)room.f_blocks * room.f_frsize;
    }
    m->log_error = log_look(a);
    m->complete_age_seconds =
        stat(m->complete_path, &st) == 0 ? (int64_t)(time(NULL) - st.st_mtime) : -1;
    m->has_error_flag = stat(m->error_path, &st) == 0;
}

/* -------------------------------------------------------------------- all */

static const enum bt_conf hook_keys[BT_CHECK_HOOK_COUNT] = {
    BT_CONF_MASTER_IP_FAILOVER_SCRIPT, BT_CONF_SHUTDOWN_SCRIPT, BT_CONF_REPORT_SCRIPT,
    BT_CONF_MASTER_IP_ONLINE_CHANGE_SCRIPT, BT_CONF_SECONDARY_CHECK_SCRIPT};

int bt_check_ask(const struct bt_config *config, unsigned parts, const char *warnings,
                 struct bt_check_ask **ret, struct bt_err *err)
{
    struct bt_check_ask *a = calloc(1, sizeof(*a));

    if (!a)
        return bt_fail_sys(err, "check");
    a->config = config;
    a->count = config->server_count;
    bt_arena_init(&a->arena, HOST_ARENA_MAX);
    if (!memory_take(a)) {
        bt_check_ask_free(a);
        return bt_fail(err, BT_ERR_SYSTEM, "no memory for %zu servers", config->server_count);
    }
    for (size_t i = 0; i < a->count; i++)
        host_init(a, i);
    for (size_t k = 0; k < BT_CHECK_HOOK_COUNT; k++)
        a->facts.hooks[k] = (struct bt_check_hook){.which = hook_keys[k], .error = ""};
    a->facts.config = config;
    a->facts.parts = parts;
    a->facts.servers = a->servers;
    a->facts.sql = a->sql;
    a->facts.nodes = a->nodes;
    a->facts.holdings = a->holdings;
    a->facts.dead = (struct bt_dead_host){.node_error = "", .logs_error = ""};
    a->facts.manager = (struct bt_check_manager){.workdir_error = "",
                                                 .log_error = "",
                                                 .complete_age_seconds = -1,
                                                 .complete_path = "",
                                                 .error_path = "",
                                                 .warnings = warnings};
    if (parts & (1U << BT_CHECK_MANAGER | 1U << BT_CHECK_DISK))
        manager_look(a);
    bt_each(a->count * 2, first_round, a);
    topology_find(a);
    bt_each(second_round_size(a), second_round, a);
    bt_check_ask_probe(a);
    bt_check_ask_plan(a);
    *ret = a;
    return 0;
}

const struct bt_check_facts *bt_check_asked(const struct bt_check_ask *ask)
{
    return &ask->facts;
}
