/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/flashback.h"

#include <inttypes.h>
#include <stdlib.h>

#include "apply/flashback_row.h"
#include "diff/diff_log.h"
#include "parser/query.h"
#include "parser/reader.h"
#include "parser/transaction.h"

enum {
    STATEMENTS_MAX = 1 << 30, /* text of one transaction's */
    BATCH_MAX = 256,
    BATCH_BYTES = 4 << 20,
    ASK_MS = 60000,
    STATEMENT_MS = 3600 * 1000,
    NO_SUCH_TABLE = 1146,
};

struct place {
    uint64_t start, end;
    struct bt_gtid gtid;
};

/* Statements of one transaction, in the order of the log. */
struct statements {
    struct bt_buf text;
    size_t *ends;
    size_t count, room;
};

struct flashback {
    struct bt_connection *sql;
    struct bt_source *log;
    struct bt_manifest manifest;
    const struct bt_flashback_opts *opts;
    struct bt_flashback_tables tables;
    struct bt_table_cache *cache;
    struct bt_row_reader *rows;
    struct place *places; /* transactions in the order of the log */
    size_t count, room;
    struct statements statements;
    struct bt_flashback_result *result;
};

static struct bt_deadline until(const struct flashback *f)
{
    struct bt_deadline d = bt_deadline_in(STATEMENT_MS);

    return f->opts->deadline.at_ms ? bt_deadline_earlier(d, f->opts->deadline) : d;
}

static int grow(void **array, size_t count, size_t *room, size_t size, struct bt_err *err)
{
    size_t more = *room ? *room * 2 : 1024;
    void *grown;

    if (count < *room)
        return 0;
    grown = reallocarray(*array, more, size);
    if (!grown)
        return bt_fail_sys(err, "flashback");
    *array = grown;
    *room = more;
    return 0;
}

/* ------------------------------------------------------- can it be undone at all */

/* BEGIN, COMMIT and SAVEPOINT stand around row changes; every other statement was not logged as
 * rows. */
static int query_check(const struct bt_event *ev, struct bt_err *err)
{
    struct bt_query query;

    if (bt_query_read(ev, &query, err) != 0)
        return -1;
    if (bt_slice_equal_str(query.text, "BEGIN") || bt_slice_equal_str(query.text, "COMMIT") ||
        (query.text.len > 10 && strncasecmp((const char *)query.text.ptr, "SAVEPOINT ", 10) == 0))
        return 0;
    return bt_fail(err, BT_ERR_CONFLICT,
                   "it has a statement that was not logged as rows (in schema \"%.*s\")",
                   BT_SLICE_ARG(query.db));
}

static int map_check(struct flashback *f, const struct bt_event *ev, struct bt_err *err)
{
    struct bt_table_map map;

    if (bt_table_map_read(ev, &map, err) != 0)
        return -1;
    return bt_flashback_table_ask(&f->tables, f->sql, map.db, map.table, bt_deadline_in(ASK_MS),
                                  err);
}

static bool has_all(struct bt_slice columns, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!(columns.ptr[i / 8] & 1 << i % 8))
            return false;
    return true;
}

/* Virtual columns are in no image; the rows themselves show what else is missing. */
static int rows_check(const struct bt_event *ev, struct bt_err *err)
{
    struct bt_rows_event frame;

    if (bt_rows_event_read(ev, &frame, err) != 0)
        return -1;
    if (frame.is_partial)
        return bt_fail(err, BT_ERR_CONFLICT, "it has a partial update of JSON");
    if (frame.op == BT_ROWS_UPDATE && !has_all(frame.after_columns, frame.column_count) &&
        has_all(frame.before_columns, frame.column_count))
        return bt_fail(err, BT_ERR_CONFLICT, "it has an image that is not FULL");
    return 0;
}

static int event_check(struct flashback *f, const struct bt_event *ev, struct bt_err *err)
{
    switch (ev->type) {
    case BT_QUERY: return query_check(ev, err);
    case BT_TABLE_MAP: return map_check(f, ev, err);
    case BT_MARIADB_GTID:
    case BT_GTID:
    case BT_GTID_TAGGED:
    case BT_ANNOTATE_ROWS:
    case BT_ROWS_QUERY:
    case BT_TRANSACTION_PAYLOAD:
    case BT_XID: return 0;
    default:
        if (bt_event_is_rows(ev->type))
            return rows_check(ev, err);
        return bt_fail(err, BT_ERR_CONFLICT, "it has a %s event", bt_event_type_name(ev->type));
    }
}

static int place_add(struct flashback *f, const struct bt_transaction *t, struct bt_err *err)
{
    if (grow((void **)&f->places, f->count, &f->room, sizeof(*f->places), err) != 0)
        return -1;
    f->places[f->count++] = (struct place){t->start, t->end, t->gtid};
    return 0;
}

static int in_transaction(struct flashback *f, const struct bt_event *ev,
                          const struct bt_transaction *t, enum bt_group_step step,
                          struct bt_err *err)
{
    char gtid[BT_GTID_TEXT_SIZE];

    if (event_check(f, ev, err) != 0)
        return bt_err_wrap(err, "transaction %s cannot be undone", bt_gtid_text(&t->gtid, gtid));
    if ((step == BT_GROUP_END || step == BT_GROUP_WHOLE) && place_add(f, t, err) != 0)
        return -1;
    return 0;
}

static int log_check(struct flashback *f, struct bt_err *err)
{
    bt_auto_reader struct bt_reader *reader = NULL;
    struct bt_grouper grouper;
    enum bt_group_step step;
    struct bt_event ev;
    int next;

    if (bt_reader_open(f->log, (struct bt_reader_opts){0}, &reader, err) != 0)
        return -1;
    bt_grouper_init(&grouper, "log");
    while ((next = bt_reader_next(reader, &ev, err)) == 0) {
        if (bt_grouper_feed(&grouper, &ev, &step, err) != 0)
            return -1;
        if (step != BT_GROUP_OUTSIDE &&
            in_transaction(f, &ev, bt_grouper_transaction(&grouper), step, err) != 0)
            return -1;
    }
    if (next < 0)
        return -1;
    return bt_flashback_tables_schema(&f->tables, err);
}

/* ----------------------------------------------------------- its statements */

static int statement_end(struct statements *s, struct bt_err *err)
{
    if (grow((void **)&s->ends, s->count, &s->room, sizeof(*s->ends), err) != 0 ||
        bt_buf_check(&s->text, "statements of one transaction", err) != 0)
        return -1;
    s->ends[s->count++] = s->text.len;
    return 0;
}

static int rows_event(struct flashback *f, const struct bt_event *ev, struct bt_err *err)
{
    const struct bt_flashback_table *table;
    const struct bt_plan *plan;
    struct bt_rows_event frame;
    struct bt_table *map;
    struct bt_row row;
    int next;

    if (bt_rows_event_read(ev, &frame, err) != 0)
        return -1;
    if (frame.is_dummy)
        return 0;
    map = bt_table_cache_get(f->cache, ev->header.server_id, frame.table_id);
    table = map ? bt_flashback_table_find(&f->tables, map->map.db, map->map.table) : NULL;
    if (!table)
        return bt_fail(err, BT_ERR_CORRUPT, "rows of an unknown table at %" PRIu64, ev->offset);
    if (bt_plan_of(map, f->tables.schema, &plan, err) != 0 ||
        bt_row_reader_begin(f->rows, plan, &frame, err) != 0)
        return -1;
    while ((next = bt_row_reader_next(f->rows, &row, err)) == 0)
        if (bt_flashback_row(f->sql, table, plan, frame.op, &row, &f->statements.text, err) != 0 ||
            statement_end(&f->statements, err) != 0)
            return bt_err_wrap(err, "%.*s.%.*s", BT_SLICE_ARG(table->db),
                               BT_SLICE_ARG(table->table));
    return next < 0 ? -1 : 0;
}

static int statements_make(struct flashback *f, const struct place *place, struct bt_err *err)
{
    struct bt_reader_opts opts = {.start_pos = place->start, .stop_pos = place->end};
    bt_auto_reader struct bt_reader *reader = NULL;
    struct bt_table *ignored;
    struct bt_event ev;
    int next;

    bt_buf_reset(&f->statements.text);
    f->statements.count = 0;
    if (bt_reader_open(f->log, opts, &reader, err) != 0)
        return -1;
    while ((next = bt_reader_next(reader, &ev, err)) == 0) {
        if (ev.type == BT_TABLE_MAP && bt_table_cache_put(f->cache, &ev, &ignored, err) != 0)
            return -1;
        if (bt_event_is_rows(ev.type) && rows_event(f, &ev, err) != 0)
            return -1;
    }
    return next < 0 ? -1 : 0;
}

/* ------------------------------------------------------------------- backwards */

static struct bt_slice statement_at(const struct statements *s, size_t i)
{
    size_t from = i ? s->ends[i - 1] : 0;

    return bt_slice(s->text.data + from, s->ends[i] - from);
}

static int batch_run(struct flashback *f, const struct bt_slice *batch, size_t count,
                     struct bt_err *err)
{
    uint64_t affected[BATCH_MAX];
    ptrdiff_t failed;

    if (bt_connection_pipeline_counted(f->sql, batch, count, until(f), affected, &failed, err) != 0)
        return bt_err_wrap(err, "%.*s", (int)(batch[failed].len < 200 ? batch[failed].len : 200),
                           (const char *)batch[failed].ptr);
    for (size_t i = 0; i < count; i++)
        if (affected[i] != 1)
            return bt_fail(err, BT_ERR_CONFLICT,
                           "a row is not what the log says (%" PRIu64 " rows fit): %.*s",
                           affected[i], (int)(batch[i].len < 300 ? batch[i].len : 300),
                           (const char *)batch[i].ptr);
    f->result->rows += count;
    return 0;
}

/* The last change first. */
static int transaction_undo(struct flashback *f, const struct place *place, struct bt_err *err)
{
    struct bt_slice batch[BATCH_MAX];
    size_t count = 0, bytes = 0;

    if (statements_make(f, place, err) != 0)
        return -1;
    for (size_t i = f->statements.count; i-- > 0;) {
        batch[count] = statement_at(&f->statements, i);
        bytes += batch[count++].len;
        if (count < BATCH_MAX && bytes < BATCH_BYTES && i > 0)
            continue;
        if (batch_run(f, batch, count, err) != 0)
            return -1;
        count = bytes = 0;
    }
    f->result->transactions++;
    return 0;
}

static int all_undo(struct flashback *f, struct bt_err *err)
{
    char gtid[BT_GTID_TEXT_SIZE];

    for (size_t i = f->count; i-- > 0;)
        if (transaction_undo(f, &f->places[i], err) != 0)
            return bt_err_wrap(err, "transaction %s", bt_gtid_text(&f->places[i].gtid, gtid));
    return 0;
}

/* ---------------------------------------------------------------------- the mark */

static int session_set(struct flashback *f, struct bt_err *err)
{
    for (size_t i = 0; i < bt_flashback_session_count; i++)
        if (bt_connection_execute(f->sql, bt_slice_str(bt_flashback_session[i]),
                                  bt_deadline_in(ASK_MS), NULL, err) != 0)
            return -1;
    return 0;
}

static int mark_table_make(struct flashback *f, struct bt_err *err)
{
    return bt_connection_execute(
        f->sql,
        bt_slice_str("CREATE TABLE IF NOT EXISTS mysql.baton_flashback (xxh3 CHAR(32) NOT NULL "
                     "PRIMARY KEY, note LONGBLOB NOT NULL, at TIMESTAMP NOT NULL DEFAULT "
                     "CURRENT_TIMESTAMP) ENGINE=InnoDB"),
        bt_deadline_in(ASK_MS), NULL, err);
}

static int mark_find(struct flashback *f, struct bt_err *err)
{
    bt_auto_rows struct bt_rows rows = {0};

    if (bt_connection_queryf(f->sql, bt_deadline_in(ASK_MS), &rows, err,
                             "SELECT 1 FROM mysql.baton_flashback WHERE xxh3 = '%s'",
                             f->manifest.xxh3) != 0) {
        if (err->server_errno != NO_SUCH_TABLE)
            return -1;
        bt_err_clear(err);
    }
    f->result->was_done = rows.row_count > 0;
    return 0;
}

/* Not in the binary log: the caller has seen to that. */
static int mark_table_drop(struct bt_connection *sql, struct bt_deadline deadline,
                           struct bt_err *err)
{
    return bt_connection_execute(sql, bt_slice_str("DROP TABLE IF EXISTS mysql.baton_flashback"),
                                 deadline, NULL, err);
}

static int mark_set(struct flashback *f, struct bt_err *err)
{
    bt_auto_buf struct bt_buf sql;

    bt_buf_init(&sql, 1 << 20);
    bt_buf_addf(&sql, "INSERT INTO mysql.baton_flashback (xxh3, note) VALUES ('%s', ",
                f->manifest.xxh3);
    bt_sql_add_hex(&sql, bt_slice_str(f->opts->note ? f->opts->note : ""));
    bt_buf_add_byte(&sql, ')');
    if (bt_buf_check(&sql, "mark", err) != 0)
        return -1;
    return bt_connection_execute(f->sql, bt_buf_slice(&sql), bt_deadline_in(ASK_MS), NULL, err);
}

static int command(struct flashback *f, const char *sql, struct bt_err *err)
{
    return bt_connection_execute(f->sql, bt_slice_str(sql), until(f), NULL, err);
}

static int undo_in_transaction(struct flashback *f, struct bt_err *err)
{
    struct bt_err ignored = {0};

    if (command(f, "START TRANSACTION", err) != 0)
        return -1;
    if (all_undo(f, err) != 0 || (!f->opts->dry_run && mark_set(f, err) != 0)) {
        *f->result = (struct bt_flashback_result){0};
        if (command(f, "ROLLBACK", &ignored) == 0 && !f->opts->dry_run)
            (void)!mark_table_drop(f->sql, bt_deadline_in(ASK_MS), &ignored);
        return -1;
    }
    return command(f, f->opts->dry_run ? "ROLLBACK" : "COMMIT", err);
}

/* ----------------------------------------------------------------------- the run */

static int log_open(struct flashback *f, const char *path, struct bt_err *err)
{
    struct bt_diff_log_report report;

    if (bt_manifest_read(path, &f->manifest, err) != 0 ||
        bt_diff_log_open(path, &f->log, err) != 0 ||
        bt_diff_log_verify(f->log, &f->manifest, &report, err) != 0)
        return -1;
    bt_source_close(f->log);
    f->log = NULL;
    return bt_diff_log_open(path, &f->log, err);
}

static int run(struct flashback *f, const struct bt_connection_opts *login, const char *path,
               struct bt_err *err)
{
    if (log_open(f, path, err) != 0 || bt_table_cache_new(&f->cache, err) != 0 ||
        bt_row_reader_new(&f->rows, err) != 0)
        return -1;
    if (bt_connection_open(login, bt_deadline_in(ASK_MS), &f->sql, err) != 0 ||
        session_set(f, err) != 0 || mark_find(f, err) != 0)
        return -1;
    if (f->result->was_done)
        return 0;
    if (log_check(f, err) != 0 || (!f->opts->dry_run && mark_table_make(f, err) != 0))
        return -1;
    return undo_in_transaction(f, err);
}

int bt_flashback_file(const struct bt_connection_opts *login, const char *path,
                      const struct bt_flashback_opts *opts, struct bt_flashback_result *ret,
                      struct bt_err *err)
{
    struct flashback f = {.opts = opts, .result = ret};
    int rc;

    *ret = (struct bt_flashback_result){0};
    bt_manifest_init(&f.manifest);
    bt_flashback_tables_init(&f.tables);
    bt_buf_init(&f.statements.text, STATEMENTS_MAX);
    rc = run(&f, login, path, err);
    bt_connection_close(f.sql);
    bt_row_reader_free(f.rows);
    bt_table_cache_free(f.cache);
    bt_source_close(f.log);
    bt_manifest_done(&f.manifest);
    bt_flashback_tables_done(&f.tables);
    bt_buf_done(&f.statements.text);
    free(f.statements.ends);
    free(f.places);
    return rc == 0 ? 0 : bt_err_wrap(err, "flashback of \"%s\"", path);
}

/* ------------------------------------------------------------------------ later */

static int find_session(const struct bt_connection_opts *login, struct bt_deadline deadline,
                        struct bt_connection **ret, struct bt_err *err)
{
    if (bt_connection_open(login, deadline, ret, err) != 0)
        return -1;
    return bt_connection_execute(*ret, bt_slice_str("SET SESSION sql_log_bin = 0"), deadline, NULL,
                                 err);
}

int bt_flashback_find(const struct bt_connection_opts *login, struct bt_deadline deadline,
                      struct bt_buf *ret_note, struct bt_err *err)
{
    bt_auto_connection struct bt_connection *sql = NULL;
    bt_auto_rows struct bt_rows rows = {0};

    if (find_session(login, deadline, &sql, err) != 0)
        return -1;
    if (bt_connection_query(sql, bt_slice_str("SELECT note FROM mysql.baton_flashback"), deadline,
                            &rows, err) != 0) {
        if (err->server_errno != NO_SUCH_TABLE)
            return -1;
        bt_err_clear(err);
        return 1;
    }
    /* Made, and cut off before anything was undone. */
    if (rows.row_count == 0)
        return mark_table_drop(sql, deadline, err) == 0 ? 1 : -1;
    bt_buf_add_slice(ret_note, rows.cells[0]);
    return bt_buf_check(ret_note, "note", err);
}

int bt_flashback_forget(const struct bt_connection_opts *login, struct bt_deadline deadline,
                        struct bt_err *err)
{
    bt_auto_connection struct bt_connection *sql = NULL;

    if (find_session(login, deadline, &sql, err) != 0)
        return -1;
    return mark_table_drop(sql, deadline, err);
}
