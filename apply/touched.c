/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/touched.h"

#include <stdlib.h>

enum { ROOM_MIN = 1 << 12 };

void bt_touched_done(struct bt_touched *s)
{
    free(s->rows);
    s->rows = NULL;
}

static int grow(struct bt_touched *s, struct bt_err *err)
{
    size_t room = s->room ? s->room * 2 : ROOM_MIN;
    struct bt_touched_row *rows = calloc(room, sizeof(*rows));

    if (!rows)
        return bt_fail(err, BT_ERR_SYSTEM, "out of memory for %zu rows", s->count);
    for (size_t i = 0; i < s->room; i++) {
        size_t at = s->rows[i].hash & (room - 1);

        if (!s->rows[i].hash)
            continue;
        while (rows[at].hash)
            at = (at + 1) & (room - 1);
        rows[at] = s->rows[i];
    }
    free(s->rows);
    s->rows = rows;
    s->room = room;
    return 0;
}

int bt_touched_find(struct bt_touched *s, uint64_t hash, struct bt_touched_row **ret,
                    struct bt_err *err)
{
    size_t at;

    if (s->count * 4 >= s->room * 3 && grow(s, err) < 0)
        return -1;
    hash += !hash;
    for (at = hash & (s->room - 1); s->rows[at].hash; at = (at + 1) & (s->room - 1))
        if (s->rows[at].hash == hash) {
            *ret = &s->rows[at];
            return 0;
        }
    s->rows[at].hash = hash;
    s->count++;
    *ret = &s->rows[at];
    return 0;
}
