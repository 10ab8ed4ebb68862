/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect_ahead.c - counts the events that nearly all of a log consists of, without handing them
 * through the scan: GTID, TABLE_MAP known from before, rows, statements that change rows, XID.
 *
 * It moves the same grouper, table maps and counters as the scan and its visitor do, but most of
 * them once for a stretch: the events of one transaction that stand in one run.  It takes no event
 * about which there is a question: the first such one is the scan's, with all its care and
 * messages, and it goes on behind that.
 *
 * All is inlined into one loop, and what the loop changes is handed to nobody else, so that it
 * stays in registers: docs/decisions/0003 says what that is worth.
 */
#include "cli/inspect_count_priv.h"
#include "parser/transaction_plain.h"

/* What stays as it is while a run is counted. */
struct ahead {
    struct bt_counting *counting;
    struct bt_grouper *grouper;
    struct bt_table_cache *tables;
    const struct bt_format *format;
    size_t skip, trailer; /* bytes before and behind an event's body */
};

/* The event at hand. */
struct plain {
    struct bt_slice bytes;
    uint64_t offset;
    uint32_t when, server_id;
    uint8_t type;
};

/* The events that the grouper was not told of yet. */
struct stretch {
    size_t first; /* in the run */
    uint64_t offset, last_offset;
    uint32_t when, last_when; /* of the first and the last one */
    bool is_open;             /* a transaction that goes on until its XID */
    struct bt_table *table;   /* of the last TABLE_MAP */
};

BT_INLINE struct bt_slice body_of(const struct ahead *a, const struct plain *e)
{
    return (struct bt_slice){e->bytes.ptr + a->skip, e->bytes.len - a->skip - a->trailer};
}

/* Puts the place in the primary's log onto an event of a relay log.  In a binary log that is done
 * for a whole stretch. */
static void move_in_relay_log(const struct ahead *a, const struct plain *e)
{
    struct bt_cursor c = bt_cursor(e->bytes);
    struct bt_event_header h;

    if (bt_event_header_take(&c, &h))
        bt_coordinate_move(&a->grouper->place, &h, e->offset, e->type == BT_MARIADB_GTID);
}

/* Whether there is no question about its place. */
static bool is_placed(const struct ahead *a, const struct plain *e)
{
    struct bt_cursor c = bt_cursor(e->bytes);
    struct bt_event_header h;

    return bt_event_header_take(&c, &h) && bt_coordinate_is_plain(&a->grouper->place, &h);
}

/* Puts the grouper's place where a transaction begins with the event. */
BT_INLINE void begin_here(const struct ahead *a, const struct plain *e, bool is_relay)
{
    if (is_relay)
        move_in_relay_log(a, e);
    else
        bt_coordinate_jump(&a->grouper->place, e->offset, e->offset + e->bytes.len);
    a->counting->rows = 0;
}

BT_INLINE bool begin(const struct ahead *a, const struct plain *e, bool is_relay)
{
    struct bt_plain_gtid gtid;

    if (a->grouper->inside || !bt_plain_gtid_read(body_of(a, e), &gtid))
        return false;
    begin_here(a, e, is_relay);
    bt_grouper_begin_plain(a->grouper, &gtid, e->server_id, e->offset);
    return true;
}

BT_INLINE bool begin_mysql(const struct ahead *a, const struct plain *e, bool is_relay)
{
    struct bt_plain_mysql_gtid gtid;

    if (a->grouper->inside || !bt_plain_mysql_gtid_read(body_of(a, e), &gtid))
        return false;
    begin_here(a, e, is_relay);
    bt_grouper_begin_mysql(a->grouper, e->type, &gtid, e->server_id, e->offset);
    return true;
}

/* MySQL's BEGIN, behind its GTID event or, before 5.7.6 and MariaDB 10.0, in the place of one. */
BT_INLINE bool open_at_begin(const struct ahead *a, const struct plain *e, bool is_relay)
{
    bool is_first = !a->grouper->inside && !bt_format_has_gtids(a->format);

    if (!(is_first || bt_grouper_awaits_begin(a->grouper)) || !bt_query_is_begin(body_of(a, e)))
        return false;
    if (is_first) {
        begin_here(a, e, is_relay);
        bt_grouper_begin(a->grouper, e->server_id, e->offset);
    } else if (is_relay) {
        move_in_relay_log(a, e);
    }
    a->grouper->framed = true;
    return true;
}

BT_INLINE bool count_rows(const struct ahead *a, const struct plain *e, struct bt_table *table)
{
    struct bt_slice body = body_of(a, e);
    struct bt_cursor c = bt_cursor(body);
    uint64_t id, rows;

    if (a->format->post_header_length[e->type] == BT_POST_HEADER_SHORT_ID || !bt_cur_le(&c, 6, &id))
        return false;
    if (!table || table->map.table_id != id || table->server_id != e->server_id)
        table = bt_table_cache_get(a->tables, e->server_id, id);
    if (!table || !table->plan || !table->mark ||
        !bt_plan_count_body(table->plan, e->type, body, &rows))
        return false;
    a->grouper->current.rows_events++;
    a->counting->rows += rows;
    return bt_table_stats_add(&a->counting->summary->tables, table->mark, bt_rows_op_of(e->type),
                              rows, e->bytes.len, e->when);
}

/* Does what the event does by itself; false, and nothing is done, where there is a question. */
BT_INLINE bool count_event(const struct ahead *a, const struct plain *e, enum bt_plain_part part,
                           struct stretch *s, bool is_relay)
{
    if (is_relay && !is_placed(a, e))
        return false;
    if (part == BT_PLAIN_GTID)
        return s->is_open = begin(a, e, is_relay);
    if (part == BT_PLAIN_MYSQL_GTID)
        return begin_mysql(a, e, is_relay);
    if (!s->is_open)
        return part == BT_PLAIN_QUERY && (s->is_open = open_at_begin(a, e, is_relay));
    if (part == BT_PLAIN_NOT)
        return false;
    if (part == BT_PLAIN_TABLE_MAP)
        s->table = bt_table_cache_again(a->tables, a->format, e->server_id, body_of(a, e));
    if ((part == BT_PLAIN_TABLE_MAP && !s->table) ||
        (part == BT_PLAIN_QUERY && !bt_query_is_plain(body_of(a, e))) ||
        (part == BT_PLAIN_ROWS && !count_rows(a, e, s->table)))
        return false;
    if (is_relay)
        move_in_relay_log(a, e);
    return true;
}

/* Tells grouper and counters of a stretch that ends at offset `end`. */
BT_INLINE void settle(const struct ahead *a, const struct stretch *s, uint32_t events, uint64_t end,
                      bool is_relay)
{
    struct bt_stretch stretch = {s->offset, end - s->offset, events, s->when};

    if (!is_relay)
        bt_coordinate_jump(&a->grouper->place, s->last_offset, end);
    bt_grouper_count(a->grouper, &stretch);
    a->grouper->did_abandon = false;
    bt_counting_times(a->counting, s->when, s->last_when);
    a->counting->last_when = s->last_when;
    a->counting->file->events += events;
}

/* Counts the events of the run up to the first one with a question; *ret is how many. */
BT_INLINE int count_run(const struct ahead *a, struct bt_event_run run, bool is_relay, size_t *ret,
                        struct bt_err *err)
{
    struct bt_event_count *counts = a->counting->summary->events[0];
    struct stretch s = {.is_open = bt_grouper_is_plain(a->grouper)};
    uint32_t at = run.begin;
    size_t i = 0;
    int result = 0;

    for (; i < run.count && result == 0; at = run.ends[i++]) {
        struct bt_slice bytes = {run.bytes + at, run.ends[i] - at};
        struct plain e = {bytes, run.offset + at, 0, 0, 0};
        enum bt_plain_part part;

        if (!bt_event_peek(bytes, &e.when, &e.type, &e.server_id) || e.when == 0)
            break;
        bt_ahead_ask(bytes.ptr, bytes.len);
        part = bt_plain_part(e.type);
        if (!count_event(a, &e, part, &s, is_relay))
            break;
        if (i == s.first) {
            s.offset = e.offset;
            s.when = e.when;
        }
        s.last_offset = e.offset;
        s.last_when = e.when;
        counts[e.type].count++;
        counts[e.type].bytes += bytes.len;
        if (part >= BT_PLAIN_ROWS)
            bt_grouper_change(a->grouper);
        if (part == BT_PLAIN_XID) {
            settle(a, &s, (uint32_t)(i + 1 - s.first), e.offset + bytes.len, is_relay);
            bt_grouper_end(a->grouper, BT_TRANSACTION_XID);
            result = bt_counting_transaction(a->counting, &a->grouper->current, err);
            s.is_open = false;
            s.first = i + 1;
        }
    }
    if (i > s.first)
        settle(a, &s, (uint32_t)(i - s.first), run.offset + at, is_relay);
    *ret = i;
    return result;
}

int bt_counting_ahead(void *ctx, const struct bt_scan_place *place, struct bt_err *err)
{
    struct ahead a = {
        .counting = ctx, .grouper = place->grouper, .tables = place->tables};
    bool is_relay = a.grouper->place.kind == BT_LOG_KIND_RELAY;
    struct bt_event_run run;
    size_t counted;
    int result = 0;

    while (!a.grouper->place.is_first && bt_reader_run(place->reader, &run)) {
        a.format = run.format;
        a.skip = run.format->header_length;
        a.trailer = run.format->checksum ? BT_CHECKSUM_SIZE : 0;
        result = is_relay ? count_run(&a, run, true, &counted, err)
                          : count_run(&a, run, false, &counted, err);
        if (result != 0)
            return bt_err_wrap(err, "%s", place->path);
        bt_reader_pass(place->reader, counted);
        if (counted < run.count)
            break;
    }
    return 0;
}
