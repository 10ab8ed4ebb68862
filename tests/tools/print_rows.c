/* SPDX-License-Identifier: Apache-2.0 */
/*
 * print_rows - the rows of a log as JSON lines, straight from parser/: what the round trip tests
 * compare with what a server says.
 *
 *     print_rows [-c|-t] [-s SCHEMA] [-k KEYS | -K KEYRING] LOG   -c: only count rows, values
 * unread -t: as the client's --batch prints a SELECT, with table, op and image in front
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "parser/crypt.h"
#include "parser/reader.h"
#include "parser/schema.h"
#include "parser/value.h"

struct printer {
    struct bt_table_cache *tables;
    struct bt_row_reader *rows;
    struct bt_schema *schema;
    struct bt_keys *keys;    /* MariaDB */
    struct bt_keys *keyring; /* MySQL */
    struct bt_buf line;
    bool only_count, as_text;
    uint64_t count;
};

static int print_image(struct printer *p, const struct bt_plan *plan, const char *key,
                       const struct bt_value *image, struct bt_err *err)
{
    if (!image)
        return 0;
    bt_buf_addf(&p->line, ",\"%s\":", key);
    return bt_row_json(plan, image, &p->line, err);
}

/* Tab, newline, NUL and backslash as the client escapes them. */
static void escape(struct bt_buf *out, size_t from)
{
    struct bt_buf copy;

    bt_buf_init(&copy, 1 << 30);
    bt_buf_add(&copy, out->data + from, out->len - from);
    out->len = from;
    for (size_t i = 0; i < copy.len; i++) {
        static const char names[] = {['\0'] = '0', ['\t'] = 't', ['\n'] = 'n', ['\\'] = '\\'};
        uint8_t c = copy.data[i];

        if (c < sizeof(names) && names[c]) {
            bt_buf_add_byte(out, '\\');
            c = (uint8_t)names[c];
        }
        bt_buf_add_byte(out, c);
    }
    bt_buf_done(&copy);
}

static int print_text(struct printer *p, const struct bt_table *table, const struct bt_plan *plan,
                      const char *op, const char *side, const struct bt_value *image,
                      struct bt_err *err)
{
    if (!image)
        return 0;
    bt_buf_reset(&p->line);
    bt_buf_addf(&p->line, "%.*s\t%s\t%s", BT_SLICE_ARG(table->map.table), op, side);
    for (size_t i = 0; i < bt_plan_column_count(plan); i++) {
        size_t from;

        bt_buf_add_byte(&p->line, '\t');
        from = p->line.len;
        if (bt_value_text(plan, i, &image[i], &p->line, err) != 0)
            return -1;
        escape(&p->line, from);
    }
    bt_buf_add_byte(&p->line, '\n');
    fwrite(p->line.data, 1, p->line.len, stdout);
    return 0;
}

static int print_rows(struct printer *p, const struct bt_event *ev, struct bt_err *err)
{
    struct bt_rows_event frame;
    const struct bt_plan *plan;
    struct bt_table *table;
    struct bt_row row;
    uint64_t count;
    int result;

    if (bt_rows_event_read(ev, &frame, err) != 0)
        return -1;
    table = bt_table_cache_get(p->tables, ev->header.server_id, frame.table_id);
    if (frame.is_dummy)
        return 0;
    if (!table)
        return bt_fail(err, BT_ERR_CORRUPT, "rows of table id %llu have no TABLE_MAP",
                       (unsigned long long)frame.table_id);
    if (bt_plan_of(table, p->schema, &plan, err) != 0 ||
        bt_row_reader_count(p->rows, plan, &frame, &count, err) != 0)
        return -1;
    p->count += count;
    if (p->only_count)
        return 0;
    if (bt_row_reader_begin(p->rows, plan, &frame, err) != 0)
        return -1;
    while ((result = bt_row_reader_next(p->rows, &row, err)) == 0) {
        count--;
        if (p->as_text) {
            const char *op = bt_rows_op_name(frame.op);

            if (print_text(p, table, plan, op, "before", row.before, err) != 0 ||
                print_text(p, table, plan, op, "after", row.after, err) != 0)
                return -1;
            continue;
        }
        bt_buf_reset(&p->line);
        bt_buf_addf(&p->line, "{\"db\":\"%.*s\",\"table\":\"%.*s\",\"op\":\"%s\"",
                    BT_SLICE_ARG(table->map.db), BT_SLICE_ARG(table->map.table),
                    bt_rows_op_name(frame.op));
        if (print_image(p, plan, "before", row.before, err) != 0 ||
            print_image(p, plan, "after", row.after, err) != 0)
            return -1;
        bt_buf_add_str(&p->line, "}\n");
        fwrite(p->line.data, 1, p->line.len, stdout);
    }
    if (result == 1 && count != 0)
        return bt_fail(err, BT_ERR_BUG, "rows counted and rows read differ by %lld",
                       (long long)count);
    return result == 1 ? 0 : -1;
}

static int print_log(struct printer *p, const char *path, struct bt_err *err)
{
    bt_auto_source struct bt_source *source = NULL;
    bt_auto_reader struct bt_reader *reader = NULL;
    struct bt_table *table;
    struct bt_event ev;
    int result;

    if (bt_source_file_open(path, &source, err) != 0)
        return -1;
    if (p->keyring) {
        struct bt_source *inner = bt_steal(source);

        if (bt_source_mysql_decrypt_open(inner, p->keyring, &source, err) != 0)
            return -1;
    }
    if (bt_reader_open(source, (struct bt_reader_opts){.keys = p->keys}, &reader, err) != 0)
        return -1;
    while ((result = bt_reader_next(reader, &ev, err)) == 0) {
        if (ev.type == BT_FORMAT_DESCRIPTION)
            bt_table_cache_drop_all(p->tables);
        if ((ev.type == BT_TABLE_MAP && bt_table_cache_put(p->tables, &ev, &table, err) != 0) ||
            (bt_event_is_rows(ev.type) && print_rows(p, &ev, err) != 0))
            return bt_err_wrap(err, "%s:%llu", path, (unsigned long long)ev.offset);
    }
    return result == 1 ? 0 : -1;
}

int main(int argc, char **argv)
{
    struct printer p = {0};
    struct bt_err err = {0};
    int option, result = 0;

    bt_buf_init(&p.line, 1 << 30);
    while ((option = getopt(argc, argv, "cts:k:K:")) != -1) {
        if (option == 's')
            result = bt_schema_load(optarg, &p.schema, &err);
        else if (option == 'k')
            result = bt_keys_load_mariadb(optarg, NULL, &p.keys, &err);
        else if (option == 'K')
            result = bt_keys_load_mysql(optarg, &p.keyring, &err);
        else
            *(option == 'c' ? &p.only_count : &p.as_text) = true;
        if (result != 0)
            break;
    }
    if (result == 0)
        result = bt_table_cache_new(&p.tables, &err);
    if (result == 0)
        result = bt_row_reader_new(&p.rows, &err);
    for (int i = optind; i < argc && result == 0; i++)
        result = print_log(&p, argv[i], &err);
    if (result != 0)
        fprintf(stderr, "print_rows: %s\n", err.text);
    else if (p.only_count)
        printf("%llu\n", (unsigned long long)p.count);
    bt_row_reader_free(p.rows);
    bt_table_cache_free(p.tables);
    bt_schema_free(p.schema);
    bt_keys_free(p.keys);
    bt_keys_free(p.keyring);
    bt_buf_done(&p.line);
    return result == 0 ? 0 : 1;
}
