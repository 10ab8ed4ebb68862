/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect_count_priv.h - the state of one thread that counts: shared by what looks at every event
 * (inspect_count.c) and what goes ahead through plain ones (inspect_ahead.c).
 */
#ifndef BT_CLI_INSPECT_COUNT_PRIV_H
#define BT_CLI_INSPECT_COUNT_PRIV_H

#include "cli/inspect_rowcount.h"
#include "cli/inspect_summary.h"

struct bt_counting {
    uint64_t min_bytes;
    struct bt_summary *summary;
    struct bt_summary_file *file;
    bool damaged;
    struct bt_row_counter counter;
    uint64_t rows;      /* of the open transaction */
    uint32_t last_when; /* of its last event that has a time */
};

/* The first and the last timestamp of events of the log; 0 = none of them has one. */
static inline void bt_counting_times(struct bt_counting *s, uint32_t first, uint32_t last)
{
    if (!s->file->first_time)
        s->file->first_time = first;
    if (last)
        s->file->last_time = last;
}

/* Any event. */
static inline void bt_counting_event(struct bt_counting *s, const struct bt_event_header *h,
                                     bool is_inner)
{
    struct bt_event_count *c = &s->summary->events[is_inner][h->type];

    c->count++;
    c->bytes += h->length;
    s->file->events += !is_inner;
    bt_counting_times(s, h->when, h->when);
}

/* The counters of a table, which is marked with them: both live as long as the counting. */
static inline struct bt_table_stats *bt_counting_stats(struct bt_counting *s,
                                                       struct bt_table *table)
{
    if (!table->mark)
        table->mark = bt_table_stats_of(&s->summary->tables, table->map.db, table->map.table);
    return table->mark;
}

/* The rows of an event of a transaction, whose table is known. */
static inline BT_MUST_CHECK int bt_counting_rows(struct bt_counting *s,
                                                 struct bt_rows_counted *rows, struct bt_err *err)
{
    uint64_t count;

    rows->stats = bt_counting_stats(s, rows->table);
    if (!rows->stats)
        return bt_fail(err, BT_ERR_LIMIT, "there are more tables than fit in memory");
    if (bt_row_counter_count(&s->counter, rows, &s->summary->tables, &count, err) != 0)
        return -1;
    s->rows += count;
    return 0;
}

/* A transaction that ended. */
int bt_counting_transaction(struct bt_counting *s, const struct bt_transaction *t,
                            struct bt_err *err) BT_MUST_CHECK;

/* bt_scan_visitor.ahead: counts plain events (parser/transaction_plain.h) run by run. */
int bt_counting_ahead(void *ctx, const struct bt_scan_place *place,
                      struct bt_err *err) BT_MUST_CHECK;

#endif
