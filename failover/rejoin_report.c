/* SPDX-License-Identifier: Apache-2.0 */
/* What a rejoin found and did. */
#include "failover/rejoin_steps.h"

static const char *const outcomes[] = {
    [BT_REJOIN_REFUSED] = "refused",
    [BT_REJOIN_DIVERGED] = "diverged",
    [BT_REJOIN_PLANNED] = "planned",
    [BT_REJOIN_FAILED] = "failed",
    [BT_REJOIN_DONE] = "done",
    [BT_REJOIN_BEHIND] = "behind",
};

/* Which of the two states the server is in now. */
static const char *state_text(const struct bt_rejoin *r)
{
    if (r->outcome == BT_REJOIN_DONE)
        return "It is a replica, and has everything.";
    if (r->outcome == BT_REJOIN_BEHIND)
        return "It is a replica, and still catches up.";
    if (!r->is_closed)
        return "Nothing was changed.";
    if (r->outcome == BT_REJOIN_DIVERGED)
        return "It is read-only, and its data are as they were.";
    if (r->is_told)
        return "It is read-only and was told whom to follow. Run it again.";
    if (r->is_reversing)
        return "It is read-only. What it alone had is taken back whole or not at all, which the "
               "next "
               "run finds out. Run it again.";
    if (r->is_reversed)
        return "It is read-only, what it alone had is taken back, and it follows nobody yet. Run "
               "it "
               "again.";
    return "It is read-only, its data are as they were, and it follows nobody yet. Run it again.";
}

void bt_rejoin_text(const struct bt_rejoin *r, struct bt_buf *out)
{
    bt_buf_addf(out, "Rejoin of %s: %s\n", r->config->servers[r->host].name, outcomes[r->outcome]);
    bt_buf_add_slice(out, bt_buf_slice(&r->notes));
    bt_buf_addf(out, "%s\n", state_text(r));
    bt_buf_addf(out, "It took %lld ms.\n", (long long)(r->ended_ms - r->began_ms));
}

static void extra_json(const struct bt_rejoin *r, struct bt_json *j)
{
    char gtid[BT_GTID_TEXT_SIZE], when[BT_TIME_TEXT_SIZE];

    bt_json_key(j, "extra");
    bt_json_array(j);
    for (size_t i = 0; r->is_compared && i < r->extra.count; i++) {
        const struct bt_missing_item *item = &r->extra.items[i];

        bt_json_object(j);
        bt_json_key_str(j, "gtid", bt_gtid_text(&item->gtid, gtid));
        bt_json_key_str(j, "time", bt_time_text((int64_t)item->when * 1000000, when));
        bt_json_key_u64(j, "bytes", item->bytes);
        bt_json_key_u64(j, "rows_events", item->rows_events);
        bt_json_end(j);
    }
    bt_json_end(j);
}

void bt_rejoin_json(const struct bt_rejoin *r, struct bt_json *out)
{
    bt_json_object(out);
    bt_json_key_str(out, "outcome", outcomes[r->outcome]);
    bt_json_key_str(out, "app", r->config->app);
    bt_json_key_str(out, "host", r->config->servers[r->host].name);
    bt_json_key_str(out, "primary",
                    r->primary == SIZE_MAX ? NULL : r->config->servers[r->primary].name);
    bt_json_key_bool(out, "compared", r->is_compared);
    extra_json(r, out);
    bt_json_key_str(out, "archive", r->has_manifest ? r->archive_path : NULL);
    bt_json_key_u64(out, "reversed_transactions", r->reversed.transactions);
    bt_json_key_u64(out, "reversed_rows", r->reversed.rows);
    bt_json_key_str(out, "state", state_text(r));
    bt_json_key_str(out, "error", r->why[0] ? r->why : NULL);
    bt_json_key_lines(out, "notes", bt_buf_slice(&r->notes));
    bt_json_key_i64(out, "took_ms", r->ended_ms - r->began_ms);
    bt_json_end(out);
}
