/* SPDX-License-Identifier: Apache-2.0 */
/* inspect_print.c - a summary as one JSON document, or as tables for people. */
#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/number.h"
#include "cli/inspect_summary.h"

/* -------------------------------------------------------------------- JSON */

static void json_time(struct bt_json *j, const char *key, uint32_t when)
{
    char text[BT_TIME_TEXT_SIZE];

    bt_json_key_str(j, key, when ? bt_time_text((int64_t)when * 1000000, text) : NULL);
}

static const char *kind_name(enum bt_log_kind kind)
{
    return kind == BT_LOG_KIND_RELAY ? "relay" : "binlog";
}

static const char *flavor_name(const struct bt_summary_file *f)
{
    return f->format.flavor == BT_FLAVOR_MARIADB ? "mariadb" : "mysql";
}

static void json_file(struct bt_json *j, const struct bt_summary_file *f)
{
    bt_json_object(j);
    bt_json_key_str(j, "path", f->path);
    bt_json_key_str(j, "kind", kind_name(f->kind));
    bt_json_key_str(j, "flavor", f->has_format ? flavor_name(f) : NULL);
    bt_json_key_str(j, "server_version", f->has_format ? f->format.server_version : NULL);
    bt_json_key_str(j, "checksum", f->checksum ? "crc32" : "none");
    bt_json_key_u64(j, "bytes", f->bytes);
    bt_json_key_u64(j, "valid_end", f->end.offset);
    bt_json_key_str(j, "end", bt_end_kind_name(f->end.kind));
    bt_json_key_str(j, "end_reason", f->end.reason);
    bt_json_key_u64(j, "events", f->events);
    bt_json_key_u64(j, "transactions", f->transactions);
    json_time(j, "first_time", f->first_time);
    json_time(j, "last_time", f->last_time);
    if (f->encrypted)
        bt_json_key_bool(j, "encrypted", true);
    bt_json_end(j);
}

/* The name of a type code, "TYPE_200" where we know none. */
static const char *type_name(uint8_t code, char out[static 16])
{
    const char *name = bt_event_type_name(code);

    if (name)
        return name;
    snprintf(out, 16, "TYPE_%u", code);
    return out;
}

static void json_events(struct bt_json *j, const struct bt_summary *s)
{
    bt_json_key(j, "events");
    bt_json_array(j);
    for (int inner = 0; inner < 2; inner++)
        for (int code = 0; code < 256; code++) {
            const struct bt_event_count *c = &s->events[inner][code];
            char name[16];

            if (c->count == 0)
                continue;
            bt_json_object(j);
            bt_json_key_u64(j, "code", (uint64_t)code);
            bt_json_key_str(j, "name", type_name((uint8_t)code, name));
            bt_json_key_u64(j, "count", c->count);
            bt_json_key_u64(j, "bytes", c->bytes);
            if (inner)
                bt_json_key_bool(j, "inner", true);
            bt_json_end(j);
        }
    bt_json_end(j);
}

static void json_tables(struct bt_json *j, struct bt_table_stats *const *tables, size_t count)
{
    bt_json_key(j, "tables");
    bt_json_array(j);
    for (size_t i = 0; i < count; i++) {
        bt_json_object(j);
        bt_json_key_text(j, "db", tables[i]->db);
        bt_json_key_text(j, "table", tables[i]->table);
        bt_json_key_u64(j, "inserts", tables[i]->rows[BT_ROWS_INSERT]);
        bt_json_key_u64(j, "updates", tables[i]->rows[BT_ROWS_UPDATE]);
        bt_json_key_u64(j, "deletes", tables[i]->rows[BT_ROWS_DELETE]);
        bt_json_key_u64(j, "bytes", tables[i]->bytes);
        bt_json_end(j);
    }
    bt_json_end(j);
}

static void json_transactions(struct bt_json *j, const struct bt_summary *s)
{
    bt_json_key(j, "transactions");
    bt_json_object(j);
    bt_json_key_u64(j, "count", s->transactions);
    bt_json_key_u64(j, "bytes", s->transaction_bytes);
    bt_json_key_u64(j, "unfinished", s->unfinished);
    bt_json_key(j, "largest");
    bt_json_array(j);
    for (size_t i = 0; i < s->largest_count; i++) {
        const struct bt_summary_transaction *t = &s->largest[i];
        char gtid[BT_GTID_TEXT_SIZE];

        bt_json_object(j);
        bt_json_key_str(j, "gtid", bt_gtid_text(&t->gtid, gtid));
        bt_json_key_str(j, "file", s->files[t->file].path);
        bt_json_key_u64(j, "start", t->start);
        bt_json_key_u64(j, "end", t->end);
        bt_json_key_u64(j, "bytes", t->bytes);
        bt_json_key_u64(j, "rows", t->rows);
        bt_json_key_u64(j, "seconds", t->duration_s);
        bt_json_end(j);
    }
    bt_json_end(j);
    bt_json_end(j);
}

static void json_minutes(struct bt_json *j, struct bt_summary *s)
{
    bt_summary_sort_minutes(s);
    bt_json_key(j, "minutes");
    bt_json_array(j);
    for (size_t i = 0; i < s->minute_count; i++) {
        bt_json_object(j);
        json_time(j, "time", s->minutes[i].minute * 60);
        bt_json_key_u64(j, "transactions", s->minutes[i].transactions);
        bt_json_key_u64(j, "rows", s->minutes[i].rows);
        bt_json_key_u64(j, "bytes", s->minutes[i].bytes);
        bt_json_end(j);
    }
    bt_json_end(j);
}

int bt_summary_print_json(struct bt_summary *s, struct bt_out *out, struct bt_err *err)
{
    struct bt_table_stats **tables = bt_table_stats_sorted(&s->tables);
    bt_auto_buf struct bt_buf gtid;
    struct bt_json j;

    bt_buf_init(&gtid, 1 << 24);
    if (bt_summary_gtid_text(s, &gtid, err) != 0)
        return -1;
    if (!tables)
        return bt_arena_fail(&s->tables.arena, "list of tables", err);
    bt_json_init(&j, &out->buf);
    bt_json_object(&j);
    bt_json_key(&j, "files");
    bt_json_array(&j);
    for (size_t i = 0; i < s->file_count; i++)
        json_file(&j, &s->files[i]);
    bt_json_end(&j);
    json_events(&j, s);
    json_tables(&j, tables, s->tables.count);
    json_transactions(&j, s);
    bt_json_key_text(&j, "gtid", bt_buf_slice(&gtid));
    json_minutes(&j, s);
    bt_json_end(&j);
    bt_buf_add_byte(&out->buf, '\n');
    return 0;
}

/* ------------------------------------------------------------------ people */

static struct libscols_table *new_table(const struct bt_out *out, const char *const *columns)
{
    struct libscols_table *table = scols_new_table();

    if (!table)
        return NULL;
    scols_table_set_termwidth(table, (size_t)out->width);
    scols_table_set_termforce(table, SCOLS_TERMFORCE_ALWAYS);
    for (; *columns; columns++) {
        bool right = **columns == '>';

        if (!scols_table_new_column(table, *columns + (right ? 1 : 0), 0,
                                    right ? SCOLS_FL_RIGHT : 0)) {
            scols_unref_table(table);
            return NULL;
        }
    }
    return table;
}

/* Sets cell by cell; ignores that one may fail for want of memory: it stays empty. */
static void cell(struct libscols_line *line, size_t column, const char *text)
{
    if (line)
        (void)scols_line_set_data(line, column, text);
}

static void cell_u64(struct libscols_line *line, size_t column, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    cell(line, column, text);
}

static void cell_size(struct libscols_line *line, size_t column, uint64_t bytes)
{
    char text[BT_SIZE_TEXT_SIZE];

    cell(line, column, bt_size_text(bytes, text));
}

static void print_table(struct libscols_table *table, struct bt_out *out)
{
    char *text = NULL;

    if (table && scols_print_table_to_string(table, &text) == 0 && text) {
        bt_buf_add_str(&out->buf, text);
        bt_buf_add_byte(&out->buf, '\n');
    }
    free(text);
    if (table)
        scols_unref_table(table);
}

static void heading(struct bt_out *out, const char *text)
{
    bt_buf_add_byte(&out->buf, '\n');
    bt_out_coloured(out, BT_COLOUR_BOLD, text);
    bt_buf_add_byte(&out->buf, '\n');
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static void text_files(const struct bt_summary *s, struct bt_out *out)
{
    static const char *const columns[] = {"LOG", "KIND", "SERVER", "CHECKSUM", ">SIZE",
                                          ">EVENTS", ">TRANSACTIONS", "FIRST", "LAST", "END",
                                          NULL};
    struct libscols_table *table = new_table(out, columns);

    for (size_t i = 0; table && i < s->file_count; i++) {
        const struct bt_summary_file *f = &s->files[i];
        struct libscols_line *line = scols_table_new_line(table, NULL);
        char when[BT_TIME_TEXT_SIZE];

        cell(line, 0, base_name(f->path));
        cell(line, 1, kind_name(f->kind));
        cell(line, 2, f->has_format ? f->format.server_version : "?");
        cell(line, 3, f->checksum ? "crc32" : "none");
        cell_size(line, 4, f->bytes);
        cell_u64(line, 5, f->events);
        cell_u64(line, 6, f->transactions);
        cell(line, 7, f->first_time ? bt_time_text((int64_t)f->first_time * 1000000, when) : "");
        cell(line, 8, f->last_time ? bt_time_text((int64_t)f->last_time * 1000000, when) : "");
        cell(line, 9, bt_end_kind_name(f->end.kind));
    }
    print_table(table, out);
    for (size_t i = 0; i < s->file_count; i++) {
        const struct bt_summary_file *f = &s->files[i];

        if (f->end.kind == BT_END_TORN || f->end.kind == BT_END_CORRUPT) {
            bt_out_coloured(out, BT_COLOUR_RED, bt_end_kind_name(f->end.kind));
            bt_buf_addf(&out->buf, " %s:%llu: %s\n", f->path, (unsigned long long)f->end.offset,
                        f->end.reason);
        }
        if (f->encrypted)
            bt_buf_addf(&out->buf,
                        "%s is encrypted and read without its key: only lengths are known "
                        "(--key-file, --keyring)\n",
                        f->path);
    }
}

static void text_events(const struct bt_summary *s, struct bt_out *out)
{
    static const char *const columns[] = {"EVENT", ">COUNT", ">SIZE", NULL};
    struct libscols_table *table = new_table(out, columns);

    heading(out, "Events");
    for (int inner = 0; table && inner < 2; inner++)
        for (int code = 0; code < 256; code++) {
            const struct bt_event_count *c = &s->events[inner][code];
            struct libscols_line *line;
            char unnamed[16], name[64];

            if (c->count == 0)
                continue;
            line = scols_table_new_line(table, NULL);
            snprintf(name, sizeof(name), "%s%s", type_name((uint8_t)code, unnamed),
                     inner ? " (in payload)" : "");
            cell(line, 0, name);
            cell_u64(line, 1, c->count);
            cell_size(line, 2, c->bytes);
        }
    print_table(table, out);
}

enum { TABLES_SHOWN = 20 };

static void text_tables(struct bt_summary *s, struct bt_out *out)
{
    static const char *const columns[] = {"TABLE", ">INSERTS", ">UPDATES",
                                          ">DELETES", ">SIZE", NULL};
    struct bt_table_stats **tables = bt_table_stats_sorted(&s->tables);
    struct libscols_table *table = new_table(out, columns);

    heading(out, "Rows by table");
    for (size_t i = 0; tables && table && i < s->tables.count && i < TABLES_SHOWN; i++) {
        struct libscols_line *line = scols_table_new_line(table, NULL);
        char name[160];

        snprintf(name, sizeof(name), "%.*s.%.*s", BT_SLICE_ARG(tables[i]->db),
                 BT_SLICE_ARG(tables[i]->table));
        cell(line, 0, name);
        cell_u64(line, 1, tables[i]->rows[BT_ROWS_INSERT]);
        cell_u64(line, 2, tables[i]->rows[BT_ROWS_UPDATE]);
        cell_u64(line, 3, tables[i]->rows[BT_ROWS_DELETE]);
        cell_size(line, 4, tables[i]->bytes);
    }
    print_table(table, out);
    if (s->tables.count > TABLES_SHOWN)
        bt_buf_addf(&out->buf, "and %zu more (--json lists all)\n", s->tables.count - TABLES_SHOWN);
}

static void text_largest(const struct bt_summary *s, struct bt_out *out)
{
    static const char *const columns[] = {"GTID", "LOG", ">FROM", ">TO",
                                          ">SIZE", ">ROWS", ">SECONDS", NULL};
    static const char *const titles[] = {
        "Largest transactions", "Transactions with most rows", "Longest transactions"};
    struct libscols_table *table = new_table(out, columns);

    heading(out, titles[s->order]);
    for (size_t i = 0; table && i < s->largest_count; i++) {
        const struct bt_summary_transaction *t = &s->largest[i];
        struct libscols_line *line = scols_table_new_line(table, NULL);
        char gtid[BT_GTID_TEXT_SIZE];

        cell(line, 0, *bt_gtid_text(&t->gtid, gtid) ? gtid : "-");
        cell(line, 1, base_name(s->files[t->file].path));
        cell_u64(line, 2, t->start);
        cell_u64(line, 3, t->end);
        cell_size(line, 4, t->bytes);
        cell_u64(line, 5, t->rows);
        cell_u64(line, 6, t->duration_s);
    }
    print_table(table, out);
}

int bt_summary_print_text(struct bt_summary *s, struct bt_out *out, struct bt_err *err)
{
    bt_auto_buf struct bt_buf gtid;
    char size[BT_SIZE_TEXT_SIZE];

    bt_buf_init(&gtid, 1 << 24);
    if (bt_summary_gtid_text(s, &gtid, err) != 0)
        return -1;
    text_files(s, out);
    bt_buf_addf(&out->buf, "\n%llu transactions, %s", (unsigned long long)s->transactions,
                bt_size_text(s->transaction_bytes, size));
    if (s->unfinished)
        bt_buf_addf(&out->buf, ", %llu unfinished", (unsigned long long)s->unfinished);
    if (gtid.len)
        bt_buf_addf(&out->buf, "\nGTID state at the end: %s", bt_buf_str(&gtid));
    bt_buf_add_byte(&out->buf, '\n');
    text_events(s, out);
    if (s->tables.count)
        text_tables(s, out);
    if (s->largest_count)
        text_largest(s, out);
    return bt_buf_check(&out->buf, "summary", err);
}
