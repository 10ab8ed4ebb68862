/* SPDX-License-Identifier: Apache-2.0 */
/* plan_priv.h - the inside of a decode plan, shared by plan.c, row_reader.c and value_text.c. */
#ifndef BT_PARSER_PLAN_PRIV_H
#define BT_PARSER_PLAN_PRIV_H

#include "base/arena.h"
#include "parser/charset.h"
#include "parser/schema.h"
#include "parser/value.h"

/* How the bytes of a value are found and turned into a bt_value. */
enum step_op {
    OP_NOTHING, /* type NULL: no bytes, always NULL */
    OP_I8,
    OP_I16,
    OP_I24,
    OP_I32,
    OP_I64,
    OP_LE, /* unsigned, little endian, width bytes */
    OP_BE, /* unsigned, big endian, width bytes */
    OP_YEAR,
    OP_FLOAT,
    OP_DOUBLE,
    OP_FIXED, /* width bytes as they are */
    OP_DATE,
    OP_TIME_OLD,
    OP_DATETIME_OLD,
    OP_TIMESTAMP_OLD,
    OP_TIMESTAMP2,
    OP_DATETIME2,
    OP_TIME2,
    OP_TIMESTAMP_HIRES,
    OP_DATETIME_HIRES,
    OP_TIME_HIRES,
    OP_VARIABLE,   /* width bytes of length, then the value */
    OP_COMPRESSED, /* the same, and the value is a MariaDB COMPRESSED column */
};

struct step {
    uint16_t column;
    uint8_t op;        /* enum step_op */
    uint8_t kind;      /* enum bt_value_kind */
    uint8_t width;     /* by op */
    uint8_t digits;    /* of the fraction */
    uint8_t fixed_len; /* bytes of the value; 0 with OP_VARIABLE and OP_COMPRESSED */
};

/* Rows that hold no NULL, for who only counts them: bytes to pass over, then a length of `width`
 * bytes and what it says; without width the end of the row. */
struct hop {
    uint32_t fixed;
    uint32_t width;
};

struct member {
    struct bt_slice text;   /* UTF-8 */
    struct bt_slice quoted; /* as JSON */
};

/* Keys are followed by so many bytes of no meaning, so that they can be copied in such steps. */
enum { KEY_STEP = 16 };

struct plan_column {
    struct bt_slice name;
    struct bt_slice key; /* "name": as JSON */
    uint8_t digits;      /* of a temporal's fraction */
    uint8_t precision, scale;
    uint16_t key_part;
    bool is_json;
    /* BINARY(n), INET4, INET6, UUID: zeros at the end are cut off */
    uint32_t pad_to;
    const struct bt_charset *charset; /* TEXT; NULL = not known */
    /* where text must be converted; NULL = is UTF-8 or not known */
    struct bt_charset_reader *reader;
    struct member *members;
    uint32_t member_count;
};

struct bt_plan {
    struct bt_arena arena; /* all but the readers */
    size_t count;
    size_t bitmap_len; /* of a bit for each column */
    uint8_t last_bits; /* those of its last byte that mean columns; servers set the others to 1 */
    struct step *steps;
    struct plan_column *columns;
    struct hop *hops;
    size_t hop_count;
    enum bt_flavor flavor;
    size_t json_count; /* columns of MySQL's JSON: bits of a partial update's bitmap */
    bool has_names;
    bool guesses_fractions; /* old temporal columns of MariaDB, whose size only a schema can tell */
    const char *note;
    struct bt_buf *scratch; /* for conversions; the reason why a plan serves one thread */
};

#endif
