/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way through a log.
 *
 * next() has two ways.  The fast one takes events that were found ahead (reader_run.c): whole in
 * the window in hand, with a right CRC and of a type that needs no care.  Everything else (the
 * window's end, a FORMAT_DESCRIPTION, wrapped or sealed events, every doubt) takes the slow one,
 * which asks each question in order and names the answer.
 */
#include "parser/reader.h"

#include <stdlib.h>

#include "base/auto.h"
#include "parser/control.h"
#include "parser/keys_priv.h"
#include "parser/reader_priv.h"

enum { MAGIC_SIZE = 4 };

static const uint8_t magic_plain[MAGIC_SIZE] = {0xfe, 'b', 'i', 'n'};
static const uint8_t magic_mysql_encrypted[MAGIC_SIZE] = {0xfd, 'b', 'i', 'n'};
static const uint8_t magic_innodb[MAGIC_SIZE] = {0xfe, 0xfe, 0x0d, 0x01};

/* ----------------------------------------------------------- careful types */

static void be_careful_with(struct bt_type_set *set, uint8_t type)
{
    set->bits[type / 64] |= UINT64_C(1) << (type % 64);
}

static bool is_wrapped(uint8_t type)
{
    return bt_event_is_compressed(type) || type == BT_TRANSACTION_PAYLOAD ||
           type == BT_PARTIAL_ROW_DATA;
}

static struct bt_type_set careful_types(const struct bt_reader_opts *opts)
{
    struct bt_type_set set = {0};

    for (int type = 0; type < 256; type++)
        if (!bt_event_type_name((uint8_t)type) ||
            (!opts->keep_compressed && is_wrapped((uint8_t)type)))
            be_careful_with(&set, (uint8_t)type);
    be_careful_with(&set, BT_UNKNOWN);
    be_careful_with(&set, BT_START_V3);
    be_careful_with(&set, BT_ROTATE); /* its header is 19 bytes whatever the format says */
    be_careful_with(&set, BT_FORMAT_DESCRIPTION);
    be_careful_with(&set, BT_START_ENCRYPTION);
    return set;
}

/* ------------------------------------------------------------------ format */

/* Puts a FORMAT_DESCRIPTION in force: 1 = the log ends here. */
static int adopt_format(struct bt_reader *r, const struct bt_frame *frame)
{
    struct bt_format format;
    struct bt_err why;

    if (bt_format_read(frame->bytes, &format, &why) != 0)
        return bt_reader_end_log(r, BT_END_CORRUPT, r->pos, "%.200s", why.text);
    if (!r->opts.skip_crc && !bt_format_crc_ok(frame->bytes, &format))
        return bt_reader_end_log(r, BT_END_CORRUPT, r->pos,
                                 "CRC of the event FORMAT_DESCRIPTION is not right");
    if (!r->has_format) {
        r->is_relay_log = frame->header.flags & BT_FLAG_RELAY_LOG;
        r->own_server_id = frame->header.server_id;
    } else {
        format.in_use |= r->format.in_use;
    }
    r->format = format;
    r->has_format = true;
    r->length_min = format.header_length + (format.checksum ? BT_CHECKSUM_SIZE : 0u);
    r->takes_fast_way = !r->is_sealed;
    return 0;
}

/* ---------------------------------------------------------- wrapped events */

/* What cannot be unwrapped is damage, unless it is over a ceiling of ours. */
static int end_at_wrapped(struct bt_reader *r, const struct bt_event *ev, struct bt_err *err)
{
    if (err->kind != BT_ERR_CORRUPT)
        return bt_err_wrap(err, "%s:%llu", r->source->name, (unsigned long long)ev->offset);
    r->window = bt_slice_empty();
    return bt_reader_end_log(r, BT_END_CORRUPT, ev->offset, "%s: %.200s",
                             bt_event_type_name(ev->header.type), err->text);
}

static int begin_payload(struct bt_reader *r, struct bt_event *ev, struct bt_err *err)
{
    struct bt_payload_limits limits = {
        .event_size_max = r->opts.event_size_max,
        .plain_max = r->opts.inflate_max,
    };

    if (!r->payload && bt_payload_new(&r->payload, err) != 0)
        return -1;
    if (bt_payload_begin(r->payload, ev->body, limits, err) != 0)
        return -1;
    ev->opened = true;
    r->outer = *ev;
    r->in_payload = true;
    r->takes_fast_way = false;
    return 0;
}

/* The next inner event; 1 behind the last one. */
static int next_inner(struct bt_reader *r, struct bt_event *ret, struct bt_err *err)
{
    struct bt_slice inner;
    struct bt_cursor c;
    int rc = bt_payload_next(r->payload, &inner, err);

    if (rc == 0) {
        c = bt_cursor(inner);
        *ret = r->outer;
        ret->inner = true;
        ret->opened = false;
        if (!bt_event_header_take(&c, &ret->header))
            rc = bt_fail(err, BT_ERR_CORRUPT, "an inner event of %zu bytes", inner.len);
        ret->type = ret->header.type;
        ret->body = bt_cur_rest(&c);
    }
    if (rc != 0) {
        r->in_payload = false;
        r->takes_fast_way = !r->is_sealed;
    }
    return rc;
}

/* Replaces a wrapped event by what it holds.  0: ev is to be handed out. */
static int unwrap(struct bt_reader *r, struct bt_event *ev, struct bt_err *err)
{
    int rc;

    if (bt_event_is_compressed(ev->type))
        return bt_unwrap_compressed(&r->unwrapper, ev, err);
    if (ev->type == BT_TRANSACTION_PAYLOAD)
        return begin_payload(r, ev, err);
    rc = bt_unwrap_fragment(&r->unwrapper, ev, err);
    return rc < 0 ? rc : 0;
}

static void close_cipher(struct bt_reader *r)
{
    if (r->cipher)
        r->opts.keys->ops->close(r->cipher);
    r->cipher = NULL;
}

/* Behind it only lengths can be read without the key. */
static int begin_encryption(struct bt_reader *r, const struct bt_event *ev, struct bt_err *err)
{
    struct bt_start_encryption start;

    if (bt_start_encryption_read(ev, &start, err) != 0)
        return -1;
    close_cipher(r);
    if (r->source->is_decrypted)
        return 0;
    r->is_sealed = true;
    r->takes_fast_way = false;
    return r->opts.keys ? r->opts.keys->ops->open(r->opts.keys, ev->body, &r->cipher, err) : 0;
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
    ret->opened = false;
    ret->offset = r->pos;
    ret->raw = (struct bt_slice){r->window.ptr, h->length};
    ret->body = (struct bt_slice){r->window.ptr + skip, h->length - skip - trailer};
    ret->format = &r->format;
    r->last = *h;
    r->pos += h->length;
    r->window.ptr += h->length;
    r->window.len -= h->length;
}

static void hand_out_sealed(struct bt_reader *r, const struct bt_frame *frame, struct bt_event *ret)
{
    struct bt_event_header h = {.type = BT_UNKNOWN, .length = frame->header.length};

    hand_out(r, &h, h.length, 0, ret);
    ret->sealed = true;
}

/* The event at pos in the log, as it stands there. */
static int next_outer(struct bt_reader *r, struct bt_event *ret, struct bt_err *err)
{
    struct bt_frame frame = {0};
    uint32_t skip = BT_EVENT_HEADER_SIZE, trailer;
    int rc;

    rc = bt_reader_frame(r, &frame, err);
    if (rc < 0)
        return bt_err_wrap(err, "%s:%llu", r->source->name, (unsigned long long)r->pos);
    if (rc > 0)
        return rc;
    if (r->is_sealed && !r->cipher) {
        hand_out_sealed(r, &frame, ret);
        return 0;
    }
    if (frame.header.type == BT_FORMAT_DESCRIPTION) {
        if ((rc = adopt_format(r, &frame)) != 0)
            return rc;
        trailer = r->format.knows_checksums ? BT_CHECKSUM_SIZE : 0;
    } else {
        trailer = r->format.checksum ? BT_CHECKSUM_SIZE : 0;
        if (frame.header.type != BT_ROTATE)
            skip = r->format.header_length;
    }
    hand_out(r, &frame.header, skip, trailer, ret);
    if (r->is_sealed) { /* the window holds it encrypted */
        ret->raw = frame.bytes;
        ret->body = bt_slice(frame.bytes.ptr + skip, frame.bytes.len - skip - trailer);
    }
    return 0;
}

static int next_slowly(struct bt_reader *r, struct bt_event *ret, struct bt_err *err)
{
    int rc;

    if (r->end.kind != BT_END_NOT_YET)
        return 1;
    if (r->in_payload) {
        rc = next_inner(r, ret, err);
        if (rc == 0)
            return 0;
        if (rc < 0)
            return end_at_wrapped(r, &r->outer, err);
    }
    if (r->pos >= r->stop_pos)
        return bt_reader_end_log(r, BT_END_CLEAN, r->pos, "%s", "");
    rc = next_outer(r, ret, err);
    if (rc != 0)
        return rc;
    if (!ret->sealed && is_wrapped(ret->type) && !r->opts.keep_compressed)
        rc = unwrap(r, ret, err);
    else if (ret->type == BT_START_ENCRYPTION)
        rc = begin_encryption(r, ret, err);
    return rc < 0 ? end_at_wrapped(r, ret, err) : 0;
}

int bt_reader_next(struct bt_reader *r, struct bt_event *ret, struct bt_err *err)
{
    struct bt_event_header h;
    struct bt_cursor c;

    if (r->next_found == r->found_count && !bt_reader_find(r, true))
        return next_slowly(r, ret, err);
    c = bt_cursor(r->window);
    r->next_found++;
    if (!bt_event_header_take(&c, &h))
        return bt_fail(err, BT_ERR_BUG, "an event lost its header");
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
        return bt_reader_end_log(r, BT_END_TORN, 0, "%zu bytes of a log header of %d", start.len,
                                 MAGIC_SIZE);
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

/* What was found ahead may have been looked at less closely than what comes is to be. */
static void move_to(struct bt_reader *r, uint64_t pos)
{
    if (r->pos != pos)
        r->window = bt_slice_empty();
    r->pos = pos;
    r->next_found = r->found_count = 0;
}

/* The caller knows which FORMAT_DESCRIPTION is in force: it is read, and nothing between it and
 * start_pos. */
static int jump_to_start(struct bt_reader *r, struct bt_err *err)
{
    struct bt_event ev;
    int rc;

    move_to(r, r->opts.format_pos);
    rc = bt_reader_next(r, &ev, err);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    if (ev.type != BT_FORMAT_DESCRIPTION)
        return bt_fail(err, BT_ERR_REALITY, "no FORMAT_DESCRIPTION stands at %llu of \"%s\"",
                       (unsigned long long)ev.offset, r->source->name);
    move_to(r, r->opts.start_pos);
    return 0;
}

/* Goes to start_pos with the format that is in force there: in a binary log the first one, in a
 * relay log the last one on the way.  An encrypted log says so in its second event. */
static int go_to_start(struct bt_reader *r, uint64_t start_pos, struct bt_err *err)
{
    struct bt_reader_opts opts = r->opts;
    struct bt_event ev = {.offset = MAGIC_SIZE};
    int rc = 0;

    if (start_pos <= MAGIC_SIZE)
        return 0;
    rc = bt_reader_next(r, &ev, err);
    r->opts.skip_crc = r->opts.keep_compressed = true;
    if (rc == 0 && r->pos < start_pos)
        rc = bt_reader_next(r, &ev, err);
    if (rc == 0 && r->is_relay_log && opts.format_pos >= r->pos && opts.format_pos < start_pos) {
        r->opts = opts;
        return jump_to_start(r, err);
    }
    while (rc == 0 && r->is_relay_log && r->pos < start_pos)
        rc = bt_reader_next(r, &ev, err);
    r->opts = opts;
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    if (r->pos > start_pos)
        return bt_fail(err, BT_ERR_REALITY, "offset %llu of \"%s\" is inside the event at %llu",
                       (unsigned long long)start_pos, r->source->name,
                       (unsigned long long)ev.offset);
    move_to(r, start_pos);
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
    bt_buf_init(&r->opened, 2 * (size_t)r->opts.event_size_max);
    bt_unwrapper_init(&r->unwrapper, r->opts.inflate_max);
    rc = check_magic(r, err);
    if (rc < 0 || (rc == 0 && go_to_start(r, opts.start_pos, err) != 0))
        return -1;
    *ret = bt_steal(r);
    return 0;
}

void bt_reader_close(struct bt_reader *r)
{
    if (!r)
        return;
    bt_unwrapper_done(&r->unwrapper);
    bt_payload_free(r->payload);
    close_cipher(r);
    bt_buf_done(&r->opened);
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
