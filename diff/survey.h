/* SPDX-License-Identifier: Apache-2.0 */
/*
 * survey.h - what one server has received and holds whole.
 *
 * A survey of relay logs says how far the server got in its primary's binary log; one of binary
 * logs says the same of the server's own log.  Only whole transactions count: what stands behind
 * the last one (an open transaction, a torn event, a corrupt one) is counted in unfinished_bytes
 * and described by `cut`.  The walk goes backwards from the last log and stops as soon as it knows
 * enough, so that its cost follows the tail; with hints from a live server it begins at the place
 * the server names.
 *
 *   oldest                     executed            received  position
 *     |--- relay logs at hand -----|--- not yet applied ---|-----|### cut off
 */
#ifndef BT_DIFF_SURVEY_H
#define BT_DIFF_SURVEY_H

#include "diff/log_set.h"
#include "parser/format.h"
#include "parser/gtid_set.h"
#include "parser/reader.h"

/* What a live server says about itself; zeroed = ask the files. */
struct bt_survey_hints {
    /* SHOW SLAVE STATUS: Relay_Master_Log_File, Exec_Master_Log_Pos */
    struct bt_coordinate executed;
    /* gtid_slave_pos (MariaDB), gtid_executed (MySQL); NULL = unknown */
    const char *gtid_executed;
    /* Relay_Log_File, Relay_Log_Pos: the walk begins here instead of */
    const char *relay_log;
    uint64_t relay_pos; /*   searching; NULL = search */
    /* the caller needs no gtid: spares reading back to a GTID_LIST */
    bool skip_gtid;
    /* MariaDB: where more bytes than that would have to be read for the GTID state, what is near
     * the end will do (gtid_from_end); 0 = read them */
    uint64_t gtid_bytes_max;
};

/* Why a log's tail is not used. */
enum bt_cut_kind {
    BT_CUT_NONE,
    BT_CUT_UNFINISHED, /* whole events, but the transaction has no end */
    BT_CUT_TORN,       /* the last event is cut off */
    BT_CUT_CORRUPT,    /* what stands there is no event, or its CRC is wrong */
    BT_CUT_MISSING,    /* the index names a log that is not there */
    /* its positions are not those of the target, and its content does not join */
    BT_CUT_FOREIGN,
};

struct bt_cut {
    enum bt_cut_kind kind;
    char log[BT_LOG_NAME_MAX + 1];
    /* offset behind the last whole transaction (or event outside of one) */
    uint64_t at;
    uint64_t bytes;             /* how many bytes are left out */
    struct bt_gtid gtid;        /* of the transaction that is cut off; NONE when not known */
    struct bt_coordinate place; /* of its begin in the primary's log; file "" = not known */
    char reason[256];
};

struct bt_survey {
    enum bt_log_kind kind;
    enum bt_flavor flavor;
    char server_version[51];       /* relay: the primary's, as its FORMAT_DESCRIPTION says */
    uint32_t server_id;            /* who wrote the logs: the replica itself */
    bool has_transaction;          /* at least one whole transaction was seen */
    struct bt_coordinate received; /* end of the last whole transaction; file "" = not known */
    /* end of everything received outside a transaction, >= received */
    struct bt_coordinate position;
    struct bt_coordinate executed; /* binary logs: = received */
    struct bt_coordinate oldest;   /* the logs at hand begin here */
    /* MySQL's relay logs: what was received up to here the server has thrown away when it was
     * started (relay_log_recovery); what it had executed of that the logs do not say.  "" = no */
    struct bt_coordinate thrown_away;
    size_t anew;   /* index of the log that says so */
    bool has_gtid; /* gtid is known completely (a GTID_LIST or a hint was met) */
    /* but for this: of what was written between that list and near the end only the last one of
     * each listed domain is known, not each server's, nor a domain that is in neither place */
    bool gtid_from_end;
    struct bt_gtid_state gtid;   /* MariaDB: last GTID per domain received whole */
    struct bt_gtid_set gtid_set; /* MySQL: relay logs: what was retrieved, and executed (hint) */
    struct bt_buf gtid_text;     /* either as text, in the server's notation */
    struct bt_gtid last_gtid;    /* of the last whole transaction */
    uint64_t unfinished_bytes;
    struct bt_cut cut; /* kind NONE when the last log ends well */
    /* Relay logs: the cut is damage that no applier comes past; what is whole behind it does not
     * count as received. */
    bool ends_early;
    bool in_use;                    /* binary log: it was not closed */
    uint64_t logs_read, bytes_read; /* what the survey cost */
};

/* Surveys the set.  info may be NULL (then executed is what hints say, or unknown). */
int bt_survey_run(const struct bt_log_set *set, const struct bt_relay_info *info,
                  const struct bt_survey_hints *hints, struct bt_survey *ret, struct bt_err *err)
    BT_MUST_CHECK;
void bt_survey_done(struct bt_survey *s);

const char *bt_cut_kind_name(enum bt_cut_kind kind); /* "unfinished", "torn", ... */

#endif
