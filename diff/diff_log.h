/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diff_log.h - writes a missing set as a valid binary log, and checks one.
 *
 *   fe 'b' 'i' 'n'
 *   FORMAT_DESCRIPTION   the source server's version, created = 0, not in use, CRC-32 on
 *   GTID_LIST            MariaDB: the state in front of the first transaction
 *   (PREVIOUS_GTIDS)     MySQL: the same
 *   event, event, ...    as they were, but for end_log_pos and CRC
 *   STOP
 *
 * mariadb-binlog reads it without a warning, so a DBA can always fall back on
 * `mariadb-binlog out.binlog | mariadb`.  With zstd it is one plain frame.  Writing streams: memory
 * does not grow with the transactions.  Positions past 4 GiB wrap as a server's do.
 */
#ifndef BT_DIFF_DIFF_LOG_H
#define BT_DIFF_DIFF_LOG_H

#include "diff/manifest.h"
#include "diff/missing.h"

/* Where written bytes go; -1 stops the writing with err filled. */
struct bt_sink {
    int (*write)(void *ctx, struct bt_slice bytes, struct bt_err *err);
    void *ctx;
};

struct bt_diff_log_opts {
    bool zstd;
    int zstd_level;     /* 0 = 1 */
    uint32_t server_id; /* of the FORMAT_DESCRIPTION; 0 = the first source's */
    size_t block_size;  /* bytes a write, and twice that in memory; 0 = 4 MiB */
};

/* Writes the log to the sink and fills *ret with what was written.  A copy that turns out damaged
 * while it is read again is BT_ERR_CORRUPT: what the sink got so far is void then. */
int bt_diff_log_write(const struct bt_missing *m, const struct bt_diff_log_opts *opts,
                      struct bt_sink sink, struct bt_manifest *ret, struct bt_err *err)
    BT_MUST_CHECK;

/* The same into a file and path.json beside it, both by rename after fsync; zstd when the path ends
 * in ".zst".  The manifest appears after the log. */
int bt_diff_log_save(const struct bt_missing *m, const struct bt_diff_log_opts *opts,
                     const char *path, struct bt_manifest *ret, struct bt_err *err) BT_MUST_CHECK;

/* Opens a diff log for reading: a plain file, or a zstd frame seen as the plain log. */
int bt_diff_log_open(const char *path, struct bt_source **ret, struct bt_err *err) BT_MUST_CHECK;

struct bt_diff_log_report {
    uint64_t transactions, events, bytes;
    struct bt_gtid first, last;
    char xxh3[33];
};

/* Checks a diff log against its manifest (NULL: against itself only): framing and end_log_pos of
 * every event, CRCs, no unfinished transaction, per transaction GTID, size and digest, GTID
 * sequence without step back, the digest of all.  A manifest without its list
 * (bt_manifest_read_head) holds no less: the digest of all is over the same bytes; only the message
 * then does not name the transaction.  The first fault is the error (BT_ERR_CORRUPT or
 * CONFLICT), naming offset and transaction. */
int bt_diff_log_verify(struct bt_source *source, const struct bt_manifest *manifest,
                       struct bt_diff_log_report *ret, struct bt_err *err) BT_MUST_CHECK;

#endif
