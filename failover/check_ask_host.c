/* SPDX-License-Identifier: Apache-2.0 */
/* What a check asks a host through its node: logs, addresses, the server's process. */
#include <stdio.h>

#include "failover/check_ask_priv.h"
#include "failover/node_client.h"
#include "failover/node_open.h"
#include "diff/log_set.h"

enum { REQUEST_MS = 3000, VIP_PROBE_MS = 300, LOG_HEAD_BYTES = 4 };

/* --------------------------------------------------------------------- logs */

static int head_take(void *ctx, struct bt_slice bytes, struct bt_err *err)
{
    (void)ctx;
    (void)bytes;
    (void)err;
    return 0;
}

/* Lists them and reads the beginning of the newest: names that cannot be read do not help. */
static void look_at_logs(struct bt_check_ask *a, size_t i, const struct bt_logs_id *id,
                         struct bt_check_logs *ret)
{
    struct bt_deadline until = bt_deadline_in(REQUEST_MS);
    struct bt_list_request request = {.logs = *id};
    struct bt_list_reply list;
    struct bt_read_request read = {.from = 0, .length = LOG_HEAD_BYTES};
    struct bt_read_reply reply;
    struct bt_err err = {0};

    ret->asked = true;
    if (bt_node_list(a->channels[i], &request, until, &a->arenas[i], &list, &err) != 0) {
        ret->error = bt_check_ask_keep(&a->arenas[i], err.text);
        return;
    }
    ret->directory = list.directory;
    ret->count = list.count;
    ret->room_free = list.room_free;
    ret->room_total = list.room_total;
    if (list.count == 0 || list.logs[list.count - 1].missing) {
        ret->error = bt_check_ask_keepf(&a->arenas[i], "the newest log is not in \"%s\"",
                                        list.directory);
        return;
    }
    read.path = list.logs[list.count - 1].path;
    if (bt_node_read(a->channels[i], &read, (struct bt_sink){.write = head_take}, until, &reply,
                     &err) != 0)
        ret->error = bt_check_ask_keep(&a->arenas[i], err.text);
}

/* "bin" of "/var/lib/mysql/bin" */
static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* As a failover looks for a dead primary's: in the folders of the configuration. */
static void binlog(struct bt_check_ask *a, size_t i)
{
    const struct bt_conf_server *conf = &a->config->servers[i];
    struct bt_logs_id id = {.places = bt_setting_text(conf->settings, BT_CONF_MASTER_BINLOG_DIR),
                            .base = base_name(a->servers[i].binlog_base),
                            .kind = BT_LOG_KIND_BINLOG};

    if (bt_facts_is_alive(&a->servers[i]) && !a->servers[i].log_bin)
        return; /* there are none */
    look_at_logs(a, i, &id, &a->nodes[i].binlog);
}

static void relay(struct bt_check_ask *a, size_t i)
{
    const struct bt_server_facts *s = &a->servers[i];
    const char *slash = strrchr(s->relay_base, '/');
    struct bt_logs_id id = {.base = "", .kind = BT_LOG_KIND_RELAY};

    if (!bt_check_ask_is_replica(a, i))
        return;
    id.places = s->relay_index[0] ? s->relay_index
                : slash           ? bt_check_ask_keepf(&a->arenas[i], "%.*s",
                                                       (int)(slash - s->relay_base), s->relay_base)
                                  : s->datadir;
    look_at_logs(a, i, &id, &a->nodes[i].relay);
}

/* ---------------------------------------------------------------------- VIP */

static int vip_request(struct bt_check_ask *a, size_t i, size_t k, enum bt_vip_action action,
                       struct bt_vip_reply *ret, struct bt_err *err)
{
    char text[BT_VIP_TEXT_SIZE];
    struct bt_vip_request request = {
        .action = (uint8_t)action,
        .vip = bt_vip_text(&a->config->vips[k], text),
        .interface = bt_setting_text(a->config->servers[i].settings, BT_CONF_VIP_INTERFACE),
        .label = "",
        .probe_ms = VIP_PROBE_MS,
    };

    *ret = (struct bt_vip_reply){0};
    return bt_node_vip(a->channels[i], &request, bt_deadline_in(REQUEST_MS), &a->arenas[i], ret,
                       err);
}

static void vip_status(struct bt_check_ask *a, size_t i)
{
    for (size_t k = 0; k < a->config->vip_count; k++) {
        struct bt_vip_reply reply;
        struct bt_err err = {0};

        if (vip_request(a, i, k, BT_VIP_STATUS, &reply, &err) == 0)
            a->nodes[i].vip[k] = reply.place_count > 0;
        else
            a->nodes[i].vip_error = bt_check_ask_keep(&a->arenas[i], err.text);
    }
}

/* Whether another host answers for the addresses.  Who only probes for one too is no answer. */
static void vip_probe(struct bt_check_ask *a, size_t i)
{
    for (size_t k = 0; k < a->config->vip_count; k++) {
        struct bt_vip_reply reply;
        struct bt_err err = {0};

        if (a->nodes[i].vip[k] < 0 || !a->nodes[i].may_network)
            continue;
        if (vip_request(a, i, k, BT_VIP_PROBE, &reply, &err) != 0) {
            a->nodes[i].vip_error = bt_check_ask_keep(&a->arenas[i], err.text);
            continue;
        }
        if (reply.found && reply.wants)
            continue;
        a->nodes[i].vip_heard[k] = reply.found;
        a->nodes[i].vip_holder[k] = reply.holder ? reply.holder : "";
    }
}

/* Asked from those who may get it (does anybody answer?), and then where it should stand (does
 * another host answer too?): one at a time, because a probe is an answer to another probe.  Each
 * fails where vip_interface could not carry the address. */
void bt_check_ask_probe(struct bt_check_ask *a)
{
    size_t p = a->facts.topology.primary;

    if (!(a->facts.parts & 1U << BT_CHECK_VIP) || !a->facts.has_topology)
        return;
    for (size_t i = 0; i < a->count; i++)
        if (i != p && a->channels[i] && a->nodes[i].may_network &&
            !a->config->servers[i].no_master) /* which may stand in another network */
            vip_probe(a, i);
    if (a->channels[p])
        vip_probe(a, p);
}

/* ------------------------------------------------------------------ process */

/* By what its server says of itself, as a failover looks for it. */
static void process(struct bt_check_ask *a, size_t i)
{
    const struct bt_conf_server *conf = &a->config->servers[i];
    struct bt_check_node *n = &a->nodes[i];
    struct bt_state_request request = {
        .server = bt_server_id_of(conf, a->servers[i].pid_file, a->servers[i].datadir)};
    struct bt_state_reply reply = {0};
    struct bt_err err = {0};

    n->state_asked = true;
    if (bt_node_state(a->channels[i], &request, bt_deadline_in(REQUEST_MS), &a->arenas[i], &reply,
                      &err) != 0)
        n->state_error = bt_check_ask_keep(&a->arenas[i], err.text);
    n->is_running = reply.running;
}

/* -------------------------------------------------------------------- rounds */

void bt_check_ask_host(struct bt_check_ask *a, size_t i)
{
    const struct bt_conf_server *conf = &a->config->servers[i];
    struct bt_check_node *n = &a->nodes[i];
    int64_t began = bt_clock_ms();
    struct bt_err err = {0};

    n->is_local = conf->is_local;
    if (!conf->has_node) {
        n->error = "node_mode is none: its files are not looked at";
        return;
    }
    if (bt_setting_number(conf->settings, BT_CONF_SKIP_INIT_SSH_CHECK)) {
        n->error = "skip_init_ssh_check is set for it";
        return;
    }
    n->asked = true;
    if (bt_node_open(conf, &a->channels[i], &n->why, &err) != 0) {
        n->error = bt_check_ask_keep(&a->arenas[i], err.text);
        return;
    }
    n->open_ms = bt_clock_ms() - began;
    n->may_kill = bt_channel_hello(a->channels[i])->may_kill;
    n->may_network = bt_channel_hello(a->channels[i])->may_network;
    if (a->facts.parts & (1U << BT_CHECK_VIP))
        vip_status(a, i);
}

void bt_check_ask_details(struct bt_check_ask *a, size_t i)
{
    unsigned logs = 1U << BT_CHECK_LOGS | 1U << BT_CHECK_DISK | 1U << BT_CHECK_FAILOVER;

    if (a->facts.parts & 1U << BT_CHECK_PRIVILEGES)
        bt_check_ask_account(a, i);
    if (!a->channels[i])
        return;
    process(a, i);
    if (a->facts.parts & logs) {
        binlog(a, i);
        relay(a, i);
    }
}

/* --------------------------------------------------------------------- plan */

void bt_check_ask_plan(struct bt_check_ask *a)
{
    size_t p = a->facts.topology.primary;

    if (!a->facts.has_topology)
        return;
    for (size_t i = 0; i < a->count; i++) {
        const struct bt_upstream *u = bt_topology_link(&a->facts.topology, a->servers, i);
        const struct bt_check_node *n = &a->nodes[i];

        if (!u)
            continue;
        a->holdings[i] = (struct bt_holding){
            .known = true,
            .has_node = a->channels[i] != NULL || !n->asked,
            .from_logs = n->relay.asked && n->relay.error[0] == '\0',
            .logs_error = n->relay.asked ? n->relay.error : n->error,
            .received = u->read,
            .executed = u->executed,
            .gtid = u->mode == BT_REPLICA_POSITION ? "" : u->gtid_io_pos,
            .cut = "",
        };
    }
    a->facts.dead = (struct bt_dead_host){
        .node_reachable = a->channels[p] != NULL,
        .node_error = a->nodes[p].error,
        .logs_found = a->nodes[p].binlog.asked && a->nodes[p].binlog.error[0] == '\0',
        .logs_error = a->nodes[p].binlog.error,
        .end = a->servers[p].binlog,
    };
}
