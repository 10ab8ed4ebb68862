/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kept_log.h - a log whose bytes are dear (they come from another host): each is fetched once.
 *
 *     bt_kept_log_open(source, folder, &kept, err)     takes the source over
 *     bt_kept_log_source(kept, &look, err) ...         any number of looks at it, one after another
 *     bt_kept_log_close(kept)
 *
 * What was fetched lies in a file without a name, which holds only that and is gone with the
 * process.  What is looked for, copied, and wanted for one target after another thus crosses the
 * network once: one pass over a source serves all targets.  The log is as long as it was when it
 * was opened; what its server appends later is not seen.
 *
 * Where the file cannot be written, or its file system is nearly full, bytes are fetched again
 * instead.  Looks may be used by several threads, each look by one.
 */
#ifndef BT_DIFF_KEPT_LOG_H
#define BT_DIFF_KEPT_LOG_H

#include "parser/source.h"

struct bt_kept_log;

/* source: can go back; owned from here on, also on failure.  folder: where the file is to lie. */
int bt_kept_log_open(struct bt_source *source, const char *folder, struct bt_kept_log **ret,
                     struct bt_err *err) BT_MUST_CHECK;

/* A look at it, closed like any source, before the kept log. */
int bt_kept_log_source(struct bt_kept_log *kept, struct bt_source **ret, struct bt_err *err)
    BT_MUST_CHECK;

/* How many bytes were fetched so far. */
uint64_t bt_kept_log_fetched(struct bt_kept_log *kept);

void bt_kept_log_close(struct bt_kept_log *kept); /* accepts NULL */

#endif
