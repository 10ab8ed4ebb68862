/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/live.h"

#include <stdio.h>

#include "failover/each.h"
#include "failover/node_open.h"

enum { ARENA_MAX = 16 << 20, LOOK_MS = 60000, GTID_TEXT_MAX = 1 << 20 };

const struct bt_upstream *bt_live_upstream(const struct bt_live_server *s)
{
    return s->link < s->db->facts.upstream_count ? &s->db->facts.upstreams[s->link] : NULL;
}

const char *bt_live_error(const struct bt_live_server *s)
{
    return s->sql_error[0] ? s->sql_error : s->logs_error;
}

/* ------------------------------------------------------------------ servers */

/* What the server has executed by GTID, whichever flavour it is of. */
static void ask_gtids(struct bt_live_server *s)
{
    struct bt_server_facts *facts = &s->db->facts;
    struct bt_err ignored = {0};
    char *text;

    s->gtid_executed = facts->gtid_slave_pos;
    if (facts->flavor != BT_FLAVOR_MYSQL || !s->db->sql)
        return;
    text = bt_arena_alloc(&s->arena, GTID_TEXT_MAX);
    /* Before 5.6 there is no such variable: then nothing is known by GTID. */
    if (text && bt_connection_value(s->db->sql, "SELECT @@GLOBAL.gtid_executed",
                                    bt_deadline_in(LOOK_MS), GTID_TEXT_MAX, text, &ignored) == 0)
        s->gtid_executed = text;
}

/* The connection named, or the one to the primary, or the only one. */
static size_t link_find(const struct bt_live *live, size_t i)
{
    const struct bt_server_facts *facts = &live->facts[i];

    for (size_t k = 0; live->connection && k < facts->upstream_count; k++) {
        if (strcmp(facts->upstreams[k].connection, live->connection) == 0)
            return k;
    }
    if (live->connection || facts->upstream_count == 0)
        return SIZE_MAX;
    return live->has_topology && live->topology.link[i] != SIZE_MAX ? live->topology.link[i] : 0;
}

static void roles_find(struct bt_live *live)
{
    struct bt_err why = {0};

    for (size_t i = 0; i < live->count; i++)
        live->facts[i] = live->databases[i].facts;
    live->topology.primary = SIZE_MAX;
    live->has_topology =
        bt_topology_find(live->config, live->facts, &live->topology, &why) == 0;
    if (!live->has_topology)
        snprintf(live->topology_error, sizeof(live->topology_error), "%.500s", why.text);
    for (size_t i = 0; i < live->count; i++) {
        struct bt_live_server *s = &live->servers[i];

        s->role = live->has_topology ? live->topology.role[i] : BT_ROLE_UNKNOWN;
        s->link = link_find(live, i);
        if (!bt_facts_is_alive(&live->facts[i]))
            snprintf(s->sql_error, sizeof(s->sql_error), "%.500s", live->facts[i].error);
    }
}

/* --------------------------------------------------------------------- logs */

/* "/var/lib/mysql/bin" -> its folder, and "bin"; "bin.000004" -> "bin". */
static const char *folder_of(struct bt_live_server *s, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? bt_arena_str(&s->arena, bt_slice(path, (size_t)(slash - path))) : NULL;

    return folder ? folder : "";
}

static const char *base_of(struct bt_live_server *s, const char *log)
{
    uint64_t number;
    size_t len;
    char *base = NULL;

    if (bt_log_name_split(log, &len, &number))
        base = bt_arena_str(&s->arena, bt_slice(log, len));
    return base ? base : "";
}

static int relay_look(struct bt_live_server *s, const struct bt_upstream *u, struct bt_err *err)
{
    const struct bt_server_facts *facts = &s->db->facts;
    struct bt_survey_request request = {
        .logs = {.places = facts->relay_index[0] ? facts->relay_index
                                                 : folder_of(s, facts->relay_base),
                 .base = base_of(s, u->relay_log),
                 .kind = BT_LOG_KIND_RELAY},
        .hints = {.executed = u->executed,
                  .gtid_executed = s->gtid_executed[0] ? s->gtid_executed : NULL,
                  .relay_log = u->relay_log[0] ? u->relay_log : NULL,
                  .relay_pos = u->relay_pos},
    };
    struct bt_deadline until = bt_deadline_in(LOOK_MS);
    int rc = bt_remote_logs_open(s->node, &s->node_mutex, &request.logs, s->conf->hostname, until,
                                 &s->relay, err);

    if (rc != 0)
        return rc > 0 ? bt_fail(err, BT_ERR_REALITY, "there are no relay logs in %s",
                                request.logs.places)
                      : -1;
    s->info = (struct bt_relay_info){.executed = u->executed, .relay_pos = u->relay_pos};
    snprintf(s->info.relay_log, sizeof(s->info.relay_log), "%s", u->relay_log);
    bt_remote_logs_set_info(s->relay, &s->info);
    if (bt_node_survey(s->node, &request, until, &s->arena, &s->survey, err) != 0)
        return -1;
    s->surveyed = true;
    return 0;
}

/* Its own binary logs; of a dead server where the configuration says they may be, named as its
 * replicas know them. */
static int binlog_look(const struct bt_live *live, struct bt_live_server *s, struct bt_err *err)
{
    const struct bt_server_facts *facts = &s->db->facts;
    const char *slash = strrchr(facts->binlog_base, '/');
    struct bt_survey_request request = {.logs = {.base = "", .kind = BT_LOG_KIND_BINLOG}};
    struct bt_deadline until = bt_deadline_in(LOOK_MS);
    int rc;

    if (slash) {
        request.logs.places = folder_of(s, facts->binlog_base);
        request.logs.base = slash + 1;
    } else {
        request.logs.places = bt_setting_text(s->conf->settings, BT_CONF_MASTER_BINLOG_DIR);
    }
    for (size_t i = 0; i < live->count && s->role == BT_ROLE_PRIMARY && !request.logs.base[0];
         i++) {
        const struct bt_upstream *u = bt_topology_link(&live->topology, live->facts, i);

        if (u)
            request.logs.base = base_of(s, u->read.file);
    }
    rc = bt_remote_logs_open(s->node, &s->node_mutex, &request.logs, s->conf->hostname, until,
                             &s->binlog, err);
    if (rc != 0 || s->surveyed)
        return rc < 0 ? -1 : 0;
    if (bt_node_survey(s->node, &request, until, &s->arena, &s->survey, err) != 0)
        return -1;
    s->surveyed = true;
    return 0;
}

static void logs_look(size_t i, void *ctx)
{
    struct bt_live *live = ctx;
    struct bt_live_server *s = &live->servers[i];
    const struct bt_upstream *u = bt_live_upstream(s);
    bool has_binlog = bt_facts_is_alive(&s->db->facts) ? s->db->facts.log_bin
                                                       : s->role == BT_ROLE_PRIMARY;
    enum bt_channel_failure why;
    struct bt_err err = {0};

    s->gtid_executed = "";
    if (bt_facts_is_alive(&s->db->facts))
        ask_gtids(s);
    if (bt_node_open(s->conf, &s->node, &why, &err) != 0 ||
        (u && relay_look(s, u, &err) != 0) ||
        (has_binlog && binlog_look(live, s, &err) != 0))
        snprintf(s->logs_error, sizeof(s->logs_error), "%.500s", err.text);
}

/* --------------------------------------------------------------- open, close */

int bt_live_open(const struct bt_config *config, const char *connection, struct bt_live **ret,
                 struct bt_err *err)
{
    struct bt_live *live = calloc(1, sizeof(*live));

    if (!live)
        return bt_fail(err, BT_ERR_SYSTEM, "no memory for %zu servers", config->server_count);
    live->config = config;
    live->connection = connection;
    live->databases = bt_databases_new(config);
    live->servers = calloc(config->server_count ? config->server_count : 1, sizeof(*live->servers));
    if (!live->databases || !live->servers) {
        bt_live_close(live);
        return bt_fail(err, BT_ERR_SYSTEM, "no memory for %zu servers", config->server_count);
    }
    live->count = config->server_count;
    for (size_t i = 0; i < live->count; i++) {
        struct bt_live_server *s = &live->servers[i];

        s->index = i;
        s->conf = &config->servers[i];
        s->db = &live->databases[i];
        bt_arena_init(&s->arena, ARENA_MAX);
        pthread_mutex_init(&s->node_mutex, NULL);
    }
    bt_databases_ask(live->databases, live->count, SIZE_MAX, 0);
    roles_find(live);
    bt_each(live->count, logs_look, live);
    *ret = live;
    return 0;
}

void bt_live_close(struct bt_live *live)
{
    if (!live)
        return;
    for (size_t i = 0; i < live->count; i++) {
        struct bt_live_server *s = &live->servers[i];

        if (s->surveyed)
            bt_survey_done(&s->survey.survey);
        bt_remote_logs_close(s->relay);
        bt_remote_logs_close(s->binlog);
        bt_channel_close(s->node);
        bt_arena_done(&s->arena);
        pthread_mutex_destroy(&s->node_mutex);
    }
    free(live->servers);
    bt_databases_free(live->databases, live->config->server_count);
    free(live);
}
