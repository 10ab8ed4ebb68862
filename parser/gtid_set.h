/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gtid_set.h - sets of MySQL's GTIDs, as gtid_executed and PREVIOUS_GTIDS hold them.
 * (MariaDB's state, one GTID per domain: parser/gtid.h.)
 *
 *     {0} -> parse | add | read | unite | subtract ... -> done
 *
 * In the server's notation: groups of one uuid, each with intervals, and with tags (8.3+) before
 * the intervals that carry them:
 *
 *     3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5:11:backup:1-3, 8c2f...:1-77
 *
 * Numbers run from 1 to 2^63 - 2 (sql/rpl_gtid.h GNO_END, MySQL 8.0.43).  Sets are kept sorted and
 * merged, so that equal sets have equal content and equal text.
 */
#ifndef BT_PARSER_GTID_SET_H
#define BT_PARSER_GTID_SET_H

#include "base/auto.h"
#include "parser/gtid.h"

/* What one set may hold: more is BT_ERR_LIMIT.  A real server's set is some KiB. */
enum { BT_GTID_SET_INTERVALS_MAX = 4 * 1024 * 1024 };

#define BT_GTID_NUMBER_MAX ((uint64_t)INT64_MAX - 1)

struct bt_gtid_interval {
    uint64_t first, last; /* both are in it */
};

/* The numbers of one uuid and tag. */
struct bt_gtid_range {
    uint8_t uuid[16];
    char tag[33];                   /* "" without one */
    struct bt_gtid_interval *items; /* owned; ascending, with a gap between any two */
    size_t count, room;
};

/* Zeroed is the empty set. */
struct bt_gtid_set {
    struct bt_gtid_range *ranges; /* owned; ascending by uuid, then tag; none is empty */
    size_t count, room;
};

void bt_gtid_set_done(struct bt_gtid_set *s); /* leaves the empty set */
#define bt_auto_gtid_set BT_AUTO(bt_gtid_set_done)

/* Reads the server's notation; blanks and newlines around separators are allowed, as are empty
 * parts between commas and intervals that end before they begin (they hold nothing; the server
 * takes both).  *ret is written, and owned by the caller, on success only. */
int bt_gtid_set_parse(struct bt_slice text, struct bt_gtid_set *ret, struct bt_err *err)
    BT_MUST_CHECK;

/* Appends the notation above, with "," and no blanks between uuids. */
void bt_gtid_set_text(const struct bt_gtid_set *s, struct bt_buf *out);

/* The content of a PREVIOUS_GTIDS event, the untagged or the tagged form (8.3+). */
int bt_previous_gtids_read(const struct bt_event *ev, struct bt_gtid_set *ret, struct bt_err *err)
    BT_MUST_CHECK;

/* Appends that content, which COM_BINLOG_DUMP_GTID takes too; a set with tags has the tagged form.
 */
void bt_previous_gtids_add(const struct bt_gtid_set *set, struct bt_buf *out);

/* A failure of the following three leaves a valid set that holds part of what was asked for. */
int bt_gtid_set_add(struct bt_gtid_set *s, const struct bt_gtid *gtid, struct bt_err *err)
    BT_MUST_CHECK;
int bt_gtid_set_unite(struct bt_gtid_set *s, const struct bt_gtid_set *other, struct bt_err *err)
    BT_MUST_CHECK;
int bt_gtid_set_subtract(struct bt_gtid_set *s, const struct bt_gtid_set *other,
                         struct bt_err *err) BT_MUST_CHECK;

/* Whether gtid (MySQL) is in the set. */
bool bt_gtid_set_has(const struct bt_gtid_set *s, const struct bt_gtid *gtid);
/* Whether everything in `part` is in s. */
bool bt_gtid_set_contains(const struct bt_gtid_set *s, const struct bt_gtid_set *part);
bool bt_gtid_set_intersects(const struct bt_gtid_set *a, const struct bt_gtid_set *b);
bool bt_gtid_set_equal(const struct bt_gtid_set *a, const struct bt_gtid_set *b);
bool bt_gtid_set_is_empty(const struct bt_gtid_set *s);
/* How many GTIDs it holds; UINT64_MAX when more than that. */
uint64_t bt_gtid_set_size(const struct bt_gtid_set *s);

#endif
