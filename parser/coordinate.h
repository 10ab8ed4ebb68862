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

#endif
