/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inspect_count.h - counts logs into a summary, with one thread or several.
 *
 * The work is cut into pieces: whole logs, and large binary logs at a transaction's begin.  Each
 * thread counts a run of neighbouring pieces into a summary of its own; these are merged in order.
 * Relay logs are never cut and are counted by one thread, because a transaction may span them.
 */
#ifndef BT_CLI_INSPECT_COUNT_H
#define BT_CLI_INSPECT_COUNT_H

#include "cli/inspect_modes.h"
#include "cli/inspect_summary.h"

/* Counts everything the paths name; in->damaged is set when a log ends torn or corrupt. */
int bt_inspect_count(struct bt_inspect *in, const char *const *paths, size_t count,
                     unsigned threads, struct bt_summary *ret, struct bt_err *err) BT_MUST_CHECK;

#endif
