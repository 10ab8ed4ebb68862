/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_transactions.c - `baton inspect --transactions`: one line for each transaction. */
#include "base/clock.h"
#include "base/json.h"
#include "base/number.h"
#include "cli/inspect_modes.h"
#include "cli/inspect_rowcount.h"

/* What is collected while a transaction goes by. */
struct listing {
    struct bt_inspect *in;
    struct bt_row_counter rows;
    struct bt_table_stats_map tables; /* of the open transaction */
    uint64_t row_count;
    bool any_wanted; /* one of its tables passes --db and --table */
};

static int begin_transaction(struct listing *l, struct bt_err *err)
{
    bt_table_stats_done(&l->tables);
    l->row_count = 0;
    l->any_wanted = !bt_filter_has_tables(&l->in->scan.filter);
    return bt_table_stats_init(&l->tables, err);
}

static void json_tables(struct bt_json *j, struct bt_table_stats_map *tables)
{
    struct bt_table_stats **sorted = bt_table_stats_sorted(tables);

    bt_json_key(j, "tables");
    bt_json_array(j);
    for (size_t i = 0; sorted && i < tables->count; i++) {
        bt_auto_buf struct bt_buf name;

        bt_buf_init(&name, 4096);
        bt_buf_add_slice(&name, sorted[i]->db);
        bt_buf_add_byte(&name, '.');
        bt_buf_add_slice(&name, sorted[i]->table);
        bt_json_text(j, bt_buf_slice(&name));
    }
    bt_json_end(j);
}

static void json_transaction(struct listing *l, const char *path, const struct bt_transaction *t)
{
    char gtid[BT_GTID_TEXT_SIZE], when[BT_TIME_TEXT_SIZE];
    struct bt_json j;

    bt_json_init(&j, &l->in->out.buf);
    bt_json_object(&j);
    bt_json_key_str(&j, "gtid", bt_gtid_text(&t->gtid, gtid));
    bt_json_key_str(&j, "file", path);
    bt_json_key_u64(&j, "start", t->start);
    bt_json_key_u64(&j, "end", t->end);
    bt_json_key(&j, "primary");
    bt_json_object(&j);
    bt_json_key_str(&j, "file", t->primary_start.file);
    bt_json_key_u64(&j, "start", t->primary_start.pos);
    bt_json_key_u64(&j, "end", t->primary_end.pos);
    bt_json_end(&j);
    bt_json_key_str(&j, "kind", bt_transaction_kind_name(t->kind));
    bt_json_key_str(&j, "end_kind", bt_transaction_end_name(t->end_kind));
    bt_json_key_bool(&j, "complete", t->complete);
    bt_json_key_str(&j, "time", t->when ? bt_time_text((int64_t)t->when * 1000000, when) : NULL);
    bt_json_key_u64(&j, "bytes", t->bytes);
    bt_json_key_u64(&j, "events", t->events);
    bt_json_key_u64(&j, "rows", l->row_count);
    json_tables(&j, &l->tables);
    bt_json_end(&j);
    bt_buf_add_byte(&l->in->out.buf, '\n');
}

static void text_transaction(struct listing *l, const char *path, const struct bt_transaction *t)
{
    char gtid[BT_GTID_TEXT_SIZE], when[BT_TIME_TEXT_SIZE], size[BT_SIZE_TEXT_SIZE];
    struct bt_buf *out = &l->in->out.buf;
    struct bt_table_stats **sorted = bt_table_stats_sorted(&l->tables);

    bt_buf_addf(out, "%s:%llu-%llu  %-16s %-8s %-10s %9s %8llu rows  %s", path,
                (unsigned long long)t->start, (unsigned long long)t->end,
                *bt_gtid_text(&t->gtid, gtid) ? gtid : "-", bt_transaction_kind_name(t->kind),
                bt_transaction_end_name(t->end_kind), bt_size_text(t->bytes, size),
                (unsigned long long)l->row_count,
                t->when ? bt_time_text((int64_t)t->when * 1000000, when) : "");
    for (size_t i = 0; sorted && i < l->tables.count; i++)
        bt_buf_addf(out, "%s%.*s.%.*s", i ? ", " : "  ", BT_SLICE_ARG(sorted[i]->db),
                    BT_SLICE_ARG(sorted[i]->table));
    bt_buf_add_byte(out, '\n');
}

static int show(struct listing *l, const char *path, const struct bt_transaction *t,
                struct bt_err *err)
{
    if (t->bytes < l->in->scan.filter.min_bytes || !l->any_wanted)
        return 0;
    if (l->in->json)
        json_transaction(l, path, t);
    else
        text_transaction(l, path, t);
    if (bt_out_line(&l->in->out, err) != 0)
        return -1;
    l->in->held_from = l->in->out.buf.len;
    return 0;
}

static int count_rows(struct listing *l, const struct bt_scan_event *se, struct bt_err *err)
{
    struct bt_rows_counted rows = {
        .path = se->path,
        .offset = se->event->offset,
        .length = se->event->header.length,
        .when = se->event->header.when,
        .frame = se->frame,
        .table = se->table,
    };
    uint64_t count;

    rows.stats = bt_table_stats_of(&l->tables, se->table->map.db, se->table->map.table);
    if (!rows.stats)
        return bt_fail(err, BT_ERR_LIMIT, "there are more tables than fit in memory");
    if (bt_row_counter_count(&l->rows, &rows, &l->tables, &count, err) != 0)
        return -1;
    l->row_count += count;
    return 0;
}

static int event(void *ctx, const struct bt_scan_event *se, struct bt_err *err)
{
    struct listing *l = ctx;

    if ((se->step == BT_GROUP_BEGIN || se->step == BT_GROUP_WHOLE) &&
        begin_transaction(l, err) != 0)
        return -1;
    if (se->frame && se->table && count_rows(l, se, err) != 0)
        return bt_err_wrap(err, "%s:%llu", se->path, (unsigned long long)se->event->offset);
    l->any_wanted |= se->wanted;
    if (se->step == BT_GROUP_END || se->step == BT_GROUP_WHOLE)
        return show(l, se->path, se->transaction, err);
    return 0;
}

static int abandoned(void *ctx, const char *path, const struct bt_transaction *t,
                     struct bt_err *err)
{
    return show(ctx, path, t, err);
}

static int end_log(void *ctx, const struct bt_scan_log *log, const struct bt_end *end,
                   struct bt_err *err)
{
    struct listing *l = ctx;

    (void)err;
    bt_inspect_note_end(l->in, log->path, end);
    return 0;
}

int bt_inspect_transactions(struct bt_inspect *in, const char *const *paths, size_t count,
                            struct bt_err *err)
{
    static const struct bt_scan_visitor visitor = {
        .event = event, .abandoned = abandoned, .end_log = end_log};
    struct listing l = {.in = in};
    int result = bt_table_stats_init(&l.tables, err);

    if (result == 0)
        result = bt_scan_paths(paths, count, &in->scan, &visitor, &l, err);
    bt_row_counter_done(&l.rows);
    bt_table_stats_done(&l.tables);
    return result;
}
