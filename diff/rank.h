/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rank.h - who has received most.  Pure: from surveys to an order.
 *
 * Two replicas are compared by GTID when both states are known and by the primary's coordinate
 * otherwise.  Equal ones share a rank (1, 1, 3).  Two GTID states of which each has something the
 * other lacks are incomparable: that is said, and the coordinate (then the number of the server in
 * the list) orders them, so that the outcome does not depend on anything else.
 */
#ifndef BT_DIFF_RANK_H
#define BT_DIFF_RANK_H

#include "diff/survey.h"

/* What ranking needs of one server; a survey made on another host fills it from a few texts. */
struct bt_rank_item {
    struct bt_coordinate received; /* file "" = not known */
    /* no transaction ends between received and here; "" = none */
    struct bt_coordinate position;
    const struct bt_gtid_state *gtid;   /* MariaDB; NULL = not known */
    const struct bt_gtid_set *gtid_set; /* MySQL; NULL = not known */
    unsigned rank;                      /* out: 1 = best */
    bool latest;                        /* out: rank 1 */
    size_t fork_with;                   /* out: index of a server it is incomparable to; SIZE_MAX */
    uint32_t fork_domain;               /* out: a domain in which this one is ahead of fork_with */
    struct bt_gtid fork_point;          /* out: the last one both have of that domain; NONE */
};

enum bt_rank_order { BT_RANK_LESS, BT_RANK_EQUAL, BT_RANK_MORE, BT_RANK_FORKED, BT_RANK_UNKNOWN };

/* Whether a received less, the same, more, or forked. */
enum bt_rank_order bt_rank_compare(const struct bt_rank_item *a, const struct bt_rank_item *b);

/* The same for two states alone. */
enum bt_rank_order bt_gtid_state_compare(const struct bt_gtid_state *a,
                                         const struct bt_gtid_state *b);

/* The last transaction of a domain that both have: of each server that wrote there, as far as both
 * came.  NONE when they share none. */
struct bt_gtid bt_gtid_state_fork(const struct bt_gtid_state *a, const struct bt_gtid_state *b,
                                  uint32_t domain);

/* Fills rank, latest and fork of every item and order[] with their indexes, best first. */
void bt_rank_run(struct bt_rank_item *items, size_t count, size_t *order);

#endif
