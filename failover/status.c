/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/status.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/io.h"
#include "failover/each.h"
#include "failover/node_client.h"
#include "failover/node_open.h"
#include "failover/picture.h"
#include "failover/server.h"
#include "failover/topology.h"

enum { ANSWER_MS = 3000 };

int bt_status_address(const struct bt_config *config, int *ret_folder, struct sockaddr_un *ret,
                      struct bt_err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char name[512];
    int folder, len;

    snprintf(name, sizeof(name), "%s.manager.sock", config->app);
    folder = open(config->workdir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return bt_fail_sys(err, "could not open the work folder \"%s\"", config->workdir);
    /* A socket's path has 107 bytes: through the descriptor the folder's name takes few of them. */
    len = snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", folder, name);
    if (len < 0 || (size_t)len >= sizeof(address.sun_path)) {
        close(folder);
        return bt_fail(err, BT_ERR_LIMIT, "\"%s\" is too long for a socket's name", name);
    }
    *ret_folder = folder;
    *ret = address;
    return 0;
}

int bt_status_connect(const struct bt_config *config, int *ret_fd, struct bt_err *err)
{
    struct sockaddr_un address;
    bt_auto_fd int folder = -1;
    bt_auto_fd int fd = -1;

    if (access(config->workdir, F_OK) != 0)
        return 1;
    if (bt_status_address(config, &folder, &address, err) != 0)
        return -1;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return bt_fail_sys(err, "could not make a socket");
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        if (errno == ENOENT || errno == ECONNREFUSED)
            return 1;
        return bt_fail_sys(err, "could not ask the manager of %s", config->app);
    }
    *ret_fd = bt_steal_fd(&fd);
    return 0;
}

int bt_status_ask(const struct bt_config *config, bool as_json, struct bt_buf *out,
                  struct bt_err *err)
{
    struct bt_deadline until = bt_deadline_in(ANSWER_MS);
    const char *question = as_json ? "json\n" : "text\n";
    bt_auto_fd int fd = -1;
    int rc = bt_status_connect(config, &fd, err);

    if (rc != 0)
        return rc;
    if (bt_io_write(fd, question, strlen(question), until, err) != 0 ||
        bt_io_read_all(fd, out, until, err) != 0)
        return bt_err_wrap(err, "the manager of %s", config->app);
    return 0;
}

/* ------------------------------------------------------- without a manager */

struct looking {
    const struct bt_config *config;
    struct bt_database *databases;
    struct bt_sight *sights;
};

static int vips_look(const struct bt_config *config, struct bt_channel *node, struct bt_sight *s,
                     struct bt_err *err)
{
    bt_auto_arena struct bt_arena arena;
    char text[BT_VIP_TEXT_SIZE];

    bt_arena_init(&arena, 1 << 20);
    for (size_t k = 0; k < config->vip_count; k++) {
        struct bt_vip_request request = {.action = BT_VIP_STATUS,
                                         .vip = bt_vip_text(&config->vips[k], text),
                                         .interface = "",
                                         .label = ""};
        struct bt_vip_reply reply = {0};

        if (bt_node_vip(node, &request, bt_deadline_in(ANSWER_MS), &arena, &reply, err) != 0)
            return -1;
        s->has_vip[k] = reply.place_count > 0;
    }
    s->vips_known = true;
    return 0;
}

/* Even numbers ask the server, odd ones the host. */
static void look_one(size_t n, void *ctx)
{
    struct looking *l = ctx;
    const struct bt_conf_server *conf = &l->config->servers[n / 2];
    struct bt_sight *s = &l->sights[n / 2];
    bt_auto_channel struct bt_channel *node = NULL;
    enum bt_channel_failure why;
    struct bt_err err = {0};

    if (n % 2 == 0) {
        bt_database_ask(&l->databases[n / 2],
                        (int64_t)bt_setting_number(conf->settings, BT_CONF_CONNECT_TIMEOUT));
        return;
    }
    if (!conf->has_node || !l->config->vip_count)
        return;
    s->has_node = bt_node_open(conf, &node, &why, &err) == 0 &&
                  vips_look(l->config, node, s, &err) == 0;
    if (!s->has_node)
        snprintf(s->node_error, sizeof(s->node_error), "%.255s", err.text);
}

static void draw(const struct looking *l, const struct bt_health *health, bool as_json,
                 struct bt_server_facts *facts, struct bt_buf *out)
{
    struct bt_picture p = {
        .config = l->config, .health = health, .primary = SIZE_MAX, .sights = l->sights};
    struct bt_topology topology;
    struct bt_err err = {0};
    struct bt_json json;

    for (size_t i = 0; i < l->config->server_count; i++)
        facts[i] = l->databases[i].facts;
    if (bt_topology_find(l->config, facts, &topology, &err) == 0)
        p.primary = topology.primary;
    for (size_t i = 0; i < l->config->server_count; i++)
        bt_sight_fill(&l->sights[i], l->config, p.primary, &facts[i]);
    p.now_ms = bt_clock_ms();
    if (!as_json) {
        bt_picture_text(&p, out);
        return;
    }
    bt_json_init(&json, out);
    bt_picture_json(&p, &json);
    bt_buf_add_byte(out, '\n');
}

void bt_status_look(const struct bt_config *config, const struct bt_health *health, bool as_json,
                    struct bt_buf *out)
{
    struct looking l = {config, bt_databases_new(config),
                        calloc(BT_SERVERS_MAX, sizeof(struct bt_sight))};
    bt_auto_free struct bt_server_facts *facts = calloc(BT_SERVERS_MAX, sizeof(*facts));

    if (l.databases && l.sights && facts) {
        for (size_t i = 0; i < config->server_count; i++)
            bt_sight_init(&l.sights[i]);
        bt_each(config->server_count * 2, look_one, &l);
        draw(&l, health, as_json, facts, out);
    }
    bt_databases_free(l.databases, config->server_count);
    free(l.sights);
}
