/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_kind.h - what the logs of a set are: binary or relay logs, by their own first event.
 *
 *     bt_log_set_judge(&set, &home->notes)            once the set is complete
 *
 * Every log begins with a FORMAT_DESCRIPTION of the server that wrote it, in relay logs with the
 * flag RELAY_LOG.
 */
#ifndef BT_DIFF_LOG_KIND_H
#define BT_DIFF_LOG_KIND_H

#include "diff/log_set.h"

/* Tells set->kind by the newest log that says it, and makes a log that the index has from another
 * directory `missing` where it is of another kind or server than those here.  Adds a line to notes
 * for each of these, and when nobody here can read the set. */
void bt_log_set_judge(struct bt_log_set *set, struct bt_buf *notes);

#endif
