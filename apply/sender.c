/* SPDX-License-Identifier: Apache-2.0 */
#include "apply/sender.h"

#include <stdio.h>
#include <strings.h>
#include <unistd.h>

#include "base/auto.h"

enum {
    PACKET_FIRST = 4096, /* so that the first transactions are there soon */
    PACKET_LATER = 48 * 1024,
    GUARD_ROOM = 128,
    NAMES_MAX = 1 << 20,
    STUCK_MS = 100,
};

/* Server errors (include/mysqld_error.h, MariaDB 10.11). */
enum {
    ER_SERVER_SHUTDOWN = 1053,
    ER_LOCK_WAIT_TIMEOUT = 1205,
    ER_XA_RBROLLBACK = 1402,
    ER_LOCK_DEADLOCK = 1213,
    ER_QUERY_INTERRUPTED = 1317,
    ER_CONNECTION_KILLED = 1927,
    /* the row was changed since the snapshot (11.x: innodb_snapshot_isolation) */
    ER_CHECKREAD = 1020,
};

int bt_sender_init(struct bt_sender *s, struct bt_connection *c, uint64_t packet_max,
                   struct bt_err *err)
{
    struct bt_deadline soon = bt_deadline_in(10000);

    *s = (struct bt_sender){.connection = c,
                            .statement_ms = 3600 * 1000,
                            .packet_max = packet_max,
                            .room = PACKET_FIRST};
    for (unsigned i = 0; i < BT_SENDER_PACKETS; i++) {
        bt_buf_init(&s->packets[i].text, INT32_MAX);
        bt_buf_init(&s->packets[i].names, NAMES_MAX);
    }
    return bt_connection_execute(c, bt_slice_str("SET @baton_packet=0"), soon, NULL, err);
}

void bt_sender_done(struct bt_sender *s)
{
    for (unsigned i = 0; i < BT_SENDER_PACKETS; i++) {
        bt_buf_done(&s->packets[i].text);
        bt_buf_done(&s->packets[i].names);
    }
}

/* ------------------------------------------------------------------ packets */

static struct bt_sender_packet *packet_at(struct bt_sender *s, unsigned index)
{
    return &s->packets[(s->first + index) % BT_SENDER_PACKETS];
}

static struct bt_sender_packet *being_made(struct bt_sender *s)
{
    return packet_at(s, s->on_their_way);
}

static void empty(struct bt_sender_packet *p)
{
    bt_buf_reset(&p->text);
    bt_buf_reset(&p->names);
    p->count = p->answered = p->transaction_count = 0;
}

void bt_sender_transaction(struct bt_sender *s, const struct bt_sender_transaction *t)
{
    s->now = *t;
}

/* Index of the current transaction in the packet. */
static uint8_t note_transaction(const struct bt_sender *s, struct bt_sender_packet *p)
{
    struct bt_sender_transaction *last = &p->transactions[p->transaction_count];

    if (p->transaction_count == 0 || last[-1].number != s->now.number)
        p->transaction_count++;
    else
        last--;
    *last = s->now; /* its end may be known by now */
    return (uint8_t)(p->transaction_count - 1);
}

static size_t note_table(struct bt_sender_packet *p, const char *table)
{
    const struct bt_sender_item *last = p->count > 0 ? &p->items[p->count - 1] : NULL;
    size_t at;

    if (p->names.len == 0)
        bt_buf_add_byte(&p->names, '\0');
    if (!table || !*table)
        return 0;
    if (last && last->table > 0 && strcmp((const char *)p->names.data + last->table, table) == 0)
        return last->table;
    at = p->names.len;
    bt_buf_add(&p->names, table, strlen(table) + 1);
    return at;
}

static void add_text(struct bt_sender *s, enum bt_step_kind kind, struct bt_slice sql)
{
    struct bt_sender_packet *p = being_made(s);
    struct bt_sender_item *item;
    uint8_t transaction;

    if (p->count > 0)
        bt_buf_add_str(&p->text, "\n;");
    transaction = note_transaction(s, p);
    item = &p->items[p->count];
    *item = (struct bt_sender_item){
        .kind = kind, .transaction = transaction, .from = p->text.len, .len = sql.len};
    bt_buf_add_slice(&p->text, sql);
    p->count++;
}

static void add_guard(struct bt_sender *s, bool is_end)
{
    char text[GUARD_ROOM];

    if (is_end)
        snprintf(text, sizeof(text), "SET @baton_packet=%llu", (unsigned long long)s->made + 1);
    else
        snprintf(text, sizeof(text), "SET @baton_guard=EXP(710*(@baton_packet<>%llu))",
                 (unsigned long long)s->made);
    add_text(s, BT_STEP_CONTEXT, bt_slice_str(text));
}

/* ------------------------------------------------------------------ errors */

int bt_sender_name(const struct bt_sender_transaction *t, const char *table, struct bt_err *err)
{
    char gtid[BT_GTID_TEXT_SIZE], where[BT_LOG_NAME_MAX + 40] = "";

    bt_gtid_text(&t->gtid, gtid);
    if (t->end.file[0])
        snprintf(where, sizeof(where), " ending at %s:%llu", t->end.file,
                 (unsigned long long)t->end.pos);
    return bt_err_wrap(err, "transaction %s%sat offset %llu%s%s%s", gtid, gtid[0] ? " " : "",
                       (unsigned long long)t->offset, where,
                       table && *table ? ", table " : "", table ? table : "");
}

/* What the target answers when its data is not what the log was made from. */
static bool is_conflict(unsigned number)
{
    switch (number) {
    case 1007: /* ER_DB_CREATE_EXISTS */
    case 1008: /* ER_DB_DROP_EXISTS */
    case 1032: /* ER_KEY_NOT_FOUND */
    case 1049: /* ER_BAD_DB_ERROR */
    case 1050: /* ER_TABLE_EXISTS_ERROR */
    case 1051: /* ER_BAD_TABLE_ERROR */
    case 1054: /* ER_BAD_FIELD_ERROR */
    case 1060: /* ER_DUP_FIELDNAME */
    case 1061: /* ER_DUP_KEYNAME */
    case 1062: /* ER_DUP_ENTRY */
    case 1091: /* ER_CANT_DROP_FIELD_OR_KEY */
    case 1146: /* ER_NO_SUCH_TABLE */
    case 1451: /* ER_ROW_IS_REFERENCED_2 */
    case 1452: /* ER_NO_REFERENCED_ROW_2 */
    case 1677: /* ER_SLAVE_CONVERSION_FAILED */
    case 1950: /* ER_GTID_STRICT_OUT_OF_ORDER */
        return true;
    default:
        return false;
    }
}

/* MariaDB 10.6+ finishes a DDL that a crash cut off, under a GTID of its own (seen with 10.11). */
static void add_hint(struct bt_err *err)
{
    size_t len = strlen(err->text);

    snprintf(
        err->text + len, sizeof(err->text) - len,
        ".  A server that was killed in this statement may have finished it when it came back, "
        "and logged it under a GTID of its own");
}

static struct bt_deadline statement_deadline(const struct bt_sender *s)
{
    struct bt_deadline d = bt_deadline_in(s->statement_ms);

    return s->deadline.at_ms ? bt_deadline_earlier(d, s->deadline) : d;
}

/* Says what failed and why; the error holds the server's answer. */
static int fail(struct bt_sender *s, const struct bt_sender_transaction *t, const char *table,
                bool is_lone, struct bt_err *err)
{
    unsigned number = err->server_errno;

    s->failed = true;
    s->failed_at = *t;
    s->is_conflict = is_conflict(number);
    s->is_busy = number == ER_LOCK_WAIT_TIMEOUT || number == ER_LOCK_DEADLOCK ||
                 number == ER_CHECKREAD;
    if (s->is_conflict) {
        err->kind = BT_ERR_CONFLICT;
        if (is_lone)
            add_hint(err);
    }
    return bt_sender_name(t, table, err);
}

/* The first packet on its way stopped at the item whose answer was to come. */
static int fail_at(struct bt_sender *s, struct bt_sender_packet *p, struct bt_err *err)
{
    const struct bt_sender_item *item = &p->items[p->answered];

    return fail(s, &p->transactions[item->transaction], (const char *)p->names.data + item->table,
                item->is_lone, err);
}

const struct bt_sender_transaction *bt_sender_unknown(const struct bt_sender *s, unsigned index)
{
    for (unsigned i = 0; i < s->on_their_way; i++) {
        const struct bt_sender_packet *p = &s->packets[(s->first + i) % BT_SENDER_PACKETS];

        for (unsigned at = p->answered; at < p->count; at++) {
            if (p->items[at].kind == BT_STEP_END && index-- == 0)
                return &p->transactions[p->items[at].transaction];
        }
    }
    return NULL;
}

/* ------------------------------------------------------------ sending, reading */

/* Lets somebody else look while an answer does not come. */
static void wait_for_answer(struct bt_sender *s)
{
    struct bt_deadline deadline = statement_deadline(s);

    while (s->stuck && !bt_connection_has_answer(s->connection, STUCK_MS) &&
           !bt_deadline_passed(deadline))
        s->stuck(s->stuck_ctx);
}

static int read_oldest(struct bt_sender *s, struct bt_err *err)
{
    struct bt_sender_packet *p = packet_at(s, 0);

    for (; p->answered < p->count; p->answered++) {
        const struct bt_sender_item *item = &p->items[p->answered];
        struct bt_slice sql = bt_slice(p->text.data + item->from, item->len);

        wait_for_answer(s);
        if (bt_connection_answer(s->connection, p->answered == 0, sql, statement_deadline(s),
                                 err) < 0)
            return fail_at(s, p, err);
        if (item->kind == BT_STEP_END)
            s->ended(s->ctx, &p->transactions[item->transaction]);
    }
    empty(p);
    s->first = (s->first + 1) % BT_SENDER_PACKETS;
    s->on_their_way--;
    return 0;
}

int bt_sender_push(struct bt_sender *s, struct bt_err *err)
{
    struct bt_sender_packet *p = being_made(s);

    if (p->count == 0)
        return 0;
    add_guard(s, true);
    if (bt_buf_check(&p->text, "the statements of one packet", err) < 0 ||
        bt_buf_check(&p->names, "the names of tables", err) < 0)
        return -1;
    /* What is large may have to wait for the server to read it, and the server for us. */
    while (s->on_their_way > 0 &&
           (s->on_their_way == BT_SENDER_PACKETS - 1 || p->text.len > 2 * PACKET_LATER)) {
        if (read_oldest(s, err) < 0)
            return -1;
    }
    s->on_their_way++;
    s->made++;
    if (bt_connection_send(s->connection, bt_buf_slice(&p->text), statement_deadline(s), err) < 0)
        return fail_at(s, packet_at(s, 0), err);
    if (s->room < PACKET_LATER)
        s->room *= 2;
    return 0;
}

int bt_sender_flush(struct bt_sender *s, struct bt_err *err)
{
    if (bt_sender_push(s, err) < 0)
        return -1;
    while (s->on_their_way > 0) {
        if (read_oldest(s, err) < 0)
            return -1;
    }
    return 0;
}

int bt_sender_resume(struct bt_sender *s, struct bt_err *err)
{
    for (unsigned i = 0; i < BT_SENDER_PACKETS; i++)
        empty(&s->packets[i]);
    s->first = s->on_their_way = 0;
    s->failed = s->is_conflict = s->is_busy = false;
    return bt_connection_executef(s->connection, statement_deadline(s), err,
                                  "SET @baton_packet=%llu", (unsigned long long)s->made);
}

static int read_file(void *ctx, uint8_t *to, unsigned room)
{
    ssize_t n;

    do
        n = read(*(int *)ctx, to, room);
    while (n < 0 && errno == EINTR);
    return (int)n;
}

/* Whether a statement that failed on its own server did so here as well (sql/log_event_server.cc,
 * Query_log_event::do_apply_event, MariaDB 10.11). */
static int judge_expected(unsigned expected, int status, struct bt_err *got, struct bt_err *err)
{
    bool is_concurrency = expected == ER_LOCK_WAIT_TIMEOUT || expected == ER_LOCK_DEADLOCK;

    if (status < 0 && got->server_errno == expected)
        return 0;
    if (status == 0 && is_concurrency)
        return 0;
    if (status < 0) {
        *err = *got;
        return expected ? bt_err_wrap(err, "the statement failed with error %u on its server, here "
                                           "with another",
                                      expected)
                        : -1;
    }
    return bt_fail(err, BT_ERR_CONFLICT,
                   "the statement failed with error %u on its server, here it succeeded", expected);
}

/* Whether it can be known what was done of a statement that failed on its server. */
static bool was_interrupted(unsigned expected)
{
    return expected == ER_SERVER_SHUTDOWN || expected == ER_QUERY_INTERRUPTED ||
           expected == ER_CONNECTION_KILLED;
}

/* MySQL (seen with 9.7.4) logs the end of a branch without changes on the server it began on, and
 * nothing where it is repeated.  The GTID goes to an empty transaction then; one that is there
 * already makes the server pass over all three. */
static int keep_gtid_of_nothing(struct bt_sender *s, struct bt_err *err)
{
    char text[BT_GTID_TEXT_SIZE];

    if (bt_connection_executef(s->connection, statement_deadline(s), err, "SET gtid_next='%s'",
                               bt_gtid_text(&s->now.gtid, text)) < 0 ||
        bt_connection_executef(s->connection, statement_deadline(s), err, "BEGIN") < 0)
        return -1;
    return bt_connection_executef(s->connection, statement_deadline(s), err, "COMMIT");
}

/* A step by itself, with everything before it answered: it is on its way, and then answered, as the
 * only item of a packet without guards, so that what is not known after a loss is found there. */
static int send_alone(struct bt_sender *s, const struct bt_step *step, struct bt_err *err)
{
    struct bt_sender_packet *p = being_made(s);
    struct bt_err got = {0};
    int fd = step->file;
    int status;

    if (was_interrupted(step->expected_errno)) {
        bt_fail(err, BT_ERR_CONFLICT,
                "the statement was interrupted on its server (error %u) and may have been done in "
                "part there",
                step->expected_errno);
        return fail(s, &s->now, step->table, false, err);
    }
    note_table(p, NULL);
    p->items[0] = (struct bt_sender_item){.kind = step->kind, .is_lone = step->is_lone};
    p->items[0].transaction = note_transaction(s, p);
    p->items[0].table = note_table(p, step->table);
    p->count = 1;
    s->on_their_way++;
    if (fd >= 0)
        bt_connection_set_infile(s->connection, read_file, &fd);
    status = bt_connection_execute(s->connection, step->sql, statement_deadline(s), NULL, &got);
    bt_connection_set_infile(s->connection, NULL, NULL);
    /* A branch that was prepared without changes is rolled back by its XA COMMIT, on its own server
     * as well (sql/xa.cc, MariaDB 10.11: XA_ROLLBACK_ONLY). */
    if (status < 0 && step->is_xa_end && got.server_errno == ER_XA_RBROLLBACK)
        status = 0;
    else if (step->expected_errno)
        status = judge_expected(step->expected_errno, status, &got, err);
    else if (status < 0)
        *err = got;
    if (status == 0 && step->may_log_nothing)
        status = keep_gtid_of_nothing(s, err);
    if (status < 0)
        return fail_at(s, p, err);
    s->on_their_way--;
    empty(p);
    if (step->kind == BT_STEP_END)
        s->ended(s->ctx, &s->now);
    return 0;
}

/* Whether another statement may follow this text in its packet: it answers once, and does not end
 * in a ";" (which the server cuts off at the end of a command only). */
static bool may_be_joined(struct bt_slice text)
{
    static const char *const words[] = {"INSERT ", "UPDATE ", "DELETE ", "REPLACE "};

    if (text.len == 0 || text.ptr[text.len - 1] == ';')
        return false;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (text.len > 8 && strncasecmp((const char *)text.ptr, words[i], strlen(words[i])) == 0)
            return true;
    }
    return false;
}

static bool goes_alone(const struct bt_sender *s, const struct bt_step *step)
{
    return step->file >= 0 || step->expected_errno ||
           step->sql.len + 3 * GUARD_ROOM > s->packet_max ||
           (step->is_event_text && !may_be_joined(step->sql));
}

int bt_sender_add(void *sender, const struct bt_step *step, struct bt_err *err)
{
    struct bt_sender *s = sender;
    struct bt_sender_packet *p;
    struct bt_sender_item *item;
    bt_auto_fd int fd = step->file;

    (void)fd;
    if (goes_alone(s, step))
        return bt_sender_flush(s, err) < 0 ? -1 : send_alone(s, step, err);
    p = being_made(s);
    if (p->count > 0 &&
        (p->text.len + step->sql.len + 2 * GUARD_ROOM > s->packet_max ||
         p->count >= BT_SENDER_ITEMS_MAX) &&
        bt_sender_push(s, err) < 0)
        return -1;
    p = being_made(s);
    if (p->count == 0)
        add_guard(s, false);
    add_text(s, step->kind, step->sql);
    item = &p->items[p->count - 1];
    item->is_lone = step->is_lone;
    if (step->kind == BT_STEP_WORK || step->kind == BT_STEP_END)
        item->table = note_table(p, step->table);
    return p->text.len >= s->room ? bt_sender_push(s, err) : 0;
}
