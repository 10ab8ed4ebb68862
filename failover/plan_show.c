/* SPDX-License-Identifier: Apache-2.0 */
/* What --dry-run prints: the plan for people and for programs. */
#include <stdio.h>

#include "base/number.h"
#include "failover/plan.h"

enum { WIDTH = 100 };

/* Adds text, wrapped at WIDTH, every line behind the first indented. */
static void add_wrapped(struct bt_buf *out, const char *text, size_t column, size_t indent)
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
        if (*text == ' ' && text[1]) {
            bt_buf_add_byte(out, ' ');
            column++;
        }
        text += *text == ' ';
    }
    bt_buf_add_byte(out, '\n');
}

static void place_text(const struct bt_coordinate *c, char *out, size_t room)
{
    if (c->file[0])
        snprintf(out, room, "%.80s:%llu", c->file, (unsigned long long)c->pos);
    else
        snprintf(out, room, "-");
}

static void server_text(const struct bt_plan_input *in, const struct bt_plan *plan, size_t i,
                        struct bt_buf *out)
{
    const struct bt_plan_server *s = &plan->servers[i];
    const struct bt_holding *h = &in->holdings[i];
    char place[128], line[640], bytes[BT_SIZE_TEXT_SIZE];

    snprintf(line, sizeof(line), "  %-9s %s: ", bt_standing_name(s->standing),
             in->config->servers[i].name);
    bt_buf_add_str(out, line);
    add_wrapped(out, s->reason, strlen(line), 12);
    if (!s->takes_part)
        return;
    place_text(&h->received, place, sizeof(place));
    bt_buf_addf(out, "            received %s%s", place, s->latest ? " (latest)" : "");
    place_text(&h->executed, place, sizeof(place));
    bt_buf_addf(out, ", applied %s\n", place);
    if (!s->lack.known)
        return;
    if (s->lack.transactions == 0) {
        bt_buf_add_str(out, "            lacks nothing\n");
        return;
    }
    snprintf(line, sizeof(line), "lacks %llu transaction%s (%s), %s to %s, from %s",
             (unsigned long long)s->lack.transactions, s->lack.transactions == 1 ? "" : "s",
             bt_size_text(s->lack.bytes, bytes), s->lack.first, s->lack.last, s->lack.sources);
    bt_buf_add_str(out, "            ");
    add_wrapped(out, line, 12, 14);
}

/* Each line of lines, wrapped, behind a title. */
static void lines_text(const char *title, const struct bt_buf *lines, struct bt_buf *out)
{
    struct bt_slice rest = bt_buf_slice(lines);

    if (rest.len)
        bt_buf_addf(out, "%s:\n", title);
    while (rest.len) {
        const uint8_t *newline = memchr(rest.ptr, '\n', rest.len);
        size_t len = newline ? (size_t)(newline - rest.ptr) : rest.len;
        char line[2048];

        snprintf(line, sizeof(line), "%.*s", (int)(len > 2000 ? 2000 : len),
                 (const char *)rest.ptr);
        bt_buf_add_str(out, "  ");
        add_wrapped(out, line, 2, 4);
        len += newline ? 1 : 0;
        rest = (struct bt_slice){rest.ptr + len, rest.len - len};
    }
}

void bt_plan_text(const struct bt_plan_input *in, const struct bt_plan *plan, struct bt_buf *out)
{
    bt_buf_addf(out, "Dead primary: %s\n", in->config->servers[plan->primary].name);
    if (plan->winner != SIZE_MAX)
        bt_buf_addf(out, "New primary:  %s\n", in->config->servers[plan->winner].name);
    else
        bt_buf_add_str(out, "New primary:  none\n");
    if (in->dead->logs_found)
        bt_buf_add_str(out, "Binary logs of the dead primary: readable\n");
    bt_buf_add_str(out, "Servers:\n");
    for (size_t i = 0; i < plan->count; i++)
        if (i != plan->primary)
            server_text(in, plan, i, out);
    if (in->semisync && in->semisync->state != BT_SEMISYNC_UNKNOWN && plan->lost.len == 0) {
        bt_buf_add_str(out, "Acknowledged: ");
        add_wrapped(out, plan->acks.unsent.text, 14, 2);
    }
    lines_text("Lost", &plan->lost, out);
    lines_text("Warnings", &plan->warnings, out);
    lines_text("In the way", &plan->blockers, out);
}

/* ----------------------------------------------------------------------- JSON */

static void place_json(struct bt_json *j, const char *key, const struct bt_coordinate *c)
{
    bt_json_key(j, key);
    if (c->file[0] == '\0') {
        bt_json_null(j);
        return;
    }
    bt_json_object(j);
    bt_json_key_str(j, "file", c->file);
    bt_json_key_u64(j, "pos", c->pos);
    bt_json_end(j);
}

static void lack_json(struct bt_json *j, const struct bt_plan_lack *lack)
{
    bt_json_key(j, "lacks");
    if (!lack->known) {
        bt_json_null(j);
        return;
    }
    bt_json_object(j);
    bt_json_key_u64(j, "transactions", lack->transactions);
    bt_json_key_u64(j, "bytes", lack->bytes);
    bt_json_key_str(j, "first", lack->first[0] ? lack->first : NULL);
    bt_json_key_str(j, "last", lack->last[0] ? lack->last : NULL);
    bt_json_key_str(j, "sources", lack->sources);
    bt_json_end(j);
}

static void acks_json(const struct bt_plan_input *in, const struct bt_plan *plan, struct bt_json *j)
{
    const struct bt_plan_acks *acks = &plan->acks;
    const struct bt_holding *most =
        acks->furthest == SIZE_MAX ? NULL : &in->holdings[acks->furthest];
    enum bt_semisync_state state = in->semisync ? in->semisync->state : BT_SEMISYNC_UNKNOWN;

    bt_json_key(j, "semisync");
    bt_json_object(j);
    bt_json_key_str(j, "state", bt_semisync_state_name(state));
    bt_json_key_str(j, "wait_point",
                    state <= BT_SEMISYNC_OFF        ? NULL
                    : in->semisync->is_after_commit ? "AFTER_COMMIT"
                                                    : "AFTER_SYNC");
    bt_json_key_u64(j, "clients", in->semisync ? in->semisync->clients : 0);
    bt_json_key(j, "replicas");
    bt_json_array(j);
    for (size_t i = 0; i < plan->count; i++)
        if (acks->acknowledges[i])
            bt_json_str(j, in->config->servers[i].hostname);
    bt_json_end(j);
    bt_json_key_str(j, "unsent_acknowledged", bt_acked_name(acks->unsent.unsent));
    if (acks->unsent.unsent == BT_ACKED_NO && most) {
        place_json(j, "acknowledged_up_to", &most->received);
        bt_json_key_str(j, "acknowledged_gtid", most->gtid[0] ? most->gtid : NULL);
    }
    bt_json_key_str(j, "text", acks->unsent.text);
    bt_json_end(j);
}

static void server_json(const struct bt_plan_input *in, const struct bt_plan *plan, size_t i,
                        struct bt_json *j)
{
    const struct bt_plan_server *s = &plan->servers[i];
    const struct bt_holding *h = &in->holdings[i];

    bt_json_object(j);
    bt_json_key_str(j, "host", in->config->servers[i].hostname);
    bt_json_key_u64(j, "port", in->config->servers[i].port);
    bt_json_key_str(j, "role", bt_role_name(in->topology->role[i]));
    bt_json_key_str(j, "standing", bt_standing_name(s->standing));
    bt_json_key_str(j, "reason", s->reason);
    bt_json_key_bool(j, "takes_part", s->takes_part);
    if (s->takes_part) {
        bt_json_key_u64(j, "rank", s->rank);
        bt_json_key_bool(j, "latest", s->latest);
        place_json(j, "received", &h->received);
        place_json(j, "executed", &h->executed);
        bt_json_key_str(j, "gtid_received", h->gtid[0] ? h->gtid : NULL);
        bt_json_key_bool(j, "from_logs", h->from_logs);
        bt_json_key_u64(j, "unfinished_bytes", h->unfinished_bytes);
        bt_json_key_str(j, "cut", h->cut[0] ? h->cut : NULL);
        lack_json(j, &s->lack);
    }
    bt_json_end(j);
}

void bt_plan_json(const struct bt_plan_input *in, const struct bt_plan *plan, struct bt_json *out)
{
    bt_json_object(out);
    bt_json_key_str(out, "app", in->config->app);
    bt_json_key_str(out, "dead_primary", in->config->servers[plan->primary].hostname);
    bt_json_key_str(out, "new_primary",
                    plan->winner == SIZE_MAX ? NULL : in->config->servers[plan->winner].hostname);
    bt_json_key_str(out, "rule", bt_rule_text(plan->rule));
    bt_json_key_bool(out, "primary_logs", in->dead->logs_found);
    bt_json_key(out, "servers");
    bt_json_array(out);
    for (size_t i = 0; i < plan->count; i++)
        server_json(in, plan, i, out);
    bt_json_end(out);
    acks_json(in, plan, out);
    bt_json_key_lines(out, "lost", bt_buf_slice(&plan->lost));
    bt_json_key_lines(out, "warnings", bt_buf_slice(&plan->warnings));
    bt_json_key_lines(out, "blockers", bt_buf_slice(&plan->blockers));
    bt_json_end(out);
}
