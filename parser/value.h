/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value.h - the rows inside rows events, column by column.
 *
 *     TABLE_MAP:   table = bt_table_cache_put(...)
 *     rows event:  bt_rows_event_read(&ev, &frame)            (parser/rows.h)
 *                  bt_plan_of(table, schema, &plan)           once per table, kept with it
 *                  bt_row_reader_begin(rows, plan, &frame)
 *                  while (bt_row_reader_next(rows, &row) == 0)
 *                      row.before[i], row.after[i]            typed views, one per column
 *                      bt_row_json(plan, row.after, &out)     or printed
 *
 * A plan is what a table map, its optional metadata and a schema together say about each column,
 * turned once into one step per column, so that nothing is looked up while rows are read.  Values
 * borrow from the event and from the rows handle until its next call; nothing is allocated per row
 * once the handle has met the widest table (COMPRESSED columns excepted).
 *
 * What a log without metadata cannot say, we do not invent: integers are then signed, strings are
 * text if they are valid UTF-8 and bytes if not, ENUM and SET are numbers, columns are "@1", "@2".
 *
 * Printed forms (text and JSON) are what SELECT gives for the value, with these choices:
 *   - TIMESTAMP is in UTC; zero dates are "0000-00-00"; fractions have the column's digits;
 *   - FLOAT has as many digits as it needs to be read back (the server cuts to 6);
 *   - binary strings, and strings that are not valid in their charset, are "0x" and hex digits;
 *   - GEOMETRY is WKT, with "SRID=n;" before it where the SRID is not 0, always x before y;
 *   - VECTOR is an array of numbers; MySQL's JSON is itself;
 *   - a partial update of JSON is {"$diff":[{"op","path","value"}]};
 *   - in JSON, integers, decimals, floats, BIT and YEAR are numbers.
 *
 * Strings of a megabyte and more are appended in pieces, with bt_buf_between() behind each.
 */
#ifndef BT_PARSER_VALUE_H
#define BT_PARSER_VALUE_H

#include "base/auto.h"
#include "base/buf.h"
#include "parser/rows.h"
#include "parser/table_map.h"

struct bt_schema; /* parser/schema.h */

/* ------------------------------------------------------------------ values */

enum bt_value_state {
    BT_VALUE_ABSENT, /* not in this image (MINIMAL, NOBLOB, FULL_NODUP) */
    BT_VALUE_NULL,
    BT_VALUE_HERE,
};

/* What a value is and which member holds it. */
enum bt_value_kind {
    BT_VALUE_INT,       /* i64 */
    BT_VALUE_UINT,      /* u64 */
    BT_VALUE_FLOAT,     /* f64 */
    BT_VALUE_DOUBLE,    /* f64 */
    BT_VALUE_DECIMAL,   /* bytes: packed, parser/decimal.h */
    BT_VALUE_DATE,      /* i64: parser/temporal.h, as the next two */
    BT_VALUE_TIME,      /* i64 */
    BT_VALUE_DATETIME,  /* i64 */
    BT_VALUE_TIMESTAMP, /* i64: microseconds since 1970 UTC; 0 is the zero date */
    BT_VALUE_YEAR,      /* u64: 0, 1901 to 2155 */
    BT_VALUE_BIT,       /* u64 */
    BT_VALUE_ENUM,      /* u64: 1 is the first member, 0 the empty error value */
    BT_VALUE_SET,       /* u64: bit 0 is the first member */
    BT_VALUE_TEXT,      /* bytes, in the column's charset */
    BT_VALUE_BINARY,    /* bytes */
    BT_VALUE_GEOMETRY,  /* bytes: SRID and WKB, parser/geometry.h */
    BT_VALUE_JSON,      /* bytes: MySQL's binary JSON, parser/json_binary.h */
    BT_VALUE_JSON_DIFF, /* bytes: differences to the before image, parser/json_binary.h */
    BT_VALUE_VECTOR,    /* bytes: float32, little endian */
    BT_VALUE_INET4,     /* bytes: up to 4; zeros at the end are cut off */
    BT_VALUE_INET6,     /* bytes: up to 16; zeros at the end are cut off */
    BT_VALUE_UUID,      /* bytes: up to 16; zeros at the end are cut off */
    BT_VALUE_OPAQUE,    /* bytes of a type that has no meaning outside of its server */
};

struct bt_value {
    uint8_t state; /* enum bt_value_state */
    uint8_t kind;  /* enum bt_value_kind; set when HERE */
    union {
        int64_t i64;
        uint64_t u64;
        double f64;
        struct bt_slice bytes;
    };
};

/* ------------------------------------------------------------------- plans */

struct bt_plan;

/* Makes a plan; copies what it needs.  schema may be NULL; where it does not fit the table map
 * (bt_plan_note() says how) it is not used.  A column whose values cannot be found in a row (the
 * DECIMAL of 4.1) is BT_ERR_CORRUPT here and not only at the first row. */
int bt_plan_new(const struct bt_table *table, const struct bt_schema *schema, struct bt_plan **ret,
                struct bt_err *err) BT_MUST_CHECK;
void bt_plan_free(struct bt_plan *plan); /* accepts NULL */

/* The plan kept with a table of the cache, made at the first call.  Borrows until the table leaves
 * the cache.  All calls for a cache give the same schema. */
int bt_plan_of(struct bt_table *table, const struct bt_schema *schema, const struct bt_plan **ret,
               struct bt_err *err) BT_MUST_CHECK;

size_t bt_plan_column_count(const struct bt_plan *plan);

/* Name as UTF-8, "@1" for the first where it is not known.  Borrows from the plan. */
struct bt_slice bt_plan_name(const struct bt_plan *plan, size_t column);
bool bt_plan_has_names(const struct bt_plan *plan);

/* Place in the primary key from 1; 0 when not in it or not known. */
uint16_t bt_plan_key_part(const struct bt_plan *plan, size_t column);

/* Why the schema was not used, for people; NULL when it was or there is none. */
const char *bt_plan_note(const struct bt_plan *plan);

/* -------------------------------------------------------------------- rows */

struct bt_row_reader;

struct bt_row {
    const struct bt_value *before; /* one per column; NULL for INSERT */
    const struct bt_value *after;  /* NULL for DELETE */
};

int bt_row_reader_new(struct bt_row_reader **ret, struct bt_err *err) BT_MUST_CHECK;
void bt_row_reader_free(struct bt_row_reader *rows); /* accepts NULL */

static inline void bt_row_reader_release(struct bt_row_reader **rows)
{
    bt_row_reader_free(*rows);
    *rows = NULL;
}
#define bt_auto_row_reader BT_AUTO(bt_row_reader_release)

/* Begins the rows of an event; plan and the event's bytes must stay until the last next(). */
int bt_row_reader_begin(struct bt_row_reader *rows, const struct bt_plan *plan,
                        const struct bt_rows_event *frame, struct bt_err *err) BT_MUST_CHECK;

/* The next row.  *ret borrows until the next call on rows.  Returns 1 behind the last. */
int bt_row_reader_next(struct bt_row_reader *rows, struct bt_row *ret, struct bt_err *err)
    BT_MUST_CHECK;

/* The bytes of the row that next() gave last, as they stand in the event; "" for an image that it
 * does not have.  Borrows from the event. */
void bt_row_reader_images(const struct bt_row_reader *rows, struct bt_slice *ret_before,
                          struct bt_slice *ret_after);

/* Counts the rows of an event without decoding values: lengths only.  Uses rows as begin does. */
int bt_row_reader_count(struct bt_row_reader *rows, const struct bt_plan *plan,
                        const struct bt_rows_event *frame, uint64_t *ret, struct bt_err *err)
    BT_MUST_CHECK;

/* The same straight from the body of a rows event whose images hold all columns, as nearly all do;
 * false where they do not, or are damaged, or there is more to know: then the others tell. */
bool bt_plan_count_body(const struct bt_plan *plan, uint8_t type, struct bt_slice body,
                        uint64_t *ret) BT_MUST_CHECK;

/* ------------------------------------------------------------------ printed */

/* Appends one value as text ("NULL" when NULL, nothing when ABSENT). */
int bt_value_text(const struct bt_plan *plan, size_t column, const struct bt_value *value,
                  struct bt_buf *out, struct bt_err *err) BT_MUST_CHECK;

/* Appends one value as JSON (null when NULL or ABSENT). */
int bt_value_json(const struct bt_plan *plan, size_t column, const struct bt_value *value,
                  struct bt_buf *out, struct bt_err *err) BT_MUST_CHECK;

/* Appends an image as a JSON object of the columns that are in it: {"id":1,"name":"x"}. */
int bt_row_json(const struct bt_plan *plan, const struct bt_value *image, struct bt_buf *out,
                struct bt_err *err) BT_MUST_CHECK;

#endif
