/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check.h - what is wrong with a cluster while all is well, and what a failover would do now.
 *
 *     bt_check_ask(&config, parts, &arena, &facts, err)     check_ask.h: asks everybody at once
 *     bt_check_find(&facts, &opts, &arena, &report)         pure: facts in, findings out
 *     bt_check_done(&report)
 *
 * A finding belongs to a part (what was looked at), has a level, a name that programs can test for
 * and never changes, a sentence, and, where one is known, what to do about it.  ERROR is what
 * would make a failover fail or lose data, WARNING what would make it slower or poorer, NOTE what
 * is worth knowing.  A part without findings was looked at and is well; a part that could not be
 * looked at says so itself.
 */
#ifndef BT_FAILOVER_CHECK_H
#define BT_FAILOVER_CHECK_H

#include "failover/plan.h"
#include "failover/ssh.h"

/* clang-format off */
/* X(ID, name, title) */
#define BT_CHECK_PARTS(X)                                                              \
    X(MANAGER,    "manager",    "work folder, state files, what the configuration warns of") \
    X(SSH,        "ssh",        "the way to every host, and what may be done there")   \
    X(SERVERS,    "servers",    "life, versions, server ids")                          \
    X(REPL,       "repl",       "topology, threads, lag, filters, errant transactions") \
    X(PRIVILEGES, "privileges", "of the manager's and of the replication account")     \
    X(SETTINGS,   "settings",   "logs, durability, semi-sync, heartbeats")             \
    X(LOGS,       "logs",       "binary and relay logs can be read through the node")  \
    X(DISK,       "disk",       "room for logs")                                       \
    X(CLOCKS,     "clocks",     "the servers' clocks and the manager's")               \
    X(VIP,        "vip",        "the writer address is on the primary and nowhere else") \
    X(HOOKS,      "hooks",      "the site's scripts answer --command=status")          \
    X(FAILOVER,   "failover",   "what would happen if the primary died now")
/* clang-format on */

enum bt_check_part {
#define X(id, name, title) BT_CHECK_##id,
    BT_CHECK_PARTS(X)
#undef X
        BT_CHECK_PART_COUNT
};

enum { BT_CHECK_ALL = (1 << BT_CHECK_PART_COUNT) - 1 };

const char *bt_check_part_name(enum bt_check_part part);
const char *bt_check_part_title(enum bt_check_part part);

enum bt_check_level { BT_CHECK_OK, BT_CHECK_NOTE, BT_CHECK_WARNING, BT_CHECK_ERROR };

const char *bt_check_level_name(enum bt_check_level level);

/* -------------------------------------------------------------------- facts */

/* What a server says beyond facts.h.  Numbers are -1 where the server does not have them. */
struct bt_check_sql {
    const char *error;              /* why the rest is not known; "" = it is */
    const char *account;            /* CURRENT_USER(): "baton@%" */
    const char *grants;             /* lines of SHOW GRANTS, without passwords */
    int64_t sync_binlog, flush_log; /* innodb_flush_log_at_trx_commit */
    int64_t relay_log_recovery;
    int64_t net_timeout_seconds; /* slave_net_timeout */
    int64_t heartbeat_ms;        /* of the connection to the primary */
    int64_t semisync_primary;    /* rpl_semi_sync_master_enabled */
    int64_t semisync_replica;    /* rpl_semi_sync_slave_enabled */
    int64_t semisync_is_on;      /* the primary waits for acknowledgements now */
    int64_t semisync_clients;    /* replicas that acknowledge */
    bool has_semisync;
    struct bt_semisync_sample semisync; /* as a primary */
    const char *gtid_state;             /* gtid_binlog_state; MySQL: gtid_executed; "" = none */
    const char *uuid;                   /* MySQL: server_uuid; "" */
    bool has_clock;
    int64_t clock_ahead_ms; /* of the manager's; the truth is within +- clock_slack_ms */
    int64_t clock_slack_ms;
    const char *repl_user;  /* whom replicas would log in as when this one is primary; "" */
    const char *repl_error; /* why its privileges are not known; "" */
    bool repl_exists, repl_may;
};

/* One kind of logs on a host, as its node sees them. */
struct bt_check_logs {
    bool asked;
    const char *error; /* "" = the newest one was read */
    const char *directory;
    uint32_t count;
    uint64_t room_free, room_total; /* 0 of 0 = not known */
};

struct bt_check_node {
    bool asked;        /* false: node_mode=none, or skip_init_ssh_check */
    const char *error; /* "" = open */
    enum bt_channel_failure why;
    int64_t open_ms;
    bool is_local, may_kill, may_network;
    bool state_asked, is_running; /* the server's process was found there */
    const char *state_error;
    struct bt_check_logs binlog, relay;
    /* per VIP: 1 it stands there, 0 it does not, -1 not known */
    int8_t vip[BT_VIPS_MAX];
    /* per VIP: 1 another host answered when this one asked the network, 0 nobody, -1 not asked */
    int8_t vip_heard[BT_VIPS_MAX];
    const char *vip_holder[BT_VIPS_MAX]; /* MAC of who answered; "" */
    const char *vip_error;
};

/* Who answers when a client logs in at the VIP, tried from the manager. */
struct bt_check_vip {
    bool asked;
    const char *error; /* "" = a server answered */
    uint32_t server_id;
};

struct bt_check_hook {
    enum bt_conf which;
    bool is_set;
    bool was_called;   /* else only its program was looked for */
    const char *error; /* "" = well */
};

enum { BT_CHECK_HOOK_COUNT = 5 };

struct bt_check_manager {
    const char *workdir_error; /* "" = it can be written to */
    const char *log_error;     /* of manager_log; "" = it can be written to, or there is none */
    uint64_t room_free, room_total;
    int64_t complete_age_seconds; /* of APP.failover.complete; -1 = there is none */
    bool has_error_flag;          /* APP.failover.error */
    const char *complete_path, *error_path;
    const char *warnings; /* lines of the configuration's reader; "" */
};

struct bt_check_facts {
    const struct bt_config *config;
    unsigned parts; /* bits of enum bt_check_part that were looked at */
    const struct bt_server_facts *servers;
    const struct bt_check_sql *sql;
    const struct bt_check_node *nodes;
    bool has_topology;
    struct bt_topology topology;
    const char *topology_error; /* "" = has_topology, or not asked */
    struct bt_check_vip vips[BT_VIPS_MAX];
    struct bt_check_hook hooks[BT_CHECK_HOOK_COUNT];
    struct bt_check_manager manager;
    const struct bt_holding *holdings; /* as the servers say, for the plan */
    struct bt_dead_host dead;          /* the primary's host as it would be found */
};

/* ----------------------------------------------------------------- findings */

struct bt_check_finding {
    enum bt_check_part part;
    enum bt_check_level level;
    const char *name; /* "server-id-twice" */
    size_t server;    /* SIZE_MAX = the cluster */
    const char *text; /* a sentence without the server's name */
    const char *fix;  /* a statement or a sentence; "" = none known */
};

/* If the primary died now. */
struct bt_check_outlook {
    bool known;
    struct bt_plan plan;
    int64_t noticed_killed_ms; /* until a killed server is given up, at most */
    int64_t noticed_silent_ms; /* until a host that vanished is */
    int64_t handover_ms;       /* from there to the first write, estimated */
    uint64_t unapplied_bytes;  /* of the winner's relay logs */
    uint64_t unsent_bytes;     /* of the primary's binary log, that nobody has received */
    bool unsent_known;
};

struct bt_check_opts {
    uint64_t lag_max_seconds; /* more is an error (masterha_check_repl: 30) */
};

struct bt_check_report {
    struct bt_check_finding *findings; /* in the order of the parts */
    size_t count, room;
    struct bt_check_outlook outlook;
    struct bt_arena *arena;
    bool no_memory;
};

/* Looks at everything in facts->parts.  Texts live in the arena, as long as the report is used. */
int bt_check_find(const struct bt_check_facts *facts, const struct bt_check_opts *opts,
                  struct bt_arena *arena, struct bt_check_report *ret, struct bt_err *err)
    BT_MUST_CHECK;
void bt_check_done(struct bt_check_report *report);
#define bt_auto_check_report BT_AUTO(bt_check_done)

/* The worst level of a part; of all with BT_CHECK_PART_COUNT. */
enum bt_check_level bt_check_worst(const struct bt_check_report *report, enum bt_check_part part);

size_t bt_check_count(const struct bt_check_report *report, enum bt_check_level level);

/* For people, at most 100 columns: tree, parts, findings, outlook. */
void bt_check_text(const struct bt_check_facts *facts, const struct bt_check_report *report,
                   struct bt_buf *out);

/* The same as one JSON object. */
void bt_check_json(const struct bt_check_facts *facts, const struct bt_check_report *report,
                   struct bt_json *out);

#endif
