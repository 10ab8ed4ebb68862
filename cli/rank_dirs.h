/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rank_dirs.h - the directories that `baton rank` is given, surveyed side by side.
 *
 * Of large logs only what is near their end is read.  That gives the order of replicas of one
 * primary, and the last GTID of each domain that their logs name; where the answers do not fit each
 * other, bt_rank_dirs_read_whole() reads on until nothing is left to guess.
 */
#ifndef BT_CLI_RANK_DIRS_H
#define BT_CLI_RANK_DIRS_H

#include "cli/ranking.h"

struct bt_rank_dirs_opts {
    const char *connection; /* NULL = the default one, and what all of them have by GTID */
    bool whole;             /* read every log that its GTIDs ask for */
};

/* Opens and surveys all of them into r->servers, which has room. */
int bt_rank_dirs_collect(struct bt_ranking *r, int count, char **paths,
                         const struct bt_rank_dirs_opts *opts, struct bt_err *err) BT_MUST_CHECK;

/* Whether one of them was read near its end only. */
bool bt_rank_dirs_from_end(const struct bt_ranking *r);

/* Whether one of those does not know a domain that another one does. */
bool bt_rank_dirs_disagree(const struct bt_ranking *r);

/* Surveys those again, whole. */
int bt_rank_dirs_read_whole(struct bt_ranking *r, const struct bt_rank_dirs_opts *opts,
                            struct bt_err *err) BT_MUST_CHECK;

#endif
