/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FORMAT_DESCRIPTION; the byte table stands in format.h.
 *
 * Differences by version (sql/log_event.cc MariaDB 10.11, libbinlogevents MySQL 8.0):
 *   - Whether the 5 bytes of checksum algorithm and CRC end the event is known only from the
 *     version text.  A right CRC proves it, whatever the text says; forks write odd versions.  So
 *     does a list longer than that of any server which wrote none.
 *   - The CRC is computed with the in-use flag cleared, since closing a log clears it in place.
 *   - MySQL gives TRANSACTION_PAYLOAD a post-header of 40 bytes and MariaDB gives 10 to the codes
 *     40 and 41; none of 40 to 43 has one.
 */
#include "parser/format.h"

#include <ctype.h>
#include <stdio.h>

#include "base/buf.h"
#include "parser/crc.h"

enum {
    BODY_FIXED = 2 + 50 + 4 + 1,
    OLD_TYPE_COUNT_MAX = 27, /* of servers that know no checksums: MySQL 5.5 */
    ALGORITHM_SIZE = 1,
    FLAGS_OFFSET = 17,
    ALGORITHM_NONE = 0,
    ALGORITHM_CRC32 = 1,
};

/* "10.11.19-MariaDB" -> 101119; what is not a number counts as 0. */
static uint32_t version_number(const char *text)
{
    unsigned major = 0, minor = 0, patch = 0;

    (void)sscanf(text, "%3u.%2u.%2u", &major, &minor, &patch);
    return major * 10000 + minor * 100 + patch;
}

static bool version_is_mariadb(const char *text)
{
    return strstr(text, "MariaDB") || strstr(text, "-maria-");
}

/* sql/log_event.cc Format_description_log_event::is_version_before_checksum, MariaDB 10.11. */
static bool version_knows_checksums(const struct bt_format *f)
{
    return f->version_number >= (f->flavor == BT_FLAVOR_MARIADB ? 50300u : 50601u);
}

/* The CRC of all but the last four bytes with the in-use flag cleared, against those four. */
static bool crc_is_right(struct bt_slice raw)
{
    uint8_t flags = raw.ptr[FLAGS_OFFSET] & (uint8_t)~BT_FLAG_IN_USE;
    struct bt_cursor tail = {raw.ptr + raw.len - BT_CHECKSUM_SIZE, BT_CHECKSUM_SIZE};
    uint32_t stored, crc;

    crc = bt_crc32(0, bt_slice(raw.ptr, FLAGS_OFFSET));
    crc = bt_crc32(crc, bt_slice(&flags, 1));
    crc = bt_crc32(crc, bt_slice(raw.ptr + FLAGS_OFFSET + 1,
                                 raw.len - FLAGS_OFFSET - 1 - BT_CHECKSUM_SIZE));
    return bt_cur_u32(&tail, &stored) && crc == stored;
}

/* Whether the CRC is right once created and end_log_pos are what they were before a primary sent
 * it.  A MariaDB primary without checksums sets created to 0, and end_log_pos too when it sends
 * from the middle of a log, and leaves the CRC as it was (sql/sql_repl.cc
 * send_format_descriptor_event, 10.11); created was 0 or the event's time. */
static bool crc_was_right(struct bt_slice raw)
{
    uint8_t copy[BT_EVENT_HEADER_SIZE + BODY_FIXED + UINT8_MAX + 1 + BT_CHECKSUM_SIZE];
    enum { END_LOG_POS_AT = 13, CREATED_AT = BT_EVENT_HEADER_SIZE + 2 + 50, MAGIC_SIZE = 4 };
    static const uint8_t zero[4];
    bool has_end;

    if (raw.len > sizeof(copy) || memcmp(raw.ptr + CREATED_AT, zero, 4) != 0)
        return false;
    has_end = memcmp(raw.ptr + END_LOG_POS_AT, zero, 4) != 0;
    for (int was = 0; was < (has_end ? 2 : 4); was++) {
        struct bt_buf place = {.data = copy + END_LOG_POS_AT, .room = 4, .max = 4};

        memcpy(copy, raw.ptr, raw.len);
        if (was & 1)
            memcpy(copy + CREATED_AT, raw.ptr, 4); /* the time is the header's first field */
        if (was & 2)
            bt_buf_add_le(&place, MAGIC_SIZE + raw.len, 4);
        if (crc_is_right(bt_slice(copy, raw.len)))
            return true;
    }
    return false;
}

bool bt_format_crc_ok(struct bt_slice raw, const struct bt_format *format)
{
    if (!format->knows_checksums)
        return true;
    if (raw.len <= BT_EVENT_HEADER_SIZE + BODY_FIXED + BT_CHECKSUM_SIZE)
        return false;
    return crc_is_right(raw) || (!format->checksum && crc_was_right(raw));
}

static int read_algorithm(struct bt_slice types, struct bt_format *f, struct bt_err *err)
{
    uint8_t algorithm = types.ptr[types.len - ALGORITHM_SIZE];

    if (algorithm != ALGORITHM_NONE && algorithm != ALGORITHM_CRC32)
        return bt_fail(err, BT_ERR_CORRUPT,
                       "FORMAT_DESCRIPTION names checksum algorithm %u, known are 0 and 1",
                       algorithm);
    f->checksum = algorithm == ALGORITHM_CRC32;
    return 0;
}

/* types: the array of post-header lengths, and the algorithm and CRC when the version has them. */
static int read_types(struct bt_slice types, struct bt_slice raw, struct bt_format *f,
                      struct bt_err *err)
{
    f->knows_checksums = version_knows_checksums(f) || types.len > OLD_TYPE_COUNT_MAX ||
                         (types.len > ALGORITHM_SIZE + BT_CHECKSUM_SIZE && crc_is_right(raw));
    if (f->knows_checksums) {
        if (types.len < ALGORITHM_SIZE + BT_CHECKSUM_SIZE)
            return bt_fail(err, BT_ERR_CORRUPT,
                           "FORMAT_DESCRIPTION of %s has %zu bytes behind its header length, "
                           "too few for a checksum",
                           f->server_version, types.len);
        types.len -= BT_CHECKSUM_SIZE;
        if (read_algorithm(types, f, err) != 0)
            return -1;
        types.len -= ALGORITHM_SIZE;
    }
    if (types.len > UINT8_MAX)
        return bt_fail(err, BT_ERR_CORRUPT, "FORMAT_DESCRIPTION lists %zu event types, at most %d",
                       types.len, UINT8_MAX);
    f->type_count = (uint8_t)types.len;
    memcpy(f->post_header_length + 1, types.ptr, types.len);
    memset(f->post_header_length + BT_TRANSACTION_PAYLOAD, 0,
           BT_LARGE_TRANSACTION_HEADER - BT_TRANSACTION_PAYLOAD + 1);
    return 0;
}

int bt_format_read(struct bt_slice raw, struct bt_format *ret, struct bt_err *err)
{
    struct bt_cursor c = bt_cursor(raw);
    struct bt_event_header header;
    struct bt_format f = {0};
    uint16_t binlog_version;

    if (!(bt_event_header_take(&c, &header) &&
          bt_cur_u16(&c, &binlog_version) &&
          bt_cur_copy(&c, sizeof(f.server_version) - 1, f.server_version) &&
          bt_cur_u32(&c, &f.created) &&
          bt_cur_u8(&c, &f.header_length)))
        return bt_fail(err, BT_ERR_CORRUPT,
                       "FORMAT_DESCRIPTION ends after %zu of at least %d bytes", raw.len,
                       BT_EVENT_HEADER_SIZE + BODY_FIXED);
    if (header.type != BT_FORMAT_DESCRIPTION || header.length != raw.len)
        return bt_fail(err, BT_ERR_CORRUPT,
                       "event of type %u and %u bytes is no FORMAT_DESCRIPTION of %zu bytes",
                       header.type, header.length, raw.len);
    if (binlog_version != 4)
        return bt_fail(err, BT_ERR_CORRUPT, "binary log version %u, known is 4", binlog_version);
    if (f.header_length < BT_EVENT_HEADER_SIZE)
        return bt_fail(err, BT_ERR_CORRUPT, "event headers of %u bytes, at least %d are needed",
                       f.header_length, BT_EVENT_HEADER_SIZE);
    for (char *p = f.server_version; *p; p++)
        if (!isgraph((unsigned char)*p))
            *p = '?';
    f.flavor = version_is_mariadb(f.server_version) ? BT_FLAVOR_MARIADB : BT_FLAVOR_MYSQL;
    f.version_number = version_number(f.server_version);
    f.server_id = header.server_id;
    f.in_use = header.flags & BT_FLAG_IN_USE;
    if (read_types(bt_cur_rest(&c), raw, &f, err) != 0)
        return -1;
    *ret = f;
    return 0;
}
