/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal.h - what a failover is about to do, on the disk before it is done.
 *
 * <workdir>/<app>.failover.journal holds JSON Lines, one per step, each fsynced before the step it
 * announces: {"time","at_ms","step","state":"begin|done|failed","host"?,...}.  A journal whose
 * last line is not {"step":"end"} belongs to a failover that was cut off; who comes later can read
 * there how far it got, what was touched and what its value had been.  A new failover
 * keeps the old journal beside it as .1.
 */
#ifndef BT_FAILOVER_JOURNAL_H
#define BT_FAILOVER_JOURNAL_H

#include "base/json.h"
#include "base/clock.h"

struct bt_journal;

/* Begins a new journal, mode 0640, locked (flock) while it is open.  path NULL: nothing is written
 * (a dry run). */
int bt_journal_open(const char *path, struct bt_journal **ret, struct bt_err *err) BT_MUST_CHECK;

/* Goes on with one that was cut off, behind its last whole line. */
int bt_journal_continue(const char *path, struct bt_journal **ret, struct bt_err *err)
    BT_MUST_CHECK;

void bt_journal_close(struct bt_journal *j); /* accepts NULL */

static inline void bt_journal_release(struct bt_journal **j)
{
    bt_journal_close(*j);
    *j = NULL;
}
#define bt_auto_journal BT_AUTO(bt_journal_release)

/* Whether somebody who lives is writing it. */
bool bt_journal_is_in_use(const char *path);

/* Adds further members to a line; callable with json already inside the object. */
typedef void bt_journal_fill(struct bt_json *json, void *ctx);

/* Writes and fsyncs one line.  host and fill may be NULL.  Any thread. */
int bt_journal_write(struct bt_journal *j, const char *step, const char *state, const char *host,
                     bt_journal_fill *fill, void *ctx, struct bt_err *err) BT_MUST_CHECK;

#endif
