/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_set.h - all logs of one kind of one server, in order, opened by name.
 *
 *     bt_log_dir_open(path, &opener, err)            or any other opener (node, archive)
 *     bt_log_home_open(opener, &home, err)           lists names, reads index and .info files
 *     set = bt_log_home_find(home, BT_LOG_KIND_RELAY, NULL)
 *     bt_log_set_open(set, i, &source, err) ...      one log
 *     bt_log_home_close(home)
 *
 * A home is the directory (or directories) where one server keeps its logs.  In it the logs of one
 * base name ("relay-bin", "relay-bin-conn2", "bin") are one set.  With an index file its order
 * counts; without one the numeric suffix does, whatever its count of digits.  Only names of the
 * form base.NNNNNN (six digits or more) whose first bytes are a log's are taken, so that
 * bin.000001.idx (GTID index, MariaDB 11.4), #binlog_cache_files, bin.state, *.info and *.index
 * never are.  What the index names and nobody has is kept in the set as `missing`; what is there
 * but not in the index is used only when the last indexed log ends in a ROTATE to it, and is
 * named in the notes otherwise.
 *
 * An index entry is looked for by its base name among the listed names first (a copied directory
 * keeps its absolute entries), then by the path that the entry gives,
 * unless it leads to a log of another server (log_kind.h).
 */
#ifndef BT_DIFF_LOG_SET_H
#define BT_DIFF_LOG_SET_H

#include "base/arena.h"
#include "base/buf.h"
#include "diff/position_file.h"
#include "parser/coordinate.h"
#include "parser/source.h"

/* ------------------------------------------------------------------ opener */

struct bt_log_opener;
struct bt_keys;

/* Called for each name; -1 stops the listing with err filled. */
typedef int bt_log_name_fn(void *ctx, const char *name, uint64_t size, struct bt_err *err);

struct bt_log_opener_ops {
    /* Every regular file's name (no slash) and size, in any order. */
    int (*list)(struct bt_log_opener *o, bt_log_name_fn *each, void *ctx, struct bt_err *err);
    /* Opens a log.  name: as listed, or a path out of an index file.  1: there is no such file. */
    int (*open)(struct bt_log_opener *o, const char *name, struct bt_source **ret,
                struct bt_err *err);
    void (*close)(struct bt_log_opener *o);
};

struct bt_log_opener {
    const struct bt_log_opener_ops *ops;
    const char *name; /* for messages: a directory, "host:directory" */
    /* of logs that MariaDB encrypted (parser/crypt.h), borrowed; NULL: those are a cut */
    const struct bt_keys *keys;
};

/* The files of a directory.  path is copied. */
int bt_log_dir_open(const char *path, struct bt_log_opener **ret, struct bt_err *err) BT_MUST_CHECK;

/* ----------------------------------------------------------------- the sets */

struct bt_log {
    const char *name; /* base name: "relay-bin.000004" */
    const char *path; /* what the opener is asked for */
    uint64_t size;    /* when listed; 0 when only the index names it */
    bool missing;     /* it must have been, and is nowhere */
    bool no_rotate;   /* relay log: its head was read, and names no log of the primary */
};

struct bt_log_set {
    enum bt_log_kind kind;  /* UNKNOWN when no log of it is long enough to tell */
    const char *base;       /* "relay-bin" */
    const char *connection; /* multi-source: what stands behind the relay base name; "" = default */
    const char *index;      /* the index file's name; NULL = numeric order */
    struct bt_log *logs;    /* oldest first */
    size_t count;
    /* relay-log.info, or what its server says: where one place in it stands in the primary's logs.
     * It names that log when no head does: those written when a relay log is full have no ROTATE.
     * NULL = not known */
    const struct bt_relay_info *info;
    struct bt_log_opener *opener; /* borrowed from the home */
};

struct bt_log_home {
    struct bt_log_opener *opener; /* owned */
    struct bt_log_set *sets;      /* by base name */
    size_t set_count;
    struct bt_relay_info *relay_infos; /* relay-log*.info that were readable */
    size_t relay_info_count;
    struct bt_source_info *source_infos; /* master*.info, never their password */
    size_t source_info_count;
    struct bt_buf notes; /* one line per stated degradation: missing, extra, unreadable files */
    struct bt_arena arena;
};

/* Lists and orders.  Takes the opener over, also on failure.  A home without any log is no error:
 * set_count is 0. */
int bt_log_home_open(struct bt_log_opener *opener, struct bt_log_home **ret, struct bt_err *err)
    BT_MUST_CHECK;
void bt_log_home_close(struct bt_log_home *home); /* accepts NULL */

static inline void bt_log_home_release(struct bt_log_home **home)
{
    bt_log_home_close(*home);
    *home = NULL;
}
#define bt_auto_log_home BT_AUTO(bt_log_home_release)

/* The set of that kind: with base given the one of that base name; else the only one, or the one
 * of the default connection, or the one with the newest index.  NULL if none.  Borrows from home.
 */
const struct bt_log_set *bt_log_home_find(const struct bt_log_home *home, enum bt_log_kind kind,
                                          const char *base);

/* The relay-log.info / master.info of a relay set's connection; NULL if not there. */
const struct bt_relay_info *bt_log_home_relay_info(const struct bt_log_home *home,
                                                   const struct bt_log_set *set);
const struct bt_source_info *bt_log_home_source_info(const struct bt_log_home *home,
                                                     const struct bt_log_set *set);

/* Opens log i.  1: it is missing, or vanished since the listing. */
int bt_log_set_open(const struct bt_log_set *set, size_t i, struct bt_source **ret,
                    struct bt_err *err) BT_MUST_CHECK;

/* Index of the log with that base name (a path is taken by its last part); SIZE_MAX if none. */
size_t bt_log_set_index(const struct bt_log_set *set, const char *name);

/* Splits "base.NNNNNN": true when the name has a numeric suffix of six digits or more. */
bool bt_log_name_split(const char *name, size_t *ret_base_len, uint64_t *ret_number);

#endif
