/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/statement.h"

#include "apply/base64.h"
#include "parser/control.h"

enum { TEXT_MAX = INT32_MAX, HELD_MAX = 64 * 1024 };

void bt_statements_init(struct bt_statements *s, const struct bt_statements_opts *opts)
{
    *s = (struct bt_statements){.opts = *opts};
    bt_context_init(&s->context, opts->target, opts->target_version, opts->collations);
    bt_row_statement_init(&s->rows);
    s->rows.takes_partial = opts->target == BT_FLAVOR_MYSQL && opts->target_version >= 80003;
    bt_load_files_init(&s->files);
    bt_buf_init(&s->text, TEXT_MAX);
    bt_buf_init(&s->use, 4096);
    bt_buf_init(&s->set, TEXT_MAX);
    bt_buf_init(&s->format, 16384);
    bt_buf_init(&s->held_sql, TEXT_MAX);
}

void bt_statements_done(struct bt_statements *s)
{
    bt_context_done(&s->context);
    bt_row_statement_done(&s->rows);
    bt_load_files_done(&s->files);
    bt_buf_done(&s->text);
    bt_buf_done(&s->use);
    bt_buf_done(&s->set);
    bt_buf_done(&s->format);
    bt_buf_done(&s->held_sql);
}

void bt_statements_begin(struct bt_statements *s)
{
    s->gtid = (struct bt_gtid_event){0};
    s->has_gtid = s->is_open = s->is_skipped = s->ended = s->gtid_pending = s->saw_xa_end = false;
    s->xid[0] = '\0';
    s->held = BT_HELD_NONE;
    bt_row_statement_reset(&s->rows);
    s->rows.table[0] = '\0';
}

bool bt_statements_is_skipped(const struct bt_statements *s)
{
    return s->is_skipped;
}

/* ------------------------------------------------------------------- emitting */

static int emit(struct bt_statements *s, struct bt_step step, struct bt_err *err)
{
    if (step.sql.len + 1 > s->opts.packet_max)
        return bt_fail(err, BT_ERR_LIMIT,
                       "a statement of %zu bytes is larger than the target's max_allowed_packet "
                       "of %llu",
                       step.sql.len, (unsigned long long)s->opts.packet_max);
    step.table = s->rows.table;
    return s->opts.emit(s->opts.ctx, &step, err);
}

static int emit_context(struct bt_statements *s, struct bt_slice sql, struct bt_err *err)
{
    return emit(s, (struct bt_step){.kind = BT_STEP_CONTEXT, .sql = sql, .file = -1}, err);
}

static bool keeps_mysql(const struct bt_statements *s)
{
    return s->opts.keep_gtids && s->has_gtid && s->opts.target == BT_FLAVOR_MYSQL &&
           s->gtid.gtid.kind == BT_GTID_MYSQL;
}

/* Sends what the context has gathered. */
static int emit_wanted(struct bt_statements *s, struct bt_err *err)
{
    bool utf8;

    bt_buf_reset(&s->use);
    bt_buf_reset(&s->set);
    if (bt_context_take(&s->context, &utf8, &s->use, &s->set, err) < 0)
        return -1;
    if (utf8 && emit_context(s, bt_slice_str("SET character_set_client=45"), err) < 0)
        return -1;
    /* Behind the end of a transaction MySQL takes SET alone (sql/rpl_gtid_execution.cc, 5.6). */
    if (s->use.len > 0 && !s->is_open && keeps_mysql(s) &&
        emit_context(s, bt_slice_str("SET gtid_next='AUTOMATIC'"), err) < 0)
        return -1;
    if (s->use.len > 0 && emit_context(s, bt_buf_slice(&s->use), err) < 0)
        return -1;
    return s->set.len > 0 ? emit_context(s, bt_buf_slice(&s->set), err) : 0;
}

/* ------------------------------------------------------------- begin of transactions */

static bool keeps_mariadb(const struct bt_statements *s)
{
    return s->opts.keep_gtids && s->has_gtid && s->opts.target == BT_FLAVOR_MARIADB &&
           s->gtid.gtid.kind == BT_GTID_MARIADB;
}

static void want_domain(struct bt_statements *s)
{
    const struct bt_gtid *g = &s->gtid.gtid;

    bt_context_want(&s->context, BT_CONTEXT_SERVER_ID, g->server_id);
    bt_context_want(&s->context, BT_CONTEXT_GTID_DOMAIN_ID, g->domain);
    bt_context_want(&s->context, BT_CONTEXT_SKIP_PARALLEL,
                    !(s->gtid.flags & BT_GTID_ALLOW_PARALLEL));
}

static void want_sequence(struct bt_statements *s, uint64_t sequence)
{
    want_domain(s);
    bt_context_want_again(&s->context, BT_CONTEXT_GTID_SEQ_NO, sequence);
}

static void want_gtid(struct bt_statements *s)
{
    char text[BT_GTID_TEXT_SIZE];

    if (!s->gtid_pending)
        return;
    s->gtid_pending = false;
    if (keeps_mariadb(s))
        want_sequence(s, s->gtid.gtid.sequence);
    else if (keeps_mysql(s))
        bt_context_assign(&s->context, "gtid_next='%s'", bt_gtid_text(&s->gtid.gtid, text));
}

/* The FORMAT_DESCRIPTION that rows are read by.  MySQL takes none in a transaction whose gtid_next
 * is AUTOMATIC, and has gtid_next undecided behind it (sql/rpl_rli.cc, set_rli_description_event,
 * 9.7), which gtid_mode=ON then refuses to decide. */
static int emit_format(struct bt_statements *s, struct bt_err *err)
{
    if (s->format_sent || s->format.len == 0)
        return 0;
    s->format_sent = true;
    if (s->opts.target != BT_FLAVOR_MYSQL)
        return emit_context(s, bt_buf_slice(&s->format), err);
    if (emit_context(s, bt_slice_str("SET gtid_next='AUTOMATIC'"), err) < 0 ||
        emit_context(s, bt_buf_slice(&s->format), err) < 0)
        return -1;
    return emit_context(s, bt_slice_str("SET gtid_next='AUTOMATIC'"), err);
}

/* Everything in front of the first work of a transaction that ends with COMMIT. */
static int open_transaction(struct bt_statements *s, struct bt_err *err)
{
    if (s->is_open)
        return 0;
    if (s->opts.target == BT_FLAVOR_MYSQL && emit_format(s, err) < 0)
        return -1;
    want_gtid(s);
    if (emit_wanted(s, err) < 0)
        return -1;
    s->is_open = true;
    bt_buf_reset(&s->text);
    if (s->xid[0] && s->opts.target == BT_FLAVOR_MARIADB)
        bt_buf_addf(&s->text, "XA START %s", s->xid);
    else
        bt_buf_add_str(&s->text, "START TRANSACTION");
    return emit_context(s, bt_buf_slice(&s->text), err);
}

static void xid_text(char *to, size_t room, uint32_t format, struct bt_slice gtrid,
                     struct bt_slice bqual)
{
    size_t len = 0;

    len += (size_t)snprintf(to, room, "X'");
    for (size_t i = 0; i < gtrid.len && len + 40 < room; i++)
        len += (size_t)snprintf(to + len, room - len, "%02x", gtrid.ptr[i]);
    len += (size_t)snprintf(to + len, room - len, "',X'");
    for (size_t i = 0; i < bqual.len && len + 40 < room; i++)
        len += (size_t)snprintf(to + len, room - len, "%02x", bqual.ptr[i]);
    snprintf(to + len, room - len, "',%u", format);
}

static int feed_gtid(struct bt_statements *s, const struct bt_event *ev, struct bt_err *err)
{
    if (bt_gtid_event_read(ev, &s->gtid, err) < 0)
        return -1;
    s->has_gtid = true;
    s->gtid_pending = true;
    /* A split ALTER is run whole when its COMMIT comes. */
    s->is_skipped = s->gtid.gtid.kind == BT_GTID_MARIADB &&
                    (s->gtid.flags_extra & (BT_GTID_START_ALTER | BT_GTID_ROLLBACK_ALTER));
    if (s->gtid.gtid.kind == BT_GTID_MARIADB && (s->gtid.flags & BT_GTID_PREPARED_XA)) {
        struct bt_cursor c = bt_cursor(s->gtid.xid);
        struct bt_slice gtrid, bqual;
        uint8_t gtrid_len, bqual_len;
        uint32_t format;

        if (!(bt_cur_u32(&c, &format) && bt_cur_u8(&c, &gtrid_len) && bt_cur_u8(&c, &bqual_len) &&
              bt_cur_take(&c, gtrid_len, &gtrid) && bt_cur_take(&c, bqual_len, &bqual)) ||
            gtrid_len > 64 || bqual_len > 64)
            return bt_fail(err, BT_ERR_CORRUPT, "XA transaction with an id of %zu bytes",
                           s->gtid.xid.len);
        xid_text(s->xid, sizeof(s->xid), format, gtrid, bqual);
    }
    return 0;
}

/* ------------------------------------------------------- one statement held back */

static bool is_undoable(const struct bt_statements *s)
{
    return s->gtid.gtid.kind == BT_GTID_MARIADB && (s->gtid.flags & BT_GTID_TRANSACTIONAL) &&
           !(s->gtid.flags & BT_GTID_DDL);
}

static bool may_hold(const struct bt_statements *s)
{
    return s->opts.join_ends && !s->is_open && s->held == BT_HELD_NONE && !s->xid[0] &&
           is_undoable(s);
}

/* The transaction goes on: it is opened, and what was held is its first work. */
static int release(struct bt_statements *s, struct bt_err *err)
{
    bool is_text = s->held == BT_HELD_TEXT;
    struct bt_step step = {.kind = BT_STEP_WORK, .may_undo = true, .file = -1};

    if (s->held == BT_HELD_NONE)
        return 0;
    s->held = BT_HELD_NONE;
    if (open_transaction(s, err) < 0)
        return -1;
    step.is_event_text = is_text;
    step.sql = bt_buf_slice(&s->held_sql);
    return emit(s, step, err);
}

/* What was held is the whole transaction. */
static int emit_held(struct bt_statements *s, struct bt_err *err)
{
    bool is_text = s->held == BT_HELD_TEXT;
    struct bt_step step = {.kind = BT_STEP_END, .is_event_text = is_text, .file = -1};

    s->held = BT_HELD_NONE;
    s->ended = true;
    step.sql = bt_buf_slice(&s->held_sql);
    if (!is_text && s->gtid_pending && keeps_mariadb(s)) {
        s->gtid_pending = false;
        want_domain(s);
        bt_buf_reset(&s->text);
        bt_buf_addf(&s->text, "SET STATEMENT gtid_seq_no=%llu FOR ",
                    (unsigned long long)s->gtid.gtid.sequence);
        bt_buf_add_slice(&s->text, step.sql);
        if (bt_buf_check(&s->text, "a BINLOG statement", err) < 0)
            return -1;
        step.sql = bt_buf_slice(&s->text);
    }
    want_gtid(s);
    return emit_wanted(s, err) < 0 ? -1 : emit(s, step, err);
}

/* --------------------------------------------------------------- end of transactions */

static int emit_end(struct bt_statements *s, const char *sql, struct bt_err *err)
{
    if (s->rows.is_open)
        return bt_fail(err, BT_ERR_CORRUPT, "the rows of %s are not closed before %s",
                       s->rows.table, sql);
    if (s->held != BT_HELD_NONE && strcmp(sql, "COMMIT") == 0)
        return emit_held(s, err);
    if (release(s, err) < 0)
        return -1;
    if (open_transaction(s, err) < 0)
        return -1;
    s->ended = true;
    s->is_open = false;
    return emit(s, (struct bt_step){.kind = BT_STEP_END, .sql = bt_slice_str(sql), .file = -1},
                err);
}

static int feed_xa_prepare(struct bt_statements *s, const struct bt_event *ev, struct bt_err *err)
{
    struct bt_xa_prepare xa;
    char xid[300], text[340];

    if (bt_xa_prepare_read(ev, &xa, err) < 0)
        return -1;
    xid_text(xid, sizeof(xid), xa.format_id, xa.gtrid, xa.bqual);
    /* XA END is a statement of its own in the log, but nothing promises it. */
    if (!s->saw_xa_end) {
        snprintf(text, sizeof(text), "XA END %s", xid);
        if (open_transaction(s, err) < 0 ||
            emit(s, (struct bt_step){.kind = BT_STEP_WORK, .sql = bt_slice_str(text), .file = -1},
                 err) < 0)
            return -1;
    }
    if (xa.one_phase)
        snprintf(text, sizeof(text), "XA COMMIT %s ONE PHASE", xid);
    else
        snprintf(text, sizeof(text), "XA PREPARE %s", xid);
    return emit_end(s, text, err);
}

/* ------------------------------------------------------------------- statements */

/* Whether a ROLLBACK takes back what this transaction does: the log says so (MariaDB). */
static bool may_undo(const struct bt_statements *s)
{
    return s->is_open && is_undoable(s);
}

static int emit_text(struct bt_statements *s, const struct bt_event *ev, const struct bt_query *q,
                     bool alone, struct bt_err *err)
{
    enum bt_query_verb verb = bt_query_verb(q->text);
    struct bt_step step = {.kind = alone ? BT_STEP_END : BT_STEP_WORK,
                           .sql = q->text,
                           .may_undo = !alone && may_undo(s),
                           .is_event_text = true,
                           .is_lone = alone,
                           .is_xa_end = verb == BT_VERB_XA_COMMIT || verb == BT_VERB_XA_ROLLBACK,
                           .expected_errno = q->error_code,
                           .file = -1};

    step.may_log_nothing = step.is_xa_end && keeps_mysql(s);
    if (bt_context_query(&s->context, ev, q, err) < 0)
        return bt_err_wrap(err, "context of a statement");
    if (emit_wanted(s, err) < 0)
        return -1;
    if (q->is_load) {
        bt_buf_reset(&s->text);
        if (bt_load_file_statement(q, &s->text, err) < 0 ||
            bt_load_files_take(&s->files, q->file_id, &step.file, err) < 0)
            return -1;
        step.sql = bt_buf_slice(&s->text);
    }
    if (alone)
        s->ended = true;
    /* It may have dropped, made or renamed the default database. */
    if (alone || (ev->header.flags & BT_FLAG_SUPPRESS_USE))
        bt_context_forget_db(&s->context);
    return emit(s, step, err);
}

/* CREATE .. SELECT with rows: CREATE TABLE, which commits by itself, then its rows, under one GTID
 * (MariaDB: DDL without STANDALONE).  A client cannot give both one GTID without the second being
 * lost to a resume in between, so the CREATE is logged under the number before it. */
static int feed_create_select(struct bt_statements *s, const struct bt_event *ev,
                              const struct bt_query *q, struct bt_err *err)
{
    struct bt_step step = {
        .kind = BT_STEP_WORK, .sql = q->text, .is_event_text = true, .file = -1};

    if (keeps_mariadb(s) && s->gtid.gtid.sequence > 1)
        want_sequence(s, s->gtid.gtid.sequence - 1);
    if (bt_context_query(&s->context, ev, q, err) < 0 || emit_wanted(s, err) < 0 ||
        emit(s, step, err) < 0)
        return -1;
    s->gtid_pending = true;
    return 0;
}

/* A text with a context of its own is held with it. */
static bool may_hold_text(const struct bt_statements *s, const struct bt_event *ev,
                          const struct bt_query *q, enum bt_query_verb verb)
{
    return may_hold(s) && verb == BT_VERB_DML && !q->is_load && q->error_code == 0 &&
           !(ev->header.flags & (BT_FLAG_SUPPRESS_USE | BT_FLAG_THREAD_SPECIFIC)) &&
           q->text.len <= HELD_MAX;
}

static int hold_text(struct bt_statements *s, const struct bt_event *ev, const struct bt_query *q,
                     struct bt_err *err)
{
    want_gtid(s);
    if (bt_context_query(&s->context, ev, q, err) < 0)
        return bt_err_wrap(err, "context of a statement");
    bt_buf_reset(&s->held_sql);
    bt_buf_add_slice(&s->held_sql, q->text);
    s->held = BT_HELD_TEXT;
    return bt_buf_check(&s->held_sql, "a statement", err);
}

static bool is_alone(const struct bt_statements *s)
{
    if (s->gtid.gtid.kind == BT_GTID_MARIADB)
        return s->gtid.flags & BT_GTID_STANDALONE;
    return !s->is_open;
}

static int feed_query(struct bt_statements *s, const struct bt_event *ev, struct bt_err *err)
{
    enum bt_query_verb verb;
    struct bt_query q;

    if (bt_query_read(ev, &q, err) < 0)
        return -1;
    verb = q.is_load ? BT_VERB_DML : bt_query_verb(q.text);
    s->saw_xa_end |= verb == BT_VERB_XA_END;
    if (verb != BT_VERB_COMMIT && release(s, err) < 0)
        return -1;
    switch ((int)verb) {
    case BT_VERB_BEGIN:
        return open_transaction(s, err);
    case BT_VERB_COMMIT:
        return emit_end(s, "COMMIT", err);
    case BT_VERB_ROLLBACK:
        return emit_end(s, "ROLLBACK", err);
    case BT_VERB_XA_START: /* MySQL: the text opens the transaction */
        if (s->opts.target == BT_FLAVOR_MYSQL && emit_format(s, err) < 0)
            return -1;
        want_gtid(s);
        s->is_open = true;
        return emit_text(s, ev, &q, false, err);
    default:
        break;
    }
    if (is_alone(s)) {
        want_gtid(s);
        return emit_text(s, ev, &q, true, err);
    }
    if (!s->is_open && verb == BT_VERB_DDL && !(ev->header.flags & BT_FLAG_THREAD_SPECIFIC))
        return feed_create_select(s, ev, &q, err);
    if (may_hold_text(s, ev, &q, verb))
        return hold_text(s, ev, &q, err);
    /* One SET serves the GTID and the first statement: START TRANSACTION uses up nothing of it. */
    want_gtid(s);
    if (!s->is_open && (bt_context_query(&s->context, ev, &q, err) < 0 ||
                        open_transaction(s, err) < 0))
        return -1;
    return emit_text(s, ev, &q, false, err);
}

static int feed_values(struct bt_statements *s, const struct bt_event *ev, struct bt_err *err)
{
    struct bt_user_var var;
    struct bt_intvar intvar;
    struct bt_rand seeds;

    switch ((int)ev->type) {
    case BT_INTVAR:
        if (bt_intvar_read(ev, &intvar, err) < 0)
            return -1;
        bt_context_assign(&s->context, "%s=%llu",
                          intvar.kind == BT_INTVAR_INSERT_ID ? "insert_id" : "last_insert_id",
                          (unsigned long long)intvar.value);
        return 0;
    case BT_RAND:
        if (bt_rand_read(ev, &seeds, err) < 0)
            return -1;
        bt_context_assign(&s->context, "rand_seed1=%llu,rand_seed2=%llu",
                          (unsigned long long)seeds.seed1, (unsigned long long)seeds.seed2);
        return 0;
    default:
        if (bt_user_var_read(ev, &var, err) < 0)
            return -1;
        return bt_context_user_var(&s->context, &var, err);
    }
}

/* ------------------------------------------------------------------------ rows */

static int send_rows(struct bt_statements *s, struct bt_err *err)
{
    struct bt_step step = {.kind = BT_STEP_WORK, .file = -1};
    size_t length = bt_base64_length(s->rows.bytes.len);
    bool holds = may_hold(s) && length <= HELD_MAX && length < s->opts.packet_max / 2;
    int pieces;

    if (!holds && open_transaction(s, err) < 0)
        return -1;
    step.may_undo = may_undo(s);
    if (emit_format(s, err) < 0)
        return -1;
    if (bt_row_statement_pieces(&s->rows, s->opts.packet_max, &pieces, err) < 0)
        return -1;
    if (holds) {
        s->held = BT_HELD_ROWS;
        bt_buf_reset(&s->held_sql);
        if (bt_row_statement_text(&s->rows, 0, 1, &s->held_sql, err) < 0)
            return -1;
        bt_row_statement_reset(&s->rows);
        return 0;
    }
    for (int i = 0; i < pieces; i++) {
        bt_buf_reset(&s->text);
        if (bt_row_statement_text(&s->rows, i, pieces, &s->text, err) < 0)
            return -1;
        step.kind = i == pieces - 1 ? BT_STEP_WORK : BT_STEP_CONTEXT;
        step.sql = bt_buf_slice(&s->text);
        if (emit(s, step, err) < 0)
            return -1;
    }
    bt_row_statement_reset(&s->rows);
    return 0;
}

static int feed_rows(struct bt_statements *s, const struct bt_event *ev, struct bt_err *err)
{
    if (release(s, err) < 0 || bt_row_statement_add(&s->rows, ev, err) < 0)
        return -1;
    return s->rows.is_whole ? send_rows(s, err) : 0;
}

static int feed_format(struct bt_statements *s, const struct bt_event *ev, struct bt_err *err)
{
    bt_buf_reset(&s->format);
    s->format_sent = false;
    bt_context_source(&s->context, ev->format);
    return bt_row_statement_format(ev->raw, ev->format, &s->format, err);
}

/* ----------------------------------------------------------------------- dispatch */

static int feed_rare(struct bt_statements *s, const struct bt_event *ev, struct bt_err *err)
{
    const char *name = bt_event_type_name(ev->header.type);
    struct bt_incident incident;

    (void)s;
    switch ((int)ev->type) {
    case BT_TRANSACTION_PAYLOAD: /* the reader hands out what is in it behind it */
    case BT_ROTATE:
    case BT_STOP:
    case BT_ROWS_QUERY:
    case BT_ANNOTATE_ROWS:
    case BT_BINLOG_CHECKPOINT:
    case BT_GTID_LIST:
    case BT_PREVIOUS_GTIDS:
    case BT_HEARTBEAT:
    case BT_HEARTBEAT_V2:
    case BT_IGNORABLE:
    case BT_TRANSACTION_CONTEXT:
    case BT_VIEW_CHANGE:
        return 0;
    case BT_INCIDENT:
        if (bt_incident_read(ev, &incident, err) < 0)
            return -1;
        return bt_fail(err, BT_ERR_CONFLICT,
                       "the source logged an incident, from here on its log is not whole: %.*s",
                       BT_SLICE_ARG(incident.text));
    default:
        if (ev->header.flags & BT_FLAG_IGNORABLE)
            return 0;
        return bt_fail(err, BT_ERR_REALITY, "cannot replay an event of type %u (%s)",
                       ev->header.type, name ? name : "not known");
    }
}

int bt_statements_feed(struct bt_statements *s, const struct bt_event *ev, struct bt_err *err)
{
    if (ev->type == BT_FORMAT_DESCRIPTION)
        return feed_format(s, ev, err);
    if (s->is_skipped)
        return 0;
    switch ((int)ev->type) {
    case BT_MARIADB_GTID:
    case BT_GTID:
    case BT_ANONYMOUS_GTID:
    case BT_GTID_TAGGED:
        return feed_gtid(s, ev, err);
    case BT_QUERY:
    case BT_EXECUTE_LOAD_QUERY:
        return feed_query(s, ev, err);
    case BT_XID:
        return emit_end(s, "COMMIT", err);
    case BT_XA_PREPARE:
        return feed_xa_prepare(s, ev, err);
    case BT_INTVAR:
    case BT_RAND:
    case BT_USER_VAR:
        return release(s, err) < 0 ? -1 : feed_values(s, ev, err);
    case BT_BEGIN_LOAD_QUERY:
    case BT_APPEND_BLOCK:
    case BT_DELETE_FILE:
        return release(s, err) < 0 ? -1 : bt_load_files_feed(&s->files, ev, err);
    case BT_TABLE_MAP:
        return feed_rows(s, ev, err);
    default:
        return bt_event_is_rows(ev->type) ? feed_rows(s, ev, err) : feed_rare(s, ev, err);
    }
}
