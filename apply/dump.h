/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dump.h - the events that a server sends to one who asks as a replica does.
 *
 *     bt_dump_open(&opts, deadline, &dump, err)     session, its variables, COM_BINLOG_DUMP
 *     bt_dump_next(dump, true, &event, err) ...     0 an event, 1 the end
 *     bt_dump_close(dump)
 *
 * Events come as they stand in the log, with the checksums it has; heartbeats are taken as signs
 * of life and not handed out.  Between the logs of a server stand artificial ROTATEs.  The account
 * needs REPLICATION SLAVE.  One thread at a time.
 *
 * The server id we give: 0 where we only read what is there, as mysqlbinlog does; a server takes
 * it for nobody and never ends another's dump for it (MariaDB 10.11 sql_repl.cc
 * kill_zombie_dump_threads, MySQL 8.0 rpl_source.cc).  Who follows must give a number of its own:
 * a replica with the same one would be thrown out.  Without one in opts it is chosen at random
 * from 2^31 up, other than the server's own and those of SHOW SLAVE HOSTS; MySQL also
 * gets a uuid that is new each time, by which 5.6 and newer tell replicas apart.
 */
#ifndef BT_APPLY_DUMP_H
#define BT_APPLY_DUMP_H

#include "apply/connection.h"

/* Called before each wait, and every fifth of a second, also while events keep coming (waits is
 * false then): 0 go on; 1 end here, as if the server had no more; -1 give up with err filled. */
typedef int bt_dump_tick(void *ctx, bool waits, struct bt_err *err);

struct bt_dump_opts {
    const struct bt_connection_opts *server;
    const char *log; /* begins at its head; "" with `after` */
    /* NULL, or what the server leaves out because we have it: a GTID state of MariaDB (one GTID
     * for each domain), a GTID set of MySQL.  The server finds the log to begin with */
    const char *after;
    bool follow;        /* behind the last event wait for more */
    uint32_t server_id; /* of a follower; 0 = chosen as above */
    /* nothing heard for this long, heartbeats included, is an error; 0 = 60 s */
    int64_t silence_ms;
    bt_dump_tick *tick; /* NULL = none */
    void *ctx;
};

struct bt_dump;

/* The deadline is that of connecting and asking.  Strings are borrowed during the call only. */
int bt_dump_open(const struct bt_dump_opts *opts, struct bt_deadline deadline, struct bt_dump **ret,
                 struct bt_err *err) BT_MUST_CHECK;
void bt_dump_close(struct bt_dump *d); /* accepts NULL */

/* The next event, header to checksum; borrows until the next call.  1: the end of what there is
 * now, or tick() said so.  Not waiting: 2 when none is at hand.  -1 with BT_ERR_REMOTE carries the
 * server's words (1236: it cannot read on, or the log is gone). */
int bt_dump_next(struct bt_dump *d, bool waits, struct bt_slice *ret, struct bt_err *err)
    BT_MUST_CHECK;

#endif
