/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds ahead of time the events that need no care.
 *
 * This loop is what reading a log costs: it walks the lengths and checks each CRC.  Only few events
 * are found at a time, so that the memory behind them comes while they are handled: a run of
 * RUN_BYTES, then those events, then the next run.
 */
#include <assert.h>

#include "parser/crc.h"
#include "parser/crc_wide_priv.h"
#include "parser/reader_priv.h"

enum {
    RUN_BYTES = 2048, /* events are found until they have that many */
};

typedef uint32_t crc_function(struct bt_slice bytes);

static inline bool is_careful(const struct bt_type_set *set, uint8_t type)
{
    return set->bits[type / 64] >> (type % 64) & 1;
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
static inline __attribute__((always_inline)) void find(struct bt_reader *r, crc_function *crc,
                                                       bool asks_ahead)
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
        if (asks_ahead)
            bt_ahead_ask(left.ptr, h.length);
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
static BT_TARGET_WIDE void find_wide(struct bt_reader *r, bool asks_ahead)
{
    if (asks_ahead)
        find(r, bt_crc32_wide, true);
    else
        find(r, bt_crc32_wide, false);
}
#endif

bool bt_reader_find(struct bt_reader *r, bool asks_ahead)
{
    if (!r->takes_fast_way)
        return false;
    if (!r->format.checksum || r->opts.skip_crc)
        find(r, NULL, asks_ahead);
#ifdef BT_CRC_WIDE
    else if (bt_crc32_is_wide())
        find_wide(r, asks_ahead);
#endif
    else
        find(r, crc32_portable, asks_ahead);
    return r->found_count > 0;
}

bool bt_reader_run(struct bt_reader *r, struct bt_event_run *ret)
{
    if (r->next_found == r->found_count && !bt_reader_find(r, false))
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
