/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gtid.h - one global transaction identifier, and MariaDB's state: the last one per
 * domain.  (MySQL's interval sets: parser/gtid_set.h.)
 *
 * MariaDB: domain-server-sequence, "0-101-23".  MySQL: uuid:number, with a tag
 * uuid:tag:number (8.3+).  Events: MariaDB MARIADB_GTID and GTID_LIST, MySQL GTID,
 * ANONYMOUS_GTID, GTID_TAGGED; layouts stand above the readers in gtid.c.
 */
#ifndef BT_PARSER_GTID_H
#define BT_PARSER_GTID_H

#include "base/buf.h"
#include "parser/event.h"

enum bt_gtid_kind { BT_GTID_NONE, BT_GTID_MARIADB, BT_GTID_MYSQL };

struct bt_gtid {
    enum bt_gtid_kind kind; /* NONE: anonymous, or a server without GTIDs */
    uint32_t domain;        /* MariaDB */
    uint32_t server_id;     /* MariaDB */
    uint64_t sequence;      /* MariaDB seq_no, MySQL gno */
    uint8_t uuid[16];       /* MySQL */
    char tag[33];           /* MySQL, "" without one */
};

enum { BT_GTID_TEXT_SIZE = 104 };

/* In MySQL's GTID events: what follows, and what has a second copy behind it (gtid_event.c). */
enum { BT_GTID_LOGICAL_CLOCK = 2, BT_GTID_TIME_SIZE = 7 };
#define BT_GTID_ORIGINAL_TIME (UINT64_C(1) << 55)
#define BT_GTID_ORIGINAL_VERSION (UINT32_C(1) << 31)

/* In the server's own notation; "" for NONE.  Writes into out and returns it. */
const char *bt_gtid_text(const struct bt_gtid *gtid, char out[static BT_GTID_TEXT_SIZE]);
int bt_gtid_parse(struct bt_slice text, struct bt_gtid *ret, struct bt_err *err)
    BT_MUST_CHECK;
bool bt_gtid_equal(const struct bt_gtid *a, const struct bt_gtid *b);

/* flags2 and flags_extra of MariaDB's GTID event (sql/log_event.h, MariaDB 10.11 and 11.8). */
enum bt_gtid_flag {
    BT_GTID_STANDALONE = 1, /* no COMMIT follows: the next statement is the transaction */
    BT_GTID_GROUP_COMMIT = 2,
    BT_GTID_TRANSACTIONAL = 4,
    BT_GTID_ALLOW_PARALLEL = 8,
    BT_GTID_WAITED = 16,
    BT_GTID_DDL = 32,
    BT_GTID_PREPARED_XA = 64,
    BT_GTID_COMPLETED_XA = 128,
};
enum bt_gtid_flag_extra {
    BT_GTID_MULTI_ENGINE = 1,
    BT_GTID_START_ALTER = 2,
    BT_GTID_COMMIT_ALTER = 4,
    BT_GTID_ROLLBACK_ALTER = 8,
    BT_GTID_THREAD_ID = 16,
};

/* What a GTID event of either flavour says. */
struct bt_gtid_event {
    struct bt_gtid gtid;
    /* MariaDB: enum bt_gtid_flag; MySQL: 1 = may have statements */
    uint8_t flags;
    uint8_t flags_extra; /* MariaDB: enum bt_gtid_flag_extra */
    uint64_t commit_id;  /* MariaDB group commit; 0 without */
    /* MariaDB: of the START ALTER that this one completes */
    uint64_t alter_seq;
    uint32_t thread_id; /* MariaDB 11.5+ */
    /* MariaDB XA: formatID u32, gtrid_len u8, bqual_len u8, data; or "" */
    struct bt_slice xid;
    int64_t last_committed, sequence_number;          /* MySQL logical clock; 0 without */
    uint64_t immediate_commit_us, original_commit_us; /* MySQL; 0 without */
    uint64_t transaction_length;                      /* MySQL, GTID event included; 0 without */
    uint32_t immediate_version, original_version;
};

/* Reads a MARIADB_GTID, GTID, ANONYMOUS_GTID or GTID_TAGGED event; borrows from ev. */
int bt_gtid_event_read(const struct bt_event *ev, struct bt_gtid_event *ret, struct bt_err *err)
    BT_MUST_CHECK;

/* --------------------------------------------------- MariaDB's GTID state */

/* The last GTID seen of each (domain, server_id), and which of a domain was last: what
 * gtid_binlog_state and GTID_LIST say.  As gtid_slave_pos: one entry per domain. */
struct bt_gtid_state {
    struct bt_gtid *items; /* owned; grouped by nothing, at most 4096 */
    size_t count, room;
};

void bt_gtid_state_done(struct bt_gtid_state *s);
/* Records gtid (MariaDB) as the last of its domain and server. */
int bt_gtid_state_update(struct bt_gtid_state *s, const struct bt_gtid *gtid, struct bt_err *err)
    BT_MUST_CHECK;
/* The last of a domain whatever the server (the entry updated last); NULL if none. */
const struct bt_gtid *bt_gtid_state_last(const struct bt_gtid_state *s, uint32_t domain);
/* How many domains it has entries of. */
size_t bt_gtid_state_domains(const struct bt_gtid_state *s);
/* Whether gtid is at or before what the state has for its domain (by sequence number). */
bool bt_gtid_state_has(const struct bt_gtid_state *s, const struct bt_gtid *gtid);
/* "0-1-5,1-2-7": one per domain, ascending domain: what gtid_slave_pos takes. */
void bt_gtid_state_text(const struct bt_gtid_state *s, struct bt_buf *out);
/* Parses that notation, also with several entries per domain (gtid_binlog_state). */
int bt_gtid_state_parse(struct bt_slice text, struct bt_gtid_state *ret, struct bt_err *err)
    BT_MUST_CHECK;
/* Reads a GTID_LIST event. */
int bt_gtid_list_read(const struct bt_event *ev, struct bt_gtid_state *ret, uint32_t *ret_flags,
                      struct bt_err *err)
    BT_MUST_CHECK;

#endif
