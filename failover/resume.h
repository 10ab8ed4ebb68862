/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resume.h - what the journal of a failover says that did not come to its end.
 *
 *     bt_resume_read(path, &arena, &r, err)
 *
 * Pure but for reading the file; what follows from it is done in steps_resume.c.  A last line that
 * was not written whole is passed over: what it announced was not begun.
 *
 *   no line "end"  ── nobody promoted ──► AGAIN     give back, or start over
 *                  └─ somebody promoted ► FORWARD   finish
 *   "end" failed   ────────────────────── AGAIN     only when asked for: its error flag stands
 *   "end" done, partial, undone ───────── NOTHING
 */
#ifndef BT_FAILOVER_RESUME_H
#define BT_FAILOVER_RESUME_H

#include "failover/config.h"
#include "failover/semisync.h"
#include "parser/coordinate.h"

enum bt_resume_how { BT_RESUME_NOTHING, BT_RESUME_AGAIN, BT_RESUME_FORWARD };

struct bt_resume_host {
    const char *name;
    bool relay_log_purge; /* was on, and was switched off */
    bool super_read_only; /* was on, and may have been switched off */
    bool io_running, sql_running;
    bool semisync_primary; /* rpl_semi_sync_master_enabled was on, and was switched off */
    bool acknowledges;
    bool follows; /* was repointed, and ran */
};

struct bt_resume {
    enum bt_resume_how how;
    bool has_failed;             /* it ended, with an error */
    struct bt_semisync semisync; /* of the primary, as the manager had seen it */
    int64_t gone_ms;             /* semisync.h; INT64_MAX = not known */
    /* the name of the server that was to be replaced; "" = not known */
    const char *primary;
    const char *winner; /* of the one that was promoted; "" = none */
    /* the address was on its way to the winner: it was promoted for certain.  Else its read_only
     * tells */
    bool is_certain;
    struct bt_coordinate position; /* the winner's, when it stood complete */
    const char *gtid, *slave_gtid, *statement;
    size_t host_count;
    struct bt_resume_host hosts[BT_SERVERS_MAX];
};

/* Texts live in the arena.  A journal that is not there says NOTHING. */
int bt_resume_read(const char *path, struct bt_arena *arena, struct bt_resume *ret,
                   struct bt_err *err) BT_MUST_CHECK;

/* What it says of one host; NULL when it was not touched. */
const struct bt_resume_host *bt_resume_host(const struct bt_resume *r, const char *name);

#endif
