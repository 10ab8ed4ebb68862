/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect_summary.h - what `baton inspect` counts about logs, and how it is printed.
 *
 * One bt_summary is filled by one thread, log after log; several are merged at the end
 * (--threads).  Shapes of the JSON: docs/json.md.
 */
#ifndef BT_CLI_INSPECT_SUMMARY_H
#define BT_CLI_INSPECT_SUMMARY_H

#include "cli/inspect_tables.h"
#include "cli/output.h"
#include "parser/gtid_set.h"
#include "parser/reader.h"
#include "parser/transaction.h"

enum { BT_SUMMARY_LARGEST_MAX = 1000 };

struct bt_summary_file {
    const char *path; /* in the summary's arena */
    enum bt_log_kind kind;
    struct bt_format format; /* the log's first */
    bool has_format;
    bool checksum;  /* of the last format in force: what the primary's events carry */
    bool continued; /* a later part of the log that the record before it begins */
    bool encrypted; /* read without its key: only lengths are known */
    uint64_t bytes, events, transactions;
    uint32_t first_time, last_time; /* 0 = none */
    struct bt_end end;
};

/* A transaction as listed among the largest ones. */
struct bt_summary_transaction {
    struct bt_gtid gtid;
    size_t file; /* index into bt_summary.files */
    uint64_t start, end, bytes, rows;
    uint32_t duration_s; /* between its first and last timestamp */
};

/* What a transaction did, beside its struct bt_transaction. */
struct bt_transaction_work {
    size_t file; /* as above */
    uint64_t rows;
    uint32_t duration_s;
};

enum bt_summary_order { BT_ORDER_BYTES, BT_ORDER_ROWS, BT_ORDER_DURATION };

struct bt_event_count {
    uint64_t count, bytes;
};

/* Write load within one minute. */
struct bt_minute {
    uint32_t minute; /* since 1970 */
    uint64_t transactions, rows, bytes;
};

/* A domain's sequence numbers (MariaDB) that no log has although it has later ones. */
struct bt_gtid_gap {
    uint32_t domain;
    uint64_t first, last;
    size_t file; /* where the numbers behind the gap stand */
    uint64_t offset;
};

/* Numbers first..last of one uuid and tag (MySQL); empty when gtid.kind is NONE. */
struct bt_gtid_run {
    struct bt_gtid gtid; /* with the last number */
    uint64_t first;
};

enum { BT_SIZE_CLASSES = 48, BT_GAPS_MAX = 1000 };

struct bt_summary {
    struct bt_arena arena;
    struct bt_summary_file *files; /* owned */
    size_t file_count, file_room;
    struct bt_event_count events[2][256]; /* [inner][type code as in the log] */
    struct bt_table_stats_map tables;
    uint64_t transactions, transaction_bytes, unfinished;
    enum bt_summary_order order;
    struct bt_summary_transaction *largest; /* owned; the greatest first when finished */
    size_t largest_count, largest_max;
    uint64_t largest_weight;   /* of the last of them */
    struct bt_minute *minutes; /* owned; in the order first met, ascending when finished */
    size_t minute_count, minute_room;
    uint64_t sizes[BT_SIZE_CLASSES]; /* transactions of 2^i bytes up to twice that */
    struct bt_gtid_gap *gaps;        /* owned; at most BT_GAPS_MAX */
    size_t gap_count, gap_room;
    /* MariaDB: the number each domain goes on with, for merging */
    struct bt_gtid_state first_gtids;
    struct bt_gtid_state gtid_state; /* MariaDB */
    struct bt_gtid_set gtid_set;     /* MySQL; without what is in gtid_run */
    struct bt_gtid_run gtid_run;     /* the numbers added last, which nearly always go on */
    bool is_filtered;                /* transactions are left out: gaps say nothing */
};

int bt_summary_init(struct bt_summary *s, size_t largest_max, enum bt_summary_order order,
                    struct bt_err *err) BT_MUST_CHECK;
void bt_summary_done(struct bt_summary *s);

/* Begins a log; the record is valid until the next call. */
struct bt_summary_file *bt_summary_add_file(struct bt_summary *s, const char *path,
                                            struct bt_err *err);

/* Counts a transaction that ended. */
int bt_summary_add_transaction(struct bt_summary *s, const struct bt_transaction *t,
                               const struct bt_transaction_work *work,
                               struct bt_err *err) BT_MUST_CHECK;

/* A GTID_LIST or PREVIOUS_GTIDS: what had happened before the log was begun. */
int bt_summary_add_before(struct bt_summary *s, const struct bt_event *ev,
                          struct bt_err *err) BT_MUST_CHECK;

/* The GTID state that the logs end at, in the server's notation. */
int bt_summary_gtid_text(struct bt_summary *s, struct bt_buf *out,
                         struct bt_err *err) BT_MUST_CHECK;

/* Adds what another one counted, its logs behind ours. */
int bt_summary_merge(struct bt_summary *s, struct bt_summary *other,
                     struct bt_err *err) BT_MUST_CHECK;

int bt_summary_print_json(struct bt_summary *s, struct bt_out *out,
                          struct bt_err *err) BT_MUST_CHECK;
int bt_summary_print_text(struct bt_summary *s, struct bt_out *out,
                          struct bt_err *err) BT_MUST_CHECK;

/* Write load over time, drawn with block characters as wide as the terminal. */
int bt_summary_print_histogram(struct bt_summary *s, struct bt_out *out,
                               struct bt_err *err) BT_MUST_CHECK;

/* One self-contained page with inline SVG. */
int bt_summary_print_html(struct bt_summary *s, struct bt_out *out,
                          struct bt_err *err) BT_MUST_CHECK;

/* Minutes in ascending order, each once. */
void bt_summary_sort_minutes(struct bt_summary *s);

#endif
