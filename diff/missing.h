/* SPDX-License-Identifier: Apache-2.0 */
/*
 * missing.h - what a target lacks of what the sources hold, in order, with where to copy it from.
 *
 *     struct bt_missing m;
 *     bt_missing_find(&want, sources, count, &m, err)
 *     ... m.items[i], m.cuts, m.lost ...         then bt_diff_log_write(&m, ...)
 *     bt_missing_done(&m)
 *
 * A transaction is lacking when its GTID is not in the target's state (where the target's GTIDs are
 * known and the transaction has one), else when it ends behind the target's coordinate.  Each
 * source is entered from its end backwards: by the heads of its logs to the first log that can hold
 * something lacking.  Sources may overlap: a transaction is identified by GTID, by the primary's
 * coordinate, or, when a source of other positions is joined, by its content, and taken from the
 * cheapest source that holds it whole and undamaged.  The set ends in front of the first
 * transaction that is known to exist but that nobody holds whole: what would follow cannot be
 * applied without it; `lost` then says what and where its last sign was.
 */
#ifndef BT_DIFF_MISSING_H
#define BT_DIFF_MISSING_H

#include "diff/survey.h"
#include "parser/transaction.h"

/* What the target has. */
struct bt_missing_want {
    struct bt_coordinate after;         /* all up to here is had; file "" = not known */
    const struct bt_gtid_state *gtid;   /* MariaDB: all in here is had; NULL = not known */
    const struct bt_gtid_set *gtid_set; /* MySQL: the same */
    struct bt_coordinate until;         /* nothing that ends behind this; file "" = no limit */
    /* What the target has is everything up to `after` (one connection, no filters): the sources are
     * entered right there.  false: they are entered where their GTID_LISTs say, which is exact for
     * any target but reads up to one log more. */
    bool is_prefix;
    /* The target's relay logs: what it claims to have is then believed of a source only where the
     * content there is what the target received last (align.h).  Where it is not, the place is
     * looked for by content.  NULL: positions are believed. */
    const struct bt_log_set *target;
};

enum bt_source_role {
    BT_SOURCE_PRIMARY, /* binary logs of the primary itself: coordinates are their own positions */
    BT_SOURCE_RELAY,   /* relay logs of a replica of that primary */
    BT_SOURCE_BINLOG,  /* binary logs of another server (log_slave_updates): GTIDs only */
};

struct bt_missing_source {
    const char *name; /* for messages and the manifest */
    enum bt_source_role role;
    const struct bt_log_set *set;
    unsigned cost; /* lower is preferred; equal: the earlier in the array */
    /* The target's own relay logs.  Taken from them is what its server will not apply by itself
     * (relay_log_recovery threw it away, or it stands behind damage); a cut tail is only a sign of
     * what exists, not listed among the cuts. */
    bool is_target;
    /* BINLOG: also what that server wrote itself, and did not replicate.  Such transactions are
     * errant: nobody else has them, and none is passed on unless this is set. */
    bool with_own;
};

/* One transaction that the target lacks. */
struct bt_missing_item {
    struct bt_gtid gtid;
    uint32_t file;         /* primary's file: index into bt_missing.files; UINT32_MAX = not known */
    uint64_t pos, end_pos; /* in the primary's file */
    uint32_t source;       /* whose copy is taken */
    uint32_t log, end_log; /* index in its set of where it begins and ends */
    uint64_t start, end;   /* offsets there */
    uint64_t format_pos;   /* of the FORMAT_DESCRIPTION in force at start; 0 = not known */
    uint64_t bytes, events, rows_events;
    uint32_t when;
    uint32_t server_id;
    uint8_t kind; /* enum bt_transaction_kind */
    uint8_t end_kind;
    /* By content: what it holds (digest.h), and how many with the same digest come before it. */
    uint64_t digest;
    uint32_t occurrence;
    uint32_t holders; /* bit per source (up to 32) that holds a good copy */
};

struct bt_missing_cut {
    uint32_t source;
    struct bt_cut cut;
};

struct bt_missing {
    struct bt_missing_item *items; /* in the order to be applied */
    size_t count, room;
    char **files; /* names of the primary's files */
    size_t file_count;
    uint64_t bytes, events;
    struct bt_missing_cut *cuts; /* every source whose tail, or middle, was not usable */
    size_t cut_count;
    struct bt_buf lost;            /* empty = nothing; else sentences for people */
    struct bt_gtid_state before;   /* MariaDB: GTID state in front of the first item */
    struct bt_gtid_set before_set; /* MySQL: the same; empty = not known */
    /* transactions left out because their server wrote them itself */
    size_t errant;
    struct bt_gtid errant_first;
    uint32_t errant_source;
    uint64_t bytes_read;
    const struct bt_missing_source *sources; /* borrowed from the call */
    size_t source_count;
    /* sources of other positions that were joined by their content; bit per source */
    uint32_t aligned;
};

/* Finds.  The sources (and their sets) must outlive *ret.  At most 32 sources. */
int bt_missing_find(const struct bt_missing_want *want, const struct bt_missing_source *sources,
                    size_t count, struct bt_missing *ret, struct bt_err *err) BT_MUST_CHECK;
void bt_missing_done(struct bt_missing *m);

#endif
