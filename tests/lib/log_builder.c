/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/lib/log_builder.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "parser/crc.h"

const char *bt_build_version = "10.11.19-MariaDB-log";

enum { TYPES = 171, BUILT_MAX = 64 << 20 };

static void init(struct bt_log_builder *b, uint32_t id, bool relay)
{
    *b = (struct bt_log_builder){
        .server_id = id, .own_id = id, .checksum = true, .relay = relay, .when = 1700000000};
    bt_buf_init(&b->bytes, BUILT_MAX);
    bt_buf_add(&b->bytes, "\xfe"
                          "bin",
               4);
}

void bt_build_done(struct bt_log_builder *b)
{
    bt_buf_done(&b->bytes);
}

uint64_t bt_build_event(struct bt_log_builder *b, uint8_t type, uint32_t server_id, uint16_t flags,
                        uint64_t end_log_pos, const void *body, size_t len)
{
    uint64_t offset = b->bytes.len;
    bool sums = b->checksum || type == BT_FORMAT_DESCRIPTION;
    size_t length = BT_EVENT_HEADER_SIZE + len + (sums ? BT_CHECKSUM_SIZE : 0);
    bool own = flags & (BT_FLAG_RELAY_LOG | BT_FLAG_ARTIFICIAL) || server_id == b->own_id;

    if (b->relay && !own)
        b->primary_pos += length;
    if (end_log_pos == UINT64_MAX)
        end_log_pos = b->relay && !own ? b->primary_pos : offset + length;
    bt_buf_add_le(&b->bytes, flags & BT_FLAG_ARTIFICIAL ? 0 : b->when, 4);
    bt_buf_add_le(&b->bytes, type, 1);
    bt_buf_add_le(&b->bytes, server_id, 4);
    bt_buf_add_le(&b->bytes, length, 4);
    bt_buf_add_le(&b->bytes, (uint32_t)end_log_pos, 4);
    bt_buf_add_le(&b->bytes, flags, 2);
    bt_buf_add(&b->bytes, body, len);
    if (sums)
        bt_buf_add_le(&b->bytes,
                      bt_crc32(0, bt_slice(b->bytes.data + offset, b->bytes.len - offset)), 4);
    assert(!b->bytes.failed);
    return offset;
}

void bt_build_format(struct bt_log_builder *b, uint32_t server_id, uint16_t flags,
                     uint64_t end_log_pos, bool checksum)
{
    uint8_t body[2 + 50 + 4 + 1 + TYPES + 1] = {4, 0};
    uint8_t *lengths = body + 57; /* of type t at t - 1 */

    memcpy(body + 2, bt_build_version, strlen(bt_build_version));
    body[56] = BT_EVENT_HEADER_SIZE;
    lengths[BT_QUERY - 1] = 13;
    lengths[BT_ROTATE - 1] = 8;
    lengths[BT_FORMAT_DESCRIPTION - 1] = 57 + TYPES;
    lengths[BT_TABLE_MAP - 1] = 8;
    for (int type = BT_WRITE_ROWS_V1; type <= BT_DELETE_ROWS_V1; type++)
        lengths[type - 1] = 8;
    for (int type = BT_WRITE_ROWS; type <= BT_DELETE_ROWS; type++)
        lengths[type - 1] = 10;
    lengths[BT_BINLOG_CHECKPOINT - 1] = 4;
    lengths[BT_MARIADB_GTID - 1] = 19;
    lengths[BT_GTID_LIST - 1] = 4;
    body[sizeof(body) - 1] = checksum;
    bt_build_event(b, BT_FORMAT_DESCRIPTION, server_id, flags, end_log_pos, body, sizeof(body));
    b->checksum = checksum;
}

void bt_build_binlog(struct bt_log_builder *b, uint32_t server_id)
{
    init(b, server_id, false);
    bt_build_format(b, server_id, 0, UINT64_MAX, true);
}

void bt_build_relay(struct bt_log_builder *b, uint32_t replica_id)
{
    init(b, replica_id, true);
    bt_build_format(b, replica_id, BT_FLAG_RELAY_LOG, UINT64_MAX, true);
}

void bt_build_rotate(struct bt_log_builder *b, uint32_t server_id, uint16_t flags, const char *file,
                     uint64_t pos)
{
    struct bt_buf body;

    bt_buf_init(&body, 4096);
    bt_buf_add_le(&body, pos, 8);
    bt_buf_add_str(&body, file);
    bt_build_event(b, BT_ROTATE, server_id, flags, flags & BT_FLAG_ARTIFICIAL ? 0 : UINT64_MAX,
                   body.data, body.len);
    bt_buf_done(&body);
    if (b->relay && !(flags & BT_FLAG_RELAY_LOG))
        b->primary_pos = pos;
}

void bt_build_primary(struct bt_log_builder *b, uint32_t primary_id, const char *file, uint64_t pos,
                      bool checksum)
{
    struct bt_slice body;
    uint32_t was, sum;
    size_t at;

    bt_build_rotate(b, primary_id, BT_FLAG_ARTIFICIAL, file, pos);
    b->server_id = primary_id;
    if (pos == 4) {
        /* From the primary's file itself: it has a position. */
        bt_build_format(b, primary_id, 0, UINT64_MAX, checksum);
        return;
    }
    at = b->bytes.len;
    bt_build_format(b, primary_id, 0, 0, checksum);
    if (checksum)
        return;
    /* A primary without checksums leaves the CRC of the time before it set end_log_pos to 0. */
    body = bt_slice(b->bytes.data + at, b->bytes.len - at - BT_CHECKSUM_SIZE);
    was = (uint32_t)(4 + body.len + BT_CHECKSUM_SIZE);
    sum = bt_crc32(0, bt_slice(body.ptr, 13));
    was = htole32(was);
    sum = bt_crc32(sum, bt_slice(&was, 4));
    sum = bt_crc32(sum, bt_slice(body.ptr + 17, body.len - 17));
    b->bytes.len -= BT_CHECKSUM_SIZE;
    bt_buf_add_le(&b->bytes, sum, BT_CHECKSUM_SIZE);
}

void bt_build_gtid(struct bt_log_builder *b, uint32_t domain, uint64_t sequence, uint8_t flags)
{
    struct bt_buf body;

    bt_buf_init(&body, 64);
    bt_buf_add_le(&body, sequence, 8);
    bt_buf_add_le(&body, domain, 4);
    bt_buf_add_le(&body, flags, 1);
    bt_buf_add_le(&body, 0, 6);
    bt_build_event(b, BT_MARIADB_GTID, b->server_id, 0, UINT64_MAX, body.data, body.len);
    bt_buf_done(&body);
}

static void build_list(struct bt_log_builder *b, size_t count, const uint32_t (*gtids)[3],
                       uint16_t flags, uint64_t end_log_pos)
{
    struct bt_buf body;

    bt_buf_init(&body, 4096);
    bt_buf_add_le(&body, count, 4);
    for (size_t i = 0; i < count; i++) {
        bt_buf_add_le(&body, gtids[i][0], 4);
        bt_buf_add_le(&body, gtids[i][1], 4);
        bt_buf_add_le(&body, gtids[i][2], 8);
    }
    bt_build_event(b, BT_GTID_LIST, b->server_id, flags, end_log_pos, body.data, body.len);
    bt_buf_done(&body);
}

void bt_build_list(struct bt_log_builder *b, size_t count, const uint32_t (*gtids)[3])
{
    build_list(b, count, gtids, 0, UINT64_MAX);
}

void bt_build_resumption(struct bt_log_builder *b, size_t count, const uint32_t (*gtids)[3],
                         uint64_t pos)
{
    build_list(b, count, gtids, BT_FLAG_ARTIFICIAL, pos);
    b->primary_pos = pos;
}

void bt_build_query(struct bt_log_builder *b, const char *db, const char *sql)
{
    struct bt_buf body;

    bt_buf_init(&body, BUILT_MAX);
    bt_buf_add_le(&body, 7, 4); /* thread id */
    bt_buf_add_le(&body, 0, 4); /* execution time */
    bt_buf_add_le(&body, strlen(db), 1);
    bt_buf_add_le(&body, 0, 2); /* error code */
    bt_buf_add_le(&body, 0, 2); /* status variables */
    bt_buf_add(&body, db, strlen(db) + 1);
    bt_buf_add_str(&body, sql);
    bt_build_event(b, BT_QUERY, b->server_id, 0, UINT64_MAX, body.data, body.len);
    bt_buf_done(&body);
}

void bt_build_xid(struct bt_log_builder *b, uint64_t xid)
{
    uint64_t raw = htole64(xid);

    bt_build_event(b, BT_XID, b->server_id, 0, UINT64_MAX, &raw, sizeof(raw));
}

void bt_build_stop(struct bt_log_builder *b)
{
    bt_build_event(b, BT_STOP, b->own_id, b->relay ? BT_FLAG_RELAY_LOG : 0, UINT64_MAX, "", 0);
}

void bt_build_transaction(struct bt_log_builder *b, uint32_t domain, uint64_t sequence, size_t size)
{
    struct bt_buf sql;

    bt_buf_init(&sql, BUILT_MAX);
    bt_buf_addf(&sql, "INSERT INTO t VALUES (%llu, '", (unsigned long long)sequence);
    for (size_t i = 0; i < size; i++)
        bt_buf_add_byte(&sql, (uint8_t)('a' + i % 26));
    bt_buf_add_str(&sql, "')");
    b->when++;
    bt_build_gtid(b, domain, sequence, 12); /* transactional, may run in parallel */
    bt_build_query(b, "d", bt_buf_str(&sql));
    bt_build_xid(b, sequence);
    bt_buf_done(&sql);
}

/* ------------------------------------------------------------------ a home in memory */

struct built_opener {
    struct bt_log_opener base;
    struct bt_built_home *home;
};

static int built_list(struct bt_log_opener *o, bt_log_name_fn *each, void *ctx, struct bt_err *err)
{
    struct bt_built_home *h = ((struct built_opener *)o)->home;

    for (size_t i = 0; i < h->count; i++) {
        /* A path, for an index: not in this directory. */
        if (h->files[i].name[0] == '/')
            continue;
        if (each(ctx, h->files[i].name, h->files[i].bytes.len, err) != 0)
            return -1;
    }
    return 0;
}

static int built_open(struct bt_log_opener *o, const char *name, struct bt_source **ret,
                      struct bt_err *err)
{
    struct bt_built_home *h = ((struct built_opener *)o)->home;

    for (size_t i = 0; i < h->count; i++) {
        struct bt_source *source;

        if (strcmp(h->files[i].name, name) != 0)
            continue;
        if (h->gone && strcmp(h->gone, name) == 0 && h->opened >= h->gone_behind)
            return 1;
        h->opened++;
        if (bt_source_memory_open(h->files[i].bytes, h->files[i].name, &source, err) != 0)
            return -1;
        if (!h->files[i].flip_bit) {
            *ret = source;
            return 0;
        }
        return bt_source_faulty_open(
            source, (struct bt_source_faults){.flip_bit = h->files[i].flip_bit}, ret, err);
    }
    return 1;
}

static void built_close(struct bt_log_opener *o)
{
    free(o);
}

void bt_built_add(struct bt_built_home *h, const char *name, struct bt_slice bytes)
{
    assert(h->count < BT_BUILT_LOGS_MAX);
    h->files[h->count].name = name;
    h->files[h->count].bytes = bytes;
    h->files[h->count++].flip_bit = 0;
}

struct bt_log_home *bt_built_open(struct bt_built_home *h)
{
    static const struct bt_log_opener_ops ops = {built_list, built_open, built_close};
    struct built_opener *o = calloc(1, sizeof(*o));
    struct bt_log_home *home;
    struct bt_err err = {0};

    assert(o);
    o->base = (struct bt_log_opener){.ops = &ops, .name = "built"};
    o->home = h;
    if (bt_log_home_open(&o->base, &home, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    return home;
}
