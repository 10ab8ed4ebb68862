/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/geometry.h"

#include "parser/double_text.h"

enum geometry_type {
    ANY = 0,
    POINT = 1,
    LINESTRING = 2,
    POLYGON = 3,
    MULTIPOINT = 4,
    MULTILINESTRING = 5,
    MULTIPOLYGON = 6,
    COLLECTION = 7,
};

static const char *const names[] = {"", "POINT", "LINESTRING", "POLYGON", "MULTIPOINT",
                                    "MULTILINESTRING", "MULTIPOLYGON", "GEOMETRYCOLLECTION"};

struct reader {
    struct bt_cursor c;
    struct bt_buf *out;
    bool is_little;
    bool has_bare_points; /* MULTIPOINT without parentheses around each */
};

static bool read_u32(struct reader *r, uint32_t *ret)
{
    uint64_t value;

    if (!(r->is_little ? bt_cur_le(&r->c, 4, &value) : bt_cur_be(&r->c, 4, &value)))
        return false;
    *ret = (uint32_t)value;
    return true;
}

static bool put_coordinate(struct reader *r)
{
    char text[BT_DOUBLE_TEXT_SIZE];
    uint64_t bits;
    double value;

    if (!(r->is_little ? bt_cur_le(&r->c, 8, &bits) : bt_cur_be(&r->c, 8, &bits)))
        return false;
    memcpy(&value, &bits, sizeof(value));
    bt_buf_add(r->out, text, (size_t)(bt_double_text(value, text) - text));
    return true;
}

static bool put_point(struct reader *r)
{
    if (!put_coordinate(r))
        return false;
    bt_buf_add_byte(r->out, ' ');
    return put_coordinate(r);
}

/* "(x y,x y)" */
static bool put_points(struct reader *r)
{
    uint32_t count;

    if (!read_u32(r, &count) || count > r->c.left / 16)
        return false;
    bt_buf_add_byte(r->out, '(');
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            bt_buf_add_byte(r->out, ',');
        if (!put_point(r))
            return false;
    }
    return bt_buf_add_byte(r->out, ')');
}

/* "((x y,x y),(x y,x y))" */
static bool put_rings(struct reader *r)
{
    uint32_t count;

    if (!read_u32(r, &count) || count > r->c.left / 4)
        return false;
    bt_buf_add_byte(r->out, '(');
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            bt_buf_add_byte(r->out, ',');
        if (!put_points(r))
            return false;
    }
    return bt_buf_add_byte(r->out, ')');
}

static bool put_geometry(struct reader *r, enum geometry_type wanted, int depth);

/* The parts of a collection; part ANY: each with its name. */
static bool put_parts(struct reader *r, enum geometry_type part, int depth)
{
    uint32_t count;

    if (!read_u32(r, &count) || count > r->c.left / 5)
        return false;
    if (count == 0 && part == ANY)
        return bt_buf_add_str(r->out, " EMPTY");
    bt_buf_add_byte(r->out, '(');
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            bt_buf_add_byte(r->out, ',');
        if (!put_geometry(r, part, depth + 1))
            return false;
    }
    return bt_buf_add_byte(r->out, ')');
}

/* One geometry with its byte order and type in front; one that is wanted needs no name. */
static bool put_geometry(struct reader *r, enum geometry_type wanted, int depth)
{
    uint8_t order;
    uint32_t type;

    if (depth > BT_GEOMETRY_DEPTH_MAX || !bt_cur_u8(&r->c, &order) || order > 1)
        return false;
    r->is_little = order == 1;
    if (!read_u32(r, &type) || type < POINT || type > COLLECTION ||
        (wanted != ANY && type != wanted))
        return false;
    if (wanted == ANY)
        bt_buf_add_str(r->out, names[type]);
    switch ((enum geometry_type)type) {
    case POINT:
        if (wanted == POINT && r->has_bare_points)
            return put_point(r);
        bt_buf_add_byte(r->out, '(');
        return put_point(r) && bt_buf_add_byte(r->out, ')');
    case LINESTRING: return put_points(r);
    case POLYGON: return put_rings(r);
    case MULTIPOINT: return put_parts(r, POINT, depth);
    case MULTILINESTRING: return put_parts(r, LINESTRING, depth);
    case MULTIPOLYGON: return put_parts(r, POLYGON, depth);
    case COLLECTION: return put_parts(r, ANY, depth);
    case ANY: break;
    }
    return false;
}

int bt_geometry_text(struct bt_slice bytes, enum bt_flavor flavor, struct bt_buf *out,
                     struct bt_err *err)
{
    struct reader r = {
        .c = bt_cursor(bytes), .out = out, .has_bare_points = flavor == BT_FLAVOR_MARIADB};
    uint32_t srid;

    if (bytes.len == 0) /* what INSERT IGNORE makes of NULL */
        return 0;
    if (!bt_cur_u32(&r.c, &srid))
        return bt_fail(err, BT_ERR_CORRUPT, "geometry of %zu bytes has no SRID", bytes.len);
    if (srid != 0)
        bt_buf_addf(out, "SRID=%u;", srid);
    if (!put_geometry(&r, ANY, 0) || r.c.left != 0) {
        if (bt_buf_check(out, "geometry", err) != 0)
            return -1;
        return bt_fail(err, BT_ERR_CORRUPT, "geometry of %zu bytes does not follow WKB at byte %zu",
                       bytes.len, bytes.len - r.c.left);
    }
    return bt_buf_check(out, "geometry", err);
}
