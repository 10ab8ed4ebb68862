/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reader.h - the events of one log, in order.
 *
 *     open -> next, next, ... until 1 -> end (why it ended) -> close
 *
 * The reader frames, checks CRCs, follows the governing FORMAT_DESCRIPTION and opens wrapped
 * events:
 *
 *   - MariaDB's compressed ones become plain (type and body; raw stays as in the log);
 *   - a TRANSACTION_PAYLOAD is handed out itself, opened, and behind it the events inside, inner;
 *   - PARTIAL_ROW_DATA pieces are handed out as such, but the last one as the whole rows event;
 *   - behind START_ENCRYPTION without a key events are sealed: offset and raw.len only.
 *
 * What next() hands out borrows from the reader and is gone at the following next() or close().
 * One thread at a time.
 */
#ifndef BT_PARSER_READER_H
#define BT_PARSER_READER_H

#include "parser/format.h"
#include "parser/source.h"

struct bt_reader;
struct bt_keys;

struct bt_reader_opts {
    uint64_t start_pos;      /* offset to begin at, of an event; 0 = the first.  Needs a source
                                that can go back.  Formats before it are found all the same */
    uint64_t format_pos;     /* relay log: the FORMAT_DESCRIPTION that is in force at start_pos;
                                nothing between the two is looked at.  0 = find it */
    uint64_t stop_pos;       /* end (clean) when an event begins at or behind it; 0 = no stop */
    uint32_t event_size_max; /* 0 = 1 GiB */
    bool skip_crc;           /* do not verify checksums */
    bool keep_compressed;    /* hand compressed events out as they are: type == header.type */
    /* of encrypted MariaDB logs (parser/crypt.h), or NULL; outlives the reader.  Events are then
     * handed out as if they had never been encrypted */
    const struct bt_keys *keys;
    uint64_t inflate_max; /* ceiling of one decompressed event or payload; 0 = 1 GiB */
};

enum bt_end_kind {
    BT_END_NOT_YET,
    BT_END_CLEAN,   /* closed by ROTATE or STOP as its last event, or ended at stop_pos */
    BT_END_OPEN,    /* whole events to the last byte, but nothing closed it */
    BT_END_TORN,    /* the last event is cut off: offset is where it begins */
    BT_END_CORRUPT, /* what stands at offset is no event: reason says why */
};

struct bt_end {
    enum bt_end_kind kind;
    uint64_t offset;  /* after the last whole, good event: bytes from here on are not to be used */
    char reason[256]; /* for people; "" when clean */
};

/* Opens a log.  The source stays the caller's and must outlive the reader.  Refuses what is no v4
 * binary log (BT_ERR_CORRUPT, naming what it is: v1/v3, MySQL-encrypted, MariaDB .ibb); an empty
 * or shorter than 4 bytes file opens and ends TORN at 0.
 * With start_pos the first event is read for its format, and, in a relay log, the headers between
 * it and start_pos are hopped over so that the format in force there is the right one. */
int bt_reader_open(struct bt_source *source, struct bt_reader_opts opts, struct bt_reader **ret,
                   struct bt_err *err) BT_MUST_CHECK;
void bt_reader_close(struct bt_reader *r);

static inline void bt_reader_release(struct bt_reader **r)
{
    bt_reader_close(*r);
    *r = NULL;
}
#define bt_auto_reader BT_AUTO(bt_reader_release)

/* The next event.  *ret borrows until the next call on r.  Returns 1 at the end of the log,
 * whatever its kind: ask bt_reader_end().  -1: the source failed, or a limit was met. */
int bt_reader_next(struct bt_reader *r, struct bt_event *ret, struct bt_err *err) BT_MUST_CHECK;

/*
 * Events that were found to be whole and right before they are asked for, as they stand one behind
 * the other in the log: for who counts millions of them and looks at few of their fields.
 *
 *     while (bt_reader_run(r, &run)) { look at some of them; bt_reader_pass(r, those) }
 *     next() gives what is behind, and what can only be handed out one by one
 *
 * They are of types that are what their header says (no FORMAT_DESCRIPTION, no ROTATE, nothing
 * compressed or encrypted).  Who goes through them asks for the memory behind with bt_ahead_ask().
 */
struct bt_event_run {
    const struct bt_format *format; /* that governs them */
    const uint8_t *bytes;
    uint64_t offset;      /* of bytes, in the log */
    uint32_t begin;       /* of the first event, counted from bytes */
    const uint32_t *ends; /* of each event, counted from bytes: where the next one begins */
    size_t count;         /* at least 1 */
};

/* The events that come next; false when there is none such.  Borrows until the next call on r. */
bool bt_reader_run(struct bt_reader *r, struct bt_event_run *ret);

/* Leaves the first count events of the run behind. */
void bt_reader_pass(struct bt_reader *r, size_t count);

/*
 * Memory that is asked for before it is read.  The hardware's prefetchers alone reach 11 GB/s of
 * 15, since they stop at page ends (docs/decisions/0003).
 */
enum { BT_AHEAD_BYTES = 4096, BT_AHEAD_MAX = 16384, BT_AHEAD_LINE = 64 };

/* Asks for what stands a little behind the event.  Line by line of it, not of the log: how often
 * the loop turns is then the same for events of one length, which the processor learns.  What
 * is longer than BT_AHEAD_MAX is read in a straight line and needs no asking. */
static inline void bt_ahead_ask(const uint8_t *event, size_t length)
{
    size_t max = length < BT_AHEAD_MAX ? length : BT_AHEAD_MAX;

    for (size_t at = 0; at < max; at += BT_AHEAD_LINE)
        __builtin_prefetch(event + BT_AHEAD_BYTES + at);
}

/* Why the last next() returned 1 (kind NOT_YET before that).  Borrows until close. */
const struct bt_end *bt_reader_end(const struct bt_reader *r);

/* The format in force; NULL before the first event. */
const struct bt_format *bt_reader_format(const struct bt_reader *r);

const char *bt_end_kind_name(enum bt_end_kind kind); /* "clean", "open", "torn", "corrupt" */

#endif
