/* SPDX-License-Identifier: Apache-2.0 */
/*
 * geometry.h - spatial values as WKT.
 *
 *   u32 little endian  SRID
 *   u8                 byte order of what follows: 0 big, 1 little (servers write 1)
 *   u32                type: 1 POINT ... 7 GEOMETRYCOLLECTION
 *   ...                coordinates as doubles; inner geometries have their own order and type
 */
#ifndef BT_PARSER_GEOMETRY_H
#define BT_PARSER_GEOMETRY_H

#include "base/buf.h"
#include "parser/format.h"

/* Nesting of collections that is read: deeper is BT_ERR_LIMIT. */
enum { BT_GEOMETRY_DEPTH_MAX = 64 };

/* Appends the WKT: "POINT(1 2)", with "SRID=4326;" before it when the SRID is not 0.  x stands
 * before y as stored, also where MySQL 8's ST_AsText turns them round for geographic systems.
 * flavor: MariaDB writes MULTIPOINT(1 1,2 2), MySQL MULTIPOINT((1 1),(2 2)). */
int bt_geometry_text(struct bt_slice bytes, enum bt_flavor flavor, struct bt_buf *out,
                     struct bt_err *err) BT_MUST_CHECK;

#endif
