/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rejoin_log.h - one binary log of a server that comes back: how it begins and where it ends.
 *
 * What a crash has cut off shows at the ends alone, so both are read without what lies between, but
 * for bt_rj_log_end(), which reads the log once.
 */
#ifndef BT_FAILOVER_REJOIN_LOG_H
#define BT_FAILOVER_REJOIN_LOG_H

#include "diff/log_set.h"

enum { BT_RJ_LOG_HEADER = 19, /* of an event */
       BT_RJ_LOG_FIRST = 4 + BT_RJ_LOG_HEADER };

/* When log i was begun (seconds since 1970), and whether it was left open. */
int bt_rj_log_head(const struct bt_log_set *set, size_t i, uint32_t *ret_when, bool *ret_in_use,
                   struct bt_err *err) BT_MUST_CHECK;

struct bt_rj_log_end {
    uint64_t whole; /* where the last whole transaction ends; 0 = there is none */
    bool is_torn;   /* less than a transaction stands behind it */
    bool is_closed; /* its server had closed it */
};

int bt_rj_log_end(const struct bt_log_set *set, size_t i, struct bt_rj_log_end *ret,
                  struct bt_err *err) BT_MUST_CHECK;

/* Whether log i holds an event that ends at pos. */
int bt_rj_log_holds_end(const struct bt_log_set *set, size_t i, uint64_t pos, bool *ret,
                        struct bt_err *err) BT_MUST_CHECK;

#endif
