/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Framing: from bytes to events, and why they end.
 *
 * next() has two ways.  The fast one takes an event that stands whole in the window in hand, has a
 * right CRC and a type that needs no care: no call through the source, no copy.  Everything else
 * (the window's end, a FORMAT_DESCRIPTION, wrapped or sealed events, every doubt) takes the slow
 * one, which asks each question in order and names the answer.
 */
#include "parser/reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/auto.h"
#include "parser/crc.h"

enum {
    MAGIC_SIZE = 4,
    /* A page ahead: the hardware's prefetchers stop at page ends.  53-byte events: 15 ns -> 6. */
    PREFETCH_AHEAD = 4096,
    /* Larger events are checked piece by piece, so that they need not become resident at once. */
    CRC_PIECE = 4 << 20,
};

/* Types that need the slow way, one bit a code. */
struct type_set {
    uint64_t bits[4];
};

struct bt_reader {
    struct bt_source *source; /* borrowed */
    struct bt_reader_opts opts;
    uint64_t stop_pos;      /* UINT64_MAX without one */
    struct bt_slice window; /* what is in hand from pos on; borrowed from source */
    uint64_t pos;           /* of the next event */
    bool takes_fast_way;    /* events are plain, and their CRC is checked or need not be */
    uint32_t length_min;    /* of an event under the format in force */
    struct type_set careful;
    struct bt_format format; /* in force */
    bool has_format;
    bool is_relay_log;
    uint32_t own_server_id;      /* of who wrote this log: in its first FORMAT_DESCRIPTION */
    struct bt_event_header last; /* the event handed out last */
    struct bt_end end;
};

static const uint8_t magic_plain[MAGIC_SIZE] = {0xfe, 'b', 'i', 'n'};
static const uint8_t magic_mysql_encrypted[MAGIC_SIZE] = {0xfd, 'b', 'i', 'n'};
static const uint8_t magic_innodb[MAGIC_SIZE] = {0xfe, 0xfe, 0x0d, 0x01};

/* -------------------------------------------------------------------- ends */

static int BT_PRINTF(4, 5) end_log(struct bt_reader *r, enum bt_end_kind kind, uint64_t offset,
                                   const char *fmt, ...)
{
    va_list args;

    r->takes_fast_way = false;
    r->end.kind = kind;
    r->end.offset = offset;
    va_start(args, fmt);
    vsnprintf(r->end.reason, sizeof(r->end.reason), fmt, args);
    va_end(args);
    return 1;
}

#define end_corrupt(r, ...) end_log((r), BT_END_CORRUPT, (r)->pos, __VA_ARGS__)

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
        return end_log(r, BT_END_CLEAN, r->pos, "%s", "");
    if (!r->has_format)
        return end_log(r, BT_END_OPEN, r->pos, "the log has no events");
    return end_log(r, BT_END_OPEN, r->pos, "no ROTATE or STOP closes the log%s",
                   r->format.in_use ? ", which is marked as in use" : "");
}

/* A host that lost power leaves zero bytes where the file system had grown the log already. */
static int is_zero_to_the_end(struct bt_reader *r, bool *ret, struct bt_err *err)
{
    uint64_t pos = r->pos;
    struct bt_slice view;

    for (;;) {
        if (bt_source_view(r->source, pos, 1, &view, err) != 0)
            return -1;
        r->window = bt_slice_empty();
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
        return end_log(r, BT_END_TORN, r->pos, "zero bytes from here to the end of the log");
    return end_corrupt(r, "an event header of zero bytes");
}

/* ----------------------------------------------------------------- framing */

static const char *name_of(uint8_t type, char out[static 24])
{
    const char *name = bt_event_type_name(type);

    if (name)
        return name;
    snprintf(out, 24, "of type %u", type);
    return out;
}

/* Makes the window hold want bytes, or what there is until the end of the log. */
static int reach(struct bt_reader *r, size_t want, struct bt_err *err)
{
    if (r->window.len >= want)
        return 0;
    return bt_source_view(r->source, r->pos, want, &r->window, err);
}

/* The CRC of an event that is larger than a window, piece by piece, then its window again. */
static int large_crc(struct bt_reader *r, uint64_t len, uint32_t *ret, struct bt_err *err)
{
    uint64_t done = 0;
    uint32_t crc = 0;

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
    r->window = bt_slice_empty();
    *ret = crc;
    return 0;
}

/* 0: the CRC of the event of h.length bytes at pos is right, or there is none to check.  1: the log
 * ends here.  The window holds the event afterwards. */
static int check_crc(struct bt_reader *r, const struct bt_event_header *h, struct bt_err *err)
{
    uint64_t len = h->length - BT_CHECKSUM_SIZE;
    struct bt_cursor stored_at;
    uint32_t crc = 0, stored = 0;

    if (!r->format.checksum || r->opts.skip_crc)
        return reach(r, h->length, err);
    if (len > CRC_PIECE && r->window.len < h->length && r->source->can_go_back) {
        if (large_crc(r, len, &crc, err) != 0 || reach(r, h->length, err) != 0)
            return -1;
    } else {
        if (reach(r, h->length, err) != 0)
            return -1;
        crc = bt_crc32(0, bt_slice(r->window.ptr, len));
    }
    stored_at = bt_cursor(bt_slice(r->window.ptr + len, BT_CHECKSUM_SIZE));
    if (!bt_cur_u32(&stored_at, &stored) || stored != crc) {
        char name[24];

        return end_corrupt(r, "CRC of the event %s is %08x, the log says %08x",
                           name_of(h->type, name), crc, stored);
    }
    return 0;
}

/* In a binary log without checksums the only proof of a length is that end_log_pos agrees with it.
 * MySQL before 5.1 wrote other positions inside transactions (Bug#22540). */
static bool contradicts_position(const struct bt_reader *r, const struct bt_event_header *h)
{
    return r->has_format && !r->format.checksum && !r->is_relay_log && h->end_log_pos != 0 &&
           r->format.version_number >= 50100 && !(h->flags & BT_FLAG_ARTIFICIAL) &&
           h->end_log_pos != (uint32_t)(r->pos + h->length);
}

/* How many bytes of the event at pos the source has.  Only a source that cannot tell its size (a
 * stream) is made to show them. */
static int left_in_source(struct bt_reader *r, const struct bt_event_header *h, uint64_t *ret,
                          struct bt_err *err)
{
    uint64_t size = bt_source_size(r->source);

    if (size != UINT64_MAX) {
        *ret = size > r->pos ? size - r->pos : 0;
        return 0;
    }
    if (reach(r, h->length, err) != 0)
        return -1;
    *ret = r->window.len;
    return 0;
}

/* Whether the bytes of an event that claims h.length of them are there: 1 = the log ends here. */
static int check_length(struct bt_reader *r, const struct bt_event_header *h, struct bt_err *err)
{
    uint64_t there;
    char name[24];

    if (h->length < r->length_min || h->length > r->opts.event_size_max)
        return end_corrupt(r, "the event %s claims %u bytes, allowed are %u to %u",
                           name_of(h->type, name), h->length, r->length_min,
                           r->opts.event_size_max);
    if (contradicts_position(r, h))
        return end_corrupt(r, "the event %s of %u bytes claims to end at %u",
                           name_of(h->type, name), h->length, h->end_log_pos);
    if (r->window.len >= h->length)
        return 0;
    if (left_in_source(r, h, &there, err) != 0)
        return -1;
    if (there < h->length)
        return end_log(r, BT_END_TORN, r->pos, "the event %s has %llu of its %u bytes",
                       name_of(h->type, name), (unsigned long long)there, h->length);
    return 0;
}

/* Whether such an event may stand here.  Without a checksum an unknown code is taken for damage,
 * unless its writer marked it as one to skip (Aurora's 100). */
static int check_type(struct bt_reader *r, const struct bt_event_header *h)
{
    char name[24];

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

/* Finds the event at pos: 0 and its header, with the event in the window; 1 = the log ends here. */
static int frame(struct bt_reader *r, struct bt_event_header *ret, struct bt_err *err)
{
    static const uint8_t zero[BT_EVENT_HEADER_SIZE];
    struct bt_event_header h;
    struct bt_cursor c;
    int rc;

    if (reach(r, BT_EVENT_HEADER_SIZE, err) != 0)
        return -1;
    if (r->window.len == 0)
        return end_of_bytes(r);
    c = bt_cursor(r->window);
    if (!bt_event_header_take(&c, &h))
        return end_log(r, BT_END_TORN, r->pos, "%zu bytes of an event header of %d",
                       r->window.len, BT_EVENT_HEADER_SIZE);
    if (memcmp(r->window.ptr, zero, sizeof(zero)) == 0)
        return end_at_zero_header(r, err);
    if ((rc = check_length(r, &h, err)) != 0 || (rc = check_type(r, &h)) != 0)
        return rc;
    if (h.type == BT_FORMAT_DESCRIPTION)
        rc = reach(r, h.length, err);
    else
        rc = check_crc(r, &h, err);
    if (rc == 0)
        *ret = h;
    return rc;
}

/* ------------------------------------------------------------------ format */

static void be_careful_with(struct type_set *set, uint8_t type)
{
    set->bits[type / 64] |= UINT64_C(1) << (type % 64);
}

static bool is_careful(const struct type_set *set, uint8_t type)
{
    return set->bits[type / 64] >> (type % 64) & 1;
}

static struct type_set careful_types(const struct bt_reader_opts *opts)
{
    struct type_set set = {0};

    for (int type = 0; type < 256; type++)
        if (!bt_event_type_name((uint8_t)type))
            be_careful_with(&set, (uint8_t)type);
    be_careful_with(&set, BT_UNKNOWN);
    be_careful_with(&set, BT_START_V3);
    be_careful_with(&set, BT_ROTATE); /* its header is 19 bytes whatever the format says */
    be_careful_with(&set, BT_FORMAT_DESCRIPTION);
    (void)opts;
    return set;
}

/* Puts the FORMAT_DESCRIPTION in the window in force: 1 = the log ends here. */
static int adopt_format(struct bt_reader *r, const struct bt_event_header *h)
{
    struct bt_slice raw = bt_slice(r->window.ptr, h->length);
    struct bt_format format;
    struct bt_err why;

    if (bt_format_read(raw, &format, &why) != 0)
        return end_corrupt(r, "%.200s", why.text);
    if (!r->opts.skip_crc && !bt_format_crc_ok(raw, &format))
        return end_corrupt(r, "CRC of the event FORMAT_DESCRIPTION is not right");
    if (!r->has_format) {
        r->is_relay_log = h->flags & BT_FLAG_RELAY_LOG;
        r->own_server_id = h->server_id;
    } else {
        format.in_use |= r->format.in_use;
    }
    r->format = format;
    r->has_format = true;
    r->length_min = format.header_length + (format.checksum ? BT_CHECKSUM_SIZE : 0u);
    r->takes_fast_way = true;
    return 0;
}

/* -------------------------------------------------------------------- next */

/* The event of h in the window becomes *ret and is left behind. */
static inline void hand_out(struct bt_reader *r, const struct bt_event_header *h, uint32_t skip,
                            uint32_t trailer, struct bt_event *ret)
{
    ret->header = *h;
    ret->type = h->type;
    ret->inner = false;
    ret->sealed = false;
    ret->offset = r->pos;
    ret->raw = (struct bt_slice){r->window.ptr, h->length};
    ret->body = (struct bt_slice){r->window.ptr + skip, h->length - skip - trailer};
    ret->format = &r->format;
    r->last = *h;
    r->pos += h->length;
    r->window.ptr += h->length;
    r->window.len -= h->length;
}

static int next_slowly(struct bt_reader *r, struct bt_event *ret, struct bt_err *err)
{
    struct bt_event_header h = {0};
    uint32_t skip = BT_EVENT_HEADER_SIZE, trailer;
    int rc;

    if (r->end.kind != BT_END_NOT_YET)
        return 1;
    if (r->pos >= r->stop_pos)
        return end_log(r, BT_END_CLEAN, r->pos, "%s", "");
    rc = frame(r, &h, err);
    if (rc == 0 && h.type == BT_FORMAT_DESCRIPTION)
        rc = adopt_format(r, &h);
    if (rc < 0)
        return bt_err_wrap(err, "%s:%llu", r->source->name, (unsigned long long)r->pos);
    if (rc > 0)
        return rc;
    if (h.type == BT_FORMAT_DESCRIPTION) {
        trailer = r->format.knows_checksums ? BT_CHECKSUM_SIZE : 0;
    } else {
        trailer = r->format.checksum ? BT_CHECKSUM_SIZE : 0;
        if (h.type != BT_ROTATE)
            skip = r->format.header_length;
    }
    hand_out(r, &h, skip, trailer, ret);
    return 0;
}

static inline bool has_right_crc(const struct bt_reader *r, uint32_t length)
{
    uint32_t len = length - BT_CHECKSUM_SIZE;
    struct bt_cursor stored_at = {r->window.ptr + len, BT_CHECKSUM_SIZE};
    uint32_t stored;

    return bt_cur_u32(&stored_at, &stored) &&
           bt_crc32(0, (struct bt_slice){r->window.ptr, len}) == stored;
}

/* What can be known of an event without asking the source. */
static inline bool is_right(const struct bt_reader *r, const struct bt_event_header *h)
{
    if (!r->format.checksum)
        return !contradicts_position(r, h);
    return r->opts.skip_crc || has_right_crc(r, h->length);
}

int bt_reader_next(struct bt_reader *r, struct bt_event *ret, struct bt_err *err)
{
    struct bt_cursor c = bt_cursor(r->window);
    struct bt_event_header h;

    __builtin_prefetch(r->window.ptr + PREFETCH_AHEAD);
    if (!r->takes_fast_way || r->pos >= r->stop_pos ||
        !bt_event_header_take(&c, &h) ||
        h.length < r->length_min || h.length > r->window.len || is_careful(&r->careful, h.type) ||
        h.length > r->opts.event_size_max || !is_right(r, &h))
        return next_slowly(r, ret, err);
    hand_out(r, &h, r->format.header_length, r->format.checksum ? BT_CHECKSUM_SIZE : 0, ret);
    return 0;
}

/* -------------------------------------------------------------------- open */

/* Names what is not a v4 log.  1: too short to be one; the log ends before its first event. */
static int check_magic(struct bt_reader *r, struct bt_err *err)
{
    const char *name = r->source->name;
    struct bt_slice start;

    if (bt_source_view(r->source, 0, MAGIC_SIZE + BT_EVENT_HEADER_SIZE, &start, err) != 0)
        return -1;
    if (start.len < MAGIC_SIZE)
        return end_log(r, BT_END_TORN, 0, "%zu bytes of a log header of %d", start.len, MAGIC_SIZE);
    if (memcmp(start.ptr, magic_mysql_encrypted, MAGIC_SIZE) == 0)
        return bt_fail(err, BT_ERR_CORRUPT, "\"%s\" is encrypted by MySQL: its keyring is needed",
                       name);
    if (memcmp(start.ptr, magic_innodb, MAGIC_SIZE) == 0)
        return bt_fail(err, BT_ERR_CORRUPT,
                       "cannot read \"%s\": it is an InnoDB binary log (.ibb, MariaDB 12.3)", name);
    if (memcmp(start.ptr, magic_plain, MAGIC_SIZE) != 0)
        return bt_fail(err, BT_ERR_CORRUPT, "\"%s\" is not a binary log", name);
    if (start.len > MAGIC_SIZE + 4 && start.ptr[MAGIC_SIZE + 4] == BT_START_V3)
        return bt_fail(err, BT_ERR_CORRUPT,
                       "cannot read \"%s\": it is a log of MySQL 4.1 or older (version 1 or 3)",
                       name);
    r->pos = MAGIC_SIZE;
    return 0;
}

/* Goes to start_pos with the format that is in force there: in a binary log the first one, in a
 * relay log the last one on the way. */
static int go_to_start(struct bt_reader *r, uint64_t start_pos, struct bt_err *err)
{
    bool skip_crc = r->opts.skip_crc;
    struct bt_event ev;
    int rc = 0;

    if (start_pos <= MAGIC_SIZE)
        return 0;
    rc = bt_reader_next(r, &ev, err);
    r->opts.skip_crc = true;
    while (rc == 0 && r->is_relay_log && r->pos < start_pos)
        rc = bt_reader_next(r, &ev, err);
    r->opts.skip_crc = skip_crc;
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    if (r->pos > start_pos)
        return bt_fail(err, BT_ERR_REALITY, "offset %llu of \"%s\" is inside the event at %llu",
                       (unsigned long long)start_pos, r->source->name,
                       (unsigned long long)ev.offset);
    if (r->pos < start_pos) {
        r->pos = start_pos;
        r->window = bt_slice_empty();
    }
    return 0;
}

int bt_reader_open(struct bt_source *source, struct bt_reader_opts opts, struct bt_reader **ret,
                   struct bt_err *err)
{
    bt_auto_reader struct bt_reader *r = calloc(1, sizeof(*r));
    int rc;

    if (!r)
        return bt_fail_sys(err, "could not open a reader on \"%s\"", source->name);
    r->source = source;
    r->opts = opts;
    if (opts.event_size_max == 0)
        r->opts.event_size_max = BT_EVENT_SIZE_MAX;
    if (opts.inflate_max == 0)
        r->opts.inflate_max = BT_EVENT_SIZE_MAX;
    r->stop_pos = opts.stop_pos ? opts.stop_pos : UINT64_MAX;
    r->length_min = BT_EVENT_HEADER_SIZE;
    r->careful = careful_types(&r->opts);
    r->window = bt_slice_empty();
    rc = check_magic(r, err);
    if (rc < 0 || (rc == 0 && go_to_start(r, opts.start_pos, err) != 0))
        return -1;
    *ret = bt_steal(r);
    return 0;
}

void bt_reader_close(struct bt_reader *r)
{
    free(r);
}

const struct bt_end *bt_reader_end(const struct bt_reader *r)
{
    return &r->end;
}

const struct bt_format *bt_reader_format(const struct bt_reader *r)
{
    return r->has_format ? &r->format : NULL;
}

const char *bt_end_kind_name(enum bt_end_kind kind)
{
    switch (kind) {
    case BT_END_NOT_YET: return "not yet";
    case BT_END_CLEAN: return "clean";
    case BT_END_OPEN: return "open";
    case BT_END_TORN: return "torn";
    case BT_END_CORRUPT: return "corrupt";
    }
    return "not yet";
}
