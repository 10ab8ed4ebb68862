/* SPDX-License-Identifier: Apache-2.0 */
/*
 * privileges.h - which privileges the manager's account needs on a server, and which of them the
 * server's own SHOW GRANTS says it has.  Pure: from lines of text.
 *
 * They were renamed and split as servers went on: SUPER held nearly all of them before MariaDB 10.5
 * and MySQL 8.0, and no longer holds what was split from it since MariaDB 11.0.1 (READ_ONLY ADMIN
 * since 10.11.0; privilege lists in sql/privilege.h).  SHOW GRANTS of the session's account also
 * lists what its enabled roles give (MariaDB: sql_acl.cc, mysql_show_grants(); MySQL:
 * sql/auth/sql_authorization.cc), so a role counts when it is the default role and not before.
 */
#ifndef BT_FAILOVER_PRIVILEGES_H
#define BT_FAILOVER_PRIVILEGES_H

#include "base/buf.h"
#include "parser/format.h"

/* What goes wrong without it. */
enum bt_need_kind {
    BT_NEED_FAILOVER = 1, /* the server cannot be frozen, promoted or repointed */
    BT_NEED_LOOK = 2,     /* its state cannot be seen */
    BT_NEED_APPLY = 4,    /* transactions that it lacks cannot be applied there */
    BT_NEED_ALL = 7,
};

struct bt_need {
    enum bt_need_kind kind;
    const char *word; /* what GRANT calls it on that server */
    bool super_will_do;
    const char *why; /* "to stop and start replication" */
};

enum { BT_NEEDS_MAX = 32 };

/* The needs on a server of that flavour and version (101119); returns how many. */
size_t bt_privileges_needed(enum bt_flavor flavor, uint32_t version,
                            struct bt_need ret[static BT_NEEDS_MAX]);

/* Whether one of the lines of SHOW GRANTS gives the privilege on all of the server (ON *.*), by
 * its name or by ALL PRIVILEGES. */
bool bt_grants_have(struct bt_slice lines, const char *privilege);

/* Whether a role was granted and none is the default one (MariaDB says which is): what it would
 * give stands in no line, because the session does not have it. */
bool bt_grants_have_idle_role(struct bt_slice lines);

/* Whether the lines give it, or SUPER where that is enough. */
bool bt_need_is_met(const struct bt_need *need, struct bt_slice lines);

/* The missing ones of the kinds asked for, by ", ", in the words of GRANT; nothing = none. */
void bt_privileges_missing(enum bt_flavor flavor, uint32_t version, struct bt_slice lines,
                           unsigned kinds, struct bt_buf *out);

#endif
