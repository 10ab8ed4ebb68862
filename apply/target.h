/* SPDX-License-Identifier: Apache-2.0 */
/*
 * target.h - the server that a diff log is replayed on: what it has, what it lets us do.
 *
 *     open -> bt_target_has(gtid) ... -> close
 *
 * open connects, reads limits and GTID state, tries the privileges that every replay needs and sets
 * up the session.  A refusal names the privilege in the server's own words.
 */
#ifndef BT_APPLY_TARGET_H
#define BT_APPLY_TARGET_H

#include "apply/connection.h"
#include "apply/context.h"
#include "parser/gtid_set.h"

struct bt_target {
    struct bt_connection *connection;
    struct bt_server server;
    uint64_t packet_max;
    bool has_binlog; /* and writes what we do into it */
    /* transactions can be given their original GTIDs */
    bool keeps_gtids;
    struct bt_gtid_state binlog_state, slave_pos; /* MariaDB */
    struct bt_gtid_set executed;                  /* MySQL */
    struct bt_collations collations;
};

struct bt_target_opts {
    bool no_binlog;
    bool set_slave_pos;
    bool dry_run; /* will not write: privileges are not tried */
    /* single_run.h: until when to wait for what is left of an earlier run; at_ms 0: we only look */
    struct bt_deadline alone_until;
};

/* source: flavour of the log that is to be replayed. */
int bt_target_open(const struct bt_connection_opts *where, enum bt_flavor source,
                   const struct bt_target_opts *opts, struct bt_deadline deadline,
                   struct bt_target *ret, struct bt_err *err) BT_MUST_CHECK;
void bt_target_close(struct bt_target *t);

/* Another session like the one that t has; number: of single_run.h. */
int bt_target_open_beside(const struct bt_connection_opts *where, const struct bt_target *t,
                          const struct bt_target_opts *opts, unsigned number,
                          struct bt_deadline deadline, struct bt_connection **ret,
                          struct bt_err *err) BT_MUST_CHECK;

/* Whether the target has this transaction: MariaDB by domain and server in gtid_binlog_state, by
 * domain in gtid_slave_pos; MySQL by gtid_executed.  False without GTIDs. */
bool bt_target_has(const struct bt_target *t, const struct bt_gtid *gtid);

/* ev: the GTID_LIST at the head of a log, what was there before its first transaction.  Fails when
 * the target knows a domain of it and lacks some of it: then transactions between are missing. */
int bt_target_check_start(const struct bt_target *t, const struct bt_event *ev, struct bt_err *err)
    BT_MUST_CHECK;

#endif
