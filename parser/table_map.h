/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table_map.h - which table a rows event's table id means, and what its columns are.
 *
 *   size     field                     (body of TABLE_MAP, binlog.md 1.6)
 *   6 or 4   table id                  4 where the FORMAT_DESCRIPTION gives post-header length 6
 *   2        flags
 *   1 n 1    db: length, bytes, NUL
 *   1 n 1    table: length, bytes, NUL
 *   packed   column count
 *   n        type of each column
 *   packed n metadata: length, bytes: 0, 1 or 2 of each column by its type
 *   (n+7)/8  which columns may be NULL, lowest bit first
 *   ...      optional (type u8, packed length, value)*: signedness, charsets, names, keys
 *
 * A table id is a session handle of the server, reused at will: bt_table_cache keeps the maps of
 * one log by (server_id, id) for the rows events behind them.
 */
#ifndef BT_PARSER_TABLE_MAP_H
#define BT_PARSER_TABLE_MAP_H

#include "parser/format.h"

/* The post-header length that says that table ids have 4 bytes and not 6 (5.1.4 and before). */
enum { BT_POST_HEADER_SHORT_ID = 6 };

/* A server's limit is 4096 columns (sql/unireg.h MAX_FIELDS, MariaDB 10.11; same in MySQL). */
enum { BT_COLUMN_COUNT_MAX = 4096 };

/* Column types as logged (include/field_types.h MySQL, sql/field.h MariaDB). */
enum bt_column_type {
    BT_COLUMN_DECIMAL = 0, /* of 4.1: cannot be decoded */
    BT_COLUMN_TINY = 1,
    BT_COLUMN_SHORT = 2,
    BT_COLUMN_LONG = 3,
    BT_COLUMN_FLOAT = 4,
    BT_COLUMN_DOUBLE = 5,
    BT_COLUMN_NULL = 6,
    BT_COLUMN_TIMESTAMP = 7,
    BT_COLUMN_LONGLONG = 8,
    BT_COLUMN_INT24 = 9,
    BT_COLUMN_DATE = 10,
    BT_COLUMN_TIME = 11,
    BT_COLUMN_DATETIME = 12,
    BT_COLUMN_YEAR = 13,
    BT_COLUMN_NEWDATE = 14,
    BT_COLUMN_VARCHAR = 15,
    BT_COLUMN_BIT = 16,
    BT_COLUMN_TIMESTAMP2 = 17,
    BT_COLUMN_DATETIME2 = 18,
    BT_COLUMN_TIME2 = 19,
    BT_COLUMN_TYPED_ARRAY = 20,         /* MySQL 8.0.17+ */
    BT_COLUMN_BLOB_COMPRESSED = 140,    /* MariaDB */
    BT_COLUMN_VARCHAR_COMPRESSED = 141, /* MariaDB */
    BT_COLUMN_VECTOR = 242,             /* MySQL 9 */
    BT_COLUMN_JSON = 245,               /* MySQL */
    BT_COLUMN_NEWDECIMAL = 246,
    BT_COLUMN_ENUM = 247,
    BT_COLUMN_SET = 248,
    BT_COLUMN_TINY_BLOB = 249,
    BT_COLUMN_MEDIUM_BLOB = 250,
    BT_COLUMN_LONG_BLOB = 251,
    BT_COLUMN_BLOB = 252,
    BT_COLUMN_VAR_STRING = 253,
    BT_COLUMN_STRING = 254,
    BT_COLUMN_GEOMETRY = 255,
};

/* The body of a TABLE_MAP, cut into its fields and checked.  Borrows what it was read from. */
struct bt_table_map {
    uint64_t table_id;
    uint16_t flags;
    enum bt_flavor flavor; /* decides which columns the optional metadata counts */
    struct bt_slice db, table;
    uint32_t column_count;
    struct bt_slice types;    /* column_count bytes */
    struct bt_slice metadata; /* each column's, one after the other */
    struct bt_slice nullable; /* bitmap */
    struct bt_slice optional; /* the (type, length, value)s, unread */
};

enum bt_key_part { BT_KEY_NOT_IN = 0 };

/* One column with all that the log says of it.  Borrows as its map. */
struct bt_column {
    uint8_t type;    /* enum bt_column_type: STRING that is in truth ENUM or SET says so here */
    uint16_t meta;   /* by type: VARCHAR, STRING max bytes; BLOB, GEOMETRY, JSON, VECTOR size of the
                        length; FLOAT, DOUBLE size; TIME2.. fsp; ENUM, SET bytes; BIT bits;
                        NEWDECIMAL precision << 8 | scale */
    uint8_t element; /* TYPED_ARRAY: the elements' type (meta is theirs); 0 otherwise */
    bool may_be_null;
    bool knows_sign;         /* the log said whether it is unsigned */
    bool is_unsigned;        /* meaningful with knows_sign */
    bool is_visible;         /* true where the log does not say */
    uint32_t collation;      /* number; 0 = the log does not say */
    struct bt_slice name;    /* "" = the log does not say */
    struct bt_slice members; /* ENUM, SET: packed-length strings; "" = not said */
    uint32_t member_count;
    uint32_t geometry_type;
    uint32_t vector_dimensions;
    uint16_t key_part;   /* place in the primary key from 1; BT_KEY_NOT_IN */
    uint32_t key_prefix; /* characters of it that the key holds; 0 = all */
};

/* Cuts a TABLE_MAP event into its fields.  *ret borrows from ev->body. */
int bt_table_map_read(const struct bt_event *ev, struct bt_table_map *ret, struct bt_err *err)
    BT_MUST_CHECK;

/* Says all about each column: ret has room for map->column_count.  Borrows as map does.
 * Optional metadata that contradicts itself is BT_ERR_CORRUPT. */
int bt_table_map_columns(const struct bt_table_map *map, struct bt_column *ret, struct bt_err *err)
    BT_MUST_CHECK;

/* Walks members: 0 and the next name, 1 at the end.  Start with `rest` = column->members. */
int bt_column_next_member(struct bt_slice *rest, struct bt_slice *ret, struct bt_err *err)
    BT_MUST_CHECK;

/* ------------------------------------------------------------ the cache */

/* A table map that outlives its event. */
struct bt_table {
    struct bt_table_map map;
    struct bt_column *columns; /* map.column_count of them */
    uint32_t server_id;
    uint64_t bytes_hint; /* owned memory, for the cache's ceiling */

    /* What a user of the cache keeps with the table (a decode plan): freed by plan_free when the
     * table leaves the cache.  NULL until somebody sets it. */
    void *plan;
    void (*plan_free)(void *plan);

    /* Something else of the user's, found here without a search; freed by mark_free, where that is
     * set, as the plan is.  NULL at first. */
    void *mark;
    void (*mark_free)(void *mark);
};

struct bt_table_cache;

/* Holds at most 1024 tables or 4 MiB; the one used longest ago goes first. */
int bt_table_cache_new(struct bt_table_cache **ret, struct bt_err *err) BT_MUST_CHECK;
void bt_table_cache_free(struct bt_table_cache *cache);

/* Keeps the table of a TABLE_MAP event.  The same bytes again are the same table: its plan stays.
 * *ret borrows until the next put, drop_all or free. */
int bt_table_cache_put(struct bt_table_cache *cache, const struct bt_event *ev,
                       struct bt_table **ret, struct bt_err *err) BT_MUST_CHECK;

/* The table of a TABLE_MAP whose body is that of one that is kept under the same id; NULL when it
 * must be put.  Borrows as put. */
struct bt_table *bt_table_cache_again(struct bt_table_cache *cache, const struct bt_format *format,
                                      uint32_t server_id, struct bt_slice body);

/* The table a rows event of this server means; NULL when no TABLE_MAP told.  Borrows as put. */
struct bt_table *bt_table_cache_get(struct bt_table_cache *cache, uint32_t server_id,
                                    uint64_t table_id);

/* A FORMAT_DESCRIPTION ends what the ids mean. */
void bt_table_cache_drop_all(struct bt_table_cache *cache);

#endif
