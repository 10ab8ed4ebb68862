/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Semi-synchronous replication changes sides with the writer role: where the old primary waited for
 * acknowledgements and the new one would not, the promise that clients rely on would end without a
 * word.  The two servers exchange rpl_semi_sync_master_enabled and rpl_semi_sync_slave_enabled;
 * where both are on everywhere, as many configurations have it, nothing is changed.
 *
 * (A replica that is also set to wait for acknowledgements waits for them itself, with the first
 * transaction that it applies, for rpl_semi_sync_master_timeout, 10 s: seen with MariaDB 10.11.19.
 * That is the server's way with such a configuration, and holds up nobody but that replica.)
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "failover/switchover_steps.h"

/* "rpl_semi_sync_master_enabled", or "source" of MySQL 8.0.26 and later. */
static bool is_of(const char *variable, const char *older, const char *newer)
{
    return strstr(variable, older) || strstr(variable, newer);
}

static int ask(struct bt_so_host *h, struct bt_so_semisync *ret, struct bt_err *err)
{
    bt_auto_rows struct bt_rows rows = {0};

    if (bt_connection_query(
            h->db->sql, bt_slice_str("SHOW GLOBAL VARIABLES LIKE 'rpl\\_semi\\_sync\\_%enabled'"),
            bt_so_until(BT_SO_CHECK), &rows, err) != 0)
        return bt_err_wrap(err, "%s: rpl_semi_sync", h->conf->name);
    *ret = (struct bt_so_semisync){0};
    for (uint64_t i = 0; i < rows.row_count; i++) {
        const char *name = bt_rows_text_at(&rows, i, 0), *value = bt_rows_text_at(&rows, i, 1);

        if (!name || !value)
            continue;
        ret->says_source = ret->says_source || is_of(name, "_source_", "_replica_");
        if (is_of(name, "_master_", "_source_")) {
            ret->has_master = true;
            ret->master = strcmp(value, "ON") == 0;
        } else {
            ret->has_slave = true;
            ret->slave = strcmp(value, "ON") == 0;
        }
    }
    return 0;
}

int bt_so_semisync_ask(struct bt_switchover *s, struct bt_err *err)
{
    if (ask(bt_so_old(s), &s->semisync_old, err) != 0)
        return -1;
    return ask(bt_so_new(s), &s->semisync_new, err);
}

static int set(struct bt_switchover *s, struct bt_so_host *h, const struct bt_so_semisync *its,
               bool is_master, bool on, struct bt_err *err)
{
    const char *side = its->says_source ? is_master ? "source" : "replica"
                       : is_master      ? "master"
                                        : "slave";

    if (!(is_master ? its->has_master : its->has_slave))
        return 0;
    if (bt_connection_executef(h->db->sql, bt_so_until(BT_SO_OPEN), err,
                               "SET GLOBAL rpl_semi_sync_%s_enabled = %s", side,
                               on ? "ON" : "OFF") != 0)
        return bt_err_wrap(err, "%s: rpl_semi_sync_%s_enabled", h->conf->name, side);
    bt_so_note(s, "%s: rpl_semi_sync_%s_enabled is %s now.", h->conf->name, side,
               on ? "ON" : "OFF");
    return 0;
}

/* Before it takes the first write. */
int bt_so_semisync_open(struct bt_switchover *s, struct bt_err *err)
{
    bool on = s->semisync_old.master;

    if (on == s->semisync_new.master)
        return 0;
    s->touched.semisync = true;
    return set(s, bt_so_new(s), &s->semisync_new, true, on, err);
}

int bt_so_semisync_undo(struct bt_switchover *s, struct bt_err *err)
{
    if (!s->touched.semisync)
        return 0;
    if (set(s, bt_so_new(s), &s->semisync_new, true, s->semisync_new.master, err) != 0)
        return -1;
    s->touched.semisync = false;
    return 0;
}

/* The rest of the exchange, when the new primary is one and the old one is about to follow it. */
int bt_so_semisync_exchange(struct bt_switchover *s, struct bt_err *err)
{
    const struct bt_so_semisync *old = &s->semisync_old, *new = &s->semisync_new;

    if (old->master != new->master && set(s, bt_so_old(s), old, true, new->master, err) != 0)
        return -1;
    if (old->slave == new->slave)
        return 0;
    if (set(s, bt_so_old(s), old, false, new->slave, err) != 0)
        return -1;
    return set(s, bt_so_new(s), new, false, old->slave, err);
}
