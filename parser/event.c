/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/event.h"

static const char *const type_names[256] = {
#define X(code, name) [code] = #name,
    BT_EVENT_TYPES(X)
#undef X
};

const char *bt_event_type_name(uint8_t type)
{
    return type_names[type];
}

bool bt_event_is_rows(uint8_t type)
{
    return (type >= BT_PRE_GA_WRITE_ROWS && type <= BT_DELETE_ROWS_V1) ||
           (type >= BT_WRITE_ROWS && type <= BT_DELETE_ROWS) || type == BT_PARTIAL_UPDATE_ROWS;
}

int bt_event_header_read(struct bt_slice bytes, uint32_t size_max, struct bt_event_header *ret,
                         struct bt_err *err)
{
    struct bt_cursor c = bt_cursor(bytes);
    struct bt_event_header h;

    if (!bt_event_header_take(&c, &h))
        return bt_fail(err, BT_ERR_CORRUPT, "event header ends after %zu of %d bytes", bytes.len,
                       BT_EVENT_HEADER_SIZE);
    if (h.length < BT_EVENT_HEADER_SIZE || h.length > size_max)
        return bt_fail(err, BT_ERR_CORRUPT,
                       "event of type %u claims %u bytes, allowed are %d to %u", h.type, h.length,
                       BT_EVENT_HEADER_SIZE, size_max);
    *ret = h;
    return 0;
}
