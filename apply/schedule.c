/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/schedule.h"

#include <stdlib.h>
#include <xxhash.h>

#include "parser/query.h"

enum {
    WRITERS_ROOM = 1 << 18, /* keys remembered; when they are too many, all is forgotten */
    HASHES_MAX = 8 << 20,   /* bytes of one transaction's write set */
    PART_MAX = 4096,
    KEY_MAX = 1 << 20,
};

/* Who wrote last: number + 1; 0 = nobody. */
struct writer {
    uint64_t hash, number;
};

struct bt_schedule {
    bt_schedule_keys *keys;
    void *ctx;
    struct bt_table_cache *tables;
    struct bt_row_reader *rows;
    struct writer *writers; /* open addressing */
    size_t writer_count;
    uint64_t barrier; /* the last one's number + 1 */

    /* the transaction */
    uint64_t number, after;
    bool is_barrier, is_ddl, is_unknown;
    struct bt_gtid_event gtid;
    struct bt_buf keys_written;   /* hashes, uint64_t each; who had them is asked at the end */
    struct bt_buf tables_written; /* the same of whole tables, which were asked about */
    struct bt_buf key;            /* the one at hand */

    /* what the source knew */
    uint64_t commit_id, group_first; /* MariaDB: of the group commit under way */
    int64_t clock_first, clock_last; /* MySQL: sequence numbers without a gap, and ... */
    uint64_t clock_number;           /* ... the number of the transaction with the first of them */
};

int bt_schedule_new(bt_schedule_keys *keys, void *ctx, struct bt_schedule **ret,
                    struct bt_err *err)
{
    struct bt_schedule *s = calloc(1, sizeof(*s));

    if (!s)
        return bt_fail(err, BT_ERR_SYSTEM, "out of memory");
    s->keys = keys;
    s->ctx = ctx;
    bt_buf_init(&s->keys_written, HASHES_MAX);
    bt_buf_init(&s->tables_written, HASHES_MAX);
    bt_buf_init(&s->key, KEY_MAX);
    s->writers = calloc(WRITERS_ROOM, sizeof(*s->writers));
    if (!s->writers) {
        bt_schedule_free(s);
        return bt_fail(err, BT_ERR_SYSTEM, "out of memory");
    }
    if (bt_table_cache_new(&s->tables, err) < 0 || bt_row_reader_new(&s->rows, err) < 0) {
        bt_schedule_free(s);
        return -1;
    }
    *ret = s;
    return 0;
}

void bt_schedule_free(struct bt_schedule *s)
{
    if (!s)
        return;
    if (s->tables)
        bt_table_cache_free(s->tables);
    bt_row_reader_free(s->rows);
    bt_buf_done(&s->keys_written);
    bt_buf_done(&s->tables_written);
    bt_buf_done(&s->key);
    free(s->writers);
    free(s);
}

/* ------------------------------------------------------------------ last writers */

static struct writer *writer_of(struct bt_schedule *s, uint64_t hash)
{
    size_t at = hash & (WRITERS_ROOM - 1);

    while (s->writers[at].number && s->writers[at].hash != hash)
        at = (at + 1) & (WRITERS_ROOM - 1);
    return &s->writers[at];
}

static void wait_for(struct bt_schedule *s, uint64_t after)
{
    if (after > s->after)
        s->after = after;
}

static void depend(struct bt_schedule *s, uint64_t hash)
{
    wait_for(s, writer_of(s, hash)->number);
}

/* The table of writers is larger than a processor's cache: while the next keys are made, the place
 * of this one is fetched. */
static void write_key(struct bt_schedule *s, uint64_t hash)
{
    __builtin_prefetch(&s->writers[hash & (WRITERS_ROOM - 1)], 1);
    bt_buf_add_le(&s->keys_written, hash, 8);
}

/* Rows by key wait for the last user of the whole table; the whole table for any row before it. */
static void write_table(struct bt_schedule *s, uint64_t table, bool is_whole)
{
    uint64_t whole = XXH3_64bits_withSeed(&table, sizeof(table), 1);
    uint64_t any = XXH3_64bits_withSeed(&table, sizeof(table), 2);

    depend(s, whole);
    if (is_whole) {
        depend(s, any);
        bt_buf_add_le(&s->tables_written, whole, 8);
    }
    bt_buf_add_le(&s->tables_written, any, 8);
}

/* ------------------------------------------------------------------------ keys */

/* Appends what is the same for all values that are equal to this one; false when that is not known.
 * A prefix counts characters, which are bytes only in ASCII. */
static bool add_text(struct bt_buf *out, const struct bt_index_part *part, struct bt_slice text)
{
    bool is_ascii = true;
    size_t len = text.len;

    for (size_t i = 0; i < text.len; i++)
        is_ascii = is_ascii && text.ptr[i] >= 0x20 && text.ptr[i] < 0x7f;
    if (!is_ascii && (part->text == BT_KEY_FOLDED || (part->prefix && part->text != BT_KEY_EXACT)))
        return false;
    if (part->prefix && len > part->prefix)
        len = part->prefix;
    while (part->text != BT_KEY_EXACT && len > 0 && text.ptr[len - 1] == ' ')
        len--;
    if (len > PART_MAX)
        len = PART_MAX;
    for (size_t i = 0; i < len; i++) {
        bool is_upper = part->text == BT_KEY_FOLDED && text.ptr[i] >= 'A' && text.ptr[i] <= 'Z';

        bt_buf_add_byte(out, is_upper ? (uint8_t)(text.ptr[i] | 0x20) : text.ptr[i]);
    }
    return bt_buf_add_le(out, len, 4);
}

static bool add_value(struct bt_buf *out, const struct bt_index_part *part,
                      const struct bt_value *value)
{
    uint64_t bits = 0;

    switch ((enum bt_value_kind)value->kind) {
    case BT_VALUE_INT:
    case BT_VALUE_UINT:
    case BT_VALUE_DATE:
    case BT_VALUE_TIME:
    case BT_VALUE_DATETIME:
    case BT_VALUE_TIMESTAMP:
    case BT_VALUE_YEAR:
    case BT_VALUE_BIT:
    case BT_VALUE_ENUM:
    case BT_VALUE_SET:
        return bt_buf_add_le(out, value->u64, 8);
    case BT_VALUE_FLOAT:
    case BT_VALUE_DOUBLE:
        if (value->f64 > 0 || value->f64 < 0) /* -0 is 0 */
            memcpy(&bits, &value->f64, sizeof(bits));
        return bt_buf_add_le(out, bits, 8);
    case BT_VALUE_TEXT:
    case BT_VALUE_BINARY:
        return add_text(out, part, value->bytes);
    case BT_VALUE_DECIMAL:
    case BT_VALUE_INET4:
    case BT_VALUE_INET6:
    case BT_VALUE_UUID:
        return bt_buf_add_slice(out, value->bytes) && bt_buf_add_le(out, value->bytes.len, 4);
    case BT_VALUE_GEOMETRY:
    case BT_VALUE_JSON:
    case BT_VALUE_JSON_DIFF:
    case BT_VALUE_VECTOR:
    case BT_VALUE_OPAQUE:
        return false;
    }
    return false;
}

/* The key of an image; values that an after image leaves out are those of the before image.
 * Returns false when it is not known. */
static bool add_key(struct bt_schedule *s, const struct bt_table_keys *t, size_t index,
                    const struct bt_value *image, const struct bt_value *before)
{
    const struct bt_table_key *key = &t->keys[index];
    struct bt_buf *bytes = &s->key;

    bt_buf_reset(bytes);
    bt_buf_add_le(bytes, t->id, 8);
    bt_buf_add_le(bytes, index, 8);
    for (unsigned i = 0; i < key->part_count; i++) {
        const struct bt_value *value = &image[key->parts[i].column];

        if (value->state == BT_VALUE_ABSENT && before)
            value = &before[key->parts[i].column];
        if (value->state == BT_VALUE_ABSENT)
            return false;
        if (value->state == BT_VALUE_NULL)
            return true; /* rivals nobody */
        if (!add_value(bytes, &key->parts[i], value))
            return false;
    }
    if (bytes->failed)
        return false;
    write_key(s, XXH3_64bits(bytes->data, bytes->len));
    return true;
}

static bool add_row(struct bt_schedule *s, const struct bt_table_keys *t, const struct bt_row *row)
{
    for (size_t i = 0; i < t->key_count; i++) {
        if (row->before && !add_key(s, t, i, row->before, NULL))
            return false;
        if (row->after && !add_key(s, t, i, row->after, row->before))
            return false;
    }
    return true;
}

/* 1: nothing may run beside it. */
static int add_rows(struct bt_schedule *s, const struct bt_event *ev, struct bt_err *err)
{
    const struct bt_table_keys *keys;
    const struct bt_plan *plan;
    struct bt_rows_event frame;
    struct bt_err ignored = {0};
    struct bt_table *table;
    struct bt_row row;
    bool known;
    int status;

    if (bt_rows_event_read(ev, &frame, err) < 0)
        return -1;
    if (frame.is_dummy)
        return 0;
    table = bt_table_cache_get(s->tables, ev->header.server_id, frame.table_id);
    if (!table)
        return 1;
    if (s->keys(s->ctx, table->map.db, table->map.table, &keys, err) < 0)
        return -1;
    if (keys->is_barrier)
        return 1;
    known = !keys->is_whole && keys->column_count == table->map.column_count &&
            bt_plan_of(table, NULL, &plan, &ignored) == 0 &&
            bt_row_reader_begin(s->rows, plan, &frame, &ignored) == 0;
    while (known && (status = bt_row_reader_next(s->rows, &row, &ignored)) != 1)
        known = status == 0 && add_row(s, keys, &row);
    write_table(s, keys->id, !known);
    return 0;
}

/* ---------------------------------------------------------------- transactions */

void bt_schedule_begin(struct bt_schedule *s, uint64_t number)
{
    s->number = number;
    s->after = s->barrier;
    s->is_barrier = s->is_ddl = s->is_unknown = false;
    s->gtid = (struct bt_gtid_event){0};
    bt_buf_reset(&s->keys_written);
    bt_buf_reset(&s->tables_written);
}

void bt_schedule_give_up(struct bt_schedule *s)
{
    s->is_unknown = true;
}

static void look_at_gtid(struct bt_schedule *s)
{
    enum { ALONE = BT_GTID_STANDALONE | BT_GTID_DDL | BT_GTID_PREPARED_XA | BT_GTID_COMPLETED_XA };
    bool is_mariadb = s->gtid.gtid.kind == BT_GTID_MARIADB;

    s->gtid.xid = bt_slice_empty(); /* borrowed from the event */
    if (is_mariadb && (s->gtid.flags & BT_GTID_DDL))
        s->is_ddl = true;
    if (is_mariadb && ((s->gtid.flags & ALONE) || !(s->gtid.flags & BT_GTID_TRANSACTIONAL)))
        s->is_barrier = true;
}

/* A statement writes what it likes: unknown, unless the source knew better.  What no source knows
 * (temporary tables live in one session) is a barrier. */
static int look_at_query(struct bt_schedule *s, const struct bt_event *ev, struct bt_err *err)
{
    struct bt_query q;

    if (bt_query_read(ev, &q, err) < 0)
        return -1;
    if (ev->header.flags & BT_FLAG_THREAD_SPECIFIC || q.is_load || q.error_code)
        s->is_barrier = true;
    switch (bt_query_verb(q.text)) {
    case BT_VERB_BEGIN:
    case BT_VERB_COMMIT:
    case BT_VERB_SAVEPOINT:
        break;
    case BT_VERB_DML:
        s->is_unknown = true;
        break;
    case BT_VERB_ROLLBACK:
    case BT_VERB_XA_START:
    case BT_VERB_XA_END:
    case BT_VERB_XA_PREPARE:
    case BT_VERB_XA_COMMIT:
    case BT_VERB_XA_ROLLBACK:
        s->is_barrier = true;
        break;
    case BT_VERB_OTHER:
    case BT_VERB_DDL:
        s->is_barrier = s->is_ddl = true;
        break;
    }
    return 0;
}

int bt_schedule_event(struct bt_schedule *s, const struct bt_event *ev, struct bt_err *err)
{
    struct bt_table *table;
    int status;

    switch ((int)ev->type) {
    case BT_FORMAT_DESCRIPTION:
        bt_table_cache_drop_all(s->tables);
        return 0;
    case BT_MARIADB_GTID:
    case BT_GTID:
    case BT_ANONYMOUS_GTID:
    case BT_GTID_TAGGED:
        if (bt_gtid_event_read(ev, &s->gtid, err) < 0)
            return -1;
        look_at_gtid(s);
        return 0;
    case BT_TABLE_MAP:
        return bt_table_cache_put(s->tables, ev, &table, err);
    case BT_QUERY:
    case BT_EXECUTE_LOAD_QUERY:
        return look_at_query(s, ev, err);
    case BT_XID:
    case BT_ANNOTATE_ROWS:
    case BT_ROWS_QUERY:
    case BT_TRANSACTION_PAYLOAD:
    case BT_INTVAR:
    case BT_RAND:
    case BT_USER_VAR:
        return 0;
    default:
        break;
    }
    if (!bt_event_is_rows(ev->type)) {
        s->is_barrier = true;
        return 0;
    }
    if (s->is_barrier || s->is_unknown)
        return 0;
    status = add_rows(s, ev, err);
    if (status == 1)
        s->is_barrier = true;
    return status < 0 ? -1 : 0;
}

/* ------------------------------------------------------------ what the source knew */

/* The number of the first transaction that ran beside this one there; its own without any. */
static uint64_t first_beside(struct bt_schedule *s)
{
    const struct bt_gtid_event *g = &s->gtid;

    if (g->gtid.kind == BT_GTID_MARIADB) {
        if (s->is_barrier || !g->commit_id || g->commit_id != s->commit_id)
            s->group_first = s->number;
        s->commit_id = s->is_barrier ? 0 : g->commit_id;
        return s->group_first;
    }
    if (g->sequence_number <= 0 || g->last_committed < 0 || s->is_barrier) {
        s->clock_first = s->clock_last = 0;
        return s->number;
    }
    if (s->clock_last == 0 || g->sequence_number != s->clock_last + 1) {
        s->clock_first = g->sequence_number;
        s->clock_number = s->number;
    }
    s->clock_last = g->sequence_number;
    if (g->last_committed >= g->sequence_number)
        return s->number;
    return g->last_committed < s->clock_first
               ? s->clock_number
               : s->clock_number + (uint64_t)(g->last_committed - s->clock_first) + 1;
}

static void depend_on_keys(struct bt_schedule *s)
{
    struct bt_cursor c = bt_cursor(bt_buf_slice(&s->keys_written));
    uint64_t hash;

    while (bt_cur_u64(&c, &hash))
        depend(s, hash);
}

static void remember(struct bt_schedule *s, const struct bt_buf *written)
{
    struct bt_cursor c = bt_cursor(bt_buf_slice(written));
    uint64_t hash;

    while (bt_cur_u64(&c, &hash)) {
        struct writer *w = writer_of(s, hash);

        s->writer_count += w->number == 0;
        *w = (struct writer){.hash = hash, .number = s->number + 1};
    }
}

static void remember_all(struct bt_schedule *s)
{
    size_t more = (s->keys_written.len + s->tables_written.len) / 8;

    if (s->writer_count + more > WRITERS_ROOM / 2) {
        memset(s->writers, 0, WRITERS_ROOM * sizeof(*s->writers));
        s->writer_count = 0;
        s->barrier = s->number + 1;
        return;
    }
    remember(s, &s->keys_written);
    remember(s, &s->tables_written);
}

void bt_schedule_end(struct bt_schedule *s, struct bt_schedule_place *ret)
{
    uint64_t beside = first_beside(s);

    if (s->keys_written.failed || s->tables_written.failed)
        s->is_unknown = true;
    if (s->is_barrier || s->is_unknown)
        s->after = s->number;
    else
        depend_on_keys(s);
    if (!s->is_barrier && beside < s->after)
        s->after = beside;
    *ret = (struct bt_schedule_place){
        .after = s->after, .is_barrier = s->is_barrier, .is_ddl = s->is_ddl};
    if (s->is_barrier || s->is_unknown)
        s->barrier = s->number + 1;
    else
        remember_all(s);
}
