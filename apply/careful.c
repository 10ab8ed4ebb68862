/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/careful.h"

#include <stdio.h>
#include <stdlib.h>

#include "apply/kept.h"
#include "apply/table_keys.h"
#include "parser/query.h"
#include "parser/value.h"

enum {
    ER_KEY_NOT_FOUND = 1032,
    ER_DUP_ENTRY = 1062,
    MAPS_MAX = 16 << 20,
    KEY_TEXT_MAX = 1 << 20,
    KEY_TEXT_SHOWN = 400,
    ASK_MS = 10000,
};

struct bt_careful {
    struct bt_session *front;
    enum bt_on_conflict policy;
    bt_conflict_note *note;
    void *ctx;
    struct bt_connection *asker;
    struct bt_key_source *keys;
    struct bt_table_cache *tables;
    struct bt_row_reader *rows;
    struct bt_kept maps; /* of the statement under way */
    struct bt_buf body, key, sql;
    struct bt_sender_transaction transaction;
    bool is_again, joins_ends;
};

/* The row under way. */
struct row {
    const struct bt_event *ev;
    const struct bt_rows_event *frame;
    struct bt_table *table;
    const struct bt_plan *plan;
    const struct bt_table_keys *keys;
    struct bt_row values;
    struct bt_slice before, after; /* its bytes */
};

const char *bt_conflict_name(enum bt_on_conflict policy)
{
    static const char *const names[] = {"stop", "skip", "overwrite"};

    return names[policy];
}

int bt_careful_open(struct bt_session *front, const struct bt_connection_opts *where,
                    enum bt_on_conflict policy, bt_conflict_note *note, void *ctx,
                    struct bt_careful **ret, struct bt_err *err)
{
    struct bt_careful *c = calloc(1, sizeof(*c));

    if (!c)
        return bt_fail(err, BT_ERR_SYSTEM, "out of memory");
    c->front = front;
    c->policy = policy;
    c->note = note;
    c->ctx = ctx;
    c->joins_ends = front->statements.opts.join_ends;
    front->statements.opts.join_ends = false;
    bt_kept_init(&c->maps, MAPS_MAX);
    bt_buf_init(&c->body, INT32_MAX);
    bt_buf_init(&c->key, KEY_TEXT_MAX);
    bt_buf_init(&c->sql, KEY_TEXT_MAX);
    if (bt_connection_open(where, bt_deadline_in(ASK_MS), &c->asker, err) < 0 ||
        bt_key_source_open(c->asker, &c->keys, err) < 0 ||
        bt_table_cache_new(&c->tables, err) < 0 || bt_row_reader_new(&c->rows, err) < 0) {
        bt_careful_close(c);
        return -1;
    }
    *ret = c;
    return 0;
}

void bt_careful_close(struct bt_careful *c)
{
    if (!c)
        return;
    c->front->statements.opts.join_ends = c->joins_ends;
    bt_key_source_close(c->keys);
    bt_connection_close(c->asker);
    if (c->tables)
        bt_table_cache_free(c->tables);
    bt_row_reader_free(c->rows);
    bt_kept_done(&c->maps);
    bt_buf_done(&c->body);
    bt_buf_done(&c->key);
    bt_buf_done(&c->sql);
    free(c);
}

void bt_careful_begin(struct bt_careful *c, const struct bt_sender_transaction *t, bool is_again)
{
    c->transaction = *t;
    c->is_again = is_again;
    bt_kept_reset(&c->maps);
    bt_session_begin(c->front, t);
}

/* --------------------------------------------------------------- naming a row */

/* The key that the server names ("... for key 'NAME'", in MySQL 'table.NAME'); the first otherwise.
 */
static const struct bt_table_key *named_key(const struct bt_table_keys *t, const char *message)
{
    const char *at = strstr(message, " for key '");

    for (size_t i = 0; at && i < t->key_count; i++) {
        const char *dot = strchr(at, '.');
        size_t len = strlen(t->keys[i].name);

        if (strncmp(at + 10, t->keys[i].name, len) == 0 && at[10 + len] == '\'')
            return &t->keys[i];
        if (dot && strncmp(dot + 1, t->keys[i].name, len) == 0 && dot[1 + len] == '\'')
            return &t->keys[i];
    }
    return !at && t->key_count > 0 && !t->keys[0].is_nullable ? &t->keys[0] : NULL;
}

/* "PRIMARY (id=3)" into c->key; the whole row where no key is known. */
static const char *describe(struct bt_careful *c, const struct row *r,
                            const struct bt_table_key *key, const struct bt_value *image)
{
    struct bt_err ignored = {0};

    bt_buf_reset(&c->key);
    if (!key || r->keys->column_count != r->table->map.column_count) {
        if (bt_row_json(r->plan, image, &c->key, &ignored) < 0)
            bt_buf_add_str(&c->key, "(not readable)");
    } else {
        bt_buf_addf(&c->key, "%s (", key->name);
        for (unsigned i = 0; i < key->part_count; i++) {
            size_t column = key->parts[i].column;

            bt_buf_addf(&c->key, "%s%s=", i ? ", " : "", r->keys->columns[column]);
            (void)!bt_value_text(r->plan, column, &image[column], &c->key, &ignored);
        }
        bt_buf_add_byte(&c->key, ')');
    }
    if (c->key.len > KEY_TEXT_SHOWN)
        c->key.len = KEY_TEXT_SHOWN;
    return bt_buf_str(&c->key);
}

static void tell(struct bt_careful *c, const char *table, const char *key, const char *what,
                 enum bt_on_conflict done)
{
    struct bt_conflict conflict = {.transaction = &c->transaction,
                                   .table = table,
                                   .key = key,
                                   .what = what,
                                   .done = done};

    if (c->note)
        c->note(c->ctx, &conflict);
}

static int stop_at(struct bt_careful *c, const char *key, const char *why, struct bt_err *err)
{
    size_t len = strlen(err->text);

    (void)c;
    err->kind = BT_ERR_CONFLICT;
    snprintf(err->text + len, sizeof(err->text) - len, "; %s%s%s", key, *why ? ": " : "", why);
    return -1;
}

/* ------------------------------------------------------------------ one row */

/* Sends the rows event in c->body as a statement with all tables of its own. */
static int send_body(struct bt_careful *c, const struct row *r, uint8_t type, struct bt_err *err)
{
    struct bt_event ev = *r->ev;

    if (bt_buf_check(&c->body, "a row", err) < 0)
        return -1;
    ev.type = type;
    ev.body = bt_buf_slice(&c->body);
    ev.raw = bt_slice_empty();
    for (size_t i = 0; i < c->maps.count; i++) {
        if (bt_session_event(c->front, &c->maps.events[i], err) < 0)
            return -1;
    }
    if (bt_session_event(c->front, &ev, err) < 0)
        return -1;
    return bt_sender_flush(&c->front->sender, err);
}

static size_t id_size(const struct row *r)
{
    enum { POST_HEADER_SHORT_ID = 6 };

    return r->ev->format->post_header_length[r->ev->type] == POST_HEADER_SHORT_ID ? 4 : 6;
}

/* The event with this row alone, and the end of its statement. */
static int send_row(struct bt_careful *c, const struct row *r, struct bt_err *err)
{
    size_t head = r->ev->body.len - r->frame->rows.len, flags_at = id_size(r);

    bt_buf_reset(&c->body);
    bt_buf_add(&c->body, r->ev->body.ptr, flags_at);
    bt_buf_add_le(&c->body, r->frame->flags | BT_ROWS_STMT_END, 2);
    bt_buf_add(&c->body, r->ev->body.ptr + flags_at + 2, head - flags_at - 2);
    bt_buf_add_slice(&c->body, r->before);
    bt_buf_add_slice(&c->body, r->after);
    return send_body(c, r, r->ev->type, err);
}

/* The after image of an UPDATE as an INSERT; 1 when it does not hold the whole row. */
static int send_after(struct bt_careful *c, const struct row *r, struct bt_err *err)
{
    bool has_extra = r->ev->type == BT_UPDATE_ROWS;

    for (uint32_t i = 0; i < r->table->map.column_count; i++) {
        if (r->values.after[i].state == BT_VALUE_ABSENT)
            return 1;
    }
    if (r->frame->is_partial || (r->ev->type != BT_UPDATE_ROWS_V1 && !has_extra))
        return 1;
    bt_buf_reset(&c->body);
    bt_buf_add(&c->body, r->ev->body.ptr, id_size(r));
    bt_buf_add_le(&c->body, r->frame->flags | BT_ROWS_STMT_END, 2);
    if (has_extra)
        bt_buf_add_le(&c->body, 2, 2);
    if (r->frame->column_count < 251) {
        bt_buf_add_byte(&c->body, (uint8_t)r->frame->column_count);
    } else {
        bt_buf_add_byte(&c->body, 252);
        bt_buf_add_le(&c->body, r->frame->column_count, 2);
    }
    bt_buf_add_slice(&c->body, r->frame->after_columns);
    bt_buf_add_slice(&c->body, r->after);
    return send_body(c, r, (uint8_t)(r->ev->type - 1), err);
}

/* ------------------------------------------------------------ who holds a key */

/* A value as an expression; false when it has none that is sure to be equal. */
static bool add_literal(struct bt_buf *out, const struct row *r, size_t column,
                        const struct bt_value *value)
{
    struct bt_err ignored = {0};

    switch ((enum bt_value_kind)value->kind) {
    case BT_VALUE_INT:
        return bt_buf_addf(out, "%lld", (long long)value->i64);
    case BT_VALUE_UINT:
    case BT_VALUE_YEAR:
    case BT_VALUE_BIT:
    case BT_VALUE_ENUM:
    case BT_VALUE_SET:
        return bt_buf_addf(out, "%llu", (unsigned long long)value->u64);
    case BT_VALUE_TEXT:
        if (!r->keys->charsets[column][0])
            return bt_sql_add_hex(out, value->bytes);
        return bt_buf_add_str(out, "CONVERT(") && bt_sql_add_hex(out, value->bytes) &&
               bt_buf_addf(out, " USING %s)", r->keys->charsets[column]);
    case BT_VALUE_BINARY:
        return bt_sql_add_hex(out, value->bytes);
    case BT_VALUE_TIMESTAMP:
        return bt_buf_addf(out, "FROM_UNIXTIME(%lld.%06lld)", (long long)(value->i64 / 1000000),
                           (long long)(value->i64 % 1000000));
    case BT_VALUE_DECIMAL:
    case BT_VALUE_DATE:
    case BT_VALUE_TIME:
    case BT_VALUE_DATETIME:
    case BT_VALUE_INET4:
    case BT_VALUE_INET6:
    case BT_VALUE_UUID:
        return bt_buf_add_byte(out, '\'') &&
               bt_value_text(r->plan, column, value, out, &ignored) == 0 &&
               bt_buf_add_byte(out, '\'');
    case BT_VALUE_FLOAT:
    case BT_VALUE_DOUBLE:
    case BT_VALUE_GEOMETRY:
    case BT_VALUE_JSON:
    case BT_VALUE_JSON_DIFF:
    case BT_VALUE_VECTOR:
    case BT_VALUE_OPAQUE:
        return false;
    }
    return false;
}

/* Deletes the row that holds the key of this image; 1 when none can be named. */
static int delete_holder(struct bt_careful *c, const struct row *r, const struct bt_table_key *key,
                         const struct bt_value *image, struct bt_err *err)
{
    uint64_t deleted = 0;

    if (!key || r->keys->column_count != r->table->map.column_count)
        return 1;
    bt_buf_reset(&c->sql);
    bt_buf_add_str(&c->sql, "DELETE FROM ");
    bt_sql_add_name(&c->sql, r->table->map.db);
    bt_buf_add_byte(&c->sql, '.');
    bt_sql_add_name(&c->sql, r->table->map.table);
    for (unsigned i = 0; i < key->part_count; i++) {
        size_t column = key->parts[i].column;
        const struct bt_value *value = &image[column];

        if (value->state == BT_VALUE_ABSENT && r->values.before)
            value = &r->values.before[column];
        if (value->state != BT_VALUE_HERE || key->parts[i].prefix > 0)
            return 1;
        bt_buf_add_str(&c->sql, i ? " AND " : " WHERE ");
        bt_sql_add_name(&c->sql, bt_slice_str(r->keys->columns[column]));
        bt_buf_add_byte(&c->sql, '=');
        if (!add_literal(&c->sql, r, column, value))
            return 1;
    }
    if (bt_buf_check(&c->sql, "a DELETE", err) < 0 ||
        bt_connection_execute(c->front->connection, bt_buf_slice(&c->sql), bt_deadline_in(ASK_MS),
                              &deleted, err) < 0)
        return -1;
    return deleted > 0 ? 0 : 1;
}

/* ---------------------------------------------------------------- the policy */

/* After a failed statement the session goes on in its transaction. */
static int resume(struct bt_careful *c, struct bt_err *err)
{
    return bt_sender_resume(&c->front->sender, err);
}

static int overwrite_missing(struct bt_careful *c, const struct row *r, const char *key,
                             const struct bt_err *why, struct bt_err *err)
{
    struct bt_err failed = *why;
    int status = 0;

    if (r->frame->op == BT_ROWS_UPDATE)
        status = send_after(c, r, err);
    if (status == 1) {
        *err = failed;
        return stop_at(c, key, "the log does not hold the whole row", err);
    }
    return status;
}

/* The row failed with `why`.  Outputs: 0 dealt with, 1 send it again. */
static int decide(struct bt_careful *c, const struct row *r, const struct bt_err *why,
                  struct bt_err *err)
{
    bool is_missing = why->server_errno == ER_KEY_NOT_FOUND;
    const struct bt_value *image = is_missing || !r->values.after ? r->values.before
                                                                  : r->values.after;
    const struct bt_table_key *key = named_key(r->keys, is_missing ? "" : why->text);
    const char *text = describe(c, r, key, image);
    const char *what = is_missing ? "row not found" : "duplicate key";
    const char *table = c->front->statements.rows.table;
    int status = 0;

    *err = *why;
    if (c->policy == BT_CONFLICT_STOP) {
        tell(c, table, text, what, c->policy);
        return stop_at(c, text, "", err);
    }
    if (resume(c, err) < 0)
        return -1;
    if (c->policy == BT_CONFLICT_OVERWRITE && is_missing) {
        status = overwrite_missing(c, r, text, why, err);
    } else if (c->policy == BT_CONFLICT_OVERWRITE) {
        status = delete_holder(c, r, key, image, err);
        if (status == 1) {
            *err = *why;
            return stop_at(c, text, "who holds the key could not be told", err);
        }
        status = status == 0 ? 1 : -1;
    }
    if (status >= 0)
        tell(c, table, text, what, c->policy);
    return status;
}

static int run_row(struct bt_careful *c, const struct row *r, struct bt_err *err)
{
    size_t tries = r->keys->key_count + 1; /* each key may have a holder of its own */
    int status = 1;

    while (status == 1) {
        struct bt_err why = {0};

        if (send_row(c, r, &why) == 0)
            return 0;
        if (bt_connection_is_lost(c->front->connection) || !c->front->sender.is_conflict ||
            (why.server_errno != ER_KEY_NOT_FOUND && why.server_errno != ER_DUP_ENTRY) ||
            tries-- == 0) {
            *err = why;
            return -1;
        }
        status = decide(c, r, &why, err);
    }
    return status;
}

/* -------------------------------------------------------------------- events */

static int run_rows(struct bt_careful *c, const struct bt_event *ev, struct bt_err *err)
{
    struct bt_rows_event frame;
    struct row r = {.ev = ev, .frame = &frame};
    int status;

    if (bt_rows_event_read(ev, &frame, err) < 0)
        return -1;
    if (frame.is_dummy)
        return 0;
    r.table = bt_table_cache_get(c->tables, ev->header.server_id, frame.table_id);
    if (!r.table)
        return bt_fail(err, BT_ERR_CORRUPT, "rows of a table that no TABLE_MAP told");
    if (bt_key_source_find(c->keys, r.table->map.db, r.table->map.table, bt_deadline_in(ASK_MS),
                           &r.keys, err) < 0 ||
        bt_plan_of(r.table, NULL, &r.plan, err) < 0 ||
        bt_row_reader_begin(c->rows, r.plan, &frame, err) < 0)
        return -1;
    if (c->is_again && !r.keys->is_transactional)
        return bt_fail(err, BT_ERR_CONFLICT,
                       "%.*s.%.*s is of an engine whose changes no ROLLBACK takes back: the "
                       "transaction cannot be run again row by row",
                       BT_SLICE_ARG(r.table->map.db), BT_SLICE_ARG(r.table->map.table));
    while ((status = bt_row_reader_next(c->rows, &r.values, err)) == 0) {
        bt_row_reader_images(c->rows, &r.before, &r.after);
        if (run_row(c, &r, err) < 0)
            return -1;
    }
    if (frame.flags & BT_ROWS_STMT_END)
        bt_kept_reset(&c->maps);
    return status < 0 ? -1 : 0;
}

/* A statement that fails: its text is all that can be named. */
static int run_other(struct bt_careful *c, const struct bt_event *ev, struct bt_err *err)
{
    struct bt_slice text = bt_slice_empty();
    char what[40], shown[KEY_TEXT_SHOWN];
    struct bt_err why = {0}, ignored = {0};

    if (bt_session_event(c->front, ev, &why) == 0 &&
        bt_sender_flush(&c->front->sender, &why) == 0)
        return 0;
    *err = why;
    if (!c->front->sender.is_conflict || bt_connection_is_lost(c->front->connection) ||
        ev->type != BT_QUERY || bt_query_text_read(ev, &text, &ignored) < 0 ||
        bt_query_verb(text) != BT_VERB_DML)
        return -1;
    snprintf(what, sizeof(what), "error %u", why.server_errno);
    snprintf(shown, sizeof(shown), "%.*s", text.len > 300 ? 300 : (int)text.len,
             (const char *)text.ptr);
    if (c->policy == BT_CONFLICT_OVERWRITE)
        return stop_at(c, shown, "a statement does not say which rows it changes", err);
    if (c->policy == BT_CONFLICT_STOP)
        return -1;
    if (resume(c, err) < 0)
        return -1;
    tell(c, "", shown, what, c->policy);
    return 0;
}

int bt_careful_event(struct bt_careful *c, const struct bt_event *ev, struct bt_err *err)
{
    struct bt_table *table;

    if (ev->type == BT_TABLE_MAP) {
        if (bt_table_cache_put(c->tables, ev, &table, err) < 0)
            return -1;
        if (bt_kept_add(&c->maps, ev, err) != 0)
            return bt_fail(err, BT_ERR_LIMIT, "a statement with more than %d bytes of tables",
                           MAPS_MAX);
        return 0;
    }
    return bt_event_is_rows(ev->type) ? run_rows(c, ev, err) : run_other(c, ev, err);
}
