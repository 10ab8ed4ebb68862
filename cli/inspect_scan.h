/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect_scan.h - walks logs event by event for the modes of `baton inspect`.
 *
 * The scan opens what the user named (files, folders of logs, "-"), reads, groups, keeps the
 * table maps and applies the filter; a mode sees each event that is wanted, with all that is known
 * about it.  What it is shown borrows until it returns.
 */
#ifndef BT_CLI_INSPECT_SCAN_H
#define BT_CLI_INSPECT_SCAN_H

#include "cli/inspect_filter.h"
#include "cli/progress.h"
#include "parser/reader.h"
#include "parser/rows.h"
#include "parser/table_map.h"
#include "parser/transaction.h"

struct bt_scan_event {
    const char *path; /* of the log */
    const struct bt_event *event;
    enum bt_group_step step;
    const struct bt_transaction *transaction; /* NULL outside */
    const struct bt_rows_event *frame;        /* rows events; NULL for others */
    struct bt_table *table;                   /* rows events: NULL when no TABLE_MAP told */
    bool wanted;                              /* by --db and --table; the other filters are past */
};

struct bt_scan_log {
    const char *path;
    uint64_t start; /* 0, or where in the log the piece begins */
    struct bt_source *source;
    struct bt_reader *reader;
};

/* Where the scan stands: before the next event of a log. */
struct bt_scan_place {
    const char *path;
    struct bt_reader *reader;
    struct bt_grouper *grouper;
    struct bt_table_cache *tables;
};

struct bt_scan_visitor {
    int (*begin_log)(void *ctx, const struct bt_scan_log *log, struct bt_err *err);
    int (*event)(void *ctx, const struct bt_scan_event *se, struct bt_err *err);
    /* Takes as many of the events that come next as it can by itself, moving all that stands in
     * `place`; the others go to event().  Called where no filter is in force.  NULL: none. */
    int (*ahead)(void *ctx, const struct bt_scan_place *place, struct bt_err *err);
    /* A transaction that began but never ends. */
    int (*abandoned)(void *ctx, const char *path, const struct bt_transaction *t,
                     struct bt_err *err);
    /* What is wrong with a folder of logs (missing files ...), a line each. */
    void (*note)(void *ctx, struct bt_slice text);
    int (*end_log)(void *ctx, const struct bt_scan_log *log, const struct bt_end *end,
                   struct bt_err *err);
};

struct bt_scan_feed;

struct bt_scan_opts {
    bool skip_crc;
    const char *key_file;            /* file_key_management keys; NULL without */
    const char *key_passphrase;      /* the file with the passphrase of an encrypted key_file */
    const char *keyring;             /* MySQL keyring; NULL without */
    const struct bt_scan_feed *feed; /* NULL, or where the logs come from instead of paths */
    struct bt_progress *progress;    /* NULL, or who shows how far it is */
    struct bt_filter filter;
};

/* Logs that are no files here, one after the other. */
struct bt_scan_feed {
    /* The next one: 0; 1 there is no more.  *ret is closed by the scan; the path, as it is shown,
     * borrows until the next call. */
    int (*next)(void *ctx, struct bt_source **ret, const char **ret_path, struct bt_err *err);
    void *ctx;
};

/* A part of one log: from `start` (0 = its head) up to the event that begins at or behind `stop`
 * (0 = its end).  Both are where transactions begin. */
struct bt_scan_piece {
    const char *path;
    uint64_t start, stop;
};

/* Walks pieces in order. */
int bt_scan_pieces(const struct bt_scan_piece *pieces, size_t count, struct bt_scan_opts *opts,
                   const struct bt_scan_visitor *visitor, void *ctx,
                   struct bt_err *err) BT_MUST_CHECK;

/* Bytes of the files and folders of logs that the paths name, for a bar; 0 where one cannot say. */
uint64_t bt_scan_bytes(const char *const *paths, size_t count);

/* Walks one log set's worth of paths in the order given.  Transactions may span consecutive relay
 * logs of one folder. */
int bt_scan_paths(const char *const *paths, size_t count, struct bt_scan_opts *opts,
                  const struct bt_scan_visitor *visitor, void *ctx,
                  struct bt_err *err) BT_MUST_CHECK;

#endif
