/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/inspect_origin.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "apply/live_logs.h"
#include "base/log.h"
#include "cli/cluster_config.h"
#include "failover/node_open.h"
#include "failover/remote_logs.h"

enum { CONNECT_MS = 10000, LIST_MS = 30000, LINGER_MS = 2000 };

struct bt_origin {
    struct bt_inspect *in;
    struct bt_scan_feed feed;
    struct bt_connection_opts server;
    struct bt_live_logs *live;     /* NULL without */
    struct bt_connection *session; /* for the schema alone; NULL otherwise */
    struct bt_deadline ends;       /* of following, once interrupted */

    struct bt_channel *channel; /* NULL without a node */
    pthread_mutex_t mutex;
    struct bt_remote_logs *remote;
    const char *const *names;
    size_t name_count, at;
    char *path;
};

/* ------------------------------------------------------------------ following */

static volatile sig_atomic_t interrupted;

static void interrupt(int signal)
{
    (void)signal;
    interrupted = 1;
}

/* The first one ends in good order, a second one at once. */
static void catch_signals(void)
{
    struct sigaction act = {.sa_handler = interrupt, .sa_flags = (int)SA_RESETHAND};

    sigemptyset(&act.sa_mask);
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
}

/* While there is nothing to read, whoever looks on sees all that was.  ^C leaves time to show what
 * was at hand already, but a server that never falls silent cannot hold us up. */
static int on_tick(void *ctx, bool waits, struct bt_err *err)
{
    struct bt_origin *o = ctx;

    if (bt_out_flush(&o->in->out, &o->in->held_from, err) != 0)
        return -1;
    if (!interrupted)
        return 0;
    if (!o->ends.at_ms)
        o->ends = bt_deadline_in(LINGER_MS);
    return waits || bt_deadline_passed(o->ends) ? 1 : 0;
}

/* --------------------------------------------------------------------- server */

static int next_live(void *ctx, struct bt_source **ret, const char **ret_path, struct bt_err *err)
{
    struct bt_origin *o = ctx;

    if (*bt_live_logs_complaint(o->live)) {
        bt_warning("%s", bt_live_logs_complaint(o->live));
        o->in->damaged = true;
    }
    return bt_live_logs_next(o->live, ret, ret_path, err);
}

static int open_server(struct bt_origin *o, const struct bt_origin_args *args,
                       const char *const *names, size_t count, struct bt_err *err)
{
    const struct bt_place *from = &o->in->scan.filter.from;
    struct bt_live_logs_opts opts = {
        .server = &o->server,
        .names = names,
        .name_count = count,
        .from_log = from->kind == BT_PLACE_OFFSET && *from->file ? from->file : NULL,
        .after = args->after,
        .follow = args->follow,
        .server_id = (uint32_t)args->dump_server_id,
        .tick = args->follow ? on_tick : NULL,
        .ctx = o,
    };

    if (args->dump_server_id > UINT32_MAX)
        return bt_fail(err, BT_ERR_USAGE, "--dump-server-id takes a number up to %u", UINT32_MAX);
    if (args->after && count)
        return bt_fail(err, BT_ERR_USAGE, "with --after the server finds the logs: name none");
    if (args->follow)
        catch_signals();
    if (bt_live_logs_open(&opts, &o->live, err) != 0)
        return -1;
    o->feed = (struct bt_scan_feed){next_live, o};
    o->in->scan.feed = &o->feed;
    o->in->server = bt_live_logs_session(o->live);
    return 0;
}

/* ----------------------------------------------------------------------- node */

static bool is_wanted(const struct bt_origin *o, const char *name)
{
    bool any = false;

    for (size_t i = 0; i < o->name_count; i++) {
        any = any || o->names[i][0] != '/';
        if (strcmp(o->names[i], name) == 0)
            return true;
    }
    return !any;
}

static int next_remote(void *ctx, struct bt_source **ret, const char **ret_path, struct bt_err *err)
{
    struct bt_origin *o = ctx;
    const struct bt_log_set *set = bt_remote_logs_set(o->remote);
    int rc = 1;

    while (rc == 1 && o->at < set->count) {
        size_t i = o->at++;

        if (!is_wanted(o, set->logs[i].name))
            continue;
        rc = bt_log_set_open(set, i, ret, err);
        if (rc == 1)
            bt_warning("%s: \"%s\" is in the index and not there", set->opener->name,
                       set->logs[i].name);
    }
    if (rc != 0)
        return rc;
    free(o->path);
    o->path = strdup((*ret)->name);
    if (!o->path) {
        bt_source_release(ret);
        return bt_fail_sys(err, "could not read a log");
    }
    *ret_path = o->path;
    return 0;
}

static int check_remote_names(const struct bt_origin *o, struct bt_err *err)
{
    const struct bt_log_set *set = bt_remote_logs_set(o->remote);

    for (size_t i = 0; i < o->name_count; i++)
        if (o->names[i][0] != '/' && bt_log_set_index(set, o->names[i]) == SIZE_MAX)
            return bt_fail(err, BT_ERR_REALITY, "%s has no log \"%s\"", set->opener->name,
                           o->names[i]);
    return 0;
}

/* The configured server of that host name, or block name. */
static const struct bt_conf_server *find_server(const struct bt_config *config, const char *name)
{
    for (size_t i = 0; i < config->server_count; i++)
        if (strcmp(config->servers[i].hostname, name) == 0 ||
            strcmp(config->servers[i].block, name) == 0)
            return &config->servers[i];
    for (size_t i = 0; i < config->binlog_server_count; i++)
        if (strcmp(config->binlog_servers[i].hostname, name) == 0 ||
            strcmp(config->binlog_servers[i].block, name) == 0)
            return &config->binlog_servers[i];
    return NULL;
}

static int open_logs_of(struct bt_origin *o, const struct bt_conf_server *server, bool relay_logs,
                        struct bt_err *err)
{
    struct bt_logs_id id = {
        .places = bt_setting_text(server->settings, BT_CONF_MASTER_BINLOG_DIR),
        .base = "",
        .kind = relay_logs ? BT_LOG_KIND_RELAY : BT_LOG_KIND_BINLOG,
    };
    enum bt_channel_failure why;
    int rc;

    for (size_t i = 0; i < o->name_count; i++)
        if (o->names[i][0] == '/')
            id.places = o->names[i];
    if (bt_node_open(server, &o->channel, &why, err) != 0)
        return -1;
    rc = bt_remote_logs_open(o->channel, &o->mutex, &id, server->hostname, bt_deadline_in(LIST_MS),
                             &o->remote, err);
    if (rc > 0)
        return bt_fail(err, BT_ERR_REALITY, "%s has no %s logs in \"%s\"", server->hostname,
                       relay_logs ? "relay" : "binary", id.places);
    if (rc < 0 || check_remote_names(o, err) != 0)
        return -1;
    if (*bt_remote_logs_notes(o->remote))
        bt_warning("%s", bt_remote_logs_notes(o->remote));
    o->feed = (struct bt_scan_feed){next_remote, o};
    o->in->scan.feed = &o->feed;
    return 0;
}

static int open_node(struct bt_origin *o, const struct bt_origin_args *args, struct bt_err *err)
{
    struct bt_config_opts opts = {.path = args->conf, .global_path = args->global_conf};
    const struct bt_conf_server *server;
    struct bt_config config;
    struct bt_arena arena;
    int rc;

    bt_arena_init(&arena, BT_CONFIG_ARENA_MAX);
    rc = bt_cluster_config_load(&opts, &arena, &config, err);
    if (rc == 0) {
        server = find_server(&config, args->node);
        rc = server ? open_logs_of(o, server, args->relay_logs, err)
                    : bt_fail(err, BT_ERR_USAGE, "\"%s\" names no server \"%s\"", args->conf,
                              args->node);
    }
    bt_arena_done(&arena);
    return rc;
}

/* ----------------------------------------------------------------------- open */

static uint64_t remote_bytes(const struct bt_origin *o)
{
    const struct bt_log_set *set = bt_remote_logs_set(o->remote);
    uint64_t sum = 0;

    for (size_t i = 0; i < set->count; i++)
        if (is_wanted(o, set->logs[i].name))
            sum += set->logs[i].size;
    return sum;
}

static int open_origin(struct bt_origin *o, const struct bt_origin_args *args,
                       const char *const *names, size_t count, struct bt_err *err)
{
    if (args->node)
        return open_node(o, args, err);
    if (bt_connect_opts(&args->server, &o->server, err) != 0)
        return -1;
    if (!args->schema_only)
        return open_server(o, args, names, count, err);
    if (bt_connection_open(&o->server, bt_deadline_in(CONNECT_MS), &o->session, err) != 0)
        return -1;
    o->in->server = o->session;
    return 0;
}

/* Which origin is meant, and that no option belongs to another one. */
static int check_args(const struct bt_origin_args *args, bool has_server, struct bt_err *err)
{
    if (args->node && has_server)
        return bt_fail(err, BT_ERR_USAGE, "--node and a server exclude each other");
    if (args->relay_logs && !args->node)
        return bt_fail(err, BT_ERR_USAGE, "--relay-logs belongs to --node: a server sends its"
                                          " binary logs only");
    if ((args->follow || args->after || args->dump_server_id || args->schema_only) && !has_server)
        return bt_fail(err, BT_ERR_USAGE, "%s needs a server: give --host, --socket or"
                                          " --defaults-file",
                       args->follow           ? "--follow"
                       : args->after          ? "--after"
                       : args->dump_server_id ? "--dump-server-id"
                                              : "--schema-from-server");
    return 0;
}

int bt_origin_open(const struct bt_origin_args *args, const char *const *names, size_t count,
                   struct bt_inspect *in, struct bt_origin **ret, uint64_t *ret_bytes,
                   struct bt_err *err)
{
    bool has_server = bt_connect_is_given(&args->server);
    struct bt_origin *o;

    *ret = NULL;
    *ret_bytes = 0;
    if (check_args(args, has_server, err) != 0)
        return -1;
    if (!has_server && !args->node)
        return 0;
    o = calloc(1, sizeof(*o));
    if (!o)
        return bt_fail_sys(err, "could not begin to read logs");
    pthread_mutex_init(&o->mutex, NULL);
    o->in = in;
    o->names = names;
    o->name_count = count;
    if (open_origin(o, args, names, count, err) != 0) {
        bt_origin_close(o);
        return -1;
    }
    if (o->live && !args->follow && !args->after)
        *ret_bytes = bt_live_logs_bytes(o->live);
    if (o->remote)
        *ret_bytes = remote_bytes(o);
    *ret = o;
    return 0;
}

void bt_origin_close(struct bt_origin *o)
{
    if (!o)
        return;
    bt_live_logs_close(o->live);
    bt_connection_close(o->session);
    bt_remote_logs_close(o->remote);
    bt_channel_close(o->channel);
    pthread_mutex_destroy(&o->mutex);
    free(o->path);
    free(o);
}
