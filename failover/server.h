/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server.h - one database server as the manager sees it: an SQL session, its facts, and
 * the statements that change its part in replication.
 *
 *     databases = bt_databases_new(config)         no connection yet
 *     bt_databases_ask(databases, count, ...)      all at once: connect where needed, fill facts
 *     bt_database_stop_io(&databases[i], ...) ...
 *     bt_databases_free(databases, count)
 *
 * A silent server delays nobody: each is asked by a thread of its own with its own deadline.
 * Statements are in the words of the server's flavour and version.  A server is used by one
 * thread at a time.
 */
#ifndef BT_FAILOVER_SERVER_H
#define BT_FAILOVER_SERVER_H

#include "apply/connection.h"
#include "failover/config.h"
#include "failover/facts.h"

struct bt_database {
    const struct bt_conf_server *conf;
    struct bt_connection *sql; /* NULL = none */
    struct bt_server_facts facts;
    struct bt_arena arena;  /* of the facts' texts */
    struct bt_arena status; /* of those about replication, until it is asked again */
};

/* One for each server of the configuration, in its order.  NULL without memory. */
struct bt_database *bt_databases_new(const struct bt_config *config);
void bt_databases_free(struct bt_database *databases, size_t count); /* accepts NULL */

/* How the SQL session to a server is opened; borrows from the configuration. */
struct bt_connection_opts bt_database_login(const struct bt_conf_server *conf);

/* Connects where there is no session and asks all servers for their facts, in parallel.  The one at
 * suspect (SIZE_MAX = none) gets at most suspect_ms for its answer. */
void bt_databases_ask(struct bt_database *databases, size_t count, size_t suspect,
                      int64_t suspect_ms);

/* The same for one. */
void bt_database_ask(struct bt_database *d, int64_t timeout_ms);

/* It is dead, and is not asked: why says how that is known. */
void bt_database_give_up(struct bt_database *d, const char *why);

/* Replication state alone again (upstreams, gtid_slave_pos). */
int bt_database_ask_upstreams(struct bt_database *d, struct bt_deadline until, struct bt_err *err)
    BT_MUST_CHECK;

/* ----------------------------------------------------------- statements */

/* Each takes the replica's connection name out of its facts (the one to the primary is `link`). */

int bt_database_stop_io(struct bt_database *d, size_t link, struct bt_deadline until,
                        struct bt_err *err) BT_MUST_CHECK;
int bt_database_stop_sql(struct bt_database *d, size_t link, struct bt_deadline until,
                         struct bt_err *err) BT_MUST_CHECK;
/* The same for an applier that has executed all up to `executed` and stands within a transaction
 * whose end will not come.  MySQL's with workers would wait for that for a minute
 * (sql/rpl_replica.cc, sql_slave_killed(), SLAVE_WAIT_GROUP_DONE, 8.0) unless it is killed: the
 * worker rolls back.  Refused that, or with several connections, it is stopped as always. */
int bt_database_stop_sql_within(struct bt_database *d, size_t link,
                                const struct bt_coordinate *executed, struct bt_deadline until,
                                struct bt_err *err) BT_MUST_CHECK;
int bt_database_start_sql(struct bt_database *d, size_t link, struct bt_deadline until,
                          struct bt_err *err) BT_MUST_CHECK;
int bt_database_start(struct bt_database *d, size_t link, struct bt_deadline until,
                      struct bt_err *err) BT_MUST_CHECK;

/* Waits until the applier has executed up to `until_place`, asking every few ms.  Returns 1 when it
 * has read all it has and the rest is no whole transaction.  */
int bt_database_drain(struct bt_database *d, size_t link, const struct bt_coordinate *until_place,
                      struct bt_deadline until, struct bt_err *err) BT_MUST_CHECK;

/* Waits, in the server, until the applier has executed everything up to place; where the replica
 * follows by GTID, up to the GTIDs of gtid (the primary's gtid_binlog_pos or gtid_executed).  An
 * applier that does not run is an error at once. */
int bt_database_wait_for(struct bt_database *d, size_t link, const struct bt_coordinate *place,
                         const char *gtid, struct bt_deadline until, struct bt_err *err)
    BT_MUST_CHECK;

/* SHOW MASTER STATUS again, into facts.binlog; gtid_binlog_pos, or gtid_executed of a MySQL, into
 * facts.gtid_binlog_pos. */
int bt_database_position(struct bt_database *d, struct bt_deadline until, struct bt_err *err)
    BT_MUST_CHECK;

/* A semi-synchronous receiver that is stopped connects to its primary once more, to have its
 * session there ended (MariaDB, sql/semisync_slave.cc kill_connection()), and waits for that for
 * rpl_semi_sync_slave_kill_conn_timeout, 5 s by default: with a silent host for nothing.  Makes
 * that one second (0 means for ever, and rpl_semi_sync_slave_enabled=OFF before it helps on 10.5
 * only: 10.11.19 and 11.8 go by what held when the receiver was started, measured); *ret_was gets
 * what it was, 0 when nothing was changed. */
int bt_database_shorten_goodbye(struct bt_database *d, struct bt_deadline until, uint64_t *ret_was,
                                struct bt_err *err) BT_MUST_CHECK;
int bt_database_restore_goodbye(struct bt_database *d, uint64_t was, struct bt_deadline until,
                                struct bt_err *err) BT_MUST_CHECK;

/* Semi-sync of the server as a primary: off, its commits wait for nobody. */
int bt_database_set_semisync(struct bt_database *d, bool on, struct bt_deadline until,
                             struct bt_err *err) BT_MUST_CHECK;

int bt_database_set_read_only(struct bt_database *d, bool on, struct bt_deadline until,
                              struct bt_err *err) BT_MUST_CHECK;
/* MySQL 5.7.8 and later.  Switching read_only off switches it off too; switching it on switches
 * read_only on. */
int bt_database_set_super_read_only(struct bt_database *d, bool on, struct bt_deadline until,
                                    struct bt_err *err) BT_MUST_CHECK;
/* MariaDB, no applier running.  gtid: a GTID state as bt_gtid_state_text() writes it. */
int bt_database_set_slave_pos(struct bt_database *d, const char *gtid, struct bt_deadline until,
                              struct bt_err *err) BT_MUST_CHECK;
int bt_database_set_relay_log_purge(struct bt_database *d, bool on, struct bt_deadline until,
                                    struct bt_err *err) BT_MUST_CHECK;

/* What CHANGE MASTER is told. */
struct bt_repoint {
    const char *host;
    uint16_t port;
    const char *user;     /* NULL = as it is */
    const char *password; /* NULL = as it is */
    enum bt_replica_mode mode;
    struct bt_coordinate place; /* POSITION only */
};

/* CHANGE MASTER TO, both threads being stopped. */
int bt_database_repoint(struct bt_database *d, size_t link, const struct bt_repoint *to,
                        struct bt_deadline until, struct bt_err *err) BT_MUST_CHECK;

/* Waits until both threads run and the IO thread is connected; the error says what the server says.
 */
int bt_database_wait_running(struct bt_database *d, size_t link, struct bt_deadline until,
                             struct bt_err *err) BT_MUST_CHECK;

/* STOP SLAVE; RESET SLAVE ALL; and looks whether it is gone. */
int bt_database_reset(struct bt_database *d, size_t link, struct bt_deadline until,
                      struct bt_err *err) BT_MUST_CHECK;

#endif
