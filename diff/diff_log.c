/* SPDX-License-Identifier: Apache-2.0 */
#include "diff/diff_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/auto.h"
#include "diff/diff_log_priv.h"
#include "diff/digest.h"

enum { GTID_LIST_MAX = 16 << 20 };

/* One source while it is copied from. */
struct feed {
    struct bt_source *source;
    struct bt_reader *reader;
    uint32_t log;
    uint64_t at;             /* offset of the next event */
    struct bt_event pending; /* read, but not used yet */
    bool has_pending;
};

struct writer {
    const struct bt_missing *m;
    const struct bt_diff_log_opts *opts;
    struct bt_diff_out out;
    struct bt_manifest *manifest;
    struct bt_digest *digest;
    struct feed *feeds; /* one per source of m */
};

/* ------------------------------------------------------------------- reading */

static void feed_close(struct feed *f)
{
    bt_reader_close(f->reader);
    bt_source_close(f->source);
    *f = (struct feed){0};
}

static int feed_open(struct feed *f, const struct bt_missing_source *source, uint32_t log,
                     uint64_t pos, uint64_t format_pos, struct bt_err *err)
{
    struct bt_reader_opts opts = {
        .start_pos = pos, .format_pos = format_pos, .keys = source->set->opener->keys};
    int got;

    feed_close(f);
    got = bt_log_set_open(source->set, log, &f->source, err);
    if (got > 0)
        return bt_fail(err, BT_ERR_REALITY, "log \"%s\" of \"%s\" is gone",
                       source->set->logs[log].name, source->name);
    if (got < 0 || bt_reader_open(f->source, opts, &f->reader, err) != 0)
        return -1;
    f->log = log;
    f->at = pos;
    return 0;
}

/* The next event of the source from the offset on: 0.  1: this log has none left. */
static int feed_next(struct feed *f, const struct bt_missing_source *source, uint64_t from,
                     struct bt_event *ret, struct bt_err *err)
{
    int got;

    do {
        if (f->has_pending) {
            *ret = f->pending;
            f->has_pending = false;
            got = 0;
        } else {
            got = bt_reader_next(f->reader, ret, err);
        }
        if (got == 0)
            f->at = ret->offset + ret->raw.len;
    } while (got == 0 && ret->offset < from);
    if (got < 0)
        return bt_err_wrap(err, "source \"%s\"", source->name);
    return got;
}

/* Events that stand inside a transaction only because the log was changed there. */
static bool belongs_to_log(const struct bt_event *ev)
{
    switch (ev->type) {
    case BT_FORMAT_DESCRIPTION:
    case BT_ROTATE:
    case BT_STOP:
    case BT_GTID_LIST:
    case BT_PREVIOUS_GTIDS:
    case BT_BINLOG_CHECKPOINT:
    case BT_START_ENCRYPTION:
    case BT_HEARTBEAT:
    case BT_HEARTBEAT_V2:
    case BT_SLAVE:
        return true;
    default:
        return false;
    }
}

/* ------------------------------------------------------------------- writing */

/* Whether events of this format can stand behind that FORMAT_DESCRIPTION. */
static bool same_format(const struct bt_format *a, const struct bt_format *b)
{
    return strcmp(a->server_version, b->server_version) == 0 &&
           a->header_length == b->header_length && a->type_count == b->type_count &&
           memcmp(a->post_header_length, b->post_header_length, sizeof(a->post_header_length)) == 0;
}

/* MariaDB opens each log with the state in front of it, MySQL with the set. */
static int put_state(struct writer *w, uint32_t when, struct bt_err *err)
{
    const struct bt_gtid_state *before = &w->m->before;
    bt_auto_buf struct bt_buf body = {.max = GTID_LIST_MAX};

    if (w->out.format.flavor != BT_FLAVOR_MARIADB) {
        if (w->out.format.version_number < 50605)
            return 0;
        bt_previous_gtids_add(&w->m->before_set, &body);
        if (bt_buf_check(&body, "PREVIOUS_GTIDS", err) != 0)
            return -1;
        return bt_diff_out_own(&w->out, BT_PREVIOUS_GTIDS, when, BT_FLAG_IGNORABLE,
                               bt_buf_slice(&body), err);
    }
    if (w->out.format.version_number < 100002)
        return 0;
    bt_buf_add_le(&body, before->count, 4);
    for (size_t i = 0; i < before->count; i++) {
        bt_buf_add_le(&body, before->items[i].domain, 4);
        bt_buf_add_le(&body, before->items[i].server_id, 4);
        bt_buf_add_le(&body, before->items[i].sequence, 8);
    }
    if (bt_buf_check(&body, "a GTID_LIST", err) != 0)
        return -1;
    return bt_diff_out_own(&w->out, BT_GTID_LIST, when, 0, bt_buf_slice(&body), err);
}

static int put_head(struct writer *w, const struct bt_format *format, uint32_t when,
                    struct bt_err *err)
{
    bool is_first = !w->out.has_format;
    uint32_t server_id = w->opts->server_id ? w->opts->server_id : format->server_id;

    if (!is_first && same_format(&w->out.format, format))
        return 0;
    if (bt_diff_out_format(&w->out, format, when, server_id, err) != 0)
        return -1;
    if (!is_first)
        return 0;
    snprintf(w->manifest->server_version, sizeof(w->manifest->server_version), "%s",
             format->server_version);
    w->manifest->checksum = w->out.checksum;
    return put_state(w, when, err);
}

/* Copies one event of a transaction; inner events only count towards the digest. */
static int put_event(struct writer *w, const struct bt_event *ev, struct bt_manifest_item *item,
                     struct bt_err *err)
{
    uint64_t written;

    if (!ev->sealed)
        bt_digest_event(w->digest, ev);
    if (ev->inner)
        return 0;
    if (put_head(w, ev->format, ev->header.when, err) != 0 ||
        bt_diff_out_event(&w->out, ev, &written, err) != 0)
        return -1;
    item->bytes += written;
    item->events++;
    return 0;
}

static int copy_damaged(const struct writer *w, const struct bt_missing_item *from,
                        const struct feed *f, struct bt_err *err)
{
    const struct bt_missing_source *source = &w->m->sources[from->source];
    const struct bt_end *end = bt_reader_end(f->reader);
    char gtid[BT_GTID_TEXT_SIZE];

    return bt_fail(err, BT_ERR_CORRUPT,
                   "transaction %s cannot be copied whole from \"%s\": %s:%" PRIu64 " %s %s",
                   bt_gtid_text(&from->gtid, gtid), source->name, source->set->logs[f->log].name,
                   end->offset, bt_end_kind_name(end->kind), end->reason);
}

/* Brings the source's feed to the transaction: it is right there, or the log is opened anew, since
 * what lies between may be damaged. */
static int seek(struct writer *w, const struct bt_missing_item *from, struct bt_err *err)
{
    struct feed *f = &w->feeds[from->source];

    if (f->reader && f->log == from->log && f->at == from->start)
        return 0;
    return feed_open(f, &w->m->sources[from->source], from->log, from->start,
                     from->format_pos, err);
}

/* Whether the transaction's last byte is behind us.  The events inside of a payload all stand at
 * its place; the one that follows them, or the log's end, shows that they are done. */
static bool is_behind(const struct feed *f, const struct bt_missing_item *from,
                      const struct bt_event *ev)
{
    return f->log == from->end_log && ev->offset >= from->end;
}

static bool ends_here(const struct feed *f, const struct bt_missing_item *from,
                      const struct bt_event *ev)
{
    return f->log == from->end_log && ev->offset + ev->raw.len >= from->end && !ev->inner &&
           ev->type != BT_TRANSACTION_PAYLOAD;
}

/* Copies the events from the feed's place to the transaction's end. */
static int copy_events(struct writer *w, const struct bt_missing_item *from,
                       struct bt_manifest_item *item, struct bt_err *err)
{
    const struct bt_missing_source *source = &w->m->sources[from->source];
    struct feed *f = &w->feeds[from->source];
    uint64_t start = from->start;
    struct bt_event ev;

    for (;;) {
        int got = feed_next(f, source, start, &ev, err);

        if (got < 0)
            return -1;
        if (got > 0 && f->log == from->end_log)
            return f->at >= from->end && item->events ? 0 : copy_damaged(w, from, f, err);
        if (got > 0) {
            if (feed_open(f, source, f->log + 1, 0, 0, err) != 0)
                return -1;
            start = 0;
            continue;
        }
        if (is_behind(f, from, &ev)) {
            f->pending = ev;
            f->has_pending = true;
            f->at = ev.offset;
            return item->events ? 0 : copy_damaged(w, from, f, err);
        }
        if (!belongs_to_log(&ev) && put_event(w, &ev, item, err) != 0)
            return -1;
        if (ends_here(f, from, &ev))
            return 0;
    }
}

static int put_transaction(struct writer *w, const struct bt_missing_item *from, struct bt_err *err)
{
    struct bt_manifest_item item = {.gtid = from->gtid,
                                    .file = from->file,
                                    .pos = from->pos,
                                    .end = from->end_pos,
                                    .kind = from->kind};

    bt_digest_reset(w->digest);
    if (seek(w, from, err) != 0 || copy_events(w, from, &item, err) != 0)
        return -1;
    item.digest = bt_digest_value(w->digest);
    w->manifest->transactions++;
    w->manifest->events += item.events;
    w->manifest->bytes += item.bytes;
    return bt_manifest_add(w->manifest, &item, err);
}

/* ----------------------------------------------------------------- the whole */

static int describe_sources(struct writer *w, struct bt_err *err)
{
    const struct bt_missing *m = w->m;
    struct bt_manifest *out = w->manifest;
    uint32_t used = 0;

    for (size_t i = 0; i < m->count; i++)
        used |= 1u << m->items[i].source;
    out->sources = bt_arena_array(&out->arena, m->source_count, sizeof(*out->sources));
    out->cuts = bt_arena_array(&out->arena, m->cut_count, sizeof(*out->cuts));
    out->files = bt_arena_array(&out->arena, m->file_count, sizeof(*out->files));
    if (!out->sources || !out->cuts || !out->files)
        return bt_arena_fail(&out->arena, "a manifest", err);
    for (size_t i = 0; i < m->source_count; i++) {
        if (!(used >> i & 1))
            continue;
        out->sources[out->source_count] =
            bt_arena_str(&out->arena, bt_slice_str(m->sources[i].name));
        if (!out->sources[out->source_count++])
            return bt_arena_fail(&out->arena, "a manifest", err);
    }
    for (size_t i = 0; i < m->file_count; i++) {
        out->files[i] = bt_arena_str(&out->arena, bt_slice_str(m->files[i]));
        if (!out->files[i])
            return bt_arena_fail(&out->arena, "a manifest", err);
    }
    out->file_count = m->file_count;
    for (size_t i = 0; i < m->cut_count; i++) {
        const struct bt_missing_cut *from = &m->cuts[i];
        struct bt_manifest_cut *cut = &out->cuts[i];

        cut->source = bt_arena_str(&out->arena, bt_slice_str(m->sources[from->source].name));
        cut->at = bt_arena_strf(&out->arena, "%s:%" PRIu64, from->cut.log, from->cut.at);
        cut->reason = bt_arena_strf(&out->arena, "%s: %s", bt_cut_kind_name(from->cut.kind),
                                    from->cut.reason);
        if (!cut->source || !cut->at || !cut->reason)
            return bt_arena_fail(&out->arena, "a manifest", err);
    }
    out->cut_count = m->cut_count;
    if (m->lost.len == 0)
        return 0;
    out->lost = bt_arena_str(&out->arena, bt_buf_slice(&m->lost));
    return out->lost ? 0 : bt_arena_fail(&out->arena, "a manifest", err);
}

/* A set without transactions is a log without any: its format is that of the first log that can be
 * read. */
static int put_empty(struct writer *w, struct bt_err *err)
{
    for (size_t i = 0; i < w->m->source_count; i++) {
        const struct bt_log_set *set = w->m->sources[i].set;

        for (size_t k = set->count; k > 0; k--) {
            struct feed *f = &w->feeds[i];
            struct bt_err ignored = {0};
            struct bt_event ev;

            if (set->logs[k - 1].missing ||
                feed_open(f, &w->m->sources[i], (uint32_t)(k - 1), 0, 0, &ignored) != 0 ||
                feed_next(f, &w->m->sources[i], 0, &ev, &ignored) != 0)
                continue;
            return put_head(w, ev.format, ev.header.when, err);
        }
    }
    return bt_fail(err, BT_ERR_REALITY, "no log of any source can be read");
}

static int write_all(struct writer *w, struct bt_err *err)
{
    const struct bt_missing *m = w->m;
    uint32_t when = m->count ? m->items[m->count - 1].when : 0;

    if (describe_sources(w, err) != 0)
        return -1;
    for (size_t i = 0; i < m->count; i++) {
        if (put_transaction(w, &m->items[i], err) != 0)
            return -1;
    }
    if (m->count == 0 && put_empty(w, err) != 0)
        return -1;
    if (bt_diff_out_own(&w->out, BT_STOP, when, 0, bt_slice_empty(), err) != 0)
        return -1;
    return bt_diff_out_finish(&w->out, w->manifest->xxh3, err);
}

int bt_diff_log_write(const struct bt_missing *m, const struct bt_diff_log_opts *opts,
                      struct bt_sink sink, struct bt_manifest *ret, struct bt_err *err)
{
    bt_auto_digest struct bt_digest *digest = bt_digest_new();
    bt_auto_free struct feed *feeds = calloc(m->source_count + 1, sizeof(*feeds));
    struct bt_manifest manifest;
    struct writer w = {
        .m = m, .opts = opts, .manifest = &manifest, .digest = digest, .feeds = feeds};
    int failed;

    if (!digest || !feeds)
        return bt_fail(err, BT_ERR_SYSTEM, "no memory to write a diff log");
    if (bt_diff_out_begin(&w.out, opts, sink, err) != 0)
        return -1;
    bt_manifest_init(&manifest);
    failed = write_all(&w, err);
    for (size_t i = 0; i < m->source_count; i++)
        feed_close(&feeds[i]);
    bt_diff_out_done(&w.out);
    if (failed) {
        bt_manifest_done(&manifest);
        return -1;
    }
    *ret = manifest;
    return 0;
}
