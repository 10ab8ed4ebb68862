/* SPDX-License-Identifier: Apache-2.0 */
/*
 * missing_priv.h - the parts of missing.h: what each source holds (missing_scan.c), one order of it
 * all (missing_merge.c), and where that order has to end (missing.c).
 *
 * A segment is a stretch of one source without a break.  Where it begins is known by the primary's
 * coordinate, by the GTID state in front of it, or by a transaction in it that the target has.  The
 * latter says it of that transaction's domain alone (MySQL: of its uuid and tag): a segment that
 * begins in the middle may go on from where one domain was left and still have a hole in another.
 */
#ifndef BT_DIFF_MISSING_PRIV_H
#define BT_DIFF_MISSING_PRIV_H

#include "diff/had.h"
#include "diff/log_walk.h"
#include "diff/missing.h"

#define BT_NONE UINT32_MAX

struct bt_segment {
    struct bt_coordinate place; /* file "" = not known */
    struct bt_had list;         /* what stands in front of it */
    /* follows on something that the target has or that was put into the set */
    bool joined;
    uint64_t *domains; /* where not: the domains of which that is known, bt_gtid_domain() */
    size_t domain_count, domain_room;
};

/* A lacking transaction as one source holds it. */
struct bt_found {
    struct bt_missing_item item;
    uint32_t segment;
    bool first;         /* of its segment */
    uint32_t next_copy; /* of the same transaction; BT_NONE = last */
};

/* What is known of a source's positions. */
enum bt_claim {
    BT_CLAIM_BELIEVED, /* nothing speaks against them */
    BT_CLAIM_NOTHING,  /* all that it holds the target has */
    BT_CLAIM_ALIGNED,  /* they are others; its content joins at `behind` */
    BT_CLAIM_BY_GTID,  /* they are others; GTIDs tell */
    BT_CLAIM_FOREIGN,  /* they are others, and nothing joins: it was made a cut */
};

struct bt_source_claim {
    enum bt_claim claim;
    struct bt_log_walk_opts behind;
};

struct bt_finder {
    const struct bt_missing_want *want;
    struct bt_had had; /* want's GTIDs, of either flavour */
    struct bt_missing *m;
    struct bt_found *found; /* source by source, each in its order */
    size_t found_count, found_room;
    struct bt_segment *segments;
    size_t segment_count, segment_room;
    size_t cut_room, file_room;
    uint32_t *nodes; /* first copy of each transaction, in order once merged */
    size_t node_count;
    struct bt_source_claim *claims; /* one a source */
    bool by_content;                /* transactions without a GTID are told apart by it */
    uint32_t *table;                /* hash of nodes by identity */
    size_t table_size;
};

/* Holds every source against the content of what the target received last: fills f->claims. */
int bt_missing_claims(struct bt_finder *f, struct bt_err *err) BT_MUST_CHECK;

/* Adds a cut of a source. */
int bt_missing_add_cut(struct bt_finder *f, uint32_t source, const struct bt_cut *cut,
                       struct bt_err *err) BT_MUST_CHECK;

/* Whether an event can begin at pos: a quick look that keeps a coordinate which does not fit this
 * log from being read as damage. */
bool bt_missing_event_begins_at(const struct bt_log_set *set, size_t log, uint64_t pos);

/* Behind damage in a transaction that another source holds whole. */
struct bt_reentry {
    struct bt_coordinate begin, end; /* of that transaction */
    char log[BT_LOG_NAME_MAX + 1];   /* of the damaged source, where it begins */
    uint64_t at;
};

/* Adds what source `index` holds.  from: not NULL to enter the source (a primary, a relay log)
 * again behind damage. */
int bt_missing_scan(struct bt_finder *f, uint32_t index, const struct bt_reentry *from,
                    struct bt_err *err) BT_MUST_CHECK;

/* A number for the domain, or uuid and tag, of a GTID. */
uint64_t bt_gtid_domain(const struct bt_gtid *gtid);

/* Whether the segment is known to have no hole before a transaction of that domain; and notes it.
 */
bool bt_segment_is_joined(const struct bt_segment *s, const struct bt_gtid *gtid);
int bt_segment_join(struct bt_segment *s, const struct bt_gtid *gtid, struct bt_err *err)
    BT_MUST_CHECK;
void bt_segment_done(struct bt_segment *s);

/* Index of a file name in m->files; BT_NONE without memory. */
uint32_t bt_missing_file(struct bt_finder *f, const char *name);

/* Joins the copies of each transaction and puts the transactions in order (f->nodes). */
int bt_missing_merge(struct bt_finder *f, struct bt_err *err) BT_MUST_CHECK;

/* The transaction with that GTID; BT_NONE if no source holds it whole. */
uint32_t bt_missing_lookup(const struct bt_finder *f, const struct bt_gtid *gtid);

#endif
