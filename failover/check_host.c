/* SPDX-License-Identifier: Apache-2.0 */
/* Findings about hosts and sites: ssh, logs, room, clocks, the address, scripts, the manager. */
#include <inttypes.h>
#include <stdio.h>

#include "base/number.h"
#include "failover/check_priv.h"

/* A server stops when its disk is full: an error when that is near, a warning before. */
enum { ROOM_ERROR_MB = 64,
       ROOM_WARNING_MB = 512,
       ROOM_WARNING_PERCENT = 5,
       CLOCK_WARNING_MS = 1000,
       GUARD_SECONDS = 8 * 3600 };

static const struct bt_conf_server *conf(const struct bt_check_finder *f, size_t i)
{
    return &f->facts->config->servers[i];
}

/* ---------------------------------------------------------------------- ssh */

static void node(struct bt_check_finder *f, size_t i)
{
    const struct bt_check_node *n = &f->facts->nodes[i];
    bool is_dead = f->facts->parts & 1U << BT_CHECK_SERVERS &&
                   f->facts->servers[i].life == BT_LIFE_DEAD && conf(f, i)->ignore_fail;

    if (!n->asked)
        bt_check_add(f, BT_CHECK_NOTE, "ssh-not-tried", i, NULL, "%s", n->error);
    else if (n->error[0])
        bt_check_add(f, is_dead ? BT_CHECK_WARNING : BT_CHECK_ERROR, "ssh-failed", i, NULL, "%s",
                     n->error);
    if (!n->asked || n->error[0])
        return;
    if (!n->may_kill)
        bt_check_add(f, BT_CHECK_WARNING, "node-may-not-kill", i, NULL,
                     "user \"%s\" may not end the server's process there: a hung primary cannot be "
                     "fenced",
                     conf(f, i)->ssh_user);
    if (!n->may_network && f->facts->config->vip_count)
        bt_check_add(f, BT_CHECK_ERROR, "node-may-not-address", i, NULL,
                     "user \"%s\" may not change addresses there (CAP_NET_ADMIN, CAP_NET_RAW): the "
                     "VIP cannot be moved",
                     conf(f, i)->ssh_user);
    if (n->state_asked && n->state_error[0])
        bt_check_add(f, BT_CHECK_WARNING, "server-process-unknown", i, NULL,
                     "its server's process cannot be looked for: %s", n->state_error);
    else if (n->state_asked && !n->is_running && bt_facts_is_alive(&f->facts->servers[i]))
        bt_check_add(f, BT_CHECK_WARNING, "server-process-not-found", i,
                     "master_pid_file=PATH in its block",
                     "answers SQL, but no process of it is found on that host: it could not be "
                     "fenced there");
}

void bt_check_find_ssh(struct bt_check_finder *f)
{
    for (size_t i = 0; i < f->facts->config->server_count; i++)
        node(f, i);
}

/* --------------------------------------------------------------- logs, disk */

void bt_check_find_logs(struct bt_check_finder *f)
{
    for (size_t i = 0; i < f->facts->config->server_count; i++) {
        const struct bt_check_node *n = &f->facts->nodes[i];

        if (n->binlog.asked && n->binlog.error[0])
            bt_check_add(f, BT_CHECK_ERROR, "binary-logs-unreadable", i,
                         "master_binlog_dir=FOLDER, and an ssh_user that may read there",
                         "its binary logs cannot be read: %s", n->binlog.error);
        if (n->relay.asked && n->relay.error[0])
            bt_check_add(f, BT_CHECK_ERROR, "relay-logs-unreadable", i, NULL,
                         "its relay logs cannot be read: %s", n->relay.error);
    }
}

static void room(struct bt_check_finder *f, size_t i, const char *what, const char *where,
                 uint64_t free_bytes, uint64_t total)
{
    char left[BT_SIZE_TEXT_SIZE], all[BT_SIZE_TEXT_SIZE];
    bool is_error = free_bytes < (uint64_t)ROOM_ERROR_MB << 20;

    if (total == 0 || (!is_error && free_bytes >= (uint64_t)ROOM_WARNING_MB << 20 &&
                       free_bytes / ROOM_WARNING_PERCENT >= total / 100))
        return;
    bt_check_add(f, is_error ? BT_CHECK_ERROR : BT_CHECK_WARNING, "disk-room", i, NULL,
                 "%s in \"%s\" have %s left of %s", what, where, bt_size_text(free_bytes, left),
                 bt_size_text(total, all));
}

void bt_check_find_disk(struct bt_check_finder *f)
{
    const struct bt_check_manager *m = &f->facts->manager;

    room(f, SIZE_MAX, "diff logs and state files of the manager", f->facts->config->workdir,
         m->room_free, m->room_total);
    for (size_t i = 0; i < f->facts->config->server_count; i++) {
        const struct bt_check_node *n = &f->facts->nodes[i];
        bool same = n->binlog.room_total == n->relay.room_total &&
                    strcmp(n->binlog.directory, n->relay.directory) == 0;

        room(f, i, "binary logs", n->binlog.directory, n->binlog.room_free, n->binlog.room_total);
        if (!same)
            room(f, i, "relay logs", n->relay.directory, n->relay.room_free, n->relay.room_total);
    }
}

void bt_check_find_clocks(struct bt_check_finder *f)
{
    for (size_t i = 0; i < f->facts->config->server_count; i++) {
        const struct bt_check_sql *sql = &f->facts->sql[i];
        int64_t off = sql->clock_ahead_ms < 0 ? -sql->clock_ahead_ms : sql->clock_ahead_ms;

        if (sql->has_clock && off > CLOCK_WARNING_MS + sql->clock_slack_ms)
            bt_check_add(f, BT_CHECK_WARNING, "clock-differs", i,
                         "keep all clocks by the same NTP servers",
                         "its clock is %.1f s %s the manager's: lag and log times mislead",
                         (double)off / 1000, sql->clock_ahead_ms > 0 ? "ahead of" : "behind");
    }
}

/* ---------------------------------------------------------------------- VIP */

static void vip_holders(struct bt_check_finder *f, size_t k, const char *vip)
{
    size_t p = f->facts->topology.primary, holders = 0;

    for (size_t i = 0; i < f->facts->config->server_count; i++) {
        if (f->facts->nodes[i].vip[k] != 1)
            continue;
        holders++;
        if (i != p)
            bt_check_add(f, BT_CHECK_ERROR, "vip-misplaced", i, NULL,
                         "has the VIP %s and is not the primary", vip);
    }
    if (f->facts->nodes[p].vip[k] == 0)
        bt_check_add(f, BT_CHECK_ERROR, "vip-missing", p, NULL,
                     "is the primary and does not have the VIP %s%s", vip,
                     holders ? "" : "; no server has it");
    else if (f->facts->nodes[p].vip[k] < 0 && f->facts->nodes[p].asked)
        bt_check_add(f, BT_CHECK_WARNING, "vip-unknown", p, NULL,
                     "whether it has the VIP %s is not known: %s", vip,
                     f->facts->nodes[p].vip_error[0] ? f->facts->nodes[p].vip_error
                                                     : f->facts->nodes[p].error);
}

/* Where vip_interface is missing, down or without carrier, the address cannot go. */
static void vip_interfaces(struct bt_check_finder *f)
{
    for (size_t i = 0; i < f->facts->config->server_count; i++)
        if (f->facts->nodes[i].vip[0] >= 0 && f->facts->nodes[i].vip_error[0])
            bt_check_add(f, BT_CHECK_ERROR, "vip-interface", i, "vip_interface=NAME in its block",
                         "could not carry the VIP on \"%s\": %s",
                         bt_setting_text(conf(f, i)->settings, BT_CONF_VIP_INTERFACE),
                         f->facts->nodes[i].vip_error);
}

/* What the network answers to the primary's host (somebody else has it) and to a replica's (nobody
 * hears the primary). */
static void vip_heard(struct bt_check_finder *f, size_t k, const char *vip)
{
    size_t p = f->facts->topology.primary;

    for (size_t i = 0; i < f->facts->config->server_count; i++) {
        const struct bt_check_node *n = &f->facts->nodes[i];

        if (i == p && n->vip[k] == 1 && n->vip_heard[k] == 1)
            bt_check_add(f, BT_CHECK_ERROR, "vip-twice", i, NULL,
                         "has the VIP %s, and another host (MAC %s) answers for it too", vip,
                         n->vip_holder[k]);
        else if (i != p && n->vip[k] == 0 && n->vip_heard[k] == 0 &&
                 f->facts->nodes[p].vip[k] == 1)
            bt_check_add(f, BT_CHECK_ERROR, "vip-unheard", i, NULL,
                         "hears nobody answer for the VIP %s, although the primary has it", vip);
    }
}

static void vip_login(struct bt_check_finder *f, size_t k, const char *vip)
{
    const struct bt_check_vip *v = &f->facts->vips[k];
    size_t p = f->facts->topology.primary;

    if (!v->asked)
        return;
    if (v->error[0])
        bt_check_add(f, BT_CHECK_WARNING, "vip-no-login", SIZE_MAX, NULL,
                     "no server answers the manager at the VIP %s: %s", vip, v->error);
    else if (v->server_id != f->facts->servers[p].server_id)
        bt_check_add(f, BT_CHECK_ERROR, "vip-leads-elsewhere", SIZE_MAX, NULL,
                     "who logs in at the VIP %s reaches server_id %u, not the primary (%u)", vip,
                     v->server_id, f->facts->servers[p].server_id);
}

void bt_check_find_vip(struct bt_check_finder *f)
{
    const struct bt_config *c = f->facts->config;
    char text[BT_VIP_TEXT_SIZE];

    if (c->vip_count == 0 && !bt_setting_is_set(c->settings, BT_CONF_MASTER_IP_FAILOVER_SCRIPT))
        bt_check_add(f, BT_CHECK_NOTE, "vip-none", SIZE_MAX,
                     "vip=ADDRESS/PREFIX and vip_interface=NAME, or master_ip_failover_script",
                     "no VIP and no script that moves one: clients must find a new primary "
                     "themselves");
    if (!f->facts->has_topology)
        return;
    if (c->vip_count)
        vip_interfaces(f);
    for (size_t k = 0; k < c->vip_count; k++) {
        bt_vip_text(&c->vips[k], text);
        vip_holders(f, k, text);
        vip_heard(f, k, text);
        vip_login(f, k, text);
    }
}

/* -------------------------------------------------------------------- hooks */

void bt_check_find_hooks(struct bt_check_finder *f)
{
    for (size_t i = 0; i < BT_CHECK_HOOK_COUNT; i++) {
        const struct bt_check_hook *h = &f->facts->hooks[i];

        /* Without these two a failover goes on; a check script that cannot run forbids it. */
        bool goes_on = h->which == BT_CONF_REPORT_SCRIPT ||
                       h->which == BT_CONF_MASTER_IP_ONLINE_CHANGE_SCRIPT;
        const char *name = bt_conf_key(h->which)->name;
        bool has_name = h->is_set && strncmp(h->error, name, strlen(name)) == 0;

        if (h->is_set && h->error[0])
            bt_check_add(f, goes_on ? BT_CHECK_WARNING : BT_CHECK_ERROR,
                         h->was_called ? "hook-status-failed" : "hook-not-executable", SIZE_MAX,
                         NULL, "%s%s%s", has_name ? "" : name, has_name ? "" : ": ", h->error);
    }
}

/* ------------------------------------------------------------------ manager */

static void warnings(struct bt_check_finder *f, const char *lines)
{
    while (*lines) {
        size_t len = strcspn(lines, "\n");

        bt_check_add(f, BT_CHECK_NOTE, "configuration", SIZE_MAX, NULL, "%.*s", (int)len, lines);
        lines += len + (lines[len] == '\n');
    }
}

void bt_check_find_manager(struct bt_check_finder *f)
{
    const struct bt_check_manager *m = &f->facts->manager;
    char fix[4200];

    warnings(f, m->warnings);
    if (m->workdir_error[0])
        bt_check_add(f, BT_CHECK_ERROR, "workdir", SIZE_MAX, NULL, "%s", m->workdir_error);
    if (m->log_error[0])
        bt_check_add(f, BT_CHECK_WARNING, "manager-log", SIZE_MAX, NULL, "%s", m->log_error);
    if (m->has_error_flag) {
        snprintf(fix, sizeof(fix), "rm %.4000s, when its reason is mended", m->error_path);
        bt_check_add(f, BT_CHECK_ERROR, "failover-error-flag", SIZE_MAX, fix,
                     "the last failover failed, and \"%s\" forbids the next", m->error_path);
    }
    if (m->complete_age_seconds >= 0 && m->complete_age_seconds < GUARD_SECONDS) {
        snprintf(fix, sizeof(fix), "rm %.4000s", m->complete_path);
        bt_check_add(f, BT_CHECK_WARNING, "failover-guard", SIZE_MAX, fix,
                     "the last failover was %" PRId64 " minutes ago; \"%s\" forbids another within "
                     "8 hours",
                     m->complete_age_seconds / 60, m->complete_path);
    }
}
