/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/versioned.h"

#include <string.h>
#include <xxhash.h>

#include "parser/table_map.h"

enum {
    WIDE_TIMESTAMP = 110500, /* first version whose TIMESTAMP goes to 2106 */
    SQL_MAX = 4096,
};

bool bt_versioned_matters(const struct bt_format *log, const struct bt_server *target)
{
    return log->flavor == BT_FLAVOR_MARIADB && target->flavor == BT_FLAVOR_MARIADB &&
           log->version_number < WIDE_TIMESTAMP && target->version_number >= WIDE_TIMESTAMP;
}

static size_t place_of(const struct bt_versioned *v, const struct bt_table_map *map,
                       uint64_t *ret_hash)
{
    size_t room = sizeof(v->plain) / sizeof(v->plain[0]);
    uint64_t hash = XXH3_64bits(map->table.ptr, map->table.len);

    hash = XXH3_64bits_withSeed(map->db.ptr, map->db.len, hash);
    *ret_hash = hash ? hash : 1;
    return hash % room;
}

/* Start and end are two TIMESTAMP(6). */
static bool has_two_timestamps(const struct bt_table_map *map)
{
    unsigned count = 0;

    for (size_t i = 0; i < map->types.len; i++)
        count += map->types.ptr[i] == BT_COLUMN_TIMESTAMP2;
    return count >= 2;
}

bool bt_versioned_may_be(const struct bt_versioned *v, const struct bt_event *table_map)
{
    struct bt_table_map map;
    struct bt_err unread = {0};
    uint64_t hash;

    /* One that cannot be read fails where its rows are. */
    return bt_table_map_read(table_map, &map, &unread) == 0 && has_two_timestamps(&map) &&
           v->plain[place_of(v, &map, &hash)] != hash;
}

int bt_versioned_ask(struct bt_versioned *v, const struct bt_event *table_map,
                     struct bt_deadline deadline, struct bt_err *err)
{
    bt_auto_buf struct bt_buf sql = {.max = SQL_MAX};
    bt_auto_rows struct bt_rows rows = {0};
    struct bt_table_map map;
    uint64_t hash;
    size_t place;

    if (bt_table_map_read(table_map, &map, err) < 0 ||
        (!v->asks && bt_connection_open(v->where, deadline, &v->asks, err) < 0))
        return -1;
    bt_buf_add_str(&sql, "SELECT 1 FROM information_schema.tables WHERE "
                         "table_type='SYSTEM VERSIONED' AND table_schema=");
    bt_sql_add_text(v->asks, &sql, map.db);
    bt_buf_add_str(&sql, " AND table_name=");
    bt_sql_add_text(v->asks, &sql, map.table);
    if (bt_buf_check(&sql, "a question about a table", err) < 0 ||
        bt_connection_query(v->asks, bt_buf_slice(&sql), deadline, &rows, err) < 0)
        return -1;
    if (rows.row_count > 0)
        return bt_fail(
            err, BT_ERR_REALITY,
            "table %.*s.%.*s is system-versioned: its rows of a server before MariaDB 11.5 "
            "would turn into history here when a client brings them; "
            "--via=replication keeps them",
            BT_SLICE_ARG(map.db), BT_SLICE_ARG(map.table));
    place = place_of(v, &map, &hash);
    v->plain[place] = hash;
    return 0;
}

void bt_versioned_forget(struct bt_versioned *v)
{
    memset(v->plain, 0, sizeof(v->plain));
}

void bt_versioned_done(struct bt_versioned *v)
{
    bt_connection_close(v->asks);
    v->asks = NULL;
}
