/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/report.h"

#include <stdio.h>

#include "base/number.h"
#include "failover/phrases.h"
#include "failover/steps.h"

static const char *outcome_text(const struct bt_failover *f)
{
    if (f->opts.dry_run)
        return "planned";
    if (!f->is_promoted)
        return "failed";
    return f->is_partial ? "partial" : "done";
}

void bt_report_subject(const struct bt_failover *f, struct bt_buf *out)
{
    bt_buf_addf(out, "%s: MySQL Master failover %s", f->config->app,
                f->has_topology ? f->config->servers[f->topology.primary].name : "");
    if (f->is_promoted)
        bt_buf_addf(out, " to %s%s", f->config->servers[f->plan.winner].name,
                    f->is_partial ? " done, but recovery on slave partially failed" : " succeeded");
    else
        bt_buf_add_str(out, " failed");
}

static const char *state_text(const struct bt_failover *f, const struct bt_fo_host *h)
{
    if (f->has_plan && h->index == f->plan.winner && f->is_promoted)
        return "is the new primary";
    switch (h->state) {
    case BT_FO_IDLE: return "took no part";
    case BT_FO_FROZEN: return "was frozen";
    case BT_FO_COMPLETED: return "is complete, but follows nobody";
    case BT_FO_FOLLOWS: return "follows the new primary";
    case BT_FO_FAILED: return "failed";
    }
    return "took no part";
}

static void host_text(const struct bt_failover *f, const struct bt_fo_host *h, struct bt_buf *out)
{
    char bytes[BT_SIZE_TEXT_SIZE];

    bt_buf_addf(out, "  %s %s\n", h->conf->name, state_text(f, h));
    if (f->has_plan && f->plan.servers[h->index].reason[0])
        bt_buf_addf(out, "      election: %s\n", f->plan.servers[h->index].reason);
    if (h->state == BT_FO_FAILED)
        bt_buf_addf(out, "      %s: %s\n", bt_fo_step_name(h->failed_at), h->err.text);
    if (h->lack.known && h->lack.transactions == 0)
        bt_buf_add_str(out, "      had received everything\n");
    else if (h->lack.known)
        bt_buf_addf(out, "      got %llu transactions (%s), %s to %s, from %s\n",
                    (unsigned long long)h->lack.transactions, bt_size_text(h->lack.bytes, bytes),
                    h->lack.first, h->lack.last, h->lack.sources);
    if (h->lost[0])
        bt_buf_addf(out, "      lost: %s\n", h->lost);
}

static void timeline_text(const struct bt_failover *f, struct bt_buf *out)
{
    bt_buf_add_str(out, "Timeline (ms since the start):\n");
    for (int s = 0; s < BT_FO_STEP_COUNT; s++)
        if (f->timings[s].took_ms >= 0)
            bt_buf_addf(out, "  %6lld  +%-6lld %-8s %s\n", (long long)f->timings[s].began_ms,
                        (long long)f->timings[s].took_ms, bt_fo_step_name((enum bt_fo_step)s),
                        bt_fo_step_meaning((enum bt_fo_step)s));
    bt_buf_addf(out, "  %6lld  end\n", (long long)(f->ended_ms - f->began_ms));
}

static bool is_lossless(const struct bt_failover *f)
{
    bool good = f->has_plan && f->plan.lost.len == 0;

    for (size_t i = 0; i < f->count; i++)
        good = good && f->hosts[i].lost[0] == '\0';
    return good;
}

static void lost_text(const struct bt_failover *f, struct bt_buf *out)
{
    if (f->semisync_end.state != BT_SEMISYNC_UNKNOWN && f->has_plan && f->plan.lost.len == 0)
        bt_buf_addf(out, "Acknowledged: %s\n", f->plan.acks.unsent.text);
    if (is_lossless(f))
        bt_buf_add_str(out, "Lost: nothing. The old primary's own logs were read to their end.\n");
    else if (f->has_plan && f->plan.lost.len)
        bt_buf_addf(out, "Lost: %.*s", (int)f->plan.lost.len, (const char *)f->plan.lost.data);
}

void bt_report_text(const struct bt_failover *f, struct bt_buf *out)
{
    struct bt_plan_input in = bt_fo_plan_input(f);

    if (f->opts.dry_run) {
        if (f->has_plan)
            bt_plan_text(&in, &f->plan, out);
        return;
    }
    bt_buf_addf(out, BT_SAY_REPORT "\n\n");
    bt_report_subject(f, out);
    bt_buf_add_str(out, "\n\n");
    if (f->failure.kind != BT_ERR_NONE)
        bt_buf_addf(out, "Why: %s\n\n", f->failure.text);
    for (size_t i = 0; f->has_topology && i < f->count; i++)
        if (i != f->topology.primary)
            host_text(f, &f->hosts[i], out);
    bt_buf_add_byte(out, '\n');
    if (f->has_topology)
        lost_text(f, out);
    if (f->is_promoted)
        bt_buf_addf(out, "New primary's position: %s:%llu, GTID %s\n", f->position.file,
                    (unsigned long long)f->position.pos, f->gtid[0] ? f->gtid : "-");
    bt_buf_add_slice(out, bt_buf_slice(&f->notes));
    timeline_text(f, out);
}

/* ----------------------------------------------------------------------- JSON */

static void host_json(const struct bt_failover *f, const struct bt_fo_host *h, struct bt_json *j)
{
    bt_json_object(j);
    bt_json_key_str(j, "host", h->conf->hostname);
    bt_json_key_u64(j, "port", h->conf->port);
    bt_json_key_str(j, "state", state_text(f, h));
    bt_json_key_str(j, "reason", f->has_plan ? f->plan.servers[h->index].reason : "");
    bt_json_key_str(j, "error", h->state == BT_FO_FAILED ? h->err.text : NULL);
    bt_json_key_str(j, "failed_at",
                    h->state == BT_FO_FAILED ? bt_fo_step_name(h->failed_at) : NULL);
    if (h->lack.known) {
        bt_json_key_u64(j, "lacked", h->lack.transactions);
        bt_json_key_u64(j, "bytes", h->lack.bytes);
        bt_json_key_str(j, "first", h->lack.first[0] ? h->lack.first : NULL);
        bt_json_key_str(j, "last", h->lack.last[0] ? h->lack.last : NULL);
        bt_json_key_str(j, "sources", h->lack.sources);
        bt_json_key_u64(j, "applied", h->applied);
        bt_json_key_str(j, "diff_log", h->has_manifest ? h->diff_path : NULL);
    }
    bt_json_key_str(j, "lost", h->lost[0] ? h->lost : NULL);
    bt_json_key_i64(j, "build_ms", h->build_ms);
    bt_json_key_i64(j, "drain_ms", h->drain_ms);
    bt_json_key_i64(j, "apply_ms", h->apply_ms);
    bt_json_key_i64(j, "repoint_ms", h->repoint_ms);
    bt_json_end(j);
}

static void timeline_json(const struct bt_failover *f, struct bt_json *j)
{
    bt_json_key(j, "timeline");
    bt_json_array(j);
    for (int s = 0; s < BT_FO_STEP_COUNT; s++) {
        if (f->timings[s].took_ms < 0)
            continue;
        bt_json_object(j);
        bt_json_key_str(j, "step", bt_fo_step_name((enum bt_fo_step)s));
        bt_json_key_i64(j, "began_ms", f->timings[s].began_ms);
        bt_json_key_i64(j, "took_ms", f->timings[s].took_ms);
        bt_json_end(j);
    }
    bt_json_end(j);
}

void bt_report_json(const struct bt_failover *f, struct bt_json *out)
{
    struct bt_plan_input in = bt_fo_plan_input(f);

    bt_json_object(out);
    bt_json_key_str(out, "outcome", outcome_text(f));
    bt_json_key_str(out, "app", f->config->app);
    bt_json_key_str(out, "dead_primary",
                    f->has_topology ? f->config->servers[f->topology.primary].hostname : NULL);
    bt_json_key_str(out, "new_primary",
                    f->is_promoted ? f->config->servers[f->plan.winner].hostname : NULL);
    bt_json_key_str(out, "error", f->failure.kind != BT_ERR_NONE ? f->failure.text : NULL);
    bt_json_key_bool(out, "fenced", f->is_fenced);
    bt_json_key_bool(out, "vip", f->vip_is_up);
    bt_json_key_str(out, "statement", f->is_promoted ? f->statement : NULL);
    bt_json_key_str(out, "gtid", f->is_promoted ? f->gtid : NULL);
    bt_json_key(out, "servers");
    bt_json_array(out);
    for (size_t i = 0; f->has_topology && i < f->count; i++)
        if (i != f->topology.primary)
            host_json(f, &f->hosts[i], out);
    bt_json_end(out);
    bt_json_key_lines(out, "lost",
                      f->has_plan ? bt_buf_slice(&f->plan.lost) : bt_slice_empty());
    bt_json_key_lines(out, "notes", bt_buf_slice(&f->notes));
    timeline_json(f, out);
    bt_json_key_i64(out, "took_ms", f->ended_ms - f->began_ms);
    if (f->has_plan) {
        bt_json_key(out, "plan");
        bt_plan_json(&in, &f->plan, out);
    }
    bt_json_end(out);
}
