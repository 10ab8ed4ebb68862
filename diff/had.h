/* SPDX-License-Identifier: Apache-2.0 */
/*
 * had.h - which GTIDs something has, whichever flavour they are of: MariaDB's last one per domain,
 * or MySQL's set.  What a log says of the time before it (GTID_LIST, PREVIOUS_GTIDS) is one of
 * these.
 */
#ifndef BT_DIFF_HAD_H
#define BT_DIFF_HAD_H

#include "parser/gtid_set.h"

/* Zeroed knows nothing.  Owned; bt_had_done() releases. */
struct bt_had {
    bool known;
    struct bt_gtid_state state; /* MariaDB */
    struct bt_gtid_set set;     /* MySQL */
};

void bt_had_done(struct bt_had *h);

/* Takes over what a GTID_LIST or PREVIOUS_GTIDS event says. */
int bt_had_read(struct bt_had *h, const struct bt_event *ev, struct bt_err *err) BT_MUST_CHECK;

/* Adds copies; either may be NULL. */
int bt_had_copy(struct bt_had *h, const struct bt_gtid_state *state, const struct bt_gtid_set *set,
                struct bt_err *err) BT_MUST_CHECK;

/* Adds one; NONE adds nothing. */
int bt_had_add(struct bt_had *h, const struct bt_gtid *gtid, struct bt_err *err) BT_MUST_CHECK;

bool bt_had_has(const struct bt_had *h, const struct bt_gtid *gtid);

/* As bt_had_has(), but by domain and server: a server's own transaction may have a number that its
 * domain has long passed elsewhere, and yet never have left that server. */
bool bt_had_has_of_server(const struct bt_had *h, const struct bt_gtid *gtid);

/* Whether h is known and has all of part. */
bool bt_had_contains(const struct bt_had *h, const struct bt_had *part);

/* Whether gtid is the next number of its domain, or uuid and tag.  Servers number without holes, so
 * nothing else of that domain or uuid stands in between. */
bool bt_had_is_next(const struct bt_had *h, const struct bt_gtid *gtid);

#endif
