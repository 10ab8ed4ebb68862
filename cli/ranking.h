/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ranking.h - what `baton rank` has found out: the servers, their order, and what is odd about
 * them.  cmd_rank.c fills it and shows it to people, rank_json.c to programs.
 */
#ifndef BT_CLI_RANKING_H
#define BT_CLI_RANKING_H

#include "cli/bars.h"
#include "cli/server_logs.h"
#include "diff/missing.h"
#include "diff/rank.h"

/* One server that is shown. */
struct bt_ranked_server {
    struct bt_server_logs logs;
    const struct bt_live_server *live; /* NULL: a directory */
    bool is_ranked;                    /* has an item */
    struct bt_survey *connections;     /* a directory with several: each of them */
    const struct bt_log_set **connection_sets;
    size_t connection_count;
    struct bt_missing_source errant_source;
    struct bt_missing errant; /* what it wrote itself and the primary never had */
    bool has_errant;
};

struct bt_ranking {
    struct bt_arena arena; /* of the configuration */
    struct bt_config config;
    struct bt_live *live;
    struct bt_ranked_server *servers;
    size_t count;
    size_t primary; /* SIZE_MAX = not known, or none of them */
    struct bt_rank_item *items;
    size_t *item_server; /* whose item it is */
    size_t *order;       /* of the items */
    size_t item_count;
    struct bt_bars bars;
};

/* Where the primary's logs end; NULL where that is not known. */
const struct bt_coordinate *bt_ranking_primary_end(const struct bt_ranking *r);

/* As one JSON document (docs/json.md). */
void bt_ranking_json(const struct bt_ranking *r, struct bt_buf *out);

#endif
