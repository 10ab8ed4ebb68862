/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The events that begin a transaction by naming it.
 *
 * MARIADB_GTID (sql/log_event_server.cc Gtid_log_event::write, MariaDB 10.11 and 11.8)
 *   8  sequence number
 *   4  domain id            the server id stands in the event's header
 *   1  flags
 *   8  commit id            only with GROUP_COMMIT
 *   4 1 1 n                 only with PREPARED_XA or COMPLETED_XA: format id, lengths, xid
 *   1  extra flags          only if bytes are left
 *   1  extra engines        only with MULTI_ENGINE
 *   8  sequence number      only with COMMIT_ALTER or ROLLBACK_ALTER: of the START ALTER
 *   4  thread id            only with THREAD_ID (11.5+)
 *   n  zero bytes           to 19 at least; 11.8 pads more behind a large transaction's cache file
 *
 * GTID, ANONYMOUS_GTID (libbinlogevents/src/control_events.cpp, MySQL 8.0.43); 5.6 ends behind gno
 *   1  flags                1 = may have statements
 *   16 uuid
 *   8  gno                  0 in ANONYMOUS_GTID
 *   1  2                    the logical clock follows
 *   8 8                     last committed, sequence number
 *   7  immediate commit     microseconds; bit 55 set = 7 bytes of original commit follow
 *   p  transaction length   packed integer, this event included
 *   4  immediate version    bit 31 set = 4 bytes of original version follow
 *   8  commit group ticket
 *
 * GTID_TAGGED (libs/mysql/serialization, MySQL 9.x); v: a number of variable length, take_varint()
 *   1  serialization version
 *   v  size of the message
 *   v  last field that a reader must know
 *   (v field id, value)*    see enum tagged_field
 */
#include "parser/gtid.h"

enum { UUID_SIZE = 16 };

/* ----------------------------------------------------------------- MariaDB */

static bool take_xid(struct bt_cursor *c, struct bt_slice *ret)
{
    struct bt_cursor at = *c;
    uint32_t format_id;
    uint8_t gtrid_len, bqual_len;

    return bt_cur_u32(&at, &format_id) &&
           bt_cur_u8(&at, &gtrid_len) &&
           bt_cur_u8(&at, &bqual_len) &&
           gtrid_len <= 64 && bqual_len <= 64 &&
           bt_cur_take(c, 4u + 1u + 1u + gtrid_len + bqual_len, ret);
}

static bool take_extra(struct bt_cursor *c, struct bt_gtid_event *g)
{
    uint8_t extra_engines;

    return bt_cur_u8(c, &g->flags_extra) &&
           (!(g->flags_extra & BT_GTID_MULTI_ENGINE) || bt_cur_u8(c, &extra_engines)) &&
           (!(g->flags_extra & (BT_GTID_COMMIT_ALTER | BT_GTID_ROLLBACK_ALTER)) ||
            bt_cur_u64(c, &g->alter_seq)) &&
           (!(g->flags_extra & BT_GTID_THREAD_ID) || bt_cur_u32(c, &g->thread_id));
}

static int read_mariadb(const struct bt_event *ev, struct bt_gtid_event *ret, struct bt_err *err)
{
    struct bt_gtid_event g = {.gtid.kind = BT_GTID_MARIADB, .xid = bt_slice_empty()};
    struct bt_cursor c = bt_cursor(ev->body);

    g.gtid.server_id = ev->header.server_id;
    if (!(bt_cur_u64(&c, &g.gtid.sequence) &&
          bt_cur_u32(&c, &g.gtid.domain) &&
          bt_cur_u8(&c, &g.flags) &&
          (!(g.flags & BT_GTID_GROUP_COMMIT) || bt_cur_u64(&c, &g.commit_id)) &&
          (!(g.flags & (BT_GTID_PREPARED_XA | BT_GTID_COMPLETED_XA)) || take_xid(&c, &g.xid)) &&
          (c.left == 0 || take_extra(&c, &g))))
        return bt_fail(err, BT_ERR_CORRUPT, "GTID event of %zu bytes with flags 0x%02x ends early",
                       ev->body.len, g.flags);
    *ret = g;
    return 0;
}

/* ------------------------------------------------------------------- MySQL */

static bool take_times(struct bt_cursor *c, struct bt_gtid_event *g)
{
    if (!bt_cur_le(c, BT_GTID_TIME_SIZE, &g->immediate_commit_us))
        return false;
    g->original_commit_us = g->immediate_commit_us;
    if (!(g->immediate_commit_us & BT_GTID_ORIGINAL_TIME))
        return true;
    g->immediate_commit_us &= ~BT_GTID_ORIGINAL_TIME;
    return bt_cur_le(c, BT_GTID_TIME_SIZE, &g->original_commit_us);
}

static bool take_versions(struct bt_cursor *c, struct bt_gtid_event *g)
{
    if (!bt_cur_u32(c, &g->immediate_version))
        return false;
    g->original_version = g->immediate_version;
    if (!(g->immediate_version & BT_GTID_ORIGINAL_VERSION))
        return true;
    g->immediate_version &= ~BT_GTID_ORIGINAL_VERSION;
    return bt_cur_u32(c, &g->original_version);
}

static bool take_clock(struct bt_cursor *c, struct bt_gtid_event *g)
{
    uint64_t last_committed, sequence_number;

    if (!(bt_cur_u64(c, &last_committed) && bt_cur_u64(c, &sequence_number)))
        return false;
    g->last_committed = (int64_t)last_committed;
    g->sequence_number = (int64_t)sequence_number;
    return true;
}

/* Each version appended a field: read while bytes are left. */
static int read_mysql(const struct bt_event *ev, struct bt_gtid_event *ret, struct bt_err *err)
{
    struct bt_gtid_event g = {.xid = bt_slice_empty()};
    struct bt_cursor c = bt_cursor(ev->body);
    uint8_t clock = 0;

    if (!(bt_cur_u8(&c, &g.flags) && bt_cur_copy(&c, UUID_SIZE, g.gtid.uuid) &&
          bt_cur_u64(&c, &g.gtid.sequence) && (c.left == 0 || bt_cur_u8(&c, &clock)) &&
          (clock != BT_GTID_LOGICAL_CLOCK || take_clock(&c, &g)) &&
          (clock != BT_GTID_LOGICAL_CLOCK || c.left == 0 || take_times(&c, &g)) &&
          (clock != BT_GTID_LOGICAL_CLOCK || c.left == 0 ||
           bt_cur_lenenc(&c, &g.transaction_length)) &&
          (clock != BT_GTID_LOGICAL_CLOCK || c.left == 0 || take_versions(&c, &g))))
        return bt_fail(err, BT_ERR_CORRUPT, "GTID event of %zu bytes ends early", ev->body.len);
    if (ev->type == BT_GTID)
        g.gtid.kind = BT_GTID_MYSQL;
    else
        g.gtid = (struct bt_gtid){.kind = BT_GTID_NONE};
    *ret = g;
    return 0;
}

/* ------------------------------------------------------------ MySQL, tagged */

enum tagged_field {
    TAGGED_FLAGS,
    TAGGED_UUID, /* 16 numbers */
    TAGGED_GNO,
    TAGGED_TAG, /* number of bytes, bytes */
    TAGGED_LAST_COMMITTED,
    TAGGED_SEQUENCE_NUMBER,
    TAGGED_IMMEDIATE_TIME,
    TAGGED_ORIGINAL_TIME, /* absent = the immediate one */
    TAGGED_TRANSACTION_LENGTH,
    TAGGED_IMMEDIATE_VERSION,
    TAGGED_ORIGINAL_VERSION, /* absent = the immediate one */
    TAGGED_COMMIT_GROUP_TICKET,
};

/* The count of trailing one bits of the first byte says how many bytes follow it; the value is what
 * stands above them, little endian.  A first byte of 0xff: the 8 bytes behind it are the value. */
static bool take_varint(struct bt_cursor *c, uint64_t *ret)
{
    struct bt_cursor saved = *c;
    uint8_t first;
    int more;

    if (!bt_cur_u8(c, &first))
        return false;
    more = first == 0xff ? 8 : __builtin_ctz(~(unsigned)first);
    if (more == 8) {
        if (bt_cur_u64(c, ret))
            return true;
    } else {
        *c = saved;
        if (bt_cur_le(c, (size_t)more + 1, ret)) {
            *ret >>= more + 1;
            return true;
        }
    }
    *c = saved;
    return false;
}

/* Lowest bit: the sign; a negative number stands inverted. */
static bool take_signed(struct bt_cursor *c, int64_t *ret)
{
    uint64_t raw;

    if (!take_varint(c, &raw))
        return false;
    *ret = (int64_t)(raw & 1 ? ~(raw >> 1) : raw >> 1);
    return true;
}

static bool take_uuid(struct bt_cursor *c, uint8_t ret[static UUID_SIZE])
{
    for (int i = 0; i < UUID_SIZE; i++) {
        uint64_t byte;

        if (!take_varint(c, &byte) || byte > UINT8_MAX)
            return false;
        ret[i] = (uint8_t)byte;
    }
    return true;
}

static bool take_tag(struct bt_cursor *c, char ret[static 33])
{
    struct bt_slice tag;
    uint64_t len;

    if (!take_varint(c, &len) || len > 32 || !bt_cur_take(c, len, &tag))
        return false;
    memcpy(ret, tag.ptr, tag.len);
    ret[tag.len] = '\0';
    return strlen(ret) == tag.len;
}

static bool take_u32(struct bt_cursor *c, uint32_t *ret)
{
    uint64_t wide;

    if (!take_varint(c, &wide) || wide > UINT32_MAX)
        return false;
    *ret = (uint32_t)wide;
    return true;
}

static bool take_tagged_field(struct bt_cursor *c, uint64_t id, struct bt_gtid_event *g)
{
    uint64_t unused, flags;
    int64_t gno;

    switch ((enum tagged_field)id) {
    case TAGGED_FLAGS:
        if (!take_varint(c, &flags) || flags > UINT8_MAX)
            return false;
        g->flags = (uint8_t)flags;
        return true;
    case TAGGED_UUID: return take_uuid(c, g->gtid.uuid);
    case TAGGED_GNO:
        if (!take_signed(c, &gno) || gno <= 0)
            return false;
        g->gtid.sequence = (uint64_t)gno;
        return true;
    case TAGGED_TAG: return take_tag(c, g->gtid.tag);
    case TAGGED_LAST_COMMITTED: return take_signed(c, &g->last_committed);
    case TAGGED_SEQUENCE_NUMBER: return take_signed(c, &g->sequence_number);
    case TAGGED_IMMEDIATE_TIME: return take_varint(c, &g->immediate_commit_us);
    case TAGGED_ORIGINAL_TIME: return take_varint(c, &g->original_commit_us);
    case TAGGED_TRANSACTION_LENGTH: return take_varint(c, &g->transaction_length);
    case TAGGED_IMMEDIATE_VERSION: return take_u32(c, &g->immediate_version);
    case TAGGED_ORIGINAL_VERSION: return take_u32(c, &g->original_version);
    case TAGGED_COMMIT_GROUP_TICKET: return take_varint(c, &unused);
    }
    return false;
}

static int read_tagged(const struct bt_event *ev, struct bt_gtid_event *ret, struct bt_err *err)
{
    struct bt_gtid_event g = {.gtid.kind = BT_GTID_MYSQL, .xid = bt_slice_empty()};
    struct bt_cursor c = bt_cursor(ev->body);
    uint64_t version, size, last_needed, id;

    if (!(take_varint(&c, &version) && take_varint(&c, &size) && take_varint(&c, &last_needed)))
        return bt_fail(err, BT_ERR_CORRUPT, "GTID_TAGGED event of %zu bytes ends early",
                       ev->body.len);
    while (c.left > 0) {
        if (!take_varint(&c, &id))
            return bt_fail(err, BT_ERR_CORRUPT, "GTID_TAGGED event ends inside a field number");
        if (id > TAGGED_COMMIT_GROUP_TICKET && id > last_needed)
            break; /* of a later version, and nothing that must be known follows */
        if (!take_tagged_field(&c, id, &g))
            return bt_fail(err, BT_ERR_CORRUPT, "field %llu of GTID_TAGGED cannot be read",
                           (unsigned long long)id);
    }
    if (g.gtid.sequence == 0)
        return bt_fail(err, BT_ERR_CORRUPT, "GTID_TAGGED names no transaction number");
    if (g.original_commit_us == 0)
        g.original_commit_us = g.immediate_commit_us;
    if (g.original_version == 0)
        g.original_version = g.immediate_version;
    *ret = g;
    return 0;
}

int bt_gtid_event_read(const struct bt_event *ev, struct bt_gtid_event *ret, struct bt_err *err)
{
    switch (ev->type) {
    case BT_MARIADB_GTID: return read_mariadb(ev, ret, err);
    case BT_GTID:
    case BT_ANONYMOUS_GTID: return read_mysql(ev, ret, err);
    case BT_GTID_TAGGED: return read_tagged(ev, ret, err);
    default: return bt_fail(err, BT_ERR_BUG, "event type %u carries no GTID", ev->type);
    }
}
