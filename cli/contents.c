/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/contents.h"

#include <inttypes.h>

#include "base/number.h"
#include "cli/redact.h"
#include "diff/log_walk.h"
#include "parser/query.h"
#include "parser/table_map.h"

enum { NAMES_MAX = 4096, STATEMENT_SHOWN = 60 };

struct contents {
    struct bt_buf tables;    /* "d.t\0d.u\0", each once */
    struct bt_buf statement; /* of the first statement that is no BEGIN */
};

static void contents_done(struct contents *c)
{
    bt_buf_done(&c->tables);
    bt_buf_done(&c->statement);
}

static void add_table(struct contents *c, const struct bt_event *ev)
{
    bt_auto_buf struct bt_buf name;
    struct bt_table_map map;
    struct bt_err ignored = {0};

    bt_buf_init(&name, NAMES_MAX);
    if (bt_table_map_read(ev, &map, &ignored) != 0)
        return;
    bt_buf_addf(&name, "%.*s.%.*s", BT_SLICE_ARG(map.db), BT_SLICE_ARG(map.table));
    for (size_t at = 0; at < c->tables.len;) {
        size_t len = strlen((const char *)c->tables.data + at);

        if (len == name.len && memcmp(c->tables.data + at, name.data, len) == 0)
            return;
        at += len + 1;
    }
    if (c->tables.len + name.len + 1 < NAMES_MAX) {
        bt_buf_add_slice(&c->tables, bt_buf_slice(&name));
        bt_buf_add_byte(&c->tables, '\0');
    }
}

static void add_statement(struct contents *c, const struct bt_event *ev)
{
    struct bt_err ignored = {0};
    struct bt_slice text;

    if (c->statement.len || bt_query_text_read(ev, &text, &ignored) != 0 ||
        (text.len == 5 && memcmp(text.ptr, "BEGIN", 5) == 0) ||
        (text.len == 6 && memcmp(text.ptr, "COMMIT", 6) == 0))
        return;
    bt_redact(bt_slice(text.ptr, text.len < NAMES_MAX / 2 ? text.len : NAMES_MAX / 2),
              &c->statement);
    for (size_t i = 0; i < c->statement.len; i++) {
        if (c->statement.data[i] < ' ')
            c->statement.data[i] = ' ';
    }
}

/* Reads the transaction once more.  What cannot be read any more stays empty. */
static void read_item(const struct bt_missing *m, const struct bt_missing_item *item,
                      struct contents *c)
{
    struct bt_log_walk_opts opts = {
        .log = item->log, .pos = item->start, .format_pos = item->format_pos, .in_order = true};
    struct bt_log_walk_step step;
    struct bt_err ignored = {0};
    struct bt_log_walk w;

    bt_buf_init(&c->tables, NAMES_MAX);
    bt_buf_init(&c->statement, NAMES_MAX);
    bt_log_walk_begin(&w, m->sources[item->source].set, opts);
    while (bt_log_walk_next(&w, &step, &ignored) == 0 && step.cut.kind == BT_CUT_NONE) {
        if (step.event.type == BT_TABLE_MAP)
            add_table(c, &step.event);
        else if (step.event.type == BT_QUERY || step.event.type == BT_QUERY_COMPRESSED)
            add_statement(c, &step.event);
        if (step.part == BT_GROUP_END || step.part == BT_GROUP_WHOLE)
            break;
    }
    bt_log_walk_end(&w);
}

static void write_line(const struct bt_missing *m, const struct bt_missing_item *item,
                       unsigned indent, struct bt_buf *out)
{
    BT_AUTO(contents_done)
    struct contents c = {0};
    char gtid[BT_GTID_TEXT_SIZE], size[BT_SIZE_TEXT_SIZE];

    read_item(m, item, &c);
    bt_buf_addf(out, "%*s", (int)indent, "");
    if (item->gtid.kind != BT_GTID_NONE)
        bt_buf_add_str(out, bt_gtid_text(&item->gtid, gtid));
    else
        bt_buf_addf(out, "%s:%" PRIu64, item->file == UINT32_MAX ? "?" : m->files[item->file],
                    item->pos);
    bt_buf_addf(out, "  %s  %s", bt_transaction_kind_name((enum bt_transaction_kind)item->kind),
                bt_size_text(item->bytes, size));
    for (size_t at = 0; at < c.tables.len; at += strlen((const char *)c.tables.data + at) + 1)
        bt_buf_addf(out, "%s%s", at ? ", " : "  ", (const char *)c.tables.data + at);
    if (item->rows_events)
        bt_buf_addf(out, " (%" PRIu64 " row event%s)", item->rows_events,
                    item->rows_events == 1 ? "" : "s");
    if (c.statement.len)
        bt_buf_addf(out, "  %.*s%s",
                    (int)(c.statement.len < STATEMENT_SHOWN ? c.statement.len : STATEMENT_SHOWN),
                    (const char *)c.statement.data, c.statement.len > STATEMENT_SHOWN ? "..." : "");
    bt_buf_add_byte(out, '\n');
}

void bt_contents_text(const struct bt_missing *m, unsigned indent, struct bt_buf *out)
{
    for (size_t i = 0; i < m->count && i < BT_CONTENTS_LINES; i++)
        write_line(m, &m->items[i], indent, out);
    if (m->count > BT_CONTENTS_LINES)
        bt_buf_addf(out, "%*sand %zu more\n", (int)indent, "", m->count - BT_CONTENTS_LINES);
}

static void write_item(const struct bt_missing *m, const struct bt_missing_item *item,
                       struct bt_json *j)
{
    BT_AUTO(contents_done)
    struct contents c = {0};
    char gtid[BT_GTID_TEXT_SIZE];

    read_item(m, item, &c);
    bt_json_object(j);
    bt_json_key_str(j, "gtid",
                    item->gtid.kind == BT_GTID_NONE ? NULL : bt_gtid_text(&item->gtid, gtid));
    bt_json_key_str(j, "kind", bt_transaction_kind_name((enum bt_transaction_kind)item->kind));
    bt_json_key_u64(j, "bytes", item->bytes);
    bt_json_key_u64(j, "row_events", item->rows_events);
    bt_json_key(j, "tables");
    bt_json_array(j);
    for (size_t at = 0; at < c.tables.len; at += strlen((const char *)c.tables.data + at) + 1)
        bt_json_text(j, bt_slice_str((const char *)c.tables.data + at));
    bt_json_end(j);
    bt_json_key(j, "statement");
    if (c.statement.len)
        bt_json_text(j, bt_buf_slice(&c.statement));
    else
        bt_json_null(j);
    bt_json_end(j);
}

void bt_contents_json(const struct bt_missing *m, const char *key, struct bt_json *j)
{
    bt_json_key(j, key);
    bt_json_array(j);
    for (size_t i = 0; i < m->count; i++)
        write_item(m, &m->items[i], j);
    bt_json_end(j);
}
