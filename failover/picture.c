/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/picture.h"

#include <stdio.h>

enum { WIDTH = 100, HANG = 2 };

static bool is_replica_of(const struct bt_picture *p, size_t i, size_t upstream)
{
    return i != upstream && p->sights[i].has_upstream && p->sights[i].upstream == upstream;
}

static const char *role_of(const struct bt_picture *p, size_t i)
{
    const struct bt_sight *s = &p->sights[i];

    if (i == p->primary)
        return "primary";
    if (s->life != BT_LIFE_ALIVE)
        return s->life == BT_LIFE_UNKNOWN ? "unknown" : "dead";
    if (!s->has_upstream)
        return "alone";
    return s->upstream == p->primary ? "replica" : "replica of another";
}

static void vips_add(const struct bt_picture *p, size_t i, struct bt_buf *out)
{
    char text[BT_VIP_TEXT_SIZE];

    for (size_t k = 0; k < p->config->vip_count; k++)
        if (p->sights[i].vips_known && p->sights[i].has_vip[k])
            bt_buf_addf(out, ", holds %s", bt_vip_text(&p->config->vips[k], text));
}

/* A long line goes on below its own beginning, a little to the right. */
static void wrapped_add(struct bt_buf *out, unsigned indent, const char *text)
{
    size_t start = indent, column = indent;

    bt_buf_addf(out, "%*s", (int)indent, "");
    while (*text) {
        size_t len = strcspn(text, " \n");

        if (column > start && column + 1 + len > WIDTH) {
            start = indent + HANG;
            bt_buf_addf(out, "\n%*s", (int)start, "");
            column = start;
        } else if (column > start) {
            bt_buf_add_byte(out, ' ');
            column++;
        }
        bt_buf_add(out, text, len);
        column += len;
        text += len + strspn(text + len, " \n");
    }
    bt_buf_add_byte(out, '\n');
}

static void server_text(const struct bt_picture *p, size_t i, unsigned depth, struct bt_buf *out)
{
    const struct bt_sight *s = &p->sights[i];
    char trouble[512], line[700];

    bt_buf_addf(out, "  %*s%s%s  %s", (int)depth * 4, "", depth ? "+-- " : "",
                p->config->servers[i].name, role_of(p, i));
    if (s->life == BT_LIFE_ALIVE)
        bt_buf_addf(out, ", %s", s->read_only ? "read-only" : "writable");
    if (s->life == BT_LIFE_ALIVE && s->has_upstream && s->lag_seconds >= 0)
        bt_buf_addf(out, ", %lld s behind", (long long)s->lag_seconds);
    vips_add(p, i, out);
    if (s->semisync_is_on || s->semisync_fell_back)
        bt_buf_addf(out, ", semi-sync %s (%llu)", s->semisync_is_on ? "on" : "fallen back",
                    (unsigned long long)s->semisync_clients);
    bt_buf_add_byte(out, '\n');
    if (i != p->primary)
        bt_sight_trouble(s, p->config, p->primary, trouble, sizeof(trouble));
    else
        snprintf(trouble, sizeof(trouble), "%.255s", s->error);
    if (trouble[0]) {
        snprintf(line, sizeof(line), "! %s", trouble);
        wrapped_add(out, 2 + depth * 4 + 2, line);
    }
    if (p->config->servers[i].has_node && !s->has_node && s->node_error[0]) {
        snprintf(line, sizeof(line), "! its host: %s", s->node_error);
        wrapped_add(out, 2 + depth * 4 + 2, line);
    }
}

static void tree_text(const struct bt_picture *p, size_t root, unsigned depth, struct bt_buf *out)
{
    server_text(p, root, depth, out);
    for (size_t i = 0; depth < 8 && i < p->config->server_count; i++)
        if (i != p->primary && is_replica_of(p, i, root))
            tree_text(p, i, depth + 1, out);
}

/* Whether its line of upstreams ends at the primary: it stands in the tree then. */
static bool is_in_tree(const struct bt_picture *p, size_t i)
{
    for (unsigned depth = 0; depth < 8; depth++) {
        if (i == p->primary)
            return true;
        if (i == SIZE_MAX || !p->sights[i].has_upstream)
            return false;
        i = p->sights[i].upstream;
    }
    return false;
}

void bt_picture_text(const struct bt_picture *p, struct bt_buf *out)
{
    bt_health_line(p->config, p->health, out);
    if (p->reason && p->reason[0] && strcmp(p->verdict, "healthy") != 0) {
        char line[700];

        snprintf(line, sizeof(line), "%s: %s", p->verdict, p->reason);
        wrapped_add(out, 0, line);
    }
    bt_buf_add_byte(out, '\n');
    if (p->primary != SIZE_MAX)
        tree_text(p, p->primary, 0, out);
    for (size_t i = 0; i < p->config->server_count; i++)
        if (p->primary == SIZE_MAX || !is_in_tree(p, i))
            server_text(p, i, 0, out);
}

/* ----------------------------------------------------------------------- JSON */

static const char *thread_name(enum bt_thread_state state)
{
    return state == BT_THREAD_YES ? "yes" : state == BT_THREAD_CONNECTING ? "connecting"
                                                                          : "no";
}

static void replication_json(const struct bt_picture *p, const struct bt_sight *s,
                             struct bt_json *j)
{
    bt_json_key(j, "replicates_from");
    bt_json_str(j, s->upstream != SIZE_MAX ? p->config->servers[s->upstream].hostname : NULL);
    bt_json_key_str(j, "receiver", thread_name(s->io));
    bt_json_key_str(j, "applier", thread_name(s->sql));
    bt_json_key(j, "lag_seconds");
    if (s->lag_seconds >= 0)
        bt_json_i64(j, s->lag_seconds);
    else
        bt_json_null(j);
}

static void server_json(const struct bt_picture *p, size_t i, struct bt_json *j)
{
    const struct bt_sight *s = &p->sights[i];
    const struct bt_conf_server *c = &p->config->servers[i];
    char text[BT_VIP_TEXT_SIZE], trouble[512] = "";

    if (i != p->primary)
        bt_sight_trouble(s, p->config, p->primary, trouble, sizeof(trouble));
    bt_json_object(j);
    bt_json_key_str(j, "host", c->hostname);
    bt_json_key_u64(j, "port", c->port);
    bt_json_key_str(j, "role", role_of(p, i));
    bt_json_key_bool(j, "alive", s->life == BT_LIFE_ALIVE);
    bt_json_key_str(j, "version", s->version);
    bt_json_key_bool(j, "read_only", s->read_only);
    bt_json_key_str(j, "gtid", s->gtid);
    if (i == p->primary) {
        bt_json_key_str(j, "semisync",
                        s->semisync_is_on       ? "on"
                        : s->semisync_fell_back ? "fell-back"
                                                : "off");
        bt_json_key_u64(j, "semisync_clients", s->semisync_clients);
    }
    if (s->has_upstream)
        replication_json(p, s, j);
    bt_json_key_str(j, "error", s->error[0] ? s->error : NULL);
    bt_json_key_str(j, "trouble", trouble[0] ? trouble : NULL);
    bt_json_key_bool(j, "node", s->has_node);
    bt_json_key_str(j, "node_error", !s->has_node && s->node_error[0] ? s->node_error : NULL);
    bt_json_key(j, "vips");
    bt_json_array(j);
    for (size_t k = 0; k < p->config->vip_count; k++)
        if (s->vips_known && s->has_vip[k])
            bt_json_str(j, bt_vip_text(&p->config->vips[k], text));
    bt_json_end(j);
    bt_json_key(j, "seen_ms_ago");
    if (s->seen_ms)
        bt_json_i64(j, p->now_ms - s->seen_ms);
    else
        bt_json_null(j);
    bt_json_end(j);
}

void bt_picture_json(const struct bt_picture *p, struct bt_json *out)
{
    bt_json_object(out);
    bt_json_key_str(out, "app", p->config->app);
    bt_json_key_u64(out, "code", p->health->code);
    bt_json_key_str(out, "status", bt_health_name(p->health->code));
    bt_json_key_u64(out, "pid", (uint64_t)p->health->pid);
    bt_json_key_str(out, "primary",
                    p->primary != SIZE_MAX ? p->config->servers[p->primary].hostname : NULL);
    bt_json_key_str(out, "verdict", p->verdict);
    bt_json_key_str(out, "reason", p->reason && p->reason[0] ? p->reason : NULL);
    bt_json_key(out, "servers");
    bt_json_array(out);
    for (size_t i = 0; i < p->config->server_count; i++)
        server_json(p, i, out);
    bt_json_end(out);
    bt_json_end(out);
}
