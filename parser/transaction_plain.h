/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transaction_plain.h - the steps of the grouping, inline, for who goes through the events that
 * nearly all of a log consists of by itself: a GTID, table maps, rows or statements, an XID.
 *
 *     bt_grouper_feed()      every event, every question        moves struct bt_grouper
 *     these                  what follows from the type alone   move it by the same steps
 *
 * A step that finds a question answers false and has changed nothing: that event is for feed().
 */
#ifndef BT_PARSER_TRANSACTION_PLAIN_H
#define BT_PARSER_TRANSACTION_PLAIN_H

#include "parser/query.h"
#include "parser/transaction.h"

/* Copies the place; the file only where it is not the one that stands there. */
static inline void bt_grouper_place(struct bt_coordinate *dst, uint32_t *dst_names,
                                    const struct bt_coordinate_tracker *t,
                                    const struct bt_coordinate *src)
{
    if (*dst_names != t->names)
        memcpy(dst->file, src->file, strlen(src->file) + 1);
    *dst_names = t->names;
    dst->pos = src->pos;
}

/* A transaction begins with the event that was given to the tracker last. */
static inline void bt_grouper_begin(struct bt_grouper *g, uint32_t server_id, uint64_t offset)
{
    struct bt_transaction *t = &g->current;

    t->gtid.kind = BT_GTID_NONE;
    t->gtid_flags = t->gtid_flags_extra = 0;
    t->kind = BT_TRANSACTION_OTHER;
    t->end_kind = BT_TRANSACTION_UNFINISHED;
    t->complete = false;
    t->when = 0;
    t->server_id = server_id;
    t->start = t->end = offset;
    t->start_log = t->end_log = g->log_index;
    bt_grouper_place(&t->primary_start, &g->start_names, &g->place, &g->place.start);
    bt_grouper_place(&t->primary_end, &g->end_names, &g->place, &g->place.start);
    t->bytes = t->events = t->rows_events = 0;
    g->inside = true;
    g->standalone = g->headless = g->framed = false;
}

/* Events of the open transaction that stand one behind the other. */
struct bt_stretch {
    uint64_t offset, bytes; /* in the log */
    uint32_t events;
    uint32_t when; /* the first timestamp that is not 0; 0 without one */
};

/* Counts them; the tracker stands at the last one. */
static inline void bt_grouper_count(struct bt_grouper *g, const struct bt_stretch *s)
{
    struct bt_transaction *t = &g->current;

    if (t->when == 0)
        t->when = s->when;
    t->events += s->events;
    t->bytes += s->bytes;
    t->end = s->offset + s->bytes;
    t->end_log = g->log_index;
    if (g->place.has_place)
        bt_grouper_place(&t->primary_end, &g->end_names, &g->place, &g->place.end);
    g->has_current = true;
}

/* The open transaction changes rows. */
static inline void bt_grouper_change(struct bt_grouper *g)
{
    if (g->current.kind == BT_TRANSACTION_OTHER)
        g->current.kind = BT_TRANSACTION_DML;
}

static inline void bt_grouper_end(struct bt_grouper *g, enum bt_transaction_end end_kind)
{
    g->current.end_kind = end_kind;
    g->current.complete = !g->headless;
    g->inside = false;
}

/* ------------------------------------------------------------ plain events */

/* What an event is that says by its type alone, or by little more, what it does. */
enum bt_plain_part {
    BT_PLAIN_NOT,
    BT_PLAIN_GTID,       /* where bt_plain_gtid_read() */
    BT_PLAIN_MYSQL_GTID, /* where bt_plain_mysql_gtid_read() */
    BT_PLAIN_PREFIX,     /* belongs to the statement behind it */
    BT_PLAIN_TABLE_MAP,  /* the same */
    BT_PLAIN_ROWS,
    BT_PLAIN_QUERY, /* where bt_query_is_plain(), or bt_query_is_begin() */
    BT_PLAIN_XID,
};

static inline enum bt_plain_part bt_plain_part(uint8_t type)
{
    static const uint8_t parts[256] = {
        [BT_MARIADB_GTID] = BT_PLAIN_GTID,
        [BT_GTID] = BT_PLAIN_MYSQL_GTID,
        [BT_ANONYMOUS_GTID] = BT_PLAIN_MYSQL_GTID,
        [BT_INTVAR] = BT_PLAIN_PREFIX,
        [BT_RAND] = BT_PLAIN_PREFIX,
        [BT_USER_VAR] = BT_PLAIN_PREFIX,
        [BT_ANNOTATE_ROWS] = BT_PLAIN_PREFIX,
        [BT_ROWS_QUERY] = BT_PLAIN_PREFIX,
        [BT_TABLE_MAP] = BT_PLAIN_TABLE_MAP,
        [BT_WRITE_ROWS_V1] = BT_PLAIN_ROWS,
        [BT_UPDATE_ROWS_V1] = BT_PLAIN_ROWS,
        [BT_DELETE_ROWS_V1] = BT_PLAIN_ROWS,
        [BT_WRITE_ROWS] = BT_PLAIN_ROWS,
        [BT_UPDATE_ROWS] = BT_PLAIN_ROWS,
        [BT_DELETE_ROWS] = BT_PLAIN_ROWS,
        [BT_QUERY] = BT_PLAIN_QUERY,
        [BT_XID] = BT_PLAIN_XID,
    };

    return parts[type];
}

/* Moves to the text of a QUERY, in logs whose post-header has 13 bytes. */
static inline bool bt_query_skip_to_text(struct bt_cursor *c)
{
    uint16_t variables_len;
    uint8_t db_len;

    return bt_cur_skip(c, 8) &&
           bt_cur_u8(c, &db_len) &&
           bt_cur_skip(c, 2) &&
           bt_cur_u16(c, &variables_len) &&
           bt_cur_skip(c, variables_len + db_len + 1u);
}

/* Whether a QUERY is the BEGIN that a server writes. */
static inline bool bt_query_is_begin(struct bt_slice body)
{
    const uint64_t begin = 0x4e49474542; /* "BEGIN" */
    struct bt_cursor c = bt_cursor(body);
    uint64_t word;

    return bt_query_skip_to_text(&c) && bt_cur_le(&c, 5, &word) && c.left == 0 && word == begin;
}

/* Whether a QUERY changes rows and nothing about its transaction. */
static inline bool bt_query_is_plain(struct bt_slice body)
{
    const uint64_t lower = 0x20202020202020;
    struct bt_cursor c = bt_cursor(body);
    uint64_t word = 0;

    if (!(bt_query_skip_to_text(&c) && bt_cur_le(&c, 7, &word)))
        return false;
    word |= lower;
    return word == 0x20657461647075 || /* "update " */
           word == 0x20747265736e69 || /* "insert " */
           word == 0x206574656c6564;   /* "delete " */
}

/* What is needed of MariaDB's GTID event. */
struct bt_plain_gtid {
    uint64_t sequence;
    uint32_t domain;
    uint8_t flags;
};

/* Reads that of a transaction that goes on until its XID; false for DDL, XA and what says more. */
BT_INLINE bool bt_plain_gtid_read(struct bt_slice body, struct bt_plain_gtid *ret)
{
    const uint8_t plain = BT_GTID_GROUP_COMMIT | BT_GTID_TRANSACTIONAL | BT_GTID_ALLOW_PARALLEL |
                          BT_GTID_WAITED;
    struct bt_cursor c = bt_cursor(body);
    uint8_t flags_extra = 0;

    return bt_cur_u64(&c, &ret->sequence) &&
           bt_cur_u32(&c, &ret->domain) &&
           bt_cur_u8(&c, &ret->flags) && !(ret->flags & ~plain) &&
           (!(ret->flags & BT_GTID_GROUP_COMMIT) || bt_cur_skip(&c, sizeof(uint64_t))) &&
           (c.left == 0 || bt_cur_u8(&c, &flags_extra)) && flags_extra == 0;
}

/* Begins its transaction; no other is open, and the tracker stands at the event. */
static inline void bt_grouper_begin_plain(struct bt_grouper *g, const struct bt_plain_gtid *gtid,
                                          uint32_t server_id, uint64_t offset)
{
    struct bt_transaction *t = &g->current;

    bt_grouper_begin(g, server_id, offset);
    t->gtid.kind = BT_GTID_MARIADB;
    t->gtid.domain = gtid->domain;
    t->gtid.server_id = server_id;
    t->gtid.sequence = gtid->sequence;
    t->gtid.tag[0] = '\0';
    t->gtid_flags = gtid->flags;
    g->framed = true;
}

/* What is needed of MySQL's GTID and ANONYMOUS_GTID. */
struct bt_plain_mysql_gtid {
    const uint8_t *uuid; /* of 16 bytes */
    uint64_t number;
};

/* Reads it; false where an event of the known versions would end early. */
BT_INLINE bool bt_plain_mysql_gtid_read(struct bt_slice body, struct bt_plain_mysql_gtid *ret)
{
    struct bt_cursor c = bt_cursor(body);
    uint64_t time, ignored;
    uint32_t version;
    uint8_t clock;

    if (!(bt_cur_skip(&c, 1 + 16) && bt_cur_u64(&c, &ret->number)))
        return false;
    ret->uuid = body.ptr + 1;
    if (c.left == 0) /* 5.6 */
        return true;
    return bt_cur_u8(&c, &clock) && clock == BT_GTID_LOGICAL_CLOCK &&
           bt_cur_skip(&c, 2 * sizeof(uint64_t)) && c.left > 0 &&
           bt_cur_le(&c, BT_GTID_TIME_SIZE, &time) &&
           (!(time & BT_GTID_ORIGINAL_TIME) || bt_cur_skip(&c, BT_GTID_TIME_SIZE)) && c.left > 0 &&
           bt_cur_lenenc(&c, &ignored) && c.left > 0 &&
           bt_cur_u32(&c, &version) &&
           (!(version & BT_GTID_ORIGINAL_VERSION) || bt_cur_skip(&c, sizeof(version)));
}

/* Begins its transaction, as above; BEGIN or its only statement follow. */
static inline void bt_grouper_begin_mysql(struct bt_grouper *g, uint8_t type,
                                          const struct bt_plain_mysql_gtid *gtid,
                                          uint32_t server_id, uint64_t offset)
{
    struct bt_gtid *to = &g->current.gtid;

    bt_grouper_begin(g, server_id, offset);
    if (type != BT_GTID)
        return;
    to->kind = BT_GTID_MYSQL;
    to->domain = to->server_id = 0;
    to->sequence = gtid->number;
    memcpy(to->uuid, gtid->uuid, sizeof(to->uuid));
    to->tag[0] = '\0';
}

/* Servers that begin every transaction with a GTID event, since MariaDB 10.0.2 and MySQL 5.7.6. */
static inline bool bt_format_has_gtids(const struct bt_format *format)
{
    return format->version_number >= (format->flavor == BT_FLAVOR_MARIADB ? 100002u : 50706u);
}

/* Whether a BEGIN may come: a GTID said of the open transaction nothing yet. */
static inline bool bt_grouper_awaits_begin(const struct bt_grouper *g)
{
    return g->inside && !g->framed && !g->standalone;
}

/* Whether the open transaction goes on until XID, COMMIT or ROLLBACK, so that plain events neither
 * begin nor end one. */
static inline bool bt_grouper_is_plain(const struct bt_grouper *g)
{
    return g->inside && g->framed && !g->standalone;
}

#endif
