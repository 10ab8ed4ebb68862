/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link.h - the replication connection "baton" on a target: made, started, watched, removed.
 *
 *     clear (what a run that was killed left) -> set_up -> start -> look, look, ... -> remove
 *
 * It stands beside the target's own connections (MariaDB: CHANGE MASTER 'baton'; MySQL 5.7 and
 * newer: FOR CHANNEL 'baton'), which are not touched; MySQL 5.6 knows one connection only, which
 * must be free.  What it changes on the server besides is noted in its own user name
 * ("baton:t0p0": it found slave_parallel_threads 0 and relay_log_purge 0), so that the note is on
 * the disk before the change and goes away with the connection: whoever comes after a run that was
 * killed, from wherever, finds it and puts everything back.
 */
#ifndef BT_APPLY_LINK_H
#define BT_APPLY_LINK_H

#include "apply/connection.h"

struct bt_link {
    bool is_mariadb;
    bool has_name;       /* false: MySQL 5.6 */
    bool says_replica;   /* MySQL 8.0.22: SHOW REPLICA STATUS, Replica_SQL_Running */
    bool says_source;    /* MySQL 8.0.23: CHANGE REPLICATION SOURCE TO SOURCE_HOST */
    bool is_set_up;      /* must be removed */
    bool threads_change; /* from threads_found */
    bool purge_change;   /* CHANGE MASTER of MariaDB switches relay_log_purge on */
    uint64_t threads_found;
};

struct bt_link_to {
    const char *address;
    unsigned port;
    const char *password;
    /* MariaDB: slave_parallel_mode of this connection, which goes with it; NULL = the server's */
    const char *parallel_mode;
    unsigned threads; /* parallel appliers meanwhile; 0 = as they are */
    bool is_wish;     /* threads only where there are none and they can be set */
};

/* What it does now; texts borrow from rows. */
struct bt_link_state {
    struct bt_rows rows;
    bool is_there, sql_runs, io_runs;
    bool cannot_connect; /* the IO thread has tried and failed */
    unsigned sql_errno, io_errno;
    const char *sql_error, *io_error;
    const char *place; /* moves on as transactions are applied */
};

/* Which words this server takes.  -1: it is too old for the replication road (MariaDB 10.5, MySQL
 * 5.6.5), or its one connection is in use. */
int bt_link_init(struct bt_link *link, struct bt_connection *c, struct bt_deadline until,
                 struct bt_err *err) BT_MUST_CHECK;

/* Removes the connection of a run that was killed and puts back what it names; *ret_found: there
 * was one, and the server may have applied more until now. */
int bt_link_clear(struct bt_link *link, struct bt_connection *c, struct bt_deadline until,
                  bool *ret_found, struct bt_err *err) BT_MUST_CHECK;

int bt_link_set_up(struct bt_link *link, struct bt_connection *c, const struct bt_link_to *to,
                   struct bt_deadline until, struct bt_err *err) BT_MUST_CHECK;
int bt_link_start(const struct bt_link *link, struct bt_connection *c, struct bt_deadline until,
                  struct bt_err *err) BT_MUST_CHECK;

/* *ret is to be done with bt_rows_done(&ret->rows). */
int bt_link_look(const struct bt_link *link, struct bt_connection *c, struct bt_deadline until,
                 struct bt_link_state *ret, struct bt_err *err) BT_MUST_CHECK;

/* Stops and removes it, and puts back what set_up changed; nothing when it is not set up. */
int bt_link_remove(struct bt_link *link, struct bt_connection *c, struct bt_deadline until,
                   struct bt_err *err) BT_MUST_CHECK;

#endif
