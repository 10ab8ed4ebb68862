/* SPDX-License-Identifier: Apache-2.0 */
/* A check for people and for programs. */
#include <inttypes.h>
#include <stdio.h>

#include "base/number.h"
#include "failover/check.h"

enum { WIDTH = 100 };

/* Adds text behind what stands in this line, wrapped at WIDTH, further lines indented. */
static void add_wrapped(struct bt_buf *out, size_t column, size_t indent, const char *text)
{
    while (*text) {
        size_t len = strcspn(text, " ");

        if (column > indent && column + len > WIDTH) {
            out->len -= out->len && out->data[out->len - 1] == ' ';
            bt_buf_addf(out, "\n%*s", (int)indent, "");
            column = indent;
        }
        bt_buf_add(out, text, len);
        column += len;
        text += len;
        if (*text == ' ') {
            bt_buf_add_byte(out, ' ');
            column++;
            text++;
        }
    }
    bt_buf_add_byte(out, '\n');
}

static const char *thread_name(enum bt_thread_state state)
{
    return state == BT_THREAD_YES ? "yes" : state == BT_THREAD_CONNECTING ? "connecting"
                                                                          : "no";
}

static const char *life_name(enum bt_life life)
{
    switch (life) {
    case BT_LIFE_ALIVE: return "alive";
    case BT_LIFE_REFUSING: return "refuses";
    case BT_LIFE_DEAD: return "dead";
    case BT_LIFE_UNKNOWN: break;
    }
    return "not asked";
}

/* --------------------------------------------------------------------- tree */

static void tree_line(const struct bt_check_facts *facts, size_t i, const char *prefix,
                      struct bt_buf *out)
{
    const struct bt_conf_server *c = &facts->config->servers[i];
    const struct bt_server_facts *s = &facts->servers[i];
    const char *label = bt_setting_text(c->settings, BT_CONF_NODE_LABEL);
    const struct bt_upstream *u =
        facts->topology.link[i] < s->upstream_count ? &s->upstreams[facts->topology.link[i]] : NULL;

    bt_buf_addf(out, "%s%s%s%s%s", prefix, c->name, label[0] ? " [" : "", label,
                label[0] ? "]" : "");
    if (!bt_facts_is_alive(s)) {
        bt_buf_addf(out, "  %s\n", life_name(s->life));
        return;
    }
    bt_buf_addf(out, "  %s  %s", bt_role_name(facts->topology.role[i]), s->version);
    if (u) {
        bt_buf_addf(out, "  receives: %s, applies: %s", thread_name(u->io), thread_name(u->sql));
        if (u->lag_seconds >= 0)
            bt_buf_addf(out, ", %" PRId64 " s behind", u->lag_seconds);
    }
    if (c->candidate_master || c->no_master)
        bt_buf_addf(out, "  (%s)", c->no_master ? "no_master" : "candidate_master");
    bt_buf_add_byte(out, '\n');
}

/* The replicas of i, each with its own below it.  Depth is bounded by the servers there are. */
static void tree_below(const struct bt_check_facts *facts, size_t i, size_t depth,
                       struct bt_buf *out)
{
    char prefix[BT_SERVERS_MAX * 4 + 8];

    snprintf(prefix, sizeof(prefix), "%*s +--", (int)(depth * 4), "");
    for (size_t k = 0; k < facts->config->server_count && depth < BT_SERVERS_MAX; k++)
        if (k != facts->topology.primary && facts->topology.upstream[k] == i) {
            tree_line(facts, k, prefix, out);
            tree_below(facts, k, depth + 1, out);
        }
}

static void tree(const struct bt_check_facts *facts, struct bt_buf *out)
{
    if (!facts->has_topology) {
        for (size_t i = 0; i < facts->config->server_count; i++)
            bt_buf_addf(out, "%s  %s\n", facts->config->servers[i].name,
                        life_name(facts->servers[i].life));
        return;
    }
    tree_line(facts, facts->topology.primary, "", out);
    tree_below(facts, facts->topology.primary, 0, out);
    for (size_t i = 0; i < facts->config->server_count; i++)
        if (i != facts->topology.primary && facts->topology.upstream[i] == SIZE_MAX) {
            tree_line(facts, i, "", out);
            tree_below(facts, i, 0, out);
        }
}

/* ----------------------------------------------------------------- findings */

static void finding_text(const struct bt_check_facts *facts, const struct bt_check_finding *f,
                         struct bt_buf *out)
{
    const char *level = bt_check_level_name(f->level);
    bt_auto_buf struct bt_buf line;

    bt_buf_init(&line, 1 << 16);
    if (f->server != SIZE_MAX)
        bt_buf_addf(&line, "%s ", facts->config->servers[f->server].name);
    bt_buf_add_str(&line, f->text);
    bt_buf_addf(out, "    %-8s ", level);
    add_wrapped(out, 13, 13, bt_buf_str(&line));
    if (f->fix[0] == '\0')
        return;
    bt_buf_add_str(out, "             -> ");
    add_wrapped(out, 16, 16, f->fix);
}

static void parts_text(const struct bt_check_facts *facts, const struct bt_check_report *report,
                       struct bt_buf *out)
{
    for (int p = 0; p < BT_CHECK_PART_COUNT; p++) {
        enum bt_check_part part = (enum bt_check_part)p;

        if (!(facts->parts & 1U << p))
            continue;
        bt_buf_addf(out, "%-8s %-11s %s\n", bt_check_level_name(bt_check_worst(report, part)),
                    bt_check_part_name(part), bt_check_part_title(part));
        for (size_t i = 0; i < report->count; i++)
            if (report->findings[i].part == part)
                finding_text(facts, &report->findings[i], out);
    }
}

/* ------------------------------------------------------------------ outlook */

static void lost_sentence(const struct bt_check_facts *facts, const struct bt_check_outlook *o,
                          struct bt_buf *out)
{
    char bytes[BT_SIZE_TEXT_SIZE];

    if (facts->dead.logs_found)
        bt_buf_add_str(out, "Its binary logs are readable: as long as its host lives, nothing is "
                            "lost. If the host is gone too, ");
    else
        bt_buf_add_str(out, "Its binary logs are not readable: ");
    if (o->unsent_known)
        bt_buf_addf(out, "what no replica has received is lost, %s now",
                    bt_size_text(o->unsent_bytes, bytes));
    else
        bt_buf_add_str(out, "what no replica has received is lost");
    bt_buf_addf(out, ". %s", o->plan.acks.unsent.text);
}

/* What forbids a failover, or stops it on its way, as far as it was looked at. */
static bool is_blocker(const struct bt_check_finding *f)
{
    static const char *const names[] = {"workdir", "failover-error-flag", "failover-guard",
                                        "hook-status-failed", "hook-not-executable",
                                        "plan-blocked"};

    for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++)
        if (strcmp(f->name, names[k]) == 0)
            return f->level == BT_CHECK_ERROR || strcmp(f->name, "failover-guard") == 0;
    return false;
}

static void blockers_text(const struct bt_check_report *report, struct bt_buf *out)
{
    bool is_first = true;

    for (size_t i = 0; i < report->count; i++) {
        if (!is_blocker(&report->findings[i]))
            continue;
        bt_buf_addf(out, "%s  - ", is_first ? "  It would not begin, or stop on the way:\n" : "");
        add_wrapped(out, 4, 4, report->findings[i].text);
        is_first = false;
    }
}

static void outlook_text(const struct bt_check_facts *facts, const struct bt_check_report *report,
                         struct bt_buf *out)
{
    const struct bt_check_outlook *o = &report->outlook;
    bt_auto_buf struct bt_buf line;

    bt_buf_init(&line, 1 << 16);
    if (!o->known)
        return;
    bt_buf_addf(out, "\nIf %s died now:\n", facts->config->servers[o->plan.primary].name);
    if (o->plan.winner == SIZE_MAX) {
        bt_buf_add_str(out, "  nobody could take over.\n");
    } else {
        bt_buf_addf(&line, "%s takes over: %s.", facts->config->servers[o->plan.winner].name,
                    o->plan.servers[o->plan.winner].reason);
        bt_buf_add_str(out, "  ");
        add_wrapped(out, 2, 2, bt_buf_str(&line));
        bt_buf_addf(out,
                    "  Noticed within %.1f s (server killed) or %.1f s (host gone); then about "
                    "%.1f s to the first write.\n",
                    (double)o->noticed_killed_ms / 1000, (double)o->noticed_silent_ms / 1000,
                    (double)o->handover_ms / 1000);
    }
    line.len = 0;
    lost_sentence(facts, o, &line);
    bt_buf_add_str(out, "  ");
    add_wrapped(out, 2, 2, bt_buf_str(&line));
    blockers_text(report, out);
}

void bt_check_text(const struct bt_check_facts *facts, const struct bt_check_report *report,
                   struct bt_buf *out)
{
    size_t errors = bt_check_count(report, BT_CHECK_ERROR);
    size_t warnings = bt_check_count(report, BT_CHECK_WARNING);

    tree(facts, out);
    bt_buf_add_byte(out, '\n');
    parts_text(facts, report, out);
    outlook_text(facts, report, out);
    if (errors + warnings == 0)
        bt_buf_addf(out, "\n%s is well.\n", facts->config->app);
    else
        bt_buf_addf(out, "\n%s: %zu error%s, %zu warning%s.\n", facts->config->app, errors,
                    errors == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s");
}

/* ----------------------------------------------------------------------- JSON */

static void server_json(const struct bt_check_facts *facts, size_t i, struct bt_json *j)
{
    const struct bt_conf_server *c = &facts->config->servers[i];
    const struct bt_server_facts *s = &facts->servers[i];
    const struct bt_check_node *n = &facts->nodes[i];
    const struct bt_upstream *u = facts->has_topology && facts->topology.link[i] < s->upstream_count
                                      ? &s->upstreams[facts->topology.link[i]]
                                      : NULL;

    bt_json_object(j);
    bt_json_key_str(j, "host", c->hostname);
    bt_json_key_u64(j, "port", c->port);
    bt_json_key_str(j, "life", life_name(s->life));
    bt_json_key_str(j, "role", facts->has_topology ? bt_role_name(facts->topology.role[i]) : NULL);
    if (bt_facts_is_alive(s)) {
        bt_json_key_str(j, "version", s->version);
        bt_json_key_u64(j, "server_id", s->server_id);
        bt_json_key_bool(j, "read_only", s->read_only);
    }
    if (u) {
        bt_json_key_str(j, "receives", thread_name(u->io));
        bt_json_key_str(j, "applies", thread_name(u->sql));
        bt_json_key(j, "lag_seconds");
        if (u->lag_seconds >= 0)
            bt_json_i64(j, u->lag_seconds);
        else
            bt_json_null(j);
    }
    if (n->asked) {
        bt_json_key(j, "ssh_ms");
        if (n->error[0])
            bt_json_null(j);
        else
            bt_json_i64(j, n->open_ms);
    }
    bt_json_end(j);
}

static void findings_json(const struct bt_check_facts *facts, const struct bt_check_report *report,
                          struct bt_json *j)
{
    bt_json_key(j, "findings");
    bt_json_array(j);
    for (size_t i = 0; i < report->count; i++) {
        const struct bt_check_finding *f = &report->findings[i];

        bt_json_object(j);
        bt_json_key_str(j, "part", bt_check_part_name(f->part));
        bt_json_key_str(j, "level", bt_check_level_name(f->level));
        bt_json_key_str(j, "name", f->name);
        bt_json_key_str(j, "host",
                        f->server == SIZE_MAX ? NULL : facts->config->servers[f->server].hostname);
        bt_json_key_str(j, "text", f->text);
        bt_json_key_str(j, "fix", f->fix[0] ? f->fix : NULL);
        bt_json_end(j);
    }
    bt_json_end(j);
}

static void outlook_json(const struct bt_check_facts *facts, const struct bt_check_report *report,
                         struct bt_json *j)
{
    const struct bt_check_outlook *o = &report->outlook;
    bt_auto_buf struct bt_buf line;

    bt_buf_init(&line, 1 << 16);
    bt_json_key(j, "if_primary_died");
    if (!o->known) {
        bt_json_null(j);
        return;
    }
    lost_sentence(facts, o, &line);
    bt_json_object(j);
    bt_json_key_str(j, "new_primary",
                    o->plan.winner == SIZE_MAX ? NULL
                                               : facts->config->servers[o->plan.winner].hostname);
    bt_json_key_str(j, "reason",
                    o->plan.winner == SIZE_MAX ? NULL : o->plan.servers[o->plan.winner].reason);
    bt_json_key_i64(j, "noticed_killed_ms", o->noticed_killed_ms);
    bt_json_key_i64(j, "noticed_silent_ms", o->noticed_silent_ms);
    bt_json_key_i64(j, "handover_ms", o->handover_ms);
    bt_json_key_u64(j, "unapplied_bytes", o->unapplied_bytes);
    bt_json_key_str(j, "unsent_acknowledged", bt_acked_name(o->plan.acks.unsent.unsent));
    bt_json_key_str(j, "acknowledged", o->plan.acks.unsent.text);
    bt_json_key(j, "unsent_bytes");
    if (o->unsent_known)
        bt_json_u64(j, o->unsent_bytes);
    else
        bt_json_null(j);
    bt_json_key_str(j, "lost", bt_buf_str(&line));
    bt_json_key(j, "blockers");
    bt_json_array(j);
    for (size_t i = 0; i < report->count; i++)
        if (is_blocker(&report->findings[i]))
            bt_json_str(j, report->findings[i].text);
    bt_json_end(j);
    bt_json_end(j);
}

void bt_check_json(const struct bt_check_facts *facts, const struct bt_check_report *report,
                   struct bt_json *out)
{
    bt_json_object(out);
    bt_json_key_str(out, "app", facts->config->app);
    bt_json_key_str(
        out, "primary",
        facts->has_topology ? facts->config->servers[facts->topology.primary].hostname : NULL);
    bt_json_key_str(out, "worst",
                    bt_check_level_name(bt_check_worst(report, BT_CHECK_PART_COUNT)));
    bt_json_key(out, "parts");
    bt_json_object(out);
    for (int p = 0; p < BT_CHECK_PART_COUNT; p++)
        if (facts->parts & 1U << p)
            bt_json_key_str(out, bt_check_part_name((enum bt_check_part)p),
                            bt_check_level_name(bt_check_worst(report, (enum bt_check_part)p)));
    bt_json_end(out);
    bt_json_key(out, "servers");
    bt_json_array(out);
    for (size_t i = 0; i < facts->config->server_count; i++)
        server_json(facts, i, out);
    bt_json_end(out);
    findings_json(facts, report, out);
    outlook_json(facts, report, out);
    bt_json_end(out);
}
