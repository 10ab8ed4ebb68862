/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds ahead of time the events that need no care.
 *
 * This loop is what reading a log costs: it walks the lengths, checks each CRC and asks for the
 * memory that comes behind.  Only few events are found at a time, so that whoever handles them
 * works while that memory comes: a run of RUN_BYTES, then those events, then the next run.
 */
#include <assert.h>

#include "parser/crc.h"
#include "parser/crc_wide_priv.h"
#include "parser/reader_priv.h"

enum {
    RUN_BYTES = 2048, /* events are found until they have that many */
    /* All lines of an event are asked for so far ahead: the hardware's prefetchers alone reach 11
     * GB/s of 15, since they stop at page ends.  docs/decisions/0003. */
    PREFETCH_AHEAD = 4096,
    PREFETCH_MAX = 16384, /* of one event: what is longer than that is read in a straight line */
    LINE = 64,
};

typedef uint32_t crc_function(struct bt_slice bytes);

static inline bool is_careful(const struct bt_type_set *set, uint8_t type)
{
    return set->bits[type / 64] >> (type % 64) & 1;
}

static inline void prefetch(const uint8_t *event, uint32_t length)
{
    uint32_t max = length < PREFETCH_MAX ? length : PREFETCH_MAX;

    for (uint32_t at = 0; at < max; at += LINE)
        __builtin_prefetch(event + PREFETCH_AHEAD + at);
}

static inline __attribute__((always_inline)) bool has_right_crc(struct bt_slice event,
                                                                crc_function *crc)
{
    struct bt_slice covered = {event.ptr, event.len - BT_CHECKSUM_SIZE};
    struct bt_cursor stored_at = {covered.ptr + covered.len, BT_CHECKSUM_SIZE};
    uint32_t stored;

    return bt_cur_u32(&stored_at, &stored) && crc(covered) == stored;
}

/* crc: NULL where there are no checksums or they are not asked for. */
static inline __attribute__((always_inline)) void find(struct bt_reader *r, crc_function *crc)
{
    struct bt_slice left = r->window;
    uint64_t pos = r->pos;
    size_t count = 0;

    while (count < BT_RUN_MAX && pos - r->pos < RUN_BYTES && pos < r->stop_pos) {
        struct bt_cursor c = bt_cursor(left);
        struct bt_event_header h;

        if (!bt_event_header_take(&c, &h) ||
            h.length < r->length_min || h.length > left.len ||
            h.length > r->opts.event_size_max || is_careful(&r->careful, h.type))
            break;
        prefetch(left.ptr, h.length);
        if (crc ? !has_right_crc((struct bt_slice){left.ptr, h.length}, crc)
                : bt_reader_contradicts_position(r, &h, pos))
            break;
        pos += h.length;
        r->ends[count++] = (uint32_t)(pos - r->pos);
        left.ptr += h.length;
        left.len -= h.length;
    }
    r->found_pos = r->pos;
    r->next_found = 0;
    r->found_count = (uint32_t)count;
}

static uint32_t crc32_portable(struct bt_slice bytes)
{
    return bt_crc32(0, bytes);
}

#ifdef BT_CRC_WIDE
static BT_TARGET_WIDE void find_wide(struct bt_reader *r)
{
    find(r, bt_crc32_wide);
}
#endif

bool bt_reader_find(struct bt_reader *r)
{
    if (!r->takes_fast_way)
        return false;
    if (!r->format.checksum || r->opts.skip_crc)
        find(r, NULL);
#ifdef BT_CRC_WIDE
    else if (bt_crc32_is_wide())
        find_wide(r);
#endif
    else
        find(r, crc32_portable);
    return r->found_count > 0;
}

bool bt_reader_run(struct bt_reader *r, struct bt_event_run *ret)
{
    if (r->next_found == r->found_count && !bt_reader_find(r))
        return false;
    ret->format = &r->format;
    ret->begin = (uint32_t)(r->pos - r->found_pos);
    ret->bytes = r->window.ptr - ret->begin;
    ret->offset = r->found_pos;
    ret->ends = r->ends + r->next_found;
    ret->count = r->found_count - r->next_found;
    return true;
}

void bt_reader_pass(struct bt_reader *r, size_t count)
{
    uint32_t begin = (uint32_t)(r->pos - r->found_pos), last = begin, end;
    struct bt_cursor c;

    if (count == 0)
        return;
    assert(count <= r->found_count - r->next_found);
    if (count > 1)
        last = r->ends[r->next_found + count - 2];
    r->next_found += (uint32_t)count;
    end = r->ends[r->next_found - 1];
    c = (struct bt_cursor){r->window.ptr + (last - begin), end - last};
    (void)!bt_event_header_take(&c, &r->last);
    r->window.ptr += end - begin;
    r->window.len -= end - begin;
    r->pos += end - begin;
}
