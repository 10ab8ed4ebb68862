/* SPDX-License-Identifier: Apache-2.0 */
#include "diff/log_tail.h"

#include "base/auto.h"
#include "parser/crc.h"

enum {
    FIRST_STEP = 128 << 10,
    STEP_GROWTH = 4,
    TYPE_AT = 4,           /* of the type in a header */
    GTID_LENGTH_MAX = 512, /* XID, tag and padding included */
};

/* Behind this, 32 bits do not tell which of two places is meant. */
#define PLACE_MAX ((uint64_t)7 << 29)

/* Whether a GTID event with a right CRC begins at bytes. */
static bool gtid_begins(struct bt_slice bytes, struct bt_event_header *ret)
{
    struct bt_cursor c = bt_cursor(bytes), sum;
    uint32_t stored;
    size_t body;

    if (!bt_event_header_take(&c, ret) || !bt_type_is_gtid(ret->type) ||
        ret->flags & (BT_FLAG_ARTIFICIAL | BT_FLAG_RELAY_LOG) ||
        ret->length < BT_EVENT_HEADER_SIZE + BT_CHECKSUM_SIZE || ret->length > GTID_LENGTH_MAX ||
        ret->length > bytes.len || ret->end_log_pos < ret->length)
        return false;
    body = ret->length - BT_CHECKSUM_SIZE;
    sum = bt_cursor(bt_slice(bytes.ptr + body, BT_CHECKSUM_SIZE));
    return bt_cur_u32(&sum, &stored) && bt_crc32(0, bt_slice(bytes.ptr, body)) == stored;
}

/* The first one that begins in the first `len` bytes. */
static bool find_gtid(struct bt_slice bytes, size_t len, uint8_t type, size_t *ret_at,
                      struct bt_event_header *ret)
{
    size_t at = 0;

    while (at < len && bytes.len - at > BT_EVENT_HEADER_SIZE) {
        const uint8_t *from = bytes.ptr + at + TYPE_AT;
        const uint8_t *hit = memchr(from, type, bytes.len - at - TYPE_AT);

        if (!hit)
            return false;
        at += (size_t)(hit - from);
        if (at < len && gtid_begins(bt_slice(bytes.ptr + at, bytes.len - at), ret)) {
            *ret_at = at;
            return true;
        }
        at++;
    }
    return false;
}

int bt_log_tail_find(const struct bt_log_set *set, size_t log, const struct bt_log_head *head,
                     uint64_t at, struct bt_log_walk_opts *ret, uint64_t *bytes_read,
                     struct bt_err *err)
{
    bt_auto_source struct bt_source *source = NULL;
    uint64_t step = FIRST_STEP, size, floor = head->first_pos, pos;
    int got;

    if (!head->place.file[0] || !head->has_transaction || !head->checksum || !head->gtid_type)
        return 1;
    got = bt_log_set_open(set, log, &source, err);
    if (got != 0)
        return got;
    size = bt_source_size(source);
    if (!source->can_go_back || head->place.pos + size > PLACE_MAX)
        return 1;
    for (pos = size; pos > floor + step; step *= STEP_GROWTH) {
        struct bt_event_header header;
        struct bt_slice bytes;
        size_t found, len;

        len = (size_t)step;
        pos -= step;
        if (bt_source_view(source, pos, len + GTID_LENGTH_MAX, &bytes, err) != 0)
            return -1;
        if (!find_gtid(bytes, len, head->gtid_type, &found, &header)) {
            *bytes_read += len;
            continue;
        }
        *bytes_read += found + header.length;
        if (header.end_log_pos - header.length > at)
            continue;
        *ret = (struct bt_log_walk_opts){.log = log,
                                         .pos = pos + found,
                                         .format_pos = head->format_pos,
                                         .place = head->place,
                                         .in_order = true};
        ret->place.pos = header.end_log_pos - header.length;
        return 0;
    }
    return 1;
}
