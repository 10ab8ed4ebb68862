/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where transactions begin and end.
 *
 *                         begins with            ends with
 *   MariaDB >= 10.0       GTID                   XID, QUERY COMMIT or ROLLBACK, XA_PREPARE
 *     STANDALONE          GTID                   the first event that is no part of a statement
 *   MySQL with GTIDs      GTID, ANONYMOUS_GTID   as below
 *   others                QUERY BEGIN, XA START  XID, QUERY COMMIT or ROLLBACK, XA_PREPARE
 *                         anything else          its statement: a QUERY, or rows with STMT_END
 *
 * MyISAM and temporary tables end with QUERY COMMIT instead of XID; rolled back work on them with
 * QUERY ROLLBACK.  MariaDB's CREATE .. SELECT has a GTID with DDL but without STANDALONE, so its
 * QUERY ends nothing.  A log that begins inside a transaction begins without what begins one: where
 * the server always writes a GTID event that is seen, and such a rest is never complete.
 * (MariaDB sql/log_event.h is_part_of_group, sql/rpl_gtid.cc 10.11; MySQL
 * sql/rpl_trx_boundary_parser.cc 8.0.)
 */
#include "parser/transaction.h"

#include <string.h>

#include "parser/control.h"
#include "parser/format.h"
#include "parser/query.h"
#include "parser/rows.h"
#include "parser/transaction_plain.h"

/* What an event is to the grouping. */
enum part {
    PART_OUTSIDE, /* of the log, not of a transaction; may even stand between the events of one */
    PART_FORMAT,
    PART_ROTATE,
    PART_GTID,
    PART_PREFIX, /* belongs to the statement behind it */
    PART_ROWS,
    PART_QUERY,
    PART_STATEMENT, /* a statement that is no QUERY */
    PART_XID,
    PART_XA_PREPARE,
    PART_PAYLOAD,
};

static enum part part_of(const struct bt_event *ev)
{
    switch ((enum bt_event_type)ev->type) {
    case BT_FORMAT_DESCRIPTION: return PART_FORMAT;
    case BT_ROTATE: return PART_ROTATE;
    case BT_MARIADB_GTID:
    case BT_GTID:
    case BT_ANONYMOUS_GTID:
    case BT_GTID_TAGGED: return PART_GTID;
    case BT_INTVAR:
    case BT_RAND:
    case BT_USER_VAR:
    case BT_TABLE_MAP:
    case BT_ANNOTATE_ROWS:
    case BT_ROWS_QUERY:
    case BT_BEGIN_LOAD_QUERY:
    case BT_APPEND_BLOCK:
    case BT_CREATE_FILE:
    case BT_PARTIAL_ROW_DATA: return PART_PREFIX;
    case BT_PRE_GA_WRITE_ROWS:
    case BT_PRE_GA_UPDATE_ROWS:
    case BT_PRE_GA_DELETE_ROWS:
    case BT_WRITE_ROWS_V1:
    case BT_UPDATE_ROWS_V1:
    case BT_DELETE_ROWS_V1:
    case BT_WRITE_ROWS:
    case BT_UPDATE_ROWS:
    case BT_DELETE_ROWS:
    case BT_PARTIAL_UPDATE_ROWS:
    case BT_WRITE_ROWS_COMPRESSED_V1:
    case BT_UPDATE_ROWS_COMPRESSED_V1:
    case BT_DELETE_ROWS_COMPRESSED_V1:
    case BT_WRITE_ROWS_COMPRESSED:
    case BT_UPDATE_ROWS_COMPRESSED:
    case BT_DELETE_ROWS_COMPRESSED: return PART_ROWS;
    case BT_QUERY:
    case BT_QUERY_COMPRESSED:
    case BT_EXECUTE_LOAD_QUERY: return PART_QUERY;
    case BT_LOAD:
    case BT_NEW_LOAD:
    case BT_EXEC_LOAD:
    case BT_DELETE_FILE: return PART_STATEMENT;
    case BT_XID: return PART_XID;
    case BT_XA_PREPARE: return PART_XA_PREPARE;
    case BT_TRANSACTION_PAYLOAD: return PART_PAYLOAD;
    case BT_UNKNOWN:
    case BT_START_V3:
    case BT_STOP:
    case BT_SLAVE:
    case BT_INCIDENT:
    case BT_HEARTBEAT:
    case BT_IGNORABLE:
    case BT_PREVIOUS_GTIDS:
    case BT_TRANSACTION_CONTEXT:
    case BT_VIEW_CHANGE:
    case BT_HEARTBEAT_V2:
    case BT_LARGE_TRANSACTION_HEADER:
    case BT_BINLOG_CHECKPOINT:
    case BT_GTID_LIST:
    case BT_START_ENCRYPTION: return PART_OUTSIDE;
    }
    return PART_OUTSIDE;
}

/* ------------------------------------------------------------ begin and end */

void bt_grouper_init(struct bt_grouper *g, const char *name)
{
    *g = (struct bt_grouper){0};
    bt_coordinate_begin(&g->place, name);
}

void bt_grouper_next_log(struct bt_grouper *g, const char *name)
{
    bt_coordinate_next_log(&g->place, name);
    g->log_index++;
}

/* A transaction whose GTID event was not seen, or that has none. */
static void begin_without_gtid(struct bt_grouper *g, const struct bt_event *ev)
{
    bt_grouper_begin(g, ev->header.server_id, ev->offset);
    g->headless = g->framed = bt_format_has_gtids(ev->format);
}

/* The open transaction will never end. */
static void abandon(struct bt_grouper *g)
{
    if (!g->inside)
        return;
    g->abandoned = g->current;
    g->did_abandon = true;
    g->inside = false;
}

/* The event is one of the transaction's; an inner one was counted with the payload around it. */
static void count(struct bt_grouper *g, const struct bt_event *ev)
{
    struct bt_stretch one = {ev->offset, ev->raw.len, 1, ev->header.when};

    if (!ev->inner)
        bt_grouper_count(g, &one);
    else if (g->current.when == 0)
        g->current.when = ev->header.when;
    g->has_current = true;
}

/* --------------------------------------------------------------- each part */

/* A FORMAT_DESCRIPTION inside a transaction: a relay log that follows another, or a connection that
 * was made again.  In a binary log, or from a primary that started anew, it shows that the rest
 * will not come. */
static void feed_format(struct bt_grouper *g, const struct bt_event *ev)
{
    bool is_replicas_own = ev->header.flags & BT_FLAG_RELAY_LOG;

    if (g->place.kind == BT_LOG_KIND_BINLOG ||
        (!is_replicas_own && ev->format->created != 0 &&
         !(ev->header.flags & BT_FLAG_ARTIFICIAL)))
        abandon(g);
}

/* The primary changes its log only between transactions, and to another one: what names the log
 * that is being read anyway is of MariaDB's IO thread, which was connected anew within one. */
static void feed_rotate(struct bt_grouper *g, const struct bt_event *ev)
{
    const struct bt_coordinate_tracker *place = &g->place;

    if (place->kind == BT_LOG_KIND_BINLOG ||
        (!(ev->header.flags & (BT_FLAG_RELAY_LOG | BT_FLAG_ARTIFICIAL)) &&
         ev->header.server_id != 0 && ev->header.server_id != place->own_server_id &&
         strcmp(place->last.file, place->start.file) != 0))
        abandon(g);
}

static int feed_gtid(struct bt_grouper *g, const struct bt_event *ev, struct bt_err *err)
{
    struct bt_gtid_event gtid;
    struct bt_transaction *t = &g->current;

    if (bt_gtid_event_read(ev, &gtid, err) != 0)
        return -1;
    abandon(g);
    bt_grouper_begin(g, ev->header.server_id, ev->offset);
    t->gtid = gtid.gtid;
    if (ev->type == BT_MARIADB_GTID) {
        t->gtid_flags = gtid.flags;
        t->gtid_flags_extra = gtid.flags_extra;
        g->standalone = gtid.flags & BT_GTID_STANDALONE;
        g->framed = !g->standalone;
        if (gtid.flags & BT_GTID_PREPARED_XA)
            t->kind = BT_TRANSACTION_XA_PREPARE;
        else if (gtid.flags & BT_GTID_DDL)
            t->kind = BT_TRANSACTION_DDL;
    }
    return 0;
}

static int feed_rows(struct bt_grouper *g, const struct bt_event *ev, struct bt_err *err)
{
    struct bt_rows_event rows;

    g->current.rows_events++;
    bt_grouper_change(g);
    if (g->framed || g->standalone || !bt_event_is_rows(ev->type))
        return 0;
    if (bt_rows_event_read(ev, &rows, err) != 0)
        return -1;
    if (rows.flags & BT_ROWS_STMT_END)
        bt_grouper_end(g, BT_TRANSACTION_STATEMENT);
    return 0;
}

static void set_kind(struct bt_transaction *t, enum bt_query_verb verb)
{
    if (verb == BT_VERB_XA_COMMIT)
        t->kind = BT_TRANSACTION_XA_COMMIT;
    else if (verb == BT_VERB_XA_ROLLBACK)
        t->kind = BT_TRANSACTION_XA_ROLLBACK;
    else if (t->kind == BT_TRANSACTION_OTHER && verb == BT_VERB_DDL)
        t->kind = BT_TRANSACTION_DDL;
    else if (t->kind == BT_TRANSACTION_OTHER && verb == BT_VERB_DML)
        t->kind = BT_TRANSACTION_DML;
}

/* A compressed text is one of 256 bytes and more: no BEGIN, COMMIT or ROLLBACK. */
static int verb_of(const struct bt_event *ev, enum bt_query_verb *ret, struct bt_err *err)
{
    struct bt_slice text;

    *ret = BT_VERB_DML;
    if (ev->type == BT_QUERY_COMPRESSED)
        return 0;
    if (bt_query_text_read(ev, &text, err) != 0)
        return -1;
    if (ev->type == BT_QUERY)
        *ret = bt_query_verb(text);
    return 0;
}

static int feed_query(struct bt_grouper *g, const struct bt_event *ev, struct bt_err *err)
{
    enum bt_query_verb verb;

    if (verb_of(ev, &verb, err) != 0)
        return -1;
    set_kind(&g->current, verb);
    if (g->standalone)
        bt_grouper_end(g, BT_TRANSACTION_STATEMENT);
    else if (verb == BT_VERB_BEGIN || verb == BT_VERB_XA_START)
        g->framed = true;
    else if (g->framed && verb == BT_VERB_COMMIT)
        bt_grouper_end(g, BT_TRANSACTION_COMMIT);
    else if (g->framed && verb == BT_VERB_ROLLBACK)
        bt_grouper_end(g, BT_TRANSACTION_ROLLBACK);
    else if (!g->framed)
        bt_grouper_end(g, BT_TRANSACTION_STATEMENT);
    return 0;
}

static int feed_xa_prepare(struct bt_grouper *g, const struct bt_event *ev, struct bt_err *err)
{
    struct bt_xa_prepare xa;

    if (bt_xa_prepare_read(ev, &xa, err) != 0)
        return -1;
    if (xa.one_phase) {
        g->current.kind = BT_TRANSACTION_XA_COMMIT;
        bt_grouper_end(g, BT_TRANSACTION_COMMIT);
    } else {
        g->current.kind = BT_TRANSACTION_XA_PREPARE;
        bt_grouper_end(g, BT_TRANSACTION_PREPARE);
    }
    return 0;
}

/* Events of no statement that count as the transaction's when they stand in one. */
static bool may_be_member(uint8_t type)
{
    return type == BT_INCIDENT || type == BT_TRANSACTION_CONTEXT || type == BT_VIEW_CHANGE ||
           type == BT_IGNORABLE || type == BT_LARGE_TRANSACTION_HEADER ||
           !bt_event_type_name(type);
}

static int feed_part(struct bt_grouper *g, const struct bt_event *ev, enum part part,
                     struct bt_err *err)
{
    switch (part) {
    case PART_PREFIX: return 0;
    case PART_ROWS: return feed_rows(g, ev, err);
    case PART_QUERY: return feed_query(g, ev, err);
    case PART_STATEMENT:
        if (!g->framed)
            bt_grouper_end(g, BT_TRANSACTION_STATEMENT);
        return 0;
    case PART_XID:
        bt_grouper_change(g);
        bt_grouper_end(g, BT_TRANSACTION_XID);
        return 0;
    case PART_XA_PREPARE: return feed_xa_prepare(g, ev, err);
    case PART_PAYLOAD:
        bt_grouper_change(g);
        if (!ev->opened) /* it holds a whole transaction, to its XID */
            bt_grouper_end(g, BT_TRANSACTION_XID);
        return 0;
    case PART_OUTSIDE:
    case PART_FORMAT:
    case PART_ROTATE:
    case PART_GTID: break;
    }
    return 0;
}

int bt_grouper_feed(struct bt_grouper *g, const struct bt_event *ev, enum bt_group_step *ret,
                    struct bt_err *err)
{
    enum part part = part_of(ev);
    bool was_inside;

    if (ev->sealed)
        return bt_fail(err, BT_ERR_REALITY, "the event at %llu is encrypted: its key is needed",
                       (unsigned long long)ev->offset);
    if (bt_coordinate_feed(&g->place, ev, err) != 0)
        return -1;
    g->did_abandon = false;
    if (part == PART_FORMAT)
        feed_format(g, ev);
    else if (part == PART_ROTATE)
        feed_rotate(g, ev);
    if (part == PART_OUTSIDE && g->inside && may_be_member(ev->type))
        part = ev->type == BT_INCIDENT ? PART_STATEMENT : PART_PREFIX;
    if (part == PART_OUTSIDE || part == PART_FORMAT || part == PART_ROTATE) {
        g->has_current = g->inside;
        *ret = BT_GROUP_OUTSIDE;
        return 0;
    }
    was_inside = g->inside && part != PART_GTID;
    if (part == PART_GTID) {
        if (feed_gtid(g, ev, err) != 0)
            return -1;
    } else if (!g->inside) {
        begin_without_gtid(g, ev);
    }
    if (feed_part(g, ev, part, err) != 0)
        return -1;
    count(g, ev);
    if (g->inside)
        *ret = was_inside ? BT_GROUP_INSIDE : BT_GROUP_BEGIN;
    else
        *ret = was_inside ? BT_GROUP_END : BT_GROUP_WHOLE;
    return 0;
}

const struct bt_transaction *bt_grouper_transaction(const struct bt_grouper *g)
{
    return g->has_current ? &g->current : NULL;
}

const char *bt_transaction_kind_name(enum bt_transaction_kind kind)
{
    switch (kind) {
    case BT_TRANSACTION_DML: return "dml";
    case BT_TRANSACTION_DDL: return "ddl";
    case BT_TRANSACTION_XA_PREPARE: return "xa_prepare";
    case BT_TRANSACTION_XA_COMMIT: return "xa_commit";
    case BT_TRANSACTION_XA_ROLLBACK: return "xa_rollback";
    case BT_TRANSACTION_OTHER: return "other";
    }
    return "other";
}

const char *bt_transaction_end_name(enum bt_transaction_end end_kind)
{
    switch (end_kind) {
    case BT_TRANSACTION_UNFINISHED: return "unfinished";
    case BT_TRANSACTION_XID: return "xid";
    case BT_TRANSACTION_COMMIT: return "commit";
    case BT_TRANSACTION_ROLLBACK: return "rollback";
    case BT_TRANSACTION_PREPARE: return "prepare";
    case BT_TRANSACTION_STATEMENT: return "statement";
    }
    return "unfinished";
}
