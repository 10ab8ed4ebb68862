/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/kept.h"

#include <stdlib.h>

void bt_kept_init(struct bt_kept *k, size_t bytes_max)
{
    *k = (struct bt_kept){0};
    bt_arena_init(&k->arena, bytes_max);
}

void bt_kept_done(struct bt_kept *k)
{
    bt_arena_done(&k->arena);
    free(k->events);
    k->events = NULL;
    k->count = k->room = 0;
}

void bt_kept_reset(struct bt_kept *k)
{
    bt_arena_reset(&k->arena);
    k->count = k->bytes = 0;
}

int bt_kept_add(struct bt_kept *k, const struct bt_event *ev, struct bt_err *err)
{
    /* Only a FORMAT_DESCRIPTION is asked for its raw bytes. */
    struct bt_slice kept = ev->type == BT_FORMAT_DESCRIPTION ? ev->raw : ev->body;
    struct bt_event *to;

    if (k->count == k->room) {
        size_t room = k->room ? k->room * 2 : 16;

        to = realloc(k->events, room * sizeof(*to));
        if (!to)
            return bt_fail(err, BT_ERR_SYSTEM, "out of memory");
        k->events = to;
        k->room = room;
    }
    kept = bt_arena_dup(&k->arena, kept);
    if (!kept.ptr)
        return 1;
    to = &k->events[k->count++];
    *to = *ev;
    to->raw = ev->type == BT_FORMAT_DESCRIPTION ? kept : bt_slice_empty();
    to->body = ev->type == BT_FORMAT_DESCRIPTION ? bt_slice_empty() : kept;
    k->bytes += kept.len;
    return 0;
}
