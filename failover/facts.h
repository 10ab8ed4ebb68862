/* SPDX-License-Identifier: Apache-2.0 */
/*
 * facts.h - what is known of the servers: plain values, filled by server.c and collect.c from live
 * servers, or written down literally by a test.  topology.h and plan.h decide from these alone.
 *
 * Texts are never NULL unless a comment allows it.  In facts of a live server they live in its
 * arena (server.h) until the next asking.
 */
#ifndef BT_FAILOVER_FACTS_H
#define BT_FAILOVER_FACTS_H

#include "base/arena.h"
#include "parser/coordinate.h"
#include "parser/format.h"

/* How a server answered. */
enum bt_life {
    BT_LIFE_UNKNOWN,  /* not asked */
    BT_LIFE_DEAD,     /* refused, unreachable, or silent until the deadline */
    BT_LIFE_REFUSING, /* it is there, but will not let us in: never a death (MHA's list) */
    BT_LIFE_ALIVE,
};

enum bt_thread_state { BT_THREAD_NO, BT_THREAD_CONNECTING, BT_THREAD_YES };

/* How a replica asks its primary for more. */
enum bt_replica_mode { BT_REPLICA_POSITION, BT_REPLICA_SLAVE_POS, BT_REPLICA_CURRENT_POS };

/* One row of SHOW ALL SLAVES STATUS. */
struct bt_upstream {
    const char *connection; /* "" = the default one */
    const char *host;
    const char *user;
    uint16_t port;
    enum bt_thread_state io, sql;
    enum bt_replica_mode mode;
    /* Master_Log_File, Read_Master_Log_Pos: bytes, not transactions */
    struct bt_coordinate read;
    struct bt_coordinate executed; /* Relay_Master_Log_File, Exec_Master_Log_Pos */
    const char *relay_log;         /* Relay_Log_File, base name */
    uint64_t relay_pos;
    const char *gtid_io_pos;
    unsigned io_errno, sql_errno;
    const char *io_error, *sql_error;
    uint64_t heartbeats;         /* received so far; 0 where the server does not count them */
    int64_t heartbeat_period_ms; /* 0 = none, or not known */
    uint64_t delay_seconds;      /* MASTER_DELAY */
    int64_t lag_seconds;         /* -1 = not known */
    const char *filters;         /* replicate_* filters as one text, "" = none */
};

struct bt_server_facts {
    enum bt_life life;
    const char *error; /* why not ALIVE; "" else */
    unsigned error_number;
    enum bt_flavor flavor;
    const char *version;
    uint32_t version_number; /* 101119 */
    uint32_t server_id;
    bool read_only, log_bin, log_slave_updates, relay_log_purge, gtid_strict;
    bool super_read_only; /* MySQL: not even a privileged account writes */
    bool keeps_gtids;     /* MariaDB; MySQL with gtid_mode=ON */
    uint32_t gtid_domain;
    uint64_t parallel_workers;
    const char *binlog_base; /* path without suffix: "/var/lib/mysql/bin"; "" when log_bin is off */
    const char *relay_base;
    const char *relay_index; /* path of the relay logs' index, "" = not known */
    const char *datadir;
    const char *pid_file;
    struct bt_coordinate binlog; /* SHOW MASTER STATUS; file "" when log_bin is off */
    const char *binlog_filters;
    const char *gtid_slave_pos, *gtid_binlog_pos;
    const char *privileges_missing; /* "" = none; else a list by commas */
    bool acknowledges;              /* as a replica: semi-sync, its primary waits for it */
    /* as a primary: semi-sync is enabled and in force, so commits wait */
    bool waits_for_others;
    bool says_source; /* MySQL: rpl_semi_sync_source_*, not _master_ */
    const struct bt_upstream *upstreams;
    size_t upstream_count;
    int64_t asked_ms; /* how long the answer took */
};

/* What one replica holds, as its frozen logs say; where they cannot be read, as the server says. */
struct bt_holding {
    bool known; /* received is known at all */
    /* its host is reachable: its files can be read, an address put there */
    bool has_node;
    bool from_logs;                /* whole transactions, from the logs themselves */
    const char *logs_error;        /* why the logs could not be read; "" = they were */
    struct bt_coordinate received; /* from_logs: end of the last whole transaction */
    struct bt_coordinate executed;
    const char *gtid;          /* MariaDB: received whole, "0-1-5,1-2-7"; "" = not known */
    uint64_t unfinished_bytes; /* behind received, passed on to nobody */
    const char *cut;           /* why they are; "" = nothing is cut */
};

/* What is known of the dead primary's host. */
struct bt_dead_host {
    bool node_reachable;    /* its files can be read */
    const char *node_error; /* "" = reachable */
    bool logs_found;
    const char *logs_error;
    struct bt_coordinate end; /* of the last whole transaction in its logs */
};

/* Copies facts with all their texts: what is decided upon must not move while the server is asked
 * on. */
int bt_facts_copy(const struct bt_server_facts *from, struct bt_arena *arena,
                  struct bt_server_facts *ret, struct bt_err *err) BT_MUST_CHECK;

/* ER_SLAVE_RELAY_LOG_READ_FAILURE: the applier stopped at damage in its own relay log, not over
 * data.  What it lacks can be taken from elsewhere. */
static inline bool bt_upstream_log_is_broken(const struct bt_upstream *u)
{
    return u->sql == BT_THREAD_NO && u->sql_errno == 1594;
}

static inline bool bt_facts_is_alive(const struct bt_server_facts *f)
{
    return f->life == BT_LIFE_ALIVE;
}

#endif
