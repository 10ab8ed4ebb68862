/* SPDX-License-Identifier: Apache-2.0 */
/*
 * coordinate.h - where an event stands in the primary's own binary log.
 *
 * In a binary log that is the file itself.  In a relay log the tracker follows the
 * ROTATEs that came from the primary and the end_log_pos of the events:
 *
 *   own FDE (0x40) | ROTATE (artificial: file, pos) | primary's FDE | events ... | own ROTATE
 *
 * Rules (binlog.md 2.3; MariaDB sql/slave.cc queue_event, 10.11):
 *   - the primary's file is the name in the last ROTATE that is not the replica's own;
 *   - an event's end is its end_log_pos, unless that is 0 or the event is artificial or the
 *     replica's own (coordinate.c says which are): then the last known end stays;
 *   - its start is the previous end, but for a GTID event end_log_pos - length, because only that
 *     is right behind a hole (skipped own transactions, filtered domains);
 *   - positions are 64 bit: an end_log_pos below the last one without a ROTATE between them has
 *     passed 4 GiB once more;
 *   - MariaDB 11.8 writes end_log_pos 0 inside a transaction: only its GTID event and its end
 *     have one.
 */
#ifndef BT_PARSER_COORDINATE_H
#define BT_PARSER_COORDINATE_H

#include "parser/event.h"

enum { BT_LOG_NAME_MAX = 512 };

/* A place in the primary's binary logs. */
struct bt_coordinate {
    char file[BT_LOG_NAME_MAX + 1]; /* base name, "" = not known */
    uint64_t pos;
};

/* Order by numeric suffix of the file, then position: -1, 0, 1.  Names are "base.number"; the
 * number may have any count of digits.  Different base names compare as text. */
int bt_coordinate_compare(const struct bt_coordinate *a, const struct bt_coordinate *b);

/* Compares two log names as above ("bin.999999" < "bin.1000000"). */
int bt_log_name_compare(const char *a, const char *b);

enum bt_log_kind { BT_LOG_KIND_UNKNOWN, BT_LOG_KIND_BINLOG, BT_LOG_KIND_RELAY };

struct bt_coordinate_tracker {
    /* known after the first event: a relay log's own is flagged RELAY_LOG */
    enum bt_log_kind kind;
    uint32_t own_server_id;          /* relay log: of its first FDE */
    struct bt_coordinate last;       /* end of the last event that had one */
    struct bt_coordinate start, end; /* of the event fed last; equal where it has no extent */
    /* the event fed last came from the primary: start and end are its place */
    bool has_place;

    uint32_t names;    /* how often the file of start and end changed */
    bool is_first;     /* the next event is the first of its log */
    bool keeps_place;  /* that log follows one whose place goes on */
    bool file_changed; /* last.file is not yet that of start and end */
};

/* Begins a log; name is the log's own base name (the primary's file when it is a binary log).
 * Between consecutive relay logs call bt_coordinate_next_log() instead, which keeps the place. */
void bt_coordinate_begin(struct bt_coordinate_tracker *t, const char *name);
void bt_coordinate_next_log(struct bt_coordinate_tracker *t, const char *name);

/* Begins in the middle of a log: place is where the next event stands in the primary's logs, and
 * own_server_id (relay log) that of the log's first event. */
void bt_coordinate_resume(struct bt_coordinate_tracker *t, enum bt_log_kind kind,
                          uint32_t own_server_id, const struct bt_coordinate *place);

/* Tells which of the primary's logs a relay log goes on in whose head does not say.  Before the
 * first event that came from the primary. */
void bt_coordinate_name(struct bt_coordinate_tracker *t, const char *file);

/* Feeds every event of the log in order; afterwards start, end and has_place are the event's. */
int bt_coordinate_feed(struct bt_coordinate_tracker *t, const struct bt_event *ev,
                       struct bt_err *err) BT_MUST_CHECK;

/* A wrapped end_log_pos drops by nearly 4 GiB, since no event is longer than 1 GiB.  A smaller drop
 * is a place that was sent again. */
#define BT_POS_WRAP (UINT64_C(1) << 32)
#define BT_POS_DROP_MIN (UINT64_C(1) << 31)

/* The 64-bit place that an end_log_pos means, knowing the last one. */
static inline uint64_t bt_coordinate_widen(uint64_t last, uint32_t end_log_pos)
{
    uint64_t pos = (last & ~(BT_POS_WRAP - 1)) | end_log_pos;

    return pos < last && last - pos >= BT_POS_DROP_MIN ? pos + BT_POS_WRAP : pos;
}

/* bt_coordinate_feed() in two steps without a call, for an event of a transaction that is no inner
 * one: whether nothing but its header has to be looked at, */
static inline bool bt_coordinate_is_plain(const struct bt_coordinate_tracker *t,
                                          const struct bt_event_header *h)
{
    if (t->kind != BT_LOG_KIND_RELAY)
        return !t->is_first;
    return !t->is_first && !t->file_changed && h->server_id != 0 && h->end_log_pos != 0 &&
           !(h->flags & (BT_FLAG_RELAY_LOG | BT_FLAG_ARTIFICIAL));
}

/* and the move onto it. */
static inline void bt_coordinate_move(struct bt_coordinate_tracker *t,
                                      const struct bt_event_header *h, uint64_t offset,
                                      bool is_gtid)
{
    uint64_t start = offset, end = offset + h->length;

    if (t->kind == BT_LOG_KIND_RELAY) {
        end = bt_coordinate_widen(t->last.pos, h->end_log_pos);
        start = is_gtid && end >= h->length ? end - h->length : t->last.pos;
    }
    t->start.pos = start;
    t->end.pos = t->last.pos = end;
    t->has_place = t->last.file[0] != '\0';
}

/* The same over any number of plain events of a binary log, onto the one at `start`. */
static inline void bt_coordinate_jump(struct bt_coordinate_tracker *t, uint64_t start, uint64_t end)
{
    t->start.pos = start;
    t->end.pos = t->last.pos = end;
    t->has_place = true;
}

#endif
