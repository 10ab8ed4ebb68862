/* SPDX-License-Identifier: Apache-2.0 */
/*
 * survey_start.h - where a survey begins to read.  Used inside survey.c only.
 *
 * To know the GTID state exactly, reading has to begin at the newest log whose head has a
 * GTID_LIST; to know the place alone, any transaction near the end will do.  In between: the list
 * of that head, and from near the end on what was received last.  That is the last GTID of each
 * domain that is seen there; a listed domain that is not seen is looked for farther back, and in
 * the end the logs are read from the list on after all.  What wrote only in the middle, in a
 * domain that no list names, is not seen: the survey says so (gtid_from_end).
 */
#ifndef BT_DIFF_SURVEY_START_H
#define BT_DIFF_SURVEY_START_H

#include "diff/log_walk.h"
#include "diff/survey.h"

/* Where the applier stands in the relay logs, as relay-log.info says.  What is behind it has to be
 * whole up to the end to count as received; what is before it, whatever became of it, is done. */
struct bt_applied {
    size_t log; /* SIZE_MAX = not known */
    uint64_t pos;
    const struct bt_coordinate *place;
};

/* How far a survey may trust what spares it reading; each is tried when the one before deceived. */
enum bt_survey_trust {
    BT_TRUST_ALL,   /* hints, and places found by their looks */
    BT_TRUST_FAR,   /* the end, but more of it: near it not every listed domain was seen */
    BT_TRUST_LOGS,  /* hints named no place: places found by their looks */
    BT_TRUST_HEADS, /* those deceived too: whole logs only */
};

struct bt_survey_start {
    struct bt_log_walk_opts opts;
    struct bt_applied applied;
    bool jumped;   /* into the middle of a log, by its looks */
    bool is_hint;  /* the place is the server's own word */
    bool from_end; /* behind a list that was not read on from: */
    struct bt_gtid_state listed;
};

/* Finds it; s counts what was read.  Release *ret with bt_survey_start_done(). */
int bt_survey_start_find(const struct bt_log_set *set, const struct bt_survey_hints *hints,
                         enum bt_survey_trust trust, struct bt_survey *s,
                         struct bt_survey_start *ret, struct bt_err *err) BT_MUST_CHECK;
void bt_survey_start_done(struct bt_survey_start *start);

/* Whether every domain of the list was seen again behind the start. */
bool bt_survey_start_saw_all(const struct bt_survey_start *start, const struct bt_gtid_state *seen);

#endif
