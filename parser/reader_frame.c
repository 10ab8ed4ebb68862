/* SPDX-License-Identifier: Apache-2.0 */
/* From bytes to events: lengths, checksums, and why a log ends where it does. */
#include "parser/reader_priv.h"

#include <stdarg.h>
#include <stdio.h>

#include "parser/crc.h"
#include "parser/keys_priv.h"

/* Larger events are checked piece by piece, so that they need not become resident at once. */
enum { CRC_PIECE = 4 << 20 };

enum { NAME_SIZE = 24 };

/* -------------------------------------------------------------------- ends */

int bt_reader_end_log(struct bt_reader *r, enum bt_end_kind kind, uint64_t offset, const char *fmt,
                      ...)
{
    va_list args;

    r->takes_fast_way = false;
    r->in_payload = false;
    r->end.kind = kind;
    r->end.offset = offset;
    va_start(args, fmt);
    vsnprintf(r->end.reason, sizeof(r->end.reason), fmt, args);
    va_end(args);
    return 1;
}

#define end_corrupt(r, ...) bt_reader_end_log((r), BT_END_CORRUPT, (r)->pos, __VA_ARGS__)

/* Whether the last event says that its writer closed the log.  In a relay log only the replica's
 * own ROTATE or STOP does; the primary's, real or artificial, tells of the primary's log. */
static bool is_closed(const struct bt_reader *r)
{
    const struct bt_event_header *last = &r->last;

    if ((last->type != BT_ROTATE && last->type != BT_STOP) || last->flags & BT_FLAG_ARTIFICIAL)
        return false;
    return !r->is_relay_log || last->flags & BT_FLAG_RELAY_LOG ||
           last->server_id == r->own_server_id;
}

static int end_of_bytes(struct bt_reader *r)
{
    if (is_closed(r))
        return bt_reader_end_log(r, BT_END_CLEAN, r->pos, "%s", "");
    if (!r->has_format)
        return bt_reader_end_log(r, BT_END_OPEN, r->pos, "the log has no events");
    if (r->is_sealed && !r->cipher)
        return bt_reader_end_log(r, BT_END_OPEN, r->pos,
                                 "the log is encrypted: without its key only lengths are known");
    return bt_reader_end_log(r, BT_END_OPEN, r->pos, "no ROTATE or STOP closes the log%s",
                             r->format.in_use ? ", which is marked as in use" : "");
}

/* A host that lost power leaves zero bytes where the file system had grown the log already. */
static int is_zero_to_the_end(struct bt_reader *r, bool *ret, struct bt_err *err)
{
    uint64_t pos = r->pos;
    struct bt_slice view;

    r->window = bt_slice_empty();
    for (;;) {
        if (bt_source_view(r->source, pos, 1, &view, err) != 0)
            return -1;
        if (view.len == 0)
            break;
        if (view.ptr[0] != 0 || memcmp(view.ptr, view.ptr + 1, view.len - 1) != 0) {
            *ret = false;
            return 0;
        }
        pos += view.len;
    }
    *ret = true;
    return 0;
}

static int end_at_zero_header(struct bt_reader *r, struct bt_err *err)
{
    bool is_zero = false;

    if (is_zero_to_the_end(r, &is_zero, err) != 0)
        return -1;
    if (is_zero)
        return bt_reader_end_log(r, BT_END_TORN, r->pos,
                                 "zero bytes from here to the end of the log");
    return end_corrupt(r, "an event header of zero bytes");
}

/* ----------------------------------------------------------------- lengths */

static const char *name_of(uint8_t type, char out[static NAME_SIZE])
{
    const char *name = bt_event_type_name(type);

    if (name)
        return name;
    snprintf(out, NAME_SIZE, "of type %u", type);
    return out;
}

/* Makes the window hold want bytes, or what there is until the end of the log. */
static int reach(struct bt_reader *r, size_t want, struct bt_err *err)
{
    if (r->window.len >= want)
        return 0;
    return bt_source_view(r->source, r->pos, want, &r->window, err);
}

/* Where a source leaves bytes out, the next event stands behind them. */
static int cross_hole(struct bt_reader *r, struct bt_err *err)
{
    if (r->source->goes_on_at <= r->pos)
        return 0;
    r->pos = r->source->goes_on_at;
    return reach(r, BT_EVENT_HEADER_SIZE, err);
}

/* How many bytes the source has from pos on.  Only one that cannot tell its size (a stream) is made
 * to show the event. */
static int left_in_source(struct bt_reader *r, uint32_t length, uint64_t *ret, struct bt_err *err)
{
    uint64_t size = bt_source_size(r->source);

    if (size != UINT64_MAX) {
        *ret = size > r->pos ? size - r->pos : 0;
        return 0;
    }
    if (reach(r, length, err) != 0)
        return -1;
    *ret = r->window.len;
    return 0;
}

/* Whether the bytes of an event that claims h->length of them are there: 1 = the log ends here. */
static int check_length(struct bt_reader *r, const struct bt_event_header *h, struct bt_err *err)
{
    uint64_t there;
    char name[NAME_SIZE];

    if (r->is_sealed && (h->length < r->length_min || h->length > r->opts.event_size_max))
        return end_corrupt(r, "an encrypted event claims %u bytes, allowed are %u to %u", h->length,
                           r->length_min, r->opts.event_size_max);
    if (h->length < r->length_min || h->length > r->opts.event_size_max)
        return end_corrupt(r, "the event %s claims %u bytes, allowed are %u to %u",
                           name_of(h->type, name), h->length, r->length_min,
                           r->opts.event_size_max);
    if (r->has_format && !r->is_sealed && bt_reader_contradicts_position(r, h, r->pos))
        return end_corrupt(r, "the event %s of %u bytes claims to end at %u",
                           name_of(h->type, name), h->length, h->end_log_pos);
    if (r->window.len >= h->length)
        return 0;
    if (left_in_source(r, h->length, &there, err) != 0)
        return -1;
    if (there < h->length)
        return bt_reader_end_log(r, BT_END_TORN, r->pos, "the event %s has %llu of its %u bytes",
                                 r->is_sealed ? "(encrypted)" : name_of(h->type, name),
                                 (unsigned long long)there, h->length);
    return 0;
}

/* --------------------------------------------------------------- checksums */

/* The CRC of an event that is larger than a window, piece by piece. */
static int large_crc(struct bt_reader *r, uint64_t len, uint32_t *ret, struct bt_err *err)
{
    uint64_t done = 0;
    uint32_t crc = 0;

    r->window = bt_slice_empty();
    while (done < len) {
        uint64_t want = len - done < CRC_PIECE ? len - done : CRC_PIECE;
        struct bt_slice piece;

        if (bt_source_view(r->source, r->pos + done, want, &piece, err) != 0)
            return -1;
        if (piece.len < want)
            return bt_fail(err, BT_ERR_SYSTEM, "\"%s\" became shorter than %llu bytes",
                           r->source->name, (unsigned long long)(r->pos + done + want));
        piece.len = want;
        crc = bt_crc32(crc, piece);
        done += want;
    }
    *ret = crc;
    return 0;
}

/* Brings the event of `length` bytes at pos into the window, and its CRC into *ret_crc where
 * wanted. */
static int reach_event(struct bt_reader *r, uint32_t length, bool wants_crc, uint32_t *ret_crc,
                       struct bt_err *err)
{
    uint64_t len = length - BT_CHECKSUM_SIZE;
    bool is_large = wants_crc && len > CRC_PIECE && r->window.len < length &&
                    r->source->can_go_back;

    if (is_large && large_crc(r, len, ret_crc, err) != 0)
        return -1;
    if (reach(r, length, err) != 0)
        return -1;
    if (r->window.len < length)
        return bt_fail(err, BT_ERR_SYSTEM, "\"%s\" became shorter than %llu bytes", r->source->name,
                       (unsigned long long)(r->pos + length));
    if (wants_crc && !is_large)
        *ret_crc = bt_crc32(0, bt_slice(r->window.ptr, len));
    return 0;
}

/* Whether the CRC at the end of `bytes` is crc: 1 = the log ends here. */
static int check_crc(struct bt_reader *r, struct bt_slice bytes, uint8_t type, uint32_t crc)
{
    struct bt_cursor c = bt_cursor(bytes);
    uint32_t stored = 0;
    char name[NAME_SIZE];

    if (bt_cur_skip(&c, bytes.len - BT_CHECKSUM_SIZE) && bt_cur_u32(&c, &stored) && stored == crc)
        return 0;
    return end_corrupt(r, "CRC of the event %s is %08x, the log says %08x", name_of(type, name),
                       crc, stored);
}

/* ------------------------------------------------------------------- types */

/* Whether such an event may stand here.  Without a checksum an unknown code is taken for damage,
 * unless its writer marked it as one to skip (Aurora's 100). */
static int check_type(struct bt_reader *r, const struct bt_event_header *h)
{
    char name[NAME_SIZE];

    if (!r->has_format && h->type != BT_FORMAT_DESCRIPTION)
        return end_corrupt(r, "the first event is %s, not FORMAT_DESCRIPTION",
                           name_of(h->type, name));
    if (h->type == BT_START_V3 || h->type == BT_UNKNOWN)
        return end_corrupt(r, "the event %s has no place here", name_of(h->type, name));
    if (r->has_format && !r->format.checksum && !bt_event_type_name(h->type) &&
        !(h->flags & BT_FLAG_IGNORABLE))
        return end_corrupt(r, "the event %s is not known, and nothing proves it",
                           name_of(h->type, name));
    return 0;
}

/* Decrypts the event in hand and looks at what it is. */
static int open_sealed(struct bt_reader *r, struct bt_frame *frame, struct bt_err *err)
{
    struct bt_err why = {0};
    struct bt_cursor c;
    int rc;

    if (r->opts.keys->ops->event(r->cipher, r->pos, frame->bytes, &r->opened, &why) != 0) {
        if (why.kind == BT_ERR_CORRUPT)
            return end_corrupt(r, "%.200s", why.text);
        *err = why;
        return -1;
    }
    frame->bytes = bt_buf_slice(&r->opened);
    c = bt_cursor(frame->bytes);
    if (!bt_event_header_take(&c, &frame->header))
        return bt_fail(err, BT_ERR_BUG, "an event lost its header when it was decrypted");
    if ((rc = check_type(r, &frame->header)) != 0)
        return rc;
    if (!r->format.checksum || r->opts.skip_crc || frame->header.type == BT_FORMAT_DESCRIPTION)
        return 0;
    return check_crc(r, frame->bytes, frame->header.type,
                     bt_crc32(0, bt_slice(frame->bytes.ptr, frame->bytes.len - BT_CHECKSUM_SIZE)));
}

int bt_reader_frame(struct bt_reader *r, struct bt_frame *ret, struct bt_err *err)
{
    static const uint8_t zero[BT_EVENT_HEADER_SIZE];
    struct bt_event_header h;
    struct bt_cursor c;
    uint32_t crc = 0;
    bool wants_crc;
    int rc;

    if (reach(r, BT_EVENT_HEADER_SIZE, err) != 0 ||
        (r->window.len == 0 && cross_hole(r, err) != 0))
        return -1;
    if (r->window.len == 0)
        return end_of_bytes(r);
    c = bt_cursor(r->window);
    if (!bt_event_header_take(&c, &h))
        return bt_reader_end_log(r, BT_END_TORN, r->pos, "%zu bytes of an event header of %d",
                                 r->window.len, BT_EVENT_HEADER_SIZE);
    if (memcmp(r->window.ptr, zero, sizeof(zero)) == 0)
        return end_at_zero_header(r, err);
    if ((rc = check_length(r, &h, err)) != 0)
        return rc;
    if (!r->is_sealed && (rc = check_type(r, &h)) != 0)
        return rc;
    wants_crc = r->format.checksum && !r->opts.skip_crc && h.type != BT_FORMAT_DESCRIPTION &&
                !r->is_sealed;
    if (reach_event(r, h.length, wants_crc, &crc, err) != 0)
        return -1;
    ret->header = h;
    ret->bytes = bt_slice(r->window.ptr, h.length);
    if (r->cipher)
        return open_sealed(r, ret, err);
    return wants_crc ? check_crc(r, ret->bytes, h.type, crc) : 0;
}
