/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect_pieces.h - cuts binary logs into pieces of like size for several threads.
 *
 * A cut inside a log is found without walking it: from the place wanted, the next bytes that read
 * as the header of a GTID event and whose CRC is right.  Bytes inside a row could look like that by
 * intent, so whoever counts the pieces checks that each ends exactly where the next begins.
 */
#ifndef BT_CLI_INSPECT_PIECES_H
#define BT_CLI_INSPECT_PIECES_H

#include "cli/inspect_scan.h"

struct bt_pieces {
    struct bt_scan_piece *items; /* owned */
    size_t count, room;
    char **paths; /* owned; the items' */
    size_t path_count;
    size_t *runs; /* owned: thread i has items runs[i] up to runs[i + 1] */
    size_t run_count;
};

/* Cuts what the paths name for that many threads; 1 when one thread should do it: relay logs,
 * streams, or too little to share. */
int bt_pieces_cut(struct bt_pieces *pieces, const char *const *paths, size_t count,
                  unsigned threads, struct bt_err *err) BT_MUST_CHECK;
void bt_pieces_done(struct bt_pieces *pieces);

#endif
