/* SPDX-License-Identifier: Apache-2.0 */
/*
 * row_reader.c - from the bytes of a rows event to values.
 *
 * decode_image() is the inner loop of everything that looks at rows: one step per present column,
 * chosen once per event, and a cursor that stays in registers.
 */
#include <stdlib.h>

#include "parser/inflate.h"
#include "parser/plan_priv.h"
#include "parser/temporal.h"

enum { INFLATED_MAX = 1 << 30 };

/* One side of the rows of an event. */
struct image {
    const struct step *steps; /* of the columns that are present: the plan's, or some */
    struct step *some;        /* owned */
    size_t count;
    struct bt_value *values; /* owned; one per column of the table */
    size_t room;             /* of both, in columns */
};

struct bt_row_reader {
    const struct bt_plan *plan;
    struct bt_cursor c;
    struct image before, after;
    bool has_before, has_after, is_partial;
    bool is_done;
    uint64_t row;                     /* number of the next, for messages */
    const uint8_t *row_at, *after_at; /* images of the row that was read last */
    struct bt_inflater *inflater;     /* owned; made at the first COMPRESSED column */
    struct bt_arena inflated;         /* plain bytes of the current row */
    struct bt_buf scratch;
};

int bt_row_reader_new(struct bt_row_reader **ret, struct bt_err *err)
{
    struct bt_row_reader *r = calloc(1, sizeof(*r));

    if (!r)
        return bt_fail(err, BT_ERR_SYSTEM, "out of memory for a reader of rows");
    bt_arena_init(&r->inflated, INFLATED_MAX);
    bt_buf_init(&r->scratch, INFLATED_MAX);
    r->is_done = true;
    *ret = r;
    return 0;
}

static void image_done(struct image *image)
{
    free(image->some);
    free(image->values);
}

void bt_row_reader_free(struct bt_row_reader *r)
{
    if (!r)
        return;
    image_done(&r->before);
    image_done(&r->after);
    bt_inflater_free(r->inflater);
    bt_arena_done(&r->inflated);
    bt_buf_done(&r->scratch);
    free(r);
}

/* ------------------------------------------------------------------- begin */

/* Whether the bitmap has every column of the table. */
BT_INLINE bool take_all_present(struct bt_cursor *c, const struct bt_plan *plan)
{
    size_t last = plan->bitmap_len - 1;
    struct bt_slice present;
    uint8_t all;

    if (!bt_cur_take(c, plan->bitmap_len, &present))
        return false;
    all = present.ptr[last] | (uint8_t)~plan->last_bits;
    for (size_t i = 0; i < last; i++)
        all &= present.ptr[i];
    return all == 0xff;
}

static int image_begin(struct image *image, const struct bt_plan *plan, struct bt_slice present,
                       struct bt_err *err)
{
    struct bt_cursor c = bt_cursor(present);

    if (image->room < plan->count) {
        struct step *steps = realloc(image->some, plan->count * sizeof(*steps));
        struct bt_value *values;

        if (steps)
            image->some = steps;
        values = realloc(image->values, plan->count * sizeof(*values));
        if (values)
            image->values = values;
        if (!steps || !values)
            return bt_fail(err, BT_ERR_SYSTEM, "out of memory for the values of a row");
        image->room = plan->count;
    }
    if (present.len < (plan->count + 7) / 8)
        return bt_fail(err, BT_ERR_CORRUPT, "rows event says of %zu bytes of columns which are"
                                            " present, the table has %zu columns",
                       present.len, plan->count);
    if (plan->count > 0 && take_all_present(&c, plan)) {
        image->steps = plan->steps;
        image->count = plan->count;
        return 0;
    }
    image->steps = image->some;
    image->count = 0;
    for (size_t i = 0; i < plan->count; i++) {
        if (present.ptr[i / 8] >> i % 8 & 1)
            image->some[image->count++] = plan->steps[i];
        else
            image->values[i] = (struct bt_value){.state = BT_VALUE_ABSENT};
    }
    return 0;
}

int bt_row_reader_begin(struct bt_row_reader *r, const struct bt_plan *plan,
                        const struct bt_rows_event *frame, struct bt_err *err)
{
    r->is_done = true;
    if (frame->is_dummy)
        return 0;
    if (frame->column_count != plan->count)
        return bt_fail(err, BT_ERR_CORRUPT, "rows event has %u columns, its table has %zu",
                       frame->column_count, plan->count);
    r->has_before = frame->op != BT_ROWS_INSERT;
    r->has_after = frame->op != BT_ROWS_DELETE;
    r->before.count = r->after.count = 0;
    if ((r->has_before && image_begin(&r->before, plan, frame->before_columns, err) != 0) ||
        (r->has_after && image_begin(&r->after, plan, frame->after_columns, err) != 0))
        return -1;
    r->plan = plan;
    r->is_partial = frame->is_partial;
    r->c = bt_cursor(frame->rows);
    r->row = 1;
    /* A row of no columns has no bytes: one INSERT of nothing but defaults under MINIMAL. */
    r->is_done = frame->rows.len == 0 && (r->before.count || r->after.count || r->is_partial);
    return 0;
}

/* ------------------------------------------------------------------ decode */

/* Reads a temporal value; false when the bytes do not suffice. */
static bool take_temporal(struct bt_cursor *c, const struct step *s, int64_t *ret)
{
    uint64_t raw;

    switch (s->op) {
    case OP_TIMESTAMP2: return bt_timestamp2_read(c, s->digits, ret);
    case OP_DATETIME2: return bt_datetime2_read(c, s->digits, ret);
    case OP_TIME2: return bt_time2_read(c, s->digits, ret);
    case OP_TIMESTAMP_HIRES: return bt_timestamp_hires_read(c, s->digits, ret);
    case OP_DATETIME_HIRES: return bt_datetime_hires_read(c, s->digits, ret);
    case OP_TIME_HIRES: return bt_time_hires_read(c, s->digits, ret);
    default: break;
    }
    if (!bt_cur_le(c, s->width, &raw))
        return false;
    if (s->op == OP_DATE)
        *ret = bt_date_from_3_bytes((uint32_t)raw);
    else if (s->op == OP_DATETIME_OLD)
        *ret = bt_datetime_from_number(raw);
    else if (s->op == OP_TIMESTAMP_OLD)
        *ret = (int64_t)raw * 1000000;
    else
        *ret = bt_time_from_number((int32_t)((uint32_t)raw << 8) >> 8);
    return true;
}

static bool take_float(struct bt_cursor *c, double *ret)
{
    uint32_t bits;
    float value;

    if (!bt_cur_u32(c, &bits))
        return false;
    memcpy(&value, &bits, sizeof(value));
    *ret = (double)value;
    return true;
}

static bool take_double(struct bt_cursor *c, double *ret)
{
    uint64_t bits;

    if (!bt_cur_u64(c, &bits))
        return false;
    memcpy(ret, &bits, sizeof(*ret));
    return true;
}

/* A signed integer of width bytes. */
static inline bool take_signed(struct bt_cursor *c, unsigned width, int64_t *ret)
{
    unsigned unused = 64 - 8 * width;
    uint64_t raw;

    if (!bt_cur_le(c, width, &raw))
        return false;
    *ret = (int64_t)(raw << unused) >> unused;
    return true;
}

static inline bool take_variable(struct bt_cursor *c, unsigned width, struct bt_slice *ret)
{
    uint64_t len;

    return bt_cur_le(c, width, &len) && bt_cur_take(c, len, ret);
}

/* The value of one step; false when the bytes do not suffice. */
static inline bool take_value(struct bt_cursor *c, const struct step *s, struct bt_value *v)
{
    v->state = BT_VALUE_HERE;
    v->kind = s->kind;
    switch ((enum step_op)s->op) {
    case OP_NOTHING: v->state = BT_VALUE_NULL; return true;
    case OP_I8: return take_signed(c, 1, &v->i64);
    case OP_I16: return take_signed(c, 2, &v->i64);
    case OP_I24: return take_signed(c, 3, &v->i64);
    case OP_I32: return take_signed(c, 4, &v->i64);
    case OP_I64: return take_signed(c, 8, &v->i64);
    case OP_LE: return bt_cur_le(c, s->width, &v->u64);
    case OP_BE: return bt_cur_be(c, s->width, &v->u64);
    case OP_YEAR:
        if (!bt_cur_le(c, 1, &v->u64))
            return false;
        v->u64 = v->u64 ? v->u64 + 1900 : 0;
        return true;
    case OP_FLOAT: return take_float(c, &v->f64);
    case OP_DOUBLE: return take_double(c, &v->f64);
    case OP_FIXED: return bt_cur_take(c, s->width, &v->bytes);
    case OP_VARIABLE:
    case OP_COMPRESSED:
        if (s->width == 1)
            return bt_cur_len8(c, &v->bytes);
        return take_variable(c, s->width, &v->bytes);
    case OP_DATE:
    case OP_TIME_OLD:
    case OP_DATETIME_OLD:
    case OP_TIMESTAMP_OLD:
    case OP_TIMESTAMP2:
    case OP_DATETIME2:
    case OP_TIME2:
    case OP_TIMESTAMP_HIRES:
    case OP_DATETIME_HIRES:
    case OP_TIME_HIRES: {
        struct bt_cursor copy = *c; /* so that the loop's own may stay in registers */
        bool fine = take_temporal(&copy, s, &v->i64);

        *c = copy;
        return fine;
    }
    }
    return false;
}

/* Opens the value of a COMPRESSED column, for as long as the row. */
static int inflate_value(struct bt_row_reader *r, struct bt_value *v, struct bt_err *err)
{
    if (!r->inflater && bt_inflater_new(&r->inflater, err) != 0)
        return -1;
    bt_buf_reset(&r->scratch);
    if (bt_inflate_column(r->inflater, v->bytes, &r->scratch, err) != 0)
        return -1;
    v->bytes = bt_arena_dup(&r->inflated, bt_buf_slice(&r->scratch));
    return v->bytes.ptr ? 0 : bt_arena_fail(&r->inflated, "compressed columns of a row", err);
}

/* Which JSON columns of a partial update's after image are differences: at most that many bits. */
struct partial {
    struct bt_slice bits;
    bool is_used;
};

static bool is_difference(const struct bt_plan *plan, const struct partial *partial,
                          uint16_t column)
{
    size_t json = 0;

    if (!partial->is_used || !plan->columns[column].is_json)
        return false;
    for (size_t i = 0; i < column; i++)
        json += plan->columns[i].is_json;
    return partial->bits.ptr[json / 8] >> json % 8 & 1;
}

static int decode_image(struct bt_row_reader *r, struct image *image, const struct partial *partial,
                        struct bt_err *err)
{
    struct bt_cursor c = r->c;
    struct bt_slice nulls;

    if (!bt_cur_take(&c, (image->count + 7) / 8, &nulls))
        return bt_fail(err, BT_ERR_CORRUPT, "row %llu ends in its NULL bits",
                       (unsigned long long)r->row);
    for (size_t i = 0; i < image->count; i++) {
        const struct step *s = &image->steps[i];
        struct bt_value *v = &image->values[s->column];

        if (nulls.ptr[i / 8] >> i % 8 & 1) {
            v->state = BT_VALUE_NULL;
            v->kind = s->kind;
            continue;
        }
        if (!take_value(&c, s, v))
            return bt_fail(err, BT_ERR_CORRUPT, "row %llu ends in its column %u",
                           (unsigned long long)r->row, s->column + 1u);
        if (s->op == OP_COMPRESSED && inflate_value(r, v, err) != 0)
            return bt_err_wrap(err, "row %llu, column %u", (unsigned long long)r->row,
                               s->column + 1u);
        if (partial && is_difference(r->plan, partial, s->column))
            v->kind = BT_VALUE_JSON_DIFF;
    }
    r->c = c;
    return 0;
}

/* PARTIAL_UPDATE_ROWS: packed options before the after image; 1: which JSON columns are
 * differences, one bit for each JSON column of the table (sql/rpl_record.cc, MySQL 8.0.43). */
static int read_partial(struct bt_row_reader *r, struct partial *ret, struct bt_err *err)
{
    uint64_t options;

    if (!bt_cur_lenenc(&r->c, &options) || options > 1)
        return bt_fail(err, BT_ERR_CORRUPT,
                       "row %llu of a partial update has options that no server"
                       " writes",
                       (unsigned long long)r->row);
    ret->is_used = options == 1;
    if (ret->is_used && !bt_cur_take(&r->c, (r->plan->json_count + 7) / 8, &ret->bits))
        return bt_fail(err, BT_ERR_CORRUPT, "row %llu ends in the bits of its JSON columns",
                       (unsigned long long)r->row);
    return 0;
}

/* MariaDB's old TIMESTAMP(n), DATETIME(n) and TIME(n) look like those without fractions. */
static int fail_row(struct bt_row_reader *r, struct bt_err *err)
{
    r->is_done = true;
    if (r->plan->guesses_fractions && err->kind == BT_ERR_CORRUPT)
        return bt_err_wrap(err, "a schema is needed if its old temporal columns have fractions");
    return -1;
}

int bt_row_reader_next(struct bt_row_reader *r, struct bt_row *ret, struct bt_err *err)
{
    struct partial partial = {0};
    size_t left = r->c.left;

    if (r->is_done)
        return 1;
    if (r->inflated.used > 0)
        bt_arena_reset(&r->inflated);
    r->row_at = r->c.at;
    if (r->has_before && decode_image(r, &r->before, NULL, err) != 0)
        return fail_row(r, err);
    r->after_at = r->c.at;
    if ((r->is_partial && r->has_after && read_partial(r, &partial, err) != 0) ||
        (r->has_after && decode_image(r, &r->after, r->is_partial ? &partial : NULL, err) != 0))
        return fail_row(r, err);
    if (r->c.left == left && left > 0) {
        r->is_done = true;
        return bt_fail(err, BT_ERR_CORRUPT, "rows without columns have %zu bytes", left);
    }
    r->is_done = r->c.left == 0;
    r->row++;
    ret->before = r->has_before ? r->before.values : NULL;
    ret->after = r->has_after ? r->after.values : NULL;
    return 0;
}

void bt_row_reader_images(const struct bt_row_reader *r, struct bt_slice *ret_before,
                          struct bt_slice *ret_after)
{
    *ret_before = bt_slice(r->row_at, (size_t)(r->after_at - r->row_at));
    *ret_after = bt_slice(r->after_at, (size_t)(r->c.at - r->after_at));
}

/* ------------------------------------------------------------------- count */

static bool skip_image(struct bt_cursor *at, const struct image *image)
{
    struct bt_cursor c = *at;
    struct bt_slice nulls;

    if (!bt_cur_take(&c, (image->count + 7) / 8, &nulls))
        return false;
    for (size_t i = 0; i < image->count; i++) {
        const struct step *s = &image->steps[i];
        uint64_t len = s->fixed_len;

        if (nulls.ptr[i / 8] >> i % 8 & 1)
            continue;
        if (len == 0 && s->width > 0 && !bt_cur_le(&c, s->width, &len))
            return false;
        if (!bt_cur_skip(&c, len))
            return false;
    }
    *at = c;
    return true;
}

BT_INLINE bool has_none(struct bt_slice nulls, const struct bt_plan *plan)
{
    size_t last = plan->bitmap_len - 1;
    uint8_t any = nulls.ptr[last] & plan->last_bits;

    for (size_t i = 0; i < last; i++)
        any |= nulls.ptr[i];
    return any == 0;
}

/* A length of width bytes, which nearly always is one. */
BT_INLINE bool take_length(struct bt_cursor *c, size_t width, uint64_t *ret)
{
    uint8_t byte;

    if (width != 1)
        return bt_cur_le(c, width, ret);
    if (!bt_cur_u8(c, &byte))
        return false;
    *ret = byte;
    return true;
}

/* Passes over an image of all columns. */
BT_INLINE bool hop_image(struct bt_cursor *c, const struct bt_plan *plan)
{
    struct bt_slice nulls;

    if (!bt_cur_take(c, plan->bitmap_len, &nulls))
        return false;
    if (!has_none(nulls, plan)) {
        struct image all = {.steps = plan->steps, .count = plan->count};
        /* so that c may stay in registers */
        struct bt_cursor at = {nulls.ptr, c->left + nulls.len};
        bool fine = skip_image(&at, &all);

        *c = at;
        return fine;
    }
    for (size_t i = 0; i < plan->hop_count; i++) {
        const struct hop *hop = &plan->hops[i];
        uint64_t len = 0;

        if (!bt_cur_skip(c, hop->fixed) || (hop->width && !take_length(c, hop->width, &len)) ||
            !bt_cur_skip(c, len))
            return false;
    }
    return true;
}

/* Table id and flags, which the caller knows, and V2's extra data; the columns. */
BT_INLINE bool take_full_frame(struct bt_cursor *c, const struct bt_plan *plan, uint8_t type)
{
    struct bt_slice extra;
    uint64_t count;

    return bt_cur_skip(c, 8) &&
           bt_rows_take_extra(c, type, &extra) &&
           bt_cur_lenenc(c, &count) && count == plan->count && count > 0 &&
           take_all_present(c, plan) &&
           (bt_rows_op_of(type) != BT_ROWS_UPDATE || take_all_present(c, plan));
}

bool bt_plan_count_body(const struct bt_plan *plan, uint8_t type, struct bt_slice body,
                        uint64_t *ret)
{
    bool has_two = bt_rows_op_of(type) == BT_ROWS_UPDATE;
    struct bt_cursor c = bt_cursor(body);
    uint64_t count = 0;

    if (type == BT_PARTIAL_UPDATE_ROWS || !take_full_frame(&c, plan, type))
        return false;
    for (; c.left > 0; count++)
        if (!hop_image(&c, plan) || (has_two && !hop_image(&c, plan)))
            return false;
    *ret = count;
    return true;
}

int bt_row_reader_count(struct bt_row_reader *r, const struct bt_plan *plan,
                        const struct bt_rows_event *frame, uint64_t *ret, struct bt_err *err)
{
    uint64_t count = 0;

    if (bt_row_reader_begin(r, plan, frame, err) != 0)
        return -1;
    for (; !r->is_done; count++) {
        struct partial partial;
        size_t left = r->c.left;

        if ((r->has_before && !skip_image(&r->c, &r->before)) ||
            (r->is_partial && r->has_after && read_partial(r, &partial, err) != 0) ||
            (r->has_after && !skip_image(&r->c, &r->after)) || (r->c.left == left && left > 0)) {
            bt_fail(err, BT_ERR_CORRUPT,
                    "row %llu of a rows event is damaged %zu bytes before"
                    " its end",
                    (unsigned long long)r->row, left);
            return fail_row(r, err);
        }
        r->row++;
        r->is_done = r->c.left == 0;
    }
    *ret = count;
    return 0;
}
