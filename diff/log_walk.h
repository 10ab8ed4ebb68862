/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_walk.h - the events of a log set from one place to its end, grouped into transactions.
 *
 *     bt_log_walk_begin(&w, set, (struct bt_log_walk_opts){.log = i, .pos = p});
 *     while ((got = bt_log_walk_next(&w, &step, err)) == 0)
 *         step.cut.kind ? something was left out here : step.event is step.part of w.transaction
 *     bt_log_walk_end(&w)
 *
 * A transaction may span relay logs; that is followed.  Where a log is missing, torn or corrupt,
 * and where a transaction turns out to have no end or no beginning, the walk hands out a cut and
 * goes on behind it; a transaction that a cut has touched is never handed out as whole.
 */
#ifndef BT_DIFF_LOG_WALK_H
#define BT_DIFF_LOG_WALK_H

#include "diff/had.h"
#include "diff/survey.h"
#include "parser/transaction.h"

/* Event types that begin a transaction and carry its GTID (or say that it has none). */
static inline bool bt_type_is_gtid(uint8_t type)
{
    return type == BT_MARIADB_GTID || type == BT_GTID || type == BT_ANONYMOUS_GTID ||
           type == BT_GTID_TAGGED;
}

struct bt_log_walk_opts {
    size_t log;                 /* index of the first log */
    uint64_t pos;               /* offset of an event in it; 0 = its beginning */
    struct bt_coordinate place; /* relay log: the primary's coordinate at pos */
    /* relay log: of the FORMAT_DESCRIPTION in force at pos; 0 = not known */
    uint64_t format_pos;
    bool in_order; /* the place is known to stand between two transactions */
};

struct bt_log_walk_step {
    struct bt_cut cut;     /* kind NONE: this is an event, and the rest of cut is not set */
    struct bt_event event; /* borrows until the next step */
    enum bt_group_step part;
    size_t log;          /* of the event */
    size_t begin_log;    /* of its transaction's first event */
    uint64_t format_pos; /* of the FORMAT_DESCRIPTION in force at that first event */
};

struct bt_log_walk {
    const struct bt_log_set *set;
    size_t log;
    struct bt_source *source;
    struct bt_reader *reader;
    uint64_t start_pos;         /* in the first log */
    uint64_t format_pos;        /* of the last FORMAT_DESCRIPTION in this log; 0 = not known */
    uint64_t begin_format_pos;  /* at the open transaction's first event */
    struct bt_coordinate place; /* relay log: of start_pos */
    struct bt_grouper grouper;
    const struct bt_transaction *transaction; /* of the event handed out last; NULL outside */
    size_t begin_log;
    bool is_named;   /* the primary's log was asked for where no head says it */
    bool wants_head; /* a transaction that does not visibly begin here is the rest of another */
    bool headless;   /* the open transaction is such a rest */
    bool has_pending;
    struct bt_log_walk_step pending; /* handed out behind the cut in front of it */
    uint64_t logs_read, bytes_read;
};

void bt_log_walk_begin(struct bt_log_walk *w, const struct bt_log_set *set,
                       struct bt_log_walk_opts opts);

/* The next event or cut.  1: the set is read; an open transaction was handed out as a cut. */
int bt_log_walk_next(struct bt_log_walk *w, struct bt_log_walk_step *ret, struct bt_err *err)
    BT_MUST_CHECK;
void bt_log_walk_end(struct bt_log_walk *w);

/* Whether the event is a GTID_LIST that a MariaDB primary made up for a replica which connected by
 * GTID: of what stands in front of *ret_place, in its logs, it sent nothing that the replica had,
 * and the list says what that is (sql/sql_repl.cc, send_fake_gtid_list_event, 10.11).  One comes
 * for each domain, so that between two of them one domain may be sent while of another all is
 * passed over. */
bool bt_log_walk_resumes(const struct bt_log_walk *w, const struct bt_event *ev,
                         struct bt_coordinate *ret_place);

/* ------------------------------------------------------------------- heads */

/* What the first events of a log say; reading them costs a page. */
struct bt_log_head {
    bool readable;      /* at least its FORMAT_DESCRIPTION */
    uint32_t server_id; /* of who wrote it */
    enum bt_flavor flavor;
    char server_version[51];
    /* where in the primary's log it begins; file "" = it does not say */
    struct bt_coordinate place;
    bool has_place;    /* place.pos is known (place.file perhaps not) */
    bool begins_whole; /* its first transaction begins here, or there is none */
    bool has_transaction;
    uint64_t first_pos;  /* offset of its first transaction */
    uint64_t format_pos; /* of the FORMAT_DESCRIPTION in force there */
    bool checksum;       /* which says that events have a CRC */
    bool encrypted;      /* event by event, by MariaDB */
    uint8_t gtid_type;   /* of the event that begins transactions; 0 = none does */
    /* GTID_LIST, PREVIOUS_GTIDS: what stands in front of its first transaction */
    struct bt_had list;
};

int bt_log_head_read(const struct bt_log_set *set, size_t log, struct bt_log_head *ret,
                     struct bt_err *err) BT_MUST_CHECK;
void bt_log_head_done(struct bt_log_head *h);

#endif
