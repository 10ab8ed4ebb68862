/* SPDX-License-Identifier: Apache-2.0 */
/* Column values from literal bytes, as text and as JSON. */
#include "tests/unit/suite.h"

#include <string.h>

#include "base/quote.h"
#include "parser/double_text.h"
#include "parser/schema.h"
#include "parser/value.h"

/* A table of one column t.c; bytes of a value -> what is printed. */
struct one {
    struct bt_column column;
    const char *bytes;
    size_t len;
    const char *text, *json;
};

/* clang-format off */
#define B(literal) literal, sizeof(literal) - 1
#define I(type_)  {.type = BT_COLUMN_##type_}
#define U(type_)  {.type = BT_COLUMN_##type_, .knows_sign = true, .is_unsigned = true}
#define M(type_, meta_) {.type = BT_COLUMN_##type_, .meta = (meta_)}
#define C(type_, meta_, collation_) {.type = BT_COLUMN_##type_, .meta = (meta_), .collation = (collation_)}
#define DECIMAL(p, s) M(NEWDECIMAL, (p) << 8 | (s))
static const struct one values[] = {
    {I(TINY), B("\x80"), "-128", "-128"}, {U(TINY), B("\xff"), "255", "255"},
    {I(SHORT), B("\x00\x80"), "-32768", "-32768"}, {U(SHORT), B("\xff\xff"), "65535", "65535"},
    {I(INT24), B("\x00\x00\x80"), "-8388608", "-8388608"}, {I(INT24), B("\xff\xff\x7f"), "8388607", "8388607"},
    {U(INT24), B("\xff\xff\xff"), "16777215", "16777215"},
    {I(LONG), B("\x00\x00\x00\x80"), "-2147483648", "-2147483648"}, {U(LONG), B("\xff\xff\xff\xff"), "4294967295", "4294967295"},
    {I(LONGLONG), B("\0\0\0\0\0\0\0\x80"), "-9223372036854775808", "-9223372036854775808"},
    {U(LONGLONG), B("\xff\xff\xff\xff\xff\xff\xff\xff"), "18446744073709551615", "18446744073709551615"},
    {M(FLOAT, 4), B("\x00\x00\xc0\x3f"), "1.5", "1.5"}, {M(FLOAT, 4), B("\xcd\xcc\xcc\xbd"), "-0.1", "-0.1"},
    {M(FLOAT, 4), B("\x00\x00\x80\x7f"), "inf", "null"},
    {M(DOUBLE, 8), B("\x9a\x99\x99\x99\x99\x99\xb9\x3f"), "0.1", "0.1"},
    {M(DOUBLE, 8), B("\xff\xff\xff\xff\xff\xff\xef\x7f"), "1.7976931348623157e308", "1.7976931348623157e308"},
    {M(DOUBLE, 8), B("\x00\x00\x00\x00\x00\x00\xf8\x7f"), "nan", "null"},
    {DECIMAL(4, 2), B("\x8c\x22"), "12.34", "12.34"}, {DECIMAL(4, 2), B("\x73\xdd"), "-12.34", "-12.34"},
    {DECIMAL(14, 4), B("\x81\x0d\xfb\x38\xd2\x04\xd2"), "1234567890.1234", "1234567890.1234"},
    {DECIMAL(14, 4), B("\x7e\xf2\x04\xc7\x2d\xfb\x2d"), "-1234567890.1234", "-1234567890.1234"},
    {DECIMAL(10, 10), B("\x80\x00\x00\x00\x01"), "0.0000000001", "0.0000000001"},
    {DECIMAL(1, 0), B("\x80"), "0", "0"},
    {M(TIMESTAMP2, 0), B("\x7f\xff\xff\xff"), "2038-01-19 03:14:07", "\"2038-01-19 03:14:07\""},
    {M(TIMESTAMP2, 3), B("\x00\x00\x00\x01\x00\x0a"), "1970-01-01 00:00:01.001", "\"1970-01-01 00:00:01.001\""},
    {M(TIMESTAMP2, 0), B("\0\0\0\0"), "0000-00-00 00:00:00", "\"0000-00-00 00:00:00\""},
    {M(TIMESTAMP2, 6), B("\x65\xdf\x00\x00\x0f\x42\x3f"), "2024-02-28 09:42:24.999999", "\"2024-02-28 09:42:24.999999\""},
    {M(DATETIME2, 0), B("\x80\x00\x00\x00\x00"), "0000-00-00 00:00:00", "\"0000-00-00 00:00:00\""},
    {M(DATETIME2, 2), B("\xfe\xf3\xff\x7e\xfb\x63"), "9999-12-31 23:59:59.99", "\"9999-12-31 23:59:59.99\""},
    {M(TIME2, 0), B("\x80\x00\x01"), "00:00:01", "\"00:00:01\""},
    {M(TIME2, 2), B("\x7f\xff\xff\xce"), "-00:00:00.50", "\"-00:00:00.50\""},
    {M(TIME2, 6), B("\x7f\xff\xff\xff\xff\xff"), "-00:00:00.000001", "\"-00:00:00.000001\""},
    {M(TIME2, 0), B("\x4b\x91\x05"), "-838:59:59", "\"-838:59:59\""},
    {I(DATE), B("\x5d\xd0\x0f"), "2024-02-29", "\"2024-02-29\""}, {I(DATE), B("\0\0\0"), "0000-00-00", "\"0000-00-00\""},
    {I(TIMESTAMP), B("\xff\xff\xff\x7f"), "2038-01-19 03:14:07", "\"2038-01-19 03:14:07\""},
    {I(DATETIME), B("\x57\xc5\xaa\x8b\x68\x12\x00\x00"), "2024-02-29 12:34:15", "\"2024-02-29 12:34:15\""},
    {I(TIME), B("\xf5\xff\xff"), "-00:00:11", "\"-00:00:11\""}, {I(TIME), B("\x40\xe2\x01"), "12:34:56", "\"12:34:56\""},
    {I(YEAR), B("\x00"), "0000", "0"}, {I(YEAR), B("\xff"), "2155", "2155"}, {I(YEAR), B("\x01"), "1901", "1901"},
    {M(BIT, 1), B("\x01"), "1", "1"}, {M(BIT, 9), B("\x01\x01"), "257", "257"},
    {M(BIT, 64), B("\xff\xff\xff\xff\xff\xff\xff\xff"), "18446744073709551615", "18446744073709551615"},
    {M(ENUM, 1), B("\x02"), "2", "2"}, {M(SET, 1), B("\x05"), "5", "5"},
    {{.type = BT_COLUMN_ENUM, .meta = 1, .member_count = 2, .members = {(const uint8_t *)"\1a\3b\"c", 6}}, B("\x02"), "b\"c", "\"b\\\"c\""},
    {{.type = BT_COLUMN_ENUM, .meta = 1, .member_count = 2, .members = {(const uint8_t *)"\1a\3b\"c", 6}}, B("\x00"), "", "\"\""},
    {{.type = BT_COLUMN_ENUM, .meta = 1, .member_count = 2, .members = {(const uint8_t *)"\1a\3b\"c", 6}}, B("\x03"), "3", "3"},
    {{.type = BT_COLUMN_SET, .meta = 1, .member_count = 2, .members = {(const uint8_t *)"\1a\3b\"c", 6}}, B("\x03"), "a,b\"c", "\"a,b\\\"c\""},
    {{.type = BT_COLUMN_SET, .meta = 1, .member_count = 2, .members = {(const uint8_t *)"\1a\3b\"c", 6}}, B("\x00"), "", "\"\""},
    {{.type = BT_COLUMN_SET, .meta = 1, .member_count = 2, .members = {(const uint8_t *)"\1a\3b\"c", 6}}, B("\x04"), "4", "4"},
    {{.type = BT_COLUMN_ENUM, .meta = 1, .collation = 8, .member_count = 1, .members = {(const uint8_t *)"\1\xe4", 2}}, B("\x01"), "ä", "\"ä\""},
    {C(VARCHAR, 255, 45), B("\x03" "a\"b"), "a\"b", "\"a\\\"b\""}, {C(VARCHAR, 256, 45), B("\x01\x00" "x"), "x", "\"x\""},
    {C(VARCHAR, 40, 45), B("\x0a" "\0\b\t\n\f\r\x1f\x7f\\/"), NULL, "\"\\u0000\\b\\t\\n\\f\\r\\u001F\x7f\\\\/\""},
    {C(VARCHAR, 40, 45), B("\x04" "\xf0\x9f\x8e\x89"), "🎉", "\"🎉\""},
    {C(VARCHAR, 40, 45), B("\x02" "a\xff"), "0x61FF", "\"0x61FF\""}, /* not UTF-8 */
    {C(VARCHAR, 40, 0), B("\x02" "\xc3\xa4"), "ä", "\"ä\""},       /* charset not known, but UTF-8 */
    {C(VARCHAR, 40, 0), B("\x01" "\xe4"), "0xE4", "\"0xE4\""},
    {C(VARCHAR, 40, 8), B("\x02" "\xe4\x80"), "ä€", "\"ä€\""},     /* latin1 */
    {C(VARCHAR, 40, 8), B("\x02" "\xc3\xa4"), "Ã¤", "\"Ã¤\""},     /* latin1, though it could be UTF-8 */
    {C(VARCHAR, 40, 8), B("\x01\x81"), "\xc2\x81", "\"\xc2\x81\""},
    {C(VARCHAR, 40, 28), B("\x04\xd6\xd0\xce\xc4"), "中文", "\"中文\""}, /* gbk */
    {C(VARCHAR, 40, 28), B("\x03\xd6\xd0\xce"), "0xD6D0CE", "\"0xD6D0CE\""},
    {C(VARCHAR, 40, 54), B("\x06\x00\x41\xd8\x3c\xdf\x89"), "A🎉", "\"A🎉\""}, /* utf16 */
    {C(VARCHAR, 40, 54), B("\x02\xd8\x3c"), "0xD83C", "\"0xD83C\""},
    {C(VARCHAR, 40, 60), B("\x04\x00\x01\xf3\x89"), "🎉", "\"🎉\""}, /* utf32 */
    {C(VARCHAR, 40, 35), B("\x02\x00\xe4"), "ä", "\"ä\""},           /* ucs2 */
    {C(VARCHAR, 40, 63), B("\x02" "ab"), "0x6162", "\"0x6162\""},      /* VARBINARY */
    {C(STRING, 4, 63), B("\x02" "ab"), "0x61620000", "\"0x61620000\""},  /* BINARY(4) */
    {C(STRING, 300, 45), B("\x02\x00" "ab"), "ab", "\"ab\""},
    {C(BLOB, 1, 63), B("\x01\xfe"), "0xFE", "\"0xFE\""}, {C(BLOB, 4, 63), B("\0\0\0\0"), "0x", "\"0x\""},
    {C(BLOB, 3, 45), B("\x02\0\0" "hi"), "hi", "\"hi\""},
    {C(VARCHAR_COMPRESSED, 101, 45), B("\x03\x00zz"), "zz", "\"zz\""}, {C(BLOB_COMPRESSED, 2, 45), B("\0\0"), "", "\"\""},
    {M(GEOMETRY, 4), B("\x19\0\0\0" "\0\0\0\0\1\1\0\0\0\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\0\x40"), "POINT(1 2)", "\"POINT(1 2)\""},
    {M(GEOMETRY, 4), B("\x19\0\0\0" "\xe6\x10\0\0\0\0\0\0\1\x3f\xf0\0\0\0\0\0\0\x40\0\0\0\0\0\0\0"), "SRID=4326;POINT(1 2)", "\"SRID=4326;POINT(1 2)\""},
    {M(GEOMETRY, 4), B("\x0d\0\0\0" "\0\0\0\0\1\7\0\0\0\0\0\0\0"), "GEOMETRYCOLLECTION EMPTY", "\"GEOMETRYCOLLECTION EMPTY\""},
    {M(JSON, 4), B("\0\0\0\0"), "null", "null"},
    {M(JSON, 4), B("\2\0\0\0" "\4\1"), "true", "true"},
    {M(JSON, 4), B("\3\0\0\0" "\5\xff\xff"), "-1", "-1"},
    {M(JSON, 4), B("\x0d\0\0\0" "\0\1\0\x0c\0\x0b\0\1\0\5\2\0" "a"), "{\"a\": 2}", "{\"a\": 2}"},
    {M(JSON, 4), B("\x09\0\0\0" "\x0b\0\0\0\0\0\0\xf0\x3f"), "1.0", "1.0"},
    {M(JSON, 4), B("\x04\0\0\0" "\x0c\2h\""), "\"h\\\"\"", "\"h\\\"\""},
    {M(VECTOR, 4), B("\x08\0\0\0" "\0\0\x80\x3f\0\0\x20\xc0"), "[1,-2.5]", "[1,-2.5]"},
    {M(VECTOR, 4), B("\x03\0\0\0" "\1\2\3"), "0x010203", "\"0x010203\""},
};
/* clang-format on */

/* What a table of these columns is, without a cache. */
static struct bt_plan *plan_of(struct bt_column *columns, uint32_t count,
                               const struct bt_schema *schema)
{
    struct bt_table table = {.columns = columns};
    struct bt_plan *plan = NULL;
    struct bt_err err = {0};

    table.map = (struct bt_table_map){.flavor = BT_FLAVOR_MARIADB,
                                      .db = bt_slice_str("d"),
                                      .table = bt_slice_str("t"),
                                      .column_count = count};
    ck_assert_msg(bt_plan_new(&table, schema, &plan, &err) == 0, "%s", err.text);
    return plan;
}

static struct bt_rows_event frame_of(enum bt_rows_op op, uint32_t count, const char *before,
                                     const char *after, const void *rows, size_t len)
{
    size_t bitmap = (count + 7) / 8;

    return (struct bt_rows_event){.op = op,
                                  .column_count = count,
                                  .before_columns = bt_slice(before, before ? bitmap : 0),
                                  .after_columns = bt_slice(after, after ? bitmap : 0),
                                  .rows = {rows, len}};
}

/* _i: a row of the table above. */
START_TEST(a_value_prints_as_select_shows_it)
{
    const struct one *one = &values[_i];
    struct bt_column column = one->column;
    struct bt_plan *plan = plan_of(&column, 1, NULL);
    bt_auto_row_reader struct bt_row_reader *rows = NULL;
    bt_auto_buf struct bt_buf bytes = {.max = 4096}, out = {.max = 4096};
    struct bt_rows_event frame;
    struct bt_err err = {0};
    struct bt_row row;
    uint64_t count;

    bt_buf_add_byte(&bytes, 0);
    bt_buf_add(&bytes, one->bytes, one->len);
    bt_buf_add_byte(&bytes, 1); /* a second row: NULL */
    frame = frame_of(BT_ROWS_INSERT, 1, NULL, "\1", bytes.data, bytes.len);
    ck_assert_int_eq(bt_row_reader_new(&rows, &err), 0);
    ck_assert_msg(bt_row_reader_count(rows, plan, &frame, &count, &err) == 0, "%s", err.text);
    ck_assert_uint_eq(count, 2);
    ck_assert_int_eq(bt_row_reader_begin(rows, plan, &frame, &err), 0);
    ck_assert_msg(bt_row_reader_next(rows, &row, &err) == 0, "%s", err.text);
    ck_assert_ptr_null(row.before);
    if (one->text) {
        ck_assert_msg(bt_value_text(plan, 0, &row.after[0], &out, &err) == 0, "%s", err.text);
        ck_assert_str_eq(bt_buf_str(&out), one->text);
        bt_buf_reset(&out);
    }
    ck_assert_int_eq(bt_value_json(plan, 0, &row.after[0], &out, &err), 0);
    ck_assert_str_eq(bt_buf_str(&out), one->json);
    ck_assert_int_eq(bt_row_reader_next(rows, &row, &err), 0);
    ck_assert_int_eq(row.after[0].state, BT_VALUE_NULL);
    bt_buf_reset(&out);
    ck_assert_int_eq(bt_row_json(plan, row.after, &out, &err), 0);
    ck_assert_str_eq(bt_buf_str(&out), "{\"@1\":null}");
    ck_assert_int_eq(bt_row_reader_next(rows, &row, &err), 1);
    bt_plan_free(plan);
}
END_TEST

/* _i: a row of the table above; its bytes cut at every length, in memory that ends there. */
START_TEST(a_value_cut_anywhere_is_refused)
{
    const struct one *one = &values[_i];
    struct bt_column column = one->column;
    struct bt_plan *plan = plan_of(&column, 1, NULL);
    bt_auto_row_reader struct bt_row_reader *rows = NULL;
    struct bt_err err = {0};

    ck_assert_int_eq(bt_row_reader_new(&rows, &err), 0);
    for (size_t len = 0; len < one->len; len++) {
        char *exact = malloc(len + 1);
        struct bt_rows_event frame = frame_of(BT_ROWS_DELETE, 1, "\1", NULL, exact, len + 1);
        struct bt_row row;
        uint64_t count;

        exact[0] = 0;
        memcpy(exact + 1, one->bytes, len);
        ck_assert_int_eq(bt_row_reader_begin(rows, plan, &frame, &err), 0);
        ck_assert_int_eq(bt_row_reader_next(rows, &row, &err), -1);
        ck_assert_int_eq(err.kind, BT_ERR_CORRUPT);
        ck_assert_int_eq(bt_row_reader_next(rows, &row, &err), 1); /* and is not asked again */
        ck_assert_int_eq(bt_row_reader_count(rows, plan, &frame, &count, &err), -1);
        free(exact);
    }
    bt_plan_free(plan);
}
END_TEST

START_TEST(images_have_only_the_columns_that_are_present)
{
    struct bt_column columns[9];
    static const char rows_bytes[] = "\0\1\0\7\3"
                                     "\0\2\0\x08\4"; /* before: column 1; after: 3 and 9 */
    struct bt_plan *plan;
    bt_auto_row_reader struct bt_row_reader *rows = NULL;
    bt_auto_buf struct bt_buf out = {.max = 4096};
    struct bt_rows_event frame = frame_of(BT_ROWS_UPDATE, 9, "\1\0", "\4\1", rows_bytes, 10);
    struct bt_err err = {0};
    struct bt_row row;

    for (int i = 0; i < 9; i++)
        columns[i] = (struct bt_column){.type = BT_COLUMN_TINY,
                                        .name = i == 8 ? bt_slice_str("n\"") : bt_slice_empty()};
    plan = plan_of(columns, 9, NULL);
    ck_assert_int_eq(bt_row_reader_new(&rows, &err), 0);
    ck_assert_int_eq(bt_row_reader_begin(rows, plan, &frame, &err), 0);
    for (int n = 0; n < 2; n++) {
        ck_assert_msg(bt_row_reader_next(rows, &row, &err) == 0, "%s", err.text);
        bt_buf_reset(&out);
        ck_assert_int_eq(bt_row_json(plan, row.before, &out, &err), 0);
        ck_assert_int_eq(bt_row_json(plan, row.after, &out, &err), 0);
        ck_assert_str_eq(bt_buf_str(&out), n ? "{\"@1\":2}{\"@3\":8,\"n\\\"\":4}"
                                             : "{\"@1\":1}{\"@3\":7,\"n\\\"\":3}");
        ck_assert_int_eq(row.after[1].state, BT_VALUE_ABSENT);
    }
    ck_assert_int_eq(bt_row_reader_next(rows, &row, &err), 1);
    bt_plan_free(plan);
}
END_TEST

START_TEST(a_row_without_columns_is_one_row)
{
    struct bt_column column = {.type = BT_COLUMN_TINY};
    struct bt_plan *plan = plan_of(&column, 1, NULL);
    bt_auto_row_reader struct bt_row_reader *rows = NULL;
    bt_auto_buf struct bt_buf out = {.max = 4096};
    struct bt_rows_event frame = frame_of(BT_ROWS_INSERT, 1, NULL, "\0", "", 0);
    struct bt_err err = {0};
    struct bt_row row;
    uint64_t count;

    ck_assert_int_eq(bt_row_reader_new(&rows, &err), 0);
    ck_assert_int_eq(bt_row_reader_count(rows, plan, &frame, &count, &err), 0);
    ck_assert_uint_eq(count, 1);
    ck_assert_int_eq(bt_row_reader_begin(rows, plan, &frame, &err), 0);
    ck_assert_int_eq(bt_row_reader_next(rows, &row, &err), 0);
    ck_assert_int_eq(bt_row_json(plan, row.after, &out, &err), 0);
    ck_assert_str_eq(bt_buf_str(&out), "{}");
    ck_assert_int_eq(bt_row_reader_next(rows, &row, &err), 1);
    frame.rows = bt_slice("\1\2", 2); /* bytes that belong to no column */
    ck_assert_int_eq(bt_row_reader_begin(rows, plan, &frame, &err), 0);
    ck_assert_int_eq(bt_row_reader_next(rows, &row, &err), -1);
    ck_assert_int_eq(bt_row_reader_count(rows, plan, &frame, &count, &err), -1);
    bt_plan_free(plan);
}
END_TEST

START_TEST(partial_updates_show_their_differences)
{
    struct bt_column columns[] = {{.type = BT_COLUMN_TINY},
                                  {.type = BT_COLUMN_JSON, .meta = 4},
                                  {.type = BT_COLUMN_JSON, .meta = 4}};
    /* before: id 1; after: options 1, bit of the second JSON column, id absent, j whole, k remove
     * $[1] */
    static const char bytes[] = "\0\1"
                                "\1\2"
                                "\0"
                                "\2\0\0\0\4\1"
                                "\6\0\0\0\2\4$[1]";
    struct bt_plan *plan = plan_of(columns, 3, NULL);
    bt_auto_row_reader struct bt_row_reader *rows = NULL;
    bt_auto_buf struct bt_buf out = {.max = 4096};
    struct bt_rows_event frame = frame_of(BT_ROWS_UPDATE, 3, "\1", "\6", bytes, sizeof(bytes) - 1);
    struct bt_err err = {0};
    struct bt_row row;

    frame.is_partial = true;
    ck_assert_int_eq(bt_row_reader_new(&rows, &err), 0);
    ck_assert_int_eq(bt_row_reader_begin(rows, plan, &frame, &err), 0);
    ck_assert_msg(bt_row_reader_next(rows, &row, &err) == 0, "%s", err.text);
    ck_assert_msg(bt_row_json(plan, row.after, &out, &err) == 0, "%s", err.text);
    ck_assert_str_eq(bt_buf_str(&out),
                     "{\"@2\":true,\"@3\":{\"$diff\":[{\"op\":\"remove\",\"path\":\"$[1]\"}]}}");
    ck_assert_int_eq(bt_row_reader_next(rows, &row, &err), 1);
    for (size_t len = 1; len < sizeof(bytes) - 1; len++) {
        frame.rows.len = len;
        ck_assert_int_eq(bt_row_reader_begin(rows, plan, &frame, &err), 0);
        ck_assert_int_eq(bt_row_reader_next(rows, &row, &err), -1);
    }
    bt_plan_free(plan);
}
END_TEST

START_TEST(columns_that_cannot_be_decoded_are_refused_by_the_plan)
{
    static const struct bt_column columns[] = {
        I(DECIMAL),
        DECIMAL(66, 0),
        DECIMAL(3, 4),
        DECIMAL(0, 0),
        M(TIME2, 7),
        M(DATETIME2, 7),
        M(BLOB, 0),
        M(BLOB, 5),
        M(BIT, 0),
        M(BIT, 65),
        M(ENUM, 0),
        M(ENUM, 3),
        M(SET, 9),
        I(JSON),
        {.type = 99},
    };

    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
        struct bt_column column = columns[i];
        struct bt_table table = {.columns = &column};
        struct bt_plan *plan = NULL;
        struct bt_err err = {0};

        table.map = (struct bt_table_map){
            .db = bt_slice_str("d"), .table = bt_slice_str("t"), .column_count = 1};
        ck_assert_msg(bt_plan_new(&table, NULL, &plan, &err) == -1, "%zu", i);
        ck_assert_int_eq(err.kind, BT_ERR_CORRUPT);
    }
}
END_TEST

START_TEST(a_schema_says_what_the_log_does_not)
{
    static const char sql[] =
        "CREATE TABLE t (id int unsigned primary key, a inet6, u uuid, e enum('x','ü'),"
        " l varchar(10) character set latin1, t timestamp(3), v vector(1))";
    struct bt_column columns[] = {{.type = BT_COLUMN_LONG},
                                  {.type = BT_COLUMN_STRING, .meta = 16},
                                  {.type = BT_COLUMN_STRING, .meta = 16},
                                  {.type = BT_COLUMN_ENUM, .meta = 1},
                                  {.type = BT_COLUMN_VARCHAR, .meta = 10},
                                  {.type = BT_COLUMN_TIMESTAMP},
                                  {.type = BT_COLUMN_VARCHAR, .meta = 4}};
    static const char bytes[] = "\0"
                                "\xff\xff\xff\xff"
                                "\2\x20\1"
                                "\1\xab"
                                "\2"
                                "\1\xe4"
                                "\0\0\0\1\0\5"
                                "\4\0\0\x80\x3f";
    bt_auto_schema struct bt_schema *schema = NULL;
    bt_auto_row_reader struct bt_row_reader *rows = NULL;
    bt_auto_buf struct bt_buf out = {.max = 4096};
    struct bt_rows_event frame =
        frame_of(BT_ROWS_INSERT, 7, NULL, "\x7f", bytes, sizeof(bytes) - 1);
    struct bt_plan *plan;
    struct bt_err err = {0};
    struct bt_row row;

    ck_assert_msg(bt_schema_parse(bt_slice_str(sql), "x.sql", &schema, &err) == 0, "%s", err.text);
    plan = plan_of(columns, 7, schema);
    ck_assert_ptr_null(bt_plan_note(plan));
    ck_assert_uint_eq(bt_plan_key_part(plan, 0), 1);
    ck_assert_int_eq(bt_row_reader_new(&rows, &err), 0);
    ck_assert_int_eq(bt_row_reader_begin(rows, plan, &frame, &err), 0);
    ck_assert_msg(bt_row_reader_next(rows, &row, &err) == 0, "%s", err.text);
    ck_assert_msg(bt_row_json(plan, row.after, &out, &err) == 0, "%s", err.text);
    ck_assert_str_eq(
        bt_buf_str(&out),
        "{\"id\":4294967295,\"a\":\"2001::\",\"u\":\"ab000000-0000-0000-0000-000000000000\","
        "\"e\":\"ü\",\"l\":\"ä\",\"t\":\"1970-01-01 00:00:01.005\",\"v\":[1]}");
    bt_plan_free(plan);
    columns[0].type = BT_COLUMN_VARCHAR; /* another table of that name */
    plan = plan_of(columns, 7, schema);
    ck_assert_ptr_nonnull(strstr(bt_plan_note(plan), "column 1 is int"));
    ck_assert(!bt_plan_has_names(plan));
    bt_plan_free(plan);
    plan = plan_of(columns, 6, schema);
    ck_assert_str_eq(bt_plan_note(plan), "the schema has 7 columns, the log has 6");
    bt_plan_free(plan);
}
END_TEST

static const struct {
    double value;
    const char *text;
} doubles[] = {
    {0, "0"},
    {-0.0, "-0"},
    {1, "1"},
    {-1.5, "-1.5"},
    {0.1, "0.1"},
    {1e14, "100000000000000"},
    {1e15, "1e15"},
    {123456789012345.6, "123456789012345.6"},
    {999999999999999, "999999999999999"},
    {1e-15, "0.000000000000001"},
    {1e-16, "1e-16"},
    {5e-324, "5e-324"},
    {2.2250738585072014e-308, "2.2250738585072014e-308"},
    {1e100, "1e100"},
    {1.7976931348623157e308, "1.7976931348623157e308"},
    {3.141592653589793, "3.141592653589793"},
    {0.30000000000000004, "0.30000000000000004"},
    {9007199254740992, "9.007199254740992e15"},
    {1e22, "1e22"},
    {123456789.125, "123456789.125"},
    {0.00001, "0.00001"},
    {1.5e-7, "0.00000015"},
    {100.25, "100.25"},
};

START_TEST(doubles_have_the_fewest_digits_that_read_back)
{
    char text[BT_DOUBLE_TEXT_SIZE + 1];

    *bt_double_text(doubles[_i].value, text) = '\0';
    ck_assert_str_eq(text, doubles[_i].text);
    ck_assert(strtod(text, NULL) == doubles[_i].value);
}
END_TEST

/* _i: seed of bit patterns of all magnitudes. */
START_TEST(any_double_and_float_reads_back)
{
    uint64_t state = (uint64_t)_i * 0x9e3779b97f4a7c15 + 1;

    for (int n = 0; n < 2000; n++) {
        char text[BT_DOUBLE_TEXT_SIZE + 1];
        uint32_t low;
        double value;
        float small;

        state = state * 6364136223846793005u + 1442695040888963407u;
        memcpy(&value, &state, sizeof(value));
        low = (uint32_t)(state >> 32);
        memcpy(&small, &low, sizeof(small));
        if (value - value == 0) {
            *bt_double_text(value, text) = '\0';
            ck_assert_msg(strtod(text, NULL) == value, "%s %a", text, value);
        }
        if (small - small == 0) {
            *bt_float_text(small, text) = '\0';
            ck_assert_msg(strtof(text, NULL) == small, "%s %a", text, (double)small);
        }
        value = (double)(int64_t)(state >> 20) / 1000; /* amounts */
        *bt_double_text(value, text) = '\0';
        ck_assert_msg(strtod(text, NULL) == value, "%s %a", text, value);
    }
}
END_TEST

/* Takes what is written of a long value away, piece by piece. */
struct taker {
    struct bt_buf *out;
    struct bt_buf taken;
    size_t times;
};

static void take(void *ctx)
{
    struct taker *t = ctx;

    ck_assert_uint_lt(t->out->len, 1 << 20);
    bt_buf_add_slice(&t->taken, bt_buf_slice(t->out));
    t->out->len = 0;
    t->times++;
}

/* The text or JSON of a value of one column, taken away while it is written. */
static void print_taken(const struct bt_column *column, struct bt_slice bytes, bool is_json,
                        struct taker *ret)
{
    struct bt_column copy = *column;
    struct bt_plan *plan = plan_of(&copy, 1, NULL);
    struct bt_value value = {.state = BT_VALUE_HERE, .kind = BT_VALUE_TEXT, .bytes = bytes};
    bt_auto_buf struct bt_buf out = {.max = 4 << 20};
    struct bt_err err = {0};

    *ret = (struct taker){.out = &out, .taken = {.max = 16 << 20}};
    out.between = take;
    out.between_ctx = ret;
    ck_assert_msg((is_json ? bt_value_json : bt_value_text)(plan, 0, &value, &out, &err) == 0,
                  "%s", err.text);
    take(ret);
    bt_plan_free(plan);
}

/* _i: 0 UTF-8, 1 not UTF-8 behind its first pieces. */
START_TEST(a_long_value_is_written_in_pieces)
{
    static const char unit[] = "a\xc3\xa9\xe2\x82\xac\"\xf0\x9f\x98\x80\n";
    static const struct bt_column column = {.type = BT_COLUMN_BLOB, .meta = 4, .collation = 45};
    bt_auto_buf struct bt_buf text = {.max = 4 << 20}, expected = {.max = 32 << 20};
    struct taker json, plain;
    uint8_t *at, *end;

    while (text.len < 3 << 20)
        bt_buf_add(&text, unit, sizeof(unit) - 1);
    if (_i == 1)
        bt_buf_add_byte(&text, 0xff);
    at = bt_buf_reserve(&expected, BT_QUOTE_ROOM(text.len));
    ck_assert_ptr_nonnull(at);
    end = _i == 1 ? bt_quote_hex_at(at, bt_buf_slice(&text))
                  : bt_quote_at(at, bt_buf_slice(&text));
    bt_buf_commit(&expected, (size_t)(end - at));
    print_taken(&column, bt_buf_slice(&text), true, &json);
    ck_assert_uint_gt(json.times, 20);
    ck_assert(bt_slice_equal(bt_buf_slice(&json.taken), bt_buf_slice(&expected)));
    print_taken(&column, bt_buf_slice(&text), false, &plain);
    ck_assert(bt_slice_equal(bt_buf_slice(&plain.taken),
                             _i == 1 ? bt_slice(expected.data + 1, expected.len - 2)
                                     : bt_buf_slice(&text)));
    bt_buf_done(&json.taken);
    bt_buf_done(&plain.taken);
}
END_TEST

BT_SUITE_MAIN("parser value",
              {a_value_prints_as_select_shows_it, sizeof(values) / sizeof(values[0])},
              {a_value_cut_anywhere_is_refused, sizeof(values) / sizeof(values[0])},
              {images_have_only_the_columns_that_are_present, 0},
              {a_row_without_columns_is_one_row, 0},
              {partial_updates_show_their_differences, 0},
              {columns_that_cannot_be_decoded_are_refused_by_the_plan, 0},
              {a_schema_says_what_the_log_does_not, 0},
              {doubles_have_the_fewest_digits_that_read_back, sizeof(doubles) / sizeof(doubles[0])},
              {any_double_and_float_reads_back, 10},
              {a_long_value_is_written_in_pieces, 2})
