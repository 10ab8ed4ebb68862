/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a TABLE_MAP says about each column.
 *
 * Metadata, one after the other in column order:
 *   FLOAT, DOUBLE                     1  size of the value
 *   BLOB, GEOMETRY, JSON, VECTOR,     1  size of the length
 *     BLOB_COMPRESSED
 *   TIMESTAMP2, DATETIME2, TIME2      1  digits of the fraction
 *   VARCHAR, VAR_STRING               2  most bytes, little endian
 *     VARCHAR_COMPRESSED
 *   BIT                               2  bits % 8, bits / 8
 *   NEWDECIMAL                        2  precision, scale
 *   ENUM, SET                         2  type, bytes
 *   STRING                            2  type or upper bits of the length, length: see take_string
 *   TYPED_ARRAY                       1  type of the elements, then their metadata
 *   all others                        0
 *
 * Optional metadata (MySQL 8.0.1, MariaDB 10.5): see enum optional.  Which columns a list counts
 * differs by flavour (both measured):
 *   - numeric, for SIGNEDNESS: integers, FLOAT, DOUBLE, NEWDECIMAL and YEAR in both.  (MariaDB's
 *     own client leaves YEAR out, and is wrong behind one.)
 *   - character, for the charsets: STRING, VAR_STRING, VARCHAR and BLOB; MySQL 9 also VECTOR,
 *     MariaDB also GEOMETRY and the compressed types.
 *   - ENUM and SET, for their charsets: in both.
 */
#include "parser/table_map.h"

enum optional {
    OPTIONAL_SIGNEDNESS = 1,         /* bitmap of the numeric columns, highest bit first */
    OPTIONAL_DEFAULT_CHARSET = 2,    /* collation, then (character column, collation)* */
    OPTIONAL_COLUMN_CHARSET = 3,     /* collation of each character column */
    OPTIONAL_COLUMN_NAME = 4,        /* string of each column */
    OPTIONAL_SET_MEMBERS = 5,        /* count, strings; of each SET column */
    OPTIONAL_ENUM_MEMBERS = 6,       /* count, strings; of each ENUM column */
    OPTIONAL_GEOMETRY_TYPE = 7,      /* of each GEOMETRY column */
    OPTIONAL_PRIMARY_KEY = 8,        /* column* */
    OPTIONAL_PRIMARY_KEY_PREFIX = 9, /* (column, characters)* */
    OPTIONAL_MEMBERS_DEFAULT = 10,   /* as 2, of ENUM and SET columns */
    OPTIONAL_MEMBERS_CHARSET = 11,   /* as 3, of ENUM and SET columns */
    OPTIONAL_VISIBILITY = 12,        /* bitmap of all columns, highest bit first; MySQL 8.0.23 */
    OPTIONAL_VECTOR_DIMENSIONS = 13, /* of each VECTOR column; MySQL 9.0 */
};

/* ---------------------------------------------------------------- metadata */

/* byte0 is the type, and byte1 the length; but CHAR of more than 255 bytes hides bits 8 and 9 of
 * its length inverted in bits 4 and 5 of byte0 (sql/rpl_utility_server.cc, MySQL Bug#37426). */
static bool take_string(struct bt_cursor *c, struct bt_column *col)
{
    uint8_t byte0, byte1;

    if (!(bt_cur_u8(c, &byte0) && bt_cur_u8(c, &byte1)))
        return false;
    if (byte0 == BT_COLUMN_ENUM || byte0 == BT_COLUMN_SET) {
        col->type = byte0;
        col->meta = byte1;
    } else if (byte0 == 0) {
        col->meta = byte1; /* of 5.0 and before: no type */
    } else {
        col->meta = (uint16_t)(byte1 | ((byte0 & 0x30) ^ 0x30) << 4);
    }
    return true;
}

static bool take_two(struct bt_cursor *c, struct bt_column *col)
{
    uint8_t first, second;

    if (!(bt_cur_u8(c, &first) && bt_cur_u8(c, &second)))
        return false;
    if (col->type == BT_COLUMN_BIT)
        col->meta = (uint16_t)(second * 8 + first);
    else if (col->type == BT_COLUMN_NEWDECIMAL)
        col->meta = (uint16_t)(first << 8 | second);
    else
        col->meta = second; /* ENUM, SET: their type again, bytes */
    return true;
}

static bool take_one(struct bt_cursor *c, struct bt_column *col)
{
    uint8_t byte;

    if (!bt_cur_u8(c, &byte))
        return false;
    col->meta = byte;
    return true;
}

static bool take_meta(struct bt_cursor *c, struct bt_column *col)
{
    switch ((enum bt_column_type)col->type) {
    case BT_COLUMN_FLOAT:
    case BT_COLUMN_DOUBLE:
    case BT_COLUMN_TINY_BLOB:
    case BT_COLUMN_MEDIUM_BLOB:
    case BT_COLUMN_LONG_BLOB:
    case BT_COLUMN_BLOB:
    case BT_COLUMN_BLOB_COMPRESSED:
    case BT_COLUMN_GEOMETRY:
    case BT_COLUMN_JSON:
    case BT_COLUMN_VECTOR:
    case BT_COLUMN_TIMESTAMP2:
    case BT_COLUMN_DATETIME2:
    case BT_COLUMN_TIME2: return take_one(c, col);
    case BT_COLUMN_VARCHAR:
    case BT_COLUMN_VAR_STRING:
    case BT_COLUMN_VARCHAR_COMPRESSED: return bt_cur_u16(c, &col->meta);
    case BT_COLUMN_BIT:
    case BT_COLUMN_NEWDECIMAL:
    case BT_COLUMN_ENUM:
    case BT_COLUMN_SET: return take_two(c, col);
    case BT_COLUMN_STRING: return take_string(c, col);
    case BT_COLUMN_TYPED_ARRAY:
    case BT_COLUMN_DECIMAL:
    case BT_COLUMN_TINY:
    case BT_COLUMN_SHORT:
    case BT_COLUMN_LONG:
    case BT_COLUMN_NULL:
    case BT_COLUMN_TIMESTAMP:
    case BT_COLUMN_LONGLONG:
    case BT_COLUMN_INT24:
    case BT_COLUMN_DATE:
    case BT_COLUMN_TIME:
    case BT_COLUMN_DATETIME:
    case BT_COLUMN_YEAR:
    case BT_COLUMN_NEWDATE: return true;
    }
    return true;
}

/* The elements of a multi-valued index: their type and its metadata stand in the array's. */
static bool take_array(struct bt_cursor *c, struct bt_column *col)
{
    struct bt_column element = {0};

    if (!bt_cur_u8(c, &element.type) || !take_meta(c, &element))
        return false;
    col->element = element.type;
    col->meta = element.meta;
    return true;
}

static int read_metadata(const struct bt_table_map *map, struct bt_column *columns,
                         struct bt_err *err)
{
    struct bt_cursor c = bt_cursor(map->metadata);

    for (uint32_t i = 0; i < map->column_count; i++) {
        struct bt_column *col = &columns[i];

        *col = (struct bt_column){
            .type = map->types.ptr[i],
            .may_be_null = map->nullable.ptr[i / 8] >> (i % 8) & 1,
            .is_visible = true,
            .name = bt_slice_empty(),
            .members = bt_slice_empty(),
        };
        if (!(col->type == BT_COLUMN_TYPED_ARRAY ? take_array(&c, col) : take_meta(&c, col)))
            return bt_fail(err, BT_ERR_CORRUPT,
                           "TABLE_MAP for \"%.*s.%.*s\" has %zu bytes of metadata, too few for "
                           "column %u of type %u",
                           BT_SLICE_ARG(map->db), BT_SLICE_ARG(map->table), map->metadata.len,
                           i + 1, col->type);
    }
    return 0;
}

/* ---------------------------------------------------------- optional metadata */

typedef bool counts(enum bt_flavor flavor, const struct bt_column *col);

static bool is_numeric(enum bt_flavor flavor, const struct bt_column *col)
{
    (void)flavor;
    return (col->type >= BT_COLUMN_TINY && col->type <= BT_COLUMN_DOUBLE) ||
           col->type == BT_COLUMN_LONGLONG || col->type == BT_COLUMN_INT24 ||
           col->type == BT_COLUMN_YEAR || col->type == BT_COLUMN_NEWDECIMAL ||
           (col->type == BT_COLUMN_DECIMAL);
}

static bool is_character(enum bt_flavor flavor, const struct bt_column *col)
{
    if (col->type == BT_COLUMN_STRING || col->type == BT_COLUMN_VAR_STRING ||
        col->type == BT_COLUMN_VARCHAR || col->type == BT_COLUMN_BLOB)
        return true;
    if (flavor == BT_FLAVOR_MYSQL)
        return col->type == BT_COLUMN_VECTOR;
    return (col->type == BT_COLUMN_GEOMETRY || col->type == BT_COLUMN_BLOB_COMPRESSED ||
            col->type == BT_COLUMN_VARCHAR_COMPRESSED);
}

static bool has_members(enum bt_flavor flavor, const struct bt_column *col)
{
    (void)flavor;
    return col->type == BT_COLUMN_ENUM || col->type == BT_COLUMN_SET;
}

/* The next column from *at on that a list counts; NULL behind the last. */
static struct bt_column *next_of(const struct bt_table_map *map, struct bt_column *columns,
                                 counts *wanted, uint32_t *at)
{
    while (*at < map->column_count) {
        struct bt_column *col = &columns[(*at)++];

        if (wanted(map->flavor, col))
            return col;
    }
    return NULL;
}

static bool read_signedness(struct bt_cursor c, const struct bt_table_map *map,
                            struct bt_column *columns)
{
    uint32_t at = 0, bit = 0;
    struct bt_column *col;
    uint8_t byte = 0;

    while ((col = next_of(map, columns, is_numeric, &at))) {
        if (bit % 8 == 0 && !bt_cur_u8(&c, &byte))
            return false;
        col->knows_sign = true;
        col->is_unsigned = byte >> (7 - bit % 8) & 1;
        bit++;
    }
    return true;
}

static bool read_visibility(struct bt_cursor c, const struct bt_table_map *map,
                            struct bt_column *columns)
{
    struct bt_slice bits;

    if (!bt_cur_take(&c, (map->column_count + 7) / 8, &bits))
        return false;
    for (uint32_t i = 0; i < map->column_count; i++)
        columns[i].is_visible = bits.ptr[i / 8] >> (7 - i % 8) & 1;
    return true;
}

/* A collation for all, and those of the columns that differ, by their place among the counted. */
static bool read_default_charset(struct bt_cursor c, const struct bt_table_map *map,
                                 struct bt_column *columns, counts *wanted)
{
    uint64_t collation, special = 0, special_collation = 0;
    uint32_t at = 0, ordinal = 0;
    bool has_special = false;
    struct bt_column *col;

    if (!bt_cur_lenenc(&c, &collation) || collation > UINT16_MAX)
        return false;
    while ((col = next_of(map, columns, wanted, &at))) {
        if (!has_special && c.left > 0) {
            if (!(bt_cur_lenenc(&c, &special) && bt_cur_lenenc(&c, &special_collation)) ||
                special < ordinal || special_collation > UINT16_MAX)
                return false;
            has_special = true;
        }
        col->collation = (uint32_t)collation;
        if (has_special && special == ordinal) {
            col->collation = (uint32_t)special_collation;
            has_special = false;
        }
        ordinal++;
    }
    return !has_special && c.left == 0;
}

static bool read_column_charset(struct bt_cursor c, const struct bt_table_map *map,
                                struct bt_column *columns, counts *wanted)
{
    struct bt_column *col;
    uint64_t collation;
    uint32_t at = 0;

    while ((col = next_of(map, columns, wanted, &at))) {
        if (!bt_cur_lenenc(&c, &collation) || collation > UINT16_MAX)
            return false;
        col->collation = (uint32_t)collation;
    }
    return c.left == 0;
}

static bool read_names(struct bt_cursor c, const struct bt_table_map *map,
                       struct bt_column *columns)
{
    for (uint32_t i = 0; i < map->column_count; i++)
        if (!bt_cur_lenenc_take(&c, &columns[i].name))
            return false;
    return c.left == 0;
}

static bool read_members(struct bt_cursor c, const struct bt_table_map *map,
                         struct bt_column *columns, uint8_t type)
{
    for (uint32_t i = 0; i < map->column_count; i++) {
        struct bt_cursor start;
        struct bt_slice member;
        uint64_t count;

        if (columns[i].type != type)
            continue;
        if (!bt_cur_lenenc(&c, &count) || count > c.left)
            return false;
        start = c;
        for (uint64_t n = 0; n < count; n++)
            if (!bt_cur_lenenc_take(&c, &member))
                return false;
        columns[i].members = bt_slice(start.at, start.left - c.left);
        columns[i].member_count = (uint32_t)count;
    }
    return c.left == 0;
}

static bool read_key(struct bt_cursor c, const struct bt_table_map *map,
                     struct bt_column *columns, bool has_prefixes)
{
    uint64_t index, prefix = 0;

    for (uint16_t part = 1; c.left > 0; part++) {
        if (!bt_cur_lenenc(&c, &index) || index >= map->column_count ||
            (has_prefixes && !bt_cur_lenenc(&c, &prefix)) || prefix > UINT32_MAX ||
            columns[index].key_part != BT_KEY_NOT_IN)
            return false;
        columns[index].key_part = part;
        columns[index].key_prefix = (uint32_t)prefix;
    }
    return true;
}

/* One number for each column of a type. */
static bool read_numbers(struct bt_cursor c, const struct bt_table_map *map,
                         struct bt_column *columns, uint8_t type)
{
    for (uint32_t i = 0; i < map->column_count; i++) {
        uint64_t number;

        if (columns[i].type != type)
            continue;
        if (!bt_cur_lenenc(&c, &number) || number > UINT32_MAX)
            return false;
        if (type == BT_COLUMN_GEOMETRY)
            columns[i].geometry_type = (uint32_t)number;
        else
            columns[i].vector_dimensions = (uint32_t)number;
    }
    return c.left == 0;
}

static bool read_optional(uint8_t type, struct bt_slice value, const struct bt_table_map *map,
                          struct bt_column *columns)
{
    struct bt_cursor c = bt_cursor(value);

    switch ((enum optional)type) {
    case OPTIONAL_SIGNEDNESS: return read_signedness(c, map, columns);
    case OPTIONAL_DEFAULT_CHARSET: return read_default_charset(c, map, columns, is_character);
    case OPTIONAL_COLUMN_CHARSET: return read_column_charset(c, map, columns, is_character);
    case OPTIONAL_COLUMN_NAME: return read_names(c, map, columns);
    case OPTIONAL_SET_MEMBERS: return read_members(c, map, columns, BT_COLUMN_SET);
    case OPTIONAL_ENUM_MEMBERS: return read_members(c, map, columns, BT_COLUMN_ENUM);
    case OPTIONAL_GEOMETRY_TYPE: return read_numbers(c, map, columns, BT_COLUMN_GEOMETRY);
    case OPTIONAL_PRIMARY_KEY: return read_key(c, map, columns, false);
    case OPTIONAL_PRIMARY_KEY_PREFIX: return read_key(c, map, columns, true);
    case OPTIONAL_MEMBERS_DEFAULT: return read_default_charset(c, map, columns, has_members);
    case OPTIONAL_MEMBERS_CHARSET: return read_column_charset(c, map, columns, has_members);
    case OPTIONAL_VISIBILITY: return read_visibility(c, map, columns);
    case OPTIONAL_VECTOR_DIMENSIONS: return read_numbers(c, map, columns, BT_COLUMN_VECTOR);
    }
    return true; /* of a later version */
}

int bt_table_map_columns(const struct bt_table_map *map, struct bt_column *ret, struct bt_err *err)
{
    struct bt_cursor c = bt_cursor(map->optional);
    struct bt_slice value;
    uint8_t type;

    if (read_metadata(map, ret, err) != 0)
        return -1;
    while (c.left > 0) {
        if (!(bt_cur_u8(&c, &type) && bt_cur_lenenc_take(&c, &value)))
            return bt_fail(err, BT_ERR_CORRUPT,
                           "TABLE_MAP for \"%.*s.%.*s\" ends in its optional metadata",
                           BT_SLICE_ARG(map->db), BT_SLICE_ARG(map->table));
        if (!read_optional(type, value, map, ret))
            return bt_fail(err, BT_ERR_CORRUPT,
                           "optional metadata %u of TABLE_MAP for \"%.*s.%.*s\" does not fit its "
                           "columns",
                           type, BT_SLICE_ARG(map->db), BT_SLICE_ARG(map->table));
    }
    return 0;
}

int bt_column_next_member(struct bt_slice *rest, struct bt_slice *ret, struct bt_err *err)
{
    struct bt_cursor c = bt_cursor(*rest);

    if (c.left == 0)
        return 1;
    if (!bt_cur_lenenc_take(&c, ret))
        return bt_fail(err, BT_ERR_CORRUPT, "a member list of %zu bytes is cut short", rest->len);
    *rest = bt_cur_rest(&c);
    return 0;
}
