/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/row_checks.h"

#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "apply/flashback_row.h"
#include "apply/later.h"
#include "apply/log_check.h"
#include "apply/target.h"
#include "apply/touched.h"
#include "diff/diff_log.h"
#include "parser/reader.h"
#include "parser/transaction.h"

enum {
    ASK_MS = 60000,
    BATCH_ROWS = 200,
    BATCH_BYTES = 1 << 20,
    SQL_MAX = 64 << 20,
};

/* Conditions on rows of one table that must all be there, or all not. */
struct batch {
    struct bt_buf text; /* conditions, one behind the other */
    size_t ends[BATCH_ROWS];
    bool unsure[BATCH_ROWS]; /* something behind it in the logs may have changed it again */
    struct bt_gtid gtids[BATCH_ROWS];
    size_t count;
};

struct checks {
    struct bt_target target;
    struct bt_connection *sql;
    struct bt_flashback_tables tables;
    struct bt_table_cache *cache;
    struct bt_row_reader *rows;
    struct batch *batches;  /* two a table: rows that must be there, rows that must not */
    bool *had_gone;         /* by table: the log takes rows away */
    uint64_t *ddl_at;       /* by table: place of the last DDL that names it; verify */
    struct bt_value *exact; /* room for an image */
    size_t exact_room;
    struct bt_touched seen; /* by the hash of table and key */
    struct bt_buf key, condition;
    struct bt_gtid gtid; /* of the transaction at hand */
    uint64_t touch;
    uint64_t place; /* of the event at hand, counted */
    struct bt_later later;
    const char *const *paths;
    size_t path_count;
    bool verifies, collects; /* verify goes over the log twice: collects first */
    bool is_left_out;        /* foresee: the target has this transaction */
    bool after_ddl;
    struct bt_row_checks *result;
};

const char *bt_finding_name(enum bt_finding_kind kind)
{
    static const char *const names[] = {
        [BT_FINDING_NO_TABLE] = "no such table",
        [BT_FINDING_COLUMNS] = "other columns",
        [BT_FINDING_DUPLICATE] = "duplicate key",
        [BT_FINDING_NO_ROW] = "no such row",
        [BT_FINDING_DIFFERS] = "row differs",
        [BT_FINDING_NOT_GONE] = "row is still there",
    };

    return names[kind];
}

const char *bt_unchecked_name(enum bt_unchecked why)
{
    static const char *const names[BT_UNCHECKED_COUNT] = {
        [BT_UNCHECKED_NO_KEY] = "no_primary_key",
        [BT_UNCHECKED_STATEMENT] = "statement",
        [BT_UNCHECKED_LATER] = "ddl",
        [BT_UNCHECKED_OTHER] = "other",
    };

    return names[why];
}

static void add_finding(struct checks *c, enum bt_finding_kind kind, const struct bt_gtid *gtid,
                        struct bt_slice db, struct bt_slice table, struct bt_slice key)
{
    struct bt_row_checks *r = c->result;
    struct bt_finding *f = &r->first[r->count];

    r->found++;
    if (r->count == BT_FINDINGS_MAX)
        return;
    r->count++;
    f->kind = kind;
    bt_gtid_text(gtid, f->gtid);
    snprintf(f->table, sizeof(f->table), "%.*s.%.*s", BT_SLICE_ARG(db), BT_SLICE_ARG(table));
    snprintf(f->key, sizeof(f->key), "%.*s", (int)(key.len < 255 ? key.len : 255),
             (const char *)key.ptr);
}

static void pass_over(struct checks *c, enum bt_unchecked why)
{
    if (c->collects)
        return;
    c->result->not_checked++;
    c->result->why[why]++;
}

/* --------------------------------------------------------------------- asking */

static int count_rows(struct checks *c, const struct bt_flashback_table *t, const struct batch *b,
                      size_t from, size_t to, uint64_t *ret, struct bt_err *err)
{
    bt_auto_buf struct bt_buf sql = {.max = SQL_MAX};
    bt_auto_rows struct bt_rows rows = {0};

    bt_buf_add_str(&sql, "SELECT COUNT(*) AS n FROM ");
    bt_sql_add_name(&sql, t->db);
    bt_buf_add_byte(&sql, '.');
    bt_sql_add_name(&sql, t->table);
    for (size_t i = from; i < to; i++) {
        size_t begin = i ? b->ends[i - 1] : 0;

        bt_buf_add_str(&sql, i == from ? " WHERE (" : " OR (");
        bt_buf_add(&sql, b->text.data + begin, b->ends[i] - begin);
        bt_buf_add_byte(&sql, ')');
    }
    if (bt_buf_check(&sql, "a question about rows", err) != 0 ||
        bt_connection_query(c->sql, bt_buf_slice(&sql), bt_deadline_in(ASK_MS), &rows, err) != 0)
        return -1;
    if (!bt_rows_u64(&rows, 0, "n", ret))
        return bt_fail(err, BT_ERR_REMOTE, "a count of rows has no number");
    return 0;
}

static enum bt_finding_kind kind_of(const struct checks *c, bool must_be_there)
{
    if (c->verifies)
        return must_be_there ? BT_FINDING_DIFFERS : BT_FINDING_NOT_GONE;
    return must_be_there ? BT_FINDING_NO_ROW : BT_FINDING_DUPLICATE;
}

/* Asks for all at once, and one by one where that does not come out. */
static int flush(struct checks *c, size_t which, struct bt_err *err)
{
    const struct bt_flashback_table *t = &c->tables.items[which / 2];
    struct batch *b = &c->batches[which];
    bool must_be_there = which % 2 == 0;
    uint64_t n;

    if (b->count == 0)
        return 0;
    if (count_rows(c, t, b, 0, b->count, &n, err) != 0)
        return -1;
    for (size_t i = 0; n != (must_be_there ? b->count : 0) && i < b->count; i++) {
        size_t begin = i ? b->ends[i - 1] : 0;
        uint64_t one;

        if (count_rows(c, t, b, i, i + 1, &one, err) != 0)
            return -1;
        if ((one > 0) == must_be_there)
            continue;
        if (b->unsure[i]) {
            pass_over(c, BT_UNCHECKED_LATER);
            c->result->rows--; /* it was no comparison */
        } else {
            add_finding(c, kind_of(c, must_be_there), &b->gtids[i], t->db, t->table,
                        bt_slice(b->text.data + begin, b->ends[i] - begin));
        }
    }
    c->result->rows += b->count;
    bt_buf_reset(&b->text);
    b->count = 0;
    return 0;
}

static int queue(struct checks *c, const struct bt_flashback_table *t, bool must_be_there,
                 struct bt_slice condition, struct bt_err *err)
{
    size_t which = (size_t)(t - c->tables.items) * 2 + !must_be_there;
    struct batch *b = &c->batches[which];

    if ((b->count == BATCH_ROWS || b->text.len > BATCH_BYTES) && flush(c, which, err) != 0)
        return -1;
    bt_buf_add_slice(&b->text, condition);
    if (bt_buf_check(&b->text, "questions about rows", err) != 0)
        return -1;
    b->gtids[b->count] = c->gtid;
    b->unsure[b->count] = c->verifies && (c->place < c->later.statement ||
                                          c->place < c->ddl_at[t - c->tables.items]);
    b->ends[b->count++] = b->text.len;
    return 0;
}

/* ----------------------------------------------------------------------- rows */

/* What a change does to one row: its key, its image (NULL: it goes away), whether it had to be
 * there before. */
struct touch {
    const struct bt_flashback_table *table;
    const struct bt_plan *plan;
    const struct bt_value *key, *image;
    bool was_there;
};

/* Whether keys of other bytes may be equal: then a row that the log has taken away may have been
 * the one that is in the way. */
static bool has_text_key(const struct touch *t)
{
    for (size_t i = 0; i < t->table->column_count; i++)
        if (bt_plan_key_part(t->plan, i) && t->table->columns[i].charset.len > 0)
            return true;
    return false;
}

/* The key by its bytes: a row whose key is only equal by its collation is another one. */
static int ask_gone(struct checks *c, const struct touch *t, struct bt_err *err)
{
    size_t count = t->table->column_count;

    if (count > c->exact_room) {
        struct bt_value *more = reallocarray(c->exact, count, sizeof(*more));

        if (!more)
            return bt_fail(err, BT_ERR_SYSTEM, "out of memory for %zu columns", count);
        c->exact = more;
        c->exact_room = count;
    }
    for (size_t i = 0; i < count; i++) {
        c->exact[i] = t->key[i];
        if (!bt_plan_key_part(t->plan, i))
            c->exact[i].state = BT_VALUE_ABSENT;
    }
    if (bt_flashback_same(c->sql, t->table, t->plan, c->exact, &c->condition, err) != 0)
        return -1;
    return queue(c, t->table, false, bt_buf_slice(&c->condition), err);
}

static int ask(struct checks *c, const struct touch *t, struct bt_err *err)
{
    bt_buf_reset(&c->condition);
    if (!c->verifies && !t->was_there && c->had_gone[t->table - c->tables.items] &&
        has_text_key(t)) {
        pass_over(c, BT_UNCHECKED_OTHER);
        return 0;
    }
    if (!c->verifies)
        return queue(c, t->table, t->was_there, bt_buf_slice(&c->key), err);
    if (!t->image)
        return ask_gone(c, t, err);
    /* MINIMAL: it may not be in the image */
    bt_buf_add_slice(&c->condition, bt_buf_slice(&c->key));
    bt_buf_add_str(&c->condition, " AND ");
    if (bt_flashback_same(c->sql, t->table, t->plan, t->image, &c->condition, err) != 0)
        return -1;
    return queue(c, t->table, true, bt_buf_slice(&c->condition), err);
}

static int touch(struct checks *c, const struct touch *t, struct bt_err *err)
{
    uint64_t hash = XXH3_64bits(&t->table, sizeof(t->table));
    struct bt_touched_row *item;
    bool is_first;
    int status;

    bt_buf_reset(&c->key);
    status = bt_flashback_key(c->sql, t->table, t->plan, t->key, &c->key, err);
    if (status != 0) {
        if (status == 1)
            pass_over(c, BT_UNCHECKED_NO_KEY);
        return status < 0 ? -1 : 0;
    }
    hash = XXH3_64bits_withSeed(c->key.data, c->key.len, hash);
    if (bt_buf_check(&c->key, "a key", err) != 0 || bt_touched_find(&c->seen, hash, &item, err) < 0)
        return -1;
    c->touch++;
    is_first = item->last == 0;
    if (c->collects || (!c->verifies && is_first))
        item->last = c->touch;
    if (c->collects || item->last != c->touch)
        return 0;
    return ask(c, t, err);
}

/* The key of an image; what it leaves out (MINIMAL) is as in the other one. */
static const struct bt_value *whole_key(const struct bt_row *row, const struct bt_plan *plan)
{
    for (size_t i = 0; i < bt_plan_column_count(plan); i++)
        if (bt_plan_key_part(plan, i) && row->after[i].state == BT_VALUE_ABSENT)
            return row->before;
    return row->after;
}

static bool is_bytes(const struct bt_value *v)
{
    switch ((enum bt_value_kind)v->kind) {
    case BT_VALUE_DECIMAL:
    case BT_VALUE_TEXT:
    case BT_VALUE_BINARY:
    case BT_VALUE_GEOMETRY:
    case BT_VALUE_JSON:
    case BT_VALUE_JSON_DIFF:
    case BT_VALUE_VECTOR:
    case BT_VALUE_INET4:
    case BT_VALUE_INET6:
    case BT_VALUE_UUID:
    case BT_VALUE_OPAQUE: return true;
    case BT_VALUE_INT:
    case BT_VALUE_UINT:
    case BT_VALUE_FLOAT:
    case BT_VALUE_DOUBLE:
    case BT_VALUE_DATE:
    case BT_VALUE_TIME:
    case BT_VALUE_DATETIME:
    case BT_VALUE_TIMESTAMP:
    case BT_VALUE_YEAR:
    case BT_VALUE_BIT:
    case BT_VALUE_ENUM:
    case BT_VALUE_SET: break;
    }
    return false;
}

static bool same_key(const struct bt_row *row, const struct bt_plan *plan)
{
    if (whole_key(row, plan) == row->before)
        return true;
    for (size_t i = 0; i < bt_plan_column_count(plan); i++) {
        const struct bt_value *a = &row->before[i], *b = &row->after[i];

        if (!bt_plan_key_part(plan, i) || (a->state != BT_VALUE_HERE && b->state != BT_VALUE_HERE))
            continue;
        if (a->state != b->state || a->kind != b->kind ||
            (is_bytes(a) ? !bt_slice_equal(a->bytes, b->bytes) : a->u64 != b->u64))
            return false;
    }
    return true;
}

static int one_row(struct checks *c, struct touch t, const struct bt_row *row, struct bt_err *err)
{
    bool moves = row->before && row->after && !same_key(row, t.plan);

    if (row->before && (moves || !row->after)) {
        t.key = row->before;
        t.was_there = true;
        if (touch(c, &t, err) != 0)
            return -1;
        c->had_gone[t.table - c->tables.items] = true;
    }
    if (!row->after)
        return 0;
    t.key = row->before ? whole_key(row, t.plan) : row->after;
    t.image = row->after;
    t.was_there = row->before && !moves;
    return touch(c, &t, err);
}

/* It may have been dropped since. */
static void note_no_table(struct checks *c, const struct bt_table *map)
{
    if (c->place < bt_later_ddl_of(&c->later, map->map.db, map->map.table))
        pass_over(c, BT_UNCHECKED_LATER);
    else if (!c->collects)
        add_finding(c, BT_FINDING_NO_TABLE, &c->gtid, map->map.db, map->map.table,
                    bt_slice_empty());
}

static int rows_event(struct checks *c, const struct bt_event *ev, struct bt_err *err)
{
    struct touch t = {0};
    struct bt_rows_event frame;
    struct bt_table *map;
    struct bt_row row;
    int next;

    if (bt_rows_event_read(ev, &frame, err) != 0)
        return -1;
    map =
        frame.is_dummy ? NULL : bt_table_cache_get(c->cache, ev->header.server_id, frame.table_id);
    if (!map)
        return 0;
    t.table = bt_flashback_table_find(&c->tables, map->map.db, map->map.table);
    if (!t.table && c->verifies) {
        note_no_table(c, map);
        return 0;
    }
    if (!t.table || frame.is_partial || c->after_ddl) {
        pass_over(c, c->after_ddl ? BT_UNCHECKED_LATER : BT_UNCHECKED_OTHER);
        return 0;
    }
    if (bt_plan_of(map, c->tables.schema, &t.plan, err) != 0)
        return -1;
    if (bt_plan_column_count(t.plan) != t.table->column_count) {
        if (c->verifies && c->place < c->ddl_at[t.table - c->tables.items])
            pass_over(c, BT_UNCHECKED_LATER);
        else if (!c->collects)
            add_finding(c, BT_FINDING_COLUMNS, &c->gtid, t.table->db, t.table->table,
                        bt_slice_empty());
        return 0;
    }
    if (bt_row_reader_begin(c->rows, t.plan, &frame, err) != 0)
        return -1;
    while ((next = bt_row_reader_next(c->rows, &row, err)) == 0)
        if (one_row(c, t, &row, err) != 0)
            return bt_err_wrap(err, "%.*s.%.*s", BT_SLICE_ARG(t.table->db),
                               BT_SLICE_ARG(t.table->table));
    return next < 0 ? -1 : 0;
}

/* ----------------------------------------------------------------- over the log */

typedef int step_fn(struct checks *c, const struct bt_event *ev, struct bt_err *err);

/* Calls step for the events of every transaction of one log that counts. */
static int walk_one(struct checks *c, const char *path, step_fn *step, struct bt_err *err)
{
    bt_auto_source struct bt_source *log = NULL;
    bt_auto_reader struct bt_reader *reader = NULL;
    struct bt_grouper grouper;
    enum bt_group_step at;
    struct bt_event ev;
    int next;

    if (bt_diff_log_open(path, &log, err) != 0 ||
        bt_reader_open(log, (struct bt_reader_opts){0}, &reader, err) != 0)
        return -1;
    bt_table_cache_drop_all(c->cache);
    bt_grouper_init(&grouper, bt_log_base_name(path));
    while ((next = bt_reader_next(reader, &ev, err)) == 0) {
        if (bt_grouper_feed(&grouper, &ev, &at, err) != 0)
            return -1;
        if (at == BT_GROUP_BEGIN || at == BT_GROUP_WHOLE) {
            c->gtid = bt_grouper_transaction(&grouper)->gtid;
            c->is_left_out = !c->verifies && bt_target_has(&c->target, &c->gtid);
        }
        if (at != BT_GROUP_OUTSIDE && !c->is_left_out && step(c, &ev, err) != 0)
            return -1;
        /* What DDL will make of a table cannot be asked for before it has run. */
        if ((at == BT_GROUP_END || at == BT_GROUP_WHOLE) && !c->verifies && !c->is_left_out)
            c->after_ddl |= bt_grouper_transaction(&grouper)->kind == BT_TRANSACTION_DDL;
    }
    return next < 0 ? -1 : 0;
}

static int walk(struct checks *c, step_fn *step, struct bt_err *err)
{
    c->after_ddl = false;
    c->touch = 0;
    c->place = 0;
    for (size_t i = 0; i < c->path_count; i++)
        if (walk_one(c, c->paths[i], step, err) != 0)
            return -1;
    return 0;
}

/* First: which tables there are, and their columns. */
static int learn(struct checks *c, const struct bt_event *ev, struct bt_err *err)
{
    struct bt_table_map map;
    int status;

    if (ev->type != BT_TABLE_MAP)
        return 0;
    if (bt_table_map_read(ev, &map, err) != 0)
        return -1;
    status = bt_flashback_table_look(&c->tables, c->sql, map.db, map.table, bt_deadline_in(ASK_MS),
                                     err);
    if (status == 1 && !c->after_ddl && !c->verifies)
        add_finding(c, BT_FINDING_NO_TABLE, &c->gtid, map.db, map.table, bt_slice_empty());
    return status < 0 ? -1 : 0;
}

/* Statements cannot be asked about; verify has to know what stands behind a row. */
static int text_event(struct checks *c, const struct bt_event *ev, struct bt_err *err)
{
    enum bt_query_verb verb;
    struct bt_query q;

    if (bt_query_read(ev, &q, err) != 0)
        return -1;
    verb = q.is_load ? BT_VERB_DML : bt_query_verb(q.text);
    if (verb == BT_VERB_DML) {
        pass_over(c, BT_UNCHECKED_STATEMENT);
        if (c->collects)
            c->later.statement = c->place;
    }
    return verb == BT_VERB_DDL && c->collects
               ? bt_later_add_ddl(&c->later, c->place, q.text, err)
               : 0;
}

static int look(struct checks *c, const struct bt_event *ev, struct bt_err *err)
{
    struct bt_table *ignored;

    c->place++;
    if (ev->type == BT_QUERY || ev->type == BT_EXECUTE_LOAD_QUERY)
        return text_event(c, ev, err);
    if (ev->type == BT_TABLE_MAP)
        return bt_table_cache_put(c->cache, ev, &ignored, err);
    return bt_event_is_rows(ev->type) ? rows_event(c, ev, err) : 0;
}

static int run(struct checks *c, struct bt_err *err)
{
    if (walk(c, learn, err) != 0 || bt_flashback_tables_schema(&c->tables, err) != 0)
        return -1;
    c->batches = calloc(c->tables.count ? c->tables.count * 2 : 1, sizeof(*c->batches));
    c->had_gone = calloc(c->tables.count + 1, sizeof(*c->had_gone));
    c->ddl_at = calloc(c->tables.count + 1, sizeof(*c->ddl_at));
    if (!c->batches || !c->had_gone || !c->ddl_at)
        return bt_fail(err, BT_ERR_SYSTEM, "out of memory");
    for (size_t i = 0; i < c->tables.count * 2; i++)
        bt_buf_init(&c->batches[i].text, SQL_MAX);
    c->collects = c->verifies;
    if (c->collects && walk(c, look, err) != 0)
        return -1;
    for (size_t i = 0; c->verifies && i < c->tables.count; i++)
        c->ddl_at[i] = bt_later_ddl_of(&c->later, c->tables.items[i].db, c->tables.items[i].table);
    c->collects = false;
    if (walk(c, look, err) != 0)
        return -1;
    for (size_t i = 0; i < c->tables.count * 2; i++)
        if (flush(c, i, err) != 0)
            return -1;
    return 0;
}

static int check(const struct bt_connection_opts *where, struct checks c,
                 struct bt_row_checks *ret, struct bt_err *err)
{
    struct bt_target_opts look_only = {.dry_run = true};
    enum bt_flavor flavor = BT_FLAVOR_MARIADB;
    int status = c.path_count ? bt_log_flavor(c.paths[0], &flavor, err) : 0;

    c.result = ret;
    *ret = (struct bt_row_checks){0};
    bt_flashback_tables_init(&c.tables);
    bt_later_init(&c.later);
    bt_buf_init(&c.key, SQL_MAX);
    bt_buf_init(&c.condition, SQL_MAX);
    if (status == 0)
        status = bt_target_open(where, flavor, &look_only, bt_deadline_in(ASK_MS), &c.target, err);
    c.sql = c.target.connection;
    for (size_t i = 0; status == 0 && i < BT_FLASHBACK_READING; i++)
        status = bt_connection_execute(c.sql, bt_slice_str(bt_flashback_session[i]),
                                       bt_deadline_in(ASK_MS), NULL, err);
    if (status == 0)
        status = bt_table_cache_new(&c.cache, err);
    if (status == 0)
        status = bt_row_reader_new(&c.rows, err);
    if (status == 0)
        status = run(&c, err);
    for (size_t i = 0; c.batches && i < c.tables.count * 2; i++)
        bt_buf_done(&c.batches[i].text);
    free(c.batches);
    free(c.had_gone);
    free(c.ddl_at);
    bt_later_done(&c.later);
    free(c.exact);
    bt_touched_done(&c.seen);
    bt_buf_done(&c.key);
    bt_buf_done(&c.condition);
    bt_row_reader_free(c.rows);
    bt_table_cache_free(c.cache);
    bt_flashback_tables_done(&c.tables);
    bt_target_close(&c.target);
    return status;
}

int bt_rows_foresee(const struct bt_connection_opts *where, const char *const *paths, size_t count,
                    struct bt_row_checks *ret, struct bt_err *err)
{
    struct checks c = {.paths = paths, .path_count = count, .verifies = false};

    return check(where, c, ret, err);
}

int bt_rows_verify(const struct bt_connection_opts *where, const char *const *paths, size_t count,
                   struct bt_row_checks *ret, struct bt_err *err)
{
    struct checks c = {.paths = paths, .path_count = count, .verifies = true};

    return check(where, c, ret, err);
}
