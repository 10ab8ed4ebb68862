/* SPDX-License-Identifier: Apache-2.0 */
/* What `baton rank --json` writes. */
#include "cli/contents.h"
#include "cli/ranking.h"

static void write_name(const struct bt_ranked_server *s, struct bt_json *j)
{
    if (!s->live) {
        bt_json_key_str(j, "dir", s->logs.dir);
        return;
    }
    bt_json_key_str(j, "host", s->live->conf->hostname);
    bt_json_key_u64(j, "port", s->live->conf->port);
}

const struct bt_coordinate *bt_ranking_primary_end(const struct bt_ranking *r)
{
    const struct bt_ranked_server *p = r->primary < r->count ? &r->servers[r->primary] : NULL;

    return p && p->logs.surveyed ? &p->logs.survey.received : NULL;
}

static void write_lag(const struct bt_ranking *r, const struct bt_ranked_server *s,
                      struct bt_json *j)
{
    const struct bt_upstream *u = bt_live_upstream(s->live);
    const struct bt_coordinate *end = bt_ranking_primary_end(r);

    bt_json_key(j, "lag");
    bt_json_object(j);
    bt_json_key(j, "bytes");
    if (end && s->logs.survey.received.file[0])
        bt_json_u64(j, bt_bars_between(&r->bars, &s->logs.survey.received, end));
    else
        bt_json_null(j);
    bt_json_key(j, "seconds");
    if (u && u->lag_seconds >= 0)
        bt_json_u64(j, (uint64_t)u->lag_seconds);
    else
        bt_json_null(j);
    bt_json_end(j);
}

static void write_executed(const struct bt_ranked_server *s, struct bt_json *j)
{
    bt_auto_buf struct bt_buf text;

    bt_buf_init(&text, 64 << 20);
    if (s->logs.executed.known && s->logs.survey.flavor == BT_FLAVOR_MYSQL)
        bt_gtid_set_text(&s->logs.executed.set, &text);
    else if (s->logs.executed.known)
        bt_gtid_state_text(&s->logs.executed.state, &text);
    bt_json_key_str(j, "gtid_executed", s->logs.executed.known ? bt_buf_str(&text) : NULL);
}

static void write_survey(const struct bt_ranked_server *s, struct bt_json *j)
{
    struct bt_survey *survey = (struct bt_survey *)(uintptr_t)&s->logs.survey;

    bt_json_coordinate(j, "received", &survey->received);
    bt_json_coordinate(j, "executed", &survey->executed);
    bt_json_key_str(j, "gtid_received", survey->has_gtid ? bt_buf_str(&survey->gtid_text) : NULL);
    write_executed(s, j);
}

/* With several connections: what each has received. */
static void write_connections(const struct bt_ranked_server *s, struct bt_json *j)
{
    bt_json_key(j, "connections");
    bt_json_array(j);
    for (size_t i = 0; i < s->connection_count; i++) {
        struct bt_survey *survey = &s->connections[i];

        bt_json_object(j);
        bt_json_key_str(j, "name", s->connection_sets[i]->connection);
        bt_json_coordinate(j, "received", &survey->received);
        bt_json_coordinate(j, "executed", &survey->executed);
        bt_json_key_str(j, "gtid_received",
                        survey->has_gtid ? bt_buf_str(&survey->gtid_text) : NULL);
        bt_json_end(j);
    }
    bt_json_end(j);
}

static void write_replica(const struct bt_ranking *r, size_t index, struct bt_json *j)
{
    const struct bt_rank_item *item = &r->items[index];
    const struct bt_ranked_server *s = &r->servers[r->item_server[index]];
    const struct bt_survey *survey = &s->logs.survey;
    char gtid[BT_GTID_TEXT_SIZE];
    bool forks = item->fork_with != SIZE_MAX;

    bt_json_object(j);
    write_name(s, j);
    write_survey(s, j);
    bt_json_key_u64(j, "rank", item->rank);
    bt_json_key_bool(j, "latest", item->latest);
    bt_json_key_bool(j, "gtid_from_end", survey->gtid_from_end);
    bt_json_key_u64(j, "unfinished_bytes", survey->unfinished_bytes);
    bt_json_key_str(j, "cut", survey->cut.kind == BT_CUT_NONE ? NULL : survey->cut.reason);
    bt_json_key_str(j, "incomparable_to",
                    forks ? r->servers[r->item_server[item->fork_with]].logs.dir : NULL);
    bt_json_key_str(j, "fork_point",
                    forks && item->fork_point.kind != BT_GTID_NONE
                        ? bt_gtid_text(&item->fork_point, gtid)
                        : NULL);
    if (s->connection_count)
        write_connections(s, j);
    if (s->has_errant)
        bt_contents_json(&s->errant, "errant", j);
    if (s->live) {
        write_lag(r, s, j);
        bt_json_key_bool(j, "from_logs", !s->logs.from_words);
        bt_json_key_str(j, "error", bt_live_error(s->live)[0] ? bt_live_error(s->live) : NULL);
    }
    bt_json_end(j);
}

/* The servers of a cluster that have no rank: the primary, and those that cannot be looked at. */
static void write_others(const struct bt_ranking *r, struct bt_json *j)
{
    bt_json_key(j, "primary");
    if (r->primary < r->count) {
        const struct bt_ranked_server *p = &r->servers[r->primary];

        bt_json_object(j);
        write_name(p, j);
        write_survey(p, j);
        bt_json_key_str(j, "error", bt_live_error(p->live)[0] ? bt_live_error(p->live) : NULL);
        bt_json_end(j);
    } else {
        bt_json_null(j);
    }
    bt_json_key(j, "unreachable");
    bt_json_array(j);
    for (size_t i = 0; i < r->count; i++) {
        if (r->servers[i].is_ranked || i == r->primary)
            continue;
        bt_json_object(j);
        write_name(&r->servers[i], j);
        bt_json_key_str(j, "error",
                        bt_live_error(r->servers[i].live)[0]
                            ? bt_live_error(r->servers[i].live)
                            : bt_role_name(r->servers[i].live->role));
        bt_json_end(j);
    }
    bt_json_end(j);
}

void bt_ranking_json(const struct bt_ranking *r, struct bt_buf *out)
{
    struct bt_json j;

    bt_json_init(&j, out);
    bt_json_object(&j);
    bt_json_key(&j, "replicas");
    bt_json_array(&j);
    for (size_t i = 0; i < r->item_count; i++)
        write_replica(r, r->order[i], &j);
    bt_json_end(&j);
    if (r->live)
        write_others(r, &j);
    bt_json_end(&j);
    bt_buf_add_byte(out, '\n');
}
