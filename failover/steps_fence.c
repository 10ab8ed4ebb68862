/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/steps_fence.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/crash_point.h"
#include "base/log.h"
#include "failover/hooks.h"

enum { TERM_MS = 3000, KILL_MS = 5000, PROBE_MS = 300, REACH_MS = 1000 };

static void say(struct bt_failover *f, const char *fmt, ...) BT_PRINTF(2, 3);

static void say(struct bt_failover *f, const char *fmt, ...)
{
    size_t len = strlen(f->fence_text);
    va_list args;

    if (len && len + 2 < sizeof(f->fence_text))
        len += (size_t)snprintf(f->fence_text + len, sizeof(f->fence_text) - len, "; ");
    va_start(args, fmt);
    vsnprintf(f->fence_text + len, sizeof(f->fence_text) - len, fmt, args);
    va_end(args);
}

static int address_drop(struct bt_failover *f, struct bt_fo_host *p, struct bt_err *err)
{
    char text[BT_VIP_TEXT_SIZE];

    for (size_t k = 0; k < f->config->vip_count; k++) {
        struct bt_vip_request request = {
            .action = BT_VIP_DOWN,
            .vip = bt_vip_text(&f->config->vips[k], text),
            .interface = "",
            .label = "",
        };
        struct bt_vip_reply reply = {0};
        int rc;

        pthread_mutex_lock(&p->node_mutex);
        rc = bt_node_vip(p->node, &request, bt_deadline_in(bt_fo_step_ms(BT_FO_FENCE)), &p->arena,
                         &reply, err);
        pthread_mutex_unlock(&p->node_mutex);
        if (rc != 0)
            return bt_err_wrap(err, "dropping %s", text);
        say(f, reply.removed ? "%s was taken off" : "%s was not there", text);
    }
    return 0;
}

static int server_end(struct bt_failover *f, struct bt_fo_host *p, struct bt_err *err)
{
    struct bt_stop_request request = {
        .server = bt_server_id_of(p->conf, p->server_pid_file, p->server_datadir),
        .term_ms = TERM_MS,
        .kill_ms = KILL_MS,
    };
    struct bt_stop_reply reply = {0};
    int rc;

    pthread_mutex_lock(&p->node_mutex);
    rc = bt_node_stop(p->node, &request, bt_deadline_in(bt_fo_step_ms(BT_FO_FENCE)), &p->arena,
                      &reply, err);
    pthread_mutex_unlock(&p->node_mutex);
    if (rc != 0)
        return bt_err_wrap(err, "ending the server");
    say(f, "%s", reply.proof);
    return 0;
}

/* The site's scripts; what they answer with 0 counts as proved by the site. */
static int scripts(struct bt_failover *f, bool reachable, bool *ret_proved, bool *ret_may_read,
                   struct bt_err *err)
{
    enum bt_hook_result result;

    *ret_proved = false;
    if (bt_hook_vip_stop(f->config, f->topology.primary, reachable, &result, err) != 0)
        return -1;
    if (result != BT_HOOK_ABSENT)
        say(f, "master_ip_failover_script ended with %d", result == BT_HOOK_DONE ? 0 : 10);
    if (bt_hook_shutdown(f->config, f->topology.primary, reachable, &result, err) != 0)
        return -1;
    if (result != BT_HOOK_ABSENT)
        say(f, "shutdown_script ended with %d", result == BT_HOOK_DONE ? 0 : 10);
    *ret_proved = result != BT_HOOK_ABSENT;
    *ret_may_read = result != BT_HOOK_DONE;
    return 0;
}

/* Each is tried whatever became of the other: a server that has ended takes no writes, wherever the
 * address may be. */
static void fence_over_node(struct bt_failover *f, struct bt_fo_host *p)
{
    struct bt_err address = {0};
    struct bt_err server = {0};
    bool is_dropped = address_drop(f, p, &address) == 0;
    bool has_ended = server_end(f, p, &server) == 0;

    if (!is_dropped)
        say(f, "%s", address.text);
    if (!has_ended)
        say(f, "%s", server.text);
    f->is_fenced = is_dropped && has_ended;
}

static int fence(struct bt_failover *f, bool *ret_may_read, struct bt_err *err)
{
    struct bt_fo_host *p = &f->hosts[f->topology.primary];
    bool proved_by_script = false;

    if (bt_fo_journal(f, BT_FO_FENCE, "begin", p->index, err) != 0)
        return -1;
    bt_crash_point("before-fence");
    if (p->node)
        fence_over_node(f, p);
    else
        say(f, "%s", p->node_error);
    if (scripts(f, p->node != NULL, &proved_by_script, ret_may_read, err) != 0)
        return -1;
    f->is_fenced = f->is_fenced || proved_by_script;
    bt_crash_point("after-fence");
    return 0;
}

void bt_fo_fence(struct bt_failover *f, bool *ret_may_read)
{
    struct bt_err err = {0};

    *ret_may_read = true;
    if (fence(f, ret_may_read, &err) != 0)
        bt_fo_fail(f, f->topology.primary, BT_FO_FENCE, &err);
}

/* ------------------------------------------------------------ from elsewhere */

/* A living replica's host that can look for us; NULL if none. */
static struct bt_fo_host *witness(struct bt_failover *f)
{
    for (size_t i = 0; i < f->count; i++)
        if (f->topology.role[i] == BT_ROLE_REPLICA && f->hosts[i].node &&
            f->hosts[i].state == BT_FO_FROZEN)
            return &f->hosts[i];
    return NULL;
}

/* Whether a server greets at address:port, seen from the witness. */
static int server_answers(struct bt_fo_host *w, const char *address, uint16_t port, bool *ret,
                          struct bt_err *err)
{
    struct bt_reach_request request = {
        .address = address, .port = port, .timeout_ms = REACH_MS, .greeting = true};
    struct bt_reach_reply reply = {0};
    int rc;

    pthread_mutex_lock(&w->node_mutex);
    rc = bt_node_reach(w->node, &request, bt_deadline_in(REACH_MS * 2), &reply, err);
    pthread_mutex_unlock(&w->node_mutex);
    *ret = rc == 0 && reply.port == BT_PORT_ANSWERS;
    return rc;
}

static int address_look(struct bt_failover *f, struct bt_fo_host *w, const struct bt_vip *vip,
                        struct bt_err *err)
{
    uint16_t port = f->config->servers[f->topology.primary].port;
    char text[BT_VIP_TEXT_SIZE], address[BT_VIP_TEXT_SIZE];
    struct bt_vip_request request = {
        .action = BT_VIP_PROBE,
        .vip = bt_vip_text(vip, text),
        .interface = bt_setting_text(w->conf->settings, BT_CONF_VIP_INTERFACE),
        .label = "",
        .probe_ms = PROBE_MS,
    };
    struct bt_vip_reply reply = {0};
    struct bt_err why = {0};
    bool answers = false;
    int rc;

    bt_vip_address_text(vip, address);
    pthread_mutex_lock(&w->node_mutex);
    rc = bt_node_vip(w->node, &request, bt_deadline_in(bt_fo_step_ms(BT_FO_FENCE)), &w->arena,
                     &reply, &why);
    pthread_mutex_unlock(&w->node_mutex);
    if (rc != 0) {
        say(f, "whether anybody has %s is not known (%s)", text, why.text);
        return 0;
    }
    if (!reply.found) {
        say(f, "nobody answers for %s (asked from %s)", text, w->conf->hostname);
        return 0;
    }
    if (server_answers(w, address, port, &answers, &why) != 0)
        say(f, "whether a server listens at %s is not known (%s)", address, why.text);
    if (answers)
        return bt_fail(
            err, BT_ERR_CONFLICT,
            "a server answers at %s:%u (MAC %s): clients still write there. Stop failover.",
            address, port, reply.holder);
    f->address_elsewhere = true;
    say(f, "%s is still answered for by MAC %s, but no server listens there", text, reply.holder);
    return 0;
}

static int look_from_elsewhere(struct bt_failover *f, struct bt_err *err)
{
    const struct bt_conf_server *primary = &f->config->servers[f->topology.primary];
    struct bt_fo_host *w = witness(f);
    struct bt_err why = {0};
    bool answers = false;

    if (!w) {
        say(f, "and no other host could look for it");
        return 0;
    }
    if (f->opts.death)
        say(f, "its server does not answer (%.300s)", f->opts.death);
    else if (server_answers(w, primary->ip, primary->port, &answers, &why) != 0)
        say(f, "%s could not look for it (%s)", w->conf->hostname, why.text);
    else if (answers && (f->is_alive = true))
        return bt_fail(err, BT_ERR_CONFLICT, "%s answers again to %s. Stop failover.",
                       primary->name, w->conf->name);
    else
        say(f, "its server does not answer %s", w->conf->hostname);
    for (size_t k = 0; k < f->config->vip_count; k++)
        if (address_look(f, w, &f->config->vips[k], err) != 0)
            return -1;
    return 0;
}

int bt_fo_fence_judge(struct bt_failover *f, struct bt_err *err)
{
    struct bt_fo_host *p = &f->hosts[f->topology.primary];

    if (p->state == BT_FO_FAILED) {
        *err = p->err;
        return -1;
    }
    if (f->is_fenced) {
        bt_fo_note(f, "Old primary %s is fenced: %s.", p->conf->name, f->fence_text);
        return 0;
    }
    if (look_from_elsewhere(f, err) != 0)
        return -1;
    if (bt_setting_number(f->config->settings, BT_CONF_FENCE_POLICY) == BT_FENCE_PROVED)
        return bt_fail(
            err, BT_ERR_REALITY,
            "%s is not proved to be off (%.600s), and fence_policy is proved. Stop failover.",
            p->conf->name, f->fence_text);
    bt_fo_note(f,
               "Old primary %s is NOT proved to be off: %s. Going on: fence_policy is best-effort.",
               p->conf->name, f->fence_text);
    return 0;
}
