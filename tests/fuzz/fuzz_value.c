/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TABLE_MAP and a rows event of it, decoded and printed in both forms:
 *
 *   u8 flavor (odd MariaDB) | u8 type of the rows event | u16 length of the TABLE_MAP body | body |
 *   body of the rows event
 *
 * Rows counted and rows read must be as many, and what is printed as JSON must be JSON.
 */
#include <string.h>

#include "base/json_read.h"
#include "parser/schema.h"
#include "parser/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUTPUT_MAX = 4 << 20, ROWS_MAX = 2000 };

static const char schema_text[] =
    "CREATE TABLE t (id int, a inet6, b uuid, c inet4, d timestamp(3), e time(6), f datetime(2));"
    "CREATE TABLE net (id int(11) NOT NULL, a inet4, b inet6, u uuid, PRIMARY KEY (id));";

static void require(bool holds)
{
    if (!holds)
        __builtin_trap();
}

static void print_image(const struct bt_plan *plan, const struct bt_value *image,
                        struct bt_buf *out)
{
    struct bt_json_value root;
    struct bt_err err = {0};

    if (!image)
        return;
    bt_buf_reset(out);
    if (bt_row_json(plan, image, out, &err) == 0 && out->len < 65536) {
        bool parsed = bt_json_parse(bt_buf_slice(out), &root, &err) == 0;

        require(parsed || strstr(err.text, "deep"));
    }
    bt_buf_reset(out);
    for (size_t i = 0; i < bt_plan_column_count(plan); i++)
        if (bt_value_text(plan, i, &image[i], out, &err) != 0)
            break;
}

static void read_rows(const struct bt_plan *plan, const struct bt_rows_event *frame)
{
    bt_auto_row_reader struct bt_row_reader *rows = NULL;
    bt_auto_buf struct bt_buf out;
    struct bt_err err = {0};
    struct bt_row row;
    uint64_t counted = 0, read = 0;
    bool was_counted;
    int result = 0;

    bt_buf_init(&out, OUTPUT_MAX);
    if (bt_row_reader_new(&rows, &err) != 0)
        return;
    was_counted = bt_row_reader_count(rows, plan, frame, &counted, &err) == 0;
    if (bt_row_reader_begin(rows, plan, frame, &err) != 0)
        return;
    while (read < ROWS_MAX && (result = bt_row_reader_next(rows, &row, &err)) == 0) {
        read++;
        print_image(plan, row.before, &out);
        print_image(plan, row.after, &out);
    }
    if (result == 1)
        require(was_counted && counted == read);
}

static void decode(struct bt_table_cache *tables, const struct bt_schema *schema,
                   struct bt_event *map, struct bt_event *rows)
{
    struct bt_table *table;
    struct bt_rows_event frame;
    struct bt_plan *plan;
    struct bt_err err = {0};

    if (bt_table_cache_put(tables, map, &table, &err) != 0 ||
        bt_rows_event_read(rows, &frame, &err) != 0 || bt_plan_new(table, schema, &plan, &err) != 0)
        return;
    read_rows(plan, &frame);
    bt_plan_free(plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bt_cursor c = bt_cursor(bt_slice(data, size));
    struct bt_format format = {.header_length = 19, .type_count = 172};
    struct bt_event map = {.format = &format, .type = BT_TABLE_MAP};
    struct bt_event rows = {.format = &format};
    struct bt_table_cache *tables;
    struct bt_schema *schema;
    struct bt_err err = {0};
    uint8_t flavor;
    uint16_t len;

    if (!bt_cur_u8(&c, &flavor) || !bt_cur_u8(&c, &rows.type) || !bt_cur_u16(&c, &len) ||
        !bt_cur_take(&c, len, &map.body) || !bt_event_is_rows(rows.type))
        return 0;
    format.flavor = flavor & 1 ? BT_FLAVOR_MARIADB : BT_FLAVOR_MYSQL;
    memset(format.post_header_length, 8, sizeof(format.post_header_length));
    for (size_t type = BT_WRITE_ROWS; type <= BT_PARTIAL_UPDATE_ROWS; type++)
        format.post_header_length[type] = 10;
    rows.body = bt_cur_rest(&c);
    rows.header.type = rows.type;
    map.header.type = BT_TABLE_MAP;
    require(bt_schema_parse(bt_slice_str(schema_text), "schema", &schema, &err) == 0);
    if (bt_table_cache_new(&tables, &err) == 0) {
        decode(tables, NULL, &map, &rows);
        decode(tables, schema, &map, &rows);
        bt_table_cache_free(tables);
    }
    bt_schema_free(schema);
    return 0;
}
