/* SPDX-License-Identifier: Apache-2.0 */
#include "diff/log_tail.h"

#include "base/auto.h"
#include "parser/crc.h"

enum {
    WINDOW = 128 << 10,
    VIEW_MAX = 4 << 20, /* looked at in one, whatever the step */
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

/* The same in the `len` bytes from pos on.  1: there is none. */
static int search(struct bt_source *source, uint64_t pos, uint64_t len, uint8_t type,
                  uint64_t *ret_at, struct bt_event_header *ret, struct bt_err *err)
{
    for (uint64_t at = 0; at < len; at += VIEW_MAX) {
        size_t part = len - at < VIEW_MAX ? (size_t)(len - at) : VIEW_MAX, found;
        struct bt_slice bytes;

        if (bt_source_view(source, pos + at, part + GTID_LENGTH_MAX, &bytes, err) != 0)
            return -1;
        if (find_gtid(bytes, part, type, &found, ret)) {
            *ret_at = at + found;
            return 0;
        }
    }
    return 1;
}

/* The place a GTID event gives: where it begins on the primary. */
static uint64_t begin_of(const struct bt_event_header *h)
{
    return h->end_log_pos - h->length;
}

/* How far to go back from `pos`, where a transaction of place `begin` was found, to be in front of
 * `at`: as far as the primary's log says, and more each time that it was too little, since a relay
 * log may be longer (it holds what was compressed) or shorter (without ANNOTATE_ROWS). */
static uint64_t way_back(uint64_t begin, uint64_t at, unsigned misses)
{
    uint64_t way = begin - at + WINDOW;

    return misses > 0 ? way << (misses < 8 ? misses : 8) : way;
}

int bt_log_tail_find(const struct bt_log_set *set, size_t log, const struct bt_log_head *head,
                     struct bt_log_tail_goal goal, struct bt_log_walk_opts *ret,
                     uint64_t *bytes_read, struct bt_err *err)
{
    bt_auto_source struct bt_source *source = NULL;
    uint64_t step = WINDOW, size, floor = head->first_pos, pos;
    unsigned misses = 0;
    int got;

    if (!head->place.file[0] || !head->has_transaction || !head->checksum || !head->gtid_type ||
        head->encrypted)
        return 1;
    got = bt_log_set_open(set, log, &source, err);
    if (got != 0)
        return got;
    size = bt_source_size(source);
    if (!source->can_go_back || head->place.pos + size > PLACE_MAX)
        return 1;
    /* Looks at the first `len` bytes of what lies between pos and what was looked at before: all of
     * it while nothing is found (a large transaction), else one window. */
    pos = goal.back < size ? size - goal.back : 0;
    while (pos > floor + step) {
        struct bt_event_header header;
        uint64_t found, len = misses > 0 ? WINDOW : step;

        pos -= step;
        got = search(source, pos, len, head->gtid_type, &found, &header, err);
        if (got < 0)
            return -1;
        if (got > 0) {
            *bytes_read += len;
            step *= STEP_GROWTH;
            continue;
        }
        *bytes_read += found + header.length;
        if (begin_of(&header) > goal.at) {
            step = way_back(begin_of(&header), goal.at, misses++);
            continue;
        }
        *ret = (struct bt_log_walk_opts){.log = log,
                                         .pos = pos + found,
                                         .format_pos = head->format_pos,
                                         .place = head->place,
                                         .in_order = true};
        ret->place.pos = begin_of(&header);
        return 0;
    }
    return 1;
}
