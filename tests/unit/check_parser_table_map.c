/* SPDX-License-Identifier: Apache-2.0 */
/* TABLE_MAP: metadata and optional metadata of each column, per flavour; the cache of tables. */
#include "tests/unit/suite.h"

#include "base/buf.h"
#include "parser/format.h"
#include "parser/table_map.h"

#define BYTES(literal) literal, sizeof(literal) - 1

static struct bt_format mariadb = {.flavor = BT_FLAVOR_MARIADB};
static struct bt_format mysql = {.flavor = BT_FLAVOR_MYSQL};

static struct bt_event event_of(const struct bt_format *format, const void *bytes, size_t len)
{
    return (struct bt_event){
        .type = BT_TABLE_MAP,
        .header = {.type = BT_TABLE_MAP, .server_id = 101},
        .format = format,
        .body = bt_slice(bytes, len),
    };
}

/* Table d.t with these types, metadata, and optional metadata; nothing may be NULL. */
static void build(struct bt_buf *b, uint64_t id, struct bt_slice types, struct bt_slice metadata,
                  struct bt_slice optional)
{
    bt_buf_init(b, 4096);
    bt_buf_add_le(b, id, 6);
    bt_buf_add_le(b, 1, 2);
    bt_buf_add(b, "\x01"
                  "d\0\x01t",
               6);
    bt_buf_add_le(b, types.len, 1);
    bt_buf_add_slice(b, types);
    bt_buf_add_le(b, metadata.len, 1);
    bt_buf_add_slice(b, metadata);
    for (size_t i = 0; i < (types.len + 7) / 8; i++)
        bt_buf_add_byte(b, 0);
    bt_buf_add_slice(b, optional);
}

/* The columns of such a table; -1 when they are refused. */
static int columns_of(const struct bt_format *format, struct bt_slice types,
                      struct bt_slice metadata, struct bt_slice optional, struct bt_column *ret)
{
    static struct bt_buf b; /* the columns borrow from it */
    struct bt_table_map map;
    struct bt_err err = {0};
    struct bt_event ev;

    bt_buf_done(&b);
    build(&b, 18, types, metadata, optional);
    ev = event_of(format, b.data, b.len);
    ck_assert_msg(bt_table_map_read(&ev, &map, &err) == 0, "%s", err.text);
    ck_assert(map.table_id == 18 && bt_slice_equal_str(map.table, "t"));
    return bt_table_map_columns(&map, ret, &err);
}

static const struct {
    uint8_t type;
    const char *meta;
    size_t len;
    uint8_t real;
    uint16_t want;
} types[] = {
    {BT_COLUMN_LONG, BYTES(""), BT_COLUMN_LONG, 0},
    {BT_COLUMN_VARCHAR, BYTES("\x2c\x01"), BT_COLUMN_VARCHAR, 300},
    {BT_COLUMN_BLOB, BYTES("\x02"), BT_COLUMN_BLOB, 2},
    {BT_COLUMN_BIT, BYTES("\x04\x01"), BT_COLUMN_BIT, 12},
    {BT_COLUMN_NEWDECIMAL, BYTES("\x0c\x02"), BT_COLUMN_NEWDECIMAL, 12 << 8 | 2},
    {BT_COLUMN_DATETIME2, BYTES("\x06"), BT_COLUMN_DATETIME2, 6},
    {BT_COLUMN_STRING, BYTES("\xf7\x02"), BT_COLUMN_ENUM, 2},
    {BT_COLUMN_STRING, BYTES("\xf8\x08"), BT_COLUMN_SET, 8},
    {BT_COLUMN_STRING, BYTES("\xfe\x28"), BT_COLUMN_STRING, 40},
    {BT_COLUMN_STRING, BYTES("\xee\x90"), BT_COLUMN_STRING, 400}, /* CHAR(100) of utf8mb4 */
    {BT_COLUMN_VARCHAR_COMPRESSED, BYTES("\x65\0"), BT_COLUMN_VARCHAR_COMPRESSED, 101},
    {BT_COLUMN_TYPED_ARRAY, BYTES("\x0f\x40\0"), BT_COLUMN_TYPED_ARRAY, 64},
};

START_TEST(metadata_says_what_each_type_needs)
{
    struct bt_column column;

    ck_assert_int_eq(columns_of(&mysql, bt_slice(&types[_i].type, 1),
                                bt_slice(types[_i].meta, types[_i].len), bt_slice_empty(),
                                &column),
                     0);
    ck_assert_uint_eq(column.type, types[_i].real);
    ck_assert_uint_eq(column.meta, types[_i].want);
    ck_assert(!column.knows_sign && column.collation == 0 && column.is_visible);
    if (types[_i].len > 0)
        ck_assert_int_eq(columns_of(&mysql, bt_slice(&types[_i].type, 1),
                                    bt_slice(types[_i].meta, types[_i].len - 1),
                                    bt_slice_empty(), &column),
                         -1);
}
END_TEST

/* INT UNSIGNED, YEAR, VARCHAR, GEOMETRY, ENUM, SET: what both servers say of such a table differs
 * in whether GEOMETRY has a collation. */
START_TEST(optional_metadata_counts_columns_as_its_server_does)
{
    static const char kinds[] = "\x03\x0d\x0f\xff\xfe\xfe";
    static const char meta[] = "\x28\0\x04\xf7\x01\xf8\x01";
    static const char common[] = "\x01\x01\x80"
                                 "\x04\x0c\x01i\x01y\x01v\x01g\x01"
                                 "e\x01s"
                                 "\x05\x03\x01\x01x\x06\x05\x02\x01"
                                 "a\x01"
                                 "b\x07\x01\x01"
                                 "\x08\x02\x02\0\x0a\x01\x21\x0c\x01\xf0";
    struct bt_buf optional;
    struct bt_column c[6];
    struct bt_slice rest, member;
    struct bt_err err = {0};

    for (int is_mariadb = 0; is_mariadb < 2; is_mariadb++) {
        bt_buf_init(&optional, 256);
        bt_buf_add(&optional, common, sizeof(common) - 1);
        bt_buf_add(&optional, is_mariadb ? "\x03\x02\x2d\x3f" : "\x03\x01\x2d", is_mariadb ? 4 : 3);
        ck_assert_int_eq(columns_of(is_mariadb ? &mariadb : &mysql, bt_slice(BYTES(kinds)),
                                    bt_slice(BYTES(meta)), bt_buf_slice(&optional), c),
                         0);
        ck_assert(c[0].knows_sign && c[0].is_unsigned && c[1].knows_sign && !c[1].is_unsigned);
        ck_assert(!c[2].knows_sign && c[2].collation == 0x2d);
        ck_assert_uint_eq(c[3].collation, is_mariadb ? 0x3f : 0);
        ck_assert(c[3].geometry_type == 1 && c[4].collation == 0x21 && c[5].collation == 0x21);
        ck_assert(c[4].member_count == 2 && c[5].member_count == 1);
        ck_assert(c[2].key_part == 1 && c[0].key_part == 2 && c[1].key_part == BT_KEY_NOT_IN);
        ck_assert(c[3].is_visible && !c[4].is_visible && bt_slice_equal_str(c[5].name, "s"));
        rest = c[4].members;
        ck_assert(bt_column_next_member(&rest, &member, &err) == 0 &&
                  bt_slice_equal_str(member, "a"));
        ck_assert(bt_column_next_member(&rest, &member, &err) == 0 &&
                  bt_slice_equal_str(member, "b"));
        ck_assert_int_eq(bt_column_next_member(&rest, &member, &err), 1);
        bt_buf_done(&optional);
    }
}
END_TEST

START_TEST(a_vector_is_a_character_column_to_mysql_9)
{
    struct bt_column c[2];

    ck_assert_int_eq(columns_of(&mysql, bt_slice(BYTES("\xf2\x0f")), bt_slice(BYTES("\x04\x28\0")),
                                bt_slice(BYTES("\x03\x04\x3f\xfc\xff\0\x0d\x01\x03")), c),
                     0);
    ck_assert(c[0].collation == 63 && c[1].collation == 255 && c[0].vector_dimensions == 3);
}
END_TEST

static const struct {
    const char *bytes;
    size_t len;
} wrong[] = {
    {BYTES("\x01\x00")},             /* no bits */
    {BYTES("\x03\x01")},             /* cut */
    {BYTES("\x03\x02\x2d\x2d")},     /* one collation too many */
    {BYTES("\x04\x02\x01i")},        /* one name too few */
    {BYTES("\x08\x01\x02")},         /* key of a third column */
    {BYTES("\x08\x02\0\0")},         /* the same twice */
    {BYTES("\x02\x03\x2d\x01\x21")}, /* collation of a second character column */
    {BYTES("\x06\x02\x05\x01")},     /* five members of no column */
};

START_TEST(optional_metadata_that_does_not_fit_is_corrupt)
{
    struct bt_column c[2];

    ck_assert_int_eq(columns_of(&mariadb, bt_slice(BYTES("\x03\x0f")), bt_slice(BYTES("\x28\0")),
                                bt_slice(wrong[_i].bytes, wrong[_i].len), c),
                     -1);
}
END_TEST

/* ------------------------------------------------------------------- cache */

static int freed;

static void free_plan(void *plan)
{
    (void)plan;
    freed++;
}

static struct bt_table *put(struct bt_table_cache *cache, uint64_t id, const char *kinds)
{
    struct bt_table *table;
    struct bt_err err = {0};
    struct bt_event ev;
    struct bt_buf b;

    build(&b, id, bt_slice_str(kinds), bt_slice_empty(), bt_slice_empty());
    ev = event_of(&mariadb, b.data, b.len);
    ck_assert_int_eq(bt_table_cache_put(cache, &ev, &table, &err), 0);
    bt_buf_done(&b);
    return table;
}

START_TEST(a_table_keeps_its_plan_until_its_map_changes)
{
    struct bt_table_cache *cache;
    struct bt_err err = {0};
    struct bt_table *table;

    freed = 0;
    ck_assert_int_eq(bt_table_cache_new(&cache, &err), 0);
    table = put(cache, 7, "\x03\x03");
    table->plan = &freed;
    table->plan_free = free_plan;
    ck_assert_ptr_eq(put(cache, 7, "\x03\x03"), table);
    ck_assert_ptr_eq(bt_table_cache_get(cache, 101, 7), table);
    ck_assert_ptr_null(bt_table_cache_get(cache, 102, 7));
    ck_assert_ptr_null(bt_table_cache_get(cache, 101, 8));
    table = put(cache, 7, "\x03");
    ck_assert(freed == 1 && table->plan == NULL && table->map.column_count == 1);
    table->plan = &freed;
    table->plan_free = free_plan;
    bt_table_cache_drop_all(cache);
    ck_assert_int_eq(freed, 2);
    ck_assert_ptr_null(bt_table_cache_get(cache, 101, 7));
    bt_table_cache_free(cache);
}
END_TEST

START_TEST(of_too_many_tables_the_one_used_longest_ago_goes)
{
    enum { MANY = 3000, KEPT = 1024 };
    struct bt_table_cache *cache;
    struct bt_err err = {0};
    uint64_t found = 0;

    ck_assert_int_eq(bt_table_cache_new(&cache, &err), 0);
    for (uint64_t id = 1; id <= MANY; id++) {
        put(cache, id, "\x03");
        ck_assert_ptr_nonnull(bt_table_cache_get(cache, 101, 1));
    }
    for (uint64_t id = 1; id <= MANY; id++) {
        struct bt_table *table = bt_table_cache_get(cache, 101, id);

        if (table)
            ck_assert_uint_eq(table->map.table_id, id);
        found += table != NULL;
    }
    ck_assert_uint_eq(found, KEPT);
    ck_assert_ptr_nonnull(bt_table_cache_get(cache, 101, MANY));
    bt_table_cache_free(cache);
}
END_TEST

BT_SUITE_MAIN("parser table map",
              {metadata_says_what_each_type_needs, sizeof(types) / sizeof(types[0])},
              {optional_metadata_counts_columns_as_its_server_does, 0},
              {a_vector_is_a_character_column_to_mysql_9, 0},
              {optional_metadata_that_does_not_fit_is_corrupt, sizeof(wrong) / sizeof(wrong[0])},
              {a_table_keeps_its_plan_until_its_map_changes, 0},
              {of_too_many_tables_the_one_used_longest_ago_goes, 0})
