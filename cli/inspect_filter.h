/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect_filter.h - which events, transactions and rows `baton inspect` shows.
 *
 * --from and --to take a place in one of four notations: an offset in a log ("4096"), a log
 * and an offset ("bin.000004:4096"), a GTID in the server's notation, or a time (RFC 3339 or
 * "2026-11-22 14:36:30", UTC).  From is inclusive.  To is exclusive for offsets and times and
 * inclusive for a GTID.  Cutting is by whole transactions: one that begins in the range is
 * shown to its end.
 */
#ifndef BT_CLI_INSPECT_FILTER_H
#define BT_CLI_INSPECT_FILTER_H

#include "cli/option.h"
#include "parser/gtid.h"
#include "parser/transaction.h"

enum bt_place_kind { BT_PLACE_NONE, BT_PLACE_OFFSET, BT_PLACE_GTID, BT_PLACE_TIME };

struct bt_place {
    enum bt_place_kind kind;
    const char *file; /* "" = any log; else its base name */
    uint64_t offset;
    struct bt_gtid gtid;
    int64_t time_s;
};

struct bt_filter {
    struct bt_place from, to;
    struct bt_opt_list databases, tables, gtids, server_ids; /* empty: all */
    uint64_t min_bytes;
    struct bt_gtid gtid_items[BT_OPT_LIST_MAX]; /* gtids, parsed */
    uint64_t server_id_items[BT_OPT_LIST_MAX];
    bool started, stopped; /* as the range is walked */
};

/* Parses the lists and the places (NULL = not given). */
int bt_filter_prepare(struct bt_filter *f, const char *from, const char *to,
                      struct bt_err *err) BT_MUST_CHECK;

/* Walks the range: called for each event in order; whether it lies in --from/--to.  `file` is the
 * log's base name; t is the event's transaction or NULL. */
bool bt_filter_in_range(struct bt_filter *f, const char *file, const struct bt_event *ev,
                        const struct bt_transaction *t, enum bt_group_step step);

/* Whether a transaction with this GTID and server is wanted, as far as its begin tells. */
bool bt_filter_wants_transaction(const struct bt_filter *f, const struct bt_gtid *gtid,
                                 uint32_t server_id);

/* Whether a table is wanted: --db and --table ("t" or "db.t"). */
bool bt_filter_wants_table(const struct bt_filter *f, struct bt_slice db, struct bt_slice table);

/* Whether --from or --to was given. */
bool bt_filter_has_range(const struct bt_filter *f);

/* Whether --gtid, --server-id or --min-bytes leaves transactions out. */
bool bt_filter_has_transactions(const struct bt_filter *f);

/* Whether every event and transaction passes; --min-bytes is not asked. */
bool bt_filter_passes_all(const struct bt_filter *f);

/* Whether --db or --table was given at all. */
bool bt_filter_has_tables(const struct bt_filter *f);

#endif
