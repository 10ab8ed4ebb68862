/* SPDX-License-Identifier: Apache-2.0 */
/* What a switchover is going to do, or did. */
#include <stdio.h>

#include "failover/phrases.h"
#include "failover/switchover_steps.h"

static const char *const outcomes[] = {
    [BT_SWITCHOVER_REFUSED] = "refused",
    [BT_SWITCHOVER_PLANNED] = "planned",
    [BT_SWITCHOVER_UNDONE] = "undone",
    [BT_SWITCHOVER_FAILED] = "failed",
    [BT_SWITCHOVER_DONE] = "done",
    [BT_SWITCHOVER_PARTIAL] = "partial",
};

static const char *name_of(const struct bt_switchover *s, size_t i)
{
    return s->has_plan && i < s->count ? s->config->servers[i].name : NULL;
}

/* How long nobody could write, in ms; -1 when writes were not stopped. */
static double blocked_ms(const struct bt_switchover *s)
{
    if (s->blocked_us == 0 || s->opened_us == 0)
        return -1;
    return (double)(s->opened_us - s->blocked_us) / 1000;
}

static void lines_text(const char *head, const struct bt_buf *lines, struct bt_buf *out)
{
    struct bt_slice rest = bt_buf_slice(lines);

    while (rest.len) {
        const uint8_t *end = memchr(rest.ptr, '\n', rest.len);
        size_t len = end ? (size_t)(end - rest.ptr) : rest.len;

        bt_buf_addf(out, "%s%.*s\n", head, (int)len, (const char *)rest.ptr);
        len += end ? 1 : 0;
        rest = (struct bt_slice){rest.ptr + len, rest.len - len};
    }
}

static const char *state_text(const struct bt_switchover *s, size_t i)
{
    bool is_over = s->outcome == BT_SWITCHOVER_DONE || s->outcome == BT_SWITCHOVER_PARTIAL;

    if (i == s->plan.primary && !is_over)
        return "the primary";
    if (i == s->plan.winner && !is_over)
        return "to be the new primary";
    if (i == s->plan.winner)
        return "is the new primary";
    if (s->hosts[i].follows)
        return is_over ? "follows the new primary" : "follows";
    if (i == s->plan.primary)
        return "is read-only";
    return is_over ? "does not follow the new primary" : "a replica";
}

static void servers_text(const struct bt_switchover *s, struct bt_buf *out)
{
    for (size_t i = 0; s->has_plan && i < s->count; i++) {
        bt_buf_addf(out, "  %s: %s", s->config->servers[i].name, state_text(s, i));
        if (s->plan.servers[i].reason[0] && i != s->plan.primary)
            bt_buf_addf(out, " (%s)", s->plan.servers[i].reason);
        bt_buf_add_byte(out, '\n');
        if (s->hosts[i].err.kind != BT_ERR_NONE)
            bt_buf_addf(out, "      %s\n", s->hosts[i].err.text);
    }
}

static void timeline_text(const struct bt_switchover *s, struct bt_buf *out)
{
    bt_buf_add_str(out, "Timeline (ms since the start):\n");
    for (int k = 0; k < BT_SO_STEP_COUNT; k++)
        if (s->timings[k].took_ms >= 0)
            bt_buf_addf(out, "  %6lld  +%-6lld %-8s %s\n", (long long)s->timings[k].began_ms,
                        (long long)s->timings[k].took_ms, bt_so_step_name((enum bt_so_step)k),
                        bt_so_step_meaning((enum bt_so_step)k));
    bt_buf_addf(out, "  %6lld  end\n", (long long)(s->ended_ms - s->began_ms));
}

void bt_switchover_text(const struct bt_switchover *s, struct bt_buf *out)
{
    bt_buf_addf(out, "Switchover of %s: %s\n", s->config->app, outcomes[s->outcome]);
    servers_text(s, out);
    lines_text("In the way: ", &s->blockers, out);
    lines_text("Warning: ", &s->warnings, out);
    lines_text("", &s->notes, out);
    if (blocked_ms(s) >= 0)
        bt_buf_addf(out, "Nobody could write for %.0f ms; %zu client sessions were ended.\n",
                    blocked_ms(s), s->killed);
    if (s->is_opened)
        bt_buf_addf(out, "New primary's position: %s:%llu, GTID %s\n", s->position.file,
                    (unsigned long long)s->position.pos, s->gtid[0] ? s->gtid : "-");
    if (s->outcome != BT_SWITCHOVER_PLANNED && s->outcome != BT_SWITCHOVER_REFUSED)
        timeline_text(s, out);
}

/* ----------------------------------------------------------------------- JSON */

static void servers_json(const struct bt_switchover *s, struct bt_json *j)
{
    bt_json_key(j, "servers");
    bt_json_array(j);
    for (size_t i = 0; s->has_plan && i < s->count; i++) {
        bt_json_object(j);
        bt_json_key_str(j, "host", s->config->servers[i].hostname);
        bt_json_key_u64(j, "port", s->config->servers[i].port);
        bt_json_key_str(j, "state", state_text(s, i));
        bt_json_key_str(j, "reason", s->plan.servers[i].reason);
        bt_json_key_str(j, "error",
                        s->hosts[i].err.kind != BT_ERR_NONE ? s->hosts[i].err.text : NULL);
        bt_json_key_i64(j, "repoint_ms", s->hosts[i].repoint_ms);
        bt_json_end(j);
    }
    bt_json_end(j);
}

static void timeline_json(const struct bt_switchover *s, struct bt_json *j)
{
    bt_json_key(j, "timeline");
    bt_json_array(j);
    for (int k = 0; k < BT_SO_STEP_COUNT; k++) {
        if (s->timings[k].took_ms < 0)
            continue;
        bt_json_object(j);
        bt_json_key_str(j, "step", bt_so_step_name((enum bt_so_step)k));
        bt_json_key_i64(j, "began_ms", s->timings[k].began_ms);
        bt_json_key_i64(j, "took_ms", s->timings[k].took_ms);
        bt_json_end(j);
    }
    bt_json_end(j);
}

void bt_switchover_json(const struct bt_switchover *s, struct bt_json *out)
{
    bt_json_object(out);
    bt_json_key_str(out, "outcome", outcomes[s->outcome]);
    bt_json_key_str(out, "app", s->config->app);
    bt_json_key_str(out, "old_primary", name_of(s, s->plan.primary));
    bt_json_key_str(out, "new_primary", name_of(s, s->plan.winner));
    bt_json_key(out, "blocked_ms");
    if (blocked_ms(s) >= 0)
        bt_json_f64(out, blocked_ms(s));
    else
        bt_json_null(out);
    bt_json_key_u64(out, "killed_sessions", s->killed);
    bt_json_key_str(out, "statement", s->is_opened ? s->statement : NULL);
    bt_json_key_str(out, "gtid", s->is_opened ? s->gtid : NULL);
    bt_json_key_lines(out, "blockers", bt_buf_slice(&s->blockers));
    bt_json_key_lines(out, "warnings", bt_buf_slice(&s->warnings));
    servers_json(s, out);
    bt_json_key_lines(out, "notes", bt_buf_slice(&s->notes));
    timeline_json(s, out);
    bt_json_key_i64(out, "took_ms", s->ended_ms - s->began_ms);
    bt_json_end(out);
}
