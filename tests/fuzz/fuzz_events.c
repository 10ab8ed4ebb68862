/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte is an event type, the second chooses a server, the rest is the event's body. */
#include <stdlib.h>
#include <string.h>

#include "parser/format.h"
#include "parser/query.h"
#include "parser/unwrap.h"
#include "tests/lib/decode_all.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk_members(const struct bt_table *table)
{
    struct bt_err err;

    for (uint32_t i = 0; i < table->map.column_count; i++) {
        struct bt_slice rest = table->columns[i].members, member;
        uint32_t count = 0;

        while (bt_column_next_member(&rest, &member, &err) == 0)
            count++;
        if (count != table->columns[i].member_count)
            __builtin_trap();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bt_format format = {.header_length = BT_EVENT_HEADER_SIZE};
    struct bt_event ev = {.format = &format, .header.server_id = 1};
    struct bt_table_cache *tables;
    struct bt_table *table;
    struct bt_unwrapper unwrapper;
    struct bt_err err;

    if (size < 2)
        return 0;
    format.flavor = data[1] & 1 ? BT_FLAVOR_MARIADB : BT_FLAVOR_MYSQL;
    if (data[1] & 2)
        memset(format.post_header_length, 6, sizeof(format.post_header_length));
    ev.type = ev.header.type = data[0];
    ev.body = bt_slice(data + 2, size - 2);
    ev.raw = ev.body;
    if (bt_table_cache_new(&tables, &err) != 0)
        return 0;
    bt_unwrapper_init(&unwrapper, 1 << 20);
    if (ev.type == BT_TABLE_MAP && bt_table_cache_put(tables, &ev, &table, &err) == 0)
        walk_members(table);
    if (bt_event_is_compressed(ev.type))
        (void)!bt_unwrap_compressed(&unwrapper, &ev, &err);
    else if (ev.type == BT_PARTIAL_ROW_DATA)
        (void)!bt_unwrap_fragment(&unwrapper, &ev, &err);
    (void)!bt_decode_event(&ev, tables, &err);
    bt_unwrapper_done(&unwrapper);
    bt_table_cache_free(tables);
    return 0;
}
