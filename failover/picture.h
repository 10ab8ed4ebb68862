/* SPDX-License-Identifier: Apache-2.0 */
/*
 * picture.h - the cluster as it is, drawn: who is the primary, who follows whom, how far behind,
 * where the VIPs are, what is wrong.  Pure: from what was seen.
 */
#ifndef BT_FAILOVER_PICTURE_H
#define BT_FAILOVER_PICTURE_H

#include "base/json.h"
#include "failover/health.h"
#include "failover/sight.h"

struct bt_picture {
    const struct bt_config *config;
    const struct bt_health *health;
    size_t primary;                /* SIZE_MAX = not known */
    const struct bt_sight *sights; /* one per server */
    const char *verdict;           /* "healthy"; NULL = nobody watches */
    const char *reason;            /* why, "" = none */
    int64_t now_ms;
};

/* For people: MHA's line, then the tree, at most 100 columns. */
void bt_picture_text(const struct bt_picture *p, struct bt_buf *out);

/* The same as one JSON object (docs/json.md). */
void bt_picture_json(const struct bt_picture *p, struct bt_json *out);

#endif
