/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress.h - one line on a terminal about work that takes long.
 *
 *     bt_progress_begin(&p, total)
 *     bt_progress_add(&p, bytes) ... or bt_progress_show(&p, done, total, "12 transactions, ")
 *     bt_progress_end(&p)
 *
 * Nothing is shown where stderr is no terminal, nor in the first second; a line is drawn ten times
 * a second at most, and is gone at the end.  add() may be called by any thread.
 */
#ifndef BT_CLI_PROGRESS_H
#define BT_CLI_PROGRESS_H

#include <stdatomic.h>

#include "parser/source.h"

struct bt_progress {
    bool shows;
    uint64_t total; /* bytes; 0 = not known */
    int64_t began_ms;
    atomic_uint_fast64_t done;
    atomic_int_fast64_t next_ms; /* when the line may be drawn again */
    atomic_bool drawn;
};

void bt_progress_begin(struct bt_progress *p, uint64_t total);
void bt_progress_add(struct bt_progress *p, uint64_t bytes);

/* For work that counts by itself; one thread.  `what` stands in front. */
void bt_progress_show(struct bt_progress *p, uint64_t done, uint64_t total, const char *what);

/* Takes the line away. */
void bt_progress_end(struct bt_progress *p);

/* A source whose views are counted.  Lives where the caller puts it, borrows `inner` and p. */
struct bt_watched_source {
    struct bt_source source;
    struct bt_source *inner;
    struct bt_progress *progress;
    uint64_t seen; /* offset up to which it is counted */
};

/* Returns &w->source, or inner itself where nothing is shown (p NULL, no terminal). */
struct bt_source *bt_progress_watch(struct bt_progress *p, struct bt_source *inner, uint64_t start,
                                    struct bt_watched_source *w);

#endif
