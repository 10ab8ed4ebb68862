/* SPDX-License-Identifier: Apache-2.0 */
/* baton vip - who has the writer address, and moving it by hand. */
#include <stdio.h>
#include <unistd.h>

#include "cli/cluster_config.h"
#include "cli/command.h"
#include "cli/output.h"
#include "failover/check_ask.h"
#include "failover/vip_by_hand.h"

enum { EXIT_NO = 1, ARENA_MAX = 8 << 20 };

static struct {
    const char *conf, *global_conf;
    bool json, force;
} opt;

static const struct bt_opt opts[] = {
    {"conf", 'c', BT_OPT_STRING, "FILE", "the cluster's configuration, MHA's or ours", NULL,
     &opt.conf},
    {"global-conf", 0, BT_OPT_STRING, "FILE",
     "defaults of all clusters (/etc/masterha_default.cnf)", NULL, &opt.global_conf},
    {"force", 0, BT_OPT_FLAG, NULL,
     "up, move: also to a server that is not the primary, or where another host answers", NULL,
     &opt.force},
    {"json", 0, BT_OPT_FLAG, NULL, "write one JSON document", NULL, &opt.json},
    {0},
};

/* ------------------------------------------------------------------- status */

static const char *place(const struct bt_check_node *n, size_t k)
{
    return n->vip[k] == 1 ? "has it" : n->vip[k] == 0 ? "-"
                                                      : "not known";
}

static void network_text(const struct bt_check_facts *f, size_t k, struct bt_buf *out)
{
    for (size_t i = 0; i < f->config->server_count; i++) {
        const struct bt_check_node *n = &f->nodes[i];

        if (n->vip_heard[k] < 0)
            continue;
        bt_buf_addf(out, "  asked from %s, %s%s\n", f->config->servers[i].name,
                    n->vip_heard[k]  ? "the network answers with MAC "
                    : n->vip[k] == 1 ? "no other host answers"
                                     : "nobody answers",
                    n->vip_heard[k] ? n->vip_holder[k] : "");
    }
}

static void status_text(const struct bt_check_facts *f, const struct bt_check_report *report,
                        struct bt_buf *out)
{
    char text[BT_VIP_TEXT_SIZE];

    for (size_t k = 0; k < f->config->vip_count; k++) {
        bt_buf_addf(out, "%s\n", bt_vip_text(&f->config->vips[k], text));
        for (size_t i = 0; i < f->config->server_count; i++)
            bt_buf_addf(out, "  %-9s  %s%s\n", place(&f->nodes[i], k), f->config->servers[i].name,
                        f->has_topology && f->topology.primary == i ? "  primary" : "");
        network_text(f, k, out);
        if (f->vips[k].asked && f->vips[k].error[0])
            bt_buf_addf(out, "  a login from here: %s\n", f->vips[k].error);
        else if (f->vips[k].asked)
            bt_buf_addf(out, "  a login from here reaches server_id %u\n", f->vips[k].server_id);
    }
    for (size_t i = 0; i < report->count; i++)
        bt_buf_addf(out, "%s: %s%s%s\n", bt_check_level_name(report->findings[i].level),
                    report->findings[i].server == SIZE_MAX
                        ? ""
                        : f->config->servers[report->findings[i].server].name,
                    report->findings[i].server == SIZE_MAX ? "" : " ", report->findings[i].text);
}

static void hosts_json(const struct bt_check_facts *f, size_t k, struct bt_json *j)
{
    bt_json_key(j, "hosts");
    bt_json_array(j);
    for (size_t i = 0; i < f->config->server_count; i++) {
        const struct bt_check_node *n = &f->nodes[i];

        bt_json_object(j);
        bt_json_key_str(j, "host", f->config->servers[i].hostname);
        bt_json_key_u64(j, "port", f->config->servers[i].port);
        bt_json_key_bool(j, "is_primary", f->has_topology && f->topology.primary == i);
        bt_json_key(j, "has_it");
        if (n->vip[k] < 0)
            bt_json_null(j);
        else
            bt_json_bool(j, n->vip[k] == 1);
        bt_json_key_str(j, "hears_mac", n->vip_heard[k] == 1 ? n->vip_holder[k] : NULL);
        bt_json_end(j);
    }
    bt_json_end(j);
}

static void status_json(const struct bt_check_facts *f, const struct bt_check_report *report,
                        struct bt_json *j)
{
    char text[BT_VIP_TEXT_SIZE];

    bt_json_object(j);
    bt_json_key_bool(j, "ok", bt_check_worst(report, BT_CHECK_VIP) != BT_CHECK_ERROR);
    bt_json_key(j, "vips");
    bt_json_array(j);
    for (size_t k = 0; k < f->config->vip_count; k++) {
        bt_json_object(j);
        bt_json_key_str(j, "vip", bt_vip_text(&f->config->vips[k], text));
        hosts_json(f, k, j);
        bt_json_key(j, "login_server_id");
        if (f->vips[k].asked && f->vips[k].error[0] == '\0')
            bt_json_u64(j, f->vips[k].server_id);
        else
            bt_json_null(j);
        bt_json_end(j);
    }
    bt_json_end(j);
    bt_json_key(j, "findings");
    bt_json_array(j);
    for (size_t i = 0; i < report->count; i++)
        bt_json_str(j, report->findings[i].name);
    bt_json_end(j);
    bt_json_end(j);
}

static int show(const struct bt_check_facts *f, const struct bt_check_report *report,
                struct bt_err *err)
{
    struct bt_out out;
    struct bt_json json;

    bt_out_init(&out, STDOUT_FILENO);
    if (opt.json) {
        bt_json_init(&json, &out.buf);
        status_json(f, report, &json);
        bt_buf_add_byte(&out.buf, '\n');
    } else {
        status_text(f, report, &out.buf);
    }
    return bt_out_finish(&out, err);
}

/* Looks and shows: 1 when the address is not where it should be, and only there. */
static int status(const struct bt_config *config, struct bt_err *err)
{
    struct bt_check_opts check = {0};
    bt_auto_arena struct bt_arena arena;
    struct bt_check_report report = {0};
    struct bt_check_ask *ask;
    int rc;

    bt_arena_init(&arena, ARENA_MAX);
    if (bt_check_ask(config, 1U << BT_CHECK_VIP, "", &ask, err) != 0)
        return -1;
    rc = bt_check_find(bt_check_asked(ask), &check, &arena, &report, err);
    if (rc == 0)
        rc = show(bt_check_asked(ask), &report, err);
    if (rc == 0 && (!bt_check_asked(ask)->has_topology ||
                    bt_check_worst(&report, BT_CHECK_VIP) == BT_CHECK_ERROR))
        rc = EXIT_NO;
    bt_check_done(&report);
    bt_check_ask_free(ask);
    return rc;
}

/* ------------------------------------------------------------- up, down, move */

static int down(const struct bt_config *config, size_t i, struct bt_err *err)
{
    for (size_t k = 0; k < config->vip_count; k++) {
        uint32_t removed;

        if (bt_vip_by_hand_down(config, i, k, &removed, err) != 0)
            return -1;
    }
    return 0;
}

static int up(const struct bt_config *config, size_t i, struct bt_err *err)
{
    for (size_t k = 0; k < config->vip_count; k++)
        if (bt_vip_by_hand_up(config, i, k, opt.force, err) != 0)
            return -1;
    return 0;
}

/* Clients write there: only the primary may have it, unless somebody knows better. */
static int may_have_it(const struct bt_check_facts *f, size_t i, struct bt_err *err)
{
    if (opt.force || (f->has_topology && f->topology.primary == i && !f->servers[i].read_only))
        return 0;
    if (!f->has_topology)
        return bt_fail(err, BT_ERR_REALITY,
                       "who is the primary cannot be told (%s); --force goes on",
                       f->topology_error);
    if (f->topology.primary == i)
        return bt_fail(err, BT_ERR_REALITY, "%s takes no writes (read_only); --force goes on",
                       f->config->servers[i].name);
    return bt_fail(err, BT_ERR_REALITY, "%s is not the primary, %s is; --force goes on",
                   f->config->servers[i].name, f->config->servers[f->topology.primary].name);
}

/* Off wherever else it stands.  A host that cannot be asked may have it: the probe of up() tells.
 */
static int off_elsewhere(const struct bt_check_facts *f, size_t target, struct bt_err *err)
{
    for (size_t i = 0; i < f->config->server_count; i++)
        for (size_t k = 0; i != target && k < f->config->vip_count; k++) {
            uint32_t removed;

            if (f->nodes[i].vip[k] == 1 &&
                bt_vip_by_hand_down(f->config, i, k, &removed, err) != 0)
                return -1;
        }
    return 0;
}

static int take(const struct bt_config *config, size_t i, bool from_others, struct bt_err *err)
{
    struct bt_check_ask *ask;
    int rc;

    if (bt_check_ask(config, 1U << BT_CHECK_VIP, "", &ask, err) != 0)
        return -1;
    rc = may_have_it(bt_check_asked(ask), i, err);
    if (rc == 0 && from_others)
        rc = off_elsewhere(bt_check_asked(ask), i, err);
    bt_check_ask_free(ask);
    return rc != 0 ? -1 : up(config, i, err);
}

static int act(const struct bt_config *config, const char *what, const char *host,
               struct bt_err *err)
{
    size_t i;
    int rc;

    if (bt_config_find(config, host, &i, err) != 0)
        return -1;
    if (strcmp(what, "down") == 0)
        rc = down(config, i, err);
    else
        rc = take(config, i, strcmp(what, "move") == 0, err);
    return rc != 0 ? -1 : status(config, err) < 0 ? -1
                                                  : 0;
}

static int run(int argc, char **argv, struct bt_err *err)
{
    const char *what = argc > 0 ? argv[0] : "status";
    bool is_status = strcmp(what, "status") == 0;
    bt_auto_arena struct bt_arena arena;
    struct bt_config_opts from = {.path = opt.conf, .global_path = opt.global_conf};
    struct bt_config config;

    bt_arena_init(&arena, BT_CONFIG_ARENA_MAX);
    if (!is_status && strcmp(what, "up") != 0 && strcmp(what, "down") != 0 &&
        strcmp(what, "move") != 0)
        return bt_fail(err, BT_ERR_USAGE, "vip takes status, up, down or move, not \"%s\"", what);
    if (argc > (is_status ? 1 : 2))
        return bt_fail(err, BT_ERR_USAGE, "vip %s takes no \"%s\"", what, argv[argc - 1]);
    if (!is_status && argc < 2)
        return bt_fail(err, BT_ERR_USAGE, "vip %s needs a host", what);
    if (bt_cluster_config_load(&from, &arena, &config, err) != 0)
        return -1;
    if (config.vip_count == 0)
        return bt_fail(err, BT_ERR_CONFIG, "there is no vip in %s", config.path);
    bt_cluster_log_begin(&config, true);
    return is_status ? status(&config, err) : act(&config, what, argv[1], err);
}

const struct bt_command bt_cmd_vip = {
    .name = "vip",
    .group = "Cluster",
    .summary = "who has the writer address, and moving it by hand",
    .usage = "[status|up HOST|down HOST|move HOST] --conf=FILE [OPTIONS]",
    .about =
        "status: each host's own list of addresses, what the network answers to a probe from\n"
        "a replica and from the primary, and whom a login from here reaches.\n"
        "\n"
        "up: puts it on the host, unless another one answers for it.  down: takes it off.\n"
        "move:  takes it off all others first.  Only the primary gets it, and only when it\n"
        "takes writes, unless --force is given.  A running manager puts it back where it\n"
        "belongs: stop it first.\n"
        "\n"
        "Exit code: 0 done, or exactly the primary has it; 1 (status) it is not so; 3\n"
        "refused; 7 another host answers for it.\n",
    .examples = "  $ baton vip status --conf=/etc/mha/app1.cnf\n"
                "  $ baton vip move db2 --conf=/etc/mha/app1.cnf\n",
    .opts = opts,
    .run = run,
};
