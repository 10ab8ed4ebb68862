/* SPDX-License-Identifier: Apache-2.0 */
#include "failover/facts.h"

static bool text_copy(struct bt_arena *arena, const char **text)
{
    *text = bt_arena_str(arena, bt_slice_str(*text ? *text : ""));
    return *text != NULL;
}

static bool upstream_copy(struct bt_arena *arena, struct bt_upstream *u)
{
    return text_copy(arena, &u->connection) && text_copy(arena, &u->host) &&
           text_copy(arena, &u->user) && text_copy(arena, &u->relay_log) &&
           text_copy(arena, &u->gtid_io_pos) && text_copy(arena, &u->io_error) &&
           text_copy(arena, &u->sql_error) && text_copy(arena, &u->filters);
}

int bt_facts_copy(const struct bt_server_facts *from, struct bt_arena *arena,
                  struct bt_server_facts *ret, struct bt_err *err)
{
    struct bt_server_facts copy = *from;
    struct bt_upstream *list = bt_arena_array(arena, from->upstream_count, sizeof(*list));
    bool good = list && text_copy(arena, &copy.error) && text_copy(arena, &copy.version) &&
                text_copy(arena, &copy.binlog_base) && text_copy(arena, &copy.relay_base) &&
                text_copy(arena, &copy.relay_index) && text_copy(arena, &copy.datadir) &&
                text_copy(arena, &copy.pid_file) && text_copy(arena, &copy.binlog_filters) &&
                text_copy(arena, &copy.gtid_slave_pos) && text_copy(arena, &copy.gtid_binlog_pos) &&
                text_copy(arena, &copy.privileges_missing);

    for (size_t i = 0; good && i < from->upstream_count; i++) {
        list[i] = from->upstreams[i];
        good = upstream_copy(arena, &list[i]);
    }
    if (!good)
        return bt_arena_fail(arena, "facts of a server", err);
    copy.upstreams = list;
    *ret = copy;
    return 0;
}
