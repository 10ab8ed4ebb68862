/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reader_priv.h - the reader's inside: framing (reader_frame.c) below, formats, wrapped events and
 * the way through the log (reader.c) above.
 */
#ifndef BT_PARSER_READER_PRIV_H
#define BT_PARSER_READER_PRIV_H

#include "parser/reader.h"
#include "parser/unwrap.h"

/* One bit a type code. */
struct bt_type_set {
    uint64_t bits[4];
};

enum { BT_RUN_MAX = 64 };

struct bt_reader {
    struct bt_source *source; /* borrowed */
    struct bt_reader_opts opts;
    uint64_t stop_pos;      /* UINT64_MAX without one */
    struct bt_slice window; /* what is in hand from pos on; borrowed from source */
    uint64_t pos;           /* of the next event */
    bool takes_fast_way;    /* nothing but the event in the window has to be looked at */
    /* events that need no further look, from pos on: ends[next_found] up to ends[found_count], all
     * counted from found_pos */
    uint64_t found_pos;
    uint32_t ends[BT_RUN_MAX];
    uint32_t next_found, found_count;
    uint32_t length_min;        /* of an event under the format in force */
    struct bt_type_set careful; /* types that need the slow way */
    struct bt_format format;    /* in force */
    bool has_format;
    bool is_relay_log;
    uint32_t own_server_id;      /* of who wrote this log: in its first FORMAT_DESCRIPTION */
    struct bt_event_header last; /* the event handed out last */
    struct bt_end end;

    struct bt_unwrapper unwrapper;
    struct bt_payload *payload; /* NULL until needed */
    bool in_payload;            /* inner events come next */
    struct bt_event outer;      /* the payload they are in */
    /* behind START_ENCRYPTION: lengths are known, the rest needs cipher */
    bool is_sealed;
    struct bt_log_cipher *cipher; /* NULL without a key */
    struct bt_buf opened;         /* the event decrypted last */
};

/* An event found in the log: plain is the whole event with its checksum, in the window. */
struct bt_frame {
    struct bt_event_header header;
    struct bt_slice bytes;
};

/* Ends the log at offset.  Always 1. */
int bt_reader_end_log(struct bt_reader *r, enum bt_end_kind kind, uint64_t offset, const char *fmt,
                      ...) BT_PRINTF(4, 5);

/* Finds the event at pos and checks all but a FORMAT_DESCRIPTION's CRC: 0 and the event, which
 * stays in the window; 1 when the log ends here. */
int bt_reader_frame(struct bt_reader *r, struct bt_frame *ret, struct bt_err *err) BT_MUST_CHECK;

/* Looks for the events of the next run; false when there are none.  The run before is used up. */
bool bt_reader_find(struct bt_reader *r, bool asks_ahead);

/* In a binary log without checksums the only proof of a length is that end_log_pos agrees with it.
 * MySQL before 5.1 wrote other positions inside transactions (Bug#22540). */
static inline bool bt_reader_contradicts_position(const struct bt_reader *r,
                                                  const struct bt_event_header *h, uint64_t pos)
{
    return !r->format.checksum && !r->is_relay_log && h->end_log_pos != 0 &&
           r->format.version_number >= 50100 && !(h->flags & BT_FLAG_ARTIFICIAL) &&
           h->end_log_pos != (uint32_t)(pos + h->length);
}

#endif
