/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_rows.c - `baton inspect --rows`: every row change, a line each. */
#include <stdlib.h>

#include "apply/server_schema.h"
#include "base/digits.h"
#include "base/json.h"
#include "base/log.h"
#include "cli/inspect_modes.h"
#include "parser/schema.h"
#include "parser/value.h"

struct printing {
    struct bt_inspect *in;
    struct bt_row_reader *reader;
    struct bt_schema *schema; /* NULL without one */
    const char *note_seen;    /* the last plan's note, told once */
    struct bt_buf head;       /* what the lines of one event begin with */
    size_t shared;            /* of head: what GTID and log of the event before made; 0 = nothing */
    struct bt_gtid gtid;      /* that GTID */
    struct bt_source *source; /* of the log in hand */
    struct bt_err unwritten;  /* why a part of a line could not be written */
};

/* The GTID and the log: the same for all events of a transaction, so kept from one to the next. */
static void share_head(struct printing *p, const struct bt_scan_event *se)
{
    static const struct bt_gtid none = {.kind = BT_GTID_NONE};
    const struct bt_gtid *gtid = se->transaction ? &se->transaction->gtid : &none;
    char text[BT_GTID_TEXT_SIZE];
    struct bt_json j;

    if (p->shared && bt_gtid_equal(gtid, &p->gtid)) {
        p->head.len = p->shared;
        return;
    }
    bt_buf_reset(&p->head);
    bt_json_init(&j, &p->head);
    bt_json_object(&j);
    bt_json_key_str(&j, "gtid", bt_gtid_text(gtid, text));
    bt_json_key_str(&j, "file", se->path);
    bt_json_key(&j, "offset");
    p->shared = p->head.failed ? 0 : p->head.len;
    p->gtid = *gtid;
}

/* `,"db":"d","table":"t","op":"`, kept with the table. */
struct table_head {
    size_t len;
    uint8_t bytes[];
};

static const struct table_head *make_table_head(struct bt_table *table)
{
    bt_auto_buf struct bt_buf text;
    struct table_head *head;
    struct bt_json j;

    bt_buf_init(&text, 64 * 1024);
    bt_json_init(&j, &text);
    j.need_comma = true;
    bt_json_key_text(&j, "db", table->map.db);
    bt_json_key_text(&j, "table", table->map.table);
    bt_buf_add_str(&text, ",\"op\":\"");
    head = text.failed ? NULL : malloc(sizeof(*head) + text.len);
    if (!head)
        return NULL;
    head->len = text.len;
    memcpy(head->bytes, text.data, text.len);
    table->mark = head;
    table->mark_free = free;
    return head;
}

/* What all rows of one event share; made once per event. */
static int head_json(struct printing *p, const struct bt_scan_event *se, struct bt_err *err)
{
    const struct table_head *table =
        se->table->mark ? se->table->mark : make_table_head(se->table);
    char digits[BT_DIGITS_MAX];

    if (!table)
        return bt_fail_sys(err, "could not keep the names of a table");
    share_head(p, se);
    bt_buf_add(&p->head, digits, (size_t)(bt_put_u64(digits, se->event->offset) - digits));
    bt_buf_add(&p->head, table->bytes, table->len);
    bt_buf_add_str(&p->head, bt_rows_op_name(se->frame->op));
    bt_buf_add_byte(&p->head, '"');
    return bt_buf_check(&p->head, "the head of a row", err);
}

/* Another log: its path may stand where the last one's stood. */
static int begin_log(void *ctx, const struct bt_scan_log *log, struct bt_err *err)
{
    struct printing *p = ctx;

    (void)err;
    p->source = log->source;
    p->shared = 0;
    return 0;
}

static void head_text(struct bt_buf *out, const struct bt_scan_event *se, enum bt_rows_op op)
{
    bt_buf_addf(out, "%s:%llu %s %.*s.%.*s", se->path, (unsigned long long)se->event->offset,
                bt_rows_op_name(op), BT_SLICE_ARG(se->table->map.db),
                BT_SLICE_ARG(se->table->map.table));
}

/* `,"before":{...}` or ` before {...}`. */
static int add_image(struct bt_buf *out, const struct bt_plan *plan, const char *key,
                     const struct bt_value *image, struct bt_err *err)
{
    if (!image)
        return 0;
    bt_buf_add_str(out, key);
    return bt_row_json(plan, image, out, err);
}

/* In the midst of a long value: writes what is collected and lets go of what it was made from, so
 * that a row may be larger than memory. */
static void between_pieces(void *ctx)
{
    struct printing *p = ctx;
    struct bt_out *out = &p->in->out;

    bt_source_forget(p->source);
    if (!out->buf.failed && bt_out_line(out, &p->unwritten) != 0)
        out->buf.failed = true;
    p->in->held_from = out->buf.len;
}

static int print_rows(struct printing *p, const struct bt_scan_event *se,
                      const struct bt_plan *plan, const struct bt_rows_event *frame,
                      struct bt_slice head, struct bt_err *err)
{
    const char *before = p->in->json ? ",\"before\":" : " before ";
    const char *after = p->in->json ? ",\"after\":" : " after ";
    struct bt_buf *out = &p->in->out.buf;
    struct bt_row row;
    int next;

    if (bt_row_reader_begin(p->reader, plan, frame, err) != 0)
        return -1;
    /* Lines that may yet be taken back are kept whole. */
    out->between_ctx = p;
    out->between = se->transaction && se->transaction->bytes < p->in->scan.filter.min_bytes
                       ? NULL
                       : between_pieces;
    while ((next = bt_row_reader_next(p->reader, &row, err)) == 0) {
        bt_buf_add_slice(out, head);
        if (add_image(out, plan, before, row.before, err) != 0 ||
            add_image(out, plan, after, row.after, err) != 0) {
            if (p->unwritten.kind)
                *err = p->unwritten;
            return -1;
        }
        bt_buf_add_str(out, p->in->json ? "}\n" : "\n");
        if (bt_inspect_line(p->in, se, err) != 0)
            return -1;
    }
    return next < 0 ? -1 : 0;
}

static int rows_of_event(struct printing *p, const struct bt_scan_event *se, struct bt_err *err)
{
    const struct bt_plan *plan;
    const char *note;

    if (bt_plan_of(se->table, p->schema, &plan, err) != 0)
        return -1;
    note = bt_plan_note(plan);
    if (note && note != p->note_seen)
        bt_warning("%s", note);
    p->note_seen = note;
    if (p->in->json) {
        if (head_json(p, se, err) != 0)
            return -1;
    } else {
        bt_buf_reset(&p->head);
        head_text(&p->head, se, se->frame->op);
    }
    return print_rows(p, se, plan, se->frame, bt_buf_slice(&p->head), err);
}

static int event(void *ctx, const struct bt_scan_event *se, struct bt_err *err)
{
    struct printing *p = ctx;

    if (se->frame && se->wanted && se->table &&
        rows_of_event(p, se, err) != 0)
        return bt_err_wrap(err, "%s:%llu", se->path, (unsigned long long)se->event->offset);
    if (se->step == BT_GROUP_END || se->step == BT_GROUP_WHOLE)
        bt_inspect_settle(p->in, se->transaction);
    return 0;
}

static int abandoned(void *ctx, const char *path, const struct bt_transaction *t,
                     struct bt_err *err)
{
    struct printing *p = ctx;

    (void)path;
    (void)err;
    bt_inspect_settle(p->in, t);
    return 0;
}

static int end_log(void *ctx, const struct bt_scan_log *log, const struct bt_end *end,
                   struct bt_err *err)
{
    struct printing *p = ctx;

    (void)err;
    bt_inspect_note_end(p->in, log->path, end);
    return 0;
}

static int load_schema(const struct bt_inspect *in, struct bt_schema **ret, struct bt_err *err)
{
    enum { ASK_MS = 60000 };

    if (in->schema)
        return bt_schema_load(in->schema, ret, err);
    if (in->server)
        return bt_server_schema_load(in->server, bt_deadline_in(ASK_MS), ret, err);
    return 0;
}

int bt_inspect_rows(struct bt_inspect *in, const char *const *paths, size_t count,
                    struct bt_err *err)
{
    static const struct bt_scan_visitor visitor = {
        .begin_log = begin_log,
        .event = event,
        .abandoned = abandoned,
        .end_log = end_log,
    };
    bt_auto_row_reader struct bt_row_reader *reader = NULL;
    bt_auto_schema struct bt_schema *schema = NULL;
    struct printing p = {.in = in};
    int result;

    if (bt_row_reader_new(&reader, err) != 0 || load_schema(in, &schema, err) != 0)
        return -1;
    p.reader = reader;
    p.schema = schema;
    bt_buf_init(&p.head, 64 * 1024);
    result = bt_scan_paths(paths, count, &in->scan, &visitor, &p, err);
    in->out.buf.between = NULL;
    bt_buf_done(&p.head);
    return result;
}
