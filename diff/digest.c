/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of each event goes into the digest.  A replica with log_slave_updates writes events anew, so
 * fields that the writing server fills from its own state are left out: thread ids, execution
 * times, status variables, table ids, transaction numbers, group commit ids, and how rows are cut
 * into events.
 */
#include "diff/digest.h"

#define XXH_STATIC_LINKING_ONLY
#include <stdlib.h>
#include <xxhash.h>

#include "parser/format.h"
#include "parser/gtid.h"
#include "parser/rows.h"

enum { TABLES_MAX = 64, BATCH_SIZE = 8 << 10 };

struct bt_digest {
    XXH3_state_t state;
    /* What state has not been fed yet: most transactions are small, and hashing one at once is many
     * times quicker than piece by piece. */
    uint8_t batch[BATCH_SIZE];
    size_t batched;
    bool is_streaming;           /* state was begun */
    uint64_t tables[TABLES_MAX]; /* ids of the statement's TABLE_MAPs, in order */
    size_t table_count;
    bool had_rows; /* behind them */
    bool in_rows;  /* the event before was of these rows: */
    size_t rows_table;
    enum bt_rows_op rows_op;
    uint64_t rows_len; /* bytes of them */
};

struct bt_digest *bt_digest_new(void)
{
    /* XXH3's state wants 64-byte alignment. */
    struct bt_digest *d = aligned_alloc(64, (sizeof(*d) + 63) / 64 * 64);

    if (d)
        bt_digest_reset(d);
    return d;
}

void bt_digest_free(struct bt_digest *d)
{
    free(d);
}

void bt_digest_reset(struct bt_digest *d)
{
    d->batched = 0;
    d->is_streaming = false;
    d->table_count = 0;
    d->in_rows = d->had_rows = false;
    d->rows_len = 0;
}

static void stream(struct bt_digest *d, struct bt_slice bytes)
{
    if (!d->is_streaming)
        XXH3_64bits_reset(&d->state);
    d->is_streaming = true;
    XXH3_64bits_update(&d->state, bytes.ptr, bytes.len);
}

uint64_t bt_digest_value(struct bt_digest *d)
{
    if (!d->is_streaming)
        return XXH3_64bits(d->batch, d->batched);
    stream(d, bt_slice(d->batch, d->batched));
    d->batched = 0;
    return XXH3_64bits_digest(&d->state);
}

static void add(struct bt_digest *d, struct bt_slice bytes)
{
    if (bytes.len > BATCH_SIZE - d->batched) {
        stream(d, bt_slice(d->batch, d->batched));
        d->batched = 0;
    }
    if (bytes.len > BATCH_SIZE) {
        stream(d, bytes);
        return;
    }
    if (bytes.len)
        memcpy(d->batch + d->batched, bytes.ptr, bytes.len);
    d->batched += bytes.len;
}

static void add_number(struct bt_digest *d, uint64_t value)
{
    uint64_t raw = htole64(value);

    add(d, bt_slice(&raw, sizeof(raw)));
}

/* Marks the kind of what follows, so that neighbours cannot run into each other. */
static void add_mark(struct bt_digest *d, uint8_t type, const struct bt_event *ev, size_t len)
{
    add_number(d, (uint64_t)type << 56 | (uint64_t)ev->header.server_id);
    add_number(d, (uint64_t)ev->header.when << 32 | (len & UINT32_MAX));
}

static void add_gtid(struct bt_digest *d, const struct bt_event *ev)
{
    char text[BT_GTID_TEXT_SIZE];
    struct bt_gtid_event gtid;
    struct bt_err err = {0};

    if (bt_gtid_event_read(ev, &gtid, &err) != 0 || gtid.gtid.kind == BT_GTID_NONE)
        return;
    bt_gtid_text(&gtid.gtid, text);
    add(d, bt_slice_str(text));
}

/* Database and statement; false when the body is too short to have them. */
static bool split_query(const struct bt_event *ev, struct bt_slice *ret_db,
                        struct bt_slice *ret_sql)
{
    struct bt_cursor c = bt_cursor(ev->body);
    uint16_t error_code, status_len;
    uint8_t db_len;

    if (!(bt_cur_skip(&c, 4 + 4) && /* thread id, execution time */
          bt_cur_u8(&c, &db_len) &&
          bt_cur_u16(&c, &error_code) &&
          bt_cur_u16(&c, &status_len)))
        return false;
    /* EXECUTE_LOAD_QUERY: file id, where the file name stands, how duplicates are handled. */
    if (ev->type == BT_EXECUTE_LOAD_QUERY && !bt_cur_skip(&c, 4 + 4 + 4 + 1))
        return false;
    if (!(bt_cur_skip(&c, status_len) && bt_cur_take(&c, db_len, ret_db) && bt_cur_skip(&c, 1)))
        return false;
    *ret_sql = bt_cur_rest(&c);
    return true;
}

static void add_query(struct bt_digest *d, const struct bt_event *ev)
{
    struct bt_slice db, sql;

    if (!split_query(ev, &db, &sql)) {
        add(d, ev->body);
        return;
    }
    /* Which of XID and COMMIT ends a transaction depends on the engines of the writing server. */
    if (bt_slice_equal_str(sql, "BEGIN"))
        return;
    if (bt_slice_equal_str(sql, "COMMIT")) {
        add_number(d, BT_XID);
        return;
    }
    add_mark(d, ev->type, ev, sql.len);
    add(d, db);
    add_number(d, db.len);
    add(d, sql);
}

/* Ends the stream of rows, if there is one. */
static void end_rows(struct bt_digest *d)
{
    if (d->in_rows)
        add_number(d, d->rows_len);
    d->in_rows = false;
    d->rows_len = 0;
}

/* Rows are digested as a stream: how a server cuts it into events depends on its
 * binlog_row_event_max_size.  Which table they are of is said by the count of its TABLE_MAP within
 * the statement, since ids are each server's own. */
static void add_rows(struct bt_digest *d, const struct bt_event *ev)
{
    struct bt_rows_event rows;
    struct bt_err err = {0};
    size_t table = 0;

    if (bt_rows_event_read(ev, &rows, &err) != 0) {
        add(d, ev->body);
        return;
    }
    if (rows.is_dummy)
        return;
    while (table < d->table_count && d->tables[table] != rows.table_id)
        table++;
    if (!d->in_rows || d->rows_table != table || d->rows_op != rows.op) {
        end_rows(d);
        add_mark(d, (uint8_t)(BT_WRITE_ROWS_V1 + rows.op), ev, table);
        add_number(d, (uint64_t)rows.is_partial << 32 | rows.column_count);
        add(d, rows.before_columns);
        add(d, rows.after_columns);
    }
    d->in_rows = d->had_rows = true;
    d->rows_table = table;
    d->rows_op = rows.op;
    d->rows_len += rows.rows.len;
    add(d, rows.rows);
}

/* Database and table name; what follows depends on binlog_row_metadata of the writing server. */
static void add_table_map(struct bt_digest *d, const struct bt_event *ev)
{
    struct bt_cursor c = bt_cursor(ev->body);
    bool is_short = ev->format->post_header_length[ev->header.type] == 6;
    uint32_t low;
    uint16_t high = 0;
    struct bt_slice db, table;

    if (!(bt_cur_u32(&c, &low) && (is_short || bt_cur_u16(&c, &high)) &&
          bt_cur_skip(&c, 2) &&
          bt_cur_len8(&c, &db) &&
          bt_cur_skip(&c, 1) &&
          bt_cur_len8(&c, &table))) {
        add(d, ev->body);
        return;
    }
    if (d->had_rows)
        d->table_count = 0; /* another statement */
    d->had_rows = false;
    if (d->table_count < TABLES_MAX)
        d->tables[d->table_count++] = (uint64_t)high << 32 | low;
    add_number(d, (uint64_t)BT_TABLE_MAP << 56 | db.len << 16 | table.len);
    add(d, db);
    add(d, table);
}

/* The data of a LOAD DATA block, without the file id. */
static void add_block(struct bt_digest *d, const struct bt_event *ev)
{
    struct bt_cursor c = bt_cursor(ev->body);

    if (!bt_cur_skip(&c, 4))
        return;
    add_mark(d, ev->type, ev, c.left);
    add(d, bt_cur_rest(&c));
}

void bt_digest_event(struct bt_digest *d, const struct bt_event *ev)
{
    if (!bt_event_is_rows(ev->type) && ev->type != BT_ANNOTATE_ROWS && ev->type != BT_ROWS_QUERY)
        end_rows(d);
    switch (ev->type) {
    case BT_MARIADB_GTID:
    case BT_GTID:
    case BT_ANONYMOUS_GTID:
    case BT_GTID_TAGGED:
        add_gtid(d, ev);
        break;
    case BT_QUERY:
    case BT_EXECUTE_LOAD_QUERY:
        add_query(d, ev);
        break;
    case BT_XID:
        add_number(d, BT_XID);
        break;
    case BT_TABLE_MAP:
        add_table_map(d, ev);
        break;
    case BT_BEGIN_LOAD_QUERY:
    case BT_APPEND_BLOCK:
        add_block(d, ev);
        break;
    case BT_ANNOTATE_ROWS:
    case BT_ROWS_QUERY:
    case BT_TRANSACTION_PAYLOAD: /* its events are fed on their own */
        break;
    default:
        if (bt_event_is_rows(ev->type)) {
            add_rows(d, ev);
            break;
        }
        add_mark(d, ev->type, ev, ev->body.len);
        add(d, ev->body);
        break;
    }
}
