/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unwrap.h - plain events out of MariaDB's compressed and fragmented ones.
 *
 *     {0} -> init -> compressed | fragment ... -> done
 *
 * For the reader; it replaces the event's type and body by plain ones, which borrow from the
 * unwrapper until its next call.  (MySQL's TRANSACTION_PAYLOAD: parser/inflate.h.)
 */
#ifndef BT_PARSER_UNWRAP_H
#define BT_PARSER_UNWRAP_H

#include "parser/event.h"
#include "parser/inflate.h"

struct bt_unwrapper {
    struct bt_inflater *inflater; /* NULL until needed */
    struct bt_buf plain;          /* the body of the event unwrapped last */
    struct bt_buf pieces;         /* of a fragmented rows event, so far */
    uint32_t piece_count;         /* how many it has; 0 = none is begun */
    uint32_t next_piece;
};

/* size_max: of one plain body. */
void bt_unwrapper_init(struct bt_unwrapper *u, size_t size_max);
void bt_unwrapper_done(struct bt_unwrapper *u);

/* QUERY_COMPRESSED and the compressed rows events: ev becomes the plain event.  ev is left alone on
 * failure, as below. */
int bt_unwrap_compressed(struct bt_unwrapper *u, struct bt_event *ev, struct bt_err *err)
    BT_MUST_CHECK;

/* PARTIAL_ROW_DATA: 0 when this was the last piece, and ev is the rows event (its raw bytes stay
 * those of the piece); 1 when more have to come, and ev is as it was. */
int bt_unwrap_fragment(struct bt_unwrapper *u, struct bt_event *ev, struct bt_err *err)
    BT_MUST_CHECK;

bool bt_event_is_compressed(uint8_t type);

#endif
