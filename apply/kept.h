/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kept.h - the events of one transaction, copied so that they outlive the reader's next call.
 */
#ifndef BT_APPLY_KEPT_H
#define BT_APPLY_KEPT_H

#include "base/arena.h"
#include "parser/event.h"

struct bt_kept {
    struct bt_arena arena; /* what the events borrow from */
    struct bt_event *events;
    size_t count, room;
    size_t bytes;
};

/* bytes_max: ceiling of one transaction. */
void bt_kept_init(struct bt_kept *k, size_t bytes_max);
void bt_kept_done(struct bt_kept *k);

/* Forgets the events, keeps memory. */
void bt_kept_reset(struct bt_kept *k);

/* Copies an event; its format stays borrowed from the reader.  1: it does not fit. */
int bt_kept_add(struct bt_kept *k, const struct bt_event *ev, struct bt_err *err) BT_MUST_CHECK;

#endif
