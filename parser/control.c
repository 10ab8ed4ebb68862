/* SPDX-License-Identifier: Apache-2.0 */
/* Layouts checked against MariaDB 10.11 sql/log_event.cc and MySQL 8.0.43 libbinlogevents. */
#include "parser/control.h"

#include "parser/crc.h"
#include "parser/format.h"

enum { LOG_NAME_MAX = 512,
       XA_PART_MAX = 64 };

static int fail_short(const struct bt_event *ev, struct bt_err *err)
{
    const char *name = bt_event_type_name(ev->type);

    return bt_fail(err, BT_ERR_CORRUPT, "%s of %zu bytes does not follow its layout",
                   name ? name : "event", ev->body.len);
}

/* MariaDB's IO thread writes a ROTATE of its own when a connection by GTID was made again within a
 * transaction, with a CRC as its own binary log has it, also into a relay log without (10.11.19,
 * sql/slave.cc, queue_event; mariadb-binlog shows a name with four bytes more). */
static bool has_stray_crc(const struct bt_event *ev, struct bt_slice name)
{
    struct bt_cursor c = bt_cursor(ev->raw);
    struct bt_slice summed;
    uint32_t sum;

    if (ev->format->checksum || ev->inner || name.len <= BT_CHECKSUM_SIZE)
        return false;
    return bt_cur_take(&c, ev->raw.len - BT_CHECKSUM_SIZE, &summed) && bt_cur_u32(&c, &sum) &&
           sum == bt_crc32(0, summed);
}

/*
 * ROTATE
 *   8  position
 *   n  name, to the end
 */
int bt_rotate_read(const struct bt_event *ev, struct bt_rotate *ret, struct bt_err *err)
{
    struct bt_cursor c = bt_cursor(ev->body);
    struct bt_rotate r;

    if (!bt_cur_u64(&c, &r.pos) || c.left == 0)
        return fail_short(ev, err);
    r.name = bt_cur_rest(&c);
    if (has_stray_crc(ev, r.name))
        r.name.len -= BT_CHECKSUM_SIZE;
    if (r.name.len > LOG_NAME_MAX)
        return bt_fail(err, BT_ERR_CORRUPT, "ROTATE names a log by %zu bytes, at most %d",
                       r.name.len, LOG_NAME_MAX);
    if (memchr(r.name.ptr, 0, r.name.len))
        return bt_fail(err, BT_ERR_CORRUPT, "ROTATE names a log with a NUL in it");
    *ret = r;
    return 0;
}

/*
 * XID
 *   8  number
 */
int bt_xid_read(const struct bt_event *ev, uint64_t *ret, struct bt_err *err)
{
    struct bt_cursor c = bt_cursor(ev->body);
    uint64_t xid;

    if (!bt_cur_u64(&c, &xid) || c.left != 0)
        return fail_short(ev, err);
    *ret = xid;
    return 0;
}

/*
 * XA_PREPARE
 *   1   one phase
 *   4   format id
 *   4 4 lengths of gtrid and bqual (4 bytes each; mariadb-docs gives the second 1 byte, wrongly)
 *   n n gtrid, bqual
 */
int bt_xa_prepare_read(const struct bt_event *ev, struct bt_xa_prepare *ret, struct bt_err *err)
{
    struct bt_cursor c = bt_cursor(ev->body);
    struct bt_xa_prepare x;
    uint32_t gtrid_len, bqual_len;
    uint8_t one_phase;

    if (!(bt_cur_u8(&c, &one_phase) &&
          bt_cur_u32(&c, &x.format_id) &&
          bt_cur_u32(&c, &gtrid_len) &&
          bt_cur_u32(&c, &bqual_len) &&
          gtrid_len <= XA_PART_MAX && bqual_len <= XA_PART_MAX &&
          bt_cur_take(&c, gtrid_len, &x.gtrid) &&
          bt_cur_take(&c, bqual_len, &x.bqual)))
        return fail_short(ev, err);
    x.one_phase = one_phase != 0;
    *ret = x;
    return 0;
}

/*
 * INCIDENT
 *   2    number
 *   1 n  text with its length
 */
int bt_incident_read(const struct bt_event *ev, struct bt_incident *ret, struct bt_err *err)
{
    struct bt_cursor c = bt_cursor(ev->body);
    struct bt_incident i;

    if (!(bt_cur_u16(&c, &i.number) && bt_cur_len8(&c, &i.text)))
        return fail_short(ev, err);
    *ret = i;
    return 0;
}

/*
 * BINLOG_CHECKPOINT (MariaDB)
 *   4 n  name with its length
 */
int bt_binlog_checkpoint_read(const struct bt_event *ev, struct bt_slice *ret, struct bt_err *err)
{
    struct bt_cursor c = bt_cursor(ev->body);
    struct bt_slice name;
    uint32_t len;

    if (!(bt_cur_u32(&c, &len) && len <= LOG_NAME_MAX && bt_cur_take(&c, len, &name)))
        return fail_short(ev, err);
    *ret = name;
    return 0;
}

/*
 * START_ENCRYPTION (MariaDB)
 *   1   scheme
 *   4   key version
 *   12  nonce
 */
int bt_start_encryption_read(const struct bt_event *ev, struct bt_start_encryption *ret,
                             struct bt_err *err)
{
    struct bt_cursor c = bt_cursor(ev->body);
    struct bt_start_encryption s;

    if (!(bt_cur_u8(&c, &s.scheme) &&
          bt_cur_u32(&c, &s.key_version) &&
          bt_cur_copy(&c, sizeof(s.nonce), s.nonce)))
        return fail_short(ev, err);
    if (s.scheme != 1)
        return bt_fail(err, BT_ERR_CORRUPT, "encryption scheme %u, known is 1", s.scheme);
    *ret = s;
    return 0;
}

/*
 * PARTIAL_ROW_DATA (MariaDB 12.3, MDEV-32570)
 *   4  count of pieces
 *   4  number of this one, from 1
 *   1  flags: 1 = the size follows (first piece)
 *   8  size of the whole event
 *   n  bytes of the event, to the end
 */
int bt_row_fragment_read(const struct bt_event *ev, struct bt_row_fragment *ret,
                         struct bt_err *err)
{
    struct bt_cursor c = bt_cursor(ev->body);
    struct bt_row_fragment f = {0};
    uint8_t flags;

    if (!(bt_cur_u32(&c, &f.total) &&
          bt_cur_u32(&c, &f.number) &&
          bt_cur_u8(&c, &flags) &&
          (!(flags & 1) || bt_cur_u64(&c, &f.plain_size))))
        return fail_short(ev, err);
    if (f.number == 0 || f.number > f.total)
        return bt_fail(err, BT_ERR_CORRUPT, "piece %u of %u of a rows event", f.number, f.total);
    f.data = bt_cur_rest(&c);
    *ret = f;
    return 0;
}
