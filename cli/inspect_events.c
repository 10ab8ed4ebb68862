/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_events.c - `baton inspect --events`: what each event says, as a JSON line or a line of
 * text. */
#include "base/clock.h"
#include "base/json.h"
#include "cli/inspect_modes.h"
#include "cli/redact.h"
#include "parser/control.h"
#include "parser/query.h"
#include "parser/statement.h"

enum { FIELDS_MAX = 1 << 30 };

/* Writes the fields of one type behind the common ones. */
typedef int write_fields(struct bt_json *j, const struct bt_inspect *in,
                         const struct bt_scan_event *se, struct bt_err *err);

static void json_statement(struct bt_json *j, const struct bt_inspect *in, const char *key,
                           struct bt_slice text)
{
    bt_auto_buf struct bt_buf redacted;

    bt_buf_init(&redacted, FIELDS_MAX);
    if (!in->show_secrets) {
        bt_redact(text, &redacted);
        text = bt_buf_slice(&redacted);
    }
    bt_json_key_text(j, key, text);
}

static void json_hex(struct bt_json *j, const char *key, struct bt_slice bytes)
{
    static const char digits[] = "0123456789abcdef";
    bt_auto_buf struct bt_buf hex;

    bt_buf_init(&hex, FIELDS_MAX);
    for (size_t i = 0; i < bytes.len; i++) {
        bt_buf_add_byte(&hex, (uint8_t)digits[bytes.ptr[i] >> 4]);
        bt_buf_add_byte(&hex, (uint8_t)digits[bytes.ptr[i] & 15]);
    }
    bt_json_key_text(j, key, bt_buf_slice(&hex));
}

static int fields_format(struct bt_json *j, const struct bt_inspect *in,
                         const struct bt_scan_event *se, struct bt_err *err)
{
    const struct bt_format *f = se->event->format;

    (void)in;
    (void)err;
    bt_json_key_str(j, "server_version", f->server_version);
    bt_json_key_str(j, "checksum", f->checksum ? "crc32" : "none");
    bt_json_key_u64(j, "created", f->created);
    bt_json_key_u64(j, "header_length", f->header_length);
    bt_json_key_bool(j, "in_use", f->in_use);
    return 0;
}

static int fields_rotate(struct bt_json *j, const struct bt_inspect *in,
                         const struct bt_scan_event *se, struct bt_err *err)
{
    struct bt_rotate rotate;

    (void)in;
    if (bt_rotate_read(se->event, &rotate, err) != 0)
        return -1;
    bt_json_key_text(j, "next_file", rotate.name);
    bt_json_key_u64(j, "next_pos", rotate.pos);
    return 0;
}

static int fields_query(struct bt_json *j, const struct bt_inspect *in,
                        const struct bt_scan_event *se, struct bt_err *err)
{
    struct bt_query query;

    if (bt_query_read(se->event, &query, err) != 0)
        return -1;
    bt_json_key_u64(j, "thread_id", query.thread_id);
    bt_json_key_u64(j, "exec_seconds", query.exec_seconds);
    bt_json_key_u64(j, "error_code", query.error_code);
    bt_json_key_text(j, "db", query.db);
    json_statement(j, in, "sql", query.text);
    if (bt_query_has(&query, BT_QUERY_SQL_MODE))
        bt_json_key_u64(j, "sql_mode", query.sql_mode);
    if (query.is_load)
        bt_json_key_u64(j, "file_id", query.file_id);
    return 0;
}

static int fields_xid(struct bt_json *j, const struct bt_inspect *in,
                      const struct bt_scan_event *se, struct bt_err *err)
{
    uint64_t xid;

    (void)in;
    if (bt_xid_read(se->event, &xid, err) != 0)
        return -1;
    bt_json_key_u64(j, "xid", xid);
    return 0;
}

static int fields_xa_prepare(struct bt_json *j, const struct bt_inspect *in,
                             const struct bt_scan_event *se, struct bt_err *err)
{
    struct bt_xa_prepare xa;

    (void)in;
    if (bt_xa_prepare_read(se->event, &xa, err) != 0)
        return -1;
    bt_json_key_bool(j, "one_phase", xa.one_phase);
    bt_json_key_u64(j, "format_id", xa.format_id);
    json_hex(j, "gtrid", xa.gtrid);
    json_hex(j, "bqual", xa.bqual);
    return 0;
}

static int fields_intvar(struct bt_json *j, const struct bt_inspect *in,
                         const struct bt_scan_event *se, struct bt_err *err)
{
    struct bt_intvar intvar;

    (void)in;
    if (bt_intvar_read(se->event, &intvar, err) != 0)
        return -1;
    bt_json_key_str(j, "variable",
                    intvar.kind == BT_INTVAR_INSERT_ID ? "insert_id" : "last_insert_id");
    bt_json_key_u64(j, "value", intvar.value);
    return 0;
}

static int fields_rand(struct bt_json *j, const struct bt_inspect *in,
                       const struct bt_scan_event *se, struct bt_err *err)
{
    struct bt_rand seeds;

    (void)in;
    if (bt_rand_read(se->event, &seeds, err) != 0)
        return -1;
    bt_json_key_u64(j, "seed1", seeds.seed1);
    bt_json_key_u64(j, "seed2", seeds.seed2);
    return 0;
}

static int fields_user_var(struct bt_json *j, const struct bt_inspect *in,
                           const struct bt_scan_event *se, struct bt_err *err)
{
    static const char *const types[] = {"string", "real", "int", "row", "decimal"};
    struct bt_user_var var;

    if (bt_user_var_read(se->event, &var, err) != 0)
        return -1;
    bt_json_key_text(j, "variable", var.name);
    bt_json_key_str(j, "type", var.is_null ? "null" : types[var.type]);
    if (!var.is_null) {
        bt_json_key_u64(j, "collation", var.collation);
        if (bt_redact_is_secret(var.name) && !in->show_secrets)
            bt_json_key_str(j, "value_hex", "<secret>");
        else
            json_hex(j, "value_hex", var.value);
    }
    return 0;
}

static int fields_gtid(struct bt_json *j, const struct bt_inspect *in,
                       const struct bt_scan_event *se, struct bt_err *err)
{
    struct bt_gtid_event gtid;
    char text[BT_GTID_TEXT_SIZE];

    (void)in;
    if (bt_gtid_event_read(se->event, &gtid, err) != 0)
        return -1;
    bt_json_key_str(j, "gtid", bt_gtid_text(&gtid.gtid, text));
    bt_json_key_u64(j, "gtid_flags", gtid.flags);
    if (gtid.gtid.kind == BT_GTID_MARIADB) {
        bt_json_key_u64(j, "gtid_flags_extra", gtid.flags_extra);
        bt_json_key_u64(j, "commit_id", gtid.commit_id);
        return 0;
    }
    bt_json_key_i64(j, "last_committed", gtid.last_committed);
    bt_json_key_i64(j, "sequence_number", gtid.sequence_number);
    bt_json_key_u64(j, "transaction_length", gtid.transaction_length);
    return 0;
}

static int fields_gtid_list(struct bt_json *j, const struct bt_inspect *in,
                            const struct bt_scan_event *se, struct bt_err *err)
{
    BT_AUTO(bt_gtid_state_done)
    struct bt_gtid_state state = {0};
    uint32_t flags;

    (void)in;
    if (bt_gtid_list_read(se->event, &state, &flags, err) != 0)
        return -1;
    bt_json_key(j, "gtids");
    bt_json_array(j);
    for (size_t i = 0; i < state.count; i++) {
        char text[BT_GTID_TEXT_SIZE];

        bt_json_str(j, bt_gtid_text(&state.items[i], text));
    }
    bt_json_end(j);
    bt_json_key_u64(j, "list_flags", flags);
    return 0;
}

static int fields_checkpoint(struct bt_json *j, const struct bt_inspect *in,
                             const struct bt_scan_event *se, struct bt_err *err)
{
    struct bt_slice name;

    (void)in;
    if (bt_binlog_checkpoint_read(se->event, &name, err) != 0)
        return -1;
    bt_json_key_text(j, "checkpoint_file", name);
    return 0;
}

static int fields_rows_text(struct bt_json *j, const struct bt_inspect *in,
                            const struct bt_scan_event *se, struct bt_err *err)
{
    struct bt_slice text;

    if (bt_rows_text_read(se->event, &text, err) != 0)
        return -1;
    json_statement(j, in, "sql", text);
    return 0;
}

static int fields_incident(struct bt_json *j, const struct bt_inspect *in,
                           const struct bt_scan_event *se, struct bt_err *err)
{
    struct bt_incident incident;

    (void)in;
    if (bt_incident_read(se->event, &incident, err) != 0)
        return -1;
    bt_json_key_u64(j, "incident", incident.number);
    bt_json_key_text(j, "message", incident.text);
    return 0;
}

static int fields_load_block(struct bt_json *j, const struct bt_inspect *in,
                             const struct bt_scan_event *se, struct bt_err *err)
{
    struct bt_load_block block;

    (void)in;
    if (bt_load_block_read(se->event, &block, err) != 0)
        return -1;
    bt_json_key_u64(j, "file_id", block.file_id);
    bt_json_key_u64(j, "data_bytes", block.data.len);
    return 0;
}

static int fields_table_map(struct bt_json *j, const struct bt_inspect *in,
                            const struct bt_scan_event *se, struct bt_err *err)
{
    struct bt_table_map map;

    (void)in;
    if (bt_table_map_read(se->event, &map, err) != 0)
        return -1;
    bt_json_key_u64(j, "table_id", map.table_id);
    bt_json_key_text(j, "db", map.db);
    bt_json_key_text(j, "table", map.table);
    bt_json_key_u64(j, "columns", map.column_count);
    return 0;
}

static int fields_rows(struct bt_json *j, const struct bt_inspect *in,
                       const struct bt_scan_event *se, struct bt_err *err)
{
    const struct bt_rows_event *rows = se->frame;

    (void)in;
    (void)err;
    bt_json_key_u64(j, "table_id", rows->table_id);
    if (se->table) {
        bt_json_key_text(j, "db", se->table->map.db);
        bt_json_key_text(j, "table", se->table->map.table);
    }
    bt_json_key_str(j, "op", bt_rows_op_name(rows->op));
    bt_json_key_bool(j, "statement_end", rows->flags & BT_ROWS_STMT_END);
    return 0;
}

static int fields_start_encryption(struct bt_json *j, const struct bt_inspect *in,
                                   const struct bt_scan_event *se, struct bt_err *err)
{
    struct bt_start_encryption start;

    (void)in;
    if (bt_start_encryption_read(se->event, &start, err) != 0)
        return -1;
    bt_json_key_u64(j, "scheme", start.scheme);
    bt_json_key_u64(j, "key_version", start.key_version);
    return 0;
}

/* clang-format off */
static const struct {
    uint8_t type;
    write_fields *write;
} fields[] = {
    {BT_FORMAT_DESCRIPTION,  fields_format},
    {BT_ROTATE,              fields_rotate},
    {BT_QUERY,               fields_query},
    {BT_EXECUTE_LOAD_QUERY,  fields_query},
    {BT_XID,                 fields_xid},
    {BT_XA_PREPARE,          fields_xa_prepare},
    {BT_INTVAR,              fields_intvar},
    {BT_RAND,                fields_rand},
    {BT_USER_VAR,            fields_user_var},
    {BT_GTID,                fields_gtid},
    {BT_ANONYMOUS_GTID,      fields_gtid},
    {BT_GTID_TAGGED,         fields_gtid},
    {BT_MARIADB_GTID,        fields_gtid},
    {BT_GTID_LIST,           fields_gtid_list},
    {BT_BINLOG_CHECKPOINT,   fields_checkpoint},
    {BT_ANNOTATE_ROWS,       fields_rows_text},
    {BT_ROWS_QUERY,          fields_rows_text},
    {BT_INCIDENT,            fields_incident},
    {BT_BEGIN_LOAD_QUERY,    fields_load_block},
    {BT_APPEND_BLOCK,        fields_load_block},
    {BT_DELETE_FILE,         fields_load_block},
    {BT_TABLE_MAP,           fields_table_map},
    {BT_START_ENCRYPTION,    fields_start_encryption},
};
/* clang-format on */

static write_fields *fields_of(uint8_t type)
{
    if (bt_event_is_rows(type))
        return fields_rows;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (fields[i].type == type)
            return fields[i].write;
    return NULL;
}

static const char *name_of(const struct bt_event *ev)
{
    const char *name = bt_event_type_name(ev->header.type);

    return ev->sealed ? "ENCRYPTED" : name ? name
                                           : "UNKNOWN";
}

static void json_header(struct bt_json *j, const struct bt_scan_event *se)
{
    const struct bt_event *ev = se->event;
    char when[BT_TIME_TEXT_SIZE];

    bt_json_key_str(j, "file", se->path);
    bt_json_key_u64(j, "offset", ev->offset);
    bt_json_key_u64(j, "length", ev->header.length);
    bt_json_key_u64(j, "code", ev->header.type);
    bt_json_key_str(j, "name", name_of(ev));
    bt_json_key_u64(j, "server_id", ev->header.server_id);
    bt_json_key_str(
        j, "time", ev->header.when ? bt_time_text((int64_t)ev->header.when * 1000000, when) : NULL);
    bt_json_key_u64(j, "end_log_pos", ev->header.end_log_pos);
    bt_json_key_u64(j, "flags", ev->header.flags);
    if (ev->inner)
        bt_json_key_bool(j, "inner", true);
    if (ev->sealed)
        bt_json_key_bool(j, "encrypted", true);
}

static int show_event(struct bt_inspect *in, const struct bt_scan_event *se, struct bt_err *err)
{
    write_fields *write = fields_of(se->event->type);
    struct bt_json j;

    if (!in->json) {
        char when[BT_TIME_TEXT_SIZE];

        bt_buf_addf(&in->out.buf, "%s:%-10llu %-20s %9u  %s  server %u", se->path,
                    (unsigned long long)se->event->offset, name_of(se->event),
                    se->event->header.length,
                    se->event->header.when
                        ? bt_time_text((int64_t)se->event->header.when * 1000000, when)
                        : "-                   ",
                    se->event->header.server_id);
        bt_buf_add_str(&in->out.buf, write ? "  " : "\n");
        if (!write)
            return bt_inspect_line(in, se, err);
    }
    bt_json_init(&j, &in->out.buf);
    bt_json_object(&j);
    if (in->json)
        json_header(&j, se);
    if (write && write(&j, in, se, err) != 0)
        return bt_err_wrap(err, "%s:%llu", se->path, (unsigned long long)se->event->offset);
    bt_json_end(&j);
    bt_buf_add_byte(&in->out.buf, '\n');
    return bt_inspect_line(in, se, err);
}

static int event(void *ctx, const struct bt_scan_event *se, struct bt_err *err)
{
    if (se->wanted && show_event(ctx, se, err) != 0)
        return -1;
    if (se->step == BT_GROUP_END || se->step == BT_GROUP_WHOLE)
        bt_inspect_settle(ctx, se->transaction);
    return 0;
}

static int abandoned(void *ctx, const char *path, const struct bt_transaction *t,
                     struct bt_err *err)
{
    (void)path;
    (void)err;
    bt_inspect_settle(ctx, t);
    return 0;
}

static int end_log(void *ctx, const struct bt_scan_log *log, const struct bt_end *end,
                   struct bt_err *err)
{
    (void)err;
    bt_inspect_note_end(ctx, log->path, end);
    return 0;
}

int bt_inspect_events(struct bt_inspect *in, const char *const *paths, size_t count,
                      struct bt_err *err)
{
    static const struct bt_scan_visitor visitor = {
        .event = event, .abandoned = abandoned, .end_log = end_log};

    return bt_scan_paths(paths, count, &in->scan, &visitor, in, err);
}
