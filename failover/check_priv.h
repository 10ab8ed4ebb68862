/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_priv.h - how the finders of check_*.c report.  Used by them only.
 */
#ifndef BT_FAILOVER_CHECK_PRIV_H
#define BT_FAILOVER_CHECK_PRIV_H

#include "failover/check.h"

struct bt_check_finder {
    const struct bt_check_facts *facts;
    const struct bt_check_opts *opts;
    struct bt_check_report *report;
    enum bt_check_part part; /* that is being looked at */
};

/* Adds a finding of the part at hand.  name is a literal; fix may be NULL and is copied. */
void bt_check_add(struct bt_check_finder *f, enum bt_check_level level, const char *name,
                  size_t server, const char *fix, const char *fmt, ...) BT_PRINTF(6, 7);

static inline bool bt_check_is_replica(const struct bt_check_facts *facts, size_t i)
{
    return facts->has_topology && (facts->topology.role[i] == BT_ROLE_REPLICA ||
                                   facts->topology.role[i] == BT_ROLE_TIER);
}

static inline bool bt_check_is_primary(const struct bt_check_facts *facts, size_t i)
{
    return facts->has_topology && facts->topology.primary == i;
}

/* The finders, one per part. */
void bt_check_find_manager(struct bt_check_finder *f);
void bt_check_find_ssh(struct bt_check_finder *f);
void bt_check_find_servers(struct bt_check_finder *f);
void bt_check_find_repl(struct bt_check_finder *f);
void bt_check_find_privileges(struct bt_check_finder *f);
void bt_check_find_settings(struct bt_check_finder *f);
void bt_check_find_logs(struct bt_check_finder *f);
void bt_check_find_disk(struct bt_check_finder *f);
void bt_check_find_clocks(struct bt_check_finder *f);
void bt_check_find_vip(struct bt_check_finder *f);
void bt_check_find_hooks(struct bt_check_finder *f);
void bt_check_find_failover(struct bt_check_finder *f);

#endif
