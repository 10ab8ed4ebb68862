/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make_log - writes a large binary log as MariaDB 10.11 or MySQL 8.0 would, for the benches.
 *
 *     make_log oltp|single|wide|statements|mysql MEGABYTES FILE
 *
 * Row logs as its defaults make them: each statement's text (ANNOTATE_ROWS), its TABLE_MAP, its
 * rows.
 *
 *     oltp        sysbench's oltp_write_only: two updates, a delete and an insert of one row of 190
 *                 bytes a transaction
 *     single      the same update, each a transaction of its own
 *     wide        multi-row inserts, events of 8 KB
 *     statements  one UPDATE a transaction, as a statement
 *     mysql       single as MySQL writes it: GTID, BEGIN, TABLE_MAP, rows, XID
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "parser/event.h"
#include "tests/lib/log_builder.h"

#define PAD_TEXT "68487932199-96439406143-93774651418-41631865787-96406072701"
#define C_TEXT PAD_TEXT "-20604855487-25459966574-28203206787-41238978918-19503783441"

enum { SERVER_ID = 1, TABLE_ID = 31, C_LEN = 119, PAD_LEN = 59, WIDE_ROWS = 42, FLUSH = 8 << 20 };

struct maker {
    struct bt_log_builder log;
    FILE *out;
    uint64_t pos; /* in the log, of the builder's first byte */
    uint64_t sequence;
    struct bt_buf body;
};

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void flush_log(struct maker *m)
{
    if (fwrite(m->log.bytes.data, 1, m->log.bytes.len, m->out) != m->log.bytes.len)
        fail("could not write the log");
    m->pos += m->log.bytes.len;
    m->log.bytes.len = 0;
}

/* Ends the event whose body has been put together. */
static void event(struct maker *m, uint8_t type, uint16_t flags)
{
    uint64_t length = BT_EVENT_HEADER_SIZE + m->body.len + BT_CHECKSUM_SIZE;

    bt_build_event(&m->log, type, SERVER_ID, flags, m->pos + m->log.bytes.len + length,
                   m->body.data, m->body.len);
    bt_buf_reset(&m->body);
}

static void gtid(struct maker *m)
{
    bt_buf_add_le(&m->body, ++m->sequence, 8);
    bt_buf_add_le(&m->body, 0, 4);    /* domain */
    bt_buf_add_le(&m->body, 0x0c, 1); /* transactional, may be applied in parallel */
    bt_buf_add_le(&m->body, 0, 6);
    event(m, BT_MARIADB_GTID, 0x08);
    m->log.when += m->sequence % 1000 == 0;
}

static void xid(struct maker *m)
{
    bt_buf_add_le(&m->body, m->sequence + 100, 8);
    event(m, BT_XID, 0);
}

/* sbtest.sbtest1 (id INT, k INT, c CHAR(120), pad CHAR(60)), latin1. */
static void table_map(struct maker *m)
{
    static const uint8_t rest[] = {4, 3, 3, 254, 254, 4, 254, 120, 254, 60, 0};

    bt_buf_add_le(&m->body, TABLE_ID, 6);
    bt_buf_add_le(&m->body, 1, 2);
    bt_buf_add(&m->body, "\x06sbtest\x00\x07sbtest1", 17); /* with its NUL */
    bt_buf_add(&m->body, rest, sizeof(rest));
    event(m, BT_TABLE_MAP, 0);
}

/* The statement: `head`, the row it is about, `tail`. */
static void annotate(struct maker *m, const char *head, const char *tail)
{
    bt_buf_addf(&m->body, "%s%llu%s", head, (unsigned long long)m->sequence, tail);
    event(m, BT_ANNOTATE_ROWS, 0);
}

static void row(struct maker *m, uint64_t id)
{
    static const char digits[] = C_TEXT;

    bt_buf_add_byte(&m->body, 0xf0); /* nothing is NULL; the bits of no column are set */
    bt_buf_add_le(&m->body, id, 4);
    bt_buf_add_le(&m->body, id * 2654435761u & 0x7fffffff, 4);
    bt_buf_add_byte(&m->body, C_LEN);
    bt_buf_add(&m->body, digits, C_LEN);
    bt_buf_add_byte(&m->body, PAD_LEN);
    bt_buf_add(&m->body, digits, PAD_LEN);
}

static void rows(struct maker *m, uint8_t type, uint64_t id, int images, uint16_t flags)
{
    bt_buf_add_le(&m->body, TABLE_ID, 6);
    bt_buf_add_le(&m->body, flags, 2);
    if (type == BT_UPDATE_ROWS)
        bt_buf_add_le(&m->body, 2, 2); /* no extra data behind this length */
    bt_buf_add_byte(&m->body, 4);
    bt_buf_add_byte(&m->body, 0xff);
    if (type == BT_UPDATE_ROWS_V1 || type == BT_UPDATE_ROWS)
        bt_buf_add_byte(&m->body, 0xff);
    for (int i = 0; i < images; i++)
        row(m, id + (uint64_t)i);
    event(m, type, 0);
}

static void update(struct maker *m, const char *statement)
{
    annotate(m, statement, "");
    table_map(m);
    rows(m, BT_UPDATE_ROWS_V1, m->sequence, 2, 1);
}

static void transaction_oltp(struct maker *m)
{
    gtid(m);
    update(m, "UPDATE sbtest1 SET k=k+1 WHERE id=");
    update(m, "UPDATE sbtest1 SET c='" C_TEXT "' WHERE id=");
    annotate(m, "DELETE FROM sbtest1 WHERE id=", "");
    table_map(m);
    rows(m, BT_DELETE_ROWS_V1, m->sequence, 1, 1);
    annotate(m, "INSERT INTO sbtest1 (id, k, c, pad) VALUES (",
             ", 5034, '" C_TEXT "', '" PAD_TEXT "')");
    table_map(m);
    rows(m, BT_WRITE_ROWS_V1, m->sequence, 1, 1);
    xid(m);
}

static void transaction_single(struct maker *m)
{
    gtid(m);
    update(m, "UPDATE sbtest1 SET k=k+1 WHERE id=");
    xid(m);
}

static void transaction_wide(struct maker *m)
{
    gtid(m);
    table_map(m);
    for (int i = 0; i < 8; i++)
        rows(m, BT_WRITE_ROWS_V1, m->sequence * 1000, WIDE_ROWS, i == 7);
    xid(m);
}

static void query(struct maker *m, const char *sql)
{
    static const uint8_t variables[] = {0, 0, 0, 0, 0, 1, 0, 0, 0x20, 0x54, 0, 0, 0, 0, 6, 3,
                                        's', 't', 'd', 4, 8, 0, 8, 0, 8, 0};

    bt_buf_add_le(&m->body, 11, 4); /* thread */
    bt_buf_add_le(&m->body, 0, 4);
    bt_buf_add_byte(&m->body, 6);
    bt_buf_add_le(&m->body, 0, 2);
    bt_buf_add_le(&m->body, sizeof(variables), 2);
    bt_buf_add(&m->body, variables, sizeof(variables));
    bt_buf_add(&m->body, "sbtest", 7);
    bt_buf_add(&m->body, sql, strlen(sql));
    event(m, BT_QUERY, 0);
}

static void transaction_of_statement(struct maker *m)
{
    char sql[256];

    gtid(m);
    snprintf(sql, sizeof(sql),
             "UPDATE sbtest1 SET k=k+1, c='68487932199-96439406143-93774651418-41631865787"
             "-96406072701' WHERE id=%llu AND pad <> ''",
             (unsigned long long)m->sequence);
    query(m, sql);
    xid(m);
}

static void gtid_mysql(struct maker *m)
{
    bt_buf_add_byte(&m->body, 0); /* flags: rows only */
    bt_buf_add(&m->body, "\x3e\x11\xfa\x47\x71\xca\x11\xe1\x9e\x33\xc8\x0a\xa9\x42\x95\x62", 16);
    bt_buf_add_le(&m->body, ++m->sequence, 8);
    bt_buf_add_byte(&m->body, 2); /* the logical clock follows */
    bt_buf_add_le(&m->body, m->sequence - 1, 8);
    bt_buf_add_le(&m->body, m->sequence, 8);
    bt_buf_add_le(&m->body, m->log.when * UINT64_C(1000000), 7);
    bt_buf_add(&m->body, "\xfc\x4c\x03", 3); /* length of the transaction */
    bt_buf_add_le(&m->body, 80036, 4);
    event(m, BT_GTID, 0);
    m->log.when += m->sequence % 1000 == 0;
}

static void transaction_mysql(struct maker *m)
{
    gtid_mysql(m);
    query(m, "BEGIN");
    table_map(m);
    rows(m, BT_UPDATE_ROWS, m->sequence, 2, 1);
    xid(m);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*transaction)(struct maker *m);
    } kinds[] = {{"oltp", transaction_oltp},
                 {"single", transaction_single},
                 {"wide", transaction_wide},
                 {"statements", transaction_of_statement},
                 {"mysql", transaction_mysql}};
    void (*transaction)(struct maker * m) = NULL;
    struct maker m = {0};
    uint64_t megabytes;

    for (size_t i = 0; argc == 4 && i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(argv[1], kinds[i].name) == 0)
            transaction = kinds[i].transaction;
    if (!transaction || !bt_number_u64(bt_slice_str(argv[2]), 1 << 20, &megabytes)) {
        fprintf(stderr, "usage: make_log oltp|single|wide|statements|mysql MEGABYTES FILE\n");
        return 2;
    }
    m.out = fopen(argv[3], "wb");
    if (!m.out)
        fail(argv[3]);
    if (transaction == transaction_mysql)
        bt_build_version = "8.0.36";
    bt_build_binlog(&m.log, SERVER_ID);
    bt_buf_init(&m.body, 1 << 20);
    m.log.when = 1700000000;
    if (transaction != transaction_mysql)
        bt_build_list(&m.log, 0, NULL);
    while (m.pos < megabytes << 20) {
        transaction(&m);
        if (m.log.bytes.len > FLUSH || m.pos + m.log.bytes.len >= megabytes << 20)
            flush_log(&m);
    }
    event(&m, BT_STOP, 0);
    flush_log(&m);
    bt_build_done(&m.log);
    bt_buf_done(&m.body);
    return fclose(m.out) == 0 ? 0 : 1;
}
